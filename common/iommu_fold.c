/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device that faults once mostly faults again at once: an SMMU writes a record for every
 * beat of a burst. The first record of a kind, at a page, by a stream, is printed; the others
 * are counted and printed as a number when a second has passed, then after two, four and so on
 * while they go on coming. A number that is hardly worth its line waits for more. A few of these
 * are remembered at a time.
 */
#include <corbel/iommu_parts.h>

#include <arch/time.h>
#include <corbel/bits.h>
#include <corbel/compiler.h>
#include <corbel/string.h>

#define FOLDS      16u
#define COUNT_MIN  8u  /* for a line */
#define WINDOW_MIN 1u  /* s */
#define WINDOW_MAX 64u /* s */

static struct iommu_fold folds[FOLDS];

void iommu_fold_init(void)
{
    memset(folds, 0, sizeof(folds));
}

static bool is_before(u64 a, u64 b)
{
    return (s64)(a - b) < 0;
}

static bool is_same(const struct iommu_fold *a, const struct iommu_fold *b)
{
    return a->domain == b->domain && a->iommu == b->iommu && a->kind == b->kind &&
           a->write == b->write && a->stream == b->stream && a->has_address == b->has_address &&
           a->page == b->page;
}

/* A free place, or the one that was quiet for the longest time. */
static struct iommu_fold *take_place(void)
{
    struct iommu_fold *place = &folds[0];

    for (u32 i = 0; i < FOLDS; i++) {
        if (!folds[i].used)
            return &folds[i];
        if (is_before(folds[i].due, place->due))
            place = &folds[i];
    }
    return place;
}

bool iommu_fold_add(const struct iommu_fold *key, u64 n, u64 now, struct iommu_fold *evicted)
{
    struct iommu_fold *place;

    evicted->used = false;
    for (u32 i = 0; i < FOLDS; i++) {
        if (!folds[i].used || !is_same(&folds[i], key))
            continue;
        folds[i].count += n;
        folds[i].seen = true;
        return false;
    }
    place = take_place();
    *evicted = *place;
    evicted->used = place->used && place->count >= COUNT_MIN;
    *place = *key;
    place->used = true;
    place->count = 0;
    place->seen = false;
    place->window = WINDOW_MIN * arch_time_freq();
    place->due = now + place->window;
    return true;
}

bool iommu_fold_due(u64 now, struct iommu_fold *out)
{
    for (u32 i = 0; i < FOLDS; i++) {
        struct iommu_fold *f = &folds[i];

        if (!f->used || is_before(now, f->due))
            continue;
        f->used = f->seen; /* else it is over */
        if (!f->seen)
            continue;
        f->seen = false;
        f->window = MIN(2 * f->window, WINDOW_MAX * arch_time_freq());
        f->due = now + f->window;
        if (f->count < COUNT_MIN)
            continue;
        *out = *f;
        f->count = 0;
        return true;
    }
    return false;
}

u64 iommu_fold_deadline(void)
{
    u64 first = ~0ull;

    for (u32 i = 0; i < FOLDS; i++) {
        if (folds[i].used && (first == ~0ull || is_before(folds[i].due, first)))
            first = folds[i].due;
    }
    return first;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The book of given devices: one list of host ranges and SPIs with their owners, short
 * enough to be searched from end to end. One instance, one lock (RANK_ASSIGN).
 */
#include <corbel/assign.h>

#include <arch/spinlock.h>

struct holding {
    u32 owner;
    u32 intid;              /* 0: a range */
    struct mem_range range; /* of size 0 for an SPI */
};

/* All of it under lock. */
static struct {
    spinlock_t lock;
    u32 count;
    struct holding list[ASSIGN_MAX]; /* in no order */
} book = { .lock = SPINLOCK_INIT(RANK_ASSIGN) };

static bool ranges_overlap(const struct mem_range *a, const struct mem_range *b)
{
    return a->base < b->base + b->size && b->base < a->base + a->size;
}

static const struct holding *find(const struct holding *want)
{
    for (u32 i = 0; i < book.count; i++) {
        const struct holding *h = &book.list[i];

        if (want->intid ? h->intid == want->intid
                        : !h->intid && ranges_overlap(&h->range, &want->range))
            return h;
    }
    return NULL;
}

static enum corbel_err enter(const struct holding *want, u32 *other)
{
    const struct holding *clash;
    enum corbel_err err = CORBEL_OK;

    spin_lock(&book.lock);
    clash = find(want);
    if (clash) {
        *other = clash->owner;
        if (!want->intid || clash->owner != want->owner)
            err = ERR_EXIST;
    } else if (book.count == ASSIGN_MAX) {
        err = ERR_NOMEM;
    } else {
        book.list[book.count++] = *want;
    }
    spin_unlock(&book.lock);
    return err;
}

enum corbel_err assign_region(u32 owner, const struct mem_range *r, u32 *other)
{
    struct holding want = { .owner = owner, .range = *r };

    if (!r->size)
        return ERR_INVAL;
    if (r->base + r->size < r->base)
        return ERR_RANGE;
    return enter(&want, other);
}

enum corbel_err assign_irq(u32 owner, u32 intid, u32 *other)
{
    struct holding want = { .owner = owner, .intid = intid };

    if (!intid)
        return ERR_INVAL;
    return enter(&want, other);
}

void assign_release(u32 owner)
{
    u32 kept = 0;

    spin_lock(&book.lock);
    for (u32 i = 0; i < book.count; i++)
        if (book.list[i].owner != owner)
            book.list[kept++] = book.list[i];
    book.count = kept;
    spin_unlock(&book.lock);
}

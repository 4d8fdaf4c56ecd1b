/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The book of given devices: one list of host ranges, SPIs and streams with their owners, short
 * enough to be searched from end to end. One instance, one lock (RANK_ASSIGN).
 */
#include <corbel/assign.h>

#include <arch/spinlock.h>
#include <corbel/iommu_map.h>

enum holding_kind { HOLDING_RANGE, HOLDING_IRQ, HOLDING_STREAMS };

struct holding {
    u32 owner;
    u8 kind; /* enum holding_kind */
    union {
        u32 intid;
        struct mem_range range;
        struct iommu_map_entry streams;
    };
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

static bool clashes(const struct holding *a, const struct holding *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case HOLDING_RANGE:
        return ranges_overlap(&a->range, &b->range);
    case HOLDING_IRQ:
        return a->intid == b->intid;
    default:
        return iommu_map_overlap(&a->streams, &b->streams);
    }
}

static const struct holding *find(const struct holding *want)
{
    for (u32 i = 0; i < book.count; i++)
        if (clashes(&book.list[i], want))
            return &book.list[i];
    return NULL;
}

static bool is_same_entry(const struct iommu_map_entry *a, const struct iommu_map_entry *b)
{
    return a->iommu == b->iommu && a->stream.first == b->stream.first &&
           a->stream.count == b->stream.count && a->stream.mask == b->stream.mask;
}

/* May both be held by one owner? */
static bool is_shared(const struct holding *a, const struct holding *b)
{
    if (a->owner != b->owner || a->kind == HOLDING_RANGE)
        return false;
    return a->kind == HOLDING_IRQ || is_same_entry(&a->streams, &b->streams);
}

static enum corbel_err enter(const struct holding *want, u32 *other)
{
    const struct holding *clash;
    enum corbel_err err = CORBEL_OK;

    spin_lock(&book.lock);
    clash = find(want);
    if (clash) {
        *other = clash->owner;
        if (!is_shared(clash, want))
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
    struct holding want = { .owner = owner, .kind = HOLDING_RANGE, .range = *r };

    if (!r->size)
        return ERR_INVAL;
    if (r->base + r->size < r->base)
        return ERR_RANGE;
    return enter(&want, other);
}

enum corbel_err assign_irq(u32 owner, u32 intid, u32 *other)
{
    struct holding want = { .owner = owner, .kind = HOLDING_IRQ, .intid = intid };

    if (!intid)
        return ERR_INVAL;
    return enter(&want, other);
}

enum corbel_err assign_streams(u32 owner, const struct iommu_map_entry *entry, u32 *other)
{
    struct holding want = { .owner = owner, .kind = HOLDING_STREAMS, .streams = *entry };

    if (!entry->stream.count)
        return ERR_INVAL;
    return enter(&want, other);
}

__resident void assign_release(u32 owner)
{
    u32 kept = 0;

    spin_lock(&book.lock);
    for (u32 i = 0; i < book.count; i++)
        if (book.list[i].owner != owner)
            book.list[kept++] = book.list[i];
    book.count = kept;
    spin_unlock(&book.lock);
}

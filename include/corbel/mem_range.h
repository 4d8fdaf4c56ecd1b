/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_MEM_RANGE_H
#define CORBEL_MEM_RANGE_H

#include <corbel/page.h>
#include <corbel/types.h>

/* Questions about ranges of addresses from trees: right for any numbers, none of them wraps. */

/* Do they share a byte? An empty range shares none. */
static inline bool mem_range_overlap(const struct mem_range *a, const struct mem_range *b)
{
    if (a->base <= b->base)
        return b->base - a->base < a->size && b->size;
    return a->base - b->base < b->size && a->size;
}

static inline bool mem_range_contains(const struct mem_range *outer, const struct mem_range *inner)
{
    u64 offset = inner->base - outer->base;

    return inner->base >= outer->base && offset <= outer->size &&
           inner->size <= outer->size - offset;
}

/* Wholly inside one entry of a list (RAM banks, reservations). */
static inline bool mem_range_inside_any(const struct mem_range *list, u32 count,
                                        const struct mem_range *range)
{
    for (u32 i = 0; i < count; i++)
        if (mem_range_contains(&list[i], range))
            return true;
    return false;
}

/* Bytes in all; the list must not overlap (RAM banks). */
static inline u64 mem_range_total(const struct mem_range *list, u32 count)
{
    u64 total = 0;

    for (u32 i = 0; i < count; i++)
        total += list[i].size;
    return total;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of a domain's emulated and forwarded register blocks: sorted by address,
 * filled while the domain is built, read without a lock ever after. Each exit to one
 * searches it: by halves, without a branch that depends on what is found.
 */
#include <corbel/vdev.h>

#include <corbel/compiler.h>

__init enum corbel_err mmio_add(struct mmio_table *t, const struct mmio_region *region)
{
    u64 last = region->base + region->size - 1;
    u32 pos, i;

    if (!region->size || last < region->base || !region->ops)
        return ERR_INVAL;
    for (pos = 0; pos < t->count && t->regions[pos].base <= last; pos++) {
        if (t->regions[pos].base + t->regions[pos].size - 1 >= region->base)
            return ERR_EXIST;
    }
    if (t->count == ARRAY_SIZE(t->regions))
        return ERR_NOMEM;
    for (i = t->count; i > pos; i--)
        t->regions[i] = t->regions[i - 1];
    t->regions[pos] = *region;
    t->count++;
    return CORBEL_OK;
}

const struct mmio_region *mmio_find(const struct mmio_table *t, ipa_t ipa)
{
    const struct mmio_region *r = t->regions;
    u32 half;

    /* r: the last one that starts at or below ipa, if any does. */
    for (u32 n = t->count; n > 1; n -= half) {
        half = n / 2;
        r = r[half].base <= ipa.v ? r + half : r;
    }
    /* Below the first one the difference wraps around: larger than any size. */
    return t->count && ipa.v - r->base < r->size ? r : NULL;
}

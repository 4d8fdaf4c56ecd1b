/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host RAM for a domain whose guest-physical addresses are the host's: it cannot be
 * one range at any price, so it is taken in chunks of falling size. A chunk is looked
 * for beside those taken already before the allocator chooses: the fewer banks, the
 * easier a kernel, its ramdisk and its DMA buffers find room. Called while a domain is
 * planned or goes; the frame allocator has the only lock.
 */
#include <corbel/directmem.h>

#include <corbel/bits.h>
#include <corbel/string.h>

#define CHUNK_ORDER_MIN 9u /* 2 MiB: what one entry of a stage-2 table maps */

struct taking {
    struct mem_range *banks; /* by address, never adjacent */
    u32 count;
    u64 limit; /* 0: none */
};

static void bank_remove(struct taking *t, u32 at)
{
    t->count--;
    memmove(&t->banks[at], &t->banks[at + 1], (t->count - at) * sizeof(*t->banks));
}

/* Into the list, as part of its neighbors where they touch. ERR_NOMEM: it is full. */
static enum corbel_err bank_insert(struct taking *t, u64 base, u64 size)
{
    u32 at = 0;

    while (at < t->count && t->banks[at].base < base)
        at++;
    if (at && t->banks[at - 1].base + t->banks[at - 1].size == base) {
        t->banks[at - 1].size += size;
        if (at < t->count && base + size == t->banks[at].base) {
            t->banks[at - 1].size += t->banks[at].size;
            bank_remove(t, at);
        }
        return CORBEL_OK;
    }
    if (at < t->count && base + size == t->banks[at].base) {
        t->banks[at].base = base;
        t->banks[at].size += size;
        return CORBEL_OK;
    }
    if (t->count >= DIRECTMEM_BANKS_MAX)
        return ERR_NOMEM;
    memmove(&t->banks[at + 1], &t->banks[at], (t->count - at) * sizeof(*t->banks));
    t->banks[at] = (struct mem_range){ base, size };
    t->count++;
    return CORBEL_OK;
}

static bool take_exactly(const struct taking *t, u64 base, u64 size, pa_t *out)
{
    struct mem_range in = { base, size };

    if (t->limit && (size > t->limit || base > t->limit - size))
        return false;
    return page_alloc_within(&in, size, PAGE_SIZE, out) == CORBEL_OK;
}

static bool take_beside(const struct taking *t, u64 size, pa_t *out)
{
    for (u32 i = 0; i < t->count; i++) {
        const struct mem_range *bank = &t->banks[i];

        if (take_exactly(t, bank->base + bank->size, size, out))
            return true;
        if (bank->base >= size && take_exactly(t, bank->base - size, size, out))
            return true;
    }
    return false;
}

/* One chunk of at most this order; *order is then what it has. */
static enum corbel_err take_chunk(const struct taking *t, u32 *order, u32 lowest, pa_t *out)
{
    for (;; (*order)--) {
        if (take_beside(t, PAGE_SIZE << *order, out) ||
            page_alloc(*order, t->limit, out) == CORBEL_OK)
            return CORBEL_OK;
        if (*order <= lowest)
            return ERR_NOMEM;
    }
}

enum corbel_err directmem_alloc(u64 size, u64 limit, struct mem_range *banks, u32 *count)
{
    struct taking t = { .banks = banks, .limit = limit };
    u32 order = PAGE_ORDER_MAX;
    enum corbel_err err = CORBEL_OK;
    u64 left = size / PAGE_SIZE;

    *count = 0;
    if (!size || !IS_ALIGNED(size, PAGE_SIZE))
        return ERR_INVAL;
    while (left && err == CORBEL_OK) {
        u32 lowest = left >> CHUNK_ORDER_MIN ? CHUNK_ORDER_MIN : 0;
        pa_t pa;

        order = MIN(order, bit_highest(left));
        err = take_chunk(&t, &order, lowest, &pa);
        if (err != CORBEL_OK)
            break;
        err = bank_insert(&t, pa.v, PAGE_SIZE << order);
        if (err != CORBEL_OK)
            page_free(pa, order);
        left -= BIT(order);
    }
    if (err != CORBEL_OK)
        directmem_free(banks, t.count);
    else
        *count = t.count;
    return err;
}

__resident void directmem_free(const struct mem_range *banks, u32 count)
{
    for (u32 i = 0; i < count; i++)
        page_free_range(PA(banks[i].base), banks[i].size);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What RAM is free: the banks less all that is kept. Asked when the frame allocator starts, and
 * again when modules go (build_modules.c), so it is no code of the boot alone. Pure.
 */
#include <corbel/platform.h>

#include <corbel/bits.h>
#include <corbel/platform_parts.h>

/* The i-th hole, rounded outwards to pages; false past the end. Unused slots have size 0. */
static bool hole_at(const struct platform *p, u32 i, struct mem_range *out)
{
    u64 end;

    if (i < p->reserved_count)
        *out = p->reserved[i];
    else if ((i -= p->reserved_count) < p->static_count)
        *out = p->statics[i].range;
    else if ((i -= p->static_count) < p->module_count)
        *out = p->modules[i].used ? (struct mem_range){ 0, 0 } : p->modules[i].range;
    else if ((i -= p->module_count) < 2)
        *out = i == 0 ? p->self : p->tree;
    else
        return false;

    if (out->size == 0)
        return true;
    end = platform_range_end(out);
    end = end > ~0ull - PAGE_SIZE ? ~0ull : ALIGN_UP(end, PAGE_SIZE);
    out->base = ALIGN_DOWN(out->base, PAGE_SIZE);
    out->size = end - out->base;
    return true;
}

/* The lowest hole that ends above address; size 0 when there is none. */
static struct mem_range next_hole(const struct platform *p, u64 address)
{
    struct mem_range lowest = { ~0ull, 0 };
    struct mem_range hole;
    u32 i;

    for (i = 0; hole_at(p, i, &hole); i++) {
        if (hole.size != 0 && platform_range_end(&hole) > address && hole.base < lowest.base)
            lowest = hole;
    }
    return lowest;
}

u32 platform_free_ranges(const struct platform *p, const struct mem_range *within,
                         struct mem_range *out, u32 max)
{
    const struct mem_range *banks = p->static_heap_count ? p->static_heap : p->banks;
    u32 bank_count = p->static_heap_count ? p->static_heap_count : p->bank_count;
    u64 low = within ? within->base : 0;
    u64 high = within ? platform_range_end(within) : ~0ull;
    struct mem_range hole;
    u32 count = 0;
    u32 i;

    for (i = 0; i < bank_count; i++) {
        u64 bank_end = MIN(platform_range_end(&banks[i]), high);
        u64 at = MAX(banks[i].base, low);

        while (at < bank_end && count < max) {
            u64 stop = bank_end;
            u64 next = bank_end;

            hole = next_hole(p, at);
            if (hole.size != 0 && hole.base < bank_end) {
                stop = MAX(hole.base, at);
                next = platform_range_end(&hole);
            }
            if (stop > at)
                out[count++] = (struct mem_range){ at, stop - at };
            at = next;
        }
    }
    return count;
}

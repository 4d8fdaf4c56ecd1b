/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partial device trees against the host's: which node of the host a region belongs to, and
 * whether handing it out hands out somebody else's registers, too. Scripts give whole pages for
 * devices that are smaller; that is fine as long as nobody lives in the rest of the page. Pure.
 */
#include <corbel/passdt_parts.h>

#include <corbel/bits.h>
#include <corbel/fdt_read.h>
#include <corbel/mem_range.h>

#define CELL_SIZE 4u

/* An end of 2^64 or close to it becomes one that cannot be reached: regions have 48 bits. */
static struct mem_range page_rounded(const struct mem_range *r)
{
    struct mem_range whole = { ALIGN_DOWN(r->base, PAGE_SIZE), 0 };
    u64 end = MIN(r->base + r->size, ~0ull - PAGE_SIZE);

    whole.size = ALIGN_UP(end, PAGE_SIZE) - whole.base;
    return whole;
}

int passdt_host_find(const void *host, const struct mem_range *r)
{
    int exact = -1, rounded = -1;
    u64 exact_size = 0, rounded_size = 0;
    struct fdtr_find f;

    fdtr_find_begin(&f, r->base, r->size);
    while (fdtr_find_next(host, &f)) {
        struct mem_range entry = { f.hit.base, f.hit.size };
        struct mem_range outer = page_rounded(&entry);

        /* Some have a reg that spans all of their devices, the disabled ones, too. */
        if (fdtr_compatible(host, f.node, "simple-bus"))
            continue;
        if (mem_range_contains(&entry, r) && (exact < 0 || entry.size <= exact_size)) {
            exact = f.node;
            exact_size = entry.size;
        }
        if (mem_range_contains(&outer, r) && (rounded < 0 || entry.size <= rounded_size)) {
            rounded = f.node;
            rounded_size = entry.size;
        }
    }
    return exact >= 0 ? exact : rounded;
}

/* The entry of node's reg that holds r, or does when rounded to pages. false: there is none. */
static bool holding_entry(const void *host, int node, const struct mem_range *r, bool round,
                          struct mem_range *out)
{
    struct mem_range entry, outer;
    u32 len = 0;

    (void)fdtr_prop(host, node, "reg", &len);
    for (u32 i = 0; i < len / CELL_SIZE; i++) {
        if (fdtr_reg_cpu(host, node, i, &entry.base, &entry.size) != CORBEL_OK || !entry.size)
            continue;
        outer = round ? page_rounded(&entry) : entry;
        /* Beside the registers in their page is not on them. */
        if (!mem_range_contains(&outer, r) || !mem_range_overlap(&entry, r))
            continue;
        *out = entry;
        return true;
    }
    return false;
}

static bool is_above(const void *host, int upper, int node)
{
    while (node >= 0 && node != upper)
        node = fdtr_parent(host, node);
    return node >= 0;
}

/* A bus may have a reg that spans its devices, a device one that its parts divide. */
static bool is_related(const void *host, int a, int b)
{
    return is_above(host, a, b) || is_above(host, b, a);
}

/* Who else has registers in [base, end)? Negative: nobody. */
static int stranger(const void *host, int node, u64 base, u64 end)
{
    struct fdtr_find f;

    if (base >= end)
        return -1;
    fdtr_find_begin(&f, base, end - base);
    while (fdtr_find_next(host, &f)) {
        if (!is_related(host, node, f.node))
            return f.node;
    }
    return -1;
}

enum corbel_err passdt_host_holds(const void *host, int node, const struct mem_range *r,
                                  int *neighbor, struct mem_range *exact)
{
    struct mem_range entry;
    u64 end = r->base + r->size;
    u64 entry_end;

    if (holding_entry(host, node, r, false, &entry))
        return CORBEL_OK;
    if (!holding_entry(host, node, r, true, &entry))
        return ERR_RANGE;
    entry_end = entry.base + entry.size;
    *neighbor = stranger(host, node, r->base, entry.base);
    if (*neighbor < 0)
        *neighbor = stranger(host, node, entry_end, end);
    if (*neighbor < 0)
        return CORBEL_OK;
    exact->base = MAX(r->base, entry.base);
    exact->size = MIN(end, entry_end) - exact->base;
    return ERR_EXIST;
}

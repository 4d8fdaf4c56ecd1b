/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the platform about memory that the tree gives away itself: static
 * memory and static shared memory of domains, which is kept out of the allocator
 * before anything is allocated, and the static heap, which is all that the
 * allocator gets. Only ranges that a domain can have are kept: those that are no
 * whole pages of RAM get the domain refused (domcfg_static.c), so nobody uses them.
 */
#include <corbel/platform_static.h>

#include <corbel/bits.h>
#include <corbel/domcfg.h>
#include <corbel/fdt_read.h>
#include <corbel/mem_range.h>
#include <corbel/platform.h>
#include <corbel/platform_parts.h>
#include <corbel/string.h>

#define CELL_SIZE 4u

/* A list of (address, size) pairs in so many cells each. */
struct pairs {
    const u8 *list;
    u32 len, address, size;
};

static bool is_cells(u32 count)
{
    return count == 1 || count == 2;
}

static enum corbel_err pair_at(const struct pairs *pairs, u32 index, struct mem_range *out)
{
    u32 entry = (pairs->address + pairs->size) * CELL_SIZE;
    const u8 *at;

    if (pairs->len == 0 || !is_cells(pairs->address) || !is_cells(pairs->size) ||
        pairs->len % entry != 0)
        return ERR_FORMAT;
    if (index >= pairs->len / entry)
        return ERR_NOENT;
    at = pairs->list + (size_t)index * entry;
    out->base = fdtr_read_cells(at, pairs->address);
    out->size = fdtr_read_cells(at + (size_t)pairs->address * CELL_SIZE, pairs->size);
    return CORBEL_OK;
}

/* Older trees count the cells on the domain; newer ones mean those of the domain's own reg. */
static void static_mem_cells(const void *fdt, int domain, struct pairs *pairs)
{
    static const char address[] = "#xen,static-mem-address-cells";
    static const char size[] = "#xen,static-mem-size-cells";

    if (fdtr_has(fdt, domain, address) || fdtr_has(fdt, domain, size)) {
        if (fdtr_u32(fdt, domain, address, &pairs->address) != CORBEL_OK ||
            fdtr_u32(fdt, domain, size, &pairs->size) != CORBEL_OK)
            pairs->address = 0;
    } else if (fdtr_cells(fdt, fdtr_parent(fdt, domain), &pairs->address, &pairs->size) !=
               CORBEL_OK) {
        pairs->address = pairs->size = 2;
    }
}

enum corbel_err platform_static_region(const void *fdt, int domain, u32 index,
                                       struct mem_range *out)
{
    struct pairs pairs = { 0 };

    pairs.list = fdtr_prop(fdt, domain, "xen,static-mem", &pairs.len);
    if (!pairs.list)
        return ERR_NOENT;
    static_mem_cells(fdt, domain, &pairs);
    return pair_at(&pairs, index, out);
}

bool platform_is_shm(const void *fdt, int node)
{
    return fdtr_compatible(fdt, node, "xen,domain-shared-memory-v1");
}

enum corbel_err platform_shm_read(const void *fdt, int node, struct platform_shm *out)
{
    u32 address, size, len;
    const u8 *list = fdtr_prop(fdt, node, "xen,shared-mem", &len);

    if (!list)
        return ERR_NOENT;
    if (fdtr_cells(fdt, fdtr_parent(fdt, node), &address, &size) != CORBEL_OK || address == 0 ||
        size == 0)
        return ERR_FORMAT;
    out->has_hpa = len == (2 * address + size) * CELL_SIZE;
    if (!out->has_hpa && len != (address + size) * CELL_SIZE)
        return ERR_FORMAT;
    out->hpa = out->has_hpa ? fdtr_read_cells(list, address) : 0;
    if (out->has_hpa)
        list += (size_t)address * CELL_SIZE;
    out->gpa = fdtr_read_cells(list, address);
    out->size = fdtr_read_cells(list + (size_t)address * CELL_SIZE, size);
    return CORBEL_OK;
}

/* ---- what the platform keeps ---- */

static bool is_ram_pages(const struct platform *p, const struct mem_range *range)
{
    return range->size != 0 && IS_ALIGNED(range->base | range->size, PAGE_SIZE) &&
           mem_range_inside_any(p->banks, p->bank_count, range);
}

/* The same range again adds nothing: it belongs to who named it first. */
static void keep(struct platform *p, const struct platform_static *entry)
{
    const struct mem_range *range = &entry->range;
    u32 i;

    if (!is_ram_pages(p, range))
        return;
    for (i = 0; i < p->static_count; i++) {
        if (p->statics[i].range.base == range->base && p->statics[i].range.size == range->size)
            return;
    }
    if (p->static_count < PLATFORM_STATIC_MAX) {
        p->statics[p->static_count++] = *entry;
        return;
    }
    platform_note(p, entry->node, "0x%llx+0x%llx: more than %u static ranges",
                  (unsigned long long)range->base, (unsigned long long)range->size,
                  PLATFORM_STATIC_MAX);
    platform_reserve(p, range->base, range->size);
}

static bool has_shm_id(const void *fdt, int node)
{
    const char *id;

    return fdtr_string(fdt, node, "xen,shm-id", &id) == CORBEL_OK && id[0] &&
           strlen(id) < SHM_ID_SIZE;
}

static void read_domain(struct platform *p, int domain)
{
    struct platform_static entry = { .domain_node = domain, .node = domain };
    enum corbel_err err;
    u32 i;
    int child;

    for (i = 0; (err = platform_static_region(p->fdt, domain, i, &entry.range)) == CORBEL_OK; i++)
        keep(p, &entry);
    if (err != ERR_NOENT)
        platform_note(p, domain, "xen,static-mem: expected pairs of address and size");

    for (child = fdtr_first_child(p->fdt, domain); child >= 0;
         child = fdtr_next_child(p->fdt, child)) {
        struct platform_shm shm;

        if (!platform_is_shm(p->fdt, child) || !has_shm_id(p->fdt, child) ||
            platform_shm_read(p->fdt, child, &shm) != CORBEL_OK || !shm.has_hpa)
            continue;
        entry.node = child;
        entry.range = (struct mem_range){ shm.hpa, shm.size };
        keep(p, &entry);
    }
}

/* ---- static heap ---- */

/* By address; false when it is no RAM, meets another, or is one too many. */
static bool add_heap(struct platform *p, const struct mem_range *range)
{
    u32 at = p->static_heap_count;
    u32 i;

    if (!is_ram_pages(p, range) || at == PLATFORM_HEAP_MAX)
        return false;
    for (i = 0; i < p->static_heap_count; i++) {
        if (mem_range_overlap(&p->static_heap[i], range))
            return false;
    }
    for (; at > 0 && p->static_heap[at - 1].base > range->base; at--)
        p->static_heap[at] = p->static_heap[at - 1];
    p->static_heap[at] = *range;
    p->static_heap_count++;
    return true;
}

static void read_heap(struct platform *p, int chosen)
{
    struct pairs pairs = { 0 };
    struct mem_range range;
    enum corbel_err err;
    u32 i;

    pairs.list = fdtr_prop(p->fdt, chosen, "xen,static-heap", &pairs.len);
    if (!pairs.list)
        return;
    if (fdtr_cells(p->fdt, chosen, &pairs.address, &pairs.size) != CORBEL_OK)
        pairs.address = pairs.size = 2;
    for (i = 0; (err = pair_at(&pairs, i, &range)) == CORBEL_OK; i++) {
        if (!add_heap(p, &range))
            platform_note(p, chosen,
                          "xen,static-heap: 0x%llx+0x%llx ignored: expected whole pages of RAM, "
                          "%u regions, none twice",
                          (unsigned long long)range.base, (unsigned long long)range.size,
                          PLATFORM_HEAP_MAX);
    }
    if (err != ERR_NOENT)
        platform_note(p, chosen, "xen,static-heap ignored: expected pairs of address and size");
}

void platform_read_static(struct platform *p, int chosen)
{
    int node;

    read_heap(p, chosen);
    for (node = fdtr_first_child(p->fdt, chosen); node >= 0; node = fdtr_next_child(p->fdt, node)) {
        if (fdtr_compatible(p->fdt, node, "xen,domain"))
            read_domain(p, node);
    }
}

/* --- what would leave the hypervisor without memory --- */

/* The domain is refused; a range over half of the machine shall hurt nobody else. */
static void drop_refused(const struct platform *p, struct mem_range *range)
{
    if (mem_range_overlap(range, &p->self) || mem_range_overlap(range, &p->tree) ||
        !mem_range_inside_any(p->banks, p->bank_count, range))
        *range = (struct mem_range){ 0, 0 };
}

void platform_drop_refused(struct platform *p)
{
    for (u32 i = 0; i < p->module_count; i++)
        drop_refused(p, &p->modules[i].range);
    for (u32 i = 0; i < p->static_count; i++)
        drop_refused(p, &p->statics[i].range);
}

bool platform_drop_hog(struct platform *p)
{
    struct mem_range *hog = NULL;

    if (p->static_heap_count) {
        p->static_heap_count = 0;
        return true;
    }
    for (u32 i = 0; i < p->module_count; i++)
        if (!hog || p->modules[i].range.size > hog->size)
            hog = &p->modules[i].range;
    for (u32 i = 0; i < p->static_count; i++)
        if (!hog || p->statics[i].range.size > hog->size)
            hog = &p->statics[i].range;
    if (!hog || !hog->size)
        return false;
    *hog = (struct mem_range){ 0, 0 };
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams by the host's tree: three bindings, one list. The list may have more streams than the
 * device can send (an iommu-map-mask with holes), never fewer. One tree walk for each phandle
 * that is no SMMU's, and lists of bounded length: the tree may hold anything.
 * Linux bindings iommu/iommu.txt, pci/pci-iommu.txt, iommu/arm,smmu.txt (with mmu-masters).
 */
#include <corbel/iommu_map.h>

#include <corbel/bits.h>
#include <corbel/fdt_read.h>
#include <corbel/printf.h>
#include <corbel/string.h>

#define CELL_SIZE   4u
#define ENTRIES_MAX 256u     /* of one property */
#define CELLS_MAX   16u      /* of one entry */
#define MAP_CELLS   4u       /* of an entry of iommu-map: requester ID, phandle, stream, count */
#define RIDS        0x10000u /* PCI requester IDs: bus, device, function */

struct mapper {
    const struct platform *p;
    int node;
    struct iommu_map_entry *out;
    u32 max;
    struct iommu_map_result *result;
};

s32 iommu_map_find(const struct platform *p, u32 phandle)
{
    for (u32 i = 0; phandle && i < p->iommu_count; i++)
        if (p->iommus[i].phandle == phandle)
            return (s32)i;
    return -1;
}

/* --- streams ---------------------------------------------------------------------------------- */

static u64 end_of(const struct iommu_stream *s)
{
    return (u64)s->first + s->count;
}

/* The largest aligned power of two of s that begins where s does: size less one. */
static u32 block_mask(const struct iommu_stream *s)
{
    u32 mask = 0;

    while (!(s->first & (mask * 2 + 1)) && mask * 2ull + 2 <= s->count)
        mask = mask * 2 + 1;
    return mask;
}

/* Take that block off s; false: s is empty. */
static bool next_block(struct iommu_stream *s, struct iommu_stream *block)
{
    u32 mask = block_mask(s);

    if (!s->count)
        return false;
    *block = (struct iommu_stream){ s->first, 1, mask };
    s->first += mask + 1;
    s->count -= mask + 1;
    return true;
}

static bool matches(const struct iommu_stream *a, const struct iommu_stream *b)
{
    return ((a->first ^ b->first) & ~(a->mask | b->mask)) == 0;
}

bool iommu_map_overlap(const struct iommu_map_entry *a, const struct iommu_map_entry *b)
{
    const struct iommu_stream *range = a->stream.count > 1 ? &a->stream : &b->stream;
    const struct iommu_stream *other = range == &a->stream ? &b->stream : &a->stream;
    struct iommu_stream left = *range, block;

    if (a->iommu != b->iommu || !range->count || !other->count)
        return false;
    if (other->count > 1)
        return range->first < end_of(other) && other->first < end_of(range);
    while (next_block(&left, &block)) {
        block.mask |= range->mask;
        if (matches(&block, other))
            return true;
    }
    return false;
}

/* Two ranges without masks into a, where they touch. */
static bool join_ranges(struct iommu_stream *a, const struct iommu_stream *b)
{
    u64 first = MIN(a->first, b->first);
    u64 end = MAX(end_of(a), end_of(b));

    if (a->first > end_of(b) || b->first > end_of(a) || end - first > UINT32_MAX)
        return false;
    *a = (struct iommu_stream){ (u32)first, (u32)(end - first), 0 };
    return true;
}

/* Two blocks into a: one holds the other, or they differ in one bit that is compared. */
static bool join_blocks(struct iommu_stream *a, const struct iommu_stream *b)
{
    u32 differ = (a->first ^ b->first) & ~(a->mask | b->mask);

    if (a->mask == b->mask && (differ & (differ - 1)) == 0) {
        a->mask |= differ;
    } else if (!differ && (a->mask & b->mask) == a->mask) {
        a->mask = b->mask;
        a->first = b->first;
    } else if (differ || (a->mask & b->mask) != b->mask) {
        return false;
    }
    a->first &= ~a->mask;
    return true;
}

static bool join(const struct mapper *m, struct iommu_map_entry *a, const struct iommu_map_entry *b)
{
    if (a->iommu != b->iommu)
        return false;
    if (m->p->iommus[a->iommu].kind == IOMMU_SMMU_V3)
        return join_ranges(&a->stream, &b->stream);
    return join_blocks(&a->stream, &b->stream);
}

/* Streams of one entry into the list; what grows by joining may touch another then. */
static enum corbel_err add_entry(const struct mapper *m, struct iommu_map_entry entry)
{
    u32 *count = &m->result->count;

    for (u32 i = 0; i < *count; i++) {
        if (!join(m, &entry, &m->out[i]))
            continue;
        m->out[i] = m->out[--*count];
        i = UINT32_MAX; /* from the beginning */
    }
    if (*count == m->max)
        return ERR_NOMEM;
    m->out[(*count)++] = entry;
    return CORBEL_OK;
}

static enum corbel_err add_range(const struct mapper *m, u32 iommu, u32 first, u64 count)
{
    const struct platform_iommu *desc = &m->p->iommus[iommu];
    struct iommu_map_entry entry = { (u8)iommu, { first, (u32)count, 0 } };
    struct iommu_stream left = entry.stream;
    enum corbel_err err = CORBEL_OK;

    if (!count)
        return CORBEL_OK;
    if (count > UINT32_MAX || first + count > BIT(32))
        return ERR_FORMAT;
    if (desc->kind == IOMMU_SMMU_V3)
        return add_entry(m, entry);
    while (err == CORBEL_OK && next_block(&left, &entry.stream)) {
        entry.stream.mask |= desc->stream_match_mask;
        entry.stream.first &= ~entry.stream.mask;
        err = add_entry(m, entry);
    }
    return err;
}

/* --- iommus ----------------------------------------------------------------------------------- */

/*
 * Where a phandle leads: an index in platform.iommus, or negative for an IOMMU that is not among
 * them, which is noted. *cells: #iommu-cells of either.
 */
static enum corbel_err resolve(const struct mapper *m, u32 phandle, s32 *iommu, u32 *cells)
{
    int node;

    *iommu = iommu_map_find(m->p, phandle);
    if (*iommu >= 0) {
        *cells = m->p->iommus[*iommu].cells;
        return *cells ? CORBEL_OK : ERR_FORMAT;
    }
    node = fdtr_by_phandle(m->p->fdt, phandle);
    if (node < 0 || fdtr_u32(m->p->fdt, node, "#iommu-cells", cells) != CORBEL_OK ||
        *cells > CELLS_MAX)
        return ERR_FORMAT;
    m->result->unlisted = node;
    return CORBEL_OK;
}

/* One cell or two: a stream, and where the SMMU matches by mask what is not compared of it. */
static enum corbel_err add_specifier(const struct mapper *m, u32 iommu, u32 cells, const u8 *at)
{
    u32 first = (u32)fdtr_read_cells(at, 1);
    struct iommu_map_entry entry = { (u8)iommu, { first, 1, 0 } };

    if (cells == 1)
        return add_range(m, iommu, first, 1);
    entry.stream.mask = (u32)fdtr_read_cells(at + CELL_SIZE, 1);
    entry.stream.first &= ~entry.stream.mask;
    return add_entry(m, entry);
}

static enum corbel_err read_iommus(const struct mapper *m)
{
    u32 len = 0, cells = 0;
    const u8 *at = fdtr_prop(m->p->fdt, m->node, "iommus", &len);
    enum corbel_err err = CORBEL_OK;
    s32 iommu;

    if (len > ENTRIES_MAX * CELL_SIZE)
        return ERR_NOMEM;
    while (at && len && err == CORBEL_OK) {
        if (len < CELL_SIZE)
            return ERR_FORMAT;
        err = resolve(m, (u32)fdtr_read_cells(at, 1), &iommu, &cells);
        if (err != CORBEL_OK)
            return err;
        if (len / CELL_SIZE <= cells)
            return ERR_FORMAT;
        if (iommu >= 0)
            err = add_specifier(m, (u32)iommu, cells, at + CELL_SIZE);
        at += (size_t)(1 + cells) * CELL_SIZE;
        len -= (1 + cells) * CELL_SIZE;
    }
    return err;
}

/* --- iommu-map -------------------------------------------------------------------------------- */

static bool is_pci(const struct mapper *m)
{
    const char *type;

    return fdtr_string(m->p->fdt, m->node, "device_type", &type) == CORBEL_OK &&
           strcmp(type, "pci") == 0;
}

/* Requester IDs of the bridge's buses; all there are where it does not say, or nonsense. */
static void read_buses(const struct mapper *m, u32 *first, u32 *last)
{
    u32 low = 0, high = 0;

    *first = 0;
    *last = RIDS - 1;
    if (fdtr_cell(m->p->fdt, m->node, "bus-range", 0, &low) != CORBEL_OK ||
        fdtr_cell(m->p->fdt, m->node, "bus-range", 1, &high) != CORBEL_OK || low > high ||
        high > 0xff)
        return;
    *first = low << 8;
    *last = high << 8 | 0xff;
}

/* iommu-map, with what iommu-map-mask leaves of the IDs that are looked up in it. */
struct rid_map {
    const u8 *list;
    u32 count;
    u32 mask;
};

struct rid_entry {
    u64 base, end; /* IDs */
    u32 phandle, stream;
};

static struct rid_entry rid_entry(const struct rid_map *map, u32 index)
{
    const u8 *at = map->list + (size_t)index * MAP_CELLS * CELL_SIZE;
    struct rid_entry entry = {
        .base = fdtr_read_cells(at, 1),
        .phandle = (u32)fdtr_read_cells(at + CELL_SIZE, 1),
        .stream = (u32)fdtr_read_cells(at + (size_t)2 * CELL_SIZE, 1),
    };

    entry.end = entry.base + fdtr_read_cells(at + (size_t)3 * CELL_SIZE, 1);
    entry.end = MIN(entry.end, map->mask + 1ull);
    entry.end = MAX(entry.end, entry.base);
    return entry;
}

static enum corbel_err add_mapped(const struct mapper *m, const struct rid_map *map)
{
    enum corbel_err err = CORBEL_OK;
    u32 cells;
    s32 iommu;

    for (u32 i = 0; i < map->count && err == CORBEL_OK; i++) {
        struct rid_entry entry = rid_entry(map, i);

        err = resolve(m, entry.phandle, &iommu, &cells);
        if (err == CORBEL_OK && entry.base & ~(u64)map->mask)
            err = ERR_FORMAT; /* no ID is ever looked up there: Linux refuses this, too */
        if (err == CORBEL_OK && iommu >= 0)
            err = add_range(m, (u32)iommu, entry.stream, entry.end - entry.base);
    }
    return err;
}

/* The end of what maps id to an SMMU of the list, as far as one entry reaches; id: nothing. */
static u64 mapped_until(const struct mapper *m, const struct rid_map *map, u64 id)
{
    u64 end = id;

    for (u32 i = 0; i < map->count; i++) {
        struct rid_entry entry = rid_entry(map, i);

        if (entry.base <= id && entry.end > end && iommu_map_find(m->p, entry.phandle) >= 0)
            end = entry.end;
    }
    return end;
}

/* What is looked up for the bridge's buses: from the first to the last, and maybe more. */
static void looked_up(const struct mapper *m, const struct rid_map *map, u64 *first, u64 *last)
{
    u32 clear = ~map->mask & (RIDS - 1);
    u32 low, high;

    read_buses(m, &low, &high);
    *first = low & map->mask;
    *last = high & map->mask;
    if (clear & (clear + 1)) { /* not just the lowest bits: their order is another then */
        *first = 0;
        *last = map->mask;
    }
}

/* An ID of the bridge's that is not mapped is no SMMU's business: that DMA is not confined. */
static void find_gap(const struct mapper *m, const struct rid_map *map)
{
    u64 id, last, end;

    for (looked_up(m, map, &id, &last); id <= last; id = end) {
        end = mapped_until(m, map, id);
        if (end == id) {
            m->result->has_gap = true;
            m->result->gap = (u32)id;
            return;
        }
        while (end & ~(u64)map->mask & (RIDS - 1))
            end++; /* no such ID is looked up */
    }
}

static enum corbel_err read_iommu_map(const struct mapper *m)
{
    struct rid_map map = { .mask = UINT32_MAX };
    u32 len = 0;
    enum corbel_err err;

    map.list = fdtr_prop(m->p->fdt, m->node, "iommu-map", &len);
    if (!map.list)
        return CORBEL_OK;
    if (len % (MAP_CELLS * CELL_SIZE))
        return ERR_FORMAT;
    map.count = len / (MAP_CELLS * CELL_SIZE);
    if (map.count > ENTRIES_MAX)
        return ERR_NOMEM;
    if (fdtr_u32(m->p->fdt, m->node, "iommu-map-mask", &map.mask) == ERR_FORMAT) {
        m->result->property = "iommu-map-mask";
        return ERR_FORMAT;
    }
    if (is_pci(m))
        map.mask &= RIDS - 1;
    err = add_mapped(m, &map);
    if (err == CORBEL_OK && is_pci(m))
        find_gap(m, &map);
    return err;
}

/* --- mmu-masters ------------------------------------------------------------------------------ */

/* PCI in this form: a stream is a requester ID. */
static enum corbel_err add_bridge(const struct mapper *m, u32 iommu)
{
    u32 first, last;

    read_buses(m, &first, &last);
    return add_range(m, iommu, first, last - first + 1);
}

/* <phandle streams> for each master; how many streams follow says #stream-id-cells of each. */
static enum corbel_err read_masters_of(const struct mapper *m, u32 iommu)
{
    const void *fdt = m->p->fdt;
    u32 len = 0, cells = 0;
    const u8 *at = fdtr_prop(fdt, m->p->iommus[iommu].node, "mmu-masters", &len);
    enum corbel_err err = CORBEL_OK;

    if (len > ENTRIES_MAX * CELL_SIZE)
        return ERR_NOMEM;
    while (at && len && err == CORBEL_OK) {
        int master = len < CELL_SIZE ? -1 : fdtr_by_phandle(fdt, (u32)fdtr_read_cells(at, 1));

        if (master < 0 || fdtr_u32(fdt, master, "#stream-id-cells", &cells) != CORBEL_OK ||
            len / CELL_SIZE <= cells)
            return ERR_FORMAT;
        if (master == m->node && is_pci(m))
            err = add_bridge(m, iommu);
        for (u32 i = 1; i <= cells && master == m->node && !is_pci(m) && err == CORBEL_OK; i++)
            err = add_entry(m, (struct iommu_map_entry){
                                   (u8)iommu,
                                   { (u32)fdtr_read_cells(at + (size_t)i * CELL_SIZE, 1), 1, 0 } });
        at += (size_t)(1 + cells) * CELL_SIZE;
        len -= (1 + cells) * CELL_SIZE;
    }
    return err;
}

static enum corbel_err read_masters(const struct mapper *m)
{
    enum corbel_err err = CORBEL_OK;

    for (u32 i = 0; i < m->p->iommu_count && err == CORBEL_OK; i++)
        if (m->p->iommus[i].by_masters)
            err = read_masters_of(m, i);
    return err;
}

/* --- the whole -------------------------------------------------------------------------------- */

enum corbel_err iommu_map_node(const struct platform *p, int node, struct iommu_map_entry *out,
                               u32 max, struct iommu_map_result *result)
{
    static const struct {
        const char *property;
        enum corbel_err (*read)(const struct mapper *m);
    } bindings[] = {
        { "iommus", read_iommus },
        { "iommu-map", read_iommu_map },
        { "mmu-masters", read_masters },
    };
    const struct mapper m = { p, node, out, max, result };
    enum corbel_err err;

    *result = (struct iommu_map_result){ .unlisted = -1 };
    for (u32 i = 0; i < ARRAY_SIZE(bindings); i++) {
        err = bindings[i].read(&m);
        if (err == CORBEL_OK)
            continue;
        if (!result->property)
            result->property = bindings[i].property;
        return err;
    }
    return CORBEL_OK;
}

void iommu_map_text(const struct iommu_map_entry *entry, char *buf, size_t size)
{
    const struct iommu_stream *s = &entry->stream;

    if (s->mask)
        fmt_snprintf(buf, size, "0x%x/0x%x", s->first, s->mask);
    else if (s->count > 1)
        fmt_snprintf(buf, size, "0x%x-0x%x", s->first, s->first + s->count - 1);
    else
        fmt_snprintf(buf, size, "0x%x", s->first);
}

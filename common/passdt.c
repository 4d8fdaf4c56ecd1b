/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partial device trees: one parse for each domain that has one, while it is planned. Each node
 * below /passthrough with xen,reg or xen,path is a device; everything it asks for is checked
 * against the host's tree and its own neighbors, nothing is taken. What other domains hold is the
 * book's matter (assign.h), how it all fits together the solver's. Pure; any size and depth of
 * tree is walked without recursion and within bounds. Binding: Xen's docs/misc/arm/passthrough.txt.
 */
#include <corbel/passdt.h>

#include <corbel/bits.h>
#include <corbel/domprop.h>
#include <corbel/fdt_read.h>
#include <corbel/mem_range.h>
#include <corbel/passdt_parts.h>
#include <corbel/printf.h>
#include <corbel/string.h>

#define CELL_SIZE     4u
#define ADDRESS_LIMIT BIT(48)

/* What the guest's tree takes: the writer's depth less its root; sane counts for 1 MiB. */
#define DEPTH_MAX     ((int)FDTW_DEPTH_MAX - 2)
#define NODES_MAX     4096u
#define PROPS_MAX     8192u
#define PROP_NAME_MAX 63u

/* The device that is being read. */
struct device_reader {
    struct passdt_parser *ps;
    struct domprop at;
    const struct devclass *cls;
    struct passdt_device *dev;
    u32 index;
    bool allow_unlisted;
};

/* ---- the tree as a whole ---- */

static enum corbel_err refuse_node(const struct passdt_parser *ps, int node, const char *property,
                                   const char *expected)
{
    char path[96], clean[96];

    domprop_clean(clean, fdtr_path_of(ps->out->fdt, node, path, sizeof(path)), sizeof(clean));
    cfg_error_set(ps->e, clean, property, "(present)", expected);
    return ERR_INVAL;
}

static enum corbel_err check_properties(const struct passdt_parser *ps, int node, u32 *left)
{
    struct fdtr_property prop;

    for (int i = fdtr_next_prop(ps->out->fdt, node, -1, &prop); i >= 0;
         i = fdtr_next_prop(ps->out->fdt, node, i, &prop)) {
        if (strnlen(prop.name, PROP_NAME_MAX + 1) > PROP_NAME_MAX)
            return refuse_node(ps, node, "(property)", "names of at most 63 characters");
        if ((*left)-- == 0)
            return refuse_node(ps, node, "(property)", "at most 8192 properties in the tree");
    }
    return CORBEL_OK;
}

_Static_assert(PROP_NAME_MAX == 63 && PROPS_MAX == 8192 && NODES_MAX == 4096, "texts of refusals");
_Static_assert(DEPTH_MAX == 14, "likewise");
_Static_assert(PASSDT_DEVICES_MAX == 32 && PASSDT_REGIONS_MAX == 48, "likewise");

/* Small enough that a search for each reference in it comes to an end soon. */
static enum corbel_err check_node_count(const struct passdt_parser *ps)
{
    u32 left = NODES_MAX;
    int depth = -1;

    for (int node = fdtr_next_node(ps->out->fdt, -1, &depth); node >= 0;
         node = fdtr_next_node(ps->out->fdt, node, &depth)) {
        if (left-- == 0)
            return refuse_node(ps, node, "(node)", "at most 4096 nodes in the tree");
    }
    return CORBEL_OK;
}

/* Can node, with all below it, be copied into the guest's tree? */
static enum corbel_err check_shape(const struct passdt_parser *ps, int node)
{
    u32 props = PROPS_MAX;
    int depth = 0;
    enum corbel_err err = CORBEL_OK;

    for (; node >= 0 && err == CORBEL_OK; node = fdtr_next_node(ps->out->fdt, node, &depth)) {
        const char *name = fdtr_name(ps->out->fdt, node);

        if (depth > DEPTH_MAX)
            err = refuse_node(ps, node, "(node)", "at most 14 levels below /passthrough");
        else if (!name[0] || strchr(name, '/'))
            err = refuse_node(ps, node, "(node)", "a name without a slash");
        else
            err = check_properties(ps, node, &props);
    }
    return err;
}

/* Nothing of the partial root reaches the guest: what is inherited from it would be lost. */
static enum corbel_err check_root_cells(struct passdt_parser *ps)
{
    static const char *const names[] = { "#address-cells", "#size-cells" };
    struct domprop at = { ps->out->fdt, ps->root, ps->e };
    u32 cells[2] = { 0, 0 };

    if (fdtr_cells(at.fdt, ps->root, &cells[0], &cells[1]) != CORBEL_OK)
        return domprop_refuse(&at, names[0], DOMPROP_CELLS, "1 or 2, as #size-cells");
    for (u32 i = 0; i < 2; i++) {
        if (cells[i] != 2 && !fdtr_has(at.fdt, ps->root, names[i]))
            return domprop_refuse(&at, names[i], DOMPROP_CELLS,
                                  "it here: the root of the guest's tree has 2");
    }
    return CORBEL_OK;
}

static enum corbel_err check_tree(struct passdt_parser *ps, const void *fdt, u64 size)
{
    char value[32];
    enum corbel_err err;

    if (fdtr_check(fdt, size) != CORBEL_OK || fdtr_total_size(fdt) > PASSDT_SIZE_MAX) {
        fmt_snprintf(value, sizeof(value), "(0x%llx bytes)", (unsigned long long)size);
        cfg_error_set(ps->e, "/", "(partial device tree)", value,
                      "a sound device tree of at most 1 MiB");
        return ERR_FORMAT;
    }
    ps->out->fdt = fdt;
    ps->root = fdtr_child(fdt, 0, "passthrough");
    if (ps->root < 0) {
        cfg_error_set(ps->e, "/", "passthrough", "(missing)", "a node with the devices");
        return ERR_INVAL;
    }
    ps->end = fdtr_next_child(fdt, ps->root);
    ps->allow_all = fdtr_has(fdt, ps->root, "corbel,allow-unlisted");
    err = check_node_count(ps);
    if (err == CORBEL_OK)
        err = check_shape(ps, ps->root);
    if (err == CORBEL_OK)
        err = check_shape(ps, fdtr_child(fdt, 0, "aliases"));
    if (err == CORBEL_OK)
        err = check_root_cells(ps);
    return err;
}

_Static_assert(PASSDT_SIZE_MAX == SZ_1M, "the text of the refusal");

/* ---- regions ---- */

/* The line names the entry by its numbers: a property may have many. */
static enum corbel_err refuse_region(const struct device_reader *rd, const struct passdt_region *r,
                                     const char *expected)
{
    char path[96], clean[96], value[48];

    domprop_clean(clean, fdtr_path_of(rd->at.fdt, rd->at.node, path, sizeof(path)), sizeof(clean));
    fmt_snprintf(value, sizeof(value), "0x%llx+0x%llx", (unsigned long long)r->hpa,
                 (unsigned long long)r->size);
    cfg_error_set(rd->at.e, clean, "xen,reg", value, expected);
    return ERR_INVAL;
}

static enum corbel_err check_numbers(const struct device_reader *rd, const struct passdt_region *r)
{
    char expected[96];

    if (!r->size)
        return refuse_region(rd, r, "a size");
    if (r->size > ADDRESS_LIMIT || r->hpa > ADDRESS_LIMIT - r->size ||
        r->gpa > ADDRESS_LIMIT - r->size)
        return refuse_region(rd, r, "host and guest addresses that end within 48 bits");
    if (IS_ALIGNED(r->hpa ^ r->gpa, PAGE_SIZE))
        return CORBEL_OK;
    fmt_snprintf(expected, sizeof(expected), "a guest address that ends in 0x%03llx, not 0x%llx",
                 (unsigned long long)(r->hpa & (PAGE_SIZE - 1)), (unsigned long long)r->gpa);
    return refuse_region(rd, r, expected);
}

/*
 * Is the region one of the host's device? Where no path names it the first region does: what
 * protects the device's DMA, and its class, are looked up there for all of it.
 */
static enum corbel_err check_listed(const struct device_reader *rd, const struct passdt_region *r)
{
    const void *host = rd->ps->p->fdt;
    const struct mem_range range = { r->hpa, r->size };
    struct mem_range exact = { 0, 0 };
    char path[64], expected[160];
    int node = rd->dev->host_node >= 0 ? rd->dev->host_node : passdt_host_find(host, &range);
    int neighbor = -1;
    enum corbel_err err;

    if (rd->cls->is_bridge && rd->dev->host_node >= 0 &&
        passdt_pcie_holds(host, rd->dev->host_node, &range))
        return CORBEL_OK;
    err = node < 0 ? ERR_NOENT : passdt_host_holds(host, node, &range, &neighbor, &exact);
    if (err == CORBEL_OK && rd->dev->host_node < 0)
        rd->dev->host_node = node;
    if (err == CORBEL_OK)
        return CORBEL_OK;
    rd->dev->stray = true;
    if (rd->allow_unlisted)
        return CORBEL_OK;
    if (err == ERR_NOENT)
        return refuse_region(rd, r, "registers of an enabled node of the host's tree");
    if (err == ERR_EXIST)
        fmt_snprintf(expected, sizeof(expected), "0x%llx+0x%llx: %s is in the same page",
                     (unsigned long long)exact.base, (unsigned long long)exact.size,
                     fdtr_path_of(host, neighbor, path, sizeof(path)));
    else
        fmt_snprintf(expected, sizeof(expected), "registers of %s",
                     fdtr_path_of(host, node, path, sizeof(path)));
    return refuse_region(rd, r, expected);
}

static enum corbel_err check_overlap(const struct device_reader *rd, const struct passdt_region *r)
{
    const struct passdt *out = rd->ps->out;
    const struct mem_range range = { r->hpa, r->size };
    char expected[128];

    for (u32 i = 0; i < out->region_count; i++) {
        const struct mem_range other = { out->regions[i].hpa, out->regions[i].size };

        if (!mem_range_overlap(&range, &other))
            continue;
        fmt_snprintf(expected, sizeof(expected), "no overlap with 0x%llx+0x%llx of %s",
                     (unsigned long long)other.base, (unsigned long long)other.size,
                     out->devices[out->regions[i].device].name);
        return refuse_region(rd, r, expected);
    }
    return CORBEL_OK;
}

static enum corbel_err classify(const struct device_reader *rd, struct passdt_region *r)
{
    const struct mem_range range = { r->hpa, r->size };
    const struct devclass_region region = { rd->ps->p, rd->at.fdt, rd->at.node, range, rd->at.e };
    struct mem_range clash = { 0, 0 };
    enum s2_class cls = S2_MMIO;
    const char *what = "";
    char expected[128];
    enum corbel_err err = rd->cls->map(&region, &cls);

    if (err != CORBEL_OK)
        return err;
    r->cls = (u8)cls;
    err = hostmap_check(rd->ps->p, &range, rd->cls->in_ram, &what, &clash);
    if (err == CORBEL_OK)
        return CORBEL_OK;
    fmt_snprintf(expected, sizeof(expected), "no overlap with %s at 0x%llx+0x%llx", what,
                 (unsigned long long)clash.base, (unsigned long long)clash.size);
    return refuse_region(rd, r, expected);
}

static enum corbel_err add_region(const struct device_reader *rd, struct passdt_region *r)
{
    struct passdt *out = rd->ps->out;
    enum corbel_err err = check_numbers(rd, r);

    if (err == CORBEL_OK)
        err = classify(rd, r);
    if (err == CORBEL_OK)
        err = check_listed(rd, r);
    if (err == CORBEL_OK)
        err = check_overlap(rd, r);
    if (err != CORBEL_OK)
        return err;
    if (out->region_count == PASSDT_REGIONS_MAX)
        return refuse_region(rd, r, "at most 48 regions in one tree");
    r->device = (u8)rd->index;
    out->regions[out->region_count++] = *r;
    return CORBEL_OK;
}

/* xen,reg: <host address, size, guest address> in the cells of the node above. */
static enum corbel_err parse_regions(const struct device_reader *rd)
{
    const struct domprop *at = &rd->at;
    u32 address = 0, size = 0, entry, len = 0;
    const u8 *prop = fdtr_prop(at->fdt, at->node, "xen,reg", &len);
    enum corbel_err err;

    if (!prop)
        return CORBEL_OK;
    err = fdtr_cells(at->fdt, fdtr_parent(at->fdt, at->node), &address, &size);
    if (err != CORBEL_OK || !address || !size)
        return domprop_refuse(at, "xen,reg", DOMPROP_CELLS,
                              "a node above with #address-cells and #size-cells of 1 or 2");
    entry = (2 * address + size) * CELL_SIZE;
    if (!len || len % entry)
        return domprop_refusef(at, "xen,reg", DOMPROP_CELLS,
                               "entries of %u cells: host address, size, guest address",
                               entry / CELL_SIZE);
    for (; len && err == CORBEL_OK; len -= entry, prop += entry) {
        struct passdt_region r = {
            .hpa = fdtr_read_cells(prop, address),
            .size = fdtr_read_cells(prop + (size_t)address * CELL_SIZE, size),
            .gpa = fdtr_read_cells(prop + (size_t)(address + size) * CELL_SIZE, address),
        };

        err = add_region(rd, &r);
    }
    return err;
}

/* ---- devices ---- */

static enum corbel_err parse_path(struct device_reader *rd)
{
    static const char expected[] = "the path of a node of the host's tree";
    const void *host = rd->ps->p->fdt;
    const char *path;
    enum corbel_err err = domprop_string(&rd->at, "xen,path", expected, &path);
    int node;

    if (err != CORBEL_OK)
        return err == ERR_NOENT ? CORBEL_OK : err;
    node = fdtr_path(host, path);
    if (node <= 0) /* the root is no device */
        return domprop_refuse(&rd->at, "xen,path", DOMPROP_STRING, expected);
    if (!fdtr_enabled(host, node))
        return domprop_refuse(&rd->at, "xen,path", DOMPROP_STRING,
                              "an enabled node, below enabled nodes, of the host's tree");
    rd->dev->host_node = node;
    return CORBEL_OK;
}

/* A class that gives more than a device gets must be the host's idea, too. */
static enum corbel_err check_class(const struct device_reader *rd)
{
    const void *host = rd->ps->p->fdt;
    char path[64];

    if (rd->cls == &devclass_plain || rd->dev->host_node < 0 || rd->allow_unlisted ||
        devclass_of(host, rd->dev->host_node) == rd->cls)
        return CORBEL_OK;
    return domprop_refusef(&rd->at, "compatible", DOMPROP_STRING, "no %s: %s of the host is none",
                           rd->cls->name,
                           fdtr_path_of(host, rd->dev->host_node, path, sizeof(path)));
}

static enum corbel_err parse_device(struct passdt_parser *ps, int node, const struct devclass *cls)
{
    struct passdt *out = ps->out;
    struct device_reader rd = { ps,   { out->fdt, node, ps->e }, cls,
                                NULL, out->device_count,         ps->allow_all };
    enum corbel_err err;

    if (out->device_count == PASSDT_DEVICES_MAX)
        return refuse_node(ps, node, "(node)", "at most 32 devices in one tree");
    rd.dev = &out->devices[out->device_count++];
    rd.dev->node = node;
    rd.dev->host_node = -1;
    rd.dev->forced = fdtr_has(out->fdt, node, "xen,force-assign-without-iommu");
    /* Without registers nobody tells it what to do. */
    rd.dev->is_master = cls->is_master && fdtr_has(out->fdt, node, "xen,reg");
    rd.allow_unlisted |= fdtr_has(out->fdt, node, "corbel,allow-unlisted");
    domprop_clean(rd.dev->name, fdtr_name(out->fdt, node), sizeof(rd.dev->name));

    err = parse_path(&rd);
    if (err == CORBEL_OK)
        err = parse_regions(&rd);
    if (err == CORBEL_OK)
        err = check_class(&rd);
    if (err == CORBEL_OK && cls->is_bridge)
        err = passdt_pcie_check(ps, rd.index, rd.allow_unlisted);
    if (err == CORBEL_OK)
        err = passdt_dma_parse(ps, rd.index);
    if (err == CORBEL_OK)
        err = passdt_irq_parse(ps, rd.index);
    if (rd.dev->host_node >= 0)
        fdtr_path_of(ps->p->fdt, rd.dev->host_node, rd.dev->path, sizeof(rd.dev->path));
    else
        str_copy(rd.dev->path, rd.dev->name, sizeof(rd.dev->path));
    return err == CORBEL_OK ? passdt_msi_parse(ps, rd.index) : err;
}

static enum corbel_err parse_nodes(struct passdt_parser *ps)
{
    const void *fdt = ps->out->fdt;
    int opaque = FDTR_DEPTH_MAX; /* depth of the node all below which is not looked at */
    int depth = 0;
    enum corbel_err err = CORBEL_OK;

    for (int node = ps->root; node >= 0 && err == CORBEL_OK;
         node = fdtr_next_node(fdt, node, &depth)) {
        const struct devclass *cls = devclass_of(fdt, node);
        bool is_device = fdtr_has(fdt, node, "xen,reg") || fdtr_has(fdt, node, "xen,path");

        if (depth > opaque)
            continue;
        opaque = is_device && cls->opaque ? depth : FDTR_DEPTH_MAX;
        err = passdt_refs_check(ps, node, is_device);
        if (err == CORBEL_OK && is_device)
            err = parse_device(ps, node, cls);
    }
    return err;
}

enum corbel_err passdt_parse(const struct platform *p, const struct passdt_source *source,
                             struct passdt *out, struct cfg_error *e)
{
    struct passdt_parser ps = { .p = p, .cfg = source->cfg, .out = out, .e = e };
    enum corbel_err err;

    memset(out, 0, sizeof(*out));
    e->text[0] = '\0';
    err = check_tree(&ps, source->fdt, source->size);
    if (err == CORBEL_OK)
        err = passdt_refs_gic(&ps);
    if (err == CORBEL_OK)
        err = parse_nodes(&ps);
    if (err != CORBEL_OK)
        out->fdt = NULL;
    return err;
}

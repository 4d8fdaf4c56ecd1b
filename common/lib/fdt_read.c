/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed readers for trees that nobody vouches for: the host's, as firmware and
 * boot scripts left it, and the partial trees of guests. libfdt validates a blob
 * as a whole, fdtr_check(); the tags are walked by fdt_walk.c; this file adds what
 * the format does not promise: bounded depth, no recursion, string ends, cell
 * counts, overflow. No state, so any CPU may read any tree at any time. Devicetree
 * Specification v0.4: 2.3 (standard properties), 5 (flat format).
 * Interrupts are in fdt_irq.c.
 */
#include <corbel/fdt_read.h>

#include <corbel/bits.h>
#include <corbel/fdt_walk.h>
#include <corbel/string.h>

#include <libfdt.h>

#define PHANDLE_NONE   0u
#define PHANDLE_POISON 0xffffffffu
#define CELL_SIZE      4u

enum corbel_err fdtr_check(const void *fdt, u64 size)
{
    if (!fdt || ((uintptr_t)fdt & 7u) != 0 || size < sizeof(struct fdt_header))
        return ERR_FORMAT;
    /* Version 16 brought the node names and tags that everything here expects. */
    if (fdt_magic(fdt) != FDT_MAGIC || fdt_version(fdt) < 16)
        return ERR_FORMAT;
    /* libfdt reads both blocks by naturally aligned loads and leaves this to luck. */
    if (fdt_off_mem_rsvmap(fdt) % 8 != 0 || fdt_off_dt_struct(fdt) % 4 != 0)
        return ERR_FORMAT;
    return fdt_check_full(fdt, (size_t)size) == 0 ? CORBEL_OK : ERR_FORMAT;
}

u32 fdtr_total_size(const void *fdt)
{
    return fdt_totalsize(fdt);
}

u32 fdtr_peek_size(const void *fdt)
{
    if (!fdt || ((uintptr_t)fdt & 7u) != 0 || fdt_magic(fdt) != FDT_MAGIC)
        return 0;
    return fdt_totalsize(fdt);
}

u32 fdtr_used_size(const void *fdt)
{
    u32 structs = fdt_off_dt_struct(fdt) + fdtr_struct_size(fdt);
    u32 strings = fdt_off_dt_strings(fdt) + fdt_size_dt_strings(fdt);

    /* The reservation block always comes before the structure block (specification 5.1). */
    return structs > strings ? structs : strings;
}

enum corbel_err fdtr_copy(void *dst, const void *fdt, u32 size)
{
    if (size < fdtr_used_size(fdt))
        return ERR_NOMEM;
    memcpy(dst, fdt, fdtr_used_size(fdt));
    fdt_set_totalsize(dst, fdtr_used_size(fdt));
    return fdtr_check(dst, size);
}

u64 fdtr_read_cells(const void *p, u32 cells)
{
    const u8 *bytes = p;
    u64 value = 0;
    u32 i;

    for (i = 0; i < cells * CELL_SIZE; i++)
        value = (value << 8) | bytes[i];
    return value;
}

/* ---- walking ---- */

int fdtr_parent(const void *fdt, int node)
{
    int chain[FDTR_DEPTH_MAX];
    int depth = fdtr_chain(fdt, node, chain);

    return depth > 0 ? chain[depth - 1] : -1;
}

/* Follow the components of path from node; "" and "/" stay where they are. */
static int path_below(const void *fdt, int node, const char *path)
{
    const char *end;

    while (node >= 0) {
        while (*path == '/')
            path++;
        if (*path == '\0')
            return node;
        end = strchr(path, '/');
        if (!end)
            end = path + strlen(path);
        node = fdtr_child_len(fdt, node, path, (size_t)(end - path));
        path = end;
    }
    return -1;
}

/* Value of the alias that the first component of path names: a full path, or NULL. */
static const char *alias_value(const void *fdt, const char *path)
{
    const char *end = strchr(path, '/');
    size_t len = end ? (size_t)(end - path) : strlen(path);
    int aliases = path_below(fdt, 0, "aliases");
    const char *value;
    u32 size;

    value = fdtr_prop_len(fdt, aliases, path, len, &size);
    if (!value || size == 0 || value[0] != '/' || !memchr(value, '\0', size))
        return NULL;
    return value;
}

int fdtr_path(const void *fdt, const char *path)
{
    const char *alias;
    const char *rest;

    if (path[0] == '/')
        return path_below(fdt, 0, path);

    alias = alias_value(fdt, path);
    if (!alias)
        return -1;
    rest = strchr(path, '/');
    return path_below(fdt, path_below(fdt, 0, alias), rest ? rest : "");
}

/* One pass over the properties: searches by phandle ask every node of the tree. */
u32 fdtr_phandle(const void *fdt, int node)
{
    struct fdtr_property prop;
    u32 phandle = PHANDLE_NONE;

    for (int at = fdtr_next_prop(fdt, node, -1, &prop); at >= 0;
         at = fdtr_next_prop(fdt, node, at, &prop)) {
        bool plain = strcmp(prop.name, "phandle") == 0;

        if (prop.len != CELL_SIZE || (!plain && strcmp(prop.name, "linux,phandle") != 0))
            continue;
        phandle = (u32)fdtr_read_cells(prop.data, 1);
        if (plain)
            break;
    }
    return phandle == PHANDLE_POISON ? PHANDLE_NONE : phandle;
}

int fdtr_by_phandle(const void *fdt, u32 phandle)
{
    int depth = -1;
    int node;

    if (phandle == PHANDLE_NONE || phandle == PHANDLE_POISON)
        return -1;
    for (node = fdtr_next_node(fdt, -1, &depth); node >= 0;
         node = fdtr_next_node(fdt, node, &depth)) {
        if (fdtr_phandle(fdt, node) == phandle)
            return node;
    }
    return -1;
}

/* ---- properties ---- */

bool fdtr_has(const void *fdt, int node, const char *name)
{
    return fdtr_prop(fdt, node, name, NULL) != NULL;
}

/* One big-endian number that is the whole property; bit n of sizes allows n cells. */
static enum corbel_err read_number(const void *fdt, int node, const char *name, u64 sizes, u64 *out)
{
    u32 len;
    const void *prop = fdtr_prop(fdt, node, name, &len);

    if (!prop)
        return ERR_NOENT;
    if ((len != CELL_SIZE && len != 2 * CELL_SIZE) || !(sizes & BIT(len / CELL_SIZE)))
        return ERR_FORMAT;
    *out = fdtr_read_cells(prop, len / CELL_SIZE);
    return CORBEL_OK;
}

enum corbel_err fdtr_u32(const void *fdt, int node, const char *name, u32 *out)
{
    u64 value;
    enum corbel_err err = read_number(fdt, node, name, BIT(1), &value);

    if (err == CORBEL_OK)
        *out = (u32)value;
    return err;
}

enum corbel_err fdtr_u64(const void *fdt, int node, const char *name, u64 *out)
{
    return read_number(fdt, node, name, BIT(2), out);
}

enum corbel_err fdtr_number(const void *fdt, int node, const char *name, u64 *out)
{
    return read_number(fdt, node, name, BIT(1) | BIT(2), out);
}

enum corbel_err fdtr_string(const void *fdt, int node, const char *name, const char **out)
{
    u32 len;
    const char *prop = fdtr_prop(fdt, node, name, &len);

    if (!prop)
        return ERR_NOENT;
    if (strnlen(prop, len) == len)
        return ERR_FORMAT;
    *out = prop;
    return CORBEL_OK;
}

enum corbel_err fdtr_cell(const void *fdt, int node, const char *name, u32 index, u32 *out)
{
    u32 len;
    const u8 *prop = fdtr_prop(fdt, node, name, &len);

    if (!prop)
        return ERR_NOENT;
    if (len % CELL_SIZE != 0)
        return ERR_FORMAT;
    if (index >= len / CELL_SIZE)
        return ERR_NOENT;
    *out = (u32)fdtr_read_cells(prop + (size_t)index * CELL_SIZE, 1);
    return CORBEL_OK;
}

const char *fdtr_string_at(const void *fdt, int node, const char *name, u32 index)
{
    u32 len = 0;
    const char *text = fdtr_prop(fdt, node, name, &len);
    size_t used;

    while (text && len > 0) {
        used = strnlen(text, len);
        if (used == len)
            return NULL;
        if (index-- == 0)
            return text;
        text += used + 1;
        len -= (u32)used + 1;
    }
    return NULL;
}

bool fdtr_compatible(const void *fdt, int node, const char *compatible)
{
    const char *text;
    u32 i;

    for (i = 0; (text = fdtr_string_at(fdt, node, "compatible", i)) != NULL; i++) {
        if (strcmp(text, compatible) == 0)
            return true;
    }
    return false;
}

bool fdtr_available(const void *fdt, int node)
{
    const char *status;
    enum corbel_err err = fdtr_string(fdt, node, "status", &status);

    if (err == ERR_NOENT)
        return true;
    return err == CORBEL_OK && (strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0);
}

bool fdtr_enabled(const void *fdt, int node)
{
    for (; node >= 0; node = fdtr_parent(fdt, node)) {
        if (!fdtr_available(fdt, node))
            return false;
    }
    return true;
}

/* ---- addresses ---- */

/*
 * A cell count as it applies below chain[depth]. The specification says that a
 * missing one means the default; Linux and Xen both take the nearest ancestor's,
 * and boot scripts rely on it (modules under /chosen without counts of its own).
 */
static enum corbel_err cells_below(const void *fdt, const int *chain, int depth, const char *name,
                                   u32 *out)
{
    enum corbel_err err = ERR_NOENT;

    for (; depth >= 0 && err == ERR_NOENT; depth--)
        err = fdtr_u32(fdt, chain[depth], name, out);
    if (err == CORBEL_OK && *out > 2)
        return ERR_RANGE;
    return err == ERR_NOENT ? CORBEL_OK : err;
}

static enum corbel_err chain_cells(const void *fdt, const int *chain, int depth, u32 *address,
                                   u32 *size)
{
    enum corbel_err err;

    *address = 2;
    *size = 1;
    err = cells_below(fdt, chain, depth, "#address-cells", address);
    return err == CORBEL_OK ? cells_below(fdt, chain, depth, "#size-cells", size) : err;
}

enum corbel_err fdtr_cells(const void *fdt, int node, u32 *address, u32 *size)
{
    int chain[FDTR_DEPTH_MAX];
    int depth = fdtr_chain(fdt, node, chain);

    return depth < 0 ? ERR_NOENT : chain_cells(fdt, chain, depth, address, size);
}

/* Does a list of len bytes hold the index-th entry whole? */
static enum corbel_err entry_check(u32 len, u32 entry, u32 index)
{
    if ((u64)index * entry >= len)
        return ERR_NOENT;
    return (index + 1ull) * entry <= len ? CORBEL_OK : ERR_FORMAT;
}

/* reg entry of chain[depth], in the cells of chain[depth - 1]. */
static enum corbel_err chain_reg(const void *fdt, const int *chain, int depth, u32 index,
                                 struct fdtr_range *out)
{
    u32 address;
    u32 size;
    u32 len;
    u32 entry;
    enum corbel_err err;
    const u8 *prop = fdtr_prop(fdt, chain[depth], "reg", &len);

    if (!prop)
        return ERR_NOENT;
    err = chain_cells(fdt, chain, depth - 1, &address, &size);
    if (err != CORBEL_OK)
        return err;
    entry = (address + size) * CELL_SIZE;
    if (address == 0)
        return ERR_FORMAT;
    err = entry_check(len, entry, index);
    if (err != CORBEL_OK)
        return err;
    prop += (size_t)index * entry;
    out->base = fdtr_read_cells(prop, address);
    out->size = fdtr_read_cells(prop + (size_t)address * CELL_SIZE, size);
    return CORBEL_OK;
}

/* One step up: range in the child cells of bus chain[depth] becomes one of its parent. */
static enum corbel_err translate(const void *fdt, const int *chain, int depth,
                                 struct fdtr_range *range)
{
    u32 child_cells, parent_cells, size_cells, unused_cells, entry, len;
    const u8 *prop = fdtr_prop(fdt, chain[depth], "ranges", &len);

    if (!prop)
        return ERR_RANGE;
    if (len == 0)
        return CORBEL_OK;
    if (chain_cells(fdt, chain, depth, &child_cells, &size_cells) != CORBEL_OK ||
        chain_cells(fdt, chain, depth - 1, &parent_cells, &unused_cells) != CORBEL_OK)
        return ERR_RANGE;

    entry = (child_cells + parent_cells + size_cells) * CELL_SIZE;
    for (; entry != 0 && len >= entry; len -= entry, prop += entry) {
        const u8 *to = prop + (size_t)child_cells * CELL_SIZE;
        u64 from = fdtr_read_cells(prop, child_cells);
        u64 window = fdtr_read_cells(to + (size_t)parent_cells * CELL_SIZE, size_cells);
        u64 offset = range->base - from;

        if (range->base < from || offset >= window || range->size > window - offset)
            continue;
        range->base = fdtr_read_cells(to, parent_cells) + offset;
        return CORBEL_OK;
    }
    return ERR_RANGE;
}

enum corbel_err fdtr_reg_chain(const void *fdt, const int *chain, int depth, u32 index,
                               struct fdtr_range *out)
{
    enum corbel_err err = depth < 1 ? ERR_NOENT : chain_reg(fdt, chain, depth, index, out);

    for (depth--; err == CORBEL_OK && depth > 0; depth--)
        err = translate(fdt, chain, depth, out);
    if (err == CORBEL_OK && out->base + out->size < out->base)
        return ERR_RANGE;
    return err;
}

enum corbel_err fdtr_to_cpu(const void *fdt, int bus, struct fdtr_range *range)
{
    int chain[FDTR_DEPTH_MAX];
    int depth = fdtr_chain(fdt, bus, chain);
    enum corbel_err err = depth < 0 ? ERR_NOENT : CORBEL_OK;

    for (; err == CORBEL_OK && depth > 0; depth--)
        err = translate(fdt, chain, depth, range);
    if (err == CORBEL_OK && range->base + range->size < range->base)
        return ERR_RANGE;
    return err;
}

enum corbel_err fdtr_reg_cpu(const void *fdt, int node, u32 index, u64 *base, u64 *size)
{
    int chain[FDTR_DEPTH_MAX];
    struct fdtr_range range;
    enum corbel_err err = fdtr_reg_chain(fdt, chain, fdtr_chain(fdt, node, chain), index, &range);

    if (err == CORBEL_OK) {
        *base = range.base;
        *size = range.size;
    }
    return err;
}

enum corbel_err fdtr_reg(const void *fdt, int node, u32 index, u64 *base, u64 *size)
{
    int chain[FDTR_DEPTH_MAX];
    int depth = fdtr_chain(fdt, node, chain);
    struct fdtr_range range;
    enum corbel_err err = depth < 1 ? ERR_NOENT : chain_reg(fdt, chain, depth, index, &range);

    if (err == CORBEL_OK) {
        *base = range.base;
        *size = range.size;
    }
    return err;
}

/* ---- memory reservation block ---- */

u32 fdtr_memreserve_count(const void *fdt)
{
    int count = fdt_num_mem_rsv(fdt);

    return count > 0 ? (u32)count : 0;
}

enum corbel_err fdtr_memreserve(const void *fdt, u32 index, u64 *base, u64 *size)
{
    uint64_t address;
    uint64_t bytes;

    if (index >= fdtr_memreserve_count(fdt))
        return ERR_NOENT;
    if (fdt_get_mem_rsv(fdt, (int)index, &address, &bytes) != 0)
        return ERR_FORMAT;
    *base = address;
    *size = bytes;
    return CORBEL_OK;
}

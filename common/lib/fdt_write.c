/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequential device-tree writer over libfdt's fdt_sw, for guest trees. The first
 * error sticks and names the node it happened in, so that a builder of a hundred
 * properties checks once, at the end. One struct fdtw per tree, on the caller's
 * stack; nothing is shared.
 *
 * w->node is the path of the open node with every level cut to what leaves two
 * bytes for each level that may still come: leaving a node can then always drop
 * exactly the last component.
 */
#include <corbel/fdt_write.h>

#include <corbel/bits.h>
#include <corbel/fdt_read.h>
#include <corbel/printf.h>
#include <corbel/string.h>

#include <libfdt.h>

#define CELL_SIZE 4u

/* Properties longer than this are a mistake of the caller, and would overflow int. */
#define PROP_SIZE_MAX 0x1000000u

static void fdtw_fail(struct fdtw *w, int err)
{
    if (err == 0 || w->err != 0)
        return;
    w->err = err;
    str_copy(w->failed_at, w->depth > 1 ? w->node : "/", sizeof(w->failed_at));
}

void fdtw_begin(struct fdtw *w, void *buf, u32 size)
{
    memset(w, 0, sizeof(*w));
    w->fdt = buf;
    w->size = size;
    if (size > INT32_MAX) {
        fdtw_fail(w, -FDT_ERR_BADVALUE);
        return;
    }
    fdtw_fail(w, fdt_create(buf, (int)size));
    if (w->err == 0)
        fdtw_fail(w, fdt_finish_reservemap(buf));
}

static void path_push(struct fdtw *w, const char *name)
{
    size_t used = strlen(w->node);
    size_t limit = sizeof(w->node) - 2 * (FDTW_DEPTH_MAX - w->depth);

    w->node[used++] = '/';
    str_copy(w->node + used, name, limit - used);
}

static void path_pop(struct fdtw *w)
{
    char *slash = strrchr(w->node, '/');

    if (slash)
        *slash = '\0';
}

/* The root, and only the root, has the empty name; a slash would forge a path. */
static bool name_is_valid(const struct fdtw *w, const char *name)
{
    return (w->depth == 0) == (name[0] == '\0') && !strchr(name, '/');
}

/* While it is written, the blob's structure size is what was written so far. */
static bool has_root(const struct fdtw *w)
{
    return fdt_size_dt_struct(w->fdt) != 0;
}

void fdtw_node(struct fdtw *w, const char *name)
{
    if (w->err != 0)
        return;
    if (w->depth == FDTW_DEPTH_MAX || !name_is_valid(w, name) || (w->depth == 0 && has_root(w))) {
        fdtw_fail(w, -FDT_ERR_BADVALUE);
        return;
    }
    w->depth++;
    if (w->depth > 1)
        path_push(w, name);
    fdtw_fail(w, fdt_begin_node(w->fdt, name));
}

void fdtw_node_at(struct fdtw *w, const char *name, u64 unit)
{
    char full[64];

    if (fmt_snprintf(full, sizeof(full), "%s@%llx", name, (unsigned long long)unit) >=
        (int)sizeof(full)) {
        fdtw_fail(w, -FDT_ERR_BADVALUE);
        return;
    }
    fdtw_node(w, full);
}

void fdtw_end_node(struct fdtw *w)
{
    if (w->err != 0)
        return;
    if (w->depth == 0) {
        fdtw_fail(w, -FDT_ERR_BADSTATE);
        return;
    }
    fdtw_fail(w, fdt_end_node(w->fdt));
    w->depth--;
    path_pop(w);
}

/* Room for a property of len bytes, NULL (and the error kept) when there is none. */
static u8 *fdtw_reserve(struct fdtw *w, const char *name, u64 len)
{
    void *data = NULL;

    if (w->err != 0)
        return NULL;
    if (w->depth == 0)
        fdtw_fail(w, -FDT_ERR_BADSTATE);
    else if (len > PROP_SIZE_MAX)
        fdtw_fail(w, -FDT_ERR_BADVALUE);
    else
        fdtw_fail(w, fdt_property_placeholder(w->fdt, name, (int)len, &data));
    return w->err == 0 ? data : NULL;
}

static u8 *put_cell(u8 *at, u32 value)
{
    at[0] = (u8)(value >> 24);
    at[1] = (u8)(value >> 16);
    at[2] = (u8)(value >> 8);
    at[3] = (u8)value;
    return at + CELL_SIZE;
}

static u8 *put_u64(u8 *at, u64 value)
{
    return put_cell(put_cell(at, (u32)(value >> 32)), (u32)value);
}

void fdtw_empty(struct fdtw *w, const char *name)
{
    (void)fdtw_reserve(w, name, 0);
}

void fdtw_u32(struct fdtw *w, const char *name, u32 value)
{
    fdtw_cells(w, name, &value, 1);
}

void fdtw_u64(struct fdtw *w, const char *name, u64 value)
{
    u8 *at = fdtw_reserve(w, name, sizeof(value));

    if (at)
        put_u64(at, value);
}

void fdtw_string(struct fdtw *w, const char *name, const char *value)
{
    fdtw_bytes(w, name, value, (u32)strlen(value) + 1);
}

void fdtw_bytes(struct fdtw *w, const char *name, const void *data, u32 len)
{
    u8 *at = fdtw_reserve(w, name, len);

    if (at && len > 0)
        memcpy(at, data, len);
}

void fdtw_cells(struct fdtw *w, const char *name, const u32 *cells, u32 count)
{
    u8 *at = fdtw_reserve(w, name, (u64)count * CELL_SIZE);
    u32 i;

    for (i = 0; at && i < count; i++)
        at = put_cell(at, cells[i]);
}

void fdtw_reg(struct fdtw *w, const u64 *ranges, u32 pairs)
{
    u8 *at = fdtw_reserve(w, "reg", (u64)pairs * 2 * sizeof(u64));
    u32 i;

    for (i = 0; at && i < 2 * pairs; i++)
        at = put_u64(at, ranges[i]);
}

/* ---- copies ---- */

static bool is_dropped_by(const struct fdtw_filter *filter, int node, const char *name)
{
    bool listed = false;
    u32 i;

    for (i = 0; i < filter->node_count; i++)
        listed |= filter->nodes[i] == node;
    for (i = 0; listed && filter->drop[i]; i++) {
        if (str_matches(name, filter->drop[i]))
            return true;
    }
    return false;
}

static bool is_dropped(const struct fdtw_filter *filter, int node, const char *name)
{
    for (; filter; filter = filter->next) {
        if (is_dropped_by(filter, node, name))
            return true;
    }
    return false;
}

static void copy_properties(struct fdtw *w, const void *src, int node,
                            const struct fdtw_filter *filter)
{
    struct fdtr_property prop;
    int at;

    for (at = fdtr_next_prop(src, node, -1, &prop); at >= 0;
         at = fdtr_next_prop(src, node, at, &prop)) {
        if (!is_dropped(filter, node, prop.name))
            fdtw_bytes(w, prop.name, prop.data, prop.len);
    }
}

void fdtw_copy(struct fdtw *w, const void *src, int node, const struct fdtw_filter *filter)
{
    int depth = 0;
    int open = 0; /* nodes of the copy that are open */

    for (; node >= 0 && w->err == 0; node = fdtr_next_node(src, node, &depth)) {
        for (; open > depth; open--)
            fdtw_end_node(w);
        fdtw_node(w, fdtr_name(src, node));
        open++;
        copy_properties(w, src, node, filter);
    }
    for (; open > 0; open--)
        fdtw_end_node(w);
}

u64 fdtw_copy_size(const void *src, int node)
{
    struct fdtr_property prop;
    u64 size = 0;
    int depth = 0;
    int at;

    for (; node >= 0; node = fdtr_next_node(src, node, &depth)) {
        size += 2 * CELL_SIZE + ALIGN_UP(strlen(fdtr_name(src, node)) + 1, CELL_SIZE);
        for (at = fdtr_next_prop(src, node, -1, &prop); at >= 0;
             at = fdtr_next_prop(src, node, at, &prop))
            size += 3 * CELL_SIZE + ALIGN_UP((u64)prop.len, CELL_SIZE) + strlen(prop.name) + 1;
    }
    return size;
}

enum corbel_err fdtw_finish(struct fdtw *w, u32 *total)
{
    if (w->err == 0 && (w->depth != 0 || !has_root(w)))
        fdtw_fail(w, -FDT_ERR_BADSTATE);
    if (w->err == 0)
        fdtw_fail(w, fdt_finish(w->fdt));
    if (w->err != 0)
        return w->err == -FDT_ERR_NOSPACE ? ERR_NOMEM : ERR_INVAL;
    *total = fdt_totalsize(w->fdt);
    return CORBEL_OK;
}

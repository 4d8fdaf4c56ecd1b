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

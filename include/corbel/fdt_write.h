/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_FDT_WRITE_H
#define CORBEL_FDT_WRITE_H

#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/types.h>

/*
 * Sequential device-tree writer (libfdt's fdt_sw) with a sticky error: after the
 * first failure every call is a no-op and fdtw_finish() reports it with the node
 * that was open. Needs only the given buffer.
 */
#define FDTW_DEPTH_MAX 16u

struct fdtw {
    void *fdt;
    u32 size;
    int err; /* libfdt's code, 0 = fine */
    u32 depth;
    char failed_at[64]; /* node open at the first failure */
    char node[64];
};

/* The first node is the root, fdtw_node(w, ""); each node is closed by fdtw_end_node(). */
void fdtw_begin(struct fdtw *w, void *buf, u32 size);
void fdtw_node(struct fdtw *w, const char *name);
/* name@unit with the unit address in hexadecimal. */
void fdtw_node_at(struct fdtw *w, const char *name, u64 unit);
void fdtw_end_node(struct fdtw *w);
void fdtw_empty(struct fdtw *w, const char *name);
void fdtw_u32(struct fdtw *w, const char *name, u32 value);
void fdtw_u64(struct fdtw *w, const char *name, u64 value);
void fdtw_string(struct fdtw *w, const char *name, const char *value);
void fdtw_bytes(struct fdtw *w, const char *name, const void *data, u32 len);
void fdtw_cells(struct fdtw *w, const char *name, const u32 *cells, u32 count);
/* reg with 2 address and 2 size cells per pair; ranges[2 * i], ranges[2 * i + 1]. */
void fdtw_reg(struct fdtw *w, const u64 *ranges, u32 pairs);

/*
 * Copy a node of another tree, with all below it, as a child of the open node: names, order and
 * bytes as they stand. The filter (NULL: none) leaves properties out of some nodes. A tree deeper
 * than this writer goes fails; nothing is left out silently.
 */
struct fdtw_filter {
    const char *const *drop; /* NULL-ended names; "corbel,*" for all that begin so */
    const int *nodes;        /* of these nodes only */
    u32 node_count;
    const struct fdtw_filter *next; /* another one that counts, too, or NULL */
};
void fdtw_copy(struct fdtw *w, const void *src, int node, const struct fdtw_filter *filter);

/* Upper bound of the bytes that fdtw_copy() of this node adds, however few names it shares. */
u64 fdtw_copy_size(const void *src, int node);

/* *total = size of the tree. ERR_NOMEM: buffer too small; ERR_INVAL: a mistake of the caller. */
enum corbel_err fdtw_finish(struct fdtw *w, u32 *total) __must_check;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_FDT_READ_H
#define CORBEL_FDT_READ_H

#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/types.h>

/*
 * Typed readers. A node is an int offset as in libfdt, negative = none. A malformed tree
 * never leads out of the blob: fdtr_check() validates it once (call it before all else), and
 * depth, string ends and lengths are checked here. Pure, no state.
 */
#define FDTR_DEPTH_MAX 32 /* deeper nodes are not visited */

/* Header, size and structure block are sound, at most size bytes. ERR_FORMAT otherwise. */
enum corbel_err fdtr_check(const void *fdt, u64 size) __must_check;
u32 fdtr_total_size(const void *fdt);

/* totalsize when the first 40 bytes look like a tree's header, else 0. Before fdtr_check(). */
u32 fdtr_peek_size(const void *fdt);

/* Bytes that are really in use (QEMU pads its trees to 1 MiB); a copy cut to them. */
u32 fdtr_used_size(const void *fdt);
enum corbel_err fdtr_copy(void *dst, const void *fdt, u32 size) __must_check;

int fdtr_path(const void *fdt, const char *path); /* also resolves an alias */
int fdtr_child(const void *fdt, int node, const char *name);
int fdtr_first_child(const void *fdt, int node);
int fdtr_next_child(const void *fdt, int child);
int fdtr_next_node(const void *fdt, int node,
                   int *depth); /* pre-order walk; start at -1, depth -1 */
int fdtr_parent(const void *fdt, int node);
int fdtr_by_phandle(const void *fdt, u32 phandle);
u32 fdtr_phandle(const void *fdt, int node);      /* 0 when it has none */
const char *fdtr_name(const void *fdt, int node); /* "" for the root, never NULL */
/*
 * Full path into buf, to be shown: always ended with NUL, "..." at the front when it does not fit,
 * and what is no printable ASCII as a question mark.
 */
const char *fdtr_path_of(const void *fdt, int node, char *buf, size_t size);

const void *fdtr_prop(const void *fdt, int node, const char *name, u32 *len); /* NULL: absent */
bool fdtr_has(const void *fdt, int node, const char *name);

/* Every property of a node in the tree's order: start with prev -1, negative at the end. */
struct fdtr_property {
    const char *name;
    const void *data;
    u32 len;
};
int fdtr_next_prop(const void *fdt, int node, int prev, struct fdtr_property *out);

/* ERR_NOENT absent; ERR_FORMAT wrong length; one or two big-endian cells. */
enum corbel_err fdtr_u32(const void *fdt, int node, const char *name, u32 *out) __must_check;
enum corbel_err fdtr_u64(const void *fdt, int node, const char *name, u64 *out) __must_check;
/* One cell or two (as linux,initrd-start). */
enum corbel_err fdtr_number(const void *fdt, int node, const char *name, u64 *out) __must_check;
/* NUL-terminated inside the property. */
enum corbel_err fdtr_string(const void *fdt, int node, const char *name, const char **out)
    __must_check;
/* n-th cell of a property. */
enum corbel_err fdtr_cell(const void *fdt, int node, const char *name, u32 index, u32 *out)
    __must_check;
/* n-th string of a string list, NULL past the end or when a string is not terminated. */
const char *fdtr_string_at(const void *fdt, int node, const char *name, u32 index);

bool fdtr_compatible(const void *fdt, int node, const char *compatible);
bool fdtr_available(const void *fdt, int node); /* status absent, "okay" or "ok" */
bool fdtr_enabled(const void *fdt, int node);   /* available, and so is every node above it */

/*
 * #address-cells / #size-cells for the children of node: its own, else the nearest ancestor's (as
 * Linux and Xen have it), else 2 and 1. ERR_RANGE above 2.
 */
enum corbel_err fdtr_cells(const void *fdt, int node, u32 *address, u32 *size) __must_check;

/* index-th (address, size) of reg in the parent's cells, not translated. ERR_NOENT past the end. */
enum corbel_err fdtr_reg(const void *fdt, int node, u32 index, u64 *base, u64 *size) __must_check;

/* Same, through every ranges to the root (CPU view). ERR_RANGE when it does not translate. */
enum corbel_err fdtr_reg_cpu(const void *fdt, int node, u32 index, u64 *base, u64 *size)
    __must_check;

struct fdtr_range {
    u64 base, size;
};

/*
 * fdtr_reg_cpu() of chain[depth], for walks that know the way: chain holds the offsets of the
 * nodes from the root, chain[0], down to it. Saves finding them anew for each node.
 */
enum corbel_err fdtr_reg_chain(const void *fdt, const int *chain, int depth, u32 index,
                               struct fdtr_range *out) __must_check;

/*
 * *range, in addresses of the children of bus, becomes what the CPU sees, through the ranges of
 * bus and of all above it. ERR_RANGE when it does not translate.
 */
enum corbel_err fdtr_to_cpu(const void *fdt, int bus, struct fdtr_range *range) __must_check;

/*
 * Whose registers are in [base, base + size) as the CPU sees it? fdtr_find_next() gives one reg
 * entry after the other, nodes in the tree's order; all together cost one walk over the tree.
 * Disabled nodes and all below them are passed over, and what describes no device: /memory,
 * /reserved-memory, /chosen, /cpus. base + size must not wrap.
 */
struct fdtr_find {
    int node; /* the entry found: the index-th of node */
    u32 index;
    struct fdtr_range hit;
    struct fdtr_range sought; /* from here on fdt_find.c's own */
    int depth, pruned;
    int chain[FDTR_DEPTH_MAX];
};
void fdtr_find_begin(struct fdtr_find *f, u64 base, u64 size);
bool fdtr_find_next(const void *fdt, struct fdtr_find *f);

/* Big-endian cells at p (1 or 2). */
u64 fdtr_read_cells(const void *p, u32 cells);

/* Interrupt: three GIC cells decoded; ERR_NOTSUP when the interrupt parent is no GIC. */
struct fdtr_irq {
    u32 intid; /* 16+ PPI, 32+ SPI */
    bool level;
    u32 flags; /* the raw third cell */
};
enum corbel_err fdtr_irq(const void *fdt, int node, u32 index, struct fdtr_irq *out) __must_check;
/* The three cells themselves. ERR_NOTSUP: neither SPI nor PPI; ERR_RANGE: no such number. */
enum corbel_err fdtr_irq_decode(const u8 *cells, struct fdtr_irq *out) __must_check;
/* A GIC that Corbel knows, of any version. */
bool fdtr_is_gic(const void *fdt, int node);
/* The node that interrupt-parent (inherited) of node leads to, negative when none. */
int fdtr_irq_parent(const void *fdt, int node);

/* Memory reservation block entries. */
u32 fdtr_memreserve_count(const void *fdt);
enum corbel_err fdtr_memreserve(const void *fdt, u32 index, u64 *base, u64 *size) __must_check;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_FDT_WALK_H
#define CORBEL_FDT_WALK_H

#include <corbel/fdt_read.h>
#include <corbel/types.h>

/*
 * What fdt_walk.c offers to fdt_read.c beside its part of fdt_read.h. All of it for trees that
 * fdtr_check() accepted; pure.
 */

/* Bytes of the structure block; up to version 16, which does not say, all that follows. */
u32 fdtr_struct_size(const void *fdt);

/*
 * Offsets of the nodes from the root (chain[0]) down to node; returns the depth of node, so
 * that chain[depth] == node. Negative: no such node, or too deep.
 */
int fdtr_chain(const void *fdt, int node, int chain[FDTR_DEPTH_MAX]);

/* fdtr_child() and fdtr_prop() with a name of so many characters. */
int fdtr_child_len(const void *fdt, int node, const char *name, size_t len);
const void *fdtr_prop_len(const void *fdt, int node, const char *name, size_t name_len, u32 *len);

#endif

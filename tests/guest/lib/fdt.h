/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader of the payload's own device tree. Nodes are offsets into the structure block; 0 is the
 * root, -1 is "not there". The tree is trusted.
 */
#ifndef GUEST_FDT_H
#define GUEST_FDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void fdt_init(uintptr_t dtb);
uintptr_t fdt_base(void);
size_t fdt_size(void);

/* A node by its full path (unit addresses may be left out) or by its compatible string. */
int fdt_path(const char *path);
int fdt_compatible(const char *compatible);
/* The child of NODE after CHILD (-1: the first), or -1. */
int fdt_child(int node, int child);
int fdt_parent(int node);
const char *fdt_name(int node);

const void *fdt_prop(int node, const char *name, size_t *size);
const char *fdt_text(int node, const char *name);
/* Cell INDEX of a property, or OTHERWISE. */
uint32_t fdt_cell(int node, const char *name, unsigned int index, uint32_t otherwise);
/* Range INDEX of reg, read with the parent's #address-cells and #size-cells. */
bool fdt_reg(int node, unsigned int index, uint64_t *base, uint64_t *size);
/* The index-th range of all memory nodes. */
bool fdt_ram(unsigned int index, uint64_t *base, uint64_t *size);
/* INTID of interrupt INDEX of a node with three-cell GIC specifiers, or 0. */
unsigned int fdt_intid(int node, unsigned int index);
bool fdt_is_compatible(int node, const char *compatible);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_PLATFORM_STATIC_H
#define CORBEL_PLATFORM_STATIC_H

#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/page.h>
#include <corbel/types.h>

struct platform;

/*
 * Static memory as the tree has it, read once for all: the platform keeps it out of
 * the allocator, the domain parser (domcfg_static.c, domcfg_shm.c) checks it. Pure.
 * Bindings: docs/bindings.md, "Static memory" and "Shared memory".
 */

/*
 * index-th region of xen,static-mem of a domain node. Cells: the domain's own
 * #xen,static-mem-address-cells and -size-cells, else those that apply below /chosen.
 * ERR_NOENT: past the end, or there is no such property; ERR_FORMAT: no list of pairs.
 */
enum corbel_err platform_static_region(const void *fdt, int domain, u32 index,
                                       struct mem_range *out) __must_check;

/* What xen,shared-mem of a shared memory node says; not checked for sense. */
struct platform_shm {
    u64 hpa, gpa, size;
    bool has_hpa;
};

/* In the cells of the domain node above it. ERR_NOENT: none; ERR_FORMAT: a wrong length. */
enum corbel_err platform_shm_read(const void *fdt, int node, struct platform_shm *out) __must_check;

/* compatible = "xen,domain-shared-memory-v1" */
bool platform_is_shm(const void *fdt, int node);

/* Empty the ranges of modules and static memory that are over self or tree, or not in RAM. */
void platform_drop_refused(struct platform *p);

/*
 * So little RAM is left that the hypervisor cannot work: give up xen,static-heap, else the
 * largest module or static range, whose domain will be refused. False: there is none.
 */
bool platform_drop_hog(struct platform *p);

#endif

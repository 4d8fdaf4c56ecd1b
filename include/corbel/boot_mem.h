/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_BOOT_MEM_H
#define CORBEL_BOOT_MEM_H

#include <corbel/platform.h>

/* The frame allocator's start. Boot CPU, once. */

/* Books, then every free range of the platform; notes the image's and the tree's place in p. */
void boot_mem_init(struct platform *p, u64 fdt_pa, u64 fdt_size);

/* Copy the part of the tree that is in use to the heap, free the original; returns the copy. */
const void *boot_mem_keep_tree(const void *fdt);

#endif

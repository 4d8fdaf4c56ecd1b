/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_PLATFORM_PARTS_H
#define CORBEL_PLATFORM_PARTS_H

#include <corbel/compiler.h>
#include <corbel/platform.h>
#include <corbel/types.h>

/*
 * What the files of platform_from_fdt() share. Nobody else includes this; the
 * contract is platform.h.
 */

static inline u64 platform_range_end(const struct mem_range *range)
{
    return range->size > ~0ull - range->base ? ~0ull : range->base + range->size;
}

/* One line for the boot log, cut when notes is full; node >= 0 puts its path in front. */
void platform_note(struct platform *p, int node, const char *fmt, ...) __printf_like(3, 4);

/* Enabled, and so is every node above it. */
bool platform_node_enabled(const void *fdt, int node);

/* index-th reg as the CPU sees it; false when absent, empty or not translatable. */
bool platform_read_range(const void *fdt, int node, u32 index, struct mem_range *out);

/* /chosen: command line, modules, seeds; static memory of domains, static heap. */
void platform_read_chosen(struct platform *p);
void platform_read_static(struct platform *p, int chosen);
/* The hypervisor's options inside the tree, "" when there are none. */
const char *platform_options(const void *fdt);

/* Keep a range out of the free memory; ranges outside RAM are dropped. */
void platform_reserve(struct platform *p, u64 base, u64 size);

/* CPUs and the firmware interface that starts them. */
void platform_read_cpus(struct platform *p);
/* GIC, timer, UART; registers that no domain is given. */
void platform_read_devices(struct platform *p);
/* An SMMU (enum iommu_kind) becomes one of p->iommus, if enabled and sound. False: no room. */
bool platform_read_iommu(struct platform *p, int node, u8 kind);

#endif

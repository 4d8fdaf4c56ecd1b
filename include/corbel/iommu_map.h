/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_IOMMU_MAP_H
#define CORBEL_IOMMU_MAP_H

#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/iommu_ops.h>
#include <corbel/platform.h>
#include <corbel/types.h>

/*
 * Which streams of which SMMU a node of the host's tree masters: its iommus (Linux binding
 * iommu/iommu.txt), for a PCIe host bridge its iommu-map and iommu-map-mask (pci/pci-iommu.txt),
 * or the older mmu-masters of an SMMU that names it. Pure.
 */
struct iommu_map_entry {
    u8 iommu; /* index in platform.iommus */
    struct iommu_stream stream;
};

/*
 * Up to max entries into out; *count is 0 for a node behind no SMMU. Ranges of a masked SMMU (v1,
 * v2) come in naturally aligned powers of two. Adjacent ranges of one SMMU are joined.
 * ERR_FORMAT: malformed, or it points to something that is no SMMU; ERR_NOMEM: more than max;
 * *property names what is wrong.
 */
enum corbel_err iommu_map_node(const struct platform *p, int node, struct iommu_map_entry *out,
                               u32 max, u32 *count, const char **property) __must_check;

/* Do two entries have a stream in common? */
bool iommu_map_overlap(const struct iommu_map_entry *a, const struct iommu_map_entry *b);

/* Index in p->iommus of the SMMU with this phandle; negative: none. */
s32 iommu_map_find(const struct platform *p, u32 phandle);

#endif

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

struct iommu_map_result {
    u32 count; /* entries written; 0: behind no SMMU of platform.iommus */
    /*
     * Host node of an IOMMU that the device is behind, too, and that is not one of
     * platform.iommus: disabled, of another make, one too many. Negative: none.
     */
    int unlisted;
    /* A PCIe host bridge: the lowest requester ID of its buses that its iommu-map leaves out. */
    bool has_gap;
    u32 gap;
    const char *property; /* of an error: the property that is wrong */
};

/*
 * Up to max entries into out. Adjacent and overlapping ranges of one SMMU are joined; those of
 * v1 and v2, which match by mask, come in naturally aligned powers of two. ERR_FORMAT: malformed,
 * or it points to what is no IOMMU; ERR_NOMEM: more than max, or longer than any sane list.
 */
enum corbel_err iommu_map_node(const struct platform *p, int node, struct iommu_map_entry *out,
                               u32 max, struct iommu_map_result *result) __must_check;

/* Do two entries have a stream in common? */
bool iommu_map_overlap(const struct iommu_map_entry *a, const struct iommu_map_entry *b);

/* Index in p->iommus of the SMMU with this phandle; negative: none. */
s32 iommu_map_find(const struct platform *p, u32 phandle);

/* Streams of an entry as text: "0x10", "0x0-0xffff", "0x400/0x7f" (mask). */
void iommu_map_text(const struct iommu_map_entry *entry, char *buf, size_t size);

#endif

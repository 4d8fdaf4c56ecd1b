/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_PLATFORM_IOMMU_H
#define CORBEL_PLATFORM_IOMMU_H

#include <corbel/page.h>
#include <corbel/types.h>

/* The SMMUs of the machine, a part of struct platform. */
#define PLATFORM_IOMMU_IRQS 32u

enum iommu_kind { IOMMU_NONE, IOMMU_SMMU_V1, IOMMU_SMMU_V2, IOMMU_SMMU_V3 };

/* An enabled SMMU of the tree: arm,smmu-v3; arm,smmu-v1, -v2, arm,mmu-400, -401, -500. */
struct platform_iommu {
    u8 kind;         /* enum iommu_kind */
    bool coherent;   /* dma-coherent: table walks snoop */
    bool by_masters; /* has mmu-masters: the older binding */
    u32 phandle;
    u32 cells;             /* #iommu-cells; 0: none, or it makes no sense */
    u32 stream_match_mask; /* of every stream that is named by one cell; v1, v2 */
    int node;
    struct mem_range regs;
    u32 irq_count;
    struct {
        u32 intid;
        bool level;
    } irqs[PLATFORM_IOMMU_IRQS]; /* of faults and errors: each once, in the tree's order */
    char path[64];
    /* What became of it: written by iommu_init(), or by the checker; else false and NULL. */
    bool driven;
    const char *why; /* it is not driven: "no stage 2 translation", "iommu=off"; static text */
};

#endif

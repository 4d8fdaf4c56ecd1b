/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the platform about SMMUs: which there are, with their registers, interrupts and
 * the form in which the tree names streams. What they can do is in their own registers, and a
 * driver's matter. One that does not make sense here is left out with a note; it is hidden all
 * the same, and what is behind it is behind no SMMU that keeps it (iommu_map.c).
 * Bindings "arm,smmu-v3"; "arm,smmu", also in its older form with mmu-masters.
 */
#include <corbel/platform_parts.h>

#include <corbel/fdt_read.h>
#include <corbel/string.h>

#define SPI_FIRST    32u
#define IRQS_LOOKED  256u /* more entries of interrupts than any SMMU has: 128 contexts, 127 more */
#define V3_STREAM_ID 1u   /* #iommu-cells of an SMMUv3; v1 and v2 may have a mask, too */

/* Events and errors; what page requests and CMD_SYNC raise is of no use here. */
static bool is_wanted(const struct platform_iommu *iommu, const char *name)
{
    if (iommu->kind != IOMMU_SMMU_V3 || !name)
        return true;
    return strcmp(name, "eventq") == 0 || strcmp(name, "gerror") == 0 ||
           strcmp(name, "combined") == 0;
}

/* Contexts may share a line: each once. False: full. */
static bool add_irq(struct platform_iommu *iommu, const struct fdtr_irq *irq)
{
    for (u32 i = 0; i < iommu->irq_count; i++)
        if (iommu->irqs[i].intid == irq->intid)
            return true;
    if (iommu->irq_count == PLATFORM_IOMMU_IRQS)
        return false;
    iommu->irqs[iommu->irq_count].intid = irq->intid;
    iommu->irqs[iommu->irq_count++].level = irq->level;
    return true;
}

/* What goes to another controller than the GIC, or to one CPU only, is left out. */
static void read_irqs(struct platform *p, struct platform_iommu *iommu)
{
    enum corbel_err err = CORBEL_OK;
    struct fdtr_irq irq;
    u32 i;

    for (i = 0; i < IRQS_LOOKED && err != ERR_NOENT && err != ERR_FORMAT; i++) {
        err = fdtr_irq(p->fdt, iommu->node, i, &irq);
        if (err != CORBEL_OK || irq.intid < SPI_FIRST ||
            !is_wanted(iommu, fdtr_string_at(p->fdt, iommu->node, "interrupt-names", i)))
            continue;
        if (add_irq(iommu, &irq))
            continue;
        platform_note(p, iommu->node, "interrupts: more than %u, faults beyond are not seen",
                      PLATFORM_IOMMU_IRQS);
        return;
    }
    if (err == ERR_FORMAT)
        platform_note(p, iommu->node, "interrupts: malformed after %u entries", i - 1);
}

/* A count of cells that makes no sense is none: what points here is refused then. */
static void read_binding(struct platform *p, struct platform_iommu *iommu)
{
    u32 most = iommu->kind == IOMMU_SMMU_V3 ? V3_STREAM_ID : 2;
    u32 cells = 0;
    enum corbel_err err = fdtr_u32(p->fdt, iommu->node, "#iommu-cells", &cells);

    if (err == CORBEL_OK && cells >= 1 && cells <= most)
        iommu->cells = cells;
    else if (err != ERR_NOENT)
        platform_note(p, iommu->node, "#iommu-cells: expected 1%s", most > 1 ? " or 2" : "");
    if (iommu->kind == IOMMU_SMMU_V3)
        return;
    iommu->by_masters = fdtr_has(p->fdt, iommu->node, "mmu-masters");
    if (iommu->cells == 1 &&
        fdtr_u32(p->fdt, iommu->node, "stream-match-mask", &iommu->stream_match_mask) == ERR_FORMAT)
        platform_note(p, iommu->node, "stream-match-mask: expected one cell");
}

bool platform_read_iommu(struct platform *p, int node, u8 kind)
{
    struct platform_iommu *iommu;

    if (!platform_node_enabled(p->fdt, node))
        return true;
    if (p->iommu_count == PLATFORM_IOMMU_MAX)
        return false;
    iommu = &p->iommus[p->iommu_count];
    memset(iommu, 0, sizeof(*iommu));
    iommu->kind = kind;
    iommu->node = node;
    if (!platform_read_range(p->fdt, node, 0, &iommu->regs)) {
        platform_note(p, node, "reg: registers of an SMMU expected");
        return true;
    }
    p->iommu_count++;
    iommu->phandle = fdtr_phandle(p->fdt, node);
    iommu->coherent = fdtr_has(p->fdt, node, "dma-coherent");
    fdtr_path_of(p->fdt, node, iommu->path, sizeof(iommu->path));
    read_binding(p, iommu);
    read_irqs(p, iommu);
    return true;
}

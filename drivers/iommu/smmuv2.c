/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMMU architecture version 1 and 2 (arm,smmu-v1, -v2, arm,mmu-400, -401, -500): what it is, how
 * it is brought to a state where every stream aborts, and started. Stage 2 only, tables shared
 * with the CPUs. Here probe and start; streams, banks, TLB and faults have files of their own.
 * Boot CPU, or under u->lock. IHI 0062; DDI 0517 for MMU-500.
 */
#include "smmuv2_priv.h"

#include <arch/cache.h>

#include <corbel/drivers.h>
#include <corbel/page.h>

#define MAPS_OF_INDEX_BITS 7u  /* 128 groups at most */
#define IPA_BITS_AARCH32   40u /* long descriptors in AArch32: 40 bits in and out */
#define STREAM_BITS_EXT    16u

static enum corbel_err refuse(const char **why, const char *text)
{
    *why = text;
    return ERR_NOTSUP;
}

/* Banks that lie in what the tree describes; nothing beyond is touched. */
static u32 banks_within(const struct smmuv2 *p, u32 banks, u64 size)
{
    return size < p->bank_base ? 0 : (u32)MIN((u64)banks, (size - p->bank_base) >> p->page_shift);
}

/* How many registers there are, and where. */
static enum corbel_err read_layout(struct iommu *u, const char **why)
{
    struct smmuv2 *p = smmuv2_of(u);
    u32 idr0, idr1, pages, maps;

    if (u->desc->regs.size < SZ_4K)
        return refuse(why, "the tree gives less than its registers");
    idr0 = mmio_read32(u->regs, SMMU_IDR0);
    idr1 = mmio_read32(u->regs, SMMU_IDR1);
    p->v2 = u->desc->kind == IOMMU_SMMU_V2;
    p->matching = (idr0 & SMMU_IDR0_SMS) != 0;
    p->exids = p->v2 && p->matching && (idr0 & SMMU_IDR0_EXIDS);
    p->irq_count = (u32)FIELD_GET(SMMU_IDR0_NUMIRPT, idr0);
    p->page_shift = idr1 & SMMU_IDR1_PAGESIZE ? 16 : 12;
    pages = 2u << FIELD_GET(SMMU_IDR1_NUMPAGENDXB, idr1);
    p->bank_base = pages << p->page_shift;
    p->bank_count = banks_within(p, MIN(pages, SMMU_BANKS_MAX), u->desc->regs.size);
    p->bank_count = MIN(p->bank_count, (u32)FIELD_GET(SMMU_IDR1_NUMCB, idr1));
    maps = p->matching ? (u32)FIELD_GET(SMMU_IDR0_NUMSMRG, idr0)
                       : 1u << MIN((u32)FIELD_GET(SMMU_IDR0_NUMSIDB, idr0), MAPS_OF_INDEX_BITS);
    p->map_count = MIN(maps, SMMU_MAPS_MAX);
    p->id_bits = p->mask_bits = (u16)(p->map_count - 1); /* with indexing */
    return CORBEL_OK;
}

static void detect_mmu500(struct iommu *u)
{
    struct smmuv2 *p = smmuv2_of(u);

    p->mmu500 = p->v2 && (mmio_read32(u->regs, SMMU_PIDR0) & 0xff) == MMU500_PIDR0 &&
                (mmio_read32(u->regs, SMMU_PIDR1) & 0xf) == MMU500_PIDR1;
}

/*
 * Results for streams that match nothing, and for bypass, are not kept in the TLB: only then does
 * what is written to the stream mapping hold at once. The prefetcher may walk into the page
 * behind a mapped one (errata 841119, 826419): off.
 */
static void setup_mmu500(struct iommu *u)
{
    u32 acr = mmio_read32(u->regs, SMMU_ACR);
    u32 major = (u32)FIELD_GET(SMMU_IDR7_MAJOR, mmio_read32(u->regs, SMMU_IDR7));

    acr &= ~(u32)(MMU500_ACR_SMTNMB_TLBEN | MMU500_ACR_S2CRB_TLBEN);
    if (major >= 2)
        acr &= ~(u32)MMU500_ACR_CACHE_LOCK; /* which guards ACTLR */
    mmio_write32(u->regs, SMMU_ACR, acr);
    for (u32 i = 0; i < smmuv2_of(u)->bank_count; i++) {
        u32 offset = smmuv2_cb(u, i, SMMU_CB_ACTLR);

        mmio_write32(u->regs, offset, mmio_read32(u->regs, offset) & ~(u32)MMU500_ACTLR_CPRE);
    }
}

/*
 * Whatever the firmware left: stream mapping, banks, recorded faults, cached translations. Stalled
 * transactions end before the sync, which would wait for them; banks go off behind it.
 */
static enum corbel_err abort_all(struct iommu *u)
{
    struct smmuv2 *p = smmuv2_of(u);
    enum corbel_err err;

    smmuv2_maps_reset(u);
    mmio_write32(u->regs, SMMU_CR0, p->cr0);
    if (p->mmu500)
        setup_mmu500(u);
    for (u32 i = 0; i < p->bank_count; i++)
        smmuv2_bank_clear(u, i);
    smmuv2_tlb_all(u);
    err = smmuv2_tlb_sync(u);
    for (u32 i = 0; i < p->bank_count && !err; i++) {
        smmuv2_bank_off(u, i);
        p->banks[i] = (struct smmuv2_bank){ .state = SMMUV2_BANK_FREE };
    }
    mmio_write32(u->regs, SMMU_GFSR, mmio_read32(u->regs, SMMU_GFSR));
    return err;
}

/*
 * Which bits of an ID and of a mask exist: those that stay when written. An ID bit may be lost
 * under a mask bit, hence one after the other. No valid bit is written, so nothing matches.
 */
static void measure_smr(struct iommu *u)
{
    struct smmuv2 *p = smmuv2_of(u);
    u64 id = p->exids ? SMMU_SMR_EXID : SMMU_SMR_ID;
    u64 mask = p->exids ? SMMU_SMR_EXMASK : SMMU_SMR_MASK;

    mmio_write32(u->regs, SMMU_SMR(0), (u32)id);
    p->id_bits = (u16)FIELD_GET(id, mmio_read32(u->regs, SMMU_SMR(0)));
    mmio_write32(u->regs, SMMU_SMR(0), (u32)FIELD_PREP(mask, p->id_bits));
    p->mask_bits = (u16)FIELD_GET(mask, mmio_read32(u->regs, SMMU_SMR(0)));
    mmio_write32(u->regs, SMMU_SMR(0), 0);
}

/* AArch64 tables where it walks them; else the AArch32 long format, of which ours are, too. */
static enum corbel_err read_format(struct iommu *u, u32 idr0, const char **why)
{
    struct smmuv2 *p = smmuv2_of(u);
    u32 idr2 = mmio_read32(u->regs, SMMU_IDR2);

    u->caps.ipa_bits = smmuv2_size_bits(FIELD_GET(SMMU_IDR2_IAS, idr2));
    u->caps.pa_bits = smmuv2_size_bits(FIELD_GET(SMMU_IDR2_OAS, idr2));
    p->va64 = p->v2 && (idr2 & SMMU_IDR2_PTFSV8_4K);
    if (!p->va64) {
        if (p->v2 && (idr0 & SMMU_IDR0_PTFS_NO))
            return refuse(why, "no tables of 4 KiB pages");
        u->caps.ipa_bits = MIN(u->caps.ipa_bits, (u8)IPA_BITS_AARCH32);
        u->caps.pa_bits = MIN(u->caps.pa_bits, (u8)IPA_BITS_AARCH32);
    }
    u->caps.vmid_bits = p->vmid16 ? 16 : 8;
    p->sink_vmid = (u16)(BIT(u->caps.vmid_bits) - 1);
    return CORBEL_OK;
}

static enum corbel_err smmuv2_probe(struct iommu *u, const char **why)
{
    struct smmuv2 *p = smmuv2_of(u);
    enum corbel_err err = read_layout(u, why);
    u32 idr0;

    if (err)
        return err;
    detect_mmu500(u);
    p->vmid16 = p->v2 && (mmio_read32(u->regs, SMMU_IDR2) & SMMU_IDR2_VMID16S);
    p->cr0 = smmuv2_cr0(p->exids, p->vmid16);
    err = abort_all(u);
    if (err) {
        *why = "its TLB sync does not end";
        return err;
    }
    idr0 = mmio_read32(u->regs, SMMU_IDR0);
    if (!(idr0 & SMMU_IDR0_S2TS))
        return refuse(why, "no stage 2 translation");
    if (!p->bank_count)
        return refuse(why, "no context banks");
    if (!p->map_count)
        return refuse(why, "no stream match registers");
    if (p->matching)
        measure_smr(u);
    u->caps.stream_bits = p->id_bits ? (u8)(bit_highest(p->id_bits) + 1) : 0;
    /* The tree may know better than the ID register, and the other way round: both must agree. */
    u->caps.coherent = (idr0 & SMMU_IDR0_CTTW) && u->desc->coherent;
    u->caps.bbm_level = 0;
    u->caps.range_inv = false;
    u->caps.contexts = p->bank_count;
    u->caps.detail = p->matching ? "stream matching" : "stream indexing";
    return read_format(u, idr0, why);
}

static enum corbel_err smmuv2_start(struct iommu *u, const char **why)
{
    struct smmuv2 *p = smmuv2_of(u);

    p->sink_root = u->mem->alloc(PAGE_SIZE, PAGE_SIZE);
    if (!p->sink_root) {
        *why = "no memory for its empty table";
        return ERR_NOMEM;
    }
    if (!u->caps.coherent)
        arch_cache_clean(p->sink_root, PAGE_SIZE);
    smmuv2_set_fault_irq(u, true);
    return CORBEL_OK;
}

/* An SMMU whose registers are not there stays as the firmware left it. */
static void smmuv2_set_bypass(struct iommu *u, bool bypass)
{
    struct smmuv2 *p = smmuv2_of(u);

    if (!p->cr0)
        return;
    p->irqs = false;
    if (bypass)
        mmio_write32(u->regs, SMMU_CR0, (u32)SMMU_CR0_CLIENTPD);
    else if (abort_all(u))
        p->stuck = true;
}

const struct iommu_ops smmuv2_ops = {
    .name = "SMMUv2",
    .priv_size = sizeof(struct smmuv2),
    .probe = smmuv2_probe,
    .start = smmuv2_start,
    .set_bypass = smmuv2_set_bypass,
    .attach = smmuv2_attach,
    .detach = smmuv2_detach,
    .invalidate = smmuv2_invalidate,
    .next_fault = smmuv2_next_fault,
    .drop_faults = smmuv2_drop_faults,
    .set_fault_irq = smmuv2_set_fault_irq,
};

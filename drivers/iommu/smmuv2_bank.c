/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Context banks of SMMUv1 and v2: one per domain, stage 2 only, shared by its streams; and one,
 * when it is first needed, whose empty table refuses quarantined streams without an interrupt.
 * A bank that is off lets traffic pass untranslated, so streams are led away from it and waited
 * for before it goes off. IHI 0062: SMMU_CBARn, SMMU_CBn_SCTLR. Under u->lock.
 */
#include "smmuv2_priv.h"

#include <arch/barrier.h>
#include <arch/mmu.h>

#include <corbel/page.h>

#define SINK_IPA_BITS 39u /* what one table at level 1 translates */

u32 smmuv2_bank_clear(struct iommu *u, u32 bank)
{
    u32 fsr = mmio_read32(u->regs, smmuv2_cb(u, bank, SMMU_CB_FSR));

    mmio_write32(u->regs, smmuv2_cb(u, bank, SMMU_CB_FSR), fsr);
    if (fsr & SMMU_FSR_SS)
        mmio_write32(u->regs, smmuv2_cb(u, bank, SMMU_CB_RESUME), SMMU_RESUME_TERMINATE);
    return fsr;
}

void smmuv2_bank_off(struct iommu *u, u32 bank)
{
    mmio_write32(u->regs, smmuv2_cb(u, bank, SMMU_CB_SCTLR), 0);
    smmuv2_bank_clear(u, bank);
}

/* SCTLR last: until then the bank translates nothing, and no stream leads there yet. */
static void bank_on(struct iommu *u, u32 bank, u32 tcr)
{
    const struct smmuv2 *p = smmuv2_of(u);
    const struct smmuv2_bank *b = &p->banks[bank];
    u8 irptndx = p->v2 ? 0 : (u8)(bank % MAX(p->irq_count, 1u));
    bool irq = p->irqs && b->state == SMMUV2_BANK_USED;

    smmuv2_bank_off(u, bank);
    if (p->v2)
        mmio_write32(u->regs, smmuv2_gr1(u, SMMU_CBA2R(bank)),
                     smmuv2_cba2r(b->vmid, p->vmid16, p->va64));
    mmio_write32(u->regs, smmuv2_gr1(u, SMMU_CBAR(bank)), smmuv2_cbar(b->vmid, p->vmid16, irptndx));
    mmio_write32(u->regs, smmuv2_cb(u, bank, SMMU_CB_TCR), tcr);
    mmio_write32(u->regs, smmuv2_cb(u, bank, SMMU_CB_TTBR0), (u32)b->ttbr);
    mmio_write32(u->regs, smmuv2_cb(u, bank, SMMU_CB_TTBR0 + 4), (u32)(b->ttbr >> 32));
    dsb_sy(); /* the tables are written before they are walked */
    mmio_write32(u->regs, smmuv2_cb(u, bank, SMMU_CB_SCTLR), smmuv2_sctlr(irq));
}

/* Nothing of the VMID from an earlier life, or of a firmware, is left when streams arrive. */
static enum corbel_err bank_start(struct iommu *u, u32 bank, u32 tcr)
{
    enum corbel_err err;

    bank_on(u, bank, tcr);
    smmuv2_tlb_vmid(u, smmuv2_of(u)->banks[bank].vmid);
    err = smmuv2_tlb_sync(u);
    if (err) {
        smmuv2_bank_off(u, bank);
        smmuv2_of(u)->banks[bank].state = SMMUV2_BANK_FREE;
    }
    return err;
}

static u8 find_free(const struct smmuv2 *p)
{
    for (u32 i = 0; i < p->bank_count; i++)
        if (p->banks[i].state == SMMUV2_BANK_FREE)
            return (u8)i;
    return SMMUV2_NO_BANK;
}

static enum corbel_err check_tables(const struct iommu *u, const struct stage2 *s2,
                                    const char **why)
{
    const struct smmuv2 *p = smmuv2_of(u);

    if (s2->ipa_bits > u->caps.ipa_bits)
        *why = p->va64 ? "a p2m of more bits than it translates" : "a p2m of more than 40 bits";
    else if (smmuv2_size_bits(FIELD_GET(SMMU_TCR_PS, s2->vtcr)) > u->caps.pa_bits)
        *why = "a p2m with host addresses of more bits than it has";
    else if (s2->vmid >= p->sink_vmid)
        *why = "a VMID of more bits than it has";
    else
        return CORBEL_OK;
    return ERR_RANGE;
}

enum corbel_err smmuv2_bank_get(struct iommu *u, const struct stage2 *s2, u8 *bank,
                                const char **why)
{
    struct smmuv2 *p = smmuv2_of(u);
    u64 ttbr = s2->vttbr & SMMU_TTBR_ADDR;
    enum corbel_err err = check_tables(u, s2, why);

    if (err)
        return err;
    for (u32 i = 0; i < p->bank_count; i++) {
        const struct smmuv2_bank *b = &p->banks[i];

        if (b->state == SMMUV2_BANK_USED && b->vmid == s2->vmid && b->ttbr == ttbr) {
            *bank = (u8)i;
            return CORBEL_OK;
        }
    }
    *bank = find_free(p);
    if (*bank == SMMUV2_NO_BANK) {
        *why = "no free context bank";
        return ERR_NOMEM;
    }
    p->banks[*bank] =
        (struct smmuv2_bank){ .state = SMMUV2_BANK_USED, .vmid = s2->vmid, .ttbr = ttbr };
    err = bank_start(u, *bank, smmuv2_tcr(s2->vtcr, p->va64, u->caps.coherent));
    if (err)
        *why = "its TLB sync does not end";
    return err;
}

/* As of a VTCR_EL2: level 1, write-back walks, the output size that the SMMU has. */
static u32 sink_tcr(const struct iommu *u)
{
    u32 ps = 0;

    while (smmuv2_size_bits(ps) < u->caps.pa_bits)
        ps++;
    return smmuv2_tcr(FIELD_PREP(SMMU_TCR_PS, ps) | FIELD_PREP(SMMU_TCR_SH0, 3) |
                          FIELD_PREP(SMMU_TCR_ORGN0, 1) | FIELD_PREP(SMMU_TCR_IRGN0, 1) |
                          FIELD_PREP(SMMU_TCR_SL0, 1) |
                          FIELD_PREP(SMMU_TCR_T0SZ, 64 - MIN(SINK_IPA_BITS, u->caps.ipa_bits)),
                      smmuv2_of(u)->va64, u->caps.coherent);
}

u8 smmuv2_bank_sink(struct iommu *u)
{
    struct smmuv2 *p = smmuv2_of(u);
    u8 bank;

    for (u32 i = 0; i < p->bank_count; i++)
        if (p->banks[i].state == SMMUV2_BANK_SINK)
            return (u8)i;
    bank = find_free(p);
    if (bank == SMMUV2_NO_BANK || !p->sink_root)
        return SMMUV2_NO_BANK;
    p->banks[bank] = (struct smmuv2_bank){ .state = SMMUV2_BANK_SINK,
                                           .vmid = p->sink_vmid,
                                           .ttbr = virt_to_phys(p->sink_root).v };
    return bank_start(u, bank, sink_tcr(u)) ? SMMUV2_NO_BANK : bank;
}

void smmuv2_bank_put(struct iommu *u, u8 bank)
{
    struct smmuv2_bank *b = &smmuv2_of(u)->banks[bank];

    b->users--;
    b->stale = true;
}

enum corbel_err smmuv2_bank_sweep(struct iommu *u)
{
    struct smmuv2 *p = smmuv2_of(u);
    enum corbel_err err;

    for (u32 i = 0; i < p->bank_count; i++)
        if (p->banks[i].stale)
            smmuv2_tlb_vmid(u, p->banks[i].vmid);
    err = smmuv2_tlb_sync(u);
    for (u32 i = 0; i < p->bank_count; i++) {
        struct smmuv2_bank *b = &p->banks[i];

        if (b->stale && !b->users) {
            if (!err)
                smmuv2_bank_off(u, i);
            b->state = err ? SMMUV2_BANK_LOST : SMMUV2_BANK_FREE;
        }
        b->stale = false;
    }
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Register values of SMMUv1 and v2 from what they mean, and fault kinds from registers. Pure.
 * IHI 0062, the register descriptions of global spaces 0 and 1 and of context banks.
 */
#include "smmuv2_priv.h"

u8 smmuv2_size_bits(u64 field)
{
    static const u8 bits[] = { 32, 36, 40, 42, 44, 48 };

    return bits[MIN(field, ARRAY_SIZE(bits) - 1)];
}

/*
 * VMIDPNE, PTM, FB and BSU stay 0: VMIDs mean what they mean to the CPUs, broadcast TLB
 * maintenance may reach the TLBs (more than needed, since all is told by registers as well),
 * barriers of clients are left alone.
 */
u32 smmuv2_cr0(bool exids, bool vmid16)
{
    u64 v = SMMU_CR0_GFRE | SMMU_CR0_GCFGFRE | SMMU_CR0_STALLD | SMMU_CR0_USFCFG | SMMU_CR0_SMCFCFG;

    return (u32)(v | (exids ? SMMU_CR0_EXIDENABLE : 0) | (vmid16 ? SMMU_CR0_VMID16EN : 0));
}

u32 smmuv2_smr(u16 id, u16 mask, bool exids)
{
    if (exids)
        return (u32)(FIELD_PREP(SMMU_SMR_EXMASK, mask) | FIELD_PREP(SMMU_SMR_EXID, id));
    return (u32)(SMMU_SMR_VALID | FIELD_PREP(SMMU_SMR_MASK, mask) | FIELD_PREP(SMMU_SMR_ID, id));
}

u32 smmuv2_s2cr(u8 type, u8 bank, bool exid_valid)
{
    return (u32)(FIELD_PREP(SMMU_S2CR_TYPE, type) | FIELD_PREP(SMMU_S2CR_CBNDX, bank) |
                 (exid_valid ? SMMU_S2CR_EXIDVALID : 0));
}

u32 smmuv2_cbar(u16 vmid, bool vmid16, u8 irptndx)
{
    return (u32)(FIELD_PREP(SMMU_CBAR_TYPE, SMMU_CBAR_STAGE2) |
                 FIELD_PREP(SMMU_CBAR_IRPTNDX, irptndx) |
                 (vmid16 ? 0 : FIELD_PREP(SMMU_CBAR_VMID, vmid)));
}

u32 smmuv2_cba2r(u16 vmid, bool vmid16, bool va64)
{
    return (u32)((vmid16 ? FIELD_PREP(SMMU_CBA2R_VMID16, vmid) : 0) | (va64 ? SMMU_CBA2R_VA64 : 0));
}

/*
 * AArch32: input bits = 32 - T0SZ, T0SZ signed in bits 3:0, and S (bit 4) repeats its sign. For
 * 25 to 40 bits that is 64 - bits, cut to five. SL0 says the same in both.
 */
u32 smmuv2_tcr(u64 vtcr, bool va64, bool coherent)
{
    u64 tcr = SMMU_TCR_RES1 | (vtcr & SMMU_TCR_VTCR);

    if (!va64)
        tcr &= ~(SMMU_TCR_PS | (SMMU_TCR_T0SZ & ~SMMU_TCR_T0SZ_32));
    if (!coherent) {
        tcr &= ~(SMMU_TCR_SH0 | SMMU_TCR_ORGN0 | SMMU_TCR_IRGN0);
        tcr |= FIELD_PREP(SMMU_TCR_SH0, 2); /* outer shareable, as non-cacheable memory is */
    }
    return (u32)tcr;
}

/* CFCFG stays 0: a stall would need somebody to resume it (and MMU-500 erratum 842869). */
u32 smmuv2_sctlr(bool irq)
{
    return (u32)(SMMU_SCTLR_M | SMMU_SCTLR_CFRE | SMMU_SCTLR_HUPCF | (irq ? SMMU_SCTLR_CFIE : 0));
}

u8 smmuv2_fsr_kind(u32 fsr)
{
    static const struct {
        u64 bit;
        u8 kind;
    } kinds[] = {
        { SMMU_FSR_TF, IOMMU_FAULT_TRANSLATION }, { SMMU_FSR_PF, IOMMU_FAULT_PERMISSION },
        { SMMU_FSR_AFF, IOMMU_FAULT_ACCESS },     { SMMU_FSR_ASF, IOMMU_FAULT_SIZE },
        { SMMU_FSR_EF, IOMMU_FAULT_WALK },
    };

    for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
        if (fsr & kinds[i].bit)
            return kinds[i].kind;
    return (fsr & SMMU_FSR_FAULTS & ~SMMU_FSR_MULTI) ? IOMMU_FAULT_OTHER : IOMMU_FAULT_LOST;
}

u8 smmuv2_gfsr_kind(u32 gfsr)
{
    if (gfsr & (SMMU_GFSR_USF | SMMU_GFSR_ICF))
        return IOMMU_FAULT_STREAM;
    return (gfsr & ~SMMU_GFSR_MULTI) ? IOMMU_FAULT_GLOBAL : IOMMU_FAULT_LOST;
}

bool smmuv2_match_overlap(const struct smmuv2_match *a, const struct smmuv2_match *b)
{
    return ((a->id ^ b->id) & ~(a->mask | b->mask)) == 0;
}

bool smmuv2_match_inside(const struct smmuv2_match *outer, const struct smmuv2_match *inner)
{
    return (inner->mask & ~outer->mask) == 0 && smmuv2_match_overlap(outer, inner);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults of SMMUv1 and v2: one record for the whole SMMU (GFSR: streams of nobody, access errors)
 * and one in each context bank. A second fault before the first is taken leaves only the bit
 * MULTI. IHI 0062: SMMU_GFSR, SMMU_CBn_FSR. Under u->lock.
 */
#include "smmuv2_priv.h"

static u64 read64(const struct iommu *u, u32 offset)
{
    u64 low = mmio_read32(u->regs, offset);

    return low | (u64)mmio_read32(u->regs, offset + 4) << 32;
}

/* MULTI alone is a record of its own; with another bit it becomes one, told next. */
static void tell_lost(struct smmuv2 *p, struct iommu_fault *out, u64 multi)
{
    if (out->kind == IOMMU_FAULT_LOST) {
        *out = (struct iommu_fault){ .kind = IOMMU_FAULT_LOST,
                                     .type = out->type,
                                     .raw = { out->type } };
    } else if (out->type & multi) {
        p->lost = true;
        p->lost_type = out->type;
    }
}

static bool take_global(struct iommu *u, struct iommu_fault *out)
{
    u32 gfsr = mmio_read32(u->regs, SMMU_GFSR), syn0, syn1;

    if (!gfsr)
        return false;
    syn0 = mmio_read32(u->regs, SMMU_GFSYNR0);
    syn1 = mmio_read32(u->regs, SMMU_GFSYNR1);
    *out = (struct iommu_fault){ .kind = smmuv2_gfsr_kind(gfsr),
                                 .has_stream = true,
                                 .has_address = true,
                                 .write = (syn0 & SMMU_GFSYNR0_WNR) != 0,
                                 .stream = (u32)FIELD_GET(SMMU_GFSYNR1_STREAMID, syn1),
                                 .ipa = read64(u, SMMU_GFAR),
                                 .type = gfsr };
    out->raw[0] = gfsr;
    out->raw[1] = out->ipa;
    out->raw[2] = syn0;
    out->raw[3] = syn1;
    /* What came since then stays set: it is another record, or MULTI. */
    mmio_write32(u->regs, SMMU_GFSR, gfsr);
    tell_lost(smmuv2_of(u), out, SMMU_GFSR_MULTI);
    return true;
}

static bool take_bank(struct iommu *u, u32 bank, struct iommu_fault *out)
{
    u32 fsr = mmio_read32(u->regs, smmuv2_cb(u, bank, SMMU_CB_FSR)), syn0, syna;

    if (!(fsr & (SMMU_FSR_FAULTS | SMMU_FSR_SS)))
        return false;
    syn0 = mmio_read32(u->regs, smmuv2_cb(u, bank, SMMU_CB_FSYNR0));
    syna = mmio_read32(u->regs, smmuv2_gr1(u, SMMU_CBFRSYNRA(bank)));
    *out = (struct iommu_fault){ .kind = smmuv2_fsr_kind(fsr),
                                 .has_stream = true,
                                 .has_address = true,
                                 .write = (syn0 & SMMU_FSYNR0_WNR) != 0,
                                 .stream = (u32)FIELD_GET(SMMU_CBFRSYNRA_STREAMID, syna),
                                 .ipa = read64(u, smmuv2_cb(u, bank, SMMU_CB_FAR)),
                                 .type = fsr };
    out->raw[0] = fsr;
    out->raw[1] = out->ipa;
    out->raw[2] = syn0;
    out->raw[3] = syna;
    mmio_write32(u->regs, smmuv2_cb(u, bank, SMMU_CB_FSR), fsr);
    if (fsr & SMMU_FSR_SS)
        mmio_write32(u->regs, smmuv2_cb(u, bank, SMMU_CB_RESUME), SMMU_RESUME_TERMINATE);
    tell_lost(smmuv2_of(u), out, SMMU_FSR_MULTI);
    return true;
}

/* The sink's faults are nobody's business. */
static bool is_watched(const struct smmuv2 *p, u32 bank)
{
    u8 state = p->banks[bank].state;

    return state == SMMUV2_BANK_USED || state == SMMUV2_BANK_LOST;
}

/* Every bank gets its turn, whatever a noisy one does. */
static bool take_any_bank(struct iommu *u, struct iommu_fault *out)
{
    struct smmuv2 *p = smmuv2_of(u);

    for (u32 i = 0; i < p->bank_count; i++) {
        u32 bank = (p->next_bank + i) % p->bank_count;

        if (is_watched(p, bank) && take_bank(u, bank, out)) {
            p->next_bank = bank + 1;
            return true;
        }
    }
    return false;
}

bool smmuv2_next_fault(struct iommu *u, struct iommu_fault *out)
{
    struct smmuv2 *p = smmuv2_of(u);

    if (p->lost) {
        p->lost = false;
        *out = (struct iommu_fault){ .kind = IOMMU_FAULT_LOST,
                                     .type = p->lost_type,
                                     .raw = { p->lost_type } };
    } else if (!take_global(u, out) && !take_any_bank(u, out)) {
        return false;
    }
    u->stats.faults++;
    return true;
}

/* GFSR stays only if it says something of the SMMU itself. MULTI stands for one more, at least. */
u32 smmuv2_drop_faults(struct iommu *u)
{
    struct smmuv2 *p = smmuv2_of(u);
    u32 gfsr = mmio_read32(u->regs, SMMU_GFSR), dropped = p->lost ? 1 : 0;

    p->lost = false;
    if (gfsr && smmuv2_gfsr_kind(gfsr) != IOMMU_FAULT_GLOBAL) {
        mmio_write32(u->regs, SMMU_GFSR, gfsr);
        dropped += gfsr & SMMU_GFSR_MULTI ? 2 : 1;
    }
    for (u32 i = 0; i < p->bank_count; i++) {
        u32 fsr;

        if (!is_watched(p, i))
            continue;
        fsr = smmuv2_bank_clear(u, i);
        if (fsr & SMMU_FSR_FAULTS)
            dropped += fsr & SMMU_FSR_MULTI ? 2 : 1;
    }
    u->stats.faults += dropped;
    return dropped;
}

void smmuv2_set_fault_irq(struct iommu *u, bool on)
{
    struct smmuv2 *p = smmuv2_of(u);
    u32 cr0 = p->cr0 | (on ? (u32)(SMMU_CR0_GFIE | SMMU_CR0_GCFGFIE) : 0);

    p->irqs = on;
    mmio_write32(u->regs, SMMU_CR0, cr0);
    for (u32 i = 0; i < p->bank_count; i++) {
        if (is_watched(p, i))
            mmio_write32(u->regs, smmuv2_cb(u, i, SMMU_CB_SCTLR), smmuv2_sctlr(on));
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLB maintenance of SMMUv1 and v2: invalidations are register writes, and one global sync waits
 * for all of them in all of the SMMU, and for the transactions that used what they dropped.
 * IHI 0062: SMMU_TLBIVMID, SMMU_CBn_TLBIIPAS2, SMMU_sTLBGSYNC. Under u->lock.
 */
#include "smmuv2_priv.h"

#include <arch/barrier.h>

#include <corbel/page.h>

/* Register reads, 100 ns or more each. */
#define SYNC_POLLS  1000000u
#define STUCK_POLLS 1000u /* for one that has not ended in its time */

static void command(struct iommu *u, u32 offset, u32 value)
{
    mmio_write32(u->regs, offset, value);
    u->stats.commands++;
}

/* Non-secure, not of EL2's kind; and of EL2's kind, which this SMMU may have from a firmware. */
void smmuv2_tlb_all(struct iommu *u)
{
    command(u, SMMU_TLBIALLNSNH, ~0u);
    command(u, SMMU_TLBIALLH, ~0u);
}

void smmuv2_tlb_vmid(struct iommu *u, u16 vmid)
{
    command(u, SMMU_TLBIVMID, vmid);
}

static bool wait_idle(const struct iommu *u, u32 polls)
{
    for (u32 i = 0; i < polls; i++)
        if (!(mmio_read32(u->regs, SMMU_TLBGSTATUS) & SMMU_TLBGSTATUS_GSACTIVE))
            return true;
    return false;
}

/*
 * A sync that never ends must not be followed by others: some implementations queue them, and
 * the write itself blocks once the queue is full. So all fail, soon, until it does end.
 */
enum corbel_err smmuv2_tlb_sync(struct iommu *u)
{
    struct smmuv2 *p = smmuv2_of(u);

    if (p->stuck && !wait_idle(u, STUCK_POLLS))
        return ERR_TIMEDOUT;
    mmio_write32(u->regs, SMMU_TLBGSYNC, ~0u);
    u->stats.syncs++;
    p->stuck = !wait_idle(u, SYNC_POLLS);
    return p->stuck ? ERR_TIMEDOUT : CORBEL_OK;
}

/*
 * step 4 KiB may stand for a table that was removed: all levels then. A bigger step is a block,
 * where the last level will do.
 */
static void inval_range(struct iommu *u, u32 bank, const struct stage2_range *r)
{
    u32 reg = r->step > PAGE_SIZE ? SMMU_CB_TLBIIPAS2L : SMMU_CB_TLBIIPAS2;
    u32 offset = smmuv2_cb(u, bank, reg);

    for (u64 at = 0; at < r->size; at += r->step) {
        u64 frame = (r->ipa + at) >> PAGE_SHIFT;

        if (smmuv2_of(u)->va64)
            mmio_write64(u->regs, offset, frame);
        else
            mmio_write32(u->regs, offset, (u32)frame);
        u->stats.commands++;
    }
}

/* The bank that walks for vmid; SMMUV2_NO_BANK. */
static u32 find_bank(const struct smmuv2 *p, u16 vmid)
{
    for (u32 i = 0; i < p->bank_count; i++)
        if (p->banks[i].state == SMMUV2_BANK_USED && p->banks[i].vmid == vmid)
            return i;
    return SMMUV2_NO_BANK;
}

enum corbel_err smmuv2_invalidate(struct iommu *u, u16 vmid, const struct stage2_inval *inv)
{
    const struct smmuv2 *p = smmuv2_of(u);
    u32 bank = find_bank(p, vmid);

    dsb_sy(); /* table writes are seen by the SMMU before it is told to look again */
    /* v1 has nothing finer than a VMID. */
    if (inv->all || !p->v2 || bank == SMMUV2_NO_BANK) {
        smmuv2_tlb_vmid(u, vmid);
    } else {
        for (u32 i = 0; i < inv->count; i++)
            inval_range(u, bank, &inv->ranges[i]);
    }
    return smmuv2_tlb_sync(u);
}

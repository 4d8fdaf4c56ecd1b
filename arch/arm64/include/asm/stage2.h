/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_STAGE2_H
#define ASM_STAGE2_H

#include <corbel/bits.h>
#include <corbel/types.h>

struct stage2;
struct stage2_inval;

/* VTCR_EL2, 4 KiB granule (Arm ARM D24.2.205) */
#define VTCR_EL2_T0SZ  GENMASK(5, 0)
#define VTCR_EL2_SL0   GENMASK(7, 6)
#define VTCR_EL2_IRGN0 GENMASK(9, 8)
#define VTCR_EL2_ORGN0 GENMASK(11, 10)
#define VTCR_EL2_SH0   GENMASK(13, 12)
#define VTCR_EL2_PS    GENMASK(18, 16)
#define VTCR_EL2_VS    BIT(19)
#define VTCR_EL2_RES1  BIT(31)
#define VTTBR_EL2_VMID GENMASK(63, 48)

/*
 * Invalidations of one operation are collected by stage2.c (stage2_inval.h) and executed by
 * stage2_tlb.c, then by the walkers. Adjacent entries of one size join. More instructions
 * than this, or more ranges than fit: the whole VMID instead.
 */
#define TLB_OPS_MAX 64u

/* Add one cleared entry (table: with all that hung below it). Pure. */
void stage2_inval_add(struct stage2_inval *inval, u64 ipa, u64 size, bool table);

/* Have earlier table writes visible and the batch done on all CPUs. */
void stage2_tlb_sync(const struct stage2 *s2, const struct stage2_inval *inval);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_TLB_H
#define ASM_TLB_H

#include <arch/barrier.h>
#include <corbel/bits.h>
#include <corbel/types.h>

#include <asm/features.h>
#include <asm/sysreg.h>

/*
 * TLB maintenance instructions (Arm ARM D8.17). Each tlbi is ordered by the DSBs
 * around it only: the caller spells them, with the shareability of the instruction.
 */
#define tlbi(op)          __asm__ volatile("tlbi " #op ::: "memory")
#define tlbi_arg(op, arg) __asm__ volatile("tlbi " #op ", %0" ::"r"((u64)(arg)) : "memory")

/* FEAT_TLBIRANGE by encoding, for assemblers that start at Armv8.0: RIPAS2E1IS. */
#define tlbi_ripas2e1is(arg) __asm__ volatile("sys #4, c8, c0, #2, %0" ::"r"((u64)(arg)) : "memory")

/* One page of EL2's own map, on all CPUs / on this one. The entry was cleared before. */
static inline void tlb_flush_el2(const void *va)
{
    dsb_ishst();
    tlbi_arg(vae2is, (u64)(uintptr_t)va >> PAGE_SHIFT & GENMASK(43, 0));
    dsb_ish();
    isb();
}

static inline void tlb_flush_el2_local(const void *va)
{
    dsb_nsh();
    tlbi_arg(vae2, (u64)(uintptr_t)va >> PAGE_SHIFT & GENMASK(43, 0));
    dsb_nsh();
    isb();
}

/*
 * Speculative AT (Cortex-A76 1165522, A57 1319367, A72 1319367, A55 1530923): these
 * CPUs may execute an AT instruction ahead of time while VTTBR_EL2 and the EL1
 * translation registers belong to different guests, and keep what they found. So
 * walks are shut off (TCR_EL1.EPD0/1) with stage 1 on, from before the first of
 * these registers changes until the last one has. A vCPU switch encloses all of it:
 * stop, stage2_load(), the EL1 registers but TCR and SCTLR, ISB, then those two.
 */
#define TCR_EL1_EPD0 BIT(7)
#define TCR_EL1_EPD1 BIT(23)

struct tlb_s1_walks {
    u64 tcr, sctlr;
};

static inline void tlb_s1_walks_stop(struct tlb_s1_walks *saved)
{
    if (!errata_speculative_at())
        return;
    saved->tcr = read_sysreg(tcr_el1);
    saved->sctlr = read_sysreg(sctlr_el1);
    write_sysreg(saved->tcr | TCR_EL1_EPD0 | TCR_EL1_EPD1, tcr_el1);
    isb(); /* walks are off before stage 1 may come on */
    write_sysreg(saved->sctlr | SCTLR_M, sctlr_el1);
    isb();
}

static inline void tlb_s1_walks_resume(const struct tlb_s1_walks *saved)
{
    if (!errata_speculative_at())
        return;
    isb(); /* VTTBR_EL2 has changed before walks come back */
    write_sysreg(saved->sctlr, sctlr_el1);
    isb();
    write_sysreg(saved->tcr, tcr_el1);
}

#endif

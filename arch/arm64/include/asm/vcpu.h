/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_VCPU_H
#define ASM_VCPU_H

#include <arch/regs.h>
#include <corbel/compiler.h>
#include <corbel/types.h>

#include <asm/debug.h>
#include <asm/pmu.h>
#include <asm/pstate.h>

/*
 * EL1 system registers that move with a vCPU: the one list (design decision 9).
 * X(name) for registers of Armv8.0, saved always. (clang-format never comes to rest on it.)
 */
/* clang-format off */
#define VCPU_EL1_REGS(X)                                                                \
    X(sctlr_el1) X(cpacr_el1) X(ttbr0_el1) X(ttbr1_el1) X(tcr_el1) X(mair_el1)          \
    X(amair_el1) X(vbar_el1) X(contextidr_el1) X(elr_el1) X(spsr_el1) X(esr_el1)        \
    X(far_el1) X(par_el1) X(afsr0_el1) X(afsr1_el1) X(sp_el0) X(sp_el1) X(tpidr_el0)    \
    X(tpidrro_el0) X(tpidr_el1) X(cntkctl_el1) X(csselr_el1) X(mdscr_el1)
/* clang-format on */

#define VCPU_PAUTH_KEYS 10u

struct arch_vcpu {
#define X(name) u64 name;
    VCPU_EL1_REGS(X)
#undef X
    u64 scxtnum_el0, scxtnum_el1;
    u64 vdisr; /* what the guest reads in DISR_EL1 */
    u64 pauth[VCPU_PAUTH_KEYS];
    u64 hcr; /* HCR_EL2 to run with */
    struct vcpu_debug debug;
    struct vcpu_pmu pmu;
    u64 fpcr, fpsr;
    u64 v[64] __aligned(16); /* V0..V31 */
};

static inline bool arch_pmu_is_live(const struct arch_vcpu *a)
{
    return a->pmu.live;
}

static inline bool arch_regs_skip(struct guest_regs *r)
{
    u64 pstate = r->pstate;

    if (unlikely(pstate & PSR_NRW))
        return false;
    r->pc += 4;
    r->pstate = pstate & ~(PSR_SS | PSR_BTYPE);
    return true;
}

#endif

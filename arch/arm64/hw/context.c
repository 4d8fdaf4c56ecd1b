/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EL1 state of a vCPU: reset, load, save. One X-macro list (asm/vcpu.h) makes all
 * three and the dump. Between load and save the state lives in this CPU's registers
 * and the struct is stale; an exit that does not change vCPU touches none of it.
 */
#include <arch/vcpu.h>

#include <arch/barrier.h>
#include <arch/cpu.h>
#include <arch/insn.h>
#include <arch/stage2.h>
#include <corbel/domain.h>
#include <corbel/log.h>
#include <corbel/string.h>
#include <corbel/vcpu.h>

#include <asm/features.h>
#include <asm/fpsimd.h>
#include <asm/sysreg.h>

void arch_vcpu_reset(struct vcpu *v, u64 entry, u64 context_id)
{
    memset(&v->arch, 0, sizeof(v->arch));
    memset(&v->regs, 0, sizeof(v->regs));
    v->arch.sctlr_el1 = SCTLR_EL1_RESET;
    v->arch.hcr = cpu_guest_hcr() | (v->domain->cfg->pmu_off ? HCR_EL2_TID3 : 0);
    vcpu_debug_reset(v);
    v->regs.pc = entry;
    v->regs.x[0] = context_id;
    v->regs.pstate = PSR_EL1H | PSR_D | PSR_A | PSR_I | PSR_F;
}

#define PAUTH_SAVE(i, reg) v->arch.pauth[i] = read_sysreg(reg)
#define PAUTH_LOAD(i, reg) write_sysreg(v->arch.pauth[i], reg)
#define PAUTH_ALL(op)             \
    do {                          \
        op(0, SYS_APIAKEYLO_EL1); \
        op(1, SYS_APIAKEYHI_EL1); \
        op(2, SYS_APIBKEYLO_EL1); \
        op(3, SYS_APIBKEYHI_EL1); \
        op(4, SYS_APDAKEYLO_EL1); \
        op(5, SYS_APDAKEYHI_EL1); \
        op(6, SYS_APDBKEYLO_EL1); \
        op(7, SYS_APDBKEYHI_EL1); \
        op(8, SYS_APGAKEYLO_EL1); \
        op(9, SYS_APGAKEYHI_EL1); \
    } while (0)

void arch_vcpu_save(struct vcpu *v)
{
#define X(name) v->arch.name = read_sysreg(name);
    VCPU_EL1_REGS(X)
#undef X
    vcpu_debug_save(v);
    if (unlikely(v->arch.pmu.live))
        vcpu_pmu_save(v);
    v->arch.hcr = read_sysreg(hcr_el2);
    if (cpu_features()->pauth)
        PAUTH_ALL(PAUTH_SAVE);
    if (cpu_features()->scxtnum) {
        v->arch.scxtnum_el0 = read_sysreg(SYS_SCXTNUM_EL0);
        v->arch.scxtnum_el1 = read_sysreg(SYS_SCXTNUM_EL1);
    }
    if (cpu_features()->ras)
        v->arch.vdisr = read_sysreg(SYS_VDISR_EL2);
    fpsimd_save(v->arch.v);
    v->arch.fpcr = read_sysreg(fpcr);
    v->arch.fpsr = read_sysreg(fpsr);
}

/* Walks may not run between the old tables and the new: EPD0, EPD1 and M are set meanwhile. */
#define TCR_EPD (BIT(7) | BIT(23))

static void load_el1(const struct arch_vcpu *a)
{
#define X(name) write_sysreg(a->name, name);
    VCPU_EL1_REGS(X)
#undef X
}

/*
 * Stage 2 and the EL1 registers of another guest. On CPUs that translate speculatively
 * with a mix of both (errata 1165522, 1319367, 1319537, 1530923) stage-1 walks stay shut
 * off from before the first write until the last.
 */
static void load_translation(struct vcpu *v)
{
    u64 tcr = v->arch.tcr_el1, sctlr = v->arch.sctlr_el1;

    if (!errata_speculative_at()) {
        stage2_load(&v->domain->p2m.s2);
        load_el1(&v->arch);
        return;
    }
    write_sysreg(read_sysreg(tcr_el1) | TCR_EPD, tcr_el1);
    isb();
    write_sysreg(read_sysreg(sctlr_el1) | SCTLR_M, sctlr_el1);
    isb();
    stage2_load(&v->domain->p2m.s2);
    v->arch.tcr_el1 |= TCR_EPD;
    v->arch.sctlr_el1 |= SCTLR_M;
    load_el1(&v->arch);
    isb();
    write_sysreg(sctlr, sctlr_el1);
    isb();
    write_sysreg(tcr, tcr_el1);
    v->arch.tcr_el1 = tcr;
    v->arch.sctlr_el1 = sctlr;
}

void arch_vcpu_load(struct vcpu *v)
{
    load_translation(v);
    if (cpu_features()->pauth)
        PAUTH_ALL(PAUTH_LOAD);
    if (cpu_features()->scxtnum) {
        write_sysreg(v->arch.scxtnum_el0, SYS_SCXTNUM_EL0);
        write_sysreg(v->arch.scxtnum_el1, SYS_SCXTNUM_EL1);
    }
    if (cpu_features()->ras)
        write_sysreg(v->arch.vdisr, SYS_VDISR_EL2);
    fpsimd_load(v->arch.v);
    write_sysreg(v->arch.fpcr, fpcr);
    write_sysreg(v->arch.fpsr, fpsr);
    vcpu_debug_load(v);
    if (unlikely(v->arch.pmu.live))
        vcpu_pmu_load(v);
    write_sysreg(v->vmpidr | BIT(31), vmpidr_el2);
    write_sysreg(v->domain->cntvoff, cntvoff_el2);
    write_sysreg(v->arch.hcr, hcr_el2);
    isb(); /* all of it before the first instruction of this guest or an AT for it */
}

/* The ERET that follows every use synchronizes it. */
static void change_hcr(u64 bits, bool set)
{
    u64 hcr = read_sysreg(hcr_el2);

    write_sysreg(set ? hcr | bits : hcr & ~bits, hcr_el2);
}

void arch_vcpu_set_wfx(struct vcpu *v, bool trap)
{
    (void)v; /* loaded: HCR_EL2 itself is the truth, VSE in it changes by hardware */
    change_hcr(HCR_EL2_TWI | HCR_EL2_TWE, trap);
}

void arch_vcpu_watch_caches(struct vcpu *v, bool watch)
{
    (void)v;
    change_hcr(HCR_EL2_TVM, watch);
}

bool arch_vcpu_caches_watched(const struct vcpu *v)
{
    (void)v;
    return read_sysreg(hcr_el2) & HCR_EL2_TVM;
}

bool arch_sctlr_caches_on(u64 sctlr)
{
    return (sctlr & (SCTLR_M | SCTLR_C)) == (SCTLR_M | SCTLR_C);
}

bool arch_vcpu_caches_on(const struct vcpu *v)
{
    (void)v; /* loaded here */
    return arch_sctlr_caches_on(read_sysreg(sctlr_el1));
}

void arch_vcpu_write_sctlr(struct vcpu *v, u64 value)
{
    (void)v;
    write_sysreg(value, sctlr_el1);
}

u64 arch_cntv_ctl_read(void)
{
    return read_sysreg(cntv_ctl_el0);
}

void arch_cntv_ctl_write(u64 ctl)
{
    write_sysreg(ctl, cntv_ctl_el0);
}

u64 arch_cntv_cval_read(void)
{
    return read_sysreg(cntv_cval_el0);
}

void arch_cntv_cval_write(u64 cval)
{
    write_sysreg(cval, cntv_cval_el0);
}

u64 arch_vcpu_sp(const struct vcpu *v)
{
    if (v->resident == cpu_this())
        return read_sysreg(sp_el1);
    return v->arch.sp_el1;
}

bool arch_insn_is_a64(const struct vcpu *v)
{
    return !(v->regs.pstate & PSR_NRW);
}

u64 arch_insn_sp_get(const struct vcpu *v)
{
    return (v->regs.pstate & PSR_MODE) == PSR_EL1H ? read_sysreg(sp_el1) : read_sysreg(sp_el0);
}

void arch_insn_sp_set(struct vcpu *v, u64 sp)
{
    if ((v->regs.pstate & PSR_MODE) == PSR_EL1H)
        write_sysreg(sp, sp_el1);
    else
        write_sysreg(sp, sp_el0);
}

__cold void arch_vcpu_dump(struct vcpu *v)
{
    const struct guest_regs *r = &v->regs;
    const char *who = v->domain->name;

    log_info("%s: vCPU%u:   PC 0x%016llx LR 0x%016llx SP 0x%016llx PSTATE 0x%08llx", who, v->id,
             (unsigned long long)r->pc, (unsigned long long)r->x[30],
             (unsigned long long)arch_vcpu_sp(v), (unsigned long long)r->pstate);
    for (u32 i = 0; i < 30; i += 3)
        log_info("%s: vCPU%u:   x%-2u 0x%016llx  x%-2u 0x%016llx  x%-2u 0x%016llx", who, v->id, i,
                 (unsigned long long)r->x[i], i + 1, (unsigned long long)r->x[i + 1], i + 2,
                 (unsigned long long)r->x[i + 2]);
    if (v->resident == cpu_this()) { /* the struct is stale: bring it up to date first */
#define X(name) v->arch.name = read_sysreg(name);
        VCPU_EL1_REGS(X)
#undef X
    }
    log_info("%s: vCPU%u:   SCTLR 0x%llx TCR 0x%llx TTBR0 0x%llx TTBR1 0x%llx VBAR 0x%llx", who,
             v->id, (unsigned long long)v->arch.sctlr_el1, (unsigned long long)v->arch.tcr_el1,
             (unsigned long long)v->arch.ttbr0_el1, (unsigned long long)v->arch.ttbr1_el1,
             (unsigned long long)v->arch.vbar_el1);
    log_info("%s: vCPU%u:   ESR 0x%llx FAR 0x%llx ELR 0x%llx SPSR 0x%llx", who, v->id,
             (unsigned long long)v->arch.esr_el1, (unsigned long long)v->arch.far_el1,
             (unsigned long long)v->arch.elr_el1, (unsigned long long)v->arch.spsr_el1);
}

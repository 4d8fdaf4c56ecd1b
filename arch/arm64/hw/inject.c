/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions that EL2 makes a guest take: writes the EL1 registers of the vCPU loaded on
 * this CPU. Where and how its handler begins is worked out in inject_entry.c.
 */
#include <asm/inject.h>

#include <arch/barrier.h>
#include <arch/vcpu.h>
#include <corbel/compiler.h>
#include <corbel/vcpu.h>

#include <asm/esr.h>
#include <asm/sysreg.h>

static bool has_pan(void)
{
    return FIELD_GET(GENMASK(23, 20), read_sysreg(id_aa64mmfr1_el1)) != 0;
}

static bool has_ssbs(void)
{
    return FIELD_GET(GENMASK(7, 4), read_sysreg(id_aa64pfr1_el1)) != 0;
}

static void take_exception(struct vcpu *v, u64 esr, u64 far, bool set_far)
{
    struct inject_entry e =
        inject_entry(v->regs.pstate, read_sysreg(sctlr_el1), has_pan(), has_ssbs());

    write_sysreg(v->regs.pstate, spsr_el1);
    write_sysreg(v->regs.pc, elr_el1);
    write_sysreg(esr, esr_el1);
    if (set_far)
        write_sysreg(far, far_el1);
    v->regs.pc = read_sysreg(vbar_el1) + e.offset;
    v->regs.pstate = e.pstate;
}

static bool from_el0(const struct vcpu *v)
{
    return (v->regs.pstate & PSR_NRW) || (v->regs.pstate & PSR_MODE) == PSR_EL0T;
}

void arch_inject_undef(struct vcpu *v)
{
    take_exception(v, FIELD_PREP(ESR_EC, EC_UNKNOWN) | ESR_IL, 0, false);
}

void arch_inject_data_abort(struct vcpu *v, u64 gva, bool s1ptw, bool write)
{
    u64 ec = from_el0(v) ? EC_DABT_LOWER : EC_DABT_CUR;
    u64 fsc = s1ptw ? FSC_EXT_WALK_L3 : FSC_EXT;

    take_exception(v, FIELD_PREP(ESR_EC, ec) | ESR_IL | fsc | (write ? ISS_ABT_WNR : 0), gva, true);
}

void arch_inject_insn_abort(struct vcpu *v, u64 gva, bool s1ptw)
{
    u64 ec = from_el0(v) ? EC_IABT_LOWER : EC_IABT_CUR;
    u64 fsc = s1ptw ? FSC_EXT_WALK_L3 : FSC_EXT;

    take_exception(v, FIELD_PREP(ESR_EC, ec) | ESR_IL | fsc, gva, true);
}

bool arch_vcpu_is_at_elr(const struct vcpu *v)
{
    return !from_el0(v) && v->regs.pc == read_sysreg(elr_el1);
}

bool arch_vcpu_is_in_vector_loop(const struct vcpu *v)
{
    return read_sysreg(vbar_el1) + VECTOR_SYNC_SPX == v->regs.pc && arch_vcpu_is_at_elr(v);
}

/* IT block of AArch32: one instruction further (Arm ARM, AArch32.ITAdvance()). */
static u64 it_advance(u64 pstate)
{
    u64 it = FIELD_GET(PSR_IT_HIGH, pstate) << 2 | FIELD_GET(PSR_IT_LOW, pstate);

    it = (it & 7) ? (it & 0xe0) | ((it << 1) & 0x1f) : 0;
    pstate &= ~(PSR_IT_HIGH | PSR_IT_LOW);
    return pstate | FIELD_PREP(PSR_IT_HIGH, it >> 2) | FIELD_PREP(PSR_IT_LOW, it);
}

void arch_vcpu_skip(struct vcpu *v, bool il32)
{
    /* As the instruction itself would have done. BTYPE's place is IT's in AArch32. */
    if (likely(arch_regs_skip(&v->regs)))
        return;
    v->regs.pc += il32 ? 4 : 2;
    v->regs.pstate = it_advance(v->regs.pstate & ~PSR_SS);
}

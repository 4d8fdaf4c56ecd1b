/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAKE_INSN_H
#define FAKE_INSN_H

/*
 * Guest RAM of one instruction, at PC: the seam as far as guest_ldst.c uses it. Definitions, for
 * the one file of a program that wants them: other programs have windows from fake_mmu.c.
 */
#include <arch/insn.h>
#include <arch/mmu.h>
#include <arch/stage2.h>
#include <corbel/p2m.h>
#include <corbel/vcpu.h>

#define PC 0x40001000ull

static u32 insn;                             /* what RAM at PC holds */
static bool is_a64 = true, is_mapped = true; /* the guest's state; what stage 1 has at PC */
static u64 sp;

bool arch_insn_is_a64(const struct vcpu *v)
{
    return is_a64;
}

u64 arch_insn_sp_get(const struct vcpu *v)
{
    return sp;
}

void arch_insn_sp_set(struct vcpu *v, u64 value)
{
    sp = value;
}

void arch_vcpu_skip(struct vcpu *v, bool il32)
{
    v->regs.pc += il32 ? 4 : 2;
}

bool stage2_translate_s1(u64 gva, ipa_t *out)
{
    *out = IPA(gva);
    return is_mapped;
}

enum corbel_err p2m_ram_at(const struct p2m *p2m, ipa_t ipa, pa_t *pa, u64 *contiguous)
{
    *pa = PA(ipa.v);
    *contiguous = 4;
    return ipa.v == PC ? CORBEL_OK : ERR_NOENT;
}

void *arch_window_open(enum window_slot slot, pa_t pa, enum el2_attr attr)
{
    return &insn;
}

void arch_window_close(enum window_slot slot)
{
}

#endif

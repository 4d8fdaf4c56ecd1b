/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_INSN_H
#define ARCH_INSN_H

#include <corbel/types.h>

struct vcpu;

/*
 * Loads and stores for which the CPU gives no syndrome (Arm ARM: ESR_EL2.ISV = 0), read
 * from the instruction itself: pairs, write-back of the base, and what implementations
 * leave out. General registers only.
 */
enum insn_writeback {
    INSN_BASE_KEPT,
    INSN_BASE_POST, /* base is the address; base += imm afterwards */
    INSN_BASE_PRE,  /* base + imm is the address and the new base */
};

struct insn_ldst {
    u8 count;  /* elements, 1 or 2, one after the other in memory */
    u8 reg[2]; /* of each element; 31: XZR */
    u8 size;   /* bytes of one element */
    bool load;
    bool sign_extend; /* loads: to 64 bits, or to 32 where not reg64 */
    bool reg64;
    bool base_imm; /* address by base and imm; else imm is 0 and only the syndrome knows it */
    u8 base;       /* 31: the stack pointer */
    u8 writeback;  /* enum insn_writeback */
    s32 imm;       /* bytes */
};

/*
 * Decode a 32-bit A64 instruction. Pure. False: not one of the above (exclusives,
 * atomics, FP and SIMD, tags, prefetches), or its result is CONSTRAINED UNPREDICTABLE.
 */
bool arch_insn_decode(u32 insn, struct insn_ldst *out);

/* Does the vCPU execute A64 at the moment? AArch32 code of EL0 is not decoded. */
bool arch_insn_is_a64(const struct vcpu *v);

/* Base register 31 of the loaded vCPU: the stack pointer that its PSTATE selects. */
u64 arch_insn_sp_get(const struct vcpu *v);
void arch_insn_sp_set(struct vcpu *v, u64 sp);

#endif

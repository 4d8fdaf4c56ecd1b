/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offsets that assembly needs, computed by the compiler: the build turns each
 * "->NAME value" of this file's assembly into a #define. Never linked.
 */
#include <corbel/cpu.h>
#include <corbel/vcpu.h>

#define DEFINE(name, value)       __asm__ volatile("\n.ascii \"->" #name " %0\"" ::"i"(value))
#define OFFSET(name, type, field) DEFINE(name, __builtin_offsetof(type, field))

void asm_offsets(void);

void asm_offsets(void)
{
    OFFSET(VCPU_X, struct vcpu, regs.x);
    OFFSET(VCPU_PC, struct vcpu, regs.pc);
    OFFSET(VCPU_PSTATE, struct vcpu, regs.pstate);
    OFFSET(VCPU_REQ, struct vcpu, req);
    OFFSET(CPU_CURRENT, struct cpu, current);
    OFFSET(CPU_STACK_TOP, struct cpu, stack_top);
    OFFSET(CPU_PANIC_SP, struct cpu, panic_sp);
    OFFSET(CPU_BOOT_TTBR, struct cpu, boot_ttbr);
    OFFSET(CPU_SELF, struct cpu, self);
    OFFSET(CPU_BHB_LOOPS, struct cpu, bhb_loops);
    OFFSET(CPU_HARDEN_CALL, struct cpu, harden_call);
}

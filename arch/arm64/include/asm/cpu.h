/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_CPU_H
#define ASM_CPU_H

struct cpu;

/* TPIDR_EL2 is written once per CPU in head.S, before any C code runs there. */
static inline struct cpu *cpu_this(void)
{
    struct cpu *cpu;

    __asm__("mrs %0, tpidr_el2" : "=r"(cpu));
    return cpu;
}

static inline void arch_cpu_relax(void)
{
    __asm__ volatile("yield" ::: "memory");
}

#endif

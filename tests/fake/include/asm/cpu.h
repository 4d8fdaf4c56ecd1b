/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_CPU_H
#define ASM_CPU_H

struct cpu;
extern struct cpu *fake_cpu;

static inline struct cpu *cpu_this(void)
{
    return fake_cpu;
}

static inline void arch_cpu_relax(void)
{
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <corbel/compiler.h>
#include <corbel/types.h>

struct cpu;
struct platform;

/*
 * The executing CPU.
 *   struct cpu *cpu_this(void)      inline, TPIDR_EL2; a settable pointer on the host
 *   void arch_cpu_relax(void)       inline, in a spin loop
 */
#include <asm/cpu.h>

/* Read the ID registers of this CPU and narrow the system-wide set (features.h). Each CPU once. */
void arch_cpu_init(struct cpu *cpu);

/*
 * Choose this CPU's exception vectors: with the Spectre-v2 and BHB mitigation that its ID
 * registers and the firmware ask for (harden.c). Each CPU once, after arch_smccc_init().
 */
void arch_cpu_harden(struct cpu *cpu);

/* Performance monitors that guests can be given, the same on every CPU. */
bool arch_cpu_has_pmu(void);

/* Affinity fields of this CPU's MPIDR_EL1. */
u64 arch_cpu_mpidr(void);

/* DSB, WFI: returns when an interrupt is pending (I stays masked). */
void arch_cpu_idle(void);

/* True when a physical interrupt is pending for this CPU (ISR_EL1): long loops yield on it. */
bool arch_cpu_irq_pending(void);

/*
 * Wait for what was stored, and take an SError that is pending then: true, with its syndrome. EL2
 * runs with them masked; without this it would be taken from whichever guest is entered next.
 */
bool arch_cpu_take_serror(u64 *esr);

/* Stop here for good, all exceptions masked. */
void arch_cpu_halt(void) __noreturn;

/*
 * Start the secondary CPU described by cpu (its mpidr, enable method and
 * release address as found in the tree); it enters corbel_main(cpu). ERR_IO
 * with the firmware's refusal logged, ERR_NOTSUP for an unknown method.
 */
int arch_cpu_start(struct cpu *cpu, const struct platform *platform);

/* A number from the CPU's random generator (FEAT_RNG); false when absent or not ready. */
bool arch_rndr(u64 *out);

/* Reset or power off the machine through the firmware; returns only when it cannot. */
void arch_machine_reset(void);
void arch_machine_off(void);

/* Print the call trace that starts at frame pointer fp, for panic. */
void arch_backtrace(void);

#endif

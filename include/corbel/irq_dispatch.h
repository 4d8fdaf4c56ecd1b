/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_IRQ_DISPATCH_H
#define CORBEL_IRQ_DISPATCH_H

struct cpu;
struct platform;

/*
 * Physical interrupts of this CPU: acknowledge all that are pending and give each to its
 * owner. Afterwards cpu->current->req says whether anything is left to do.
 */
void irq_dispatch(struct cpu *cpu);

/* The PPIs that the hypervisor uses (EL2 timer, maintenance, virtual timer): boot CPU, others. */
void irq_dispatch_init(const struct platform *p);
void irq_dispatch_init_cpu(void);

/* Hand console input to its receivers; see console.h. */
void irq_dispatch_console(void);

#endif

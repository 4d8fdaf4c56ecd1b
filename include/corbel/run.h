/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_RUN_H
#define CORBEL_RUN_H

#include <corbel/types.h>

struct cpu;
struct vcpu;

/*
 * What a CPU does between exits: requests of the loaded vCPU, the scheduler's choice,
 * switching, domain tasks, idling. Always the executing CPU.
 */

/* Serve everything that is due and return the vCPU to enter, loaded here; idles inside. */
struct vcpu *run_next(struct cpu *cpu);

/* vwfi=native: WFI and WFE do not trap. Boot. */
void run_set_vwfi_native(bool native);

/* The loaded vCPU waits for an interrupt (WFI, CPU_SUSPEND): block it unless one is there. */
void run_block(struct vcpu *v);

#endif

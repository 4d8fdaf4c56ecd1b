/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_RUN_H
#define CORBEL_RUN_H

#include <corbel/compiler.h>
#include <corbel/types.h>
#include <corbel/vcpu.h>

/*
 * What a CPU does between exits: requests of the loaded vCPU, the scheduler's choice,
 * switching, domain tasks, idling. Always the executing CPU.
 */

/* Serve everything that is due and return the vCPU to enter, loaded here; idles inside. */
struct vcpu *run_next(struct cpu *cpu);

/* The same for v that has requests and may go on; quick where these are only interrupts. */
struct vcpu *run_requested(struct vcpu *v);

/* The same after an exit of v, which mostly has none. */
static inline struct vcpu *run_due(struct vcpu *v)
{
    return likely(!read_once(v->req)) ? v : run_requested(v);
}

/* vwfi=native: WFI and WFE do not trap. Boot. */
void run_set_vwfi_native(bool native);

/* The loaded vCPU waits for an interrupt (WFI, CPU_SUSPEND): block it unless one is there. */
void run_block(struct vcpu *v);

#endif

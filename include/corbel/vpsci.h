/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_VPSCI_H
#define CORBEL_VPSCI_H

#include <corbel/types.h>

struct vcpu;
struct smccc_args;

/*
 * PSCI 1.1 as a guest sees it (DEN0022), and the SMCCC dispatcher (DEN0028).
 * They change only their own vCPU's result registers and the power state of vCPUs;
 * what has to happen beyond that is returned and done by guest_exit.c.
 */
enum guest_action {
    ACT_RESUME,         /* go on */
    ACT_OFF,            /* this vCPU is off */
    ACT_BLOCK,          /* CPU_SUSPEND standby: as WFI */
    ACT_SHUTDOWN_OFF,   /* SYSTEM_OFF */
    ACT_SHUTDOWN_RESET, /* SYSTEM_RESET, SYSTEM_RESET2 */
    ACT_SUSPEND,        /* SYSTEM_SUSPEND */
};

/* True when function is a PSCI one: *action says what to do, x0 is set where it returns. */
bool vpsci_call(struct vcpu *v, u32 function, enum guest_action *action);

/* Any HVC #0 / SMC #0 of a guest. Unknown function: x0 = -1. */
enum guest_action vsmccc_call(struct vcpu *v);

/* Read firmware features once (workarounds, TRNG). Boot CPU, after arch_smccc_init(). */
void vsmccc_init(void);

/* Each further CPU while it comes up: what its firmware says of it counts for all guests. */
void vsmccc_init_cpu(void);

#endif

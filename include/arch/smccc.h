/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_SMCCC_H
#define ARCH_SMCCC_H

#include <corbel/types.h>

/* Registers of one SMCCC 1.2 call (DEN0028): x0-x17 in, x0-x17 out. */
struct smccc_args {
    u64 x[18];
};

enum smccc_conduit { SMCCC_NONE, SMCCC_SMC };

/* Which conduit the device tree's PSCI node names; NONE: no firmware call may be made. */
void arch_smccc_init(enum smccc_conduit conduit);

/* Call the firmware; with SMCCC_NONE x0 becomes NOT_SUPPORTED (-1). Any CPU, no locks. */
void arch_smccc_call(struct smccc_args *args);

#endif

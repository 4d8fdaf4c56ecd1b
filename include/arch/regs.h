/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_REGS_H
#define ARCH_REGS_H

#include <corbel/types.h>

/*
 * Guest general registers as the entry code stores them: one layout, at
 * offset 0 of struct vcpu. Register number 31 of a load, store or MRS is XZR: x[31] takes
 * what is written there and means nothing, use vcpu_reg_get/vcpu_reg_set (vcpu.h).
 */
struct guest_regs {
    u64 x[32];
    u64 pc;     /* ELR_EL2 */
    u64 pstate; /* SPSR_EL2 */
};

#endif

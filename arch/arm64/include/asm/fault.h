/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_FAULT_H
#define ASM_FAULT_H

#include <corbel/compiler.h>
#include <corbel/types.h>

/* Registers of EL2 at a fault, as vectors.S stores them on the panic stack. */
struct el2_frame {
    u64 x[31];
    u64 sp, pc, pstate;
};

/* slot: 0..15 of the vector table. Prints and stops the host. */
void fault_report(const struct el2_frame *frame, u32 slot) __noreturn;

/* Call trace from frame pointer fp, starting at pc. */
void fault_backtrace(u64 pc, u64 fp);

#endif

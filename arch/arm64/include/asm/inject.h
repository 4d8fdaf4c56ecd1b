/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_INJECT_H
#define ASM_INJECT_H

#include <corbel/types.h>

/* Offset from VBAR_EL1: synchronous, from EL1 with SP_EL1. */
#define VECTOR_SYNC_SPX 0x200u

/* How EL1 finds itself at the start of an exception handler. */
struct inject_entry {
    u64 offset; /* from VBAR_EL1 */
    u64 pstate;
};

/*
 * pstate: of the code that is interrupted, as in SPSR_EL2. sctlr: SCTLR_EL1. has_pan, has_ssbs:
 * the CPU has these bits of PSTATE; what it lacks is RES0 in SPSR_ELx. Pure.
 */
struct inject_entry inject_entry(u64 pstate, u64 sctlr, bool has_pan, bool has_ssbs);

#endif

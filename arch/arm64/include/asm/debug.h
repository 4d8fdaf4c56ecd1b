/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_DEBUG_H
#define ASM_DEBUG_H

#include <corbel/types.h>

struct vcpu;

/*
 * The guest's own breakpoints and watchpoints (Arm ARM D2, H9): DBGBVR, DBGBCR, DBGWVR, DBGWCR,
 * OSLAR and OSLSR. MDSCR_EL1 is in the list of asm/vcpu.h. Each function on the CPU where v is
 * loaded or is being loaded; no lock.
 */
#define DEBUG_PAIRS_MAX 16u

struct vcpu_debug {
    union {
        struct {
            u64 bvr[DEBUG_PAIRS_MAX], bcr[DEBUG_PAIRS_MAX];
            u64 wvr[DEBUG_PAIRS_MAX], wcr[DEBUG_PAIRS_MAX];
        };
        u64 by_op2[4][DEBUG_PAIRS_MAX]; /* S2_0_C0_Cm_op2, less 4 */
    };
    u64 mdscr;      /* MDSCR_EL1 while os_locked */
    bool live;      /* not all zero: they are in the CPU while v is, and do not trap */
    bool os_locked; /* OSLSR_EL1.OSLK, set by reset: all are here, none is live */
};

void vcpu_debug_reset(struct vcpu *v);
void vcpu_debug_save(struct vcpu *v); /* after MDSCR_EL1 was saved */
void vcpu_debug_load(struct vcpu *v);

/*
 * Where S2_0_C0_Cm_op2 is while v has the OS lock set: op2 4 to 7 one of the pairs (NULL: not
 * implemented), below that MDSCR_EL1.
 */
u64 *vcpu_debug_locked_reg(struct vcpu *v, u32 crm, u32 op2);

/* A first access to one of the registers trapped: give them to v; it shall try again. */
void vcpu_debug_take(struct vcpu *v);

u64 vcpu_debug_oslsr(const struct vcpu *v);
void vcpu_debug_oslar(struct vcpu *v, u64 value);

#endif

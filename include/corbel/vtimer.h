/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_VTIMER_H
#define CORBEL_VTIMER_H

#include <arch/spinlock.h>
#include <corbel/timer.h>
#include <corbel/types.h>

struct vcpu;

/* INTIDs of the guest's timers; the host's virtual timer has the same one (BSA). */
#define VTIMER_VIRT_INTID 27u
#define VTIMER_PHYS_INTID 30u

/*
 * The guest's timers. Virtual: native, PPI 27 hardware-linked; saved and loaded
 * with the vCPU (design decision 27). Physical: emulated (CNTP_*), PPI 30.
 */
struct vtimer {
    u64 cntv_cval, cntv_ctl;   /* saved while not resident */
    spinlock_t lock;           /* RANK_VTIMER: cntp_* and its line, against the expiry elsewhere */
    u64 cntp_cval, cntp_ctl;   /* emulated; CTL as the guest wrote it, ISTATUS computed */
    struct timer_entry wake;   /* TIMER_VTIMER: blocked and not resident any more; or a poke */
    u64 poke_period;           /* ticks; 0: none. While resident, the CPU is interrupted so often */
    struct timer_entry ptimer; /* TIMER_PTIMER */
};

/* After vgic_vcpu_init(): links PPI 27. */
void vtimer_init(struct vcpu *v);
/* Both timers off, as after reset. The vCPU is not resident. */
void vtimer_reset(struct vcpu *v);

/*
 * Residency, run.c only: load after vgic_load(), which makes the PPI active that was, save
 * before vgic_save(), watch after it. A resident vCPU's timer stays live, asleep or not: its PPI
 * wakes it. Of a BLOCKED one, watch arms the wake-up at its CVAL.
 */
void vtimer_load(struct vcpu *v);
void vtimer_save(struct vcpu *v);
void vtimer_watch(struct vcpu *v);

/* Interrupt this CPU at that time (ticks), if v, which is loaded here, still is then. */
void vtimer_poke(struct vcpu *v, u64 when);

/* May the vCPU loaded here block? False when its timer is due and not injected yet. */
bool vtimer_block(struct vcpu *v);

/* An entry of kind TIMER_VTIMER / TIMER_PTIMER expired. */
void vtimer_expired(struct timer_entry *entry);

/* Emulated CNTP registers; also CNTPCT where trapped. */
enum vtimer_reg { VTIMER_CNTP_CTL, VTIMER_CNTP_CVAL, VTIMER_CNTP_TVAL };
u64 vtimer_read(struct vcpu *v, enum vtimer_reg reg);
void vtimer_write(struct vcpu *v, enum vtimer_reg reg, u64 value);

/* True when the virtual timer of a resident or saved vCPU has its output asserted. */
bool vtimer_output(struct vcpu *v);

#endif

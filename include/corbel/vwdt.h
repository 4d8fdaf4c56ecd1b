/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_VWDT_H
#define CORBEL_VWDT_H

#include <arch/spinlock.h>
#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/timer.h>
#include <corbel/types.h>

struct domain;
struct vcpu;

/*
 * A domain's watchdog (corbel,watchdog), one of two that Linux knows: the SBSA generic watchdog
 * (DEN0094: two frames of registers, an interrupt at the first timeout, the end at the second),
 * or calls to the firmware (Linux' arm,smc-wdt: the end at the first). Its counter is the
 * guest's virtual count. Lock: RANK_VTIMER, inside it the vGIC's or a timer queue's.
 */
#define VWDT_FRAME_STRIDE 0x10000u /* each frame in a page of its own, whatever the granule */
#define VWDT_SIZE         (2 * VWDT_FRAME_STRIDE)
#define VWDT_CONTROL      0u /* offsets of the frames */
#define VWDT_REFRESH      VWDT_FRAME_STRIDE

/* arm,smc-wdt: the function (owner: silicon provider), whose x1 is the number of a command. */
#define VWDT_SMC_ID 0x82003d06u
enum vwdt_command {
    VWDT_SMC_INIT,         /* x1, x2: least and largest timeout, s */
    VWDT_SMC_SET_TIMEOUT,  /* x2: s */
    VWDT_SMC_ENABLE,       /* x2: 1 starts it, 0 stops it */
    VWDT_SMC_PET,          /* starts the time anew */
    VWDT_SMC_GET_TIMELEFT, /* x1: s, rounded down */
};

struct vwdt {
    spinlock_t lock;
    u8 kind;      /* enum domcfg_watchdog; none: the rest is not used */
    bool stopped; /* its domain ends: nothing expires any more */
    bool enabled;
    bool ws0, ws1;            /* timeouts that have passed */
    bool line;                /* last level given to the vGIC */
    u32 intid;                /* WS0, an SPI */
    u64 offset;               /* WOR, or the timeout: ticks */
    u64 compare;              /* WCV: it is overdue when the count is above */
    struct timer_entry timer; /* TIMER_WATCHDOG */
};

/*
 * As cfg->watchdog says, in its reset state: disabled. base, intid: frames and interrupt of the
 * generic watchdog. ERR_EXIST, ERR_NOMEM: no room in the table of regions. Boot.
 */
enum corbel_err vwdt_init(struct domain *d, u64 base, u32 intid) __must_check;

/* From now on until vwdt_reset() it does not run, whatever d's vCPUs do. Any CPU. */
void vwdt_stop(struct domain *d);
/* Back to the reset state. No vCPU of d is resident. */
void vwdt_reset(struct domain *d);

/* The timer of d expired. True, once: d has not refreshed its watchdog and has to be ended. */
bool vwdt_expired(struct domain *d);

/* An SMCCC call. False: not a function of v's domain, v is as before. */
bool vwdt_call(struct vcpu *v, u32 function);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generic timer: the counter, and the virtual and physical EL1 timers behind one interface.
 */
#ifndef GUEST_TIMER_H
#define GUEST_TIMER_H

#include "lib.h"

#define TIMER_ENABLE  1U
#define TIMER_IMASK   2U
#define TIMER_ISTATUS 4U

/*
 * What must come is waited for so long. Nothing takes that long here, but the host may be slow, or
 * busy with something else.
 */
#define WAIT_MS 20000

enum timer_kind { TIMER_VIRTUAL, TIMER_PHYSICAL };

static inline uint64_t timer_now(void)
{
    isb();
    return read_sysreg(cntvct_el0);
}

uint64_t timer_hz(void);
uint64_t timer_since_ms(uint64_t start);
uint64_t timer_since_us(uint64_t start);
uint64_t timer_ticks_of_us(uint64_t us);
void timer_delay_us(uint64_t us);

unsigned int timer_intid(enum timer_kind kind);
uint64_t timer_count(enum timer_kind kind);
uint32_t timer_ctl(enum timer_kind kind);
void timer_set_ctl(enum timer_kind kind, uint32_t ctl);
void timer_set_cval(enum timer_kind kind, uint64_t cval);
uint64_t timer_cval(enum timer_kind kind);
void timer_set_tval(enum timer_kind kind, int32_t tval);
int32_t timer_tval(enum timer_kind kind);
/* Arm: CVAL = now + US, enabled, not masked. */
void timer_arm_us(enum timer_kind kind, uint64_t us);

#endif

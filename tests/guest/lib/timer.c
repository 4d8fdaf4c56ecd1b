/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generic timer. The tree's interrupts are: secure physical, physical, virtual, hypervisor.
 */
#include "timer.h"

#include "fdt.h"

#define INTID_PHYSICAL 30U
#define INTID_VIRTUAL  27U

uint64_t timer_hz(void)
{
    return read_sysreg(cntfrq_el0);
}

uint64_t timer_since_us(uint64_t start)
{
    return (timer_now() - start) * 1000000 / timer_hz();
}

uint64_t timer_since_ms(uint64_t start)
{
    return timer_since_us(start) / 1000;
}

uint64_t timer_ticks_of_us(uint64_t us)
{
    return us * timer_hz() / 1000000;
}

void timer_delay_us(uint64_t us)
{
    uint64_t start = timer_now();

    while (timer_since_us(start) < us) {}
}

unsigned int timer_intid(enum timer_kind kind)
{
    int node = fdt_compatible("arm,armv8-timer");
    unsigned int found = fdt_intid(node, kind == TIMER_VIRTUAL ? 2 : 1);

    if (found != 0) {
        return found;
    }
    return kind == TIMER_VIRTUAL ? INTID_VIRTUAL : INTID_PHYSICAL;
}

uint64_t timer_count(enum timer_kind kind)
{
    isb();
    return kind == TIMER_VIRTUAL ? read_sysreg(cntvct_el0) : read_sysreg(cntpct_el0);
}

uint32_t timer_ctl(enum timer_kind kind)
{
    isb();
    return (uint32_t)(kind == TIMER_VIRTUAL ? read_sysreg(cntv_ctl_el0)
                                            : read_sysreg(cntp_ctl_el0));
}

void timer_set_ctl(enum timer_kind kind, uint32_t ctl)
{
    if (kind == TIMER_VIRTUAL) {
        write_sysreg(ctl, cntv_ctl_el0);
    } else {
        write_sysreg(ctl, cntp_ctl_el0);
    }
    isb();
}

void timer_set_cval(enum timer_kind kind, uint64_t cval)
{
    if (kind == TIMER_VIRTUAL) {
        write_sysreg(cval, cntv_cval_el0);
    } else {
        write_sysreg(cval, cntp_cval_el0);
    }
    isb();
}

uint64_t timer_cval(enum timer_kind kind)
{
    return kind == TIMER_VIRTUAL ? read_sysreg(cntv_cval_el0) : read_sysreg(cntp_cval_el0);
}

void timer_set_tval(enum timer_kind kind, int32_t tval)
{
    if (kind == TIMER_VIRTUAL) {
        write_sysreg((uint32_t)tval, cntv_tval_el0);
    } else {
        write_sysreg((uint32_t)tval, cntp_tval_el0);
    }
    isb();
}

int32_t timer_tval(enum timer_kind kind)
{
    isb();
    return (int32_t)(kind == TIMER_VIRTUAL ? read_sysreg(cntv_tval_el0)
                                           : read_sysreg(cntp_tval_el0));
}

void timer_arm_us(enum timer_kind kind, uint64_t us)
{
    timer_set_cval(kind, timer_count(kind) + timer_ticks_of_us(us));
    timer_set_ctl(kind, TIMER_ENABLE);
}

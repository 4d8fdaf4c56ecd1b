/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generic timer as EL2 uses it: the physical counter for time, CNTHP for
 * deadlines (Arm ARM D12). CNTFRQ_EL0 is what the firmware wrote; main.c compares
 * it with the device tree.
 */
#include <arch/time.h>

#include <arch/barrier.h>

#include <asm/sysreg.h>

#define CNT_CTL_ENABLE 1ull

u64 arch_time_now(void)
{
    isb(); /* the counter may be read early otherwise (Arm ARM D12.2.1) */
    return read_sysreg(cntpct_el0);
}

u64 arch_time_freq(void)
{
    return read_sysreg(cntfrq_el0);
}

u64 arch_time_to_ns(u64 ticks)
{
    u64 freq = arch_time_freq();

    /* Whole seconds apart: freq is at most a few GHz, so the rest times 10^9 fits 64 bits. */
    return ticks / freq * 1000000000ull + ticks % freq * 1000000000ull / freq;
}

u64 arch_time_from_ns(u64 ns)
{
    u64 freq = arch_time_freq();

    return ns / 1000000000ull * freq + ns % 1000000000ull * freq / 1000000000ull;
}

void arch_timer_set(u64 deadline)
{
    write_sysreg(deadline, cnthp_cval_el2);
    write_sysreg(CNT_CTL_ENABLE, cnthp_ctl_el2);
    isb(); /* a deadline in the past must be pending before WFI or ERET */
}

void arch_timer_stop(void)
{
    write_sysreg(0, cnthp_ctl_el2);
    isb();
}

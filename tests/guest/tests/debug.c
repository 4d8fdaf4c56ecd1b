/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's own debugger: breakpoint, watchpoint, single step at EL1, and the PMU registers.
 */
#include "cpu.h"

#define MDSCR_SS  BIT(0)
#define MDSCR_KDE BIT(13)
#define MDSCR_MDE BIT(15)
/* Enabled, EL1 and EL0, all bytes; for a watchpoint loads and stores. */
#define BCR_VALUE (1UL | 3UL << 1 | 0xfUL << 5)
#define WCR_VALUE (1UL | 3UL << 1 | 3UL << 3 | 0xffUL << 5)

static _Alignas(8) volatile uint64_t watched;

static void debug_on(uint64_t mdscr)
{
    write_sysreg(0, oslar_el1);
    write_sysreg(mdscr, mdscr_el1);
    isb();
    __asm__ volatile("msr daifclr, #8" ::: "memory");
}

static void debug_off(void)
{
    __asm__ volatile("msr daifset, #8" ::: "memory");
    write_sysreg(0, mdscr_el1);
    isb();
}

static void test_watchpoint(void)
{
    struct fault fault;

    write_sysreg((uintptr_t)&watched, dbgwvr0_el1);
    write_sysreg(WCR_VALUE, dbgwcr0_el1);
    debug_on(MDSCR_KDE | MDSCR_MDE);
    fault = guarded(mmio_write32((uintptr_t)&watched, 1));
    debug_off();
    write_sysreg(0, dbgwcr0_el1);
    ok(fault.taken && ESR_EC(fault.esr) == EC_WATCH_SAME && fault.far == (uintptr_t)&watched,
       "hardware watchpoint");
}

static void test_breakpoint(void)
{
    uint64_t target;
    struct fault fault;

    __asm__ volatile("adr %0, 1f\n"
                     "msr dbgbvr0_el1, %0\n"
                     "msr dbgbcr0_el1, %1\n"
                     "isb"
                     : "=&r"(target)
                     : "r"(BCR_VALUE));
    debug_on(MDSCR_KDE | MDSCR_MDE);
    fault = guarded(__asm__ volatile("1: nop"));
    debug_off();
    write_sysreg(0, dbgbcr0_el1);
    ok(fault.taken && ESR_EC(fault.esr) == EC_BREAK_SAME && fault.elr == target,
       "hardware breakpoint");
}

static void test_pmu(void)
{
    uint64_t pmcr = 0;
    uint64_t version = read_sysreg(id_aa64dfr0_el1) >> 8 & 15;
    struct fault fault = guarded(pmcr = read_sysreg(pmcr_el0));

    if (version == 0 || version == 15) {
        ok(fault.taken, "PMU hidden: PMCR_EL0 is UNDEFINED");
    } else {
        ok(!fault.taken, "PMU version %lu: PMCR_EL0 = 0x%lx", version, pmcr);
    }
}

void test_debug(void)
{
    test_watchpoint();
    test_breakpoint();
    test_pmu();
}

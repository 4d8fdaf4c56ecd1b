/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's own debugger: breakpoint, watchpoint, single step at EL1, and the PMU registers.
 */
#include "cpu.h"
#include "psci.h"
#include "timer.h"

#define MDSCR_SS  BIT(0)
#define MDSCR_KDE BIT(13)
#define MDSCR_MDE BIT(15)
/* Enabled, EL1 and EL0, all bytes; for a watchpoint loads and stores. */
#define BCR_VALUE (1UL | 3UL << 1 | 0xfUL << 5)
#define WCR_VALUE (1UL | 3UL << 1 | 3UL << 3 | 0xffUL << 5)

#define ROUNDS_LEAST 200U

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

static struct fault hit_watchpoint(void)
{
    struct fault fault;

    write_sysreg((uintptr_t)&watched, dbgwvr0_el1);
    write_sysreg(WCR_VALUE, dbgwcr0_el1);
    debug_on(MDSCR_KDE | MDSCR_MDE);
    fault = guarded(mmio_write32((uintptr_t)&watched, 1));
    debug_off();
    write_sysreg(0, dbgwcr0_el1);
    return fault;
}

static bool is_watch_hit(const struct fault *fault)
{
    return fault->taken && ESR_EC(fault->esr) == EC_WATCH_SAME && fault->far == (uintptr_t)&watched;
}

static void test_watchpoint(void)
{
    struct fault fault = hit_watchpoint();

    ok(is_watch_hit(&fault), "hardware watchpoint");
    fault = guarded(mmio_write32((uintptr_t)&watched, 1));
    ok(!fault.taken, "switched off it does not fire");
}

static struct fault hit_breakpoint(uint64_t *target)
{
    struct fault fault;

    __asm__ volatile("adr %0, 1f\n"
                     "msr dbgbvr0_el1, %0\n"
                     "msr dbgbcr0_el1, %1\n"
                     "isb"
                     : "=&r"(*target)
                     : "r"(BCR_VALUE));
    debug_on(MDSCR_KDE | MDSCR_MDE);
    fault = guarded(__asm__ volatile("1: nop"));
    debug_off();
    write_sysreg(0, dbgbcr0_el1);
    return fault;
}

static bool is_break_hit(const struct fault *fault, uint64_t target)
{
    return fault->taken && ESR_EC(fault->esr) == EC_BREAK_SAME && fault->elr == target;
}

static void test_breakpoint(void)
{
    uint64_t target;
    struct fault fault = hit_breakpoint(&target);

    ok(is_break_hit(&fault, target), "hardware breakpoint");
}

/* One instruction from an exception return with PSTATE.SS set; it reads a word at address. */
static struct fault step_over_read(uintptr_t address, uint64_t *after)
{
    uint64_t from = 0, value = 0;

    write_sysreg(0, oslar_el1);
    write_sysreg(MDSCR_KDE | MDSCR_SS, mdscr_el1); /* PSTATE.D holds it until the return */
    guard_begin();
    __asm__ volatile("mrs %0, daif\n"
                     "bic %0, %0, #0x200\n"    /* D */
                     "orr %0, %0, #0x200000\n" /* SS */
                     "orr %0, %0, #4\n"        /* EL1h */
                     "orr %0, %0, #1\n"
                     "msr spsr_el1, %0\n"
                     "adr %0, 1f\n"
                     "msr elr_el1, %0\n"
                     "adr %2, 2f\n"
                     "isb\n"
                     "eret\n"
                     "1: ldr %w1, [%3]\n"
                     "2: nop"
                     : "=&r"(from), "=&r"(value), "=&r"(*after)
                     : "r"(address)
                     : "memory", "cc");
    debug_off();
    return guard_end();
}

static void test_step(void)
{
    uint64_t after = 0;
    struct fault fault = step_over_read((uintptr_t)&watched, &after);

    ok(fault.taken && ESR_EC(fault.esr) == EC_STEP_SAME && fault.elr == after, "single step");
    fault = step_over_read(console_base() + 0x18, &after);
    ok(fault.taken && ESR_EC(fault.esr) == EC_STEP_SAME && fault.elr == after,
       "single step over an emulated read");
}

/* Corbel plays the lock; QEMU's CPUs keep MDSCR_EL1 as any word and hold nothing under a lock. */
static bool lock_is_played(void)
{
    return hvc_call(0x8600ff01, 0, 0, 0) == 0x3957c41e; /* first word of Corbel's UID */
}

/* Set by an external debugger; software may write them only to save and restore, when locked. */
#define MDSCR_HDE    BIT(14)
#define MDSCR_INTDIS (3UL << 22)

static void test_debugger_bits(void)
{
    uint64_t locked;

    write_sysreg(1, oslar_el1);
    isb();
    write_sysreg(MDSCR_HDE | MDSCR_INTDIS | MDSCR_MDE, mdscr_el1);
    locked = read_sysreg(mdscr_el1);
    write_sysreg(0, oslar_el1);
    isb();
    ok(locked == (MDSCR_HDE | MDSCR_INTDIS | MDSCR_MDE) && read_sysreg(mdscr_el1) == MDSCR_MDE,
       "halting debug stays the debugger's: MDSCR_EL1 0x%lx", read_sysreg(mdscr_el1));
    write_sysreg(0, mdscr_el1);
}

static struct fault write_locked(void)
{
    write_sysreg((uintptr_t)&watched, dbgwvr0_el1);
    write_sysreg(WCR_VALUE, dbgwcr0_el1);
    write_sysreg(MDSCR_KDE | MDSCR_MDE, mdscr_el1);
    isb();
    __asm__ volatile("msr daifclr, #8" ::: "memory");
    return guarded(mmio_write32((uintptr_t)&watched, 1));
}

/* Registers can be written under the lock, and count from its end on. */
static void test_lock_holds(void)
{
    struct fault fault;

    write_sysreg(1, oslar_el1);
    isb();
    fault = write_locked();
    ok(!fault.taken, "no watchpoint fires under the OS lock");
    write_sysreg(0, oslar_el1);
    isb();
    fault = guarded(mmio_write32((uintptr_t)&watched, 1));
    debug_off();
    ok(is_watch_hit(&fault), "it fires when the lock is gone");
    write_sysreg(1, oslar_el1);
    isb();
    ok(read_sysreg(dbgwvr0_el1) == (uintptr_t)&watched, "a lock keeps the values");
    write_sysreg(0, dbgwcr0_el1);
    write_sysreg(0, oslar_el1);
    isb();
}

static void test_os_lock(void)
{
    uint64_t locked;

    write_sysreg(1, oslar_el1);
    isb();
    locked = read_sysreg(oslsr_el1);
    write_sysreg(0, oslar_el1);
    isb();
    ok((locked & 2) && !(read_sysreg(oslsr_el1) & 2), "OSLSR follows OSLAR");
}

static void test_values(void)
{
    write_sysreg(0x1230, dbgbvr1_el1);
    write_sysreg(0x4560, dbgwvr1_el1);
    ok(read_sysreg(dbgbvr1_el1) == 0x1230 && read_sysreg(dbgwvr1_el1) == 0x4560,
       "registers read back");
    write_sysreg(0, dbgbvr1_el1);
    write_sysreg(0, dbgwvr1_el1);
}

static void test_pmu_there(void)
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

/*
 * For several domains at once on fewer CPUs: values stay, and each is hit as often as it should,
 * whoever ran in between and wherever this vCPU is now. Until somebody types.
 */
void test_debug_moved(void)
{
    uint64_t rounds = 0, hits = 0, kept = 0, target;

    print("DBGMOVE\n");
    while (rounds < ROUNDS_LEAST || !console_has_input()) {
        uint64_t mine = 0x1000 + 8 * rounds;
        uint64_t pause = timer_now() + timer_hz() / 500;
        struct fault fault;

        write_sysreg(mine, dbgbvr1_el1);
        write_sysreg(mine, dbgwvr1_el1);
        while (timer_now() < pause) {
            watched++;
        }
        kept += read_sysreg(dbgbvr1_el1) == mine && read_sysreg(dbgwvr1_el1) == mine;
        fault = hit_watchpoint();
        hits += is_watch_hit(&fault);
        fault = hit_breakpoint(&target);
        hits += is_break_hit(&fault, target);
        rounds++;
    }
    diag("%lu rounds", rounds);
    ok(hits == 2 * rounds, "%lu hits", hits);
    ok(kept == rounds, "%lu times the values stayed", kept);
}

void test_debug(void)
{
    test_watchpoint();
    test_breakpoint();
    test_step();
    test_os_lock();
    if (lock_is_played()) {
        test_debugger_bits();
        test_lock_holds();
    }
    test_values();
    test_pmu_there();
}

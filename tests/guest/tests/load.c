/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests that are watched from outside: spin and count, echo input, crash in a chosen way.
 * spin: for seconds= (default 10) every vCPU counts; a line each period_ms= (default 500), and at
 * the end "SPIN-END cpu count" per vCPU. start_ms= spins first and hold_ms= afterwards without
 * counting, so that the others' beginnings and ends do not count. lines=: so many lines instead, as
 * fast as they go.
 */
#include "cpu.h"
#include "fdt.h"
#include "gic.h"
#include "psci.h"
#include "timer.h"

static volatile bool spin_stop;
static uint64_t spin_begin;

/* Kept in x27 while spinning, so that one who looks at the CPU's registers knows who runs there. */
#define SPIN_MARK(index) (0x5150000000000000UL | arg_number("id", 0) << 8 | (index))

static void spinner(struct cpu *cpu)
{
    register uint64_t mark __asm__("x27") = SPIN_MARK(cpu->index);

    while (timer_now() < spin_begin) {
        __asm__ volatile("" : "+r"(mark));
    }
    while (!spin_stop) {
        cpu->counter++;
        __asm__ volatile("" : "+r"(mark));
    }
}

static void print_lines(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        print("SPIN line %lu\n", i);
    }
    ok(true, "printed %lu lines", count);
}

void test_spin(void)
{
    uint64_t lines = arg_number("lines", 0);
    uint64_t seconds = arg_number("seconds", 10);
    uint64_t period = timer_hz() * arg_number("period_ms", 500) / 1000;
    uint64_t counts[MAX_CPUS];
    uint64_t end;
    uint64_t next;
    register uint64_t mark __asm__("x27") = SPIN_MARK(0);

    if (lines != 0) {
        print_lines(lines);
        return;
    }
    spin_begin = timer_now() + timer_hz() * arg_number("start_ms", 0) / 1000;
    end = spin_begin + timer_hz() * seconds;
    next = spin_begin + period;
    for (unsigned int i = 1; i < smp_count(); i++) {
        smp_start(i, spinner, 0);
    }
    while (timer_now() < spin_begin) {}
    cpus[0].counter = 0;
    while (timer_now() < end) {
        cpus[0].counter++;
        __asm__ volatile("" : "+r"(mark));
        if (timer_now() >= next) {
            print("SPIN cpu0 count %lu\n", cpus[0].counter);
            next += period;
        }
    }
    for (unsigned int i = 0; i < smp_count(); i++) {
        counts[i] = cpus[i].counter;
    }
    end += timer_hz() * arg_number("hold_ms", 0) / 1000;
    while (timer_now() < end) {}
    spin_stop = true;
    for (unsigned int i = 0; i < smp_count(); i++) {
        print("SPIN-END cpu%u count %lu\n", i, counts[i]);
    }
    ok(true, "spun for %lu s", seconds);
}

/* Answer each input line with "ECHO <line>"; "quit" ends. */
void test_echo(void)
{
    char line[64];
    size_t used = 0;

    print("ECHO-READY\n");
    for (;;) {
        char c = console_getc();

        if (c != '\r' && c != '\n') {
            line[used] = c;
            used += used < sizeof(line) - 1 ? 1 : 0;
            continue;
        }
        line[used] = '\0';
        print("ECHO %s\n", line);
        if (strcmp(line, "quit") == 0) {
            break;
        }
        used = 0;
    }
    ok(true, "echoed");
}

/* Two beats a second, each with the longest time that lay between two of them. */
void test_heart(void)
{
    uint64_t last = timer_now();
    uint64_t longest = 0;

    gic_enable(timer_intid(TIMER_VIRTUAL));
    for (unsigned int beat = 1;; beat++) {
        uint64_t gap;

        timer_arm_us(TIMER_VIRTUAL, 500000);
        while ((timer_ctl(TIMER_VIRTUAL) & TIMER_ISTATUS) == 0) {
            wfi(); /* interrupts are masked: it only ends the sleep */
        }
        gap = timer_since_ms(last);
        last = timer_now();
        longest = gap > longest ? gap : longest;
        print("HEART %u longest %lu ms\n", beat, longest);
    }
}

/* crash=store|load|jump|calls|reset|vectors: no handler is ready for what comes. probe: one is. */
void test_crash(void)
{
    uint64_t where = arg_number("where", 0x30000000);

    print("CRASH-NOW\n");
    if (arg_is("crash", "store")) {
        mmio_write32(where, 0xdeadbeef);
    } else if (arg_is("crash", "load")) {
        print("%x\n", mmio_read32(where));
    } else if (arg_is("crash", "jump")) {
        mmu_map_normal(where);
        ((void (*)(void))where)();
    } else if (arg_is("crash", "reset")) {
        psci_call(PSCI_SYSTEM_RESET, 0, 0, 0);
    } else if (arg_is("crash", "calls")) {
        for (unsigned int i = 0; i < 1000; i++) {
            hvc_call(0x8400f000U + i, i, i, i);
        }
    } else if (arg_is("crash", "vectors")) {
        /* Vectors in a hole: each abort brings the next one. */
        write_sysreg(where & ~0x7ffUL, vbar_el1);
        isb();
        mmio_write32(where, 1);
    }
    if (arg_is("crash", "probe")) {
        /* Thousands of aborts at one instruction, with a handler that goes on behind it. */
        for (unsigned int i = 0; i < 5000; i++) {
            uint32_t value = 0;

            guarded_read32(where, &value);
        }
    }
    ok(true, "still alive after %s", arg_text("crash", "nothing"));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Benchmarks that need a second vCPU or a second domain.
 * pingpong: two vCPUs, each on a CPU of its own, send one SGI to and fro, and both wait in WFI.
 * Only one of them ever runs, so that the virtual time under -icount shift=0 is what both execute.
 * switch: count how often this vCPU lost its CPU to another for a time slice, within hint #0x70 and
 * hint #0x71 (tests/bench.c).
 */
#include "cpu.h"
#include "gic.h"
#include "timer.h"

#define SGI    3U
#define ROUNDS 256U

/* Sleep until this vCPU has taken COUNT interrupts. */
static void wait_irqs(struct cpu *cpu, uint32_t count)
{
    while (cpu->irq_count < count) {
        wfi();
        irq_enable();
        isb();
        irq_disable();
    }
}

static void pong(struct cpu *cpu)
{
    gic_enable(SGI);
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        wait_irqs(cpu, i);
        gic_send_sgi(SGI, 0);
    }
}

void test_pingpong(void)
{
    uint64_t start;

    if (!ok(smp_count() >= 2 && smp_start(1, pong, 0) == 0, "a second vCPU runs")) {
        return;
    }
    gic_enable(SGI);
    cpus[0].irq_count = 0;
    timer_delay_us(2000); /* it sleeps by now */
    start = timer_now();
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        gic_send_sgi(SGI, 1);
        wait_irqs(&cpus[0], i);
    }
    print("PINGPONG ipis %u ticks %lu hz %lu\n", 2 * ROUNDS, timer_now() - start, timer_hz());
    ok(smp_wait_off(1), "the second vCPU is off");
}

void test_switch(void)
{
    uint64_t slice = timer_ticks_of_us(500); /* no shorter absence is a time slice */
    uint64_t count = 0;
    uint64_t begin;
    uint64_t last;
    uint64_t now;

    timer_delay_us(100000); /* the other one has begun, too */
    begin = timer_now();
    last = begin;
    now = begin;
    __asm__ volatile("hint #0x70" ::: "memory");
    while (now - begin < timer_ticks_of_us(500000)) {
        now = timer_now();
        count += now - last >= slice ? 2U : 0U; /* away, and back */
        last = now;
    }
    __asm__ volatile("hint #0x71" ::: "memory");
    print("SWITCH count %lu\n", count);
    ok(count != 0, "the CPU was shared");
}

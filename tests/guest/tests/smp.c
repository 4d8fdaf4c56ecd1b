/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All vCPUs at work: counting, a contended lock, an interrupt ping-pong.
 */
#include "cpu.h"
#include "gic.h"
#include "psci.h"
#include "timer.h"

#define LOCKED_STEPS 2000U
#define PINGS        500U

static volatile uint32_t stop;
static uint32_t lock;
static uint64_t shared;

static void count(struct cpu *cpu)
{
    while (stop == 0) {
        cpu->counter++;
    }
    for (unsigned int i = 0; i < LOCKED_STEPS; i++) {
        while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE) != 0) {}
        shared++;
        __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
    }
}

/* vCPU 0 counts, too, until every one has. */
static void wait_all_count(void)
{
    uint64_t start = timer_now();
    unsigned int counting = 0;

    while (counting < smp_count() && timer_since_ms(start) < WAIT_MS) {
        cpus[0].counter++;
        counting = 0;
        for (unsigned int i = 0; i < smp_count(); i++) {
            counting += cpus[i].counter > 0 ? 1 : 0;
        }
    }
}

static void test_counting(void)
{
    for (unsigned int i = 1; i < smp_count(); i++) {
        ok(smp_start(i, count, 0) == 0, "vCPU %u starts", i);
    }
    wait_all_count();
    for (unsigned int i = 0; i < smp_count(); i++) {
        ok(cpus[i].counter > 0, "vCPU %u counts: %lu", i, cpus[i].counter);
    }
    stop = 1;
    for (unsigned int i = 1; i < smp_count(); i++) {
        smp_wait_off(i);
    }
    is_equal(shared, (smp_count() - 1UL) * LOCKED_STEPS, "steps under a lock");
}

static void answer(uint32_t iar)
{
    if (gic_intid(iar) == 1) {
        this_cpu()->counter++;
        gic_send_sgi(2, 0);
    }
}

static void ponger(struct cpu *cpu)
{
    gic_enable(1);
    irq_enable();
    while (cpu->counter < PINGS) {
        wfi();
    }
    irq_disable();
}

static void hook(uint32_t iar)
{
    if (this_cpu()->index == 1) {
        answer(iar);
    } else if (gic_intid(iar) == 2) {
        cpus[0].counter++;
    }
}

static void test_ping_pong(void)
{
    uint64_t start;

    irq_set_hook(hook);
    cpus[0].counter = 0;
    gic_enable(2);
    if (!ok(smp_start(1, ponger, 0) == 0, "vCPU 1 answers")) {
        return;
    }
    irq_enable();
    start = timer_now();
    for (unsigned int i = 0; i < PINGS; i++) {
        gic_send_sgi(1, 1);
        while (cpus[0].counter == i && timer_since_ms(start) < WAIT_MS) {}
    }
    irq_disable();
    is_equal(cpus[0].counter, PINGS, "interrupts there and back");
    ok(smp_wait_off(1), "vCPU 1 ends");
    irq_set_hook(NULL);
    diag("ping-pong: %lu us for %u", timer_since_us(start), PINGS);
}

void test_smp(void)
{
    if (smp_count() < 2) {
        skip("vCPUs together", "one vCPU");
        return;
    }
    test_counting();
    test_ping_pong();
}

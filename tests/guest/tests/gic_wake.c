/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU sleeps until its timer fires, again and again, while another one changes that
 * interrupt's state in its redistributor and puts it right each time. More vCPUs than CPUs, so
 * that it is loaded and saved all the time. However they meet, no sleep may last.
 */
#include "cpu.h"
#include "gic.h"
#include "timer.h"

#define SLEEP_US 150U
#define AWAKE_US 2000U
#define WAKER    3U /* SGI that ends a sleep which lasts */

static uintptr_t frame; /* SGIs and PPIs of the sleeper */
static volatile uint64_t sleeps;
static volatile uint32_t stop;
static volatile uint32_t stuck;
static uint64_t changes;
static uint32_t missing;

static void spinner(struct cpu *cpu)
{
    while (stop == 0) {
        cpu->counter++;
    }
}

static void disturb(uint64_t what)
{
    uint32_t bit = 1U << timer_intid(TIMER_VIRTUAL);
    uintptr_t priority = frame + GICD_IPRIORITYR + (timer_intid(TIMER_VIRTUAL) & ~3U);
    uint32_t old = mmio_read32(priority);

    switch (what % 5) {
    case 0:
        mmio_write32(frame + GICD_ICENABLER, bit);
        mmio_write32(frame + GICD_ISENABLER, bit);
        break;
    case 1:
        mmio_write32(frame + GICD_ICPENDR, bit); /* of a level: it comes again */
        break;
    case 2:
        mmio_write32(frame + GICD_ISACTIVER, bit);
        mmio_write32(frame + GICD_ICACTIVER, bit);
        break;
    case 3:
        mmio_write32(priority, UINT32_MAX);
        mmio_write32(priority, old);
        break;
    default:
        mmio_write32(frame + GICD_ICENABLER, bit);
        mmio_write32(frame + GICD_ICPENDR, bit);
        mmio_write32(frame + GICD_ISENABLER, bit);
        break;
    }
    changes++;
}

static void disturber(struct cpu *cpu)
{
    uint64_t random = arg_number("seed", 1);
    uint64_t seen = 0;
    uint64_t since = timer_now();

    (void)cpu;
    while (stop == 0) {
        random = random * 6364136223846793005UL + 1442695040888963407UL;
        disturb(random >> 40);
        if (sleeps != seen) {
            seen = sleeps;
            since = timer_now();
        } else if (timer_since_ms(since) > WAIT_MS) {
            stuck++;
            gic_send_sgi(WAKER, 0);
            since = timer_now();
        }
    }
}

/* Acknowledge and end the timer's interrupt, which is due; false if it does not come. */
static bool take(void)
{
    uint64_t since = timer_now();
    uint32_t iar;

    do {
        iar = gic_ack();
        if (gic_intid(iar) < GIC_SPURIOUS) {
            gic_eoi(iar);
        }
    } while (gic_intid(iar) != timer_intid(TIMER_VIRTUAL) && timer_since_ms(since) < WAIT_MS);
    return gic_intid(iar) == timer_intid(TIMER_VIRTUAL);
}

/*
 * The interrupt stays pending for some time slices before it is taken, so that this vCPU is
 * also saved and loaded with it. What woke it may be somebody else: the timer is due soon.
 */
static void sleep_once(void)
{
    timer_arm_us(TIMER_VIRTUAL, SLEEP_US);
    wfi();
    sleeps++;
    timer_delay_us(SLEEP_US + sleeps % 4 * AWAKE_US);
    missing += take() ? 0U : 1U;
}

void test_gic_wake(void)
{
    uint64_t seconds = arg_number("seconds", 4);
    uint64_t start = timer_now();

    if (!ok(gic_version() == 3 && smp_count() >= 3, "GICv3, whose private registers are for all")) {
        return;
    }
    frame = gic_cpu_frame() + GICR_SGI_FRAME;
    gic_enable(timer_intid(TIMER_VIRTUAL));
    gic_enable(WAKER);
    for (unsigned int i = 1; i < smp_count(); i++) {
        ok(smp_start(i, i == 1 ? disturber : spinner, 0) == 0, "vCPU %u runs", i);
    }
    while (missing == 0 && timer_since_ms(start) < seconds * 1000) {
        sleep_once();
    }
    stop = 1;
    for (unsigned int i = 1; i < smp_count(); i++) {
        ok(smp_wait_off(i), "vCPU %u is off", i);
    }
    ok(missing == 0, "the timer's interrupt came each time");
    ok(stuck == 0 && sleeps > 0, "%lu sleeps while another vCPU made %lu changes, %u lasted",
       sleeps, changes, stuck);
}

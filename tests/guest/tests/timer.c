/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual and the physical EL1 timer: what is written reads back, interrupts come on time,
 * stay while the condition holds, and wake WFI.
 */
#include "timer.h"

#include "cpu.h"
#include "gic.h"

#define TICKS 50U

static const char *const kind_name[] = { "virtual", "physical" };

static void prepare(enum timer_kind kind)
{
    unsigned int intid = timer_intid(kind);

    timer_set_ctl(kind, 0);
    gic_write_bit(GICD_ICACTIVER, intid);
    gic_set_priority(intid, 0x80);
    gic_enable(intid);
}

static void test_registers(enum timer_kind kind)
{
    const char *name = kind_name[kind];
    int32_t tval;

    timer_set_ctl(kind, 0);
    timer_set_cval(kind, UINT64_MAX - 1);
    is_equal(timer_cval(kind), UINT64_MAX - 1, "CVAL");
    timer_set_ctl(kind, TIMER_ENABLE | TIMER_IMASK);
    is_equal(timer_ctl(kind), TIMER_ENABLE | TIMER_IMASK, "CTL, enabled, masked, not due");
    timer_set_tval(kind, INT32_MAX);
    tval = timer_tval(kind);
    ok(tval < INT32_MAX && tval > 0, "%s TVAL counts down: %d", name, tval);
    timer_set_tval(kind, -5);
    is_equal(timer_ctl(kind), TIMER_ENABLE | TIMER_IMASK | TIMER_ISTATUS, "CTL, due, masked");
    ok(timer_tval(kind) < 0, "%s TVAL goes negative", name);
    ok(gic_intid(gic_ack()) >= GIC_SPURIOUS, "%s timer masked: no interrupt", name);
    timer_set_ctl(kind, 0);
}

/* One shot: due at its time, level until silenced. */
static void test_shot(enum timer_kind kind)
{
    const char *name = kind_name[kind];
    unsigned int intid = timer_intid(kind);
    uint64_t cval;
    uint32_t iar;

    prepare(kind);
    timer_arm_us(kind, 5000);
    cval = timer_cval(kind);
    /* It may come due between the look at the count and the look at the GIC. */
    do {
        iar = gic_ack();
    } while (gic_intid(iar) >= GIC_SPURIOUS && timer_count(kind) < cval);
    ok(timer_count(kind) >= cval, "%s timer not early", name);
    if (gic_intid(iar) >= GIC_SPURIOUS) {
        iar = gic_ack_wait();
    }
    is_equal(gic_intid(iar), intid, "timer interrupt");
    is_equal(timer_ctl(kind), TIMER_ENABLE | TIMER_ISTATUS, "CTL as written, and due");
    ok(gic_bit(GICD_ISPENDR, intid), "%s timer: line still pends while due", name);
    gic_eoi(iar);
    iar = gic_ack_wait();
    is_equal(gic_intid(iar), intid, "due and not silenced: comes again after EOI");
    timer_set_ctl(kind, TIMER_ENABLE | TIMER_IMASK);
    gic_eoi(iar);
    timer_delay_us(300);
    iar = gic_ack();
    ok(gic_intid(iar) >= GIC_SPURIOUS, "%s timer masked: no more", name);
    if (gic_intid(iar) < GIC_SPURIOUS) {
        gic_eoi(iar);
    }
    ok(!gic_bit(GICD_ISPENDR, intid), "%s timer masked: does not pend", name);
    timer_set_ctl(kind, TIMER_ENABLE);
    iar = gic_ack_wait();
    is_equal(gic_intid(iar), intid, "unmasked: comes");
    timer_set_ctl(kind, 0);
    gic_eoi(iar);
}

/*
 * A hardware-linked list register, as the virtual timer has under a hypervisor, is not told when
 * the condition goes: one may still come.
 */
static void expect_gone(enum timer_kind kind, const char *how)
{
    uint32_t iar = gic_ack();

    if (kind == TIMER_VIRTUAL && gic_intid(iar) == timer_intid(kind)) {
        diag("virtual timer, %s: moved away too late", how);
        gic_eoi(iar);
        iar = gic_ack();
    }
    ok(gic_intid(iar) >= GIC_SPURIOUS, "%s timer, %s: moved away, quiet", kind_name[kind], how);
}

/* Under QEMU, ISTATUS and interrupts are as late as its own timers. */
static void wait_due(enum timer_kind kind)
{
    uint64_t start = timer_now();

    while (((timer_ctl(kind) & TIMER_ISTATUS) == 0 || !gic_bit(GICD_ISPENDR, timer_intid(kind))) &&
           timer_since_ms(start) < WAIT_MS) {}
    ok(timer_count(kind) >= timer_cval(kind), "%s timer: due, not early", kind_name[kind]);
}

/*
 * Due, and nobody acknowledges: it looks pending, not active, and CTL is as it was written; with
 * its interrupt disabled, too, and until the condition is gone.
 */
static void test_pending(enum timer_kind kind)
{
    const char *name = kind_name[kind];
    unsigned int intid = timer_intid(kind);

    for (unsigned int enabled = 0; enabled < 2; enabled++) {
        const char *how = enabled != 0 ? "enabled" : "disabled";
        bool pends;
        uint32_t ctl;

        prepare(kind);
        if (enabled == 0) {
            gic_disable(intid);
        }
        timer_arm_us(kind, 10000);
        pends = gic_bit(GICD_ISPENDR, intid);
        ctl = timer_ctl(kind);
        /* On a slow host the time may be over by now. */
        ok((!pends && ctl == TIMER_ENABLE) || timer_count(kind) >= timer_cval(kind),
           "%s timer, %s: not due, not pending", name, how);
        wait_due(kind);
        is_equal(timer_ctl(kind), TIMER_ENABLE | TIMER_ISTATUS, "CTL, due");
        ok(gic_bit(GICD_ISPENDR, intid) && gic_bit(GICD_ICPENDR, intid), "%s timer, %s: due, pends",
           name, how);
        ok(!gic_bit(GICD_ISACTIVER, intid), "%s timer, %s: is not active", name, how);
        is_equal(timer_ctl(kind), TIMER_ENABLE | TIMER_ISTATUS, "CTL after that");
        timer_set_cval(kind, UINT64_MAX);
        timer_delay_us(300);
        ok(!gic_bit(GICD_ISPENDR, intid), "%s timer, %s: moved away, pends no more", name, how);
        expect_gone(kind, how);
        timer_set_ctl(kind, 0);
    }
}

static void test_wfi(enum timer_kind kind)
{
    uint64_t late_max = timer_ticks_of_us(WAIT_MS * 1000UL);
    uint64_t cval;
    uint64_t late_us;
    uint32_t iar;

    prepare(kind);
    timer_arm_us(kind, 20000);
    cval = timer_cval(kind);
    do {
        wfi();
        iar = gic_ack();
    } while (gic_intid(iar) >= GIC_SPURIOUS && timer_count(kind) < cval + late_max);
    late_us = (timer_count(kind) - cval) * 1000000 / timer_hz();
    ok(gic_intid(iar) == timer_intid(kind) && timer_count(kind) >= cval,
       "%s timer wakes WFI after 20 ms (late %lu us)", kind_name[kind], late_us);
    timer_set_ctl(kind, 0);
    if (gic_intid(iar) < GIC_SPURIOUS) {
        gic_eoi(iar);
    }
}

static enum timer_kind ticking;
static volatile uint32_t ticks;

static void on_tick(uint32_t iar)
{
    if (gic_intid(iar) == timer_intid(ticking)) {
        ticks++;
        timer_set_cval(ticking, timer_cval(ticking) + timer_ticks_of_us(1000));
    }
}

/* A periodic tick through the vector, once spinning and once in WFI: none lost, none early. */
static void test_ticks(enum timer_kind kind, bool idle)
{
    uint64_t start = timer_now();
    uint64_t took_us;

    prepare(kind);
    ticking = kind;
    ticks = 0;
    irq_set_hook(on_tick);
    timer_arm_us(kind, 1000);
    irq_enable();
    while (ticks < TICKS && timer_since_ms(start) < WAIT_MS) {
        if (idle) {
            wfi();
        }
    }
    irq_disable();
    took_us = timer_since_us(start);
    timer_set_ctl(kind, 0);
    irq_set_hook(NULL);
    /* On a slow host the next tick may be due before the loop looks. */
    ok(ticks >= TICKS && took_us >= ticks * 1000UL, "%s timer: %u ticks of 1 ms %s in %lu us",
       kind_name[kind], ticks, idle ? "in WFI" : "spinning", took_us);
}

void test_timer(void)
{
    uint64_t last = timer_now();
    bool monotonic = true;

    ok(timer_hz() >= 1000000, "CNTFRQ_EL0 = %lu", timer_hz());
    for (unsigned int i = 0; i < 1000; i++) {
        uint64_t now = timer_now();

        monotonic = monotonic && now >= last;
        last = now;
    }
    ok(monotonic, "CNTVCT_EL0 never goes back");
    for (unsigned int i = 0; i < 2; i++) {
        enum timer_kind kind = i == 0 ? TIMER_VIRTUAL : TIMER_PHYSICAL;

        diag("%s timer, INTID %u", kind_name[kind], timer_intid(kind));
        test_registers(kind);
        test_shot(kind);
        test_pending(kind);
        test_wfi(kind);
        test_ticks(kind, false);
        test_ticks(kind, true);
        gic_disable(timer_intid(kind));
    }
}

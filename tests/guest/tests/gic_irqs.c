/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery of interrupts to one vCPU. Most checks keep PSTATE.I set and acknowledge by hand, so
 * that every step is seen.
 */
#include "cpu.h"
#include "gic.h"
#include "timer.h"

#define SPI_A 45U
#define SPI_B 46U
#define SPI_C 47U
#define FIRST 64U
#define MANY  24U

static void prepare(unsigned int intid, uint8_t priority)
{
    gic_disable(intid);
    gic_set_edge(intid, true);
    gic_write_bit(GICD_ICPENDR, intid);
    gic_write_bit(GICD_ICACTIVER, intid);
    gic_set_priority(intid, priority);
    gic_route(intid, 0);
    gic_enable(intid);
}

static bool is_spurious(uint32_t iar)
{
    return gic_intid(iar) >= GIC_SPURIOUS;
}

/* Nothing may come: wait a little, then look once. */
static bool stays_quiet(void)
{
    timer_delay_us(300);
    return is_spurious(gic_ack());
}

static void test_sgi_self(void)
{
    unsigned int good = 0;
    unsigned int source_ok = 0;

    for (unsigned int sgi = 0; sgi < 16; sgi++) {
        uint32_t iar;

        gic_enable(sgi);
        gic_send_sgi(sgi, 0);
        iar = gic_ack_wait();
        good += gic_intid(iar) == sgi ? 1 : 0;
        source_ok += gic_source(iar) == 0 ? 1 : 0;
        if (!is_spurious(iar)) {
            gic_eoi(iar);
        }
    }
    is_equal(good, 16, "SGIs to oneself that arrived");
    is_equal(source_ok, 16, "SGIs with this CPU as the source");
    is_equal(gic_intid(gic_ack()), 1023, "IAR with nothing pending");
}

static void test_priority_order(void)
{
    uint32_t first;
    uint32_t second;

    prepare(SPI_A, 0x80);
    prepare(SPI_B, 0x40);
    prepare(SPI_C, 0xc0);
    gic_write_bit(GICD_ISPENDR, SPI_A);
    first = gic_ack_wait();
    is_equal(gic_intid(first), SPI_A, "first of three");
    is_equal(gic_running_priority() & 0xff, 0x80, "running priority");
    gic_write_bit(GICD_ISPENDR, SPI_C);
    ok(stays_quiet(), "a lower priority does not preempt");
    gic_write_bit(GICD_ISPENDR, SPI_B);
    second = gic_ack_wait();
    is_equal(gic_intid(second), SPI_B, "a higher priority preempts");
    is_equal(gic_running_priority() & 0xff, 0x40, "running priority, nested");
    ok(gic_bit(GICD_ISACTIVER, SPI_A) && gic_bit(GICD_ISACTIVER, SPI_B), "both read as active");
    gic_eoi(second);
    is_equal(gic_running_priority() & 0xff, 0x80, "running priority after the nested EOI");
    ok(!gic_bit(GICD_ISACTIVER, SPI_B), "inactive after EOI");
    gic_eoi(first);
    is_equal(gic_running_priority() & 0xff, 0xff, "idle priority");
    is_equal(gic_intid(gic_highest_pending()), SPI_C, "highest pending");
    first = gic_ack_wait();
    is_equal(gic_intid(first), SPI_C, "the rest comes at the end");
    gic_eoi(first);
}

static void test_masks(void)
{
    uint32_t iar;

    prepare(SPI_A, 0x80);
    gic_set_mask(0x80);
    gic_write_bit(GICD_ISPENDR, SPI_A);
    ok(stays_quiet(), "PMR equal to the priority masks it");
    gic_set_mask(0xf0);
    iar = gic_ack_wait();
    is_equal(gic_intid(iar), SPI_A, "and lets it through when raised");
    gic_eoi(iar);

    gic_set_group_enable(false);
    gic_write_bit(GICD_ISPENDR, SPI_A);
    ok(stays_quiet(), "CPU interface off: nothing");
    gic_set_group_enable(true);
    iar = gic_ack_wait();
    is_equal(gic_intid(iar), SPI_A, "CPU interface on: delivered");
    gic_eoi(iar);

    gic_disable(SPI_A);
    gic_write_bit(GICD_ISPENDR, SPI_A);
    ok(stays_quiet() && gic_bit(GICD_ISPENDR, SPI_A), "disabled: pending, not delivered");
    gic_enable(SPI_A);
    iar = gic_ack_wait();
    is_equal(gic_intid(iar), SPI_A, "enabled: delivered");
    gic_eoi(iar);

    gic_set_dist_enable(false);
    gic_write_bit(GICD_ISPENDR, SPI_A);
    ok(stays_quiet(), "distributor off: nothing");
    gic_set_dist_enable(true);
    iar = gic_ack_wait();
    is_equal(gic_intid(iar), SPI_A, "distributor on: delivered");
    gic_eoi(iar);
}

static void test_withdrawn(void)
{
    uint32_t iar;

    prepare(SPI_A, 0x80);
    gic_write_bit(GICD_ISPENDR, SPI_A);
    gic_write_bit(GICD_ICPENDR, SPI_A);
    ok(stays_quiet(), "pending withdrawn before it was taken: nothing");
    gic_write_bit(GICD_ISPENDR, SPI_A);
    gic_disable(SPI_A);
    ok(stays_quiet(), "disabled before it was taken: nothing");
    gic_write_bit(GICD_ICPENDR, SPI_A);
    gic_enable(SPI_A);
    ok(stays_quiet(), "and gone after ICPENDR");
    gic_write_bit(GICD_ISPENDR, SPI_A);
    iar = gic_ack_wait();
    gic_write_bit(GICD_ISPENDR, SPI_A);
    ok(gic_bit(GICD_ISPENDR, SPI_A) && gic_bit(GICD_ISACTIVER, SPI_A), "active and pending");
    ok(stays_quiet(), "pending while active waits");
    gic_eoi(iar);
    iar = gic_ack_wait();
    is_equal(gic_intid(iar), SPI_A, "and comes after EOI");
    gic_eoi(iar);
    ok(stays_quiet(), "once");
}

static void test_active_state(void)
{
    uint32_t iar;

    prepare(SPI_A, 0x80);
    gic_write_bit(GICD_ISACTIVER, SPI_A);
    gic_write_bit(GICD_ISPENDR, SPI_A);
    ok(stays_quiet(), "ISACTIVER holds a pending interrupt back");
    gic_write_bit(GICD_ICACTIVER, SPI_A);
    iar = gic_ack_wait();
    is_equal(gic_intid(iar), SPI_A, "ICACTIVER lets it through");
    gic_eoi(iar);

    gic_set_split_eoi(true);
    gic_write_bit(GICD_ISPENDR, SPI_A);
    iar = gic_ack_wait();
    gic_eoi(iar);
    ok(gic_bit(GICD_ISACTIVER, SPI_A), "EOImode 1: EOI leaves it active");
    is_equal(gic_running_priority() & 0xff, 0xff, "EOImode 1: EOI drops the priority");
    gic_write_bit(GICD_ISPENDR, SPI_A);
    ok(stays_quiet(), "EOImode 1: not again before DIR");
    gic_deactivate(iar);
    ok(!gic_bit(GICD_ISACTIVER, SPI_A), "EOImode 1: DIR deactivates");
    iar = gic_ack_wait();
    is_equal(gic_intid(iar), SPI_A, "EOImode 1: pending comes after DIR");
    gic_eoi(iar);
    gic_deactivate(iar);
    gic_set_split_eoi(false);
}

/* More pending interrupts than a GIC has list registers, with rising and equal priorities. */
static void test_many(void)
{
    unsigned int in_order = 0;
    uint64_t seen = 0;
    uint8_t last = 0;

    for (unsigned int i = 0; i < MANY; i++) {
        prepare(FIRST + i, (uint8_t)(0x10 + (MANY - i) / 2 * 0x10 % 0xd0));
    }
    /* Pended while masked, so that the order of arrival is not the order of delivery. */
    gic_set_group_enable(false);
    for (unsigned int i = 0; i < MANY; i++) {
        gic_write_bit(GICD_ISPENDR, FIRST + i);
    }
    gic_set_group_enable(true);
    for (unsigned int i = 0; i < MANY; i++) {
        uint32_t iar = gic_ack_wait();
        unsigned int intid = gic_intid(iar);

        if (intid < FIRST || intid >= FIRST + MANY) {
            diag("got %u as number %u", intid, i);
            break;
        }
        in_order += gic_priority(intid) >= last ? 1 : 0;
        last = gic_priority(intid);
        seen |= BIT(intid - FIRST);
        gic_eoi(iar);
    }
    is_equal(seen, BIT(MANY) - 1, "24 pending SPIs, each delivered");
    is_equal(in_order, MANY, "delivered in order of priority");
    ok(stays_quiet(), "none twice");
    for (unsigned int i = 0; i < MANY; i++) {
        gic_disable(FIRST + i);
    }
}

static unsigned int hook_intid;

static void remember(uint32_t iar)
{
    hook_intid = gic_intid(iar);
}

static void test_vector(void)
{
    uint32_t before = this_cpu()->irq_count;
    uint64_t start = timer_now();

    irq_set_hook(remember);
    prepare(SPI_A, 0x80);
    irq_enable();
    gic_write_bit(GICD_ISPENDR, SPI_A);
    while (this_cpu()->irq_count == before && timer_since_ms(start) < WAIT_MS) {}
    is_equal(hook_intid, SPI_A, "SPI through the vector");
    gic_send_sgi(7, 0);
    start = timer_now();
    while (hook_intid != 7 && timer_since_ms(start) < WAIT_MS) {}
    is_equal(hook_intid, 7, "SGI through the vector");
    irq_disable();
    is_equal(this_cpu()->irq_count - before, 2, "interrupts taken");
    irq_set_hook(NULL);
    gic_disable(SPI_A);
}

void test_gic_irqs(void)
{
    test_sgi_self();
    test_priority_order();
    test_masks();
    test_withdrawn();
    test_active_state();
    test_many();
    test_vector();
}

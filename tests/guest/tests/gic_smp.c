/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts between two vCPUs: SGIs with their sources, routing of SPIs.
 */
#include "cpu.h"
#include "gic.h"
#include "timer.h"

#define SPI_A 50U

static volatile uint32_t heard[16];
static volatile uint32_t stop;

/* vCPU 1: acknowledge by polling, note each IAR, until told to stop. */
static void listener(struct cpu *cpu)
{
    for (unsigned int sgi = 0; sgi < 16; sgi++) {
        gic_enable(sgi);
    }
    cpu->counter = 1;
    while (stop == 0) {
        uint32_t iar = gic_ack();

        if (gic_intid(iar) >= GIC_SPURIOUS) {
            continue;
        }
        cpu->last_iar = iar;
        if (gic_intid(iar) < 16) {
            heard[gic_intid(iar)] = iar | BIT(31);
        }
        gic_eoi(iar);
        cpu->irq_count++;
    }
}

static bool wait_count(struct cpu *cpu, uint32_t count)
{
    uint64_t start = timer_now();

    while (cpu->irq_count < count) {
        if (timer_since_ms(start) > WAIT_MS) {
            return false;
        }
    }
    return true;
}

static void test_sgis(struct cpu *other)
{
    unsigned int arrived = 0;
    unsigned int sources = 0;

    for (unsigned int sgi = 0; sgi < 16; sgi++) {
        uint32_t before = other->irq_count;

        gic_send_sgi(sgi, 1);
        if (!wait_count(other, before + 1)) {
            diag("SGI %u to vCPU 1 never came", sgi);
            continue;
        }
        arrived += (heard[sgi] & 0xf) == sgi && heard[sgi] != 0 ? 1 : 0;
        sources += gic_source(heard[sgi] & 0x1fffU) == 0 ? 1 : 0;
    }
    is_equal(arrived, 16, "SGIs from vCPU 0 to vCPU 1");
    is_equal(sources, 16, "with vCPU 0 as the source");
}

static void test_broadcast(struct cpu *other)
{
    uint32_t before = other->irq_count;

    gic_enable(4);
    gic_send_sgi_others(4);
    ok(wait_count(other, before + 1) && gic_intid(other->last_iar) == 4, "SGI to all others");
    timer_delay_us(300);
    ok(gic_intid(gic_ack()) >= GIC_SPURIOUS, "and not to oneself");
}

static void test_route(struct cpu *other)
{
    uint32_t before = other->irq_count;

    gic_set_edge(SPI_A, true);
    gic_set_priority(SPI_A, 0x80);
    gic_route(SPI_A, 1);
    gic_enable(SPI_A);
    gic_write_bit(GICD_ISPENDR, SPI_A);
    ok(wait_count(other, before + 1) && gic_intid(other->last_iar) == SPI_A,
       "SPI routed to vCPU 1");
    gic_route(SPI_A, 0);
    gic_write_bit(GICD_ISPENDR, SPI_A);
    is_equal(gic_intid(gic_ack_wait()), SPI_A, "SPI routed back to vCPU 0");
    gic_eoi(SPI_A);
    gic_disable(SPI_A);
}

/* vCPU 1 sends; the GICv2 IAR here must name it. */
static void sender(struct cpu *cpu)
{
    for (unsigned int sgi = 0; sgi < 16; sgi++) {
        gic_send_sgi(sgi, 0);
        while (cpu->counter == sgi) {}
    }
}

static void test_from_other(void)
{
    unsigned int arrived = 0;
    unsigned int sources = 0;
    unsigned int expected = gic_version() == 2 ? 1 : 0;

    smp_wait_off(1);
    smp_start(1, sender, 0);
    for (unsigned int sgi = 0; sgi < 16; sgi++) {
        uint32_t iar;

        gic_enable(sgi);
        iar = gic_ack_wait();
        arrived += gic_intid(iar) == sgi ? 1 : 0;
        sources += gic_source(iar) == expected ? 1 : 0;
        if (gic_intid(iar) < GIC_SPURIOUS) {
            gic_eoi(iar);
        }
        cpus[1].counter = sgi + 1;
    }
    is_equal(arrived, 16, "SGIs from vCPU 1 to vCPU 0");
    is_equal(sources, 16, "with vCPU 1 as the source");
    smp_wait_off(1);
}

void test_gic_smp(void)
{
    if (smp_count() < 2) {
        skip("interrupts between vCPUs", "one vCPU");
        return;
    }
    if (!ok(smp_start(1, listener, 0) == 0, "vCPU 1 listens")) {
        return;
    }
    while (cpus[1].counter == 0) {}
    test_sgis(&cpus[1]);
    test_broadcast(&cpus[1]);
    test_route(&cpus[1]);
    stop = 1;
    test_from_other();
}

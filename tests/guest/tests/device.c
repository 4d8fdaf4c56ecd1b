/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices of the host that the domain was given: interrupts of a second PL011, whose transmit
 * interrupt is high from each character until it is cleared there (a level that the payload drives
 * itself, as fast as it likes), of a PL031 that is slow, and registers of a virtio-mmio slot that
 * shares its page; a range where no device answers. Found in the tree.
 */
#include "cpu.h"
#include "fdt.h"
#include "gic.h"
#include "timer.h"

#define UART_DR   0x00U
#define UART_FR   0x18U
#define UART_CR   0x30U
#define UART_IMSC 0x38U
#define UART_RIS  0x3cU
#define UART_ICR  0x44U
#define UART_TX   BIT(5)

#define RTC_DR   0x00U
#define RTC_MR   0x04U
#define RTC_CR   0x0cU
#define RTC_IMSC 0x10U
#define RTC_ICR  0x1cU

#define VIRTIO_MAGIC 0x74726976U
#define SLOT_SIZE    0x200U

static uintptr_t uart;
static uintptr_t rtc;
static unsigned int uart_intid;
static unsigned int rtc_intid;
static volatile uint32_t served;
static volatile uint32_t rtc_served;
static volatile uint32_t server; /* vCPU that took the last one */
static volatile uint32_t odd;    /* interrupts that nobody asked for */
static volatile uint32_t stop;

static void hook(uint32_t iar)
{
    if (gic_intid(iar) == uart_intid && (mmio_read32(uart + UART_RIS) & UART_TX) != 0) {
        mmio_write32(uart + UART_ICR, UART_TX);
        server = this_cpu()->index;
        served++;
    } else if (gic_intid(iar) == rtc_intid) {
        mmio_write32(rtc + RTC_IMSC, 0);
        mmio_write32(rtc + RTC_ICR, 1);
        rtc_served++;
    } else if (gic_intid(iar) < GIC_SPURIOUS) {
        odd++;
    }
}

static void prepare(unsigned int intid)
{
    gic_disable(intid);
    gic_set_edge(intid, false);
    gic_set_priority(intid, 0x80);
    gic_route(intid, 0);
    gic_enable(intid);
}

static bool wait_served(uint32_t count)
{
    uint64_t start = timer_now();

    while (served != count && timer_since_ms(start) < WAIT_MS) {}
    return served == count;
}

/* One character, one interrupt, as often as asked; each to another vCPU after a while. */
static void test_traffic(void)
{
    uint32_t count = (uint32_t)arg_number("rounds", 10000);
    uint64_t start = timer_now();
    uint32_t elsewhere = 0;
    uint32_t i;

    served = 0;
    for (i = 0; i < count; i++) {
        unsigned int to = i / 64 % smp_count();

        if (i % 64 == 0) {
            gic_route(uart_intid, to);
        }
        mmio_write32(uart + UART_DR, 'x');
        if (!wait_served(i + 1)) {
            break;
        }
        elsewhere += server != to ? 1 : 0;
    }
    is_equal(served, count, "interrupts of the UART");
    /* Who was asked before a new target took effect may still take one. */
    ok(elsewhere <= count / 64, "%u of them at another vCPU than their target", elsewhere);
    is_equal(odd, 0, "interrupts without a cause");
    diag("%lu us for each", timer_since_ms(start) * 1000 / count);
    gic_route(uart_intid, 0);
}

/* The CPU that the host's interrupt goes to may be another one, and busy elsewhere. */
static void wait_pending(void)
{
    uint64_t start = timer_now();

    while (!gic_bit(GICD_ISPENDR, uart_intid) && timer_since_ms(start) < WAIT_MS) {}
    timer_delay_us(2000);
}

static void wait_odd(void)
{
    uint64_t start = timer_now();

    while (odd == 0 && timer_since_ms(start) < WAIT_MS) {}
    timer_delay_us(2000);
}

static void test_held_back(void)
{
    served = 0;
    gic_disable(uart_intid);
    mmio_write32(uart + UART_DR, 'x');
    wait_pending();
    ok(served == 0 && gic_bit(GICD_ISPENDR, uart_intid), "disabled: pending, not delivered");
    gic_enable(uart_intid);
    ok(wait_served(1), "and delivered when enabled");
    gic_disable(uart_intid);
    mmio_write32(uart + UART_DR, 'x');
    mmio_write32(uart + UART_ICR, UART_TX);
    ok(!gic_bit(GICD_ISPENDR, uart_intid), "a line that went is not pending");
    gic_enable(uart_intid);
    timer_delay_us(2000);
    is_equal(served, 1, "nor delivered");
    gic_set_mask(0x80);
    mmio_write32(uart + UART_DR, 'x');
    timer_delay_us(2000);
    is_equal(served, 1, "masked by priority: not delivered");
    gic_set_mask(0xf0);
    ok(wait_served(2), "and delivered when unmasked");
    gic_write_bit(GICD_ISPENDR, uart_intid);
    wait_odd();
    is_equal(odd, 1, "set pending by software: once");
    odd = 0;
}

/* By hand: it stays active until it is ended, and comes back while the line is high. */
static void test_by_hand(void)
{
    uint32_t iar;

    irq_disable();
    mmio_write32(uart + UART_DR, 'x');
    iar = gic_ack_wait();
    is_equal(gic_intid(iar), uart_intid, "acknowledged by hand");
    ok(gic_bit(GICD_ISACTIVER, uart_intid), "active");
    gic_eoi(iar);
    iar = gic_ack_wait();
    is_equal(gic_intid(iar), uart_intid, "line still high: again");
    mmio_write32(uart + UART_ICR, UART_TX);
    gic_eoi(iar);
    timer_delay_us(2000);
    ok(gic_intid(gic_ack()) >= GIC_SPURIOUS, "line low: quiet");
    ok(!gic_bit(GICD_ISACTIVER, uart_intid), "inactive");
    irq_enable();
}

static void sleeper(struct cpu *cpu)
{
    irq_enable();
    while (stop == 0) {
        wfi();
        cpu->counter++;
    }
    irq_disable();
}

static void test_uart_irqs(void)
{
    prepare(uart_intid);
    mmio_write32(uart + UART_CR, 0x301);
    mmio_write32(uart + UART_ICR, 0x7ff);
    mmio_write32(uart + UART_IMSC, UART_TX);
    for (unsigned int i = 1; i < smp_count(); i++) {
        ok(smp_start(i, sleeper, 0) == 0, "vCPU %u starts", i);
    }
    irq_enable();
    test_traffic();
    test_held_back();
    test_by_hand();
    /* A vCPU that was a target goes off; the interrupt follows to this one. */
    gic_route(uart_intid, smp_count() - 1);
    stop = 1;
    for (unsigned int i = 1; i < smp_count(); i++) {
        gic_send_sgi(3, i);
        ok(smp_wait_off(i), "vCPU %u is off", i);
    }
    served = 0;
    mmio_write32(uart + UART_DR, 'x');
    timer_delay_us(2000);
    is_equal(served, smp_count() > 1 ? 0 : 1, "its target is off: it waits");
    gic_route(uart_intid, 0);
    ok(wait_served(1), "and comes when it is routed here");
    mmio_write32(uart + UART_IMSC, 0);
    irq_disable();
}

static void test_rtc_irq(void)
{
    uint64_t start = timer_now();

    prepare(rtc_intid);
    mmio_write32(rtc + RTC_ICR, 1);
    mmio_write32(rtc + RTC_IMSC, 1);
    mmio_write32(rtc + RTC_MR, mmio_read32(rtc + RTC_DR) + 1);
    irq_enable();
    while (rtc_served == 0 && timer_since_ms(start) < WAIT_MS) {
        wfi(); /* somebody's: this one, or a tick of the timer if it is on */
    }
    irq_disable();
    is_equal(rtc_served, 1, "alarm of the RTC");
}

static void expect_abort(uintptr_t address, const char *what)
{
    uint32_t value = 0;
    struct fault fault = guarded_read32(address, &value);

    ok(fault.taken && ESR_FSC(fault.esr) == FSC_EXTERNAL, "%s: external abort", what);
    is_equal(fault.far, address, what);
}

static bool is_slot(uintptr_t slot)
{
    for (int node = fdt_compatible("virtio,mmio"); node >= 0;
         node = fdt_child(fdt_parent(node), node)) {
        uint64_t base;
        uint64_t size;

        if (fdt_is_compatible(node, "virtio,mmio") && fdt_reg(node, 0, &base, &size) &&
            base == slot) {
            return true;
        }
    }
    return false;
}

static void test_slot(uintptr_t slot)
{
    uintptr_t page = slot & ~0xfffUL;
    uint32_t low = 0;
    uint32_t high = 0;
    struct fault fault;

    is_equal(mmio_read32(slot), VIRTIO_MAGIC, "magic of a virtio slot");
    is_equal(mmio_read8(slot + 0x100), mmio_read8(slot + 0x100), "a byte of its configuration");
    __asm__ volatile("ldp %w0, %w1, [%2]" : "=&r"(low), "=&r"(high) : "r"(slot) : "memory");
    ok(low == VIRTIO_MAGIC && (high == 1 || high == 2), "load pair: version %u", high);
    if (mmio_read32(slot + 8) != 0) { /* DeviceID: there is one behind it */
        mmio_write32(slot + 0x70, 1); /* Status: ACKNOWLEDGE */
        is_equal(mmio_read32(slot + 0x70), 1, "its status register");
        mmio_write32(slot + 0x70, 0);
    }
    mmu_map_normal(slot); /* so that stage 1 lets an unaligned access through */
    fault = guarded_read32(slot + 2, &low);
    ok(fault.taken && ESR_FSC(fault.esr) == FSC_EXTERNAL, "not aligned: external abort");
    for (uintptr_t at = page; at < page + 0x1000; at += SLOT_SIZE) {
        if (!is_slot(at)) {
            expect_abort(at, "a neighbour's slot");
            expect_abort(at + SLOT_SIZE - 4, "the end of it");
            fault = guarded_write32(at + 0x70, 0);
            ok(fault.taken, "a store there aborts");
        }
    }
}

/* A device whose bus answers with an error: this vCPU's abort, and nobody else's. */
static void test_bus_error(int node)
{
    uint64_t base = 0;
    uint64_t size;
    struct fault fault;

    for (unsigned int i = 0; fdt_reg(node, i, &base, &size); i++) {
        expect_abort(base, "bus error");
        fault = guarded_write32(base + size - 4, 1);
        ok(fault.taken && ESR_FSC(fault.esr) == FSC_EXTERNAL, "bus error of a store");
    }
    ok(base != 0, "and the payload goes on");
}

/* Device pages are never executable. */
static void test_execution(void)
{
    struct fault fault;

    mmu_map_normal(uart);
    fault = guarded_call(uart);
    ok(fault.taken && ESR_EC(fault.esr) == EC_IABT_SAME && ESR_FSC(fault.esr) == FSC_EXTERNAL,
       "code in a device page: instruction abort");
    is_equal(fault.far, uart, "FAR");
    is_equal(mmio_read32(uart + UART_FR) & 0x20, 0, "and its registers are there");
}

static int second_uart(void)
{
    int node = fdt_path("/passthrough");
    uint64_t base;
    uint64_t size;

    for (int child = fdt_child(node, -1); child >= 0; child = fdt_child(node, child)) {
        if (fdt_is_compatible(child, "arm,pl011") && fdt_reg(child, 0, &base, &size) &&
            base != console_base()) {
            return child;
        }
    }
    return -1;
}

static void find(int node, uintptr_t *base, unsigned int *intid)
{
    uint64_t at = 0;
    uint64_t size;

    *base = node >= 0 && fdt_reg(node, 0, &at, &size) ? at : 0;
    *intid = node >= 0 ? fdt_intid(node, 0) : 0;
}

void test_device(void)
{
    uint64_t slot = 0;
    uint64_t size;

    find(second_uart(), &uart, &uart_intid);
    find(fdt_compatible("arm,pl031"), &rtc, &rtc_intid);
    irq_set_hook(hook);
    if (uart != 0) {
        test_uart_irqs();
        test_execution();
    }
    if (rtc != 0) {
        test_rtc_irq();
    }
    if (fdt_compatible("virtio,mmio") >= 0 &&
        fdt_reg(fdt_compatible("virtio,mmio"), 0, &slot, &size)) {
        test_slot(slot);
    }
    if (fdt_compatible("corbel,nothing") >= 0) {
        test_bus_error(fdt_compatible("corbel,nothing"));
    }
    ok(uart != 0 || rtc != 0 || slot != 0, "there is a device");
    irq_set_hook(NULL);
}

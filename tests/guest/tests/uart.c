/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PL011 as an interrupt source: the transmit interrupt is a level that stays until it is
 * silenced. Its wiring comes from the tree.
 */
#include "cpu.h"
#include "fdt.h"
#include "gic.h"
#include "timer.h"

#define UART_FR      0x18U
#define UART_IMSC    0x38U
#define UART_RIS     0x3cU
#define UART_MIS     0x40U
#define UART_ICR     0x44U
#define UART_TX      BIT(5)
#define UART_FR_BUSY BIT(3)
#define UART_FR_TXFE BIT(7)

static unsigned int uart_intid(void)
{
    int node = fdt_compatible("arm,sbsa-uart");

    node = node >= 0 ? node : fdt_compatible("arm,pl011");
    return fdt_intid(node, 0);
}

void test_uart(void)
{
    uintptr_t base = console_base();
    unsigned int intid = uart_intid();
    uint64_t start = timer_now();
    uint32_t iar;

    if (!ok(intid >= 32, "UART interrupt %u", intid)) {
        return;
    }
    while ((mmio_read32(base + UART_FR) & UART_FR_TXFE) == 0 && timer_since_ms(start) < WAIT_MS) {}
    ok((mmio_read32(base + UART_FR) & UART_FR_TXFE) != 0, "FIFO drains");
    gic_set_edge(intid, false);
    gic_set_priority(intid, 0x80);
    gic_route(intid, 0);
    mmio_write32(base + UART_ICR, 0x7ff);
    gic_enable(intid);
    mmio_write32(base + UART_IMSC, UART_TX);
    console_putc('#');
    console_putc('\r');
    console_putc('\n');
    iar = gic_ack_wait();
    is_equal(gic_intid(iar), intid, "transmit interrupt");
    ok((mmio_read32(base + UART_MIS) & UART_TX) != 0, "MIS says transmit");
    gic_eoi(iar);
    iar = gic_ack_wait();
    is_equal(gic_intid(iar), intid, "level stays: again after EOI");
    mmio_write32(base + UART_IMSC, 0);
    gic_eoi(iar);
    timer_delay_us(500);
    iar = gic_ack();
    ok(gic_intid(iar) >= GIC_SPURIOUS, "masked in the UART: no more");
    ok(!gic_bit(GICD_ISPENDR, intid), "masked in the UART: does not pend");
    gic_disable(intid);
}

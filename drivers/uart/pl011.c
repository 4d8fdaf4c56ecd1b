/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL011 (DDI 0183) and the SBSA generic UART, for the host console. Line speed and
 * format stay as the firmware left them; the FIFOs are switched on. The console
 * holds its lock in every call but the panic's. Nothing here waits for long: the one
 * poll, for the shift register before the line control is rewritten, is bounded.
 */
#include <corbel/console.h>

#include <arch/io.h>

#include <corbel/drivers.h>
#include <hw/pl011.h>

/* A character at 9600 baud takes 1 ms; 32 of them in the FIFO, a register read 100 ns or more. */
#define DRAIN_POLLS 500000u

static void wait_idle(uintptr_t base)
{
    for (u32 i = 0; i < DRAIN_POLLS && (mmio_read32(base, PL011_FR) & PL011_FR_BUSY); i++)
        ;
}

static void sbsa_init(uintptr_t base)
{
    mmio_write32(base, PL011_IMSC, 0);
    mmio_write32(base, PL011_ICR, (u32)PL011_INT_ALL);
}

static void pl011_init(uintptr_t base)
{
    u32 lcr = mmio_read32(base, PL011_LCR_H);
    u32 cr = mmio_read32(base, PL011_CR);

    /* 8 bits where nobody set a format; LCR_H may change only while the UART is off and idle. */
    if (!(cr & PL011_CR_UARTEN))
        lcr |= (u32)PL011_LCR_H_WLEN;
    wait_idle(base);
    mmio_write32(base, PL011_CR, 0);
    mmio_write32(base, PL011_IMSC, 0);
    mmio_write32(base, PL011_DMACR, 0);
    mmio_write32(base, PL011_LCR_H, lcr | (u32)PL011_LCR_H_FEN);
    /* Refill at a quarter full, receive from an eighth on. */
    mmio_write32(base, PL011_IFLS,
                 (u32)(FIELD_PREP(PL011_IFLS_TX, 1) | FIELD_PREP(PL011_IFLS_RX, 0)));
    mmio_write32(base, PL011_RSR, 0);
    mmio_write32(base, PL011_ICR, (u32)PL011_INT_ALL);
    cr &= ~(u32)PL011_CR_LBE;
    mmio_write32(base, PL011_CR, cr | (u32)(PL011_CR_UARTEN | PL011_CR_TXE | PL011_CR_RXE));
}

static u32 pl011_write(uintptr_t base, const u8 *text, u32 count)
{
    u32 i;

    for (i = 0; i < count && !(mmio_read32(base, PL011_FR) & PL011_FR_TXFF); i++)
        mmio_write32(base, PL011_DR, text[i]);
    return i;
}

static bool pl011_rx(uintptr_t base, u8 *c)
{
    u32 dr;

    if (mmio_read32(base, PL011_FR) & PL011_FR_RXFE)
        return false;
    dr = mmio_read32(base, PL011_DR);
    *c = (u8)(dr & PL011_DR_DATA);
    if (dr & PL011_DR_ERROR)
        mmio_write32(base, PL011_RSR, 0);
    return true;
}

static void pl011_irq_enable(uintptr_t base, bool rx, bool tx)
{
    u64 mask = (rx ? PL011_INT_RX | PL011_INT_RT | PL011_INT_OE : 0) | (tx ? PL011_INT_TX : 0);

    mmio_write32(base, PL011_IMSC, (u32)mask);
}

static void pl011_irq_clear(uintptr_t base)
{
    mmio_write32(base, PL011_ICR, (u32)PL011_INT_ALL);
}

const struct uart_ops pl011_ops = {
    .name = "PL011",
    .init = pl011_init,
    .write = pl011_write,
    .rx = pl011_rx,
    .irq_enable = pl011_irq_enable,
    .irq_clear = pl011_irq_clear,
};

const struct uart_ops sbsa_uart_ops = {
    .name = "SBSA UART",
    .init = sbsa_init,
    .write = pl011_write,
    .rx = pl011_rx,
    .irq_enable = pl011_irq_enable,
    .irq_clear = pl011_irq_clear,
};

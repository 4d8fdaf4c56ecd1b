/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL011 driver on a modeled FIFO: order of the start, writing, receiving, interrupts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"

#include <arch/io.h>
#include <corbel/drivers.h>
#include <hw/pl011.h>

static u32 regs[0x1000 / 4];
static char out[64];
static u32 out_len, room, busy_reads;
static u32 in[8], in_pos, in_len;
static bool lcr_while_on;

static u64 io_read(uintptr_t base, u32 offset, u32 size)
{
    assert_int_equal(base, 0x9000000);
    assert_int_equal(size, 4);
    if (offset == PL011_FR) {
        u32 fr = (room ? 0 : PL011_FR_TXFF) | (in_pos == in_len ? PL011_FR_RXFE : 0);

        if (busy_reads && busy_reads != ~0u)
            busy_reads--;
        return busy_reads ? fr | PL011_FR_BUSY : fr;
    }
    if (offset == PL011_DR)
        return in[in_pos++];
    return regs[offset / 4];
}

static void io_write(uintptr_t base, u32 offset, u32 size, u64 value)
{
    if (offset == PL011_DR) {
        assert_true(room > 0);
        out[out_len++] = (char)value;
        room--;
    }
    if (offset == PL011_LCR_H)
        lcr_while_on |= regs[PL011_CR / 4] & PL011_CR_UARTEN;
    regs[offset / 4] = (u32)value;
}

static int setup(void **state)
{
    fake_reset(1);
    fake_io = (struct fake_io){ io_read, io_write };
    memset(regs, 0, sizeof(regs));
    memset(out, 0, sizeof(out));
    out_len = room = in_pos = in_len = busy_reads = 0;
    lcr_while_on = false;
    return 0;
}

static void start_keeps_the_firmware_settings(void **state)
{
    regs[PL011_CR / 4] = 0xb01 | 0x80; /* RTS set, loopback left on */
    regs[PL011_LCR_H / 4] = 0x6a;      /* even parity, 8 bits, no FIFO */
    regs[PL011_IBRD / 4] = 13;
    busy_reads = 5;
    pl011_ops.init(0x9000000);
    assert_int_equal(regs[PL011_CR / 4], 0xb01);
    assert_int_equal(regs[PL011_LCR_H / 4], 0x7a);
    assert_int_equal(regs[PL011_IBRD / 4], 13);
    assert_int_equal(regs[PL011_IMSC / 4], 0);
    assert_int_equal(regs[PL011_ICR / 4], 0x7ff);
    assert_int_equal(busy_reads, 0);
    assert_false(lcr_while_on);
}

static void start_from_reset(void **state)
{
    regs[PL011_CR / 4] = 0x300;
    busy_reads = ~0u; /* busy for ever: the wait is bounded */
    pl011_ops.init(0x9000000);
    assert_int_equal(regs[PL011_CR / 4], 0x301);
    assert_int_equal(regs[PL011_LCR_H / 4], 0x70);
}

static void sbsa_touches_only_its_subset(void **state)
{
    sbsa_uart_ops.init(0x9000000);
    assert_int_equal(regs[PL011_CR / 4], 0);
    assert_int_equal(regs[PL011_LCR_H / 4], 0);
    assert_int_equal(regs[PL011_ICR / 4], 0x7ff);
}

static void writes_what_fits(void **state)
{
    room = 3;
    assert_int_equal(pl011_ops.write(0x9000000, (const u8 *)"hello", 5), 3);
    assert_string_equal(out, "hel");
    assert_int_equal(pl011_ops.write(0x9000000, (const u8 *)"lo", 2), 0);
    room = 9;
    assert_int_equal(pl011_ops.write(0x9000000, (const u8 *)"lo", 2), 2);
    assert_string_equal(out, "hello");
}

static void receives(void **state)
{
    u8 c;

    assert_false(pl011_ops.rx(0x9000000, &c));
    in[0] = 'a';
    in[1] = 0x800 | 'b'; /* overrun: the character counts, the error is cleared */
    in_len = 2;
    regs[PL011_RSR / 4] = 8;
    assert_true(pl011_ops.rx(0x9000000, &c));
    assert_int_equal(c, 'a');
    assert_int_equal(regs[PL011_RSR / 4], 8);
    assert_true(pl011_ops.rx(0x9000000, &c));
    assert_int_equal(c, 'b');
    assert_int_equal(regs[PL011_RSR / 4], 0);
    assert_false(pl011_ops.rx(0x9000000, &c));
}

static void interrupts(void **state)
{
    pl011_ops.irq_enable(0x9000000, true, false);
    assert_int_equal(regs[PL011_IMSC / 4], 0x450);
    pl011_ops.irq_enable(0x9000000, true, true);
    assert_int_equal(regs[PL011_IMSC / 4], 0x470);
    pl011_ops.irq_enable(0x9000000, false, false);
    assert_int_equal(regs[PL011_IMSC / 4], 0);
    pl011_ops.irq_clear(0x9000000);
    assert_int_equal(regs[PL011_ICR / 4], 0x7ff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(start_keeps_the_firmware_settings, setup),
        cmocka_unit_test_setup(start_from_reset, setup),
        cmocka_unit_test_setup(sbsa_touches_only_its_subset, setup),
        cmocka_unit_test_setup(writes_what_fits, setup),
        cmocka_unit_test_setup(receives, setup),
        cmocka_unit_test_setup(interrupts, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

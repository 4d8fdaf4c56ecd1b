/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"
#include "fake_vuart.h"

#include <corbel/console.h>

#define BASE  0x22000000ull
#define INTID 32u

static struct domain d;
static char ring[256];
static u32 ring_used, ring_room, line_changes;
static bool line;

bool console_putc(struct domain *to, u8 c)
{
    assert_ptr_equal(to, &d);
    if (!ring_room)
        return false;
    ring_room--;
    ring[ring_used++ % sizeof(ring)] = (char)c;
    return true;
}

void vgic_set_line(struct domain *to, u32 intid, bool level)
{
    assert_ptr_equal(to, &d);
    assert_int_equal(intid, INTID);
    line = level;
    line_changes++;
}

static enum mmio_result access(u32 offset, u8 size, bool write, u64 *value)
{
    enum mmio_result result = mmio_once(&d.mmio, BASE + offset, size, write, value);

    frame_check(&d);
    return result;
}

static u32 get(u32 offset)
{
    u64 value = 0;

    assert_int_equal(access(offset, 4, false, &value), MMIO_OK);
    return (u32)value;
}

static void set(u32 offset, u32 value)
{
    u64 v = value;

    assert_int_equal(access(offset, 4, true, &v), MMIO_OK);
}

static int setup(void **state)
{
    (void)state;
    fake_reset(1);
    memset(&d, 0, sizeof(d));
    ring_used = line_changes = 0;
    ring_room = 200;
    line = false;
    frame_reset();
    assert_int_equal(vuart_init(&d, BASE, INTID, true), CORBEL_OK);
    vuart_start(&d);
    assert_int_equal(mapped_at, BASE);
    frame_check(&d);
    return 0;
}

static bool typed(u8 c)
{
    bool taken = vuart_receive(&d, c);

    frame_check(&d);
    return taken;
}

/* Look at FR until the page is back, as a guest does that writes a lot; how often that took. */
static u32 wait_for_page(void)
{
    u32 count = 0;

    while (!mapped_at && count < 1000) {
        get(PL011_FR);
        count++;
    }
    return count;
}

static void test_identity_and_reset(void **state)
{
    static const u8 id[8] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
    u64 value = 0;

    (void)state;
    for (u32 i = 0; i < 8; i++)
        assert_int_equal(get(PL011_PERIPHID0 + 4 * i), id[i]);
    assert_int_equal(get(PL011_CR), 0x301);
    assert_int_equal(get(PL011_IFLS), 0x12);
    assert_int_equal(get(PL011_RIS), 0);
    assert_int_equal(get(PL011_FR) & 0xf8, PL011_FR_RXFE | PL011_FR_TXFE);
    assert_int_equal(get(0x800), 0);
    set(PL011_FR, 0xffff);
    set(0x800, 5);
    set(PL011_PERIPHID0, 5);
    assert_int_equal(get(PL011_PERIPHID0), 0x11);
    assert_int_equal(access(PL011_DR, 8, false, &value), MMIO_ABORT);
    assert_int_equal(vuart_init(&d, BASE, INTID, true), ERR_EXIST);
}

static void test_registers(void **state)
{
    (void)state;
    set(PL011_IBRD, 0x12345);
    set(PL011_FBRD, 0xff);
    set(PL011_LCR_H, 0x1ff);
    set(PL011_CR, 0x10301);
    set(PL011_IFLS, 0xffff);
    set(PL011_IMSC, 0xffff);
    set(PL011_DMACR, 0xff);
    set(PL011_ILPR, 0x1ff);
    assert_int_equal(get(PL011_IBRD), 0x2345);
    assert_int_equal(get(PL011_FBRD), 0x3f);
    assert_int_equal(get(PL011_LCR_H), 0xff);
    assert_int_equal(get(PL011_CR), 0x301);
    assert_int_equal(get(PL011_IFLS), 0x3f);
    assert_int_equal(get(PL011_IMSC), 0x7ff);
    assert_int_equal(get(PL011_DMACR), 7);
    assert_int_equal(get(PL011_ILPR), 0xff);
}

static void test_narrow(void **state)
{
    u64 value = 'x';

    (void)state;
    assert_int_equal(access(PL011_DR, 1, true, &value), MMIO_OK);
    assert_int_equal(ring[0], 'x');
    value = 0;
    assert_int_equal(access(PL011_CR + 1, 1, false, &value), MMIO_OK);
    assert_int_equal(value, 3);
    assert_int_equal(access(PL011_CR, 2, false, &value), MMIO_OK);
    assert_int_equal(value, 0x301);
    assert_int_equal(access(PL011_CR + 2, 2, true, &value), MMIO_OK);
    assert_int_equal(get(PL011_CR), 0x301);
}

static void test_transmit(void **state)
{
    (void)state;
    set(PL011_DR, 'a');
    assert_int_equal(ring[0], 'a');
    assert_int_equal(get(PL011_RIS), PL011_INT_TX);
    assert_int_equal(get(PL011_MIS), 0);
    assert_int_equal(line_changes, 0);
    set(PL011_IMSC, PL011_INT_TX);
    assert_true(line);
    for (u32 i = 0; i < 50; i++)
        set(PL011_DR, 'b');
    assert_int_equal(line_changes, 1); /* only changes */
    set(PL011_ICR, PL011_INT_TX);
    assert_false(line);
    set(PL011_DR, 'c'); /* passes the trigger again */
    assert_true(line);
    set(PL011_IMSC, 0);
    assert_false(line);
    assert_int_equal(ring_used, 52);
    assert_int_equal(get(PL011_FR) & PL011_FR_BUSY, 0);
}

static void test_ring_full(void **state)
{
    (void)state;
    ring_room = 0;
    set(PL011_IMSC, PL011_INT_TX);
    for (u32 i = 0; i < 16; i++)
        set(PL011_DR, 'A' + i);
    assert_int_equal(get(PL011_RIS), PL011_INT_TX); /* at the trigger, one half */
    assert_int_equal(get(PL011_FR) & (PL011_FR_TXFE | PL011_FR_TXFF), 0);
    for (u32 i = 16; i < 32; i++)
        set(PL011_DR, 'A' + i);
    assert_false(line);
    assert_int_equal(get(PL011_FR) & (PL011_FR_TXFE | PL011_FR_TXFF), PL011_FR_TXFF);
    set(PL011_DR, '!');                /* lost */
    assert_int_equal(mapped_at, BASE); /* a guest that waits for room reads the page */
    assert_int_equal(frame[PL011_FR / 4] & PL011_FR_TXFF, PL011_FR_TXFF);
    ring_room = 10;
    vuart_tx_ready(&d);
    assert_int_equal(frame[PL011_FR / 4] & PL011_FR_TXFF, 0);
    assert_int_equal(ring_used, 10);
    assert_int_equal(get(PL011_FR) & (PL011_FR_TXFE | PL011_FR_TXFF), 0);
    assert_false(line);
    ring_room = 6;
    vuart_tx_ready(&d);
    assert_true(line); /* 16 left */
    ring_room = 100;
    set(PL011_DR, '?'); /* behind what waits */
    assert_int_equal(ring_used, 33);
    for (u32 i = 0; i < 32; i++)
        assert_int_equal(ring[i], 'A' + i);
    assert_int_equal(ring[32], '?');
    assert_int_equal(get(PL011_FR) & PL011_FR_TXFE, PL011_FR_TXFE);
    vuart_tx_ready(&d);
}

static void test_receive(void **state)
{
    (void)state;
    set(PL011_IMSC, PL011_INT_RX | PL011_INT_RT);
    assert_true(vuart_receive(&d, 'a'));
    assert_true(line);
    assert_int_equal(get(PL011_RIS), PL011_INT_RT);
    for (u32 i = 1; i < 16; i++)
        assert_true(vuart_receive(&d, 'a' + i));
    assert_int_equal(get(PL011_RIS), PL011_INT_RT | PL011_INT_RX);
    assert_int_equal(get(PL011_FR) & (PL011_FR_RXFE | PL011_FR_RXFF), 0);
    assert_int_equal(get(PL011_DR), 'a');
    assert_int_equal(get(PL011_RIS), PL011_INT_RT);
    set(PL011_ICR, PL011_INT_RT);
    assert_true(line); /* characters wait: it times out again */
    for (u32 i = 1; i < 16; i++)
        assert_int_equal(get(PL011_DR), 'a' + i);
    assert_false(line);
    assert_int_equal(get(PL011_RIS), 0);
    assert_int_equal(get(PL011_DR), 0);
    assert_int_equal(get(PL011_FR) & PL011_FR_RXFE, PL011_FR_RXFE);
}

/* What does not fit is offered again by the console: nothing is lost, nothing is reported. */
static void test_full(void **state)
{
    (void)state;
    for (u32 i = 0; i < 32; i++)
        assert_true(vuart_receive(&d, (u8)i));
    assert_int_equal(get(PL011_FR) & PL011_FR_RXFF, PL011_FR_RXFF);
    assert_false(vuart_receive(&d, 'x'));
    assert_int_equal(get(PL011_RIS) & PL011_INT_OE, 0);
    assert_int_equal(get(PL011_RSR), 0);
    assert_int_equal(get(PL011_DR), 0);
    assert_true(vuart_receive(&d, 'x'));
    assert_int_equal(get(PL011_DR), 1);
}

static void test_no_fifo(void **state)
{
    (void)state;
    vuart_receive(&d, 'a');
    vuart_receive(&d, 'b');
    set(PL011_LCR_H, PL011_LCR_H_WLEN); /* FEN off: contents gone, depth 1 */
    assert_int_equal(get(PL011_FR) & PL011_FR_RXFE, PL011_FR_RXFE);
    assert_true(vuart_receive(&d, 'c'));
    assert_int_equal(get(PL011_RIS), PL011_INT_RX);
    assert_false(vuart_receive(&d, 'd'));
    assert_int_equal(get(PL011_DR) & 0xff, 'c');
    ring_room = 0;
    set(PL011_DR, 'x');
    assert_int_equal(get(PL011_FR) & PL011_FR_TXFF, PL011_FR_TXFF);
}

static void test_off_and_loopback(void **state)
{
    (void)state;
    set(PL011_CR, PL011_CR_UARTEN | PL011_CR_TXE);
    assert_false(vuart_receive(&d, 'a'));
    set(PL011_CR, 0x301 | PL011_CR_LBE);
    set(PL011_DR, 'l');
    assert_int_equal(ring_used, 0);
    assert_int_equal(get(PL011_DR), 'l');
    set(PL011_IMSC, PL011_INT_RT);
    set(PL011_DR, 'm');
    assert_true(line);
    vuart_reset(&d);
    assert_false(line);
    assert_int_equal(get(PL011_CR), 0x301);
    assert_int_equal(get(PL011_RIS), 0);
}

/* Found by fuzzing: what is sent to a full receive FIFO is lost, yet it was sent. */
static void test_loopback_full(void **state)
{
    (void)state;
    set(PL011_LCR_H, PL011_LCR_H_WLEN);
    set(PL011_CR, 0x301 | PL011_CR_LBE);
    set(PL011_DR, 'a');
    set(PL011_ICR, PL011_INT_TX);
    set(PL011_IMSC, PL011_INT_TX);
    assert_false(line);
    set(PL011_DR, 'b');
    assert_int_equal(get(PL011_MIS), PL011_INT_TX);
    assert_true(line);
    assert_int_equal(get(PL011_DR), 'a');
}

/* A domain between two lives: typed characters are lost, nothing waits for them. */
static void test_stopped(void **state)
{
    (void)state;
    vuart_stop(&d);
    for (u32 i = 0; i < 2 * VUART_FIFO_SIZE; i++)
        assert_true(vuart_receive(&d, 'a'));
    assert_int_equal(d.vuart.rx.count, 0);
    assert_false(line);
    mapped_at = 0; /* with the tables */
    vuart_reset(&d);
    assert_true(vuart_receive(&d, 'b'));
    assert_int_equal(get(PL011_DR), 'b');
}

/* Nothing is received: all reads are served by the page, whatever is written. */
static void test_page_stays(void **state)
{
    (void)state;
    for (u32 i = 0; i < 200; i++) {
        set(PL011_IMSC, i * 37);
        set(PL011_ICR, i * 11);
        set(PL011_DR, 'x');
        set(PL011_CR, 0x301 ^ (i & 1));
        set(PL011_LCR_H, i);
    }
    assert_int_equal(map_count, 1);
    assert_int_equal(unmap_count, 0);
}

/* A character takes the page away before it is there; the page comes back long after it. */
static void test_page_and_input(void **state)
{
    (void)state;
    assert_true(typed('a'));
    assert_int_equal(mapped_at, 0);
    for (u32 i = 0; i < 500; i++)
        get(PL011_FR);
    assert_int_equal(mapped_at, 0); /* it still waits to be read */
    assert_int_equal(get(PL011_DR), 'a');
    assert_in_range(wait_for_page(), 32, 128);
    assert_int_equal(frame[PL011_DR / 4], 0);
    for (u32 i = 0; i < 100; i++) { /* a lot of it: one unmap */
        assert_true(typed((u8)i));
        get(PL011_FR);
        assert_int_equal(get(PL011_DR), (u8)i);
        get(PL011_FR);
    }
    assert_int_equal(unmap_count, 2);
    assert_int_equal(map_count, 2);
}

/* A guest's own characters come by the same way. */
static void test_page_and_loopback(void **state)
{
    (void)state;
    set(PL011_CR, 0x301 | PL011_CR_LBE);
    assert_int_equal(mapped_at, BASE);
    set(PL011_DR, 'l');
    assert_int_equal(mapped_at, 0);
    assert_int_equal(get(PL011_DR), 'l');
    wait_for_page();
    assert_int_equal(mapped_at, BASE);
}

/* It cannot be taken away: nothing is received meanwhile, and nothing else goes wrong. */
static void test_page_stuck(void **state)
{
    (void)state;
    unmap_answer = ERR_NOENT;
    assert_false(typed('a'));
    set(PL011_CR, 0x301 | PL011_CR_LBE);
    set(PL011_DR, 'l');
    assert_int_equal(get(PL011_DR), 0);
    set(PL011_CR, 0x301);
    unmap_answer = CORBEL_OK;
    assert_true(typed('b'));
    assert_int_equal(get(PL011_DR), 'b');
}

/* It cannot be mapped, there is no frame for it, or it is not wanted: reads exit. */
static void test_no_page(void **state)
{
    (void)state;
    assert_true(typed('a'));
    assert_int_equal(get(PL011_DR), 'a');
    map_answer = ERR_NOMEM;
    assert_int_equal(wait_for_page(), 1000);
    vuart_free(&d);
    assert_false(frame_taken);
    for (u32 wanted = 0; wanted < 2; wanted++) {
        memset(&d, 0, sizeof(d));
        frame_reset();
        alloc_answer = ERR_NOMEM;
        assert_int_equal(vuart_init(&d, BASE, INTID, wanted), CORBEL_OK);
        vuart_start(&d);
        assert_int_equal(wait_for_page(), 1000);
        assert_true(typed('b'));
        assert_int_equal(get(PL011_DR), 'b');
        vuart_free(&d);
    }
}

/* The next life has other tables, without the page, and the registers of a reset in it. */
static void test_page_and_restart(void **state)
{
    (void)state;
    set(PL011_IMSC, 0x7ff);
    set(PL011_CR, 0);
    vuart_stop(&d);
    mapped_at = 0;
    vuart_reset(&d);
    frame_check(&d);
    vuart_start(&d);
    assert_int_equal(mapped_at, BASE);
    frame_check(&d);
    assert_int_equal(frame[PL011_CR / 4], 0x301);
    vuart_free(&d);
    assert_false(frame_taken);
    assert_int_equal(frame[PL011_CR / 4], 0); /* nothing of it stays in the frame */
    vuart_free(&d);
}

static void test_absent(void **state)
{
    struct domain none;

    (void)state;
    memset(&none, 0, sizeof(none));
    assert_false(vuart_receive(&none, 'a'));
    vuart_tx_ready(&none);
    vuart_start(&none);
    vuart_free(&none);
    vuart_reset(&none);
    vuart_stop(&none);
    assert_false(none.vuart.stopped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_identity_and_reset, setup),
        cmocka_unit_test_setup(test_registers, setup),
        cmocka_unit_test_setup(test_stopped, setup),
        cmocka_unit_test_setup(test_narrow, setup),
        cmocka_unit_test_setup(test_transmit, setup),
        cmocka_unit_test_setup(test_ring_full, setup),
        cmocka_unit_test_setup(test_receive, setup),
        cmocka_unit_test_setup(test_full, setup),
        cmocka_unit_test_setup(test_no_fifo, setup),
        cmocka_unit_test_setup(test_off_and_loopback, setup),
        cmocka_unit_test_setup(test_loopback_full, setup),
        cmocka_unit_test_setup(test_page_stays, setup),
        cmocka_unit_test_setup(test_page_and_input, setup),
        cmocka_unit_test_setup(test_page_and_loopback, setup),
        cmocka_unit_test_setup(test_page_stuck, setup),
        cmocka_unit_test_setup(test_no_page, setup),
        cmocka_unit_test_setup(test_page_and_restart, setup),
        cmocka_unit_test_setup(test_absent, setup),
    };

    return cmocka_run_group_tests_name("vuart", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vPL011 under any sequence of register accesses, received characters, and a console that takes
 * characters or does not. After each step: flags agree with the FIFOs, the interrupt line with RIS
 * and IMSC, the page that a guest reads, while it is mapped, with what reads that exit would give,
 * no character is lost, doubled or out of order in either direction.
 */
#include "fuzz.h"

#include "fake_core.h"
#include "fake_vuart.h"

#include <corbel/bits.h>
#include <corbel/console.h>

#define BASE  0x22000000ull
#define INTID 32u
#define ROOM  4096u /* of each stream: more than an input can cause */

/* Characters on their way: accepted at one end, expected in that order at the other. */
struct stream {
    u8 data[ROOM];
    u32 first, end;
};

static struct domain d;
static u32 ring_room;
static bool line;
static struct stream sent, typed;

static void stream_put(struct stream *s, u8 c)
{
    assert_true(s->end < ROOM);
    s->data[s->end++] = c;
}

static void stream_get(struct stream *s, u8 c)
{
    assert_true(s->first < s->end);
    assert_int_equal(s->data[s->first++], c);
}

static u32 stream_count(const struct stream *s)
{
    return s->end - s->first;
}

/* --- what the vPL011 stands on ---------------------------------------------------------------- */

bool console_putc(struct domain *to, u8 c)
{
    assert_ptr_equal(to, &d);
    if (!ring_room)
        return false;
    ring_room--;
    stream_get(&sent, c);
    return true;
}

void vgic_set_line(struct domain *to, u32 intid, bool level)
{
    assert_ptr_equal(to, &d);
    assert_int_equal(intid, INTID);
    line = level;
}

/* --- accesses --------------------------------------------------------------------------------- */

static enum mmio_result do_access(u64 offset, u8 size, bool write, u64 *value)
{
    return mmio_once(&d.mmio, BASE + offset, size, write, value);
}

static u32 get(u32 offset)
{
    u64 value = 0;

    assert_int_equal(do_access(offset, 4, false, &value), MMIO_OK);
    return (u32)value;
}

static u32 fifo_depth(void)
{
    return get(PL011_LCR_H) & PL011_LCR_H_FEN ? VUART_FIFO_SIZE : 1;
}

/* A write to DR: into the stream that it goes to, unless the FIFO before that is full. */
static void expect_sent(u8 c, u32 tx_before, u32 rx_before)
{
    if (get(PL011_CR) & PL011_CR_LBE) {
        if (rx_before < fifo_depth())
            stream_put(&typed, c);
    } else if (tx_before < VUART_FIFO_SIZE) {
        stream_put(&sent, c);
    }
}

static void step_write(struct fuzz_in *in)
{
    u32 offset = fuzz_below(in, 4) ? fuzz_below(in, 0x50) : fuzz_below(in, 0x1000);
    u8 size = (u8)(1u << fuzz_below(in, 4));
    u64 value = fuzz_take(in, 2);
    bool fifo_off;

    offset &= ~(size - 1u);
    if (size < 8)
        value &= BIT(8 * size) - 1;
    if (offset == PL011_DR && size <= 4)
        expect_sent((u8)value, d.vuart.tx.count, d.vuart.rx.count);
    fifo_off = (offset & ~3u) == PL011_LCR_H && offset % 4 == 0 && size <= 4 &&
               (get(PL011_LCR_H) & PL011_LCR_H_FEN) && !(value & PL011_LCR_H_FEN);
    assert_int_equal(do_access(offset, size, true, &value), size > 4 ? MMIO_ABORT : MMIO_OK);
    if (fifo_off)
        typed.first = typed.end;
}

static void step_read(struct fuzz_in *in)
{
    u32 offset = fuzz_below(in, 4) ? fuzz_below(in, 0x50) : fuzz_below(in, 0x1000);
    u8 size = (u8)(1u << fuzz_below(in, 4));
    u32 waiting = stream_count(&typed);
    u64 value = 0;

    offset &= ~(size - 1u);
    assert_int_equal(do_access(offset, size, false, &value), size > 4 ? MMIO_ABORT : MMIO_OK);
    if (size <= 4 && (offset & ~3u) == PL011_DR && waiting)
        stream_get(&typed, (u8)(offset ? typed.data[typed.first] : value));
    else if (size <= 4 && offset == PL011_DR)
        assert_int_equal(value & 0xff, 0);
}

static void step_type(struct fuzz_in *in)
{
    u32 cr = get(PL011_CR), waiting = stream_count(&typed);
    u8 c = (u8)fuzz_take(in, 1);
    bool taken = vuart_receive(&d, c);

    assert_int_equal(taken,
                     (cr & PL011_CR_UARTEN) && (cr & PL011_CR_RXE) && waiting < fifo_depth());
    if (taken)
        stream_put(&typed, c);
}

static void step_room(struct fuzz_in *in)
{
    ring_room = fuzz_below(in, 64);
    vuart_tx_ready(&d);
}

static void step_reset(struct fuzz_in *in)
{
    vuart_stop(&d);
    assert_true(vuart_receive(&d, (u8)fuzz_take(in, 1)));
    mapped_at = 0; /* with the tables */
    vuart_reset(&d);
    vuart_start(&d);
    sent.first = sent.end;
    typed.first = typed.end;
    assert_int_equal(get(PL011_CR), 0x301);
    assert_int_equal(get(PL011_RIS), 0);
}

/* --- what must hold --------------------------------------------------------------------------- */

static void check_state(void)
{
    const struct vuart *u = &d.vuart;
    u32 fr = get(PL011_FR), ris = get(PL011_RIS);

    assert_true(u->rx.count <= VUART_FIFO_SIZE && u->tx.count <= VUART_FIFO_SIZE);
    assert_true(u->rx.head < VUART_FIFO_SIZE && u->tx.head < VUART_FIFO_SIZE);
    assert_int_equal(u->rx.count, stream_count(&typed));
    assert_int_equal(u->tx.count, stream_count(&sent));
    assert_int_equal(!(fr & PL011_FR_RXFE), u->rx.count != 0);
    assert_int_equal(!(fr & PL011_FR_TXFE), u->tx.count != 0);
    assert_int_equal(!!(fr & PL011_FR_RXFF), u->rx.count >= fifo_depth());
    assert_int_equal(!!(fr & PL011_FR_TXFF), u->tx.count >= fifo_depth());
    assert_int_equal(fr & PL011_FR_BUSY, 0);
    assert_int_equal(ris & ~(u32)(PL011_INT_RX | PL011_INT_TX | PL011_INT_RT), 0);
    /* What waits to be read has one of its two interrupts up, what does not has none. */
    assert_int_equal((ris & (PL011_INT_RX | PL011_INT_RT)) != 0, u->rx.count != 0);
    assert_int_equal(get(PL011_MIS), ris & get(PL011_IMSC));
    assert_int_equal(line, get(PL011_MIS) != 0);
    frame_check(&d);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static void (*const steps[])(struct fuzz_in *) = {
        step_write, step_write, step_read, step_read, step_type, step_type, step_room, step_reset,
    };
    struct fuzz_in in = { data, MIN(size, (size_t)ROOM) };

    fake_reset(1);
    memset(&d, 0, sizeof(d));
    memset(&sent, 0, sizeof(sent));
    memset(&typed, 0, sizeof(typed));
    line = false;
    ring_room = 40;
    frame_reset();
    assert_int_equal(vuart_init(&d, BASE, INTID, true), CORBEL_OK);
    vuart_start(&d);
    while (in.left) {
        /* Resets are rare: they undo what came before. */
        u32 kind = fuzz_below(&in, 64);

        steps[kind == 63 ? 7 : kind % 7](&in);
        check_state();
    }
    return 0;
}

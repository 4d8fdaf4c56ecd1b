/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL011 as one domain sees it (DDI 0183, r1p5), a register model over the domain's
 * console ring. A guest writes a character with one exit and no lock while the ring
 * has room; the transmit FIFO fills only when it has none. Receive: vuart_receive().
 * While nothing is received, reads do not exit: a page with the registers' values is mapped
 * read-only (docs/decisions/0024). Interrupts are levels; the vGIC hears of changes only. Lock:
 * vuart.lock (RANK_VUART), inside it the p2m's, the vGIC's or the ring's. An SBSA guest never
 * writes CR or LCR_H, so reset leaves the UART enabled with its FIFOs on.
 */
#include <corbel/vuart.h>

#include <arch/barrier.h>
#include <arch/mmu.h>
#include <corbel/console.h>
#include <corbel/domain.h>
#include <corbel/p2m.h>
#include <corbel/page.h>
#include <corbel/string.h>
#include <corbel/vgic.h>
#include <hw/pl011.h>

#define CR_RESET    (PL011_CR_UARTEN | PL011_CR_TXE | PL011_CR_RXE)
#define LCR_H_RESET (PL011_LCR_H_FEN | PL011_LCR_H_WLEN)
#define IFLS_RESET  0x12u /* both triggers at one half */

/* Reads of FR since a character came or went that bring the page back: an unmap costs as much. */
#define SHOW_AFTER 64u

/* PeriphID 0-3 (part 0x011, Arm, r1p5), PCellID 0-3: DDI 0183 3.3.14 */
static const u8 identification[8] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

/* The bits that can be written of struct vuart's reg[]. */
static const u16 writable[VUART_REGS] = { 0xff,          0xffff, 0x3f, 0xff, 0xffff, 0x3f,
                                          PL011_INT_ALL, 0,      0,    0,    0x7 };

/* Characters at which IFLS asks for an interrupt: 1/8, 1/4, 1/2, 3/4, 7/8 of the FIFO. */
static const u8 trigger_levels[8] = { 4, 8, 16, 24, 28, 28, 28, 28 };

static void fifo_push(struct vuart_fifo *f, u8 c)
{
    f->data[(f->head + f->count++) % VUART_FIFO_SIZE] = c;
}

static u8 fifo_pop(struct vuart_fifo *f)
{
    u8 c = f->data[f->head];

    f->head = (f->head + 1) % VUART_FIFO_SIZE;
    f->count--;
    return c;
}

/* With FEN = 0 each FIFO is a one-character register. */
static u32 depth(const struct vuart *u)
{
    return u->lcr_h & PL011_LCR_H_FEN ? VUART_FIFO_SIZE : 1;
}

static u32 rx_trigger(const struct vuart *u)
{
    return depth(u) == 1 ? 1 : trigger_levels[FIELD_GET(PL011_IFLS_RX, u->ifls)];
}

static u32 tx_trigger(const struct vuart *u)
{
    return depth(u) == 1 ? 0 : trigger_levels[FIELD_GET(PL011_IFLS_TX, u->ifls)];
}

/* --- what reads give ----------------------------------------------------------------------- */

/* Room behind a full or before an empty FIFO: what a guest asks for all the time is none of it. */
static __cold u32 fifo_flags(const struct vuart *u, u32 rx, u32 tx)
{
    u32 fr = rx ? 0 : (u32)PL011_FR_RXFE;

    if (rx >= depth(u))
        fr |= PL011_FR_RXFF;
    if (!tx)
        fr |= PL011_FR_TXFE;
    if (tx >= depth(u))
        fr |= PL011_FR_TXFF;
    return fr;
}

/* BUSY is never set, and somebody is always connected. */
static inline u32 read_flags(const struct vuart *u)
{
    u32 rx = read_once(u->rx.count);
    u32 tx = read_once(u->tx.count);
    u32 fr = PL011_FR_CTS | PL011_FR_DSR | PL011_FR_DCD | PL011_FR_RXFE | PL011_FR_TXFE;

    if (likely(!(rx | tx)))
        return fr;
    return (fr & ~(u32)(PL011_FR_RXFE | PL011_FR_TXFE)) | fifo_flags(u, rx, tx);
}

/* What a read of offset gives that changes nothing: of any register but DR. */
static __cold u32 peek(const struct vuart *u, u32 offset)
{
    u32 n = (offset - PL011_ILPR) / 4;

    if (offset == PL011_FR)
        return read_flags(u);
    if (offset == PL011_MIS)
        return u->ris & u->imsc;
    if (n < VUART_REGS)
        return u->reg[n];
    if (offset >= PL011_PERIPHID0 && offset < PL011_SIZE)
        return identification[(offset - PL011_PERIPHID0) / 4];
    return 0; /* RSR, too: nothing ever goes wrong on this line */
}

/* --- the page ----------------------------------------------------------------------------- */

/*
 * Guest and EL2 both map the frame as Device memory, so neither ever has it in a cache. What
 * was written is there for every observer before anything that comes next: the page's map, the
 * interrupt, the guest's next instruction.
 */
static __cold void page_write(const struct vuart *u, u32 first, u32 last)
{
    u32 *page = arch_window_open(WINDOW_SMALL_0, u->page, EL2_DEVICE);

    for (u32 offset = first; offset <= last; offset += 4)
        __atomic_store_n(&page[offset / 4], peek(u, offset), __ATOMIC_RELAXED);
    dsb_sy();
    arch_window_close(WINDOW_SMALL_0);
}

/* Reads need no exit from now on, if nothing is received. */
static __cold void page_show(struct domain *d)
{
    struct vuart *u = &d->vuart;

    spin_lock(&u->lock);
    u->reads = 0;
    if (u->page.v && !u->shown && !u->rx.count) {
        page_write(u, PL011_FR, PL011_DMACR);
        u->shown = p2m_map(&d->p2m, IPA(u->base), u->page, PAGE_SIZE, S2_MMIO_RO) == CORBEL_OK;
    }
    spin_unlock(&u->lock);
}

/*
 * Before a character comes: reads of DR will take it. False: the page is still there, which
 * is so when the domain's tables are not, or are lost. Caller holds the lock.
 */
static bool page_hide(struct domain *d)
{
    struct vuart *u = &d->vuart;

    u->reads = 0;
    if (u->shown)
        u->shown = p2m_unmap(&d->p2m, IPA(u->base), PAGE_SIZE) != CORBEL_OK;
    return !u->shown;
}

/* The end of a change: the vGIC hears of an output that is another now, the guest reads it. */
static __cold void settle(struct domain *d)
{
    struct vuart *u = &d->vuart;
    bool level = u->ris & u->imsc;

    if (u->shown)
        page_write(u, PL011_FR, PL011_DMACR);
    if (level != u->line) {
        u->line = level;
        vgic_set_line(d, u->intid, level);
    }
    spin_unlock(&u->lock);
}

/* --- receive ------------------------------------------------------------------------------ */

/*
 * RX follows the trigger level. The timeout is not timed: characters that wait below
 * the trigger raise RT at once, and again after ICR as long as they wait.
 */
static __cold void update_rx(struct vuart *u)
{
    if (u->rx.count < rx_trigger(u))
        u->ris &= ~(u32)PL011_INT_RX;
    if (!u->rx.count)
        u->ris &= ~(u32)PL011_INT_RT;
    else
        u->ris |= (u32)(u->rx.count >= rx_trigger(u) ? PL011_INT_RX : PL011_INT_RT);
}

/*
 * A full FIFO is no overrun here: the console keeps the character and offers it again,
 * so OE is never set. Caller holds the lock.
 */
static __cold bool receive(struct domain *d, u8 c)
{
    struct vuart *u = &d->vuart;

    if (u->rx.count >= depth(u) || !page_hide(d))
        return false;
    fifo_push(&u->rx, c);
    update_rx(u);
    return true;
}

__cold bool vuart_receive(struct domain *d, u8 c)
{
    struct vuart *u = &d->vuart;
    bool taken = false;

    if (!u->present)
        return false;
    spin_lock(&u->lock);
    if (u->stopped)
        taken = true;
    else if ((u->cr & PL011_CR_UARTEN) && (u->cr & PL011_CR_RXE))
        taken = receive(d, c);
    settle(d);
    return taken;
}

static u32 read_data(struct vuart *u)
{
    u32 value = 0;

    u->reads = 0;
    if (u->rx.count)
        value = fifo_pop(&u->rx);
    update_rx(u);
    return value;
}

/* --- transmit ----------------------------------------------------------------------------- */

/* Move what the ring takes out of the FIFO. putc's refusal leaves word that we wait for room. */
static __cold void flush_tx(struct domain *d)
{
    struct vuart *u = &d->vuart;
    u32 count = u->tx.count;

    while (count && console_putc(d, u->tx.data[u->tx.head])) {
        fifo_pop(&u->tx);
        count--;
    }
    if (count <= tx_trigger(u))
        u->ris |= (u32)PL011_INT_TX;
    else
        u->ris &= ~(u32)PL011_INT_TX;
}

__cold void vuart_tx_ready(struct domain *d)
{
    struct vuart *u = &d->vuart;

    if (!u->present)
        return;
    spin_lock(&u->lock);
    if (u->tx.count && !u->stopped)
        flush_tx(d);
    settle(d);
}

/* Into the FIFO, where something waits or the ring is full, or back to ourselves. */
static __cold void queue_data(struct domain *d, u8 c)
{
    struct vuart *u = &d->vuart;

    spin_lock(&u->lock);
    if (u->cr & PL011_CR_LBE) {
        u->ris |= (u32)PL011_INT_TX;
        (void)receive(d, c);
    } else {
        if (u->tx.count < VUART_FIFO_SIZE)
            fifo_push(&u->tx, c);
        flush_tx(d);
    }
    settle(d);
}

/*
 * The transmitter is infinitely fast while the ring has room: the FIFO passes its
 * trigger on the way down with each character, which raises TX. Writes on a full FIFO
 * are lost, as in the part.
 */
static void write_data(struct domain *d, u8 c)
{
    struct vuart *u = &d->vuart;

    /*
     * No lock on the usual way: RIS.TX is set already, nothing queued before c. A
     * guest that writes from two vCPUs at once orders the characters itself.
     */
    if (likely(!__atomic_load_n(&u->tx.count, __ATOMIC_ACQUIRE) &&
               (read_once(u->ris) & PL011_INT_TX) && !(read_once(u->cr) & PL011_CR_LBE) &&
               console_putc(d, c)))
        return;
    queue_data(d, c);
}

/* --- registers ---------------------------------------------------------------------------- */

static __cold void clear_interrupts(struct vuart *u, u32 value)
{
    bool was_rx = u->ris & PL011_INT_RX;

    u->ris &= ~value;
    update_rx(u);
    /* RX comes back with the next character only; what waits meanwhile is RT's business. */
    if (was_rx && (value & PL011_INT_RX) && (u->ris & PL011_INT_RX)) {
        u->ris &= ~(u32)PL011_INT_RX;
        u->ris |= (u32)PL011_INT_RT;
    }
}

/* Caller holds the lock. DR is not written here, read-only registers ignore it. */
static __cold void write_register(struct vuart *u, u32 offset, u32 value)
{
    u32 n = (offset - PL011_ILPR) / 4;

    if (offset == PL011_ICR) {
        clear_interrupts(u, value);
        return;
    }
    if (n >= VUART_REGS || !writable[n]) /* ECR clears what is clear */
        return;
    /* FIFOs turned off lose what is in them. */
    if (offset == PL011_LCR_H && (u->lcr_h & ~value & PL011_LCR_H_FEN))
        u->rx.count = 0;
    u->reg[n] = value & writable[n];
    if (offset == PL011_LCR_H || offset == PL011_IFLS)
        update_rx(u);
}

static __cold enum mmio_result locked_access(struct domain *d, struct mmio_access *a)
{
    struct vuart *u = &d->vuart;
    u32 offset = (u32)a->offset & ~3u, shift = ((u32)a->offset & 3) * 8;

    if (a->size > 4)
        return MMIO_ABORT;
    spin_lock(&u->lock);
    if (!a->write)
        a->value = (offset == PL011_DR ? read_data(u) : peek(u, offset)) >> shift;
    else if (!shift) /* registers are at most 16 bits wide: upper bytes alone mean nothing */
        write_register(u, offset, (u32)a->value);
    settle(d);
    return MMIO_OK;
}

/* What a guest does for each character comes first: look at FR, write DR. */
static enum mmio_result access(struct vcpu *v, void *ctx, struct mmio_access *a)
{
    struct domain *d = ctx;
    struct vuart *u = &d->vuart;

    if (a->offset == PL011_FR && !a->write && a->size <= 4) {
        u32 reads = read_once(u->reads) + 1;

        a->value = read_flags(u);
        __atomic_store_n(&u->reads, reads, __ATOMIC_RELAXED);
        if (unlikely(reads == SHOW_AFTER))
            page_show(d);
        return MMIO_OK;
    }
    if (a->offset == PL011_DR && a->write && a->size <= 4) {
        write_data(d, (u8)a->value);
        return MMIO_OK;
    }
    return locked_access(d, a);
}

static const struct mmio_ops vuart_ops = { .name = "vPL011", .access = access };

static __cold void set_reset_state(struct vuart *u)
{
    u->rx.head = u->rx.count = 0;
    u->tx.head = u->tx.count = 0;
    memset(u->reg, 0, sizeof(u->reg));
    u->cr = (u32)CR_RESET;
    u->lcr_h = (u32)LCR_H_RESET;
    u->ifls = IFLS_RESET;
    u->line = u->shown = false;
}

/* Without a frame every read exits, which is all the difference. */
static __init void page_make(struct vuart *u)
{
    if (page_alloc(0, 0, &u->page) != CORBEL_OK)
        return;
    page_scrub(u->page, PAGE_SIZE);
    page_write(u, PL011_PERIPHID0, PL011_SIZE - 4);
}

__init enum corbel_err vuart_init(struct domain *d, u64 base, u32 intid, bool page)
{
    const struct mmio_region region = {
        .base = base, .size = PL011_SIZE, .ops = &vuart_ops, .ctx = d
    };
    enum corbel_err err = mmio_add(&d->mmio, &region);

    if (err)
        return err;
    spin_lock_init(&d->vuart.lock, RANK_VUART);
    d->vuart.intid = intid;
    d->vuart.base = base;
    set_reset_state(&d->vuart);
    if (page)
        page_make(&d->vuart);
    d->vuart.present = true;
    return CORBEL_OK;
}

__cold void vuart_start(struct domain *d)
{
    if (d->vuart.present)
        page_show(d);
}

__cold void vuart_free(struct domain *d)
{
    struct vuart *u = &d->vuart;

    if (!u->page.v)
        return;
    page_scrub(u->page, PAGE_SIZE);
    page_free(u->page, 0);
    u->page = PA(0);
    u->shown = false;
}

__cold void vuart_reset(struct domain *d)
{
    if (!d->vuart.present)
        return;
    spin_lock(&d->vuart.lock);
    set_reset_state(&d->vuart);
    vgic_set_line(d, d->vuart.intid, false);
    d->vuart.stopped = false;
    spin_unlock(&d->vuart.lock);
}

__cold void vuart_stop(struct domain *d)
{
    if (!d->vuart.present)
        return;
    spin_lock(&d->vuart.lock);
    d->vuart.stopped = true;
    spin_unlock(&d->vuart.lock);
}

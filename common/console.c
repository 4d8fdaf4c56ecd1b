/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Console output: merges the hypervisor's log and the rings of the domains into one
 * UART, a line at a time. All text passes through stage[]: one source fills it with a
 * line or a piece of one (prefix, CR LF), then the UART takes it, now or later, so that
 * nobody waits. console_lock (RANK_CONSOLE) covers everything here; console_drain()
 * only tries it, and leaves a note (again) for the holder when it fails. Draining never
 * arms the timer: it runs under whatever lock a log line is written with.
 */
#include <corbel/console.h>

#include <arch/time.h>

#include <corbel/bits.h>
#include <corbel/domain.h>
#include <corbel/irq.h>
#include <corbel/log.h>
#include <corbel/string.h>
#include <corbel/timer.h>

#define STAGE_SIZE   512u
#define LOG_CHUNK    320u              /* longer than any log line */
#define LINE_FAIR    512u              /* a longer line may be broken when others wait */
#define DRAIN_BUDGET 1024u             /* bytes a call writes at most: tens of microseconds */
#define NOBODY       (MAX_DOMAINS + 1) /* con.open: an incomplete line of a domain that is gone */
#define TICK_NS      10000000ull
#define QUIET_NS     50000000ull /* then a prompt shows; a vCPU is away for some slices at times */
#define POLL_NS      2000000ull  /* no interrupt: a 32-character FIFO lasts 2.7 ms at 115200 */
#define WAIT_POLLS   1000000u    /* for one character to leave, when writing through */

static struct {
    spinlock_t lock;
    const struct uart_ops *ops;
    uintptr_t base;
    u32 intid;
    bool started, write_through;
    bool stuck;  /* the UART took nothing for WAIT_POLLS: no more waiting */
    bool tx_irq; /* as last written to the UART */
    u8 stage[STAGE_SIZE];
    u32 stage_pos, stage_len;
    u64 log_pos;
    u32 open;     /* whose incomplete line stands on the UART: domain id, 0 none */
    u32 line_len; /* characters of it so far */
    u32 last;     /* id served last, for taking turns */
    u32 max_id;   /* highest id ever attached */
} con = { .lock = SPINLOCK_INIT(RANK_CONSOLE) };

static struct domain *domains[NOBODY + 1]; /* by id; atomic, changed under con.lock */
static u64 ready_mask;                     /* atomic; bit id - 1: has room again */
static bool again;                         /* atomic: somebody wants another pass */
static bool unfinished;                    /* atomic: the last pass left something */
static bool timer_armed;                   /* atomic: timer is queued */
static struct timer_entry timer;

struct domain *console_domain(u32 id)
{
    return id <= MAX_DOMAINS ? __atomic_load_n(&domains[id], __ATOMIC_ACQUIRE) : NULL;
}

u32 console_domain_next(u32 id)
{
    u32 max = __atomic_load_n(&con.max_id, __ATOMIC_ACQUIRE);

    for (id++; id <= max; id++) {
        if (console_domain(id))
            return id;
    }
    return 0;
}

/* ---- filling the stage ---- */

static void stage_text(const char *text)
{
    while (*text)
        con.stage[con.stage_len++] = (u8)*text++;
}

/* Which line stands incomplete on the UART; its domain's next characters follow at once. */
static void set_open(u32 id)
{
    struct domain *d = domains[con.open];

    if (d)
        __atomic_store_n(&d->console.open, false, __ATOMIC_RELAXED);
    con.open = id;
    if (domains[id])
        __atomic_store_n(&domains[id]->console.open, true, __ATOMIC_RELAXED);
}

/*
 * Start or go on with a line of source id at the UART: end another's, print the prefix. LF CR,
 * which no guest can write: a reader of the text sees that this line was broken, and joins it.
 */
static void begin_line(u32 id, const char *name)
{
    if (con.open == id && id)
        return;
    if (con.open)
        stage_text("\n\r");
    stage_text("(");
    stage_text(name);
    stage_text(") ");
    set_open(id);
    con.line_len = 0;
}

/* One line of the log; lines of the log are never seen incomplete. */
static void stage_log(void)
{
    char chunk[LOG_CHUNK];
    u64 pos = con.log_pos;
    size_t count = log_read(&pos, chunk, sizeof(chunk)), len = 0;

    while (len < count && chunk[len] != '\n')
        len++;
    con.log_pos = pos - count + MIN(len + 1, count);
    begin_line(0, "corbel");
    memcpy(con.stage + con.stage_len, chunk, len);
    con.stage_len += (u32)len;
    stage_text("\r\n");
}

/*
 * Copy what the ring has, up to a line end; "\r\n" is one line end, any other carriage
 * return stays, and one at the beginning of a line means nothing. Returns the new tail.
 */
static u32 stage_ring(struct console_ring *r, u32 tail, u32 head)
{
    u8 *out = con.stage + con.stage_len, *end = con.stage + STAGE_SIZE - 3;
    bool held = r->held_cr;
    u8 c = 0;

    while (tail != head && out < end && c != '\n') {
        c = r->data[tail++ % CONSOLE_RING_SIZE];
        if (c == '\n') {
            *out++ = '\r';
        } else if (held) {
            *out++ = '\r';
        }
        held = c == '\r';
        if (!held)
            *out++ = c;
    }
    r->held_cr = held;
    con.line_len += (u32)(out - con.stage) - con.stage_len;
    con.stage_len = (u32)(out - con.stage);
    if (c == '\n')
        set_open(0);
    return tail;
}

static void stage_domain(struct domain *d)
{
    struct console_ring *r = &d->console;
    u32 head = __atomic_load_n(&r->head, __ATOMIC_ACQUIRE), tail = r->tail;

    if (con.open != d->id) {
        r->held_cr = false;
        while (tail != head && r->data[tail % CONSOLE_RING_SIZE] == '\r')
            tail++;
    }
    if (tail != head) {
        begin_line(d->id, d->name);
        tail = stage_ring(r, tail, head);
    }
    if (tail == head)
        __atomic_store_n(&r->flush, false, __ATOMIC_RELAXED);
    /* Pairs with the producer: it sets full, then looks at tail again. */
    __atomic_store_n(&r->tail, tail, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&r->full, __ATOMIC_SEQ_CST) && head - tail <= CONSOLE_RING_SIZE / 4 * 3) {
        __atomic_store_n(&r->full, false, __ATOMIC_RELAXED);
        __atomic_fetch_or(&ready_mask, BIT(d->id - 1), __ATOMIC_RELEASE);
    }
}

/* Has this domain something to print now? */
static bool is_due(const struct domain *d)
{
    const struct console_ring *r = &d->console;
    u32 head = __atomic_load_n(&r->head, __ATOMIC_ACQUIRE);

    if (head == r->tail)
        return false;
    return (s32)(__atomic_load_n(&r->line_end, __ATOMIC_RELAXED) - r->tail) > 0 ||
           con.open == d->id || __atomic_load_n(&r->flush, __ATOMIC_RELAXED) ||
           head - r->tail > CONSOLE_RING_SIZE / 2;
}

/* The domain whose turn it is, NULL when none has anything. The log comes before all. */
static struct domain *pick_domain(void)
{
    u32 i, id = con.last;

    for (i = 0; i < con.max_id; i++) {
        id = id >= con.max_id ? 1 : id + 1;
        if (domains[id] && is_due(domains[id])) {
            con.last = id;
            return domains[id];
        }
    }
    return NULL;
}

/* Fill the empty stage from one source; false when nobody has anything due. */
static bool fill_stage(void)
{
    struct domain *d = con.open ? domains[con.open] : NULL;

    con.stage_pos = 0;
    con.stage_len = 0;
    if (d && con.line_len < LINE_FAIR && is_due(d)) {
        stage_domain(d);
        return true;
    }
    if (log_head() != con.log_pos) {
        stage_log();
        return true;
    }
    d = pick_domain();
    if (d)
        stage_domain(d);
    return d != NULL;
}

/* ---- emptying it ---- */

/* Give the UART what it takes of the stage; true when all of it went. */
static bool write_stage(void)
{
    u32 polls = 0, n;

    while (con.stage_pos < con.stage_len) {
        n = con.ops->write(con.base, con.stage + con.stage_pos, con.stage_len - con.stage_pos);
        con.stage_pos += n;
        if (n) {
            polls = 0;
            con.stuck = false;
        } else if (!con.write_through || con.stuck) {
            return false;
        } else if (++polls == WAIT_POLLS) {
            con.stuck = true;
        }
    }
    return true;
}

/* Caller holds con.lock. */
static void set_tx_irq(bool on)
{
    if (con.tx_irq == on || !con.intid)
        return;
    con.tx_irq = on;
    con.ops->irq_enable(con.base, true, on);
}

/* One pass under con.lock. */
static void push(void)
{
    u32 written = 0;
    bool more = true;

    while (written < DRAIN_BUDGET || con.write_through) {
        if (!write_stage())
            break;
        written += con.stage_len;
        more = fill_stage();
        if (!more)
            break;
    }
    set_tx_irq(more);
    __atomic_store_n(&unfinished, more, __ATOMIC_RELAXED);
}

void console_drain_rest(void)
{
    if (unlikely(read_once(unfinished)))
        console_drain();
}

void console_drain(void)
{
    do {
        /* Before trying: a holder that is about to leave sees either our text or this. */
        __atomic_store_n(&again, true, __ATOMIC_SEQ_CST);
        if (!con.ops || !spin_trylock(&con.lock))
            return;
        __atomic_store_n(&again, false, __ATOMIC_SEQ_CST);
        push();
        spin_unlock(&con.lock);
    } while (__atomic_load_n(&again, __ATOMIC_SEQ_CST));
}

void console_flush(void)
{
    u64 end = log_head();
    bool before;

    if (!con.ops)
        return;
    spin_lock(&con.lock);
    before = con.write_through;
    con.write_through = true;
    while (write_stage() && con.log_pos < end && fill_stage())
        ;
    con.write_through = before;
    spin_unlock(&con.lock);
    console_drain();
}

/* ---- start, timer ---- */

__init void console_init(const struct uart_ops *ops, uintptr_t base)
{
    ops->init(base);
    con.base = base;
    con.write_through = true;
    con.ops = ops;
    timer_entry_init(&timer, TIMER_CONSOLE, NULL);
    log_set_wake(console_drain);
    console_drain();
}

__init void console_start(u32 intid, bool sync)
{
    enum corbel_err err;

    if (!con.ops)
        return;
    if (intid) {
        err = irq_request(intid, true);
        if (err != CORBEL_OK) {
            log_warn("console: interrupt %u: %s, polling instead", intid, err_name(err));
            intid = 0;
        }
    }
    spin_lock(&con.lock);
    con.intid = intid;
    con.write_through = sync;
    con.started = true;
    con.tx_irq = false;
    con.ops->irq_clear(con.base);
    con.ops->irq_enable(con.base, intid != 0, false);
    spin_unlock(&con.lock);
    console_drain();
    console_arm_timer(); /* what came before is looked at once */
}

u32 console_intid(void)
{
    return con.intid;
}

void console_arm_timer(void)
{
    if (!con.started || __atomic_load_n(&timer_armed, __ATOMIC_RELAXED) ||
        __atomic_exchange_n(&timer_armed, true, __ATOMIC_ACQ_REL))
        return;
    timer_set(&timer, arch_time_now() + arch_time_from_ns(con.intid ? TICK_NS : POLL_NS));
}

/* Quiet for a while: print the incomplete line. True while something is left. */
static bool age_ring(struct console_ring *r, u64 now)
{
    bool touched = __atomic_exchange_n(&r->touched, false, __ATOMIC_SEQ_CST);

    if (touched)
        r->touched_at = now;
    if (__atomic_load_n(&r->head, __ATOMIC_SEQ_CST) == __atomic_load_n(&r->tail, __ATOMIC_RELAXED))
        return __atomic_load_n(&r->full, __ATOMIC_RELAXED);
    if (now - r->touched_at >= arch_time_from_ns(QUIET_NS))
        __atomic_store_n(&r->flush, true, __ATOMIC_RELAXED);
    return true;
}

bool console_tick(void)
{
    bool waiting = !con.intid;
    u64 now = arch_time_now();
    u32 id;

    __atomic_store_n(&timer_armed, false, __ATOMIC_RELEASE);
    for (id = console_domain_next(0); id; id = console_domain_next(id))
        waiting |= age_ring(&console_domain(id)->console, now);
    return waiting;
}

/* ---- the UART for console_input.c ---- */

bool console_rx(u8 *c)
{
    return con.started && con.ops->rx(con.base, c);
}

void console_rx_clear(void)
{
    if (con.started)
        con.ops->irq_clear(con.base);
}

/* ---- domains ---- */

void console_set_domain(u32 id, struct domain *d)
{
    spin_lock(&con.lock);
    if (id > con.max_id)
        __atomic_store_n(&con.max_id, id, __ATOMIC_RELEASE);
    __atomic_store_n(&domains[id], d, __ATOMIC_RELEASE);
    __atomic_fetch_and(&ready_mask, ~BIT(id - 1), __ATOMIC_RELAXED);
    if (con.open == id)
        con.open = NOBODY;
    spin_unlock(&con.lock);
}

struct domain *console_take_ready(void)
{
    u64 mask = __atomic_load_n(&ready_mask, __ATOMIC_ACQUIRE);
    u32 id;

    while (mask) {
        id = bit_lowest(mask) + 1;
        if (__atomic_fetch_and(&ready_mask, ~BIT(id - 1), __ATOMIC_ACQ_REL) & BIT(id - 1))
            return console_domain(id);
        mask &= mask - 1;
    }
    return NULL;
}

/* ---- panic ---- */

static void panic_put(u8 c)
{
    u32 polls;

    for (polls = 0; polls < WAIT_POLLS && !con.stuck; polls++) {
        if (con.ops->write(con.base, &c, 1))
            return;
    }
    con.stuck = true;
}

static void panic_text(const char *text, size_t count)
{
    for (; count; count--, text++) {
        if (*text == '\n')
            panic_put('\r');
        if (*text != '\r')
            panic_put((u8)*text);
    }
}

/* End the line that stands open and print what nobody will drain any more. */
static void panic_flush(void)
{
    bool start = true;
    char c;

    for (; con.stage_pos < con.stage_len; con.stage_pos++)
        panic_put(con.stage[con.stage_pos]);
    panic_text("\n", 1);
    while (log_read_unlocked(&con.log_pos, &c, 1)) {
        if (start)
            panic_text("(corbel) ", 9);
        panic_text(&c, 1);
        start = c == '\n';
    }
}

void console_panic_write(const char *text)
{
    static bool flushed; /* only one CPU panics */

    if (!con.ops)
        return;
    if (!flushed) {
        flushed = true;
        panic_flush();
    }
    panic_text(text, strlen(text));
}

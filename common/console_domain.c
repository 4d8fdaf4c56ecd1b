/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A domain's side of the console: its ring of CONSOLE_RING_SIZE bytes. The domain
 * writes head under the ring's lock, console.c moves tail; drained bytes stay in the
 * ring until they are overwritten, so that a crash report can show the last lines.
 */
#include <corbel/console.h>

#include <arch/time.h>

#include <corbel/bits.h>
#include <corbel/domain.h>
#include <corbel/log.h>

#define LINE_MAX 200u          /* of a line in the log */
#define STUCK_NS 1000000000ull /* a UART that takes nothing for so long has no listener */

__init void console_attach(struct domain *d, u8 *memory)
{
    if (!d->id || d->id > MAX_DOMAINS)
        return;
    d->console = (struct console_ring){ .data = memory };
    spin_lock_init(&d->console.lock, RANK_CONSOLE);
    console_set_domain(d->id, d);
    console_input_offer(d->id);
}

/* Print c's line into the log as soon as it is complete. */
static u32 log_char(struct domain *d, char *line, u32 len, u8 c)
{
    if (c >= ' ' && c != 0x7f)
        line[len++] = (char)c;
    if (len && (c == '\n' || len == LINE_MAX - 1)) {
        line[len] = '\0';
        log_printf(LOG_ERR, "(%s) %s", d->name, line);
        len = 0;
    }
    return len;
}

/* The log holds less lines than a ring: what is printed through it could be lost. */
__cold bool console_leave(struct domain *d)
{
    struct console_ring *r = &d->console;
    u64 now = arch_time_now();
    u32 tail;

    if (console_domain(d->id) != d)
        return true;
    __atomic_store_n(&r->flush, true, __ATOMIC_RELAXED);
    console_drain();
    tail = __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE);
    if (tail == __atomic_load_n(&r->head, __ATOMIC_ACQUIRE))
        return true;
    if (tail != r->left_tail || !r->left_at) {
        r->left_tail = tail;
        r->left_at = now;
    }
    return now - r->left_at >= arch_time_from_ns(STUCK_NS);
}

__cold void console_detach(struct domain *d)
{
    struct console_ring *r = &d->console;
    char line[LINE_MAX];
    u32 len = 0;

    if (console_domain(d->id) != d)
        return;
    __atomic_store_n(&r->flush, true, __ATOMIC_RELAXED);
    console_drain();
    console_set_domain(d->id, NULL);
    /* What the UART has not taken yet would be lost with the memory: keep it in the log. */
    while (r->tail != r->head)
        len = log_char(d, line, len, r->data[r->tail++ % CONSOLE_RING_SIZE]);
    if (len)
        log_char(d, line, len, '\n');
    spin_lock(&r->lock);
    r->data = NULL;
    spin_unlock(&r->lock);
    console_input_forget(d->id);
}

/*
 * Free bytes when the ring looks full: leave word that the domain wants to know, then
 * look again (pairs with stage_domain()).
 */
static u32 look_again(struct console_ring *r, u32 head)
{
    __atomic_store_n(&r->full, true, __ATOMIC_SEQ_CST);
    return CONSOLE_RING_SIZE - (head - __atomic_load_n(&r->tail, __ATOMIC_SEQ_CST));
}

static inline u32 room(struct console_ring *r, u32 head)
{
    u32 free = CONSOLE_RING_SIZE - (head - __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE));

    return likely(free) ? free : look_again(r, head);
}

/*
 * A line has begun: the timer flushes it when nothing follows. touched says that the
 * timer is armed already. Our head store and this load against console_tick()'s
 * clearing of touched and load of head: one of the two sees the other.
 */
static void watch_partial_line(struct console_ring *r)
{
    if (__atomic_load_n(&r->touched, __ATOMIC_SEQ_CST))
        return;
    __atomic_store_n(&r->touched, true, __ATOMIC_RELAXED);
    console_arm_timer();
}

bool console_putc(struct domain *d, u8 c)
{
    struct console_ring *r = &d->console;
    u32 head;
    u8 *data;

    spin_lock(&r->lock);
    head = r->head;
    data = r->data;
    if (unlikely(!data || !room(r, head))) {
        spin_unlock(&r->lock);
        console_arm_timer();
        return false;
    }
    data[head % CONSOLE_RING_SIZE] = c;
    if (c == '\n')
        __atomic_store_n(&r->line_end, head + 1, __ATOMIC_RELAXED);
    __atomic_store_n(&r->head, head + 1, __ATOMIC_SEQ_CST);
    spin_unlock(&r->lock);
    /* A whole line, or more of the one that is on the screen: now. Else it waits for its end. */
    if (c == '\n' || read_once(r->open)) {
        console_drain();
        if (c == '\n' || read_once(r->tail) == head + 1)
            return true; /* else others may break in before it is staged */
    }
    watch_partial_line(r);
    return true;
}

u32 console_room(struct domain *d)
{
    struct console_ring *r = &d->console;
    u32 free = 0;

    if (__atomic_load_n(&r->data, __ATOMIC_RELAXED))
        free = room(r, __atomic_load_n(&r->head, __ATOMIC_RELAXED));
    if (!free)
        console_arm_timer();
    return free;
}

/* Where the last lines begin, at most limit back from head. */
static u32 tail_start(const struct console_ring *r, u32 limit, u32 lines)
{
    u32 pos = r->head, stop = r->head - limit;

    while (pos != stop) {
        /* The newline that ends the last line does not count. */
        if (r->data[(pos - 1) % CONSOLE_RING_SIZE] == '\n' && pos != r->head && lines-- == 1)
            break;
        pos--;
    }
    return pos;
}

__cold void console_tail(struct domain *d, u32 lines)
{
    struct console_ring *r = &d->console;
    char line[LINE_MAX];
    u32 len = 0, pos;
    u8 c;

    if (!r->data || !r->head || !lines)
        return;
    pos = tail_start(r, MIN(r->head, CONSOLE_RING_SIZE), lines);
    for (; pos != r->head; pos++) {
        c = r->data[pos % CONSOLE_RING_SIZE];
        if (c >= ' ' && c != 0x7f && len < LINE_MAX - 1)
            line[len++] = (char)c;
        if (c != '\n' && pos + 1 != r->head)
            continue;
        line[len] = '\0';
        log_printf(LOG_ERR, "%s: | %s", d->name, line);
        len = 0;
    }
}

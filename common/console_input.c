/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Console input: takes characters from the UART, looks for three Ctrl-A in a row
 * and keeps the rest with its receiver in a small ring until guest_exit.c delivers it.
 * rx_lock (RANK_CONSOLE) covers the receiving side; whoever sets delivering owns the
 * other end. Characters for a domain that lost the input are dropped.
 */
#include <corbel/console.h>

#include <corbel/domain.h>
#include <corbel/log.h>

#define CTRL_A    1u
#define SWITCH    3u    /* Ctrl-A in a row */
#define RX_SIZE   1024u /* power of two */
#define KEYS_MAX  16u   /* of it while the input is the hypervisor's */
#define RETRIES   100u  /* ticks that a receiver without room is asked again */
#define RX_BUDGET 256u  /* characters a call takes at most; a FIFO holds 32 */

static spinlock_t rx_lock = SPINLOCK_INIT(RANK_CONSOLE);
static u16 rx[RX_SIZE]; /* receiver's id << 8 | character */
static u32 rx_head;     /* rx_lock */
static u32 rx_tail;     /* owner of delivering */
static u32 refusals;    /* in a row; owner of delivering */
static bool delivering; /* atomic */
static bool key_due;    /* atomic: the hypervisor takes a debug key, once each tick */
static u32 ctrl_a;      /* how many in a row; rx_lock */
static bool owned;      /* false: the next domain gets the input; rx_lock */
static u32 focus;       /* atomic: id of the domain with the input, 0 the hypervisor */

static void announce(void)
{
    struct domain *d = console_domain(focus);

    log_printf(LOG_ERR, "console: input to %s (three Ctrl-A: next)", d ? d->name : "corbel");
}

/*
 * A full ring drops: left in the UART the character would interrupt for ever. Debug keys are few,
 * for who gets the input next waits until all of them are done.
 */
static void queue(u8 c)
{
    u32 used = rx_head - __atomic_load_n(&rx_tail, __ATOMIC_ACQUIRE);

    if (used >= (focus ? RX_SIZE : KEYS_MAX))
        return;
    rx[rx_head % RX_SIZE] = (u16)(focus << 8 | c);
    __atomic_store_n(&rx_head, rx_head + 1, __ATOMIC_RELEASE);
}

/* True when the input went to somebody else. */
static bool take_char(u8 c)
{
    if (c == CTRL_A && ++ctrl_a == SWITCH) {
        ctrl_a = 0;
        __atomic_store_n(&focus, console_domain_next(focus), __ATOMIC_RELAXED);
        return true;
    }
    if (c == CTRL_A)
        return false;
    for (; ctrl_a; ctrl_a--)
        queue(CTRL_A);
    queue(c);
    return false;
}

static void receive(void)
{
    bool switched = false;
    u32 i = 0;
    u8 c;

    spin_lock(&rx_lock);
    console_rx_clear();
    for (; i < RX_BUDGET && console_rx(&c); i++)
        switched |= take_char(c);
    spin_unlock(&rx_lock);
    if (i == RX_BUDGET) /* what is left has interrupted already */
        console_arm_timer();
    if (switched)
        announce();
}

void console_irq(void)
{
    receive();
    console_drain();
}

void console_timer(void)
{
    bool again = console_tick();

    __atomic_store_n(&key_due, true, __ATOMIC_RELAXED);
    receive();
    console_drain();
    if (again)
        console_arm_timer();
}

__init void console_input_offer(u32 id)
{
    bool taken;

    spin_lock(&rx_lock);
    taken = !owned;
    if (taken)
        __atomic_store_n(&focus, id, __ATOMIC_RELAXED);
    owned = true;
    spin_unlock(&rx_lock);
    if (taken)
        announce();
}

void console_input_forget(u32 id)
{
    bool lost;

    spin_lock(&rx_lock);
    lost = focus == id;
    if (lost)
        focus = console_domain_next(id);
    if (lost && !focus)
        focus = console_domain_next(0);
    if (lost && !focus)
        owned = false;
    spin_unlock(&rx_lock);
    if (lost)
        announce();
}

bool console_input_waiting(void)
{
    return __atomic_load_n(&rx_head, __ATOMIC_ACQUIRE) !=
           __atomic_load_n(&rx_tail, __ATOMIC_RELAXED);
}

/* The oldest debug key, or character whose receiver still has the input; drops the others. */
static bool next_valid(struct domain **d, u8 *c)
{
    while (console_input_waiting()) {
        u16 entry = rx[rx_tail % RX_SIZE];
        u32 id = entry >> 8;

        *d = console_domain(id);
        *c = (u8)entry;
        if (!id || (*d && id == __atomic_load_n(&focus, __ATOMIC_RELAXED)))
            return true;
        __atomic_store_n(&rx_tail, rx_tail + 1, __ATOMIC_RELEASE);
    }
    return false;
}

bool console_next_input(struct domain **d, u8 *c)
{
    /* Looked at again after letting go: a character queued in between has no other taker. */
    while (console_input_waiting()) {
        if (__atomic_exchange_n(&delivering, true, __ATOMIC_ACQUIRE))
            return false;
        if (!next_valid(d, c)) {
            __atomic_store_n(&delivering, false, __ATOMIC_SEQ_CST);
            continue;
        }
        if (*d || __atomic_exchange_n(&key_due, false, __ATOMIC_RELAXED))
            return true;
        console_input_done(false); /* a report takes time: nobody types guests off this CPU */
        return false;
    }
    return false;
}

void console_input_done(bool taken)
{
    bool retry = !taken && refusals < RETRIES;

    if (taken)
        __atomic_store_n(&rx_tail, rx_tail + 1, __ATOMIC_RELEASE);
    refusals = taken ? 0 : refusals + retry;
    __atomic_store_n(&delivering, false, __ATOMIC_SEQ_CST);
    /* No room: offered again with the next tick, or a stuck guest's at the next key. */
    if (retry)
        console_arm_timer();
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_CONSOLE_H
#define CORBEL_CONSOLE_H

#include <arch/spinlock.h>
#include <corbel/compiler.h>
#include <corbel/types.h>

struct domain;

/*
 * The host console: one UART, one ring per domain, output merged line by line
 * as "(name) text", hypervisor lines as "(corbel) [sec.usec] text". EL2 never
 * waits for the UART (design decision 36): rings are drained where a line ends, from
 * the TX interrupt and from the console timer. Three Ctrl-A switch the input.
 */
#define CONSOLE_RING_SIZE  16384u /* per domain, power of two */
#define CONSOLE_TAIL_LINES 20u

struct console_ring {
    spinlock_t lock; /* RANK_CONSOLE: producer side */
    u8 *data;        /* CONSOLE_RING_SIZE bytes of the domain's memory; NULL: not attached */
    u32 head, tail;  /* free-running; head = written by the domain, tail = drained */
    u32 line_end;    /* head behind the last newline: before it all lines are complete */
    bool touched;    /* a character came since the last look of the console timer: it is armed */
    u64 touched_at;  /* when the timer last saw it so; the timer's own */
    bool open;       /* its incomplete line stands on the UART */
    bool flush;      /* quiet for a while: print the incomplete line too */
    bool full;       /* the domain was told that there is no room */
    bool held_cr;    /* a carriage return that waits for what follows; console lock */
    u32 left_tail;   /* console_leave()'s: tail as it saw it last, and since when */
    u64 left_at;
};

/* UART driver: drivers/uart. All polls bounded. */
struct uart_ops {
    const char *name;
    void (*init)(uintptr_t base);
    u32 (*write)(uintptr_t base, const u8 *text, u32 count); /* as many as fit, no waiting */
    bool (*rx)(uintptr_t base, u8 *c);                       /* false: nothing there */
    void (*irq_enable)(uintptr_t base, bool rx, bool tx);
    void (*irq_clear)(uintptr_t base);
};

/* Early: polled output only, written through. base: EL2 address of the registers. */
void console_init(const struct uart_ops *ops, uintptr_t base);
/* Interrupt-driven from here on; intid 0: polled by timer. sync: write through at once. */
void console_start(u32 intid, bool sync);

/* Push out as much as the UART takes now; any CPU, any lock held; another CPU at it: that one
 * does it. Every log line calls this by itself. */
void console_drain(void);

/* The same where the last time left something; of use to a CPU that would sleep. */
void console_drain_rest(void);
/* Write out what the log holds now and wait until the UART has taken it; bounded. No lock held. */
void console_flush(void);
/* The UART's interrupt: receive, then drain. After it and after console_timer() the caller
 * delivers console_next_input() and calls vuart_tx_ready() for console_take_ready(). */
void console_irq(void);
/* INTID requested by console_start, 0 when polling. */
u32 console_intid(void);
/* TIMER_CONSOLE expired: prompts, polling. */
void console_timer(void);

/* Domain side. attach gives the ring memory (CONSOLE_RING_SIZE). putc: false when the ring is
 * full. room 0 or a refused putc: the domain comes out of console_take_ready() later. */
void console_attach(struct domain *d, u8 *memory);
/*
 * d writes no more, or has written its last before the machine ends: push out what it said. Call
 * until true: the UART has all of it, or takes nothing any more. Its task only.
 */
bool console_leave(struct domain *d);
void console_detach(struct domain *d); /* what is left goes to the log; the memory may go */
bool console_putc(struct domain *d, u8 c);
u32 console_room(struct domain *d);

/* One domain whose ring was full and has room again, or NULL. Call until NULL. */
struct domain *console_take_ready(void);

/* The last lines of d's output through the log, each as "name: | text", for a crash report. */
void console_tail(struct domain *d, u32 lines);

/*
 * Synchronous, lockless: panic only. text as it is, '\n' ends a line. The first call prints
 * what the log still holds.
 */
void console_panic_write(const char *text);

/*
 * Input. The first domain that is attached gets it. One CPU at a time
 * delivers: each true is answered by console_input_done(), with false when the
 * receiver has no room; the same character comes again then. d NULL: the hypervisor's.
 *     while (console_next_input(&d, &c)) {
 *         taken = d ? vuart_receive(d, c) : (keys_handle(c), true);
 *         console_input_done(taken);
 *         if (!taken) break;   // again when the guest has read its UART
 *     }
 */
bool console_next_input(struct domain **d, u8 *c);
void console_input_done(bool taken);
bool console_input_waiting(void);

/* Among the console's own files. next: lowest attached id above id, 0 when none. */
struct domain *console_domain(u32 id);
u32 console_domain_next(u32 id);
void console_set_domain(u32 id, struct domain *d);
bool console_rx(u8 *c);
void console_rx_clear(void);
void console_arm_timer(void);
bool console_tick(void); /* true: the timer must be armed again */
void console_input_offer(u32 id);
void console_input_forget(u32 id);

#endif

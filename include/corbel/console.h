/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_CONSOLE_H
#define CORBEL_CONSOLE_H

#include <arch/spinlock.h>
#include <corbel/compiler.h>
#include <corbel/platform.h>
#include <corbel/types.h>

struct domain;

/*
 * The host console: one UART, one ring per domain, output merged line by line
 * as "(name) text", hypervisor lines as "(corbel) [sec.usec] text". EL2 never
 * waits for the UART (design decision 36): rings are drained from the TX interrupt,
 * the console timer, and idle CPUs. Three Ctrl-A switch the input.
 */
#define CONSOLE_RING_SIZE 16384u /* per domain, power of two */
#define CONSOLE_TAIL_LINES 20u

struct console_ring {
    spinlock_t lock; /* RANK_CONSOLE: producer side */
    u8 *data;        /* CONSOLE_RING_SIZE bytes of the domain's memory */
    u32 head, tail;  /* free-running; head = written by the domain, tail = drained */
    u64 last_char;   /* when the last character came, to flush prompts */
    bool attached;
};

/* UART driver: drivers/uart. All polls bounded. */
struct uart_ops {
    const char *name;
    void (*init)(uintptr_t base);
    bool (*tx_ready)(uintptr_t base);        /* room for one character */
    void (*tx)(uintptr_t base, u8 c);        /* only after tx_ready */
    bool (*rx)(uintptr_t base, u8 *c);       /* false: nothing there */
    void (*irq_enable)(uintptr_t base, bool rx, bool tx);
    void (*irq_clear)(uintptr_t base);
};

/* Early: polled output only. base: EL2 address of the registers. */
void console_init(const struct uart_ops *ops, uintptr_t base);
/* Interrupt-driven from here on; intid 0: polled by timer. sync: write through at once. */
void console_start(u32 intid, bool sync);

/* Push out as much as the UART takes now; any CPU; skipped when another CPU is at it. */
void console_drain(void);
/* The UART's interrupt: receive, then drain. */
void console_irq(void);
/* INTID requested by console_start, 0 when polling. */
u32 console_intid(void);

/* Domain side. attach gives the ring memory. putc: false when the ring is full. */
void console_attach(struct domain *d, u8 *memory);
void console_detach(struct domain *d); /* drains what is left into the log order */
bool console_putc(struct domain *d, u8 c);
u32 console_room(struct domain *d);

/* The last lines of d's output through the log, for a crash report. */
void console_tail(struct domain *d, u32 lines);

/* Synchronous, lockless: panic only. */
void console_panic_write(const char *text);

/* Debug keys: Ctrl-A h prints help; handled characters return true. */
void console_input(u8 c);

#endif

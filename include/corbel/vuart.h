/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_VUART_H
#define CORBEL_VUART_H

#include <arch/spinlock.h>
#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/types.h>
#include <corbel/vdev.h>

struct domain;

/*
 * vPL011: a full PL011 register model (the arm,sbsa-uart subset is what guests
 * use). Transmit goes to the domain's console ring; it never shows BUSY, and the
 * transmit FIFO holds something (TXFF when full) only while that ring is full.
 * Lock: RANK_VUART.
 */
#define VUART_FIFO_SIZE 32u

struct vuart_fifo {
    u8 data[VUART_FIFO_SIZE];
    u32 head, count;
};

struct vuart {
    spinlock_t lock;
    bool present;
    bool stopped; /* its domain is being restarted: what is typed is lost */
    u32 intid;
    struct vuart_fifo rx, tx;
    u32 cr, lcr_h, ilpr, ibrd, fbrd, ifls, imsc, ris, dmacr;
    bool line; /* last level given to the vGIC */
};

/* Register the region at base; interrupt intid (level). */
enum corbel_err vuart_init(struct domain *d, u64 base, u32 intid) __must_check;
/* Back to the reset state, and running. */
void vuart_reset(struct domain *d);
/* From now on until vuart_reset() nothing changes but by d's own vCPUs. */
void vuart_stop(struct domain *d);

/* A character typed for this domain; false when its FIFO is full. Any CPU. */
bool vuart_receive(struct domain *d, u8 c);
/* Room appeared in the console ring: re-evaluate TX interrupts. Called by the console's drain. */
void vuart_tx_ready(struct domain *d);

#endif

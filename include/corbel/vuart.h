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
 * use). Transmit goes to the domain's console ring; it never shows BUSY, and TXFF
 * only while the ring is full. Lock: RANK_VUART.
 */
#define VUART_RX_SIZE 32u

struct vuart {
    spinlock_t lock;
    bool present;
    u32 intid;
    u8 rx[VUART_RX_SIZE];
    u32 rx_head, rx_count;
    u32 cr, lcr_h, ibrd, fbrd, ifls, imsc, ris, rsr, dmacr;
    bool rx_timeout;
    bool line; /* last level given to the vGIC */
};

/* Register the region at base; interrupt intid (level). */
enum corbel_err vuart_init(struct domain *d, u64 base, u32 intid) __must_check;
void vuart_reset(struct domain *d);

/* A character typed for this domain; false when its FIFO is full. Any CPU. */
bool vuart_receive(struct domain *d, u8 c);
/* Room appeared in the console ring: re-evaluate TX interrupts. Called by the console's drain. */
void vuart_tx_ready(struct domain *d);

#endif

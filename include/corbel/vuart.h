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
 * While the receive FIFO is empty the guest reads registers from a page, which a write leaves
 * by a permission fault; once a character comes every access exits, for a while (see
 * docs/decisions/0024).
 * Lock: RANK_VUART.
 */
#define VUART_FIFO_SIZE 32u
#define VUART_REGS      11u /* that are a word each */

struct vuart_fifo {
    u8 data[VUART_FIFO_SIZE];
    u32 head, count;
};

struct vuart {
    spinlock_t lock;
    bool present;
    bool stopped; /* its domain is being restarted: what is typed is lost */
    u32 intid;
    u64 base;   /* guest-physical */
    pa_t page;  /* frame of its own that holds what registers read as; 0: none */
    bool shown; /* it is mapped, and nothing is in rx */
    u32 reads;  /* of FR that exited since a character came, or DR was read; no lock */
    struct vuart_fifo rx, tx;
    union { /* in the order of their offsets, from PL011_ILPR on; mis and icr stay 0 */
        struct {
            u32 ilpr, ibrd, fbrd, lcr_h, cr, ifls, imsc, ris, mis, icr, dmacr;
        };
        u32 reg[VUART_REGS];
    };
    bool line; /* last level given to the vGIC */
};

/*
 * Register the region at base; interrupt intid (level). page: reads may be answered by a page
 * in d's p2m, of which no SMMU must know.
 */
enum corbel_err vuart_init(struct domain *d, u64 base, u32 intid, bool page) __must_check;
/* d's tables are complete and no vCPU of it has started: map the page. */
void vuart_start(struct domain *d);
/* The frame goes back; d's tables are gone. */
void vuart_free(struct domain *d);
/* Back to the reset state, and running; in tables that do not have the page. */
void vuart_reset(struct domain *d);
/* From now on until vuart_reset() nothing changes but by d's own vCPUs. */
void vuart_stop(struct domain *d);

/* A character typed for this domain; false when its FIFO is full. Any CPU. */
bool vuart_receive(struct domain *d, u8 c);
/* Room appeared in the console ring: re-evaluate TX interrupts. Called by the console's drain. */
void vuart_tx_ready(struct domain *d);

#endif

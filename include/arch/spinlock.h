/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_SPINLOCK_H
#define ARCH_SPINLOCK_H

#include <corbel/types.h>

/*
 * Ticket lock. EL2 runs with interrupts masked, so there is no irqsave form
 * (design decision 8). rank is the lock's place in docs/locking.md: a debug
 * build panics when a lock is taken while one of a higher rank is held by
 * this CPU, or is taken twice. Acquire/release semantics.
 */
enum lock_rank {
    RANK_DOMAIN_LIST = 1,
    RANK_DOMAIN,
    RANK_VUART,
    RANK_P2M,
    RANK_SMMU,
    RANK_ASSIGN,
    RANK_PAGE,
    RANK_VTIMER, /* event locks from here on: never a memory lock inside */
    RANK_VCPU_IRQ_LIST,
    RANK_IRQ,
    RANK_RUNQ,
    RANK_TIMER,
    RANK_HOST_IRQ,
    RANK_CONSOLE,
    RANK_LOG, /* innermost */
};

typedef struct {
    union {
        struct {
            u16 owner, next;
        };
        u32 both; /* next in the upper half: a ticket and a look at owner are one access */
    };
    u8 rank;
} spinlock_t;

#define SPINLOCK_INIT(r) \
    {                    \
        .rank = (r)      \
    }

void spin_lock_init(spinlock_t *lock, enum lock_rank rank);

/* In common/lib/spinlock.c, on GCC atomics: the same code runs in host tests. */
void spin_lock(spinlock_t *lock);
bool spin_trylock(spinlock_t *lock);
void spin_unlock(spinlock_t *lock);
bool spin_is_locked(const spinlock_t *lock);

/* Lock b after a of the same rank (two domains, two vCPU lists: caller orders them by id). */
void spin_lock_nested(spinlock_t *lock);

#endif

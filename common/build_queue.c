/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose turn it is to be built at boot. A pool of
 * CPUs builds as many domains at a time as it has CPUs, in the tree's order; who ends, well or
 * not, hands its turn to the next. So a CPU finishes a domain, and its guest starts, before it
 * begins another one. A turn is a word per domain and moves by atomic operations only.
 */
#include <corbel/build.h>

#include <corbel/bits.h>
#include <corbel/boot_end.h>
#include <corbel/build_job.h>
#include <corbel/domain.h>
#include <corbel/panic.h>

enum { TURN_NONE, TURN_WAITS, TURN_BUILDS, TURN_ENDED };

/* The first domain of the pool that waits is built now. */
static void next_turn(const struct sched_pool *pool)
{
    for (u32 i = 0; i < domain_slots(); i++) {
        struct domain *d = domain_get(i);
        u8 waits = TURN_WAITS;

        if (d->task.pool != pool ||
            !__atomic_compare_exchange_n(&d->turn, &waits, TURN_BUILDS, false, __ATOMIC_ACQ_REL,
                                         __ATOMIC_RELAXED))
            continue;
        sched_wake(&d->task);
        return;
    }
}

__init void build_begin_all(void)
{
    for (u32 i = 0; i < domain_slots(); i++) {
        bool held = boot_hold();

        CORBEL_ASSERT(held); /* the boot CPU is here, and has its own hold */
        __atomic_store_n(&domain_get(i)->turn, TURN_WAITS, __ATOMIC_RELEASE);
    }
    /* All wait before the first begins: a turn that is handed on finds whom it is for. */
    for (u32 i = 0; i < domain_slots(); i++) {
        const struct sched_pool *pool = domain_get(i)->task.pool;
        u32 before = 0;

        for (u32 j = 0; j < i; j++)
            before += domain_get(j)->task.pool == pool;
        if (before < bit_count(sched_pool_cpus(pool)))
            next_turn(pool);
    }
}

void build_count(struct domain *d, bool is_started)
{
    u8 turn = __atomic_exchange_n(&d->turn, TURN_ENDED, __ATOMIC_ACQ_REL);

    CORBEL_ASSERT(turn != TURN_NONE); /* its task first runs after build_begin_all() */
    if (turn == TURN_ENDED)
        return;
    boot_note(is_started);
    if (turn == TURN_BUILDS) /* else it was stopped before its turn came */
        next_turn(d->task.pool);
    boot_drop();
}

bool build_is_counted(const struct domain *d)
{
    return __atomic_load_n(&d->turn, __ATOMIC_ACQUIRE) == TURN_ENDED;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose turn it is to be built at boot, and the line that says how the boot went. A pool of
 * CPUs builds as many domains at a time as it has CPUs, in the tree's order; who ends, well or
 * not, hands its turn to the next. So a CPU finishes a domain, and its guest starts, before it
 * begins another one. A turn is a word per domain and moves by atomic operations only.
 */
#include <corbel/build.h>

#include <corbel/bits.h>
#include <corbel/build_job.h>
#include <corbel/domain.h>
#include <corbel/log.h>
#include <corbel/page.h>

enum { TURN_NONE, TURN_WAITS, TURN_BUILDS, TURN_ENDED };

static u32 started, refused; /* atomic counters */
static u32 unfinished = 1;   /* builds under way; one is held by build_boot_done() */

/* The last build to end, whichever CPU runs it, says how the boot went. */
static void finished_one(void)
{
    u32 up, down;

    if (__atomic_sub_fetch(&unfinished, 1, __ATOMIC_ACQ_REL))
        return;
    up = __atomic_load_n(&started, __ATOMIC_RELAXED);
    down = __atomic_load_n(&refused, __ATOMIC_RELAXED);
    log_info("memory: %llu KiB free", (unsigned long long)(page_free_count() * PAGE_SIZE >> 10));
    log_info("boot: %u domain%s started, %u refused", up, up == 1 ? "" : "s", down);
}

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

void build_begin_all(void)
{
    __atomic_add_fetch(&unfinished, domain_slots(), __ATOMIC_ACQ_REL);
    for (u32 i = 0; i < domain_slots(); i++)
        __atomic_store_n(&domain_get(i)->turn, TURN_WAITS, __ATOMIC_RELEASE);
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

void build_boot_done(void)
{
    finished_one();
}

void build_count_refused(void)
{
    __atomic_fetch_add(&refused, 1, __ATOMIC_RELAXED);
}

void build_count(struct domain *d, bool is_started)
{
    u8 turn = __atomic_exchange_n(&d->turn, TURN_ENDED, __ATOMIC_ACQ_REL);

    if (turn == TURN_ENDED)
        return;
    __atomic_fetch_add(is_started ? &started : &refused, 1, __ATOMIC_RELAXED);
    if (turn == TURN_BUILDS) /* else it was stopped before its turn came */
        next_turn(d->task.pool);
    finished_one();
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_SCHED_POOL_H
#define CORBEL_SCHED_POOL_H

#include <arch/spinlock.h>
#include <corbel/list.h>
#include <corbel/sched.h>
#include <corbel/types.h>

/*
 * A CPU pool as sched_pool.c makes it and sched.c uses it; nobody else looks inside.
 * CPUs belong to one pool for life, units too.
 */
struct sched_pool {
    spinlock_t lock;        /* RANK_RUNQ */
    struct list_head queue; /* units that wait, by vruntime, equals in order of arrival */
    cpumask_t cpus;         /* 0: unused entry */
    cpumask_t idle;         /* CPUs that found nothing to run and were not kicked since; atomic */
    u64 clock;              /* never falls; about the smallest vruntime of those that run */
    u64 slice;              /* ticks */
    u8 policy;              /* enum sched_policy */
};

/* A vCPU that has a CPU of its own: never queued. */
static inline bool sched_is_bound(const struct sched_unit *unit)
{
    return unit->pool->policy == SCHED_NULL && unit->kind == UNIT_VCPU;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU pools, made at boot and fixed ever after, and the units that join and leave them.
 * Slices are 5 ms: long against a switch (a few us), about a guest's tick of 4 to
 * 10 ms. Who runs in a pool is sched.c's business.
 */
#include <corbel/sched_pool.h>

#include <arch/time.h>

#include <corbel/bits.h>
#include <corbel/cpu.h>
#include <corbel/log.h>

#define SLICE_NS 5000000ull

/* Written at boot; pool 0 is the default one. */
static struct sched_pool pools[MAX_CPUS];

static __init void pool_init(struct sched_pool *pool, cpumask_t cpus, enum sched_policy policy)
{
    spin_lock_init(&pool->lock, RANK_RUNQ);
    list_init(&pool->queue);
    pool->cpus = cpus;
    pool->idle = 0;
    pool->clock = 0;
    pool->slice = arch_time_from_ns(SLICE_NS);
    pool->policy = (u8)policy;
    for (; cpus; cpus &= cpus - 1)
        cpu_get(bit_lowest(cpus))->sched.pool = pool;
}

__init void sched_init(enum sched_policy policy)
{
    u32 count = cpu_count();

    for (u32 i = 0; i < count; i++) {
        struct sched_cpu *sc = &cpu_get(i)->sched;

        *sc = (struct sched_cpu){ 0 };
        timer_entry_init(&sc->slice, TIMER_SLICE, cpu_get(i));
    }
    for (u32 i = 1; i < ARRAY_SIZE(pools); i++)
        pools[i].cpus = 0;
    pool_init(&pools[0], cpu_online_mask(), policy); /* not those that did not start */
}

__init struct sched_pool *sched_pool_create(cpumask_t cpus, enum sched_policy policy)
{
    struct sched_pool *pool = NULL;

    if (!cpus || (cpus & ~pools[0].cpus))
        return NULL;
    for (u32 i = 1; i < ARRAY_SIZE(pools) && !pool; i++) {
        if (!pools[i].cpus)
            pool = &pools[i];
    }
    if (!pool)
        return NULL;
    pools[0].cpus &= ~cpus;
    pool_init(pool, cpus, policy);
    return pool;
}

struct sched_pool *sched_pool_default(void)
{
    return &pools[0];
}

cpumask_t sched_pool_cpus(const struct sched_pool *pool)
{
    return pool->cpus;
}

enum sched_policy sched_pool_policy(const struct sched_pool *pool)
{
    return (enum sched_policy)pool->policy;
}

/* SCHED_NULL: give unit the lowest allowed CPU that nobody owns. */
static enum corbel_err bind(struct sched_unit *unit)
{
    for (cpumask_t rest = unit->affinity; rest; rest &= rest - 1) {
        struct sched_cpu *sc = &cpu_get(bit_lowest(rest))->sched;

        if (sc->bound)
            continue;
        unit->affinity = BIT(bit_lowest(rest));
        __atomic_store_n(&sc->bound, unit, __ATOMIC_RELEASE);
        return CORBEL_OK;
    }
    log_err("sched: every CPU of mask %#llx has its vCPU already: sched=null takes one vCPU per "
            "CPU, give fewer vCPUs or use sched=fair",
            (unsigned long long)unit->affinity);
    return ERR_NOMEM;
}

__init enum corbel_err sched_unit_init(struct sched_unit *unit, struct sched_pool *pool, u32 weight,
                                       cpumask_t affinity)
{
    enum corbel_err err = CORBEL_OK;

    if (!(affinity & pool->cpus) || !weight)
        return ERR_INVAL;
    list_init(&unit->node);
    unit->pool = pool;
    unit->vruntime = 0;
    unit->started = 0;
    unit->runtime = 0;
    unit->affinity = affinity & pool->cpus;
    unit->weight = weight;
    unit->cpu = -1;
    unit->state = UNIT_BLOCKED;
    unit->wake_pending = false;
    unit->paused = false;
    spin_lock(&pool->lock);
    if (sched_is_bound(unit))
        err = bind(unit);
    else
        unit->vruntime = pool->clock;
    spin_unlock(&pool->lock);
    return err;
}

void sched_unit_remove(struct sched_unit *unit)
{
    struct sched_pool *pool = unit->pool;

    spin_lock(&pool->lock);
    list_del(&unit->node);
    __atomic_store_n(&unit->paused, true, __ATOMIC_RELEASE);
    if (sched_is_bound(unit))
        __atomic_store_n(&cpu_get(bit_lowest(unit->affinity))->sched.bound, NULL, __ATOMIC_RELEASE);
    spin_unlock(&pool->lock);
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_SCHED_H
#define CORBEL_SCHED_H

#include <arch/spinlock.h>
#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/list.h>
#include <corbel/types.h>

/*
 * Who runs next (design decisions 13, 30, 31). A unit is a vCPU or a domain's
 * task. One run queue per CPU pool, ordered by vruntime = time * 256 / weight.
 * The scheduler only answers; guest_exit.c switches. Lock: the pool's, RANK_RUNQ.
 */
struct cpu;
struct sched_pool;

enum unit_kind { UNIT_VCPU, UNIT_TASK };
enum unit_state { UNIT_BLOCKED, UNIT_QUEUED, UNIT_RUNNING };

struct sched_unit {
    struct list_head node;   /* on the pool's queue while QUEUED */
    struct sched_pool *pool; /* fixed for life */
    u64 vruntime;            /* weighted ticks; pool lock */
    u64 started;             /* when it last became RUNNING */
    u64 runtime;             /* total ticks on a CPU */
    cpumask_t affinity;      /* where it may run: hard affinity and pool */
    u32 weight;              /* default 256 */
    s32 cpu;                 /* RUNNING: where; resident: where its state sits; -1: nowhere */
    u8 kind;                 /* enum unit_kind */
    u8 state;                /* enum unit_state; pool lock */
    bool wake_pending;       /* woken while RUNNING: sched_block() must not block */
    bool paused;             /* not to be picked (pause count, power off): pool lock */
};

struct sched_cpu {
    struct sched_pool *pool;
    struct sched_unit *running; /* NULL while idle; pool lock */
    u64 slice_end;
};

enum sched_policy { SCHED_FAIR, SCHED_NULL };

#define SCHED_WEIGHT_DEFAULT 256u

/* Boot: pool 0 has all CPUs not in another pool. policy of pool 0 is the sched= option. */
void sched_init(enum sched_policy policy);

/* Boot: take cpus out of pool 0 into a pool of their own. NULL when the mask is empty or taken. */
struct sched_pool *sched_pool_create(cpumask_t cpus, enum sched_policy policy);
struct sched_pool *sched_pool_default(void);
cpumask_t sched_pool_cpus(const struct sched_pool *pool);
enum sched_policy sched_pool_policy(const struct sched_pool *pool);

/* affinity is cut to the pool's CPUs; ERR_INVAL when nothing is left. Starts BLOCKED. */
enum corbel_err sched_unit_init(struct sched_unit *unit, struct sched_pool *pool, u32 weight,
                                cpumask_t affinity) __must_check;

/* Make a blocked unit runnable and kick the CPU that should take it. Any CPU. */
void sched_wake(struct sched_unit *unit);

/* The unit that runs here asks to sleep; false when a wake came first and it must go on. */
bool sched_block(struct sched_unit *unit);

/* Never picked while paused; the caller kicks the CPU where it runs (unit->cpu). */
void sched_pause(struct sched_unit *unit);
void sched_unpause(struct sched_unit *unit);

/* Leave the queue for good; the unit must not be running anywhere. */
void sched_unit_remove(struct sched_unit *unit);

/*
 * Put this CPU's unit back (charge its time; QUEUED again unless it blocked) and
 * choose the next, NULL for idle. Arms the slice timer only if somebody waits.
 */
struct sched_unit *sched_next(struct cpu *cpu);

/* True when the unit running here should give way (slice over, better one woken). */
bool sched_should_yield(struct cpu *cpu);

/* Yield: go to the end of its equals (WFE, SCHEDOP_yield). */
void sched_yield(struct sched_unit *unit);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_SCHED_H
#define CORBEL_SCHED_H

#include <arch/spinlock.h>
#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/list.h>
#include <corbel/timer.h>
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
    struct sched_unit *bound;   /* SCHED_NULL: the vCPU that owns this CPU */
    struct sched_unit *wants;   /* own CPU: see sched_wants() */
    u64 slice_end;
    struct timer_entry slice; /* TIMER_SLICE; its expiry needs no handler of its own */
    bool slice_armed;         /* somebody waits who may run here; pool lock */
    bool need_resched;        /* atomic; set by any CPU, which then sends SGI_KICK */
};

enum sched_policy { SCHED_FAIR, SCHED_NULL };

#define SCHED_WEIGHT_DEFAULT 256u

/*
 * Boot CPU, once cpu_count() is final and before any CPU calls sched_next(): pool 0
 * gets all CPUs that are online. policy of pool 0 is the sched= option.
 */
void sched_init(enum sched_policy policy);

/*
 * Boot, before any unit exists: take cpus out of pool 0 into a pool of their own.
 * NULL when the mask is empty, or not all of it is in pool 0.
 */
struct sched_pool *sched_pool_create(cpumask_t cpus, enum sched_policy policy);
struct sched_pool *sched_pool_default(void);
cpumask_t sched_pool_cpus(const struct sched_pool *pool);
enum sched_policy sched_pool_policy(const struct sched_pool *pool);

/*
 * unit->kind is set by the caller before. affinity is cut to the pool's CPUs; ERR_INVAL
 * when nothing is left. SCHED_NULL binds a vCPU to a CPU of its own for life: ERR_NOMEM
 * (and a line in the log) when all allowed ones are taken. Starts BLOCKED, resident nowhere.
 */
enum corbel_err sched_unit_init(struct sched_unit *unit, struct sched_pool *pool, u32 weight,
                                cpumask_t affinity) __must_check;

/* Make a blocked unit runnable and kick the CPU that should take it. Any CPU. */
void sched_wake(struct sched_unit *unit);

/*
 * The unit that runs here asks to sleep; false when a wake came first: look again at
 * what it wants to wait for, then call again. After true, call sched_next().
 */
bool sched_block(struct sched_unit *unit);

/*
 * Never picked while paused; the CPU where it runs is kicked (no SGI for one's own
 * unit: call sched_next()). A blocked unit stays blocked.
 */
void sched_pause(struct sched_unit *unit);
void sched_unpause(struct sched_unit *unit);

/* Leave the queue for good; the unit must not be running anywhere. */
void sched_unit_remove(struct sched_unit *unit);

/*
 * Put this CPU's unit back (charge its time; QUEUED again unless it blocked) and
 * choose the next, NULL for idle. Arms the slice timer only if somebody waits.
 * The answer is never a vCPU that is resident on another CPU: unit->cpu becomes this CPU.
 */
struct sched_unit *sched_next(struct cpu *cpu);

/*
 * After sched_next(): a vCPU this CPU would run but whose state still sits on another
 * CPU (unit->cpu), busy with a task; or NULL. The caller sets REQ_SAVE there (the
 * holder ignores it when the vCPU runs again), goes idle and is kicked when it is free.
 */
static inline struct sched_unit *sched_wants(const struct sched_cpu *sc)
{
    return sc->wants;
}

/*
 * The vCPU's state was written back to memory: any CPU may take it now. Called by the
 * CPU that held it, after its last store, each time it loads another vCPU. Kicks a
 * CPU that should take it.
 */
void sched_release(struct sched_unit *unit);

/*
 * This CPU's unit should give way: its slice is over, or a kick came. Without a lock.
 * A kick that happens on this CPU itself sends an SGI to it too, so that whoever
 * looks only after interrupts sees it.
 */
static inline bool sched_should_yield(const struct sched_cpu *sc)
{
    /* An armed slice that is on no queue any more has expired. */
    return __atomic_load_n(&sc->need_resched, __ATOMIC_ACQUIRE) ||
           (sc->slice_armed && !timer_is_set(&sc->slice));
}

/*
 * Yield: go to the end of its equals (WFE, SCHEDOP_yield). This CPU's unit; sched_next()
 * follows. (sched_yield is the C library's on the test host.)
 */
void sched_yield_unit(struct sched_unit *unit);

#endif

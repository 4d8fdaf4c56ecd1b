/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who runs next. One run queue per CPU pool, ordered by vruntime (ticks x 256 / weight),
 * shared by the pool's CPUs: whoever looks takes the smallest it may run, so shares are
 * fair over all CPUs without balancing. A slice timer is armed only where somebody
 * waits. Lock: the pool's (RANK_RUNQ); the timer queue's inside it.
 *
 * Invariants: a unit is on the list exactly while QUEUED and not paused; for each unit
 * on the list some CPU that may run it has its slice armed or a kick under way; a vCPU
 * is picked only by the CPU that holds its state, or by any when none does.
 *
 * SCHED_NULL gives each vCPU a CPU of its own: no lock, no timer, two atomic words. Only
 * tasks of such a pool are queued, and run where the bound vCPU does not.
 */
#include <corbel/sched.h>

#include <arch/cpu.h>
#include <arch/time.h>

#include <corbel/bits.h>
#include <corbel/cpu.h>
#include <corbel/irq.h>
#include <corbel/sched_pool.h>

#define SLICE_MARGIN  8u   /* a woken unit preempts when ahead by 1/8 slice: no ping-pong */
#define SPREAD_SLICES 400u /* 2 s: nobody starves longer by what happened before */

static bool is_before(u64 a, u64 b)
{
    return (s64)(a - b) < 0;
}

static u64 later_of(u64 a, u64 b)
{
    return is_before(a, b) ? b : a;
}

static struct sched_unit *unit_of(struct list_head *node)
{
    return list_entry(node, struct sched_unit, node);
}

static struct sched_cpu *sched_of(u32 cpu)
{
    return &cpu_get(cpu)->sched;
}

/* ticks x 256 / weight without overflow. */
static u64 weigh(const struct sched_unit *unit, u64 ticks)
{
    u32 weight = unit->weight;

    if (weight == SCHED_WEIGHT_DEFAULT)
        return ticks;
    return ticks / weight * SCHED_WEIGHT_DEFAULT + ticks % weight * SCHED_WEIGHT_DEFAULT / weight;
}

/* vruntime of a running unit as of now. */
static u64 vruntime_now(const struct sched_unit *unit, u64 now)
{
    return unit->vruntime + weigh(unit, now - unit->started);
}

static void charge(struct sched_unit *unit, u64 now)
{
    unit->vruntime = vruntime_now(unit, now);
    unit->runtime += now - unit->started;
    unit->started = now;
}

static void set_idle(struct sched_pool *pool, u32 cpu, bool idle)
{
    bool was = read_once(pool->idle) & BIT(cpu);

    if (idle && !was)
        __atomic_fetch_or(&pool->idle, BIT(cpu), __ATOMIC_ACQ_REL);
    else if (!idle && was)
        __atomic_fetch_and(&pool->idle, ~BIT(cpu), __ATOMIC_ACQ_REL);
}

/*
 * Make cpu call sched_next(). A set flag means that its SGI is on the way already. Our own
 * CPU gets one as well unless it idles: it is masked now and taken right after the ERET.
 */
static void kick(struct sched_pool *pool, u32 cpu)
{
    struct cpu *target = cpu_get(cpu);

    set_idle(pool, cpu, false);
    if (!__atomic_exchange_n(&target->sched.need_resched, true, __ATOMIC_SEQ_CST) &&
        (target != cpu_this() || target->sched.running))
        irq_send_sgi(target, SGI_KICK);
}

static void enqueue(struct sched_unit *unit)
{
    struct list_head *queue = &unit->pool->queue, *pos;

    list_for_each (pos, queue) {
        if (is_before(unit->vruntime, unit_of(pos)->vruntime))
            break;
    }
    list_insert_before(pos, &unit->node);
}

static __noinline s32 search_running(cpumask_t mask, bool want_max, u64 now, u64 *vruntime)
{
    s32 found = -1;
    u64 v;

    for (; mask; mask &= mask - 1) {
        u32 cpu = bit_lowest(mask);
        struct sched_unit *unit = sched_of(cpu)->running;

        if (!unit)
            continue;
        v = vruntime_now(unit, now);
        if (found < 0 || is_before(*vruntime, v) == want_max) {
            found = (s32)cpu;
            *vruntime = v;
        }
    }
    return found;
}

/*
 * Running CPU of the mask whose unit has the largest vruntime (want_max) or the
 * smallest; -1 when none runs anything. *vruntime is that unit's, as of now. A CPU whose
 * idle bit is set runs nothing: it clears the bit before it takes a unit.
 */
static inline s32 find_running(const struct sched_pool *pool, cpumask_t mask, bool want_max,
                               u64 now, u64 *vruntime)
{
    mask &= ~read_once(pool->idle);
    return mask ? search_running(mask, want_max, now, vruntime) : -1;
}

static void clock_update(struct sched_pool *pool, u64 now)
{
    u64 lowest;

    if (find_running(pool, pool->cpus, false, now, &lowest) >= 0)
        pool->clock = later_of(pool->clock, lowest);
}

/*
 * A unit joins the runnable ones. Sleeping earns at most one slice; and where
 * affinities or huge weights let vruntimes drift apart, whoever comes is put
 * within SPREAD_SLICES of those it competes with, so that neither side starves.
 */
static void adjust_joining(struct sched_unit *unit, u64 now)
{
    struct sched_pool *pool = unit->pool;
    u64 spread = pool->slice * SPREAD_SLICES, low, high, running;

    clock_update(pool, now);
    low = pool->clock - pool->slice;
    if (find_running(pool, unit->affinity, true, now, &running) >= 0)
        low = later_of(low, running - spread);
    high = later_of(low, pool->clock + spread);
    if (is_before(unit->vruntime, low))
        unit->vruntime = low;
    else if (is_before(high, unit->vruntime))
        unit->vruntime = high;
}

/* Idle CPU for unit: where its state is, else one that holds nobody's, else any (decision 31). */
static u32 choose_idle(const struct sched_unit *unit, cpumask_t idle)
{
    cpumask_t rest;

    if (unit->cpu >= 0 && (idle & BIT(unit->cpu)))
        return (u32)unit->cpu;
    for (rest = idle; rest; rest &= rest - 1) {
        /* A hint only: the other CPU may be loading one right now. */
        if (!__atomic_load_n(&cpu_get(bit_lowest(rest))->resident, __ATOMIC_RELAXED))
            return bit_lowest(rest);
    }
    return bit_lowest(idle);
}

/* unit is on the list: kick the CPU that should take it, or at least watch its slice for it. */
static void place(struct sched_unit *unit, u64 now)
{
    struct sched_pool *pool = unit->pool;
    cpumask_t idle = __atomic_load_n(&pool->idle, __ATOMIC_ACQUIRE) & unit->affinity;
    u64 worst;
    s32 cpu;

    if (idle) {
        kick(pool, choose_idle(unit, idle));
        return;
    }
    if (pool->policy == SCHED_NULL)
        return; /* tasks wait for a CPU whose vCPU sleeps */
    cpu = find_running(pool, unit->affinity, true, now, &worst);
    if (cpu >= 0 && (!sched_of((u32)cpu)->slice_armed ||
                     is_before(unit->vruntime + pool->slice / SLICE_MARGIN, worst)))
        kick(pool, (u32)cpu);
}

/* --- SCHED_NULL: the bound vCPU ----------------------------------------------------------- */

/*
 * wake and block meet as Dekker's two flags do: wake stores wake_pending, then looks
 * at state; block stores state, then looks at wake_pending; all sequentially consistent.
 */
static void bound_wake(struct sched_unit *unit)
{
    u8 blocked = UNIT_BLOCKED;

    __atomic_store_n(&unit->wake_pending, true, __ATOMIC_SEQ_CST);
    if (__atomic_compare_exchange_n(&unit->state, &blocked, UNIT_QUEUED, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST))
        kick(unit->pool, bit_lowest(unit->affinity));
}

static bool bound_block(struct sched_unit *unit)
{
    __atomic_store_n(&unit->state, UNIT_BLOCKED, __ATOMIC_SEQ_CST);
    if (!__atomic_exchange_n(&unit->wake_pending, false, __ATOMIC_SEQ_CST))
        return true;
    __atomic_store_n(&unit->state, UNIT_RUNNING, __ATOMIC_SEQ_CST);
    return false;
}

static bool bound_runnable(const struct sched_unit *unit)
{
    return unit && !__atomic_load_n(&unit->paused, __ATOMIC_SEQ_CST) &&
           __atomic_load_n(&unit->state, __ATOMIC_SEQ_CST) != UNIT_BLOCKED;
}

/* --- waking and sleeping ------------------------------------------------------------------ */

/* state became QUEUED, or the pause ended: onto the list, unless its CPU is about to see it. */
static void join(struct sched_unit *unit)
{
    u64 now = arch_time_now();
    struct sched_unit *running = unit->cpu >= 0 ? sched_of((u32)unit->cpu)->running : NULL;

    if (running == unit)
        return; /* between sched_block() and sched_next(): the latter queues it */
    adjust_joining(unit, now);
    enqueue(unit);
    place(unit, now);
}

void sched_wake(struct sched_unit *unit)
{
    if (sched_is_bound(unit)) {
        bound_wake(unit);
        return;
    }
    spin_lock(&unit->pool->lock);
    if (unit->state == UNIT_RUNNING) {
        unit->wake_pending = true;
    } else if (unit->state == UNIT_BLOCKED) {
        unit->state = UNIT_QUEUED;
        if (!unit->paused)
            join(unit);
    }
    spin_unlock(&unit->pool->lock);
}

bool sched_block(struct sched_unit *unit)
{
    bool blocked;

    if (sched_is_bound(unit))
        return bound_block(unit);
    spin_lock(&unit->pool->lock);
    blocked = !unit->wake_pending;
    unit->wake_pending = false;
    if (blocked)
        unit->state = UNIT_BLOCKED;
    spin_unlock(&unit->pool->lock);
    return blocked;
}

void sched_pause(struct sched_unit *unit)
{
    struct sched_pool *pool = unit->pool;
    struct sched_cpu *here = &cpu_this()->sched;

    spin_lock(&pool->lock);
    __atomic_store_n(&unit->paused, true, __ATOMIC_SEQ_CST);
    list_del(&unit->node);
    if (here->running == unit)
        __atomic_store_n(&here->need_resched, true, __ATOMIC_RELEASE);
    else if (sched_is_bound(unit)) /* its CPU may be about to pick it, without the lock */
        kick(pool, bit_lowest(unit->affinity));
    else if (unit->cpu >= 0 && sched_of((u32)unit->cpu)->running == unit)
        kick(pool, (u32)unit->cpu);
    spin_unlock(&pool->lock);
}

void sched_unpause(struct sched_unit *unit)
{
    struct sched_pool *pool = unit->pool;
    bool was;

    spin_lock(&pool->lock);
    was = unit->paused;
    __atomic_store_n(&unit->paused, false, __ATOMIC_SEQ_CST);
    if (sched_is_bound(unit))
        kick(pool, bit_lowest(unit->affinity));
    else if (was && unit->state == UNIT_QUEUED)
        join(unit);
    spin_unlock(&pool->lock);
}

void sched_release(struct sched_unit *unit)
{
    struct sched_pool *pool = unit->pool;

    spin_lock(&pool->lock);
    unit->cpu = -1;
    if (!list_empty(&unit->node) && (pool->cpus & (pool->cpus - 1)))
        place(unit, arch_time_now());
    spin_unlock(&pool->lock);
}

/* --- choosing ----------------------------------------------------------------------------- */

/* First on the list that may run on cpu and whose state is there or nowhere. */
static struct sched_unit *first_eligible(struct sched_pool *pool, u32 cpu)
{
    struct list_head *pos;

    list_for_each (pos, &pool->queue) {
        struct sched_unit *unit = unit_of(pos);

        if ((unit->affinity & BIT(cpu)) && (unit->cpu < 0 || unit->cpu == (s32)cpu))
            return unit;
    }
    return NULL;
}

/* First on the list that may run on cpu, wherever its state is. */
static struct sched_unit *first_waiting(struct sched_pool *pool, u32 cpu)
{
    struct list_head *pos;

    list_for_each (pos, &pool->queue) {
        if (unit_of(pos)->affinity & BIT(cpu))
            return unit_of(pos);
    }
    return NULL;
}

/*
 * cpu is going idle: a vCPU that waits only because its state sits under a task of
 * another CPU. A CPU that runs a vCPU has released the former one, or is about to; an
 * idle one was kicked and takes it itself.
 */
static struct sched_unit *held_elsewhere(struct sched_pool *pool, u32 cpu)
{
    struct list_head *pos;

    list_for_each (pos, &pool->queue) {
        struct sched_unit *unit = unit_of(pos), *holder;

        if (!(unit->affinity & BIT(cpu)) || unit->cpu < 0)
            continue;
        holder = sched_of((u32)unit->cpu)->running;
        if (holder && holder->kind == UNIT_TASK)
            return unit;
    }
    return NULL;
}

/* Arm the slice while somebody waits for this CPU, disarm it otherwise. */
static void watch_slice(struct sched_pool *pool, struct cpu *cpu)
{
    struct sched_cpu *sc = &cpu->sched;
    bool wanted;

    if (list_empty(&pool->queue) && !sc->slice_armed)
        return;
    wanted = sc->running && pool->policy == SCHED_FAIR && first_waiting(pool, cpu->id);

    if (wanted && !(timer_is_set(&sc->slice) && sc->slice.deadline == sc->slice_end))
        timer_set(&sc->slice, sc->slice_end);
    else if (!wanted && sc->slice_armed)
        timer_cancel(&sc->slice);
    sc->slice_armed = wanted;
}

/* The unit of this CPU may go on: nobody better, and its slice not over (or nobody at all). */
static bool may_continue(struct sched_pool *pool, struct cpu *cpu, u64 now)
{
    struct sched_unit *unit = cpu->sched.running, *best;

    if (unit->state != UNIT_RUNNING || unit->paused)
        return false;
    best = first_eligible(pool, cpu->id);
    if (best && (!is_before(now, cpu->sched.slice_end) ||
                 is_before(best->vruntime + pool->slice / SLICE_MARGIN, unit->vruntime)))
        return false;
    if (!is_before(now, cpu->sched.slice_end))
        cpu->sched.slice_end = now + pool->slice;
    return true;
}

/* Put the unit that ran here back: onto the list, or nowhere when it sleeps or is paused. */
static void put_back(struct cpu *cpu, struct sched_unit *unit)
{
    cpu->sched.running = NULL;
    if (unit->state == UNIT_RUNNING)
        unit->state = UNIT_QUEUED;
    unit->wake_pending = false;
    if (unit->kind == UNIT_TASK)
        unit->cpu = -1; /* a task keeps nothing on a CPU */
    if (unit->state == UNIT_QUEUED && !unit->paused)
        enqueue(unit);
}

static void take(struct sched_pool *pool, struct cpu *cpu, struct sched_unit *unit, u64 now)
{
    cpu->sched.running = unit;
    set_idle(pool, cpu->id, !unit);
    cpu->sched.wants = unit ? NULL : held_elsewhere(pool, cpu->id);
    if (!unit)
        return;
    list_del(&unit->node);
    unit->state = UNIT_RUNNING;
    unit->cpu = (s32)cpu->id;
    unit->started = now;
    cpu->sched.slice_end = now + pool->slice;
}

/*
 * Who is left waiting after a choice. A vCPU that gives way to another one is placed by
 * sched_release(), once it can move; under a task its state stays here, so another CPU
 * has to ask for it.
 */
static void place_left(struct sched_pool *pool, struct cpu *cpu, struct sched_unit *prev, u64 now)
{
    struct sched_unit *next = cpu->sched.running;
    struct list_head *pos;

    if (prev && prev != next && prev->kind == UNIT_TASK && !list_empty(&prev->node))
        place(prev, now);
    if (!next || next->kind != UNIT_TASK)
        return;
    list_for_each (pos, &pool->queue) {
        if (unit_of(pos)->cpu == (s32)cpu->id) {
            place(unit_of(pos), now);
            return;
        }
    }
}

static struct sched_unit *next_fair(struct sched_pool *pool, struct cpu *cpu)
{
    struct sched_unit *prev = cpu->sched.running, *next;
    u64 now = arch_time_now();

    if (prev) {
        if (prev->state != UNIT_RUNNING || prev->paused)
            clock_update(pool, now);
        charge(prev, now);
        if (may_continue(pool, cpu, now)) {
            watch_slice(pool, cpu);
            return prev;
        }
        put_back(cpu, prev);
    }
    next = first_eligible(pool, cpu->id);
    take(pool, cpu, next, now);
    watch_slice(pool, cpu);
    place_left(pool, cpu, prev, now);
    return next;
}

/* The bound vCPU runs: whatever else was on this CPU goes back. */
static struct sched_unit *take_bound(struct sched_pool *pool, struct cpu *cpu)
{
    struct sched_unit *unit = cpu->sched.bound, *prev = cpu->sched.running;

    if (prev == unit) {
        __atomic_store_n(&unit->state, UNIT_RUNNING, __ATOMIC_SEQ_CST);
        return unit;
    }
    spin_lock(&pool->lock);
    if (prev) {
        charge(prev, arch_time_now());
        put_back(cpu, prev);
    }
    /* From here on a wake is remembered; what it is about is seen before the vCPU enters. */
    __atomic_store_n(&unit->wake_pending, false, __ATOMIC_SEQ_CST);
    __atomic_store_n(&unit->state, UNIT_RUNNING, __ATOMIC_SEQ_CST);
    cpu->sched.running = unit;
    unit->cpu = (s32)cpu->id;
    unit->started = arch_time_now();
    set_idle(pool, cpu->id, false);
    if (!list_empty(&pool->queue)) /* a task may have counted on this CPU */
        place(unit_of(pool->queue.next), unit->started);
    spin_unlock(&pool->lock);
    return unit;
}

/* The bound vCPU sleeps: take a task, or idle. */
static struct sched_unit *next_task(struct sched_pool *pool, struct cpu *cpu)
{
    struct sched_unit *prev = cpu->sched.running, *next;
    u64 now = arch_time_now();
    u8 running = UNIT_RUNNING;

    if (prev)
        charge(prev, now);
    if (prev && prev->kind == UNIT_TASK)
        put_back(cpu, prev);
    else if (prev) /* paused: runnable again when that ends; a wake may meet us here */
        __atomic_compare_exchange_n(&prev->state, &running, UNIT_QUEUED, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST);
    next = first_eligible(pool, cpu->id);
    take(pool, cpu, next, now);
    return next;
}

struct sched_unit *sched_next(struct cpu *cpu)
{
    struct sched_pool *pool = cpu->sched.pool;
    struct sched_unit *next;

    if (pool->policy == SCHED_NULL) {
        /* Before the state is read: a wake after this sets the flag again. */
        __atomic_store_n(&cpu->sched.need_resched, false, __ATOMIC_SEQ_CST);
        if (bound_runnable(__atomic_load_n(&cpu->sched.bound, __ATOMIC_ACQUIRE)))
            return take_bound(pool, cpu);
        spin_lock(&pool->lock);
        next = next_task(pool, cpu);
        spin_unlock(&pool->lock);
        return next;
    }
    spin_lock(&pool->lock);
    /* Kicks come with the lock held, so none is lost between this and the look at the list. */
    __atomic_store_n(&cpu->sched.need_resched, false, __ATOMIC_RELAXED);
    next = next_fair(pool, cpu);
    spin_unlock(&pool->lock);
    return next;
}

void sched_yield_unit(struct sched_unit *unit)
{
    struct sched_pool *pool = unit->pool;
    struct cpu *cpu = cpu_this();
    struct sched_unit *best;

    if (sched_is_bound(unit))
        return;
    spin_lock(&pool->lock);
    charge(unit, arch_time_now());
    best = first_eligible(pool, cpu->id);
    if (best) {
        unit->vruntime = later_of(unit->vruntime, best->vruntime);
        cpu->sched.slice_end = unit->started;
        __atomic_store_n(&cpu->sched.need_resched, true, __ATOMIC_RELAXED);
    }
    spin_unlock(&pool->lock);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine for the scheduler: CPUs that look at it only after an interrupt (SGI or timer) or when
 * their own unit sleeps, as guest_exit.c does, in virtual time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim_sched.h"

#include <corbel/bits.h>
#include <corbel/cpu.h>
#include <corbel/irq.h>
#include <corbel/sched.h>

#include "fake_core.h"

#define UNITS 16u
#define STEP  (MS / 10)

static struct sim_unit units[UNITS];
static u32 unit_count, cpus;
u64 sim_switches, sim_looks;
static struct sim_unit *resident[MAX_CPUS];

static struct sim_unit *sim_of(struct sched_unit *unit)
{
    return unit ? container_of(unit, struct sim_unit, unit) : NULL;
}

void sim_start(u32 cpu_total, enum sched_policy policy)
{
    fake_reset(cpu_total);
    memset(units, 0, sizeof(units));
    memset(resident, 0, sizeof(resident));
    unit_count = 0;
    sim_switches = sim_looks = 0;
    cpus = cpu_total;
    for (u32 i = 0; i < cpus; i++)
        timer_queue_init(&cpu_get(i)->timers, i);
    sched_init(policy);
    for (u32 i = 0; i < cpus; i++) {
        fake_set_cpu(i);
        assert_null(sched_next(cpu_get(i)));
    }
    fake_set_cpu(0);
    srand(1);
}

struct sim_unit *sim_add(struct sched_pool *pool, u32 weight, cpumask_t affinity)
{
    struct sim_unit *s = &units[unit_count++];

    s->unit.kind = UNIT_VCPU;
    assert_int_equal(sched_unit_init(&s->unit, pool, weight, affinity), CORBEL_OK);
    return s;
}

struct sim_unit *sim_add_spinner(u32 weight, cpumask_t affinity)
{
    struct sim_unit *s = sim_add(sched_pool_default(), weight, affinity);

    s->work = ~0ull;
    sched_wake(&s->unit);
    return s;
}

struct sim_unit *sim_add_task(cpumask_t affinity)
{
    struct sim_unit *s = &units[unit_count++];

    s->unit.kind = UNIT_TASK;
    assert_int_equal(sched_unit_init(&s->unit, sched_pool_default(), 256, affinity), CORBEL_OK);
    return s;
}

static void release(u32 cpu)
{
    struct sim_unit *old = resident[cpu];

    resident[cpu] = NULL;
    old->save_asked = false;
    sched_release(&old->unit);
}

/* As run.c does: choose, then move state, ask for state that sits elsewhere. */
static void choose(u32 id)
{
    struct cpu *cpu = cpu_get(id);
    struct sim_unit *s, *held;

    sim_looks++;
    s = sim_of(sched_next(cpu));
    if (!s) {
        held = sim_of(sched_wants(&cpu->sched));
        if (held && held->unit.cpu >= 0) {
            held->save_asked = true;
            fake_kicks[held->unit.cpu]++;
        }
        return;
    }
    assert_true(s->unit.affinity & BIT(id));
    assert_int_equal(s->unit.cpu, id);
    assert_false(s->unit.paused);
    for (u32 i = 0; i < cpus; i++) {
        if (i != id)
            assert_true(cpu_get(i)->sched.running != &s->unit && resident[i] != s);
    }
    if (s->unit.kind == UNIT_VCPU && resident[id] != s) {
        if (resident[id])
            release(id);
        resident[id] = s;
        sim_switches++;
    }
    s->save_asked = false;
}

/* One CPU: take interrupts, let the unit use the time since, look at the scheduler. */
static void run_cpu(u32 id)
{
    struct cpu *cpu = cpu_get(id);
    struct sim_unit *s = sim_of(cpu->sched.running);
    bool look = fake_kicks[id] || (!s && cpu->sched.need_resched);
    u64 ran;

    fake_set_cpu(id);
    fake_kicks[id] = 0;
    if (!list_empty(&cpu->timers.entries)) {
        while (timer_expired(fake_time))
            look = true;
    }
    if (resident[id] && resident[id]->save_asked && resident[id] != s) {
        release(id);
        look = true;
    }
    if (s) {
        ran = fake_time - s->last_ran;
        s->last_ran = fake_time;
        if (s->work != ~0ull)
            s->work -= ran < s->work ? ran : s->work;
        while (!s->work) {
            if (!(rand() % 8)) { /* work comes after it looked, before it sleeps */
                s->work = STEP;
                sched_wake(&s->unit);
            }
            if (sched_block(&s->unit)) {
                if (!(rand() % 8)) { /* and just after */
                    s->work = STEP;
                    sched_wake(&s->unit);
                }
                look = true;
                break;
            }
        }
    }
    if (look && (!s || !s->work || sched_should_yield(&cpu->sched)))
        choose(id);
    s = sim_of(cpu->sched.running);
    if (s)
        s->last_ran = fake_time;
}

static bool is_settled(void)
{
    for (u32 i = 0; i < cpus; i++) {
        if (fake_kicks[i] || (!cpu_get(i)->sched.running && cpu_get(i)->sched.need_resched))
            return false;
    }
    return true;
}

/* No CPU idles while somebody waits who may run there; nobody sleeps who has work. */
static void check(void)
{
    for (u32 i = 0; i < unit_count; i++) {
        const struct sched_unit *u = &units[i].unit;

        if (units[i].work && !u->paused && u->kind == UNIT_VCPU)
            assert_int_not_equal(u->state, UNIT_BLOCKED);
        if (u->state != UNIT_QUEUED || u->paused)
            continue;
        for (u32 c = 0; c < cpus; c++) {
            if (u->affinity & BIT(c))
                assert_non_null(cpu_get(c)->sched.running);
        }
    }
}

void sim_advance(u64 ticks, bool random_wakes)
{
    u64 end = fake_time + ticks;

    while (fake_time < end) {
        u32 first = (u32)rand() % cpus, rounds = 0;

        fake_time += STEP;
        if (random_wakes && !(rand() % 3)) {
            struct sim_unit *s = &units[(u32)rand() % unit_count];

            fake_set_cpu((u32)rand() % cpus);
            if (s->work != ~0ull)
                s->work += (u64)(1 + rand() % 120) * STEP;
            sched_wake(&s->unit);
        }
        for (u32 i = 0; i < cpus; i++)
            run_cpu((first + i) % cpus);
        while (!is_settled()) {
            for (u32 i = 0; i < cpus; i++) {
                if (fake_kicks[i] || !cpu_get(i)->sched.running)
                    run_cpu(i);
            }
            assert_true(++rounds < 50);
        }
        check();
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler on a simulated machine: CPUs that look at it only after an interrupt
 * (SGI or timer) or when their own unit sleeps, as guest_exit.c does, in virtual time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"

#include <corbel/bits.h>
#include <corbel/cpu.h>
#include <corbel/irq.h>
#include <corbel/sched.h>
#include <corbel/sched_pool.h>

#define UNITS 16u
#define MS    1000000ull
#define STEP  (MS / 10)

struct sim_unit {
    struct sched_unit unit;
    u64 work; /* ticks left to run; ~0: spins for ever */
    u64 last_ran;
    bool save_asked;
};

static struct sim_unit units[UNITS];
static u32 unit_count, cpus;
static struct sim_unit *resident[MAX_CPUS];
static u64 switches, next_calls;

static struct sim_unit *sim_of(struct sched_unit *unit)
{
    return unit ? container_of(unit, struct sim_unit, unit) : NULL;
}

static void start(u32 cpu_total, enum sched_policy policy)
{
    fake_reset(cpu_total);
    memset(units, 0, sizeof(units));
    memset(resident, 0, sizeof(resident));
    unit_count = 0;
    switches = next_calls = 0;
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

static struct sim_unit *add(struct sched_pool *pool, u32 weight, cpumask_t affinity)
{
    struct sim_unit *s = &units[unit_count++];

    s->unit.kind = UNIT_VCPU;
    assert_int_equal(sched_unit_init(&s->unit, pool, weight, affinity), CORBEL_OK);
    return s;
}

static struct sim_unit *add_spinner(u32 weight, cpumask_t affinity)
{
    struct sim_unit *s = add(sched_pool_default(), weight, affinity);

    s->work = ~0ull;
    sched_wake(&s->unit);
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

    next_calls++;
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
        switches++;
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

static void advance(u64 ticks, bool random_wakes)
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

/* Percent of one CPU that the unit got since before, times 100. */
static u64 share(const struct sim_unit *s, u64 before, u64 ticks)
{
    u64 running = s->unit.state == UNIT_RUNNING ? fake_time - s->unit.started : 0;

    return (s->unit.runtime + running - before) * 10000 / ticks;
}

static void expect_share(const struct sim_unit *s, u64 ticks, u64 wanted)
{
    u64 got = share(s, 0, ticks);

    if (got + 200 < wanted || got > wanted + 200)
        fail_msg("share %lu, expected %lu (hundredths of a percent)", (unsigned long)got,
                 (unsigned long)wanted);
}

static void test_two_on_one(void **state)
{
    struct sim_unit *a, *b;

    (void)state;
    start(1, SCHED_FAIR);
    a = add_spinner(256, ~0ull);
    b = add_spinner(256, ~0ull);
    advance(2000 * MS, false);
    expect_share(a, 2000 * MS, 5000);
    expect_share(b, 2000 * MS, 5000);
    assert_in_range(switches, 350, 450); /* slices of 5 ms, not more */
}

static void test_weights(void **state)
{
    struct sim_unit *a, *b, *c;

    (void)state;
    start(1, SCHED_FAIR);
    a = add_spinner(256, ~0ull);
    b = add_spinner(512, ~0ull);
    advance(3000 * MS, false);
    expect_share(a, 3000 * MS, 3333);
    expect_share(b, 3000 * MS, 6667);

    start(1, SCHED_FAIR);
    a = add_spinner(100, ~0ull);
    b = add_spinner(300, ~0ull);
    c = add_spinner(600, ~0ull);
    advance(5000 * MS, false);
    expect_share(a, 5000 * MS, 1000);
    expect_share(b, 5000 * MS, 3000);
    expect_share(c, 5000 * MS, 6000);
}

static void test_three_on_two(void **state)
{
    struct sim_unit *s[3];

    (void)state;
    start(2, SCHED_FAIR);
    for (u32 i = 0; i < 3; i++)
        s[i] = add_spinner(256, ~0ull);
    advance(3000 * MS, false);
    for (u32 i = 0; i < 3; i++)
        expect_share(s[i], 3000 * MS, 6667);
}

/* Who comes late gets a fair share from then on, and takes nothing back for the past. */
static void test_late_comer(void **state)
{
    struct sim_unit *s[3];
    u64 before[2];

    (void)state;
    start(2, SCHED_FAIR);
    s[0] = add_spinner(256, ~0ull);
    advance(5000 * MS, false);
    s[1] = add_spinner(256, ~0ull);
    advance(1000 * MS, false);
    s[2] = add_spinner(256, ~0ull);
    before[0] = s[0]->unit.runtime + fake_time - s[0]->unit.started;
    before[1] = s[1]->unit.runtime + fake_time - s[1]->unit.started;
    advance(3000 * MS, false);
    assert_in_range(share(s[0], before[0], 3000 * MS), 6450, 6900);
    assert_in_range(share(s[1], before[1], 3000 * MS), 6450, 6900);
    assert_in_range(share(s[2], 0, 3000 * MS), 6450, 6900);
}

/* Pinned units far ahead of others must not starve when an unpinned one joins. */
static void test_no_starvation(void **state)
{
    struct sim_unit *z;
    u64 before;

    (void)state;
    start(2, SCHED_FAIR);
    add_spinner(256, BIT(0));
    add_spinner(256, BIT(0));
    z = add_spinner(256, BIT(1));
    advance(20000 * MS, false);
    expect_share(z, 20000 * MS, 10000);
    before = z->unit.runtime + fake_time - z->unit.started;
    add_spinner(256, ~0ull);
    advance(6000 * MS, false);
    assert_true(share(z, before, 6000 * MS) > 3000);
}

/* Nobody waits: no slice timer, and no call of the scheduler. */
static void test_no_tick_alone(void **state)
{
    u64 calls;

    (void)state;
    start(2, SCHED_FAIR);
    add_spinner(256, ~0ull);
    add_spinner(256, ~0ull);
    advance(10 * MS, false);
    calls = next_calls;
    advance(1000 * MS, false);
    assert_int_equal(next_calls, calls);
    assert_true(list_empty(&cpu_get(0)->timers.entries));
    assert_true(list_empty(&cpu_get(1)->timers.entries));
}

/* Random sleepers over spinners, affinities and CPU counts; check() holds after each step. */
static void test_random(void **state)
{
    (void)state;
    for (u32 round = 0; round < 24; round++) {
        start(1 + round % 4, SCHED_FAIR);
        srand(round);
        for (u32 i = 0; i < 3 + round % 8; i++) {
            struct sim_unit *s;
            cpumask_t affinity = rand() % 3 ? ~0ull : BIT((u32)rand() % cpus);

            s = add(sched_pool_default(), 64u << (rand() % 4), affinity);
            if (!(rand() % 5)) {
                s->work = ~0ull;
                sched_wake(&s->unit);
            }
        }
        advance(500 * MS, true);
    }
}

static void test_wake_choice(void **state)
{
    struct sim_unit *a, *b;

    (void)state;
    start(3, SCHED_FAIR);
    for (u32 i = 0; i < 3; i++) {
        fake_set_cpu(i);
        assert_null(sched_next(cpu_get(i)));
    }
    a = add(sched_pool_default(), 256, ~0ull);
    b = add(sched_pool_default(), 256, BIT(0) | BIT(2));
    fake_set_cpu(1);
    a->unit.cpu = 2; /* sleeps resident on CPU 2: that one, and only that one */
    sched_wake(&a->unit);
    assert_int_equal(fake_kicks[0], 0);
    assert_int_equal(fake_kicks[1], 0);
    assert_int_equal(fake_kicks[2], 1);
    sched_wake(&b->unit); /* CPU 2 is spoken for */
    assert_int_equal(fake_kicks[0], 1);
    assert_int_equal(fake_kicks[2], 1);
    fake_set_cpu(1);
    assert_ptr_equal(sched_next(cpu_get(1)), NULL); /* a is resident elsewhere, b not for us */
    fake_set_cpu(0);
    assert_ptr_equal(sched_next(cpu_get(0)), &b->unit);
    fake_set_cpu(2);
    assert_ptr_equal(sched_next(cpu_get(2)), &a->unit);
}

/* A vCPU whose state sits under a task: an idle CPU asks for it and gets it by release. */
static void test_wants(void **state)
{
    struct sim_unit *v, *task;

    (void)state;
    start(2, SCHED_FAIR);
    v = add(sched_pool_default(), 256, ~0ull);
    task = &units[unit_count++];
    task->unit.kind = UNIT_TASK;
    assert_int_equal(sched_unit_init(&task->unit, sched_pool_default(), 256, BIT(0)), CORBEL_OK);
    sched_wake(&v->unit);
    assert_ptr_equal(sched_next(cpu_get(0)), &v->unit);
    assert_true(sched_block(&v->unit));
    sched_wake(&task->unit);
    assert_ptr_equal(sched_next(cpu_get(0)), &task->unit);
    fake_set_cpu(1);
    assert_null(sched_next(cpu_get(1)));
    assert_null(sched_wants(&cpu_get(1)->sched));
    fake_set_cpu(0);
    sched_wake(&v->unit);
    assert_int_equal(fake_kicks[1], 1);
    fake_set_cpu(1);
    assert_true(cpu_get(1)->sched.need_resched);
    assert_null(sched_next(cpu_get(1)));
    assert_false(cpu_get(1)->sched.need_resched);
    assert_ptr_equal(sched_wants(&cpu_get(1)->sched), &v->unit);
    fake_set_cpu(0);
    sched_release(&v->unit);
    assert_int_equal(fake_kicks[1], 2);
    fake_set_cpu(1);
    assert_ptr_equal(sched_next(cpu_get(1)), &v->unit);
    assert_null(sched_wants(&cpu_get(1)->sched));
}

/* The same when the task comes after the vCPU was queued for its own CPU. */
static void test_task_over_queued(void **state)
{
    struct sim_unit *v, *task;

    (void)state;
    start(2, SCHED_FAIR);
    v = add(sched_pool_default(), 256, ~0ull);
    task = &units[unit_count++];
    task->unit.kind = UNIT_TASK;
    assert_int_equal(sched_unit_init(&task->unit, sched_pool_default(), 256, BIT(0)), CORBEL_OK);
    sched_wake(&v->unit);
    assert_ptr_equal(sched_next(cpu_get(0)), &v->unit);
    fake_time += 50 * MS;
    assert_true(sched_block(&v->unit));
    assert_null(sched_next(cpu_get(0)));
    fake_set_cpu(1);
    assert_null(sched_next(cpu_get(1)));
    sched_wake(&v->unit); /* CPU 0 is kicked */
    assert_int_equal(fake_kicks[0], 1);
    task->unit.vruntime = 0;
    sched_wake(&task->unit);
    fake_set_cpu(0);
    if (sched_next(cpu_get(0)) == &task->unit) {
        assert_int_equal(fake_kicks[1], 1);
        fake_set_cpu(1);
        assert_null(sched_next(cpu_get(1)));
        assert_ptr_equal(sched_wants(&cpu_get(1)->sched), &v->unit);
    }
}

/* Woken behind the one that runs: no preemption, but its slice is watched from now on. */
static void test_wake_arms(void **state)
{
    struct sim_unit *a, *b;

    (void)state;
    start(1, SCHED_FAIR);
    a = add(sched_pool_default(), 256, ~0ull);
    b = add(sched_pool_default(), 256, ~0ull);
    sched_wake(&a->unit);
    assert_ptr_equal(sched_next(cpu_get(0)), &a->unit);
    sched_wake(&b->unit);
    assert_ptr_equal(sched_next(cpu_get(0)), &a->unit);
    fake_time += 4 * MS;
    assert_true(sched_block(&a->unit));
    assert_ptr_equal(sched_next(cpu_get(0)), &b->unit);
    assert_false(sched_should_yield(&cpu_get(0)->sched));
    assert_true(list_empty(&cpu_get(0)->timers.entries));
    sched_wake(&a->unit);
    assert_true(sched_should_yield(&cpu_get(0)->sched));
    assert_ptr_equal(sched_next(cpu_get(0)), &b->unit);
    assert_false(list_empty(&cpu_get(0)->timers.entries));
    fake_time += 5 * MS;
    assert_non_null(timer_expired(fake_time));
    assert_true(sched_should_yield(&cpu_get(0)->sched));
    assert_ptr_equal(sched_next(cpu_get(0)), &a->unit);
}

static void test_pause(void **state)
{
    struct sim_unit *a;

    (void)state;
    start(1, SCHED_FAIR);
    a = add(sched_pool_default(), 256, ~0ull);
    assert_null(sched_next(cpu_get(0)));
    sched_pause(&a->unit);
    sched_wake(&a->unit);
    assert_null(sched_next(cpu_get(0)));
    sched_unpause(&a->unit);
    assert_true(cpu_get(0)->sched.need_resched);
    assert_ptr_equal(sched_next(cpu_get(0)), &a->unit);
    sched_pause(&a->unit); /* while it runs here */
    assert_true(sched_should_yield(&cpu_get(0)->sched));
    assert_int_equal(fake_kicks[0], 0);
    assert_null(sched_next(cpu_get(0)));
    sched_unpause(&a->unit);
    assert_ptr_equal(sched_next(cpu_get(0)), &a->unit);
    sched_pause(&a->unit);
    sched_unpause(&a->unit); /* before its CPU looked: it goes on */
    assert_ptr_equal(sched_next(cpu_get(0)), &a->unit);
    sched_wake(&a->unit);
    assert_false(sched_block(&a->unit)); /* the wake is not lost */
    assert_true(sched_block(&a->unit));
    sched_wake(&a->unit);
    assert_ptr_equal(sched_next(cpu_get(0)), &a->unit);
}

static void test_yield(void **state)
{
    struct sim_unit *a, *b;

    (void)state;
    start(1, SCHED_FAIR);
    a = add(sched_pool_default(), 256, ~0ull);
    b = add(sched_pool_default(), 256, ~0ull);
    sched_wake(&a->unit);
    assert_ptr_equal(sched_next(cpu_get(0)), &a->unit);
    sched_wake(&b->unit);
    fake_kicks[0] = 0;
    assert_ptr_equal(sched_next(cpu_get(0)), &a->unit); /* its slice is not over */
    sched_yield_unit(&a->unit);
    assert_true(sched_should_yield(&cpu_get(0)->sched));
    assert_ptr_equal(sched_next(cpu_get(0)), &b->unit);
}

static void test_pools(void **state)
{
    struct sched_pool *pool;
    struct sched_unit u = { .kind = UNIT_VCPU };

    (void)state;
    start(4, SCHED_FAIR);
    assert_null(sched_pool_create(0, SCHED_FAIR));
    pool = sched_pool_create(BIT(2) | BIT(3), SCHED_NULL);
    assert_non_null(pool);
    assert_null(sched_pool_create(BIT(1) | BIT(3), SCHED_FAIR));
    assert_null(sched_pool_create(BIT(5), SCHED_FAIR));
    assert_int_equal(sched_pool_cpus(pool), BIT(2) | BIT(3));
    assert_int_equal(sched_pool_cpus(sched_pool_default()), BIT(0) | BIT(1));
    assert_int_equal(sched_pool_policy(pool), SCHED_NULL);
    assert_int_equal(sched_unit_init(&u, pool, 256, BIT(0)), ERR_INVAL);
    assert_int_equal(sched_unit_init(&u, pool, 0, BIT(2)), ERR_INVAL);
    assert_int_equal(sched_unit_init(&u, sched_pool_default(), 256, ~0ull), CORBEL_OK);
    assert_int_equal(u.affinity, BIT(0) | BIT(1));
}

static void test_null(void **state)
{
    struct sim_unit *a, *b, *task;
    struct sched_unit c = { .kind = UNIT_VCPU };

    (void)state;
    start(2, SCHED_NULL);
    a = add(sched_pool_default(), 256, ~0ull);
    b = add(sched_pool_default(), 256, BIT(1));
    assert_int_equal(sched_unit_init(&c, sched_pool_default(), 256, ~0ull), ERR_NOMEM);
    assert_non_null(strstr(fake_log, "sched=null"));
    assert_int_equal(a->unit.affinity, BIT(0));
    for (u32 i = 0; i < 2; i++) {
        fake_set_cpu(i);
        assert_null(sched_next(cpu_get(i)));
    }
    sched_wake(&a->unit);
    assert_int_equal(fake_kicks[0], 1);
    fake_set_cpu(0);
    assert_ptr_equal(sched_next(cpu_get(0)), &a->unit);
    assert_ptr_equal(sched_next(cpu_get(0)), &a->unit);
    assert_true(list_empty(&cpu_get(0)->timers.entries));
    sched_wake(&a->unit);
    assert_false(sched_block(&a->unit));
    assert_true(sched_block(&a->unit));
    sched_wake(&a->unit); /* between block and next */
    assert_ptr_equal(sched_next(cpu_get(0)), &a->unit);

    /* A task takes the CPU that idles, and leaves it to the vCPU that owns it. */
    task = &units[unit_count++];
    task->unit.kind = UNIT_TASK;
    assert_int_equal(sched_unit_init(&task->unit, sched_pool_default(), 256, ~0ull), CORBEL_OK);
    sched_wake(&task->unit);
    assert_int_equal(fake_kicks[1], 1);
    fake_set_cpu(1);
    assert_ptr_equal(sched_next(cpu_get(1)), &task->unit);
    fake_set_cpu(0);
    sched_wake(&b->unit);
    assert_int_equal(fake_kicks[1], 2);
    fake_set_cpu(1);
    assert_ptr_equal(sched_next(cpu_get(1)), &b->unit);
    fake_set_cpu(0);
    sched_pause(&a->unit);
    assert_ptr_equal(sched_next(cpu_get(0)), &task->unit);
    sched_unpause(&a->unit);
    assert_true(sched_should_yield(&cpu_get(0)->sched));
    assert_ptr_equal(sched_next(cpu_get(0)), &a->unit);
    sched_pause(&b->unit); /* on CPU 1, from CPU 0 */
    assert_int_equal(fake_kicks[1], 3);
    fake_set_cpu(1);
    assert_ptr_equal(sched_next(cpu_get(1)), &task->unit);
    sched_unit_remove(&b->unit);
    assert_int_equal(sched_unit_init(&c, sched_pool_default(), 256, ~0ull), CORBEL_OK);
}

static void test_null_random(void **state)
{
    (void)state;
    start(4, SCHED_NULL);
    for (u32 i = 0; i < 4; i++)
        add(sched_pool_default(), 256, ~0ull);
    advance(2000 * MS, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_on_one),    cmocka_unit_test(test_weights),
        cmocka_unit_test(test_three_on_two),  cmocka_unit_test(test_late_comer),
        cmocka_unit_test(test_no_starvation), cmocka_unit_test(test_no_tick_alone),
        cmocka_unit_test(test_random),        cmocka_unit_test(test_wake_choice),
        cmocka_unit_test(test_wants),         cmocka_unit_test(test_task_over_queued),
        cmocka_unit_test(test_wake_arms),     cmocka_unit_test(test_pause),
        cmocka_unit_test(test_yield),         cmocka_unit_test(test_pools),
        cmocka_unit_test(test_null),          cmocka_unit_test(test_null_random),
    };

    return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single steps of the fair policy: which CPU looks after a wake, state that sits elsewhere, pauses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"
#include "sim_sched.h"

#include <corbel/bits.h>
#include <corbel/cpu.h>
#include <corbel/sched.h>
#include <corbel/sched_pool.h>

static void test_wake_choice(void **state)
{
    struct sim_unit *a, *b;

    (void)state;
    sim_start(3, SCHED_FAIR);
    for (u32 i = 0; i < 3; i++) {
        fake_set_cpu(i);
        assert_null(sched_next(cpu_get(i)));
    }
    a = sim_add(sched_pool_default(), 256, ~0ull);
    b = sim_add(sched_pool_default(), 256, BIT(0) | BIT(2));
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
    sim_start(2, SCHED_FAIR);
    v = sim_add(sched_pool_default(), 256, ~0ull);
    task = sim_add_task(BIT(0));
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
    sim_start(2, SCHED_FAIR);
    v = sim_add(sched_pool_default(), 256, ~0ull);
    task = sim_add_task(BIT(0));
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
    sim_start(1, SCHED_FAIR);
    a = sim_add(sched_pool_default(), 256, ~0ull);
    b = sim_add(sched_pool_default(), 256, ~0ull);
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
    sim_start(1, SCHED_FAIR);
    a = sim_add(sched_pool_default(), 256, ~0ull);
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
    sim_start(1, SCHED_FAIR);
    a = sim_add(sched_pool_default(), 256, ~0ull);
    b = sim_add(sched_pool_default(), 256, ~0ull);
    sched_wake(&a->unit);
    assert_ptr_equal(sched_next(cpu_get(0)), &a->unit);
    sched_wake(&b->unit);
    fake_kicks[0] = 0;
    assert_ptr_equal(sched_next(cpu_get(0)), &a->unit); /* its slice is not over */
    sched_yield_unit(&a->unit);
    assert_true(sched_should_yield(&cpu_get(0)->sched));
    assert_ptr_equal(sched_next(cpu_get(0)), &b->unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wake_choice),
        cmocka_unit_test(test_wants),
        cmocka_unit_test(test_task_over_queued),
        cmocka_unit_test(test_wake_arms),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_yield),
    };

    return cmocka_run_group_tests_name("sched_wake", tests, NULL, NULL);
}

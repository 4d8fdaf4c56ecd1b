/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fake_core.h"

#include <corbel/cpu.h>
#include <corbel/timer.h>

static int setup(void **state)
{
    (void)state;
    fake_reset(4);
    for (u32 i = 0; i < 4; i++)
        timer_queue_init(&cpu_get(i)->timers, i);
    return 0;
}

static void test_order(void **state)
{
    struct timer_entry e[4];
    const u64 deadlines[4] = { 300, 100, 200, 100 };

    (void)state;
    for (u32 i = 0; i < 4; i++) {
        timer_entry_init(&e[i], TIMER_VTIMER, NULL);
        assert_false(timer_is_set(&e[i]));
        timer_set(&e[i], deadlines[i]);
        assert_true(timer_is_set(&e[i]));
    }
    assert_int_equal(fake_deadline, 100);
    assert_null(timer_expired(99));
    assert_int_equal(fake_deadline, 100);
    assert_ptr_equal(timer_expired(100), &e[1]); /* equals: first come, first served */
    assert_ptr_equal(timer_expired(100), &e[3]);
    assert_null(timer_expired(100));
    assert_int_equal(fake_deadline, 200);
    assert_ptr_equal(timer_expired(1000), &e[2]);
    assert_ptr_equal(timer_expired(1000), &e[0]);
    assert_null(timer_expired(1000));
    assert_true(fake_deadline == ~0ull);
}

static void test_move_and_cancel(void **state)
{
    struct timer_entry a, b;

    (void)state;
    timer_entry_init(&a, TIMER_SLICE, NULL);
    timer_entry_init(&b, TIMER_SLICE, NULL);
    timer_set(&a, 50);
    timer_set(&b, 70);
    timer_set(&a, 90); /* same queue, later: hardware goes to b */
    assert_int_equal(fake_deadline, 70);
    timer_cancel(&b);
    assert_int_equal(fake_deadline, 90);
    timer_cancel(&b); /* idle: harmless */

    fake_set_cpu(2);
    timer_set(&a, 40); /* moves from CPU 0 */
    assert_ptr_equal(a.queue, &cpu_get(2)->timers);
    assert_true(list_empty(&cpu_get(0)->timers.entries));
    assert_int_equal(fake_deadline, 40);

    fake_set_cpu(1);
    timer_cancel(&a); /* from a third CPU */
    assert_false(timer_is_set(&a));
    assert_true(list_empty(&cpu_get(2)->timers.entries));
    fake_set_cpu(2);
    assert_null(timer_expired(1000));
    assert_true(fake_deadline == ~0ull);
}

/* Deadlines across the counter's wrap keep their order. */
static void test_wrap(void **state)
{
    struct timer_entry a, b;

    (void)state;
    timer_entry_init(&a, TIMER_PTIMER, NULL);
    timer_entry_init(&b, TIMER_PTIMER, NULL);
    timer_set(&b, 5);
    timer_set(&a, ~0ull - 5);
    assert_true(fake_deadline == ~0ull - 5);
    assert_null(timer_expired(~0ull - 6));
    assert_ptr_equal(timer_expired(~0ull), &a);
    assert_null(timer_expired(~0ull));
    assert_ptr_equal(timer_expired(6), &b);
}

/* Against an array, with random operations from random CPUs. */
static void test_model(void **state)
{
    static struct timer_entry e[32];
    struct {
        bool set;
        u32 cpu;
        u64 deadline;
    } model[32] = { 0 };

    (void)state;
    srand(7);
    for (u32 i = 0; i < 32; i++)
        timer_entry_init(&e[i], TIMER_VTIMER, &e[i]);
    for (u32 step = 0; step < 20000; step++) {
        u32 i = (u32)rand() % 32, cpu = (u32)rand() % 4;
        struct timer_entry *got;
        u64 best = ~0ull;

        fake_set_cpu(cpu);
        switch (rand() % 3) {
        case 0:
            model[i].set = true;
            model[i].cpu = cpu;
            model[i].deadline = (u64)step + (u64)(rand() % 100);
            timer_set(&e[i], model[i].deadline);
            break;
        case 1:
            model[i].set = false;
            timer_cancel(&e[i]);
            break;
        default:
            for (u32 k = 0; k < 32; k++)
                if (model[k].set && model[k].cpu == cpu && model[k].deadline < best)
                    best = model[k].deadline;
            got = timer_expired(step);
            if (best > step) {
                assert_null(got);
                assert_true(fake_deadline == best);
            } else {
                assert_non_null(got);
                assert_int_equal(got->deadline, best);
                model[got - e].set = false;
            }
        }
        for (u32 k = 0; k < 32; k++)
            assert_int_equal(timer_is_set(&e[k]), model[k].set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_order, setup),
        cmocka_unit_test_setup(test_move_and_cancel, setup),
        cmocka_unit_test_setup(test_wrap, setup),
        cmocka_unit_test_setup(test_model, setup),
    };

    return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}

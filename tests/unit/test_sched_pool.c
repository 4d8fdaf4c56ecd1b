/* SPDX-License-Identifier: Apache-2.0 */
/* Pools, and the null policy with its one vCPU per CPU. */
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

static void test_pools(void **state)
{
    struct sched_pool *pool;
    struct sched_unit u = { .kind = UNIT_VCPU };

    (void)state;
    sim_start(4, SCHED_FAIR);
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
    sim_start(2, SCHED_NULL);
    a = sim_add(sched_pool_default(), 256, ~0ull);
    b = sim_add(sched_pool_default(), 256, BIT(1));
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
    task = sim_add_task(~0ull);
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
    sim_start(4, SCHED_NULL);
    for (u32 i = 0; i < 4; i++)
        sim_add(sched_pool_default(), 256, ~0ull);
    sim_advance(2000 * MS, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pools),
        cmocka_unit_test(test_null),
        cmocka_unit_test(test_null_random),
    };

    return cmocka_run_group_tests_name("sched_pool", tests, NULL, NULL);
}

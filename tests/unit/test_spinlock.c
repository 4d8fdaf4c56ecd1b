/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ticket locks: exclusion between threads, and the rank checks of a debug build.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <threads.h>

#include "fake_core.h"

#include <arch/spinlock.h>
#include <corbel/compiler.h>
#include <corbel/cpu.h>

static spinlock_t shared = SPINLOCK_INIT(RANK_LOG);
static u64 counter;

static int setup(void **state)
{
    fake_reset(2);
    return 0;
}

static int worker(void *arg)
{
    u32 i;

    for (i = 0; i < 20000; i++) {
        if (i % 4 == 0) {
            while (!spin_trylock(&shared))
                ;
        } else {
            spin_lock(&shared);
        }
        counter++;
        spin_unlock(&shared);
    }
    return 0;
}

/* Without a current CPU, as early at boot: no ranks are kept, so threads may share it. */
static void exclusion(void **state)
{
    thrd_t t[3];
    u32 i;

    fake_cpu = NULL;
    for (i = 0; i < 3; i++)
        assert_int_equal(thrd_create(&t[i], worker, NULL), thrd_success);
    for (i = 0; i < 3; i++)
        thrd_join(t[i], NULL);
    assert_int_equal(counter, 60000);
    worker(NULL); /* the 16-bit tickets wrap */
    assert_int_equal(counter, 80000);
    assert_false(spin_is_locked(&shared));
}

static void try_and_state(void **state)
{
    spinlock_t lock;

    spin_lock_init(&lock, RANK_PAGE);
    assert_true(spin_trylock(&lock));
    assert_true(spin_is_locked(&lock));
    assert_false(spin_trylock(&lock));
    spin_unlock(&lock);
    assert_false(spin_is_locked(&lock));
    assert_int_equal(fake_cpu->lock_depth, 0);
}

static void order_is_checked(void **state)
{
    spinlock_t domain, page, page2, log;

    if (!IS_ENABLED(CONFIG_DEBUG))
        skip();
    spin_lock_init(&domain, RANK_DOMAIN);
    spin_lock_init(&page, RANK_PAGE);
    spin_lock_init(&page2, RANK_PAGE);
    spin_lock_init(&log, RANK_LOG);
    spin_lock(&domain);
    spin_lock(&page);
    spin_lock(&log);
    spin_unlock(&log);
    expect_assert_failure(spin_lock(&domain)); /* lower, and held: taken twice */
    fake_cpu->lock_depth = 2;
    expect_assert_failure(spin_lock(&page2)); /* equal */
    fake_cpu->lock_depth = 2;
    spin_lock_nested(&page2);
    spin_unlock(&domain); /* out of order is fine */
    assert_int_equal(fake_cpu->lock_depth, 2);
    assert_int_equal(fake_cpu->lock_rank[0], RANK_PAGE);
    assert_int_equal(fake_cpu->lock_rank[1], RANK_PAGE);
    spin_unlock(&page2);
    spin_unlock(&page);
    assert_int_equal(fake_cpu->lock_depth, 0);
    assert_true(spin_trylock(&log));
    fake_set_cpu(1); /* another CPU holds nothing */
    spin_lock(&domain);
    spin_unlock(&domain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(exclusion, setup),
        cmocka_unit_test_setup(try_and_state, setup),
        cmocka_unit_test_setup(order_is_checked, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

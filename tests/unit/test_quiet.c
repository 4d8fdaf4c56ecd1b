/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quiet rounds: whom they kick, when they are over, rounds that overlap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fake_core.h>

#include <corbel/cpu.h>
#include <corbel/quiet.h>

static void note_on(u32 cpu)
{
    u32 here = cpu_this()->id;

    fake_set_cpu(cpu);
    quiet_note();
    fake_set_cpu(here);
}

static void waits_for_all_others(void **state)
{
    u64 round;

    fake_reset(4);
    fake_set_cpu(2);
    note_on(0); /* before the round: does not count */
    round = quiet_begin();
    for (u32 i = 0; i < 4; i++)
        assert_int_equal(fake_kicks[i], i != 2);
    assert_false(quiet_is_over(round));
    note_on(0);
    note_on(1);
    assert_false(quiet_is_over(round));
    note_on(3);
    assert_true(quiet_is_over(round));
    assert_true(quiet_is_over(round));
}

static void alone(void **state)
{
    fake_reset(1);
    assert_true(quiet_is_over(quiet_begin()));
    assert_int_equal(fake_kicks[0], 0);
}

/* A later round is over only with notes after it; they end an earlier one, too. */
static void rounds_overlap(void **state)
{
    u64 first, second;

    fake_reset(3);
    first = quiet_begin();
    note_on(1);
    second = quiet_begin();
    note_on(2);
    assert_true(quiet_is_over(first));
    assert_false(quiet_is_over(second));
    note_on(1);
    assert_true(quiet_is_over(second));
}

/* The CPU that began may sleep when the next question comes from another one: no kick for it. */
static void asked_elsewhere(void **state)
{
    u64 round;

    fake_reset(3);
    round = quiet_begin();
    note_on(1);
    fake_set_cpu(2);
    assert_true(quiet_is_over(round));
    fake_set_cpu(1);
    assert_false(quiet_is_over(round));
    note_on(2);
    assert_true(quiet_is_over(round));
}

/* A CPU that never started, or stopped because it came late, is not waited for. */
static void skips_what_is_offline(void **state)
{
    u64 round;

    fake_reset(3);
    cpu_get(1)->online = false;
    round = quiet_begin();
    note_on(2);
    assert_true(quiet_is_over(round));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_for_all_others),  cmocka_unit_test(alone),
        cmocka_unit_test(rounds_overlap),        cmocka_unit_test(asked_elsewhere),
        cmocka_unit_test(skips_what_is_offline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

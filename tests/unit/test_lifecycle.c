/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes after each kind of end under each policy, and the window of the restart limit:
 * its borders, its sliding, limits larger than the memory, counts beyond it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <corbel/lifecycle.h>

#define S 1000000000ull

static struct lifecycle l;
static struct domcfg cfg;
static struct lifecycle_text line;

static int setup(void **state)
{
    l = (struct lifecycle){ .started = true };
    cfg = (struct domcfg){ .restarts_max = 3, .restarts_seconds = 60 };
    return 0;
}

static enum domcfg_action end(enum shutdown_reason reason, u64 now)
{
    return lifecycle_decide(&l, &cfg, reason, now, &line);
}

static void test_default_halts(void **state)
{
    assert_int_equal(end(SHUTDOWN_POWEROFF, 1), ACTION_HALT);
    assert_string_equal(line.text, "powered off: halted");
    assert_int_equal(end(SHUTDOWN_RESET, 1), ACTION_HALT);
    assert_string_equal(line.text, "reset: halted");
    assert_int_equal(end(SHUTDOWN_CRASH, 1), ACTION_HALT);
    assert_string_equal(line.text, "crashed: halted");
    assert_int_equal(end(SHUTDOWN_REBUILD, 1), ACTION_HALT);
    assert_string_equal(line.text, "debug key: halted");
    assert_int_equal(end(SHUTDOWN_NONE, 1), ACTION_HALT);
    assert_string_equal(line.text, "");
    assert_false(lifecycle_may_restart(&cfg));
}

static void test_each_policy(void **state)
{
    cfg.on_reboot = ACTION_RESTART;
    cfg.on_crash = ACTION_HOST_RESET;
    assert_true(lifecycle_may_restart(&cfg));
    assert_int_equal(end(SHUTDOWN_RESET, 1), ACTION_RESTART);
    assert_string_equal(line.text, "reset: restart 1, 1 of at most 3 in 60 s");
    assert_int_equal(end(SHUTDOWN_CRASH, 1), ACTION_HOST_RESET);
    assert_string_equal(line.text, "crashed: the machine is reset");
    assert_int_equal(end(SHUTDOWN_POWEROFF, 1), ACTION_HALT);
    cfg.on_reboot = ACTION_HOST_RESET;
    cfg.on_crash = ACTION_RESTART;
    assert_true(lifecycle_may_restart(&cfg));
    assert_int_equal(end(SHUTDOWN_RESET, 1), ACTION_HOST_RESET);
    assert_int_equal(end(SHUTDOWN_CRASH, 1), ACTION_RESTART);
    cfg.on_crash = ACTION_HOST_RESET;
    assert_false(lifecycle_may_restart(&cfg));
    assert_int_equal(end(SHUTDOWN_REBUILD, 1), ACTION_HALT);
}

/* There is nothing yet that it could be started from again; the machine may be reset. */
static void test_before_the_first_start(void **state)
{
    l.started = false;
    cfg.on_reboot = ACTION_RESTART;
    cfg.on_crash = ACTION_RESTART;
    assert_int_equal(end(SHUTDOWN_CRASH, 1), ACTION_HALT);
    assert_string_equal(line.text, "crashed: halted: it had never started");
    assert_int_equal(end(SHUTDOWN_REBUILD, 1), ACTION_HALT);
    assert_string_equal(line.text, "debug key: halted: it had never started");
    assert_int_equal(l.counted + l.restarts, 0);
    cfg.on_crash = ACTION_HOST_RESET;
    assert_int_equal(end(SHUTDOWN_CRASH, 1), ACTION_HOST_RESET);
}

static void test_limit(void **state)
{
    cfg.on_crash = ACTION_RESTART;
    for (u32 i = 0; i < 3; i++)
        assert_int_equal(end(SHUTDOWN_CRASH, i * S), ACTION_RESTART);
    assert_string_equal(line.text, "crashed: restart 3, 3 of at most 3 in 60 s");
    assert_int_equal(end(SHUTDOWN_CRASH, 3 * S), ACTION_HALT);
    assert_string_equal(line.text, "crashed: halted: restarted 3 times in 60 s");
    assert_int_equal(l.restarts, 3);
}

static void test_window_slides(void **state)
{
    cfg.on_reboot = cfg.on_crash = ACTION_RESTART;
    assert_int_equal(end(SHUTDOWN_RESET, 0), ACTION_RESTART);
    assert_int_equal(end(SHUTDOWN_CRASH, 30 * S), ACTION_RESTART); /* both kinds count */
    assert_int_equal(end(SHUTDOWN_RESET, 59 * S), ACTION_RESTART);
    assert_int_equal(end(SHUTDOWN_RESET, 60 * S - 1), ACTION_HALT);
    assert_int_equal(end(SHUTDOWN_RESET, 60 * S), ACTION_RESTART); /* the first is 60 s old */
    assert_int_equal(end(SHUTDOWN_RESET, 90 * S - 1), ACTION_HALT);
    assert_int_equal(end(SHUTDOWN_RESET, 90 * S), ACTION_RESTART);
    assert_int_equal(l.counted, 5);
}

static void test_far_apart(void **state)
{
    cfg.on_reboot = ACTION_RESTART;
    for (u64 i = 0; i < 3 * LIFECYCLE_TIMES; i++)
        assert_int_equal(end(SHUTDOWN_RESET, i * 20 * S), ACTION_RESTART);
    assert_string_equal(line.text, "reset: restart 192, 3 of at most 3 in 60 s");
}

static void test_debug_key_is_free(void **state)
{
    cfg.on_crash = ACTION_RESTART;
    for (u32 i = 0; i < 200; i++)
        assert_int_equal(end(SHUTDOWN_REBUILD, i), ACTION_RESTART);
    assert_string_equal(line.text, "debug key: restart 200");
    assert_int_equal(end(SHUTDOWN_CRASH, 200), ACTION_RESTART);
    assert_string_equal(line.text, "crashed: restart 201, 1 of at most 3 in 60 s");
}

static void test_memory_is_enough(void **state)
{
    cfg.on_reboot = ACTION_RESTART;
    cfg.restarts_max = LIFECYCLE_TIMES;
    for (u32 i = 0; i < LIFECYCLE_TIMES; i++)
        assert_int_equal(end(SHUTDOWN_RESET, i), ACTION_RESTART);
    assert_int_equal(end(SHUTDOWN_RESET, 60 * S - 1), ACTION_HALT);
    assert_int_equal(end(SHUTDOWN_RESET, 60 * S), ACTION_RESTART);
}

/* 6400 in a day are held as 64 in 864 s. */
static void test_larger_limits(void **state)
{
    cfg.on_reboot = ACTION_RESTART;
    cfg.restarts_max = 6400;
    cfg.restarts_seconds = 86400;
    for (u32 i = 0; i < LIFECYCLE_TIMES; i++)
        assert_int_equal(end(SHUTDOWN_RESET, 0), ACTION_RESTART);
    assert_int_equal(end(SHUTDOWN_RESET, 864 * S - 1), ACTION_HALT);
    assert_int_equal(end(SHUTDOWN_RESET, 864 * S), ACTION_RESTART);
    cfg.restarts_max = 65535;
    cfg.restarts_seconds = 1;
    assert_int_equal(end(SHUTDOWN_RESET, 900 * S), ACTION_RESTART);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_default_halts, setup),
        cmocka_unit_test_setup(test_each_policy, setup),
        cmocka_unit_test_setup(test_before_the_first_start, setup),
        cmocka_unit_test_setup(test_limit, setup),
        cmocka_unit_test_setup(test_window_slides, setup),
        cmocka_unit_test_setup(test_far_apart, setup),
        cmocka_unit_test_setup(test_debug_key_is_free, setup),
        cmocka_unit_test_setup(test_memory_is_enough, setup),
        cmocka_unit_test_setup(test_larger_limits, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

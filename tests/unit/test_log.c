/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log ring: format, levels, falling behind, the limit on lines that guests cause.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"

#include <arch/spinlock.h>
#include <corbel/cpu.h>
#include <corbel/log.h>

static u64 pos;
static u32 wakes;

static void wake(void)
{
    wakes++;
    assert_int_equal(fake_cpu->lock_depth, 0); /* the ring is not locked in here */
}

static int setup(void **state)
{
    fake_reset(1);
    pos = log_head();
    wakes = 0;
    log_set_wake(wake);
    log_set_level(LOG_INFO);
    return 0;
}

static const char *read_all(void)
{
    static char buf[40000];
    size_t count = log_read(&pos, buf, sizeof(buf) - 1);

    buf[count] = 0;
    return buf;
}

static void format_and_levels(void **state)
{
    fake_time = 12345678901234;
    log_err("a %d", 1);
    log_info("b");
    log_debug("not shown");
    assert_string_equal(read_all(), "[12345.678901] a 1\n[12345.678901] b\n");
    assert_int_equal(wakes, 2);
    fake_time = 42000;
    log_set_level(LOG_ERR);
    log_warn("dropped");
    log_err("x");
    assert_string_equal(read_all(), "[   0.000042] x\n");
}

static void long_line_is_cut(void **state)
{
    char text[1000];

    memset(text, 'x', sizeof(text) - 1);
    text[999] = 0;
    log_err("%s", text);
    assert_int_equal(strlen(read_all()), 14 + 255 + 1);
}

static void reader_falls_behind(void **state)
{
    u64 start = pos;
    const char *text;
    u32 i;

    for (i = 0; i < 1000; i++)
        log_err("line number %u of a good length", i);
    text = read_all();
    assert_int_equal(strlen(text), 16384);
    assert_non_null(strstr(text, "line number 999 of a good length\n"));
    assert_null(strstr(text, "line number 10 of"));
    assert_true(pos > start + 16384);
    assert_string_equal(read_all(), "");
    assert_int_equal(log_head(), pos);
}

static void small_reads(void **state)
{
    char c, all[32] = "";
    size_t n = 0;

    log_err("abc");
    while (n < 31 && log_read_unlocked(&pos, &c, 1))
        all[n++] = c;
    assert_string_equal(all, "[   0.000000] abc\n");
}

/* What a tree or a guest has named reaches the log as it was: a terminal must not obey it. */
static void control_characters(void **state)
{
    log_err("command line: %s", "a\033[2Jb\r\nc\177\200~");
    assert_string_equal(read_all(), "[   0.000000] command line: a?[2Jb??c??~\n");
}

static void limit(void **state)
{
    struct log_limit l = { 0 };
    u32 i, ok = 0;

    fake_time = 5000000000;
    for (i = 0; i < 100; i++)
        ok += log_limit_ok(&l, "domU1");
    assert_int_equal(ok, 10);
    assert_non_null(
        strstr(read_all(), "] domU1: more messages like this are suppressed for up to 1 s\n"));
    fake_time += 1000000000;
    assert_true(log_limit_ok(&l, "domU1"));
    assert_non_null(strstr(read_all(), "domU1: 90 messages were suppressed\n"));
    fake_time += 1000000000;
    assert_true(log_limit_ok(&l, "domU1"));
    assert_string_equal(read_all(), "");
}

/* A window of a minute, and an end in the middle of one. */
static void limit_of_a_minute(void **state)
{
    struct log_limit l = { .seconds = 60 };
    u32 i, ok = 0;

    fake_time = 5000000000;
    for (i = 0; i < 50; i++, fake_time += 1000000000)
        ok += log_limit_ok(&l, "domU1");
    assert_int_equal(ok, LOG_LIMIT_BURST);
    assert_non_null(strstr(read_all(), "suppressed for up to 60 s\n"));
    log_limit_end(&l, "domU1");
    assert_non_null(strstr(read_all(), "domU1: 40 messages were suppressed\n"));
    log_limit_end(&l, "domU1");
    assert_string_equal(read_all(), "");
    assert_int_equal(l.seconds, 60);
    assert_true(log_limit_ok(&l, "domU1"));
    assert_string_equal(read_all(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(format_and_levels, setup),
        cmocka_unit_test_setup(long_line_is_cut, setup),
        cmocka_unit_test_setup(reader_falls_behind, setup),
        cmocka_unit_test_setup(small_reads, setup),
        cmocka_unit_test_setup(control_characters, setup),
        cmocka_unit_test_setup(limit, setup),
        cmocka_unit_test_setup(limit_of_a_minute, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

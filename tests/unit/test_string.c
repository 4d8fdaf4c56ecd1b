/* SPDX-License-Identifier: Apache-2.0 */
/*
 * string.c replaces the C library's functions in this program, str.c adds the project's
 * own. Each is compared with byte loops over all small sizes, offsets and overlaps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <corbel/err.h>
#include <corbel/string.h>
#include <corbel/types.h>

/* Through pointers, or the compiler would answer for constant arguments itself. */
static void *(*volatile memcpy_)(void *, const void *, size_t) = memcpy;
static void *(*volatile memmove_)(void *, const void *, size_t) = memmove;
static void *(*volatile memset_)(void *, int, size_t) = memset;
static int (*volatile memcmp_)(const void *, const void *, size_t) = memcmp;
static void *(*volatile memchr_)(const void *, int, size_t) = memchr;
static size_t (*volatile strlen_)(const char *) = strlen;
static size_t (*volatile strnlen_)(const char *, size_t) = strnlen;
static int (*volatile strcmp_)(const char *, const char *) = strcmp;
static int (*volatile strncmp_)(const char *, const char *, size_t) = strncmp;
static char *(*volatile strchr_)(const char *, int) = strchr;
static char *(*volatile strrchr_)(const char *, int) = strrchr;

static u8 a[256], b[256], want[256];

static void fill(void)
{
    u32 i;

    for (i = 0; i < 256; i++) {
        a[i] = (u8)(i * 7 + 1);
        b[i] = (u8)(i * 13 + 5);
        want[i] = b[i];
    }
}

static void same(const u8 *x, const u8 *y)
{
    u32 i;

    for (i = 0; i < 256; i++) {
        if (x[i] != y[i])
            fail_msg("byte %u: %x, expected %x", i, x[i], y[i]);
    }
}

static void copy_and_set(void **state)
{
    u32 d, s, n, i;

    for (d = 0; d < 17; d++)
        for (s = 0; s < 17; s++)
            for (n = 0; n < 70; n++) {
                fill();
                for (i = 0; i < n; i++)
                    want[d + i] = a[s + i];
                assert_ptr_equal(memcpy_(b + d, a + s, n), b + d);
                same(b, want);
                for (i = 0; i < n; i++)
                    want[d + i] = (u8)(s + 200);
                assert_ptr_equal(memset_(b + d, (int)(s + 200) | 0x500, n), b + d);
                same(b, want);
            }
}

static void overlapping_move(void **state)
{
    u32 d, s, n, i;

    for (d = 0; d < 40; d++)
        for (s = 0; s < 40; s++)
            for (n = 0; n < 70; n++) {
                fill();
                for (i = 0; i < n; i++)
                    want[d + i] = (u8)((s + i) * 13 + 5);
                assert_ptr_equal(memmove_(b + d, b + s, n), b + d);
                same(b, want);
            }
}

static void compare_and_find(void **state)
{
    assert_true(memcmp_("abc", "abd", 3) < 0);
    assert_true(memcmp_("ab\xff", "ab\1", 3) > 0);
    assert_int_equal(memcmp_("abc", "abd", 2), 0);
    assert_int_equal(memcmp_("a", "b", 0), 0);
    fill();
    assert_ptr_equal(memchr_(a, a[9], 100), a + 9);
    assert_null(memchr_(a, a[9], 9));
    assert_int_equal(strlen_(""), 0);
    assert_int_equal(strlen_("hello"), 5);
    assert_int_equal(strnlen_("hello", 3), 3);
    assert_int_equal(strnlen_("hi", 10), 2);
    assert_int_equal(strcmp_("same", "same"), 0);
    assert_true(strcmp_("a", "ab") < 0);
    assert_true(strcmp_("\xe0", "a") > 0);
    assert_int_equal(strncmp_("abcd", "abxy", 2), 0);
    assert_true(strncmp_("abcd", "abxy", 3) < 0);
    assert_int_equal(strncmp_("ab", "ab", 9), 0);
}

static void characters(void **state)
{
    const char *s = "path/to/file";

    assert_ptr_equal(strchr_(s, '/'), s + 4);
    assert_ptr_equal(strrchr_(s, '/'), s + 7);
    assert_null(strchr_(s, 'z'));
    assert_null(strrchr_(s, 'z'));
    assert_ptr_equal(strchr_(s, 0), s + 12);
    assert_ptr_equal(strrchr_(s, 0), s + 12);
}

static void own_helpers(void **state)
{
    char buf[4], dirty[] = " a~\x1b[2J\n\x7f\x80\xff";

    str_clean(dirty);
    assert_string_equal(dirty, " a~?[2J????");
    assert_true(str_copy(buf, "abc", 4));
    assert_string_equal(buf, "abc");
    assert_false(str_copy(buf, "abcd", 4));
    assert_string_equal(buf, "abc");
    assert_false(str_copy(buf, "x", 0));
    assert_true(str_starts("dtuart=x", "dtuart="));
    assert_true(str_starts("x", ""));
    assert_false(str_starts("dt", "dtuart"));
    assert_true(str_matches("arm,gic-400", "arm,gic*"));
    assert_true(str_matches("arm,gic", "arm,gic*"));
    assert_true(str_matches("arm,gic", "arm,gic"));
    assert_true(str_matches("", "*"));
    assert_false(str_matches("arm,gi", "arm,gic*"));
    assert_false(str_matches("arm,gic-400", "arm,gic"));
    assert_false(str_matches("arm,gic", "arm,gic-400"));
    assert_false(str_matches("abc", "a*c"));
}

static void number(const char *s, int err, u64 value, u32 used)
{
    const char *p = s;
    u64 out = 77;

    assert_int_equal(str_to_u64(&p, &out), err);
    assert_true(out == (err == CORBEL_OK ? value : 77));
    assert_ptr_equal(p, s + used);
}

static void numbers(void **state)
{
    number("0", CORBEL_OK, 0, 1);
    number("123k", CORBEL_OK, 123, 3);
    number("0x1fG", CORBEL_OK, 0x1f, 4);
    number("0XABCDEF", CORBEL_OK, 0xabcdef, 8);
    number("18446744073709551615", CORBEL_OK, ~0ull, 20);
    number("18446744073709551616", ERR_RANGE, 0, 0);
    number("0xffffffffffffffff", CORBEL_OK, ~0ull, 18);
    number("0x10000000000000000", ERR_RANGE, 0, 0);
    number("", ERR_FORMAT, 0, 0);
    number("0x", ERR_FORMAT, 0, 0);
    number("-1", ERR_FORMAT, 0, 0);
    number(" 1", ERR_FORMAT, 0, 0);
}

static void error_names(void **state)
{
    assert_string_equal(err_name(CORBEL_OK), "OK");
    assert_string_equal(err_name(ERR_NOMEM), "ERR_NOMEM");
    assert_string_equal(err_name(ERR_IO), "ERR_IO");
    assert_string_equal(err_name((enum corbel_err) - 13), "ERR_UNKNOWN");
    assert_string_equal(err_name((enum corbel_err)5), "ERR_UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copy_and_set),     cmocka_unit_test(overlapping_move),
        cmocka_unit_test(compare_and_find), cmocka_unit_test(characters),
        cmocka_unit_test(own_helpers),      cmocka_unit_test(numbers),
        cmocka_unit_test(error_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

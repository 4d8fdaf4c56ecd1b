/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formatter against the C library's, for everything both know.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <corbel/printf.h>
#include <corbel/types.h>

/* The formats are built at run time: nothing for the compiler to check. */
static void check(const char *fmt, ...)
{
    char want[256], got[256];
    va_list ap;
    int a, b;

    va_start(ap, fmt);
    a = vsnprintf(want, sizeof(want), fmt, ap);
    va_end(ap);
    va_start(ap, fmt);
    b = fmt_vsnprintf(got, sizeof(got), fmt, ap);
    va_end(ap);
    assert_string_equal(got, want);
    assert_int_equal(a, b);
}

static void integers(void **state)
{
    static const char *const flags[] = { "", "-", "0", "+", "#", "-0", "0#", "-#", "+0" };
    static const char *const widths[] = { "", "1", "7", "20", ".0", ".3", "9.4", "30.20" };
    static const char *const letters[] = { "d", "i", "u", "x", "X" };
    static const u64 values[] = { 0,          1,          9,          127,
                                  128,        255,        256,        65535,
                                  0x7fffffff, 0x80000000, 0xffffffff, 0x123456789abcdef0,
                                  ~0ull,      1ull << 63 };
    char fmt[32];
    u32 f, w, l, v;

    for (f = 0; f < 9; f++)
        for (w = 0; w < 8; w++)
            for (l = 0; l < 5; l++)
                for (v = 0; v < 14; v++) {
                    /* "+" with unsigned, "#" with decimal: the C library has no meaning either */
                    if (flags[f][0] == '+' && l > 1)
                        continue;
                    snprintf(fmt, sizeof(fmt), "%%%s%s%s", flags[f], widths[w], letters[l]);
                    check(fmt, (u32)values[v]);
                    snprintf(fmt, sizeof(fmt), "%%%s%sll%s", flags[f], widths[w], letters[l]);
                    check(fmt, values[v]);
                    snprintf(fmt, sizeof(fmt), "%%%s%shh%s", flags[f], widths[w], letters[l]);
                    check(fmt, (u32)values[v]);
                    snprintf(fmt, sizeof(fmt), "%%%s%sh%s", flags[f], widths[w], letters[l]);
                    check(fmt, (u32)values[v]);
                    snprintf(fmt, sizeof(fmt), "%%%s%sz%s", flags[f], widths[w], letters[l]);
                    check(fmt, (size_t)values[v]);
                }
}

static void text(void **state)
{
    check("%s|%10s|%-10s|%.2s|%8.3s|%-8.3s|", "abc", "abc", "abc", "abc", "abcdef", "abcdef");
    check("%c|%5c|%-5c|%%|100%%", 'x', 'y', 'z');
    check("%*d|%-*d|%.*s|%*s", 6, 42, 6, 42, 2, "abc", -5, "ab");
    check("mixed %u and %s and %llx then %d", 7u, "text", 1ull << 40, -3);
}

static void own_forms(void **state)
{
    const char *volatile none = NULL;
    char buf[64];

    assert_int_equal(fmt_snprintf(buf, sizeof(buf), "%p", (void *)0x40080000), 18);
    assert_string_equal(buf, "0x0000000040080000");
    fmt_snprintf(buf, sizeof(buf), "%s", none);
    assert_string_equal(buf, "(null)");
}

static void odd_formats(void **state)
{
    const char *volatile unknown = "a %q b %";
    char buf[64];

    fmt_snprintf(buf, sizeof(buf), unknown);
    assert_string_equal(buf, "a %q b %");
}

static void truncation(void **state)
{
    char buf[8];
    size_t size;

    for (size = 1; size <= sizeof(buf); size++) {
        memset(buf, 'Z', sizeof(buf));
        assert_int_equal(fmt_snprintf(buf, size, "%d%s", 123, "4567890"), 10);
        assert_int_equal(strlen(buf), size - 1);
        assert_memory_equal(buf, "1234567", size - 1);
    }
    assert_int_equal(fmt_snprintf(NULL, 0, "%s", "12345"), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),    cmocka_unit_test(text),       cmocka_unit_test(own_forms),
        cmocka_unit_test(odd_formats), cmocka_unit_test(truncation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

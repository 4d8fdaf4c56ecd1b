/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"

#include <corbel/drbg.h>

static const u32 key[8] = { 0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c,
                            0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c };

/* RFC 8439 2.3.2 */
static void test_block(void **state)
{
    static const u32 nonce[3] = { 0x09000000, 0x4a000000, 0x00000000 };
    static const u32 expected[16] = { 0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3,
                                      0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3,
                                      0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9,
                                      0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2 };
    u32 out[16];

    (void)state;
    drbg_block(key, 1, nonce, out);
    assert_memory_equal(out, expected, sizeof(out));
}

/* RFC 8439 A.1, test vectors 1 and 2: all zero, counters 0 and 1. */
static void test_block_zero(void **state)
{
    static const u32 zero[8];
    static const u32 first[4] = { 0xade0b876, 0x903df1a0, 0xe56a5d40, 0x28bd8653 };
    static const u32 second[4] = { 0xbee7079f, 0x7a385155, 0x7c97ba98, 0x0d082d73 };
    u32 out[16];

    (void)state;
    drbg_block(zero, 0, zero, out);
    assert_memory_equal(out, first, sizeof(first));
    drbg_block(zero, 1, zero, out);
    assert_memory_equal(out, second, sizeof(second));
}

static void test_generator(void **state)
{
    u8 a[200], b[200], small[3];
    u32 zeros = 0;

    (void)state;
    assert_false(drbg_is_seeded());
    drbg_seed("0123456", 7);
    assert_false(drbg_is_seeded());
    drbg_seed("789abcdef", 9);
    assert_true(drbg_is_seeded());
    drbg_bytes(a, sizeof(a));
    drbg_bytes(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    for (u32 i = 0; i + 32 <= sizeof(a); i += 32) {
        for (u32 k = 0; k + 32 <= sizeof(b); k += 32)
            assert_memory_not_equal(a + i, b + k, 32);
    }
    for (u32 i = 0; i < sizeof(a); i++)
        zeros += a[i] == 0;
    assert_true(zeros < 10);
    memset(small, 0, sizeof(small));
    drbg_bytes(small, 2); /* not a byte more than asked for */
    assert_int_equal(small[2], 0);
    drbg_bytes(small, 0);
    drbg_seed("x", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_block),
        cmocka_unit_test(test_block_zero),
        cmocka_unit_test(test_generator),
    };

    fake_reset(1);
    return cmocka_run_group_tests_name("drbg", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The polynomial hash against the definition, computed the slow way; every cut and every
 * alignment gives the same value; every flipped bit another one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <corbel/polyhash.h>

#define P   ((1ull << 61) - 1)
#define MAX 200u

static u64 state_of_dice = 88172645463325252ull;

static u64 dice(void)
{
    state_of_dice ^= state_of_dice << 13;
    state_of_dice ^= state_of_dice >> 7;
    state_of_dice ^= state_of_dice << 17;
    return state_of_dice;
}

/* The definition: words of four bytes, the last one filled with zeros, then the size. */
static u64 slow(const u8 *data, u64 size, u64 key)
{
    unsigned __int128 sum = 0;
    u64 k = key % P;

    for (u64 i = 0; i < size; i += 4) {
        u32 word = 0;

        for (u32 j = 0; j < 4 && i + j < size; j++)
            word |= (u32)data[i + j] << (8 * j);
        sum = (sum * k + word) % P;
    }
    sum = (sum * k + (u32)size) % P;
    return (u64)((sum * k + (size >> 32)) % P);
}

static u64 quick(const u8 *data, u64 size, u64 key)
{
    struct polyhash p;

    polyhash_begin(&p, key);
    polyhash_add(&p, data, size);
    return polyhash_end(&p);
}

static void fill(u8 *data, u64 size)
{
    for (u64 i = 0; i < size; i++)
        data[i] = (u8)dice();
}

static void test_definition(void **state)
{
    static const u64 keys[] = { 0, 1, 2, P - 1, P, P + 1, 0xffffffffffffffffull, 1ull << 60 };
    _Alignas(8) u8 data[MAX + 8];

    for (u32 size = 0; size <= MAX; size++) {
        fill(data, sizeof(data));
        for (u32 i = 0; i < 8; i++) {
            u64 key = size % 2 ? dice() : keys[i];

            assert_int_equal(quick(data + i, size, key), slow(data + i, size, key));
        }
    }
}

/* Largest words and keys: no sum of the fast way overflows. */
static void test_extremes(void **state)
{
    _Alignas(8) u8 data[64 * 1024];

    memset(data, 0xff, sizeof(data));
    assert_int_equal(quick(data, sizeof(data), P - 1), slow(data, sizeof(data), P - 1));
    for (u32 i = 0; i < 20; i++) {
        u64 key = P - 1 - i * i;

        assert_int_equal(quick(data, sizeof(data) - i, key), slow(data, sizeof(data) - i, key));
    }
}

static void test_any_cut(void **state)
{
    _Alignas(8) u8 data[MAX];
    u64 key = dice(), whole;

    fill(data, sizeof(data));
    whole = quick(data, sizeof(data), key);
    for (u32 round = 0; round < 500; round++) {
        struct polyhash p;
        u64 at = 0;

        polyhash_begin(&p, key);
        while (at < sizeof(data)) {
            u64 n = dice() % 23;

            n = n < sizeof(data) - at ? n : sizeof(data) - at;
            polyhash_add(&p, data + at, n);
            at += n;
        }
        assert_int_equal(polyhash_end(&p), whole);
    }
}

static void test_each_bit_counts(void **state)
{
    _Alignas(8) u8 data[MAX];
    u64 key = dice(), whole;

    fill(data, sizeof(data));
    whole = quick(data, sizeof(data), key);
    for (u32 bit = 0; bit < sizeof(data) * 8; bit++) {
        data[bit / 8] ^= (u8)(1u << bit % 8);
        assert_int_not_equal(quick(data, sizeof(data), key), whole);
        data[bit / 8] ^= (u8)(1u << bit % 8);
    }
    assert_int_equal(quick(data, sizeof(data), key), whole);
}

/* Zeros at either end, and what is the same number modulo 2^61 - 1, make a difference. */
static void test_no_easy_collision(void **state)
{
    _Alignas(8) u8 a[24] = { 0 }, b[24] = { 0 };
    u64 key = dice(), prime = P;

    assert_int_not_equal(quick(a, 8, key), quick(a, 9, key));
    assert_int_not_equal(quick(a, 0, key), quick(a, 4, key));
    memcpy(b, &prime, sizeof(prime));
    assert_int_not_equal(quick(a, sizeof(a), key), quick(b, sizeof(b), key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition),        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_any_cut),           cmocka_unit_test(test_each_bit_counts),
        cmocka_unit_test(test_no_easy_collision),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

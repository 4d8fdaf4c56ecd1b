/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bitmaps against arrays of bool, at random and at word edges.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <corbel/bitmap.h>

#define BITS 517u

static u64 map[BITMAP_WORDS(BITS)];
static bool model[BITS];

static void compare(void)
{
    u64 i, count = 0, from = (u64)rand() % (BITS + 3), set = BITS, clear = BITS;

    for (i = BITS; i-- > 0;) {
        assert_int_equal(bitmap_test(map, i), model[i]);
        count += model[i];
        if (i >= from && model[i])
            set = i;
        if (i >= from && !model[i])
            clear = i;
    }
    assert_int_equal(bitmap_count(map, BITS), count);
    assert_int_equal(bitmap_find_set(map, BITS, from), set);
    assert_int_equal(bitmap_find_clear(map, BITS, from), clear);
}

static void against_model(void **state)
{
    u32 round, i;

    srand(3);
    for (round = 0; round < 3000; round++) {
        u64 first = (u64)rand() % BITS, count = (u64)rand() % (BITS - first + 1);
        bool set = rand() & 1;

        if (round % 3 == 0)
            count = count > 0;
        for (i = 0; i < count; i++)
            model[first + i] = set;
        if (round % 3 == 0 && count)
            (set ? bitmap_set : bitmap_clear)(map, first);
        else
            (set ? bitmap_set_range : bitmap_clear_range)(map, first, count);
        compare();
    }
}

static void edges(void **state)
{
    memset(map, 0, sizeof(map));
    bitmap_set_range(map, 0, BITS);
    assert_int_equal(bitmap_find_clear(map, BITS, 0), BITS);
    assert_int_equal(map[BITS / 64] >> (BITS % 64), 0);
    bitmap_clear_range(map, 64, 64);
    assert_int_equal(map[1], 0);
    assert_int_equal(map[0], ~0ull);
    assert_int_equal(bitmap_find_set(map, 128, 64), 128);
    assert_int_equal(bitmap_find_set(map, BITS, 64), 128);
    bitmap_set_range(map, 70, 0);
    assert_int_equal(map[1], 0);
    map[BITS / 64] = ~0ull; /* beyond the end does not count */
    assert_int_equal(bitmap_count(map, BITS), BITS - 64);
    bitmap_clear_range(map, 0, BITS);
    assert_int_equal(bitmap_find_set(map, BITS, 0), BITS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_model),
        cmocka_unit_test(edges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

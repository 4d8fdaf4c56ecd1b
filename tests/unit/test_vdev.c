/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"

#include <corbel/vdev.h>

static enum mmio_result nothing(struct vcpu *v, void *ctx, struct mmio_access *a)
{
    (void)v, (void)ctx, (void)a;
    return MMIO_OK;
}

static const struct mmio_ops ops = { .name = "x", .access = nothing };

static enum corbel_err add(struct mmio_table *t, u64 base, u64 size)
{
    const struct mmio_region r = { .base = base, .size = size, .ops = &ops };

    return mmio_add(t, &r);
}

/* A region of six bytes, as a trapped rest of a page may be: all of an access lies in it. */
static void test_access(void **state)
{
    const struct mmio_region r = { .base = 0x1002, .size = 6, .ops = &ops };
    static const struct {
        u32 offset, size;
        enum mmio_result want;
    } cases[] = {
        { 0, 1, MMIO_OK },    { 0, 2, MMIO_OK },    { 0, 4, MMIO_ABORT }, /* not aligned */
        { 1, 2, MMIO_ABORT }, { 2, 4, MMIO_OK },    { 2, 8, MMIO_ABORT },
        { 4, 2, MMIO_OK },    { 4, 4, MMIO_ABORT }, { 5, 1, MMIO_OK },
    };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
        struct mmio_access a = { .ipa = IPA(r.base + cases[i].offset),
                                 .offset = cases[i].offset,
                                 .size = cases[i].size };

        assert_int_equal(mmio_access(NULL, &r, &a), cases[i].want);
    }
    /* Aligned, and its end outside: 8 bytes where 6 are left. */
    assert_int_equal(mmio_access(NULL,
                                 &(struct mmio_region){ .base = 0x2000, .size = 6, .ops = &ops },
                                 &(struct mmio_access){ .ipa = IPA(0x2000), .size = 8 }),
                     MMIO_ABORT);
}

static void test_add(void **state)
{
    struct mmio_table t = { 0 };

    (void)state;
    assert_int_equal(add(&t, 0x3000, 0x1000), CORBEL_OK);
    assert_int_equal(add(&t, 0x1000, 0x1000), CORBEL_OK);
    assert_int_equal(add(&t, 0x2000, 0x1000), CORBEL_OK); /* fits exactly */
    assert_int_equal(add(&t, 0x2fff, 1), ERR_EXIST);
    assert_int_equal(add(&t, 0x0, 0x1001), ERR_EXIST);
    assert_int_equal(add(&t, 0x0, 0x10000), ERR_EXIST);
    assert_int_equal(add(&t, 0x3800, 0x10), ERR_EXIST);
    assert_int_equal(add(&t, 0x5000, 0), ERR_INVAL);
    assert_int_equal(add(&t, ~0ull - 5, 7), ERR_INVAL);
    assert_int_equal(add(&t, ~0ull - 5, 6), CORBEL_OK); /* up to the last byte */
    assert_int_equal(t.count, 4);
    for (u32 i = 1; i < t.count; i++)
        assert_true(t.regions[i - 1].base < t.regions[i].base);
}

static void test_find(void **state)
{
    struct mmio_table t = { 0 };

    (void)state;
    assert_null(mmio_find(&t, IPA(0)));
    assert_int_equal(add(&t, 0x3000, 0x1000), CORBEL_OK);
    assert_int_equal(add(&t, 0x1000, 0x800), CORBEL_OK);
    assert_null(mmio_find(&t, IPA(0xfff)));
    assert_int_equal(mmio_find(&t, IPA(0x1000))->base, 0x1000);
    assert_int_equal(mmio_find(&t, IPA(0x17ff))->base, 0x1000);
    assert_null(mmio_find(&t, IPA(0x1800)));
    assert_null(mmio_find(&t, IPA(0x2fff)));
    assert_int_equal(mmio_find(&t, IPA(0x3fff))->base, 0x3000);
    assert_null(mmio_find(&t, IPA(0x4000)));
}

static void test_full(void **state)
{
    struct mmio_table t = { 0 };

    (void)state;
    for (u64 i = 0; i < MMIO_REGIONS_MAX; i++)
        assert_int_equal(add(&t, (MMIO_REGIONS_MAX - i) * 16, 16), CORBEL_OK);
    assert_int_equal(add(&t, 0x100000, 16), ERR_NOMEM);
    for (u64 i = 1; i <= MMIO_REGIONS_MAX; i++)
        assert_int_equal(mmio_find(&t, IPA(i * 16 + 15))->base, i * 16);
}

/* Every address around every region, against a plain search; sizes and gaps of all kinds. */
static void test_find_all(void **state)
{
    static struct mmio_table t;
    u64 at = 3;

    (void)state;
    for (u32 n = 0; n < MMIO_REGIONS_MAX; n++) {
        for (u64 ipa = 0; ipa < at + 20; ipa++) {
            const struct mmio_region *want = NULL;

            for (u32 i = 0; i < t.count; i++)
                if (ipa - t.regions[i].base < t.regions[i].size)
                    want = &t.regions[i];
            assert_ptr_equal(mmio_find(&t, IPA(ipa)), want);
        }
        at += n % 3;
        assert_int_equal(add(&t, at, n % 7 + 1), CORBEL_OK);
        at += n % 7 + 1;
    }
    assert_null(mmio_find(&t, IPA(~0ull)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_access), cmocka_unit_test(test_add),      cmocka_unit_test(test_find),
        cmocka_unit_test(test_full),   cmocka_unit_test(test_find_all),
    };

    return cmocka_run_group_tests_name("vdev", tests, NULL, NULL);
}

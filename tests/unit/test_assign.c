/* SPDX-License-Identifier: Apache-2.0 */
/* The book of given devices: overlaps, shared SPIs, release, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <corbel/assign.h>
#include <corbel/iommu_map.h>

#include "fake_core.h"

#define NOBODY 99u

static u32 other;

static int start(void **state)
{
    fake_reset(1);
    for (u32 owner = 0; owner < 8; owner++)
        assign_release(owner);
    return 0;
}

static enum corbel_err region(u32 owner, u64 base, u64 size)
{
    struct mem_range r = { base, size };

    other = NOBODY;
    return assign_region(owner, &r, &other);
}

static enum corbel_err irq(u32 owner, u32 intid)
{
    other = NOBODY;
    return assign_irq(owner, intid, &other);
}

static void test_regions(void **state)
{
    assert_int_equal(region(1, 0x9010000, 0x1000), CORBEL_OK);
    assert_int_equal(other, NOBODY);
    assert_int_equal(region(2, 0x9010fff, 1), ERR_EXIST);
    assert_int_equal(other, 1);
    assert_int_equal(region(2, 0x900f000, 0x1001), ERR_EXIST);
    assert_int_equal(region(2, 0x9000000, 0x100000), ERR_EXIST);
    assert_int_equal(region(1, 0x9010000, 0x1000), ERR_EXIST);
    assert_int_equal(other, 1);
    /* neighbors, in one page too: slots of virtio-mmio */
    assert_int_equal(region(2, 0x9011000, 0x200), CORBEL_OK);
    assert_int_equal(region(3, 0x9011200, 0x200), CORBEL_OK);
    assert_int_equal(region(4, 0x900f000, 0x1000), CORBEL_OK);
    assert_int_equal(region(5, 0x90111ff, 2), ERR_EXIST);
    assert_int_equal(other, 2);
}

static void test_irqs(void **state)
{
    assert_int_equal(irq(1, 33), CORBEL_OK);
    assert_int_equal(irq(1, 33), CORBEL_OK); /* two devices on one line */
    assert_int_equal(irq(2, 33), ERR_EXIST);
    assert_int_equal(other, 1);
    assert_int_equal(irq(2, 34), CORBEL_OK);
    /* numbers are no addresses */
    assert_int_equal(region(3, 0, 0x1000), CORBEL_OK);
    assert_int_equal(irq(2, 35), CORBEL_OK);
    assert_int_equal(irq(2, 0), ERR_INVAL);
}

static void test_release(void **state)
{
    assert_int_equal(region(1, 0x1000, 0x1000), CORBEL_OK);
    assert_int_equal(region(2, 0x2000, 0x1000), CORBEL_OK);
    assert_int_equal(irq(1, 40), CORBEL_OK);
    assert_int_equal(irq(2, 41), CORBEL_OK);
    assign_release(1);
    assign_release(1);
    assign_release(7);
    assert_int_equal(irq(3, 41), ERR_EXIST);
    assert_int_equal(other, 2);
    assert_int_equal(region(3, 0x1800, 0x1000), ERR_EXIST);
    assert_int_equal(other, 2);
    assert_int_equal(irq(3, 40), CORBEL_OK);
    assert_int_equal(region(3, 0x1000, 0x1000), CORBEL_OK);
}

static void test_bad_ranges(void **state)
{
    assert_int_equal(region(1, 0x1000, 0), ERR_INVAL);
    assert_int_equal(region(1, ~0ull, 2), ERR_RANGE);
    assert_int_equal(region(1, ~0ull - 1, 1), CORBEL_OK);
    assert_int_equal(region(2, 0, ~0ull), ERR_EXIST);
    assert_int_equal(other, 1);
}

static void test_full(void **state)
{
    for (u32 i = 0; i < ASSIGN_MAX; i += 2) {
        assert_int_equal(region(1 + i % 5, i * 0x1000ull, 0x1000), CORBEL_OK);
        assert_int_equal(irq(1 + i % 5, 32 + i), CORBEL_OK);
    }
    assert_int_equal(region(1, 0x10000000, 1), ERR_NOMEM);
    assert_int_equal(irq(1, 31), ERR_NOMEM);
    /* what is taken is said all the same */
    assert_int_equal(irq(6, 32), ERR_EXIST);
    assert_int_equal(irq(1, 32), CORBEL_OK);
    assign_release(5);
    assert_int_equal(region(1, 0x10000000, 1), CORBEL_OK);
}

static enum corbel_err streams(u32 owner, u8 iommu, u32 first, u32 count, u32 mask)
{
    struct iommu_map_entry entry = { iommu, { first, count, mask } };

    other = NOBODY;
    return assign_streams(owner, &entry, &other);
}

static void test_streams(void **state)
{
    assert_int_equal(streams(1, 0, 0, 0x10000, 0), CORBEL_OK);
    assert_int_equal(streams(1, 0, 0, 0x10000, 0), CORBEL_OK); /* one bridge, told of twice */
    assert_int_equal(streams(1, 0, 0, 0x8000, 0), ERR_EXIST);
    assert_int_equal(other, 1);
    assert_int_equal(streams(2, 0, 0xffff, 1, 0), ERR_EXIST);
    assert_int_equal(other, 1);
    assert_int_equal(streams(2, 0, 0, 0x10000, 0), ERR_EXIST);
    assert_int_equal(streams(2, 1, 0, 0x10000, 0), CORBEL_OK); /* of another SMMU */
    assert_int_equal(streams(2, 0, 0x10000, 1, 0), CORBEL_OK);
    assert_int_equal(streams(3, 2, 0x400, 1, 0x7f), CORBEL_OK);
    assert_int_equal(streams(3, 2, 0x400, 1, 0x7f), CORBEL_OK);
    assert_int_equal(streams(3, 2, 0x400, 1, 0x3f), ERR_EXIST);
    assert_int_equal(streams(4, 2, 0x47f, 1, 0), ERR_EXIST);
    assert_int_equal(other, 3);
    assert_int_equal(streams(4, 2, 0x480, 1, 0), CORBEL_OK);
    assert_int_equal(streams(4, 2, 5, 0, 0), ERR_INVAL);
    /* The numbers of one kind mean nothing to another. */
    assert_int_equal(irq(5, 0x480), CORBEL_OK);
    assert_int_equal(region(5, 0x480, 1), CORBEL_OK);
    assign_release(3);
    assert_int_equal(streams(4, 2, 0x47f, 1, 0), CORBEL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_regions, start),    cmocka_unit_test_setup(test_irqs, start),
        cmocka_unit_test_setup(test_streams, start),    cmocka_unit_test_setup(test_release, start),
        cmocka_unit_test_setup(test_bad_ranges, start), cmocka_unit_test_setup(test_full, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

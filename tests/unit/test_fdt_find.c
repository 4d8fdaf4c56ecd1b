/* SPDX-License-Identifier: Apache-2.0 */
/* Who has registers at an address: every entry once, in order, and what is no device never. */
#include "pass_tree.h"

static struct fdtr_find found;

static void begin(u64 base, u64 size)
{
    host_machine();
    fdtr_find_begin(&found, base, size);
}

static void next(const char *path, u32 index, u64 base, u64 size)
{
    assert_true(fdtr_find_next(host_blob, &found));
    assert_int_equal(found.node, fdt_path_offset(host_blob, path));
    assert_int_equal(found.index, index);
    assert_int_equal(found.hit.base, base);
    assert_int_equal(found.hit.size, size);
}

static void no_more(void)
{
    assert_false(fdtr_find_next(host_blob, &found));
}

static void every_entry_in_order(void **state)
{
    /* Through the bus's ranges; a node's second entry counts by itself. */
    begin(0x10002000, 0x2180);
    next("/soc", 0, 0x10001000, 0xff000);
    next("/soc/eth@2000", 0, 0x10002000, 0x1000);
    next("/soc/eth@2000", 1, 0x10004100, 0x80);
    no_more();
    begin(0x10004100, 0x100);
    next("/soc", 0, 0x10001000, 0xff000);
    next("/soc/eth@2000", 1, 0x10004100, 0x80);
    next("/soc/phy@4180", 0, 0x10004180, 0x80);
    no_more();
}

static void borders(void **state)
{
    begin(0xa000200, 0x200);
    next("/virtio_mmio@a000200", 0, 0xa000200, 0x200);
    no_more();
    begin(0xa0001ff, 0x202);
    next("/virtio_mmio@a000000", 0, 0xa000000, 0x200);
    next("/virtio_mmio@a000200", 0, 0xa000200, 0x200);
    next("/virtio_mmio@a000400", 0, 0xa000400, 0x200);
    no_more();
    begin(0xa001000, 0x1000);
    no_more();
}

static void what_is_no_device(void **state)
{
    /* RAM, its reservation and SRAM at one place; disabled below; not translated. */
    begin(0x70000000, 0x200000);
    next("/sram@70000000", 0, 0x70000000, 0x200000);
    next("/sram@70000000/pool@1000", 0, 0x70001000, 0x1000);
    no_more();
    begin(0x10006000, 0x1000);
    next("/soc", 0, 0x10001000, 0xff000);
    no_more();
    begin(0x200000, 0x1000);
    no_more();
    begin(1, 0xfff);
    no_more();
}

/* As many as there are entries, whatever is asked for, and never the same one twice. */
static void all_of_it(void **state)
{
    u32 count = 0;
    int last = -1;
    u32 index = 0;

    begin(0, ~0ull);
    for (; fdtr_find_next(host_blob, &found); count++) {
        assert_true(found.node > last || (found.node == last && found.index > index));
        last = found.node;
        index = found.index;
    }
    assert_int_equal(count, 22);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_entry_in_order),
        cmocka_unit_test(borders),
        cmocka_unit_test(what_is_no_device),
        cmocka_unit_test(all_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, tree_free);
}

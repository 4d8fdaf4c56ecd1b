/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts of device-tree nodes: who the parent is, GIC specifiers in their
 * two spellings, and every specifier that must not be read as a GIC's.
 */
#include "tree.h"

#include <corbel/fdt_read.h>

#define GIC   1
#define OTHER 2

static const void *fdt;
static struct fdtr_irq irq;

static enum corbel_err read(const char *path, u32 index)
{
    int node_at = fdtr_path(fdt, path);

    assert_true(node_at >= 0);
    return fdtr_irq(fdt, node_at, index, &irq);
}

static void irq_tree(void)
{
    tree_begin();
    cells("interrupt-parent", GIC);
    node("gic");
    list("compatible", "arm,gic-400");
    cells("#interrupt-cells", 3);
    cells("phandle", GIC);
    cells("interrupts", 1, 9, 0xf04);
    node("v2m");
    cells("interrupts", 0, 3, 4);
    end();
    end();
    node("other");
    list("compatible", "x,intc");
    cells("#interrupt-cells", 1);
    cells("phandle", OTHER);
    cells("interrupts", 0, 10, 4);
    end();
    node("uart");
    cells("interrupts", 0, 1, 4, 1, 11, 0x302);
    end();
    node("gpio");
    cells("interrupt-parent", OTHER);
    cells("interrupts", 5);
    node("key");
    cells("interrupts", 6);
    end();
    end();
    node("nexus");
    cells("#interrupt-cells", 1);
    node("dev");
    cells("interrupts", 7);
    end();
    end();
    node("ext");
    cells("interrupts", 0, 99, 4);
    cells("interrupts-extended", GIC, 0, 20, 1, OTHER, 3, GIC, 1, 2, 8);
    end();
    tree_end();
}

static void specifiers(void **state)
{
    irq_tree();
    fdt = tree_take();
    assert_int_equal(read("/uart", 0), CORBEL_OK);
    assert_int_equal(irq.intid, 33);
    assert_true(irq.level);
    assert_int_equal(irq.flags, 4);
    assert_int_equal(read("/uart", 1), CORBEL_OK);
    assert_int_equal(irq.intid, 27);
    assert_false(irq.level);
    assert_int_equal(irq.flags, 0x302);
    assert_int_equal(read("/uart", 2), ERR_NOENT);
    assert_int_equal(read("/uart", 0xffffffff), ERR_NOENT);
    assert_int_equal(read("/", 0), ERR_NOENT);
    assert_int_equal(read("/other", 0), CORBEL_OK);
    assert_int_equal(irq.intid, 42);
}

static void parents(void **state)
{
    irq_tree();
    fdt = tree_take();
    assert_int_equal(fdtr_irq_parent(fdt, fdtr_path(fdt, "/uart")), fdtr_path(fdt, "/gic"));
    assert_int_equal(fdtr_irq_parent(fdt, fdtr_path(fdt, "/gic")), fdtr_path(fdt, "/gic"));
    assert_int_equal(fdtr_irq_parent(fdt, fdtr_path(fdt, "/gpio")), fdtr_path(fdt, "/other"));
    assert_int_equal(fdtr_irq_parent(fdt, fdtr_path(fdt, "/gpio/key")), fdtr_path(fdt, "/other"));
    assert_int_equal(fdtr_irq_parent(fdt, fdtr_path(fdt, "/nexus/dev")), fdtr_path(fdt, "/nexus"));
    assert_int_equal(fdtr_irq_parent(fdt, fdtr_path(fdt, "/gic/v2m")), fdtr_path(fdt, "/gic"));
    assert_int_equal(fdtr_irq_parent(fdt, -1), -1);
    assert_int_equal(read("/gic/v2m", 0), CORBEL_OK);
    assert_int_equal(irq.intid, 35);
    assert_int_equal(read("/gpio", 0), ERR_NOTSUP);
    assert_int_equal(read("/gpio/key", 0), ERR_NOTSUP);
    assert_int_equal(read("/nexus/dev", 0), ERR_NOTSUP);

    del_prop("/", "interrupt-parent");
    fdt = tree_take();
    assert_int_equal(read("/uart", 0), ERR_NOTSUP);
    assert_int_equal(fdtr_irq_parent(fdt, fdtr_path(fdt, "/gic")), -1);
    assert_int_equal(read("/gic", 0), CORBEL_OK); /* the root of the interrupt tree */
    assert_int_equal(irq.intid, 25);

    set_cells("/", "interrupt-parent", 99);
    fdt = tree_take();
    assert_int_equal(read("/uart", 0), ERR_NOTSUP);
    set_cells("/", "interrupt-parent", 1, 1);
    fdt = tree_take();
    assert_int_equal(read("/uart", 0), ERR_NOTSUP);
}

static void extended(void **state)
{
    irq_tree();
    fdt = tree_take();
    assert_int_equal(read("/ext", 0), CORBEL_OK);
    assert_int_equal(irq.intid, 52);
    assert_false(irq.level);
    assert_int_equal(read("/ext", 1), ERR_NOTSUP);
    assert_int_equal(read("/ext", 2), CORBEL_OK);
    assert_int_equal(irq.intid, 18);
    assert_int_equal(read("/ext", 3), ERR_NOENT);

    set_cells("/ext", "interrupts-extended", GIC, 0, 20);
    fdt = tree_take();
    assert_int_equal(read("/ext", 0), ERR_FORMAT);
    set_cells("/ext", "interrupts-extended", 77, 0, 20, 1);
    fdt = tree_take();
    assert_int_equal(read("/ext", 0), ERR_FORMAT);
    set_raw("/ext", "interrupts-extended", "abc");
    fdt = tree_take();
    assert_int_equal(read("/ext", 0), ERR_FORMAT);
}

static void numbers_out_of_range(void **state)
{
    static const struct {
        u32 type, number;
        enum corbel_err err;
    } cases[] = {
        { 0, 987, CORBEL_OK }, { 0, 988, ERR_RANGE },     { 0, 0xfffffff0, ERR_RANGE },
        { 1, 15, CORBEL_OK },  { 1, 16, ERR_RANGE },      { 2, 0, ERR_NOTSUP },
        { 3, 0, ERR_NOTSUP },  { 0xffff, 0, ERR_NOTSUP },
    };
    u32 i;

    irq_tree();
    for (i = 0; i < ARRAY_SIZE(cases); i++) {
        set_cells("/uart", "interrupts", cases[i].type, cases[i].number, 4);
        fdt = tree_take();
        assert_int_equal(read("/uart", 0), cases[i].err);
    }
}

static void malformed_controllers(void **state)
{
    irq_tree();
    set_cells("/uart", "interrupts", 0, 1, 4, 0);
    fdt = tree_take();
    assert_int_equal(read("/uart", 1), ERR_FORMAT);

    set_cells("/gic", "#interrupt-cells", 4);
    fdt = tree_take();
    assert_int_equal(read("/uart", 0), CORBEL_OK);
    assert_int_equal(read("/uart", 1), ERR_NOENT);

    set_cells("/gic", "#interrupt-cells", 2);
    fdt = tree_take();
    assert_int_equal(read("/uart", 0), ERR_FORMAT);
    assert_int_equal(read("/ext", 0), ERR_NOTSUP);
    set_cells("/gic", "#interrupt-cells", 0xffffffff);
    fdt = tree_take();
    assert_int_equal(read("/uart", 0), ERR_FORMAT);
    assert_int_equal(read("/ext", 0), ERR_FORMAT);
    del_prop("/gic", "#interrupt-cells");
    fdt = tree_take();
    assert_int_equal(read("/uart", 0), ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(specifiers),
        cmocka_unit_test(parents),
        cmocka_unit_test(extended),
        cmocka_unit_test(numbers_out_of_range),
        cmocka_unit_test(malformed_controllers),
    };

    return cmocka_run_group_tests(tests, NULL, tree_free);
}

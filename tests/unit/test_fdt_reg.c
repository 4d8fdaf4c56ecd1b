/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fdt_read.c: cell counts, reg and ranges.
 */
#include "tree.h"

#include <corbel/bits.h>
#include <corbel/fdt_read.h>

static const void *fdt;

static int at(const char *path)
{
    int found = fdtr_path(fdt, path);

    assert_true(found >= 0);
    return found;
}

/* ---- addresses ---- */

static void cell_counts(void **state)
{
    u32 address = 77;
    u32 size = 77;

    tree_begin();
    cells("#address-cells", 1);
    node("own");
    cells("#address-cells", 2);
    cells("#size-cells", 0);
    node("below");
    end();
    end();
    node("pci");
    cells("#address-cells", 3);
    cells("#size-cells", 2);
    end();
    node("bad");
    cells("#size-cells", 1, 1);
    end();
    tree_end();
    fdt = tree_take();
    assert_int_equal(fdtr_cells(fdt, 0, &address, &size), CORBEL_OK);
    assert_int_equal(address, 1);
    assert_int_equal(size, 1); /* the default */
    assert_int_equal(fdtr_cells(fdt, at("/own/below"), &address, &size), CORBEL_OK);
    assert_int_equal(address, 2);
    assert_int_equal(size, 0);
    assert_int_equal(fdtr_cells(fdt, at("/pci"), &address, &size), ERR_RANGE);
    assert_int_equal(fdtr_cells(fdt, at("/bad"), &address, &size), ERR_FORMAT);
    assert_int_equal(fdtr_cells(fdt, -1, &address, &size), ERR_NOENT);
    del_prop("/", "#address-cells");
    fdt = tree_take();
    assert_int_equal(fdtr_cells(fdt, 0, &address, &size), CORBEL_OK);
    assert_int_equal(address, 2);
}

static void reg_entries(void **state)
{
    u64 base = 77;
    u64 size = 77;

    tree_begin();
    cells("#address-cells", 2);
    cells("#size-cells", 1);
    cells("reg", 0, 0, 1);
    node("m");
    cells("reg", 1, 2, 3, 4, 5, 6, 7);
    end();
    node("none");
    end();
    node("cpus");
    cells("#address-cells", 1);
    cells("#size-cells", 0);
    node("cpu");
    cells("reg", 1, 2);
    end();
    end();
    node("noaddr");
    cells("#address-cells", 0);
    node("x");
    cells("reg", 1);
    end();
    end();
    tree_end();
    fdt = tree_take();
    assert_int_equal(fdtr_reg(fdt, at("/m"), 1, &base, &size), CORBEL_OK);
    assert_true(base == 0x400000005ull && size == 6);
    assert_int_equal(fdtr_reg(fdt, at("/m"), 2, &base, &size), ERR_FORMAT);
    assert_int_equal(fdtr_reg(fdt, at("/m"), 3, &base, &size), ERR_NOENT);
    assert_int_equal(fdtr_reg(fdt, at("/m"), 0xffffffff, &base, &size), ERR_NOENT);
    assert_int_equal(fdtr_reg(fdt, at("/none"), 0, &base, &size), ERR_NOENT);
    assert_int_equal(fdtr_reg(fdt, 0, 0, &base, &size), ERR_NOENT);
    assert_int_equal(fdtr_reg(fdt, at("/cpus/cpu"), 1, &base, &size), CORBEL_OK);
    assert_true(base == 2 && size == 0);
    assert_int_equal(fdtr_reg(fdt, at("/noaddr/x"), 0, &base, &size), ERR_FORMAT);
}

/* The bus chain of a Raspberry Pi 4: 32-bit bus addresses, three windows, 35-bit parent. */
static void bus_tree(void)
{
    tree_begin();
    cells("#address-cells", 2);
    cells("#size-cells", 1);
    node("soc");
    cells("#address-cells", 1);
    cells("#size-cells", 1);
    cells("ranges", 0x7e000000, 0, 0xfe000000, 0x1800000, 0x7c000000, 0, 0xfc000000, 0x2000000,
          0x40000000, 0, 0xff800000, 0x800000);
    node("gic@40041000");
    cells("reg", 0x40041000, 0x1000, 0x407ff000, 0x1000, 0x407ff000, 0x1001, 0x30000000, 0x1000);
    end();
    node("bus");
    empty("ranges");
    node("dev");
    cells("reg", 0x7e201000, 0x200);
    end();
    end();
    node("i2c");
    node("chip");
    cells("reg", 0x50, 1);
    end();
    end();
    end();
    node("pcie");
    cells("#address-cells", 3);
    cells("#size-cells", 2);
    cells("ranges", 0, 0, 0);
    node("fn");
    cells("reg", 0, 0, 0, 0, 0);
    end();
    end();
    tree_end();
}

static void translation(void **state)
{
    u64 base = 77;
    u64 size = 77;
    int gic;

    bus_tree();
    fdt = tree_take();
    gic = at("/soc/gic@40041000");
    assert_int_equal(fdtr_reg_cpu(fdt, gic, 0, &base, &size), CORBEL_OK);
    assert_true(base == 0xff841000ull && size == 0x1000);
    assert_int_equal(fdtr_reg_cpu(fdt, gic, 1, &base, &size), CORBEL_OK);
    assert_true(base == 0xfffff000ull);
    assert_int_equal(fdtr_reg_cpu(fdt, gic, 2, &base, &size), ERR_RANGE); /* leaves the window */
    assert_int_equal(fdtr_reg_cpu(fdt, gic, 3, &base, &size), ERR_RANGE); /* in none */
    assert_int_equal(fdtr_reg_cpu(fdt, gic, 4, &base, &size), ERR_NOENT);
    assert_int_equal(fdtr_reg_cpu(fdt, at("/soc/bus/dev"), 0, &base, &size), CORBEL_OK);
    assert_true(base == 0xfe201000ull && size == 0x200);
    assert_int_equal(fdtr_reg(fdt, at("/soc/bus/dev"), 0, &base, &size), CORBEL_OK);
    assert_true(base == 0x7e201000ull);
    assert_int_equal(fdtr_reg_cpu(fdt, at("/soc/i2c/chip"), 0, &base, &size), ERR_RANGE);
    assert_int_equal(fdtr_reg_cpu(fdt, at("/pcie/fn"), 0, &base, &size), ERR_RANGE);
    assert_int_equal(fdtr_reg_cpu(fdt, 0, 0, &base, &size), ERR_NOENT);
}

static void translation_of_nonsense(void **state)
{
    u64 base;
    u64 size;

    bus_tree();
    set_cells("/soc", "ranges", 0x40000000, 0, 0xff800000); /* not even one entry */
    fdt = tree_take();
    assert_int_equal(fdtr_reg_cpu(fdt, at("/soc/gic@40041000"), 0, &base, &size), ERR_RANGE);

    /* A window that wraps at the end of the address space. */
    set_cells("/soc", "ranges", 0, 0xffffffff, 0xfffff000, 0xffffffff);
    fdt = tree_take();
    assert_int_equal(fdtr_reg_cpu(fdt, at("/soc/gic@40041000"), 0, &base, &size), CORBEL_OK);
    set_cells("/soc/gic@40041000", "reg", 0, 0x1001);
    fdt = tree_take();
    assert_int_equal(fdtr_reg_cpu(fdt, at("/soc/gic@40041000"), 0, &base, &size), ERR_RANGE);

    set_cells("/", "#address-cells", 3);
    fdt = tree_take();
    assert_int_equal(fdtr_reg_cpu(fdt, at("/soc/gic@40041000"), 0, &base, &size), ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cell_counts),
        cmocka_unit_test(reg_entries),
        cmocka_unit_test(translation),
        cmocka_unit_test(translation_of_nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, tree_free);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* RAM at given addresses: direct-map, static memory, and every refusal to the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cfg_parse.h"

static const char dom2[] = "/chosen/domU2";

static void test_direct_map(void **state)
{
    static const struct edit forms[] = {
        EMPTY(dom, "direct-map"),
        EMPTY(dom, "direct_map"),
        CELLS(dom, "direct-map", 1, 0),
    };

    tree_good();
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_false(cfg.direct_map);
    for (u32 i = 0; i < ARRAY_SIZE(forms); i++) {
        tree_good();
        tree_edit(&forms[i]);
        assert_int_equal(parse(dom), CORBEL_OK);
        assert_true(cfg.direct_map);
        assert_int_equal(cfg.static_mem_count, 0);
    }
}

#define STATIC(n, ...) CELLS(dom, "xen,static-mem", n, __VA_ARGS__)

static void test_static_memory(void **state)
{
    static const struct edit edits[] = {
        STATIC(8, 0, 0x80000000, 0, 0x7000000, 0, 0x60000000, 0, 0x1000000),
        EMPTY(dom, "direct-map"),
    };
    static const struct edit old_cells[] = {
        CELLS(dom, "#xen,static-mem-address-cells", 1, 1),
        CELLS(dom, "#xen,static-mem-size-cells", 1, 2),
        STATIC(3, 0x80000000, 0, 0x8000000),
    };
    static const struct edit cells_of_chosen[] = {
        CELLS("/chosen", "#address-cells", 1, 1),
        CELLS("/chosen", "#size-cells", 1, 1),
        STATIC(2, 0x80000000, 0x8000000),
    };

    tree_good();
    tree_edits(edits, 1);
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_false(cfg.direct_map);
    assert_int_equal(cfg.static_mem_count, 2);
    assert_int_equal(cfg.static_mem[0].base, 0x80000000);
    assert_int_equal(cfg.static_mem[0].size, 0x7000000);
    assert_int_equal(cfg.static_mem[1].base, 0x60000000);
    assert_int_equal(cfg.static_mem[1].size, 0x1000000);
    tree_edit(&edits[1]);
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_true(cfg.direct_map);

    tree_good();
    tree_edits(old_cells, ARRAY_SIZE(old_cells));
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_int_equal(cfg.static_mem[0].size, 0x8000000);
    tree_good();
    tree_edits(cells_of_chosen, ARRAY_SIZE(cells_of_chosen));
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_int_equal(cfg.static_mem[0].size, 0x8000000);
}

#define PAIRS                                                                \
    "expected pairs of address and size, in cells as counted by /chosen or " \
    "#xen,static-mem-*-cells"
#define S D "xen,static-mem = "

static void test_refusals(void **state)
{
    static const struct refusal list[] = {
        { S "(12 bytes): " PAIRS, { STATIC(3, 0, 0x60000000, 0x8000000) } },
        { S "(20 bytes): " PAIRS, { STATIC(5, 0, 0x60000000, 0, 0x8000000, 0) } },
        { S "(0 bytes): " PAIRS, { EMPTY(dom, "xen,static-mem") } },
        { S "(16 bytes): " PAIRS,
          { STATIC(4, 0, 0x60000000, 0, 0x8000000),
            CELLS(dom, "#xen,static-mem-address-cells", 1, 2) } },
        { S "0x60000000+0x0: expected a size above 0", { STATIC(4, 0, 0x60000000, 0, 0) } },
        { S "0x60000800+0x8000000: expected whole pages of 4 KiB",
          { STATIC(4, 0, 0x60000800, 0, 0x8000000) } },
        { S "0x60000000+0x8000800: expected whole pages of 4 KiB",
          { STATIC(4, 0, 0x60000000, 0, 0x8000800) } },
        { S "0x20000000+0x8000000: expected a range inside the machine's RAM",
          { STATIC(4, 0, 0x20000000, 0, 0x8000000) } },
        { S "0xbf000000+0x8000000: expected a range inside the machine's RAM",
          { STATIC(4, 0, 0xbf000000, 0, 0x8000000) } },
        { S "0x60000000+0xfffffffffffff000: expected a range inside the machine's RAM",
          { STATIC(4, 0, 0x60000000, 0xffffffff, 0xfffff000) } },
        { S "0xfffffffffffff000+0x2000: expected a range inside the machine's RAM",
          { STATIC(4, 0xffffffff, 0xfffff000, 0, 0x2000) } },
        { S "0x40000000+0x8000000: expected no overlap with the hypervisor at 0x40200000+0x200000",
          { STATIC(4, 0, 0x40000000, 0, 0x8000000) } },
        { S "0x480ff000+0x2000: expected no overlap with the device tree at 0x48000000+0x100000",
          { STATIC(4, 0, 0x480ff000, 0, 0x2000) } },
        { S "0xb0000000+0x200000: expected no overlap with reserved memory at "
            "0xb0000000+0x200000",
          { STATIC(4, 0, 0xb0000000, 0, 0x200000) } },
        { S "0x53000000+0x1001000: expected no overlap with /chosen/domU1/module@54000000 at "
            "0x54000000+0x100000",
          { STATIC(4, 0, 0x53000000, 0, 0x1001000) } },
        { S "0x63fff000+0x2000: expected no overlap with xen,static-mem at "
            "0x60000000+0x4000000",
          { STATIC(8, 0, 0x60000000, 0, 0x4000000, 0, 0x63fff000, 0, 0x2000) } },
        { S "0x60000000+0x4000000: expected no overlap with xen,static-mem at "
            "0x60000000+0x4000000",
          { STATIC(8, 0, 0x60000000, 0, 0x4000000, 0, 0x60000000, 0, 0x4000000) } },
        { D "memory = <0x0 0x20000>: expected 0x1f000 KiB, the sum of xen,static-mem",
          { STATIC(4, 0, 0x60000000, 0, 0x7c00000) } },
        { D "memory = <0x0 0x20000>: expected 0x20004 KiB, the sum of xen,static-mem",
          { STATIC(8, 0, 0x60000000, 0, 0x4000000, 0, 0x70000000, 0, 0x4001000) } },
        { "/chosen/domU1: #address-cells = <0x3>: expected 1 or 2",
          { STATIC(4, 0, 0x60000000, 0, 0x8000000), CELLS(dom, "#address-cells", 1, 3) } },
    };

    check_refusals(list, ARRAY_SIZE(list));
}

/* count pages, every other one from 0x60000000 on. */
static void add_pages(u32 count)
{
    u32 cells[4 * 20] = { 0 };

    for (u32 i = 0; i < count; i++) {
        cells[4 * i + 1] = cpu_to_fdt32(0x60000000 + i * 0x2000);
        cells[4 * i + 3] = cpu_to_fdt32(0x1000);
    }
    assert_int_equal(fdt_setprop(blob, fdt_path_offset(blob, dom), "xen,static-mem", cells,
                                 (int)count * 16),
                     0);
}

static void test_too_many_regions(void **state)
{
    static const struct edit sixteen = CELLS(dom, "memory", 2, 0, 64);

    tree_good();
    tree_edit(&sixteen);
    add_pages(DOMCFG_BANKS_MAX);
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_int_equal(cfg.static_mem_count, DOMCFG_BANKS_MAX);
    add_pages(DOMCFG_BANKS_MAX + 1);
    assert_int_not_equal(parse(dom), CORBEL_OK);
    assert_string_equal(error.text, S "(272 bytes): expected at most 16 regions");
}

static void test_platform_list_full(void **state)
{
    tree_good();
    add_pages(1);
    machine_read();
    machine.static_count = 0;
    assert_int_not_equal(domcfg_parse(&machine, fdt_path_offset(blob, dom), &cfg, &error), 0);
    assert_string_equal(error.text,
                        S "0x60000000+0x1000: expected at most 128 static ranges in the tree, "
                          "and RAM left beside them");
}

/* domU2 stands in front of domU1; each region of domU1 meets memory of domU2. */
static void test_overlap_blames_the_later(void **state)
{
    static const struct edit regions[] = {
        STATIC(4, 0, 0x60000000, 0, 0x8000000),
        STATIC(4, 0, 0x67fff000, 0, 0x8000000),
        STATIC(8, 0, 0x80000000, 0, 0x7fff000, 0, 0x5ffff000, 0, 0x8002000),
    };
    static const struct edit other = CELLS(dom2, "xen,static-mem", 4, 0, 0x60000000, 0, 0x8000000);

    for (u32 i = 0; i < ARRAY_SIZE(regions); i++) {
        second_domain(0x54000000, 0x100000);
        tree_edit(&other);
        tree_edit(&regions[i]);
        assert_int_equal(parse(dom2), CORBEL_OK);
        assert_int_not_equal(parse(dom), CORBEL_OK);
        assert_non_null(strstr(error.text, S "0x"));
        assert_non_null(strstr(error.text, "expected no overlap with /chosen/domU2 at "
                                           "0x60000000+0x8000000"));
    }
}

/* What the other domain cannot have anyway is in nobody's way. */
static void test_nonsense_elsewhere_blames_nobody_else(void **state)
{
    static const struct edit nonsense[] = {
        CELLS(dom2, "xen,static-mem", 4, 0, 0x60000000, 0xffffffff, 0xfffff000),
        CELLS(dom2, "xen,static-mem", 4, 0, 0x60000800, 0, 0x8000000),
        CELLS(dom2, "xen,static-mem", 3, 0, 0x60000000, 0x8000000),
    };
    static const struct edit good = STATIC(4, 0, 0x60000000, 0, 0x8000000);

    for (u32 i = 0; i < ARRAY_SIZE(nonsense); i++) {
        second_domain(0x54000000, 0x100000);
        tree_edit(&nonsense[i]);
        tree_edit(&good);
        assert_int_equal(parse(dom), CORBEL_OK);
        assert_int_not_equal(parse(dom2), CORBEL_OK);
    }
}

/* Static memory over another domain's module: that domain keeps its module. */
static void test_modules_go_first(void **state)
{
    static const struct edit edit = STATIC(4, 0, 0x58000000, 0, 0x8000000);

    second_domain(0x5f000000, 0x1000);
    tree_edit(&edit);
    assert_int_equal(parse(dom2), CORBEL_OK);
    assert_int_not_equal(parse(dom), CORBEL_OK);
    assert_string_equal(error.text, S "0x58000000+0x8000000: expected no overlap with "
                                      "/chosen/domU2/r at 0x5f000000+0x1000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_direct_map),
        cmocka_unit_test(test_static_memory),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_too_many_regions),
        cmocka_unit_test(test_platform_list_full),
        cmocka_unit_test(test_overlap_blames_the_later),
        cmocka_unit_test(test_nonsense_elsewhere_blames_nobody_else),
        cmocka_unit_test(test_modules_go_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

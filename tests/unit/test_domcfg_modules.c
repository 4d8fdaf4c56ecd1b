/* SPDX-License-Identifier: Apache-2.0 */
/* Boot modules of a domain: forms, sharing, and every refusal to the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cfg_parse.h"

static void test_module_forms(void **state)
{
    static const struct edit legacy[] = {
        RAW(kernel, "compatible", "xen,linux-zimage\0xen,multiboot-module\0multiboot,module\0"),
        RAW(ramdisk, "compatible", "xen,linux-initrd\0xen,multiboot-module\0multiboot,module\0"),
    };
    static const struct edit untyped[] = {
        STR(kernel, "compatible", "multiboot,module"),
        STR(ramdisk, "compatible", "multiboot,module"),
    };
    static const struct edit half = STR(kernel, "compatible", "multiboot,module");
    static const struct edit no_ramdisk = RAW(ramdisk, "compatible", "other\0");
    static const struct edit no_bootargs = REMOVE(kernel, "bootargs");

    tree_good();
    tree_edits(legacy, ARRAY_SIZE(legacy));
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_int_equal(cfg.kernel.range.base, 0x50000000);
    assert_int_equal(cfg.ramdisk.range.base, 0x54000000);

    tree_good(); /* fdt_add_subnode() puts the kernel, added last, in front */
    tree_edits(untyped, ARRAY_SIZE(untyped));
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_int_equal(cfg.kernel.range.base, 0x50000000);
    assert_int_equal(cfg.ramdisk.range.base, 0x54000000);

    tree_good();
    tree_edit(&half);
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_int_equal(cfg.kernel.range.base, 0x50000000);

    tree_good();
    tree_edit(&no_ramdisk);
    tree_edit(&no_bootargs);
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_int_equal(cfg.ramdisk.range.size, 0);
    assert_string_equal(cfg.bootargs, "");
}

static void test_device_tree(void **state)
{
    static const struct edit edits[] = {
        ADD_NODE("/chosen/domU1/dtb"),
        RAW("/chosen/domU1/dtb", "compatible", "multiboot,device-tree\0multiboot,module\0"),
        CELLS("/chosen/domU1/dtb", "reg", 4, 0, 0x58000001, 0, 0x100000),
    };

    tree_good();
    tree_edits(edits, ARRAY_SIZE(edits));
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_int_equal(cfg.dtb.range.base, 0x58000001);
    assert_int_equal(cfg.dtb.range.size, 0x100000);
    assert_int_equal(cfg.dtb.node, fdt_path_offset(blob, "/chosen/domU1/dtb"));
    assert_int_equal(cfg.ramdisk.range.base, 0x54000000);
}

/* One cell each, from the node above the domain: nothing at all on the domain itself. */
static void test_inherited_cells(void **state)
{
    static const struct edit edits[] = {
        REMOVE(dom, "#address-cells"),
        REMOVE(dom, "#size-cells"),
        CELLS("/chosen", "#address-cells", 1, 1),
        CELLS("/chosen", "#size-cells", 1, 1),
        CELLS(kernel, "reg", 2, 0x50000000, 0x2200000),
        CELLS(ramdisk, "reg", 2, 0x54000000, 0x100000),
    };
    u32 count;

    tree_good();
    tree_edits(edits, ARRAY_SIZE(edits));
    machine_read();
    count = machine.module_count; /* the helper knows two cells only */
    assert_int_equal(count, 0);
    machine.modules[0].node = fdt_path_offset(blob, kernel);
    machine.modules[1].node = fdt_path_offset(blob, ramdisk);
    machine.modules[0].range = (struct mem_range){ 0x50000000, 0x2200000 };
    machine.modules[1].range = (struct mem_range){ 0x54000000, 0x100000 };
    machine.module_count = 2;
    assert_int_equal(domcfg_parse(&machine, fdt_path_offset(blob, dom), &cfg, &error), CORBEL_OK);
    assert_int_equal(cfg.kernel.range.base, 0x50000000);
    assert_int_equal(cfg.ramdisk.range.size, 0x100000);
}

static const char third[] = "/chosen/domU1/module@58000000";

#define DTB_COMPATIBLE "multiboot,device-tree\0multiboot,module\0"

static void test_module_refusals(void **state)
{
    static const struct refusal list[] = {
        { D "multiboot,kernel = (missing): expected a module with this compatible",
          { STR(kernel, "compatible", "other") } },
        { K "compatible = \"multiboot,kernel\": expected also \"multiboot,module\"",
          { STR(kernel, "compatible", "multiboot,kernel") } },
        { R "compatible = \"multiboot,kernel\": expected one kernel in a domain, not two",
          { RAW(ramdisk, "compatible", KERNEL_COMPATIBLE) } },
        { R "compatible = \"multiboot,ramdisk\": expected one ramdisk in a domain, not two",
          { ADD_NODE(third), RAW(third, "compatible", RAMDISK_COMPATIBLE),
            CELLS(third, "reg", 4, 0, 0x58000000, 0, 0x1000) } },
        { "/chosen/domU1/module@58000000: compatible = \"multiboot,module\": expected "
          "\"multiboot,kernel\" or \"multiboot,ramdisk\" beside it, and one of each",
          { ADD_NODE(third), STR(third, "compatible", "multiboot,module"),
            CELLS(third, "reg", 4, 0, 0x58000000, 0, 0x1000) } },
        { R "compatible = \"multiboot,device-tree\": expected one device tree in a domain, not two",
          { ADD_NODE(third), RAW(third, "compatible", DTB_COMPATIBLE),
            CELLS(third, "reg", 4, 0, 0x58000000, 0, 0x1000),
            RAW(ramdisk, "compatible", DTB_COMPATIBLE) } },
        { R "reg = <0x0 0x54000000 0x0 0x100001>: expected a device tree of at most 0x100000 bytes",
          { RAW(ramdisk, "compatible", DTB_COMPATIBLE),
            CELLS(ramdisk, "reg", 4, 0, 0x54000000, 0, 0x100001) } },
        { R "reg = <0x0 0x20000000 0x0 0x1000>: expected a range inside the machine's RAM",
          { RAW(ramdisk, "compatible", DTB_COMPATIBLE),
            CELLS(ramdisk, "reg", 4, 0, 0x20000000, 0, 0x1000) } },
        { D "#address-cells = <0x3>: expected 1 or 2", { CELLS(dom, "#address-cells", 1, 3) } },
        { D "#size-cells = <0x0>: expected 1 or 2", { CELLS(dom, "#size-cells", 1, 0) } },
        { D "#size-cells = (2 bytes): expected 1 or 2", { STR(dom, "#size-cells", "2") } },
        { D "#address-cells = (missing): expected 1 or 2 here, as #size-cells; nodes above have "
            "neither",
          { REMOVE(dom, "#address-cells"), CELLS("/chosen", "#address-cells", 1, 0) } },
        { K "reg = (missing): expected an address and a size of 2 + 2 cells",
          { REMOVE(kernel, "reg") } },
        { K "reg = (12 bytes): expected an address and a size of 2 + 2 cells",
          { CELLS(kernel, "reg", 3, 0, 0x50000000, 0x2200000) } },
        { K "reg = (20 bytes): expected an address and a size of 2 + 2 cells",
          { CELLS(kernel, "reg", 5, 0, 0x50000000, 0, 0x2200000, 0) } },
        { K "reg = <0x0 0x50000000 0x0 0x0>: expected a size above 0",
          { CELLS(kernel, "reg", 4, 0, 0x50000000, 0, 0) } },
        { K "reg = <0x0 0x10000000 0x0 0x2200000>: expected a range inside the machine's RAM",
          { CELLS(kernel, "reg", 4, 0, 0x10000000, 0, 0x2200000) } },
        { K "reg = <0x0 0xbff00000 0x0 0x2200000>: expected a range inside the machine's RAM",
          { CELLS(kernel, "reg", 4, 0, 0xbff00000, 0, 0x2200000) } },
        { K "reg = <0x0 0x50000000 0xffffffff 0xffffffff>: expected a range inside the machine's "
            "RAM",
          { CELLS(kernel, "reg", 4, 0, 0x50000000, 0xffffffff, 0xffffffff) } },
        { K "reg = <0xffffffff 0xfffff000 0x0 0x2000>: expected a range inside the machine's RAM",
          { CELLS(kernel, "reg", 4, 0xffffffff, 0xfffff000, 0, 0x2000) } },
        { K "reg = <0x0 0x40300000 0x0 0x2200000>: expected no overlap with the hypervisor at "
            "0x40200000+0x200000",
          { CELLS(kernel, "reg", 4, 0, 0x40300000, 0, 0x2200000) } },
        { K "reg = <0x0 0x47000000 0x0 0x2200000>: expected no overlap with the device tree at "
            "0x48000000+0x100000",
          { CELLS(kernel, "reg", 4, 0, 0x47000000, 0, 0x2200000) } },
        { K "reg = <0x0 0xaff00000 0x0 0x2200000>: expected no overlap with reserved memory at "
            "0xb0000000+0x200000",
          { CELLS(kernel, "reg", 4, 0, 0xaff00000, 0, 0x2200000) } },
        { K "reg = <0x0 0x50000000 0x0 0x10000000>: expected no overlap with "
            "/chosen/domU1/module@54000000 at 0x54000000+0x100000",
          { CELLS(kernel, "reg", 4, 0, 0x50000000, 0, 0x10000000) } },
        { K "bootargs = (3 bytes): expected a string of at most 1023 characters",
          { RAW(kernel, "bootargs", "abc") } },
        { K "bootargs = (0 bytes): expected a string of at most 1023 characters",
          { EMPTY(kernel, "bootargs") } },
    };

    check_refusals(list, ARRAY_SIZE(list));
}

static void test_bootargs_length(void **state)
{
    static char text[1025];
    struct edit edit = STR(kernel, "bootargs", text);

    memset(text, 'x', 1023);
    tree_good();
    tree_edit(&edit);
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_int_equal(strlen(cfg.bootargs), 1023);
    text[1023] = 'x';
    tree_edit(&edit);
    assert_int_not_equal(parse(dom), CORBEL_OK);
    assert_string_equal(error.text, K "bootargs = (1025 bytes): expected a string of at most 1023 "
                                      "characters");
}

static void test_reservation_of_the_module_itself(void **state)
{
    tree_good();
    machine_read();
    machine.reserved[0] = (struct mem_range){ 0x54000000, 0x100000 };
    assert_int_equal(domcfg_parse(&machine, fdt_path_offset(blob, dom), &cfg, &error), CORBEL_OK);
}

static void test_module_list_full(void **state)
{
    tree_good();
    machine_read();
    for (u32 i = 0; i < machine.module_count; i++) /* as platform_drop_hog() leaves them */
        machine.modules[i].range = (struct mem_range){ 0, 0 };
    assert_int_not_equal(domcfg_parse(&machine, fdt_path_offset(blob, dom), &cfg, &error), 0);
    machine.module_count = 0;
    assert_int_not_equal(domcfg_parse(&machine, fdt_path_offset(blob, dom), &cfg, &error), 0);
    assert_string_equal(error.text, K "reg = <0x0 0x50000000 0x0 0x2200000>: expected at most 128 "
                                      "modules in the tree, and RAM left beside them");
}

static void test_shared_modules(void **state)
{
    second_domain(0x54000000, 0x100000);
    assert_int_equal(parse("/chosen/domU1"), CORBEL_OK);
    assert_int_equal(parse("/chosen/domU2"), CORBEL_OK);
}

/* Whatever the second domain does to the first one's modules, the first one starts. */
static void test_overlap_blames_one_domain(void **state)
{
    static const struct {
        u32 base, size;
    } ranges[] = {
        { 0x51000000, 0x1000 },     /* inside the first's kernel */
        { 0x54000000, 0x100001 },   /* same start as its ramdisk, longer */
        { 0x54080000, 0x100000 },   /* starts inside its ramdisk */
        { 0x50000000, 0x10000000 }, /* over everything */
        { 0x4f000000, 0x6000000 },
    };

    for (u32 i = 0; i < ARRAY_SIZE(ranges); i++) {
        second_domain(ranges[i].base, ranges[i].size);
        assert_int_equal(parse("/chosen/domU1"), CORBEL_OK);
        assert_int_not_equal(parse("/chosen/domU2"), CORBEL_OK);
        assert_non_null(strstr(error.text, "/chosen/domU2/r: reg = <0x0 0x"));
        assert_non_null(strstr(error.text, "no overlap with /chosen/domU"));
    }
}

/* Found by fuzzing: the other node's name stood in the line as it was. */
static void test_overlap_with_a_terminal_sequence(void **state)
{
    second_domain(0x54080000, 0x100000);
    assert_int_equal(fdt_set_name(blob, fdt_path_offset(blob, "/chosen/domU1"), "\x1b[2J"), 0);
    assert_int_not_equal(parse("/chosen/domU2"), CORBEL_OK);
    assert_non_null(strstr(error.text, "expected no overlap with /chosen/?[2J/module@"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_module_forms),
        cmocka_unit_test(test_device_tree),
        cmocka_unit_test(test_inherited_cells),
        cmocka_unit_test(test_module_refusals),
        cmocka_unit_test(test_bootargs_length),
        cmocka_unit_test(test_reservation_of_the_module_itself),
        cmocka_unit_test(test_module_list_full),
        cmocka_unit_test(test_shared_modules),
        cmocka_unit_test(test_overlap_blames_one_domain),
        cmocka_unit_test(test_overlap_with_a_terminal_sequence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

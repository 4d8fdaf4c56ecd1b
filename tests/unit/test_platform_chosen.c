/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What boot scripts leave in /chosen: whose command line is whose, modules in
 * each of their forms, seeds.
 */
#include "machines.h"

static char line[64];

/* ---- command line ---- */

static void command_tree(void)
{
    tree_begin();
    root_cells(2, 2);
    node("chosen");
    root_cells(2, 2);
    list("bootargs", "from bootargs");
    node("dom0");
    list("compatible", "xen,linux-zimage\0xen,multiboot-module\0multiboot,module");
    cells("reg", 0, 0x40400000, 0, 0x1000);
    end();
    node("domU1");
    list("compatible", "xen,domain");
    node("kernel");
    list("compatible", "multiboot,kernel\0multiboot,module");
    cells("reg", 0, 0x40400000, 0, 0x1000);
    list("bootargs", "of domU1");
    end();
    end();
    end();
    tree_end();
}

static const char *command_line(void)
{
    platform_cmdline(tree_take(), line, sizeof(line));
    return line;
}

static void whose_bootargs(void **state)
{
    command_tree();
    assert_string_equal(command_line(), ""); /* bootargs is dom0's, or Linux's */

    set_list("/chosen", "xen,dom0-bootargs", "of dom0");
    assert_string_equal(command_line(), "from bootargs");
    set_list("/chosen", "xen,xen-bootargs", "own");
    assert_string_equal(command_line(), "own");
    set_list("/chosen", "xen,xen-bootargs", "");
    assert_string_equal(command_line(), "");

    command_tree();
    set_list("/chosen/dom0", "bootargs", "of dom0");
    assert_string_equal(command_line(), "from bootargs");
    set_list("/chosen/dom0", "bootargs", "");
    assert_string_equal(command_line(), "");
    set_list("/chosen/dom0", "bootargs", "of dom0");
    set_list("/chosen/dom0", "compatible", "multiboot,module"); /* first untyped: the kernel */
    assert_string_equal(command_line(), "from bootargs");
    set_list("/chosen/dom0", "compatible", "multiboot,ramdisk\0multiboot,module");
    assert_string_equal(command_line(), "");
    del_prop("/chosen", "bootargs");
    set_list("/chosen", "xen,dom0-bootargs", "of dom0");
    assert_string_equal(command_line(), "");
}

static void malformed_command_lines(void **state)
{
    char small[8];

    command_tree();
    set_raw("/chosen", "xen,xen-bootargs", "no end");
    assert_string_equal(command_line(), "");
    machine_read();
    assert_string_equal(p.cmdline, "");
    assert_string_equal(p.notes, "/chosen: xen,xen-bootargs: expected a string\n");

    set_list("/chosen", "xen,xen-bootargs", "console=dtuart");
    platform_cmdline(tree_take(), small, sizeof(small));
    assert_string_equal(small, "console");
    del_node("/chosen");
    assert_string_equal(command_line(), "");
}

static void long_command_line_is_cut(void **state)
{
    static char text[3000];

    command_tree();
    memset(text, 'x', sizeof(text) - 1);
    tree_ok(fdt_setprop(tree_room, tree_at("/chosen"), "xen,xen-bootargs", text, sizeof(text)));
    machine_read();
    assert_int_equal(strlen(p.cmdline), PLATFORM_CMDLINE_MAX - 1);
    assert_string_equal(p.notes, "/chosen: command line cut at 2047 characters\n");
}

/* ---- modules ---- */

static void check_module(u32 index, const char *path, int kind, u64 base, u64 size)
{
    int at = fdtr_path(p.fdt, path);
    int parent = fdtr_parent(p.fdt, at);

    assert_true(index < p.module_count);
    assert_int_equal(p.modules[index].node, at);
    assert_int_equal(p.modules[index].kind, kind);
    assert_int_equal(p.modules[index].domain_node,
                     fdtr_compatible(p.fdt, parent, "xen,domain") ? parent : -1);
    assert_false(p.modules[index].used);
    check_range(&p.modules[index].range, base, size);
}

static void modules_of_a_domain(void **state)
{
    virt_machine(false);
    machine_read();
    assert_int_equal(p.module_count, 2);
    check_module(0, "/chosen/domU1/module@54000000", MODULE_RAMDISK, 0x54000000, 0xf0cc3);
    check_module(1, "/chosen/domU1/module@50000000", MODULE_KERNEL, 0x50000000, 0x2136800);
    assert_int_equal(p.rng_seed_len, 32);
    assert_memory_equal(p.rng_seed, "0123456789abcdef0123456789abcdef", 32);
    assert_string_equal(p.cmdline, "console=dtuart dtuart=/pl011@9000000");
}

static void put_module(const char *name, const char *compatible, u32 size, u32 base)
{
    node(name);
    tree_ok(fdt_property(tree_room, "compatible", compatible, (int)size));
    cells("reg", 0, base, 0, 0x1000);
    end();
}

#define module(name, compatible, base) put_module(name, compatible, sizeof(compatible), base)

static void kinds(void **state)
{
    tree_begin();
    root_cells(2, 2);
    node("chosen"); /* no cell counts of its own: the root's */
    module("dom0@1000", "xen,linux-zimage\0xen,multiboot-module\0multiboot,module", 0x1000);
    module("dom0-ramdisk@2000", "xen,linux-initrd\0xen,multiboot-module", 0x2000);
    module("policy@3000", "xen,xsm-policy\0multiboot,module", 0x3000);
    module("first", "multiboot,module", 0x4000);
    module("second", "xen,multiboot-module", 0x5000);
    module("third", "multiboot,module", 0x6000);
    module("no-module", "multiboot,kernel", 0x7000);
    node("domU1");
    list("compatible", "xen,domain");
    module("module0x42A00000", "multiboot,module", 0x42a00000);
    module("dtb", "multiboot,device-tree\0multiboot,module", 0x8000);
    module("other", "multiboot,module", 0x9000);
    node("deeper");
    module("too-deep", "multiboot,module", 0xa000);
    end();
    end();
    end();
    tree_end();
    machine_read();
    assert_int_equal(p.module_count, 9);
    check_module(0, "/chosen/dom0@1000", MODULE_KERNEL, 0x1000, 0x1000);
    check_module(1, "/chosen/dom0-ramdisk@2000", MODULE_RAMDISK, 0x2000, 0x1000);
    check_module(2, "/chosen/policy@3000", MODULE_XSM, 0x3000, 0x1000);
    check_module(3, "/chosen/first", MODULE_KERNEL, 0x4000, 0x1000);
    check_module(4, "/chosen/second", MODULE_RAMDISK, 0x5000, 0x1000);
    check_module(5, "/chosen/third", MODULE_UNKNOWN, 0x6000, 0x1000);
    check_module(6, "/chosen/domU1/module0x42A00000", MODULE_KERNEL, 0x42a00000, 0x1000);
    check_module(7, "/chosen/domU1/dtb", MODULE_DTB, 0x8000, 0x1000);
    check_module(8, "/chosen/domU1/other", MODULE_RAMDISK, 0x9000, 0x1000);
    assert_string_equal(p.notes, "");
}

static void module_cells_are_the_parents(void **state)
{
    command_tree();
    set_cells("/chosen/domU1", "#address-cells", 1);
    set_cells("/chosen/domU1", "#size-cells", 1);
    set_cells("/chosen/domU1/kernel", "reg", 0x48000000, 0x123);
    machine_read();
    check_module(1, "/chosen/domU1/kernel", MODULE_KERNEL, 0x48000000, 0x123);
}

static void malformed_modules_are_left_out(void **state)
{
    command_tree();
    del_prop("/chosen/dom0", "reg");
    set_cells("/chosen/domU1/kernel", "reg", 0, 0x1000, 0, 0);
    add_node("/chosen/domU1", "short");
    set_list("/chosen/domU1/short", "compatible", "multiboot,module");
    set_cells("/chosen/domU1/short", "reg", 0, 0x1000, 0);
    add_node("/chosen/domU1", "wraps");
    set_list("/chosen/domU1/wraps", "compatible", "multiboot,module");
    set_cells("/chosen/domU1/wraps", "reg", 0xffffffff, 0xfffff000, 0, 0x2000);
    machine_read();
    assert_int_equal(p.module_count, 0);
    assert_string_equal(p.notes,
                        "/chosen/dom0: reg: expected an address and a size\n"
                        "/chosen/domU1/wraps: module 0xfffffffffffff000+0x2000: no such range\n"
                        "/chosen/domU1/short: reg: expected an address and a size\n"
                        "/chosen/domU1/kernel: module 0x1000+0x0: no such range\n");
}

static void too_many_modules(void **state)
{
    char name[16];
    u32 i;

    tree_begin();
    root_cells(2, 2);
    node("chosen");
    for (i = 0; i < PLATFORM_MODULES_MAX + 1; i++) {
        snprintf(name, sizeof(name), "m%u", i);
        module(name, "multiboot,ramdisk\0multiboot,module", 0x1000 * (i + 1));
    }
    end();
    tree_end();
    machine_read();
    assert_int_equal(p.module_count, PLATFORM_MODULES_MAX);
    assert_string_equal(p.notes, "/chosen/m128: not used: more than 128 modules\n");
}

static void initrd_of_dom0(void **state)
{
    command_tree();
    set_cells("/chosen", "linux,initrd-start", 0x44000000);
    set_cells("/chosen", "linux,initrd-end", 0, 0x44001000);
    machine_read();
    assert_int_equal(p.module_count, 3);
    check_module(0, "/chosen", MODULE_RAMDISK, 0x44000000, 0x1000);
    assert_string_equal(p.notes, "");

    set_cells("/chosen", "linux,initrd-end", 0x44000000);
    machine_read();
    assert_int_equal(p.module_count, 2);
    assert_string_equal(p.notes, "/chosen: linux,initrd-start, linux,initrd-end: not a range\n");
    del_prop("/chosen", "linux,initrd-end");
    machine_read();
    assert_int_equal(p.module_count, 2);
    set_cells("/chosen", "linux,initrd-start", 1, 2, 3);
    machine_read();
    assert_int_equal(p.module_count, 2);
}

/* ---- seeds ---- */

static void seeds(void **state)
{
    virt_machine(false);
    del_prop("/chosen", "rng-seed");
    machine_read();
    assert_int_equal(p.rng_seed_len, 0);
    set_cells("/chosen", "kaslr-seed", 0x01020304, 0x05060708);
    machine_read();
    assert_int_equal(p.rng_seed_len, 8);
    assert_memory_equal(p.rng_seed, "\1\2\3\4\5\6\7\x8", 8);
    tree_ok(fdt_setprop(tree_room, tree_at("/chosen"), "rng-seed", tree_room, 100));
    machine_read();
    assert_int_equal(p.rng_seed_len, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whose_bootargs),
        cmocka_unit_test(malformed_command_lines),
        cmocka_unit_test(long_command_line_is_cut),
        cmocka_unit_test(modules_of_a_domain),
        cmocka_unit_test(kinds),
        cmocka_unit_test(module_cells_are_the_parents),
        cmocka_unit_test(malformed_modules_are_left_out),
        cmocka_unit_test(too_many_modules),
        cmocka_unit_test(initrd_of_dom0),
        cmocka_unit_test(seeds),
    };

    return cmocka_run_group_tests(tests, NULL, tree_free);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of the platform: banks, reservations and what is left of them free;
 * and one whole machine read at once.
 */
#include <corbel/platform_static.h>

#include "machines.h"

static void virt_as_a_whole(void **state)
{
    virt_machine(false);
    machine_read();
    assert_string_equal(p.notes, "");
    assert_string_equal(p.model, "linux,dummy-virt");
    assert_int_equal(p.bank_count, 1);
    check_range(&p.banks[0], 0x40000000, 0x80000000);
    assert_int_equal(p.reserved_count, 0);
    assert_int_equal(p.module_count, 2);
    assert_int_equal(p.cpu_count, 2);
    assert_int_equal(p.gic.version, GIC_V3);
    assert_int_equal(p.uart.kind, UART_PL011);
    assert_int_equal(p.psci_conduit, SMCCC_SMC);
    assert_int_equal(p.timer.hyp, 26);
    assert_true(p.self.size == 0 && p.tree.size == 0);
}

static void secure_memory_is_not_ours(void **state)
{
    virt_machine(true);
    machine_read();
    assert_int_equal(p.bank_count, 1);
    check_range(&p.banks[0], 0x40000000, 0x80000000);
}

static void zcu102_has_two_banks(void **state)
{
    zcu102_machine();
    machine_read();
    assert_string_equal(p.notes, "");
    assert_int_equal(p.bank_count, 2);
    check_range(&p.banks[0], 0, 0x80000000);
    check_range(&p.banks[1], 0x800000000ull, 0x80000000);
    assert_int_equal(p.reserved_count, 1);
    check_range(&p.reserved[0], 0x3ed00000, 0x40000);
}

static void raspi_reserves_its_boot_page(void **state)
{
    raspi_machine();
    machine_read();
    assert_int_equal(p.bank_count, 1);
    check_range(&p.banks[0], 0, 0x3c000000);
    assert_int_equal(p.reserved_count, 1); /* not the entries without reg or of no length */
    check_range(&p.reserved[0], 0, 0x1000);
    assert_string_equal(p.model, "raspberrypi,4-model-b");
    assert_string_equal(p.notes, "");
}

static void banks_are_sorted_and_merged(void **state)
{
    tree_begin();
    root_cells(2, 2);
    memory("memory@140000000", 1, 0x40000000, 0, 0x40000000);
    memory("memory@100000000", 1, 0, 0, 0x40000000, 0, 0, 0, 0);
    memory("memory@40000000", 0, 0x40000800, 0, 0x10000000, 0, 0x48000000, 0, 0x10000000);
    memory("tiny", 0, 0x80000001, 0, 0x1ffe);
    node("wrong-type");
    list("device_type", "memories");
    cells("reg", 0, 0, 0, 0x1000);
    end();
    tree_end();
    machine_read();
    assert_int_equal(p.bank_count, 2);
    check_range(&p.banks[0], 0x40001000, 0x17fff000);
    check_range(&p.banks[1], 0x100000000ull, 0x80000000);
    assert_string_equal(p.notes, "memory 0x48000000+0x10000000 is described twice\n");
}

static void banks_that_make_no_sense(void **state)
{
    tree_begin();
    root_cells(2, 2);
    memory("wraps", 0xffffffff, 0xfffff000, 0, 0x2000);
    memory("far", 0x00010000, 0, 0, 0x1000);
    memory("across", 0xffff, 0xfffff000, 1, 0);
    memory("half\x1b[2J\xff", 0, 0x1000, 0, 0x1000, 0, 0x4000, 0);
    node("none");
    list("device_type", "memory");
    end();
    tree_end();
    machine_read();
    assert_int_equal(p.bank_count, 2);
    check_range(&p.banks[0], 0x1000, 0x1000);
    check_range(&p.banks[1], 0xfffffffff000ull, 0x1000);
    assert_string_equal(p.notes, "/wraps: memory 0xfffffffffffff000+0x2000: cut at 48 bits\n"
                                 "/far: memory 0x1000000000000+0x1000: cut at 48 bits\n"
                                 "/across: memory 0xfffffffff000+0x100000000: cut at 48 bits\n"
                                 "/half?[2J?: reg: malformed after 1 entries\n");
}

static void too_many_banks(void **state)
{
    u32 i;

    tree_begin();
    root_cells(1, 1);
    for (i = 0; i < PLATFORM_BANKS_MAX + 2; i++) {
        char name[16];

        snprintf(name, sizeof(name), "m@%x", i);
        memory(name, i * 0x10000, 0x1000);
    }
    tree_end();
    machine_read();
    assert_int_equal(p.bank_count, PLATFORM_BANKS_MAX);
    assert_non_null(
        strstr(p.notes, "/m@20: memory 0x200000+0x1000 not used: more than 32 banks\n"));
    assert_non_null(strstr(p.notes, "/m@21: "));
}

static void no_memory_at_all(void **state)
{
    tree_begin();
    tree_end();
    machine_read();
    assert_int_equal(p.bank_count, 0);
    assert_int_equal(platform_free_ranges(&p, NULL, NULL, 0), 0);
    assert_string_equal(p.model, "");
    assert_string_equal(p.cmdline, "");
    assert_int_equal(p.gic.version, GIC_NONE);
    assert_int_equal(p.uart.kind, UART_NONE);
    assert_int_equal(p.cpu_count, 0);
    assert_int_equal(p.psci_conduit, SMCCC_NONE);
}

/* One 256 MiB bank from 1 GiB on and whatever the test puts into /reserved-memory. */
static void reserved_machine(void)
{
    tree_begin();
    root_cells(2, 2);
    memory("memory@40000000", 0, 0x40000000, 0, 0x10000000);
    node("reserved-memory");
    root_cells(2, 2);
    empty("ranges");
    node("a@41000000");
    cells("reg", 0, 0x41000000, 0, 0x1000, 0, 0x42000000, 0, 0x1000);
    empty("no-map");
    end();
    node("off");
    list("status", "disabled");
    cells("reg", 0, 0x43000000, 0, 0x1000);
    end();
    node("outside@92400000");
    cells("reg", 0, 0x92400000, 0, 0x100000);
    end();
    end();
    tree_end();
}

static void reservations(void **state)
{
    reserved_machine();
    add_reserve(0x44000000, 0x800);
    add_reserve(0x44000000, 0);
    add_reserve(0x3ffff000, 0x1800); /* reaches into the bank */
    add_reserve(0x20000000, 0x1000);
    add_reserve(0x4ffff000, ~0ull);
    machine_read();
    assert_string_equal(p.notes, "");
    assert_int_equal(p.reserved_count, 5);
    check_range(&p.reserved[0], 0x44000000, 0x800);
    check_range(&p.reserved[1], 0x3ffff000, 0x1800);
    check_range(&p.reserved[2], 0x4ffff000, ~0ull - 0x4ffff000);
    check_range(&p.reserved[3], 0x41000000, 0x1000);
    check_range(&p.reserved[4], 0x42000000, 0x1000);
    assert_int_equal(p.no_map_count, 2);
    check_range(&p.no_map[0], 0x41000000, 0x1000);
    check_range(&p.no_map[1], 0x42000000, 0x1000);
}

/* What a boot loader reserved of what it loaded is the module, no second claim to its memory. */
static void reservations_of_modules(void **state)
{
    reserved_machine();
    tree_ok(fdt_add_subnode(tree_room, 0, "chosen"));
    set_cells("/chosen", "#address-cells", 2);
    set_cells("/chosen", "#size-cells", 2);
    add_node("/chosen", "m@48000000");
    set_list("/chosen/m@48000000", "compatible", "multiboot,module");
    set_cells("/chosen/m@48000000", "reg", 0, 0x48000000, 0, 0x1234);
    set_cells("/reserved-memory/a@41000000", "reg", 0, 0x48000000, 0, 0x1234);
    add_reserve(0x48000000, 0x1234);
    add_reserve(0x44000000, 0x1000);
    add_reserve(0x48000000, 0x2000); /* more than the module: of something else, too */
    add_reserve(0x48000000, 0x1234);
    machine_read();
    assert_int_equal(p.module_count, 1);
    assert_int_equal(p.reserved_count, 3);
    check_range(&p.reserved[0], 0x44000000, 0x1000);
    check_range(&p.reserved[1], 0x48000000, 0x2000);
    check_range(&p.reserved[2], 0x48000000, 0x1234); /* the node: whoever has its phandle */
}

static void too_many_no_map_ranges(void **state)
{
    char name[32];
    u32 i;

    reserved_machine();
    for (i = 0; i < PLATFORM_NO_MAP_MAX - 1; i++) {
        snprintf(name, sizeof(name), "n%u", i);
        add_node("/reserved-memory", name);
        snprintf(name, sizeof(name), "/reserved-memory/n%u", i);
        set_cells(name, "reg", 0, 0x44000000 + i * 0x1000, 0, i ? 0x1000 : 0);
        tree_ok(fdt_setprop(tree_room, tree_at(name), "no-map", "", 0));
    }
    machine_read();
    assert_int_equal(p.no_map_count, PLATFORM_NO_MAP_MAX); /* an empty one does not count */
    assert_string_equal(p.notes, "");
    set_cells("/reserved-memory/n0", "reg", 0, 0x44000000, 0, 0x1000);
    machine_read();
    assert_int_equal(p.no_map_count, PLATFORM_NO_MAP_MAX);
    assert_int_equal(p.reserved_count, PLATFORM_NO_MAP_MAX + 1); /* reserved all the same */
    assert_string_equal(p.notes, "/reserved-memory/a@41000000: no SRAM can be in it: more than 32 "
                                 "no-map ranges\n");
}

static void reservations_written_badly(void **state)
{
    reserved_machine();
    del_prop("/reserved-memory", "ranges");
    machine_read();
    assert_int_equal(p.reserved_count, 2);
    assert_string_equal(p.notes, "");

    set_cells("/reserved-memory/a@41000000", "reg", 0, 0x41000000, 0, 0x1000, 1);
    machine_read();
    assert_int_equal(p.reserved_count, 1);
    assert_string_equal(p.notes, "/reserved-memory/a@41000000: reg: malformed after 1 entries\n");
}

static void too_many_reservations_keep_more_not_less(void **state)
{
    u32 i;

    reserved_machine();
    for (i = 0; i < PLATFORM_RESERVED_MAX + 1; i++)
        add_reserve(0x4f000000 - i * 0x10000ull, 0x1000);
    machine_read();
    assert_int_equal(p.reserved_count, PLATFORM_RESERVED_MAX);
    /* The last entry, the lowest of the block, grew over the one too many and both nodes. */
    check_range(&p.reserved[PLATFORM_RESERVED_MAX - 1], 0x41000000, 0xd811000);
    assert_non_null(strstr(p.notes, "more than 128 reserved ranges"));
}

/* ---- free ranges ---- */

#define FREE_MAX 8

static struct mem_range out[FREE_MAX];

/* With further reserved ranges for this call. */
static u32 free_ranges(const struct mem_range *extra, u32 count)
{
    u32 free;

    memset(out, 0, sizeof(out));
    for (u32 i = 0; i < count; i++)
        p.reserved[p.reserved_count++] = extra[i];
    free = platform_free_ranges(&p, NULL, out, FREE_MAX);
    p.reserved_count -= count;
    return free;
}

static void two_banks(void)
{
    memset(&p, 0, sizeof(p));
    p.banks[0] = (struct mem_range){ 0x40000000, 0x10000000 };
    p.banks[1] = (struct mem_range){ 0x80000000, 0x10000000 };
    p.bank_count = 2;
}

static void free_is_banks_less_holes(void **state)
{
    static const struct mem_range extra[] = { { 0x48000100, 0x10 }, { 0x20000000, 0x1000 } };

    two_banks();
    assert_int_equal(free_ranges(NULL, 0), 2);
    check_range(&out[0], 0x40000000, 0x10000000);

    p.self = (struct mem_range){ 0x40000000, 0x200000 };
    p.tree = (struct mem_range){ 0x8fffff00, 0x100 };
    p.modules[0].range = (struct mem_range){ 0x44000000, 0xf0cc3 };
    p.modules[1].range = (struct mem_range){ 0x45000000, 0x1000 };
    p.modules[1].used = true;
    p.module_count = 2;
    p.reserved[0] = (struct mem_range){ 0x4f000000, 0x50000000 }; /* end of one bank, all of two */
    p.reserved_count = 1;
    assert_int_equal(free_ranges(extra, 2), 3);
    check_range(&out[0], 0x40200000, 0x3e00000);
    check_range(&out[1], 0x440f1000, 0x48000000 - 0x440f1000);
    check_range(&out[2], 0x48001000, 0x6fff000);

    p.reserved_count = 0;
    assert_int_equal(free_ranges(NULL, 0), 3);
    check_range(&out[2], 0x80000000, 0xffff000);
}

static void over_the_hypervisor_keeps_nothing(void **state)
{
    two_banks();
    p.self = (struct mem_range){ 0x40200000, 0x100000 };
    p.tree = (struct mem_range){ 0x88000000, 0x1000 };
    p.modules[0].range = (struct mem_range){ 0, ~0ull };
    p.modules[1].range = (struct mem_range){ 0x40000000, 0x200001 };
    p.modules[2].range = (struct mem_range){ 0x4ffff000, 0x2000 };
    p.modules[3].range = (struct mem_range){ 0x41000000, 0x1000 };
    p.module_count = 4;
    p.statics[0].range = (struct mem_range){ 0x80000000, 0x10000000 };
    p.statics[1].range = (struct mem_range){ 0x40000000, 0x200000 };
    p.static_count = 2;
    platform_drop_refused(&p);
    for (u32 i = 0; i < 3; i++)
        assert_int_equal(p.modules[i].range.size, 0);
    assert_int_equal(p.statics[0].range.size, 0);
    check_range(&p.modules[3].range, 0x41000000, 0x1000);
    assert_int_equal(free_ranges(NULL, 0), 4);
    check_range(&out[0], 0x40300000, 0xd00000);
    check_range(&out[1], 0x41001000, 0xefff000);
    check_range(&out[2], 0x80000000, 0x8000000);
    check_range(&out[3], 0x88001000, 0x7fff000);
}

static void holes_that_overlap_or_wrap(void **state)
{
    static const struct mem_range extra[] = {
        { 0x41000000, 0x2000 }, { 0x41001000, 0x2000 },    { 0x41000000, 0x1000 },
        { 0x80001000, ~0ull },  { 0xffffffffffffff00, 1 }, { 0x3fff0000, 0x10000 },
    };

    two_banks();
    assert_int_equal(free_ranges(extra, 6), 3);
    check_range(&out[0], 0x40000000, 0x1000000);
    check_range(&out[1], 0x41003000, 0xeffd000);
    check_range(&out[2], 0x80000000, 0x1000);
}

static void free_ranges_stop_at_the_limit(void **state)
{
    struct mem_range extra[16];
    u32 i;

    two_banks();
    for (i = 0; i < 16; i++)
        extra[i] = (struct mem_range){ 0x40001000 + i * 0x2000ull, 0x1000 };
    assert_int_equal(free_ranges(extra, 16), FREE_MAX);
    assert_int_equal(platform_free_ranges(&p, NULL, out, 1), 1);
    check_range(&out[0], 0x40000000, 0x10000000);
}

/* What a module's end gives back, and no page of whatever lies beside it. */
static void free_within_a_range(void **state)
{
    static const struct mem_range all = { 0, ~0ull }, across = { 0x4ffff000, 0x30002000 };
    static const struct mem_range between = { 0x60000000, 0x1000 };
    struct mem_range pages = { 0x44000000, 0xf1000 };

    two_banks();
    p.modules[0].range = (struct mem_range){ 0x44000000, 0xf0cc3 };
    p.modules[1].range = (struct mem_range){ 0x440f0cc3, 0x10 }; /* in the same page */
    p.module_count = 2;
    p.tree = (struct mem_range){ 0x44010000, 0x2345 };
    assert_int_equal(platform_free_ranges(&p, &pages, out, FREE_MAX), 0);
    p.modules[0].used = true;
    assert_int_equal(platform_free_ranges(&p, &pages, out, FREE_MAX), 2);
    check_range(&out[0], 0x44000000, 0x10000);
    check_range(&out[1], 0x44013000, 0xf0000 - 0x13000);
    assert_int_equal(platform_free_ranges(&p, &pages, out, 1), 1);
    p.tree.size = 0;
    p.modules[1].used = true;
    assert_int_equal(platform_free_ranges(&p, &pages, out, FREE_MAX), 1);
    check_range(&out[0], pages.base, pages.size);

    assert_int_equal(platform_free_ranges(&p, &all, out, FREE_MAX), 2);
    assert_int_equal(platform_free_ranges(&p, &between, out, FREE_MAX), 0);
    assert_int_equal(platform_free_ranges(&p, &across, out, FREE_MAX), 2);
    check_range(&out[0], 0x4ffff000, 0x1000);
    check_range(&out[1], 0x80000000, 0x1000);

    /* Nothing goes to an allocator that is told where its memory is. */
    p.static_heap[0] = (struct mem_range){ 0x88000000, 0x1000000 };
    p.static_heap_count = 1;
    assert_int_equal(platform_free_ranges(&p, &pages, out, FREE_MAX), 0);
}

static void test_drop_hog(void **state)
{
    static struct platform p;

    (void)state;
    memset(&p, 0, sizeof(p));
    p.static_heap_count = 1;
    p.module_count = p.static_count = 2;
    p.modules[1].range = (struct mem_range){ 0x41000000, 0x3000 };
    p.statics[0].range = (struct mem_range){ 0x42000000, 0x4000 };
    assert_true(platform_drop_hog(&p)); /* the heap goes first */
    assert_int_equal(p.static_heap_count, 0);
    assert_int_equal(p.statics[0].range.size, 0x4000);
    assert_true(platform_drop_hog(&p)); /* then the largest */
    assert_int_equal(p.statics[0].range.size, 0);
    assert_int_equal(p.modules[1].range.size, 0x3000);
    assert_true(platform_drop_hog(&p));
    assert_int_equal(p.modules[1].range.size, 0);
    assert_false(platform_drop_hog(&p)); /* an end comes */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(virt_as_a_whole),
        cmocka_unit_test(secure_memory_is_not_ours),
        cmocka_unit_test(zcu102_has_two_banks),
        cmocka_unit_test(raspi_reserves_its_boot_page),
        cmocka_unit_test(banks_are_sorted_and_merged),
        cmocka_unit_test(banks_that_make_no_sense),
        cmocka_unit_test(too_many_banks),
        cmocka_unit_test(no_memory_at_all),
        cmocka_unit_test(reservations),
        cmocka_unit_test(reservations_of_modules),
        cmocka_unit_test(too_many_no_map_ranges),
        cmocka_unit_test(reservations_written_badly),
        cmocka_unit_test(too_many_reservations_keep_more_not_less),
        cmocka_unit_test(free_is_banks_less_holes),
        cmocka_unit_test(over_the_hypervisor_keeps_nothing),
        cmocka_unit_test(holes_that_overlap_or_wrap),
        cmocka_unit_test(free_ranges_stop_at_the_limit),
        cmocka_unit_test(free_within_a_range),
        cmocka_unit_test(test_drop_hog),
    };

    return cmocka_run_group_tests(tests, NULL, tree_free);
}

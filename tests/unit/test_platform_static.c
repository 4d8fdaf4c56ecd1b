/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that the tree gives away: static memory and shared memory of domains are
 * kept out of the free ranges, the static heap bounds them.
 */
#include "machines.h"

#define DOMU1 "/chosen/domU1"

static struct mem_range out[8];

static u32 free_ranges(void)
{
    memset(out, 0, sizeof(out));
    return platform_free_ranges(&p, NULL, out, ARRAY_SIZE(out));
}

static void check_static(u32 index, u64 base, u64 size, const char *path)
{
    int at = fdtr_path(p.fdt, path);

    assert_true(index < p.static_count);
    check_range(&p.statics[index].range, base, size);
    assert_int_equal(p.statics[index].node, at);
    assert_int_equal(p.statics[index].domain_node,
                     fdtr_compatible(p.fdt, at, "xen,domain") ? at : fdtr_parent(p.fdt, at));
}

/* ---- static memory ---- */

static void static_memory_is_kept(void **state)
{
    virt_machine(false);
    set_cells(DOMU1, "xen,static-mem", 0, 0x60000000, 0, 0x10000000, 0, 0x80000000, 0, 0x1000, 9, 0,
              0, 0x1000);
    machine_read();
    assert_int_equal(p.reserved_count, 0);
    assert_int_equal(p.static_count, 2); /* not the one outside RAM */
    check_static(0, 0x60000000, 0x10000000, DOMU1);
    check_static(1, 0x80000000, 0x1000, DOMU1);
    assert_string_equal(p.notes, "");
    assert_int_equal(free_ranges(), 5);
    check_range(&out[2], 0x540f1000, 0x60000000 - 0x540f1000);
    check_range(&out[3], 0x70000000, 0x10000000);
    check_range(&out[4], 0x80001000, 0x3ffff000);

    set_cells(DOMU1, "#xen,static-mem-address-cells", 1);
    set_cells(DOMU1, "#xen,static-mem-size-cells", 1);
    set_cells(DOMU1, "xen,static-mem", 0x50000000, 0x1000);
    machine_read();
    assert_int_equal(p.static_count, 1);
    check_static(0, 0x50000000, 0x1000, DOMU1);
}

/* The cells are those of the domain's own reg, whatever it counts for its children. */
static void static_memory_in_the_cells_of_chosen(void **state)
{
    virt_machine(false);
    set_cells("/chosen", "#address-cells", 1);
    set_cells("/chosen", "#size-cells", 1);
    set_cells(DOMU1, "xen,static-mem", 0x60000000, 0x1000, 0x60001000, 0x1000);
    machine_read();
    assert_int_equal(p.static_count, 2);
    set_cells("/chosen", "#size-cells", 3); /* nonsense: two each, as scripts write them */
    set_cells(DOMU1, "xen,static-mem", 0, 0x60000000, 0, 0x1000);
    machine_read();
    assert_int_equal(p.static_count, 1);
    check_static(0, 0x60000000, 0x1000, DOMU1);
}

static void static_memory_written_badly(void **state)
{
    static const char note[] =
        "/chosen/domU1: xen,static-mem: expected pairs of address and size\n";

    virt_machine(false);
    set_cells(DOMU1, "xen,static-mem", 0, 0x60000000, 0);
    machine_read();
    assert_int_equal(p.static_count, 0);
    assert_string_equal(p.notes, note);
    set_raw(DOMU1, "xen,static-mem", "");
    machine_read();
    assert_string_equal(p.notes, note);
    set_cells(DOMU1, "xen,static-mem", 0, 0x60000000, 0, 0x1000);
    set_cells(DOMU1, "#xen,static-mem-address-cells", 2);
    machine_read();
    assert_string_equal(p.notes, note); /* one count without the other */
    set_cells(DOMU1, "#xen,static-mem-size-cells", 0xffffffff);
    machine_read();
    assert_string_equal(p.notes, note);
    set_cells(DOMU1, "#xen,static-mem-size-cells", 0);
    machine_read();
    assert_string_equal(p.notes, note);
    set_cells(DOMU1, "#xen,static-mem-size-cells", 2);
    machine_read();
    assert_string_equal(p.notes, "");
    assert_int_equal(p.static_count, 1);
}

/* A domain with such a region is refused: its memory is not lost to the others. */
static void what_no_domain_gets_is_not_kept(void **state)
{
    virt_machine(false);
    set_cells(DOMU1, "xen,static-mem", 0, 0x60000000, 0, 0, 0, 0x60000800, 0, 0x1000, 0, 0x60000000,
              0, 0x1800, 0, 0x60000000, 0xffffffff, 0xfffff000, 0xffffffff, 0xfffff000, 0, 0x2000);
    machine_read();
    assert_int_equal(p.static_count, 0);
    assert_string_equal(p.notes, "");
}

static void too_many_static_ranges(void **state)
{
    static u32 list[4 * 65];
    char name[24];
    u32 domain;
    u32 i;

    virt_machine(false);
    for (domain = 2; domain < 4; domain++) {
        for (i = 0; i < 65; i++)
            fdt32_st(&list[4 * i + 1], 0x60000000 + domain * 0x100000 + i * 0x1000);
        for (i = 0; i < 65; i++)
            fdt32_st(&list[4 * i + 3], 0x1000);
        snprintf(name, sizeof(name), "domU%u", domain);
        add_node("/chosen", name);
        snprintf(name, sizeof(name), "/chosen/domU%u", domain);
        set_list(name, "compatible", "xen,domain");
        tree_ok(fdt_setprop(tree_room, tree_at(name), "xen,static-mem", list, sizeof(list)));
    }
    machine_read();
    assert_int_equal(p.static_count, PLATFORM_STATIC_MAX);
    assert_int_equal(p.reserved_count, 2); /* not given away all the same */
    assert_string_equal(p.notes, "/chosen/domU2: 0x6023f000+0x1000: more than 128 static ranges\n"
                                 "/chosen/domU2: 0x60240000+0x1000: more than 128 static ranges\n");
}

/* ---- shared memory ---- */

static void shared_memory_is_kept(void **state)
{
    virt_machine(false);
    add_node(DOMU1, "shm");
    set_list(DOMU1 "/shm", "compatible", "xen,domain-shared-memory-v1");
    set_list(DOMU1 "/shm", "xen,shm-id", "id");
    set_cells(DOMU1 "/shm", "xen,shared-mem", 0, 0x70000000, 0, 0x22000000, 0, 0x10000);
    add_node("/chosen", "domU2"); /* in front of the first */
    set_list("/chosen/domU2", "compatible", "xen,domain");
    add_node("/chosen/domU2", "same");
    set_list("/chosen/domU2/same", "compatible", "xen,domain-shared-memory-v1");
    set_list("/chosen/domU2/same", "xen,shm-id", "id");
    set_cells("/chosen/domU2/same", "xen,shared-mem", 0, 0x70000000, 0, 0, 0, 0x10000);
    add_node("/chosen/domU2", "heap");
    set_list("/chosen/domU2/heap", "compatible", "xen,domain-shared-memory-v1");
    set_list("/chosen/domU2/heap", "xen,shm-id", "heap");
    set_cells("/chosen/domU2/heap", "xen,shared-mem", 0, 0x71000000, 0, 0x10000);
    add_node("/chosen/domU2", "other");
    set_cells("/chosen/domU2/other", "xen,shared-mem", 0, 0x72000000, 0, 0, 0, 0x10000);
    add_node("/chosen/domU2", "none");
    set_list("/chosen/domU2/none", "compatible", "xen,domain-shared-memory-v1");
    machine_read();
    assert_int_equal(p.static_count, 1);
    check_static(0, 0x70000000, 0x10000, "/chosen/domU2/same");
    assert_int_equal(free_ranges(), 4);
    check_range(&out[3], 0x70010000, 0x4fff0000);

    set_cells(DOMU1 "/shm", "xen,shared-mem", 0, 0x70000000, 0, 0x22000000, 0);
    set_cells("/chosen/domU2/same", "xen,shared-mem", 0, 0x70000000, 0x10000); /* too short */
    machine_read();
    assert_int_equal(p.static_count, 0);

    set_cells(DOMU1, "#address-cells", 1);
    set_cells(DOMU1, "#size-cells", 1);
    set_cells(DOMU1 "/shm", "xen,shared-mem", 0x70000000, 0x22000000, 0x10000);
    machine_read();
    assert_int_equal(p.static_count, 1);
    set_list(DOMU1 "/shm", "xen,shm-id", "1234567890123456"); /* nor what has no good id */
    machine_read();
    assert_int_equal(p.static_count, 0);
    set_list(DOMU1 "/shm", "xen,shm-id", "123456789012345");
    set_cells(DOMU1, "#size-cells", 0);
    machine_read();
    assert_int_equal(p.static_count, 0);
}

/* ---- static heap ---- */

static void static_heap_is_all_that_is_free(void **state)
{
    virt_machine(false);
    set_cells("/chosen", "xen,static-heap", 0, 0x70000000, 0, 0x10000000, 0, 0x50000000, 0,
              0x10000000);
    set_cells(DOMU1, "xen,static-mem", 0, 0x7fff0000, 0, 0x10000, 0, 0x60000000, 0, 0x1000);
    machine_read();
    assert_string_equal(p.notes, "");
    assert_int_equal(p.static_heap_count, 2);
    check_range(&p.static_heap[0], 0x50000000, 0x10000000);
    check_range(&p.static_heap[1], 0x70000000, 0x10000000);
    assert_int_equal(free_ranges(), 3);
    check_range(&out[0], 0x52137000, 0x54000000 - 0x52137000);
    check_range(&out[1], 0x540f1000, 0x60000000 - 0x540f1000);
    check_range(&out[2], 0x70000000, 0xfff0000);
}

static void static_heap_written_badly(void **state)
{
    static const char pairs[] =
        "/chosen: xen,static-heap ignored: expected pairs of address and size\n";

    virt_machine(false);
    set_cells("/chosen", "xen,static-heap", 0, 0x70000000, 0x10000000);
    machine_read();
    assert_string_equal(p.notes, pairs);
    assert_int_equal(p.static_heap_count, 0);
    assert_int_equal(free_ranges(), 3); /* all RAM */
    set_raw("/chosen", "xen,static-heap", "");
    machine_read();
    assert_string_equal(p.notes, pairs);

    set_cells("/chosen", "xen,static-heap", 0, 0x70000000, 0, 0x1000, 0, 0x70000800, 0, 0x1000, 0,
              0x10000000, 0, 0x1000, 0, 0x70000000, 0, 0x2000);
    machine_read();
    assert_int_equal(p.static_heap_count, 1);
    check_range(&p.static_heap[0], 0x70000000, 0x1000);
    assert_string_equal(
        p.notes,
        "/chosen: xen,static-heap: 0x70000800+0x1000 ignored: expected whole pages of RAM, "
        "8 regions, none twice\n"
        "/chosen: xen,static-heap: 0x10000000+0x1000 ignored: expected whole pages of RAM, "
        "8 regions, none twice\n"
        "/chosen: xen,static-heap: 0x70000000+0x2000 ignored: expected whole pages of RAM, "
        "8 regions, none twice\n");

    set_cells("/chosen", "#size-cells", 3);
    set_cells("/chosen", "xen,static-heap", 0, 0x70000000, 0, 0x1000);
    machine_read();
    assert_int_equal(p.static_heap_count, 1);
}

static void too_many_static_heaps(void **state)
{
    u32 list[4 * 9] = { 0 };
    u32 i;

    virt_machine(false);
    for (i = 0; i < 9; i++) {
        fdt32_st(&list[4 * i + 1], 0x70000000 + i * 0x2000);
        fdt32_st(&list[4 * i + 3], 0x1000);
    }
    tree_ok(fdt_setprop(tree_room, tree_at("/chosen"), "xen,static-heap", list, sizeof(list)));
    machine_read();
    assert_int_equal(p.static_heap_count, PLATFORM_HEAP_MAX);
    assert_non_null(strstr(p.notes, "0x70010000+0x1000 ignored"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(static_memory_is_kept),
        cmocka_unit_test(static_memory_in_the_cells_of_chosen),
        cmocka_unit_test(static_memory_written_badly),
        cmocka_unit_test(what_no_domain_gets_is_not_kept),
        cmocka_unit_test(too_many_static_ranges),
        cmocka_unit_test(shared_memory_is_kept),
        cmocka_unit_test(static_heap_is_all_that_is_free),
        cmocka_unit_test(static_heap_written_badly),
        cmocka_unit_test(too_many_static_heaps),
    };

    return cmocka_run_group_tests(tests, NULL, tree_free);
}

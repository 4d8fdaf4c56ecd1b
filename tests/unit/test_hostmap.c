/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a domain may be given of the host, and how far a device's DMA reaches: on
 * the trees of real machines, with what a boot adds to them.
 */
#include <corbel/devclass.h>

#include "machines.h"

static const char *what;
static struct mem_range clash;

static enum corbel_err check(u64 base, u64 size, bool in_ram)
{
    const struct mem_range range = { base, size };

    what = "";
    memset(&clash, 0, sizeof(clash));
    return hostmap_check(&p, &range, in_ram, &what, &clash);
}

static void check_hit(u64 base, u64 size, const char *expected, u64 at)
{
    for (int in_ram = 0; in_ram < 2; in_ram++) {
        assert_int_equal(check(base, size, in_ram), ERR_EXIST);
        assert_string_equal(what, expected);
        assert_true(clash.base == at);
    }
}

static void reserve_no_map(void)
{
    add_node("/", "reserved-memory");
    set_cells("/reserved-memory", "#address-cells", 2);
    set_cells("/reserved-memory", "#size-cells", 2);
    tree_ok(fdt_setprop(tree_room, tree_at("/reserved-memory"), "ranges", "", 0));
    add_node("/reserved-memory", "mapped");
    set_cells("/reserved-memory/mapped", "reg", 0, 0xb0000000, 0, 0x100000);
    add_node("/reserved-memory", "sram");
    set_cells("/reserved-memory/sram", "reg", 0, 0xa0000000, 0, 0x100000, 0, 0xa0100000, 0,
              0x100000);
    tree_ok(fdt_setprop(tree_room, tree_at("/reserved-memory/sram"), "no-map", "", 0));
}

static void virt_with_everything(void)
{
    virt_machine(false);
    reserve_no_map();
    add_node("/", "smmu");
    set_list("/smmu", "compatible", "arm,smmu-v3");
    set_cells("/smmu", "reg", 0, 0x9050000, 0, 0x20000);
    set_cells("/chosen/domU1", "xen,static-mem", 0, 0x60000000, 0, 0x10000000);
    machine_read();
    p.self = (struct mem_range){ 0x40200000, 0x200000 };
    p.tree = (struct mem_range){ 0x48000000, 0x10000 };
}

static void what_nobody_gets(void **state)
{
    virt_with_everything();
    check_hit(0x40300000, 0x1000, "the hypervisor", 0x40200000);
    check_hit(0x47fff000, 0x2000, "the device tree", 0x48000000);
    check_hit(0x9000000, 0x1000, "the console UART", 0x9000000);
    check_hit(0x9000ff8, 8, "the console UART", 0x9000000);
    check_hit(0x8000000, 0x1000, "the GIC", 0x8000000);
    check_hit(0x8ffff00, 0x100, "the GIC", 0x80a0000);
    check_hit(0x8090000, 0x10000, "a GIC ITS", 0x8080000);
    check_hit(0x9060000, 0x1000, "an SMMU", 0x9050000);
    check_hit(0x50000000, 0x1000, "a boot module", 0x50000000);
    check_hit(0x540f0000, 0x1000, "a boot module", 0x54000000);
    check_hit(0x6ffff000, 0x1000, "static memory of a domain", 0x60000000);
    check_hit(0x70000000, 0x1000, "RAM", 0x40000000);
    check_hit(0x3ffff000, 0x1001, "RAM", 0x40000000);
    check_hit(0xbffff000, ~0ull, "RAM", 0x40000000);
    check_hit(0, ~0ull, "the hypervisor", 0x40200000);
    p.uart.kind = UART_NONE; /* a console that the hypervisor does not have */
    assert_int_equal(check(0x9000000, 0x1000, false), CORBEL_OK);
}

static void what_a_domain_may_get(void **state)
{
    virt_with_everything();
    assert_int_equal(check(0x9010000, 0x1000, false), CORBEL_OK);
    assert_int_equal(check(0x9001000, 0x1000, false), CORBEL_OK);
    assert_int_equal(check(0x8fff000 + 0x1000, 0, false), CORBEL_OK);
    assert_int_equal(check(0x3ffff000, 0x1000, false), CORBEL_OK);
    assert_int_equal(check(0xc0000000, 0x1000, false), CORBEL_OK);
    assert_int_equal(check(0xffffffffffff0000, ~0ull, false), CORBEL_OK);
}

static void sram_over_reserved_memory(void **state)
{
    virt_with_everything();
    assert_int_equal(check(0xa0000000, 0x100000, true), CORBEL_OK);
    assert_int_equal(check(0xa01ff000, 0x1000, true), CORBEL_OK);
    assert_int_equal(check(0xa0000000, 0x100000, false), ERR_EXIST); /* no SRAM */
    check_hit(0xa00ff000, 0x2000, "RAM", 0x40000000);                /* half in each of two */
    check_hit(0xa01ff000, 0x2000, "RAM", 0x40000000);
    check_hit(0xb0000000, 0x1000, "RAM", 0x40000000); /* reserved, but Linux maps it */

    set_cells("/chosen/domU1/module@50000000", "reg", 0, 0xa0000000, 0, 0x1000);
    set_cells("/chosen/domU1", "xen,static-mem", 0, 0xa0080000, 0, 0x1000);
    machine_read();
    check_hit(0xa0000000, 0x100000, "a boot module", 0xa0000000);
    check_hit(0xa0001000, 0x100000, "static memory of a domain", 0xa0080000);
}

static void registers_of_a_gicv2(void **state)
{
    raspi_machine();
    machine_read();
    check_hit(0xff841000, 4, "the GIC", 0xff841000);
    check_hit(0xff843ffc, 4, "the GIC", 0xff842000);
    check_hit(0xff844000, 4, "the GIC", 0xff844000);
    check_hit(0xff847000, 4, "the GIC", 0xff846000);
    check_hit(0xfe2011fc, 8, "the console UART", 0xfe201000);
    assert_int_equal(check(0xfe201200, 0xe00, false), CORBEL_OK); /* of the same page */
}

/* ---- DMA ---- */

#define DEVICE "/bus/inner/device"

/* A device below two buses, neither of which says anything. */
static void bus_machine(void)
{
    tree_begin();
    root_cells(2, 2);
    node("bus");
    root_cells(2, 2);
    empty("ranges");
    node("inner");
    root_cells(1, 1);
    empty("ranges");
    node("device");
    end();
    end();
    end();
    tree_end();
}

static enum corbel_err dma(const char *path, u64 *limit)
{
    machine_read();
    *limit = 77;
    return hostmap_dma_limit(&p, fdtr_path(p.fdt, path), limit);
}

static void check_limit(u64 expected)
{
    u64 limit;

    assert_int_equal(dma(DEVICE, &limit), CORBEL_OK);
    assert_true(limit == expected);
}

static void check_no_limit(enum corbel_err expected)
{
    u64 limit;

    assert_int_equal(dma(DEVICE, &limit), expected);
}

static void dma_without_limit(void **state)
{
    u64 limit;

    bus_machine();
    check_limit(0);
    tree_ok(fdt_setprop(tree_room, tree_at("/bus"), "dma-ranges", "", 0));
    tree_ok(fdt_setprop(tree_room, tree_at("/bus/inner"), "dma-ranges", "", 0));
    check_limit(0);
    set_cells("/bus", "dma-ranges", 0, 0x1000, 0, 0x1000, 0xffffffff, 0xffffffff); /* would wrap */
    check_limit(0);
    assert_int_equal(hostmap_dma_limit(&p, -1, &limit), CORBEL_OK);
    assert_true(limit == 0);
    set_cells("/", "dma-ranges", 1, 2, 3); /* the root is no bus */
    check_limit(0);
}

static void dma_with_limits(void **state)
{
    bus_machine();
    set_cells("/bus", "dma-ranges", 0, 0, 0, 0, 0, 0xc0000000);
    check_limit(0xc0000000);
    set_cells("/bus/inner", "dma-ranges", 0x40000000, 0, 0x40000000, 0x40000000);
    check_limit(0x80000000);
    set_cells("/bus", "dma-ranges", 0, 0, 0, 0, 0, 0x40000000);
    check_limit(0x40000000);
    set_cells("/bus", "dma-ranges", 0x1, 0, 0x1, 0, 0, 0x1000, 0, 0, 0, 0, 0, 0x20000000, 0, 0, 0,
              0, 0, 0);
    del_prop("/bus/inner", "dma-ranges");
    check_limit(0x100001000);
}

/* A host bridge as on the Raspberry Pi 4: three cells, 3 GiB; for itself and what is below. */
static void dma_of_a_pci_host(void **state)
{
    bus_machine();
    set_cells("/bus/inner", "#address-cells", 3);
    set_cells("/bus/inner", "#size-cells", 2);
    set_cells("/bus/inner", "dma-ranges", 0x02000000, 0, 0, 0, 0, 0, 0xc0000000);
    check_limit(0xc0000000);
    {
        u64 limit;

        assert_int_equal(dma("/bus/inner", &limit), CORBEL_OK);
        assert_true(limit == 0xc0000000);
    }
    set_cells("/bus/inner", "dma-ranges", 0x02000000, 4, 0, 0, 0, 0, 0xc0000000);
    check_no_limit(ERR_NOTSUP);
}

static void dma_that_is_translated(void **state)
{
    bus_machine();
    set_cells("/bus", "dma-ranges", 0, 0xc0000000, 0, 0, 0, 0x40000000);
    check_no_limit(ERR_NOTSUP);
    set_cells("/bus", "dma-ranges", 0, 0, 0, 0, 0, 0x40000000, 0, 0, 0, 0x1000, 0, 0x1000);
    check_no_limit(ERR_NOTSUP);
}

static void dma_written_badly(void **state)
{
    bus_machine();
    set_cells("/bus", "dma-ranges", 0, 0, 0, 0, 0);
    check_no_limit(ERR_FORMAT);
    set_cells("/bus", "dma-ranges", 0, 0, 0, 0, 0, 0); /* reaches nothing */
    check_no_limit(ERR_FORMAT);
    set_cells("/bus", "dma-ranges", 0, 0, 0, 0, 0, 0x40000000);
    set_cells("/bus", "#address-cells", 4);
    check_no_limit(ERR_FORMAT);
    set_cells("/bus", "#address-cells", 0);
    check_no_limit(ERR_FORMAT);
    set_cells("/bus", "#address-cells", 2, 2);
    check_no_limit(ERR_FORMAT);
    set_cells("/bus", "#address-cells", 2);
    set_cells("/bus", "#size-cells", 3);
    check_no_limit(ERR_FORMAT);
    set_cells("/bus", "#size-cells", 2);
    set_cells("/", "#address-cells", 0);
    check_no_limit(ERR_FORMAT);
    del_prop("/", "#address-cells"); /* the default is two */
    check_limit(0x40000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nobody_gets),          cmocka_unit_test(what_a_domain_may_get),
        cmocka_unit_test(sram_over_reserved_memory), cmocka_unit_test(registers_of_a_gicv2),
        cmocka_unit_test(dma_without_limit),         cmocka_unit_test(dma_with_limits),
        cmocka_unit_test(dma_of_a_pci_host),         cmocka_unit_test(dma_that_is_translated),
        cmocka_unit_test(dma_written_badly),
    };

    return cmocka_run_group_tests(tests, NULL, tree_free);
}

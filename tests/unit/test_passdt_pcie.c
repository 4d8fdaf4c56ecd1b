/* SPDX-License-Identifier: Apache-2.0 */
/* PCIe root complexes given to a domain: windows, config space, INTx; each mistake has a line. */
#include "pci_tree.h"

static int host_bridge(void)
{
    return fdt_path_offset(host_blob, "/pcie@10000000");
}

static void host_cells(const char *name, const u32 *values, u32 count)
{
    u32 raw_cells[64];

    for (u32 i = 0; i < count; i++)
        raw_cells[i] = cpu_to_fdt32(values[i]);
    tree_ok(fdt_setprop(host_blob, host_bridge(), name, raw_cells, (int)count * 4));
    platform_from_fdt(&host, host_blob);
}

#define set_host(name, ...) host_cells(name, CELL_LIST(__VA_ARGS__))

/* The two windows below 4 GiB and the one above, as QEMU has them; p: flags of the last. */
#define QEMU_RANGES(p)                                                                      \
    0x1000000, 0, 0, 0, 0x3eff0000, 0, 0x10000, 0x2000000, 0, 0x10000000, 0, 0x10000000, 0, \
        0x2eff0000, p, 0x80, 0, 0x80, 0, 0x80, 0

static void check_bridge(void)
{
    assert_int_equal(pass.device_count, 1);
    assert_int_equal(pass.devices[0].host_node, host_bridge());
    assert_true(pass.devices[0].is_master);
    assert_int_equal(pass.devices[0].ecam.base, 0x4010000000);
    assert_int_equal(pass.devices[0].ecam.size, 0x10000000);
    assert_int_equal(pass.devices[0].first_bus, 0);
    assert_int_equal(pass.devices[0].last_bus, 255);
    assert_int_equal(pass.region_count, 4);
    for (u32 i = 0; i < 4; i++)
        assert_int_equal(pass.regions[i].cls, S2_MMIO);
    assert_int_equal(pass.irq_count, 4);
    for (u32 i = 0; i < 4; i++) {
        assert_int_equal(pass.irqs[i].intid, 35 + i);
        assert_true(pass.irqs[i].level);
    }
}

static void as_qemu_has_it(void **state)
{
    for (u32 version = 2; version <= 3; version++) {
        pci_host(version);
        pci_host_take();
        for (u32 cells_of_gic = 0; cells_of_gic <= 2; cells_of_gic++) {
            pci_partial(cells_of_gic, 0);
            accepted();
            check_bridge();
            assert_int_equal(pass.gic_address_cells, cells_of_gic);
        }
        /* Not named: found by config space, the first region. */
        del_prop(PCIE, "xen,path");
        accepted();
        check_bridge();
    }
}

/* ---- regions ---- */

static void regions(void **state)
{
    set_cells(PCIE, "xen,reg", 0, 0x3efe0000, 0, 0x20000, 0, 0x3efe0000);
    refused(PCIE ": xen,reg = 0x3efe0000+0x20000: expected registers of /pcie@10000000");
    set_cells(PCIE, "xen,reg", 0, 0xa000000, 0, 0x1000, 0, 0xa000000);
    refused(PCIE ": xen,reg = 0xa000000+0x1000: expected registers of /pcie@10000000");
    set_cells(PCIE, "xen,reg", 0x100, 0, 0, 0x1000, 0x80, 0);
    refused(PCIE ": xen,reg = 0x10000000000+0x1000: expected registers of /pcie@10000000");
    /* A window that a bus above cannot translate is none, those beside it are. */
    pci_partial(0, 0);
    set_host("ranges", 0x1000000, 0, 0, 0, 0x3eff0000, 0, 0x10000, 0x2000000, 0, 0x10000000, 0,
             0x10000000, 0, 0x2eff0000, 0x3000000, 0x80, 0);
    refused(PCIE ": xen,reg = 0x3eff0000+0x10000: expected registers of /pcie@10000000");
}

/* Only a bridge has windows: neither side alone makes one. */
static void both_are_bridges(void **state)
{
    set_list(PCIE, "compatible", "vendor,pcie");
    refused(PCIE ": xen,reg = 0x3eff0000+0x10000: expected registers of /pcie@10000000");
    set_list(PCIE, "compatible", "vendor,pcie\0pci-host-cam-generic");
    refused(PCIE ": compatible = \"vendor,pcie\": expected a bridge of the host's kind: one is "
                 "CAM, one ECAM");
    set_list(PCIE, "compatible", "pci-host-ecam-generic");
    tree_ok(fdt_setprop(host_blob, host_bridge(), "compatible", "vendor,pcie", 12));
    refused(PCIE ": compatible = \"pci-host-ecam-generic\": expected no PCI host bridge: "
                 "/pcie@10000000 of the host is none");
}

/* Interrupts and nothing else, as for any device. */
static void without_registers(void **state)
{
    del_prop(PCIE, "xen,reg");
    del_prop(PCIE, "xen,force-assign-without-iommu");
    del_prop(PCIE, "reg");
    accepted();
    assert_int_equal(pass.irq_count, 4);
    assert_int_equal(pass.devices[0].ecam.size, 0);
}

/* Everything as one bus higher up says: guest addresses behind a translation. */
static void behind_a_bus(void **state)
{
    pci_partial_begin(0, 0);
    node("bus");
    cells("#address-cells", 2);
    cells("#size-cells", 2);
    cells("ranges", 0x40, 0, 0x50, 0, 0x1, 0, 0, 0x10000000, 0x70, 0, 0, 0x10000000);
    pci_bridge(1, 0, 77);
    cells("xen,reg", 0x40, 0x10000000, 0, 0x10000000, 0x50, 0x10000000, 0, 0x10000000, 0, 0x8000000,
          0x70, 0);
    list("xen,path", "/pcie@10000000");
    empty("xen,force-assign-without-iommu");
    end();
    end();
    partial_end();
#define INNER "/passthrough/bus/pcie@10000000"
    set_cells(INNER, "ranges", 0x2000000, 0, 0x10000000, 0, 0x10000000, 0, 0x8000000);
    accepted();
    assert_int_equal(pass.devices[0].ecam.base, 0x4010000000);
    set_cells(INNER, "ranges", 0x2000000, 0, 0x10000000, 0, 0x20000000, 0, 0x8000000);
    refused(INNER ": ranges = 0x10000000+0x8000000: expected a window that the buses above "
                  "translate");
    set_cells(INNER, "reg", 0x60, 0, 0, 0x10000000);
    refused(INNER ": reg = <0x60 0x0 0x0 0x10000000>: expected config space that the buses above "
                  "translate");
}

/* ---- config space ---- */

static void config_space(void **state)
{
    del_prop(PCIE, "reg");
    refused(PCIE ": reg = (missing): expected config space that the buses above translate");
    set_cells(PCIE, "reg", 0x40, 0x10000000, 0, 0x1000000);
    refused(PCIE ": reg = 0x4010000000+0x1000000: expected at least 0x10000000 bytes for buses 0 "
                 "to 255");
    set_cells(PCIE, "bus-range", 0, 15);
    accepted();
    assert_int_equal(pass.devices[0].last_bus, 15);
    assert_int_equal(pass.devices[0].ecam.size, 0x1000000);
    del_prop(PCIE, "bus-range"); /* as many as there is room for */
    accepted();
    assert_int_equal(pass.devices[0].last_bus, 15);
    set_cells(PCIE, "reg", 0x50, 0, 0, 0x1000000);
    refused(PCIE ": reg = 0x5000000000+0x1000000: expected xen,reg to cover guest address "
                 "0x5000000000");
    set_cells(PCIE, "reg", 0x40, 0x1f800000, 0, 0x1000000);
    refused(PCIE ": reg = 0x401f800000+0x1000000: expected xen,reg to lead from guest address "
                 "0x401f800000 to 0x4010000000, not 0x401f800000");
}

static void bus_ranges(void **state)
{
    set_cells(PCIE, "bus-range", 0, 256);
    refused(PCIE ": bus-range = <0x0 0x100>: expected first and last bus, of 0 to 255");
    set_cells(PCIE, "bus-range", 1, 0);
    refused(PCIE ": bus-range = <0x1 0x0>: expected first and last bus, of 0 to 255");
    set_cells(PCIE, "bus-range", 1);
    refused(PCIE ": bus-range = <0x1>: expected first and last bus, of 0 to 255");
    set_cells(PCIE, "bus-range", 0xffffffff, 0xffffffff);
    refused(PCIE ": bus-range = <0xffffffff 0xffffffff>: expected first and last bus, of 0 to "
                 "255");
    /* Some buses of the host's: its config space begins with its own first. */
    set_host("bus-range", 0x10, 0x1f);
    set_host("reg", 0x40, 0x10000000, 0, 0x1000000);
    set_cells(PCIE, "bus-range", 0, 0x1f);
    refused(PCIE ": xen,reg = 0x4010000000+0x10000000: expected registers of /pcie@10000000");
    set_cells(PCIE, "xen,reg", 0x40, 0x10000000, 0, 0x1000000, 0x40, 0x10000000);
    set_cells(PCIE, "ranges", 0);
    refused(PCIE ": bus-range = <0x0 0x1f>: expected buses within 16 to 31, those of the host's "
                 "node");
    set_cells(PCIE, "bus-range", 0x18, 0x1f);
    del_prop(PCIE, "ranges");
    refused(PCIE ": reg = 0x4010000000+0x800000: expected xen,reg to lead from guest address "
                 "0x4010000000 to 0x4010800000, not 0x4010000000");
    set_cells(PCIE, "reg", 0x40, 0x10800000, 0, 0x800000);
    accepted();
    assert_int_equal(pass.devices[0].ecam.base, 0x4010800000);
    assert_int_equal(pass.devices[0].ecam.size, 0x800000);
    assert_int_equal(pass.devices[0].first_bus, 0x18);
    set_host("bus-range", 0x10);
    refused(PCIE ": reg = <0x40 0x10800000 0x0 0x800000>: expected a bridge of the host with sound "
                 "reg and bus-range");
}

/* 64 KiB a bus; nobody else may take that for ECAM. */
static void cam(void **state)
{
    set_list(PCIE, "compatible", "pci-host-cam-generic");
    tree_ok(fdt_setprop(host_blob, host_bridge(), "compatible", "pci-host-cam-generic", 21));
    set_cells(PCIE, "reg", 0x40, 0x10000000, 0, 0x1000000);
    accepted();
    assert_int_equal(pass.devices[0].last_bus, 255);
    assert_int_equal(pass.devices[0].ecam.size, 0);
}

/* ---- windows ---- */

static void windows(void **state)
{
    set_cells(PCIE, "ranges", QEMU_RANGES(0x3000000));
    refused(PCIE ": ranges = 0x10000000+0x2eff0000: expected xen,reg to cover guest address "
                 "0x20000000");
    set_cells(PCIE, "ranges", 0x2000000, 0, 0x10000000, 0, 0x12000000, 0, 0x1000000);
    refused(PCIE ": ranges = 0x12000000+0x1000000: expected xen,reg to lead from guest address "
                 "0x12000000 to 0x10000000, not 0x12000000");
    set_cells(PCIE, "ranges", 0x2000000, 0, 0x0f000000, 0, 0x10000000, 0, 0x1000000);
    refused(PCIE ": ranges = 0xf000000+0x1000000: expected PCI addresses in one window of the "
                 "host's, same space");
    set_cells(PCIE, "ranges", 0x3000000, 0, 0x10000000, 0, 0x10000000, 0, 0x1000000);
    refused(PCIE ": ranges = 0x10000000+0x1000000: expected PCI addresses in one window of the "
                 "host's, same space");
    set_cells(PCIE, "ranges", 0x42000000, 0, 0x10000000, 0, 0x10000000, 0, 0x1000000);
    refused(PCIE ": ranges = 0x10000000+0x1000000: expected no prefetchable window: the host's is "
                 "not");
    set_cells(PCIE, "ranges", 0x2000000, 0, 0x10000000, 0, 0x10000000, 0, 0);
    refused(PCIE ": ranges = 0x10000000+0x0: expected a size, and an end below 1 << 64");
    set_cells(PCIE, "ranges", 0x2000000, 0xffffffff, 0xfffff000, 0, 0x10000000, 0, 0x2000);
    refused(PCIE ": ranges = 0xfffffffffffff000+0x2000: expected a size, and an end below 1 << 64");
    set_cells(PCIE, "ranges", 0, 0, 0x10000000, 0, 0x10000000, 0, 0x1000);
    refused(PCIE ": ranges = 0x10000000+0x1000: expected I/O or memory space: config space is in "
                 "reg");
    set_cells(PCIE, "ranges", 0x2000000, 0, 0x10000000, 0, 0x10000000, 0);
    refused(PCIE ": ranges = (24 bytes): expected at most 32 entries: PCI address of 3 cells, "
                 "address, size");
    set_cells(PCIE, "#size-cells", 3);
    refused(PCIE ": ranges = (24 bytes): expected at most 32 entries: PCI address of 3 cells, "
                 "address, size");
    set_raw(PCIE, "ranges", ""); /* no windows: of little use, but not wrong */
    accepted();
}

static void too_many_windows(void **state)
{
    static u32 many[33 * 7];

    for (u32 i = 0; i < 33; i++) {
        const u32 one[] = { 0x2000000, 0,     0x10000000 + i * 0x1000, 0, 0x10000000 + i * 0x1000,
                            0,         0x1000 };

        for (u32 n = 0; n < 7; n++)
            many[i * 7 + n] = cpu_to_fdt32(one[n]);
    }
    tree_ok(fdt_setprop(tree_room, tree_at(PCIE), "ranges", many, 32 * 7 * 4));
    accepted();
    tree_ok(fdt_setprop(tree_room, tree_at(PCIE), "ranges", many, 33 * 7 * 4));
    refused(PCIE ": ranges = (924 bytes): expected at most 32 entries: PCI address of 3 cells, "
                 "address, size");
}

/* Elsewhere for the guest, and in pieces: what counts is where each address leads. */
static void moved_windows(void **state)
{
    set_cells(PCIE, "xen,reg", 0x40, 0x10000000, 0, 0x8000000, 0x50, 0, 0x40, 0x18000000, 0,
              0x8000000, 0x50, 0x8000000, 0, 0x10000000, 0, 0x1000000, 0x60, 0);
    set_cells(PCIE, "reg", 0x50, 0, 0, 0x10000000);
    set_cells(PCIE, "ranges", 0x2000000, 0, 0x10000000, 0x60, 0, 0, 0x1000000);
    accepted();
    assert_int_equal(pass.devices[0].ecam.base, 0x4010000000);
    set_cells(PCIE, "xen,reg", 0x40, 0x10000000, 0, 0x8000000, 0x50, 0x8000000, 0x40, 0x18000000, 0,
              0x8000000, 0x50, 0, 0, 0x10000000, 0, 0x1000000, 0x60, 0);
    refused(PCIE ": reg = 0x5000000000+0x10000000: expected xen,reg to lead from guest address "
                 "0x5000000000 to 0x4010000000, not 0x4018000000");
}

static void prefetchable(void **state)
{
    static const char line[] = PCIE ": corbel,memory-attribute = \"normal-nc\": expected a "
                                    "prefetchable memory window with an xen,reg entry of its own";

    set_list(PCIE, "corbel,memory-attribute", "normal-nc");
    refused(line); /* QEMU's windows are not */
    set_host("ranges", QEMU_RANGES(0x43000000));
    refused(line); /* the guest's is not told so */
    set_cells(PCIE, "ranges", 0x1000000, 0, 0, 0, 0x3eff0000, 0, 0x10000, 0x2000000, 0, 0x10000000,
              0, 0x10000000, 0, 0x10000000, 0x43000000, 0x80, 0, 0x80, 0, 0x80, 0);
    accepted();
    for (u32 i = 0; i < 3; i++)
        assert_int_equal(pass.regions[i].cls, S2_MMIO);
    assert_int_equal(pass.regions[3].cls, S2_MMIO_NC);
    del_prop(PCIE, "corbel,memory-attribute");
    accepted();
    assert_int_equal(pass.regions[3].cls, S2_MMIO);
    set_list(PCIE, "corbel,memory-attribute", "normal-wb");
    refused(PCIE ": corbel,memory-attribute = \"normal-wb\": expected \"normal-nc\", for "
                 "prefetchable windows, or no such property");
    set_cells(PCIE, "corbel,memory-attribute", 1);
    refused(PCIE ": corbel,memory-attribute = (4 bytes): expected \"normal-nc\", for prefetchable "
                 "windows, or no such property");
}

/* Opted out of the host's tree: the partial tree's own sense is still looked at. */
static void unlisted(void **state)
{
    empty_prop(PCIE, "corbel,allow-unlisted");
    set_cells(PCIE, "ranges", 0x2000000, 0, 0, 0, 0x10000000, 0, 0x1000000);
    accepted();
    assert_int_equal(pass.devices[0].ecam.base, 0x4010000000);
    set_cells(PCIE, "ranges", 0x2000000, 0, 0, 0, 0x30000000, 0, 0x1000000);
    refused(PCIE ": ranges = 0x30000000+0x1000000: expected xen,reg to cover guest address "
                 "0x30000000");
    del_prop(PCIE, "ranges");
    tree_ok(fdt_del_node(host_blob, host_bridge()));
    del_prop(PCIE, "xen,path");
    accepted(); /* the interrupts are those of the partial tree */
    assert_int_equal(pass.devices[0].host_node, -1);
    assert_int_equal(pass.irq_count, 4);
    assert_int_equal(pass.irqs[3].intid, 38);
    assert_true(pass.irqs[3].level);
}

/* ---- INTx ---- */

static void host_maps(void **state)
{
    /* One entry to another controller, one edge, one that says the type of a third kind. */
    set_host("interrupt-map", 0, 0, 0, 1, 0x8003, 0, 0, 0, 7, 1, 0, 0, 0, 2, 0x8003, 0, 0, 2, 8, 4);
    del_prop(PCIE, "interrupt-map");
    accepted();
    assert_int_equal(pass.irq_count, 1);
    assert_int_equal(pass.irqs[0].intid, 39);
    assert_false(pass.irqs[0].level);
    set_host("interrupt-map", 0, 0, 0, 1, 0x8003, 0, 0, 1, 7, 1);
    refused(PCIE ": interrupt-map = PPI 7: expected SPIs only: every CPU has its own PPIs");
    set_host("interrupt-map", 0, 0, 0, 1, 0x8003, 0, 0, 0, 1, 4);
    refused(PCIE ": interrupt-map = SPI 1: expected no interrupt of the hypervisor's console");
    set_host("interrupt-map", 0, 0, 0, 1, 0x8003, 0, 0, 0, 7, 1, 0, 0, 0, 1, 0x8003, 0, 0, 0, 988,
             1);
    refused(PCIE
            ": interrupt-map = interrupt 1: expected SPIs; the host's node is malformed there");
    set_host("interrupt-map", 0, 0, 0, 1, 0x8003, 0, 0, 0, 7);
    refused(PCIE
            ": interrupt-map = interrupt 0: expected SPIs; the host's node is malformed there");
    set_host("interrupt-map", 0, 0, 0, 1);
    refused(PCIE
            ": interrupt-map = interrupt 0: expected SPIs; the host's node is malformed there");
    set_host("interrupt-map", 0, 0, 0, 1, 0x9999, 0, 0, 0, 7, 1);
    refused(PCIE
            ": interrupt-map = interrupt 0: expected SPIs; the host's node is malformed there");
    set_host("interrupt-map", 0, 0, 0, 1, 0x8004, 7);
    refused(PCIE
            ": interrupt-map = interrupt 0: expected SPIs; the host's node is malformed there");
    set_host("#interrupt-cells", 9);
    refused(PCIE
            ": interrupt-map = interrupt 0: expected SPIs; the host's node is malformed there");
}

/* A map as on boards whose bridge has an interrupt controller of its own as a child. */
static void legacy_controller(void **state)
{
    int at = fdt_add_subnode(host_blob, host_bridge(), "legacy");
    const u32 one = cpu_to_fdt32(1), phandle = cpu_to_fdt32(0x55);

    tree_ok(at);
    tree_ok(fdt_setprop(host_blob, at, "#interrupt-cells", &one, 4));
    tree_ok(fdt_setprop(host_blob, at, "phandle", &phandle, 4));
    set_host("interrupt-map", 0, 0, 0, 1, 0x55, 0, 0, 0, 0, 2, 0x8003, 0, 0, 0, 9, 4);
    set_cells(PCIE, "interrupt-map", 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 1, 0, 9, 4);
    refused(PCIE ": interrupt-map = (56 bytes): expected entries that lead to the GIC, or below "
                 "/passthrough; 0x2 does not");
    add_node(PCIE, "legacy");
    set_cells(PCIE "/legacy", "phandle", 2);
    refused(PCIE ": interrupt-map = (56 bytes): expected entries that lead to interrupt "
                 "controllers; 0x2 is none");
    set_cells(PCIE "/legacy", "#interrupt-cells", 1);
    accepted();
    assert_int_equal(pass.irq_count, 1);
    assert_int_equal(pass.irqs[0].intid, 41);
    set_cells(PCIE "/legacy", "#address-cells", 4);
    refused(PCIE ": interrupt-map = (56 bytes): expected entries that lead to interrupt "
                 "controllers; 0x2 is none");
}

static void partial_maps(void **state)
{
    set_cells(PCIE, "interrupt-map", 0, 0, 0, 1, 1, 0, 3, 4, 0x800, 0, 0, 1, 1, 0, 7, 4);
    refused(PCIE ": interrupt-map = SPI 7: expected an SPI that the host's node has");
    set_cells(PCIE, "interrupt-map", 0, 0, 0, 1, 1, 1, 3, 4);
    refused(PCIE ": interrupt-map = PPI 3: expected SPIs only: every CPU has its own PPIs");
    set_cells(PCIE, "interrupt-map", 0, 0, 0, 1, 1, 0, 3);
    refused(PCIE ": interrupt-map = (28 bytes): expected whole entries; 0x1 has 0 address and 3 "
                 "interrupt cells");
    set_cells(PCIE, "interrupt-map", 0, 0, 0, 1, 1, 0, 3, 4, 0);
    refused(PCIE ": interrupt-map = (36 bytes): expected whole entries");
    set_cells(PCIE, "#interrupt-cells", 9);
    refused(PCIE ": interrupt-map = (36 bytes): expected at most 4096 cells, #address-cells of 3 "
                 "and #interrupt-cells of 1");
    /* Entries copied from the host's tree need the host's #address-cells at the GIC. */
    pci_partial(2, 0);
    set_cells("/gic", "#address-cells", 0);
    assert_int_equal(parse_partial(), ERR_INVAL);
    set_cells("/gic", "#address-cells", 3);
    refused("/gic: #address-cells = <0x3>: expected 0 to 2: entries of an interrupt-map have as "
            "many for the GIC");
    del_prop("/gic", "#address-cells");
    pci_partial(0, 0);
    del_prop("/gic", "#address-cells");
    accepted();
    assert_int_equal(pass.gic_address_cells, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(as_qemu_has_it, pci_setup),
        cmocka_unit_test_setup(regions, pci_setup),
        cmocka_unit_test_setup(both_are_bridges, pci_setup),
        cmocka_unit_test_setup(without_registers, pci_setup),
        cmocka_unit_test_setup(behind_a_bus, pci_setup),
        cmocka_unit_test_setup(config_space, pci_setup),
        cmocka_unit_test_setup(bus_ranges, pci_setup),
        cmocka_unit_test_setup(cam, pci_setup),
        cmocka_unit_test_setup(windows, pci_setup),
        cmocka_unit_test_setup(too_many_windows, pci_setup),
        cmocka_unit_test_setup(moved_windows, pci_setup),
        cmocka_unit_test_setup(prefetchable, pci_setup),
        cmocka_unit_test_setup(unlisted, pci_setup),
        cmocka_unit_test_setup(host_maps, pci_setup),
        cmocka_unit_test_setup(legacy_controller, pci_setup),
        cmocka_unit_test_setup(partial_maps, pci_setup),
    };

    return cmocka_run_group_tests(tests, NULL, tree_free);
}

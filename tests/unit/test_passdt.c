/* SPDX-License-Identifier: Apache-2.0 */
/* Partial device trees: what is taken from good ones, and the line for each wrong one. */
#include "pass_tree.h"

static void check_region(u32 index, u64 hpa, u64 size, u64 gpa, u8 cls)
{
    const struct passdt_region *r = &pass.regions[index];

    assert_true(index < pass.region_count);
    assert_int_equal(r->hpa, hpa);
    assert_int_equal(r->size, size);
    assert_int_equal(r->gpa, gpa);
    assert_int_equal(r->cls, cls);
}

static int host_at(const char *path)
{
    int at = fdt_path_offset(host_blob, path);

    assert_true(at > 0);
    return at;
}

static void one_device(void **state)
{
    accepted();
    assert_int_equal(pass.device_count, 1);
    assert_int_equal(pass.devices[0].node, fdt_path_offset(pass.fdt, RTC));
    assert_int_equal(pass.devices[0].host_node, host_at("/pl031@9010000"));
    assert_true(pass.devices[0].forced);
    assert_true(pass.devices[0].is_master);
    assert_string_equal(pass.devices[0].name, "rtc@9010000");
    assert_int_equal(pass.region_count, 1);
    check_region(0, 0x9010000, 0x1000, 0x9010000, S2_MMIO);
    assert_int_equal(pass.irq_count, 1);
    assert_int_equal(pass.irqs[0].intid, 34);
    assert_true(pass.irqs[0].level);
    assert_int_equal(pass.gic_phandle, 1);
    assert_int_equal(pass.dma_limit, 0);
}

/* Cells are those of the node above, with all that Xen's own counting allows. */
static void cells_of_the_parent(void **state)
{
    partial_begin();
    node("bus");
    cells("#address-cells", 1);
    cells("#size-cells", 1);
    node("deep");
    node("rtc");
    cells("xen,reg", 0x9010000, 0x800, 0xc0010000, 0x9010800, 0x800, 0xc0020800);
    empty("xen,force-assign-without-iommu");
    end();
    end();
    end();
    partial_end();
    accepted();
    check_region(0, 0x9010000, 0x800, 0xc0010000, S2_MMIO);
    check_region(1, 0x9010800, 0x800, 0xc0020800, S2_MMIO);
    assert_int_equal(pass.devices[0].host_node, host_at("/pl031@9010000"));
    assert_int_equal(pass.irqs[0].intid, 34);
    set_cells("/passthrough/bus", "#address-cells", 0);
    refused("/passthrough/bus/deep/rtc: xen,reg = <0x9010000 0x800 0xc0010000 0x9010800 0x800 "
            "0xc0020800>: expected a node above with #address-cells and #size-cells of 1 or 2");
    set_cells("/passthrough/bus", "#address-cells", 1);
    set_cells("/passthrough/bus", "#size-cells", 0);
    assert_int_equal(parse_partial(), ERR_INVAL);
    set_cells("/passthrough/bus", "#size-cells", 3);
    assert_int_equal(parse_partial(), ERR_INVAL);
    set_raw("/passthrough/bus", "#size-cells", "x");
    assert_int_equal(parse_partial(), ERR_INVAL);
}

static void blobs(void **state)
{
    void *blob = tree_take();

    assert_int_equal(parse_blob(blob, 39), ERR_FORMAT);
    assert_string_equal(error.text, "/: (partial device tree) = (0x27 bytes): expected a sound "
                                    "device tree of at most 1 MiB");
    fdt_set_totalsize(blob, fdt_totalsize(blob) + 8);
    assert_int_equal(parse_blob(blob, fdt_totalsize(blob) - 8), ERR_FORMAT);
    del_node(PASS);
    refused("/: passthrough = (missing): expected a node with the devices");
}

static void huge_blob(void **state)
{
    static u64 big[PASSDT_SIZE_MAX / 8 + 8];

    assert_int_equal(fdt_open_into(tree_take(), big, sizeof(big)), 0);
    assert_int_equal(parse_blob(big, sizeof(big)), ERR_FORMAT);
}

static void xen_reg_numbers(void **state)
{
    set_cells(RTC, "xen,reg", 0, 0x9010000, 0, 0x1000, 0);
    refused(RTC ": xen,reg = <0x0 0x9010000 0x0 0x1000 0x0>: expected entries of 6 cells: "
                "host address, size, guest address");
    set_cells(RTC, "xen,reg", 0, 0x9010000, 0, 0x1000, 0, 0x9010000, 0);
    refused(RTC ": xen,reg = <0x0 0x9010000 0x0 0x1000 0x0 0x9010000 ...>: expected entries of 6 "
                "cells: host address, size, guest address");
    set_raw(RTC, "xen,reg", "");
    refused(RTC ": xen,reg = (0 bytes): expected entries of 6 cells: host address, size, "
                "guest address");
    set_cells(RTC, "xen,reg", 0, 0x9010000, 0, 0, 0, 0x9010000);
    refused(RTC ": xen,reg = 0x9010000+0x0: expected a size");
    set_cells(RTC, "xen,reg", 0, 0x9010000, 0, 0x1000, 0, 0x9010800);
    refused(RTC ": xen,reg = 0x9010000+0x1000: expected a guest address that ends in 0x000, "
                "not 0x9010800");
    set_cells(RTC, "xen,reg", 0x10000, 0, 0, 0x1000, 0, 0);
    refused(RTC ": xen,reg = 0x1000000000000+0x1000: expected host and guest addresses that end "
                "within 48 bits");
    set_cells(RTC, "xen,reg", 0, 0x9010000, 0, 0x1000, 0xffffffff, 0xfffff000);
    refused(RTC ": xen,reg = 0x9010000+0x1000: expected host and guest addresses that end within "
                "48 bits");
    set_cells(RTC, "xen,reg", 0xffffffff, 0xfffff000, 0xffffffff, 0xfffff000, 0, 0);
    refused(RTC ": xen,reg = 0xfffffffffffff000+0xfffffffffffff000: expected host and guest "
                "addresses that end within 48 bits");
}

static void xen_path(void **state)
{
    set_list(RTC, "xen,path", "/none");
    refused(RTC ": xen,path = \"/none\": expected the path of a node of the host's tree");
    set_list(RTC, "xen,path", "/");
    refused(RTC ": xen,path = \"/\": expected the path of a node of the host's tree");
    set_list(RTC, "xen,path", "");
    refused(RTC ": xen,path = \"\": expected the path of a node of the host's tree");
    set_raw(RTC, "xen,path", "/pl031@9010000");
    refused(RTC ": xen,path = (14 bytes): expected the path of a node of the host's tree");
    set_list(RTC, "xen,path", "/soc/off@6000/inner@6000");
    refused(RTC ": xen,path = \"/soc/off@6000/inner@6000\": expected an enabled node, below "
                "enabled nodes, of the host's tree");
    set_list(RTC, "xen,path", "/virtio_mmio@a000000");
    refused(RTC ": xen,reg = 0x9010000+0x1000: expected registers of /virtio_mmio@a000000");
    empty_prop(RTC, "corbel,allow-unlisted");
    del_prop(RTC, "interrupts");
    accepted();
    assert_int_equal(pass.irqs[0].intid, 48);
}

/* No path: the smallest enabled node that has the region; buses and memory are none. */
static void found_by_address(void **state)
{
    del_prop(RTC, "xen,path");
    accepted();
    assert_int_equal(pass.devices[0].host_node, host_at("/pl031@9010000"));
    del_prop(RTC, "interrupts");
    set_cells(RTC, "xen,reg", 0, 0x10002000, 0, 0x1000, 0, 0x9010000, 0, 0x10004100, 0, 0x80, 0,
              0x9020100);
    accepted();
    assert_int_equal(pass.devices[0].host_node, host_at("/soc/eth@2000"));
    assert_int_equal(pass.irq_count, 2);
    assert_int_equal(pass.irqs[0].intid, 82);
    assert_int_equal(pass.irqs[1].intid, 83);
    assert_false(pass.irqs[1].level);
    set_cells(RTC, "xen,reg", 0, 0x3f000000, 0, 0x1000, 0, 0x3f000000);
    refused(RTC ": xen,reg = 0x3f000000+0x1000: expected registers of an enabled node of the "
                "host's tree");
    empty_prop(PASS, "corbel,allow-unlisted");
    accepted();
    assert_int_equal(pass.devices[0].host_node, -1);
    assert_int_equal(pass.irq_count, 0);
    del_prop(PASS, "corbel,allow-unlisted");
    /* A disabled device: that the bus has registers all over its devices does not count. */
    set_cells(RTC, "xen,reg", 0, 0x10006000, 0, 0x1000, 0, 0x9010000);
    refused(RTC ": xen,reg = 0x10006000+0x1000: expected registers of an enabled node of the "
                "host's tree");
    set_list(RTC, "xen,path", "/soc");
    accepted();
    assert_int_equal(pass.devices[0].host_node, host_at("/soc"));
}

/*
 * What keeps a device's DMA in bounds, and its class, are its host node's: registers of another
 * device beside the first one's would go with them unseen.
 */
static void two_devices_in_one(void **state)
{
    del_prop(RTC, "xen,path");
    set_cells(RTC, "xen,reg", 0, 0x9010000, 0, 0x1000, 0, 0x9010000, 0, 0x10002000, 0, 0x1000, 0,
              0x9020000);
    refused(RTC ": xen,reg = 0x10002000+0x1000: expected registers of /pl031@9010000");
    empty_prop(RTC, "corbel,allow-unlisted");
    accepted();
}

static void parts_of_pages(void **state)
{
    del_prop(RTC, "interrupts");
    set_list(RTC, "xen,path", "/virtio_mmio@a000200");
    set_cells(RTC, "xen,reg", 0, 0xa000200, 0, 0x200, 0, 0x1200);
    accepted();
    check_region(0, 0xa000200, 0x200, 0x1200, S2_MMIO);
    set_cells(RTC, "xen,reg", 0, 0xa000000, 0, 0x1000, 0, 0xa000000);
    refused(RTC ": xen,reg = 0xa000000+0x1000: expected 0xa000200+0x200: /virtio_mmio@a000000 is "
                "in the same page");
    set_cells(RTC, "xen,reg", 0, 0xa000200, 0, 0x400, 0, 0xa000200);
    refused(RTC ": xen,reg = 0xa000200+0x400: expected 0xa000200+0x200: /virtio_mmio@a000400 is "
                "in the same page");
    set_cells(RTC, "xen,reg", 0, 0xa000400, 0, 0x200, 0, 0xa000400);
    refused(RTC ": xen,reg = 0xa000400+0x200: expected registers of /virtio_mmio@a000200");
    set_cells(RTC, "xen,reg", 0, 0xa000000, 0, 0x2000, 0, 0xa000000);
    refused(RTC ": xen,reg = 0xa000000+0x2000: expected registers of /virtio_mmio@a000200");
    /* A small device alone in its page: whole pages are what scripts write. */
    set_list(RTC, "xen,path", "/alone@9020000");
    set_cells(RTC, "xen,reg", 0, 0x9020000, 0, 0x1000, 0, 0x9020000);
    accepted();
    del_prop(RTC, "xen,path");
    accepted();
    assert_int_equal(pass.devices[0].host_node, host_at("/alone@9020000"));
    /* Its own bus spans it, and other registers of its own node: neither is a stranger. */
    set_list(RTC, "xen,path", "/soc/eth@2000");
    set_cells(RTC, "xen,reg", 0, 0x10004000, 0, 0x180, 0, 0x10004000);
    accepted();
    set_cells(RTC, "xen,reg", 0, 0x10004000, 0, 0x1000, 0, 0x10004000);
    refused(RTC ": xen,reg = 0x10004000+0x1000: expected 0x10004100+0x80: /soc/phy@4180 is in the "
                "same page");
    empty_prop(RTC, "corbel,allow-unlisted");
    accepted();
}

static void kept_by_the_hypervisor(void **state)
{
    static const struct {
        u32 base, size;
        const char *line;
    } regions[] = {
        { 0x40200000, 0x1000, "no overlap with the hypervisor at 0x40200000+0x200000" },
        { 0x50200000, 0x1000, "no overlap with RAM at 0x40000000+0x40000000" },
        { 0x8000000, 0x10000, "no overlap with the GIC at 0x8000000+0x10000" },
        { 0x9000ff0, 0x10, "no overlap with the console UART at 0x9000000+0x1000" },
        { 0x9060000, 0x1000, "no overlap with an SMMU at 0x9050000+0x20000" },
        { 0x70000000, 0x1000, "no overlap with RAM at 0x40000000+0x40000000" },
    };
    char line[200];

    del_prop(RTC, "xen,path");
    empty_prop(RTC, "corbel,allow-unlisted"); /* opts out of the host's tree, not of this */
    for (u32 i = 0; i < ARRAY_SIZE(regions); i++) {
        set_cells(RTC, "xen,reg", 0, regions[i].base, 0, regions[i].size, 0, regions[i].base);
        snprintf(line, sizeof(line), RTC ": xen,reg = 0x%x+0x%x: expected %s", regions[i].base,
                 regions[i].size, regions[i].line);
        refused(line);
    }
}

static void overlap_in_the_tree(void **state)
{
    add_node(PASS, "twin");
    set_cells(PASS "/twin", "xen,reg", 0, 0x9010800, 0, 0x100, 0, 0x800);
    empty_prop(PASS "/twin", "xen,force-assign-without-iommu");
    refused(RTC ": xen,reg = 0x9010000+0x1000: expected no overlap with 0x9010800+0x100 of twin");
}

static void masters(void **state)
{
    del_prop(RTC, "xen,force-assign-without-iommu");
    refused(RTC ": xen,force-assign-without-iommu = (missing): expected it there: no IOMMU keeps "
                "this device to its domain's memory");
    partial_begin();
    node("eth");
    list("xen,path", "/soc/eth@2000");
    cells("xen,reg", 0, 0x10002000, 0, 0x1000, 0, 0x10002000);
    empty("xen,force-assign-without-iommu");
    end();
    node("rtc");
    cells("xen,reg", 0, 0x9010000, 0, 0x1000, 0, 0x9010000);
    empty("xen,force-assign-without-iommu");
    end();
    partial_end();
    accepted();
    assert_int_equal(pass.dma_limit, 0);
    host_dma(0, 0, 0x40000000);
    accepted();
    assert_int_equal(pass.dma_limit, 0x40000000);
    host_dma(0xc0000000, 0, 0x40000000);
    refused("/passthrough/eth: xen,path = \"/soc/eth@2000\": expected a bus whose dma-ranges do "
            "not translate");
    del_prop("/passthrough/eth", "xen,path");
    refused("/passthrough/eth: xen,reg = <0x0 0x10002000 0x0 0x1000 0x0 0x10002000>: expected a "
            "bus whose dma-ranges do not translate");
    host_dma(0, 0, 0);
    refused("/passthrough/eth: xen,reg = <0x0 0x10002000 0x0 0x1000 0x0 0x10002000>: expected a "
            "bus with sound dma-ranges");
}

static void memory_attribute(void **state)
{
    set_list(RTC, "corbel,memory-attribute", "normal-nc");
    accepted();
    check_region(0, 0x9010000, 0x1000, 0x9010000, S2_MMIO_NC);
    set_list(RTC, "corbel,memory-attribute", "normal-wb");
    refused(RTC ": corbel,memory-attribute = \"normal-wb\": expected \"normal-nc\", or no such "
                "property");
    set_cells(RTC, "corbel,memory-attribute", 1);
    refused(RTC ": corbel,memory-attribute = (4 bytes): expected \"normal-nc\", or no such "
                "property");
}

static void partial_sram(void)
{
    partial_begin();
    node("sram@70000000");
    list("compatible", "vendor,ocm\0mmio-sram");
    cells("reg", 0, 0x70000000, 0, 0x200000);
    cells("xen,reg", 0, 0x70000000, 0, 0x200000, 0, 0x70000000);
    list("xen,path", "/sram@70000000");
    cells("#address-cells", 1);
    cells("#size-cells", 1);
    cells("ranges", 0, 0, 0x70000000, 0x200000);
    node("pool@1000"); /* nobody reads what is in here */
    cells("reg", 0x1000, 0x1000);
    cells("xen,reg", 1, 2, 3);
    list("xen,path", "nowhere");
    cells("interrupt-parent", 77);
    end();
    end();
    partial_end();
}

static void sram(void **state)
{
    static const char at[] = "/passthrough/sram@70000000";

    partial_sram();
    accepted();
    assert_int_equal(pass.device_count, 1);
    assert_false(pass.devices[0].is_master);
    check_region(0, 0x70000000, 0x200000, 0x70000000, S2_SRAM);
    empty_prop(at, "no-memory-wc");
    accepted();
    check_region(0, 0x70000000, 0x200000, 0x70000000, S2_MMIO);
    set_list(at, "corbel,memory-attribute", "normal-nc");
    refused("/passthrough/sram@70000000: corbel,memory-attribute = \"normal-nc\": expected it "
            "absent: SRAM is memory, with no-memory-wc a device");
    del_prop(at, "corbel,memory-attribute");
    set_cells(at, "xen,reg", 0, 0x70000000, 0, 0x200, 0, 0x70000000);
    refused("/passthrough/sram@70000000: xen,reg = <0x0 0x70000000 0x0 0x200 0x0 0x70000000>: "
            "expected whole pages of 4 KiB, not 0x70000000+0x200: this is memory");
    set_cells(at, "xen,reg", 0, 0x70100000, 0, 0x200000, 0, 0x70000000);
    refused("/passthrough/sram@70000000: xen,reg = 0x70100000+0x200000: expected no overlap with "
            "RAM at 0x40000000+0x40000000");
    /* Device registers are not memory because a partial tree says so. */
    set_list(at, "xen,path", "/pl031@9010000");
    set_cells(at, "xen,reg", 0, 0x9010000, 0, 0x1000, 0, 0x9010000);
    refused("/passthrough/sram@70000000: compatible = \"vendor,ocm\": expected no mmio-sram: "
            "/pl031@9010000 of the host is none");
    empty_prop(PASS, "corbel,allow-unlisted");
    accepted();
}

static void gic_is_not_given(void **state)
{
    set_list(RTC, "compatible", "arm,gic-v3-its");
    refused(RTC ": compatible = \"arm,gic-v3-its\": expected a device: a GIC, or a part of it, "
                "cannot be given to a domain");
    set_list(RTC, "compatible", "vendor,x\0arm,cortex-a15-gic");
    assert_int_equal(parse_partial(), ERR_INVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_device, pass_setup, tree_free),
        cmocka_unit_test_setup_teardown(cells_of_the_parent, pass_setup, tree_free),
        cmocka_unit_test_setup_teardown(blobs, pass_setup, tree_free),
        cmocka_unit_test_setup_teardown(huge_blob, pass_setup, tree_free),
        cmocka_unit_test_setup_teardown(xen_reg_numbers, pass_setup, tree_free),
        cmocka_unit_test_setup_teardown(xen_path, pass_setup, tree_free),
        cmocka_unit_test_setup_teardown(found_by_address, pass_setup, tree_free),
        cmocka_unit_test_setup_teardown(two_devices_in_one, pass_setup, tree_free),
        cmocka_unit_test_setup_teardown(parts_of_pages, pass_setup, tree_free),
        cmocka_unit_test_setup_teardown(kept_by_the_hypervisor, pass_setup, tree_free),
        cmocka_unit_test_setup_teardown(overlap_in_the_tree, pass_setup, tree_free),
        cmocka_unit_test_setup_teardown(masters, pass_setup, tree_free),
        cmocka_unit_test_setup_teardown(memory_attribute, pass_setup, tree_free),
        cmocka_unit_test_setup_teardown(sram, pass_setup, tree_free),
        cmocka_unit_test_setup_teardown(gic_is_not_given, pass_setup, tree_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What keeps devices of partial trees to their domain's memory: by what the host's tree says of
 * their streams, by what became of the SMMUs, and by what the domain asks for.
 */
#include "pass_tree.h"

#include <corbel/bits.h>

#define SMMU  "/smmu@9050000"
#define OTHER "/smmu@9090000"
#define ETH   "/passthrough/eth"
#define FORCE "xen,force-assign-without-iommu"

static void host_cells(const char *path, const char *name, const u32 *values, u32 count)
{
    u32 raw_cells[512];

    assert_true(count <= ARRAY_SIZE(raw_cells));
    for (u32 i = 0; i < count; i++)
        raw_cells[i] = cpu_to_fdt32(values[i]);
    tree_ok(
        fdt_setprop(host_blob, fdt_path_offset(host_blob, path), name, raw_cells, (int)count * 4));
}

#define host_set(path, name, ...) host_cells(path, name, CELL_LIST(__VA_ARGS__))

static void host_read(bool driven)
{
    platform_from_fdt(&host, host_blob);
    host.self = (struct mem_range){ 0x40200000, SZ_2M };
    for (u32 i = 0; i < host.iommu_count; i++)
        host.iommus[i].driven = driven;
}

/* Two SMMUs, phandles 20 and 21, behind the first of which the RTC is; a partial tree of both. */
static int setup(void **state)
{
    int node;

    pass_setup(state);
    host_set(SMMU, "phandle", 20);
    host_set(SMMU, "#iommu-cells", 1);
    node = fdt_add_subnode(host_blob, 0, "smmu@9090000");
    tree_ok(node);
    tree_ok(fdt_setprop_string(host_blob, node, "compatible", "arm,smmu-v3"));
    host_set(OTHER, "reg", 0, 0x9090000, 0, 0x20000);
    host_set(OTHER, "phandle", 21);
    host_set(OTHER, "#iommu-cells", 1);
    host_set("/pl031@9010000", "iommus", 20, 0x10);
    host_read(true);
    assert_int_equal(host.iommu_count, 2);
    assert_string_equal(host.iommus[1].path, SMMU); /* the newer node is in front */
    del_prop(RTC, FORCE);
    add_node(PASS, "eth");
    set_list(ETH, "xen,path", "/soc/eth@2000");
    set_cells(ETH, "xen,reg", 0, 0x10002000, 0, 0x1000, 0, 0x10002000);
    empty_prop(ETH, FORCE);
    return 0;
}

/* In the order of the partial tree: the new node is the first. */
static const struct passdt_device *eth(void)
{
    return &pass.devices[0];
}

static const struct passdt_device *rtc(void)
{
    return &pass.devices[1];
}

static void stream_is(u32 index, u32 device, u32 iommu, u32 first, u32 count)
{
    assert_true(index < pass.stream_count);
    assert_int_equal(pass.streams[index].device, device);
    assert_int_equal(pass.streams[index].entry.iommu, iommu);
    assert_int_equal(pass.streams[index].entry.stream.first, first);
    assert_int_equal(pass.streams[index].entry.stream.count, count);
}

static void protected_by_default(void **state)
{
    accepted();
    assert_int_equal(rtc()->protection, PASSDT_BY_SMMU);
    assert_int_equal(rtc()->undriven, -1);
    assert_false(rtc()->partly);
    assert_int_equal(eth()->protection, PASSDT_FORCED);
    assert_int_equal(eth()->undriven, -1);
    assert_int_equal(pass.stream_count, 1);
    stream_is(0, 1, 1, 0x10, 1);
    empty_prop(RTC, FORCE); /* changes nothing */
    domain_cfg.direct_map = true;
    domain_cfg.passthrough = PASSTHROUGH_ENABLED;
    accepted();
    assert_int_equal(rtc()->protection, PASSDT_BY_SMMU);
    host_set("/soc/eth@2000", "iommus", 20, 0x12, 21, 0x10, 20, 0x11);
    host_read(true);
    accepted();
    assert_int_equal(eth()->protection, PASSDT_BY_SMMU);
    assert_int_equal(pass.stream_count, 3);
    stream_is(0, 0, 0, 0x10, 1);
    stream_is(1, 0, 1, 0x11, 2);
    stream_is(2, 1, 1, 0x10, 1);
}

static void not_protected_on_request(void **state)
{
    empty_prop(RTC, "corbel,no-iommu");
    accepted();
    assert_int_equal(rtc()->protection, PASSDT_BYPASS);
    assert_int_equal(pass.stream_count, 1);
    del_prop(RTC, "corbel,no-iommu");
    domain_cfg.no_iommu = true;
    accepted();
    assert_int_equal(rtc()->protection, PASSDT_BYPASS);
    domain_cfg.no_iommu = false;
    domain_cfg.passthrough = PASSTHROUGH_DISABLED;
    accepted();
    assert_int_equal(rtc()->protection, PASSDT_BYPASS);
    assert_int_equal(eth()->protection, PASSDT_FORCED);
    /* There has to be an SMMU that lets it pass. */
    host_read(false);
    refused(RTC ": " FORCE " = (missing): expected it there: " SMMU " is not driven: not started");
}

static void behind_none(void **state)
{
    del_prop(ETH, FORCE);
    refused(ETH ": " FORCE " = (missing): expected it there: no IOMMU keeps this device to its "
                "domain's memory");
    empty_prop(ETH, "corbel,no-iommu"); /* is no force */
    assert_int_equal(parse_partial(), ERR_INVAL);
    del_prop(ETH, "xen,path");
    empty_prop(ETH, "corbel,allow-unlisted");
    set_cells(ETH, "xen,reg", 0, 0x3f000000, 0, 0x1000, 0, 0x3f000000);
    assert_int_equal(parse_partial(), ERR_INVAL);
    empty_prop(ETH, FORCE);
    accepted();
    assert_int_equal(eth()->host_node, -1);
    assert_int_equal(eth()->protection, PASSDT_FORCED);
}

static void behind_undriven(void **state)
{
    host.iommus[1].driven = false;
    host.iommus[1].why = "no stage 2 translation";
    refused(RTC ": " FORCE " = (missing): expected it there: " SMMU
                " is not driven: no stage 2 translation");
    empty_prop(RTC, FORCE);
    accepted();
    assert_int_equal(rtc()->protection, PASSDT_FORCED);
    assert_int_equal(rtc()->undriven, 1);
    assert_int_equal(pass.stream_count, 1);
    /* Behind a driven one, too: half of it protected is not protected. */
    host_set("/soc/eth@2000", "iommus", 21, 1, 20, 1);
    host_read(true);
    host.iommus[1].driven = false;
    accepted();
    assert_int_equal(eth()->protection, PASSDT_FORCED);
    assert_int_equal(eth()->undriven, 1);
    del_prop(ETH, FORCE);
    assert_int_equal(parse_partial(), ERR_INVAL);
}

static void behind_another(void **state)
{
    tree_ok(fdt_setprop_string(host_blob, fdt_path_offset(host_blob, SMMU), "compatible", "x,y"));
    host_read(true);
    refused(RTC ": " FORCE " = (missing): expected it there: " SMMU
                " is not driven: no driver for it, or one too many");
    empty_prop(RTC, FORCE);
    accepted();
    assert_int_equal(rtc()->protection, PASSDT_FORCED);
    assert_int_equal(rtc()->undriven, -1);
    assert_int_equal(pass.stream_count, 0);
    del_prop(RTC, FORCE);
    tree_ok(fdt_setprop_string(host_blob, fdt_path_offset(host_blob, SMMU), "status", "disabled"));
    host_read(true);
    refused(RTC ": " FORCE " = (missing): expected it there: " SMMU " is not driven: disabled");
}

static void no_registers_no_streams(void **state)
{
    del_prop(RTC, "xen,reg");
    accepted();
    assert_int_equal(rtc()->protection, PASSDT_NO_DMA);
    assert_int_equal(pass.stream_count, 0);
}

static void malformed_on_the_host(void **state)
{
    u32 many[300];

    host_set("/pl031@9010000", "iommus", 77, 1);
    host_read(true);
    refused(RTC ": xen,path = \"/pl031@9010000\": expected a device of the host with a sound "
                "iommus");
    host_set("/pl031@9010000", "iommus", 20, 1);
    host_set("/pl031@9010000", "iommu-map", 0, 20, 0);
    host_read(true);
    del_prop(RTC, "xen,path");
    refused(RTC ": xen,reg = <0x0 0x9010000 0x0 0x1000 0x0 0x9010000>: expected a device of the "
                "host with a sound iommu-map");
    host_cells("/pl031@9010000", "iommu-map", NULL, 0);
    host_cells("/pl031@9010000", "iommus", many, 300);
    host_read(true);
    refused(RTC ": xen,reg = <0x0 0x9010000 0x0 0x1000 0x0 0x9010000>: expected a device of the "
                "host with at most 64 ranges of streams in iommus");
    for (u32 i = 0; i < 65; i++) {
        many[2 * i] = 20;
        many[2 * i + 1] = 2 * i;
    }
    host_cells("/pl031@9010000", "iommus", many, 130);
    host_read(true);
    assert_int_equal(parse_partial(), ERR_INVAL);
    host_cells("/pl031@9010000", "iommus", many, 128);
    host_read(true);
    accepted();
    assert_int_equal(pass.stream_count, 64);
    host_set("/soc/eth@2000", "iommus", 21, 5); /* comes first */
    host_read(true);
    refused(RTC ": (streams) = 0x7e of " SMMU ": expected at most 64 ranges of streams in one "
                "tree");
}

static void streams_in_common(void **state)
{
    host_set("/soc/eth@2000", "iommus", 20, 0x10);
    host_read(true);
    accepted();
    assert_int_equal(eth()->protection, PASSDT_BY_SMMU);
    assert_int_equal(rtc()->protection, PASSDT_BY_SMMU);
    assert_int_equal(pass.stream_count, 1);
    stream_is(0, 0, 1, 0x10, 1);
    empty_prop(RTC, "corbel,no-iommu");
    refused(RTC ": (streams) = 0x10 of " SMMU ": expected the same protection as of eth");
    del_prop(RTC, "corbel,no-iommu");
    host_set("/soc/eth@2000", "iommus", 20, 0x10, 20, 0x11);
    host_read(true);
    refused(RTC ": (streams) = 0x10 of " SMMU ": expected the same streams as of eth");
    empty_prop(RTC, FORCE);
    host_read(false); /* then nobody looks */
    accepted();
    assert_int_equal(pass.stream_count, 2);
}

static void registers_of_another_node(void **state)
{
    accepted();
    assert_false(rtc()->stray);
    del_prop(RTC, "xen,path");
    set_cells(RTC, "xen,reg", 0, 0x9010000, 0, 0x1000, 0, 0x9010000, 0, 0x9020000, 0, 0x1000, 0,
              0x9020000);
    empty_prop(RTC, "corbel,allow-unlisted");
    refused(RTC ": " FORCE " = (missing): expected it there: what DMA its unlisted registers start "
                "is not known");
    empty_prop(RTC, FORCE);
    accepted();
    assert_int_equal(rtc()->protection, PASSDT_BY_SMMU);
    assert_true(rtc()->stray);
}

static void bridge_with_a_gap(void **state)
{
    tree_ok(fdt_setprop_string(host_blob, fdt_path_offset(host_blob, "/soc/eth@2000"),
                               "device_type", "pci"));
    host_set("/pl031@9010000", "iommus", 21, 1);
    host_set("/soc/eth@2000", "iommu-map", 0x8, 20, 0x8, 0xfff8);
    host_read(true);
    accepted();
    assert_int_equal(eth()->protection, PASSDT_BY_SMMU);
    assert_true(eth()->partly);
    assert_int_equal(eth()->gap, 0);
    host_set("/soc/eth@2000", "iommu-map", 0, 20, 0x100, 8, 0x10, 20, 0x110, 0xfff0);
    host_read(true);
    accepted();
    assert_int_equal(eth()->gap, 8);
    del_prop(ETH, FORCE);
    refused(ETH ": " FORCE " = (missing): expected it there: no IOMMU sees requester ID 0x8");
    host_set("/soc/eth@2000", "iommu-map", 0, 20, 0x100, 0x10000);
    host_read(true);
    accepted();
    assert_int_equal(eth()->protection, PASSDT_BY_SMMU);
    assert_false(eth()->partly);
    stream_is(0, 0, 1, 0x100, 0x10000);
}

static void limits_of_buses(void **state)
{
    /* Translated by an SMMU, what the device says is not a host address. */
    host_set("/soc/eth@2000", "iommus", 20, 1);
    host_dma(0, 0, 0x40000000);
    host_read(true);
    accepted();
    assert_int_equal(pass.dma_limit, 0);
    domain_cfg.direct_map = true;
    accepted();
    assert_int_equal(pass.dma_limit, 0x40000000);
    domain_cfg.direct_map = false;
    empty_prop(ETH, "corbel,no-iommu");
    accepted();
    assert_int_equal(pass.dma_limit, 0x40000000);
    host_dma(0xc0000000, 0, 0x40000000);
    host_read(true);
    refused(ETH ": xen,path = \"/soc/eth@2000\": expected a bus whose dma-ranges do not "
                "translate");
    del_prop(ETH, "corbel,no-iommu");
    accepted();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(protected_by_default, setup, tree_free),
        cmocka_unit_test_setup_teardown(not_protected_on_request, setup, tree_free),
        cmocka_unit_test_setup_teardown(behind_none, setup, tree_free),
        cmocka_unit_test_setup_teardown(behind_undriven, setup, tree_free),
        cmocka_unit_test_setup_teardown(behind_another, setup, tree_free),
        cmocka_unit_test_setup_teardown(no_registers_no_streams, setup, tree_free),
        cmocka_unit_test_setup_teardown(malformed_on_the_host, setup, tree_free),
        cmocka_unit_test_setup_teardown(streams_in_common, setup, tree_free),
        cmocka_unit_test_setup_teardown(registers_of_another_node, setup, tree_free),
        cmocka_unit_test_setup_teardown(bridge_with_a_gap, setup, tree_free),
        cmocka_unit_test_setup_teardown(limits_of_buses, setup, tree_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the host's tree to translated DMA: an SMMU of version 1 or 2 in every form that trees have
 * for its masters (iommus with and without a mask, iommu-map, mmu-masters), through platform.c and
 * iommu_map.c, to the driver on its model and tables of the real p2m.
 */
#include "machines.h"
#include "smmuv2_rig.h"

#include <corbel/iommu_map.h>

#define SMMU "/smmu@fd800000"
#define ETH  "/ethernet@ff0b0000"
#define SD   "/mmc@ff160000"
#define PCIE "/pcie@fd0e0000"
#define ROOM 8

/* As ZynqMP's: an SMMU (phandle 4), a NIC (5), an SD controller (6), a root complex (7). */
static void machine(const char *compatible)
{
    tree_begin();
    root_cells(2, 2);
    node("smmu@fd800000");
    tree_ok(fdt_property_string(tree_room, "compatible", compatible));
    cells("reg", 0, 0xfd800000, 0, 0x20000);
    cells("phandle", 4);
    empty("dma-coherent");
    end();
    node("ethernet@ff0b0000");
    cells("phandle", 5);
    end();
    node("mmc@ff160000");
    cells("phandle", 6);
    end();
    node("pcie@fd0e0000");
    list("device_type", "pci");
    cells("phandle", 7);
    end();
    tree_end();
}

/* Start what the tree describes, on that hardware. */
static void start_described(const struct model_smmuv2_config *c)
{
    machine_read();
    assert_int_equal(p.iommu_count, 1);
    rig_probe_only(c);
    desc = p.iommus[0];
    assert_int_equal(desc.kind, c->v1 ? IOMMU_SMMU_V1 : IOMMU_SMMU_V2);
    assert_int_equal(desc.regs.size, model.size);
    assert_true(desc.coherent);
    rig_go();
}

/* All streams of a device to a domain, as iommu_attach() does; how many entries they are. */
static u32 give(const char *path, struct p2m *to)
{
    struct iommu_map_entry entries[ROOM];
    struct iommu_map_result result;

    assert_int_equal(iommu_map_node(&p, fdtr_path(p.fdt, path), entries, ROOM, &result), CORBEL_OK);
    assert_false(result.has_gap);
    for (u32 i = 0; i < result.count; i++) {
        assert_int_equal(entries[i].iommu, 0);
        assert_int_equal(give_stream(&entries[i].stream, to), CORBEL_OK);
    }
    return result.count;
}

static u32 take_back(const char *path)
{
    struct iommu_map_entry entries[ROOM];
    struct iommu_map_result result;

    assert_int_equal(iommu_map_node(&p, fdtr_path(p.fdt, path), entries, ROOM, &result), CORBEL_OK);
    for (u32 i = 0; i < result.count; i++)
        assert_int_equal(smmuv2_ops.detach(&smmu, &entries[i].stream, false), CORBEL_OK);
    return result.count;
}

/* The NIC's streams lead to the first domain, the SD controller's to the second, none else. */
static void check_two(const u32 *eth, u32 eth_count, const u32 *sd, u32 sd_count)
{
    assert_true(give(ETH, new_domain(1, 40)) > 0);
    assert_true(give(SD, new_domain(2, 40)) > 0);
    for (u32 stream = 0; stream < BIT(smmu.caps.stream_bits); stream++) {
        u64 want = 0;

        for (u32 i = 0; i < eth_count; i++)
            want = eth[i] == stream ? p2m_pa[0].v : want;
        for (u32 i = 0; i < sd_count; i++)
            want = sd[i] == stream ? p2m_pa[1].v : want;
        assert_int_equal(reaches(stream, GUEST, true), want);
    }
    take_back(ETH);
    assert_int_equal(reaches(eth[0], GUEST, true), 0);
    assert_int_equal(reaches(sd[0], GUEST, true), p2m_pa[1].v);
    take_back(SD);
    assert_int_equal(reaches(sd[0], GUEST, true), 0);
}

static void iommus_of_one_cell(void **state)
{
    machine("arm,mmu-500");
    set_cells(SMMU, "#iommu-cells", 1);
    set_cells(ETH, "iommus", 4, 0x874);
    set_cells(SD, "iommus", 4, 0x870, 4, 0x872);
    start_described(&model_mmu500);
    check_two((const u32[]){ 0x874 }, 1, (const u32[]){ 0x870, 0x872 }, 2);
}

static void iommus_with_a_mask(void **state)
{
    machine("arm,mmu-500");
    set_cells(SMMU, "#iommu-cells", 2);
    set_cells(ETH, "iommus", 4, 0x874, 3);
    set_cells(SD, "iommus", 4, 0x870, 0x400);
    start_described(&model_mmu500);
    check_two((const u32[]){ 0x874, 0x875, 0x876, 0x877 }, 4, (const u32[]){ 0x870, 0xc70 }, 2);
}

/* The upper bits are the TBU's number: not compared. */
static void stream_match_mask(void **state)
{
    machine("arm,mmu-500");
    set_cells(SMMU, "#iommu-cells", 1);
    set_cells(SMMU, "stream-match-mask", 0x7c00);
    set_cells(ETH, "iommus", 4, 0x12);
    start_described(&model_mmu500);
    assert_int_equal(give(ETH, new_domain(1, 40)), 1);
    assert_int_equal(reaches(0x0012, GUEST, true), p2m_pa[0].v);
    assert_int_equal(reaches(0x7c12, GUEST, true), p2m_pa[0].v);
    assert_int_equal(reaches(0x7c13, GUEST, true), 0);
    assert_int_equal(take_back(ETH), 1);
    assert_int_equal(reaches(0x7c12, GUEST, true), 0);
}

/* 16 bits of requester IDs behind an SMMU that has 15: all of them, in one match register. */
static void iommu_map(void **state)
{
    machine("arm,smmu-v2");
    set_cells(SMMU, "#iommu-cells", 1);
    set_cells(PCIE, "iommu-map", 0, 4, 0, 0x10000);
    start_described(&model_mmu500);
    assert_int_equal(give(PCIE, new_domain(1, 40)), 1);
    assert_int_equal(reaches(0, GUEST, true), p2m_pa[0].v);
    assert_int_equal(reaches(0x7fff, GUEST, true), p2m_pa[0].v);
    assert_int_equal(take_back(PCIE), 1);
    assert_int_equal(reaches(0x7fff, GUEST, true), 0);
}

static void iommu_map_of_a_part(void **state)
{
    machine("arm,mmu-500");
    set_cells(SMMU, "#iommu-cells", 1);
    set_cells(ETH, "iommus", 4, 0x2000);
    set_cells(PCIE, "iommu-map", 0, 4, 0x1000, 0x300);
    set_cells(PCIE, "bus-range", 0, 2);
    start_described(&model_mmu500);
    assert_int_equal(give(PCIE, new_domain(1, 40)), 2);
    assert_int_equal(give(ETH, new_domain(2, 40)), 1);
    for (u32 stream = 0x0f00; stream < 0x1400; stream++)
        assert_int_equal(reaches(stream, GUEST, true),
                         stream >= 0x1000 && stream < 0x1300 ? p2m_pa[0].v : 0);
    assert_int_equal(reaches(0x2000, GUEST, true), p2m_pa[1].v);
}

/* The older form: the SMMU names its masters, each of which says how many streams follow. */
static void mmu_masters(void **state)
{
    machine("arm,mmu-400");
    set_cells(ETH, "#stream-id-cells", 2);
    set_cells(SD, "#stream-id-cells", 1);
    set_cells(SMMU, "reg", 0, 0xfd800000, 0, 0x10000);
    set_cells(SMMU, "mmu-masters", 5, 0x101, 0x205, 6, 0x33);
    start_described(&model_mmu400);
    assert_true(p.iommus[0].by_masters);
    check_two((const u32[]){ 0x101, 0x205 }, 2, (const u32[]){ 0x33 }, 1);
}

static void mmu_masters_of_a_bridge(void **state)
{
    machine("arm,mmu-401");
    set_cells(PCIE, "#stream-id-cells", 0);
    set_cells(PCIE, "bus-range", 0, 0x3f);
    set_cells(SMMU, "reg", 0, 0xfd800000, 0, 0x10000);
    set_cells(SMMU, "mmu-masters", 7);
    start_described(&model_mmu400);
    assert_int_equal(give(PCIE, new_domain(1, 40)), 1);
    assert_int_equal(reaches(0x3fff, GUEST, true), p2m_pa[0].v);
}

/* More streams than match registers: the tree is fine, this SMMU is not enough. */
static void more_than_it_has(void **state)
{
    struct model_smmuv2_config c = model_mmu500;
    struct iommu_map_entry entries[ROOM];
    struct iommu_map_result result;
    u32 failed = 0;

    c.numsmrg = 2;
    machine("arm,mmu-500");
    set_cells(SMMU, "#iommu-cells", 1);
    set_cells(ETH, "iommus", 4, 1, 4, 4, 4, 0x10);
    start_described(&c);
    new_domain(1, 40);
    assert_int_equal(iommu_map_node(&p, fdtr_path(p.fdt, ETH), entries, ROOM, &result), CORBEL_OK);
    assert_int_equal(result.count, 3);
    for (u32 i = 0; i < 3; i++)
        failed += give_stream(&entries[i].stream, &p2ms[0]) == ERR_NOMEM;
    assert_int_equal(failed, 1);
    assert_string_equal(why, "no free stream match register");
}

static int teardown(void **state)
{
    tree_free(state);
    return rig_teardown(state);
}

#define RIG(t) cmocka_unit_test_setup_teardown(t, rig_setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        RIG(iommus_of_one_cell),      RIG(iommus_with_a_mask),
        RIG(stream_match_mask),       RIG(iommu_map),
        RIG(iommu_map_of_a_part),     RIG(mmu_masters),
        RIG(mmu_masters_of_a_bridge), RIG(more_than_it_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

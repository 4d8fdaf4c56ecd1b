/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMMUs of the platform: which nodes become one, with what registers, interrupts and binding;
 * and what is left out, with a note.
 */
#include "machines.h"

#include <corbel/platform_iommu.h>

#define SMMU "/smmu@9050000"

/* As QEMU virt with iommu=smmuv3 describes it. */
static void smmu_machine(void)
{
    virt_machine(false);
    add_node("/", "smmu@9050000");
    set_list(SMMU, "compatible", "arm,smmu-v3");
    set_cells(SMMU, "reg", 0, 0x9050000, 0, 0x20000);
    set_cells(SMMU, "phandle", 0x8004);
    set_cells(SMMU, "#iommu-cells", 1);
    empty_prop(SMMU, "dma-coherent");
    set_cells(SMMU, "interrupts", 0, 74, 1, 0, 75, 1, 0, 76, 1, 0, 77, 1);
    set_list(SMMU, "interrupt-names", "eventq\0priq\0cmdq-sync\0gerror");
}

static void check_irqs(const u32 *intids, u32 count)
{
    assert_int_equal(p.iommus[0].irq_count, count);
    for (u32 i = 0; i < count; i++)
        assert_int_equal(p.iommus[0].irqs[i].intid, intids[i]);
}

#define irqs_are(...) check_irqs(CELL_LIST(__VA_ARGS__))

static void of_qemu(void **state)
{
    smmu_machine();
    machine_read();
    assert_int_equal(p.iommu_count, 1);
    assert_int_equal(p.iommus[0].kind, IOMMU_SMMU_V3);
    assert_true(p.iommus[0].coherent);
    assert_false(p.iommus[0].by_masters || p.iommus[0].driven);
    assert_null(p.iommus[0].why);
    assert_int_equal(p.iommus[0].phandle, 0x8004);
    assert_int_equal(p.iommus[0].cells, 1);
    assert_int_equal(p.iommus[0].stream_match_mask, 0);
    assert_int_equal(p.iommus[0].node, fdtr_path(p.fdt, SMMU));
    check_range(&p.iommus[0].regs, 0x9050000, 0x20000);
    assert_string_equal(p.iommus[0].path, SMMU);
    irqs_are(106, 109);
    assert_false(p.iommus[0].irqs[0].level);
    assert_int_equal(p.hidden_count, 4);
    assert_string_equal(p.notes, "");
    del_prop(SMMU, "dma-coherent");
    machine_read();
    assert_false(p.iommus[0].coherent);
}

static void interrupts_of_v3(void **state)
{
    smmu_machine();
    del_prop(SMMU, "interrupt-names");
    machine_read();
    irqs_are(106, 107, 108, 109);
    set_list(SMMU, "interrupt-names", "combined");
    set_cells(SMMU, "interrupts", 0, 80, 4);
    machine_read();
    irqs_are(112);
    assert_true(p.iommus[0].irqs[0].level);
    set_cells(SMMU, "interrupts", 1, 10, 4, 0, 81, 4); /* a PPI is no SMMU's */
    machine_read();
    irqs_are(113);
    del_prop(SMMU, "interrupts");
    machine_read();
    assert_int_equal(p.iommus[0].irq_count, 0);
    assert_string_equal(p.notes, "");
    set_cells(SMMU, "interrupts", 0, 80, 4, 0);
    machine_read();
    irqs_are(112);
    assert_string_equal(p.notes, SMMU ": interrupts: malformed after 1 entries\n");
    set_cells(SMMU, "interrupts", 0, 988, 4, 0, 82, 4); /* nothing has that number */
    machine_read();
    irqs_are(114);
}

/* One line for all faults and a context each, of which many share one. */
static void interrupts_of_v2(void **state)
{
    u32 cells_of[64 * 3];

    smmu_machine();
    set_list(SMMU, "compatible", "xlnx,smmu\0arm,mmu-500");
    set_cells(SMMU, "#global-interrupts", 1);
    set_cells(SMMU, "interrupts", 0, 155, 4, 0, 155, 4, 0, 156, 4, 0, 155, 4);
    machine_read();
    assert_int_equal(p.iommus[0].kind, IOMMU_SMMU_V2);
    irqs_are(187, 188);
    for (u32 i = 0; i < 21; i++) {
        cells_of[3 * i] = 0;
        cells_of[3 * i + 1] = 100 + i;
        cells_of[3 * i + 2] = 4;
    }
    tree_set_cells(SMMU, "interrupts", cells_of, 63);
    machine_read();
    assert_int_equal(p.iommus[0].irq_count, 21);
    assert_string_equal(p.notes, "");
}

static void too_many_interrupts(void **state)
{
    u32 raw_cells[33 * 3];

    smmu_machine();
    set_list(SMMU, "compatible", "arm,mmu-500");
    for (u32 i = 0; i < 33; i++) {
        raw_cells[3 * i] = 0;
        raw_cells[3 * i + 1] = cpu_to_fdt32(100 + i);
        raw_cells[3 * i + 2] = cpu_to_fdt32(4);
    }
    tree_ok(fdt_setprop(tree_room, tree_at(SMMU), "interrupts", raw_cells, sizeof(raw_cells)));
    machine_read();
    assert_int_equal(p.iommus[0].irq_count, 32);
    assert_string_equal(p.notes, SMMU ": interrupts: more than 32, faults beyond are not seen\n");
}

static void kinds_of_v1_and_v2(void **state)
{
    static const struct {
        const char *compatible;
        int kind;
    } list[] = {
        { "arm,smmu-v1", IOMMU_SMMU_V1 }, { "arm,mmu-400", IOMMU_SMMU_V1 },
        { "arm,mmu-401", IOMMU_SMMU_V1 }, { "arm,smmu-v2", IOMMU_SMMU_V2 },
        { "arm,mmu-500", IOMMU_SMMU_V2 },
    };

    smmu_machine();
    set_cells(SMMU, "stream-match-mask", 0x7f80);
    for (u32 i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        tree_ok(fdt_setprop_string(tree_room, tree_at(SMMU), "compatible", list[i].compatible));
        machine_read();
        assert_int_equal(p.iommu_count, 1);
        assert_int_equal(p.iommus[0].kind, list[i].kind);
        assert_int_equal(p.iommus[0].stream_match_mask, 0x7f80);
    }
    set_cells(SMMU, "#iommu-cells", 2); /* each stream has a mask of its own */
    machine_read();
    assert_int_equal(p.iommus[0].cells, 2);
    assert_int_equal(p.iommus[0].stream_match_mask, 0);
    set_cells(SMMU, "#iommu-cells", 1);
    set_cells(SMMU, "stream-match-mask", 1, 2);
    machine_read();
    assert_int_equal(p.iommus[0].stream_match_mask, 0);
    assert_string_equal(p.notes, SMMU ": stream-match-mask: expected one cell\n");
    set_list(SMMU, "compatible", "arm,smmu-v3"); /* has no such thing */
    machine_read();
    assert_string_equal(p.notes, "");
}

static void masters(void **state)
{
    smmu_machine();
    set_list(SMMU, "compatible", "arm,smmu-v1");
    set_cells(SMMU, "mmu-masters", 0x8002, 1);
    del_prop(SMMU, "#iommu-cells");
    machine_read();
    assert_true(p.iommus[0].by_masters);
    assert_int_equal(p.iommus[0].cells, 0);
    assert_string_equal(p.notes, "");
    set_list(SMMU, "compatible", "arm,smmu-v3");
    machine_read();
    assert_false(p.iommus[0].by_masters);
}

static void left_out(void **state)
{
    smmu_machine();
    set_cells(SMMU, "#iommu-cells", 2);
    machine_read();
    assert_int_equal(p.iommus[0].cells, 0);
    assert_string_equal(p.notes, SMMU ": #iommu-cells: expected 1\n");
    set_list(SMMU, "compatible", "arm,smmu-v2");
    set_cells(SMMU, "#iommu-cells", 3);
    machine_read();
    assert_int_equal(p.iommus[0].cells, 0);
    assert_string_equal(p.notes, SMMU ": #iommu-cells: expected 1 or 2\n");
    set_cells(SMMU, "#iommu-cells", 0, 1);
    machine_read();
    assert_int_equal(p.iommus[0].cells, 0);
    set_cells(SMMU, "#iommu-cells", 1);
    set_list(SMMU, "status", "disabled");
    machine_read();
    assert_int_equal(p.iommu_count, 0);
    assert_int_equal(p.hidden_count, 4);
    assert_string_equal(p.notes, "");
    del_prop(SMMU, "status");
    del_prop(SMMU, "reg");
    machine_read();
    assert_int_equal(p.iommu_count, 0);
    assert_string_equal(p.notes, SMMU ": reg: registers of an SMMU expected\n");
}

/* Sixteen are driven; the next one leaves nothing of the last behind. */
static void a_second_one(void **state)
{
    smmu_machine();
    add_node("/", "smmu@a000000");
    set_list("/smmu@a000000", "compatible", "vendor,own\0arm,smmu-v2");
    set_cells("/smmu@a000000", "reg", 0, 0xa000000, 0, 0x10000);
    machine_read();
    assert_int_equal(p.iommu_count, 2);
    assert_string_equal(p.iommus[0].path, "/smmu@a000000");
    assert_int_equal(p.iommus[0].phandle, 0);
    assert_int_equal(p.iommus[0].irq_count, 0);
    assert_string_equal(p.iommus[1].path, SMMU);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_qemu),
        cmocka_unit_test(interrupts_of_v3),
        cmocka_unit_test(interrupts_of_v2),
        cmocka_unit_test(too_many_interrupts),
        cmocka_unit_test(kinds_of_v1_and_v2),
        cmocka_unit_test(masters),
        cmocka_unit_test(left_out),
        cmocka_unit_test(a_second_one),
    };

    return cmocka_run_group_tests(tests, NULL, tree_free);
}

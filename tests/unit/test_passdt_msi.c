/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MSIs of a PCIe root complex: when its GICv2m frame goes with it, and whose the SPIs are then.
 */
#include "passdt_msi_rig.h"

/* ---- from the trees ---- */

static void as_qemu_has_it(void **state)
{
    check_frame();
    assert_int_equal(pass.msi.count, 0); /* not in QEMU's tree */
    assert_int_equal(pass.irq_count, 4);
    set_frame("arm,msi-base-spi", 80);
    check_frame();
    assert_int_equal(pass.msi.count, 0); /* one alone overrides nothing */
    set_frame("arm,msi-num-spis", 64);
    check_frame();
    assert_int_equal(pass.msi.first_intid, 80);
    assert_int_equal(pass.msi.count, 64);
}

static void by_msi_parent(void **state)
{
    del_prop(PCIE, "msi-map");
    set_cells(PCIE, "msi-parent", FRAME);
    check_frame();
    set_host("msi-map", 0, FRAME, 0, 0x1000, 0x1000, FRAME, 0, 0x1000);
    check_frame();
    tree_ok(fdt_delprop(host_blob, fdt_path_offset(host_blob, "/pcie@10000000"), "msi-map"));
    check_none();
    set_host("msi-parent", FRAME);
    check_frame();
}

/* Every way of not having it leaves the bridge without MSIs, and is no mistake. */
static void none(void **state)
{
    pci_partial(2, 0);
    check_none(); /* no stand-in */
    pci_partial(2, FRAME);
    set_list("/gic/v2m", "compatible", "arm,gic-v3-its");
    check_none();
    pci_partial(2, FRAME);
    del_prop(PCIE, "msi-map");
    check_none();
    set_cells(PCIE, "msi-map", 0, FRAME, 0, 0x1000, 0x1000, 99, 0, 0x1000);
    check_none(); /* to two controllers: the guest has one of them */
    set_cells(PCIE, "msi-map", 0, FRAME, 0);
    check_none();
    set_raw(PCIE, "msi-map", "");
    check_none();
    pci_partial(2, FRAME);
    set_host("msi-map", 0, FRAME, 0, 0x1000, 0x1000, 0x8003, 0, 0x1000);
    check_none();
    set_host("msi-map", 0, 0x8003, 0, 0x10000);
    check_none();
    set_host("msi-map", 0, 0x7777, 0, 0x10000);
    check_none();
    set_host("msi-map", 0, FRAME, 0, 0x10000);
    check_frame();
    tree_ok(fdt_setprop(host_blob, fdt_path_offset(host_blob, "/intc@8000000/v2m@8020000"),
                        "status", "disabled", 9));
    check_none();
    pci_host(3); /* an ITS */
    pci_host_take();
    pci_partial(2, FRAME);
    check_none();
    empty_prop(PCIE, "corbel,allow-unlisted");
    del_prop(PCIE, "xen,path");
    tree_ok(fdt_del_node(host_blob, fdt_path_offset(host_blob, "/pcie@10000000")));
    check_none(); /* no host's node */
    del_node("/gic");
    del_prop(PCIE, "interrupt-map");
    check_none();
}

/* Only bridges: a device beside the GIC has wires. */
static void no_bridge(void **state)
{
    set_list(PCIE, "compatible", "vendor,pcie");
    empty_prop(PCIE, "corbel,allow-unlisted");
    check_none();
}

static void bad_frames(void **state)
{
    static const char spis[] =
        PCIE ": msi-map = <0x0 0x8004 0x0 0x10000>: expected a GICv2m frame of the host with sound "
             "arm,msi-base-spi and arm,msi-num-spis";
    static const char pages[] =
        PCIE ": msi-map = <0x0 0x8004 0x0 0x10000>: expected a GICv2m frame of the host that has "
             "whole pages";

    set_frame("arm,msi-num-spis", 64);
    set_frame("arm,msi-base-spi", 31);
    refused(spis);
    set_frame("arm,msi-base-spi", 1020);
    refused(spis);
    set_frame("arm,msi-base-spi", 957);
    refused(spis);
    set_frame("arm,msi-base-spi", 956);
    check_frame();
    set_frame("arm,msi-num-spis", 0);
    refused(spis);
    set_frame("arm,msi-num-spis", 0xffffffff);
    refused(spis);
    set_frame("arm,msi-num-spis", 1, 2);
    refused(spis);
    set_frame("arm,msi-num-spis", 64);
    set_frame("reg", 0, 0x8020000, 0, 0x800);
    refused(pages);
    set_frame("reg", 0, 0x8020800, 0, 0x1000);
    refused(pages);
    set_frame("reg", 0, 0x8020000, 0, 0);
    refused(pages);
    set_frame("reg", 0, 0x8020000);
    refused(pages);
    set_frame("reg", 0, 0x8020000, 0, 0x11000);
    refused(PCIE ": msi-map = <0x0 0x8004 0x0 0x10000>: expected a GICv2m frame of the host "
                 "without a GIC at 0x8030000 in it");
}

static void bad_stand_ins(void **state)
{
    pci_partial(0, FRAME);
    refused("/gic: #address-cells = <0x0>: expected 2: a GICv2m frame is below it in the guest's "
            "tree");
    pci_partial(2, FRAME);
    add_node(PASS, "clash");
    set_cells(PASS "/clash", "phandle", FRAME);
    refused(PASS "/clash: phandle = <0x8004>: expected another than the GICv2m frame's");
    del_node(PASS "/clash");
    set_cells("/gic", "phandle", FRAME);
    del_prop(PCIE, "interrupt-map");
    refused("/gic: phandle = <0x8004>: expected another than the GICv2m frame's");
}

/* The way to have it is msi-map: nobody is given the frame's registers as a device's. */
static void not_as_a_region(void **state)
{
    set_cells(PCIE, "xen,reg", 0, 0x8020000, 0, 0x1000, 0, 0x8020000);
    refused(PCIE ": xen,reg = 0x8020000+0x1000: expected no overlap with a GICv2m frame at "
                 "0x8020000+0x1000");
    pci_partial_begin(2, 0);
    node("v2m");
    list("compatible", "arm,gic-v2m-frame");
    list("xen,path", "/intc@8000000/v2m@8020000");
    cells("xen,reg", 0, 0x8020000, 0, 0x1000, 0, 0x8020000);
    end();
    partial_end();
    refused(PASS "/v2m: compatible = \"arm,gic-v2m-frame\": expected a device: a GIC, or a part "
                 "of it, cannot be given to a domain");
}

/* ---- the plan ---- */

static void claim_refused(u32 id, u32 lines, u32 nr_spis, const char *line)
{
    assert_int_not_equal(claim(id, lines, nr_spis), CORBEL_OK);
    assert_string_equal(error.text, line);
    assign_release(id);
}

static void claims(void **state)
{
    u32 other = 0;

    typer = 80u << 16 | 64;
    typer_reads = 0;
    check_frame();
    assert_int_equal(claim(1, 288, 256), CORBEL_OK);
    assert_int_equal(typer_reads, 1);
    assert_int_equal(plan.pass.msi.first_intid, 80);
    assert_int_equal(plan.pass.msi.count, 64);
    assert_int_equal(assign_region(2, &pass.msi.frame, &other), ERR_EXIST);
    assert_int_equal(assign_irq(2, 79, &other), CORBEL_OK);
    assert_int_equal(assign_irq(2, 80, &other), ERR_EXIST);
    assert_int_equal(assign_irq(2, 143, &other), ERR_EXIST);
    assert_int_equal(assign_irq(2, 144, &other), CORBEL_OK);
    assign_release(2);
    claim_refused(2, 288, 256,
                  PCIE ": msi-map = 0x8020000+0x1000: expected a GICv2m frame that domain 1 does "
                       "not have");
    assign_release(1);
    /* What the tree says counts more. */
    set_frame("arm,msi-base-spi", 90);
    set_frame("arm,msi-num-spis", 2);
    check_frame();
    assert_int_equal(claim(1, 288, 256), CORBEL_OK);
    assert_int_equal(typer_reads, 2);
    assert_int_equal(assign_irq(2, 80, &other), CORBEL_OK);
    assert_int_equal(assign_irq(2, 90, &other), ERR_EXIST);
}

static void refused_claims(void **state)
{
    static const u32 nonsense[] = {
        0, 64, 80u << 16, 31u << 16 | 1, 1020u << 16 | 1, 1000u << 16 | 21
    };
    char line[200];
    u32 other = 0;

    check_frame();
    for (u32 i = 0; i < ARRAY_SIZE(nonsense); i++) {
        typer = nonsense[i];
        snprintf(line, sizeof(line),
                 PCIE ": msi-map = MSI_TYPER 0x%x: expected a GICv2m frame of the host that says "
                      "which SPIs it has",
                 typer);
        claim_refused(1, 1020, 988, line);
    }
    typer = 80u << 16 | 64;
    claim_refused(1, 128, 96, PCIE ": msi-map = SPI 96: expected SPIs that the GIC has: below 96");
    claim_refused(1, 288, 100,
                  PCIE ": msi-map = SPI 100: expected SPIs below the domain's nr_spis, 100");
    assert_int_equal(assign_irq(2, 100, &other), CORBEL_OK);
    claim_refused(1, 288, 256,
                  PCIE ": msi-map = SPI 68: expected SPIs that domain 2 does not "
                       "have");
    assign_release(2);
    typer = 33u << 16 | 1; /* INTID 33 is the console's */
    claim_refused(1, 288, 256,
                  PCIE ": msi-map = 1 SPIs: expected a GICv2m frame with SPIs that "
                       "are not the hypervisor's");
    typer = 38u << 16 | 2; /* INTx has that */
    claim_refused(1, 288, 256,
                  PCIE ": msi-map = SPI 6: expected SPIs that no device of the tree "
                       "has");
    typer = 80u << 16 | 64;
    del_prop(PCIE, "msi-map");
    set_cells(PCIE, "msi-parent", FRAME);
    check_frame();
    claim_refused(1, 288, 70,
                  PCIE ": msi-parent = SPI 70: expected SPIs below the domain's nr_spis, 70");
}

/* As on QEMU's board: INTIDs 106 to 109 are the SMMU's. The longer half is what is left. */
static void shared_with_the_hypervisor(void **state)
{
    struct platform_iommu *smmu = &host.iommus[0];
    char note[128];
    u32 other = 0;

    typer = 80u << 16 | 64;
    check_frame();
    host.iommu_count = 1;
    smmu->driven = true;
    str_copy(smmu->path, "/smmu", sizeof(smmu->path));
    for (smmu->irq_count = 0; smmu->irq_count < 4; smmu->irq_count++)
        smmu->irqs[smmu->irq_count].intid = 106 + smmu->irq_count;
    assert_int_equal(claim(1, 288, 256), CORBEL_OK);
    assert_int_equal(plan.pass.msi.first_intid, 110);
    assert_int_equal(plan.pass.msi.count, 34);
    /* It can raise the other half, too: that is nobody else's. */
    assert_int_equal(assign_irq(2, 80, &other), ERR_EXIST);
    assert_int_equal(assign_irq(2, 105, &other), ERR_EXIST);
    assert_int_equal(assign_irq(2, 110, &other), ERR_EXIST);
    assert_int_equal(assign_irq(2, 144, &other), CORBEL_OK);
    assert_true(plan_msi_note(&plan, note, sizeof(note)));
    assert_string_equal(note, "WARNING: the GICv2m frame at 0x8020000 raises interrupts of the "
                              "hypervisor's, too: SPI 77");
    assign_release(1);
    assign_release(2);
    typer = 80u << 16 | 48; /* ending soon behind them: the first part is longer */
    assert_int_equal(claim(1, 288, 256), CORBEL_OK);
    assert_int_equal(plan.pass.msi.first_intid, 80);
    assert_int_equal(plan.pass.msi.count, 26);
    assign_release(1);
    assert_int_equal(assign_irq(2, 111, &other), CORBEL_OK);
    claim_refused(1, 288, 256,
                  PCIE ": msi-map = SPI 79: expected SPIs that domain 2 does not have");
    assign_release(2);
    /* No number of the guest's, nor the GIC's, nor a device of the tree: just not another's. */
    assert_int_equal(claim(1, 110, 78), CORBEL_OK);
    assert_int_equal(plan.pass.msi.count, 26);
    assign_release(1);
    typer = 106u << 16 | 4;
    claim_refused(1, 288, 256,
                  PCIE ": msi-map = 4 SPIs: expected a GICv2m frame with SPIs that "
                       "are not the hypervisor's");
    smmu->driven = false; /* nobody listens to them */
    typer = 80u << 16 | 64;
    assert_int_equal(claim(1, 288, 256), CORBEL_OK);
    assert_int_equal(plan.pass.msi.count, 64);
    assert_false(plan_msi_note(&plan, note, sizeof(note)));
}

/* The book is full before the frame's last SPI. */
static void too_many_claims(void **state)
{
    struct mem_range range = { 0, PAGE_SIZE };
    u32 other;

    typer = 80u << 16 | 64;
    check_frame();
    for (u32 i = 0; i < ASSIGN_MAX - 64; i++) {
        range.base = SZ_1G + i * PAGE_SIZE;
        assert_int_equal(assign_region(2, &range, &other), CORBEL_OK);
    }
    claim_refused(1, 288, 256,
                  PCIE ": msi-map = SPI 111: expected fewer interrupts in all domains");
    for (u32 i = 0; i < 64; i++) {
        range.base = 2 * SZ_1G + i * PAGE_SIZE;
        assert_int_equal(assign_region(2, &range, &other), CORBEL_OK);
    }
    claim_refused(1, 288, 256,
                  PCIE ": msi-map = 0x8020000+0x1000: expected at most 1024 regions "
                       "in all domains");
    assign_release(2);
}

static void without_the_machine(void **state)
{
    struct plan_env env = { .platform = &host, .line_count = 288 };
    char note[96];

    check_frame();
    memset(&plan, 0, sizeof(plan));
    plan.pass = pass;
    plan.cfg.nr_spis = 256;
    assert_int_equal(plan_claim_msi(&env, &plan, 1, &error), CORBEL_OK);
    assert_int_equal(plan.pass.msi.count, 0);
    assert_true(plan_msi_note(&plan, note, sizeof(note)));
    assert_string_equal(note, "the SPIs of the GICv2m frame at 0x8020000 are read at boot");
    memset(&plan.pass.msi, 0, sizeof(plan.pass.msi));
    assert_int_equal(plan_claim_msi(&env, &plan, 1, &error), CORBEL_OK); /* no frame at all */
    assert_false(plan_msi_note(&plan, note, sizeof(note)));
}

#define T(name) cmocka_unit_test_setup(name, msi_setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(as_qemu_has_it),
        T(by_msi_parent),
        T(none),
        T(no_bridge),
        T(bad_frames),
        T(bad_stand_ins),
        T(not_as_a_region),
        T(claims),
        T(refused_claims),
        T(shared_with_the_hypervisor),
        T(too_many_claims),
        T(without_the_machine),
    };

    return cmocka_run_group_tests(tests, NULL, tree_free);
}

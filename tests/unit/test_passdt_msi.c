/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MSIs of a PCIe root complex: when its GICv2m frame goes with it, whose the SPIs are then, and
 * what the guest's tree says.
 */
#include "pci_tree.h"

#include <corbel/addrmap.h>
#include <corbel/assign.h>
#include <corbel/domdtb.h>
#include <corbel/plan.h>
#include <corbel/string.h>

#define FRAME 0x8004u /* phandle, on the host and in the partial tree */

static struct plan plan;
static struct addrmap map;
static u64 guest[PASSDT_SIZE_MAX / 8];
static u32 typer, typer_reads;

static int msi_setup(void **state)
{
    (void)state;
    pci_host(2);
    pci_host_take();
    pci_partial(2, FRAME);
    assign_release(1);
    assign_release(2);
    return 0;
}

static void host_frame_cells(const char *name, const u32 *values, u32 count)
{
    u32 raw_cells[64];
    int at = fdt_path_offset(host_blob, "/intc@8000000/v2m@8020000");

    for (u32 i = 0; i < count; i++)
        raw_cells[i] = cpu_to_fdt32(values[i]);
    tree_ok(fdt_setprop(host_blob, at, name, raw_cells, (int)count * 4));
    platform_from_fdt(&host, host_blob);
    host.self = (struct mem_range){ 0x40200000, SZ_2M };
}

#define set_frame(name, ...) host_frame_cells(name, CELL_LIST(__VA_ARGS__))

static void host_bridge_cells(const char *name, const u32 *values, u32 count)
{
    u32 raw_cells[64];
    int at = fdt_path_offset(host_blob, "/pcie@10000000");

    for (u32 i = 0; i < count; i++)
        raw_cells[i] = cpu_to_fdt32(values[i]);
    tree_ok(fdt_setprop(host_blob, at, name, raw_cells, (int)count * 4));
    platform_from_fdt(&host, host_blob);
}

#define set_host(name, ...) host_bridge_cells(name, CELL_LIST(__VA_ARGS__))

static void check_none(void)
{
    accepted();
    assert_int_equal(pass.msi.frame.size, 0);
    assert_int_equal(pass.msi.count, 0);
    assert_false(pass.devices[0].has_msi);
}

static void check_frame(void)
{
    accepted();
    assert_int_equal(pass.msi.frame.base, 0x8020000);
    assert_int_equal(pass.msi.frame.size, 0x1000);
    assert_int_equal(pass.msi.phandle, FRAME);
    assert_int_equal(pass.msi.device, 0);
    assert_true(pass.devices[0].has_msi);
}

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

static u32 read_typer(u64 pa)
{
    assert_int_equal(pa, 0x8020008);
    typer_reads++;
    return typer;
}

static enum corbel_err claim(u32 id, u32 lines, u32 nr_spis)
{
    const struct plan_env env = { .platform = &host,
                                  .read_register = read_typer,
                                  .line_count = lines };

    memset(&plan, 0, sizeof(plan));
    plan.pass = pass;
    plan.cfg.nr_spis = nr_spis;
    error.text[0] = '\0';
    return plan_claim_msi(&env, &plan, id, &error);
}

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

/* ---- addresses and the guest's tree ---- */

static struct domcfg cfg;

static void write_guest(void)
{
    struct domdtb_input in = { .cfg = &cfg, .platform = &host, .map = &map, .pass = &pass };
    const char *failed;
    u32 total, size;

    in.cpu_count = 1;
    in.vuart_intid = 33;
    size = domdtb_size_max(&in);
    assert_true(size <= sizeof(guest));
    assert_int_equal(domdtb_write(&in, guest, size, &total, &failed), CORBEL_OK);
    assert_int_equal(fdt_check_full(guest, total), 0);
}

static void solve(bool native)
{
    const struct mem_range bank = { 0x44000000, SZ_64K };
    const struct addrmap_native layout = { &host, &bank, 1, { 0x9000000, 0x1000 } };

    memset(&cfg, 0, sizeof(cfg));
    cfg.memory = SZ_1M;
    cfg.cpus = 1;
    cfg.vpl011 = true;
    addrmap_init(&map);
    if (native)
        assert_int_equal(addrmap_add_native_layout(&map, &cfg, &layout, &error), CORBEL_OK);
    else
        assert_int_equal(addrmap_add_xen_layout(&map, &cfg, &host.gic, &error), CORBEL_OK);
    assert_int_equal(addrmap_add_device(&map, &pass, &error), CORBEL_OK);
    assert_int_equal(addrmap_add_msi(&map, &pass, native, &error), CORBEL_OK);
}

static void check_guest(u64 gicd, u64 base)
{
    const struct addrmap_entry *frame = addrmap_find(&map, MAP_MSI, 0);
    char gic[64], v2m[96];
    struct mem_range got;
    struct fdtr_irq irq;
    int at, bridge;
    u32 value, len;

    assert_non_null(frame);
    assert_int_equal(frame->base, base);
    assert_int_equal(frame->pa, 0x8020000);
    assert_int_equal(frame->size, 0x1000);
    assert_int_equal(frame->cls, S2_MSI);
    snprintf(gic, sizeof(gic), "/interrupt-controller@%llx", (unsigned long long)gicd);
    snprintf(v2m, sizeof(v2m), "%s/v2m@%llx", gic, (unsigned long long)base);
    at = fdt_path_offset(guest, v2m);
    assert_true(at > 0);
    assert_true(fdtr_compatible(guest, at, "arm,gic-v2m-frame"));
    assert_true(fdtr_has(guest, at, "msi-controller"));
    assert_int_equal(fdtr_reg_cpu(guest, at, 0, &got.base, &got.size), CORBEL_OK);
    assert_int_equal(got.base, base);
    assert_int_equal(got.size, 0x1000);
    assert_int_equal(fdtr_u32(guest, at, "arm,msi-base-spi", &value), CORBEL_OK);
    assert_int_equal(value, 80);
    assert_int_equal(fdtr_u32(guest, at, "arm,msi-num-spis", &value), CORBEL_OK);
    assert_int_equal(value, 64);
    bridge = fdt_path_offset(guest, PCIE);
    assert_non_null(fdtr_prop(guest, bridge, "msi-map", &len));
    assert_int_equal(fdtr_cell(guest, bridge, "msi-map", 1, &value), CORBEL_OK);
    assert_int_equal(fdtr_by_phandle(guest, value), at);
    /* The first entry of the interrupt-map, with the GIC's cells as the guest reads them. */
    assert_int_equal(fdtr_cell(guest, bridge, "interrupt-map", 4, &value), CORBEL_OK);
    at = fdtr_by_phandle(guest, value);
    assert_int_equal(at, fdt_path_offset(guest, gic));
    assert_int_equal(fdtr_u32(guest, at, "#address-cells", &value), CORBEL_OK);
    assert_int_equal(value, 2);
    assert_int_equal(fdtr_irq_decode((const u8 *)fdtr_prop(guest, bridge, "interrupt-map", &len) +
                                         4 * (5 + value),
                                     &irq),
                     CORBEL_OK);
    assert_int_equal(irq.intid, 35);
}

static void in_the_guest(void **state)
{
    set_frame("arm,msi-base-spi", 80);
    set_frame("arm,msi-num-spis", 64);
    set_cells(PCIE, "msi-map-mask", 0xffff);
    check_frame();
    solve(false);
    assert_int_equal(addrmap_solve(&map, 40, &error), CORBEL_OK);
    write_guest();
    check_guest(0x3001000, 0x1000); /* the lowest hole */
    assert_true(fdtr_has(guest, fdt_path_offset(guest, PCIE), "msi-map-mask"));
    solve(true);
    assert_int_equal(addrmap_solve(&map, 40, &error), CORBEL_OK);
    write_guest();
    check_guest(0x8000000, 0x8020000);
}

/* No frame: no way to one is left, nor to anything else that the guest does not have. */
static void not_in_the_guest(void **state)
{
    pci_partial(2, 0);
    set_cells(PCIE, "msi-map-mask", 0xffff);
    set_cells(PCIE, "msi-parent", 5);
    set_cells(PCIE, "iommu-map", 0, 5, 0, 0x10000);
    set_cells(PCIE, "iommu-map-mask", 0xffff);
    check_none();
    solve(false);
    assert_null(addrmap_find(&map, MAP_MSI, 0));
    assert_int_equal(addrmap_solve(&map, 40, &error), CORBEL_OK);
    write_guest();
    assert_false(fdtr_has(guest, fdt_path_offset(guest, PCIE), "msi-map"));
    assert_false(fdtr_has(guest, fdt_path_offset(guest, PCIE), "msi-map-mask"));
    assert_false(fdtr_has(guest, fdt_path_offset(guest, PCIE), "msi-parent"));
    assert_false(fdtr_has(guest, fdt_path_offset(guest, PCIE), "iommu-map"));
    assert_false(fdtr_has(guest, fdt_path_offset(guest, PCIE), "iommu-map-mask"));
    assert_true(fdtr_has(guest, fdt_path_offset(guest, PCIE), "interrupt-map"));
    assert_true(fdt_path_offset(guest, "/interrupt-controller@3001000") > 0);
    assert_true(fdt_first_subnode(guest, fdt_path_offset(guest, "/interrupt-controller@3001000")) <
                0);
}

/* QEMU's whole 32-bit window: over a vPL011 in Xen's layout, beside that of a direct-map domain. */
static void whole_window(void **state)
{
    set_cells(PCIE, "ranges", 0x2000000, 0, 0x10000000, 0, 0x10000000, 0, 0x2eff0000);
    set_cells(PCIE, "xen,reg", 0x40, 0x10000000, 0, 0x10000000, 0x40, 0x10000000, 0, 0x10000000, 0,
              0x2eff0000, 0, 0x10000000);
    check_frame();
    solve(false);
    assert_int_equal(addrmap_solve(&map, 40, &error), ERR_EXIST);
    assert_string_equal(error.text, "address map: pcie@10000000 = 0x10000000+0x2eff0000: expected "
                                    "no overlap with vPL011 at 0x22000000+0x1000");
    solve(true);
    assert_int_equal(addrmap_solve(&map, 40, &error), CORBEL_OK);
}

/* A CPU that has fewer bits than the frame's host address needs. */
static void far_frame(void **state)
{
    set_frame("reg", 0x100, 0, 0, 0x1000);
    accepted();
    solve(false);
    map.entries[map.count - 1].pa = 0x10000000000;
    assert_int_equal(addrmap_solve(&map, 40, &error), ERR_RANGE);
    assert_string_equal(error.text, "address map: GICv2m frame = 0x1000 bytes: expected host "
                                    "addresses, not 0x10000000000, of 40 bits");
}

/* ---- damaged trees ---- */

static u32 seed = 1;

static u32 next_random(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

/* A few cells of the structure block become something else; often that is no tree any more. */
static void damage(void *blob)
{
    static const u32 values[] = { 0,  1,    2,          3,          4,      0xff,       0x1000,
                                  77, 1020, 0x7fffffff, 0x80000000, 0x8003, 0xffffffff, 0x8004 };
    u8 *structs = (u8 *)blob + fdt_off_dt_struct(blob);
    u32 words = fdt_size_dt_struct(blob) / 4;

    for (u32 n = 1 + next_random() % 3; n; n--) {
        u32 at = next_random() % words * 4;
        u32 kind = next_random() % 4;
        u32 value = cpu_to_fdt32(values[next_random() % ARRAY_SIZE(values)]);

        if (kind == 0)
            structs[at + next_random() % 4] ^= (u8)(1 << next_random() % 8);
        else
            memcpy(structs + at, &value, 4);
    }
}

static void check_damaged(void *blob)
{
    memset(&pass, 0xa5, sizeof(pass));
    if (parse_blob(blob, fdt_totalsize(blob)) != CORBEL_OK) {
        assert_int_not_equal(error.text[0], 0);
        return;
    }
    assert_true(pass.region_count <= PASSDT_REGIONS_MAX && pass.irq_count <= PASSDT_IRQS_MAX);
    for (u32 i = 0; i < pass.irq_count; i++)
        assert_true(pass.irqs[i].intid >= 32 && pass.irqs[i].intid < 1020);
    for (u32 i = 0; i < pass.device_count; i++)
        assert_true(pass.devices[i].first_bus <= pass.devices[i].last_bus);
    typer = next_random() << 8 | (next_random() & 0xff);
    if (pass.msi.frame.base == 0x8020000 && claim(1, 288, 256) == CORBEL_OK) {
        assert_true(plan.pass.msi.count <= 1020 - plan.pass.msi.first_intid);
        pass.msi = plan.pass.msi;
    }
    assign_release(1);
    memset(&cfg, 0, sizeof(cfg));
    cfg.memory = SZ_1M;
    cfg.cpus = 1;
    addrmap_init(&map);
    assert_int_equal(addrmap_add_xen_layout(&map, &cfg, &host.gic, &error), CORBEL_OK);
    assert_int_equal(addrmap_add_msi(&map, &pass, false, &error), CORBEL_OK);
    if (addrmap_solve(&map, 40, &error) == CORBEL_OK)
        write_guest();
}

/* Whatever is in them: an answer, within the bounds of the blob, which is a block of its size. */
static void damaged(void **state)
{
    static u64 whole[sizeof(host_blob) / 8];
    u32 tried = 0;

    memcpy(whole, host_blob, sizeof(host_blob));
    for (u32 round = 0; round < 6000; round++) {
        void *blob = tree_take();

        if (round % 2) {
            damage(host_blob);
            if (fdtr_check(host_blob, sizeof(host_blob)) == CORBEL_OK) {
                check_damaged(blob);
                tried++;
            }
            memcpy(host_blob, whole, sizeof(host_blob));
            continue;
        }
        damage(blob);
        if (fdtr_check(blob, fdt_totalsize(blob)) != CORBEL_OK)
            continue;
        check_damaged(blob);
        tried++;
    }
    assert_true(tried > 1000);
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
        T(in_the_guest),
        T(not_in_the_guest),
        T(whole_window),
        T(far_frame),
        T(damaged),
    };

    return cmocka_run_group_tests(tests, NULL, tree_free);
}

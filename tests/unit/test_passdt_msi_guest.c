/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MSIs of a PCIe root complex: where the frame is in the guest, what the guest's tree says, and
 * trees that are damaged.
 */
#include "passdt_msi_rig.h"

static struct addrmap map;
static u64 guest[PASSDT_SIZE_MAX / 8];
static struct domcfg cfg;

/* ---- addresses and the guest's tree ---- */

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
        T(in_the_guest), T(not_in_the_guest), T(whole_window), T(far_frame), T(damaged),
    };

    return cmocka_run_group_tests(tests, NULL, tree_free);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Maps of direct-map domains, and devices and shared memory in any domain's map. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <corbel/addrmap.h>
#include <corbel/bits.h>
#include <corbel/passdt.h>

#include "tree.h"

static struct platform host;
static struct domcfg cfg;
static struct passdt pass;
static struct addrmap map;
static struct addrmap_native native;
static struct mem_range banks[32];
static struct cfg_error error;

/* QEMU's virt machine with 4 CPUs and 1 GiB; a domain with 2 vCPUs in 64 MiB of it. */
static int start(void **state)
{
    tree_begin();
    node("chosen");
    node("domU1");
    cells("cpus", 2);
    end();
    end();
    tree_end();
    memset(&host, 0, sizeof(host));
    memset(&cfg, 0, sizeof(cfg));
    memset(&pass, 0, sizeof(pass));
    memset(&native, 0, sizeof(native));
    host.fdt = tree_take();
    host.banks[0] = (struct mem_range){ 0x40000000, SZ_1G };
    host.bank_count = 1;
    host.gic.version = GIC_V3;
    host.gic.gicd = (struct mem_range){ 0x8000000, 0x10000 };
    host.gic.gicr[0] = (struct mem_range){ 0x80a0000, 4 * 0x20000 };
    host.gic.gicr_count = 1;
    cfg.node = fdt_path_offset(host.fdt, "/chosen/domU1");
    cfg.cpus = 2;
    cfg.vpl011 = true;
    banks[0] = (struct mem_range){ 0x50000000, 64 * SZ_1M };
    native.platform = &host;
    native.banks = banks;
    native.bank_count = 1;
    native.uart = (struct mem_range){ 0x9000000, 0x1000 };
    addrmap_init(&map);
    return 0;
}

static int stop(void **state)
{
    free(tree_taken);
    tree_taken = NULL;
    return 0;
}

static enum corbel_err layout(void)
{
    error.text[0] = '\0';
    addrmap_init(&map);
    return addrmap_add_native_layout(&map, &cfg, &native, &error);
}

static void check_solve(enum corbel_err err, const char *text)
{
    error.text[0] = '\0';
    assert_int_equal(addrmap_solve(&map, 40, &error), err);
    assert_string_equal(error.text, text);
}

static void check_entry(enum addrmap_kind kind, u32 nth, u64 base, u64 size)
{
    const struct addrmap_entry *entry = addrmap_find(&map, kind, nth);

    assert_non_null(entry);
    assert_int_equal(entry->base, base);
    assert_int_equal(entry->size, size);
}

static void test_native_v3(void **state)
{
    const struct addrmap_entry *ram;

    banks[1] = (struct mem_range){ 0x60000000, SZ_2M };
    native.bank_count = 2;
    assert_int_equal(layout(), CORBEL_OK);
    check_solve(CORBEL_OK, "");
    check_entry(MAP_RAM, 0, 0x50000000, 64 * SZ_1M);
    check_entry(MAP_RAM, 1, 0x60000000, SZ_2M);
    check_entry(MAP_GICD, 0, 0x8000000, 0x10000);
    check_entry(MAP_GICR, 0, 0x80a0000, 2 * 0x20000);
    check_entry(MAP_VUART, 0, 0x9000000, 0x1000);
    assert_null(addrmap_find(&map, MAP_GICC, 0));
    assert_null(addrmap_find(&map, MAP_GNTTAB, 0));
    assert_int_equal(map.count, 5);
    ram = addrmap_find(&map, MAP_RAM, 1);
    assert_string_equal(ram->what, "RAM bank 1");
    assert_int_equal(ram->pa, 0x60000000);
}

static void test_native_v2(void **state)
{
    host.gic.version = GIC_V2;
    host.gic.gicc = (struct mem_range){ 0x8010000, 0x10000 };
    cfg.vpl011 = false;
    cfg.cpus = 8;
    assert_int_equal(layout(), CORBEL_OK);
    check_solve(CORBEL_OK, "");
    check_entry(MAP_GICD, 0, 0x8000000, 0x1000);
    check_entry(MAP_GICC, 0, 0x8010000, 0x2000);
    assert_null(addrmap_find(&map, MAP_GICR, 0));
    assert_null(addrmap_find(&map, MAP_VUART, 0));
}

/* As many vCPUs as the first region has frames, one more not; a wider stride has fewer. */
static void test_too_few_redistributors(void **state)
{
    cfg.cpus = 4;
    assert_int_equal(layout(), CORBEL_OK);
    cfg.cpus = 5;
    assert_int_equal(layout(), ERR_INVAL);
    assert_string_equal(error.text, "/chosen/domU1: cpus = <0x2>: expected at most 4 with "
                                    "direct-map: the host's first region of redistributors has "
                                    "no more");
    host.gic.gicr[1] = (struct mem_range){ 0x4000000000, 64 * 0x20000 };
    host.gic.gicr_count = 2;
    assert_int_equal(layout(), ERR_INVAL);
    cfg.cpus = 2;
    host.gic.gicr_stride = 0x40000;
    assert_int_equal(layout(), CORBEL_OK);
    check_entry(MAP_GICR, 0, 0x80a0000, 2 * 0x20000);
    cfg.cpus = 3;
    assert_int_equal(layout(), ERR_INVAL);
    host.gic.gicr_stride = 1; /* nonsense does not make more of them */
    cfg.cpus = 5;
    assert_int_equal(layout(), ERR_INVAL);
    host.gic.gicr_count = 0;
    cfg.cpus = 1;
    assert_int_equal(layout(), ERR_INVAL);
}

/* Where the host has no page of a UART, the vPL011 goes to a hole, not on host RAM. */
static void test_floating_uart(void **state)
{
    const struct mem_range unusable[] = {
        { 0, 0 },
        { 0x9000000, 0xfff },
        { 0x9000800, 0x1000 },
    };

    host.banks[0] = (struct mem_range){ 0, 0x8000000 };
    banks[0] = (struct mem_range){ SZ_2M, SZ_2M };
    for (u32 i = 0; i < ARRAY_SIZE(unusable); i++) {
        native.uart = unusable[i];
        assert_int_equal(layout(), CORBEL_OK);
        check_solve(CORBEL_OK, "");
        check_entry(MAP_VUART, 0, 0x8010000, 0x1000);
    }
}

static void test_floating_grant_table(void **state)
{
    cfg.enhanced = true;
    host.banks[1] = (struct mem_range){ 0x100000, 0x7f00000 };
    host.bank_count = 2;
    assert_int_equal(layout(), CORBEL_OK);
    check_solve(CORBEL_OK, "");
    check_entry(MAP_GNTTAB, 0, 0x9200000, 16 * SZ_1M);
    assert_null(addrmap_find(&map, MAP_KEEP_OUT, 0));
}

static void test_clashes_name_the_node(void **state)
{
    banks[0] = (struct mem_range){ 0x8000000, SZ_2M };
    assert_int_equal(layout(), CORBEL_OK);
    check_solve(ERR_EXIST, "/chosen/domU1: GICD = 0x8000000+0x10000: expected no overlap with RAM "
                           "bank 0 at 0x8000000+0x200000");
    banks[0] = (struct mem_range){ 0x50000800, SZ_2M };
    assert_int_equal(layout(), CORBEL_OK);
    check_solve(ERR_INVAL, "/chosen/domU1: RAM bank 0 = 0x50000800+0x200000: expected whole pages "
                           "of 4 KiB");
    banks[0] = (struct mem_range){ BIT(40) - SZ_2M, SZ_4G };
    assert_int_equal(layout(), CORBEL_OK);
    check_solve(ERR_RANGE, "/chosen/domU1: RAM bank 0 = 0xffffe00000+0x100000000: expected an end "
                           "within 40 address bits");
    banks[0] = (struct mem_range){ ~0xfffull, SZ_2M };
    assert_int_equal(layout(), ERR_RANGE);
    banks[0] = (struct mem_range){ 0x50000000, 0 };
    assert_int_equal(layout(), ERR_INVAL);
    assert_string_equal(error.text, "/chosen/domU1: RAM bank 0 = 0x50000000+0x0: expected a size, "
                                    "and an end below 1 << 64");
}

/* ---- devices ---- */

static void region(u64 gpa, u64 hpa, u64 size, enum s2_class cls)
{
    strcpy(pass.devices[0].name, "dev@1");
    pass.device_count = 1;
    pass.regions[pass.region_count++] =
        (struct passdt_region){ .gpa = gpa, .hpa = hpa, .size = size, .cls = (u8)cls };
}

static void check_part(u32 nth, u64 base, u64 size, u64 pa, bool trapped)
{
    const struct addrmap_entry *entry = addrmap_find(&map, MAP_DEVICE, nth);

    assert_non_null(entry);
    assert_int_equal(entry->base, base);
    assert_int_equal(entry->size, size);
    assert_int_equal(entry->pa, pa);
    assert_int_equal(entry->trapped, trapped);
    assert_int_equal(entry->cls, S2_MMIO);
    assert_string_equal(entry->what, "dev@1");
}

static void test_device_parts(void **state)
{
    region(0x9010000, 0x9010000, 0x1000, S2_MMIO);  /* a page */
    region(0xa000e00, 0x1a000e00, 0x2400, S2_MMIO); /* head, page, tail */
    region(0xb000200, 0xb000200, 0x200, S2_MMIO);   /* inside a page */
    region(0xb001ff8, 0xb001ff8, 0x10, S2_MMIO);    /* in two, all of none */
    region(0xc000000, 0xc000000, 0x1001, S2_MMIO);  /* page, tail */
    region(0xd000fff, 0xd000fff, 0x2001, S2_MMIO);  /* head, pages */
    assert_int_equal(addrmap_add_device(&map, &pass, &error), CORBEL_OK);
    check_solve(CORBEL_OK, "");
    assert_int_equal(map.count, 10);
    check_part(0, 0x9010000, 0x1000, 0x9010000, false);
    check_part(1, 0xa000e00, 0x200, 0x1a000e00, true);
    check_part(2, 0xa001000, 0x2000, 0x1a001000, false);
    check_part(3, 0xa003000, 0x200, 0x1a003000, true);
    check_part(4, 0xb000200, 0x200, 0xb000200, true);
    check_part(5, 0xb001ff8, 0x10, 0xb001ff8, true);
    check_part(6, 0xc000000, 0x1000, 0xc000000, false);
    check_part(7, 0xc001000, 0x1, 0xc001000, true);
    check_part(8, 0xd000fff, 0x1, 0xd000fff, true);
    check_part(9, 0xd001000, 0x2000, 0xd001000, false);
}

static void test_device_memory(void **state)
{
    const struct addrmap_entry *sram;

    region(0x10000000, 0x43000000, SZ_2M, S2_SRAM);
    assert_int_equal(addrmap_add_device(&map, &pass, &error), CORBEL_OK);
    check_solve(CORBEL_OK, "");
    sram = addrmap_find(&map, MAP_SRAM, 0);
    assert_non_null(sram);
    assert_int_equal(sram->pa, 0x43000000);
    assert_int_equal(sram->cls, S2_SRAM);
    assert_null(addrmap_find(&map, MAP_DEVICE, 0));
    region(0x11000000, 0x44000000, 0x1800, S2_SRAM);
    addrmap_init(&map);
    assert_int_equal(addrmap_add_device(&map, &pass, &error), ERR_INVAL);
    assert_string_equal(error.text, "address map: dev@1 = 0x11000000+0x1800: expected whole pages "
                                    "of 4 KiB of memory");
}

static void check_region_refused(u64 gpa, u64 hpa, u64 size, const char *text)
{
    addrmap_init(&map);
    pass.region_count = 0;
    region(gpa, hpa, size, S2_MMIO);
    assert_int_not_equal(addrmap_add_device(&map, &pass, &error), CORBEL_OK);
    assert_string_equal(error.text, text);
}

static void test_bad_regions(void **state)
{
    check_region_refused(0x9000000, 0x9000000, 0,
                         "address map: dev@1 = 0x9000000+0x0: expected a size, and an end within "
                         "52 address bits");
    check_region_refused(0xfffffffffffff800, 0x800, 0x100,
                         "address map: dev@1 = 0xfffffffffffff800+0x100: expected a size, and an "
                         "end within 52 address bits");
    check_region_refused(0x800, 0xfffffffffffff800, 0x1000,
                         "address map: dev@1 = 0x800+0x1000: expected a size, and an end within "
                         "52 address bits");
    check_region_refused(0x1000, 0x1000, ~0ull,
                         "address map: dev@1 = 0x1000+0xffffffffffffffff: expected a size, and an "
                         "end within 52 address bits");
    check_region_refused(0x9000200, 0x9000000, 0x200,
                         "address map: dev@1 = 0x9000200+0x200: expected the host address's offset "
                         "in its page");
}

static void test_device_clashes(void **state)
{
    region(0x9000800, 0x9000800, 0x100, S2_MMIO);
    assert_int_equal(layout(), CORBEL_OK);
    assert_int_equal(addrmap_add_device(&map, &pass, &error), CORBEL_OK);
    check_solve(ERR_EXIST, "/chosen/domU1: dev@1 = 0x9000800+0x100: expected no overlap with "
                           "vPL011 at 0x9000000+0x1000");
    pass.region_count = 0;
    region(0x80b0000, 0xa000000, 0x1000, S2_MMIO);
    assert_int_equal(layout(), CORBEL_OK);
    assert_int_equal(addrmap_add_device(&map, &pass, &error), CORBEL_OK);
    check_solve(ERR_EXIST, "/chosen/domU1: dev@1 = 0x80b0000+0x1000: expected no overlap with "
                           "GICR at 0x80a0000+0x40000");
    pass.region_count = 0; /* two of one device in one page */
    region(0xa000000, 0xa000000, 0x1000, S2_MMIO);
    region(0xa000e00, 0xb000e00, 0x200, S2_MMIO);
    assert_int_equal(layout(), CORBEL_OK);
    assert_int_equal(addrmap_add_device(&map, &pass, &error), CORBEL_OK);
    check_solve(ERR_EXIST, "/chosen/domU1: dev@1 = 0xa000e00+0x200: expected no overlap with "
                           "dev@1 at 0xa000000+0x1000");
}

/* ---- shared memory ---- */

/* Wherever there is room, each frame in a page of 64 KiB; else a line says what is missing. */
static void test_watchdog(void **state)
{
    cfg.watchdog = WATCHDOG_SMC;
    assert_int_equal(layout(), CORBEL_OK);
    assert_int_equal(addrmap_add_watchdog(&map, &cfg, &error), CORBEL_OK);
    check_solve(CORBEL_OK, "");
    assert_null(addrmap_find(&map, MAP_VWDT, 0));
    cfg.watchdog = WATCHDOG_SBSA;
    assert_int_equal(layout(), CORBEL_OK);
    assert_int_equal(addrmap_add_watchdog(&map, &cfg, &error), CORBEL_OK);
    check_solve(CORBEL_OK, "");
    check_entry(MAP_VWDT, 0, 0x10000, 0x20000);
    host.banks[0] = (struct mem_range){ 0, 0x7fff000 };
    assert_int_equal(layout(), CORBEL_OK);
    region(0x8010000, 0x8010000, 0x1000, S2_MMIO);
    assert_int_equal(addrmap_add_device(&map, &pass, &error), CORBEL_OK);
    assert_int_equal(addrmap_add_watchdog(&map, &cfg, &error), CORBEL_OK);
    check_solve(CORBEL_OK, "");
    check_entry(MAP_VWDT, 0, 0x8020000, 0x20000);
    host.banks[0] = (struct mem_range){ 0, 1ull << 40 };
    assert_int_equal(layout(), CORBEL_OK);
    assert_int_equal(addrmap_add_watchdog(&map, &cfg, &error), CORBEL_OK);
    check_solve(ERR_EXIST, "/chosen/domU1: watchdog = 0x20000 bytes: expected a hole of this size "
                           "below 1 << 40");
}

static void test_shared_memory(void **state)
{
    const struct addrmap_entry *entry;

    cfg.shms[0] = (struct domcfg_shm){ .id = "buffers", .gpa = 0x70000000, .size = SZ_2M };
    cfg.shms[1] = (struct domcfg_shm){ .id = "ring",
                                       .gpa = 0x7e000000,
                                       .size = SZ_1M,
                                       .hpa = 0x5e000000,
                                       .has_hpa = true,
                                       .read_only = true };
    cfg.shm_count = 2;
    assert_int_equal(layout(), CORBEL_OK);
    assert_int_equal(addrmap_add_shm(&map, &cfg, &error), CORBEL_OK);
    check_solve(CORBEL_OK, "");
    check_entry(MAP_SHMEM, 0, 0x70000000, SZ_2M);
    check_entry(MAP_SHMEM, 1, 0x7e000000, SZ_1M);
    entry = addrmap_find(&map, MAP_SHMEM, 0);
    assert_string_equal(entry->what, "shm buffers");
    assert_int_equal(entry->cls, S2_RAM);
    assert_int_equal(entry->pa, 0);
    entry = addrmap_find(&map, MAP_SHMEM, 1);
    assert_int_equal(entry->cls, S2_RAM_RO);
    assert_int_equal(entry->pa, 0x5e000000);
    cfg.shms[1].gpa = 0x53ff0000;
    assert_int_equal(layout(), CORBEL_OK);
    assert_int_equal(addrmap_add_shm(&map, &cfg, &error), CORBEL_OK);
    check_solve(ERR_EXIST, "/chosen/domU1: shm ring = 0x53ff0000+0x100000: expected no overlap "
                           "with RAM bank 0 at 0x50000000+0x4000000");
    cfg.shms[1].size = 0;
    assert_int_equal(addrmap_add_shm(&map, &cfg, &error), ERR_INVAL);
}

/* All that the contracts allow at once has its place in the map. */
static void test_the_fullest_map(void **state)
{
    cfg.enhanced = true;
    cfg.watchdog = WATCHDOG_SBSA;
    native.bank_count = 32;
    for (u32 i = 0; i < 32; i++)
        banks[i] = (struct mem_range){ 0x100000000 + i * SZ_4G, SZ_2M };
    host.bank_count = PLATFORM_BANKS_MAX;
    for (u32 i = 0; i < PLATFORM_BANKS_MAX; i++)
        host.banks[i] = (struct mem_range){ 0x100000000 + i * SZ_4G, SZ_1G };
    for (u32 i = 0; i < PASSDT_REGIONS_MAX; i++)
        region(0x10000800 + i * 0x10000, 0x10000800 + i * 0x10000, 0x2000, S2_MMIO);
    cfg.shm_count = DOMCFG_SHM_MAX;
    for (u32 i = 0; i < DOMCFG_SHM_MAX; i++)
        cfg.shms[i] =
            (struct domcfg_shm){ .id = "x", .gpa = 0x20000000 + i * SZ_1M, .size = SZ_1M };
    assert_int_equal(layout(), CORBEL_OK);
    assert_int_equal(addrmap_add_device(&map, &pass, &error), CORBEL_OK);
    assert_int_equal(addrmap_add_shm(&map, &cfg, &error), CORBEL_OK);
    assert_int_equal(addrmap_add_watchdog(&map, &cfg, &error), CORBEL_OK);
    check_solve(CORBEL_OK, "");
    assert_int_equal(map.count, 32 + 3 * PASSDT_REGIONS_MAX + DOMCFG_SHM_MAX + 5);
    check_entry(MAP_GNTTAB, 0, SZ_2M, 16 * SZ_1M);
    /* and one region more than that does not */
    while (addrmap_add_shm(&map, &cfg, &error) == CORBEL_OK)
        ;
    assert_string_equal(error.text, "/chosen/domU1: shm x = 0x20300000+0x100000: expected at most "
                                    "224 ranges in a domain");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_native_v3, start),
        cmocka_unit_test_setup(test_native_v2, start),
        cmocka_unit_test_setup(test_too_few_redistributors, start),
        cmocka_unit_test_setup(test_floating_uart, start),
        cmocka_unit_test_setup(test_floating_grant_table, start),
        cmocka_unit_test_setup(test_watchdog, start),
        cmocka_unit_test_setup(test_clashes_name_the_node, start),
        cmocka_unit_test_setup(test_device_parts, start),
        cmocka_unit_test_setup(test_device_memory, start),
        cmocka_unit_test_setup(test_bad_regions, start),
        cmocka_unit_test_setup(test_device_clashes, start),
        cmocka_unit_test_setup(test_shared_memory, start),
        cmocka_unit_test_setup(test_the_fullest_map, start),
    };

    return cmocka_run_group_tests(tests, NULL, stop);
}

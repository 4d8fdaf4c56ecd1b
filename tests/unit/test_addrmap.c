/* SPDX-License-Identifier: Apache-2.0 */
/* The address-map solver: Xen's layout, floating ranges, every clash to the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <corbel/addrmap.h>
#include <corbel/bits.h>
#include <corbel/string.h>

static struct addrmap map;
static struct cfg_error error;

static enum corbel_err add(u64 base, u64 size, bool floating, u64 align, const char *what)
{
    struct addrmap_entry entry = {
        .base = base,
        .size = size,
        .kind = MAP_DEVICE,
        .cls = S2_MMIO,
        .floating = floating,
        .align = align,
    };

    str_copy(entry.what, what, sizeof(entry.what));
    return addrmap_add(&map, &entry);
}

static void add_kind(enum addrmap_kind kind, u64 base, u64 size, const char *what)
{
    struct addrmap_entry entry = { .base = base, .size = size, .kind = kind, .cls = S2_RAM };

    str_copy(entry.what, what, sizeof(entry.what));
    assert_int_equal(addrmap_add_named(&map, &entry, &error), CORBEL_OK);
}

static void add_device_at(u64 base, u64 pa, u64 size, const char *what)
{
    struct addrmap_entry entry = {
        .base = base, .size = size, .kind = MAP_DEVICE, .cls = S2_MMIO, .trapped = true, .pa = pa
    };

    str_copy(entry.what, what, sizeof(entry.what));
    assert_int_equal(addrmap_add_named(&map, &entry, &error), CORBEL_OK);
}

static void add_trapped(u64 base, u64 size, const char *what)
{
    add_device_at(base, base, size, what);
}

static void check_solve(u8 bits, enum corbel_err err, const char *text)
{
    error.text[0] = '\0';
    assert_int_equal(addrmap_solve(&map, bits, &error), err);
    assert_string_equal(error.text, text);
}

static enum corbel_err xen_layout(u64 memory, u32 cpus, u8 gic_version, bool enhanced)
{
    static struct domcfg cfg;
    struct platform_gic gic = { .version = gic_version };

    memset(&cfg, 0, sizeof(cfg));
    cfg.memory = memory;
    cfg.cpus = cpus;
    cfg.vpl011 = true;
    cfg.enhanced = enhanced;
    addrmap_init(&map);
    return addrmap_add_xen_layout(&map, &cfg, &gic, &error);
}

static void check_entry(enum addrmap_kind kind, u32 nth, u64 base, u64 size)
{
    const struct addrmap_entry *entry = addrmap_find(&map, kind, nth);

    assert_non_null(entry);
    assert_int_equal(entry->base, base);
    assert_int_equal(entry->size, size);
}

static void test_xen_layout_v3(void **state)
{
    assert_int_equal(xen_layout(SZ_1G, 4, GIC_V3, false), CORBEL_OK);
    assert_int_equal(addrmap_solve(&map, 40, &error), CORBEL_OK);
    check_entry(MAP_RAM, 0, 0x40000000, SZ_1G);
    assert_null(addrmap_find(&map, MAP_RAM, 1));
    check_entry(MAP_GICD, 0, 0x03001000, 0x10000);
    check_entry(MAP_GICR, 0, 0x03020000, 4 * 0x20000);
    assert_null(addrmap_find(&map, MAP_GICC, 0));
    check_entry(MAP_VUART, 0, 0x22000000, 0x1000);
    assert_null(addrmap_find(&map, MAP_GNTTAB, 0));
    assert_int_equal(map.ipa_bits, 32);
}

static void test_xen_layout_v2(void **state)
{
    assert_int_equal(xen_layout(SZ_4G, 8, GIC_V2, true), CORBEL_OK);
    assert_int_equal(addrmap_solve(&map, 40, &error), CORBEL_OK);
    check_entry(MAP_RAM, 0, 0x40000000, 0xc0000000);
    check_entry(MAP_RAM, 1, 0x200000000, SZ_1G);
    check_entry(MAP_GICD, 0, 0x03001000, 0x1000);
    check_entry(MAP_GICC, 0, 0x03002000, 0x2000);
    assert_null(addrmap_find(&map, MAP_GICR, 0));
    check_entry(MAP_GNTTAB, 0, 0x38000000, 0x1000000);
    assert_int_equal(map.ipa_bits, 34);
}

/* A forwarded access beyond what the CPU can address would be a fault of EL2 itself. */
static void test_host_limits(void **state)
{
    addrmap_init(&map);
    add_device_at(0x1f80, (1ull << 40) - 0x80, 0x80, "last");
    check_solve(40, CORBEL_OK, "");
    add_device_at(0x2f80, (1ull << 40) - 0x80, 0x100, "one byte more");
    check_solve(40, ERR_RANGE,
                "address map: one byte more = 0x2f80+0x100: expected host addresses, not "
                "0xffffffff80, of 40 bits");
    addrmap_init(&map);
    add_device_at(0x1000, ~0xfffull, 0x80, "no address");
    check_solve(48, ERR_RANGE,
                "address map: no address = 0x1000+0x80: expected host addresses, not "
                "0xfffffffffffff000, of 48 bits");
}

static void test_memory_limits(void **state)
{
    assert_int_equal(xen_layout(1019ull * SZ_1G, 64, GIC_V3, true), CORBEL_OK);
    assert_int_equal(addrmap_solve(&map, 40, &error), CORBEL_OK);
    assert_int_equal(map.ipa_bits, 40);
    assert_int_equal(addrmap_solve(&map, 39, &error), ERR_RANGE);
    assert_string_equal(error.text, "address map: RAM bank 1 = 0x200000000+0xfe00000000: expected "
                                    "an end within 39 address bits");
    assert_int_equal(xen_layout(1019ull * SZ_1G + 0x1000, 1, GIC_V3, false), ERR_RANGE);
    assert_string_equal(error.text,
                        "address map: memory = 0xfec0001000 bytes: expected at most 1019 GiB");
}

/* RAM1 starts at 8 GiB: 34 bits hold 3 GiB + 8 GiB, one page more needs 35. */
static void test_ipa_bits_at_the_edge(void **state)
{
    assert_int_equal(xen_layout(11ull * SZ_1G, 1, GIC_V3, false), CORBEL_OK);
    assert_int_equal(addrmap_solve(&map, 48, &error), CORBEL_OK);
    assert_int_equal(map.ipa_bits, 34);
    assert_int_equal(xen_layout(11ull * SZ_1G + 0x1000, 1, GIC_V3, false), CORBEL_OK);
    assert_int_equal(addrmap_solve(&map, 48, &error), CORBEL_OK);
    assert_int_equal(map.ipa_bits, 35);
}

static void test_clash_names_both(void **state)
{
    assert_int_equal(xen_layout(SZ_1G, 1, GIC_V3, false), CORBEL_OK);
    add_trapped(0x22000800, 0x100, "rtc@9010000");
    check_solve(40, ERR_EXIST,
                "address map: rtc@9010000 = 0x22000800+0x100: expected no overlap with vPL011 at "
                "0x22000000+0x1000");
}

static void test_neighbors_do_not_clash(void **state)
{
    addrmap_init(&map);
    add_trapped(0x9000200, 0x200, "b");
    add_trapped(0x9000000, 0x200, "a");
    assert_int_equal(add(0x9001000, 0x1000, false, 0, "c"), CORBEL_OK);
    assert_int_equal(addrmap_solve(&map, 40, &error), CORBEL_OK);
    assert_string_equal(map.entries[0].what, "a");
    assert_string_equal(map.entries[1].what, "b");
    assert_string_equal(map.entries[2].what, "c");
}

static void test_floating_ranges(void **state)
{
    addrmap_init(&map);
    assert_int_equal(add(0, 0x2000, true, 0, "first"), CORBEL_OK);
    assert_int_equal(add(0x3000, 0x1000, false, 0, "fixed"), CORBEL_OK);
    assert_int_equal(add(0, 0x1000, true, 0x1000, "second"), CORBEL_OK);
    assert_int_equal(add(0, 0x1000, true, SZ_2M, "aligned"), CORBEL_OK);
    assert_int_equal(add(0, SZ_2M, true, 0, "big"), CORBEL_OK);
    assert_int_equal(addrmap_solve(&map, 32, &error), CORBEL_OK);
    assert_string_equal(map.entries[0].what, "first");
    assert_int_equal(map.entries[0].base, 0x1000); /* never at 0 */
    assert_string_equal(map.entries[1].what, "fixed");
    assert_string_equal(map.entries[2].what, "second");
    assert_int_equal(map.entries[2].base, 0x4000);
    assert_string_equal(map.entries[3].what, "aligned");
    assert_int_equal(map.entries[3].base, SZ_2M);
    assert_string_equal(map.entries[4].what, "big");
    assert_int_equal(map.entries[4].base, SZ_2M + 0x1000);
}

static void test_no_hole(void **state)
{
    addrmap_init(&map);
    assert_int_equal(add(0x1000, BIT(32) - 0x2000, false, 0, "most"), CORBEL_OK);
    assert_int_equal(add(0, 0x1000, true, 0, "one"), CORBEL_OK);
    assert_int_equal(addrmap_solve(&map, 32, &error), CORBEL_OK);
    assert_int_equal(add(0, 0x2000, true, 0, "two"), CORBEL_OK);
    assert_int_equal(addrmap_solve(&map, 32, &error), ERR_EXIST);
    assert_string_equal(error.text, "address map: two = 0x2000 bytes: expected a hole of this size "
                                    "below 1 << 32");
    addrmap_init(&map);
    assert_int_equal(add(0, ~0xfffull, true, 0, "huge"), CORBEL_OK);
    assert_int_equal(addrmap_solve(&map, 52, &error), ERR_EXIST);
    addrmap_init(&map);
    assert_int_equal(add(0, 0x1000, true, BIT(63), "align"), CORBEL_OK);
    assert_int_equal(addrmap_solve(&map, 64, &error), ERR_EXIST);
}

static void test_bad_entries(void **state)
{
    addrmap_init(&map);
    assert_int_equal(add(0x1000, 0, false, 0, "empty"), ERR_INVAL);
    assert_int_equal(add(0, 0x1000, true, 3, "odd"), ERR_INVAL);
    assert_int_equal(add(~0ull, 2, false, 0, "wraps"), ERR_RANGE);
    for (u32 i = 0; i < ADDRMAP_MAX; i++)
        assert_int_equal(add(i * 0x1000, 0x1000, false, 0, "x"), CORBEL_OK);
    assert_int_equal(add(0, 0x1000, true, 0, "full"), ERR_NOMEM);
}

static void test_lines(void **state)
{
    char line[100];

    assert_int_equal(xen_layout(SZ_1G, 1, GIC_V3, false), CORBEL_OK);
    assert_int_equal(addrmap_solve(&map, 40, &error), CORBEL_OK);
    assert_true(addrmap_line(&map, 0, line, sizeof(line)));
    assert_string_equal(line, "0x0003001000-0x0003010fff 0x000010000 GICD");
    assert_true(addrmap_line(&map, 3, line, sizeof(line)));
    assert_string_equal(line, "0x0040000000-0x007fffffff 0x040000000 RAM bank 0");
    assert_false(addrmap_line(&map, 4, line, sizeof(line)));
    strcpy(map.entries[0].what, "shm tw\351\033"); /* a name of the tree is in it */
    assert_true(addrmap_line(&map, 0, line, sizeof(line)));
    assert_string_equal(line, "0x0003001000-0x0003010fff 0x000010000 shm tw??");
}

/* Several given devices may have their registers in one page, as long as all are forwarded. */
static void test_trapped_ranges(void **state)
{
    addrmap_init(&map);
    add_trapped(0xa000000, 0x200, "virtio@a000000");
    add_trapped(0xa000200, 0x1400, "virtio@a000200");
    add_trapped(0xa001600, 0x1, "one byte");
    check_solve(32, CORBEL_OK, "");
    add_trapped(0xa0015ff, 0x1, "overlapping");
    check_solve(32, ERR_EXIST,
                "address map: overlapping = 0xa0015ff+0x1: expected no overlap with virtio@a000200 "
                "at 0xa000200+0x1400");
}

/* What is mapped takes whole pages, so no register that is forwarded can be in one of them. */
static void test_trapped_beside_mapped(void **state)
{
    addrmap_init(&map);
    add_kind(MAP_RAM, 0x40000000, SZ_1G, "RAM bank 0");
    add_trapped(0x80000000, 0x200, "behind");
    add_trapped(0x3fffff00, 0x100, "before");
    check_solve(40, CORBEL_OK, "");
    add_trapped(0x3fffeffc, 0x5, "a page more");
    assert_int_equal(add(0x3fffe000, 0x1000, false, 0, "mapped"), CORBEL_OK);
    check_solve(40, ERR_EXIST,
                "address map: mapped = 0x3fffe000+0x1000: expected no overlap with a page more at "
                "0x3fffeffc+0x5");
    addrmap_init(&map);
    add_kind(MAP_RAM, 0x40000000, SZ_1G - 0x800, "RAM bank 0");
    add_trapped(0x7ffff800, 0x800, "behind");
    check_solve(40, ERR_INVAL,
                "address map: RAM bank 0 = 0x40000000+0x3ffff800: expected whole pages of 4 KiB");
}

static void test_whole_pages(void **state)
{
    static const struct addrmap_entry bad[] = {
        { .base = 0x9000800, .size = 0x1000, .kind = MAP_DEVICE, .what = "base" },
        { .base = 0x9000000, .size = 0x800, .kind = MAP_SRAM, .what = "size" },
        { .base = 0x9000000, .size = 0x1000, .pa = 0x200, .kind = MAP_DEVICE, .what = "pa" },
        { .base = 0x8000100, .size = 0x1000, .kind = MAP_GICD, .what = "GICD" },
        { .size = 0x1001, .floating = true, .kind = MAP_GNTTAB, .what = "floating" },
    };

    for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
        addrmap_init(&map);
        assert_int_equal(addrmap_add(&map, &bad[i]), CORBEL_OK);
        assert_int_equal(addrmap_solve(&map, 40, &error), ERR_INVAL);
        assert_non_null(strstr(error.text, ": expected whole pages of 4 KiB"));
    }
}

/* Only floating ranges keep out; nothing else minds, and the map has none of it in the end. */
static void test_keep_out(void **state)
{
    addrmap_init(&map);
    add_kind(MAP_KEEP_OUT, 0, 0x40001234, "flash, devices");
    add_kind(MAP_KEEP_OUT, 0x40000000, SZ_1G, "host RAM");
    add_kind(MAP_KEEP_OUT, BIT(50), BIT(40), "far away");
    add_kind(MAP_KEEP_OUT, ~0ull - 0x1000, 0x1000, "the top");
    add_kind(MAP_RAM, 0x50000000, SZ_2M, "RAM bank 0");
    assert_int_equal(add(0x9000000, 0x1000, false, 0, "uart"), CORBEL_OK);
    assert_int_equal(add(0, 0x3000, true, SZ_2M, "float"), CORBEL_OK);
    check_solve(40, CORBEL_OK, "");
    assert_int_equal(map.count, 3);
    assert_int_equal(map.ipa_bits, 32);
    assert_string_equal(map.entries[2].what, "float");
    assert_int_equal(map.entries[2].base, 0x80000000);
    /* everything kept out: no hole, and no wrap at the top */
    addrmap_init(&map);
    add_kind(MAP_KEEP_OUT, 0, ~0ull, "all");
    assert_int_equal(add(0, 0x1000, true, SZ_2M, "float"), CORBEL_OK);
    check_solve(52, ERR_EXIST,
                "address map: float = 0x1000 bytes: expected a hole of this size below 1 << 52");
}

static void test_refusals_of_add(void **state)
{
    struct addrmap_entry entry = { .base = 0x1000, .kind = MAP_SHMEM, .what = "shm a" };

    addrmap_init(&map);
    assert_int_equal(addrmap_add_named(&map, &entry, &error), ERR_INVAL);
    assert_string_equal(error.text, "address map: shm a = 0x1000+0x0: expected a size, and an end "
                                    "below 1 << 64");
    entry.size = ~0ull;
    assert_int_equal(addrmap_add_named(&map, &entry, &error), ERR_RANGE);
    entry.size = 0x1000;
    while (addrmap_add(&map, &entry) == CORBEL_OK)
        ;
    assert_int_equal(map.count, ADDRMAP_MAX);
    assert_int_equal(addrmap_add_named(&map, &entry, &error), ERR_NOMEM);
    assert_string_equal(error.text, "address map: shm a = 0x1000+0x1000: expected at most 224 "
                                    "ranges in a domain");
}

static void test_lines_of_devices(void **state)
{
    static const struct addrmap_entry entries[] = {
        { 0x9010000, 0x1000, MAP_DEVICE, S2_MMIO, .pa = 0x9010000, .what = "pl031@9010000" },
        { 0x9030000, 0x1000, MAP_DEVICE, S2_MMIO_NC, .pa = 0x9040000, .what = "fb" },
        { 0xa000200, 0x200, MAP_DEVICE, S2_MMIO, .trapped = true, .pa = 0xa000200, .what = "v" },
        { 0x10000000, SZ_2M, MAP_SRAM, S2_SRAM, .pa = 0x43000000, .what = "sram@43000000" },
        { 0x50000000, SZ_1M, MAP_SHMEM, S2_RAM_RO, .pa = 0x870000000, .what = "shm buffers" },
        { 0x60000000, SZ_1M, MAP_SHMEM, S2_RAM, .what = "shm b" },
        { 0x70000000, SZ_1M, MAP_RAM, S2_RAM, .pa = 0x70000000, .what = "RAM bank 0" },
    };
    static const char *const lines[] = {
        "0x0009010000-0x0009010fff 0x000001000 pl031@9010000 (MMIO)",
        "0x0009030000-0x0009030fff 0x000001000 fb -> 0x09040000 (MMIO-NC)",
        "0x000a000200-0x000a0003ff 0x000000200 v (forwarded)",
        "0x0010000000-0x00101fffff 0x000200000 sram@43000000 -> 0x43000000 (SRAM)",
        "0x0050000000-0x00500fffff 0x000100000 shm buffers -> 0x870000000 (RAM-RO)",
        "0x0060000000-0x00600fffff 0x000100000 shm b (RAM)",
        "0x0070000000-0x00700fffff 0x000100000 RAM bank 0",
    };
    char line[100];

    addrmap_init(&map);
    for (u32 i = 0; i < ARRAY_SIZE(entries); i++)
        assert_int_equal(addrmap_add(&map, &entries[i]), CORBEL_OK);
    check_solve(40, CORBEL_OK, "");
    for (u32 i = 0; i < ARRAY_SIZE(lines); i++) {
        assert_true(addrmap_line(&map, i, line, sizeof(line)));
        assert_string_equal(line, lines[i]);
    }
}

/* Random maps: what is solved is sorted, apart, aligned and inside; fixed ranges stay put. */
static void test_random_maps(void **state)
{
    u32 seed = 7, solved = 0;

    for (u32 round = 0; round < 3000; round++) {
        addrmap_init(&map);
        for (u32 i = 0; i < 20; i++) {
            u64 size, base;
            bool floating;

            seed = seed * 1664525 + 1013904223;
            size = ALIGN_UP(1 + (seed >> 8) % 0x8000, PAGE_SIZE);
            base = (u64)(seed >> 4) << 4;
            floating = seed >> 30 == 1;
            if (seed >> 30 == 2)
                add_trapped(base, 1 + size / 100, "t");
            else if (seed >> 29 == 0)
                add_kind(MAP_KEEP_OUT, base, size << 10, "k");
            else
                assert_int_equal(add(ALIGN_DOWN(base, PAGE_SIZE), size, floating, BIT(seed >> 28),
                                     "r"),
                                 CORBEL_OK);
        }
        if (addrmap_solve(&map, 33, &error) != CORBEL_OK)
            continue;
        solved++;
        for (u32 i = 0; i < map.count; i++) {
            assert_false(map.entries[i].floating);
            assert_int_not_equal(map.entries[i].kind, MAP_KEEP_OUT);
            assert_true(map.entries[i].base + map.entries[i].size <= BIT(map.ipa_bits));
            if (i)
                assert_true(map.entries[i - 1].base + map.entries[i - 1].size <=
                            map.entries[i].base);
        }
    }
    assert_true(solved > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xen_layout_v3),
        cmocka_unit_test(test_xen_layout_v2),
        cmocka_unit_test(test_host_limits),
        cmocka_unit_test(test_memory_limits),
        cmocka_unit_test(test_ipa_bits_at_the_edge),
        cmocka_unit_test(test_clash_names_both),
        cmocka_unit_test(test_neighbors_do_not_clash),
        cmocka_unit_test(test_floating_ranges),
        cmocka_unit_test(test_no_hole),
        cmocka_unit_test(test_bad_entries),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_trapped_ranges),
        cmocka_unit_test(test_trapped_beside_mapped),
        cmocka_unit_test(test_whole_pages),
        cmocka_unit_test(test_keep_out),
        cmocka_unit_test(test_refusals_of_add),
        cmocka_unit_test(test_lines_of_devices),
        cmocka_unit_test(test_random_maps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The address-map solver: Xen's layout, floating ranges, every clash to the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

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
    assert_int_equal(add(0x22000800, 0x100, false, 0, "rtc@9010000"), CORBEL_OK);
    assert_int_equal(addrmap_solve(&map, 40, &error), ERR_EXIST);
    assert_string_equal(error.text, "address map: rtc@9010000 = 0x22000800+0x100: expected no "
                                    "overlap with vPL011 at 0x22000000+0x1000");
}

static void test_neighbors_do_not_clash(void **state)
{
    addrmap_init(&map);
    assert_int_equal(add(0x9000200, 0x200, false, 0, "b"), CORBEL_OK);
    assert_int_equal(add(0x9000000, 0x200, false, 0, "a"), CORBEL_OK);
    assert_int_equal(add(0x9000400, 0x200, false, 0, "c"), CORBEL_OK);
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
    assert_int_equal(add(0, 0x100, true, SZ_2M, "aligned"), CORBEL_OK);
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
    assert_int_equal(add(0, ~0ull, true, 0, "huge"), CORBEL_OK);
    assert_int_equal(addrmap_solve(&map, 52, &error), ERR_EXIST);
    addrmap_init(&map);
    assert_int_equal(add(0, 1, true, BIT(63), "align"), CORBEL_OK);
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
            size = 1 + (seed >> 8) % 0x8000;
            base = (u64)(seed >> 4) << 4;
            floating = seed >> 30 == 1;
            assert_int_equal(add(base, size, floating, BIT(seed >> 28), "r"), CORBEL_OK);
        }
        if (addrmap_solve(&map, 33, &error) != CORBEL_OK)
            continue;
        solved++;
        for (u32 i = 0; i < map.count; i++) {
            assert_false(map.entries[i].floating);
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
        cmocka_unit_test(test_xen_layout_v3),    cmocka_unit_test(test_xen_layout_v2),
        cmocka_unit_test(test_memory_limits),    cmocka_unit_test(test_ipa_bits_at_the_edge),
        cmocka_unit_test(test_clash_names_both), cmocka_unit_test(test_neighbors_do_not_clash),
        cmocka_unit_test(test_floating_ranges),  cmocka_unit_test(test_no_hole),
        cmocka_unit_test(test_bad_entries),      cmocka_unit_test(test_lines),
        cmocka_unit_test(test_random_maps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

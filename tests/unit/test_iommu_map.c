/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams of a device by the host's tree: all three bindings, what is joined, what is cut into
 * powers of two, what of a PCIe bridge no SMMU sees, and trees that make no sense.
 */
#include "machines.h"

#include <corbel/bits.h>
#include <corbel/iommu_map.h>

#define V3   "/smmu@1000000"
#define V2   "/smmu@2000000"
#define DEV  "/dev"
#define PCIE "/pcie"
#define ROOM 8

static struct iommu_map_entry found[ROOM];
static struct iommu_map_result result;

static void put_smmu(const char *name, const char *compatible, u32 base, u32 phandle)
{
    node(name);
    tree_ok(fdt_property_string(tree_room, "compatible", compatible));
    cells("reg", base, 0x20000);
    cells("phandle", phandle);
    cells("#iommu-cells", 1);
    end();
}

/* An SMMUv3 (phandle 3), an SMMUv2 (2), a foreign IOMMU (9), a device (7), a bridge (8). */
static void machine(void)
{
    tree_begin();
    root_cells(1, 1);
    put_smmu("smmu@1000000", "arm,smmu-v3", 0x1000000, 3);
    put_smmu("smmu@2000000", "arm,mmu-500", 0x2000000, 2);
    put_smmu("iommu@3000000", "vendor,iommu", 0x3000000, 9);
    node("dev");
    cells("phandle", 7);
    end();
    node("pcie");
    cells("phandle", 8);
    list("device_type", "pci");
    end();
    tree_end();
}

static enum corbel_err map_to(const char *path, u32 max)
{
    machine_read();
    memset(found, 0xa5, sizeof(found));
    memset(&result, 0xa5, sizeof(result));
    return iommu_map_node(&p, fdtr_path(p.fdt, path), found, max, &result);
}

static void map(const char *path)
{
    assert_int_equal(map_to(path, ROOM), CORBEL_OK);
    assert_null(result.property);
}

static void check(u32 index, u32 iommu, u32 first, u32 count, u32 mask)
{
    assert_true(index < result.count);
    assert_int_equal(found[index].iommu, iommu);
    assert_int_equal(found[index].stream.first, first);
    assert_int_equal(found[index].stream.count, count);
    assert_int_equal(found[index].stream.mask, mask);
}

static void wrong(const char *path, const char *property)
{
    assert_int_equal(map_to(path, ROOM), ERR_FORMAT);
    assert_string_equal(result.property, property);
}

static void behind_none(void **state)
{
    machine();
    map(DEV);
    assert_int_equal(result.count, 0);
    assert_true(result.unlisted < 0);
    map(PCIE);
    assert_int_equal(result.count, 0);
    assert_false(result.has_gap);
    assert_int_equal(iommu_map_find(&p, 3), 0);
    assert_int_equal(iommu_map_find(&p, 2), 1);
    assert_int_equal(iommu_map_find(&p, 9), -1);
    assert_int_equal(iommu_map_find(&p, 0), -1);
    empty_prop(DEV, "iommus");
    map(DEV);
    assert_int_equal(result.count, 0);
}

static void by_iommus(void **state)
{
    machine();
    set_cells(DEV, "iommus", 3, 0x10);
    map(DEV);
    assert_int_equal(result.count, 1);
    check(0, 0, 0x10, 1, 0);
    set_cells(DEV, "iommus", 3, 0x12, 2, 5, 3, 0x10, 3, 0x11, 3, 0x11);
    map(DEV);
    assert_int_equal(result.count, 2);
    check(0, 1, 5, 1, 0);
    check(1, 0, 0x10, 3, 0);
    set_cells(DEV, "iommus", 3, 0xffffffff, 3, 0xfffffffe);
    map(DEV);
    check(0, 0, 0xfffffffe, 2, 0);
}

static void by_iommus_with_masks(void **state)
{
    machine();
    set_cells(V2, "#iommu-cells", 2);
    set_cells(DEV, "iommus", 2, 0x8ff, 0x7f);
    map(DEV);
    check(0, 1, 0x880, 1, 0x7f);
    set_cells(DEV, "iommus", 2, 0x400, 0x3f, 2, 0x440, 0x3f, 2, 0x410, 0xf, 2, 0x900, 0);
    map(DEV);
    assert_int_equal(result.count, 2);
    check(0, 1, 0x400, 1, 0x7f);
    check(1, 1, 0x900, 1, 0);
    set_cells(DEV, "iommus", 2, 0x410, 0xf, 2, 0x400, 0x3f);
    map(DEV);
    assert_int_equal(result.count, 1);
    check(0, 1, 0x400, 1, 0x3f);

    set_cells(V2, "#iommu-cells", 1);
    set_cells(V2, "stream-match-mask", 0x7f80);
    set_cells(DEV, "iommus", 2, 0x1812);
    map(DEV);
    check(0, 1, 0x12, 1, 0x7f80);
}

static void other_iommus(void **state)
{
    machine();
    set_cells(DEV, "iommus", 9, 1, 3, 1);
    map(DEV);
    assert_int_equal(result.unlisted, fdtr_path(p.fdt, "/iommu@3000000"));
    assert_int_equal(result.count, 1);
    set_list(V3, "status", "disabled");
    set_cells(DEV, "iommus", 3, 1);
    map(DEV);
    assert_int_equal(result.unlisted, fdtr_path(p.fdt, V3));
    assert_int_equal(result.count, 0);
    set_cells("/iommu@3000000", "#iommu-cells", 0);
    set_cells(DEV, "iommus", 9, 2, 4);
    map(DEV);
    assert_int_equal(result.count, 1);
}

static void wrong_iommus(void **state)
{
    static const char *const property = "iommus";

    machine();
    set_cells(DEV, "iommus", 0x77, 1);
    wrong(DEV, property);
    set_cells(DEV, "iommus", 7, 1); /* a device, which masters itself */
    wrong(DEV, property);
    set_cells(DEV, "iommus", 0, 1);
    wrong(DEV, property);
    set_cells(DEV, "iommus", 3);
    wrong(DEV, property);
    set_cells(DEV, "iommus", 3, 1, 2);
    wrong(DEV, property);
    set_raw(DEV, "iommus", "\0\0\0\3\0\0\0");
    wrong(DEV, property);
    set_raw(DEV, "iommus", "\0\0\0\3\0\0\0\1\0");
    wrong(DEV, property);
    set_cells(DEV, "iommus", 9, 1);
    set_cells("/iommu@3000000", "#iommu-cells", 17);
    wrong(DEV, property);
    set_cells("/iommu@3000000", "#iommu-cells", 0xffffffff);
    wrong(DEV, property);
    set_cells("/iommu@3000000", "#iommu-cells", 1, 1);
    wrong(DEV, property);
    set_cells(V3, "#iommu-cells", 2);
    set_cells(DEV, "iommus", 3, 1, 2);
    wrong(DEV, property);
}

static void too_many(void **state)
{
    u32 many[257] = { 0 };

    machine();
    set_cells(DEV, "iommus", 3, 1, 3, 3, 3, 5);
    assert_int_equal(map_to(DEV, 2), ERR_NOMEM);
    assert_string_equal(result.property, "iommus");
    assert_int_equal(map_to(DEV, 3), CORBEL_OK);
    set_cells(DEV, "iommus", 3, 1, 3, 3, 3, 2); /* fills the gap: one of two */
    assert_int_equal(map_to(DEV, 2), CORBEL_OK);
    check(0, 0, 1, 3, 0);
    tree_ok(fdt_setprop(tree_room, tree_at(DEV), "iommus", many, sizeof(many)));
    assert_int_equal(map_to(DEV, ROOM), ERR_NOMEM);
    del_prop(DEV, "iommus");
    tree_ok(fdt_setprop(tree_room, tree_at(V2), "mmu-masters", many, sizeof(many)));
    assert_int_equal(map_to(DEV, ROOM), ERR_NOMEM);
    assert_string_equal(result.property, "mmu-masters");
}

/* ---- PCIe ---- */

static void whole_bridge(void **state)
{
    machine();
    set_cells(PCIE, "iommu-map", 0, 3, 0, 0x10000);
    map(PCIE);
    assert_int_equal(result.count, 1);
    check(0, 0, 0, 0x10000, 0);
    assert_false(result.has_gap);
    set_cells(PCIE, "iommu-map", 0, 2, 0, 0x10000);
    map(PCIE);
    assert_int_equal(result.count, 1);
    check(0, 1, 0, 1, 0xffff);
    assert_false(result.has_gap);
    set_cells(PCIE, "iommu-map", 0, 3, 0x30000, 0xffffffff); /* there are no more IDs */
    map(PCIE);
    check(0, 0, 0x30000, 0x10000, 0);
    set_cells(DEV, "iommu-map", 0, 3, 0, 0xffffffff); /* no bridge: there are */
    map(DEV);
    check(0, 0, 0, 0xffffffff, 0);
    set_cells(DEV, "iommu-map", 0, 2, 0, 0xffffffff);
    assert_int_equal(map_to(DEV, ROOM), ERR_NOMEM);
}

static void ranges_of_a_bridge(void **state)
{
    machine();
    set_cells(PCIE, "iommu-map", 0, 3, 0x100, 0x100, 0x100, 3, 0x200, 0xff00);
    map(PCIE);
    assert_int_equal(result.count, 1); /* adjacent */
    check(0, 0, 0x100, 0x10000, 0);
    assert_false(result.has_gap);
    set_cells(PCIE, "iommu-map", 0, 2, 3, 6, 6, 3, 0, 0xfffa);
    map(PCIE);
    assert_int_equal(result.count, 4); /* 3, 4-7, 8 of the one, the rest of the other */
    check(0, 1, 3, 1, 0);
    check(1, 1, 4, 1, 3);
    check(2, 1, 8, 1, 0);
    check(3, 0, 0, 0xfffa, 0);
    assert_false(result.has_gap);
    set_cells(PCIE, "iommu-map", 0, 3, 7, 0x8000, 0x4000, 3, 7, 0xc000); /* overlap */
    map(PCIE);
    assert_int_equal(result.count, 1);
    check(0, 0, 7, 0xc000, 0);
    assert_false(result.has_gap);
    set_cells(PCIE, "iommu-map", 0, 3, 0, 0, 0, 3, 4, 0x10000);
    map(PCIE);
    assert_int_equal(result.count, 1);
    check(0, 0, 4, 0x10000, 0);
}

static void check_gap(u32 gap)
{
    map(PCIE);
    assert_true(result.has_gap);
    assert_int_equal(result.gap, gap);
}

static void gaps_of_a_bridge(void **state)
{
    machine();
    set_cells(PCIE, "iommu-map", 0x100, 3, 0x100, 0xff00);
    check_gap(0);
    set_cells(PCIE, "bus-range", 1, 0xff); /* bus 0 is another's */
    map(PCIE);
    assert_false(result.has_gap);
    set_cells(PCIE, "bus-range", 0, 1);
    set_cells(PCIE, "iommu-map", 0, 3, 0, 0x10, 0x11, 3, 0x11, 0x1000);
    check_gap(0x10);
    set_cells(PCIE, "iommu-map", 0, 3, 0, 0x10, 0x10, 9, 0x10, 1, 0x11, 3, 0x11, 0x1000);
    check_gap(0x10);
    assert_int_equal(result.unlisted, fdtr_path(p.fdt, "/iommu@3000000"));
    set_cells(PCIE, "iommu-map", 0, 3, 0, 0x1ff);
    check_gap(0x1ff);
    set_cells(PCIE, "iommu-map", 0, 3, 0, 0x200);
    map(PCIE);
    assert_false(result.has_gap);
    set_cells(PCIE, "bus-range", 0, 0x100); /* nonsense: all buses */
    check_gap(0x200);
    set_cells(PCIE, "bus-range", 2, 1);
    check_gap(0x200);
    set_cells(PCIE, "bus-range", 2);
    check_gap(0x200);
    empty_prop(PCIE, "iommu-map");
    check_gap(0);
    assert_int_equal(result.count, 0);
}

static void masks_of_a_bridge(void **state)
{
    machine();
    set_cells(PCIE, "iommu-map-mask", 0);
    set_cells(PCIE, "iommu-map", 0, 3, 0x400, 0x10000); /* all of it is one stream */
    map(PCIE);
    assert_int_equal(result.count, 1);
    check(0, 0, 0x400, 1, 0);
    assert_false(result.has_gap);
    set_cells(PCIE, "iommu-map-mask", 0xff00);
    set_cells(PCIE, "iommu-map", 0, 3, 0x400, 1, 0x100, 3, 0x500, 1);
    set_cells(PCIE, "bus-range", 0, 1);
    map(PCIE);
    assert_int_equal(result.count, 2);
    assert_false(result.has_gap);
    set_cells(PCIE, "bus-range", 0, 2);
    check_gap(0x200);
    set_cells(PCIE, "iommu-map-mask", 0xff); /* function and device, whatever the bus */
    set_cells(PCIE, "iommu-map", 0, 3, 0, 0xff);
    check_gap(0xff);
    set_cells(PCIE, "bus-range", 0x10, 0x20);
    check_gap(0xff);
    set_cells(PCIE, "iommu-map", 0, 3, 0, 0x100);
    map(PCIE);
    assert_false(result.has_gap);
    set_cells(PCIE, "iommu-map", 0x100, 3, 0, 0x100); /* looked up never */
    wrong(PCIE, "iommu-map");
    set_cells(PCIE, "iommu-map-mask", 0, 0xffff);
    wrong(PCIE, "iommu-map-mask");
}

static void wrong_iommu_map(void **state)
{
    u32 many[257 * 4] = { 0 };

    machine();
    set_cells(PCIE, "iommu-map", 0, 3, 0);
    wrong(PCIE, "iommu-map");
    set_cells(PCIE, "iommu-map", 0, 0x77, 0, 1);
    wrong(PCIE, "iommu-map");
    set_cells(PCIE, "iommu-map", 0, 7, 0, 1);
    wrong(PCIE, "iommu-map");
    set_cells(PCIE, "iommu-map", 0, 3, 0xffffff00, 0x200);
    wrong(PCIE, "iommu-map");
    set_cells(PCIE, "iommu-map", 0, 3, 0xffffff00, 0x100);
    map(PCIE);
    check(0, 0, 0xffffff00, 0x100, 0);
    set_cells(PCIE, "iommu-map", 0x10000, 3, 0, 1);
    wrong(PCIE, "iommu-map");
    set_cells(PCIE, "iommu-map", 0xffffffff, 3, 0, 0xffffffff);
    wrong(PCIE, "iommu-map");
    tree_ok(fdt_setprop(tree_room, tree_at(PCIE), "iommu-map", many, sizeof(many)));
    assert_int_equal(map_to(PCIE, ROOM), ERR_NOMEM);
    assert_string_equal(result.property, "iommu-map");
}

/* ---- mmu-masters ---- */

static void by_masters(void **state)
{
    machine();
    del_prop(V2, "#iommu-cells");
    set_cells(DEV, "#stream-id-cells", 2);
    set_cells(PCIE, "#stream-id-cells", 1);
    set_cells(V2, "mmu-masters", 8, 0x1f, 7, 0x10, 0x30, 7, 0x11, 0x31);
    map(DEV);
    assert_int_equal(result.count, 1);
    check(0, 1, 0x10, 1, 0x21);
    map(PCIE);
    assert_int_equal(result.count, 1); /* its requester IDs */
    check(0, 1, 0, 1, 0xffff);
    set_cells(PCIE, "bus-range", 0x10, 0x1f);
    map(PCIE);
    check(0, 1, 0x1000, 1, 0xfff);
    set_cells(V2, "mmu-masters", 8, 0x1f);
    map(DEV);
    assert_int_equal(result.count, 0);
    set_cells(DEV, "iommus", 2, 5); /* that SMMU knows no such form */
    wrong(DEV, "iommus");
}

static void wrong_masters(void **state)
{
    static const char *const property = "mmu-masters";

    machine();
    set_cells(DEV, "#stream-id-cells", 2);
    set_cells(V2, "mmu-masters", 7, 0x10);
    wrong(DEV, property);
    set_cells(V2, "mmu-masters", 7, 0x10, 0x11, 0x77, 1);
    wrong(DEV, property);
    set_cells(V2, "mmu-masters", 8, 0x10, 7, 1, 2);
    wrong(DEV, property);
    set_raw(V2, "mmu-masters", "\0\0\0");
    wrong(DEV, property);
    set_cells(V2, "mmu-masters", 7, 1, 2);
    set_cells(DEV, "#stream-id-cells", 0xffffffff);
    wrong(DEV, property);
}

/* ---- overlap, text ---- */

static bool overlap(u32 a, u32 a_count, u32 a_mask, u32 b, u32 b_count, u32 b_mask)
{
    struct iommu_map_entry first = { 1, { a, a_count, a_mask } };
    struct iommu_map_entry second = { 1, { b, b_count, b_mask } };
    bool yes = iommu_map_overlap(&first, &second);

    assert_int_equal(iommu_map_overlap(&second, &first), yes);
    second.iommu = 2;
    assert_false(iommu_map_overlap(&first, &second));
    return yes;
}

static void overlaps(void **state)
{
    assert_true(overlap(5, 1, 0, 5, 1, 0));
    assert_false(overlap(5, 1, 0, 6, 1, 0));
    assert_true(overlap(0, 0x10000, 0, 0xffff, 1, 0));
    assert_false(overlap(0, 0x10000, 0, 0x10000, 1, 0));
    assert_true(overlap(0x10, 0x10, 0, 0x1f, 0x10, 0));
    assert_false(overlap(0x10, 0x10, 0, 0x20, 0x10, 0));
    assert_true(overlap(0xfffffff0, 0x10, 0, 0xffffffff, 1, 0));
    assert_true(overlap(0, 0xffffffff, 0, 1, 0xffffffff, 0));
    assert_true(overlap(0x400, 1, 0x7f, 0x47f, 1, 0));
    assert_true(overlap(0x400, 1, 0x7f, 0x410, 1, 0xf));
    assert_false(overlap(0x400, 1, 0x7f, 0x480, 1, 0x7f));
    assert_true(overlap(0x0, 1, 0xff00, 0x1200, 1, 0xf));
    assert_false(overlap(0x0, 1, 0xff00, 0x1210, 1, 0xf));
    /* A range, and every 256th: 0x12. */
    assert_true(overlap(0x110, 3, 0, 0x12, 1, 0xff00));
    assert_false(overlap(0x113, 0xff, 0, 0x12, 1, 0xff00));
    assert_true(overlap(0x113, 0x100, 0, 0x12, 1, 0xff00));
    assert_false(overlap(5, 0, 0, 5, 1, 0));
}

/* Against the plain meaning, number by number. */
static void overlaps_of_all_kinds(void **state)
{
    u32 seed = 1, hits = 0;

    for (u32 round = 0; round < 20000; round++) {
        struct iommu_map_entry e[2] = { 0 };
        u64 sets[2] = { 0, 0 };

        for (u32 i = 0; i < 2; i++) {
            seed = seed * 1664525 + 1013904223;
            e[i].stream.first = (seed >> 8) % 64;
            e[i].stream.count = 1;
            if ((seed >> 30) & 1)
                e[i].stream.mask = (seed >> 16) & (seed >> 20) & 63;
            else
                e[i].stream.count = 1 + (seed >> 20) % (64 - e[i].stream.first) / 4;
            for (u32 id = 0; id < 64; id++)
                if (e[i].stream.count > 1 ? id - e[i].stream.first < e[i].stream.count
                                          : ((id ^ e[i].stream.first) & ~e[i].stream.mask) == 0)
                    sets[i] |= BIT(id);
        }
        hits += (sets[0] & sets[1]) != 0;
        assert_int_equal(iommu_map_overlap(&e[0], &e[1]), (sets[0] & sets[1]) != 0);
    }
    assert_true(hits > 1000 && hits < 19000);
}

/* Streams that a list asks for are those that come out, whatever is joined on the way. */
static void joined_streams_stay(void **state)
{
    u32 seed = 7;

    machine();
    set_cells(V2, "#iommu-cells", 2);
    for (u32 round = 0; round < 400; round++) {
        u64 want = 0, have = 0;
        u32 list_of[12];

        for (u32 i = 0; i < 4; i++) {
            seed = seed * 1664525 + 1013904223;
            list_of[3 * i] = 2;
            list_of[3 * i + 1] = (seed >> 8) % 64;
            list_of[3 * i + 2] = (seed >> 14) & (seed >> 20) & 63;
            for (u32 id = 0; id < 64; id++)
                if (((id ^ list_of[3 * i + 1]) & ~list_of[3 * i + 2]) == 0)
                    want |= BIT(id);
        }
        tree_set_cells(DEV, "iommus", list_of, 12);
        map(DEV);
        for (u32 i = 0; i < result.count; i++) {
            assert_int_equal(found[i].stream.count, 1);
            assert_int_equal(found[i].stream.first & found[i].stream.mask, 0);
            for (u32 id = 0; id < 64; id++)
                if (((id ^ found[i].stream.first) & ~found[i].stream.mask) == 0)
                    have |= BIT(id);
        }
        assert_true(have == want);
    }
}

static void check_text(u32 first, u32 count, u32 mask, const char *text)
{
    struct iommu_map_entry entry = { 0, { first, count, mask } };
    char buf[32];

    iommu_map_text(&entry, buf, sizeof(buf));
    assert_string_equal(buf, text);
}

static void texts(void **state)
{
    check_text(0x10, 1, 0, "0x10");
    check_text(0, 0x10000, 0, "0x0-0xffff");
    check_text(0xfffffff0, 0x10, 0, "0xfffffff0-0xffffffff");
    check_text(0x400, 1, 0x7f, "0x400/0x7f");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behind_none),
        cmocka_unit_test(by_iommus),
        cmocka_unit_test(by_iommus_with_masks),
        cmocka_unit_test(other_iommus),
        cmocka_unit_test(wrong_iommus),
        cmocka_unit_test(too_many),
        cmocka_unit_test(whole_bridge),
        cmocka_unit_test(ranges_of_a_bridge),
        cmocka_unit_test(gaps_of_a_bridge),
        cmocka_unit_test(masks_of_a_bridge),
        cmocka_unit_test(wrong_iommu_map),
        cmocka_unit_test(by_masters),
        cmocka_unit_test(wrong_masters),
        cmocka_unit_test(overlaps),
        cmocka_unit_test(overlaps_of_all_kinds),
        cmocka_unit_test(joined_streams_stay),
        cmocka_unit_test(texts),
    };

    return cmocka_run_group_tests(tests, NULL, tree_free);
}

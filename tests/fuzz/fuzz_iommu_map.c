/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams of a device and of a PCIe host bridge in trees that are built from the input: SMMUs of
 * all kinds, cell counts and masks, lists that are right and lists that are not. What is found
 * holds every stream that the bindings name (read a second time here, entry by entry), is in the
 * form that is promised, and a gap is told exactly when there is one.
 */
#include "fuzz.h"

#include "machines.h"

#include <corbel/bits.h>
#include <corbel/iommu_map.h>

#define SMMUS    5u
#define LIST_MAX 24u
#define ROOM     48u
#define RIDS     0x10000u

/* What is in the tree, for the second reading. */
static struct {
    u32 cells;
    bool masked; /* matches by mask: v1, v2 */
    u32 match_mask;
    bool disabled;
} smmus[SMMUS];
static u32 smmu_count;

struct list {
    u32 words[LIST_MAX * 4];
    u32 count; /* words */
    bool odd;  /* not as the binding has it: nothing is expected of it */
};

static struct list iommus, map;
static u32 map_mask, bus_first, bus_last;
static struct iommu_map_entry found[ROOM];
static struct iommu_map_result result;

static void put_words(const char *name, const u32 *words, u32 count)
{
    u32 raw[LIST_MAX * 4];

    for (u32 i = 0; i < count; i++)
        raw[i] = cpu_to_fdt32(words[i]);
    tree_ok(fdt_property(tree_room, name, raw, (int)count * 4));
}

static u32 take_cell(struct fuzz_in *in)
{
    switch (fuzz_below(in, 4)) {
    case 0:
        return fuzz_below(in, 32);
    case 1:
        return (u32)fuzz_take(in, 2);
    case 2:
        return ~fuzz_below(in, 256);
    default:
        return (u32)fuzz_take(in, 4);
    }
}

/* --- the tree --------------------------------------------------------------------------------- */

static void put_smmu(struct fuzz_in *in, u32 index)
{
    static const char *const kinds[] = { "arm,smmu-v3", "arm,mmu-500", "arm,smmu-v1", "arm,smmu-v2",
                                         "vendor,iommu" };
    static const u32 cells[] = { 1, 1, 2, 0, 3, 16, 17 };
    u32 kind = fuzz_below(in, ARRAY_SIZE(kinds)), flags = (u32)fuzz_take(in, 1);
    char name[32];

    snprintf(name, sizeof(name), "iommu@%x000000", index + 1);
    smmus[index].cells = cells[fuzz_below(in, ARRAY_SIZE(cells))];
    smmus[index].masked = kind == 1 || kind == 2 || kind == 3;
    smmus[index].match_mask = flags & 1 ? (u32)fuzz_take(in, 2) : 0;
    smmus[index].disabled = (flags & 6) == 6;
    node(name);
    tree_ok(fdt_property_string(tree_room, "compatible", kinds[kind]));
    cells("reg", (index + 1) << 24, 0x20000);
    cells("phandle", index + 1);
    cells("#iommu-cells", smmus[index].cells);
    if (flags & 1)
        cells("stream-match-mask", smmus[index].match_mask);
    if (smmus[index].disabled)
        list("status", "disabled");
    if ((flags & 24) == 24)
        cells("mmu-masters", 100, take_cell(in), take_cell(in), 101, take_cell(in), take_cell(in));
    end();
}

static void take_iommus(struct fuzz_in *in)
{
    u32 entries = fuzz_below(in, 8);

    memset(&iommus, 0, sizeof(iommus));
    for (u32 i = 0; i < entries; i++) {
        u32 smmu = fuzz_below(in, smmu_count), cells = smmus[smmu].cells;

        if (cells > 3) {
            iommus.odd = true;
            cells = 1;
        }
        iommus.words[iommus.count++] = smmu + 1;
        for (u32 n = 0; n < cells; n++)
            iommus.words[iommus.count++] = take_cell(in);
    }
    if (fuzz_below(in, 8) == 0) {
        iommus.odd = true;
        iommus.words[fuzz_below(in, 16)] = take_cell(in);
        iommus.count = fuzz_below(in, iommus.count + 2);
    }
}

static void take_map(struct fuzz_in *in)
{
    u32 entries = fuzz_below(in, 8);

    memset(&map, 0, sizeof(map));
    for (u32 i = 0; i < entries; i++) {
        map.words[map.count++] = fuzz_below(in, 4) ? fuzz_below(in, RIDS) : take_cell(in);
        map.words[map.count++] = 1 + fuzz_below(in, smmu_count);
        map.words[map.count++] = take_cell(in);
        map.words[map.count++] = fuzz_below(in, 4) ? fuzz_below(in, RIDS) : take_cell(in);
    }
    map_mask = fuzz_below(in, 3) ? RIDS - 1 : (u32)fuzz_take(in, 2);
    bus_first = 0;
    bus_last = 255;
    if (fuzz_below(in, 2)) {
        bus_first = fuzz_below(in, 256);
        bus_last = bus_first + fuzz_below(in, 256 - bus_first);
    }
}

static void build(struct fuzz_in *in)
{
    tree_begin();
    root_cells(1, 1);
    smmu_count = 1 + fuzz_below(in, SMMUS);
    for (u32 i = 0; i < smmu_count; i++)
        put_smmu(in, i);
    take_iommus(in);
    node("dev");
    cells("phandle", 100);
    cells("#stream-id-cells", 2);
    if (iommus.count)
        put_words("iommus", iommus.words, iommus.count);
    end();
    take_map(in);
    node("pcie");
    cells("phandle", 101);
    cells("#stream-id-cells", 2);
    list("device_type", "pci");
    cells("bus-range", bus_first, bus_last);
    cells("iommu-map-mask", map_mask);
    if (map.count)
        put_words("iommu-map", map.words, map.count);
    end();
    tree_end();
}

/* --- what must hold --------------------------------------------------------------------------- */

static bool has_stream(u32 iommu, u32 stream)
{
    for (u32 i = 0; i < result.count; i++) {
        const struct iommu_stream *s = &found[i].stream;

        if (found[i].iommu == iommu &&
            (s->count > 1 ? stream >= s->first && stream - s->first < s->count
                          : ((stream ^ s->first) & ~s->mask) == 0))
            return true;
    }
    return false;
}

static void check_form(void)
{
    assert_true(result.count <= ROOM);
    for (u32 i = 0; i < result.count; i++) {
        const struct iommu_stream *s = &found[i].stream;
        char text[48];

        assert_true(found[i].iommu < p.iommu_count && s->count);
        iommu_map_text(&found[i], text, sizeof(text));
        assert_true(strlen(text) >= 3);
        assert_true(iommu_map_overlap(&found[i], &found[i]));
        if (p.iommus[found[i].iommu].kind == IOMMU_SMMU_V3) {
            assert_true((u64)s->first + s->count <= BIT(32));
            for (u32 n = 0; n < i && !s->mask; n++)
                assert_false(!found[n].stream.mask && iommu_map_overlap(&found[n], &found[i]));
        } else {
            assert_true(s->count == 1 && (s->first & s->mask) == 0);
        }
    }
}

/* Each entry of iommus by itself. */
static void check_iommus(void)
{
    u32 at = 0;

    while (at < iommus.count) {
        u32 smmu = iommus.words[at] - 1, cells = smmus[smmu].cells;
        s32 index = iommu_map_find(&p, smmu + 1);

        if (index >= 0) {
            u32 mask = cells == 2 ? iommus.words[at + 2] : p.iommus[index].stream_match_mask;

            assert_true(has_stream((u32)index, iommus.words[at + 1]));
            assert_true(p.iommus[index].kind == IOMMU_SMMU_V3 ||
                        has_stream((u32)index, iommus.words[at + 1] ^ mask));
        } else {
            assert_true(result.unlisted >= 0);
        }
        at += 1 + cells;
    }
}

/* Where a requester ID goes: false, to no SMMU of the list. As pci-iommu.txt says it. */
static bool look_up(u32 rid, u32 *iommu, u32 *stream)
{
    bool any = false;

    rid &= map_mask;
    for (u32 i = 0; i < map.count; i += 4) {
        u32 base = map.words[i];
        s32 index = iommu_map_find(&p, map.words[i + 1]);

        if (index < 0 || rid < base || rid - base >= map.words[i + 3])
            continue;
        *iommu = (u32)index;
        *stream = map.words[i + 2] + (rid - base);
        assert_true(has_stream(*iommu, *stream)); /* all that match, not only the first */
        any = true;
    }
    return any;
}

static void check_rid(u32 rid)
{
    u32 iommu, stream;

    if (rid >> 8 < bus_first || rid >> 8 > bus_last)
        return;
    assert_true(look_up(rid, &iommu, &stream) || result.has_gap);
}

/* The ends of all entries and of the buses, and some between. */
static void check_map(struct fuzz_in *in)
{
    u32 iommu, stream;

    if (!map.count)
        return;
    for (u32 i = 0; i < map.count; i += 4) {
        u32 base = map.words[i], last = base + map.words[i + 3];

        for (u32 n = 0; n < 3; n++) {
            check_rid((base + n - 1) % RIDS);
            check_rid((last + n - 1) % RIDS);
        }
    }
    check_rid(bus_first << 8);
    check_rid(bus_last << 8 | 0xff);
    for (u32 i = 0; i < 16; i++)
        check_rid((u32)fuzz_take(in, 2));
    if (result.has_gap)
        assert_false(look_up(result.gap, &iommu, &stream));
}

static enum corbel_err map_node(const char *path, u32 max)
{
    memset(found, 0xa5, sizeof(found));
    memset(&result, 0xa5, sizeof(result));
    return iommu_map_node(&p, fdtr_path(p.fdt, path), found, max, &result);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct fuzz_in in = { data, size };
    u32 max;
    enum corbel_err err;

    memset(smmus, 0, sizeof(smmus));
    build(&in);
    machine_read();
    max = fuzz_below(&in, 4) ? ROOM : 1 + fuzz_below(&in, 8);
    err = map_node("/dev", max);
    assert_int_equal(err != CORBEL_OK, result.property != NULL);
    if (err == CORBEL_OK) {
        check_form();
        if (!iommus.odd)
            check_iommus();
    }
    err = map_node("/pcie", max);
    assert_int_equal(err != CORBEL_OK, result.property != NULL);
    if (err == CORBEL_OK) {
        check_form();
        check_map(&in);
    }
    return tree_free(NULL);
}

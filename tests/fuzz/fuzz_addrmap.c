/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The address-map solver on any ranges. Solved: sorted, apart, inside the address bits, each fixed
 * range where it was, each floating one aligned and outside of what is kept out. Refused: one line.
 */
#include "fuzz.h"

#include <corbel/addrmap.h>
#include <corbel/bits.h>
#include <corbel/printf.h>

static struct addrmap map;
static struct addrmap_entry given[ADDRMAP_MAX];
static u32 given_count;

static void add_entry(struct fuzz_in *in)
{
    static const u8 kinds[] = { MAP_RAM, MAP_DEVICE, MAP_DEVICE, MAP_SHMEM, MAP_KEEP_OUT };
    u32 flags = (u32)fuzz_take(in, 1);
    struct addrmap_entry entry = {
        .kind = kinds[fuzz_below(in, ARRAY_SIZE(kinds))],
        .cls = S2_MMIO,
        .floating = flags & 1,
        .size = fuzz_number(in),
        .base = fuzz_number(in),
    };
    enum corbel_err err;

    /* As its users add them: what is kept out and what is trapped has its place. */
    entry.floating = entry.floating && entry.kind != MAP_KEEP_OUT;
    entry.trapped = (flags & 2) && entry.kind == MAP_DEVICE && !entry.floating;
    if (flags & 4)
        entry.align = BIT(fuzz_below(in, 64));
    if (flags & 8)
        entry.align = fuzz_number(in);
    if (flags & 16)
        entry.pa = fuzz_number(in);
    fmt_snprintf(entry.what, sizeof(entry.what), "range %u", given_count);
    err = addrmap_add(&map, &entry);
    assert_int_equal(err == CORBEL_OK,
                     given_count < ADDRMAP_MAX && entry.size &&
                         (entry.floating || entry.base + entry.size >= entry.base) &&
                         (entry.align & (entry.align - 1)) == 0);
    if (err == CORBEL_OK)
        given[given_count++] = entry;
}

static const struct addrmap_entry *original(const struct addrmap_entry *entry)
{
    u32 index = (u32)strtoul(entry->what + strlen("range "), NULL, 10);

    assert_true(index < given_count);
    return &given[index];
}

static bool touches(const struct addrmap_entry *a, const struct addrmap_entry *b)
{
    return a->base <= b->base + (b->size - 1) && b->base <= a->base + (a->size - 1);
}

static void check_floating(const struct addrmap_entry *entry, const struct addrmap_entry *before)
{
    assert_true(entry->base >= PAGE_SIZE);
    assert_int_equal(entry->base % MAX(before->align, PAGE_SIZE), 0);
    for (u32 i = 0; i < given_count; i++)
        assert_false(given[i].kind == MAP_KEEP_OUT && touches(entry, &given[i]));
}

static void check_entry(const struct addrmap_entry *entry, u8 max_bits)
{
    const struct addrmap_entry *before = original(entry);

    assert_false(entry->floating);
    assert_int_not_equal(entry->kind, MAP_KEEP_OUT);
    assert_true(entry->kind == before->kind && entry->size == before->size &&
                entry->pa == before->pa && entry->trapped == before->trapped);
    assert_true(entry->trapped || (entry->base | entry->size | entry->pa) % PAGE_SIZE == 0);
    assert_true(entry->base + entry->size > entry->base);
    assert_true(entry->base + entry->size <= BIT(max_bits));
    assert_true(entry->base + entry->size <= BIT(map.ipa_bits));
    if (before->floating)
        check_floating(entry, before);
    else
        assert_true(entry->base == before->base);
}

static void check_solved(u8 max_bits)
{
    u32 kept = 0;

    for (u32 i = 0; i < given_count; i++)
        kept += given[i].kind != MAP_KEEP_OUT;
    assert_int_equal(map.count, kept);
    assert_true(map.ipa_bits >= 32 && map.ipa_bits <= MAX(max_bits, 32));
    for (u32 i = 0; i < map.count; i++) {
        check_entry(&map.entries[i], max_bits);
        if (i)
            assert_true(map.entries[i - 1].base + map.entries[i - 1].size <= map.entries[i].base);
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct fuzz_in in = { data, size };
    struct cfg_error error = { .text = "" };
    u8 max_bits = (u8)(32 + fuzz_below(&in, 24));
    enum corbel_err err;
    char line[128];

    addrmap_init(&map);
    given_count = 0;
    while (in.left && given_count <= ADDRMAP_MAX / 2)
        add_entry(&in);
    err = addrmap_solve(&map, max_bits, &error);
    if (err == CORBEL_OK)
        check_solved((u8)MIN(max_bits, ADDRMAP_BITS_MAX));
    else
        assert_non_null(strstr(error.text, ": expected "));
    for (u32 i = 0; addrmap_line(&map, i, line, sizeof(line)); i++)
        assert_true(strlen(line) > 20);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranges and searches over plain bitmaps, a 64-bit word at a time. Pure; the
 * caller holds whatever lock protects the map.
 */
#include <corbel/bitmap.h>

#include <corbel/bits.h>

/* Bits first .. first + count - 1 of one word; count >= 1, all within the word. */
static u64 word_mask(u64 first, u64 count)
{
    return (~0ull >> (64 - count)) << first;
}

void bitmap_set_range(u64 *map, u64 first, u64 count)
{
    while (count) {
        u64 in_word = MIN(64 - first % 64, count);

        map[first / 64] |= word_mask(first % 64, in_word);
        first += in_word;
        count -= in_word;
    }
}

void bitmap_clear_range(u64 *map, u64 first, u64 count)
{
    while (count) {
        u64 in_word = MIN(64 - first % 64, count);

        map[first / 64] &= ~word_mask(first % 64, in_word);
        first += in_word;
        count -= in_word;
    }
}

/* First bit at or after from that differs from the corresponding bit of flip. */
static u64 find(const u64 *map, u64 bits, u64 from, u64 flip)
{
    while (from < bits) {
        u64 word = (map[from / 64] ^ flip) >> (from % 64);

        if (word)
            return MIN(from + bit_lowest(word), bits);
        from = ALIGN_DOWN(from, 64) + 64;
    }
    return bits;
}

u64 bitmap_find_set(const u64 *map, u64 bits, u64 from)
{
    return find(map, bits, from, 0);
}

u64 bitmap_find_clear(const u64 *map, u64 bits, u64 from)
{
    return find(map, bits, from, ~0ull);
}

u64 bitmap_count(const u64 *map, u64 bits)
{
    u64 count = 0, i;

    for (i = 0; i < bits / 64; i++)
        count += bit_count(map[i]);
    if (bits % 64)
        count += bit_count(map[i] & word_mask(0, bits % 64));
    return count;
}

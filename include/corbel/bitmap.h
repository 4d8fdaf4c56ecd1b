/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_BITMAP_H
#define CORBEL_BITMAP_H

#include <corbel/types.h>

/* Plain bitmaps of 64-bit words; bit n is word n / 64, bit n % 64. No locks. */
#define BITMAP_WORDS(bits) (((size_t)(bits) + 63) / 64)

static inline bool bitmap_test(const u64 *map, u64 bit)
{
    return (map[bit / 64] >> (bit % 64)) & 1;
}

static inline void bitmap_set(u64 *map, u64 bit)
{
    map[bit / 64] |= 1ull << (bit % 64);
}

static inline void bitmap_clear(u64 *map, u64 bit)
{
    map[bit / 64] &= ~(1ull << (bit % 64));
}

void bitmap_set_range(u64 *map, u64 first, u64 count);
void bitmap_clear_range(u64 *map, u64 first, u64 count);

/* First set / clear bit at or after from; bits when there is none. */
u64 bitmap_find_set(const u64 *map, u64 bits, u64 from);
u64 bitmap_find_clear(const u64 *map, u64 bits, u64 from);
u64 bitmap_count(const u64 *map, u64 bits);

#endif

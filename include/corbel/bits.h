/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_BITS_H
#define CORBEL_BITS_H

#include <corbel/types.h>

/* The only bit language of the project. Masks are 64 bits wide; GENMASK takes (high, low). */
#define BIT(n)          (1ull << (n))
#define GENMASK(hi, lo) ((~0ull >> (63 - (hi))) & (~0ull << (lo)))

#define FIELD_SHIFT(mask)     ((unsigned int)__builtin_ctzll(mask))
#define FIELD_GET(mask, reg)  (((u64)(reg) & (mask)) >> FIELD_SHIFT(mask))
#define FIELD_PREP(mask, val) (((u64)(val) << FIELD_SHIFT(mask)) & (mask))

#define ALIGN_DOWN(x, a)   ((x) & ~((__typeof__(x))(a)-1))
#define ALIGN_UP(x, a)     ALIGN_DOWN((x) + (__typeof__(x))(a)-1, a)
#define IS_ALIGNED(x, a)   (((x) & ((__typeof__(x))(a)-1)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* Index of the lowest / highest set bit; x must not be 0. */
static inline unsigned int bit_lowest(u64 x)
{
    return (unsigned int)__builtin_ctzll(x);
}

static inline unsigned int bit_highest(u64 x)
{
    return 63u - (unsigned int)__builtin_clzll(x);
}

static inline unsigned int bit_count(u64 x)
{
    unsigned int n = 0;

    for (; x; x &= x - 1)
        n++;
    return n;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Polynomial hash in the field of p = 2^61 - 1: sum = sum * key + word, word by word of 32 bits,
 * so that no two words are the same number modulo p. 2^61 is 1 there, which makes reducing
 * a shift and an addition; two words at once take about two instructions a byte.
 */
#include <corbel/polyhash.h>

#include <corbel/bits.h>

#define PRIME (BIT(61) - 1)

typedef unsigned __int128 u128;

/* Below 2^61 + 16, the same number modulo p. x < 2^125. */
static u64 reduce(u128 x)
{
    u64 sum = ((u64)x & PRIME) + ((u64)(x >> 61) & PRIME) + (u64)(x >> 122);

    return (sum & PRIME) + (sum >> 61);
}

static u64 step(const struct polyhash *p, u64 sum, u32 word)
{
    return reduce((u128)sum * p->key + word);
}

/* Both steps with one reduction. */
static u64 step_pair(const struct polyhash *p, u64 sum, u64 pair)
{
    return reduce((u128)sum * p->key_squared + (u128)(u32)pair * p->key + (pair >> 32));
}

void polyhash_begin(struct polyhash *p, u64 key)
{
    *p = (struct polyhash){ .key = key % PRIME };
    p->key_squared = reduce((u128)p->key * p->key);
}

/* Bytes one by one, until a pair of words begins here and in memory, or nothing is left. */
static const u8 *add_bytes(struct polyhash *p, const u8 *data, const u8 *end)
{
    while (data < end && (p->size % 4 || (uintptr_t)data % 8 || end - data < 8)) {
        p->part |= (u32)*data++ << (p->size++ % 4 * 8);
        if (p->size % 4)
            continue;
        p->sum = step(p, p->sum, p->part);
        p->part = 0;
    }
    return data;
}

void polyhash_add(struct polyhash *p, const void *data, u64 size)
{
    const u8 *at = data, *end = at + size;
    const struct polyhash h = *p; /* nothing that a store could change */
    u64 sum;

    at = add_bytes(p, at, end);
    sum = p->sum;
    p->size += ALIGN_DOWN((u64)(end - at), 8ull);
    for (; end - at >= 8; at += 8)
        sum = step_pair(&h, sum, *(const u64 *)(const void *)at);
    p->sum = sum;
    add_bytes(p, at, end);
}

u64 polyhash_end(struct polyhash *p)
{
    u64 sum = p->sum;

    if (p->size % 4)
        sum = step(p, sum, p->part);
    sum = step(p, sum, (u32)p->size);
    sum = step(p, sum, (u32)(p->size >> 32));
    return sum >= PRIME ? sum - PRIME : sum;
}

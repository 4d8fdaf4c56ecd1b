/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeds for guests: ChaCha20 (RFC 8439) as a generator with fast key erasure. The key is
 * replaced by the first half of a block before any of the second half is handed out, so
 * that what was given away cannot be computed from a later state. One instance, one lock;
 * used when a domain is built and for the TRNG calls of a guest.
 */
#include <corbel/drbg.h>

#include <arch/spinlock.h>
#include <corbel/bits.h>
#include <corbel/compiler.h>
#include <corbel/string.h>

#define SEEDED_BYTES 16u

static struct {
    spinlock_t lock;
    u32 key[8];
    u64 counter; /* never reused with one key: the key changes with every block */
    u32 seeded;  /* bytes of seed mixed in so far */
} drbg = { .lock = SPINLOCK_INIT(RANK_LOG) };

static u32 rotl(u32 x, u32 n)
{
    return x << n | x >> (32 - n);
}

static void quarter_round(u32 *s, u32 a, u32 b, u32 c, u32 d)
{
    s[a] += s[b];
    s[d] = rotl(s[d] ^ s[a], 16);
    s[c] += s[d];
    s[b] = rotl(s[b] ^ s[c], 12);
    s[a] += s[b];
    s[d] = rotl(s[d] ^ s[a], 8);
    s[c] += s[d];
    s[b] = rotl(s[b] ^ s[c], 7);
}

void drbg_block(const u32 key[8], u32 counter, const u32 nonce[3], u32 out[16])
{
    /* "expand 32-byte k", RFC 8439 section 2.3 */
    u32 in[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };

    memcpy(&in[4], key, 32);
    in[12] = counter;
    memcpy(&in[13], nonce, 12);
    memcpy(out, in, 64);
    for (u32 round = 0; round < 10; round++) {
        for (u32 i = 0; i < 4; i++)
            quarter_round(out, i, 4 + i, 8 + i, 12 + i);
        for (u32 i = 0; i < 4; i++)
            quarter_round(out, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
    }
    for (u32 i = 0; i < 16; i++)
        out[i] += in[i];
}

/* One block: the first half becomes the key, the second goes to out. Lock held. */
static void step(u8 out[32])
{
    u32 block[16];
    u32 nonce[3] = { (u32)drbg.counter, (u32)(drbg.counter >> 32), 0 };

    drbg.counter++;
    drbg_block(drbg.key, 0, nonce, block);
    memcpy(drbg.key, block, 32);
    memcpy(out, &block[8], 32);
    memset(block, 0, sizeof(block));
}

__init void drbg_seed(const void *data, size_t size)
{
    const u8 *in = data;
    u8 discard[32];

    spin_lock(&drbg.lock);
    while (size) {
        size_t n = MIN(size, (size_t)32);
        u8 *key = (u8 *)drbg.key;

        for (size_t i = 0; i < n; i++)
            key[i] ^= in[i];
        step(discard);
        in += n;
        size -= n;
        drbg.seeded = MIN(drbg.seeded + (u32)n, 1u << 16);
    }
    spin_unlock(&drbg.lock);
}

void drbg_bytes(void *out, size_t size)
{
    u8 *to = out;
    u8 bytes[32];

    spin_lock(&drbg.lock);
    while (size) {
        size_t n = MIN(size, sizeof(bytes));

        step(bytes);
        memcpy(to, bytes, n);
        to += n;
        size -= n;
    }
    memset(bytes, 0, sizeof(bytes));
    spin_unlock(&drbg.lock);
}

bool drbg_is_seeded(void)
{
    return drbg.seeded >= SEEDED_BYTES;
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_POLYHASH_H
#define CORBEL_POLYHASH_H

#include <corbel/types.h>

/*
 * Has this data changed? A polynomial over the prime field of 2^61 - 1, evaluated at a secret
 * random key: two different texts of n bytes have the same value for at most n / 4 + 3 of the
 * 2^61 keys. No signature: who knows the key can make collisions (docs/lifecycle.md).
 */
struct polyhash {
    u64 key, key_squared; /* modulo 2^61 - 1 */
    u64 sum;              /* of what was taken so far */
    u64 size;             /* bytes taken */
    u32 part;             /* up to three bytes that do not make a word yet */
};

void polyhash_begin(struct polyhash *p, u64 key);

/* The next size bytes, cut in pieces as the caller likes. */
void polyhash_add(struct polyhash *p, const void *data, u64 size);

/* Of all that was added, and of how much it was. p can be begun anew. */
u64 polyhash_end(struct polyhash *p);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_DRBG_H
#define CORBEL_DRBG_H

#include <corbel/types.h>

/*
 * Guest seeds: a ChaCha20-based generator (RFC 8439 block function with fast key
 * erasure), seeded once from the host's rng-seed, RNDR or firmware TRNG, and the
 * counter; different for every domain and start. One instance, its own lock.
 */
void drbg_seed(const void *data, size_t size); /* mixes in; may be called again */
void drbg_bytes(void *out, size_t size);
/* True once at least 16 bytes of real seed came in. */
bool drbg_is_seeded(void);

/* The ChaCha20 block function, for tests with the RFC's vectors. */
void drbg_block(const u32 key[8], u32 counter, const u32 nonce[3], u32 out[16]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_DIRECTMEM_H
#define CORBEL_DIRECTMEM_H

#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/page.h>
#include <corbel/types.h>

/*
 * RAM for a direct-map domain from the frame allocator (seed 004): the largest chunk that
 * fits what is still wanted, halved when there is none, down to 2 MiB (smaller only for a
 * remainder below that); chunks are merged and ordered by address.
 */
#define DIRECTMEM_BANKS_MAX 32u

/* limit: all of it below this address, 0: anywhere. Nothing is held on ERR_NOMEM. */
enum corbel_err directmem_alloc(u64 size, u64 limit, struct mem_range *banks, u32 *count)
    __must_check;
void directmem_free(const struct mem_range *banks, u32 count);

#endif

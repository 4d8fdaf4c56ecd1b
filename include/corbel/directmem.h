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
 * remainder below that); chunks are merged and ordered by address. No state of its own;
 * frames are as the allocator gives them, not zeroed.
 */
#define DIRECTMEM_BANKS_MAX 32u

/*
 * size: whole pages; banks: room for DIRECTMEM_BANKS_MAX. limit: all of it below this address,
 * 0: anywhere. ERR_INVAL: size is 0 or no whole pages. ERR_NOMEM: not enough, or in more than
 * DIRECTMEM_BANKS_MAX pieces; nothing is held then.
 */
enum corbel_err directmem_alloc(u64 size, u64 limit, struct mem_range *banks, u32 *count)
    __must_check;
void directmem_free(const struct mem_range *banks, u32 count);

#endif

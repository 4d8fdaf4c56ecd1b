/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_SUBPAGE_H
#define CORBEL_SUBPAGE_H

#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/types.h>

struct domain;

/*
 * Registers of a given device that share a 4 KiB page with somebody else's: the page is not
 * mapped; each access traps, is checked against the region's bounds and forwarded to the
 * device with the guest's access size (1, 2, 4 or 8 bytes, naturally aligned), in order, by
 * the CPU that trapped. It has reached the device when the guest goes on. An access that is
 * not aligned, or lies partly outside, is an external abort; wholly outside of all regions
 * of the domain it is one to an address where nothing is mapped.
 */
struct subpage_region {
    u64 gpa, hpa; /* equal in their lowest 12 bits */
    u64 size;     /* may span pages */
};

/*
 * Register a region in d->mmio; memory from d->arena. Building. ERR_NOMEM: no memory or the
 * table is full. ERR_EXIST: another emulated block is there. ERR_INVAL: not such a region.
 */
enum corbel_err subpage_add(struct domain *d, const struct subpage_region *r) __must_check;

/* Bytes that one region takes from the domain's arena. */
u64 subpage_arena_size(void);

#endif

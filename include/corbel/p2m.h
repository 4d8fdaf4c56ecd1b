/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_P2M_H
#define CORBEL_P2M_H

#include <arch/spinlock.h>
#include <arch/stage2.h>
#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/s2policy.h>
#include <corbel/types.h>

/*
 * A domain's guest-physical memory: lock, policy, class, table pool. The only
 * caller of stage2_*. All functions take the p2m lock (RANK_P2M) unless they say
 * otherwise. Later owners of the same seam: SMMU invalidation, pins, shares.
 */
#define P2M_BANKS_MAX 64u /* RAM banks of one domain */

/* RAM that the domain owns; frames go back to the allocator with the domain. */
struct p2m_bank {
    ipa_t ipa;
    pa_t pa;
    u64 size;
    bool is_static; /* from xen,static-mem: freed to that region, not to the buddy */
};

struct p2m {
    spinlock_t lock;
    struct stage2 s2;
    struct stage2_pool pool_ops;
    void *pool_base; /* heap range the table pages come from (after the root) */
    u64 pool_size;
    u64 *pool_map; /* bit per page: in use */
    u32 pool_pages, pool_used, pool_peak;
    struct p2m_bank banks[P2M_BANKS_MAX]; /* by ipa; fixed after building */
    u32 bank_count;
    u64 ram_size;
};

/*
 * Prepare empty tables. pool_pages: table pages besides the root. Root and pool
 * come from the heap. Nothing is left behind on failure (ERR_NOMEM, ERR_RANGE).
 */
enum corbel_err p2m_init(struct p2m *p2m, u16 vmid, u8 ipa_bits, u32 pool_pages) __must_check;

/* Map a range with the attributes of cls. ERR_EXIST when any page of it is mapped already. */
enum corbel_err p2m_map(struct p2m *p2m, ipa_t ipa, pa_t pa, u64 size, enum s2_class cls)
    __must_check;

/* Unmap; when the class was cacheable the range is cleaned and invalidated to the PoC after it. */
enum corbel_err p2m_unmap(struct p2m *p2m, ipa_t ipa, u64 size) __must_check;

/* Record a bank of RAM the domain owns now, and map it as RAM. Building only. */
enum corbel_err p2m_add_ram(struct p2m *p2m, const struct p2m_bank *bank) __must_check;

/* What is mapped at ipa; ERR_NOENT when nothing. */
enum corbel_err p2m_lookup(struct p2m *p2m, ipa_t ipa, struct stage2_map *out) __must_check;

/*
 * Host address of size bytes of RAM at ipa, and how many of them are contiguous
 * there; ERR_NOENT outside RAM. No lock: banks are fixed after building.
 */
enum corbel_err p2m_ram_at(const struct p2m *p2m, ipa_t ipa, pa_t *pa, u64 *contiguous)
    __must_check;

/* Copy to / from guest RAM through a window; all or nothing, ERR_RANGE outside RAM. */
enum corbel_err p2m_copy_to(struct p2m *p2m, ipa_t dst, const void *src, u64 size) __must_check;
enum corbel_err p2m_copy_from(struct p2m *p2m, void *dst, ipa_t src, u64 size) __must_check;

/*
 * Teardown in bounded steps (decision 34 g): tables and TLBs first, then RAM is
 * scrubbed and freed piece by piece. ERR_AGAIN until done. No vCPU may be resident.
 */
enum corbel_err p2m_destroy_step(struct p2m *p2m) __must_check;

/* Nearest mapped region below and above ipa, for abort reports; counts are 0 when none. */
struct p2m_near {
    struct stage2_map below, above;
    bool has_below, has_above;
};
void p2m_nearest(struct p2m *p2m, ipa_t ipa, struct p2m_near *out);

/* Print the map by region through the log (boot option and debug key). */
void p2m_report(struct p2m *p2m, const char *name);

#endif

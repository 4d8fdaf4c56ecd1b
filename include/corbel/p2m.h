/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_P2M_H
#define CORBEL_P2M_H

#include <arch/spinlock.h>
#include <arch/stage2.h>
#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/page.h>
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

/* Table pages, from a heap range that has the root before and the bitmap after them. */
struct p2m_pool {
    void *base;
    u64 *map;      /* bit per page: in use */
    u64 small_map; /* that of a pool of up to 64 pages */
    u32 pages, used, peak;
    struct stage2_pool ops;
};

/*
 * The SMMUs' side of a p2m (p2m_io.c). Shared: they walk the p2m's own tables and are told of
 * each invalidation. Unshared (iommu=no-sharept): tables of their own, which hold the memory
 * classes (RAM, RAM-RO, SRAM) and the MSI frame, no other device, and follow each change.
 */
struct p2m_io {
    u32 iommus; /* SMMUs that walk: bit = index in platform.iommus */
    u32 walked; /* those that ever did: told of invalidations until the end */
    bool unshared;
    struct stage2 s2; /* unshared only; the p2m's VMID */
    struct p2m_pool pool;
    struct stage2_walkers walkers;
};

struct p2m {
    spinlock_t lock;
    struct stage2 s2;
    struct p2m_io io;
    struct p2m_pool pool;
    struct p2m_bank banks[P2M_BANKS_MAX]; /* by ipa; fixed after building */
    u32 bank_count;
    u64 ram_size;
    struct mem_range hook; /* guest addresses of RAM that changes page by page; size 0: none */
};

/*
 * Prepare empty tables. pool_pages: table pages besides the root. Root and pool
 * come from the heap. Nothing is left behind on failure (ERR_NOMEM, ERR_RANGE).
 */
enum corbel_err p2m_init(struct p2m *p2m, u16 vmid, u8 ipa_bits, u32 pool_pages) __must_check;

/*
 * Make tables for SMMUs beside those for CPUs, with a root and pool_pages of their own. After
 * p2m_init(), before the first map. ERR_NOMEM: no memory for them.
 */
enum corbel_err p2m_unshare(struct p2m *p2m, u32 pool_pages) __must_check;

/* What SMMUs walk: root, geometry, VMID; stays as it is until the p2m is destroyed. */
const struct stage2 *p2m_io_tables(const struct p2m *p2m);

/*
 * SMMU (index) walks these tables from now on / no more. While any does, a change of RAM that
 * would split a live block is made without an invalid moment, or refused with ERR_BUSY.
 */
void p2m_io_attached(struct p2m *p2m, u32 iommu);
void p2m_io_detached(struct p2m *p2m, u32 iommu);

/*
 * An invalidation failed, or streams could not be stopped: devices may reach for ever what was
 * mapped. From now on p2m_map() and p2m_unmap() give ERR_IO, and no frame goes back; tables
 * that SMMUs walked stay allocated. p2m_is_lost() still says so after p2m_destroy_step() is
 * done: then the VMID, static memory and shares of the domain must not be used again either.
 * It takes no lock.
 */
void p2m_set_lost(struct p2m *p2m);
bool p2m_is_lost(const struct p2m *p2m);

/*
 * Map a range with the attributes of cls, all or nothing. ERR_EXIST when any page of it is
 * mapped already; ERR_NOMEM; ERR_IO: lost.
 */
enum corbel_err p2m_map(struct p2m *p2m, ipa_t ipa, pa_t pa, u64 size, enum s2_class cls)
    __must_check;

/*
 * Unmap; when it returns no CPU and no device reaches the range any more. When the class was
 * cacheable the range is cleaned and invalidated to the PoC after it. ERR_NOMEM, ERR_BUSY
 * (devices use a block that would have to be split): nothing changed. ERR_TIMEDOUT, ERR_IO: an
 * SMMU did not forget; the p2m is lost.
 */
enum corbel_err p2m_unmap(struct p2m *p2m, ipa_t ipa, u64 size) __must_check;

/*
 * Record a bank of RAM the domain owns now, and map it as RAM. Building only. What lies in
 * p2m->hook (corbel,debug-hook) is mapped in single pages.
 */
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

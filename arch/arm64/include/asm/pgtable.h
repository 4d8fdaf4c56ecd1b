/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_PGTABLE_H
#define ASM_PGTABLE_H

#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/types.h>

/*
 * The one page-table walker, for EL2's stage 1 and for stage 2. It knows
 * descriptors (asm/pte.h) and nothing of registers, locks, policy or ownership.
 * The caller serializes all calls on one struct pgt.
 */
#define PGT_LEAF_LEVEL 3u
#define PGT_LEVEL_ANY  4u /* for invalidate() */

struct pgt_ops {
    /* A zeroed page, or NULL. Called only before anything is changed. */
    void *(*alloc)(void *ctx);
    /* A page that no walker can reach any more. */
    void (*free)(void *ctx, void *page);
    void *(*to_virt)(void *ctx, u64 pa);
    u64 (*to_phys)(void *ctx, const void *va);
    /*
     * The one entry of this level that covers [addr, addr + size) was cleared
     * (PGT_LEVEL_ANY: a table with all that hung below it): have every cached
     * copy dropped, of walks too. May be collected until sync(), which returns
     * when all are done and all earlier table writes are visible. An error of
     * sync(): some walker may keep what it had; the operation ends with it.
     */
    void (*invalidate)(void *ctx, u64 addr, u64 size, u32 level);
    enum corbel_err (*sync)(void *ctx);
    /* Clean descriptors for a walker that does not snoop caches; NULL when all do. */
    void (*clean)(void *ctx, const void *va, u64 size);
};

struct pgt {
    u64 *root; /* start_level tables, concatenated, zeroed at first */
    const struct pgt_ops *ops;
    void *ctx;
    u8 start_level; /* 0..2 */
    u8 addr_bits;   /* input address size */
    u8 block_level; /* biggest leaf: 1 = 1 GiB, 2 = 2 MiB, 3 = 4 KiB (no live block to split) */
    u8 split;       /* enum stage2_split_mode (arch/stage2.h): how live blocks are split */
};

/* addr, pa, size: multiples of 4 KiB. attr: PTE_ATTRS bits of each leaf. */
struct pgt_range {
    u64 addr;
    u64 pa;
    u64 size;
    u64 attr;
};

/*
 * Map, replacing what is there. All or nothing: ERR_NOMEM and ERR_BUSY (a live block would
 * have to be split, and split says REFUSE) leave the map as it was; ERR_INVAL unaligned,
 * ERR_RANGE beyond addr_bits or 48 bits of pa. The one exception is an error of sync(),
 * here and below: what was done so far stays, the entry under change stays invalid, and
 * pages that were in use are not freed, since a walker may still read them.
 */
enum corbel_err pgt_map(const struct pgt *pgt, const struct pgt_range *range) __must_check;

/* Unmap; holes are fine. Same promises; only splitting a block can take pages. */
enum corbel_err pgt_unmap(const struct pgt *pgt, u64 addr, u64 size) __must_check;

/*
 * See to it that no leaf reaches across addr, by splitting the one that does. The
 * map stays the same; an unmap that ends there will need no pages. ERR_NOMEM, ERR_BUSY.
 */
enum corbel_err pgt_split(const struct pgt *pgt, u64 addr) __must_check;

/* The whole leaf that maps addr; ERR_NOENT when there is none. */
enum corbel_err pgt_lookup(const struct pgt *pgt, u64 addr, struct pgt_range *leaf) __must_check;

/* First leaf that ends above addr / last leaf that starts below it; ERR_NOENT. */
enum corbel_err pgt_next(const struct pgt *pgt, u64 addr, struct pgt_range *leaf) __must_check;
enum corbel_err pgt_prev(const struct pgt *pgt, u64 addr, struct pgt_range *leaf) __must_check;

/* Clear the root, invalidate everything, free all tables but the root (not after an error). */
enum corbel_err pgt_destroy(const struct pgt *pgt) __must_check;

/*
 * Tables that entries of first_level and below would take to map this range
 * where nothing is mapped yet: entries that the range touches and that cannot
 * be leaves.
 */
u64 pgt_tables_needed(const struct pgt_range *range, u32 first_level, u32 block_level);

/* Bytes that one entry of a level maps. */
static inline u64 pgt_entry_size(u32 level)
{
    return 1ull << (PAGE_SHIFT + 9 * (PGT_LEAF_LEVEL - level));
}

/* The visitor behind all of the above; public for reports and tests. */
#define PGT_VISIT_PRE  1u /* a table, before what it holds */
#define PGT_VISIT_LEAF 2u /* a leaf or an empty entry */
#define PGT_VISIT_POST 4u /* a table, after what it holds */
#define PGT_VISIT_BACK 8u /* from the highest address down */

struct pgt_entry {
    u64 addr, end; /* the part of the walk's range that this entry covers */
    u64 *slot;
    u64 pte;
    u32 level;
    u32 when; /* one of PGT_VISIT_PRE, _LEAF, _POST */
};

/* May change *entry->slot; the walk goes on with what it finds there. Not 0:
 * stop, return it. */
typedef enum corbel_err (*pgt_visitor)(const struct pgt *pgt, const struct pgt_entry *entry,
                                       void *arg);

struct pgt_walk {
    u64 addr, end;
    u32 flags;
    pgt_visitor visit;
    void *arg;
};

enum corbel_err pgt_walk(const struct pgt *pgt, const struct pgt_walk *walk) __must_check;

#endif

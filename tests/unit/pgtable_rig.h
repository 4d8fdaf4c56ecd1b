/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGTABLE_RIG_H
#define PGTABLE_RIG_H

/*
 * The memory operations of a walker under test: they keep a shadow of each table and watch
 * every descriptor written. A live entry may only become invalid, and may become anything
 * else only after its range was invalidated and synced; or (BBM level 2) a block may become
 * a table that says the same, in which nothing changes until the block was forgotten.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arch/stage2.h>
#include <asm/pgtable.h>
#include <asm/pte.h>

#include <corbel/bits.h>

#include <cmocka.h>

#include "fake_core.h"

#define POOL_PAGES  4096u
#define ROOT_MAX    16u
#define POOL_PA     0x4200000000ull
#define MODEL_SIZE  (2 * SZ_1G + SZ_1G / 4)
#define WAITING_MAX 65536u
#define MODEL_PAGES (MODEL_SIZE / PAGE_SIZE)

enum slot_state { QUIET, BROKEN, INVALIDATED };

struct table_info {
    bool used;
    u64 base; /* input address of entry 0 */
    u32 level;
    const u8 *parent; /* state of the entry that links it; NULL: a root */
};

static u64 pool[POOL_PAGES][512] __aligned(65536);
static u64 shadow[POOL_PAGES][512];
static u8 state[POOL_PAGES][512]; /* enum slot_state */
static struct table_info info[POOL_PAGES];
static u64 flat[MODEL_PAGES];
static u32 pool_used, pool_hint;
static s32 fail_at; /* countdown to a failing allocation, -1: never */
static u32 root_pages;
static struct {
    u64 *slot; /* the last one that was broken, until it is invalidated */
    u32 unsynced;
    u8 *waiting[WAITING_MAX]; /* slot states until the next sync */
    u32 invalidations, splits;
    u8 mode;         /* enum stage2_split_mode */
    const u64 *last; /* the last live entry that was broken, ... */
    bool was_block;  /* ... a leaf above the last level */
    s32 sync_fails;  /* countdown, -1: never */
    bool failed;
    u32 destroying; /* address bits while pgt_destroy() runs */
} watch;

static inline u32 page_index(const void *p)
{
    return (u32)(((uintptr_t)p - (uintptr_t)pool) / PAGE_SIZE);
}

static inline void *t_alloc(void *ctx)
{
    if (fail_at >= 0 && fail_at-- == 0)
        return NULL;
    for (u32 i = pool_hint; i < POOL_PAGES; i++) {
        if (info[i].used)
            continue;
        info[i] = (struct table_info){ .used = true };
        memset(pool[i], 0, PAGE_SIZE);
        memset(shadow[i], 0, PAGE_SIZE);
        memset(state[i], QUIET, sizeof(state[i]));
        pool_used++;
        pool_hint = i + 1;
        return pool[i];
    }
    return NULL;
}

static inline void t_free(void *ctx, void *page)
{
    u32 n = page_index(page);

    assert_in_range(n, ROOT_MAX, POOL_PAGES - 1);
    assert_true(info[n].used);
    assert_int_equal(watch.unsynced, 0);
    if (watch.failed) /* only what was never linked may come back */
        assert_null(info[n].parent);
    info[n].used = false;
    pool_used--;
    pool_hint = MIN(pool_hint, n);
}

static inline void *t_to_virt(void *ctx, u64 pa)
{
    assert_in_range(pa, POOL_PA, POOL_PA + sizeof(pool) - 1);
    return (u8 *)pool + (pa - POOL_PA);
}

static inline u64 t_to_phys(void *ctx, const void *va)
{
    return POOL_PA + ((uintptr_t)va - (uintptr_t)pool);
}

static inline bool is_table_pte(u64 pte, u32 level)
{
    return level < 3 && (pte & 3) == 3;
}

/* A table was linked: from now on its entries can be seen. */
static inline void adopt(u64 pte, u64 base, u32 level, const u8 *parent)
{
    u32 n = page_index(t_to_virt(NULL, pte & PTE_ADDR));

    assert_true(info[n].used);
    info[n].base = base;
    info[n].level = level;
    info[n].parent = parent;
    memcpy(shadow[n], pool[n], PAGE_SIZE);
}

/* A live entry: broken, or (level 2) a block that becomes a table of the same. */
static inline void live_written(u64 *slot, u64 old, u64 base)
{
    u32 n = page_index(slot), i = (u32)(((uintptr_t)slot % PAGE_SIZE) / 8), level = info[n].level;
    const u64 *table;
    u64 size = pgt_entry_size(level + 1);

    assert_null(watch.slot);
    watch.slot = slot;
    watch.last = slot;
    watch.was_block = level < PGT_LEAF_LEVEL && !is_table_pte(old, level);
    state[n][i] = BROKEN;
    if (!*slot)
        return;
    assert_int_equal(watch.mode, STAGE2_SPLIT_LEVEL2);
    assert_true(watch.was_block && is_table_pte(*slot, level));
    adopt(*slot, base, level + 1, &state[n][i]);
    table = t_to_virt(NULL, *slot & PTE_ADDR);
    for (u32 k = 0; k < 512; k++)
        assert_int_equal(table[k], ((old & ~PTE_TYPE) + k * size) |
                                       (level + 1 == PGT_LEAF_LEVEL ? PTE_TYPE : 0));
    watch.splits++;
}

static inline void slot_written(u64 *slot)
{
    u32 n = page_index(slot), i = (u32)(((uintptr_t)slot % PAGE_SIZE) / 8);
    u64 old = shadow[n][i], new = *slot, size = pgt_entry_size(info[n].level);
    u64 base = info[n].base + i * size;

    if (info[n].parent && !watch.failed)
        assert_int_equal(*info[n].parent, QUIET);
    if (watch.destroying) { /* root entries go one by one, then all is invalidated at once */
        assert_int_equal(new, 0);
    } else if (old & PTE_VALID) {
        live_written(slot, old, base);
    } else if (new &PTE_VALID) {
        assert_int_equal(state[n][i], QUIET);
        /* Nothing is split by breaking, nor joined, where walkers cannot wait. */
        if (watch.mode != STAGE2_SPLIT_BREAK && watch.last == slot)
            assert_int_equal(is_table_pte(new, info[n].level), 0);
        if (watch.mode != STAGE2_SPLIT_BREAK && watch.last == slot &&
            info[n].level < PGT_LEAF_LEVEL)
            assert_true(watch.was_block);
        if (is_table_pte(new, info[n].level))
            adopt(new, base, info[n].level + 1, &state[n][i]);
    }
    shadow[n][i] = new;
}

static inline void t_clean(void *ctx, const void *va, u64 size)
{
    if (size == 8)
        slot_written((u64 *)(uintptr_t)va);
}

static inline void t_invalidate(void *ctx, u64 addr, u64 size, u32 level)
{
    u32 n, i;

    watch.invalidations++;
    if (watch.destroying) {
        assert_int_equal(addr, 0);
        assert_int_equal(size, BIT(watch.destroying));
        assert_int_equal(level, PGT_LEVEL_ANY);
        return;
    }
    assert_non_null(watch.slot);
    n = page_index(watch.slot);
    i = (u32)(((uintptr_t)watch.slot % PAGE_SIZE) / 8);
    assert_int_equal(addr, info[n].base + i * pgt_entry_size(info[n].level));
    assert_int_equal(size, pgt_entry_size(info[n].level));
    assert_true(level == info[n].level || level == PGT_LEVEL_ANY);
    state[n][i] = INVALIDATED;
    watch.slot = NULL;
    assert_in_range(watch.unsynced, 0, WAITING_MAX - 1);
    watch.waiting[watch.unsynced++] = &state[n][i];
}

/* Failing, it leaves what was to be forgotten as it is: not usable any more. */
static inline enum corbel_err t_sync(void *ctx)
{
    assert_null(watch.slot);
    assert_false(watch.failed); /* an operation ends with the first error */
    if (watch.unsynced && watch.sync_fails >= 0 && watch.sync_fails-- == 0) {
        watch.unsynced = 0;
        watch.failed = true;
        return ERR_TIMEDOUT;
    }
    for (; watch.unsynced; watch.unsynced--)
        *watch.waiting[watch.unsynced - 1] = QUIET;
    return CORBEL_OK;
}

static const struct pgt_ops ops = {
    .alloc = t_alloc,
    .free = t_free,
    .to_virt = t_to_virt,
    .to_phys = t_to_phys,
    .invalidate = t_invalidate,
    .sync = t_sync,
    .clean = t_clean,
};

struct geometry {
    u8 start_level, addr_bits, block_level;
    u64 base; /* of the model's window */
};

/* Windows that cross level-0 entries, concatenated roots and the end of the space. */
static const struct geometry geometries[] = {
    { 0, 48, 1, 512 * SZ_1G - SZ_1G },
    { 0, 48, 2, 512 * SZ_1G - SZ_1G },
    { 0, 48, 3, 1024 * SZ_1G - SZ_1G - SZ_1G / 8 },
    { 0, 44, 1, 512 * SZ_1G - SZ_1G - SZ_2M },
    { 1, 32, 1, SZ_1G },
    { 1, 39, 1, 512 * SZ_1G - MODEL_SIZE },
    { 1, 40, 1, 512 * SZ_1G - SZ_1G },
    { 1, 43, 1, 15 * 512 * SZ_1G - SZ_1G },
    { 2, 34, 1, 3 * SZ_1G + SZ_1G / 2 },
    { 2, 32, 2, SZ_1G },
};

static inline void destroy(const struct pgt *pgt)
{
    watch.destroying = pgt->addr_bits;
    assert_int_equal(pgt_destroy(pgt), CORBEL_OK);
    watch.destroying = 0;
    assert_int_equal(pool_used, 0);
}

static u64 seed = 88172645463325252ull;

static inline u64 rnd(u64 below)
{
    return (fake_random(&seed) >> 8) % below;
}

static inline struct pgt start(const struct geometry *g)
{
    struct pgt pgt = { .root = pool[0],
                       .ops = &ops,
                       .start_level = g->start_level,
                       .addr_bits = g->addr_bits,
                       .block_level = g->block_level };
    u64 entries = BIT(g->addr_bits) / pgt_entry_size(g->start_level);

    root_pages = (u32)DIV_ROUND_UP(entries, 512);
    memset(info, 0, sizeof(info));
    memset(pool, 0, ROOT_MAX * PAGE_SIZE);
    memset(shadow, 0, sizeof(shadow));
    memset(state, QUIET, sizeof(state));
    memset(flat, 0, sizeof(flat));
    memset(&watch, 0, sizeof(watch));
    watch.sync_fails = -1;
    for (u32 i = 0; i < root_pages; i++) {
        info[i].level = g->start_level;
        info[i].base = (u64)i * 512 * pgt_entry_size(g->start_level);
    }
    pool_used = 0;
    pool_hint = ROOT_MAX;
    fail_at = -1;
    return pgt;
}

static inline enum corbel_err compare_leaf(const struct pgt *pgt, const struct pgt_entry *e,
                                           void *arg)
{
    u64 base = *(u64 *)arg, size = pgt_entry_size(e->level), want = 0, step = 0;

    if (e->pte & PTE_VALID) {
        want = (e->pte & (PTE_ADDR | PTE_ATTRS)) + e->addr % size + 1;
        step = PAGE_SIZE;
    }
    for (u64 at = e->addr; at < e->end; at += PAGE_SIZE, want += step)
        if (flat[(at - base) / PAGE_SIZE] != want)
            fail_msg("page %llx is mapped wrong", (unsigned long long)at);
    return CORBEL_OK;
}

static inline void compare(const struct pgt *pgt, u64 base)
{
    struct pgt_range leaf;
    struct pgt_walk w = { .addr = base,
                          .end = base + MODEL_SIZE,
                          .flags = PGT_VISIT_LEAF,
                          .visit = compare_leaf,
                          .arg = &base };

    assert_int_equal(pgt_walk(pgt, &w), CORBEL_OK);
    assert_int_equal(pgt_next(pgt, base + MODEL_SIZE, &leaf), ERR_NOENT);
    assert_int_equal(pgt_prev(pgt, base, &leaf), ERR_NOENT);
}

static inline enum corbel_err count_table(const struct pgt *pgt, const struct pgt_entry *e,
                                          void *arg)
{
    const u64 *table = t_to_virt(NULL, e->pte & PTE_ADDR);
    u32 live = 0;

    for (u32 i = 0; i < 512; i++)
        live += table[i] & 1;
    assert_true(live > 0); /* empty tables went back */
    ++*(u32 *)arg;
    return CORBEL_OK;
}

/* Each page that was taken is reachable, and nothing hangs in the air. */
static inline void check_books(const struct pgt *pgt)
{
    u32 tables = 0;
    struct pgt_walk w = {
        .end = BIT(pgt->addr_bits), .flags = PGT_VISIT_PRE, .visit = count_table, .arg = &tables
    };

    assert_int_equal(pgt_walk(pgt, &w), CORBEL_OK);
    assert_int_equal(tables, pool_used);
    assert_int_equal(watch.unsynced, 0);
    assert_null(watch.slot);
}

static inline void random_range(u64 base, struct pgt_range *r)
{
    static const u64 grains[] = { SZ_4K, SZ_4K, SZ_2M, SZ_2M, SZ_1G };
    static const u64 skews[] = { 0, 0, 0, SZ_4K, SZ_2M };
    u64 grain = grains[rnd(5)];
    u64 start = ALIGN_DOWN(rnd(MODEL_SIZE), grain);
    u64 size = grain * (1 + rnd(grain == SZ_1G ? 2 : 20)) + (rnd(4) ? 0 : rnd(600) * PAGE_SIZE);

    r->addr = base + start;
    r->size = MIN(size, MODEL_SIZE - start);
    r->pa = ALIGN_DOWN(r->addr, SZ_1G) % (1024 * SZ_1G) + SZ_1G * (1 + rnd(64)) +
            (r->addr % SZ_1G) + skews[rnd(5)];
    r->attr = FIELD_PREP(PTE_S2_MEMATTR, rnd(16)) | PTE_AF | FIELD_PREP(PTE_S2_CLASS, rnd(7));
}

static inline void model_map(u64 base, const struct pgt_range *r)
{
    u64 first = (r->addr - base) / PAGE_SIZE;

    for (u64 i = 0; i < r->size / PAGE_SIZE; i++)
        flat[first + i] = (r->pa + i * PAGE_SIZE) | r->attr | 1;
}

static inline void model_unmap(u64 base, const struct pgt_range *r)
{
    memset(&flat[(r->addr - base) / PAGE_SIZE], 0, r->size / PAGE_SIZE * sizeof(u64));
}

#endif

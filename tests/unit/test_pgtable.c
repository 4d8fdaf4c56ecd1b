/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model test of the walker: random maps and unmaps against a flat array of pages, in
 * every geometry. The memory operations keep a shadow of each table and watch every
 * descriptor written: a live entry may only become invalid, and may become anything
 * else only after its range was invalidated and synced.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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
    u32 invalidations;
    u32 destroying; /* address bits while pgt_destroy() runs */
} watch;

static u32 page_index(const void *p)
{
    return (u32)(((uintptr_t)p - (uintptr_t)pool) / PAGE_SIZE);
}

static void *t_alloc(void *ctx)
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

static void t_free(void *ctx, void *page)
{
    u32 n = page_index(page);

    assert_in_range(n, ROOT_MAX, POOL_PAGES - 1);
    assert_true(info[n].used);
    assert_int_equal(watch.unsynced, 0);
    info[n].used = false;
    pool_used--;
    pool_hint = MIN(pool_hint, n);
}

static void *t_to_virt(void *ctx, u64 pa)
{
    assert_in_range(pa, POOL_PA, POOL_PA + sizeof(pool) - 1);
    return (u8 *)pool + (pa - POOL_PA);
}

static u64 t_to_phys(void *ctx, const void *va)
{
    return POOL_PA + ((uintptr_t)va - (uintptr_t)pool);
}

static bool is_table_pte(u64 pte, u32 level)
{
    return level < 3 && (pte & 3) == 3;
}

/* A table was linked: from now on its entries can be seen. */
static void adopt(u64 pte, u64 base, u32 level)
{
    u32 n = page_index(t_to_virt(NULL, pte & PTE_ADDR));

    assert_true(info[n].used);
    info[n].base = base;
    info[n].level = level;
    memcpy(shadow[n], pool[n], PAGE_SIZE);
}

static void slot_written(u64 *slot)
{
    u32 n = page_index(slot), i = (u32)(((uintptr_t)slot % PAGE_SIZE) / 8);
    u64 old = shadow[n][i], new = *slot, size = pgt_entry_size(info[n].level);
    u64 base = info[n].base + i * size;

    if (watch.destroying) { /* root entries go one by one, then all is invalidated at once */
        assert_int_equal(new, 0);
    } else if (old & PTE_VALID) {
        assert_int_equal(new, 0);
        assert_null(watch.slot);
        watch.slot = slot;
        state[n][i] = BROKEN;
    } else if (new &PTE_VALID) {
        assert_int_equal(state[n][i], QUIET);
        if (is_table_pte(new, info[n].level))
            adopt(new, base, info[n].level + 1);
    }
    shadow[n][i] = new;
}

static void t_clean(void *ctx, const void *va, u64 size)
{
    if (size == 8)
        slot_written((u64 *)(uintptr_t)va);
}

static void t_invalidate(void *ctx, u64 addr, u64 size, u32 level)
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

static enum corbel_err t_sync(void *ctx)
{
    assert_null(watch.slot);
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

static void destroy(const struct pgt *pgt)
{
    watch.destroying = pgt->addr_bits;
    assert_int_equal(pgt_destroy(pgt), CORBEL_OK);
    watch.destroying = 0;
    assert_int_equal(pool_used, 0);
}

static u64 seed = 88172645463325252ull;

static u64 rnd(u64 below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed >> 8) % below;
}

static struct pgt start(const struct geometry *g)
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
    for (u32 i = 0; i < root_pages; i++) {
        info[i].level = g->start_level;
        info[i].base = (u64)i * 512 * pgt_entry_size(g->start_level);
    }
    pool_used = 0;
    pool_hint = ROOT_MAX;
    fail_at = -1;
    return pgt;
}

static enum corbel_err compare_leaf(const struct pgt *pgt, const struct pgt_entry *e, void *arg)
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

static void compare(const struct pgt *pgt, u64 base)
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

static enum corbel_err count_table(const struct pgt *pgt, const struct pgt_entry *e, void *arg)
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
static void check_books(const struct pgt *pgt)
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

static void random_range(u64 base, struct pgt_range *r)
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

static void model_map(u64 base, const struct pgt_range *r)
{
    u64 first = (r->addr - base) / PAGE_SIZE;

    for (u64 i = 0; i < r->size / PAGE_SIZE; i++)
        flat[first + i] = (r->pa + i * PAGE_SIZE) | r->attr | 1;
}

static void model_unmap(u64 base, const struct pgt_range *r)
{
    memset(&flat[(r->addr - base) / PAGE_SIZE], 0, r->size / PAGE_SIZE * sizeof(u64));
}

static void random_step(const struct pgt *pgt, u64 base)
{
    struct pgt_range r;

    random_range(base, &r);
    switch (rnd(5)) {
    case 0:
    case 1:
        assert_int_equal(pgt_unmap(pgt, r.addr, r.size), CORBEL_OK);
        model_unmap(base, &r);
        break;
    case 2:
        assert_int_equal(pgt_split(pgt, r.addr), CORBEL_OK);
        break;
    default:
        assert_int_equal(pgt_map(pgt, &r), CORBEL_OK);
        model_map(base, &r);
        break;
    }
}

static void run_model(const struct geometry *g)
{
    struct pgt pgt = start(g);

    for (u32 i = 0; i < 100; i++) {
        random_step(&pgt, g->base);
        compare(&pgt, g->base);
        check_books(&pgt);
    }
    assert_int_equal(pgt_unmap(&pgt, g->base, MODEL_SIZE), CORBEL_OK);
    assert_int_equal(pool_used, 0);
    for (u32 i = 0; i < root_pages * 512; i++)
        assert_int_equal(pool[i / 512][i % 512], 0);
}

static void test_model(void **unused)
{
    for (u32 i = 0; i < ARRAY_SIZE(geometries); i++)
        run_model(&geometries[i]);
}

/* n-th allocation failing, for every n: nothing changed, nothing lost. */
static void run_failures(const struct geometry *g, bool map)
{
    struct pgt pgt = start(g);
    struct pgt_range blocks = { .addr = g->base + SZ_2M,
                                .size = MODEL_SIZE - 2 * SZ_2M,
                                .pa = g->base + SZ_1G + SZ_2M,
                                .attr = PTE_AF };
    struct pgt_range r = { .addr = g->base + SZ_1G / 2 + SZ_4K,
                           .size = SZ_1G / 16 + SZ_4K,
                           .pa = 5 * SZ_1G,
                           .attr = PTE_AF | PTE_SH };
    enum corbel_err err = ERR_NOMEM;
    u32 n, before;

    assert_int_equal(pgt_map(&pgt, &blocks), CORBEL_OK);
    model_map(g->base, &blocks);
    before = pool_used;
    for (n = 0; err; n++) {
        fail_at = (s32)n;
        err = map ? pgt_map(&pgt, &r) : pgt_unmap(&pgt, r.addr, r.size);
        fail_at = -1;
        assert_true(err == CORBEL_OK || err == ERR_NOMEM);
        if (err)
            assert_int_equal(pool_used, before);
        else if (map)
            model_map(g->base, &r);
        else
            model_unmap(g->base, &r);
        compare(&pgt, g->base);
        check_books(&pgt);
    }
    assert_true(n > 1 || g->block_level == 3);
    destroy(&pgt);
}

static void test_nth_allocation_fails(void **unused)
{
    for (u32 i = 0; i < ARRAY_SIZE(geometries); i++) {
        run_failures(&geometries[i], true);
        run_failures(&geometries[i], false);
    }
}

static u64 leaf_size_at(const struct pgt *pgt, u64 addr)
{
    struct pgt_range leaf;

    return pgt_lookup(pgt, addr, &leaf) ? 0 : leaf.size;
}

static void test_blocks_where_possible(void **unused)
{
    struct pgt pgt = start(&geometries[6]);
    struct pgt_range r = { .addr = SZ_1G - SZ_2M - SZ_4K,
                           .pa = 8 * SZ_1G - SZ_2M - SZ_4K,
                           .size = SZ_1G + 2 * SZ_2M + 2 * SZ_4K,
                           .attr = PTE_AF };

    assert_int_equal(pgt_map(&pgt, &r), CORBEL_OK);
    assert_int_equal(leaf_size_at(&pgt, SZ_1G - SZ_2M - SZ_4K), SZ_4K);
    assert_int_equal(leaf_size_at(&pgt, SZ_1G - SZ_2M), SZ_2M);
    assert_int_equal(leaf_size_at(&pgt, SZ_1G), SZ_1G);
    assert_int_equal(leaf_size_at(&pgt, 2 * SZ_1G), SZ_2M);
    assert_int_equal(leaf_size_at(&pgt, 2 * SZ_1G + SZ_2M), SZ_4K);
    assert_int_equal(leaf_size_at(&pgt, 2 * SZ_1G + SZ_2M + SZ_4K), 0);
    assert_int_equal(pool_used, 4); /* two level-2 tables, two level-3 tables */
    assert_int_equal(pgt_tables_needed(&r, 1, 1), 4);

    /* A finer map is replaced by one block, and its tables come back. */
    r = (struct pgt_range){ .addr = 2 * SZ_1G, .pa = 3 * SZ_1G, .size = SZ_1G, .attr = PTE_AF };
    assert_int_equal(pgt_map(&pgt, &r), CORBEL_OK);
    assert_int_equal(leaf_size_at(&pgt, 2 * SZ_1G + SZ_2M), SZ_1G);
    assert_int_equal(pool_used, 2);

    /* The same again changes nothing and breaks nothing. */
    watch.invalidations = 0;
    assert_int_equal(pgt_map(&pgt, &r), CORBEL_OK);
    assert_int_equal(watch.invalidations, 0);
    destroy(&pgt);
}

static void test_split_then_unmap_needs_nothing(void **unused)
{
    struct pgt pgt = start(&geometries[6]);
    struct pgt_range r = { .addr = SZ_1G, .pa = SZ_1G, .size = SZ_1G, .attr = PTE_AF };

    assert_int_equal(pgt_map(&pgt, &r), CORBEL_OK);
    assert_int_equal(pgt_split(&pgt, SZ_1G), CORBEL_OK);
    assert_int_equal(pool_used, 0);
    fail_at = 1;
    assert_int_equal(pgt_split(&pgt, SZ_1G + SZ_4K), ERR_NOMEM);
    assert_int_equal(pool_used, 0);
    fail_at = -1;
    assert_int_equal(pgt_split(&pgt, SZ_1G + SZ_4K), CORBEL_OK);
    assert_int_equal(pool_used, 2);
    assert_int_equal(pgt_split(&pgt, 2 * SZ_1G - SZ_4K), CORBEL_OK);
    assert_int_equal(pool_used, 3);
    assert_int_equal(pgt_split(&pgt, BIT(40)), CORBEL_OK);
    fail_at = 0;
    assert_int_equal(pgt_unmap(&pgt, SZ_1G + SZ_4K, SZ_1G - 2 * SZ_4K), CORBEL_OK);
    assert_int_equal(leaf_size_at(&pgt, SZ_1G), SZ_4K);
    assert_int_equal(leaf_size_at(&pgt, SZ_1G + SZ_4K), 0);
    assert_int_equal(leaf_size_at(&pgt, 2 * SZ_1G - SZ_4K), SZ_4K);
}

static void test_prev_and_next(void **unused)
{
    const struct geometry *g = &geometries[7];
    struct pgt pgt = start(g);
    struct pgt_range a, b;
    u64 at = 0, last = 0;
    bool any = false;

    for (u32 i = 0; i < 60; i++)
        random_step(&pgt, g->base);
    while (!pgt_next(&pgt, at, &a)) {
        at = a.addr + a.size;
        if (any) {
            assert_int_equal(pgt_prev(&pgt, a.addr, &b), CORBEL_OK);
            assert_int_equal(b.addr, last);
        } else {
            assert_int_equal(pgt_prev(&pgt, a.addr, &b), ERR_NOENT);
        }
        assert_int_equal(pgt_prev(&pgt, a.addr + 1, &b), CORBEL_OK);
        assert_int_equal(b.addr, a.addr);
        assert_int_equal(pgt_lookup(&pgt, at - 1, &b), CORBEL_OK);
        assert_int_equal(b.addr, a.addr);
        last = a.addr;
        any = true;
    }
    assert_int_equal(pgt_prev(&pgt, ~0ull, &b), CORBEL_OK);
    assert_int_equal(b.addr, last);
    destroy(&pgt);
    assert_int_equal(pgt_prev(&pgt, ~0ull, &b), ERR_NOENT);
}

static void test_arguments(void **unused)
{
    struct pgt pgt = start(&geometries[5]);
    struct pgt_range r = { .addr = 0x800, .pa = 0, .size = SZ_4K };
    struct pgt_range leaf;

    assert_int_equal(pgt_map(&pgt, &r), ERR_INVAL);
    r = (struct pgt_range){ .addr = BIT(39), .size = SZ_4K };
    assert_int_equal(pgt_map(&pgt, &r), ERR_RANGE);
    r = (struct pgt_range){ .addr = BIT(39) - SZ_4K, .size = 2 * SZ_4K };
    assert_int_equal(pgt_map(&pgt, &r), ERR_RANGE);
    r = (struct pgt_range){ .addr = 0, .pa = BIT(48) - SZ_4K, .size = 2 * SZ_4K };
    assert_int_equal(pgt_map(&pgt, &r), ERR_RANGE);
    assert_int_equal(pgt_unmap(&pgt, 0, 5), ERR_INVAL);
    assert_int_equal(pgt_unmap(&pgt, 0, ALIGN_DOWN(~0ull, SZ_4K)), ERR_RANGE);
    assert_int_equal(pgt_lookup(&pgt, ~0ull, &leaf), ERR_NOENT);
    assert_int_equal(pgt_lookup(&pgt, 0, &leaf), ERR_NOENT);
    assert_int_equal(pool_used, 0);
}

static void test_encodings(void **unused)
{
    struct s2_attr ram = { S2_ATTR_WB, S2_SH_INNER, true, true, true, S2_RAM };
    struct s2_attr gic = { S2_ATTR_nGnRnE, S2_SH_NONE, true, true, false, S2_GIC };
    struct s2_attr back = pte_s2_decode(pte_s2_attr(&gic));

    assert_int_equal(pte_s2_attr(&ram), 0x7fc);
    assert_int_equal(pte_s2_attr(&gic), 0x4c0 | BIT(54) | BIT(57));
    assert_memory_equal(&back, &gic, sizeof(gic));
    assert_int_equal(PTE_EL2_TEXT, 0x7c0 | EL2_MT_NORMAL << 2);
    assert_int_equal(PTE_EL2_DATA, 0x740 | EL2_MT_NORMAL << 2 | BIT(54));
    assert_int_equal(PTE_EL2_RODATA, 0x7c0 | EL2_MT_NORMAL << 2 | BIT(54));
    assert_int_equal(PTE_EL2_DEVICE, 0x740 | EL2_MT_DEVICE << 2 | BIT(54));
    assert_int_equal(pte_s1_attr(EL2_MT_NORMAL, true, true) & PTE_S1_XN, PTE_S1_XN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_nth_allocation_fails),
        cmocka_unit_test(test_blocks_where_possible),
        cmocka_unit_test(test_split_then_unmap_needs_nothing),
        cmocka_unit_test(test_prev_and_next),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_encodings),
    };

    fake_reset(1);
    return cmocka_run_group_tests_name("pgtable", tests, NULL, NULL);
}

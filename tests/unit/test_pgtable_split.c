/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walker under device walkers: blocks split without an invalid moment or not at all,
 * tables never joined, and walkers that do not forget, at each place where they are asked.
 */
#include "pgtable_rig.h"

static const u8 modes[] = { STAGE2_SPLIT_BREAK, STAGE2_SPLIT_LEVEL2, STAGE2_SPLIT_REFUSE };

static struct pgt start_in(const struct geometry *g, u8 mode)
{
    struct pgt pgt = start(g);

    pgt.split = mode;
    watch.mode = mode;
    return pgt;
}

/* A leaf above the last level that part of the range lies in. */
static bool has_block(const struct pgt *pgt, const struct pgt_range *r)
{
    struct pgt_range leaf;
    u64 at = r->addr;

    while (at < r->addr + r->size && !pgt_next(pgt, at, &leaf) && leaf.addr < r->addr + r->size) {
        if (leaf.size > PAGE_SIZE)
            return true;
        at = leaf.addr + leaf.size;
    }
    return false;
}

static enum corbel_err random_change(const struct pgt *pgt, struct pgt_range *r, bool *mapped)
{
    u64 what = rnd(5);

    *mapped = what > 2;
    watch.last = NULL;
    if (what < 2)
        return pgt_unmap(pgt, r->addr, r->size);
    if (what == 2) {
        enum corbel_err err = pgt_split(pgt, r->addr);

        r->size = 0;
        return err;
    }
    return pgt_map(pgt, r);
}

static struct {
    u32 refused, splits;
} counts;

static void run_model(const struct geometry *g, u8 mode)
{
    struct pgt pgt = start_in(g, mode);
    u32 refused = 0;

    for (u32 i = 0; i < 40; i++) {
        struct pgt_range r, whole;
        enum corbel_err err;
        bool mapped, block;
        u32 before = pool_used;

        random_range(g->base, &r);
        whole = r;
        whole.size = MAX(r.size, SZ_4K);
        block = has_block(&pgt, &whole);
        err = random_change(&pgt, &r, &mapped);
        if (err != CORBEL_OK) {
            assert_int_equal(err, ERR_BUSY);
            assert_int_equal(mode, STAGE2_SPLIT_REFUSE);
            assert_true(block);
            assert_int_equal(pool_used, before);
            refused++;
        } else if (mapped) {
            model_map(g->base, &r);
        } else {
            model_unmap(g->base, &r);
        }
        compare(&pgt, g->base);
        check_books(&pgt);
    }
    counts.refused += refused;
    counts.splits += watch.splits;
    destroy(&pgt);
}

static void test_model(void **unused)
{
    for (u32 i = 0; i < ARRAY_SIZE(geometries); i++)
        for (u32 m = 0; m < ARRAY_SIZE(modes); m++)
            run_model(&geometries[i], modes[m]);
    assert_true(counts.refused > 20 && counts.splits > 20);
}

/* Exactly what needs a split is refused, and no more. */
static void test_refusals(void **unused)
{
    struct pgt pgt = start_in(&geometries[6], STAGE2_SPLIT_REFUSE);
    struct pgt_range blocks = { .addr = SZ_1G, .pa = SZ_1G, .size = SZ_1G + SZ_2M, .attr = PTE_AF };
    struct pgt_range page = { .addr = SZ_1G + SZ_4K, .pa = 0, .size = SZ_4K, .attr = PTE_AF };
    struct pgt_range leaf;

    assert_int_equal(pgt_map(&pgt, &blocks), CORBEL_OK);
    assert_int_equal(pgt_map(&pgt, &page), ERR_BUSY);
    assert_int_equal(pgt_unmap(&pgt, SZ_1G, SZ_4K), ERR_BUSY);
    assert_int_equal(pgt_unmap(&pgt, 2 * SZ_1G + SZ_4K, SZ_2M), ERR_BUSY);
    assert_int_equal(pgt_split(&pgt, SZ_1G + SZ_2M), ERR_BUSY);
    assert_int_equal(pgt_split(&pgt, SZ_1G), CORBEL_OK); /* nothing reaches across */
    assert_int_equal(pgt_split(&pgt, 2 * SZ_1G + SZ_2M), CORBEL_OK);
    assert_int_equal(watch.invalidations, 0);
    blocks.attr |= PTE_SH;
    assert_int_equal(pgt_map(&pgt, &blocks), CORBEL_OK); /* a block for a block */
    assert_int_equal(pgt_unmap(&pgt, SZ_1G, SZ_1G), CORBEL_OK);
    watch.last = NULL;
    assert_int_equal(pgt_map(&pgt, &page), CORBEL_OK);
    assert_int_equal(pgt_map(&pgt, &page), CORBEL_OK);
    assert_int_equal(pgt_lookup(&pgt, 2 * SZ_1G, &leaf), CORBEL_OK);
    assert_int_equal(leaf.size, SZ_2M);
    destroy(&pgt);
}

/* Pages that make up a block stay pages while a walker is there, and are joined without one. */
static void test_no_joining(void **unused)
{
    for (u32 m = 0; m < ARRAY_SIZE(modes); m++) {
        struct pgt pgt = start_in(&geometries[6], STAGE2_SPLIT_BREAK);
        struct pgt_range r = { .addr = SZ_1G, .pa = SZ_1G, .size = SZ_2M, .attr = PTE_AF };
        struct pgt_range leaf;

        pgt.block_level = 3;
        assert_int_equal(pgt_map(&pgt, &r), CORBEL_OK);
        pgt.block_level = 1;
        pgt.split = modes[m];
        watch.mode = modes[m];
        watch.last = NULL;
        assert_int_equal(pgt_map(&pgt, &r), CORBEL_OK);
        assert_int_equal(pgt_lookup(&pgt, SZ_1G, &leaf), CORBEL_OK);
        assert_int_equal(leaf.size, modes[m] == STAGE2_SPLIT_BREAK ? SZ_2M : SZ_4K);
        assert_int_equal(watch.invalidations, modes[m] == STAGE2_SPLIT_BREAK);
        r.attr |= PTE_SH;
        assert_int_equal(pgt_map(&pgt, &r), CORBEL_OK);
        model_map(SZ_1G, &r);
        compare(&pgt, SZ_1G);
        destroy(&pgt);
    }
}

/* After a failure: each page as it was, as it was to be, or invalid. */
static enum corbel_err check_leaf(const struct pgt *pgt, const struct pgt_entry *e, void *arg)
{
    const struct pgt_range *r = arg;
    u64 base = geometries[6].base, size = pgt_entry_size(e->level);

    for (u64 at = e->addr; at < e->end && (e->pte & PTE_VALID); at += PAGE_SIZE) {
        u64 is = (e->pte & (PTE_ADDR | PTE_ATTRS)) + at % size + 1;
        u64 will = at - r->addr < r->size && r->attr ? (r->pa + (at - r->addr)) | r->attr | 1 : 0;

        assert_true(is == flat[(at - base) / PAGE_SIZE] || is == will);
    }
    return CORBEL_OK;
}

static bool fail_sync(u8 mode, bool map, u32 n)
{
    const struct geometry *g = &geometries[6];
    struct pgt pgt = start_in(g, mode);
    struct pgt_range old = { .addr = g->base, .pa = g->base, .size = MODEL_SIZE, .attr = PTE_AF };
    struct pgt_range fine = {
        .addr = g->base + SZ_1G, .pa = 3 * SZ_1G, .size = SZ_2M, .attr = PTE_AF
    };
    struct pgt_range r = { .addr = fine.addr - 4 * SZ_4K, /* of a block, all of a table */
                           .pa = 5 * SZ_1G - 4 * SZ_4K,
                           .size = SZ_2M + 6 * SZ_4K,
                           .attr = map ? PTE_AF | PTE_SH : 0 };
    struct pgt_walk w = { .addr = g->base,
                          .end = g->base + MODEL_SIZE,
                          .flags = PGT_VISIT_LEAF,
                          .visit = check_leaf,
                          .arg = &r };
    enum corbel_err err;

    assert_int_equal(pgt_map(&pgt, &old), CORBEL_OK);
    model_map(g->base, &old);
    pgt.block_level = 3;
    assert_int_equal(pgt_unmap(&pgt, fine.addr, fine.size), CORBEL_OK);
    watch.last = NULL;
    assert_int_equal(pgt_map(&pgt, &fine), CORBEL_OK);
    model_map(g->base, &fine);
    pgt.block_level = 1;
    watch.last = NULL;
    watch.sync_fails = (s32)n;
    err = map ? pgt_map(&pgt, &r) : pgt_unmap(&pgt, r.addr, r.size);
    assert_int_equal(err, watch.failed ? ERR_TIMEDOUT : CORBEL_OK);
    if (err == CORBEL_OK)
        return false;
    assert_int_equal(pgt_walk(&pgt, &w), CORBEL_OK);
    return true;
}

static void test_walkers_fail(void **unused)
{
    for (u32 i = 0; i < 4; i++) {
        u32 n = 0;

        while (fail_sync(modes[i % 2], i / 2, n))
            n += n < 12 ? 1 : 71;
        assert_true(n >= 3);
    }
}

/* The last one of all: no table is given back. */
static void test_destroy_fails(void **unused)
{
    struct pgt pgt = start_in(&geometries[6], STAGE2_SPLIT_BREAK);
    struct pgt_range r = { .addr = SZ_1G + SZ_4K, .pa = 0, .size = SZ_2M, .attr = PTE_AF };
    u32 used;

    assert_int_equal(pgt_map(&pgt, &r), CORBEL_OK);
    used = pool_used;
    watch.destroying = pgt.addr_bits;
    watch.sync_fails = 0;
    watch.unsynced = 1; /* t_invalidate() has no entry to count for it */
    assert_int_equal(pgt_destroy(&pgt), ERR_TIMEDOUT);
    assert_int_equal(pool_used, used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),         cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_no_joining),    cmocka_unit_test(test_walkers_fail),
        cmocka_unit_test(test_destroy_fails),
    };

    fake_reset(1);
    return cmocka_run_group_tests_name("pgtable_split", tests, NULL, NULL);
}

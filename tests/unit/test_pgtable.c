/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model test of the walker: random maps and unmaps against a flat array of pages, in
 * every geometry, watched by pgtable_rig.h.
 */
#include "pgtable_rig.h"

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

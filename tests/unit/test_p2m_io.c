/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A p2m that SMMUs walk, against a model: random changes under a walker that looks at every
 * moment (p2m_rig.h), shared and unshared, coherent and not, with and without BBM level 2.
 */
#include "p2m_rig.h"

#define OPERATIONS 250u

struct mode {
    bool coherent, unshared;
    u8 bbm;
};

static bool for_devices(enum s2_class cls)
{
    return !p2m.io.unshared || cls == S2_RAM || cls == S2_RAM_RO || cls == S2_SRAM || cls == S2_MSI;
}

/* CPUs, the SMMU and what it holds against the model; then it walks everything. */
static void compare(void)
{
    for (u64 i = 0; i < PAGES; i++) {
        if (walk(&p2m.s2, GUEST + i * PAGE_SIZE, false) != cpu[i])
            fail_msg("page %llu is wrong for CPUs", (unsigned long long)i);
        if (smmu_walk(i) != flat[i])
            fail_msg("page %llu is wrong for the SMMU", (unsigned long long)i);
        if (smmu.tlb[i] && smmu.tlb[i] != flat[i])
            fail_msg("page %llu is stale in the SMMU", (unsigned long long)i);
    }
    smmu_fill();
}

static void hold_all_but(u64 first, u64 count)
{
    for (u64 i = 0; i < PAGES; i++)
        smmu.hold[i] = flat[i] && i - first >= count;
}

static void try_map(u64 first, u64 count)
{
    enum s2_class cls = (enum s2_class)rnd(S2_CLASS_COUNT);
    u64 pa = RAM_BASE + 16 * SZ_1M + first * PAGE_SIZE + (rnd(4) ? 0 : 8 * SZ_1M + SZ_4K);
    enum corbel_err want = CORBEL_OK;

    for (u64 i = first; i < first + count; i++)
        want = cpu[i] ? ERR_EXIST : want;
    hold_all_but(first, want ? 0 : count);
    assert_int_equal(p2m_map(&p2m, IPA(GUEST + first * PAGE_SIZE), PA(pa), count * PAGE_SIZE, cls),
                     want);
    for (u64 i = 0; !want && i < count; i++) {
        cpu[first + i] = (pa + i * PAGE_SIZE) | (u64)cls << 56 | 1;
        flat[first + i] = for_devices(cls) ? cpu[first + i] : 0;
    }
}

/* A block of the tables that the SMMU walks reaches across. */
static bool crossing(u64 page)
{
    struct stage2_map leaf;
    u64 ipa = GUEST + page * PAGE_SIZE;

    return stage2_lookup(p2m_io_tables(&p2m), IPA(ipa), &leaf) == CORBEL_OK && leaf.ipa.v != ipa;
}

static void try_unmap(u64 first, u64 count)
{
    enum corbel_err want = CORBEL_OK;

    if (smmu.attached && fake_iommu_bbm < 2 && (crossing(first) || crossing(first + count)))
        want = ERR_BUSY;
    hold_all_but(first, want ? 0 : count);
    assert_int_equal(p2m_unmap(&p2m, IPA(GUEST + first * PAGE_SIZE), count * PAGE_SIZE), want);
    if (want)
        return;
    memset(&cpu[first], 0, count * sizeof(u64));
    memset(&flat[first], 0, count * sizeof(u64));
}

static void run(const struct mode *m)
{
    assert_int_equal(rig_start(m->coherent, m->bbm), 0);
    if (m->unshared)
        assert_int_equal(p2m_unshare(&p2m, 40), CORBEL_OK);
    rig_attach();
    for (u32 n = 0; n < OPERATIONS; n++) {
        u64 grain = rnd(2) ? 1 : 512;
        u64 first = ALIGN_DOWN(rnd(PAGES), grain);
        u64 most = PAGES - first, count = grain * (1 + rnd(grain == 1 ? 90 : 3));

        count = MIN(count, most);
        if (rnd(3))
            try_unmap(first, 1 + rnd(count));
        else
            try_map(first, count);
        compare();
        if (n == OPERATIONS / 2) { /* nobody walks for a while, and it still has what it saw */
            rig_detach();
            try_unmap(100, 300);
            compare();
            try_map(150, 30);
            compare();
            rig_attach();
        }
    }
    rig_detach();
    try_unmap(0, PAGES);
    compare();
    assert_int_equal(p2m.pool.used + p2m.io.pool.used, 0);
    rig_destroy();
    assert_int_equal(page_free_count(), frames);
    assert_int_equal(heap_pages_used(), 0);
    rig_end();
}

static void test_model(void **state)
{
    static const struct mode modes[] = {
        { true, false, 2 }, { false, false, 2 }, { true, false, 1 }, { false, false, 0 },
        { true, true, 2 },  { false, true, 2 },  { false, true, 1 },
    };

    for (u32 i = 0; i < ARRAY_SIZE(modes); i++)
        run(&modes[i]);
}

/* The model can fail: an SMMU that says that it forgot, and does not. */
static void test_the_model_sees_stale_entries(void **state)
{
    u64 stale = 0;

    assert_int_equal(rig_start(true, 2), 0);
    rig_attach();
    assert_int_equal(p2m_map(&p2m, IPA(GUEST), PA(RAM_BASE), SZ_2M, S2_RAM), CORBEL_OK);
    smmu_fill();
    smmu.deaf = true;
    fake_cache_hook = NULL;
    assert_int_equal(p2m_unmap(&p2m, IPA(GUEST), SZ_4K), CORBEL_OK);
    for (u64 i = 0; i < PAGES; i++)
        stale += smmu.tlb[i] && smmu.tlb[i] != smmu_walk(i);
    assert_int_equal(stale, 1);
    smmu.deaf = false;
    rig_destroy();
    rig_end();
}

/* Who may split what: tables that an SMMU walks need both sides' BBM level 2. */
static void test_split_modes(void **state)
{
    static const struct {
        bool unshared, attached;
        u8 cpu, smmu, own, io;
    } want[] = {
        { false, false, 0, 0, STAGE2_SPLIT_BREAK, STAGE2_SPLIT_BREAK },
        { false, true, 2, 2, STAGE2_SPLIT_LEVEL2, STAGE2_SPLIT_LEVEL2 },
        { false, true, 1, 2, STAGE2_SPLIT_REFUSE, STAGE2_SPLIT_REFUSE },
        { false, true, 2, 1, STAGE2_SPLIT_REFUSE, STAGE2_SPLIT_REFUSE },
        { true, false, 0, 0, STAGE2_SPLIT_BREAK, STAGE2_SPLIT_BREAK },
        { true, true, 0, 2, STAGE2_SPLIT_BREAK, STAGE2_SPLIT_LEVEL2 },
        { true, true, 2, 1, STAGE2_SPLIT_BREAK, STAGE2_SPLIT_REFUSE },
    };

    for (u32 i = 0; i < ARRAY_SIZE(want); i++) {
        assert_int_equal(rig_start(true, want[i].smmu), 0);
        fake_features.bbm = want[i].cpu;
        if (want[i].unshared)
            assert_int_equal(p2m_unshare(&p2m, 4), CORBEL_OK);
        if (want[i].attached)
            rig_attach();
        assert_int_equal(p2m_change_begin(&p2m), CORBEL_OK);
        assert_int_equal(p2m.s2.split, want[i].own);
        assert_int_equal(p2m.io.s2.split, want[i].io);
        rig_destroy();
        assert_int_equal(p2m_change_begin(&p2m), ERR_NOENT);
        rig_end();
    }
}

static void test_tables_for_smmus(void **state)
{
    const struct stage2 *io;

    assert_int_equal(rig_start(false, 2), 0);
    assert_ptr_equal(p2m_io_tables(&p2m), &p2m.s2);
    assert_true(p2m.s2.clean);
    fake_heap_fail_at = 0;
    assert_int_equal(p2m_unshare(&p2m, 4), ERR_NOMEM);
    assert_ptr_equal(p2m_io_tables(&p2m), &p2m.s2);
    fake_heap_fail_at = -1;
    assert_int_equal(p2m_unshare(&p2m, 4), CORBEL_OK);
    io = p2m_io_tables(&p2m);
    assert_true(io->clean && io->no_cpu && !p2m.s2.clean);
    assert_int_not_equal(io->vttbr, p2m.s2.vttbr);
    assert_int_equal(io->vttbr >> 48, VMID);
    assert_int_equal(io->vtcr, p2m.s2.vtcr);
    assert_int_equal(io->start_level, p2m.s2.start_level);
    rig_destroy();
    assert_int_equal(heap_pages_used(), 0);
    rig_end();
}

/* Table pages of either side run out, after each number of them: both or none. */
static s32 pool_fail_at;
static void *(*pool_real)(void *ctx);

static void *pool_fail(void *ctx)
{
    return pool_fail_at >= 0 && pool_fail_at-- == 0 ? NULL : pool_real(ctx);
}

static enum corbel_err change(bool map)
{
    if (map)
        return p2m_map(&p2m, IPA(GUEST + SZ_2M + SZ_4K), PA(RAM_BASE + 2 * SZ_2M + SZ_4K),
                       2 * SZ_2M, S2_SRAM);
    return p2m_unmap(&p2m, IPA(GUEST + SZ_4K), SZ_4K);
}

static void fail_tables(struct p2m_pool *pool, bool map)
{
    enum corbel_err err = ERR_NOMEM;
    u32 n;

    for (n = 0; err != CORBEL_OK; n++) {
        assert_int_equal(rig_start(true, 2), 0);
        assert_int_equal(p2m_unshare(&p2m, 40), CORBEL_OK);
        rig_attach();
        assert_int_equal(p2m_map(&p2m, IPA(GUEST), PA(RAM_BASE), SZ_2M, S2_RAM), CORBEL_OK);
        for (u64 i = 0; i < SZ_2M / PAGE_SIZE; i++)
            cpu[i] = flat[i] = (RAM_BASE + i * PAGE_SIZE) | 1;
        smmu_fill();
        pool_real = pool->ops.alloc;
        pool->ops.alloc = pool_fail;
        pool_fail_at = (s32)n;
        err = change(map);
        if (err != CORBEL_OK) {
            assert_int_equal(err, ERR_NOMEM);
            compare();
        }
        pool->ops.alloc = pool_real;
        rig_destroy();
        rig_end();
    }
    assert_true(n > 1);
}

static void test_tables_run_out(void **state)
{
    fail_tables(&p2m.pool, true);
    fail_tables(&p2m.io.pool, true);
    fail_tables(&p2m.pool, false);
    fail_tables(&p2m.io.pool, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),          cmocka_unit_test(test_the_model_sees_stale_entries),
        cmocka_unit_test(test_split_modes),    cmocka_unit_test(test_tables_for_smmus),
        cmocka_unit_test(test_tables_run_out),
    };

    return cmocka_run_group_tests_name("p2m_io", tests, NULL, NULL);
}

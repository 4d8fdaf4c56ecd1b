/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMMUs that do not forget, at each of their invalidations: nothing that a device may still
 * reach is used again, neither tables nor frames. And the debug hook, under such a walker.
 */
#include "p2m_rig.h"

#include <stdio.h>

#define RAM_PAGES (4 * SZ_1M / PAGE_SIZE)

static struct p2m_bank bank;

/* 4 MiB of RAM and a shared frame behind it; devices walk. */
static void begin(bool unshared)
{
    assert_int_equal(rig_start(true, 2), 0);
    if (unshared)
        assert_int_equal(p2m_unshare(&p2m, 40), CORBEL_OK);
    bank = (struct p2m_bank){ .ipa = IPA(GUEST), .size = RAM_PAGES * PAGE_SIZE };
    assert_int_equal(page_alloc_range(bank.size, SZ_2M, &bank.pa), CORBEL_OK);
    assert_int_equal(p2m_add_ram(&p2m, &bank), CORBEL_OK);
    assert_int_equal(p2m_map(&p2m, IPA(GUEST + bank.size), PA(RAM_BASE), 3 * PAGE_SIZE, S2_RAM_RO),
                     CORBEL_OK);
    for (u64 i = 0; i < RAM_PAGES; i++)
        cpu[i] = flat[i] = (bank.pa.v + i * PAGE_SIZE) | (u64)S2_RAM << 56 | 1;
    for (u64 i = 0; i < 3; i++)
        cpu[RAM_PAGES + i] = (RAM_BASE + i * PAGE_SIZE) | (u64)S2_RAM_RO << 56 | 1;
    rig_attach();
}

/* Table pages in use of the tables that the SMMU walks. */
static u64 pages_in_use(u64 *map)
{
    const struct p2m_pool *pool = p2m.io.unshared ? &p2m.io.pool : &p2m.pool;

    *map = pool->map[0];
    assert_in_range(pool->pages, 1, 64);
    return pool->used;
}

/* What the SMMU holds is still where it was: with the domain, or given up. */
static void check_frames(u64 free_before)
{
    assert_int_equal(page_free_count(), free_before);
    for (u64 i = 0; i < PAGES; i++) {
        pa_t pa = { smmu.tlb[i] & GENMASK(47, 12) };

        if (smmu.tlb[i] && pa.v >= bank.pa.v && pa.v < bank.pa.v + bank.size)
            assert_int_equal(page_claim(pa.v, PAGE_SIZE), ERR_EXIST); /* not free */
    }
}

static bool fail_unmap(bool unshared, u64 n)
{
    u64 heap, before, used, still;
    struct stage2_map out;
    enum corbel_err err;

    begin(unshared);
    pages_in_use(&before);
    heap = heap_pages_used();
    used = page_free_count();
    smmu.calls = 0;
    smmu.fail_at = n;
    err = p2m_unmap(&p2m, IPA(GUEST + SZ_4K), bank.size + SZ_1M); /* a split, two pieces */
    if (err == CORBEL_OK) {
        rig_destroy();
        rig_end();
        return false;
    }
    assert_int_equal(err, ERR_TIMEDOUT);
    assert_true(p2m_is_lost(&p2m));
    pages_in_use(&still);
    assert_int_equal(still & before, before); /* no table page that was in use is free now */
    assert_int_equal(p2m_map(&p2m, IPA(0), PA(0x9000000), SZ_4K, S2_MMIO), ERR_IO);
    assert_int_equal(p2m_unmap(&p2m, IPA(GUEST), SZ_4K), ERR_IO);
    assert_int_equal(p2m_add_ram(&p2m, &bank), ERR_IO);
    assert_int_equal(p2m_lookup(&p2m, IPA(GUEST), &out), CORBEL_OK);
    check_frames(used);
    rig_destroy();
    assert_true(p2m_is_lost(&p2m));
    assert_int_equal(p2m_lookup(&p2m, IPA(GUEST), &out), ERR_NOENT);
    if (unshared) /* the CPUs' own tables went */
        assert_int_equal(heap_pages_used(), heap - 2 - 40);
    else
        assert_int_equal(heap_pages_used(), heap);
    check_frames(used + (heap - heap_pages_used()));
    assert_non_null(strstr(fake_log, "p2m of VMID 3: "));
    assert_non_null(strstr(fake_log, ": 4096 KiB of RAM are given up"));
    rig_end();
    return true;
}

static void test_unmap(void **state)
{
    u64 shared = 0, unshared = 0;

    while (fail_unmap(false, shared))
        shared++;
    while (fail_unmap(true, unshared))
        unshared++;
    assert_int_equal(shared, 3);
    assert_int_equal(unshared, 3);
}

/* The last invalidation of all, when the tables go. */
static void test_teardown(void **state)
{
    for (u32 unshared = 0; unshared < 2; unshared++) {
        u64 before;

        begin(unshared);
        before = page_free_count();
        smmu.calls = 0;
        smmu.fail_at = 0;
        rig_destroy();
        assert_int_equal(smmu.calls, 1);
        assert_true(p2m_is_lost(&p2m));
        assert_true(heap_pages_used() > 0);
        check_frames(before + (unshared ? 42 : 0));
        assert_int_equal(p2m_destroy_step(&p2m), CORBEL_OK);
        rig_end();
    }
}

/* A stream that could not be stopped: the same, though the SMMU forgets when it is asked. */
static void test_set_lost(void **state)
{
    u64 before;

    begin(false);
    assert_false(p2m_is_lost(&p2m));
    p2m_set_lost(&p2m);
    assert_true(p2m_is_lost(&p2m));
    before = page_free_count();
    assert_int_equal(p2m_unmap(&p2m, IPA(GUEST), SZ_4K), ERR_IO);
    while (p2m_destroy_step(&p2m) == ERR_AGAIN)
        ;
    assert_int_equal(smmu.calls, 1);
    assert_int_equal(page_free_count(), before);
    assert_int_equal(p2m.bank_count, 0);
    rig_end();
}

/* Static RAM of a lost domain is not even scrubbed: it is never anybody else's. */
static void test_lost_static(void **state)
{
    struct p2m_bank fixed = {
        .ipa = IPA(GUEST + 16 * SZ_1M), .pa = PA(RAM_BASE), .size = SZ_4K, .is_static = true
    };

    begin(false);
    assert_int_equal(p2m_add_ram(&p2m, &fixed), CORBEL_OK);
    memset(phys_to_virt(fixed.pa), 0xaa, SZ_4K);
    p2m_set_lost(&p2m);
    rig_destroy();
    assert_int_equal(((u8 *)phys_to_virt(fixed.pa))[0], 0xaa);
    assert_non_null(strstr(fake_log, ": 4100 KiB of RAM are given up"));
    rig_end();
}

/* The hook */

static void begin_hook(u64 base, u64 size)
{
    assert_int_equal(rig_start(true, 0), 0); /* no block may be split */
    p2m.hook = (struct mem_range){ base, size };
    bank = (struct p2m_bank){ .ipa = IPA(GUEST), .size = 6 * SZ_1M };
    assert_int_equal(page_alloc_range(bank.size, SZ_2M, &bank.pa), CORBEL_OK);
}

static u64 leaf_size(u64 ipa)
{
    struct stage2_map out;

    return stage2_lookup(&p2m.s2, IPA(ipa), &out) ? 0 : out.size;
}

static void test_hook_pages(void **state)
{
    static const struct {
        u64 base, size;
        u64 leaves[4]; /* at 0, 2 MiB - 4 KiB, 2 MiB, 4 MiB */
        u32 tables;
    } want[] = {
        { 0, 0, { SZ_2M, SZ_2M, SZ_2M, SZ_2M }, 1 },
        { GUEST + SZ_2M, SZ_2M, { SZ_2M, SZ_2M, SZ_4K, SZ_2M }, 2 },
        { GUEST, SZ_4K, { SZ_4K, SZ_4K, SZ_2M, SZ_2M }, 2 },
        { GUEST + 2 * SZ_2M - SZ_4K, 2 * SZ_4K, { SZ_2M, SZ_2M, SZ_4K, SZ_4K }, 3 },
        { GUEST - SZ_2M, SZ_1G, { SZ_4K, SZ_4K, SZ_4K, SZ_4K }, 4 },
        { GUEST + SZ_1G, SZ_4K, { SZ_2M, SZ_2M, SZ_2M, SZ_2M }, 1 },
        { GUEST - SZ_4K, SZ_4K, { SZ_2M, SZ_2M, SZ_2M, SZ_2M }, 1 },
    };

    for (u32 i = 0; i < ARRAY_SIZE(want); i++) {
        static const u64 at[] = { 0, SZ_2M - SZ_4K, SZ_2M, 2 * SZ_2M };
        struct stage2_map ram, pieces[3];
        u64 done = 0;
        u32 n = 0;

        begin_hook(want[i].base, want[i].size);
        assert_int_equal(p2m_add_ram(&p2m, &bank), CORBEL_OK);
        for (u32 j = 0; j < ARRAY_SIZE(at); j++)
            assert_int_equal(leaf_size(GUEST + at[j]), want[i].leaves[j]);
        assert_int_equal(p2m.pool.used, want[i].tables);
        ram = (struct stage2_map){ .ipa = bank.ipa, .pa = bank.pa, .size = bank.size };
        while (p2m_ram_piece(&p2m.hook, &ram, done, &pieces[n]))
            done += pieces[n++].size;
        assert_int_equal(done, bank.size);
        assert_int_equal(stage2_pages_needed(40, pieces, n), want[i].tables);
        rig_destroy();
        assert_int_equal(page_free_count(), frames);
        rig_end();
    }
}

/* In and out under the eyes of the SMMU; then the domain ends with a page out. */
static void test_hook_rounds(void **state)
{
    begin_hook(GUEST + SZ_2M, SZ_2M);
    assert_int_equal(p2m_add_ram(&p2m, &bank), CORBEL_OK);
    rig_attach();
    smmu_fill();
    for (u32 i = 0; i < 200; i++) {
        u64 page = 512 + rnd(512);
        ipa_t ipa = IPA(GUEST + page * PAGE_SIZE);
        u64 was = smmu.tlb[page];

        assert_int_not_equal(was, 0);
        assert_int_equal(p2m_hook_unmap(&p2m, ipa), CORBEL_OK);
        assert_int_equal(smmu.tlb[page], 0);
        assert_int_equal(smmu_walk(page), 0);
        assert_int_equal(p2m_hook_unmap(&p2m, ipa), ERR_NOENT);
        assert_int_equal(p2m_hook_remap(&p2m, ipa), CORBEL_OK);
        assert_int_equal(p2m_hook_remap(&p2m, ipa), ERR_EXIST);
        assert_int_equal(smmu_walk(page), was);
        smmu_fill();
    }
    for (u64 page = 512; page < 1024; page++) /* all of them: the table goes, and comes back */
        assert_int_equal(p2m_hook_unmap(&p2m, IPA(GUEST + page * PAGE_SIZE)), CORBEL_OK);
    assert_int_equal(p2m_hook_remap(&p2m, IPA(GUEST + SZ_2M)), CORBEL_OK);
    assert_int_equal(p2m_unmap(&p2m, IPA(GUEST + SZ_4K), SZ_4K), ERR_BUSY); /* a block */
    rig_destroy();
    assert_int_equal(page_free_count(), frames);
    rig_end();
}

static void test_hook_refusals(void **state)
{
    begin_hook(GUEST + 4 * SZ_1M, 4 * SZ_1M); /* half of it is no RAM */
    assert_int_equal(p2m_hook_unmap(&p2m, IPA(GUEST + 4 * SZ_1M)), ERR_PERM); /* not yet */
    assert_int_equal(p2m_add_ram(&p2m, &bank), CORBEL_OK);
    assert_int_equal(p2m_hook_unmap(&p2m, IPA(GUEST + 4 * SZ_1M + 1)), ERR_INVAL);
    assert_int_equal(p2m_hook_unmap(&p2m, IPA(GUEST)), ERR_PERM);
    assert_int_equal(p2m_hook_remap(&p2m, IPA(GUEST + 7 * SZ_1M)), ERR_PERM);
    assert_int_equal(p2m_hook_remap(&p2m, IPA(~0xfffull)), ERR_PERM);
    rig_attach();
    smmu.calls = 0;
    smmu.fail_at = 0;
    assert_int_equal(p2m_hook_unmap(&p2m, IPA(GUEST + 5 * SZ_1M)), ERR_TIMEDOUT);
    assert_int_equal(p2m_hook_remap(&p2m, IPA(GUEST + 5 * SZ_1M)), ERR_IO);
    assert_int_equal(p2m_hook_unmap(&p2m, IPA(GUEST + 5 * SZ_1M + SZ_4K)), ERR_IO);
    rig_destroy();
    assert_int_equal(p2m_hook_unmap(&p2m, IPA(GUEST + 4 * SZ_1M)), ERR_NOENT);
    rig_end();
}

/* RAM around a hook is mapped in three pieces: all of them or none, after each table page. */
static void test_hook_without_tables(void **state)
{
    for (u32 pages = 0; pages <= 3; pages++) {
        struct stage2_map out;

        begin_hook(GUEST + 2 * SZ_2M - SZ_4K, 2 * SZ_4K);
        rig_destroy();
        assert_int_equal(p2m_init(&p2m, VMID, 40, pages), CORBEL_OK);
        p2m.hook = (struct mem_range){ GUEST + 2 * SZ_2M - SZ_4K, 2 * SZ_4K };
        if (pages == 3) {
            assert_int_equal(p2m_add_ram(&p2m, &bank), CORBEL_OK);
        } else {
            assert_int_equal(p2m_add_ram(&p2m, &bank), ERR_NOMEM);
            assert_int_equal(stage2_next(&p2m.s2, IPA(0), &out), ERR_NOENT);
            assert_int_equal(p2m.pool.used, 0);
            assert_int_equal(p2m.bank_count, 0);
            page_free_range(bank.pa, bank.size);
        }
        rig_destroy();
        assert_int_equal(page_free_count(), frames);
        rig_end();
    }
}

/* Who walks, in a form that the audit reads. */
static void test_report(void **state)
{
    char line[160];

    begin(false);
    fake_log[0] = 0;
    p2m_report(&p2m, "d1");
    assert_non_null(strstr(fake_log, "d1: p2m io shared, SMMUs 0x20\n"));
    rig_detach();
    p2m_report(&p2m, "d1");
    assert_non_null(strstr(fake_log, "d1: p2m io shared, SMMUs 0x0\n"));
    rig_destroy();
    rig_end();

    begin(true);
    fake_log[0] = 0;
    p2m_report(&p2m, "d1");
    assert_non_null(strstr(fake_log, "d1: p2m io unshared, SMMUs 0x20, 2 of 40 table pages"));
    snprintf(
        line, sizeof(line),
        "d1: p2m io root 0x%010llx+0x2000, pool 0x%010llx+0x28000, VTCR 0x%llx, VTTBR 0x%llx\n",
        (unsigned long long)virt_to_phys(p2m.io.s2.root).v,
        (unsigned long long)virt_to_phys(p2m.io.pool.base).v, (unsigned long long)p2m.io.s2.vtcr,
        (unsigned long long)p2m.io.s2.vttbr);
    assert_non_null(strstr(fake_log, line));
    snprintf(line, sizeof(line), "d1: p2m io tables 0x%010llx+0x2000\n",
             (unsigned long long)virt_to_phys(p2m.io.pool.base).v);
    assert_non_null(strstr(fake_log, line));
    rig_destroy();
    rig_end();

    assert_int_equal(rig_start(true, 2), 0);
    fake_log[0] = 0;
    p2m_report(&p2m, "d1");
    assert_null(strstr(fake_log, "p2m io"));
    rig_destroy();
    rig_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unmap),         cmocka_unit_test(test_teardown),
        cmocka_unit_test(test_set_lost),      cmocka_unit_test(test_lost_static),
        cmocka_unit_test(test_hook_pages),    cmocka_unit_test(test_hook_rounds),
        cmocka_unit_test(test_hook_refusals), cmocka_unit_test(test_hook_without_tables),
        cmocka_unit_test(test_report),
    };

    return cmocka_run_group_tests_name("p2m_lost", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest tables on fake RAM: geometry, register values, the dry run against what a map
 * really takes, and a TLB that has cached all that was ever mapped: after each operation
 * nothing stale may be left in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arch/mmu.h>
#include <arch/stage2.h>
#include <asm/features.h>
#include <asm/stage2.h>
#include <corbel/bits.h>

#include <cmocka.h>

#include "fake_core.h"
#include "fake_mmu.h"
#include "fake_stage2.h"

#define RAM_BASE    0x80000000ull
#define POOL_OFFSET SZ_64K
#define POOL_PAGES  2048u
#define WINDOW      0x3f800000ull /* crosses a 1 GiB border */
#define WINDOW_SIZE (24 * SZ_1M)
#define PAGES       (WINDOW_SIZE / PAGE_SIZE)

static u64 pool_used;
static bool taken[POOL_PAGES];
static u64 cached[PAGES]; /* pa | class << 56 | 1 */
static struct stage2 s2;
static u64 seed = 123456789123456789ull;

static u64 rnd(u64 below)
{
    return (fake_random(&seed) >> 8) % below;
}

static void *pool_alloc(void *ctx)
{
    for (u32 i = 0; i < POOL_PAGES; i++)
        if (!taken[i]) {
            u8 *page = fake_ram + POOL_OFFSET + i * PAGE_SIZE;

            taken[i] = true;
            pool_used++;
            return memset(page, 0, PAGE_SIZE);
        }
    return NULL;
}

static void pool_free(void *ctx, void *page)
{
    u64 n = (u64)((u8 *)page - fake_ram - POOL_OFFSET) / PAGE_SIZE;

    assert_true(n < POOL_PAGES && taken[n]);
    taken[n] = false;
    pool_used--;
}

static const struct stage2_pool pool = { pool_alloc, pool_free, NULL };

static int setup(void **state)
{
    (void)state;
    fake_reset(1);
    fake_ram_init(RAM_BASE, POOL_OFFSET + POOL_PAGES * PAGE_SIZE);
    memset(taken, 0, sizeof(taken));
    pool_used = 0;
    fake_tlb_hook = NULL;
    memset(&fake_features, 0, sizeof(fake_features));
    fake_features.pa_range = 5;
    fake_features.vmid16 = true;
    return stage2_init(&s2, 40, 7, fake_ram, &pool);
}

static struct stage2_map map_of(u64 ipa, u64 pa, u64 size, enum s2_class cls)
{
    struct stage2_map map = { .ipa = IPA(ipa), .pa = PA(pa), .size = size, .attr = s2_policy(cls) };

    return map;
}

static void test_geometry(void **state)
{
    static const struct {
        u8 bits, level;
        u32 pages;
    } want[] = { { 32, 1, 1 }, { 36, 1, 1 },  { 39, 1, 1 }, { 40, 1, 2 }, { 41, 1, 4 },
                 { 42, 1, 8 }, { 43, 1, 16 }, { 44, 0, 1 }, { 48, 0, 1 } };
    u8 level;

    for (u32 i = 0; i < ARRAY_SIZE(want); i++) {
        assert_int_equal(stage2_root_pages(want[i].bits, &level), want[i].pages);
        assert_int_equal(level, want[i].level);
    }
    for (u32 range = 0; range < 8; range++) {
        static const u8 bits[] = { 32, 36, 40, 42, 44, 48, 48, 48 };

        fake_features.pa_range = (u8)range;
        assert_int_equal(stage2_ipa_bits_max(), bits[range]);
    }
    assert_int_equal(stage2_vmid_bits(), 16);
    fake_features.vmid16 = false;
    assert_int_equal(stage2_vmid_bits(), 8);
}

static void test_registers(void **state)
{
    assert_int_equal(s2.vttbr, RAM_BASE | 7ull << 48);
    assert_int_equal(s2.vtcr, 0x800d3558); /* VS, PS 5, inner WB, level 1, T0SZ 24 */
    assert_int_equal(s2.root_order, 1);
    fake_features.vmid16 = false;
    fake_features.pa_range = 4;
    assert_int_equal(stage2_init(&s2, 44, 255, fake_ram, &pool), CORBEL_OK);
    assert_int_equal(s2.vtcr, 0x80043594); /* PS 4, level 0, T0SZ 20 */
    assert_int_equal(stage2_init(&s2, 45, 1, fake_ram, &pool), ERR_RANGE);
    assert_int_equal(stage2_init(&s2, 31, 1, fake_ram, &pool), ERR_RANGE);
    assert_int_equal(stage2_init(&s2, 40, 256, fake_ram, &pool), ERR_RANGE);
    assert_int_equal(stage2_init(&s2, 40, 1, fake_ram + SZ_4K, &pool), ERR_INVAL);
    assert_int_equal(stage2_init(&s2, 39, 1, fake_ram + SZ_4K, &pool), CORBEL_OK);
}

static void test_map_and_look(void **state)
{
    struct stage2_map ram = map_of(SZ_1G, 0x200000000, SZ_1G + SZ_2M, S2_RAM);
    struct stage2_map gic = map_of(0x3001000, 0x8010000, 2 * SZ_4K, S2_GIC);
    struct stage2_map out;

    assert_int_equal(stage2_map(&s2, &ram), CORBEL_OK);
    assert_int_equal(stage2_map(&s2, &gic), CORBEL_OK);
    assert_int_equal(stage2_lookup(&s2, IPA(SZ_1G + 0x12345), &out), CORBEL_OK);
    assert_int_equal(out.size, SZ_1G);
    assert_int_equal(out.pa.v, 0x200000000);
    assert_memory_equal(&out.attr, &ram.attr, sizeof(out.attr));
    assert_int_equal(stage2_lookup(&s2, IPA(0x3002abc), &out), CORBEL_OK);
    assert_int_equal(out.ipa.v, 0x3002000);
    assert_int_equal(out.pa.v, 0x8011000);
    assert_memory_equal(&out.attr, &gic.attr, sizeof(out.attr));
    assert_int_equal(stage2_lookup(&s2, IPA(0x3003000), &out), ERR_NOENT);
    assert_int_equal(stage2_lookup(&s2, IPA(~0ull), &out), ERR_NOENT);
    assert_int_equal(stage2_next(&s2, IPA(0x3003000), &out), CORBEL_OK);
    assert_int_equal(out.ipa.v, SZ_1G);
    assert_int_equal(stage2_prev(&s2, IPA(SZ_1G), &out), CORBEL_OK);
    assert_int_equal(out.ipa.v, 0x3002000);
    assert_int_equal(stage2_prev(&s2, IPA(0x3001000), &out), ERR_NOENT);
    fake_tlb_flushes = 0;
    assert_int_equal(stage2_destroy(&s2), CORBEL_OK);
    assert_int_equal(pool_used, 0);
    assert_int_equal(fake_tlb_flushes, 1);
    assert_int_equal(stage2_next(&s2, IPA(0), &out), ERR_NOENT);
}

static void test_pa_beyond_the_machine(void **state)
{
    struct stage2_map map = map_of(0, BIT(40) - SZ_4K, 2 * SZ_4K, S2_MMIO);

    fake_features.pa_range = 2;
    assert_int_equal(stage2_map(&s2, &map), ERR_RANGE);
    map.size = SZ_4K;
    assert_int_equal(stage2_map(&s2, &map), CORBEL_OK);
    map = map_of(BIT(40), 0, SZ_4K, S2_MMIO);
    assert_int_equal(stage2_map(&s2, &map), ERR_RANGE);
}

/* Random disjoint maps: what the dry run says is what the pool loses. */
static void test_pages_needed(void **state)
{
    for (u32 round = 0; round < 300; round++) {
        struct stage2_map maps[12];
        u32 count = 1 + (u32)rnd(12);
        u64 at = rnd(4) * SZ_1G;
        u8 bits = rnd(2) ? 40 : 45;

        memset(fake_ram, 0, POOL_OFFSET);
        assert_int_equal(stage2_init(&s2, bits, 1, fake_ram, &pool), CORBEL_OK);
        for (u32 i = 0; i < count; i++) {
            static const u64 grain[] = { SZ_4K, SZ_4K, SZ_2M, SZ_1G };
            u64 size = grain[rnd(4)] * (1 + rnd(3));
            u64 pa = rnd(2) ? at : at + SZ_1G * rnd(8) + (rnd(3) ? 0 : SZ_4K);

            if (rnd(2))
                at = ALIGN_UP(at, MIN(size & -size, SZ_1G));
            if (size >= SZ_1G && pa % SZ_2M != at % SZ_2M)
                pa = at; /* a gigabyte in pages would only take time */
            maps[i] = map_of(at, pa, size, S2_RAM);
            at += size + (rnd(2) ? 0 : rnd(700) * SZ_4K);
        }
        for (u32 i = 0; i < count / 2; i++) { /* any order */
            struct stage2_map tmp = maps[i];
            u32 j = (u32)rnd(count);

            maps[i] = maps[j];
            maps[j] = tmp;
        }
        for (u32 i = 0; i < count; i++)
            assert_int_equal(stage2_map(&s2, &maps[i]), CORBEL_OK);
        assert_int_equal(stage2_pages_needed(bits, maps, count), pool_used);
        assert_int_equal(stage2_destroy(&s2), CORBEL_OK);
        assert_int_equal(pool_used, 0);
    }
}

static u64 current(u64 page)
{
    struct stage2_map leaf;
    u64 ipa = WINDOW + page * PAGE_SIZE;

    if (stage2_lookup(&s2, IPA(ipa), &leaf))
        return 0;
    return (leaf.pa.v + ipa - leaf.ipa.v) | (u64)leaf.attr.cls << 56 | 1;
}

static void tlb_apply(const struct stage2 *which, const struct stage2_inval *b)
{
    assert_ptr_equal(which, &s2);
    if (b->all)
        memset(cached, 0, sizeof(cached));
    for (u32 i = 0; i < b->count && !b->all; i++) {
        const struct stage2_range *r = &b->ranges[i];

        assert_true(r->size % r->step == 0);
        for (u64 ipa = r->ipa; ipa < r->ipa + r->size; ipa += PAGE_SIZE)
            if (ipa >= WINDOW && ipa < WINDOW + WINDOW_SIZE)
                cached[(ipa - WINDOW) / PAGE_SIZE] = 0;
    }
}

static void test_nothing_stale(void **state)
{
    fake_tlb_hook = tlb_apply;
    memset(cached, 0, sizeof(cached));
    for (u32 i = 0; i < 300; i++) {
        u64 grain = rnd(2) ? SZ_4K : SZ_2M;
        u64 at = ALIGN_DOWN(rnd(WINDOW_SIZE), grain);
        u64 size = MIN(grain * (1 + rnd(grain == SZ_4K ? 90 : 4)), WINDOW_SIZE - at);
        struct stage2_map map = map_of(WINDOW + at, 0x100000000 + at + (rnd(4) ? 0 : SZ_4K), size,
                                       (enum s2_class)rnd(S2_CLASS_COUNT));

        switch (rnd(4)) {
        case 0:
            assert_int_equal(stage2_split(&s2, map.ipa), CORBEL_OK);
            break;
        case 1:
            assert_int_equal(stage2_unmap(&s2, map.ipa, size), CORBEL_OK);
            break;
        default:
            assert_int_equal(stage2_map(&s2, &map), CORBEL_OK);
        }
        for (u64 page = 0; page < PAGES; page++) {
            u64 now = current(page);

            if (cached[page] && cached[page] != now)
                fail_msg("page %llu is stale", (unsigned long long)page);
            cached[page] = now;
        }
    }
    fake_tlb_hook = NULL;
    assert_int_equal(stage2_destroy(&s2), CORBEL_OK);
    assert_int_equal(pool_used, 0);
}

static void test_batches(void **state)
{
    struct stage2_inval b = { 0 };

    for (u32 i = 0; i < TLB_OPS_MAX; i++)
        stage2_inval_add(&b, SZ_1G + i * SZ_4K, SZ_4K, false);
    assert_false(b.all);
    assert_int_equal(b.count, 1);
    assert_int_equal(b.ranges[0].size, TLB_OPS_MAX * SZ_4K);
    stage2_inval_add(&b, 0, SZ_4K, false);
    assert_true(b.all);

    b = (struct stage2_inval){ 0 };
    stage2_inval_add(&b, 0, SZ_1G, false); /* a block: one instruction */
    assert_false(b.all);
    stage2_inval_add(&b, SZ_1G, SZ_2M, true); /* a table with 512 pages below */
    assert_true(b.all);

    b = (struct stage2_inval){ 0 };
    fake_features.tlb_range = true;
    stage2_inval_add(&b, SZ_1G, SZ_2M, true);
    assert_false(b.all);
    for (u32 i = 0; i < STAGE2_INVAL_RANGES; i++)
        stage2_inval_add(&b, i * SZ_2M, SZ_4K, false);
    assert_true(b.all);
}

/* Walkers are told what the CPUs were told, after them and before an entry is made again. */
static struct {
    u32 calls, fail_at;
    u64 root_entry; /* of the first GiB, as it was during the last call */
    struct stage2_inval last;
} walker;

static enum corbel_err walker_told(void *ctx, const struct stage2_inval *inval)
{
    assert_ptr_equal(ctx, &walker);
    walker.last = *inval;
    walker.root_entry = ((const u64 *)(const void *)fake_ram)[0];
    return walker.calls++ == walker.fail_at ? ERR_TIMEDOUT : CORBEL_OK;
}

static const struct stage2_walkers walkers = { walker_told, &walker };

static void watch_walkers(u32 fail_at)
{
    memset(&walker, 0, sizeof(walker));
    walker.fail_at = fail_at;
    s2.walkers = &walkers;
    fake_tlb_syncs = 0;
}

static void test_walkers(void **state)
{
    struct stage2_map ram = map_of(0, SZ_1G, SZ_1G, S2_RAM);

    watch_walkers(~0u);
    assert_int_equal(stage2_map(&s2, &ram), CORBEL_OK);
    assert_int_equal(walker.calls, 0); /* nothing was mapped there: nothing to forget */
    assert_int_equal(stage2_unmap(&s2, IPA(SZ_4K), SZ_4K), CORBEL_OK);
    assert_int_equal(walker.calls, 3); /* two blocks split, one page */
    assert_int_equal(walker.last.count, 1);
    assert_int_equal(walker.last.ranges[0].ipa, SZ_4K);
    assert_int_equal(walker.last.ranges[0].size, SZ_4K);
    s2.no_cpu = true;
    fake_tlb_syncs = 0;
    assert_int_equal(stage2_unmap(&s2, IPA(0), SZ_1G), CORBEL_OK);
    assert_int_equal(walker.calls, 4);
    assert_true(walker.last.all); /* a table with a thousand entries below */
    assert_int_equal(walker.root_entry, 0);
    assert_int_equal(fake_tlb_syncs, 0);
    assert_int_equal(stage2_flush_all(&s2), CORBEL_OK);
    assert_true(walker.last.all);
    assert_int_equal(stage2_destroy(&s2), CORBEL_OK);
    assert_int_equal(walker.calls, 6);
    assert_false(s2.lost);
}

/* The n-th invalidation fails: the entry is broken, no table is used again. */
static void test_walkers_fail(void **state)
{
    struct stage2_map ram = map_of(0, SZ_1G, SZ_1G, S2_RAM), out;

    for (u32 n = 0; n < 3; n++) {
        u64 before;

        assert_int_equal(setup(state), 0);
        watch_walkers(n);
        assert_int_equal(stage2_map(&s2, &ram), CORBEL_OK);
        assert_int_equal(stage2_unmap(&s2, IPA(SZ_4K), SZ_4K), ERR_TIMEDOUT);
        assert_true(s2.lost);
        assert_int_equal(stage2_lookup(&s2, IPA(SZ_4K), &out), ERR_NOENT);
        assert_int_equal(pool_used, n); /* a table that was linked stays, no other one does */
        before = pool_used;
        watch_walkers(0);
        assert_int_equal(stage2_destroy(&s2), ERR_TIMEDOUT);
        assert_int_equal(pool_used, before);
    }
    watch_walkers(0);
    s2.lost = false;
    assert_int_equal(stage2_flush_all(&s2), ERR_TIMEDOUT);
    assert_true(s2.lost);
}

/* The last one: limits are only ever lowered. */
static void test_limits(void **state)
{
    struct stage2_map map = map_of(SZ_1G, BIT(44) - SZ_4K, 2 * SZ_4K, S2_MMIO);

    fake_features.bbm = 2;
    assert_int_equal(stage2_bbm_level(), 2);
    stage2_limit(52, 52);
    assert_int_equal(stage2_ipa_bits_max(), 48);
    stage2_limit(46, 44);
    assert_int_equal(stage2_ipa_bits_max(), 46);
    assert_int_equal(stage2_init(&s2, 44, 1, fake_ram, &pool), CORBEL_OK);
    assert_int_equal(FIELD_GET(VTCR_EL2_PS, s2.vtcr), 4);
    assert_int_equal(stage2_map(&s2, &map), ERR_RANGE); /* beyond what either can put out */
    map.size = SZ_4K;
    assert_int_equal(stage2_map(&s2, &map), CORBEL_OK);
    stage2_limit(44, 39);
    assert_int_equal(stage2_init(&s2, 45, 1, fake_ram, &pool), ERR_RANGE);
    assert_int_equal(stage2_init(&s2, 40, 1, fake_ram, &pool), CORBEL_OK);
    assert_int_equal(FIELD_GET(VTCR_EL2_PS, s2.vtcr), 1); /* 36 bits: there are none for 39 */
    fake_features.pa_range = 0;
    assert_int_equal(stage2_ipa_bits_max(), 32);
    assert_int_equal(stage2_init(&s2, 32, 1, fake_ram, &pool), CORBEL_OK);
    assert_int_equal(FIELD_GET(VTCR_EL2_PS, s2.vtcr), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_geometry, setup),
        cmocka_unit_test_setup(test_registers, setup),
        cmocka_unit_test_setup(test_map_and_look, setup),
        cmocka_unit_test_setup(test_pa_beyond_the_machine, setup),
        cmocka_unit_test_setup(test_pages_needed, setup),
        cmocka_unit_test_setup(test_nothing_stale, setup),
        cmocka_unit_test_setup(test_batches, setup),
        cmocka_unit_test_setup(test_walkers, setup),
        cmocka_unit_test_setup(test_walkers_fail, setup),
        cmocka_unit_test_setup(test_limits, setup),
    };

    return cmocka_run_group_tests_name("stage2", tests, NULL, NULL);
}

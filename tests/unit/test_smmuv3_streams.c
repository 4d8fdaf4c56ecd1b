/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SMMUv3 driver on a model of the hardware: what reaches what while streams are attached and
 * detached and memory is unmapped, with caches that snoop and that do not; what each call costs
 * in commands.
 */
#include "smmuv3_rig.h"

/* ---- attach, detach ---- */

static void test_attach_one(void **state)
{
    u64 used;

    start();
    used = fake_smmu.pages_used;
    assert_blocked(0x20, RAM_IPA, true, IOMMU_FAULT_STREAM); /* what is not valid may be cached */
    assert_int_equal(attach(0x20, 1, &dom_a), CORBEL_OK);
    assert_null(why);
    assert_reaches(0x20, RAM_A);
    assert_int_equal(fake_smmu.pages_used, used + 4);
    assert_blocked(0x21, RAM_IPA, true, IOMMU_FAULT_STREAM);
    assert_blocked(0x120, RAM_IPA, true, IOMMU_FAULT_STREAM);
    assert_int_equal(attach(0x21, 2, &dom_b), CORBEL_OK);
    assert_reaches(0x22, RAM_B);
    assert_reaches(0x20, RAM_A);
    assert_int_equal(fake_smmu.pages_used, used + 4);
    assert_int_equal(detach(0x20, 1, false), CORBEL_OK);
    assert_blocked(0x20, RAM_IPA, true, IOMMU_FAULT_STREAM);
    assert_reaches(0x21, RAM_B);
    assert_int_equal(detach(0x21, 2, false), CORBEL_OK);
    assert_int_equal(fake_smmu.pages_used, used);
    assert_blocked(0x21, RAM_IPA, true, IOMMU_FAULT_STREAM);
}

static void test_attach_errors(void **state)
{
    struct iommu_stream masked = { .first = 1, .count = 1, .mask = 2 };
    struct stage2 wide = { .ipa_bits = 48 }, far = { .ipa_bits = 40, .vttbr = 1ull << 44 };

    start();
    assert_int_equal(attach(0, 0, &dom_a), ERR_INVAL);
    assert_int_equal(u->ops->attach(u, &masked, &dom_a, &why), ERR_INVAL);
    assert_int_equal(attach(0x10000, 1, &dom_a), ERR_RANGE);
    assert_string_equal(why, "no such stream");
    assert_int_equal(attach(0xffff, 2, &dom_a), ERR_RANGE);
    assert_int_equal(attach(~0u, ~0u, &dom_a), ERR_RANGE);
    assert_int_equal(attach(0, 1, &wide), ERR_NOTSUP);
    assert_string_equal(why, "the domain's addresses are wider than what the SMMU translates");
    assert_int_equal(attach(0, 1, &far), ERR_NOTSUP);
    assert_string_equal(why, "the domain's tables are beyond the SMMU's output size");
    u->caps.vmid_bits = 8;
    dom_b.vmid = 256;
    assert_int_equal(attach(0, 1, &dom_b), ERR_NOTSUP);
    assert_string_equal(why, "the domain's VMID is wider than the SMMU's");
    assert_int_equal(fake_smmu.cmd_count, 0);
    assert_int_equal(attach(0xff, 2, &dom_a), CORBEL_OK);
    assert_int_equal(attach(0x100, 1, &dom_a), ERR_EXIST);
    assert_string_equal(why, "a stream is attached already");
    assert_int_equal(attach(0, 0x10000, &dom_a), ERR_EXIST);
    assert_int_equal(detach(0xff, 3, false), ERR_NOENT);
    assert_int_equal(detach(0x200, 1, true), ERR_NOENT);
    assert_int_equal(detach(0x10000, 1, true), ERR_NOENT);
    assert_reaches(0xff, RAM_A);
    assert_reaches(0x100, RAM_A);
}

static void test_bypass(void **state)
{
    u64 pa;

    start();
    assert_int_equal(attach(0x20, 1, NULL), CORBEL_OK);
    assert_true(fake_smmu_dma(0x20, 0xdeadbeef, true, &pa));
    assert_int_equal(pa, 0xdeadbeef);
    fake_smmu.cmd_count = 0;
    assert_int_equal(detach(0x20, 1, false), CORBEL_OK);
    assert_int_equal(count_ops(CMD_OP_S12_VMALL), 0); /* it had no translations */
    assert_blocked(0x20, 0xdeadbeef, true, IOMMU_FAULT_STREAM);
}

/* A whole root complex: one table, two commands. */
static void test_root_complex(void **state)
{
    u64 used;

    start();
    used = fake_smmu.pages_used;
    assert_int_equal(attach(0, 0x10000, &dom_a), CORBEL_OK);
    assert_int_equal(fake_smmu.pages_used, used + 4);
    assert_int_equal(fake_smmu.cmd_count, 2);
    assert_int_equal(fake_smmu.cmds[0].dw[1], 15);
    for (u32 i = 0; i < 0x10000; i += 255)
        assert_reaches(i, RAM_A);
    fake_smmu.cmd_count = 0;
    fake_smmu.vmids[0] = 0; /* none may be left */
    assert_int_equal(detach(0, 0x10000, false), CORBEL_OK);
    assert_int_equal(fake_smmu.cmd_count, 4); /* CFGI, SYNC, TLBI, SYNC */
    assert_int_equal(count_ops(CMD_OP_S12_VMALL), 1);
    assert_int_equal(fake_smmu.pages_used, used);
    for (u32 i = 0; i < 0x10000; i += 255)
        assert_blocked(i, RAM_IPA, true, IOMMU_FAULT_STREAM);
    assert_int_equal(attach(0, 0x10000, &dom_b), CORBEL_OK);
    assert_reaches(0x20, RAM_B);
}

/* One stream is taken out of a span that 256 share, then another of the same, then of the next. */
static void test_quarantine(void **state)
{
    u64 used;

    start();
    used = fake_smmu.pages_used;
    assert_int_equal(attach(0, 0x10000, &dom_a), CORBEL_OK);
    assert_reaches(0x120, RAM_A);
    assert_reaches(0x121, RAM_A);
    fake_smmu.cmd_count = 0;
    assert_int_equal(detach(0x120, 1, true), CORBEL_OK);
    assert_int_equal(fake_smmu.cmd_count, 4);
    assert_int_equal(fake_smmu.pages_used, used + 8);
    assert_blocked(0x120, RAM_IPA, true, IOMMU_FAULT_KINDS);
    assert_reaches(0x121, RAM_A);
    assert_reaches(0x20, RAM_A);
    assert_int_equal(detach(0x1ff, 2, true), CORBEL_OK);
    assert_int_equal(fake_smmu.pages_used, used + 12);
    assert_blocked(0x1ff, RAM_IPA, true, IOMMU_FAULT_KINDS);
    assert_blocked(0x200, RAM_IPA, false, IOMMU_FAULT_KINDS);
    assert_reaches(0x1fe, RAM_A);
    assert_reaches(0x201, RAM_A);
    assert_int_equal(attach(0x120, 1, &dom_b), ERR_EXIST); /* still its */
    fake_smmu.cmd_count = 0;
    assert_int_equal(detach(0x120, 1, true), ERR_NOENT); /* it is there already */
    assert_int_equal(fake_smmu.cmd_count, 0);
    assert_int_equal(detach(0, 0x10000, false), CORBEL_OK);
    assert_int_equal(fake_smmu.pages_used, used);
    assert_int_equal(attach(0x120, 1, &dom_b), CORBEL_OK);
    assert_reaches(0x120, RAM_B);
}

/* All of a domain's streams at once: one table of aborts; and single ones without V at the end. */
static void test_quarantine_all(void **state)
{
    u64 used;

    start();
    used = fake_smmu.pages_used;
    assert_int_equal(attach(0x80, 0x1000, &dom_a), CORBEL_OK);
    assert_int_equal(fake_smmu.pages_used, used + 12);
    assert_int_equal(detach(0x320, 1, true), CORBEL_OK);
    assert_int_equal(detach(0x80, 0x1000, true), CORBEL_OK);
    assert_int_equal(fake_smmu.pages_used, used + 12);
    for (u32 i = 0x80; i < 0x1080; i += 7)
        assert_blocked(i, RAM_IPA, true, IOMMU_FAULT_KINDS);
    assert_blocked(0x7f, RAM_IPA, true, IOMMU_FAULT_STREAM);
    assert_blocked(0x1080, RAM_IPA, true, IOMMU_FAULT_STREAM);
    assert_int_equal(detach(0x320, 1, false), CORBEL_OK); /* loud again */
    assert_blocked(0x320, RAM_IPA, true, IOMMU_FAULT_STREAM);
    assert_blocked(0x321, RAM_IPA, true, IOMMU_FAULT_KINDS);
}

/* The first half is stopped before: what the second has cached goes all the same. */
static void test_detach_after_half(void **state)
{
    u64 used;

    start();
    used = fake_smmu.pages_used;
    assert_int_equal(attach(0, 0x1000, &dom_a), CORBEL_OK);
    assert_int_equal(detach(0, 0x800, true), CORBEL_OK);
    assert_int_equal(fake_smmu.pages_used, used + 8);
    assert_reaches(0x800, RAM_A);
    fake_smmu.cmd_count = 0;
    assert_int_equal(detach(0, 0x1000, false), CORBEL_OK);
    assert_int_equal(count_ops(CMD_OP_S12_VMALL), 1);
    assert_int_equal(fake_smmu.pages_used, used);
}

/* No memory for a table: nothing changes, and nothing is lost. */
static void test_nomem(void **state)
{
    u64 used;

    start();
    used = fake_smmu.pages_used;
    for (s32 i = 0; i < 3; i++) {
        fake_smmu.alloc_fail_at = i;
        assert_int_equal(attach(0x80, 0x1000, &dom_a), ERR_NOMEM);
        assert_string_equal(why, "no memory for the stream table");
        assert_int_equal(fake_smmu.pages_used, used);
        assert_blocked(0x480, RAM_IPA, true, IOMMU_FAULT_STREAM);
    }
    assert_int_equal(fake_smmu.cmd_count, 0);
    assert_int_equal(attach(0, 0x10000, &dom_a), CORBEL_OK);
    for (s32 i = 0; i < 3; i++) {
        fake_smmu.alloc_fail_at = i;
        assert_int_equal(detach(0x80, 0x1000, true), ERR_NOMEM);
        assert_int_equal(fake_smmu.pages_used, used + 4);
        assert_reaches(0x480, RAM_A);
    }
    fake_smmu.alloc_fail_at = 0;
    assert_int_equal(detach(0, 0x10000, false), CORBEL_OK); /* the end of a domain needs none */
    assert_int_equal(fake_smmu.pages_used, used);
}

/* Streams attached by pieces, in any order, against a plain array. */
static void random_life(u32 rounds)
{
    static u8 owner[2048]; /* 0 nobody, 1 A, 2 B, 3 bypass, 4 quarantined */
    u64 used = fake_smmu.pages_used, pa;

    memset(owner, 0, sizeof(owner));
    while (rounds--) {
        u32 first = (u32)rnd(2048), count = 1 + (u32)rnd(rnd(4) ? 40 : 2048), who = 1 + (u32)rnd(3);
        u32 op = (u32)rnd(3), valid = 0, open = 0, stream;

        if (rnd(4) == 0) {
            first &= ~255u;
            count = ALIGN_UP(count, 256);
        }
        count = MIN(count, 2048 - first);
        for (u32 i = first; i < first + count; i++) {
            valid += owner[i] != 0;
            open += owner[i] != 4;
        }
        if (op == 0) {
            const struct stage2 *s2 = who == 1 ? &dom_a : who == 2 ? &dom_b : NULL;

            assert_int_equal(attach(first, count, s2), valid ? ERR_EXIST : CORBEL_OK);
            if (!valid)
                memset(owner + first, (int)who, count);
        } else {
            bool may = valid == count && (op == 2 || open);

            assert_int_equal(detach(first, count, op == 1), may ? CORBEL_OK : ERR_NOENT);
            if (may)
                memset(owner + first, op == 1 ? 4 : 0, count);
        }
        for (u32 i = 0; i < 16; i++) {
            stream = i < 8 ? (u32)rnd(2048) : (first + (u32)rnd(count));
            assert_int_equal(fake_smmu_dma(stream, RAM_IPA, true, &pa),
                             owner[stream] >= 1 && owner[stream] <= 3);
            if (owner[stream] >= 1 && owner[stream] <= 3)
                assert_int_equal(pa, owner[stream] == 1   ? RAM_A
                                     : owner[stream] == 2 ? RAM_B
                                                          : RAM_IPA);
        }
        u->ops->drop_faults(u);
        fake_smmu.cmd_count = 0;
    }
    for (u32 i = 0; i < 2048; i++) {
        if (owner[i])
            assert_int_equal(detach(i, 1, false), CORBEL_OK);
        fake_smmu.cmd_count = 0;
    }
    assert_int_equal(fake_smmu.pages_used, used);
}

static void test_random(void **state)
{
    start();
    random_life(1500);
}

static void test_random_not_coherent(void **state)
{
    fake_smmu.idr0 &= ~(u32)SMMU_IDR0_COHACC;
    start();
    random_life(800);
}

static void test_random_linear(void **state)
{
    fake_smmu.idr0 &= ~(u32)SMMU_IDR0_ST_LEVEL;
    fake_smmu.idr1 = (fake_smmu.idr1 & ~63u) | 11;
    start();
    assert_int_equal(fake_smmu.strtab_cfg, 11);
    random_life(500);
}

/* ---- invalidation, with real tables ---- */

static bool deaf; /* the SMMU is not told: the test must then fail */

static enum corbel_err tell_smmu(void *ctx, const struct stage2_inval *inv)
{
    clean_tables();
    return deaf ? CORBEL_OK : u->ops->invalidate(u, ((struct stage2 *)ctx)->vmid, inv);
}

static const struct stage2_walkers walkers_a = { tell_smmu, &dom_a };

static void test_unmap(void **state)
{
    u64 pa;

    start();
    dom_a.walkers = &walkers_a;
    assert_int_equal(attach(0x20, 1, &dom_a), CORBEL_OK);
    assert_int_equal(attach(0x28, 1, &dom_b), CORBEL_OK);
    assert_reaches(0x20, RAM_A);
    assert_reaches(0x28, RAM_B);
    deaf = true;
    assert_int_equal(stage2_unmap(&dom_a, IPA(RAM_IPA), RAM_SIZE), CORBEL_OK);
    assert_reaches(0x20, RAM_A); /* what happens if nobody says */
    map_ram(&dom_a, RAM_IPA, RAM_A, RAM_SIZE);
    deaf = false;
    assert_int_equal(stage2_unmap(&dom_a, IPA(RAM_IPA), RAM_SIZE), CORBEL_OK);
    assert_blocked(0x20, RAM_IPA + 0x1234, true, IOMMU_FAULT_TRANSLATION);
    assert_reaches(0x28, RAM_B);
    map_ram(&dom_a, RAM_IPA, RAM_A + SZ_1M, SZ_4K);
    assert_true(fake_smmu_dma(0x20, RAM_IPA, false, &pa));
    assert_int_equal(pa, RAM_A + SZ_1M);
}

/* The real walker's life with an SMMU beside: what DMA reaches is what a lookup says. */
static void unmap_random(u32 rounds)
{
    dom_a.walkers = &walkers_a;
    assert_int_equal(attach(0, 0x10000, &dom_a), CORBEL_OK);
    while (rounds--) {
        u64 ipa = RAM_IPA + rnd(RAM_SIZE / PAGE_SIZE) * PAGE_SIZE, pa;
        u64 size = MIN((1 + rnd(rnd(3) ? 8 : 1024)) * PAGE_SIZE, RAM_IPA + RAM_SIZE - ipa);
        struct stage2_map out;

        if (rnd(2))
            map_ram(&dom_a, ipa, RAM_B + rnd(16) * PAGE_SIZE, size);
        else
            assert_int_equal(stage2_unmap(&dom_a, IPA(ipa), size), CORBEL_OK);
        clean_tables();
        for (u32 i = 0; i < 64; i++) {
            u64 at = RAM_IPA + rnd(RAM_SIZE);
            bool there = stage2_lookup(&dom_a, IPA(at), &out) == CORBEL_OK;

            assert_int_equal(fake_smmu_dma((u32)rnd(65536), at, true, &pa), there);
            if (there)
                assert_int_equal(pa, out.pa.v + (at - out.ipa.v));
        }
        u->ops->drop_faults(u);
        fake_smmu.cmd_count = 0;
    }
}

static void test_unmap_random(void **state)
{
    start();
    unmap_random(300);
}

static void test_unmap_random_single(void **state)
{
    fake_smmu.idr3 &= ~(u32)SMMU_IDR3_RIL;
    start();
    unmap_random(300);
}

static void invalidate(struct stage2_inval inv, u32 commands)
{
    u64 syncs = u->stats.syncs, sent = u->stats.commands;

    fake_smmu.cmd_count = 0;
    assert_int_equal(u->ops->invalidate(u, 7, &inv), CORBEL_OK);
    assert_int_equal(fake_smmu.cmd_count, commands ? commands + 1 : 0);
    assert_int_equal(u->stats.syncs - syncs, commands ? 1 : 0);
    assert_int_equal(u->stats.commands - sent, commands ? commands + 1 : 0);
}

static void test_invalidate_costs(void **state)
{
    struct stage2_inval none = { 0 }, all = { .all = true };
    struct stage2_inval block = { .count = 1, .ranges = { { RAM_IPA, SZ_2M, SZ_2M } } };
    struct stage2_inval pages = { .count = 1, .ranges = { { RAM_IPA, 33 * SZ_4K, SZ_4K } } };
    struct stage2_inval many = {
        .count = 2, .ranges = { { RAM_IPA, 128 * SZ_4K, SZ_4K }, { 0, SZ_4K, SZ_4K } }
    };
    struct stage2_inval huge = { .count = 1, .ranges = { { 0, BIT(44), SZ_4K } } };

    start();
    invalidate(none, 0);
    invalidate(all, 1);
    assert_int_equal(fake_smmu.cmds[0].dw[0], 0x700000028);
    invalidate(block, 1);
    invalidate(pages, 2);
    invalidate(many, 2);
    invalidate(huge, 1);
    /* One entry at a time, and the whole VMID where that is less. */
    u->caps.range_inv = false;
    fake_smmu.idr3 = 0;
    invalidate(block, 1);
    assert_int_equal(fake_smmu.cmds[0].dw[1], RAM_IPA);
    invalidate(pages, 33);
    assert_int_equal(fake_smmu.cmds[32].dw[1], RAM_IPA + 32 * SZ_4K);
    invalidate(many, 1);
    assert_int_equal(fake_smmu.cmds[0].dw[0], 0x700000028);
    invalidate(huge, 1);
    many.ranges[0].step = 0; /* taken as a page */
    many.ranges[0].size = 127 * SZ_4K;
    invalidate(many, 128);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_attach_one),
        TEST(test_attach_errors),
        TEST(test_bypass),
        TEST(test_root_complex),
        TEST(test_quarantine),
        TEST(test_quarantine_all),
        TEST(test_detach_after_half),
        TEST(test_nomem),
        TEST(test_random),
        TEST(test_random_not_coherent),
        TEST(test_random_linear),
        TEST(test_unmap),
        TEST(test_unmap_random),
        TEST(test_unmap_random_single),
        TEST(test_invalidate_costs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

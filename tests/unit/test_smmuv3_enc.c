/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMMUv3's encoders against numbers read off the specification and off what QEMU's model was seen
 * to take and to write; division of ranges checked by adding the pieces up again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"

#include <corbel/bits.h>

#include "../../drivers/iommu/smmuv3_priv.h"

static u64 seed = 88172645463325252ull;

static u64 rnd(u64 below)
{
    return (fake_random(&seed) >> 8) % below;
}

static void assert_cmd(struct smmuv3_cmd cmd, u64 dw0, u64 dw1)
{
    assert_int_equal(cmd.dw[0], dw0);
    assert_int_equal(cmd.dw[1], dw1);
}

static void test_ste(void **state)
{
    /* 44 bits in 4 levels, as on cortex-a72 below QEMU's SMMU; CnP and VMID stay in VTTBR. */
    struct stage2 s2 = { .vmid = 0x1234, .vttbr = 0x123400008badf001, .vtcr = 0x800c3594 };
    struct smmuv3_ste ste = smmuv3_ste_s2(&s2, true);
    static const u64 zero[4];

    assert_int_equal(ste.dw[0], 0xd); /* V, Config 6 */
    assert_int_equal(ste.dw[1], 1ull << 44);
    assert_int_equal(ste.dw[2], 1ull << 58 | 1ull << 51 | 0x43594ull << 32 | 0x1234);
    assert_int_equal(ste.dw[3], 0x8badf000);
    assert_memory_equal(&ste.dw[4], zero, sizeof(zero));
    /* Two concatenated roots (cortex-a710), walked past the caches. */
    s2.vtcr = 0x800a3558;
    ste = smmuv3_ste_s2(&s2, false);
    assert_int_equal(FIELD_GET(STE_2_VTCR, ste.dw[2]), 0x22058);
    ste = smmuv3_ste_bypass();
    assert_int_equal(ste.dw[0], 0x9);
    assert_int_equal(ste.dw[1], 1ull << 44);
    assert_memory_equal(&ste.dw[2], zero, sizeof(zero));
    ste = smmuv3_ste_abort();
    assert_int_equal(ste.dw[0], 0x1);
    assert_memory_equal(&ste.dw[1], zero, sizeof(zero));
}

static void test_l1_desc(void **state)
{
    assert_int_equal(smmuv3_l1_desc(PA(0x80004000), 8), 0x80004009);
    assert_int_equal(smmuv3_l1_desc(PA(0xfffff0000), 10), 0xfffff000b);
}

static void test_commands(void **state)
{
    assert_cmd(smmuv3_cmd_plain(CMD_OP_SYNC), 0x46, 0);
    assert_cmd(smmuv3_cmd_plain(CMD_OP_NSNH_ALL), 0x30, 0);
    assert_cmd(smmuv3_cmd_cfgi_all(), 0x04, 31);
    assert_cmd(smmuv3_cmd_tlbi_vmid(0xbeef), 0xbeef00000028, 0);
    assert_cmd(smmuv3_cmd_tlbi_ipa(7, 0xfff123456789a), 0x70000002a, 0xfff1234567000);
}

static void test_cfgi(void **state)
{
    u32 sid = 0x20, count = 1;

    assert_cmd(smmuv3_cmd_cfgi_next(&sid, &count), 0x2000000003, 0);
    assert_int_equal(sid, 0x21);
    assert_int_equal(count, 0);
    sid = 0;
    count = 65536;
    assert_cmd(smmuv3_cmd_cfgi_next(&sid, &count), 0x04, 15);
    assert_int_equal(count, 0);
    sid = 3;
    count = 14;
    assert_cmd(smmuv3_cmd_cfgi_next(&sid, &count), 0x300000003, 0);
    assert_cmd(smmuv3_cmd_cfgi_next(&sid, &count), 0x400000004, 1);
    assert_cmd(smmuv3_cmd_cfgi_next(&sid, &count), 0x800000004, 2);
    assert_cmd(smmuv3_cmd_cfgi_next(&sid, &count), 0x1000000003, 0);
    assert_int_equal(count, 0);
}

/* Blocks follow each other, each aligned to its size, and never more than needed. */
static void test_cfgi_ranges(void **state)
{
    for (u32 i = 0; i < 20000; i++) {
        u32 first = (u32)rnd(BIT(25)), count = 1 + (u32)rnd(BIT(25) - first);
        u32 sid = first, left = count, at = first, n = 0;

        while (left) {
            struct smmuv3_cmd cmd = smmuv3_cmd_cfgi_next(&sid, &left);
            bool range = (cmd.dw[0] & CMD_0_OP) == CMD_OP_CFGI_RANGE;
            u64 size = range ? BIT(cmd.dw[1] + 1) : 1;

            assert_int_equal(FIELD_GET(CMD_CFGI_0_SID, cmd.dw[0]), at);
            assert_true(IS_ALIGNED(at, size));
            at += (u32)size;
            n++;
        }
        assert_int_equal(at, first + count);
        assert_in_range(n, 1, 49);
    }
}

/* What a command covers; asserts that the hardware would take it. */
static u64 covered(const struct smmuv3_cmd *cmd)
{
    u64 num = FIELD_GET(CMD_TLBI_0_NUM, cmd->dw[0]),
        scale = FIELD_GET(CMD_TLBI_0_SCALE, cmd->dw[0]);

    assert_int_equal(cmd->dw[0] & CMD_0_OP, CMD_OP_S2_IPA);
    assert_int_equal(cmd->dw[1] & ~(CMD_TLBI_1_ADDRESS | CMD_TLBI_1_TG), 0); /* Leaf, TTL */
    if (!(cmd->dw[1] & CMD_TLBI_1_TG)) {
        assert_int_equal(num | scale, 0);
        return 1;
    }
    assert_int_equal(FIELD_GET(CMD_TLBI_1_TG, cmd->dw[1]), 1);
    assert_true(num | scale); /* reserved */
    return (num + 1) << scale;
}

static u32 divide(u64 ipa, u64 pages)
{
    u64 at = ipa, left = pages, sum = 0;
    u32 n = 0;

    while (left) {
        struct smmuv3_cmd cmd = smmuv3_cmd_tlbi_next(0x55, &ipa, &left);

        assert_int_equal(FIELD_GET(CMD_TLBI_0_VMID, cmd.dw[0]), 0x55);
        assert_int_equal(cmd.dw[1] & CMD_TLBI_1_ADDRESS, at);
        sum += covered(&cmd);
        at += covered(&cmd) * PAGE_SIZE;
        n++;
    }
    assert_int_equal(sum, pages);
    assert_int_equal(ipa, at);
    return n;
}

/* Least number of (NUM + 1) << SCALE that add up to each count, by trying all. */
static void least_of(u8 *least, u32 limit)
{
    least[0] = 0;
    for (u32 n = 1; n < limit; n++) {
        least[n] = 255;
        for (u32 scale = 0; n >> scale; scale++)
            for (u32 num = 1; num <= 32 && num << scale <= n; num++)
                least[n] = MIN(least[n], (u8)(least[n - (num << scale)] + 1));
    }
}

static void test_tlbi_ranges(void **state)
{
    static u8 least[5000];
    struct smmuv3_cmd cmd;
    u64 ipa = 0x40000000, pages = 1;

    /* One page is said the old way; two are a range. */
    assert_cmd(smmuv3_cmd_tlbi_next(3, &ipa, &pages), 0x30000002a, 0x40000000);
    pages = 2;
    ipa = 0x40000000;
    cmd = smmuv3_cmd_tlbi_next(3, &ipa, &pages);
    assert_cmd(cmd, 0x30010002a, 0x40000400);
    least_of(least, ARRAY_SIZE(least));
    for (u32 n = 1; n < ARRAY_SIZE(least); n++)
        assert_int_equal(divide(0x40000000, n), least[n]);
    assert_int_equal(divide(0, SZ_2M / PAGE_SIZE), 1);
    assert_int_equal(divide(0x80000000, SZ_1G / PAGE_SIZE), 1);
    assert_int_equal(divide(0x80000000, 31 * SZ_1G / PAGE_SIZE), 1);
    assert_int_equal(divide(0, BIT(36)), 1); /* 48 bits */
    for (u32 i = 0; i < 10000; i++)
        assert_in_range(divide(rnd(BIT(35)) * PAGE_SIZE, 1 + rnd(BIT(35))), 1, 8);
}

/* Type, dword 1 and what becomes of it; the streams and addresses of edu. */
static const struct {
    u8 type;
    u64 dw1;
    u8 kind;
    bool address, write;
} events[] = {
    { 0x01, 0, IOMMU_FAULT_OTHER, true, true },
    { 0x02, 0, IOMMU_FAULT_STREAM, false, false },
    { 0x03, 0, IOMMU_FAULT_WALK, false, false },
    { 0x04, 0, IOMMU_FAULT_STREAM, false, false },
    { 0x07, 1ull << 35, IOMMU_FAULT_OTHER, true, false },
    { 0x0b, 0x28000000000, IOMMU_FAULT_WALK, true, true },
    { 0x10, 0x28000000000, IOMMU_FAULT_TRANSLATION, true, true },
    { 0x10, 0x28800000000, IOMMU_FAULT_TRANSLATION, true, false },
    { 0x11, 0x28800000000, IOMMU_FAULT_SIZE, true, false },
    { 0x12, 0x28000000000, IOMMU_FAULT_ACCESS, true, true },
    { 0x13, 0x28000000000, IOMMU_FAULT_PERMISSION, true, true },
    { 0x20, 0x28000000000, IOMMU_FAULT_OTHER, true, true },
    { 0x21, 0x28000000000, IOMMU_FAULT_OTHER, false, false },
    { 0xff, ~0ull, IOMMU_FAULT_OTHER, false, false },
};

static void test_events(void **state)
{
    struct iommu_fault f;

    for (u32 i = 0; i < ARRAY_SIZE(events); i++) {
        u64 raw[4] = { 0xabcd002000000000 | events[i].type, events[i].dw1, 0x80004009, 0x80004000 };

        memset(&f, 0xaa, sizeof(f));
        smmuv3_event_decode(raw, &f);
        assert_int_equal(f.kind, events[i].kind);
        assert_int_equal(f.type, events[i].type);
        assert_true(f.has_stream);
        assert_int_equal(f.stream, 0xabcd0020);
        assert_int_equal(f.has_address, events[i].address);
        assert_int_equal(f.write, events[i].write);
        assert_int_equal(f.ipa, events[i].address ? 0x80004009 : 0);
        assert_memory_equal(f.raw, raw, sizeof(raw));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ste),         cmocka_unit_test(test_l1_desc),
        cmocka_unit_test(test_commands),    cmocka_unit_test(test_cfgi),
        cmocka_unit_test(test_cfgi_ranges), cmocka_unit_test(test_tlbi_ranges),
        cmocka_unit_test(test_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

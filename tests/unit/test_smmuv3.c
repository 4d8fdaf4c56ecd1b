/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SMMUv3 driver on a model of the hardware: probe, start, both formats of stream table; every
 * refusal, timeout and failed allocation.
 */
#include "smmuv3_rig.h"

/* ---- probe ---- */

static void test_caps(void **state)
{
    u64 pa;

    u = fake_smmu_iommu();
    fake_smmu.cr0 = fake_smmu.cr0ack = 0; /* as at reset: all pass */
    assert_true(fake_smmu_dma(5, 0x1000, true, &pa));
    assert_int_equal(u->ops->probe(u, &why), CORBEL_OK);
    assert_null(why);
    assert_false(fake_smmu_dma(5, 0x1000, true, &pa));
    assert_int_equal(fake_smmu.pages_used, 0);
    assert_int_equal(u->caps.ipa_bits, 44);
    assert_int_equal(u->caps.pa_bits, 44);
    assert_int_equal(u->caps.vmid_bits, 16);
    assert_int_equal(u->caps.stream_bits, 16);
    assert_int_equal(u->caps.bbm_level, 2);
    assert_true(u->caps.coherent);
    assert_true(u->caps.range_inv);
    assert_int_equal(u->caps.contexts, 0);
    assert_string_equal(u->caps.detail, "2-level stream table");
}

static void test_caps_other(void **state)
{
    static const u8 bits[] = { 36, 40, 42, 44, 48, 48, 48 };

    fake_smmu.idr0 &= ~(u32)(SMMU_IDR0_VMID16 | SMMU_IDR0_COHACC | SMMU_IDR0_ST_LEVEL);
    fake_smmu.idr1 = (fake_smmu.idr1 & ~63u) | 20;
    fake_smmu.idr3 = 3 << 11; /* BBML reserved */
    for (u32 oas = 1; oas < 8; oas++) {
        fake_smmu.idr5 = 0x70 | oas;
        u = fake_smmu_iommu();
        assert_int_equal(u->ops->probe(u, &why), CORBEL_OK);
        assert_int_equal(u->caps.ipa_bits, bits[oas - 1]);
        assert_int_equal(u->caps.pa_bits, bits[oas - 1]);
    }
    assert_int_equal(u->caps.vmid_bits, 8);
    assert_int_equal(u->caps.stream_bits, 16); /* linear: 4 MiB at most */
    assert_int_equal(u->caps.bbm_level, 0);
    assert_false(u->caps.coherent);
    assert_false(u->caps.range_inv);
    assert_string_equal(u->caps.detail, "linear stream table");
    assert_string_equal(fake_log, "");
}

/* The registers say what the SMMU does; the tree is only heard about. */
static void test_coherent_differs(void **state)
{
    struct platform_iommu desc;

    u = fake_smmu_iommu();
    desc = *u->desc;
    desc.coherent = false;
    u->desc = &desc;
    assert_int_equal(u->ops->probe(u, &why), CORBEL_OK);
    assert_true(u->caps.coherent);
    assert_non_null(strstr(fake_log, "/smmuv3@9050000: coherent by its registers"));
}

static void refused(u32 *idr, u32 value, const char *text)
{
    u32 was = *idr;
    u64 pa;

    *idr = value;
    u = fake_smmu_iommu();
    assert_int_equal(u->ops->probe(u, &why), ERR_NOTSUP);
    assert_string_equal(why, text);
    assert_false(fake_smmu_dma(5, 0x1000, true, &pa));
    u->ops->set_bypass(u, true);
    assert_true(fake_smmu_dma(5, 0x1000, true, &pa));
    u->ops->set_bypass(u, false);
    assert_false(fake_smmu_dma(5, 0x1000, true, &pa));
    assert_int_equal(fake_smmu.gbpa & 0xfffff, 0x1000); /* SHCFG as it was */
    *idr = was;
}

static void test_refusals(void **state)
{
    struct platform_iommu desc;

    refused(&fake_smmu.idr0, 0x0d44101a, "no stage 2 translation"); /* virt-9.1 */
    refused(&fake_smmu.idr0, 0x0d441017, "no AArch64 tables");
    refused(&fake_smmu.idr0, 0x0d64101b, "big-endian tables");
    refused(&fake_smmu.idr0, 0x0e44101b, "every fault stalls");
    refused(&fake_smmu.idr1, 0x42730010, "preset tables or queues");
    refused(&fake_smmu.idr1, 0x22730010, "preset tables or queues");
    refused(&fake_smmu.idr5, 0x64, "no 4 KiB granule");
    refused(&fake_smmu.idr5, 0x70, "output size of 32 bits");
    u = fake_smmu_iommu();
    desc = *u->desc;
    desc.regs.size = 0x10000;
    u->desc = &desc;
    assert_int_equal(u->ops->probe(u, &why), ERR_NOTSUP);
    assert_string_equal(why, "less than 128 KiB of registers");
}

static void stops_not(const char *text)
{
    u64 before = fake_time;

    u = fake_smmu_iommu();
    assert_int_equal(u->ops->probe(u, &why), ERR_TIMEDOUT);
    assert_string_equal(why, text);
    assert_in_range(fake_time - before, 100000000, 110000000);
}

static void test_probe_timeouts(void **state)
{
    fake_smmu.gbpa_stuck = true;
    stops_not("GBPA does not take ABORT");
    fake_smmu.gbpa = 0x1000;
    fake_smmu.gbpa_stuck = false;
    fake_smmu.cr0ack = fake_smmu.cr0_stuck = SMMU_CR0_SMMUEN;
    stops_not("it does not stop (CR0)");
    u->ops->set_bypass(u, true);
    assert_non_null(strstr(fake_log, "/smmuv3@9050000: does not let streams pass"));
    fake_smmu.cr0ack = fake_smmu.cr0_stuck = 0;
    fake_smmu.irq_stuck = true;
    stops_not("it does not stop (IRQ_CTRL)");
}

/* The firmware left it on, with interrupts and an error pending. */
static void test_leftovers(void **state)
{
    fake_smmu.cr0 = fake_smmu.cr0ack = 0xd;
    fake_smmu.irq_ctrl = 5;
    fake_smmu.gerror = 0x104;
    u = fake_smmu_iommu();
    assert_int_equal(u->ops->probe(u, &why), CORBEL_OK);
    assert_int_equal(fake_smmu.cr0ack, 0);
    assert_int_equal(fake_smmu.irq_ctrl, 0);
    assert_int_equal(fake_smmu.gerror ^ fake_smmu.gerrorn, 0);
}

/* ---- start ---- */

static void test_start(void **state)
{
    struct iommu_fault f;

    u = fake_smmu_iommu();
    assert_int_equal(u->ops->probe(u, &why), CORBEL_OK);
    assert_int_equal(u->ops->start(u, &why), CORBEL_OK);
    assert_null(why);
    assert_int_equal(fake_smmu.cr0ack, 0xd);
    assert_int_equal(fake_smmu.cr2, 6);
    assert_int_equal(fake_smmu.irq_ctrl, 5);
    assert_int_equal(fake_smmu.strtab_cfg, 0x10210);
    assert_true(fake_smmu.gbpa & SMMU_GBPA_ABORT); /* should it ever be off again */
    assert_int_equal(fake_smmu.cmd_count, 3);
    assert_int_equal(fake_smmu.cmds[0].dw[0] | fake_smmu.cmds[0].dw[1] << 32, 31ull << 32 | 4);
    assert_int_equal(fake_smmu.cmds[1].dw[0], CMD_OP_NSNH_ALL);
    assert_int_equal(fake_smmu.cmds[2].dw[0], CMD_OP_SYNC);
    assert_int_equal(u->stats.commands, 3);
    assert_int_equal(u->stats.syncs, 1);
    /* Queues of 4 and 32 KiB, descriptors and their shadow: no entry yet. */
    assert_int_equal(fake_smmu.pages_used, 1 + 8 + 1 + 1);
    f = assert_blocked(0, 0x1000, true, IOMMU_FAULT_STREAM);
    assert_int_equal(f.type, EVT_C_BAD_STREAMID);
    assert_blocked(0xffff, 0x1000, false, IOMMU_FAULT_STREAM);
    assert_int_equal(fake_smmu.event_pulses, 2);
    assert_int_equal(u->stats.faults, 2);
}

/* What else an SMMU may have: EL2 regimes, messages, ATS whose requests must not be trusted. */
static void test_start_features(void **state)
{
    fake_smmu.idr0 |= (u32)(SMMU_IDR0_HYP | SMMU_IDR0_MSI | SMMU_IDR0_ATS);
    u = fake_smmu_iommu();
    assert_int_equal(u->ops->probe(u, &why), CORBEL_OK);
    assert_int_equal(u->ops->start(u, &why), CORBEL_OK);
    assert_int_equal(fake_smmu.cr0ack, 0x1d);
    assert_int_equal(count_ops(CMD_OP_EL2_ALL), 1);
}

static void start_fails(enum corbel_err want, const char *text)
{
    u64 pa;

    u = fake_smmu_iommu();
    assert_int_equal(u->ops->probe(u, &why), CORBEL_OK);
    assert_int_equal(u->ops->start(u, &why), want);
    assert_string_equal(why, text);
    assert_int_equal(fake_smmu.pages_used, 0);
    u->ops->set_bypass(u, false);
    assert_false(fake_smmu_dma(5, 0x1000, true, &pa));
}

static void test_start_fails(void **state)
{
    for (s32 i = 0; i < 4; i++) {
        fake_smmu.alloc_fail_at = i;
        start_fails(ERR_NOMEM, "no memory for its tables and queues");
    }
    fake_smmu.alloc_fail_at = -1;
    fake_smmu.cr0_stuck = (u32)SMMU_CR0_CMDQEN;
    start_fails(ERR_TIMEDOUT, "its command queue does not start");
    fake_smmu.cr0_stuck = (u32)SMMU_CR0_EVENTQEN;
    start_fails(ERR_TIMEDOUT, "its event queue does not start");
    fake_smmu.cr0_stuck = (u32)SMMU_CR0_SMMUEN;
    start_fails(ERR_TIMEDOUT, "it does not start");
    fake_smmu.cr0_stuck = 0;
    fake_smmu.cmd_budget = 2;
    start_fails(ERR_TIMEDOUT, "it does not execute commands");
    fake_smmu.cmd_budget = ~0u;
    fake_smmu.ill_in = 2;
    start_fails(ERR_IO, "it does not execute commands");
    fake_smmu.idr5 = 0x71; /* 36 bits: all of fake RAM is within */
    u = fake_smmu_iommu();
    assert_int_equal(u->ops->probe(u, &why), CORBEL_OK);
    u->caps.pa_bits = 31; /* and none of it here */
    assert_int_equal(u->ops->start(u, &why), ERR_NOMEM);
    assert_int_equal(fake_smmu.pages_used, 0);
}

/* An SMMU that does not let go keeps its memory: it may still write there. */
static void test_start_keeps_memory(void **state)
{
    u = fake_smmu_iommu();
    assert_int_equal(u->ops->probe(u, &why), CORBEL_OK);
    fake_smmu.irq_stuck = true;
    fake_smmu.cr0_stuck = 0;
    assert_int_equal(u->ops->start(u, &why), ERR_TIMEDOUT);
    assert_string_equal(why, "its interrupts do not start");
    assert_int_equal(fake_smmu.pages_used, 0);
    fake_smmu.irq_stuck = false;
    assert_int_equal(u->ops->start(u, &why), CORBEL_OK);
    fake_smmu.cr0_stuck = (u32)SMMU_CR0_CMDQEN;
    u->ops->set_bypass(u, false);
    assert_non_null(strstr(fake_log, "does not stop streams"));
    assert_int_equal(fake_smmu.pages_used, 11);
}

/* ---- formats ---- */

static void linear(void)
{
    u64 used;

    fake_smmu.idr0 &= ~(u32)SMMU_IDR0_ST_LEVEL;
    start();
    used = fake_smmu.pages_used;
    assert_int_equal(used, 1 + 8 + 1024);
    assert_blocked(0x20, RAM_IPA, true, IOMMU_FAULT_STREAM);
    assert_int_equal(attach(0, 0x10000, &dom_a), CORBEL_OK);
    assert_int_equal(fake_smmu.cmd_count, 2);
    assert_reaches(0xffff, RAM_A);
    assert_int_equal(detach(0x20, 1, true), CORBEL_OK);
    assert_blocked(0x20, RAM_IPA, true, IOMMU_FAULT_KINDS);
    assert_reaches(0x21, RAM_A);
    assert_int_equal(detach(0, 0x10000, false), CORBEL_OK);
    assert_blocked(0x21, RAM_IPA, true, IOMMU_FAULT_STREAM);
    assert_int_equal(fake_smmu.pages_used, used);
    assert_int_equal(attach(0x20, 1, &dom_b), CORBEL_OK);
    assert_reaches(0x20, RAM_B);
}

static void test_linear(void **state)
{
    linear();
}

static void test_linear_not_coherent(void **state)
{
    fake_smmu.idr0 &= ~(u32)SMMU_IDR0_COHACC;
    linear();
}

/* Few streams: one span is linear, though two levels would do. One stream: an index of no bits. */
static void test_few_streams(void **state)
{
    fake_smmu.idr1 = (fake_smmu.idr1 & ~63u) | 8;
    start();
    assert_int_equal(fake_smmu.strtab_cfg, 8);
    assert_int_equal(attach(255, 1, &dom_a), CORBEL_OK);
    assert_reaches(255, RAM_A);
    assert_int_equal(attach(256, 1, &dom_a), ERR_RANGE);
    setup(state);
    fake_smmu.idr1 &= ~63u;
    start();
    assert_int_equal(u->caps.stream_bits, 0);
    assert_int_equal(attach(0, 1, &dom_a), CORBEL_OK);
    assert_reaches(0, RAM_A);
    assert_int_equal(attach(1, 1, &dom_a), ERR_RANGE);
}

/* Very many: larger spans, and what the first level cannot hold is refused. */
static void test_many_streams(void **state)
{
    fake_smmu.idr1 = (fake_smmu.idr1 & ~63u) | 32;
    start();
    assert_int_equal(u->caps.stream_bits, 25);
    assert_int_equal(fake_smmu.strtab_cfg, 0x10000 | 10 << 6 | 25);
    assert_int_equal(attach(0x1ffff00, 0x100, &dom_a), CORBEL_OK);
    assert_int_equal(attach(0x2000000, 1, &dom_a), ERR_RANGE);
    assert_int_equal(detach(0x1ffff00, 0x100, false), CORBEL_OK);
    setup(state);
    fake_smmu.idr1 = (fake_smmu.idr1 & ~63u) | 23;
    start();
    assert_int_equal(u->caps.stream_bits, 23);
    assert_int_equal(fake_smmu.strtab_cfg, 0x10000 | 8 << 6 | 23);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_caps),
        TEST(test_caps_other),
        TEST(test_coherent_differs),
        TEST(test_refusals),
        TEST(test_probe_timeouts),
        TEST(test_leftovers),
        TEST(test_start),
        TEST(test_start_features),
        TEST(test_start_fails),
        TEST(test_start_keeps_memory),
        TEST(test_linear),
        TEST(test_linear_not_coherent),
        TEST(test_few_streams),
        TEST(test_many_streams),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SMMUv3 driver on a model of the hardware that walks its tables, and under it tables made by
 * the real stage2.c: what reaches what, in two formats of stream table, with caches that snoop
 * and that do not; what each call costs in commands; every refusal, timeout and failed allocation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"
#include "fake_mmu.h"
#include "fake_smmuv3.h"
#include "fake_stage2.h"

#include <arch/cache.h>
#include <arch/mmu.h>
#include <asm/features.h>
#include <corbel/bits.h>
#include <corbel/drivers.h>
#include <hw/smmuv3.h>

#define RAM_IPA  0x40000000ull /* both domains' */
#define RAM_A    0x100000000ull
#define RAM_B    0x200000000ull
#define RAM_SIZE (8 * SZ_2M)
#define S2_RW    3u

static struct iommu *u;
static struct stage2 dom_a, dom_b;
static const char *why;

static u64 seed = 0x9e3779b97f4a7c15ull;

static u64 rnd(u64 below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed >> 8) % below;
}

/* ---- two domains ---- */

static void *table_alloc(void *ctx)
{
    return fake_smmu_page(0);
}

static void table_free(void *ctx, void *page)
{
}

static const struct stage2_pool pool = { table_alloc, table_free, NULL };

/* Tables are written by p2m.c; what it cleans is not this test's business. */
static void clean_tables(void)
{
    if (!u->caps.coherent)
        arch_cache_clean(fake_ram + 16 * SZ_1M, 8 * SZ_1M);
}

static void map_ram(struct stage2 *s2, u64 ipa, u64 pa, u64 size)
{
    struct stage2_map map = {
        .ipa = IPA(ipa), .pa = PA(pa), .size = size, .attr = s2_policy(S2_RAM)
    };

    assert_int_equal(stage2_map(s2, &map), CORBEL_OK);
    clean_tables();
}

static void make_domain(struct stage2 *s2, u8 bits, u16 vmid, u64 ram)
{
    u8 level;
    u32 pages = stage2_root_pages(bits, &level);

    assert_int_equal(stage2_init(s2, bits, vmid, fake_smmu_page(bit_lowest(pages)), &pool),
                     CORBEL_OK);
    map_ram(s2, RAM_IPA, ram, RAM_SIZE);
}

/* The model as the test has set it up, probed and started. */
static void start(void)
{
    u = fake_smmu_iommu();
    assert_int_equal(u->ops->probe(u, &why), CORBEL_OK);
    assert_int_equal(u->ops->start(u, &why), CORBEL_OK);
    make_domain(&dom_a, 40, 1, RAM_A);
    make_domain(&dom_b, 44, 2, RAM_B);
    fake_smmu.vmids[0] = 1;
    fake_smmu.vmids[1] = 2;
    fake_smmu.cmd_count = 0;
}

static int setup(void **state)
{
    fake_smmu_init();
    memset(&fake_features, 0, sizeof(fake_features));
    fake_features.pa_range = 4;
    fake_features.vmid16 = true;
    return 0;
}

static int teardown(void **state)
{
    fake_smmu_exit();
    return 0;
}

static struct iommu_stream streams(u32 first, u32 count)
{
    return (struct iommu_stream){ .first = first, .count = count };
}

static enum corbel_err attach(u32 first, u32 count, const struct stage2 *s2)
{
    struct iommu_stream s = streams(first, count);

    why = NULL;
    return u->ops->attach(u, &s, s2, &why);
}

static enum corbel_err detach(u32 first, u32 count, bool quiet)
{
    struct iommu_stream s = streams(first, count);

    return u->ops->detach(u, &s, quiet);
}

static void assert_reaches(u32 stream, u64 want)
{
    u64 pa;

    assert_true(fake_smmu_dma(stream, RAM_IPA + 0x1234, true, &pa));
    assert_int_equal(pa, want + 0x1234);
}

/* Blocked; recorded as kind, or (IOMMU_FAULT_KINDS) not at all. */
static struct iommu_fault assert_blocked(u32 stream, u64 ipa, bool write, u32 kind)
{
    struct iommu_fault f = { 0 };
    u64 pa;

    assert_false(u->ops->next_fault(u, &f));
    assert_false(fake_smmu_dma(stream, ipa, write, &pa));
    if (kind == IOMMU_FAULT_KINDS) {
        assert_false(u->ops->next_fault(u, &f));
        return f;
    }
    assert_true(u->ops->next_fault(u, &f));
    assert_int_equal(f.kind, kind);
    assert_true(f.has_stream);
    assert_int_equal(f.stream, stream);
    assert_false(u->ops->next_fault(u, &f));
    return f;
}

static u32 count_ops(u32 op)
{
    u32 n = 0;

    for (u32 i = 0; i < fake_smmu.cmd_count; i++)
        n += (fake_smmu.cmds[i].dw[0] & CMD_0_OP) == op;
    return n;
}

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

/* ---- main ---- */

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
        TEST(test_linear),
        TEST(test_linear_not_coherent),
        TEST(test_few_streams),
        TEST(test_many_streams),
        TEST(test_unmap),
        TEST(test_unmap_random),
        TEST(test_unmap_random_single),
        TEST(test_invalidate_costs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

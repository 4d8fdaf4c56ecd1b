/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMMUv3's queues on the model of the hardware: wrap-around, room, refused commands and how they
 * are replaced, waits that end, records of every kind, lost records, errors of the SMMU itself.
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

#include <arch/barrier.h>
#include <arch/cache.h>
#include <arch/io.h>
#include <arch/mmu.h>
#include <corbel/bits.h>
#include <corbel/drivers.h>
#include <hw/smmuv3.h>

#define VMID 5u
#define PAGE 0x40000000ull /* the one that is mapped, to itself */

static struct iommu *u;
static struct stage2 s2;
static const char *why;

/* Three levels by hand, so that a test can break any part: 39 bits, PS of 44. */
static u64 *level1, *level2, *level3;

static void make_tables(void)
{
    level1 = fake_smmu_page(0);
    level2 = fake_smmu_page(0);
    level3 = fake_smmu_page(0);
    level1[1] = virt_to_phys(level2).v | 3;
    level2[0] = virt_to_phys(level3).v | 3;
    level3[0] = PAGE | 0x7ff; /* AF, SH, S2AP: all */
    s2 = (struct stage2){ .root = level1,
                          .ipa_bits = 39,
                          .vmid = VMID,
                          .vttbr = virt_to_phys(level1).v,
                          .vtcr = 0x80043559 };
}

/* Translation tables, which the p2m cleans; the queues are the driver's own affair. */
static void clean(void)
{
    arch_cache_clean(fake_ram + 16 * SZ_1M, 8 * SZ_1M);
}

static void start(void)
{
    u = fake_smmu_iommu();
    assert_int_equal(u->ops->probe(u, &why), CORBEL_OK);
    assert_int_equal(u->ops->start(u, &why), CORBEL_OK);
    make_tables();
    clean();
    fake_smmu.vmids[0] = VMID;
    fake_smmu.cmd_count = 0;
}

static int setup(void **state)
{
    fake_smmu_init();
    return 0;
}

static int teardown(void **state)
{
    fake_smmu_exit();
    return 0;
}

static enum corbel_err attach(u32 stream)
{
    struct iommu_stream s = { .first = stream, .count = 1 };

    return u->ops->attach(u, &s, &s2, &why);
}

static enum corbel_err detach(u32 stream, bool quiet)
{
    struct iommu_stream s = { .first = stream, .count = 1 };

    return u->ops->detach(u, &s, quiet);
}

static enum corbel_err flush(void)
{
    struct stage2_inval all = { .all = true };

    return u->ops->invalidate(u, VMID, &all);
}

/* n commands that cannot become one. */
static enum corbel_err flush_pages(u32 n)
{
    struct stage2_inval inv = { .count = 1, .ranges = { { PAGE, n * SZ_4K, SZ_4K } } };

    u->caps.range_inv = false;
    return u->ops->invalidate(u, VMID, &inv);
}

static bool dma(u32 stream, u64 ipa, bool write)
{
    u64 pa;

    return fake_smmu_dma(stream, ipa, write, &pa);
}

static struct iommu_fault next(void)
{
    struct iommu_fault f;

    assert_true(u->ops->next_fault(u, &f));
    return f;
}

static void assert_no_fault(void)
{
    struct iommu_fault f;

    assert_false(u->ops->next_fault(u, &f));
}

/* ---- commands ---- */

/* Many rounds of a queue of 256. */
static void test_wrap(void **state)
{
    start();
    for (u32 i = 0; i < 200; i++) {
        fake_smmu.cmd_count = 0;
        assert_int_equal(flush_pages(100), CORBEL_OK);
        assert_int_equal(fake_smmu.cmd_count, 101);
        for (u32 n = 0; n < 100; n++)
            assert_int_equal(fake_smmu.cmds[n].dw[1], PAGE + n * SZ_4K);
        assert_int_equal(fake_smmu.cmds[100].dw[0], CMD_OP_SYNC);
    }
    assert_no_fault();
}

/* Queues of 1 to 8 commands and records, and an SMMU that takes its time: adding waits for room. */
static void test_small_queues(void **state)
{
    for (u32 log2 = 0; log2 < 4; log2++) {
        setup(state);
        fake_smmu.idr1 = 0x10 | log2 << 16 | log2 << 21;
        fake_smmu.cmd_per_poll = 1;
        start();
        assert_int_equal(attach(0x20), CORBEL_OK);
        assert_true(dma(0x20, PAGE, true));
        for (u32 i = 0; i < 20; i++) {
            fake_smmu.cmd_count = 0;
            assert_int_equal(flush_pages(50), CORBEL_OK);
            assert_int_equal(fake_smmu.cmd_count, 51);
            for (u32 n = 0; n < 50; n++)
                assert_int_equal(fake_smmu.cmds[n].dw[1], PAGE + n * SZ_4K);
            assert_false(dma(0x20, 0x1000 * i, true));
            assert_int_equal(next().ipa, 0x1000 * i);
            assert_no_fault();
        }
    }
}

/* It consumes so much and no more: an error in a second, and then none that takes another. */
static void test_timeout(void **state)
{
    struct iommu_fault f;
    u64 before;

    start();
    assert_int_equal(attach(0x20), CORBEL_OK);
    fake_smmu.cmd_budget = 1;
    before = fake_time;
    assert_int_equal(flush(), ERR_TIMEDOUT);
    assert_in_range(fake_time - before, 1000000000, 1100000000);
    before = fake_time;
    assert_int_equal(flush(), ERR_TIMEDOUT);
    assert_int_equal(flush_pages(100), ERR_TIMEDOUT);
    assert_int_equal(detach(0x20, false), ERR_TIMEDOUT);
    assert_int_equal(attach(0x21), ERR_TIMEDOUT);
    assert_string_equal(why, "it does not execute commands");
    assert_non_null(strstr(fake_log, "/smmuv3@9050000: streams may stay attached"));
    assert_in_range(fake_time - before, 0, 1000000);
    assert_false(u->ops->next_fault(u, &f));
    /* It goes on after all. */
    fake_smmu.cmd_budget = ~0u;
    mmio_write32(FAKE_SMMU_REGS, SMMU_CMDQ_PROD, fake_smmu.cmdq_prod);
    assert_int_equal(flush(), CORBEL_OK);
    assert_int_equal(attach(0x21), CORBEL_OK);
    assert_true(dma(0x21, PAGE, true));
    assert_false(dma(0x20, PAGE, true));
}

/* The queue is full and stays so: waiting for room ends, too. */
static void test_timeout_room(void **state)
{
    u64 before;

    fake_smmu.idr1 = 0x10 | 4 << 16 | 3 << 21;
    start();
    fake_smmu.cmd_budget = 0;
    before = fake_time;
    assert_int_equal(flush_pages(50), ERR_TIMEDOUT);
    assert_in_range(fake_time - before, 1000000000, 1100000000);
    assert_int_equal(flush_pages(50), ERR_TIMEDOUT);
    assert_in_range(fake_time - before, 1000000000, 1100000000);
}

/* CFGI got no answer: the stream is not attached, and its table not given back. */
static void test_timeout_attach(void **state)
{
    u64 used;

    start();
    used = fake_smmu.pages_used;
    fake_smmu.cmd_budget = 0;
    assert_int_equal(attach(0x20), ERR_TIMEDOUT);
    assert_string_equal(why, "it does not execute commands");
    assert_false(dma(0x20, PAGE, true));
    assert_int_equal(fake_smmu.pages_used, used + 4);
}

/* CERROR_ILL: the command is replaced, the rest is done, the caller and the report hear of it. */
static void refused(void)
{
    struct iommu_fault f;

    start();
    for (u32 n = 1; n <= 5; n++) {
        fake_smmu.cmd_count = 0;
        fake_smmu.ill_in = n;
        assert_int_equal(flush_pages(5), ERR_IO);
        assert_int_equal(fake_smmu.cmd_count, 6);
        for (u32 i = 0; i < 5; i++)
            assert_int_equal(fake_smmu.cmds[i].dw[0] & CMD_0_OP,
                             i == n - 1 ? CMD_OP_SYNC : CMD_OP_S2_IPA);
        assert_int_equal(fake_smmu.gerror_pulses, n);
        f = next();
        assert_int_equal(f.kind, IOMMU_FAULT_GLOBAL);
        assert_int_equal(f.type, SMMU_GERROR_CMDQ_ERR);
        assert_false(f.has_stream || f.has_address);
        assert_int_equal(f.raw[0], SMMU_GERROR_CMDQ_ERR);
        assert_int_equal(FIELD_GET(SMMU_CMDQ_CONS_ERR, f.raw[1]), SMMU_CERROR_ILL);
        assert_int_equal(f.raw[2], 0x50000002a);
        assert_int_equal(f.raw[3], PAGE + (n - 1) * SZ_4K);
        assert_no_fault();
        /* CONS goes on showing the error: GERROR is what counts. */
        assert_int_equal(flush(), CORBEL_OK);
        assert_no_fault();
    }
}

static void test_refused(void **state)
{
    refused();
}

static void test_refused_not_coherent(void **state)
{
    fake_smmu.idr0 &= ~(u32)SMMU_IDR0_COHACC;
    refused();
}

/* A stage-1 SMMU, were it driven: TLBI_S12_VMALL is refused. */
static void test_refused_by_stage(void **state)
{
    start();
    fake_smmu.idr0 &= ~(u32)SMMU_IDR0_S2P;
    assert_int_equal(flush(), ERR_IO);
    assert_int_equal(next().raw[2], 0x500000028);
}

/* The fetch of an entry failed: it is tried again as it is. */
static void test_fetch_abort(void **state)
{
    start();
    fake_smmu.abt_in = 2;
    assert_int_equal(flush_pages(3), ERR_IO);
    assert_int_equal(fake_smmu.cmd_count, 4);
    assert_int_equal(fake_smmu.cmds[1].dw[1], PAGE + SZ_4K);
    assert_int_equal(FIELD_GET(SMMU_CMDQ_CONS_ERR, next().raw[1]), SMMU_CERROR_ABT);
    assert_int_equal(flush(), CORBEL_OK);
}

/* Service failure mode: no wait for what will never come. */
static void test_service_failure(void **state)
{
    struct iommu_fault f;
    u64 before;

    start();
    before = fake_time;
    fake_smmu.fatal = true;
    fake_smmu.ill_in = 1;
    fake_smmu.cmd_budget = 1;
    assert_int_equal(flush(), ERR_IO);
    fake_smmu.cmd_budget = 0;
    assert_int_equal(flush(), ERR_TIMEDOUT);
    assert_in_range(fake_time - before, 0, 1000000);
    f = next();
    assert_int_equal(f.kind, IOMMU_FAULT_GLOBAL);
    assert_int_equal(f.type, SMMU_GERROR_SFM_ERR | SMMU_GERROR_CMDQ_ERR);
    assert_no_fault();
}

/* ---- records ---- */

static u64 *ste_of(u32 stream)
{
    u64 *l1 = phys_to_virt(PA(fake_smmu.strtab_base & GENMASK(51, 6)));

    return (u64 *)phys_to_virt(PA(l1[stream >> 8] & L1STD_L2PTR)) + (stream & 255) * 8;
}

static void expect(u64 ipa, bool write, u32 type, u32 kind)
{
    struct iommu_fault f;

    clean();
    assert_int_equal(flush(), CORBEL_OK);
    assert_false(dma(0x20, ipa, write));
    f = next();
    assert_int_equal(f.kind, kind);
    assert_int_equal(f.type, type);
    assert_true(f.has_stream);
    assert_int_equal(f.stream, 0x20);
    assert_true(f.has_address);
    assert_int_equal(f.ipa, ipa);
    assert_int_equal(f.write, write);
    assert_int_equal(f.raw[0], 0x2000000000 | type);
    assert_no_fault();
}

static void all_faults(void)
{
    static const u64 leaf = PAGE | 0x7ff;

    start();
    assert_int_equal(attach(0x20), CORBEL_OK);
    assert_true(dma(0x20, PAGE, true));
    expect(PAGE + SZ_4K + 9, true, EVT_F_TRANSLATION, IOMMU_FAULT_TRANSLATION);
    expect(BIT(39), false, EVT_F_TRANSLATION, IOMMU_FAULT_TRANSLATION);
    level3[0] = leaf & ~BIT(7);
    expect(PAGE + 4, true, EVT_F_PERMISSION, IOMMU_FAULT_PERMISSION);
    assert_true(dma(0x20, PAGE, false));
    level3[0] = leaf & ~BIT(6);
    expect(PAGE + 4, false, EVT_F_PERMISSION, IOMMU_FAULT_PERMISSION);
    level3[0] = leaf & ~BIT(10);
    expect(PAGE, true, EVT_F_ACCESS, IOMMU_FAULT_ACCESS);
    level3[0] = leaf | BIT(45);
    expect(PAGE, true, EVT_F_ADDR_SIZE, IOMMU_FAULT_SIZE);
    level3[0] = leaf;
    level2[0] = 0x10000003; /* no memory there */
    expect(PAGE, false, EVT_F_WALK_EABT, IOMMU_FAULT_WALK);
    assert_int_equal(detach(0x20, true), CORBEL_OK);
    assert_false(dma(0x20, PAGE, true));
    assert_no_fault();
}

/* Each row of what QEMU was seen to record. */
static void test_faults(void **state)
{
    all_faults();
}

static void test_faults_not_coherent(void **state)
{
    fake_smmu.idr0 &= ~(u32)SMMU_IDR0_COHACC;
    all_faults();
}

/* Streams of nobody; and an entry that is illegal, which the driver never writes. */
static void test_stream_faults(void **state)
{
    struct iommu_fault f;

    start();
    assert_false(dma(0x20, PAGE, true));
    f = next();
    assert_int_equal(f.type, EVT_C_BAD_STREAMID);
    assert_int_equal(f.kind, IOMMU_FAULT_STREAM);
    assert_false(f.has_address);
    assert_int_equal(attach(0x20), CORBEL_OK);
    assert_false(dma(0x21, PAGE, false));
    f = next();
    assert_int_equal(f.type, EVT_C_BAD_STE);
    assert_int_equal(f.kind, IOMMU_FAULT_STREAM);
    assert_int_equal(f.stream, 0x21);
    assert_false(f.has_address || f.write);
    fake_barrier_hook = NULL;            /* the model would not stand for this */
    ste_of(0x20)[2] &= ~GENMASK(37, 32); /* T0SZ 0 */
    assert_false(dma(0x20, PAGE, false));
    assert_int_equal(next().type, EVT_C_BAD_STE);
    assert_no_fault();
}

/* A transfer of 4 KiB writes 1024 records: all fit; those of the next do not. */
static void test_queue_full(void **state)
{
    struct iommu_fault f;

    start();
    for (u32 i = 0; i < 1024; i++)
        assert_false(dma(0x20, 4 * i, true));
    assert_int_equal(fake_smmu.events_dropped, 0);
    for (u32 i = 0; i < 3; i++)
        assert_false(dma(0x20, 0, true));
    assert_int_equal(fake_smmu.events_dropped, 3);
    assert_int_equal(fake_smmu.gerror_pulses, 1);
    f = next();
    assert_int_equal(f.kind, IOMMU_FAULT_LOST);
    assert_int_equal(f.type, SMMU_GERROR_EVENTQ_ABT_ERR);
    assert_false(f.has_stream);
    assert_int_equal(fake_smmu.gerror ^ fake_smmu.gerrorn, 0);
    for (u32 i = 0; i < 1024; i++)
        assert_int_equal(next().kind, IOMMU_FAULT_STREAM);
    assert_no_fault();
    assert_int_equal(u->stats.faults, 1025);
    assert_false(dma(0x21, 0, true));
    assert_int_equal(next().stream, 0x21);
}

/* The architecture's own way of saying it, twice: the flag toggles. */
static void test_overflow_flag(void **state)
{
    fake_smmu.overflow_bit = true;
    fake_smmu.idr1 = 0x10 | 2 << 16 | 4 << 21;
    start();
    for (u32 round = 0; round < 4; round++) {
        for (u32 i = 0; i < 6; i++)
            assert_false(dma(i, 0, true));
        assert_int_equal(next().kind, IOMMU_FAULT_LOST);
        assert_int_equal((fake_smmu.evtq_prod ^ fake_smmu.evtq_cons) & SMMU_QUEUE_OVFLG, 0);
        for (u32 i = 0; i < 4; i++)
            assert_int_equal(next().stream, i);
        assert_no_fault();
        assert_false(dma(9, 0, true));
        assert_int_equal(next().stream, 9);
        assert_no_fault();
    }
}

/* PROD says more than the queue has: start over, and say that something is missing. */
static void test_nonsense(void **state)
{
    start();
    fake_smmu.evtq_prod = 1025;
    assert_int_equal(next().kind, IOMMU_FAULT_LOST);
    assert_no_fault();
    assert_int_equal(fake_smmu.evtq_cons, 1025);
    assert_false(dma(0x20, 0, true));
    assert_int_equal(next().stream, 0x20);
}

static void test_drop(void **state)
{
    start();
    assert_int_equal(u->ops->drop_faults(u), 0);
    for (u32 i = 0; i < 1030; i++)
        assert_false(dma(i, 0, true));
    assert_int_equal(u->ops->drop_faults(u), 1024);
    assert_int_equal(next().kind, IOMMU_FAULT_LOST);
    assert_no_fault();
    assert_false(dma(7, 0, true));
    assert_int_equal(next().stream, 7);
    for (u32 i = 0; i < 600; i++)
        assert_false(dma(i, 0, true));
    assert_int_equal(next().stream, 0);
    assert_int_equal(u->ops->drop_faults(u), 599);
    assert_no_fault();
    assert_int_equal(u->stats.faults, 1024 + 1 + 1 + 1 + 599);
}

/* Errors that are nobody's stream, and two kinds at once. */
static void test_gerror(void **state)
{
    struct iommu_fault f;

    start();
    fake_smmu_gerror(1u << 4); /* MSI_CMDQ_ABT_ERR */
    fake_smmu_gerror((u32)SMMU_GERROR_EVENTQ_ABT_ERR);
    f = next();
    assert_int_equal(f.kind, IOMMU_FAULT_GLOBAL);
    assert_int_equal(f.type, 1u << 4);
    assert_int_equal(f.raw[0], 1u << 4 | 1u << 2);
    f = next();
    assert_int_equal(f.kind, IOMMU_FAULT_LOST);
    assert_no_fault();
    fake_smmu_gerror(1u << 4);
    f = next();
    assert_int_equal(f.raw[0], 1u << 4);
    assert_no_fault();
    fake_smmu.gerror ^= 1u << 31; /* a bit that means nothing */
    assert_no_fault();
}

static void test_fault_irq(void **state)
{
    start();
    u->ops->set_fault_irq(u, false);
    assert_false(dma(0x20, 0, true));
    fake_smmu_gerror(1u << 4);
    assert_int_equal(fake_smmu.event_pulses + fake_smmu.gerror_pulses, 0);
    u->ops->set_fault_irq(u, true);
    assert_int_equal(next().kind, IOMMU_FAULT_GLOBAL);
    assert_int_equal(next().stream, 0x20);
    assert_false(dma(0x20, 0, true));
    assert_int_equal(fake_smmu.event_pulses, 1);
    assert_string_equal(fake_log, "");
    fake_smmu.irq_stuck = true;
    u->ops->set_fault_irq(u, false);
    assert_non_null(strstr(fake_log, "/smmuv3@9050000: IRQ_CTRL is not acknowledged"));
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_wrap),
        TEST(test_small_queues),
        TEST(test_timeout),
        TEST(test_timeout_room),
        TEST(test_timeout_attach),
        TEST(test_refused),
        TEST(test_refused_not_coherent),
        TEST(test_refused_by_stage),
        TEST(test_fetch_abort),
        TEST(test_service_failure),
        TEST(test_faults),
        TEST(test_faults_not_coherent),
        TEST(test_stream_faults),
        TEST(test_queue_full),
        TEST(test_overflow_flag),
        TEST(test_nonsense),
        TEST(test_drop),
        TEST(test_gerror),
        TEST(test_fault_irq),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults: whose they are and what is said about them, bursts and storms.
 */
#include "iommu_fault_rig.h"

/* --- one fault --- */

static void test_nothing_there(void **state)
{
    setup();
    assert_string_equal(irq(0), "");
    assert_int_equal(fake_deadline, ~0ull);
    assert_false(iommu_irq(FAKE_INTID + 2)); /* not an SMMU's */
    assert_false(iommu_irq(33));
}

static void test_translation(void **state)
{
    const char *log;

    setup();
    fake_near.has_below = true;
    fake_near.below =
        (struct stage2_map){ .ipa = IPA(0x40000000), .size = 0x10000000, .attr.cls = S2_RAM };
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x80000004);
    log = irq(0);
    assert_has(log, "dom1: DMA fault: /node100 stream 0x20 write 0x80000004: nothing mapped "
                    "there; nearest RAM 0x40000000-0x4fffffff below\n");
    assert_int_equal(fake_log_lines(log), 1);
    assert_int_equal(dom(1)->iommu.kinds[IOMMU_FAULT_TRANSLATION], 1);
    assert_int_equal(dom(1)->iommu.devices[0], 1);
    assert_int_equal(dom(2)->iommu.devices[0], 0);
}

static void test_nearest(void **state)
{
    setup();
    fake_near.has_above = true;
    fake_near.above =
        (struct stage2_map){ .ipa = IPA(0x90000000), .size = 0x1000, .attr.cls = S2_RAM };
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x21, false, 0x80000000);
    assert_has(irq(0), "stream 0x21 read 0x80000000: nothing mapped there; "
                       "nearest RAM 0x90000000-0x90000fff above\n");
    fake_near.has_below = true;
    fake_near.below = (struct stage2_map){ .ipa = IPA(0), .size = 0x1000, .attr.cls = S2_RAM };
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x21, false, 0x81000000);
    assert_has(irq(0), "nearest RAM 0x90000000-0x90000fff above\n");
    fake_fault(0, IOMMU_FAULT_SIZE, 0x21, false, 0x2000);
    assert_has(irq(0), "out of the address range; nearest RAM 0x0-0xfff below\n");
    fake_near = (struct p2m_near){ 0 };
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x21, false, 0x82000000);
    assert_has(irq(0), "nothing mapped there\n");
}

static void test_permission(void **state)
{
    setup();
    fake_map = (struct stage2_map){ .size = 0x1000, .attr.cls = S2_RAM_RO };
    fake_fault(1, IOMMU_FAULT_PERMISSION, 5, true, 0x41000000);
    assert_has(irq(1), "dom2: DMA fault: /node201 stream 0x5 write 0x41000000: RAM-RO there is "
                       "not for writes\n");
    fake_map.size = 0;
    fake_fault(1, IOMMU_FAULT_PERMISSION, 5, true, 0x42000000);
    assert_has(irq(1), "write 0x42000000: not permitted\n");
    assert_int_equal(dom(2)->iommu.devices[1], 2);
    assert_int_equal(dom(2)->iommu.last_device, 1);
}

static void test_other_kinds(void **state)
{
    setup();
    fake_fault(0, IOMMU_FAULT_ACCESS, 0x2f, true, 0x1000);
    assert_has(irq(0), "dom1: DMA fault: /node100 stream 0x2f write 0x1000: an entry without");
    fake_fault(0, IOMMU_FAULT_WALK, 0x2f, true, 0x1000);
    assert_has(irq(0), "the bus answered a table walk with an error\n");
    fake_fault(0, IOMMU_FAULT_OTHER, 0x2f, false, 0);
    assert_has(irq(0), "dom1: DMA fault: /node100 stream 0x2f: event 0x10 (0x11, 0x22)\n");
}

static void test_nobody(void **state)
{
    setup();
    fake_fault(0, IOMMU_FAULT_STREAM, 0x30, false, 0);
    assert_has(irq(0), "SMMU /smmu0: DMA of stream 0x30, which nobody was given, refused\n");
    fake_fault(1, IOMMU_FAULT_STREAM, 0x20, true, 0x5000); /* dom1's number, other SMMU */
    assert_has(irq(1), "SMMU /smmu1: DMA of stream 0x20 write 0x5000, which nobody was given, "
                       "refused\n");
    assert_int_equal(dom(1)->iommu.kinds[IOMMU_FAULT_STREAM], 0);
}

static void test_masked_streams(void **state)
{
    setup();
    dom(1)->plan->pass.streams[0].entry.stream =
        (struct iommu_stream){ .first = 0x400, .count = 1, .mask = 0x7f };
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x47f, true, 0x1000);
    assert_has(irq(0), "dom1: DMA fault: /node100 stream 0x47f write");
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x480, true, 0x1000);
    assert_has(irq(0), "stream 0x480 write 0x1000, which nobody was given");
}

static void test_itself(void **state)
{
    setup();
    fake_fault(0, IOMMU_FAULT_GLOBAL, 0, false, 0);
    assert_has(irq(0), "SMMU /smmu0: error 0x10 (0x11, 0x22)\n");
    fake_fault(0, IOMMU_FAULT_LOST, 0, false, 0);
    assert_has(irq(0), "SMMU /smmu0: faults came faster than they were read: some are lost\n");
}

static void test_ended_domain(void **state)
{
    setup();
    assert_int_equal(iommu_detach(dom(1)), CORBEL_OK);
    dom(1)->state = DOMAIN_STOPPING;
    fake_fault(0, IOMMU_FAULT_STREAM, 0x20, false, 0);
    assert_has(irq(0), "dom1: DMA fault: /node100 stream 0x20: its domain is not running\n");
    dom(1)->state = DOMAIN_DEAD;
    fake_fault(0, IOMMU_FAULT_STREAM, 0x21, false, 0);
    assert_has(irq(0), "SMMU /smmu0: DMA of stream 0x21, which nobody was given, refused\n");
}

/* --- many --- */

static void test_burst_is_folded(void **state)
{
    const char *log;

    setup();
    for (u32 i = 0; i < 20; i++)
        fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x80000000 + 4 * i);
    assert_int_equal(fake_log_lines(irq(0)), 1);
    run_until(fake_time + 999 * MS);
    assert_string_equal(fake_log_text(), "");
    run_until(fake_time + 2 * MS);
    log = fake_log_text();
    assert_has(log, "dom1: DMA fault: stream 0x20 write 0x80000000: 19 more there\n");
    assert_int_equal(fake_log_lines(log), 1);
    run_until(fake_time + 100 * S);
    assert_string_equal(fake_log_text(), "");
    assert_int_equal(fake_deadline, ~0ull); /* and nothing ticks any more */
    assert_int_equal(dom(1)->iommu.kinds[IOMMU_FAULT_TRANSLATION], 20);
}

/* Two halves of one transfer are one line; a slow drip is a line now and then. */
static void test_few_more(void **state)
{
    u32 lines = 0;

    setup();
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x80000000);
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x80000004);
    assert_int_equal(fake_log_lines(irq(0)), 1);
    run_until(fake_time + 100 * S);
    assert_string_equal(fake_log_text(), "");
    assert_int_equal(fake_deadline, ~0ull);
    for (u32 i = 0; i < 1000; i++) {
        fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x80000000);
        lines += fake_log_lines(irq(0));
        run_until(fake_time + 300 * MS);
        lines += fake_log_lines(fake_log_text());
    }
    assert_true(lines >= 4 && lines <= 10);
}

static void test_what_is_not_folded(void **state)
{
    const char *log;

    setup();
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x80000000);
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, false, 0x80000000);
    fake_fault(0, IOMMU_FAULT_PERMISSION, 0x20, true, 0x80000000);
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x21, true, 0x80000000);
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x80001000);
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x100, true, 0x80000000);
    log = irq(0);
    assert_int_equal(fake_log_lines(log), 6);
    assert_has(log, "dom2: DMA fault: /node200 stream 0x100");
}

/* The same fault for a minute, ten times a second: seven lines or so, not 600. */
static void test_endless(void **state)
{
    u32 lines = 0;

    setup();
    for (u32 i = 0; i < 600; i++) {
        fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x80000000);
        lines += fake_log_lines(irq(0));
        run_until(fake_time + 100 * MS);
        lines += fake_log_lines(fake_log_text());
    }
    assert_true(lines >= 5 && lines <= 8);
}

/* A different page each time: the domain's lines are limited, others' are not touched. */
static void test_log_limit(void **state)
{
    const char *log;
    u32 lines;

    setup();
    for (u32 i = 0; i < 30; i++)
        fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x80000000 + i * PAGE_SIZE);
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x100, true, 0x80000000);
    log = irq(0);
    assert_has(log, "dom2: DMA fault: /node200");
    lines = fake_log_lines(log);
    assert_has(log, "dom1: more messages like this are suppressed for up to 1 s");
    assert_int_equal(lines, 12);
}

/* More kinds of faults than are remembered: the counts of those that make room are printed. */
static void test_folds_run_out(void **state)
{
    setup();
    for (u32 i = 0; i < 9; i++)
        fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x80000000);
    irq(0);
    fake_time += MS;
    for (u32 i = 1; i <= 16; i++)
        fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x100, true, 0x80000000 + i * PAGE_SIZE);
    assert_has(irq(0), "dom1: DMA fault: stream 0x20 write 0x80000000: 8 more there\n");
}

/* 1024 records at once, as one 4 KiB transfer makes them under QEMU. */
static void test_storm(void **state)
{
    struct fake_iommu *f = &fake_iommus[0];
    const char *log;

    setup();
    for (u32 i = 0; i < 1024; i++)
        fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x80000000 + 4 * i);
    log = irq(0);
    assert_int_equal(fake_log_lines(log), 1);
    assert_int_equal(f->taken, 32);
    assert_false(f->irq_on);
    assert_int_equal(fake_irqs_off, 3);
    assert_string_equal(irq(0), ""); /* one that was under way: nothing is read */
    assert_int_equal(f->taken, 32);
    run_until(fake_time + 101 * MS);
    assert_true(f->irq_on);
    assert_int_equal(fake_irqs_off, 0);
    assert_int_equal(f->taken, 64);
    assert_int_equal(f->dropped, 960);
    assert_has(fake_log_text(), "SMMU /smmu0: too many faults: 960 were not looked at\n");
    run_until(fake_time + 10 * S);
    assert_has(fake_log_text(), "dom1: DMA fault: stream 0x20 write 0x80000000: 63 more there\n");
    assert_int_equal(fake_deadline, ~0ull);
    /* quiet again: the next one is news */
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x80000000);
    assert_has(irq(0), "dom1: DMA fault: /node100 stream 0x20 write 0x80000000: nothing");
}

/* Transfers in a loop for ten seconds: bounded work, bounded lines, and dom2 is heard. */
static void test_storm_goes_on(void **state)
{
    struct fake_iommu *f = &fake_iommus[0];
    u32 lines = 0;

    setup();
    for (u32 i = 0; i < 1000; i++) {
        for (u32 j = 0; j < 1024; j++)
            fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x80000000 + 4 * j);
        if (f->irq_on)
            lines += fake_log_lines(irq(0));
        run_until(fake_time + 10 * MS);
        lines += fake_log_lines(fake_log_text());
    }
    assert_true(f->taken <= 64 * 101); /* of a million */
    assert_true(lines <= 12);
    fake_fault(1, IOMMU_FAULT_TRANSLATION, 5, true, 0x1000);
    assert_has(irq(1), "dom2: DMA fault: /node201"); /* the other SMMU is not paused */
}

/* One record per interrupt, but many interrupts. */
static void test_storm_of_interrupts(void **state)
{
    struct fake_iommu *f = &fake_iommus[0];
    u32 i;

    setup();
    for (i = 0; i < 1000 && f->irq_on; i++) {
        fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x80000000);
        irq(0);
        fake_time += 10000;
    }
    assert_int_equal(i, 65);
    run_until(fake_time + 100 * MS);
    assert_true(f->irq_on);
    assert_int_equal(f->dropped, 0);
    /* slow ones never pause it */
    for (i = 0; i < 1000; i++) {
        fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x80000000);
        irq(0);
        assert_true(f->irq_on);
        run_until(fake_time + 2 * MS);
    }
}

/*
 * A guest with a GICv2m frame raises the SMMU's interrupt by writes to the frame: nothing is
 * there, and SMMUs have no say in whether the next one comes.
 */
static void test_storm_of_nothing(void **state)
{
    u32 looks = 0;

    setup();
    for (u32 i = 0; i < 100000; i++) {
        if (!(fake_irqs_off & 1)) {
            irq(0);
            looks++;
        }
        run_until(fake_time + 10000);
    }
    assert_in_range(looks, 500, 650); /* in a second */
    run_until(fake_time + S);
    assert_int_equal(fake_irqs_off, 0);
    assert_int_equal(fake_deadline, ~0ull);
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x80000000);
    assert_has(irq(0), "dom1: DMA fault: /node100 stream 0x20 write 0x80000000: nothing");
    assert_string_equal(fake_log_text(), "");
}

/* The other SMMU's faults on a line in common are no storm of nothing. */
static void test_shared_line_is_no_storm(void **state)
{
    setup();
    fake_platform.iommus[1].irqs[0].intid = FAKE_INTID;
    for (u32 i = 0; i < 65; i++) {
        fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x80000000);
        irq(0);
    }
    assert_false(fake_iommus[0].irq_on);
    assert_true(fake_iommus[1].irq_on);
    run_until(fake_time + 100 * MS);
    assert_true(fake_iommus[0].irq_on);
}

/* A driver without the short way. */
static void test_drop_one_by_one(void **state)
{
    u32 (*drop)(struct iommu * u) = fake_iommu_ops.drop_faults;

    setup();
    fake_iommu_ops.drop_faults = NULL;
    for (u32 i = 0; i < 200; i++)
        fake_fault(0, IOMMU_FAULT_STREAM, 0x999, false, 0);
    irq(0);
    run_until(fake_time + 101 * MS);
    fake_iommu_ops.drop_faults = drop;
    assert_int_equal(fake_iommus[0].taken, 200);
    assert_has(fake_log_text(), "SMMU /smmu0: too many faults: 136 were not looked at\n");
    run_until(fake_time + 2 * S);
    assert_has(fake_log_text(), "SMMU /smmu0: DMA of stream 0x999: refused 63 times more\n");
}

static void test_own_errors_fold(void **state)
{
    setup();
    for (u32 i = 0; i < 20; i++)
        fake_fault(1, IOMMU_FAULT_GLOBAL, 0, false, 0);
    assert_int_equal(fake_log_lines(irq(1)), 1);
    run_until(fake_time + 2 * S);
    assert_has(fake_log_text(), "SMMU /smmu1: the last error, 19 times more\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_there),    cmocka_unit_test(test_translation),
        cmocka_unit_test(test_nearest),          cmocka_unit_test(test_permission),
        cmocka_unit_test(test_other_kinds),      cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_masked_streams),   cmocka_unit_test(test_itself),
        cmocka_unit_test(test_ended_domain),     cmocka_unit_test(test_burst_is_folded),
        cmocka_unit_test(test_few_more),         cmocka_unit_test(test_what_is_not_folded),
        cmocka_unit_test(test_endless),          cmocka_unit_test(test_log_limit),
        cmocka_unit_test(test_folds_run_out),    cmocka_unit_test(test_storm),
        cmocka_unit_test(test_storm_goes_on),    cmocka_unit_test(test_storm_of_interrupts),
        cmocka_unit_test(test_storm_of_nothing), cmocka_unit_test(test_shared_line_is_no_storm),
        cmocka_unit_test(test_drop_one_by_one),  cmocka_unit_test(test_own_errors_fold),
    };

    return cmocka_run_group_tests_name("iommu_fault", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults: what a domain's configuration wants, and what the debug key shows.
 */
#include "iommu_fault_rig.h"

/* --- policies --- */

static void test_log_only(void **state)
{
    setup();
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x1000);
    irq(0);
    assert_int_equal(fake_shutdowns[0], 0);
    assert_int_equal(fake_iommus[0].quiet_count, 0);
}

static void test_quarantine(void **state)
{
    struct fake_iommu *f = &fake_iommus[0];
    const char *log;

    setup();
    dom(1)->cfg->on_dma_fault = DMA_FAULT_QUARANTINE;
    for (u32 i = 0; i < 4; i++)
        fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x23, true, 0x1000 + 4 * i);
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x100, true, 0x1000); /* dom2: log */
    log = irq(0);
    assert_has(log, "dom1: stream 0x23 of /node100 is in quarantine until the domain ends\n");
    assert_int_equal(fake_log_lines(log), 3);
    assert_int_equal(f->quiet_count, 1);
    assert_int_equal(f->quiet[0].first, 0x23);
    assert_int_equal(f->quiet[0].count, 1);
    assert_int_equal(fake_shutdowns[0], 0);
    iommu_report();
    assert_has(fake_log_text(), "dom1: DMA: 1 streams in quarantine\n");
    assert_int_equal(iommu_detach(dom(1)), CORBEL_OK);
}

static void test_quarantine_masked(void **state)
{
    struct iommu_stream *s;

    setup();
    s = &dom(1)->plan->pass.streams[0].entry.stream;
    *s = (struct iommu_stream){ .first = 0x400, .count = 1, .mask = 0x7f };
    fake_iommus[0].attached[0].stream = *s;
    dom(1)->cfg->on_dma_fault = DMA_FAULT_QUARANTINE;
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x401, true, 0x1000);
    assert_has(irq(0), "stream 0x401 of /node100 is in quarantine");
    assert_memory_equal(&fake_iommus[0].quiet[0], s, sizeof(*s));
}

static void test_quarantine_fails(void **state)
{
    setup();
    dom(1)->cfg->on_dma_fault = DMA_FAULT_QUARANTINE;
    fake_iommus[0].fail_detach = 0;
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x1000);
    assert_has(irq(0), "dom1: SMMU /smmu0: stream 0x20: no quarantine: ERR_TIMEDOUT\n");
    assert_int_equal(fake_shutdowns[0], 1);
}

static void test_crash(void **state)
{
    const char *log;

    setup();
    dom(1)->cfg->on_dma_fault = DMA_FAULT_CRASH;
    for (u32 i = 0; i < 10; i++)
        fake_fault(0, IOMMU_FAULT_PERMISSION, 0x20, true, 0x1000 + 4 * i);
    log = irq(0);
    assert_has(log, "dom1: crashed: DMA fault of /node100, corbel,on-dma-fault = \"crash\"\n");
    assert_int_equal(fake_log_lines(log), 2);
    assert_int_equal(fake_shutdowns[0], 1); /* once */
    assert_int_equal(fake_shutdowns[1], 0);
}

/* What comes before a domain runs, or while it stops, is not its doing. */
static void test_policy_only_while_running(void **state)
{
    setup();
    dom(1)->cfg->on_dma_fault = DMA_FAULT_CRASH;
    dom(1)->state = DOMAIN_BUILDING;
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x1000);
    irq(0);
    dom(1)->state = DOMAIN_RUNNING;
    fake_fault(0, IOMMU_FAULT_STREAM, 0x20, true, 0x1000);
    irq(0);
    assert_int_equal(iommu_detach(dom(1)), CORBEL_OK);
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x2000);
    irq(0);
    assert_int_equal(fake_shutdowns[0], 0);
}

/* --- the debug key --- */

static void test_report(void **state)
{
    const char *log;

    setup();
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x80000000);
    fake_fault(0, IOMMU_FAULT_PERMISSION, 0x21, false, 0x90000000);
    irq(0);
    iommu_report();
    log = fake_log_text();
    assert_has(log,
               "SMMU /smmu0: SMMUv3, 4 commands, 2 syncs, 2 faults, 0 of them not looked at\n");
    assert_has(log, "SMMU /smmu1: SMMUv3, 2 commands, 1 syncs, 0 faults");
    assert_has(log, "dom1: DMA: 16 streams, 2 faults: 1 translation, 1 permission\n");
    assert_has(log, "dom1: DMA: /node100: 2 faults\n");
    assert_has(log, "dom1: DMA: last fault: stream 0x21, read, 0x90000000, permission\n");
    assert_has(log, "dom2: DMA: 2 streams, 0 faults\n");
    for (u32 i = 0; i < 200; i++)
        fake_fault(0, IOMMU_FAULT_STREAM, 0x999, false, 0);
    irq(0);
    assert_int_equal(iommu_detach(dom(2)), CORBEL_OK);
    iommu_report();
    log = fake_log_text();
    assert_has(log, "0 of them not looked at, paused\n");
    assert_has(log, "dom2: DMA: 2 streams (not attached), 0 faults\n");
}

static void test_report_undriven(void **state)
{
    memset(iommu_all(), 0, sizeof(struct iommu_set));
    fake_iommu_setup(1, 1);
    iommu_report();
    assert_has(fake_log_text(), "no SMMU is driven\n");
    fake_iommus[0].probe_err = ERR_NOTSUP;
    fake_iommus[0].why = "no stage 2 translation";
    iommu_init(&fake_platform, &options);
    fake_log_text();
    iommu_report();
    assert_has(fake_log_text(), "SMMU /smmu0: not driven: no stage 2 translation\n");
    assert_false(iommu_irq(FAKE_INTID));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_only),
        cmocka_unit_test(test_quarantine),
        cmocka_unit_test(test_quarantine_masked),
        cmocka_unit_test(test_quarantine_fails),
        cmocka_unit_test(test_crash),
        cmocka_unit_test(test_policy_only_while_running),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_report_undriven),
    };

    return cmocka_run_group_tests_name("iommu_fault", tests, NULL, NULL);
}

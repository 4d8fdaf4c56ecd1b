/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMMUs at boot, attaching and detaching domains, invalidations: on drivers that record what
 * they are told and fail when they are asked to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"
#include "fake_iommu.h"

#include <corbel/bits.h>
#include <corbel/cmdline.h>
#include <corbel/iommu.h>
#include <corbel/iommu_parts.h>

static struct boot_options options;
static char why[160];

static struct domain *dom(u32 id)
{
    return &fake_domains[id - 1];
}

static void setup(u32 iommus, u32 domains)
{
    memset(iommu_all(), 0, sizeof(struct iommu_set));
    memset(&options, 0, sizeof(options));
    memset(why, 0, sizeof(why));
    fake_iommu_setup(iommus, domains);
}

static const char *init(void)
{
    iommu_init(&fake_platform, &options);
    return fake_log_text();
}

static void assert_has(const char *log, const char *text)
{
    if (!strstr(log, text))
        fail_msg("no \"%s\" in:\n%s", text, log);
}

/* --- boot --- */

static void test_no_smmu(void **state)
{
    setup(0, 1);
    assert_string_equal(init(), "");
    assert_int_equal(fake_limit_ipa, 0);
    assert_int_equal(fake_irq_requests, 0);
    assert_int_equal(iommu_bbm_level(), 2);
    assert_false(iommu_needs_clean());
    assert_false(iommu_irq(106));
    assert_false(iommu_protects(dom(1)));
    assert_int_equal(iommu_attach(dom(1), why, sizeof(why)), CORBEL_OK);
    assert_int_equal(iommu_detach(dom(1)), CORBEL_OK);
    assert_int_equal(fake_deadline, ~0ull);
}

static void test_driven(void **state)
{
    const char *log;

    setup(2, 0);
    fake_iommus[1].caps.ipa_bits = 40;
    fake_iommus[1].caps.pa_bits = 48;
    fake_iommus[1].caps.bbm_level = 1;
    fake_iommus[1].caps.coherent = false;
    fake_iommus[1].caps.detail = NULL;
    log = init();
    assert_has(log, "SMMUv3 at /smmu0: 44-bit input, 44-bit output, VMID 16, BBM level 2, "
                    "coherent, 2-level stream table\n");
    assert_has(log, "SMMUv3 at /smmu1: 40-bit input, 48-bit output, VMID 16, BBM level 1, "
                    "not coherent\n");
    assert_int_equal(fake_limit_ipa, 40);
    assert_int_equal(fake_limit_pa, 44);
    assert_int_equal(iommu_bbm_level(), 1);
    assert_true(iommu_needs_clean());
    for (u32 i = 0; i < 2; i++) {
        assert_true(fake_platform.iommus[i].driven);
        assert_null(fake_platform.iommus[i].why);
        assert_false(fake_iommus[i].passes);
    }
    /* None is started before all of them abort. */
    assert_true(fake_iommus[1].probed_as < fake_iommus[0].started_as);
    assert_int_equal(fake_irq_requests, 4);
    assert_int_equal(fake_irq_edges, 4);
}

static void assert_refused(const char *reason)
{
    char line[128];

    snprintf(line, sizeof(line), "/smmu0: not driven: %s; what is behind it has no protection\n",
             reason);
    assert_has(init(), line);
    assert_false(fake_platform.iommus[0].driven);
    assert_string_equal(fake_platform.iommus[0].why, reason);
    assert_int_equal(fake_limit_ipa, 0);
    assert_int_equal(iommu_bbm_level(), 2);
}

static void test_refused_by_probe(void **state)
{
    setup(1, 0);
    fake_iommus[0].probe_err = ERR_NOTSUP;
    fake_iommus[0].why = "no stage 2 translation";
    assert_refused("no stage 2 translation");
    assert_false(fake_iommus[0].started);
    assert_false(fake_iommus[0].passes); /* it aborts all the same */
    assert_int_equal(fake_irq_requests, 0);
}

static void test_refused_without_reason(void **state)
{
    setup(1, 0);
    fake_iommus[0].probe_err = ERR_TIMEDOUT;
    assert_refused("it does not answer");
    setup(1, 0);
    fake_iommus[0].start_err = ERR_IO;
    assert_refused("it does not start");
    assert_false(fake_iommus[0].passes);
}

static void test_refused_by_start(void **state)
{
    setup(2, 0);
    fake_iommus[0].start_err = ERR_NOMEM;
    fake_iommus[0].why = "no memory for its queues";
    assert_has(init(), "/smmu0: not driven: no memory for its queues;");
    assert_false(fake_platform.iommus[0].driven);
    assert_true(fake_platform.iommus[1].driven); /* the other one goes on */
    assert_int_equal(fake_limit_ipa, 44);
}

static void test_refused_here(void **state)
{
    setup(1, 0);
    fake_no_driver = true;
    assert_refused("this build has no driver for it");
    setup(1, 0);
    fake_platform.iommus[0].regs.base = 0x1000;
    assert_refused("no room for its registers");
    setup(1, 0);
    fake_no_memory = true;
    assert_refused("no memory");
    setup(1, 0);
    fake_iommus[0].caps.ipa_bits = 31;
    assert_refused("its stage 2 translates less than 4 GiB");
    setup(1, 0);
    fake_platform.banks[1] = (struct mem_range){ 1ull << 40, SZ_2M };
    fake_platform.bank_count = 2;
    fake_iommus[0].caps.pa_bits = 40;
    assert_refused("its addresses do not reach all memory");
    setup(1, 0);
    fake_iommus[0].caps.vmid_bits = 6;
    assert_refused("too few VMIDs");
}

static void test_8_bit_vmid(void **state)
{
    setup(1, 0);
    fake_iommus[0].caps.vmid_bits = 8;
    assert_has(init(), "VMID 8");
    assert_true(fake_platform.iommus[0].driven);
}

static void test_interrupts(void **state)
{
    setup(2, 0);
    fake_platform.iommus[0].irqs[1].intid = 1001;
    fake_platform.iommus[1].irq_count = 0;
    init();
    assert_true(fake_platform.iommus[0].driven); /* it confines without, too */
    setup(2, 0);
    fake_platform.iommus[0].irqs[1].intid = 1001;
    fake_platform.iommus[1].irq_count = 0;
    fake_platform.iommus[0].irqs[0].level = true;
    iommu_init(&fake_platform, &options);
    assert_has(fake_log_text(), "SMMU /smmu0: interrupt 1001: ERR_BUSY: not all faults are");
    assert_int_equal(fake_irq_edges, 1);
}

static void test_shared_interrupt(void **state)
{
    setup(2, 0);
    fake_platform.iommus[1].irqs[1].intid = FAKE_INTID;
    if (strstr(init(), "interrupt"))
        fail_msg("a shared line is no fault");
    fake_fault(1, IOMMU_FAULT_STREAM, 7, false, 0);
    assert_true(iommu_irq(FAKE_INTID));
    assert_has(fake_log_text(), "SMMU /smmu1: DMA of stream 0x7, which nobody was given");
    /* Also when the one that asked first does not start. */
    setup(2, 0);
    fake_platform.iommus[1].irqs[1].intid = FAKE_INTID;
    fake_iommus[0].start_err = ERR_IO;
    if (strstr(init(), "interrupt"))
        fail_msg("the line works");
    fake_fault(1, IOMMU_FAULT_STREAM, 7, false, 0);
    assert_true(iommu_irq(FAKE_INTID));
    assert_has(fake_log_text(), "SMMU /smmu1: DMA of stream 0x7");
}

static void test_off(void **state)
{
    setup(2, 1);
    options.iommu_off = true;
    fake_give(dom(1), 0, 0, 16, PASSDT_FORCED);
    dom(1)->plan->pass.devices[0].undriven = 0;
    assert_has(init(), "iommu=off: 2 SMMUs left as the firmware set them: DMA is not confined");
    assert_string_equal(fake_platform.iommus[1].why, "iommu=off");
    assert_false(fake_iommus[0].probed);
    assert_int_equal(iommu_attach(dom(1), why, sizeof(why)), CORBEL_OK);
    assert_int_equal(iommu_detach(dom(1)), CORBEL_OK);
    assert_true(fake_iommus[0].passes);
    assert_int_equal(fake_log_lines(fake_log_text()), 0);
}

/* --- attach and detach --- */

static void test_attach(void **state)
{
    setup(2, 2);
    init();
    fake_give(dom(1), 0, 0x20, 8, PASSDT_BY_SMMU);
    fake_give(dom(1), 1, 7, 1, PASSDT_BYPASS);
    fake_give(dom(2), 1, 8, 1, PASSDT_BY_SMMU);
    assert_true(iommu_protects(dom(1)));
    assert_int_equal(iommu_attach(dom(1), why, sizeof(why)), CORBEL_OK);
    assert_int_equal(fake_iommus[0].attached_count, 1);
    assert_int_equal(fake_iommus[0].attached[0].stream.first, 0x20);
    assert_ptr_equal(fake_iommus[0].attached[0].s2, &dom(1)->p2m.s2);
    assert_int_equal(fake_iommus[1].attached_count, 1);
    assert_null(fake_iommus[1].attached[0].s2);
    assert_int_equal(fake_walkers[0], 1); /* who passes untranslated walks nothing */
    assert_int_equal(fake_iommus[0].invalidates, 1);
    assert_true(fake_iommus[0].last_inv.all);
    assert_int_equal(fake_iommus[0].last_vmid, 1);
    assert_int_equal(fake_iommus[1].invalidates, 0);
    assert_int_equal(iommu_attach(dom(2), why, sizeof(why)), CORBEL_OK);
    assert_int_equal(fake_walkers[1], 2);
    assert_int_equal(iommu_detach(dom(1)), CORBEL_OK);
    assert_int_equal(fake_iommus[0].attached_count, 0);
    assert_int_equal(fake_iommus[1].attached_count, 1); /* the other's */
    assert_int_equal(fake_walkers[0], 0);
    assert_int_equal(fake_walkers[1], 2);
    assert_int_equal(iommu_detach(dom(1)), CORBEL_OK); /* again: nothing */
    assert_int_equal(iommu_detach(dom(2)), CORBEL_OK);
    assert_int_equal(fake_lost, 0);
}

/* Every stream fails in turn: what was attached before it is not any more. */
static void test_attach_undone(void **state)
{
    for (s32 at = 0; at < 3; at++) {
        setup(1, 1);
        init();
        for (u32 i = 0; i < 3; i++)
            fake_give(dom(1), 0, 16 * i, 16, PASSDT_BY_SMMU);
        fake_iommus[0].fail_attach = at;
        fake_iommus[0].fail_with = ERR_NOMEM;
        fake_iommus[0].why = "no free context bank";
        assert_int_equal(iommu_attach(dom(1), why, sizeof(why)), ERR_NOMEM);
        assert_int_equal(fake_iommus[0].attached_count, 0);
        assert_int_equal(fake_walkers[0], 0);
        assert_has(why, "(SMMU) = (stream 0x");
        assert_has(why, ": expected /smmu0 to take it: no free context bank");
        assert_int_equal(fake_lost, 0);
        assert_int_equal(iommu_detach(dom(1)), CORBEL_OK);
        /* and once more, when there is room */
        assert_int_equal(iommu_attach(dom(1), why, sizeof(why)), CORBEL_OK);
        assert_int_equal(fake_iommus[0].attached_count, 3);
    }
}

static void test_undo_fails(void **state)
{
    setup(1, 1);
    init();
    fake_give(dom(1), 0, 0, 16, PASSDT_BY_SMMU);
    fake_give(dom(1), 0, 16, 16, PASSDT_BY_SMMU);
    fake_iommus[0].fail_attach = 1;
    fake_iommus[0].fail_detach = 0;
    assert_int_equal(iommu_attach(dom(1), why, sizeof(why)), ERR_TIMEDOUT);
    assert_int_equal(fake_lost, 1);
    assert_has(why, "of /node101): expected /smmu0 to take it: ERR_TIMEDOUT");
}

static void test_attach_cannot_forget(void **state)
{
    setup(1, 1);
    init();
    fake_give(dom(1), 0, 0, 16, PASSDT_BY_SMMU);
    fake_iommus[0].fail_invalidate = 0;
    assert_int_equal(iommu_attach(dom(1), why, sizeof(why)), ERR_TIMEDOUT);
    assert_has(why, "(SMMU) = (VMID 1): expected");
    assert_int_equal(fake_iommus[0].attached_count, 0);
    assert_int_equal(fake_walkers[0], 0);
}

static void test_detach_fails(void **state)
{
    setup(1, 1);
    init();
    fake_give(dom(1), 0, 0, 16, PASSDT_BY_SMMU);
    fake_give(dom(1), 0, 16, 16, PASSDT_BY_SMMU);
    assert_int_equal(iommu_attach(dom(1), why, sizeof(why)), CORBEL_OK);
    fake_iommus[0].fail_detach = 0;
    assert_int_equal(iommu_detach(dom(1)), ERR_TIMEDOUT);
    assert_int_equal(fake_lost, 1);
    assert_int_equal(fake_iommus[0].attached_count, 1); /* it went on with the others */
    assert_has(fake_log_text(), "dom1: SMMU /smmu0: stream 0x10: not stopped: ERR_TIMEDOUT");
}

static void test_undriven_streams(void **state)
{
    setup(2, 1);
    fake_iommus[1].probe_err = ERR_NOTSUP;
    init();
    fake_give(dom(1), 0, 0, 16, PASSDT_BY_SMMU);
    fake_give(dom(1), 1, 0, 16, PASSDT_NO_DMA);
    fake_give(dom(1), 9, 0, 16, PASSDT_NO_DMA); /* no such SMMU */
    assert_int_equal(iommu_attach(dom(1), why, sizeof(why)), CORBEL_OK);
    assert_int_equal(fake_iommus[1].attached_count, 0);
    assert_int_equal(iommu_detach(dom(1)), CORBEL_OK);
}

/* A device that was forced upon an SMMU that cannot be driven: open only while it is used. */
static void test_forced(void **state)
{
    setup(1, 2);
    fake_iommus[0].probe_err = ERR_NOTSUP;
    init();
    for (u32 id = 1; id <= 2; id++) {
        fake_give(dom(id), 0, 16 * id, 1, PASSDT_FORCED);
        dom(id)->plan->pass.stream_count = 0;
        dom(id)->plan->pass.devices[0].undriven = 0;
    }
    assert_false(fake_iommus[0].passes);
    assert_int_equal(iommu_attach(dom(1), why, sizeof(why)), CORBEL_OK);
    assert_true(fake_iommus[0].passes);
    assert_has(fake_log_text(), "dom1: SMMU /smmu0 lets all DMA pass: /node100 is behind it, "
                                "xen,force-assign-without-iommu");
    assert_int_equal(iommu_attach(dom(2), why, sizeof(why)), CORBEL_OK);
    assert_int_equal(iommu_detach(dom(1)), CORBEL_OK);
    assert_true(fake_iommus[0].passes); /* dom2's needs it */
    assert_int_equal(iommu_detach(dom(2)), CORBEL_OK);
    assert_false(fake_iommus[0].passes);
}

/* A device with streams at several such SMMUs needs all of them, each once for all its streams. */
static void test_forced_upon_several(void **state)
{
    const char *log;

    setup(3, 1);
    fake_iommus[0].probe_err = ERR_NOTSUP;
    fake_iommus[2].probe_err = ERR_NOTSUP;
    init();
    fake_give(dom(1), 0, 16, 1, PASSDT_FORCED);
    dom(1)->plan->pass.devices[0].undriven = 0;
    for (u32 i = 0; i < 3; i++) {
        fake_give(dom(1), 2 - i, 32 + i, 1, PASSDT_FORCED); /* of the same device */
        dom(1)->plan->pass.streams[1 + i].device = 0;
    }
    dom(1)->plan->pass.device_count = 1;
    assert_int_equal(iommu_attach(dom(1), why, sizeof(why)), CORBEL_OK);
    assert_true(fake_iommus[0].passes);
    assert_false(fake_iommus[1].passes); /* driven: only the device's own stream passes */
    assert_true(fake_iommus[2].passes);
    log = fake_log_text();
    assert_has(log, "dom1: SMMU /smmu2 lets all DMA pass: /node100 is behind it");
    assert_int_equal(iommu_detach(dom(1)), CORBEL_OK);
    assert_false(fake_iommus[0].passes);
    assert_false(fake_iommus[2].passes);
}

static void test_forced_undone(void **state)
{
    setup(2, 1);
    fake_iommus[0].probe_err = ERR_NOTSUP;
    init();
    fake_give(dom(1), 1, 16, 1, PASSDT_BY_SMMU);
    fake_give(dom(1), 0, 16, 1, PASSDT_FORCED);
    dom(1)->plan->pass.devices[1].undriven = 0;
    fake_iommus[1].fail_attach = 0;
    assert_int_equal(iommu_attach(dom(1), why, sizeof(why)), ERR_TIMEDOUT);
    assert_false(fake_iommus[0].passes);
}

/* What was reported before belongs to whoever had the streams then. */
static void test_old_faults_dropped(void **state)
{
    setup(1, 1);
    init();
    fake_give(dom(1), 0, 0x20, 1, PASSDT_BY_SMMU);
    dom(1)->cfg->on_dma_fault = DMA_FAULT_CRASH;
    fake_fault(0, IOMMU_FAULT_TRANSLATION, 0x20, true, 0x1000);
    assert_int_equal(iommu_attach(dom(1), why, sizeof(why)), CORBEL_OK);
    assert_has(fake_log_text(), "SMMU /smmu0: 1 faults from before dom1 were not looked at");
    assert_true(iommu_irq(FAKE_INTID));
    assert_int_equal(fake_shutdowns[0], 0);
}

static void test_unshared(void **state)
{
    setup(1, 1);
    options.iommu_unshared = true;
    init();
    assert_true(iommu_unshared());
}

/* --- invalidation --- */

static void test_invalidate(void **state)
{
    static const struct stage2_inval inv = { .count = 1,
                                             .ranges[0] = { 0x40000000, 0x2000, 0x1000 } };

    setup(3, 1);
    fake_iommus[1].probe_err = ERR_NOTSUP;
    init();
    assert_int_equal(iommu_invalidate(7, 1, &inv), CORBEL_OK);
    assert_int_equal(fake_iommus[0].invalidates, 1);
    assert_int_equal(fake_iommus[1].invalidates, 0); /* not driven */
    assert_int_equal(fake_iommus[2].invalidates, 1);
    assert_memory_equal(&fake_iommus[2].last_inv, &inv, sizeof(inv));
    assert_int_equal(iommu_invalidate(4, 1, &inv), CORBEL_OK);
    assert_int_equal(fake_iommus[0].invalidates, 1);
}

static void test_invalidate_fails(void **state)
{
    static const struct stage2_inval inv = { .all = true };

    setup(2, 2);
    init();
    fake_iommus[0].fail_invalidate = 0;
    spin_lock(&dom(2)->p2m.lock); /* as the p2m does */
    assert_int_equal(iommu_invalidate(3, 2, &inv), ERR_TIMEDOUT);
    spin_unlock(&dom(2)->p2m.lock);
    assert_int_equal(fake_iommus[1].invalidates, 0); /* stops at the first */
    assert_true(iommu_has_failed(dom(2)));
    assert_false(iommu_has_failed(dom(1)));
    assert_int_equal(fake_woken, 1);
    assert_has(fake_log_text(), "dom2: SMMU /smmu0 did not forget what is unmapped: ERR_TIMEDOUT");
    fake_iommus[0].fail_invalidate = 0;
    assert_int_equal(iommu_invalidate(3, 2, &inv), ERR_TIMEDOUT);
    assert_string_equal(fake_log_text(), ""); /* once is enough */
    fake_iommus[0].fail_invalidate = 0;
    assert_int_equal(iommu_invalidate(1, 0, &inv), ERR_TIMEDOUT); /* nobody's VMID */
    fake_iommus[0].fail_invalidate = 0;
    assert_int_equal(iommu_invalidate(1, 60, &inv), ERR_TIMEDOUT);
}

static void test_no_inval(void **state)
{
    static const struct stage2_inval inv = { .all = true };

    setup(1, 1);
    options.iommu_no_inval = true;
    assert_has(init(), "iommu=debug-no-inval");
    fake_give(dom(1), 0, 0x20, 1, PASSDT_BY_SMMU);
    assert_int_equal(iommu_attach(dom(1), why, sizeof(why)), CORBEL_OK);
    assert_int_equal(fake_iommus[0].invalidates, 1); /* a VMID's first use needs it */
    assert_int_equal(iommu_invalidate(1, 1, &inv), CORBEL_OK);
    assert_int_equal(fake_iommus[0].invalidates, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_smmu),          cmocka_unit_test(test_driven),
        cmocka_unit_test(test_refused_by_probe), cmocka_unit_test(test_refused_without_reason),
        cmocka_unit_test(test_refused_by_start), cmocka_unit_test(test_refused_here),
        cmocka_unit_test(test_8_bit_vmid),       cmocka_unit_test(test_interrupts),
        cmocka_unit_test(test_shared_interrupt), cmocka_unit_test(test_off),
        cmocka_unit_test(test_attach),           cmocka_unit_test(test_attach_undone),
        cmocka_unit_test(test_undo_fails),       cmocka_unit_test(test_attach_cannot_forget),
        cmocka_unit_test(test_detach_fails),     cmocka_unit_test(test_undriven_streams),
        cmocka_unit_test(test_forced),           cmocka_unit_test(test_forced_upon_several),
        cmocka_unit_test(test_forced_undone),    cmocka_unit_test(test_old_faults_dropped),
        cmocka_unit_test(test_unshared),         cmocka_unit_test(test_invalidate),
        cmocka_unit_test(test_invalidate_fails), cmocka_unit_test(test_no_inval),
    };

    return cmocka_run_group_tests_name("iommu", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a domain's node says about DMA and about its end: every word, every number at its
 * limits, every refusal to the letter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <corbel/compiler.h>
#include <corbel/domcfg.h>

#include "cfg_parse.h"

static void good(const struct edit *edits, u32 count)
{
    tree_good();
    tree_edits(edits, count);
    if (parse(dom) != CORBEL_OK)
        fail_msg("%s", error.text);
}

static void test_defaults(void **state)
{
    good(NULL, 0);
    assert_int_equal(cfg.passthrough, PASSTHROUGH_DEFAULT);
    assert_false(cfg.no_iommu);
    assert_int_equal(cfg.on_dma_fault, DMA_FAULT_LOG);
    assert_int_equal(cfg.on_reboot, ACTION_HALT);
    assert_int_equal(cfg.on_crash, ACTION_HALT);
    assert_int_equal(cfg.watchdog, WATCHDOG_NONE);
    assert_int_equal(cfg.restarts_max, 3);
    assert_int_equal(cfg.restarts_seconds, 60);
    assert_int_equal(cfg.debug_hook.size, 0);
    assert_false(cfg.pmu_off);
}

static void test_passthrough(void **state)
{
    static const struct edit enabled = STR(dom, "passthrough", "enabled");
    static const struct edit disabled = STR(dom, "passthrough", "disabled");
    static const struct edit no_iommu = EMPTY(dom, "corbel,no-iommu");
    const struct edit both[] = { disabled, no_iommu };

    good(&enabled, 1);
    assert_int_equal(cfg.passthrough, PASSTHROUGH_ENABLED);
    good(&disabled, 1);
    assert_int_equal(cfg.passthrough, PASSTHROUGH_DISABLED);
    good(&no_iommu, 1);
    assert_int_equal(cfg.passthrough, PASSTHROUGH_DEFAULT);
    assert_true(cfg.no_iommu);
    good(both, 2);
    assert_true(cfg.no_iommu);
}

static void test_words(void **state)
{
    static const char *const faults[] = { "log", "quarantine", "crash" };
    static const char *const actions[] = { "halt", "restart", "host-reset" };

    for (u32 i = 0; i < 3; i++) {
        const struct edit edits[] = {
            STR(dom, "corbel,on-dma-fault", faults[i]),
            STR(dom, "corbel,on-reboot", actions[i]),
            STR(dom, "corbel,on-crash", actions[2 - i]),
        };

        good(edits, 3);
        assert_int_equal(cfg.on_dma_fault, i);
        assert_int_equal(cfg.on_reboot, i);
        assert_int_equal(cfg.on_crash, 2 - i);
    }
    assert_int_equal(DMA_FAULT_CRASH, 2);
    assert_int_equal(ACTION_HOST_RESET, 2);
}

static void test_watchdog(void **state)
{
    static const struct edit sbsa = STR(dom, "corbel,watchdog", "sbsa-gwdt");
    static const struct edit smc = STR(dom, "corbel,watchdog", "smc-wdt");

    good(&sbsa, 1);
    assert_int_equal(cfg.watchdog, WATCHDOG_SBSA);
    good(&smc, 1);
    assert_int_equal(cfg.watchdog, WATCHDOG_SMC);
}

static void test_pmu(void **state)
{
    static const struct edit off = STR(dom, "corbel,pmu", "off");
    static const struct edit on = STR(dom, "corbel,pmu", "on");

    good(&off, 1);
    assert_true(cfg.pmu_off);
    good(&on, 1);
    assert_false(cfg.pmu_off);
}

static void test_restart_limit(void **state)
{
    static const struct edit least = CELLS(dom, "corbel,restart-limit", 2, 1, 1);
    static const struct edit most = CELLS(dom, "corbel,restart-limit", 2, 65535, 86400);

    good(&least, 1);
    assert_int_equal(cfg.restarts_max, 1);
    assert_int_equal(cfg.restarts_seconds, 1);
    good(&most, 1);
    assert_int_equal(cfg.restarts_max, 65535);
    assert_int_equal(cfg.restarts_seconds, 86400);
}

#define PASSTHROUGH "expected \"enabled\" or \"disabled\""
#define ACTIONS     "expected \"halt\", \"restart\" or \"host-reset\""
#define WATCHDOG    "expected \"sbsa-gwdt\" or \"smc-wdt\""
#define LIMIT       "expected a count from 1 to 65535 and seconds from 1 to 86400"

#define PMU "expected \"on\" or \"off\""

static void test_refusals(void **state)
{
    static const struct refusal list[] = {
        { D "passthrough = \"yes\": " PASSTHROUGH, { STR(dom, "passthrough", "yes") } },
        { D "passthrough = \"enabled \": " PASSTHROUGH, { STR(dom, "passthrough", "enabled ") } },
        { D "passthrough = (0 bytes): " PASSTHROUGH, { EMPTY(dom, "passthrough") } },
        { D "passthrough = (4 bytes): " PASSTHROUGH, { RAW(dom, "passthrough", "a\0b\0") } },
        { D "corbel,no-iommu = (present): expected it absent, since passthrough is \"enabled\"",
          { STR(dom, "passthrough", "enabled"), EMPTY(dom, "corbel,no-iommu") } },
        { D "corbel,on-dma-fault = \"halt\": expected \"log\", \"quarantine\" or \"crash\"",
          { STR(dom, "corbel,on-dma-fault", "halt") } },
        { D "corbel,on-dma-fault = (0 bytes): expected \"log\", \"quarantine\" or \"crash\"",
          { EMPTY(dom, "corbel,on-dma-fault") } },
        { D "corbel,on-reboot = \"reboot\": " ACTIONS, { STR(dom, "corbel,on-reboot", "reboot") } },
        { D "corbel,on-crash = \"log\": " ACTIONS, { STR(dom, "corbel,on-crash", "log") } },
        { D "corbel,on-crash = (4 bytes): " ACTIONS, { CELLS(dom, "corbel,on-crash", 1, 1) } },
        { D "corbel,watchdog = \"sp805\": " WATCHDOG, { STR(dom, "corbel,watchdog", "sp805") } },
        { D "corbel,watchdog = (0 bytes): " WATCHDOG, { EMPTY(dom, "corbel,watchdog") } },
        { D "corbel,watchdog = (4 bytes): " WATCHDOG, { CELLS(dom, "corbel,watchdog", 1, 1) } },
        { D "corbel,restart-limit = (4 bytes): " LIMIT,
          { CELLS(dom, "corbel,restart-limit", 1, 3) } },
        { D "corbel,restart-limit = (12 bytes): " LIMIT,
          { CELLS(dom, "corbel,restart-limit", 3, 3, 60, 1) } },
        { D "corbel,restart-limit = <0x0 0x3c>: " LIMIT,
          { CELLS(dom, "corbel,restart-limit", 2, 0, 60) } },
        { D "corbel,restart-limit = <0x10000 0x3c>: " LIMIT,
          { CELLS(dom, "corbel,restart-limit", 2, 65536, 60) } },
        { D "corbel,restart-limit = <0x3 0x0>: " LIMIT,
          { CELLS(dom, "corbel,restart-limit", 2, 3, 0) } },
        { D "corbel,restart-limit = <0x3 0x15181>: " LIMIT,
          { CELLS(dom, "corbel,restart-limit", 2, 3, 86401) } },
        { D "corbel,pmu = \"no\": " PMU, { STR(dom, "corbel,pmu", "no") } },
        { D "corbel,pmu = (0 bytes): " PMU, { EMPTY(dom, "corbel,pmu") } },
        { D "corbel,pmu = (4 bytes): " PMU, { CELLS(dom, "corbel,pmu", 1, 0) } },
    };

    check_refusals(list, ARRAY_SIZE(list));
}

#define HOOK "expected guest address and size, whole pages, in two cells each"

static void test_debug_hook(void **state)
{
    static const struct refusal list[] = {
        { D "corbel,debug-hook = (8 bytes): " HOOK,
          { CELLS(dom, "corbel,debug-hook", 2, 0x40000000, 0x1000) } },
        { D "corbel,debug-hook = <0x0 0x40000000 0x0 0x0>: " HOOK,
          { CELLS(dom, "corbel,debug-hook", 4, 0, 0x40000000, 0, 0) } },
        { D "corbel,debug-hook = <0x0 0x40000800 0x0 0x1000>: " HOOK,
          { CELLS(dom, "corbel,debug-hook", 4, 0, 0x40000800, 0, 0x1000) } },
        { D "corbel,debug-hook = <0x0 0x40000000 0x0 0x1001>: " HOOK,
          { CELLS(dom, "corbel,debug-hook", 4, 0, 0x40000000, 0, 0x1001) } },
        { D "corbel,debug-hook = <0xffffffff 0xfffff000 0x0 0x2000>: " HOOK,
          { CELLS(dom, "corbel,debug-hook", 4, 0xffffffff, 0xfffff000, 0, 0x2000) } },
    };
    static const struct edit hook = CELLS(dom, "corbel,debug-hook", 4, 1, 0x40000000, 0, 0x3000);

    if (!IS_ENABLED(CONFIG_DEBUG)) {
        tree_good();
        tree_edit(&hook);
        assert_int_not_equal(parse(dom), CORBEL_OK);
        assert_string_equal(error.text, D "corbel,debug-hook = <0x1 0x40000000 0x0 0x3000>: "
                                          "expected it absent: this is no debug build");
        return;
    }
    good(&hook, 1);
    assert_int_equal(cfg.debug_hook.base, 0x140000000);
    assert_int_equal(cfg.debug_hook.size, 0x3000);
    check_refusals(list, ARRAY_SIZE(list));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),   cmocka_unit_test(test_passthrough),
        cmocka_unit_test(test_words),      cmocka_unit_test(test_restart_limit),
        cmocka_unit_test(test_watchdog),   cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_debug_hook), cmocka_unit_test(test_pmu),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PSCI and SMCCC as a guest sees them: versions, features, errors, CPU power.
 */
#include "psci.h"

#include "cpu.h"
#include "fdt.h"
#include "gic.h"
#include "timer.h"

#define ROUNDS 20U

static void test_versions(void)
{
    int64_t version = psci_call(PSCI_VERSION, 0, 0, 0);
    int64_t smccc;

    ok(version >= 0x10000, "PSCI_VERSION = 0x%lx", version);
    if (psci_call(PSCI_FEATURES, SMCCC_VERSION, 0, 0) != 0) {
        skip("SMCCC_VERSION", "PSCI_FEATURES says no");
        return;
    }
    smccc = psci_call(SMCCC_VERSION, 0, 0, 0);
    ok(smccc >= 0x10001, "SMCCC_VERSION = 0x%lx", smccc);
    is_equal((uint64_t)psci_call(SMCCC_ARCH_FEATURES, SMCCC_VERSION, 0, 0), 0,
             "SMCCC_ARCH_FEATURES(SMCCC_VERSION)");
    is_equal((uint64_t)psci_call(SMCCC_ARCH_FEATURES, 0x80001234, 0, 0), UINT64_MAX,
             "SMCCC_ARCH_FEATURES(unknown)");
    diag("WORKAROUND_1 %ld, _2 %ld, _3 %ld",
         psci_call(SMCCC_ARCH_FEATURES, SMCCC_WORKAROUND_1, 0, 0),
         psci_call(SMCCC_ARCH_FEATURES, SMCCC_WORKAROUND_2, 0, 0),
         psci_call(SMCCC_ARCH_FEATURES, SMCCC_WORKAROUND_3, 0, 0));
}

static void test_features(void)
{
    static const uint32_t known[] = { PSCI_VERSION,       PSCI_CPU_SUSPEND, PSCI_CPU_SUSPEND32,
                                      PSCI_CPU_OFF,       PSCI_CPU_ON,      PSCI_CPU_ON32,
                                      PSCI_AFFINITY_INFO, PSCI_SYSTEM_OFF,  PSCI_SYSTEM_RESET,
                                      PSCI_FEATURES };

    for (unsigned int i = 0; i < ARRAY_SIZE(known); i++) {
        ok(psci_call(PSCI_FEATURES, known[i], 0, 0) >= 0, "PSCI_FEATURES(0x%x)", known[i]);
    }
    is_equal((uint64_t)psci_call(PSCI_FEATURES, 0x84001234, 0, 0), UINT64_MAX,
             "PSCI_FEATURES(unknown)");
    is_equal((uint64_t)psci_call(PSCI_MIGRATE_INFO_TYPE, 0, 0, 0), 2, "MIGRATE_INFO_TYPE");
}

static void test_errors(void)
{
    uint64_t mpidr = cpus[0].mpidr;
    uint64_t entry = (uintptr_t)image_head;

    is_equal((uint64_t)psci_call(PSCI_AFFINITY_INFO, mpidr, 0, 0), 0, "AFFINITY_INFO of oneself");
    is_equal((uint64_t)psci_call(PSCI_AFFINITY_INFO32, mpidr, 0, 0), 0, "the same, 32 bits");
    is_equal((uint64_t)psci_call(PSCI_AFFINITY_INFO, 0xffffff, 0, 0),
             (uint64_t)PSCI_INVALID_PARAMETERS, "AFFINITY_INFO of nobody");
    is_equal((uint64_t)psci_call(PSCI_CPU_ON, 0xffffff, entry, 0),
             (uint64_t)PSCI_INVALID_PARAMETERS, "CPU_ON of nobody");
    is_equal((uint64_t)psci_call(PSCI_CPU_ON, mpidr, entry, 0), (uint64_t)PSCI_ALREADY_ON,
             "CPU_ON of oneself");
    is_equal((uint64_t)psci_call(PSCI_CPU_ON32, mpidr, entry, 0), (uint64_t)PSCI_ALREADY_ON,
             "CPU_ON of oneself, 32 bits");
}

static void test_suspend(void)
{
    uint64_t start = timer_now();
    int64_t result;
    uint32_t iar;

    gic_set_priority(timer_intid(TIMER_VIRTUAL), 0x80);
    gic_enable(timer_intid(TIMER_VIRTUAL));
    timer_arm_us(TIMER_VIRTUAL, 5000);
    result = psci_call(PSCI_CPU_SUSPEND, 0, 0, 0);
    is_equal((uint64_t)result, 0, "CPU_SUSPEND, standby");
    iar = gic_ack_wait();
    ok(gic_intid(iar) == timer_intid(TIMER_VIRTUAL), "CPU_SUSPEND woken by the timer after %lu us",
       timer_since_us(start));
    timer_set_ctl(TIMER_VIRTUAL, 0);
    if (gic_intid(iar) < GIC_SPURIOUS) {
        gic_eoi(iar);
    }
    gic_disable(timer_intid(TIMER_VIRTUAL));
}

static void test_trng(void)
{
    int64_t version = psci_call(TRNG_VERSION, 0, 0, 0);

    ok(version == PSCI_NOT_SUPPORTED || version >= 0x10000, "TRNG_VERSION = %ld", version);
}

void test_psci(void)
{
    test_versions();
    test_features();
    test_errors();
    test_suspend();
    test_trng();
}

static volatile uint64_t seen_context;
static volatile uint32_t release;

static void remember(struct cpu *cpu)
{
    seen_context = cpu->context;
    while (release == 0) {}
}

void test_psci_smp(void)
{
    unsigned int good = 0;

    if (smp_count() < 2) {
        skip("CPU power", "one vCPU");
        return;
    }
    is_equal((uint64_t)psci_call(PSCI_AFFINITY_INFO, cpus[1].mpidr, 0, 0), 1,
             "AFFINITY_INFO of a vCPU that is off");
    if (!ok(smp_start(1, remember, 0x1234567890abcdefUL) == 0, "CPU_ON of vCPU 1")) {
        return;
    }
    is_equal((uint64_t)psci_call(PSCI_AFFINITY_INFO, cpus[1].mpidr, 0, 0), 0,
             "AFFINITY_INFO of a vCPU that is on");
    is_equal((uint64_t)psci_call(PSCI_CPU_ON, cpus[1].mpidr, (uintptr_t)image_head, 0),
             (uint64_t)PSCI_ALREADY_ON, "CPU_ON of a vCPU that is on");
    while (seen_context == 0) {}
    is_equal(seen_context, 0x1234567890abcdefUL, "context");
    release = 1;
    ok(smp_wait_off(1), "CPU_OFF of vCPU 1");
    for (unsigned int i = 0; i < ROUNDS; i++) {
        if (smp_start(1, remember, i) != 0 || !smp_wait_off(1)) {
            break;
        }
        good++;
    }
    is_equal(good, ROUNDS, "rounds of CPU_ON and CPU_OFF");
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"

#include <corbel/domain.h>
#include <corbel/vpsci.h>
#include <hw/psci.h>

#define RAM      0x40000000ull
#define RAM_SIZE 0x10000000ull
#define VCPUS    18u
#define RET(x)   ((u64)(s64)(x))

static struct domain d;
static struct vcpu vcpus[VCPUS];
static u32 wakes, kicks;

enum corbel_err p2m_ram_at(const struct p2m *p2m, ipa_t ipa, pa_t *pa, u64 *contiguous)
{
    assert_ptr_equal(p2m, &d.p2m);
    if (ipa.v < RAM || ipa.v >= RAM + RAM_SIZE)
        return ERR_NOENT;
    *pa = PA(ipa.v);
    *contiguous = RAM + RAM_SIZE - ipa.v;
    return CORBEL_OK;
}

void sched_pause(struct sched_unit *unit)
{
    assert_true(spin_is_locked(&d.lock));
    unit->paused = true;
}

void sched_unpause(struct sched_unit *unit)
{
    assert_true(spin_is_locked(&d.lock));
    unit->paused = false;
}

void vcpu_kick(struct vcpu *v, u32 req)
{
    v->req |= req;
    kicks++;
}

void vcpu_wake(struct vcpu *v, u32 req)
{
    v->req |= req;
    wakes++;
}

static int setup(void **state)
{
    (void)state;
    fake_reset(1);
    memset(&d, 0, sizeof(d));
    memset(vcpus, 0, sizeof(vcpus));
    wakes = kicks = 0;
    spin_lock_init(&d.lock, RANK_DOMAIN);
    d.state = DOMAIN_RUNNING;
    d.vcpu_count = VCPUS;
    for (u32 i = 0; i < VCPUS; i++) {
        d.vcpus[i] = &vcpus[i];
        vcpus[i].id = i;
        vcpus[i].domain = &d;
        vcpus[i].vmpidr = BIT(31) | vcpu_mpidr_of(i);
        vcpus[i].unit.paused = true;
    }
    vcpus[0].power = VCPU_ON;
    vcpus[0].unit.paused = false;
    return 0;
}

static enum guest_action act;

static u64 call(struct vcpu *v, u32 function, u64 x1, u64 x2, u64 x3)
{
    v->regs.x[0] = function;
    v->regs.x[1] = x1;
    v->regs.x[2] = x2;
    v->regs.x[3] = x3;
    v->regs.x[4] = 0x4444;
    assert_true(vpsci_call(v, function, &act));
    assert_int_equal(v->regs.x[4], 0x4444);
    assert_false(spin_is_locked(&d.lock));
    return v->regs.x[0];
}

static u64 call0(u32 function, u64 x1, u64 x2, u64 x3)
{
    return call(&vcpus[0], function, x1, x2, x3);
}

static void test_simple(void **state)
{
    enum guest_action a;

    (void)state;
    assert_int_equal(call0(PSCI_VERSION, 0, 0, 0), 0x10001);
    assert_int_equal(act, ACT_RESUME);
    assert_int_equal(call0(PSCI_FUNC_32(PSCI_NR_MIGRATE_INFO_TYPE), 0, 0, 0), 2);
    assert_int_equal(call0(PSCI_FUNC_64(PSCI_NR_VERSION), 0, 0, 0), RET(PSCI_NOT_SUPPORTED));
    assert_int_equal(call0(0x8400001f, 0, 0, 0), RET(PSCI_NOT_SUPPORTED));
    assert_false(vpsci_call(&vcpus[0], 0x84000020, &a));
    assert_false(vpsci_call(&vcpus[0], 0x83ffffff, &a));
    assert_false(vpsci_call(&vcpus[0], 0xc4000050, &a));
    assert_false(vpsci_call(&vcpus[0], 0x80000000, &a));
    call0(PSCI_SYSTEM_OFF, 0, 0, 0);
    assert_int_equal(act, ACT_SHUTDOWN_OFF);
    call0(PSCI_SYSTEM_RESET, 0, 0, 0);
    assert_int_equal(act, ACT_SHUTDOWN_RESET);
    call0(PSCI_FUNC_64(PSCI_NR_SYSTEM_RESET2), 0, 0, 0);
    assert_int_equal(act, ACT_SHUTDOWN_RESET);
    assert_int_equal(call0(PSCI_FUNC_32(PSCI_NR_SYSTEM_RESET2), BIT(31), 0, 0),
                     RET(PSCI_INVALID_PARAMETERS));
    assert_int_equal(act, ACT_RESUME);
}

/* What FEATURES says is what a call gets. */
static void test_features(void **state)
{
    static const u32 supported[] = { 0x84000000, 0x84000001,   0xc4000001, 0x84000002, 0x84000003,
                                     0xc4000003, 0x84000004,   0xc4000004, 0x84000006, 0x84000008,
                                     0x84000009, 0x8400000a,   0x8400000e, 0xc400000e, 0x84000012,
                                     0xc4000012, SMCCC_VERSION };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(supported); i++)
        assert_int_equal(call0(PSCI_FEATURES, supported[i], 0, 0), 0);
    for (u32 n = 0; n < 64; n++) {
        u32 function = (n < 32 ? PSCI_BASE_32 : PSCI_BASE_64) + n % 32;
        bool known = false;

        for (u32 i = 0; i < ARRAY_SIZE(supported); i++)
            known |= supported[i] == function;
        assert_int_equal(call0(PSCI_FEATURES, function, 0, 0), RET(known ? 0 : -1));
        if (!known)
            assert_int_equal(call0(function, 0, 0, 0), RET(-1));
    }
    assert_int_equal(call0(PSCI_FEATURES, 0x80000001, 0, 0), RET(-1));
    assert_int_equal(call0(PSCI_FEATURES, 0x84001234, 0, 0), RET(-1));
    assert_int_equal(call0(PSCI_FEATURES, 0xffffffff80000000ull, 0, 0), 0); /* 32-bit call */
}

static void test_cpu_on(void **state)
{
    (void)state;
    assert_int_equal(call0(PSCI_CPU_ON_64, 1, RAM + 0x80000, 0x1234567890abcdef), 0);
    assert_int_equal(vcpus[1].power, VCPU_ON_PENDING);
    assert_int_equal(vcpus[1].entry, RAM + 0x80000);
    assert_true(vcpus[1].context_id == 0x1234567890abcdefull);
    assert_false(vcpus[1].unit.paused);
    assert_int_equal(wakes, 1);
    assert_int_equal(act, ACT_RESUME);
    assert_int_equal(call0(PSCI_CPU_ON_64, 1, RAM, 0), RET(PSCI_ON_PENDING));
    vcpus[1].power = VCPU_ON;
    assert_int_equal(call0(PSCI_CPU_ON_64, 1, RAM, 0), RET(PSCI_ALREADY_ON));
    assert_int_equal(call0(PSCI_CPU_ON_64, 0, RAM, 0), RET(PSCI_ALREADY_ON));
    assert_int_equal(call0(PSCI_CPU_ON_64, 0x101, RAM, 0), 0); /* vCPU 17 */
    assert_int_equal(vcpus[17].power, VCPU_ON_PENDING);
    assert_int_equal(call0(PSCI_CPU_ON_64, 0x102, RAM, 0), RET(PSCI_INVALID_PARAMETERS));
    assert_int_equal(call0(PSCI_CPU_ON_64, BIT(31) | 2, RAM, 0), RET(PSCI_INVALID_PARAMETERS));
    assert_int_equal(call0(PSCI_CPU_ON_64, 2, RAM - 4, 0), RET(PSCI_INVALID_ADDRESS));
    assert_int_equal(call0(PSCI_CPU_ON_64, 2, RAM + RAM_SIZE, 0), RET(PSCI_INVALID_ADDRESS));
    assert_int_equal(call0(PSCI_CPU_ON_64, 2, RAM + 2, 0), RET(PSCI_INVALID_ADDRESS));
    assert_int_equal(vcpus[2].power, VCPU_OFF);
    assert_int_equal(wakes, 2);
    /* 32 bits: upper halves mean nothing */
    assert_int_equal(call0(PSCI_FUNC_32(PSCI_NR_CPU_ON), 0x700000002, 0xf00000000 | RAM,
                           0xaaaaaaaa55555555),
                     0);
    assert_int_equal(vcpus[2].entry, RAM);
    assert_int_equal(vcpus[2].context_id, 0x55555555);
    /* paused by somebody else: on, but not to be picked */
    vcpus[3].pause_count = 1;
    assert_int_equal(call0(PSCI_CPU_ON_64, 3, RAM, 0), 0);
    assert_true(vcpus[3].unit.paused);
    d.state = DOMAIN_STOPPING;
    assert_int_equal(call0(PSCI_CPU_ON_64, 4, RAM, 0), RET(PSCI_DENIED));
    assert_true(vcpus[4].unit.paused);
}

static void test_off_and_on(void **state)
{
    (void)state;
    call0(PSCI_CPU_OFF, 0, 0, 0);
    assert_int_equal(act, ACT_OFF);
    assert_int_equal(vcpus[0].power, VCPU_OFF);
    assert_true(vcpus[0].unit.paused);
    assert_true(vcpus[0].req & REQ_RESCHED);
    assert_int_equal(call(&vcpus[5], PSCI_CPU_ON_64, 0, RAM, 7), 0);
    assert_int_equal(vcpus[0].power, VCPU_ON_PENDING);
    assert_false(vcpus[0].unit.paused);
}

static void test_affinity_info(void **state)
{
    const u32 f = PSCI_FUNC_64(PSCI_NR_AFFINITY_INFO);

    (void)state;
    assert_int_equal(call0(f, 0, 0, 0), PSCI_AFFINITY_ON);
    assert_int_equal(call0(f, 1, 0, 0), PSCI_AFFINITY_OFF);
    vcpus[1].power = VCPU_ON_PENDING;
    assert_int_equal(call0(f, 1, 0, 0), PSCI_AFFINITY_ON_PENDING);
    assert_int_equal(call0(f, 0x12, 0, 0), RET(PSCI_INVALID_PARAMETERS));
    assert_int_equal(call0(f, 0xffffff, 0, 0), RET(PSCI_INVALID_PARAMETERS));
    assert_int_equal(call0(f, 0x5f, 1, 0), PSCI_AFFINITY_ON);   /* cluster 0, Aff0 ignored */
    assert_int_equal(call0(f, 0x100, 1, 0), PSCI_AFFINITY_OFF); /* cluster 1 */
    vcpus[17].power = VCPU_ON_PENDING;
    assert_int_equal(call0(f, 0x100, 1, 0), PSCI_AFFINITY_ON_PENDING);
    assert_int_equal(call0(f, 0x200, 1, 0), RET(PSCI_INVALID_PARAMETERS));
    assert_int_equal(call0(f, 0xff00, 2, 0), PSCI_AFFINITY_ON);
    assert_int_equal(call0(f, 0x10000, 2, 0), RET(PSCI_INVALID_PARAMETERS));
    assert_int_equal(call0(f, 0, 3, 0), PSCI_AFFINITY_ON);
    assert_int_equal(call0(f, BIT(32), 3, 0), RET(PSCI_INVALID_PARAMETERS));
    assert_int_equal(call0(f, 0, 4, 0), RET(PSCI_INVALID_PARAMETERS));
    assert_int_equal(call0(PSCI_FUNC_32(PSCI_NR_AFFINITY_INFO), 0xf00000000, 0xf00000000, 0),
                     PSCI_AFFINITY_ON);
}

static void test_suspend(void **state)
{
    const u32 f = PSCI_FUNC_64(PSCI_NR_CPU_SUSPEND);

    (void)state;
    assert_int_equal(call0(f, 0, 0, 0), 0);
    assert_int_equal(act, ACT_BLOCK);
    assert_int_equal(call0(f, BIT(16), RAM, 0), 0); /* power-down, as standby */
    assert_int_equal(act, ACT_BLOCK);
    assert_int_equal(call0(f, BIT(16), 0, 0), RET(PSCI_INVALID_ADDRESS));
    assert_int_equal(act, ACT_RESUME);
    assert_int_equal(call0(f, BIT(17), 0, 0), RET(PSCI_INVALID_PARAMETERS));
    assert_int_equal(call0(f, BIT(30), 0, 0), RET(PSCI_INVALID_PARAMETERS));
}

static void test_system_suspend(void **state)
{
    const u32 f = PSCI_FUNC_64(PSCI_NR_SYSTEM_SUSPEND);

    (void)state;
    vcpus[1].power = VCPU_ON;
    assert_int_equal(call0(f, RAM, 5, 0), RET(PSCI_DENIED));
    assert_int_equal(act, ACT_RESUME);
    vcpus[1].power = VCPU_OFF;
    assert_int_equal(call0(f, 4, 5, 0), RET(PSCI_INVALID_ADDRESS));
    assert_int_equal(vcpus[0].power, VCPU_ON);
    call0(f, RAM + 8, 5, 0);
    assert_int_equal(act, ACT_SUSPEND);
    assert_int_equal(vcpus[0].power, VCPU_ON_PENDING);
    assert_int_equal(vcpus[0].entry, RAM + 8);
    assert_int_equal(vcpus[0].context_id, 5);
    assert_false(vcpus[0].unit.paused);
    assert_true(vcpus[0].req & REQ_RESCHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_simple, setup),
        cmocka_unit_test_setup(test_features, setup),
        cmocka_unit_test_setup(test_cpu_on, setup),
        cmocka_unit_test_setup(test_off_and_on, setup),
        cmocka_unit_test_setup(test_affinity_info, setup),
        cmocka_unit_test_setup(test_suspend, setup),
        cmocka_unit_test_setup(test_system_suspend, setup),
    };

    return cmocka_run_group_tests_name("vpsci", tests, NULL, NULL);
}

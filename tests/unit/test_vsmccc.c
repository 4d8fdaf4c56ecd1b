/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"

#include <arch/smccc.h>
#include <corbel/cpu.h>
#include <corbel/domain.h>
#include <corbel/p2m_hook.h>
#include <corbel/vcpu.h>
#include <corbel/vpsci.h>
#include <corbel/vwdt.h>
#include <hw/psci.h>

#define NOT ((u64)-1)

static struct domain domain;
static struct vcpu v = { .domain = &domain };
static u32 psci_calls;

/* The firmware of the test. */
static struct {
    bool present, has_trng;
    s32 workarounds[3]; /* what ARCH_FEATURES says of 1, 2, 3 */
    u32 calls[3], rnd_calls;
    s32 rnd_result;
} fw;
static bool has_rndr;
static u32 rndr_failures;

bool arch_rndr(u64 *out)
{
    if (!has_rndr)
        return false;
    if (rndr_failures) {
        rndr_failures--;
        return false;
    }
    *out = ~0ull;
    return true;
}

void arch_smccc_call(struct smccc_args *args)
{
    u32 function = (u32)args->x[0];
    u64 arg = args->x[1];

    args->x[0] = NOT;
    if (!fw.present)
        return;
    switch (function) {
    case PSCI_VERSION:
        args->x[0] = 0x10001;
        break;
    case PSCI_FEATURES:
        args->x[0] = arg == SMCCC_VERSION ? 0 : NOT;
        break;
    case SMCCC_VERSION:
        args->x[0] = 0x10002;
        break;
    case SMCCC_ARCH_FEATURES:
        if (arg == SMCCC_ARCH_WORKAROUND_1)
            args->x[0] = (u64)fw.workarounds[0];
        else if (arg == SMCCC_ARCH_WORKAROUND_2)
            args->x[0] = (u64)fw.workarounds[1];
        else if (arg == SMCCC_ARCH_WORKAROUND_3)
            args->x[0] = (u64)fw.workarounds[2];
        break;
    case SMCCC_ARCH_WORKAROUND_1:
        fw.calls[0]++;
        break;
    case SMCCC_ARCH_WORKAROUND_3:
        fw.calls[2]++;
        break;
    case TRNG_VERSION:
        args->x[0] = fw.has_trng ? 0x10000 : NOT;
        break;
    case TRNG_RND_32:
    case TRNG_RND_64:
        fw.rnd_calls++;
        args->x[0] = (u64)fw.rnd_result;
        args->x[1] = 0x11;
        args->x[2] = 0x22;
        args->x[3] = arg;
        break;
    default:
        break;
    }
}

bool vpsci_call(struct vcpu *vcpu, u32 function, enum guest_action *action)
{
    if ((function & ~(u32)BIT(30)) - PSCI_BASE_32 >= 32)
        return false;
    psci_calls++;
    vcpu->regs.x[0] = 0x600d;
    *action = ACT_BLOCK;
    return true;
}

/* One function of the silicon provider's is the watchdog's. */
bool vwdt_call(struct vcpu *vcpu, u32 function)
{
    assert_ptr_equal(vcpu, &v);
    if (function != VWDT_SMC_ID)
        return false;
    vcpu->regs.x[0] = 0xd09;
    return true;
}

/* The hook: what it was asked last, and what it says. */
static struct {
    u64 unmapped, remapped;
    enum corbel_err result;
} hook;

enum corbel_err p2m_hook_unmap(struct p2m *p2m, ipa_t ipa)
{
    assert_ptr_equal(p2m, &domain.p2m);
    hook.unmapped = ipa.v;
    return hook.result;
}

enum corbel_err p2m_hook_remap(struct p2m *p2m, ipa_t ipa)
{
    hook.remapped = ipa.v;
    return hook.result;
}

static int setup(void **state)
{
    (void)state;
    fake_reset(1);
    memset(&fw, 0, sizeof(fw));
    fw.workarounds[0] = fw.workarounds[1] = fw.workarounds[2] = -1;
    has_rndr = false;
    rndr_failures = 0;
    psci_calls = 0;
    memset(&domain, 0, sizeof(domain));
    memset(&hook, 0, sizeof(hook));
    vsmccc_init();
    return 0;
}

static enum guest_action act;

static u64 call(u64 function, u64 x1)
{
    for (u32 i = 0; i < 31; i++)
        v.regs.x[i] = 0xdead0000 + i;
    v.regs.x[0] = function;
    v.regs.x[1] = x1;
    act = vsmccc_call(&v);
    for (u32 i = 4; i < 31; i++)
        assert_int_equal(v.regs.x[i], 0xdead0000 + i);
    return v.regs.x[0];
}

static void test_dispatch(void **state)
{
    static const u32 unknown[] = { 0,          1,          0x04000000, 0x80000005, 0xc0000000,
                                   0x81000000, 0x82000000, 0x83000000, 0x84000021, 0x84000100,
                                   0xc4000050, 0x85000000, 0x86000000, 0x8600ff03, 0xc600ff01,
                                   0x87000000, 0xb0000000, 0xbf00ff01, 0xffffffff, 0x80020000 };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(unknown); i++) {
        assert_int_equal(call(unknown[i], 0), NOT);
        assert_int_equal(act, ACT_RESUME);
        assert_int_equal(v.regs.x[2], 0xdead0002);
    }
    assert_int_equal(psci_calls, 0);
    assert_int_equal(call(0x84000001, 0), 0x600d);
    assert_int_equal(act, ACT_BLOCK);
    assert_int_equal(call(0xc4000003, 0), 0x600d);
    assert_int_equal(call(0xffffffff84010002, 0), 0x600d); /* SVE hint; W0 counts */
    assert_int_equal(psci_calls, 3);
    assert_int_equal(call(0xffffffff84010000, 0), 0x10001); /* PSCI_VERSION, the short way */
    assert_int_equal(act, ACT_RESUME);
    assert_int_equal(call(SMCCC_VERSION, 0), 0x10002);
    assert_int_equal(act, ACT_RESUME);
    assert_int_equal(call(VWDT_SMC_ID, 0), 0xd09);
    assert_int_equal(act, ACT_RESUME);
    assert_int_equal(fake_log[0], 0);
}

static void test_uid(void **state)
{
    (void)state;
    assert_int_equal(call(SMCCC_HYPERVISOR_UID, 0), 0x3957c41e);
    assert_int_equal(v.regs.x[1], 0xdb4d16ba);
    assert_int_equal(v.regs.x[3], 0xddf8b753);
}

static void test_no_firmware(void **state)
{
    (void)state;
    assert_int_equal(call(SMCCC_ARCH_FEATURES, SMCCC_VERSION), 0);
    assert_int_equal(call(SMCCC_ARCH_FEATURES, SMCCC_ARCH_FEATURES), 0);
    assert_int_equal(call(SMCCC_ARCH_FEATURES, SMCCC_ARCH_WORKAROUND_1), NOT);
    assert_int_equal(call(SMCCC_ARCH_FEATURES, SMCCC_ARCH_WORKAROUND_2), NOT);
    assert_int_equal(call(SMCCC_ARCH_FEATURES, SMCCC_ARCH_WORKAROUND_3), NOT);
    assert_int_equal(call(SMCCC_ARCH_FEATURES, SMCCC_ARCH_SOC_ID), NOT);
    assert_int_equal(call(SMCCC_ARCH_WORKAROUND_1, 0), NOT);
    assert_int_equal(call(TRNG_VERSION, 0), NOT);
    assert_int_equal(call(TRNG_FEATURES, TRNG_VERSION), NOT);
    assert_int_equal(call(TRNG_GET_UUID, 0), NOT);
    assert_int_equal(call(TRNG_RND_64, 64), NOT);
}

static void test_workarounds(void **state)
{
    (void)state;
    fw.present = true;
    fw.workarounds[0] = 0;
    fw.workarounds[1] = 0;
    fw.workarounds[2] = 1;
    vsmccc_init();
    assert_int_equal(call(SMCCC_ARCH_FEATURES, SMCCC_ARCH_WORKAROUND_1), 0);
    assert_int_equal(call(SMCCC_ARCH_FEATURES, SMCCC_ARCH_WORKAROUND_2), (u64)-2);
    assert_int_equal(call(SMCCC_ARCH_FEATURES, SMCCC_ARCH_WORKAROUND_3), 1);
    call(SMCCC_ARCH_WORKAROUND_1, 0);
    call(SMCCC_ARCH_WORKAROUND_3, 0);
    assert_int_equal(v.regs.x[1], 0);
    assert_int_equal(fw.calls[0], 1);
    assert_int_equal(fw.calls[2], 1);
    fw.workarounds[0] = -1;
    fw.workarounds[1] = -1;
    fw.workarounds[2] = -2; /* no answer for this one: not there */
    vsmccc_init();
    assert_int_equal(call(SMCCC_ARCH_FEATURES, SMCCC_ARCH_WORKAROUND_1), NOT);
    assert_int_equal(call(SMCCC_ARCH_FEATURES, SMCCC_ARCH_WORKAROUND_2), NOT);
    assert_int_equal(call(SMCCC_ARCH_FEATURES, SMCCC_ARCH_WORKAROUND_3), NOT);
    assert_int_equal(call(SMCCC_ARCH_WORKAROUND_1, 0), NOT);
    assert_int_equal(fw.calls[0], 1);
}

/* A machine of two kinds: the boot CPU needs nothing, one that comes later does. */
static void test_workarounds_differ(void **state)
{
    (void)state;
    fw.present = true;
    fw.workarounds[0] = 1;
    fw.workarounds[2] = -1;
    vsmccc_init();
    fw.workarounds[0] = 0;
    vsmccc_init_cpu();
    fw.workarounds[0] = 1;
    fw.workarounds[2] = 1;
    vsmccc_init_cpu();
    fw.workarounds[0] = fw.workarounds[2] = -1;
    vsmccc_init_cpu();
    assert_int_equal(call(SMCCC_ARCH_FEATURES, SMCCC_ARCH_WORKAROUND_1), 0);
    assert_int_equal(call(SMCCC_ARCH_FEATURES, SMCCC_ARCH_WORKAROUND_3), 1);
    fw.present = false;
    vsmccc_init();
    fw.workarounds[0] = 0; /* firmware too old to be asked */
    vsmccc_init_cpu();
    assert_int_equal(call(SMCCC_ARCH_FEATURES, SMCCC_ARCH_WORKAROUND_1), NOT);
}

static void test_trng_cpu(void **state)
{
    (void)state;
    has_rndr = true;
    rndr_failures = 2; /* it may fail now and then */
    vsmccc_init();
    assert_int_equal(call(TRNG_VERSION, 0), 0x10000);
    assert_int_equal(call(TRNG_FEATURES, TRNG_RND_64), 0);
    assert_int_equal(call(TRNG_FEATURES, TRNG_RND_32), 0);
    assert_int_equal(call(TRNG_FEATURES, 0x84000054), NOT);
    assert_int_equal(call(TRNG_GET_UUID, 0), 0x1e6a4c8d);
    assert_int_equal(call(TRNG_RND_64, 192), 0);
    assert_true(v.regs.x[1] == ~0ull && v.regs.x[2] == ~0ull && v.regs.x[3] == ~0ull);
    assert_int_equal(call(TRNG_RND_64, 65), 0);
    assert_true(v.regs.x[1] == 0 && v.regs.x[2] == 1 && v.regs.x[3] == ~0ull);
    assert_int_equal(call(TRNG_RND_32, 96), 0);
    assert_true(v.regs.x[1] == ~0u && v.regs.x[2] == ~0u && v.regs.x[3] == ~0u);
    assert_int_equal(call(TRNG_RND_32, 33), 0);
    assert_true(v.regs.x[1] == 0 && v.regs.x[2] == 1 && v.regs.x[3] == ~0u);
    assert_int_equal(call(TRNG_RND_32, 0xf00000001), 0);
    assert_true(v.regs.x[1] == 0 && v.regs.x[2] == 0 && v.regs.x[3] == 1);
    assert_int_equal(call(TRNG_RND_64, 0), (u64)-2);
    assert_int_equal(call(TRNG_RND_64, 193), (u64)-2);
    assert_int_equal(call(TRNG_RND_64, ~0ull), (u64)-2);
    assert_int_equal(call(TRNG_RND_32, 97), (u64)-2);
    rndr_failures = 100;
    assert_int_equal(call(TRNG_RND_64, 64), (u64)-3);
    assert_int_equal(v.regs.x[2], 0xdead0002);
}

static void test_trng_firmware(void **state)
{
    (void)state;
    fw.present = fw.has_trng = true;
    vsmccc_init();
    assert_int_equal(call(TRNG_VERSION, 0), 0x10000);
    assert_int_equal(call(TRNG_RND_64, 128), 0);
    assert_int_equal(v.regs.x[1], 0x11);
    assert_int_equal(v.regs.x[2], 0x22);
    assert_int_equal(v.regs.x[3], 128);
    fw.rnd_result = -3;
    assert_int_equal(call(TRNG_RND_32, 32), (u64)-3);
    assert_int_equal(v.regs.x[2], 0xdead0002);
    assert_int_equal(call(TRNG_RND_32, 0), (u64)-2);
    assert_int_equal(fw.rnd_calls, 2);
}

/* Debug builds only, and only where the tree says so. */
static void test_hook(void **state)
{
    (void)state;
    assert_int_equal(call(P2M_HOOK_CALL_UNMAP, 0x40001000), NOT);
    domain.p2m.hook = (struct mem_range){ 0x40000000, 0x10000 };
    if (!IS_ENABLED(CONFIG_DEBUG)) {
        assert_int_equal(call(P2M_HOOK_CALL_UNMAP, 0x40001000), NOT);
        assert_int_equal(hook.unmapped, 0);
        return;
    }
    assert_int_equal(call(P2M_HOOK_CALL_UNMAP, 0x40001000), 0);
    assert_int_equal(hook.unmapped, 0x40001000);
    assert_int_equal(act, ACT_RESUME);
    assert_int_equal(call(P2M_HOOK_CALL_REMAP | SMCCC_SVE_HINT, 0x40002000), 0);
    assert_int_equal(hook.remapped, 0x40002000);
    hook.result = ERR_PERM;
    assert_int_equal(call(P2M_HOOK_CALL_UNMAP, 0), (u64)-3);
    assert_int_equal(call(P2M_HOOK_CALL_REMAP, 0), (u64)-3);
    assert_int_equal(call(P2M_HOOK_CALL_REMAP + 1, 0), NOT);
    assert_int_equal(call(P2M_HOOK_CALL_UNMAP & ~(u32)SMCCC_64, 0x40001000), NOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_dispatch, setup),
        cmocka_unit_test_setup(test_uid, setup),
        cmocka_unit_test_setup(test_no_firmware, setup),
        cmocka_unit_test_setup(test_workarounds, setup),
        cmocka_unit_test_setup(test_workarounds_differ, setup),
        cmocka_unit_test_setup(test_trng_cpu, setup),
        cmocka_unit_test_setup(test_trng_firmware, setup),
        cmocka_unit_test_setup(test_hook, setup),
    };

    return cmocka_run_group_tests_name("vsmccc", tests, NULL, NULL);
}

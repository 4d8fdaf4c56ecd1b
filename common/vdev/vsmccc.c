/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any HVC #0 or SMC #0 of a guest (SMCCC 1.2, DEN0028): by owner to PSCI, the
 * architecture's calls, TRNG (DEN0098), the watchdog's or our own, of which tests have some in
 * debug builds; everything else is answered NOT_SUPPORTED here and nowhere else, without a line
 * in the log. Only x0-x3 change. Workarounds are offered as the firmware answers for them, so a
 * CPU that needs none never pays for one.
 */
#include <corbel/vpsci.h>

#include <arch/cpu.h>
#include <arch/smccc.h>

#include <corbel/bits.h>
#include <corbel/compiler.h>
#include <corbel/domain.h>
#include <corbel/p2m_hook.h>
#include <corbel/vcpu.h>
#include <corbel/vwdt.h>
#include <hw/psci.h>

/* Who we are: 1ec45739-ba16-4ddb-9d29-f9ae53b7f8dd, as four words (DEN0028 6.2). */
static const u32 hypervisor_uid[4] = { 0x3957c41e, 0xdb4d16ba, 0xaef9299d, 0xddf8b753 };
/* Of the TRNG back end: 8d4c6a1e-5d57-4a0e-a44b-7e0d6c1b2f93. */
static const u32 trng_uuid[4] = { 0x1e6a4c8d, 0x0e4a575d, 0x0d7e4ba4, 0x932f1b6c };

enum trng_source { TRNG_NONE, TRNG_CPU, TRNG_FIRMWARE };

/* Written by vsmccc_init() and vsmccc_init_cpu() before the first guest runs. */
static struct {
    s8 workaround_1, workaround_2, workaround_3; /* what ARCH_FEATURES answers to guests */
    u8 trng;                                     /* enum trng_source */
    bool has_features;                           /* of the firmware: ARCH_FEATURES may be called */
} host;

static s64 firmware_call(u32 function, u64 arg)
{
    struct smccc_args args = { .x = { function, arg } };

    arch_smccc_call(&args);
    return (s32)args.x[0];
}

/*
 * ARCH_FEATURES of a workaround: 0 this CPU needs it, 1 the call is there, but not
 * needed here, negative: not there.
 */
static s8 firmware_workaround(u32 function)
{
    s64 ret = firmware_call(SMCCC_ARCH_FEATURES, function);

    return ret == 0 || ret == 1 ? (s8)ret : SMCCC_RET_NOT_SUPPORTED;
}

static enum trng_source find_trng(bool has_features)
{
    u64 ignored;
    u32 i;

    for (i = 0; i < 4; i++) { /* RNDR may fail now and then where it exists */
        if (arch_rndr(&ignored))
            return TRNG_CPU;
    }
    /* Firmware before SMCCC 1.1 is not asked for what it cannot know. */
    if (has_features && firmware_call(TRNG_VERSION, 0) >= (s64)TRNG_1_0)
        return TRNG_FIRMWARE;
    return TRNG_NONE;
}

__init void vsmccc_init(void)
{
    s64 ret;

    /* SMCCC_VERSION may be called only where PSCI_FEATURES vouches for it (DEN0028 1.1). */
    host.has_features = firmware_call(PSCI_VERSION, 0) >= 0x10000 &&
                        firmware_call(PSCI_FEATURES, SMCCC_VERSION) == 0 &&
                        firmware_call(SMCCC_VERSION, 0) >= 0x10001;

    host.workaround_1 = host.workaround_2 = host.workaround_3 = SMCCC_RET_NOT_SUPPORTED;
    if (host.has_features) {
        host.workaround_1 = firmware_workaround(SMCCC_ARCH_WORKAROUND_1);
        host.workaround_3 = firmware_workaround(SMCCC_ARCH_WORKAROUND_3);
        /*
         * The speculative-store switch is per CPU and not a guest's to turn. Firmware
         * starts with the mitigation on and we leave it on: nothing is required of guests.
         */
        ret = firmware_call(SMCCC_ARCH_FEATURES, SMCCC_ARCH_WORKAROUND_2);
        if (ret >= 0 || ret == SMCCC_RET_NOT_REQUIRED)
            host.workaround_2 = SMCCC_RET_NOT_REQUIRED;
    }
    host.trng = (u8)find_trng(host.has_features);
}

/* vCPUs move: what one CPU needs (0) counts for all, before "not needed" (1) and "not there". */
static __init s8 narrow(s8 all, u32 function)
{
    s8 mine = firmware_workaround(function);

    return all < 0 || (mine >= 0 && mine < all) ? mine : all;
}

__init void vsmccc_init_cpu(void)
{
    if (!host.has_features)
        return;
    host.workaround_1 = narrow(host.workaround_1, SMCCC_ARCH_WORKAROUND_1);
    host.workaround_3 = narrow(host.workaround_3, SMCCC_ARCH_WORKAROUND_3);
}

static void set_result(struct vcpu *v, s64 value)
{
    v->regs.x[0] = (u64)value;
}

static void set_words(struct vcpu *v, const u32 words[4])
{
    for (u32 i = 0; i < 4; i++)
        v->regs.x[i] = words[i];
}

/* --- calls of the architecture ------------------------------------------------------------ */

static s64 arch_features(u32 function)
{
    switch (function) {
    case SMCCC_VERSION:
    case SMCCC_ARCH_FEATURES:
        return SMCCC_RET_SUCCESS;
    case SMCCC_ARCH_WORKAROUND_1:
        return host.workaround_1;
    case SMCCC_ARCH_WORKAROUND_2:
        return host.workaround_2;
    case SMCCC_ARCH_WORKAROUND_3:
        return host.workaround_3;
    default: /* SOC_ID among them: a guest's SoC is not the host's */
        return SMCCC_RET_NOT_SUPPORTED;
    }
}

/* A workaround does its work on the executing CPU; it has no result. */
static void workaround(struct vcpu *v, u32 function, s8 offered)
{
    if (offered < 0)
        set_result(v, SMCCC_RET_NOT_SUPPORTED);
    else
        firmware_call(function, 0);
}

static void arch_call(struct vcpu *v, u32 function)
{
    switch (function) {
    case SMCCC_VERSION:
        set_result(v, SMCCC_1_2);
        break;
    case SMCCC_ARCH_FEATURES:
        set_result(v, arch_features((u32)v->regs.x[1]));
        break;
    case SMCCC_ARCH_WORKAROUND_1:
        workaround(v, function, host.workaround_1);
        break;
    case SMCCC_ARCH_WORKAROUND_3:
        workaround(v, function, host.workaround_3);
        break;
    default:
        set_result(v, SMCCC_RET_NOT_SUPPORTED);
    }
}

/* --- random numbers ----------------------------------------------------------------------- */

/* count x 64 bits into words[], least significant first. */
static bool fill_words(u64 *words, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        bool ok = false;

        for (u32 tries = 0; tries < 8 && !ok; tries++)
            ok = arch_rndr(&words[i]);
        if (!ok)
            return false;
    }
    return true;
}

/* Bits 191:0 (95:0) right-justified over x1:x2:x3, unused ones zero (DEN0098 2.2.6). */
static void trng_from_cpu(struct vcpu *v, u32 bits, u32 width)
{
    u64 words[3] = { 0 };

    if (!fill_words(words, DIV_ROUND_UP(bits, width))) {
        set_result(v, TRNG_RET_NO_ENTROPY);
        return;
    }
    for (u32 i = 0; i < 3; i++) {
        u32 used = bits > i * width ? MIN(bits - i * width, width) : 0;

        v->regs.x[3 - i] = used ? words[i] & GENMASK(used - 1, 0) : 0;
    }
    set_result(v, SMCCC_RET_SUCCESS);
}

static void trng_from_firmware(struct vcpu *v, u32 function, u32 bits)
{
    struct smccc_args args = { .x = { function, bits } };

    arch_smccc_call(&args);
    set_result(v, (s32)args.x[0]);
    if ((s32)args.x[0] != SMCCC_RET_SUCCESS)
        return;
    for (u32 i = 1; i <= 3; i++)
        v->regs.x[i] = args.x[i];
}

static void trng_rnd(struct vcpu *v, u32 function)
{
    u32 width = function == TRNG_RND_64 ? 64 : 32;
    u64 bits = function == TRNG_RND_64 ? v->regs.x[1] : (u32)v->regs.x[1];

    if (!bits || bits > 3ull * width)
        set_result(v, TRNG_RET_INVALID_PARAMETERS);
    else if (host.trng == TRNG_CPU)
        trng_from_cpu(v, (u32)bits, width);
    else
        trng_from_firmware(v, function, (u32)bits);
}

static bool is_trng(u32 function)
{
    return (function >= TRNG_VERSION && function <= TRNG_RND_32) || function == TRNG_RND_64;
}

static void trng_call(struct vcpu *v, u32 function)
{
    if (host.trng == TRNG_NONE) {
        set_result(v, SMCCC_RET_NOT_SUPPORTED);
        return;
    }
    switch (function) {
    case TRNG_VERSION:
        set_result(v, TRNG_1_0);
        break;
    case TRNG_FEATURES:
        set_result(v, is_trng((u32)v->regs.x[1]) ? SMCCC_RET_SUCCESS : SMCCC_RET_NOT_SUPPORTED);
        break;
    case TRNG_GET_UUID:
        set_words(v, trng_uuid);
        break;
    default:
        trng_rnd(v, function);
    }
}

/* --- debug hook --------------------------------------------------------------------------- */

/*
 * A test takes a page of its own RAM away or back (p2m_hook.h). A domain whose SMMU did not
 * forget the page is on its way to be stopped when it reads the result.
 */
static s64 hook_call(const struct vcpu *v, u32 function)
{
    struct p2m *p2m = &v->domain->p2m;
    ipa_t ipa = IPA(v->regs.x[1]);
    enum corbel_err err;

    if (!IS_ENABLED(CONFIG_DEBUG) || !p2m->hook.size)
        return SMCCC_RET_NOT_SUPPORTED;
    if (function == P2M_HOOK_CALL_UNMAP)
        err = p2m_hook_unmap(p2m, ipa);
    else if (function == P2M_HOOK_CALL_REMAP)
        err = p2m_hook_remap(p2m, ipa);
    else
        return SMCCC_RET_NOT_SUPPORTED;
    return err == CORBEL_OK ? SMCCC_RET_SUCCESS : SMCCC_RET_INVALID_PARAMETER;
}

/* --- dispatch ----------------------------------------------------------------------------- */

/* Apart, so that the short way has no stack frame. */
static __noinline enum guest_action dispatch(struct vcpu *v, u32 function)
{
    enum guest_action action = ACT_RESUME;

    switch (function >> 24) { /* fast bit, width, owner */
    case (u32)SMCCC_FAST >> 24 | SMCCC_OWNER_STANDARD:
    case (u32)(SMCCC_FAST | SMCCC_64) >> 24 | SMCCC_OWNER_STANDARD:
        if (vpsci_call(v, function, &action))
            return action;
        if (is_trng(function)) {
            trng_call(v, function);
            return ACT_RESUME;
        }
        break;
    case (u32)SMCCC_FAST >> 24 | SMCCC_OWNER_SIP:
        if (vwdt_call(v, function))
            return ACT_RESUME;
        break;
    case (u32)SMCCC_FAST >> 24 | SMCCC_OWNER_ARCH:
        arch_call(v, function);
        return ACT_RESUME;
    case (u32)SMCCC_FAST >> 24 | SMCCC_OWNER_HYPERVISOR:
        if (function == SMCCC_HYPERVISOR_UID) {
            set_words(v, hypervisor_uid);
            return ACT_RESUME;
        }
        break;
    case (u32)(SMCCC_FAST | SMCCC_64) >> 24 | SMCCC_OWNER_HYPERVISOR:
        set_result(v, hook_call(v, function));
        return ACT_RESUME;
    default:
        break;
    }
    set_result(v, SMCCC_RET_NOT_SUPPORTED);
    return ACT_RESUME;
}

enum guest_action vsmccc_call(struct vcpu *v)
{
    u32 function = (u32)v->regs.x[0] & ~(u32)SMCCC_SVE_HINT;

    /* The null call that guests and benchmarks use; vpsci.c's table gives the same answer. */
    if (function == PSCI_VERSION) {
        set_result(v, PSCI_1_1);
        return ACT_RESUME;
    }
    return dispatch(v, function);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PSCI 1.1 for guests (DEN0022). One table by function number both answers
 * PSCI_FEATURES and dispatches. Power states change under the lock of the domain,
 * which is caller's and target's at once, together with the pause that keeps a
 * vCPU that is off out of the run queue; the rest is left to guest_exit.c by an
 * action. Parameters bear the specification's names.
 */
#include <corbel/vpsci.h>

#include <corbel/compiler.h>
#include <corbel/domain.h>
#include <corbel/vcpu.h>
#include <hw/psci.h>

#define MPIDR_AFF_MASK (GENMASK(39, 32) | GENMASK(23, 0))

/* One call: the arguments, cut to 32 bits for a 32-bit function. */
struct call {
    u64 x1, x2, x3;
    enum guest_action action;
};

static bool is_entry_good(const struct domain *d, u64 entry_point_address)
{
    u64 contiguous;
    pa_t pa;

    return IS_ALIGNED(entry_point_address, 4) &&
           p2m_ram_at(&d->p2m, IPA(entry_point_address), &pa, &contiguous) == CORBEL_OK;
}

static s32 version(struct vcpu *v, struct call *call)
{
    return PSCI_1_1;
}

/*
 * Power-down states are entered as standby, which the specification allows: the
 * call returns SUCCESS when an interrupt comes.
 */
static s32 cpu_suspend(struct vcpu *v, struct call *call)
{
    u64 power_state = call->x1, entry_point_address = call->x2;

    if (power_state & PSCI_POWER_STATE_MBZ)
        return PSCI_INVALID_PARAMETERS;
    if ((power_state & PSCI_POWER_STATE_TYPE_DOWN) &&
        !is_entry_good(v->domain, entry_point_address))
        return PSCI_INVALID_ADDRESS;
    call->action = ACT_BLOCK;
    return PSCI_SUCCESS;
}

static s32 cpu_off(struct vcpu *v, struct call *call)
{
    spin_lock(&v->domain->lock);
    v->power = VCPU_OFF;
    /* Under the lock, or the CPU_ON of another vCPU could come before it and be undone. */
    sched_pause(&v->unit);
    spin_unlock(&v->domain->lock);
    vcpu_kick(v, REQ_RESCHED);
    call->action = ACT_OFF;
    return PSCI_SUCCESS; /* seen by nobody: the next start resets the registers */
}

static struct vcpu *find_target(const struct domain *d, u64 target_cpu)
{
    for (u32 i = 0; i < d->vcpu_count; i++) {
        if ((d->vcpus[i]->vmpidr & MPIDR_AFF_MASK) == target_cpu)
            return d->vcpus[i];
    }
    return NULL;
}

/* Caller holds the domain's lock. */
static s32 power_on(struct vcpu *target, u64 entry_point_address, u64 context_id)
{
    if (target->domain->state != DOMAIN_RUNNING)
        return PSCI_DENIED; /* it is being stopped: nothing may be unpaused */
    if (target->power == VCPU_ON)
        return PSCI_ALREADY_ON;
    if (target->power == VCPU_ON_PENDING)
        return PSCI_ON_PENDING;
    target->entry = entry_point_address;
    target->context_id = context_id;
    target->power = VCPU_ON_PENDING;
    if (!target->pause_count)
        sched_unpause(&target->unit);
    vcpu_wake(target, REQ_RESCHED);
    return PSCI_SUCCESS;
}

static __cold s32 cpu_on(struct vcpu *v, struct call *call)
{
    u64 target_cpu = call->x1, entry_point_address = call->x2, context_id = call->x3;
    struct domain *d = v->domain;
    struct vcpu *target = find_target(d, target_cpu);
    s32 ret;

    if (!target)
        return PSCI_INVALID_PARAMETERS;
    if (!is_entry_good(d, entry_point_address))
        return PSCI_INVALID_ADDRESS;
    spin_lock(&d->lock);
    ret = power_on(target, entry_point_address, context_id);
    spin_unlock(&d->lock);
    return ret;
}

/* On when any vCPU of the affinity instance is, else pending when any is. */
static __cold s32 affinity_info(struct vcpu *v, struct call *call)
{
    static const u64 level_masks[4] = { MPIDR_AFF_MASK, MPIDR_AFF_MASK & ~GENMASK(7, 0),
                                        MPIDR_AFF_MASK & ~GENMASK(15, 0), GENMASK(39, 32) };
    u64 target_affinity = call->x1, lowest_affinity_level = call->x2, mask;
    struct domain *d = v->domain;
    s32 ret = PSCI_INVALID_PARAMETERS;

    if (lowest_affinity_level >= ARRAY_SIZE(level_masks) || (target_affinity & ~MPIDR_AFF_MASK))
        return PSCI_INVALID_PARAMETERS;
    mask = level_masks[lowest_affinity_level];
    spin_lock(&d->lock);
    for (u32 i = 0; i < d->vcpu_count; i++) {
        const struct vcpu *other = d->vcpus[i];

        if ((other->vmpidr ^ target_affinity) & mask)
            continue;
        if (other->power == VCPU_ON)
            ret = PSCI_AFFINITY_ON;
        else if (other->power == VCPU_ON_PENDING && ret != PSCI_AFFINITY_ON)
            ret = PSCI_AFFINITY_ON_PENDING;
        else if (ret == PSCI_INVALID_PARAMETERS)
            ret = PSCI_AFFINITY_OFF;
    }
    spin_unlock(&d->lock);
    return ret;
}

static s32 migrate_info_type(struct vcpu *v, struct call *call)
{
    return PSCI_MIGRATE_NOT_REQUIRED;
}

static s32 system_off(struct vcpu *v, struct call *call)
{
    call->action = ACT_SHUTDOWN_OFF;
    return PSCI_INTERNAL_FAILURE; /* what the caller would see if it ever ran again */
}

static s32 system_reset(struct vcpu *v, struct call *call)
{
    call->action = ACT_SHUTDOWN_RESET;
    return PSCI_INTERNAL_FAILURE;
}

static s32 system_reset2(struct vcpu *v, struct call *call)
{
    u64 reset_type = call->x1;

    if (reset_type != PSCI_RESET2_WARM)
        return PSCI_INVALID_PARAMETERS;
    call->action = ACT_SHUTDOWN_RESET;
    return PSCI_INTERNAL_FAILURE;
}

/*
 * The last vCPU sleeps until an interrupt comes and then starts at its entry point:
 * it is put into ON_PENDING, which the next load turns into a start from reset state.
 */
static __cold s32 system_suspend(struct vcpu *v, struct call *call)
{
    u64 entry_point_address = call->x1, context_id = call->x2;
    struct domain *d = v->domain;
    s32 ret = PSCI_SUCCESS;

    if (!is_entry_good(d, entry_point_address))
        return PSCI_INVALID_ADDRESS;
    spin_lock(&d->lock);
    for (u32 i = 0; i < d->vcpu_count; i++) {
        if (d->vcpus[i] != v && d->vcpus[i]->power != VCPU_OFF)
            ret = PSCI_DENIED;
    }
    if (ret == PSCI_SUCCESS) {
        v->entry = entry_point_address;
        v->context_id = context_id;
        v->power = VCPU_ON_PENDING;
        call->action = ACT_SUSPEND;
    }
    spin_unlock(&d->lock);
    if (ret == PSCI_SUCCESS)
        vcpu_kick(v, REQ_RESCHED); /* an interrupt may be there already: start all the same */
    return ret;
}

static s32 features(struct vcpu *v, struct call *call);

/* What is known. Without a handler it is known not to be supported. */
struct function {
    s32 (*handler)(struct vcpu *v, struct call *call);
    bool smc32, smc64;
};

static const struct function functions[PSCI_COUNT] = {
    [PSCI_NR_VERSION] = { version, true, false },
    [PSCI_NR_CPU_SUSPEND] = { cpu_suspend, true, true },
    [PSCI_NR_CPU_OFF] = { cpu_off, true, false },
    [PSCI_NR_CPU_ON] = { cpu_on, true, true },
    [PSCI_NR_AFFINITY_INFO] = { affinity_info, true, true },
    [PSCI_NR_MIGRATE] = { NULL, true, true },
    [PSCI_NR_MIGRATE_INFO_TYPE] = { migrate_info_type, true, false },
    [PSCI_NR_MIGRATE_INFO_UP_CPU] = { NULL, true, true },
    [PSCI_NR_SYSTEM_OFF] = { system_off, true, false },
    [PSCI_NR_SYSTEM_RESET] = { system_reset, true, false },
    [PSCI_NR_FEATURES] = { features, true, false },
    [PSCI_NR_CPU_FREEZE] = { NULL, true, false },
    [PSCI_NR_CPU_DEFAULT_SUSPEND] = { NULL, true, true },
    [PSCI_NR_NODE_HW_STATE] = { NULL, true, true },
    [PSCI_NR_SYSTEM_SUSPEND] = { system_suspend, true, true },
    [PSCI_NR_SET_SUSPEND_MODE] = { NULL, true, false },
    [PSCI_NR_STAT_RESIDENCY] = { NULL, true, true },
    [PSCI_NR_STAT_COUNT] = { NULL, true, true },
    [PSCI_NR_SYSTEM_RESET2] = { system_reset2, true, true },
    [PSCI_NR_MEM_PROTECT] = { NULL, true, false },
    [PSCI_NR_MEM_PROTECT_CHECK_RANGE] = { NULL, true, true },
};

static bool is_psci(u32 function)
{
    return (function & ~(u32)SMCCC_64) - PSCI_BASE_32 < PSCI_COUNT;
}

/* The table's entry when it is supported in this width. */
static const struct function *find(u32 function)
{
    const struct function *f = &functions[function % PSCI_COUNT];
    bool wide = function & SMCCC_64;

    return f->handler && (wide ? f->smc64 : f->smc32) ? f : NULL;
}

/* All flags are 0: CPU_SUSPEND takes the original format and is platform-coordinated. */
static s32 features(struct vcpu *v, struct call *call)
{
    u32 psci_func_id = (u32)call->x1;

    if (psci_func_id == SMCCC_VERSION)
        return PSCI_SUCCESS;
    return is_psci(psci_func_id) && find(psci_func_id) ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
}

bool vpsci_call(struct vcpu *v, u32 function, enum guest_action *action)
{
    const struct function *f;
    struct call call = { .action = ACT_RESUME };
    u64 *x = v->regs.x;

    *action = ACT_RESUME;
    if (!is_psci(function))
        return false;
    f = find(function);
    if (!f) {
        x[0] = (u64)PSCI_NOT_SUPPORTED;
        return true;
    }
    if (function & SMCCC_64) {
        call.x1 = x[1];
        call.x2 = x[2];
        call.x3 = x[3];
    } else {
        call.x1 = (u32)x[1];
        call.x2 = (u32)x[2];
        call.x3 = (u32)x[3];
    }
    x[0] = (u64)(s64)f->handler(v, &call);
    *action = call.action;
    return true;
}

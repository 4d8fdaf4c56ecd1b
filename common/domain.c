/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The domains of this host and the end of their lives. Slots are filled by the boot CPU
 * in tree order and never reused; state and reason change under the domain's lock.
 */
#include <corbel/domain.h>

#include <corbel/panic.h>

static struct domain *domains[MAX_DOMAINS]; /* boot CPU fills it */
static u32 slots;

struct domain *domain_get(u32 slot)
{
    return slot < slots ? domains[slot] : NULL;
}

u32 domain_slots(void)
{
    return slots;
}

__init enum corbel_err domain_add(struct domain *d)
{
    if (slots == MAX_DOMAINS)
        return ERR_NOMEM;
    d->id = slots + 1;
    domains[slots++] = d;
    return CORBEL_OK;
}

/* Its end has not begun; d->lock is held. The task reads both without, so the reason is first. */
static bool is_alive(struct domain *d, enum shutdown_reason reason)
{
    bool alive = d->state == DOMAIN_RUNNING || d->state == DOMAIN_BUILDING;

    if (alive && d->reason == SHUTDOWN_NONE)
        d->reason = (u8)reason;
    return alive;
}

/* It does not enter the guest again. */
static void stop(struct vcpu *v)
{
    sched_pause(&v->unit);
    vcpu_kick(v, REQ_PAUSE);
}

bool domain_ends(struct vcpu *v, enum shutdown_reason reason)
{
    struct domain *d = v->domain;
    bool first;

    spin_lock(&d->lock);
    first = d->reason == SHUTDOWN_NONE && is_alive(d, reason);
    spin_unlock(&d->lock);
    if (!first)
        stop(v);
    return first;
}

void domain_shutdown(struct domain *d, enum shutdown_reason reason)
{
    bool first;

    spin_lock(&d->lock);
    first = is_alive(d, reason);
    if (first)
        __atomic_store_n(&d->state, DOMAIN_STOPPING, __ATOMIC_RELEASE);
    spin_unlock(&d->lock);
    if (!first)
        return;
    for (u32 i = 0; i < d->vcpu_count; i++)
        stop(d->vcpus[i]);
    sched_wake(&d->task); /* it goes on with the teardown once all vCPUs are out */
}

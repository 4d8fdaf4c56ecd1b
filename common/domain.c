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

enum corbel_err domain_add(struct domain *d)
{
    if (slots == MAX_DOMAINS)
        return ERR_NOMEM;
    d->id = slots + 1;
    domains[slots++] = d;
    return CORBEL_OK;
}

void domain_shutdown(struct domain *d, enum shutdown_reason reason)
{
    bool first;

    spin_lock(&d->lock);
    first = d->state == DOMAIN_RUNNING || d->state == DOMAIN_BUILDING;
    if (first) {
        d->state = DOMAIN_STOPPING;
        d->reason = (u8)reason;
    }
    spin_unlock(&d->lock);
    if (!first)
        return;
    for (u32 i = 0; i < d->vcpu_count; i++) {
        sched_pause(&d->vcpus[i]->unit);
        vcpu_kick(d->vcpus[i], REQ_PAUSE);
    }
    sched_wake(&d->task); /* it goes on with the teardown once all vCPUs are out */
}

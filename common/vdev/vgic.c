/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual GIC's state machine: who holds which locks while one interrupt
 * changes, and what follows from the change. Every transition has the form
 * virq_lock, change fields, virq_unlock. Lock order: vgic_cpu.lock of one vCPU (two:
 * lower id first) < virq.lock < run queue, host interrupt. Design decisions 22-25, 33.
 */
#include <corbel/vgic.h>

#include "vgic_priv.h"

#include <arch/cpu.h>
#include <corbel/irq.h>
#include <corbel/panic.h>
#include <corbel/vcpu.h>
#include <hw/ich_lr.h>

struct virq *virq_get(struct domain *d, struct vcpu *v, u32 intid)
{
    if (intid < VGIC_PRIVATE)
        return v ? &v->vgic.private[intid] : NULL;
    return intid - VGIC_PRIVATE < d->vgic.nr_spis ? &d->vgic.spis[intid - VGIC_PRIVATE] : NULL;
}

/* Whose list lock guards irq: where it is, else where it would go. */
static struct vcpu *home_of(struct domain *d, struct virq *irq)
{
    struct vcpu *v = read_once(irq->vcpu);

    if (!v)
        v = read_once(irq->target);
    return v ? v : d->vcpus[0];
}

struct vcpu *virq_lock(struct domain *d, struct virq *irq)
{
    for (;;) {
        struct vcpu *home = home_of(d, irq);

        spin_lock(&home->vgic.lock);
        spin_lock(&irq->lock);
        if (likely(home == home_of(d, irq))) {
            if (irq->lr >= 0 && vgic_is_here(home))
                lr_sync(home, irq);
            return home;
        }
        /* It moved between the question and the lock. */
        spin_unlock(&irq->lock);
        spin_unlock(&home->vgic.lock);
    }
}

void virq_unlock(struct virq *irq, struct vcpu *home)
{
    bool here = vgic_is_here(home);
    enum virq_place place = here ? virq_place(home, irq) : virq_park(home, irq);
    /* What waits on this CPU may go before irq now, or into the room that it left. */
    bool waiting = here && place != PLACE_WAIT && !list_empty(&home->vgic.list);
    bool due = place == PLACE_LR || (place == PLACE_WAIT && virq_due(home->domain, irq));
    /* In a list register of a CPU where it does not belong any more. */
    bool stray = place == PLACE_WAIT && irq->lr >= 0 && irq->target != home;

    spin_unlock(&irq->lock);
    spin_unlock(&home->vgic.lock);
    if (unlikely(place == PLACE_MOVE))
        virq_move(irq);
    if (unlikely(stray))
        vcpu_kick(home, REQ_FOLD); /* served even if home is off or sleeps, and goes on doing so */
    else if (place == PLACE_WAIT && due)
        vcpu_wake(home, REQ_IRQ);
    else if (place == PLACE_WAIT)
        vcpu_kick(home, REQ_IRQ); /* only to be taken out of a list register */
    else if (due && home->unit.state != UNIT_RUNNING)
        vcpu_wake(home, 0); /* it sits in a list register of this idle CPU */
    if (unlikely(waiting))
        vcpu_kick(home, REQ_IRQ);
}

void virq_move(struct virq *irq)
{
    struct vcpu *from = __atomic_load_n(&irq->vcpu, __ATOMIC_RELAXED);
    struct vcpu *to = __atomic_load_n(&irq->target, __ATOMIC_RELAXED);
    bool moved = false;

    if (!from || !to || from == to)
        return;
    spin_lock(from->id < to->id ? &from->vgic.lock : &to->vgic.lock);
    spin_lock_nested(from->id < to->id ? &to->vgic.lock : &from->vgic.lock);
    spin_lock(&irq->lock);
    /* Not so any more: whoever changed it has looked at the consequences. */
    if (irq->vcpu == from && irq->target == to && irq->lr < 0 && !irq->active) {
        list_del(&irq->node);
        list_add_tail(&to->vgic.list, &irq->node);
        irq->vcpu = to;
        moved = true;
    }
    spin_unlock(&irq->lock);
    spin_unlock(&from->vgic.lock);
    spin_unlock(&to->vgic.lock);
    if (moved)
        vcpu_wake(to, REQ_IRQ);
}

static void update_one(struct domain *d, struct virq *irq)
{
    bool concerned;

    spin_lock(&irq->lock);
    concerned = irq->vcpu || virq_pending(irq);
    spin_unlock(&irq->lock);
    if (concerned)
        virq_unlock(irq, virq_lock(d, irq));
}

void vgic_update_all(struct domain *d)
{
    for (u32 i = 0; i < d->vcpu_count; i++)
        for (u32 n = 0; d->vcpus[i] && n < VGIC_PRIVATE; n++)
            update_one(d, &d->vcpus[i]->vgic.private[n]);
    for (u32 n = 0; n < d->vgic.nr_spis; n++)
        update_one(d, &d->vgic.spis[n]);
}

/* --- lines of emulated devices --- */

static void line_change(struct domain *d, struct virq *irq, bool level)
{
    struct vcpu *home;

    if (__atomic_load_n(&irq->line, __ATOMIC_RELAXED) == level)
        return; /* one device drives a line, under its own lock */
    home = virq_lock(d, irq);
    irq->line = level;
    if (level && !irq->level)
        irq->latch = true;
    virq_unlock(irq, home);
}

void vgic_set_line(struct domain *d, u32 intid, bool level)
{
    struct virq *irq = virq_get(d, NULL, intid);

    if (irq && d->vcpus[0])
        line_change(d, irq, level);
    else
        __atomic_fetch_add(&d->vgic.dropped, 1, __ATOMIC_RELAXED);
}

void vgic_set_ppi(struct vcpu *v, u32 intid, bool level)
{
    if (intid >= 16 && intid < VGIC_PRIVATE)
        line_change(v->domain, &v->vgic.private[intid], level);
    else
        __atomic_fetch_add(&v->domain->vgic.dropped, 1, __ATOMIC_RELAXED);
}

void vgic_pulse(struct domain *d, u32 intid)
{
    struct virq *irq = virq_get(d, NULL, intid);
    struct vcpu *home;

    if (!irq || !d->vcpus[0]) {
        __atomic_fetch_add(&d->vgic.dropped, 1, __ATOMIC_RELAXED);
        return;
    }
    home = virq_lock(d, irq);
    irq->latch = true;
    virq_unlock(irq, home);
}

bool vgic_is_pending(struct domain *d, struct vcpu *v, u32 intid)
{
    struct virq *irq = virq_get(d, v, intid);
    bool pending;

    if (!irq)
        return false;
    spin_lock(&irq->lock);
    pending = virq_pending(irq) || (intid < 16 && virq_posted(v, intid));
    spin_unlock(&irq->lock);
    return pending;
}

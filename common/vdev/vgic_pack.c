/* SPDX-License-Identifier: Apache-2.0 */
/*
 * More interrupts than list registers, which is rare: which of them sit there, what maintenance
 * is asked for meanwhile, and those that the guest ended without a list register. As in
 * vgic_run.c all of it runs on the CPU where the vCPU is loaded. Design decisions 22, 23.
 */
#include "vgic_priv.h"

#include <corbel/bits.h>
#include <corbel/irq.h>
#include <corbel/platform.h>
#include <corbel/vcpu.h>
#include <hw/ich_lr.h>

/*
 * The guest ended so many interrupts that had no list register (only the number is
 * known). It ends them in the order of their priority, so that is how they are taken.
 * With EOImode = 1 the guest's DIR is trapped instead, where that is possible: not with
 * GICv2, nor with some GICv3. There pick_key() puts active ones first.
 */
void vgic_end_by_count(struct vcpu *v)
{
    u32 count = (u32)FIELD_GET(ICH_HCR_EOICOUNT, gic->hcr_read());
    struct list_head *pos;

    if (!count)
        return;
    gic->hcr_write(v->vgic.hcr); /* and the count is zero again */
    for (; count; count--) {
        struct virq *best = NULL;

        list_for_each (pos, &v->vgic.list) {
            struct virq *irq = list_entry(pos, struct virq, node);

            /* These fields of an irq on this list without list register are ours to read. */
            if (irq->lr < 0 && irq->active && irq->acked &&
                (!best || irq->priority < best->priority))
                best = irq;
        }
        if (!best)
            return;
        spin_lock(&best->lock);
        best->active = best->acked = false;
        virq_park(v, best);
        spin_unlock(&best->lock);
    }
}

/* --- which go first --- */

struct pick {
    struct virq *irq;
    u32 key; /* smaller goes first */
};

#define KEY_NONE   ~0u
#define KEY_ACTIVE 0x101u /* after every pending priority */
#define KEY_MASKED 0x201u /* after all: pending, but the guest has its group disabled */

/* Everything back to the list; what was in list registers stands in front. */
static void unload_all(struct vcpu *v)
{
    struct vgic_cpu *vc = &v->vgic;

    for (u32 used = vc->lr_used; used; used &= used - 1) {
        struct virq *irq = vc->lr_irq[bit_lowest(used)];

        spin_lock(&irq->lock);
        lr_sync(v, irq);
        lr_clear(v, irq);
        if (virq_park(v, irq) == PLACE_WAIT) {
            list_del(&irq->node);
            list_add_head(&vc->list, &irq->node);
        }
        spin_unlock(&irq->lock);
    }
}

/* EOImode = 1 without trapped DIR: see end_by_count(). */
static bool wants_active_first(u64 vmcr)
{
    return !gic->dir_traps && (vmcr & ICH_VMCR_VEOIM);
}

static u32 pick_key(struct vcpu *v, struct virq *irq, u64 vmcr)
{
    u32 key = KEY_NONE;

    spin_lock(&irq->lock);
    /* Pending as well or not: an active one cannot be taken before it ends. */
    if (irq->active)
        key = wants_active_first(vmcr) ? 0 : KEY_ACTIVE + irq->priority;
    else if (virq_forwarded(v->domain, irq) && irq->target == v)
        key = (vgic_group_on(vmcr, irq->group1) ? 1u : KEY_MASKED) + irq->priority;
    spin_unlock(&irq->lock);
    return key;
}

static u32 pick_insert(struct pick *best, u32 count, u32 limit, struct pick new)
{
    u32 i = count;

    if (new.key == KEY_NONE || (count == limit && best[count - 1].key <= new.key))
        return count;
    if (count == limit)
        i--; /* the last one falls out */
    else
        count++;
    for (; i > 0 && best[i - 1].key > new.key; i--)
        best[i] = best[i - 1];
    best[i] = new;
    return count;
}

/*
 * Pending by priority, then active (decision 23). Where active ones go first, one list
 * register is left to the best pending one.
 */
static u32 best_fill(struct vcpu *v, struct pick *best, u64 vmcr)
{
    struct pick pending = { NULL, KEY_NONE };
    u32 limit = bit_count(v->vgic.lr_mask), count = 0;
    struct list_head *pos;

    list_for_each (pos, &v->vgic.list) {
        struct pick new = { .irq = list_entry(pos, struct virq, node) };

        new.key = pick_key(v, new.irq, vmcr);
        count = pick_insert(best, count, limit, new);
        if (new.key > 0 && new.key < KEY_ACTIVE &&new.key < pending.key)
            pending = new;
    }
    if (pending.irq && count == limit && best[limit - 1].key == 0)
        best[limit - 1] = pending;
    return count;
}

void vgic_repack(struct vcpu *v)
{
    struct pick best[VGIC_LR_MAX];
    u32 count;

    unload_all(v);
    count = best_fill(v, best, gic->vmcr_read());
    for (u32 i = 0; i < count; i++) {
        spin_lock(&best[i].irq->lock);
        virq_place(v, best[i].irq);
        spin_unlock(&best[i].irq->lock);
    }
}

/*
 * Maintenance for pending interrupts without list register. Underflow refills in time
 * while interrupts come one by one; "none pending" also when they nest, each of them
 * active. With a single list register underflow is always true (IHI 0069, ICH_MISR.U),
 * so only the other is used there. When the guest turns a group on, or off while the other is
 * on, the choice of what sits in the list registers is due again. (With both off nothing can be
 * chosen; besides, QEMU's VGRP0D looks at VENG1: it would come without end.)
 */
static u32 pending_hcr(const struct vcpu *v, u64 vmcr, bool deliverable)
{
    u32 hcr = 0;

    if (deliverable)
        hcr = ICH_HCR_NPIE | (v->vgic.lr_mask > 1 ? ICH_HCR_UIE : 0);
    if (vgic_group_on(vmcr, false) && vgic_group_on(vmcr, true))
        return hcr | ICH_HCR_VGRP0DIE | ICH_HCR_VGRP1DIE;
    hcr |= vgic_group_on(vmcr, false) ? 0 : ICH_HCR_VGRP0EIE;
    return hcr | (vgic_group_on(vmcr, true) ? 0 : ICH_HCR_VGRP1EIE);
}

/* Ask for maintenance as what is left on the list needs it. */
u32 vgic_wanted_hcr(struct vcpu *v)
{
    u64 vmcr = list_empty(&v->vgic.list) ? 0 : gic->vmcr_read();
    u32 hcr = ICH_HCR_EN;
    struct list_head *pos;

    list_for_each (pos, &v->vgic.list) {
        struct virq *irq = list_entry(pos, struct virq, node);

        spin_lock(&irq->lock);
        if (irq->active)
            hcr |= ICH_HCR_LRENPIE | (gic->dir_traps ? ICH_HCR_TDIR : 0);
        else if (virq_forwarded(v->domain, irq) && irq->target == v)
            hcr |= pending_hcr(v, vmcr, vgic_group_on(vmcr, irq->group1));
        spin_unlock(&irq->lock);
    }
    return hcr;
}

/* No locks held: hand over what belongs to another vCPU. */
void vgic_move_strays(struct vcpu *v)
{
    for (u32 n = 0; n < VGIC_SPI_MAX; n++) {
        struct virq *stray = NULL;
        struct list_head *pos;

        spin_lock(&v->vgic.lock);
        list_for_each (pos, &v->vgic.list) {
            struct virq *irq = list_entry(pos, struct virq, node);

            if (irq->lr < 0 && !irq->active && irq->target && irq->target != v)
                stray = irq;
        }
        spin_unlock(&v->vgic.lock);
        if (!stray)
            return;
        virq_move(stray);
    }
}

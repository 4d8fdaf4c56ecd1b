/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU's virtual interface while it is resident: which interrupts sit in the list
 * registers, folding them back, load and save, the maintenance interrupt. All of it
 * runs on the CPU concerned, with the vCPU's list lock; other CPUs only put
 * interrupts on the list and set request bits. Design decisions 22, 23, 25.
 */
#include <corbel/vgic.h>

#include "vgic_priv.h"

#include <arch/cpu.h>
#include <arch/time.h>
#include <corbel/irq.h>
#include <corbel/panic.h>
#include <corbel/platform.h>
#include <corbel/vcpu.h>
#include <hw/ich_lr.h>

static struct virq *first_of(struct list_head *list)
{
    return list_entry(list->next, struct virq, node);
}

static void hcr_set(struct vgic_cpu *vc, u32 hcr)
{
    if (vc->hcr == hcr)
        return;
    vc->hcr = hcr;
    gic->hcr_write(hcr); /* EOIcount = 0: it was taken before */
}

/*
 * The guest ended count interrupts that had no list register (only the number is
 * known). It ends them in the order of their priority, so that is how they are taken.
 * With EOImode = 1 the guest's DIR is trapped instead, where that is possible: not with
 * GICv2, nor with some GICv3. There pick_key() puts active ones first.
 */
static void end_by_count(struct vcpu *v, u32 count)
{
    struct list_head *pos;

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

static void take_eoi_count(struct vcpu *v)
{
    u32 count;

    if (!(v->vgic.hcr & ICH_HCR_LRENPIE))
        return;
    count = (u32)FIELD_GET(ICH_HCR_EOICOUNT, gic->hcr_read());
    if (!count)
        return;
    gic->hcr_write(v->vgic.hcr);
    end_by_count(v, count);
}

/* --- more than fits --- */

struct pick {
    struct virq *irq;
    u32 key; /* smaller goes first */
};

#define KEY_NONE   ~0u
#define KEY_ACTIVE 0x101u /* after every pending priority */
#define KEY_MASKED 0x201u /* after all: pending, but the guest has its group disabled */

static bool group_on(u64 vmcr, bool group1)
{
    return (vmcr & (group1 ? ICH_VMCR_VENG1 : ICH_VMCR_VENG0)) != 0;
}

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
        key = (group_on(vmcr, irq->group1) ? 1u : KEY_MASKED) + irq->priority;
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

static void repack(struct vcpu *v)
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
    if (group_on(vmcr, false) && group_on(vmcr, true))
        return hcr | ICH_HCR_VGRP0DIE | ICH_HCR_VGRP1DIE;
    hcr |= group_on(vmcr, false) ? 0 : ICH_HCR_VGRP0EIE;
    return hcr | (group_on(vmcr, true) ? 0 : ICH_HCR_VGRP1EIE);
}

/* Ask for maintenance as what is left on the list needs it. */
static u32 wanted_hcr(struct vcpu *v)
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
            hcr |= pending_hcr(v, vmcr, group_on(vmcr, irq->group1));
        spin_unlock(&irq->lock);
    }
    return hcr;
}

/* --- the list into the list registers --- */

/* List lock held. True: some interrupt belongs to another vCPU now. */
static bool flush_list(struct vcpu *v)
{
    struct vgic_cpu *vc = &v->vgic;
    bool full = false, moves = false;
    struct list_head rest;

    list_init(&rest);
    while (!list_empty(&vc->list)) {
        struct virq *irq = first_of(&vc->list);
        enum virq_place place;

        if (irq->lr < 0 && vc->lr_used == vc->lr_mask && !full)
            lr_reclaim(v);
        spin_lock(&irq->lock);
        if (irq->lr >= 0)
            lr_sync(v, irq);
        place = virq_place(v, irq);
        if (place == PLACE_WAIT || place == PLACE_MOVE) {
            list_del(&irq->node);
            list_add_tail(&rest, &irq->node);
            full |= place == PLACE_WAIT;
            moves |= place == PLACE_MOVE;
        }
        spin_unlock(&irq->lock);
    }
    while (!list_empty(&rest)) {
        struct list_head *node = rest.next;

        list_del(node);
        list_add_tail(&vc->list, node);
    }
    if (full)
        repack(v);
    return moves;
}

/* No locks held: hand over what belongs to another vCPU. */
static void move_strays(struct vcpu *v)
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

/*
 * A single interrupt on the list, as nearly always, and there is room for it. False: it could
 * not be placed, or there may be more to it. List lock held.
 */
static bool flush_one(struct vcpu *v)
{
    struct vgic_cpu *vc = &v->vgic;
    struct virq *irq = first_of(&vc->list);
    enum virq_place place;

    if (vc->hcr != ICH_HCR_EN || vc->list.next != vc->list.prev || list_empty(&vc->list))
        return false;
    spin_lock(&irq->lock);
    if (irq->lr >= 0)
        lr_sync(v, irq);
    place = virq_place(v, irq);
    spin_unlock(&irq->lock);
    return place == PLACE_LR || place == PLACE_IDLE;
}

static __noinline void flush_now(struct vcpu *v)
{
    struct vgic_cpu *vc = &v->vgic;
    bool moves;

    spin_lock(&vc->lock);
    if (likely(flush_one(v))) {
        spin_unlock(&vc->lock);
        return;
    }
    take_eoi_count(v);
    moves = flush_list(v);
    hcr_set(vc, wanted_hcr(v));
    spin_unlock(&vc->lock);
    if (unlikely(moves))
        move_strays(v);
}

void vgic_flush(struct vcpu *v)
{
    /* Who adds to the list sets REQ_IRQ after it. */
    if (vgic_is_here(v) && (!list_empty(&v->vgic.list) || v->vgic.hcr != ICH_HCR_EN))
        flush_now(v);
}

/* --- folding --- */

/* vCPUs that asked before the fold began get their answer (vgic_mmio.c). */
static void fold_answer(struct vcpu *v, u64 askers)
{
    for (; askers; askers &= askers - 1) {
        struct vcpu *asker = v->domain->vcpus[bit_lowest(askers)];

        __atomic_store_n(&asker->vgic.fold_time, arch_time_now(), __ATOMIC_RELAXED);
        /* Release: pairs with the acquire in fold_wait's reader; the structs come first. */
        __atomic_fetch_and(&asker->vgic.fold_wait, ~BIT(v->id), __ATOMIC_RELEASE);
    }
}

static void fold_irq(struct vcpu *v, struct virq *irq)
{
    spin_lock(&irq->lock);
    if (irq->lr >= 0)
        lr_sync(v, irq);
    if (irq->cmd)
        virq_place(v, irq);
    spin_unlock(&irq->lock);
}

/* Linked PPIs have a truth on this CPU even without list register: wishes wait for it. */
static void fold_ppis(struct vcpu *v)
{
    for (u32 ppis = v->vgic.hw_ppis; ppis; ppis &= ppis - 1)
        if (unlikely(v->vgic.private[bit_lowest(ppis)].cmd))
            fold_irq(v, &v->vgic.private[bit_lowest(ppis)]);
}

static void fold_all(struct vcpu *v)
{
    for (u32 used = v->vgic.lr_used; used; used &= used - 1)
        fold_irq(v, v->vgic.lr_irq[bit_lowest(used)]);
    fold_ppis(v);
}

void vgic_fold(struct vcpu *v)
{
    u64 askers = __atomic_exchange_n(&v->vgic.fold_for, 0, __ATOMIC_ACQUIRE);

    if (vgic_is_here(v)) {
        spin_lock(&v->vgic.lock);
        take_eoi_count(v);
        fold_all(v);
        v->vgic.private[VGIC_PPI_VTIMER].hw_line = vgic_timer_output(v);
        spin_unlock(&v->vgic.lock);
    }
    fold_answer(v, askers);
    vgic_flush(v);
}

void vgic_maintenance(struct vcpu *v)
{
    struct vgic_cpu *vc = &v->vgic;

    if (!vgic_is_here(v))
        return;
    spin_lock(&vc->lock);
    for (u64 ended = gic->lr_eoi() & vc->lr_used; ended; ended &= ended - 1) {
        struct virq *irq = vc->lr_irq[bit_lowest(ended)];

        spin_lock(&irq->lock);
        lr_sync(v, irq);
        virq_place(v, irq);
        spin_unlock(&irq->lock);
    }
    spin_unlock(&vc->lock);
    vgic_flush(v);
}

/* --- residency --- */

/*
 * Active priorities: mostly none. Out of reset they are zero, and a save leaves them so;
 * a load writes only what is not.
 */
static void apr_load(const struct vgic_cpu *vc)
{
    u32 words = MIN(gic->apr_count(), (u32)ARRAY_SIZE(vc->apr[0]));

    for (u32 group = 0; group < 2; group++)
        for (u32 n = 0; n < words; n++)
            if (vc->apr[group][n])
                gic->apr_write(group, n, vc->apr[group][n]);
}

static void apr_save(struct vgic_cpu *vc)
{
    u32 words = gic->apr_count(), any = 0;

    words = MIN(words, (u32)ARRAY_SIZE(vc->apr[0]));
    for (u32 group = 0; group < 2; group++)
        for (u32 n = 0; n < words; n++) {
            vc->apr[group][n] = gic->apr_read(group, n);
            any |= vc->apr[group][n];
            if (unlikely(vc->apr[group][n]))
                gic->apr_write(group, n, 0);
        }
    vc->apr_any = any != 0;
}

void vgic_load(struct vcpu *v)
{
    struct vgic_cpu *vc = &v->vgic;
    u32 lrs = gic->lr_count();
    bool moves = false;

    if (unlikely(vc->seat != cpu_this()))
        vgic_take_seat(v);
    spin_lock(&vc->lock);
    vc->lr_mask = (u32)(BIT(MIN(lrs, VGIC_LR_MAX)) - 1);
    __atomic_store_n(&vc->cpu, cpu_this(), __ATOMIC_RELEASE);
    gic->vmcr_write(vc->vmcr);
    if (unlikely(vc->apr_any))
        apr_load(vc);
    vc->hcr = 0;
    fold_ppis(v); /* wishes that came too late for the last fold */
    if (!list_empty(&vc->list))
        moves = flush_list(v);
    hcr_set(vc, list_empty(&vc->list) ? (u32)ICH_HCR_EN : wanted_hcr(v));
    spin_unlock(&vc->lock);
    if (moves)
        move_strays(v);
}

void vgic_save(struct vcpu *v)
{
    u64 askers = __atomic_exchange_n(&v->vgic.fold_for, 0, __ATOMIC_ACQUIRE);
    struct vgic_cpu *vc = &v->vgic;
    bool moves = false;

    if (!vgic_is_here(v))
        return;
    spin_lock(&vc->lock);
    take_eoi_count(v);
    fold_all(v);
    for (u32 used = vc->lr_used; used; used &= used - 1) {
        struct virq *irq = vc->lr_irq[bit_lowest(used)];

        spin_lock(&irq->lock);
        lr_clear(v, irq);
        moves |= virq_park(v, irq) == PLACE_MOVE;
        spin_unlock(&irq->lock);
    }
    vc->vmcr = gic->vmcr_read();
    apr_save(vc);
    gic->hcr_write(0);
    if (unlikely(askers))
        vc->private[VGIC_PPI_VTIMER].hw_line = vgic_timer_output(v);
    __atomic_store_n(&vc->cpu, NULL, __ATOMIC_RELEASE);
    spin_unlock(&vc->lock);
    fold_answer(v, askers);
    if (moves)
        move_strays(v);
}

/* --- questions and requests of the loaded vCPU --- */

static bool deliverable(u64 vmcr, u32 priority, bool group1)
{
    return group_on(vmcr, group1) && priority < FIELD_GET(ICH_VMCR_VPMR, vmcr);
}

bool vgic_pending(struct vcpu *v)
{
    struct vgic_cpu *vc = &v->vgic;
    bool found = false, here = vgic_is_here(v);
    struct list_head *pos;
    u64 vmcr, live = 0;

    /*
     * What waits here may have ended in its list register since it was last seen, or be
     * refreshed by another CPU: the struct's "active" is old until it is flushed.
     */
    if (here && !list_empty(&vc->list))
        vgic_flush(v);
    if (here && vc->lr_used)
        live = vc->lr_used & ~gic->lr_empty();
    if (!live && list_empty(&vc->list))
        return false;
    vmcr = here ? gic->vmcr_read() : vc->vmcr;
    for (; live && !found; live &= live - 1) {
        u64 lr = gic->lr_read(bit_lowest(live));

        found = (lr & ICH_LR_STATE) == ICH_LR_PENDING &&
                deliverable(vmcr, (u32)FIELD_GET(ICH_LR_PRIORITY, lr), (lr & ICH_LR_GROUP1) != 0);
    }
    if (found)
        return true;
    spin_lock(&vc->lock);
    list_for_each (pos, &vc->list) {
        struct virq *irq = list_entry(pos, struct virq, node);

        spin_lock(&irq->lock);
        found |= virq_forwarded(v->domain, irq) && !irq->active && irq->target == v &&
                 deliverable(vmcr, irq->priority, irq->group1);
        spin_unlock(&irq->lock);
    }
    spin_unlock(&vc->lock);
    return found;
}

void vgic_write_dir(struct vcpu *v, u32 intid)
{
    struct virq *irq = virq_get(v->domain, v, intid);
    struct vcpu *home;

    /* Without EOImode = 1 a DIR has no defined effect (IHI 0069, ICC_DIR_EL1). */
    if (!irq || !(gic->vmcr_read() & ICH_VMCR_VEOIM))
        return;
    home = virq_lock(v->domain, irq);
    if (virq_is_remote(home, irq))
        irq->cmd |= VIRQ_CLEAR_ACTIVE;
    else
        irq->active = irq->acked = false;
    virq_unlock(irq, home);
    /* Its list register is free, and the list may hold one that waits for it. */
    vgic_flush(v);
}

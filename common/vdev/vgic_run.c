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

static inline void take_eoi_count(struct vcpu *v)
{
    if (unlikely(v->vgic.hcr & ICH_HCR_LRENPIE))
        vgic_end_by_count(v);
}

/* --- the list into the list registers --- */

static u32 posted_to(const struct vcpu *v)
{
    return __atomic_load_n(&v->vgic.posted, __ATOMIC_ACQUIRE);
}

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
        vgic_repack(v);
    return moves;
}

/* The only interrupt that waits, on the list or posted; NULL: there are more, or none. */
static struct virq *only_one(struct vgic_cpu *vc, u32 posted)
{
    if (!posted)
        return vc->list.next == vc->list.prev && !list_empty(&vc->list) ? first_of(&vc->list)
                                                                        : NULL;
    return list_empty(&vc->list) && !(posted & (posted - 1)) ? &vc->private[bit_lowest(posted)]
                                                             : NULL;
}

/*
 * A single interrupt, as nearly always, and there is room for it. False: it could not be
 * placed, or there may be more to it. List lock held.
 */
static bool flush_one(struct vcpu *v, u32 posted)
{
    struct vgic_cpu *vc = &v->vgic;
    struct virq *irq = only_one(vc, posted);
    enum virq_place place;

    if (vc->hcr != ICH_HCR_EN || !irq)
        return false;
    spin_lock(&irq->lock);
    if (irq->lr >= 0)
        lr_sync(v, irq);
    irq->latch |= posted != 0;
    place = virq_place(v, irq);
    spin_unlock(&irq->lock);
    if (posted) /* acquire: the guest sees what was written before each post that ends here */
        __atomic_fetch_and(&vc->posted, ~posted, __ATOMIC_ACQ_REL);
    return place == PLACE_LR || place == PLACE_IDLE;
}

static __noinline void flush_now(struct vcpu *v)
{
    struct vgic_cpu *vc = &v->vgic;
    u32 posted;
    bool moves;

    spin_lock(&vc->lock);
    posted = posted_to(v);
    if (likely(flush_one(v, posted))) {
        spin_unlock(&vc->lock);
        return;
    }
    take_posted(v, posted);
    take_eoi_count(v);
    moves = flush_list(v);
    hcr_set(vc, vgic_wanted_hcr(v));
    spin_unlock(&vc->lock);
    if (unlikely(moves))
        vgic_move_strays(v);
}

void vgic_flush(struct vcpu *v)
{
    /* Who adds to the list, or posts, sets REQ_IRQ after it. */
    if (vgic_is_here(v) &&
        (posted_to(v) || !list_empty(&v->vgic.list) || v->vgic.hcr != ICH_HCR_EN))
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

/*
 * The sources of linked PPIs are banked: those that v holds active are so while it is loaded. With
 * the list lock, so that nobody ends one (vgic_lr.c:settle()) in between.
 */
static __force_inline void ppis_activate(const struct vgic_cpu *vc, bool active)
{
    for (u32 ppis = vc->hw_ppis; ppis; ppis &= ppis - 1) {
        const struct virq *irq = &vc->private[bit_lowest(ppis)];

        if (irq->phys)
            gic->set_active(irq->pintid, active);
    }
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
    ppis_activate(vc, true);
    fold_ppis(v);                 /* wishes that came too late for the last fold */
    take_posted(v, posted_to(v)); /* by who saw it loaded elsewhere just before */
    if (!list_empty(&vc->list))
        moves = flush_list(v);
    hcr_set(vc, list_empty(&vc->list) ? (u32)ICH_HCR_EN : vgic_wanted_hcr(v));
    spin_unlock(&vc->lock);
    if (moves)
        vgic_move_strays(v);
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
    take_posted(v, posted_to(v));
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
    ppis_activate(vc, false);
    __atomic_store_n(&vc->cpu, NULL, __ATOMIC_RELEASE);
    if (unlikely(askers)) /* its registers are in memory by now */
        vc->private[VGIC_PPI_VTIMER].hw_line = vgic_timer_output(v);
    spin_unlock(&vc->lock);
    fold_answer(v, askers);
    if (moves)
        vgic_move_strays(v);
}

/* --- questions and requests of the loaded vCPU --- */

static bool deliverable(u64 vmcr, u32 priority, bool group1)
{
    return vgic_group_on(vmcr, group1) && priority < FIELD_GET(ICH_VMCR_VPMR, vmcr);
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
    if (here && (posted_to(v) || !list_empty(&vc->list)))
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

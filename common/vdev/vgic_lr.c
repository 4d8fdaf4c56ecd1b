/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One virtual interrupt and its list register: encoding, reading back, and the
 * question where an interrupt belongs in its present state. Nothing here takes a
 * lock except lr_reclaim(); the callers in vgic.c and vgic_run.c hold them.
 * List-register rules: IHI 0069 12.4.8 (ICH_LR), IHI 0048 5.3.11 (GICH_LR).
 */
#include "vgic_priv.h"

#include <arch/cpu.h>
#include <arch/time.h>
#include <arch/vcpu.h>
#include <corbel/irq.h>
#include <corbel/platform.h>
#include <corbel/vcpu.h>
#include <hw/gicd.h>
#include <hw/ich_lr.h>

#define CNTV_CTL_ENABLE  1u
#define CNTV_CTL_IMASK   2u
#define CNTV_CTL_ISTATUS 4u

bool vgic_timer_output(const struct vcpu *v)
{
    u64 ctl = v->vtimer.cntv_ctl;

    if (vgic_is_here(v)) {
        ctl = arch_cntv_ctl_read();
        return (ctl & (CNTV_CTL_ENABLE | CNTV_CTL_IMASK | CNTV_CTL_ISTATUS)) ==
               (CNTV_CTL_ENABLE | CNTV_CTL_ISTATUS);
    }
    /* Unsigned as Arm ARM AArch64.CheckTimerConditions: CVAL of all ones means never. */
    return (ctl & (CNTV_CTL_ENABLE | CNTV_CTL_IMASK)) == CNTV_CTL_ENABLE &&
           arch_time_now() - v->domain->cntvoff >= v->vtimer.cntv_cval;
}

bool virq_is_remote(const struct vcpu *home, const struct virq *irq)
{
    const struct cpu *cpu = __atomic_load_n(&home->vgic.cpu, __ATOMIC_ACQUIRE);

    return cpu && cpu != cpu_this() && (irq->lr >= 0 || (irq->hw && irq->intid < VGIC_PRIVATE));
}

/* A GICv2 SGI is pending once per source CPU; a list register holds one source at a time. */
static bool has_sources(const struct vcpu *home, const struct virq *irq)
{
    return irq->intid < 16 && home->domain->vgic.version == GIC_V2;
}

static void list_remove(struct virq *irq)
{
    if (!list_empty(&irq->node))
        list_del(&irq->node);
}

static void list_ensure(struct vcpu *home, struct virq *irq)
{
    irq->vcpu = home;
    if (list_empty(&irq->node))
        list_add_tail(&home->vgic.list, &irq->node);
}

static void sync_state(struct virq *irq, u64 lr)
{
    bool active = (lr & ICH_LR_ACTIVE) != 0;

    irq->acked = active && (irq->acked || !irq->active);
    irq->active = active;
    irq->lr_busy = (lr & ICH_LR_STATE) != 0;
    if (lr & ICH_LR_PENDING)
        return;
    irq->lr_latch = false;
    irq->set = irq->set && irq->latch; /* acknowledged; written again since, perhaps */
}

void lr_sync(struct vcpu *home, struct virq *irq)
{
    sync_state(irq, gic->lr_read((u32)irq->lr));
}

/* What the list register held of the interrupt's state goes back into the struct. */
static void take_back(struct vcpu *home, struct virq *irq)
{
    /* The guest did not end it, so the physical source is still active. */
    if (irq->lr_hw && irq->lr_busy)
        irq->phys = true;
    irq->lr_hw = false;
    if (irq->lr_latch) {
        irq->latch = true;
        if (has_sources(home, irq))
            irq->sources |= (u8)BIT(irq->active_source);
    }
    irq->lr_latch = false;
    irq->lr_busy = false;
}

void lr_clear(struct vcpu *home, struct virq *irq)
{
    struct vgic_cpu *vc = &home->vgic;
    u32 n = (u32)irq->lr;

    take_back(home, irq);
    gic->lr_write(n, 0);
    vc->lr_irq[n] = NULL;
    vc->lr_used &= ~(u32)BIT(n);
    irq->lr = -1;
}

/* Choose the source that the list register will carry, when pending. */
static u64 source_bits(struct virq *irq, bool pending)
{
    if (pending) {
        irq->active_source = (u8)bit_lowest(irq->sources);
        irq->sources &= (u8)~BIT(irq->active_source);
        irq->latch = irq->sources != 0;
        irq->lr_latch = true;
    }
    /* More sources: come back when this one is done. */
    return FIELD_PREP(ICH_LR_SOURCE, irq->active_source) | (irq->sources ? ICH_LR_EOI : 0);
}

/*
 * State bits without hardware link. A level interrupt is shown either pending or active,
 * never both, and comes back at its end: only then is the line asked again.
 */
static u64 soft_bits(struct vcpu *home, struct virq *irq, bool pending)
{
    u64 bits = irq->level || irq->hw ? ICH_LR_EOI : 0;
    bool sgi = has_sources(home, irq);

    if (irq->active && (irq->level || sgi))
        pending = false;
    if (pending && irq->target != home) {
        pending = false; /* it stays here only until it ends: then it goes */
        bits |= ICH_LR_EOI;
    }
    if (sgi)
        return source_bits(irq, pending) | (pending ? ICH_LR_PENDING : 0);
    if (!pending)
        return bits;
    irq->lr_latch = irq->latch;
    irq->latch = false;
    return bits | ICH_LR_PENDING;
}

static void lr_load(struct vcpu *home, struct virq *irq, u32 n, bool pending)
{
    struct vgic_cpu *vc = &home->vgic;
    u64 lr;

    take_back(home, irq);
    lr = irq->intid | FIELD_PREP(ICH_LR_PRIORITY, irq->priority) |
         (irq->group1 ? ICH_LR_GROUP1 : 0) | (irq->active ? ICH_LR_ACTIVE : 0);
    /* HW = 1 is not allowed for pending and active at once (IHI 0069, ICH_LR.State). */
    if (irq->phys && pending != irq->active && !gic->end_unseen) {
        lr |= ICH_LR_HW | FIELD_PREP(ICH_LR_PINTID, irq->pintid);
        irq->lr_hw = true;
        irq->phys = false;
        if (pending) {
            lr |= ICH_LR_PENDING;
            irq->lr_latch = true;
            irq->latch = false;
        }
    } else {
        lr |= soft_bits(home, irq, pending);
    }
    irq->lr_busy = true;
    irq->lr_word = lr;
    irq->lr = (s8)n;
    vc->lr_irq[n] = irq;
    vc->lr_used |= (u32)BIT(n);
    gic->lr_write(n, lr);
}

static void apply_cmd(struct virq *irq)
{
    if (irq->cmd & VIRQ_CLEAR_PENDING) {
        irq->latch = false;
        irq->lr_latch = false;
        irq->set = false;
        irq->sources = 0;
    }
    if (irq->cmd & VIRQ_CLEAR_ACTIVE)
        irq->active = irq->acked = false;
    if (irq->cmd & VIRQ_SET_ACTIVE)
        irq->active = true;
    irq->cmd = 0;
}

/* Idle but for its physical source, which nobody else will end (decision 24). */
static void settle(struct vcpu *home, struct virq *irq)
{
    if (!irq->phys || irq->active || virq_pending(irq))
        return;
    irq->phys = false;
    if (irq->intid >= VGIC_PRIVATE || vgic_is_here(home))
        gic->set_active(irq->pintid, false); /* of a vCPU in memory: the load leaves it so */
}

/* It is not due here: out of the list register, idle or waiting to be moved. */
static enum virq_place leave(struct vcpu *home, struct virq *irq, bool forwarded)
{
    if (irq->lr >= 0)
        lr_clear(home, irq);
    settle(home, irq);
    if (forwarded) {
        list_ensure(home, irq);
        return PLACE_MOVE;
    }
    list_remove(irq);
    irq->vcpu = NULL;
    return PLACE_IDLE;
}

enum virq_place virq_place(struct vcpu *home, struct virq *irq)
{
    struct vgic_cpu *vc = &home->vgic;
    s32 n = irq->lr;
    bool forwarded;

    if (unlikely(irq->cmd))
        apply_cmd(irq);
    forwarded = virq_forwarded(home->domain, irq);
    if (!irq->active && !(forwarded && irq->target == home))
        return leave(home, irq, forwarded);
    if (n < 0) {
        u32 free = vc->lr_mask & ~vc->lr_used;

        if (!free) {
            list_ensure(home, irq);
            return PLACE_WAIT;
        }
        n = (s32)bit_lowest(free);
    }
    irq->vcpu = home;
    list_remove(irq);
    lr_load(home, irq, (u32)n, forwarded);
    return PLACE_LR;
}

enum virq_place virq_park(struct vcpu *home, struct virq *irq)
{
    if (!virq_is_remote(home, irq)) {
        bool forwarded;

        if (irq->cmd)
            apply_cmd(irq);
        forwarded = virq_forwarded(home->domain, irq);
        if (!irq->active && !(forwarded && irq->target == home))
            return leave(home, irq, forwarded);
    }
    list_ensure(home, irq);
    return PLACE_WAIT;
}

void lr_reclaim(struct vcpu *home)
{
    struct vgic_cpu *vc = &home->vgic;
    /* At the end of an interrupt with EOI = 1 EISR reports it, not ELRSR. */
    u64 idle = (gic->lr_empty() | gic->lr_eoi()) & vc->lr_used;

    /* From the top: the timer is usually among the first, and comes again soon. */
    while (idle) {
        u32 n = bit_highest(idle);
        struct virq *irq = vc->lr_irq[n];

        idle &= ~BIT(n);
        if (!list_empty(&irq->node))
            continue; /* waits to be refreshed where it is */
        spin_lock(&irq->lock);
        sync_state(irq, 0);
        lr_clear(home, irq);
        virq_park(home, irq);
        spin_unlock(&irq->lock);
        return;
    }
}

void list_posted(struct vcpu *home, u32 posted)
{
    for (u32 left = posted; left; left &= left - 1) {
        struct virq *irq = &home->vgic.private[bit_lowest(left)];

        spin_lock(&irq->lock);
        if (irq->lr >= 0)
            lr_sync(home, irq);
        irq->latch = true;
        virq_park(home, irq);
        spin_unlock(&irq->lock);
    }
    __atomic_fetch_and(&home->vgic.posted, ~posted, __ATOMIC_ACQ_REL);
}

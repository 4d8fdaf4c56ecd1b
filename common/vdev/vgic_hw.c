/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual interrupts that are linked to physical ones: the timer's PPI and the SPIs of
 * devices that a domain was given. A source is active from its acknowledge in
 * irq_dispatch.c until the guest's end of the virtual interrupt, so a line that stays
 * asserted costs one acknowledge for each time the guest ends it, whatever the guest
 * does; an edge that comes meanwhile waits in the physical GIC. SPIs fire at the CPU
 * where their target was loaded last. Design decisions 22, 24, 34 c.
 */
#include <corbel/vgic.h>

#include "vgic_priv.h"

#include <arch/cpu.h>
#include <corbel/cpu.h>
#include <corbel/irq.h>
#include <corbel/panic.h>
#include <corbel/vcpu.h>
#include <hw/ich_lr.h>

/* --- injection --- */

static __noinline bool inject(struct domain *d, struct virq *irq)
{
    struct vcpu *home = virq_lock(d, irq);
    bool linked = irq->hw;

    if (likely(linked)) {
        irq->phys = true;
        irq->latch = true;
    }
    virq_unlock(irq, home);
    return linked;
}

bool vgic_inject_hw(struct domain *d, u32 intid)
{
    struct virq *irq = virq_get(d, NULL, intid);

    if (irq && irq->hw && d->vcpus[0] && inject(d, irq))
        return true;
    __atomic_fetch_add(&d->vgic.dropped, 1, __ATOMIC_RELAXED);
    return false;
}

void vgic_inject_hw_ppi(struct vcpu *v, u32 intid)
{
    struct virq *irq = &v->vgic.private[intid];

    /*
     * The source could only fire again because the guest has ended it through this list
     * register, which is therefore idle: nothing to read, one register to write. Without a
     * lock, because with lr >= 0 these fields are this CPU's own; another CPU that changes
     * an enable now puts irq on the list and asks for a flush, which comes before the guest.
     */
    if (likely(irq->lr >= 0 && irq->lr_hw && irq->enabled && !irq->cmd && list_empty(&irq->node))) {
        irq->active = false;
        irq->lr_latch = true;
        irq->lr_busy = true;
        gic->lr_write((u32)irq->lr, (irq->lr_word & ~ICH_LR_STATE) | ICH_LR_PENDING);
        return;
    }
    (void)inject(v->domain, irq);
}

bool vgic_ppi_busy(struct vcpu *v, u32 intid)
{
    struct virq *irq = &v->vgic.private[intid];
    bool busy;

    CORBEL_ASSERT(intid < VGIC_PRIVATE);
    spin_lock(&irq->lock);
    if (irq->lr >= 0 && vgic_is_here(v))
        lr_sync(v, irq);
    busy = irq->phys || (irq->lr >= 0 && irq->lr_hw && irq->lr_busy);
    spin_unlock(&irq->lock);
    return busy;
}

/* --- where an SPI's source fires --- */

static u64 *seat_word(struct vcpu *v, const struct virq *irq)
{
    return &v->vgic.hw_spis[(irq->intid - VGIC_PRIVATE) / 64];
}

static u64 seat_bit(const struct virq *irq)
{
    return BIT((irq->intid - VGIC_PRIVATE) % 64);
}

static void route_to(const struct virq *irq, const struct cpu *cpu)
{
    if (cpu)
        gic->route(irq->pintid, cpu->mpidr, cpu->id);
}

void virq_set_seat(struct virq *irq, struct vcpu *target)
{
    struct vcpu *old = irq->target;

    __atomic_store_n(&irq->target, target, __ATOMIC_RELAXED);
    if (!irq->hw || irq->intid < VGIC_PRIVATE)
        return;
    if (old && old != target)
        __atomic_fetch_and(seat_word(old, irq), ~seat_bit(irq), __ATOMIC_RELAXED);
    if (!target)
        return;
    /*
     * Sequentially consistent, as in vgic_take_seat(): a load of target elsewhere either
     * sees the bit, and routes once it gets the lock that we hold, or its CPU is seen here.
     */
    __atomic_fetch_or(seat_word(target, irq), seat_bit(irq), __ATOMIC_SEQ_CST);
    route_to(irq, __atomic_load_n(&target->vgic.seat, __ATOMIC_SEQ_CST));
}

void vgic_take_seat(struct vcpu *v)
{
    struct cpu *cpu = cpu_this();

    __atomic_store_n(&v->vgic.seat, cpu, __ATOMIC_SEQ_CST);
    for (u32 w = 0; w < VGIC_SPI_WORDS; w++) {
        u64 bits = __atomic_load_n(&v->vgic.hw_spis[w], __ATOMIC_SEQ_CST);

        for (; bits; bits &= bits - 1) {
            struct virq *irq = &v->domain->vgic.spis[w * 64 + bit_lowest(bits)];

            spin_lock(&irq->lock);
            if (irq->hw && irq->target == v)
                route_to(irq, cpu);
            spin_unlock(&irq->lock);
        }
    }
}

/* --- links --- */

__init enum corbel_err vgic_link(struct domain *d, struct vcpu *v, u32 intid, u32 pintid)
{
    struct virq *irq = virq_get(d, v, intid);
    enum corbel_err err = ERR_BUSY;

    if (!irq || intid < 16 || pintid >= IRQ_COUNT || (intid >= VGIC_PRIVATE && intid != pintid))
        return ERR_RANGE;
    spin_lock(&irq->lock);
    if (!irq->hw) {
        irq->hw = true;
        irq->hw_level = irq->level;
        irq->pintid = (u16)pintid;
        if (intid < VGIC_PRIVATE)
            v->vgic.hw_ppis |= (u32)BIT(intid);
        else
            virq_set_seat(irq, irq->target);
        err = CORBEL_OK;
    }
    spin_unlock(&irq->lock);
    return err;
}

void vgic_unlink(struct domain *d, struct vcpu *v, u32 intid)
{
    struct virq *irq = virq_get(d, v, intid);
    struct vcpu *home;

    if (!irq || !irq->hw)
        return;
    home = virq_lock(d, irq);
    irq->hw = false;
    if (intid < VGIC_PRIVATE)
        v->vgic.hw_ppis &= ~(u32)BIT(intid);
    else if (irq->target)
        __atomic_fetch_and(seat_word(irq->target, irq), ~seat_bit(irq), __ATOMIC_RELAXED);
    if (irq->phys)
        gic->set_active(irq->pintid, false);
    irq->phys = false;
    virq_unlock(irq, home);
}

/* --- devices --- */

__init enum corbel_err vgic_assign_spi(struct domain *d, u32 intid, bool level)
{
    struct virq *irq = virq_get(d, NULL, intid);
    enum corbel_err err;

    if (!irq || intid < VGIC_PRIVATE)
        return ERR_RANGE;
    err = irq_assign(intid, d, level);
    if (err != CORBEL_OK)
        return err;
    irq->level = level;
    err = vgic_link(d, NULL, intid, intid);
    if (err != CORBEL_OK)
        irq_release(intid);
    return err;
}

void vgic_mask_spis(struct domain *d)
{
    for (u32 n = 0; n < d->vgic.nr_spis; n++)
        if (d->vgic.spis[n].hw)
            gic->disable(d->vgic.spis[n].pintid);
}

void vgic_release_spis(struct domain *d)
{
    for (u32 n = 0; n < d->vgic.nr_spis; n++) {
        struct virq *irq = &d->vgic.spis[n];

        if (!irq->hw)
            continue;
        gic->disable(irq->pintid);
        vgic_unlink(d, NULL, irq->intid);
        irq_release(irq->pintid);
    }
}

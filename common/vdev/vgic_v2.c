/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv2 distributor as a guest sees it (IHI 0048 4.3), at most 8 vCPUs. Its CPU
 * interface is the host's GICV, mapped into the guest, so that only this frame is
 * emulated. View without Security Extensions, with interrupt groups: both enables
 * and IGROUPR work, and a guest that leaves everything in group 0 (Linux) gets IRQs.
 * Private registers are banked: they show the accessing vCPU's interrupts.
 */
#include "vgic_priv.h"

#include <corbel/platform.h>
#include <corbel/vcpu.h>
#include <hw/gicd.h>

static u64 read_ctlr(struct vcpu *v, struct vcpu *owner, u32 offset)
{
    return vgic_get_ctlr(v->domain);
}

static void write_ctlr(struct vgic_access *acc, u64 value)
{
    vgic_set_ctlr(acc, (u32)value);
}

static u64 read_typer(struct vcpu *v, struct vcpu *owner, u32 offset)
{
    return FIELD_PREP(GICD_TYPER_LINES, DIV_ROUND_UP(v->domain->vgic.nr_spis, 32)) |
           FIELD_PREP(GICD_TYPER_CPUS, v->domain->vcpu_count - 1);
}

/* GIC-400's numbers: ICPIDR4-7, ICPIDR0-3, ICCIDR0-3. */
static u64 read_id(struct vcpu *v, struct vcpu *owner, u32 offset)
{
    static const u8 ids[12] = { 0x04, 0, 0, 0, 0x90, 0xb4, 0x2b, 0, 0x0d, 0xf0, 0x05, 0xb1 };

    return ids[offset / 4];
}

/* --- targets --- */

/* A single CPU is every interrupt's target, and the registers are RAZ/WI (IHI 0048 4.3.12). */
static u64 get_targets(struct vgic_access *acc, struct virq *irq)
{
    if (acc->d->vcpu_count == 1)
        return 0;
    return irq->intid < VGIC_PRIVATE ? BIT(acc->v->id) : irq->targets;
}

static void set_targets(struct vgic_access *acc, struct virq *irq, u64 value)
{
    u64 mask = value & (BIT(acc->d->vcpu_count) - 1);

    if (irq->intid < VGIC_PRIVATE || acc->d->vcpu_count == 1)
        return;
    __atomic_store_n(&irq->targets, (u8)mask, __ATOMIC_RELAXED);
    /* 1-of-N: any one of them may take it; the lowest does. */
    virq_set_target(acc, irq, mask ? acc->d->vcpus[bit_lowest(mask)] : NULL);
}

/* --- SGIs: pending once per source CPU --- */

static void sgi_set(struct domain *d, struct vcpu *to, u32 intid, u8 sources)
{
    struct virq *irq = &to->vgic.private[intid];
    struct vcpu *home = virq_lock(d, irq);

    /* One that waits in the list register already stays there. */
    if (irq->lr_latch && !virq_is_remote(home, irq))
        sources &= (u8)~BIT(irq->active_source);
    irq->sources |= sources;
    irq->latch = irq->sources != 0;
    virq_unlock(irq, home);
}

static void write_sgir(struct vgic_access *acc, u64 value)
{
    u64 targets = FIELD_GET(GICD_SGIR_TARGETS, value);
    u64 all = BIT(acc->d->vcpu_count) - 1;
    u64 filter = FIELD_GET(GICD_SGIR_FILTER, value);

    if (filter == GICD_SGIR_OTHERS)
        targets = ~BIT(acc->v->id);
    else if (filter == GICD_SGIR_SELF)
        targets = BIT(acc->v->id);
    else if (filter != GICD_SGIR_LIST)
        targets = 0; /* reserved */
    for (targets &= all; targets; targets &= targets - 1) {
        struct vcpu *to = acc->d->vcpus[bit_lowest(targets)];

        if (to)
            sgi_set(acc->d, to, (u32)FIELD_GET(GICD_SGIR_INTID, value), (u8)BIT(acc->v->id));
    }
}

static u64 get_sgi_sources(struct vgic_access *acc, struct virq *irq)
{
    u64 sources;

    (void)virq_get_pending(acc, irq); /* brings it up to date: the bank is the accessor's own */
    spin_lock(&irq->lock);
    sources = irq->sources | (irq->lr_latch ? BIT(irq->active_source) : 0);
    spin_unlock(&irq->lock);
    return sources;
}

static void set_sgi_sources(struct vgic_access *acc, struct virq *irq, u64 value)
{
    value &= BIT(acc->d->vcpu_count) - 1;
    if (value)
        sgi_set(acc->d, acc->v, irq->intid, (u8)value);
}

static void clear_sgi_sources(struct vgic_access *acc, struct virq *irq, u64 value)
{
    struct vcpu *home = virq_lock(acc->d, irq);

    irq->sources &= (u8)~value;
    irq->latch = irq->sources != 0;
    if (value & BIT(irq->active_source))
        irq->lr_latch = false;
    virq_unlock(irq, home);
}

/* --- the frame --- */

static const struct vgic_reg gicd_regs[] = {
    VGIC_REG(GICD_CTLR, 4, 4, read_ctlr, write_ctlr),
    VGIC_REG(GICD_TYPER, 4, 4, read_typer, NULL),
    VGIC_REG(GICD_IIDR, 4, 4, vgic_read_iidr, NULL),
    VGIC_COMMON_BANKS(0, 1024),
    VGIC_BANK_N(GICD_ITARGETSR, 1024, 8, 1 | 4, get_targets, set_targets),
    VGIC_BANK_N(GICD_ICFGR, 1024, 2, 4, virq_get_config, virq_set_config),
    VGIC_REG(GICD_SGIR, 4, 4, vgic_read_zero, write_sgir),
    VGIC_BANK_N(GICD_CPENDSGIR, 16, 8, 1 | 4, get_sgi_sources, clear_sgi_sources),
    VGIC_BANK_N(GICD_SPENDSGIR, 16, 8, 1 | 4, get_sgi_sources, set_sgi_sources),
    VGIC_REG(GICD_V2_ICPIDR4, 48, 4, read_id, NULL),
    VGIC_REGS_END,
};

static enum mmio_result gicd_access(struct vcpu *v, void *ctx, struct mmio_access *a)
{
    (void)ctx;
    return vgic_frame_access(v, gicd_regs, a, v, (u32)a->offset);
}

static const struct mmio_ops gicd_ops = { "GICD", gicd_access };

__init enum corbel_err vgic_v2_init(struct domain *d)
{
    const struct mmio_region region = { d->vgic.gicd_base, GICD_V2_SIZE, &gicd_ops, NULL };

    if (d->vcpu_count > 8)
        return ERR_RANGE;
    return mmio_add(&d->mmio, &region);
}

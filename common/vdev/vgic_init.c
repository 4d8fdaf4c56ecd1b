/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building and resetting a domain's virtual GIC. Runs while no vCPU of the domain is
 * resident or runnable, so that no lock is needed for what no guest can reach yet.
 */
#include <corbel/vgic.h>

#include "vgic_priv.h"

#include <corbel/irq.h>
#include <corbel/platform.h>
#include <corbel/string.h>
#include <corbel/vcpu.h>
#include <hw/ich_lr.h>

__init u64 vgic_arena_size(u32 nr_spis)
{
    return ALIGN_UP((u64)nr_spis * sizeof(struct virq), 16ull);
}

static void virq_init(struct virq *irq, u32 intid)
{
    memset(irq, 0, sizeof(*irq));
    spin_lock_init(&irq->lock, RANK_IRQ);
    list_init(&irq->node);
    irq->intid = (u16)intid;
    irq->lr = -1;
}

/* Everything but identity, lock, link and the level of the emulated device's line. */
static void virq_reset(struct virq *irq, struct vcpu *target, u8 version)
{
    if (!list_empty(&irq->node))
        list_del(&irq->node);
    irq->vcpu = NULL;
    virq_set_seat(irq, target);
    irq->lr = -1;
    irq->cmd = 0;
    irq->enabled = irq->intid < 16; /* SGIs: implementation defined, on as in Arm's own GICs */
    irq->latch = irq->lr_latch = irq->set = irq->active = irq->acked = false;
    irq->lr_hw = irq->lr_busy = false;
    irq->level = irq->intid >= 16;
    irq->group1 = version == GIC_V3; /* where a one-group guest of GICv3 expects them */
    irq->priority = 0;
    irq->sources = irq->active_source = 0;
    irq->targets = 1;
    irq->route = 0;
    irq->phys = false;
    if (irq->hw && irq->intid >= VGIC_PRIVATE) {
        irq->level = irq->hw_level;
        irq_set_trigger(irq->pintid, irq->level, false);
        gic->set_pending(irq->pintid, false);
        gic->set_active(irq->pintid, false);
    }
}

static void vcpu_reset(struct vcpu *v)
{
    u8 version = v->domain->vgic.version;
    struct vgic_cpu *vc = &v->vgic;

    vc->lr_used = 0;
    vc->hcr = 0;
    vc->posted = 0;
    /* All masked. VFIQEn is RES1 for a guest that uses system registers. */
    vc->vmcr = version == GIC_V3 ? ICH_VMCR_VFIQEN : 0;
    memset(vc->lr_irq, 0, sizeof(vc->lr_irq));
    memset(vc->apr, 0, sizeof(vc->apr));
    vc->rd_waker = 0;
    vc->fold_key = vc->fold_wait = vc->fold_for = 0;
    for (u32 n = 0; n < VGIC_PRIVATE; n++)
        virq_reset(&vc->private[n], v, version);
}

static void all_reset(struct domain *d)
{
    __atomic_store_n(&d->vgic.ctlr, 0, __ATOMIC_RELAXED);
    for (u32 i = 0; i < d->vcpu_count; i++)
        if (d->vcpus[i])
            vcpu_reset(d->vcpus[i]);
    for (u32 n = 0; n < d->vgic.nr_spis; n++)
        virq_reset(&d->vgic.spis[n], d->vcpus[0], d->vgic.version);
}

__init enum corbel_err vgic_init(struct domain *d, u8 version, u32 nr_spis)
{
    if (nr_spis > VGIC_SPI_MAX || !d->vcpu_count || d->vcpu_count > MAX_VCPUS)
        return ERR_RANGE;
    if (version != GIC_V2 && version != GIC_V3)
        return ERR_NOTSUP;
    d->vgic.version = version;
    d->vgic.dropped = 0;
    d->vgic.spis = NULL;
    d->vgic.nr_spis = 0;
    if (nr_spis) {
        d->vgic.spis = arena_alloc(&d->arena, vgic_arena_size(nr_spis));
        if (!d->vgic.spis)
            return ERR_NOMEM;
    }
    for (u32 n = 0; n < nr_spis; n++)
        virq_init(&d->vgic.spis[n], VGIC_PRIVATE + n);
    d->vgic.nr_spis = nr_spis;
    all_reset(d); /* vCPUs that are there already learn the version, too */
    return version == GIC_V2 ? vgic_v2_init(d) : vgic_v3_init(d);
}

__init void vgic_vcpu_init(struct vcpu *v)
{
    struct vgic *vgic = &v->domain->vgic;

    memset(&v->vgic, 0, sizeof(v->vgic));
    spin_lock_init(&v->vgic.lock, RANK_VCPU_IRQ_LIST);
    list_init(&v->vgic.list);
    for (u32 n = 0; n < VGIC_PRIVATE; n++)
        virq_init(&v->vgic.private[n], n);
    vcpu_reset(v);
    for (u32 n = 0; v->id == 0 && n < vgic->nr_spis; n++)
        vgic->spis[n].target = v;
}

void vgic_reset(struct domain *d)
{
    all_reset(d);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv3 distributor, redistributors and SGI system registers as a guest sees them
 * (IHI 0069 12.9-12.11): affinity routing always on (ARE = 1), one security state
 * (DS = 1), both groups, no LPIs, no 1-of-N. All redistributors of a domain are one
 * region, 128 KiB per vCPU in order of id; any vCPU may access any of them.
 */
#include <corbel/vgic.h>

#include "vgic_priv.h"

#include <corbel/platform.h>
#include <corbel/vcpu.h>
#include <hw/gicd.h>
#include <hw/gicr.h>

#define MPIDR_AFF (GENMASK(39, 32) | GENMASK(23, 0))

static __noinline struct vcpu *search_affinity(const struct domain *d, u64 aff)
{
    for (u32 i = 0; i < d->vcpu_count; i++)
        if (d->vcpus[i] && (d->vcpus[i]->vmpidr & MPIDR_AFF) == aff)
            return d->vcpus[i];
    return NULL;
}

/* The vCPU with this affinity (MPIDR layout), or NULL. */
static inline struct vcpu *vcpu_by_affinity(const struct domain *d, u64 aff)
{
    u64 guess = (aff & 0xff) | (aff >> 8 & 0xff) << 4;
    struct vcpu *v = guess < d->vcpu_count ? d->vcpus[guess] : NULL;

    return likely(v && (v->vmpidr & MPIDR_AFF) == aff) ? v : search_affinity(d, aff);
}

/* --- distributor --- */

static u64 read_ctlr(struct vcpu *v, struct vcpu *owner, u32 offset)
{
    return vgic_get_ctlr(v->domain) | GICD_CTLR_ARE | GICD_CTLR_DS;
}

static void write_ctlr(struct vgic_access *acc, u64 value)
{
    vgic_set_ctlr(acc, (u32)value);
}

static u64 read_typer(struct vcpu *v, struct vcpu *owner, u32 offset)
{
    return FIELD_PREP(GICD_TYPER_LINES, DIV_ROUND_UP(v->domain->vgic.nr_spis, 32)) |
           FIELD_PREP(GICD_TYPER_IDBITS, 9) | GICD_TYPER_NO1N;
}

static u64 get_route(struct vgic_access *acc, struct virq *irq)
{
    return __atomic_load_n(&irq->route, __ATOMIC_RELAXED);
}

static void set_route(struct vgic_access *acc, struct virq *irq, u64 value)
{
    value &= GICD_IROUTER_AFF; /* IRM is RAZ/WI without 1-of-N */
    __atomic_store_n(&irq->route, value, __ATOMIC_RELAXED);
    virq_set_target(acc, irq, vcpu_by_affinity(acc->d, value));
}

/* PIDR4-7, PIDR0-3, CIDR0-3: architecture revision 3 (GICv3). */
static u64 read_id(struct vcpu *v, struct vcpu *owner, u32 offset)
{
    static const u8 ids[12] = { 0x44, 0, 0, 0, 0x92, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1 };

    return ids[offset / 4];
}

/* INTIDs below 32 are RAZ/WI here with ARE = 1: the frame has no owner. */
static const struct vgic_reg gicd_regs[] = {
    VGIC_REG(GICD_CTLR, 4, 4, read_ctlr, write_ctlr),
    VGIC_REG(GICD_TYPER, 4, 4, read_typer, NULL),
    VGIC_REG(GICD_IIDR, 4, 4, vgic_read_iidr, NULL),
    VGIC_COMMON_BANKS(0, 1024),
    VGIC_BANK_N(GICD_ICFGR, 1024, 2, 4, virq_get_config, virq_set_config),
    VGIC_BANK_N(GICD_IROUTER, 1024, 64, 4 | 8, get_route, set_route),
    VGIC_REG(GICD_V3_PIDR4, 48, 4, read_id, NULL),
    VGIC_REGS_END,
};

static enum mmio_result gicd_access(struct vcpu *v, void *ctx, struct mmio_access *a)
{
    (void)ctx;
    return vgic_frame_access(v, gicd_regs, a, NULL, (u32)a->offset);
}

/* --- redistributor --- */

static u64 read_redist_typer(struct vcpu *v, struct vcpu *owner, u32 offset)
{
    u64 mpidr = owner->vmpidr;
    u64 aff = (mpidr & GENMASK(23, 0)) | (mpidr >> 8 & GENMASK(31, 24));
    bool last = owner->id == v->domain->vcpu_count - 1;

    return FIELD_PREP(GICR_TYPER_AFF, aff) | FIELD_PREP(GICR_TYPER_PROCESSOR, owner->id) |
           (last ? GICR_TYPER_LAST : 0);
}

/*
 * A sleeping redistributor would forward nothing. Guests of hypervisors rarely wake it,
 * as firmware did that for them, so it starts awake and only mirrors the handshake.
 */
static u64 read_waker(struct vcpu *v, struct vcpu *owner, u32 offset)
{
    return owner->vgic.rd_waker;
}

static void write_waker(struct vgic_access *acc, u64 value)
{
    acc->owner->vgic.rd_waker = value & GICR_WAKER_PROCESSOR_SLEEP
                                    ? (u32)(GICR_WAKER_PROCESSOR_SLEEP | GICR_WAKER_CHILDREN_ASLEEP)
                                    : 0;
}

static u64 read_redist_id(struct vcpu *v, struct vcpu *owner, u32 offset)
{
    static const u8 ids[12] = { 0x44, 0, 0, 0, 0x93, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1 };

    return ids[offset / 4];
}

/* CTLR, STATUSR and the LPI registers are RAZ/WI: nothing of theirs is implemented. */
static const struct vgic_reg gicr_regs[] = {
    VGIC_REG(GICR_CTLR, 4, 4, vgic_read_zero, NULL),
    VGIC_REG(GICR_IIDR, 4, 4, vgic_read_iidr, NULL),
    VGIC_REG(GICR_TYPER, 8, 4 | 8, read_redist_typer, NULL),
    VGIC_REG(GICR_STATUSR, 4, 4, vgic_read_zero, NULL),
    VGIC_REG(GICR_WAKER, 4, 4, read_waker, write_waker),
    VGIC_REG(GICR_PIDR4, 48, 4, read_redist_id, NULL),
    VGIC_COMMON_BANKS(GICR_SGI, 32),
    VGIC_BANK_N(GICR_ICFGR0, 32, 2, 4, virq_get_config, virq_set_config),
    VGIC_REGS_END,
};

static enum mmio_result gicr_access(struct vcpu *v, void *ctx, struct mmio_access *a)
{
    u32 id = (u32)(a->offset / GICR_SIZE_V3), offset = (u32)(a->offset % GICR_SIZE_V3);
    struct vcpu *owner = id < v->domain->vcpu_count ? v->domain->vcpus[id] : NULL;

    (void)ctx;
    return owner ? vgic_frame_access(v, gicr_regs, a, owner, offset) : MMIO_ABORT;
}

static const struct mmio_ops gicd_ops = { "GICD", gicd_access };
static const struct mmio_ops gicr_ops = { "GICR", gicr_access };

__init enum corbel_err vgic_v3_init(struct domain *d)
{
    const struct mmio_region gicd = { d->vgic.gicd_base, GICD_V3_SIZE, &gicd_ops, NULL };
    const struct mmio_region gicr = { d->vgic.gicr_base, (u64)GICR_SIZE_V3 * d->vcpu_count,
                                      &gicr_ops, NULL };
    enum corbel_err err = mmio_add(&d->mmio, &gicd);

    return err ? err : mmio_add(&d->mmio, &gicr);
}

/* --- SGI system registers --- */

#define SGIR_LIST  GENMASK(15, 0)
#define SGIR_AFF1  GENMASK(23, 16)
#define SGIR_INTID GENMASK(27, 24)
#define SGIR_AFF2  GENMASK(39, 32)
#define SGIR_IRM   BIT(40)
#define SGIR_RS    GENMASK(47, 44)
#define SGIR_AFF3  GENMASK(55, 48)

/* To a vCPU that is loaded here or nowhere. */
static __noinline void sgi_latch(struct vcpu *to, struct virq *irq)
{
    struct vcpu *home = virq_lock(to->domain, irq);

    irq->latch = true;
    virq_unlock(irq, home);
}

/*
 * To a vCPU that is loaded on another CPU, no lock is taken: a bit, and the request to look
 * there. If it leaves that CPU meanwhile, its next load finds the bit (docs/decisions/0023).
 */
static __noinline void sgi_send(struct vcpu *to, u32 intid, bool group1)
{
    const struct cpu *cpu = __atomic_load_n(&to->vgic.cpu, __ATOMIC_RELAXED);
    struct virq *irq = &to->vgic.private[intid];

    /* SGI1R reaches SGIs of both groups while there is one security state, SGI0R group 0's. */
    if (!group1 && read_once(irq->group1))
        return;
    if (!cpu || cpu == cpu_this() || !read_once(irq->enabled)) {
        sgi_latch(to, irq);
        return;
    }
    __atomic_fetch_or(&to->vgic.posted, (u32)BIT(intid), __ATOMIC_ACQ_REL);
    vcpu_wake(to, REQ_IRQ);
}

static __noinline void sgi_to_others(const struct vcpu *v, u32 intid, bool group1)
{
    const struct domain *d = v->domain;

    for (u32 i = 0; i < d->vcpu_count; i++)
        if (d->vcpus[i] && d->vcpus[i] != v)
            sgi_send(d->vcpus[i], intid, group1);
}

void vgic_write_sgi(struct vcpu *v, u64 value, bool group1)
{
    struct domain *d = v->domain;
    u32 intid = (u32)FIELD_GET(SGIR_INTID, value);
    u64 cluster = FIELD_GET(SGIR_AFF1, value) << 8 | FIELD_GET(SGIR_AFF2, value) << 16 |
                  FIELD_GET(SGIR_AFF3, value) << 32;

    if (value & SGIR_IRM) {
        sgi_to_others(v, intid, group1);
        return;
    }
    if (value & SGIR_RS)
        return; /* no range selector: TYPER.RSS = 0 */
    for (u64 list = FIELD_GET(SGIR_LIST, value); list; list &= list - 1) {
        struct vcpu *to = vcpu_by_affinity(d, cluster | bit_lowest(list));

        if (to)
            sgi_send(to, intid, group1);
        else
            __atomic_fetch_add(&d->vgic.dropped, 1, __ATOMIC_RELAXED);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Register engine of the virtual GIC: finds the row of a register table, walks the
 * interrupts that an access covers, and waits (by re-executing the guest's
 * instruction) for other CPUs whose list registers hold the truth. Then the
 * handlers that GICv2 and GICv3 share. Design decisions 14, 24, 25.
 *
 * Accesses of a size that a register does not have, and offsets that are not
 * implemented, read as zero and ignore writes: one of the two behaviors that
 * IHI 0069 12.1.3 and IHI 0048 4.1.4 permit.
 */
#include "vgic_priv.h"

#include <arch/cpu.h>
#include <arch/time.h>
#include <corbel/cpu.h>
#include <corbel/irq.h>
#include <corbel/platform.h>
#include <corbel/vcpu.h>
#include <hw/gicd.h>

/* How long an answer counts: an interrupt handler may run before the re-execution. */
#define FOLD_FRESH_NS 200000u

/* --- waiting for folds --- */

static u64 fold_key_of(const struct mmio_access *a)
{
    return (a->ipa.v << 1 | a->write) + 1; /* never 0 */
}

/* vCPUs that left their CPU since have nothing to fold: all is in memory. */
static __cold void drop_absent(struct vcpu *v, u64 waiting)
{
    for (; waiting; waiting &= waiting - 1) {
        struct vcpu *other = v->domain->vcpus[bit_lowest(waiting)];

        if (!__atomic_load_n(&other->vgic.cpu, __ATOMIC_ACQUIRE)) {
            v->vgic.fold_time = arch_time_now();
            __atomic_fetch_and(&v->vgic.fold_wait, ~BIT(other->id), __ATOMIC_RELAXED);
        }
    }
}

/* An access comes (again) while answers are awaited. True: it must wait on. */
static __cold bool fold_pending(struct vgic_access *acc, const struct mmio_access *a)
{
    struct vgic_cpu *vc = &acc->v->vgic;
    u64 waiting;

    if (vc->fold_key == fold_key_of(a)) {
        drop_absent(acc->v, __atomic_load_n(&vc->fold_wait, __ATOMIC_RELAXED));
        /* Acquire: pairs with the release in fold_answer(). */
        waiting = __atomic_load_n(&vc->fold_wait, __ATOMIC_ACQUIRE);
        if (waiting)
            return true;
        acc->final = arch_time_now() - vc->fold_time <= arch_time_from_ns(FOLD_FRESH_NS);
    }
    vc->fold_key = 0;
    return false;
}

static __cold void fold_ask(struct vcpu *v, const struct mmio_access *a, u64 ask)
{
    v->vgic.fold_key = fold_key_of(a);
    __atomic_store_n(&v->vgic.fold_wait, ask, __ATOMIC_RELAXED);
    for (; ask; ask &= ask - 1) {
        struct vcpu *other = v->domain->vcpus[bit_lowest(ask)];

        /* Release: fold_wait is written before anybody can answer. */
        __atomic_fetch_or(&other->vgic.fold_for, BIT(v->id), __ATOMIC_RELEASE);
        vcpu_kick(other, REQ_FOLD);
    }
}

/* irq's state is with another CPU: ask it, or take what it answered. virq.lock held. */
static void ask_if_remote(struct vgic_access *acc, const struct vcpu *home, const struct virq *irq)
{
    if (home && virq_is_remote(home, irq))
        acc->ask |= BIT(home->id);
}

/* --- the engine --- */

static struct virq *access_irq(struct vgic_access *acc, u32 intid)
{
    if (intid < VGIC_PRIVATE)
        return acc->owner ? &acc->owner->vgic.private[intid] : NULL;
    return virq_get(acc->d, NULL, intid);
}

static __noinline void bank_read(struct vgic_access *acc, const struct vgic_reg *reg,
                                 struct mmio_access *a)
{
    u32 first = acc->offset * 8 / reg->bits, count = a->size * 8u / reg->bits;

    for (u32 i = 0; i < count; i++) {
        struct virq *irq = access_irq(acc, first + i);

        if (irq)
            a->value |= reg->get(acc, irq) << (i * reg->bits);
    }
}

/* One bit per INTID, and only those written as one matter. */
static __noinline void ones_write(struct vgic_access *acc, const struct vgic_reg *reg, u64 value)
{
    for (; value; value &= value - 1) {
        struct virq *irq = access_irq(acc, acc->offset * 8 + bit_lowest(value));

        if (irq)
            reg->set(acc, irq, 1);
    }
}

static __noinline void bank_write(struct vgic_access *acc, const struct vgic_reg *reg, u64 value,
                                  u32 size)
{
    u32 first = acc->offset * 8 / reg->bits, count = size * 8u / reg->bits;

    for (u32 i = 0; i < count; i++, value >>= reg->bits) {
        struct virq *irq = access_irq(acc, first + i);

        if (irq)
            reg->set(acc, irq, value & (BIT(reg->bits) - 1));
    }
}

/* Half of a 64-bit register (IROUTER, GICR_TYPER): 32-bit accesses are allowed there. */
static __cold void wide_access(struct vgic_access *acc, const struct vgic_reg *reg,
                               struct mmio_access *a)
{
    u32 shift = a->size == 4 ? (acc->offset & 4) * 8 : 0;
    u64 mask = (a->size == 4 ? 0xffffffffull : ~0ull) << shift;
    struct virq *irq = reg->bits ? access_irq(acc, acc->offset / 8) : NULL;
    u64 old = 0;

    if (reg->bits && !irq)
        return;
    if (irq)
        old = reg->get(acc, irq);
    else
        old = reg->read(acc->v, acc->owner, acc->offset);
    if (!a->write)
        a->value = (old & mask) >> shift;
    else if (irq)
        reg->set(acc, irq, (old & ~mask) | ((a->value << shift) & mask));
    else if (reg->write)
        reg->write(acc, (old & ~mask) | ((a->value << shift) & mask));
}

static __noinline void bank_access(struct vgic_access *acc, const struct vgic_reg *reg,
                                   struct mmio_access *a)
{
    if (reg->widths & 8)
        wide_access(acc, reg, a);
    else if (reg->write_ones && a->write)
        ones_write(acc, reg, a->value);
    else if (a->write)
        bank_write(acc, reg, a->value, a->size);
    else
        bank_read(acc, reg, a);
}

static __noinline enum mmio_result any_access(struct vcpu *v, struct vcpu *owner,
                                              const struct vgic_reg *reg, struct mmio_access *a,
                                              u32 offset)
{
    struct vgic_access acc = {
        .v = v, .owner = owner, .d = v->domain, .offset = offset - reg->offset
    };

    if (!a->write)
        a->value = 0;
    if (offset < reg->offset || !(reg->widths & a->size))
        return MMIO_OK;
    if (unlikely(v->vgic.fold_key) && fold_pending(&acc, a))
        return MMIO_RETRY;
    if (reg->bits || reg->widths & 8)
        bank_access(&acc, reg, a);
    else if (a->write && reg->write)
        reg->write(&acc, a->value);
    if (likely(!acc.ask) || acc.final)
        return MMIO_OK;
    fold_ask(v, a, acc.ask);
    return MMIO_RETRY;
}

enum mmio_result vgic_frame_access(struct vcpu *v, const struct vgic_reg *reg,
                                   struct mmio_access *a, struct vcpu *owner, u32 offset)
{
    while (offset >= reg->end)
        reg++;
    if (reg->plain && !a->write && a->size == 4 && offset >= reg->offset) {
        /* What it holds is nobody else's to answer. */
        a->value = reg->read(v, owner, offset - reg->offset);
        return MMIO_OK;
    }
    return any_access(v, owner, reg, a, offset);
}

/* --- group, priority, configuration: plain fields --- */

u64 virq_get_group(struct vgic_access *acc, struct virq *irq)
{
    return irq->group1;
}

void virq_set_group(struct vgic_access *acc, struct virq *irq, u64 value)
{
    struct vcpu *home = virq_lock(acc->d, irq);

    irq->group1 = value != 0;
    virq_unlock(irq, home);
}

u64 virq_get_priority(struct vgic_access *acc, struct virq *irq)
{
    return irq->priority;
}

void virq_set_priority(struct vgic_access *acc, struct virq *irq, u64 value)
{
    struct vcpu *home = virq_lock(acc->d, irq);

    /* As many bits as the virtual CPU interface compares. */
    irq->priority = (u8)value & (u8)(0xff00u >> gic->priority_bits);
    virq_unlock(irq, home);
}

u64 virq_get_config(struct vgic_access *acc, struct virq *irq)
{
    return irq->level ? 0 : GICD_ICFGR_EDGE;
}

void virq_set_config(struct vgic_access *acc, struct virq *irq, u64 value)
{
    bool level = !(value & GICD_ICFGR_EDGE);
    struct vcpu *home;

    /* SGIs are edge for good, a linked PPI is what its source is. */
    if (irq->intid < 16 || (irq->intid < VGIC_PRIVATE && irq->hw))
        return;
    home = virq_lock(acc->d, irq);
    /* A device's trigger is its guest's affair: a wrong one loses only the guest's interrupts. */
    if (irq->level != level && irq->hw)
        irq_set_trigger(irq->pintid, level, irq->enabled);
    irq->level = level;
    virq_unlock(irq, home);
}

/* --- enable --- */

/* The source's own state: a line still asserted, an edge not yet taken. */
static bool source_pending(const struct vcpu *home, const struct virq *irq)
{
    if (irq->intid >= VGIC_PRIVATE)
        return gic->is_pending(irq->pintid);
    if (irq->intid != VGIC_PPI_VTIMER || !home)
        return false;
    return virq_is_remote(home, irq) ? irq->hw_line : vgic_timer_output(home);
}

u64 virq_get_enable(struct vgic_access *acc, struct virq *irq)
{
    return irq->enabled;
}

void virq_set_enable(struct vgic_access *acc, struct virq *irq, u64 value)
{
    struct vcpu *home;

    if (__atomic_load_n(&irq->enabled, __ATOMIC_RELAXED))
        return;
    home = virq_lock(acc->d, irq);
    irq->enabled = true;
    /* It was held back while disabled, and the device may have changed its mind. */
    if (irq->hw && irq->level && irq->phys && !irq->set && !irq->active &&
        !virq_is_remote(home, irq) && !source_pending(home, irq))
        irq->latch = false;
    if (irq->hw && irq->intid >= VGIC_PRIVATE)
        gic->enable(irq->pintid);
    virq_unlock(irq, home);
}

void virq_clear_enable(struct vgic_access *acc, struct virq *irq, u64 value)
{
    struct vcpu *home = virq_lock(acc->d, irq);

    irq->enabled = false;
    if (irq->hw && irq->intid >= VGIC_PRIVATE)
        gic->disable(irq->pintid);
    /* Once the write is done, it must not be taken any more (GICD_CTLR.RWP reads as 0). */
    if (irq->lr >= 0)
        ask_if_remote(acc, home, irq);
    virq_unlock(irq, home);
}

/* --- pending --- */

/* Who holds irq's state, for a reader: virq.lock held. */
static struct vcpu *holder_of(const struct virq *irq)
{
    return irq->vcpu ? irq->vcpu : irq->target;
}

static void lock_to_read(struct vgic_access *acc, struct virq *irq)
{
    struct vcpu *home;

    spin_lock(&irq->lock);
    home = holder_of(irq);
    if (irq->lr >= 0 && vgic_is_here(home))
        lr_sync(home, irq);
    else
        ask_if_remote(acc, home, irq);
}

u64 virq_get_pending(struct vgic_access *acc, struct virq *irq)
{
    bool pending;

    lock_to_read(acc, irq);
    if (irq->hw && irq->level)
        /* What the source's acknowledge at EL2 left behind does not count: its line does. */
        pending = source_pending(holder_of(irq), irq) || irq->set;
    else
        pending = virq_pending(irq) || (irq->hw && source_pending(NULL, irq)) ||
                  (irq->intid < 16 && virq_posted(acc->owner, irq->intid));
    spin_unlock(&irq->lock);
    return pending;
}

static bool is_v2_sgi(const struct vgic_access *acc, const struct virq *irq)
{
    return irq->intid < 16 && acc->d->vgic.version == GIC_V2;
}

void virq_set_pending(struct vgic_access *acc, struct virq *irq, u64 value)
{
    struct vcpu *home;

    if (is_v2_sgi(acc, irq))
        return; /* only through SGIR and SPENDSGIR (IHI 0048 4.3.7) */
    home = virq_lock(acc->d, irq);
    irq->latch = true;
    irq->set = irq->hw;
    virq_unlock(irq, home);
}

void virq_clear_pending(struct vgic_access *acc, struct virq *irq, u64 value)
{
    struct vcpu *home;

    if (is_v2_sgi(acc, irq))
        return;
    home = virq_lock(acc->d, irq);
    if (irq->intid < 16) /* with the list lock held, as whoever takes it from there */
        __atomic_fetch_and(&home->vgic.posted, ~(u32)BIT(irq->intid), __ATOMIC_RELAXED);
    if (irq->hw && !irq->level && irq->intid >= VGIC_PRIVATE)
        gic->set_pending(irq->pintid, false);
    if (!virq_is_remote(home, irq)) {
        irq->latch = false;
        irq->lr_latch = false;
        irq->set = false;
    } else if (!acc->final) {
        irq->cmd |= VIRQ_CLEAR_PENDING;
        ask_if_remote(acc, home, irq);
    }
    virq_unlock(irq, home);
}

/* --- active --- */

u64 virq_get_active(struct vgic_access *acc, struct virq *irq)
{
    bool active;

    lock_to_read(acc, irq);
    active = irq->active;
    spin_unlock(&irq->lock);
    return active;
}

static void change_active(struct vgic_access *acc, struct virq *irq, bool active)
{
    struct vcpu *home = virq_lock(acc->d, irq);

    if (!virq_is_remote(home, irq)) {
        irq->acked = irq->acked && active;
        irq->active = active;
    } else if (!acc->final) {
        irq->cmd =
            (u8)((irq->cmd & VIRQ_CLEAR_PENDING) | (active ? VIRQ_SET_ACTIVE : VIRQ_CLEAR_ACTIVE));
        ask_if_remote(acc, home, irq);
    }
    virq_unlock(irq, home);
}

void virq_set_active(struct vgic_access *acc, struct virq *irq, u64 value)
{
    change_active(acc, irq, true);
}

void virq_clear_active(struct vgic_access *acc, struct virq *irq, u64 value)
{
    change_active(acc, irq, false);
}

/* --- target, CTLR, identification --- */

void virq_set_target(struct vgic_access *acc, struct virq *irq, struct vcpu *target)
{
    struct vcpu *home = virq_lock(acc->d, irq);

    if (irq->target != target)
        virq_set_seat(irq, target);
    virq_unlock(irq, home);
}

u32 vgic_get_ctlr(const struct domain *d)
{
    return __atomic_load_n(&d->vgic.ctlr, __ATOMIC_RELAXED);
}

void vgic_set_ctlr(struct vgic_access *acc, u32 enables)
{
    u32 old;

    enables &= GICD_CTLR_ENABLE_GRP0 | GICD_CTLR_ENABLE_GRP1;
    /* Sequentially consistent: an injection that missed it is seen by the scan below. */
    old = __atomic_exchange_n(&acc->d->vgic.ctlr, enables, __ATOMIC_SEQ_CST);
    if (old != enables)
        vgic_update_all(acc->d);
    if (!(old & ~enables))
        return;
    for (u32 i = 0; i < acc->d->vcpu_count; i++) {
        const struct vcpu *v = acc->d->vcpus[i];

        if (v && v != acc->v && __atomic_load_n(&v->vgic.cpu, __ATOMIC_ACQUIRE))
            acc->ask |= BIT(i);
    }
}

u64 vgic_read_zero(struct vcpu *v, struct vcpu *owner, u32 offset)
{
    return 0;
}

u64 vgic_read_iidr(struct vcpu *v, struct vcpu *owner, u32 offset)
{
    return FIELD_PREP(GICD_IIDR_PRODUCT, 'C') | FIELD_PREP(GICD_IIDR_IMPLEMENTER, GIC_JEP106_ARM);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who owns which host interrupt, and the host GIC in use. One small descriptor per
 * INTID; PPIs have one for all CPUs, since a PPI means the same on each. Acknowledging
 * and dispatching is guest_exit.c's. host_lock (RANK_HOST_IRQ): descriptors, and the
 * distributor registers that hold several interrupts.
 */
#include <corbel/irq.h>

#include <arch/barrier.h>

#include <corbel/cpu.h>
#include <corbel/domain.h>
#include <corbel/drivers.h>
#include <corbel/log.h>

#define FIRST_PPI 16u
#define FIRST_SPI 32u
#define PRIORITY  0xa0u /* of all: nothing preempts in EL2 */

struct irq_desc {
    u8 owner;  /* enum irq_owner */
    u8 domain; /* id of the owner, IRQ_GUEST */
};

const struct gic_ops *gic;

static spinlock_t host_lock = SPINLOCK_INIT(RANK_HOST_IRQ);
static struct irq_desc descs[IRQ_COUNT];        /* host_lock; read without it on each interrupt */
static struct domain *domains[MAX_DOMAINS + 1]; /* by id: owners of descs[] */

__init enum corbel_err irq_init(const struct platform *p)
{
    const struct gic_ops *ops = driver_gic(p->gic.version);
    enum corbel_err err;

    if (!ops)
        return ERR_NOTSUP;
    err = ops->init(p);
    if (err == CORBEL_OK)
        gic = ops;
    return err;
}

/*
 * A kernel or hypervisor that ran before may have left interrupts in the list registers, linked
 * to physical ones even: the first guest would get them.
 */
static __init void clear_virtual_interface(void)
{
    for (u32 i = 0; i < gic->lr_count(); i++)
        gic->lr_write(i, 0);
    for (u32 i = 0; i < gic->apr_count(); i++) {
        gic->apr_write(0, i, 0);
        gic->apr_write(1, i, 0);
    }
}

__init enum corbel_err irq_init_cpu(void)
{
    enum corbel_err err = gic->cpu_init();

    if (err == CORBEL_OK)
        clear_virtual_interface();
    return err;
}

/* Free, quiet, at our priority and, an SPI, aimed at this CPU. Caller holds host_lock. */
static __init void prepare(u32 intid, bool level)
{
    const struct cpu *cpu = cpu_this();

    gic->disable(intid);
    gic->configure(intid, level);
    gic->set_priority(intid, PRIORITY);
    gic->set_pending(intid, false);
    gic->set_active(intid, false);
    if (intid >= FIRST_SPI)
        gic->route(intid, cpu->mpidr, cpu->id);
}

static bool in_range(u32 intid, u32 first)
{
    return gic && intid >= first && intid < gic->line_count();
}

__init enum corbel_err irq_request(u32 intid, bool level)
{
    enum corbel_err err = CORBEL_OK;
    struct irq_desc *desc;

    if (!in_range(intid, FIRST_PPI))
        return ERR_RANGE;
    spin_lock(&host_lock);
    desc = &descs[intid];
    if (desc->owner == IRQ_GUEST || (desc->owner == IRQ_HYPERVISOR && intid >= FIRST_SPI)) {
        err = ERR_BUSY;
    } else {
        prepare(intid, level);
        desc->owner = IRQ_HYPERVISOR;
        gic->enable(intid);
    }
    spin_unlock(&host_lock);
    return err;
}

__init enum corbel_err irq_assign(u32 intid, struct domain *d, bool level)
{
    enum corbel_err err = CORBEL_OK;
    struct irq_desc *desc;

    if (!in_range(intid, FIRST_SPI) || !d->id || d->id > MAX_DOMAINS)
        return ERR_RANGE;
    spin_lock(&host_lock);
    desc = &descs[intid];
    if (desc->owner != IRQ_FREE) {
        err = ERR_BUSY;
    } else {
        prepare(intid, level);
        domains[d->id] = d;
        desc->domain = (u8)d->id;
        desc->owner = IRQ_GUEST;
    }
    spin_unlock(&host_lock);
    return err;
}

void irq_release(u32 intid)
{
    if (!in_range(intid, FIRST_PPI))
        return;
    spin_lock(&host_lock);
    gic->disable(intid);
    gic->set_pending(intid, false);
    gic->set_active(intid, false);
    descs[intid].owner = IRQ_FREE;
    spin_unlock(&host_lock);
}

/* Trigger bits of 16 interrupts share a register, those of other domains' among them. */
void irq_set_trigger(u32 intid, bool level, bool enable)
{
    spin_lock(&host_lock);
    gic->disable(intid); /* changing it while enabled is UNPREDICTABLE */
    gic->configure(intid, level);
    if (enable)
        gic->enable(intid);
    spin_unlock(&host_lock);
}

void irq_mask(u32 intid, bool masked)
{
    if (!in_range(intid, FIRST_SPI))
        return;
    spin_lock(&host_lock);
    if (descs[intid].owner == IRQ_HYPERVISOR) {
        if (masked)
            gic->disable(intid);
        else
            gic->enable(intid);
    }
    spin_unlock(&host_lock);
}

/* Without the lock: an owner changes only while the interrupt is disabled and idle. */
enum irq_owner irq_owner_of(u32 intid, struct domain **d)
{
    const struct irq_desc *desc;

    *d = NULL;
    if (intid >= IRQ_COUNT)
        return IRQ_FREE;
    desc = &descs[intid];
    if (desc->owner == IRQ_GUEST)
        *d = domains[desc->domain];
    return (enum irq_owner)desc->owner;
}

void irq_send_sgi(const struct cpu *target, enum host_sgi sgi)
{
    if (!gic || !target)
        return;
    dsb_ishst(); /* what the target shall find, before the interrupt that makes it look */
    gic->send_sgi(target->id, target->mpidr, sgi);
}

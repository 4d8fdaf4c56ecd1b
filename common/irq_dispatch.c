/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Physical interrupts of this CPU, each to its owner. EOImode is 1: eoi drops the
 * priority; what the hypervisor handles itself is deactivated here, what belongs to a
 * guest stays active until the guest's own EOI (hardware-linked list register).
 */
#include <corbel/irq_dispatch.h>

#include <arch/cpu.h>
#include <arch/time.h>
#include <arch/vcpu.h>
#include <corbel/console.h>
#include <corbel/cpu.h>
#include <corbel/domain.h>
#include <corbel/guest_abort.h>
#include <corbel/iommu.h>
#include <corbel/irq.h>
#include <corbel/keys.h>
#include <corbel/log.h>
#include <corbel/panic.h>
#include <corbel/platform.h>
#include <corbel/quiet.h>
#include <corbel/timer.h>
#include <corbel/vcpu.h>
#include <corbel/vpmu.h>
#include <corbel/vtimer.h>
#include <corbel/vuart.h>
#include <corbel/vwdt.h>

/* INTIDs of this machine, set once by the boot CPU. */
static struct {
    u32 hyp_timer, virt_timer, maintenance, pmu;
} intids;

/* The overflow interrupt of the CPUs' PMUs, 0: none. */
static u32 choose_pmu(const struct platform *p)
{
    u32 intid = p->pmu.intid;

    if (!intid || !arch_cpu_has_pmu())
        return 0;
    if (intid != intids.hyp_timer && intid != intids.virt_timer && intid != intids.maintenance)
        return intid;
    log_warn("device tree: PPI %u of the PMU is another's: it does not interrupt", intid);
    return 0;
}

__init void irq_dispatch_init(const struct platform *p)
{
    intids.hyp_timer = p->timer.hyp;
    intids.virt_timer = p->timer.virt;
    intids.maintenance = p->gic.maintenance_intid;
    intids.pmu = choose_pmu(p);
    vpmu_set_host_intid(intids.pmu);
    irq_dispatch_init_cpu();
}

__init void irq_dispatch_init_cpu(void)
{
    enum corbel_err err = irq_request(intids.hyp_timer, true);

    if (err == CORBEL_OK)
        err = irq_request(intids.virt_timer, true);
    if (err == CORBEL_OK)
        err = irq_request(intids.maintenance, true);
    if (err == CORBEL_OK && intids.pmu)
        err = irq_request(intids.pmu, true);
    if (err != CORBEL_OK)
        panic("device tree: no PPI of its own for the EL2 timer (%u), the virtual timer (%u) or "
              "GIC maintenance (%u): %s",
              intids.hyp_timer, intids.virt_timer, intids.maintenance, err_name(err));
}

void irq_dispatch_console(void)
{
    struct domain *d;
    bool taken;
    u8 c;

    while (console_next_input(&d, &c)) {
        if (d)
            taken = vuart_receive(d, c);
        else
            taken = (keys_handle(c), true);
        console_input_done(taken);
        if (!taken)
            break;
    }
    for (d = console_take_ready(); d; d = console_take_ready())
        vuart_tx_ready(d);
}

static void watchdog(struct domain *d)
{
    if (!vwdt_expired(d) || !domain_ends(d->vcpus[0], SHUTDOWN_CRASH))
        return;
    log_err("%s: crashed: it has not refreshed its watchdog", d->name);
    guest_report_end(d->vcpus[0]);
    domain_shutdown(d, SHUTDOWN_CRASH);
}

static void timers(void)
{
    u64 now = arch_time_now();

    for (struct timer_entry *e = timer_expired(now); e; e = timer_expired(now)) {
        switch (e->kind) {
        case TIMER_VTIMER:
        case TIMER_PTIMER:
            vtimer_expired(e);
            break;
        case TIMER_CONSOLE:
            console_timer();
            irq_dispatch_console();
            break;
        case TIMER_WATCHDOG:
            watchdog(e->object);
            break;
        case TIMER_IOMMU:
            iommu_timer();
            break;
        default: /* TIMER_SLICE: sched_should_yield() sees that it is gone */
            break;
        }
    }
}

/* The guest's virtual timer: the vCPU whose registers are in this CPU owns it. */
static void virtual_timer(struct cpu *cpu, u32 iar)
{
    struct vcpu *v = cpu->resident;

    if (!v) { /* nobody's: level high, it would come again and again */
        arch_cntv_ctl_write(0);
        gic->deactivate(iar);
        return;
    }
    vgic_inject_hw_ppi(v, intids.virt_timer);
    if (cpu->sched.running != &v->unit)
        sched_wake(&v->unit);
}

/* Level high until a guest lowers it: it stays active meanwhile. */
static void performance(struct cpu *cpu, u32 iar)
{
    if (!cpu->resident || !vpmu_interrupt(cpu->resident))
        gic->deactivate(iar);
}

static void owned(struct cpu *cpu, u32 intid, u32 iar)
{
    struct domain *d = NULL;

    if (irq_owner_of(intid, &d) == IRQ_GUEST) {
        if (unlikely(!vgic_inject_hw(d, intid))) /* d ends on another CPU right now */
            gic->deactivate(iar);
        return;
    }
    if (intid == intids.pmu && intids.pmu) {
        performance(cpu, iar);
        return;
    }
    if (intid == SGI_STOP) {
        gic->deactivate(iar);
        arch_cpu_halt();
    } else if (intid == console_intid()) { /* 0 when it is polled */
        console_irq();
        irq_dispatch_console();
    } else if (intid >= 16 && !iommu_irq(intid)) {
        log_warn("CPU%u: interrupt %u has no owner: disabled", cpu->id, intid);
        gic->disable(intid);
    }
    gic->deactivate(iar);
}

/* Whatever it is about is looked for after the interrupts. */
static void kick(u32 iar)
{
    quiet_note();
    gic->deactivate(iar);
}

/* What is less frequent. */
static __noinline void other(struct cpu *cpu, u32 intid, u32 iar)
{
    if (intid == intids.hyp_timer) {
        timers();
        gic->deactivate(iar);
    } else if (intid == intids.maintenance) {
        if (cpu->resident)
            vgic_maintenance(cpu->resident);
        gic->deactivate(iar);
    } else {
        owned(cpu, intid, iar);
    }
}

void irq_dispatch(struct cpu *cpu)
{
    do {
        u32 iar = gic->ack();
        u32 intid = iar & 0x3ff;

        if (unlikely(intid >= IRQ_COUNT))
            return;
        gic->eoi(iar);
        if (intid == intids.virt_timer)
            virtual_timer(cpu, iar);
        else if (intid == SGI_KICK)
            kick(iar);
        else
            other(cpu, intid, iar);
    } while (unlikely(arch_cpu_irq_pending()));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest timers, one struct vtimer per vCPU. The virtual timer is the hardware's: its
 * registers belong to the resident vCPU, PPI 27 is linked (HW bit), and the vGIC moves
 * its physical active state with the vCPU (design decision 27; EL2 never touches IMASK).
 * Timer conditions are unsigned comparisons as in Arm ARM D12.2.4; what goes to a timer
 * queue is a deadline less than half the counter away. The physical timer is emulated
 * over the queue; its lock (RANK_VTIMER) keeps registers and line together.
 */
#include <corbel/vtimer.h>

#include <arch/barrier.h>
#include <arch/time.h>
#include <arch/vcpu.h>

#include <corbel/bits.h>
#include <corbel/cpu.h>
#include <corbel/domain.h>
#include <corbel/irq.h>
#include <corbel/log.h>
#include <corbel/vcpu.h>
#include <corbel/vgic.h>

#define CTL_ENABLE  BIT(0)
#define CTL_IMASK   BIT(1)
#define CTL_ISTATUS BIT(2)

/* Further away than anybody waits, near enough for signed differences: decades. */
#define FAR_AWAY (1ull << 62)

/* Queue entry for the moment the count, now at count, reaches cval; not at all when far away. */
static void set_deadline(struct timer_entry *entry, u64 cval, u64 count, u64 now)
{
    if (cval - count < FAR_AWAY)
        timer_set(entry, now + (cval - count));
    else
        timer_cancel(entry);
}

/* --- the virtual timer -------------------------------------------------------------------- */

__init void vtimer_init(struct vcpu *v)
{
    struct vtimer *t = &v->vtimer;

    spin_lock_init(&t->lock, RANK_VTIMER);
    timer_entry_init(&t->wake, TIMER_VTIMER, v);
    timer_entry_init(&t->ptimer, TIMER_PTIMER, v);
    t->cntv_cval = t->cntv_ctl = 0;
    t->cntp_cval = t->cntp_ctl = 0;
    if (vgic_link(v->domain, v, VTIMER_VIRT_INTID, VTIMER_VIRT_INTID) != CORBEL_OK)
        log_err("%s: vCPU%u: virtual timer not linked to PPI %u", v->domain->name, v->id,
                VTIMER_VIRT_INTID);
}

void vtimer_reset(struct vcpu *v)
{
    struct vtimer *t = &v->vtimer;

    t->cntv_cval = t->cntv_ctl = 0;
    timer_cancel(&t->wake);
    spin_lock(&t->lock);
    t->cntp_cval = t->cntp_ctl = 0;
    timer_cancel(&t->ptimer);
    vgic_set_ppi(v, VTIMER_PHYS_INTID, false);
    spin_unlock(&t->lock);
}

/* Output of the virtual timer with these saved registers. */
static bool is_asserted(const struct vcpu *v, u64 now)
{
    const struct vtimer *t = &v->vtimer;

    return (t->cntv_ctl & (CTL_ENABLE | CTL_IMASK)) == CTL_ENABLE &&
           now - v->domain->cntvoff >= t->cntv_cval;
}

void vtimer_poke(struct vcpu *v, u64 when)
{
    timer_set(&v->vtimer.wake, when); /* else of use only while it sleeps somewhere else */
}

void vtimer_load(struct vcpu *v)
{
    struct vtimer *t = &v->vtimer;

    if (timer_is_set(&t->wake))
        timer_cancel(&t->wake);
    arch_cntv_cval_write(t->cntv_cval);
    arch_cntv_ctl_write(t->cntv_ctl);
    if (t->poke_period)
        vtimer_poke(v, arch_time_now() + t->poke_period);
}

void vtimer_watch(struct vcpu *v)
{
    struct vtimer *t = &v->vtimer;
    u64 now;

    /* A waker may change it right now: then the entry wakes once for nothing. */
    if (__atomic_load_n(&v->unit.state, __ATOMIC_ACQUIRE) != UNIT_BLOCKED ||
        (t->cntv_ctl & (CTL_ENABLE | CTL_IMASK)) != CTL_ENABLE)
        return;
    now = arch_time_now();
    if (!is_asserted(v, now))
        set_deadline(&t->wake, t->cntv_cval, now - v->domain->cntvoff, now);
    else if (!vgic_ppi_busy(v, VTIMER_VIRT_INTID))
        vcpu_wake(v, 0); /* it fired on the way out: it has to come back to see it */
}

void vtimer_save(struct vcpu *v)
{
    struct vtimer *t = &v->vtimer;

    t->cntv_ctl = arch_cntv_ctl_read();
    t->cntv_cval = arch_cntv_cval_read();
    arch_cntv_ctl_write(0);
    isb(); /* the output is low before vgic_save() changes the state of its PPI */
}

bool vtimer_block(struct vcpu *v)
{
    u64 ctl = arch_cntv_ctl_read();

    if ((ctl & (CTL_ENABLE | CTL_IMASK | CTL_ISTATUS)) != (CTL_ENABLE | CTL_ISTATUS))
        return true;
    /* Active: injected already, and the vGIC has said that it is nothing to wake for. */
    return vgic_ppi_busy(v, VTIMER_VIRT_INTID);
}

bool vtimer_output(struct vcpu *v)
{
    u64 ctl;

    if (__atomic_load_n(&v->resident, __ATOMIC_ACQUIRE) != cpu_this())
        return is_asserted(v, arch_time_now());
    ctl = arch_cntv_ctl_read();
    return (ctl & (CTL_ENABLE | CTL_IMASK | CTL_ISTATUS)) == (CTL_ENABLE | CTL_ISTATUS);
}

/* --- the emulated physical timer ---------------------------------------------------------- */

static bool ptimer_is_due(const struct vtimer *t, u64 now)
{
    return (t->cntp_ctl & CTL_ENABLE) && now >= t->cntp_cval;
}

/* Line and deadline as the registers want them. Caller holds t->lock. */
static void ptimer_update(struct vcpu *v, u64 now)
{
    struct vtimer *t = &v->vtimer;
    bool can_fire = (t->cntp_ctl & (CTL_ENABLE | CTL_IMASK)) == CTL_ENABLE;
    bool due = ptimer_is_due(t, now);

    vgic_set_ppi(v, VTIMER_PHYS_INTID, can_fire && due);
    if (can_fire && !due)
        set_deadline(&t->ptimer, t->cntp_cval, now, now);
    else if (timer_is_set(&t->ptimer))
        timer_cancel(&t->ptimer);
}

u64 vtimer_read(struct vcpu *v, enum vtimer_reg reg)
{
    struct vtimer *t = &v->vtimer;
    u64 now = arch_time_now(), value = 0;

    spin_lock(&t->lock);
    switch (reg) {
    case VTIMER_CNTP_CTL:
        value = t->cntp_ctl | (ptimer_is_due(t, now) ? CTL_ISTATUS : 0);
        break;
    case VTIMER_CNTP_CVAL:
        value = t->cntp_cval;
        break;
    case VTIMER_CNTP_TVAL:
        value = (u32)(t->cntp_cval - now);
        break;
    }
    spin_unlock(&t->lock);
    return value;
}

void vtimer_write(struct vcpu *v, enum vtimer_reg reg, u64 value)
{
    struct vtimer *t = &v->vtimer;
    u64 now = arch_time_now();

    spin_lock(&t->lock);
    switch (reg) {
    case VTIMER_CNTP_CTL:
        t->cntp_ctl = value & (CTL_ENABLE | CTL_IMASK);
        break;
    case VTIMER_CNTP_CVAL:
        t->cntp_cval = value;
        break;
    case VTIMER_CNTP_TVAL:
        t->cntp_cval = now + (u64)(s64)(s32)(u32)value;
        break;
    }
    ptimer_update(v, now);
    spin_unlock(&t->lock);
}

void vtimer_expired(struct timer_entry *entry)
{
    struct vcpu *v = entry->object;

    if (entry->kind == TIMER_VTIMER) {
        if (__atomic_load_n(&v->resident, __ATOMIC_ACQUIRE) != cpu_this())
            vcpu_wake(v, 0); /* once loaded, the hardware raises PPI 27 itself */
        else if (v->vtimer.poke_period)
            vtimer_poke(v, arch_time_now() + v->vtimer.poke_period);
        return;
    }
    /* It may have been set anew since: the registers decide. */
    spin_lock(&v->vtimer.lock);
    ptimer_update(v, arch_time_now());
    spin_unlock(&v->vtimer.lock);
}

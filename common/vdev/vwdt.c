/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watchdog of a domain, see vwdt.h. A register model of the generic watchdog (DEN0094,
 * revision 1), over which the firmware's calls are a second front end with seconds for ticks.
 * Only the timer ends a domain: a guest that refreshes between the deadline and the timer's
 * interrupt is in time. Lock: vwdt.lock.
 */
#include <corbel/vwdt.h>

#include <arch/time.h>
#include <corbel/bits.h>
#include <corbel/domain.h>
#include <corbel/vcpu.h>
#include <corbel/vdev.h>
#include <corbel/vgic.h>
#include <hw/psci.h>
#include <hw/sbsa_gwdt.h>

#define JEP106_ARM 0x43bu
#define IIDR_VALUE                                                        \
    (FIELD_PREP(GWDT_IIDR_PRODUCT, 'C') | FIELD_PREP(GWDT_IIDR_ARCH, 1) | \
     FIELD_PREP(GWDT_IIDR_IMPLEMENTER, JEP106_ARM))

#define TIMEOUT_MIN 1u
#define TIMEOUT_MAX 86400u

/* Further away than anybody waits, near enough for signed differences: decades. */
#define FAR_AWAY (1ull << 62)

/* What the guest takes for the system counter. */
static u64 count_of(const struct domain *d, u64 now)
{
    return now - d->cntvoff;
}

/* --- the state machine ------------------------------------------------------------------------ */

static bool is_due(const struct vwdt *w, u64 count)
{
    return w->enabled && !w->ws1 && count > w->compare;
}

static void refresh(struct vwdt *w, u64 count)
{
    w->ws0 = w->ws1 = false;
    w->compare = count + w->offset;
}

/* A timeout, if one is due. True: it was the last one. */
static bool advance(struct vwdt *w, u64 count)
{
    if (!is_due(w, count))
        return false;
    if (w->ws0 || w->kind != WATCHDOG_SBSA) {
        w->ws1 = true;
        return true;
    }
    w->ws0 = true;
    w->compare = count + w->offset;
    return false;
}

/* Firmware that is told to start before it knows a time takes its longest. */
static void set_reset_state(struct vwdt *w)
{
    w->enabled = w->ws0 = w->ws1 = w->line = false;
    w->offset = w->kind == WATCHDOG_SMC ? TIMEOUT_MAX * arch_time_freq() : 0;
    w->compare = 0;
}

/* Interrupt and timer as the state wants them. Caller holds the lock. */
static void update(struct domain *d, u64 now)
{
    struct vwdt *w = &d->wdt;
    u64 left = w->compare - count_of(d, now);
    bool due = is_due(w, count_of(d, now));

    if (w->ws0 != w->line) {
        w->line = w->ws0;
        vgic_set_line(d, w->intid, w->line);
    }
    if (w->enabled && !w->ws1 && !w->stopped && (due || left < FAR_AWAY))
        timer_set(&w->timer, due ? now : now + left + 1);
    else
        timer_cancel(&w->timer);
}

bool vwdt_expired(struct domain *d)
{
    u64 now = arch_time_now();
    bool over = false;

    spin_lock(&d->wdt.lock);
    if (!d->wdt.stopped) {
        over = advance(&d->wdt, count_of(d, now));
        update(d, now);
    }
    spin_unlock(&d->wdt.lock);
    return over;
}

/* --- the generic watchdog's registers --------------------------------------------------------- */

static u32 read_status(const struct vwdt *w, u64 count)
{
    bool due = is_due(w, count); /* the timer has not come to it yet */
    u32 value = 0;

    if (w->enabled)
        value |= (u32)GWDT_WCS_EN;
    if (w->ws0 || due)
        value |= (u32)GWDT_WCS_WS0;
    if (w->ws1 || (w->ws0 && due))
        value |= (u32)GWDT_WCS_WS1;
    return value;
}

static u32 control_read(const struct vwdt *w, u32 offset, u64 count)
{
    switch (offset) {
    case GWDT_WCS:
        return read_status(w, count);
    case GWDT_WOR:
        return (u32)w->offset;
    case GWDT_WOR_HI:
        return (u32)(w->offset >> 32);
    case GWDT_WCV:
        return (u32)w->compare;
    case GWDT_WCV_HI:
        return (u32)(w->compare >> 32);
    case GWDT_W_IIDR:
        return (u32)IIDR_VALUE;
    default:
        return 0;
    }
}

static u64 with_low(u64 old, u32 value)
{
    return (old & ~(u64)UINT32_MAX) | value;
}

static u64 with_high(u64 old, u32 value)
{
    return (u64)value << 32 | (u32)old;
}

/* Writes to WCS and WOR refresh, a write to WCV moves the deadline and leaves WS0 as it is. */
static void control_write(struct vwdt *w, u32 offset, u32 value, u64 count)
{
    switch (offset) {
    case GWDT_WCS:
        w->enabled = value & GWDT_WCS_EN;
        break;
    case GWDT_WOR:
        w->offset = with_low(w->offset, value);
        break;
    case GWDT_WOR_HI:
        w->offset = with_high(w->offset, value & (u32)GWDT_WOR_HI_MASK);
        break;
    case GWDT_WCV:
        w->compare = with_low(w->compare, value);
        return;
    case GWDT_WCV_HI:
        w->compare = with_high(w->compare, value);
        return;
    default:
        return;
    }
    refresh(w, count);
}

static u32 refresh_read(const struct vwdt *w, u32 offset, u64 count)
{
    (void)w, (void)count;
    return offset == GWDT_W_IIDR ? (u32)IIDR_VALUE : 0;
}

static void refresh_write(struct vwdt *w, u32 offset, u32 value, u64 count)
{
    (void)value;
    if (offset == GWDT_WRR)
        refresh(w, count);
}

struct frame {
    u32 (*read)(const struct vwdt *w, u32 offset, u64 count);
    void (*write)(struct vwdt *w, u32 offset, u32 value, u64 count);
};

/* Words, and pairs of them: what else the architecture leaves to the implementation. */
static enum mmio_result access(struct domain *d, const struct frame *frame, struct mmio_access *a)
{
    struct vwdt *w = &d->wdt;
    u32 offset = (u32)a->offset;
    u64 now;

    if (a->size < 4 || !IS_ALIGNED(a->offset, a->size))
        return MMIO_ABORT;
    spin_lock(&w->lock);
    now = arch_time_now();
    if (!a->write)
        a->value = 0;
    for (u32 i = 0; i < a->size; i += 4) {
        if (a->write)
            frame->write(w, offset + i, (u32)(a->value >> (8 * i)), count_of(d, now));
        else
            a->value |= (u64)frame->read(w, offset + i, count_of(d, now)) << (8 * i);
    }
    if (a->write)
        update(d, now);
    spin_unlock(&w->lock);
    return MMIO_OK;
}

static enum mmio_result control_access(struct vcpu *v, void *ctx, struct mmio_access *a)
{
    static const struct frame control = { control_read, control_write };

    (void)v;
    return access(ctx, &control, a);
}

static enum mmio_result refresh_access(struct vcpu *v, void *ctx, struct mmio_access *a)
{
    static const struct frame frame = { refresh_read, refresh_write };

    (void)v;
    return access(ctx, &frame, a);
}

static const struct mmio_ops control_ops = { .name = "watchdog", .access = control_access };
static const struct mmio_ops refresh_ops = { .name = "watchdog", .access = refresh_access };

/* --- the firmware's calls --------------------------------------------------------------------- */

static s64 set_timeout(struct vwdt *w, u32 seconds, u64 count)
{
    if (seconds < TIMEOUT_MIN || seconds > TIMEOUT_MAX)
        return PSCI_INVALID_PARAMETERS;
    w->offset = seconds * arch_time_freq();
    refresh(w, count);
    return PSCI_SUCCESS;
}

static s64 enable(struct vwdt *w, u32 on, u64 count)
{
    if (on > 1)
        return PSCI_INVALID_PARAMETERS;
    w->enabled = on;
    refresh(w, count);
    return PSCI_SUCCESS;
}

static u64 seconds_left(const struct vwdt *w, u64 count)
{
    return w->enabled && count <= w->compare ? (w->compare - count) / arch_time_freq() : 0;
}

/* Caller holds the lock. x: the call's registers. */
static s64 command(struct vwdt *w, u64 *x, u64 count)
{
    u32 arg = (u32)x[2];

    switch ((u32)x[1]) {
    case VWDT_SMC_INIT:
        x[1] = TIMEOUT_MIN;
        x[2] = TIMEOUT_MAX;
        return PSCI_SUCCESS;
    case VWDT_SMC_SET_TIMEOUT:
        return set_timeout(w, arg, count);
    case VWDT_SMC_ENABLE:
        return enable(w, arg, count);
    case VWDT_SMC_PET:
        refresh(w, count);
        return PSCI_SUCCESS;
    case VWDT_SMC_GET_TIMELEFT:
        x[1] = seconds_left(w, count);
        return PSCI_SUCCESS;
    default:
        return PSCI_NOT_SUPPORTED;
    }
}

bool vwdt_call(struct vcpu *v, u32 function)
{
    struct domain *d = v->domain;
    struct vwdt *w = &d->wdt;
    u64 now;

    if (w->kind != WATCHDOG_SMC || function != VWDT_SMC_ID)
        return false;
    spin_lock(&w->lock);
    now = arch_time_now();
    v->regs.x[0] = (u64)command(w, v->regs.x, count_of(d, now));
    update(d, now);
    spin_unlock(&w->lock);
    return true;
}

/* --- life ------------------------------------------------------------------------------------- */

__init enum corbel_err vwdt_init(struct domain *d, u64 base, u32 intid)
{
    const struct mmio_region control = {
        .base = base + VWDT_CONTROL, .size = GWDT_FRAME_SIZE, .ops = &control_ops, .ctx = d
    };
    const struct mmio_region other = {
        .base = base + VWDT_REFRESH, .size = GWDT_FRAME_SIZE, .ops = &refresh_ops, .ctx = d
    };
    enum corbel_err err = CORBEL_OK;

    if (d->cfg->watchdog == WATCHDOG_SBSA)
        err = mmio_add(&d->mmio, &control);
    if (err == CORBEL_OK && d->cfg->watchdog == WATCHDOG_SBSA)
        err = mmio_add(&d->mmio, &other);
    if (err != CORBEL_OK)
        return err;
    spin_lock_init(&d->wdt.lock, RANK_VTIMER);
    timer_entry_init(&d->wdt.timer, TIMER_WATCHDOG, d);
    d->wdt.intid = intid;
    d->wdt.kind = d->cfg->watchdog;
    set_reset_state(&d->wdt);
    return CORBEL_OK;
}

void vwdt_stop(struct domain *d)
{
    if (d->wdt.kind == WATCHDOG_NONE)
        return;
    spin_lock(&d->wdt.lock);
    d->wdt.stopped = true;
    timer_cancel(&d->wdt.timer);
    spin_unlock(&d->wdt.lock);
}

void vwdt_reset(struct domain *d)
{
    if (d->wdt.kind == WATCHDOG_NONE)
        return;
    spin_lock(&d->wdt.lock);
    set_reset_state(&d->wdt);
    timer_cancel(&d->wdt.timer);
    if (d->wdt.kind == WATCHDOG_SBSA)
        vgic_set_line(d, d->wdt.intid, false);
    d->wdt.stopped = false;
    spin_unlock(&d->wdt.lock);
}

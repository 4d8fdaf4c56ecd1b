/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breakpoints, watchpoints and the OS lock of guests. Most never use them: as long as a vCPU's
 * are all zero, MDCR_EL2.TDA traps the first access, and nothing moves at a switch. From then
 * on they are the guest's without exits, saved and loaded with the vCPU, until a save finds
 * them all zero again. What a vCPU leaves behind in the CPU is harmless to the next one: its
 * MDSCR_EL1 says that none is enabled. EL2 is never stopped: debug exceptions go to EL1
 * (MDCR_EL2.TDE = 0), and from EL2 none is taken to a lower level (Arm ARM D2.4).
 */
#include <asm/debug.h>

#include <corbel/bits.h>
#include <corbel/string.h>
#include <corbel/vcpu.h>

#include <asm/features.h>
#include <asm/sysreg.h>

#define MDCR_TDA    BIT(9)
#define MDSCR_SS    BIT(0)
#define MDSCR_KDE   BIT(13)
#define MDSCR_MDE   BIT(15)
#define OSLSR_OSLM1 BIT(3) /* OSLM = 0b10: the lock is implemented */
#define OSLSR_OSLK  BIT(1)

/* F(n, kind) for each of the first count registers; the rest is not implemented. */
#define PAIR(F, n, limit, kind) \
    if ((n) >= (limit))         \
        return;                 \
    F(n, kind)
#define PAIRS(F, limit, kind) \
    PAIR(F, 0, limit, kind)   \
    PAIR(F, 1, limit, kind)   \
    PAIR(F, 2, limit, kind)   \
    PAIR(F, 3, limit, kind)   \
    PAIR(F, 4, limit, kind)   \
    PAIR(F, 5, limit, kind)   \
    PAIR(F, 6, limit, kind)   \
    PAIR(F, 7, limit, kind)   \
    PAIR(F, 8, limit, kind)   \
    PAIR(F, 9, limit, kind)   \
    PAIR(F, 10, limit, kind)  \
    PAIR(F, 11, limit, kind)  \
    PAIR(F, 12, limit, kind)  \
    PAIR(F, 13, limit, kind)  \
    PAIR(F, 14, limit, kind)  \
    PAIR(F, 15, limit, kind)

#define READ(n, kind)                                     \
    d->kind##vr[n] = read_sysreg(dbg##kind##vr##n##_el1); \
    d->kind##cr[n] = read_sysreg(dbg##kind##cr##n##_el1);
#define WRITE(n, kind)                                    \
    write_sysreg(d->kind##vr[n], dbg##kind##vr##n##_el1); \
    write_sysreg(d->kind##cr[n], dbg##kind##cr##n##_el1);

static void read_breakpoints(struct vcpu_debug *d)
{
    PAIRS(READ, cpu_features()->breakpoints, b)
}

static void read_watchpoints(struct vcpu_debug *d)
{
    PAIRS(READ, cpu_features()->watchpoints, w)
}

static void write_breakpoints(const struct vcpu_debug *d)
{
    PAIRS(WRITE, cpu_features()->breakpoints, b)
}

static void write_watchpoints(const struct vcpu_debug *d)
{
    PAIRS(WRITE, cpu_features()->watchpoints, w)
}

static bool is_zero(const struct vcpu_debug *d)
{
    u64 any = 0;

    for (u32 i = 0; i < cpu_features()->breakpoints; i++)
        any |= d->bvr[i] | d->bcr[i];
    for (u32 i = 0; i < cpu_features()->watchpoints; i++)
        any |= d->wvr[i] | d->wcr[i];
    return !any;
}

/* The ERET or the ISB that follows synchronizes it. */
static void trap(bool on)
{
    u64 mdcr = read_sysreg(mdcr_el2);

    write_sysreg(on ? mdcr | MDCR_TDA : mdcr & ~MDCR_TDA, mdcr_el2);
}

static void put_into_cpu(const struct vcpu_debug *d)
{
    write_breakpoints(d);
    write_watchpoints(d);
    write_sysreg(d->os_locked, oslar_el1);
    trap(false);
}

void vcpu_debug_reset(struct vcpu *v)
{
    memset(&v->arch.debug, 0, sizeof(v->arch.debug));
    v->arch.debug.os_locked = true;
}

void vcpu_debug_save(struct vcpu *v)
{
    struct vcpu_debug *d = &v->arch.debug;

    if (!d->live)
        return;
    read_breakpoints(d);
    read_watchpoints(d);
    d->live = (v->arch.mdscr_el1 & (MDSCR_SS | MDSCR_KDE | MDSCR_MDE)) || !is_zero(d);
}

/* The trap is set anew: a vCPU that was reset while it was loaded left it open. */
void vcpu_debug_load(struct vcpu *v)
{
    if (v->arch.debug.live)
        put_into_cpu(&v->arch.debug);
    else
        trap(true);
}

void vcpu_debug_take(struct vcpu *v)
{
    v->arch.debug.live = true;
    put_into_cpu(&v->arch.debug);
}

u64 vcpu_debug_oslsr(const struct vcpu *v)
{
    return OSLSR_OSLM1 | (v->arch.debug.os_locked ? OSLSR_OSLK : 0);
}

void vcpu_debug_oslar(struct vcpu *v, u64 value)
{
    v->arch.debug.os_locked = value & 1;
    if (v->arch.debug.live)
        write_sysreg(v->arch.debug.os_locked, oslar_el1);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breakpoints, watchpoints and the OS lock of guests. Most never use them: as long as a vCPU's
 * are all zero, MDCR_EL2.TDA traps the first access, and nothing moves at a switch. From then
 * on they are the guest's without exits, saved and loaded with the vCPU, until a save finds
 * them all zero again. What a vCPU leaves behind in the CPU is harmless to the next one: its
 * MDSCR_EL1 says that none is enabled. EL2 is never stopped: debug exceptions go to EL1
 * (MDCR_EL2.TDE = 0), and from EL2 none is taken to a lower level (Arm ARM D2.4).
 *
 * The CPU's own OS lock is never set, the guest's is only played: under it MDSCR_EL1.HDE and
 * INTdis can be written, and where external debug is allowed they would let a guest halt the
 * CPU, or keep EL2's interrupts from it. While a guest has locked, all its registers are in
 * memory, each access traps, and the CPU's MDSCR_EL1 enables nothing.
 */
#include <asm/debug.h>

#include <corbel/bits.h>
#include <corbel/string.h>
#include <corbel/vcpu.h>

#include <asm/features.h>
#include <asm/sysreg.h>

#define MDCR_TDA    BIT(9)
#define MDSCR_SS    BIT(0)
#define MDSCR_TDCC  BIT(12)
#define MDSCR_KDE   BIT(13)
#define MDSCR_MDE   BIT(15)
#define MDSCR_GUEST (MDSCR_SS | MDSCR_TDCC | MDSCR_KDE | MDSCR_MDE) /* not the debugger's */
#define OSLSR_OSLM1 BIT(3) /* OSLM = 0b10: the lock is implemented */
#define OSLSR_OSLK  BIT(1)

/* F(n, kind) for each of the first count registers; the rest is not implemented. */
#define STEP(F, n, kind) \
    case (n) + 1:        \
        F(n, kind)       \
        __fallthrough;
#define PAIRS(F, count, kind) \
    switch (count) {          \
        STEP(F, 15, kind)     \
        STEP(F, 14, kind)     \
        STEP(F, 13, kind)     \
        STEP(F, 12, kind)     \
        STEP(F, 11, kind)     \
        STEP(F, 10, kind)     \
        STEP(F, 9, kind)      \
        STEP(F, 8, kind)      \
        STEP(F, 7, kind)      \
        STEP(F, 6, kind)      \
        STEP(F, 5, kind)      \
        STEP(F, 4, kind)      \
        STEP(F, 3, kind)      \
        STEP(F, 2, kind)      \
        STEP(F, 1, kind)      \
        STEP(F, 0, kind)      \
    default:                  \
        break;                \
    }

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

u64 *vcpu_debug_locked_reg(struct vcpu *v, u32 crm, u32 op2)
{
    const struct cpu_features *f = cpu_features();
    struct vcpu_debug *d = &v->arch.debug;

    if (op2 < 4)
        return &d->mdscr;
    return crm < (op2 < 6 ? f->breakpoints : f->watchpoints) ? &d->by_op2[op2 & 3][crm] : NULL;
}

void vcpu_debug_oslar(struct vcpu *v, u64 value)
{
    struct vcpu_debug *d = &v->arch.debug;

    if (d->os_locked == (value & 1))
        return;
    d->os_locked = value & 1;
    if (!d->os_locked) {
        write_sysreg(d->mdscr & MDSCR_GUEST, mdscr_el1);
        vcpu_debug_take(v); /* the next save sees whether there was a reason */
        return;
    }
    d->mdscr = read_sysreg(mdscr_el1);
    write_sysreg(0, mdscr_el1);
    vcpu_debug_save(v);
    d->live = false;
    vcpu_debug_load(v);
}

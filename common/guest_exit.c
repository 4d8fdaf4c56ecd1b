/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other entry of common code (main.c is the first): a guest came to EL2. One switch
 * on the reason, one emulator asked, its answer acted upon; then what is due on this
 * CPU, and the vCPU to enter is returned. An exit runs to completion on the CPU's own
 * stack with interrupts masked; nothing here sleeps (design section 2, decisions 6 to 15).
 */
#include <corbel/guest_exit.h>

#include <arch/stage2.h>
#include <arch/vcpu.h>
#include <corbel/build.h>
#include <corbel/cpu.h>
#include <corbel/domain.h>
#include <corbel/guest_abort.h>
#include <corbel/irq.h>
#include <corbel/irq_dispatch.h>
#include <corbel/panic.h>
#include <corbel/run.h>
#include <corbel/vcpu.h>
#include <corbel/vdev.h>
#include <corbel/vpmu.h>
#include <corbel/vpsci.h>

static void act(struct vcpu *v, enum guest_action action)
{
    switch (action) {
    case ACT_RESUME:
    case ACT_OFF: /* vpsci.c paused it under the lock that a CPU_ON takes too */
        break;
    case ACT_BLOCK:
    case ACT_SUSPEND:
        run_block(v);
        break;
    case ACT_SHUTDOWN_OFF:
    case ACT_SHUTDOWN_RESET:
        guest_shutdown(v, action == ACT_SHUTDOWN_RESET);
        break;
    }
}

/*
 * Set/way operations cannot be done for a guest that moves between CPUs. What they are
 * for, leaving nothing in the caches before they are switched on or off, is done by
 * address: all RAM is cleaned at the first of them, and again at each switch until the
 * caches are on (design section 11.1).
 */
static bool setway(struct vcpu *v)
{
    if (arch_vcpu_caches_watched(v))
        return true;
    if (!build_clean_ram_step(v))
        return false;
    arch_vcpu_watch_caches(v, true);
    return true;
}

static bool sctlr_write(struct vcpu *v, u64 value)
{
    bool was_on = arch_vcpu_caches_on(v);

    if (arch_sctlr_caches_on(value) != was_on && !build_clean_ram_step(v))
        return false;
    arch_vcpu_write_sctlr(v, value);
    if (arch_sctlr_caches_on(value))
        arch_vcpu_watch_caches(v, false);
    return true;
}

/* ICC_*SGI*, ICC_DIR, CNTP_*, set/way: the registers that common code emulates. */
static void sysreg(struct vcpu *v, const struct guest_exit *e)
{
    u32 rt = e->u.sysreg.rt;
    u64 value = vcpu_reg_get(v, rt);
    bool write = e->u.sysreg.write;

    switch (e->u.sysreg.reg) {
    case TREG_ICC_SGI1R:
        vgic_write_sgi(v, value, true);
        break;
    case TREG_ICC_SGI0R:
    case TREG_ICC_ASGI1R:
        vgic_write_sgi(v, value, false);
        break;
    case TREG_ICC_DIR:
        vgic_write_dir(v, (u32)value);
        break;
    case TREG_CNTP_CTL:
    case TREG_CNTP_CVAL:
    case TREG_CNTP_TVAL: {
        enum vtimer_reg reg = (enum vtimer_reg)(e->u.sysreg.reg - TREG_CNTP_CTL + VTIMER_CNTP_CTL);

        if (write)
            vtimer_write(v, reg, value);
        else
            vcpu_reg_set(v, rt, vtimer_read(v, reg));
        break;
    }
    case TREG_SETWAY:
        if (!setway(v))
            return; /* not done: the instruction runs again (decision 14) */
        break;
    case TREG_SCTLR:
        if (!sctlr_write(v, value))
            return;
        break;
    }
    arch_vcpu_skip(v, true);
}

static void wfx(struct vcpu *v, const struct guest_exit *e)
{
    arch_vcpu_skip(v, e->il32);
    if (!e->u.wfx.wfe) {
        run_block(v);
        return;
    }
    sched_yield_unit(&v->unit);
    vcpu_kick(v, REQ_RESCHED);
}

static void undefined(struct vcpu *v, const struct guest_exit *e)
{
    if (e->reason == EXIT_UNEXPECTED && log_limit_ok(&v->domain->limit, v->domain->name))
        log_warn("%s: vCPU%u: exception without a meaning here, ESR 0x%08x at PC 0x%llx",
                 v->domain->name, v->id, e->u.raw.esr, (unsigned long long)v->regs.pc);
    if (!guest_is_stuck(v))
        arch_inject_undef(v);
}

struct vcpu *guest_exit_handle(struct vcpu *v, const struct guest_exit *e)
{
    switch (e->reason) {
    case EXIT_HVC:
        return guest_exit_call(v);
    case EXIT_SMC:
        arch_vcpu_skip(v, true); /* before the call: CPU_SUSPEND and OFF may not come back here */
        act(v, vsmccc_call(v));
        break;
    case EXIT_DATA_ABORT:
        guest_data_abort(v, e);
        break;
    case EXIT_INSN_ABORT:
        guest_insn_abort(v, e);
        break;
    case EXIT_SYSREG:
        sysreg(v, e);
        break;
    case EXIT_PMU:
        vpmu_update(v);
        break;
    case EXIT_WFX:
        wfx(v, e);
        break;
    case EXIT_SERROR:
        guest_serror(v, e->u.raw.esr);
        break;
    case EXIT_UNDEF:
    case EXIT_UNEXPECTED:
        undefined(v, e);
        break;
    default:
        break;
    }
    return run_due(v);
}

struct vcpu *guest_exit_call(struct vcpu *v)
{
    enum guest_action action = vsmccc_call(v);

    if (unlikely(action != ACT_RESUME))
        act(v, action);
    return run_due(v);
}

/* Over an instruction of 4 bytes. */
static inline void skip(struct vcpu *v)
{
    if (unlikely(!arch_regs_skip(&v->regs)))
        arch_vcpu_skip(v, true);
}

struct vcpu *guest_exit_wfi(struct vcpu *v)
{
    skip(v);
    run_block(v);
    return run_due(v);
}

struct vcpu *guest_exit_sgi(struct vcpu *v, u64 value)
{
    vgic_write_sgi(v, value, true);
    skip(v);
    return run_due(v);
}

struct vcpu *guest_exit_irq(struct vcpu *v, bool at_vector)
{
    struct cpu *cpu = cpu_this();

    irq_dispatch(cpu);
    if (unlikely(at_vector))
        guest_sample(v);
    if (unlikely(sched_should_yield(&cpu->sched))) /* every kick comes with an interrupt */
        return run_next(cpu);
    return run_due(v);
}

/* An access under way, all of it in memory: few registers live over the call of its emulator. */
struct access {
    struct mmio_access mmio;
    u32 rt;
};

/* Not in the region of the last access, or refused there: by all that guest_abort.c knows. */
static __noinline struct vcpu *data_abort(struct vcpu *v, const struct access *a, bool refused)
{
    struct guest_exit e = { .reason = EXIT_DATA_ABORT, .il32 = true };

    e.u.abort.gva = v->abort_gva;
    e.u.abort.ipa = a->mmio.ipa;
    e.u.abort.kind = ABORT_TRANSLATION;
    e.u.abort.size = (u8)a->mmio.size;
    e.u.abort.rt = (u8)a->rt;
    e.u.abort.isv = e.u.abort.rt64 = true;
    e.u.abort.write = a->mmio.write;
    if (refused)
        guest_data_refused(v, &e, v->region->ops->name);
    else
        guest_data_abort(v, &e);
    return run_due(v);
}

static inline u64 narrow(u64 value, u32 size)
{
    u32 unused = 64 - 8 * size;

    return value << unused >> unused;
}

struct vcpu *guest_exit_mmio(struct vcpu *v, ipa_t ipa, u32 rt, u32 size, bool write)
{
    const struct mmio_region *region = v->region;
    enum mmio_result result;
    struct access a;

    a.mmio.ipa = ipa;
    a.mmio.size = size;
    a.mmio.write = write;
    a.rt = rt;
    if (unlikely(ipa.v - region->base >= region->size))
        return data_abort(v, &a, false);
    a.mmio.offset = ipa.v - region->base;
    if (write)
        a.mmio.value = narrow(vcpu_reg_get(v, rt), size);
    result = mmio_access(v, region, &a.mmio);
    if (likely(result == MMIO_OK)) {
        if (!a.mmio.write)
            vcpu_reg_set(v, a.rt, narrow(a.mmio.value, a.mmio.size));
        skip(v);
    } else if (result == MMIO_ABORT) {
        return data_abort(v, &a, true);
    }
    return run_due(v); /* MMIO_RETRY: the same instruction runs again (design decision 14) */
}

struct vcpu *guest_exit_first(struct cpu *cpu)
{
    return run_next(cpu);
}

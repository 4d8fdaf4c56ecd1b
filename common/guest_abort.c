/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage-2 aborts of a guest: emulate, forward, let the instruction run again, or report in
 * one readable block and inject the external abort that the architecture would give for an
 * address nobody answers. Who is asked in which order: guest_data_abort().
 */
#include <corbel/guest_abort.h>

#include <arch/time.h>
#include <arch/vcpu.h>
#include <corbel/console.h>
#include <corbel/domain.h>
#include <corbel/guest_exit.h>
#include <corbel/guest_ldst.h>
#include <corbel/log.h>
#include <corbel/p2m.h>
#include <corbel/vcpu.h>
#include <corbel/vdev.h>

/* Nobody waits for a device at this rate: a fault and its handler take microseconds. */
#define STUCK_COUNT 1000u
#define STUCK_NS    1000000000ull
#define SAMPLE_NS   20000000ull

/* "nearest: RAM 0x40000000-0x48000000 below, ..." */
static void report_neighbours(struct vcpu *v, ipa_t ipa)
{
    struct p2m_near near;

    p2m_nearest(&v->domain->p2m, ipa, &near);
    if (near.has_below)
        log_warn("%s: vCPU%u:   below: %s 0x%llx-0x%llx", v->domain->name, v->id,
                 s2_class_name(near.below.attr.cls), (unsigned long long)near.below.ipa.v,
                 (unsigned long long)(near.below.ipa.v + near.below.size - 1));
    if (near.has_above)
        log_warn("%s: vCPU%u:   above: %s 0x%llx-0x%llx", v->domain->name, v->id,
                 s2_class_name(near.above.attr.cls), (unsigned long long)near.above.ipa.v,
                 (unsigned long long)(near.above.ipa.v + near.above.size - 1));
}

static __cold void report(struct vcpu *v, const struct guest_exit *e, const char *what)
{
    struct domain *d = v->domain;

    if (!log_limit_ok(&d->faults, d->name))
        return;
    if (e->reason == EXIT_INSN_ABORT)
        log_warn("%s: vCPU%u: unhandled instruction abort at IPA 0x%llx (%s)", d->name, v->id,
                 (unsigned long long)e->u.abort.ipa.v, what);
    else if (e->u.abort.isv)
        log_warn("%s: vCPU%u: unhandled data abort: %s of %u bytes at IPA 0x%llx (%s)", d->name,
                 v->id, e->u.abort.write ? "write" : "read", e->u.abort.size,
                 (unsigned long long)e->u.abort.ipa.v, what);
    else
        log_warn("%s: vCPU%u: unhandled data abort: access at IPA 0x%llx (%s)", d->name, v->id,
                 (unsigned long long)e->u.abort.ipa.v, what);
    report_neighbours(v, e->u.abort.ipa);
    log_warn("%s: vCPU%u:   FAR 0x%016llx", d->name, v->id, (unsigned long long)e->u.abort.gva);
    arch_vcpu_dump(v);
}

static void crash(struct vcpu *v, const char *why, u64 number)
{
    if (!domain_ends(v, SHUTDOWN_CRASH))
        return;
    log_err("%s: vCPU%u: crashed: %s 0x%llx", v->domain->name, v->id, why,
            (unsigned long long)number);
    guest_report_end(v);
    domain_shutdown(v->domain, SHUTDOWN_CRASH);
}

/* A guest that faults on its own exception vector makes no progress any more. */
static void check_vector(struct vcpu *v, u64 faulting_pc)
{
    if (v->regs.pc == faulting_pc)
        crash(v, "nothing can be fetched from its exception vector at", faulting_pc);
}

/*
 * A handler that gets as far as its first access, and faults there each time. Who probes for
 * devices returns somewhere else, so ELR_EL1 is that place when he probes again; who
 * tries one access until it works (returns to it) gets as many tries as fit into the count,
 * or one each millisecond for ever. User space never counts: EL1 has to deal with it.
 */
__cold bool guest_is_stuck(struct vcpu *v)
{
    struct abort_run *run = &v->aborts;
    u64 now = arch_time_now();

    if (!arch_vcpu_is_at_elr(v) || run->pc != v->regs.pc ||
        arch_time_to_ns(now - run->since) >= STUCK_NS)
        *run = (struct abort_run){ .pc = v->regs.pc, .since = now };
    if (++run->count < STUCK_COUNT)
        return false;
    run->count = 0;
    crash(v, "its exception handler comes from, and faults at", v->regs.pc);
    return true;
}

/*
 * Once is not enough: another vCPU may be about to map the page again (break-before-make). Its
 * timer, which only wakes, sees to it that there is a second time.
 */
void guest_sample(struct vcpu *v)
{
    struct abort_run *run = &v->aborts;
    u64 now = arch_time_now();

    if (likely(!arch_vcpu_is_in_vector_loop(v)))
        return;
    if (run->pc != v->regs.pc || !run->sampled) {
        *run = (struct abort_run){ .pc = v->regs.pc, .since = now, .sampled = true };
        vtimer_poke(v, now + arch_time_from_ns(SAMPLE_NS));
    } else if (arch_time_to_ns(now - run->since) >= SAMPLE_NS) {
        run->sampled = false;
        crash(v, "nothing can be run in its exception vector at", v->regs.pc);
    }
}

void guest_serror(struct vcpu *v, u32 esr)
{
    crash(v, "SError while it ran, syndrome", esr);
}

/*
 * Another CPU has mapped it since, or was about to (break-before-make): the p2m lock says
 * which, and the access finds it now. Never for permission faults: those would come again.
 */
static bool mapped_meanwhile(struct vcpu *v, const struct guest_exit *e)
{
    struct stage2_map map;

    return e->u.abort.kind == ABORT_TRANSLATION &&
           p2m_lookup(&v->domain->p2m, e->u.abort.ipa, &map) == CORBEL_OK;
}

void guest_insn_abort(struct vcpu *v, const struct guest_exit *e)
{
    u64 pc = v->regs.pc;
    const char *why = "the bus answered with an error";

    if (mapped_meanwhile(v, e))
        return;
    if (e->u.abort.kind == ABORT_PERMISSION)
        why = "not executable";
    else if (e->u.abort.kind == ABORT_TRANSLATION)
        why = "nothing is mapped there";
    report(v, e, why);
    if (guest_is_stuck(v))
        return;
    arch_inject_insn_abort(v, e->u.abort.gva, e->u.abort.s1ptw);
    check_vector(v, pc);
}

void guest_data_refused(struct vcpu *v, const struct guest_exit *e, const char *what)
{
    report(v, e, what);
    if (guest_is_stuck(v))
        return;
    arch_inject_data_abort(v, e->u.abort.gva, e->u.abort.s1ptw,
                           e->u.abort.write || e->u.abort.cache_op); /* CM: WnR reads 1 */
}

/* An emulated or forwarded register block takes the access, if there is one. */
static bool emulated(struct vcpu *v, const struct guest_exit *e)
{
    const struct mmio_region *region = mmio_find(&v->domain->mmio, e->u.abort.ipa);

    if (!region)
        return false;
    v->region = region;        /* the next one is likely to be there, too */
    if (e->u.abort.cache_op) { /* nothing of a device is ever in a cache */
        arch_vcpu_skip(v, e->il32);
        return true;
    }
    switch (e->u.abort.isv ? guest_ldst_syndrome(v, e, region) : guest_ldst_decode(v, e, region)) {
    case LDST_DONE:
    case LDST_RETRY: /* the same instruction runs again (design decision 14) */
        break;
    case LDST_ABORT:
        guest_data_refused(v, e, region->ops->name);
        break;
    case LDST_UNKNOWN:
        guest_data_refused(v, e, "an emulated device, by an instruction that is not emulated");
        break;
    }
    return true;
}

/* trap-unmapped-accesses = 0: reads as zero, ignores writes, as Xen has it. */
static bool ignored(struct vcpu *v, const struct guest_exit *e)
{
    if (v->domain->cfg->trap_unmapped)
        return false;
    if (e->u.abort.cache_op) {
        arch_vcpu_skip(v, e->il32);
        return true;
    }
    return (e->u.abort.isv ? guest_ldst_syndrome(v, e, NULL) : guest_ldst_decode(v, e, NULL)) ==
           LDST_DONE;
}

/*
 * The list: whoever may take the access, the one that is asked most before the others. Why
 * nobody does; NULL: somebody did. A permission fault may be a write to registers that are
 * mapped for reading (vuart.c). (Pinned pages and on-demand mappers have their place after
 * what was mapped meanwhile.)
 */
static const char *refused_because(struct vcpu *v, const struct guest_exit *e)
{
    bool walk = e->u.abort.s1ptw;

    if (e->u.abort.kind == ABORT_OTHER)
        return "the bus answered with an error";
    if (!walk && emulated(v, e))
        return NULL;
    if (mapped_meanwhile(v, e))
        return NULL;
    if (walk)
        return "a stage-1 table is there";
    if (e->u.abort.kind == ABORT_PERMISSION)
        return "not permitted";
    return ignored(v, e) ? NULL : "nothing is mapped there";
}

void guest_data_abort(struct vcpu *v, const struct guest_exit *e)
{
    const char *why = refused_because(v, e);

    if (why)
        guest_data_refused(v, e, why);
}

void guest_shutdown(struct vcpu *v, bool reset)
{
    enum shutdown_reason reason = reset ? SHUTDOWN_RESET : SHUTDOWN_POWEROFF;

    if (!domain_ends(v, reason))
        return;
    log_info("%s: %s", v->domain->name,
             reset ? "reset by PSCI SYSTEM_RESET" : "powered off by PSCI SYSTEM_OFF");
    if (reset)
        guest_report_end(v);
    domain_shutdown(v->domain, reason);
}

void guest_report_end(struct vcpu *v)
{
    struct domain *d = v->domain;

    for (u32 i = 0; i < d->vcpu_count; i++) {
        const struct vcpu *w = d->vcpus[i];

        log_info("%s: vCPU%u: PC 0x%016llx SP 0x%016llx PSTATE 0x%08llx %s", d->name, i,
                 (unsigned long long)w->regs.pc, (unsigned long long)arch_vcpu_sp(w),
                 (unsigned long long)w->regs.pstate, vcpu_is_off(w) ? "off" : "on");
    }
    log_info("%s: last console lines:", d->name);
    console_tail(d, CONSOLE_TAIL_LINES);
}

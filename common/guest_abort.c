/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage-2 aborts of a guest: emulate, or report in one readable block and inject the
 * external abort that the architecture would give for an address nobody answers.
 */
#include <corbel/guest_abort.h>

#include <arch/vcpu.h>
#include <corbel/console.h>
#include <corbel/domain.h>
#include <corbel/guest_exit.h>
#include <corbel/guest_ldst.h>
#include <corbel/log.h>
#include <corbel/p2m.h>
#include <corbel/vcpu.h>
#include <corbel/vdev.h>

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

static void report(struct vcpu *v, const struct guest_exit *e, const char *what)
{
    struct domain *d = v->domain;

    if (d->fault_reports >= FAULT_REPORTS_MAX) {
        if (d->fault_reports++ == FAULT_REPORTS_MAX)
            log_warn("%s: further faults are not reported", d->name);
        return;
    }
    d->fault_reports++;
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

/* A guest that faults on its own exception vector makes no progress any more. */
static bool vector_loop(struct vcpu *v, u64 faulting_pc)
{
    if (v->regs.pc != faulting_pc)
        return false;
    log_err("%s: vCPU%u: crashed: its exception vector at 0x%llx cannot be fetched",
            v->domain->name, v->id, (unsigned long long)faulting_pc);
    guest_report_end(v);
    domain_shutdown(v->domain, SHUTDOWN_CRASH);
    return true;
}

void guest_insn_abort(struct vcpu *v, const struct guest_exit *e)
{
    u64 pc = v->regs.pc;

    report(v, e,
           e->u.abort.kind == ABORT_PERMISSION ? "not executable" : "nothing is mapped there");
    arch_inject_insn_abort(v, e->u.abort.gva, e->u.abort.s1ptw);
    (void)vector_loop(v, pc);
}

static void inject_data(struct vcpu *v, const struct guest_exit *e, const char *what)
{
    report(v, e, what);
    arch_inject_data_abort(v, e->u.abort.gva, e->u.abort.s1ptw,
                           e->u.abort.write || e->u.abort.cache_op); /* CM: WnR reads 1 */
}

static void emulated(struct vcpu *v, const struct guest_exit *e, const struct mmio_region *region)
{
    if (e->u.abort.cache_op) { /* nothing of a device is ever in a cache */
        arch_vcpu_skip(v, e->il32);
        return;
    }
    switch (e->u.abort.isv ? guest_ldst_syndrome(v, e, region) : guest_ldst_decode(v, e, region)) {
    case LDST_DONE:
    case LDST_RETRY: /* the same instruction runs again (design decision 14) */
        break;
    case LDST_ABORT:
        inject_data(v, e, region->ops->name);
        break;
    case LDST_UNKNOWN:
        inject_data(v, e, "an emulated device, by an instruction that is not emulated");
        break;
    }
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

void guest_data_abort(struct vcpu *v, const struct guest_exit *e)
{
    const struct mmio_region *region;

    if (e->u.abort.s1ptw) {
        inject_data(v, e, "a stage-1 table is there");
        return;
    }
    if (e->u.abort.kind == ABORT_TRANSLATION) {
        region = mmio_find(&v->domain->mmio, e->u.abort.ipa);
        if (region) {
            emulated(v, e, region);
            return;
        }
        if (ignored(v, e))
            return;
        inject_data(v, e, "nothing is mapped there");
        return;
    }
    if (e->u.abort.kind == ABORT_PERMISSION)
        inject_data(v, e, "not permitted");
    else
        inject_data(v, e, "the bus answered with an error");
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

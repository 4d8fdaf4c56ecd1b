/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a CPU does between exits. Residency rules (design decision 10): vcpu->resident is
 * the CPU whose registers hold its EL1, FP, list-register and timer state. Only that CPU
 * loads or saves it; idling and running a task leave it resident; REQ_SAVE asks for it.
 */
#include <corbel/run.h>

#include <arch/stage2.h>
#include <arch/vcpu.h>
#include <corbel/build.h>
#include <corbel/console.h>
#include <corbel/cpu.h>
#include <corbel/domain.h>
#include <corbel/guest_abort.h>
#include <corbel/irq_dispatch.h>
#include <corbel/list.h>
#include <corbel/panic.h>
#include <corbel/vcpu.h>
#include <corbel/vgic.h>
#include <corbel/vpmu.h>

#define BLOCK_LOOKS 4u /* one is stale, mostly: a wake that its vCPU has seen by itself */

static bool vwfi_native; /* boot option, set once */

void run_set_vwfi_native(bool native)
{
    vwfi_native = native;
}

static bool take_req(struct vcpu *v, u32 bits)
{
    return __atomic_fetch_and(&v->req, ~bits, __ATOMIC_ACQ_REL) & bits;
}

static void save(struct vcpu *r)
{
    u64 esr;

    if (unlikely(arch_cpu_take_serror(&esr))) /* of what r did, not of who is next */
        guest_serror(r, (u32)esr);
    vtimer_save(r);
    vgic_save(r);
    vtimer_watch(r);
    arch_vcpu_save(r);
    if (unlikely(arch_pmu_is_live(&r->arch)))
        vpmu_saved(r);
}

/* Save what this CPU holds of r; from the release on another CPU may load it. */
static void give_up(struct cpu *cpu, struct vcpu *r)
{
    save(r);
    cpu->resident = NULL;
    cpu->current = NULL;
    __atomic_store_n(&r->resident, NULL, __ATOMIC_RELEASE);
    (void)take_req(r, REQ_SAVE);
    sched_release(&r->unit);
}

/* First entry after CPU_ON or boot: the power state says ON_PENDING. */
static void start_if_pending(struct vcpu *v)
{
    spin_lock(&v->domain->lock);
    if (v->power == VCPU_ON_PENDING) {
        arch_vcpu_reset(v, v->entry, v->context_id);
        vtimer_reset(v);
        vpmu_reset(v);
        v->clean_pos = 0;
        v->power = VCPU_ON;
    }
    spin_unlock(&v->domain->lock);
}

/* vwfi=native, or nobody else may ever run on this CPU: WFI need not trap. */
static bool run_wfi_traps(const struct vcpu *v)
{
    return !vwfi_native && sched_pool_policy(v->unit.pool) != SCHED_NULL;
}

static void load(struct cpu *cpu, struct vcpu *v)
{
    u16 *last = &cpu->last_vcpu[v->domain->id];

    if (v->power != VCPU_ON)
        start_if_pending(v);
    if (unlikely(v->pmu_line))
        vpmu_load(v);
    arch_vcpu_load(v);
    if (*last != v->id + 1) {
        if (*last)
            stage2_flush_local(); /* decision 18: the other vCPU may use the same ASIDs */
        *last = (u16)(v->id + 1);
    }
    vgic_load(v);
    vtimer_load(v);
    arch_vcpu_set_wfx(v, run_wfi_traps(v));
    cpu->resident = v;
    cpu->current = v;
    __atomic_store_n(&v->resident, cpu, __ATOMIC_RELEASE);
}

/* Requests of the vCPU resident here, whether it runs or not. */
static void serve_resident(struct cpu *cpu)
{
    struct vcpu *r = cpu->resident;

    if (!r)
        return;
    if (likely(!(__atomic_load_n(&r->req, __ATOMIC_ACQUIRE) & (REQ_FOLD | REQ_SAVE))))
        return;
    if (take_req(r, REQ_FOLD))
        vgic_fold(r);
    if (cpu->sched.running != &r->unit && take_req(r, REQ_SAVE)) {
        give_up(cpu, r);
        stage2_unload();
    }
}

static void switch_to(struct cpu *cpu, struct vcpu *v)
{
    if (cpu->resident == v && v->power == VCPU_ON) {
        cpu->current = v;
        return;
    }
    if (cpu->resident == v) { /* off and on again on this CPU: start from reset state */
        save(v);
    } else if (cpu->resident) {
        give_up(cpu, cpu->resident);
    }
    load(cpu, v);
}

static void idle(struct cpu *cpu)
{
    console_drain_rest();
    if (sched_should_yield(&cpu->sched))
        return;
    arch_cpu_idle();
    irq_dispatch(cpu);
}

/* The vCPU that runs here: serve its requests; true when it may go on. */
static bool keeps_running(struct cpu *cpu, struct vcpu *v)
{
    u32 req = __atomic_fetch_and(&v->req, (u32) ~(REQ_IRQ | REQ_RESCHED | REQ_PAUSE | REQ_SAVE),
                                 __ATOMIC_ACQ_REL);

    if (req & (REQ_RESCHED | REQ_PAUSE)) {
        if (req & REQ_IRQ)
            __atomic_fetch_or(&v->req, REQ_IRQ, __ATOMIC_RELAXED);
        return false;
    }
    if (req & REQ_IRQ)
        vgic_flush(v);
    return !sched_should_yield(&cpu->sched) && cpu->resident == v && v->power == VCPU_ON;
}

/* Choose what runs next; a vCPU whose state is on another CPU is asked for. */
static struct sched_unit *choose(struct cpu *cpu)
{
    struct sched_unit *unit = sched_next(cpu);
    struct sched_unit *wanted = sched_wants(&cpu->sched);

    if (wanted)
        vcpu_kick(list_entry(wanted, struct vcpu, unit), REQ_SAVE);
    return unit;
}

struct vcpu *run_next(struct cpu *cpu)
{
    for (;;) {
        struct sched_unit *unit = cpu->sched.running;
        struct vcpu *v;

        serve_resident(cpu);
        if (unit && unit->kind == UNIT_VCPU) {
            v = list_entry(unit, struct vcpu, unit);
            if (keeps_running(cpu, v) && !__atomic_load_n(&v->req, __ATOMIC_ACQUIRE))
                return v;
        }
        unit = choose(cpu);
        if (!unit) {
            idle(cpu);
            continue;
        }
        if (unit->kind == UNIT_TASK) {
            if (build_step(list_entry(unit, struct domain, task)) == TASK_IDLE)
                sched_block(unit);
            if (arch_cpu_irq_pending())
                irq_dispatch(cpu);
            continue;
        }
        v = list_entry(unit, struct vcpu, unit);
        switch_to(cpu, v);
        /* Requests may come as fast as they are served: others' interrupts do not wait for that. */
        if (arch_cpu_irq_pending())
            irq_dispatch(cpu);
        if (vgic_has_waiting(&v->vgic)) /* pending ones, once */
            __atomic_fetch_or(&v->req, REQ_IRQ, __ATOMIC_RELAXED);
    }
}

struct vcpu *run_requested(struct vcpu *v)
{
    struct cpu *cpu = cpu_this();
    u32 irq = REQ_IRQ;

    if (likely(__atomic_compare_exchange_n(&v->req, &irq, 0, false, __ATOMIC_ACQ_REL,
                                           __ATOMIC_RELAXED))) {
        vgic_flush(v);
        if (!read_once(v->req) && v->power == VCPU_ON && !sched_should_yield(&cpu->sched))
            return v;
    }
    return run_next(cpu);
}

/*
 * Who is woken all the time, for nothing that he waits for, goes on as if it were something: a
 * WFI may end early, and EL2 does not stay here as long as other vCPUs please.
 */
void run_block(struct vcpu *v)
{
    for (u32 looks = 0; looks < BLOCK_LOOKS && !vgic_pending(v) && vtimer_block(v); looks++) {
        if (!sched_block(&v->unit))
            continue; /* woken before: look again at what it waits for */
        __atomic_fetch_or(&v->req, REQ_RESCHED, __ATOMIC_RELAXED);
        /*
         * What came between the look and BLOCKED must not be lost (decision 31). Its own list
         * registers have not changed since: what comes is on the list.
         */
        if (vgic_has_waiting(&v->vgic) && vgic_pending(v))
            sched_wake(&v->unit);
        return;
    }
}

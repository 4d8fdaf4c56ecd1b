/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a domain, by its own task (build_step.c): vCPUs out of their CPUs, interrupts
 * and timers quiet, tables and TLBs, then RAM and all that it held, piece by piece (design
 * decision 34). No other CPU finds the domain any more when its memory goes. A domain that
 * restarts keeps what its plan holds (devices, chosen RAM, shared memory) and its structures,
 * and leaves for build_restart.c.
 */
#include <corbel/build.h>

#include <arch/cpu.h>
#include <arch/time.h>
#include <corbel/build_devices.h>
#include <corbel/build_job.h>
#include <corbel/domain.h>
#include <corbel/iommu.h>
#include <corbel/iommu_pci.h>
#include <corbel/lifecycle.h>
#include <corbel/log.h>
#include <corbel/quiet.h>
#include <corbel/vcpu.h>

#define UART_EMPTY_NS 10000000ull /* a FIFO of 32 characters at 38400 baud */

/* True when all that d wrote is at the host's UART, if that takes anything. */
static bool last_words(struct domain *d)
{
    if (!console_leave(d))
        return false;
    vuart_tx_ready(d); /* what its FIFO kept while the ring was full */
    return console_leave(d);
}

/* The machine's end, too, if the firmware obeys. */
static void reset_machine(struct domain *d)
{
    u64 end;

    while (!last_words(d))
        ;
    console_flush();
    end = arch_time_now() + arch_time_from_ns(UART_EMPTY_NS);
    while (arch_time_now() < end)
        ;
    arch_machine_reset();
    log_err("%s: the firmware has not reset the machine: halted", d->name);
}

/* What was left out of the log since it was last said. */
static void end_limits(struct domain *d)
{
    log_limit_end(&d->limit, d->name);
    log_limit_end(&d->faults, d->name);
    log_limit_end(&d->iommu.limit, d->name);
}

/* The line that says why it ended and what comes next. */
static enum domcfg_action what_next(struct domain *d)
{
    enum domcfg_action next;
    struct lifecycle_text line;

    next = lifecycle_decide(&d->life, d->cfg, (enum shutdown_reason)d->reason,
                            arch_time_to_ns(arch_time_now()), &line);
    if (line.text[0])
        log_info("%s: %s", d->name, line.text);
    if (next == ACTION_HOST_RESET)
        reset_machine(d);
    else if (next == ACTION_RESTART && !p2m_is_lost(&d->p2m) && !iommu_has_failed(d))
        return ACTION_RESTART;
    else if (next == ACTION_RESTART)
        log_err("%s: not restarted: devices may still reach its memory: halted", d->name);
    return ACTION_HALT;
}

/*
 * Its devices reach nothing any more, first of all; an error of that is logged, and its frames
 * stay where they are (p2m_is_lost()). Its vCPUs are paused. One round later no CPU is about to
 * load one that it chose before.
 */
enum task_result build_end_begin(struct domain *d)
{
    vwdt_stop(d);
    if (iommu_detach(d) != CORBEL_OK)
        log_err("%s: what it was given stays with it", d->name);
    build_count(d, false); /* it may have been stopped before it ever ran */
    end_limits(d);
    d->next = (u8)what_next(d);
    d->quiet_round = quiet_begin();
    d->freed = 0;
    d->stage = END_WAIT;
    return TASK_AGAIN;
}

/* Every vCPU must have left its CPU: no register, list register or VTTBR of d is live. */
static enum task_result stage_wait(struct domain *d)
{
    bool out = quiet_is_over(d->quiet_round);

    for (u32 i = 0; i < d->vcpu_count; i++) {
        struct vcpu *v = d->vcpus[i];

        /* RUNNING without residency: picked on another CPU, about to be loaded. */
        if (__atomic_load_n(&v->unit.state, __ATOMIC_ACQUIRE) != UNIT_RUNNING &&
            !__atomic_load_n(&v->resident, __ATOMIC_ACQUIRE))
            continue;
        out = false;
        vcpu_kick(v, REQ_SAVE);
    }
    if (out) {
        d->clean_pos = 0;
        d->stage = END_BUSES;
    }
    return TASK_AGAIN;
}

/* After its last instruction: it could switch bus mastering on again. */
static enum task_result stage_buses(struct domain *d)
{
    if (iommu_pci_quiet_step(&d->plan->pass, &d->clean_pos) != ERR_AGAIN)
        d->stage = END_RELEASE;
    return TASK_AGAIN;
}

/* Nothing of the outside world reaches it any more, but all stays its own. */
static void silence(struct domain *d)
{
    vgic_mask_spis(d);
    vuart_stop(d);
}

static void release(struct domain *d)
{
    for (u32 i = 0; i < d->vcpu_count; i++)
        sched_unit_remove(&d->vcpus[i]->unit);
    build_devices_quiet(d);
    if (d->arena.base)
        console_detach(d);
    d->vcpu_count = 0; /* reports and debug keys of other CPUs find none any more */
}

static enum task_result stage_release(struct domain *d)
{
    if (d->next != ACTION_RESTART && !last_words(d))
        return TASK_AGAIN;
    for (u32 i = 0; i < d->vcpu_count; i++)
        vtimer_reset(d->vcpus[i]); /* and not armed again by an expiry under way elsewhere */
    if (d->next == ACTION_RESTART)
        silence(d);
    else
        release(d);
    d->freed += d->p2m.ram_size; /* the steps to come count it down */
    d->quiet_round = quiet_begin();
    d->stage = END_QUIET;
    return TASK_AGAIN;
}

/* An expiry, a typed character or a debug key of another CPU may have found d just before. */
static enum task_result stage_quiet(struct domain *d)
{
    if (quiet_is_over(d->quiet_round))
        d->stage = END_MEMORY;
    return TASK_AGAIN;
}

static enum task_result stage_memory(struct domain *d)
{
    if (p2m_destroy_step(&d->p2m) == ERR_AGAIN)
        return TASK_AGAIN;
    d->clean_pos = 0;
    d->stage = END_REGIONS;
    if (d->next == ACTION_RESTART && p2m_is_lost(&d->p2m)) {
        log_err("%s: not restarted: devices may still reach its memory: halted", d->name);
        d->next = ACTION_HALT;
        d->stage = END_RELEASE;
    }
    return TASK_AGAIN;
}

static enum task_result stage_regions(struct domain *d)
{
    u64 frames;

    if (build_devices_clean_step(d, &d->clean_pos) == ERR_AGAIN)
        return TASK_AGAIN;
    if (d->next == ACTION_RESTART) {
        d->stage = END_SUMS;
        return TASK_AGAIN;
    }
    if (!p2m_is_lost(&d->p2m)) { /* else devices may still write to what it shared */
        if (build_devices_put_step(d) == ERR_AGAIN)
            return TASK_AGAIN;
        build_devices_release(d);
    }
    arena_destroy(&d->arena);
    vuart_free(d);
    if (d->job)
        heap_free(d->job, ALIGN_UP(sizeof(*d->job), PAGE_SIZE));
    d->job = NULL;
    build_dtb_free(d);
    d->state = DOMAIN_DEAD;
    d->stage = END_DEAD;
    build_modules_release();
    frames = page_free_count();
    log_info("%s: destroyed, %llu KiB %s", d->name, (unsigned long long)(d->freed >> 10),
             p2m_is_lost(&d->p2m) ? "kept" : "freed");
    log_info("memory: %llu KiB free", (unsigned long long)(frames * (PAGE_SIZE >> 10)));
    return TASK_IDLE;
}

enum task_result build_end_step(struct domain *d)
{
    switch (d->stage) {
    case END_WAIT:
        return stage_wait(d);
    case END_BUSES:
        return stage_buses(d);
    case END_RELEASE:
        return stage_release(d);
    case END_QUIET:
        return stage_quiet(d);
    case END_MEMORY:
        return stage_memory(d);
    case END_REGIONS:
        return stage_regions(d);
    case END_SUMS:
    case END_AGAIN:
        return build_restart_step(d);
    default: /* gone */
        return TASK_IDLE;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a domain, by its own task (build_step.c): vCPUs out of their CPUs, interrupts
 * and timers quiet, tables and TLBs, then RAM and all that it held, piece by piece (design
 * decision 34). No other CPU finds the domain any more when its memory goes.
 */
#include <corbel/build.h>

#include <corbel/build_devices.h>
#include <corbel/build_job.h>
#include <corbel/domain.h>
#include <corbel/iommu.h>
#include <corbel/iommu_pci.h>
#include <corbel/log.h>
#include <corbel/quiet.h>
#include <corbel/vcpu.h>

/*
 * Its devices reach nothing any more, first of all; an error of that is logged, and its frames
 * stay where they are (p2m_is_lost()). Its vCPUs are paused. One round later no CPU is about to
 * load one that it chose before.
 */
enum task_result build_end_begin(struct domain *d)
{
    if (iommu_detach(d) != CORBEL_OK)
        log_err("%s: what it was given stays with it", d->name);
    d->quiet_round = quiet_begin();
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

static enum task_result stage_release(struct domain *d)
{
    for (u32 i = 0; i < d->vcpu_count; i++) {
        vtimer_reset(d->vcpus[i]); /* and not armed again by an expiry under way elsewhere */
        sched_unit_remove(&d->vcpus[i]->unit);
    }
    build_devices_quiet(d);
    if (d->arena.base)
        console_detach(d);
    d->vcpu_count = 0;          /* reports and debug keys of other CPUs find none any more */
    d->freed = d->p2m.ram_size; /* the steps to come count it down */
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
    return TASK_AGAIN;
}

static enum task_result stage_regions(struct domain *d)
{
    u64 frames;

    if (build_devices_clean_step(d, &d->clean_pos) == ERR_AGAIN)
        return TASK_AGAIN;
    if (!p2m_is_lost(&d->p2m)) { /* else devices may still write to what it shared */
        if (build_devices_put_step(d) == ERR_AGAIN)
            return TASK_AGAIN;
        build_devices_release(d);
    }
    arena_destroy(&d->arena);
    if (d->job)
        heap_free(d->job, ALIGN_UP(sizeof(*d->job), PAGE_SIZE));
    d->job = NULL;
    frames = page_free_count();
    d->state = DOMAIN_DEAD;
    d->stage = END_DEAD;
    log_info("%s: destroyed, %llu KiB freed", d->name, (unsigned long long)(d->freed >> 10));
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
    default: /* gone */
        return TASK_IDLE;
    }
}

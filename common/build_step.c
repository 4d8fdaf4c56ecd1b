/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The task of a domain: a machine of small steps that fills its memory, starts it, and
 * takes everything back in the end (design decisions 12, 34; build_end.c), or starts it again
 * (build_restart.c). Runs on whatever CPU the scheduler gives it; nothing else touches
 * d->stage and d->job.
 */
#include <corbel/build.h>

#include <arch/cache.h>
#include <arch/stage2.h>
#include <arch/time.h>
#include <corbel/bits.h>
#include <corbel/build_devices.h>
#include <corbel/build_job.h>
#include <corbel/domain.h>
#include <corbel/iommu.h>
#include <corbel/irq.h>
#include <corbel/log.h>
#include <corbel/panic.h>
#include <corbel/plan.h>
#include <corbel/platform.h>
#include <corbel/printf.h>
#include <corbel/string.h>
#include <corbel/vcpu.h>

#define SCRUB_STEP SZ_64K
#define CLEAN_STEP SZ_64K
#define MAP_STEP   (8 * SZ_1M) /* by single pages: four tables */

/* The domain cannot be built: name what is wrong at path and go straight to the teardown. */
static enum task_result give_up(struct domain *d, const char *path, const char *why)
{
    log_err("%s: %s: %s: %s", d->name, d->life.restarts ? "not restarted" : "refused", path, why);
    build_count(d, false);
    domain_shutdown(d, SHUTDOWN_NONE);
    return TASK_AGAIN;
}

/* Largest naturally aligned chunk that fits the rest of the bank, halved until one is free. */
static enum corbel_err alloc_chunk(u64 ipa, u64 left, struct p2m_bank *bank)
{
    u32 order = bit_highest(MIN(left, SZ_1G) >> PAGE_SHIFT);

    while (order && !IS_ALIGNED(ipa, PAGE_SIZE << order))
        order--;
    for (;; order--) {
        if (page_alloc(order, 0, &bank->pa) == CORBEL_OK)
            break;
        if (!order)
            return ERR_NOMEM;
    }
    bank->ipa = IPA(ipa);
    bank->size = PAGE_SIZE << order;
    bank->is_static = false;
    return CORBEL_OK;
}

static enum task_result give_up_memory(struct domain *d, const char *expected)
{
    char why[96];

    fmt_snprintf(why, sizeof(why), "memory = 0x%llx: expected %s",
                 (unsigned long long)(d->cfg->memory >> 10), expected);
    return give_up(d, d->cfg->path, why);
}

static enum task_result give_up_module(struct domain *d, const struct domcfg_module *m,
                                       const char *expected)
{
    char why[128];

    fmt_snprintf(why, sizeof(why), "reg = 0x%llx+0x%llx: expected %s",
                 (unsigned long long)m->range.base, (unsigned long long)m->range.size, expected);
    return give_up(d, m->path, why);
}

/* The next piece of the RAM that the plan chose, and keeps: a restart is at the same place. */
static void take_chosen(struct domain *d, u64 ipa, u64 left, struct p2m_bank *bank)
{
    const struct mem_range *from = &d->plan->banks[d->job->bank];
    u64 pa = from->base + d->job->bank_pos;
    u64 unit = IS_ALIGNED(ipa ^ pa, SZ_2M) ? SZ_1G : MAP_STEP;
    u64 step = ALIGN_DOWN(ipa, unit) + unit - ipa; /* no block is split at a piece's end */

    bank->ipa = IPA(ipa);
    bank->pa = PA(pa);
    bank->size = MIN(MIN(left, from->size - d->job->bank_pos), step);
    bank->is_static = true;
}

static void hand_over(struct domain *d, u64 size)
{
    d->job->bank_pos += size;
    if (d->job->bank_pos < d->plan->banks[d->job->bank].size)
        return;
    d->job->bank++;
    d->job->bank_pos = 0;
}

/*
 * Chosen RAM was zeroed when its former life ended. What the allocator gives after a restart
 * may be anybody's, never used since the machine was switched on.
 */
static bool wants_scrub(const struct domain *d)
{
    return d->life.restarts ? !d->plan->bank_count : d->scrub_ram;
}

/* One chunk of RAM per step. */
static enum task_result stage_ram(struct domain *d)
{
    const struct addrmap_entry *e = addrmap_find(d->map, MAP_RAM, d->job->map_index);
    bool chosen = d->plan->bank_count != 0;
    struct p2m_bank bank;

    if (!e) {
        d->job->pos = 0;
        d->stage = wants_scrub(d) ? BUILD_SCRUB : BUILD_KERNEL;
        return TASK_AGAIN;
    }
    if (chosen)
        take_chosen(d, e->base + d->job->pos, e->size - d->job->pos, &bank);
    else if (alloc_chunk(e->base + d->job->pos, e->size - d->job->pos, &bank) != CORBEL_OK)
        return give_up_memory(d, "that much free memory, in KiB");
    if (p2m_add_ram(&d->p2m, &bank) != CORBEL_OK) {
        if (!chosen)
            page_free_range(bank.pa, bank.size);
        return give_up_memory(d, "free memory in fewer pieces");
    }
    if (chosen)
        hand_over(d, bank.size);
    d->job->pos += bank.size;
    if (d->job->pos == e->size) {
        d->job->pos = 0;
        d->job->map_index++;
    }
    return TASK_AGAIN;
}

static enum task_result stage_scrub(struct domain *d)
{
    u64 pos = d->job->pos;

    for (u32 i = 0; i < d->p2m.bank_count; i++) {
        const struct p2m_bank *b = &d->p2m.banks[i];

        if (pos < b->size) {
            u64 n = MIN(b->size - pos, SCRUB_STEP);
            u64 covered = build_load_covers(d, b->ipa.v + pos, &n);

            if (!covered)
                page_scrub(pa_add(b->pa, pos), n);
            d->job->pos += covered ? MIN(covered, b->size - pos) : n;
            return TASK_AGAIN;
        }
        pos -= b->size;
    }
    d->job->pos = 0;
    d->stage = BUILD_KERNEL;
    return TASK_AGAIN;
}

static enum task_result stage_copy(struct domain *d)
{
    bool kernel = d->stage == BUILD_KERNEL;
    enum corbel_err err = kernel ? build_load_kernel(d, d->job) : build_load_ramdisk(d, d->job);

    if (err == ERR_AGAIN)
        return TASK_AGAIN;
    if (err != CORBEL_OK)
        return kernel ? give_up_module(d, &d->cfg->kernel, "an undamaged gzip stream")
                      : give_up_module(d, &d->cfg->ramdisk, "data that fits its place in RAM");
    d->job->pos = 0;
    d->stage = kernel ? BUILD_RAMDISK : BUILD_CLEAN;
    return TASK_AGAIN;
}

static enum task_result stage_clean(struct domain *d)
{
    if (build_devices_clean_step(d, &d->job->pos) == ERR_AGAIN)
        return TASK_AGAIN;
    d->job->pos = 0;
    d->stage = BUILD_MAP;
    return TASK_AGAIN;
}

static enum task_result stage_map(struct domain *d)
{
    enum corbel_err err = build_devices_map_step(d, &d->job->pos);

    if (err == ERR_AGAIN)
        return TASK_AGAIN;
    if (err != CORBEL_OK)
        return give_up(d, d->cfg->path, "(stage 2) = (as planned): expected tables for it");
    d->stage = BUILD_START;
    return TASK_AGAIN;
}

/* The CPU interface of a GICv2 guest is the host's GICV, at its fixed guest address. */
static enum corbel_err map_gicv(struct domain *d)
{
    const struct addrmap_entry *e = addrmap_find(d->map, MAP_GICC, 0);

    if (!e || build_platform()->gic.version != GIC_V2)
        return CORBEL_OK;
    /* Not the tree's address: where pages repeat each 64 KiB the second half is elsewhere. */
    return p2m_map(&d->p2m, IPA(e->base), PA(gic->guest_gicc.base), e->size, S2_GIC);
}

/*
 * Written once, before the first start, while d holds the boot's code: without a start there is
 * no restart (lifecycle.c).
 */
static __init_caller enum corbel_err write_dtb(struct domain *d)
{
    CORBEL_ASSERT(!build_is_counted(d));
    return build_dtb_write(d);
}

/* False: somebody has stopped it meanwhile, a device of it that ran wild. */
static bool start_vcpu0(struct domain *d)
{
    struct vcpu *v = d->vcpus[0];
    bool starts;

    d->cntvoff = arch_time_now();
    spin_lock(&d->lock);
    starts = d->state == DOMAIN_BUILDING;
    if (starts) {
        v->entry = d->plan->place.entry;
        v->context_id = d->plan->place.dtb;
        v->power = VCPU_ON_PENDING;
        d->state = DOMAIN_RUNNING;
        sched_unpause(&v->unit); /* under the lock: domain_shutdown() pauses it for good */
    }
    spin_unlock(&d->lock);
    if (starts)
        sched_wake(&v->unit);
    return starts;
}

/* What its first start alone needed, and what each one is reported with. */
static void note_start(struct domain *d)
{
    struct plan_env env;

    build_plan_env(&env);
    plan_drop_tree(&env, d->plan); /* d->dtb has what the guest shall see of it */
    if (!lifecycle_may_restart(d->cfg))
        build_dtb_free(d);
    heap_free(d->job, ALIGN_UP(sizeof(*d->job), PAGE_SIZE));
    d->job = NULL;
    log_info("%s: started: %llu KiB, %u vCPUs, %u of %u table pages", d->name,
             (unsigned long long)(d->p2m.ram_size >> 10), d->vcpu_count, d->p2m.pool.used,
             d->p2m.pool.pages);
    if (d->life.restarts)
        log_info("memory: %llu KiB free",
                 (unsigned long long)(page_free_count() * PAGE_SIZE >> 10));
    if (d->report)
        p2m_report(&d->p2m, d->name);
}

static enum task_result stage_start(struct domain *d)
{
    char why[160];

    if (map_gicv(d) != CORBEL_OK)
        return give_up(d, d->cfg->path, "(stage 2) = (as planned): expected tables for it");
    if ((!d->dtb.blob && write_dtb(d) != CORBEL_OK) || build_load_dtb(d) != CORBEL_OK)
        return give_up(d, d->cfg->path, "(device tree) = (as built): expected room for it");
    if (iommu_attach(d, why, sizeof(why)) != CORBEL_OK)
        return give_up(d, d->cfg->path, why);
    vuart_start(d);
    arch_icache_inval_all(); /* code was written: decision list section 11.1 */
    note_start(d);
    if (!start_vcpu0(d))
        return TASK_AGAIN;
    d->life.started = true;
    d->stage = BUILD_SUMS;
    build_count(d, true);
    return TASK_AGAIN;
}

enum task_result build_step(struct domain *d)
{
    if (d->state == DOMAIN_RUNNING && iommu_has_failed(d))
        domain_shutdown(d, SHUTDOWN_CRASH);
    /* Acquire: pairs with domain_shutdown(); the reason is there. */
    if (__atomic_load_n(&d->state, __ATOMIC_ACQUIRE) == DOMAIN_STOPPING && d->stage <= BUILD_DONE)
        return build_end_begin(d);
    switch (d->stage) {
    case BUILD_RAM:
        return stage_ram(d);
    case BUILD_SCRUB:
        return stage_scrub(d);
    case BUILD_KERNEL:
    case BUILD_RAMDISK:
        return stage_copy(d);
    case BUILD_CLEAN:
        return stage_clean(d);
    case BUILD_MAP:
        return stage_map(d);
    case BUILD_START:
        return stage_start(d);
    case BUILD_SUMS:
        return build_sums_step(d);
    case BUILD_DONE:
        return TASK_IDLE;
    default:
        return build_end_step(d);
    }
}

bool build_clean_ram_step(struct vcpu *v)
{
    const struct p2m *p2m = &v->domain->p2m;
    u64 pos = v->clean_pos, before;

    for (u32 i = 0; i < p2m->bank_count; i++) {
        const struct p2m_bank *b = &p2m->banks[i];

        if (pos < b->size) {
            u64 n = MIN(b->size - pos, CLEAN_STEP);

            page_clean(pa_add(b->pa, pos), n);
            v->clean_pos += n;
            return false;
        }
        pos -= b->size;
    }
    before = pos;
    if (build_devices_clean_step(v->domain, &pos) == ERR_AGAIN) {
        v->clean_pos += pos - before;
        return false;
    }
    v->clean_pos = 0;
    return true;
}

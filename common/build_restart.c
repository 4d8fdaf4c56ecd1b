/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the end of a domain back to its beginning (docs/lifecycle.md): the same plan, devices,
 * addresses, vCPUs and console, everything in its first state, and modules that nobody has
 * changed meanwhile. To know that, each is summed up once the domain has started, and again
 * before it is copied again. Whatever stands against a restart leads to the domain's final end.
 */
#include <corbel/build.h>

#include <arch/mmu.h>
#include <corbel/bits.h>
#include <corbel/build_job.h>
#include <corbel/domain.h>
#include <corbel/drbg.h>
#include <corbel/lifecycle.h>
#include <corbel/log.h>
#include <corbel/plan.h>
#include <corbel/platform.h>
#include <corbel/polyhash.h>
#include <corbel/printf.h>
#include <corbel/string.h>
#include <corbel/vcpu.h>
#include <corbel/vpmu.h>

#define SUM_STEP SZ_16K /* about 50,000 instructions */

static const struct domcfg_module *module_of(const struct domain *d, u32 n)
{
    return n == 0 ? &d->cfg->kernel : &d->cfg->ramdisk;
}

/* The next piece; true at the end of the module. */
static bool sum_piece(struct module_sums *s, const struct mem_range *module)
{
    u64 at = module->base + s->pos;
    u64 n = arch_window_part(at, MIN(module->size - s->pos, SUM_STEP));

    if (!s->pos)
        polyhash_begin(&s->hash, s->key);
    if (n) {
        polyhash_add(&s->hash, arch_window_open_range(WINDOW_LARGE_A, PA(at), n, EL2_RODATA), n);
        arch_window_close(WINDOW_LARGE_A);
    }
    s->pos += n;
    return s->pos == module->size;
}

/* On with the module under way. True: that one is done, *sum is its value. */
static bool sum_step(struct domain *d, u64 *sum)
{
    struct module_sums *s = &d->sums;

    if (!sum_piece(s, &module_of(d, s->module)->range))
        return false;
    *sum = polyhash_end(&s->hash);
    s->pos = 0;
    s->module++;
    return true;
}

/* True when all are taken. The key is nobody's but this domain's. */
static bool take_sums(struct domain *d)
{
    struct module_sums *s = &d->sums;
    u32 n = s->module;

    if (!s->begun)
        drbg_bytes(&s->key, sizeof(s->key));
    s->begun = true;
    if (!s->taken && sum_step(d, &s->sums[n]) && s->module == SUMMED_MODULES) {
        s->taken = true;
        s->module = 0;
    }
    return s->taken;
}

enum task_result build_sums_step(struct domain *d)
{
    if (lifecycle_may_restart(d->cfg) && !take_sums(d))
        return TASK_AGAIN;
    d->stage = BUILD_DONE;
    return TASK_IDLE;
}

/* Nothing comes next but the end: everything that a restart would have kept goes, too. */
static enum task_result give_up(struct domain *d, const char *why)
{
    log_err("%s: not restarted: %s: halted", d->name, why);
    d->next = ACTION_HALT;
    d->stage = END_RELEASE;
    return TASK_AGAIN;
}

static enum task_result give_up_module(struct domain *d, u32 n)
{
    const struct domcfg_module *m = module_of(d, n);
    char why[224];

    fmt_snprintf(why, sizeof(why), "%s: reg = 0x%llx+0x%llx: expected what was there at its start",
                 m->path, (unsigned long long)m->range.base, (unsigned long long)m->range.size);
    return give_up(d, why);
}

/* What the first start left to be done, then the comparison. */
static enum task_result stage_sums(struct domain *d)
{
    struct module_sums *s = &d->sums;
    u32 n = s->module;
    u64 sum;

    if (!s->taken) {
        if (take_sums(d))
            d->stage = END_AGAIN;
        return TASK_AGAIN;
    }
    if (!sum_step(d, &sum))
        return TASK_AGAIN;
    if (sum != s->sums[n])
        return give_up_module(d, n);
    if (s->module == SUMMED_MODULES) {
        s->module = 0;
        d->stage = END_AGAIN;
    }
    return TASK_AGAIN;
}

/* As it was made by build.c. Registers: arch_vcpu_reset() when it is first loaded. */
static void reset_vcpu(struct vcpu *v)
{
    __atomic_store_n(&v->req, 0, __ATOMIC_RELAXED);
    v->power = VCPU_OFF; /* and its unit stays paused */
    v->pause_count = 0;
    v->entry = v->context_id = 0;
    v->clean_pos = 0;
    v->aborts = (struct abort_run){ 0 };
    vtimer_reset(v);
    vpmu_reset(v);
}

/* A new life begins on a line of its own. */
static void end_line(struct domain *d)
{
    const struct console_ring *r = &d->console;

    if (r->data && r->head && r->data[(r->head - 1) % CONSOLE_RING_SIZE] != '\n')
        (void)console_putc(d, '\n');
}

static enum task_result stage_again(struct domain *d)
{
    if (!d->job)
        d->job = heap_alloc(ALIGN_UP(sizeof(*d->job), PAGE_SIZE));
    if (!d->job || build_make_tables(d) != CORBEL_OK)
        return give_up(d, "no hypervisor memory for its tables");
    memset(d->job, 0, sizeof(*d->job));
    vgic_reset(d);
    vuart_reset(d);
    vwdt_reset(d);
    for (u32 i = 0; i < d->vcpu_count; i++)
        reset_vcpu(d->vcpus[i]);
    end_line(d);
    d->clean_pos = 0;
    d->stage = BUILD_RAM;
    spin_lock(&d->lock);
    d->reason = SHUTDOWN_NONE;
    d->state = DOMAIN_BUILDING;
    spin_unlock(&d->lock);
    return TASK_AGAIN;
}

enum task_result build_restart_step(struct domain *d)
{
    return d->stage == END_SUMS ? stage_sums(d) : stage_again(d);
}

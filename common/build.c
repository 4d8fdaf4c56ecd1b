/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a node of the device tree to a domain that is ready to be built: parse, probe the
 * kernel, solve the address map, reserve what the domain needs in EL2. Nothing of it
 * survives a refusal. The memory itself is filled by the domain's task (build_step.c).
 */
#include <corbel/build.h>

#include <arch/stage2.h>
#include <arch/time.h>
#include <corbel/addrmap.h>
#include <corbel/bits.h>
#include <corbel/build_devices.h>
#include <corbel/build_job.h>
#include <corbel/cpu.h>
#include <corbel/domain.h>
#include <corbel/domprop.h>
#include <corbel/fdt_read.h>
#include <corbel/iommu.h>
#include <corbel/irq.h>
#include <corbel/log.h>
#include <corbel/panic.h>
#include <corbel/plan.h>
#include <corbel/printf.h>
#include <corbel/string.h>

#define POKE_NS 1000000000ull

/* CPU pools of the tree: boot CPU fills it, read while domains are created. */
static struct {
    u32 phandle;
    struct sched_pool *pool;
} pools[8];
static u32 pool_count;
static struct sched_pool *boot_pool; /* the one that holds the boot CPU: Xen's Pool-0 */

void build_pools(const struct platform *p)
{
    struct poolcfg cfg;
    struct cfg_error e;

    for (int n = poolcfg_next(p->fdt, -1); n >= 0; n = poolcfg_next(p->fdt, n)) {
        struct sched_pool *pool;

        if (poolcfg_parse(p, n, &cfg, &e) != CORBEL_OK) {
            log_err("CPU pool refused: %s", e.text);
            continue;
        }
        pool = pool_count < ARRAY_SIZE(pools)
                   ? sched_pool_create(cfg.cpus, (enum sched_policy)cfg.policy)
                   : NULL;
        if (!pool) {
            log_err("CPU pool %s refused: a CPU of it is in another pool, or too many pools",
                    cfg.name);
            continue;
        }
        if (cfg.cpus & BIT(cpu_this()->id))
            boot_pool = pool;
        pools[pool_count].phandle = cfg.phandle;
        pools[pool_count++].pool = pool;
        log_info("CPU pool %s: CPUs 0x%llx", cfg.name, (unsigned long long)cfg.cpus);
    }
}

static struct sched_pool *find_pool(u32 phandle)
{
    for (u32 i = 0; phandle && i < pool_count; i++) {
        if (pools[i].phandle == phandle)
            return pools[i].pool;
    }
    if (phandle)
        return NULL;
    return boot_pool ? boot_pool : sched_pool_default();
}

/* Two nodes may have one name with different unit addresses: number the later ones. */
static void unique_name(char *name)
{
    char base[DOMAIN_NAME_MAX - 4];
    u32 n = 2;

    str_copy(base, name, sizeof(base));
    for (u32 i = 0; i < domain_slots(); i++) {
        if (strcmp(domain_get(i)->name, name) != 0)
            continue;
        fmt_snprintf(name, DOMAIN_NAME_MAX, "%s.%u", base, n++);
        i = (u32)-1; /* and look again from the start */
    }
}

static enum corbel_err create_vcpus(struct domain *d)
{
    struct sched_pool *pool = find_pool(d->cfg->pool_phandle);

    for (u32 i = 0; i < d->cfg->cpus; i++) {
        struct vcpu *v = arena_alloc(&d->arena, sizeof(*v));
        cpumask_t affinity = d->cfg->vcpus[i].affinity;
        enum corbel_err err;

        if (!v)
            return ERR_NOMEM;
        v->id = i;
        v->domain = d;
        v->region = d->mmio.regions;
        v->vmpidr = vcpu_mpidr_of(i);
        v->unit.kind = UNIT_VCPU;
        err = sched_unit_init(&v->unit, pool, d->cfg->weight, affinity ? affinity : ~0ull);
        if (err != CORBEL_OK)
            return err;
        sched_pause(&v->unit); /* until it is powered on */
        d->vcpus[i] = v;
        d->vcpu_count++;
    }
    return CORBEL_OK;
}

static enum corbel_err create_gic(struct domain *d, const struct platform *p)
{
    const struct addrmap_entry *gicd = addrmap_find(d->map, MAP_GICD, 0);
    const struct addrmap_entry *gicr = addrmap_find(d->map, MAP_GICR, 0);
    const struct addrmap_entry *gicc = addrmap_find(d->map, MAP_GICC, 0);
    enum corbel_err err;

    d->vgic.gicd_base = gicd ? gicd->base : 0;
    d->vgic.gicr_base = gicr ? gicr->base : 0;
    d->vgic.gicc_base = gicc ? gicc->base : 0;
    for (u32 i = 0; i < d->vcpu_count; i++)
        vgic_vcpu_init(d->vcpus[i]);
    err = vgic_init(d, p->gic.version, d->cfg->nr_spis);
    for (u32 i = 0; err == CORBEL_OK && i < d->vcpu_count; i++) {
        vtimer_init(d->vcpus[i]);            /* links PPI 27: after the vGIC's own part */
        if (d->cfg->on_crash != ACTION_HALT) /* somebody wants to know: guest_sample() */
            d->vcpus[i]->vtimer.poke_period = arch_time_from_ns(POKE_NS);
    }
    return err;
}

static enum corbel_err create_devices(struct domain *d, const struct platform *p)
{
    const struct addrmap_entry *uart = addrmap_find(d->map, MAP_VUART, 0);
    const struct addrmap_entry *frames = addrmap_find(d->map, MAP_VWDT, 0);
    u8 *ring = arena_alloc(&d->arena, CONSOLE_RING_SIZE);
    enum corbel_err err;

    if (!ring)
        return ERR_NOMEM;
    err = create_gic(d, p);
    if (err == CORBEL_OK && uart)
        err = vuart_init(d, uart->base, d->plan->vuart_intid, !iommu_protects(d));
    if (err == CORBEL_OK)
        err = vwdt_init(d, frames ? frames->base : 0, d->plan->wdt_intid);
    if (err == CORBEL_OK)
        err = build_devices_create(d);
    if (err == CORBEL_OK)
        console_attach(d, ring);
    return err;
}

static u64 arena_bytes(const struct domain *d)
{
    return d->cfg->cpus * ALIGN_UP(sizeof(struct vcpu), 64) + CONSOLE_RING_SIZE +
           vgic_arena_size(d->cfg->nr_spis) + build_devices_arena(d) + 256;
}

/* Everything in EL2 that the domain needs, before a byte of its RAM is touched. */
static enum corbel_err reserve(struct domain *d, const struct platform *p, struct cfg_error *e)
{
    enum corbel_err err;

    cfg_error_set(e, d->name, "(hypervisor memory)", "(none left)", "room for its structures");
    err = arena_init(&d->arena, ALIGN_UP(arena_bytes(d), PAGE_SIZE));
    if (err != CORBEL_OK)
        return err;
    err = build_make_tables(d);
    if (err != CORBEL_OK)
        return err;
    cfg_error_set(e, d->name, "(CPUs)", "(as configured)",
                  "a free CPU of its pool for each vCPU's hard affinity");
    err = create_vcpus(d);
    if (err != CORBEL_OK)
        return err;
    cfg_error_set(e, d->name, "(devices)", "(as configured)",
                  "interrupts that nobody else has, and room for their registers");
    err = create_devices(d, p);
    if (err == CORBEL_OK) {
        d->task.kind = UNIT_TASK;
        cfg_error_set(e, d->name, "(CPUs)", "(as configured)", "a CPU of its pool for its task");
        err = sched_unit_init(&d->task, find_pool(d->cfg->pool_phandle), d->cfg->weight, ~0ull);
    }
    return err;
}

/* What a domain has for life: one heap range. */
struct whole {
    struct domain domain;
    struct plan plan;
};

static struct domain *alloc_domain(void)
{
    struct whole *whole = heap_alloc(sizeof(*whole));
    struct domain *d;

    if (!whole)
        return NULL;
    d = &whole->domain;
    spin_lock_init(&d->lock, RANK_DOMAIN);
    d->plan = &whole->plan;
    d->job = heap_alloc(sizeof(*d->job));
    if (!d->job) {
        heap_free(whole, sizeof(*whole));
        return NULL;
    }
    d->cfg = &d->plan->cfg;
    d->map = &d->plan->map;
    return d;
}

void build_free(struct domain *d)
{
    for (u32 i = 0; i < d->vcpu_count; i++)
        sched_unit_remove(&d->vcpus[i]->unit); /* with sched=null it holds a CPU */
    if (d->arena.base) {
        build_devices_quiet(d);
        console_detach(d);
        arena_destroy(&d->arena);
    }
    while (p2m_destroy_step(&d->p2m) == ERR_AGAIN)
        ; /* nothing but empty tables here: RAM is only there once the task ran */
    vuart_free(d);
    if (d->job)
        heap_free(d->job, ALIGN_UP(sizeof(*d->job), PAGE_SIZE));
    build_devices_release(d);
    heap_free(list_entry(d, struct whole, domain), sizeof(struct whole));
}

/* Its node was fine by itself, but the pool could not be made. */
static enum corbel_err check_pool(const struct domain *d, const struct platform *p,
                                  struct cfg_error *e)
{
    char path[128], value[16];

    if (find_pool(d->cfg->pool_phandle))
        return CORBEL_OK;
    fmt_snprintf(value, sizeof(value), "0x%x", d->cfg->pool_phandle);
    cfg_error_set(e, fdtr_path_of(p->fdt, d->cfg->node, path, sizeof(path)), "domain-cpupool",
                  value, "a CPU pool that was not refused");
    return ERR_NOENT;
}

static enum corbel_err prepare(struct domain *d, const struct plan_env *env, int node,
                               struct cfg_error *e)
{
    enum corbel_err err;

    d->id = domain_slots() + 1;
    domprop_node_name(env->platform->fdt, node, d->name, sizeof(d->name));
    d->faults.seconds = FAULT_REPORTS_SECONDS;
    err = plan_domain(env, node, d->id, d->plan, e);
    if (err != CORBEL_OK)
        return err;
    unique_name(d->name);
    err = check_pool(d, env->platform, e);
    if (err == CORBEL_OK)
        err = reserve(d, env->platform, e);
    return err;
}

static void log_map(const struct domain *d)
{
    char line[256];

    for (u32 i = 0; addrmap_line(d->map, i, line, sizeof(line)); i++)
        log_info("%s: map: %s", d->name, line);
    for (u32 i = 0; plan_note(d->plan, i, line, sizeof(line)); i++)
        log_warn("%s: %s", d->name, line);
    for (u32 i = 0; plan_protection(d->plan, i, line, sizeof(line)); i++)
        log_info("%s: %s", d->name, line);
}

struct domain *build_create(const struct platform *p, const struct boot_options *options, int node)
{
    struct plan_env env;
    struct domain *d = alloc_domain();
    struct cfg_error e = { 0 };

    if (!d || domain_slots() == MAX_DOMAINS) {
        log_err("%s: refused: /chosen/%s: (hypervisor memory) = (none left): expected room for a"
                " domain, of which there may be %u",
                fdtr_name(p->fdt, node), fdtr_name(p->fdt, node), MAX_DOMAINS);
        if (d)
            build_free(d);
        return NULL;
    }
    build_plan_env(&env);
    if (prepare(d, &env, node, &e) != CORBEL_OK) {
        log_err("%s: refused: %s", d->name, e.text);
        build_free(d);
        return NULL;
    }
    d->report = options->p2m_report;
    d->scrub_ram = options->bootscrub;
    log_map(d);
    if (domain_add(d) != CORBEL_OK) /* a slot was free above, and only this CPU adds */
        return NULL;
    return d;
}

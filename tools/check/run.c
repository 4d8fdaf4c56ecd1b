/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypervisor's boot as far as a PC can go: the machine, the frame allocator's books, CPU
 * pools, then every domain planned in the order of the tree with the same state carried along.
 * What main.c and build.c do around that is done alike here: names made unique, a pool that was
 * refused, the number of domains.
 */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <corbel/bits.h>
#include <corbel/boot_mem.h>
#include <corbel/cmdline.h>
#include <corbel/domprop.h>
#include <corbel/fdt_read.h>
#include <corbel/fdt_write.h>
#include <corbel/printf.h>
#include <corbel/string.h>

#define FAKE_SIZE   512u
#define POOLS_MAX   8u /* as many as build.c takes */
#define IMAGE_MAGIC "ARM\x64"

typedef unsigned long long ull;

/* Pools that were made; a CPU is in one at most. */
struct pools {
    u32 phandles[POOLS_MAX];
    u32 count;
    cpumask_t cpus;
};

static char *line_of(const char *fmt, va_list ap)
{
    char line[512];

    vsnprintf(line, sizeof(line), fmt, ap);
    return strdup(line);
}

void check_warn(struct check *c, const char *fmt, ...)
{
    va_list ap;

    if (c->warning_count == CHECK_WARNINGS_MAX)
        return;
    va_start(ap, fmt);
    c->warnings[c->warning_count++] = line_of(fmt, ap);
    va_end(ap);
}

static void refuse_pool(struct check *c, const char *fmt, ...) __printf_like(2, 3);
static void refuse_pool(struct check *c, const char *fmt, ...)
{
    va_list ap;

    if (c->pool_error_count == CHECK_WARNINGS_MAX)
        return;
    va_start(ap, fmt);
    c->pool_errors[c->pool_error_count++] = line_of(fmt, ap);
    va_end(ap);
}

u32 check_refused_count(const struct check *c)
{
    u32 count = 0;

    for (u32 i = 0; i < c->domain_count; i++)
        count += c->domains[i]->refused;
    return count;
}

/* --- The machine ------------------------------------------------------------------------------ */

static void read_cmdline(struct check *c, struct boot_options *options)
{
    cmdline_parse(c->platform.cmdline, options);
    if (options->unknown[0])
        check_warn(c, "command line: unknown options, ignored: %s", options->unknown);
    if (options->bad[0])
        check_warn(c, "command line: options ignored: %s", options->bad);
}

static bool is_listed(const struct check_options *o, const char *path)
{
    for (u32 i = 0; i < o->not_driven_count; i++)
        if (strcmp(o->not_driven[i], path) == 0)
            return true;
    return false;
}

static bool has_driver(u8 kind)
{
    return kind == IOMMU_SMMU_V3 ? IS_ENABLED(CONFIG_SMMUV3) : IS_ENABLED(CONFIG_SMMUV2);
}

/* Whether an SMMU can do what is needed only it knows: it can, unless somebody says no. */
static void drive_smmus(struct check *c, const struct check_options *o,
                        const struct boot_options *options)
{
    for (u32 i = 0; i < c->platform.iommu_count; i++) {
        struct platform_iommu *iommu = &c->platform.iommus[i];

        if (options->iommu_off)
            iommu->why = "iommu=off";
        else if (!has_driver(iommu->kind))
            iommu->why = "this build has no driver for it";
        else if (is_listed(o, iommu->path))
            iommu->why = "--smmu-not-driven";
        iommu->driven = !iommu->why;
    }
    if (options->iommu_off && c->platform.iommu_count)
        check_warn(c, "iommu=off: DMA is not confined");
}

/* One warning for each line of notes. */
static void warn_notes(struct check *c, const char *notes)
{
    while (*notes) {
        int len = (int)strcspn(notes, "\n");

        if (len)
            check_warn(c, "device tree: %.*s", len, notes);
        notes += len + (notes[len] == '\n');
    }
}

static bool read_machine(struct check *c, const struct check_options *o, const char **why)
{
    static struct boot_options options;
    struct platform *p = &c->platform;

    if (fdtr_check(o->tree.data, o->tree.size) != CORBEL_OK) {
        *why = "the host tree is damaged, or no device tree";
        return false;
    }
    platform_from_fdt(p, o->tree.data);
    platform_find_uart(o->tree.data, &p->uart);
    read_cmdline(c, &options);
    drive_smmus(c, o, &options);
    warn_notes(c, p->notes);
    if (p->gic.version == GIC_NONE || !p->cpu_count || !p->bank_count) {
        *why = p->gic.version == GIC_NONE ? "the host tree has no GICv2 or GICv3"
               : !p->cpu_count            ? "the host tree has no CPU"
                                          : "the host tree describes no memory";
        return false;
    }
    boot_mem_init(p, o->tree.addr, o->tree.addr ? fdtr_total_size(o->tree.data) : 0);
    p->fdt = boot_mem_keep_tree(o->tree.data);
    c->free = page_free_count() * PAGE_SIZE;
    return true;
}

static void read_pools(struct check *c, struct pools *pools)
{
    const struct platform *p = &c->platform;
    struct poolcfg cfg;
    struct cfg_error e;

    for (int n = poolcfg_next(p->fdt, -1); n >= 0; n = poolcfg_next(p->fdt, n)) {
        if (poolcfg_parse(p, n, &cfg, &e) != CORBEL_OK) {
            refuse_pool(c, "CPU pool refused: %s", e.text);
        } else if (pools->count == POOLS_MAX || (cfg.cpus & pools->cpus)) {
            refuse_pool(c, "CPU pool %s refused: a CPU of it is in another pool, or too many pools",
                        cfg.name);
        } else {
            pools->phandles[pools->count++] = cfg.phandle;
            pools->cpus |= cfg.cpus;
        }
    }
}

/* --- Modules that are not given --------------------------------------------------------------- */

/* A kernel of the size that its module has room for. */
static struct check_file fake_kernel(const struct mem_range *range)
{
    struct check_file file = { .addr = range->base, .size = FAKE_SIZE };

    file.data = calloc(1, FAKE_SIZE);
    for (u32 i = 0; i < 8; i++)
        file.data[16 + i] = (u8)(range->size >> (8 * i));
    memcpy(file.data + 56, IMAGE_MAGIC, 4);
    return file;
}

static struct check_file fake_tree(const struct mem_range *range)
{
    struct check_file file = { .addr = range->base };
    struct fdtw w;
    u32 size = 0;

    file.data = calloc(1, FAKE_SIZE);
    fdtw_begin(&w, file.data, FAKE_SIZE);
    fdtw_node(&w, "");
    fdtw_node(&w, "passthrough");
    fdtw_u32(&w, "#address-cells", 2);
    fdtw_u32(&w, "#size-cells", 2);
    fdtw_end_node(&w);
    fdtw_end_node(&w);
    if (fdtw_finish(&w, &size) == CORBEL_OK)
        file.size = size;
    return file;
}

/* False, with the refusal of d, when the file of a module is needed and not there. */
static bool have_module(struct check *c, struct check_domain *d, const struct domcfg_module *m,
                        struct check_file (*fake)(const struct mem_range *))
{
    char path[128], value[48], expected[64];

    if (!m->range.size || host_has(&m->range))
        return true;
    if (fake) {
        struct check_file file = fake(&m->range);

        host_add(&file);
        return true;
    }
    fmt_snprintf(value, sizeof(value), "0x%llx+0x%llx", (ull)m->range.base, (ull)m->range.size);
    fmt_snprintf(expected, sizeof(expected), "its file: --module 0x%llx=FILE", (ull)m->range.base);
    cfg_error_set(&d->e, fdtr_path_of(c->platform.fdt, m->node, path, sizeof(path)), "reg", value,
                  expected);
    return false;
}

static bool have_modules(struct check *c, const struct check_options *o, struct check_domain *d)
{
    struct domcfg *cfg = &d->plan.cfg;
    struct cfg_error e;

    if (domcfg_parse(&c->platform, d->node, cfg, &e) != CORBEL_OK)
        return true; /* planning will say it */
    if (!o->no_modules)
        return have_module(c, d, &cfg->kernel, NULL) && have_module(c, d, &cfg->dtb, NULL) &&
               have_module(c, d, &cfg->ramdisk, NULL);
    if (cfg->dtb.range.size && !host_has(&cfg->dtb.range))
        check_warn(c, "%s: its partial device tree is not given: no device of it is checked",
                   cfg->name);
    return have_module(c, d, &cfg->kernel, fake_kernel) && have_module(c, d, &cfg->dtb, fake_tree);
}

/* --- Domains ---------------------------------------------------------------------------------- */

/* As the hypervisor: the later one of two names gets a number. */
static void unique_name(const struct check *c, const struct check_domain *d, char *name)
{
    char base[DOMAIN_NAME_MAX - 4];
    u32 n = 2;

    str_copy(base, name, sizeof(base));
    for (u32 i = 0; i < c->domain_count; i++) {
        const struct check_domain *other = c->domains[i];

        if (other == d || other->refused || strcmp(other->name, name) != 0)
            continue;
        fmt_snprintf(name, DOMAIN_NAME_MAX, "%s.%u", base, n++);
        i = (u32)-1; /* and look again from the start */
    }
}

static bool pool_is_there(const struct check *c, const struct pools *pools, struct check_domain *d)
{
    u32 phandle = d->plan.cfg.pool_phandle;
    char path[128], value[16];

    for (u32 i = 0; phandle && i < pools->count; i++) {
        if (pools->phandles[i] == phandle)
            return true;
    }
    if (!phandle)
        return true;
    fmt_snprintf(value, sizeof(value), "0x%x", phandle);
    cfg_error_set(&d->e, fdtr_path_of(c->platform.fdt, d->node, path, sizeof(path)),
                  "domain-cpupool", value, "a CPU pool that was not refused");
    return false;
}

/* As the hypervisor limits all domains: to what every SMMU walks that is driven. */
static u8 ipa_bits(const struct check *c, const struct check_options *o)
{
    u32 bits = o->pa_bits;

    for (u32 i = 0; i < c->platform.iommu_count; i++)
        if (c->platform.iommus[i].driven && o->smmu_bits)
            bits = MIN(bits, o->smmu_bits);
    return (u8)bits;
}

static void plan_one(struct check *c, const struct check_options *o, const struct pools *pools,
                     struct check_domain *d)
{
    const struct plan_env env = { .platform = &c->platform,
                                  .read = host_read,
                                  .alloc = heap_alloc,
                                  .free = heap_free,
                                  .ipa_bits_max = ipa_bits(c, o),
                                  .line_count = o->line_count };
    u32 id = 1 + c->domain_count - check_refused_count(c);

    c->domains[c->domain_count++] = d;
    domprop_node_name(c->platform.fdt, d->node, d->name, sizeof(d->name));
    d->refused = true;
    if (id > MAX_DOMAINS) {
        snprintf(d->e.text, sizeof(d->e.text),
                 "/chosen/%s: (hypervisor memory) = (none left): expected room for a domain, of "
                 "which there may be %u",
                 fdtr_name(c->platform.fdt, d->node), MAX_DOMAINS);
        return;
    }
    if (!have_modules(c, o, d) || plan_domain(&env, d->node, id, &d->plan, &d->e) != CORBEL_OK)
        return;
    if (!pool_is_there(c, pools, d)) {
        plan_release(&env, id, &d->plan);
        return;
    }
    d->refused = false;
    str_copy(d->name, d->plan.cfg.name, sizeof(d->name));
    unique_name(c, d, d->name);
}

bool check_run(struct check *c, const struct check_options *o, const char **why)
{
    struct pools pools = { 0 };

    if (!read_machine(c, o, why))
        return false;
    read_pools(c, &pools);
    for (int n = domcfg_next(c->platform.fdt, -1); n >= 0 && c->domain_count < CHECK_DOMAINS_MAX;
         n = domcfg_next(c->platform.fdt, n)) {
        struct check_domain *d = calloc(1, sizeof(*d));

        d->node = n;
        plan_one(c, o, &pools, d);
    }
    if (!c->domain_count)
        check_warn(c, "no domain to start: no usable xen,domain node under /chosen");
    return true;
}

void check_free(struct check *c)
{
    for (u32 i = 0; i < c->domain_count; i++)
        free(c->domains[i]);
    for (u32 i = 0; i < c->warning_count; i++)
        free(c->warnings[i]);
    for (u32 i = 0; i < c->pool_error_count; i++)
        free(c->pool_errors[i]);
}

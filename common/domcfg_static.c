/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RAM of a domain at given host addresses: direct-map and xen,static-mem. Part of the
 * parser in domcfg.c, under the same rules: pure, checks everything, and each
 * refusal is one line that names node, property and value. Who of two domains has to
 * yield follows from the tree alone, whichever of them is parsed first.
 * Binding: docs/bindings.md, "Static memory".
 */
#include <corbel/domcfg_static.h>

#include <corbel/bits.h>
#include <corbel/domprop.h>
#include <corbel/fdt_read.h>
#include <corbel/mem_range.h>
#include <corbel/platform_static.h>
#include <corbel/printf.h>
#include <corbel/string.h>

#define PATH_SIZE 64u

/* ---- what else may be at a host address ---- */

/* "no overlap with WHAT at 0x..+0x..": the one form of all clashes. */
static enum corbel_err clash(char *buf, size_t size, const char *what, const struct mem_range *at)
{
    fmt_snprintf(buf, size, "no overlap with %s at 0x%llx+0x%llx", what,
                 (unsigned long long)at->base, (unsigned long long)at->size);
    return ERR_EXIST;
}

static const char *clean_path(const void *fdt, int node, char *buf, size_t size)
{
    char path[PATH_SIZE];

    domprop_clean(buf, fdtr_path_of(fdt, node, path, sizeof(path)), size);
    return buf;
}

static enum corbel_err check_machine(const struct domcfg_claim *c, char *buf, size_t size)
{
    const struct platform *p = c->p;
    char path[PATH_SIZE];

    if (mem_range_overlap(&c->range, &p->self))
        return clash(buf, size, "the hypervisor", &p->self);
    if (mem_range_overlap(&c->range, &p->tree))
        return clash(buf, size, "the device tree", &p->tree);
    for (u32 i = 0; i < p->module_count; i++)
        if (mem_range_overlap(&c->range, &p->modules[i].range))
            return clash(buf, size, clean_path(p->fdt, p->modules[i].node, path, sizeof(path)),
                         &p->modules[i].range);
    for (u32 i = 0; i < p->reserved_count; i++)
        if (mem_range_overlap(&c->range, &p->reserved[i]))
            return clash(buf, size, "reserved memory", &p->reserved[i]);
    return CORBEL_OK;
}

/* A range that the platform's list lacks was not kept from everybody else. */
static bool is_listed(const struct platform *p, const struct mem_range *range)
{
    for (u32 i = 0; i < p->static_count; i++)
        if (p->statics[i].range.base == range->base && p->statics[i].range.size == range->size)
            return true;
    return false;
}

/* Two nodes of the same shared memory: they agree on the range, or one is refused for that. */
static bool is_same_shm(const void *fdt, int a, int b)
{
    const char *id, *other;

    return a >= 0 && platform_is_shm(fdt, b) &&
           fdtr_string(fdt, a, "xen,shm-id", &id) == CORBEL_OK &&
           fdtr_string(fdt, b, "xen,shm-id", &other) == CORBEL_OK && strcmp(id, other) == 0;
}

static enum corbel_err check_domains(const struct domcfg_claim *c, char *buf, size_t size)
{
    const struct platform *p = c->p;
    char path[PATH_SIZE];

    for (u32 i = 0; i < p->static_count; i++) {
        const struct platform_static *other = &p->statics[i];

        if (other->domain_node >= c->cfg->node || !mem_range_overlap(&c->range, &other->range) ||
            is_same_shm(p->fdt, c->shm, other->node))
            continue;
        return clash(buf, size, clean_path(p->fdt, other->node, path, sizeof(path)), &other->range);
    }
    return CORBEL_OK;
}

static enum corbel_err check_own(const struct domcfg_claim *c, char *buf, size_t size)
{
    const struct domcfg *cfg = c->cfg;
    char path[PATH_SIZE];

    for (u32 i = 0; i < cfg->static_mem_count; i++)
        if (mem_range_overlap(&c->range, &cfg->static_mem[i]))
            return clash(buf, size, "xen,static-mem", &cfg->static_mem[i]);
    for (u32 i = 0; i < cfg->shm_count; i++) {
        struct mem_range shm = { cfg->shms[i].hpa, cfg->shms[i].size };

        if (cfg->shms[i].has_hpa && mem_range_overlap(&c->range, &shm))
            return clash(buf, size, clean_path(c->p->fdt, cfg->shms[i].node, path, sizeof(path)),
                         &shm);
    }
    return CORBEL_OK;
}

enum corbel_err domcfg_claim_check(const struct domcfg_claim *claim, char *expected, size_t size)
{
    const struct platform *p = claim->p;
    enum corbel_err err;

    if (claim->range.size == 0) {
        fmt_snprintf(expected, size, "a size above 0");
        return ERR_INVAL;
    }
    if (!IS_ALIGNED(claim->range.base | claim->range.size, PAGE_SIZE)) {
        fmt_snprintf(expected, size, "whole pages of 4 KiB");
        return ERR_INVAL;
    }
    if (!mem_range_inside_any(p->banks, p->bank_count, &claim->range)) {
        fmt_snprintf(expected, size, "a range inside the machine's RAM");
        return ERR_RANGE;
    }
    err = check_machine(claim, expected, size);
    if (err == CORBEL_OK)
        err = check_own(claim, expected, size);
    if (err == CORBEL_OK)
        err = check_domains(claim, expected, size);
    /* Last: what is over the hypervisor is not in the list either. */
    if (err == CORBEL_OK && !is_listed(p, &claim->range)) {
        fmt_snprintf(expected, size,
                     "at most %u static ranges in the tree, and RAM left beside them",
                     PLATFORM_STATIC_MAX);
        err = ERR_RANGE;
    }
    return err;
}

/* ---- xen,static-mem ---- */

/* The value is the one region that is wrong: a list of sixteen would not fit into the line. */
static enum corbel_err refuse_region(const struct domprop *at, const struct mem_range *range,
                                     const char *expected)
{
    char value[48];
    char path[PATH_SIZE];

    fmt_snprintf(value, sizeof(value), "0x%llx+0x%llx", (unsigned long long)range->base,
                 (unsigned long long)range->size);
    cfg_error_set(at->e, clean_path(at->fdt, at->node, path, sizeof(path)), "xen,static-mem", value,
                  expected);
    return ERR_INVAL;
}

static enum corbel_err add_region(const struct platform *p, struct domcfg *cfg,
                                  const struct domprop *at, const struct mem_range *range)
{
    struct domcfg_claim claim = { p, cfg, *range, -1 };
    char expected[sizeof(at->e->text)];

    if (cfg->static_mem_count == DOMCFG_BANKS_MAX)
        return domprop_refusef(at, "xen,static-mem", DOMPROP_LENGTH, "at most %u regions",
                               DOMCFG_BANKS_MAX);
    if (domcfg_claim_check(&claim, expected, sizeof(expected)) != CORBEL_OK)
        return refuse_region(at, range, expected);
    cfg->static_mem[cfg->static_mem_count++] = *range;
    return CORBEL_OK;
}

/* Regions do not overlap and lie in RAM: their sum cannot wrap. */
static enum corbel_err check_sum(const struct domcfg *cfg, const struct domprop *at)
{
    u64 sum = 0;

    for (u32 i = 0; i < cfg->static_mem_count; i++)
        sum += cfg->static_mem[i].size;
    if (cfg->static_mem_count == 0 || sum == cfg->memory)
        return CORBEL_OK;
    return domprop_refusef(at, "memory", DOMPROP_CELLS, "0x%llx KiB, the sum of xen,static-mem",
                           (unsigned long long)(sum / 1024));
}

enum corbel_err domcfg_static_parse(const struct platform *p, struct domcfg *cfg,
                                    struct cfg_error *e)
{
    struct domprop at = { p->fdt, cfg->node, e };
    struct mem_range range;
    enum corbel_err err;

    /* Xen's rule for booleans: there is there, whatever the value. */
    cfg->direct_map =
        fdtr_has(at.fdt, at.node, "direct-map") || fdtr_has(at.fdt, at.node, "direct_map");
    for (u32 i = 0; (err = platform_static_region(at.fdt, at.node, i, &range)) == CORBEL_OK; i++) {
        err = add_region(p, cfg, &at, &range);
        if (err != CORBEL_OK)
            return err;
    }
    if (err != ERR_NOENT)
        return domprop_refuse(&at, "xen,static-mem", DOMPROP_LENGTH,
                              "pairs of address and size, in cells as counted by /chosen or "
                              "#xen,static-mem-*-cells");
    return check_sum(cfg, &at);
}

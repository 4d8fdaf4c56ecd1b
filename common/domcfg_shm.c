/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Static shared memory of a domain: its children xen,domain-shared-memory-v1. Part of the
 * parser in domcfg.c, under the same rules. The nodes of one id are spread over domains
 * that do not know each other: each is held against those of the domains before it in the
 * tree, so that a disagreement refuses the later one and nobody else.
 * Binding: docs/bindings.md, "Shared memory".
 */
#include <corbel/domcfg_static.h>

#include <corbel/bits.h>
#include <corbel/domprop.h>
#include <corbel/fdt_read.h>
#include <corbel/mem_range.h>
#include <corbel/platform_static.h>
#include <corbel/string.h>

struct shm_parser {
    const struct platform *p;
    struct domcfg *cfg;
    struct domprop at; /* the shared memory node */
    struct domcfg_shm shm;
};

static enum corbel_err parse_id(struct shm_parser *ps)
{
    static const char expected[] = "a string of 1 to 15 characters";
    const char *text;
    enum corbel_err err = domprop_string(&ps->at, "xen,shm-id", expected, &text);

    _Static_assert(SHM_ID_SIZE == 16, "the text of the refusal");
    if (err == ERR_NOENT)
        return domprop_refuse(&ps->at, "xen,shm-id", DOMPROP_STRING, expected);
    if (err != CORBEL_OK)
        return err;
    if (!text[0] || !str_copy(ps->shm.id, text, sizeof(ps->shm.id)))
        return domprop_refuse(&ps->at, "xen,shm-id", DOMPROP_STRING, expected);
    for (u32 i = 0; i < ps->cfg->shm_count; i++)
        if (strcmp(ps->cfg->shms[i].id, ps->shm.id) == 0)
            return domprop_refuse(&ps->at, "xen,shm-id", DOMPROP_STRING,
                                  "each id once in a domain");
    return CORBEL_OK;
}

static enum corbel_err refuse_range(const struct shm_parser *ps, const char *expected)
{
    return domprop_refuse(&ps->at, "xen,shared-mem", DOMPROP_CELLS, expected);
}

static enum corbel_err check_guest_range(const struct shm_parser *ps)
{
    u64 ram = mem_range_total(ps->p->banks, ps->p->bank_count);
    const struct domcfg_shm *shm = &ps->shm;

    if (!shm->size)
        return refuse_range(ps, "a size above 0");
    if (!IS_ALIGNED(shm->gpa | shm->hpa | shm->size, PAGE_SIZE))
        return refuse_range(ps, "whole pages of 4 KiB");
    if (shm->size - 1 > ~0ull - shm->gpa)
        return refuse_range(ps, "a guest range below 2^64");
    if (!shm->has_hpa && shm->size > ram)
        return domprop_refusef(&ps->at, "xen,shared-mem", DOMPROP_CELLS,
                               "a size of at most the machine's 0x%llx bytes",
                               (unsigned long long)ram);
    return CORBEL_OK;
}

static enum corbel_err check_direct_map(const struct shm_parser *ps)
{
    if (!ps->cfg->direct_map)
        return CORBEL_OK;
    if (!ps->shm.has_hpa)
        return refuse_range(ps, "a host address in front: the domain is direct-map");
    if (ps->shm.hpa != ps->shm.gpa)
        return refuse_range(ps, "equal host and guest addresses: the domain is direct-map");
    return CORBEL_OK;
}

static enum corbel_err check_host_range(const struct shm_parser *ps)
{
    struct domcfg_claim claim = { ps->p, ps->cfg, { ps->shm.hpa, ps->shm.size }, ps->at.node };
    char expected[sizeof(ps->at.e->text)];

    if (!ps->shm.has_hpa || domcfg_claim_check(&claim, expected, sizeof(expected)) == CORBEL_OK)
        return CORBEL_OK;
    return refuse_range(ps, expected);
}

static enum corbel_err parse_range(struct shm_parser *ps)
{
    struct platform_shm read;
    u32 address = 0, size = 0;
    enum corbel_err err = platform_shm_read(ps->at.fdt, ps->at.node, &read);

    if (err != CORBEL_OK) {
        if (fdtr_cells(ps->at.fdt, ps->cfg->node, &address, &size) != CORBEL_OK)
            return err; /* domcfg_modules.c has refused that */
        return domprop_refusef(&ps->at, "xen,shared-mem", DOMPROP_LENGTH,
                               "a host address or none, a guest address and a size of %u, %u and "
                               "%u cells",
                               address, address, size);
    }
    ps->shm.gpa = read.gpa;
    ps->shm.hpa = read.hpa;
    ps->shm.size = read.size;
    ps->shm.has_hpa = read.has_hpa;
    err = check_guest_range(ps);
    if (err == CORBEL_OK)
        err = check_direct_map(ps);
    return err == CORBEL_OK ? check_host_range(ps) : err;
}

static bool is_owner(const void *fdt, int node)
{
    const char *role;

    return fdtr_string(fdt, node, "role", &role) == CORBEL_OK && strcmp(role, "owner") == 0;
}

static enum corbel_err parse_role(struct shm_parser *ps)
{
    static const char expected[] = "\"owner\" or \"borrower\"";
    const char *role = "borrower";
    enum corbel_err err = domprop_string(&ps->at, "role", expected, &role);

    if (err != CORBEL_OK && err != ERR_NOENT)
        return err;
    ps->shm.owner = strcmp(role, "owner") == 0;
    if (!ps->shm.owner && strcmp(role, "borrower") != 0)
        return domprop_refuse(&ps->at, "role", DOMPROP_STRING, expected);
    ps->shm.read_only = fdtr_has(ps->at.fdt, ps->at.node, "corbel,read-only");
    if (ps->shm.owner && ps->shm.read_only)
        return domprop_refuse(&ps->at, "corbel,read-only", DOMPROP_PRESENT,
                              "it absent: the role is \"owner\"");
    return CORBEL_OK;
}

/* other: a node of the same id in a domain before this one. */
static enum corbel_err check_agreement(const struct shm_parser *ps, int other)
{
    struct platform_shm read;
    char path[64];

    if (platform_shm_read(ps->at.fdt, other, &read) != CORBEL_OK)
        return CORBEL_OK; /* refused for that */
    fdtr_path_of(ps->at.fdt, other, path, sizeof(path));
    if (read.size != ps->shm.size)
        return domprop_refusef(&ps->at, "xen,shared-mem", DOMPROP_CELLS, "size 0x%llx as in %s",
                               (unsigned long long)read.size, path);
    if (read.has_hpa != ps->shm.has_hpa)
        return domprop_refusef(&ps->at, "xen,shared-mem", DOMPROP_CELLS, "%s host address as in %s",
                               read.has_hpa ? "a" : "no", path);
    if (read.hpa != ps->shm.hpa)
        return domprop_refusef(&ps->at, "xen,shared-mem", DOMPROP_CELLS,
                               "host address 0x%llx as in %s", (unsigned long long)read.hpa, path);
    if (ps->shm.owner && is_owner(ps->at.fdt, other))
        return domprop_refusef(&ps->at, "role", DOMPROP_STRING,
                               "\"borrower\": the owner of this memory is in %s", path);
    return CORBEL_OK;
}

static enum corbel_err check_domain_before(const struct shm_parser *ps, int domain)
{
    const void *fdt = ps->at.fdt;
    enum corbel_err err = CORBEL_OK;
    const char *id;
    int node;

    for (node = fdtr_first_child(fdt, domain); node >= 0 && err == CORBEL_OK;
         node = fdtr_next_child(fdt, node)) {
        if (platform_is_shm(fdt, node) && fdtr_string(fdt, node, "xen,shm-id", &id) == CORBEL_OK &&
            strcmp(id, ps->shm.id) == 0)
            err = check_agreement(ps, node);
    }
    return err;
}

static enum corbel_err check_others(const struct shm_parser *ps)
{
    const void *fdt = ps->at.fdt;
    enum corbel_err err = CORBEL_OK;
    int domain;

    for (domain = fdtr_first_child(fdt, fdtr_parent(fdt, ps->cfg->node));
         domain >= 0 && domain != ps->cfg->node && err == CORBEL_OK;
         domain = fdtr_next_child(fdt, domain)) {
        if (fdtr_compatible(fdt, domain, "xen,domain"))
            err = check_domain_before(ps, domain);
    }
    return err;
}

static enum corbel_err parse_shm(struct shm_parser *ps)
{
    enum corbel_err err = parse_id(ps);

    if (err == CORBEL_OK)
        err = parse_role(ps);
    if (err == CORBEL_OK)
        err = parse_range(ps);
    if (err == CORBEL_OK)
        err = check_others(ps);
    if (err == CORBEL_OK && ps->cfg->shm_count == DOMCFG_SHM_MAX)
        err = domprop_refusef(&ps->at, "xen,shm-id", DOMPROP_STRING,
                              "at most %u shared memories in a domain", DOMCFG_SHM_MAX);
    if (err == CORBEL_OK)
        ps->cfg->shms[ps->cfg->shm_count++] = ps->shm;
    return err;
}

enum corbel_err domcfg_shm_parse(const struct platform *p, struct domcfg *cfg, struct cfg_error *e)
{
    enum corbel_err err = CORBEL_OK;
    int node;

    for (node = fdtr_first_child(p->fdt, cfg->node); node >= 0 && err == CORBEL_OK;
         node = fdtr_next_child(p->fdt, node)) {
        struct shm_parser ps = { .p = p, .cfg = cfg, .at = { p->fdt, node, e } };

        if (!platform_is_shm(p->fdt, node))
            continue;
        ps.shm.node = node;
        err = parse_shm(&ps);
    }
    return err;
}

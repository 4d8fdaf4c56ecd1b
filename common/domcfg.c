/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dom0less parser: one xen,domain node of /chosen becomes one struct domcfg,
 * or one line that says which property of which node is wrong and what was
 * expected. A pure function of the tree and of what the platform found; run for
 * each domain at boot, and by host tools. Nothing here knows other domains.
 * Modules: domcfg_modules.c. DMA and restarts: domcfg_policy.c. Memory by address:
 * domcfg_static.c, domcfg_shm.c. CPU pools: poolcfg.c. Binding: docs/bindings.md.
 */
#include <corbel/domcfg.h>

#include <corbel/bits.h>
#include <corbel/domcfg_modules.h>
#include <corbel/domcfg_policy.h>
#include <corbel/domcfg_static.h>
#include <corbel/domprop.h>
#include <corbel/fdt_read.h>
#include <corbel/mem_range.h>
#include <corbel/sched.h>
#include <corbel/string.h>

#define NR_SPIS_DEFAULT 32u
#define GICV2_CPUS      8u /* IHI 0048: CPU targets are one byte of bits */

struct parser {
    const struct platform *p;
    struct domcfg *cfg;
    struct domprop at; /* the domain's node */
};

int domcfg_next(const void *fdt, int prev)
{
    int chosen = fdtr_path(fdt, "/chosen");
    int node;

    if (chosen < 0)
        return chosen;
    node = prev < 0 ? fdtr_first_child(fdt, chosen) : fdtr_next_child(fdt, prev);
    while (node >= 0 && !fdtr_compatible(fdt, node, "xen,domain"))
        node = fdtr_next_child(fdt, node);
    return node;
}

static enum corbel_err optional(enum corbel_err err)
{
    return err == ERR_NOENT ? CORBEL_OK : err;
}

static enum corbel_err parse_memory(struct parser *ps)
{
    static const struct domprop_rule rule = { "memory", 4, UINT64_MAX / 1024,
                                              "KiB in two cells, 4 or more" };
    u64 ram = mem_range_total(ps->p->banks, ps->p->bank_count);
    u64 kib = 0;
    enum corbel_err err = domprop_u64(&ps->at, &rule, &kib);

    if (err == ERR_NOENT)
        return domprop_refuse(&ps->at, "memory", DOMPROP_CELLS, rule.expected);
    if (err != CORBEL_OK)
        return err;
    if (kib > ram / 1024)
        return domprop_refusef(&ps->at, "memory", DOMPROP_CELLS,
                               "KiB, at most the machine's 0x%llx",
                               (unsigned long long)(ram / 1024));
    ps->cfg->memory = ALIGN_DOWN(kib * 1024, PAGE_SIZE);
    return CORBEL_OK;
}

static enum corbel_err parse_cpus(struct parser *ps)
{
    static const struct domprop_rule rule = { "cpus", 1, MAX_VCPUS, "a number from 1 to 64" };
    static const struct domprop_rule v2 = { "cpus", 1, GICV2_CPUS,
                                            "a number from 1 to 8 (the GIC is version 2)" };
    const struct domprop_rule *use = ps->p->gic.version == GIC_V2 ? &v2 : &rule;
    enum corbel_err err = domprop_u32(&ps->at, use, &ps->cfg->cpus);

    _Static_assert(MAX_VCPUS == 64, "the text of the refusal");
    if (err == ERR_NOENT)
        return domprop_refuse(&ps->at, "cpus", DOMPROP_CELLS, use->expected);
    return err;
}

static enum corbel_err parse_spis(struct parser *ps)
{
    static const struct domprop_rule rule = { "nr_spis", 0, 988, "a number from 0 to 988" };
    static const struct domprop_rule uart = { "nr_spis", 1, 988,
                                              "a number from 1 to 988 (vpl011 uses SPI 0)" };
    struct domcfg *cfg = ps->cfg;
    enum corbel_err err;

    /* Xen's rule for booleans: there is there, whatever the value. */
    cfg->vpl011 = fdtr_has(ps->at.fdt, ps->at.node, "vpl011");
    cfg->nr_spis = cfg->vpl011 ? NR_SPIS_DEFAULT : 0;
    err = domprop_u32(&ps->at, cfg->vpl011 ? &uart : &rule, &cfg->nr_spis);
    cfg->nr_spis_given = err == CORBEL_OK;
    return optional(err);
}

static enum corbel_err parse_numbers(struct parser *ps)
{
    static const struct domprop_rule weight = { "corbel,weight", 1, 65535,
                                                "a number from 1 to 65535" };
    static const struct domprop_rule trap = { "trap-unmapped-accesses", 0, 1, "0 or 1" };
    static const struct domprop_rule p2m = { "xen,domain-p2m-mem-mb", 1, UINT32_MAX,
                                             "MiB, 1 or more" };
    u64 ram_mib = mem_range_total(ps->p->banks, ps->p->bank_count) / SZ_1M;
    u32 trapped = 1;
    enum corbel_err err;

    ps->cfg->weight = SCHED_WEIGHT_DEFAULT;
    err = optional(domprop_u32(&ps->at, &weight, &ps->cfg->weight));
    if (err == CORBEL_OK)
        err = optional(domprop_u32(&ps->at, &trap, &trapped));
    ps->cfg->trap_unmapped = trapped;
    if (err == CORBEL_OK)
        err = optional(domprop_u32(&ps->at, &p2m, &ps->cfg->p2m_mem_mb));
    if (err == CORBEL_OK && ps->cfg->p2m_mem_mb > ram_mib)
        err = domprop_refusef(&ps->at, p2m.name, DOMPROP_CELLS, "MiB, at most the machine's 0x%llx",
                              (unsigned long long)ram_mib);
    return err;
}

/* Numbers that mean nothing here, and are looked at only so that nonsense does not pass. */
static enum corbel_err parse_ignored(struct parser *ps)
{
    static const struct domprop_rule rules[] = {
        { "domid", 0, 0x7fef, "a number from 0 to 0x7fef" },
        { "max_grant_version", 0, INT32_MAX, "a number up to 0x7fffffff" },
        { "max_grant_frames", 0, INT32_MAX, "a number up to 0x7fffffff" },
        { "max_maptrack_frames", 0, INT32_MAX, "a number up to 0x7fffffff" },
    };
    u32 unused;

    for (u32 i = 0; i < ARRAY_SIZE(rules); i++) {
        enum corbel_err err = optional(domprop_u32(&ps->at, &rules[i], &unused));

        if (err != CORBEL_OK)
            return err;
    }
    return CORBEL_OK;
}

static enum corbel_err parse_pool(struct parser *ps)
{
    static const char expected[] = "the phandle of a xen,cpupool node";
    static const struct domprop_rule rule = { "domain-cpupool", 1, UINT32_MAX, expected };
    u32 phandle = 0;
    enum corbel_err err = domprop_u32(&ps->at, &rule, &phandle);
    int node;

    if (err != CORBEL_OK)
        return optional(err);
    node = fdtr_by_phandle(ps->at.fdt, phandle);
    if (node < 0 || !fdtr_compatible(ps->at.fdt, node, "xen,cpupool"))
        return domprop_refuse(&ps->at, rule.name, DOMPROP_CELLS, expected);
    ps->cfg->pool_phandle = phandle;
    return CORBEL_OK;
}

/* --- Known to Xen, not working here yet: refused by name rather than misread ---------------- */

static enum corbel_err refuse_present(struct parser *ps)
{
    if (fdtr_has(ps->at.fdt, ps->at.node, "llc-colors"))
        return domprop_refuse(&ps->at, "llc-colors", DOMPROP_PRESENT,
                              "it absent: cache coloring does not work yet");
    return CORBEL_OK;
}

static enum corbel_err refuse_numbers(struct parser *ps)
{
    static const struct domprop_rule caps = {
        "capabilities", 0, 7, "a sum of 1 (control), 2 (hardware) and 4 (xenstore)"
    };
    static const struct domprop_rule sve = { "sve", 0, UINT32_MAX, "a vector length in one cell" };
    u32 value = 0;
    u32 len = 0;
    enum corbel_err err = optional(domprop_u32(&ps->at, &caps, &value));

    if (err == CORBEL_OK && value)
        err = domprop_refuse(&ps->at, caps.name, DOMPROP_CELLS, "0: capabilities do not work yet");
    if (err != CORBEL_OK)
        return err;
    if (fdtr_prop(ps->at.fdt, ps->at.node, sve.name, &len) &&
        !len) /* empty: the longest there is */
        return domprop_refuse(&ps->at, sve.name, DOMPROP_PRESENT, "0: SVE does not work yet");
    value = 0;
    err = optional(domprop_u32(&ps->at, &sve, &value));
    if (err == CORBEL_OK && value)
        err = domprop_refuse(&ps->at, sve.name, DOMPROP_CELLS, "0: SVE does not work yet");
    return err;
}

/* A string with one harmless value, values that do not work yet, and no others. */
struct choice {
    const char *name;
    const char *harmless;
    const char *later[3];
    const char *not_yet; /* what is expected instead of a value that does not work yet */
    const char *allowed; /* what is expected instead of an unknown one */
};

static enum corbel_err check_choice(const struct domprop *at, const struct choice *choice)
{
    const char *text;
    enum corbel_err err = domprop_string(at, choice->name, choice->allowed, &text);

    if (err != CORBEL_OK)
        return optional(err);
    if (strcmp(text, choice->harmless) == 0)
        return CORBEL_OK;
    for (u32 i = 0; i < ARRAY_SIZE(choice->later) && choice->later[i]; i++)
        if (strcmp(text, choice->later[i]) == 0)
            return domprop_refuse(at, choice->name, DOMPROP_STRING, choice->not_yet);
    return domprop_refuse(at, choice->name, DOMPROP_STRING, choice->allowed);
}

static enum corbel_err refuse_choices(struct parser *ps)
{
    static const struct choice choices[] = {
        { "xen,enhanced",
          "disabled",
          { "enabled", "legacy", "no-xenstore" },
          "\"disabled\": the Xen interface does not work yet",
          "\"enabled\", \"legacy\", \"no-xenstore\" or \"disabled\"" },
        { "xen,sci_type",
          "none",
          { "scmi_smc" },
          "\"none\": SCMI does not work yet",
          "\"none\" or \"scmi_smc\"" },
        { "v8r_el1_msa",
          "mmu",
          { "mpu" },
          "\"mmu\": this is no Armv8-R build",
          "\"mmu\" or \"mpu\"" },
    };
    u32 len = 1;

    /* An empty xen,enhanced means "enabled". */
    if (fdtr_prop(ps->at.fdt, ps->at.node, "xen,enhanced", &len) && !len)
        return domprop_refuse(&ps->at, "xen,enhanced", DOMPROP_PRESENT, choices[0].not_yet);
    for (u32 i = 0; i < ARRAY_SIZE(choices); i++) {
        enum corbel_err err = check_choice(&ps->at, &choices[i]);

        if (err != CORBEL_OK)
            return err;
    }
    return CORBEL_OK;
}

static enum corbel_err refuse_child(struct parser *ps, int child)
{
    struct domprop at = { ps->at.fdt, child, ps->at.e };

    if (fdtr_compatible(at.fdt, child, "xen,evtchn-v1"))
        return domprop_refuse(&at, "compatible", DOMPROP_STRING,
                              "no such node: static event channels do not work yet");
    return CORBEL_OK;
}

/* --- xen,vcpu children ------------------------------------------------------------------------ */

static enum corbel_err parse_affinity(struct parser *ps, const struct domprop *at, u32 id)
{
    static const char expected[] = "CPU numbers such as \"0-3,5\"";
    u32 cpus = ps->p->cpu_count;
    cpumask_t mask, missing;
    const char *text;
    enum corbel_err err = domprop_string(at, "hard-affinity", expected, &text);

    if (err != CORBEL_OK)
        return optional(err);
    err = cpulist_parse(text, &mask);
    if (err == ERR_RANGE)
        return domprop_refusef(at, "hard-affinity", DOMPROP_STRING, "CPU numbers below %u", cpus);
    if (err != CORBEL_OK)
        return domprop_refuse(at, "hard-affinity", DOMPROP_STRING, expected);
    missing = cpus < MAX_CPUS ? mask & ~(BIT(cpus) - 1) : 0;
    if (missing)
        return domprop_refusef(at, "hard-affinity", DOMPROP_STRING,
                               "CPU numbers below %u; there is no CPU %u", cpus,
                               bit_lowest(missing));
    ps->cfg->vcpus[id].affinity = mask;
    return CORBEL_OK;
}

static enum corbel_err parse_vcpu(struct parser *ps, int child, u64 *seen)
{
    static const struct domprop_rule rule = { "id", 0, UINT32_MAX, "a vCPU number in one cell" };
    struct domprop at = { ps->at.fdt, child, ps->at.e };
    u32 id = 0;
    enum corbel_err err = domprop_u32(&at, &rule, &id);

    if (err == ERR_NOENT)
        return domprop_refuse(&at, "id", DOMPROP_CELLS, rule.expected);
    if (err != CORBEL_OK)
        return err;
    if (id >= ps->cfg->cpus)
        return domprop_refusef(&at, "id", DOMPROP_CELLS, "a number below the domain's cpus, %u",
                               ps->cfg->cpus);
    if (*seen & BIT(id))
        return domprop_refuse(&at, "id", DOMPROP_CELLS, "one node for each vCPU");
    *seen |= BIT(id);
    return parse_affinity(ps, &at, id);
}

static enum corbel_err parse_children(struct parser *ps)
{
    const void *fdt = ps->at.fdt;
    enum corbel_err err = CORBEL_OK;
    u64 seen = 0;
    int child;

    for (child = fdtr_first_child(fdt, ps->at.node); child >= 0 && err == CORBEL_OK;
         child = fdtr_next_child(fdt, child)) {
        if (fdtr_compatible(fdt, child, "xen,vcpu"))
            err = parse_vcpu(ps, child, &seen);
        else
            err = refuse_child(ps, child);
    }
    return err;
}

static enum corbel_err parse_policy(struct parser *ps)
{
    return domcfg_policy_parse(ps->p, ps->cfg, ps->at.e);
}

static enum corbel_err parse_modules(struct parser *ps)
{
    return domcfg_modules_parse(ps->p, ps->cfg, ps->at.e);
}

/* After the modules: those have refused cell counts that make no sense. */
static enum corbel_err parse_static(struct parser *ps)
{
    enum corbel_err err = domcfg_static_parse(ps->p, ps->cfg, ps->at.e);

    return err == CORBEL_OK ? domcfg_shm_parse(ps->p, ps->cfg, ps->at.e) : err;
}

enum corbel_err domcfg_parse(const struct platform *p, int node, struct domcfg *cfg,
                             struct cfg_error *e)
{
    static enum corbel_err (*const steps[])(struct parser *) = {
        parse_memory,   parse_cpus,     parse_spis,     parse_numbers,  parse_ignored,
        parse_pool,     refuse_present, refuse_numbers, refuse_choices, parse_policy,
        parse_children, parse_modules,  parse_static,
    };
    struct parser ps = { p, cfg, { p->fdt, node, e } };

    memset(cfg, 0, sizeof(*cfg));
    e->text[0] = '\0';
    cfg->node = node;
    fdtr_path_of(p->fdt, node, cfg->path, sizeof(cfg->path));
    domprop_node_name(p->fdt, node, cfg->name, sizeof(cfg->name));
    for (u32 i = 0; i < ARRAY_SIZE(steps); i++) {
        enum corbel_err err = steps[i](&ps);

        if (err != CORBEL_OK)
            return err;
    }
    return CORBEL_OK;
}

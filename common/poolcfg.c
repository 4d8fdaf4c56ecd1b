/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boot-time CPU pools (xen,cpupool nodes in /chosen) and CPU lists. Pure: one call
 * per node, at boot and in host tools. That no CPU is in two pools is checked by
 * the caller, who sees all of them. Binding: docs/bindings.md, "CPU pools".
 */
#include <corbel/domcfg.h>

#include <corbel/bits.h>
#include <corbel/domprop.h>
#include <corbel/fdt_read.h>
#include <corbel/sched.h>
#include <corbel/string.h>

int poolcfg_next(const void *fdt, int prev)
{
    int chosen = fdtr_path(fdt, "/chosen");
    int node;

    if (chosen < 0)
        return chosen;
    node = prev < 0 ? fdtr_first_child(fdt, chosen) : fdtr_next_child(fdt, prev);
    while (node >= 0 && !fdtr_compatible(fdt, node, "xen,cpupool"))
        node = fdtr_next_child(fdt, node);
    return node;
}

/* The logical number of the CPU with this phandle, cpu_count when there is none. */
static u32 cpu_by_phandle(const struct platform *p, u32 phandle)
{
    u32 cpu;

    for (cpu = 0; cpu < p->cpu_count; cpu++)
        if (phandle && p->cpus[cpu].phandle == phandle)
            break;
    return cpu;
}

static enum corbel_err read_cpus(const struct platform *p, const struct domprop *at,
                                 cpumask_t *cpus)
{
    static const char name[] = "cpupool-cpus";
    u32 len = 0;
    const u8 *cells = fdtr_prop(at->fdt, at->node, name, &len);

    *cpus = 0;
    if (!cells || !len || len % 4)
        return domprop_refuse(at, name, DOMPROP_LENGTH, "phandles of one CPU or more");
    for (u32 i = 0; i < len / 4; i++) {
        u32 phandle = (u32)fdtr_read_cells(cells + (size_t)4 * i, 1);
        u32 cpu = cpu_by_phandle(p, phandle);

        if (cpu >= p->cpu_count)
            return domprop_refusef(at, name, DOMPROP_CELLS, "phandles of CPUs in use; 0x%x is none",
                                   phandle);
        if (*cpus & BIT(cpu))
            return domprop_refusef(at, name, DOMPROP_CELLS, "each CPU once; 0x%x is there twice",
                                   phandle);
        *cpus |= BIT(cpu);
    }
    return CORBEL_OK;
}

static enum corbel_err read_policy(const struct domprop *at, u8 *policy)
{
    static const char expected[] = "\"credit2\", \"credit\" or \"null\"";
    const char *text;
    enum corbel_err err = domprop_string(at, "cpupool-sched", expected, &text);

    *policy = SCHED_FAIR;
    if (err == ERR_NOENT)
        return CORBEL_OK;
    if (err != CORBEL_OK)
        return err;
    if (strcmp(text, "null") == 0)
        *policy = SCHED_NULL;
    else if (strcmp(text, "credit2") != 0 && strcmp(text, "credit") != 0)
        return domprop_refuse(at, "cpupool-sched", DOMPROP_STRING, expected);
    return CORBEL_OK;
}

enum corbel_err poolcfg_parse(const struct platform *p, int node, struct poolcfg *pool,
                              struct cfg_error *e)
{
    struct domprop at = { p->fdt, node, e };
    enum corbel_err err;

    memset(pool, 0, sizeof(*pool));
    pool->phandle = fdtr_phandle(p->fdt, node);
    domprop_node_name(p->fdt, node, pool->name, sizeof(pool->name));
    err = read_cpus(p, &at, &pool->cpus);
    if (err == CORBEL_OK)
        err = read_policy(&at, &pool->policy);
    return err;
}

/* Decimal digits at *s; the value stops growing past what matters here. */
static enum corbel_err cpu_number(const char **s, u32 *out)
{
    u32 value = 0;

    if (**s < '0' || **s > '9')
        return ERR_FORMAT;
    for (; **s >= '0' && **s <= '9'; (*s)++)
        value = MIN(value * 10 + (u32)(**s - '0'), 10000u);
    *out = value;
    return CORBEL_OK;
}

enum corbel_err cpulist_parse(const char *text, cpumask_t *out)
{
    enum corbel_err range = CORBEL_OK;
    cpumask_t mask = 0;

    for (;; text++) {
        u32 first, last;

        if (cpu_number(&text, &first) != CORBEL_OK)
            return ERR_FORMAT;
        last = first;
        if (*text == '-') {
            text++;
            if (cpu_number(&text, &last) != CORBEL_OK || last < first)
                return ERR_FORMAT;
        }
        if (last >= MAX_CPUS)
            range = ERR_RANGE;
        else
            mask |= GENMASK(last, first);
        if (*text != ',')
            break;
    }
    if (*text != '\0')
        return ERR_FORMAT;
    *out = mask;
    return range;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a domain's node says about DMA and about its end: passthrough, what becomes of a device
 * that reaches beyond its domain's memory, of a domain that reboots or crashes, its watchdog; its
 * performance monitors; and the debug hook of tests. Part of the parser in domcfg.c, under the
 * same rules. Whether devices can be kept to the domain's memory is the partial tree's matter
 * (passdt.c).
 * Binding: docs/bindings.md, "Policy".
 */
#include <corbel/domcfg_policy.h>

#include <corbel/bits.h>
#include <corbel/domprop.h>
#include <corbel/fdt_read.h>
#include <corbel/string.h>

#define CELL_SIZE        4u
#define RESTARTS_MAX     3u
#define RESTARTS_SECONDS 60u
#define COUNT_MAX        65535u
#define SECONDS_MAX      86400u

/* A string of a fixed set; what it stands for is its place in values. */
struct word_rule {
    const char *name;
    const char *values[3];
    const char *expected;
};

/* ERR_NOENT: absent, *out as before. */
static enum corbel_err parse_word(const struct domprop *at, const struct word_rule *rule, u8 *out)
{
    const char *text;
    enum corbel_err err = domprop_string(at, rule->name, rule->expected, &text);

    if (err != CORBEL_OK)
        return err;
    for (u32 i = 0; i < ARRAY_SIZE(rule->values) && rule->values[i]; i++) {
        if (strcmp(text, rule->values[i]) != 0)
            continue;
        *out = (u8)i;
        return CORBEL_OK;
    }
    return domprop_refuse(at, rule->name, DOMPROP_STRING, rule->expected);
}

static enum corbel_err parse_passthrough(struct domcfg *cfg, const struct domprop *at)
{
    static const struct word_rule rule = { "passthrough",
                                           { "enabled", "disabled" },
                                           "\"enabled\" or \"disabled\"" };
    u8 word = 0;
    enum corbel_err err = parse_word(at, &rule, &word);

    if (err != CORBEL_OK && err != ERR_NOENT)
        return err;
    if (err == CORBEL_OK)
        cfg->passthrough = word ? PASSTHROUGH_DISABLED : PASSTHROUGH_ENABLED;
    cfg->no_iommu = fdtr_has(at->fdt, at->node, "corbel,no-iommu");
    if (cfg->no_iommu && cfg->passthrough == PASSTHROUGH_ENABLED)
        return domprop_refuse(at, "corbel,no-iommu", DOMPROP_PRESENT,
                              "it absent, since passthrough is \"enabled\"");
    return CORBEL_OK;
}

_Static_assert(DMA_FAULT_LOG == 0 && DMA_FAULT_QUARANTINE == 1 && DMA_FAULT_CRASH == 2,
               "order of the words");
_Static_assert(ACTION_HALT == 0 && ACTION_RESTART == 1 && ACTION_HOST_RESET == 2, "likewise");

static enum corbel_err parse_actions(struct domcfg *cfg, const struct domprop *at)
{
    static const char actions[] = "\"halt\", \"restart\" or \"host-reset\"";
    static const struct word_rule rules[] = {
        { "corbel,on-dma-fault",
          { "log", "quarantine", "crash" },
          "\"log\", \"quarantine\" or \"crash\"" },
        { "corbel,on-reboot", { "halt", "restart", "host-reset" }, actions },
        { "corbel,on-crash", { "halt", "restart", "host-reset" }, actions },
    };
    u8 *const out[] = { &cfg->on_dma_fault, &cfg->on_reboot, &cfg->on_crash };

    for (u32 i = 0; i < ARRAY_SIZE(rules); i++) {
        enum corbel_err err = parse_word(at, &rules[i], out[i]);

        if (err != CORBEL_OK && err != ERR_NOENT)
            return err;
    }
    return CORBEL_OK;
}

static enum corbel_err parse_watchdog(struct domcfg *cfg, const struct domprop *at)
{
    static const struct word_rule rule = { "corbel,watchdog",
                                           { "sbsa-gwdt", "smc-wdt" },
                                           "\"sbsa-gwdt\" or \"smc-wdt\"" };
    u8 word = 0;
    enum corbel_err err = parse_word(at, &rule, &word);

    if (err == CORBEL_OK)
        cfg->watchdog = word ? WATCHDOG_SMC : WATCHDOG_SBSA;
    return err == ERR_NOENT ? CORBEL_OK : err;
}

static enum corbel_err parse_pmu(struct domcfg *cfg, const struct domprop *at)
{
    static const struct word_rule rule = { "corbel,pmu", { "on", "off" }, "\"on\" or \"off\"" };
    u8 word = 0;
    enum corbel_err err = parse_word(at, &rule, &word);

    if (err != CORBEL_OK && err != ERR_NOENT)
        return err;
    cfg->pmu_off = word != 0;
    return CORBEL_OK;
}

static enum corbel_err parse_restart_limit(struct domcfg *cfg, const struct domprop *at)
{
    static const char name[] = "corbel,restart-limit";
    static const char expected[] = "a count from 1 to 65535 and seconds from 1 to 86400";
    u32 len = 0;
    const u8 *prop = fdtr_prop(at->fdt, at->node, name, &len);
    u64 count, seconds;

    _Static_assert(COUNT_MAX == 65535 && SECONDS_MAX == 86400, "the text of the refusal");
    cfg->restarts_max = RESTARTS_MAX;
    cfg->restarts_seconds = RESTARTS_SECONDS;
    if (!prop)
        return CORBEL_OK;
    if (len != 2 * CELL_SIZE)
        return domprop_refuse(at, name, DOMPROP_LENGTH, expected);
    count = fdtr_read_cells(prop, 1);
    seconds = fdtr_read_cells(prop + CELL_SIZE, 1);
    if (!count || count > COUNT_MAX || !seconds || seconds > SECONDS_MAX)
        return domprop_refuse(at, name, DOMPROP_CELLS, expected);
    cfg->restarts_max = (u32)count;
    cfg->restarts_seconds = (u32)seconds;
    return CORBEL_OK;
}

/* That it lies in the domain's RAM is known once that has its addresses: plan.c. */
static enum corbel_err parse_debug_hook(struct domcfg *cfg, const struct domprop *at)
{
    static const char name[] = "corbel,debug-hook";
    static const char expected[] = "guest address and size, whole pages, in two cells each";
    struct mem_range hook;
    u32 len = 0;
    const u8 *prop = fdtr_prop(at->fdt, at->node, name, &len);

    if (!prop)
        return CORBEL_OK;
    if (!IS_ENABLED(CONFIG_DEBUG))
        return domprop_refuse(at, name, DOMPROP_CELLS, "it absent: this is no debug build");
    if (len != 4 * CELL_SIZE)
        return domprop_refuse(at, name, DOMPROP_LENGTH, expected);
    hook.base = fdtr_read_cells(prop, 2);
    hook.size = fdtr_read_cells(prop + (size_t)2 * CELL_SIZE, 2);
    if (!hook.size || !IS_ALIGNED(hook.base | hook.size, PAGE_SIZE) ||
        hook.base + hook.size < hook.base)
        return domprop_refuse(at, name, DOMPROP_CELLS, expected);
    cfg->debug_hook = hook;
    return CORBEL_OK;
}

enum corbel_err domcfg_policy_parse(const struct platform *p, struct domcfg *cfg,
                                    struct cfg_error *e)
{
    struct domprop at = { p->fdt, cfg->node, e };
    enum corbel_err err = parse_passthrough(cfg, &at);

    if (err == CORBEL_OK)
        err = parse_actions(cfg, &at);
    if (err == CORBEL_OK)
        err = parse_watchdog(cfg, &at);
    if (err == CORBEL_OK)
        err = parse_restart_limit(cfg, &at);
    if (err == CORBEL_OK)
        err = parse_pmu(cfg, &at);
    return err == CORBEL_OK ? parse_debug_hook(cfg, &at) : err;
}

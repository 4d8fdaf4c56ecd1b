/* SPDX-License-Identifier: Apache-2.0 */
/* Words for what was planned, used by the report for people and by the one for programs. */
#include "show.h"

#include <stdio.h>
#include <string.h>

#include <corbel/bits.h>
#include <corbel/s2policy.h>

static const char *attr_name(u8 memattr)
{
    switch (memattr) {
    case S2_ATTR_nGnRnE:
        return "Device-nGnRnE";
    case S2_ATTR_GRE:
        return "Device-GRE";
    case S2_ATTR_NC:
        return "Normal-NC";
    default:
        return memattr == S2_ATTR_WB ? "Normal-WB" : "unknown";
    }
}

static bool is_emulated(u8 kind)
{
    return kind == MAP_GICD || kind == MAP_GICR || kind == MAP_VUART || kind == MAP_VWDT ||
           kind == MAP_GNTTAB;
}

/* Frames of shared memory without a host address are chosen at boot. */
static u64 shared_host(const struct domcfg *cfg, u64 gpa)
{
    for (u32 i = 0; i < cfg->shm_count; i++) {
        if (cfg->shms[i].gpa == gpa)
            return cfg->shms[i].hpa;
    }
    return 0;
}

struct show_entry show_entry(const struct platform *p, const struct plan *plan,
                             const struct addrmap_entry *e)
{
    struct show_entry out = { .how = "mapped", .host = e->pa };
    struct s2_attr attr = s2_policy((enum s2_class)e->cls);

    if (e->kind == MAP_GICC)
        out.host = p->gic.gicv.base; /* the guest's CPU interface is the virtual one */
    if (e->kind == MAP_SHMEM)
        out.host = shared_host(&plan->cfg, e->base);
    out.has_host = out.host != 0;
    if (is_emulated(e->kind)) {
        out.how = "emulated";
        out.has_host = false;
        return out;
    }
    if (e->trapped) {
        out.how = "forwarded";
        return out;
    }
    out.cls = s2_class_name((enum s2_class)e->cls);
    out.attr = attr_name(attr.memattr);
    snprintf(out.access, sizeof(out.access), "%c%c%c", attr.read ? 'r' : '-',
             attr.write ? 'w' : '-', attr.exec ? 'x' : '-');
    return out;
}

const char *show_module_kind(u8 kind)
{
    static const char *const names[] = { [MODULE_UNKNOWN] = "module",
                                         [MODULE_KERNEL] = "kernel",
                                         [MODULE_RAMDISK] = "ramdisk",
                                         [MODULE_DTB] = "device-tree",
                                         [MODULE_XSM] = "xsm-policy" };

    return kind < ARRAY_SIZE(names) ? names[kind] : "module";
}

bool show_module_is_new(const struct platform *p, u32 index)
{
    const struct mem_range *range = &p->modules[index].range;

    for (u32 i = 0; i < index; i++) {
        if (p->modules[i].range.base == range->base && p->modules[i].range.size == range->size)
            return false;
    }
    return true;
}

const char *show_uart_kind(u8 kind)
{
    return kind == UART_PL011 ? "PL011" : kind == UART_SBSA ? "SBSA UART" : "none";
}

const char *show_iommu_kind(u8 kind)
{
    static const char *const names[] = { "none", "SMMUv1", "SMMUv2", "SMMUv3" };

    return kind < ARRAY_SIZE(names) ? names[kind] : names[0];
}

const char *show_protection(u8 protection)
{
    static const char *const names[] = { [PASSDT_NO_DMA] = "no-dma",
                                         [PASSDT_BY_SMMU] = "smmu",
                                         [PASSDT_BYPASS] = "bypass",
                                         [PASSDT_FORCED] = "none" };

    return protection < ARRAY_SIZE(names) ? names[protection] : "none";
}

const char *show_dma_policy(u8 policy)
{
    static const char *const names[] = {
        [DMA_FAULT_LOG] = "log", [DMA_FAULT_QUARANTINE] = "quarantine", [DMA_FAULT_CRASH] = "crash"
    };

    return policy < ARRAY_SIZE(names) ? names[policy] : names[DMA_FAULT_LOG];
}

const char *show_action(u8 action)
{
    static const char *const names[] = {
        [ACTION_HALT] = "halt", [ACTION_RESTART] = "restart", [ACTION_HOST_RESET] = "host-reset"
    };

    return action < ARRAY_SIZE(names) ? names[action] : names[ACTION_HALT];
}

const char *show_watchdog(u8 watchdog)
{
    static const char *const names[] = {
        [WATCHDOG_NONE] = "none", [WATCHDOG_SBSA] = "sbsa-gwdt", [WATCHDOG_SMC] = "smc-wdt"
    };

    return watchdog < ARRAY_SIZE(names) ? names[watchdog] : names[WATCHDOG_NONE];
}

/* Copy from *at up to the separator, and step behind it; all of it when there is none. */
static void part(const char **at, const char *separator, char *out, size_t size)
{
    const char *end = strstr(*at, separator);
    size_t len = end ? (size_t)(end - *at) : strlen(*at);

    snprintf(out, size, "%.*s", (int)len, *at);
    *at += end ? len + strlen(separator) : len;
}

void show_refusal(const char *line, struct show_refusal *out)
{
    memset(out, 0, sizeof(*out));
    part(&line, ": ", out->node, sizeof(out->node));
    part(&line, " = ", out->property, sizeof(out->property));
    part(&line, ": expected ", out->value, sizeof(out->value));
    snprintf(out->expected, sizeof(out->expected), "%s", line);
}

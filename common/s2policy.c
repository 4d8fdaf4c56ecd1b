/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage-2 policy: which memory type, shareability and access a class of
 * guest-physical memory gets. A pure table, the only source of leaf attributes;
 * design.md section 3, requirements B2-B4. With FWB = 0 stage 1 and stage 2
 * combine to the stricter type (Arm ARM D8.6.5), so Device-GRE lets the guest
 * choose any Device type, and Normal WB any type at all.
 */
#include <corbel/s2policy.h>

#include <corbel/compiler.h>
#include <corbel/panic.h>

static const struct policy {
    const char *name;
    struct s2_attr attr;
} policies[] = {
    [S2_RAM] = { "RAM", { S2_ATTR_WB, S2_SH_INNER, true, true, true, S2_RAM } },
    [S2_RAM_RO] = { "RAM-RO", { S2_ATTR_WB, S2_SH_INNER, true, false, true, S2_RAM_RO } },
    [S2_SRAM] = { "SRAM", { S2_ATTR_WB, S2_SH_INNER, true, true, true, S2_SRAM } },
    [S2_MMIO] = { "MMIO", { S2_ATTR_GRE, S2_SH_NONE, true, true, false, S2_MMIO } },
    [S2_GIC] = { "GIC", { S2_ATTR_nGnRnE, S2_SH_NONE, true, true, false, S2_GIC } },
    [S2_MMIO_NC] = { "MMIO-NC", { S2_ATTR_NC, S2_SH_NONE, true, true, false, S2_MMIO_NC } },
    [S2_MSI] = { "MSI", { S2_ATTR_nGnRnE, S2_SH_NONE, true, true, false, S2_MSI } },
    [S2_HWDOM_C] = { "MMIO-C", { S2_ATTR_WB, S2_SH_OUTER, true, true, false, S2_HWDOM_C } },
    [S2_MMIO_RO] = { "MMIO-RO", { S2_ATTR_GRE, S2_SH_NONE, true, false, false, S2_MMIO_RO } },
};

_Static_assert(ARRAY_SIZE(policies) == S2_CLASS_COUNT, "every class has its policy");

struct s2_attr s2_policy(enum s2_class cls)
{
    CORBEL_ASSERT((u32)cls < S2_CLASS_COUNT);
    return policies[cls].attr;
}

const char *s2_class_name(enum s2_class cls)
{
    return (u32)cls < S2_CLASS_COUNT ? policies[cls].name : "unknown";
}

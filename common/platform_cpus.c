/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the platform about CPUs: the nodes in /cpus, how each is started,
 * and the PSCI node. Without a PSCI node no firmware call may ever be made: on
 * machines without firmware an SMC does not return.
 * Devicetree Specification v0.4, 3.8; bindings "arm,psci", Arm "cpus".
 */
#include <corbel/platform.h>

#include <corbel/bits.h>
#include <corbel/fdt_read.h>
#include <corbel/mem_range.h>
#include <corbel/platform_parts.h>
#include <corbel/string.h>

/* MPIDR_EL1 Aff3, Aff2, Aff1, Aff0; the cpu binding uses no other bit of reg. */
#define MPIDR_AFFINITY 0xff00ffffffull

/* ---- PSCI ---- */

/* "arm,psci-" and a version from 0.2 on: function numbers are the standard ones. */
static bool is_psci(const void *fdt, int node)
{
    const char *text;
    u32 i;

    for (i = 0; (text = fdtr_string_at(fdt, node, "compatible", i)) != NULL; i++) {
        if (str_starts(text, "arm,psci-") && strcmp(text, "arm,psci-0.1") != 0)
            return true;
    }
    return false;
}

/* Only smc: an HVC of EL2's comes back to EL2, where nobody but ourselves would answer it. */
static void read_conduit(struct platform *p, int node)
{
    const char *method;

    if (fdtr_string(p->fdt, node, "method", &method) != CORBEL_OK)
        method = "";
    if (strcmp(method, "smc") == 0)
        p->psci_conduit = SMCCC_SMC;
    else
        platform_note(p, node, "method = \"%s\": expected smc", method);
}

static void read_psci(struct platform *p)
{
    int depth = -1;
    int node;

    for (node = fdtr_next_node(p->fdt, -1, &depth); node >= 0 && p->psci_conduit == SMCCC_NONE;
         node = fdtr_next_node(p->fdt, node, &depth)) {
        bool standard = is_psci(p->fdt, node);

        if (!standard && !fdtr_compatible(p->fdt, node, "arm,psci"))
            continue;
        if (!platform_node_enabled(p->fdt, node))
            continue;
        if (standard)
            read_conduit(p, node);
        else
            p->psci_0_1 = true;
    }
    if (p->psci_conduit != SMCCC_NONE)
        p->psci_0_1 = false;
}

/* ---- CPUs ---- */

static bool is_cpu(const void *fdt, int node)
{
    const char *type;

    return fdtr_string(fdt, node, "device_type", &type) == CORBEL_OK && strcmp(type, "cpu") == 0;
}

static bool read_mpidr(struct platform *p, int node, u64 *out)
{
    u64 reg;
    u32 i;

    /* #size-cells of /cpus is 0, so the property is one number. */
    if (fdtr_number(p->fdt, node, "reg", &reg) != CORBEL_OK) {
        platform_note(p, node, "reg: expected one or two cells; CPU not used");
        return false;
    }
    *out = reg & MPIDR_AFFINITY;
    if (*out != reg)
        platform_note(p, node, "reg = 0x%llx: bits outside the affinity fields ignored",
                      (unsigned long long)reg);
    for (i = 0; i < p->cpu_count; i++) {
        if (p->cpus[i].mpidr == *out) {
            platform_note(p, node, "reg = 0x%llx: a CPU before it has the same; not used",
                          (unsigned long long)reg);
            return false;
        }
    }
    return true;
}

/*
 * The CPU's own enable-method, else that of /cpus (boards put one there that only
 * 32-bit kernels mean), else PSCI where there is a PSCI node.
 */
static const char *enable_method(const struct platform *p, int node)
{
    const char *method;

    if (fdtr_string(p->fdt, node, "enable-method", &method) == CORBEL_OK)
        return method;
    if (fdtr_string(p->fdt, fdtr_parent(p->fdt, node), "enable-method", &method) == CORBEL_OK)
        return method;
    return p->psci_conduit != SMCCC_NONE ? "psci" : "";
}

/*
 * A CPU that is left out waits there for ever, at EL2: who writes to that word chooses what it
 * runs. Not all trees reserve it.
 */
static void keep_release_page(struct platform *p, u64 release_addr)
{
    const struct mem_range page = { ALIGN_DOWN(release_addr, PAGE_SIZE), PAGE_SIZE };

    if (!mem_range_inside_any(p->reserved, p->reserved_count, &page)) /* all CPUs share one */
        platform_reserve(p, page.base, page.size);
}

static void read_method(struct platform *p, int node, struct platform_cpu *cpu)
{
    const char *method = enable_method(p, node);

    cpu->method = CPU_METHOD_NONE;
    if (strcmp(method, "psci") == 0 && p->psci_conduit != SMCCC_NONE)
        cpu->method = CPU_METHOD_PSCI;
    else if (strcmp(method, "psci") == 0)
        platform_note(p, node, "enable-method = \"psci\", but there is no usable PSCI node");
    else if (strcmp(method, "spin-table") != 0)
        platform_note(p, node, "enable-method = \"%s\": expected psci or spin-table", method);
    else if (fdtr_number(p->fdt, node, "cpu-release-addr", &cpu->release_addr) == CORBEL_OK)
        cpu->method = CPU_METHOD_SPIN_TABLE;
    else
        platform_note(p, node, "cpu-release-addr: expected an address");
    if (cpu->method == CPU_METHOD_SPIN_TABLE)
        keep_release_page(p, cpu->release_addr);
}

static bool read_cpu(struct platform *p, int node)
{
    struct platform_cpu *cpu = &p->cpus[p->cpu_count];
    const char *compatible = fdtr_string_at(p->fdt, node, "compatible", 0);
    u64 mpidr;

    if (!fdtr_available(p->fdt, node) || p->cpu_count == MAX_CPUS || !read_mpidr(p, node, &mpidr))
        return false;
    cpu->mpidr = mpidr;
    cpu->phandle = fdtr_phandle(p->fdt, node);
    if (compatible)
        str_copy(cpu->compatible, compatible, sizeof(cpu->compatible));
    read_method(p, node, cpu);
    p->cpu_count++;
    return true;
}

void platform_read_cpus(struct platform *p)
{
    int parent = fdtr_child(p->fdt, 0, "cpus");
    int node;

    read_psci(p);
    if (parent < 0)
        return;
    for (node = fdtr_first_child(p->fdt, parent); node >= 0; node = fdtr_next_child(p->fdt, node)) {
        if (is_cpu(p->fdt, node) && !read_cpu(p, node))
            p->cpus_ignored++;
    }
    if (p->cpu_count == MAX_CPUS && p->cpus_ignored > 0)
        platform_note(p, parent, "%u CPUs not used, %u is the limit", p->cpus_ignored, MAX_CPUS);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the platform about devices the hypervisor drives itself: the GIC,
 * the generic timer, the console UART; and those it keeps from everybody, such
 * as SMMUs (platform_iommu.c reads more of them). Addresses are what the CPU sees,
 * through every ranges on the way; what is to be driven must be enabled, with all
 * above it (secure twins of UART and RAM are listed, but disabled).
 * Bindings "arm,gic", "arm,pmu", "arm,gic-v3", "arm,arch_timer", "arm,pl011", "arm,sbsa-uart".
 */
#include <corbel/platform.h>

#include <corbel/bits.h>
#include <corbel/cmdline.h>
#include <corbel/fdt_read.h>
#include <corbel/platform_parts.h>
#include <corbel/string.h>

#define PPI_FIRST           16u
#define PPI_END             32u
#define MAINTENANCE_DEFAULT 25u /* SBSA's assignment, the GIC maintenance interrupt */

/* "arm,cortex-a72-pmu": one of many names, of which few trees add the generic one. */
#define PMU_GENERIC "arm,armv8-pmuv3"
#define PMU_SUFFIX  "-pmu"

/* ---- what a node is ---- */

enum device_role { ROLE_NONE, ROLE_GIC, ROLE_TIMER, ROLE_IOMMU, ROLE_PMU };

struct device_kind {
    const char *compatible;
    const char *hidden; /* what its registers are to others; NULL: nothing to hide */
    u8 role;            /* enum device_role: what is made of it */
    u8 version;         /* enum gic_version, enum iommu_kind */
};

/* Of several that fit a node, the first one here counts. */
static const struct device_kind kinds[] = {
    { "arm,gic-v3", "a GIC", ROLE_GIC, GIC_V3 },
    { "arm,gic-400", "a GIC", ROLE_GIC, GIC_V2 },
    { "arm,cortex-a15-gic", "a GIC", ROLE_GIC, GIC_V2 },
    { "arm,cortex-a7-gic", "a GIC", ROLE_GIC, GIC_V2 },
    { "arm,cortex-a9-gic", "a GIC", ROLE_GIC, GIC_V2 },
    { "arm,gic-v3-its", "a GIC ITS", ROLE_NONE, 0 },
    { "arm,gic-v2m-frame", "a GICv2m frame", ROLE_NONE, 0 },
    { "arm,smmu-v3", "an SMMU", ROLE_IOMMU, IOMMU_SMMU_V3 },
    { "arm,smmu-v2", "an SMMU", ROLE_IOMMU, IOMMU_SMMU_V2 },
    { "arm,mmu-500", "an SMMU", ROLE_IOMMU, IOMMU_SMMU_V2 },
    { "arm,smmu-v1", "an SMMU", ROLE_IOMMU, IOMMU_SMMU_V1 },
    { "arm,mmu-401", "an SMMU", ROLE_IOMMU, IOMMU_SMMU_V1 },
    { "arm,mmu-400", "an SMMU", ROLE_IOMMU, IOMMU_SMMU_V1 },
    { "arm,armv8-timer", NULL, ROLE_TIMER, 0 },
    { PMU_GENERIC, NULL, ROLE_PMU, 0 },
    { PMU_SUFFIX, NULL, ROLE_PMU, 0 },
};

/* The best of all strings of compatible, looked up once: this is done for every node there is. */
static const struct device_kind *kind_of(const void *fdt, int node)
{
    static const struct device_kind other = { NULL, "an IOMMU", ROLE_NONE, 0 };
    u32 best = ARRAY_SIZE(kinds);
    u32 len = 0;
    const char *text = fdtr_prop(fdt, node, "compatible", &len);

    while (text && len > 0) {
        size_t used = strnlen(text, len);

        if (used == len)
            break;
        for (u32 i = 0; i < best; i++)
            if (strcmp(text, kinds[i].compatible) == 0)
                best = i;
        if (best == ARRAY_SIZE(kinds) && used >= strlen(PMU_SUFFIX) &&
            strcmp(text + used - strlen(PMU_SUFFIX), PMU_SUFFIX) == 0)
            best--;
        text += used + 1;
        len -= (u32)used + 1;
    }
    if (best < ARRAY_SIZE(kinds) && kinds[best].hidden)
        return &kinds[best];
    if (fdtr_has(fdt, node, "#iommu-cells"))
        return &other;
    return best < ARRAY_SIZE(kinds) ? &kinds[best] : NULL;
}

/* ---- GIC ---- */

static bool read_gicv2(struct platform *p, int node, struct platform_gic *gic)
{
    if (!platform_read_range(p->fdt, node, 0, &gic->gicd) ||
        !platform_read_range(p->fdt, node, 1, &gic->gicc)) {
        platform_note(p, node, "reg: distributor and CPU interface expected");
        return false;
    }
    if (!platform_read_range(p->fdt, node, 2, &gic->gich) ||
        !platform_read_range(p->fdt, node, 3, &gic->gicv)) {
        platform_note(p, node, "reg: no GICH and GICV, so no virtualization extensions");
        return false;
    }
    return true;
}

static bool read_gicv3(struct platform *p, int node, struct platform_gic *gic)
{
    u32 regions = 1;
    u32 i;

    if (fdtr_u32(p->fdt, node, "#redistributor-regions", &regions) == ERR_FORMAT || regions == 0)
        regions = 1;
    if (!platform_read_range(p->fdt, node, 0, &gic->gicd)) {
        platform_note(p, node, "reg: distributor expected");
        return false;
    }
    for (i = 0; i < regions && i < PLATFORM_GICR_MAX; i++) {
        if (!platform_read_range(p->fdt, node, 1 + i, &gic->gicr[gic->gicr_count]))
            break;
        gic->gicr_count++;
    }
    if (gic->gicr_count < regions)
        platform_note(p, node, "using %u of %u redistributor regions", gic->gicr_count, regions);
    if (gic->gicr_count == 0)
        return false;

    /* The GICv2 windows of a GICv3 that still has them; absent on most. */
    if (gic->gicr_count == regions && platform_read_range(p->fdt, node, 1 + regions, &gic->gicc) &&
        platform_read_range(p->fdt, node, 2 + regions, &gic->gich))
        (void)platform_read_range(p->fdt, node, 3 + regions, &gic->gicv);

    if (fdtr_number(p->fdt, node, "redistributor-stride", &gic->gicr_stride) == ERR_FORMAT ||
        gic->gicr_stride % SZ_64K != 0) {
        platform_note(p, node, "redistributor-stride: expected a multiple of 64 KiB");
        gic->gicr_stride = 0;
    }
    return true;
}

static bool read_ppi(const void *fdt, int node, u32 index, u32 *out)
{
    struct fdtr_irq irq;

    if (fdtr_irq(fdt, node, index, &irq) != CORBEL_OK || irq.intid < PPI_FIRST ||
        irq.intid >= PPI_END)
        return false;
    *out = irq.intid;
    return true;
}

static bool read_gic(struct platform *p, int node, u8 version)
{
    struct platform_gic gic = { .version = version };

    if (!platform_node_enabled(p->fdt, node))
        return false;
    if (gic.version == GIC_V2 ? !read_gicv2(p, node, &gic) : !read_gicv3(p, node, &gic))
        return false;
    gic.phandle = fdtr_phandle(p->fdt, node);
    if (!read_ppi(p->fdt, node, 0, &gic.maintenance_intid)) {
        platform_note(p, node, "interrupts: no maintenance PPI, taking %u", MAINTENANCE_DEFAULT);
        gic.maintenance_intid = MAINTENANCE_DEFAULT;
    }
    p->gic = gic;
    return true;
}

/* ---- timer ---- */

/* Position of a named interrupt; with no names at all the binding's fixed order. */
static u32 timer_index(const void *fdt, int node, const char *name, u32 fixed)
{
    const char *text;
    u32 i;

    if (!fdtr_has(fdt, node, "interrupt-names"))
        return fixed;
    for (i = 0; (text = fdtr_string_at(fdt, node, "interrupt-names", i)) != NULL; i++) {
        if (strcmp(text, name) == 0)
            return i;
    }
    return UINT32_MAX;
}

static bool read_timer(struct platform *p, int node)
{
    static const char *const names[] = { "sec-phys", "phys", "virt", "hyp-phys" };
    u32 *const intids[] = { &p->timer.phys_secure, &p->timer.phys, &p->timer.virt, &p->timer.hyp };
    u32 i;

    if (!platform_node_enabled(p->fdt, node))
        return false;
    for (i = 0; i < ARRAY_SIZE(names); i++) {
        if (!read_ppi(p->fdt, node, timer_index(p->fdt, node, names[i], i), intids[i]) && i != 0)
            platform_note(p, node, "interrupts: no %s PPI", names[i]);
    }
    if (fdtr_u32(p->fdt, node, "clock-frequency", &p->timer.clock_frequency) == ERR_FORMAT)
        platform_note(p, node, "clock-frequency: expected one cell");
    return true;
}

/* ---- PMU ---- */

/*
 * A node of CPUs, not of memory controllers, power management and whatever else is called so:
 * it has no registers. One with an SPI for each CPU is not used (nor a cluster's, "arm,dsu-pmu").
 */
static void read_pmu(struct platform *p, int node)
{
    const char *name = fdtr_string_at(p->fdt, node, "compatible", 0);
    struct platform_pmu *pmu = &p->pmu;
    u32 intid = 0;

    if (!name || fdtr_has(p->fdt, node, "reg") || !platform_node_enabled(p->fdt, node))
        return;
    if (!read_ppi(p->fdt, node, 0, &intid)) {
        platform_note(p, node, "interrupts: no PPI: guests get none from this PMU");
        return;
    }
    if (!pmu->nodes++) {
        pmu->intid = intid;
        if (!str_copy(pmu->compatible, name, sizeof(pmu->compatible)))
            pmu->compatible[0] = '\0';
        return;
    }
    if (strcmp(pmu->compatible, name) != 0)
        pmu->compatible[0] = '\0'; /* CPUs of several kinds, between which vCPUs move */
    if (pmu->intid != intid)
        pmu->intid = 0;
}

/* ---- UART ---- */

static bool read_uart(const void *fdt, int node, struct platform_uart *uart)
{
    struct platform_uart found;
    struct fdtr_irq irq;

    memset(&found, 0, sizeof(found));
    if (fdtr_compatible(fdt, node, "arm,pl011"))
        found.kind = UART_PL011;
    else if (fdtr_compatible(fdt, node, "arm,sbsa-uart"))
        found.kind = UART_SBSA;
    if (found.kind == UART_NONE || !platform_node_enabled(fdt, node) ||
        !platform_read_range(fdt, node, 0, &found.regs))
        return false;
    /* Any other interrupt parent than the GIC: no interrupt, the console polls. */
    if (fdtr_irq(fdt, node, 0, &irq) == CORBEL_OK) {
        found.intid = irq.intid;
        found.level = irq.level;
    }
    fdtr_path_of(fdt, node, found.path, sizeof(found.path));
    *uart = found;
    return true;
}

/* A path or alias as in dtuart= and stdout-path, with or without ":options". */
static bool read_named_uart(const void *fdt, const char *name, struct platform_uart *uart)
{
    char path[128];
    char *colon;
    int node;

    if (!str_copy(path, name, sizeof(path)))
        return false;
    colon = strchr(path, ':');
    if (colon)
        *colon = '\0';
    node = path[0] ? fdtr_path(fdt, path) : -1;
    return node >= 0 && read_uart(fdt, node, uart);
}

static bool read_stdout_uart(const void *fdt, struct platform_uart *uart)
{
    int chosen = fdtr_child(fdt, 0, "chosen");
    const char *name;

    if (chosen < 0 || (fdtr_string(fdt, chosen, "stdout-path", &name) != CORBEL_OK &&
                       fdtr_string(fdt, chosen, "linux,stdout-path", &name) != CORBEL_OK))
        return false;
    return read_named_uart(fdt, name, uart);
}

void platform_find_uart(const void *fdt, struct platform_uart *uart)
{
    struct boot_options options;
    int depth = -1;
    int node = -1;

    memset(uart, 0, sizeof(*uart));
    cmdline_parse(platform_options(fdt), &options);
    if (options.dtuart[0] && read_named_uart(fdt, options.dtuart, uart))
        return;
    if (read_stdout_uart(fdt, uart))
        return;
    do {
        node = fdtr_next_node(fdt, node, &depth);
    } while (node >= 0 && !read_uart(fdt, node, uart));
}

static void note_uart(struct platform *p)
{
    struct platform_uart uart;
    struct boot_options options;

    cmdline_parse(p->cmdline, &options);
    if (options.dtuart[0] && !read_named_uart(p->fdt, options.dtuart, &uart))
        platform_note(p, -1, "dtuart=%s: no UART that this build drives", options.dtuart);
}

/* ---- hidden registers ---- */

/* One too many makes the last range grow over it: rather refuse a device than give one away. */
static void add_hidden(struct platform *p, int node, const struct platform_hidden *hidden)
{
    struct mem_range *last = &p->hidden[PLATFORM_HIDDEN_MAX - 1].range;
    u64 end;

    if (p->hidden_count < PLATFORM_HIDDEN_MAX) {
        p->hidden[p->hidden_count++] = *hidden;
        return;
    }
    end = MAX(platform_range_end(last), platform_range_end(&hidden->range));
    last->base = MIN(last->base, hidden->range.base);
    last->size = end - last->base;
    platform_note(p, node, "more than %u ranges to hide: no domain gets 0x%llx+0x%llx",
                  PLATFORM_HIDDEN_MAX, (unsigned long long)last->base,
                  (unsigned long long)last->size);
}

/* Disabled ones too: who could write to them would have the machine all the same. */
static void read_hidden(struct platform *p, int node, const char *what)
{
    struct platform_hidden hidden = { .what = what };
    enum corbel_err err = CORBEL_OK;
    u32 i;

    /* What no bus translates has no address for anybody; the next entry may. */
    for (i = 0; i < PLATFORM_HIDDEN_MAX && (err == CORBEL_OK || err == ERR_RANGE); i++) {
        err = fdtr_reg_cpu(p->fdt, node, i, &hidden.range.base, &hidden.range.size);
        if (err == CORBEL_OK && hidden.range.size != 0)
            add_hidden(p, node, &hidden);
    }
}

/* ---- the whole ---- */

void platform_read_devices(struct platform *p)
{
    bool have_gic = false;
    bool have_timer = false;
    u32 left_out = 0;
    int depth = -1;
    int node;

    for (node = fdtr_next_node(p->fdt, -1, &depth); node >= 0;
         node = fdtr_next_node(p->fdt, node, &depth)) {
        const struct device_kind *kind = kind_of(p->fdt, node);

        if (!kind)
            continue;
        if (kind->role == ROLE_GIC && !have_gic)
            have_gic = read_gic(p, node, kind->version);
        if (kind->role == ROLE_TIMER && !have_timer)
            have_timer = read_timer(p, node);
        if (kind->role == ROLE_PMU)
            read_pmu(p, node);
        if (kind->role == ROLE_IOMMU && !platform_read_iommu(p, node, kind->version))
            left_out++;
        if (kind->hidden)
            read_hidden(p, node, kind->hidden);
    }
    if (left_out)
        platform_note(p, -1, "%u SMMUs are not driven: more than %u", left_out, PLATFORM_IOMMU_MAX);
    platform_find_uart(p->fdt, &p->uart);
    note_uart(p);
}

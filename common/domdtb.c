/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's device tree: one function per node, in the order of the tree, over
 * the sticky-error writer. Run once for each start of a domain, by its task. What
 * Linux likes to find is there (stdout-path, seeds, PSCI 1.0, the CPUs' own
 * compatible), nothing of the host's tree is handed on; assigned devices come from
 * the domain's partial tree. Bindings: Devicetree Specification v0.4 chapter 3; Linux
 * arm,gic.yaml, arm,gic-v3.yaml, psci.yaml, arm,arch_timer.yaml, arm,pmu.yaml,
 * arm,sbsa-uart.yaml, arm,sbsa-gwdt.yaml, arm-smc-wdt.yaml,
 * reserved-memory/xen,shared-memory.txt.
 */
#include <corbel/domdtb.h>

#include <corbel/bits.h>
#include <corbel/fdt_read.h>
#include <corbel/fdt_write.h>
#include <corbel/panic.h>
#include <corbel/printf.h>
#include <corbel/string.h>
#include <corbel/vpmu.h>
#include <corbel/vwdt.h>
#include <hw/sbsa_gwdt.h>

#define PHANDLE_GIC 1u /* unless the partial tree has a name for it */

/* Interrupt specifiers of the GIC bindings */
#define GIC_SPI            0u
#define GIC_PPI            1u
#define IRQ_LEVEL_HIGH     4u
#define IRQ_LEVEL_LOW      8u
#define GICV2_PPI_CPU_MASK 0xf00u

/* The architected timer's PPIs, INTID - 16: the guest ABI, whatever the host has. */
#define PPI_TIMER_SECURE  13u
#define PPI_TIMER_PHYS    14u
#define PPI_TIMER_VIRTUAL 11u
#define PPI_TIMER_HYP     10u

#define MPIDR_AFFINITY   0xff00ffffffull /* Aff3, Aff2..0: what reg of a cpu node holds */
#define MPIDR_AFF3_SHIFT 32
#define UART_NODE        "serial"

/* Parts of domdtb_size_max(): tree without CPUs and RAM; each CPU; each node of memory. */
#define SIZE_FIXED  4096u
#define SIZE_CPU    256u
#define SIZE_MEMORY 128u
#define SIZE_SHMEM  256u
#define SIZE_MSI    256u
#define SIZE_WDT    256u

#define SMC_WDT_TIMEOUT 10u /* what Linux' driver of the generic one begins with */

static bool has_pass(const struct domdtb_input *in)
{
    return in->pass && in->pass->fdt;
}

u32 domdtb_size_max(const struct domdtb_input *in)
{
    return SIZE_FIXED + SIZE_MSI + SIZE_WDT + (u32)strlen(in->cfg->bootargs) +
           in->cpu_count * SIZE_CPU + in->map->count * SIZE_MEMORY +
           in->cfg->shm_count * SIZE_SHMEM + (has_pass(in) ? passdt_size_max(in->pass) : 0);
}

static u32 gic_phandle(const struct domdtb_input *in)
{
    return has_pass(in) ? in->pass->gic_phandle : PHANDLE_GIC;
}

/* An interrupt-map that is copied as it stands has as many cells for the GIC as it had there. */
static u32 gic_address_cells(const struct domdtb_input *in)
{
    return has_pass(in) ? in->pass->gic_address_cells : 0;
}

static const struct addrmap_entry *find(const struct domdtb_input *in, enum addrmap_kind kind)
{
    return addrmap_find(in->map, kind, 0);
}

static bool is_gicv2(const struct domdtb_input *in)
{
    return in->platform->gic.version == GIC_V2;
}

static void write_root_properties(struct fdtw *w, const struct domdtb_input *in)
{
    static const char compatible[] = "corbel,domu\0linux,dummy-virt";

    fdtw_bytes(w, "compatible", compatible, sizeof(compatible));
    fdtw_string(w, "model", "Corbel domU");
    fdtw_u32(w, "#address-cells", 2);
    fdtw_u32(w, "#size-cells", 2);
    fdtw_u32(w, "interrupt-parent", gic_phandle(in));
}

static void write_chosen(struct fdtw *w, const struct domdtb_input *in)
{
    const struct addrmap_entry *uart = find(in, MAP_VUART);
    char path[32];

    fdtw_node(w, "chosen");
    fdtw_string(w, "bootargs", in->cfg->bootargs);
    if (uart) {
        fmt_snprintf(path, sizeof(path), "/" UART_NODE "@%llx", (unsigned long long)uart->base);
        fdtw_string(w, "stdout-path", path);
    }
    if (in->initrd_end > in->initrd_start) {
        fdtw_u64(w, "linux,initrd-start", in->initrd_start);
        fdtw_u64(w, "linux,initrd-end", in->initrd_end);
    }
    if (in->seed) {
        fdtw_bytes(w, "rng-seed", in->seed, DOMDTB_RNG_SEED_SIZE);
        fdtw_bytes(w, "kaslr-seed", in->seed + DOMDTB_RNG_SEED_SIZE, DOMDTB_KASLR_SEED_SIZE);
    }
    fdtw_end_node(w);
}

static void write_memory(struct fdtw *w, const struct domdtb_input *in)
{
    const struct addrmap_entry *ram;

    for (u32 i = 0; (ram = addrmap_find(in->map, MAP_RAM, i)) != NULL; i++) {
        u64 range[2] = { ram->base, ram->size };

        fdtw_node_at(w, "memory", ram->base);
        fdtw_string(w, "device_type", "memory");
        fdtw_reg(w, range, 1);
        fdtw_end_node(w);
    }
}

/* Static shared memory: outside of /memory, so that the guest takes it for nothing else. */
static void write_shmem(struct fdtw *w, const struct domdtb_input *in)
{
    const struct domcfg *cfg = in->cfg;

    if (!cfg->shm_count)
        return;
    fdtw_node(w, "reserved-memory");
    fdtw_u32(w, "#address-cells", 2);
    fdtw_u32(w, "#size-cells", 2);
    fdtw_empty(w, "ranges");
    for (u32 i = 0; i < cfg->shm_count; i++) {
        u64 range[2] = { cfg->shms[i].gpa, cfg->shms[i].size };

        fdtw_node_at(w, "xen-shmem", cfg->shms[i].gpa);
        fdtw_string(w, "compatible", "xen,shared-memory-v1");
        fdtw_reg(w, range, 1);
        fdtw_string(w, "xen,id", cfg->shms[i].id);
        if (!cfg->shms[i].owner)
            fdtw_u64(w, "xen,offset", 0); /* the whole of what the owner has */
        fdtw_end_node(w);
    }
    fdtw_end_node(w);
}

static void write_cpu(struct fdtw *w, const struct domdtb_input *in, u64 mpidr, bool wide)
{
    const char *compatible = in->platform->cpus[0].compatible;

    fdtw_node_at(w, "cpu", mpidr);
    fdtw_string(w, "device_type", "cpu");
    fdtw_string(w, "compatible", compatible[0] ? compatible : "arm,armv8");
    if (wide)
        fdtw_u64(w, "reg", mpidr);
    else
        fdtw_u32(w, "reg", (u32)mpidr);
    fdtw_string(w, "enable-method", "psci");
    fdtw_end_node(w);
}

/* One cell for reg, as every old kernel expects, unless an Aff3 needs two. */
static void write_cpus(struct fdtw *w, const struct domdtb_input *in)
{
    u32 count = MIN(in->cpu_count, MAX_VCPUS);
    bool wide = false;

    for (u32 i = 0; i < count; i++)
        wide |= (in->vcpu_mpidr[i] & MPIDR_AFFINITY) >> MPIDR_AFF3_SHIFT != 0;
    fdtw_node(w, "cpus");
    fdtw_u32(w, "#address-cells", wide ? 2 : 1);
    fdtw_u32(w, "#size-cells", 0);
    for (u32 i = 0; i < count; i++)
        write_cpu(w, in, in->vcpu_mpidr[i] & MPIDR_AFFINITY, wide);
    fdtw_end_node(w);
}

static void write_psci(struct fdtw *w)
{
    static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2";

    fdtw_node(w, "psci");
    fdtw_bytes(w, "compatible", compatible, sizeof(compatible));
    fdtw_string(w, "method", "hvc");
    fdtw_end_node(w);
}

static void write_timer(struct fdtw *w, const struct domdtb_input *in)
{
    u32 flags = IRQ_LEVEL_LOW | (is_gicv2(in) ? GICV2_PPI_CPU_MASK : 0);
    u32 cells[] = {
        GIC_PPI, PPI_TIMER_SECURE,  flags, GIC_PPI, PPI_TIMER_PHYS, flags,
        GIC_PPI, PPI_TIMER_VIRTUAL, flags, GIC_PPI, PPI_TIMER_HYP,  flags,
    };

    fdtw_node(w, "timer");
    fdtw_string(w, "compatible", "arm,armv8-timer");
    fdtw_cells(w, "interrupts", cells, ARRAY_SIZE(cells));
    fdtw_empty(w, "always-on"); /* an idle vCPU's deadline is kept by EL2 */
    if (in->platform->timer.clock_frequency)
        fdtw_u32(w, "clock-frequency", in->platform->timer.clock_frequency);
    fdtw_end_node(w);
}

/* The CPUs' own name, for guests that know it, and the one that all know. */
static void write_pmu(struct fdtw *w, const struct domdtb_input *in)
{
    static const char generic[] = "arm,armv8-pmuv3";
    const char *own = in->platform->pmu.compatible;
    u32 flags = IRQ_LEVEL_HIGH | (is_gicv2(in) ? GICV2_PPI_CPU_MASK : 0);
    u32 cells[] = { GIC_PPI, VPMU_INTID - 16, flags };
    char compatible[sizeof(in->platform->pmu.compatible) + sizeof(generic)];
    u32 size = 0;

    if (!in->pmu)
        return;
    if (own[0] && strcmp(own, generic) != 0) {
        size = (u32)strlen(own) + 1;
        memcpy(compatible, own, size);
    }
    memcpy(compatible + size, generic, sizeof(generic));
    fdtw_node(w, "pmu");
    fdtw_bytes(w, "compatible", compatible, size + (u32)sizeof(generic));
    if (in->pmu_interrupts)
        fdtw_cells(w, "interrupts", cells, ARRAY_SIZE(cells));
    fdtw_end_node(w);
}

/* A frame that came with a PCIe root complex; its SPIs are those of the host. */
static void write_msi(struct fdtw *w, const struct domdtb_input *in)
{
    const struct addrmap_entry *frame = find(in, MAP_MSI);
    u64 reg[2];

    if (!frame || !has_pass(in) || !in->pass->msi.frame.size)
        return;
    reg[0] = frame->base;
    reg[1] = frame->size;
    fdtw_u32(w, "#size-cells", 2);
    fdtw_empty(w, "ranges");
    fdtw_node_at(w, "v2m", frame->base);
    fdtw_string(w, "compatible", "arm,gic-v2m-frame");
    fdtw_empty(w, "msi-controller");
    fdtw_reg(w, reg, 1);
    fdtw_u32(w, "arm,msi-base-spi", in->pass->msi.first_intid);
    fdtw_u32(w, "arm,msi-num-spis", in->pass->msi.count);
    fdtw_u32(w, "phandle", in->pass->msi.phandle);
    fdtw_end_node(w);
}

static void write_gic(struct fdtw *w, const struct domdtb_input *in)
{
    static const char v2[] = "arm,gic-400\0arm,cortex-a15-gic";
    static const char v3[] = "arm,gic-v3";
    const struct addrmap_entry *gicd = find(in, MAP_GICD);
    const struct addrmap_entry *cpu_side = find(in, is_gicv2(in) ? MAP_GICC : MAP_GICR);
    u64 reg[4];

    if (!gicd || !cpu_side)
        return;
    reg[0] = gicd->base;
    reg[1] = gicd->size;
    reg[2] = cpu_side->base;
    reg[3] = cpu_side->size;
    fdtw_node_at(w, "interrupt-controller", gicd->base);
    if (is_gicv2(in)) {
        fdtw_bytes(w, "compatible", v2, sizeof(v2));
    } else {
        fdtw_bytes(w, "compatible", v3, sizeof(v3));
        fdtw_u32(w, "#redistributor-regions", 1);
    }
    fdtw_u32(w, "#interrupt-cells", 3);
    fdtw_u32(w, "#address-cells", gic_address_cells(in));
    fdtw_empty(w, "interrupt-controller");
    fdtw_reg(w, reg, 2);
    fdtw_u32(w, "phandle", gic_phandle(in));
    write_msi(w, in);
    fdtw_end_node(w);
}

static void write_uart(struct fdtw *w, const struct domdtb_input *in)
{
    const struct addrmap_entry *uart = find(in, MAP_VUART);
    u32 cells[3] = { GIC_SPI, in->vuart_intid - 32, IRQ_LEVEL_HIGH };
    u64 reg[2];

    if (!uart)
        return;
    reg[0] = uart->base;
    reg[1] = uart->size;
    fdtw_node_at(w, UART_NODE, uart->base);
    fdtw_string(w, "compatible", "arm,sbsa-uart");
    fdtw_reg(w, reg, 1);
    fdtw_cells(w, "interrupts", cells, ARRAY_SIZE(cells));
    fdtw_u32(w, "current-speed", 115200);
    fdtw_end_node(w);
}

static void write_gwdt(struct fdtw *w, const struct domdtb_input *in)
{
    const struct addrmap_entry *frames = find(in, MAP_VWDT);
    u32 cells[3] = { GIC_SPI, in->wdt_intid - 32, IRQ_LEVEL_HIGH };
    u64 reg[4];

    if (!frames)
        return;
    reg[0] = frames->base + VWDT_CONTROL;
    reg[2] = frames->base + VWDT_REFRESH;
    reg[1] = reg[3] = GWDT_FRAME_SIZE;
    fdtw_node_at(w, "watchdog", reg[0]);
    fdtw_string(w, "compatible", "arm,sbsa-gwdt");
    fdtw_reg(w, reg, 2);
    fdtw_cells(w, "interrupts", cells, ARRAY_SIZE(cells));
    fdtw_end_node(w);
}

static void write_smc_wdt(struct fdtw *w, const struct domdtb_input *in)
{
    if (in->cfg->watchdog != WATCHDOG_SMC)
        return;
    fdtw_node(w, "watchdog");
    fdtw_string(w, "compatible", "arm,smc-wdt");
    fdtw_u32(w, "arm,smc-id", VWDT_SMC_ID);
    fdtw_u32(w, "timeout-sec", SMC_WDT_TIMEOUT);
    fdtw_end_node(w);
}

enum corbel_err domdtb_write(const struct domdtb_input *in, void *buf, u32 size, u32 *total,
                             const char **failed)
{
    struct fdtw w;
    enum corbel_err err;

    *failed = "/";
    fdtw_begin(&w, buf, size);
    fdtw_node(&w, "");
    write_root_properties(&w, in);
    write_chosen(&w, in);
    write_memory(&w, in);
    write_shmem(&w, in);
    write_cpus(&w, in);
    write_psci(&w);
    write_timer(&w, in);
    write_pmu(&w, in);
    write_gic(&w, in);
    write_uart(&w, in);
    write_gwdt(&w, in);
    write_smc_wdt(&w, in);
    if (has_pass(in))
        passdt_write(in->pass, &w);
    fdtw_end_node(&w);
    err = fdtw_finish(&w, total);
    if (err != CORBEL_OK && size >= sizeof(w.failed_at)) {
        str_copy(buf, w.failed_at, size);
        *failed = buf;
    }
    return err;
}

void domdtb_find_seeds(const void *dtb, u32 at[2])
{
    static const char *const names[] = { "rng-seed", "kaslr-seed" };
    int chosen = fdtr_path(dtb, "/chosen");

    for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
        u32 len;
        const u8 *seed = fdtr_prop(dtb, chosen, names[i], &len);

        CORBEL_ASSERT(seed); /* our own tree */
        at[i] = (u32)(seed - (const u8 *)dtb);
    }
}

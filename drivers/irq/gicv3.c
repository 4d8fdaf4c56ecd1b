/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv3 host driver (IHI 0069), also for a GICv4 used as one: distributor with affinity
 * routing, redistributors found by affinity, CPU and virtual interface through system
 * registers (arch/ich.h). One instance. Everything is Non-secure group 1: with one
 * security state (DS = 1) IGROUPR is written, with two it reads as zero for us.
 * Locks: the caller's (irq.c), where two CPUs could change one register.
 */
#include <corbel/irq.h>

#include <arch/ich.h>
#include <arch/io.h>
#include <arch/mmu.h>

#include <corbel/bits.h>
#include <corbel/cpu.h>
#include <corbel/drivers.h>
#include <corbel/log.h>
#include <hw/gicd.h>
#include <hw/gicr.h>
#include <hw/ich_lr.h>

#define PRIORITY_ALL 0xa0a0a0a0u /* four interrupts at the priority of all */

/* Bounds of the polls, in register reads (100 ns or more each). */
#define RWP_POLLS  1000000u /* a register write takes effect everywhere */
#define WAKE_POLLS 1000000u /* a redistributor wakes up */

#define ICH_VTR_LISTREGS GENMASK(4, 0)   /* number less one */
#define ICH_VTR_TDS      BIT(19)         /* ICC_DIR can be trapped alone */
#define ICH_VTR_PREBITS  GENMASK(28, 26) /* number less one */
#define ICH_VTR_PRIBITS  GENMASK(31, 29)

#define SGI1R_TARGETS GENMASK(15, 0) /* CPUs 16 * RS + n of the cluster */
#define SGI1R_AFF1    GENMASK(23, 16)
#define SGI1R_INTID   GENMASK(27, 24)
#define SGI1R_AFF2    GENMASK(39, 32)
#define SGI1R_RS      GENMASK(47, 44)
#define SGI1R_AFF3    GENMASK(55, 48)

static struct {
    uintptr_t gicd;
    uintptr_t region[PLATFORM_GICR_MAX]; /* redistributors as mapped */
    u64 region_size[PLATFORM_GICR_MAX];
    u32 region_count;
    u64 stride;               /* 0: from GICR_TYPER */
    uintptr_t gicr[MAX_CPUS]; /* each CPU's own, written by it */
    u32 lines;
    u32 lr_count;
} gicv3;

static void wait_gicd(void)
{
    u32 i;

    for (i = 0; i < RWP_POLLS; i++) {
        if (!(mmio_read32(gicv3.gicd, GICD_CTLR) & GICD_CTLR_RWP))
            return;
    }
    log_err("GICv3: GICD_CTLR.RWP stays set");
}

static void wait_gicr(uintptr_t gicr)
{
    u32 i;

    for (i = 0; i < RWP_POLLS; i++) {
        if (!(mmio_read32(gicr, GICR_CTLR) & GICR_CTLR_RWP))
            return;
    }
    log_err("GICv3: GICR_CTLR.RWP stays set");
}

/* Where the registers of intid's banks are: PPIs and SGIs in this CPU's redistributor. */
static uintptr_t frame_of(u32 intid)
{
    return intid < 32 ? gicv3.gicr[cpu_this()->id] + GICR_SGI : gicv3.gicd;
}

static void bank_set(u32 bank, u32 intid)
{
    mmio_write32(frame_of(intid), bank + intid / 32 * 4, 1u << (intid % 32));
}

static bool bank_test(u32 bank, u32 intid)
{
    return (mmio_read32(frame_of(intid), bank + intid / 32 * 4) >> (intid % 32)) & 1;
}

/* ---- start ---- */

static u64 affinity_of(u64 mpidr)
{
    return mpidr & GICD_IROUTER_AFF;
}

static void init_distributor(void)
{
    u32 i;

    mmio_write32(gicv3.gicd, GICD_CTLR, 0);
    wait_gicd();
    for (i = 1; i < gicv3.lines / 32; i++) {
        mmio_write32(gicv3.gicd, GICD_ICENABLER + i * 4, ~0u);
        mmio_write32(gicv3.gicd, GICD_ICPENDR + i * 4, ~0u);
        mmio_write32(gicv3.gicd, GICD_ICACTIVER + i * 4, ~0u);
        mmio_write32(gicv3.gicd, GICD_IGROUPR + i * 4, ~0u);
    }
    for (i = 32; i < gicv3.lines; i += 4)
        mmio_write32(gicv3.gicd, GICD_IPRIORITYR + i, PRIORITY_ALL);
    for (i = 32; i < gicv3.lines; i += 16)
        mmio_write32(gicv3.gicd, GICD_ICFGR + i / 4, 0);
    wait_gicd();
    /* ARE first: IROUTER means nothing before. Group 1 is bit 1 with one and two states. */
    mmio_write32(gicv3.gicd, GICD_CTLR, (u32)GICD_CTLR_ARE);
    wait_gicd();
    mmio_write32(gicv3.gicd, GICD_CTLR, (u32)(GICD_CTLR_ARE | GICD_CTLR_ENABLE_GRP1));
    wait_gicd();
    for (i = 32; i < MIN(gicv3.lines, IRQ_COUNT); i++)
        mmio_write64(gicv3.gicd, GICD_IROUTER + i * 8, affinity_of(cpu_this()->mpidr));
}

static enum corbel_err map_frames(const struct platform_gic *g)
{
    void *va = arch_mmu_map_device(PA(g->gicd.base), MAX(g->gicd.size, (u64)GICD_V3_SIZE));
    u32 i;

    if (!va)
        return ERR_NOMEM;
    gicv3.gicd = (uintptr_t)va;
    gicv3.stride = g->gicr_stride;
    gicv3.region_count = 0;
    for (i = 0; i < g->gicr_count; i++) {
        if (g->gicr[i].size < GICR_SIZE_V3)
            continue;
        va = arch_mmu_map_device(PA(g->gicr[i].base), g->gicr[i].size);
        if (!va)
            return ERR_NOMEM;
        gicv3.region[gicv3.region_count] = (uintptr_t)va;
        gicv3.region_size[gicv3.region_count++] = g->gicr[i].size;
    }
    return gicv3.region_count ? CORBEL_OK : ERR_NOENT;
}

static enum corbel_err gicv3_init(const struct platform *p)
{
    enum corbel_err err = map_frames(&p->gic);
    u32 rev;

    if (err != CORBEL_OK)
        return err;
    rev = (u32)FIELD_GET(GIC_PIDR2_ARCHREV, mmio_read32(gicv3.gicd, GICD_V3_PIDR2));
    if (rev != 3 && rev != 4) {
        log_err("GICv3: no distributor at 0x%llx (PIDR2 revision %u)",
                (unsigned long long)p->gic.gicd.base, rev);
        return ERR_NOTSUP;
    }
    gicv3.lines = 32 * ((u32)FIELD_GET(GICD_TYPER_LINES, mmio_read32(gicv3.gicd, GICD_TYPER)) + 1);
    init_distributor();
    log_info("GICv3: %u lines, %u region%s of redistributors", MIN(gicv3.lines, IRQ_COUNT),
             gicv3.region_count, gicv3.region_count == 1 ? "" : "s");
    return CORBEL_OK;
}

/*
 * The redistributor with this affinity in one region, 0 when it is not there. Nothing
 * behind the one marked last may be touched: it need not exist.
 */
static uintptr_t find_in_region(u32 region, u32 affinity)
{
    u64 pos = 0, typer, step;

    while (pos + GICR_SIZE_V3 <= gicv3.region_size[region]) {
        typer = mmio_read64(gicv3.region[region] + pos, GICR_TYPER);
        if (FIELD_GET(GICR_TYPER_AFF, typer) == affinity)
            return gicv3.region[region] + pos;
        if (typer & GICR_TYPER_LAST)
            break;
        step = typer & GICR_TYPER_VLPIS ? GICR_SIZE_V4 : GICR_SIZE_V3;
        pos += gicv3.stride ? gicv3.stride : step;
    }
    return 0;
}

static enum corbel_err find_redistributor(const struct cpu *cpu)
{
    u32 affinity = (u32)((cpu->mpidr & 0xffffff) | (cpu->mpidr >> 8 & 0xff000000));
    uintptr_t gicr = 0;
    u32 i;

    for (i = 0; i < gicv3.region_count && !gicr; i++)
        gicr = find_in_region(i, affinity);
    if (!gicr) {
        log_err("GICv3: CPU%u: no redistributor for affinity 0x%x", cpu->id, affinity);
        return ERR_NOENT;
    }
    gicv3.gicr[cpu->id] = gicr;
    return CORBEL_OK;
}

static enum corbel_err wake_redistributor(uintptr_t gicr)
{
    u32 waker = mmio_read32(gicr, GICR_WAKER), i;

    mmio_write32(gicr, GICR_WAKER, waker & ~(u32)GICR_WAKER_PROCESSOR_SLEEP);
    for (i = 0; i < WAKE_POLLS; i++) {
        if (!(mmio_read32(gicr, GICR_WAKER) & GICR_WAKER_CHILDREN_ASLEEP))
            return CORBEL_OK;
    }
    log_err("GICv3: GICR_WAKER.ChildrenAsleep stays set");
    return ERR_TIMEDOUT;
}

/*
 * LPIs first, of a kernel that ran here before: they would come with numbers that irq_dispatch.c
 * takes for others', and their pending tables are memory that domains get.
 */
static void init_redistributor(uintptr_t gicr)
{
    u32 i;

    mmio_write32(gicr, GICR_CTLR, 0);
    mmio_write32(gicr, GICR_ICENABLER0, ~0u);
    wait_gicr(gicr);
    mmio_write32(gicr, GICR_ICPENDR0, ~0u);
    mmio_write32(gicr, GICR_ICACTIVER0, ~0u);
    mmio_write32(gicr, GICR_IGROUPR0, ~0u);
    for (i = 0; i < 32; i += 4)
        mmio_write32(gicr, GICR_IPRIORITYR + i, PRIORITY_ALL);
    mmio_write32(gicr, GICR_ISENABLER0, 1u << SGI_KICK | 1u << SGI_STOP);
    wait_gicr(gicr);
}

static enum corbel_err gicv3_cpu_init(void)
{
    struct cpu *cpu = cpu_this();
    enum corbel_err err = find_redistributor(cpu);
    u64 vtr;

    if (err == CORBEL_OK)
        err = wake_redistributor(gicv3.gicr[cpu->id]);
    if (err != CORBEL_OK)
        return err;
    init_redistributor(gicv3.gicr[cpu->id]);
    if (!arch_icc_init()) {
        log_err("GICv3: CPU%u: no system-register interface", cpu->id);
        return ERR_NOTSUP;
    }
    vtr = arch_ich_vtr();
    if (cpu->id == 0) {
        gicv3.lr_count = (u32)FIELD_GET(ICH_VTR_LISTREGS, vtr) + 1;
        gicv3_ops.priority_bits = (u32)FIELD_GET(ICH_VTR_PRIBITS, vtr) + 1;
        gicv3_ops.preemption_bits = (u32)FIELD_GET(ICH_VTR_PREBITS, vtr) + 1;
        gicv3_ops.dir_traps = (vtr & ICH_VTR_TDS) != 0;
        log_info("GICv3: %u list registers, %u priority bits", gicv3.lr_count,
                 gicv3_ops.priority_bits);
    } else if (FIELD_GET(ICH_VTR_LISTREGS, vtr) + 1 < gicv3.lr_count ||
               FIELD_GET(ICH_VTR_PREBITS, vtr) + 1 < gicv3_ops.preemption_bits) {
        log_err("GICv3: CPU%u: smaller virtual interface than the boot CPU's", cpu->id);
        return ERR_NOTSUP;
    }
    return CORBEL_OK;
}

/* ---- CPU interface ---- */

static void gicv3_send_sgi(u32 cpu, u64 mpidr, u32 sgi)
{
    u64 aff0 = mpidr & 0xff;

    (void)cpu;
    arch_icc_sgi(FIELD_PREP(SGI1R_INTID, sgi) | FIELD_PREP(SGI1R_TARGETS, BIT(aff0 % 16)) |
                 FIELD_PREP(SGI1R_RS, aff0 / 16) | FIELD_PREP(SGI1R_AFF1, mpidr >> 8) |
                 FIELD_PREP(SGI1R_AFF2, mpidr >> 16) | FIELD_PREP(SGI1R_AFF3, mpidr >> 32));
}

/* ---- distributor ---- */

static void gicv3_enable(u32 intid)
{
    bank_set(GICD_ISENABLER, intid);
}

static void gicv3_disable(u32 intid)
{
    bank_set(GICD_ICENABLER, intid);
    if (intid < 32)
        wait_gicr(gicv3.gicr[cpu_this()->id]);
    else
        wait_gicd();
}

static void gicv3_configure(u32 intid, bool level)
{
    u32 offset = GICD_ICFGR + intid / 16 * 4, shift = intid % 16 * 2;
    u32 icfgr = mmio_read32(frame_of(intid), offset) & ~(GICD_ICFGR_EDGE << shift);

    if (!level)
        icfgr |= GICD_ICFGR_EDGE << shift;
    mmio_write32(frame_of(intid), offset, icfgr);
}

static void gicv3_set_priority(u32 intid, u8 priority)
{
    mmio_write8(frame_of(intid), GICD_IPRIORITYR + intid, priority);
}

static void gicv3_route(u32 intid, u64 mpidr, u32 cpu)
{
    (void)cpu;
    mmio_write64(gicv3.gicd, GICD_IROUTER + intid * 8, affinity_of(mpidr));
}

static void gicv3_set_active(u32 intid, bool active)
{
    bank_set(active ? GICD_ISACTIVER : GICD_ICACTIVER, intid);
}

static void gicv3_set_pending(u32 intid, bool pending)
{
    bank_set(pending ? GICD_ISPENDR : GICD_ICPENDR, intid);
}

static bool gicv3_is_pending(u32 intid)
{
    return bank_test(GICD_ISPENDR, intid);
}

static u32 gicv3_line_count(void)
{
    return MIN(gicv3.lines, IRQ_COUNT);
}

/* ---- virtual interface ---- */

static u32 gicv3_lr_count(void)
{
    return gicv3.lr_count;
}

static u32 gicv3_misr(void)
{
    return (u32)arch_ich_misr();
}

static u32 gicv3_hcr_read(void)
{
    return (u32)arch_ich_hcr_read();
}

static void gicv3_hcr_write(u32 hcr)
{
    arch_ich_hcr_write(hcr);
}

/* 5, 6 or 7 bits of preemption take 1, 2 or 4 words. */
static u32 gicv3_apr_count(void)
{
    return 1u << (gicv3_ops.preemption_bits - 5);
}

struct gic_ops gicv3_ops = {
    .name = "GICv3",
    .init = gicv3_init,
    .cpu_init = gicv3_cpu_init,
    .ack = arch_icc_ack,
    .eoi = arch_icc_eoi,
    .deactivate = arch_icc_deactivate,
    .enable = gicv3_enable,
    .disable = gicv3_disable,
    .configure = gicv3_configure,
    .set_priority = gicv3_set_priority,
    .route = gicv3_route,
    .set_active = gicv3_set_active,
    .set_pending = gicv3_set_pending,
    .is_pending = gicv3_is_pending,
    .send_sgi = gicv3_send_sgi,
    .line_count = gicv3_line_count,
    .lr_count = gicv3_lr_count,
    .lr_read = arch_ich_lr_read,
    .lr_write = arch_ich_lr_write,
    .lr_empty = arch_ich_elrsr,
    .lr_eoi = arch_ich_eisr,
    .misr = gicv3_misr,
    .hcr_read = gicv3_hcr_read,
    .hcr_write = gicv3_hcr_write,
    .vmcr_read = arch_ich_vmcr_read,
    .vmcr_write = arch_ich_vmcr_write,
    .apr_count = gicv3_apr_count,
    .apr_read = arch_ich_apr_read,
    .apr_write = arch_ich_apr_write,
};

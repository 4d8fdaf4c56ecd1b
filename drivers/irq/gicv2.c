/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv2 host driver (IHI 0048B): distributor, CPU interface with EOImode 1, virtual
 * interface (GICH). One instance. All interrupts are in one group: the Non-secure view
 * of a GIC with security extensions calls it group 1 and hides IGROUPR; without them
 * group 0 is used and IGROUPR written to zero. GICC_CTLR.Enable is bit 0 either way.
 * Locks: the caller's (irq.c), where two CPUs could change one register.
 */
#include <corbel/irq.h>

#include <arch/barrier.h>
#include <arch/io.h>
#include <arch/mmu.h>

#include <corbel/bits.h>
#include <corbel/cpu.h>
#include <corbel/drivers.h>
#include <corbel/log.h>
#include <hw/gicd.h>
#include <hw/gicv2.h>
#include <hw/ich_lr.h>

#define PRIORITY_ALL   0xa0a0a0a0u /* four interrupts at the priority of all */
#define ALIAS_SIZE     0x20000u    /* each 4 KiB page repeated over 64 KiB */
#define ALIAS_OFFSET   0xf000u     /* last repetition of the first page: the next follows it */
#define SPURIOUS_FIRST 1020u

static struct {
    uintptr_t gicd, gicc, gich;
    u32 lines;
    u32 lr_count;
    u8 target[MAX_CPUS]; /* CPU interface as a bit, learned by each CPU; 0: not yet */
} gicv2;

static void bank_set(u32 bank, u32 intid)
{
    mmio_write32(gicv2.gicd, bank + intid / 32 * 4, 1u << (intid % 32));
}

static bool bank_test(u32 bank, u32 intid)
{
    return (mmio_read32(gicv2.gicd, bank + intid / 32 * 4) >> (intid % 32)) & 1;
}

/* ---- start ---- */

/*
 * Some boards put a 64 KiB stride between the pages of GICC, each repeated 16 times,
 * and describe 128 KiB. Then the DIR page does not follow the first one where GICC_DIR
 * says, unless one starts at the last repetition. On a GIC-400 that is described with
 * 8 KiB nothing beyond may be read, hence the size comes first.
 */
static u32 find_alias(uintptr_t gicc, u64 size)
{
    u32 iidr;

    if (size < ALIAS_SIZE)
        return 0;
    iidr = mmio_read32(gicc, GICC_IIDR);
    if (iidr == 0 || mmio_read32(gicc, ALIAS_OFFSET + GICC_IIDR) != iidr ||
        mmio_read32(gicc, GICC_DIR + GICC_IIDR) != iidr)
        return 0;
    return ALIAS_OFFSET;
}

static void init_distributor(void)
{
    u32 i;

    mmio_write32(gicv2.gicd, GICD_CTLR, 0);
    for (i = 1; i < gicv2.lines / 32; i++) {
        mmio_write32(gicv2.gicd, GICD_ICENABLER + i * 4, ~0u);
        mmio_write32(gicv2.gicd, GICD_ICPENDR + i * 4, ~0u);
        mmio_write32(gicv2.gicd, GICD_ICACTIVER + i * 4, ~0u);
        mmio_write32(gicv2.gicd, GICD_IGROUPR + i * 4, 0);
    }
    for (i = 32; i < gicv2.lines; i += 4) {
        mmio_write32(gicv2.gicd, GICD_IPRIORITYR + i, PRIORITY_ALL);
        mmio_write32(gicv2.gicd, GICD_ITARGETSR + i, 0); /* route() when somebody takes it */
    }
    for (i = 32; i < gicv2.lines; i += 16)
        mmio_write32(gicv2.gicd, GICD_ICFGR + i / 4, 0);
    mmio_write32(gicv2.gicd, GICD_CTLR, (u32)GICD_CTLR_ENABLE_GRP0);
}

static enum corbel_err gicv2_init(const struct platform *p)
{
    const struct platform_gic *g = &p->gic;
    void *gicd, *gicc, *gich;
    u32 offset, vtr;

    if (!g->gicc.size || !g->gich.size || !g->gicv.size)
        return ERR_NOTSUP;
    gicd = arch_mmu_map_device(PA(g->gicd.base), MAX(g->gicd.size, (u64)GICD_V2_SIZE));
    gicc = arch_mmu_map_device(PA(g->gicc.base), MAX(g->gicc.size, (u64)GICC_SIZE));
    gich = arch_mmu_map_device(PA(g->gich.base), g->gich.size);
    if (!gicd || !gicc || !gich)
        return ERR_NOMEM;
    gicv2.gicd = (uintptr_t)gicd;
    gicv2.gich = (uintptr_t)gich;
    offset = find_alias((uintptr_t)gicc, g->gicc.size);
    gicv2.gicc = (uintptr_t)gicc + offset;
    if (g->gicv.size < ALIAS_SIZE)
        offset = 0;
    gicv2_ops.guest_gicc = (struct mem_range){ g->gicv.base + offset, GICC_SIZE };

    gicv2.lines = 32 * ((u32)FIELD_GET(GICD_TYPER_LINES, mmio_read32(gicv2.gicd, GICD_TYPER)) + 1);
    vtr = mmio_read32(gicv2.gich, GICH_VTR);
    gicv2.lr_count = (u32)FIELD_GET(GICH_VTR_LISTREGS, vtr) + 1;
    gicv2_ops.priority_bits = (u32)FIELD_GET(GICH_VTR_PRIBITS, vtr) + 1;
    gicv2_ops.preemption_bits = (u32)FIELD_GET(GICH_VTR_PREBITS, vtr) + 1;
    /* QEMU's model (10.0 and before) has no product number; GIC-400 and its kind do. */
    gicv2_ops.end_unseen = mmio_read32(gicv2.gicd, GICD_IIDR) == GIC_JEP106_ARM;
    init_distributor();
    log_info("GICv2: %u lines, %u list registers%s", MIN(gicv2.lines, IRQ_COUNT), gicv2.lr_count,
             offset ? ", CPU interface repeated at 64 KiB" : "");
    return CORBEL_OK;
}

/* The banked ITARGETSR0..7 read as this CPU's bit in each byte; zero with a single CPU. */
static u8 read_own_target(void)
{
    u32 word = 0, i;

    for (i = 0; i < 32 && !word; i += 4)
        word = mmio_read32(gicv2.gicd, GICD_ITARGETSR + i);
    word |= word >> 16;
    word |= word >> 8;
    return (u8)word ? (u8)word : 1;
}

static enum corbel_err gicv2_cpu_init(void)
{
    u32 i;

    mmio_write32(gicv2.gicc, GICC_CTLR, 0);
    mmio_write32(gicv2.gicd, GICD_ICENABLER, ~0u);
    mmio_write32(gicv2.gicd, GICD_ICPENDR, ~0u);
    mmio_write32(gicv2.gicd, GICD_ICACTIVER, ~0u);
    mmio_write32(gicv2.gicd, GICD_IGROUPR, 0);
    for (i = 0; i < 32; i += 4)
        mmio_write32(gicv2.gicd, GICD_IPRIORITYR + i, PRIORITY_ALL);
    mmio_write32(gicv2.gicd, GICD_ISENABLER, 1u << SGI_KICK | 1u << SGI_STOP);
    for (i = 0; i < 4; i++)
        mmio_write32(gicv2.gicc, GICC_APR + i * 4, 0); /* left active by the firmware */
    mmio_write32(gicv2.gich, GICH_HCR, 0);
    mmio_write32(gicv2.gicc, GICC_PMR, 0xff);
    mmio_write32(gicv2.gicc, GICC_BPR, 0);
    mmio_write32(gicv2.gicc, GICC_CTLR, (u32)(GICC_CTLR_ENABLE | GICC_CTLR_EOIMODE));
    /* Release: whoever sends an SGI here sees a CPU whose interface is on. */
    __atomic_store_n(&gicv2.target[cpu_this()->id], read_own_target(), __ATOMIC_RELEASE);
    return CORBEL_OK;
}

/* ---- CPU interface ---- */

static u32 gicv2_ack(void)
{
    u32 iar = mmio_read32(gicv2.gicc, GICC_IAR);

    dsb_sy(); /* acknowledged at the GIC before what the handler does */
    return FIELD_GET(GICC_IAR_INTID, iar) >= SPURIOUS_FIRST ? IRQ_SPURIOUS : iar;
}

static void gicv2_eoi(u32 iar)
{
    mmio_write32(gicv2.gicc, GICC_EOIR, iar);
}

static void gicv2_deactivate(u32 iar)
{
    mmio_write32(gicv2.gicc, GICC_DIR, iar);
}

static void gicv2_send_sgi(u32 cpu, u64 mpidr, u32 sgi)
{
    u32 target = __atomic_load_n(&gicv2.target[cpu], __ATOMIC_ACQUIRE);

    (void)mpidr;
    if (target)
        mmio_write32(gicv2.gicd, GICD_SGIR,
                     (u32)(FIELD_PREP(GICD_SGIR_TARGETS, target) |
                           FIELD_PREP(GICD_SGIR_INTID, sgi)));
}

/* ---- distributor ---- */

static void gicv2_enable(u32 intid)
{
    bank_set(GICD_ISENABLER, intid);
}

static void gicv2_disable(u32 intid)
{
    bank_set(GICD_ICENABLER, intid);
    /* Read back: the write has reached the distributor. */
    (void)mmio_read32(gicv2.gicd, GICD_ICENABLER + intid / 32 * 4);
}

static void gicv2_configure(u32 intid, bool level)
{
    u32 offset = GICD_ICFGR + intid / 16 * 4, shift = intid % 16 * 2;
    u32 icfgr = mmio_read32(gicv2.gicd, offset) & ~(GICD_ICFGR_EDGE << shift);

    if (!level)
        icfgr |= GICD_ICFGR_EDGE << shift;
    mmio_write32(gicv2.gicd, offset, icfgr);
}

static void gicv2_set_priority(u32 intid, u8 priority)
{
    mmio_write8(gicv2.gicd, GICD_IPRIORITYR + intid, priority);
}

static void gicv2_route(u32 intid, u64 mpidr, u32 cpu)
{
    (void)mpidr;
    mmio_write8(gicv2.gicd, GICD_ITARGETSR + intid,
                __atomic_load_n(&gicv2.target[cpu], __ATOMIC_ACQUIRE));
}

static void gicv2_set_active(u32 intid, bool active)
{
    bank_set(active ? GICD_ISACTIVER : GICD_ICACTIVER, intid);
}

static void gicv2_set_pending(u32 intid, bool pending)
{
    bank_set(pending ? GICD_ISPENDR : GICD_ICPENDR, intid);
}

static bool gicv2_is_pending(u32 intid)
{
    return bank_test(GICD_ISPENDR, intid);
}

static u32 gicv2_line_count(void)
{
    return MIN(gicv2.lines, IRQ_COUNT);
}

/* ---- virtual interface ---- */

/* ICH_LR layout -> GICH_LR. */
static u32 lr_pack(u64 lr)
{
    u64 v = FIELD_PREP(GICH_LR_VINTID, FIELD_GET(ICH_LR_VINTID, lr));

    v |= FIELD_PREP(GICH_LR_PRIORITY, FIELD_GET(ICH_LR_PRIORITY, lr) >> 3);
    v |= FIELD_PREP(GICH_LR_STATE, FIELD_GET(ICH_LR_STATE, lr));
    if (lr & ICH_LR_GROUP1)
        v |= GICH_LR_GROUP1;
    if (lr & ICH_LR_HW)
        return (u32)(v | GICH_LR_HW | FIELD_PREP(GICH_LR_PINTID, FIELD_GET(ICH_LR_PINTID, lr)));
    v |= FIELD_PREP(GICH_LR_SOURCE, FIELD_GET(ICH_LR_SOURCE, lr));
    return (u32)(lr & ICH_LR_EOI ? v | GICH_LR_EOI : v);
}

static u64 lr_unpack(u32 v)
{
    u64 lr = FIELD_PREP(ICH_LR_VINTID, FIELD_GET(GICH_LR_VINTID, v));

    lr |= FIELD_PREP(ICH_LR_PRIORITY, FIELD_GET(GICH_LR_PRIORITY, v) << 3);
    lr |= FIELD_PREP(ICH_LR_STATE, FIELD_GET(GICH_LR_STATE, v));
    if (v & GICH_LR_GROUP1)
        lr |= ICH_LR_GROUP1;
    if (v & GICH_LR_HW)
        return lr | ICH_LR_HW | FIELD_PREP(ICH_LR_PINTID, FIELD_GET(GICH_LR_PINTID, v));
    lr |= FIELD_PREP(ICH_LR_SOURCE, FIELD_GET(GICH_LR_SOURCE, v));
    return v & GICH_LR_EOI ? lr | ICH_LR_EOI : lr;
}

static u32 gicv2_lr_count(void)
{
    return gicv2.lr_count;
}

static u64 gicv2_lr_read(u32 index)
{
    return lr_unpack(mmio_read32(gicv2.gich, GICH_LR + index * 4));
}

static void gicv2_lr_write(u32 index, u64 lr)
{
    mmio_write32(gicv2.gich, GICH_LR + index * 4, lr_pack(lr));
}

static u64 read_lr_bits(u32 offset)
{
    u64 bits = mmio_read32(gicv2.gich, offset);

    if (gicv2.lr_count > 32)
        bits |= (u64)mmio_read32(gicv2.gich, offset + 4) << 32;
    return bits;
}

static u64 gicv2_lr_empty(void)
{
    return read_lr_bits(GICH_ELRSR);
}

static u64 gicv2_lr_eoi(void)
{
    return read_lr_bits(GICH_EISR);
}

static u32 gicv2_misr(void)
{
    return mmio_read32(gicv2.gich, GICH_MISR);
}

static u32 gicv2_hcr_read(void)
{
    return mmio_read32(gicv2.gich, GICH_HCR);
}

/* Bits 0..7 and EOIcount are those of ICH_HCR_EL2; the trap bits do not exist here. */
static void gicv2_hcr_write(u32 hcr)
{
    mmio_write32(gicv2.gich, GICH_HCR, hcr & (u32)(GENMASK(7, 0) | ICH_HCR_EOICOUNT));
}

static u64 gicv2_vmcr_read(void)
{
    return mmio_read32(gicv2.gich, GICH_VMCR) & GICH_VMCR_MASK;
}

static void gicv2_vmcr_write(u64 vmcr)
{
    mmio_write32(gicv2.gich, GICH_VMCR, (u32)(vmcr & GICH_VMCR_MASK));
}

/* One word for both groups: it stands for group 0's first. */
static u32 gicv2_apr_count(void)
{
    return 1;
}

static u32 gicv2_apr_read(u32 group, u32 index)
{
    return group == 0 && index == 0 ? mmio_read32(gicv2.gich, GICH_APR) : 0;
}

static void gicv2_apr_write(u32 group, u32 index, u32 value)
{
    if (group == 0 && index == 0)
        mmio_write32(gicv2.gich, GICH_APR, value);
}

struct gic_ops gicv2_ops = {
    .name = "GICv2",
    .init = gicv2_init,
    .cpu_init = gicv2_cpu_init,
    .ack = gicv2_ack,
    .eoi = gicv2_eoi,
    .deactivate = gicv2_deactivate,
    .enable = gicv2_enable,
    .disable = gicv2_disable,
    .configure = gicv2_configure,
    .set_priority = gicv2_set_priority,
    .route = gicv2_route,
    .set_active = gicv2_set_active,
    .set_pending = gicv2_set_pending,
    .is_pending = gicv2_is_pending,
    .send_sgi = gicv2_send_sgi,
    .line_count = gicv2_line_count,
    .lr_count = gicv2_lr_count,
    .lr_read = gicv2_lr_read,
    .lr_write = gicv2_lr_write,
    .lr_empty = gicv2_lr_empty,
    .lr_eoi = gicv2_lr_eoi,
    .misr = gicv2_misr,
    .hcr_read = gicv2_hcr_read,
    .hcr_write = gicv2_hcr_write,
    .vmcr_read = gicv2_vmcr_read,
    .vmcr_write = gicv2_vmcr_write,
    .apr_count = gicv2_apr_count,
    .apr_read = gicv2_apr_read,
    .apr_write = gicv2_apr_write,
};

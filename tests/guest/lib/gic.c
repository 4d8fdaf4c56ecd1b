/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload's GIC (IHI 0048 for version 2, IHI 0069 for version 3).
 */
#include "gic.h"

#include "cpu.h"
#include "fdt.h"
#include "timer.h"

#define ICC_IAR1    s3_0_c12_c12_0
#define ICC_EOIR1   s3_0_c12_c12_1
#define ICC_HPPIR1  s3_0_c12_c12_2
#define ICC_BPR1    s3_0_c12_c12_3
#define ICC_DIR     s3_0_c12_c11_1
#define ICC_RPR     s3_0_c12_c11_3
#define ICC_SGI1R   s3_0_c12_c11_5
#define ICC_CTLR    s3_0_c12_c12_4
#define ICC_SRE     s3_0_c12_c12_5
#define ICC_IGRPEN1 s3_0_c12_c12_7
#define ICC_PMR_EL1 s3_0_c4_c6_0

#define GICR_WAKER        0x14U
#define GICR_TYPER        0x08U
#define GICR_TYPER_LAST   BIT(4)
#define GICR_TYPER_VLPIS  BIT(1)
#define WAKER_SLEEP       BIT(1)
#define WAKER_ASLEEP      BIT(2)
#define CTLR_ARE_NS       BIT(4)
#define CTLR_ENABLE_GRP0  BIT(0)
#define CTLR_ENABLE_GRP1  BIT(1)
#define GICC_CTLR_EOIMODE BIT(9)
#define CTLR_RWP          BIT(31)

static unsigned int version;
static uintptr_t dist;
static uintptr_t cpu_interface;
static uint64_t redist_base;
static uint64_t redist_size;
static uintptr_t redist[MAX_CPUS];

static uint32_t affinity_of(uint64_t mpidr)
{
    return (uint32_t)((mpidr & 0xffffffUL) | (mpidr >> 32 & 0xff) << 24);
}

static uintptr_t find_redist(uint64_t mpidr)
{
    for (uint64_t at = redist_base; at < redist_base + redist_size;) {
        uint64_t typer = mmio_read64(at + GICR_TYPER);

        if (typer >> 32 == affinity_of(mpidr)) {
            return at;
        }
        if ((typer & GICR_TYPER_LAST) != 0) {
            break;
        }
        at += (typer & GICR_TYPER_VLPIS) != 0 ? 0x40000 : 0x20000;
    }
    print("Bail out! no redistributor for MPIDR 0x%lx\n", mpidr);
    return redist_base;
}

unsigned int gic_version(void)
{
    return version;
}

uintptr_t gic_dist(void)
{
    return dist;
}

uintptr_t gic_cpu_frame(void)
{
    return version == 2 ? cpu_interface : redist[this_cpu()->index];
}

unsigned int gic_spi_count(void)
{
    return (mmio_read32(dist + GICD_TYPER) & 31U) * 32;
}

/* The frame that holds INTID's registers. */
static uintptr_t frame_of(unsigned int intid)
{
    if (version == 3 && intid < 32) {
        return redist[this_cpu()->index] + GICR_SGI_FRAME;
    }
    return dist;
}

uintptr_t gic_word(unsigned int reg, unsigned int intid)
{
    return frame_of(intid) + reg + intid / 32 * 4;
}

bool gic_bit(unsigned int reg, unsigned int intid)
{
    return (mmio_read32(gic_word(reg, intid)) >> intid % 32 & 1U) != 0;
}

void gic_write_bit(unsigned int reg, unsigned int intid)
{
    mmio_write32(gic_word(reg, intid), 1U << intid % 32);
    dsb();
}

void gic_enable(unsigned int intid)
{
    gic_write_bit(GICD_ISENABLER, intid);
}

void gic_disable(unsigned int intid)
{
    gic_write_bit(GICD_ICENABLER, intid);
}

void gic_set_priority(unsigned int intid, uint8_t priority)
{
    mmio_write8(frame_of(intid) + GICD_IPRIORITYR + intid, priority);
    dsb();
}

uint8_t gic_priority(unsigned int intid)
{
    return mmio_read8(frame_of(intid) + GICD_IPRIORITYR + intid);
}

void gic_set_edge(unsigned int intid, bool edge)
{
    uintptr_t at = frame_of(intid) + GICD_ICFGR + intid / 16 * 4;
    uint32_t bit = 2U << intid % 16 * 2;
    uint32_t value = mmio_read32(at);

    mmio_write32(at, edge ? value | bit : value & ~bit);
    dsb();
}

bool gic_is_edge(unsigned int intid)
{
    uintptr_t at = frame_of(intid) + GICD_ICFGR + intid / 16 * 4;

    return (mmio_read32(at) >> (intid % 16 * 2 + 1) & 1U) != 0;
}

void gic_route(unsigned int intid, unsigned int cpu)
{
    if (version == 2) {
        mmio_write8(dist + GICD_ITARGETSR + intid, (uint8_t)(1U << cpu));
    } else {
        mmio_write64(dist + GICD_IROUTER + intid * 8UL, cpus[cpu].mpidr & 0xff00ffffffUL);
    }
    dsb();
}

uint32_t gic_ack(void)
{
    uint32_t iar =
        version == 2 ? mmio_read32(cpu_interface + GICC_IAR) : (uint32_t)read_sysreg(ICC_IAR1);

    dsb();
    return iar;
}

uint32_t gic_ack_wait(void)
{
    uint64_t start = timer_now();
    uint32_t iar;

    do {
        iar = gic_ack();
    } while (gic_intid(iar) >= GIC_SPURIOUS && timer_since_ms(start) < WAIT_MS);
    return iar;
}

void gic_eoi(uint32_t iar)
{
    if (version == 2) {
        mmio_write32(cpu_interface + GICC_EOIR, iar);
    } else {
        write_sysreg(iar, ICC_EOIR1);
    }
    dsb();
    isb();
}

void gic_deactivate(uint32_t iar)
{
    if (version == 2) {
        mmio_write32(cpu_interface + GICC_DIR, iar);
    } else {
        write_sysreg(iar, ICC_DIR);
    }
    dsb();
    isb();
}

unsigned int gic_intid(uint32_t iar)
{
    return version == 2 ? iar & 0x3ffU : iar & 0xffffffU;
}

unsigned int gic_source(uint32_t iar)
{
    return version == 2 ? iar >> 10 & 7U : 0;
}

uint32_t gic_running_priority(void)
{
    return version == 2 ? mmio_read32(cpu_interface + GICC_RPR) : (uint32_t)read_sysreg(ICC_RPR);
}

uint32_t gic_highest_pending(void)
{
    return version == 2 ? mmio_read32(cpu_interface + GICC_HPPIR)
                        : (uint32_t)read_sysreg(ICC_HPPIR1);
}

void gic_set_mask(uint8_t priority)
{
    if (version == 2) {
        mmio_write32(cpu_interface + GICC_PMR, priority);
    } else {
        write_sysreg(priority, ICC_PMR_EL1);
    }
    dsb();
    isb();
}

void gic_set_group_enable(bool on)
{
    if (version == 2) {
        uint32_t ctlr = mmio_read32(cpu_interface + GICC_CTLR);

        mmio_write32(cpu_interface + GICC_CTLR, on ? ctlr | 1U : ctlr & ~1U);
    } else {
        write_sysreg(on ? 1 : 0, ICC_IGRPEN1);
    }
    dsb();
    isb();
}

void gic_set_split_eoi(bool on)
{
    if (version == 2) {
        uint32_t ctlr = mmio_read32(cpu_interface + GICC_CTLR);

        ctlr &= (uint32_t)~GICC_CTLR_EOIMODE;
        mmio_write32(cpu_interface + GICC_CTLR, on ? ctlr | (uint32_t)GICC_CTLR_EOIMODE : ctlr);
    } else {
        write_sysreg(on ? 2 : 0, ICC_CTLR);
    }
    dsb();
    isb();
}

void gic_set_dist_enable(bool on)
{
    uint32_t enable = 1;

    if (version == 3) {
        enable = CTLR_ENABLE_GRP0 | CTLR_ENABLE_GRP1;
        enable = (on ? enable : 0) | CTLR_ARE_NS;
    } else {
        enable = on ? 1 : 0;
    }
    mmio_write32(dist + GICD_CTLR, enable);
    dsb();
    while (version == 3 && (mmio_read32(dist + GICD_CTLR) & CTLR_RWP) != 0) {}
}

void gic_send_sgi(unsigned int sgi, unsigned int cpu)
{
    dsb();
    if (version == 2) {
        mmio_write32(dist + GICD_SGIR, 1U << (16 + cpu) | sgi);
    } else {
        uint64_t mpidr = cpus[cpu].mpidr;
        uint64_t aff3 = mpidr >> 32 & 0xff;
        uint64_t value = BIT(mpidr & 15) | (mpidr >> 8 & 0xff) << 16 | (uint64_t)sgi << 24;

        value |= (mpidr >> 16 & 0xff) << 32 | (mpidr >> 4 & 0xf) << 44 | aff3 << 48;
        write_sysreg(value, ICC_SGI1R);
    }
    isb();
}

void gic_send_sgi_others(unsigned int sgi)
{
    dsb();
    if (version == 2) {
        mmio_write32(dist + GICD_SGIR, 1U << 24 | sgi);
    } else {
        write_sysreg((uint64_t)sgi << 24 | BIT(40), ICC_SGI1R);
    }
    isb();
}

static void init_redist(void)
{
    uintptr_t base = find_redist(read_sysreg(mpidr_el1));

    redist[this_cpu()->index] = base;
    mmio_write32(base + GICR_WAKER, 0);
    while ((mmio_read32(base + GICR_WAKER) & WAKER_ASLEEP) != 0) {}
    mmio_write32(base + GICR_SGI_FRAME + GICD_IGROUPR, UINT32_MAX);
}

void gic_init_cpu(void)
{
    if (version == 3) {
        init_redist();
        write_sysreg(read_sysreg(ICC_SRE) | 1, ICC_SRE);
        isb();
        write_sysreg(0, ICC_BPR1);
    } else {
        mmio_write32(cpu_interface + GICC_BPR, 0);
    }
    for (unsigned int intid = 0; intid < 32; intid++) {
        gic_set_priority(intid, 0xa0);
    }
    gic_set_split_eoi(false);
    gic_set_mask(0xf0);
    gic_set_group_enable(true);
}

void gic_init(void)
{
    int node = fdt_compatible("arm,gic-v3");
    uint64_t base;
    uint64_t size;

    version = node >= 0 ? 3 : 2;
    if (version == 2) {
        node = fdt_compatible("arm,gic-400");
        node = node >= 0 ? node : fdt_compatible("arm,cortex-a15-gic");
    }
    fdt_reg(node, 0, &base, &size);
    dist = base;
    if (version == 2) {
        fdt_reg(node, 1, &base, &size);
        cpu_interface = base;
    } else {
        fdt_reg(node, 1, &redist_base, &redist_size);
    }
    gic_set_dist_enable(true);
    for (unsigned int intid = 32; intid < 32 + gic_spi_count(); intid += 32) {
        mmio_write32(gic_word(GICD_ICENABLER, intid), UINT32_MAX);
        if (version == 3) {
            mmio_write32(gic_word(GICD_IGROUPR, intid), UINT32_MAX);
        }
    }
    gic_init_cpu();
}

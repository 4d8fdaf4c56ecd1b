/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The GIC's registers: what is written reads back, what is read-only stays.
 */
#include "cpu.h"
#include "gic.h"

#define SPI_A 45U
#define SPI_B 71U

static void test_identity(void)
{
    bool v2 = gic_version() == 2;
    uintptr_t pidr2 = gic_dist() + (v2 ? 0xfe8 : 0xffe8);
    uint32_t typer = mmio_read32(gic_dist() + GICD_TYPER);
    uint32_t value = 0;
    struct fault fault;

    ok((typer & 31) >= 1, "GICD_TYPER.ITLinesNumber = %u", typer & 31);
    if (v2) {
        is_equal((typer >> 5 & 7) + 1, smp_count(), "GICD_TYPER: number of CPUs");
    }
    fault = guarded_read32(gic_dist() + GICD_IIDR, &value);
    ok(!fault.taken, "GICD_IIDR = 0x%x", value);
    fault = guarded_read32(pidr2, &value);
    if (ok(!fault.taken, "GICD PIDR2 can be read")) {
        is_equal(value >> 4 & 15, gic_version(), "GICD PIDR2: architecture");
    }
    if (!v2) {
        fault = guarded_read32(gic_cpu_frame() + 0xffe8, &value);
        ok(!fault.taken && (value >> 4 & 15) == 3, "GICR PIDR2: architecture 3");
        is_equal(mmio_read64(gic_cpu_frame() + 8) >> 32, read_sysreg(mpidr_el1) & 0xffffff,
                 "GICR_TYPER: affinity");
        ok((mmio_read32(gic_dist() + GICD_CTLR) & BIT(4)) != 0, "GICD_CTLR.ARE is set");
    } else {
        fault = guarded_read32(gic_cpu_frame() + 0xfc, &value);
        ok(!fault.taken, "GICC_IIDR = 0x%x", value);
    }
    fault = guarded_read32(gic_dist() + 0x10, &value);
    ok(!fault.taken, "reserved distributor offset 0x10 reads 0x%x", value);
}

/* A pair of set and clear registers for one interrupt. */
static void check_pair(unsigned int set, unsigned int clear, unsigned int intid, const char *what)
{
    gic_write_bit(clear, intid);
    ok(!gic_bit(set, intid) && !gic_bit(clear, intid), "%s of %u: clear reads 0", what, intid);
    gic_write_bit(set, intid);
    ok(gic_bit(set, intid) && gic_bit(clear, intid), "%s of %u: set reads 1 in both", what, intid);
    mmio_write32(gic_word(set, intid), 0);
    mmio_write32(gic_word(clear, intid), 0);
    ok(gic_bit(set, intid), "%s of %u: writing zeros changes nothing", what, intid);
    gic_write_bit(clear, intid);
    ok(!gic_bit(set, intid), "%s of %u: cleared", what, intid);
}

static void test_bits(void)
{
    static const unsigned int intids[] = { 23, SPI_A, SPI_B };

    for (unsigned int i = 0; i < ARRAY_SIZE(intids); i++) {
        gic_disable(intids[i]);
        gic_set_edge(intids[i], true);
        if (intids[i] >= 32) {
            gic_route(intids[i], 0);
        }
        check_pair(GICD_ISENABLER, GICD_ICENABLER, intids[i], "enable");
        check_pair(GICD_ISPENDR, GICD_ICPENDR, intids[i], "pending");
        check_pair(GICD_ISACTIVER, GICD_ICACTIVER, intids[i], "active");
    }
    /* SGIs: pending through ISPENDR exists on GICv3 only; GICv2 has SPENDSGIR. */
    if (gic_version() == 3) {
        gic_disable(9);
        check_pair(GICD_ISPENDR, GICD_ICPENDR, 9, "pending");
    } else {
        gic_disable(9);
        mmio_write8(gic_dist() + GICD_SPENDSGIR + 9, 1);
        ok(mmio_read8(gic_dist() + GICD_CPENDSGIR + 9) == 1, "SPENDSGIR of 9: pending from CPU 0");
        mmio_write8(gic_dist() + GICD_CPENDSGIR + 9, 1);
        ok(mmio_read8(gic_dist() + GICD_SPENDSGIR + 9) == 0, "CPENDSGIR of 9: cleared");
    }
}

static void test_priority(void)
{
    uint8_t got;

    gic_set_priority(SPI_A, 0x50);
    is_equal(gic_priority(SPI_A), 0x50, "priority byte");
    gic_set_priority(SPI_A, 0xff);
    got = gic_priority(SPI_A);
    ok((got & 0xf0) == 0xf0, "priority 0xff: at least 16 levels (0x%x)", got);
    mmio_write32(gic_dist() + GICD_IPRIORITYR + SPI_A / 4 * 4, 0x40302010);
    is_equal(mmio_read32(gic_dist() + GICD_IPRIORITYR + SPI_A / 4 * 4), 0x40302010,
             "priority word");
    is_equal(gic_priority(SPI_A), SPI_A % 4 * 0x10 + 0x10, "priority byte of a word");
    gic_set_priority(23, 0x60);
    is_equal(gic_priority(23), 0x60, "priority of a PPI");
}

static void test_config(void)
{
    gic_set_edge(SPI_A, true);
    ok(gic_is_edge(SPI_A), "SPI configured edge");
    gic_set_edge(SPI_A, false);
    ok(!gic_is_edge(SPI_A), "SPI configured level");
    gic_set_edge(3, false);
    ok(gic_is_edge(3), "SGI stays edge");
}

static void test_target(void)
{
    uint64_t mpidr = read_sysreg(mpidr_el1) & 0xff00ffffffUL;

    if (gic_version() == 2) {
        /* A uniprocessor GICv2 may have these RAZ/WI. */
        if (smp_count() > 1) {
            is_equal(mmio_read8(gic_dist() + GICD_ITARGETSR + 5), 1, "ITARGETSR of an SGI");
        }
        mmio_write8(gic_dist() + GICD_ITARGETSR + SPI_A, 1);
        is_equal(mmio_read8(gic_dist() + GICD_ITARGETSR + SPI_A), 1, "ITARGETSR of an SPI");
        return;
    }
    mmio_write64(gic_dist() + GICD_IROUTER + SPI_A * 8UL, mpidr);
    is_equal(mmio_read64(gic_dist() + GICD_IROUTER + SPI_A * 8UL), mpidr, "IROUTER");
    mmio_write32(gic_dist() + GICD_IROUTER + SPI_A * 8UL, (uint32_t)mpidr);
    is_equal(mmio_read32(gic_dist() + GICD_IROUTER + SPI_A * 8UL), (uint32_t)mpidr,
             "IROUTER by halves");
}

static void test_group(void)
{
    uintptr_t at = gic_word(GICD_IGROUPR, SPI_A);
    uint32_t before = mmio_read32(at);
    uint32_t bit = 1U << SPI_A % 32;
    uint32_t set;
    uint32_t clear;

    mmio_write32(at, before | bit);
    set = mmio_read32(at) & bit;
    mmio_write32(at, before & ~bit);
    clear = mmio_read32(at) & bit;
    mmio_write32(at, before);
    ok(gic_version() == 2 || set != 0, "group 1 can be had (%s)",
       set == clear ? "fixed" : "writable");
}

void test_gic(void)
{
    test_identity();
    test_bits();
    test_priority();
    test_config();
    test_target();
    test_group();
    gic_disable(SPI_A);
    gic_disable(SPI_B);
}

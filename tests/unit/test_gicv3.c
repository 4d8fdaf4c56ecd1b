/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv3 driver on memory that stands for the registers: start with one and two security
 * states, the walk over redistributors and where it must stop, bounded polls, SGIs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"

#include <arch/ich.h>
#include <arch/io.h>
#include <arch/mmu.h>
#include <corbel/bits.h>
#include <corbel/cpu.h>
#include <corbel/drivers.h>
#include <hw/gicd.h>
#include <hw/gicr.h>

static u8 gicd[0x10000], gicr[2][0x80000];
static u32 gicr_backed[2]; /* reading at or beyond is an external abort */
static bool gicd_stuck, gicr_stuck, asleep, icc_there;
static u64 last_sgi, vtr;
static u32 iar, ctlr_writes[8], ctlr_count;

/* ---- arch/ich.h ---- */

bool arch_icc_init(void)
{
    return icc_there;
}
u32 arch_icc_ack(void)
{
    return iar;
}
void arch_icc_eoi(u32 intid)
{
}
void arch_icc_deactivate(u32 intid)
{
}
void arch_icc_sgi(u64 value)
{
    last_sgi = value;
}
u64 arch_ich_vtr(void)
{
    return vtr;
}
u64 arch_ich_lr_read(u32 n)
{
    return n;
}
void arch_ich_lr_write(u32 n, u64 lr)
{
}
u64 arch_ich_elrsr(void)
{
    return 0;
}
u64 arch_ich_eisr(void)
{
    return 0;
}
u64 arch_ich_misr(void)
{
    return 0;
}
u64 arch_ich_hcr_read(void)
{
    return 0;
}
void arch_ich_hcr_write(u64 hcr)
{
}
u64 arch_ich_vmcr_read(void)
{
    return 0;
}
void arch_ich_vmcr_write(u64 vmcr)
{
}
u32 arch_ich_apr_read(u32 group, u32 n)
{
    return 0;
}
void arch_ich_apr_write(u32 group, u32 n, u32 value)
{
}

/* ---- registers ---- */

void *arch_mmu_map_device(pa_t pa, u64 size)
{
    return pa.v == 0x10000 ? gicd : pa.v == 0x100000 ? gicr[0] : pa.v == 0x200000 ? gicr[1] : NULL;
}

static u64 io_read(uintptr_t base, u32 offset, u32 size)
{
    uintptr_t at = base + offset;
    u64 v = 0;

    for (u32 i = 0; i < 2; i++) {
        if (at >= (uintptr_t)gicr[i] && at < (uintptr_t)gicr[i] + sizeof(gicr[i]))
            assert_in_range(at - (uintptr_t)gicr[i], 0, gicr_backed[i] - 1);
    }
    memcpy(&v, (const void *)at, size);
    if (base == (uintptr_t)gicd && offset == GICD_CTLR && gicd_stuck)
        v |= GICD_CTLR_RWP;
    if (base != (uintptr_t)gicd && offset == GICR_CTLR && gicr_stuck)
        v |= GICR_CTLR_RWP;
    if (base != (uintptr_t)gicd && offset == GICR_WAKER && asleep)
        v |= GICR_WAKER_CHILDREN_ASLEEP;
    return v;
}

static void io_write(uintptr_t base, u32 offset, u32 size, u64 value)
{
    if (base == (uintptr_t)gicd && offset == GICD_CTLR && ctlr_count < 8)
        ctlr_writes[ctlr_count++] = (u32)value;
    memcpy((void *)(base + offset), &value, size);
}

static u32 reg(const u8 *frame, u32 offset)
{
    u32 v;

    memcpy(&v, frame + offset, 4);
    return v;
}

static void set_reg(u8 *frame, u32 offset, u32 v)
{
    memcpy(frame + offset, &v, 4);
}

static void set_typer(u32 region, u32 pos, u32 affinity, u64 flags)
{
    u64 typer = FIELD_PREP(GICR_TYPER_AFF, affinity) | flags;

    memcpy(gicr[region] + pos + GICR_TYPER, &typer, 8);
}

static struct platform plat;

static int setup(void **state)
{
    fake_reset(4);
    fake_io = (struct fake_io){ io_read, io_write };
    memset(gicd, 0, sizeof(gicd));
    memset(gicr, 0, sizeof(gicr));
    gicr_backed[0] = gicr_backed[1] = sizeof(gicr[0]);
    gicd_stuck = gicr_stuck = asleep = false;
    icc_there = true;
    ctlr_count = 0;
    vtr = 0x90180003; /* 4 list registers, 5 bits */
    set_reg(gicd, GICD_TYPER, 6);
    set_reg(gicd, GICD_V3_PIDR2, 0x3b);
    memset(&plat, 0, sizeof(plat));
    plat.gic.version = GIC_V3;
    plat.gic.gicd = (struct mem_range){ 0x10000, 0x10000 };
    plat.gic.gicr[0] = (struct mem_range){ 0x100000, 0x80000 };
    plat.gic.gicr_count = 1;
    for (u32 i = 0; i < 4; i++)
        set_typer(0, i * GICR_SIZE_V3, i, i == 3 ? GICR_TYPER_LAST : 0);
    return 0;
}

static void start(void **state)
{
    cpu_get(0)->mpidr = 0x0100020003ull;
    set_typer(0, 0, 0x01020003, 0);
    assert_int_equal(gicv3_ops.init(&plat), CORBEL_OK);
    assert_int_equal(gicv3_ops.line_count(), 224);
    assert_int_equal(ctlr_count, 3);
    assert_int_equal(ctlr_writes[0], 0);
    assert_int_equal(ctlr_writes[1], 0x10);
    assert_int_equal(ctlr_writes[2], 0x12);
    assert_int_equal(reg(gicd, GICD_IGROUPR + 4), ~0u);
    assert_int_equal(reg(gicd, GICD_IROUTER + 32 * 8), 0x00020003);
    assert_int_equal(reg(gicd, GICD_IROUTER + 32 * 8 + 4), 1);
    plat.gic.gicr[0].size = 0x20000; /* the other frames are not described at all */
}

static void redistributor_of_each_cpu(void **state)
{
    assert_int_equal(gicv3_ops.init(&plat), CORBEL_OK);
    for (u32 i = 0; i < 4; i++) {
        u8 *frame = gicr[0] + i * GICR_SIZE_V3;

        fake_set_cpu(i);
        set_reg(frame, GICR_WAKER, 2);
        set_reg(frame, GICR_CTLR, (u32)GICR_CTLR_ENABLE_LPIS); /* who ran here before us had some */
        assert_int_equal(gicv3_ops.cpu_init(), CORBEL_OK);
        assert_int_equal(reg(frame, GICR_WAKER), 0);
        assert_int_equal(reg(frame, GICR_CTLR), 0);
        assert_int_equal(reg(frame, GICR_IGROUPR0), ~0u);
        assert_int_equal(reg(frame, GICR_ISENABLER0), 3);
        gicv3_ops.enable(27);
        assert_int_equal(reg(frame, GICR_ISENABLER0), 1u << 27);
        gicv3_ops.configure(27, false);
        assert_int_equal(reg(frame, GICR_ICFGR0 + 4), 2u << 22);
        gicv3_ops.set_active(30, true);
        assert_int_equal(reg(frame, GICR_ISACTIVER0), 1u << 30);
    }
    assert_int_equal(gicv3_ops.lr_count(), 4);
    assert_int_equal(gicv3_ops.preemption_bits, 5);
    assert_int_equal(gicv3_ops.apr_count(), 1);
}

/* A board with fewer CPUs than the tree: the walk ends at Last, what follows aborts. */
static void walk_stops_at_last(void **state)
{
    set_typer(0, 0, 0, GICR_TYPER_LAST);
    gicr_backed[0] = GICR_SIZE_V3;
    assert_int_equal(gicv3_ops.init(&plat), CORBEL_OK);
    assert_int_equal(gicv3_ops.cpu_init(), CORBEL_OK);
    fake_set_cpu(1);
    assert_int_equal(gicv3_ops.cpu_init(), ERR_NOENT);
    assert_non_null(strstr(fake_log, "no redistributor for affinity 0x1"));
}

static void gicv4_and_regions(void **state)
{
    plat.gic.gicr[1] = (struct mem_range){ 0x200000, 0x40000 };
    plat.gic.gicr_count = 2;
    memset(gicr, 0, sizeof(gicr));
    set_typer(0, 0, 0, GICR_TYPER_VLPIS);
    set_typer(0, GICR_SIZE_V4, 1, GICR_TYPER_VLPIS | GICR_TYPER_LAST);
    set_typer(1, 0, 0x100, 0);
    set_typer(1, GICR_SIZE_V3, 0x101, GICR_TYPER_LAST);
    cpu_get(3)->mpidr = 0x101;
    assert_int_equal(gicv3_ops.init(&plat), CORBEL_OK);
    fake_set_cpu(1);
    assert_int_equal(gicv3_ops.cpu_init(), CORBEL_OK);
    assert_int_equal(reg(gicr[0], GICR_SIZE_V4 + GICR_IGROUPR0), ~0u);
    fake_set_cpu(3);
    assert_int_equal(gicv3_ops.cpu_init(), CORBEL_OK);
    assert_int_equal(reg(gicr[1], GICR_SIZE_V3 + GICR_IGROUPR0), ~0u);
    plat.gic.gicr_stride = GICR_SIZE_V4; /* the tree overrides */
    set_typer(1, 0, 0x100, 0);
    assert_int_equal(gicv3_ops.init(&plat), CORBEL_OK);
    assert_int_equal(gicv3_ops.cpu_init(), ERR_NOENT);
}

static void hardware_that_does_not_answer(void **state)
{
    gicd_stuck = true;
    assert_int_equal(gicv3_ops.init(&plat), CORBEL_OK);
    assert_non_null(strstr(fake_log, "GICD_CTLR.RWP"));
    gicr_stuck = true;
    assert_int_equal(gicv3_ops.cpu_init(), CORBEL_OK);
    assert_non_null(strstr(fake_log, "GICR_CTLR.RWP"));
    asleep = true;
    assert_int_equal(gicv3_ops.cpu_init(), ERR_TIMEDOUT);
    assert_non_null(strstr(fake_log, "ChildrenAsleep"));
}

static void refusals(void **state)
{
    assert_int_equal(gicv3_ops.init(&plat), CORBEL_OK);
    icc_there = false;
    assert_int_equal(gicv3_ops.cpu_init(), ERR_NOTSUP);
    icc_there = true;
    assert_int_equal(gicv3_ops.cpu_init(), CORBEL_OK);
    fake_set_cpu(1);
    vtr = 0x90180001; /* fewer list registers than the boot CPU */
    assert_int_equal(gicv3_ops.cpu_init(), ERR_NOTSUP);
    set_reg(gicd, GICD_V3_PIDR2, 0x2b);
    assert_int_equal(gicv3_ops.init(&plat), ERR_NOTSUP);
    plat.gic.gicr_count = 0;
    assert_int_equal(gicv3_ops.init(&plat), ERR_NOENT);
    plat.gic.gicd.base = 0;
    assert_int_equal(gicv3_ops.init(&plat), ERR_NOMEM);
}

static void spurious(void **state)
{
    for (iar = 1020; iar < 1024; iar++)
        assert_true(gicv3_ops.ack() >= IRQ_COUNT);
    iar = 8192;
    assert_int_equal(gicv3_ops.ack(), 8192);
    iar = 1019;
    assert_int_equal(gicv3_ops.ack(), 1019);
}

static void sgi_by_affinity(void **state)
{
    gicv3_ops.send_sgi(0, 0, SGI_STOP);
    assert_int_equal(last_sgi, 1u << 24 | 1);
    gicv3_ops.send_sgi(0, 0x0700060512ull, SGI_KICK); /* Aff3 7, Aff2 6, Aff1 5, Aff0 0x12 */
    assert_true(last_sgi == (7ull << 48 | 1ull << 44 | 6ull << 32 | 5ull << 16 | 1 << 2));
}

static void spi(void **state)
{
    assert_int_equal(gicv3_ops.init(&plat), CORBEL_OK);
    gicv3_ops.route(40, 0x80000300 | 2ull << 32, 3); /* only the affinity goes in */
    assert_int_equal(reg(gicd, GICD_IROUTER + 40 * 8), 0x300);
    assert_int_equal(reg(gicd, GICD_IROUTER + 40 * 8 + 4), 2);
    gicv3_ops.set_priority(45, 0x90);
    assert_int_equal(gicd[GICD_IPRIORITYR + 45], 0x90);
    gicv3_ops.disable(70);
    assert_int_equal(reg(gicd, GICD_ICENABLER + 8), 1u << 6);
    gicv3_ops.set_pending(33, false);
    assert_int_equal(reg(gicd, GICD_ICPENDR + 4), 2);
    set_reg(gicd, GICD_ISPENDR + 4, 1u << 31);
    assert_true(gicv3_ops.is_pending(63));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(start, setup),
        cmocka_unit_test_setup(redistributor_of_each_cpu, setup),
        cmocka_unit_test_setup(walk_stops_at_last, setup),
        cmocka_unit_test_setup(gicv4_and_regions, setup),
        cmocka_unit_test_setup(hardware_that_does_not_answer, setup),
        cmocka_unit_test_setup(refusals, setup),
        cmocka_unit_test_setup(spurious, setup),
        cmocka_unit_test_setup(sgi_by_affinity, setup),
        cmocka_unit_test_setup(spi, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

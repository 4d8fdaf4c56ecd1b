/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv2 driver on plain memory that stands for the registers: what is written at the
 * start, the aliased CPU interface, the conversions of list registers and VMCR, SGIs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"

#include <arch/io.h>
#include <arch/mmu.h>
#include <corbel/bits.h>
#include <corbel/cpu.h>
#include <corbel/drivers.h>
#include <hw/gicd.h>
#include <hw/gicv2.h>
#include <hw/ich_lr.h>

static u8 gicd[0x1000], gicc[0x20000], gich[0x1000];
static bool map_fails;
static u32 max_gicc_read;

void *arch_mmu_map_device(pa_t pa, u64 size)
{
    if (map_fails)
        return NULL;
    return pa.v == 0x1000 ? gicd : pa.v == 0x20000 ? gicc : pa.v == 0x60000 ? gich : NULL;
}

static u64 counting_read(uintptr_t base, u32 offset, u32 size)
{
    u64 v = 0;

    if (base == (uintptr_t)gicc && offset > max_gicc_read)
        max_gicc_read = offset;
    memcpy(&v, (const void *)(base + offset), size);
    return v;
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

static struct platform plat(u64 gicc_size, u64 gicv_size)
{
    struct platform p = { 0 };

    p.gic.version = GIC_V2;
    p.gic.gicd = (struct mem_range){ 0x1000, 0x1000 };
    p.gic.gicc = (struct mem_range){ 0x20000, gicc_size };
    p.gic.gich = (struct mem_range){ 0x60000, 0x1000 };
    p.gic.gicv = (struct mem_range){ 0x80000, gicv_size };
    return p;
}

static int setup(void **state)
{
    fake_reset(4);
    memset(gicd, 0, sizeof(gicd));
    memset(gicc, 0, sizeof(gicc));
    memset(gich, 0, sizeof(gich));
    set_reg(gicd, GICD_TYPER, 2);              /* 96 lines */
    set_reg(gich, GICH_VTR, 0x90000003);       /* 4 list registers, 5 bits */
    set_reg(gicd, GICD_ITARGETSR, 0x02020202); /* this CPU is interface 1 */
    map_fails = false;
    max_gicc_read = 0;
    return 0;
}

static void start(void **state)
{
    struct platform p = plat(0x2000, 0x2000);

    fake_io.read = counting_read;
    assert_int_equal(gicv2_ops.init(&p), CORBEL_OK);
    assert_int_equal(max_gicc_read, 0); /* no probe outside what is described */
    assert_int_equal(reg(gicd, GICD_CTLR), 1);
    assert_int_equal(reg(gicd, GICD_ICENABLER + 4), ~0u);
    assert_int_equal(reg(gicd, GICD_ICENABLER + 8), ~0u);
    assert_int_equal(reg(gicd, GICD_ICENABLER + 12), 0);
    assert_int_equal(reg(gicd, GICD_IPRIORITYR + 92), 0xa0a0a0a0);
    assert_int_equal(gicv2_ops.line_count(), 96);
    assert_int_equal(gicv2_ops.lr_count(), 4);
    assert_int_equal(gicv2_ops.priority_bits, 5);
    assert_int_equal(gicv2_ops.preemption_bits, 5);
    assert_int_equal(gicv2_ops.guest_gicc.base, 0x80000);
    assert_int_equal(gicv2_ops.guest_gicc.size, 0x2000);
    assert_int_equal(gicv2_ops.cpu_init(), CORBEL_OK);
    assert_int_equal(reg(gicc, GICC_CTLR), 0x201);
    assert_int_equal(reg(gicc, GICC_PMR), 0xff);
    assert_int_equal(reg(gicd, GICD_ISENABLER), 3);
}

static void refusals(void **state)
{
    struct platform p = plat(0x2000, 0);

    assert_int_equal(gicv2_ops.init(&p), ERR_NOTSUP); /* no virtualization */
    p = plat(0x2000, 0x2000);
    map_fails = true;
    assert_int_equal(gicv2_ops.init(&p), ERR_NOMEM);
}

static void aliased(void **state)
{
    struct platform p = plat(0x20000, 0x20000);
    u32 page;

    for (page = 0; page < 16; page++)
        set_reg(gicc, page * 0x1000 + GICC_IIDR, 0x0002043b);
    assert_int_equal(gicv2_ops.init(&p), CORBEL_OK);
    assert_int_equal(gicv2_ops.guest_gicc.base, 0x8f000);
    gicv2_ops.deactivate(26);
    assert_int_equal(reg(gicc, 0x10000), 26); /* the second real page */
    assert_int_equal(reg(gicc, 0x1000), 0);

    set_reg(gicc, 0x10fc, 0); /* not repeated: DIR where it should be */
    assert_int_equal(gicv2_ops.init(&p), CORBEL_OK);
    assert_int_equal(gicv2_ops.guest_gicc.base, 0x80000);
    gicv2_ops.deactivate(27);
    assert_int_equal(reg(gicc, 0x1000), 27);
}

static void acknowledge(void **state)
{
    struct platform p = plat(0x2000, 0x2000);

    assert_int_equal(gicv2_ops.init(&p), CORBEL_OK);
    set_reg(gicc, GICC_IAR, 3 << 10 | 1);
    assert_int_equal(gicv2_ops.ack(), 3 << 10 | 1);
    gicv2_ops.eoi(3 << 10 | 1);
    assert_int_equal(reg(gicc, GICC_EOIR), 3 << 10 | 1);
    set_reg(gicc, GICC_IAR, 1022);
    assert_int_equal(gicv2_ops.ack(), IRQ_SPURIOUS);
}

static void sgi_by_learned_interface(void **state)
{
    struct platform p = plat(0x2000, 0x2000);

    assert_int_equal(gicv2_ops.init(&p), CORBEL_OK);
    assert_int_equal(gicv2_ops.cpu_init(), CORBEL_OK);
    fake_set_cpu(2);
    set_reg(gicd, GICD_ITARGETSR, 0); /* SGI bytes may be unimplemented: found further on */
    set_reg(gicd, GICD_ITARGETSR + 28, 0x80000000);
    assert_int_equal(gicv2_ops.cpu_init(), CORBEL_OK);
    gicv2_ops.send_sgi(0, 0, SGI_STOP);
    assert_int_equal(reg(gicd, GICD_SGIR), 0x00020001);
    gicv2_ops.send_sgi(2, 0x100, SGI_KICK);
    assert_int_equal(reg(gicd, GICD_SGIR), 0x00800000);
    gicv2_ops.send_sgi(3, 3, SGI_STOP); /* not started: nothing */
    assert_int_equal(reg(gicd, GICD_SGIR), 0x00800000);
    gicv2_ops.route(40, 0, 2);
    assert_int_equal(gicd[GICD_ITARGETSR + 40], 0x80);
}

static void distributor(void **state)
{
    struct platform p = plat(0x2000, 0x2000);

    assert_int_equal(gicv2_ops.init(&p), CORBEL_OK);
    gicv2_ops.configure(35, false);
    assert_int_equal(reg(gicd, GICD_ICFGR + 8), 2u << 6);
    gicv2_ops.configure(34, false);
    gicv2_ops.configure(35, true);
    assert_int_equal(reg(gicd, GICD_ICFGR + 8), 2u << 4);
    gicv2_ops.enable(65);
    assert_int_equal(reg(gicd, GICD_ISENABLER + 8), 2);
    gicv2_ops.set_priority(33, 0x80);
    assert_int_equal(gicd[GICD_IPRIORITYR + 33], 0x80);
    set_reg(gicd, GICD_ISPENDR + 4, 4);
    assert_true(gicv2_ops.is_pending(34));
    assert_false(gicv2_ops.is_pending(35));
    gicv2_ops.set_active(27, false);
    assert_int_equal(reg(gicd, GICD_ICACTIVER), 1u << 27);
    gicv2_ops.set_pending(34, true);
    gicv2_ops.disable(65);
    assert_int_equal(reg(gicd, GICD_ICENABLER + 8), 2);
}

/* Every list register that this hardware can hold comes back as it was. */
static void lr_round_trip(void **state)
{
    struct platform p = plat(0x2000, 0x2000);
    u64 lr;
    u32 i;

    assert_int_equal(gicv2_ops.init(&p), CORBEL_OK);
    srand(1);
    for (i = 0; i < 20000; i++) {
        lr = FIELD_PREP(ICH_LR_VINTID, rand() % 1020) | FIELD_PREP(ICH_LR_STATE, rand()) |
             FIELD_PREP(ICH_LR_PRIORITY, (rand() & 31) << 3);
        if (rand() & 1)
            lr |= ICH_LR_GROUP1;
        if (rand() & 1)
            lr |= ICH_LR_HW | FIELD_PREP(ICH_LR_PINTID, rand() % 1020);
        else
            lr |= FIELD_PREP(ICH_LR_SOURCE, rand()) | (rand() & 1 ? ICH_LR_EOI : 0);
        gicv2_ops.lr_write(i % 4, lr);
        assert_int_equal(gicv2_ops.lr_read(i % 4), lr);
    }
    /* Against the architecture's bit positions. */
    gicv2_ops.lr_write(0, ICH_LR_PENDING | ICH_LR_HW | FIELD_PREP(ICH_LR_PINTID, 27) | 27 |
                              FIELD_PREP(ICH_LR_PRIORITY, 0xa0));
    assert_int_equal(reg(gich, GICH_LR), 0x80000000 | 1u << 28 | 0x14u << 23 | 27 << 10 | 27);
    gicv2_ops.lr_write(1, ICH_LR_ACTIVE | ICH_LR_EOI | FIELD_PREP(ICH_LR_SOURCE, 5) | 3);
    assert_int_equal(reg(gich, GICH_LR + 4), 1u << 29 | 1u << 19 | 5 << 10 | 3);
}

static void virtual_interface(void **state)
{
    struct platform p = plat(0x2000, 0x2000);
    u64 vmcr = ICH_VMCR_VENG0 | ICH_VMCR_VACKCTL | ICH_VMCR_VEOIM |
               FIELD_PREP(ICH_VMCR_VPMR, 0xf0) | FIELD_PREP(ICH_VMCR_VBPR0, 3) |
               FIELD_PREP(ICH_VMCR_VBPR1, 4);

    assert_int_equal(gicv2_ops.init(&p), CORBEL_OK);
    gicv2_ops.vmcr_write(vmcr);
    assert_int_equal(gicv2_ops.vmcr_read(), vmcr);
    assert_int_equal(reg(gich, GICH_VMCR), 0x1eu << 27 | 3 << 21 | 4 << 18 | 1 << 9 | 5);
    gicv2_ops.vmcr_write(~0ull);
    assert_int_equal(gicv2_ops.vmcr_read(), 0xf8fc021f);
    gicv2_ops.hcr_write(
        (u32)(ICH_HCR_EN | ICH_HCR_UIE | ICH_HCR_TDIR | FIELD_PREP(ICH_HCR_EOICOUNT, 9)));
    assert_int_equal(reg(gich, GICH_HCR), 9u << 27 | 3);
    assert_int_equal(gicv2_ops.hcr_read(), 9u << 27 | 3);
    set_reg(gich, GICH_ELRSR, 0xd);
    assert_int_equal(gicv2_ops.lr_empty(), 0xd);
    set_reg(gich, GICH_EISR, 2);
    assert_int_equal(gicv2_ops.lr_eoi(), 2);
    gicv2_ops.apr_write(0, 0, 0x10);
    gicv2_ops.apr_write(1, 0, 0x20);
    assert_int_equal(gicv2_ops.apr_count(), 1);
    assert_int_equal(gicv2_ops.apr_read(0, 0), 0x10);
    assert_int_equal(gicv2_ops.apr_read(1, 0), 0);
    set_reg(gich, GICH_MISR, 3);
    assert_int_equal(gicv2_ops.misr(), ICH_MISR_EOI | ICH_MISR_U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(start, setup),
        cmocka_unit_test_setup(refusals, setup),
        cmocka_unit_test_setup(aliased, setup),
        cmocka_unit_test_setup(acknowledge, setup),
        cmocka_unit_test_setup(sgi_by_learned_interface, setup),
        cmocka_unit_test_setup(distributor, setup),
        cmocka_unit_test_setup(lr_round_trip, setup),
        cmocka_unit_test_setup(virtual_interface, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Life of single interrupts: inject, acknowledge, end, nest, overflow. */
#include "vgic_rig.h"

static void test_edge(void **state)
{
    (void)state;
    start(GIC_V3, 1, 4);
    spi_on(40, 0x80, true);
    vgic_pulse(d, 40);
    fake_serve(d);
    assert_int_equal(spi_bit(GICD_ISPENDR, 40), 1);
    assert_true(vgic_pending(v0));
    assert_int_equal(guest_ack(0), 40);
    assert_int_equal(spi_bit(GICD_ISPENDR, 40), 0);
    assert_int_equal(spi_bit(GICD_ISACTIVER, 40), 1);
    assert_false(vgic_pending(v0));
    vgic_pulse(d, 40); /* while active: active and pending */
    fake_serve(d);
    assert_int_equal(guest_ack(0), 1023);
    assert_int_equal(spi_bit(GICD_ICPENDR, 40), 1);
    guest_eoi(0, 40);
    assert_int_equal(guest_ack(0), 40);
    guest_eoi(0, 40);
    assert_int_equal(guest_ack(0), 1023);
    assert_int_equal(spi_bit(GICD_ISACTIVER, 40), 0);
}

static void test_level(void **state)
{
    (void)state;
    start(GIC_V3, 1, 4);
    spi_on(33, 0x80, false);
    vgic_set_line(d, 33, true);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 33);
    guest_eoi(0, 33); /* still asserted: comes again, by maintenance */
    fake_serve(d);
    assert_int_equal(guest_ack(0), 33);
    vgic_set_line(d, 33, false);
    guest_eoi(0, 33);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 1023);
    /* Raised and lowered before it is taken: nothing comes. */
    vgic_set_line(d, 33, true);
    fake_serve(d);
    vgic_set_line(d, 33, false);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 1023);
    assert_false(vgic_pending(v0));
    /* Latched by software: once. */
    mmio_set(v0, FAKE_GICD + GICD_ISPENDR + 4, 4, BIT(1));
    fake_serve(d);
    assert_int_equal(guest_ack(0), 33);
    guest_eoi(0, 33);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 1023);
}

/* The steady tick costs one list-register write and nothing else. */
static void test_timer(void **state)
{
    u64 before;

    (void)state;
    start(GIC_V3, 1, 4);
    assert_int_equal(vgic_link(d, v0, 27, 27), CORBEL_OK);
    assert_int_equal(vgic_link(d, v0, 27, 27), ERR_BUSY);
    ppi_on(v0, 27);
    for (u32 i = 0; i < 3; i++) {
        fake_vif[0].cntv_ctl = 5;
        before = fake_vif[0].ich_accesses;
        fake_phys_deliver(d);
        if (i)
            assert_int_equal(fake_vif[0].ich_accesses - before, 1);
        before = fake_vif[0].ich_accesses;
        fake_serve(d);
        assert_int_equal(fake_vif[0].ich_accesses - before, 0);
        assert_true(fake_ppi[0][27].active);
        assert_int_equal(guest_ack(0), 27);
        assert_int_equal(mmio_get(v0, FAKE_GICR + GICR_ISPENDR0, 4), BIT(27));
        fake_vif[0].cntv_ctl = 0;
        assert_int_equal(mmio_get(v0, FAKE_GICR + GICR_ISPENDR0, 4), 0);
        guest_eoi(0, 27);
        assert_false(fake_ppi[0][27].active);
    }
    assert_int_equal(guest_ack(0), 1023);
}

/* A tick on its way moves with the vCPU, and the other vCPU has its own. */
static void test_timer_moves(void **state)
{
    (void)state;
    start(GIC_V3, 2, 4);
    for (u32 i = 0; i < 2; i++) {
        assert_int_equal(vgic_link(d, d->vcpus[i], 27, 27), CORBEL_OK);
        ppi_on(d->vcpus[i], 27);
    }
    fake_vif[0].cntv_ctl = 5;
    fake_phys_deliver(d);
    assert_int_equal(guest_ack(0), 27);
    fake_load(0, v1);
    assert_false(fake_ppi[0][27].active);
    fake_vif[0].cntv_ctl = 5;
    fake_phys_deliver(d);
    fake_serve(d);
    fake_load(1, v0);
    assert_true(fake_ppi[1][27].active);
    fake_vif[1].cntv_ctl = 0;
    guest_eoi(1, 27);
    assert_false(fake_ppi[1][27].active);
    assert_true(fake_ppi[0][27].active);
    fake_load(2, v1);
    fake_serve(d);
    assert_int_equal(guest_ack(2), 27);
    fake_vif[2].cntv_ctl = 0;
    guest_eoi(2, 27);
    assert_false(fake_ppi[2][27].active);
}

/* Whoever makes a linked interrupt idle ends its source (decision 24). */
static void test_hw_cleared(void **state)
{
    (void)state;
    start(GIC_V3, 2, 4);
    assert_int_equal(vgic_link(d, NULL, 50, 50), CORBEL_OK);
    spi_on(50, 0x40, true);
    fake_spi[50].pending = true;
    fake_phys_deliver(d);
    assert_true(fake_spi[50].active);
    mmio_set(v0, FAKE_GICD + GICD_ICPENDR + 4, 4, BIT(18));
    assert_false(fake_spi[50].active);
    fake_spi[50].pending = true;
    fake_phys_deliver(d);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 50);
    mmio_set(v0, FAKE_GICD + GICD_ICACTIVER + 4, 4, BIT(18));
    assert_false(fake_spi[50].active);
    /* Disabled while pending: the edge is kept. */
    fake_vif[0].apr = 0;
    fake_spi[50].pending = true;
    fake_phys_deliver(d);
    mmio_set(v0, FAKE_GICD + GICD_ICENABLER + 4, 4, BIT(18));
    assert_false(fake_spi[50].enabled);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 1023);
    assert_int_equal(spi_bit(GICD_ISPENDR, 50), 1);
    mmio_set(v0, FAKE_GICD + GICD_ISENABLER + 4, 4, BIT(18));
    fake_serve(d);
    assert_int_equal(guest_ack(0), 50);
    guest_eoi(0, 50);
    assert_false(fake_spi[50].active);
    /* Reset with it pending. */
    fake_spi[50].pending = true;
    fake_phys_deliver(d);
    fake_save(v0);
    vgic_reset(d);
    assert_false(fake_spi[50].active || fake_spi[50].enabled || fake_spi[50].pending);
}

/* Level source disabled while asserted: follows its line while nobody looks. */
static void test_hw_level_disabled(void **state)
{
    (void)state;
    start(GIC_V3, 1, 4);
    fake_spi[45].level = true;
    assert_int_equal(vgic_link(d, NULL, 45, 45), CORBEL_OK);
    spi_on(45, 0x40, false);
    fake_spi[45].line = true;
    fake_phys_deliver(d);
    mmio_set(v0, FAKE_GICD + GICD_ICENABLER + 4, 4, BIT(13));
    assert_int_equal(spi_bit(GICD_ISPENDR, 45), 1);
    fake_spi[45].line = false;
    assert_int_equal(spi_bit(GICD_ISPENDR, 45), 0);
    mmio_set(v0, FAKE_GICD + GICD_ISENABLER + 4, 4, BIT(13));
    fake_serve(d);
    assert_int_equal(guest_ack(0), 1023);
    assert_false(fake_spi[45].active);
    fake_spi[45].line = true;
    fake_phys_deliver(d);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 45);
    guest_eoi(0, 45); /* still asserted: the source fires again, no maintenance needed */
    fake_phys_deliver(d);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 45);
}

static void test_more_than_fit(void **state)
{
    static const u32 lrs[] = { 1, 2, 4, 16 };

    (void)state;
    for (u32 k = 0; k < ARRAY_SIZE(lrs); k++) {
        u32 running = 0;

        start(GIC_V3, 1, lrs[k]);
        /* 31 interrupts, priorities shuffled over 31 levels */
        for (u32 i = 0; i < 31; i++) {
            spi_on(40 + i, (u8)((i * 7 % 31) * 8), true);
            vgic_pulse(d, 40 + i);
        }
        for (u32 i = 0; i < 31; i++) {
            fake_serve(d);
            u32 iar = guest_ack(0);

            assert_in_range(iar, 40, 70);
            assert_int_equal((iar - 40) * 7 % 31, i);
            guest_eoi(0, iar);
            running++;
        }
        fake_serve(d);
        assert_int_equal(guest_ack(0), 1023);
        assert_int_equal(fake_vif[0].hcr, ICH_HCR_EN);
        fake_vgic_teardown();
    }
    d = NULL;
}

/* Each one preempts the last: more active than list registers, ended in order. */
static void nest(u8 version, u32 lrs, bool split, bool dir_traps)
{
    start(version, 1, lrs);
    fake_gic_ops.dir_traps = dir_traps;
    if (split)
        fake_vif[0].vmcr |= ICH_VMCR_VEOIM;
    for (u32 i = 0; i < 20; i++)
        spi_on(40 + i, (u8)(0xf0 - i * 8), true);
    for (u32 i = 0; i < 20; i++) {
        vgic_pulse(d, 40 + i);
        fake_serve(d);
        assert_int_equal(guest_ack(0), 40 + i);
        fake_serve(d);
    }
    for (u32 i = 20; i-- > 0;) {
        guest_eoi(0, 40 + i);
        fake_serve(d);
        if (split) {
            assert_int_equal(spi_bit(GICD_ISACTIVER, 40 + i), 1);
            guest_dir(0, 40 + i);
            fake_serve(d);
        }
        assert_int_equal(spi_bit(GICD_ISACTIVER, 40 + i), 0);
        if (i)
            assert_int_equal(spi_bit(GICD_ISACTIVER, 40 + i - 1), 1);
    }
    fake_vgic_teardown();
    d = NULL;
}

static void test_nesting(void **state)
{
    (void)state;
    nest(GIC_V3, 4, false, true);
    nest(GIC_V3, 1, false, true);
    nest(GIC_V3, 16, true, true);
    nest(GIC_V3, 2, true, true);
    nest(GIC_V3, 4, true, false);
    nest(GIC_V2, 4, false, false);
    nest(GIC_V2, 4, true, false);
}

/* More of a group that is off than fit, while the other is on: no maintenance without end. */
static void test_one_group_on(void **state)
{
    static const u64 on[] = { ICH_VMCR_VENG0, ICH_VMCR_VENG1, 0 };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(on); i++) {
        start(GIC_V3, 1, 2);
        for (u32 intid = 40; intid < 46; intid++) {
            spi_on(intid, 0x80, true);
            mmio_set(v0, FAKE_GICD + GICD_ISPENDR + 4, 4, BIT(intid % 32));
        }
        mmio_set(v0, FAKE_GICD + GICD_IGROUPR + 4, 4, on[i] == ICH_VMCR_VENG0 ? ~0u : 0);
        fake_vif[0].vmcr = on[i] | ICH_VMCR_VPMR;
        vgic_flush(v0);
        fake_serve(d);
        /* Each switch of a group is noticed. */
        fake_vif[0].vmcr = ICH_VMCR_VENG0 | ICH_VMCR_VENG1 | ICH_VMCR_VPMR;
        for (u32 n = 0; n < 6; n++) {
            fake_serve(d);
            assert_in_range(guest_ack(0), 40, 45);
            guest_eoi(0, 40 + n);
        }
        if (i + 1 < ARRAY_SIZE(on))
            fake_vgic_teardown();
    }
}

static void test_unknown(void **state)
{
    (void)state;
    start(GIC_V3, 1, 4);
    vgic_set_line(d, 32 + 96, true);
    vgic_set_line(d, 5, true);
    vgic_set_line(d, ~0u, true);
    vgic_pulse(d, 31);
    vgic_set_ppi(v0, 32, true);
    vgic_set_ppi(v0, 15, true);
    vgic_inject_hw(d, 40);
    vgic_inject_hw(d, 4000);
    assert_int_equal(d->vgic.dropped, 8);
    assert_int_equal(vgic_link(d, NULL, 5, 40), ERR_RANGE);
    assert_int_equal(vgic_link(d, v0, 5, 40), ERR_RANGE);
    assert_int_equal(vgic_link(d, NULL, 128, 40), ERR_RANGE);
    assert_int_equal(vgic_link(d, NULL, 40, 1020), ERR_RANGE);
    vgic_write_dir(v0, 4000);
    vgic_unlink(d, NULL, 4000);
    assert_false(vgic_is_pending(d, v0, 4000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_edge, teardown),
        cmocka_unit_test_teardown(test_level, teardown),
        cmocka_unit_test_teardown(test_timer, teardown),
        cmocka_unit_test_teardown(test_timer_moves, teardown),
        cmocka_unit_test_teardown(test_hw_cleared, teardown),
        cmocka_unit_test_teardown(test_hw_level_disabled, teardown),
        cmocka_unit_test_teardown(test_more_than_fit, teardown),
        cmocka_unit_test_teardown(test_nesting, teardown),
        cmocka_unit_test_teardown(test_one_group_on, teardown),
        cmocka_unit_test_teardown(test_unknown, teardown),
    };

    return cmocka_run_group_tests_name("vgic", tests, NULL, NULL);
}

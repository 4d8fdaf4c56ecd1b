/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupts between vCPUs: state fetched from another CPU, moved, SGIs, and what ends a sleep. */
#include "vgic_rig.h"

static void test_remote_fold(void **state)
{
    (void)state;
    start(GIC_V3, 2, 4);
    fake_load(1, v1);
    spi_on(60, 0x80, true);
    mmio_set(v0, FAKE_GICD + GICD_IROUTER + 60 * 8, 8, 1);
    vgic_pulse(d, 60);
    fake_serve(d);
    /* Live in vCPU 1's list register; vCPU 0 asks, twice over. */
    assert_int_equal(spi_bit(GICD_ISPENDR, 60), 1);
    assert_int_equal(guest_ack(1), 60);
    assert_int_equal(spi_bit(GICD_ISPENDR, 60), 0);
    assert_int_equal(spi_bit(GICD_ISACTIVER, 60), 1);
    mmio_set(v0, FAKE_GICD + GICD_ICACTIVER + 4, 4, BIT(28));
    assert_int_equal(spi_bit(GICD_ISACTIVER, 60), 0);
    fake_vif[1].apr = 0;
    vgic_pulse(d, 60);
    fake_serve(d);
    mmio_set(v0, FAKE_GICD + GICD_ICPENDR + 4, 4, BIT(28));
    assert_int_equal(guest_ack(1), 1023);
    vgic_pulse(d, 60);
    fake_serve(d);
    mmio_set(v0, FAKE_GICD + GICD_ICENABLER + 4, 4, BIT(28));
    assert_int_equal(guest_ack(1), 1023);
    mmio_set(v0, FAKE_GICD + GICD_ISENABLER + 4, 4, BIT(28));
    fake_serve(d);
    assert_int_equal(guest_ack(1), 60);
    mmio_set(v0, FAKE_GICD + GICD_CTLR, 4, 0);
    guest_eoi(1, 60);
    vgic_pulse(d, 60);
    fake_serve(d);
    assert_int_equal(guest_ack(1), 1023);
    mmio_set(v0, FAKE_GICD + GICD_CTLR, 4, 3);
    fake_serve(d);
    assert_int_equal(guest_ack(1), 60);
}

/* The asked CPU gives the vCPU up instead of folding: the asker still gets through. */
static void test_fold_lost(void **state)
{
    struct mmio_access a = { .ipa = IPA(FAKE_GICD + GICD_ISPENDR + 4), .size = 4 };
    const struct mmio_region *r;

    (void)state;
    start(GIC_V3, 2, 4);
    fake_load(1, v1);
    spi_on(60, 0x80, true);
    mmio_set(v0, FAKE_GICD + GICD_IROUTER + 60 * 8, 8, 1);
    vgic_pulse(d, 60);
    fake_serve(d);
    fake_set_cpu(0);
    r = mmio_find(&d->mmio, a.ipa);
    a.offset = a.ipa.v - r->base;
    assert_int_equal(r->ops->access(v0, NULL, &a), MMIO_RETRY);
    assert_int_equal(r->ops->access(v0, NULL, &a), MMIO_RETRY);
    fake_save(v1);
    fake_set_cpu(0);
    assert_int_equal(r->ops->access(v0, NULL, &a), MMIO_OK);
    assert_int_equal(a.value, BIT(28));
    /* An answer that got old is not used. */
    fake_load(1, v1);
    fake_serve(d);
    fake_set_cpu(0);
    assert_int_equal(r->ops->access(v0, NULL, &a), MMIO_RETRY);
    fake_serve(d);
    fake_time += 1000000;
    assert_int_equal(guest_ack(1), 60);
    fake_set_cpu(0);
    assert_int_equal(r->ops->access(v0, NULL, &a), MMIO_RETRY);
    fake_serve(d);
    assert_int_equal(r->ops->access(v0, NULL, &a), MMIO_OK);
    assert_int_equal(a.value, 0);
}

static void test_retarget(void **state)
{
    (void)state;
    start(GIC_V3, 2, 4);
    fake_load(1, v1);
    spi_on(61, 0x80, true);
    vgic_pulse(d, 61);
    fake_serve(d);
    mmio_set(v1, FAKE_GICD + GICD_IROUTER + 61 * 8, 8, 1); /* pending in a list register of 0 */
    fake_serve(d);
    assert_int_equal(guest_ack(0), 1023);
    assert_int_equal(guest_ack(1), 61);
    mmio_set(v1, FAKE_GICD + GICD_IROUTER + 61 * 8, 8, 0); /* active: stays until it ends */
    fake_serve(d);
    vgic_pulse(d, 61);
    fake_serve(d);
    guest_eoi(1, 61);
    fake_serve(d);
    /* What was pending behind it goes with the next look. */
    fake_load(2, v1);
    fake_serve(d);
    assert_int_equal(guest_ack(2), 1023);
    assert_int_equal(guest_ack(0), 61);
    guest_eoi(0, 61);
    /* To nowhere, then somewhere again. */
    mmio_set(v0, FAKE_GICD + GICD_IROUTER + 61 * 8, 8, 0x77);
    vgic_pulse(d, 61);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 1023);
    fake_save(v1);
    mmio_set(v0, FAKE_GICD + GICD_IROUTER + 61 * 8, 8, 1);
    fake_load(3, v1);
    assert_int_equal(guest_ack(3), 61);
}

/* Ended on vCPU 1, whose list register is idle but not reclaimed; next time for vCPU 0. */
static void test_retarget_idle(void **state)
{
    (void)state;
    for (u32 serve = 0; serve < 2; serve++) {
        start(GIC_V3, 2, 4);
        fake_load(1, v1);
        spi_on(50, 0x80, true);
        mmio_set(v0, FAKE_GICD + GICD_IROUTER + 50 * 8, 8, 1);
        mmio_set(v0, FAKE_GICD + GICD_ISPENDR + 4, 4, BIT(18));
        fake_serve(d);
        assert_int_equal(guest_ack(1), 50);
        guest_eoi(1, 50);
        mmio_set(v0, FAKE_GICD + GICD_IROUTER + 50 * 8, 8, 0);
        if (serve)
            fake_serve(d);
        mmio_set(v0, FAKE_GICD + GICD_ISPENDR + 4, 4, BIT(18));
        fake_serve(d);
        assert_int_equal(guest_ack(0), 50);
        if (!serve)
            fake_vgic_teardown();
    }
}

static void test_sgi_v3(void **state)
{
    (void)state;
    start(GIC_V3, 3, 4);
    fake_load(1, v1);
    fake_load(2, d->vcpus[2]);
    fake_set_cpu(0);
    vgic_write_sgi(v0, 5ull << 24 | 0x6, true);
    assert_int_equal(guest_ack(0), 1023);
    fake_serve(d);
    assert_int_equal(guest_ack(1), 5);
    assert_int_equal(guest_ack(2), 5);
    guest_eoi(1, 5);
    guest_eoi(2, 5);
    fake_set_cpu(1);
    vgic_write_sgi(v1, 6ull << 24 | BIT(40), true);
    fake_serve(d);
    assert_int_equal(guest_ack(1), 1023);
    assert_int_equal(guest_ack(0), 6);
    guest_eoi(0, 6);
    fake_set_cpu(0);
    vgic_write_sgi(v0, 7ull << 24 | 1, true); /* to itself: no request, no wake */
    assert_int_equal(guest_ack(0), 7);
    guest_eoi(0, 7);
    vgic_write_sgi(v0, 7ull << 24 | 1, false);             /* a group 0 SGI, but it is in group 1 */
    vgic_write_sgi(v0, 7ull << 24 | 1 | 1ull << 16, true); /* no such affinity */
    vgic_write_sgi(v0, 7ull << 24 | 1 | 1ull << 44, true); /* range selector */
    assert_int_equal(guest_ack(0), 1023);
    assert_int_equal(d->vgic.dropped, 1);
}

static void test_sgi_v2(void **state)
{
    (void)state;
    start(GIC_V2, 3, 4);
    fake_load(1, v1);
    fake_load(2, d->vcpus[2]);
    mmio_set(v1, FAKE_GICD + GICD_SGIR, 4, 1u << 16 | 9);
    mmio_set(d->vcpus[2], FAKE_GICD + GICD_SGIR, 4, 1u << 16 | 9);
    mmio_set(v1, FAKE_GICD + GICD_SGIR, 4, 1u << 16 | 9); /* the same source again: one */
    fake_serve(d);
    assert_int_equal(mmio_get(v0, FAKE_GICD + GICD_SPENDSGIR + 9, 1), 6);
    assert_int_equal(guest_ack(0), 9 | 1 << 10);
    assert_int_equal(mmio_get(v0, FAKE_GICD + GICD_CPENDSGIR + 8, 4), 4u << 8);
    guest_eoi(0, 9 | 1 << 10);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 9 | 2 << 10);
    guest_eoi(0, 9 | 2 << 10);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 1023);
    mmio_set(v0, FAKE_GICD + GICD_SGIR, 4, 1u << 24 | 3); /* others */
    mmio_set(v0, FAKE_GICD + GICD_SGIR, 4, 2u << 24 | 4); /* self */
    fake_serve(d);
    assert_int_equal(guest_ack(0), 4);
    assert_int_equal(guest_ack(1), 3);
    assert_int_equal(guest_ack(2), 3);
    mmio_set(v0, FAKE_GICD + GICD_SPENDSGIR + 5, 1, 0x86);
    mmio_set(v0, FAKE_GICD + GICD_CPENDSGIR + 5, 1, 0x2);
    assert_int_equal(mmio_get(v0, FAKE_GICD + GICD_CPENDSGIR + 4, 4), 4u << 8);
    fake_load(3, v0);
    fake_serve(d);
    guest_eoi(3, 4);
    assert_int_equal(guest_ack(3), 5 | 2 << 10);
}

static void test_wfi(void **state)
{
    (void)state;
    start(GIC_V3, 1, 4);
    spi_on(40, 0x80, true);
    vgic_pulse(d, 40);
    fake_serve(d);
    assert_true(vgic_pending(v0));
    fake_vif[0].vmcr = ICH_VMCR_VENG1 | FIELD_PREP(ICH_VMCR_VPMR, 0x80);
    assert_false(vgic_pending(v0));
    fake_vif[0].vmcr = ICH_VMCR_VENG1 | FIELD_PREP(ICH_VMCR_VPMR, 0x88);
    assert_true(vgic_pending(v0));
    fake_vif[0].vmcr = ICH_VMCR_VENG0 | ICH_VMCR_VPMR;
    assert_false(vgic_pending(v0));
    fake_vif[0].vmcr = ICH_VMCR_VENG1 | ICH_VMCR_VPMR;
    fake_save(v0);
    assert_true(vgic_pending(v0));
    v0->unit.state = UNIT_BLOCKED;
    fake_load(0, v0);
    mmio_set(v0, FAKE_GICD + GICD_ICENABLER + 4, 4, BIT(8));
    assert_false(vgic_pending(v0));
    fake_wakes = 0;
    mmio_set(v0, FAKE_GICD + GICD_ISENABLER + 4, 4, BIT(8)); /* straight into a list register */
    assert_int_equal(fake_wakes, 1);
}

/* What the struct says is old: the guest ended it since, and another CPU made it pending. */
static void test_wfi_after_end(void **state)
{
    (void)state;
    start(GIC_V3, 1, 4);
    spi_on(40, 0x80, true);
    vgic_pulse(d, 40);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 40);
    vgic_pulse(d, 40); /* seen as active here */
    guest_eoi(0, 40);
    assert_int_equal(guest_ack(0), 40);
    guest_eoi(0, 40);
    assert_false(vgic_pending(v0));
    fake_set_cpu(1);
    vgic_pulse(d, 40);
    fake_set_cpu(0);
    assert_true(vgic_pending(v0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_remote_fold, teardown),
        cmocka_unit_test_teardown(test_fold_lost, teardown),
        cmocka_unit_test_teardown(test_retarget, teardown),
        cmocka_unit_test_teardown(test_retarget_idle, teardown),
        cmocka_unit_test_teardown(test_sgi_v3, teardown),
        cmocka_unit_test_teardown(test_sgi_v2, teardown),
        cmocka_unit_test_teardown(test_wfi, teardown),
        cmocka_unit_test_teardown(test_wfi_after_end, teardown),
    };

    return cmocka_run_group_tests_name("vgic_vcpus", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assigned SPIs: who has them, where they go, and single lives of one.
 */
#include "vgic_spi_rig.h"

/* --- assignment --- */

static void assignment(void **state)
{
    static struct domain other = { .id = 2 };

    start(GIC_V3, 4);
    assert_int_equal(vgic_assign_spi(d, 40, true), CORBEL_OK);
    assert_ptr_equal(fake_owner[40], d);
    assert_false(fake_spi[40].enabled);
    assert_int_equal(vgic_assign_spi(d, 40, true), ERR_BUSY);
    assert_int_equal(vgic_assign_spi(d, 27, true), ERR_RANGE);
    assert_int_equal(vgic_assign_spi(d, 32 + SPIS, true), ERR_RANGE); /* not in the guest's GIC */
    assert_int_equal(vgic_assign_spi(d, ~0u, true), ERR_RANGE);
    fake_owner[41] = &other;
    assert_int_equal(vgic_assign_spi(d, 41, true), ERR_BUSY);
    assert_ptr_equal(fake_owner[41], &other);
    assert_false(spi(41)->hw);
    /* Linked without an owner: nobody does that, but nothing may stay behind. */
    assert_int_equal(vgic_link(d, NULL, 42, 42), CORBEL_OK);
    assert_int_equal(vgic_assign_spi(d, 42, true), ERR_BUSY);
    assert_null(fake_owner[42]);
    assert_int_equal(vgic_link(d, NULL, 43, 44), ERR_RANGE); /* numbers are the same */
}

static void host_has_fewer(void **state)
{
    d = fake_vgic_setup(GIC_V3, 1, 988, 4);
    assert_int_equal(vgic_assign_spi(d, FAKE_LINES, true), ERR_RANGE);
    assert_false(spi(FAKE_LINES)->hw);
    assert_int_equal(vgic_assign_spi(d, FAKE_LINES - 1, true), CORBEL_OK);
}

static void unlinked(void **state)
{
    start(GIC_V3, 4);
    assert_false(vgic_inject_hw(d, 50));
    assert_false(vgic_inject_hw(d, 4000));
    assert_int_equal(d->vgic.dropped, 2);
}

static void released(void **state)
{
    start(GIC_V3, 4);
    for (u32 n = 40; n < 46; n++) {
        assert_int_equal(vgic_assign_spi(d, n, n % 2), CORBEL_OK);
        write_bit(v0, GICD_ISENABLER, n);
        mmio_set(v0, FAKE_GICD + GICD_IPRIORITYR + n, 1, 0x40);
    }
    fake_spi[41].line = true; /* will be acknowledged by the guest */
    fake_phys_deliver(d);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 41);
    fake_spi[40].pending = true; /* pending in a list register */
    fake_phys_deliver(d);
    fake_serve(d);
    fake_spi[40].pending = true; /* and once more at the host */
    target(v0, 42, 2);           /* waits for a vCPU that never ran */
    fake_spi[42].pending = true;
    target(v0, 43, 99); /* waits for nobody */
    fake_spi[43].line = true;
    fake_phys_deliver(d);
    write_bit(v0, GICD_ICENABLER, 44);
    fake_save(v0);
    for (u32 n = 40; n < 44; n++)
        assert_true(fake_spi[n].active);
    vgic_release_spis(d);
    for (u32 n = 40; n < 46; n++) {
        assert_null(fake_owner[n]);
        assert_false(fake_spi[n].enabled || fake_spi[n].active || fake_spi[n].pending);
        assert_false(spi(n)->hw || spi(n)->phys);
    }
    for (u32 i = 0; i < VCPUS; i++)
        for (u32 w = 0; w < VGIC_SPI_WORDS; w++)
            assert_int_equal(d->vcpus[i]->vgic.hw_spis[w], 0);
    fake_phys_deliver(d); /* a line that is still high bothers nobody */
    assert_false(fake_spi[41].active);
    vgic_release_spis(d);
}

/* Between two lives of a domain: the links stay, and nothing fires before the guest says so. */
static void masked(void **state)
{
    start(GIC_V3, 4);
    for (u32 n = 40; n < 44; n++) {
        assert_int_equal(vgic_assign_spi(d, n, n % 2), CORBEL_OK);
        write_bit(v0, GICD_ISENABLER, n);
    }
    fake_spi[41].line = true;
    fake_spi[42].pending = true;
    fake_phys_deliver(d);
    fake_serve(d);
    for (u32 i = 0; i < VCPUS; i++)
        fake_save(d->vcpus[i]);
    vgic_mask_spis(d);
    fake_spi[40].pending = true; /* an edge after that is nobody's */
    fake_phys_deliver(d);
    vgic_reset(d);
    for (u32 n = 40; n < 44; n++) {
        assert_ptr_equal(fake_owner[n], d);
        assert_true(spi(n)->hw);
        assert_false(spi(n)->phys || spi(n)->enabled || spi(n)->latch);
        assert_false(fake_spi[n].enabled || fake_spi[n].active || fake_spi[n].pending);
    }
    fake_phys_deliver(d);
    assert_false(spi(41)->phys);
    write_bit(v0, GICD_ISENABLER, 41);
    assert_true(fake_spi[41].enabled);
    fake_phys_deliver(d); /* the level is still there */
    assert_true(spi(41)->latch);
}

/* --- routing --- */

static void follows(void **state)
{
    u32 before;

    start(GIC_V3, 4);
    assert_int_equal(vgic_assign_spi(d, 40, true), CORBEL_OK);
    assert_int_equal(vgic_assign_spi(d, 70, false), CORBEL_OK);
    assert_int_equal(fake_spi[40].routed, 0);
    fake_load(2, v0);
    assert_int_equal(fake_spi[40].routed, 2);
    assert_int_equal(fake_spi[70].routed, 2);
    /* Away and back to the same CPU: nothing to do. */
    before = fake_spi[40].routes;
    fake_load(2, v1);
    fake_load(2, v0);
    assert_int_equal(fake_spi[40].routes, before);
    /* v1's now, which moves; v0's do not care. */
    target(v0, 40, 1);
    assert_int_equal(fake_spi[40].routed, 2);
    fake_load(3, v1);
    assert_int_equal(fake_spi[40].routed, 3);
    assert_int_equal(fake_spi[70].routed, 2);
    before = fake_spi[40].routes;
    fake_load(1, v0);
    assert_int_equal(fake_spi[70].routed, 1);
    assert_int_equal(fake_spi[40].routes, before);
    /* To a vCPU that never ran: where it fires is of no interest before. */
    target(v0, 40, 2);
    assert_int_equal(fake_spi[40].routed, 3);
    fake_load(0, d->vcpus[2]);
    assert_int_equal(fake_spi[40].routed, 0);
    target(v0, 40, 99);
    fake_load(3, d->vcpus[2]);
    assert_int_equal(fake_spi[40].routed, 0);
    target(v0, 40, 1);
    assert_int_equal(fake_spi[40].routed, 3); /* where v1 was last */
}

static void trigger(void **state)
{
    start(GIC_V3, 4);
    assert_int_equal(vgic_assign_spi(d, 40, false), CORBEL_OK);
    assert_int_equal(vgic_assign_spi(d, 41, true), CORBEL_OK);
    assert_int_equal(mmio_get(v0, FAKE_GICD + GICD_ICFGR + 8, 4), 2u << 16);
    write_bit(v0, GICD_ISENABLER, 41);
    mmio_set(v0, FAKE_GICD + GICD_ICFGR + 8, 4, 2u << 18);
    assert_true(fake_spi[40].level && !fake_spi[40].enabled);
    assert_true(!fake_spi[41].level && fake_spi[41].enabled);
    fake_save(v0);
    vgic_reset(d);
    assert_true(!fake_spi[40].level && !fake_spi[40].enabled);
    assert_true(fake_spi[41].level && !fake_spi[41].enabled);
    fake_load(1, v0);
    assert_int_equal(mmio_get(v0, FAKE_GICD + GICD_ICFGR + 8, 4), 2u << 16);
    assert_int_equal(fake_spi[41].routed, 1); /* still linked */
}

/* --- single lives --- */

/* A line that is high costs one acknowledge until the guest acts, whatever it does meanwhile. */
static void no_storm(void **state)
{
    start(GIC_V3, 4);
    assert_int_equal(vgic_assign_spi(d, 41, true), CORBEL_OK);
    mmio_set(v0, FAKE_GICD + GICD_IPRIORITYR + 41, 1, 0x40);
    fake_spi[41].line = true;
    fake_phys_deliver(d);
    assert_int_equal(fake_spi[41].fired, 0); /* disabled */
    write_bit(v0, GICD_ISENABLER, 41);
    for (u32 i = 0; i < 5; i++) {
        fake_phys_deliver(d);
        fake_serve(d);
    }
    assert_int_equal(fake_spi[41].fired, 1);
    write_bit(v0, GICD_ICENABLER, 41); /* held back: active at the host, still pending */
    fake_phys_deliver(d);
    assert_int_equal(guest_ack(0), 1023);
    assert_true(fake_spi[41].active);
    fake_save(v0); /* vCPU off, blocked on another CPU ... */
    fake_phys_deliver(d);
    fake_load(3, v0);
    write_bit(v0, GICD_ISENABLER, 41);
    fake_phys_deliver(d);
    fake_serve(d);
    assert_int_equal(fake_spi[41].fired, 1);
    assert_int_equal(guest_ack(3), 41);
    fake_phys_deliver(d);
    assert_int_equal(fake_spi[41].fired, 1);
    guest_eoi(3, 41); /* and the device is not served: once more */
    for (u32 i = 0; i < 5; i++) {
        fake_phys_deliver(d);
        fake_serve(d);
    }
    assert_int_equal(fake_spi[41].fired, 2);
    assert_int_equal(guest_ack(3), 41);
    fake_spi[41].line = false;
    guest_eoi(3, 41);
    fake_serve(d);
    assert_false(fake_spi[41].active);
    assert_int_equal(guest_ack(3), 1023);
}

static void second_edge(bool end_unseen)
{
    start(GIC_V2, 4);
    fake_gic_ops.end_unseen = end_unseen;
    assert_int_equal(vgic_assign_spi(d, 40, false), CORBEL_OK);
    mmio_set(v0, FAKE_GICD + GICD_IPRIORITYR + 40, 1, 0x40);
    write_bit(v0, GICD_ISENABLER, 40);
    for (u32 i = 0; i < 4; i++) {
        fake_spi[40].pending = true;
        fake_phys_deliver(d);
        fake_serve(d);
        assert_int_equal(guest_ack(0), 40);
        fake_spi[40].pending = true; /* while the first is handled: waits at the host */
        fake_phys_deliver(d);
        fake_serve(d);
        assert_true(read_bit(v0, GICD_ISPENDR, 40));
        assert_int_equal(guest_ack(0), 1023);
        guest_eoi(0, 40);
        fake_serve(d);
        assert_false(fake_spi[40].active);
        fake_phys_deliver(d);
        fake_serve(d);
        assert_int_equal(guest_ack(0), 40);
        guest_eoi(0, 40);
        fake_serve(d);
        assert_false(fake_spi[40].active);
    }
    fake_vgic_teardown();
    d = NULL;
}

static void edges(void **state)
{
    second_edge(false);
    second_edge(true);
}

/* The vCPU sleeps or is away: it is woken, and finds the interrupt wherever it comes back. */
static void wakes(void **state)
{
    start(GIC_V3, 4);
    assert_int_equal(vgic_assign_spi(d, 41, true), CORBEL_OK);
    mmio_set(v0, FAKE_GICD + GICD_IPRIORITYR + 41, 1, 0x40);
    write_bit(v0, GICD_ISENABLER, 41);
    v0->unit.state = UNIT_BLOCKED;
    fake_wakes = 0;
    fake_spi[41].line = true;
    fake_phys_deliver(d); /* resident here, idle */
    assert_int_equal(fake_wakes, 1);
    assert_true(vgic_pending(v0));
    assert_int_equal(guest_ack(0), 41);
    fake_spi[41].line = false;
    guest_eoi(0, 41);
    fake_save(v0);
    fake_spi[41].line = true;
    fake_load(0, v1);
    fake_phys_deliver(d); /* another vCPU runs where it fires */
    assert_int_equal(fake_wakes, 2);
    fake_load(2, v0);
    assert_int_equal(guest_ack(2), 41);
    fake_spi[41].line = false;
    guest_eoi(2, 41);
    assert_false(fake_spi[41].active);
}

/* Its target has gone off with it in a list register; another one takes it over. */
static void off_and_away(bool acked)
{
    start(GIC_V3, 4);
    fake_load(1, v1);
    assert_int_equal(vgic_assign_spi(d, 41, true), CORBEL_OK);
    mmio_set(v0, FAKE_GICD + GICD_IPRIORITYR + 41, 1, 0x40);
    target(v0, 41, 1);
    write_bit(v0, GICD_ISENABLER, 41);
    fake_spi[41].line = true;
    fake_phys_deliver(d);
    if (acked) { /* ended here after the change, and once more from the device */
        fake_serve(d);
        assert_int_equal(guest_ack(1), 41);
        target(v0, 41, 0);
        guest_eoi(1, 41);
    }
    v1->power = VCPU_OFF;
    if (!acked)
        target(v0, 41, 0);
    assert_int_equal(fake_spi[41].routed, 0);
    fake_phys_deliver(d);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 41);
    fake_spi[41].line = false;
    guest_eoi(0, 41);
    fake_serve(d);
    assert_false(fake_spi[41].active);
    fake_vgic_teardown();
    d = NULL;
}

static void target_off(void **state)
{
    off_and_away(false);
    off_and_away(true);
}

/* What the guest wrote to ISPENDR and what the source left behind are two things. */
static void set_by_software(bool end_unseen)
{
    start(GIC_V3, 4);
    fake_gic_ops.end_unseen = end_unseen;
    assert_int_equal(vgic_assign_spi(d, 41, true), CORBEL_OK);
    mmio_set(v0, FAKE_GICD + GICD_IPRIORITYR + 41, 1, 0x40);
    write_bit(v0, GICD_ISENABLER, 41);
    fake_spi[41].line = true;
    fake_phys_deliver(d);
    fake_serve(d);
    assert_true(read_bit(v0, GICD_ISPENDR, 41));
    fake_spi[41].line = false;
    assert_false(read_bit(v0, GICD_ISPENDR, 41));
    write_bit(v0, GICD_ISPENDR, 41);
    assert_true(read_bit(v0, GICD_ISPENDR, 41));
    assert_int_equal(guest_ack(0), 41);
    assert_false(read_bit(v0, GICD_ISPENDR, 41));
    write_bit(v0, GICD_ISPENDR, 41); /* while active: once more */
    guest_eoi(0, 41);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 41);
    guest_eoi(0, 41);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 1023);
    assert_false(fake_spi[41].active);
    /* Set while disabled: an enable does not forget it as it forgets a line that went. */
    write_bit(v0, GICD_ICENABLER, 41);
    write_bit(v0, GICD_ISPENDR, 41);
    write_bit(v0, GICD_ISENABLER, 41);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 41);
    guest_eoi(0, 41);
    fake_serve(d);
    write_bit(v0, GICD_ISPENDR, 41);
    write_bit(v0, GICD_ICPENDR, 41);
    assert_false(read_bit(v0, GICD_ISPENDR, 41));
    fake_serve(d);
    assert_int_equal(guest_ack(0), 1023);
    fake_vgic_teardown();
    d = NULL;
}

static void software(void **state)
{
    set_by_software(false);
    set_by_software(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(assignment, teardown),
        cmocka_unit_test_teardown(host_has_fewer, teardown),
        cmocka_unit_test_teardown(unlinked, teardown),
        cmocka_unit_test_teardown(released, teardown),
        cmocka_unit_test_teardown(masked, teardown),
        cmocka_unit_test_teardown(follows, teardown),
        cmocka_unit_test_teardown(trigger, teardown),
        cmocka_unit_test_teardown(no_storm, teardown),
        cmocka_unit_test_teardown(edges, teardown),
        cmocka_unit_test_teardown(wakes, teardown),
        cmocka_unit_test_teardown(target_off, teardown),
        cmocka_unit_test_teardown(software, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* SGIs to a vCPU that is loaded on another CPU: posted there, and nowhere less pending for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"
#include "fake_vgic.h"

#include <corbel/platform.h>
#include <corbel/vcpu.h>
#include <corbel/vgic.h>
#include <hw/gicd.h>
#include <hw/gicr.h>

#define GICR_1 (FAKE_GICR + 0x20000u + GICR_SGI) /* SGIs and PPIs of vCPU 1 */

static struct domain *d;
static struct vcpu *v0, *v1;

/* vCPU 0 on CPU 0, vCPU 1 on CPU 1, with list registers; this is CPU 0. */
static void start(u32 lrs)
{
    d = fake_vgic_setup(GIC_V3, 3, 8, lrs);
    v0 = d->vcpus[0];
    v1 = d->vcpus[1];
    fake_load(0, v0);
    mmio_set(v0, FAKE_GICD + GICD_CTLR, 4, 3);
    fake_load(1, v1);
    fake_serve(d);
    fake_set_cpu(0);
}

static int teardown(void **state)
{
    (void)state;
    fake_vgic_teardown();
    return 0;
}

static void send(u32 intid)
{
    fake_set_cpu(0);
    vgic_write_sgi(v0, (u64)intid << 24 | BIT(1), true);
}

static void is_read_back(void **state)
{
    (void)state;
    start(4);
    send(5);
    assert_int_equal(v1->vgic.posted, BIT(5));
    assert_true(v1->req & REQ_IRQ);
    assert_int_equal(mmio_get(v0, GICR_1 + GICD_ISPENDR, 4), BIT(5));
    assert_true(vgic_is_pending(d, v1, 5));
    assert_false(vgic_is_pending(d, v1, 6));
    assert_false(vgic_is_pending(d, v0, 5));
    fake_serve(d);
    assert_int_equal(v1->vgic.posted, 0);
    assert_int_equal(mmio_get(v0, GICR_1 + GICD_ISPENDR, 4), BIT(5));
    assert_int_equal(guest_ack(1), 5);
    assert_int_equal(mmio_get(v0, GICR_1 + GICD_ISPENDR, 4), 0);
    guest_eoi(1, 5);
    fake_serve(d);
    fake_vgic_check();
}

static void is_cleared(void **state)
{
    (void)state;
    start(4);
    send(5);
    send(6);
    mmio_set(v0, GICR_1 + GICD_ICPENDR, 4, BIT(5));
    assert_int_equal(mmio_get(v0, GICR_1 + GICD_ISPENDR, 4), BIT(6));
    fake_serve(d);
    assert_int_equal(guest_ack(1), 6);
    assert_int_equal(guest_ack(1), 1023);
}

/* More at once than list registers, beside another interrupt. */
static void come_all(void **state)
{
    u32 seen = 0;

    (void)state;
    start(2);
    mmio_set(v1, GICR_1 + GICD_ISENABLER, 4, BIT(20));
    mmio_set(v1, GICR_1 + GICD_ISPENDR, 4, BIT(20));
    for (u32 n = 1; n < 7; n++)
        send(n);
    for (u32 n = 0; n < 7; n++) {
        u32 iar;

        fake_serve(d);
        iar = guest_ack(1);
        assert_true(iar < 32);
        seen |= (u32)BIT(iar);
        guest_eoi(1, iar);
    }
    fake_serve(d);
    assert_int_equal(seen, 0x7e | BIT(20));
    assert_int_equal(guest_ack(1), 1023);
    fake_vgic_check();
}

static void moves_along(void **state)
{
    (void)state;
    start(4);
    send(5);
    fake_save(v1);
    assert_int_equal(mmio_get(v0, GICR_1 + GICD_ISPENDR, 4), BIT(5));
    assert_true(vgic_pending(v1));
    fake_load(2, v1);
    assert_int_equal(guest_ack(2), 5);
    guest_eoi(2, 5);

    /* The sender saw it loaded, and posts when it is not any more. */
    fake_save(v1);
    v1->vgic.posted = BIT(6);
    assert_int_equal(mmio_get(v0, GICR_1 + GICD_ISPENDR, 4), BIT(6));
    fake_load(3, v1);
    assert_int_equal(v1->vgic.posted, 0);
    assert_int_equal(guest_ack(3), 6);
}

/* A vCPU that is about to sleep sees it. */
static void keeps_awake(void **state)
{
    (void)state;
    start(4);
    send(5);
    fake_set_cpu(1);
    assert_true(vgic_pending(v1));
}

static void waits_for_enable(void **state)
{
    u32 wakes;

    (void)state;
    start(4);
    mmio_set(v1, GICR_1 + GICD_ICENABLER, 4, BIT(5));
    fake_serve(d);
    wakes = fake_wakes;
    send(5);
    assert_int_equal(fake_wakes, wakes); /* nothing to wake up for */
    fake_serve(d);
    assert_int_equal(guest_ack(1), 1023);
    mmio_set(v0, GICR_1 + GICD_ISENABLER, 4, BIT(5));
    fake_serve(d);
    assert_int_equal(guest_ack(1), 5);

    /* Turned off after it was sent and before it was looked at. */
    guest_eoi(1, 5);
    send(6);
    mmio_set(v0, GICR_1 + GICD_ICENABLER, 4, BIT(6));
    fake_serve(d);
    assert_int_equal(guest_ack(1), 1023);
    assert_int_equal(mmio_get(v0, GICR_1 + GICD_ISPENDR, 4), BIT(6));
}

static void comes_again_after_its_end(void **state)
{
    (void)state;
    start(4);
    send(5);
    fake_serve(d);
    assert_int_equal(guest_ack(1), 5);
    send(5);
    send(5);
    fake_serve(d);
    assert_int_equal(guest_ack(1), 1023); /* active */
    guest_eoi(1, 5);
    fake_serve(d);
    assert_int_equal(guest_ack(1), 5);
    guest_eoi(1, 5);
    fake_serve(d);
    assert_int_equal(guest_ack(1), 1023);
}

static void group_is_the_one_sent(void **state)
{
    (void)state;
    start(4);
    vgic_write_sgi(v0, 5ull << 24 | BIT(1), false); /* SGI0R, and it is in group 1 */
    assert_int_equal(v1->vgic.posted, 0);
    mmio_set(v0, GICR_1 + GICD_IGROUPR, 4, ~BIT(5));
    vgic_write_sgi(v0, 5ull << 24 | BIT(1), false);
    fake_serve(d);
    assert_true(vgic_is_pending(d, v1, 5));
}

static void is_gone_after_reset(void **state)
{
    (void)state;
    start(4);
    fake_save(v1);
    v1->vgic.posted = BIT(5);
    fake_save(v0);
    vgic_reset(d);
    assert_false(vgic_is_pending(d, v1, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(is_read_back, teardown),
        cmocka_unit_test_teardown(is_cleared, teardown),
        cmocka_unit_test_teardown(come_all, teardown),
        cmocka_unit_test_teardown(moves_along, teardown),
        cmocka_unit_test_teardown(keeps_awake, teardown),
        cmocka_unit_test_teardown(waits_for_enable, teardown),
        cmocka_unit_test_teardown(comes_again_after_its_end, teardown),
        cmocka_unit_test_teardown(group_is_the_one_sent, teardown),
        cmocka_unit_test_teardown(is_gone_after_reset, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

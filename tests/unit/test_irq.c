/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership of host interrupts on a fake GIC that records calls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"

#include <corbel/cpu.h>
#include <corbel/domain.h>
#include <corbel/drivers.h>
#include <corbel/irq.h>

static bool enabled[IRQ_COUNT], pending[IRQ_COUNT], active[IRQ_COUNT], level[IRQ_COUNT];
static u64 routed[IRQ_COUNT];
static u64 sgi_mpidr;
static u32 sgi_count, ppi_enables;

static enum corbel_err fake_init(const struct platform *p)
{
    return p->gic.gicr_count == 99 ? ERR_NOMEM : CORBEL_OK;
}
static enum corbel_err fake_cpu_init(void)
{
    return CORBEL_OK;
}
static void fake_enable(u32 intid)
{
    enabled[intid] = true;
    ppi_enables += intid < 32;
}
static void fake_disable(u32 intid)
{
    enabled[intid] = false;
}
static void fake_configure(u32 intid, bool is_level)
{
    assert_false(enabled[intid]);
    level[intid] = is_level;
}
static void fake_set_priority(u32 intid, u8 priority)
{
    assert_int_equal(priority, 0xa0);
}
static void fake_route(u32 intid, u64 mpidr, u32 cpu)
{
    routed[intid] = mpidr;
}
static void fake_set_active(u32 intid, bool on)
{
    active[intid] = on;
}
static void fake_set_pending(u32 intid, bool on)
{
    pending[intid] = on;
}
static void fake_send_sgi(u32 cpu, u64 mpidr, u32 sgi)
{
    sgi_mpidr = mpidr;
    sgi_count++;
}
static u32 fake_line_count(void)
{
    return 96;
}

/* Six list registers, two words of active priorities per group, all left full. */
static u64 list_register[6];
static u32 active_priorities[2][2];

static u32 fake_lr_count(void)
{
    return ARRAY_SIZE(list_register);
}
static void fake_lr_write(u32 n, u64 lr)
{
    assert_in_range(n, 0, ARRAY_SIZE(list_register) - 1);
    list_register[n] = lr;
}
static u32 fake_apr_count(void)
{
    return ARRAY_SIZE(active_priorities[0]);
}
static void fake_apr_write(u32 group, u32 n, u32 value)
{
    assert_in_range(n, 0, ARRAY_SIZE(active_priorities[0]) - 1);
    active_priorities[group][n] = value;
}

struct gic_ops gicv2_ops = {
    .init = fake_init,
    .cpu_init = fake_cpu_init,
    .enable = fake_enable,
    .disable = fake_disable,
    .configure = fake_configure,
    .set_priority = fake_set_priority,
    .route = fake_route,
    .set_active = fake_set_active,
    .set_pending = fake_set_pending,
    .send_sgi = fake_send_sgi,
    .line_count = fake_line_count,
    .lr_count = fake_lr_count,
    .lr_write = fake_lr_write,
    .apr_count = fake_apr_count,
    .apr_write = fake_apr_write,
};
struct gic_ops gicv3_ops;

/* drivers.c names these too. */
const struct uart_ops pl011_ops, sbsa_uart_ops;
const struct iommu_ops smmuv2_ops, smmuv3_ops;

static void before_init(void **state)
{
    struct platform p = { 0 };

    fake_reset(2);
    assert_int_equal(irq_request(40, true), ERR_RANGE);
    irq_send_sgi(cpu_get(0), SGI_KICK);
    assert_int_equal(irq_init(&p), ERR_NOTSUP); /* no interrupt controller */
    p.gic.version = 200;
    assert_int_equal(irq_init(&p), ERR_NOTSUP);
    p.gic.version = GIC_V2;
    p.gic.gicr_count = 99;
    assert_int_equal(irq_init(&p), ERR_NOMEM);
    assert_null(gic);
}

static int setup(void **state)
{
    struct platform p = { .gic.version = GIC_V2 };

    fake_reset(2);
    cpu_get(1)->mpidr = 0x100;
    assert_int_equal(irq_init(&p), CORBEL_OK);
    assert_int_equal(irq_init_cpu(), CORBEL_OK);
    assert_ptr_equal(gic, &gicv2_ops);
    return 0;
}

/* What ran at EL2 before left interrupts in the virtual interface: no guest shall get them. */
static void stale_list_registers(void **state)
{
    memset(list_register, 0xff, sizeof(list_register));
    memset(active_priorities, 0xff, sizeof(active_priorities));
    assert_int_equal(irq_init_cpu(), CORBEL_OK);
    for (u32 i = 0; i < ARRAY_SIZE(list_register); i++)
        assert_int_equal(list_register[i], 0);
    for (u32 i = 0; i < 2; i++)
        assert_int_equal(active_priorities[0][i] | active_priorities[1][i], 0);
}

static void hypervisor_takes(void **state)
{
    struct domain *d;

    fake_set_cpu(1);
    pending[33] = true;
    assert_int_equal(irq_request(33, true), CORBEL_OK);
    assert_true(enabled[33] && level[33] && !pending[33]);
    assert_int_equal(routed[33], 0x100);
    assert_int_equal(irq_owner_of(33, &d), IRQ_HYPERVISOR);
    assert_null(d);
    assert_int_equal(irq_request(33, true), ERR_BUSY);
    assert_int_equal(irq_request(26, true), CORBEL_OK); /* a PPI: once on each CPU */
    fake_set_cpu(0);
    assert_int_equal(irq_request(26, true), CORBEL_OK);
    assert_int_equal(ppi_enables, 2);
    assert_int_equal(irq_request(3, true), ERR_RANGE);
    assert_int_equal(irq_request(96, true), ERR_RANGE);
    assert_int_equal(irq_request(5000, true), ERR_RANGE);
}

/* Only what the hypervisor has requested, and of that SPIs only. */
static void masks(void **state)
{
    static struct domain a = { .id = 1 };

    assert_int_equal(irq_request(60, true), CORBEL_OK);
    pending[60] = true;
    irq_mask(60, true);
    assert_true(!enabled[60] && pending[60]);
    irq_mask(60, false);
    assert_true(enabled[60] && level[60] && pending[60]);
    assert_int_equal(irq_assign(61, &a, false), CORBEL_OK);
    irq_mask(61, false);
    irq_mask(62, false);
    assert_false(enabled[61] || enabled[62]);
    assert_int_equal(irq_request(28, true), CORBEL_OK);
    irq_mask(28, true);
    assert_true(enabled[28]);
    irq_mask(IRQ_SPURIOUS, true);
    irq_release(60);
    irq_release(61);
    irq_release(28);
}

static void guest_takes_and_returns(void **state)
{
    static struct domain a = { .id = 1 }, b = { .id = MAX_DOMAINS }, c = { .id = MAX_DOMAINS + 1 };
    struct domain *d;

    assert_int_equal(irq_assign(50, &a, false), CORBEL_OK);
    assert_false(enabled[50] || level[50]);
    assert_int_equal(irq_owner_of(50, &d), IRQ_GUEST);
    assert_ptr_equal(d, &a);
    assert_int_equal(irq_assign(50, &b, true), ERR_BUSY);
    assert_int_equal(irq_request(50, true), ERR_BUSY);
    assert_int_equal(irq_assign(33, &b, true), ERR_BUSY);
    assert_int_equal(irq_assign(27, &b, true), ERR_RANGE);
    assert_int_equal(irq_assign(51, &c, true), ERR_RANGE);
    irq_set_trigger(50, true, true);
    assert_true(enabled[50] && level[50]);
    irq_set_trigger(50, false, false); /* the fake refuses a change while it is enabled */
    assert_false(enabled[50] || level[50]);
    enabled[50] = active[50] = pending[50] = true;
    irq_release(50);
    assert_false(enabled[50] || active[50] || pending[50]);
    assert_int_equal(irq_owner_of(50, &d), IRQ_FREE);
    assert_null(d);
    assert_int_equal(irq_assign(50, &b, true), CORBEL_OK);
    irq_owner_of(50, &d);
    assert_ptr_equal(d, &b);
    irq_release(1022);
    assert_int_equal(irq_owner_of(IRQ_SPURIOUS, &d), IRQ_FREE);
    assert_int_equal(irq_owner_of(8192, &d), IRQ_FREE);
}

static void sgi(void **state)
{
    irq_send_sgi(cpu_get(1), SGI_STOP);
    assert_int_equal(sgi_mpidr, 0x100);
    irq_send_sgi(cpu_get(7), SGI_STOP); /* no such CPU */
    assert_int_equal(sgi_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_init),
        cmocka_unit_test_setup(stale_list_registers, setup),
        cmocka_unit_test_setup(hypervisor_takes, setup),
        cmocka_unit_test_setup(masks, setup),
        cmocka_unit_test_setup(guest_takes_and_returns, setup),
        cmocka_unit_test_setup(sgi, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

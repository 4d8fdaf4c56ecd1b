/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The overflow interrupt between the host's PPI and the guest's: level, active state, moves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arch/vcpu.h>
#include <corbel/irq.h>
#include <corbel/vcpu.h>
#include <corbel/vpmu.h>

#define HOST 21u

static struct vcpu v;
static bool output, saved, active, ppi;
static u32 active_writes, ppi_calls;

bool arch_vcpu_pmu_output(const struct vcpu *vcpu)
{
    assert_ptr_equal(vcpu, &v);
    return output;
}

bool arch_vcpu_pmu_saved_output(const struct vcpu *vcpu)
{
    assert_ptr_equal(vcpu, &v);
    return saved;
}

void vgic_set_ppi(struct vcpu *vcpu, u32 intid, bool level)
{
    assert_ptr_equal(vcpu, &v);
    assert_int_equal(intid, 23);
    ppi = level;
    ppi_calls++;
}

static void set_active(u32 intid, bool state)
{
    assert_int_equal(intid, HOST);
    assert_true(active != state); /* written only where it differs */
    active = state;
    active_writes++;
}

static struct gic_ops ops = { .set_active = set_active };
const struct gic_ops *gic = &ops;

static int setup(void **state)
{
    memset(&v, 0, sizeof(v));
    output = saved = active = ppi = false;
    active_writes = ppi_calls = 0;
    vpmu_set_host_intid(HOST);
    return 0;
}

/* The host's PPI comes; acknowledged it is active, and stays so until the guest's write. */
static void overflow(void **state)
{
    output = active = true;
    assert_true(vpmu_interrupt(&v));
    assert_true(ppi && v.pmu_line);
    assert_true(vpmu_interrupt(&v)); /* once more: nothing new */
    assert_int_equal(ppi_calls, 1);
    vpmu_update(&v); /* a write that changes nothing */
    assert_int_equal(active_writes, 0);
    output = false;
    vpmu_update(&v);
    assert_true(!ppi && !v.pmu_line && !active);
    assert_int_equal(ppi_calls, 2);
}

/* The level went down before the interrupt was looked at. */
static void nothing(void **state)
{
    assert_false(vpmu_interrupt(&v));
    assert_int_equal(ppi_calls, 0);
    v.pmu_line = true;
    assert_false(vpmu_interrupt(&v));
    assert_true(!ppi && !v.pmu_line);
}

/* The guest raises it itself; it takes it along to another CPU, and is reset there. */
static void moves(void **state)
{
    output = true;
    vpmu_update(&v);
    assert_true(ppi && active);
    vpmu_saved(&v);
    assert_true(ppi && !active);
    vpmu_load(&v);
    assert_true(ppi && active);
    vpmu_saved(&v);
    vpmu_reset(&v);
    assert_true(!ppi && !v.pmu_line);
    assert_int_equal(ppi_calls, 2);
    vpmu_reset(&v);
    assert_int_equal(ppi_calls, 2);
    assert_int_equal(active_writes, 4);
}

/* It overflows while its vCPU goes to sleep: nobody acknowledges that on this CPU any more. */
static void on_the_way_out(void **state)
{
    vpmu_saved(&v);
    assert_int_equal(ppi_calls, 0);
    saved = true;
    vpmu_saved(&v);
    assert_true(ppi && v.pmu_line); /* which wakes it */
    assert_int_equal(active_writes, 0);
    vpmu_load(&v);
    assert_true(active);
    output = false; /* its write clears the overflow */
    vpmu_update(&v);
    assert_true(!ppi && !active);
}

static void no_host_interrupt(void **state)
{
    vpmu_set_host_intid(0);
    assert_false(vpmu_interrupts());
    output = true;
    vpmu_update(&v);
    saved = true;
    vpmu_saved(&v);
    assert_false(v.pmu_line);
    assert_int_equal(ppi_calls, 0);
    vpmu_set_host_intid(HOST);
    assert_true(vpmu_interrupts());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(overflow, setup),
        cmocka_unit_test_setup(nothing, setup),
        cmocka_unit_test_setup(moves, setup),
        cmocka_unit_test_setup(on_the_way_out, setup),
        cmocka_unit_test_setup(no_host_interrupt, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

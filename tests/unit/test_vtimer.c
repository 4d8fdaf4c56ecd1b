/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"

#include <arch/vcpu.h>
#include <corbel/cpu.h>
#include <corbel/domain.h>
#include <corbel/irq.h>
#include <corbel/vtimer.h>

#define EN     1u
#define MASK   2u
#define STATUS 4u

static struct domain d;
static struct vcpu v, w;
static u64 hw_ctl, hw_cval; /* CNTV_* of the CPU; ISTATUS computed */
static bool busy, ppi30;
static u32 wakes, ppi_calls;
static struct vcpu *woken;

u64 arch_cntv_ctl_read(void)
{
    return hw_ctl | ((hw_ctl & EN) && fake_time - d.cntvoff >= hw_cval ? STATUS : 0);
}

void arch_cntv_ctl_write(u64 ctl)
{
    hw_ctl = ctl & (EN | MASK);
}

u64 arch_cntv_cval_read(void)
{
    return hw_cval;
}

void arch_cntv_cval_write(u64 cval)
{
    hw_cval = cval;
}

bool vgic_ppi_busy(struct vcpu *vcpu, u32 intid)
{
    assert_non_null(vcpu);
    assert_int_equal(intid, 27);
    return busy;
}

enum corbel_err vgic_link(struct domain *dom, struct vcpu *vcpu, u32 intid, u32 pintid)
{
    assert_ptr_equal(dom, &d);
    assert_non_null(vcpu);
    assert_int_equal(intid, 27);
    assert_int_equal(pintid, 27);
    return CORBEL_OK;
}

void vgic_set_ppi(struct vcpu *vcpu, u32 intid, bool level)
{
    assert_ptr_equal(vcpu, &v);
    assert_int_equal(intid, 30);
    ppi30 = level;
    ppi_calls++;
}

void vcpu_wake(struct vcpu *vcpu, u32 req)
{
    (void)req;
    woken = vcpu;
    wakes++;
}

static int setup(void **state)
{
    (void)state;
    fake_reset(2);
    for (u32 i = 0; i < 2; i++)
        timer_queue_init(&cpu_get(i)->timers, i);
    memset(&d, 0, sizeof(d));
    memset(&v, 0, sizeof(v));
    memset(&w, 0, sizeof(w));
    v.domain = w.domain = &d;
    hw_ctl = hw_cval = 0;
    busy = ppi30 = false;
    wakes = ppi_calls = 0;
    woken = NULL;
    fake_time = 1000000;
    d.cntvoff = 400000;
    vtimer_init(&v);
    vtimer_init(&w);
    return 0;
}

/* As the run loop does, the vGIC in between. */
static void leave(struct vcpu *vcpu)
{
    vtimer_save(vcpu);
    vtimer_watch(vcpu);
}

static void test_switch(void **state)
{
    (void)state;
    vtimer_load(&v);
    hw_ctl = EN | MASK; /* as the guest writes it: kept, IMASK included */
    hw_cval = 700000;
    leave(&v);
    assert_int_equal(hw_ctl, 0);
    assert_int_equal(v.vtimer.cntv_ctl & (EN | MASK), EN | MASK);
    vtimer_load(&w);
    assert_int_equal(hw_ctl, 0);
    leave(&w);
    vtimer_load(&v);
    assert_int_equal(hw_ctl, EN | MASK);
    assert_int_equal(hw_cval, 700000);
}

/* Runnable: nothing to watch. Blocked: its deadline moves to EL2's timer, and back. */
static void test_save_arms(void **state)
{
    (void)state;
    v.unit.state = UNIT_RUNNING;
    vtimer_load(&v);
    hw_ctl = EN;
    hw_cval = 700000;
    leave(&v);
    assert_false(timer_is_set(&v.vtimer.wake));
    vtimer_load(&v);
    v.unit.state = UNIT_BLOCKED;
    leave(&v);
    assert_true(timer_is_set(&v.vtimer.wake));
    assert_int_equal(fake_deadline, 700000 + 400000);
    vtimer_load(&v);
    assert_false(timer_is_set(&v.vtimer.wake));
    leave(&v);
    fake_time = 1100000;
    vtimer_expired(timer_expired(fake_time));
    assert_ptr_equal(woken, &v);
    assert_int_equal(ppi_calls, 0); /* the hardware will raise it */
}

static void test_save_unarmed(void **state)
{
    (void)state;
    v.unit.state = UNIT_BLOCKED;
    vtimer_load(&v);
    hw_ctl = EN | MASK;
    hw_cval = 0;
    leave(&v);
    assert_false(timer_is_set(&v.vtimer.wake));
    vtimer_load(&v);
    hw_ctl = EN;
    hw_cval = ~0ull; /* never, not "a moment ago" */
    leave(&v);
    assert_false(timer_is_set(&v.vtimer.wake));
    assert_int_equal(wakes, 0);
    vtimer_load(&v);
    hw_cval = 1; /* due between the look and the save */
    leave(&v);
    assert_int_equal(wakes, 1);
    vtimer_load(&v);
    busy = true; /* injected already */
    leave(&v);
    assert_int_equal(wakes, 1);
}

static void test_block(void **state)
{
    (void)state;
    vtimer_load(&v);
    assert_true(vtimer_block(&v));
    hw_ctl = EN;
    hw_cval = 600001;
    assert_true(vtimer_block(&v));
    hw_cval = 600000;
    assert_false(vtimer_block(&v));
    busy = true;
    assert_true(vtimer_block(&v));
    busy = false;
    hw_ctl = EN | MASK;
    assert_true(vtimer_block(&v));
    assert_int_equal(fake_deadline, ~0ull);
}

static void test_output(void **state)
{
    (void)state;
    v.vtimer.cntv_ctl = EN;
    v.vtimer.cntv_cval = 600000;
    assert_true(vtimer_output(&v));
    v.vtimer.cntv_cval = 600001;
    assert_false(vtimer_output(&v));
    v.vtimer.cntv_cval = 0;
    v.vtimer.cntv_ctl = EN | MASK;
    assert_false(vtimer_output(&v));
    v.resident = cpu_this();
    hw_ctl = EN;
    hw_cval = 0;
    assert_true(vtimer_output(&v));
    hw_cval = ~0ull;
    assert_false(vtimer_output(&v));
}

static void test_cntp(void **state)
{
    (void)state;
    vtimer_write(&v, VTIMER_CNTP_CVAL, 1000500);
    assert_false(timer_is_set(&v.vtimer.ptimer)); /* disabled */
    vtimer_write(&v, VTIMER_CNTP_CTL, 0xff0 | EN);
    assert_int_equal(vtimer_read(&v, VTIMER_CNTP_CTL), EN);
    assert_int_equal(fake_deadline, 1000500);
    assert_int_equal(vtimer_read(&v, VTIMER_CNTP_TVAL), 500);
    fake_time = 1000500;
    fake_set_cpu(1);
    assert_null(timer_expired(fake_time)); /* it is on CPU 0's queue */
    fake_set_cpu(0);
    vtimer_expired(timer_expired(fake_time));
    assert_true(ppi30);
    assert_int_equal(vtimer_read(&v, VTIMER_CNTP_CTL), EN | STATUS);
    vtimer_write(&v, VTIMER_CNTP_CTL, EN | MASK);
    assert_false(ppi30);
    assert_int_equal(vtimer_read(&v, VTIMER_CNTP_CTL), EN | MASK | STATUS);
    vtimer_write(&v, VTIMER_CNTP_CTL, EN);
    assert_true(ppi30);
    vtimer_write(&v, VTIMER_CNTP_CTL, 0);
    assert_false(ppi30);
    assert_int_equal(vtimer_read(&v, VTIMER_CNTP_CTL), 0); /* ISTATUS only while enabled */
}

static void test_tval(void **state)
{
    (void)state;
    vtimer_write(&v, VTIMER_CNTP_TVAL, 0xffffffff00000010ull); /* 32 bits count */
    assert_int_equal(vtimer_read(&v, VTIMER_CNTP_CVAL), 1000016);
    vtimer_write(&v, VTIMER_CNTP_TVAL, 0xffffff00); /* -256 */
    assert_int_equal(vtimer_read(&v, VTIMER_CNTP_CVAL), 1000000 - 256);
    assert_int_equal(vtimer_read(&v, VTIMER_CNTP_TVAL), 0xffffff00);
    vtimer_write(&v, VTIMER_CNTP_CTL, EN);
    assert_true(ppi30); /* in the past */
    vtimer_write(&v, VTIMER_CNTP_TVAL, 0x7fffffff);
    assert_false(ppi30);
    assert_int_equal(fake_deadline, 1000000 + 0x7fffffffull);
    vtimer_write(&v, VTIMER_CNTP_CVAL, ~0ull);
    assert_false(timer_is_set(&v.vtimer.ptimer));
    assert_false(ppi30);
}

/* It expired on one CPU while the guest, moved to another, set it anew. */
static void test_cntp_race(void **state)
{
    struct timer_entry *e;

    (void)state;
    vtimer_write(&v, VTIMER_CNTP_CVAL, 1000500);
    vtimer_write(&v, VTIMER_CNTP_CTL, EN);
    fake_time = 1000600;
    e = timer_expired(fake_time);
    fake_set_cpu(1);
    vtimer_write(&v, VTIMER_CNTP_CVAL, 2000000);
    fake_set_cpu(0);
    vtimer_expired(e);
    assert_false(ppi30);
    assert_true(timer_is_set(&v.vtimer.ptimer));
    assert_int_equal(v.vtimer.ptimer.deadline, 2000000);
}

/* While loaded, asleep or not, the CPU is interrupted once a period; elsewhere it is not. */
static void test_poke(void **state)
{
    struct timer_entry *e;

    (void)state;
    v.vtimer.poke_period = 5000;
    vtimer_load(&v);
    v.resident = cpu_this();
    for (u32 i = 1; i < 4; i++) {
        assert_int_equal(v.vtimer.wake.deadline, fake_time + 5000);
        fake_time += 5000;
        e = timer_expired(fake_time);
        assert_ptr_equal(e, &v.vtimer.wake);
        vtimer_expired(e);
    }
    assert_int_equal(wakes, 0);
    vtimer_poke(&v, fake_time + 20);
    assert_int_equal(v.vtimer.wake.deadline, fake_time + 20);
    leave(&v);
    v.resident = NULL;
    fake_time += 20;
    e = timer_expired(fake_time); /* left over: wakes for nothing, once */
    assert_ptr_equal(e, &v.vtimer.wake);
    vtimer_expired(e);
    assert_int_equal(wakes, 1);
    assert_false(timer_is_set(&v.vtimer.wake));
}

static void test_reset(void **state)
{
    (void)state;
    vtimer_write(&v, VTIMER_CNTP_CVAL, 1000500);
    vtimer_write(&v, VTIMER_CNTP_CTL, EN);
    v.vtimer.cntv_ctl = EN;
    vtimer_reset(&v);
    assert_false(ppi30);
    vtimer_write(&v, VTIMER_CNTP_CVAL, 0);
    vtimer_write(&v, VTIMER_CNTP_CTL, EN);
    assert_true(ppi30);
    vtimer_reset(&v); /* a line that stayed high would be the next life's interrupt */
    assert_false(ppi30);
    assert_false(timer_is_set(&v.vtimer.ptimer));
    assert_false(timer_is_set(&v.vtimer.wake));
    assert_int_equal(vtimer_read(&v, VTIMER_CNTP_CTL), 0);
    assert_false(vtimer_output(&v));
    vtimer_load(&v);
    assert_int_equal(hw_ctl, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_switch, setup),
        cmocka_unit_test_setup(test_save_arms, setup),
        cmocka_unit_test_setup(test_save_unarmed, setup),
        cmocka_unit_test_setup(test_block, setup),
        cmocka_unit_test_setup(test_output, setup),
        cmocka_unit_test_setup(test_cntp, setup),
        cmocka_unit_test_setup(test_tval, setup),
        cmocka_unit_test_setup(test_cntp_race, setup),
        cmocka_unit_test_setup(test_reset, setup),
        cmocka_unit_test_setup(test_poke, setup),
    };

    return cmocka_run_group_tests_name("vtimer", tests, NULL, NULL);
}

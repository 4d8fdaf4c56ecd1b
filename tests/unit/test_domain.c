/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a domain begins once, whoever asks for it and from how many vCPUs: the first one
 * reports and stops it, the others are out of the way until it is stopped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"

#include <corbel/domain.h>
#include <corbel/vcpu.h>

#define VCPUS 3u

static struct domain d;
static struct vcpu vcpus[VCPUS];
static u32 kicks, wakes;

void sched_pause(struct sched_unit *unit)
{
    assert_false(spin_is_locked(&d.lock));
    unit->paused = true;
}

void sched_wake(struct sched_unit *unit)
{
    assert_ptr_equal(unit, &d.task);
    for (u32 i = 0; i < VCPUS; i++)
        assert_true(vcpus[i].unit.paused);
    wakes++;
}

void vcpu_kick(struct vcpu *v, u32 req)
{
    assert_int_equal(req, REQ_PAUSE);
    assert_true(v->unit.paused);
    v->req |= req;
    kicks++;
}

static int setup(void **state)
{
    (void)state;
    fake_reset(1);
    memset(&d, 0, sizeof(d));
    memset(vcpus, 0, sizeof(vcpus));
    kicks = wakes = 0;
    spin_lock_init(&d.lock, RANK_DOMAIN);
    d.state = DOMAIN_RUNNING;
    d.vcpu_count = VCPUS;
    for (u32 i = 0; i < VCPUS; i++) {
        d.vcpus[i] = &vcpus[i];
        vcpus[i].domain = &d;
    }
    return 0;
}

/* SYSTEM_RESET of all vCPUs, each before any of the others has got any further. */
static void one_begins(void **state)
{
    (void)state;
    assert_true(domain_ends(&vcpus[1], SHUTDOWN_RESET));
    assert_false(domain_ends(&vcpus[0], SHUTDOWN_RESET));
    assert_false(domain_ends(&vcpus[2], SHUTDOWN_POWEROFF));
    assert_true(vcpus[0].unit.paused && vcpus[2].unit.paused);
    assert_true(vcpus[0].req && vcpus[2].req); /* or they would go on until they exit again */
    assert_false(vcpus[1].unit.paused);        /* it has something to say first */
    kicks = 0;
    assert_int_equal(d.state, DOMAIN_RUNNING);
    domain_shutdown(&d, SHUTDOWN_RESET);
    assert_int_equal(d.state, DOMAIN_STOPPING);
    assert_int_equal(d.reason, SHUTDOWN_RESET);
    assert_int_equal(kicks, VCPUS);
    assert_int_equal(wakes, 1);
    assert_false(domain_ends(&vcpus[0], SHUTDOWN_CRASH));
    domain_shutdown(&d, SHUTDOWN_CRASH);
    assert_int_equal(d.reason, SHUTDOWN_RESET);
    assert_int_equal(wakes, 1);
}

/* A debug key or a device's fault ends it while a vCPU reports: what was reported counts. */
static void the_report_counts(void **state)
{
    (void)state;
    assert_true(domain_ends(&vcpus[0], SHUTDOWN_CRASH));
    domain_shutdown(&d, SHUTDOWN_REBUILD);
    assert_int_equal(d.reason, SHUTDOWN_CRASH);
    domain_shutdown(&d, SHUTDOWN_CRASH);
    assert_int_equal(d.reason, SHUTDOWN_CRASH);
    assert_int_equal(wakes, 1);
}

static void without_a_reason(void **state)
{
    (void)state;
    d.state = DOMAIN_BUILDING;
    domain_shutdown(&d, SHUTDOWN_NONE); /* it could not be built */
    assert_int_equal(d.reason, SHUTDOWN_NONE);
    assert_int_equal(d.state, DOMAIN_STOPPING);
    assert_false(domain_ends(&vcpus[0], SHUTDOWN_CRASH));
    assert_int_equal(d.reason, SHUTDOWN_NONE);
    for (u8 s = DOMAIN_DEAD; s <= DOMAIN_FAILED; s++) {
        d.state = s;
        domain_shutdown(&d, SHUTDOWN_CRASH);
        assert_int_equal(d.state, s);
    }
    assert_int_equal(wakes, 1);
}

static void slots(void **state)
{
    struct domain extra;

    (void)state;
    assert_null(domain_get(0));
    for (u32 i = 0; i < MAX_DOMAINS; i++) {
        assert_int_equal(domain_add(&d), CORBEL_OK);
        assert_int_equal(d.id, i + 1);
    }
    assert_int_equal(domain_add(&extra), ERR_NOMEM);
    assert_int_equal(domain_slots(), MAX_DOMAINS);
    assert_ptr_equal(domain_get(MAX_DOMAINS - 1), &d);
    assert_null(domain_get(MAX_DOMAINS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_begins, setup),
        cmocka_unit_test_setup(the_report_counts, setup),
        cmocka_unit_test_setup(without_a_reason, setup),
        cmocka_unit_test_setup(slots, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets how much, and how soon, under the fair policy, on the simulated machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"
#include "sim_sched.h"

#include <corbel/bits.h>
#include <corbel/cpu.h>
#include <corbel/sched.h>
#include <corbel/sched_pool.h>

/* Percent of one CPU that the unit got since before, times 100. */
static u64 share(const struct sim_unit *s, u64 before, u64 ticks)
{
    u64 running = s->unit.state == UNIT_RUNNING ? fake_time - s->unit.started : 0;

    return (s->unit.runtime + running - before) * 10000 / ticks;
}

static void expect_share(const struct sim_unit *s, u64 ticks, u64 wanted)
{
    u64 got = share(s, 0, ticks);

    if (got + 200 < wanted || got > wanted + 200)
        fail_msg("share %lu, expected %lu (hundredths of a percent)", (unsigned long)got,
                 (unsigned long)wanted);
}

static void test_two_on_one(void **state)
{
    struct sim_unit *a, *b;

    (void)state;
    sim_start(1, SCHED_FAIR);
    a = sim_add_spinner(256, ~0ull);
    b = sim_add_spinner(256, ~0ull);
    sim_advance(2000 * MS, false);
    expect_share(a, 2000 * MS, 5000);
    expect_share(b, 2000 * MS, 5000);
    assert_in_range(sim_switches, 350, 450); /* slices of 5 ms, not more */
}

static void test_weights(void **state)
{
    struct sim_unit *a, *b, *c;

    (void)state;
    sim_start(1, SCHED_FAIR);
    a = sim_add_spinner(256, ~0ull);
    b = sim_add_spinner(512, ~0ull);
    sim_advance(3000 * MS, false);
    expect_share(a, 3000 * MS, 3333);
    expect_share(b, 3000 * MS, 6667);

    sim_start(1, SCHED_FAIR);
    a = sim_add_spinner(100, ~0ull);
    b = sim_add_spinner(300, ~0ull);
    c = sim_add_spinner(600, ~0ull);
    sim_advance(5000 * MS, false);
    expect_share(a, 5000 * MS, 1000);
    expect_share(b, 5000 * MS, 3000);
    expect_share(c, 5000 * MS, 6000);
}

static void test_three_on_two(void **state)
{
    struct sim_unit *s[3];

    (void)state;
    sim_start(2, SCHED_FAIR);
    for (u32 i = 0; i < 3; i++)
        s[i] = sim_add_spinner(256, ~0ull);
    sim_advance(3000 * MS, false);
    for (u32 i = 0; i < 3; i++)
        expect_share(s[i], 3000 * MS, 6667);
}

/* Who comes late gets a fair share from then on, and takes nothing back for the past. */
static void test_late_comer(void **state)
{
    struct sim_unit *s[3];
    u64 before[2];

    (void)state;
    sim_start(2, SCHED_FAIR);
    s[0] = sim_add_spinner(256, ~0ull);
    sim_advance(5000 * MS, false);
    s[1] = sim_add_spinner(256, ~0ull);
    sim_advance(1000 * MS, false);
    s[2] = sim_add_spinner(256, ~0ull);
    before[0] = s[0]->unit.runtime + fake_time - s[0]->unit.started;
    before[1] = s[1]->unit.runtime + fake_time - s[1]->unit.started;
    sim_advance(3000 * MS, false);
    assert_in_range(share(s[0], before[0], 3000 * MS), 6450, 6900);
    assert_in_range(share(s[1], before[1], 3000 * MS), 6450, 6900);
    assert_in_range(share(s[2], 0, 3000 * MS), 6450, 6900);
}

/* Pinned units far ahead of others must not starve when an unpinned one joins. */
static void test_no_starvation(void **state)
{
    struct sim_unit *z;
    u64 before;

    (void)state;
    sim_start(2, SCHED_FAIR);
    sim_add_spinner(256, BIT(0));
    sim_add_spinner(256, BIT(0));
    z = sim_add_spinner(256, BIT(1));
    sim_advance(20000 * MS, false);
    expect_share(z, 20000 * MS, 10000);
    before = z->unit.runtime + fake_time - z->unit.started;
    sim_add_spinner(256, ~0ull);
    sim_advance(6000 * MS, false);
    assert_true(share(z, before, 6000 * MS) > 3000);
}

/* Nobody waits: no slice timer, and no call of the scheduler. */
static void test_no_tick_alone(void **state)
{
    u64 calls;

    (void)state;
    sim_start(2, SCHED_FAIR);
    sim_add_spinner(256, ~0ull);
    sim_add_spinner(256, ~0ull);
    sim_advance(10 * MS, false);
    calls = sim_looks;
    sim_advance(1000 * MS, false);
    assert_int_equal(sim_looks, calls);
    assert_true(list_empty(&cpu_get(0)->timers.entries));
    assert_true(list_empty(&cpu_get(1)->timers.entries));
}

/* Random sleepers over spinners, affinities and CPU counts; sim_sched.c looks after each step. */
static void test_random(void **state)
{
    (void)state;
    for (u32 round = 0; round < 24; round++) {
        u32 cpus = 1 + round % 4;

        sim_start(cpus, SCHED_FAIR);
        srand(round);
        for (u32 i = 0; i < 3 + round % 8; i++) {
            struct sim_unit *s;
            cpumask_t affinity = rand() % 3 ? ~0ull : BIT((u32)rand() % cpus);

            s = sim_add(sched_pool_default(), 64u << (rand() % 4), affinity);
            if (!(rand() % 5)) {
                s->work = ~0ull;
                sched_wake(&s->unit);
            }
        }
        sim_advance(500 * MS, true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_on_one),    cmocka_unit_test(test_weights),
        cmocka_unit_test(test_three_on_two),  cmocka_unit_test(test_late_comer),
        cmocka_unit_test(test_no_starvation), cmocka_unit_test(test_no_tick_alone),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}

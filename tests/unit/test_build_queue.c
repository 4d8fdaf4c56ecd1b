/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose turn it is to be built: no more at a time than the pool has CPUs, in order, each end
 * begins one other, and whatever ends early costs nobody a turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <arch/mmu.h>
#include <corbel/boot_end.h>
#include <corbel/build.h>
#include <corbel/build_job.h>
#include <corbel/domain.h>
#include <corbel/sched.h>

#include <cmocka.h>

#include "fake_core.h"

#define DOMAINS 6u

static struct domain domains[DOMAINS];
static u32 slots;
static u8 pool_a, pool_b; /* never looked into */
static cpumask_t cpus_a, cpus_b;
static u32 woken[DOMAINS], order[2 * DOMAINS], orders;

struct domain *domain_get(u32 slot)
{
    return slot < slots ? &domains[slot] : NULL;
}

u32 domain_slots(void)
{
    return slots;
}

cpumask_t sched_pool_cpus(const struct sched_pool *pool)
{
    return (const void *)pool == &pool_a ? cpus_a : cpus_b;
}

void sched_wake(struct sched_unit *unit)
{
    for (u32 i = 0; i < slots; i++) {
        if (unit != &domains[i].task)
            continue;
        woken[i]++;
        order[orders++] = i;
    }
}

struct mem_range arch_mmu_drop_init(void)
{
    return (struct mem_range){ 0x40000000, PAGE_SIZE };
}

void page_scrub(pa_t pa, u64 size)
{
}

enum corbel_err page_add(u64 base, u64 size)
{
    return CORBEL_OK;
}

void build_modules_boot_over(u64 image_bytes)
{
}

void build_report_memory(void)
{
}

u64 page_free_count(void)
{
    return 1000;
}

/* One letter a domain: the pool it is in. */
static void begin(const char *pools, cpumask_t a, cpumask_t b)
{
    fake_reset(1);
    memset(domains, 0, sizeof(domains));
    memset(woken, 0, sizeof(woken));
    orders = 0;
    cpus_a = a;
    cpus_b = b;
    slots = (u32)strlen(pools);
    for (u32 i = 0; i < slots; i++)
        domains[i].task.pool = (void *)(pools[i] == 'a' ? &pool_a : &pool_b);
    build_begin_all();
}

static void expect(const char *sequence)
{
    assert_int_equal(orders, strlen(sequence));
    for (u32 i = 0; i < orders; i++)
        assert_int_equal(order[i], sequence[i] - '0');
}

static void one_cpu_builds_one_at_a_time(void **state)
{
    begin("aaa", 1, 0);
    expect("0");
    build_count(&domains[0], true);
    expect("01");
    build_count(&domains[0], false); /* it ends later on: nobody's turn */
    expect("01");
    build_count(&domains[1], false); /* refused */
    expect("012");
    build_count(&domains[2], true);
    expect("012");
}

static void each_pool_has_its_own_turns(void **state)
{
    begin("abaab", 3, 4);
    expect("012");
    build_count(&domains[1], true);
    expect("0124");
    build_count(&domains[2], true);
    expect("01243");
    build_count(&domains[0], true);
    build_count(&domains[3], true);
    build_count(&domains[4], true);
    expect("01243");
}

/* Stopped before its turn: it had none to hand on, and nobody hands it one. */
static void stopped_while_waiting(void **state)
{
    begin("aaaa", 1, 0);
    build_count(&domains[1], false);
    expect("0");
    build_count(&domains[0], true);
    expect("02");
    build_count(&domains[2], true);
    expect("023");
    build_count(&domains[3], true);
    expect("023");
}

/* The line comes when the last of all has ended, and the tree was read to its end. */
static void line_at_the_end(void **state)
{
    begin("aa", 3, 0);
    expect("01");
    build_count(&domains[1], true);
    boot_note(false);
    boot_drop(); /* the boot CPU */
    assert_null(strstr(fake_log, "boot:"));
    assert_false(build_is_counted(&domains[0]));
    build_count(&domains[0], false);
    assert_true(build_is_counted(&domains[0]));
    assert_non_null(strstr(fake_log, "boot: "));
}

/* Nobody ends before it was counted in: it would drop a hold that it does not have. */
static void ends_before_the_beginning(void **state)
{
    begin("a", 1, 0);
    expect_assert_failure(build_count(&domains[1], false));
    build_count(&domains[0], true);
}

static void nothing_to_build(void **state)
{
    begin("", 1, 0);
    expect("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_build),
        cmocka_unit_test(one_cpu_builds_one_at_a_time),
        cmocka_unit_test(each_pool_has_its_own_turns),
        cmocka_unit_test(stopped_while_waiting),
        cmocka_unit_test(ends_before_the_beginning),
        cmocka_unit_test(line_at_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

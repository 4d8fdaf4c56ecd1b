/* SPDX-License-Identifier: Apache-2.0 */
/* CPU pools and CPU lists: each form, each refusal to the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <corbel/domcfg.h>
#include <corbel/sched.h>

#include "cfg_tree.h"

static const char pool_path[] = "/chosen/pool0";
static struct poolcfg pool;
static struct cfg_error error;

static enum corbel_err parse(void)
{
    machine_read();
    return poolcfg_parse(&machine, fdt_path_offset(blob, pool_path), &pool, &error);
}

static void test_good_pool(void **state)
{
    tree_good();
    assert_int_equal(parse(), CORBEL_OK);
    assert_string_equal(pool.name, "pool0");
    assert_int_equal(pool.phandle, 0xfffffffe);
    assert_int_equal(pool.cpus, 0xa);
    assert_int_equal(pool.policy, SCHED_NULL);
}

static void test_policies(void **state)
{
    static const char *const fair[] = { "credit2", "credit" };
    static const struct edit none = REMOVE(pool_path, "cpupool-sched");

    for (u32 i = 0; i < ARRAY_SIZE(fair); i++) {
        struct edit edit = STR(pool_path, "cpupool-sched", fair[i]);

        tree_good();
        tree_edit(&edit);
        assert_int_equal(parse(), CORBEL_OK);
        assert_int_equal(pool.policy, SCHED_FAIR);
    }
    tree_good();
    tree_edit(&none);
    assert_int_equal(parse(), CORBEL_OK);
    assert_int_equal(pool.policy, SCHED_FAIR);
}

#define P "/chosen/pool0: "

static void test_refusals(void **state)
{
    static const struct {
        const char *line;
        struct edit edit;
    } list[] = {
        { P "cpupool-cpus = (missing): expected phandles of one CPU or more",
          REMOVE(pool_path, "cpupool-cpus") },
        { P "cpupool-cpus = (0 bytes): expected phandles of one CPU or more",
          EMPTY(pool_path, "cpupool-cpus") },
        { P "cpupool-cpus = (6 bytes): expected phandles of one CPU or more",
          RAW(pool_path, "cpupool-cpus", "\0\0\x80\1\0\0") },
        { P "cpupool-cpus = <0x8001 0x1f42>: expected phandles of CPUs in use; 0x1f42 is none",
          CELLS(pool_path, "cpupool-cpus", 2, 0x8001, 0x1f42) },
        { P "cpupool-cpus = <0x0>: expected phandles of CPUs in use; 0x0 is none",
          CELLS(pool_path, "cpupool-cpus", 1, 0) },
        { P "cpupool-cpus = <0x8001 0x8002 0x8001>: expected each CPU once; 0x8001 is there twice",
          CELLS(pool_path, "cpupool-cpus", 3, 0x8001, 0x8002, 0x8001) },
        { P "cpupool-cpus = <0x8000 0x8001 0x8002 0x8003 0x1 0x2 ...>: expected phandles of CPUs "
            "in use; 0x1 is none",
          CELLS(pool_path, "cpupool-cpus", 7, 0x8000, 0x8001, 0x8002, 0x8003, 1, 2, 3) },
        { P "cpupool-sched = \"rtds\": expected \"credit2\", \"credit\" or \"null\"",
          STR(pool_path, "cpupool-sched", "rtds") },
        { P "cpupool-sched = (0 bytes): expected \"credit2\", \"credit\" or \"null\"",
          EMPTY(pool_path, "cpupool-sched") },
    };

    for (u32 i = 0; i < ARRAY_SIZE(list); i++) {
        tree_good();
        tree_edit(&list[i].edit);
        assert_int_not_equal(parse(), CORBEL_OK);
        assert_string_equal(error.text, list[i].line);
    }
}

/* A CPU without a phandle must not be found by the phandle 0. */
static void test_cpu_without_phandle(void **state)
{
    static const struct edit zero = CELLS(pool_path, "cpupool-cpus", 1, 0);

    tree_good();
    tree_edit(&zero);
    machine_read();
    machine.cpus[2].phandle = 0;
    assert_int_not_equal(poolcfg_parse(&machine, fdt_path_offset(blob, pool_path), &pool, &error),
                         CORBEL_OK);
}

static void test_next(void **state)
{
    int node;

    tree_good();
    node = poolcfg_next(blob, -1);
    assert_int_equal(node, fdt_path_offset(blob, pool_path));
    assert_true(poolcfg_next(blob, node) < 0);
    assert_int_equal(fdt_create_empty_tree(blob, sizeof(blob)), 0);
    assert_true(poolcfg_next(blob, -1) < 0);
}

static void test_cpu_lists(void **state)
{
    static const struct {
        const char *text;
        enum corbel_err err;
        cpumask_t mask;
    } list[] = {
        { "0", CORBEL_OK, 1 },           { "0-3,5", CORBEL_OK, 0x2f },
        { "5,0-3", CORBEL_OK, 0x2f },    { "0-63", CORBEL_OK, ~0ull },
        { "63", CORBEL_OK, 1ull << 63 }, { "007", CORBEL_OK, 0x80 },
        { "64", ERR_RANGE, 0 },          { "0-64", ERR_RANGE, 1 },
        { "4294967296", ERR_RANGE, 0 },  { "18446744073709551616", ERR_RANGE, 0 },
        { "64,x", ERR_FORMAT, 0 },       { "", ERR_FORMAT, 0 },
        { ",", ERR_FORMAT, 0 },          { "1,", ERR_FORMAT, 0 },
        { "1,,2", ERR_FORMAT, 0 },       { "-1", ERR_FORMAT, 0 },
        { "1-", ERR_FORMAT, 0 },         { "3-1", ERR_FORMAT, 0 },
        { "1-2-3", ERR_FORMAT, 0 },      { " 1", ERR_FORMAT, 0 },
        { "1 ", ERR_FORMAT, 0 },         { "0x1", ERR_FORMAT, 0 },
        { "all", ERR_FORMAT, 0 },
    };

    for (u32 i = 0; i < ARRAY_SIZE(list); i++) {
        cpumask_t mask = 0;

        assert_int_equal(cpulist_parse(list[i].text, &mask), list[i].err);
        if (list[i].err == CORBEL_OK)
            assert_int_equal(mask, list[i].mask);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_pool), cmocka_unit_test(test_policies),
        cmocka_unit_test(test_refusals),  cmocka_unit_test(test_cpu_without_phandle),
        cmocka_unit_test(test_next),      cmocka_unit_test(test_cpu_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

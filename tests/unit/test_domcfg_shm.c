/* SPDX-License-Identifier: Apache-2.0 */
/* Static shared memory: forms, agreement between domains, every refusal to the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "cfg_parse.h"

static const char dom2[] = "/chosen/domU2";
static const char shm[] = "/chosen/domU1/shm";
static const char shm2[] = "/chosen/domU2/shm";
static const char spare[] = "/chosen/domU1/spare";

#define SHARED "xen,domain-shared-memory-v1"

/* A node of its own, whole: tests change one thing in it. */
static void add_shm(const char *path, const char *id)
{
    const struct edit edits[] = {
        ADD_NODE(path),
        STR(path, "compatible", SHARED),
        STR(path, "xen,shm-id", id),
        CELLS(path, "xen,shared-mem", 6, 0, 0x70000000, 0, 0x30000000, 0, 0x10000),
    };

    tree_edits(edits, ARRAY_SIZE(edits));
}

static void test_forms(void **state)
{
    static const struct edit edits[] = {
        CELLS(spare, "xen,shared-mem", 4, 1, 0x2000, 0, 0x1000),
        STR(spare, "role", "borrower"),
        EMPTY(spare, "corbel,read-only"),
        STR(shm, "role", "owner"),
    };
    static const struct edit one_cell[] = {
        CELLS(dom, "#address-cells", 1, 1),
        CELLS(dom, "#size-cells", 1, 1),
        CELLS(kernel, "reg", 2, 0x50000000, 0x2200000),
        CELLS(ramdisk, "reg", 2, 0x54000000, 0x100000),
        CELLS(shm, "xen,shared-mem", 3, 0x70000000, 0x30000000, 0x10000),
    };

    tree_good();
    add_shm(shm, "pages");
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_int_equal(cfg.shm_count, 1);
    assert_string_equal(cfg.shms[0].id, "pages");
    assert_true(cfg.shms[0].has_hpa);
    assert_int_equal(cfg.shms[0].hpa, 0x70000000);
    assert_int_equal(cfg.shms[0].gpa, 0x30000000);
    assert_int_equal(cfg.shms[0].size, 0x10000);
    assert_false(cfg.shms[0].owner);
    assert_false(cfg.shms[0].read_only);
    assert_int_equal(cfg.shms[0].node, fdt_path_offset(blob, shm));

    add_shm(spare, "123456789012345"); /* in front of the other */
    tree_edits(edits, ARRAY_SIZE(edits));
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_int_equal(cfg.shm_count, 2);
    assert_string_equal(cfg.shms[0].id, "123456789012345");
    assert_false(cfg.shms[0].has_hpa);
    assert_int_equal(cfg.shms[0].hpa, 0);
    assert_int_equal(cfg.shms[0].gpa, 0x100002000);
    assert_int_equal(cfg.shms[0].size, 0x1000);
    assert_true(cfg.shms[0].read_only);
    assert_true(cfg.shms[1].owner);

    tree_good();
    add_shm(shm, "pages");
    tree_edits(one_cell, ARRAY_SIZE(one_cell));
    machine_read();
    machine.modules[0].node = fdt_path_offset(blob, kernel); /* the helper knows two cells only */
    machine.modules[1].node = fdt_path_offset(blob, ramdisk);
    machine.modules[0].range = (struct mem_range){ 0x50000000, 0x2200000 };
    machine.modules[1].range = (struct mem_range){ 0x54000000, 0x100000 };
    machine.module_count = 2;
    assert_int_equal(domcfg_parse(&machine, fdt_path_offset(blob, dom), &cfg, &error), CORBEL_OK);
    assert_int_equal(cfg.shms[0].gpa, 0x30000000);
}

#define P        "/chosen/domU1/shm: "
#define IDS      "expected a string of 1 to 15 characters"
#define LENGTH   "expected a host address or none, a guest address and a size of 2, 2 and 2 cells"
#define MEM(...) CELLS(shm, "xen,shared-mem", 6, __VA_ARGS__)

static void test_refusals(void **state)
{
    static const struct refusal list[] = {
        { P "xen,shm-id = (missing): " IDS, { REMOVE(shm, "xen,shm-id") } },
        { P "xen,shm-id = \"\": " IDS, { STR(shm, "xen,shm-id", "") } },
        { P "xen,shm-id = \"1234567890123456\": " IDS,
          { STR(shm, "xen,shm-id", "1234567890123456") } },
        { P "xen,shm-id = (0 bytes): " IDS, { EMPTY(shm, "xen,shm-id") } },
        { P "xen,shm-id = (3 bytes): " IDS, { RAW(shm, "xen,shm-id", "abc") } },
        { P "role = \"boss\": expected \"owner\" or \"borrower\"", { STR(shm, "role", "boss") } },
        { P "role = (0 bytes): expected \"owner\" or \"borrower\"", { EMPTY(shm, "role") } },
        { P "corbel,read-only = (present): expected it absent: the role is \"owner\"",
          { STR(shm, "role", "owner"), EMPTY(shm, "corbel,read-only") } },
        { P "xen,shared-mem = (missing): " LENGTH, { REMOVE(shm, "xen,shared-mem") } },
        { P "xen,shared-mem = (0 bytes): " LENGTH, { EMPTY(shm, "xen,shared-mem") } },
        { P "xen,shared-mem = (20 bytes): " LENGTH,
          { CELLS(shm, "xen,shared-mem", 5, 0, 0x70000000, 0, 0x30000000, 0x10000) } },
        { P "xen,shared-mem = <0x0 0x70000000 0x0 0x30000000 0x0 0x0>: expected a size above 0",
          { MEM(0, 0x70000000, 0, 0x30000000, 0, 0) } },
        { P "xen,shared-mem = <0x0 0x30000000 0x0 0x0>: expected a size above 0",
          { CELLS(shm, "xen,shared-mem", 4, 0, 0x30000000, 0, 0) } },
        { P "xen,shared-mem = <0x0 0x70000800 0x0 0x30000000 0x0 0x10000>: expected whole pages of "
            "4 KiB",
          { MEM(0, 0x70000800, 0, 0x30000000, 0, 0x10000) } },
        { P "xen,shared-mem = <0x0 0x70000000 0x0 0x30000001 0x0 0x10000>: expected whole pages of "
            "4 KiB",
          { MEM(0, 0x70000000, 0, 0x30000001, 0, 0x10000) } },
        { P "xen,shared-mem = <0x0 0x70000000 0x0 0x30000000 0x0 0x10800>: expected whole pages of "
            "4 KiB",
          { MEM(0, 0x70000000, 0, 0x30000000, 0, 0x10800) } },
        { P "xen,shared-mem = <0x0 0x70000000 0xffffffff 0xfffff000 0x0 0x10000>: expected a guest "
            "range below 2^64",
          { MEM(0, 0x70000000, 0xffffffff, 0xfffff000, 0, 0x10000) } },
        { P "xen,shared-mem = <0x0 0x30000000 0xffffffff 0xfffff000>: expected a guest range below "
            "2^64",
          { CELLS(shm, "xen,shared-mem", 4, 0, 0x30000000, 0xffffffff, 0xfffff000) } },
        { P "xen,shared-mem = <0x0 0x30000000 0x1 0x0>: expected a size of at most the machine's "
            "0x80000000 bytes",
          { CELLS(shm, "xen,shared-mem", 4, 0, 0x30000000, 1, 0) } },
        { P "xen,shared-mem = <0x0 0x20000000 0x0 0x30000000 0x0 0x10000>: expected a range inside "
            "the machine's RAM",
          { MEM(0, 0x20000000, 0, 0x30000000, 0, 0x10000) } },
        { P "xen,shared-mem = <0xffffffff 0xfffff000 0x0 0x30000000 0x0 0x10000>: expected a range "
            "inside the machine's RAM",
          { MEM(0xffffffff, 0xfffff000, 0, 0x30000000, 0, 0x10000) } },
        { P "xen,shared-mem = <0x0 0x403ff000 0x0 0x30000000 0x0 0x10000>: expected no overlap "
            "with the hypervisor at 0x40200000+0x200000",
          { MEM(0, 0x403ff000, 0, 0x30000000, 0, 0x10000) } },
        { P "xen,shared-mem = <0x0 0x48000000 0x0 0x30000000 0x0 0x10000>: expected no overlap "
            "with the device tree at 0x48000000+0x100000",
          { MEM(0, 0x48000000, 0, 0x30000000, 0, 0x10000) } },
        { P "xen,shared-mem = <0x0 0xafff1000 0x0 0x30000000 0x0 0x10000>: expected no overlap "
            "with reserved memory at 0xb0000000+0x200000",
          { MEM(0, 0xafff1000, 0, 0x30000000, 0, 0x10000) } },
        { P "xen,shared-mem = <0x0 0x52000000 0x0 0x30000000 0x0 0x10000>: expected no overlap "
            "with /chosen/domU1/module@50000000 at 0x50000000+0x2200000",
          { MEM(0, 0x52000000, 0, 0x30000000, 0, 0x10000) } },
        { P "xen,shared-mem = <0x0 0x70000000 0x0 0x30000000 0x0 0x10000>: expected no overlap "
            "with xen,static-mem at 0x70000000+0x8000000",
          { CELLS(dom, "xen,static-mem", 4, 0, 0x70000000, 0, 0x8000000) } },
        { P "xen,shared-mem = <0x0 0x70000000 0x0 0x30000000 0x0 0x10000>: expected equal host and "
            "guest addresses: the domain is direct-map",
          { EMPTY(dom, "direct-map") } },
        { P "xen,shared-mem = <0x0 0x30000000 0x0 0x10000>: expected a host address in front: the "
            "domain is direct-map",
          { EMPTY(dom, "direct_map"),
            CELLS(shm, "xen,shared-mem", 4, 0, 0x30000000, 0, 0x10000) } },
        { P "xen,shm-id = \"pages\": expected each id once in a domain",
          { ADD_NODE(spare), STR(spare, "compatible", SHARED), STR(spare, "xen,shm-id", "pages"),
            CELLS(spare, "xen,shared-mem", 4, 0, 0x30000000, 0, 0x10000) } },
        { P "xen,shared-mem = <0x0 0x70000000 0x0 0x30000000 0x0 0x10000>: expected no overlap "
            "with /chosen/domU1/spare at 0x7000f000+0x10000",
          { ADD_NODE(spare), STR(spare, "compatible", SHARED), STR(spare, "xen,shm-id", "more"),
            CELLS(spare, "xen,shared-mem", 6, 0, 0x7000f000, 0, 0x38000000, 0, 0x10000) } },
    };

    for (u32 i = 0; i < ARRAY_SIZE(list); i++) {
        tree_good();
        add_shm(shm, "pages");
        assert_int_equal(parse(dom), CORBEL_OK);
        tree_edits(list[i].edits, ARRAY_SIZE(list[i].edits));
        if (parse(dom) == CORBEL_OK)
            fail_msg("accepted: %s", list[i].line);
        assert_string_equal(error.text, list[i].line);
    }
}

static void test_direct_map(void **state)
{
    static const struct edit edits[] = {
        EMPTY(dom, "direct-map"),
        MEM(0, 0x70000000, 0, 0x70000000, 0, 0x10000),
    };

    tree_good();
    add_shm(shm, "pages");
    tree_edits(edits, ARRAY_SIZE(edits));
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_int_equal(cfg.shms[0].gpa, 0x70000000);
}

static void test_too_many(void **state)
{
    char path[32], id[8];

    tree_good();
    for (u32 i = 0; i <= DOMCFG_SHM_MAX; i++) {
        const struct edit mem =
            CELLS(path, "xen,shared-mem", 4, 0, 0x30000000 + i * 0x10000, 0, 0x10000);

        snprintf(path, sizeof(path), "/chosen/domU1/s%u", i);
        snprintf(id, sizeof(id), "id%u", i);
        assert_int_equal(parse(dom), CORBEL_OK);
        add_shm(path, id);
        tree_edit(&mem);
    }
    assert_int_equal(cfg.shm_count, DOMCFG_SHM_MAX);
    assert_int_not_equal(parse(dom), CORBEL_OK);
    assert_string_equal(error.text, "/chosen/domU1/s0: xen,shm-id = \"id0\": expected at most 8 "
                                    "shared memories in a domain");
}

static void test_platform_list_full(void **state)
{
    tree_good();
    add_shm(shm, "pages");
    machine_read();
    machine.static_count = 0;
    assert_int_not_equal(domcfg_parse(&machine, fdt_path_offset(blob, dom), &cfg, &error), 0);
    assert_string_equal(error.text,
                        P "xen,shared-mem = <0x0 0x70000000 0x0 0x30000000 0x0 0x10000>: expected "
                          "at most 128 static ranges in the tree, and RAM left beside them");
}

/* ---- two domains: domU2 stands in front of domU1 ---- */

static void two_users(void)
{
    second_domain(0x54000000, 0x100000);
    add_shm(shm2, "pages");
    add_shm(shm, "pages");
}

static void test_users_agree(void **state)
{
    static const struct edit edits[] = {
        MEM(0, 0x70000000, 0, 0x38000000, 0, 0x10000), /* elsewhere in this guest */
        STR(shm, "role", "owner"),
        EMPTY(shm2, "corbel,read-only"),
    };
    static const struct edit no_hpa[] = {
        CELLS(shm, "xen,shared-mem", 4, 0, 0x38000000, 0, 0x10000),
        CELLS(shm2, "xen,shared-mem", 4, 0, 0x30000000, 0, 0x10000),
    };

    two_users();
    tree_edits(edits, ARRAY_SIZE(edits));
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_int_equal(parse(dom2), CORBEL_OK);
    tree_edits(no_hpa, ARRAY_SIZE(no_hpa));
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_int_equal(parse(dom2), CORBEL_OK);
}

static void test_users_disagree(void **state)
{
    static const struct refusal list[] = {
        { P "xen,shared-mem = <0x0 0x70000000 0x0 0x30000000 0x0 0x20000>: expected size 0x10000 "
            "as in /chosen/domU2/shm",
          { MEM(0, 0x70000000, 0, 0x30000000, 0, 0x20000) } },
        { P "xen,shared-mem = <0x0 0x70010000 0x0 0x30000000 0x0 0x10000>: expected host address "
            "0x70000000 as in /chosen/domU2/shm",
          { MEM(0, 0x70010000, 0, 0x30000000, 0, 0x10000) } },
        { P "xen,shared-mem = <0x0 0x30000000 0x0 0x10000>: expected a host address as in "
            "/chosen/domU2/shm",
          { CELLS(shm, "xen,shared-mem", 4, 0, 0x30000000, 0, 0x10000) } },
        { P "xen,shared-mem = <0x0 0x70000000 0x0 0x30000000 0x0 0x10000>: expected no host "
            "address as in /chosen/domU2/shm",
          { CELLS(shm2, "xen,shared-mem", 4, 0, 0x30000000, 0, 0x10000) } },
        { P "role = \"owner\": expected \"borrower\": the owner of this memory is in "
            "/chosen/domU2/shm",
          { STR(shm, "role", "owner"), STR(shm2, "role", "owner") } },
        { P "xen,shared-mem = <0x0 0x70000000 0x0 0x30000000 0x0 0x10000>: expected no overlap "
            "with /chosen/domU2/shm at 0x70000000+0x10000",
          { STR(shm, "xen,shm-id", "other") } },
        { P "xen,shared-mem = <0x0 0x6ffff000 0x0 0x30000000 0x0 0x2000>: expected no overlap with "
            "/chosen/domU2/shm at 0x70000000+0x10000",
          { STR(shm, "xen,shm-id", "other"), MEM(0, 0x6ffff000, 0, 0x30000000, 0, 0x2000) } },
        { P "xen,shared-mem = <0x0 0x70000000 0x0 0x30000000 0x0 0x10000>: expected no overlap "
            "with /chosen/domU2 at 0x68000000+0x10000000",
          { REMOVE(shm2, "compatible"), CELLS(dom2, "memory", 2, 0, 0x40000),
            CELLS(dom2, "xen,static-mem", 4, 0, 0x68000000, 0, 0x10000000) } },
        { D "xen,static-mem = 0x6ff00000+0x8000000: expected no overlap with /chosen/domU2/shm at "
            "0x70000000+0x10000",
          { REMOVE(shm, "compatible"),
            CELLS(dom, "xen,static-mem", 4, 0, 0x6ff00000, 0, 0x8000000) } },
    };

    for (u32 i = 0; i < ARRAY_SIZE(list); i++) {
        two_users();
        tree_edits(list[i].edits, ARRAY_SIZE(list[i].edits));
        assert_int_equal(parse(dom2), CORBEL_OK);
        if (parse(dom) == CORBEL_OK)
            fail_msg("accepted: %s", list[i].line);
        assert_string_equal(error.text, list[i].line);
    }
}

/* What cannot be read in another domain refuses that one only. */
static void test_nonsense_elsewhere(void **state)
{
    static const struct edit nonsense[] = {
        CELLS(shm2, "xen,shared-mem", 3, 0, 0x70000000, 0),
        REMOVE(shm2, "xen,shared-mem"),
        RAW(shm2, "xen,shm-id", "pages"),
    };

    for (u32 i = 0; i < ARRAY_SIZE(nonsense); i++) {
        two_users();
        tree_edit(&nonsense[i]);
        assert_int_not_equal(parse(dom2), CORBEL_OK);
        assert_int_equal(parse(dom), CORBEL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_direct_map),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_platform_list_full),
        cmocka_unit_test(test_users_agree),
        cmocka_unit_test(test_users_disagree),
        cmocka_unit_test(test_nonsense_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dom0less parser: every property read, every refusal produced by a tree and
 * compared to the letter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <corbel/domcfg.h>
#include <corbel/domprop.h>

#include "cfg_parse.h"

#define V "/chosen/domU1/vcpu1: "

static void test_good_domain(void **state)
{
    tree_good();
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_string_equal(error.text, "");
    assert_string_equal(cfg.name, "domU1");
    assert_int_equal(cfg.memory, 128 * SZ_1M);
    assert_int_equal(cfg.cpus, 2);
    assert_true(cfg.vpl011);
    assert_false(cfg.nr_spis_given);
    assert_int_equal(cfg.nr_spis, 32);
    assert_int_equal(cfg.weight, 256);
    assert_int_equal(cfg.pool_phandle, 0);
    assert_int_equal(cfg.p2m_mem_mb, 0);
    assert_true(cfg.trap_unmapped);
    assert_int_equal(cfg.vcpus[0].affinity, 0);
    assert_int_equal(cfg.kernel.range.base, 0x50000000);
    assert_int_equal(cfg.kernel.range.size, 0x2200000);
    assert_int_equal(cfg.ramdisk.range.base, 0x54000000);
    assert_int_equal(cfg.ramdisk.range.size, 0x100000);
    assert_int_equal(cfg.dtb.range.size, 0);
    assert_string_equal(cfg.bootargs, "console=ttyAMA0");
}

static void test_every_property(void **state)
{
    static const struct edit edits[] = {
        CELLS(dom, "memory", 2, 0, 0x20003),
        CELLS(dom, "nr_spis", 1, 988),
        CELLS(dom, "corbel,weight", 1, 512),
        CELLS(dom, "domain-cpupool", 1, 0xfffffffe),
        CELLS(dom, "xen,domain-p2m-mem-mb", 1, 4),
        CELLS(dom, "trap-unmapped-accesses", 1, 0),
        CELLS(dom, "domid", 1, 5),
        CELLS(dom, "max_grant_version", 1, 1),
        CELLS(dom, "max_grant_frames", 1, 64),
        CELLS(dom, "max_maptrack_frames", 1, 1024),
        CELLS(dom, "capabilities", 1, 0),
        CELLS(dom, "sve", 1, 0),
        STR(dom, "passthrough", "disabled"),
        STR(dom, "xen,enhanced", "disabled"),
        STR(dom, "xen,sci_type", "none"),
        STR(dom, "v8r_el1_msa", "mmu"),
        EMPTY(dom, "viommu"),
        CELLS(dom, "colors", 1, 0x7fc0),
        STR(dom, "vendor,unknown", "x"),
        ADD_NODE("/chosen/domU1/vcpu1"),
        STR("/chosen/domU1/vcpu1", "compatible", "xen,vcpu"),
        CELLS("/chosen/domU1/vcpu1", "id", 1, 1),
        STR("/chosen/domU1/vcpu1", "hard-affinity", "0-1,3"),
        ADD_NODE("/chosen/domU1/other"),
    };

    tree_good();
    tree_edits(edits, ARRAY_SIZE(edits));
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_int_equal(cfg.memory, 128 * SZ_1M);
    assert_true(cfg.nr_spis_given);
    assert_int_equal(cfg.nr_spis, 988);
    assert_int_equal(cfg.weight, 512);
    assert_int_equal(cfg.pool_phandle, 0xfffffffe);
    assert_int_equal(cfg.p2m_mem_mb, 4);
    assert_false(cfg.trap_unmapped);
    assert_int_equal(cfg.vcpus[0].affinity, 0);
    assert_int_equal(cfg.vcpus[1].affinity, 0xb);
}

static void test_forms_of_vpl011(void **state)
{
    static const struct edit forms[] = {
        EMPTY(dom, "vpl011"),
        CELLS(dom, "vpl011", 1, 1),
        CELLS(dom, "vpl011", 1, 0),
        STR(dom, "vpl011", "pl011"),
    };
    static const struct edit none = REMOVE(dom, "vpl011");
    static const struct edit spis = CELLS(dom, "nr_spis", 1, 0);

    for (u32 i = 0; i < ARRAY_SIZE(forms); i++) {
        tree_good();
        tree_edit(&forms[i]);
        assert_int_equal(parse(dom), CORBEL_OK);
        assert_true(cfg.vpl011);
    }
    tree_good();
    tree_edit(&none);
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_false(cfg.vpl011);
    assert_int_equal(cfg.nr_spis, 0);
    tree_edit(&spis);
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_true(cfg.nr_spis_given);
}

static void test_basic_refusals(void **state)
{
    static const struct refusal list[] = {
        { D "memory = (missing): expected KiB in two cells, 4 or more", { REMOVE(dom, "memory") } },
        { D "memory = (3 bytes): expected KiB in two cells, 4 or more",
          { RAW(dom, "memory", "\0\1\2") } },
        { D "memory = (4 bytes): expected KiB in two cells, 4 or more",
          { CELLS(dom, "memory", 1, 0x20000) } },
        { D "memory = (0 bytes): expected KiB in two cells, 4 or more", { EMPTY(dom, "memory") } },
        { D "memory = <0x0 0x0>: expected KiB in two cells, 4 or more",
          { CELLS(dom, "memory", 2, 0, 0) } },
        { D "memory = <0x0 0x3>: expected KiB in two cells, 4 or more",
          { CELLS(dom, "memory", 2, 0, 3) } },
        { D "memory = <0xffffffff 0xffffffff>: expected KiB in two cells, 4 or more",
          { CELLS(dom, "memory", 2, 0xffffffff, 0xffffffff) } },
        { D "memory = <0x0 0x4000000>: expected KiB, at most the machine's 0x200000",
          { CELLS(dom, "memory", 2, 0, 0x4000000) } },
        { D "cpus = (missing): expected a number from 1 to 64", { REMOVE(dom, "cpus") } },
        { D "cpus = <0x0>: expected a number from 1 to 64", { CELLS(dom, "cpus", 1, 0) } },
        { D "cpus = <0x3e8>: expected a number from 1 to 64", { CELLS(dom, "cpus", 1, 1000) } },
        { D "cpus = (8 bytes): expected a number from 1 to 64", { CELLS(dom, "cpus", 2, 0, 1) } },
        { D "nr_spis = <0x3dd>: expected a number from 1 to 988 (vpl011 uses SPI 0)",
          { CELLS(dom, "nr_spis", 1, 989) } },
        { D "nr_spis = <0x0>: expected a number from 1 to 988 (vpl011 uses SPI 0)",
          { CELLS(dom, "nr_spis", 1, 0) } },
        { D "nr_spis = <0x3dd>: expected a number from 0 to 988",
          { REMOVE(dom, "vpl011"), CELLS(dom, "nr_spis", 1, 989) } },
        { D "corbel,weight = <0x0>: expected a number from 1 to 65535",
          { CELLS(dom, "corbel,weight", 1, 0) } },
        { D "corbel,weight = <0x10000>: expected a number from 1 to 65535",
          { CELLS(dom, "corbel,weight", 1, 65536) } },
        { D "corbel,weight = <0x32353600>: expected a number from 1 to 65535",
          { STR(dom, "corbel,weight", "256") } },
        { D "trap-unmapped-accesses = <0x2>: expected 0 or 1",
          { CELLS(dom, "trap-unmapped-accesses", 1, 2) } },
        { D "trap-unmapped-accesses = (0 bytes): expected 0 or 1",
          { EMPTY(dom, "trap-unmapped-accesses") } },
        { D "xen,domain-p2m-mem-mb = <0x0>: expected MiB, 1 or more",
          { CELLS(dom, "xen,domain-p2m-mem-mb", 1, 0) } },
        { D "xen,domain-p2m-mem-mb = <0x801>: expected MiB, at most the machine's 0x800",
          { CELLS(dom, "xen,domain-p2m-mem-mb", 1, 2049) } },
        { D "domid = <0x7ff0>: expected a number from 0 to 0x7fef",
          { CELLS(dom, "domid", 1, 0x7ff0) } },
        { D "max_grant_version = <0x80000000>: expected a number up to 0x7fffffff",
          { CELLS(dom, "max_grant_version", 1, 0x80000000) } },
        { D "max_grant_frames = <0x80000000>: expected a number up to 0x7fffffff",
          { CELLS(dom, "max_grant_frames", 1, 0x80000000) } },
        { D "max_maptrack_frames = (2 bytes): expected a number up to 0x7fffffff",
          { STR(dom, "max_maptrack_frames", "9") } },
        { D "domain-cpupool = <0x1f42>: expected the phandle of a xen,cpupool node",
          { CELLS(dom, "domain-cpupool", 1, 0x1f42) } },
        { D "domain-cpupool = <0x0>: expected the phandle of a xen,cpupool node",
          { CELLS(dom, "domain-cpupool", 1, 0) } },
        { D "domain-cpupool = <0x77>: expected the phandle of a xen,cpupool node",
          { CELLS("/cpus", "phandle", 1, 0x77), CELLS(dom, "domain-cpupool", 1, 0x77) } },
    };

    check_refusals(list, ARRAY_SIZE(list));
}

static void test_gicv2_has_eight_cpus(void **state)
{
    static const struct edit nine = CELLS(dom, "cpus", 1, 9);

    tree_good();
    tree_edit(&nine);
    assert_int_equal(parse(dom), CORBEL_OK);
    machine.gic.version = GIC_V2;
    assert_int_not_equal(domcfg_parse(&machine, fdt_path_offset(blob, dom), &cfg, &error), 0);
    assert_string_equal(error.text,
                        D "cpus = <0x9>: expected a number from 1 to 8 (the GIC is version 2)");
}

static void test_features_that_do_not_work_yet(void **state)
{
    static const struct refusal list[] = {
        { D "llc-colors = (present): expected it absent: cache coloring does not work yet",
          { STR(dom, "llc-colors", "0-3") } },
        { D "capabilities = <0x2>: expected 0: capabilities do not work yet",
          { CELLS(dom, "capabilities", 1, 2) } },
        { D "capabilities = <0x8>: expected a sum of 1 (control), 2 (hardware) and 4 (xenstore)",
          { CELLS(dom, "capabilities", 1, 8) } },
        { D "sve = (present): expected 0: SVE does not work yet", { EMPTY(dom, "sve") } },
        { D "sve = <0x100>: expected 0: SVE does not work yet", { CELLS(dom, "sve", 1, 256) } },
        { D "sve = (8 bytes): expected a vector length in one cell",
          { CELLS(dom, "sve", 2, 0, 0) } },
        { D "xen,enhanced = (present): expected \"disabled\": the Xen interface does not work yet",
          { EMPTY(dom, "xen,enhanced") } },
        { D
          "xen,enhanced = \"enabled\": expected \"disabled\": the Xen interface does not work yet",
          { STR(dom, "xen,enhanced", "enabled") } },
        { D "xen,enhanced = \"legacy\": expected \"disabled\": the Xen interface does not work yet",
          { STR(dom, "xen,enhanced", "legacy") } },
        { D "xen,enhanced = \"no-xenstore\": expected \"disabled\": the Xen interface does not "
            "work yet",
          { STR(dom, "xen,enhanced", "no-xenstore") } },
        { D "xen,enhanced = \"enabeld\": expected \"enabled\", \"legacy\", \"no-xenstore\" or "
            "\"disabled\"",
          { STR(dom, "xen,enhanced", "enabeld") } },
        { D "xen,enhanced = \"a?b\": expected \"enabled\", \"legacy\", \"no-xenstore\" or "
            "\"disabled\"",
          { STR(dom, "xen,enhanced", "a\033b") } },
        { D "xen,enhanced = \"0123456789012345678901234567890123456789abcdefg...\": expected "
            "\"enabled\", \"legacy\", \"no-xenstore\" or \"disabled\"",
          { STR(dom, "xen,enhanced", "0123456789012345678901234567890123456789abcdefghij") } },
        { D "xen,sci_type = \"scmi_smc\": expected \"none\": SCMI does not work yet",
          { STR(dom, "xen,sci_type", "scmi_smc") } },
        { D "xen,sci_type = \"x\": expected \"none\" or \"scmi_smc\"",
          { STR(dom, "xen,sci_type", "x") } },
        { D "v8r_el1_msa = \"mpu\": expected \"mmu\": this is no Armv8-R build",
          { STR(dom, "v8r_el1_msa", "mpu") } },
        { "/chosen/domU1/evtchn@1: compatible = \"xen,evtchn-v1\": expected no such node: "
          "static event channels do not work yet",
          { ADD_NODE("/chosen/domU1/evtchn@1"),
            STR("/chosen/domU1/evtchn@1", "compatible", "xen,evtchn-v1") } },
    };

    check_refusals(list, ARRAY_SIZE(list));
}

#define VCPU_NODE                                                                          \
    ADD_NODE("/chosen/domU1/vcpu1"), STR("/chosen/domU1/vcpu1", "compatible", "xen,vcpu"), \
        CELLS("/chosen/domU1/vcpu1", "id", 1, 1)
#define AFFINITY(s)                                               \
    {                                                             \
        VCPU_NODE, STR("/chosen/domU1/vcpu1", "hard-affinity", s) \
    }

static void test_vcpu_refusals(void **state)
{
    static const struct refusal list[] = {
        { V "id = (missing): expected a vCPU number in one cell",
          { VCPU_NODE, REMOVE("/chosen/domU1/vcpu1", "id") } },
        { V "id = (8 bytes): expected a vCPU number in one cell",
          { VCPU_NODE, CELLS("/chosen/domU1/vcpu1", "id", 2, 0, 1) } },
        { V "id = <0x2>: expected a number below the domain's cpus, 2",
          { VCPU_NODE, CELLS("/chosen/domU1/vcpu1", "id", 1, 2) } },
        { V "hard-affinity = \"0-x\": expected CPU numbers such as \"0-3,5\"", AFFINITY("0-x") },
        { V "hard-affinity = \"\": expected CPU numbers such as \"0-3,5\"", AFFINITY("") },
        { V "hard-affinity = \"garbage\": expected CPU numbers such as \"0-3,5\"",
          AFFINITY("garbage") },
        { V "hard-affinity = \"3-1\": expected CPU numbers such as \"0-3,5\"", AFFINITY("3-1") },
        { V "hard-affinity = \"1,\": expected CPU numbers such as \"0-3,5\"", AFFINITY("1,") },
        { V "hard-affinity = \"0 \": expected CPU numbers such as \"0-3,5\"", AFFINITY("0 ") },
        { V "hard-affinity = \"9\": expected CPU numbers below 4; there is no CPU 9",
          AFFINITY("9") },
        { V "hard-affinity = \"0,2-5\": expected CPU numbers below 4; there is no CPU 4",
          AFFINITY("0,2-5") },
        { V "hard-affinity = \"64\": expected CPU numbers below 4", AFFINITY("64") },
        { V "hard-affinity = \"0-99999999999\": expected CPU numbers below 4",
          AFFINITY("0-99999999999") },
        { V "hard-affinity = (4 bytes): expected CPU numbers such as \"0-3,5\"",
          { VCPU_NODE, CELLS("/chosen/domU1/vcpu1", "hard-affinity", 1, 0x30313233) } },
    };
    static const struct edit twice[] = {
        VCPU_NODE,
        ADD_NODE("/chosen/domU1/vcpuX"),
        STR("/chosen/domU1/vcpuX", "compatible", "xen,vcpu"),
        CELLS("/chosen/domU1/vcpuX", "id", 1, 1),
    };

    check_refusals(list, ARRAY_SIZE(list));
    tree_good();
    tree_edits(twice, ARRAY_SIZE(twice));
    assert_int_not_equal(parse(dom), CORBEL_OK);
    assert_string_equal(error.text, V "id = <0x1>: expected one node for each vCPU");
}

static void test_names(void **state)
{
    static const struct edit long_name[] = {
        ADD_NODE("/chosen/a-name-that-is-much-longer-than-thirty-one@1"),
        ADD_NODE("/chosen/@77"),
    };
    char name[DOMAIN_NAME_MAX];

    tree_good();
    tree_edits(long_name, 2);
    domprop_node_name(blob, fdt_path_offset(blob, long_name[0].path), name, sizeof(name));
    assert_string_equal(name, "a-name-that-is-much-longer-than");
    domprop_node_name(blob, fdt_path_offset(blob, "/chosen/@77"), name, sizeof(name));
    assert_string_equal(name, "@77");
}

static void test_next_walks_in_tree_order(void **state)
{
    int first, second;

    second_domain(0x58000000, 0x1000);
    first = domcfg_next(blob, -1);
    assert_int_equal(first, fdt_path_offset(blob, "/chosen/domU2")); /* added last, in front */
    second = domcfg_next(blob, first);
    assert_int_equal(second, fdt_path_offset(blob, "/chosen/domU1"));
    assert_true(domcfg_next(blob, second) < 0);

    assert_int_equal(fdt_create_empty_tree(blob, sizeof(blob)), 0);
    assert_true(domcfg_next(blob, -1) < 0);
}

/* Two domains that use all there is: static and shared memory, a device tree, direct-map. */
static void full_tree(void)
{
    static const struct edit edits[] = {
        CELLS("/chosen/domU2/r", "reg", 4, 0, 0x54000000, 0, 0x100000),
        EMPTY(dom, "direct-map"),
        CELLS(dom, "xen,static-mem", 8, 0, 0x60000000, 0, 0x1000000, 0, 0x80000000, 0, 0x7000000),
        ADD_NODE("/chosen/domU1/dtb"),
        RAW("/chosen/domU1/dtb", "compatible", "multiboot,device-tree\0multiboot,module\0"),
        CELLS("/chosen/domU1/dtb", "reg", 4, 0, 0x58000000, 0, 0x1000),
        ADD_NODE("/chosen/domU1/shm"),
        STR("/chosen/domU1/shm", "compatible", "xen,domain-shared-memory-v1"),
        STR("/chosen/domU1/shm", "xen,shm-id", "pages"),
        STR("/chosen/domU1/shm", "role", "owner"),
        CELLS("/chosen/domU1/shm", "xen,shared-mem", 6, 0, 0x70000000, 0, 0x70000000, 0, 0x10000),
        ADD_NODE("/chosen/domU2/shm"),
        STR("/chosen/domU2/shm", "compatible", "xen,domain-shared-memory-v1"),
        STR("/chosen/domU2/shm", "xen,shm-id", "pages"),
        EMPTY("/chosen/domU2/shm", "corbel,read-only"),
        CELLS("/chosen/domU2/shm", "xen,shared-mem", 6, 0, 0x70000000, 0, 0x30000000, 0, 0x10000),
    };

    second_domain(0x54000000, 0x100000);
    tree_edits(edits, ARRAY_SIZE(edits));
}

static void test_full_tree(void **state)
{
    full_tree();
    assert_int_equal(parse("/chosen/domU2"), CORBEL_OK);
    assert_int_equal(parse(dom), CORBEL_OK);
    assert_int_equal(cfg.static_mem_count, 2);
    assert_int_equal(cfg.shm_count, 1);
}

/* Damage anywhere in a good tree: any answer will do, as long as it is one. */
static void test_damaged_trees(void **state)
{
    u32 seed = 1, size, sound = 0;

    for (u32 round = 0; round < 20000; round++) {
        u8 *bytes = (u8 *)blob;
        int node;

        if (round % 50 == 0) {
            round % 100 ? full_tree() : tree_good();
            assert_int_equal(fdt_pack(blob), 0);
        }
        size = fdt_totalsize(blob);
        seed = seed * 1664525 + 1013904223;
        bytes[fdt_off_dt_struct(blob) + (seed >> 8) % (size - fdt_off_dt_struct(blob))] =
            (u8)(seed >> 24);
        if (fdt_check_full(blob, sizeof(blob)) != 0) {
            tree_good();
            continue;
        }
        sound++;
        machine_read();
        for (node = domcfg_next(blob, -1); node >= 0; node = domcfg_next(blob, node))
            if (domcfg_parse(&machine, node, &cfg, &error) != CORBEL_OK)
                assert_non_null(strstr(error.text, ": expected "));
    }
    assert_true(sound > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_domain),
        cmocka_unit_test(test_every_property),
        cmocka_unit_test(test_forms_of_vpl011),
        cmocka_unit_test(test_basic_refusals),
        cmocka_unit_test(test_gicv2_has_eight_cpus),
        cmocka_unit_test(test_features_that_do_not_work_yet),
        cmocka_unit_test(test_vcpu_refusals),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_next_walks_in_tree_order),
        cmocka_unit_test(test_full_tree),
        cmocka_unit_test(test_damaged_trees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

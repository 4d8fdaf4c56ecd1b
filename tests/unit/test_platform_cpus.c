/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPUs of the platform and how they are started: each machine's way, and nodes
 * that must not become a CPU.
 */
#include "machines.h"

static void psci_cpus(void **state)
{
    virt_machine(false);
    set_cells("/cpus/cpu@1", "phandle", 0x8001);
    machine_read();
    assert_int_equal(p.cpu_count, 2);
    assert_int_equal(p.cpus_ignored, 0);
    assert_true(p.cpus[1].mpidr == 1);
    assert_int_equal(p.cpus[1].method, CPU_METHOD_PSCI);
    assert_int_equal(p.cpus[0].phandle, 0);
    assert_int_equal(p.cpus[1].phandle, 0x8001);
    assert_string_equal(p.cpus[0].compatible, "arm,cortex-a57");
}

/* Versal as QEMU describes it: a PSCI node, no enable-method anywhere. */
static void method_missing_means_psci(void **state)
{
    virt_machine(false);
    del_prop("/cpus/cpu@0", "enable-method");
    del_prop("/cpus/cpu@1", "enable-method");
    machine_read();
    assert_int_equal(p.cpus[0].method, CPU_METHOD_PSCI);
    assert_int_equal(p.cpus[1].method, CPU_METHOD_PSCI);
    assert_string_equal(p.notes, "");

    del_node("/psci");
    machine_read();
    assert_int_equal(p.cpu_count, 2);
    assert_int_equal(p.cpus[1].method, CPU_METHOD_NONE);
    assert_non_null(
        strstr(p.notes, "/cpus/cpu@1: enable-method = \"\": expected psci or spin-table\n"));
}

static void the_nearest_method_counts(void **state)
{
    virt_machine(false);
    del_prop("/cpus/cpu@1", "enable-method");
    set_list("/cpus", "enable-method", "brcm,bcm2836-smp");
    machine_read();
    assert_int_equal(p.cpus[0].method, CPU_METHOD_PSCI);
    assert_int_equal(p.cpus[1].method, CPU_METHOD_NONE);
    set_list("/cpus", "enable-method", "psci");
    machine_read();
    assert_int_equal(p.cpus[1].method, CPU_METHOD_PSCI);
}

static void spin_table(void **state)
{
    raspi_machine();
    machine_read();
    assert_int_equal(p.cpu_count, 2);
    assert_int_equal(p.cpus_ignored, 0);
    assert_int_equal(p.psci_conduit, SMCCC_NONE);
    assert_int_equal(p.cpus[1].method, CPU_METHOD_SPIN_TABLE);
    assert_true(p.cpus[1].release_addr == 0xe0);
    assert_int_equal(p.reserved_count, 1); /* the tree's own reservation has it */
    assert_string_equal(p.cpus[1].compatible, "arm,cortex-a72");

    set_cells("/cpus/cpu@1", "cpu-release-addr", 0xe8); /* one cell is seen too */
    machine_read();
    assert_true(p.cpus[1].release_addr == 0xe8);
    set_cells("/cpus/cpu@1", "cpu-release-addr", 0x120e8);
    machine_read();
    assert_int_equal(p.reserved_count, 2); /* nobody's: a CPU that is left out waits there */
    assert_int_equal(p.reserved[1].base, 0x12000);
    assert_int_equal(p.reserved[1].size, 0x1000);
    del_prop("/cpus/cpu@1", "cpu-release-addr");
    machine_read();
    assert_int_equal(p.cpus[1].method, CPU_METHOD_NONE);
    assert_string_equal(p.notes, "/cpus/cpu@1: cpu-release-addr: expected an address\n");
}

static void psci_nodes(void **state)
{
    virt_machine(false);
    set_list("/psci", "method", "hvc"); /* an HVC of EL2's would come back to EL2 */
    machine_read();
    assert_int_equal(p.psci_conduit, SMCCC_NONE);
    assert_int_equal(p.cpus[1].method, CPU_METHOD_NONE);
    assert_ptr_equal(strstr(p.notes, "/psci: method = \"hvc\": expected smc\n"), p.notes);

    set_list("/psci", "method", "svc");
    machine_read();
    assert_int_equal(p.psci_conduit, SMCCC_NONE);
    assert_int_equal(p.cpus[0].method, CPU_METHOD_NONE);
    assert_string_equal(
        p.notes, "/psci: method = \"svc\": expected smc\n"
                 "/cpus/cpu@0: enable-method = \"psci\", but there is no usable PSCI node\n"
                 "/cpus/cpu@1: enable-method = \"psci\", but there is no usable PSCI node\n");
    del_prop("/psci", "method");
    machine_read();
    assert_int_equal(p.psci_conduit, SMCCC_NONE);

    set_list("/psci", "method", "smc");
    set_list("/psci", "compatible", "arm,psci");
    machine_read();
    assert_int_equal(p.psci_conduit, SMCCC_NONE);
    assert_true(p.psci_0_1);
    set_list("/psci", "compatible", "arm,psci-0.1");
    machine_read();
    assert_int_equal(p.psci_conduit, SMCCC_NONE);
    set_list("/psci", "compatible", "arm,psci-0.2");
    machine_read();
    assert_int_equal(p.psci_conduit, SMCCC_SMC);
    assert_false(p.psci_0_1);
    set_list("/psci", "compatible", "arm,psci-1.3");
    machine_read();
    assert_int_equal(p.psci_conduit, SMCCC_SMC);
    set_list("/psci", "status", "disabled");
    machine_read();
    assert_int_equal(p.psci_conduit, SMCCC_NONE);
}

static void an_old_node_does_not_hide_a_new_one(void **state)
{
    virt_machine(false);
    add_node("/", "firmware"); /* in front of /psci */
    add_node("/firmware", "psci");
    set_list("/firmware/psci", "compatible", "arm,psci");
    machine_read();
    assert_int_equal(p.psci_conduit, SMCCC_SMC);
    assert_false(p.psci_0_1);
}

static void numbers_of_cpus(void **state)
{
    virt_machine(false);
    set_cells("/cpus/cpu@1", "reg", 0x12, 0x80030201); /* two cells, and MPIDR's RES1 bit 31 */
    machine_read();
    assert_true(p.cpus[1].mpidr == 0x1200030201ull);
    assert_string_equal(
        p.notes, "/cpus/cpu@1: reg = 0x1280030201: bits outside the affinity fields ignored\n");

    set_cells("/cpus/cpu@1", "reg", 0);
    machine_read();
    assert_int_equal(p.cpu_count, 1);
    assert_int_equal(p.cpus_ignored, 1);
    assert_string_equal(p.notes,
                        "/cpus/cpu@1: reg = 0x0: a CPU before it has the same; not used\n");
    set_cells("/cpus/cpu@1", "reg", 0, 0, 1);
    machine_read();
    assert_int_equal(p.cpu_count, 1);
    del_prop("/cpus/cpu@1", "reg");
    machine_read();
    assert_int_equal(p.cpu_count, 1);
    assert_string_equal(p.notes, "/cpus/cpu@1: reg: expected one or two cells; CPU not used\n");
}

static void nodes_that_are_no_cpu(void **state)
{
    virt_machine(false);
    set_list("/cpus/cpu@1", "status", "disabled");
    machine_read();
    assert_int_equal(p.cpu_count, 1);
    assert_int_equal(p.cpus_ignored, 1);
    del_prop("/cpus/cpu@1", "device_type");
    machine_read();
    assert_int_equal(p.cpu_count, 1);
    assert_int_equal(p.cpus_ignored, 0);
    del_prop("/cpus/cpu@0", "compatible");
    machine_read();
    assert_string_equal(p.cpus[0].compatible, "");
    set_list("/cpus/cpu@0", "compatible",
             "vendor,a-compatible-string-that-is-longer-than-what-is-kept");
    machine_read();
    assert_int_equal(strlen(p.cpus[0].compatible), sizeof(p.cpus[0].compatible) - 1);
    del_node("/cpus");
    machine_read();
    assert_int_equal(p.cpu_count, 0);
}

static void more_cpus_than_fit(void **state)
{
    u32 i;

    tree_begin();
    root_cells(2, 2);
    psci("smc");
    node("cpus");
    root_cells(1, 0);
    for (i = 0; i < MAX_CPUS + 3; i++)
        cpu(i, NULL);
    end();
    tree_end();
    machine_read();
    assert_int_equal(p.cpu_count, MAX_CPUS);
    assert_int_equal(p.cpus_ignored, 3);
    assert_true(p.cpus[MAX_CPUS - 1].mpidr == MAX_CPUS - 1);
    assert_string_equal(p.notes, "/cpus: 3 CPUs not used, 64 is the limit\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(psci_cpus),
        cmocka_unit_test(method_missing_means_psci),
        cmocka_unit_test(the_nearest_method_counts),
        cmocka_unit_test(spin_table),
        cmocka_unit_test(psci_nodes),
        cmocka_unit_test(an_old_node_does_not_hide_a_new_one),
        cmocka_unit_test(numbers_of_cpus),
        cmocka_unit_test(nodes_that_are_no_cpu),
        cmocka_unit_test(more_cpus_than_fit),
    };

    return cmocka_run_group_tests(tests, NULL, tree_free);
}

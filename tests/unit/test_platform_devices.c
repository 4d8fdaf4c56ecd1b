/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GIC, timer and UART of the platform: as each machine describes them, and
 * which of several is taken when some are disabled, foreign or broken.
 */
#include "machines.h"

#define INTC "/intc@8000000"
#define UART "/pl011@9000000"

/* ---- GIC ---- */

static void gicv3(void **state)
{
    virt_machine(false);
    machine_read();
    assert_int_equal(p.gic.version, GIC_V3);
    assert_int_equal(p.gic.phandle, 0x8002);
    check_range(&p.gic.gicd, 0x8000000, 0x10000);
    assert_int_equal(p.gic.gicr_count, 1);
    check_range(&p.gic.gicr[0], 0x80a0000, 0xf60000);
    assert_true(p.gic.gicr_stride == 0);
    assert_int_equal(p.gic.maintenance_intid, 25);
    assert_true(p.gic.gicc.size == 0 && p.gic.gich.size == 0 && p.gic.gicv.size == 0);
}

static void gicv3_regions_and_windows(void **state)
{
    virt_machine(false);
    set_cells(INTC, "#redistributor-regions", 2);
    set_cells(INTC, "redistributor-stride", 0, 0x40000);
    set_cells(INTC, "reg", 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0, 0xf60000, 0x40, 0, 0, 0x20000,
              0, 0x1000, 0, 0x2000, 0, 0x3000, 0, 0x2000, 0, 0x5000, 0, 0x2000);
    machine_read();
    assert_int_equal(p.gic.gicr_count, 2);
    check_range(&p.gic.gicr[1], 0x4000000000ull, 0x20000);
    assert_true(p.gic.gicr_stride == 0x40000);
    check_range(&p.gic.gicc, 0x1000, 0x2000);
    check_range(&p.gic.gich, 0x3000, 0x2000);
    check_range(&p.gic.gicv, 0x5000, 0x2000);
    assert_string_equal(p.notes, "");
}

static void gicv3_written_badly(void **state)
{
    virt_machine(false);
    set_cells(INTC, "#redistributor-regions", 0xffffffff);
    machine_read();
    assert_int_equal(p.gic.version, GIC_V3);
    assert_int_equal(p.gic.gicr_count, 1);
    assert_true(p.gic.gicc.size == 0);
    assert_string_equal(p.notes, INTC ": using 1 of 4294967295 redistributor regions\n");

    set_cells(INTC, "#redistributor-regions", 0);
    set_cells(INTC, "redistributor-stride", 0x1000);
    machine_read();
    assert_int_equal(p.gic.gicr_count, 1);
    assert_true(p.gic.gicr_stride == 0);
    assert_string_equal(p.notes, INTC ": redistributor-stride: expected a multiple of 64 KiB\n");

    set_cells(INTC, "redistributor-stride", 1, 2, 3);
    set_cells(INTC, "interrupts", 0, 9, 4); /* an SPI */
    machine_read();
    assert_int_equal(p.gic.maintenance_intid, 25);
    assert_non_null(strstr(p.notes, INTC ": interrupts: no maintenance PPI, taking 25\n"));

    set_cells(INTC, "reg", 0, 0x8000000, 0, 0x10000);
    machine_read();
    assert_int_equal(p.gic.version, GIC_NONE);
    assert_non_null(strstr(p.notes, INTC ": using 0 of 1 redistributor regions\n"));
    del_prop(INTC, "reg");
    machine_read();
    assert_int_equal(p.gic.version, GIC_NONE);
    assert_non_null(strstr(p.notes, INTC ": reg: distributor expected\n"));
}

static void gicv2_behind_ranges(void **state)
{
    raspi_machine();
    machine_read();
    assert_int_equal(p.gic.version, GIC_V2);
    check_range(&p.gic.gicd, 0xff841000, 0x1000);
    check_range(&p.gic.gicc, 0xff842000, 0x2000);
    check_range(&p.gic.gich, 0xff844000, 0x2000);
    check_range(&p.gic.gicv, 0xff846000, 0x2000);
    assert_int_equal(p.gic.maintenance_intid, 25);

    del_prop("/soc", "ranges"); /* nothing on this bus has an address any more */
    machine_read();
    assert_int_equal(p.gic.version, GIC_NONE);
    assert_int_equal(p.uart.kind, UART_NONE);
}

static void gicv2_that_points_to_itself(void **state)
{
    zcu102_machine();
    machine_read();
    assert_int_equal(p.gic.version, GIC_V2);
    check_range(&p.gic.gicc, 0xf9020000, 0x20000);
    check_range(&p.gic.gicv, 0xf9060000, 0x20000);
    assert_int_equal(p.gic.maintenance_intid, 25);
    assert_int_equal(p.timer.virt, 27);
}

static void gicv2_without_virtualization(void **state)
{
    virt_machine(false);
    set_list(INTC, "compatible", "arm,cortex-a15-gic");
    set_cells(INTC, "reg", 0, 0x8000000, 0, 0x10000, 0, 0x8010000, 0, 0x10000);
    machine_read();
    assert_int_equal(p.gic.version, GIC_NONE);
    assert_string_equal(p.notes, INTC ": reg: no GICH and GICV, so no virtualization extensions\n");
    set_cells(INTC, "reg", 0, 0x8000000, 0, 0x10000);
    machine_read();
    assert_string_equal(p.notes, INTC ": reg: distributor and CPU interface expected\n");
    set_cells(INTC, "reg", 0, 0x8000000, 0, 0x10000, 0, 0x8010000, 0, 0x10000, 0, 0x8030000, 0,
              0x10000, 0, 0x8040000, 0, 0x10000);
    machine_read();
    assert_int_equal(p.gic.version, GIC_V2);
    check_range(&p.gic.gich, 0x8030000, 0x10000);
}

static void a_usable_gic_is_preferred(void **state)
{
    virt_machine(false);
    add_node("/", "a-disabled-gic");
    set_list("/a-disabled-gic", "compatible", "arm,gic-v3");
    set_list("/a-disabled-gic", "status", "disabled");
    add_node("/", "a-foreign-intc");
    set_list("/a-foreign-intc", "compatible", "brcm,bcm2836-l1-intc");
    add_node("/", "a-broken-gic");
    set_list("/a-broken-gic", "compatible", "arm,gic-400");
    machine_read();
    assert_int_equal(p.gic.version, GIC_V3);
    check_range(&p.gic.gicd, 0x8000000, 0x10000);
    set_list(INTC, "status", "disabled");
    machine_read();
    assert_int_equal(p.gic.version, GIC_NONE);
}

/* ---- timer ---- */

static void timer_in_fixed_order(void **state)
{
    virt_machine(false);
    set_cells("/timer", "clock-frequency", 62500000);
    machine_read();
    assert_int_equal(p.timer.phys_secure, 29);
    assert_int_equal(p.timer.phys, 30);
    assert_int_equal(p.timer.virt, 27);
    assert_int_equal(p.timer.hyp, 26);
    assert_int_equal(p.timer.clock_frequency, 62500000);
}

static void timer_by_names(void **state)
{
    virt_machine(false);
    set_list("/timer", "interrupt-names", "phys\0virt\0hyp-phys\0hyp-virt");
    set_cells("/timer", "interrupts", 1, 14, 4, 1, 11, 4, 1, 10, 4, 1, 12, 4);
    machine_read();
    assert_int_equal(p.timer.phys_secure, 0); /* no EL3: legal */
    assert_int_equal(p.timer.phys, 30);
    assert_int_equal(p.timer.virt, 27);
    assert_int_equal(p.timer.hyp, 26);
    assert_string_equal(p.notes, "");
}

static void timer_written_badly(void **state)
{
    virt_machine(false);
    set_cells("/timer", "interrupts", 1, 13, 4, 0, 14, 4, 1, 99, 4);
    set_cells("/timer", "clock-frequency", 0, 1);
    machine_read();
    assert_int_equal(p.timer.phys_secure, 29);
    assert_int_equal(p.timer.phys, 0);
    assert_int_equal(p.timer.virt, 0);
    assert_int_equal(p.timer.hyp, 0);
    assert_int_equal(p.timer.clock_frequency, 0);
    assert_string_equal(p.notes, "/timer: interrupts: no phys PPI\n"
                                 "/timer: interrupts: no virt PPI\n"
                                 "/timer: interrupts: no hyp-phys PPI\n"
                                 "/timer: clock-frequency: expected one cell\n");
    set_list("/timer", "compatible", "arm,armv7-timer");
    machine_read();
    assert_int_equal(p.timer.phys_secure, 0);
    assert_string_equal(p.notes, "");
}

/* ---- PMU ---- */

static void add_pmu(const char *name, const char *path, const char *compatible, u32 ppi)
{
    add_node("/", name);
    tree_ok(fdt_setprop_string(tree_room, tree_at(path), "compatible", compatible));
    set_cells(path, "interrupt-parent", 0x8002);
    set_cells(path, "interrupts", 1, ppi, 4);
}

static void pmu_of_one_kind(void **state)
{
    virt_machine(false);
    machine_read();
    assert_int_equal(p.pmu.intid, 0);
    assert_int_equal(p.pmu.nodes, 0);

    add_pmu("pmu", "/pmu", "arm,armv8-pmuv3", 7);
    machine_read();
    assert_int_equal(p.pmu.intid, 23);
    assert_string_equal(p.pmu.compatible, "arm,armv8-pmuv3");

    set_list("/pmu", "compatible", "arm,cortex-a72-pmu\0arm,armv8-pmuv3");
    machine_read();
    assert_string_equal(p.pmu.compatible, "arm,cortex-a72-pmu");
    set_list("/pmu", "compatible", "arm,cortex-a53-pmu");
    machine_read();
    assert_int_equal(p.pmu.intid, 23);
    assert_string_equal(p.pmu.compatible, "arm,cortex-a53-pmu");
    assert_string_equal(p.notes, "");

    set_list("/pmu", "compatible", "vendor,a-name-that-is-so-long-that-nobody-reads-it-pmu");
    machine_read();
    assert_int_equal(p.pmu.intid, 23);
    assert_string_equal(p.pmu.compatible, "");
    set_list("/pmu", "compatible", "pmu"); /* of no vendor, perhaps power management */
    machine_read();
    assert_int_equal(p.pmu.nodes, 0);
}

static void pmus_of_two_kinds(void **state)
{
    virt_machine(false);
    add_pmu("pmu-a53", "/pmu-a53", "arm,cortex-a53-pmu", 7);
    add_pmu("pmu-a72", "/pmu-a72", "arm,cortex-a72-pmu", 7);
    machine_read();
    assert_int_equal(p.pmu.nodes, 2);
    assert_int_equal(p.pmu.intid, 23);
    assert_string_equal(p.pmu.compatible, "");
    set_cells("/pmu-a72", "interrupts", 1, 8, 4);
    machine_read();
    assert_int_equal(p.pmu.intid, 0);
    assert_string_equal(p.notes, "");
}

/* Without a PPI, disabled, or of something else that is called so. */
static void pmu_written_badly(void **state)
{
    virt_machine(false);
    add_pmu("pmu", "/pmu", "arm,dsu-pmu", 7);
    set_cells("/pmu", "interrupts", 0, 7, 4);
    machine_read();
    assert_int_equal(p.pmu.nodes, 0);
    assert_string_equal(p.notes, "/pmu: interrupts: no PPI: guests get none from this PMU\n");
    set_cells("/pmu", "interrupts", 1, 16, 4);
    machine_read();
    assert_int_equal(p.pmu.nodes, 0);
    set_cells("/pmu", "interrupts", 1, 7, 4);
    set_list("/pmu", "status", "disabled");
    machine_read();
    assert_int_equal(p.pmu.nodes, 0);
    set_list("/pmu", "status", "okay");
    set_cells("/pmu", "reg", 0, 0x1000, 0, 0x1000);
    machine_read();
    assert_int_equal(p.pmu.nodes, 0);
    assert_string_equal(p.notes, "");
}

/* ---- UART ---- */

static void uart_of_dtuart(void **state)
{
    virt_machine(false);
    machine_read();
    assert_int_equal(p.uart.kind, UART_PL011);
    check_range(&p.uart.regs, 0x9000000, 0x1000);
    assert_int_equal(p.uart.intid, 33);
    assert_true(p.uart.level);
    assert_string_equal(p.uart.path, UART);

    set_list("/chosen", "xen,xen-bootargs", "dtuart=serial0:115200n8");
    set_list("/chosen", "stdout-path", "/none");
    machine_read();
    assert_string_equal(p.uart.path, UART);
    assert_string_equal(p.notes, "");
}

static void uart_of_stdout_path(void **state)
{
    virt_machine(false);
    add_node("/", "pl011@1000"); /* in front of the other */
    set_list("/pl011@1000", "compatible", "arm,pl011");
    set_cells("/pl011@1000", "reg", 0, 0x1000, 0, 0x1000);
    set_list("/chosen", "xen,xen-bootargs", "");
    machine_read();
    assert_string_equal(p.uart.path, UART);

    del_prop("/chosen", "stdout-path");
    set_list("/chosen", "linux,stdout-path", UART ":9600");
    machine_read();
    assert_string_equal(p.uart.path, UART);

    del_prop("/chosen", "linux,stdout-path");
    machine_read();
    assert_string_equal(p.uart.path, "/pl011@1000");
    assert_int_equal(p.uart.intid, 0); /* no interrupts: polled */
}

/* Names are shown: they must not say anything to a terminal. */
static void names_with_control_characters(void **state)
{
    virt_machine(false);
    add_node("/", "pl\033[2J@1000");
    set_list("/pl\033[2J@1000", "compatible", "arm,pl011");
    set_cells("/pl\033[2J@1000", "reg", 0, 0x1000, 0, 0x1000);
    set_list("/chosen", "xen,xen-bootargs", "dtuart=/pl\033[2J@1000");
    set_list("/", "model", "a\033c\nb");
    machine_read();
    check_range(&p.uart.regs, 0x1000, 0x1000);
    assert_string_equal(p.uart.path, "/pl?[2J@1000");
    assert_string_equal(p.model, "a?c?b");
}

static void uart_that_is_asked_for_in_vain(void **state)
{
    static const char *const names[] = { "serial9", "/none", "/timer", "serial0x", ":115200" };
    char text[64];
    u32 i;

    for (i = 0; i < ARRAY_SIZE(names); i++) {
        virt_machine(true);
        snprintf(text, sizeof(text), "dtuart=%s", names[i]);
        tree_ok(fdt_setprop_string(tree_room, tree_at("/chosen"), "xen,xen-bootargs", text));
        machine_read();
        assert_string_equal(p.uart.path, UART);
        snprintf(text, sizeof(text), "dtuart=%s: no UART that this build drives\n", names[i]);
        assert_string_equal(p.notes, text);
    }
}

/* Its console is the mini UART, which nothing here drives: the PL011 that is enabled is taken. */
static void uart_of_another_kind(void **state)
{
    raspi_machine();
    machine_read();
    assert_int_equal(p.uart.kind, UART_PL011);
    check_range(&p.uart.regs, 0xfe201000, 0x200);
    assert_int_equal(p.uart.intid, 153);
    assert_string_equal(p.uart.path, "/soc/serial@7e201000");
}

static void uart_of_the_secure_world(void **state)
{
    virt_machine(true); /* the disabled twin stands first */
    set_list("/chosen", "xen,xen-bootargs", "dtuart=/pl011@9040000");
    del_prop("/chosen", "stdout-path");
    machine_read();
    assert_string_equal(p.uart.path, UART);
}

static void uart_kinds(void **state)
{
    zcu102_machine();
    machine_read();
    assert_int_equal(p.uart.kind, UART_SBSA);
    assert_int_equal(p.uart.intid, 53);

    virt_machine(false);
    set_list(UART, "compatible", "arm,pl011\0arm,sbsa-uart"); /* Versal says both */
    machine_read();
    assert_int_equal(p.uart.kind, UART_PL011);
    set_list(UART, "compatible", "ns16550a");
    machine_read();
    assert_int_equal(p.uart.kind, UART_NONE);
    assert_string_equal(p.uart.path, "");
}

static void uart_written_badly(void **state)
{
    static char text[200];

    virt_machine(false);
    set_cells(UART, "reg", 0, 0x9000000, 0, 0);
    machine_read();
    assert_int_equal(p.uart.kind, UART_NONE);

    virt_machine(false);
    set_cells(UART, "interrupt-parent", 0x7777);
    machine_read();
    assert_int_equal(p.uart.kind, UART_PL011);
    assert_int_equal(p.uart.intid, 0);

    memset(text, '/', sizeof(text) - 1);
    tree_ok(fdt_setprop(tree_room, tree_at("/chosen"), "stdout-path", text, sizeof(text)));
    set_list("/chosen", "xen,xen-bootargs", "");
    machine_read();
    assert_string_equal(p.uart.path, UART);
    set_raw("/chosen", "stdout-path", UART);
    machine_read();
    assert_string_equal(p.uart.path, UART);
    del_node("/chosen");
    machine_read();
    assert_string_equal(p.uart.path, UART);
}

/* ---- hidden registers ---- */

static void check_hidden(u32 index, u64 base, u64 size, const char *what)
{
    assert_true(index < p.hidden_count);
    check_range(&p.hidden[index].range, base, size);
    assert_string_equal(p.hidden[index].what, what);
}

static void hidden_registers(void **state)
{
    static const char *const smmus[] = { "arm,smmu-v3", "arm,smmu-v1", "arm,smmu-v2",
                                         "arm,mmu-400", "arm,mmu-401", "arm,mmu-500" };
    u32 i;

    virt_machine(false);
    add_node("/", "v2m");
    set_list("/v2m", "compatible", "arm,gic-v2m-frame");
    set_cells("/v2m", "reg", 0, 0x8020000, 0, 0x1000);
    add_node("/", "smmu");
    set_list("/smmu", "status", "disabled");
    set_cells("/smmu", "reg", 0, 0x9050000, 0, 0x20000, 0, 0, 0, 0, 0, 0x9070000, 0, 0x1000);
    for (i = 0; i < ARRAY_SIZE(smmus); i++) {
        tree_ok(fdt_setprop_string(tree_room, tree_at("/smmu"), "compatible", smmus[i]));
        machine_read();
        assert_int_equal(p.hidden_count, 6);
        check_hidden(0, 0x9050000, 0x20000, "an SMMU");
        check_hidden(1, 0x9070000, 0x1000, "an SMMU");
        check_hidden(2, 0x8020000, 0x1000, "a GICv2m frame");
        check_hidden(3, 0x8000000, 0x10000, "a GIC");
        check_hidden(4, 0x80a0000, 0xf60000, "a GIC");
        check_hidden(5, 0x8080000, 0x20000, "a GIC ITS");
    }
    set_list("/smmu", "compatible", "vendor,unknown");
    machine_read();
    assert_int_equal(p.hidden_count, 4);
    set_cells("/smmu", "#iommu-cells", 1); /* whatever its maker calls it */
    machine_read();
    check_hidden(0, 0x9050000, 0x20000, "an IOMMU");
}

/* On the second bus nothing can be reached; its first register is not the last that counts. */
static void hidden_registers_behind_ranges(void **state)
{
    raspi_machine();
    machine_read();
    assert_int_equal(p.hidden_count, 4);
    check_hidden(3, 0xff846000, 0x2000, "a GIC");
    set_cells("/soc/interrupt-controller@40041000", "reg", 0x10, 0x10, 0x40042000, 0x2000);
    machine_read();
    assert_int_equal(p.hidden_count, 1);
    check_hidden(0, 0xff842000, 0x2000, "a GIC");
    set_cells("/soc", "#address-cells", 3); /* no address is one: and no endless search */
    machine_read();
    assert_int_equal(p.hidden_count, 0);
}

static void too_many_hidden_registers(void **state)
{
    char name[16];
    u32 i;

    tree_begin();
    root_cells(1, 1);
    for (i = 0; i < PLATFORM_HIDDEN_MAX + 2; i++) {
        snprintf(name, sizeof(name), "smmu@%x", i);
        node(name);
        list("compatible", "arm,smmu-v3");
        cells("reg", 0x10000000 - i * 0x10000, 0x1000);
        end();
    }
    tree_end();
    machine_read();
    assert_int_equal(p.hidden_count, PLATFORM_HIDDEN_MAX);
    check_hidden(PLATFORM_HIDDEN_MAX - 1, 0xfbf0000, 0x21000, "an SMMU");
    assert_string_equal(p.notes,
                        "/smmu@40: more than 64 ranges to hide: no domain gets 0xfc00000+0x11000\n"
                        "/smmu@41: more than 64 ranges to hide: no domain gets 0xfbf0000+0x21000\n"
                        "50 SMMUs are not driven: more than 16\n");
    assert_int_equal(p.iommu_count, PLATFORM_IOMMU_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gicv3),
        cmocka_unit_test(gicv3_regions_and_windows),
        cmocka_unit_test(gicv3_written_badly),
        cmocka_unit_test(gicv2_behind_ranges),
        cmocka_unit_test(gicv2_that_points_to_itself),
        cmocka_unit_test(gicv2_without_virtualization),
        cmocka_unit_test(a_usable_gic_is_preferred),
        cmocka_unit_test(timer_in_fixed_order),
        cmocka_unit_test(timer_by_names),
        cmocka_unit_test(timer_written_badly),
        cmocka_unit_test(pmu_of_one_kind),
        cmocka_unit_test(pmus_of_two_kinds),
        cmocka_unit_test(pmu_written_badly),
        cmocka_unit_test(uart_of_dtuart),
        cmocka_unit_test(uart_of_stdout_path),
        cmocka_unit_test(names_with_control_characters),
        cmocka_unit_test(uart_that_is_asked_for_in_vain),
        cmocka_unit_test(uart_of_another_kind),
        cmocka_unit_test(uart_of_the_secure_world),
        cmocka_unit_test(uart_kinds),
        cmocka_unit_test(uart_written_badly),
        cmocka_unit_test(hidden_registers),
        cmocka_unit_test(hidden_registers_behind_ranges),
        cmocka_unit_test(too_many_hidden_registers),
    };

    return cmocka_run_group_tests(tests, NULL, tree_free);
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MACHINES_H
#define MACHINES_H

#include <corbel/fdt_read.h>
#include <corbel/platform.h>

#include "tree.h"

/*
 * Trees of real machines, cut down to what the platform code reads: addresses,
 * cell counts and oddities are those of the machines. Each leaves the tree open
 * for edits; machine_read() then takes and reads it.
 */
static struct platform p;

static inline void machine_read(void)
{
    const void *blob = tree_take();

    assert_int_equal(fdtr_check(blob, fdtr_total_size(blob)), CORBEL_OK);
    memset(&p, 0xa5, sizeof(p));
    platform_from_fdt(&p, blob);
}

static inline void check_range(const struct mem_range *range, u64 base, u64 size)
{
    assert_true(range->base == base);
    assert_true(range->size == size);
}

static inline void root_cells(u32 address, u32 size)
{
    cells("#address-cells", address);
    cells("#size-cells", size);
}

static inline void put_memory(const char *name, const u32 *reg, u32 count)
{
    node(name);
    list("device_type", "memory");
    put_cells("reg", reg, count);
    end();
}

#define memory(name, ...) put_memory(name, CELL_LIST(__VA_ARGS__))

static inline void cpu(u32 number, const char *method)
{
    char name[16];

    snprintf(name, sizeof(name), "cpu@%x", number);
    node(name);
    list("device_type", "cpu");
    list("compatible", "arm,cortex-a57");
    cells("reg", number);
    if (method)
        tree_ok(fdt_property_string(tree_room, "enable-method", method));
    end();
}

static inline void psci(const char *method)
{
    node("psci");
    list("compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci");
    tree_ok(fdt_property_string(tree_room, "method", method));
    end();
}

static inline void timer(u32 flags, u32 parent)
{
    node("timer");
    cells("interrupt-parent", parent);
    list("compatible", "arm,armv8-timer\0arm,armv7-timer");
    cells("interrupts", 1, 13, flags, 1, 14, flags, 1, 11, flags, 1, 10, flags);
    end();
}

static inline void chosen_modules(void)
{
    node("chosen");
    list("stdout-path", "/pl011@9000000");
    raw("rng-seed", "0123456789abcdef0123456789abcdef");
    list("xen,xen-bootargs", "console=dtuart dtuart=/pl011@9000000");
    cells("#address-cells", 2);
    cells("#size-cells", 2);
    node("domU1");
    list("compatible", "xen,domain");
    cells("#address-cells", 2);
    cells("#size-cells", 2);
    node("module@54000000");
    list("compatible", "multiboot,ramdisk\0multiboot,module");
    cells("reg", 0, 0x54000000, 0, 0xf0cc3);
    end();
    node("module@50000000");
    list("compatible", "multiboot,kernel\0multiboot,module");
    cells("reg", 0, 0x50000000, 0, 0x2136800);
    list("bootargs", "console=ttyAMA0");
    end();
    end();
    end();
}

/* QEMU virt: one bank from 1 GiB on, GICv3, PL011, PSCI; secure twins when asked for. */
static inline void virt_machine(bool secure)
{
    tree_begin();
    root_cells(2, 2);
    cells("interrupt-parent", 0x8002);
    list("model", "linux,dummy-virt");
    list("compatible", "linux,dummy-virt");
    psci("smc");
    memory("memory@40000000", 0, 0x40000000, 0, 0x80000000);
    if (secure) {
        node("secram@e000000");
        list("device_type", "memory");
        list("status", "disabled");
        list("secure-status", "okay");
        cells("reg", 0, 0xe000000, 0, 0x1000000);
        end();
        node("pl011@9040000");
        list("compatible", "arm,pl011\0arm,primecell");
        list("status", "disabled");
        list("secure-status", "okay");
        cells("reg", 0, 0x9040000, 0, 0x1000);
        cells("interrupts", 0, 8, 4);
        end();
    }
    node("pl011@9000000");
    list("compatible", "arm,pl011\0arm,primecell");
    cells("reg", 0, 0x9000000, 0, 0x1000);
    cells("interrupts", 0, 1, 4);
    end();
    node("intc@8000000");
    cells("phandle", 0x8002);
    cells("interrupts", 1, 9, 4);
    cells("reg", 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0, 0xf60000);
    cells("#redistributor-regions", 1);
    list("compatible", "arm,gic-v3");
    empty("ranges");
    cells("#size-cells", 2);
    cells("#address-cells", 2);
    empty("interrupt-controller");
    cells("#interrupt-cells", 3);
    node("its@8080000");
    list("compatible", "arm,gic-v3-its");
    cells("reg", 0, 0x8080000, 0, 0x20000);
    end();
    end();
    node("cpus");
    root_cells(1, 0);
    cpu(0, "psci");
    cpu(1, "psci");
    end();
    timer(0x104, 0x8002);
    node("aliases");
    list("serial0", "/pl011@9000000");
    end();
    chosen_modules();
    tree_end();
}

/* Raspberry Pi 4: 2/1 root cells, a bus with ranges, spin-table, a reserved boot page. */
static inline void raspi_machine(void)
{
    tree_begin();
    root_cells(2, 1);
    cells("interrupt-parent", 1);
    list("compatible", "raspberrypi,4-model-b\0brcm,bcm2711");
    node("aliases");
    list("serial0", "/soc/serial@7e201000");
    list("serial1", "/soc/serial@7e215040");
    end();
    node("chosen");
    list("stdout-path", "serial1:115200n8");
    end();
    node("reserved-memory");
    root_cells(2, 1);
    empty("ranges");
    node("linux,cma");
    list("compatible", "shared-dma-pool");
    cells("size", 0x4000000);
    end();
    node("nvram@0");
    cells("reg", 0, 0, 0);
    end();
    end();
    node("soc");
    root_cells(1, 1);
    cells("ranges", 0x7e000000, 0, 0xfe000000, 0x1800000, 0x7c000000, 0, 0xfc000000, 0x2000000,
          0x40000000, 0, 0xff800000, 0x800000);
    node("interrupt-controller@40041000");
    list("compatible", "arm,gic-400");
    cells("phandle", 1);
    empty("interrupt-controller");
    cells("#interrupt-cells", 3);
    cells("reg", 0x40041000, 0x1000, 0x40042000, 0x2000, 0x40044000, 0x2000, 0x40046000, 0x2000);
    cells("interrupts", 1, 9, 0xf04);
    end();
    node("serial@7e201400");
    list("compatible", "arm,pl011\0arm,primecell");
    list("status", "disabled");
    cells("reg", 0x7e201400, 0x200);
    end();
    node("serial@7e201000");
    list("compatible", "arm,pl011\0arm,primecell");
    cells("reg", 0x7e201000, 0x200);
    cells("interrupts", 0, 121, 4);
    end();
    node("serial@7e215040");
    list("compatible", "brcm,bcm2835-aux-uart");
    cells("reg", 0x7e215040, 0x40);
    cells("interrupts", 0, 93, 4);
    end();
    end();
    timer(0xf08, 1);
    node("cpus");
    root_cells(1, 0);
    list("enable-method", "brcm,bcm2836-smp");
    node("cpu@0");
    list("device_type", "cpu");
    list("compatible", "arm,cortex-a72");
    cells("reg", 0);
    list("enable-method", "spin-table");
    cells("cpu-release-addr", 0, 0xd8);
    end();
    node("cpu@1");
    list("device_type", "cpu");
    list("compatible", "arm,cortex-a72");
    cells("reg", 1);
    list("enable-method", "spin-table");
    cells("cpu-release-addr", 0, 0xe0);
    end();
    node("l2-cache");
    end();
    end();
    memory("memory@0", 0, 0, 0x3c000000);
    tree_end();
    add_reserve(0, 0x1000);
}

/* zcu102: two banks in one node, interrupt-parent on each device, a GIC under a bus. */
static inline void zcu102_machine(void)
{
    tree_begin();
    root_cells(2, 2);
    memory("memory@0", 0, 0, 0, 0x80000000, 8, 0, 0, 0x80000000);
    node("memory-controller@fd070000");
    list("compatible", "xlnx,zynqmp-ddrc-2.40a");
    cells("reg", 0, 0xfd070000, 0, 0x30000);
    end();
    node("reserved-memory");
    root_cells(2, 2);
    empty("ranges");
    node("memory@3ed00000");
    list("device_type", "memory");
    cells("reg", 0, 0x3ed00000, 0, 0x40000);
    end();
    end();
    psci("smc");
    node("cpus");
    root_cells(1, 0);
    cpu(0, "psci");
    end();
    timer(0xf08, 4);
    node("axi");
    root_cells(2, 2);
    empty("ranges");
    node("interrupt-controller@f9010000");
    list("compatible", "arm,gic-400");
    cells("#interrupt-cells", 3);
    cells("reg", 0, 0xf9010000, 0, 0x10000, 0, 0xf9020000, 0, 0x20000, 0, 0xf9040000, 0, 0x20000, 0,
          0xf9060000, 0, 0x20000);
    empty("interrupt-controller");
    cells("interrupt-parent", 4);
    cells("interrupts", 1, 9, 0xf04);
    cells("phandle", 4);
    end();
    node("serial@ff000000");
    list("compatible", "arm,sbsa-uart");
    cells("interrupt-parent", 4);
    cells("interrupts", 0, 21, 4);
    cells("reg", 0, 0xff000000, 0, 0x1000);
    end();
    end();
    tree_end();
}

#endif

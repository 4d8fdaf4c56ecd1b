/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCI_TREE_H
#define PCI_TREE_H

#include "pass_tree.h"

/*
 * The PCIe root complex of QEMU's virt board as QEMU writes it, for both GICs, and the partial
 * tree that gives it to a domain.
 */
#define PCIE "/passthrough/pcie@10000000"

/* QEMU's four slots: INTx of slot s, pin i goes to SPI 3 + (s + i) % 4. */
static inline void pci_interrupt_map(u32 gic, u32 address_cells)
{
    static u32 map[16 * 10];
    u32 n = 0;

    for (u32 slot = 0; slot < 4; slot++) {
        for (u32 pin = 0; pin < 4; pin++) {
            map[n++] = slot << 11;
            map[n++] = 0;
            map[n++] = 0;
            map[n++] = pin + 1;
            map[n++] = gic;
            for (u32 i = 0; i < address_cells; i++)
                map[n++] = 0;
            map[n++] = 0;
            map[n++] = 3 + (slot + pin) % 4;
            map[n++] = 4;
        }
    }
    for (u32 i = 0; i < n; i++)
        map[i] = cpu_to_fdt32(map[i]);
    tree_ok(fdt_property(tree_room, "interrupt-map", map, (int)n * 4));
}

static inline void pci_bridge(u32 gic, u32 address_cells, u32 msi)
{
    node("pcie@10000000");
    cells("interrupt-map-mask", 0x1800, 0, 0, 7);
    pci_interrupt_map(gic, address_cells);
    cells("#interrupt-cells", 1);
    cells("ranges", 0x1000000, 0, 0, 0, 0x3eff0000, 0, 0x10000, 0x2000000, 0, 0x10000000, 0,
          0x10000000, 0, 0x2eff0000, 0x3000000, 0x80, 0, 0x80, 0, 0x80, 0);
    cells("reg", 0x40, 0x10000000, 0, 0x10000000);
    cells("msi-map", 0, msi, 0, 0x10000);
    empty("dma-coherent");
    cells("bus-range", 0, 0xff);
    cells("linux,pci-domain", 0);
    cells("#size-cells", 2);
    cells("#address-cells", 3);
    list("device_type", "pci");
    list("compatible", "pci-host-ecam-generic");
}

static inline void pci_host_gic(u32 version)
{
    node("intc@8000000");
    cells("phandle", 0x8003);
    cells("interrupts", 1, 9, 4);
    if (version == 2) {
        list("compatible", "arm,cortex-a15-gic");
        cells("reg", 0, 0x8000000, 0, 0x10000, 0, 0x8010000, 0, 0x10000, 0, 0x8030000, 0, 0x10000,
              0, 0x8040000, 0, 0x10000);
    } else {
        list("compatible", "arm,gic-v3");
        cells("reg", 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0, 0xf60000);
    }
    empty("ranges");
    cells("#size-cells", 2);
    cells("#address-cells", 2);
    empty("interrupt-controller");
    cells("#interrupt-cells", 3);
    node(version == 2 ? "v2m@8020000" : "its@8080000");
    cells("phandle", 0x8004);
    empty("msi-controller");
    if (version == 2) {
        list("compatible", "arm,gic-v2m-frame");
        cells("reg", 0, 0x8020000, 0, 0x1000);
    } else {
        list("compatible", "arm,gic-v3-its");
        cells("reg", 0, 0x8080000, 0, 0x20000);
    }
    end();
    end();
}

/* The edited tree becomes the host's. */
static inline void pci_host_take(void)
{
    tree_ok(fdt_open_into(tree_take(), host_blob, sizeof(host_blob)));
    platform_from_fdt(&host, host_blob);
    host.self = (struct mem_range){ 0x40200000, SZ_2M };
}

/* Left open to edits: pci_host_take() then. */
static inline void pci_host(u32 version)
{
    tree_begin();
    cells("#address-cells", 2);
    cells("#size-cells", 2);
    cells("interrupt-parent", 0x8003);
    node("memory@40000000");
    list("device_type", "memory");
    cells("reg", 0, 0x40000000, 0, 0x40000000);
    end();
    pci_host_gic(version);
    node("pl011@9000000");
    list("compatible", "arm,pl011\0arm,primecell");
    cells("reg", 0, 0x9000000, 0, 0x1000);
    cells("interrupts", 0, 1, 4);
    end();
    pci_bridge(0x8003, 2, 0x8004);
    end();
    node("chosen");
    list("stdout-path", "/pl011@9000000");
    end();
    tree_end();
}

/* What stands for the GIC, with a frame when a phandle is given for it, and /passthrough. */
static inline void pci_partial_begin(u32 address_cells, u32 msi)
{
    tree_begin();
    cells("#address-cells", 2);
    cells("#size-cells", 2);
    node("gic");
    cells("#interrupt-cells", 3);
    cells("#address-cells", address_cells);
    empty("interrupt-controller");
    cells("phandle", 1);
    if (msi) {
        node("v2m");
        list("compatible", "arm,gic-v2m-frame");
        empty("msi-controller");
        cells("phandle", msi);
        end();
    }
    end();
    node("passthrough");
    list("compatible", "simple-bus");
    empty("ranges");
    cells("#address-cells", 2);
    cells("#size-cells", 2);
}

/* The whole bridge, its 32-bit window cut to 256 MiB: off a vPL011 in Xen's layout. */
static inline void pci_partial(u32 address_cells, u32 msi)
{
    pci_partial_begin(address_cells, msi);
    pci_bridge(1, address_cells, msi ? msi : 77);
    cells("xen,reg", 0x40, 0x10000000, 0, 0x10000000, 0x40, 0x10000000, 0, 0x3eff0000, 0, 0x10000,
          0, 0x3eff0000, 0, 0x10000000, 0, 0x10000000, 0, 0x10000000, 0x80, 0, 0x80, 0, 0x80, 0);
    list("xen,path", "/pcie@10000000");
    empty("xen,force-assign-without-iommu");
    end();
    partial_end();
    set_cells(PCIE, "ranges", 0x1000000, 0, 0, 0, 0x3eff0000, 0, 0x10000, 0x2000000, 0, 0x10000000,
              0, 0x10000000, 0, 0x10000000, 0x3000000, 0x80, 0, 0x80, 0, 0x80, 0);
}

static inline int pci_setup(void **state)
{
    (void)state;
    pci_host(2);
    pci_host_take();
    pci_partial(0, 0);
    return 0;
}

#endif

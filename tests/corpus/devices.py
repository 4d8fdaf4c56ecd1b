# SPDX-License-Identifier: Apache-2.0
"""Partial device trees that are refused: registers, interrupts, phandles, and the tree itself."""
import fdt
import partdt
from fdt import string, u32, u64
from corpus import HOLE_AT, MIB, case

RTC = "/passthrough/rtc@9010000"


def plain(hpa, size, gpa=None, **more):
    """A device that no tree lists."""
    gpa = hpa if gpa is None else gpa
    more.setdefault("regions", [(hpa, size, gpa)])
    return partdt.Device("thing@%x" % gpa, "vendor,thing", **more)


def unlisted(hpa, size, gpa=None, **more):
    """The same, with leave to be none of the host tree's."""
    props = {"corbel,allow-unlisted": b"", **more.pop("props", {})}
    return plain(hpa, size, gpa, props=props, **more)


# --- what is there already ------------------------------------------------------------------------

@case("/passthrough/thing@9000000: xen,reg = 0x90000000+0x1000: expected no overlap with RAM "
      "at 0x40000000+0x80000000")
def reg_over_ram(kit, name):
    return kit.given(name, unlisted(0x90000000, 0x1000, 0x9000000))


@case("/passthrough/thing@9000000: xen,reg = 0x40201000+0x1000: expected no overlap with the "
      "hypervisor at 0x40200000+{hex}")
def reg_over_hypervisor(kit, name):
    return kit.given(name, unlisted(0x40201000, 0x1000, 0x9000000))


@case("/passthrough/thing@9000000: xen,reg = 0x50000000+0x1000: expected no overlap with a "
      "boot module at {hex}+{hex}")
def reg_over_module(kit, name):
    return kit.given(name, unlisted(0x50000000, 0x1000, 0x9000000))


@case("/passthrough/thing@9000000: xen,reg = 0x8000000+0x10000: expected no overlap with the "
      "GIC at 0x8000000+0x10000", gic="3")
def reg_over_gicd(kit, name):
    return kit.given(name, unlisted(0x8000000, 0x10000, 0x9000000))


@case("/passthrough/thing@9000000: xen,reg = 0x80a0000+0x20000: expected no overlap with the "
      "GIC at 0x80a0000+{hex}", gic="3")
def reg_over_gicr(kit, name):
    return kit.given(name, unlisted(0x80a0000, 0x20000, 0x9000000))


def smmu(tree):
    """An IOMMU, which the hypervisor keeps, and does not touch: there is none on this board."""
    tree.root.add(fdt.Node("iommu@c500000", {
        "compatible": string("arm,smmu-v3"), "reg": u64(0xc500000, 0x20000),
        "status": string("disabled")}))


@case("/passthrough/thing@9000000: xen,reg = 0xc510000+0x1000: expected no overlap with an "
      "SMMU at 0xc500000+0x20000", edits=(smmu,))
def reg_over_smmu(kit, name):
    return kit.given(name, unlisted(0xc510000, 0x1000, 0x9000000))


@case("/passthrough/thing@9000000: xen,reg = 0x8080000+0x20000: expected no overlap with a "
      "GIC ITS at 0x8080000+0x20000", gic="3")
def reg_over_its(kit, name):
    return kit.given(name, unlisted(0x8080000, 0x20000, 0x9000000))


@case("/passthrough/thing@9000000: xen,reg = 0x8040000+0x1000: expected no overlap with the "
      "GIC at 0x8040000+0x10000", gic="2")
def reg_over_gicv(kit, name):
    return kit.given(name, unlisted(0x8040000, 0x1000, 0x9000000))


@case("/passthrough/thing@9000000: xen,reg = 0x8010000+0x1000: expected no overlap with the "
      "GIC at 0x8010000+0x10000", gic="2")
def reg_over_gicc(kit, name):
    return kit.given(name, unlisted(0x8010000, 0x1000, 0x9000000))


@case("/passthrough/thing@9000000: xen,reg = 0x8020000+0x1000: expected no overlap with a "
      "GICv2m frame at 0x8020000+0x1000", gic="2")
def reg_over_v2m(kit, name):
    return kit.given(name, unlisted(0x8020000, 0x1000, 0x9000000))


@case("/passthrough/serial@9000000: xen,reg = 0x9000000+0x1000: expected no overlap with the "
      "console UART at 0x9000000+0x1000")
def reg_over_console(kit, name):
    return kit.given(name, partdt.Device(
        "serial@9000000", ("arm,pl011", "arm,primecell"), [(0x9000000, 0x1000)],
        path="/pl011@9000000"))


@case('/passthrough/msi@a000000: compatible = "arm,gic-v3-its": expected a device: a GIC, '
      "or a part of it, cannot be given to a domain")
def compatible_gic(kit, name):
    return kit.given(name, partdt.Device("msi@a000000", "arm,gic-v3-its", [(0xa000000, 0x200)],
                                         path="/virtio_mmio@a000000"))


@case("/passthrough/rtc@9010000: xen,reg = 0x9010000+0x1000: expected a device that domain 2 "
      "does not have", beside=("has-rtc",))
def reg_of_other_domain(kit, name):
    return kit.given(name, partdt.pl031())


@case("{node}: gpio@40001000 = 0x40001000+0x1000: expected no overlap with RAM bank 0 "
      "at 0x40000000+0x1000000")
def reg_on_own_ram(kit, name):
    return kit.given(name, partdt.pl061(gpa=0x40001000))


@case("{node}: gpio@22000000 = 0x22000000+0x1000: expected no overlap with vPL011 at "
      "0x22000000+0x1000")
def reg_on_own_uart(kit, name):
    return kit.given(name, partdt.pl061(gpa=0x22000000))


@case("{node}: gpio@3001000 = 0x3001000+0x1000: expected no overlap with GICD at "
      "0x3001000+0x10000", gic="3")
def reg_on_own_gicd(kit, name):
    return kit.given(name, partdt.pl061(gpa=0x3001000))


@case("{node}: fw@5000000 = 0x5000000+0x1000: expected no overlap with gpio@5000000 at "
      "0x5000000+0x1000")
def reg_twice_in_guest(kit, name):
    return kit.given(name, partdt.pl061(gpa=0x5000000), partdt.Device(
        "fw@5000000", "qemu,fw-cfg-mmio", [(0x9020000, 0x1000, 0x5000000)],
        path="/fw-cfg@9020000"))


@case("/passthrough/gpio@5000000: xen,reg = 0x9030000+0x1000: expected no overlap with "
      "0x9030000+0x1000 of gpio@9030000")
def reg_twice_on_host(kit, name):
    return kit.given(name, partdt.pl061(), partdt.pl061(gpa=0x5000000))


# --- numbers --------------------------------------------------------------------------------------

@case("/passthrough/virtio_mmio@b000000: xen,reg = 0xa000200+0x200: expected a guest address "
      "that ends in 0x200, not 0xb000000")
def reg_offsets_differ(kit, name):
    return kit.given(name, partdt.virtio_mmio(1, gpa=0xb000000))


@case("/passthrough/gpio@9030000: xen,reg = 0x9030000+0x0: expected a size")
def reg_zero_size(kit, name):
    return kit.given(name, partdt.pl061(regions=[(0x9030000, 0)]))


@case("/passthrough/gpio@9030000: xen,reg = 0x9030000+0xfffffffffffff000: expected host and "
      "guest addresses that end within 48 bits")
def reg_wraps(kit, name):
    return kit.given(name, partdt.pl061(regions=[(0x9030000, (1 << 64) - 0x1000)]))


@case("/passthrough/gpio@9030000: xen,reg = 0x9030000+0x1000: expected host and guest "
      "addresses that end within 48 bits")
def reg_guest_wraps(kit, name):
    return kit.given(name, partdt.pl061(regions=[(0x9030000, 0x1000, (1 << 64) - 0x1000)]))


@case("/passthrough/gpio@9030000: xen,reg = 0x9030000+0x1000: expected host and guest "
      "addresses that end within 48 bits")
def reg_guest_too_high(kit, name):
    return kit.given(name, partdt.pl061(regions=[(0x9030000, 0x1000, 1 << 50)]))


@case("/passthrough/gpio@9030000: xen,reg = <0x0 0x9030000 0x0 0x1000 0x0 0x9030000 ...>: "
      "expected entries of 6 cells: host address, size, guest address")
def reg_trailing_cells(kit, name):
    return kit.given(name, partdt.pl061(props={
        "xen,reg": u64(0x9030000, 0x1000, 0x9030000) + u32(0)}))


@case("/passthrough/gpio@9030000: xen,reg = (0 bytes): expected entries of 6 cells: host "
      "address, size, guest address")
def reg_no_cells(kit, name):
    return kit.given(name, partdt.pl061(props={"xen,reg": b""}))


@case("/passthrough/gpio@9030000: xen,reg = (3 bytes): expected entries of 6 cells: host "
      "address, size, guest address")
def reg_three_bytes(kit, name):
    return kit.given(name, partdt.pl061(props={"xen,reg": b"\0\0\1"}))


@case("/passthrough: #address-cells = <0x3>: expected 1 or 2, as #size-cells")
def bus_of_three_cells(kit, name):
    tree = partdt.partial([partdt.pl061()])
    tree.get("/passthrough").props["#address-cells"] = u32(3)
    return kit.given(name, tree=tree)


@case("/passthrough/thing@0: xen,reg = 0xc130000+0x1000: expected at most 48 regions in one "
      "tree")
def too_many_regions(kit, name):
    regions = [(0xc100000 + 0x1000 * i, 0x1000) for i in range(49)]
    return kit.given(name, unlisted(0, 0, regions=regions))


@case("/passthrough/gpio@9030000: (node) = (present): expected at most 32 devices in one tree")
def too_many_devices(kit, name):
    nodes = [partdt.virtio_mmio(i).node() for i in range(32)]
    return kit.given(name, *nodes, partdt.pl061())


# --- the host's node ------------------------------------------------------------------------------

@case("/passthrough/thing@c100000: xen,reg = 0xc100000+0x1000: expected registers of an "
      "enabled node of the host's tree")
def path_missing(kit, name):
    return kit.given(name, plain(0xc100000, 0x1000))


@case('/passthrough/gpio@9030000: xen,path = "/pl061@9999000": expected the path of a node '
      "of the host's tree")
def path_dangling(kit, name):
    return kit.given(name, partdt.pl061(path="/pl061@9999000"))


@case("/passthrough/gpio@9030000: xen,path = (14 bytes): expected the path of a node of the "
      "host's tree")
def path_not_a_string(kit, name):
    return kit.given(name, partdt.pl061(props={"xen,path": b"/pl061@9030000"}))


def disable_flash(tree):
    """A host device that somebody else uses."""
    tree.get("/flash@0").props["status"] = string("disabled")


@case('/passthrough/flash@0: xen,path = "/flash@0": expected an enabled node, below '
      "enabled nodes, of the host's tree", edits=(disable_flash,))
def path_disabled(kit, name):
    return kit.given(name, partdt.Device("flash@0", "cfi-flash", [(0, 0x4000000, 0x80000000)],
                                         path="/flash@0"))


@case("/passthrough/gpio@9030000: xen,reg = 0x9030000+0x1000: expected registers of "
      "/virtio_mmio@a000000")
def path_of_another(kit, name):
    return kit.given(name, partdt.pl061(path="/virtio_mmio@a000000"))


@case("/passthrough/gpio@9030000: xen,reg = 0x9030000+0x2000: expected registers of "
      "/pl061@9030000")
def reg_beyond_node(kit, name):
    return kit.given(name, partdt.pl061(regions=[(0x9030000, 0x2000)]))


@case("/passthrough/virtio_mmio@a000a00: xen,force-assign-without-iommu = (missing): "
      "expected it there: no IOMMU keeps this device to its domain's memory")
def not_forced(kit, name):
    return kit.given(name, partdt.virtio_mmio(5, force=False))


@case('/passthrough/gpio@9030000: corbel,memory-attribute = "normal-wb": expected '
      '"normal-nc", or no such property')
def memory_attribute_unknown(kit, name):
    return kit.given(name, partdt.pl061(props={"corbel,memory-attribute": string("normal-wb")}))


def moved_bus(tree):
    """A bus whose devices see memory at other addresses than the CPUs."""
    bus = tree.root.add(fdt.Node("moved-bus", {
        "compatible": string("simple-bus"), "ranges": b"", "#address-cells": u32(2),
        "#size-cells": u32(2), "dma-ranges": u64(0, 0x40000000, 0x40000000)}))
    bus.add(fdt.Node("dma@c600000", {"reg": u64(0xc600000, 0x1000)}))


@case('/passthrough/thing@c600000: xen,path = "/moved-bus/dma@c600000": expected a bus '
      "whose dma-ranges do not translate", edits=(moved_bus,))
def dma_is_translated(kit, name):
    return kit.given(name, plain(0xc600000, 0x1000, path="/moved-bus/dma@c600000"),
                     props={"direct-map": b""})


# --- interrupts -----------------------------------------------------------------------------------

@case("/passthrough/gpio@9030000: interrupts = PPI 11: expected SPIs only: every CPU has its "
      "own PPIs")
def irq_is_ppi(kit, name):
    return kit.given(name, partdt.pl061(interrupts=[(partdt.PPI, 11, 4)]))


@case("/passthrough/gpio@9030000: interrupts = SPI 2: expected an SPI that the host's node "
      "has")
def irq_of_another(kit, name):
    return kit.given(name, partdt.pl061(interrupts=[(partdt.SPI, 2, 4)]))


@case("/passthrough/gpio@9030000: interrupts = type 7: expected 0, an SPI")
def irq_of_unknown_type(kit, name):
    return kit.given(name, partdt.pl061(interrupts=[(7, 7, 4)]))


@case("/passthrough/gpio@9030000: interrupts = SPI 4294967271: expected SPIs below 988")
def irq_too_high(kit, name):
    return kit.given(name, partdt.pl061(interrupts=[(partdt.SPI, 0xffffffe7, 4)]))


@case("/passthrough/gpio@9030000: interrupts = <0x0 0x7>: expected three cells for each of "
      "at most 64 interrupts")
def irq_two_cells(kit, name):
    return kit.given(name, partdt.pl061(props={"interrupts": u32(0, 7)}))


@case("/passthrough/thing@c200000: interrupts = SPI 2: expected an interrupt that domain 2 "
      "does not have", beside=("has-rtc",))
def irq_of_other_domain(kit, name):
    return kit.given(name, unlisted(0xc200000, 0x1000, interrupts=[(partdt.SPI, 2, 4)]))


@case("/passthrough/thing@c300000: interrupts = SPI 1: expected no interrupt of the "
      "hypervisor's console")
def irq_of_console(kit, name):
    return kit.given(name, unlisted(0xc300000, 0x1000, interrupts=[(partdt.SPI, 1, 4)]))


@case("/passthrough/virtio_mmio@a003e00: interrupts = SPI 47: expected an SPI below the "
      "domain's nr_spis, 32")
def irq_above_nr_spis(kit, name):
    return kit.given(name, partdt.virtio_mmio(31), props={"nr_spis": u32(32)})


# --- phandles -------------------------------------------------------------------------------------

@case("/passthrough/gpio@9030000: clocks = <0x77>: expected phandles of nodes below "
      "/passthrough; 0x77 is none")
def clocks_dangling(kit, name):
    return kit.given(name, partdt.pl061(props={"clocks": u32(0x77)}))


@case("/passthrough/gpio@9030000: clocks = (2 bytes): expected whole entries of phandle and "
      "#clock-cells")
def clocks_cut(kit, name):
    return kit.given(name, partdt.pl061(props={"clocks": b"\0\0"}))


@case("/passthrough/gpio@9030000: interrupt-parent = <0x77>: expected the phandle of the "
      "GIC, or of a node below /passthrough")
def irq_parent_dangling(kit, name):
    return kit.given(name, partdt.pl061(props={"interrupt-parent": u32(0x77)}))


@case("/passthrough/gpio@9030000: phandle = <0x1>: expected another than the GIC's")
def phandle_of_gic(kit, name):
    return kit.given(name, partdt.pl061(props={"phandle": u32(partdt.GIC_PHANDLE)}))


# --- the tree itself ------------------------------------------------------------------------------

@case("/: (partial device tree) = (0x322 bytes): expected a sound device tree of at most 1 "
      "MiB")
def tree_cut(kit, name):
    return kit.given(name, tree=partdt.partial([partdt.pl061()]).pack()[:-100])


@case("/: (partial device tree) = (0x100 bytes): expected a sound device tree of at most 1 "
      "MiB")
def tree_is_garbage(kit, name):
    return kit.given(name, tree=b"\xde\xad\xbe\xef" * 64)


@case("/: (partial device tree) = (0x1 bytes): expected a sound device tree of at most 1 MiB")
def tree_of_no_bytes(kit, name):
    return kit.given(name, tree=b"\0")


@case("/: passthrough = (missing): expected a node with the devices")
def no_passthrough(kit, name):
    tree = partdt.partial([partdt.pl061()])
    tree.get("/passthrough").name = "devices"
    return kit.given(name, tree=tree)


def nested(depth):
    """Nodes in nodes in nodes."""
    top = at = fdt.Node("n0")
    for i in range(1, depth):
        at = at.add("n%d" % i)
    return top


@case("/passthrough/n0/n1/n2/n3/n4/n5/n6/n7/n8/n9/n10/n11/n12/n13/n14: (node) = (present): "
      "expected at most 14 levels below /passthrough")
def nodes_too_deep(kit, name):
    return kit.given(name, nested(100))


# --- SRAM -----------------------------------------------------------------------------------------

hole = partdt.sram_edit(HOLE_AT, 2 * MIB)
no_hole = partdt.sram_edit(0xa8000000, 2 * MIB, hole=False)
mapped_hole = partdt.sram_edit(0xac000000, 2 * MIB, no_map=False)
half_hole = partdt.sram_edit(0xb4000000, MIB, hole_size=2 * MIB)
over_module = partdt.sram_edit(0x50000000, 0x10000, hole=False)
over_hypervisor = partdt.sram_edit(0x40200000, 0x10000, hole=False)


@case("/passthrough/sram@9000000: xen,reg = 0xa8000000+0x200000: expected no overlap with "
      "RAM at 0x40000000+0x80000000", edits=(no_hole,))
def sram_over_ram(kit, name):
    return kit.given(name, partdt.sram(0xa8000000, 2 * MIB, 0x9000000))


@case("/passthrough/sram@9000000: xen,reg = 0xac000000+0x200000: expected no overlap with "
      "RAM at 0x40000000+0x80000000", edits=(mapped_hole,))
def sram_without_no_map(kit, name):
    return kit.given(name, partdt.sram(0xac000000, 2 * MIB, 0x9000000))


@case("/passthrough/sram@9000000: xen,reg = 0x50000000+0x10000: expected no overlap with a "
      "boot module at {hex}+{hex}", edits=(over_module,))
def sram_over_module(kit, name):
    return kit.given(name, partdt.sram(0x50000000, 0x10000, 0x9000000))


@case("/passthrough/sram@9000000: xen,reg = 0x40200000+0x10000: expected no overlap with the "
      "hypervisor at 0x40200000+{hex}", edits=(over_hypervisor,))
def sram_over_hypervisor(kit, name):
    return kit.given(name, partdt.sram(0x40200000, 0x10000, 0x9000000))


@case("/passthrough/sram@9000000: xen,reg = <0x0 0xb0000000 0x0 0x800 0x0 0x9000000>: "
      "expected whole pages of 4 KiB, not 0xb0000000+0x800: this is memory", edits=(hole,))
def sram_in_half_a_page(kit, name):
    return kit.given(name, partdt.sram(HOLE_AT, 0x800, 0x9000000, path="/sram@b0000000"))


@case("/passthrough/sram@9000000: xen,reg = 0xb0000000+0x400000: expected no overlap with "
      "RAM at 0x40000000+0x80000000", edits=(hole,))
def sram_beyond_hole(kit, name):
    return kit.given(name, partdt.sram(HOLE_AT, 4 * MIB, 0x9000000))


@case("/passthrough/sram@9000000: xen,reg = 0xb4000000+0x200000: expected registers of "
      "/sram@b4000000", edits=(half_hole,))
def sram_beyond_node(kit, name):
    return kit.given(name, partdt.sram(0xb4000000, 2 * MIB, 0x9000000))


@case('/passthrough/sram@9000000: corbel,memory-attribute = "normal-nc": expected it '
      "absent: SRAM is memory, with no-memory-wc a device", edits=(hole,))
def sram_with_attribute(kit, name):
    return kit.given(name, partdt.sram(HOLE_AT, 2 * MIB, 0x9000000, props={
        "corbel,memory-attribute": string("normal-nc")}))


@case("/passthrough/thing@9000000: xen,reg = 0xb0000000+0x1000: expected no overlap with RAM "
      "at 0x40000000+0x80000000", edits=(hole,))
def hole_as_a_device(kit, name):
    return kit.given(name, unlisted(HOLE_AT, 0x1000, 0x9000000))


# --- odd, but nobody's harm: these start ----------------------------------------------------------

@case(None)
def phandle_twice(kit, name):
    return kit.given(name, partdt.virtio_mmio(8, props={"phandle": u32(9)}),
                     partdt.virtio_mmio(9, props={"phandle": u32(9)}))


@case(None)
def phandle_cycle(kit, name):
    first = fdt.Node("a", {"phandle": u32(8), "interrupt-parent": u32(9),
                           "#interrupt-cells": u32(3)})
    second = fdt.Node("b", {"phandle": u32(9), "interrupt-parent": u32(8),
                            "#interrupt-cells": u32(3)})
    return kit.given(name, partdt.virtio_mmio(10, props={"interrupt-parent": u32(8)}),
                     first, second)

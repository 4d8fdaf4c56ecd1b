# SPDX-License-Identifier: Apache-2.0
"""Partial device trees (modules `multiboot,device-tree`): which devices a domain is given.

    rtc = partdt.pl031()
    domain.modules.append(mkdtb.device_tree(partdt.partial([rtc])))

A tree has the usual three parts: a placeholder of the GIC with a phandle that `interrupt-parent`
names, /passthrough (a simple-bus with 2/2 cells) with the devices and a fixed clock for PrimeCells,
and /aliases if asked for. Every property can be replaced, or taken out by None, so that a broken
tree is one line in a test. The devices named here are those of QEMU's virt board.
"""
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence, Tuple, Union

import fdt
from fdt import empty, string, strings, u32, u64

GIC_PHANDLE = 1
CLOCK_PHANDLE = 2
MSI_PHANDLE = 3
SPI, PPI = 0, 1
EDGE, LEVEL = 1, 4
PAGE = 0x1000

# (host address, size, guest address); the guest address may be left out: the same.
Region = Union[Tuple[int, int], Tuple[int, int, int]]


@dataclass
class Device:
    """A node under /passthrough. None for path or interrupts: no such property."""
    name: str
    compatible: Union[str, Sequence[str]] = ()
    regions: List[Region] = field(default_factory=list)
    path: Optional[str] = None                      # xen,path
    interrupts: Sequence[Tuple[int, int, int]] = () # (SPI or PPI, number, EDGE or LEVEL)
    force: bool = True                              # xen,force-assign-without-iommu
    clocks: Sequence[str] = ()                      # clock-names, each of the one fixed clock
    props: Dict[str, Optional[bytes]] = field(default_factory=dict)
    children: List[fdt.Node] = field(default_factory=list)

    def node(self):
        """The node as it goes into the partial tree."""
        node = fdt.Node(self.name)
        names = [self.compatible] if isinstance(self.compatible, str) else self.compatible
        regions = [(r[0], r[1], r[2] if len(r) > 2 else r[0]) for r in self.regions]
        if names:
            node.props["compatible"] = strings(*names)
        if regions:
            node.props["reg"] = b"".join(u64(gpa, size) for _, size, gpa in regions)
            node.props["xen,reg"] = b"".join(u64(hpa, size, gpa) for hpa, size, gpa in regions)
        if self.interrupts:
            node.props["interrupts"] = b"".join(u32(*cells) for cells in self.interrupts)
            node.props["interrupt-parent"] = u32(GIC_PHANDLE)
        if self.clocks:
            node.props["clocks"] = u32(*[CLOCK_PHANDLE] * len(self.clocks))
            node.props["clock-names"] = strings(*self.clocks)
        if self.path is not None:
            node.props["xen,path"] = string(self.path)
        if self.force:
            node.props["xen,force-assign-without-iommu"] = empty()
        set_props(node, self.props)
        for child in self.children:
            node.add(child)
        return node


def set_props(node, props):
    """Set properties of a node; None takes one out."""
    for name, value in props.items():
        if value is None:
            node.props.pop(name, None)
        else:
            node.props[name] = value


def gic_node(cells=None, v2m=None):
    """What stands for the GIC. cells: its #address-cells; v2m: host address of its MSI frame."""
    node = fdt.Node("gic", {"#interrupt-cells": u32(3), "interrupt-controller": empty(),
                            "phandle": u32(GIC_PHANDLE)})
    if cells is not None:
        node.props.update({"#address-cells": u32(cells), "#size-cells": u32(cells)})
    if v2m is not None:
        node.props["ranges"] = empty()
        node.add(fdt.Node("v2m@%x" % v2m, {
            "compatible": string("arm,gic-v2m-frame"), "msi-controller": empty(),
            "reg": u64(v2m, PAGE), "phandle": u32(MSI_PHANDLE)}))
    return node


def partial(devices, extra_root=(), aliases=None, clock=None, gic=None):
    """The partial tree of Devices (or ready nodes). clock: None, when a device names one."""
    tree = fdt.Tree()
    root = tree.root
    root.props.update({"#address-cells": u32(2), "#size-cells": u32(2)})
    root.add(gic or gic_node())
    if aliases:
        root.add(fdt.Node("aliases", {name: string(path) for name, path in aliases.items()}))
    bus = root.add(fdt.Node("passthrough", {
        "compatible": string("simple-bus"), "ranges": empty(),
        "#address-cells": u32(2), "#size-cells": u32(2)}))
    for device in devices:
        bus.add(device.node() if isinstance(device, Device) else device)
    if clock is None:
        clock = any("clocks" in node.props for node in bus.children)
    if clock:
        bus.add(fixed_clock())
    for node in extra_root:
        root.add(node)
    return tree


def fixed_clock(rate=24000000, phandle=CLOCK_PHANDLE):
    """What PrimeCells are clocked by."""
    return fdt.Node("apb-pclk", {
        "compatible": string("fixed-clock"), "#clock-cells": u32(0), "clock-frequency": u32(rate),
        "clock-output-names": string("clk24mhz"), "phandle": u32(phandle)})


def _primecell(kind, name, base, spi, clocks, more):
    gpa = more.pop("gpa", base)
    return Device(**{"name": "%s@%x" % (name, gpa), "compatible": ("arm," + kind, "arm,primecell"),
                     "regions": [(base, PAGE, gpa)], "path": "/%s@%x" % (kind, base),
                     "interrupts": [(SPI, spi, LEVEL)], "clocks": clocks, **more})


def pl031(**more):
    """The real-time clock. more: fields of Device, and gpa for another guest address."""
    return _primecell("pl031", "rtc", 0x9010000, 2, ("apb_pclk",), more)


def pl061(**more):
    """The GPIO block (without firmware only: with -bios QEMU makes none)."""
    device = _primecell("pl061", "gpio", 0x9030000, 7, ("apb_pclk",), more)
    device.props = {"#gpio-cells": u32(2), "gpio-controller": empty(), **device.props}
    return device


def pl011(**more):
    """The second UART: there when QEMU has a second -serial (Config.qemu_args)."""
    return _primecell("pl011", "serial", 0x9040000, 8, ("uartclk", "apb_pclk"), more)


def virtio_mmio(slot, **more):
    """Slot 0..31: 512 bytes each, eight in a page."""
    base = 0xa000000 + 0x200 * slot
    gpa = more.pop("gpa", base)
    props = {"dma-coherent": empty(), **more.pop("props", {})}
    return Device(**{"name": "virtio_mmio@%x" % gpa, "compatible": "virtio,mmio",
                     "regions": [(base, 0x200, gpa)], "path": "/virtio_mmio@%x" % base,
                     "interrupts": [(SPI, 16 + slot, EDGE)], "props": props, **more})


# QEMU's root complex: configuration space, I/O window, 32-bit and 64-bit memory windows.
PCIE_ECAM = (0x4010000000, 0x10000000)
PCIE_IO = (0x3eff0000, 0x10000)
PCIE_MEM32 = (0x10000000, 0x2eff0000)
PCIE_MEM32_LOW = (0x10000000, 0x10000000)   # ends below a domU's vPL011, unlike the whole
PCIE_MEM64 = (0x8000000000, 0x8000000000)
PCIE_SPIS = (3, 4, 5, 6)
V2M_FRAME = 0x8020000


def pcie(mem32=PCIE_MEM32_LOW, gic_cells=0, msi=False, ecam=PCIE_ECAM, last_bus=0xff, **more):
    """The root complex of QEMU's board; mem32: what of its 32-bit window is given.

    ecam, last_bus: fewer buses, if the host's tree has been made to say so. gic_cells, msi: as for
    gic_node(), which the tree needs as well, see pcie_tree().
    """
    props = {
        "device_type": string("pci"), "#address-cells": u32(3), "#size-cells": u32(2),
        "#interrupt-cells": u32(1), "bus-range": u32(0, last_bus), "linux,pci-domain": u32(0),
        "dma-coherent": empty(),
        "ranges": (u32(0x1000000, 0, 0) + u64(*PCIE_IO) +
                   u32(0x2000000) + u64(mem32[0], *mem32) +
                   u32(0x3000000) + u64(PCIE_MEM64[0], *PCIE_MEM64)),
        "interrupt-map-mask": u32(0x1800, 0, 0, 7),
        "interrupt-map": b"".join(
            u32(slot << 11, 0, 0, pin + 1, GIC_PHANDLE, *[0] * gic_cells, SPI,
                PCIE_SPIS[(slot + pin) % 4], LEVEL) for slot in range(4) for pin in range(4)),
        "reg": u64(*ecam),
        "xen,reg": b"".join(u64(*window, window[0])
                            for window in (ecam, PCIE_IO, mem32, PCIE_MEM64))}
    if msi:
        props["msi-map"] = u32(0, MSI_PHANDLE, 0, 0x10000)
    return Device(**{"name": "pcie@10000000", "compatible": "pci-host-ecam-generic",
                     "path": "/pcie@10000000", "force": False,
                     "props": {**props, **more.pop("props", {})}, **more})


def pcie_tree(msi=False, **more):
    """A partial tree of the root complex alone. msi: with the GICv2m frame, on a GICv2."""
    cells = 2 if msi else 0
    return partial([pcie(gic_cells=cells, msi=msi, **more)],
                   gic=gic_node(cells, V2M_FRAME if msi else None))


def sram_pools(pools):
    """Sub-nodes of an mmio-sram node from (name, offset, size, properties)."""
    return [fdt.Node("%s@%x" % (name, offset), {"reg": u32(offset, size), **props})
            for name, offset, size, props in pools]


def _sram_props(base, size, wc):
    props = {"#address-cells": u32(1), "#size-cells": u32(1), "ranges": u32(0, *_hilo(base), size)}
    return props if wc else {**props, "no-memory-wc": empty()}


def _hilo(value):
    return value >> 32, value & 0xffffffff


def sram(base, size, gpa=None, pools=(), wc=True, **more):
    """An mmio-sram of the host (see sram_edit) for a partial tree."""
    gpa = base if gpa is None else gpa
    props = {**_sram_props(gpa, size, wc), **more.pop("props", {})}
    return Device(**{"name": "sram@%x" % gpa, "compatible": "mmio-sram",
                     "regions": [(base, size, gpa)], "path": "/sram@%x" % base, "props": props,
                     "children": sram_pools(pools), **more})


def sram_edit(base, size, pools=(), hole=True, no_map=True, wc=True, hole_size=None):
    """An edit (Config.edits) of the host tree: an mmio-sram node over RAM.

    hole: its range (or hole_size bytes) is a node of /reserved-memory as well, with no-map unless
    told otherwise.
    """
    def edit(tree):
        node = tree.root.add(fdt.Node("sram@%x" % base, {
            "compatible": string("mmio-sram"), "reg": u64(base, size),
            **_sram_props(base, size, wc)}))
        for child in sram_pools(pools):
            node.add(child)
        if hole:
            props = {"no-map": empty()} if no_map else {}
            reserve(tree, "hole", base, hole_size or size, props)
    return edit


def reserve(tree, name, base, size, props):
    """A range in /reserved-memory."""
    top = tree.root.ensure("reserved-memory")
    top.props.update({"#address-cells": u32(2), "#size-cells": u32(2), "ranges": empty()})
    top.add(fdt.Node("%s@%x" % (name, base), {"reg": u64(base, size), **props}))

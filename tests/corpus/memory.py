# SPDX-License-Identifier: Apache-2.0
"""Static memory and direct-map that are refused."""
import fdt
import partdt
from fdt import empty, string, u32, u64
from corpus import MIB, STATIC_AT, case
from mkdtb import static_mem

BASE = 0x68000000                        # RAM that the cases of this file share out


def at(kit, name, *ranges, memory_mib=16, **more):
    """A domain with these static ranges."""
    props = {**static_mem(*ranges), **more.pop("props", {})}
    return kit.domain(name, memory_mib, props=props, **more)


@case("{node}: xen,static-mem = 0x200000000+0x1000000: expected a range inside the machine's "
      "RAM")
def static_outside_ram(kit, name):
    return at(kit, name, (0x200000000, 16 * MIB))


@case("{node}: xen,static-mem = 0xbf800000+0x1000000: expected a range inside the machine's "
      "RAM")
def static_at_the_end_of_ram(kit, name):
    return at(kit, name, (0xbf800000, 16 * MIB))


@case("{node}: xen,static-mem = 0x68000800+0x1000000: expected whole pages of 4 KiB")
def static_unaligned(kit, name):
    return at(kit, name, (BASE + 0x800, 16 * MIB))


@case("{node}: xen,static-mem = 0x68000000+0x1000001: expected whole pages of 4 KiB")
def static_odd_size(kit, name):
    return at(kit, name, (BASE, 16 * MIB + 1))


@case("{node}: memory = <0x0 0x8000>: expected 0x4000 KiB, the sum of xen,static-mem")
def static_too_small(kit, name):
    return at(kit, name, (BASE, 16 * MIB), memory_mib=32)


@case("{node}: memory = <0x0 0x2000>: expected 0x4000 KiB, the sum of xen,static-mem")
def static_too_large(kit, name):
    return at(kit, name, (BASE + 16 * MIB, 16 * MIB), memory_mib=8)


@case("{node}: xen,static-mem = 0x50000000+0x1000000: expected no overlap with "
      "/chosen/good/module@50000000 at {hex}+{hex}")
def static_over_module(kit, name):
    return at(kit, name, (0x50000000, 16 * MIB))


@case("{node}: xen,static-mem = 0x40200000+0x1000000: expected no overlap with the "
      "hypervisor at 0x40200000+{hex}")
def static_over_hypervisor(kit, name):
    return at(kit, name, (0x40200000, 16 * MIB))


@case("{node}: xen,static-mem = 0x40000000+0x80000000: expected no overlap with the "
      "hypervisor at 0x40200000+{hex}", beside=("has-static",))
def static_all_of_ram(kit, name):
    return at(kit, name, (0x40000000, 2048 * MIB), memory_mib=2048)


def reserved(tree):
    """Memory that firmware keeps."""
    partdt.reserve(tree, "firmware", BASE + 32 * MIB, MIB, {})


@case("{node}: xen,static-mem = 0x6a000000+0x1000000: expected no overlap with reserved "
      "memory at 0x6a000000+0x100000", edits=(reserved,))
def static_over_reserved(kit, name):
    return at(kit, name, (BASE + 32 * MIB, 16 * MIB))


@case("{node}: xen,static-mem = 0x60800000+0x1000000: expected no overlap with "
      "/chosen/has-static at 0x60000000+0x1000000", beside=("has-static",))
def static_of_other_domain(kit, name):
    return at(kit, name, (STATIC_AT + 8 * MIB, 16 * MIB))


@case("{node}: xen,static-mem = 0x6c800000+0x1000000: expected no overlap with "
      "xen,static-mem at 0x6c000000+0x1000000")
def static_overlaps_itself(kit, name):
    return at(kit, name, (BASE + 64 * MIB, 16 * MIB), (BASE + 72 * MIB, 16 * MIB), memory_mib=32)


@case("{node}: xen,static-mem = 0x68000000+0x0: expected a size above 0")
def static_zero_size(kit, name):
    return at(kit, name, (BASE, 0))


@case("{node}: xen,static-mem = 0xfffffffffffff000+0x1000000: expected a range inside the "
      "machine's RAM")
def static_wraps(kit, name):
    return at(kit, name, ((1 << 64) - 0x1000, 16 * MIB))


@case("{node}: xen,static-mem = (0 bytes): expected pairs of address and size, in cells as "
      "counted by /chosen or #xen,static-mem-*-cells")
def static_empty(kit, name):
    return kit.domain(name, props={"xen,static-mem": b""})


@case("{node}: xen,static-mem = (20 bytes): expected pairs of address and size, in cells as "
      "counted by /chosen or #xen,static-mem-*-cells")
def static_trailing_cells(kit, name):
    return kit.domain(name, props={"xen,static-mem": u64(BASE + 48 * MIB, 16 * MIB) + u32(0)})


@case("{node}: xen,static-mem = (16 bytes): expected pairs of address and size, in cells as "
      "counted by /chosen or #xen,static-mem-*-cells")
def static_three_cells(kit, name):
    return at(kit, name, (BASE, 16 * MIB), props={"#xen,static-mem-address-cells": u32(3)})


@case("{node}: xen,static-mem = (272 bytes): expected at most 16 regions")
def static_too_many(kit, name):
    banks = [(BASE + 96 * MIB + 2 * i * MIB, MIB) for i in range(17)]
    return at(kit, name, *banks, memory_mib=17)


@case("{node}: memory = <0x0 0x2ee000>: expected KiB, at most the machine's 0x200000")
def direct_too_large(kit, name):
    return kit.domain(name, 3000, props={"direct-map": empty()})


@case("{node}: memory = <0x1fe000>: expected at most {hex} KiB, what is free")
def direct_more_than_free(kit, name):
    return kit.domain(name, 2040, props={"direct-map": empty()})


@case("{node}: xen,static-mem = 0x68001800+0x1000000: expected whole pages of 4 KiB")
def direct_static_unaligned(kit, name):
    return at(kit, name, (BASE + 0x1800, 16 * MIB), props={"direct-map": empty()})


def short_bus(tree):
    """A bus whose devices reach the first mebibyte of RAM."""
    bus = tree.root.add(fdt.Node("short-bus", {
        "compatible": string("simple-bus"), "ranges": empty(), "#address-cells": u32(2),
        "#size-cells": u32(2), "dma-ranges": u64(0, 0, 0x40100000)}))
    bus.add(fdt.Node("dma@c700000", {"reg": u64(0xc700000, 0x1000)}))


@case("{node}: memory = <0x4000>: expected that much free memory which its devices reach, in "
      "few pieces", edits=(short_bus,))
def direct_out_of_reach(kit, name):
    device = partdt.Device("dma@c700000", "vendor,dma", [(0xc700000, 0x1000)],
                           path="/short-bus/dma@c700000")
    return kit.given(name, device, props={"direct-map": empty()})


def one_redistributor_each(tree):
    """A GICR region of just the frames that the host's two CPUs have."""
    gic = tree.get("/intc@8000000")
    gic.props["reg"] = u64(0x8000000, 0x10000, 0x80a0000, 0x40000)


@case("{node}: cpus = <0x3>: expected at most 2 with direct-map: the host's first region of "
      "redistributors has no more", gic="3", edits=(one_redistributor_each,))
def direct_too_many_cpus(kit, name):
    return kit.domain(name, cpus=3, props={"direct-map": empty()})


@case("{node}: cpus = <0x9>: expected a number from 1 to 8 (the GIC is version 2)", gic="2")
def direct_nine_cpus(kit, name):
    return kit.domain(name, cpus=9, props={"direct-map": empty()})


def module_of(kit, name, base, size):
    """A domain whose kernel module claims this range, whatever is there."""
    domain = kit.domain(name)
    domain.modules[0].props["reg"] = u64(base, size)
    return domain


@case("{node}/module@50000000: reg = <0x0 0x40000000 0x0 0x80000000>: expected no overlap with "
      "the hypervisor at 0x40200000+{hex}")
def module_all_of_ram(kit, name):
    return module_of(kit, name, 0x40000000, 2048 * MIB)


@case("{node}/module@50000000: reg = <0x0 0x0 0x8000000 0x0>: expected a range inside the "
      "machine's RAM", beside=("has-rtc",))
def module_all_of_everything(kit, name):
    return module_of(kit, name, 0, 1 << 59)

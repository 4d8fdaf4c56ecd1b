# SPDX-License-Identifier: Apache-2.0
"""Devices behind SMMUs: streams that make no sense, are another domain's, or are not kept.

On a board with QEMU's SMMUv3, whose streams 0 to 0xffff are those of the PCIe root complex. The
slots of virtio-mmio get streams by edits of the host tree; each case has slots of its own.
"""
import fdt
import partdt
from fdt import empty, string, strings, u32, u64
from corpus import OTHERS_SLOT, OTHERS_STREAM, case

SMMU = "/smmuv3@9050000"
DISABLED_PHANDLE = 0x7f01
PLAIN_PHANDLE = 0x7f02


def path_of(slot):
    """Where a slot is in the host tree."""
    return "/virtio_mmio@%x" % (0xa000000 + 0x200 * slot)


def behind(slot, *streams, props=()):
    """An edit: the slot masters these streams of the SMMU. props: what else, by its phandle."""
    def edit(tree):
        phandle = tree.get(SMMU).props["phandle"]
        node = tree.get(path_of(slot))
        if streams:
            node.props["iommus"] = b"".join(phandle + u32(stream) for stream in streams)
        node.props.update({name: value(phandle) for name, value in dict(props).items()})
    return edit


def add_disabled(tree):
    """An SMMU that the firmware switched off."""
    tree.root.add(fdt.Node("iommu@c600000", {
        "compatible": string("arm,smmu-v3"), "reg": u64(0xc600000, 0x20000),
        "#iommu-cells": u32(1), "phandle": u32(DISABLED_PHANDLE), "status": string("disabled")}))


def kept(slot, **more):
    """The slot, for somebody who expects it to be protected."""
    return partdt.virtio_mmio(slot, force=False, **more)


def unsound(slot, what):
    """The line of a device whose host node is malformed."""
    return ('/passthrough%s: xen,path = "%s": expected a device of the host with a sound %s' %
            (path_of(slot), path_of(slot), what))


def with_iommus(slot, value):
    """The same, iommus being VALUE of the phandle."""
    return behind(slot, props={"iommus": value})


dangling = with_iommus(8, lambda _: u32(0x7777, 1))
cut = with_iommus(9, lambda phandle: phandle)
no_smmu = with_iommus(10, lambda _: u32(PLAIN_PHANDLE, 1))
odd_map = behind(11, props={"iommu-map": lambda phandle: u32(0) + phandle + u32(0)})
wrapping = behind(12, props={
    "iommu-map": lambda phandle: u32(0) + phandle + u32(0xffffff00, 0x200)})
off = with_iommus(13, lambda _: u32(DISABLED_PHANDLE, 1))
with_gap = behind(14, props={
    "device_type": lambda _: string("pci"),
    "iommu-map": lambda phandle: u32(0) + phandle + u32(0x1000, 0x10)})
theirs = behind(15, OTHERS_STREAM)
many = behind(16, *range(0x2000, 0x2082, 2))
shared_a, shared_b = behind(17, 0x50), behind(18, 0x50)
part_a, part_b = behind(19, 0x60), behind(20, 0x60, 0x61)
let_pass = behind(21, 0x70)


@case(unsound(8, "iommus"), smmu=True, edits=(dangling,))
def iommus_dangling(kit, name):
    return kit.given(name, kept(8))


@case(unsound(9, "iommus"), smmu=True, edits=(cut,))
def iommus_cut(kit, name):
    return kit.given(name, kept(9))


def add_plain(tree):
    """Something that is no IOMMU."""
    tree.root.add(fdt.Node("thing", {"phandle": u32(PLAIN_PHANDLE),
                                     "compatible": strings("vendor,thing")}))


@case(unsound(10, "iommus"), smmu=True, edits=(no_smmu, add_plain))
def iommus_of_no_iommu(kit, name):
    return kit.given(name, partdt.virtio_mmio(10))


@case(unsound(11, "iommu-map"), smmu=True, edits=(odd_map,))
def iommu_map_cut(kit, name):
    return kit.given(name, kept(11))


@case(unsound(12, "iommu-map"), smmu=True, edits=(wrapping,))
def iommu_map_wraps(kit, name):
    return kit.given(name, kept(12))


@case("/passthrough/virtio_mmio@a001a00: xen,force-assign-without-iommu = (missing): expected it "
      "there: /iommu@c600000 is not driven: disabled", smmu=True, edits=(add_disabled, off))
def smmu_disabled(kit, name):
    return kit.given(name, kept(13))


@case("/passthrough/virtio_mmio@a001a00: xen,force-assign-without-iommu = (missing): expected it "
      "there: /iommu@c600000 is not driven: disabled", smmu=True, edits=(add_disabled, off))
def no_iommu_is_no_force(kit, name):
    return kit.given(name, kept(13), props={"corbel,no-iommu": empty()})


@case("/passthrough/virtio_mmio@a001c00: xen,force-assign-without-iommu = (missing): expected it "
      "there: no IOMMU sees requester ID 0x10", smmu=True, edits=(with_gap,))
def iommu_map_with_a_gap(kit, name):
    return kit.given(name, kept(14))


@case("/passthrough/virtio_mmio@a001e00: (streams) = 0x%x of %s: expected streams that domain 2 "
      "does not have" % (OTHERS_STREAM, SMMU), smmu=True, beside=("has-stream",), edits=(theirs,))
def stream_of_other_domain(kit, name):
    return kit.given(name, kept(15))


@case("/passthrough/pcie@10000000: (streams) = 0x0-0xffff of %s: expected streams that domain 2 "
      "does not have" % SMMU, smmu=True, beside=("has-stream",))
def bridge_over_stream(kit, name):
    return kit.given(name, tree=partdt.pcie_tree())


@case('/passthrough/virtio_mmio@a002000: xen,path = "/virtio_mmio@a002000": expected a device of '
      "the host with at most 64 ranges of streams in iommus", smmu=True, edits=(many,))
def too_many_streams(kit, name):
    return kit.given(name, kept(16))


@case("/passthrough/virtio_mmio@a002400: (streams) = 0x50 of %s: expected the same protection "
      "as of virtio_mmio@a002200" % SMMU, smmu=True, edits=(shared_a, shared_b))
def stream_of_two_minds(kit, name):
    return kit.given(name, kept(17), kept(18, props={"corbel,no-iommu": empty()}))


@case("/passthrough/virtio_mmio@a002800: (streams) = 0x60-0x61 of %s: expected the same "
      "streams as of virtio_mmio@a002600" % SMMU, smmu=True, edits=(part_a, part_b))
def streams_in_part(kit, name):
    return kit.given(name, kept(19), kept(20))


@case("/passthrough/virtio_mmio@a002c00: xen,force-assign-without-iommu = (missing): expected it "
      "there: no IOMMU keeps this device to its domain's memory", smmu=True)
def behind_no_smmu(kit, name):
    return kit.given(name, kept(22), props={"passthrough": string("enabled")})


@case("/passthrough/thing@c400000: interrupts = SPI 74: expected an interrupt that is not the "
      "hypervisor's: " + SMMU, smmu=True)
def irq_of_smmu(kit, name):
    return kit.given(name, partdt.Device(
        "thing@c400000", "vendor,thing", [(0xc400000, 0x1000)],
        interrupts=[(partdt.SPI, 74, partdt.EDGE)], props={"corbel,allow-unlisted": empty()}))


@case(None, smmu=True, edits=(let_pass,))
def let_pass_on_request(kit, name):
    return kit.given(name, kept(21), props={"passthrough": string("disabled")})


assert OTHERS_SLOT not in range(8, 23)

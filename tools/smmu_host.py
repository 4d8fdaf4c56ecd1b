# SPDX-License-Identifier: Apache-2.0
"""Which streams belong to whom, for corbel-p2m-audit: by the host's tree and partial trees.

A device of a partial tree is found in the host's by xen,path, else by the address of its first
region; its streams by iommus, iommu-map and iommu-map-mask (Linux bindings), or by mmu-masters of
the SMMU.
"""
from dataclasses import dataclass
from typing import Optional

import p2m_host as host
from fdt import Node

V3 = {"arm,smmu-v3"}


@dataclass
class Unit:
    """An SMMU of the host's tree."""
    node: Node
    base: int
    kind: int               # 3, or 2 for v1 and v2
    phandle: Optional[int]

    @property
    def name(self):
        """What reports call it."""
        return self.node.name


@dataclass
class Claim:
    """Streams that a domain has been given."""
    unit: Unit
    first: int
    count: int
    mask: int               # bits of the number that are not compared (v1, v2)
    owner: str
    bypass: bool            # they are meant to pass untranslated
    device: str

    def has(self, stream):
        """Is this stream one of them?"""
        return (stream & ~self.mask) - (self.first & ~self.mask) in range(self.count)


def cell(node, name, default=None):
    """The first cell of a property."""
    cells = node.cells(name) if node is not None and name in node.props else []
    return cells[0] if cells else default


def units(tree):
    """The SMMUs that the hypervisor may drive."""
    out = []
    for node in tree.root.walk():
        what = host.compatible(node)
        if what & host.SMMUS and host.enabled(node) and host.registers(node):
            out.append(Unit(node, host.registers(node)[0][0], 3 if what & V3 else 2,
                            cell(node, "phandle")))
    return out


def _specifiers(node, name, known):
    """(unit, cells) of each entry of a property of phandles and #iommu-cells; None: unknown."""
    cells = node.cells(name) if name in node.props else []
    while cells:
        unit = known.get(cells[0])
        if unit is None:
            return
        count = cell(unit.node, "#iommu-cells", 1)
        yield unit, cells[1:1 + count]
        cells = cells[1 + count:]


def _by_iommus(node, known):
    for unit, cells in _specifiers(node, "iommus", known):
        mask = cells[1] if len(cells) > 1 else cell(unit.node, "stream-match-mask", 0)
        yield unit, cells[0] if cells else 0, 1, mask if unit.kind == 2 else 0


def _by_iommu_map(node, known):
    rows = node.cells("iommu-map") if "iommu-map" in node.props else []
    keep = cell(node, "iommu-map-mask", 0xFFFFFFFF)
    for at in range(0, len(rows) - 3, 4):
        rid, phandle, stream, count = rows[at:at + 4]
        if phandle not in known:
            continue
        streams = {stream + (i & keep) - rid for i in range(rid, rid + count)
                   if rid <= i & keep < rid + count}
        for first, size in runs(sorted(streams)):
            yield known[phandle], first, size, 0


def _by_masters(node, unit):
    """Entries of mmu-masters are a phandle and as many cells as the master says."""
    cells = unit.node.cells("mmu-masters") if "mmu-masters" in unit.node.props else []
    root = unit.node
    while root.parent is not None:
        root = root.parent
    counts = {cell(other, "phandle"): cell(other, "#stream-id-cells", 0)
              for other in root.walk() if "phandle" in other.props}
    mask = cell(unit.node, "stream-match-mask", 0)
    while cells:
        count = counts.get(cells[0], 0)
        if cells[0] == cell(node, "phandle"):
            for stream in cells[1:1 + count]:
                yield unit, stream, 1, mask
        cells = cells[1 + count:]


def runs(numbers):
    """(first, count) of consecutive numbers in a sorted list."""
    out = []
    for number in numbers:
        if out and sum(out[-1]) == number:
            out[-1] = (out[-1][0], out[-1][1] + 1)
        else:
            out.append((number, 1))
    return out


def streams_of(node, all_units):
    """(unit, first, count, mask) of all that a node of the host's tree masters."""
    known = {unit.phandle: unit for unit in all_units if unit.phandle is not None}
    yield from _by_iommus(node, known)
    yield from _by_iommu_map(node, known)
    for unit in all_units:
        if node.props.get("phandle"):
            yield from _by_masters(node, unit)


def claims(tree, partials, all_units):
    """All Claims of the domains; partials: {domain's name: its partial tree}."""
    out = []
    names = dict(host.domain_nodes(tree))
    for name, partial in partials.items():
        own = names[name].props
        everything = "corbel,no-iommu" in own or own.get("passthrough") == b"disabled\0"
        for device in partial.root.walk():
            if not {"xen,reg", "xen,path"} & set(device.props) or device.parent is None:
                continue
            node = host.host_node(tree, device)
            bypass = everything or "corbel,no-iommu" in device.props
            for entry in streams_of(node, all_units) if node is not None else []:
                out.append(Claim(*entry, name, bypass, device.path()))
    return out

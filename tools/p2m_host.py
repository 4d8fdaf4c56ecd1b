# SPDX-License-Identifier: Apache-2.0
"""What corbel-p2m-audit knows from device trees: what lies where in the machine, and what each
domain was promised.

Physical ranges come from the host tree by the kind of their node; the more dangerous one wins where
two overlap. Domains come from /chosen, their devices from partial trees.
"""
import bisect
from dataclasses import dataclass, field
from typing import List, Optional

# Kinds in the order in which they win.
(HYPERVISOR, GIC, MSI, GICV, SMMU, CONSOLE, SRAM, RESERVED, RAM, MMIO) = KINDS = (
    "hypervisor", "GIC", "GICv2m frame", "GICV", "SMMU", "console UART", "SRAM", "reserved RAM",
    "RAM", "MMIO")
GICV2 = {"arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a9-gic", "arm,cortex-a7-gic",
         "arm,eb11mp-gic", "arm,pl390", "arm,gic"}
GICV3 = {"arm,gic-v3", "qcom,msm8996-gic-v3"}
V2M = "arm,gic-v2m-frame"
GIC_PARTS = {"arm,gic-v3-its": "ITS", "arm,gic-v5": "GICv5", "arm,gic-v5-irs": "GICv5",
             "arm,gic-v5-its": "GICv5"}
SMMUS = {"arm,smmu-v3", "arm,smmu-v2", "arm,smmu-v1", "arm,mmu-400", "arm,mmu-401", "arm,mmu-500",
         "nvidia,smmu-500", "qcom,smmu-500", "qcom,smmu-v2", "cavium,smmu-v2"}
XEN_VUART = 0x22000000      # where a domain's vPL011 is, unless it is direct-map
NOT_DEVICES = ("chosen", "cpus", "reserved-memory", "aliases")


def number(cells):
    """One number from big-endian cells."""
    value = 0
    for cell in cells:
        value = value << 32 | cell
    return value


def cell_counts(node, inherit=False):
    """(#address-cells, #size-cells) that NODE has for its children; domains inherit theirs."""
    def count(name, default):
        here = node
        while inherit and here is not None and name not in here.props:
            here = here.parent
        cells = here.cells(name) if here is not None and name in here.props else []
        return cells[0] if cells else default
    return count("#address-cells", 2), count("#size-cells", 1)


def split(cells, *counts):
    """Cut cells into tuples of numbers with that many cells each; a ragged rest is dropped."""
    step, out = sum(counts), []
    for at in range(0, len(cells) - step + 1 if step else 0, step):
        row = []
        for count in counts:
            row.append(number(cells[at:at + count]))
            at += count
        out.append(tuple(row))
    return out


def translate(node, address, size):
    """A bus address of NODE's reg as the CPU sees it, or None where a bus does not say."""
    bus = node.parent
    while bus is not None and bus.parent is not None:
        if "ranges" not in bus.props:
            return None
        child, length = cell_counts(bus)
        rows = split(bus.cells("ranges"), child, cell_counts(bus.parent)[0], length)
        if bus.props["ranges"]:
            hits = [up + address - down for down, up, room in rows
                    if down <= address and address + size <= down + room]
            if not hits:
                return None
            address = hits[0]
        bus = bus.parent
    return address


def registers(node):
    """The ranges of a node's reg: (cpu address or None, size)."""
    if "reg" not in node.props or node.parent is None:
        return []
    rows = split(node.cells("reg"), *cell_counts(node.parent))
    return [(translate(node, *row), row[1]) for row in rows]


def compatible(node):
    """The set of a node's compatible strings."""
    try:
        return set(node.texts("compatible")) if "compatible" in node.props else set()
    except UnicodeDecodeError:
        return set()


@dataclass
class Place:
    """A physical range and what it is."""
    base: int
    end: int
    kind: str
    name: str


class Machine:
    """All places of a machine; what is in none of them is MMIO."""

    def __init__(self, tree):
        self.places = []
        self.no_memory_wc = set()
        self._console = self._console_node(tree)
        for node in tree.root.walk():
            top = node.path().split("/")[1].split("@")[0]
            if top not in NOT_DEVICES:
                self._device(node)
        reserved = tree.root.child("reserved-memory")
        for node in reserved.children if reserved else []:
            for base, size in registers(node):
                self.add(base, size, RESERVED, "/reserved-memory/" + node.name)
        modules = {where for node in tree.root.walk() if "reg" in node.props and
                   "multiboot,module" in compatible(node)
                   for where in split(node.cells("reg"), *cell_counts(node.parent, True))}
        for where in set(tree.memreserve) - modules:    # a boot loader reserves its modules so
            self.add(*where, RESERVED, "/memreserve/")

    def add(self, base, size, kind, name):
        """Record a range."""
        if base is not None and size:
            self.places.append(Place(base, base + size, kind, name))

    @staticmethod
    def _console_node(tree):
        chosen = tree.root.child("chosen")
        words = chosen.texts("xen,xen-bootargs")[0].split() if chosen and \
            "xen,xen-bootargs" in chosen.props else []
        named = [word[len("dtuart="):] for word in words if word.startswith("dtuart=")]
        if not named and chosen and "stdout-path" in chosen.props:
            named = chosen.texts("stdout-path")[:1]
        if not named:
            return None
        path = named[-1].split(":")[0]
        aliases = tree.root.child("aliases")
        if not path.startswith("/") and aliases and path in aliases.props:
            path = aliases.texts(path)[0]
        return tree.get(path) if path.startswith("/") else None

    def _device(self, node):
        ranges, what = registers(node), compatible(node)
        for index, (base, size) in enumerate(ranges):
            self.add(base, size, *self._kind(node, what, index))
            if "no-memory-wc" in node.props:
                self.no_memory_wc.add(base)

    def _kind(self, node, what, index):
        if what & GICV2:
            part = ("GICD", "GICC", "GICH", "GICV")[min(index, 3)]
            return (GICV if part == "GICV" else GIC), part
        if what & GICV3:
            return self._gicv3_part(node, index)
        if V2M in what:
            return MSI, node.path()
        parts = [GIC_PARTS[name] for name in sorted(what & set(GIC_PARTS))]
        if parts:
            return GIC, parts[0]
        if what & SMMUS:
            return SMMU, node.path()
        if node is self._console:
            return CONSOLE, node.path()
        if "mmio-sram" in what:
            return SRAM, node.path()
        if node.props.get("device_type", b"").rstrip(b"\0") == b"memory":
            return RAM, node.path()
        return MMIO, node.path()

    @staticmethod
    def _gicv3_part(node, index):
        count = node.cells("#redistributor-regions")[0] \
            if "#redistributor-regions" in node.props else 1
        parts = ["GICD"] + ["GICR"] * count + ["GICC", "GICH", "GICV"]
        part = parts[min(index, len(parts) - 1)]
        return (GICV if part == "GICV" else GIC), part

    def borders(self, base, end):
        """Addresses within (base, end) where the kind of memory may change."""
        edges = sorted({edge for place in self.places for edge in (place.base, place.end)})
        return edges[bisect.bisect_right(edges, base):bisect.bisect_left(edges, end)]

    def native_uart(self):
        """Where a direct-map domain's vPL011 is: at the console's place, None where none fits."""
        fits = [place.base for place in self.places if place.kind == CONSOLE and
                place.base % 0x1000 == 0 and place.end - place.base >= 0x1000]
        return fits[0] if fits else None

    def at(self, address):
        """(kind, name) of one address."""
        here = [place for place in self.places if place.base <= address < place.end]
        if not here:
            return MMIO, "no node"
        place = min(here, key=lambda place: KINDS.index(place.kind))
        return place.kind, place.name


@dataclass
class Grant:
    """A device region of a partial tree: whole pages only are mapped."""
    ipa: int
    pa: int
    size: int
    kind: str               # SRAM or MMIO
    normal_nc: bool
    name: str


@dataclass
class Share:
    """A static shared memory node."""
    shm_id: str
    ipa: int
    size: int
    pa: Optional[int]
    read_only: bool


@dataclass
class Promise:
    """What the host tree says about a domain."""
    name: str
    direct_map: bool = False
    static_mem: List = field(default_factory=list)     # (base, size)
    shares: List[Share] = field(default_factory=list)
    grants: Optional[List[Grant]] = field(default_factory=list)   # None: not known
    msi: List[int] = field(default_factory=list)       # GICv2m frames, by their address
    vpl011: bool = False
    uart: Optional[int] = XEN_VUART     # where its registers are; None: anywhere


def _share(node, cells):
    row = node.cells("xen,shared-mem") if "xen,shared-mem" in node.props else []
    with_pa = split(row, cells[0], cells[0], cells[1])
    without = split(row, cells[0], cells[1])
    if not (with_pa or without) or "xen,shm-id" not in node.props:
        return None
    where = with_pa[0] if with_pa else (None,) + without[0]
    return Share(node.texts("xen,shm-id")[0], where[1], where[2], where[0],
                 "corbel,read-only" in node.props)


def _promise(node, name):
    out = Promise(name, "direct-map" in node.props or "direct_map" in node.props)
    out.vpl011 = "vpl011" in node.props
    own = cell_counts(node, inherit=True)
    if "xen,static-mem" in node.props:
        names = ("#xen,static-mem-address-cells", "#xen,static-mem-size-cells")
        outer = cell_counts(node.parent, inherit=True)
        cells = [node.cells(n)[0] if n in node.props else d for n, d in zip(names, outer)]
        out.static_mem = split(node.cells("xen,static-mem"), *cells)
    for child in node.children:
        what = compatible(child)
        if "xen,domain-shared-memory-v1" in what:
            share = _share(child, own)
            out.shares += [share] if share else []
        if "multiboot,device-tree" in what:
            out.grants = None
    return out


def static_heap(tree):
    """Where all that is not static comes from, as [(base, size)]; empty: anywhere."""
    chosen = tree.root.child("chosen")
    if not chosen or "xen,static-heap" not in chosen.props:
        return []
    return split(chosen.cells("xen,static-heap"), *cell_counts(chosen, inherit=True))


def domain_nodes(tree):
    """(name, node) of each domain of /chosen, by the names that the hypervisor gives them."""
    names = set()
    chosen = tree.root.child("chosen")
    for node in chosen.children if chosen else []:
        if "xen,domain" not in compatible(node):
            continue
        base = name = node.name.split("@")[0]
        copies = 1
        while name in names:
            copies += 1
            name = "%s.%d" % (base, copies)
        names.add(name)
        yield name, node


def promises(tree):
    """What each domain was promised, by its name."""
    return {name: _promise(node, name) for name, node in domain_nodes(tree)}


def grants(tree):
    """The device regions of a partial tree."""
    out = []
    for node in tree.root.walk():
        if "xen,reg" not in node.props or node.parent is None:
            continue
        address, size = cell_counts(node.parent, inherit=True)
        sram = "mmio-sram" in compatible(node) and "no-memory-wc" not in node.props
        attribute = node.props.get("corbel,memory-attribute", b"").rstrip(b"\0")
        for pa, length, ipa in split(node.cells("xen,reg"), address, size, address):
            out.append(Grant(ipa, pa, length, SRAM if sram else MMIO, attribute == b"normal-nc",
                             node.path()))
    return out


def enabled(node):
    """Are a node and all above it in use?"""
    while node is not None:
        if node.props.get("status", b"okay\0") not in (b"okay\0", b"ok\0"):
            return False
        node = node.parent
    return True


def host_node(tree, device):
    """The host's node of a device of a partial tree, or None."""
    if "xen,path" in device.props:
        return tree.get(device.texts("xen,path")[0])
    address, size = cell_counts(device.parent, inherit=True)
    rows = split(device.cells("xen,reg"), address, size, address)
    for node in tree.root.walk() if rows else []:
        if enabled(node) and any(base is not None and base <= rows[0][0] < base + room
                                 for base, room in registers(node)):
            return node
    return None


def msi_frames(tree, partial):
    """GICv2m frames that come with a root complex: a stand-in in the partial tree asks for it."""
    stand_ins = [node for node in partial.root.walk() if V2M in compatible(node)]
    frames = {node.cells("phandle")[0]: registers(node)[0][0] for node in tree.root.walk()
              if V2M in compatible(node) and "phandle" in node.props and registers(node)}
    out = []
    for device in partial.root.walk() if stand_ins else []:
        if not {"xen,reg", "xen,path"} & set(device.props) or device.parent is None:
            continue
        node = host_node(tree, device)
        cells = node.cells("msi-map")[1::4] if node and "msi-map" in node.props else []
        cells += node.cells("msi-parent")[:1] if node and "msi-parent" in node.props else []
        out += [frames[phandle] for phandle in cells if phandle in frames]
    return out

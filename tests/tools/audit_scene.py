# SPDX-License-Identifier: Apache-2.0
"""A machine for the tests of corbel-p2m-audit: tables in a dump, trees and a log, all made here.

The tables are built by this file's own few lines; nothing of the tool or of the hypervisor is
used for that. The scene has every kind of memory: RAM, shares, SRAM, devices, GICV, and what no
guest may have.
"""
import importlib.machinery
import importlib.util
import pathlib
import struct
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
TOOL = TOP / "tools" / "corbel-p2m-audit"
sys.path.insert(0, str(TOP / "tools"))
import fdt  # noqa: E402
from fdt import empty, string, strings, u32, u64  # noqa: E402


def load_tool():
    """The program as a module."""
    loader = importlib.machinery.SourceFileLoader("corbel_p2m_audit", str(TOOL))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


sys.dont_write_bytecode = True      # it would be tools/corbel-p2m-auditc
tool = load_tool()

K, M, G = 1 << 10, 1 << 20, 1 << 30
RAM = 0x40000000
IMAGE = (RAM, 2 * M)
TABLES = 0x7f000000          # 1 MiB at the end of which EL2's own tables are
EL2_ROOT = TABLES + 512 * K
EL2_HEAP = 0x7e000000

# Descriptor bits as in the Arm ARM.
AF, INNER, READ, WRITE, XN = 1 << 10, 3 << 8, 1 << 6, 1 << 7, 2 << 53


def leaf(memattr, cls, access=READ | WRITE, more=0):
    """Attributes of a leaf."""
    return memattr << 2 | cls << 55 | access | AF | more


NORMAL = leaf(0xF, 0, more=INNER)
READONLY = leaf(0xF, 1, READ, INNER)
SRAM = leaf(0xF, 2, more=INNER)
MMIO = leaf(0x3, 3, more=XN)
GICV = leaf(0x0, 4, more=XN)
WC = leaf(0x5, 5, more=XN)
UART = leaf(0x3, 8, READ, XN)


class Memory:
    """Frames for tables, and the file they go to."""

    def __init__(self):
        self.bytes = bytearray(M)
        self.next = TABLES

    def frames(self, count):
        """COUNT zeroed frames, aligned to their size."""
        size = count * 4 * K
        base = (self.next + size - 1) // size * size
        self.next = base + size
        return base

    def get(self, slot):
        """One descriptor."""
        return struct.unpack_from("<Q", self.bytes, slot - TABLES)[0]

    def put(self, slot, value):
        """Write one descriptor."""
        struct.pack_into("<Q", self.bytes, slot - TABLES, value)


class Tables:
    """The stage-2 tables of one domain."""

    def __init__(self, memory, name, vmid, ipa_bits=40, level=1):
        self.memory, self.name, self.vmid, self.level = memory, name, vmid, level
        entries = 1 << max(ipa_bits - self.shift(level), 0)
        self.root_size = max(entries * 8, 4 * K)
        self.vtcr = 1 << 31 | 5 << 16 | 3 << 12 | 5 << 8 | (2 - level) << 6 | (64 - ipa_bits)
        self.root = memory.frames(self.root_size // (4 * K))
        self.vttbr = self.root | vmid << 48
        self.pool = (memory.frames(1), 16 * 4 * K)
        memory.next = self.pool[0] + self.pool[1]
        self.used = 0
        self.lines = []

    @staticmethod
    def shift(level):
        """Address bits below one entry."""
        return 12 + 9 * (3 - level)

    def slot(self, ipa, level):
        """The descriptor that maps ipa at a level; tables above it are made."""
        table, at = self.root, self.level
        while True:
            index = ipa >> self.shift(at)
            index = index if at == self.level else index & 511
            slot = table + 8 * index
            if at == level:
                return slot
            if not self.memory.get(slot):
                self.memory.put(slot, self.pool[0] + self.used * 4 * K | 3)
                self.used += 1
            table = self.memory.get(slot) & 0xfffffffff000
            at += 1

    def map(self, ipa, pa, size, attr):
        """Map with the largest leaves that fit, never above level 1."""
        end = ipa + size
        while ipa < end:
            level = next(n for n in (1, 2, 3) if (ipa | pa) % (1 << self.shift(n)) == 0 and
                         end - ipa >= 1 << self.shift(n) and n >= self.level)
            self.memory.put(self.slot(ipa, level), pa | attr | (3 if level == 3 else 1))
            ipa += 1 << self.shift(level)
            pa += 1 << self.shift(level)

    def change(self, ipa, level, clear=0, put=0):
        """Alter the descriptor of ipa."""
        slot = self.slot(ipa, level)
        self.memory.put(slot, self.memory.get(slot) & ~clear | put)

    def report(self):
        """What the hypervisor would print of it."""
        return [
            "%s: p2m VMID %d, 40-bit IPA from level 1, 0 of 16 table pages" % (self.name,
                                                                               self.vmid),
            "%s: p2m root %#012x+%#x, pool %#012x+%#x, VTCR %#x, VTTBR %#x" % (
                self.name, self.root, self.root_size, *self.pool, self.vtcr, self.vttbr),
            "%s: p2m tables %#012x+%#x" % (self.name, self.pool[0], self.used * 4 * K),
            "%s: p2m 0x0009000000-0x0009003fff -> 0x0009000000 MMIO    rw- device GRE, 4 leaves "
            "up to 4 KiB" % self.name]


def node(name, compat, *regions, **props):
    """A node with 2/2 cells in its parent."""
    out = fdt.Node(name, {"compatible": strings(*compat)} if compat else {})
    if regions:
        out.props["reg"] = b"".join(u64(*region) for region in regions)
    out.props.update(props)
    return out


def bus(name, **props):
    """A node with children."""
    return fdt.Node(name, {"#address-cells": u32(2), "#size-cells": u32(2), **props})


def host_tree():
    """A made-up machine with one of everything."""
    tree = fdt.Tree()
    tree.root = bus("")
    for child in (
            node("memory@40000000", (), (RAM, 2 * G), device_type=string("memory")),
            node("intc@8000000", ("arm,gic-400",), (0x8000000, 64 * K), (0x8010000, 64 * K),
                 (0x8030000, 64 * K), (0x8040000, 64 * K)),
            node("its@8080000", ("arm,gic-v3-its",), (0x8080000, 128 * K)),
            node("pl011@9000000", ("arm,pl011",), (0x9000000, 4 * K)),
            node("pl031@9010000", ("arm,pl031",), (0x9010000, 4 * K)),
            node("smmuv3@9050000", ("arm,smmu-v3",), (0x9050000, 128 * K)),
            node("fb@b000000", ("fb",), (0xb000000, 2 * M)),
            node("sram@b8000000", ("mmio-sram",), (0xb8000000, 64 * K)),
            node("sram@c000000", ("mmio-sram",), (0xc000000, 128 * K), **{"no-memory-wc": empty()}),
    ):
        tree.root.add(child)
    for slot in range(8):
        base = 0xa000000 + slot * 0x200
        tree.root.add(node("virtio_mmio@%x" % base, ("virtio,mmio",), (base, 0x200)))
    soc = tree.root.add(bus("soc", ranges=u64(0x1000, 0xd001000, 0x10000)))
    soc.add(node("behind@1000", ("arm,gic-v2m-frame",), (0x1000, 4 * K)))
    reserved = tree.root.add(bus("reserved-memory", ranges=empty()))
    reserved.add(node("hole@b8000000", (), (0xb8000000, 64 * K), **{"no-map": empty()}))
    reserved.add(node("firmware@bf000000", (), (0xbf000000, M)))
    chosen = tree.root.add(bus("chosen"))
    chosen.props["stdout-path"] = string("/pl011@9000000:115200")
    return tree


def add_domain(tree, name, *children, **props):
    """A domain under /chosen."""
    domain = bus(name, compatible=string("xen,domain"))
    domain.props.update({key.replace("_", "-"): value for key, value in props.items()})
    for child in children:
        domain.add(child)
    return tree.get("/chosen").add(domain)


def shm(shm_id, *where, **props):
    """A share's node."""
    return node("shm@0", ("xen,domain-shared-memory-v1",), **{
        "xen,shm-id": string(shm_id), "xen,shared-mem": u64(*where), **props})


def partial(*devices):
    """A partial tree of (name, compatible, hpa, size, gpa, properties)."""
    tree = fdt.Tree()
    tree.root = bus("")
    top = tree.root.add(bus("passthrough", ranges=empty()))
    for name, compat, hpa, size, gpa, props in devices:
        top.add(node(name, (compat,), **{"xen,reg": u64(hpa, size, gpa), **props}))
    return tree


PARTIAL_MODULE = ("multiboot,device-tree", "multiboot,module")


class Scene:
    """A sound machine: domU1 plain, domU2 with devices and SRAM, domU3 static and 1:1.

    domU1 and domU3 have a vPL011.
    """

    def __init__(self, folder):
        self.folder = folder
        self.memory = Memory()
        self.tree = host_tree()
        self.plain = self.make("domU1", 1)
        self.devices = self.make("domU2", 2)
        self.direct = self.make("domU3", 3)
        self.log = ["memory: 2000000 KiB free, books 64 KiB, image %#x+%#x" % IMAGE]
        self._tree()
        self._maps()

    def make(self, name, vmid, **more):
        """One domain's tables."""
        return Tables(self.memory, name, vmid, **more)

    def _tree(self):
        add_domain(self.tree, "domU1", shm("a", 0x70000000, 64 * K), shm("b", 0x71000000, 4 * K),
                   vpl011=empty())
        add_domain(self.tree, "domU2",
                   shm("a", 0x80000000, 64 * K, **{"corbel,read-only": empty()}),
                   node("module@0", PARTIAL_MODULE, (0x50000000, 4 * K)))
        add_domain(self.tree, "domU3", shm("c", 0x7a000000, 0x7a000000, 2 * M), direct_map=empty(),
                   vpl011=empty(),
                   **{"xen,static-mem": u64(0x60000000, 4 * M)})
        self.partial = partial(
            ("rtc", "arm,pl031", 0x9010000, 4 * K, 0x9010000, {}),
            ("fb", "fb", 0xb000000, 2 * M, 0x10000000,
             {"corbel,memory-attribute": string("normal-nc")}),
            ("sram", "mmio-sram", 0xb8000000, 64 * K, 0x11000000, {}),
            ("slow", "mmio-sram", 0xc000000, 64 * K, 0x12000000, {"no-memory-wc": empty()}),
            ("virtio", "virtio,mmio", 0xa000200, 0x200, 0xa000200, {}))

    def _maps(self):
        for tables, base in ((self.plain, 0x44000000), (self.devices, 0x46000000)):
            tables.map(0x40000000, base, 6 * M + 8 * K, NORMAL)
            tables.map(0x3002000, 0x8040000, 8 * K, GICV)
        self.plain.map(0x70000000, 0x48000000, 64 * K, NORMAL)
        self.plain.map(0x71000000, 0x48100000, 4 * K, NORMAL)
        self.devices.map(0x80000000, 0x48000000, 64 * K, READONLY)
        self.devices.map(0x9010000, 0x9010000, 4 * K, MMIO)
        self.devices.map(0x10000000, 0xb000000, 2 * M, WC)
        self.devices.map(0x11000000, 0xb8000000, 64 * K, SRAM)
        self.devices.map(0x12000000, 0xc000000, 64 * K, MMIO)
        self.plain.map(0x22000000, 0x47000000, 4 * K, UART)
        self.direct.map(0x9000000, 0x47001000, 4 * K, UART)
        self.direct.map(0x60000000, 0x60000000, 4 * M, NORMAL)
        self.direct.map(0x7a000000, 0x7a000000, 2 * M, NORMAL)

    def text(self):
        """The console log."""
        lines = list(self.log)
        for tables in (self.plain, self.devices, self.direct):
            lines += tables.lines or tables.report()
        return "".join("(corbel) [   0.123456] %s\r\n" % line for line in lines)

    def run(self, *options):
        """What the tool finds, by its own functions: a process for each case takes long."""
        files = {"host.dtb": self.tree.pack(), "part.dtb": self.partial.pack(),
                 "ram": bytes(self.memory.bytes), "log": self.text().encode()}
        for name, content in files.items():
            (self.folder / name).write_bytes(content)
        words = ["--dtb", self.folder / "host.dtb", "--log", self.folder / "log",
                 "--ram", "%s@%#x" % (self.folder / "ram", TABLES),
                 "--partial", "domU2=%s" % (self.folder / "part.dtb"), *options]
        return tool.result_of(*tool.run_audit(tool.parse_args([str(word) for word in words])))

    def rules(self, *options):
        """[(domain, rule)] of the violations."""
        return [(fault["domain"], fault["rule"]) for fault in self.run(*options)["violations"]]

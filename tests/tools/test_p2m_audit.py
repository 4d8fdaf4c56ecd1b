# SPDX-License-Identifier: Apache-2.0
"""corbel-p2m-audit on dumps made here: a sound machine passes, each violation is found as itself.

The tables are built by this file's own few lines; nothing of the tool or of the hypervisor is
used for that. The scene has every kind of memory: RAM, shares, SRAM, devices, GICV, and what no
guest may have.
"""
import importlib.machinery
import importlib.util
import pathlib
import struct
import subprocess
import sys

import pytest

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
    """A sound machine: domU1 plain, domU2 with devices and SRAM, domU3 static and 1:1."""

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
        add_domain(self.tree, "domU1", shm("a", 0x70000000, 64 * K), shm("b", 0x71000000, 4 * K))
        add_domain(self.tree, "domU2",
                   shm("a", 0x80000000, 64 * K, **{"corbel,read-only": empty()}),
                   node("module@0", PARTIAL_MODULE, (0x50000000, 4 * K)))
        add_domain(self.tree, "domU3", shm("c", 0x7a000000, 0x7a000000, 2 * M), direct_map=empty(),
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
        audit = tool.make_audit(tool.parse_args([str(word) for word in words]))
        audit.run()
        return tool.result_of(audit)

    def rules(self, *options):
        """[(domain, rule)] of the violations."""
        return [(fault["domain"], fault["rule"]) for fault in self.run(*options)["violations"]]


@pytest.fixture
def scene(tmp_path):
    """A sound machine."""
    return Scene(tmp_path)


def test_sound(scene):
    """Nothing to complain about, and every piece is what it is."""
    result = scene.run()
    assert result["violations"] == []
    kinds = {domain["name"]: {piece["kind"] for piece in domain["pieces"]}
             for domain in result["domains"]}
    assert kinds["domU1"] == {"RAM", "GICV"}
    assert kinds["domU2"] == {"RAM", "GICV", "MMIO", "SRAM"}
    ram = [r for r in result["domains"][0]["regions"] if r["ipa"] == 0x40000000]
    assert [(r["size"], r["leaves"], r["biggest"]) for r in ram] == [(6 * M + 8 * K, 5, 2 * M)]


def test_text(scene):
    """What people get."""
    scene.devices.change(0x9010000, 3, clear=XN)
    scene.run()
    command = [str(word) for word in (
        TOOL, "--dtb", scene.folder / "host.dtb", "--log", scene.folder / "log",
        "--ram", "%s@%#x" % (scene.folder / "ram", TABLES), "--allow-nc", "0xb000000+0x200000")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[-1] == "3 domains, 1 violations"
    assert lines[-2] == "violation: domU2: xn: IPA 0x9010000-0x9010fff -> PA 0x9010000: XN of " \
        "MMIO (/pl031@9010000) is 0x0, expected 0x2"
    assert any("domU2: its partial tree is not known" in line for line in lines)


# One leaf each: (tables, ipa, level, bits to clear, bits to set, rule).
LEAVES = {
    "mmio-normal": ("devices", 0x9010000, 3, 0, 0xF << 2, "memattr"),
    "mmio-nGnRnE": ("devices", 0x9010000, 3, 0xF << 2, 0, "memattr"),
    "mmio-nc": ("devices", 0x9010000, 3, 0xF << 2, 5 << 2, "memattr"),
    "mmio-exec": ("devices", 0x9010000, 3, XN, 0, "xn"),
    "mmio-xn-01": ("devices", 0x9010000, 3, XN, 1 << 53, "xn"),
    "mmio-readonly": ("devices", 0x9010000, 3, WRITE, 0, "s2ap"),
    "mmio-class": ("devices", 0x9010000, 3, 1 << 55, 0, "class"),
    "slow-sram": ("devices", 0x12001000, 3, 0xF << 2, 5 << 2, "memattr"),
    "wc-gre": ("devices", 0x10000000, 2, 0xF << 2, 3 << 2, "memattr"),
    "wc-exec": ("devices", 0x10000000, 2, XN, 0, "xn"),
    "sram-device": ("devices", 0x11003000, 3, 0xF << 2, 3 << 2, "memattr"),
    "sram-xn": ("devices", 0x11003000, 3, 0, XN, "xn"),
    "sram-sh": ("devices", 0x11003000, 3, 1 << 8, 0, "sh"),
    "gicv-gre": ("plain", 0x3002000, 3, 0, 3 << 2, "memattr"),
    "gicv-exec": ("plain", 0x3003000, 3, XN, 0, "xn"),
    "ram-nc": ("plain", 0x40000000, 2, 0xF << 2, 5 << 2, "memattr"),
    "ram-outer": ("plain", 0x40200000, 2, 1 << 8, 0, "sh"),
    "ram-readonly": ("plain", 0x40200000, 2, WRITE, 0, "s2ap"),
    "ram-xn": ("plain", 0x40601000, 3, 0, XN, "xn"),
    "ram-af": ("plain", 0x40601000, 3, AF, 0, "af"),
    "ram-class": ("plain", 0x40601000, 3, 0, 3 << 55, "class"),
    "share-writable": ("devices", 0x80004000, 3, 0, WRITE, "s2ap"),
    "reserved-bit": ("plain", 0x40601000, 3, 0, 1 << 50, "descriptor"),
    "contiguous": ("plain", 0x40601000, 3, 0, 1 << 52, "descriptor"),
    "block-low-bit": ("plain", 0x40200000, 2, 0, 1 << 13, "descriptor"),
    "level-3-block": ("plain", 0x40601000, 3, 2, 0, "descriptor"),
    "table-bits": ("plain", 0x40600000, 2, 0, 1 << 60, "descriptor"),
    "table-gone": ("plain", 0x40600000, 2, 1, 0, "tables"),
    "table-elsewhere": ("plain", 0x40600000, 2, 0, 1 << 40, "table"),
}


@pytest.mark.parametrize("case", LEAVES)
def test_leaf(scene, case):
    """One altered descriptor is one violation."""
    tables, ipa, level, clear, put, rule = LEAVES[case]
    victim = getattr(scene, tables)
    victim.change(ipa, level, clear, put)
    assert scene.rules() == [(victim.name, rule)]


# Where the page at 0x41000000 of domU1 leads to, beside its own RAM.
TARGETS = {
    "image": (IMAGE[0] + M, NORMAL, "hypervisor"),
    "own-tables": (TABLES, NORMAL, "hypervisor"),
    "gicd": (0x8000000, GICV, "gic"),
    "gicc": (0x8010000, GICV, "gic"),
    "gich": (0x8030000, GICV, "gic"),
    "its": (0x8080000, GICV, "gic"),
    "v2m-behind-a-bus": (0xd001000, GICV, "gic"),
    "smmu": (0x9060000, MMIO, "smmu"),
    "console": (0x9000000, MMIO, "console"),
    "device": (0xd000000, MMIO, "assigned"),
    "sram": (0xc010000, MMIO, "assigned"),
    "firmware": (0xbf000000, NORMAL, "reserved"),
    "other-ram": (0x46001000, NORMAL, "shared"),
    "other-share": (0x7a000000, NORMAL, ("static", "shared")),
    "twice": (0x44000000, NORMAL, "alias"),
    "gicv-twice": (0x8040000, GICV, "alias"),
    "own-share-twice": (0x48100000, NORMAL, "alias"),
    "ram-as-mmio": (0x4a000000, MMIO, None),
}


@pytest.mark.parametrize("case", TARGETS)
def test_target(scene, case):
    """One page that leads where it must not."""
    pa, attr, rule = TARGETS[case]
    scene.plain.map(0x41000000, pa, 4 * K, attr)
    found = scene.rules()
    if rule is None:
        assert {"memattr", "xn", "class"} <= {name for _, name in found}
    else:
        assert tuple(name for _, name in found) == (rule if isinstance(rule, tuple) else (rule,))


def test_device_moved(scene):
    """A device's page, but another one than the partial tree says."""
    scene.devices.map(0x9010000, 0x9020000, 4 * K, MMIO)
    assert scene.rules() == [("domU2", "assigned")]


def test_part_of_a_page(scene):
    """A page of which the domain was given 512 bytes is not to be mapped."""
    scene.devices.map(0xa000000, 0xa000000, 4 * K, MMIO)
    assert set(scene.rules()) == {("domU2", "assigned")}
    given = scene.partial.get("/passthrough")
    for base in (0xa000000, 0xa000400):
        size = 0x1000 - base % 0x1000 if base % 0x1000 else 0x200
        given.add(node("rest@%x" % base, ("x",), **{"xen,reg": u64(base, size, base)}))
    assert scene.rules() == [("domU2", "assigned")] * 3


def test_devices_without_partial_tree(scene):
    """Without the partial tree the host's decides what is what."""
    scene.partial = partial()
    assert ("domU2", "assigned") in scene.rules()
    command = [str(word) for word in (
        TOOL, "--dtb", scene.folder / "host.dtb", "--log", scene.folder / "log",
        "--allow-nc", "0xb000000+0x200000", "--ram", "%s@%#x" % (scene.folder / "ram", TABLES))]
    assert subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0
    assert subprocess.run(command[:5] + command[7:], stdout=subprocess.DEVNULL,
                          check=False).returncode == 1


def test_two_domains_one_device(scene):
    """Even if both partial trees gave it."""
    scene.plain.map(0x9010000, 0x9010000, 4 * K, MMIO)
    scene.tree.get("/chosen/domU1").add(node("module@0", PARTIAL_MODULE, (0x50000000, 4 * K)))
    assert [rule for _, rule in scene.rules()] == ["shared"]
    assert scene.rules("--shared", "0x9010000-0x9010fff") == []


def test_share_differs(scene):
    """Users of one id that see different frames; a hole in it; a host address that is not kept."""
    slot = scene.devices.slot(0x80004000, 3)
    whole = scene.memory.get(slot)
    scene.memory.put(slot, whole & ~0xfffffffff000 | 0x49000000)
    assert scene.rules() == [("domU2", "share")]
    scene.memory.put(slot, 0)
    assert scene.rules() == [("domU2", "share")]
    scene.memory.put(slot, whole)
    scene.direct.change(0x7a000000, 2, clear=1)
    assert scene.rules() == [("domU3", "share")]
    scene.direct.map(0x7a000000, 0x7a200000, 2 * M, NORMAL)
    assert scene.rules() == [("domU3", "share")]


def test_share_with_outsider(scene):
    """A frame of a share in a domain that is not one of its users."""
    scene.direct.map(0x61000000, 0x48000000, 4 * K, NORMAL)
    rules = scene.rules()
    assert ("domU3", "static") in rules and [rule for _, rule in rules].count("shared") == 2


def test_static_and_direct(scene):
    """RAM of the static domain that is not static, and RAM that is not 1:1."""
    scene.direct.map(0x62000000, 0x62000000, 2 * M, NORMAL)
    assert scene.rules() == [("domU3", "static")]
    scene.direct.change(0x62000000, 2, clear=1)
    assert scene.rules() == []
    del scene.tree.get("/chosen/domU3").props["xen,static-mem"]
    scene.direct.map(0x62000000, 0x63000000, 2 * M, NORMAL)
    assert scene.rules() == [("domU3", "direct")]


def test_memory_of_others(scene):
    """Memory that the tree keeps for somebody, even if nobody uses it; and the static heap."""
    static = node("domU8", ("xen,domain",), **{"xen,static-mem": u64(0x44200000, 4 * K)})
    scene.tree.get("/chosen").add(static)
    assert scene.rules() == [("domU1", "static")]
    static.props["xen,static-mem"] = u32(0x44200000, 4 * K)
    static.props.update({"#xen,static-mem-address-cells": u32(1),
                         "#xen,static-mem-size-cells": u32(1)})
    assert scene.rules() == [("domU1", "static")]
    scene.tree.get("/chosen").remove(static)
    scene.tree.memreserve = [(0x44200000, 4 * K)]
    assert scene.rules() == [("domU1", "reserved")]
    scene.tree.get("/chosen/domU1").add(node("module@1", ("multiboot,module",),
                                             (0x44200000, 4 * K)))
    assert scene.rules() == []
    scene.tree.get("/chosen").props["xen,static-heap"] = u64(0x45000000, 64 * M)
    assert set(scene.rules()) == {("domU1", "static")}
    scene.tree.get("/chosen").props["xen,static-heap"] = u64(0x44000000, 80 * M)
    assert scene.rules() == []
    scene.tree.get("/chosen").props["xen,static-heap"] = u64(0x44000000, 64 * M)
    assert set(scene.rules()) == {("domU1", "static"), ("domU2", "static")}     # the shares


def test_gicv3(scene):
    """Redistributors and the rest of a GICv3."""
    gic = scene.tree.get("/intc@8000000")
    gic.props.update({"compatible": string("arm,gic-v3"), "#redistributor-regions": u32(2),
                      "reg": u64(0x8000000, 64 * K, 0x8100000, M, 0x8200000, M, 0x8010000, 8 * K,
                                 0x8030000, 64 * K, 0x8040000, 64 * K)})
    assert scene.rules() == []
    for base in (0x8000000, 0x8100000, 0x8200000, 0x8010000, 0x8030000):
        scene.plain.map(0x41000000, base, 4 * K, GICV)
        assert scene.rules() == [("domU1", "gic")]


def test_tables_of_others(scene):
    """Another domain's tables, and a pool page that no table uses."""
    for base in (scene.direct.root, scene.direct.pool[0], scene.direct.pool[0] + 15 * 4 * K):
        scene.plain.map(0x41000000, base, 4 * K, NORMAL)
        assert scene.rules() == [("domU1", "hypervisor")]


def make_el2(memory):
    """EL2's tables: a heap page in the linear area, one in a window. In Corbel's layout."""
    walk = Tables(memory, "EL2", 0, ipa_bits=48, level=0)
    walk.map(0x400000000000 + EL2_HEAP, EL2_HEAP, 4 * K, AF)
    walk.map(0x800080400000, 0x44000000, 4 * K, AF)
    return walk.root


def test_el2_heap(scene):
    """With EL2's root, all of its heap is out of bounds; what a window shows is not."""
    root = make_el2(scene.memory)
    assert scene.rules("--el2-root", "%#x" % root) == []
    scene.plain.map(0x41000000, EL2_HEAP, 4 * K, NORMAL)
    assert scene.rules() == []
    assert scene.rules("--el2-root", "%#x" % root) == [("domU1", "hypervisor")]


REGISTERS = {
    "vttbr-root": ("vttbr", lambda t: t.vttbr ^ 0x10000, "vttbr"),
    "vmid-twice": ("vttbr", lambda t: t.root | 1 << 48, "vmid"),
    "t0sz": ("vtcr", lambda t: t.vtcr & ~0x3f | 35, "vtcr"),
    "sl0": ("vtcr", lambda t: t.vtcr | 0xc0, "vtcr"),
    "tg0": ("vtcr", lambda t: t.vtcr | 1 << 14, "vtcr"),
    "sh0": ("vtcr", lambda t: t.vtcr & ~(1 << 12), "vtcr"),
    "ps": ("vtcr", lambda t: t.vtcr | 7 << 16, "vtcr"),
    "res1": ("vtcr", lambda t: t.vtcr & ~(1 << 31), "vtcr"),
    "ds": ("vtcr", lambda t: t.vtcr | 1 << 32, "vtcr"),
}


@pytest.mark.parametrize("case", REGISTERS)
def test_register(scene, case):
    """VTCR and VTTBR of the second domain."""
    name, value, rule = REGISTERS[case]
    setattr(scene.devices, name, value(scene.devices))
    found = [found for _, found in scene.rules() if found not in ("tables", "share")]
    assert found == [rule]


def test_output_size(scene):
    """A leaf beyond the output addresses that VTCR allows; one below is fine."""
    scene.tree.get("/memory@40000000").props["reg"] = u64(RAM, 2 * G, 4 * G, G)
    scene.plain.map(0x41000000, 4 * G, 4 * K, NORMAL)
    assert scene.rules() == []
    scene.plain.vtcr &= ~(7 << 16)
    assert scene.rules() == [("domU1", "descriptor")]


def test_root_alignment(scene):
    """Concatenated tables begin at a multiple of their size."""
    report = scene.plain.report()
    second = scene.plain.root + 4 * K
    scene.plain.lines = [line.replace("%010x" % scene.plain.root, "%010x" % second)
                         .replace("%#x" % scene.plain.vttbr, "%#x" % (second | 1 << 48))
                         for line in report]
    found = [rule for name, rule in scene.rules() if name == "domU1" and
             rule not in ("tables", "share")]
    assert found == ["vtcr"]


def test_reported_tables(scene):
    """A table that the report does not know, and a report that was cut short."""
    slot = scene.plain.slot(0x40600000, 2)
    table = scene.memory.get(slot) & 0xfffffffff000
    scene.plain.used -= 1
    last = scene.plain.pool[0] + scene.plain.used * 4 * K
    assert scene.rules() == [("domU1", "tables")]
    scene.plain.lines = scene.plain.report()[:3] + [
        "domU1: p2m: tables from %#012x on are not shown" % last]
    assert scene.rules() == []
    elsewhere = TABLES + M - 4 * K
    size = 4 * K
    scene.memory.bytes[elsewhere - TABLES:] = \
        scene.memory.bytes[table - TABLES:table - TABLES + size]
    scene.memory.put(slot, elsewhere | 3)
    assert scene.rules() == [("domU1", "tables")]


def test_table_twice(scene):
    """Two entries that lead to one table."""
    scene.plain.change(0x40800000, 2, put=scene.memory.get(scene.plain.slot(0x40600000, 2)))
    assert scene.rules() == [("domU1", "table")]


@pytest.mark.parametrize("bits,level,root_pages", [
    (32, 1, 1), (40, 1, 2), (43, 1, 16), (34, 2, 16), (30, 2, 1), (44, 0, 1), (48, 0, 1)])
def test_geometry(tmp_path, bits, level, root_pages):
    """Start levels and concatenated roots: leaves at both ends, of every size."""
    scene = Scene(tmp_path)
    tables = Tables(scene.memory, "domU1", 1, bits, level)
    tables.map(0, 0x44000000, 4 * K, NORMAL)
    top = (1 << bits) - 4 * M
    tables.map(top, 0x44400000, 2 * M, NORMAL)
    tables.map((1 << bits) - 4 * K, 0x44200000, 4 * K, NORMAL)
    expected = [(0, 4 * K), (top, 2 * M), ((1 << bits) - 4 * K, 4 * K)]
    if level < 2:
        tables.map(G, 4 * G, G, NORMAL)
        scene.tree.get("/memory@40000000").props["reg"] = u64(RAM, 2 * G, 4 * G, G)
        expected.insert(1, (G, G))
    scene.plain = tables
    scene.devices.used = scene.direct.used = 0
    scene.devices.lines = scene.direct.lines = ["nothing"]
    for child in scene.tree.get("/chosen/domU1").children[:]:
        scene.tree.get("/chosen/domU1").remove(child)
    result = scene.run()
    assert result["violations"] == []
    assert tables.root_size == root_pages * 4 * K
    domain = result["domains"][0]
    assert (domain["ipa_bits"], domain["start_level"]) == (bits, level)
    assert [(r["ipa"], r["size"]) for r in domain["regions"]] == expected


def test_level_0_block(tmp_path):
    """There are no leaves at level 0."""
    scene = Scene(tmp_path)
    scene.plain = Tables(scene.memory, "domU1", 1, 48, 0)
    scene.memory.put(scene.plain.root + 8, 1 << 39 | NORMAL | 1)
    for child in scene.tree.get("/chosen/domU1").children[:]:
        scene.tree.get("/chosen/domU1").remove(child)
    assert [rule for _, rule in scene.rules() if rule != "share"] == ["descriptor"]


def test_last_report_counts(scene):
    """Of several reports the last; a destroyed domain is not looked at; guests cannot write one."""
    old = scene.plain.report()
    scene.plain.lines = [line.replace("VTCR 0x", "VTCR 0xf") for line in old[:2]] + old
    scene.direct.lines = scene.direct.report() + ["domU3: destroyed, 4096 KiB freed"]
    scene.log.append("domU9: p2m root without numbers")
    assert [domain["name"] for domain in scene.run()["domains"]] == ["domU1", "domU2"]
    log = scene.folder / "log"
    log.write_text(log.read_text().replace("(corbel)", "(domU1)"))
    command = [str(TOOL), "--dtb", str(scene.folder / "host.dtb"), "--log", str(log),
               "--ram", "%s@0" % (scene.folder / "ram")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "no domain" in done.stderr


def test_without_a_log(scene):
    """Roots and the image from the command line."""
    scene.run()
    ram = "%s@%#x" % (scene.folder / "ram", TABLES)
    words = [TOOL, "--dtb", scene.folder / "host.dtb", "--ram", ram,
             "--domain", "domU1=%#x,%#x" % (scene.plain.root, scene.plain.vtcr)]
    words = [str(word) for word in words]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "--image" in done.stderr
    assert subprocess.run(words + ["--image", "0x40000000+0x200000"], stdout=subprocess.DEVNULL,
                          check=False).returncode == 0
    assert subprocess.run(words + ["--image", "0x44000000+0x200000"], stdout=subprocess.DEVNULL,
                          check=False).returncode == 1
    scene.plain.map(0x41000000, scene.plain.pool[0], 4 * K, NORMAL)   # a table; no pool is known
    scene.run()
    done = subprocess.run(words + ["--image", "0x40000000+0x200000"], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 1 and "maps the hypervisor (tables of domU1)" in done.stdout


@pytest.mark.parametrize("words", [
    ["--domain", "x"], ["--domain", "x=1"], ["--domain", "x=1,y"], ["--ram", "file"],
    ["--partial", "x"], ["--shared", "12"], ["--image", "all"]])
def test_usage(words):
    """What cannot be meant."""
    done = subprocess.run([str(TOOL), "--dtb", "x", "--ram", "x@0", *words], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 2 and "expected" in done.stderr


def test_missing_input(scene):
    """Files that are not there, and a partial tree for nobody."""
    scene.run()
    words = [str(TOOL), "--dtb", str(scene.folder / "host.dtb"), "--ram", "/nowhere@0", "--log",
             str(scene.folder / "log")]
    assert subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == 2
    words[4] = "%s@0" % (scene.folder / "ram")
    words += ["--partial", "domU7=" + str(scene.folder / "part.dtb")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "no such domain" in done.stderr

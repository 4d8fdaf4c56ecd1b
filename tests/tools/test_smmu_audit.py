# SPDX-License-Identifier: Apache-2.0
"""corbel-p2m-audit --smmu on stream tables and context banks made here: each violation is found.

The tables are packed by this file's own few lines, from the Arm specifications IHI 0070 and 0062.
The machine is that of audit_scene; domU2's frame buffer and a root complex are behind an SMMU.
"""
import subprocess

import pytest

from audit_scene import GICV, K, M, MMIO, NORMAL, TABLES, TOOL, XN, Scene, Tables, leaf, node
import fdt
from fdt import string, u32
import smmu_host
import smmu_regs

SMMU = 0x9050000
PHANDLE = 50
FB_STREAM = 0x1234
PCIE = (0x100, 0x200)       # streams of the root complex: first, count
MSI_PAGE = leaf(0x0, 6, more=XN)
V2M = 0xd001000


def ste(tables, config=6, vmid=None, vtcr=None, flags=1 << 51 | 1 << 58, root=None):
    """A stream table entry for a domain's Tables."""
    vmid = tables.vmid if vmid is None else vmid
    vtcr = tables.vtcr if vtcr is None else vtcr
    root = tables.root if root is None else root
    return [1 | config << 1, 0, vmid | (vtcr & 0x7ffff) << 32 | flags, root, 0, 0, 0, 0]


class SmmuScene(Scene):
    """A sound machine with an SMMUv3; the root complex may have single tables or a shared one."""

    def __init__(self, folder, log2size=16, split=8):
        super().__init__(folder)
        self.kind, self.split, self.log2size = 3, split, log2size
        self.regs = {0x0: 0x0d44101b, 0x4: 0x02730010, 0x20: 0xd, 0x44: 0x1000}
        self.level1 = self.memory.frames(1)
        self.level2 = {}
        self.linear = None
        self._wire()
        self.set64(0x80, self.level1 | 1 << 62)
        self.regs[0x88] = 1 << 16 | split << 6 | log2size
        self.set64(0x90, self.memory.frames(1) | 8)
        self.set64(0xa0, self.memory.frames(1) | 7)
        self.attach(FB_STREAM, ste(self.devices))
        for stream in range(PCIE[0], sum(PCIE)):
            self.attach(stream, ste(self.devices))

    def _wire(self):
        self.smmu = self.tree.get("/smmuv3@9050000")
        self.smmu.props.update({"phandle": u32(PHANDLE), "#iommu-cells": u32(1)})
        self.tree.get("/fb@b000000").props["iommus"] = u32(PHANDLE, FB_STREAM)
        self.bridge = self.tree.root.add(node("pcie@10000000", ("pcie",), (0x10000000, M)))
        self.bridge.props["iommu-map"] = u32(0, PHANDLE, PCIE[0], PCIE[1])
        self.given = fdt.Node("pcie", {"xen,path": string("/pcie@10000000")})
        self.partial.get("/passthrough").add(self.given)

    def set64(self, offset, value):
        """A 64-bit register."""
        self.regs[offset], self.regs[offset + 4] = value & 0xffffffff, value >> 32

    def entry(self, stream):
        """Address of a stream's entry; its table is made."""
        if self.linear is not None:
            return self.linear + 64 * stream
        index, at = stream >> self.split, stream & ((1 << self.split) - 1)
        if index not in self.level2:
            self.level2[index] = self.memory.frames((64 << self.split) // (4 * K))
            self.memory.put(self.level1 + 8 * index, self.level2[index] | self.split + 1)
        return self.level2[index] + 64 * at

    def attach(self, stream, words):
        """Write a stream's entry."""
        for i, word in enumerate(words):
            self.memory.put(self.entry(stream) + 8 * i, word)

    def change(self, stream, word, flip):
        """Flip bits in a word of an entry."""
        slot = self.entry(stream) + 8 * word
        self.memory.put(slot, self.memory.get(slot) ^ flip)

    def make_linear(self, bits):
        """Use a linear table instead, empty."""
        self.linear = self.memory.frames((64 << bits) // (4 * K))
        self.set64(0x80, self.linear)
        self.regs[0x88] = bits

    def run(self, *options):
        """As Scene.run(), with the registers."""
        text = smmu_regs.Registers(SMMU, self.regs).text()
        (self.folder / "regs").write_text(text)
        return super().run("--smmu", self.folder / "regs", *options)

    def smmu_rules(self, *options):
        """Rules that the SMMU violates, once each; the domains violate none."""
        found = self.rules(*options)
        assert {name for name, _ in found} <= {self.smmu.name}, found
        return sorted({rule for _, rule in found})


@pytest.fixture
def scene(tmp_path):
    """A sound machine."""
    return SmmuScene(tmp_path)


def spans(result):
    """(first, last, domain) of what is attached."""
    return [(run["first"], run["last"], run["domain"]) for run in result["smmus"][0]["attached"]]


def test_sound(scene):
    """All streams of domU2's devices walk its tables; nothing else does."""
    result = scene.run()
    assert result["violations"] == []
    assert spans(result) == [(*(PCIE[0], sum(PCIE) - 1), "domU2"), (FB_STREAM, FB_STREAM, "domU2")]
    first = result["smmus"][0]["attached"][0]
    assert (first["root"], first["vmid"]) == (scene.devices.root, 2)
    assert first["vtcr"] == scene.devices.vtcr & 0x7ffff
    assert first["slot"] == scene.entry(PCIE[0])


def test_text(scene):
    """What people read."""
    scene.run()
    words = [str(word) for word in (
        TOOL, "--dtb", scene.folder / "host.dtb", "--log", scene.folder / "log", "--ram",
        "%s@%#x" % (scene.folder / "ram", TABLES), "--partial",
        "domU2=%s" % (scene.folder / "part.dtb"), "--smmu", scene.folder / "regs")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "smmuv3@9050000: streams 0x100-0x2ff: domU2, tables %#x" % scene.devices.root \
        in done.stdout
    assert "3 domains, 1 SMMUs, 0 violations" in done.stdout
    scene.attach(7, ste(scene.plain))
    scene.run()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "violation: smmuv3@9050000: stream: stream 0x7 of nobody: translate (VMID 1)" \
        in done.stdout


@pytest.mark.parametrize("split", [6, 8, 10])
def test_two_levels(tmp_path, split):
    """All sizes of second-level tables; spans that are shorter than they might be."""
    scene = SmmuScene(tmp_path, split=split)
    assert scene.smmu_rules() == []
    index = FB_STREAM >> split
    slot = scene.level1 + 8 * index
    low = FB_STREAM & ((1 << split) - 1)
    word = scene.memory.get(slot)
    scene.memory.put(slot, word & ~31 | low.bit_length() + 1)   # just holds it
    assert scene.smmu_rules() == []
    scene.memory.put(slot, word & ~31 | low.bit_length())       # does not
    assert scene.smmu_rules() == ["attach"]
    scene.memory.put(slot, word & ~31 | split + 2)
    assert scene.smmu_rules() == ["attach", "strtab"]


def test_shared_second_level(scene):
    """Several first-level entries may lead to one table of equal entries."""
    table = scene.level2[PCIE[0] >> 8]
    scene.memory.put(scene.level1 + 8 * (1 + (PCIE[0] >> 8)), table | 9)
    assert scene.smmu_rules() == []


def test_linear(scene):
    """A linear table; streams beyond it abort."""
    scene.make_linear(10)
    for stream in range(PCIE[0], sum(PCIE)):
        scene.attach(stream, ste(scene.devices))
    assert scene.smmu_rules() == ["attach"]     # the frame buffer's stream is not in there
    del scene.tree.get("/fb@b000000").props["iommus"]
    assert scene.smmu_rules() == []
    scene.attach(0x3ff, ste(scene.devices, config=4))
    assert scene.smmu_rules() == ["stream"]


ENTRIES = {
    "root": (lambda s: ste(s.devices, root=s.devices.root + 0x2000), "root"),
    "others-root": (lambda s: ste(s.plain, vmid=2), "root"),
    "vmid": (lambda s: ste(s.devices, vmid=3), "vmid"),
    "t0sz": (lambda s: ste(s.devices, vtcr=s.devices.vtcr + 1), "geometry"),
    "sl0": (lambda s: ste(s.devices, vtcr=s.devices.vtcr ^ 0x40), "geometry"),
    "ps": (lambda s: ste(s.devices, vtcr=s.devices.vtcr ^ 0x10000), "geometry"),
    "sh0": (lambda s: ste(s.devices, vtcr=s.devices.vtcr ^ 0x1000), "geometry"),
    "s2r": (lambda s: ste(s.devices, flags=1 << 51), "ste"),
    "s2s": (lambda s: ste(s.devices, flags=1 << 51 | 1 << 58 | 1 << 57), "ste"),
    "aa64": (lambda s: ste(s.devices, flags=1 << 58), "ste"),
    "endian": (lambda s: ste(s.devices, flags=1 << 51 | 1 << 58 | 1 << 52), "ste"),
    "ats": (lambda s: [w | (1 << 28 if i == 1 else 0) for i, w in enumerate(ste(s.devices))],
            "ste"),
    "bypass": (lambda s: ste(s.devices, config=4), "attach"),
    "abort": (lambda s: ste(s.devices, config=0), "attach"),
    "nested": (lambda s: ste(s.devices, config=7), "attach"),
    "none": (lambda s: [0] * 8, "attach"),
}


@pytest.mark.parametrize("case", ENTRIES)
def test_entry(scene, case):
    """One entry of an attached stream that is not what it should be."""
    make, rule = ENTRIES[case]
    scene.attach(FB_STREAM, make(scene))
    assert scene.smmu_rules() == [rule]


@pytest.mark.parametrize("config,bad", [(0, False), (1, False), (4, True), (5, True), (6, True)])
@pytest.mark.parametrize("stream", [0, 0xff, 0x300, 0xffff])
def test_stream_of_nobody(scene, stream, config, bad):
    """A stream that no tree names: only an abort will do."""
    scene.attach(stream, ste(scene.devices, config=config))
    assert scene.smmu_rules() == (["stream"] if bad else [])


def test_domain_that_ended(scene):
    """The streams of a domain that is no more abort, too."""
    scene.devices.lines = scene.devices.report() + ["domU2: destroyed, 4096 KiB freed"]
    found = [rule for rule in scene.rules() if rule[0] == scene.smmu.name]
    assert set(found) == {(scene.smmu.name, "stream")}


def test_bypass_by_configuration(scene):
    """corbel,no-iommu of a device or a domain, passthrough = "disabled"."""
    for stream in range(PCIE[0], sum(PCIE)):
        scene.attach(stream, ste(scene.devices, config=4))
    assert scene.smmu_rules() == ["attach"]
    scene.given.props["corbel,no-iommu"] = b""
    assert scene.smmu_rules() == []
    scene.attach(FB_STREAM, ste(scene.devices, config=4))
    assert scene.smmu_rules() == ["attach"]
    domain = scene.tree.get("/chosen/domU2")
    for name, value in (("corbel,no-iommu", b""), ("passthrough", string("disabled"))):
        domain.props[name] = value
        assert scene.smmu_rules() == []
        del domain.props[name]


def test_switched_off(scene):
    """Not enabled: GBPA decides."""
    scene.regs[0x20] = 0
    assert scene.smmu_rules() == ["attach", "stream"]
    scene.regs[0x44] |= 1 << 20
    assert scene.smmu_rules() == ["attach"]


def test_tables_out_of_place(scene):
    """Stream tables that are not in the dump; a format and a size that there are not."""
    good = scene.regs[0x88]
    for value in (2 << 16 | 16, 1 << 16 | 7 << 6 | 16):
        scene.regs[0x88] = value
        assert "strtab" in scene.smmu_rules()
    scene.regs[0x88] = good
    scene.memory.put(scene.level1 + 8, 0x1000 | 9)
    assert "strtab" in scene.smmu_rules()
    scene.set64(0x80, 0x1000)
    assert "strtab" in scene.smmu_rules()


def test_larger_than_streams(scene):
    """More bits than streams have."""
    scene.regs[0x4] = scene.regs[0x4] & ~0x3f | 15
    assert "strtab" in scene.smmu_rules()


def test_own_memory(scene):
    """Guests have neither the stream tables nor the queues."""
    for base in (scene.level1, scene.level2[PCIE[0] >> 8], scene.regs[0x90] & ~0xfff,
                 scene.regs[0xa0] & ~0xfff):
        scene.plain.map(0x41000000, base, 4 * K, NORMAL)
        assert scene.rules() == [("domU1", "hypervisor")]


def test_iommu_map_mask(scene):
    """Requester IDs whose masked bits are the same share a stream."""
    scene.bridge.props["iommu-map-mask"] = u32(0xff)
    found = scene.run()["violations"]
    assert [fault["rule"] for fault in found] == ["stream"]
    assert "streams 0x200-0x2ff of nobody" in found[0]["text"]


def unshared_tables(scene, source):
    """Tables of a domain's memory for the SMMU alone."""
    tables = Tables(scene.memory, source.name, source.vmid)
    tables.map(0x40000000, 0x46000000, 6 * M + 8 * K, NORMAL)
    tables.map(0x80000000, 0x48000000, 64 * K, leaf(0xF, 1, 1 << 6, 3 << 8))
    tables.map(0x11000000, 0xb8000000, 64 * K, leaf(0xF, 2, more=3 << 8))
    for stream in (*range(PCIE[0], sum(PCIE)), FB_STREAM):
        scene.attach(stream, ste(tables))
    return tables


def test_unshared(scene):
    """Two roots, the same memory: nothing more, nothing less, no device."""
    assert scene.smmu_rules("--unshared") == ["root"]
    tables = unshared_tables(scene, scene.devices)
    assert scene.smmu_rules() == ["root"]
    assert scene.smmu_rules("--unshared") == []
    scene.tree.get("/chosen").props["xen,xen-bootargs"] = string(
        "dtuart=/pl011@9000000 iommu=verbose,no-sharept")
    assert scene.smmu_rules() == []
    tables.map(0x9010000, 0x9010000, 4 * K, MMIO)
    assert scene.smmu_rules() == ["unshared"]
    tables.change(0x9010000, 3, clear=1)
    tables.change(0x40200000, 2, clear=1)
    assert scene.smmu_rules() == ["unshared"]
    tables.change(0x40200000, 2, put=1)
    tables.change(0x40400000, 2, clear=0xfffff000, put=0x4a000000)
    assert scene.smmu_rules() == ["unshared"]


def test_unshared_by_report(scene):
    """The report names tables of their own: their root, geometry and pool."""
    tables = unshared_tables(scene, scene.devices)
    own = tables.report()[1].replace("p2m root", "p2m io root")
    scene.devices.lines = scene.devices.report() + [own]
    assert scene.smmu_rules() == []
    scene.attach(FB_STREAM, ste(scene.devices))
    assert scene.smmu_rules() == ["root"]
    scene.attach(FB_STREAM, ste(tables, root=tables.root + 0x2000))
    assert "root" in scene.smmu_rules()
    scene.attach(FB_STREAM, ste(tables, vtcr=tables.vtcr ^ 0x10000))
    assert "geometry" in scene.smmu_rules()
    scene.attach(FB_STREAM, ste(tables))
    scene.plain.map(0x41000000, tables.pool[0] + 15 * 4 * K, 4 * K, NORMAL)
    assert scene.rules() == [("domU1", "hypervisor")]


def test_unshared_tables_are_the_hypervisors(scene):
    """No guest has them."""
    tables = unshared_tables(scene, scene.devices)
    for base in (tables.root, tables.pool[0]):
        scene.plain.map(0x41000000, base, 4 * K, NORMAL)
        assert scene.rules("--unshared") == [("domU1", "hypervisor")]


def with_msi(scene):
    """The root complex with its MSI frame, for domU2."""
    frame = scene.tree.get("/soc/behind@1000")
    frame.props["phandle"] = u32(51)
    scene.bridge.props["msi-map"] = u32(0, 51, 0, 0x10000)
    gic = scene.partial.root.add(fdt.Node("gic"))
    gic.add(fdt.Node("v2m@0", {"compatible": string("arm,gic-v2m-frame")}))


def test_msi_frame(scene):
    """The GICv2m frame that came with the root complex, in shared and in own tables."""
    scene.devices.map(0xd001000, V2M, 4 * K, MSI_PAGE)
    assert scene.rules() == [("domU2", "gic")]
    with_msi(scene)
    assert scene.rules() == []
    scene.devices.map(0xd001000, V2M, 4 * K, GICV)
    assert scene.rules() == [("domU2", "class")]
    scene.devices.map(0xd001000, V2M, 4 * K, MSI_PAGE)
    tables = unshared_tables(scene, scene.devices)
    assert scene.smmu_rules("--unshared") == ["unshared"]
    tables.map(0xd001000, V2M, 4 * K, MSI_PAGE)
    assert scene.smmu_rules("--unshared") == []
    scene.plain.map(0xd001000, V2M, 4 * K, MSI_PAGE)
    assert ("domU1", "gic") in scene.rules("--unshared")


# ---- SMMUv2 ----

GROUPS, BANKS, PAGE_SIZE = 8, 4, 0x1000
BANK0 = PAGE_SIZE << 3


class SmmuV2Scene(SmmuScene):
    """The same with an SMMUv2: group 0 for the frame buffer, group 1 for two other streams."""

    def __init__(self, folder):
        super().__init__(folder)
        self.smmu.props["compatible"] = string("arm,smmu-v2")
        self.smmu.props["#iommu-cells"] = u32(2)
        self.tree.get("/fb@b000000").props["iommus"] = u32(PHANDLE, 0x12, 0, PHANDLE, 0x20, 0x3)
        del self.bridge.props["iommu-map"]
        self.regs = {0x0: 1 << 10, 0x20: 1 << 27 | 15 << 9 | GROUPS, 0x24: 2 << 28 | BANKS}
        for offset in smmu_regs.V2Layout(self.regs[0x20], self.regs[0x24]).offsets():
            self.regs[offset] = 0
        self.group(0, 0x12, 0, 0)
        self.group(1, 0x20, 3, 0)
        self.bank(0, self.devices)

    def group(self, number, stream, mask, bank, kind=0):
        """A stream-match register and what it leads to."""
        self.regs[0x800 + 4 * number] = 1 << 31 | mask << 16 | stream
        self.regs[0xc00 + 4 * number] = kind << 16 | bank

    def bank(self, number, tables, **change):
        """A context bank with a domain's stage 2."""
        at = BANK0 + number * PAGE_SIZE
        fields = {"cbar": tables.vmid, "cba2r": 1, "control": 1 | 1 << 5 | 1 << 6,
                  "root": tables.root, "tcr": tables.vtcr & 0xffffffff, **change}
        self.regs[PAGE_SIZE + 4 * number] = fields["cbar"]
        self.regs[PAGE_SIZE + 0x800 + 4 * number] = fields["cba2r"]
        self.regs[at] = fields["control"]
        self.set64(at + 0x20, fields["root"])
        self.regs[at + 0x30] = fields["tcr"]


@pytest.fixture
def v2(tmp_path):
    """A sound machine."""
    return SmmuV2Scene(tmp_path)


def test_v2_sound(v2):
    """Single streams and masked ones; the rest is refused."""
    result = v2.run()
    assert result["violations"] == []
    assert spans(result) == [(0x12, 0x12, "domU2"), (0x20, 0x23, "domU2")]


BANK_CHANGES = {
    "root": ({"root": 0x7f0ff000}, "root"),
    "vmid": ({"cbar": 3}, "vmid"),
    "type": ({"cbar": 2 | 1 << 16}, "attach"),
    "off": ({"control": 1 << 6}, "attach"),
    "stall": ({"control": 1 | 1 << 6 | 1 << 7}, "ste"),
    "quiet": ({"control": 1}, "ste"),
    "endian": ({"control": 1 | 1 << 6 | 1 << 4}, "ste"),
    "va64": ({"cba2r": 0}, "ste"),
    "tcr": ({"tcr": 0x80023557}, "geometry"),
}


@pytest.mark.parametrize("case", BANK_CHANGES)
def test_v2_bank(v2, case):
    """A context bank that is not the domain's stage 2."""
    change, rule = BANK_CHANGES[case]
    v2.bank(0, v2.devices, **change)
    assert v2.smmu_rules() == [rule]


def test_v2_wide_vmid(v2):
    """16-bit VMIDs are in CBA2R."""
    v2.bank(0, v2.devices, cbar=0, cba2r=1 | 2 << 16)
    assert v2.smmu_rules() == []


def test_v2_groups(v2):
    """What groups must not do; streams without one."""
    v2.group(2, 0x40, 0, 0)
    assert v2.smmu_rules() == ["stream"]
    v2.group(2, 0x40, 0, 0, kind=1)
    assert v2.smmu_rules() == ["stream"]
    v2.group(2, 0x40, 0, 0, kind=2)
    assert v2.smmu_rules() == []
    v2.group(2, 0x21, 0, 0)
    assert v2.smmu_rules() == ["attach"]        # two match
    v2.regs[0x800 + 8] = 0
    v2.group(1, 0x20, 1, 0)
    assert v2.smmu_rules() == ["attach"]        # half of them
    v2.group(1, 0x20, 3, 9)
    assert v2.smmu_rules() == ["attach"]        # no such bank
    v2.group(1, 0x20, 3, 0)
    v2.regs[0x0] = 0
    assert v2.smmu_rules() == ["stream"]        # USFCFG
    v2.regs[0x0] = 1 << 10 | 1
    assert v2.smmu_rules() == ["attach", "stream"]      # CLIENTPD


def test_v2_indexing(v2):
    """Without stream matching the stream is the group."""
    v2.regs[0x20] = 6 << 9
    v2.tree.get("/fb@b000000").props["iommus"] = u32(PHANDLE, 0x12, 0)
    for stream in range(64):
        v2.regs[0xc00 + 4 * stream] = 0 if stream == 0x12 else 2 << 16
    assert v2.smmu_rules() == []
    v2.regs[0xc00 + 4 * 5] = 0
    assert v2.smmu_rules() == ["stream"]


def test_v2_masters(v2):
    """The older binding: mmu-masters and #stream-id-cells."""
    buffer = v2.tree.get("/fb@b000000")
    del buffer.props["iommus"]
    assert v2.smmu_rules() == ["stream"]
    buffer.props.update({"phandle": u32(60), "#stream-id-cells": u32(2)})
    v2.bridge.props.update({"phandle": u32(61), "#stream-id-cells": u32(1)})
    v2.smmu.props["mmu-masters"] = u32(61, 0x50, 60, 0x12, 0x20)
    v2.group(1, 0x20, 0, 0)
    v2.group(2, 0x50, 0, 0)
    assert v2.smmu_rules() == []
    v2.smmu.props["stream-match-mask"] = u32(0x4000)
    assert v2.smmu_rules() == ["attach"]


# ---- input ----

def test_registers_as_text():
    """Comments, several units, and what cannot be read."""
    parsed = smmu_regs.parse("# by hand\nsmmu 0x9050000\n0x20 0xd # CR0\n\nsmmu 1\n0x80 5\n"
                             "0x84 1\n")
    assert [unit.base for unit in parsed] == [SMMU, 1]
    assert parsed[0].get32(0x20) == 0xd and parsed[1].get64(0x80) == 0x100000005
    assert smmu_regs.parse(parsed[1].text())[0].values == parsed[1].values
    with pytest.raises(ValueError, match="0x24 was not read"):
        parsed[0].get32(0x24)
    for text in ("0x20 1", "smmu", "smmu x", "smmu 1\n0x20", "smmu 1\n1 2 3"):
        with pytest.raises(ValueError, match="line"):
            smmu_regs.parse(text)


def test_collect():
    """What is asked of an SMMU, by its own identification."""
    asked = []

    def read(offset):
        asked.append(offset)
        return {0x20: 1 << 27 | 2, 0x24: 1 << 28 | 1}.get(offset, 0)
    smmu_regs.collect(2, read)
    assert asked == [0, 0x20, 0x24, 0x800, 0xc00, 0x804, 0xc04, 0x1000, 0x1800, 0x4000, 0x4020,
                     0x4024, 0x4030]
    assert set(smmu_regs.collect(3, lambda offset: offset)) == set(smmu_regs.V3)


def audit_words(scene, *more):
    """A command line; the scene's files are written."""
    scene.run()
    return [str(word) for word in (
        TOOL, "--dtb", scene.folder / "host.dtb", "--log", scene.folder / "log", "--ram",
        "%s@%#x" % (scene.folder / "ram", TABLES), "--smmu", scene.folder / "regs", *more)]


def test_missing_input(scene):
    """No partial tree, no registers, registers of somebody else."""
    words = audit_words(scene)
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "partial tree of domU2" in done.stderr
    words += ["--partial", "domU2=%s" % (scene.folder / "part.dtb")]
    for text, error in (("", "no registers of smmuv3@9050000"), ("smmu 0x5\n", "no SMMU at 0x5"),
                        ("smmu 0x9050000\n", "was not read")):
        (scene.folder / "regs").write_text(text)
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 2 and error in done.stderr


def test_disabled_smmu(scene):
    """An SMMU that is not in use is not asked for."""
    scene.smmu.props["status"] = string("disabled")
    assert smmu_host.units(scene.tree) == []

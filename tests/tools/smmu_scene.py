# SPDX-License-Identifier: Apache-2.0
"""A sound machine with an SMMUv3, for tests of corbel-p2m-audit --smmu.

The tables are packed by this file's own few lines, from the Arm specification IHI 0070. The
machine is that of audit_scene; domU2's frame buffer and a root complex are behind the SMMU.
"""
from audit_scene import K, M, NORMAL, Scene, Tables, leaf, node
import fdt
from fdt import string, u32
import smmu_regs

SMMU = 0x9050000
PHANDLE = 50
FB_STREAM = 0x1234
PCIE = (0x100, 0x200)       # streams of the root complex: first, count


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


def spans(result):
    """(first, last, domain) of what is attached."""
    return [(run["first"], run["last"], run["domain"]) for run in result["smmus"][0]["attached"]]


def unshared_tables(scene, source):
    """Tables of a domain's memory for the SMMU alone."""
    tables = Tables(scene.memory, source.name, source.vmid)
    tables.map(0x40000000, 0x46000000, 6 * M + 8 * K, NORMAL)
    tables.map(0x80000000, 0x48000000, 64 * K, leaf(0xF, 1, 1 << 6, 3 << 8))
    tables.map(0x11000000, 0xb8000000, 64 * K, leaf(0xF, 2, more=3 << 8))
    for stream in (*range(PCIE[0], sum(PCIE)), FB_STREAM):
        scene.attach(stream, ste(tables))
    return tables


def uncached(tables):
    """TCR of a walk past the caches."""
    return tables.vtcr & 0x7c0ff | 2 << 12

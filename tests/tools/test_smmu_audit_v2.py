# SPDX-License-Identifier: Apache-2.0
"""corbel-p2m-audit --smmu on the context banks of an SMMUv1 or v2: each violation is found.

Registers are made by this file's own few lines, from the Arm specification IHI 0062.
"""
import pytest

from audit_scene import K, NORMAL
from fdt import string, u32
from p2m_walk import bits
import smmu_regs
from smmu_scene import PHANDLE, SmmuScene, spans, uncached

GROUPS, BANKS, PAGE_SIZE = 8, 4, 0x1000
BANK0 = PAGE_SIZE << 3


class SmmuV2Scene(SmmuScene):
    """The same with an SMMUv2: group 0 for the frame buffer, group 1 for two other streams."""

    def __init__(self, folder):
        super().__init__(folder)
        self.smmu.props["compatible"] = string("arm,smmu-v2")
        self.smmu.props["dma-coherent"] = b""
        self.smmu.props["#iommu-cells"] = u32(2)
        self.tree.get("/fb@b000000").props["iommus"] = u32(PHANDLE, 0x12, 0, PHANDLE, 0x20, 0x3)
        del self.bridge.props["iommu-map"]
        self.regs = {0x0: 1 << 10, 0x20: 1 << 27 | 1 << 14 | 15 << 9 | GROUPS,
                     0x24: 2 << 28 | BANKS}
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
    assert v2.smmu_rules() == ["vmid"]
    v2.regs[0x0] |= 1 << 31         # VMID16EN
    assert v2.smmu_rules() == []


def test_v2_aarch32(v2):
    """SMMUv1 has no VA64: T0SZ is signed, there is no PS, and addresses have 40 bits."""
    v2.devices.vtcr = v2.devices.vtcr & ~(7 << 16) | 2 << 16
    assert bits(v2.devices.vtcr, 5, 0) == 24
    v2.bank(0, v2.devices, cba2r=0)
    assert v2.smmu_rules() == ["ste"]       # PS is none there
    tcr = v2.devices.vtcr & 0xFFC0
    v2.bank(0, v2.devices, cba2r=0, tcr=tcr | 0x18)
    assert v2.smmu_rules() == []
    v2.bank(0, v2.devices, cba2r=0, tcr=tcr | 0x19)
    assert v2.smmu_rules() == ["geometry"]
    v2.bank(0, v2.devices, cba2r=0, tcr=tcr | 0x8)          # S is not T0SZ's sign
    assert v2.smmu_rules() == ["ste"]
    v2.bank(0, v2.devices, cba2r=0, tcr=tcr | 0x18)
    v2.devices.vtcr = v2.devices.vtcr & ~(7 << 16) | 3 << 16
    assert v2.smmu_rules() == ["geometry"]


def test_v2_wide_streams(v2):
    """With EXIDENABLE bit 31 belongs to the mask, and S2CR says which groups are valid."""
    v2.regs[0x20] |= 1 << 8
    assert v2.smmu_rules() == []            # there, but not in use
    v2.regs[0x0] |= 1 << 3
    assert v2.smmu_rules() == ["attach"]    # none is valid
    v2.tree.get("/fb@b000000").props["iommus"] = u32(PHANDLE, 0x12, 0x8000, PHANDLE, 0x20, 0x3)
    v2.regs[0x800], v2.regs[0x804] = 0x8000 << 16 | 0x12, 3 << 16 | 0x20
    v2.regs[0xc00], v2.regs[0xc04] = 1 << 10, 1 << 10
    assert v2.smmu_rules() == []
    assert spans(v2.run()) == [(0x12, 0x12, "domU2"), (0x20, 0x23, "domU2"),
                               (0x8012, 0x8012, "domU2")]
    v2.regs[0x808], v2.regs[0xc08] = 0x9000, 1 << 10
    assert v2.smmu_rules() == ["stream"]


def test_v2_quarantine(v2):
    """Streams that are refused in silence walk an empty table: whoever owned them, they abort."""
    empty = v2.memory.frames(1)
    sink = {"cbar": 0xff, "control": 1, "root": empty, "tcr": v2.devices.vtcr & 0x7ffff | 1}
    v2.bank(1, v2.devices, **sink)
    v2.group(2, 0x40, 0, 1)
    assert v2.smmu_rules() == []
    v2.plain.map(0x41000000, empty, 4 * K, NORMAL)
    assert v2.rules() == [("domU1", "hypervisor")]
    v2.plain.change(0x41000000, 3, clear=1)
    v2.group(1, 0x20, 3, 1)
    assert v2.smmu_rules() == ["attach"]    # its owner runs
    v2.group(1, 0x20, 3, 0)
    for change in ({"cbar": 0xfe}, {"control": 1 | 1 << 6}):
        v2.bank(1, v2.devices, **{**sink, **change})
        assert v2.smmu_rules() == ["stream"]
    v2.bank(1, v2.devices, **sink)
    v2.memory.put(empty + 8, 0x48000000 | 1)
    assert v2.smmu_rules() == ["stream"]


def test_not_coherent(v2):
    """An SMMU that does not snoop walks past the caches, and has to."""
    v2.bank(0, v2.devices, tcr=uncached(v2.devices))
    assert v2.smmu_rules() == ["geometry"]
    del v2.smmu.props["dma-coherent"]
    assert v2.smmu_rules() == []
    v2.regs[0x20] &= ~(1 << 14)
    v2.smmu.props["dma-coherent"] = b""
    assert v2.smmu_rules() == []
    v2.bank(0, v2.devices)
    assert v2.smmu_rules() == ["geometry"]


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
    v2.regs[0x20] = 1 << 14 | 6 << 9
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

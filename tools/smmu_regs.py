#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Registers of SMMUs in text form, for corbel-p2m-audit --smmu.

    smmu 0x9050000              one block per SMMU, by its address in the host's tree
    0x020 0x0000000d            offset and value of a 32-bit register; # begins a comment

Offsets are those of the Arm specifications: IHI 0070 (SMMUv3), IHI 0062 (SMMUv1, v2). Which ones
are needed is in collect(). As a program: read them from a QEMU that stands still, one register at
a time (its model ignores reads of other sizes).

    tools/smmu_regs.py --qmp SOCKET --dtb host.dtb >registers
"""
import argparse
import os
import sys

# SMMUv3
IDR0, IDR1, CR0, GBPA = 0x0, 0x4, 0x20, 0x44
STRTAB_BASE, STRTAB_BASE_CFG, CMDQ_BASE, EVENTQ_BASE = 0x80, 0x88, 0x90, 0xA0
V3 = (IDR0, IDR1, CR0, GBPA, STRTAB_BASE, STRTAB_BASE + 4, STRTAB_BASE_CFG, CMDQ_BASE,
      CMDQ_BASE + 4, EVENTQ_BASE, EVENTQ_BASE + 4)

# SMMUv1, v2: global space 0, then space 1, then the context banks (see V2Layout).
SCR0, SIDR0, SIDR1, SMR, S2CR = 0x0, 0x20, 0x24, 0x800, 0xC00
CBAR, CBA2R = 0x0, 0x800
SCTLR, TTBR0, TCR = 0x0, 0x20, 0x30


class V2Layout:
    """Where the registers of an SMMUv1 or v2 are, by IDR0 and IDR1."""

    def __init__(self, idr0, idr1):
        self.page = 0x10000 if idr1 >> 31 else 0x1000
        self.banks_at = self.page << ((idr1 >> 28 & 7) + 1)
        self.banks = idr1 & 0xFF
        self.matching = bool(idr0 >> 27 & 1)
        self.extended = bool(idr0 >> 8 & 1)
        self.stream_bits = idr0 >> 9 & 15
        self.groups = idr0 & 0xFF if self.matching else 1 << self.stream_bits

    def bank(self, number, register):
        """Offset of a register of a context bank."""
        return self.banks_at + number * self.page + register

    def offsets(self):
        """All that an audit reads."""
        for group in range(self.groups):
            if self.matching:
                yield SMR + 4 * group
            yield S2CR + 4 * group
        for number in range(self.banks):
            yield self.page + CBAR + 4 * number
            yield self.page + CBA2R + 4 * number
            for register in (SCTLR, TTBR0, TTBR0 + 4, TCR):
                yield self.bank(number, register)


def collect(kind, read):
    """{offset: value} of an SMMU; kind: 3, or 2 and below; read(offset) gives 32 bits."""
    if kind == 3:
        return {offset: read(offset) for offset in V3}
    out = {offset: read(offset) for offset in (SCR0, SIDR0, SIDR1)}
    layout = V2Layout(out[SIDR0], out[SIDR1])
    out.update({offset: read(offset) for offset in layout.offsets()})
    return out


class Registers:
    """What was read of one SMMU; a register that was not is an error."""

    def __init__(self, base, values=None):
        self.base = base
        self.values = dict(values or {})

    def get32(self, offset):
        """A 32-bit register."""
        if offset not in self.values:
            raise ValueError("SMMU at %#x: register %#x was not read" % (self.base, offset))
        return self.values[offset]

    def get64(self, offset):
        """A 64-bit register, of its two halves."""
        return self.get32(offset) | self.get32(offset + 4) << 32

    def text(self):
        """As a file has it."""
        lines = ["smmu %#x" % self.base]
        lines += ["%#05x 0x%08x" % item for item in sorted(self.values.items())]
        return "\n".join(lines) + "\n"


def parse(text):
    """[Registers] of a file."""
    out = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        try:
            if words[0] == "smmu":
                out.append(Registers(int(words[1], 0)))
            else:
                offset, value = (int(word, 0) for word in words)
                out[-1].values[offset] = value
        except (ValueError, IndexError):
            raise ValueError("SMMU registers, line %d: %r" % (number, line)) from None
    return out


def main():
    """Read them from QEMU."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path[:0] = [os.path.join(root, "tools"), os.path.join(root, "tests", "qemu")]
    import fdt
    import smmu_host
    from qmp import Qmp
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--qmp", required=True, help="socket of QEMU's machine protocol")
    parser.add_argument("--dtb", required=True, help="the host's device tree")
    opts = parser.parse_args()
    qmp = Qmp(opts.qmp)
    with open(opts.dtb, "rb") as file:
        units = smmu_host.units(fdt.Tree(file.read()))
    for unit in units:
        values = collect(unit.kind, lambda offset, at=unit.base: qmp.words(at + offset)[0])
        print(Registers(unit.base, values).text(), end="")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Translation tables in a memory dump, read as the architecture says (Arm ARM, D8: VMSAv8-64).

For corbel-p2m-audit: 4 KiB granule, 48-bit output addresses, stage 2 with concatenated initial
tables, and EL2's stage 1. Nothing here knows what the hypervisor wants: it reports what a hardware
walker would do, and faults where a descriptor is not what the architecture defines.
"""
import mmap
import struct
from dataclasses import dataclass, field
from typing import List

PAGE = 0x1000
LEAF_LEVEL = 3
ADDRESS = 0x0000FFFFFFFFF000
VALID, TYPE = 1, 2
# Zero in every leaf of Corbel's: 63:59 (ignored, PBHA), Contiguous, DBM, what 52-bit addresses
# would use, and FnXS.
LEAF_ZERO = 0xF81F000000000800
TABLE_ZERO = 0xFFFFFFFFFFFFFFFF & ~(ADDRESS | VALID | TYPE)
PS_BITS = (32, 36, 40, 42, 44, 48)


def entry_size(level):
    """Bytes that one entry of a level maps."""
    return 1 << (12 + 9 * (LEAF_LEVEL - level))


def bits(value, high, low):
    """A bit field."""
    return (value >> low) & ((1 << (high - low + 1)) - 1)


class Dump:
    """Pieces of physical memory from files."""

    def __init__(self):
        self.parts = []

    def add(self, path, base):
        """Map one raw file that begins at physical address BASE."""
        with open(path, "rb") as file:
            self.parts.append((base, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))

    def words(self, address, count):
        """COUNT 64-bit words, or None where they are not all in one piece."""
        for base, data in self.parts:
            if base <= address and address + 8 * count <= base + len(data):
                return struct.unpack_from("<%dQ" % count, data, address - base)
        return None


@dataclass
class Fault:
    """Something that must not be: one line of the report."""
    rule: str
    text: str
    ipa: int = 0
    pa: int = 0
    size: int = 0


@dataclass
class Leaf:
    """A valid block or page descriptor."""
    ipa: int
    size: int
    pte: int
    slot: int        # where the descriptor is

    @property
    def pa(self):
        """The output address."""
        return self.pte & ADDRESS


class Vtcr:
    """What VTCR_EL2 says about a walk."""

    def __init__(self, value):
        self.value = value
        self.ipa_bits = 64 - bits(value, 5, 0)
        self.start_level = 2 - bits(value, 7, 6)
        self.pa_bits = PS_BITS[min(bits(value, 18, 16), 5)]
        self._entry_bits = entry_size(max(self.start_level, 0)).bit_length() - 1
        self.root_entries = 1 << max(self.ipa_bits - self._entry_bits, 0)
        self.root_size = self.root_entries * 8

    def faults(self):
        """What is wrong with it: nothing of the tables can be believed then."""
        v = self.value
        low, high = self._entry_bits + 1, min(self._entry_bits + 9 + 4, 48)
        checks = (
            (bits(v, 7, 6) == 3, "SL0 is reserved"),
            (bits(v, 15, 14) != 0, "TG0 is not 4 KiB"),
            (not low <= self.ipa_bits <= high,
             "T0SZ %d does not go with start level %d" % (bits(v, 5, 0), self.start_level)),
            (bits(v, 18, 16) > 5, "PS is reserved or 52 bits"),
            (bits(v, 11, 8) != 5 or bits(v, 13, 12) != 3,
             "walks are not inner shareable write-back"),
            (not v >> 31 & 1, "RES1 bit 31 is clear"),
            (v >> 32 != 0 or bits(v, 30, 29) != 0, "an unexpected bit is set"))
        return [Fault("vtcr", "VTCR %#x: %s" % (v, text)) for bad, text in checks if bad]


@dataclass
class Walk:
    """All that hangs below one root."""
    vtcr: Vtcr
    root: int
    leaves: List[Leaf] = field(default_factory=list)
    tables: List[int] = field(default_factory=list)     # besides the root
    faults: List[Fault] = field(default_factory=list)


class Walker:
    """One walk of stage-2 tables."""

    def __init__(self, dump, root, vtcr):
        self.dump = dump
        self.out = Walk(vtcr, root)
        self.seen = set(range(root & ~(PAGE - 1), root + vtcr.root_size, PAGE))

    def run(self):
        """Walk it all and return the Walk."""
        vtcr, root = self.out.vtcr, self.out.root
        self.out.faults += vtcr.faults()
        if not self.out.faults and root % max(vtcr.root_size, 64):
            self._fault("vtcr", "root %#x is not aligned to its %#x bytes" %
                        (root, vtcr.root_size))
        if not self.out.faults:
            self._table(root, vtcr.start_level, 0, vtcr.root_entries)
        return self.out

    def _fault(self, rule, text, ipa=0, size=0):
        self.out.faults.append(Fault(rule, text, ipa, 0, size))

    def _table(self, address, level, ipa, count):
        words = self.dump.words(address, count)
        size = entry_size(level)
        if words is None:
            self._fault("table", "level %d table at %#x is not in the dump" % (level, address),
                        ipa, count * size)
            return False
        for index, pte in enumerate(words):
            if not pte & VALID:
                continue
            at = ipa + index * size
            if level < LEAF_LEVEL and pte & TYPE:
                self._descend(pte, level, at)
            elif level == 0 or (level == LEAF_LEVEL and not pte & TYPE):
                self._fault("descriptor", "%#x at level %d is reserved" % (pte, level), at, size)
            else:
                self._leaf(Leaf(at, size, pte, address + 8 * index))
        return True

    def _descend(self, pte, level, ipa):
        address, size = pte & ADDRESS, entry_size(level)
        if pte & TABLE_ZERO:
            self._fault("descriptor", "table descriptor %#x has other bits set" % pte, ipa, size)
        if address in self.seen:
            self._fault("table", "table at %#x hangs in two places" % address, ipa, size)
            return
        self.seen.add(address)
        if self._table(address, level + 1, ipa, 512):
            self.out.tables.append(address)

    def _leaf(self, leaf):
        if leaf.pte & LEAF_ZERO:
            self._fault("descriptor", "leaf %#x has a reserved bit set" % leaf.pte, leaf.ipa,
                        leaf.size)
        if leaf.pa % leaf.size or leaf.pa + leaf.size > 1 << self.out.vtcr.pa_bits:
            self._fault("descriptor", "output address %#x is not one of a %#x byte leaf" %
                        (leaf.pa, leaf.size), leaf.ipa, leaf.size)
            return
        self.out.leaves.append(leaf)


@dataclass
class Region:
    """Leaves that continue each other with the same attributes."""
    ipa: int
    pa: int
    size: int
    attr: int        # the descriptor less address and type
    slot: int        # descriptor of the first leaf
    leaves: int
    biggest: int

    memattr = property(lambda self: bits(self.attr, 5, 2))
    s2ap = property(lambda self: bits(self.attr, 7, 6))
    sh = property(lambda self: bits(self.attr, 9, 8))
    af = property(lambda self: bits(self.attr, 10, 10))
    xn = property(lambda self: bits(self.attr, 54, 53))
    cls = property(lambda self: bits(self.attr, 58, 55))


def regions(leaves):
    """Join leaves (in order of their IPA) to regions."""
    out = []
    for leaf in leaves:
        attr = leaf.pte & ~(ADDRESS | TYPE)
        last = out[-1] if out else None
        if last and (last.ipa + last.size, last.pa + last.size, last.attr) == \
                (leaf.ipa, leaf.pa, attr):
            last.size += leaf.size
            last.leaves += 1
            last.biggest = max(last.biggest, leaf.size)
        else:
            out.append(Region(leaf.ipa, leaf.pa, leaf.size, attr, leaf.slot, 1, leaf.size))
    return out


def el2_frames(dump, root, below):
    """What EL2's stage 1 (48 bits, level 0) maps at virtual addresses below BELOW: [(pa, size)].

    None when a table is not in the dump.
    """
    out = []

    def table(address, level, va):
        words = dump.words(address, 512)
        if words is None:
            return False
        for index, pte in enumerate(words):
            at = va + index * entry_size(level)
            if not pte & VALID or at >= below:
                continue
            if level < LEAF_LEVEL and pte & TYPE:
                if not table(pte & ADDRESS, level + 1, at):
                    return False
            else:
                out.append((pte & ADDRESS, entry_size(level)))
        return True

    return join(out) if table(root, 0, 0) else None


def join(ranges):
    """Sort (base, size) ranges and join those that touch."""
    out = []
    for base, size in sorted(ranges):
        if out and base <= out[-1][0] + out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], base + size - out[-1][0]))
        else:
            out.append((base, size))
    return out

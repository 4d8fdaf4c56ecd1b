# SPDX-License-Identifier: Apache-2.0
"""What an SMMU does with each stream, read from its registers and the tables in a memory dump.

For corbel-p2m-audit. Written from Arm IHI 0070 (SMMUv3: 3.3, 5.2, 6.3) and IHI 0062 (SMMUv2: 2, 9,
10, 16); nothing here knows what the hypervisor wants. The result is a list of Runs that covers
every stream that there can be.
"""
from dataclasses import dataclass, field
from typing import List, Optional

import smmu_regs as regs
from p2m_walk import VALID, Vtcr, bits

ABORT, BYPASS, TRANSLATE, OTHER = "abort", "bypass", "translate", "other"
VTCR_BITS = 0x7FFFF     # T0SZ to PS, in the places of VTCR_EL2
TABLE_ADDRESS = 0x000FFFFFFFFFFFC0
STE_BYTES = 64


@dataclass
class Context:
    """A stage-2 translation as a stream's entry has it."""
    root: int
    vmid: int
    vtcr: int                   # fields T0SZ to PS
    slot: int                   # address of the entry, or number of the context bank
    odd: List[str] = field(default_factory=list)    # what else it says and should not
    aarch32: bool = False       # long format of AArch32: no PS, addresses of 40 bits


@dataclass
class Run:
    """Streams FIRST to LAST that are treated alike."""
    first: int
    last: int
    state: str
    why: str = ""
    context: Optional[Context] = None


@dataclass
class Seen:
    """All that an SMMU has to say."""
    on: bool
    coherent: bool = True                               # its walks snoop the CPUs' caches
    runs: List[Run] = field(default_factory=list)
    faults: List[str] = field(default_factory=list)     # of the SMMU as a whole
    memory: List = field(default_factory=list)          # (base, size, name) that it uses itself


def append(out, run):
    """Add a run that follows the last one; alike, they become one."""
    last = out[-1] if out else None
    if last and last.last + 1 == run.first and (last.state, last.why) == (run.state, run.why) and \
            alike(last.context, run.context):
        last.last = run.last
    else:
        out.append(run)


def alike(one, other):
    """Do two contexts say the same?"""
    if one is None or other is None:
        return one is other
    return (one.root, one.vmid, one.vtcr, one.aarch32, one.odd) == (
        other.root, other.vmid, other.vtcr, other.aarch32, other.odd)


# ---- SMMUv3 ----

STE_STATES = {0: (ABORT, "an entry that aborts"), 4: (BYPASS, "an entry that bypasses"),
              5: (OTHER, "stage 1"), 6: (TRANSLATE, ""), 7: (OTHER, "both stages")}


def ste(words, slot):
    """One stream table entry of 8 words, as a Run of one stream (number 0)."""
    if not words[0] & 1:
        return Run(0, 0, ABORT, "no entry")
    state, why = STE_STATES.get(bits(words[0], 3, 1), (ABORT, "a reserved Config"))
    if state != TRANSLATE:
        return Run(0, 0, state, why)
    low, odd = words[2], []
    for bad, text in (
            (not bits(low, 51, 51), "S2AA64 is 0"), (bits(low, 52, 52), "S2ENDI is big"),
            (bits(low, 53, 53), "S2AFFD is set"), (bits(low, 56, 55), "S2HA or S2HD is set"),
            (bits(low, 57, 57), "S2S stalls"), (not bits(low, 58, 58), "S2R is 0: faults are not "
                                                "recorded"),
            (bits(words[1], 29, 28), "EATS lets it use ATS")):
        odd += [text] if bad else []
    return Run(0, 0, TRANSLATE, "", Context(words[3] & 0x000FFFFFFFFFFFF0, bits(low, 15, 0),
                                            low >> 32 & VTCR_BITS, slot, odd))


class V3:
    """The stream table of an SMMUv3."""

    def __init__(self, registers, dump):
        self.regs, self.dump = registers, dump
        config = registers.get32(regs.STRTAB_BASE_CFG)
        self.bits = bits(config, 5, 0)
        self.split = bits(config, 10, 6)
        self.format = bits(config, 17, 16)
        self.base = registers.get64(regs.STRTAB_BASE) & TABLE_ADDRESS
        self.out = Seen(bool(registers.get32(regs.CR0) & 1),
                        bool(registers.get32(regs.IDR0) >> 4 & 1))      # COHACC

    def read(self):
        """The Seen of it."""
        limit = bits(self.regs.get32(regs.IDR1), 5, 0)
        if not self.out.on:
            abort = self.regs.get32(regs.GBPA) >> 20 & 1
            self.out.runs = [Run(0, (1 << limit) - 1, ABORT if abort else BYPASS,
                                 "the SMMU is off, GBPA.ABORT is %d" % abort)]
            return self.out
        if self.bits > limit:
            self.out.faults.append("a stream table for %d bits, streams have %d" %
                                   (self.bits, limit))
        if self.format == 0:
            self._entries(self.base, 0, 1 << self.bits)
            self.out.memory.append((self.base, STE_BYTES << self.bits, "stream table"))
        elif self.format == 1 and self.split in (6, 8, 10):
            self._first_level()
        else:
            self.out.faults.append("STRTAB_BASE_CFG has a reserved format or split")
        self._queues()
        if self.out.runs and self.out.runs[-1].last < (1 << limit) - 1:
            append(self.out.runs, Run(1 << self.bits, (1 << limit) - 1, ABORT, "beyond the table"))
        return self.out

    def _queues(self):
        for name, register, entry in (("command queue", regs.CMDQ_BASE, 16),
                                      ("event queue", regs.EVENTQ_BASE, 32)):
            value = self.regs.get64(register)
            self.out.memory.append((value & 0x000FFFFFFFFFFFE0, entry << bits(value, 4, 0), name))

    def _add(self, first, count, run):
        append(self.out.runs, Run(first, first + count - 1, run.state, run.why, run.context))

    def _first_level(self):
        count = 1 << max(self.bits - self.split, 0)
        words = self.dump.words(self.base, count)
        self.out.memory.append((self.base, max(8 * count, 64), "stream table"))
        if words is None:
            self.out.faults.append("the stream table at %#x is not in the dump" % self.base)
            return
        reach = 1 << min(self.split, self.bits)
        for index, word in enumerate(words):
            span = bits(word, 4, 0)
            filled = 1 << (span - 1) if span else 0
            if span > self.split + 1:
                self.out.faults.append("span %d of streams from %#x is reserved" %
                                       (span, index * reach))
                filled = 0
            if filled:
                table = word & TABLE_ADDRESS
                self.out.memory.append((table, STE_BYTES * filled, "stream table"))
                self._entries(table, index * reach, min(filled, reach))
            if filled < reach:
                self._add(index * reach + filled, reach - filled, Run(0, 0, ABORT, "no table"))

    def _entries(self, table, first, count):
        words = self.dump.words(table, 8 * count)
        if words is None:
            self.out.faults.append("the stream table at %#x is not in the dump" % table)
            self._add(first, count, Run(0, 0, OTHER, "not in the dump"))
            return
        known = {}
        for index in range(count):
            entry = words[8 * index:8 * index + 8]
            if entry not in known:
                known[entry] = ste(entry, table + STE_BYTES * index)
            self._add(first + index, 1, known[entry])


# ---- SMMUv1 and v2 ----

S2CR_TRANSLATE, S2CR_BYPASS = 0, 1
PS_40_BITS = 2


def aarch32_tcr(tcr):
    """TCR of the AArch32 long format in the fields of VTCR_EL2, and what is wrong with it."""
    t0sz = bits(tcr, 3, 0) - (16 if tcr & 8 else 0)         # input bits = 32 - T0SZ
    odd = [text for bad, text in (
        (bits(tcr, 4, 4) != bits(tcr, 3, 3), "S of TCR is not the sign of T0SZ"),
        (bits(tcr, 18, 14), "TCR bits 18:14 are not 0, VA64 is")) if bad]
    return bits(tcr, 13, 6) << 6 | 32 + t0sz | PS_40_BITS << 16, odd


class V2:
    """Stream matching or indexing, and the context banks of an SMMUv1 or v2."""

    def __init__(self, registers, dump):
        self.regs, self.dump = registers, dump
        self.layout = regs.V2Layout(registers.get32(regs.SIDR0), registers.get32(regs.SIDR1))
        self.scr0 = registers.get32(regs.SCR0)
        self.exids = self.layout.extended and bool(self.scr0 >> 3 & 1)      # EXIDENABLE
        self.stream_bits = 16 if self.exids else 15
        self.out = Seen(not self.scr0 & 1, bool(registers.get32(regs.SIDR0) >> 14 & 1))     # CTTW

    def read(self):
        """The Seen of it."""
        if not self.out.on:
            self.out.runs = [Run(0, (1 << self.stream_bits) - 1, BYPASS,
                                 "the SMMU is off (CLIENTPD)")]
            return self.out
        states = self._matched() if self.layout.matching else \
            {stream: self._group(stream) for stream in range(self.layout.groups)}
        if self.scr0 >> 10 & 1:
            rest = Run(0, 0, ABORT, "no match")
        else:
            rest = Run(0, 0, BYPASS, "no match, and USFCFG is 0")
        at = 0
        for stream in sorted(states):
            self._add(at, stream - at, rest)
            self._add(stream, 1, states[stream])
            at = stream + 1
        self._add(at, (1 << self.stream_bits) - at, rest)
        return self.out

    def _add(self, first, count, run):
        if count:
            append(self.out.runs, Run(first, first + count - 1, run.state, run.why, run.context))

    def _matched(self):
        """{stream: Run} of all streams that some valid group matches."""
        out = {}
        for group in range(self.layout.groups):
            value = self.regs.get32(regs.SMR + 4 * group)
            valid = self.regs.get32(regs.S2CR + 4 * group) >> 10 if self.exids else value >> 31
            if not valid & 1:
                continue
            every = (1 << self.stream_bits) - 1
            ignored = value >> 16 & every
            free = [1 << bit for bit in range(self.stream_bits) if ignored >> bit & 1]
            here = {value & every & ~ignored}
            for bit in free:
                here |= {stream | bit for stream in here}
            run = self._group(group)
            for stream in here:
                twice = stream in out
                out[stream] = Run(0, 0, OTHER, "more than one group matches") if twice else run
        return out

    def _group(self, group):
        value = self.regs.get32(regs.S2CR + 4 * group)
        kind = bits(value, 17, 16)
        if kind == S2CR_BYPASS:
            return Run(0, 0, BYPASS, "group %d bypasses" % group)
        if kind != S2CR_TRANSLATE:
            return Run(0, 0, ABORT, "group %d faults" % group)
        bank = value & 0xFF
        if bank >= self.layout.banks:
            return Run(0, 0, OTHER, "context bank %d, which there is not" % bank)
        return self._bank(bank)

    def _bank(self, bank):
        page, layout = self.layout.page, self.layout
        cbar = self.regs.get32(page + regs.CBAR + 4 * bank)
        cba2r = self.regs.get32(page + regs.CBA2R + 4 * bank)
        control = self.regs.get32(layout.bank(bank, regs.SCTLR))
        if bits(cbar, 17, 16) != 0:
            return Run(0, 0, OTHER, "context bank %d is not stage 2 alone" % bank)
        if not control & 1:
            return Run(0, 0, BYPASS, "context bank %d is off" % bank)
        tcr, odd = self.regs.get32(layout.bank(bank, regs.TCR)) & VTCR_BITS, []
        if not cba2r & 1:
            tcr, odd = aarch32_tcr(tcr)
        wide = self.scr0 >> 31 & 1      # VMID16EN
        context = Context(self.regs.get64(layout.bank(bank, regs.TTBR0)) & 0x0000FFFFFFFFFFF0,
                          bits(cba2r, 31, 16) if wide else bits(cbar, 7, 0), tcr, bank,
                          odd, not cba2r & 1)
        if not control >> 6 & 1 and context.vmid == (0xFFFF if wide else 0xFF) and \
                self._is_empty(context):
            return Run(0, 0, ABORT, "quarantined: an empty table")
        for bad, text in ((control >> 4 & 1, "it is big-endian"),
                          (not control >> 6 & 1, "CFIE is 0: faults are not reported"),
                          (control >> 7 & 1, "CFCFG stalls")):
            odd += [text] if bad else []
        return Run(0, 0, TRANSLATE, "", context)

    def _is_empty(self, context):
        """Does every walk end at once? Then the table is the hypervisor's, as others of an SMMU."""
        vtcr = Vtcr(context.vtcr)
        words = self.dump.words(context.root, vtcr.root_entries)
        if words is None or any(word & VALID for word in words):
            return False
        table = (context.root, vtcr.root_size, "empty table")
        if table not in self.out.memory:
            self.out.memory.append(table)
        return True


def read(kind, registers, dump):
    """What an SMMU does; kind: 3, or 2 for v1 and v2."""
    return (V3 if kind == 3 else V2)(registers, dump).read()


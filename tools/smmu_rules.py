# SPDX-License-Identifier: Apache-2.0
"""The rules of corbel-p2m-audit for SMMUs: whose tables each stream walks (docs/audit.md).

An SMMU is right when the streams of each domain's devices translate by that domain's stage 2, and
all other streams abort, those that no tree names included.
"""
from dataclasses import dataclass, field
from typing import List

import p2m_host as host
import smmu_walk as walk
from p2m_walk import Fault, PAGE, Vtcr, Walker, regions

VTCR_FIELDS = (("T0SZ", 0, 6), ("SL0", 6, 2), ("IRGN0", 8, 2), ("ORGN0", 10, 2), ("SH0", 12, 2),
               ("TG0", 14, 2), ("PS", 16, 3))
WALK_RES1 = 1 << 31
WALK_ATTRIBUTES = 0x3F00        # IRGN0, ORGN0, SH0
WRITE_BACK = 0x3500             # inner shareable, as the CPUs walk
UNCACHED = 0x2000               # outer shareable, which is what Non-cacheable means
# Software's class bits: RAM, RAM-RO and SRAM are the memory that devices may reach.
MEMORY_CLASSES = (0, 1, 2)
MSI_CLASS, VUART_CLASS = 6, 8


@dataclass
class Attached:
    """Streams that translate, and for whom."""
    first: int
    last: int
    domain: str
    context: walk.Context


@dataclass
class Smmu:
    """One SMMU under audit and what was found."""
    unit: object
    seen: walk.Seen
    attached: List[Attached] = field(default_factory=list)
    faults: List[Fault] = field(default_factory=list)

    @property
    def name(self):
        """What reports call it."""
        return self.unit.name

    @property
    def attributes(self):
        """How it has to walk tables: past the caches if it does not snoop them."""
        coherent = self.seen.coherent and (self.unit.kind == 3 or
                                           "dma-coherent" in self.unit.node.props)
        return WRITE_BACK if coherent else UNCACHED

    def fault(self, rule, text):
        """Record a violation."""
        self.faults.append(Fault(rule, text))

    def attach(self, first, last, domain, context):
        """Record streams that translate; those that go on with the last ones are one with them."""
        before = self.attached[-1] if self.attached else None
        if before and (before.last + 1, before.domain) == (first, domain) and \
                walk.alike(before.context, context):
            before.last = last
        else:
            self.attached.append(Attached(first, last, domain, context))


def named(first, last):
    """A range of streams for people."""
    return "stream %#x" % first if first == last else "streams %#x-%#x" % (first, last)


class SmmuAudit:
    """All SMMUs of a machine, beside the Audit of its domains."""

    def __init__(self, audit, claims, unshared=False):
        self.audit = audit
        self.claims = claims
        self.unshared = unshared
        self.smmus = []
        self._walks = {}    # (root, vtcr): Walk of unshared tables

    def add(self, unit, registers):
        """Read one SMMU; before Audit.run(), to which its memory is the hypervisor's."""
        seen = walk.read(unit.kind, registers, self.audit.dump)
        for base, size, name in seen.memory:
            self.audit.machine.add(base, (size + PAGE - 1) // PAGE * PAGE, host.HYPERVISOR,
                                   "%s of %s" % (name, unit.name))
        self.smmus.append(Smmu(unit, seen))

    def run(self):
        """Check everything; after Audit.run()."""
        for smmu in self.smmus:
            for text in smmu.seen.faults:
                smmu.fault("strtab", text)
            for run in smmu.seen.runs:
                for first, last, claim in self._cut(smmu.unit, run):
                    self._check(smmu, first, last, run, claim)

    def _cut(self, unit, run):
        """(first, last, claim or None) of a run, by who claims what."""
        mine = [claim for claim in self.claims if claim.unit is unit and
                any(domain.name == claim.owner for domain in self.audit.domains)]
        edges = {run.first, run.last + 1}
        for claim in mine:
            if claim.mask:
                edges |= {at + more for at in range(run.first, run.last + 1) if claim.has(at)
                          for more in (0, 1)}
            else:
                edges |= {claim.first, claim.first + claim.count}
        edges = sorted(edge for edge in edges if run.first <= edge <= run.last + 1)
        for first, end in zip(edges, edges[1:]):
            owners = [claim for claim in mine if claim.has(first)]
            yield first, end - 1, owners[0] if owners else None

    def _check(self, smmu, first, last, run, claim):
        what = named(first, last)
        if claim is None:
            if run.state != walk.ABORT:
                whose = " (VMID %d)" % run.context.vmid if run.context else ""
                smmu.fault("stream", "%s of nobody: %s%s%s, expected an abort" % (
                    what, run.state, whose, ": " + run.why if run.why else ""))
        elif claim.bypass:
            if run.state != walk.BYPASS:
                smmu.fault("attach", "%s of %s: %s, expected a bypass" % (what, claim.owner,
                                                                           run.state))
        elif run.state != walk.TRANSLATE:
            smmu.fault("attach", "%s of %s (%s): %s, %s" % (what, claim.owner, claim.device,
                                                            run.state, run.why))
        else:
            smmu.attach(first, last, claim.owner, run.context)
            self._check_context(smmu, what, run.context, claim)

    def _check_context(self, smmu, what, context, claim):
        domain = next(d for d in self.audit.domains if d.name == claim.owner)
        given, who = domain.given, "%s of %s: " % (what, claim.owner)
        for text in context.odd:
            smmu.fault("ste", who + text)
        if given.vttbr is not None and context.vmid != given.vttbr >> 48:
            smmu.fault("vmid", who + "VMID %d, expected %d" % (context.vmid, given.vttbr >> 48))
        if self.unshared or given.io:
            self._check_unshared(smmu, who, context, domain)
            return
        if any(region.cls == VUART_CLASS for region in domain.regions):
            smmu.fault("vuart", who + "can read the registers of its vPL011")
        self._check_root(smmu, who, context, given)

    @staticmethod
    def _check_root(smmu, who, context, given):
        if context.root != given.root:
            smmu.fault("root", who + "walks tables at %#x, expected %#x" % (context.root,
                                                                            given.root))
        vtcr = given.vtcr
        if smmu.attributes == UNCACHED:
            vtcr = vtcr & ~WALK_ATTRIBUTES | UNCACHED
        for name, low, size in VTCR_FIELDS:
            has, wants = ((value >> low) & ((1 << size) - 1) for value in (context.vtcr, vtcr))
            if name == "PS" and context.aarch32 and wants <= has:
                continue        # 40 bits always, and the tables may hold less
            if has != wants:
                smmu.fault("geometry", who + "%s is %d, expected %d" % (name, has, wants))

    # ---- tables of its own ----

    def _check_unshared(self, smmu, who, context, domain):
        if context.root == domain.given.root:
            smmu.fault("root", who + "walks the CPUs' tables, expected tables of its own")
            return
        if domain.given.io:
            self._check_root(smmu, who, context, domain.given.io)
        tables = self._walk(smmu, context)
        for fault in tables.faults:
            smmu.fault(fault.rule, who + fault.text)
        has = {(r.ipa, r.pa, r.size, r.attr) for r in regions(tables.leaves)}
        wants = {(r.ipa, r.pa, r.size, r.attr) for r in domain.regions
                 if r.cls in MEMORY_CLASSES + (MSI_CLASS,)}
        for text, rows in (("maps %#x-%#x -> %#x, which the CPUs' tables do not", has - wants),
                           ("does not map %#x-%#x -> %#x", wants - has)):
            for ipa, pa, size, _ in sorted(rows):
                smmu.fault("unshared", who + text % (ipa, ipa + size - 1, pa))

    def _walk(self, smmu, context):
        vtcr = context.vtcr
        if vtcr & WALK_ATTRIBUTES == smmu.attributes:       # right for it: a Walker is a CPU
            vtcr = vtcr & ~WALK_ATTRIBUTES | WRITE_BACK
        key = (context.root, vtcr)
        if key not in self._walks:
            self._walks[key] = Walker(self.audit.dump, context.root, Vtcr(vtcr | WALK_RES1)).run()
        return self._walks[key]

    def own_tables(self):
        """Frames of tables that only SMMUs walk: no guest may reach them. Before Audit.run()."""
        roots = {domain.given.root for domain in self.audit.domains}
        for domain in self.audit.domains:
            if domain.given.io:
                self.audit.machine.add(*domain.given.io.pool, host.HYPERVISOR,
                                       "SMMU tables of " + domain.name)
        for smmu in self.smmus:
            for run in smmu.seen.runs:
                if run.context is None or run.context.root in roots:
                    continue
                tables = self._walk(smmu, run.context)
                self.audit.machine.add(run.context.root, max(tables.vtcr.root_size, PAGE),
                                       host.HYPERVISOR, "tables of " + smmu.name)
                for table in tables.tables:
                    self.audit.machine.add(table, PAGE, host.HYPERVISOR, "tables of " + smmu.name)

# SPDX-License-Identifier: Apache-2.0
"""The rules of corbel-p2m-audit: what a domain's stage-2 leaves may be (docs/audit.md).

The policy is written down here a second time, from the architecture and the documents; the
hypervisor's own table is not looked at. One Fault for each violation.
"""
import heapq
from dataclasses import dataclass, field
from typing import List, Optional, Tuple

import p2m_host as host
from p2m_walk import Fault, PAGE, Vtcr, Walker, bits, regions

RW, RO = 3, 1
XN, EXEC = 2, 0
INNER = 3


@dataclass
class Expected:
    """Attributes by policy; None: no matter."""
    what: str
    memattr: int
    sh: Optional[int]
    s2ap: int
    xn: int
    cls: int


POLICY = {
    "RAM": Expected("RAM", 0xF, INNER, RW, EXEC, 0),
    "RAM-RO": Expected("read-only shared memory", 0xF, INNER, RO, EXEC, 1),
    "SRAM": Expected("SRAM", 0xF, INNER, RW, EXEC, 2),
    "MMIO": Expected("MMIO", 0x3, None, RW, XN, 3),
    "GIC": Expected("GICV", 0x0, None, RW, XN, 4),
    "NC": Expected("write-combining MMIO", 0x5, None, RW, XN, 5),
    "MSI": Expected("GICv2m frame", 0x0, None, RW, XN, 6),
    "MMIO-RO": Expected("vPL011 registers", 0x3, None, RO, XN, 8),
}
FIELDS = (("memattr", "MemAttr"), ("sh", "SH"), ("s2ap", "S2AP"), ("xn", "XN"),
          ("cls", "class bits"))


@dataclass
class Root:
    """Where a domain's tables are, by its report or the command line."""
    name: str
    root: int
    vtcr: int
    vttbr: Optional[int] = None
    pool: Optional[Tuple[int, int]] = None                      # (base, size)
    runs: List[Tuple[int, int]] = field(default_factory=list)   # tables in use, likewise
    complete: bool = False                                      # runs are all there are
    io: Optional["Root"] = None                                 # of SMMUs, if they have their own


@dataclass
class Piece:
    """A part of a region for which everything that is known is the same."""
    region: object
    ipa: int
    pa: int
    size: int
    kind: str
    name: str
    grant: Optional[host.Grant] = None
    share: Optional[host.Share] = None

    @property
    def end(self):
        """First physical address behind it."""
        return self.pa + self.size


@dataclass
class Domain:
    """One domain under audit and what was found."""
    given: Root
    promise: host.Promise
    walk: object = None
    regions: List = field(default_factory=list)
    pieces: List[Piece] = field(default_factory=list)
    faults: List[Fault] = field(default_factory=list)

    @property
    def name(self):
        """The domain's name."""
        return self.given.name

    def fault(self, rule, text, piece=None):
        """Record a violation."""
        where = (piece.ipa, piece.pa, piece.size) if piece else (0, 0, 0)
        self.faults.append(Fault(rule, text, *where))


def within(base, size, ranges):
    """Does one of the (base, size) hold all of this range?"""
    return any(at <= base and base + size <= at + room for at, room in ranges)


def meets(base, size, ranges):
    """Does one of the (base, size) share a byte with this range?"""
    return any(at < base + size and base < at + room for at, room in ranges)


class Audit:
    """All domains of one machine."""

    def __init__(self, dump, machine, allow_nc=(), shared=()):
        self.dump = dump
        self.machine = machine
        self.allow_nc = list(allow_nc)
        self.shared = list(shared)
        self.promised = []      # (base, size) of memory that the tree gives to somebody
        self.heap = []          # xen,static-heap
        self.domains = []

    def add(self, given, promise):
        """One more domain. promised and heap are the caller's to fill."""
        self.domains.append(Domain(given, promise))

    def run(self):
        """Walk and check everything; the domains hold the result."""
        for domain in self.domains:
            domain.walk = Walker(self.dump, domain.given.root, Vtcr(domain.given.vtcr)).run()
            domain.faults += domain.walk.faults
            self._own_tables(domain)
        for domain in self.domains:
            self._check_registers(domain)
            self._check_tables(domain)
            domain.regions = regions(domain.walk.leaves)
            for region in domain.regions:
                for piece in self._pieces(domain, region):
                    self._check(domain, piece)
                    domain.pieces.append(piece)
        self._check_overlaps()
        self._check_shares()

    # ---- the tables themselves ----

    def _own_tables(self, domain):
        """No guest may reach these frames."""
        name = "tables of " + domain.name
        self.machine.add(domain.given.root, max(domain.walk.vtcr.root_size, PAGE),
                         host.HYPERVISOR, name)
        if domain.given.pool:
            self.machine.add(*domain.given.pool, host.HYPERVISOR, name)
        for table in domain.walk.tables:
            self.machine.add(table, PAGE, host.HYPERVISOR, name)

    def _check_registers(self, domain):
        vttbr = domain.given.vttbr
        if vttbr is None:
            return
        if vttbr & 0x0000FFFFFFFFFFFE != domain.given.root:
            domain.fault("vttbr", "VTTBR %#x does not hold the root %#x" %
                         (vttbr, domain.given.root))
        same = [other.name for other in self.domains if other is not domain and
                other.given.vttbr is not None and other.given.vttbr >> 48 == vttbr >> 48]
        if same and domain.name < min(same):
            domain.fault("vmid", "VMID %d is also that of %s" % (vttbr >> 48, ", ".join(same)))

    @staticmethod
    def _check_tables(domain):
        """The hypervisor's books and the tables themselves agree."""
        given = domain.given
        reported = {at for base, size in given.runs for at in range(base, base + size, PAGE)}
        for table in domain.walk.tables:
            if given.complete and table not in reported:
                domain.fault("tables", "table at %#x is not among those reported" % table)
            elif given.pool and not within(table, PAGE, [given.pool]):
                domain.fault("tables", "table at %#x is not of the pool" % table)
        lost = sorted(reported - set(domain.walk.tables)) if given.complete else []
        if domain.promise.vpl011 and not any(bits(leaf.pte, 58, 55) == POLICY["MMIO-RO"].cls
                                             for leaf in domain.walk.leaves):
            # Its page goes with its tables while a character is received.
            lost = lost[max(3 - domain.walk.vtcr.start_level, 0):]
        if lost and not any(fault.rule == "table" for fault in domain.faults):
            domain.fault("tables", "%d reported table frame(s) not reached by the walk, first %#x" %
                         (len(lost), lost[0]))

    # ---- one region ----

    def _pieces(self, domain, region):
        """Cut a region where kind, device or share change; join what is alike."""
        promise, end = domain.promise, region.ipa + region.size
        cuts = {border - region.pa + region.ipa
                for border in self.machine.borders(region.pa, region.pa + region.size)}
        cuts |= {edge - region.pa + region.ipa for base, size in self.allow_nc
                 for edge in (base, base + size)}
        for known in (promise.grants or []) + promise.shares:
            cuts |= {known.ipa, known.ipa + known.size}
        at = region.ipa
        out = []
        for cut in sorted(cut for cut in cuts if region.ipa < cut < end) + [end]:
            out.append(self._piece(promise, region, at, cut - at))
            at = cut
        return join(out)

    def _piece(self, promise, region, ipa, size):
        pa = ipa - region.ipa + region.pa
        kind, name = self.machine.at(pa)
        grant = [g for g in promise.grants or [] if g.ipa <= ipa < g.ipa + g.size]
        share = [s for s in promise.shares if s.ipa <= ipa < s.ipa + s.size]
        return Piece(region, ipa, pa, size, kind, name, grant[0] if grant else None,
                     share[0] if share else None)

    def _check(self, domain, piece):
        forbidden = (host.HYPERVISOR, host.GIC, host.SMMU, host.CONSOLE)
        if piece.kind in forbidden or (piece.kind == host.MSI and
                                       piece.pa not in domain.promise.msi):
            rule = "gic" if piece.kind == host.MSI else piece.kind.split()[0].lower()
            domain.fault(rule, "maps the %s (%s)" % (piece.kind, piece.name), piece)
            return
        expected = self._expected(domain, piece)
        if expected is not None:
            self._check_attributes(domain, piece, expected)

    def _expected(self, domain, piece):
        """The policy's line for a piece; faults for what must not be mapped like this at all."""
        if piece.kind in (host.GICV, host.MSI):
            return POLICY["GIC" if piece.kind == host.GICV else "MSI"]
        if self._is_vuart(domain.promise, piece):
            self._check_frame(domain, piece)
            return POLICY["MMIO-RO"]
        if piece.kind == host.RAM or (piece.kind == host.RESERVED and not piece.grant):
            self._check_ram(domain, piece)
            return POLICY["RAM-RO" if piece.share and piece.share.read_only else "RAM"]
        if not self._is_granted(domain, piece):
            return None
        if piece.grant:
            kind, nc = piece.grant.kind, piece.grant.normal_nc
        else:
            kind = host.SRAM if piece.kind == host.SRAM and \
                not self._keeps_gre(piece) else host.MMIO
            nc = False
        if kind == host.SRAM:
            return POLICY["SRAM"]
        if within(piece.pa, piece.size, self.allow_nc):
            nc = piece.region.memattr == POLICY["NC"].memattr
        return POLICY["NC" if nc else "MMIO"]

    @staticmethod
    def _is_vuart(promise, piece):
        """Is it where a domain's vPL011 is, whose registers are read from a frame?"""
        known = piece.region.cls == POLICY["MMIO-RO"].cls if promise.uart is None else \
            piece.ipa == promise.uart
        return promise.vpl011 and known and piece.size == PAGE and \
            piece.kind in (host.RAM, host.RESERVED)

    def _keeps_gre(self, piece):
        return any(place.kind == host.SRAM and place.base <= piece.pa < place.end and
                   place.base in self.machine.no_memory_wc for place in self.machine.places)

    @staticmethod
    def _is_granted(domain, piece):
        """Is a device's page one that the partial tree gives, whole, at this address?"""
        grant = piece.grant
        if domain.promise.grants is None:
            return True
        if grant is None:
            domain.fault("assigned", "maps %s (%s), which no partial tree gives it" %
                         (piece.kind, piece.name), piece)
        elif piece.pa - piece.ipa != grant.pa - grant.ipa:
            domain.fault("assigned", "maps %s (%s) instead of %#x of %s" % (
                piece.kind, piece.name, grant.pa + piece.ipa - grant.ipa, grant.name), piece)
        elif piece.ipa % PAGE or piece.size % PAGE:
            domain.fault("assigned", "maps a page of which %s has only a part" % grant.name, piece)
        else:
            return True
        return False

    def _check_ram(self, domain, piece):
        """RAM is where the tree puts it, else where the allocator may take it from."""
        promise, share = domain.promise, piece.share
        fixed = share.pa is not None if share else bool(promise.static_mem)
        if share and fixed and share.pa + piece.ipa - share.ipa != piece.pa:
            domain.fault("share", "shared memory %s is not at its host address %#x" %
                         (share.shm_id, share.pa + piece.ipa - share.ipa), piece)
        elif not share and fixed and not within(piece.pa, piece.size, promise.static_mem):
            domain.fault("static", "RAM that is not of its xen,static-mem", piece)
        elif fixed and piece.kind != host.RESERVED:
            self._check_direct(domain, piece)
        elif self._check_frame(domain, piece):
            self._check_direct(domain, piece)

    @staticmethod
    def _check_direct(domain, piece):
        if not piece.share and domain.promise.direct_map and piece.ipa != piece.pa:
            domain.fault("direct", "RAM of a direct-map domain is not 1:1", piece)

    def _check_frame(self, domain, piece):
        """Is it a frame that the allocator may have given?"""
        if piece.kind == host.RESERVED:
            domain.fault("reserved", "RAM is %s" % piece.name, piece)
        elif meets(piece.pa, piece.size, self.promised):
            domain.fault("static", "RAM that the tree keeps for others", piece)
        elif self.heap and not within(piece.pa, piece.size, self.heap):
            domain.fault("static", "RAM outside of xen,static-heap", piece)
        else:
            return True
        return False

    @staticmethod
    def _check_attributes(domain, piece, expected):
        region = piece.region
        for attribute, name in FIELDS:
            has, wants = getattr(region, attribute), getattr(expected, attribute)
            if wants is not None and has != wants:
                domain.fault("class" if attribute == "cls" else attribute,
                             "%s of %s (%s) is %#x, expected %#x" %
                             (name, expected.what, piece.name, has, wants), piece)
        if not region.af:
            domain.fault("af", "the access flag is clear", piece)

    # ---- between domains ----

    def _check_overlaps(self):
        """Every frame has one place, unless it is shared by configuration."""
        claims = sorted(((piece.pa, number, piece, domain) for domain in self.domains
                         for number, piece in enumerate(domain.pieces)),
                        key=lambda claim: (claim[0], claim[3].name, claim[1]))
        live = []
        for at, number, piece, domain in claims:
            while live and live[0][0] <= at:
                heapq.heappop(live)
            for _, _, _, other, owner in live:
                self._overlap(domain, piece, owner, other)
            heapq.heappush(live, (piece.end, domain.name, number, piece, domain))

    def _overlap(self, domain, piece, owner, other):
        size = min(piece.end, other.end) - piece.pa
        if self._may_share(domain, piece, owner, other, size):
            return
        where = Piece(piece.region, piece.ipa, piece.pa, size, piece.kind, piece.name)
        ipa = other.ipa + piece.pa - other.pa
        if domain is owner:
            domain.fault("alias", "%s (%s) is mapped at IPA %#x, too" %
                         (piece.kind, piece.name, ipa), where)
        else:
            domain.fault("shared", "%s (%s) is mapped by %s at IPA %#x, too" %
                         (piece.kind, piece.name, owner.name, ipa), where)

    def _may_share(self, domain, piece, owner, other, size):
        if within(piece.pa, size, self.shared):
            return True
        if domain is owner:
            return False
        by_id = piece.share and other.share and piece.share.shm_id == other.share.shm_id
        return bool(by_id) or piece.kind == host.GICV    # banked by the hardware for each CPU

    def _check_shares(self):
        """All users of an id see the same frames, and all of them."""
        first = {}
        for domain in self.domains:
            for share in domain.promise.shares:
                mine = self._frames(domain, share)
                owner, theirs = first.setdefault(share.shm_id, (domain, mine))
                where = Piece(None, share.ipa, mine[0][1] if mine else 0, share.size, "", "")
                if sum(run[2] for run in mine) != share.size:
                    domain.fault("share", "shared memory %s is not mapped as a whole" %
                                 share.shm_id, where)
                elif share.pa is None and mine != theirs:
                    domain.fault("share", "shared memory %s is not the same as in %s" %
                                 (share.shm_id, owner.name), where)

    @staticmethod
    def _frames(domain, share):
        """[offset, pa, size] of what a share maps, joined."""
        out = []
        for piece in domain.pieces:
            if piece.share is not share:
                continue
            offset = piece.ipa - share.ipa
            last = out[-1] if out else None
            if last and last[0] + last[2] == offset and last[1] + last[2] == piece.pa:
                last[2] += piece.size
            else:
                out.append([offset, piece.pa, piece.size])
        return out


def join(pieces):
    """Neighbours that differ in the name only become one."""
    out = []
    for piece in pieces:
        last = out[-1] if out else None
        if last and (last.kind, last.grant, last.share) == (piece.kind, piece.grant, piece.share):
            last.size += piece.size
            if piece.name not in last.name.split(", "):
                last.name += ", " + piece.name
        else:
            out.append(piece)
    return out


def describe(region):
    """The attributes of a region for people."""
    access = ("--", "r-", "-w", "rw")[region.s2ap] + ("x" if region.xn == 0 else "-")
    kinds = {0xF: "normal WB", 0x5: "normal NC", 0x3: "device GRE", 0x0: "device nGnRnE"}
    return "%s %s" % (access, kinds.get(region.memattr, "MemAttr %#x" % region.memattr))

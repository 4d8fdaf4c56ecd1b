# SPDX-License-Identifier: Apache-2.0
"""Malformed assignments, static and shared memory, direct-map and SRAM: one mistake per case.

Each case makes one domain that must be refused in one exact line, beside domains that must not be
touched by that. tests/tools/test_corbel_check.py gives every case to the host checker by itself,
tests/qemu/test_corpus.py boots the hypervisor with many of them in one tree.

    @case("/passthrough/rtc@9010000: xen,reg = ...: expected ...")
    def zero_size(kit, name):
        return kit.given(name, partdt.pl031(...))

A case with None instead of a line looks wrong but is the guest's own affair: it must start.
The line is literal but for {node} (/chosen/NAME) and {hex} (a number that depends on what else is
there). NAME is the function's name with hyphens.
"""
import os
import re
import sys
from dataclasses import dataclass
from typing import Callable, List, Optional, Sequence

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))
import mkdtb  # noqa: E402
import partdt  # noqa: E402

MIB = 1 << 20
CASES: List["Case"] = []
KERNEL_SIZE = 0x8000


@dataclass
class Case:
    """One mistake. beside: domains that it needs, from BESIDE; edits: of the host tree."""
    name: str
    expect: Optional[str]
    make: Callable
    gic: Optional[str] = None            # "2", "3", or any
    beside: Sequence[str] = ()
    edits: Sequence[Callable] = ()
    smmu: bool = False                   # on a board with an SMMUv3
    debug: bool = False                  # debug builds only: others refuse it as a whole

    def pattern(self):
        """The line, from "NAME: refused: " on, as a regular expression."""
        line = self.expect.format(node="/chosen/" + self.name, hex="\0")
        return re.escape("%s: refused: %s" % (self.name, line)).replace("\0", "0x[0-9a-f]+")


class Kit:
    """What cases make domains of. kernel: the file of a guest that comes up, None for a dummy."""

    def __init__(self, kernel=None, gic="3"):
        self.kernel = kernel
        self.gic = gic

    def _kernel(self):
        if self.kernel:
            return mkdtb.Module("kernel", self.kernel, "test=echo")
        return mkdtb.Module("kernel", content=dummy_kernel())

    def domain(self, name, memory_mib=16, cpus=1, **more):
        """A domain that is fine so far."""
        return mkdtb.Domain(name, memory_mib * 1024, cpus, [self._kernel()], **more)

    def given(self, name, *devices, tree=None, **more):
        """A domain with a partial tree: of devices (or ready nodes), a Tree, or bytes."""
        domain = self.domain(name, **more)
        domain.modules.append(mkdtb.device_tree(
            partdt.partial(devices) if tree is None else tree))
        return domain


def dummy_kernel():
    """The smallest thing with the header of an arm64 Image."""
    header = bytearray(64)
    header[16:24] = KERNEL_SIZE.to_bytes(8, "little")
    header[56:60] = b"ARM\x64"
    return bytes(header) + bytes(KERNEL_SIZE - 64)


def case(expect, **more):
    """Decorator: a case that is refused with this line."""
    def add(make):
        CASES.append(Case(make.__name__.replace("_", "-"), expect, make, **more))
        return make
    return add


# --- domains that are right, and that a mistake may run into --------------------------------------

STATIC_AT = 0x60000000
SHARED_AT = 0x64000000
LAST_AT = 0x66000000
HOLE_AT = 0xb0000000
OTHERS_SLOT, OTHERS_STREAM = 23, 0x42    # of virtio-mmio, where there is an SMMU

BESIDE = {
    "has-rtc": lambda kit: kit.given("has-rtc", partdt.pl031()),
    "has-static": lambda kit: kit.domain(
        "has-static", props=mkdtb.static_mem((STATIC_AT, 16 * MIB))),
    "has-shared": lambda kit: kit.domain("has-shared", children=[
        mkdtb.shm_node("pool", 0x70000000, MIB, hpa=SHARED_AT, role="owner"),
        mkdtb.shm_node("loose", 0x70200000, MIB, role="owner")]),
    "has-stream": lambda kit: kit.given("has-stream", partdt.virtio_mmio(OTHERS_SLOT)),
}


def give_stream(tree):
    """The device of has-stream gets its stream."""
    tree.get("/virtio_mmio@%x" % (0xa000000 + 0x200 * OTHERS_SLOT)).props["iommus"] = \
        tree.get("/smmuv3@9050000").props["phandle"] + OTHERS_STREAM.to_bytes(4, "big")


def good(kit):
    """The first domain, which has nothing to do with any of it."""
    return kit.domain("good")


def last(kit):
    """The domain behind all, so that the bad ones have read their part of the tree before it."""
    return kit.domain("last", props=mkdtb.static_mem((LAST_AT, 16 * MIB)))


def config_of(cases, kit, **machine):
    """A Config with these cases in one tree: the good domain, those beside, the bad, the last."""
    names = [name for name in BESIDE if any(name in item.beside for item in cases)]
    domains = [good(kit)] + [BESIDE[name](kit) for name in names]
    domains += [item.make(kit, item.name) for item in cases] + [last(kit)]
    smmu = any(item.smmu for item in cases)
    edits = [give_stream] if smmu else []
    for item in cases:
        edits += [edit for edit in item.edits if edit not in edits]
    options = ("iommu=smmuv3",) if smmu else ()
    return mkdtb.Config(machine=mkdtb.Machine(gic=kit.gic, options=options, **machine),
                        domains=domains, edits=edits)


def cases_for(gic):
    """The cases that make sense with this GIC."""
    return [item for item in CASES if item.gic in (None, gic)]


def refused_of(cases):
    """The names of those that must not start."""
    return [item.name for item in cases if item.expect is not None]


def in_debug_build():
    """Is what `make` builds here a debug build?"""
    try:
        with open(os.path.join(ROOT, ".config"), encoding="utf-8") as config:
            return "\nCONFIG_DEBUG=y\n" in "\n" + config.read()
    except FileNotFoundError:
        return True                      # the default


from corpus import devices, iommu, memory, policy, shared  # noqa: E402,F401  (they fill CASES)

if not in_debug_build():
    CASES[:] = [item for item in CASES if not item.debug]

# SPDX-License-Identifier: Apache-2.0
"""A device does DMA to all that is not its domain's: nothing is written, nothing is leaked.

The device is QEMU's edu, the domain a payload that is told on its console what edu shall do. Memory
is looked at from outside, through QEMU's monitor: edu itself reports every transfer as done.
"""
import os
import re
import subprocess
from dataclasses import dataclass

import pytest

import harness
import pci
from harness import HV, mkdtb, payload
from p2m_walk import el2_frames

NM = os.environ.get("NM", "aarch64-linux-gnu-nm")
IMAGE_LINK_ADDRESS = 0x0000800000000000
EL2_LASTING = 0x0000800080000000
IMAGE_MAGIC = 0x38      # of the arm64 Image header: text that nobody executes
MIB = 1 << 20
PATTERN = 0xd0d0cafe
OTHERS_OFFSET = 12 * MIB    # where a payload of 16 MiB has nothing
GICD_PRIORITIES = 0x8000420     # of SPIs that nobody uses
GIC_MORE = {"2": 0x8030000, "3": 0x80a0000}     # GICH, GICR
HOLE = 0xf000000


@dataclass
class Target:
    """An address that edu must not reach. secret: 8 bytes that stay as they are."""
    name: str
    address: int
    memory: bool = True


def hexes(vm, pattern):
    """The groups of the last match in the hypervisor's log, as numbers."""
    found = re.findall(pattern, vm.text(HV), re.M)
    assert found, "not in the log: " + pattern
    return [int(word, 16) for word in found[-1]]


def image_of(vm):
    """Where the hypervisor is."""
    return hexes(vm, r"image (0x\w+)\+(0x\w+)$")


def tables_of(vm, name):
    """Root table and pool (base, size) of a domain."""
    return hexes(vm, name + r": p2m root (0x\w+)\+0x\w+, pool (0x\w+)\+(0x\w+), ")


def ram_of(vm, name):
    """Host address of a domain's first RAM."""
    return hexes(vm, name + r": p2m (0x\w+)-0x\w+ -> (0x\w+) RAM ")[1]


def heap_of(vm):
    """Frames that EL2 maps lastingly as heap, by its own tables."""
    symbols = subprocess.run([NM, harness.HV_IMAGE["corbel"] + ".elf"], check=True,
                             capture_output=True, text=True).stdout
    root = int(re.search(r"^(\w+) . main_l0$", symbols, re.M).group(1), 16) - IMAGE_LINK_ADDRESS
    base, size = image_of(vm)
    frames = el2_frames(pci.Memory(vm), root + base, EL2_LASTING)
    heap = [frame for frame in frames if frame[0] >= base + size]
    assert heap
    return heap


def filled(vm, base, size=4096):
    """The first 8 bytes from BASE on that are not zero."""
    words = pci.Memory(vm).words(base, size // 8)
    return base + 8 * next(i for i, word in enumerate(words) if word)


def memory_targets(vm):
    """What is in RAM: read it, and the guests and the hypervisor are known."""
    root, pool, pool_size = tables_of(vm, "domU1")
    return [
        Target("text", image_of(vm)[0] + IMAGE_MAGIC),
        Target("table", filled(vm, root)),
        Target("pool", filled(vm, pool)),
        Target("table-end", root + 0xff8),
        Target("pool-end", pool + pool_size - 8),
        Target("other-image", ram_of(vm, "domU2") + IMAGE_MAGIC),
        Target("other-ram", ram_of(vm, "domU2") + OTHERS_OFFSET)]


def config(gic, direct=True, smmu=True, **more):
    """A domain with the root complex, another one, and edu. One CPU, see below."""
    # The monitor's (and edu's) access to a GICv2 of more than one CPU ends QEMU.
    options = {key: more.pop(key) for key in ("board", "cpu") if key in more}
    bootargs = more.pop("bootargs", "")
    mine = pci.dma_payload("domU1", more.pop("guest_args", ""), direct=direct, force=not smmu,
                           **{key: more.pop(key) for key in ("props",) if key in more})
    out = mkdtb.Config(
        machine=pci.machine(gic, smmu, smp=1, ram="1G", **options), qemu_args=pci.edu(),
        domains=[mine, payload("domU2", "payload", "test=echo")], **more)
    out.hv_bootargs += " corbel,p2m-report " + bootargs
    return out


def started(boot, conf, limit=90):
    """Boot; both domains run. Returns the machine and its edu."""
    vm = boot(conf, limit=limit)
    edu = pci.Edu(vm)
    vm.expect("domU2", r"^ECHO-READY", 20)
    return vm, edu


def others_run(vm):
    """The other domain answers."""
    vm.run("domU2", "still here", r"^ECHO still here")


def check_own(vm, edu, direct):
    """Positive control: the domain's own RAM is written and read."""
    base = ram_of(vm, "domU1")
    host = edu.own if direct else edu.own - 0x40000000 + base
    written = edu.write(edu.own)
    assert written >> 32 == PATTERN
    assert edu.page() == written == pci.value(vm, host)
    assert edu.read(edu.own) == written


@pytest.mark.fast
@pytest.mark.parametrize("gic", ["2", "3"])
def test_damage_without_smmu(boot, gic):
    """No SMMU, and the domain gets the device all the same: all is leaked and written."""
    vm, edu = started(boot, config(gic, smmu=False))
    check_own(vm, edu, direct=True)
    for target in memory_targets(vm):
        assert edu.read(target.address) == pci.value(vm, target.address), target.name
    for target in memory_targets(vm):
        if target.name in ("text", "table-end", "pool-end", "other-ram"):
            assert edu.write(target.address) == pci.value(vm, target.address), target.name

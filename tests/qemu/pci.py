# SPDX-License-Identifier: Apache-2.0
"""PCI devices of the machine, and the domain that is given them all.

Slots are fixed: a slot is a stream of the SMMU. Transfers of edu are asked for over the console of
the payload's `dma` group; whether they arrived is looked up from outside.
"""
import os
import re
import subprocess

import partdt
from harness import HV, mkdtb, payload

SMMU = "iommu=smmuv3"
SMMU_BASE = 0x9050000
BLK, NET, NVME, EDU = 1, 2, 3, 4    # slots
BEHIND = "iommu_platform=on,disable-legacy=on"
DIRECT_ARGS = "console=ttyAMA0 earlycon"


def stream(slot):
    """The stream of a slot on bus 0."""
    return slot << 3


def edu():
    """QEMU arguments of an edu that reaches all addresses: by default it drops upper bits."""
    return ["-device", "edu,addr=%x,dma_mask=0xffffffffffffffff" % EDU]


def blk(path, slot=BLK):
    """A virtio disk."""
    return ["-drive", "if=none,id=disk%d,file=%s,format=raw" % (slot, path),
            "-device", "virtio-blk-pci,drive=disk%d,addr=%x,%s" % (slot, slot, BEHIND)]


def net(tftp, slot=NET):
    """A virtio network card; the user network has a TFTP server for a folder."""
    os.makedirs(tftp, exist_ok=True)
    return ["-netdev", "user,id=net%d,tftp=%s" % (slot, tftp),
            "-device", "virtio-net-pci,netdev=net%d,addr=%x,romfile=,%s" % (slot, slot, BEHIND)]


def nvme(path, slot=NVME):
    """An NVMe controller with one namespace."""
    return ["-drive", "if=none,id=nvme%d,file=%s,format=raw" % (slot, path),
            "-device", "nvme,drive=nvme%d,serial=corbel,addr=%x" % (slot, slot)]


def trace(path, *names):
    """Write QEMU's trace points NAMES to a file."""
    return ["-d", ",".join("trace:" + name for name in names), "-D", str(path)]


def machine(gic, smmu=True, **more):
    """A machine with an SMMU, or without."""
    return mkdtb.Machine(gic=gic, options=(SMMU,) if smmu else (), **more)


def give(domain, direct=False, msi=False, force=False, **more):
    """Give a domain the whole root complex."""
    if direct:
        domain.props["direct-map"] = b""
        more.setdefault("mem32", partdt.PCIE_MEM32)
    if force:
        more["force"] = True
    domain.modules.append(mkdtb.device_tree(partdt.pcie_tree(msi=msi, **more)))
    return domain


def dma_payload(name="domU1", bootargs="", **more):
    """The domain whose edu does what Edu says."""
    keep = {key: more.pop(key) for key in ("direct", "msi", "force", "mem32") if key in more}
    return give(payload(name, "payload", ("test=dma " + bootargs).strip(), **more), **keep)


class Edu:
    """The console of a dma_payload()."""

    def __init__(self, vm, name="domU1", again=False):
        self.vm, self.name = vm, name
        if not again:
            booted(vm)
        vm.expect(name, r"^DMA-READY stream 0x%x\n" % stream(EDU), 60)
        self.own = int(vm.expect(name, r"^DMA-OWN 0x([0-9a-f]+)\n").group(1), 16)

    def _ask(self, line, answer, timeout=30):
        self.vm.send(self.name, line + "\n")
        found = self.vm.expect(self.name, "^" + answer + r"[^\S\n]*\n", timeout)
        return [int(word, 16 if word.startswith("0x") else 10) for word in found.groups()]

    def write(self, address):
        """edu writes 8 bytes; returns which."""
        return self._ask("w %#x" % address, r"DMA-WROTE %#x (0x[0-9a-f]+)" % address)[0]

    def read(self, address):
        """edu reads 8 bytes; returns what it then has."""
        return self._ask("r %#x" % address, r"DMA-READ %#x (0x[0-9a-f]+)" % address)[0]

    def page(self):
        """The first 8 bytes of the page `own`, as the domain sees them."""
        return self._ask("p", r"DMA-PAGE (0x[0-9a-f]+)")[0]

    def storm(self, ms, address):
        """Transfers of 4 KiB for so long; returns how many."""
        return self._ask("s %d %#x" % (ms, address), r"DMA-STORM (\d+)", 30 + ms / 1000 * 4)[0]

    def hook(self, rounds, master="edu"):
        """(rounds, writes that arrived while mapped, while not) for a page that goes and comes."""
        return self._ask("h %d %s" % (rounds, master), r"DMA-HOOK (\d+) (\d+) (\d+)",
                         60 + rounds * (1 if master == "edu" else 0.1))

    def last(self, address):
        """edu begins to write 8 bytes, and the domain powers off at once; returns which bytes."""
        return self._ask("x %#x" % address, r"DMA-LAST (0x[0-9a-f]+)")[0]

    def end(self):
        """Let the payload end by itself."""
        self.vm.send(self.name, "q\n")
        return self.vm.tap(self.name)


def booted(vm):
    """Wait for the end of the boot; nobody may be refused."""
    end = vm.expect(HV, r"^.*boot: \d+ domains? started, (\d+) refused", 60)
    assert end.group(1) == "0", vm.text(HV)[-1500:]


def value(vm, address):
    """8 bytes at a physical address, below every stage 2."""
    low, high = vm.qmp.words(address, 2)
    return high << 32 | low


def make_disk(path, folder, mib):
    """An ext4 image that holds a folder (mke2fs needs no root for it)."""
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", str(folder), str(path), "%dM" % mib],
                   check=True, env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})


def translations(path):
    """{stream: {(iova, pa), ...}} of a file with trace:smmuv3_translate_success."""
    out = {}
    with open(path, encoding="latin1") as file:
        for line in file:
            found = re.search(r"smmuv3_translate_success .*sid=(\S+) iova=(\S+) "
                              r"translated=(\S+)", line)
            if found:
                sid, iova, pa = (int(word, 0) for word in found.groups())
                out.setdefault(sid, set()).add((iova, pa))
    return out

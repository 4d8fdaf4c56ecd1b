# SPDX-License-Identifier: Apache-2.0
"""Linux drives the whole PCIe root complex of the machine behind the SMMU.

Disks and a network card work by INTx and by GICv2m, in a domain that has the host's addresses and
in one that has not: what an address of DMA becomes is read from QEMU's traces, and the SMMU records
no event. The images and the downloaded file are checked by their digests.
"""
import functools
import hashlib
import http.server
import os
import random
import re
import shutil
import threading
from dataclasses import dataclass

import pytest

import pci
from audited import Audited
from harness import HV, linux, mkdtb

MIB = 1 << 20
DOWNLOAD_MIB = 16
GUEST_IP = "10.0.2.15/24"


@dataclass
class Case:
    """One machine."""
    gic: str
    direct: bool
    msi: bool = False
    nvme: bool = False
    mib: int = 32
    kernel: str = "6.12"
    options: str = ""       # of the hypervisor's command line
    guest: str = ""         # of the guest's

    def name(self):
        """A test id."""
        words = ["gic" + self.gic, "direct" if self.direct else "own",
                 "msi" if self.msi else "intx", self.kernel if self.kernel != "6.12" else "",
                 "%dM" % self.mib if self.mib != 32 else "",
                 "nosharept" if "no-sharept" in self.options else ""]
        return "-".join(filter(None, words))


@functools.lru_cache(maxsize=2)
def some_bytes(mib):
    """So many pseudo-random MiB."""
    source = random.Random(mib)
    return b"".join(source.randbytes(MIB) for _ in range(mib))


class Files:
    """A disk image with a file in it, a folder that is served by HTTP, and their digests."""

    def __init__(self, folder, mib):
        self.folder, self.mib = folder, mib
        data = some_bytes(mib)
        self.digest = hashlib.sha256(data).hexdigest()
        self.tail = data[-4096:]
        download = some_bytes(DOWNLOAD_MIB)
        self.download = hashlib.sha256(download).hexdigest()
        os.makedirs(folder / "disk")
        os.makedirs(folder / "www")
        (folder / "disk" / "file").write_bytes(data)
        (folder / "www" / "file").write_bytes(download)

    def image(self, name):
        """An ext4 image with the file, and room for a copy."""
        path = self.folder / name
        pci.make_disk(path, self.folder / "disk", 2 * self.mib + self.mib // 4 + 24)
        return path


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *_args):      # pylint: disable=arguments-differ
        """No line for each request."""


@pytest.fixture
def web(tmp_path):
    """The port of a web server for tmp_path/www."""
    handler = functools.partial(Quiet, directory=str(tmp_path / "www"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def machine(case, tmp_path, files):
    """The machine of a case, its traces in tmp_path/trace."""
    bootargs = pci.DIRECT_ARGS if case.direct else mkdtb.GUEST_BOOTARGS
    bootargs += " pci=nomsi" if not case.msi and case.gic == "2" else ""
    domain = linux("domU1", 192, kernel=case.kernel, bootargs=bootargs + case.guest)
    pci.give(domain, direct=case.direct, msi=case.msi)
    config = mkdtb.Config(machine=pci.machine(case.gic, ram="1G"), domains=[domain])
    config.hv_bootargs += " corbel,p2m-report " + case.options
    config.qemu_args = pci.blk(files.image("blk")) + pci.net(tmp_path / "tftp")
    config.qemu_args += pci.nvme(files.image("nvme")) if case.nvme else []
    names = ["smmuv3_record_event"] + ([] if case.direct else ["smmuv3_translate_success"])
    config.qemu_args += pci.trace(tmp_path / "trace", *names)
    return config


def check_disk(vm, device, files, seconds):
    """Mount, read a file through, write a copy, read that from the disk again."""
    vm.run("domU1", "mkdir -p /m; mount -t ext4 %s /m && sha256sum /m/file" % device,
           r"^%s " % files.digest, seconds)
    vm.run("domU1", "dd if=/m/file of=/m/copy bs=64k && sync && echo 3 >/proc/sys/vm/drop_caches; "
           "sha256sum /m/copy", r"^%s " % files.digest, seconds)
    vm.run("domU1", "umount /m; echo end-$?", r"^end-0$", 60)


def check_image(path, files):
    """The copy has arrived on the disk."""
    assert path.read_bytes().count(files.tail) == 2


def check_net(vm, files, port):
    """Download a file from the host."""
    vm.run("domU1", "ip link set eth0 up && ip addr add %s dev eth0 && "
           "wget -q -O /file http://10.0.2.2:%d/file; sha256sum /file" % (GUEST_IP, port),
           r"^%s " % files.download, 120)


def interrupts(vm):
    """[(count, line)] of the guest's interrupts."""
    vm.run("domU1", "cat /proc/interrupts; echo irqs-$((1+1))", r"^irqs-2$")
    return [(int(count), line) for line, count in
            re.findall(r"^( *\d+: +(\d+) .*)$", vm.text("domU1"), re.M)]


def check_interrupts(vm, case):
    """They came the way they should."""
    seen = [line for count, line in interrupts(vm) if count > 16 and
            re.search(r"virtio|nvme", line)]
    assert seen, "no interrupts of the devices"
    for line in seen:
        assert ("MSI" in line) == case.msi, line
    assert not case.nvme or any("nvme" in line for line in seen)


def check_addresses(vm, case, trace):
    """DMA goes through the domain's map: where its addresses are others, they are translated."""
    found = re.findall(r"domU1: p2m 0x(\w+)-0x(\w+) -> 0x(\w+) RAM ", vm.text(HV))
    banks = [tuple(int(word, 16) for word in row) for row in found]
    assert banks
    assert all((first == pa) == case.direct for first, _, pa in banks)
    if case.direct:
        return
    streams = pci.translations(trace)
    wanted = {pci.stream(pci.BLK), pci.stream(pci.NET)} | \
        ({pci.stream(pci.NVME)} if case.nvme else set())
    assert wanted == set(streams)
    for pairs in streams.values():
        ram = [(iova, pa) for iova, pa in pairs if iova >= banks[0][0]]
        assert ram
        for iova, pa in ram:
            first, _, base = next(b for b in banks if b[0] <= iova <= b[1])
            assert pa - base == iova - first and pa != iova


def check_counters(vm):
    """The debug key i: streams attached, commands, no fault."""
    vm.send(HV, "i")
    vm.expect(HV, r"SMMU /smmuv3@9050000: SMMUv3, [1-9]\d* commands, \d+ syncs, 0 faults, 0 of", 20)
    vm.expect(HV, r"domU1: DMA: 65536 streams, 0 faults\n", 20)


def run(boot, tmp_path, web, case):
    """One case."""
    files = Files(tmp_path, case.mib)
    vm = boot(machine(case, tmp_path, files), limit=240 + 2 * case.mib)
    pci.booted(vm)
    vm.shell("domU1", 120)
    seconds = 60 + case.mib
    check_disk(vm, "/dev/vda", files, seconds)
    if case.nvme:
        check_disk(vm, "/dev/nvme0n1", files, seconds)
    check_net(vm, files, web)
    check_interrupts(vm, case)
    assert Audited(vm, str(tmp_path / "dump")).json()["violations"] == []
    check_counters(vm)
    vm.qmp.command("stop")
    check_image(tmp_path / "blk", files)
    if case.nvme:
        check_image(tmp_path / "nvme", files)
    trace = tmp_path / "trace"
    check_addresses(vm, case, trace)
    assert "smmuv3_record_event" not in trace.read_text("latin1")
    vm.never(HV, r"DMA fault|SMMU .*refused")
    vm.close()
    shutil.rmtree(tmp_path)     # images of half a gigabyte


CASES = [
    Case("3", direct=True),
    Case("2", direct=False, msi=True, nvme=True),
]
MORE = [
    Case("2", direct=True),
    Case("2", direct=False),
    Case("3", direct=False),
    Case("2", direct=True, msi=True, nvme=True),
    Case("3", direct=True, mib=256),
    Case("2", direct=False, msi=True, nvme=True, mib=256),
    Case("2", direct=False, msi=True, nvme=True, kernel="6.1"),
    Case("3", direct=False, options="iommu=no-sharept"),
    Case("2", direct=True, msi=True, nvme=True, options="iommu=no-sharept"),
]


@pytest.mark.fast
@pytest.mark.parametrize("case", CASES, ids=Case.name)
def test_linux(boot, tmp_path, web, case):
    """Disks, network, and NVMe where there are MSIs."""
    run(boot, tmp_path, web, case)


@pytest.mark.full
@pytest.mark.parametrize("case", MORE, ids=Case.name)
def test_linux_more(boot, tmp_path, web, case):
    """The other ways to get interrupts and memory, and more data."""
    run(boot, tmp_path, web, case)

# SPDX-License-Identifier: Apache-2.0
"""Host devices given to Linux domains by partial trees: they bind, work, and interrupt.

Each test watches the guest's own /proc/interrupts for the physical SPI, and something outside of
the guest that the device did: a file behind a UART, a disk image, QEMU's monitor.
"""
import hashlib
import os
import random
import re
import socket
import subprocess

import pytest

from harness import HV, PATIENCE, linux, mkdtb
from mkdtb import empty
import partdt

MIB = 1 << 20


def give(domain, devices, **tree):
    """Give devices to a domain."""
    domain.modules.append(mkdtb.device_tree(partdt.partial(devices, **tree)))
    return domain


def direct(domain):
    """DMA without an IOMMU needs host addresses."""
    domain.props["direct-map"] = empty()
    domain.modules[0].bootargs = "console=ttyAMA0 earlycon"
    return domain


def irq_counter(intid):
    """A guest's command that prints how often it took an interrupt."""
    return "awk '$3 == %d || $4 == %d { print $2 }' /proc/interrupts" % (intid, intid)


def irq_count(vm, name, intid):
    """How often a guest took the interrupt, by its own count."""
    vm.run(name, "echo irq=$(%s)=" % irq_counter(intid), r"^irq=(\d*)=$")
    return int(re.findall(r"^irq=(\d+)=$", vm.text(name), re.M)[-1])


def mapped(vm, name, what):
    """The line of the address map that holds WHAT."""
    found = re.search(r"%s: map: .*%s.*" % (name, re.escape(what)), vm.text(HV))
    assert found, "no map line with %s" % what
    return found.group(0)


@pytest.mark.fast
@pytest.mark.parametrize("gic", ["2", "3"])
def test_rtc(boot, gic):
    """A PL031: Linux binds it, and its alarm arrives through the physical interrupt."""
    domain = give(linux("domU1"), [partdt.pl031()])
    vm = boot(mkdtb.Config(machine=mkdtb.Machine(gic=gic), domains=[domain, linux("domU2")]),
              limit=150)
    vm.shell("domU1", 120)
    vm.run("domU1", "cat /sys/class/rtc/rtc0/name", r"rtc-pl031")
    vm.run("domU1", "grep 9010000 /proc/iomem", r"^ *09010000-09010fff : ")
    before = irq_count(vm, "domU1", 34)
    vm.run("domU1", "echo +2 >/sys/class/rtc/rtc0/wakealarm; echo set-$((1+1))", r"^set-2$")
    vm.until("domU1", irq_counter(34), before + 1)
    assert "(MMIO)" in mapped(vm, "domU1", "rtc@9010000")
    vm.shell("domU2", 60)


def talk(path, data, size):
    """Send DATA to a socket, then read SIZE bytes from it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(60 * PATIENCE)
        line.connect(str(path))
        line.sendall(data)
        got = b""
        while len(got) < size:
            piece = line.recv(size - len(got))
            if not piece:
                break
            got += piece
    return got


@pytest.mark.fast
@pytest.mark.parametrize("gic", ["2", "3"])
def test_uart(boot, tmp_path, gic):
    """The machine's second PL011: 8 KiB in by interrupts, and as much back out of it."""
    path = tmp_path / "uart"
    domain = give(linux("domU1"), [partdt.pl011()])
    config = mkdtb.Config(machine=mkdtb.Machine(gic=gic), domains=[domain],
                          qemu_args=["-serial", "unix:%s,server=on,wait=off" % path])
    vm = boot(config, limit=120)
    vm.shell("domU1", 100)
    vm.run("domU1", "cd /sys/class/tty; for i in ttyAMA*; do readlink $i | grep -q 9040000 && "
           "t=/dev/$i; done; echo tty=$t", r"^tty=/dev/ttyAMA\d$")
    data = b"".join(b"%07d\n" % i for i in range(1024))
    vm.run("domU1", "exec 3<>$t; stty raw -echo <&3; echo ready", r"^ready$")
    vm.send("domU1", "head -c %d <&3 >/in; cat /in >&3; sha256sum /in\n" % len(data))
    assert talk(path, data, len(data)) == data
    vm.expect("domU1", r"^%s  /in" % hashlib.sha256(data).hexdigest(), 60)
    assert irq_count(vm, "domU1", 40) > len(data) // 256


@pytest.mark.fast
def test_gpio(boot):
    """The PL061: QEMU's power button is a line of it, and the guest's edge interrupt counts it."""
    domain = give(linux("domU1"), [partdt.pl061()])
    vm = boot(mkdtb.Config(domains=[domain]), limit=120)
    vm.shell("domU1", 100)
    vm.run("domU1", "cd /sys/class/gpio && base=$(cat gpiochip*/base) && n=$((base+3)) && "
           "echo $n >export && cd gpio$n && echo rising >edge && cat value", r"^0$")
    count = "awk '/gpiolib/ { print $2 }' /proc/interrupts"
    vm.until("domU1", count, 0)
    for pressed in (1, 2):
        vm.qmp.command("system_powerdown")
        vm.until("domU1", count, pressed)


def make_file(path, mib):
    """A file of pseudo-random bytes; returns its digest."""
    data = random.Random(mib).randbytes(mib * MIB)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def make_disk(path, folder, mib):
    """An ext4 image that holds a folder (mke2fs needs no root for it)."""
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", str(folder), str(path), "%dM" % mib],
                   check=True, env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})


def virtio_args(tmp_path, disk):
    """A disk in slot 31, a network card in slot 30 (QEMU fills the slots from the end)."""
    os.makedirs(tmp_path / "tftp", exist_ok=True)
    return ["-drive", "if=none,id=d,file=%s,format=raw" % disk,
            "-device", "virtio-blk-device,drive=d",
            "-netdev", "user,id=n,tftp=%s" % (tmp_path / "tftp"),
            "-device", "virtio-net-device,netdev=n"]


@pytest.mark.fast
@pytest.mark.parametrize("gic", ["2", "3"])
def test_virtio(boot, tmp_path, gic):
    """A disk and a network card in one page, in two direct-map domains: neither sees the other's.

    512-byte slots: their page is in nobody's stage 2, each access is forwarded by EL2.
    """
    folder, disk = tmp_path / "folder", tmp_path / "disk"
    folder.mkdir()
    digest = make_file(folder / "file", 16)
    make_disk(disk, folder, 64)
    args = virtio_args(tmp_path, disk)
    download = make_file(tmp_path / "tftp" / "file", 16)
    disk_domain = give(direct(linux("domU1", 160)), [partdt.virtio_mmio(31)])
    net_domain = give(direct(linux("domU2", 192)), [partdt.virtio_mmio(30)])
    vm = boot(mkdtb.Config(machine=mkdtb.Machine(gic=gic), domains=[disk_domain, net_domain],
                           qemu_args=args), limit=300)
    for name in ("domU1", "domU2"):
        vm.shell(name, 150)
    vm.run("domU1", "mkdir /m; mount -t ext4 /dev/vda /m && sha256sum /m/file",
           r"^%s " % digest, 90)
    assert irq_count(vm, "domU1", 79) > 16
    vm.run("domU1", "cp /m/file /m/copy && sync && umount /m; echo end-$?", r"^end-0$", 60)
    tail = (folder / "file").read_bytes()[-4096:]
    assert disk.read_bytes().count(tail) == 2, "the copy is on the disk"
    vm.run("domU1", "ls /sys/class/net", r"^lo\s*$")
    vm.run("domU2", "ls /dev/vda", r"No such file")
    vm.run("domU2", "ip link set eth0 up && ip addr add 10.0.2.15/24 dev eth0 && "
           "sleep 2 && tftp -g -r file -l /file 10.0.2.2 && sha256sum /file",
           r"^%s " % download, 200)
    assert "(forwarded)" in mapped(vm, "domU1", "virtio_mmio@a003e00")


@pytest.mark.fast
def test_two_owners(boot):
    """The same device for two domains: the second is refused by name, the first has it."""
    first = give(linux("domU1"), [partdt.pl031()])
    second = give(linux("domU2"), [partdt.pl031()])
    vm = boot(mkdtb.Config(domains=[first, second]), limit=120)
    vm.expect(HV, r"domU2: refused: /passthrough/rtc@9010000: xen,reg = 0x9010000\+0x1000: "
              r"expected a device that domain 1 does not have", 60)
    vm.shell("domU1", 100)
    vm.run("domU1", "cat /sys/class/rtc/rtc0/name", r"rtc-pl031")

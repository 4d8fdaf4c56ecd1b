# SPDX-License-Identifier: Apache-2.0
"""Debian kernels as domUs: they boot side by side, on many machines, with several vCPUs."""
import gzip
import os
import struct
import zlib

import pytest

import harness
import matrix
from harness import HV, linux, mkdtb


def boot_linux(boot, machine, domains, limit, **more):
    """Boot Linux domains and wait for all their shells."""
    vm = boot(mkdtb.Config(machine=machine, domains=domains), limit=limit, **more)
    for domain in domains:
        vm.expect(domain.name, r"INIT-REACHED", limit)
    for domain in domains:
        vm.run(domain.name, "echo $((6*7))", r"^42$")
    return vm


@pytest.mark.fast
def test_two_domus(boot):
    """Two domUs reach their shells; three Ctrl-A move the input from one to the other and back."""
    vm = boot_linux(boot, mkdtb.Machine(smp=2), [linux("domU1"), linux("domU2")], 90)
    vm.run("domU1", "echo back-$((40+2))", r"^back-42$")
    vm.run("domU2", "uname -m", r"^aarch64$")
    vm.run("domU2", "cat /proc/interrupts", r"arch_timer")
    vm.run("domU1", "ls -d /proc/device-tree/hypervisor 2>&1 || echo none", r"none")


@pytest.mark.parametrize("which", [
    pytest.param("corbel", marks=pytest.mark.fast),
    pytest.param("xen", marks=pytest.mark.full),
])
def test_virt_cmdline(boot, which):
    """The documented QEMU command line and tree: only the binary differs between Xen and Corbel."""
    kernel = harness.guest_file("Image-6.12")
    ramdisk = harness.guest_file("initrd-6.12.gz")
    domains = [mkdtb.Domain(name, 0x20000, 1, [
        mkdtb.Module("kernel", kernel, mkdtb.GUEST_BOOTARGS, addr=0x50000000),
        mkdtb.Module("ramdisk", ramdisk, addr=0x54000000),
    ]) for name in ("domU1", "domU2")]
    config = mkdtb.Config(machine=mkdtb.Machine("3", "cortex-a57", 4, "2048"), domains=domains)
    vm = boot(config, limit=120, hv=which, plain=True)
    for name in ("domU1", "domU2"):
        vm.shell(name, 100)


def run_case(boot, case):
    """One machine of the matrix."""
    machine = mkdtb.Machine(case["gic"], case["cpu"], case["smp"], case["ram"])
    domains = [linux("domU%d" % (i + 1), matrix.memory_mib(case), kernel=case["kernel"])
               for i in range(case["domus"])]
    boot_linux(boot, machine, domains, 40 + 5 * matrix.cost(case))


FAST_CASES = matrix.choose(matrix.FAST_BOOTS)


@pytest.mark.fast
@pytest.mark.parametrize("case", FAST_CASES, ids=matrix.name)
def test_matrix(boot, case):
    """Few boots that cover every value and most pairs of them."""
    run_case(boot, case)


@pytest.mark.full
@pytest.mark.parametrize("case", [c for c in matrix.choose() if c not in FAST_CASES],
                         ids=matrix.name)
def test_matrix_pairs(boot, case):
    """The rest of the pairs."""
    run_case(boot, case)


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", matrix.all_cases(), ids=matrix.name)
def test_matrix_all(boot, case):
    """Every combination."""
    run_case(boot, case)


HOTPLUG = ("c=/sys/devices/system/cpu/cpu1/online; i=0; while [ $i -lt 20 ]; do "
           "echo 0 >$c || break; echo 1 >$c || break; i=$((i+1)); done; echo rounds=$i")


@pytest.mark.parametrize("smp", [
    pytest.param(2, marks=pytest.mark.fast),
    pytest.param(4, marks=pytest.mark.full),
])
def test_four_vcpus_hotplug(boot, smp):
    """A 4-vCPU domU shows 4 CPUs; CPU 1 goes off and on 20 times."""
    vm = boot_linux(boot, mkdtb.Machine(smp=smp), [linux("domU1", cpus=4)], 150)
    vm.run("domU1", "grep -c ^processor /proc/cpuinfo", r"^4$")
    vm.run("domU1", HOTPLUG, r"^rounds=20$", 90)
    vm.run("domU1", "grep -c ^processor /proc/cpuinfo", r"^4$")
    vm.run("domU1", "cat /sys/devices/system/cpu/online", r"^0-3$")


@pytest.mark.fast
def test_overcommit(boot):
    """8 vCPUs of two domUs share 2 CPUs."""
    domains = [linux("domU1", cpus=4), linux("domU2", cpus=4)]
    vm = boot_linux(boot, mkdtb.Machine(smp=2), domains, 240)
    for name in ("domU1", "domU2"):
        vm.run(name, "grep -c ^processor /proc/cpuinfo", r"^4$")


def uimage(payload, path):
    """Wrap an Image as a U-Boot legacy uImage (arm64, Linux, kernel, not compressed)."""
    header = struct.pack(">7I4B32s", 0x27051956, 0, 0, len(payload), 0x40000000, 0x40000000,
                         zlib.crc32(payload), 5, 22, 2, 0, b"corbel-test")
    header = header[:4] + struct.pack(">I", zlib.crc32(header)) + header[8:]
    with open(path, "wb") as file:
        file.write(header + payload)


@pytest.mark.fast
def test_kernel_formats(boot, tmp_path):
    """A gzip'ed Image and a uImage boot like the Image itself."""
    with open(harness.guest_file("Image-6.12"), "rb") as file:
        image = file.read()
    zipped, wrapped = str(tmp_path / "Image.gz"), str(tmp_path / "uImage")
    with open(zipped, "wb") as file:
        file.write(gzip.compress(image, 6))
    uimage(image, wrapped)
    ramdisk = harness.guest_file("initrd-6.12.gz")
    domains = [mkdtb.linux_domain("zipped", zipped, ramdisk),
               mkdtb.linux_domain("wrapped", wrapped, ramdisk)]
    boot_linux(boot, mkdtb.Machine(smp=2), domains, 120)


@pytest.mark.fast
def test_seeds(boot):
    """Seeds are there, differ between domains and between two starts of the same tree."""
    seeds = []
    for _ in range(2):
        config = mkdtb.Config(machine=mkdtb.Machine(), domains=[
            harness.payload("domU1", "payload", "test=tree"),
            harness.payload("domU2", "payload", "test=tree")])
        vm = boot(config, limit=40)
        for name in ("domU1", "domU2"):
            assert vm.tap(name)[1] == []
            text = vm.text(name)
            seeds += [line.split()[-1] for line in text.split("\n") if line.startswith("# SEED")]
        vm.close()
    assert len(seeds) == 8 and len(set(seeds)) == 8


@pytest.mark.fast
@pytest.mark.parametrize("ram,base", [("2G", 0x40000000), ("6G", 0x100000000)])
def test_reserved_memory(boot, ram, base):
    """What /reserved-memory and /memreserve/ name is never given to a domain."""
    marks = [base + 0x38000000, base + 0x3a000000]
    config = mkdtb.Config(machine=mkdtb.Machine(ram=ram), domains=[
        harness.payload("domU1", "payload", "test=mem", memory_mib=512),
        harness.payload("domU2", "payload", "test=mem", memory_mib=512)])
    config.reserved = [("keep", marks[0], 0x200000, {"no-map": b""})]
    config.memreserve = [(marks[1], 0x200000)]
    pattern = os.path.join(harness.TREES, "pattern.bin")
    os.makedirs(os.path.dirname(pattern), exist_ok=True)
    with open(pattern, "wb") as file:
        file.write(bytes(range(1, 251)) * 16)
    for mark in marks:
        config.qemu_args += ["-device", "loader,file=%s,addr=%#x,force-raw=on" % (pattern, mark)]
    vm = boot(config, limit=90)
    for name in ("domU1", "domU2"):
        assert vm.tap(name, 80)[1] == []
    for mark in marks:
        assert vm.qmp.words(mark, 2) == [0x04030201, 0x08070605]
    vm.never(HV, r"(?i)panic")

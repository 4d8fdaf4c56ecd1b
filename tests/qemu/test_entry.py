# SPDX-License-Identifier: Apache-2.0
"""How the hypervisor is entered, when it is not QEMU's -kernel that does it.

A shim of a few instructions takes -kernel's place: it leaves SError open, a foreign vector base and
garbage in registers, as boot loaders do, and jumps to the image at any 2 MiB-aligned address with
the device tree wherever it was put. QEMU does not touch that tree, so RAM can also have holes.
"""
import os
import struct
import subprocess

import pytest

import fdt
import harness
from harness import HV, linux, mkdtb, payload

MIB = 1 << 20
SHIM = """
    .globl _start
_start:
    ldr     x0, =%(tree)#x
    ldr     x30, =%(image)#x
    ldr     x9, =0xdead0000
    msr     vbar_el2, x9
    msr     tpidr_el2, x9
    msr     vttbr_el2, x9
    msr     sp_el1, x9
    mov     sp, x9
    msr     daifset, #0xb
    msr     daifclr, #0x4
    isb
    mov     x1, #1
    mov     x2, #2
    mov     x3, #3
    br      x30
"""


def shim_image(path, image, tree):
    """Write the shim as an arm64 Image."""
    cross = os.environ.get("CROSS_COMPILE", "aarch64-linux-gnu-")
    text = SHIM % {"image": image, "tree": tree}
    subprocess.run([cross + "gcc", "-nostdlib", "-static", "-Wl,-Ttext=0,--build-id=none", "-o",
                    path + ".elf", "-x", "assembler", "-"], input=text, text=True, check=True)
    subprocess.run([cross + "objcopy", "-O", "binary", "-j", ".text", path + ".elf", path],
                   check=True)
    with open(path, "rb") as file:
        code = file.read()
    header = struct.pack("<II3Q3QI4x", 0x14000010, 0, 0, 0x10000, 0xa, 0, 0, 0, 0x644D5241)
    with open(path, "wb") as file:
        file.write(header + code)


class ShimSession(harness.Session):
    """A session that enters the image through the shim."""

    def __init__(self, config, image, tree, **more):
        super().__init__(config, **more)
        self.image, self.tree = image, tree

    def _command(self):
        os.makedirs(harness.TREES, exist_ok=True)
        shim = os.path.join(harness.TREES, self.name + ".shim")
        shim_image(shim, self.image, self.tree)
        self.config.hv = shim
        command = super()._command()
        at = command.index("-dtb")
        blob = command[at + 1]
        command[command.index("-kernel") + 1] = shim
        command[at:at + 2] = [
            "-device", "loader,file=%s,addr=%#x,force-raw=on" % (harness.HV_IMAGE[self.hv],
                                                                self.image),
            "-device", "loader,file=%s,addr=%#x,force-raw=on" % (blob, self.tree)]
        return command


def enter(request, hv, config, image, tree, limit=60):
    """Boot through the shim."""
    return ShimSession(config, image, tree, hv=hv, name=request.node.name.replace("test_", ""),
                       limit=limit)


@pytest.mark.fast
@pytest.mark.parametrize("image,tree", [
    (0x40400000, 0x4a000000),
    (0x43600000, 0x43800008),
    (0x7fc00000, 0x7fbfc018),
    (0x60200000, 0x41234568),
], ids=lambda value: "%#x" % value)
def test_entry(request, hv, image, tree):
    """Any 2 MiB-aligned address, any 8-byte aligned tree, SError open, foreign vectors."""
    config = mkdtb.Config(machine=mkdtb.Machine(ram="1G"), domains=[
        payload("domU1", "payload", "test=tree,mem")])
    with enter(request, hv, config, image, tree) as vm:
        assert vm.tap("domU1", 50)[1] == []
        vm.expect(HV, r"boot: 1 domain", 20)


def banks_edit(*banks):
    """Replace /memory by these (base, size) banks."""
    def edit(tree):
        for node in [n for n in tree.root.children if n.name.startswith("memory")]:
            tree.root.remove(node)
        for base, size in banks:
            tree.root.add(fdt.Node("memory@%x" % base, {
                "device_type": fdt.string("memory"), "reg": fdt.u64(base, size)}))
    return edit


@pytest.mark.fast
def test_memory_banks(request, hv):
    """Several banks with holes, some above 4 GiB: what lies in a hole stays as it was."""
    banks = [(0x40000000, 0x20000000), (0x68000000, 0x8000000), (0x100000000, 0x20000000),
             (0x130000000, 0x8000000)]
    holes = [0x64000000, 0x78000000, 0xf0000000, 0x120000000, 0x12f000000]
    config = mkdtb.Config(machine=mkdtb.Machine(ram="6G"), domains=[
        payload("domU%d" % (i + 1), "payload", "test=mem", memory_mib=256) for i in range(4)])
    config.edits.append(banks_edit(*banks))
    pattern = os.path.join(harness.TREES, "holes.bin")
    os.makedirs(harness.TREES, exist_ok=True)
    with open(pattern, "wb") as file:
        file.write(b"\x5a" * 8192)
    for hole in holes:
        config.qemu_args += ["-device", "loader,file=%s,addr=%#x,force-raw=on" % (pattern, hole)]
    with enter(request, hv, config, 0x46000000, 0x4a000008, 90) as vm:
        for domain in config.domains:
            assert vm.tap(domain.name, 80)[1] == []
        for hole in holes:
            assert vm.qmp.words(hole, 4) == [0x5a5a5a5a] * 4


@pytest.mark.fast
def test_reg_with_many_banks(request, hv):
    """One memory node with several ranges, out of order."""
    def edit(tree):
        node = next(n for n in tree.root.children if n.name.startswith("memory"))
        node.props["reg"] = fdt.u64(0x70000000, 0x10000000, 0x40000000, 0x18000000)
    config = mkdtb.Config(machine=mkdtb.Machine(ram="1G"), domains=[
        payload("domU1", "payload", "test=mem", memory_mib=64)])
    config.edits.append(edit)
    with enter(request, hv, config, 0x46000000, 0x4a000008) as vm:
        assert vm.tap("domU1", 50)[1] == []


@pytest.mark.full
def test_entry_linux(request, hv):
    """Linux through the shim."""
    config = mkdtb.Config(domains=[linux("domU1")])
    with enter(request, hv, config, 0x60200000, 0x41234568, 120) as vm:
        vm.shell("domU1", 90)


def drop(path):
    """An edit that removes a node."""
    def edit(tree):
        node = tree.get(path)
        node.parent.remove(node)
    return edit


@pytest.mark.fast
@pytest.mark.parametrize("damage", ["no-rng-seed", "no-stdout", "no-aliases", "one-cpu-left"])
def test_odd_host_tree(request, hv, damage):
    """A host tree that lacks something: the domain boots all the same."""
    def edit(tree):
        chosen = tree.get("/chosen")
        if damage == "no-rng-seed":
            chosen.props.pop("rng-seed", None)
        elif damage == "no-stdout":
            chosen.props.pop("stdout-path", None)
        elif damage == "no-aliases" and tree.get("/aliases"):
            drop("/aliases")(tree)
        elif damage == "one-cpu-left":
            cpus = tree.get("/cpus")
            cpus.remove(cpus.children[-1] if cpus.children[-1].name != "cpu-map"
                        else cpus.children[-2])
    config = mkdtb.Config(machine=mkdtb.Machine(ram="1G"), domains=[
        payload("domU1", "payload", "test=psci,timer", cpus=2)])
    config.edits.append(edit)
    with enter(request, hv, config, 0x46000000, 0x4a000008) as vm:
        assert vm.tap("domU1", 50)[1] == []


@pytest.mark.full
def test_many_cpus(boot):
    """More CPUs than EL2 has table pages: all get their windows, and there is heap for a domain."""
    config = mkdtb.Config(machine=mkdtb.Machine(gic="3", smp=36, ram="1G"),
                          domains=[payload("domU1", "payload", "test=tree")])
    vm = boot(config, limit=180)
    passed, failed = vm.tap("domU1", 170)
    assert passed and not failed
    assert "no hypervisor memory" not in vm.text(HV)

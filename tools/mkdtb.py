#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Build the device tree and the QEMU command line of a dom0less machine.

The tree is QEMU's own (`-machine dumpdtb=` with the same options) plus, under /chosen, the
hypervisor's command line and one node per domain, as Xen's dom0less binding has them. Every module
gets a load address; equal files share one module. Whatever boots Xen from the result boots Corbel
with only the binary exchanged.

As a library: fill a Config (Machine, Domain, Module), call build(). Property values are made by the
typed helpers of fdt.py; None as a value deletes a property that build() would write, and
Config.edits are functions that get the finished tree, so malformed trees are one line in a test.
Devices for domains: device_tree() makes a module of a partial tree (partdt.py).

As a program: mkdtb.py --help.
"""
import argparse
import functools
import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Optional, Tuple

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fdt  # noqa: E402
import partdt  # noqa: E402
from fdt import empty, string, strings, u32, u64  # noqa: E402
from partdt import set_props  # noqa: E402

MIB = 1 << 20
RAM_BASE = 0x40000000
MODULE_BASE = RAM_BASE + 256 * MIB   # above the image (+2 MiB) and QEMU's tree (+128 MiB)
MODULE_ALIGN = 2 * MIB
HV_BASE = RAM_BASE + 2 * MIB         # where QEMU's -kernel and -dtb go
TREE_BASE = RAM_BASE + 128 * MIB
QEMU_GIC_LINES = 288                 # of the virt board
QEMU_PA_BITS = {"cortex-a35": 40, "cortex-a53": 40, "cortex-a55": 40, "cortex-a57": 44,
                "cortex-a72": 44, "cortex-a76": 40, "cortex-a710": 40}  # others: 48 or more
QEMU = os.environ.get("QEMU", "qemu-system-aarch64")
GUEST_BOOTARGS = "console=ttyAMA0 earlycon=pl011,0x22000000"
HV_BOOTARGS = "console=dtuart dtuart=/pl011@9000000"
MODULE_COMPATIBLE = {
    "kernel": ("multiboot,kernel", "multiboot,module"),
    "ramdisk": ("multiboot,ramdisk", "multiboot,module"),
    "device-tree": ("multiboot,device-tree", "multiboot,module"),
}


def parse_size(text):
    """A size in bytes from 512, 512M, 2G (a bare number means MiB, as for QEMU's -m)."""
    units = {"K": 1 << 10, "M": MIB, "G": 1 << 30}
    text = str(text).upper()
    if text[-1] in units:
        return int(text[:-1], 0) * units[text[-1]]
    return int(text, 0) * MIB


@dataclass
class Machine:
    """The options of QEMU's virt board."""
    gic: str = "3"
    cpu: str = "cortex-a57"
    smp: int = 2
    ram: str = "2048"
    options: Tuple[str, ...] = ()        # more -M options, for instance "its=off"
    virtualization: bool = True
    randomness: Optional[bool] = None    # dtb-randomness=on|off; None: QEMU's default
    board: str = "virt"                  # or an older one: virt-9.1

    def args(self, dumpdtb=None):
        """The arguments that describe the machine, alike for the dump and for the run."""
        parts = [self.board]
        if self.virtualization:
            parts.append("virtualization=on")
        parts.append("gic-version=%s" % self.gic)
        parts += self.options
        if self.randomness is not None:
            parts.append("dtb-randomness=%s" % ("on" if self.randomness else "off"))
        if dumpdtb:
            parts.append("dumpdtb=%s" % dumpdtb)
        return ["-M", ",".join(parts), "-cpu", self.cpu, "-smp", str(self.smp),
                "-m", str(self.ram)]


@dataclass
class Module:
    """A boot module of a domain. addr and size override what build() finds out.

    content: what is in it; build() writes it beside the tree, and sets path.
    """
    kind: str
    path: str = ""
    bootargs: Optional[str] = None
    addr: Optional[int] = None
    size: Optional[int] = None
    props: Dict[str, Optional[bytes]] = field(default_factory=dict)
    content: Optional[bytes] = None


@dataclass
class Domain:
    """A domain node under /chosen."""
    name: str
    memory_kib: int = 128 * 1024
    cpus: int = 1
    modules: List[Module] = field(default_factory=list)
    vpl011: bool = True
    props: Dict[str, Optional[bytes]] = field(default_factory=dict)
    children: List[fdt.Node] = field(default_factory=list)


@dataclass
class Config:
    """All of a machine: hypervisor, domains, and what a test wants to be different."""
    machine: Machine = field(default_factory=Machine)
    hv: str = "build/corbel"
    domains: List[Domain] = field(default_factory=list)
    hv_bootargs: Optional[str] = HV_BOOTARGS
    chosen_props: Dict[str, Optional[bytes]] = field(default_factory=dict)
    reserved: List[Tuple[str, int, int, Dict[str, bytes]]] = field(default_factory=list)
    memreserve: List[Tuple[int, int]] = field(default_factory=list)
    edits: List[Callable[[fdt.Tree], None]] = field(default_factory=list)
    qemu_args: List[str] = field(default_factory=list)


@dataclass
class Built:
    """What build() made: the files, and the arguments that start it."""
    dtb: str
    machine_args: List[str]
    load_args: List[str]
    placed: List[Tuple[int, int, str]]
    cpu: str = ""

    def command(self, serial=("-serial", "stdio"), monitor=("-monitor", "none")):
        """The whole QEMU command line."""
        return ([QEMU] + self.machine_args + ["-display", "none", *serial, *monitor,
                                              "-net", "none"] + self.load_args)

    def check_args(self, hv=None):
        """The arguments by which corbel-check sees the same (tree, modules, places).

        hv: the hypervisor's image, where QEMU's -kernel puts it; its tree goes 128 MiB up.
        """
        args = [self.dtb, "--gic-lines", str(QEMU_GIC_LINES), "--tree-at", "%#x" % TREE_BASE,
                "--cpu-pa-bits", str(QEMU_PA_BITS.get(self.cpu.split(",")[0], 48))]
        if hv:
            args += ["--hypervisor", "%#x=%s" % (HV_BASE, hv)]
        for addr, _, path in self.placed:
            args += ["--module", "%#x=%s" % (addr, path)]
        return args


def vcpu_node(vcpu, hard_affinity=None, **props):
    """A xen,vcpu child of a domain node: vcpu_node(1, "0-3,5")."""
    node = fdt.Node("vcpu%d" % vcpu, {"compatible": string("xen,vcpu"), "id": u32(vcpu)})
    if hard_affinity is not None:
        node.props["hard-affinity"] = string(hard_affinity)
    node.props.update(props)
    return node


def cpupool_edit(name, cpus, sched=None, domains=()):
    """An edit that makes a xen,cpupool node of CPU numbers and puts domains into it."""
    def edit(tree):
        nodes = [n for n in tree.get("/cpus").children if n.name.startswith("cpu@")]
        pool = tree.get("/chosen").add(name)
        pool.props["compatible"] = string("xen,cpupool")
        pool.props["cpupool-cpus"] = u32(*[tree.phandle(nodes[i]) for i in cpus])
        if sched:
            pool.props["cpupool-sched"] = string(sched)
        for domain in domains:
            node = tree.get("/chosen/" + domain)
            node.props["domain-cpupool"] = u32(tree.phandle(pool))
    return edit


def linux_domain(name, kernel, ramdisk, memory_kib=128 * 1024, cpus=1, bootargs=GUEST_BOOTARGS,
                 **more):
    """A domain with a Linux kernel and a ramdisk."""
    modules = [Module("kernel", kernel, bootargs=bootargs)]
    if ramdisk:
        modules.append(Module("ramdisk", ramdisk))
    return Domain(name, memory_kib, cpus, modules, **more)


def payload_domain(name, payload, bootargs="", memory_kib=16 * 1024, cpus=1, **more):
    """A domain with a test payload of tests/guest."""
    return Domain(name, memory_kib, cpus, [Module("kernel", payload, bootargs=bootargs)], **more)


def device_tree(tree, **more):
    """The module of a partial tree: a fdt.Tree, or the bytes of what is none."""
    return Module("device-tree", content=tree if isinstance(tree, bytes) else tree.pack(), **more)


def static_mem(*ranges, cells=True, direct_map=False):
    """Domain properties for RAM at given host addresses: static_mem((base, size), ...).

    cells: with the cell counts of the property; imagebuilder leaves them out.
    """
    props = {"xen,static-mem": b"".join(u64(base, size) for base, size in ranges)}
    if cells:
        props["#xen,static-mem-address-cells"] = u32(2)
        props["#xen,static-mem-size-cells"] = u32(2)
    if direct_map:
        props["direct-map"] = empty()
    return props


def shm_node(shm_id, gpa, size, hpa=None, role=None, read_only=False, props=None):
    """A child of a domain node: static shared memory, with a host address or without."""
    where = (gpa, size) if hpa is None else (hpa, gpa, size)
    node = fdt.Node("shared-mem@%x" % where[0], {
        "compatible": string("xen,domain-shared-memory-v1"), "xen,shm-id": string(shm_id),
        "xen,shared-mem": u64(*where)})
    if role is not None:
        node.props["role"] = string(role)
    if read_only:
        node.props["corbel,read-only"] = empty()
    set_props(node, props or {})
    return node


@functools.lru_cache(maxsize=None)
def _dumped(arguments):
    """The blob that QEMU writes for a machine, asked for once per process."""
    with tempfile.TemporaryDirectory(prefix="corbel-") as folder:
        path = os.path.join(folder, "virt.dtb")
        arguments = [path.join(part.split("@DTB@")) for part in arguments]
        command = [QEMU] + arguments + ["-display", "none", "-net", "none"]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise ValueError("%s: %s" % (shlex.join(command), done.stderr.strip()))
        with open(path, "rb") as file:
            return file.read()


def dump_tree(machine, serials=1):
    """The board's own tree as QEMU makes it. serials: how many -serial the run will have."""
    arguments = machine.args(dumpdtb="@DTB@") + ["-serial", "null"] * serials
    tree = fdt.Tree(_dumped(tuple(arguments)))
    if machine.randomness is not False:
        for node in tree.root.walk():
            for name in {"rng-seed", "kaslr-seed"} & set(node.props):
                node.props[name] = os.urandom(len(node.props[name]))
    return tree


class Placer:
    """Gives modules their load addresses; equal files get the same one."""

    def __init__(self, ram_size, outdir, name):
        self.stem = os.path.join(outdir, name)
        self.next = MODULE_BASE
        self.end = RAM_BASE + ram_size
        self.by_digest = {}
        self.placed = []

    def place(self, module):
        """Return (address, size) for a module."""
        if module.content is not None:
            digest = hashlib.sha256(module.content).hexdigest()[:8]
            module.path = "%s-%s-%s" % (self.stem, module.kind, digest)
            with open(module.path, "wb") as file:
                file.write(module.content)
        with open(module.path, "rb") as file:
            content = file.read()
        size = len(content)
        if module.addr is not None:
            self._record(module.addr, size, module.path)
            return module.addr, size
        digest = hashlib.sha256(content).digest()
        if digest not in self.by_digest:
            self.by_digest[digest] = self.next
            self._record(self.next, size, module.path)
            self.next += (size + MODULE_ALIGN - 1) // MODULE_ALIGN * MODULE_ALIGN
        return self.by_digest[digest], size

    def _record(self, addr, size, path):
        if addr + size > self.end:
            raise ValueError("module %s does not fit in RAM" % path)
        entry = (addr, size, path)
        if entry not in self.placed:
            self.placed.append(entry)


def _add_domain(chosen, domain, placer):
    node = chosen.add(domain.name)
    node.props.update({
        "compatible": string("xen,domain"),
        "#address-cells": u32(2),
        "#size-cells": u32(2),
        "memory": u64(domain.memory_kib),
        "cpus": u32(domain.cpus),
    })
    if domain.vpl011:
        node.props["vpl011"] = empty()
    for module in domain.modules:
        addr, size = placer.place(module)
        size = size if module.size is None else module.size
        kid = fdt.Node("module@%x" % addr)
        kid.props["compatible"] = strings(*MODULE_COMPATIBLE[module.kind])
        kid.props["reg"] = u64(addr, size)
        if module.bootargs is not None:
            kid.props["bootargs"] = string(module.bootargs)
        set_props(kid, module.props)
        node.add(kid)
    for child in domain.children:
        node.add(child)
    set_props(node, domain.props)


def build(config, outdir, name="machine"):
    """Write OUTDIR/NAME.dtb and return the Built with the arguments that boot it."""
    os.makedirs(outdir, exist_ok=True)
    dtb = os.path.join(outdir, name + ".dtb")
    tree = dump_tree(config.machine, 1 + config.qemu_args.count("-serial"))
    chosen = tree.root.ensure("chosen")
    placer = Placer(parse_size(config.machine.ram), outdir, name)
    if config.hv_bootargs is not None:
        chosen.props["xen,xen-bootargs"] = string(config.hv_bootargs)
    set_props(chosen, config.chosen_props)
    for domain in config.domains:
        _add_domain(chosen, domain, placer)
    for reserved in config.reserved:
        partdt.reserve(tree, *reserved)
    tree.memreserve += config.memreserve
    for edit in config.edits:
        edit(tree)
    with open(dtb, "wb") as file:
        file.write(tree.pack())
    load = ["-kernel", config.hv, "-dtb", dtb]
    for addr, _, path in placer.placed:
        load += ["-device", "loader,file=%s,addr=%#x,force-raw=on" % (path, addr)]
    return Built(dtb, config.machine.args(), load + config.qemu_args, placer.placed,
                 config.machine.cpu)


def add_options(parser):
    """The options that describe a machine with equal Linux domains (shared with run_qemu.py)."""
    parser.add_argument("--hv", default="build/corbel", help="hypervisor image [%(default)s]")
    parser.add_argument("--domus", "--domu", type=int, default=2, metavar="N",
                        help="number of domains [%(default)s]")
    parser.add_argument("--mem", type=int, default=128, metavar="MIB",
                        help="memory of each domain [%(default)s]")
    parser.add_argument("--cpus", type=int, default=1, help="vCPUs of each domain [%(default)s]")
    parser.add_argument("--kernel", default="build/guest/Image-6.12",
                        help="guest kernel or payload [%(default)s]")
    parser.add_argument("--initrd", help="ramdisk [the initrd-*.gz beside an Image-*]")
    parser.add_argument("--bootargs", default=GUEST_BOOTARGS, help="of each guest [%(default)s]")
    parser.add_argument("--gic", default="3", help="gic-version [%(default)s]")
    parser.add_argument("--cpu", default="cortex-a57", help="CPU model [%(default)s]")
    parser.add_argument("--smp", type=int, default=2, help="physical CPUs [%(default)s]")
    parser.add_argument("--ram", default="2048", help="RAM, as for -m [%(default)s]")
    parser.add_argument("--machine-option", action="append", default=[], metavar="KEY=VALUE",
                        help="one more option for -M (repeat)")
    parser.add_argument("--board", default="virt", help="QEMU's machine [%(default)s]")
    parser.add_argument("--pcie", action="store_true",
                        help="an SMMUv3, and the PCIe root complex behind it for the first domain")
    parser.add_argument("--hv-bootargs", default=HV_BOOTARGS, help="[%(default)s]")
    parser.add_argument("--dir", default="build/run", help="where the tree goes [%(default)s]")


def default_initrd(kernel):
    """The ramdisk that belongs to a fetched kernel, or None for a payload."""
    folder, base = os.path.split(kernel)
    path = os.path.join(folder, base.replace("Image-", "initrd-") + ".gz")
    return path if base.startswith("Image-") and os.path.exists(path) else None


def config_from_options(opts):
    """A Config from the options of add_options()."""
    initrd = opts.initrd or default_initrd(opts.kernel)
    options = tuple(opts.machine_option) + (("iommu=smmuv3",) if opts.pcie else ())
    machine = Machine(opts.gic, opts.cpu, opts.smp, opts.ram, options, board=opts.board)
    domains = [linux_domain("domU%d" % (i + 1), opts.kernel, initrd, opts.mem * 1024, opts.cpus,
                            opts.bootargs) for i in range(opts.domus)]
    if opts.pcie:
        domains[0].modules.append(device_tree(partdt.pcie_tree(msi=opts.gic == "2")))
    return Config(machine, opts.hv, domains, opts.hv_bootargs)


def main():
    """Build the tree and print the command line that boots it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    add_options(parser)
    opts = parser.parse_args()
    built = build(config_from_options(opts), opts.dir)
    print(shlex.join(built.command()))


if __name__ == "__main__":
    main()

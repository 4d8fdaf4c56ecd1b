#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Write the U-Boot script that loads the hypervisor and its domains and starts them.

    tools/mkbootscr.py -c CONFIG -d DIR -t tftp -o boot    ->    DIR/boot.source, DIR/boot.scr

CONFIG is written for the public imagebuilder script: assignments in the shell's syntax (XEN,
DEVICE_TREE, MEMORY_START, NUM_DOMUS, DOMU_KERNEL[n], ...). It is parsed here, never run.
docs/uboot.md lists what is understood; a variable that imagebuilder knows and this program does not
is an error.

Two forms of lines can be written. "2023.2" is, byte for byte, what that release of imagebuilder
writes. "new" has the spellings of later ones and avoids two faults of the old form: the device tree
gets the room that its edits need, and modules the size that they need in memory.

As a library: parse_config(), then build().
"""
import argparse
import functools
import operator
import os
import re
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from typing import List, Tuple

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fdt  # noqa: E402
from bootcfg import ConfigError, parse_config  # noqa: E402

MIB = 1 << 20
SLOT = 2 * MIB
SCRIPT_MIN = 12 * MIB
RESIZE_OLD = 1024               # bytes that the old form adds to any tree
TREE_PAGE = 4096                # U-Boot rounds a tree's size up to this
VALUE_MAX = 1023                # bytes of one value that U-Boot's `fdt set` can hold
POOL_PHANDLE = 0xFFFFFFFE       # of the first CPU pool; the others count down
IMAGE_MAGIC = b"ARM\x64"
LOAD_ALIASES = {"tftp": "tftpb", "scsi": "load scsi 0:1", "sd": "load mmc 0:1",
                "usb": "fatload usb 0:1"}
BOOT_CMDS = ("booti", "bootm", "bootefi", "none")
FORMS = ("2023.2", "new")
LINUX_MODULE = ("multiboot,module",)
DOM0_MODULE = ("xen,multiboot-module", "multiboot,module")
DOM0_CMD = "console=hvc0 earlycon=xen earlyprintk=xen clk_ignore_unused"
ENHANCED = {"1": "enabled", "2": "no-xenstore"}
CAPS = {"none": 0, "control": 1, "hardware": 2, "xenstore": 4, "dom0": 7}
DOMU_NUMBERS = (("DOMU_GRANT_VER", "max_grant_version"),
                ("DOMU_GRANT_FRAMES", "max_grant_frames"),
                ("DOMU_MAPTRACK_FRAMES", "max_maptrack_frames"))

KNOWN = set("""MEMORY_START MEMORY_END LOAD_CMD BOOT_CMD DEVICE_TREE XEN XEN_CMD XEN_COLORS
    XEN_STATIC_HEAP DOM0_COLORS DOM0_KERNEL DOM0_MEM DOM0_VCPUS DOM0_CMD DOM0_RAMDISK NUM_DOMUS
    DOMU_KERNEL DOMU_CMD DOMU_RAMDISK DOMU_PASSTHROUGH_DTB DOMU_PASSTHROUGH_PATHS DOMU_MEM
    DOMU_VCPUS DOMU_STATIC_MEM DOMU_DIRECT_MAP DOMU_ENHANCED DOMU_VUART_PL011 DOMU_VPL011
    DOMU_COLORS DOMU_VIOMMU DOMU_NOBOOT DOMU_CPUPOOL NUM_CPUPOOLS CPUPOOL NUM_DT_OVERLAY DT_OVERLAY
    APPEND_EXTRA_CMDS UBOOT_SOURCE UBOOT_SCRIPT DOMU_SHARED_MEM DOMU_NR_SPIS DOMU_CAPS
    DOMU_VCPU_HARD_AFFINITY""".split()) | {name for name, _ in DOMU_NUMBERS}
# Only imagebuilder's other program, which writes disk images, reads these.
OTHERS = {"DOMU_DRIVER_DOMAIN", "NUM_BOOT_AUX_FILE", "BOOT_AUX_FILE", "GPT"}
UNSUPPORTED = set("""LINUX LINUX_CMD LINUX_RAMDISK LINUX_ROOTFS FDTEDIT FIT FIT_ENC_KEY_DIR
    FIT_ENC_UB_DTB BITSTREAM DOM0_ROOTFS DOMU_ROOTFS DOM0_VIOMMU PASSTHROUGH_DTS_REPO LOPPER_PATH
    LOPPER_CMD XEN_POLICY XEN_LOAD DOM0_LOAD DOMU_LOAD DOMU_STATIC_EVTCHNS""".split())

@dataclass
class Script:
    """What was made of a configuration."""
    lines: List[str] = field(default_factory=list)
    files: List[Tuple[int, str]] = field(default_factory=list)   # load address, name; in order
    script_addr: int = 0
    hv_addr: int = 0
    dtb_addr: int = 0
    warnings: List[str] = field(default_factory=list)

    def text(self):
        """The source."""
        return "".join(line + "\n" for line in self.lines)


def split_cells(*values):
    """Each value as two cells in hexadecimal."""
    return " ".join("0x%x 0x%x" % (value >> 32, value & 0xFFFFFFFF) for value in values)


def image_memory_size(path):
    """Bytes that a file needs in memory: for a raw arm64 Image its header says it."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        head = file.read(64)
    if len(head) == 64 and head[56:60] == IMAGE_MAGIC:
        size = max(size, struct.unpack_from("<Q", head, 16)[0])
    return size


class Edits:
    """The `fdt` lines, and the bytes that they add to the tree at most."""

    def __init__(self):
        self.lines = []
        self.bytes = 0

    def node(self, parent, name):
        """Make a node and return its path."""
        self.lines.append("fdt mknod %s %s" % (parent, name))
        self.bytes += 12 + len(name)
        return parent + "/" + name

    def _set(self, path, name, text, size):
        if size > VALUE_MAX:
            raise ConfigError("%s: %s: %d bytes are more than U-Boot can set" % (path, name, size))
        self.lines.append("fdt set %s %s%s" % (path, name.replace("#", "\\#"), text))
        self.bytes += 16 + len(name) + size

    def flag(self, path, name, tail=""):
        """Set an empty property."""
        self._set(path, name, tail, 0)

    def cells(self, path, name, text):
        """Set cells, given as U-Boot wants them between the brackets."""
        self._set(path, name, " <%s>" % text, 4 * len(text.split()))

    def string(self, path, name, *texts, gap=" "):
        """Set a string or a list of them."""
        for text in texts:
            if '"' in text or "\n" in text:
                raise ConfigError("%s: %s = %r: expected no double quote and no line end" % (
                    path, name, text))
        self._set(path, name, gap + " ".join('"%s"' % text for text in texts),
                  sum(len(text) + 1 for text in texts))


class Builder:
    """Turns one configuration into a Script; build() runs it."""

    def __init__(self, config, directory, load_cmd, prefix, form):
        self.config = config
        self.directory = directory
        load = load_cmd or config.need("LOAD_CMD")
        self.load_cmd = LOAD_ALIASES.get(load, load)
        self.prefix = prefix.rstrip("/") + "/" if prefix else ""
        self.new = form == "new"
        self.script = Script()
        self.loads = []
        self.edits = Edits()
        self.has_dom0 = config.get("DOM0_KERNEL") is not None
        self.domus = [n for n in range(config.number("NUM_DOMUS", default=0))]
        start = config.to_number(config.need("MEMORY_START"), "MEMORY_START")
        self.script.script_addr = max(start + SLOT, SCRIPT_MIN)
        self.next = self.script.script_addr + SLOT

    # --- files -----------------------------------------------------------------------------------

    def path_of(self, variable, index=0):
        """The host's path of the file that a variable names."""
        path = os.path.join(self.directory, self.config.need(variable, index))
        if not os.path.isfile(path):
            raise self.config.error(variable, index, "a file in %s" % self.directory)
        return path

    def load(self, variable, index=0, suffix=""):
        """Give the variable's file its place; return (address, bytes that belong to it)."""
        path = self.path_of(variable, index)
        size = image_memory_size(path) if self.new else os.path.getsize(path)
        addr = self.next
        name = self.config.get(variable, index) + suffix
        self.loads.append("%s 0x%X %s%s" % (self.load_cmd, addr, self.prefix, name))
        self.script.files.append((addr, name))
        self.next = (addr + size + SLOT - 1) // SLOT * SLOT
        return addr, size

    def module(self, parent, name, kinds, place):
        """A module's node; NAME None: named by its address, as domUs have it."""
        addr, size = place
        if name is None:
            name = "module@%X" % addr if self.new else "module0x%X" % addr
        elif self.new:
            name = "%s@%X" % (name, addr)
        path = self.edits.node(parent, name)
        self.edits.string(path, "compatible", *kinds, gap="  ")
        self.edits.cells(path, "reg", "0x%X 0x%X 0x%X 0x%X " % (
            addr >> 32, addr & 0xFFFFFFFF, size >> 32, size & 0xFFFFFFFF))
        return path

    # --- the parts of the tree -------------------------------------------------------------------

    def hv_cmd(self):
        """The hypervisor's command line."""
        config, cmd = self.config, self.config.get("XEN_CMD")
        if cmd is None:
            cmd = "console=dtuart dtuart=serial0 dom0_mem=%dM dom0_max_vcpus=%d bootscrub=0 " \
                  "vwfi=native sched=null " % (
                      config.number("DOM0_MEM", default=1024 if self.new else 1500),
                      config.number("DOM0_VCPUS", default=1))
            for name, word in (("XEN_COLORS", "xen_colors"), ("DOM0_COLORS", "dom0_colors")):
                if config.get(name):
                    cmd += "%s=%s " % (word, config.get(name))
        else:
            for name in ("DOM0_MEM", "DOM0_VCPUS"):
                if config.get(name):
                    raise config.error(name, 0, "nothing, as XEN_CMD is given")
        return cmd if self.has_dom0 else re.sub(r"(^| )dom0\S*", r"\1", cmd)

    def chosen(self):
        """/chosen itself and the hardware domain."""
        edits, config = self.edits, self.config
        edits.cells("/chosen", "#address-cells", "0x2")
        edits.cells("/chosen", "#size-cells", "0x2")
        edits.string("/chosen", "xen,xen-bootargs", self.hv_cmd())
        if config.get("XEN_STATIC_HEAP"):
            edits.cells("/chosen", "xen,static-heap", split_cells(*self.ranges("XEN_STATIC_HEAP")))
        if not self.has_dom0:
            for name in ("DOM0_CMD", "DOM0_RAMDISK", "DOM0_MEM", "DOM0_VCPUS", "DOM0_COLORS"):
                if config.get(name):
                    raise config.error(name, 0, "nothing, as there is no DOM0_KERNEL")
            return
        self.module("/chosen", "dom0", ("xen,linux-zimage",) + DOM0_MODULE,
                    self.load("DOM0_KERNEL"))
        cmd = config.get("DOM0_CMD", default=DOM0_CMD)
        edits.string("/chosen", "xen,dom0-bootargs",
                     cmd if "root=" in cmd else cmd + " root=/dev/ram0")
        if config.get("DOM0_RAMDISK"):
            self.module("/chosen", "dom0-ramdisk", ("xen,linux-initrd",) + DOM0_MODULE,
                        self.load("DOM0_RAMDISK"))

    def ranges(self, name, index=0):
        """A variable of "base size base size ..." as a list of numbers."""
        words = self.config.need(name, index).split()
        if len(words) % 2:
            raise self.config.error(name, index, "pairs of base and size")
        return [self.config.to_number(word, name, index) for word in words]

    def domu(self, n):
        """One domain, if it is to be started at boot."""
        config, edits = self.config, self.edits
        for path in config.get("DOMU_PASSTHROUGH_PATHS", n, "").split():
            edits.flag(path, "xen,passthrough", tail=" ")
        if config.get("DOMU_NOBOOT", n):
            return
        path = edits.node("/chosen", "domU%d" % n)
        edits.string(path, "compatible", "xen,domain")
        edits.cells(path, "#address-cells", "0x2")
        edits.cells(path, "#size-cells", "0x2")
        self.domu_memory(path, n)
        self.domu_console(path, n)
        self.domu_features(path, n)
        kernel = self.module(path, None, ("multiboot,kernel",) + LINUX_MODULE,
                             self.load("DOMU_KERNEL", n))
        vpl011 = config.get("DOMU_VPL011", n) != "0"
        cmd = config.get("DOMU_CMD", n, "console=ttyAMA0" if vpl011 else "")
        edits.string(kernel, "bootargs", cmd)
        for name, kind in (("DOMU_RAMDISK", "ramdisk"), ("DOMU_PASSTHROUGH_DTB", "device-tree")):
            if config.get(name, n):
                self.module(path, None, ("multiboot," + kind,) + LINUX_MODULE, self.load(name, n))
        if config.get("DOMU_SHARED_MEM", n):
            self.shared_mem(path, n)

    def domu_memory(self, path, n):
        """memory, cpus, xen,static-mem, direct-map."""
        config, edits = self.config, self.edits
        kib = config.number("DOMU_MEM", n, 512) * 1024
        static = self.ranges("DOMU_STATIC_MEM", n) if config.get("DOMU_STATIC_MEM", n) else []
        if static:
            total = sum(static[1::2])
            if config.get("DOMU_MEM", n) and kib * 1024 != total:
                self.script.warnings.append("%s: DOMU_MEM[%d] = %d MiB: static memory of %d KiB "
                                            "is used" % (config.path, n, kib >> 10, total >> 10))
            kib = total // 1024
        edits.cells(path, "memory", split_cells(kib) + " " if self.new else "0 %d" % kib)
        edits.cells(path, "cpus", "%d" % config.number("DOMU_VCPUS", n, 1))
        if static:
            edits.cells(path, "xen,static-mem", split_cells(*static))
        direct = config.get("DOMU_DIRECT_MAP", n, "1" if static else "0")
        if direct != "0" and (static or self.new):
            edits.flag(path, "direct-map")

    def domu_console(self, path, n):
        """vpl011, nr_spis."""
        config, edits = self.config, self.edits
        if config.get("DOMU_VPL011", n) != "0":
            if config.get("DOMU_VUART_PL011") == "1":
                edits.string(path, "vpl011", "pl011")
            elif self.new:
                edits.cells(path, "vpl011", "0x1")
            else:
                edits.flag(path, "vpl011")
        if config.get("DOMU_NR_SPIS", n):
            edits.cells(path, "nr_spis", "%d" % config.number("DOMU_NR_SPIS", n))

    def domu_features(self, path, n):
        """What is neither memory nor console nor module."""
        config, edits = self.config, self.edits
        enhanced = config.get("DOMU_ENHANCED", n, "1" if self.has_dom0 else "0")
        if enhanced in ENHANCED:
            edits.string(path, "xen,enhanced", ENHANCED[enhanced])
        if config.get("DOMU_VIOMMU", n, "0") != "0":
            edits.flag(path, "viommu")
        if config.get("DOMU_COLORS", n):
            edits.cells(path, "colors", self.color_mask(n))
        for name, prop in DOMU_NUMBERS:
            if config.get(name, n):
                edits.cells(path, prop, "%d" % config.number(name, n))
        if config.get("DOMU_CAPS", n):
            words = config.get("DOMU_CAPS", n).split("|")
            bits = [CAPS[word] if word in CAPS else config.to_number(word, "DOMU_CAPS", n)
                    for word in words]
            edits.cells(path, "capabilities", "%d" % functools.reduce(operator.or_, bits))
        for vcpu in range(config.number("DOMU_VCPUS", n, 1)):
            affinity = config.get("DOMU_VCPU_HARD_AFFINITY", "%d,%d" % (n, vcpu))
            if affinity:
                node = edits.node(path, "vcpu%d" % vcpu)
                edits.string(node, "compatible", "xen,vcpu")
                edits.cells(node, "id", "%d" % vcpu)
                edits.string(node, "hard-affinity", affinity)

    def color_mask(self, n):
        """DOMU_COLORS "a-b" as a mask of those bits."""
        found = re.fullmatch(r"(\d+)-(\d+)", self.config.get("DOMU_COLORS", n))
        first, last = map(int, found.groups()) if found else (1, 0)
        if not first <= last < 32:
            raise self.config.error("DOMU_COLORS", n, "FIRST-LAST, both below 32")
        return "0x%x" % ((1 << last + 1) - (1 << first))

    def shared_mem(self, path, n):
        """DOMU_SHARED_MEM "id [host address] guest address size"."""
        ident, *words = self.config.get("DOMU_SHARED_MEM", n).split()
        if len(words) not in (2, 3):
            raise self.config.error("DOMU_SHARED_MEM", n, "id, [host address,] address, size")
        values = [self.config.to_number(word, "DOMU_SHARED_MEM", n) for word in words]
        name = "shared-mem@" + words[0] if len(words) == 3 else "shared-mem-" + ident
        node = self.edits.node(path, name)
        self.edits.string(node, "compatible", "xen,domain-shared-memory-v1")
        self.edits.string(node, "xen,shm-id", ident)
        self.edits.cells(node, "xen,shared-mem", split_cells(*values) + " ")

    # --- CPU pools -------------------------------------------------------------------------------

    def cpupools(self):
        """The pools, and the domains in them."""
        config, edits = self.config, self.edits
        count = config.number("NUM_CPUPOOLS", default=0)
        tree = self.tree() if count else None
        for pool in range(count):
            cpus, *sched = config.need("CPUPOOL", pool).split()
            phandles = [self.cpu_phandle(tree, cpu, pool) for cpu in cpus.split(",")]
            node = edits.node("/chosen", "cpupool_%d" % pool)
            edits.cells(node, "phandle", "0x%x" % (POOL_PHANDLE - pool))
            edits.string(node, "compatible", "xen,cpupool")
            edits.cells(node, "cpupool-cpus", " " + " ".join(phandles))
            if sched:
                edits.string(node, "cpupool-sched", sched[0])
        for n in self.domus:
            pool = config.number("DOMU_CPUPOOL", n)
            if pool is None:
                continue
            if pool >= count:
                raise config.error("DOMU_CPUPOOL", n, "a pool below NUM_CPUPOOLS")
            edits.cells("/chosen/domU%d" % n, "domain-cpupool", "0x%x" % (POOL_PHANDLE - pool))

    def cpu_phandle(self, tree, cpu, pool):
        """Name a CPU's phandle in the script and return its spelling there.

        The old form writes a hexadecimal number without 0x, which U-Boot takes for decimal: CPU and
        pool still agree, /cpus/cpu-map does not. With a letter in it, U-Boot would refuse it.
        """
        node = tree.get("/cpus/" + cpu)
        if node is None:
            raise self.config.error("CPUPOOL", pool, "names of CPU nodes in the tree")
        text = "%x" % tree.phandle(node)
        if self.new:
            text = "0x" + text
        elif not text.isdigit():
            raise self.config.error("CPUPOOL", pool, "a CPU whose phandle 0x%s has no letter "
                                                     "(--form new has no such limit)" % text)
        self.edits.cells("/cpus/" + cpu, "phandle", text)
        return text

    def tree(self):
        """DEVICE_TREE, parsed."""
        with open(self.path_of("DEVICE_TREE"), "rb") as file:
            try:
                return fdt.Tree(file.read())
            except (ValueError, IndexError, KeyError, AttributeError, struct.error) as error:
                raise self.config.error("DEVICE_TREE", 0, "a device tree (%s)" % error) from error

    # --- the whole -------------------------------------------------------------------------------

    def check_names(self):
        """Every variable must be one whose effect is known."""
        for name in self.config.names():
            if name in UNSUPPORTED:
                raise ConfigError("%s: %s is not supported" % (self.config.path, name))
            if name not in KNOWN | OTHERS:
                self.script.warnings.append("%s: %s is unknown and has no effect" % (
                    self.config.path, name))

    def room(self, extra):
        """Bytes that `fdt resize` asks for."""
        need = self.edits.bytes + sum(2 * len(line) + 32 for line in extra)
        if self.new:
            return (need + 1023) // 1024 * 1024
        try:
            size = len(self.tree().pack())
        except ConfigError:
            return RESIZE_OLD
        if size + need > (size + RESIZE_OLD + TREE_PAGE - 1) // TREE_PAGE * TREE_PAGE:
            self.script.warnings.append("%s: U-Boot may find no room for %d bytes in the tree and "
                                        "leave domains out; --form new asks for it" % (
                                            self.config.path, need))
        return RESIZE_OLD

    def boot_line(self, hv, dtb):
        """The lines that start the hypervisor, or leave its addresses to the user."""
        command = self.config.get("BOOT_CMD", default="booti")
        if command not in BOOT_CMDS:
            raise self.config.error("BOOT_CMD", 0, "one of " + ", ".join(BOOT_CMDS))
        if command == "none":
            return ["setenv host_kernel_addr 0x%X" % hv, "setenv host_fdt_addr 0x%X" % dtb]
        dash = "" if self.new and command == "bootefi" else "- "
        return ["%s 0x%X %s0x%X" % (command, hv, dash, dtb)]

    def run(self):
        """Everything, in the order of the script."""
        config, script = self.config, self.script
        self.check_names()
        self.chosen()
        for n in self.domus:
            self.domu(n)
        self.cpupools()
        suffix = ".ub" if config.get("BOOT_CMD") == "bootm" else ""
        script.hv_addr = self.load("XEN", suffix=suffix)[0]
        overlays = [self.load("DT_OVERLAY", n)[0]
                    for n in range(config.number("NUM_DT_OVERLAY", default=0))]
        script.dtb_addr = self.load("DEVICE_TREE")[0]
        if self.next > config.to_number(config.need("MEMORY_END"), "MEMORY_END"):
            raise config.error("MEMORY_END", 0, "at least 0x%x" % self.next)
        extra = []
        if config.get("APPEND_EXTRA_CMDS"):
            with open(self.path_of("APPEND_EXTRA_CMDS"), encoding="utf-8") as file:
                extra = file.read().splitlines()
        script.lines = self.loads + [
            "fdt addr 0x%X" % script.dtb_addr, "fdt resize %d" % self.room(extra)]
        script.lines += ["fdt apply 0x%X" % addr for addr in overlays] + self.edits.lines
        script.lines += ["setenv fdt_high 0xffffffffffffffff"] + extra
        script.lines += self.boot_line(script.hv_addr, script.dtb_addr)
        return script


def build(config, directory, load_cmd=None, prefix="", form="2023.2"):
    """Make the Script of a configuration whose files lie in DIRECTORY."""
    return Builder(config, directory, load_cmd, prefix, form).run()


def mkimage(source, target, *args):
    """Wrap SOURCE as one of U-Boot's legacy images."""
    subprocess.run(["mkimage", "-A", "arm64", "-C", "none", *args, "-d", source, target],
                   check=True, stdout=subprocess.DEVNULL)


def write(config, script, directory, output):
    """Write OUTPUT.source and OUTPUT.scr, and the wrapped hypervisor that bootm wants."""
    source = os.path.join(directory, output + ".source")
    with open(source, "w", encoding="utf-8") as file:
        file.write(script.text())
    where = "0x%X" % script.script_addr
    mkimage(source, os.path.join(directory, output + ".scr"), "-T", "script", "-a", where, "-e",
            where)
    if config.get("BOOT_CMD") == "bootm":
        path = os.path.join(directory, config.need("XEN"))
        where = "0x%X" % script.hv_addr
        mkimage(path, path + ".ub", "-T", "kernel", "-a", where, "-e", where)


def main():
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-c", dest="config", required=True, metavar="CONFIG")
    parser.add_argument("-d", dest="directory", default=".", metavar="DIR",
                        help="where the files are, and the results go [%(default)s]")
    parser.add_argument("-t", dest="load", metavar="COMMAND",
                        help="U-Boot's load command, or %s" % ", ".join(LOAD_ALIASES))
    parser.add_argument("-p", dest="prefix", default="", metavar="PATH",
                        help="directory of the files as U-Boot sees them")
    parser.add_argument("-o", dest="output", default="boot", metavar="NAME", help="[%(default)s]")
    parser.add_argument("--form", choices=FORMS, default=FORMS[0], help="[%(default)s]")
    opts = parser.parse_args()
    try:
        with open(opts.config, encoding="utf-8") as file:
            config = parse_config(file.read(), opts.config)
        script = build(config, opts.directory, opts.load, opts.prefix, opts.form)
        write(config, script, opts.directory, opts.output)
    except (ConfigError, OSError, subprocess.CalledProcessError) as error:
        sys.exit("mkbootscr: %s" % error)
    for line in script.warnings:
        print("mkbootscr: " + line, file=sys.stderr)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""One deterministic run of QEMU for tools/bench.py: Corbel, Debian's Xen, or none.

All boot the same tree, payload and kernels under `-icount shift=0,sleep=off` with a fixed device
tree: an instruction is a nanosecond of virtual time. A TCG plugin (tools/plugin) counts the
instructions of hypervisor and guest of a machine with one CPU.
"""
import gzip
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "tools"), os.path.join(ROOT, "tests", "qemu")]
import fdt  # noqa: E402
import mkdtb  # noqa: E402
from qmp import Qmp  # noqa: E402

BUILD = os.path.join(ROOT, "build")
WORK = os.path.join(BUILD, "bench")
RELEASE = os.path.join(BUILD, "release")
PLUGIN = os.path.join(BUILD, "plugin", "elcount.so")
PAYLOADS = os.path.join(BUILD, "guest-payloads")
PAYLOAD = os.path.join(PAYLOADS, "payload.img")
ICOUNT = ["-icount", "shift=0,sleep=off", "-rtc", "clock=vm"]
SEED = bytes(range(1, 33))
KERNEL = "6.12"
PATIENCE = 4 * float(os.environ.get("CORBEL_TIMEOUT_SCALE", "1"))    # a host may be slow
BARE_DROPS = ("pcie", "virtio_mmio", "pl061", "pl031", "fw-cfg", "flash", "gpio-keys", "gpio",
              "platform-bus", "pmu", "its", "v2m", "smmuv3", "apb-pclk-unused")
COUNTERS = ("guest", "el2", "exits", "ldst", "sysreg", "barrier")   # as tools/plugin writes them


@dataclass
class Hypervisor:
    """What is measured, and where its instructions lie."""
    name: str
    image: str
    el2: str


# CORBEL_HV: another image (its ELF beside it) than the release build's.
HYPERVISORS = {
    "corbel": Hypervisor("corbel",
                         os.path.abspath(os.environ.get("CORBEL_HV",
                                                        os.path.join(RELEASE, "corbel"))),
                         "800000000000:800000200000"),
    "xen": Hypervisor("xen", os.path.join(BUILD, "guest", "xen"), "a0000000000:a0000a00000"),
    "bare": Hypervisor("bare", "", "0:0"),
}


def newc_entry(name, data, mode):
    """One member of a cpio archive in newc format."""
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    head = "070701" + "".join("%08x" % field for field in fields) + name + "\0"
    raw = head.encode()
    return raw + bytes(-len(raw) % 4) + data + bytes(-len(data) % 4)


def bench_initrd(name, script):
    """The test initrd plus /tests/workload (tests/guest/user) and SCRIPT as /tests/NAME."""
    path = os.path.join(WORK, "initrd-%s.gz" % name)
    with open(os.path.join(PAYLOADS, "workload"), "rb") as file:
        workload = file.read()
    extra = (newc_entry("tests", b"", 0o40755) +
             newc_entry("tests/workload", workload, 0o100755) +
             newc_entry("tests/" + name, script.encode(), 0o100755) +
             newc_entry("TRAILER!!!", b"", 0))
    with open(os.path.join(BUILD, "guest", "initrd-%s.gz" % KERNEL), "rb") as file:
        base = file.read()
    with open(path, "wb") as file:
        file.write(base + bytes(-len(base) % 4) + gzip.compress(extra, mtime=0))
    return path


class Run:
    """One QEMU; waits for a line of the plugin or of the console.

    plugin: count instructions, on one CPU. icount: without, time is the host's. talk: a line to
    the console, see send().
    """

    def __init__(self, name, hv, config, plugin=True, icount=True, talk=False):
        self.base = os.path.join(WORK, "%s-%s" % (name, hv.name))
        self.console = self.base + ".log"
        self.counts = self.base + ".counts"
        config.hv = hv.image
        config.machine.randomness = False
        config.chosen_props["rng-seed"] = fdt.u32(*SEED)
        if plugin:
            config.machine.smp = 1
        built = mkdtb.build(config, WORK, os.path.basename(self.base))
        serial = ("-serial", "file:" + self.console)
        if talk:
            serial = ("-chardev", "socket,id=talk,path=%s.tty,server=on,wait=off,logfile=%s" % (
                self.base, self.console), "-serial", "chardev:talk")
        self.command = self._bare(config, serial) if hv.name == "bare" else built.command(serial)
        self.command += ICOUNT if icount else []
        if plugin:
            self.command += ["-plugin", "%s,out=%s,el2=%s" % (PLUGIN, self.counts, hv.el2)]

    def _bare(self, config, serial):
        """The domain's kernel without a hypervisor, on a tree cut down to what a domU has."""
        config.machine.virtualization = False
        config.machine.ram = str(config.domains[0].memory_kib // 1024)
        tree = mkdtb.dump_tree(config.machine)
        for node in list(tree.root.children):
            if node.name.split("@")[0] in BARE_DROPS:
                tree.root.remove(node)
        tree.get("/chosen").props["rng-seed"] = fdt.u32(*SEED)
        with open(self.base + ".dtb", "wb") as file:
            file.write(tree.pack())
        kernel, *ramdisk = config.domains[0].modules
        args = kernel.bootargs.replace(",0x22000000", ",0x9000000")
        initrd = ["-initrd", ramdisk[0].path] if ramdisk else []
        return ([mkdtb.QEMU] + config.machine.args() + [
            "-display", "none", *serial, "-monitor", "none", "-net", "none",
            "-kernel", kernel.path, *initrd, "-append", args, "-dtb", self.base + ".dtb"])

    def until(self, where, text, limit, send=(), then=None):
        """Run until TEXT is in the console or the counts; end QEMU cleanly; return the counts.

        send, then: type that, and wait for that text in the console, too.
        """
        for path in (self.console, self.counts):
            if os.path.exists(path):
                os.remove(path)
        sock = self.base + ".qmp"
        deadline = time.monotonic() + limit * PATIENCE
        command = self.command + ["-qmp", "unix:%s,server=on,wait=off" % sock]
        with open(self.base + ".err", "wb") as err, \
                subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=err) as qemu:
            try:
                self._wait(qemu, getattr(self, where), text, deadline)
                if then:
                    self._type(send)
                    self._wait(qemu, self.console, then, deadline)
                try:
                    if qemu.poll() is None:
                        Qmp(sock, 5 * PATIENCE).command("quit")
                except OSError:
                    pass    # the guest has powered the machine off in the meantime
                qemu.wait(20 * PATIENCE)
            finally:
                if qemu.poll() is None:
                    qemu.kill()
        return self._read_counts() if os.path.exists(self.counts) else {}

    def _type(self, keys):
        """Type on the console, slowly enough for any UART."""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(self.base + ".tty")
            for key in keys:
                line.sendall(key.encode())
                time.sleep(0.05)

    def _wait(self, qemu, path, text, deadline):
        while True:
            ended = qemu.poll() is not None
            if os.path.exists(path):
                with open(path, "r", encoding="latin1") as file:
                    if text in file.read():
                        return
            if ended or time.monotonic() > deadline:
                raise RuntimeError("%s: no %r in %s" % (os.path.basename(self.base), text, path))
            time.sleep(0.05)

    def _read_counts(self):
        """{"first-guest": n, "starts": [counts], "regions": .., "marks": ..}, each a dictionary."""
        result = {"first-guest": 0, "starts": [], "regions": [], "marks": []}
        with open(self.counts, encoding="ascii") as file:
            for line in file:
                key, *numbers = line.split()
                numbers = [int(number) for number in numbers]
                if key in ("region", "start"):
                    result[key + "s"].append(dict(zip(COUNTERS, numbers[1:])))
                elif key == "mark":
                    result["marks"].append(dict(zip(COUNTERS, numbers)))
                elif key == "first-guest":
                    result[key] = numbers[0]
        return result

    def lines(self, word):
        """The words of each console line from WORD on."""
        found = []
        with open(self.console, encoding="latin1") as file:
            for line in file:
                if word in line:
                    found.append(line[line.index(word):].split())
        return found


def minus(after, before):
    """Counts between two marks."""
    return {name: after[name] - before[name] for name in after}


def check_inputs(*hypervisors):
    """Build what is small, name what is not there."""
    for folder in ("tools/plugin", "tests/guest"):
        subprocess.run(["make", "-s", "-C", os.path.join(ROOT, folder)], check=True,
                       stdout=subprocess.DEVNULL)
    for name in hypervisors:
        if not os.path.exists(HYPERVISORS[name].image):
            sys.exit("%s is not there: run 'make bench' or 'tools/fetch guests' first" %
                     HYPERVISORS[name].image)
    os.makedirs(WORK, exist_ok=True)


def build_release():
    """Make build/release/corbel, unless CORBEL_HV names another image."""
    if "CORBEL_HV" not in os.environ:
        subprocess.run(["make", "-s", "-j2", "-C", ROOT, "release-image"], check=True,
                       stdout=subprocess.DEVNULL)

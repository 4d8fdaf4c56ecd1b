#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure Corbel beside Debian's Xen, deterministically, in one run.

Both boot the same tree, payload and kernels under `-icount shift=0,sleep=off -smp 1` with a fixed
device tree; a TCG plugin (tools/plugin) counts the instructions of hypervisor and guest. Counts
repeat from run to run; wall time plays no part. Writes build/bench.json and prints a table of EL2
instructions per operation, the ratio to Xen, and the target.

    tools/bench.py            everything, and what an SMMU costs (tools/bench_smmu.py)
    tools/bench.py --quick    the micro benchmarks and sizes only
"""
import argparse
import gzip
import json
import os
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
PLUGIN = os.path.join(BUILD, "plugin", "elcount.so")
PAYLOAD = os.path.join(BUILD, "guest-payloads", "payload.img")
ICOUNT = ["-icount", "shift=0,sleep=off", "-rtc", "clock=vm"]
SEED = bytes(range(1, 33))
KERNEL = "6.12"
# Boot with the console silent but for errors, wait for the kernel's own idle work, then hint #0x71.
SETTLE = "#!/bin/sh\nsleep 3\n/tests/mark\npoweroff -f\n"
MARK_SOURCE = """
    .globl _start
_start:
    hint #0x71
    mov x8, #93
    mov x0, #0
    svc #0
"""
BARE_DROPS = ("pcie", "virtio_mmio", "pl061", "pl031", "fw-cfg", "flash", "gpio-keys", "gpio",
              "platform-bus", "pmu", "its", "v2m", "smmuv3", "apb-pclk-unused")


@dataclass
class Hypervisor:
    """What is measured, and where its instructions lie."""
    name: str
    image: str
    el2: str


HYPERVISORS = {
    "corbel": Hypervisor("corbel", os.environ.get("CORBEL_HV", os.path.join(BUILD, "corbel")),
                         "800000000000:800000200000"),
    "xen": Hypervisor("xen", os.path.join(BUILD, "guest", "xen"), "a0000000000:a0000a00000"),
    "bare": Hypervisor("bare", "", "0:0"),
}

# Payload region -> (row of the targets' list, what it is, target ratio to Xen).
MICRO = {
    "hvc_psci_version": (1, "null hypercall (PSCI_VERSION)", 0.22),
    "hvc_smccc_version": (None, "SMCCC_VERSION", None),
    "gicd_iidr_read": (2, "vGIC read (GICD_IIDR)", 0.29),
    "gicd_isenabler_write": (None, "vGIC write (GICD_ISENABLER)", None),
    "uart_fr_read": (None, "vPL011 read (FR)", None),
    "id_register_read": (None, "ID register read", None),
    "timer_tick_spin": (3, "timer tick while spinning", 0.2),
    "timer_tick_wfi": (6, "timer tick waking WFI", 0.13),
    "ipi_self": (None, "IPI to oneself", None),
    "console_char": (11, "console character", 0.15),
    "ipi_other": (None, "IPI to a vCPU that must be switched in", None),
}


def newc_entry(name, data, mode):
    """One member of a cpio archive in newc format."""
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    head = "070701" + "".join("%08x" % field for field in fields) + name + "\0"
    raw = head.encode()
    return raw + bytes(-len(raw) % 4) + data + bytes(-len(data) % 4)


def bench_initrd(scripts=None):
    """The test initrd plus /tests/mark and scripts in /tests: settle, unless others are given."""
    scripts = scripts or {"settle": SETTLE}
    path = os.path.join(WORK, "initrd.gz")
    elf = os.path.join(WORK, "mark")
    cross = os.environ.get("CROSS_COMPILE", "aarch64-linux-gnu-")
    subprocess.run([cross + "gcc", "-nostdlib", "-static", "-o", elf, "-x", "assembler", "-"],
                   input=MARK_SOURCE, text=True, check=True)
    with open(elf, "rb") as file:
        mark = file.read()
    extra = newc_entry("tests", b"", 0o40755) + newc_entry("tests/mark", mark, 0o100755)
    for name, text in scripts.items():
        extra += newc_entry("tests/" + name, text.encode(), 0o100755)
    extra += newc_entry("TRAILER!!!", b"", 0)
    with open(os.path.join(BUILD, "guest", "initrd-%s.gz" % KERNEL), "rb") as file:
        base = file.read()
    with open(path, "wb") as file:
        file.write(base + bytes(-len(base) % 4) + gzip.compress(extra, mtime=0))
    return path


class Run:
    """One QEMU under the plugin; waits for a line of the plugin or of the console."""

    def __init__(self, name, hv, config):
        self.base = os.path.join(WORK, "%s-%s" % (name, hv.name))
        self.console = self.base + ".log"
        self.counts = self.base + ".counts"
        config.hv = hv.image
        config.machine.smp = 1
        config.machine.randomness = False
        config.chosen_props["rng-seed"] = fdt.u32(*SEED)
        built = mkdtb.build(config, WORK, os.path.basename(self.base))
        serial = ("-serial", "file:" + self.console)
        command = self._bare(config, serial) if hv.name == "bare" else built.command(serial)
        plugin = "%s,out=%s,el2=%s" % (PLUGIN, self.counts, hv.el2)
        self.command = command + ICOUNT + ["-plugin", plugin]

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
        kernel, ramdisk = config.domains[0].modules
        args = kernel.bootargs.replace(",0x22000000", ",0x9000000")
        return ([mkdtb.QEMU] + config.machine.args() + [
            "-display", "none", *serial, "-monitor", "none", "-net", "none",
            "-kernel", kernel.path, "-initrd", ramdisk.path, "-append", args,
            "-dtb", self.base + ".dtb"])

    def until(self, where, text, limit):
        """Run until TEXT is in the console or the counts; end QEMU cleanly; return the counts."""
        for path in (self.console, self.counts):
            if os.path.exists(path):
                os.remove(path)
        sock = self.base + ".qmp"
        deadline = time.monotonic() + limit
        with subprocess.Popen(self.command + ["-qmp", "unix:%s,server=on,wait=off" % sock],
                              stdin=subprocess.DEVNULL) as qemu:
            try:
                self._wait(qemu, getattr(self, where), text, deadline)
                try:
                    Qmp(sock).command("quit")
                except OSError:
                    pass    # the guest has powered the machine off in the meantime
                qemu.wait(20)
            finally:
                if qemu.poll() is None:
                    qemu.kill()
        return self._read_counts()

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
        result = {"regions": []}
        with open(self.counts, encoding="ascii") as file:
            for line in file:
                key, *numbers = line.split()
                numbers = [int(number) for number in numbers]
                if key == "region":
                    result["regions"].append(numbers[1:])
                else:
                    result[key] = numbers
        return result

    def region_names(self):
        """(name, operations) of the payload's regions, from its console."""
        names = []
        with open(self.console, encoding="latin1") as file:
            for line in file:
                if "BENCH " in line and " count " in line:
                    words = line[line.index("BENCH "):].split()
                    names.append((words[2], int(words[4])))
        return names


def micro(hv, vwfi=None):
    """EL2 instructions and exits per operation of the payload's regions."""
    domain = mkdtb.payload_domain("domU1", PAYLOAD, "test=bench", cpus=2)
    config = mkdtb.Config(mkdtb.Machine(ram="1G"), domains=[domain])
    config.hv_bootargs = mkdtb.HV_BOOTARGS + " bootscrub=0" + (" vwfi=native" if vwfi else "")
    run = Run("micro" + ("-vwfi" if vwfi else ""), hv, config)
    counts = run.until("console", "PAYLOAD-END", 300)
    result = {}
    for (name, operations), (guest, el2, exits) in zip(run.region_names(), counts["regions"]):
        result[name] = {"el2": el2 / operations, "exits": exits / operations,
                        "guest": guest / operations}
    return result


def linux_config(domus, initrd, quiet=False, memory_mib=128):
    """Equal Linux domains that settle, mark and power off."""
    # Xen's domUs get no seeds, hence no KASLR: the same for all. Their CRNG stays unseeded.
    args = mkdtb.GUEST_BOOTARGS + " nokaslr corbel.test=settle" + (" quiet" if quiet else "")
    kernel = os.path.join(BUILD, "guest", "Image-" + KERNEL)
    domains = [mkdtb.linux_domain("domU%d" % (i + 1), kernel, initrd, memory_mib * 1024,
                                  bootargs=args) for i in range(domus)]
    config = mkdtb.Config(mkdtb.Machine(ram="2G"), domains=domains)
    config.hv_bootargs = mkdtb.HV_BOOTARGS + " bootscrub=0"
    return config


def linux_boot(hv, initrd, quiet=False):
    """One settled Linux boot: instructions from the first guest instruction to the mark."""
    name = "linux-quiet" if quiet else "linux"
    counts = Run(name, hv, linux_config(1, initrd, quiet)).until("counts", "mark", 600)
    guest, el2, exits = counts["mark"]
    first = counts.get("first-guest", [0])[0]
    return {"first_guest": first, "guest": guest, "el2": el2, "exits": exits,
            "total": first + guest + el2}


def first_guest(hv, initrd, domus):
    """Instructions from reset to the first of any guest."""
    counts = Run("first-%d" % domus, hv, linux_config(domus, initrd)).until(
        "counts", "first-guest", 300)
    return counts["first-guest"][0]


def image_size():
    """.text and .rodata of the hypervisor."""
    elf = os.path.join(BUILD, "corbel.elf")
    text = subprocess.run([os.environ.get("CROSS_COMPILE", "aarch64-linux-gnu-") + "size", "-A",
                           elf], capture_output=True, text=True, check=True).stdout
    sizes = {words[0]: int(words[1]) for words in map(str.split, text.splitlines())
             if len(words) == 3 and words[1].isdigit()}
    return sizes.get(".text", 0) + sizes.get(".rodata", 0)


def measure(quick):
    """All figures as one dictionary."""
    figures = {}
    for name in ("corbel", "xen"):
        hv = HYPERVISORS[name]
        figures[name] = {"micro": micro(hv), "micro_vwfi": micro(hv, True)}
    figures["corbel"]["text_rodata"] = image_size()
    figures["xen"]["text_rodata"] = 602240   # of Debian's 4.20 build, which has no symbols
    if quick:
        return figures
    initrd = bench_initrd()
    figures["bare"] = {"linux": linux_boot(HYPERVISORS["bare"], initrd),
                       "linux_quiet": linux_boot(HYPERVISORS["bare"], initrd, True)}
    for name in ("corbel", "xen"):
        hv = HYPERVISORS[name]
        figures[name]["linux"] = linux_boot(hv, initrd)
        figures[name]["linux_quiet"] = linux_boot(hv, initrd, True)
        figures[name]["first_guest_1"] = first_guest(hv, initrd, 1)
        figures[name]["first_guest_8"] = first_guest(hv, initrd, 8)
    import bench_smmu   # which imports this file
    figures["smmu"] = bench_smmu.measure()
    return figures


def row(number, what, corbel, xen, target, digits=0):
    """One line of the table."""
    ratio = corbel / xen if xen else 0.0
    verdict = "" if target is None else ("met" if ratio <= target else "MISSED")
    goal = "" if target is None else "%.2fx" % target
    return "%3s  %-38s %14s %14s %8.3fx %7s %s" % (
        number or "", what, "%.*f" % (digits, corbel), "%.*f" % (digits, xen), ratio, goal, verdict)


def report(figures):
    """The table as text."""
    corbel, xen = figures["corbel"], figures["xen"]
    lines = ["%3s  %-38s %14s %14s %9s %7s" % ("row", "EL2 instructions per operation", "Corbel",
                                               "Xen 4.20", "ratio", "target")]
    for name, (number, what, target) in MICRO.items():
        if name in corbel["micro"] and name in xen["micro"]:
            lines.append(row(number, what, corbel["micro"][name]["el2"],
                             xen["micro"][name]["el2"], target))
    name = "timer_tick_wfi"
    lines.append(row(6, "the same, vwfi=native against trapping", corbel["micro_vwfi"][name]["el2"],
                     xen["micro"][name]["el2"], 180 / 7507))
    if "bare" in figures:
        lines += report_boots(figures)
    if "smmu" in figures:
        import bench_smmu
        lines += bench_smmu.report(figures["smmu"])
    lines.append(row(14, ".text + .rodata, bytes", corbel["text_rodata"], xen["text_rodata"],
                     200 / 602))
    return "\n".join(lines)


def report_boots(figures):
    """The rows that come from Linux boots."""
    corbel, xen, bare = figures["corbel"], figures["xen"], figures["bare"]
    lines = [row(8, "reset to first guest, 1 domU", corbel["first_guest_1"],
                 xen["first_guest_1"], 0.16),
             row(8, "reset to first guest, 8 domUs", corbel["first_guest_8"],
                 xen["first_guest_8"], 0.2),
             row(10, "EL2 exits in a settled Linux boot", corbel["linux"]["exits"],
                 xen["linux"]["exits"], 0.3),
             row(None, "EL2 instructions of that boot", corbel["linux"]["el2"],
                 xen["linux"]["el2"], None)]
    for key, what, target in (("linux", "verbose", 1.012), ("linux_quiet", "quiet", 1.004)):
        base = bare[key]["total"]
        mine, other = corbel[key]["total"] / base, xen[key]["total"] / base
        verdict = "met" if mine <= target else "MISSED"
        lines.append("%3s  %-38s %14.4f %14.4f %9s %6.3fx %s" % (
            9, "settled boot against bare, " + what, mine, other, "", target, verdict))
    return lines


def check_inputs():
    """Build what is ours, name what is not there."""
    for folder in ("tools/plugin", "tests/guest"):
        subprocess.run(["make", "-s", "-C", os.path.join(ROOT, folder)], check=True,
                       stdout=subprocess.DEVNULL)
    for path in (HYPERVISORS["corbel"].image, HYPERVISORS["xen"].image):
        if not os.path.exists(path):
            sys.exit("%s is not there: run 'make' and 'tools/fetch' first" % path)
    os.makedirs(WORK, exist_ok=True)


def main():
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="no Linux boots")
    parser.add_argument("--output", default=os.path.join(BUILD, "bench.json"))
    opts = parser.parse_args()
    check_inputs()
    figures = measure(opts.quick)
    with open(opts.output, "w", encoding="ascii") as file:
        json.dump(figures, file, indent=1, sort_keys=True)
        file.write("\n")
    print(report(figures))


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What an SMMU costs: a part of tools/bench.py, and a program.

A direct-map Linux domain with the whole PCIe root complex reads its disk, once with its streams
behind the SMMU and once with iommu=off: instructions of guest and hypervisor between two marks
(idle CPUs execute none), the median of several runs. And what a domain costs to build: instructions
before the first of any guest, and the commands that the SMMU was given by then.

    tools/bench_smmu.py [--runs 5] [--mib 64]
"""
import argparse
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bench_run  # noqa: E402
import fdt  # noqa: E402
import mkdtb  # noqa: E402
import partdt  # noqa: E402

SLOT = 1
READ = """#!/bin/sh
sleep 2
dd if=/dev/vda of=/dev/null bs=64k count=16 2>/dev/null
/tests/workload mark
dd if=/dev/vda of=/dev/null bs=64k skip=16
/tests/workload mark
echo READ-DONE
"""
LIMIT = 900
TARGET = 1.01


def config(initrd, mib, off):
    """One domain with the root complex and a disk behind it."""
    kernel = os.path.join(bench_run.BUILD, "guest", "Image-" + bench_run.KERNEL)
    domain = mkdtb.linux_domain("domU1", kernel, initrd, 160 * 1024,
                                bootargs="console=ttyAMA0 nokaslr quiet corbel.test=read")
    domain.props["direct-map"] = fdt.empty()
    tree = partdt.pcie_tree(mem32=partdt.PCIE_MEM32, force=off)
    domain.modules.append(mkdtb.device_tree(tree))
    machine = mkdtb.Machine(ram="2G", options=("iommu=smmuv3",))
    out = mkdtb.Config(machine, domains=[domain])
    out.hv_bootargs = mkdtb.HV_BOOTARGS + " bootscrub=0" + (" iommu=off" if off else "")
    # A disk that answers at once, in the CPU's own thread: the host's speed must not count.
    out.qemu_args = ["-blockdev", "driver=null-co,node-name=d,size=%d,read-zeroes=on" % (mib << 20),
                     "-device", "virtio-blk-pci,drive=d,addr=%x,iommu_platform=on,"
                     "disable-legacy=on,ioeventfd=off" % SLOT]
    return out


def read_once(initrd, mib, off):
    """Guest and EL2 instructions of one read."""
    run = bench_run.Run("smmu-off" if off else "smmu", bench_run.HYPERVISORS["corbel"],
                    config(initrd, mib, off))
    counts = run.until("console", "READ-DONE", LIMIT)
    return bench_run.minus(*counts["marks"][:-3:-1])


def median(rows):
    """The row whose total is in the middle."""
    return sorted(rows, key=lambda row: row["guest"] + row["el2"])[len(rows) // 2]


def build_once(initrd, off):
    """Instructions before the first of a guest, and what its SMMU was told."""
    conf = config(initrd, 1, off)
    trace = os.path.join(bench_run.WORK, "smmu.trace")
    conf.qemu_args += ["-d", "trace:smmuv3_cmdq_opcode", "-D", trace]
    run = bench_run.Run("smmu-build", bench_run.HYPERVISORS["corbel"], conf)
    counts = run.until("counts", "first-guest", 300)
    with open(trace, encoding="latin1") as file:
        commands = re.findall(r"smmuv3_cmdq_opcode .*?(\w+)$", file.read(), re.M)
    return {"first_guest": counts["first-guest"], "commands": len(commands),
            "syncs": sum("SYNC" in name for name in commands)}


def initrd_with_read():
    """The test initrd, /tests/workload and /tests/read."""
    return bench_run.bench_initrd("read", READ)


def measure(runs=5, mib=64):
    """All figures; hypervisor, plugin and guests are there."""
    os.makedirs(bench_run.WORK, exist_ok=True)
    initrd = initrd_with_read()
    out = {"build": {"smmu": build_once(initrd, False), "off": build_once(initrd, True)}}
    for name, off in (("smmu", False), ("off", True)):
        out[name] = median([read_once(initrd, mib, off) for _ in range(runs)])
    total = {name: out[name]["guest"] + out[name]["el2"] for name in ("smmu", "off")}
    out["ratio"] = total["smmu"] / total["off"]
    return out


def report(figures):
    """Lines for people."""
    build = figures["build"]
    with_smmu, without = figures["smmu"], figures["off"]
    return [
        "build of a domain with a root complex: %d commands, %d of them CMD_SYNC; %d instructions "
        "more than with iommu=off" % (
            build["smmu"]["commands"], build["smmu"]["syncs"],
            build["smmu"]["first_guest"] - build["off"]["first_guest"]),
        "disk read behind the SMMU: %d guest, %d EL2 instructions; iommu=off: %d, %d" % (
            with_smmu["guest"], with_smmu["el2"], without["guest"], without["el2"]),
        "ratio %.4f, at most %.2f: %s" % (figures["ratio"], TARGET,
                                          "met" if figures["ratio"] <= TARGET else "MISSED")]


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--mib", type=int, default=64)
    opts = parser.parse_args()
    bench_run.check_inputs("corbel")
    figures = measure(opts.runs, opts.mib)
    print(json.dumps(figures, indent=1))
    print("\n".join(report(figures)))


if __name__ == "__main__":
    main()

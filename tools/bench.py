#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measure Corbel beside Debian's Xen, deterministically, in one run: docs/performance.md.

Writes build/bench.json, prints a table with the ratios to Xen's figures and the goals, and fails
when an acceptance goal is missed.

    tools/bench.py                everything
    tools/bench.py --quick        no Linux: the payload's figures, RAM kept, sizes
    tools/bench.py --repeat       twice what repeats to the instruction; fails where it does not
"""
import argparse
import json
import os
import signal
import sys

import bench_baseline
import bench_figures as take
import bench_run
import bench_rows
from bench_run import HYPERVISORS


def measure_small(name, bare_ipi):
    """What the payload measures of one hypervisor."""
    hv = HYPERVISORS[name]
    out = {"micro": take.micro(hv), "micro_vwfi": take.micro(hv, True), "switch": take.switch(hv),
           "ipi": take.ipi_time(hv) - bare_ipi, "ram": take.ram_kept(hv)}
    quiet = out["micro"]["quiet_ms"]["exits"]
    out["quiet_exits"] = 100 * quiet
    return out


def measure_linux(name, initrd):
    """Boots of Debian's kernel; name may be "bare"."""
    hv = HYPERVISORS[name]
    out = {"linux": take.linux(hv, initrd, "linux"),
           "linux_quiet": take.linux(hv, initrd, "linux-quiet", quiet=True),
           "linux_n1": take.linux(hv, initrd, "linux-n1", quiet=True, cpu="neoverse-n1")}
    if name != "bare":
        out["start_1"] = take.start_up(hv, initrd, 1)
        out["start_8"] = take.start_up(hv, initrd, 8)
    return out


def against_bare(figures, bare):
    """Ratios of the whole time to that of the same work on the bare machine."""
    return {"linux": figures["linux"]["total"] / bare["linux"]["total"],
            "linux_quiet": figures["linux_quiet"]["total"] / bare["linux_quiet"]["total"],
            "getppid_a57": figures["linux_quiet"]["getppid"]["total"] /
                           bare["linux_quiet"]["getppid"]["total"],
            "getppid_n1": figures["linux_n1"]["getppid"]["total"] /
                          bare["linux_n1"]["getppid"]["total"]}


def measure(quick):
    """All figures as one dictionary."""
    bare_ipi = take.ipi_time(HYPERVISORS["bare"])
    figures = {name: measure_small(name, bare_ipi) for name in ("corbel", "xen")}
    figures["corbel"]["size"] = take.corbel_sizes()
    # Of Debian's 4.20 build, which has no symbols; without its .init sections (341,884 bytes).
    figures["xen"]["size"] = {"text_rodata": 602240, "init": 341884}
    if quick:
        return figures
    initrd = bench_run.bench_initrd("work", take.SCRIPT)
    figures["bare"] = measure_linux("bare", initrd)
    for name in ("corbel", "xen"):
        figures[name].update(measure_linux(name, initrd))
        figures[name]["vs_bare"] = against_bare(figures[name], figures["bare"])
    import bench_smmu
    figures["smmu"] = bench_smmu.measure(runs=3)
    return figures


def report(figures):
    """(the whole text, acceptance goals that are missed)."""
    lines, missed = bench_rows.table(figures["corbel"], figures["xen"])
    size = figures["corbel"]["size"]
    lines.append("released after the boot: %d bytes of .init; .data and .bss: %d bytes" % (
        size["init"], size["data_bss"]))
    if "smmu" in figures:
        import bench_smmu
        lines += bench_smmu.report(figures["smmu"])
    if missed:
        lines += ["", "acceptance goals MISSED: %d" % len(missed)] + ["    " + m for m in missed]
    return "\n".join(lines), missed


def repeat():
    """Measure twice what has to repeat; the names of the figures that do not."""
    first, second = (bench_rows.flatten(bench_baseline.measure()) for _ in range(2))
    different = sorted(name for name in first.keys() | second.keys()
                       if first.get(name) != second.get(name))
    for name in different:
        print("%s: %s, then %s" % (name, first.get(name), second.get(name)))
    print("%d figures measured twice, %d differ" % (len(first), len(different)))
    return different


def main():
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="no Linux boots")
    parser.add_argument("--repeat", action="store_true", help="do figures repeat? Corbel's only")
    parser.add_argument("--no-verdict", action="store_true",
                        help="succeed even if an acceptance goal is missed")
    parser.add_argument("--output", default=os.path.join(bench_run.BUILD, "bench.json"))
    opts = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))     # QEMU must not stay behind
    bench_run.check_inputs("corbel", *([] if opts.repeat else ["xen"]))
    if opts.repeat:
        return 1 if repeat() else 0
    figures = measure(opts.quick)
    with open(opts.output, "w", encoding="ascii") as file:
        json.dump(figures, file, indent=1, sort_keys=True)
        file.write("\n")
    text, missed = report(figures)
    print(text)
    return 1 if missed and not opts.no_verdict else 0


if __name__ == "__main__":
    sys.exit(main())

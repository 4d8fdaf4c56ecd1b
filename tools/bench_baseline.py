#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compare Corbel's own figures with those that are committed, tools/bench_baseline.json.

    tools/bench_baseline.py            fails if one got more than 2 % worse, or is missing
    tools/bench_baseline.py --refresh  takes today's figures as the new baseline

All counts are deterministic. They depend on the compiler, and those of a boot with Linux domains on
the size of Debian's kernel: where that is another one, they are not compared, and that is said.
"""
import argparse
import json
import os
import re
import subprocess
import sys

import bench_figures as take
import bench_rows
import bench_run
from bench_run import HYPERVISORS

BASELINE = os.path.join(bench_run.ROOT, "tools", "bench_baseline.json")
TOLERANCE = 0.02
KERNEL_FIGURES = ("start_1.first", "start_8.first", "start_8.all")  # depend on Debian's kernel
# What has a baseline: of a region what the hypervisor costs, not what the guest does meanwhile;
# with vwfi=native only what differs by it; of the image what stays in memory.
CHOSEN = re.compile(r"(micro|switch)\b.*\.(el2|exits)|micro_vwfi\..*wfi.*\.(el2|exits)|ipi|ram\..*|"
                    r"size\.text_rodata|" + "|".join(map(re.escape, KERNEL_FIGURES)))


def kernel_version():
    """The package that build/guest's kernel came from; the file itself, if from none."""
    image = os.path.realpath(os.path.join(bench_run.BUILD, "guest", "Image-" + bench_run.KERNEL))
    version = os.path.join(os.path.dirname(image), "..", "..", "version")
    if os.path.exists(version):
        with open(version, encoding="ascii") as file:
            return file.read().strip()
    return "%s, %d bytes" % (os.path.basename(image), os.path.getsize(image))


def compiler_version():
    """Another compiler's code has other counts."""
    tool = os.environ.get("CROSS_COMPILE", "aarch64-linux-gnu-") + "gcc"
    return subprocess.run([tool, "--version"], capture_output=True, text=True,
                          check=True).stdout.split("\n", 1)[0]


def measure():
    """The deterministic figures of Corbel."""
    hv = HYPERVISORS["corbel"]
    initrd = bench_run.bench_initrd("work", take.SCRIPT)
    out = {"micro": take.micro(hv), "micro_vwfi": take.micro(hv, True), "switch": take.switch(hv),
           "ipi": take.ipi_time(hv), "ram": take.ram_kept(hv), "size": take.corbel_sizes()}
    out["start_1"] = take.start_up(hv, initrd, 1)
    out["start_8"] = take.start_up(hv, initrd, 8)
    return out


def chosen(figures):
    """The flat figures that have a baseline: those in which more is worse."""
    return {name: value for name, value in bench_rows.flatten(figures).items()
            if CHOSEN.fullmatch(name)}


def compare(baseline, figures):
    """(failures, improvements): lines about figures that are not within TOLERANCE of the baseline.

    A figure without a baseline, or a baseline without its figure, is a failure, too: nothing
    disappears silently.
    """
    failures, improvements = [], []
    for name in sorted(baseline.keys() | figures.keys()):
        if name not in figures:
            failures.append("%s: not measured any more" % name)
        elif name not in baseline:
            failures.append("%s: has no baseline" % name)
        else:
            old, new = baseline[name], figures[name]
            text = "%s: %.6g, was %.6g" % (name, new, old)
            text += " (%+.1f %%)" % (100 * (new - old) / old) if old else ""
            if new > old + abs(old) * TOLERANCE:
                failures.append(text)
            elif new < old - abs(old) * TOLERANCE:
                improvements.append(text)
    return failures, improvements


def load(path):
    """The committed file."""
    with open(path, encoding="ascii") as file:
        return json.load(file)


def comparable(stored, compiler, kernel):
    """(the baseline's figures that can be compared here, notices why others cannot)."""
    if stored["compiler"] != compiler:
        return {}, ["not compared: the baseline is of %s, this is %s" % (stored["compiler"],
                                                                         compiler)]
    figures = dict(stored["figures"])
    by_kernel = stored["by_kernel"]
    if kernel in by_kernel:
        figures.update(by_kernel[kernel])
        return figures, []
    return figures, ["boots with Linux not compared: the baseline is of %s, this is %s" % (
        ", ".join(sorted(by_kernel)), kernel)]


def refresh(path, figures, compiler, kernel):
    """Write figures as the baseline; of kernels, only this one's are kept."""
    own = {name: value for name, value in figures.items() if name not in KERNEL_FIGURES}
    linux = {name: figures[name] for name in KERNEL_FIGURES}
    stored = {"compiler": compiler, "figures": own, "by_kernel": {kernel: linux}}
    with open(path, "w", encoding="ascii") as file:
        json.dump(stored, file, indent=1, sort_keys=True)
        file.write("\n")


def check(stored, figures, compiler, kernel):
    """Compare and print; True if nothing got worse."""
    baseline, notices = comparable(stored, compiler, kernel)
    for notice in notices:
        print("bench: NOTICE: " + notice)
    if not baseline:
        return True
    if kernel not in stored["by_kernel"]:
        figures = {name: figures[name] for name in figures if name not in KERNEL_FIGURES}
    failures, improvements = compare(baseline, figures)
    for text in failures:
        print("bench: WORSE: " + text)
    for text in improvements:
        print("bench: better: " + text)
    if improvements:
        print("bench: please refresh the baseline by `make bench-baseline` and commit it")
    print("bench: %d figures compared, %d worse, %d better by more than %.0f %%" % (
        len(baseline), len(failures), len(improvements), 100 * TOLERANCE))
    return not failures


def main():
    """Measure, then compare or store."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--refresh", action="store_true", help="store the figures")
    parser.add_argument("--file", default=BASELINE, help="[%(default)s]")
    opts = parser.parse_args()
    bench_run.check_inputs("corbel")
    figures = chosen(measure())
    where = compiler_version(), kernel_version()
    if opts.refresh:
        refresh(opts.file, figures, *where)
        return 0
    return 0 if check(load(opts.file), figures, *where) else 1


if __name__ == "__main__":
    sys.exit(main())

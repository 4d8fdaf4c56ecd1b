#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`make check`: every check of a change, one after the other, each with its time and result.

The last line is `N passed, N failed`: a static check or a build counts as one, of the tests each
case counts. Logs of the steps are in build/check/. --full runs the whole matrix of system tests;
--only NAME runs the steps whose name contains NAME (those it needs must have run before).
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree

TOP = pathlib.Path(__file__).resolve().parent.parent
LOGS = TOP / "build" / "check"
PYTHON = "/usr/bin/python3"
PYTEST = [PYTHON, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rsfE"]
MATRIX_PASSED = LOGS / "matrix-passed"  # the matrix takes hours: an interrupted run goes on here
MATRIX = ["tests/qemu", "-m", "exhaustive", f"--resume={MATRIX_PASSED}"]
TAIL = 60
MINUTE = 3 * 60     # the limits are of a good host, and end what would go on for ever


def make(*words):
    """A make command, two jobs."""
    return ["make", "--no-print-directory", "-j2", *words]


def build(name, compiler, defconfig):
    """The command of one flavour, in a build directory of its own."""
    where = f"build/check/{name}"
    return make(f"B={where}", f"KCONFIG_CONFIG={where}/.config", f"COMPILER={compiler}",
                f"DEFCONFIG={defconfig}", "all")


class Result:
    """Counts of one step."""

    def __init__(self, passed, failed, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped


def by_exit_code(code, _text, _xml):
    """One check: it held or it did not."""
    return Result(int(code == 0), int(code != 0))


def by_closing_line(code, text, _xml):
    """Counts of the last `N passed, N failed` line."""
    counts = re.findall(r"^(\d+) passed, (\d+) failed", text, re.M)
    if not counts:
        return Result(0, 1)
    passed, failed = map(int, counts[-1])
    return Result(passed, failed or int(code != 0))


def by_junit(code, _text, xml_path):
    """Counts of pytest's report."""
    try:
        suite = xml.etree.ElementTree.parse(xml_path).getroot().find("testsuite")
        total, skipped = int(suite.get("tests")), int(suite.get("skipped"))
        failed = int(suite.get("failures")) + int(suite.get("errors"))
    except (OSError, AttributeError, xml.etree.ElementTree.ParseError):
        return Result(0, 1)
    passed = max(0, total - failed - skipped)
    # 5: nothing collected, which is no success either.
    return Result(passed, failed or int(code != 0), skipped)


def by_matrix(code, text, xml_path):
    """As by_junit, and what earlier runs have passed counts too."""
    result = by_junit(code, text, xml_path)
    if code == 5:   # nothing is left to run
        result = Result(0, 0)
    passed = len(set(MATRIX_PASSED.read_text(encoding="utf-8").split())) \
        if MATRIX_PASSED.exists() else 0
    return Result(passed, result.failed + int(code not in (0, 1, 5)), result.skipped)


def steps(full):
    """(name, command, limit in minutes, how to count)."""
    qemu = ["tests/qemu"] + ([] if full else ["-m", "not full"])
    return [
        ("sources", ["tools/fetch", "sources"], 5, by_exit_code),
        ("format", [PYTHON, "tools/check.py", "--format"], 2, by_exit_code),
        ("commits", ["tools/check_commits.sh"], 2, by_exit_code),
        ("gcc-debug", make("all"), 6, by_exit_code),
        ("gcc-release", build("gcc-release", "gcc", "qemu_virt_release_defconfig"), 6,
         by_exit_code),
        ("clang-debug", build("clang-debug", "clang", "qemu_virt_defconfig"), 6, by_exit_code),
        ("clang-release", build("clang-release", "clang", "qemu_virt_release_defconfig"), 6,
         by_exit_code),
        ("layers", [PYTHON, "tools/check_layers.py"], 2, by_exit_code),
        ("size", [PYTHON, "tools/check_size.py"], 2, by_exit_code),
        ("headers", make("headers"), 3, by_exit_code),
        ("lint", make("lint"), 5, by_exit_code),
        ("unit", make("check-unit"), 15, by_closing_line),
        ("fuzz", make("check-fuzz"), 10, by_closing_line),
        ("tools", PYTEST + ["tests/tools"], 5, by_junit),
        ("payloads", make("payloads"), 5, by_exit_code),
        ("guests", ["bash", "-c", "tools/fetch guests && tools/mkinitrd"], 10, by_exit_code),
        ("bench", ["env", "CORBEL_HV=build/check/gcc-release/corbel", PYTHON,
                   "tools/bench_baseline.py"], 10, by_exit_code),
        ("qemu", PYTEST + qemu, 240 if full else 30, by_junit),
    ] + ([("matrix", PYTEST + MATRIX, 300, by_matrix)] if full else [])


def check_format():
    """Whether clang-format would change any C file of the repository."""
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.c", "*.h"], cwd=TOP,
                         check=True, capture_output=True, text=True).stdout.split()
    files = [name for name in out if (TOP / name).exists()]
    if not files:
        return 0
    done = subprocess.run(["clang-format", "--dry-run", *files], cwd=TOP, check=False,
                          stderr=subprocess.PIPE, text=True)
    bad = sorted(set(re.findall(r"^([^:\s]+):\d+:\d+: warning", done.stderr, re.M)))
    for name in bad:
        print(f"format: {name}: run clang-format -i (make format)")
    return 1 if bad or done.returncode else 0


def run_step(name, command, minutes, count):
    """Run one step, its output into a log; on failure show the end of it."""
    log, report = LOGS / f"{name}.log", LOGS / f"{name}.xml"
    report.unlink(missing_ok=True)
    if count is by_junit:
        command = command + [f"--junitxml={report}"]
    print(f"check: {name} ...", flush=True)
    start = time.monotonic()
    with open(log, "w", encoding="utf-8") as out:
        try:
            code = subprocess.run(command, cwd=TOP, stdin=subprocess.DEVNULL, stdout=out,
                                  stderr=subprocess.STDOUT, timeout=minutes * MINUTE,
                                  check=False).returncode
        except (subprocess.TimeoutExpired, OSError) as error:
            out.write(f"\n{error}\n")
            code = -1
    text = log.read_text(encoding="utf-8", errors="replace")
    result = count(code, text, report)
    took = time.monotonic() - start
    skipped = f", {result.skipped} skipped" if result.skipped else ""
    print(f"check: {name}: {result.passed} passed, {result.failed} failed{skipped} ({took:.0f} s)",
          flush=True)
    if result.failed:
        print("\n".join("    " + line for line in text.splitlines()[-TAIL:]), flush=True)
    elif name in ("layers", "size", "bench"):
        print(text, end="", flush=True)
    return result


def main():
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--format", action="store_true", help="only the formatting, no counts")
    parser.add_argument("--only", metavar="NAME")
    args = parser.parse_args()
    if args.format:
        return check_format()
    LOGS.mkdir(parents=True, exist_ok=True)
    # A developer's own build choices stay out of what is checked.
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "B", "COMPILER", "DEFCONFIG"):
        os.environ.pop(name, None)
    start = time.monotonic()
    results = [run_step(*step) for step in steps(args.full)
               if not args.only or args.only in step[0]]
    passed, failed, skipped = (sum(getattr(r, key) for r in results)
                               for key in ("passed", "failed", "skipped"))
    print(f"check: {time.monotonic() - start:.0f} s in all")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

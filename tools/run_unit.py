#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the unit tests given, two at a time, and prints `N passed, N failed` over all of them.

A program that dies, hangs or reports no test counts as one failure; its output is shown.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

LIMIT_S = 600


def count(text, word):
    """The number that cmocka prints in its `[  WORD  ] N test(s)` line."""
    return sum(int(n) for n in re.findall(rf"\[\s*{word}\s*\] (\d+) test\(s\)", text))


def run_one(path):
    """(name, passed, failed, output) of one test program."""
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0",
               UBSAN_OPTIONS="print_stacktrace=1")
    try:
        done = subprocess.run([path], env=env, timeout=LIMIT_S, text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        text, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        text = (late.stdout or b"").decode(errors="replace") + f"\nno end after {LIMIT_S} s\n"
        code = -1
    except OSError as error:
        text, code = str(error), -1
    passed, failed = count(text, "PASSED"), count(text, "FAILED")
    if (code != 0 and failed == 0) or passed + failed == 0:
        failed += 1
    return pathlib.Path(path).name, passed, failed, text


def main():
    """Entry point."""
    total_passed = total_failed = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for name, passed, failed, text in pool.map(run_one, sys.argv[1:]):
            total_passed += passed
            total_failed += failed
            print(f"unit: {name}: {passed} passed, {failed} failed")
            if failed:
                print("\n".join("    " + line for line in text.splitlines()[-80:]))
    print(f"{total_passed} passed, {total_failed} failed")
    return 1 if total_failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Boot the hypervisor and its Linux domains under QEMU.

    tools/run_qemu.py --domus 2 --mem 128 --cpus 1 --gic 3 --smp 2 --interactive

With --interactive the terminal belongs to the hypervisor's console: three Ctrl-A switch the input
to the next domain (Ctrl-A is nothing special to QEMU here). Ctrl-] x ends QEMU, Ctrl-] c opens
QEMU's monitor and closes it again. Without it, output goes to stdout and Ctrl-C ends the run.
--pcie gives the first domain the PCIe root complex behind an SMMU, with the devices of --qemu:

    tools/run_qemu.py --pcie --interactive --qemu '-drive if=none,id=d,file=disk,format=raw
        -device virtio-blk-pci,drive=d,iommu_platform=on,disable-legacy=on'

--hv build/guest/xen boots Debian's Xen from the same tree; --print only shows the command.
"""
import argparse
import os
import shlex
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mkdtb  # noqa: E402


def run(command, opts):
    """Run QEMU until it or its user ends it, or only show it; an exit code."""
    if opts.show:
        print(shlex.join(command))
        return 0
    with subprocess.Popen(command, stdin=None if opts.interactive else subprocess.DEVNULL) as qemu:
        try:
            return qemu.wait(opts.timeout)
        except (KeyboardInterrupt, subprocess.TimeoutExpired):
            qemu.kill()
            return 1


def parse_args():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    mkdtb.add_options(parser)
    parser.add_argument("--interactive", action="store_true", help="give the terminal to the guest")
    parser.add_argument("--print", action="store_true", dest="show",
                        help="print the QEMU command line and stop")
    parser.add_argument("--timeout", type=float, help="seconds after which QEMU is ended")
    parser.add_argument("--qemu", action="append", default=[], metavar="ARGS",
                        help="more QEMU arguments, one string (repeat)")
    return parser.parse_args()


def check_files(opts):
    """Name the first missing input with the way to make it."""
    for path, hint in ((opts.hv, "make"), (opts.kernel, "tools/fetch")):
        if not os.path.exists(path):
            sys.exit("%s is not there: run '%s' first" % (path, hint))


def main():
    """Build the tree, start QEMU, return its exit status."""
    opts = parse_args()
    check_files(opts)
    built = mkdtb.build(mkdtb.config_from_options(opts), opts.dir)
    if opts.interactive:
        # 0x1d is Ctrl-]: the monitor's escape key, so that Ctrl-A reaches the hypervisor.
        command = built.command(("-serial", "mon:stdio"), ("-echr", "0x1d"))
        print("three Ctrl-A: next domain; Ctrl-] x: quit; Ctrl-] c: QEMU monitor", flush=True)
    else:
        command = built.command()
    command += [arg for text in opts.qemu for arg in shlex.split(text)]
    return run(command, opts)


if __name__ == "__main__":
    sys.exit(main())

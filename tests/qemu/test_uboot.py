# SPDX-License-Identifier: Apache-2.0
"""U-Boot loads everything and starts the hypervisor by a script of imagebuilder's form.

The files would boot Xen as well: nothing in them is ours but the file called `xen`. U-Boot enters
the image with SError open and its own vectors in place, and refuses or moves an image whose header
breaks its rules, so that each boot is a test of those too.
"""
import pytest

import fdt
import harness
import mkbootscr
import run_uboot
from harness import HV, mkdtb
from uboot import Board, config, domu

SMALL = {"KERNEL": "payload", "RAMDISK": None, "MEM": 16}


def board(request, text, *names, **more):
    """A Board named after its test; NAMES in the order of the tree."""
    name = request.node.name.replace("test_", "", 1)
    for char in "[] ,:/":
        name = name.replace(char, "_")
    return Board("uboot-" + name.strip("_"), text, names or ("domU0",), **more)


def payload(test, n=0, **more):
    """(files, lines) of a domain that runs a payload's test."""
    return domu(n, **{**SMALL, "CMD": "test=" + test, **more})


def payload_files():
    """The payload as a file of the board."""
    return {"payload": harness.payload_file("payload")}


@pytest.mark.fast
@pytest.mark.parametrize("gic", ["2", "3"])
@pytest.mark.parametrize("source", ["virtio", "tftp"])
def test_two_domus(request, hv, source, gic):
    """Two Debian domains, by a disk and by TFTP; boot.scr is found and run by U-Boot itself."""
    text = config(domu(0), domu(1))
    with board(request, text, "domU1", "domU0", hv=hv, source=source,
               machine=mkdtb.Machine(gic=gic)) as vm:
        vm.shell("domU0")
        vm.shell("domU1")

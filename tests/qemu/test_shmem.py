# SPDX-License-Identifier: Apache-2.0
"""Static shared memory between domains: at a host address, and from the allocator.

The payload's `shmem` group sends 1 MiB each way with a checksum; QEMU's monitor sees the same words
on the host.
"""
import re

import pytest

from harness import HV, linux, mkdtb, payload
from fdt import strings, u64

MIB = 1 << 20
SHARE = 0x58000000
SIZE = 4 * MIB
STATIC = 0x5a000000
BORROWED = 0x70000000
READ = 0x72000000
BUFFER = 0x1000       # of side 0, in the share
SEED = 0x9e3779b97f4a7c15
STEP_SEEN = 2


def member(name, args, node, **more):
    """A payload with a part in the share."""
    return payload(name, "payload", "test=shmem " + args, children=[node], **more)


def first_word(side):
    """The first word of what a side sends."""
    word = SEED * (side + 1) & 0xffffffffffffffff
    word ^= word << 13 & 0xffffffffffffffff
    word ^= word >> 7
    word ^= word << 17 & 0xffffffffffffffff
    return word


def on_host(vm, base):
    """What was exchanged is at a host address."""
    for side in (0, 1):
        low, high = vm.qmp.words(base + BUFFER + side * MIB, 2)
        assert high << 32 | low == first_word(side)
        assert vm.qmp.words(base + 0x40 * side)[0] == STEP_SEEN


def finish(vm, *names):
    """Each of these domains is through, without a failure, and gone."""
    for name in names:
        passed, failed = vm.tap(name, 80)
        assert failed == []
        assert passed
    gone = {vm.expect(HV, r"(domU\d): destroyed", 30).group(1) for _ in names}
    assert gone == set(names)


def aborts(vm):
    """The faults of guests that the log reports."""
    return re.findall(r"(domU\d): vCPU\d: unhandled (.*)", vm.text(HV))


@pytest.mark.fast
@pytest.mark.parametrize("gic", ["2", "3"])
def test_shmem_direct(boot, gic):
    """A direct-map owner, a borrower elsewhere, a reader that would write; the owner goes first."""
    config = mkdtb.Config(machine=mkdtb.Machine(gic=gic, ram="1G"), domains=[
        member("domU1", "side=0", mkdtb.shm_node("shm", SHARE, SIZE, hpa=SHARE, role="owner"),
               props=mkdtb.static_mem((STATIC, 16 * MIB), direct_map=True)),
        member("domU2", "side=1 hold=1", mkdtb.shm_node("shm", BORROWED, SIZE, hpa=SHARE)),
        member("domU3", "side=2 hold=1", mkdtb.shm_node("shm", READ, SIZE, hpa=SHARE,
                                                        read_only=True))])
    vm = boot(config, limit=90)
    finish(vm, "domU1")
    for name in ("domU2", "domU3"):
        vm.expect(name, r"SHM-HOLD", 40)
    on_host(vm, SHARE)
    assert aborts(vm) == [("domU3", "data abort: %s at IPA 0x%x (not permitted)" %
                           (what, READ + at)) for what, at in (
                               ("write of 4 bytes", BUFFER + 0x23450),
                               ("access", BUFFER + 0x23460), ("access", BUFFER + 0x23480))]
    vm.send("domU3", "x")
    finish(vm, "domU3")
    vm.send("domU2", "x")
    finish(vm, "domU2")
    assert len(aborts(vm)) == 3
    # Scrubbed when the last one had gone.
    assert vm.qmp.words(SHARE + BUFFER, 2) + vm.qmp.words(SHARE, 2) == [0] * 4


@pytest.mark.fast
@pytest.mark.parametrize("gic", ["2", "3"])
def test_shmem_allocated(boot, gic):
    """No host address: the last of two equal domains gives back its own memory and the share."""
    config = mkdtb.Config(machine=mkdtb.Machine(gic=gic, ram="1G"), domains=[
        member("domU1", "side=0 hold=1", mkdtb.shm_node("shm", BORROWED, SIZE, role="owner")),
        member("domU2", "side=1 hold=1", mkdtb.shm_node("shm", BORROWED, SIZE))])
    vm = boot(config, limit=90)
    vm.expect(HV, r"boot: 2 domains started", 40)
    for name in ("domU1", "domU2"):
        vm.expect(name, r"SHM-HOLD", 60)
    for name in ("domU1", "domU2"):
        vm.send(name, "x")
        finish(vm, name)
    free = vm.frames(3)
    assert free[2] - free[1] == free[1] - free[0] + SIZE // 1024
    assert aborts(vm) == []


def prop_of(vm, name, path):
    """A property as a Linux guest has it."""
    vm.run(name, "echo prop=$(hexdump -v -e '1/1 \"%%02x\"' /proc/device-tree/%s)=" % path,
           r"^prop=[0-9a-f]*=$")
    return bytes.fromhex(re.findall(r"^prop=(.*)=$", vm.text(name), re.M)[-1])


@pytest.mark.fast
def test_shmem_linux(boot):
    """Linux sees the node, and its words are on the host and with a payload that reads them."""
    config = mkdtb.Config(machine=mkdtb.Machine(gic="3"), domains=[
        linux("domU1", children=[mkdtb.shm_node("shm", BORROWED, SIZE, hpa=SHARE, role="owner")]),
        linux("domU2", children=[mkdtb.shm_node("shm", READ, SIZE, hpa=SHARE, read_only=True)])])
    vm = boot(config, limit=200)
    for name, at in (("domU1", BORROWED), ("domU2", READ)):
        node = "reserved-memory/xen-shmem@%x/" % at
        vm.shell(name, 100)
        assert prop_of(vm, name, node + "compatible") == strings("xen,shared-memory-v1")
        assert prop_of(vm, name, node + "reg") == u64(at, SIZE)
        assert prop_of(vm, name, node + "xen,id") == strings("shm")
        vm.run(name, "grep -c '^7.*System RAM' /proc/iomem", r"^0$")  # beside, not in, /memory
    assert prop_of(vm, "domU2", "reserved-memory/xen-shmem@%x/xen,offset" % READ) == u64(0)
    last = SIZE - 4
    vm.run("domU1", "devmem 0x%x 32 0x12345678; devmem 0x%x 32 0x600dcafe; echo done-$((1+2))" %
           (BORROWED, BORROWED + last), r"^done-3$")
    assert vm.qmp.words(SHARE) + vm.qmp.words(SHARE + last) == [0x12345678, 0x600dcafe]
    vm.run("domU2", "devmem 0x%x; devmem 0x%x" % (READ, READ + last),
           r"^0x12345678$(?s:.*)^0x600DCAFE$")
    vm.run("domU2", "devmem 0x%x 32 1; echo failed-$?" % READ, r"^failed-[1-9]\d*$")
    assert vm.qmp.words(SHARE)[0] == 0x12345678

# SPDX-License-Identifier: Apache-2.0
"""mmio-sram nodes over a hole in the host's RAM, given to domains by partial trees.

With Xen 4.20 the code below never runs: Xen maps such a node as a device, for whose execution it
has no abort, and the domain spins on one instruction for ever.
"""
import re

import pytest

from harness import HV, linux, mkdtb, payload
from fdt import empty, string, u32
import partdt

MIB = 1 << 20
BASE = 0x5c000000
SIZE = 2 * MIB
OTHER_BASE = 0x5c400000
OTHER_SIZE = 64 << 10
OTHER_GPA = 0xd0000000
POOL_PHANDLE = 0x77


def pools(**more):
    """A vendor's shared memory and a pool, which something has a phandle of."""
    return [("shm", 0, 0x1000, {"compatible": string("vendor,shm")}),
            ("pool", 0x100000, 0x80000, {"label": string("scratch"), "pool": empty(),
                                         "phandle": u32(POOL_PHANDLE), **more})]


def given(domain, *devices):
    """The domain with a partial tree of devices."""
    domain.modules.append(mkdtb.device_tree(partdt.partial(devices)))
    return domain


def with_pools(**more):
    """The SRAM with its two sub-nodes."""
    return partdt.sram(BASE, SIZE, pools=pools(**more),
                       props={"vendor,pool": u32(POOL_PHANDLE)})


def left_behind(vm, base, gpa, size):
    """What the payload left in each page is there, on the host."""
    for at in range(0, size, size // 8):
        assert vm.qmp.words(base + at + 0x800)[0] == ~(gpa + at) & 0xffffffff, hex(at)


def assert_all_back(vm):
    """All but what the hypervisor had at the end of the boot is free now: no SRAM, all of RAM."""
    ram, ours, other = map(int, re.search(
        r"memory: RAM (\d+) KiB: free \d+, domains \d+, Corbel (\d+) \(.*\), other (\d+)$",
        vm.text(HV), re.M).groups())
    after = vm.frames(3)[-1]
    assert ours + other - 256 <= ram - after <= ours + other


@pytest.mark.fast
@pytest.mark.parametrize("gic", ["2", "3"])
def test_sram_payload(boot, gic):
    """Memory for one domain: code, unaligned accesses; with no-memory-wc for another: no code."""
    config = mkdtb.Config(
        machine=mkdtb.Machine(gic=gic, ram="1G"), hv_bootargs=mkdtb.HV_BOOTARGS +
        " corbel,p2m-report",
        edits=[partdt.sram_edit(BASE, SIZE), partdt.sram_edit(OTHER_BASE, OTHER_SIZE, wc=False)],
        domains=[given(payload("domU1", "payload", "test=sram"), with_pools()),
                 given(payload("domU2", "payload", "test=sram nodes=0"),
                       partdt.sram(OTHER_BASE, OTHER_SIZE, gpa=OTHER_GPA, wc=False))])
    vm = boot(config, limit=90)
    for domain in ("domU1", "domU2"):
        passed, failed = vm.tap(domain, 60)
        assert failed == []
        assert passed
    done = {vm.expect(HV, r"(domU\d): destroyed, 16384 KiB freed", 30).group(1) for _ in range(2)}
    assert done == {"domU1", "domU2"}
    log = vm.text(HV)
    assert re.search(r"domU1: p2m 0x005c000000-0x005c1fffff -> 0x005c000000 SRAM +rwx normal WB",
                     log)
    assert re.search(r"domU2: p2m 0x00d0000000-0x00d000ffff -> 0x005c400000 MMIO +rw- device GRE",
                     log)
    assert len(re.findall(r"domU2: vCPU0: unhandled instruction abort at IPA 0x\w+ "
                          r"\(not executable\)", log)) == 4
    assert "domU1: vCPU0: unhandled instruction" not in log
    # The domains are gone: what they wrote is in memory, and their SRAM is not the allocator's.
    left_behind(vm, BASE, BASE, SIZE)
    left_behind(vm, OTHER_BASE, OTHER_GPA, OTHER_SIZE)
    assert_all_back(vm)


def tree_of(vm, name, path):
    """All properties below a node as a Linux guest sees them: {"sub/property": bytes}."""
    vm.run(name, "cd /proc/device-tree%s && find . -type f | while read -r f; do "
           "echo \"dt $f=$(hexdump -v -e '1/1 \"%%02x\"' \"$f\")=\"; done; echo end-$((1+2)); "
           "cd /" % path, r"^end-3$", 30)
    return {prop: bytes.fromhex(value)
            for prop, value in re.findall(r"^dt \./(\S+)=([0-9a-f]*)=$", vm.text(name), re.M)}


@pytest.mark.fast
def test_sram_linux(boot):
    """Linux's sram driver binds; what is written to its exported pool is at the host's address."""
    config = mkdtb.Config(
        domains=[given(linux("domU1"), with_pools(export=empty()))],
        edits=[partdt.sram_edit(BASE, SIZE)])
    vm = boot(config, limit=120)
    vm.shell("domU1", 100)
    vm.run("domU1", "ls /sys/bus/platform/drivers/sram", r"5c000000\.sram")
    vm.run("domU1", "grep 5c000000 /proc/iomem", r"^ *5c000000-5c1fffff : 5c000000\.sram")
    seen = tree_of(vm, "domU1", "/passthrough/sram@5c000000")
    for name, offset, size, props in pools(export=empty()):
        node = "%s@%x/" % (name, offset)
        got = {prop[len(node):]: value for prop, value in seen.items() if prop.startswith(node)}
        got.pop("name", None)  # Linux's own
        assert got == {"reg": u32(offset, size), **props}
    assert seen["vendor,pool"] == u32(POOL_PHANDLE)
    assert seen["ranges"] == u32(0, 0, BASE, SIZE)
    vm.run("domU1", "pool=$(ls -d /sys/bus/platform/drivers/sram/5c000000.sram/*.sram); "
           "head -c 65536 /dev/urandom >/in; cat /in >$pool; echo $pool; "
           "head -c 65536 $pool | cmp - /in && echo same-$((1+2))", r"^same-3$")
    vm.run("domU1", "hexdump -v -e '4/4 \"%08x \"' -n 16 /in; echo; "
           "echo tail=$(tail -c 4 /in | hexdump -v -e '1/4 \"%08x\"')", r"^tail=\w{8}$")
    first = re.findall(r"^((?:[0-9a-f]{8} ?){4})$", vm.text("domU1"), re.M)[-1].split()
    last = re.findall(r"^tail=(\w{8})$", vm.text("domU1"), re.M)[-1]
    assert vm.qmp.words(BASE + 0x100000, 4) == [int(word, 16) for word in first]
    assert vm.qmp.words(BASE + 0x100000 + 65532) == [int(last, 16)]

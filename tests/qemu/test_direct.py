# SPDX-License-Identifier: Apache-2.0
"""Domains whose addresses are the host's: direct-map, static memory, and both together.

Judged from outside: what a guest wrote is read at the same physical address through QEMU's
monitor, and the guest's own /proc/iomem and interrupt numbers are held against the host's.
"""
import re

import pytest

import partdt
from harness import HV, linux, mkdtb, payload
from mkdtb import empty, u32, u64

MIB = 1 << 20
STATIC_BASE = 0x50000000
MODULES = {"kernel": 0x70000000, "ramdisk": 0x74000000}  # out of the way of STATIC_BASE
UART_BASE = 0x09000000
UART_INTID = 33
GICD_BASE = 0x08000000
GICV2_GICC = 0x08010000
GICV3_GICR = 0x080a0000


def direct(domain, static=()):
    """Make a domain direct-map, from static ranges if given; its modules out of their way."""
    domain.props["direct-map"] = empty()
    return fixed(domain, static)


def fixed(domain, static=()):
    """Give a domain static memory."""
    if static:
        domain.props["xen,static-mem"] = u64(*[x for pair in static for x in pair])
        domain.memory_kib = sum(size for _, size in static) // 1024
    for module in domain.modules:
        module.addr = MODULES[module.kind]
    return domain


def direct_args():
    """The console is found by stdout-path: its address is the host's, not Xen's."""
    return "console=ttyAMA0 earlycon"


def ram_of(vm, name):
    """The RAM banks of a domain's address map, as the hypervisor printed it."""
    lines = re.findall(r"%s: map: 0x([0-9a-f]+)-0x([0-9a-f]+) .*RAM bank" % name, vm.text(HV))
    return [(int(base, 16), int(last, 16) - int(base, 16) + 1) for base, last in lines]


def iomem_ram(vm, name):
    """System RAM of a Linux guest, merged, as (base, size)."""
    vm.run(name, "grep 'System RAM' /proc/iomem; echo end-$((1+1))", r"^end-2$")
    spans = []
    for first, last in re.findall(r"^([0-9a-f]+)-([0-9a-f]+) : System RAM", vm.text(name), re.M):
        base, end = int(first, 16), int(last, 16) + 1
        if spans and spans[-1][1] == base:
            spans[-1] = (spans[-1][0], end)
        elif (base, end) not in spans:
            spans.append((base, end))
    return [(base, end - base) for base, end in spans]


def check_pages(vm, banks):
    """The payload wrote into every page its own address: look for it on the host."""
    seen = 0
    for base, size in banks:
        for at in (base + size // 2, base + size - 4096):
            low, = vm.qmp.words(at)
            seen += low == (at ^ 0x5a5a5a5a) & 0xffffffff
    assert seen == 2 * len(banks), "%d of %d pages hold their own address" % (seen, 2 * len(banks))


def check_native(vm, name, gic):
    """GIC and UART of a Linux guest are at the host's addresses, with the host UART's SPI."""
    vm.run(name, "ls /proc/device-tree", r"serial@%x" % UART_BASE)
    vm.run(name, "ls /proc/device-tree", r"interrupt-controller@%x" % GICD_BASE)
    vm.run(name, "cat /proc/interrupts", r"GIC\S* +%d Level +uart-pl011" % UART_INTID)
    side = GICV2_GICC if gic == "2" else GICV3_GICR
    vm.run(name, "hexdump -e '4/1 \"%02x\"' -s 20 -n 4 "
           "/proc/device-tree/interrupt-controller*/reg; echo", r"^%08x$" % side)


@pytest.mark.fast
@pytest.mark.parametrize("gic", ["2", "3"])
def test_static_linux(boot, gic):
    """A direct-map Linux at 0x50000000: RAM, GIC, UART and its SPI are where the host has them."""
    domain = direct(linux("domU1", bootargs=direct_args()), [(STATIC_BASE, 128 * MIB)])
    vm = boot(mkdtb.Config(machine=mkdtb.Machine(gic=gic), domains=[domain]), limit=120)
    vm.shell("domU1", 100)
    assert iomem_ram(vm, "domU1") == [(STATIC_BASE, 128 * MIB)] == ram_of(vm, "domU1")
    check_native(vm, "domU1", gic)


@pytest.mark.fast
@pytest.mark.parametrize("static", [(), ((STATIC_BASE, 48 * MIB),)], ids=["memory", "static"])
@pytest.mark.parametrize("gic", ["2", "3"])
def test_memory_payload(boot, gic, static):
    """direct-map, with memory alone or static: what the guest writes is at that host address."""
    domain = direct(payload("domU1", "payload", "test=mem end=hang", memory_mib=48), static)
    domain.modules[0].addr = 0x60000000
    vm = boot(mkdtb.Config(machine=mkdtb.Machine(gic=gic, ram="1G"), domains=[domain]), limit=90)
    _, failed = vm.tap("domU1", 80)
    assert failed == []
    banks = ram_of(vm, "domU1")
    assert sum(size for _, size in banks) == 48 * MIB
    assert not static or banks == list(static)
    check_pages(vm, banks)


def holes(size=2 * MIB, every=130 * MIB):
    """no-map reservations that cut the RAM into pieces, but not the tree and the modules."""
    spared = ((0x47e00000, 0x48400000), (0x50000000, 0x53000000))
    bases = [base for base in range(0x42000000, 0xbe000000, every)
             if all(base + size <= first or base >= end for first, end in spared)]
    return [("hole", base, size, {"no-map": empty()}) for base in bases]


@pytest.mark.fast
def test_fragmented(boot):
    """RAM in pieces of 128 MiB: several banks in order, and Linux boots in them."""
    domain = direct(linux("domU1", 320, bootargs=direct_args()))
    for module in domain.modules:
        module.addr = None
    config = mkdtb.Config(machine=mkdtb.Machine(), domains=[domain], reserved=holes())
    vm = boot(config, limit=120)
    vm.shell("domU1", 100)
    banks = ram_of(vm, "domU1")
    assert len(banks) > 2
    assert sum(size for _, size in banks) == 320 * MIB
    assert banks == sorted(banks)
    assert iomem_ram(vm, "domU1") == banks
    for _, base, size, _ in config.reserved:
        assert all(base + size <= at or base >= at + length for at, length in banks)


@pytest.mark.fast
@pytest.mark.parametrize("gic", ["2", "3"])
def test_three_side_by_side(boot, gic):
    """Two direct-map domains and a plain one; nobody's RAM is anybody else's."""
    one = direct(linux("domU1", 96, bootargs=direct_args()), [(STATIC_BASE, 96 * MIB)])
    two = direct(linux("domU2", 96, bootargs=direct_args()))
    three = linux("domU3", 96)
    for domain in (two, three):
        for module in domain.modules:
            module.addr = MODULES[module.kind]
    vm = boot(mkdtb.Config(machine=mkdtb.Machine(gic=gic), domains=[one, two, three]), limit=180)
    for domain in (one, two, three):
        vm.shell(domain.name, 150)
    assert ram_of(vm, "domU1") == [(STATIC_BASE, 96 * MIB)]
    assert iomem_ram(vm, "domU2") == ram_of(vm, "domU2")
    check_native(vm, "domU2", gic)
    for base, size in ram_of(vm, "domU2"):
        assert base + size <= STATIC_BASE or base >= STATIC_BASE + 96 * MIB
    assert ram_of(vm, "domU3") == [(0x40000000, 96 * MIB)]


@pytest.mark.fast
def test_static_not_direct(boot):
    """Static memory without direct-map: Xen's guest addresses, the named frames behind them."""
    parts = [(STATIC_BASE, 32 * MIB), (0x58000000, 16 * MIB)]
    domain = fixed(payload("domU1", "payload", "test=mem end=hang"), parts)
    vm = boot(mkdtb.Config(machine=mkdtb.Machine(), domains=[domain]), limit=90)
    _, failed = vm.tap("domU1", 80)
    assert failed == []
    assert ram_of(vm, "domU1") == [(0x40000000, 48 * MIB)]
    guest = 0x40000000 + 30 * MIB
    assert vm.qmp.words(STATIC_BASE + 30 * MIB)[0] == guest ^ 0x5a5a5a5a
    guest = 0x40000000 + 40 * MIB
    assert vm.qmp.words(0x58000000 + 8 * MIB)[0] == guest ^ 0x5a5a5a5a


@pytest.mark.fast
def test_comes_back(boot):
    """The RAM of a direct-map domain that ends is free again, to the frame."""
    domain = direct(payload("domU1", "payload", "test=tree", memory_mib=64))
    domain.modules[0].addr = None
    other = payload("domU2", "payload", "test=tree end=hang")
    vm = boot(mkdtb.Config(machine=mkdtb.Machine(ram="1G"), domains=[domain, other]), limit=90)
    vm.expect(HV, r"boot: 2 domains started", 60)
    vm.expect(HV, r"domU1: destroyed, %d KiB freed" % (64 * 1024), 60)
    free = vm.frames(2)
    assert len(free) == 2 and free[1] - free[0] >= 64 * 1024, free


@pytest.mark.fast
def test_static_heap(boot):
    """xen,static-heap: domains get their memory from there and nowhere else."""
    domain = direct(payload("domU1", "payload", "test=mem end=hang", memory_mib=32))
    domain.modules[0].addr = MODULES["kernel"]
    config = mkdtb.Config(domains=[domain], chosen_props={"xen,static-heap":
                                                          u64(0x60000000, 64 * MIB)})
    vm = boot(config, limit=90)
    _, failed = vm.tap("domU1", 80)
    assert failed == []
    for base, size in ram_of(vm, "domU1"):
        assert 0x60000000 <= base and base + size <= 0x60000000 + 64 * MIB


@pytest.mark.fast
@pytest.mark.parametrize("hog", ["heap", "module", "static"])
def test_hogs(boot, hog):
    """Nobody takes the RAM that the hypervisor needs: the others boot, a hog is refused."""
    good = payload("domU1", "payload", "test=tree")
    bad = payload("domU2", "payload", "test=tree")
    good.modules[0].addr = 0x41000000
    config = mkdtb.Config(machine=mkdtb.Machine(ram="1G"), domains=[good, bad])
    if hog == "heap":
        config.chosen_props["xen,static-heap"] = u64(0x60000000, 0x10000)
    elif hog == "module":
        bad.modules[0].addr = 0x41400000
        bad.modules[0].size = 0x7fff0000 - 0x41400000
    else:
        bad.props["xen,static-mem"] = u64(0x41400000, 0x7fff0000 - 0x41400000)
        bad.memory_kib = (0x7fff0000 - 0x41400000) // 1024
        bad.modules[0].addr = 0x41200000
    vm = boot(config, limit=40)
    vm.tap("domU1", 30)
    if hog == "heap":
        vm.expect(HV, r"is not kept")
    else:
        vm.expect(HV, r"domU2: refused: /chosen/domU2.*: expected ")


def test_many_pieces(boot):
    """More gaps between modules and reservations than domains: all of the RAM is used still."""
    domain = payload("domU1", "payload", "test=mem end=hang", memory_mib=512)
    config = mkdtb.Config(machine=mkdtb.Machine(ram="1G"), domains=[domain])
    config.reserved = [("gap", base, 0x10000, {}) for base in
                       range(0x42000000, 0x42000000 + 100 * 0x40000, 0x40000)]
    vm = boot(config, limit=90)
    _, failed = vm.tap("domU1", 80)
    assert failed == []


FALLBACKS = {
    "address": ({"gpa": UART_BASE}, {},
                "not at the host's address: a device of this domain is there"),
    "nr_spis": (None, {"nr_spis": u32(1)}, "without the host's interrupt: nr_spis is too small"),
}


@pytest.mark.fast
@pytest.mark.parametrize("case", FALLBACKS)
def test_uart_fallback(boot, case):
    """Where the host UART's page or SPI is not free, the vPL011 goes elsewhere and says why."""
    device, props, why = FALLBACKS[case]
    domain = direct(payload("domU1", "payload", "test=uart", memory_mib=16))
    domain.modules[0].addr = None
    domain.props.update(props)
    if device is not None:
        tree = partdt.partial([partdt.pl031(**device)])
        domain.modules.append(mkdtb.device_tree(tree))
    vm = boot(mkdtb.Config(machine=mkdtb.Machine(ram="1G"), domains=[domain]), limit=60)
    _, failed = vm.tap("domU1", 50)
    assert failed == []
    assert len(re.findall(r"domU1: vPL011 %s" % re.escape(why), vm.text(HV))) == 1
    at = int(re.search(r"domU1: map: 0x([0-9a-f]+)-\S+ \S+ vPL011", vm.text(HV)).group(1), 16)
    assert (at == UART_BASE) == (device is None)
    banner = re.findall(r"domU1: WARNING: rtc@\S+ is given away WITHOUT AN IOMMU", vm.text(HV))
    assert len(banner) == (1 if device is not None else 0)

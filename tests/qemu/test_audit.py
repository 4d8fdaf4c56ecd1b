# SPDX-License-Identifier: Apache-2.0
"""The stage-2 tables of running domains, walked in a memory dump by tools/corbel-p2m-audit.

A configuration is a function and its line in CONFIGS. The tables are read where the report says
they are, and as much of the hypervisor as EL2's own tables need, while the machine stands still.
"""
import re
import shutil

import pytest

from audited import Audited
from harness import HV, mkdtb, payload
import fdt
import partdt

MIB = 1 << 20
# What the report calls what the audit sees as numbers.
CLASSES = ("RAM", "RAM-RO", "SRAM", "MMIO", "GIC", "MMIO-NC", "MSI", "MMIO-C", "MMIO-RO")
MEMATTRS = {0xF: "normal WB", 0x5: "normal NC", 0x3: "device GRE", 0x0: "device nGnRnE"}
REGION = re.compile(r"(\S+): p2m 0x([0-9a-f]+)-0x([0-9a-f]+) -> 0x([0-9a-f]+) (\S+) +(\S{3}) "
                    r"(.*), (\d+) leaves up to (\d+) KiB$", re.M)


def echo(name, **more):
    """A small domain that stays."""
    return payload(name, "payload", "test=echo", **more)


def given(*devices):
    """The module of a partial tree."""
    return mkdtb.device_tree(partdt.partial(devices))


def with_devices(domain, *devices):
    """The domain, and what it is given."""
    domain.modules.append(given(*devices))
    return domain


def small(**more):
    """A Config of a small machine."""
    return mkdtb.Config(machine=mkdtb.Machine(smp=2, ram="512"), **more)


def plain():
    """Two domains, RAM and what the GIC needs."""
    return small(domains=[echo("domU1"), echo("domU2", cpus=2)])


def direct():
    """Direct-map from static memory and from the allocator, beside a static one."""
    return small(domains=[
        echo("domU1", props=mkdtb.static_mem((0x58000000, 16 * MIB), direct_map=True)),
        echo("domU2", memory_mib=20, props={"direct-map": b""}),
        echo("domU3", props=mkdtb.static_mem((0x5a000000, 6 * MIB), (0x5a800000, 10 * MIB)))])


def devices():
    """Whole pages, a slot of 512 bytes in each of two domains, a page that is write-combining."""
    nc = {"corbel,memory-attribute": fdt.string("normal-nc")}
    return small(domains=[
        with_devices(echo("domU1"), partdt.pl031(), partdt.virtio_mmio(30)),
        with_devices(echo("domU2", props={"direct-map": b""}), partdt.pl061(props=nc),
                     partdt.virtio_mmio(31))])


def sram():
    """SRAM, cached and not, at other addresses than the host's."""
    return small(
        domains=[with_devices(echo("domU1"), partdt.sram(0x5c000000, 2 * MIB, gpa=0xd0000000)),
                 with_devices(echo("domU2"), partdt.sram(0x5c400000, 64 << 10, gpa=0xd0000000,
                                                         wc=False))],
        edits=[partdt.sram_edit(0x5c000000, 2 * MIB), partdt.sram_edit(0x5c400000, 64 << 10,
                                                                      wc=False)])


def shared():
    """Memory shared by host address and by id alone, with a reader."""
    place = 0x58000000
    return small(domains=[
        echo("domU1", children=[mkdtb.shm_node("a", 0x70000000, MIB, hpa=place, role="owner"),
                                mkdtb.shm_node("b", 0x71000000, 8192)]),
        echo("domU2", children=[mkdtb.shm_node("a", 0x72000000, MIB, hpa=place, read_only=True)]),
        echo("domU3", props=mkdtb.static_mem((0x5a000000, 16 * MIB), direct_map=True), children=[
            mkdtb.shm_node("a", place, MIB, hpa=place)]),
        echo("domU4", children=[mkdtb.shm_node("b", 0x60000000, 8192, read_only=True)])])


def far():
    """Guest addresses that need four root tables side by side, and ones that need level 0."""
    config = small(domains=[with_devices(echo("domU1"), partdt.pl031(gpa=1 << 40)),
                            with_devices(echo("domU2"), partdt.pl061(gpa=1 << 44))])
    config.machine.cpu = "max"
    return config


def large():
    """Leaves of 1 GiB."""
    config = small(domains=[echo("domU1", memory_mib=2048), echo("domU2", memory_mib=1024)])
    config.machine.ram = "6G"
    config.hv_bootargs += " no-bootscrub"
    return config


# What makes a Config, and the classes that must be in its maps (and MMIO-RO; GIC with a GICv2).
CONFIGS = {
    plain: {"RAM"},
    direct: {"RAM"},
    devices: {"RAM", "MMIO", "MMIO-NC"},
    sram: {"RAM", "SRAM", "MMIO"},
    shared: {"RAM", "RAM-RO"},
}


def boot_reported(boot, gic, make):
    """Boot a configuration whose maps are printed."""
    config = make()
    config.machine.gic = gic
    config.hv_bootargs += " corbel,p2m-report"
    vm = boot(config, limit=60)
    vm.expect(HV, r"boot: %d domains started, 0 refused" % len(config.domains), 40)
    for domain in config.domains:
        vm.expect(domain.name, r"ECHO-READY", 20)
    return vm


def as_reported(region):
    """A region of the audit in the report's words."""
    access = ("r" if region["s2ap"] & 1 else "-") + ("w" if region["s2ap"] & 2 else "-") + \
        ("x" if region["xn"] == 0 else "-")
    return (region["ipa"], region["ipa"] + region["size"] - 1, region["pa"],
            CLASSES[region["class"]], access, MEMATTRS[region["memattr"]], region["leaves"],
            region["biggest"] // 1024)


def reported(text, name):
    """The regions of a domain that a log has."""
    return [(int(ipa, 16), int(last, 16), int(pa, 16), cls, access, memory, int(leaves), int(kib))
            for who, ipa, last, pa, cls, access, memory, leaves, kib in REGION.findall(text)
            if who == name]


def assert_caught(audited, region, mask, rule):
    """With these bits of its first leaf flipped, a region is one violation."""
    audited.flip(region["slot"], mask)
    found = audited.run()[0]
    assert [fault["rule"] for fault in found] == [rule], found
    assert found[0]["ipa"] == region["ipa"]
    audited.flip(region["slot"], mask)


def audit(boot, tmp_path, make, classes, gic):
    """No violation; the report says what the tables say; an altered leaf of each kind is found."""
    vm = boot_reported(boot, gic, make)
    audited = Audited(vm, str(tmp_path))
    violations, domains = audited.run()
    assert violations == []
    assert set(domains) == {domain.name for domain in vm.config.domains}
    for domain in domains.values():
        assert [as_reported(region) for region in domain["regions"]] == \
            reported(audited.log, domain["name"])
    by_class = {region["class"]: region for domain in domains.values()
                for region in domain["regions"]}
    assert {CLASSES[cls] for cls in by_class} == \
        classes | {"MMIO-RO"} | ({"GIC"} if gic == "2" else set())
    for region in by_class.values():
        assert_caught(audited, region, 1 << 3, "memattr")
        assert_caught(audited, region, 1 << 54, "xn")
    shutil.rmtree(tmp_path)
    return domains


@pytest.mark.fast
@pytest.mark.parametrize("gic", ["2", "3"])
@pytest.mark.parametrize("make", CONFIGS)
def test_audit(boot, tmp_path, make, gic):
    """Each kind of domain, on both GICs."""
    audit(boot, tmp_path, make, CONFIGS[make], gic)


@pytest.mark.full
@pytest.mark.parametrize("gic", ["2", "3"])
def test_far(boot, tmp_path, gic):
    """Other depths of tables."""
    domains = audit(boot, tmp_path, far, {"RAM", "MMIO"}, gic)
    depths = {name: (domain["ipa_bits"], domain["start_level"])
              for name, domain in domains.items()}
    assert depths == {"domU1": (41, 1), "domU2": (45, 0)}


@pytest.mark.full
def test_large(boot, tmp_path):
    """Blocks of 1 GiB, from the first table."""
    domains = audit(boot, tmp_path, large, {"RAM"}, "3")
    assert {region["biggest"] for region in domains["domU1"]["regions"]
            if CLASSES[region["class"]] == "RAM"} == {1 << 30}
    assert len(domains["domU1"]["tables"]) == 2     # those of the vPL011's page


@pytest.mark.fast
def test_key(boot, tmp_path):
    """The debug key prints the same, and a new report takes the place of the old one."""
    vm = boot_reported(boot, "3", plain)
    first = reported(vm.text(HV), "domU2")
    vm.send(HV, "p")
    vm.expect(HV, "domU2: p2m VMID" + r"(?s:.*?)domU2: p2m 0x.* leaves .*\n" * len(first), 20)
    assert reported(vm.text(HV), "domU2") == first * 2
    assert Audited(vm, str(tmp_path)).run()[0] == []
    shutil.rmtree(tmp_path)

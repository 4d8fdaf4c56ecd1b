# SPDX-License-Identifier: Apache-2.0
"""A configuration with one broken domain: that one is refused in a line that names domain, node,
property and value, and the good domain beside it runs."""
import os
import re

import pytest

import fdt
import harness
from harness import HV, linux, mkdtb, payload


def small_file(name, content):
    """A module file of the test's own."""
    path = os.path.join(harness.TREES, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
    return path


def broken(**more):
    """A payload domU2 with property or field changes."""
    fields = {key: more.pop(key) for key in ("memory_mib", "cpus", "children") if key in more}
    return payload("domU2", "payload", "test=echo", props=more.pop("props", {}), **fields)


def with_modules(*modules):
    """A domU2 with just these modules."""
    return mkdtb.Domain("domU2", 16 * 1024, 1, list(modules))


def image_module(**more):
    """The payload as a kernel module with overrides."""
    return mkdtb.Module("kernel", harness.payload_file("payload"), "test=echo", **more)


def garbage_module():
    """A kernel of no known kind."""
    return mkdtb.Module("kernel", small_file("garbage.bin", b"\x01\x02\x03\x04" * 4096))


def truncated_gzip():
    """A gzip stream that ends too early."""
    import gzip
    with open(harness.payload_file("payload"), "rb") as file:
        data = gzip.compress(file.read())
    return mkdtb.Module("kernel", small_file("cut.gz", data[:len(data) // 2]))


NODE = "/chosen/domU2"
MODULE = "/chosen/domU2/module@"
U32, U64, TEXT = fdt.u32, fdt.u64, fdt.string

# name: (domain maker, node, property, piece of the value, pattern)
CASES = {
    "no-memory": (lambda: broken(props={"memory": None}), NODE, "memory", "missing"),
    "memory-3-bytes": (lambda: broken(props={"memory": b"\0\0\1"}), NODE, "memory", "3 bytes"),
    "memory-zero": (lambda: broken(props={"memory": U64(0)}), NODE, "memory", "0"),
    "memory-too-big": (lambda: broken(props={"memory": U64(64 << 20)}), NODE, "memory",
                       "0x4000000|67108864"),
    "memory-huge": (lambda: broken(props={"memory": U64(1 << 60)}), NODE, "memory",
                    "0x1000000000000000|1152921504606846976|0x10000000 0x0"),
    "no-cpus": (lambda: broken(props={"cpus": None}), NODE, "cpus", "missing"),
    "cpus-zero": (lambda: broken(props={"cpus": U32(0)}), NODE, "cpus", "0"),
    "cpus-many": (lambda: broken(props={"cpus": U32(1000)}), NODE, "cpus", "1000|0x3e8"),
    "no-kernel": (lambda: with_modules(), NODE, "multiboot,kernel", "missing"),
    "truncated-image": (lambda: with_modules(
        image_module(size=32, addr=0x58000000)), MODULE, "reg", "0x20|32"),
    "truncated-gzip": (lambda: with_modules(truncated_gzip()), MODULE, "reg", "0x5"),
    "garbage-kernel": (lambda: with_modules(garbage_module()), MODULE, "reg", ""),
    "module-outside-ram": (lambda: with_modules(
        image_module(props={"reg": U64(0x1_0000_0000_0, 0x10000)})), MODULE, "reg", ""),
    "module-reg-12-bytes": (lambda: with_modules(
        image_module(props={"reg": U32(0, 0x50000000, 0)})), MODULE, "reg", "12 bytes"),
    "module-overlap": (lambda: with_modules(
        image_module(addr=0x58000000),
        mkdtb.Module("ramdisk", small_file("rd.bin", bytes(64 << 10)), addr=0x58100000,
                     props={"reg": U64(0x58001000, 0x10000)})), MODULE, "reg", "0x5800"),
    "two-kernels": (lambda: with_modules(image_module(), image_module(addr=0x59000000)),
                    MODULE, "compatible", "multiboot,kernel"),
    "image-larger-than-memory": (lambda: broken(props={"memory": U64(1024)}), NODE, "memory",
                                 "0x400|1024"),
    "direct-map-shm-no-host": (
        lambda: broken(props={"direct-map": b""},
                       children=[mkdtb.shm_node("shm", 0x70000000, 0x10000)]),
        NODE + "/shared-mem@70000000", "xen,shared-mem", "0x0 0x70000000 0x0 0x10000"),
    "direct-map-shm-not-1to1": (
        lambda: broken(props={"direct-map": b""},
                       children=[mkdtb.shm_node("shm", 0x60000000, 0x10000, hpa=0x70000000)]),
        NODE + "/shared-mem@70000000", "xen,shared-mem", "0x60000000"),
    "shm-on-the-hypervisors-tree": (
        lambda: broken(children=[mkdtb.shm_node("shm", 0x30000000, 0x80000000, hpa=0x40000000)]),
        NODE + "/shared-mem@40000000", "xen,shared-mem", "0x40000000"),
    "shm-role": (
        lambda: broken(children=[mkdtb.shm_node("shm", 0x30000000, 0x1000, role="boss")]),
        NODE + "/shared-mem@30000000", "role", "boss"),
    "passthrough": (lambda: broken(props={"passthrough": TEXT("on")}), NODE, "passthrough", "on"),
    "enhanced": (lambda: broken(props={"xen,enhanced": TEXT("enabled")}), NODE, "xen,enhanced",
                 "enabled"),
    "enhanced-nonsense": (lambda: broken(props={"xen,enhanced": TEXT("nonsense")}), NODE,
                          "xen,enhanced", "nonsense"),
    "static-mem-sum": (lambda: broken(props={"xen,static-mem": U32(0x70000000, 0x800000),
                                             "#xen,static-mem-address-cells": U32(1),
                                             "#xen,static-mem-size-cells": U32(1)}),
                       NODE, "memory", "0x4000"),
    "static-mem-unaligned": (lambda: broken(props=mkdtb.static_mem((0x70000800, 0x1000000))),
                             NODE, "xen,static-mem", "0x70000800"),
    "capabilities": (lambda: broken(props={"capabilities": U32(1)}), NODE, "capabilities", "1"),
    "affinity-garbage": (lambda: broken(children=[mkdtb.vcpu_node(0, "0-x")]), NODE + "/vcpu0",
                         "hard-affinity", "0-x"),
    "affinity-no-such-cpu": (lambda: broken(children=[mkdtb.vcpu_node(0, "9")]), NODE + "/vcpu0",
                             "hard-affinity", "9"),
    "vcpu-id-too-high": (lambda: broken(children=[mkdtb.vcpu_node(7, "0")]), NODE + "/vcpu7",
                         "id", "7"),
    "cpupool-unknown": (lambda: broken(props={"domain-cpupool": U32(0x7777)}), NODE,
                        "domain-cpupool", "0x7777|30583"),
    "weight-zero": (lambda: broken(props={"corbel,weight": U32(0)}), NODE, "corbel,weight", "0"),
}


def expect_refusal(vm, node, prop, value):
    """One line that says it all."""
    line = vm.expect(HV, r"domU2: refused: .*\n", 30).group(0).strip()
    assert re.search(r"refused: %s\S*: " % re.escape(node), line), line
    assert re.search(r": %s = " % re.escape(prop), line), line
    said = re.search(r" = (.*?): expected .", line)
    assert said and re.search(value, said.group(1)), line
    return line


@pytest.mark.fast
@pytest.mark.parametrize("case", CASES)
def test_refuse(boot, case):
    """domU2 is broken in one way; domU1 answers."""
    make, node, prop, value = CASES[case]
    config = mkdtb.Config(machine=mkdtb.Machine(ram="1G"), domains=[
        payload("domU1", "payload", "test=echo"), make()])
    vm = boot(config, limit=40)
    expect_refusal(vm, node, prop, value)
    vm.run("domU1", "good", r"^ECHO good$")
    assert vm.text(HV).count("domU2: refused") == 1
    assert "domU2: started" not in vm.text(HV)


@pytest.mark.fast
def test_refuse_beside_linux(boot):
    """Three broken domains in front of, between and behind: Linux reaches its shell."""
    bad = payload("bad1", "payload", props={"memory": None})
    worse = payload("bad2", "payload", props={"cpus": U32(0)})
    worst = mkdtb.Domain("bad3", 16 * 1024, 1, [garbage_module()])
    config = mkdtb.Config(domains=[bad, linux("domU1"), worse, worst])
    vm = boot(config, limit=90)
    vm.expect(HV, r"boot: 1 domains? started, 3 refused", 60)
    vm.shell("domU1", 80)


@pytest.mark.fast
def test_all_refused(boot):
    """No domain left: the hypervisor says so and stays."""
    config = mkdtb.Config(domains=[payload("bad", "payload", props={"memory": None})])
    vm = boot(config, limit=40)
    vm.expect(HV, r"boot: 0 domains started, 1 refused", 30)
    vm.never(HV, "(?i)panic:", during=1.0)


@pytest.mark.fast
def test_odd_but_good(boot):
    """Unknown properties, options and nodes are ignored; legacy spellings and odd orders boot."""
    legacy = payload("domU1", "payload", "test=echo")
    legacy.props["nonsense,property"] = U32(1)
    legacy.modules[0].props["compatible"] = fdt.strings("xen,linux-zimage", "xen,multiboot-module")
    config = mkdtb.Config(machine=mkdtb.Machine(ram="1G"), domains=[legacy])
    config.hv_bootargs = mkdtb.HV_BOOTARGS + "  nonsense=1 another-unknown bootscrub=0 "
    config.edits.append(lambda tree: tree.get("/chosen").add("stranger"))
    vm = boot(config, limit=40)
    vm.run("domU1", "good", r"^ECHO good$")

# SPDX-License-Identifier: Apache-2.0
"""corbel-p2m-audit on dumps made here: a sound machine passes, each violation is found."""
import subprocess

import pytest

from audit_scene import (AF, EL2_HEAP, G, GICV, IMAGE, K, M, MMIO, Memory, NORMAL, PARTIAL_MODULE,
                         RAM, SRAM, Scene, TABLES, TOOL, Tables, UART, WRITE, XN, bus, leaf, node,
                         partial)
from fdt import empty, string, u32, u64


@pytest.fixture
def scene(tmp_path):
    """A sound machine."""
    return Scene(tmp_path)


def test_sound(scene):
    """Nothing to complain about, and every piece is what it is."""
    result = scene.run()
    assert result["violations"] == []
    kinds = {domain["name"]: {piece["kind"] for piece in domain["pieces"]}
             for domain in result["domains"]}
    assert kinds["domU1"] == {"RAM", "GICV"}
    assert kinds["domU2"] == {"RAM", "GICV", "MMIO", "SRAM"}
    ram = [r for r in result["domains"][0]["regions"] if r["ipa"] == 0x40000000]
    assert [(r["size"], r["leaves"], r["biggest"]) for r in ram] == [(6 * M + 8 * K, 5, 2 * M)]


def test_text(scene):
    """What people get."""
    scene.devices.change(0x9010000, 3, clear=XN)
    scene.run()
    command = [str(word) for word in (
        TOOL, "--dtb", scene.folder / "host.dtb", "--log", scene.folder / "log",
        "--ram", "%s@%#x" % (scene.folder / "ram", TABLES), "--allow-nc", "0xb000000+0x200000")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[-1] == "3 domains, 1 violations"
    assert lines[-2] == "violation: domU2: xn: IPA 0x9010000-0x9010fff -> PA 0x9010000: XN of " \
        "MMIO (/pl031@9010000) is 0x0, expected 0x2"
    assert any("domU2: its partial tree is not known" in line for line in lines)


# One leaf each: (tables, ipa, level, bits to clear, bits to set, rule).
LEAVES = {
    "mmio-normal": ("devices", 0x9010000, 3, 0, 0xF << 2, "memattr"),
    "mmio-nGnRnE": ("devices", 0x9010000, 3, 0xF << 2, 0, "memattr"),
    "mmio-nc": ("devices", 0x9010000, 3, 0xF << 2, 5 << 2, "memattr"),
    "mmio-exec": ("devices", 0x9010000, 3, XN, 0, "xn"),
    "mmio-xn-01": ("devices", 0x9010000, 3, XN, 1 << 53, "xn"),
    "mmio-readonly": ("devices", 0x9010000, 3, WRITE, 0, "s2ap"),
    "mmio-class": ("devices", 0x9010000, 3, 1 << 55, 0, "class"),
    "slow-sram": ("devices", 0x12001000, 3, 0xF << 2, 5 << 2, "memattr"),
    "wc-gre": ("devices", 0x10000000, 2, 0xF << 2, 3 << 2, "memattr"),
    "wc-exec": ("devices", 0x10000000, 2, XN, 0, "xn"),
    "sram-device": ("devices", 0x11003000, 3, 0xF << 2, 3 << 2, "memattr"),
    "sram-xn": ("devices", 0x11003000, 3, 0, XN, "xn"),
    "sram-sh": ("devices", 0x11003000, 3, 1 << 8, 0, "sh"),
    "gicv-gre": ("plain", 0x3002000, 3, 0, 3 << 2, "memattr"),
    "gicv-exec": ("plain", 0x3003000, 3, XN, 0, "xn"),
    "ram-nc": ("plain", 0x40000000, 2, 0xF << 2, 5 << 2, "memattr"),
    "ram-outer": ("plain", 0x40200000, 2, 1 << 8, 0, "sh"),
    "ram-readonly": ("plain", 0x40200000, 2, WRITE, 0, "s2ap"),
    "ram-xn": ("plain", 0x40601000, 3, 0, XN, "xn"),
    "ram-af": ("plain", 0x40601000, 3, AF, 0, "af"),
    "ram-class": ("plain", 0x40601000, 3, 0, 3 << 55, "class"),
    "uart-writable": ("plain", 0x22000000, 3, 0, WRITE, "s2ap"),
    "uart-exec": ("plain", 0x22000000, 3, XN, 0, "xn"),
    "uart-normal": ("direct", 0x9000000, 3, 0, 0xF << 2, "memattr"),
    "uart-class": ("direct", 0x9000000, 3, 8 << 55, 0, "class"),
    "share-writable": ("devices", 0x80004000, 3, 0, WRITE, "s2ap"),
    "reserved-bit": ("plain", 0x40601000, 3, 0, 1 << 50, "descriptor"),
    "contiguous": ("plain", 0x40601000, 3, 0, 1 << 52, "descriptor"),
    "block-low-bit": ("plain", 0x40200000, 2, 0, 1 << 13, "descriptor"),
    "level-3-block": ("plain", 0x40601000, 3, 2, 0, "descriptor"),
    "table-bits": ("plain", 0x40600000, 2, 0, 1 << 60, "descriptor"),
    "table-gone": ("plain", 0x40600000, 2, 1, 0, "tables"),
    "table-elsewhere": ("plain", 0x40600000, 2, 0, 1 << 40, "table"),
}


@pytest.mark.parametrize("case", LEAVES)
def test_leaf(scene, case):
    """One altered descriptor is one violation."""
    tables, ipa, level, clear, put, rule = LEAVES[case]
    victim = getattr(scene, tables)
    victim.change(ipa, level, clear, put)
    assert scene.rules() == [(victim.name, rule)]


# Where the page at 0x41000000 of domU1 leads to, beside its own RAM.
TARGETS = {
    "image": (IMAGE[0] + M, NORMAL, "hypervisor"),
    "own-tables": (TABLES, NORMAL, "hypervisor"),
    "gicd": (0x8000000, GICV, "gic"),
    "gicc": (0x8010000, GICV, "gic"),
    "gich": (0x8030000, GICV, "gic"),
    "its": (0x8080000, GICV, "gic"),
    "v2m-behind-a-bus": (0xd001000, GICV, "gic"),
    "smmu": (0x9060000, MMIO, "smmu"),
    "console": (0x9000000, MMIO, "console"),
    "device": (0xd000000, MMIO, "assigned"),
    "sram": (0xc010000, MMIO, "assigned"),
    "firmware": (0xbf000000, NORMAL, "reserved"),
    "other-ram": (0x46001000, NORMAL, "shared"),
    "other-share": (0x7a000000, NORMAL, ("static", "shared")),
    "twice": (0x44000000, NORMAL, "alias"),
    "gicv-twice": (0x8040000, GICV, "alias"),
    "own-share-twice": (0x48100000, NORMAL, "alias"),
    "ram-as-mmio": (0x4a000000, MMIO, None),
}


@pytest.mark.parametrize("case", TARGETS)
def test_target(scene, case):
    """One page that leads where it must not."""
    pa, attr, rule = TARGETS[case]
    scene.plain.map(0x41000000, pa, 4 * K, attr)
    found = scene.rules()
    if rule is None:
        assert {"memattr", "xn", "class"} <= {name for _, name in found}
    else:
        assert tuple(name for _, name in found) == (rule if isinstance(rule, tuple) else (rule,))


def test_device_moved(scene):
    """A device's page, but another one than the partial tree says."""
    scene.devices.map(0x9010000, 0x9020000, 4 * K, MMIO)
    assert scene.rules() == [("domU2", "assigned")]


def test_part_of_a_page(scene):
    """A page of which the domain was given 512 bytes is not to be mapped."""
    scene.devices.map(0xa000000, 0xa000000, 4 * K, MMIO)
    assert set(scene.rules()) == {("domU2", "assigned")}
    given = scene.partial.get("/passthrough")
    for base in (0xa000000, 0xa000400):
        size = 0x1000 - base % 0x1000 if base % 0x1000 else 0x200
        given.add(node("rest@%x" % base, ("x",), **{"xen,reg": u64(base, size, base)}))
    assert scene.rules() == [("domU2", "assigned")] * 3


def test_devices_without_partial_tree(scene):
    """Without the partial tree the host's decides what is what."""
    scene.partial = partial()
    assert ("domU2", "assigned") in scene.rules()
    command = [str(word) for word in (
        TOOL, "--dtb", scene.folder / "host.dtb", "--log", scene.folder / "log",
        "--allow-nc", "0xb000000+0x200000", "--ram", "%s@%#x" % (scene.folder / "ram", TABLES))]
    assert subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0
    assert subprocess.run(command[:5] + command[7:], stdout=subprocess.DEVNULL,
                          check=False).returncode == 1


def test_two_domains_one_device(scene):
    """Even if both partial trees gave it."""
    scene.plain.map(0x9010000, 0x9010000, 4 * K, MMIO)
    scene.tree.get("/chosen/domU1").add(node("module@0", PARTIAL_MODULE, (0x50000000, 4 * K)))
    assert [rule for _, rule in scene.rules()] == ["shared"]
    assert scene.rules("--shared", "0x9010000-0x9010fff") == []


def test_share_differs(scene):
    """Users of one id that see different frames; a hole in it; a host address that is not kept."""
    slot = scene.devices.slot(0x80004000, 3)
    whole = scene.memory.get(slot)
    scene.memory.put(slot, whole & ~0xfffffffff000 | 0x49000000)
    assert scene.rules() == [("domU2", "share")]
    scene.memory.put(slot, 0)
    assert scene.rules() == [("domU2", "share")]
    scene.memory.put(slot, whole)
    scene.direct.change(0x7a000000, 2, clear=1)
    assert scene.rules() == [("domU3", "share")]
    scene.direct.map(0x7a000000, 0x7a200000, 2 * M, NORMAL)
    assert scene.rules() == [("domU3", "share")]


def test_share_with_outsider(scene):
    """A frame of a share in a domain that is not one of its users."""
    scene.direct.map(0x61000000, 0x48000000, 4 * K, NORMAL)
    rules = scene.rules()
    assert ("domU3", "static") in rules and [rule for _, rule in rules].count("shared") == 2


def test_static_and_direct(scene):
    """RAM of the static domain that is not static, and RAM that is not 1:1."""
    scene.direct.map(0x62000000, 0x62000000, 2 * M, NORMAL)
    assert scene.rules() == [("domU3", "static")]
    scene.direct.change(0x62000000, 2, clear=1)
    assert scene.rules() == []
    del scene.tree.get("/chosen/domU3").props["xen,static-mem"]
    scene.direct.map(0x62000000, 0x63000000, 2 * M, NORMAL)
    assert scene.rules() == [("domU3", "direct")]


def test_vuart(scene):
    """Registers are where the vPL011 is, in a frame that is nobody's, of a domain that has one."""
    scene.plain.map(0x22000000, 0x44000000, 4 * K, UART)
    assert [rule for _, rule in scene.rules()] == ["alias"]
    scene.plain.map(0x22000000, 0x60000000, 4 * K, UART)
    assert {rule for _, rule in scene.rules()} == {"static", "shared"}
    scene.plain.map(0x22000000, 0xbf000000, 4 * K, UART)
    assert scene.rules() == [("domU1", "reserved")]
    scene.plain.map(0x22000000, 0x47000000, 4 * K, UART)
    scene.plain.map(0x22001000, 0x4700f000, 4 * K, UART)
    assert {rule for _, rule in scene.rules()} >= {"memattr", "s2ap", "xn", "class"}
    scene.plain.change(0x22001000, 3, clear=1)
    assert scene.rules() == []
    scene.tree.get("/chosen").props["xen,static-heap"] = u64(0x44000000, 48 * M)
    assert ("domU1", "static") in scene.rules()
    scene.tree.get("/chosen").props["xen,static-heap"] = u64(0x44000000, 80 * M)
    assert scene.rules() == []
    del scene.tree.get("/chosen").props["xen,static-heap"]
    del scene.tree.get("/chosen/domU1").props["vpl011"]
    assert {rule for _, rule in scene.rules()} >= {"memattr", "s2ap", "xn", "class"}


def test_vuart_hidden(scene):
    """While a character is received the page is away, and so are tables that only it needs."""
    scene.plain.change(0x22000000, 2, clear=1)
    assert scene.rules() == []
    scene.plain.change(0x40600000, 2, clear=1)
    scene.plain.used += 2
    assert scene.rules() == [("domU1", "tables")]
    scene.plain.used -= 2
    del scene.tree.get("/chosen/domU1").props["vpl011"]
    assert scene.rules() == [("domU1", "tables")]


def test_vuart_floats(scene):
    """A direct-map domain's vPL011 is anywhere when the host's console does not fill a page."""
    scene.tree.get("/pl011@9000000").props["reg"] = u64(0x9000000, 0x800)
    assert scene.rules() == []
    scene.direct.change(0x9000000, 3, clear=1)
    scene.direct.map(0x22000000, 0x47001000, 4 * K, UART)
    assert scene.rules() == []


def test_memory_of_others(scene):
    """Memory that the tree keeps for somebody, even if nobody uses it; and the static heap."""
    static = node("domU8", ("xen,domain",), **{"xen,static-mem": u64(0x44200000, 4 * K)})
    scene.tree.get("/chosen").add(static)
    assert scene.rules() == [("domU1", "static")]
    static.props["xen,static-mem"] = u32(0x44200000, 4 * K)
    static.props.update({"#xen,static-mem-address-cells": u32(1),
                         "#xen,static-mem-size-cells": u32(1)})
    assert scene.rules() == [("domU1", "static")]
    scene.tree.get("/chosen").remove(static)
    scene.tree.memreserve = [(0x44200000, 4 * K)]
    assert scene.rules() == [("domU1", "reserved")]
    scene.tree.get("/chosen/domU1").add(node("module@1", ("multiboot,module",),
                                             (0x44200000, 4 * K)))
    assert scene.rules() == []
    scene.tree.get("/chosen").props["xen,static-heap"] = u64(0x45000000, 64 * M)
    assert set(scene.rules()) == {("domU1", "static")}
    scene.tree.get("/chosen").props["xen,static-heap"] = u64(0x44000000, 80 * M)
    assert scene.rules() == []
    scene.tree.get("/chosen").props["xen,static-heap"] = u64(0x44000000, 64 * M)
    assert set(scene.rules()) == {("domU1", "static"), ("domU2", "static")}     # the shares


def test_gicv3(scene):
    """Redistributors and the rest of a GICv3."""
    gic = scene.tree.get("/intc@8000000")
    gic.props.update({"compatible": string("arm,gic-v3"), "#redistributor-regions": u32(2),
                      "reg": u64(0x8000000, 64 * K, 0x8100000, M, 0x8200000, M, 0x8010000, 8 * K,
                                 0x8030000, 64 * K, 0x8040000, 64 * K)})
    assert scene.rules() == []
    for base in (0x8000000, 0x8100000, 0x8200000, 0x8010000, 0x8030000):
        scene.plain.map(0x41000000, base, 4 * K, GICV)
        assert scene.rules() == [("domU1", "gic")]


def test_tables_of_others(scene):
    """Another domain's tables, and a pool page that no table uses."""
    for base in (scene.direct.root, scene.direct.pool[0], scene.direct.pool[0] + 15 * 4 * K):
        scene.plain.map(0x41000000, base, 4 * K, NORMAL)
        assert scene.rules() == [("domU1", "hypervisor")]


def make_el2(memory):
    """EL2's tables: a heap page in the linear area, one in a window. In Corbel's layout."""
    walk = Tables(memory, "EL2", 0, ipa_bits=48, level=0)
    walk.map(0x400000000000 + EL2_HEAP, EL2_HEAP, 4 * K, AF)
    walk.map(0x800080400000, 0x44000000, 4 * K, AF)
    return walk.root


def test_el2_heap(scene):
    """With EL2's root, all of its heap is out of bounds; what a window shows is not."""
    root = make_el2(scene.memory)
    assert scene.rules("--el2-root", "%#x" % root) == []
    scene.plain.map(0x41000000, EL2_HEAP, 4 * K, NORMAL)
    assert scene.rules() == []
    assert scene.rules("--el2-root", "%#x" % root) == [("domU1", "hypervisor")]


REGISTERS = {
    "vttbr-root": ("vttbr", lambda t: t.vttbr ^ 0x10000, "vttbr"),
    "vmid-twice": ("vttbr", lambda t: t.root | 1 << 48, "vmid"),
    "t0sz": ("vtcr", lambda t: t.vtcr & ~0x3f | 35, "vtcr"),
    "sl0": ("vtcr", lambda t: t.vtcr | 0xc0, "vtcr"),
    "tg0": ("vtcr", lambda t: t.vtcr | 1 << 14, "vtcr"),
    "sh0": ("vtcr", lambda t: t.vtcr & ~(1 << 12), "vtcr"),
    "ps": ("vtcr", lambda t: t.vtcr | 7 << 16, "vtcr"),
    "res1": ("vtcr", lambda t: t.vtcr & ~(1 << 31), "vtcr"),
    "ds": ("vtcr", lambda t: t.vtcr | 1 << 32, "vtcr"),
}


@pytest.mark.parametrize("case", REGISTERS)
def test_register(scene, case):
    """VTCR and VTTBR of the second domain."""
    name, value, rule = REGISTERS[case]
    setattr(scene.devices, name, value(scene.devices))
    found = [found for _, found in scene.rules() if found not in ("tables", "share")]
    assert found == [rule]


def test_output_size(scene):
    """A leaf beyond the output addresses that VTCR allows; one below is fine."""
    scene.tree.get("/memory@40000000").props["reg"] = u64(RAM, 2 * G, 4 * G, G)
    scene.plain.map(0x41000000, 4 * G, 4 * K, NORMAL)
    assert scene.rules() == []
    scene.plain.vtcr &= ~(7 << 16)
    assert scene.rules() == [("domU1", "descriptor")]


def test_root_alignment(scene):
    """Concatenated tables begin at a multiple of their size."""
    report = scene.plain.report()
    second = scene.plain.root + 4 * K
    scene.plain.lines = [line.replace("%010x" % scene.plain.root, "%010x" % second)
                         .replace("%#x" % scene.plain.vttbr, "%#x" % (second | 1 << 48))
                         for line in report]
    found = [rule for name, rule in scene.rules() if name == "domU1" and
             rule not in ("tables", "share")]
    assert found == ["vtcr"]


def test_reported_tables(scene):
    """A table that the report does not know, and a report that was cut short."""
    slot = scene.plain.slot(0x40600000, 2)
    table = scene.memory.get(slot) & 0xfffffffff000
    scene.plain.used -= 1
    last = scene.plain.pool[0] + scene.plain.used * 4 * K
    assert scene.rules() == [("domU1", "tables")]
    scene.plain.lines = scene.plain.report()[:3] + [
        "domU1: p2m: tables from %#012x on are not shown" % last]
    assert scene.rules() == []
    elsewhere = TABLES + M - 4 * K
    size = 4 * K
    scene.memory.bytes[elsewhere - TABLES:] = \
        scene.memory.bytes[table - TABLES:table - TABLES + size]
    scene.memory.put(slot, elsewhere | 3)
    assert scene.rules() == [("domU1", "tables")]


def test_table_twice(scene):
    """Two entries that lead to one table."""
    scene.plain.change(0x40800000, 2, put=scene.memory.get(scene.plain.slot(0x40600000, 2)))
    assert scene.rules() == [("domU1", "table")]


@pytest.mark.parametrize("bits,level,root_pages", [
    (32, 1, 1), (40, 1, 2), (43, 1, 16), (34, 2, 16), (30, 2, 1), (44, 0, 1), (48, 0, 1)])
def test_geometry(tmp_path, bits, level, root_pages):
    """Start levels and concatenated roots: leaves at both ends, of every size."""
    scene = Scene(tmp_path)
    tables = Tables(scene.memory, "domU1", 1, bits, level)
    tables.map(0, 0x44000000, 4 * K, NORMAL)
    top = (1 << bits) - 4 * M
    tables.map(top, 0x44400000, 2 * M, NORMAL)
    tables.map((1 << bits) - 4 * K, 0x44200000, 4 * K, NORMAL)
    expected = [(0, 4 * K), (top, 2 * M), ((1 << bits) - 4 * K, 4 * K)]
    if level < 2:
        tables.map(G, 4 * G, G, NORMAL)
        scene.tree.get("/memory@40000000").props["reg"] = u64(RAM, 2 * G, 4 * G, G)
        expected.insert(1, (G, G))
    scene.plain = tables
    scene.devices.used = scene.direct.used = 0
    scene.devices.lines = scene.direct.lines = ["nothing"]
    for child in scene.tree.get("/chosen/domU1").children[:]:
        scene.tree.get("/chosen/domU1").remove(child)
    result = scene.run()
    assert result["violations"] == []
    assert tables.root_size == root_pages * 4 * K
    domain = result["domains"][0]
    assert (domain["ipa_bits"], domain["start_level"]) == (bits, level)
    assert [(r["ipa"], r["size"]) for r in domain["regions"]] == expected


def test_level_0_block(tmp_path):
    """There are no leaves at level 0."""
    scene = Scene(tmp_path)
    scene.plain = Tables(scene.memory, "domU1", 1, 48, 0)
    scene.memory.put(scene.plain.root + 8, 1 << 39 | NORMAL | 1)
    for child in scene.tree.get("/chosen/domU1").children[:]:
        scene.tree.get("/chosen/domU1").remove(child)
    assert [rule for _, rule in scene.rules() if rule != "share"] == ["descriptor"]


def test_last_report_counts(scene):
    """Of several reports the last; a destroyed domain is not looked at; guests cannot write one."""
    old = scene.plain.report()
    scene.plain.lines = [line.replace("VTCR 0x", "VTCR 0xf") for line in old[:2]] + old
    scene.direct.lines = scene.direct.report() + ["domU3: destroyed, 4096 KiB freed"]
    scene.log.append("domU9: p2m root without numbers")
    assert [domain["name"] for domain in scene.run()["domains"]] == ["domU1", "domU2"]
    log = scene.folder / "log"
    log.write_text(log.read_text().replace("(corbel)", "(domU1)"))
    command = [str(TOOL), "--dtb", str(scene.folder / "host.dtb"), "--log", str(log),
               "--ram", "%s@0" % (scene.folder / "ram")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "no domain" in done.stderr


def test_without_a_log(scene):
    """Roots and the image from the command line."""
    scene.run()
    ram = "%s@%#x" % (scene.folder / "ram", TABLES)
    words = [TOOL, "--dtb", scene.folder / "host.dtb", "--ram", ram,
             "--domain", "domU1=%#x,%#x" % (scene.plain.root, scene.plain.vtcr)]
    words = [str(word) for word in words]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "--image" in done.stderr
    assert subprocess.run(words + ["--image", "0x40000000+0x200000"], stdout=subprocess.DEVNULL,
                          check=False).returncode == 0
    assert subprocess.run(words + ["--image", "0x44000000+0x200000"], stdout=subprocess.DEVNULL,
                          check=False).returncode == 1
    scene.plain.map(0x41000000, scene.plain.pool[0], 4 * K, NORMAL)   # a table; no pool is known
    scene.run()
    done = subprocess.run(words + ["--image", "0x40000000+0x200000"], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 1 and "maps the hypervisor (tables of domU1)" in done.stdout


@pytest.mark.parametrize("words", [
    ["--domain", "x"], ["--domain", "x=1"], ["--domain", "x=1,y"], ["--ram", "file"],
    ["--partial", "x"], ["--shared", "12"], ["--image", "all"]])
def test_usage(words):
    """What cannot be meant."""
    done = subprocess.run([str(TOOL), "--dtb", "x", "--ram", "x@0", *words], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 2 and "expected" in done.stderr


def test_missing_input(scene):
    """Files that are not there, and a partial tree for nobody."""
    scene.run()
    words = [str(TOOL), "--dtb", str(scene.folder / "host.dtb"), "--ram", "/nowhere@0", "--log",
             str(scene.folder / "log")]
    assert subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == 2
    words[4] = "%s@0" % (scene.folder / "ram")
    words += ["--partial", "domU7=" + str(scene.folder / "part.dtb")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "no such domain" in done.stderr

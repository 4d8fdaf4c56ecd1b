# SPDX-License-Identifier: Apache-2.0
"""corbel-p2m-audit --smmu on stream tables made in smmu_scene: each violation is found."""
import subprocess

import pytest

from audit_scene import GICV, K, MMIO, NORMAL, TABLES, TOOL, UART, XN, leaf
import fdt
from fdt import empty, string, u32
import smmu_host
import smmu_regs
from smmu_scene import FB_STREAM, PCIE, SMMU, SmmuScene, spans, ste, uncached, unshared_tables

MSI_PAGE = leaf(0x0, 6, more=XN)
V2M = 0xd001000


@pytest.fixture
def scene(tmp_path):
    """A sound machine."""
    return SmmuScene(tmp_path)


def test_sound(scene):
    """All streams of domU2's devices walk its tables; nothing else does."""
    result = scene.run()
    assert result["violations"] == []
    assert spans(result) == [(*(PCIE[0], sum(PCIE) - 1), "domU2"), (FB_STREAM, FB_STREAM, "domU2")]
    first = result["smmus"][0]["attached"][0]
    assert (first["root"], first["vmid"]) == (scene.devices.root, 2)
    assert first["vtcr"] == scene.devices.vtcr & 0x7ffff
    assert first["slot"] == scene.entry(PCIE[0])


def test_text(scene):
    """What people read."""
    scene.run()
    words = [str(word) for word in (
        TOOL, "--dtb", scene.folder / "host.dtb", "--log", scene.folder / "log", "--ram",
        "%s@%#x" % (scene.folder / "ram", TABLES), "--partial",
        "domU2=%s" % (scene.folder / "part.dtb"), "--smmu", scene.folder / "regs")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "smmuv3@9050000: streams 0x100-0x2ff: domU2, tables %#x" % scene.devices.root \
        in done.stdout
    assert "3 domains, 1 SMMUs, 0 violations" in done.stdout
    scene.attach(7, ste(scene.plain))
    scene.run()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "violation: smmuv3@9050000: stream: stream 0x7 of nobody: translate (VMID 1)" \
        in done.stdout


@pytest.mark.parametrize("split", [6, 8, 10])
def test_two_levels(tmp_path, split):
    """All sizes of second-level tables; spans that are shorter than they might be."""
    scene = SmmuScene(tmp_path, split=split)
    assert scene.smmu_rules() == []
    index = FB_STREAM >> split
    slot = scene.level1 + 8 * index
    low = FB_STREAM & ((1 << split) - 1)
    word = scene.memory.get(slot)
    scene.memory.put(slot, word & ~31 | low.bit_length() + 1)   # just holds it
    assert scene.smmu_rules() == []
    scene.memory.put(slot, word & ~31 | low.bit_length())       # does not
    assert scene.smmu_rules() == ["attach"]
    scene.memory.put(slot, word & ~31 | split + 2)
    assert scene.smmu_rules() == ["attach", "strtab"]


def test_shared_second_level(scene):
    """Several first-level entries may lead to one table of equal entries."""
    table = scene.level2[PCIE[0] >> 8]
    scene.memory.put(scene.level1 + 8 * (1 + (PCIE[0] >> 8)), table | 9)
    assert scene.smmu_rules() == []


def test_linear(scene):
    """A linear table; streams beyond it abort."""
    scene.make_linear(10)
    for stream in range(PCIE[0], sum(PCIE)):
        scene.attach(stream, ste(scene.devices))
    assert scene.smmu_rules() == ["attach"]     # the frame buffer's stream is not in there
    del scene.tree.get("/fb@b000000").props["iommus"]
    assert scene.smmu_rules() == []
    scene.attach(0x3ff, ste(scene.devices, config=4))
    assert scene.smmu_rules() == ["stream"]


def test_vuart(scene):
    """Devices walk the CPUs' tables: the vPL011's registers must not be in there."""
    scene.tree.get("/chosen/domU2").props["vpl011"] = empty()
    assert scene.smmu_rules() == []
    scene.devices.map(0x22000000, 0x47002000, 4 * K, UART)
    assert set(scene.smmu_rules()) == {"vuart"}


ENTRIES = {
    "root": (lambda s: ste(s.devices, root=s.devices.root + 0x2000), "root"),
    "others-root": (lambda s: ste(s.plain, vmid=2), "root"),
    "vmid": (lambda s: ste(s.devices, vmid=3), "vmid"),
    "t0sz": (lambda s: ste(s.devices, vtcr=s.devices.vtcr + 1), "geometry"),
    "sl0": (lambda s: ste(s.devices, vtcr=s.devices.vtcr ^ 0x40), "geometry"),
    "ps": (lambda s: ste(s.devices, vtcr=s.devices.vtcr ^ 0x10000), "geometry"),
    "sh0": (lambda s: ste(s.devices, vtcr=s.devices.vtcr ^ 0x1000), "geometry"),
    "s2r": (lambda s: ste(s.devices, flags=1 << 51), "ste"),
    "s2s": (lambda s: ste(s.devices, flags=1 << 51 | 1 << 58 | 1 << 57), "ste"),
    "aa64": (lambda s: ste(s.devices, flags=1 << 58), "ste"),
    "endian": (lambda s: ste(s.devices, flags=1 << 51 | 1 << 58 | 1 << 52), "ste"),
    "ats": (lambda s: [w | (1 << 28 if i == 1 else 0) for i, w in enumerate(ste(s.devices))],
            "ste"),
    "bypass": (lambda s: ste(s.devices, config=4), "attach"),
    "abort": (lambda s: ste(s.devices, config=0), "attach"),
    "nested": (lambda s: ste(s.devices, config=7), "attach"),
    "none": (lambda s: [0] * 8, "attach"),
}


@pytest.mark.parametrize("case", ENTRIES)
def test_entry(scene, case):
    """One entry of an attached stream that is not what it should be."""
    make, rule = ENTRIES[case]
    scene.attach(FB_STREAM, make(scene))
    assert scene.smmu_rules() == [rule]


@pytest.mark.parametrize("config,bad", [(0, False), (1, False), (4, True), (5, True), (6, True)])
@pytest.mark.parametrize("stream", [0, 0xff, 0x300, 0xffff])
def test_stream_of_nobody(scene, stream, config, bad):
    """A stream that no tree names: only an abort will do."""
    scene.attach(stream, ste(scene.devices, config=config))
    assert scene.smmu_rules() == (["stream"] if bad else [])


def test_domain_that_ended(scene):
    """The streams of a domain that is no more abort, too."""
    scene.devices.lines = scene.devices.report() + ["domU2: destroyed, 4096 KiB freed"]
    found = [rule for rule in scene.rules() if rule[0] == scene.smmu.name]
    assert set(found) == {(scene.smmu.name, "stream")}


def test_bypass_by_configuration(scene):
    """corbel,no-iommu of a device or a domain, passthrough = "disabled"."""
    for stream in range(PCIE[0], sum(PCIE)):
        scene.attach(stream, ste(scene.devices, config=4))
    assert scene.smmu_rules() == ["attach"]
    scene.given.props["corbel,no-iommu"] = b""
    assert scene.smmu_rules() == []
    scene.attach(FB_STREAM, ste(scene.devices, config=4))
    assert scene.smmu_rules() == ["attach"]
    domain = scene.tree.get("/chosen/domU2")
    for name, value in (("corbel,no-iommu", b""), ("passthrough", string("disabled"))):
        domain.props[name] = value
        assert scene.smmu_rules() == []
        del domain.props[name]


def test_switched_off(scene):
    """Not enabled: GBPA decides."""
    scene.regs[0x20] = 0
    assert scene.smmu_rules() == ["attach", "stream"]
    scene.regs[0x44] |= 1 << 20
    assert scene.smmu_rules() == ["attach"]


def test_tables_out_of_place(scene):
    """Stream tables that are not in the dump; a format and a size that there are not."""
    good = scene.regs[0x88]
    for value in (2 << 16 | 16, 1 << 16 | 7 << 6 | 16):
        scene.regs[0x88] = value
        assert "strtab" in scene.smmu_rules()
    scene.regs[0x88] = good
    scene.memory.put(scene.level1 + 8, 0x1000 | 9)
    assert "strtab" in scene.smmu_rules()
    scene.set64(0x80, 0x1000)
    assert "strtab" in scene.smmu_rules()


def test_larger_than_streams(scene):
    """More bits than streams have."""
    scene.regs[0x4] = scene.regs[0x4] & ~0x3f | 15
    assert "strtab" in scene.smmu_rules()


def test_own_memory(scene):
    """Guests have neither the stream tables nor the queues."""
    for base in (scene.level1, scene.level2[PCIE[0] >> 8], scene.regs[0x90] & ~0xfff,
                 scene.regs[0xa0] & ~0xfff):
        scene.plain.map(0x41000000, base, 4 * K, NORMAL)
        assert scene.rules() == [("domU1", "hypervisor")]


def test_iommu_map_mask(scene):
    """Requester IDs whose masked bits are the same share a stream."""
    scene.bridge.props["iommu-map-mask"] = u32(0xff)
    found = scene.run()["violations"]
    assert [fault["rule"] for fault in found] == ["stream"]
    assert "streams 0x200-0x2ff of nobody" in found[0]["text"]


def test_unshared(scene):
    """Two roots, the same memory: nothing more, nothing less, no device."""
    assert scene.smmu_rules("--unshared") == ["root"]
    tables = unshared_tables(scene, scene.devices)
    assert scene.smmu_rules() == ["root"]
    assert scene.smmu_rules("--unshared") == []
    scene.tree.get("/chosen").props["xen,xen-bootargs"] = string(
        "dtuart=/pl011@9000000 iommu=verbose,no-sharept")
    assert scene.smmu_rules() == []
    tables.map(0x9010000, 0x9010000, 4 * K, MMIO)
    assert scene.smmu_rules() == ["unshared"]
    tables.change(0x9010000, 3, clear=1)
    tables.change(0x40200000, 2, clear=1)
    assert scene.smmu_rules() == ["unshared"]
    tables.change(0x40200000, 2, put=1)
    tables.change(0x40400000, 2, clear=0xfffff000, put=0x4a000000)
    assert scene.smmu_rules() == ["unshared"]


def test_unshared_by_report(scene):
    """The report names tables of their own: their root, geometry and pool."""
    tables = unshared_tables(scene, scene.devices)
    own = tables.report()[1].replace("p2m root", "p2m io root")
    scene.devices.lines = scene.devices.report() + [own]
    assert scene.smmu_rules() == []
    scene.attach(FB_STREAM, ste(scene.devices))
    assert scene.smmu_rules() == ["root"]
    scene.attach(FB_STREAM, ste(tables, root=tables.root + 0x2000))
    assert "root" in scene.smmu_rules()
    scene.attach(FB_STREAM, ste(tables, vtcr=tables.vtcr ^ 0x10000))
    assert "geometry" in scene.smmu_rules()
    scene.attach(FB_STREAM, ste(tables))
    scene.plain.map(0x41000000, tables.pool[0] + 15 * 4 * K, 4 * K, NORMAL)
    assert scene.rules() == [("domU1", "hypervisor")]


def test_unshared_tables_are_the_hypervisors(scene):
    """No guest has them."""
    tables = unshared_tables(scene, scene.devices)
    for base in (tables.root, tables.pool[0]):
        scene.plain.map(0x41000000, base, 4 * K, NORMAL)
        assert scene.rules("--unshared") == [("domU1", "hypervisor")]


def test_not_coherent_v3(scene):
    """An SMMUv3 without COHACC walks past the caches, and has to; also tables of its own."""
    scene.regs[0x0] &= ~(1 << 4)
    assert scene.smmu_rules() == ["geometry"]
    for stream in (*range(PCIE[0], sum(PCIE)), FB_STREAM):
        scene.attach(stream, ste(scene.devices, vtcr=uncached(scene.devices)))
    assert scene.smmu_rules() == []
    tables = unshared_tables(scene, scene.devices)
    assert "vtcr" not in scene.smmu_rules("--unshared")
    for stream in (*range(PCIE[0], sum(PCIE)), FB_STREAM):
        scene.attach(stream, ste(tables, vtcr=uncached(tables)))
    assert scene.smmu_rules("--unshared") == []


def with_msi(scene):
    """The root complex with its MSI frame, for domU2."""
    frame = scene.tree.get("/soc/behind@1000")
    frame.props["phandle"] = u32(51)
    scene.bridge.props["msi-map"] = u32(0, 51, 0, 0x10000)
    gic = scene.partial.root.add(fdt.Node("gic"))
    gic.add(fdt.Node("v2m@0", {"compatible": string("arm,gic-v2m-frame")}))


def test_msi_frame(scene):
    """The GICv2m frame that came with the root complex, in shared and in own tables."""
    scene.devices.map(0xd001000, V2M, 4 * K, MSI_PAGE)
    assert scene.rules() == [("domU2", "gic")]
    with_msi(scene)
    assert scene.rules() == []
    scene.devices.map(0xd001000, V2M, 4 * K, GICV)
    assert scene.rules() == [("domU2", "class")]
    scene.devices.map(0xd001000, V2M, 4 * K, MSI_PAGE)
    tables = unshared_tables(scene, scene.devices)
    assert scene.smmu_rules("--unshared") == ["unshared"]
    tables.map(0xd001000, V2M, 4 * K, MSI_PAGE)
    assert scene.smmu_rules("--unshared") == []
    scene.plain.map(0xd001000, V2M, 4 * K, MSI_PAGE)
    assert ("domU1", "gic") in scene.rules("--unshared")


# ---- input ----

def test_registers_as_text():
    """Comments, several units, and what cannot be read."""
    parsed = smmu_regs.parse("# by hand\nsmmu 0x9050000\n0x20 0xd # CR0\n\nsmmu 1\n0x80 5\n"
                             "0x84 1\n")
    assert [unit.base for unit in parsed] == [SMMU, 1]
    assert parsed[0].get32(0x20) == 0xd and parsed[1].get64(0x80) == 0x100000005
    assert smmu_regs.parse(parsed[1].text())[0].values == parsed[1].values
    with pytest.raises(ValueError, match="0x24 was not read"):
        parsed[0].get32(0x24)
    for text in ("0x20 1", "smmu", "smmu x", "smmu 1\n0x20", "smmu 1\n1 2 3"):
        with pytest.raises(ValueError, match="line"):
            smmu_regs.parse(text)


def test_collect():
    """What is asked of an SMMU, by its own identification."""
    asked = []

    def read(offset):
        asked.append(offset)
        return {0x20: 1 << 27 | 2, 0x24: 1 << 28 | 1}.get(offset, 0)
    smmu_regs.collect(2, read)
    assert asked == [0, 0x20, 0x24, 0x800, 0xc00, 0x804, 0xc04, 0x1000, 0x1800, 0x4000, 0x4020,
                     0x4024, 0x4030]
    assert set(smmu_regs.collect(3, lambda offset: offset)) == set(smmu_regs.V3)


def audit_words(scene, *more):
    """A command line; the scene's files are written."""
    scene.run()
    return [str(word) for word in (
        TOOL, "--dtb", scene.folder / "host.dtb", "--log", scene.folder / "log", "--ram",
        "%s@%#x" % (scene.folder / "ram", TABLES), "--smmu", scene.folder / "regs", *more)]


def test_missing_input(scene):
    """No partial tree, no registers, registers of somebody else."""
    words = audit_words(scene)
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "partial tree of domU2" in done.stderr
    words += ["--partial", "domU2=%s" % (scene.folder / "part.dtb")]
    for text, error in (("", "no registers of smmuv3@9050000"), ("smmu 0x5\n", "no SMMU at 0x5"),
                        ("smmu 0x9050000\n", "was not read")):
        (scene.folder / "regs").write_text(text)
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 2 and error in done.stderr


def test_disabled_smmu(scene):
    """An SMMU that is not in use is not asked for."""
    scene.smmu.props["status"] = string("disabled")
    assert smmu_host.units(scene.tree) == []

# SPDX-License-Identifier: Apache-2.0
"""corbel-check on good trees and on the whole corpus of malformed ones, built with ASan and UBSan.

The same cases go through the hypervisor itself in tests/qemu/test_corpus.py.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tools"), str(TOP / "tests")]
import corpus  # noqa: E402
import fdt  # noqa: E402
import mkdtb  # noqa: E402
import partdt  # noqa: E402
from corpus import MIB, damage  # noqa: E402

CHECKER = TOP / "build" / "tools" / "corbel-check-san"
MODULE = 0x50000000
IMAGE_SIZE = 0x80000

pytestmark = pytest.mark.skipif(not shutil.which(mkdtb.QEMU), reason="no QEMU")


@pytest.fixture(scope="session", autouse=True)
def checker():
    """Build the checker."""
    subprocess.run(["make", "-s", "-j2", "corbel-check-san"], cwd=TOP, check=True)


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    """What passes for the hypervisor's image: a header that names a size."""
    path = tmp_path_factory.mktemp("hv") / "image"
    header = bytearray(corpus.dummy_kernel())
    header[16:24] = IMAGE_SIZE.to_bytes(8, "little")
    path.write_bytes(header)
    return str(path)


def run(*args):
    """(exit code, standard output, standard error)."""
    done = subprocess.run([str(CHECKER), *map(str, args)], capture_output=True, text=True,
                          check=False, timeout=240)
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def check(config, tmp_path, image, *more):
    """Build a Config and check it: (exit code, report as an object)."""
    built = mkdtb.build(config, str(tmp_path))
    code, out, err = run(*built.check_args(image), "--json", *more)
    assert code in (0, 1), err
    return code, json.loads(out)


def refusals(report):
    """name -> line, as the hypervisor prints it."""
    return {dom["name"]: "%s: refused: %s" % (dom["name"], dom["error"]["line"])
            for dom in report["domains"] if not dom["starts"]}


def domain_of(report, name):
    """One domain's part of a report."""
    return next(dom for dom in report["domains"] if dom["name"] == name)


def entries(report, name, what):
    """Entries of a domain's address map whose name has WHAT."""
    return [entry for entry in domain_of(report, name)["map"] if what in entry["what"]]


# --- good configurations --------------------------------------------------------------------------

@pytest.mark.parametrize("gic", ["2", "3"])
def test_good_domains(tmp_path, image, gic):
    kit = corpus.Kit(gic=gic)
    names = list(corpus.BESIDE)
    config = mkdtb.Config(machine=mkdtb.Machine(gic=gic), domains=[corpus.good(kit)] + [
        corpus.BESIDE[name](kit) for name in names])
    code, report = check(config, tmp_path, image)
    assert code == 0, refusals(report)
    assert [dom["name"] for dom in report["domains"]] == ["good"] + names
    assert report["machine"]["gic"]["version"] == int(gic)
    assert report["machine"]["ram"] == [{"base": 0x40000000, "size": 2048 * MIB}]
    assert report["machine"]["hypervisor"] == {"base": mkdtb.HV_BASE, "size": IMAGE_SIZE}
    ram = entries(report, "good", "RAM")
    assert ram[0]["base"] == 0x40000000 and ram[0]["size"] == 16 * MIB
    assert ram[0]["memory_type"] == "Normal-WB" and ram[0]["access"] == "rwx"
    assert domain_of(report, "has-static")["host_ram"] == [
        {"base": corpus.STATIC_AT, "size": 16 * MIB}]
    if gic == "2":
        gicc = entries(report, "good", "GICC")[0]
        assert (gicc["memory_type"], gicc["access"]) == ("Device-nGnRnE", "rw-")
        assert gicc["host"] == 0x8040000


def test_assigned_device(tmp_path, image):
    """Class, attributes, host address and interrupt of a device, and the warning for it."""
    kit = corpus.Kit()
    config = mkdtb.Config(domains=[kit.given("domU1", partdt.pl031(gpa=0xc000000),
                                             partdt.virtio_mmio(3))])
    code, report = check(config, tmp_path, image)
    assert code == 0, refusals(report)
    rtc = next(e for e in domain_of(report, "domU1")["map"] if e["base"] == 0xc000000)
    assert (rtc["host"], rtc["size"], rtc["how"]) == (0x9010000, 0x1000, "mapped")
    assert (rtc["class"], rtc["memory_type"], rtc["access"]) == ("MMIO", "Device-GRE", "rw-")
    slot = next(e for e in domain_of(report, "domU1")["map"] if e.get("host") == 0xa000600)
    assert slot["how"] == "forwarded" and "class" not in slot
    irqs = [(irq["intid"], irq["level"]) for irq in domain_of(report, "domU1")["interrupts"]
            if irq["physical"]]
    assert sorted(irqs) == [(34, True), (51, False)]
    assert any("IOMMU" in note for note in domain_of(report, "domU1")["notes"])


def test_sram(tmp_path, image):
    """SRAM is memory unless the node forbids that."""
    kit = corpus.Kit()
    at, size = corpus.HOLE_AT, 2 * MIB
    config = mkdtb.Config(domains=[
        kit.given("domU1", partdt.sram(at, size, 0x9000000))],
        edits=[partdt.sram_edit(at, size)])
    code, report = check(config, tmp_path, image)
    assert code == 0, refusals(report)
    entry = next(e for e in domain_of(report, "domU1")["map"] if e["base"] == 0x9000000)
    assert (entry["host"], entry["class"], entry["access"]) == (at, "SRAM", "rwx")
    assert entry["memory_type"] == "Normal-WB"
    config.domains = [kit.given("domU1", partdt.sram(at, size, 0x9000000, wc=False))]
    config.edits = [partdt.sram_edit(at, size, wc=False)]
    _, report = check(config, tmp_path, image)
    entry = next(e for e in domain_of(report, "domU1")["map"] if e["base"] == 0x9000000)
    assert (entry["class"], entry["memory_type"], entry["access"]) == ("MMIO", "Device-GRE", "rw-")


@pytest.mark.parametrize("gic", ["2", "3"])
def test_direct_map(tmp_path, image, gic):
    """RAM, GIC and UART at the host's addresses, the UART with the host's interrupt."""
    kit = corpus.Kit(gic=gic)
    config = mkdtb.Config(machine=mkdtb.Machine(gic=gic), domains=[
        kit.domain("fixed", props=mkdtb.static_mem((0x70000000, 16 * MIB), direct_map=True)),
        kit.domain("found", 64, props={"direct-map": b""}), kit.domain("plain")])
    code, report = check(config, tmp_path, image)
    assert code == 0, refusals(report)
    for name in ("fixed", "found"):
        for entry in entries(report, name, "RAM"):
            assert entry["base"] == entry["host"]
        assert entries(report, name, "GICD")[0]["base"] == 0x8000000
        assert entries(report, name, "vPL011")[0]["base"] == 0x9000000
        assert domain_of(report, name)["interrupts"][0]["intid"] == 33
    assert entries(report, "fixed", "RAM")[0]["base"] == 0x70000000
    assert entries(report, "plain", "GICD")[0]["base"] == 0x3001000
    assert sum(entry["size"] for entry in entries(report, "found", "RAM")) == 64 * MIB


# --- SMMUs ----------------------------------------------------------------------------------------

SMMU = "/smmuv3@9050000"


def behind(kit, name, force=False, props=None, **device):
    """A domain with the PCIe root complex."""
    return kit.given(name, tree=partdt.pcie_tree(force=force, **device), props=props or {})


def smmu_config(*domains, edits=(), **more):
    """On QEMU's board with an SMMUv3."""
    return mkdtb.Config(machine=mkdtb.Machine(options=("iommu=smmuv3",)), domains=list(domains),
                        edits=list(edits), **more)


def test_protected_device(tmp_path, image):
    """Which SMMU covers a device, and by which streams."""
    kit = corpus.Kit()
    config = smmu_config(behind(kit, "domU1"))
    code, report = check(config, tmp_path, image)
    assert code == 0, refusals(report)
    assert report["machine"]["smmus"] == [{
        "path": SMMU, "kind": "SMMUv3", "regs": {"base": 0x9050000, "size": 0x20000},
        "interrupts": [106, 109], "driven": True}]
    assert domain_of(report, "domU1")["devices"] == [{
        "name": "pcie@10000000", "host_path": "/pcie@10000000", "protection": "smmu",
        "streams": [{"smmu": SMMU, "first": 0, "count": 0x10000, "mask": 0}]}]
    assert domain_of(report, "domU1")["notes"] == []
    built = mkdtb.build(config, str(tmp_path))
    out = run(*built.check_args(image))[1]
    assert re.search(r"^  SMMUv3 +0x0009050000 /smmuv3@9050000, interrupts 106, 109$", out, re.M)
    assert ("\n  device pcie@10000000: protected, behind /smmuv3@9050000, streams 0x0-0xffff\n"
            in out)


NOT_DRIVEN = [(["--smmu-not-driven", SMMU], "", "--smmu-not-driven"),
              ([], "iommu=off", "iommu=off")]


@pytest.mark.parametrize("args,bootargs,why", NOT_DRIVEN, ids=["option", "iommu=off"])
def test_smmu_that_is_not_driven(tmp_path, image, args, bootargs, why):
    """Refused with the reason; forced, with a warning that has it."""
    kit = corpus.Kit()
    config = smmu_config(behind(kit, "bare"), hv_bootargs=bootargs)
    code, report = check(config, tmp_path, image, *args)
    assert code == 1 and report["machine"]["smmus"][0]["why"] == why
    assert refusals(report)["bare"].endswith(
        "expected it there: %s is not driven: %s" % (SMMU, why))
    config.domains = [behind(kit, "forced", force=True)]
    code, report = check(config, tmp_path, image, *args)
    assert code == 0
    assert domain_of(report, "forced")["devices"][0]["protection"] == "none"
    assert domain_of(report, "forced")["notes"] == [
        "WARNING: pcie@10000000 is given away WITHOUT AN IOMMU (%s is not driven: %s): its DMA "
        "goes to host addresses, not to the domain's" % (SMMU, why)]
    assert any("iommu=off" in warning for warning in report["warnings"]) == bool(bootargs)


BYPASSES = [{"props": {"corbel,no-iommu": b""}}, {"props": {"passthrough": b"disabled\0"}}]


@pytest.mark.parametrize("more", BYPASSES, ids=["no-iommu", "passthrough"])
def test_let_pass_on_request(tmp_path, image, more):
    """Not refused, but not in silence either."""
    config = smmu_config(behind(corpus.Kit(), "domU1", **more))
    code, report = check(config, tmp_path, image)
    assert code == 0, refusals(report)
    device = domain_of(report, "domU1")["devices"][0]
    assert device["protection"] == "bypass" and device["streams"][0]["count"] == 0x10000
    assert domain_of(report, "domU1")["notes"] == [
        "WARNING: pcie@10000000 passes its IOMMU UNTRANSLATED: its DMA goes to host addresses, not "
        "to the domain's"]


def uncover(tree):
    """The bridge's bus 0 is behind no SMMU."""
    bridge = tree.get("/pcie@10000000")
    phandle = bridge.props["iommu-map"][4:8]
    bridge.props["iommu-map"] = fdt.u32(0x100) + phandle + fdt.u32(0x100, 0xff00)


def test_bridge_with_a_gap(tmp_path, image):
    """Forced, what an SMMU sees of it is protected."""
    config = smmu_config(behind(corpus.Kit(), "domU1", force=True), edits=[uncover])
    code, report = check(config, tmp_path, image)
    assert code == 0, refusals(report)
    device = domain_of(report, "domU1")["devices"][0]
    assert (device["protection"], device["unseen_requester"]) == ("smmu", 0)
    assert domain_of(report, "domU1")["notes"][0].startswith(
        "WARNING: pcie@10000000: no IOMMU sees requester ID 0x0: its DMA goes")


def test_limit_of_smmus(tmp_path, image):
    """Guest addresses beyond what SMMUs walk are refused; without a driven one they are not."""
    config = smmu_config(behind(corpus.Kit(), "domU1"))
    code, report = check(config, tmp_path, image, "--smmu-ipa-bits", "39")
    assert code == 1 and "0x8000000000" in refusals(report)["domU1"]
    config.domains[0] = behind(corpus.Kit(), "domU1", force=True)
    code, _ = check(config, tmp_path, image, "--smmu-ipa-bits", "39", "--smmu-not-driven", SMMU)
    assert code == 0


def test_policy(tmp_path, image):
    """What happens on faults, reboots and crashes."""
    kit = corpus.Kit()
    config = mkdtb.Config(domains=[corpus.good(kit), kit.domain("strict", props={
        "corbel,on-dma-fault": fdt.string("quarantine"), "corbel,on-reboot": fdt.string("restart"),
        "corbel,on-crash": fdt.string("host-reset"), "corbel,restart-limit": fdt.u32(5, 600),
        "corbel,pmu": fdt.string("off")})])
    code, report = check(config, tmp_path, image)
    assert code == 0, refusals(report)
    assert domain_of(report, "good")["policy"] == {
        "on_dma_fault": "log", "on_reboot": "halt", "on_crash": "halt", "restarts": 3,
        "restart_seconds": 60, "watchdog": "none", "pmu": "on"}
    assert domain_of(report, "strict")["policy"] == {
        "on_dma_fault": "quarantine", "on_reboot": "restart", "on_crash": "host-reset",
        "restarts": 5, "restart_seconds": 600, "watchdog": "none", "pmu": "off"}
    out = run(*mkdtb.build(config, str(tmp_path)).check_args(image))[1]
    assert ("\n  on DMA fault quarantine, on reboot restart, on crash host-reset, at most 5 "
            "restarts in 600 s, no PMU\n" in out)


def test_watchdog(tmp_path, image):
    """Where the frames are and which interrupt they have; calls of the firmware have neither."""
    kit = corpus.Kit()
    config = mkdtb.Config(domains=[
        kit.domain("frames", props={"corbel,watchdog": fdt.string("sbsa-gwdt")}),
        kit.domain("calls", props={"corbel,watchdog": fdt.string("smc-wdt")}),
        kit.domain("native", props={"corbel,watchdog": fdt.string("sbsa-gwdt"),
                                    "direct-map": b""})])
    code, report = check(config, tmp_path, image)
    assert code == 0, refusals(report)
    for name in ("frames", "native"):
        assert [(e["base"], e["size"], e["how"]) for e in entries(report, name, "watchdog")] == [
            (0x10000, 0x20000, "emulated")]
        irqs = [irq for irq in domain_of(report, name)["interrupts"] if not irq["physical"]]
        assert [irq["device"] for irq in irqs] == ["vPL011", "watchdog"]
        assert len({irq["intid"] for irq in irqs}) == 2
        assert domain_of(report, name)["policy"]["watchdog"] == "sbsa-gwdt"
    assert not entries(report, "calls", "watchdog")
    assert domain_of(report, "calls")["policy"]["watchdog"] == "smc-wdt"
    out = run(*mkdtb.build(config, str(tmp_path)).check_args(image))[1]
    assert "\n  interrupt 33: watchdog\n" in out and ", watchdog smc-wdt\n" in out


def test_text_report(tmp_path, image):
    """What people read: the machine, the map, the refusal in the hypervisor's words."""
    kit = corpus.Kit()
    bad = kit.domain("bad", props={"memory": fdt.u64(0)})
    built = mkdtb.build(mkdtb.Config(domains=[corpus.good(kit), bad]), str(tmp_path))
    code, out, _ = run(*built.check_args(image))
    assert code == 1
    assert re.search(r"^machine: linux,dummy-virt, 2 CPUs, \d+ KiB for domains$", out, re.M)
    assert re.search(r"^  0x0040000000-0x0040ffffff mapped +RAM +Normal-WB +rwx .*RAM bank 0$",
                     out, re.M)
    assert re.search(r"^bad: refused: /chosen/bad: memory = <0x0 0x0>: expected .+$", out, re.M)
    assert out.endswith("\n1 domain would start, 1 refused\n")


# --- what the checker has of its own --------------------------------------------------------------

def test_module_not_given(tmp_path):
    """Without its file a kernel cannot be checked, unless that is asked for."""
    kit = corpus.Kit()
    config = mkdtb.Config(domains=[kit.given("domU1", partdt.pl031())])
    built = mkdtb.build(config, str(tmp_path))
    code, out, _ = run(built.dtb)
    assert code == 1
    assert re.search(r"^domU1: refused: /chosen/domU1/module@50000000: reg = 0x50000000\+0x8000: "
                     r"expected its file: --module 0x50000000=FILE$", out, re.M)
    code, out, _ = run(built.dtb, "--no-modules")
    assert code == 0
    assert "warning: domU1: its partial device tree is not given: no device of it is checked" in out


def test_names_and_pools(tmp_path, image):
    """Equal names are numbered as at boot; a refused CPU pool takes its domains along."""
    kit = corpus.Kit()
    config = mkdtb.Config(domains=[kit.domain("dom@1"), kit.domain("dom@2"), kit.domain("pooled")],
                          edits=[mkdtb.cpupool_edit("pool1", [0]),
                                 mkdtb.cpupool_edit("pool2", [0], domains=("pooled",))])
    code, report = check(config, tmp_path, image)
    assert code == 1
    assert [dom["name"] for dom in report["domains"]] == ["dom", "dom.2", "pooled"]
    assert report["pool_errors"] == [
        "CPU pool pool2 refused: a CPU of it is in another pool, or too many pools"]
    assert domain_of(report, "pooled")["error"]["property"] == "domain-cpupool"


def test_boot_options_and_notes_are_warnings(tmp_path, image):
    config = mkdtb.Config(domains=[corpus.good(corpus.Kit())], hv_bootargs="sched=null nonsense=1")
    code, report = check(config, tmp_path, image)
    assert code == 0
    assert any("nonsense=1" in warning for warning in report["warnings"])


USAGE = [([], "HOST.dtb"), (["/does/not/exist"], "cannot be read"),
         (["x", "y"], "second host tree"), (["x", "--module"], "a value"),
         (["x", "--module", "0x1000"], "ADDR=FILE"), (["x", "--module", "=f"], "number"),
         (["x", "--cpu-pa-bits", "64"], "range"), (["x", "--gic-lines", "0"], "range"),
         (["x", "--smmu-ipa-bits", "49"], "range"),
         (["x", *["--smmu-not-driven", "/smmu"] * 17], "too many"),
         (["x", "--bogus", "1"], "unknown option"),
         (["x", "--hypervisor", "0=" + __file__], "Image")]


@pytest.mark.parametrize("args,why", USAGE, ids=[" ".join(a[:3]) or "none" for a, _ in USAGE])
def test_usage(args, why):
    code, _, err = run(*args)
    assert code == 2 and why in err


def test_host_trees_that_cannot_be_used(tmp_path):
    path = tmp_path / "x.dtb"
    path.write_bytes(b"garbage" * 100)
    code, _, err = run(path)
    assert code == 2 and "damaged" in err
    tree = mkdtb.dump_tree(mkdtb.Machine())
    tree.root.remove(tree.get("/intc@8000000"))
    path.write_bytes(tree.pack())
    code, _, err = run(path)
    assert code == 2 and "GIC" in err
    tree = mkdtb.dump_tree(mkdtb.Machine())
    tree.root.remove(tree.get("/memory@40000000"))
    path.write_bytes(tree.pack())
    code, _, err = run(path)
    assert code == 2 and "no memory" in err


# --- the corpus -----------------------------------------------------------------------------------

def test_corpus_is_large_enough():
    assert len(corpus.refused_of(corpus.CASES)) >= 45
    assert len({item.name for item in corpus.CASES}) == len(corpus.CASES)
    assert all(len(item.name) < 32 for item in corpus.CASES)


@pytest.mark.parametrize("item", corpus.CASES, ids=lambda item: item.name)
def test_corpus(item, tmp_path, image):
    """Refused in one exact line, and nobody else is."""
    kit = corpus.Kit(gic=item.gic or "3")
    code, report = check(corpus.config_of([item], kit), tmp_path, image)
    lines = refusals(report)
    assert list(lines) == corpus.refused_of([item]), lines
    assert code == (1 if lines else 0)
    if not lines:
        return
    assert re.fullmatch(item.pattern(), lines[item.name]), lines[item.name]
    error = domain_of(report, item.name)["error"]
    assert error["node"][0] == "/"
    assert "%(node)s: %(property)s = %(value)s: expected %(expected)s" % error == error["line"]


def test_damaged_trees(tmp_path):
    """Two hundred trees with faults by chance, always the same ones."""
    victims = damage.Victims(str(tmp_path), 4)
    faults = [victims.run() for _ in range(200)]
    assert not any(faults), [fault for fault in faults if fault]

# SPDX-License-Identifier: Apache-2.0
"""A device does DMA to all that is not its domain's: nothing is written, nothing is leaked.

The device is QEMU's edu, the domain a payload that is told on its console what edu shall do. Memory
is looked at from outside, through QEMU's monitor: edu itself reports every transfer as done.
"""
import os
import re
import subprocess
from dataclasses import dataclass

import pytest

import harness
import pci
from audited import Audited, Saved, el2_root
from harness import HV, mkdtb, payload
import bench_run
import bench_smmu
import fdt
import partdt
from p2m_walk import el2_frames

EL2_LASTING = 0x0000800080000000
EL2_TEXT = "800000000000:800000200000"
IMAGE_MAGIC = 0x38          # of the arm64 Image header: text that nobody executes
MIB = 1 << 20
RAM_BASE, RAM_SIZE = 0x40000000, 16 * MIB   # of the payloads, as they see it
PATTERN = 0xd0d0cafe
UNTOUCHED = 0x1111111111111111              # what edu has before it reads
OTHERS_OFFSET = 12 * MIB    # where a payload has nothing
STRTAB_BASE = pci.SMMU_BASE + 0x80
GICD_PRIORITIES = 0x8000420                 # of SPIs that nobody uses
GIC_MORE = {"2": 0x8030000, "3": 0x80a0000}     # GICH, GICR
HOLE, FAR = 0xf000000, 1 << 43
STATIC_BASE = 0x68000000    # where no module is
HOOK = 8 * MIB              # offset in the domain's RAM of the page that comes and goes


@dataclass
class Target:
    """An address that edu must not reach. memory: there are 8 bytes whose value is known."""
    name: str
    address: int
    memory: bool = True


def hexes(vm, pattern):
    """The groups of the last match in the hypervisor's log, as numbers."""
    found = re.findall(pattern, vm.text(HV), re.M)
    assert found, "not in the log: " + pattern
    last = found[-1] if isinstance(found[-1], tuple) else (found[-1],)
    return [int(word, 16) for word in last]


def image_of(vm):
    """Where the hypervisor is."""
    return hexes(vm, r"image (0x\w+)\+(0x\w+)$")


def tables_of(vm, name):
    """Root table and pool (base, size) of a domain."""
    return hexes(vm, name + r": p2m root (0x\w+)\+0x\w+, pool (0x\w+)\+(0x\w+), ")


def ram_of(vm, name):
    """Guest and host address of a domain's RAM."""
    return hexes(vm, name + r": p2m (0x\w+)-0x\w+ -> (0x\w+) RAM ")


def filled(saved, base, size=4096):
    """Address of the first 8 bytes from BASE on that are not zero; None: all are."""
    words = saved.words(base, size // 8)
    return next((base + 8 * i for i, word in enumerate(words) if word), None)


def heap_word(vm, saved):
    """Something in a frame that EL2 maps lastingly as heap, by its own tables."""
    base, size = image_of(vm)
    frames = el2_frames(saved, el2_root(base), EL2_LASTING)
    found = [filled(saved, frame) for frame, _ in frames if frame >= base + size]
    return next(address for address in reversed(found) if address)


def memory_targets(vm, folder):
    """What is in RAM: read it, and the guests and the hypervisor are known."""
    saved = Saved(vm, str(folder))
    root, pool, pool_size = tables_of(vm, "domU1")
    other = ram_of(vm, "domU2")[1]
    return [
        Target("text", image_of(vm)[0] + IMAGE_MAGIC),
        Target("heap", heap_word(vm, saved)),
        Target("table", filled(saved, root)),
        Target("pool", filled(saved, pool)),
        Target("table-end", root + 0xff8),
        Target("pool-end", pool + pool_size - 8),
        Target("other-image", other + IMAGE_MAGIC),
        Target("other-ram", other + OTHERS_OFFSET)]


def register_targets(vm, gic):
    """What is no RAM, and what only machines with an SMMU have."""
    stream_table = pci.value(vm, STRTAB_BASE) & 0xfffffffffffc0
    return [
        Target("stream-table", stream_table),
        Target("smmu", STRTAB_BASE),
        Target("gicd", GICD_PRIORITIES),
        Target("gic-more", GIC_MORE[gic], memory=False),
        Target("hole", HOLE, memory=False),
        Target("far", FAR, memory=False)]


def config(gic, direct=True, smmu=True, force=False, props=None, args="", bootargs="", **more):
    """A domain with the root complex and an edu, and another domain; one CPU.

    The monitor's and edu's accesses to a GICv2 with more than one CPU would end QEMU.
    """
    mine = pci.dma_payload("domU1", args, direct=direct, force=force or not smmu)
    mine.props.update(props or {})
    out = mkdtb.Config(machine=pci.machine(gic, smmu, smp=1, ram="1G", **more),
                       qemu_args=pci.edu(), domains=[mine, payload("domU2", "payload",
                                                                   "test=echo")])
    out.hv_bootargs += " corbel,p2m-report " + bootargs
    return out


def started(boot, conf, limit=90):
    """Boot; both domains run. Returns the machine and its edu."""
    vm = boot(conf, limit=limit)
    edu = pci.Edu(vm)
    vm.expect("domU2", r"^ECHO-READY", 20)
    return vm, edu


def check_other(vm):
    """The other domain runs on: it answers."""
    vm.run("domU2", "still here", r"^ECHO still here")


def host_address(vm, ipa, name="domU1"):
    """Where an address of a domain's RAM is."""
    guest, host = ram_of(vm, name)
    return ipa - guest + host


def check_own(vm, edu):
    """Positive control: the domain's own RAM is written and read."""
    written = edu.write(edu.own)
    assert written >> 32 == PATTERN
    assert edu.page() == written == pci.value(vm, host_address(vm, edu.own))
    assert edu.read(edu.own) == written


def fault_lines(vm, operation, address):
    """Reports of one access of the domain's edu."""
    return re.findall(r"^.*domU1: DMA fault: /pcie@10000000 stream 0x%x %s 0x%x: .*$" % (
        pci.stream(pci.EDU), operation, address), vm.text(HV), re.M)


def check_refused(vm, edu, target):
    """Nothing is read, nothing is written."""
    secret = pci.value(vm, target.address) if target.memory else None
    got = edu.read(target.address)
    assert got in (0, UNTOUCHED), target.name
    written = edu.write(target.address)
    if target.memory:
        assert pci.value(vm, target.address) == secret != written, target.name


def check_reported(vm, target):
    """Both accesses, once each, with what there is to know."""
    for operation in ("read", "write"):
        lines = fault_lines(vm, operation, target.address)
        assert len(lines) == 1, (target, operation, lines)
        assert "nothing mapped there" in lines[0]


@pytest.mark.fast
@pytest.mark.parametrize("gic", ["2", "3"])
def test_damage_without_smmu(boot, tmp_path, gic):
    """No SMMU, and the domain gets the device all the same: all is leaked and written."""
    vm, edu = started(boot, config(gic, smmu=False))
    check_own(vm, edu)
    targets = memory_targets(vm, tmp_path)
    for target in targets:
        assert edu.read(target.address) == pci.value(vm, target.address), target.name
    for target in targets:
        if target.name in ("text", "table-end", "pool-end", "other-ram"):
            assert edu.write(target.address) == pci.value(vm, target.address), target.name


@pytest.mark.fast
@pytest.mark.parametrize("gic,direct", [("2", True), ("3", False)])
def test_confined(boot, tmp_path, gic, direct):
    """With the SMMU nothing is leaked, nothing is written, everything is reported, once."""
    vm, edu = started(boot, config(gic, direct), limit=150)
    check_own(vm, edu)
    targets = memory_targets(vm, tmp_path / "saved") + register_targets(vm, gic)
    own, size = ram_of(vm, "domU1")[0], RAM_SIZE
    for target in targets:
        if own <= target.address < own + size:      # such an address is the domain's own RAM
            secret = pci.value(vm, target.address)
            written = edu.write(target.address)
            assert pci.value(vm, target.address) == secret
            assert pci.value(vm, host_address(vm, target.address)) == written
        else:
            check_refused(vm, edu, target)
    foreign = [target for target in targets if not own <= target.address < own + size]
    pages = {target.address // 4096: target for target in reversed(foreign)}
    assert len(pages) >= 11
    for target in pages.values():       # repeated accesses to a page are counted, not told
        check_reported(vm, target)
    check_own(vm, edu)
    check_other(vm)
    audited(vm, tmp_path / "dump")


# ---- kinds of SMMU and CPU ----

@pytest.mark.fast
def test_stage1_only(boot):
    """An SMMU without stage 2 is not driven, in one line; the domain is told, the other runs."""
    vm = boot(config("3", board="virt-9.1"), limit=60)
    vm.expect(HV, r"/smmuv3@9050000: not driven: no stage 2 translation", 30)
    vm.expect(HV, r"domU1: refused: /passthrough/pcie@10000000: xen,force-assign-without-iommu = "
              r"\(missing\): expected .*no stage 2", 30)
    vm.expect("domU2", r"^ECHO-READY", 20)


MACHINES = {
    "stage-2-only": ({"board": "virt-9.1"}, ["-global", "arm-smmuv3.stage=2"]),
    "cpu-max": ({"cpu": "max"}, []),
    "cpu-a710": ({"cpu": "cortex-a710"}, []),
}


@pytest.mark.fast
@pytest.mark.parametrize("case", MACHINES)
def test_machines(boot, tmp_path, case):
    """Stage 2 alone; a CPU with more address bits than the SMMU has, and one with fewer."""
    options, args = MACHINES[case]
    conf = config("3", direct=False, **options)
    conf.qemu_args += args
    vm, edu = started(boot, conf)
    check_own(vm, edu)
    other = ram_of(vm, "domU2")[1] + OTHERS_OFFSET
    check_refused(vm, edu, Target("other-ram", other))
    check_reported(vm, Target("other-ram", other))
    found = Audited(vm, str(tmp_path / "dump")).json()
    assert found["violations"] == []
    fields = found["smmus"][0]["attached"][0]["vtcr"]
    assert 64 - (fields & 0x3f) <= 44       # T0SZ
    assert fields >> 16 <= 4                # PS: 44 bits


@pytest.mark.fast
def test_whole_window_refused(boot):
    """The whole 32-bit window covers the vPL011 of a domain without the host's addresses."""
    conf = config("3")
    conf.domains[0] = pci.dma_payload("domU1", mem32=partdt.PCIE_MEM32)
    vm = boot(conf, limit=60)
    vm.expect(HV, r"domU1: refused: .*0x10000000.*vPL011", 30)
    vm.expect("domU2", r"^ECHO-READY", 20)


# ---- what is attached is what is audited ----

@pytest.mark.fast
def test_audit_catches(boot, tmp_path):
    """Altered entries of a running machine's stream table are found in its dump."""
    vm, _ = started(boot, config("2", direct=False))
    audited = Audited(vm, str(tmp_path / "dump"))
    slot = audited.json()["smmus"][0]["attached"][0]["slot"]
    for word, mask, rule in ((3, 1 << 12, "root"), (2, 1, "vmid"), (2, 1 << 32, "geometry"),
                             (2, 1 << 58, "ste"), (0, 1, "attach"), (0, 4, "attach")):
        audited.flip(slot + 8 * word, mask)
        assert rule in {fault["rule"] for fault in audited.json()["violations"]}
        audited.flip(slot + 8 * word, mask)
    assert audited.json()["violations"] == []


def audited(vm, folder):
    """The audit of a machine with domU1 attached: no violation. Returns the two roots."""
    found = Audited(vm, str(folder)).json()
    assert found["violations"] == []
    run, = found["smmus"][0]["attached"]
    assert (run["first"], run["last"], run["domain"]) == (0, 0xffff, "domU1")
    own, = [domain for domain in found["domains"] if domain["name"] == "domU1"]
    return run["root"], own["root"]


@pytest.mark.fast
@pytest.mark.parametrize("bootargs", ["", "iommu=no-sharept"], ids=["shared", "unshared"])
def test_built_again(boot, tmp_path, bootargs):
    """One root for CPU and SMMU, or two with the same memory; so, too, after the debug key r."""
    vm, edu = started(boot, config("2", direct=False, bootargs=bootargs,
                                   props={"corbel,on-reboot": b"restart\0"}))
    other = Target("other-ram", ram_of(vm, "domU2")[1] + OTHERS_OFFSET)
    for life in ("first", "second"):
        check_own(vm, edu)
        check_refused(vm, edu, other)
        roots = audited(vm, tmp_path / life)
        assert (roots[0] == roots[1]) == (not bootargs)
        if life == "first":
            vm.send(HV, "r")
            edu = pci.Edu(vm, again=True)
            vm.send(HV, "p")
            vm.expect(HV, r"domU2: p2m 0x.* RAM .*\n", 20)
    check_other(vm)


# ---- who is protected ----

UNPROTECTED = {
    "no-iommu": ({"props": {"corbel,no-iommu": b""}}, r"UNTRANSLATED: its DMA reaches all"),
    "disabled": ({"props": {"passthrough": b"disabled\0"}}, r"UNTRANSLATED: its DMA reaches all"),
    "off": ({"bootargs": "iommu=off", "force": True}, r"WITHOUT AN IOMMU"),
    "not-driven": ({"board": "virt-9.1", "force": True}, r"WITHOUT AN IOMMU .*no stage 2"),
}


@pytest.mark.fast
@pytest.mark.parametrize("case", UNPROTECTED)
def test_unprotected(boot, tmp_path, case):
    """Where the configuration says so its DMA goes everywhere, with a warning."""
    options, warning = UNPROTECTED[case]
    vm, edu = started(boot, config("3", **options))
    vm.never(HV, r"DMA fault")
    assert len(re.findall(r"domU1: WARNING: pcie@10000000 .*" + warning, vm.text(HV))) == 1
    check_own(vm, edu)
    other = ram_of(vm, "domU2")[1] + OTHERS_OFFSET
    assert edu.write(other) == pci.value(vm, other)
    if "props" in options:
        found = Audited(vm, str(tmp_path / "dump")).json()
        assert found["violations"] == [] and found["smmus"][0]["attached"] == []


@pytest.mark.fast
@pytest.mark.parametrize("more", [{"force": True}, {"props": {"passthrough": b"enabled\0"}}],
                         ids=["forced", "enabled"])
def test_protected(boot, more):
    """A device behind an SMMU that is driven is protected, forced or not."""
    vm, edu = started(boot, config("3", **more))
    vm.never(HV, r"WARNING: pcie")
    check_own(vm, edu)
    other = Target("other-ram", ram_of(vm, "domU2")[1] + OTHERS_OFFSET)
    check_refused(vm, edu, other)
    check_reported(vm, other)


def other_streams(tree):
    """The host's tree says of edu's requester ID that it is another stream: 0x1000."""
    node, smmu = tree.get("/pcie@10000000"), tree.phandle(tree.get("/smmuv3@9050000"))
    edu = pci.stream(pci.EDU)
    node.props["bus-range"] = fdt.u32(0, 0xf)
    node.props["iommu-map"] = fdt.u32(0, smmu, 0, edu, edu, smmu, 0x1000, 1,
                                      edu + 1, smmu, edu + 1, 0xfff - edu)


@pytest.mark.fast
def test_stream_of_nobody(boot, tmp_path):
    """A stream that no tree names does DMA: it aborts, and is reported as nobody's."""
    conf = config("2")
    conf.edits.append(other_streams)
    conf.domains[0].modules[-1] = mkdtb.device_tree(partdt.pcie_tree(
        mem32=partdt.PCIE_MEM32, ecam=(partdt.PCIE_ECAM[0], 0x1000000), last_bus=0xf))
    vm, edu = started(boot, conf)
    own = host_address(vm, edu.own)
    before = pci.value(vm, own)
    edu.write(edu.own)
    assert pci.value(vm, own) == before
    vm.expect(HV, r"SMMU /smmuv3@9050000: DMA of stream 0x20, which nobody was given, refused", 20)
    found = Audited(vm, str(tmp_path / "dump")).json()
    assert found["violations"] == []
    assert [(run["first"], run["last"]) for run in found["smmus"][0]["attached"]] == \
        [(0, 0x1f), (0x21, 0x1000)]


# ---- faults ----

@pytest.mark.fast
def test_quarantine(boot):
    """After the first fault of a stream nothing of it passes any more."""
    vm, edu = started(boot, config("3", props={"corbel,on-dma-fault": b"quarantine\0"}))
    check_own(vm, edu)
    edu.write(HOLE)
    vm.expect(HV, r"domU1: stream 0x20 of /pcie@10000000 is in quarantine", 20)
    before = pci.value(vm, host_address(vm, edu.own))
    edu.write(edu.own)
    assert pci.value(vm, host_address(vm, edu.own)) == before
    check_other(vm)


@pytest.mark.fast
def test_crash(boot):
    """A fault ends the domain, if it is to."""
    vm, edu = started(boot, config("2", props={"corbel,on-dma-fault": b"crash\0"}))
    vm.send("domU1", "w %#x\n" % HOLE)
    vm.expect(HV, r"domU1: crashed: DMA fault of /pcie@10000000", 20)
    vm.expect(HV, r"domU1: destroyed", 30)
    check_other(vm)
    assert edu.own


@pytest.mark.fast
@pytest.mark.parametrize("gic", ["2", "3"])
def test_end_under_dma(boot, tmp_path, gic):
    """A domain ends while its device writes: its streams abort, then its RAM goes back, clean."""
    vm, edu = started(boot, config(gic))
    page = host_address(vm, edu.own)
    last = edu.last(edu.own)
    vm.expect(HV, r"domU1: destroyed", 30)
    vm.never(HV, r"(?i)lost|not stopped", during=0.5)
    assert pci.value(vm, page) != last
    found = Audited(vm, str(tmp_path / "dump")).json()
    assert found["violations"] == [] and found["smmus"][0]["attached"] == []
    check_other(vm)


# ---- a page that comes and goes under DMA ----

def hooked(gic="3", bootargs="", nvme=None, **more):
    """A domain that may unmap a page of its RAM, by the debug hook."""
    static = mkdtb.static_mem((STATIC_BASE, RAM_SIZE), direct_map=True)
    conf = config(gic, bootargs=bootargs, args="page=%#x" % (STATIC_BASE + HOOK), props={
        **static, "corbel,debug-hook": mkdtb.u64(STATIC_BASE + HOOK, 0x10000)}, **more)
    conf.qemu_args += pci.nvme(nvme) if nvme else []
    return conf


@pytest.mark.fast
def test_hook(boot):
    """100 times: after the unmap has returned, no DMA reaches the page's frame."""
    vm, edu = started(boot, hooked(), limit=200)
    assert edu.hook(100) == [100, 100, 0]
    check_other(vm)


@pytest.mark.fast
def test_hook_without_invalidation(boot):
    """The same finds what happens when the SMMU is not told."""
    vm, edu = started(boot, hooked(bootargs="iommu=debug-no-inval"))
    rounds, arrived, escaped = edu.hook(5)
    assert (rounds, arrived) == (5, 5) and escaped == 5


@pytest.mark.full
@pytest.mark.parametrize("gic", ["2", "3"])
def test_hook_nvme(boot, tmp_path, gic):
    """10,000 times with a master that copies at once."""
    path = tmp_path / "nvme"
    path.write_bytes(bytes(16 * MIB))
    vm, edu = started(boot, hooked(gic, nvme=path), limit=900)
    assert edu.hook(10000, "nvme") == [10000, 10000, 0]
    check_other(vm)


@pytest.mark.full
def test_hook_nvme_without_invalidation(boot, tmp_path):
    """And that one finds it as well."""
    path = tmp_path / "nvme"
    path.write_bytes(bytes(16 * MIB))
    vm, edu = started(boot, hooked(nvme=path, bootargs="iommu=debug-no-inval"))
    assert edu.hook(20, "nvme") == [20, 20, 20]
    check_other(vm)


# ---- a storm ----

STORM_MS = 4000
STORM_LINES = 40
STORM_SHARE = 0.05


def elcount():
    """The plugin that counts instructions."""
    subprocess.run(["make", "-s", "-C", os.path.join(harness.ROOT, "tools", "plugin")], check=True)
    return os.path.join(harness.BUILD, "plugin", "elcount.so")


@pytest.mark.parametrize("gic", [
    pytest.param("2", marks=pytest.mark.full), pytest.param("3", marks=pytest.mark.fast)])
def test_storm(boot, tmp_path, gic):
    """4 KiB transfers that all fail, 1024 events each: few lines, little of the CPU's time."""
    plugin = elcount()
    counts = tmp_path / "counts"
    conf = config(gic)      # a domain that reads its console all the time would be most of EL2
    conf.domains[1] = payload("domU2", "payload", "test=spin seconds=100000 period_ms=200")
    conf.qemu_args += ["-icount", "shift=3,sleep=off", "-plugin", "%s,out=%s,el2=%s" % (
        plugin, counts, EL2_TEXT)] + pci.trace(tmp_path / "trace", "smmuv3_record_event")
    vm = boot(conf, limit=200)
    edu = pci.Edu(vm)
    before = vm.text(HV).count("\n")
    transfers = edu.storm(STORM_MS, HOLE)
    assert transfers >= STORM_MS // 150
    assert vm.text(HV).count("\n") - before <= STORM_LINES
    guest, el2, _ = map(int, re.search(r"^region 0 (\d+) (\d+) (\d+)", counts.read_text(),
                                       re.M).groups())
    assert el2 / (guest + el2) <= STORM_SHARE
    events = (tmp_path / "trace").read_text("latin1").count("smmuv3_record_event")
    assert events >= 1024 * transfers
    check_own(vm, edu)
    vm.expect("domU2", r"^SPIN cpu0", 20)
    edu.write(HOLE + 0x100000)      # somebody still listens
    vm.expect(HV, r"domU1: DMA fault: .* write 0x%x: " % (HOLE + 0x100000), 20)


@pytest.mark.full
def test_costs():
    """A disk read costs as much behind the SMMU as with iommu=off; a build a few commands.
    Measured on the release image."""
    bench_run.build_release()
    bench_run.check_inputs("corbel")
    figures = bench_smmu.measure()
    print("\n".join(bench_smmu.report(figures)))
    assert figures["ratio"] <= bench_smmu.TARGET
    assert 0 < figures["build"]["smmu"]["commands"] <= 64
    assert figures["build"]["off"]["commands"] == 0

# SPDX-License-Identifier: Apache-2.0
"""The stage-2 tables of running domains, walked in a memory dump by tools/corbel-p2m-audit.

A configuration is a line in CONFIGS. The tables are read where the report says they are, and as
much of the hypervisor as EL2's own tables need; the machine stands still meanwhile.
"""
import json
import os
import re
import shutil
import struct
import subprocess

import pytest

import harness
from harness import HV, mkdtb, payload

TOOL = os.path.join(harness.ROOT, "tools", "corbel-p2m-audit")
NM = os.environ.get("NM", "aarch64-linux-gnu-nm")
IMAGE_LINK_ADDRESS = 0x0000800000000000
# What the report calls what the audit sees as numbers.
CLASSES = ("RAM", "RAM-RO", "SRAM", "MMIO", "GIC", "MMIO-NC")
MEMATTRS = {0xF: "normal WB", 0x5: "normal NC", 0x3: "device GRE", 0x0: "device nGnRnE"}
REGION = re.compile(r"(\S+): p2m 0x([0-9a-f]+)-0x([0-9a-f]+) -> 0x([0-9a-f]+) (\S+) +(\S{3}) "
                    r"(.*), (\d+) leaves up to (\d+) KiB$", re.M)


def echo(name, **more):
    """A small domain that stays."""
    return payload(name, "payload", "test=echo", **more)


def plain(_machine):
    """Two domains, RAM and what the GIC needs."""
    return mkdtb.Config(domains=[echo("domU1"), echo("domU2", cpus=2)])


# name: what makes a Config for a Machine
CONFIGS = {
    "plain": plain,
}


class Audited:
    """A machine that is stopped, its dump in FOLDER, and the tool's words about it."""

    def __init__(self, vm, folder):
        self.vm, self.folder = vm, folder
        self.log = vm.text(HV)
        self._words = [TOOL, "--dtb", os.path.join(harness.TREES, vm.name + ".dtb")]
        self._write("log", self.log.encode("latin1"))
        self._words += ["--log", self._path("log")]
        image = self._hexes(r"image 0x(\S+)\+0x(\S+)$")[0]
        tables = self._hexes(r"p2m root 0x(\S+)\+0x(\S+), pool 0x(\S+)\+0x(\S+), ")
        ranges = {image, *(row[:2] for row in tables), *(row[2:] for row in tables)}
        vm.qmp.command("stop")
        for base, size in sorted(ranges):
            size = (size + 4095) & ~4095
            vm.qmp.command("pmemsave", val=base, size=size, filename=self._path("%x" % base))
            self._words += ["--ram", "%s@%#x" % (self._path("%x" % base), base)]
        vm.qmp.command("cont")
        for domain in vm.config.domains:
            for module in domain.modules:
                if module.kind == "device-tree":
                    self._words += ["--partial", "%s=%s" % (domain.name, module.path)]
        self._words += self._el2_root(image[0])

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _write(self, name, content):
        with open(self._path(name), "wb") as file:
            file.write(content)

    def _hexes(self, pattern):
        rows = re.findall(pattern, self.log, re.M)
        assert rows, "not in the log: " + pattern
        return [tuple(int(word, 16) for word in row) for row in rows]

    @staticmethod
    def _el2_root(image):
        """Where EL2's tables are, when the image is one that was built here."""
        elf = harness.HV_IMAGE["corbel"] + ".elf"
        if not os.path.exists(elf) or not shutil.which(NM):
            return []
        symbols = subprocess.run([NM, elf], check=True, capture_output=True, text=True).stdout
        address = int(re.search(r"^(\w+) . main_l0$", symbols, re.M).group(1), 16)
        return ["--el2-root", "%#x" % (address - IMAGE_LINK_ADDRESS + image)]

    def run(self):
        """(violations, domains by name) of the tool."""
        done = subprocess.run(self._words + ["--json"], capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        result = json.loads(done.stdout)
        assert done.returncode == (1 if result["violations"] else 0)
        return result["violations"], {domain["name"]: domain for domain in result["domains"]}

    def flip(self, slot, mask):
        """Flip bits of the descriptor at physical address SLOT, in the dump."""
        for word in self._words[self._words.index("--ram"):]:
            path, at, base = word.rpartition("@")
            if at and 0 <= slot - int(base, 0) < os.path.getsize(path):
                with open(path, "r+b") as file:
                    file.seek(slot - int(base, 0))
                    pte = struct.unpack("<Q", file.read(8))[0]
                    file.seek(slot - int(base, 0))
                    file.write(struct.pack("<Q", pte ^ mask))
                return
        raise AssertionError("no dump has %#x" % slot)


def boot_reported(boot, gic, name):
    """Boot a configuration whose maps are printed."""
    machine = mkdtb.Machine(gic=gic, smp=2, ram="512")
    config = CONFIGS[name](machine)
    config.machine = machine
    config.hv_bootargs = mkdtb.HV_BOOTARGS + " corbel,p2m-report"
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
    """With these bits of its first leaf flipped a region is one violation; and back again."""
    audited.flip(region["slot"], mask)
    found = audited.run()[0]
    assert [fault["rule"] for fault in found] == [rule], found
    assert found[0]["ipa"] == region["ipa"]
    audited.flip(region["slot"], mask)
    assert audited.run()[0] == []


@pytest.mark.fast
@pytest.mark.parametrize("gic", ["2", "3"])
@pytest.mark.parametrize("name", CONFIGS)
def test_audit(boot, tmp_path, name, gic):
    """No violation; the report says what the tables say; an altered leaf of each kind is found."""
    vm = boot_reported(boot, gic, name)
    audited = Audited(vm, str(tmp_path))
    violations, domains = audited.run()
    assert violations == []
    assert set(domains) == {domain.name for domain in vm.config.domains}
    for domain in domains.values():
        assert [as_reported(region) for region in domain["regions"]] == \
            reported(audited.log, domain["name"])
    by_class = {region["class"]: region for domain in domains.values()
                for region in domain["regions"]}
    assert 0 in by_class and (gic != "2" or 4 in by_class)
    for region in by_class.values():
        assert_caught(audited, region, 1 << 3, "memattr")
        assert_caught(audited, region, 1 << 54, "xn")
    shutil.rmtree(tmp_path)


@pytest.mark.fast
def test_key(boot, tmp_path):
    """The debug key prints the same, and a new report takes the place of the old one."""
    vm = boot_reported(boot, "3", "plain")
    first = reported(vm.text(HV), "domU2")
    vm.send(HV, "p")
    vm.expect(HV, r"domU2: p2m VMID (?s:.*)domU2: p2m 0x.*leaves.*\n", 20)
    assert reported(vm.text(HV), "domU2") == first * 2
    assert Audited(vm, str(tmp_path)).run()[0] == []
    shutil.rmtree(tmp_path)

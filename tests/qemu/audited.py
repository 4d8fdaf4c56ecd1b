# SPDX-License-Identifier: Apache-2.0
"""A running machine's memory as files, for tools/corbel-p2m-audit.

What the report names is saved: the hypervisor's image, roots and pools of the domains. With SMMUs,
their registers and whatever their tables lead to, found by the tool's own walkers.
"""
import json
import os
import re
import shutil
import struct
import subprocess

import harness
from harness import HV
import fdt
import smmu_host
import smmu_regs
import smmu_walk
from p2m_walk import Dump, Vtcr, Walker

TOOL = os.path.join(harness.ROOT, "tools", "corbel-p2m-audit")
NM = os.environ.get("NM", "aarch64-linux-gnu-nm")
IMAGE_LINK_ADDRESS = 0x0000800000000000
PAGE = 0x1000
VTCR_RES1 = 1 << 31


class Saved(Dump):
    """A Dump that saves what is asked for, when it is."""

    def __init__(self, vm, folder):
        super().__init__()
        self.vm, self.folder = vm, folder
        self.files = []     # (path, base)
        os.makedirs(folder, exist_ok=True)

    def save(self, base, size):
        """Save whole pages; False where there is no memory."""
        path = os.path.join(self.folder, "%x" % base)
        try:
            self.vm.qmp.command("pmemsave", val=base, size=(size + PAGE - 1) // PAGE * PAGE,
                                filename=path)
        except RuntimeError:
            return False
        self.add(path, base)
        self.files.append((path, base))
        return True

    def words(self, address, count):
        """COUNT 64-bit words at an address, or None."""
        found = super().words(address, count)
        base = address // PAGE * PAGE
        if found is None and self.save(base, address + 8 * count - base):
            found = super().words(address, count)
        return found


def el2_root(image):
    """Where EL2's tables are, when the image is one that was built here; else None."""
    elf = harness.HV_IMAGE["corbel"] + ".elf"
    if not os.path.exists(elf) or not shutil.which(NM):
        return None
    symbols = subprocess.run([NM, elf], check=True, capture_output=True, text=True).stdout
    address = int(re.search(r"^(\w+) . main_l0$", symbols, re.M).group(1), 16)
    return address - IMAGE_LINK_ADDRESS + image


class Audited:
    """A machine that is stopped, its dump in FOLDER, and the tool's words about it."""

    def __init__(self, vm, folder):
        self.vm, self.folder = vm, folder
        self.log = vm.text(HV)
        self.saved = Saved(vm, folder)
        tree = os.path.join(harness.TREES, vm.name + ".dtb")
        self._words = [TOOL, "--dtb", tree]
        self._write("log", self.log.encode("latin1"))
        self._words += ["--log", self._path("log")]
        image = self._hexes(r"image 0x(\S+)\+0x(\S+)$")[0]
        tables = self._hexes(r"p2m root 0x(\S+)\+0x(\S+), pool 0x(\S+)\+0x(\S+), ")
        vm.qmp.command("stop")
        for base, size in sorted({image, *(row[:2] for row in tables),
                                  *(row[2:] for row in tables)}):
            self.saved.save(base, size)
        with open(tree, "rb") as file:
            self._smmus(smmu_host.units(fdt.Tree(file.read())))
        vm.qmp.command("cont")
        for path, base in self.saved.files:
            self._words += ["--ram", "%s@%#x" % (path, base)]
        for domain in vm.config.domains:
            for module in domain.modules:
                if module.kind == "device-tree":
                    self._words += ["--partial", "%s=%s" % (domain.name, module.path)]
        root = el2_root(image[0])
        self._words += ["--el2-root", "%#x" % root] if root else []

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _write(self, name, content):
        with open(self._path(name), "wb") as file:
            file.write(content)

    def _hexes(self, pattern):
        rows = re.findall(pattern, self.log, re.M)
        assert rows, "not in the log: " + pattern
        return [tuple(int(word, 16) for word in row) for row in rows]

    def _smmus(self, units):
        """Registers of the SMMUs; what their tables lead to is saved by looking at it."""
        text = ""
        for unit in units:
            values = smmu_regs.collect(
                unit.kind, lambda offset, at=unit.base: self.vm.qmp.words(at + offset)[0])
            registers = smmu_regs.Registers(unit.base, values)
            text += registers.text()
            for run in smmu_walk.read(unit.kind, registers, self.saved).runs:
                if run.context:
                    Walker(self.saved, run.context.root,
                           Vtcr(run.context.vtcr | VTCR_RES1)).run()
        if text:
            self._write("smmu", text.encode())
            self._words += ["--smmu", self._path("smmu")]

    def json(self):
        """All that the tool has to say."""
        done = subprocess.run(self._words + ["--json"], capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        result = json.loads(done.stdout)
        assert done.returncode == (1 if result["violations"] else 0)
        return result

    def run(self):
        """(violations, domains by name) of the tool."""
        result = self.json()
        return result["violations"], {domain["name"]: domain for domain in result["domains"]}

    def flip(self, slot, mask):
        """Flip bits of the 64-bit word at physical address SLOT, in the dump."""
        found = False
        for path, base in self.saved.files:
            if 0 <= slot - base < os.path.getsize(path):
                with open(path, "r+b") as file:
                    file.seek(slot - base)
                    word = struct.unpack("<Q", file.read(8))[0]
                    file.seek(slot - base)
                    file.write(struct.pack("<Q", word ^ mask))
                found = True
        assert found, "no dump has %#x" % slot

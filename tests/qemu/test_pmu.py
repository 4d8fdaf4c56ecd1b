# SPDX-License-Identifier: Apache-2.0
"""Performance monitors of several guests at once: each counts its own, some have none."""
import re

import pytest

from harness import mkdtb, payload
import fdt

ICOUNT = ["-icount", "shift=3,sleep=off", "-rtc", "clock=vm"]


@pytest.mark.parametrize("gic", ["2", "3"])
def test_moves(boot, gic):
    """Three domains on two CPUs count at once, the third from when the others have begun."""
    config = mkdtb.Config(machine=mkdtb.Machine(gic=gic, smp=2, ram="1G"), domains=[
        payload(f"domU{i}", "payload", "test=pmumove wait=%u" % (500 * (i == 3)))
        for i in (1, 2, 3)])
    vm = boot(config, limit=90)
    for i in (1, 2, 3):
        passed, failed = vm.tap(f"domU{i}", 60)
        assert failed == []
        assert len(passed) == 5


@pytest.mark.parametrize("gic", ["2", "3"])
def test_shared(boot, gic):
    """Two domains on one CPU: the cycles of each are what it had of it, one of them has no PMU."""
    config = mkdtb.Config(machine=mkdtb.Machine(gic=gic, smp=1, ram="1G"), domains=[
        payload("domU1", "payload", "test=pmumove"),
        payload("domU2", "payload", "test=pmumove"),
        payload("domU3", "payload", "test=pmuoff", props={"corbel,pmu": fdt.string("off")})])
    config.qemu_args += ICOUNT
    vm = boot(config, limit=90)
    for name, checks in (("domU1", 5), ("domU2", 5), ("domU3", 24)):
        passed, failed = vm.tap(name, 60)
        assert failed == []
        assert len(passed) == checks
    for name in ("domU1", "domU2"):
        cycles, elapsed = map(int, re.search(r"^# cycles (\d+) in (\d+) ms$", vm.text(name),
                                             re.M).groups())
        assert 0.3 < cycles / 1e6 / elapsed < 0.7, "QEMU's CPUs have 1 GHz"

# SPDX-License-Identifier: Apache-2.0
"""The EL1 payload's own checks, as a domU on both GICs, and on bare QEMU as a positive control."""
import os
import time

import pytest

from harness import HV, mkdtb, payload

GROUPS = {
    "traps": 1, "gic": 2, "irqs": 1, "gicsmp": 2, "timer": 1, "psci": 1, "pscismp": 2, "smp": 4,
    "mem": 1, "tree": 2, "uart": 1, "debug": 1, "pmu": 1, "pmusmp": 2,
}


def run_group(boot, hv, group, gic, cpu="cortex-a57", vcpus=1, smp=2):
    """Boot one group of checks; all must pass."""
    config = mkdtb.Config(machine=mkdtb.Machine(gic=gic, cpu=cpu, smp=smp, ram="1G"),
                          domains=[payload("domU1", "payload", "test=" + group, cpus=vcpus)])
    if hv == "none":
        config.machine.smp = vcpus
        config.machine.ram = "64"
    vm = boot(config, limit=60, hv=hv)
    passed, failed = vm.tap("domU1", 50)
    assert failed == []
    assert passed


@pytest.mark.fast
@pytest.mark.parametrize("gic", ["2", "3"])
@pytest.mark.parametrize("group", GROUPS)
def test_payload(boot, hv, group, gic):
    """One group under the hypervisor."""
    run_group(boot, hv, group, gic, vcpus=GROUPS[group])


@pytest.mark.fast
def test_sleep_ends(boot):
    """Another vCPU changes the state of the interrupt that a sleeper waits for: no sleep lasts.

    With more vCPUs than CPUs. CORBEL_WAKE_SECONDS: for longer than CI has time.
    """
    seconds = int(os.environ.get("CORBEL_WAKE_SECONDS", "10"))
    config = mkdtb.Config(machine=mkdtb.Machine(gic="3", ram="1G"), domains=[
        payload("domU1", "payload", "test=gicwake seconds=%d" % seconds, cpus=4)])
    vm = boot(config, limit=seconds + 90)
    passed, failed = vm.tap("domU1", seconds + 60)
    assert failed == []
    assert len(passed) == 9


@pytest.mark.parametrize("gic", ["2", "3"])
def test_debug_moves(boot, gic):
    """Three domains on two CPUs use breakpoints at once; each hits its own, wherever it runs."""
    config = mkdtb.Config(machine=mkdtb.Machine(gic=gic, smp=2, ram="1G"),
                          domains=[payload(f"domU{i}", "payload", "test=dbgmove")
                                   for i in (1, 2, 3)])
    vm = boot(config, limit=90)
    for i in (1, 2, 3):
        vm.expect(f"domU{i}", "DBGMOVE", 30)
    while not any(all(f"domU{i}: vCPU0: running, resident on {cpu}," in vm.text(HV)
                      for cpu in (0, 1)) for i in (1, 2, 3)):
        assert time.monotonic() < vm.deadline, "each stayed on its CPU: nothing was tested"
        vm.send(HV, "q")
        time.sleep(0.2)
        vm.pump()
    for i in (1, 2, 3):
        vm.send(f"domU{i}", "x")
        passed, failed = vm.tap(f"domU{i}", 60)
        assert failed == []
        assert len(passed) == 2
        vm.expect(HV, f"domU{i}: destroyed", 30)     # the input has moved on


@pytest.mark.full
@pytest.mark.parametrize("cpu", ["cortex-a53", "cortex-a72", "cortex-a76", "neoverse-n1", "max"])
@pytest.mark.parametrize("group", GROUPS)
def test_payload_cpus(boot, hv, group, cpu):
    """One group on another CPU model, all vCPUs on one CPU."""
    run_group(boot, hv, group, "3", cpu, GROUPS[group], smp=1)


@pytest.mark.full
@pytest.mark.parametrize("gic", ["2", "3"])
@pytest.mark.parametrize("group", GROUPS)
def test_payload_bare(boot, group, gic):
    """The same without a hypervisor: what fails here is the payload's or QEMU's fault."""
    run_group(boot, "none", group, gic, vcpus=max(GROUPS[group], 1))

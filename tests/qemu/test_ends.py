# SPDX-License-Identifier: Apache-2.0
"""How domains end: power-off, panic, crashes. Each is reported and touches nobody else."""
import re

import pytest

from harness import GUEST_PANIC_ARGS, HV, linux, mkdtb, payload
from witness import assert_witness, beside_witness


@pytest.mark.fast
def test_poweroff_one(boot):
    """poweroff -f in one domU shuts that one down; its memory comes back; the other works on."""
    config = mkdtb.Config(domains=[linux("domU1"), linux("domU2")])
    vm = boot(config, limit=120)
    vm.shell("domU1", 90)
    vm.shell("domU2", 90)
    vm.send("domU1", "poweroff -f\n")
    vm.expect(HV, r"domU1: powered off by PSCI SYSTEM_OFF", 20)
    vm.expect(HV, r"domU1: destroyed", 20)
    vm.run("domU2", "echo still-$((1+1))", r"^still-2$")
    free = vm.frames(2)
    assert len(free) == 2 and free[1] - free[0] >= 128 * 1024


@pytest.mark.fast
def test_frames_return(boot):
    """Two equal domains end one after the other: each gives back the same amount."""
    config = mkdtb.Config(domains=[
        payload("domU1", "payload", "test=echo"), payload("domU2", "payload", "test=echo"),
        payload("domU3", "payload", "test=echo")])
    vm = boot(config, limit=60)
    vm.expect(HV, r"boot: 3 domains started", 40)
    for name in ("domU1", "domU2"):
        vm.run(name, "quit", r"^ECHO quit$")
        vm.expect(HV, name + r": destroyed", 20)
    vm.run("domU3", "hello", r"^ECHO hello$")
    free = vm.frames(3)
    assert len(free) == 3 and free[1] - free[0] == free[2] - free[1] >= 16 * 1024


@pytest.mark.fast
def test_guest_panic(boot):
    """A kernel panic with panic=1 ends in a reset, reported with registers and last lines."""
    vm = beside_witness(boot, linux("domU2", bootargs=GUEST_PANIC_ARGS), 90)
    vm.shell("domU2", 80)
    vm.send("domU2", "echo c >/proc/sysrq-trigger\n")
    vm.expect(HV, r"domU2: reset by PSCI SYSTEM_RESET", 30)
    vm.expect(HV, r"domU2: vCPU0: PC 0x[0-9a-f]{16}", 10)
    vm.expect(HV, r"domU2: last console lines", 10)
    vm.expect(HV, r"domU2: \| .*Rebooting in 1 sec", 10)
    vm.expect(HV, r"domU2: destroyed", 20)
    assert_witness(vm)


@pytest.mark.fast
@pytest.mark.parametrize("how,report", [
    ("store", r"domU2: vCPU0: unhandled data abort: write of 4 bytes at IPA 0x30000000"),
    ("load", r"domU2: vCPU0: unhandled data abort: read of 4 bytes at IPA 0x30000000"),
    ("jump", r"domU2: vCPU0: unhandled instruction abort at IPA 0x30000000"),
])
def test_guest_crash(boot, how, report):
    """A store to a hole, a load, a wild jump: one readable block, and an abort for the guest."""
    vm = beside_witness(boot, payload("domU2", "payload", "test=crash crash=" + how))
    vm.expect(HV, report, 20)
    vm.expect(HV, r"domU2: vCPU0: .*PC 0x[0-9a-f]+", 10)
    vm.expect("domU2", r"UNEXPECTED exception: vCPU0 slot 4 ESR 0x[89]6[0-9a-f]*[15]0 "
              r".*FAR 0x30000000", 20)
    vm.expect(HV, r"domU2: powered off by PSCI SYSTEM_OFF", 20)
    assert_witness(vm)


@pytest.mark.fast
def test_guest_crash_loop(boot):
    """A guest whose vectors lie in a hole aborts forever: few reports, and the CPU is shared."""
    vm = beside_witness(boot, payload("domU2", "payload", "test=crash crash=vectors"))
    vm.expect(HV, r"domU2: vCPU0: unhandled", 20)
    for _ in range(3):
        vm.never(HV, "(?i)panic:", during=0.5)
        assert_witness(vm)
    assert vm.text(HV).count("domU2: vCPU0: unhandled") <= 20


@pytest.mark.fast
def test_linux_hole(boot):
    """Linux that stores to a hole gets its bus error and lives."""
    vm = beside_witness(boot, linux("domU2"), 90)
    vm.shell("domU2", 80)
    vm.run("domU2", "busybox devmem 0x30000000 32 1; echo rc=$?", r"rc=\d+|Bus error|abort", 20)
    vm.expect(HV, r"domU2: vCPU0: unhandled data abort: write of 4 bytes at IPA 0x30000000", 10)
    vm.run("domU2", "echo alive-$((2+3))", r"^alive-5$")
    assert_witness(vm)


@pytest.mark.fast
def test_unknown_calls(boot):
    """A thousand unknown hypercalls: answered, and not a thousand lines in the log."""
    vm = beside_witness(boot, payload("domU2", "payload", "test=crash crash=calls"))
    assert vm.tap("domU2", 30)[1] == []
    assert len(re.findall(r"domU2:", vm.text(HV))) < 60
    assert_witness(vm)


@pytest.mark.fast
def test_payload_reset(boot):
    """SYSTEM_RESET without a restart policy shuts the domain down."""
    vm = beside_witness(boot, payload("domU2", "payload", "test=crash crash=reset"))
    vm.expect(HV, r"domU2: reset by PSCI SYSTEM_RESET", 20)
    vm.expect(HV, r"domU2: destroyed", 20)
    assert_witness(vm)

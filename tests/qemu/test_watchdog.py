# SPDX-License-Identifier: Apache-2.0
"""corbel,watchdog: whoever does not refresh it has crashed. docs/lifecycle.md."""
import re

import pytest

from harness import EXACT_TIME, HV, linux, mkdtb, payload
from mkdtb import empty, string
from test_restart import assert_heart, check_lives, live, with_policy
from witness import WITNESS, assert_witness, beside_witness

KINDS = {"sbsa-gwdt": "sbsa_gwdt", "smc-wdt": "arm_smc_wdt"}   # and Linux' drivers


def guarded(domain, kind, direct=False, **policy):
    """A domain with a watchdog."""
    domain.props["corbel,watchdog"] = string(kind)
    if direct:
        domain.props["direct-map"] = empty()
    return with_policy(domain, **policy)


@pytest.mark.fast
@pytest.mark.parametrize("gic,kind,direct,lives", [
    ("2", "sbsa-gwdt", False, 4), ("3", "sbsa-gwdt", True, 2), ("3", "smc-wdt", False, 2)])
def test_watchdog_lives(boot, gic, kind, direct, lives):
    """Registers, refresh and interrupt; then it expires, in each life: the last is a halt."""
    domain = guarded(payload("domU2", "payload", "test=watchdog,life wait=1 life=watchdog",
                             cpus=2), kind, direct, on_crash="restart", limit=(lives - 1, 600))
    vm = beside_witness(boot, domain, limit=120, qemu_args=EXACT_TIME, gic=gic)
    live(vm, "domU2", lives)
    text = vm.text(HV)
    assert text.count("domU2: crashed: it has not refreshed its watchdog") == lives
    assert "domU2: crashed: halted: restarted %d times in 600 s" % (lives - 1) in text
    check_lives(vm, "domU2", lives)
    said = vm.text("domU2")
    if kind == "sbsa-gwdt":
        seen = re.findall(r"^WS0-SEEN (\d+) of (\d+)$", said, re.M)
        assert len(seen) == lives and all(got == spi for got, spi in seen), said
    else:
        assert said.count("ALIVE after a second") == lives, said
    assert_witness(vm)


@pytest.mark.fast
def test_halted_without_a_policy(boot):
    """An expiry without corbel,on-crash is the domain's end."""
    vm = beside_witness(boot, guarded(
        payload("domU2", "payload", "test=watchdog,life life=watchdog"), "sbsa-gwdt"))
    vm.expect(HV, r"domU2: crashed: it has not refreshed its watchdog$", 30)
    vm.expect(HV, r"domU2: vCPU0: PC 0x[0-9a-f]{16}", 10)
    vm.expect(HV, r"domU2: crashed: halted$", 10)
    vm.expect(HV, r"domU2: destroyed", 20)
    assert_witness(vm)


@pytest.mark.parametrize("kernel,kind", [
    pytest.param("6.12", "sbsa-gwdt", marks=pytest.mark.fast),
    pytest.param("6.1", "sbsa-gwdt", marks=pytest.mark.full),
    pytest.param("6.12", "smc-wdt", marks=pytest.mark.full)])
def test_linux_watchdog(boot, kernel, kind):
    """Linux' own driver: petted it runs on, left alone the domain is started again."""
    domain = guarded(linux("domU2", kernel=kernel), kind, on_crash="restart")
    vm = boot(mkdtb.Config(domains=[payload(WITNESS, "payload", "test=heart"), domain]), limit=240)
    vm.shell("domU2", 100)
    vm.run("domU2", "basename $(readlink -f /sys/class/watchdog/watchdog0/device/driver)",
           "^%s" % KINDS[kind].replace("_", "[-_]"))
    vm.run("domU2", "watchdog -F -T 8 -t 1 /dev/watchdog & sleep 10; echo petted-$((2+2))",
           r"^petted-4$", 60)
    assert "it has not refreshed its watchdog" not in vm.text(HV)
    vm.send("domU2", "kill -STOP %1\n")
    vm.expect(HV, r"domU2: crashed: it has not refreshed its watchdog$", 60)
    vm.expect(HV, r"domU2: crashed: restart 1, 1 of at most 3 in 60 s$", 10)
    vm.shell("domU2", 100)
    assert_heart(vm)

# SPDX-License-Identifier: Apache-2.0
"""Lives of domains: restart, its limit, reset of the machine. docs/lifecycle.md."""
import re

import pytest

from harness import HV, linux, mkdtb, payload
from mkdtb import string, u32

WITNESS = "domU1"


def with_policy(domain, on_reboot=None, on_crash=None, limit=None):
    """A domain with a policy."""
    if on_reboot:
        domain.props["corbel,on-reboot"] = string(on_reboot)
    if on_crash:
        domain.props["corbel,on-crash"] = string(on_crash)
    if limit:
        domain.props["corbel,restart-limit"] = u32(*limit)
    return domain


def beside_witness(boot, domain, limit=60, **machine):
    """A payload that answers each line, beside the domain under test."""
    config = mkdtb.Config(machine=mkdtb.Machine(**machine), domains=[
        payload(WITNESS, "payload", "test=echo"), domain])
    vm = boot(config, limit=limit)
    vm.expect(WITNESS, r"ECHO-READY", 30)
    return vm


def assert_witness(vm):
    """The domain beside still answers."""
    vm.run(WITNESS, "are you there", r"^ECHO are you there$")


def frames(vm):
    """Free memory at the end of the boot, and each time it was printed later."""
    return [int(kib) for kib in re.findall(r"memory: (\d+) KiB free$", vm.text(HV), re.M)]


def live(vm, name, lives):
    """See a payload live and die so often, by one character each; the last end is awaited."""
    vm.expect(HV, r"boot: 2 domains started", 60)
    for life in range(lives):
        vm.expect(name, r"^LIFE-END \d+ failed", 60)
        vm.send(name, "x")
        vm.expect(HV, r"%s: (?:reset|crashed): (?:restart|halted)" % name, 30)
        if life < lives - 1:
            vm.expect(HV, r"%s: started" % name, 30)
    vm.expect(HV, name + r": destroyed.*\n.*memory: \d+ KiB free$", 30)


def check_lives(vm, name, lives):
    """All of them were clean, and the same frames were free after each."""
    text = vm.text(name)
    assert not re.findall(r"^not ok .*", text, re.M)
    assert len(re.findall(r"^LIFE-END 0 failed$", text, re.M)) == lives, text
    assert len(set(re.findall(r"seed ([0-9a-f]+)$", text, re.M))) == lives
    free = frames(vm)
    assert len(free) == lives + 1 and len(set(free[:lives])) == 1 and free[lives] > free[0], free


@pytest.mark.fast
@pytest.mark.parametrize("gic", ["2", "3"])
@pytest.mark.parametrize("how", ["reset", "reset2"])
def test_clean_lives(boot, gic, how):
    """Each life finds zeroed memory, a fresh seed, and a machine as after power-on."""
    domain = with_policy(payload("domU2", "payload", "test=life wait=1 life=" + how, cpus=2),
                         on_reboot="restart")
    vm = beside_witness(boot, domain, gic=gic)
    live(vm, "domU2", 4)
    assert "domU2: reset: halted: restarted 3 times in 60 s" in vm.text(HV)
    check_lives(vm, "domU2", 4)
    assert_witness(vm)

# SPDX-License-Identifier: Apache-2.0
"""A hostile guest beside one that must not notice (tools/soak.py), and seeds that replay."""
import os
import random
import re

import pytest

from harness import EXACT_TIME, HV, mkdtb, payload
from soak import EXACT_ARGS, Soak, run_all

SECONDS = int(os.environ.get("CORBEL_STRESS_SECONDS", "120"))


def fresh_seed():
    """A seed nobody has tried, or the one to repeat."""
    return int(os.environ.get("CORBEL_STRESS_SEED", random.SystemRandom().randrange(1 << 32)))


def soak(capsys, **what):
    """Run one; the seed and what was done are shown whether it passes or not."""
    with capsys.disabled():
        print()
        errors = run_all([Soak(seed=fresh_seed(), **what)])
    assert not errors, "\n".join(errors)


@pytest.mark.fast
@pytest.mark.parametrize("gic", ["2", "3"])
def test_fresh_seeds(gic, capsys):
    """Two minutes on CPUs that really run at once."""
    soak(capsys, gic=gic, seconds=SECONDS)


@pytest.mark.fast
@pytest.mark.parametrize("gic,smp", [("2", 1), ("3", 1), ("2", 2), ("3", 2)])
def test_heart_in_exact_time(gic, smp, capsys):
    """An instruction takes a nanosecond here, and the other guest's timer at most one slice more.

    With threads, QEMU and the machine that it runs on are late by themselves.
    """
    soak(capsys, gic=gic, smp=smp, steps=200000, exact=True)


@pytest.mark.full
@pytest.mark.parametrize("gic,cpu,smp", [
    ("2", "cortex-a57", 4), ("3", "neoverse-n1", 2), ("3", "max", 4), ("3", "max", 1)])
def test_other_machines(gic, cpu, smp, capsys):
    """CPUs with other features, as many as vCPUs or only one."""
    soak(capsys, gic=gic, seconds=min(SECONDS, 60), smp=smp, cpu=cpu)


def digest(boot, seed):
    """The digest of a run in QEMU's deterministic time."""
    config = mkdtb.Config(
        machine=mkdtb.Machine(smp=1, ram="1G", randomness=False),
        domains=[payload("domU1", "payload", "test=stress steps=3000 seed=%d" % seed)],
        qemu_args=EXACT_ARGS)
    vm = boot(config, limit=60)
    passed, failed = vm.tap("domU1", 50)
    assert failed == [] and len(passed) == 1
    return re.search(r"digest (0x[0-9a-f]+)", passed[0]).group(1)


@pytest.mark.fast
def test_seed_replays(boot):
    """The same seed does the same, to the last result; another one does not."""
    first = digest(boot, 1)
    assert digest(boot, 1) == first
    assert digest(boot, 2) != first


@pytest.mark.fast
@pytest.mark.parametrize("gic", ["2", "3"])
def test_log_is_bounded(boot, gic):
    """Thousands of faults of each kind give few lines; all are counted, none for another domain."""
    count, blocks = 2000, 10
    config = mkdtb.Config(machine=mkdtb.Machine(gic=gic, ram="1G"), domains=[
        payload("domU1", "payload", "test=noise noise=all count=%d" % count),
        payload("domU2", "payload", "test=noise noise=jump count=3"),
        payload("domU3", "payload", "test=noise noise=calls count=%d" % count)],
        qemu_args=list(EXACT_TIME))     # all within the minute that a limit is for
    vm = boot(config, limit=90)
    for name in ("domU1", "domU2", "domU3"):
        passed, failed = vm.tap(name, 60)
        assert passed and not failed
    vm.expect(HV, r"(?s)(?:: destroyed.*?){3}", 30)
    text = vm.text(HV)
    assert text.count("domU1: more messages like this are suppressed for up to 60 s") == 1
    said = len(re.findall(r"domU1: vCPU0: unhandled (?:data|instruction) abort", text))
    assert said == blocks
    assert sum(map(int, re.findall(r"domU1: (\d+) messages were suppressed", text))) == \
        4 * count - said   # a read, a write, a jump, a walk
    assert text.count("domU1: ") < blocks * 20 + 10
    assert len(re.findall(r"domU2: vCPU0: unhandled instruction abort", text)) == 3
    assert "domU2: more" not in text and text.count("domU3: ") < 10

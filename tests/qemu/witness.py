# SPDX-License-Identifier: Apache-2.0
"""Payloads that are looked at: one that answers each line beside the domain under test, and must
not notice; spinning ones that say in a register who they are."""
import re
import time

from harness import mkdtb, payload

WITNESS = "domU1"


def beside_witness(boot, domain, limit=60, qemu_args=(), **machine):
    """Boot both; the witness is ready."""
    config = mkdtb.Config(machine=mkdtb.Machine(**machine), domains=[
        payload(WITNESS, "payload", "test=echo"), domain], qemu_args=list(qemu_args))
    vm = boot(config, limit=limit)
    vm.expect(WITNESS, r"ECHO-READY", 30)
    return vm


def assert_witness(vm):
    """The domain beside still answers."""
    vm.run(WITNESS, "are you there", r"^ECHO are you there$")


def seen_on(vm, ids, looks):
    """On which CPUs `test=spin id=` was found: {id: CPUs}, after so many looks, and all seen."""
    seen = {who: set() for who in ids}
    while looks > 0 or not all(seen.values()):
        assert vm.pump(0.02) and time.monotonic() < vm.deadline, "seen on CPUs: %s" % seen
        looks -= 1
        for cpu, text in enumerate(re.split(r"CPU#\d+", vm.qmp.monitor("info registers -a"))[1:]):
            found = re.search(r"X27=5150000000000([0-9a-f])00", text)
            if found and " EL1h" in text:
                seen[int(found.group(1))].add(cpu)
    return seen

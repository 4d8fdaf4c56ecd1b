# SPDX-License-Identifier: Apache-2.0
"""A payload that answers each line, beside the domain under test: it must not notice."""
from harness import mkdtb, payload

WITNESS = "domU1"


def beside_witness(boot, domain, limit=60, **machine):
    """Boot both; the witness is ready."""
    config = mkdtb.Config(machine=mkdtb.Machine(**machine), domains=[
        payload(WITNESS, "payload", "test=echo"), domain])
    vm = boot(config, limit=limit)
    vm.expect(WITNESS, r"ECHO-READY", 30)
    return vm


def assert_witness(vm):
    """The domain beside still answers."""
    vm.run(WITNESS, "are you there", r"^ECHO are you there$")

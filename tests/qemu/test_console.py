# SPDX-License-Identifier: Apache-2.0
"""The merged console: whole lines with names, input switching, prompts without a line end."""
import re

import pytest

from harness import EXACT_TIME, HV, mkdtb, payload

LINES = 3000
ORIGIN = re.compile(r"\((corbel|domU1|domU2|domU3)\) ?")


def echo_domains(count):
    """Payloads that answer each line."""
    return [payload("domU%d" % (i + 1), "payload", "test=echo") for i in range(count)]


@pytest.mark.fast
def test_switch_input(boot):
    """Three Ctrl-A go round the domains; what is typed reaches the focused one alone."""
    vm = boot(mkdtb.Config(domains=echo_domains(3)), limit=60)
    for name in ("domU1", "domU2", "domU3", "domU1", "domU3", "domU2"):
        vm.run(name, "to-" + name, r"^ECHO to-%s$" % name)
    for name in ("domU1", "domU2", "domU3"):
        others = set(re.findall(r"ECHO to-(\S+)", vm.text(name)))
        assert others == {name}


@pytest.mark.fast
def test_one_ctrl_a_is_input(boot):
    """One or two Ctrl-A are the domain's own."""
    vm = boot(mkdtb.Config(domains=echo_domains(2)), limit=60)
    vm.focus("domU1")
    vm.child.send("a\x01b\x01\x01c\n")
    vm.expect("domU1", "^ECHO a\x01b\x01\x01c$", 20)
    assert vm.consoles.focus == "domU1"


@pytest.mark.fast
@pytest.mark.parametrize("exact", [True, False], ids=["exact", "threads"])
def test_lines_are_whole(boot, exact):
    """Two domains print as fast as they can: all of it comes, marked with its origin, line by line.

    In real time a vCPU may stand still in the middle of a line, which is then shown like a prompt;
    that it was broken can be seen (consoles.py).
    """
    domains = [payload("domU%d" % (i + 1), "payload", "test=spin lines=%d" % LINES)
               for i in range(2)]
    vm = boot(mkdtb.Config(domains=domains, qemu_args=list(EXACT_TIME) if exact else []), limit=90)
    for domain in domains:
        assert vm.tap(domain.name, 80)[1] == []
    wanted = ["SPIN line %d" % i for i in range(LINES)]
    for domain in domains:
        lines = [line for line in vm.text(domain.name).split("\n") if "SPIN line" in line]
        assert lines == wanted, "%s: lost, out of order or not whole" % domain.name
    for line in vm.text(HV).split("\n")[:-1]:      # the last one is still coming
        assert not line or ORIGIN.match(line), line

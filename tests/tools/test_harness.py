# SPDX-License-Identifier: Apache-2.0
"""tests/qemu/harness.py without a QEMU: what a session makes of the lines that come."""
import pathlib
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests" / "qemu"), str(TOP / "tools")]
import harness  # noqa: E402
import mkdtb  # noqa: E402
from harness import HV, ConsoleTimeout, Session  # noqa: E402

NAMES = ("domU1", "domU2", "domU3")


class Machine:
    """In the place of QEMU: three Ctrl-A are answered by the next of its answers. Of its lines one
    comes with each look."""

    def __init__(self, vm):
        self.vm, self.answers, self.sent, self.lines = vm, [], 0, []
        self.pump, vm.pump = vm.pump, self.one

    def send(self, text):
        """What a test types."""
        assert text == "\x01\x01\x01"
        self.sent += 1
        self.say(*self.answers.pop(0))

    def say(self, *lines):
        """Lines of the hypervisor."""
        self.lines += [b"(corbel) [   1.000000] %s\r\n" % line.encode() for line in lines]

    def one(self, wait=0):
        """A look."""
        if self.lines:
            self.vm._output.put(self.lines.pop(0))
        return self.pump(wait)


@pytest.fixture(name="vm")
def session():
    """A session that is not started; its input belongs to domU1."""
    vm = Session(mkdtb.Config(domains=[mkdtb.Domain(name) for name in NAMES]), limit=5)
    vm.child = Machine(vm)
    vm.child.say("console: input to domU1 (three Ctrl-A: next)")
    yield vm
    vm._tmp.cleanup()


def to(name):
    """The line that says who has the input."""
    return "console: input to %s (three Ctrl-A: next)" % name


def test_focus(vm):
    """As often as it takes."""
    vm.child.answers = [[to("domU2")], [to("domU3")]]
    vm.focus("domU3")
    assert vm.child.sent == 2


def test_focus_waits_for_an_end(vm):
    """The input of a domain that ends moves by itself: nobody must move it as well."""
    vm.pump()
    vm.child.say("domU1: powered off: halted")
    vm.pump()
    vm.child.say(to("domU2"), "domU1: destroyed, 16384 KiB freed")
    vm.focus("domU2")
    assert vm.child.sent == 0


def test_focus_while_it_ends(vm):
    """Its end and three Ctrl-A at once: the input moves twice, and goes round again."""
    vm.child.answers = [["domU1: powered off: halted", to("domU2"), to("domU3"),
                         "domU1: destroyed, 16384 KiB freed"], [to("corbel")], [to("domU2")]]
    vm.focus("domU2")
    assert vm.child.sent == 3


def test_restart_is_no_end(vm):
    """A domain that starts again keeps the input; what it said before its crash means nothing."""
    vm.child.say("domU1: | System halted", "domU1: crashed: restart 1, 1 of at most 3 in 60 s")
    vm.focus("domU1")
    assert vm.child.sent == 0


def test_frames(vm):
    """So many, whatever lines lie between; fewer when no more come."""
    vm.child.say("memory: 100 KiB free, books 1 KiB, image", "memory: 7 KiB free",
                 "domU1: destroyed, 9 KiB freed", "domU2: vCPU0: something", "memory: 16 KiB free")
    assert vm.frames(2) == [7, 16]
    assert vm.frames(3, 0.01) == [7, 16]


def test_tap(vm):
    """A result whose line another broke into counts as one."""
    vm._output.put(b"(domU1) 1..2\r\n(domU1) o\n\r(domU2) x\r\n(domU1) k 1 - one\r\n(domU1) not")
    vm._output.put(b" ok 2 - two\r\n(domU1) PAYLOAD-END\r\n")
    assert vm.tap("domU1") == (["one"], ["not ok 2 - two"])


def test_end(vm):
    """All that was said before QEMU's end is seen, then the wait ends."""
    vm._output.put(b"(corbel) last words\r\n")
    vm._output.put(b"")
    vm.expect(HV, "last words")
    with pytest.raises(ConsoleTimeout, match="QEMU ended first"):
        vm.expect(HV, "more")


def test_patience():
    """Waits are longer than what judges a guest."""
    assert harness.PATIENCE >= 4 * harness.SCALE

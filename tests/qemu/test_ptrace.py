# SPDX-License-Identifier: Apache-2.0
"""User space of a Debian guest debugs with the CPU's breakpoints, watchpoints and single step."""
import pytest

from harness import guest_file, initrd_with, mkdtb

ROUNDS = 50


@pytest.fixture(name="initrd", scope="module")
def initrd_fixture(tmp_path_factory):
    """The test initrd with the debugger in it."""
    return initrd_with(tmp_path_factory.mktemp("ptrace"), "ptrace")


@pytest.mark.parametrize("gic", [pytest.param("2", marks=pytest.mark.full), "3"])
def test_ptrace(boot, initrd, gic):
    """Two guests on one CPU run the same program: one is debugged, nobody stops the other."""
    config = mkdtb.Config(machine=mkdtb.Machine(gic=gic, smp=1, ram="1G"),
                          domains=[mkdtb.linux_domain(f"domU{i}", guest_file("Image-6.12"), initrd)
                                   for i in (1, 2)])
    vm = boot(config, limit=200)
    vm.shell("domU1", 150)
    vm.shell("domU2", 150)
    vm.send("domU2", "while /tests/ptrace plain; do echo UNSTOPPED; done; echo STOPPED $?\n")
    vm.expect("domU2", r"^UNSTOPPED", 30)
    for _ in range(2):
        vm.run("domU1", "/tests/ptrace", r"^PTRACE breaks (\d+) .* end \d+$", 60)
    lines = [line for line in vm.text("domU1").split("\n") if line.startswith("PTRACE")]
    assert lines == [f"PTRACE breaks {ROUNDS} watches {ROUNDS} steps {2 * ROUNDS} "
                     "strange 0 end 0"] * 2
    vm.never("domU2", r"^STOPPED \d", 1)

# SPDX-License-Identifier: Apache-2.0
"""Boot a configuration under QEMU and talk to its consoles.

    with Session(config, hv="corbel", name="two_domus", limit=60) as vm:
        vm.expect("domU1", r"INIT-REACHED")
        vm.run("domU1", "echo $((6*7))", r"^42$")
        vm.qmp.monitor("info registers -a")

Every wait is bounded by its own timeout and by the session's limit, both stretched by PATIENCE:
they end what would wait for ever, and judge nobody. The console goes to build/test-logs/NAME.log
(or under CORBEL_TEST_LOGS), after the command line that repeats the boot by hand. A thread takes
what QEMU says at all times, so that no vCPU stands still until a test listens. QEMU is killed by
its process id at the end.
"""
import os
import queue
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import time

import pexpect

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tools")]
import mkdtb  # noqa: E402
from consoles import HV, Consoles  # noqa: E402
from qmp import Qmp  # noqa: E402

BUILD = os.path.join(ROOT, "build")
LOGS = os.environ.get("CORBEL_TEST_LOGS", os.path.join(BUILD, "test-logs"))
TREES = os.path.join(LOGS, "dtb")
SCALE = float(os.environ.get("CORBEL_TIMEOUT_SCALE", "1"))   # of what is judged
PATIENCE = 4 * SCALE        # of waits: a host of CI may be slow, and stand still for seconds
HV_IMAGE = {
    "corbel": os.environ.get("CORBEL_HV", os.path.join(BUILD, "corbel")),
    "xen": os.path.join(BUILD, "guest", "xen"),
}


# One thread runs all CPUs in turn, an instruction takes 8 ns, idle time passes at once: the guests'
# clocks know nothing of the host's load.
EXACT_TIME = ["-icount", "shift=3,sleep=off", "-rtc", "clock=vm"]
GUEST_PANIC_ARGS = mkdtb.GUEST_BOOTARGS + " panic=1 sysrq_always_enabled"
STUMBLE = re.compile(r"(?i)panic:|assertion|unexpected exception")


class ConsoleTimeout(AssertionError):
    """What was waited for did not come; the message carries the end of that console."""


def as_written():
    """The child's terminal changes nothing: consoles.py says what is in a line's end. (QEMU puts
    back the flag OPOST, that there are changes at all, so each of them is off.)"""
    attributes = termios.tcgetattr(0)
    attributes[1] = 0
    termios.tcsetattr(0, termios.TCSANOW, attributes)


def guest_file(name):
    """A file that tools/fetch put there."""
    return os.path.join(BUILD, "guest", name)


def payload_file(name, suffix=".img"):
    """A payload, or a program, built from tests/guest."""
    return os.path.join(BUILD, "guest-payloads", name + suffix)


def initrd_with(folder, program):
    """The test initrd of 6.12 with a program of tests/guest in it, as tests/PROGRAM; its path."""
    out = str(folder / "initrd.gz")
    subprocess.run([sys.executable, os.path.join(ROOT, "tools/mkinitrd"), "--kernel", "6.12",
                    "-o", out, "--add", payload_file(program, "") + "=tests/" + program],
                   check=True, stdout=subprocess.DEVNULL)
    return out


def linux(name, memory_mib=128, cpus=1, kernel="6.12", bootargs=mkdtb.GUEST_BOOTARGS, **more):
    """A Debian domU of tools/fetch."""
    return mkdtb.linux_domain(name, guest_file("Image-" + kernel),
                              guest_file("initrd-%s.gz" % kernel), memory_mib * 1024, cpus,
                              bootargs, **more)


def payload(name, image, bootargs="", memory_mib=16, cpus=1, **more):
    """A tiny domU of tests/guest."""
    return mkdtb.payload_domain(name, payload_file(image), bootargs, memory_mib * 1024, cpus,
                                **more)


class Session:
    """A running machine. hv is "corbel", "xen" or "none" (bare QEMU, first module as -kernel).

    plain: exactly `-serial stdio -monitor none` and nothing else, so no .qmp.
    """

    def __init__(self, config, hv="corbel", name="session", limit=120.0, plain=False):
        self.config = config
        self.plain = plain
        self.hv = hv
        self.name = name
        self.deadline = time.monotonic() + limit * PATIENCE
        self.limit = limit
        self.consoles = Consoles(hv, [domain.name for domain in config.domains])
        self._cursor = {}
        self._qmp = None
        self._tmp = tempfile.TemporaryDirectory(prefix="corbel-")
        self._log = None
        self._output = queue.SimpleQueue()
        self._ended = False
        self._reader = None
        self.child = None

    def __enter__(self):
        os.makedirs(LOGS, exist_ok=True)
        command = self._command()
        self._log = open(os.path.join(LOGS, self.name + ".log"), "wb", buffering=0)
        self._log.write(shlex.join(command).encode() + b"\n")
        sock = os.path.join(self._tmp.name, "qmp")
        if not self.plain:
            command += ["-qmp", "unix:%s,server=on,wait=off" % sock]
        self.child = pexpect.spawn(command[0], command[1:], timeout=None, echo=False,
                                   preexec_fn=as_written)
        self.child.delaybeforesend = None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._qmp_path = sock
        return self

    def __exit__(self, *exc):
        self.close()
        if exc[0] is None:
            self.check_clean()

    def check_clean(self):
        """No test may make the hypervisor itself stumble."""
        own = [line for line in self.text(HV).split("\n") if " | " not in line]
        bad = [line for line in own if STUMBLE.search(line)] if self.hv == "corbel" else []
        assert not bad, "the hypervisor stumbled: " + "\n".join(bad[:5])

    def _command(self):
        serial = ("-chardev", "stdio,id=con,signal=off", "-serial", "chardev:con")
        serial = ("-serial", "stdio") if self.plain else serial
        if self.hv == "none":
            return self._bare_command(serial)
        self.config.hv = HV_IMAGE[self.hv]
        built = mkdtb.build(self.config, TREES, self.name)
        return built.command(serial)

    def _bare_command(self, serial):
        domain = self.config.domains[0]
        self.config.machine.virtualization = False
        command = [mkdtb.QEMU] + self.config.machine.args() + ["-display", "none", *serial,
                                                               "-monitor", "none", "-net", "none"]
        for module in domain.modules:
            command += ["-kernel" if module.kind == "kernel" else "-initrd", module.path]
            if module.bootargs:
                command += ["-append", module.bootargs]
        return command + self.config.qemu_args

    @property
    def qmp(self):
        """The machine protocol, connected on first use."""
        if self._qmp is None:
            self._qmp = Qmp(self._qmp_path, 60 * PATIENCE)
        return self._qmp

    def _read(self):
        """The thread: take all that QEMU says, until its end."""
        data = True
        while data:
            try:
                data = os.read(self.child.child_fd, 65536)
            except OSError:     # how a terminal says that nobody is there any more
                data = b""
            self._log.write(data)
            self._output.put(data)

    def pump(self, wait=0.1):
        """Take what the console has said; False when QEMU has ended."""
        pieces = []
        try:
            while not self._ended:
                pieces.append(self._output.get(timeout=0 if pieces else wait))
                self._ended = not pieces[-1]
        except queue.Empty:
            pass
        self.consoles.feed(b"".join(pieces).decode("latin1"))
        return not self._ended or bool(pieces)

    def text(self, origin):
        """All that a domain (or HV) has said."""
        return self.consoles.text(origin)

    def expect(self, origin, pattern, timeout=60.0):
        """Wait for PATTERN (multi-line regex) in the output of ORIGIN after the last match."""
        regex = re.compile(pattern, re.M)
        end = min(time.monotonic() + timeout * PATIENCE, self.deadline)
        alive = True
        while True:
            start = self._cursor.get(origin, 0)
            found = regex.search(self.text(origin), start)
            if found:
                self._cursor[origin] = found.end()
                return found
            if not alive or time.monotonic() > end:
                self._fail(origin, pattern, alive)
            alive = self.pump()

    def _fail(self, origin, pattern, alive):
        tail = self.text(origin)[-1500:]
        why = "not seen in time" if alive else "QEMU ended first"
        raise ConsoleTimeout("%s: %r: %s; log %s.log; its last output:\n%s\n-- hypervisor:\n%s" %
                             (origin, pattern, why, self.name, tail, self.text(HV)[-1500:]))

    def never(self, origin, pattern, during=0.0):
        """Fail if ORIGIN has said PATTERN, or says it within DURING seconds."""
        end = time.monotonic() + during
        while time.monotonic() < end and self.pump():
            pass
        found = re.search(pattern, self.text(origin), re.M)
        assert not found, "%s said %r" % (origin, found and found.group(0))

    def focus(self, origin, tries=None):
        """Give the input to a domain by three Ctrl-A, as often as it takes."""
        end = min(time.monotonic() + 60 * PATIENCE, self.deadline)
        while self.consoles.focus is None and self.pump() and time.monotonic() < end:
            pass
        for _ in range(tries or len(self.config.domains) + 2):
            holder = self._settle(self.consoles.focus)
            if holder == origin:
                return
            before = self.consoles.switches
            self.child.send("\x01\x01\x01")
            end = min(time.monotonic() + 10 * PATIENCE, self.deadline)
            while self.consoles.switches == before and time.monotonic() < end:
                self.pump()
            self._settle(holder)    # it may have ended just then, and the input moved twice
        raise ConsoleTimeout("%s never got the console input" % origin)

    def _settle(self, holder):
        """The input of a domain that ends moves on by itself: wait for that. Returns who has it."""
        end = min(time.monotonic() + 30 * PATIENCE, self.deadline)
        ends = re.compile(r"\] %s: (?!\| )(?:.*\b(halted)|destroyed, )" % re.escape(str(holder)))
        while (ends.findall(self.text(HV)) or [""])[-1] and time.monotonic() < end:
            self.pump()
        return self.consoles.focus

    def send(self, origin, text):
        """Type TEXT on a domain's console."""
        self.focus(origin)
        self.child.send(text)

    def run(self, origin, command, pattern, timeout=30.0):
        """Type a shell command and wait for its output."""
        self.send(origin, command + "\n")
        return self.expect(origin, pattern, timeout)

    def until(self, origin, command, value, timeout=60.0):
        """Repeat a shell command, a second after the other, until it prints VALUE."""
        loop = 'while sleep 1; do [ "$(%s)" = "%s" ] && break; done' % (command, value)
        self.run(origin, loop + "; echo %s-is-$((2+2))" % value, r"^%s-is-4$" % value, timeout)

    def shell(self, origin, timeout=60.0):
        """Wait for a Linux domain's shell and see that it computes."""
        self.expect(origin, r"INIT-REACHED", timeout)
        self.run(origin, "echo $((6*7))", r"^42$", timeout)

    def tap(self, origin, timeout=60.0):
        """Wait for a payload's end; return (passed names, failed lines)."""
        self.expect(origin, r"^PAYLOAD-END", timeout)
        text = self.text(origin)
        failed = re.findall(r"^(?:not ok .*|Bail out!.*)$", text, re.M)
        passed = re.findall(r"^ok \d+ - (.*)$", text, re.M)
        plan = re.search(r"^1\.\.(\d+)$", text, re.M)
        if plan is None or int(plan.group(1)) != len(passed) + len(failed):
            failed.append("plan does not match: %s" % (plan and plan.group(0)))
        return passed, failed

    def frames(self, count, timeout=30.0):
        """Free memory in KiB at the end of the boot and after each end or restart of a domain, when
        it has been printed so often: other lines may stand in front of it."""
        end = min(time.monotonic() + timeout * PATIENCE, self.deadline)
        while True:
            found = re.findall(r"memory: (\d+) KiB free$", self.text(HV), re.M)
            if len(found) >= count or time.monotonic() > end or not self.pump():
                return [int(kib) for kib in found]

    def wait_end(self, timeout=30.0):
        """Wait until QEMU has ended by itself."""
        end = min(time.monotonic() + timeout * PATIENCE, self.deadline)
        while self.pump():
            if time.monotonic() > end:
                raise ConsoleTimeout("QEMU still runs; hypervisor:\n" + self.text(HV)[-1500:])

    def close(self):
        """End QEMU and its files."""
        if self._qmp is not None:
            self._qmp.close()
        if self.child is not None:
            self._end()
        self.pump(0)
        if self._log is not None:
            self._log.close()
        self._tmp.cleanup()

    def _end(self):
        """QEMU, then the thread, then the terminal, whose number must not be another file's."""
        for number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 60)):
            end = time.monotonic() + seconds * PATIENCE
            if self.child.isalive():
                self.child.kill(number)
            while self.child.isalive() and time.monotonic() < end:
                time.sleep(0.01)
        self._reader.join(60 * PATIENCE)
        self.child.close()

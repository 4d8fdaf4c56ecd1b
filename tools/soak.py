#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Let a hostile guest loose beside one that must not notice.

domU1 is the stress payload (tests/guest/tests/stress.c) on several vCPUs: random accesses, system
registers and calls from a seed. domU2's timer must never be late, and all that it has written must
stay (pulse.c). At its end domU1 asks for a reset and is built again: as many frames must be free.

    tools/soak.py                           ten million steps on GICv2 and on GICv3
    tools/soak.py --exact                   the same in QEMU's own time, with a strict heartbeat
    tools/soak.py --gic 3 --seed 42 --steps 40000 --smp 4 --cpu max

With threads the CPUs really run at once; how late a timer is, is then also the host's doing: where
its CPUs are fewer than QEMU's threads, each spinlock that changes hands costs a time slice of the
host. With --exact (-icount) one thread runs all CPUs in turn, an instruction takes a nanosecond,
and a seed replays to the last instruction.

A failure prints the command that repeats it. Consoles go to build/test-logs/stress-*.log.
"""
import argparse
import os
import random
import re
import shlex
import sys
import time
from dataclasses import dataclass

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "tools"), os.path.join(ROOT, "tests", "qemu")]
import mkdtb  # noqa: E402
from harness import HV, HV_IMAGE, PATIENCE, SCALE, ConsoleTimeout, Session, payload  # noqa: E402

STRESS, PULSE = "domU1", "domU2"
QUIET_S = 60          # without a step or a beat: a hang
THREADS_BOUND_MS = 30000                # of the other guest's timer: catches a hang, no more
EXACT_BOUND_MS = {1: 20, 2: 250}        # by CPUs: while one runs, QEMU lets the other one wait
EXACT_ARGS = ["-icount", "shift=0,sleep=off", "-rtc", "clock=vm"]
END_S = 60            # from the last step to the next life
HOOK = (0x40ff0000, 0x10000)    # the end of its RAM (stress_addr.c)
PROGRESS = {STRESS: re.compile(r"# STRESS \d+ steps|^STRESS-END", re.M),
            PULSE: re.compile(r"^PULSE \d+", re.M)}


@dataclass
class Soak:
    """One machine with both guests. steps: of all vCPUs; seconds: an end by time instead."""
    gic: str = "3"
    seed: int = 1
    steps: int = 0
    seconds: int = 0
    vcpus: int = 4
    smp: int = 2
    cpu: str = "cortex-a57"
    exact: bool = False

    def command(self):
        """The command line that repeats it."""
        words = ["tools/soak.py"]
        for name in ("gic", "seed", "steps", "seconds", "vcpus", "smp", "cpu"):
            words += ["--" + name, str(getattr(self, name))]
        return shlex.join(words + ["--exact"] * self.exact)

    def name(self):
        """A name for logs."""
        time_kind = "exact" if self.exact else "threads"
        return f"stress-gic{self.gic}-{self.cpu}-smp{self.smp}-{time_kind}-{self.seed:x}"

    def bound_ms(self):
        """How late the other guest's timer may be."""
        return EXACT_BOUND_MS[self.smp] if self.exact else int(THREADS_BOUND_MS * SCALE)

    def config(self):
        """The machine and its domains."""
        words = f"test=stress end=reset seed={self.seed} seconds={self.seconds}"
        stress = payload(STRESS, "payload", f"{words} steps={-(-self.steps // self.vcpus)}",
                         cpus=self.vcpus)
        stress.props["corbel,on-reboot"] = mkdtb.string("restart")
        if "release" not in HV_IMAGE["corbel"]:     # that has no hook
            stress.props["corbel,debug-hook"] = mkdtb.u64(*HOOK)
        machine = mkdtb.Machine(gic=self.gic, cpu=self.cpu, smp=self.smp, ram="1G",
                                randomness=not self.exact)
        return mkdtb.Config(machine=machine, qemu_args=EXACT_ARGS if self.exact else [], domains=[
            stress, payload(PULSE, "payload", f"test=pulse bound_ms={self.bound_ms()}")])

    def run(self):
        """None, or what went wrong."""
        try:
            with Session(self.config(), name=self.name(), limit=float("inf")) as vm:
                self.watch(vm)
                self.check_end(vm)
        except (AssertionError, ConsoleTimeout) as error:
            return str(error)
        return None

    def watch(self, vm):
        """Until the last step; both guests must show progress all the time."""
        seen = {name: (0, time.monotonic()) for name in PROGRESS}
        while "STRESS-END" not in vm.text(STRESS):
            assert vm.pump(1), "QEMU ended"
            vm.check_clean()
            for name, pattern in PROGRESS.items():
                count = len(pattern.findall(vm.text(name)))
                if count != seen[name][0]:
                    seen[name] = (count, time.monotonic())
                assert time.monotonic() - seen[name][1] < QUIET_S * PATIENCE, \
                    f"{name} makes no progress:\n{vm.text(name)[-600:]}\n" \
                    f"{vm.text(HV)[-1200:]}\n{vm.qmp.monitor('info registers -a')}"
            bad = re.findall(r"^(?:not ok|Bail out!|UNEXPECTED).*",
                             vm.text(PULSE) + vm.text(STRESS), re.M)
            assert not bad, "\n".join(bad[:5])

    def check_end(self, vm):
        """Its results, the frames, and the other guest's."""
        vm.expect(STRESS, r"^PAYLOAD-END", END_S)
        assert not re.search(r"^not ok", vm.text(STRESS), re.M), vm.text(STRESS)[-1000:]
        vm.expect(HV, STRESS + r": reset: restart 1", END_S)
        vm.expect(HV, STRESS + r": started", END_S)
        free = vm.frames(2, END_S)
        assert len(free) == 2 and free[0] == free[1], f"free memory in KiB: {free}"
        vm.send(PULSE, "x")
        passed, failed = vm.tap(PULSE, END_S)
        assert passed and not failed, failed
        self.show(vm, passed[-1])

    def show(self, vm, pulse):
        """What was done, in a line."""
        text = vm.text(STRESS)
        steps, took = re.findall(r"^STRESS-END (\d+) steps in (\d+) ms", text, re.M)[-1]
        faults = sum(map(int, re.findall(r"^ok .* steps, (\d+) faults", text, re.M)))
        lives = sum(map(int, re.findall(r"^ok .* faults, (\d+) lives", text, re.M)))
        late = max(map(int, re.findall(r"a sleep was at most (\d+) us late", text)))
        print(f"soak: GICv{self.gic}, {self.cpu}, {self.vcpus} vCPUs on {self.smp} CPUs, seed "
              f"{self.seed}: {steps} steps in {int(took) // 1000} s, {faults} exceptions taken, "
              f"vCPUs started {lives} times, sleeps at most {late} us late; beside it {pulse}",
              flush=True)


def run_all(soaks):
    """One after the other. Prints what each did; what went wrong, for each that failed."""
    errors = []
    for soak in soaks:
        print(f"soak: begins: {soak.command()}", flush=True)
        error = soak.run()
        if error:
            errors.append(f"{error}\nsoak: again: {soak.command()}\n"
                          f"soak: log: build/test-logs/{soak.name()}.log")
            print(f"soak: FAILED: {errors[-1]}", flush=True)
    return errors


def main():
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gic", choices=["2", "3"], help="[both]")
    parser.add_argument("--seed", type=int, help="[a fresh one]")
    parser.add_argument("--steps", type=int, default=0, help="of all vCPUs together [10 million]")
    parser.add_argument("--seconds", type=int, default=0, help="end by time")
    parser.add_argument("--vcpus", type=int, default=4)
    parser.add_argument("--smp", type=int, default=2, help="physical CPUs [2]")
    parser.add_argument("--cpu", default="cortex-a57")
    parser.add_argument("--exact", action="store_true", help="in QEMU's own time, --smp 1 or 2")
    args = parser.parse_args()
    if args.exact and args.smp not in EXACT_BOUND_MS:
        parser.error("--exact knows a bound for %s CPUs only" % list(EXACT_BOUND_MS))
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(1 << 32)
    steps = args.steps or (0 if args.seconds else 10000000)
    soaks = [Soak(gic, seed, steps, args.seconds, args.vcpus, args.smp, args.cpu, args.exact)
             for gic in ([args.gic] if args.gic else ["2", "3"])]
    errors = run_all(soaks)
    print(f"{len(soaks) - len(errors)} passed, {len(errors)} failed")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())

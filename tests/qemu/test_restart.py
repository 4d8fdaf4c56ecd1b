# SPDX-License-Identifier: Apache-2.0
"""Lives of domains: restart, its limit, reset of the machine. docs/lifecycle.md."""
import re
import socket

import pytest

from harness import HV, PATIENCE, SCALE, linux, mkdtb, payload
from mkdtb import empty, string, u32
from audited import Audited
import partdt
import pci
import test_smmu
from soak import THREADS_BOUND_MS
from witness import WITNESS, assert_witness, beside_witness

MIB = 1 << 20
STATIC = 0x54000000   # behind the modules
SHARE = 0x5a000000
SRAM = 0x5c000000


def with_policy(domain, on_reboot=None, on_crash=None, limit=None):
    """A domain with a policy."""
    if on_reboot:
        domain.props["corbel,on-reboot"] = string(on_reboot)
    if on_crash:
        domain.props["corbel,on-crash"] = string(on_crash)
    if limit:
        domain.props["corbel,restart-limit"] = u32(*limit)
    return domain


def live(vm, name, lives):
    """See a payload live and die so often, by one character each; the last end is awaited."""
    vm.expect(HV, r"boot: 2 domains started", 60)
    for life in range(lives):
        vm.expect(name, r"^LIFE-END \d+ failed", 60)
        vm.send(name, "x")
        vm.expect(HV, r"%s: (?:reset|crashed): (?:restart|halted)" % name, 30)
        if life < lives - 1:
            vm.expect(HV, r"%s: started" % name, 30)
    vm.expect(HV, name + r": destroyed", 30)


def check_lives(vm, name, lives):
    """All of them were clean, and the same frames were free after each."""
    text = vm.text(name)
    assert not re.findall(r"^not ok .*", text, re.M)
    assert len(re.findall(r"^LIFE-END 0 failed$", text, re.M)) == lives, text
    assert len(set(re.findall(r"seed ([0-9a-f]+)$", text, re.M))) == lives
    free = vm.frames(lives + 1)
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


@pytest.mark.fast
@pytest.mark.parametrize("how,why", [
    ("vectors", r"nothing can be fetched from its exception vector at 0x30000200"),
    ("novectors", r"nothing can be run in its exception vector at 0x30000200"),
    ("stack", r"its exception handler comes from, and faults at 0x400[0-9a-f]{5}"),
])
def test_crash_limit(boot, how, why):
    """A guest that faults in its own vector: crashed, restarted, and stopped after the third."""
    domain = with_policy(payload("domU2", "payload", "test=life wait=1 life=" + how, cpus=2),
                         on_crash="restart", limit=(3, 60))
    vm = beside_witness(boot, domain, limit=90, smp=4)
    live(vm, "domU2", 4)
    text = vm.text(HV)
    assert len(re.findall(r"domU2: vCPU0: crashed: " + why, text)) == 4
    assert re.findall(r"domU2: crashed: (.*)", text) == [
        "restart 1, 1 of at most 3 in 60 s", "restart 2, 2 of at most 3 in 60 s",
        "restart 3, 3 of at most 3 in 60 s", "halted: restarted 3 times in 60 s"]
    check_lives(vm, "domU2", 4)
    assert_witness(vm)


@pytest.mark.fast
@pytest.mark.parametrize("gic,option", [("2", ""), ("3", ""), ("3", " sched=null")])
def test_reset_race(boot, gic, option):
    """All vCPUs ask for a reset at once, among PSCI calls and SGIs: one end, one report."""
    domain = with_policy(payload("domU2", "payload", "test=life wait=1 life=race", cpus=4),
                         on_reboot="restart")
    vm = boot(mkdtb.Config(machine=mkdtb.Machine(gic=gic, smp=5),
                           domains=[payload(WITNESS, "payload", "test=echo"), domain],
                           hv_bootargs=mkdtb.HV_BOOTARGS + option), limit=120)
    live(vm, "domU2", 4)
    text = vm.text(HV)
    assert text.count("domU2: reset by PSCI SYSTEM_RESET") == 4
    assert text.count("domU2: last console lines:") == 4
    check_lives(vm, "domU2", 4)
    assert "STILL ALIVE" not in vm.text("domU2")
    assert_witness(vm)


@pytest.mark.fast
def test_prober_lives(boot):
    """Thousands of aborts at one instruction are no crash, if the guest goes on after each."""
    domain = with_policy(payload("domU2", "payload", "test=crash crash=probe"), on_crash="restart")
    vm = beside_witness(boot, domain)
    vm.expect("domU2", r"^ok \d+ - still alive after probe", 30)
    vm.expect(HV, r"domU2: powered off: halted", 20)


@pytest.mark.fast
def test_poweroff_stays_off(boot):
    """SYSTEM_OFF is the end, whatever the policies say."""
    domain = with_policy(payload("domU2", "payload", "test=life life=off"), "restart", "restart")
    vm = beside_witness(boot, domain)
    vm.expect(HV, r"domU2: powered off: halted", 30)
    vm.expect(HV, r"domU2: destroyed", 20)
    assert vm.text(HV).count("domU2: started") == 1
    assert_witness(vm)


@pytest.mark.fast
@pytest.mark.parametrize("how", ["reset", "vectors"])
def test_host_reset(boot, how):
    """The machine is reset by PSCI: all that was said is on the console, and it boots again."""
    domain = payload("domU2", "payload", "test=life wait=1 life=" + how)
    with_policy(domain, **{"on_reboot" if how == "reset" else "on_crash": "host-reset"})
    vm = beside_witness(boot, domain, limit=90)
    vm.expect("domU2", r"^LIFE-END \d+ failed", 30)
    vm.send("domU2", "x")
    vm.expect(HV, r"domU2: (?:reset|crashed): the machine is reset$", 30)
    vm.expect(HV, r"^.*Corbel \S+ on ", 30)
    vm.expect(HV, r"boot: 2 domains started, 0 refused", 60)
    vm.expect("domU2", r"^LIFE-END 0 failed", 30)
    assert vm.text(HV).count("boot: 2 domains started, 0 refused") == 2


@pytest.mark.fast
def test_debug_key(boot):
    """Debug key r: every domain that may restart is torn down and built again; not counted."""
    domain = with_policy(payload("domU2", "payload", "test=life wait=1 life=reset", cpus=2),
                         on_crash="restart", limit=(1, 60))
    vm = beside_witness(boot, domain, smp=3)
    for life in range(1, 4):
        vm.expect("domU2", r"^LIFE-END 0 failed", 30)
        vm.send(HV, "r")
        vm.expect(HV, r"domU2: debug key: restart %d$" % life, 30)
        vm.expect(HV, r"domU2: started", 30)
    free = vm.frames(4)
    assert len(free) == 4 and len(set(free)) == 1, free
    assert vm.text(HV).count("domU1: started") == 1
    assert_witness(vm)


def poke(path, address, data):
    """Write to physical memory, as a fault of the hardware would: by QEMU's debug stub."""
    def say(line, text):
        line.sendall(b"$%s#%02x" % (text, sum(text) & 255))
        answer = b""
        while b"#" not in answer[-3:-2]:
            answer += line.recv(1)
        line.sendall(b"+")
        assert b"OK" in answer, answer

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(60 * PATIENCE)
        line.connect(str(path))
        say(line, b"Qqemu.PhyMemMode:1")
        say(line, b"M%x,%x:%s" % (address, len(data), data.hex().encode()))
        say(line, b"D")


@pytest.mark.fast
@pytest.mark.parametrize("where", ["kernel", "ramdisk"])
def test_changed_module(boot, tmp_path, where):
    """A module that is not what it was at the first start is not started from again."""
    stub, base = tmp_path / "stub", 0x60000000
    domain = with_policy(payload("domU2", "payload", "test=life wait=1 life=reset"), "restart")
    domain.modules[0].addr = base
    domain.modules.append(mkdtb.Module("ramdisk", content=b"nothing" * 10000, addr=base + MIB))
    config = mkdtb.Config(domains=[payload(WITNESS, "payload", "test=echo"), domain],
                          qemu_args=["-gdb", "unix:%s,server=on,wait=off" % stub])
    vm = boot(config, limit=90)
    for life in range(2):
        vm.expect("domU2", r"^LIFE-END 1 failed", 30)   # it finds the ramdisk in its memory
        if life:
            poke(stub, base + 0x4321 + (MIB if where == "ramdisk" else 0), b"\x5a")
        vm.send("domU2", "x")
    bad = base + (MIB if where == "ramdisk" else 0)
    vm.expect(HV, r"domU2: not restarted: /chosen/domU2/\S+@%x: reg = 0x%x\+0x\w+: expected what "
              r"was there at its start: halted$" % (bad, bad), 30)
    vm.expect(HV, r"domU2: destroyed, 16384 KiB freed", 20)
    free = vm.frames(3)
    assert len(free) == 3 and free[0] == free[1] and free[2] - free[1] >= 16 * 1024
    assert_witness(vm)


def ram_maps(vm, name):
    """RAM of a domain as each of its memory maps was printed: a set of (guest, host) for each."""
    maps = re.split(r"%s: p2m VMID" % name, vm.text(HV))[1:]
    return [sorted(re.findall(r"%s: p2m (0x\w+-0x\w+) -> (0x\w+) RAM " % name, text))
            for text in maps]


def given_domain(kind):
    """A direct-map domain with a UART, a piece of a page, SRAM and shared memory."""
    domain = payload("domU2", "payload", "test=life wait=1 life=reset", memory_mib=32, cpus=2)
    domain.modules.append(mkdtb.device_tree(partdt.partial([
        partdt.pl011(), partdt.virtio_mmio(3), partdt.sram(SRAM, MIB)])))
    domain.children.append(mkdtb.shm_node("share", SHARE, MIB, hpa=SHARE))
    if kind == "static":
        domain.props.update(mkdtb.static_mem((STATIC, 24 * MIB), (STATIC + 32 * MIB, 8 * MIB),
                                             direct_map=True))
    else:
        domain.props["direct-map"] = empty()
    return with_policy(domain, on_reboot="restart", limit=(3, 600))


@pytest.mark.fast
@pytest.mark.parametrize("gic,kind", [("2", "static"), ("3", "memory")])
def test_given_lives(boot, gic, kind):
    """What a direct-map domain was given is still its own, at the same addresses, each time."""
    witness = payload(WITNESS, "payload", "test=echo")
    witness.children.append(mkdtb.shm_node("share", 0x70000000, MIB, hpa=SHARE))
    config = mkdtb.Config(machine=mkdtb.Machine(gic=gic, ram="1G"),
                          domains=[witness, given_domain(kind)],
                          hv_bootargs=mkdtb.HV_BOOTARGS + " corbel,p2m-report",
                          edits=[partdt.sram_edit(SRAM, MIB)], qemu_args=["-serial", "null"])
    vm = boot(config, limit=120)
    vm.expect(WITNESS, r"ECHO-READY", 30)
    live(vm, "domU2", 4)
    check_lives(vm, "domU2", 4)
    text = vm.text("domU2")
    assert len(re.findall(r"^ok \d+ - interrupt of the given UART", text, re.M)) == 4
    assert len(re.findall(r"^ok \d+ - magic of the given virtio slot", text, re.M)) == 4
    for what in ("xen,shared-memory-v1", "mmio-sram"):
        held = [int(n) for n in re.findall(r"^HELD %s (\d+)" % what, text, re.M)]
        assert held == list(range(held[0], held[0] + 4)), (what, held)
    maps = ram_maps(vm, "domU2")
    assert len(maps) == 4 and maps[0] and all(ram == maps[0] for ram in maps), maps
    assert_witness(vm)


@pytest.mark.parametrize("gic", [pytest.param("2", marks=pytest.mark.full),
                                 pytest.param("3", marks=pytest.mark.fast)])
def test_linux_devices(boot, gic):
    """A direct-map Linux with a PL061 and a PL031: both bind and interrupt after a reboot, too."""
    domain = with_policy(linux("domU2", bootargs="console=ttyAMA0 earlycon"), on_reboot="restart")
    domain.props["direct-map"] = empty()
    domain.modules.append(mkdtb.device_tree(partdt.partial([partdt.pl061(), partdt.pl031()])))
    config = mkdtb.Config(machine=mkdtb.Machine(gic=gic), domains=[
        payload(WITNESS, "payload", "test=heart"), domain],
        hv_bootargs=mkdtb.HV_BOOTARGS + " corbel,p2m-report")
    vm = boot(config, limit=240)
    for life in range(2):
        vm.shell("domU2", 100)
        vm.run("domU2", "cd /sys/class/gpio && base=$(cat gpiochip*/base) && n=$((base+3)) && "
               "echo $n >export && cd gpio$n && echo rising >edge && cat value", r"^0$")
        vm.qmp.command("system_powerdown")
        vm.until("domU2", "awk '/gpiolib/ { print $2 }' /proc/interrupts", 1)
        vm.run("domU2", "echo +2 >/sys/class/rtc/rtc0/wakealarm; echo set-$((1+1))", r"^set-2$")
        vm.until("domU2", "awk '/rtc-pl031/ { print $2 }' /proc/interrupts", 1)
        if not life:
            vm.send("domU2", "reboot -f\n")
            vm.expect(HV, r"domU2: started", 60)
    maps = ram_maps(vm, "domU2")
    assert len(maps) == 2 and maps[0] and maps[0] == maps[1]
    assert len(set(vm.frames(2))) == 1
    assert_heart(vm)


def edu_again(vm, line):
    """The domain with the edu after its next restart, which the log announces so."""
    vm.expect(HV, line, 30)
    vm.expect(HV, r"domU1: started", 60)
    return pci.Edu(vm, again=True)


def check_confined(vm, edu, folder):
    """Its own RAM in reach, another domain's not, and every entry as it must be."""
    test_smmu.check_own(vm, edu)
    other = test_smmu.ram_of(vm, "domU2")[1] + test_smmu.OTHERS_OFFSET
    test_smmu.check_refused(vm, edu, test_smmu.Target("other-ram", other))
    found = Audited(vm, str(folder)).json()
    assert found["violations"] == []
    assert [run["domain"] for run in found["smmus"][0]["attached"]] == ["domU1"]


@pytest.mark.fast
@pytest.mark.parametrize("gic,direct,bootargs", [
    ("2", False, "iommu=no-sharept"), ("3", True, "")], ids=["unshared", "shared"])
def test_dma_lives(boot, tmp_path, gic, direct, bootargs):
    """A domain with a device behind the SMMU is built again: it is as confined as before."""
    props = {"corbel,on-crash": string("restart")}
    vm, edu = test_smmu.started(boot, test_smmu.config(gic, direct, props=props,
                                                       bootargs=bootargs), 240)
    check_confined(vm, edu, tmp_path / "0")
    for life in (1, 2):
        vm.send(HV, "r")
        edu = edu_again(vm, r"domU1: debug key: restart %d$" % life)
        check_confined(vm, edu, tmp_path / str(life))
    assert len(set(vm.frames(3))) == 1


@pytest.mark.fast
def test_dma_crash(boot, tmp_path):
    """corbel,on-dma-fault = "crash" is a crash like any other: on-crash says what comes next."""
    props = {"corbel,on-crash": string("restart"), "corbel,on-dma-fault": string("crash")}
    vm, edu = test_smmu.started(boot, test_smmu.config("3", props=props), 150)
    test_smmu.check_own(vm, edu)
    vm.send("domU1", "w %#x\n" % test_smmu.HOLE)
    edu = edu_again(vm, r"domU1: crashed: restart 1, 1 of at most 3 in 60 s")
    test_smmu.check_own(vm, edu)
    test_smmu.check_other(vm)
    assert Audited(vm, str(tmp_path / "dump")).json()["violations"] == []
    assert len(set(vm.frames(2))) == 1


@pytest.mark.fast
def test_lost_p2m(boot, tmp_path):
    """An SMMU that does not forget a page is an error of the p2m: a crash without a restart."""
    stub, cr0 = tmp_path / "stub", pci.SMMU_BASE + 0x20
    conf = test_smmu.hooked()
    with_policy(conf.domains[0], on_crash="restart")
    conf.qemu_args += ["-gdb", "unix:%s,server=on,wait=off" % stub]
    vm, _ = test_smmu.started(boot, conf, 150)
    poke(stub, cr0, (5).to_bytes(4, "little"))      # translating, but deaf: CMDQEN = 0
    vm.send("domU1", "h 1 edu\n")
    vm.expect(HV, r"domU1: crashed: restart 1, ", 60)
    vm.expect(HV, r"domU1: not restarted: devices may still reach its memory: halted$", 30)
    vm.expect(HV, r"domU1: destroyed, 16384 KiB kept$", 60)
    free = vm.frames(2)
    assert len(free) == 2 and free[1] - free[0] < 16 * 1024, free
    test_smmu.check_other(vm)


def reboots(boot, count, **more):
    """Linux reboots; the other domain's heart beats on; the frames come back."""
    domain = with_policy(linux("domU2", **more), on_reboot="restart", limit=(count, 3600))
    vm = boot(mkdtb.Config(domains=[payload(WITNESS, "payload", "test=heart"), domain]),
              limit=60 + 60 * count)
    vm.shell("domU2", 90)
    for _ in range(count):
        vm.send("domU2", "reboot -f\n")
        vm.expect(HV, r"domU2: reset: restart \d+, ", 30)
        vm.shell("domU2", 90)
    free = vm.frames(count + 1)
    assert len(free) == count + 1 and len(set(free)) == 1, free
    return vm


def assert_heart(vm):
    """It beats, and has never hung. How late a beat may be is test_stress.py's: in exact time."""
    beats = re.findall(r"^HEART \d+ longest (\d+) ms$", vm.text(WITNESS), re.M)
    assert len(beats) > 10 and int(beats[-1]) < THREADS_BOUND_MS * SCALE, \
        "%d beats, at the end %s" % (len(beats), beats[-3:])


@pytest.mark.fast
def test_linux_reboots(boot):
    """reboot -f, three times back to the shell."""
    assert_heart(reboots(boot, 3))


@pytest.mark.full
@pytest.mark.parametrize("gic", ["2", "3"])
def test_linux_reboots_often(boot, gic):
    """reboot -f, ten times back to the shell."""
    assert_heart(reboots(boot, 10))

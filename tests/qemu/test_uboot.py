# SPDX-License-Identifier: Apache-2.0
"""U-Boot loads everything and starts the hypervisor by a script of imagebuilder's form.

The files would boot Xen as well: nothing in them is ours but the file called `xen`. U-Boot enters
the image with SError open and its own vectors in place, and refuses or moves an image whose header
breaks its rules, so that each boot is a test of those too.
"""
import gzip
import re
import subprocess

import pytest

import fdt
import harness
import partdt
import run_uboot
from harness import HV, mkdtb
from uboot import Board, config, domu
from witness import seen_on

VIRTIO = "load virtio 0:1"
BY_PATH = "console=dtuart dtuart=/pl011@9000000 bootscrub=0"
UNKNOWN = "console=dtuart dtuart=serial0  bootscrub=0 nonsense=1 another-unknown  loglvl=all "
ONE = config(domu(0, MEM=256), hv_cmd=BY_PATH)


def board(request, text, *names, **more):
    """A Board named after its test; NAMES in the order of the tree."""
    name = re.sub(r"[^A-Za-z0-9.=-]+", "_", request.node.name.replace("test_", "", 1)).strip("_")
    return Board("uboot-" + name, text, names or ("domU0",), **more)


def payload(n, args, **more):
    """Lines of a configuration for a domain that runs the test payload."""
    return domu(n, **{"KERNEL": "payload", "RAMDISK": None, "MEM": 16, "CMD": args, **more})


def payload_file():
    """The payload as a file of a board."""
    return {"payload": harness.payload_file("payload")}


def written(tmp_path, name, data):
    """A file of a board with that content."""
    path = tmp_path / name
    path.write_bytes(data)
    return {name: str(path)}


def extra(tmp_path, *lines):
    """A file of a board with lines for APPEND_EXTRA_CMDS=extra.txt."""
    return written(tmp_path, "extra.txt", "".join(line + "\n" for line in lines).encode())


@pytest.mark.fast
@pytest.mark.parametrize("gic", ["2", "3"])
@pytest.mark.parametrize("source", ["virtio", "tftp"])
def test_two_domus(request, hv, source, gic):
    """Two Debian domains, one of them direct-map, by a disk and by TFTP; U-Boot finds boot.scr and
    runs it by itself."""
    text = config(domu(0), domu(1, MEM=None, STATIC_MEM="0x60000000 0x8000000"))
    with board(request, text, "domU1", "domU0", hv=hv, source=source,
               machine=mkdtb.Machine(gic=gic)) as vm:
        vm.shell("domU0")
        vm.shell("domU1")
        vm.run("domU1", "cat /proc/iomem", r"^60000000-[0-9a-f]+ : System RAM")


@pytest.mark.full
@pytest.mark.parametrize("source,gic", [("tftp", "2"), ("virtio", "3")])
def test_xen(request, source, gic):
    """The same files with Debian's Xen in place of Corbel."""
    with board(request, config(domu(0), domu(1)), "domU1", "domU0", hv="xen", source=source,
               machine=mkdtb.Machine(gic=gic), limit=150) as vm:
        vm.shell("domU0", 120)
        vm.shell("domU1", 120)


# --- where the files come from --------------------------------------------------------------------

@pytest.mark.full
@pytest.mark.parametrize("source", sorted(run_uboot.BUSES) + ["vvfat"])
def test_disk(request, hv, source):
    """One script for every kind of disk."""
    with board(request, ONE, hv=hv, source=source) as vm:
        vm.shell("domU0")


@pytest.mark.full
@pytest.mark.parametrize("gic", ["2", "3"])
def test_disk_by_name(request, hv, gic):
    """A script that names the disk itself."""
    with board(request, ONE, hv=hv, load=VIRTIO, machine=mkdtb.Machine(gic=gic)) as vm:
        vm.shell("domU0")


@pytest.mark.full
@pytest.mark.parametrize("nic", sorted(run_uboot.NICS))
def test_tftp(request, hv, nic):
    """TFTP over every kind of network card."""
    with board(request, ONE, hv=hv, source="tftp", nic=nic) as vm:
        vm.shell("domU0")


@pytest.mark.full
@pytest.mark.parametrize("gic", ["2", "3"])
def test_ram(request, hv, gic):
    """Everything is in memory already, and U-Boot's environment is one of ours."""
    with board(request, ONE, hv=hv, source="ram", machine=mkdtb.Machine(gic=gic)) as vm:
        vm.shell("domU0")


@pytest.mark.full
def test_by_hand(request, hv):
    """TFTP by commands at U-Boot's prompt."""
    with board(request, ONE, hv=hv, source="tftp") as vm:
        vm.prompt()
        vm.type("setenv autoload no", "dhcp", "tftpb 0x40200000 boot.scr", "source 0x40200000")
        vm.shell("domU0")


# --- forms of the script --------------------------------------------------------------------------

@pytest.mark.full
def test_boot_cmd_none(request, hv):
    """The script leaves the start to the user, who types booti."""
    text = config(domu(0), BOOT_CMD="none")
    with board(request, text, hv=hv, load=VIRTIO) as vm:
        vm.prompt()
        vm.type(VIRTIO + " 0x40200000 boot.scr", "source 0x40200000",
                "booti ${host_kernel_addr} - ${host_fdt_addr}")
        vm.shell("domU0")


@pytest.mark.full
def test_bootm(request, hv):
    """The hypervisor wrapped as one of U-Boot's own images."""
    with board(request, config(domu(0), BOOT_CMD="bootm"), hv=hv) as vm:
        vm.shell("domU0")


OVERLAY = """/dts-v1/;
/plugin/;
/ { fragment@0 { target-path = "/"; __overlay__ { sram@c0000000 { compatible = "mmio-sram";
    reg = <0x0 0xc0000000 0x0 0x200000>; }; }; }; };
"""


@pytest.mark.full
def test_gzip_overlay(request, hv, tmp_path):
    """A compressed kernel; an overlay, which this U-Boot cannot apply and goes on."""
    with open(harness.guest_file("Image-6.12"), "rb") as file:
        files = written(tmp_path, "Image.gz", gzip.compress(file.read(), 1))
    blob = subprocess.run(["dtc", "-q", "-@", "-I", "dts", "-O", "dtb"], input=OVERLAY.encode(),
                          stdout=subprocess.PIPE, check=True).stdout
    files.update(written(tmp_path, "ovl.dtbo", blob))
    text = config(domu(0, KERNEL="Image.gz", MEM=256), **{"NUM_DT_OVERLAY": 1,
                                                          "DT_OVERLAY[0]": "ovl.dtbo"})
    with board(request, text, hv=hv, files=files) as vm:
        vm.shell("domU0")


NEW_LINES = ["fdt set /chosen/domU%d %s" % (n, text) for n in (0, 1) for text in (
    "trap-unmapped-accesses <1>", "domid <%d>" % (n + 5), "xen,domain-p2m-mem-mb <4>")]
EVENT_LINES = [
    "fdt mknod /chosen/domU1 evtchn@1",
    "fdt set /chosen/domU1/evtchn@1 phandle <0xfffffffe>",
    'fdt set /chosen/domU1/evtchn@1 compatible "xen,evtchn-v1"',
    "fdt set /chosen/domU1/evtchn@1 xen,evtchn <10 0xfffffffd>"]


@pytest.mark.full
@pytest.mark.parametrize("source,gic", [("tftp", "3"), ("virtio", "2")])
def test_new_form(request, hv, tmp_path, source, gic):
    """The spellings of later releases; properties without effect; a module's reg that is larger
    than its file."""
    more = dict(NR_SPIS=8, GRANT_VER=1, GRANT_FRAMES=64, MAPTRACK_FRAMES=1024, CAPS="none")
    text = config(domu(0, MEM=256, **more), domu(1, VCPUS=2, **more),
                  'DOMU_VCPU_HARD_AFFINITY[0,0]=0\nDOMU_VCPU_HARD_AFFINITY[1,1]="0-1"\n',
                  NUM_DOMUS=2, APPEND_EXTRA_CMDS="extra.txt")
    with board(request, text, "domU1", "domU0", hv=hv, source=source, form="new",
               files=extra(tmp_path, *NEW_LINES), machine=mkdtb.Machine(gic=gic)) as vm:
        vm.shell("domU0")
        vm.shell("domU1")
        vm.run("domU1", "grep -c ^processor /proc/cpuinfo", r"^2$")
        assert not vm.refused_edits()


@pytest.mark.full
def test_event_channels(request, hv, tmp_path):
    """What does not work yet keeps its domain alone from starting."""
    text = config(domu(0), domu(1), APPEND_EXTRA_CMDS="extra.txt")
    with board(request, text, "domU1", "domU0", hv=hv, form="new",
               files=extra(tmp_path, *EVENT_LINES)) as vm:
        vm.shell("domU0")
        assert "/chosen/domU1/evtchn@1" in vm.only_refusal("domU1")


CALC_NEXT = """\
setexpr memaddr ${memaddr} \\+ ${filesize}
setexpr memaddr ${memaddr} \\+ 0x1FFFFF
setexpr memaddr ${memaddr} \\& 0xFFFFFFFFFFE00000
"""
CALC_REG = """\
setexpr addr_hi ${domU0_%(name)s_addr} / 0x100000000
setexpr addr_lo ${domU0_%(name)s_addr} \\& 0xFFFFFFFF
setexpr size_hi ${domU0_%(name)s_size} / 0x100000000
setexpr size_lo ${domU0_%(name)s_size} \\& 0xFFFFFFFF
fdt set /chosen/domU0/module@%(unit)s reg <0x${addr_hi} 0x${addr_lo} 0x${size_hi} 0x${size_lo}>
"""
CALC_LOAD = """\
%(load)s ${memaddr} %(file)s
setenv domU0_%(name)s_addr ${memaddr}
setenv domU0_%(name)s_size ${filesize}
"""
CALC_MODULE = """\
fdt mknod /chosen/domU0 module@%(unit)s
fdt set /chosen/domU0/module@%(unit)s compatible  "multiboot,%(name)s" "multiboot,module"
"""
CALC_DOMAIN = """\
fdt addr ${fdtcontroladdr}
fdt resize 1024
fdt set /chosen \\#address-cells <0x2>
fdt set /chosen \\#size-cells <0x2>
fdt set /chosen xen,xen-bootargs "console=dtuart dtuart=serial0 bootscrub=0"
fdt mknod /chosen domU0
fdt set /chosen/domU0 compatible "xen,domain"
fdt set /chosen/domU0 \\#address-cells <0x2>
fdt set /chosen/domU0 \\#size-cells <0x2>
fdt set /chosen/domU0 memory <0x0 0x40000 >
fdt set /chosen/domU0 cpus <1>
fdt set /chosen/domU0 vpl011 <0x1>
"""


def calculated(load):
    """A script that computes its addresses and edits U-Boot's own tree, as `-s` makes it."""
    kernel = {"load": load, "file": "Image", "name": "kernel", "unit": "40400000"}
    ramdisk = {"load": load, "file": "initrd.gz", "name": "ramdisk", "unit": "40600000"}
    return ("setenv memaddr 0x40400000\n" + CALC_LOAD % kernel + CALC_NEXT + CALC_LOAD % ramdisk +
            CALC_NEXT + load + " ${memaddr} xen\nsetenv host_kernel_addr ${memaddr}\n" +
            CALC_DOMAIN + CALC_MODULE % kernel + CALC_REG % kernel +
            "fdt set /chosen/domU0/module@40400000 bootargs \"console=ttyAMA0\"\n" +
            CALC_MODULE % ramdisk + CALC_REG % ramdisk +
            "setenv fdt_high 0xffffffffffffffff\nbooti ${host_kernel_addr} - ${fdtcontroladdr}\n")


@pytest.mark.full
@pytest.mark.parametrize("gic", ["2", "3"])
@pytest.mark.parametrize("source,load", [("tftp", "tftpb"), ("virtio", VIRTIO)])
def test_calculated(request, hv, source, load, gic):
    """The tree is U-Boot's own, not page aligned and near the end of RAM; unit addresses lie."""
    with board(request, calculated(load), hv=hv, source=source, by_hand=True,
               machine=mkdtb.Machine(gic=gic)) as vm:
        vm.shell("domU0")


# --- the machine ----------------------------------------------------------------------------------

@pytest.mark.full
@pytest.mark.parametrize("gic", ["2", "3"])
def test_six_gib(request, hv, gic):
    """RAM beyond 4 GiB, with domains that need it."""
    text = config(domu(0, MEM=2048), domu(1, MEM=2048))
    with board(request, text, "domU1", "domU0", hv=hv, machine=mkdtb.Machine(gic=gic, ram="6144"),
               limit=120) as vm:
        vm.shell("domU0", 90)
        vm.shell("domU1", 90)


@pytest.mark.full
def test_large_tree(request, hv, tmp_path):
    """A host's tree of almost 2 MiB."""
    tree = mkdtb.dump_tree(mkdtb.Machine())
    tree.root.add("ballast").props["data"] = bytes(0x1e0000)
    with board(request, ONE, hv=hv, files=written(tmp_path, "host.dtb", tree.pack())) as vm:
        vm.shell("domU0")


# A DIMM that no memory node names, at the first free GiB: 0xc0000000.
DIMM = ["-object", "memory-backend-ram,id=m0,size=128M", "-device", "pc-dimm,memdev=m0,id=dimm0"]
DIMM_MACHINE = {"ram": "2G,slots=2,maxmem=4G"}


@pytest.mark.full
def test_memory_slots(request, hv):
    """A machine with slots for more memory: numa-node-id properties, RAM the tree does not name."""
    with board(request, ONE, hv=hv, qemu=DIMM, machine=mkdtb.Machine(**DIMM_MACHINE)) as vm:
        vm.shell("domU0")


# --- domains that use more ------------------------------------------------------------------------

@pytest.mark.full
def test_cpupool(request, hv):
    """Pools as the old form writes them: CPUs get other phandles, cpu-map dangles."""
    text = config(payload(0, "test=spin seconds=100000 id=1", CPUPOOL=1),
                  payload(1, "test=spin seconds=100000 id=2", CPUPOOL=0),
                  **{"NUM_CPUPOOLS": 2, "CPUPOOL[0]": "cpu@0", "CPUPOOL[1]": "cpu@1 null"})
    with board(request, text, "domU1", "domU0", hv=hv, files=payload_file()) as vm:
        for name in ("domU0", "domU1"):
            vm.expect(name, "SPIN cpu0 count", 30)
        assert seen_on(vm, (1, 2), 50) == {1: {1}, 2: {0}}


PT = partdt.partial([partdt.pl031()])


@pytest.mark.full
@pytest.mark.parametrize("source,gic", [("tftp", "3"), ("virtio", "2")])
def test_passthrough(request, hv, tmp_path, source, gic):
    """A clock given by a partial tree; words on the command line that nobody knows."""
    text = config(domu(0, MEM=256, PASSTHROUGH_DTB="pt.dtb"), hv_cmd=UNKNOWN)
    with board(request, text, hv=hv, source=source, machine=mkdtb.Machine(gic=gic),
               files=written(tmp_path, "pt.dtb", PT.pack())) as vm:
        vm.shell("domU0")
        vm.run("domU0", "cat /proc/iomem", r"^0*9010000-0*9010fff : ")
        vm.run("domU0", "cat /sys/class/rtc/rtc0/since_epoch", r"^\d{9,}$")


@pytest.mark.full
@pytest.mark.parametrize("direct", [None, 0])
@pytest.mark.parametrize("source,gic", [("tftp", "3"), ("virtio", "2")])
def test_static(request, hv, source, gic, direct):
    """Static memory: with direct-map, which the script writes by default, and without."""
    text = config(domu(0, STATIC_MEM="0x60000000 0x10000000", MEM=None, DIRECT_MAP=direct),
                  hv_cmd=UNKNOWN)
    with board(request, text, hv=hv, source=source, machine=mkdtb.Machine(gic=gic)) as vm:
        vm.shell("domU0")
        base = 0x40000000 if direct == 0 else 0x60000000
        vm.run("domU0", "cat /proc/iomem", r"^%x-[0-9a-f]+ : System RAM" % base)


@pytest.mark.full
@pytest.mark.parametrize("source,gic", [("tftp", "2"), ("virtio", "3")])
def test_shared_memory(request, hv, source, gic):
    """Shared memory that Debian's Xen ends on."""
    text = config(domu(0, MEM=256, SHARED_MEM="my-shared-mem-0 0x70000000 0x6000000 0x1000000"))
    with board(request, text, hv=hv, source=source, machine=mkdtb.Machine(gic=gic)) as vm:
        vm.shell("domU0")
        vm.run("domU0", "ls -d /proc/device-tree/reserved-memory/*", r"6000000")


@pytest.mark.full
@pytest.mark.parametrize("gic", ["2", "3"])
def test_everything(request, hv, tmp_path, gic):
    """Static memory with and without direct-map, a partial tree, colors, viommu, pools, and a
    domain that is not started."""
    text = config(
        domu(0, MEM=None, STATIC_MEM="0x60000000 0x10000000 0x80000000 0x8000000", CPUPOOL=0,
             CMD="console=ttyAMA0 earlycon"),
        domu(1, MEM=64, STATIC_MEM="0x90000000 0x8000000", DIRECT_MAP=0, ENHANCED=0, CPUPOOL=1),
        domu(2, PASSTHROUGH_DTB="pt.dtb", VCPUS=2, COLORS="6-14", VIOMMU=1),
        domu(3, NOBOOT=1, PASSTHROUGH_PATHS="/pl031@9010000"),
        hv_cmd=BY_PATH + " vwfi=native xen_colors=0-1 dom0_colors=2-5 ",
        **{"NUM_CPUPOOLS": 2, "CPUPOOL[0]": "cpu@0", "CPUPOOL[1]": "cpu@1 null"})
    with board(request, text, "domU2", "domU1", "domU0", hv=hv, limit=120,
               files=written(tmp_path, "pt.dtb", PT.pack()), machine=mkdtb.Machine(gic=gic)) as vm:
        for name in ("domU0", "domU1", "domU2"):
            vm.shell(name, 90)


POOLS = [("shm", 0, 0x1000, {"compatible": fdt.string("vendor,shm")}),
         ("pool", 0x100000, 0x100000, {"label": fdt.string("scratch"), "pool": fdt.empty()})]


def sram_lines(base):
    """The script's lines for an SRAM node of the host's tree."""
    path = "fdt set /sram@%x " % base
    return ["fdt mknod / sram@%x" % base, path + 'compatible "mmio-sram"',
            path + "reg <0x0 0x%x 0x0 0x200000>" % base, path + "\\#address-cells <0x1>",
            path + "\\#size-cells <0x1>", path + "ranges <0x0 0x0 0x%x 0x200000>" % base]


@pytest.mark.full
@pytest.mark.parametrize("gic", ["2", "3"])
def test_sram(request, hv, tmp_path, gic):
    """SRAM that is real memory, in a DIMM that no memory node names: the domain's driver finds
    both parts, all of it can be read and written, and nothing beyond it."""
    partial = partdt.partial([partdt.sram(0xc0000000, 0x200000, pools=POOLS)])
    files = {**extra(tmp_path, *sram_lines(0xc0000000)),
             **written(tmp_path, "sram.dtb", partial.pack())}
    text = config(domu(0, PASSTHROUGH_DTB="sram.dtb", CMD="console=ttyAMA0 iomem=relaxed"),
                  APPEND_EXTRA_CMDS="extra.txt")
    with board(request, text, hv=hv, files=files, qemu=DIMM,
               machine=mkdtb.Machine(gic=gic, **DIMM_MACHINE)) as vm:
        vm.shell("domU0")
        vm.run("domU0", "cat /proc/iomem", r"^c0000000-c01fffff : c0000000.sram")
        vm.run("domU0", "find /proc/device-tree/ -name label | grep -c sram@c0000000/pool@100000",
               r"^1$")
        for addr in ("0xc0000000", "0xc01ffffc"):
            vm.run("domU0", "devmem %s 32 0xdeadbeef; devmem %s" % (addr, addr), r"^0xDEADBEEF$")
        vm.run("domU0", "devmem 0xc0200000; echo beyond=$?", r"^beyond=1\d\d$")


@pytest.mark.full
def test_sram_over_ram(request, hv, tmp_path):
    """A host's tree that calls RAM an SRAM: nobody is given it."""
    partial = partdt.partial([partdt.sram(0x70000000, 0x200000)])
    files = {**extra(tmp_path, *sram_lines(0x70000000)),
             **written(tmp_path, "sram.dtb", partial.pack())}
    text = config(domu(0), domu(1, PASSTHROUGH_DTB="sram.dtb"), APPEND_EXTRA_CMDS="extra.txt")
    with board(request, text, "domU1", "domU0", hv=hv, files=files) as vm:
        vm.shell("domU0")
        assert "70000000" in vm.only_refusal("domU1")


@pytest.mark.full
def test_absent_device(request, hv, tmp_path):
    """The tree was dumped without -bios and names a PL061 that is not there: the domain that is
    given it gets an external abort, the others and the hypervisor nothing."""
    machine = mkdtb.Machine()
    files = written(tmp_path, "pt.dtb", partdt.partial([partdt.pl061()]).pack())
    files.update(written(tmp_path, "host.dtb", mkdtb.dump_tree(machine).pack()))
    text = config(domu(0), domu(1, PASSTHROUGH_DTB="pt.dtb"))
    with board(request, text, "domU1", "domU0", hv=hv, files=files, machine=machine) as vm:
        vm.expect("domU1", r"(?i)synchronous external abort", 60)
        vm.shell("domU0")


# --- scripts with faults --------------------------------------------------------------------------

FULL_CMD = "console=ttyAMA0 earlycon root=/dev/ram0 rdinit=/sbin/init panic=1"


@pytest.mark.full
@pytest.mark.parametrize("count", [12, 14])
def test_full_tree(request, hv, count):
    """More domains than `fdt resize 1024` has room for: U-Boot goes on with what it could write.
    The first ones start, and one of which half is there is refused alone or starts as it is."""
    text = config(*[payload(n, FULL_CMD, RAMDISK="initrd.gz", MEM=16) for n in range(count)])
    names = ["domU%d" % n for n in reversed(range(count))]
    with board(request, text, *names, hv=hv, files=payload_file()) as vm:
        found = vm.expect(HV, r"boot: (\d+) domains? started, (\d+) refused", 60)
        assert vm.refused_edits()
        started, refused = map(int, found.groups())
        assert started >= 11 and started + refused <= count
        for n in range(11):
            assert "domU%d: started" % n in vm.text(HV)


def without(pattern):
    """An edit that drops the script's lines that match."""
    def edit(text):
        return "".join(line + "\n" for line in text.splitlines() if not re.search(pattern, line))
    return edit


@pytest.mark.full
@pytest.mark.parametrize("lost,word", [
    (r"domU1/module.*(multiboot,kernel|bootargs)", "multiboot,kernel"),
    (r"domU1(/| )module", "multiboot,kernel"),
    (r"domU1/module.* reg ", "reg"),
    (r"domU1 (memory|cpus)", "memory"),
], ids=["no-kernel", "no-module", "no-reg", "no-memory"])
def test_half_domain(request, hv, lost, word):
    """Edits of one domain were lost: it is refused by one line, the other starts."""
    with board(request, config(domu(0), domu(1)), "domU1", "domU0", hv=hv,
               edit=without(lost)) as vm:
        vm.shell("domU0")
        assert word in vm.only_refusal("domU1")


@pytest.mark.full
def test_same_name_twice(request, hv):
    """A second mknod of one name fails, and its edits go to the first node."""
    def edit(text):
        return text.replace("fdt mknod /chosen domU0\n", "fdt mknod /chosen domU0\n" * 2)
    with board(request, config(domu(0)), hv=hv, edit=edit) as vm:
        vm.shell("domU0")
        assert vm.refused_edits() == ["libfdt fdt_add_subnode(): FDT_ERR_EXISTS"]


@pytest.mark.full
def test_console_cell(request, hv):
    """`vpl011 <0x0>` is present, hence there."""
    def edit(text):
        return text.replace("domU0 vpl011\n", "domU0 vpl011 <0x0>\n")
    with board(request, config(domu(0)), hv=hv, edit=edit) as vm:
        vm.shell("domU0")


@pytest.mark.full
def test_shared_module(request, hv):
    """Two domains that name one and the same kernel."""
    def edit(text):
        first, second = re.findall(r"^fdt set /chosen/domU./module\S+ reg (<.*0x21\S+ >)$", text,
                                   re.M)
        return text.replace(second, first)
    with board(request, config(domu(0), domu(1)), "domU1", "domU0", hv=hv, edit=edit) as vm:
        vm.shell("domU0")
        vm.shell("domU1")


@pytest.mark.full
def test_module_in_reserved_memory(request, hv, tmp_path):
    """A module in a range that the tree reserves (Xen stops there without a word) is refused."""
    files = extra(tmp_path, "fdt mknod / reserved-memory",
                  "fdt set /reserved-memory \\#address-cells <0x2>",
                  "fdt set /reserved-memory \\#size-cells <0x2>",
                  "fdt set /reserved-memory ranges",
                  "fdt mknod /reserved-memory hole@40400000",
                  "fdt set /reserved-memory/hole@40400000 reg <0x0 0x40400000 0x0 0x200000>",
                  "fdt set /reserved-memory/hole@40400000 no-map")
    text = config(domu(0), domu(1), APPEND_EXTRA_CMDS="extra.txt")
    with board(request, text, "domU1", "domU0", hv=hv, files=files) as vm:
        vm.shell("domU1")
        assert "module0x40400000: reg" in vm.only_refusal("domU0")

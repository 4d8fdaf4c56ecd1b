# SPDX-License-Identifier: Apache-2.0
"""The boot script that is written from a configuration, line by line, and what is refused."""
import pathlib
import struct
import subprocess
import sys

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
import fdt  # noqa: E402
import mkbootscr  # noqa: E402
from bootcfg import ConfigError, parse_config  # noqa: E402

SIZES = {"Image": 0x21367C0, "initrd.gz": 0xF0CB3, "pt.dtb": 0x34A, "xen": 0xF8008, "ovl.dtbo": 600}
HEAD = """
MEMORY_START=0x40000000
MEMORY_END=0xC0000000
DEVICE_TREE=host.dtb
XEN=xen
"""
PLAIN = HEAD + """
XEN_CMD="console=dtuart dtuart=serial0"
NUM_DOMUS=1
DOMU_KERNEL[0]=Image
"""


def parse(text):
    """The variables as a plain dictionary."""
    config = parse_config(text, "cfg")
    return {name: config.get(name) for name in config.names()}


@pytest.mark.parametrize("text,value", [
    ("A=plain", "plain"),
    ("A=plain # comment", "plain"),
    ("A=pl#ain", "pl#ain"),
    ("A='single $x \\ \"'", 'single $x \\ "'),
    ('A="double \\"q\\" \\\\ \\$ \\x"', 'double "q" \\ $ \\x'),
    ("A=a\\ b'c d'\"e f\"", "a bc de f"),
    ("A=\"two \\\nlines\"", "two lines"),
    ("A=two\\\nlines", "twolines"),
    ("# first\n\n  export A=x;B=y", "x"),
    ("B=in; A=\"$B-${B}-${B[0]}\"", "in-in-in"),
    ("A=one; A=two", "two"),
    ("A[0]=indexed", "indexed"),
    ("C[3]=x; A=${C[3]}", "x"),
    ("A='${devtype}'", "${devtype}"),
])
def test_values(text, value):
    assert parse(text)["A"] == value


def test_an_empty_value_is_none():
    assert parse("A=\nB=''\nC=\"\"\nD=x") == {"D": "x"}


@pytest.mark.parametrize("text,line", [
    ("A=1\nrm -rf x", "cfg:2: expected NAME=value, not 'rm -rf x'"),
    ("A=$(id)", "cfg:1: expected a plain or quoted value, not '$'"),
    ("A=\"$(id)\"", "cfg:1: expected plain text, not a command"),
    ("A=\"`id`\"", "cfg:1: expected plain text, not a command"),
    ("A=`id`", "cfg:1: expected a plain or quoted value, not '`'"),
    ("A=(1 2)", "cfg:1: expected a plain or quoted value, not '('"),
    ("A=x|y", "cfg:1: expected a plain or quoted value, not '|'"),
    ("\nA='open", "cfg:2: expected a plain or quoted value, not \"'\""),
    ("A=\"$B\"", "cfg:1: $B has no value here"),
    ("A[x]=1", "cfg:1: expected NAME=value"),
    ("A = 1", "cfg:1: expected NAME=value"),
    ("if true; then A=1; fi", "cfg:1: expected NAME=value"),
])
def test_what_is_no_assignment_is_refused(text, line):
    with pytest.raises(ConfigError) as error:
        parse_config(text, "cfg")
    assert str(error.value).startswith(line) and "\n" not in str(error.value)


@pytest.fixture
def files(tmp_path):
    """A directory with files of known sizes and a tree of two CPUs."""
    for name, size in SIZES.items():
        with open(tmp_path / name, "wb") as file:
            file.truncate(size)
    tree = fdt.Tree()
    cpus = tree.root.add("cpus")
    for n in range(2):
        cpus.add(fdt.Node("cpu@%d" % n, {"phandle": fdt.u32(0x8002 - n)}))
    cpus.add(fdt.Node("cpu@2", {"phandle": fdt.u32(0x800A)}))
    (tmp_path / "host.dtb").write_bytes(tree.pack())
    return tmp_path


def build(files, text, load="tftp", **more):
    """The script of a configuration's text."""
    return mkbootscr.build(parse_config(text, "cfg"), str(files), load, **more)


def fails(files, text, line, **more):
    """The configuration is refused by one line that begins so."""
    with pytest.raises(ConfigError) as error:
        build(files, text, **more)
    assert str(error.value).startswith(line) and "\n" not in str(error.value)


TWO = HEAD + """
XEN_CMD="console=dtuart dtuart=serial0 bootscrub=0 dom0_mem=1G"
NUM_DOMUS=2
DOMU_KERNEL[0]=Image
DOMU_RAMDISK[0]=initrd.gz
DOMU_STATIC_MEM[0]="0x60000000 0x8000000 0x180000000 0x8000000"
DOMU_KERNEL[1]=Image
DOMU_PASSTHROUGH_DTB[1]=pt.dtb
DOMU_MEM[1]=256
DOMU_VCPUS[1]=2
DOMU_CMD[1]="console=ttyAMA0 root=/dev/ram0"
"""
TWO_SOURCE = """\
tftpb 0x40400000 Image
tftpb 0x42600000 initrd.gz
tftpb 0x42800000 Image
tftpb 0x44A00000 pt.dtb
tftpb 0x44C00000 xen
tftpb 0x44E00000 host.dtb
fdt addr 0x44E00000
fdt resize 1024
fdt set /chosen \\#address-cells <0x2>
fdt set /chosen \\#size-cells <0x2>
fdt set /chosen xen,xen-bootargs "console=dtuart dtuart=serial0 bootscrub=0 "
fdt mknod /chosen domU0
fdt set /chosen/domU0 compatible "xen,domain"
fdt set /chosen/domU0 \\#address-cells <0x2>
fdt set /chosen/domU0 \\#size-cells <0x2>
fdt set /chosen/domU0 memory <0 262144>
fdt set /chosen/domU0 cpus <1>
fdt set /chosen/domU0 xen,static-mem <0x0 0x60000000 0x0 0x8000000 0x1 0x80000000 0x0 0x8000000>
fdt set /chosen/domU0 direct-map
fdt set /chosen/domU0 vpl011
fdt mknod /chosen/domU0 module0x40400000
fdt set /chosen/domU0/module0x40400000 compatible  "multiboot,kernel" "multiboot,module"
fdt set /chosen/domU0/module0x40400000 reg <0x0 0x40400000 0x0 0x21367C0 >
fdt set /chosen/domU0/module0x40400000 bootargs "console=ttyAMA0"
fdt mknod /chosen/domU0 module0x42600000
fdt set /chosen/domU0/module0x42600000 compatible  "multiboot,ramdisk" "multiboot,module"
fdt set /chosen/domU0/module0x42600000 reg <0x0 0x42600000 0x0 0xF0CB3 >
fdt mknod /chosen domU1
fdt set /chosen/domU1 compatible "xen,domain"
fdt set /chosen/domU1 \\#address-cells <0x2>
fdt set /chosen/domU1 \\#size-cells <0x2>
fdt set /chosen/domU1 memory <0 262144>
fdt set /chosen/domU1 cpus <2>
fdt set /chosen/domU1 vpl011
fdt mknod /chosen/domU1 module0x42800000
fdt set /chosen/domU1/module0x42800000 compatible  "multiboot,kernel" "multiboot,module"
fdt set /chosen/domU1/module0x42800000 reg <0x0 0x42800000 0x0 0x21367C0 >
fdt set /chosen/domU1/module0x42800000 bootargs "console=ttyAMA0 root=/dev/ram0"
fdt mknod /chosen/domU1 module0x44A00000
fdt set /chosen/domU1/module0x44A00000 compatible  "multiboot,device-tree" "multiboot,module"
fdt set /chosen/domU1/module0x44A00000 reg <0x0 0x44A00000 0x0 0x34A >
setenv fdt_high 0xffffffffffffffff
booti 0x44C00000 - 0x44E00000
"""


def test_two_domains(files):
    script = build(files, TWO)
    assert script.text() == TWO_SOURCE
    assert (script.script_addr, script.hv_addr, script.dtb_addr) == (
        0x40200000, 0x44C00000, 0x44E00000)
    assert not script.warnings


def edits(files, text, **more):
    """The lines between the tree's room and the end."""
    lines = build(files, text, **more).lines
    return lines[lines.index("fdt set /chosen \\#size-cells <0x2>") + 1:]


def test_hardware_domain(files):
    text = PLAIN.replace('XEN_CMD="console=dtuart dtuart=serial0"', "DOM0_MEM=512") + (
        "DOM0_KERNEL=Image; DOM0_RAMDISK=initrd.gz; DOM0_COLORS=2-5\n")
    lines = edits(files, text)
    assert lines[:8] == [
        'fdt set /chosen xen,xen-bootargs "console=dtuart dtuart=serial0 dom0_mem=512M '
        'dom0_max_vcpus=1 bootscrub=0 vwfi=native sched=null dom0_colors=2-5 "',
        "fdt mknod /chosen dom0",
        'fdt set /chosen/dom0 compatible  "xen,linux-zimage" "xen,multiboot-module" '
        '"multiboot,module"',
        "fdt set /chosen/dom0 reg <0x0 0x40400000 0x0 0x21367C0 >",
        'fdt set /chosen xen,dom0-bootargs "console=hvc0 earlycon=xen earlyprintk=xen '
        'clk_ignore_unused root=/dev/ram0"',
        "fdt mknod /chosen dom0-ramdisk",
        'fdt set /chosen/dom0-ramdisk compatible  "xen,linux-initrd" "xen,multiboot-module" '
        '"multiboot,module"',
        "fdt set /chosen/dom0-ramdisk reg <0x0 0x42600000 0x0 0xF0CB3 >",
    ]
    assert 'fdt set /chosen/domU0 xen,enhanced "enabled"' in lines


def test_pools(files):
    lines = edits(files, PLAIN + 'NUM_CPUPOOLS=2; CPUPOOL[0]="cpu@0,cpu@1"\n'
                                 'CPUPOOL[1]="cpu@1 null"; DOMU_CPUPOOL[0]=1\n')
    at = lines.index("fdt set /cpus/cpu@0 phandle <8002>")
    assert lines[at:-2] == [
        "fdt set /cpus/cpu@0 phandle <8002>",
        "fdt set /cpus/cpu@1 phandle <8001>",
        "fdt mknod /chosen cpupool_0",
        "fdt set /chosen/cpupool_0 phandle <0xfffffffe>",
        'fdt set /chosen/cpupool_0 compatible "xen,cpupool"',
        "fdt set /chosen/cpupool_0 cpupool-cpus < 8002 8001>",
        "fdt set /cpus/cpu@1 phandle <8001>",
        "fdt mknod /chosen cpupool_1",
        "fdt set /chosen/cpupool_1 phandle <0xfffffffd>",
        'fdt set /chosen/cpupool_1 compatible "xen,cpupool"',
        "fdt set /chosen/cpupool_1 cpupool-cpus < 8001>",
        'fdt set /chosen/cpupool_1 cpupool-sched "null"',
        "fdt set /chosen/domU0 domain-cpupool <0xfffffffd>",
    ]


@pytest.mark.parametrize("more,line", [
    ("DOMU_DIRECT_MAP[0]=0; DOMU_STATIC_MEM[0]='0x60000000 0x8000000'", "!direct-map"),
    ("DOMU_DIRECT_MAP[0]=1", "!direct-map"),
    ("DOMU_VUART_PL011=1", 'fdt set /chosen/domU0 vpl011 "pl011"'),
    ("DOMU_VPL011[0]=0", "!vpl011"),
    ("DOMU_VPL011[0]=0", 'fdt set /chosen/domU0/module0x40400000 bootargs ""'),
    ("DOMU_ENHANCED[0]=1", 'fdt set /chosen/domU0 xen,enhanced "enabled"'),
    ("DOMU_ENHANCED[0]=2", 'fdt set /chosen/domU0 xen,enhanced "no-xenstore"'),
    ("DOMU_VIOMMU[0]=1", "fdt set /chosen/domU0 viommu"),
    ("DOMU_COLORS[0]=6-14", "fdt set /chosen/domU0 colors <0x7fc0>"),
    ("DOMU_NR_SPIS[0]=8", "fdt set /chosen/domU0 nr_spis <8>"),
    ("DOMU_GRANT_FRAMES[0]=64", "fdt set /chosen/domU0 max_grant_frames <64>"),
    ("DOMU_CAPS[0]='control|hardware'", "fdt set /chosen/domU0 capabilities <3>"),
    ("DOMU_VCPU_HARD_AFFINITY[0,0]='0-3,5'",
     'fdt set /chosen/domU0/vcpu0 hard-affinity "0-3,5"'),
    ("DOMU_SHARED_MEM[0]='id 0x70000000 0x6000000 0x1000000'",
     "fdt set /chosen/domU0/shared-mem@0x70000000 xen,shared-mem "
     "<0x0 0x70000000 0x0 0x6000000 0x0 0x1000000 >"),
    ("DOMU_SHARED_MEM[0]='id 0x6000000 0x1000000'",
     "fdt set /chosen/domU0/shared-mem-id xen,shared-mem <0x0 0x6000000 0x0 0x1000000 >"),
    ("XEN_STATIC_HEAP='0x70000000 0x10000000'",
     "fdt set /chosen xen,static-heap <0x0 0x70000000 0x0 0x10000000>"),
    ("DOMU_PASSTHROUGH_PATHS[0]='/a@0 /b'", "fdt set /b xen,passthrough "),
    ("DOMU_PASSTHROUGH_PATHS[0]=/a@0; DOMU_NOBOOT[0]=1", "!domU0"),
    ("NUM_DT_OVERLAY=1; DT_OVERLAY[0]=ovl.dtbo", "fdt apply 0x42800000"),
    ("BOOT_CMD=none", "setenv host_fdt_addr 0x42800000"),
    ("BOOT_CMD=bootefi", "bootefi 0x42600000 - 0x42800000"),
    ("BOOT_CMD=bootm", "tftpb 0x42600000 xen.ub"),
])
def test_variables(files, more, line):
    lines = build(files, PLAIN + more).lines
    if line.startswith("!"):
        assert not [text for text in lines if line[1:] in text]
    else:
        assert line in lines


def test_later_lines_come_before_the_start(files):
    (files / "extra.txt").write_text("fdt mknod / sram@c0000000\nfdt set /sram@c0000000 pool\n")
    lines = build(files, PLAIN + "APPEND_EXTRA_CMDS=extra.txt").lines
    assert lines[-4:] == ["setenv fdt_high 0xffffffffffffffff", "fdt mknod / sram@c0000000",
                          "fdt set /sram@c0000000 pool", "booti 0x42600000 - 0x42800000"]


def test_load_commands(files):
    for load, prefix, line in (("scsi", "", "load scsi 0:1 0x40400000 Image"),
                               ("load nvme 0:1", "/boot/", "load nvme 0:1 0x40400000 /boot/Image")):
        assert build(files, PLAIN, load, prefix=prefix).lines[0] == line
    text = PLAIN + "LOAD_CMD='load ${devtype} 0'"
    assert build(files, text, None).lines[0] == "load ${devtype} 0 0x40400000 Image"


def test_new_form(files):
    head = bytearray(64)
    struct.pack_into("<QQ", head, 8, 0, 0x2300000)
    head[56:60] = b"ARM\x64"
    with open(files / "Image", "r+b") as file:
        file.write(head)
    text = PLAIN + "DOMU_DIRECT_MAP[0]=1\nNUM_CPUPOOLS=1\nCPUPOOL[0]=cpu@2\nBOOT_CMD=bootefi\n"
    lines = build(files, text, form="new").lines
    for line in ("fdt resize 1024",
                 "fdt set /chosen/domU0 memory <0x0 0x80000 >",
                 "fdt set /chosen/domU0 direct-map",
                 "fdt set /chosen/domU0 vpl011 <0x1>",
                 "fdt mknod /chosen/domU0 module@40400000",
                 "fdt set /chosen/domU0/module@40400000 reg <0x0 0x40400000 0x0 0x2300000 >",
                 "fdt set /chosen/cpupool_0 cpupool-cpus < 0x800a>",
                 "tftpb 0x42800000 xen",
                 "bootefi 0x42800000 0x42A00000"):
        assert line in lines, line


def many(count):
    """A configuration of so many domains."""
    return HEAD + 'XEN_CMD="console=dtuart"\nNUM_DOMUS=%d\n' % count + "".join(
        "DOMU_KERNEL[%d]=xen\nDOMU_RAMDISK[%d]=initrd.gz\n" % (n, n) for n in range(count))


def test_room_in_the_tree(files):
    """The old form has room for a few domains and warns; the new one asks for what it needs."""
    assert not build(files, many(2)).warnings
    script = build(files, many(14))
    assert "fdt resize 1024" in script.lines and "--form new" in script.warnings[0]
    script = build(files, many(14), form="new")
    room = next(line for line in script.lines if line.startswith("fdt resize"))
    assert int(room.split()[2]) >= 14 * 400 and not script.warnings


def test_warnings(files):
    script = build(files, PLAIN + "DOMU_KERNELS[0]=x\nDOMU_MEM[0]=64\n"
                                  "DOMU_STATIC_MEM[0]='0x60000000 0x8000000'\nGPT=1\n")
    assert script.warnings == [
        "cfg: DOMU_KERNELS is unknown and has no effect",
        "cfg: DOMU_MEM[0] = 64 MiB: static memory of 131072 KiB is used"]


@pytest.mark.parametrize("more,line", [
    ("DOMU_KERNEL[0]=none", "cfg:10: DOMU_KERNEL[0] = 'none': expected a file in "),
    ("NUM_DOMUS=2", "cfg: DOMU_KERNEL[1] is missing"),
    ("NUM_DOMUS=two", "cfg:10: NUM_DOMUS = 'two': expected a number, not 'two'"),
    ("XEN=", "cfg: XEN is missing"),
    ("MEMORY_START=", "cfg: MEMORY_START is missing"),
    ("MEMORY_END=0x42000000", "cfg:10: MEMORY_END = '0x42000000': expected at least 0x42a00000"),
    ("BOOT_CMD=go", "cfg:10: BOOT_CMD = 'go': expected one of booti"),
    ("DOM0_RAMDISK=initrd.gz", "cfg:10: DOM0_RAMDISK = 'initrd.gz': expected nothing, as there is"),
    ("DOM0_KERNEL=Image; DOM0_MEM=512", "cfg:10: DOM0_MEM = '512': expected nothing, as XEN_CMD"),
    ("DOMU_STATIC_MEM[0]='0x60000000'", "cfg:10: DOMU_STATIC_MEM[0] = '0x60000000': expected pair"),
    ("DOMU_STATIC_MEM[0]='0x6000 -1'", "cfg:10: DOMU_STATIC_MEM[0] = '0x6000 -1': expected a numb"),
    ("DOMU_COLORS[0]=5", "cfg:10: DOMU_COLORS[0] = '5': expected FIRST-LAST"),
    ("DOMU_SHARED_MEM[0]=id", "cfg:10: DOMU_SHARED_MEM[0] = 'id': expected id"),
    ("DOMU_CPUPOOL[0]=1", "cfg:10: DOMU_CPUPOOL[0] = '1': expected a pool below"),
    ("NUM_CPUPOOLS=1; CPUPOOL[0]=cpu@9", "cfg:10: CPUPOOL[0] = 'cpu@9': expected names of CPU"),
    ("NUM_CPUPOOLS=1; CPUPOOL[0]=cpu@2", "cfg:10: CPUPOOL[0] = 'cpu@2': expected a CPU whose"),
    ("NUM_CPUPOOLS=1; CPUPOOL[0]=cpu@0; DEVICE_TREE=xen", "cfg:10: DEVICE_TREE = 'xen': expected "),
    ("DOMU_CMD[0]='a \"b\"'", "/chosen/domU0/module0x40400000: bootargs = 'a \"b\"': expected no"),
    ("DOMU_CMD[0]=%s" % ("x" * 2000), "/chosen/domU0/module0x40400000: bootargs: 2001 bytes"),
    ("LINUX=Image", "cfg: LINUX is not supported"),
    ("FDTEDIT=x", "cfg: FDTEDIT is not supported"),
])
def test_refusals(files, more, line):
    fails(files, PLAIN + more, line)


def test_no_load_command(files):
    fails(files, PLAIN, "cfg: LOAD_CMD is missing", load=None)


def run(files, *args):
    """The program itself."""
    return subprocess.run(["/usr/bin/python3", str(TOOLS / "mkbootscr.py"), *args], cwd=files,
                          capture_output=True, text=True, check=False)


def test_program(files):
    """Source, script and wrapped hypervisor are written; a mistake is one line and exit code 1."""
    (files / "config").write_text(TWO + "BOOT_CMD=bootm\n")
    done = run(files, "-c", "config", "-t", "tftp", "-o", "two")
    assert (done.returncode, done.stderr) == (0, "")
    source = TWO_SOURCE.replace(" xen\n", " xen.ub\n").replace("booti", "bootm")
    assert (files / "two.source").read_text() == source
    magic, size, where, kind = struct.unpack_from(">I8xII10xB", (files / "two.scr").read_bytes())
    assert (magic, where, kind) == (0x27051956, 0x40200000, 6) and size == len(source) + 8
    magic, size, where, arch = struct.unpack_from(">I8xII8xxB", (files / "xen.ub").read_bytes())
    assert (magic, size, where, arch) == (0x27051956, SIZES["xen"], 0x44C00000, 22)
    (files / "config").write_text(TWO + "XEN=none\n")
    done = run(files, "-c", "config", "-t", "tftp")
    assert done.returncode == 1 and done.stderr.startswith("mkbootscr: config:17: XEN = 'none'")
    assert done.stderr.count("\n") == 1

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Boot the hypervisor and two Debian domains by U-Boot, as a board would, under QEMU.

    tools/run_uboot.py --interactive              from a FAT32 disk, boot.scr on it run by itself
    tools/run_uboot.py --interactive --tftp       from a TFTP server, the same by network
    tools/run_uboot.py --config FILE              your own imagebuilder configuration

The files (xen, Image, initrd.gz, device tree, config, boot.scr, disk.img) are left in build/uboot.
A --config takes the files that lie beside it, else these; a DEVICE_TREE that is not there is QEMU's
own. --hv build/guest/xen starts Debian's Xen from the same files. Keep your hands off the keys
until the first line of the hypervisor: U-Boot stops at any. Then three Ctrl-A switch the input to
the next domain, and Ctrl-] x ends QEMU.
"""
import argparse
import os
import shutil
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mkbootscr  # noqa: E402
import mkdtb  # noqa: E402
import run_qemu  # noqa: E402

MIB = 1 << 20
FIRMWARE = os.environ.get("UBOOT", "/usr/lib/u-boot/qemu_arm64/u-boot.bin")
FLASH_SIZE, FLASH_ENV_SIZE = 64 * MIB, 256 << 10
# U-Boot sets these before it runs the script that it found on a disk.
LOAD_FROM_DISK = "load ${devtype} ${devnum}:${distro_bootpart}"
BUSES = {
    "virtio": ["-device", "virtio-blk-device,drive=d"],
    "virtio-pci": ["-device", "virtio-blk-pci,drive=d,romfile="],
    "nvme": ["-device", "nvme,serial=1,drive=d"],
    "ahci": ["-device", "ich9-ahci,id=a", "-device", "ide-hd,drive=d,bus=a.0"],
    "usb": ["-device", "usb-ehci", "-device", "usb-storage,drive=d"],
}
NICS = {
    "virtio": "virtio-net-device,netdev=n",
    "virtio-pci": "virtio-net-pci,netdev=n,romfile=",
    "e1000": "e1000,netdev=n,romfile=",
}
CONFIG = """\
# Two Debian domains; see docs/uboot.md.
MEMORY_START="0x40000000"
MEMORY_END="0xC0000000"
DEVICE_TREE="host.dtb"
XEN="xen"
XEN_CMD="console=dtuart dtuart=serial0 bootscrub=0"
NUM_DOMUS=2
DOMU_KERNEL[0]="Image"
DOMU_RAMDISK[0]="initrd.gz"
DOMU_MEM[0]=128
DOMU_KERNEL[1]="Image"
DOMU_RAMDISK[1]="initrd.gz"
DOMU_MEM[1]=128
"""


def link(directory, name, source):
    """Make DIRECTORY/NAME a link to SOURCE."""
    path = os.path.join(directory, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.lexists(path):
        os.remove(path)
    os.symlink(os.path.abspath(source), path)


def dump_tree(machine, path, more=()):
    """Write the tree of the machine as it is with firmware; return the path.

    Without -bios QEMU's tree names devices (a PL061) that a machine with firmware does not have.
    """
    command = [mkdtb.QEMU] + machine.args(dumpdtb=path) + [
        "-bios", FIRMWARE, "-display", "none", "-net", "none", *more]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, timeout=240)
    return path


def write_script(directory, text, load, form="2023.2", name="boot"):
    """Write boot.source, boot.scr and boot.scr.uimg (the name that TFTP boots ask for)."""
    config = mkbootscr.parse_config(text, "config")
    script = mkbootscr.build(config, directory, load, form=form)
    mkbootscr.write(config, script, directory, name)
    scr = os.path.join(directory, name + ".scr")
    shutil.copyfile(scr, scr + ".uimg")
    return script


def write_source(directory, text, name="boot"):
    """The same from a script's own text."""
    source = os.path.join(directory, name + ".source")
    scr = os.path.join(directory, name + ".scr")
    with open(source, "w", encoding="utf-8") as file:
        file.write(text)
    mkbootscr.mkimage(source, scr, "-T", "script")
    shutil.copyfile(scr, scr + ".uimg")


def write_disk(path, directory, names):
    """A disk with one FAT32 partition that holds the named files; needs no root."""
    files = [os.path.join(directory, name) for name in names]
    size = max(sum(os.path.getsize(file) for file in files) // MIB + 16, 64)
    with open(path, "wb") as file:
        file.truncate((size + 1) * MIB)
        # Active, FAT32 (LBA), from sector 2048; the CHS fields say "too large".
        entry = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x0C, b"\xfe\xff\xff", 2048,
                            size * MIB // 512)
        file.seek(446)
        file.write(entry)
        file.seek(510)
        file.write(b"\x55\xaa")
    env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin", MTOOLS_SKIP_CHECK="1")
    subprocess.run(["mkfs.vfat", "-F", "32", "--offset", "2048", path, str(size * 1024)], env=env,
                   stdout=subprocess.DEVNULL, check=True)
    subprocess.run(["mcopy", "-i", path + "@@1M", *files, "::"], env=env, check=True)


def disk_args(path, bus="virtio"):
    """A disk on one of BUSES; nothing is written to the file."""
    return ["-net", "none", "-drive", "if=none,id=d,format=raw,snapshot=on,file=" + path] + \
        BUSES[bus]


def tftp_args(directory, nic="virtio"):
    """A network with a TFTP server that gives out DIRECTORY."""
    return ["-netdev", "user,id=n,tftp=" + directory, "-device", NICS[nic]]


def write_environment(path, values):
    """A flash image that holds U-Boot's whole environment; the built-in one is then not used."""
    text = path + ".txt"
    with open(text, "w", encoding="ascii") as file:
        file.writelines("%s=%s\n" % item for item in values.items())
    subprocess.run(["mkenvimage", "-s", "%#x" % FLASH_ENV_SIZE, "-o", path, text], check=True)
    os.truncate(path, FLASH_SIZE)


def qemu_command(machine, media, serial=("-serial", "stdio"), monitor=("-monitor", "none")):
    """The command line that starts U-Boot with such media."""
    return [mkdtb.QEMU] + machine.args() + ["-bios", FIRMWARE, "-display", "none", *serial,
                                            *monitor, "-no-reboot", *media]


def script_files(script):
    """What a script loads, each file once."""
    return list(dict.fromkeys(name for _, name in script.files))


def parse_args():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gic", default="3", help="gic-version [%(default)s]")
    parser.add_argument("--cpu", default="cortex-a57", help="CPU model [%(default)s]")
    parser.add_argument("--smp", type=int, default=2, help="physical CPUs [%(default)s]")
    parser.add_argument("--ram", default="2048", help="RAM, as for -m [%(default)s]")
    parser.add_argument("--tftp", action="store_true", help="by network, not from a disk")
    parser.add_argument("--bus", choices=BUSES, default="virtio",
                        help="what the disk hangs on [%(default)s]")
    parser.add_argument("--hv", default="build/corbel", help="hypervisor image [%(default)s]")
    parser.add_argument("--kernel", default="build/guest/Image-6.12", help="[%(default)s]")
    parser.add_argument("--initrd", help="ramdisk [the initrd-*.gz beside an Image-*]")
    parser.add_argument("--config", help="an imagebuilder configuration [two Debian domains]")
    parser.add_argument("--form", choices=mkbootscr.FORMS, default=mkbootscr.FORMS[0],
                        help="of the script's lines [%(default)s]")
    parser.add_argument("--dir", default="build/uboot", help="where files go [%(default)s]")
    parser.add_argument("--interactive", action="store_true", help="give the terminal to the guest")
    parser.add_argument("--print", action="store_true", dest="show",
                        help="make the files, print the QEMU command line and stop")
    parser.add_argument("--timeout", type=float, help="seconds after which QEMU is ended")
    return parser.parse_args()


def check_files(opts):
    """Name the first missing input with the way to make it."""
    for path, hint in ((opts.hv, "make"), (opts.kernel, "tools/fetch"), (FIRMWARE, "tools/setup")):
        if not os.path.exists(path):
            sys.exit("%s is not there: run '%s' first" % (path, hint))


def read_config(opts):
    """The configuration's text, and the names of the files that lie beside it, now linked."""
    if not opts.config:
        return CONFIG, []
    with open(opts.config, encoding="utf-8") as file:
        text = file.read()
    beside = os.path.dirname(os.path.abspath(opts.config))
    values = [value for value, _ in mkbootscr.parse_config(text, opts.config).values.values()]
    names = [name for name in values if name and os.path.isfile(os.path.join(beside, name))]
    for name in names:
        link(opts.dir, name, os.path.join(beside, name))
    return text, names


def prepare(opts):
    """Make every file; return (machine, the arguments that offer them to U-Boot)."""
    machine = mkdtb.Machine(opts.gic, opts.cpu, opts.smp, opts.ram)
    os.makedirs(opts.dir, exist_ok=True)
    link(opts.dir, "xen", opts.hv)
    link(opts.dir, "Image", opts.kernel)
    initrd = opts.initrd or mkdtb.default_initrd(opts.kernel)
    if initrd:
        link(opts.dir, "initrd.gz", initrd)
    text, theirs = read_config(opts)
    tree = mkbootscr.parse_config(text, "config").need("DEVICE_TREE")
    if tree not in theirs:
        path = os.path.join(opts.dir, tree)
        if os.path.lexists(path):
            os.remove(path)
        dump_tree(machine, path)
    with open(os.path.join(opts.dir, "config"), "w", encoding="utf-8") as file:
        file.write(text)
    script = write_script(opts.dir, text, "tftp" if opts.tftp else LOAD_FROM_DISK, opts.form)
    for line in script.warnings:
        print("run_uboot: " + line, file=sys.stderr)
    if opts.tftp:
        return machine, tftp_args(opts.dir)
    disk = os.path.join(opts.dir, "disk.img")
    write_disk(disk, opts.dir, ["boot.scr"] + script_files(script))
    return machine, disk_args(disk, opts.bus)


def main():
    """Make the files, start QEMU, return its exit status."""
    opts = parse_args()
    check_files(opts)
    try:
        machine, media = prepare(opts)
    except (mkbootscr.ConfigError, OSError, subprocess.SubprocessError) as error:
        sys.exit("run_uboot: %s" % error)
    if opts.interactive:
        # 0x1d is Ctrl-]: the monitor's escape key, so that Ctrl-A reaches the hypervisor.
        command = qemu_command(machine, media, ("-serial", "mon:stdio"), ("-echr", "0x1d"))
        print("no key until the hypervisor speaks; then three Ctrl-A: next domain; "
              "Ctrl-] x: quit; Ctrl-] c: QEMU monitor", flush=True)
    else:
        command = qemu_command(machine, media)
    return run_qemu.run(command, opts)


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""Sessions that enter the hypervisor by U-Boot, from files and a boot.scr, not by QEMU's -kernel.

    with Board("two", config_text, source="tftp", gic="2") as vm:
        vm.shell("domU0")

A board's files lie in LOGS/uboot/NAME; the disk image is removed when the test has passed.
"""
import os
import re
import shutil

import harness
from harness import HV, mkdtb
import mkbootscr
import run_uboot

HEAD = """
MEMORY_START="0x40000000"
MEMORY_END="0xC0000000"
DEVICE_TREE="host.dtb"
XEN="xen"
XEN_CMD="%s"
"""
HV_CMD = "console=dtuart dtuart=serial0 bootscrub=0"
PROMPT = r"^=> "


def domu(n, **more):
    """Lines of a configuration for a Debian domain: domu(0, MEM=256, STATIC_MEM="...")."""
    values = {"KERNEL": "Image", "RAMDISK": "initrd.gz", "MEM": 128, **more}
    return "".join('DOMU_%s[%d]="%s"\n' % (name, n, value) for name, value in values.items()
                   if value is not None)


def config(*domus, hv_cmd=HV_CMD, **more):
    """A whole configuration: variables of MORE, then the domains' own lines."""
    text = HEAD % hv_cmd + "NUM_DOMUS=%d\n" % len(domus)
    text += "".join('%s="%s"\n' % item for item in more.items())
    return text + "".join(domus)


class Board(harness.Session):
    """A machine with U-Boot.

    text: an imagebuilder configuration, or with by_hand a script's own lines.
    source: "tftp", "typed" (at U-Boot's prompt), "ram" (QEMU loads everything), "vvfat" or one of
    run_uboot.BUSES. names: the domains that start, in the tree's order (the reverse of the
    configuration's). files: more files, name -> path on the host. edit: text -> text of the script.
    """

    def __init__(self, name, text, names=("domU0",), source="virtio", hv="corbel", limit=90.0,
                 machine=None, form="2023.2", files=None, edit=None, load=None, by_hand=False,
                 nic="virtio", qemu=()):
        domains = [mkdtb.Domain(domain) for domain in names]
        super().__init__(mkdtb.Config(machine or mkdtb.Machine(), domains=domains), hv=hv,
                         name=name, limit=limit)
        self.dir = os.path.join(harness.LOGS, "uboot", name)
        self.source, self.text_of_config, self.form = source, text, form
        self.files, self.edit, self.by_hand = dict(files or {}), edit, by_hand
        self.load, self.nic, self.qemu = load, nic, list(qemu)
        self.script = None

    def _command(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        given = {"xen": harness.HV_IMAGE[self.hv], "Image": harness.guest_file("Image-6.12"),
                 "initrd.gz": harness.guest_file("initrd-6.12.gz"), **self.files}
        for name, path in given.items():
            run_uboot.link(self.dir, name, path)
        if "host.dtb" not in given:
            run_uboot.dump_tree(self.config.machine, os.path.join(self.dir, "host.dtb"), self.qemu)
        self._write_script()
        serial = ("-chardev", "stdio,id=con,signal=off", "-serial", "chardev:con")
        return run_uboot.qemu_command(self.config.machine, self._media() + self.qemu, serial)

    def _write_script(self):
        if self.by_hand:
            run_uboot.write_source(self.dir, self.text_of_config)
            return
        load = self.load or ("tftp" if self.source == "tftp" else run_uboot.LOAD_FROM_DISK)
        self.script = run_uboot.write_script(self.dir, self.text_of_config, load, self.form)
        if self.source == "ram":
            loads = len(self.script.files)
            run_uboot.write_source(self.dir, "\n".join(self.script.lines[loads:]) + "\n")
        elif self.edit:
            run_uboot.write_source(self.dir, self.edit(self.script.text()))

    def _media(self):
        if self.source == "tftp":
            return run_uboot.tftp_args(self.dir, self.nic)
        if self.source == "ram":
            return self._ram()
        names = [name for name in sorted(os.listdir(self.dir)) if not name.endswith(".uimg")]
        if self.source == "vvfat":
            return ["-net", "none", "-drive", "if=none,id=d,format=vvfat,readonly=on,file=fat:" +
                    self.dir] + run_uboot.BUSES["virtio"]
        disk = os.path.join(self.dir, "disk.img")
        run_uboot.write_disk(disk, self.dir, names)
        bus = self.source if self.source in run_uboot.BUSES else "virtio"
        return run_uboot.disk_args(disk, bus)

    def _ram(self):
        env = os.path.join(self.dir, "env.img")
        run_uboot.write_environment(env, {"bootdelay": "0", "bootcmd": "source %#x" %
                                          self.script.script_addr})
        args = ["-net", "none", "-drive", "if=pflash,unit=1,format=raw,readonly=on,file=" + env]
        for addr, name in [(self.script.script_addr, "boot.scr")] + self.script.files:
            args += ["-device", "loader,addr=%#x,force-raw=on,file=%s" % (
                addr, os.path.join(self.dir, name))]
        return args

    def prompt(self):
        """Stop U-Boot's count."""
        self.expect(HV, r"Hit any key", 60)
        self.child.send("\x03")

    def type(self, *lines):
        """Type lines at U-Boot's prompt, each when the one before has ended: it reads no ahead."""
        for line in lines:
            self.expect(HV, PROMPT, 30)
            self.child.send(line + "\r")

    def __exit__(self, *exc):
        super().__exit__(*exc)
        disk = os.path.join(self.dir, "disk.img")
        if exc[0] is None and os.path.exists(disk):
            os.remove(disk)

    def only_refusal(self, name):
        """The one line that says why a domain was refused, and no other was."""
        lines = [line for line in self.text(HV).split("\n") if ": refused: " in line]
        assert len(lines) == 1 and "%s: refused: /" % name in lines[0], lines
        return lines[0]

    def refused_edits(self):
        """What U-Boot said about edits that failed."""
        return re.findall(r"^.*FDT_ERR_.*$", self.text(HV), re.M)

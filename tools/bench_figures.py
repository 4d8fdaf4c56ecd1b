# SPDX-License-Identifier: Apache-2.0
"""What tools/bench.py measures: each function one group of figures of one hypervisor."""
import os
import re
import subprocess

import mkdtb
from bench_run import (BUILD, HYPERVISORS, KERNEL, PAYLOAD, Run, minus)

# What a Linux guest does: boot, be idle until the kernel's own work is done, then the workloads.
# Entropy is credited alike everywhere: without, 6.12 hashes at each system call and hides all else.
SCRIPT = """#!/bin/sh
sleep 3
/tests/workload mark
/tests/workload seed || echo NO-SEED
/tests/workload printk || echo NO-PRINTK
/tests/workload getppid
echo WORK-DONE
"""
PRINTK_CHARS = 8 * (15 + 128 + 2)   # workload.c: lines of "[    4.123456] ", the text, CR LF
BENCH_LIMIT = 300
LINUX_LIMIT = 600
GIB_KIB = 1 << 20


def hv_bootargs(more=""):
    """The hypervisor's command line: RAM is not scrubbed, as QEMU's is zero."""
    return mkdtb.HV_BOOTARGS + " bootscrub=0" + (" " + more if more else "")


def payload_config(test, domains=1, cpus=1, smp=1, ram="1G", memory_kib=16 * 1024, options=""):
    """A machine with domains that all run that test of the payload."""
    config = mkdtb.Config(mkdtb.Machine(ram=ram, smp=smp))
    config.domains = [mkdtb.payload_domain("domU%d" % (i + 1), PAYLOAD, "test=%s end=hang" % test,
                                           memory_kib, cpus) for i in range(domains)]
    config.hv_bootargs = hv_bootargs(options)
    return config


def micro(hv, vwfi=False):
    """Per operation of each of the payload's regions (tests/guest/tests/bench.c): all counts."""
    run = Run("micro" + ("-vwfi" if vwfi else ""), hv,
              payload_config("bench", cpus=2, options="vwfi=native" if vwfi else ""))
    counts = run.until("console", "PAYLOAD-END", BENCH_LIMIT)
    result = {}
    for words, region in zip(run.lines("BENCH "), counts["regions"]):
        result[words[2]] = {key: value / int(words[4]) for key, value in region.items()}
    return result


def ipi_time(hv):
    """Nanoseconds of virtual time of an SGI to a vCPU on another CPU, both sides' work.

    Each vCPU is alone on its CPU and both wait by WFI: only what is executed takes time.
    """
    run = Run("ipi", hv, payload_config("pingpong", cpus=2, smp=2,
                                        options="vwfi=native sched=null"), plugin=False)
    run.until("console", "PAYLOAD-END", BENCH_LIMIT)
    _, _, count, _, ticks, _, frequency = run.lines("PINGPONG ")[0]
    return int(ticks) * 10 ** 9 / int(frequency) / int(count)


def switch(hv):
    """EL2 instructions of one switch between the vCPUs of two domains that share a CPU."""
    run = Run("switch", hv, payload_config("switch", domains=2))
    counts = run.until("console", "SWITCH count", BENCH_LIMIT)
    count = int(run.lines("SWITCH ")[0][2])
    return {key: value / count for key, value in counts["regions"][0].items()}


def linux_config(domus, initrd, quiet=False, cpu="cortex-a57", ram="2G"):
    """Equal Linux domains that run SCRIPT."""
    # Xen's domUs get no seeds, hence no KASLR: the same for all.
    args = mkdtb.GUEST_BOOTARGS + " nokaslr corbel.test=work" + (" quiet" if quiet else "")
    kernel = os.path.join(BUILD, "guest", "Image-" + KERNEL)
    domains = [mkdtb.linux_domain("domU%d" % (i + 1), kernel, initrd, 128 * 1024, bootargs=args)
               for i in range(domus)]
    config = mkdtb.Config(mkdtb.Machine(ram=ram, cpu=cpu), domains=domains)
    config.hv_bootargs = hv_bootargs()
    return config


def linux(hv, initrd, name, **more):
    """A settled Linux boot from the first guest instruction on, and the workloads after it."""
    run = Run(name, hv, linux_config(1, initrd, **more))
    counts = run.until("console", "WORK-DONE", LINUX_LIMIT)
    if run.lines("NO-SEED") or run.lines("NO-PRINTK") or len(counts["marks"]) != 5:
        raise RuntimeError("%s: the workloads did not run: see %s" % (name, run.console))
    boot, *marks = counts["marks"]
    out = dict(boot, total=counts["first-guest"] + boot["guest"] + boot["el2"])
    out["printk"] = {key: value / PRINTK_CHARS for key, value in minus(*marks[1::-1]).items()}
    calls = minus(*marks[3:1:-1])
    out["getppid"] = dict(calls, total=calls["guest"] + calls["el2"])
    return out


def start_up(hv, initrd, domus):
    """Instructions from reset to the first of any guest, and the hypervisor's until all run."""
    counts = Run("first-%d" % domus, hv, linux_config(domus, initrd)).until(
        "counts", "\nstart %d " % (domus - 1), BENCH_LIMIT)
    first = counts["first-guest"]
    return {"first": first, "all": first + counts["starts"][domus - 1]["el2"]}


def free_kib(hv, domus, ram_gib):
    """KiB that are free once the domains run, each with 128 MiB."""
    config = payload_config("tree", domains=domus, ram="%dG" % ram_gib,
                            memory_kib=128 * 1024)
    run = Run("ram-%d-%d" % (domus, ram_gib), hv, config, plugin=False, icount=False, talk=True)
    if hv.name == "xen":    # key m, once the input is the hypervisor's
        run.until("console", "PAYLOAD-END", BENCH_LIMIT, "\x01\x01\x01" * domus + "m", "Dom heap:")
        return int(run.lines("Dom heap:")[-1][2][:-2])
    run.until("console", "boot: %d domain" % domus, BENCH_LIMIT)
    return int(run.lines("memory: ")[-1][1])


def ram_kept(hv):
    """KiB that no domain gets: of 2 GiB with one domain, per further GiB, per further domain."""
    kept = {(domus, gib): gib * GIB_KIB - domus * 128 * 1024 - free_kib(hv, domus, gib)
            for domus, gib in ((1, 2), (1, 4), (2, 2))}
    return {"base": kept[1, 2], "per_gib": (kept[1, 4] - kept[1, 2]) / 2,
            "per_domu": kept[2, 2] - kept[1, 2]}


def sizes(elf):
    """Bytes of the hypervisor's sections: resident text and constants, and what is released."""
    tool = os.environ.get("CROSS_COMPILE", "aarch64-linux-gnu-") + "size"
    text = subprocess.run([tool, "-A", elf], capture_output=True, text=True, check=True).stdout
    return sum_sections(text)


def sum_sections(text):
    """The same from what `size -A` says."""
    found = {name: int(size) for name, size in re.findall(r"^(\.\S+)\s+(\d+)\s", text, re.M)
             if not name.startswith((".debug", ".comment"))}
    out = {"text_rodata": 0, "init": 0, "data_bss": 0}
    for name, size in found.items():
        if name.startswith(".init."):
            out["init"] += size
        elif name.startswith((".text", ".rodata", ".init_caller")):     # the caller of it all stays
            out["text_rodata"] += size
        else:
            out["data_bss"] += size
    return out


def corbel_sizes():
    """The sizes of the image that is measured."""
    return sizes(HYPERVISORS["corbel"].image + ".elf")

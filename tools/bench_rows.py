# SPDX-License-Identifier: Apache-2.0
"""The table of tools/bench.py: which figure is compared with what, and the goals.

A goal is either a ratio to Xen's figure of the same run or, with absolute=True, a number that
Corbel's own figure must not pass. "accept" must hold now, "final" some day.
"""
from dataclasses import dataclass
from typing import Optional


@dataclass
class Row:
    """One line. mine and other (if not the same) are names of flatten()."""
    number: Optional[int]
    what: str
    mine: str
    accept: Optional[float] = None
    final: Optional[float] = None
    other: str = ""
    absolute: bool = False
    digits: int = 0


def micro(number, what, region, accept=None, final=None, **more):
    """EL2 instructions of one operation of the payload."""
    return Row(number, what, "micro.%s.el2" % region, accept, final, **more)


def no_exit(what, region):
    """Row 4: what a guest must be able to do alone."""
    return Row(4, "exits per " + what, "micro.%s.exits" % region, 0, 0, absolute=True, digits=2)


ROWS = [
    micro(1, "null hypercall (PSCI_VERSION)", "hvc_psci_version", 0.35, 0.22),
    micro(None, "SMCCC_VERSION", "hvc_smccc_version"),
    micro(2, "vGIC read (GICD_IIDR)", "gicd_iidr_read", 0.35, 0.29),
    micro(None, "vGIC write (GICD_ISENABLER)", "gicd_isenabler_write"),
    micro(None, "vPL011 read (FR)", "uart_fr_read"),
    micro(None, "ID register read", "id_register_read"),
    micro(3, "timer tick while running", "timer_tick_fast", 0.35, 0.2),
    Row(3, "exits in 100 ms with nobody waiting", "quiet_exits", 0, 0, absolute=True, digits=2),
    no_exit("EOI", "eoi"),
    no_exit("CNTV programming", "cntv_write"),
    no_exit("CNTPCT read", "cntpct_read"),
    no_exit("TLBI", "tlbi"),
    no_exit("SCTLR write", "sctlr_write"),
    Row(5, "IPI to another CPU, both sides, ns", "ipi", 0.5, 0.4),
    micro(None, "IPI to oneself", "ipi_self"),
    micro(None, "IPI to a vCPU that is switched in", "ipi_other"),
    micro(6, "timer tick waking WFI, trapped", "timer_tick_wfi", 0.35, 0.13),
    Row(6, "timer tick waking WFI, vwfi=native", "micro_vwfi.timer_tick_wfi_fast.el2", 0.35, 0.2),
    Row(7, "switch to another domain's vCPU", "switch.el2", None, 0.2),
    Row(8, "reset to first guest, 1 domU", "start_1.first", 0.2, 0.16),
    Row(8, "reset to first guest, 8 domUs", "start_8.first", 0.2, 0.2),
    Row(8, "of EL2 until all 8 domUs run", "start_8.all", 0.2, 0.2),
    Row(9, "settled boot against bare, verbose", "vs_bare.linux", None, 1.012, absolute=True,
        digits=4),
    Row(9, "settled boot against bare, quiet", "vs_bare.linux_quiet", None, 1.004, absolute=True,
        digits=4),
    Row(10, "EL2 exits in a settled Linux boot", "linux.exits", 0.45, 0.3),
    Row(None, "EL2 instructions of that boot", "linux.el2"),
    micro(11, "console character of the payload", "console_char", 0.25, 0.15),
    Row(11, "console character of Linux' printk", "linux.printk.el2", 0.25, 0.15),
    Row(12, "200,000 getppid against bare, a57", "vs_bare.getppid_a57", 1.001, 1.001,
        absolute=True, digits=4),
    Row(12, "200,000 getppid against bare, n1", "vs_bare.getppid_n1", 1.001, 1.001,
        absolute=True, digits=4),
    Row(13, "RAM kept, 2 GB, 1 domU, KiB", "ram.base", 1500, 1500, absolute=True),
    Row(13, "RAM kept per further GB, KiB", "ram.per_gib", 300, 300, absolute=True),
    Row(13, "RAM kept per further domU, KiB", "ram.per_domu", 128, 128, absolute=True),
    Row(14, "resident .text + .rodata, bytes", "size.text_rodata", 160e3, 200e3, absolute=True),
]

# (what, region): loads and stores, system registers, barriers per exit.
PROXIES = [("null hypercall", "hvc_psci_version"), ("vGIC read", "gicd_iidr_read"),
           ("timer tick", "timer_tick_fast"), ("console character", "console_char"),
           ("IPI to oneself", "ipi_self")]


def flatten(figures, prefix=""):
    """{"a": {"b": 1}} as {"a.b": 1}."""
    flat = {}
    for key, value in figures.items():
        if isinstance(value, dict):
            flat.update(flatten(value, prefix + key + "."))
        else:
            flat[prefix + key] = value
    return flat


def meets(row, goal, mine, other):
    """Whether a goal of a row is met; a ratio to nothing is not."""
    if row.absolute:
        return mine <= goal
    return bool(other) and mine / other <= goal


def goal_text(row, goal, mine, other):
    """`0.35x met`."""
    if goal is None:
        return ""
    number = "%.*f" % (row.digits, goal) if row.absolute else "%.2fx" % goal
    return number + (" met" if meets(row, goal, mine, other) else " MISSED")


def line(row, mine, other):
    """One line of the table; other is None when there is no such figure."""
    ratio = "%.3fx" % (mine / other) if other else ""
    return "%3s  %-36s %13s %13s %8s  %-14s %s" % (
        row.number or "", row.what, "%.*f" % (row.digits, mine),
        "" if other is None else "%.*f" % (row.digits, other), ratio,
        goal_text(row, row.accept, mine, other), goal_text(row, row.final, mine, other))


def table(corbel, xen):
    """The lines of all rows whose figure was measured, and the acceptance figures missed."""
    mine, other = flatten(corbel), flatten(xen)
    lines = ["%3s  %-36s %13s %13s %8s  %-14s %s" % (
        "row", "EL2 instructions, if not said", "Corbel", "Xen 4.20", "ratio", "accepted",
        "final goal")]
    missed = []
    for row in ROWS:
        if row.mine not in mine:
            continue
        theirs = other.get(row.other or row.mine)
        lines.append(line(row, mine[row.mine], theirs).rstrip())
        if row.accept is not None and not meets(row, row.accept, mine[row.mine], theirs):
            missed.append("row %d, %s" % (row.number, row.what))
    return lines + proxies(mine, other), missed


def proxies(mine, other):
    """What instruction counts hide: memory, system registers, barriers, per operation."""
    lines = ["", "per operation: loads and stores, MRS and MSR, barriers; Corbel | Xen"]
    for what, region in PROXIES:
        sides = [", ".join("%.0f" % flat["micro.%s.%s" % (region, kind)]
                           for kind in ("ldst", "sysreg", "barrier"))
                 for flat in (mine, other) if "micro.%s.ldst" % region in flat]
        lines.append("     %-24s %s" % (what, " | ".join(sides)))
    return lines

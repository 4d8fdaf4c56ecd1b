# SPDX-License-Identifier: Apache-2.0
"""The logic of tools/bench*.py: what is a regression, which goal is met, what is in an image."""
import json
import pathlib
import sys

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
import bench  # noqa: E402
import bench_baseline as base  # noqa: E402
import bench_figures  # noqa: E402
import bench_rows as rows  # noqa: E402
import bench_run  # noqa: E402

KERNEL = {name: 1000 for name in base.KERNEL_FIGURES}
STORED = {"compiler": "cc 1", "figures": {"micro.a.el2": 100.0, "micro.a.exits": 0.0},
          "by_kernel": {"linux 1": KERNEL}}
GOOD = {"micro.a.el2": 100.0, "micro.a.exits": 0.0, **KERNEL}


def check(figures, compiler="cc 1", kernel="linux 1"):
    """Whether these figures pass against STORED."""
    return base.check(STORED, figures, compiler, kernel)


@pytest.mark.parametrize("name, value, passes", [
    ("micro.a.el2", 100.0, True),
    ("micro.a.el2", 102.0, True),       # exactly the tolerance
    ("micro.a.el2", 102.1, False),
    ("micro.a.el2", 50.0, True),
    ("micro.a.exits", 0.001, False),    # of nothing, two per cent are nothing
    ("start_8.first", 1021, False),
])
def test_regression(capsys, name, value, passes):
    """Only what got more than 2 % worse fails, and its name is printed."""
    assert check(dict(GOOD, **{name: value})) == passes
    assert ("WORSE: %s: " % name in capsys.readouterr().out) != passes


def test_improvement_asks(capsys):
    """More than 2 % better passes, and asks for a new baseline."""
    assert check(dict(GOOD, **{"start_1.first": 900}))
    out = capsys.readouterr().out
    assert "better: start_1.first: 900, was 1000 (-10.0 %)" in out
    assert "make bench-baseline" in out


def test_missing_and_new(capsys):
    """A figure that vanished, or that has no baseline, fails."""
    assert not check({name: GOOD[name] for name in GOOD if name != "micro.a.el2"})
    assert "micro.a.el2: not measured any more" in capsys.readouterr().out
    assert not check(dict(GOOD, ipi=5))
    assert "ipi: has no baseline" in capsys.readouterr().out


def test_other_kernel(capsys):
    """Boots with another kernel are not compared, which is said; the rest is."""
    assert check(dict(GOOD, **{"start_1.first": 5000}), kernel="linux 2")
    out = capsys.readouterr().out
    assert "NOTICE" in out and "linux 2" in out and "2 figures compared" in out
    assert not check(dict(GOOD, **{"micro.a.el2": 200.0}), kernel="linux 2")


def test_other_compiler(capsys):
    """Another compiler's code is not compared at all."""
    assert check(dict(GOOD, **{"micro.a.el2": 900.0}), compiler="cc 2")
    assert "NOTICE: not compared" in capsys.readouterr().out


def test_refresh(tmp_path):
    """What is stored passes when it is read again."""
    path = tmp_path / "baseline.json"
    base.refresh(path, GOOD, "cc 1", "linux 1")
    assert base.load(path) == STORED
    assert base.check(base.load(path), GOOD, "cc 1", "linux 1")


def test_committed_baseline():
    """The file of this tree has what is measured now, per kind."""
    stored = json.loads((TOOLS / "bench_baseline.json").read_text())
    assert stored["compiler"] and len(stored["by_kernel"]) == 1
    assert all(set(figures) == set(base.KERNEL_FIGURES)
               for figures in stored["by_kernel"].values())
    for name in ("micro.hvc_psci_version.el2", "micro_vwfi.timer_tick_wfi.el2", "switch.el2",
                 "ipi", "ram.base", "size.text_rodata"):
        assert stored["figures"][name] > 0
    for row in rows.ROWS:
        assert not row.mine.startswith("micro") or row.mine in stored["figures"]
    for name in ("eoi", "cntv_write", "cntpct_read", "tlbi", "sctlr_write"):
        assert stored["figures"]["micro.%s.exits" % name] == 0


def test_chosen():
    """The baseline has the hypervisor's instructions and exits, not the guest's own."""
    micro = {"guest": 1, "el2": 2, "exits": 3, "ldst": 4}
    vwfi = {"hvc": micro, "timer_tick_wfi": micro}
    flat = base.chosen({"micro": {"a": micro}, "micro_vwfi": vwfi, "switch": micro,
                        "ram": {"base": 5}, "ipi": 6, "size": {"init": 7, "text_rodata": 8}})
    assert flat == {"micro.a.el2": 2, "micro.a.exits": 3, "switch.el2": 2, "switch.exits": 3,
                    "micro_vwfi.timer_tick_wfi.el2": 2, "micro_vwfi.timer_tick_wfi.exits": 3,
                    "ram.base": 5, "ipi": 6, "size.text_rodata": 8}


@pytest.mark.parametrize("mine, other, met", [
    (35, 100, True), (36, 100, False), (0, 0, False), (0, None, False)])
def test_ratio_goal(mine, other, met):
    """A ratio is met up to the goal; without Xen's figure it is not."""
    row = rows.Row(1, "x", "x", accept=0.35)
    assert rows.meets(row, row.accept, mine, other) == met


@pytest.mark.parametrize("mine, met", [(0, True), (0.01, False)])
def test_absolute_goal(mine, met):
    """Where Xen's figure does not matter."""
    row = rows.Row(4, "x", "x", accept=0, absolute=True)
    assert rows.meets(row, row.accept, mine, 7) == met


def figures(el2):
    """Figures of two rows of the table."""
    counts = {"el2": el2, "exits": 1, "ldst": 2, "sysreg": 3, "barrier": 4}
    regions = {region: counts for _, region in rows.PROXIES}
    return {"micro": regions, "size": {"text_rodata": 150000, "init": 10, "data_bss": 20}}


def test_report_names_what_is_missed():
    """Acceptance goals that are missed are named; a missed final goal alone is only shown."""
    text, missed = bench.report({"corbel": figures(120), "xen": figures(400)})
    assert missed == ["row 11, console character of the payload"]
    assert "0.22x MISSED" in text and "0.35x met" in text and "160000 met" in text
    assert "acceptance goals MISSED: 1" in text
    assert bench.report({"corbel": figures(80), "xen": figures(400)})[1] == []


def test_rows():
    """No accepted goal is stricter than the final one; no figure twice."""
    assert len({row.mine for row in rows.ROWS}) == len(rows.ROWS)
    for row in rows.ROWS:
        if row.accept is not None and row.final is not None and row.number != 14:
            assert row.accept >= row.final


def test_sections():
    """What is released after the boot does not count as resident, nor does debug information."""
    text = """corbel.elf  :
section              size              addr
.text              1000   140737488355328
.rodata             200   140737488625664
.text.entry          30   1
.init_caller          3   2
.init.text           40   2
.init.rodata          5   3
.data                 6   4
.bss                  7   5
.debug_line      272844   0
.comment             39   0
Total            274171
"""
    assert bench_figures.sum_sections(text) == {"text_rodata": 1233, "init": 45, "data_bss": 13}


def test_counts(tmp_path):
    """The plugin's file, as a dictionary."""
    config = bench_figures.payload_config("tree")
    run = bench_run.Run.__new__(bench_run.Run)
    run.counts = tmp_path / "counts"
    run.counts.write_text("first-guest 7\nstart 0 0 9 0 0 0 0\nregion 0 1 2 3 4 5 6\n"
                          "mark 1 1 1 1 1 1\nmark 9 8 7 6 5 4\nend 0 0 0 0 0 0\n")
    counts = run._read_counts()     # pylint: disable=protected-access
    assert counts["first-guest"] == 7 and counts["starts"][0]["el2"] == 9
    assert counts["regions"][0]["el2"] == 2
    assert bench_run.minus(*counts["marks"][::-1])["exits"] == 6
    assert config.domains[0].modules[0].bootargs == "test=tree end=hang"

# SPDX-License-Identifier: Apache-2.0
"""The corpus of malformed configurations on the hypervisor: many in one tree, each refused in its
one line, corbel-check saying the same of that tree, and the domains beside them in good health.
"""
import json
import os
import re
import subprocess
import sys

import pytest

import harness
from harness import HV, mkdtb

sys.path.insert(0, os.path.join(harness.ROOT, "tests"))
import corpus  # noqa: E402

PER_BOOT = 25
FREE = re.compile(r"at most 0x[0-9a-f]+ KiB, what is free")


def batches():
    """(GIC version, cases): for a GICv3, for a GICv2, for a board with an SMMU."""
    cases = [item for item in corpus.cases_for("3") if not item.smmu]
    count = -(-len(cases) // PER_BOOT)
    groups = [("3", cases[i::count]) for i in range(count)]
    groups.append(("2", [item for item in corpus.CASES if item.gic == "2"]))
    return groups + [("3", [item for item in corpus.CASES if item.smmu])]


@pytest.fixture(scope="module")
def checker():
    """corbel-check as users have it."""
    subprocess.run(["make", "-s", "-j2", "corbel-check"], cwd=harness.ROOT, check=True)
    return os.path.join(harness.ROOT, "build", "tools", "corbel-check")


def checked(checker, config):
    """name -> line by the checker, for the tree that the machine is given."""
    built = mkdtb.build(config, harness.TREES, "corpus-check")
    command = [checker, *built.check_args(config.hv), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          timeout=60 * harness.PATIENCE)
    assert done.returncode == 1, done.stderr
    return {dom["name"]: "%s: refused: %s" % (dom["name"], dom["error"]["line"])
            for dom in json.loads(done.stdout)["domains"] if not dom["starts"]}


def refused(vm):
    """name -> line by the hypervisor; one line for each."""
    lines = re.findall(r"^\(corbel\) \[ *[\d.]+\] ((\S+): refused: .*)$", vm.text(HV), re.M)
    names = [name for _, name in lines]
    assert len(names) == len(set(names)), names
    return {name: line for line, name in lines}


@pytest.mark.fast
@pytest.mark.parametrize("gic,cases", batches(),
                         ids=["gic%s-%d" % (batch[0], i) for i, batch in enumerate(batches())])
def test_corpus(boot, checker, gic, cases):
    """Every line as expected and as the checker has it; the others start."""
    config = corpus.config_of(cases, corpus.Kit(harness.payload_file("payload"), gic), smp=2)
    vm = boot(config, limit=120)
    bad = corpus.refused_of(cases)
    vm.expect(HV, r"boot: %d domains? started, %d refused" % (
        len(config.domains) - len(bad), len(bad)), 100)
    lines = refused(vm)
    assert sorted(lines) == sorted(bad)
    wrong = [lines[item.name] for item in cases
             if item.expect and not re.fullmatch(item.pattern(), lines[item.name])]
    assert not wrong, "\n".join(wrong)
    same = checked(checker, config)
    assert {name: FREE.sub("", line) for name, line in same.items()} == \
        {name: FREE.sub("", line) for name, line in lines.items()}
    vm.run("good", "well", r"^ECHO well$")

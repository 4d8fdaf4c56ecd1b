# SPDX-License-Identifier: Apache-2.0
"""tests/qemu/consoles.py: each origin's own stream out of the merged console."""
import pathlib
import sys

import pytest

QEMU = pathlib.Path(__file__).resolve().parents[1] / "qemu"
sys.path.insert(0, str(QEMU))
from consoles import HV, Consoles  # noqa: E402

NAMES = ["domU1", "domU2"]

# name: (what the UART says, {origin: what it has said})
CASES = {
    "whole": ("(corbel) [   0.000001] Corbel\r\n(domU1) a\r\n(domU2) b\r\n(domU1) \r\n",
              {HV: "(corbel) [   0.000001] Corbel\n", "domU1": "a\n\n", "domU2": "b\n"}),
    "broken": ("(domU1) ok 1\n\r(domU2) b\r\n(domU1) 2 - foo\r\n",
               {"domU1": "ok 12 - foo\n", "domU2": "b\n"}),
    "broken-by-the-log": ("(domU1) ok\n\r(corbel) [   1.000000] x\r\n(domU1)  1\r\n",
                          {HV: "(corbel) [   1.000000] x\n", "domU1": "ok 1\n"}),
    "in-three": ("(domU1) a\n\r(domU2) x\n\r(domU1) b\n\r(domU2) y\r\n(domU1) c\r\n",
                 {"domU1": "abc\n", "domU2": "xy\n"}),
    "before-the-end": ("(domU1) a\n\r(domU2) x\r\n(domU1) \r\n(domU1) b\r\n",
                       {"domU1": "a\nb\n", "domU2": "x\n"}),
    "never-continued": ("(domU1) # \n\r(domU2) x\r\n", {"domU1": "# ", "domU2": "x\n"}),
    "prompt": ("(domU1) # echo", {"domU1": "# echo"}),
    "late": ("(domU1) hal\n\r(corbel) [  12.000000] (domU1) f\r\n"
             "(corbel) [  12.000001] (domU1) last\r\n(corbel) [  12.000002] domU1: destroyed\r\n",
             {HV: "(corbel) [  12.000002] domU1: destroyed\n", "domU1": "half\nlast\n"}),
    "pretender": ("(domU1) (domU2) mine\r\n(domU1) (corbel) [   1.0] panic:\r\n",
                  {"domU1": "(domU2) mine\n(corbel) [   1.0] panic:\n"}),
    "stranger": ("(domU9) a\r\nno prefix\nnone\r\n", {HV: "(domU9) a\nno prefix\nnone\n"}),
    "returns": ("(domU1) a\rb\r\r\n\0(domU1) c\r\n", {"domU1": "ab\nc\n"}),
    "escapes": ("(domU1) \x1b[6n# \x1b[1;31mred\x1b[m\r\n(domU1) \x7f\r\n",
                {"domU1": "# red\n\x7f\n"}),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_streams(case, size):
    """The same streams however the text is cut, and what was seen of one does not change."""
    said, wanted = CASES[case]
    consoles = Consoles("corbel", NAMES)
    before = dict.fromkeys([HV] + NAMES, "")
    for at in range(0, len(said), size):
        consoles.feed(said[at:at + size])
        for name, seen in before.items():
            before[name] = consoles.text(name)
            assert before[name].startswith(seen)
    assert before == {**dict.fromkeys([HV] + NAMES, ""), **wanted}


def test_focus():
    """Who has the input, by the hypervisor's own lines alone."""
    consoles = Consoles("corbel", NAMES)
    assert (consoles.focus, consoles.switches) == (None, 0)
    consoles.feed("(corbel) [   0.000001] console: input to domU1 (three Ctrl-A: next)\r\n")
    consoles.feed("(domU2) console: input to domU2\r\n")
    assert (consoles.focus, consoles.switches) == ("domU1", 1)
    consoles.feed("(corbel) [   0.000002] console: input to corbel (three Ctrl-A: next)\r\n")
    assert (consoles.focus, consoles.switches) == (HV, 2)


def test_xen():
    """Xen's unfinished lines are broken into without a line end, with its prefix or without."""
    consoles = Consoles("xen", NAMES)
    consoles.feed("(XEN) *** Serial input to DOM1\n# ec(XEN) DOM2: other\nho\n")
    assert consoles.focus == "domU1"
    assert consoles.text("domU2") == "other\n"
    assert consoles.text("domU1").endswith("# echo\n")
    consoles.feed("# (XEN) DOM2: more\n*** Serial input to DOM2 (type 'CTRL-a' three times)\n")
    assert consoles.focus == "domU2"


def test_bare():
    """Without a hypervisor all is the guest's."""
    consoles = Consoles("none", NAMES[:1])
    consoles.feed("a\r\n(domU2) b\n")
    assert consoles.text("domU1") == "a\n(domU2) b\n"

# SPDX-License-Identifier: Apache-2.0
"""Split the merged console of a hypervisor into one stream per domain.

Corbel prefixes every line with its origin: "(corbel) [   1.234567] text" or "(NAME) text". A
domain's line without an end is shown after a while, and another's may then break into it: such a
line ends in LF CR instead of CR LF, and its pieces are joined here, so that a stream is what the
domain wrote whatever others said meanwhile. That needs the UART's bytes as they are: a terminal
that turns LF into CR LF hides which lines were broken. Xen writes "(XEN) text" for itself
and for the focused domain alike (once there is a focus, such a line counts as both), "(XEN) DOM1:
text" for the others, and breaks into an unfinished line of the focused domain. Without a hypervisor
(hv "none") all text belongs to the one guest.

A stream only grows, but for its tail: the line that is still being written. Offsets into a stream
stay valid when the line is completed. Text that may still be a prefix belongs to nobody.
"""
import re

HV = "hv"
FOCUS = {
    "corbel": re.compile(r"console: input to (\S+)"),
    "xen": re.compile(r"Serial input to (\S+)"),
}
CORBEL_LINE = re.compile(r"\(([A-Za-z0-9_,.+@-]+)\) ?(.*)", re.S)
# The last lines of a domain that ended before the UART took them: repeated by the log.
CORBEL_LATE = re.compile(r"\(corbel\) \[ *[0-9.]+\] (?=\()")
XEN_DOMAIN_LINE = re.compile(r"DOM(\d+): (.*)", re.S)
CORBEL_BEGUN = re.compile(r"\((?:[A-Za-z0-9_,.+@-]*|[A-Za-z0-9_,.+@-]+\) ?|"
                          r"corbel\) \[[ 0-9.]*(?:\](?: (?:\([A-Za-z0-9_,.+@-]*\)?)?)?)?)$")
# Where another's line breaks into one, with Xen's prefix or without.
XEN_BREAK = re.compile(r"(?<=[^\n])\(XEN\) |(?<=[^\n])(?<!\(XEN\) )(?=DOM\d+: )")
CUT = "\x7f"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ESCAPE_BEGUN = re.compile(r"\x1b(?:\[[0-9;?]*)?$")


class Consoles:
    """Feed it what the UART says; ask text(name) for one origin's output so far."""

    def __init__(self, hv, names):
        self.hv = hv
        self.names = list(names)
        self.switches = 0
        self.focus = None if hv != "none" else self.names[0]
        self._done = {name: "" for name in [HV] + self.names}
        self._tail = ((HV,), "")
        self._line = ""

    def feed(self, data):
        """Take decoded output."""
        text = self._line + data.replace("\0", "")
        if self.hv == "xen":
            text = XEN_BREAK.sub(CUT + "\n(XEN) ", text.replace("\r", ""))
        *lines, self._line = text.split("\n")
        for line in lines:
            origins, body = self._attribute(line)
            body = self._with_end(line, origins, body)
            for origin in origins:
                self._done[origin] += body
            self._watch_focus(origins, body)
        self._tail = self._unfinished(self._line)

    def _with_end(self, line, origins, body):
        """The text of a line and its end, if its writer has ended it."""
        if self.hv == "xen" and body.endswith(CUT):
            return body[:-1]
        if self.hv == "corbel" and HV not in origins and not line.endswith("\r"):
            return body
        return body + "\n"

    def _unfinished(self, line):
        """Whose a line without an end is."""
        line = ESCAPE_BEGUN.sub("", line)
        shown = ESCAPES.sub("", line.replace("\r", ""))
        if self.hv == "corbel" and CORBEL_BEGUN.match(shown):
            return (), ""
        return self._attribute(line)

    def text(self, name):
        """Everything NAME (or HV) has said, the unfinished line included."""
        origins, body = self._tail
        return self._done[name] + (body if name in origins else "")

    def _watch_focus(self, origins, body):
        pattern = FOCUS.get(self.hv)
        # Xen's own line bears no prefix where another domain's broke into one before it.
        heard = HV in origins or self.hv == "xen"
        found = pattern.search(body) if pattern and heard else None
        if found:
            self.focus = self._domain_name(found.group(1))
            self.switches += 1

    def _domain_name(self, word):
        found = re.fullmatch(r"(?:DOM|d)(\d+)", word)
        if self.hv == "xen" and found:
            index = int(found.group(1)) - 1
            return self.names[index] if 0 <= index < len(self.names) else HV
        return word if word in self.names else HV

    def _attribute(self, line):
        line = ESCAPES.sub("", line.replace("\r", ""))
        if self.hv == "corbel":
            return self._attribute_corbel(line)
        if self.hv == "xen":
            return self._attribute_xen(line)
        return (self.names[0],), line

    def _attribute_corbel(self, line):
        found = CORBEL_LINE.match(CORBEL_LATE.sub("", line))
        if found and found.group(1) in self.names:
            return (found.group(1),), found.group(2)
        return (HV,), line

    def _attribute_xen(self, line):
        focused = (self.focus,) if self.focus not in (None, HV) else (HV,)
        if not line.startswith("(XEN) "):
            return focused, line
        body = line[6:]
        found = XEN_DOMAIN_LINE.match(body)
        if found:
            return (self._domain_name("DOM" + found.group(1)),), found.group(2)
        return tuple({HV, *focused}), body

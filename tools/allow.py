# SPDX-License-Identifier: Apache-2.0
"""Exceptions to the house rules: one per line, each with its reason.

    RULE SUBJECT [-> OBJECT]   # reason

SUBJECT and OBJECT are shell patterns. An exception that matches nothing any more is an error, so
that the lists shrink.
"""
import fnmatch
import pathlib


class AllowList:
    """The exceptions of one file; remembers which were needed."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.entries = []
        self.errors = []
        self.used = set()
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        for number, line in enumerate(lines, 1):
            if line.strip() and not line.startswith("#"):
                self._parse(number, line)

    def _parse(self, number, line):
        rule_text, _, reason = line.partition("#")
        words = rule_text.split()
        if not reason.strip() or len(words) not in (2, 4) or (len(words) == 4 and words[2] != "->"):
            self.errors.append(f"{self.path.name}:{number}: want "
                               "'RULE SUBJECT [-> OBJECT] # reason'")
            return
        target = words[3] if len(words) == 4 else ""
        self.entries.append((words[0], words[1], target, reason.strip()))

    def permits(self, rule, subject, target=""):
        """Whether an entry excuses this; marks it as needed."""
        hit = False
        for index, (name, pattern, object_pattern, _) in enumerate(self.entries):
            if name == rule and fnmatch.fnmatchcase(subject, pattern) and (
                    fnmatch.fnmatchcase(target, object_pattern)):
                self.used.add(index)
                hit = True
        return hit

    def report(self, tool):
        """Print every entry; return errors about the list itself."""
        for rule, subject, target, reason in self.entries:
            arrow = f" -> {target}" if target else ""
            print(f"{tool}: allowed: {rule} {subject}{arrow}: {reason}")
        stale = [f"{self.path.name}: nothing needs '{' '.join(filter(None, e[:3]))}' any more"
                 for i, e in enumerate(self.entries) if i not in self.used]
        return self.errors + stale

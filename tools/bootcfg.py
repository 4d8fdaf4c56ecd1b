# SPDX-License-Identifier: Apache-2.0
"""Read assignments in the shell's syntax, as the public imagebuilder script's configurations are.

NAME=value and NAME[n]=value with the shell's quotes, comments and $NAME of what stands above.
Nothing is executed: commands, redirections and lists are errors.
"""
import re
from typing import Dict, Tuple

ASSIGNMENT = re.compile(r"(?:export[ \t]+)?([A-Za-z_]\w*)(?:\[(\d+(?:,\d+)?)\])?=")
BLANK = re.compile(r"(?:\s|;|\\\n|#[^\n]*)+")
PIECE = re.compile(r"""'(?P<single>[^']*)'
    | "(?P<double>(?:[^"\\]|\\.)*)"
    | \\(?P<escaped>.)
    | \$(?P<name>\w+|\{\w+(?:\[\d+(?:,\d+)?\])?\})
    | (?P<plain>[^\s;'"\\$`()<>|&]+)""", re.X | re.S)
INNER = re.compile(r"""\\(?P<escaped>["\\$`]) | \\(?P<joined>\n)
    | \$(?P<name>\w+|\{\w+(?:\[\d+(?:,\d+)?\])?\}) | (?P<bad>`|\$\() | (?P<plain>.)""",
                   re.X | re.S)


class ConfigError(ValueError):
    """One line that names the file, the variable and what was expected."""


class Config:
    """The variables of a configuration. As in the shell, NAME is NAME[0] and empty is unset."""

    def __init__(self, path):
        self.path = path
        self.values: Dict[Tuple[str, str], Tuple[str, int]] = {}

    def names(self):
        """Every variable that has a value, once."""
        return sorted({name for (name, _), (value, _) in self.values.items() if value})

    def get(self, name, index=0, default=None):
        """The text of NAME[INDEX]."""
        return self.values.get((name, str(index)), ("", 0))[0] or default

    def number(self, name, index=0, default=None):
        """NAME[INDEX] as a number."""
        text = self.get(name, index)
        if text is None:
            return default
        return self.to_number(text, name, index)

    def to_number(self, text, name, index=0):
        """TEXT, which is part of NAME[INDEX], as a number of up to 64 bits."""
        try:
            value = int(text, 0)
        except ValueError:
            value = -1
        if not 0 <= value < 1 << 64:
            raise self.error(name, index, "a number, not %r" % text)
        return value

    def need(self, name, index=0):
        """The text of a variable that must be there."""
        text = self.get(name, index)
        if text is None:
            raise ConfigError("%s: %s is missing" % (self.path, self.spell(name, index)))
        return text

    def error(self, name, index, expected):
        """A complaint about NAME[INDEX]."""
        value, line = self.values.get((name, str(index)), ("", 0))
        return ConfigError("%s:%d: %s = %r: expected %s" % (
            self.path, line, self.spell(name, index), value, expected))

    def spell(self, name, index):
        """How the variable is written: NAME, or NAME[INDEX] where there can be several."""
        indexed = name.startswith("DOMU_") or name in ("CPUPOOL", "DT_OVERLAY")
        return "%s[%s]" % (name, index) if indexed else name


def _expand(config, name, where):
    name, _, index = name.strip("{}").rstrip("]").partition("[")
    value = config.get(name, index or 0)
    if value is None:
        raise ConfigError("%s: $%s has no value here (single quotes keep it for U-Boot)" % (
            where, name))
    return value


def _unquote(config, text, where):
    parts = []
    for found in INNER.finditer(text):
        kind = found.lastgroup
        if kind == "bad":
            raise ConfigError("%s: expected plain text, not a command" % where)
        if kind == "name":
            parts.append(_expand(config, found.group("name"), where))
        elif kind != "joined":
            parts.append(found.group(kind))
    return "".join(parts)


def _word(config, text, at, where):
    """The shell word at TEXT[AT:] and where it ends."""
    parts = []
    while True:
        found = PIECE.match(text, at)
        if found is None:
            break
        kind, piece = found.lastgroup, found.group(found.lastgroup)
        if kind == "double":
            piece = _unquote(config, piece, where)
        elif kind == "name":
            piece = _expand(config, piece, where)
        parts.append("" if (kind, piece) == ("escaped", "\n") else piece)
        at = found.end()
    if at < len(text) and not text[at].isspace() and text[at] != ";":
        raise ConfigError("%s: expected a plain or quoted value, not %r" % (where, text[at]))
    return "".join(parts), at


def parse_config(text, path="config"):
    """Read assignments in the shell's syntax; nothing is executed, and only $NAME is expanded."""
    config = Config(path)
    at = 0
    while at < len(text):
        blank = BLANK.match(text, at)
        if blank:
            at = blank.end()
            continue
        line = text.count("\n", 0, at) + 1
        where = "%s:%d" % (path, line)
        found = ASSIGNMENT.match(text, at)
        if found is None:
            raise ConfigError("%s: expected NAME=value, not %r" % (
                where, text[at:].split("\n", 1)[0][:40]))
        value, at = _word(config, text, found.end(), where)
        config.values[found.group(1), found.group(2) or "0"] = (value, line)
    return config

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the layering of docs/style.md: who includes whom, and who uses whose symbols.

Includes and words are read from the sources, symbols from the objects of a build (nm). Exceptions
with their reasons are in tools/layers.allow and are printed at each run.

Usage: tools/check_layers.py [--root DIR] [--objects build/obj] [--nm aarch64-linux-gnu-nm]
"""
import argparse
import fnmatch
import pathlib
import re
import subprocess
import sys

from allow import AllowList

# A file belongs to the first line that matches. It may use symbols of its own floor and below.
FLOORS = [
    (1, "third_party/*"),
    (1, "common/lib/*"),
    (2, "arch/*/hw/*"),
    (3, "drivers/*"),
    (5, "common/guest_exit.c"),
    (5, "common/build.c"),
    (6, "common/main.c"),
    (4, "common/*"),            # common/vdev too: * matches slashes
    (7, "arch/*/entry/*"),
    (7, "arch/*/boot/*"),
]
# The doors by which arch/ enters floors 4 to 6.
DOORS = {"corbel_main", "guest_exit_handle", "guest_exit_call", "guest_exit_sgi",
         "guest_exit_irq", "guest_exit_wfi", "guest_exit_mmio"}
# Headers of other projects: who may include them.
FOREIGN = [
    (r"(libfdt|fdt)\.h$", {"common/lib/fdt_read.c", "common/lib/fdt_write.c", "common/domdtb.c"}),
    (r"mbedtls/", {"common/verify.c"}),
    (r"z(lib|conf)\.h$", {"common/lib/adler32.c", "common/lib/gunzip.c"}),
]
SOURCE_DIRS = ("include", "common", "drivers", "arch")
COMPILER_H = "include/corbel/compiler.h"


def floor_of(path):
    """The floor of a source file, None for what no rule knows."""
    for floor, pattern in FLOORS:
        if fnmatch.fnmatchcase(path, pattern):
            return floor
    return None


def strip_comments(text):
    """The text without comments, lines kept."""
    def blank(match):
        word = match.group(0)
        return word if word[0] in "\"'" else "\n" * word.count("\n") + " "
    return re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*',
                  blank, text, flags=re.S)


def strip_strings(text):
    """Code without the contents of string literals."""
    return re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text)


class Layers:
    """One run over one tree."""

    def __init__(self, root, allow):
        self.root = root
        self.allow = allow
        self.problems = []

    def fault(self, rule, subject, target, text):
        """Record a violation unless an exception covers it."""
        if not self.allow.permits(rule, subject, target):
            self.problems.append(f"{subject}: {text} [{rule}]")

    def sources(self):
        """Relative paths of everything that is checked."""
        for top in SOURCE_DIRS:
            for path in sorted((self.root / top).rglob("*")):
                if path.suffix in (".c", ".h", ".S") and path.is_file():
                    yield path.relative_to(self.root).as_posix()

    # -- text ------------------------------------------------------------------------------------

    def check_includes(self, path, code):
        """Rules 2, 3, 4, 5 and 9."""
        for name in re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', code, re.M):
            in_arch = path.startswith(("arch/", "include/arch/"))
            if name.startswith("asm/") and not in_arch:
                self.fault("asm", path, name, f"includes <{name}>; only arch/ may")
            if "tests/" in name or name.startswith("fake"):
                self.fault("tests", path, name, f"includes {name}: nothing includes tests/")
            if path.startswith("drivers/") and not name.startswith(("arch/", "corbel/", "hw/")):
                self.fault("driver", path, name, f"includes {name}: drivers share include/hw only")
            for pattern, users in FOREIGN:
                if re.search(pattern, name) and path not in users and (
                        not path.startswith("include/libc/")):
                    self.fault("foreign", path, name, f"includes {name}; only {sorted(users)} may")

    def check_words(self, path, code):
        """Rules 3 and 7."""
        bare = strip_strings(code)
        if not path.startswith("arch/"):
            for word in re.findall(r'"[^"\n]*\b(msr|mrs)\s[^"\n]*"|\b(read_sysreg|write_sysreg)\b',
                                   code):
                name = "".join(word)
                self.fault("sysreg", path, name, f"uses {name}; only arch/ may")
        if path != COMPILER_H and re.search(r"\b__attribute__\b", bare):
            self.fault("attribute", path, "", "spells __attribute__; use corbel/compiler.h")
        if path.endswith(".c") and re.search(r"^\s*extern\b", bare, re.M):
            self.fault("extern", path, "", "declares something extern; include its header")
        if re.search(r"\b(__weak|weak)\b", bare) or (
                path.endswith(".S") and re.search(r"^\s*\.weak\b", bare, re.M)):
            self.fault("weak", path, "", "defines a weak symbol")

    def check_text(self):
        """Every rule that needs the sources only."""
        for path in self.sources():
            code = strip_comments((self.root / path).read_text(errors="replace"))
            self.check_includes(path, code)
            self.check_words(path, code)

    # -- symbols ---------------------------------------------------------------------------------

    def source_of(self, objects, obj):
        """The source that an object was made from, None when it is gone."""
        stem = obj.relative_to(objects).with_suffix("").as_posix()
        if stem.startswith("third_party/"):
            return stem + ".c"
        for suffix in (".c", ".S"):
            if (self.root / (stem + suffix)).exists():
                return stem + suffix
        return None

    def read_symbols(self, objects, nm):
        """({symbol: defining file}, {file: undefined symbols})."""
        defined, needed = {}, {}
        for obj in sorted(objects.rglob("*.o")):
            source = self.source_of(objects, obj)
            if source is None:
                continue
            out = subprocess.run([nm, "-g", str(obj)], check=True, capture_output=True, text=True)
            needed[source] = set()
            for line in out.stdout.splitlines():
                kind, name = line.split()[-2:]
                if kind == "U":
                    needed[source].add(name)
                    continue
                defined[name] = source
                if kind in "wWvV" and not source.startswith("third_party/"):
                    self.fault("weak", source, name, f"{name} is a weak symbol")
        return defined, needed

    def edge_ok(self, source, symbol, target):
        """Rules 1 and 6 for one use; False when an exception excuses it from the graph too."""
        mine, theirs = floor_of(source), floor_of(target)
        if mine is None:
            self.fault("floor", source, "", "is on no floor; see FLOORS in tools/check_layers.py")
            return True
        if theirs is not None and theirs > mine:
            self.fault("symbol", source, symbol,
                       f"(floor {mine}) uses {symbol} of {target} (floor {theirs})")
            return False
        if source.startswith("arch/") and theirs in (4, 5, 6) and symbol not in DOORS:
            self.fault("door", source, symbol, f"uses {symbol} of {target}; arch/ enters by "
                       f"{' and '.join(sorted(DOORS))}")
        return not self.allow.permits("cycle", source, symbol)

    def check_symbols(self, objects, nm):
        """Rules 1 and 6, and that the graph of files has no circle."""
        defined, needed = self.read_symbols(objects, nm)
        graph = {}
        for source, symbols in needed.items():
            for symbol in sorted(symbols):
                target = defined.get(symbol)
                if target and target != source and self.edge_ok(source, symbol, target):
                    graph.setdefault(source, {})[target] = symbol
        for circle in circles(graph):
            steps = " -> ".join(f"{a} ({graph[a][b]})" for a, b in zip(circle, circle[1:]))
            self.problems.append(f"{circle[0]}: circle of files: {steps} -> {circle[-1]} [cycle]")
        return len(needed)


def circles(graph):
    """One closed path for each edge that leads back in a depth-first walk."""
    found, state, path = [], {}, []

    def visit(node):
        state[node] = 1
        path.append(node)
        for target in sorted(graph.get(node, {})):
            if state.get(target) == 1:
                found.append(path[path.index(target):] + [target])
            elif target not in state:
                visit(target)
        path.pop()
        state[node] = 2

    for node in sorted(graph):
        if node not in state:
            visit(node)
    return found


def main():
    """Entry point."""
    top = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--root", type=pathlib.Path, default=top)
    parser.add_argument("--objects", type=pathlib.Path)
    parser.add_argument("--nm", default="aarch64-linux-gnu-nm")
    args = parser.parse_args()
    layers = Layers(args.root, AllowList(args.root / "tools" / "layers.allow"))
    layers.check_text()
    objects = args.objects or args.root / "build" / "obj"
    count = layers.check_symbols(objects, args.nm)
    if count == 0:
        layers.problems.append(f"{objects}: no objects; build first")
    layers.problems += layers.allow.report("layers")
    for text in layers.problems:
        print(f"layers: {text}")
    print(f"layers: {count} objects, {len(layers.problems)} problems, "
          f"{len(layers.allow.entries)} exceptions")
    return 1 if layers.problems else 0


if __name__ == "__main__":
    sys.exit(main())

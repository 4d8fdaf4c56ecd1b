#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the sizes of docs/style.md: functions, files, arguments, nesting, columns, conditionals,
file-scope variables, the width of the arch seam, and the licence line.

Exceptions with their reasons are in tools/size.allow and are printed at each run.

Usage: tools/check_size.py [--root DIR] [--objects build/obj] [--nm aarch64-linux-gnu-nm]
"""
import argparse
import pathlib
import re
import subprocess
import sys

from allow import AllowList
from check_layers import strip_comments, strip_strings

LIMITS = {
    "function": 80,         # lines, from the first of the signature to the closing brace
    "median": 15,           # of all functions
    "p95": 50,
    "file": 600,            # lines of a .c or .S
    "header": 150,
    "args": 5,
    "nesting": 3,           # blocks within blocks of a function's body
    "column": 100,
    "seam": 40,             # functions of include/arch, not counting inlines
    "variables": 2,         # mutable file-scope variables per 1000 lines of code
}
OUR_DIRS = ("include", "common", "drivers", "arch")
TEXT_DIRS = OUR_DIRS + ("tests", "tools", "mk")
LOOPS = re.compile(r"^(for|while|switch|if)$|for_each")


class Function:
    """Name, size and shape of one function definition."""

    def __init__(self, name, line, length, args, nesting):
        self.name, self.line, self.length = name, line, length
        self.args, self.nesting = args, nesting


class Statements:
    """A statement parser that knows just enough of C to measure nesting."""

    def __init__(self, body):
        self.tokens = re.findall(r"[A-Za-z_]\w*|[^\s\w]|\w+", body)
        self.at = 0
        self.deepest = 0

    def peek(self):
        """The next token, "" at the end."""
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def skip_group(self, opening, closing):
        """Pass a balanced group."""
        depth = 0
        while self.at < len(self.tokens):
            token = self.peek()
            self.at += 1
            depth += (token == opening) - (token == closing)
            if depth == 0:
                return

    def block(self, depth):
        """Statements up to the closing brace."""
        self.deepest = max(self.deepest, depth)
        self.at += 1
        while self.peek() not in ("}", ""):
            self.statement(depth)
        self.at += 1

    def inner(self, depth):
        """The statement that a condition or a loop governs."""
        if self.peek() == "{":
            self.block(depth + 1)
        else:
            self.deepest = max(self.deepest, depth + 1)
            self.statement(depth + 1)

    def statement(self, depth):
        """One statement at this depth."""
        token = self.peek()
        if token == "{":
            self.block(depth + 1)
        elif LOOPS.search(token) and self.tokens[self.at + 1:self.at + 2] == ["("]:
            self.at += 1
            self.skip_group("(", ")")
            if self.peek() == ";":
                self.at += 1
            else:
                self.inner(depth)
            while token == "if" and self.peek() == "else":
                self.at += 1
                if self.peek() == "if":
                    self.at += 1
                    self.skip_group("(", ")")
                self.inner(depth)
        elif token == "do":
            self.at += 1
            self.inner(depth)
            self.expression()
        else:
            self.expression()

    def expression(self):
        """Up to the semicolon, or past a label's colon."""
        first = self.at
        while self.at < len(self.tokens):
            token = self.peek()
            if token in "({[" and token:
                self.skip_group(token, {"(": ")", "{": "}", "[": "]"}[token])
                continue
            if token == "}":
                return
            self.at += 1
            if token == ";":
                return
            if token == ":" and (self.at - first == 2 or
                                 self.tokens[first] in ("case", "default")):
                return


def name_match(signature):
    """Where the defined name stands: the first word with an opening parenthesis."""
    return re.search(r"\b(?!__)([A-Za-z_]\w*)\s*\(", signature)


def count_args(signature):
    """How many parameters a signature has."""
    depth, commas, text = 0, 0, ""
    for char in signature[name_match(signature).end():]:
        depth += (char in "([") - (char in ")]")
        if depth < 0:
            break
        commas += char == "," and depth == 0
        text += char
    text = text.strip()
    return 0 if text in ("", "void") else commas + 1 - text.endswith("...")


def functions_of(code):
    """Every function definition of a .c or .h in the house's format: { and } in column 1."""
    lines = code.split("\n")
    found = []
    for number, line in enumerate(lines):
        if line.rstrip() != "{":
            continue
        first = number
        while first > 0 and lines[first - 1].strip() and not re.search(
                r"[;}]\s*$|^\s*#", lines[first - 1]):
            first -= 1
        signature = " ".join(lines[first:number])
        end = next((i for i in range(number, len(lines)) if lines[i].rstrip() == "}"), None)
        if end is None or not name_match(signature):
            continue
        parser = Statements("\n".join(re.sub(r"^\s*#.*", "", t) for t in lines[number:end + 1]))
        parser.block(0)
        found.append(Function(name_match(signature).group(1), first + 1, end - first + 1,
                              count_args(signature), parser.deepest))
    return found


class Sizes:
    """One run over one tree."""

    def __init__(self, root, allow):
        self.root = root
        self.allow = allow
        self.problems = []
        self.lengths = []
        self.code_lines = 0

    def limit(self, rule, subject, value, text):
        """Record what is over its limit and has no exception."""
        if value > LIMITS[rule] and not self.allow.permits(rule, subject):
            self.problems.append(f"{subject}: {text} {value}, limit {LIMITS[rule]} [{rule}]")

    def fault(self, rule, subject, text):
        """Record a violation that has no exception."""
        if not self.allow.permits(rule, subject):
            self.problems.append(f"{subject}: {text} [{rule}]")

    def files(self, dirs):
        """Relative paths of the text files of these directories."""
        for top in dirs:
            for path in sorted((self.root / top).rglob("*")):
                if ".pytest_cache" in path.parts:
                    continue
                if path.is_file() and "__pycache__" not in path.parts:
                    yield path.relative_to(self.root).as_posix()

    def check_code(self, path, text):
        """Functions, file length, conditionals."""
        code = strip_strings(strip_comments(text))
        self.code_lines += sum(1 for line in code.split("\n") if line.strip())
        rule = "header" if path.endswith(".h") else "file"
        self.limit(rule, path, text.count("\n"), "lines")
        if path.startswith(("common/", "drivers/")) and path.endswith(".c") and re.search(
                r"^\s*#\s*(if|ifdef|ifndef)\b", code, re.M):
            self.fault("conditional", path, "has #if; use IS_ENABLED() or the Makefile")
        for function in functions_of(code):
            name = f"{path}:{function.name}"
            self.lengths.append(function.length)
            self.limit("function", name, function.length, "lines")
            self.limit("args", name, function.args, "arguments")
            self.limit("nesting", name, function.nesting, "nesting")

    def check_text(self, path, text):
        """Columns and the licence line."""
        lines = text.split("\n")
        for number, line in enumerate(lines, 1):
            width = len(line.expandtabs(4))
            if width > LIMITS["column"]:
                self.limit("column", f"{path}:{number}", width, "columns")
        if not any("SPDX-License-Identifier: Apache-2.0" in line for line in lines[:2]):
            self.fault("spdx", path, "has no SPDX line at its top")

    def check_seam(self):
        """The number of functions that a CPU port owes."""
        count = 0
        for path in sorted((self.root / "include" / "arch").glob("*.h")):
            code = strip_comments(path.read_text())
            code = re.sub(r"^static[^;{]*\{.*?^\}", "", code, flags=re.M | re.S)
            count += len(re.findall(r"^[a-z][\w\s\*]*\barch_\w+\s*\([^;{]*;", code, re.M))
        self.limit("seam", "include/arch", count, "functions")
        return count

    def check_variables(self, objects, nm):
        """Mutable data: how much, and that it is static."""
        count = 0
        for obj in sorted(objects.rglob("*.o")):
            stem = obj.relative_to(objects).with_suffix("").as_posix()
            if not (self.root / (stem + ".c")).exists():
                continue
            out = subprocess.run([nm, "-S", str(obj)], check=True, capture_output=True, text=True)
            for line in out.stdout.splitlines():
                words = line.split()
                if len(words) == 4 and words[2] in "dDbBCgGsS":
                    count += 1
                    if words[2].isupper():
                        self.fault("static", f"{stem}.c:{words[3]}", "is a variable, not static")
        allowed = max(1, LIMITS["variables"] * self.code_lines // 1000)
        if count > allowed:
            self.fault("variables", "tree", f"{count} file-scope variables, {allowed} for "
                       f"{self.code_lines} lines of code")
        return count

    def check_distribution(self):
        """Median and 95th percentile of function lengths."""
        self.lengths.sort()
        if not self.lengths:
            return (0, 0)
        median = self.lengths[len(self.lengths) // 2]
        p95 = self.lengths[min(len(self.lengths) - 1, len(self.lengths) * 95 // 100)]
        self.limit("median", "tree", median, "median function length")
        self.limit("p95", "tree", p95, "95th percentile of function lengths")
        return (median, p95)


def main():
    """Entry point."""
    top = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--root", type=pathlib.Path, default=top)
    parser.add_argument("--objects", type=pathlib.Path)
    parser.add_argument("--nm", default="aarch64-linux-gnu-nm")
    args = parser.parse_args()
    sizes = Sizes(args.root, AllowList(args.root / "tools" / "size.allow"))
    for path in sizes.files(TEXT_DIRS):
        try:
            text = (args.root / path).read_text()
        except UnicodeDecodeError:
            continue
        if path.startswith(OUR_DIRS) and path.endswith((".c", ".h", ".S")):
            sizes.check_code(path, text)
        if not path.endswith((".md", ".json", "help.txt", ".allow", "unit.mk", "tools/pins")):
            sizes.check_text(path, text)
    seam = sizes.check_seam()
    variables = sizes.check_variables(args.objects or args.root / "build" / "obj", args.nm)
    median, p95 = sizes.check_distribution()
    sizes.problems += sizes.allow.report("size")
    for text in sizes.problems:
        print(f"size: {text}")
    print(f"size: {len(sizes.lengths)} functions, median {median}, 95th {p95}, longest "
          f"{max(sizes.lengths, default=0)}; {sizes.code_lines} lines of code, {variables} "
          f"variables, seam {seam}; {len(sizes.problems)} problems")
    return 1 if sizes.problems else 0


if __name__ == "__main__":
    sys.exit(main())

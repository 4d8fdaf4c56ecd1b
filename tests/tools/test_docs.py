# SPDX-License-Identifier: Apache-2.0
"""The documents name files, functions and tests: all of them exist."""
import functools
import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\(([^)#\s]+)\)")
QUOTED = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"((?:[\w.-]+/)*[\w.-]*\w\.(?:c|h|S|py|sh|md|mk|dts|allow))"
                  r"(?::([a-z_]\w*))?(?:\(\))?")
CALL = re.compile(r"([a-z]\w+)\(\)")
TEST = re.compile(r"(?:\w+:)?(test_\w+)")
EXAMPLES = {"x.c", "x.h", "test_x.c", "noun_verb()", "arch_noun_verb()"}   # stand for any name


@functools.lru_cache(None)
def tracked():
    """All files of the repository, those that are being added too."""
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=TOP, check=True,
                         capture_output=True, text=True).stdout.split("\n")
    return [name for name in out if name and (TOP / name).exists()]


@functools.lru_cache(None)
def words_of(name):
    """The identifiers in a file."""
    return frozenset(re.findall(r"\w+", (TOP / name).read_text(errors="replace")))


def candidates(path):
    """Files whose path ends in that one."""
    return [name for name in tracked() if name == path or name.endswith("/" + path)]


def known(word, folder, endings):
    """Whether that word, or a file of that name, is below the folder; this file does not count."""
    return any(pathlib.PurePath(name).stem == word or word in words_of(name)
               for name in tracked() if name.startswith(folder) and name.endswith(endings)
               and name != "tests/tools/test_docs.py")


def faults_of_quote(quote):
    """What does not exist of one `quoted` piece."""
    if quote.split("/")[-1] in EXAMPLES:
        return []
    found = FILE.fullmatch(quote)
    if found:
        files = candidates(found.group(1))
        if not files:
            return ["no file " + quote]
        word = found.group(2)
        return ["no such name: " + quote] if word and not any(word in words_of(f) for f in files) \
            else []
    called = CALL.fullmatch(quote)
    if called and not known(called.group(1), "", (".c", ".h", ".S")):
        return ["no function " + quote]
    test = TEST.fullmatch(quote)
    if test and not known(test.group(1), "tests/", (".c", ".py")):
        return ["no test " + quote]
    return []


def faults_of(doc):
    """All faults of one document."""
    text = (TOP / doc).read_text()
    faults = ["no link " + link for link in LINK.findall(text)
              if "://" not in link and not ((TOP / doc).parent / link).exists()]
    # Blocks of code come first: they have no quotes, but unbalanced ones would confuse.
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    for quote in QUOTED.findall(text):
        faults += faults_of_quote(quote)
    return faults


@pytest.mark.parametrize("doc", [name for name in tracked() if name.endswith(".md")])
def test_names(doc):
    """Links, paths, file:function and function() of one document."""
    assert faults_of(doc) == []


def test_finds():
    """The check itself finds what is not there."""
    assert faults_of_quote("main.c:corbel_main") == []
    assert faults_of_quote("main.c:no_such_name") != []
    assert faults_of_quote("common/nowhere.c") != []
    assert faults_of_quote("no_such_function()") != []
    assert faults_of_quote("test_page:test_no_such") != []

# SPDX-License-Identifier: Apache-2.0
"""The house checks find what they are for: each violation is planted in a small tree and built."""
import pathlib
import struct
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
TOOLS = TOP / "tools"
sys.path.insert(0, str(TOOLS))
import check_image  # noqa: E402

SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"


class Tree:
    """A miniature of this repository's layout, compiled for the host."""

    def __init__(self, root):
        self.root = root
        for name in ("include/corbel", "include/arch", "common/lib", "drivers", "arch/arm64/hw",
                     "arch/arm64/entry", "tools"):
            (root / name).mkdir(parents=True)

    def add(self, path, text):
        """Write one source file."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(SPDX + text)

    def allow(self, kind, text):
        """Write an exception list."""
        (self.root / "tools" / f"{kind}.allow").write_text(text)

    def compile(self):
        """Objects of every .c, below obj/ as the Makefile lays them out."""
        for source in self.root.rglob("*.c"):
            out = self.root / "obj" / source.relative_to(self.root).with_suffix(".o")
            out.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["gcc", "-w", "-ffreestanding", "-Iinclude", "-c", str(source), "-o",
                            str(out)], check=True, cwd=self.root)

    def run(self, tool):
        """(exit code, output) of one check."""
        self.compile()
        done = subprocess.run(["/usr/bin/python3", str(TOOLS / tool), "--root", str(self.root),
                               "--objects", str(self.root / "obj"), "--nm", "nm"],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def tree(tmp_path):
    """A tree that breaks no rule."""
    small = Tree(tmp_path)
    small.add("common/lib/string.c", "int str_size(int x)\n{\n    return x;\n}\n")
    small.add("arch/arm64/hw/time.c",
              "int str_size(int x);\nint arch_now(void)\n{\n    return str_size(1);\n}\n")
    small.add("common/domain.c",
              "int arch_now(void);\nint domain_age(void)\n{\n    return arch_now();\n}\n")
    return small


def test_a_clean_tree_passes(tree):
    assert tree.run("check_layers.py")[0] == 0
    assert tree.run("check_size.py")[0] == 0


LAYER_FAULTS = {
    "symbol": ("common/lib/up.c",
               "int domain_age(void);\nint up(void)\n{\n    return domain_age();\n}\n",
               "uses domain_age"),
    "door": ("arch/arm64/entry/trap.c",
             "int domain_age(void);\nint trap(void)\n{\n    return domain_age();\n}\n",
             "enters by"),
    "asm": ("common/bad.c", "#include <asm/sysreg.h>\n", "only arch/ may"),
    "sysreg": ("common/bad.c", '#define F() __asm__("mrs x0, esr_el2")\n', "only arch/ may"),
    "attribute": ("common/bad.c", "int bad __attribute__((used));\n", "spells __attribute__"),
    "extern": ("common/bad.c", "extern int domain_count;\n", "extern"),
    "weak": ("common/bad.c", "#pragma weak bad\nint bad(void)\n{\n    return 0;\n}\n",
             "weak"),
    "foreign": ("common/bad.c", "#include <libfdt.h>\n", "only ["),
    "driver": ("drivers/uart.c", "#include <other.h>\n", "drivers share"),
    "tests": ("common/bad.c", '#include "../tests/fake.h"\n', "nothing includes tests/"),
}


@pytest.mark.parametrize("rule", LAYER_FAULTS)
def test_layers_finds(tree, rule):
    path, text, expected = LAYER_FAULTS[rule]
    for header in ("include/asm/sysreg.h", "include/libfdt.h", "include/other.h", "tests/fake.h"):
        tree.add(header, "")
    tree.add(path, text)
    code, out = tree.run("check_layers.py")
    assert code == 1 and expected in out and f"[{rule}]" in out


def test_layers_finds_a_circle(tree):
    tree.add("common/a.c", "int b(void);\nint a(void)\n{\n    return b();\n}\n")
    tree.add("common/b.c", "int a(void);\nint b(void)\n{\n    return a();\n}\n")
    code, out = tree.run("check_layers.py")
    assert code == 1 and "circle of files" in out


def test_comments_and_strings_do_not_count(tree):
    tree.add("common/quiet.c", "/* extern int x; __attribute__ mrs */\n// weak\n"
                               'const char *quiet = "weak __attribute__";\n')
    assert tree.run("check_layers.py")[0] == 0


def test_an_exception_is_printed_and_must_be_needed(tree):
    tree.allow("layers", "symbol common/lib/up.c -> domain_*  # because\n")
    code, out = tree.run("check_layers.py")
    assert code == 1 and "nothing needs" in out
    path, text, _ = LAYER_FAULTS["symbol"]
    tree.add(path, text)
    code, out = tree.run("check_layers.py")
    assert code == 0 and "because" in out


def test_an_exception_without_reason_is_refused(tree):
    tree.allow("layers", "symbol common/lib/up.c -> domain_age\n")
    code, out = tree.run("check_layers.py")
    assert code == 1 and "# reason" in out


def function(body, args="void"):
    """A function of the house's format."""
    return f"static int f({args})\n{{\n{body}    return 0;\n}}\n"


SIZE_FAULTS = {
    "function": function("    (void)0;\n" * 80),
    "args": function("", "int a, int b, int c, int d, int e, int g"),
    "nesting": function("    if (1)\n        for (;;)\n            while (1)\n"
                        "                if (2)\n                    return 1;\n"),
    "column": "/* " + "x" * 100 + " */\n",
    "conditional": "#ifdef CONFIG_X\n#endif\n",
    "file": "\n" * 601,
    "static": "int counter;\n",
    "variables": "static int a, b, c;\nint *f(int x);\nint *f(int x)\n{\n"
                 "    return x ? &a : x > 3 ? &b : &c;\n}\n",
}


@pytest.mark.parametrize("rule", SIZE_FAULTS)
def test_size_finds(tree, rule):
    tree.add("common/bad.c", SIZE_FAULTS[rule])
    code, out = tree.run("check_size.py")
    assert code == 1 and f"[{rule}]" in out


def test_size_accepts_what_is_at_the_limit(tree):
    tree.add("common/good.c", function("    if (1) {\n        for (;;) {\n"
                                       "            switch (2) {\n"
                                       "            case 1:\n                break;\n"
                                       "            }\n        }\n    } else if (3) {\n"
                                       "        return 2;\n    }\n", "int a, int b, int (*c)(int)"))
    code, out = tree.run("check_size.py")
    assert code == 0, out


def test_size_wants_the_licence_line(tree):
    (tree.root / "common" / "bare.c").write_text("int x(void);\n")
    code, out = tree.run("check_size.py")
    assert code == 1 and "[spdx]" in out


def test_headers_finds_what_does_not_stand_alone(tmp_path):
    small = Tree(tmp_path)
    small.add("include/corbel/good.h",
              "#ifndef CORBEL_GOOD_H\n#define CORBEL_GOOD_H\nstruct good;\n#endif\n")

    def run():
        return subprocess.run([str(TOOLS / "check_headers.sh"), "gcc", "-Iinclude", "-Werror"],
                              capture_output=True, text=True, check=False,
                              env={"ROOT": str(tmp_path), "PATH": "/usr/bin:/bin"})

    assert run().returncode == 0
    small.add("include/corbel/bad.h",
              "#ifndef CORBEL_BAD_H\n#define CORBEL_BAD_H\nstruct x { u32 field; };\n#endif\n")
    done = run()
    assert done.returncode == 1 and "does not compile alone" in done.stdout
    small.add("include/corbel/bad.h", "#ifndef OTHER_H\n#define OTHER_H\n#endif\n")
    done = run()
    assert done.returncode == 1 and "guard should be CORBEL_BAD_H" in done.stdout


def git(where, *words):
    """Run git in a repository of the test's own."""
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@localhost", *words], cwd=where,
                   check=True, capture_output=True)


@pytest.mark.parametrize("message, good", [
    ("page: add the buddy allocator\n\nWhy, and how tested.", True),
    ("Add the buddy allocator\n\nWhy.", False),
    ("page: added it\n\nWhy.", False),
    ("page: add it", False),
    ("page: add it.\n\nWhy.", False),
    ("page: " + "x" * 80 + "\n\nWhy.", False),
])
def test_commits(tmp_path, message, good):
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", message)
    done = subprocess.run([str(TOOLS / "check_commits.sh")], cwd=tmp_path, check=False,
                          capture_output=True, text=True)
    assert (done.returncode == 0) == good, done.stdout


def image(size=4096, text_offset=0, image_size=8192, flags=0xA, magic=b"ARM\x64"):
    """An arm64 Image header and zeros."""
    head = struct.pack("<2I6Q4sI", 0x14000010, 0, text_offset, image_size, flags, 0, 0, 0, magic, 0)
    return head.ljust(size, b"\0")


@pytest.mark.parametrize("data, words", [
    (image(), ""),
    (image(magic=b"ARM\x65"), "magic"),
    (image(text_offset=0x80000), "text_offset"),
    (image(flags=2), "flags"),
    (image(image_size=0), "below"),
    (image(image_size=0x200001), "beyond"),
    (image(size=0x200001, image_size=0x300000), ""),
    (b"", "shorter"),
])
def test_image_header(data, words):
    problems = check_image.problems(data)
    assert words in " ".join(problems) and bool(problems) == bool(words)

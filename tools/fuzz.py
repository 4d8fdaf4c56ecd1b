#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the fuzz targets of tests/fuzz, two at a time, and prints `N passed, N failed` over them.

    tools/fuzz.py --check             each for a few seconds (`make check-fuzz`)
    tools/fuzz.py --time 600 image    one of them for ten minutes (`make fuzz T=image TIME=600`)

Seeds are made here, anew each time; what libFuzzer finds interesting is kept in BUILD/corpus/NAME,
what fails in BUILD/findings. docs/fuzzing.md.
"""
import argparse
import concurrent.futures
import gzip
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib

TOP = pathlib.Path(__file__).resolve().parent.parent
CHECK_S = 6
CHECK_RUNS = 200000
CHECK_KNOWN = 100           # inputs of the corpus that a check begins with
SLACK_S = 240               # for loading the corpus and the last input, on a slow host
INPUT_LIMIT_S = 60          # one input that takes longer is a finding
MAX_LEN = {"image": 8192, "tree": 65536}
DEFAULT_LEN = 1024
OPTIONS = {"image": ["-use_value_profile=1"], "tree": []}
SEQUENCE = ["-use_value_profile=1", "-len_control=0"]   # long at once: that reaches further


# --- seeds ----------------------------------------------------------------------------------------

def arm64_image(size=4096, text_offset=0, image_size=0x200000, sections=()):
    """An arm64 Image, with a PE header for the sections (offset, size) of its file."""
    head = bytearray(size)
    struct.pack_into("<QQQ", head, 8, text_offset, image_size, 0xa)
    head[56:60] = b"ARM\x64"
    if sections:
        struct.pack_into("<I", head, 60, 64)
        struct.pack_into("<IHHIIIHH", head, 64, 0x4550, 0xaa64, len(sections), 0, 0, 0, 160, 0x206)
        for i, (offset, length) in enumerate(sections):
            struct.pack_into("<8sIIII", head, 64 + 24 + 160 + 40 * i, b".text", length, 0, length,
                             offset)
    return bytes(head)


def uimage(payload, comp=0, load=0x40080000, entry=0x40080000):
    """A legacy uImage."""
    head = struct.pack(">IIIIIIIBBBB32s", 0x27051956, 0, 0, len(payload), load, entry,
                       zlib.crc32(payload), 5, 22, 2, comp, b"seed")
    return head[:4] + struct.pack(">I", zlib.crc32(head)) + head[8:] + payload


def image_seeds():
    """96 bytes of decisions, then the module."""
    plain = arm64_image()
    packed = gzip.compress(plain, 9, mtime=0)
    files = {
        "plain": plain, "old": arm64_image(512, image_size=0), "short": plain[:63],
        "offset": arm64_image(text_offset=0x80000),
        "pe": arm64_image(sections=[(0x1000, 0x400), (0x200, 0x800)]),
        "gzip": packed, "stored": gzip.compress(plain, 0, mtime=0), "cut": packed[:40],
        "twice": gzip.compress(packed, 9, mtime=0), "uimage": uimage(plain),
        "uimage-gzip": uimage(packed, 1), "uimage-bare": uimage(bytes(600), load=0, entry=8),
        "elf": b"\x7fELF" + bytes(96), "fit": b"\xd0\x0d\xfe\xed" + bytes(96),
    }
    room = bytes([0, 0, 0, 0, 4 | 0xe8, 0x80, 4 | 0xe8, 0x80]) + bytes(range(88))
    return {name: room + content for name, content in files.items()}


def good_configs(corpus, mkdtb, partdt):
    """Machines with domains that start, one for each kind of thing."""
    kit = corpus.Kit()
    smmu = mkdtb.Machine(options=("iommu=smmuv3",), randomness=False)
    plain = mkdtb.Machine(randomness=False)
    pools = [("pool", 0, 0x1000, {"pool": b""})]
    return {
        "beside": mkdtb.Config(plain, domains=[make(kit) for name, make in corpus.BESIDE.items()
                                               if name != "has-stream"]),
        "gic2": mkdtb.Config(mkdtb.Machine(gic="2", randomness=False),
                             domains=[corpus.good(corpus.Kit(gic="2"))]),
        "direct": mkdtb.Config(plain, domains=[
            kit.domain("found", 64, props={"direct-map": b""}),
            kit.domain("fixed", props=mkdtb.static_mem((0x70000000, 16 << 20),
                                                       direct_map=True))]),
        "devices": mkdtb.Config(plain, domains=[kit.given(
            "domU1", partdt.pl031(gpa=0xc000000), partdt.virtio_mmio(3),
            partdt.sram(corpus.HOLE_AT, 2 << 20, 0xe000000, pools))],
                                edits=[partdt.sram_edit(corpus.HOLE_AT, 2 << 20)]),
        "pcie": mkdtb.Config(smmu, domains=[kit.given("domU1", tree=partdt.pcie_tree())]),
        "pools": mkdtb.Config(plain, domains=[kit.domain("domU1", cpus=2, children=[
            mkdtb.vcpu_node(1, "0-1")])],
                              edits=[mkdtb.cpupool_edit("pool", [0], domains=["domU1"])]),
    }


def tree_seed(built, fdt):
    """The host tree, and behind it the partial trees in the order of their modules."""
    blob = pathlib.Path(built.dtb).read_bytes()
    paths = {addr: path for addr, _, path in built.placed}
    parts = []
    for node in fdt.Tree(blob).root.walk():
        if b"multiboot,device-tree" in node.props.get("compatible", b""):
            addr = int.from_bytes(node.props.get("reg", b"")[:8], "big")
            parts.append(pathlib.Path(paths[addr]).read_bytes() if addr in paths else b"")
    return blob + b"".join(parts)


def tree_seeds():
    """Every malformed configuration of tests/corpus, and some that are fine."""
    sys.path.insert(0, str(TOP / "tests"))
    import corpus   # pylint: disable=import-outside-toplevel
    import fdt      # pylint: disable=import-outside-toplevel
    import mkdtb    # pylint: disable=import-outside-toplevel
    import partdt   # pylint: disable=import-outside-toplevel
    configs = good_configs(corpus, mkdtb, partdt)
    for case in corpus.CASES:
        gic = case.gic or "3"
        configs[case.name] = corpus.config_of([case], corpus.Kit(gic=gic), randomness=False)
    seeds = {}
    with tempfile.TemporaryDirectory(prefix="corbel-") as folder:
        for name, config in configs.items():
            seeds[name] = tree_seed(mkdtb.build(config, folder, name), fdt)
    return seeds


def sequence_seeds():
    """Long lives, for libFuzzer is slow to lengthen what works when it is short."""
    rng = random.Random(1)
    return {"life-%d" % i: rng.randbytes(200 + 25 * i) for i in range(32)}


SEEDS = {"image": image_seeds, "tree": tree_seeds, "vgicv2": sequence_seeds,
         "vgicv3": sequence_seeds, "vuart": sequence_seeds, "vwdt": sequence_seeds}


# --- running --------------------------------------------------------------------------------------

class Target:
    """One program."""

    def __init__(self, build, path):
        self.path, self.name = path, path.name[len("fuzz_"):]
        self.corpus = build / "corpus" / self.name
        self.seeds = build / "seeds" / self.name
        self.findings = build / "findings"

    def prepare(self, check=False):
        """Seeds and directories. A check takes some of the corpus, so that its time is bounded."""
        shutil.rmtree(self.seeds, ignore_errors=True)
        known = sorted(self.corpus.glob("*"))
        if check:
            self.corpus = self.corpus.parent.parent / "checked" / self.name
            shutil.rmtree(self.corpus, ignore_errors=True)
        for folder in (self.corpus, self.seeds, self.findings):
            folder.mkdir(parents=True, exist_ok=True)
        for name, content in SEEDS.get(self.name, dict)().items():
            (self.seeds / name).write_bytes(content)
        for path in random.sample(known, min(len(known), CHECK_KNOWN)) if check else []:
            shutil.copy(path, self.corpus)

    def command(self, seconds, runs):
        """libFuzzer's command line."""
        return [str(self.path), f"-max_total_time={seconds}", f"-runs={runs}", "-rss_limit_mb=2048",
                f"-max_len={MAX_LEN.get(self.name, DEFAULT_LEN)}", f"-timeout={INPUT_LIMIT_S}",
                f"-artifact_prefix={self.findings}/{self.name}-", "-print_final_stats=1",
                *OPTIONS.get(self.name, SEQUENCE), str(self.corpus), str(self.seeds)]

    def run(self, seconds, runs):
        """(passed, one line, output)."""
        env = dict(os.environ, UBSAN_OPTIONS="print_stacktrace=1",
                   ASAN_OPTIONS="allocator_may_return_null=1:detect_leaks=1")
        start = time.monotonic()
        try:
            done = subprocess.run(self.command(seconds, runs), env=env, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=seconds + SLACK_S + INPUT_LIMIT_S)
            text, code = done.stdout.decode(errors="replace"), done.returncode
        except subprocess.TimeoutExpired as late:
            text, code = (late.stdout or b"").decode(errors="replace") + "\nno end\n", -1
        return code == 0, self.summary(text, time.monotonic() - start), text

    def summary(self, text, took):
        """What libFuzzer covered: edges, features (with value profiles), inputs worth keeping."""
        runs = re.findall(r"^stat::number_of_executed_units: (\d+)|^#(\d+)\t", text, re.M)
        last = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", text)
        edges = re.findall(r"Loaded 1 modules\s+\((\d+) inline", text)
        seed = re.findall(r"INFO: Seed: (\d+)", text)
        cov = "nothing covered"
        if last and edges:
            cov = "%s of %s edges, %s features, corpus %s" % (last[-1][0], edges[0], *last[-1][1:])
        return "%s runs, %s, seed %s, %.0f s" % (
            "".join(runs[-1]) if runs else "no", cov, seed[0] if seed else "?", took)


def main():
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--build", type=pathlib.Path, default=TOP / "build" / "fuzz")
    parser.add_argument("--check", action="store_true", help=f"{CHECK_S} s each")
    parser.add_argument("--time", type=int, default=600, metavar="SECONDS", help="for each target")
    parser.add_argument("names", nargs="*", help="targets [all]")
    args = parser.parse_args()
    paths = sorted(p for p in args.build.glob("fuzz_*") if os.access(p, os.X_OK))
    targets = [Target(args.build, p) for p in paths]
    targets = [t for t in targets if not args.names or t.name in args.names]
    for target in targets:
        target.prepare(args.check)
    limits = (CHECK_S, CHECK_RUNS) if args.check else (args.time, -1)
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for target, (fine, line, text) in zip(targets, pool.map(
                lambda t: t.run(*limits), targets)):
            print(f"fuzz: {target.name}: {'' if fine else 'FAILED: '}{line}", flush=True)
            if not fine:
                print("\n".join("    " + row for row in text.splitlines()[-80:]), flush=True)
            passed, failed = passed + fine, failed + (not fine)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

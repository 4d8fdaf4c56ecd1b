# SPDX-License-Identifier: Apache-2.0
"""Trees damaged by chance: whatever comes out, the checker answers in lines and in time.

    python3 tests/corpus/damage.py SEED COUNT     more of it than the tests do
"""
import json
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import corpus  # noqa: E402
import fdt  # noqa: E402
import mkdtb  # noqa: E402
import partdt  # noqa: E402
from corpus import HOLE_AT, MIB, SHARED_AT, STATIC_AT  # noqa: E402

CHECKER = os.path.join(corpus.ROOT, "build", "tools", "corbel-check-san")
CELLS = [0, 1, 2, 3, 4, 0xfff, 0x1000, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffff000, 0x40000000,
         0x9000000, 0x8000000, STATIC_AT, SHARED_AT, HOLE_AT]
NAMES = ["", "a" * 200, "x@@", "memory@1", "passthrough", "%s%n"]


def damage_value(rng, value):
    """One property, a little or completely wrong."""
    value, kind = bytearray(value), rng.randrange(5)
    if kind == 0 and len(value) >= 4:
        at = rng.randrange(len(value) // 4) * 4
        value[at:at + 4] = fdt.u32(rng.choice(CELLS))
    elif kind == 1:
        value = value[:rng.randrange(len(value) + 1)]
    elif kind == 2:
        value += rng.randbytes(rng.randrange(1, 9))
    elif kind == 3 and value:
        value[rng.randrange(len(value))] = rng.randrange(256)
    else:
        value *= rng.randrange(40)
    return bytes(value)


def damage_node(rng, node, nodes):
    """One node: a property changed or lost, the node gone, doubled, renamed."""
    kind = rng.randrange(10)
    if kind < 6 and node.props:
        name = rng.choice(list(node.props))
        node.props[name] = damage_value(rng, node.props[name])
    elif kind == 6 and node.props:
        node.props.pop(rng.choice(list(node.props)))
    elif kind == 7 and node.parent:
        node.parent.remove(node)
    elif kind == 8:
        other = rng.choice(nodes)
        node.add(fdt.Node(other.name + rng.choice(["", "x", "@1"]), other.props))
    elif kind == 9:
        node.name = rng.choice(NAMES)


def damage_tree(rng, blob, under="/"):
    """One to three faults below a node."""
    tree = fdt.Tree(blob)
    nodes = list(tree.get(under).walk())
    for _ in range(rng.randrange(1, 4)):
        damage_node(rng, rng.choice(nodes), nodes)
    return tree


def damage_bytes(rng, blob):
    """Some bytes changed, header and structure alike."""
    blob = bytearray(blob)
    for _ in range(rng.randrange(1, 8)):
        blob[rng.randrange(len(blob))] = rng.randrange(256)
    return bytes(blob)


class Victims:
    """A configuration with everything in it, damaged anew by each run()."""

    def __init__(self, folder, seed):
        self.rng = random.Random(seed)
        self.folder = folder
        kit = corpus.Kit()
        pools = [("pool", 0, 0x1000, {"pool": b""})]
        self.partial = partdt.partial(
            [partdt.pl031(), partdt.virtio_mmio(3), partdt.virtio_mmio(4),
             partdt.sram(HOLE_AT, 2 * MIB, 0xc000000, pools)], aliases={"rtc0": "/passthrough"})
        domains = [
            corpus.good(kit),
            kit.given("devices", tree=self.partial, children=[
                mkdtb.shm_node("pool", 0x70000000, MIB, hpa=SHARED_AT, role="owner")]),
            kit.domain("static", children=[mkdtb.shm_node("x", 0x70000000, MIB)],
                       props=mkdtb.static_mem((STATIC_AT, 8 * MIB),
                                              (STATIC_AT + 8 * MIB, 8 * MIB))),
            kit.given("bridge", tree=partdt.pcie_tree()),
            kit.given("direct", partdt.pl061(), props={"direct-map": b""})]
        machine = mkdtb.Machine(randomness=False, options=("iommu=smmuv3",))
        config = mkdtb.Config(machine=machine, domains=domains,
                              edits=[partdt.sram_edit(HOLE_AT, 2 * MIB)])
        self.built = mkdtb.build(config, folder)
        with open(self.built.dtb, "rb") as file:
            self.host = file.read()
        self.args = self.built.check_args()

    def _write(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def _damaged(self):
        """(host tree, partial tree), one of them damaged."""
        blob, kind = self.partial.pack(), self.rng.randrange(4)
        if kind == 0:
            return fdt.Tree(self.host), damage_bytes(self.rng, blob)
        if kind == 1:
            return fdt.Tree(self.host), damage_tree(self.rng, blob).pack()
        return damage_tree(self.rng, self.host, "/chosen" if kind == 2 else "/"), blob

    def run(self):
        """Damage, check; None, or what is wrong with the answer."""
        host, partial = self._damaged()
        old = fdt.u64(*self._place())
        for node in host.root.walk():
            if node.props.get("reg") == old:
                node.props["reg"] = fdt.u64(self._place()[0], len(partial))
        files = {self.built.dtb: self._write("host.dtb", host.pack()),
                 self._module(): "%#x=%s" % (self._place()[0], self._write("partial", partial))}
        command = [CHECKER] + [files.get(word, word) for word in self.args] + ["--json"]
        done = subprocess.run(command, capture_output=True, check=False, timeout=240)
        return fault_of(done.returncode, done.stdout.decode(), done.stderr.decode("latin1"))

    def _place(self):
        return next((addr, size) for addr, size, path in self.built.placed
                    if size == len(self.partial.pack()))

    def _module(self):
        return next(word for word in self.args if word.startswith("%#x=" % self._place()[0]))


def fault_of(code, out, err):
    """What is wrong with an answer."""
    if code not in (0, 1, 2) or "Sanitizer" in err or "runtime error" in err or "would stop" in err:
        return "code %d: %s" % (code, err)
    if code == 2:
        return None if err else "no reason"
    for domain in json.loads(out)["domains"]:
        if not domain["starts"] and not all(domain["error"].values()):
            return "not a whole line: %s" % domain["error"]["line"]
    return None


def main():
    """Damage as many trees as asked for."""
    with tempfile.TemporaryDirectory(prefix="corbel-") as folder:
        victims = Victims(folder, int(sys.argv[1]))
        for i in range(int(sys.argv[2])):
            fault = victims.run()
            if fault:
                print("tree %d: %s" % (i, fault))


if __name__ == "__main__":
    main()

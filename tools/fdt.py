# SPDX-License-Identifier: Apache-2.0
"""Flattened device trees (version 17) as Python objects: read, edit, write.

A property's value is always raw bytes, made by the typed helpers below, so that a test can also
write what no sane tool would write: wrong lengths, unterminated strings, missing properties.
"""
import struct

MAGIC = 0xD00DFEED
BEGIN_NODE, END_NODE, PROP, NOP, END = 1, 2, 3, 4, 9
HEADER = struct.Struct(">10I")


def u32(*values):
    """Cells of 32 bits."""
    return struct.pack(">%dI" % len(values), *values)


def u64(*values):
    """Each value as two cells."""
    return struct.pack(">%dQ" % len(values), *values)


def string(text):
    """One string, zero-terminated."""
    return text.encode() + b"\0"


def strings(*texts):
    """A string list."""
    return b"".join(string(text) for text in texts)


def empty():
    """A property that is only there or not."""
    return b""


class Node:
    """A node: ordered properties (name -> bytes) and ordered children."""

    def __init__(self, name, props=None, children=None):
        self.name = name
        self.props = dict(props or {})
        self.children = []
        self.parent = None
        for child in children or []:
            self.add(child)

    def add(self, child):
        """Append a child (a Node, or the name of a new one) and return it."""
        if isinstance(child, str):
            child = Node(child)
        child.parent = self
        self.children.append(child)
        return child

    def child(self, name):
        """The child called NAME, with or without its unit address, or None."""
        for node in self.children:
            if name in (node.name, node.name.split("@")[0]):
                return node
        return None

    def ensure(self, name):
        """The child called NAME, made if it is not there."""
        return self.child(name) or self.add(name)

    def remove(self, child):
        """Take a child out."""
        self.children.remove(child)
        child.parent = None

    def path(self):
        """The full path from the root."""
        if self.parent is None:
            return "/"
        return self.parent.path().rstrip("/") + "/" + self.name

    def walk(self):
        """This node and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def cells(self, name):
        """A property as a list of 32-bit cells (a ragged tail is cut off)."""
        raw = self.props[name]
        return list(struct.unpack(">%dI" % (len(raw) // 4), raw[: len(raw) // 4 * 4]))

    def texts(self, name):
        """A property as a list of strings."""
        return [text.decode() for text in self.props[name].split(b"\0")[:-1]]


class Tree:
    """A whole tree with its /memreserve/ list."""

    def __init__(self, blob=None):
        self.root = Node("")
        self.memreserve = []
        self.boot_cpu = 0
        if blob is not None:
            self._parse(blob)

    def get(self, path):
        """The node at PATH, or None."""
        node = self.root
        for part in filter(None, path.split("/")):
            node = node.child(part)
            if node is None:
                return None
        return node

    def phandle(self, node):
        """The node's phandle; a fresh one is given to a node that has none."""
        if "phandle" not in node.props:
            used = [n.cells("phandle")[0] for n in self.root.walk() if "phandle" in n.props]
            node.props["phandle"] = u32(max(used, default=0) + 1)
        return node.cells("phandle")[0]

    def _parse(self, blob):
        fields = HEADER.unpack_from(blob)
        magic, _, struct_off, strings_off, rsv_off = fields[:5]
        if magic != MAGIC:
            raise ValueError("not a flattened device tree")
        self.boot_cpu = fields[7]
        while True:
            entry = struct.unpack_from(">QQ", blob, rsv_off)
            rsv_off += 16
            if entry == (0, 0):
                break
            self.memreserve.append(entry)
        self.root = _parse_struct(blob, struct_off, strings_off)

    def pack(self):
        """The tree as a blob."""
        names, body = {}, bytearray()
        _pack_node(self.root, names, body)
        body += u32(END)
        table = b"".join(string(name) for name in names)
        rsv = b"".join(u64(*entry) for entry in self.memreserve) + bytes(16)
        struct_off = HEADER.size + len(rsv)
        strings_off = struct_off + len(body)
        header = HEADER.pack(MAGIC, strings_off + len(table), struct_off, strings_off,
                             HEADER.size, 17, 16, self.boot_cpu, len(table), len(body))
        return header + rsv + bytes(body) + table


def _zstring(blob, offset):
    end = blob.index(b"\0", offset)
    return blob[offset:end].decode(), end + 1


def _parse_struct(blob, offset, strings_off):
    current = root = None
    while True:
        token = struct.unpack_from(">I", blob, offset)[0]
        offset += 4
        if token == BEGIN_NODE:
            name, offset = _zstring(blob, offset)
            offset = (offset + 3) & ~3
            current = Node(name) if current is None else current.add(name)
            root = root or current
        elif token == END_NODE:
            current = current.parent
        elif token == PROP:
            size, name_off = struct.unpack_from(">II", blob, offset)
            name, _ = _zstring(blob, strings_off + name_off)
            current.props[name] = blob[offset + 8: offset + 8 + size]
            offset = (offset + 8 + size + 3) & ~3
        elif token == END:
            return root
        elif token != NOP:
            raise ValueError("bad token %#x in the structure block" % token)


def _pack_node(node, names, body):
    body += u32(BEGIN_NODE) + string(node.name)
    body += bytes(-len(body) % 4)
    for name, value in node.props.items():
        if name not in names:
            names[name] = sum(len(other) + 1 for other in names)
        body += u32(PROP, len(value), names[name]) + value
        body += bytes(-len(body) % 4)
    for child in node.children:
        _pack_node(child, names, body)
    body += u32(END_NODE)

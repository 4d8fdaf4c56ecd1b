# SPDX-License-Identifier: Apache-2.0
"""A small client for QEMU's machine protocol (QMP) over a Unix socket."""
import json
import socket
import time


class Qmp:
    """One connection. Events that arrive in between are kept in .events."""

    def __init__(self, path, timeout=20.0):
        self.events = []
        self._buffer = b""
        self._sock = self._connect(path, timeout)
        self._sock.settimeout(timeout)
        self._read()
        self.command("qmp_capabilities")

    @staticmethod
    def _connect(path, timeout):
        deadline = time.monotonic() + timeout
        while True:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                sock.connect(path)
                return sock
            except OSError:
                sock.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _read(self):
        while b"\n" not in self._buffer:
            data = self._sock.recv(65536)
            if not data:
                raise ConnectionError("QEMU closed the QMP connection")
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return json.loads(line)

    def command(self, name, **arguments):
        """Run a QMP command and return its value."""
        request = {"execute": name}
        if arguments:
            request["arguments"] = arguments
        self._sock.sendall(json.dumps(request).encode() + b"\n")
        while True:
            answer = self._read()
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise RuntimeError("%s: %s" % (name, answer["error"]["desc"]))
            self.events.append(answer)

    def monitor(self, line):
        """Run a human monitor command (xp, info registers, ...) and return its text."""
        return self.command("human-monitor-command", **{"command-line": line})

    def words(self, address, count=1):
        """Read COUNT 32-bit words at a physical address (below every stage 2)."""
        values = []
        for line in self.monitor("xp /%dxw %#x" % (count, address)).splitlines():
            values += [int(word, 16) for word in line.split(":", 1)[1].split()]
        return values

    def close(self):
        """Drop the connection."""
        self._sock.close()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the header of an arm64 Image against what boot loaders do with it.

U-Boot's booti moves an image that is not position independent, takes an image_size of 0 for 16 MiB,
and refuses a device tree that lies within image_size of the start; boot scripts put the next file
directly after this one rounded up to 2 MiB. Hence: text_offset 0, flags 0xa (little endian, 4 KiB
pages, anywhere), and image_size within the file's own 2 MiB slots.
"""
import struct
import sys

SLOT = 2 << 20
MAGIC = b"ARM\x64"
FLAGS = 0xA


def problems(data):
    """A list of what is wrong with the image, empty when it is fit to boot."""
    if len(data) < 64:
        return ["shorter than the 64-byte header"]
    text_offset, image_size, flags = struct.unpack_from("<3Q", data, 8)
    slots = -(-len(data) // SLOT) * SLOT
    checks = [
        (data[56:60] == MAGIC, f"magic at 0x38 is {data[56:60]!r}, not {MAGIC!r}"),
        (text_offset == 0, f"text_offset is {text_offset:#x}, not 0"),
        (flags == FLAGS, f"flags are {flags:#x}, not {FLAGS:#x}"),
        (image_size >= len(data), f"image_size {image_size:#x} is below the file's {len(data):#x}"),
        (image_size <= slots, f"image_size {image_size:#x} reaches beyond the file's {slots:#x}"),
        (data[0:4] != b"\0\0\0\0", "code0 is no instruction"),
    ]
    return [text for good, text in checks if not good]


def main():
    """Entry point."""
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    bad = problems(data)
    for text in bad:
        print(f"{sys.argv[1]}: {text}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

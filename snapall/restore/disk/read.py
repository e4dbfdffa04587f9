"""Reads one device and prints what is on it: a process of its own, since a read of a dead device may never return."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from io import FileIO

from snapall.restore.disk.disk import SECTOR
from snapall.restore.disk.signatures import content_of


def report_of(path: str, size: int) -> dict[str, object]:
    """What a device of `size` bytes holds, or why it cannot be opened or is another one."""
    try:
        with open(path, "rb", buffering=0) as device:  # noqa: PTH123 - a device of Windows is no path
            actual = _size_of(device)
            if actual not in {0, size}:
                return {"error": f"{path} has {actual} bytes, and the LUN has {size}: it is another disk"}
            content = content_of(lambda offset, length: _read(device, offset, length), size)
    except OSError as error:
        return {"error": f"{path} cannot be read: {error.strerror}"}
    return {"found": [str(one) for one in content.structures], "damage": content.damage, "readable": content.readable}


def _size_of(device: FileIO) -> int:
    """Its size in bytes; 0: it does not tell."""
    try:
        return device.seek(0, os.SEEK_END)
    except OSError:
        return 0


def _read(device: FileIO, offset: int, length: int) -> bytes:
    """Read whole sectors, as raw devices want it."""
    first, end = offset // SECTOR * SECTOR, -(-(offset + length) // SECTOR) * SECTOR
    device.seek(first)
    data = b""
    while len(data) < end - first and (more := device.read(end - first - len(data))):
        data += more
    return data[offset - first : offset - first + length]


def main(argv: Sequence[str]) -> int:
    """Print the report of `argv`, a path and a size, as JSON."""
    sys.stdout.write(json.dumps(report_of(argv[0], int(argv[1]))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

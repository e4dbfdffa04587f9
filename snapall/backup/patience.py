"""Tries again, for three seconds, what Windows refuses while another program has the file open without sharing it.

A virus scanner, an editor or a log shipper opens a file for a moment. Meanwhile Windows answers ERROR_SHARING_VIOLATION
(32), ERROR_LOCK_VIOLATION (33) or ERROR_ACCESS_DENIED (5), and the C library, behind `open`, only EACCES: to Python all
of them are a PermissionError, as is a file that this user may never open.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PAUSE = 0.1
"""Seconds between two tries."""

TRIES = 31

_REFUSED: set[Path] = set()
"""Paths that were refused to the last. They get one try at a time until one succeeds: VMs may be quiesced meanwhile."""


def may_pass(error: OSError, platform: str = sys.platform) -> bool:
    """Whether the same call may succeed once another program has closed the file."""
    return platform == "win32" and isinstance(error, PermissionError)


def patiently(
    act: Callable[[], T], path: Path, *, pause: Callable[[float], None] = time.sleep, platform: str = sys.platform
) -> T:
    """Do what touches this path, and try it again as long as it may pass. OSError: the last try failed, too."""
    left = 1 if path in _REFUSED else TRIES
    while True:
        left -= 1
        try:
            done = act()
        except OSError as error:
            if not may_pass(error, platform):
                raise
            if left == 0:
                _REFUSED.add(path)
                raise
        else:
            _REFUSED.discard(path)
            return done
        pause(PAUSE)


def replace(source: Path, target: Path) -> None:
    """Rename a file or folder, over a file that is there. OSError."""
    patiently(lambda: source.replace(target), target)


def unlink(path: Path, *, missing_ok: bool = False) -> None:
    """Remove a file. OSError."""
    patiently(lambda: path.unlink(missing_ok=missing_ok), path)


def rmtree(folder: Path) -> None:
    """Remove a folder with all that is in it. OSError."""
    patiently(lambda: shutil.rmtree(folder), folder)


def unlink_all(
    paths: Iterable[Path], *, pause: Callable[[float], None] = time.sleep, platform: str = sys.platform
) -> dict[Path, OSError]:
    """Remove files, and try again those that another program has open, together; return those that stay, and why."""
    refused = {path: error for path in paths if (error := _unlinked(path)) is not None}
    for _ in range(TRIES - 1):
        again = [path for path, error in refused.items() if may_pass(error, platform)]
        if not again:
            break
        pause(PAUSE)
        for path in again:
            if _unlinked(path) is None:
                del refused[path]
    return refused


def _unlinked(path: Path) -> OSError | None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        return error
    return None

"""Marks for tests that a platform cannot run, each with its reason; `python -m tests.windows` lists the reasons."""

from __future__ import annotations

import ctypes
import sys

import pytest

_NTDLL = getattr(getattr(ctypes, "windll", None), "ntdll", None)  # None on other systems
UNDER_WINE = hasattr(_NTDLL, "wine_get_version")
"""Whether these tests run under Wine, which lacks some of Windows."""

FOR_OWNER_ALONE = 0o666 if sys.platform == "win32" else 0o600
"""The mode of a file that its owner alone can read. On Windows, modes show only whether a file can be written."""

FOR_ALL_TO_READ = 0o666 if sys.platform == "win32" else 0o644
"""The mode of a file that everybody can read, and its owner alone can write."""


def posix(reason: str) -> pytest.MarkDecorator:
    """Leave this test out on Windows, where the reason holds."""
    return pytest.mark.skipif(sys.platform == "win32", reason=reason)


def windows(reason: str) -> pytest.MarkDecorator:
    """Leave this test out elsewhere, where the reason holds."""
    return pytest.mark.skipif(sys.platform != "win32", reason=reason)


with_signals = posix("Windows can send a process no signal but its end")
with_hangup = posix("Windows has no SIGHUP")
with_fork = posix("Windows has no fork, which the test is made of")
with_modes = posix("Windows has no modes of files that say who may write")
loses_open_files = posix("Windows renames and deletes no file that is open")

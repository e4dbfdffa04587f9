"""Another program that opens a file without sharing it, as a virus scanner or an editor of Windows may."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

on_windows = pytest.mark.skipif(sys.platform != "win32", reason="only Windows refuses a file that is open elsewhere")

MOMENT = 0.5  # seconds that such a program has a file open: some tries of ours fall into them


@contextmanager
def unshared(path: Path) -> Iterator[None]:
    """Have the file open, and share it with nobody."""
    close = _opened(path)
    try:
        yield
    finally:
        close()


@contextmanager
def unshared_for_a_moment(path: Path) -> Iterator[None]:
    """Have the file open, and close it while the block is at work."""
    close = _opened(path)
    timer = threading.Timer(MOMENT, close)
    timer.start()
    try:
        yield
    finally:
        timer.join()


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _KERNEL = ctypes.WinDLL("kernel32", use_last_error=True)
    _KERNEL.CreateFileW.restype = wintypes.HANDLE
    _KERNEL.CreateFileW.argtypes = (
        *(wintypes.LPCWSTR, wintypes.DWORD, wintypes.DWORD, wintypes.LPVOID),
        *(wintypes.DWORD, wintypes.DWORD, wintypes.HANDLE),
    )
    _KERNEL.CloseHandle.argtypes = (wintypes.HANDLE,)
    _READ, _OPEN_EXISTING, _NONE = 0x80000000, 3, wintypes.HANDLE(-1).value

    def _opened(path: Path) -> Callable[[], object]:
        handle = _KERNEL.CreateFileW(str(path), _READ, 0, None, _OPEN_EXISTING, 0, None)
        if handle == _NONE:
            raise ctypes.WinError(ctypes.get_last_error())
        return lambda: _KERNEL.CloseHandle(handle)

else:

    def _opened(path: Path) -> Callable[[], object]:
        raise NotImplementedError(path)

"""Whether a person sits behind a stream."""

from __future__ import annotations

import sys
from typing import TextIO


def is_terminal(stream: TextIO | None) -> bool:
    """Whether this stream is a terminal. Windows calls NUL one, and gives a service no streams at all."""
    if stream is None or not stream.isatty():
        return False
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - where it is needed
        import msvcrt  # noqa: PLC0415 - where there is one

        mode = ctypes.c_ulong()
        handle = msvcrt.get_osfhandle(stream.fileno())
        return bool(ctypes.windll.kernel32.GetConsoleMode(ctypes.c_void_p(handle), ctypes.byref(mode)))
    return True

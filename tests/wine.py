"""Whether these tests run under Wine, which lacks some of Windows."""

from __future__ import annotations

import sys


def _under_wine() -> bool:
    if sys.platform == "win32":
        import ctypes

        return hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")
    return False


UNDER_WINE = _under_wine()

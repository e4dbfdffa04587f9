"""Whether these tests run under Wine, which lacks some of Windows."""

from __future__ import annotations

import ctypes

_NTDLL = getattr(getattr(ctypes, "windll", None), "ntdll", None)  # None on other systems

UNDER_WINE = hasattr(_NTDLL, "wine_get_version")

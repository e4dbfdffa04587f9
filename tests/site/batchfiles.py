"""A batch file that writes down what reached it: for cmd.exe on Windows, elsewhere a script under such a name."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SPY = """\
import json, os, sys
with open({calls!r}, "a", encoding="utf-8") as calls:
    calls.write(json.dumps([sys.argv[1:], dict(os.environ)]) + chr(10))
print("SsId:snapshot-619")
"""
_CMD = '@echo off\r\n{more}"{python}" "{spy}" %*\r\n'
_SH = '#!/bin/sh\nexec "{python}" "{spy}" "$@"\n'


@dataclass(frozen=True)
class BatchFile:
    """A batch file `name`; on Windows, `more` are lines before it calls its spy."""

    folder: Path
    name: str = "x.cmd"
    more: str = ""

    def write(self) -> str:
        """Write it; return its path."""
        spy, path = self.folder / "spy.py", self.folder / self.name
        spy.write_text(_SPY.format(calls=str(self.folder / "calls")), encoding="utf-8")
        text = _CMD if sys.platform == "win32" else _SH
        path.write_bytes(text.format(python=sys.executable, spy=spy, more=self.more).encode())
        path.chmod(0o755)
        return str(path)

    @property
    def calls(self) -> list[tuple[list[str], Mapping[str, Any]]]:
        """What reached it: arguments and variables of each call."""
        path = self.folder / "calls"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [(found[0], found[1]) for found in map(json.loads, lines)]

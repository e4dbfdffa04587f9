"""The console as an SVG picture: `demo --svg`."""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console

from snapall.backup.facts import Confirmed
from snapall.backup.outfile import replace_content
from snapall.backup.record import Record, RunEnded
from snapall.views.progress import Progress
from snapall.views.screen import ending, screen

_WIDTH = 96
_OUTSIDE = re.compile(r"<!--.*?-->\s*|@font-face \{.*?\}\s*", re.DOTALL)
"""What rich writes that would load a font from elsewhere, and the comment with its address."""

_FONTS = "'DejaVu Sans Mono', Menlo, Consolas, monospace"


class Picture:
    """Keeps the screen at the confirmation, when every VM is quiesced; saves it with the summary as one SVG file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._progress = Progress()
        self._console = Console(
            record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
        )
        self._kept = False

    def __call__(self, record: Record) -> None:
        """Take one record in, and save the picture with the last. Raises OSError when it cannot be written."""
        self._progress(record)
        if isinstance(record.what, Confirmed) and not self._kept:
            self._kept = True
            self._console.print(screen(self._progress, record.at, _WIDTH, 60))
        if isinstance(record.what, RunEnded):
            self._console.print(ending(self._progress, _WIDTH))
            svg = _OUTSIDE.sub("", self._console.export_svg(title="snapall run"))
            replace_content(self._path, re.sub("Fira Code, monospace|arial", _FONTS, svg).encode(), 0o644)

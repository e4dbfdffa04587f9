"""Text in the columns of a terminal: tables, wrapped lines, and texts cut to a width. rich does the arithmetic."""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from snapall.views.messages import safe

_WHOLE = 100_000  # columns of a pipe, which is given whole lines


def table_lines(
    head: Sequence[str], rows: Sequence[Sequence[str]], width: int = 0, right: Collection[str] = ()
) -> list[str]:
    """Rows below a heading, with control characters escaped.

    A cell that does not fit is folded. `width` 0: no limit. The columns titled so in `right` are aligned right.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), collapse_padding=True)
    for title in head:
        table.add_column(Text(title), overflow="fold", justify="right" if title in right else "left")
    for row in rows:
        table.add_row(*(Text(safe(cell)) for cell in row))
    console = Console(file=io.StringIO(), width=width or _WHOLE, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(table)
    return [line.rstrip() for line in capture.get().splitlines()]


def wrapped(line: str, width: int, indent: int = 4) -> list[str]:
    """A line in at most `width` columns (0: no limit), control characters escaped; what follows is indented."""
    line = safe(line)
    if not width or cell_len(line) <= width:
        return [line]
    console = Console(file=io.StringIO(), width=width, color_system=None)
    first, *rest = (part.plain for part in Text(line).wrap(console, max(1, width - indent), overflow="fold"))
    return [first.rstrip(), *(" " * indent + part.strip() for part in rest)]


def fitted(text: str, width: int) -> str:
    """The text in exactly so many columns: filled up, or cut and ended with two dots."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    dots = "." * min(2, width)
    return set_cell_size(text, width - len(dots)) + dots

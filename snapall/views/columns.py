"""Text in the columns of a terminal: tables, wrapped lines, and texts cut to a width. rich does the arithmetic."""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from snapall.views.messages import safe

_WHOLE = 100_000  # columns of a pipe, which is given whole lines


def table_lines(
    head: Sequence[str], rows: Sequence[Sequence[str]], width: int = 0, right: Collection[str] = ()
) -> list[str]:
    """Rows below a heading, with control characters escaped; a column without content is left out.

    A table that does not fit moves closer together. Where even that would break words, each row becomes a paragraph.
    `width` 0: no limit. The columns titled so in `right` are aligned right.
    """
    used = [n for n, _ in enumerate(head) if not rows or any(row[n] for row in rows)]
    head, rows = [head[n] for n in used], [[safe(row[n]) for n in used] for row in rows]
    columns = list(zip(head, *rows, strict=True))
    wide = [max(map(cell_len, column)) for column in columns]
    room, gaps = width or _WHOLE, max(0, len(columns) - 1)
    gap = 2 if sum(wide) + 2 * gaps <= room else 1
    widths = _widths(columns, wide, room - gap * gaps)
    if widths is None:
        return [line for row in rows for line in wrapped(_paragraph(head, row), width)]
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), collapse_padding=True)
    for title, one in zip(head, widths, strict=True):
        justify: JustifyMethod = "right" if title in right else "left"
        table.add_column(Text(title), overflow="fold", justify=justify, width=one)
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console(file=io.StringIO(), width=width or _WHOLE, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(table)
    return [line.rstrip() for line in capture.get().splitlines()]


def _widths(columns: Sequence[Sequence[str]], wide: Sequence[int], room: int) -> list[int] | None:
    """Room for its words for each column, and equal shares of what is left; None: there is not even room for words."""
    widths = [max((cell_len(word) for cell in column for word in cell.split()), default=0) for column in columns]
    spare = room - sum(widths)
    if spare < 0:
        return None
    missing = sorted(range(len(wide)), key=lambda n: wide[n] - widths[n])  # the short ones take less than their share
    for place, n in enumerate(missing):
        more = min(spare // (len(missing) - place), wide[n] - widths[n])
        widths[n], spare = widths[n] + more, spare - more
    return widths


def _paragraph(head: Sequence[str], row: Sequence[str]) -> str:
    return ", ".join(f"{title} {cell}" for title, cell in zip(head, row, strict=True) if cell not in ("", "-"))


def wrapped(line: str, width: int, indent: int = 4) -> list[str]:
    """A line in at most `width` columns (0: no limit), control characters escaped; what follows is indented."""
    line = safe(line)
    if not width or cell_len(line) <= width:
        return [line]
    first, *rest = _broken(line, width - indent)
    return [first, *(" " * indent + part.strip() for part in rest)]


def indented(line: str, width: int) -> list[str]:
    """A line like `wrapped`; what follows is indented a little more than the line itself."""
    return wrapped(line, width, len(line) - len(line.lstrip(" ")) + 2)


def labelled(label: str, text: str, width: int) -> list[str]:
    """A text beside its label, with all its lines below each other; `width` 0: in one line."""
    if not width:
        return [safe(label + text).rstrip()]
    first, *rest = _broken(safe(text), width - cell_len(label)) or [""]
    return [(safe(label) + first).rstrip(), *(" " * cell_len(label) + part for part in rest)]


def _broken(text: str, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    return [part.plain.rstrip() for part in Text(text).wrap(console, max(1, width), overflow="fold")]


def fitted(text: str, width: int) -> str:
    """The text in exactly so many columns: filled up, or cut and ended with two dots."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    dots = "." * min(2, width)
    return set_cell_size(text, width - len(dots)) + dots

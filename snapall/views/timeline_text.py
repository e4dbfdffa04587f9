"""A run's timeline in text: a bar for each VM, the capture as a line through all of them."""

from __future__ import annotations

from datetime import datetime

from rich.cells import cell_len

from snapall.operate.run_history import RunHistory, VmHistory
from snapall.views.columns import fitted, wrapped
from snapall.views.glyphs import Alphabet
from snapall.views.messages import clocked, safe
from snapall.views.timeline import Drawing, StretchKind, TimelineRow, clock, ticks, timeline

_PIPE = 100  # columns where no terminal limits them
_LEAST = 12  # columns that the bars take at least
_TIMES = 72  # columns from which on each row shows its seconds


def timeline_lines(history: RunHistory, width: int, glyphs: Alphabet) -> list[str]:
    """The run for people. `width` 0: no terminal, so that a hundred columns are used."""
    width = width or _PIPE
    picture = timeline(history)
    lines = [picture.title, *picture.head]
    if picture.drawing is not None:
        lines += ["", *_picture(picture.drawing, width, glyphs), "", _legend(picture.drawing, width, glyphs)]
    lines += ["", *picture.foot] if picture.foot else []
    return [part for line in lines for part in wrapped(line, width)]


def _picture(drawn: Drawing, width: int, glyphs: Alphabet) -> list[str]:
    longest = max((cell_len(_name(row.vm)) for row in drawn.rows), default=0)
    names = max(4, min(longest, width // 4, 32))
    right = 18 if width >= _TIMES else 0
    bars = max(_LEAST, width - names - 1 - right)
    lines = [" " * (names + 1) + _axis(drawn, bars) + (f"{'quiesce':>9}{'release':>9}" if right else "")]
    for row in drawn.rows:
        seconds = _seconds(row.vm) if right else ""
        lines.append(f"{fitted(_name(row.vm), names)} {_bar(drawn, row, bars, glyphs)}{seconds}")
    lines.append(" " * (names + 1) + _pointer(drawn, bars, glyphs))
    return [line.rstrip() for line in lines]


def _name(one: VmHistory) -> str:
    return safe(one.vm.name or one.vm.moref)


def _seconds(one: VmHistory) -> str:
    cells = (one.create_seconds, one.remove_seconds)
    return "".join(f"{'' if seconds is None else clocked(seconds):>9}" for seconds in cells)


def _axis(drawn: Drawing, bars: int) -> str:
    """Round times, each written where it begins."""
    start, end = drawn.start.astimezone(), drawn.end.astimezone()
    cells = [" "] * bars
    taken = 0
    for time in ticks(start, end, max(1, bars // 14)):
        label, at = f"'{clock(time, drawn.span)}", _column(drawn, time, bars)
        if at >= taken and at + len(label) <= bars:
            cells[at : at + len(label)] = label
            taken = at + len(label) + 1
    return "".join(cells)


def _column(drawn: Drawing, time: datetime, bars: int) -> int:
    return min(bars - 1, int(drawn.share(time) * bars))


def _glyph(kind: StretchKind, glyphs: Alphabet) -> str:
    return {
        StretchKind.QUIESCING: glyphs.quiescing,
        StretchKind.QUIESCED: glyphs.quiesced,
        StretchKind.RELEASING: glyphs.releasing,
        StretchKind.UNCERTAIN: glyphs.uncertain,
    }[kind]


def _bar(drawn: Drawing, row: TimelineRow, bars: int, glyphs: Alphabet) -> str:
    cells = [" "] * bars
    for stretch in row.stretches:
        first, last = _column(drawn, stretch.start, bars), _column(drawn, stretch.end, bars)
        cells[first : last + 1] = _glyph(stretch.kind, glyphs) * (last + 1 - first)
    if row.failed is not None:
        cells[_column(drawn, row.failed, bars)] = glyphs.failed
    for one in drawn.captures:
        cells[_column(drawn, one.call.sent, bars)] = glyphs.line
    if row.beyond:
        cells[-1] = glyphs.beyond
    return "".join(cells)


def _pointer(drawn: Drawing, bars: int, glyphs: Alphabet) -> str:
    """The name of the capture line, below the bars, on the side with room for it."""
    if not drawn.captures:
        return ""
    first = drawn.captures[0]
    at = _column(drawn, first.call.sent, bars)
    time = clock(first.call.sent.astimezone(), drawn.span)
    for text in (f"snap create {time}", time):
        if at + 2 + len(text) <= bars:
            return f"{' ' * at}{glyphs.line} {text}"
        if at > len(text):
            return f"{text} {glyphs.line}".rjust(at + 1)
    return ""


def _legend(drawn: Drawing, width: int, glyphs: Alphabet) -> str:
    entries = [f"{_glyph(kind, glyphs)} {kind}" for kind in drawn.kinds]
    entries += [f"{glyphs.failed} failed"] if any(row.failed is not None for row in drawn.rows) else []
    entries += [f"{glyphs.line} capture"] if drawn.captures else []
    entries += [f"{glyphs.beyond} not released at the end"] if any(row.beyond for row in drawn.rows) else []
    wide = "   ".join(entries)
    return wide if len(wide) <= width else "  ".join(entries)

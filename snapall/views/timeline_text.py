"""A finished run as a picture in text: a bar for each VM, the capture as a line through all of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from snapall.operate.run_history import RunHistory, RunKind, VmHistory
from snapall.views import messages
from snapall.views.glyphs import Alphabet, columns, fitted
from snapall.views.timeline import Drawing, Row, StretchKind, clock, drawing, footing, sentences, ticks

PIPE = 100  # columns of a picture that no terminal limits
_LEAST = 12  # columns that the bars take at least
_TIMES = 72  # columns of the screen from which on each row shows its seconds


def timeline_lines(history: RunHistory, width: int, glyphs: Alphabet) -> list[str]:
    """The run for people, in the zone of this machine. `width` 0: no terminal, a hundred columns are taken."""
    width = width or PIPE
    drawn = drawing(history)
    lines = [*_heading(history)]
    if drawn is not None:
        lines += ["", *_picture(drawn, width, glyphs), "", _legend(drawn, width, glyphs)]
    lines += ["", *footing(history)] if footing(history) else []
    return [part for line in lines for part in messages.wrapped(messages.safe(line), width)]


def _heading(history: RunHistory) -> list[str]:
    what = {
        RunKind.NIGHT: f"order {history.job.order}",
        RunKind.KEEP: f"the named backup {history.keep}",
        RunKind.ADOPTION: "recover --adopt",
    }[history.kind]
    return [
        f"job {history.job.name}, run {history.stamp}, {what}, volume {', '.join(history.job.volumes)}",
        *sentences(history),
    ]


def _picture(drawn: Drawing, width: int, glyphs: Alphabet) -> list[str]:
    longest = max((columns(_name(row.vm)) for row in drawn.rows), default=0)
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
    return messages.safe(one.vm.name or one.vm.moref)


def _seconds(one: VmHistory) -> str:
    cells = (one.create_seconds, one.remove_seconds)
    return "".join(f"{'' if seconds is None else messages.clocked(seconds):>9}" for seconds in cells)


def _axis(drawn: Drawing, bars: int) -> str:
    """Round moments, each written where it begins."""
    start, end = drawn.start.astimezone(), drawn.end.astimezone()
    cells = [" "] * bars
    free = 0
    for moment in ticks(start, end, max(1, bars // 14)):
        label, at = f"'{clock(moment, drawn.span)}", _column(drawn, moment, bars)
        if at >= free and at + len(label) <= bars:
            cells[at : at + len(label)] = label
            free = at + len(label) + 1
    return "".join(cells)


def _column(drawn: Drawing, moment: datetime, bars: int) -> int:
    return min(bars - 1, int(drawn.share(moment) * bars))


def _bar(drawn: Drawing, row: Row, bars: int, glyphs: Alphabet) -> str:
    letter = {
        StretchKind.QUIESCING: glyphs.quiescing,
        StretchKind.QUIESCED: glyphs.quiesced,
        StretchKind.UNCERTAIN: glyphs.uncertain,
        StretchKind.RELEASING: glyphs.releasing,
    }
    cells = [" "] * bars
    for stretch in row.stretches:
        first, last = _column(drawn, stretch.start, bars), _column(drawn, stretch.end, bars)
        cells[first : last + 1] = letter[stretch.phase] * (last + 1 - first)
    if row.failed is not None:
        cells[_column(drawn, row.failed, bars)] = glyphs.failed
    for one in drawn.captures:
        cells[_column(drawn, one.call.sent, bars)] = glyphs.line
    if row.beyond:
        cells[-1] = glyphs.beyond
    return "".join(cells)


def _pointer(drawn: Drawing, bars: int, glyphs: Alphabet) -> str:
    """Names the line below the bars, on whichever side of it there is room."""
    if not drawn.captures:
        return ""
    first = drawn.captures[0]
    at = _column(drawn, first.call.sent, bars)
    moment = clock(first.call.sent.astimezone(), drawn.span)
    for text in (f"snap create {moment}", moment):
        if at + 2 + len(text) <= bars:
            return f"{' ' * at}{glyphs.line} {text}"
        if at > len(text):
            return f"{text} {glyphs.line}".rjust(at + 1)
    return ""


def _legend(drawn: Drawing, width: int, glyphs: Alphabet) -> str:
    shown = [(glyphs.quiescing, "quiescing"), (glyphs.quiesced, "quiesced"), (glyphs.releasing, "releasing")]
    if any(stretch.phase is StretchKind.UNCERTAIN for row in drawn.rows for stretch in row.stretches):
        shown.append((glyphs.uncertain, "uncertain"))
    shown += [(glyphs.failed, "failed")] if any(row.failed is not None for row in drawn.rows) else []
    shown += [(glyphs.line, "capture")] if drawn.captures else []
    shown += [(glyphs.beyond, "not released at the end")] if any(row.beyond for row in drawn.rows) else []
    return _joined([f"{letter} {name}" for letter, name in shown], width)


def _joined(parts: Sequence[str], width: int) -> str:
    gap = "   " if sum(map(len, parts)) + 3 * len(parts) <= width else "  "
    return gap.join(parts)

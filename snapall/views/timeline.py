"""A finished run as a picture in text: a bar for each VM, the capture as a line through all of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from snapall.backup.outcome import NOT_QUIESCED, SKIPPED
from snapall.backup.steps import Refusal, Unknown
from snapall.errors import Exit
from snapall.operate.run_history import Captured, RunHistory, RunKind, VmHistory
from snapall.views import messages
from snapall.views.glyphs import Alphabet, columns, fitted
from snapall.views.stretches import Drawing, Row, StretchKind, clock, drawing, ticks

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


def sentences(history: RunHistory) -> list[str]:
    """When it was, what came of it, how long VMs were quiesced."""
    began = history.began.astimezone()
    lines = []
    if history.ended is None:
        lines.append(
            f"{day(began)}: the run wrote no report; its last record is of {history.last.astimezone():%H:%M:%S}"
        )
    else:
        took = messages.clocked(max(0.0, (history.ended - history.began).total_seconds()))
        lines.append(f"{day(began)} to {history.ended.astimezone():%H:%M:%S}, {took}")
    lines.append(f"{outcome(history)}{f'; {messages.exit_of(history.exit)}' if history.exit is not None else ''}")
    if history.window is not None:
        limit = f"the job allows {messages.clocked(history.job.max_quiesced)} before the capture"
        lines.append(f"VMs were quiesced for {messages.clocked(history.window)}; {limit}")
    return lines


def day(moment: datetime) -> str:
    """A moment with its day and its zone, which a history needs."""
    return f"{moment:%a %d %b %Y %H:%M:%S} {moment:%Z}".rstrip()


def outcome(history: RunHistory) -> str:
    """The backup in a few words: its grade, and where it is."""
    if history.kind is RunKind.ADOPTION:
        return f"{sum(one.released_at is not None for one in history.vms)} VM snapshots that no run made were removed"
    if history.backup is None:
        return "no backup"
    skipped = sum(one.state == SKIPPED for one in history.vms)
    rest = f", {skipped} skipped" if skipped else ""
    waiting = "pending as" if history.kind is RunKind.NIGHT else "kept outside the rotation as"
    return f"{history.backup.label}{rest}, {'published as' if history.published else waiting} {history.backup.name}"


def footing(history: RunHistory) -> list[str]:
    """What the picture cannot show: the filer's part, the slowest, who was not quiesced and why, what came later."""
    lines = [_capture(one) for one in history.captures]
    lines += _moves(history)
    lines += _slowest(history)
    for one in history.vms:
        if one.state == NOT_QUIESCED and one.why:
            lines.append(f"not quiesced: {one.vm.label}: {one.why}")
    skipped = [one.vm.label for one in history.vms if one.state == SKIPPED]
    lines += [f"skipped: {', '.join(skipped)}"] if skipped else []
    # VMs that were left are named below, or were released since.
    lines += [f"the run's report: {history.text}"] if history.text and history.exit != Exit.OUTSTANDING else []
    lines += _afterwards(history)
    return lines


def _capture(one: Captured) -> str:
    sent = one.call.sent.astimezone()
    took = f", {messages.clocked(one.call.seconds)}" if one.call.seconds is not None else ", never answered"
    found = ", not confirmed"
    if one.confirmed is not None:
        found = f", confirmed at {one.confirmed.astimezone():%H:%M:%S} ({one.date})"
    if isinstance(one.call.outcome, Refusal | Unknown):
        found += f": {one.call.outcome.why}"
    return f"capture: {one.name} on {one.volume} at {sent:%H:%M:%S}{took}{found}"


def _moves(history: RunHistory) -> list[str]:
    moves = [one for one in history.moves if not one.call.late]
    if not moves:
        return []
    failed = [messages.done(one.step, one.call.outcome) for one in moves if one.call.outcome and not one.call.done]
    took = sum(one.call.seconds or 0.0 for one in moves)
    done = sum(one.call.done for one in moves)
    return [f"rotation: {done} of {len(moves)} commands done, {messages.clocked(took)}", *failed]


def _slowest(history: RunHistory) -> list[str]:
    found = (
        ("to quiesce", [(one.create_seconds, one.vm.label) for one in history.vms]),
        ("to release", [(one.remove_seconds, one.vm.label) for one in history.vms]),
        ("quiesced longest", [(one.quiesced_seconds, one.vm.label) for one in history.vms]),
    )
    slowest = []
    for what, pairs in found:
        timed = [(seconds, label) for seconds, label in pairs if seconds is not None]
        if len(timed) > 1:
            most, label = max(timed)
            slowest.append(f"{what} {label} {messages.clocked(most)}")
    return [f"slowest: {', '.join(slowest)}"] if slowest else []


def _afterwards(history: RunHistory) -> list[str]:
    lines = [
        f"taken over by {one.by}, {day(one.at.astimezone())}{f': {one.why}' if one.why else ''}"
        for one in history.settled
    ]
    late = [
        one for one in history.vms if one.releases and one.released_at is not None and one.released_at > history.last
    ]
    lines += [f"released then: {', '.join(one.vm.label for one in late)}"] if late else []
    moved = [one for one in history.moves if one.call.late]
    lines += [f"{messages.done(one.step, one.call.outcome)}, later" for one in moved if one.call.outcome is not None]
    if history.left:
        lines.append(f"VMs may be left quiesced: {', '.join(history.left)}; run `snapall recover`")
    elif history.watched:
        lines.append(f"the next run, or `snapall recover`, checks once more: {', '.join(history.watched)}")
    elif history.open:
        lines.append("it is not settled: the next run, or `snapall recover`, checks again")
    return lines


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

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


def timeline_lines(course: RunHistory, width: int, letters: Alphabet) -> list[str]:
    """The run for people, in the zone of this machine. `width` 0: no terminal, a hundred columns are taken."""
    width = width or PIPE
    drawn = drawing(course)
    lines = [*_heading(course)]
    if drawn is not None:
        lines += ["", *_picture(drawn, width, letters), "", _legend(drawn, width, letters)]
    lines += ["", *footing(course)] if footing(course) else []
    return [part for line in lines for part in messages.wrapped(messages.safe(line), width)]


def _heading(course: RunHistory) -> list[str]:
    what = {
        RunKind.NIGHT: f"order {course.job.order}",
        RunKind.KEEP: f"the named backup {course.keep}",
        RunKind.ADOPTION: "recover --adopt",
    }[course.kind]
    return [
        f"job {course.job.name}, run {course.stamp}, {what}, volume {', '.join(course.job.volumes)}",
        *sentences(course),
    ]


def sentences(course: RunHistory) -> list[str]:
    """When it was, what came of it, how long VMs were quiesced."""
    began = course.began.astimezone()
    lines = []
    if course.ended is None:
        lines.append(
            f"{day(began)}: the run wrote no report; its last record is of {course.last.astimezone():%H:%M:%S}"
        )
    else:
        took = messages.clocked(max(0.0, (course.ended - course.began).total_seconds()))
        lines.append(f"{day(began)} to {course.ended.astimezone():%H:%M:%S}, {took}")
    lines.append(f"{outcome(course)}{f'; {messages.exit_of(course.exit)}' if course.exit is not None else ''}")
    if course.window is not None:
        limit = f"the job allows {messages.clocked(course.job.max_quiesced)} before the capture"
        lines.append(f"VMs were quiesced for {messages.clocked(course.window)}; {limit}")
    return lines


def day(moment: datetime) -> str:
    """A moment with its day and its zone, which a history needs."""
    return f"{moment:%a %d %b %Y %H:%M:%S} {moment:%Z}".rstrip()


def outcome(course: RunHistory) -> str:
    """The backup in a few words: its grade, and where it is."""
    if course.kind is RunKind.ADOPTION:
        return f"{sum(one.freed is not None for one in course.vms)} VM snapshots that no run made were removed"
    if course.backup is None:
        return "no backup"
    skipped = sum(one.state == SKIPPED for one in course.vms)
    rest = f", {skipped} skipped" if skipped else ""
    waiting = "pending as" if course.kind is RunKind.NIGHT else "kept outside the rotation as"
    return f"{course.backup.label}{rest}, {'published as' if course.published else waiting} {course.backup.name}"


def footing(course: RunHistory) -> list[str]:
    """What the picture cannot show: the filer's part, the slowest, who was not quiesced and why, what came later."""
    lines = [_capture(one) for one in course.captures]
    lines += _moves(course)
    lines += _slowest(course)
    for one in course.vms:
        if one.state == NOT_QUIESCED and one.why:
            lines.append(f"not quiesced: {one.vm.label}: {one.why}")
    skipped = [one.vm.label for one in course.vms if one.state == SKIPPED]
    lines += [f"skipped: {', '.join(skipped)}"] if skipped else []
    # VMs that were left are named below, or were released since.
    lines += [f"the run's report: {course.text}"] if course.text and course.exit != Exit.DEBTS else []
    lines += _afterwards(course)
    return lines


def _capture(one: Captured) -> str:
    sent = one.call.sent.astimezone()
    took = f", {messages.clocked(one.call.seconds)}" if one.call.seconds is not None else ", never answered"
    found = ", not confirmed"
    if one.proven is not None:
        found = f", confirmed at {one.proven.astimezone():%H:%M:%S} ({one.date})"
    if isinstance(one.call.outcome, Refusal | Unknown):
        found += f": {one.call.outcome.why}"
    return f"capture: {one.name} on {one.volume} at {sent:%H:%M:%S}{took}{found}"


def _moves(course: RunHistory) -> list[str]:
    moves = [one for one in course.moves if not one.call.late]
    if not moves:
        return []
    failed = [messages.done(one.step, one.call.outcome) for one in moves if one.call.outcome and not one.call.done]
    took = sum(one.call.seconds or 0.0 for one in moves)
    done = sum(one.call.done for one in moves)
    return [f"rotation: {done} of {len(moves)} commands done, {messages.clocked(took)}", *failed]


def _slowest(course: RunHistory) -> list[str]:
    found = (
        ("to quiesce", [(one.create_seconds, one.vm.label) for one in course.vms]),
        ("to release", [(one.remove_seconds, one.vm.label) for one in course.vms]),
        ("quiesced longest", [(one.held_seconds, one.vm.label) for one in course.vms]),
    )
    slowest = []
    for what, pairs in found:
        timed = [(seconds, label) for seconds, label in pairs if seconds is not None]
        if len(timed) > 1:
            most, label = max(timed)
            slowest.append(f"{what} {label} {messages.clocked(most)}")
    return [f"slowest: {', '.join(slowest)}"] if slowest else []


def _afterwards(course: RunHistory) -> list[str]:
    lines = [
        f"taken over by {one.by}, {day(one.at.astimezone())}{f': {one.why}' if one.why else ''}"
        for one in course.settled
    ]
    late = [one for one in course.vms if one.releases and one.freed is not None and one.freed > course.last]
    lines += [f"released then: {', '.join(one.vm.label for one in late)}"] if late else []
    moved = [one for one in course.moves if one.call.late]
    lines += [f"{messages.done(one.step, one.call.outcome)}, later" for one in moved if one.call.outcome is not None]
    if course.left:
        lines.append(f"VMs may be left quiesced: {', '.join(course.left)}; run `snapall recover`")
    elif course.watched:
        lines.append(f"the next run, or `snapall recover`, checks once more: {', '.join(course.watched)}")
    elif course.open:
        lines.append("it is not settled: the next run, or `snapall recover`, checks again")
    return lines


def _picture(drawn: Drawing, width: int, letters: Alphabet) -> list[str]:
    longest = max((columns(_name(row.vm)) for row in drawn.rows), default=0)
    names = max(4, min(longest, width // 4, 32))
    right = 18 if width >= _TIMES else 0
    bars = max(_LEAST, width - names - 1 - right)
    lines = [" " * (names + 1) + _axis(drawn, bars) + (f"{'quiesce':>9}{'release':>9}" if right else "")]
    for row in drawn.rows:
        seconds = _seconds(row.vm) if right else ""
        lines.append(f"{fitted(_name(row.vm), names)} {_bar(drawn, row, bars, letters)}{seconds}")
    lines.append(" " * (names + 1) + _pointer(drawn, bars, letters))
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


def _bar(drawn: Drawing, row: Row, bars: int, letters: Alphabet) -> str:
    letter = {
        StretchKind.QUIESCING: letters.quiescing,
        StretchKind.QUIESCED: letters.quiesced,
        StretchKind.UNCERTAIN: letters.uncertain,
        StretchKind.RELEASING: letters.releasing,
    }
    cells = [" "] * bars
    for stretch in row.stretches:
        first, last = _column(drawn, stretch.start, bars), _column(drawn, stretch.end, bars)
        cells[first : last + 1] = letter[stretch.phase] * (last + 1 - first)
    if row.failed is not None:
        cells[_column(drawn, row.failed, bars)] = letters.failed
    for one in drawn.captures:
        cells[_column(drawn, one.call.sent, bars)] = letters.line
    if row.beyond:
        cells[-1] = letters.beyond
    return "".join(cells)


def _pointer(drawn: Drawing, bars: int, letters: Alphabet) -> str:
    """Names the line below the bars, on whichever side of it there is room."""
    if not drawn.captures:
        return ""
    first = drawn.captures[0]
    at = _column(drawn, first.call.sent, bars)
    moment = clock(first.call.sent.astimezone(), drawn.span)
    for text in (f"snap create {moment}", moment):
        if at + 2 + len(text) <= bars:
            return f"{' ' * at}{letters.line} {text}"
        if at > len(text):
            return f"{text} {letters.line}".rjust(at + 1)
    return ""


def _legend(drawn: Drawing, width: int, letters: Alphabet) -> str:
    shown = [(letters.quiescing, "quiescing"), (letters.quiesced, "quiesced"), (letters.releasing, "releasing")]
    if any(stretch.phase is StretchKind.UNCERTAIN for row in drawn.rows for stretch in row.stretches):
        shown.append((letters.uncertain, "uncertain"))
    shown += [(letters.failed, "failed")] if any(row.failed is not None for row in drawn.rows) else []
    shown += [(letters.line, "capture")] if drawn.captures else []
    shown += [(letters.beyond, "not released at the end")] if any(row.beyond for row in drawn.rows) else []
    return _joined([f"{letter} {name}" for letter, name in shown], width)


def _joined(parts: Sequence[str], width: int) -> str:
    gap = "   " if sum(map(len, parts)) + 3 * len(parts) <= width else "  "
    return gap.join(parts)

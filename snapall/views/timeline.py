"""What the timeline of a run shows, whether rendered as text or as SVG: bars on one scale, and lines of text. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from snapall.backup.outcome import NOT_QUIESCED, SKIPPED
from snapall.backup.steps import Refusal, Unknown
from snapall.errors import Exit
from snapall.operate.run_history import Captured, RunHistory, RunKind, VmHistory
from snapall.views.messages import clocked, done, exit_of


class StretchKind(StrEnum):
    """What happens to a VM."""

    QUIESCING = "quiescing"
    QUIESCED = "quiesced"
    RELEASING = "releasing"
    UNCERTAIN = "uncertain"  # its quiesce was not answered with success, but there may be a snapshot


@dataclass(frozen=True, slots=True)
class Stretch:
    """One piece of a bar; both ends lie within the scale."""

    kind: StretchKind
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One VM. `failed`: when its quiesce failed. `beyond`: it was not released when the timeline ends."""

    vm: VmHistory
    stretches: tuple[Stretch, ...]
    failed: datetime | None = None
    beyond: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """A scale (UTC) with a row for each VM that was to be quiesced, and the captures, which cross all rows."""

    start: datetime
    end: datetime
    rows: tuple[TimelineRow, ...]
    captures: tuple[Captured, ...]

    @property
    def span(self) -> float:
        """The scale's length in seconds, never 0."""
        return max((self.end - self.start).total_seconds(), 0.001)

    @property
    def kinds(self) -> tuple[StretchKind, ...]:
        """The kinds that a legend explains; a good night has none that is uncertain."""
        uncertain = any(one.kind is StretchKind.UNCERTAIN for row in self.rows for one in row.stretches)
        return tuple(kind for kind in StretchKind if kind is not StretchKind.UNCERTAIN or uncertain)

    def share(self, time: datetime) -> float:
        """Where on the scale a time lies, 0 to 1."""
        return min(1.0, max(0.0, (time - self.start).total_seconds() / self.span))


@dataclass(frozen=True, slots=True)
class Timeline:
    """A run: `head` above the bars, `foot` below them. `drawing` None: no VM was quiesced."""

    title: str
    head: tuple[str, ...]
    drawing: Drawing | None
    foot: tuple[str, ...]


def drawing(history: RunHistory) -> Drawing | None:
    """The bars of a run; None: no quiesce was sent. The scale ends with the run's own last command."""
    start = history.first
    if start is None:
        return None
    calls = [one.quiesce for one in history.vms if one.quiesce is not None]
    calls += [call for one in history.vms for call in one.releases]
    calls += [one.call for one in history.captures]
    own = [call for call in calls if not call.late]
    times = [time for call in own for time in (call.sent, call.answered) if time is not None]
    end = max(times) if history.ended is not None else max(history.last, *times)
    captures = tuple(one for one in history.captures if not one.call.late)
    rows = tuple(_row(one, start, max(start, end)) for one in history.vms if one.state != SKIPPED)
    return Drawing(start, max(start, end), rows, captures)


def _row(vm: VmHistory, start: datetime, end: datetime) -> TimelineRow:
    quiesce, release = vm.quiesce, vm.release
    if quiesce is None:
        return TimelineRow(vm, ())
    cuts = [(StretchKind.QUIESCING, quiesce.sent)]
    ended = quiesce.answered if quiesce.answered is not None and quiesce.answered <= end else None
    if ended is not None:
        cuts.append((StretchKind.QUIESCED if quiesce.done else StretchKind.UNCERTAIN, ended))
    if release is not None and release.sent <= end:
        cuts.append((StretchKind.RELEASING, release.sent))
    # The bar of a quiesce that failed and left nothing ends with its answer.
    nothing = ended is not None and not quiesce.done and release is None
    released_at = ended if nothing else vm.released_at
    last = end if released_at is None or released_at > end else released_at
    times = [*(time for _, time in cuts[1:]), last]
    stretches = tuple(
        Stretch(kind, max(start, time), max(start, time, until))
        for (kind, time), until in zip(cuts, times, strict=True)
        if not (nothing and kind is StretchKind.UNCERTAIN)
    )
    return TimelineRow(vm, stretches, ended if not quiesce.done else None, released_at is None or released_at > end)


_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)


def ticks(start: datetime, end: datetime, most: int) -> tuple[datetime, ...]:
    """At most `most` round times between the two, in the zone of `start`."""
    span = (end - start).total_seconds()
    step = next((one for one in _STEPS if span / one < max(1, most)), 86400 * math.ceil(span / 86400 / max(1, most)))
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    first = math.ceil(round((start - midnight).total_seconds() / step, 6))
    found = (midnight + timedelta(seconds=n * step) for n in range(first, first + max(1, most) + 1))
    return tuple(time for time in found if time <= end)[: max(1, most)]


def clock(time: datetime, span: float) -> str:
    """A time as a scale of `span` seconds shows it: to the tenth, the second or the minute."""
    if span < 5:
        return f"{time:%H:%M:%S}.{time.microsecond // 100_000}"
    return f"{time:%H:%M:%S}" if span < 2 * 3600 else f"{time:%d %b %H:%M}"


def timeline(history: RunHistory) -> Timeline:
    """What the timeline of a run shows, in the zone of this machine."""
    job = history.job
    what = {
        RunKind.NIGHT: f"order {job.order}",
        RunKind.KEEP: f"the named backup {history.keep}",
        RunKind.ADOPTION: "recover --adopt",
        RunKind.DELETION: f"delete {history.keep}",
    }[history.kind]
    title = f"job {job.name}, run {history.stamp}, {what}, volume {', '.join(job.volumes)}"
    return Timeline(title, tuple(_head(history)), drawing(history), tuple(_foot(history)))


def _head(history: RunHistory) -> list[str]:
    """When the run was, what came of it, how long VMs were quiesced."""
    began = _day(history.began)
    if history.ended is None:
        lines = [f"{began}: the run died without a report; its last record is from {_time(history.last)}"]
    else:
        took = clocked(max(0.0, (history.ended - history.began).total_seconds()))
        lines = [f"{began} to {_time(history.ended)}, {took}"]
    lines.append(f"{_outcome(history)}{f'; {exit_of(history.exit)}' if history.exit is not None else ''}")
    if history.window is not None:
        limit = f"the job allows {clocked(history.job.max_quiesced)} before the capture"
        lines.append(f"VMs were quiesced for {clocked(history.window)}; {limit}")
    return lines


def _day(time: datetime) -> str:
    """A time with its day and its zone, which a history needs."""
    local = time.astimezone()
    return f"{local:%a %d %b %Y %H:%M:%S} {local:%Z}".rstrip()


def _time(time: datetime) -> str:
    return f"{time.astimezone():%H:%M:%S}"


def _outcome(history: RunHistory) -> str:
    """The backup in a few words: its grade, and where it is."""
    if history.kind is RunKind.ADOPTION:
        return f"{sum(one.released_at is not None for one in history.vms)} orphaned VM snapshots were removed"
    if history.kind is RunKind.DELETION:
        return history.text or "not finished"
    if history.backup is None:
        return "no backup"
    skipped = sum(one.state == SKIPPED for one in history.vms)
    rest = f", {skipped} skipped" if skipped else ""
    waiting = "pending as" if history.kind is RunKind.NIGHT else "kept outside the rotation as"
    return f"{history.backup.label}{rest}, {'published as' if history.published else waiting} {history.backup.name}"


def _foot(history: RunHistory) -> list[str]:
    """What the bars cannot show: the filer's part, the slowest VMs, who was not quiesced and why, what came later."""
    lines = [*map(_capture, history.captures), *_moves(history), *_slowest(history)]
    missed = [one for one in history.vms if one.state == NOT_QUIESCED and one.why]
    lines += [f"not quiesced: {one.vm.label}: {one.why}" for one in missed]
    skipped = [one.vm.label for one in history.vms if one.state == SKIPPED]
    lines += [f"skipped: {', '.join(skipped)}"] if skipped else []
    # VMs that were left are named below, or were released since.
    told = history.kind is RunKind.DELETION or history.exit == Exit.OUTSTANDING
    lines += [f"the run's report: {history.text}"] if history.text and not told else []
    return lines + _afterwards(history)


def _capture(one: Captured) -> str:
    took = clocked(one.call.seconds) if one.call.seconds is not None else "no answer"
    found = "not confirmed"
    if one.confirmed is not None:
        found = f"confirmed at {_time(one.confirmed)} ({one.date})"
    if isinstance(one.call.outcome, Refusal | Unknown):
        found += f": {one.call.outcome.why}"
    return f"capture: {one.name} on {one.volume} at {_time(one.call.sent)}, {took}, {found}"


def _moves(history: RunHistory) -> list[str]:
    moves = [one for one in history.moves if not one.call.late]
    if not moves:
        return []
    failed = [done(one.step, one.call.outcome) for one in moves if one.call.outcome and not one.call.done]
    took = sum(one.call.seconds or 0.0 for one in moves)
    finished = sum(one.call.done for one in moves)
    what = "deletion" if history.kind is RunKind.DELETION else "rotation"
    return [f"{what}: {finished} of {len(moves)} commands done, {clocked(took)}", *failed]


def _slowest(history: RunHistory) -> list[str]:
    found = (
        ("slowest to quiesce", [(one.create_seconds, one.vm.label) for one in history.vms]),
        ("slowest to release", [(one.remove_seconds, one.vm.label) for one in history.vms]),
        ("quiesced longest", [(one.quiesced_seconds, one.vm.label) for one in history.vms]),
    )
    slowest = []
    for what, pairs in found:
        timed = [(seconds, label) for seconds, label in pairs if seconds is not None]
        if len(timed) > 1:
            most, label = max(timed)
            slowest.append(f"{what}: {label}, {clocked(most)}")
    return slowest


def _afterwards(history: RunHistory) -> list[str]:
    lines = [f"taken over by {one.by}, {_day(one.at)}{f': {one.why}' if one.why else ''}" for one in history.settled]
    late = [
        one for one in history.vms if one.releases and one.released_at is not None and one.released_at > history.last
    ]
    lines += [f"released later: {', '.join(one.vm.label for one in late)}"] if late else []
    moved = [one for one in history.moves if one.call.late and one.call.outcome is not None]
    lines += [f"later: {done(one.step, one.call.outcome)}" for one in moved if one.call.outcome is not None]
    if history.left:
        lines.append(f"VMs may be left quiesced: {', '.join(history.left)}; run `snapall recover`")
    elif history.watched:
        lines.append(f"the next run, or `snapall recover`, checks again: {', '.join(history.watched)}")
    elif history.open:
        lines.append("unfinished: the next run, or `snapall recover`, checks again")
    return lines

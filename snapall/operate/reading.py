"""A run's state, or its summary, made into the course that every look back shows. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from snapall.backup import phases, queries
from snapall.backup.outcome import CaptureSummary, Summary, VmSummary
from snapall.backup.runstate import RunState
from snapall.backup.steps import Done, Unknown
from snapall.backup.summary import judged, summarize
from snapall.operate.run_history import Captured, Moved, PastCall, RunHistory, RunKind, Settled, VmHistory

_LONGEST = 5e10  # seconds: what was tampered with is still a time


def history(run: RunState) -> RunHistory | None:
    """A run with every call; None: it has no header, so nothing was done in its name."""
    summary = summarize(run)
    if summary is None:
        return None
    captures = (one for one in run.captures.values() if one.calls)
    return replace(
        course_of(summary),
        vms=tuple(_vm(run, VmHistory(one.vm, one.state, one.why)) for one in judged(run)),
        captures=tuple(
            Captured(one.volume, one.name, _call(run, one.calls[-1]), one.confirmed, one.date) for one in captures
        ),
        moves=tuple(Moved(one.step, _call(run, one.call)) for one in run.commands.values()),
    )


def _vm(run: RunState, judged: VmHistory) -> VmHistory:
    one = run.vms.get(judged.vm.id)
    if one is None:  # skipped
        return judged
    create = _call(run, one.create) if one.create is not None else None
    return replace(
        judged, quiesce=create, releases=tuple(_call(run, call) for call in one.removals), freed=one.released
    )


def _call(run: RunState, call: phases.Call) -> PastCall:
    return PastCall(call.sent, call.answered, call.outcome, call.seconds, late=queries.is_late(run, call))


def course_of(summary: Summary) -> RunHistory:
    """A run as its summary tells it, which is enough for `status` and `stats`.

    It lacks the moves on the filer, the outputs, and the calls of those who took the run over.
    """
    at = _Clock(summary)
    return RunHistory(
        job=summary.job,
        stamp=summary.stamp,
        kind=_kind(summary),
        keep=summary.keep,
        began=at.began,
        last=at(summary.last),
        ended=at.of(summary.ended),
        exit=summary.exit,
        text=summary.text,
        backup=summary.backup,
        vms=tuple(_vm_of(one, at) for one in summary.vms),
        captures=tuple(_captured_of(one, at) for one in summary.captures),
        moves=(),
        settled=tuple(Settled(at(one.at), one.by, one.why) for one in summary.takeovers),
        left=summary.left,
        watched=summary.watched,
        open=summary.open,
    )


def _kind(summary: Summary) -> RunKind:
    if summary.keep:
        return RunKind.KEEP
    return RunKind.ADOPTION if summary.adoption else RunKind.NIGHT


class _Clock:
    """Makes moments of a summary's seconds."""

    def __init__(self, summary: Summary) -> None:
        self.began = datetime.fromtimestamp(max(0.0, min(_LONGEST, summary.began)), UTC)

    def __call__(self, seconds: float) -> datetime:
        return self.began + timedelta(seconds=max(-_LONGEST / 2, min(_LONGEST, seconds)))

    def of(self, seconds: float | None) -> datetime | None:
        """The same for what may never have come."""
        return self(seconds) if seconds is not None else None


def _vm_of(one: VmSummary, at: _Clock) -> VmHistory:
    create = _call_of(at.of(one.create_sent), at.of(one.create_answered), one.create_seconds)
    removal = _call_of(at.of(one.removal_sent), at.of(one.removal_answered), one.removal_seconds)
    return VmHistory(one.vm, one.state, one.why, create, (removal,) if removal is not None else (), at.of(one.released))


def _call_of(sent: datetime | None, answered: datetime | None, seconds: float | None) -> PastCall | None:
    """A call of which only its success has its seconds."""
    if sent is None:
        return None
    outcome = Done() if seconds is not None else Unknown("") if answered is not None else None
    return PastCall(sent, answered, outcome, seconds)


def _captured_of(one: CaptureSummary, at: _Clock) -> Captured:
    call = PastCall(at(one.sent), at.of(one.answered), one.outcome, one.seconds)
    return Captured(one.volume, one.name, call, at.of(one.confirmed), one.date)

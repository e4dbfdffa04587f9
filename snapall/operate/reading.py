"""Makes a run's history from its state or its summary. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from snapall.backup import phases, queries
from snapall.backup.outcome import CaptureSummary, Summary, VmSummary
from snapall.backup.runstate import RunState
from snapall.backup.steps import Done, Unknown
from snapall.backup.summary import judged, summarize
from snapall.operate.run_history import Captured, Moved, PastCall, RunHistory, RunKind, Settled, VmHistory

_LONGEST = 5e10  # seconds, so that a manipulated journal still gives valid times


def history(run: RunState) -> RunHistory | None:
    """Return a run with all its calls; None if its journal has no header, so that nothing was done."""
    summary = summarize(run)
    if summary is None:
        return None
    captures = (one for one in run.captures.values() if one.calls)
    return replace(
        from_summary(summary),
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
        judged, quiesce=create, releases=tuple(_call(run, call) for call in one.removals), released_at=one.released
    )


def _call(run: RunState, call: phases.Call) -> PastCall:
    return PastCall(call.sent, call.answered, call.outcome, call.seconds, late=queries.is_late(run, call))


def from_summary(summary: Summary) -> RunHistory:
    """Return a run from its summary, which is enough for `status` and `stats`.

    It lacks the renames and deletions, the outputs, and the calls of whoever took over.
    """
    at = _Clock(summary)
    return RunHistory(
        job=summary.job,
        stamp=summary.stamp,
        kind=_kind(summary),
        keep=summary.keep or summary.delete,
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
        final=summary.final,
    )


def _kind(summary: Summary) -> RunKind:
    if summary.delete:
        return RunKind.DELETION
    if summary.keep:
        return RunKind.KEEP
    return RunKind.ADOPTION if summary.adoption else RunKind.NIGHT


class _Clock:
    """Converts a summary's seconds to times."""

    def __init__(self, summary: Summary) -> None:
        self.began = datetime.fromtimestamp(max(0.0, min(_LONGEST, summary.began)), UTC)

    def __call__(self, seconds: float) -> datetime:
        return self.began + timedelta(seconds=max(-_LONGEST / 2, min(_LONGEST, seconds)))

    def of(self, seconds: float | None) -> datetime | None:
        """Convert seconds that may be missing."""
        return self(seconds) if seconds is not None else None


def _vm_of(one: VmSummary, at: _Clock) -> VmHistory:
    create = _call_of(at.of(one.create_sent), at.of(one.create_answered), one.create_seconds)
    removal = _call_of(at.of(one.removal_sent), at.of(one.removal_answered), one.removal_seconds)
    return VmHistory(one.vm, one.state, one.why, create, (removal,) if removal is not None else (), at.of(one.released))


def _call_of(sent: datetime | None, answered: datetime | None, seconds: float | None) -> PastCall | None:
    """Make a call; a summary has the seconds of successful calls only."""
    if sent is None:
        return None
    outcome = Done() if seconds is not None else Unknown("") if answered is not None else None
    return PastCall(sent, answered, outcome, seconds)


def _captured_of(one: CaptureSummary, at: _Clock) -> Captured:
    call = PastCall(at(one.sent), at.of(one.answered), one.outcome, one.seconds)
    return Captured(one.volume, one.name, call, at.of(one.confirmed), one.date)

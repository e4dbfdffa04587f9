"""The summary of a run, which its last line holds. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from snapall.backup import queries
from snapall.backup.certificate import verdicts_of
from snapall.backup.origins import backup_of, origins
from snapall.backup.outcome import NOT_QUIESCED, CaptureSummary, Summary, TakeoverSummary, Verdict, VmSummary
from snapall.backup.phases import CaptureState, VmState
from snapall.backup.runstate import RunState
from snapall.backup.steps import Outcome


def summarize(state: RunState) -> Summary | None:
    """Sum up a state; None: the run has no header, so it did nothing."""
    if state.began is None or state.began_at is None:
        return None
    began, since = state.began, _Since(state.began_at)
    report = state.report
    return Summary(
        job=began.job,
        stamp=began.stamp,
        keep=began.keep,
        adoption=queries.is_adoption(state),
        surveyed=state.surveyed is not None,
        began=since.began.timestamp(),
        last=since(state.own_last or state.began_at),
        ended=since(state.own_last) if report is not None and state.own_last is not None else None,
        exit=report.exit if report is not None else None,
        text=report.text if report is not None else "",
        backup=backup_of(state),
        vms=tuple(_vm(state, verdict, since) for verdict in judged(state)),
        captures=tuple(_capture(one, since) for one in state.captures.values() if one.calls),
        takeovers=tuple(TakeoverSummary(since(at), one.by, one.why) for at, one in state.takeovers),
        left=tuple(one.vm.label for one in queries.left_quiesced(state)),
        watched=tuple(one.vm.label for one in queries.to_be_watched(state)),
        open=state.open,
        origins=origins(state),
        delete=began.delete,
        final=state.ended.exit if state.ended is not None else None,
    )


def judged(state: RunState) -> tuple[Verdict, ...]:
    """Every VM of the run with its verdict, by ascending id; we never quiesced an adopted one."""
    found = {one.vm.id: one for one in verdicts_of(state)}
    found = {one.vm.id: Verdict(one.vm, NOT_QUIESCED) for one in state.vms.values()} | found
    return tuple(found[vm] for vm in sorted(found))


class _Since:
    """Counts seconds since the run began, to the millisecond as journals do."""

    def __init__(self, began: datetime) -> None:
        self.began = _cut(began)

    def __call__(self, at: datetime) -> float:
        return round((_cut(at) - self.began).total_seconds(), 3)

    def of(self, at: datetime | None) -> float | None:
        """The same for a time that may not have come."""
        return self(at) if at is not None else None


def _cut(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _vm(state: RunState, verdict: Verdict, since: _Since) -> VmSummary:
    one = state.vms.get(verdict.vm.id) or VmState(verdict.vm)
    create, removals = one.create, queries.own_removals(state, one)
    answers = [call.answered for call in removals if call.answered is not None]
    return VmSummary(
        vm=verdict.vm,
        state=verdict.state,
        why=verdict.why,
        create_sent=since(create.sent) if create is not None else None,
        create_answered=since.of(create.answered) if create is not None else None,
        create_seconds=create.seconds if create is not None and create.done else None,
        removal_sent=since(removals[0].sent) if removals else None,
        removal_answered=since.of(max(answers, default=None)),
        removal_seconds=next((call.seconds for call in removals if call.done), None),
        released=since.of(one.released),
    )


def _capture(one: CaptureState, since: _Since) -> CaptureSummary:
    """A capture without an answer may have been sent twice under the same name: the last call counts."""
    call = one.calls[-1]
    return CaptureSummary(
        volume=one.volume,
        name=one.name,
        sent=since(call.sent),
        answered=since.of(call.answered),
        seconds=call.seconds,
        outcome=_bare(call.outcome) if call.outcome is not None else None,
        confirmed=since.of(one.confirmed),
        date=one.date,
    )


def _bare(outcome: Outcome) -> Outcome:
    return replace(outcome, output="")

"""What a run came to: its exit code and its report, as queries of the states. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from snapall.backup.certificate import certify
from snapall.backup.facts import Failed, Warned
from snapall.backup.model import Grade
from snapall.backup.origins import backup_of
from snapall.backup.outcome import Report
from snapall.backup.phases import VmState
from snapall.backup.runstate import RunState
from snapall.errors import Exit, worst


def alarming(state: RunState) -> tuple[VmState, ...]:
    """The VMs that may be left quiesced now, which is worth an operator's night.

    With the database out of reach a removal that succeeded counts; with it in reach, a failed quiesce that left no
    trace does. Both stay open for the next look.
    """
    if state.database is not None:
        return tuple(one for one in state.outstanding if not one.removed)
    return tuple(one for one in state.outstanding if not one.watched)


def window_of(state: RunState) -> float:
    """Seconds from the first quiesce sent to the last removal answered; 0 when nothing was quiesced."""
    ends = [call.answered for one in state.vms.values() for call in one.removals if call.answered is not None]
    if state.quiesced_at is None or not ends:
        return 0.0
    return (max(ends) - state.quiesced_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Before:
    """What a run has come to besides its own records: how it was stopped, and the earlier runs that it settled."""

    job: str
    stamp: str
    code: Exit = Exit.OK  # of what stopped it before, or outside of, the plan
    earlier: tuple[RunState, ...] = ()
    unsettled: bool = False  # whether settling one of them failed, so that nobody knows what is outstanding
    why: str = ""  # what stopped it


def report_of(state: RunState, before: Before, seconds: float, *, forgotten: bool = False) -> Report:
    """The report of a run that is over, after so many seconds; the state of one that had no journal is empty.

    `forgotten`: its journal is lost.
    """
    states = [*before.earlier, state]
    alarms = [one for each in states for one in alarming(each)]
    lost = [one for each in states for one in each.given_up]
    watched = [one for each in states for one in each.outstanding if one not in alarms]
    code = worst(before.code, _exit(state)) if state.surveyed is not None else before.code
    if alarms or lost or before.unsettled:
        code = worst(code, Exit.DEBTS)
    elif watched:
        code = worst(code, Exit.PARTIAL)
    backup = backup_of(state) if state.surveyed is not None else None
    return Report(
        job=before.job,
        stamp=before.stamp,
        exit=code,
        grade=backup.grade if backup is not None else None,
        verdicts=certify(state).verdicts if state.released_at is not None else (),
        name=backup.name if backup is not None else "",
        published=published(state),
        outstanding=(*map(_label, alarms), *map(_label_given_up, lost)),
        watched=_kept_in_view(watched),
        seconds=seconds,
        window=window_of(state),
        why=before.why,
        given_up=tuple(map(_label_given_up, lost)),
        forgotten=forgotten,
    )


def published(state: RunState) -> bool:
    """Whether the run's backup is where it belongs: in the chain, or, a named one, outside it."""
    backup = backup_of(state) if state.began is not None else None
    return backup is not None and not backup.temporary


def _exit(state: RunState) -> Exit:
    if state.called_off:
        return Exit.STOPPED
    if not state.confirmed:
        return Exit.FAILED
    grade = certify(state).grade
    whole = grade is Grade.WHOLE and published(state) and not state.failed and not state.outstanding
    return Exit.OK if whole else Exit.PARTIAL


def stands(state: RunState, again: str = "run `snapall recover` again") -> tuple[Failed | Warned, ...]:
    """What whoever settled a run says of its VMs; `again` is what helps with those that are still outstanding."""
    found: list[Failed | Warned] = []
    alarms = alarming(state)
    for one in state.outstanding:
        if one in alarms:
            still = "is still quiesced" if one.ids else "may still be quiesced: no answer tells yet"
            found.append(Failed(f"{one.vm.label} {still}: {_snapshot(one)}", _help(one, again)))
        elif one.removed:
            text = "was released, but the database could not be asked whether that took effect"
            found.append(Failed(f"{one.vm.label} {text}: {one.name}", again))
        else:
            text = "vcbsnapshot said that it failed, and it is not there; it is looked for once more"
            found.append(Warned(f"{one.vm.label}: {one.name}: {text}", f"{again} in a while"))
    return (*found, *losses(state))


def _help(one: VmState, again: str) -> str:
    """What helps with a VM that may still be quiesced; doing the same once more does not always."""
    if one.stranger and len(one.withheld) > 1:
        return (
            f"rename or remove in the Snapshot Manager what somebody else has made on it: the last {one.name} that is "
            "left is taken for the run's own, and `snapall recover` removes it"
        )
    if one.ids and one.removed:
        return f"{again}; if vcbsnapshot says once more that it is removed, remove it in the Snapshot Manager"
    return again


def losses(state: RunState) -> tuple[Failed, ...]:
    """What is said of the VMs that nothing more can be done for."""
    return tuple(Failed(_label_given_up(one), _remedy(one)) for one in state.given_up)


def _label(one: VmState) -> str:
    return f"{one.vm.label}: {_snapshot(one)}"


def _snapshot(one: VmState) -> str:
    """What is known of a VM's snapshot."""
    if one.stranger:
        return f"{one.name}, whose id is not known: {_withheld(one)}"
    what = f"{one.name} ({', '.join(one.ids)})" if one.ids else f"{one.name}, whose id is not known yet"
    child = one.create.child if one.create is not None else None
    runs = f"; vcbsnapshot still runs (process {child.pid})" if child is not None and one.ended is None else ""
    return f"{what}{runs}"


def _label_given_up(one: VmState) -> str:
    """A VM that nothing more can be done for."""
    if one.stranger:
        return f"{one.vm.label}: {_withheld(one)}"
    return f"{one.vm.label}: not registered any more, and {one.name} may be among its files"


def _withheld(one: VmState) -> str:
    """Why its ids are not believed, each reason once."""
    return "; ".join(dict.fromkeys(one.withheld.values()))


def _remedy(one: VmState) -> str:
    if one.stranger:
        return "look at the VM's snapshots: one that nobody else has made is removed by hand, or by `recover --adopt`"
    return (
        "if the VM's files are kept, so is its snapshot: when the VM is registered again (under a new moref), "
        "remove it in the Snapshot Manager, or by `snapall recover --adopt`"
    )


def _kept_in_view(watched: Sequence[VmState]) -> tuple[str, ...]:
    """Why the next run looks at these VMs again although no alarm is due."""
    released = [one.vm.label for one in watched if one.removed]
    failed = [one.vm.label for one in watched if not one.removed]
    lines = []
    if released:
        lines.append(f"released, but the database could not be asked whether that took effect: {', '.join(released)}")
    if failed:
        lines.append(f"failed and not there, though the next run looks once more: {', '.join(failed)}")
    return tuple(lines)

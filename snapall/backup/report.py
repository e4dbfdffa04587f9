"""The result of a run: its exit code and its report, as queries of the states. Pure."""

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
    """The VMs that may be left quiesced now: reason enough to wake the operator.

    No alarm: a removal that succeeded while the database cannot be asked, and otherwise a failed quiesce that left no
    trace. Both stay open for the next look.
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
    """The result of a run apart from its own records: what stopped it, and the earlier runs that it settled."""

    job: str
    stamp: str
    code: Exit = Exit.OK  # of what stopped it before, or outside of, the plan
    earlier: tuple[RunState, ...] = ()
    unsettled: bool = False  # whether settling one of them failed, so that nobody knows what is outstanding
    why: str = ""  # what stopped it


def report_of(state: RunState, before: Before, seconds: float, *, forgotten: bool = False) -> Report:
    """The report of a run that has ended after so many seconds. Without a journal its state is empty.

    `forgotten`: its journal is lost.
    """
    states = [*before.earlier, state]
    alarms = [one for each in states for one in alarming(each)]
    lost = [one for each in states for one in each.given_up]
    watched = [one for each in states for one in each.outstanding if one not in alarms]
    code = worst(before.code, _exit(state)) if state.surveyed is not None else before.code
    if alarms or lost or before.unsettled:
        code = worst(code, Exit.OUTSTANDING)
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
    """Whether the run's backup is where it belongs: in the chain, or outside it if it was named."""
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


AGAIN = "run `snapall recover` again; if that fails, too, remove the snapshot in the Snapshot Manager"


def stands(state: RunState, again: str = AGAIN) -> tuple[Failed | Warned, ...]:
    """The messages about a settled run's VMs; `again` is the remedy for those that are still outstanding."""
    found: list[Failed | Warned] = []
    alarms = alarming(state)
    for one in state.outstanding:
        if one in alarms:
            still = "is still quiesced" if one.ids else "may still be quiesced: no answer yet"
            found.append(Failed(f"{one.vm.label} {still}: {_snapshot(one)}", _help(one, again), "SA-1110"))
        elif one.removed:
            text = "was released, but the database could not confirm it"
            found.append(Failed(f"{one.vm.label} {text}: {one.name}", again, "SA-1111"))
        else:
            text = "vcbsnapshot reported a failure, and the snapshot is not listed; the next run checks again"
            found.append(Warned(f"{one.vm.label}: {one.name}: {text}", f"{again} in a while", "SA-1112"))
    return (*found, *losses(state))


def _help(one: VmState, again: str) -> str:
    """The remedy for a VM that may still be quiesced: a retry does not always help."""
    if one.stranger and len(one.withheld) > 1:
        return (
            f"in the Snapshot Manager, rename every {one.name} that this run did not make, until one is left: snapall "
            "takes that one for its own, and `snapall recover` removes it"
        )
    if one.ids and one.removed:
        return f"{again}; if vcbsnapshot again claims that it was removed, remove it in the Snapshot Manager"
    return again


def losses(state: RunState) -> tuple[Failed, ...]:
    """The messages about VMs that snapall can do nothing more for."""
    return tuple(_loss(one) for one in state.given_up)


def _label(one: VmState) -> str:
    return f"{one.vm.label}: {_snapshot(one)}"


def _snapshot(one: VmState) -> str:
    """A VM's snapshot, as far as it is known."""
    if one.stranger:
        return f"{one.name}, whose id is unknown: {_withheld(one)}"
    what = f"{one.name} ({', '.join(one.ids)})" if one.ids else f"{one.name}, whose id is not known yet"
    child = one.create.child if one.create is not None else None
    runs = f"; vcbsnapshot still runs (process {child.pid})" if child is not None and one.ended is None else ""
    return f"{what}{runs}"


def _label_given_up(one: VmState) -> str:
    """A VM that snapall can do nothing more for."""
    if one.stranger:
        return f"{one.vm.label}: {_withheld(one)}"
    return f"{one.vm.label}: no longer registered, and {one.name} may be among its files"


def _withheld(one: VmState) -> str:
    """Why its ids are not trusted, each reason once."""
    return "; ".join(dict.fromkeys(one.withheld.values()))


def _loss(one: VmState) -> Failed:
    if one.stranger:
        remedy = "check the VM's snapshots in the Snapshot Manager, and remove the one that this run made"
        return Failed(_label_given_up(one), remedy, "SA-1114")
    remedy = (
        "the snapshot stays with the VM's files: if the VM is registered again (under a new moref), remove it "
        "in the Snapshot Manager; `snapall recover --adopt` lists it"
    )
    return Failed(_label_given_up(one), remedy, "SA-1113")


def _kept_in_view(watched: Sequence[VmState]) -> tuple[str, ...]:
    """Why the next run checks these VMs again although there is no alarm."""
    released = [one.vm.label for one in watched if one.removed]
    failed = [one.vm.label for one in watched if not one.removed]
    lines = []
    if released:
        lines.append(f"released, but the database could not confirm it: {', '.join(released)}")
    if failed:
        lines.append(f"failed and not listed; the next run checks again: {', '.join(failed)}")
    return tuple(lines)

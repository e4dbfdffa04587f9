"""How the facts of the filer change the state; `state` calls these. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from snapall.backup.changes import with_call, with_command
from snapall.backup.model import FilerSnapshot
from snapall.backup.phases import CapturePhase, CaptureState, CommandPhase
from snapall.backup.replacing import replace
from snapall.backup.rotation import after
from snapall.backup.runstate import RunState
from snapall.backup.steps import Delete, Done, Outcome, Refusal, Rename, Unknown


def phase_of(outcome: Outcome) -> CommandPhase:
    """The phase of a rename or deletion after its answer."""
    match outcome:
        case Done():
            return CommandPhase.ANSWERED
        case Refusal():
            return CommandPhase.FAILED
        case Unknown():
            return CommandPhase.SILENT


def capture_answered(one: CaptureState, outcome: Outcome) -> CaptureState:
    """The capture after the filer's answer, or its silence."""
    if one.phase is not CapturePhase.ASKED:
        return one
    match outcome:
        case Refusal():  # never sent; an earlier one under the same name may have been
            sent = [call for call in one.calls if not isinstance(call.outcome, Refusal)]
            return replace(one, phase=CapturePhase.SILENT if sent else CapturePhase.ABSENT)
        case Unknown(failed=False) if not outcome.output.strip():
            return replace(one, phase=CapturePhase.SILENT)
        case Done() if not outcome.output.strip():
            return replace(one, phase=CapturePhase.SILENT)
        case Done() | Unknown():
            return replace(one, phase=CapturePhase.ANSWERED)


def with_belief(state: RunState, step: Rename | Delete) -> RunState:
    """The state with a listing changed as the answer says; the next look is compared with it."""
    known = state.listings.get(step.volume)
    if known is None:
        return state
    rows = state.believed.get(step.volume, known.rows)
    return replace(state, believed={**state.believed, step.volume: after({step.volume: rows}, [step])[step.volume]})


def with_settled(state: RunState, n: int, done: bool | None) -> RunState:
    """The state with a command that can no longer act."""
    one = state.commands.get(n)
    if one is None:  # a capture, whose phase says what became of it
        return with_call(state, n, lambda call: replace(call, over=True))
    if done and one.step.volume in state.believed:  # otherwise the list that shows it is the latest
        state = with_belief(state, one.step)
    phases = {True: CommandPhase.CONFIRMED, False: CommandPhase.FAILED, None: CommandPhase.OVER}
    return with_command(state, replace(one, phase=phases[done]))


def with_names_confirmed(state: RunState, volume: str) -> RunState:
    """The state with a volume whose names are as the answers said."""
    commands = {
        n: replace(one, phase=CommandPhase.CONFIRMED)
        if one.step.volume == volume and one.phase is CommandPhase.ANSWERED
        else one
        for n, one in state.commands.items()
    }
    return replace(state, commands=commands, believed=without(state.believed, volume))


def without(believed: Mapping[str, tuple[FilerSnapshot, ...]], volume: str) -> dict[str, tuple[FilerSnapshot, ...]]:
    """The believed listings without one volume."""
    return {name: rows for name, rows in believed.items() if name != volume}

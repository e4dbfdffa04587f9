"""Whether the machine was quick enough for a cell: snapall promises nothing about calls later than configured."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from snapall.backup.clock import SystemClock
from snapall.backup.journal import Journal, journals
from snapall.backup.phases import Call
from snapall.backup.runstate import RunState
from snapall.backup.state import fold
from snapall.backup.steps import Capture, Delete, Quiesce, Release, Rename, Step
from snapall.errors import SnapallError
from snapall.lab.ledger import Change, Effect, Entry, Ledger


def too_slow(state: Path, ledger: Ledger) -> str:
    """Why a cell says nothing about snapall, by the journals of its state folder; "" when it does."""
    for path in journals(state / "journals"):
        with suppress(SnapallError):
            if why := late(fold(Journal.open(path, SystemClock()).records), ledger):
                return why
    return ""


def late(state: RunState, ledger: Ledger) -> str:
    """Which call of a run acted later than its settings allow, in one line; "" when none did.

    An unanswered create may act for `settle` seconds after its intent, a filer command for the filer's timeout. With
    programs that start in a tenth of a second that is ample; on a machine that is busy with other things it is not.
    """
    if state.began is None:
        return ""
    pace = state.began.pace
    requests = {entry.n: entry for entry in ledger}
    for entry in ledger:
        effect = entry.effect
        if effect is None or effect.change is Change.REMOVED:
            continue
        call = _call(state, effect, requests.get(entry.of or entry.n, entry))
        if call is not None:
            allowed = pace.settle if effect.change is Change.MADE else pace.filer_timeout
            seconds = (entry.at - call.sent).total_seconds()
            if seconds > allowed:
                return f"{effect.label} came {seconds:.1f} s after its intent, of {allowed:g} s"
    return ""


def _call(state: RunState, effect: Effect, request: Entry) -> Call | None:
    """The last command for this very effect that was sent before the lab got the request."""
    found = [call for call in state.calls if call.sent <= request.at and _brings_about(call.step, effect)]
    return found[-1] if found else None


def _brings_about(step: Step, effect: Effect) -> bool:
    match step:
        case Quiesce(vm, name):
            return (effect.change, effect.vm, effect.name) == (Change.MADE, vm.id, name)
        case Capture(volume, name):
            return (effect.change, effect.volume, effect.name) == (Change.CAPTURED, volume, name)
        case Rename(volume, old, new):
            return (effect.change, effect.volume, effect.name, effect.new) == (Change.RENAMED, volume, old, new)
        case Delete(volume, name):
            return (effect.change, effect.volume, effect.name) == (Change.DELETED, volume, name)
        case Release():
            return False

"""Whether the machine was quick enough for a cell: snapall promises nothing for what acts later than is configured."""

from __future__ import annotations

from snapall.backup.phases import Call
from snapall.backup.runstate import RunState
from snapall.backup.steps import Capture, Delete, Quiesce, Release, Rename, Step
from snapall.lab.ledger import Change, Effect, Entry, Ledger


def late(state: RunState, ledger: Ledger) -> str:
    """What of a run acted later than its settings grant, in one line; "" when nothing did.

    An unanswered create may act for `settle` seconds after its intent, a filer command for the filer's timeout. With
    programs that start in a tenth of a second that is ample; on a machine that is busy with other things it is not.
    """
    if state.began is None:
        return ""
    pace = state.began.pace
    asked = {entry.n: entry for entry in ledger}
    for entry in ledger:
        effect = entry.effect
        if effect is None or effect.change is Change.REMOVED:
            continue
        call = _call(state, effect, asked.get(entry.of or entry.n, entry))
        if call is not None:
            granted = pace.settle if effect.change is Change.MADE else pace.filer_timeout
            seconds = (entry.at - call.sent).total_seconds()
            if seconds > granted:
                return f"{effect.label} came {seconds:.1f} s after its intent, of {granted:g} s"
    return ""


def _call(state: RunState, effect: Effect, asked: Entry) -> Call | None:
    """The last command to do just this that was sent before it was asked for."""
    found = [call for call in state.calls if call.sent <= asked.at and _brings_about(call.step, effect)]
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

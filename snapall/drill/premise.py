"""Whether the machine was quick enough for a cell: snapall promises nothing for what acts later than is configured."""

from __future__ import annotations

from collections.abc import Sequence

from snapall.backup.facts import Began, Intent, Noted
from snapall.backup.steps import Capture, Delete, Quiesce, Rename, Step
from snapall.lab.ledger import Change, Effect, Entry, Ledger


def late(facts: Sequence[Noted], ledger: Ledger) -> str:
    """What of a run acted later than its settings grant, in one line; "" when nothing did.

    An unanswered create may act for `settle` seconds after its intent, a filer command for the filer's time-out. With
    programs that start in a tenth of a second that is ample; on a machine that is busy with other things it is not.
    """
    if not facts or not isinstance(facts[0].fact, Began):
        return ""
    pace = facts[0].fact.pace
    asked = {entry.n: entry for entry in ledger}
    for entry in ledger:
        effect = entry.effect
        if effect is None or effect.change is Change.REMOVED:
            continue
        intent = _intent(facts, effect, asked.get(entry.of or entry.n, entry))
        if intent is not None:
            granted = pace.settle if effect.change is Change.MADE else pace.filer_timeout
            seconds = (entry.at - intent.at).total_seconds()
            if seconds > granted:
                return f"{effect.told} came {seconds:.1f} s after its intent, of {granted:g} s"
    return ""


def _intent(facts: Sequence[Noted], effect: Effect, asked: Entry) -> Noted | None:
    """The last intent to do just this before it was asked for."""
    found = None
    for noted in facts:
        if isinstance(noted.fact, Intent) and noted.at <= asked.at and _brings_about(noted.fact.step, effect):
            found = noted
    return found


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
        case _:
            return False

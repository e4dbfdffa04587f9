"""How a use of a backup ended: what it left wrong, how far it came, its exit code and its report. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snapall.backup.facts import Failed, Warned
from snapall.errors import Exit
from snapall.restore.record import UseKind
from snapall.restore.steps import LunStep, StartSplit, is_final
from snapall.restore.wording import words

if TYPE_CHECKING:
    from snapall.restore.state import UseState


def nothing_left(state: UseState) -> bool:
    """Whether nothing is left of it: no clone, no copy under way, nothing outstanding, nothing that is left wrong."""
    return not (state.stands or state.copying or state.outstanding or remains(state))


def remains(state: UseState) -> tuple[str, ...]:
    """What a use that was given up leaves wrong until the operator has accepted it: `recover` can only say so again."""
    if state.accepted or state.down is None:
        return ()
    there = dict.fromkeys(one.there for one in state.left.values() if one.there)
    foreign = tuple(f"{path} is not the clone that it made" for path in there)
    if not state.irrevocable:
        return foreign
    undone, unknown = _final(state, False), _final(state, None)
    parts = {"not done": undone, "unknown": unknown}
    if state.header.kind is UseKind.MOUNT:  # its clones are taken down; one that was split off stays, as a LUN
        parts = {"done": _final(state, True) if undone or unknown else (), "unknown": unknown}
    return foreign + tuple(f"{part}: {words(step)}" for part, steps in parts.items() for step in steps)


def reached(state: UseState) -> tuple[Warned | Failed, ...]:
    """How far something came that nothing takes back, if it was given up: a VM's LUNs may be of different times."""
    if state.down is None or not state.irrevocable or state.outstanding:
        return ()
    parts = {"done": _final(state, True), "not done": _final(state, False), "unknown": _final(state, None)}
    text = "; ".join(f"{part}: {', '.join(map(words, steps))}" for part, steps in parts.items() if steps)
    text = f"{state.header.kind} {state.header.stamp} was broken off: {text}"
    missing = _final(state, False, None)
    if not missing:
        return (Warned(text, "check the LUNs with `lun show -v`, then go on as after a whole one", "SA-1752"),)
    remedy = "restore what is not done from the same backup, before you power on a VM that uses any of it"
    if state.header.kind is UseKind.MOUNT:
        remedy = "the clones of what is not done are taken down: mount them again if they are needed"
    elif isinstance(missing[0], StartSplit):
        remedy = "start what is not done on the filer; until then these clones hold their backup"
    then = f"; then {accepting(state)}" if remains(state) else ""
    return (Failed(text, remedy + then, "SA-1753"),)


def left_wrong(state: UseState) -> tuple[str, str, str]:
    """The warning about what a use left wrong: text, remedy, code."""
    text = f"{state.header.label} of {state.header.snapshot} was broken off: {'; '.join(remains(state))}"
    return text, f"check these LUNs with `lun show -v` and correct them; then {accepting(state)}", "SA-1754"


def accepting(state: UseState) -> str:
    """How the operator says that what is left is well, or may stay."""
    return f"run `snapall recover --accept {state.header.stamp}`"


def _final(state: UseState, *seen: bool | None) -> tuple[LunStep, ...]:
    """The steps of the plan that nothing takes back, and of which this is known; False: not done."""
    known = {one.place: one.seen for one in state.forward} | dict.fromkeys(state.skipped, True)
    plan = enumerate(one.step for one in state.header.plan)
    return tuple(step for place, step in plan if is_final(step) and known.get(place, False) in seen)


def outcome(state: UseState) -> tuple[Exit, str]:
    """The exit code of a use, and the sentence that says how it ended."""
    kind, down = state.header.kind, state.down
    if state.outstanding:
        return Exit.FAILED, f"{kind} {state.header.stamp}: something is left; run `snapall recover`"
    if down is None:
        return Exit.OK, f"{kind} {state.header.stamp} is done"
    asked = state.owner > 0 and not remains(state)
    final = " (after a step that nothing takes back)" if state.irrevocable else ""
    code = Exit.OK if asked else Exit.STOPPED if state.stopped else Exit.FAILED
    return code, f"{kind} {state.header.stamp} was taken down by {down.by}{final}: {down.why}"

"""What a mount, a restore, a take-down or `recover` does next: the next step, a look, a pause, or nothing. Pure.

A step is sent once the one before it was seen. One that failed turns the direction: what this journal made is taken
back, the latest first, each step seen. After a step that nothing takes back, what came before it for its LUN stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from snapall.backup.facts import Failed, Warned
from snapall.backup.steps import Done, Refusal, Unknown
from snapall.restore.guards import blocked, is_needless, is_ours, is_undone, replaced, taken_away
from snapall.restore.record import StepIntent, StepLeft, StepSeen, StepSkipped, StepUndone, TakeDown
from snapall.restore.state import acts_until, quiet_from
from snapall.restore.steps import LunStep, paths_of, shows, volume_of
from snapall.restore.wording import words

if TYPE_CHECKING:
    from snapall.restore.record import UseFact
    from snapall.restore.state import Glimpse, SentStep, UseState

MOST_LOOKS = 5
"""Looks in a row that may fail before a mount is given up, and before a take-down is left to `recover`."""

PAUSE = timedelta(seconds=5)
"""Between two looks at what has not happened yet, or at a filer that does not answer."""

MOST_TRIES = 2
"""How often an owner sends a step that takes something back."""


@dataclass(frozen=True, slots=True)
class UseDecision:
    """What is next: facts to write, then one command to send, one volume to look at, or a pause until `wake`.

    `done`: nothing is left to do, or nothing more can be done now.
    """

    records: tuple[UseFact, ...] = ()
    send: StepIntent | None = None
    look: str = ""
    wake: datetime | None = None
    done: bool = False


def decide(state: UseState, now: datetime) -> UseDecision:
    """What is next in this state at this time."""
    if (one := state.unsettled) is not None:
        return _settle(state, one, now)
    return _forward(state, now) if state.down is None else _down(state, now)


# What has been sent


def _settle(state: UseState, one: SentStep, now: datetime) -> UseDecision:
    if isinstance(one.outcome, Refusal):
        return UseDecision((StepSeen(one.n, False),))
    volume, until = volume_of(one.step), acts_until(state, one)
    seen = state.fresh(volume)
    if seen is None:
        return _look(state, volume, now)
    shown = None if one.blind else shows(one.step, seen.view)
    if shown:
        return UseDecision((StepSeen(one.n, True),))
    if isinstance(one.outcome, Done):
        facts = (StepSeen(one.n, shown is None),)
        return UseDecision(facts if shown is not None else (_unshown(one), *facts))
    failed = isinstance(one.outcome, Unknown) and one.outcome.failed and one.owner == state.owner
    if failed or seen.at >= until:
        return UseDecision((StepSeen(one.n, shown),))
    if now >= min(seen.at + PAUSE, until):
        return _look(state, volume, now)
    return UseDecision(wake=min(seen.at + PAUSE, until))


def _unshown(one: SentStep) -> Warned:
    """A restore whose copy has ended before the look, or one that never began: both look the same."""
    text = f"only the filer's answer says that this was done, for no look can show it: {words(one.step)}"
    return Warned(text, "check what it brought back before you power on a VM that uses it", "SA-1780")


def _look(state: UseState, volume: str, now: datetime) -> UseDecision:
    """Look at the volume; if it cannot be looked at, pause, and in the end turn back or give up."""
    failed, at = state.look_failed, state.look_failed_at
    if failed is not None and at is not None and state.blind_looks >= MOST_LOOKS:
        if state.down is not None:
            return UseDecision(done=True)
        failure = Failed(f"volume {volume} cannot be looked at: {failed.why}", failed.hint, failed.code or "SA-1703")
        return _turned(f"volume {volume} cannot be looked at", failure)
    if failed is not None and at is not None and state.blind_looks and now < at + PAUSE:
        return UseDecision(wake=at + PAUSE)
    return UseDecision(look=volume)


def _turned(why: str, failure: Failed | None = None) -> UseDecision:
    return UseDecision((*((failure,) if failure is not None else ()), TakeDown("itself", why)))


# Forward


def _forward(state: UseState, now: datetime) -> UseDecision:
    if (turn := _turn(state)) is not None:
        return turn
    place = state.due
    planned = state.header.plan[place] if place is not None else None
    volume = volume_of(planned.step) if planned is not None else state.header.volumes[-1]
    seen = state.fresh(volume)
    if seen is None:
        return _look(state, volume, now)
    why = "" if state.irrevocable else replaced(state, seen.view)
    if why or planned is None or place is None:
        return _turned(why, Failed(why, "run `snapall list`, and choose a backup", "SA-1707")) if why else _DONE
    why = taken_away(state, planned.step, seen.view)
    if not why and (needless := is_needless(planned, seen.view)):
        return UseDecision((StepSkipped(place, needless),))
    if why := why or blocked(planned.step, seen.view):
        text = f"could not {words(planned.step)}: {why}"
        return _turned(why, Failed(text, "check the LUNs of the volume with `lun show -v`", "SA-1702"))
    blind = bool(shows(planned.step, seen.view))
    return UseDecision(send=StepIntent(_next(state), planned.step, place, 0, blind))


_DONE = UseDecision(done=True)


def _next(state: UseState) -> int:
    return max(state.steps, default=0) + 1


def _turn(state: UseState) -> UseDecision | None:
    """Why the plan goes no further; None: it goes on."""
    if (one := state.failed_step) is not None:
        what, why = words(one.step), one.why or "the filer reported success, and a look shows that it was not done"
        if one.seen is None:
            text = f"it is unknown whether the filer did this: {what}: {why}"
            return _turned(why, Failed(text, "check the filer's messages and `snap list`, then decide", "SA-1701"))
        return _turned(why, Failed(f"could not {what}: {why}", "correct that, then try again", "SA-1700"))
    if state.broken:
        return _turned(state.broken, Failed(state.broken, "free some space, then try again", "SA-1706"))
    return _turned("a signal") if state.stopped else None


# Back


def _down(state: UseState, now: datetime) -> UseDecision:
    """Take back what can be taken back. What depends on something that cannot stays, too."""
    stuck: set[str] = set()
    for one, steps in state.undoings:
        left = state.left.get(one.n)
        if left is not None:
            stuck |= paths_of(one.step, *steps) if left.ours else set()
            continue
        if stuck & paths_of(one.step, *steps):
            continue
        seen = state.fresh(volume_of(one.step))
        if seen is None:
            return _look(state, volume_of(one.step), now)
        return _take_back(state, one, steps, seen, now)
    return _DONE


def _not_ours(state: UseState, one: SentStep, steps: tuple[LunStep, ...], seen: Glimpse) -> UseDecision:
    """What was made is gone, or something else is in its place, such as our own clone that somebody has split."""
    there = next(iter(sorted(paths_of(*steps) & set(seen.view.luns))), "") if state.clone_of(one.n) is not None else ""
    left = StepLeft(one.n, "it is not ours", ours=False, there=there)
    if there:
        text = f"could not {words(steps[-1])}: the LUN there is not the clone that {state.header.kind} made any more"
        remedy = (
            "it may have been split by hand: check `lun show -v` and `lun show -m`, then unmap and destroy it there"
        )
        return UseDecision((Failed(text, remedy, "SA-1751"), left))
    what = f"what this journal did can no longer be found, and is left as it is: {words(one.step)}"
    return UseDecision((Warned(what, "check the LUN with `lun show -v`", "SA-1705"), left))


def _take_back(state: UseState, one: SentStep, steps: tuple[LunStep, ...], seen: Glimpse, now: datetime) -> UseDecision:
    if is_undone(state, one, steps, seen.view):
        return UseDecision((StepUndone(one.n),))
    if not is_ours(state, one, steps, seen.view):
        return _not_ours(state, one, steps, seen)
    step = next(step for step in steps if not shows(step, seen.view))
    tried = [
        each
        for each in state.steps.values()
        if (each.undoes, each.step, each.owner) == (one.n, step, state.owner) and not each.seen
    ]
    why = blocked(step, seen.view) or (tried[-1].why or "it had no effect" if len(tried) >= MOST_TRIES else "")
    if why:
        text = f"could not {words(step)}: {why}"
        failed = Failed(text, "correct that, then run `snapall recover`", "SA-1704")
        return UseDecision((failed, StepLeft(one.n, why)))
    quiet = quiet_from(state)
    if quiet is not None and seen.at < quiet:
        return UseDecision(wake=quiet) if now < quiet else _look(state, seen.view.volume, now)
    return UseDecision(send=StepIntent(_next(state), step, undoes=one.n))

"""One mount, restore or take-down from its header to its report, under the lock of its volumes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from snapall.backup.clock import Clock
from snapall.backup.facts import Failed, TakenOver, Warned
from snapall.backup.model import Job
from snapall.errors import Exit, Notify, Refused
from snapall.restore.journal import Use, UseStore
from snapall.restore.loop import LunSystem, Show, UseCase
from snapall.restore.record import TakeDown, UseBegan
from snapall.restore.state import UseState
from snapall.restore.steps import LunStep, StartSplit, is_final
from snapall.restore.wording import words


@dataclass(frozen=True, slots=True)
class UseContext:
    """What a use works with. `jobs`: those that share its volumes."""

    jobs: Sequence[Job]
    luns: LunSystem
    store: UseStore
    clock: Clock
    stopped: Callable[[], bool]
    warn: Notify
    show: Show = lambda _: None

    @contextmanager
    def alone(self, role: str) -> Iterator[None]:
        """Hold the lock of the volumes. Refused: something is not settled there, so that its commands might still act.

        Raises what `lock.hold` raises.
        """
        with self.store.locked(self.jobs, role, self.stopped, self.warn):
            for job in self.jobs:
                what = f"a run of job {job.name}" if self.store.runs.open_runs(job.name) else ""
                open_ = next(self.store.uses(job.name, only_open=True), None)
                what = what or (f"{open_.state.header.kind} {open_.state.header.stamp}" if open_ else "")
                if what:
                    raise Refused(
                        f"{what} is not settled: nothing was changed",
                        "run `snapall recover`, then try again",
                        "SA-1730",
                    )
            yield


def begin(context: UseContext, header: UseBegan, warnings: Sequence[Warned] = ()) -> tuple[UseState, Exit]:
    """Perform a plan, after these warnings. The caller holds the lock."""
    case = UseCase(context.store.begin(header), context.luns, context.clock, context.stopped, context.show)
    case.record(*warnings)
    return _driven(case)


def take_down(context: UseContext, use: Use, by: str, why: str) -> tuple[UseState, Exit]:
    """Take back what a use made. The caller holds the lock."""
    journal = context.store.open(use.path)
    case = UseCase(journal, context.luns, context.clock, context.stopped, context.show)
    case.record(TakenOver(by, why), TakeDown(by, why))
    return _driven(case)


def _driven(case: UseCase) -> tuple[UseState, Exit]:
    try:
        case.drive()
        case.record(*reached(case.state))
        code, text = outcome(case.state)
        case.close(code, text)
    finally:
        case.journal.leave()
    return case.state, code


def remains(state: UseState) -> tuple[str, ...]:
    """What a use that was given up leaves wrong, although `recover` can do no more about it."""
    foreign = tuple(one.there for one in state.left.values() if one.there)
    return foreign + (tuple(words(one) for one in _final(state, False, None)) if state.irrevocable else ())


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
    if isinstance(missing[0], StartSplit):
        remedy = "start what is not done on the filer; until then these clones hold their backup"
    else:
        remedy = "restore what is not done from the same backup, before you power on a VM that uses any of it"
    return (Failed(text, remedy, "SA-1753"),)


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
    asked = down.by != "itself" and not remains(state)
    final = " (after a step that nothing takes back)" if state.irrevocable else ""
    code = Exit.OK if asked else Exit.STOPPED if state.stopped else Exit.FAILED
    return code, f"{kind} {state.header.stamp} was taken down by {down.by}{final}: {down.why}"

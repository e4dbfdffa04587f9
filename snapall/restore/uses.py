"""One mount, restore or take-down from its header to its report, under the lock of its volumes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from snapall.backup.clock import Clock
from snapall.backup.facts import Failed, TakenOver, Warned
from snapall.errors import Exit, Locked, Notify, Refused, SnapallError, Stopped
from snapall.restore.journal import SharedVolumes, Use, UseStore
from snapall.restore.loop import LunSystem, Show, UseCase
from snapall.restore.record import TakeDown, UseBegan
from snapall.restore.state import UseState
from snapall.restore.steps import LunStep, StartSplit, is_final
from snapall.restore.wording import words


@dataclass(frozen=True, slots=True)
class UseContext:
    """What a use works with. `shared`: its volumes, and whose locks guard them."""

    shared: SharedVolumes
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
        with self.store.locked(self.shared.jobs, role, self.stopped, self.warn):
            if what := next(self._unsettled(), ""):
                raise Refused(
                    f"{what} is not settled: nothing was changed",
                    "run `snapall recover`, then try again",
                    "SA-1730",
                )
            yield

    def _unsettled(self) -> Iterator[str]:
        for name in self.shared.jobs:
            if self.store.runs.open_runs(name):
                yield f"a run of job {name}"
        for use in self.store.uses(only_open=True):
            if use.state.header.touches(self.shared.filer, self.shared.volumes):
                yield use.state.header.label

    @contextmanager
    def settling(self, *, wait: bool, yielding: bool) -> Iterator[None]:
        """Hold the lock of the volumes for `recover`. Locked: another process has it, and nobody is to wait.

        Raises what `lock.hold` raises.
        """
        with ExitStack() as locks:
            stopped = self.stopped if wait else lambda: True
            try:
                locks.enter_context(
                    self.store.locked(self.shared.jobs, "recover", stopped, self.warn, yielding=yielding)
                )
            except Stopped:
                if wait or self.stopped():
                    raise
                raise Locked(
                    f"another process works on volume {', '.join(self.shared.volumes)} of {self.shared.filer}",
                    "it may settle the rest itself; otherwise run `snapall recover` when it has ended",
                    "SA-1760",
                ) from None
            yield


class NotYet(SnapallError):
    """What a dead process sent last may still act, so that nothing can be taken back now."""


def begin(context: UseContext, header: UseBegan, warnings: Sequence[Warned] = ()) -> tuple[UseState, Exit]:
    """Perform a plan, after these warnings. The caller holds the lock."""
    case = UseCase(context.store.begin(header), context.luns, context.clock, context.stopped, context.show)
    case.record(*warnings)
    return _driven(case)


def take_down(
    context: UseContext, use: Use, by: str, why: str, patient: Callable[[], bool] = lambda: True
) -> tuple[UseState, Exit]:
    """Take back what a use made. The caller holds the lock. NotYet: it would have to wait, and is not `patient`."""
    journal = context.store.open(use.path)
    case = UseCase(journal, context.luns, context.clock, context.stopped, context.show, patient)
    case.record(TakenOver(by, why), TakeDown(by, why))
    return _driven(case)


def unmount(context: UseContext, use: Use) -> Exit:
    """Take down a mount that stands. The caller holds the lock; a mount that is gone meanwhile is well."""
    if not context.store.now(use).state.stands:
        return Exit.OK
    return take_down(context, use, "unmount", "the operator asked for it")[1]


def settle(context: UseContext, use: Use, *, wait: bool) -> Exit | None:
    """Take down what died half-way, under the lock. None: it was at work, and has ended by itself.

    While it only waits, it lets a run go first. NotYet: it does not `wait`. Raises what `lock.hold` raises.
    """

    def patient() -> bool:
        return wait and not any(map(context.store.runs.wanted, context.shared.jobs))

    yielding = False
    while True:
        with context.settling(wait=wait, yielding=yielding):
            if not context.store.now(use).open:
                return None
            try:
                return take_down(context, use, "recover", "it had not finished", patient)[1]
            except NotYet:
                if not wait:
                    raise
        yielding = True


def _driven(case: UseCase) -> tuple[UseState, Exit]:
    try:
        case.drive()
        if case.due is not None:  # its journal stays open
            raise NotYet(
                f"{case.state.header.label} cannot be settled before {case.due:%H:%M:%S} UTC",
                "run `snapall recover` without --no-wait",
                "SA-1761",
            )
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

"""One mount, restore or take-down from its header to its report, under the lock of its volumes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from snapall.backup.clock import Clock
from snapall.backup.facts import TakenOver, Warned
from snapall.errors import Exit, Locked, Notify, Refused, SnapallError, Stopped
from snapall.restore.ending import outcome, reached
from snapall.restore.journal import RecordedUse, SharedVolumes, UseStore
from snapall.restore.loop import LunSystem, Show, UseCase
from snapall.restore.record import Accepted, TakeDown, UseBegan
from snapall.restore.state import UseState


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
    context: UseContext, use: RecordedUse, by: str, why: str, patient: Callable[[], bool] = lambda: True
) -> tuple[UseState, Exit]:
    """Take back what a use made. The caller holds the lock. NotYet: it would have to wait, and is not `patient`."""
    journal = context.store.open(use.path)
    case = UseCase(journal, context.luns, context.clock, context.stopped, context.show, patient)
    case.record(TakenOver(by, why), TakeDown(by, why))
    return _driven(case)


def unmount(context: UseContext, use: RecordedUse) -> Exit:
    """Take down a mount that stands. The caller holds the lock; a mount that is gone meanwhile is well."""
    if not context.store.now(use).state.stands:
        return Exit.OK
    return take_down(context, use, "unmount", "the operator asked for it")[1]


def accept(context: UseContext, use: RecordedUse) -> None:
    """Note that the operator accepts what a use left wrong: nothing more is said of it. The caller holds the lock."""
    journal = context.store.open(use.path)
    case = UseCase(journal, context.luns, context.clock, context.stopped, context.show)
    try:
        case.record(Accepted())
        case.close(Exit.OK, f"what {use.state.header.label} left is accepted")
    finally:
        journal.leave()


def settle(context: UseContext, use: RecordedUse, *, wait: bool) -> Exit | None:
    """Take down what died half-way, under the lock; look again at what it left wrong, and say so again.

    None: it was at work, and has ended by itself. While it only waits, it lets a run go first. NotYet: it does not
    `wait`. Raises what `lock.hold` raises.
    """

    def patient() -> bool:
        return wait and not any(map(context.store.runs.wanted, context.shared.jobs))

    yielding = False
    while True:
        with context.settling(wait=wait, yielding=yielding):
            if not context.store.now(use).unfinished:
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

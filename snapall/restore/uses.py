"""One mount, restore or take-down from its header to its report, under the lock of its volumes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from snapall.backup.clock import Clock
from snapall.backup.facts import TakenOver
from snapall.backup.model import Job
from snapall.errors import Exit, Notify, Refused
from snapall.restore.journal import Use, UseStore
from snapall.restore.loop import LunSystem, Show, UseCase
from snapall.restore.record import TakeDown, UseBegan
from snapall.restore.state import UseState


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


def begin(context: UseContext, header: UseBegan) -> tuple[UseState, Exit]:
    """Perform a plan. The caller holds the lock."""
    case = UseCase(context.store.begin(header), context.luns, context.clock, context.stopped, context.show)
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
        code, text = outcome(case.state)
        case.close(code, text)
    finally:
        case.journal.leave()
    return case.state, code


def outcome(state: UseState) -> tuple[Exit, str]:
    """The exit code of a use, and the sentence that says how it ended."""
    kind, down = state.header.kind, state.down
    if state.outstanding:
        return Exit.FAILED, f"{kind} {state.header.stamp}: something is left; run `snapall recover`"
    if down is None:
        return Exit.OK, f"{kind} {state.header.stamp} is done"
    asked = down.by != "itself"
    final = " (after a step that nothing takes back)" if state.irrevocable else ""
    code = Exit.OK if asked else Exit.STOPPED if state.stopped else Exit.FAILED
    return code, f"{kind} {state.header.stamp} was taken down by {down.by}{final}: {down.why}"

"""The loop: decide, write the intents, act on threads, write the answers, decide anew.

It is all that has effects between a run's first quiesce and its report, and it decides nothing.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from snapall.backup.actions import Action, Decision, LookAtVms, ReadVolume, Send
from snapall.backup.case import Case
from snapall.backup.context import Site, defect, unclaimed
from snapall.backup.decide import decide
from snapall.backup.facts import Answered, Fact, Failed, Intent, LeftOut, Started, StopAsked, Warned
from snapall.backup.phases import VmPhase
from snapall.backup.record import Stage, StageBegan, StageEnded
from snapall.backup.sight import DatabaseSilent, FilerSilent, JournalBroken, VmsSeen, VolumeSeen
from snapall.backup.steps import Capture, Quiesce, Release, Unknown
from snapall.errors import JournalError, SiteError

BEAT = 5.0  # seconds between two signs of life
LONGEST_LOOK = 300.0  # seconds after which the database is taken for silent, whatever its driver does


@dataclass(eq=False, slots=True)
class _Running:
    """An action under way."""

    case: Case
    action: Action
    n: int = 0
    began: float = 0.0
    version: int = 0  # of the state when it began
    asked: datetime | None = None


@dataclass(slots=True)
class _Inbox:
    """Answers from the threads, in their order."""

    items: deque[Callable[[], None]] = field(default_factory=deque)
    arrived: threading.Event = field(default_factory=threading.Event)

    def put(self, item: Callable[[], None]) -> None:
        self.items.append(item)
        self.arrived.set()


class Engine:
    """Works on one run, or on several at once, until their owners have nothing more to do."""

    def __init__(self, *cases: Case, beside: Case | None = None) -> None:
        """`beside`: the run that does this, if it is none of these; its guardian waits for signs of life, too."""
        self._cases = cases
        self._living = cases if beside is None else (*cases, beside)
        self._context = cases[0].context
        self._inbox = _Inbox()
        self._running: list[_Running] = []
        self._stages: dict[Stage, float] = {}
        self._defects: list[Exception] = []

    def drive(self) -> None:
        """Come back when all is done; an answer that comes later is for nobody.

        A defect in the decisions about one run is raised when the others are done.
        """
        try:
            while not self._pass():
                pass
        finally:
            self._stages_ended(over=True)
        for error in self._defects:
            raise error

    def _pass(self) -> bool:
        wakes = [self._wake_of(case) for case in self._cases]
        self._stages_ended()
        if all(case.finished for case in self._cases):
            return True
        self._beat()
        self._give_up()
        self._wait(min((wake for wake in wakes if wake is not None), default=None))
        self._inbox.arrived.clear()
        while self._inbox.items:
            self._inbox.items.popleft()()
        return False

    def _wake_of(self, case: Case) -> datetime | None:
        try:
            return self._turn(case).wake
        except Exception as error:
            if len(self._cases) == 1:
                raise
            self._defects.append(error)
            self._cases = tuple(one for one in self._cases if one is not case)
            return None

    def _turn(self, case: Case) -> Decision:
        """Decide until nothing new follows, and begin what is decided."""
        if self._context.stopped() and case.state.stopped_at is None:
            case.record(StopAsked())
        while True:
            broken = case.state.broken
            decision = decide(case.state, self._context.clock.utc(), case.owner_policy)
            actions = [action for action in decision.actions if self._may_begin(case, action)]
            left_out = self._begin(case, decision.records, actions)
            only_waits = not (actions or self._works_on(case) or decision.done) and case.give_way()
            if not (decision.records or left_out or only_waits) and case.state.broken == broken:
                break
        case.finished = decision.done and not any(one.case is case and _matters(one) for one in self._running)
        if not self._running:
            case.show_waiting(decision)
        return decision

    def _works_on(self, case: Case) -> bool:
        return any(one.case is case for one in self._running)

    # Actions

    def _may_begin(self, case: Case, action: Action) -> bool:
        """A filer is asked one thing at a time, the database one question for each run."""
        if isinstance(action, LookAtVms):
            return not any(one.case is case and isinstance(one.action, LookAtVms) for one in self._running)
        if _on_filer(action):
            host = case.state.header.filer
            return not any(_on_filer(one.action) and one.case.state.header.filer == host for one in self._running)
        return True

    def _begin(self, case: Case, records: Sequence[Fact], actions: Sequence[Action]) -> bool:
        """Write the intents of one decision, all at once; then act. Whether another run's VMs were left out."""
        creates = [one.step.vm.id for one in actions if isinstance(one, Send) and isinstance(one.step, Quiesce)]
        try:
            with case.claims(creates) if creates else unclaimed(()) as taken:
                begun, left = [], []
                for action in actions:
                    vm = action.step.vm.id if isinstance(action, Send) and isinstance(action.step, Quiesce) else None
                    if vm is not None and vm in taken:
                        left.append(LeftOut(vm, taken[vm]))
                    else:
                        begun.append(action)
                running = self._intend(case, [*records, *left], begun)
        except JournalError as error:  # whether another run owns a VM cannot be asked: nothing new may begin
            case.observe(JournalBroken(str(error)))
            return False
        for one in running:
            self._start(one)
        self._preconnect(case, begun)
        return bool(left)

    def _intend(self, case: Case, records: Sequence[Fact], actions: Sequence[Action]) -> list[_Running]:
        running = [
            _Running(case, action, case.journal.number() if isinstance(action, Send) else 0) for action in actions
        ]
        intents = [Intent(one.n, one.action.step) for one in running if isinstance(one.action, Send)]
        try:
            if intents:
                case.write(*records, *intents)
            elif records:
                case.record(*records)
            return running
        except JournalError as error:
            case.observe(JournalBroken(str(error)))
            may = [one for one in running if not isinstance(one.action, Send) or isinstance(one.action.step, Release)]
            case.record(*records, *(Intent(one.n, one.action.step) for one in may if isinstance(one.action, Send)))
            return may

    def _start(self, one: _Running) -> None:
        stage = one.action.stage
        if stage not in self._stages:
            self._stages[stage] = self._context.clock.monotonic()
            self._context.publish(StageBegan(stage))
        one.began = self._context.clock.monotonic()
        self._running.append(one)
        one.version, one.asked = one.case.state.version, self._context.clock.utc()
        self._context.threads.start(lambda: self._perform(one))

    def _preconnect(self, case: Case, actions: Sequence[Action]) -> None:
        """Connect to the filer beside what goes on, so that its next command finds the connection: VMs are quiesced."""
        sent = [one.step for one in actions if isinstance(one, Send)]
        last = any(isinstance(step, Quiesce) for step in sent) and not any(
            one.phase is VmPhase.PLANNED for one in case.state.vms.values()
        )
        if last or any(isinstance(step, Capture) for step in sent):
            self._context.threads.start(lambda: _preconnect_now(case))

    # On the threads

    def _perform(self, one: _Running) -> None:
        """Act, and hand the answer to the loop. Whatever is raised here is a defect; what was sent is then unknown."""
        try:
            answer = self._answer(one)
        except BaseException:  # noqa: BLE001 - the loop must hear of it, or it waits for ever
            text, hint = defect()
            answer = lambda: self._broke(one, text, hint)  # noqa: E731
        self._inbox.put(lambda: self._take(one, answer))

    def _answer(self, one: _Running) -> Callable[[], None]:
        case, site, version = one.case, one.case.context.site, one.version
        match one.action:
            case Send(_, step):
                outcome = site.perform(step, lambda child: self._inbox.put(lambda: case.record(Started(one.n, child))))
                seconds = self._context.clock.monotonic() - one.began
                return lambda: case.record(Answered(one.n, outcome, seconds))
            case LookAtVms() as look:
                seen = _look(site, look, version)
                return lambda: self._looked(case, seen, one.asked)
            case ReadVolume(_, volume):
                try:
                    rows = site.listing(volume)
                except SiteError as error:
                    silent = FilerSilent(volume, version, error.message, error.hint)
                    return lambda: case.observe(silent)
                return lambda: case.observe(VolumeSeen(volume, rows, version), one.asked)

    def _take(self, one: _Running, answer: Callable[[], None]) -> None:
        if one in self._running:  # else it was given up on
            self._running.remove(one)
            answer()

    def _give_up(self) -> None:
        """Wait no longer for calls that their own timeouts should have ended: the release must not hang on them."""
        now = self._context.clock.monotonic()
        for one in [one for one in self._running if now - one.began >= _patience(one)]:
            self._running.remove(one)
            self._unanswered(one, f"no answer within {_patience(one):g} s")

    def _looked(self, case: Case, seen: VmsSeen | DatabaseSilent, asked: datetime | None) -> None:
        if isinstance(seen, DatabaseSilent) and case.state.database is None:
            case.record(Warned(f"cannot look for VM snapshots: {seen.why}", seen.hint))
        case.observe(seen, asked)

    def _broke(self, one: _Running, text: str, hint: str) -> None:
        one.case.record(Failed(text, hint))
        self._unanswered(one, "a defect of snapall")

    def _unanswered(self, one: _Running, why: str) -> None:
        match one.action:
            case Send():
                seconds = self._context.clock.monotonic() - one.began
                one.case.record(Answered(one.n, Unknown(why), seconds))
            case LookAtVms(_, vms):
                one.case.observe(DatabaseSilent(frozenset(vms), one.version, why))
            case ReadVolume(_, volume):
                one.case.observe(FilerSilent(volume, one.version, why))

    # Time

    def _wait(self, wake: datetime | None) -> None:
        """Until an answer comes, until the moment of the next decision, or until a signal."""
        clock = self._context.clock
        beat = clock.utc() + timedelta(seconds=BEAT)
        until = beat if wake is None or (self._running and beat < wake) else wake
        length = max(0.0, (until - clock.utc()).total_seconds())
        end = clock.monotonic() + length
        known = self._context.stopped()

        def signalled() -> bool:
            return self._context.stopped() and not known

        if self._running:
            self._context.threads.wait(self._inbox.arrived, lambda: signalled() or clock.monotonic() >= end)
        else:
            while not signalled() and not self._wanted() and (left := end - clock.monotonic()) > 0:
                clock.wait(min(BEAT, left), signalled)
                self._beat()

    def _wanted(self) -> bool:
        """Whether a run waits for a lock under which nothing is done but waiting."""
        return any(not case.finished and not case.yielded and case.wanted() for case in self._cases)

    def _beat(self) -> None:
        for case in self._living:
            case.journal.beat()

    def _stages_ended(self, *, over: bool = False) -> None:
        """A stage is over when nothing of it is under way."""
        under_way = set() if over else {one.action.stage for one in self._running}
        for stage in [stage for stage in self._stages if stage not in under_way]:
            seconds = self._context.clock.monotonic() - self._stages.pop(stage)
            self._context.publish(StageEnded(stage, seconds))


def _on_filer(action: Action) -> bool:
    match action:
        case Send(_, step):
            return not isinstance(step, Quiesce | Release)
        case LookAtVms():
            return False
        case ReadVolume():
            return True


def _patience(one: _Running) -> float:
    """Seconds after which a call is given up on. Those of vcbsnapshot have their timeouts in the configuration."""
    if isinstance(one.action, LookAtVms):
        return LONGEST_LOOK
    return 60 + 2 * one.case.state.header.pace.filer_timeout if _on_filer(one.action) else math.inf


def _matters(one: _Running) -> bool:
    """Whether the end waits for it: a create that hangs, or a filer that does, is given up on by the decisions."""
    return isinstance(one.action, Send) and isinstance(one.action.step, Release)


def _look(site: Site, look: LookAtVms, version: int) -> VmsSeen | DatabaseSilent:
    vms = frozenset(look.vms)
    ended = tuple(n for n, child in look.programs if child is None or not site.alive(child))
    try:
        rows = site.vm_snapshots(look.vms, look.ssids)
        unlisted = [vm for vm in look.vms if not any(row.vm == vm for row in rows)]
        asked = sorted({*unlisted, *look.moved})
        hosts = site.registered(asked) if asked else {}
        registered = frozenset(look.vms).difference(unlisted) | frozenset(hosts)
    except SiteError as error:
        return DatabaseSilent(vms, version, error.message, error.hint, ended)
    return VmsSeen(vms, rows, registered, version, ended, hosts)


def _preconnect_now(case: Case) -> None:
    with suppress(Exception):  # the command will find out by itself, and tell
        case.context.site.preconnect()

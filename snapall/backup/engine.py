"""The loop: decide, write the intents, act on threads, write the answers, decide anew.

Between a run's first quiesce and its report it alone has effects, and it decides nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from snapall.backup.actions import Action, Decision, LookAtVms, Send, needs_no_intent
from snapall.backup.case import Case
from snapall.backup.context import defect, unclaimed
from snapall.backup.decide import decide
from snapall.backup.facts import Fact, Failed, Intent, LeftOut, StopAsked
from snapall.backup.phases import VmPhase
from snapall.backup.record import Stage, StageBegan, StageEnded
from snapall.backup.running import Effect, Running, on_filer, preconnect
from snapall.backup.sight import JournalBroken
from snapall.backup.steps import Capture, Quiesce
from snapall.errors import JournalError

BEAT = 5.0  # seconds between two heartbeats


@dataclass(slots=True)
class _Inbox:
    """What the threads have to say, in order, and whether a decision may follow from it."""

    items: deque[tuple[Effect, bool]] = field(default_factory=deque)
    arrived: threading.Event = field(default_factory=threading.Event)

    def put(self, item: Effect) -> None:
        """Hand over an answer."""
        self.items.append((item, True))
        self.arrived.set()

    def note(self, item: Effect) -> None:
        """Hand over what changes no decision, such as the start of a program."""
        self.items.append((item, False))
        self.arrived.set()


class Engine:
    """Works on one run, or on several at once, until nothing is left to do."""

    def __init__(self, *cases: Case, beside: Case | None = None) -> None:
        """`beside`: the run that settles these, if it is another one: its guardian watches its heartbeat, too."""
        self._cases = cases
        self._living = cases if beside is None else (*cases, beside)
        self._context = cases[0].context
        self._inbox = _Inbox()
        self._running: list[Running] = []
        self._stages: dict[Stage, float] = {}
        self._defects: list[Exception] = []
        self._beaten = float("-inf")  # when, on the monotonic clock

    def drive(self) -> None:
        """Work until all is done; later answers are dropped.

        A defect in the decisions about one run is raised once the others are done.
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
        self._take_in()
        return False

    def _take_in(self) -> bool:
        """Take in what has arrived; whether a decision may follow from it, as from a journal that just broke."""
        self._inbox.arrived.clear()
        broken, decisive = [case.state.broken for case in self._cases], False
        while self._inbox.items:
            item, answers = self._inbox.items.popleft()
            item()
            decisive |= answers
        return decisive or broken != [case.state.broken for case in self._cases]

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
        case.finished = decision.done and not any(one.case is case and one.removes for one in self._running)
        if not self._running:
            case.show_waiting(decision)
        return decision

    def _works_on(self, case: Case) -> bool:
        return any(one.case is case for one in self._running)

    # Actions

    def _may_begin(self, case: Case, action: Action) -> bool:
        """A filer gets one command at a time, the database one query for each run."""
        if isinstance(action, LookAtVms):
            return not any(one.case is case and isinstance(one.action, LookAtVms) for one in self._running)
        if on_filer(action):
            host = case.state.header.filer
            return not any(on_filer(one.action) and one.case.state.header.filer == host for one in self._running)
        return True

    def _begin(self, case: Case, records: Sequence[Fact], actions: Sequence[Action]) -> bool:
        """Write the intents of one decision at once, then act. Whether VMs of other runs were left out."""
        creates = {one.step.vm.id: one for one in actions if isinstance(one, Send) and isinstance(one.step, Quiesce)}
        try:
            with case.claims(creates.keys()) if creates else unclaimed(()) as taken:
                left = [LeftOut(vm, taken[vm]) for vm in creates if vm in taken]
                dropped = [creates[fact.vm] for fact in left]
                begun = [action for action in actions if action not in dropped]
                running = self._intend(case, [*records, *left], begun)
        except JournalError as error:  # nobody can say whether another run has a VM: nothing new may begin
            case.observe(JournalBroken(str(error)))
            return False
        for one in running:
            self._start(one)
        self._preconnect(case, begun)
        return bool(left)

    def _intend(self, case: Case, records: Sequence[Fact], actions: Sequence[Action]) -> list[Running]:
        running = [
            Running(case, action, case.journal.number() if isinstance(action, Send) else 0) for action in actions
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
            may = [one for one in running if needs_no_intent(one.action)]
            case.record(*records, *(Intent(one.n, one.action.step) for one in may if isinstance(one.action, Send)))
            return may

    def _start(self, one: Running) -> None:
        stage = one.action.stage
        if stage not in self._stages:
            self._stages[stage] = self._context.clock.monotonic()
            self._context.publish(StageBegan(stage))
        one.began, one.sent = self._context.clock.monotonic(), self._context.clock.utc()
        one.version = one.case.state.version
        self._running.append(one)
        self._context.threads.start(lambda: self._perform(one))

    def _preconnect(self, case: Case, actions: Sequence[Action]) -> None:
        """Connect to the filer now, so that its next command need not: VMs are quiesced meanwhile."""
        sent = [one.step for one in actions if isinstance(one, Send)]
        last = any(isinstance(step, Quiesce) for step in sent) and not any(
            one.phase is VmPhase.PLANNED for one in case.state.vms.values()
        )
        if last or any(isinstance(step, Capture) for step in sent):
            self._context.threads.start(lambda: preconnect(case))

    # On the threads

    def _perform(self, one: Running) -> None:
        """Act, and hand the answer to the loop. Whatever this raises is a defect; the outcome is then unknown."""
        try:
            answer = one.perform(self._inbox.note)
        except BaseException:  # noqa: BLE001 - the loop must hear of it, or it waits forever
            failure = Failed(*defect())
            answer = lambda: self._broke(one, failure)  # noqa: E731
        self._inbox.put(lambda: self._take(one, answer))

    def _take(self, one: Running, answer: Callable[[], None]) -> None:
        if one in self._running:  # else the loop has given up on it
            self._running.remove(one)
            answer()

    def _give_up(self) -> None:
        """Give up on calls that have outlived their own timeouts: the release must not hang on them."""
        now = self._context.clock.monotonic()
        for one in [one for one in self._running if now - one.began >= one.patience]:
            self._running.remove(one)
            one.unanswered(f"no answer within {one.patience:g} s")

    def _broke(self, one: Running, failure: Failed) -> None:
        one.case.record(failure)
        one.unanswered("a bug in snapall")

    # Time

    def _wait(self, wake: datetime | None) -> None:
        """Wait for an answer, for the time of the next decision, or for a signal."""
        clock = self._context.clock
        beat = clock.utc() + timedelta(seconds=BEAT)
        until = beat if wake is None or (self._running and beat < wake) else wake
        length = max(0.0, (until - clock.utc()).total_seconds())
        end = clock.monotonic() + length
        known = self._context.stopped()

        def signalled() -> bool:
            return self._context.stopped() and not known

        def over() -> bool:
            return signalled() or clock.monotonic() >= end

        if self._running:
            while self._context.threads.wait(self._inbox.arrived, over) and not self._take_in() and not over():
                pass
        else:
            while not signalled() and not self._wanted() and (left := end - clock.monotonic()) > 0:
                clock.wait(min(BEAT, left), signalled)
                self._beat()

    def _wanted(self) -> bool:
        """Whether a run waits for a lock while its holder does nothing but wait."""
        return any(not case.finished and not case.yielded and case.wanted() for case in self._cases)

    def _beat(self) -> None:
        """Renew the heartbeats, if the last ones are a second old: with many VMs an answer comes every few ms."""
        now = self._context.clock.monotonic()
        if now - self._beaten >= 1.0:
            self._beaten = now
            for case in self._living:
                case.journal.beat()

    def _stages_ended(self, *, over: bool = False) -> None:
        """A stage has ended when nothing of it is under way."""
        under_way = set() if over else {one.action.stage for one in self._running}
        for stage in [stage for stage in self._stages if stage not in under_way]:
            seconds = self._context.clock.monotonic() - self._stages.pop(stage)
            self._context.publish(StageEnded(stage, seconds))

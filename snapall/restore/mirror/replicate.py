"""The loop of a replication: decide, journal the intent, send, look, until every relation is settled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

from snapall.backup.clock import Clock
from snapall.backup.facts import Failed
from snapall.backup.record import Waiting
from snapall.backup.steps import Done, Refusal
from snapall.errors import SiteError, SnapallError, Stopped
from snapall.restore.mirror.client import Mirrors
from snapall.restore.mirror.decide import LookAt, MirrorAction, MirrorPolicy, SendMirrorStep, decide_mirror, not_begun
from snapall.restore.mirror.journal import ReplicationJournal
from snapall.restore.mirror.relations import MirrorStep, RelationView, Update
from snapall.restore.mirror.replication import (
    Look,
    MirrorAnswered,
    MirrorAsked,
    MirrorLooked,
    MirrorSettled,
    ReplicationEnded,
    ReplicationFact,
    ReplicationState,
    apply,
)

Clones = Mapping[str, tuple[str, ...]]
"""The snapshots in each volume that a LUN clone rests on."""


@dataclass(frozen=True, slots=True)
class ReplicationContext:
    """What a replication needs of the world. `filers`: the destinations, by name.

    `locked` takes the locks of the source volumes, `clones` looks at the clones in them; both are used only to send.
    """

    filers: Mapping[str, Mirrors]
    clock: Clock
    publish: Callable[[Failed | Waiting], None]
    stopped: Callable[[], bool]
    locked: Callable[[], AbstractContextManager[None]]
    clones: Callable[[], Clones]


class Replication:
    """One replication at work. It ends its journal when all is settled; a signal leaves it to `recover`."""

    def __init__(self, journal: ReplicationJournal, context: ReplicationContext, policy: MirrorPolicy) -> None:
        self._journal, self._context, self._policy = journal, context, policy
        self._state = journal.state
        self._announced = False

    def run(self, *, wait: bool = True) -> ReplicationState:
        """Go on until every step is settled, a signal comes, or, without `wait`, there is nothing to do at once."""
        while any(one.settled is None for one in self._state.tasks.values()):
            if self._context.stopped():
                return self._state
            self._act_on(self._decide({}))
            if self._act_on(self._decide({}, looked=True)):
                continue
            if not wait:
                return self._state
            self._pause()
        self._note(ReplicationEnded(len(self._state.failures)))
        return self._state

    def _decide(self, clones: Clones, *, looked: bool = False) -> tuple[MirrorAction, ...]:
        return decide_mirror(self._state, self._context.clock.utc(), self._policy, clones, looked=looked)

    def _act_on(self, actions: tuple[MirrorAction, ...]) -> bool:
        for one in actions:
            if not self._context.stopped():
                self._act(one)
        return bool(actions)

    def _act(self, action: MirrorAction) -> None:
        match action:
            case LookAt(step):
                self._look(step)
            case MirrorSettled():
                self._settle(action)
            case SendMirrorStep(step):
                try:
                    with self._context.locked():
                        self._send(step, self._context.clones())
                except Stopped:
                    return
                except SiteError as error:
                    self._settle(not_begun(step, Failed(*error.parts)))

    def _send(self, step: MirrorStep, clones: Clones) -> None:
        """Under the locks no mount can begin: send, unless a clone lies in the source now."""
        again = [one for one in self._decide(clones, looked=True) if one == SendMirrorStep(step) or _settles(one, step)]
        for one in again:
            if isinstance(one, MirrorSettled):
                self._settle(one)
                continue
            self._journal.append([MirrorAsked(step)])
            self._fold(MirrorAsked(step))
            self._note(self._answer(step))

    def _answer(self, step: MirrorStep) -> MirrorAnswered:
        match self._context.filers[step.filer].perform(step):
            case Refusal(why):
                return MirrorAnswered(step, sent=False, complaint=why)
            case Done():
                return MirrorAnswered(step, sent=True)
            case outcome:
                return MirrorAnswered(step, sent=True, complaint=outcome.why if outcome.failed else "")

    def _look(self, step: MirrorStep) -> None:
        try:
            look: Look = self._context.filers[step.filer].look(step)
        except SnapallError as error:
            look = Failed(*error.parts)
        fact = MirrorLooked(step, look)
        if _shown(look) == _shown(self._state.tasks[step].now):
            self._fold(fact)
        else:
            self._note(fact)

    def _settle(self, settled: MirrorSettled) -> None:
        self._note(settled)
        if settled.failure is not None:
            self._context.publish(settled.failure)

    def _note(self, fact: ReplicationFact) -> None:
        self._journal.remember([fact])
        self._fold(fact)

    def _fold(self, fact: ReplicationFact) -> None:
        self._state = apply(self._state, self._context.clock.utc(), fact)

    def _pause(self) -> None:
        clock, began = self._context.clock, self._state.began
        if not self._announced and began is not None:
            going = [one.step.relation.label for one in self._state.tasks.values()
                     if one.settled is None and isinstance(one.step, Update)]  # fmt: skip
            until = clock.utc() + timedelta(seconds=began.wait)
            self._context.publish(Waiting(until, f"replication at work: {', '.join(going) or 'a retained copy'}"))
            self._announced = True
        clock.wait(self._policy.every, self._context.stopped)


def _settles(action: MirrorAction, step: MirrorStep) -> bool:
    return isinstance(action, MirrorSettled) and action.step == step


def _shown(look: Look | None) -> object:
    """What of a look is worth a line in the journal: progress and lag change with every one."""
    match look:
        case RelationView():
            return (look.state, look.status, look.base, look.error, look.source)
        case _:
            return look

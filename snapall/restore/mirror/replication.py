"""One replication after a backup: its records, and the state that they fold to. Pure.

An update is planned, sent, then settled by what `status` shows; nothing that was sent is sent again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from snapall.backup.facts import Failed
from snapall.restore.mirror.relations import CopiesView, KeepCopy, MirrorStep, Relation, RelationView, Update, steps_of

Look = RelationView | CopiesView | Failed
"""What was found by looking; Failed: why the look failed."""


REPLICATION_FORMAT = 1
"""The format of these journals that this version writes."""


@dataclass(frozen=True, slots=True)
class ReplicationBegan:
    """The header: which backup of which job goes where. `volumes`: the job's own. `wait` in seconds."""

    job: str
    stamp: str
    backup: str
    volumes: tuple[str, ...]
    relations: tuple[Relation, ...]
    wait: float = 3600
    format: int = REPLICATION_FORMAT


@dataclass(frozen=True, slots=True)
class MirrorLooked:
    """What a look before or after the step showed."""

    step: Update | KeepCopy
    look: RelationView | CopiesView | Failed


@dataclass(frozen=True, slots=True)
class MirrorAsked:
    """The intent: the step is about to be sent."""

    step: Update | KeepCopy


@dataclass(frozen=True, slots=True)
class MirrorAnswered:
    """What the filer answered. `sent` False: nothing was sent. `complaint`: why, or what it complained of."""

    step: Update | KeepCopy
    sent: bool
    complaint: str = ""


@dataclass(frozen=True, slots=True)
class MirrorSettled:
    """How the step ended. `failure` None: the look shows that it was done."""

    step: Update | KeepCopy
    failure: Failed | None = None


@dataclass(frozen=True, slots=True)
class ReplicationEnded:
    """The last record: nothing is outstanding."""

    failures: int


ReplicationFact = ReplicationBegan | MirrorLooked | MirrorAsked | MirrorAnswered | MirrorSettled | ReplicationEnded


@dataclass(frozen=True, slots=True)
class ReplicationTask:
    """One step: what was seen before it was sent, what is seen now (None after it was sent), and how it ended."""

    step: MirrorStep
    before: Look | None = None
    now: Look | None = None
    looked_at: datetime | None = None
    asked_at: datetime | None = None
    refused: str = ""
    complaint: str = ""
    settled: MirrorSettled | None = None

    @property
    def done(self) -> bool:
        """Whether a look has shown that it was done."""
        return self.settled is not None and self.settled.failure is None


@dataclass(frozen=True, slots=True)
class ReplicationState:
    """All tasks of one replication, in the order of their steps."""

    began: ReplicationBegan | None = None
    began_at: datetime | None = None
    tasks: Mapping[MirrorStep, ReplicationTask] = field(default_factory=dict)
    ended: bool = False

    @property
    def open(self) -> bool:
        """Whether something that was begun is not settled."""
        return self.began is not None and not self.ended

    @property
    def failures(self) -> tuple[Failed, ...]:
        """Why steps were not done, in order."""
        settled = (one.settled for one in self.tasks.values())
        return tuple(one.failure for one in settled if one is not None and one.failure is not None)


def apply(state: ReplicationState, at: datetime, fact: ReplicationFact) -> ReplicationState:
    """Take one record in: the only place that interprets them."""
    match fact:
        case ReplicationBegan():
            return ReplicationState(fact, at, {step: ReplicationTask(step) for step in steps_of(fact.relations)})
        case ReplicationEnded():
            return replace(state, ended=True)
        case MirrorLooked() | MirrorAsked() | MirrorAnswered() | MirrorSettled():
            task = state.tasks.get(fact.step, ReplicationTask(fact.step))
            return replace(state, tasks={**state.tasks, fact.step: _after(task, at, fact)})
    assert_never(fact)


def _after(
    task: ReplicationTask, at: datetime, fact: MirrorLooked | MirrorAsked | MirrorAnswered | MirrorSettled
) -> ReplicationTask:
    match fact:
        case MirrorLooked(_, look):
            return replace(task, now=look, looked_at=at)
        case MirrorAsked():
            return replace(task, before=task.now, now=None, looked_at=None, asked_at=at)
        case MirrorAnswered(_, sent, complaint):
            return replace(task, refused="" if sent else complaint, complaint=complaint if sent else "")
        case MirrorSettled():
            return replace(task, settled=fact)
    assert_never(fact)

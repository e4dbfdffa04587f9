"""What happens at one call to the filer: a death of the process, a power cut, or a fault of the lab."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from snapall.drill.disk import Damage, DurableFolder
from snapall.lab.faults import Fault, FaultKind
from snapall.lab.filershell import Ending, FilerShell
from snapall.lab.ledger import changes
from snapall.lab.world import World
from snapall.site.filer import FilerReply, NoAnswer, NotSent, sendable

DEAD = 9
"""How a forked process ends that is killed."""


class Blow(StrEnum):
    """What happens."""

    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"
    KILLED_LATE = "killed, acts late"
    CUT_BEFORE = "power cut before"
    CUT_AFTER = "power cut after"
    CUT_AT_SYNC = "power cut at fsync"
    REFUSED = "not taken"
    FAILED = "error"
    LOST = "no answer"
    UNANSWERED = "acts, no answer"
    LATE = "acts late"
    LIE = "done, does not act"


KILLS = {Blow.KILLED_BEFORE, Blow.KILLED_AFTER, Blow.KILLED_LATE}
CUTS = {Blow.CUT_BEFORE, Blow.CUT_AFTER, Blow.CUT_AT_SYNC}
BEFORE = {Blow.KILLED_BEFORE, Blow.CUT_BEFORE}
FAULTS = {
    Blow.REFUSED: Fault("filer", FaultKind.REFUSE),
    Blow.FAILED: Fault("filer", FaultKind.FAIL),
    Blow.LOST: Fault("filer", FaultKind.DROP),
    Blow.UNANSWERED: Fault("filer", FaultKind.ACT_NO_ANSWER),
    Blow.LIE: Fault("filer", FaultKind.LIE),
    Blow.LATE: Fault("filer", FaultKind.ACT_LATE, seconds=60, wait=30),  # within the filer's timeout, 120 s
    Blow.KILLED_LATE: Fault("filer", FaultKind.ACT_LATE, seconds=60),
}
AT_A_LOOK = (Blow.REFUSED, Blow.FAILED, Blow.LOST)
BEFORE_A_LOOK = (Blow.KILLED_BEFORE, Blow.CUT_BEFORE)
BEFORE_A_NIGHT = (Blow.KILLED_AFTER, Blow.KILLED_LATE, Blow.LATE)
AT_A_CHANGE = tuple(one for one in Blow if one not in {Blow.CUT_BEFORE, Blow.CUT_AT_SYNC})


@dataclass(frozen=True, slots=True)
class Strike:
    """The blow, and at which call, or fsync, counted from 1; 0: never. Who settles."""

    blow: Blow = Blow.FAILED
    at: int = 0
    night: bool = False  # whether the next nightly run comes before `recover`

    @property
    def damage(self) -> Damage:
        """What becomes of what was not synced, in turn."""
        return tuple(Damage)[self.at % len(Damage)]


def strikes(calls: Sequence[str], syncs: int) -> Iterator[Strike]:
    """All blows at an operation that makes these calls and so many fsyncs.

    Nothing is written between the commands of one look: dying before the first of them stands for all, and one of them
    fails, another one in each look.
    """
    numbered = enumerate(calls, 1)
    for look, (acts, group) in enumerate(itertools.groupby(numbered, lambda one: changes(one[1].split()))):
        places = [at for at, _ in group]
        if acts:
            yield from (Strike(blow, at) for at in places for blow in AT_A_CHANGE)
            yield from (Strike(blow, at, night=True) for at in places for blow in BEFORE_A_NIGHT)
        else:
            yield from (Strike(blow, places[0]) for blow in BEFORE_A_LOOK)
            yield Strike(AT_A_LOOK[look % len(AT_A_LOOK)], places[look % len(places)])
    yield from (Strike(Blow.CUT_AT_SYNC, at) for at in range(1, syncs + 1))


class WorldClock:
    """The lab's standing clock: whoever waits sets it forward."""

    def __init__(self, world: World) -> None:
        self._world = world

    def utc(self) -> datetime:
        return self._world.now()

    def monotonic(self) -> float:
        return self.utc().timestamp()

    def wait(self, seconds: float, until: Callable[[], bool]) -> None:
        if not until():
            self._world.advance(max(seconds, 0.001))


@dataclass
class LabFiler:
    """The way to the lab's filer in this process; one call of it is struck. `state`: the folder that a power cut hits.

    A filer that does not take a command hangs up before, as over ssh: it is known that nothing was sent.
    """

    world: World
    strike: Strike = Strike()
    state: Path | None = None
    sent: list[str] = field(default_factory=list)
    syncs: int = 0
    _disk: DurableFolder | None = None

    def __post_init__(self) -> None:
        """With a folder, count its fsyncs, and remember what they made durable. This process dies soon."""
        self._shell = FilerShell(self.world)
        if self.state is not None:
            self._disk = DurableFolder.of(self.state)
            self._disk.listen(before=self._synced)

    def preconnect(self) -> None:
        """There is nothing to open."""

    def command_line(self, command: str) -> str:
        return f"ssh filer1 {command}"

    def run(self, command: str) -> FilerReply:
        sendable(command)
        self.sent.append(command)
        here, blow = len(self.sent) == self.strike.at, self.strike.blow
        here = here and blow is not Blow.CUT_AT_SYNC
        if here and blow in BEFORE:
            self._die()
        if here and blow in FAULTS:
            self.world.add_faults(FAULTS[blow])
        reply = self._shell.answer(command, "ssh", "snapall")
        if here and blow in KILLS | CUTS:
            self._die()
        self.world.wait(reply.wait)
        if reply.ending is Ending.REFUSE:
            raise NotSent("the filer hung up", "see the filer")
        if reply.ending is Ending.DROP:
            raise NoAnswer("the filer gave no whole answer", "look")
        return FilerReply(reply.stdout, reply.stderr)

    def _synced(self) -> None:
        self.syncs += 1
        if (self.strike.blow, self.strike.at) == (Blow.CUT_AT_SYNC, self.syncs):
            self._die()

    def _die(self) -> None:
        if self.strike.blow in CUTS and self._disk is not None:
            self._disk.cut(self.strike.damage)
        os._exit(DEAD)

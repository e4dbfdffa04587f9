"""What is tried: a cell is one run, struck at one of its external calls, and who settles it afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle, product
from random import Random
from typing import Literal

from snapall.backup.model import Job
from snapall.drill.disk import Damage
from snapall.lab.faults import FaultKind

Transport = Literal["ssh", "rsh"]
LATE = 1.0  # seconds after which a late call acts, although its caller is dead


class System(StrEnum):
    """Who is called."""

    VCB = "vcbsnapshot"
    FILER = "filer"
    DATABASE = "database"
    GUARDIAN = "guardian"  # the start of its process


@dataclass(frozen=True, slots=True)
class ExternalCall:
    """One external call of a whole run: the `n`th of its system, from 1, for calls to two systems may overtake."""

    system: System
    n: int
    what: str

    @property
    def label(self) -> str:
        """`filer call 4 (snap create)`."""
        return f"{self.system} call {self.n} ({self.what})"


class StrikeTime(StrEnum):
    """When the run dies, or what its call meets instead."""

    BEFORE = "killed before"
    DURING = "killed during"  # the call goes on by itself and acts
    AFTER = "killed after"  # it acted, but was not answered yet
    LATE = "killed, acts late"
    REFUSE = "refused"
    HANG = "hangs"
    DROP = "dropped"
    NO_ANSWER = "acts, no answer"
    ACT_LATE = "gives up, acts late"


KILLS = (StrikeTime.BEFORE, StrikeTime.DURING, StrikeTime.AFTER, StrikeTime.LATE)
CUTS = (StrikeTime.BEFORE, StrikeTime.AFTER, StrikeTime.LATE)  # the kills that may be a power cut as well
FAULTS = (StrikeTime.REFUSE, StrikeTime.HANG, StrikeTime.DROP, StrikeTime.NO_ANSWER, StrikeTime.ACT_LATE)
KINDS = {
    StrikeTime.DURING: (FaultKind.SIGNAL,),
    StrikeTime.AFTER: (FaultKind.SIGNAL_AFTER,),
    StrikeTime.LATE: (FaultKind.SIGNAL, FaultKind.ACT_LATE),
    StrikeTime.REFUSE: (FaultKind.FAIL,),
    StrikeTime.HANG: (FaultKind.HANG,),
    StrikeTime.DROP: (FaultKind.DROP,),
    StrikeTime.NO_ANSWER: (FaultKind.ACT_NO_ANSWER,),
    StrikeTime.ACT_LATE: (FaultKind.ACT_LATE,),
}
"""The lab's faults that bring about what the run does not do to itself."""

_TIMES = {
    System.VCB: (*KILLS, *FAULTS),
    System.FILER: (*KILLS, *FAULTS),
    System.DATABASE: (StrikeTime.BEFORE, StrikeTime.AFTER, StrikeTime.REFUSE),
    System.GUARDIAN: (StrikeTime.BEFORE,),
}


class Aftermath(StrEnum):
    """Who settles what was left."""

    GUARDIAN = "the guardian alone"
    RECOVER = "recover"
    RUN = "the next run, then recover"


@dataclass(frozen=True, slots=True)
class Strike:
    """What happens at one call."""

    call: ExternalCall
    time: StrikeTime


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of a job on a site of its own, whose filer is reached by `transport`.

    With a `damage` a power cut kills it, and would kill a guardian as well: there is none.
    """

    job: Job
    transport: Transport
    strikes: tuple[Strike, ...]
    aftermath: Aftermath
    damage: Damage | None = None

    @property
    def killed(self) -> bool:
        """Whether the run dies."""
        return any(strike.time in KILLS for strike in self.strikes)

    @property
    def site(self) -> str:
        """`vol1, order safe, rsh`."""
        return f"{self.job.name}, order {self.job.order}, {self.transport}"

    @property
    def label(self) -> str:
        """The whole cell in one line."""
        struck = ", ".join(f"{one.time} {one.call.label}" for one in self.strikes)
        cut = f", power cut, unsynced data {self.damage}" if self.damage else ""
        return f"{self.site}: {struck}{cut}; then {self.aftermath}"


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is tried: runs struck at `times`, power cuts at `cuts`, and a number of `pairs`, sampled by `seed`.

    `thorough`: every cut with each damage; otherwise with one of them, in turn. `every`: one cell in so many.
    """

    times: tuple[StrikeTime, ...] = (*KILLS, *FAULTS)
    cuts: tuple[StrikeTime, ...] = CUTS
    thorough: bool = True
    aftermaths: tuple[Aftermath, ...] = tuple(Aftermath)
    systems: tuple[System, ...] = tuple(System)
    pairs: int = 0
    seed: int = 1
    every: int = 1


QUICK = Extent(
    (StrikeTime.BEFORE, StrikeTime.AFTER), (StrikeTime.AFTER,), thorough=False, aftermaths=(Aftermath.RECOVER,)
)


def cells_of(job: Job, transport: Transport, calls: Sequence[ExternalCall], extent: Extent) -> tuple[Cell, ...]:
    """Every kill at every call with each aftermath; every fault, settled by recover; power cuts; and the pairs."""
    chosen = [call for call in calls if call.system in extent.systems]
    found = []
    for call in chosen:
        for time in (time for time in _TIMES[call.system] if time in extent.times):
            for aftermath in _aftermaths(call, time, extent):
                found.append(Cell(job, transport, (Strike(call, time),), aftermath))
    cuts, pairs = _cuts(job, transport, chosen, extent), _pairs(job, transport, chosen, extent)
    return (*found, *cuts, *pairs)[:: extent.every]


def _aftermaths(call: ExternalCall, time: StrikeTime, extent: Extent) -> tuple[Aftermath, ...]:
    if call.system is System.GUARDIAN:
        return (Aftermath.GUARDIAN,) if Aftermath.GUARDIAN in extent.aftermaths else ()
    return extent.aftermaths if time in KILLS else (Aftermath.RECOVER,)


def _cuts(job: Job, transport: Transport, calls: Sequence[ExternalCall], extent: Extent) -> Iterator[Cell]:
    """Every power cut at every call, with each aftermath but the guardian."""
    turn = cycle(Damage)
    for call in calls:
        times = [time for time in _TIMES[call.system] if time in extent.cuts]
        aftermaths = [one for one in extent.aftermaths if one is not Aftermath.GUARDIAN]
        for time, aftermath in product(times if call.system is not System.GUARDIAN else [], aftermaths):
            for damage in Damage if extent.thorough else [next(turn)]:
                yield Cell(job, transport, (Strike(call, time),), aftermath, damage)


def _pairs(job: Job, transport: Transport, calls: Sequence[ExternalCall], extent: Extent) -> Iterator[Cell]:
    """A fault and then another one, a kill or a power cut; the same ones for the same seed."""
    chance = Random(extent.seed)  # noqa: S311 - a sample, no secret
    sites = [call for call in calls if call.system is not System.GUARDIAN]
    for _ in range(extent.pairs):
        first, second = (sites[n] for n in sorted(chance.sample(range(len(sites)), 2)))
        fault = chance.choice([time for time in _TIMES[first.system] if time in FAULTS])
        then = chance.choice(_TIMES[second.system])
        damage = chance.choice([None, *Damage]) if then in CUTS else None
        aftermath = chance.choice([Aftermath.RECOVER, Aftermath.RUN])
        yield Cell(job, transport, (Strike(first, fault), Strike(second, then)), aftermath, damage)

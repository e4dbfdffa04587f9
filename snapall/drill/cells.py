"""What is tried: one cell is one run, struck at one of its external calls, and how it is settled afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from random import Random
from typing import Literal

from snapall.lab.faults import Kind

Transport = Literal["ssh", "rsh"]
LATE = 0.5  # seconds after which what was asked for comes about, though its caller is gone


class System(StrEnum):
    """Who is called."""

    VCB = "vcbsnapshot"
    FILER = "filer"
    DATABASE = "database"
    GUARDIAN = "guardian"  # its start: no system of the site, but a call all the same


@dataclass(frozen=True, slots=True)
class Call:
    """One external call of a whole run: the `n`th of its system, from 1, since a look at the database may overtake."""

    system: System
    n: int
    what: str

    @property
    def told(self) -> str:
        """As `filer call 4 (snap create)`."""
        return f"{self.system} call {self.n} ({self.what})"


class Moment(StrEnum):
    """When the run dies, or what its call meets instead."""

    BEFORE = "killed before"
    DURING = "killed during"  # the call goes on by itself and acts
    AFTER = "killed after"  # it acted, and was not answered yet
    LATE = "killed, acts late"
    REFUSE = "refused"
    HANG = "hangs"
    DROP = "dropped"
    NO_ANSWER = "acts, no answer"
    ACT_LATE = "gives up, acts late"


KILLS = (Moment.BEFORE, Moment.DURING, Moment.AFTER, Moment.LATE)
FAULTS = (Moment.REFUSE, Moment.HANG, Moment.DROP, Moment.NO_ANSWER, Moment.ACT_LATE)
KINDS = {
    Moment.DURING: Kind.KILL,
    Moment.AFTER: Kind.KILL_AFTER,
    Moment.LATE: Kind.KILL,
    Moment.REFUSE: Kind.FAIL,
    Moment.HANG: Kind.HANG,
    Moment.DROP: Kind.DROP,
    Moment.NO_ANSWER: Kind.ACT_NO_ANSWER,
    Moment.ACT_LATE: Kind.ACT_LATE,
}
"""How the lab brings about what is not done by the run's own hand."""

_MOMENTS = {
    System.VCB: (*KILLS, *FAULTS),
    System.FILER: (*KILLS, *FAULTS),
    System.DATABASE: (Moment.BEFORE, Moment.AFTER, Moment.REFUSE),
    System.GUARDIAN: (Moment.BEFORE,),
}


class Aftermath(StrEnum):
    """Who settles what was left."""

    GUARDIAN = "the guardian alone"
    RECOVER = "recover"
    RUN = "the next run, then recover"


@dataclass(frozen=True, slots=True)
class Strike:
    """What happens at one call."""

    call: Call
    moment: Moment


@dataclass(frozen=True, slots=True)
class Cell:
    """One run on a site of its own. `order` and `transport` are part of the configuration that is tried."""

    order: Literal["safe", "paper"]
    transport: Transport
    strikes: tuple[Strike, ...]
    aftermath: Aftermath

    @property
    def killed(self) -> bool:
        """Whether the run dies of it."""
        return any(strike.moment in KILLS for strike in self.strikes)

    @property
    def told(self) -> str:
        """In one line."""
        struck = ", ".join(f"{one.moment} {one.call.told}" for one in self.strikes)
        return f"order {self.order}, {self.transport}: {struck}; then {self.aftermath}"


def moments_of(call: Call, among: Sequence[Moment]) -> Iterator[Moment]:
    """Those of the moments that this call can meet."""
    yield from (moment for moment in _MOMENTS[call.system] if moment in among)


def kills(
    order: Literal["safe", "paper"], transport: Transport, calls: Sequence[Call], among: Sequence[Aftermath]
) -> Iterator[Cell]:
    """A kill at every call, in every moment, settled in every way."""
    for call, aftermath in product(calls, among):
        if call.system is System.GUARDIAN and aftermath is not Aftermath.GUARDIAN:
            continue
        for moment in moments_of(call, KILLS):
            yield Cell(order, transport, (Strike(call, moment),), aftermath)


def faults(order: Literal["safe", "paper"], transport: Transport, calls: Sequence[Call]) -> Iterator[Cell]:
    """A fault at every call; `recover` settles what the run could not."""
    for call in calls:
        for moment in moments_of(call, FAULTS):
            yield Cell(order, transport, (Strike(call, moment),), Aftermath.RECOVER)


def pairs(
    order: Literal["safe", "paper"], transport: Transport, calls: Sequence[Call], count: int, seed: int
) -> Iterator[Cell]:
    """So many pairs of a fault and of what follows it, a fault or a kill; the same ones for the same seed."""
    chance = Random(seed)  # noqa: S311 - a sample, no secret
    sites = [call for call in calls if call.system is not System.GUARDIAN]
    for _ in range(count):
        first, second = (sites[n] for n in sorted(chance.sample(range(len(sites)), 2)))
        before = chance.choice([*moments_of(first, FAULTS)])
        after = chance.choice([*moments_of(second, (*KILLS, *FAULTS))])
        aftermath = chance.choice([Aftermath.RECOVER, Aftermath.RUN])
        yield Cell(order, transport, (Strike(first, before), Strike(second, after)), aftermath)

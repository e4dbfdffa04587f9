"""What goes wrong at the site, as data: what, and how often; drawn from one seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from snapall.lab.faults import CREATE, NAMED, REMOVE, Fault, FaultKind
from tests.year import use_incidents
from tests.year.in_process import Interruptions
from tests.year.setup import Setup
from tests.year.use_incidents import USE_FAULTS

T = TypeVar("T")
HOUR = 3600.0

# Weights. About every other night nothing goes wrong by itself.
QUIET = 100
FAULTS: dict[str, tuple[int, tuple[Fault, ...]]] = {
    **{name: (3, named.faults) for name, named in NAMED.items()},
    "create-hangs": (4, (Fault(CREATE, FaultKind.HANG, nth=2, seconds=2 * HOUR),)),
    "create-slow": (4, (Fault(CREATE, FaultKind.SLOW, nth=2, seconds=1200),)),
    "create-late": (4, (Fault(CREATE, FaultKind.ACT_LATE, seconds=700, wait=10),)),
    "create-very-late": (2, (Fault(CREATE, FaultKind.ACT_LATE, nth=3, seconds=900, wait=2 * HOUR),)),
    "creates-lost": (3, (Fault(CREATE, FaultKind.ACT_NO_ANSWER, times=0),)),
    "create-torn": (2, (Fault(CREATE, FaultKind.HALF, nth=2),)),
    "create-garbage": (2, (Fault(CREATE, FaultKind.GARBAGE, text="Segmentation fault", exit=139),)),
    "remove-hangs": (3, (Fault(REMOVE, FaultKind.HANG, seconds=6 * HOUR),)),
    "remove-lost": (3, (Fault(REMOVE, FaultKind.ACT_NO_ANSWER, exit=1),)),
    "remove-late": (3, (Fault(REMOVE, FaultKind.ACT_LATE, nth=2, seconds=600, wait=5),)),
    "remove-slow": (2, (Fault(REMOVE, FaultKind.SLOW, seconds=3 * HOUR),)),
    "removals-refused": (3, (Fault(REMOVE, FaultKind.REFUSE, times=0),)),
    "database-lags-minutes": (4, (Fault(CREATE, FaultKind.LAG, times=0, seconds=240),)),
    "database-lags-at-removal": (3, (Fault(REMOVE, FaultKind.LAG, times=0, seconds=300),)),
    "database-down-at-survey": (4, (Fault("version", FaultKind.DATABASE_DOWN),)),
    "database-away-a-while": (4, (Fault(CREATE, FaultKind.DATABASE_DOWN, nth=2, seconds=300),)),
    "filer-goes-down": (4, (Fault("login", FaultKind.REFUSE, nth=6, times=0),)),
    "filer-slow": (3, (Fault("filer", FaultKind.SLOW, times=0, seconds=50),)),
    "filer-login-hangs": (2, (Fault("login", FaultKind.HANG, nth=5, seconds=300),)),
    "capture-late": (3, (Fault("snap create", FaultKind.ACT_LATE, seconds=100, wait=5),)),
    "capture-torn": (2, (Fault("snap create", FaultKind.HALF),)),
    "capture-slow": (3, (Fault("snap create", FaultKind.SLOW, seconds=100),)),
    "list-fails": (3, (Fault("snap list", FaultKind.FAIL, nth=2),)),
    "list-torn": (3, (Fault("snap list", FaultKind.HALF, nth=3),)),
    "list-dropped": (3, (Fault("snap list", FaultKind.DROP, nth=2, times=2),)),
    "rename-lost": (4, (Fault("snap rename", FaultKind.ACT_NO_ANSWER, nth=2),)),
    "rename-refused": (3, (Fault("snap rename", FaultKind.FAIL, nth=3),)),
    "rename-hangs": (2, (Fault("snap rename", FaultKind.HANG, nth=4, seconds=HOUR),)),
    "delete-lost": (3, (Fault("snap delete", FaultKind.ACT_NO_ANSWER),)),
    "delete-dropped": (3, (Fault("snap delete", FaultKind.DROP),)),
    "mirror-refuses": (3, (Fault("snapmirror update", FaultKind.FAIL),)),
    "mirror-update-lost": (3, (Fault("snapmirror update", FaultKind.ACT_NO_ANSWER),)),
    "transfers-break-off": (4, (Fault("snapmirror status", FaultKind.BREAK_OFF, nth=3, text="cannot connect"),)),
    "mirror-unreachable": (3, (Fault("snapmirror", FaultKind.REFUSE, times=0),)),
    "vault-refuses": (3, (Fault("snapvault update", FaultKind.FAIL),)),
    "vault-unreachable": (3, (Fault("snapvault", FaultKind.DROP, nth=2, times=0),)),
    "copy-not-kept": (3, (Fault("snapvault snap create", FaultKind.LIE),)),
}

# Of a hundred nights so many. `touch` counts the moments at which a command meets the world; a run has about 50.
KILLED, SIGNALLED, CLOCK_SET = 9, 5, 5
LAST_TOUCH = 60
CLOCK_STEPS = (-600.0, 600.0, -86400.0, 86400.0)
FAULT_STAYS = 30  # of a hundred faults so many last beyond the morning

MORNINGS = (("nothing", 4), ("recover", 4), ("recover --no-wait", 2), ("guardian", 3))
KILLED_AGAIN = 10  # of a hundred mornings' recovers so many are killed, too

TIDIED = 15  # of a hundred days on which snapall warns of orphaned snapshots, so many see them deleted by hand
OPERATORS = 22  # of a hundred days so many bring one of these
INTERFERENCE = (
    ("renames a snapshot of the chain", 3),
    ("deletes a snapshot of the chain", 3),
    ("takes a snapshot of the chain's name", 2),
    ("mirrors a snapshot for some nights", 4),
    ("clones the oldest snapshot for some nights", 3),
    ("adds a VM", 2),
    ("deletes a VM", 2),
    ("renames a VM", 2),
    ("moves a VM", 2),
    ("takes a VM snapshot called Quiesce", 2),
    ("removes a VM snapshot by hand", 1),
    ("keeps a backup", 4),
    ("fills the volume", 2),
)

# From which day of the year the configuration is another one.
SETUPS: tuple[tuple[int, Setup], ...] = (
    (0, Setup()),
    (10, Setup(order="paper")),
    (15, Setup(volumes=2, parallel=4, replicate=True)),
    (20, Setup(retain=5, transport="rsh")),
    (26, Setup(must="sql01", replicate=True)),
    (31, Setup(parallel=4, replicate=True)),
    (60, Setup(retain=5, replicate=True)),
    (95, Setup(retain=4, transport="rsh")),
    (120, Setup(order="paper", transport="rsh")),
    (165, Setup(parallel=1)),
    (180, Setup(volumes=2, parallel=3, replicate=True)),
    (225, Setup(must="sql01")),
    (250, Setup(order="paper", volumes=2, replicate=True)),
    (280, Setup(retain=2)),
    (300, Setup(retain=5, parallel=4, replicate=True)),
    (330, Setup(transport="rsh")),
)

# Daylight saving time of the United States in 2007, by days of the year; the site is six hours behind in winter.
WINTER, SUMMER = -6 * HOUR, -5 * HOUR
SPRING_FORWARD, FALL_BACK = 69, 307


def setup_on(day: int) -> Setup:
    return next(setup for first, setup in reversed(SETUPS) if day % 365 >= first)


def offset_on(day: int) -> float:
    return SUMMER if SPRING_FORWARD <= day % 365 < FALL_BACK else WINTER


@dataclass(frozen=True)
class Incidents:
    """What goes wrong in one night."""

    fault: str
    interruptions: Interruptions

    @property
    def quiet(self) -> bool:
        return not self.fault and self.interruptions == Interruptions()

    def __str__(self) -> str:
        interruptions = self.interruptions
        parts = [self.fault] if self.fault else []
        parts += [f"killed at touch {interruptions.killed_at}"] if interruptions.killed_at else []
        parts += [f"signalled at touch {interruptions.stopped_at}"] if interruptions.stopped_at else []
        if interruptions.clock_set_at:
            parts.append(f"clock set by {interruptions.clock_set_by:g} s at touch {interruptions.clock_set_at}")
        return ", ".join(parts) or "nothing"


class Chance:
    """Random choices of one seed."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)

    def percent(self, likely: int) -> bool:
        return self._dice.random() * 100 < likely

    def weighed(self, choices: Sequence[tuple[T, int]]) -> T:
        return self._dice.choices([one for one, _ in choices], [weight for _, weight in choices])[0]

    def one(self, choices: Sequence[T]) -> T:
        return self._dice.choice(choices)

    def number(self, first: int, last: int) -> int:
        return self._dice.randint(first, last)

    def incidents(self, ahead: float) -> Incidents:
        """Tonight's fault, kill, signal and set clock; seldom several. A clock that is `ahead` is only set right."""
        fault = self.weighed([("", QUIET), *((name, weight) for name, (weight, _) in FAULTS.items())])
        interruptions = Interruptions()
        if self.percent(KILLED):
            interruptions = replace(interruptions, killed_at=self.number(1, LAST_TOUCH))
        if self.percent(SIGNALLED):
            interruptions = replace(interruptions, stopped_at=self.number(1, LAST_TOUCH))
        if self.percent(CLOCK_SET):
            interruptions = replace(
                interruptions, clock_set_at=self.number(1, LAST_TOUCH), clock_set_by=-ahead or self.one(CLOCK_STEPS)
            )
        return Incidents(fault, interruptions)

    def use_incidents(self) -> Incidents:
        """What goes wrong while a backup is used."""
        fault = self.weighed([("", use_incidents.QUIET), *((name, one[0]) for name, one in USE_FAULTS.items())])
        killed, signalled = self.percent(use_incidents.KILLED), self.percent(use_incidents.SIGNALLED)
        touches = [self.number(1, use_incidents.LAST_TOUCH) for _ in "ab"]
        return Incidents(fault, Interruptions(killed * touches[0], signalled * touches[1]))

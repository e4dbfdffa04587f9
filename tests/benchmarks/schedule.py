"""The reckoning behind the benchmarks: what the calls of a run took, and how soon they could have been over. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

_ROUNDS = 30  # of halving, after which nothing that can be measured is left


def best(durations: Sequence[float], places: int) -> float:
    """When the best schedule that is found has ended: the longest calls first, or packed ever more tightly (MULTIFIT).

    The first alone misses the best by a whole call where one place must take one more than the others. What both miss
    is 2 of 11 parts at most (Yue, 1990), and next to nothing where there are many calls or all take nearly as long.
    """
    longest_first = sorted(durations, reverse=True)
    ends = [0.0] * places
    for seconds in longest_first:
        heapq.heapreplace(ends, ends[0] + seconds)
    found, least = max(ends), max(longest_first[0], sum(durations) / places)
    for _ in range(_ROUNDS):
        middle = (least + found) / 2
        packed = _packed(longest_first, places, middle)
        least, found = (middle, found) if packed is None else (least, packed)
    return found


def _packed(longest_first: Sequence[float], places: int, room: float) -> float | None:
    """When the last of the places ends, if each call goes to the first one that has room for it; None: one had none."""
    ends = [0.0] * places
    for seconds in longest_first:
        place = next((n for n, end in enumerate(ends) if end + seconds <= room), None)
        if place is None:
            return None
        ends[place] += seconds
    return max(ends)


@dataclass(frozen=True, slots=True)
class Call:
    """One call as the engine's site saw it: `Quiesce`, `Capture`, `Release`, or `listing`. Seconds since 1970."""

    kind: str
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """From sent to answered."""
        return self.ended - self.began


@dataclass(frozen=True, slots=True)
class Run:
    """The calls of one run with one volume, in the order in which they began; `filer` seconds are the filer's own."""

    calls: tuple[Call, ...]
    parallel: int
    filer: float  # that it takes for one command

    def of(self, kind: str) -> list[Call]:
        """The calls of one kind."""
        return [call for call in self.calls if call.kind == kind]

    @property
    def window(self) -> float:
        """Seconds from the first quiesce sent to the last removal answered."""
        return max(call.ended for call in self.of("Release")) - self.of("Quiesce")[0].began

    @property
    def ideal(self) -> float:
        """Seconds of the best schedule: the creates, the capture and its proof, the removals, each after the other.

        Of the filer's two commands only its own time counts: connecting and logging in are no part of the ideal.
        """
        creates, removals = self._seconds("Quiesce"), self._seconds("Release")
        return best(creates, self.parallel) + 2 * self.filer + best(removals, self.parallel)

    @property
    def batch(self) -> float:
        """Seconds of the same calls one after the other."""
        return sum(self._seconds("Quiesce")) + 2 * self.filer + sum(self._seconds("Release"))

    @property
    def held(self) -> float:
        """When the last quiesce was answered."""
        return max(call.ended for call in self.of("Quiesce"))

    @property
    def confirmed(self) -> float:
        """When the list that proves the capture was answered."""
        captured = max(call.ended for call in self.of("Capture"))
        return next(call.ended for call in self.of("listing") if call.began >= captured)

    @property
    def before_release(self) -> float:
        """Seconds from the proof to the first removal sent."""
        return self.of("Release")[0].began - self.confirmed

    def _seconds(self, kind: str) -> list[float]:
        return [call.seconds for call in self.of(kind)]

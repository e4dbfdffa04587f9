"""Time that passes only while everybody waits: one thread runs at a time, and a seed orders those that could go on.

So a night in which a program hangs for hours is over at once, and the same seed gives the same night again. Threads are
kept for the next work, since starting one costs more than most of what it does; a change of turns costs one lock.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from snapall.backup.clock import SystemClock

TICK = 1.0  # seconds after which somebody who waits for a word looks again


class Killed(BaseException):
    """The process of this thread is dead: it does nothing more, and nothing of it cleans up."""


@dataclass(eq=False)
class Life:
    """A process as far as its threads go: when it is dead, they end at their next turn."""

    dead: bool = False


_IMMORTAL = Life()


def _locked() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(eq=False, slots=True)
class _Waiter:
    """A thread that waits for a moment, or for `ready` to come true before that."""

    until: float
    life: Life
    ready: Callable[[], bool] | None = None
    ticks: bool = False  # whether `ready` depends on the time, so that it must be asked again and again
    turn: threading.Lock = field(default_factory=_locked)

    def able(self, now: float) -> bool:
        return self.until <= now or self.life.dead or (self.ready is not None and self.ready())


class _Worker:
    """A thread that does one work after another, for whatever turns."""

    idle: list[_Worker] = []  # noqa: RUF012 - those of the whole process

    def __init__(self) -> None:
        self.gate = _locked()
        self.work: Callable[[], None] = lambda: None
        self.turns: Turns | None = None
        threading.Thread(target=self._live, daemon=True).start()

    def _live(self) -> None:
        while True:
            self.gate.acquire()
            with suppress(Killed):
                self.work()
            turns = self.turns
            assert turns is not None
            _Worker.idle.append(self)
            turns.pass_on()


class Turns:
    """The threads of one command (`workers.Threads`). `now` is the world's time, in seconds since 1970."""

    def __init__(self, now: float, seed: int) -> None:
        self.now = now
        self._chance = random.Random(seed)
        self._waiting: list[_Waiter] = []
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._count = itertools.count()

    def at(self, moment: float, act: Callable[[], object]) -> None:
        """Let something happen in the world at this moment, whoever is alive then."""
        heapq.heappush(self._events, (moment, next(self._count), act))

    def start(self, work: Callable[[], None], life: Life = _IMMORTAL) -> None:
        """Let the work have its turn when whoever runs now waits."""
        worker = _Worker.idle.pop() if _Worker.idle else _Worker()
        worker.turns = self
        worker.work = lambda: None if life.dead else work()
        self._waiting.append(_Waiter(self.now, life, turn=worker.gate))

    def wait(self, ended: threading.Event, give_up: Callable[[], bool], life: Life = _IMMORTAL) -> bool:
        """Wait for the event or for `give_up`; answers whether the event is set."""
        self.pause(math.inf, lambda: ended.is_set() or give_up(), life, ticks=True)
        return ended.is_set()

    def pause(
        self,
        seconds: float,
        ready: Callable[[], bool] | None = None,
        life: Life = _IMMORTAL,
        *,
        ticks: bool = False,
    ) -> None:
        """Let so much time pass for whoever calls; less when `ready` comes true. Killed: its process has died."""
        mine = _Waiter(self.now + seconds, life, ready, ticks)
        self._waiting.append(mine)
        chosen = self._next()
        if chosen is not mine:
            chosen.turn.release()
            mine.turn.acquire()
        if life.dead:
            raise Killed

    def pass_on(self) -> None:
        """Let somebody else go on: a work is done."""
        self._next().turn.release()

    def _next(self) -> _Waiter:
        """Who goes on: anybody who can; time passes until somebody can."""
        while True:
            self._happen()
            able = [one for one in self._waiting if one.able(self.now)]
            if able:
                chosen = able[0] if len(able) == 1 else self._chance.choice(able)
                self._waiting.remove(chosen)
                return chosen
            moments = [one.until for one in self._waiting]
            if self._events:
                moments.append(self._events[0][0])
            if any(one.ticks for one in self._waiting):
                moments.append(self.now + TICK)
            self.now = max(self.now, min(moments))

    def _happen(self) -> None:
        while self._events and self._events[0][0] <= self.now:
            heapq.heappop(self._events)[2]()


class HostClock(SystemClock):
    """The product's clock on the machine that snapall runs on. `ahead`: by how many seconds that one is wrong."""

    def __init__(self, turns: Turns, ahead: float, life: Life = _IMMORTAL) -> None:
        self.ahead = ahead
        self._turns = turns
        self._life = life
        super().__init__(lambda: turns.now + self.ahead, lambda: turns.now)

    def wait(self, seconds: float, until: Callable[[], bool]) -> None:
        if not until():
            self._turns.pause(seconds, until, self._life)

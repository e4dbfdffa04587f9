"""Time that passes only while everybody waits: one thread runs at a time, and a seed orders those that could go on.

So a night in which a program hangs for hours is over at once, and the same seed gives the same night again.
"""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from snapall.backup.clock import SystemClock

TICK = 1.0  # seconds after which somebody who waits for a word looks again


@dataclass(eq=False)
class _Waiter:
    """A thread that waits for a moment, or for `ready` to come true before that."""

    until: float
    ready: Callable[[], bool] | None = None
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))


class Turns:
    """The threads of one command (`workers.Threads`). `now` is the world's time, in seconds since 1970."""

    def __init__(self, now: float, seed: int) -> None:
        self.now = now
        self._chance = random.Random(seed)
        self._waiting: list[_Waiter] = []

    def start(self, work: Callable[[], None]) -> None:
        """Let the work have its turn when whoever runs now waits."""
        waiter = _Waiter(self.now)
        self._waiting.append(waiter)

        def live() -> None:
            waiter.turn.acquire()
            try:
                work()
            finally:
                self._next().turn.release()

        threading.Thread(target=live, daemon=True).start()

    def wait(self, ended: threading.Event, give_up: Callable[[], bool]) -> bool:
        """Wait for the event or for `give_up`; answers whether the event is set."""
        self.pause(math.inf, lambda: ended.is_set() or give_up())
        return ended.is_set()

    def pause(self, seconds: float, ready: Callable[[], bool] | None = None) -> None:
        """Let so much time pass for whoever calls; less when `ready` comes true."""
        mine = _Waiter(self.now + seconds, ready)
        self._waiting.append(mine)
        chosen = self._next()
        if chosen is not mine:
            chosen.turn.release()
            mine.turn.acquire()

    def _next(self) -> _Waiter:
        """Who goes on: anybody who can; time passes until somebody can."""
        while True:
            able = [one for one in self._waiting if one.until <= self.now or (one.ready is not None and one.ready())]
            if able:
                chosen = self._chance.choice(able)
                self._waiting.remove(chosen)
                return chosen
            ends = min(one.until for one in self._waiting)
            looks = self.now + TICK if any(one.ready is not None for one in self._waiting) else math.inf
            self.now = min(ends, looks)


class HostClock(SystemClock):
    """The product's clock on the machine that snapall runs on. `ahead`: by how many seconds that one is wrong."""

    def __init__(self, turns: Turns, ahead: float) -> None:
        self.ahead = ahead
        self._turns = turns
        super().__init__(lambda: turns.now + self.ahead, lambda: turns.now)

    def wait(self, seconds: float, until: Callable[[], bool]) -> None:
        if not until():
            self._turns.pause(seconds, until)

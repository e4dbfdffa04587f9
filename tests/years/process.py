"""A process of snapall on the simulated machine: its threads, its clock, and its interruptions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from snapall.backup.facts import Certified
from snapall.backup.model import Job, Vm
from snapall.backup.steps import Child
from tests.years.turns import HostClock, Killed, Life, Turns


@dataclass(frozen=True)
class Interruptions:
    """What interrupts a process, each at the nth time that it touches the world or its disk; 0: never."""

    killed_at: int = 0
    cut_at: int = 0  # the machine loses its power
    stopped_at: int = 0
    killed_after: float = 0.0  # so many seconds, whatever it does then
    stopped_after: float = 0.0
    full_at: int = 0  # the disk is full, from this touch of it on


class Process(Life):
    """One command of snapall: `snapall.backup.clock.Threads` and `snapall.backup.holder.Processes` for itself."""

    def __init__(
        self,
        turns: Turns,
        running: dict[int, Process],
        words: str,
        job: Job,
        ahead: float,
        interruptions: Interruptions,
    ) -> None:
        super().__init__()
        self.turns = turns
        self.running = running
        self.pid = 100 + len(running)
        running[self.pid] = self
        self.words = words
        self.job = job
        self.jobs: tuple[Job, ...] = (job,)  # those that it is configured for
        self.interruptions = interruptions
        self.clock = HostClock(turns, ahead, self)
        self.began = turns.now
        self.mark = ""  # of the run that it makes
        self.touches = 0
        self.stopped = False
        self.powerless = False
        self.at_death: Callable[[], None] = lambda: None
        self.holder_files: dict[Path, bytes] = {}  # what the holders' notes said when it died
        self.known_tagged: dict[tuple[str, str], bool] = {}  # whether the last list showed a tag when it was sent for
        self.certified: Certified | None = None
        self.eligible: tuple[Vm, ...] = ()  # the VMs that its survey found, except those to be skipped
        if interruptions.killed_after:
            turns.at(turns.now + interruptions.killed_after, self.kill)
        if interruptions.stopped_after:
            turns.at(turns.now + interruptions.stopped_after, self.stop)

    @property
    def runs(self) -> bool:
        return self.words.startswith("run")

    @property
    def full(self) -> bool:
        return bool(self.interruptions.full_at) and self.touches >= self.interruptions.full_at

    def touch(self) -> None:
        """A moment at which the process may be struck. Killed: it was, now or before."""
        if self.dead:
            raise Killed
        self.touches += 1
        if self.touches == self.interruptions.stopped_at:
            self.stopped = True
        if self.touches in {self.interruptions.killed_at, self.interruptions.cut_at}:
            self.powerless = self.touches == self.interruptions.cut_at
            self.kill()
            raise Killed

    def kill(self) -> None:
        """Nothing of it goes on."""
        if not self.dead:
            self.dead = True
            self.at_death()

    def stop(self) -> None:
        """A signal asks it to end."""
        self.stopped = not self.dead or self.stopped

    def end(self) -> None:
        """It ends by itself: threads that still wait for an answer end with it."""
        self.dead = True

    def start(self, work: Callable[[], None]) -> None:
        self.turns.start(work, self)

    def wait(self, ended: threading.Event, give_up: Callable[[], bool]) -> bool:
        return self.turns.wait(ended, give_up, self)

    def pause(self, seconds: float) -> None:
        """Let time pass for the thread that calls."""
        self.turns.pause(seconds, None, self)

    def itself(self) -> Child:
        """This very process."""
        return Child(self.pid, self.began)

    def alive(self, child: Child) -> bool:
        """Whether this very process still runs."""
        found = self.running.get(child.pid)
        return found is not None and not found.dead

"""The guardian: a process of its own that outlives its run, and settles what the run can no longer settle itself.

Its standard input is a pipe from the run: that its other end is gone wakes it. Whether it may act is told by the job's
lock alone. `python -m snapall.operate.guardian CONFIG JOURNAL PID STARTED`; `guard.py` starts it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from snapall.backup.clock import Clock, SystemClock
from snapall.backup.events import Event, Happening, Herald, Listener, Warned
from snapall.backup.facts import Began, Intent, Noted
from snapall.backup.journal import Journal, hold, is_open
from snapall.backup.means import Means
from snapall.backup.memory import Memory
from snapall.backup.model import Job
from snapall.backup.recover import Recovery
from snapall.backup.steps import Child, Quiesce, Release
from snapall.config import Config, load
from snapall.errors import Exit, SnapallError
from snapall.operate import READY
from snapall.signals import heeded
from snapall.site import OpenSite, process
from snapall.views.logfile import LogFile

_TICK = 1.0  # seconds between two looks while the run goes on; its end is heard at once
_GRACE = 60.0  # seconds that a run may be late, beyond its own limits, until it is taken for stuck


@dataclass(slots=True)
class Patience:
    """How long the living run may hold its VMs. Monotonic: a clock that is set makes no run overdue."""

    since: float | None = None  # when the first quiesce was seen
    over: bool = False  # a release has begun: nothing is overdue any more

    def overdue(self, facts: Sequence[Noted], now: float) -> bool:
        """Whether no release has begun by `max_quiesced`, the filer's time-out and a minute after the first quiesce."""
        steps = [noted.fact.step for noted in facts if isinstance(noted.fact, Intent)]
        self.over = self.over or any(isinstance(step, Release) for step in steps)
        if self.over or not any(isinstance(step, Quiesce) for step in steps):
            return False
        self.since = now if self.since is None else self.since
        began = facts[0].fact
        limit = began.job.max_quiesced + began.pace.filer_timeout + _GRACE if isinstance(began, Began) else _GRACE
        return now >= self.since + limit


@dataclass(slots=True)
class Guardian:
    """One run's guardian, with all that it needs in its memory: the configuration may change or go meanwhile."""

    settings: Config
    path: Path  # the run's journal
    run: Child
    clock: Clock
    tell: Listener
    patience: Patience = field(default_factory=Patience)

    @property
    def job(self) -> str:
        """The job's name, as the journal's file has it."""
        return self.path.stem.rpartition("-")[0]

    def watch(self, pause: Callable[[float], None], stopped: Callable[[], bool]) -> None:
        """Wait for the lock, then settle; end as soon as the journal is closed or gone."""
        while self.path.exists() and is_open(self.path) and not stopped():
            try:
                with hold(self.settings.state, self.job, "guardian", self.clock, lambda: True):
                    if self.path.exists() and is_open(self.path):
                        self.settle(stopped)
                    return
            except SnapallError:
                self._end_if_overdue()
                pause(_TICK)

    def settle(self, stopped: Callable[[], bool]) -> Exit:
        """Do what `recover` does for this job, into the same journals."""
        self.say(Warned(f"guardian: run {self.path.stem} ended before it was settled; settling it"))

        def means_for(job: Job) -> Means:
            return Means(OpenSite(job, self.settings), self.clock, self.tell, stopped)

        memory = Memory(self.settings.state, self.clock)
        recovery = Recovery(memory, means_for, self.say, stopped, wait=True, by="guardian")
        code = recovery.settle_held(self.job, self.settings.jobs.get(self.job))
        left = "something is still owed: `snapall recover`" if is_open(self.path) else "nothing is owed"
        self.say(Warned(f"guardian: {left}"))
        return code

    def say(self, what: Happening) -> None:
        """Into the log: nobody sees a guardian's terminal."""
        self.tell(Event(self.clock.utc(), what))

    def _end_if_overdue(self) -> None:
        if self.patience.over:
            return
        try:
            facts = Journal.open(self.path, self.clock).facts
        except SnapallError:
            return
        if self.patience.overdue(facts, self.clock.monotonic()) and process.end(self.run):
            self.patience.over = True
            self.say(Warned(f"guardian: run {self.path.stem} (process {self.run.pid}) was stuck with its VMs: ended"))


def main(argv: Sequence[str]) -> int:
    """Read the configuration, say ready, watch. What prevents it is said instead, in one line."""
    config, path, pid, started = argv
    try:
        settings = load(Path(config))
        _load_all(settings)
    except SnapallError as error:
        _answer(" ".join(error.message.split()))
        return 1
    herald = Herald(*_log(settings))
    with heeded(lambda _: None) as stopped:
        gone = _gone()
        _answer(READY)
        guardian = Guardian(settings, Path(path), Child(int(pid), float(started)), SystemClock(), herald)
        guardian.watch(lambda seconds: _pause(gone, seconds), stopped)
    herald.close()
    return 0


def _load_all(settings: Config) -> None:
    """Import now what settling needs: later the disk may be full, or snapall replaced by another version."""
    from snapall.site import filer, virtualcenter  # noqa: F401, PLC0415 - heavy

    for job in settings.jobs.values():
        OpenSite(job, settings)


def _log(settings: Config) -> list[Listener]:
    """The run's own log; a guardian works without one, too."""
    try:
        return [LogFile.open(settings.log, settings.log_time)]
    except SnapallError:
        return []


def _answer(line: str) -> None:
    """Say one line to the run. It may have died meanwhile: then it has quiesced nothing."""
    with suppress(OSError):
        os.write(1, f"{line}\n".encode())
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _gone() -> threading.Event:
    """Comes true when the run has let go of its end of our standard input, by ending in whatever way."""
    gone = threading.Event()

    def listen() -> None:
        with suppress(OSError):
            while os.read(0, 1024):
                pass
        gone.set()

    threading.Thread(target=listen, name="run-is-gone", daemon=True).start()
    return gone


def _pause(gone: threading.Event, seconds: float) -> None:
    """Sleep, but wake at the run's end; from then on the lock may be somebody else's for a while."""
    if gone.is_set():
        time.sleep(seconds)
    else:
        gone.wait(seconds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

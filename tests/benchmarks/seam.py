"""One run in a process of its own, timed where the engine meets its site: `python -m tests.benchmarks.seam CONFIG`.

It prints one JSON object. With two more words, the seconds of a create and of a removal, no program is started for the
VMs: the calls are sleeps, and the database is told what they did.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from itertools import count
from pathlib import Path

from snapall.app.opening import pace_of
from snapall.app.output import Output, listeners_of
from snapall.backup.bus import EventBus
from snapall.backup.clock import SystemClock
from snapall.backup.context import RunContext
from snapall.backup.model import FilerSnapshot
from snapall.backup.run import BackupRun
from snapall.backup.steps import Child, Outcome, Step
from snapall.backup.store import JournalStore
from snapall.config.load import load
from snapall.config.settings import Config
from snapall.lab import databases
from snapall.lab.databases import connect
from snapall.operate.launcher import GuardianLauncher
from snapall.site import OpenSite, process
from snapall.site.process import Completed
from tests.benchmarks.schedule import Call


class TimedSite(OpenSite):
    """The product's own site, which remembers when each call began and ended."""

    calls: list[Call]

    def perform(self, step: Step, on_start: Callable[[Child], None]) -> Outcome:
        began = time.time()
        outcome = super().perform(step, on_start)
        self.calls.append(Call(type(step).__name__, began, time.time()))
        return outcome

    def listing(self, volume: str) -> tuple[FilerSnapshot, ...]:
        began = time.time()
        rows = super().listing(volume)
        self.calls.append(Call("listing", began, time.time()))
        return rows


class Asleep:
    """A vcbsnapshot that is a sleep in this process. `cpu`: seconds of the processor that are its own."""

    def __init__(self, database: Path, create: float, remove: float) -> None:
        self.cpu = 0.0
        self._seconds = {"-c": create, "-d": remove}
        self._db = connect(database)
        self._ids = count(200_000)
        self._lock = threading.Lock()
        self._itself = process.itself()

    def run(self, argv: Sequence[str], timeout: float, on_start: Callable[[Child], None]) -> Completed:
        on_start(self._itself)
        before = time.thread_time()
        verb, moref, argument = argv[-3:]
        time.sleep(self._seconds[verb])
        with self._lock:
            output = self._make(moref, argument) if verb == "-c" else self._remove(argument)
            self.cpu += time.thread_time() - before
        return Completed(tuple(argv), 0, output, "", self._seconds[verb])

    def _make(self, moref: str, name: str) -> str:
        id_ = next(self._ids)
        taken = (id_, int(moref.removeprefix("moref:vm-")), name, "2026-01-01 00:00:00.000000")
        self._db.execute(databases.SNAPSHOT_MADE, taken)
        return f"SsId:snapshot-{id_}\n"

    def _remove(self, ssid: str) -> str:
        self._db.execute(databases.SNAPSHOT_GONE, (int(ssid.removeprefix("ssid:snapshot-")),))
        return "Removed.\n"

    def alive(self, child: Child) -> bool:
        return False


def _connected(settings: Config) -> list[float]:
    """When each connection to the database is opened from now on."""
    import sqlalchemy as sa

    opened: list[float] = []
    assert settings.database is not None
    sa.event.listen(sa.pool.Pool, "connect", lambda *_: opened.append(time.time()))
    return opened


def run(path: Path, programs: Asleep | None) -> dict[str, object]:
    """Back the only job up, with everything that `snapall run` does, and report the times."""
    settings = load(path)
    job = next(iter(settings.jobs.values()))
    site = TimedSite(job, settings, programs=programs)
    site.calls = []
    opened = _connected(settings)
    began, cpu = time.time(), time.process_time()
    with ExitStack() as open_:
        listeners, _ = listeners_of(settings, Output(), True, open_)
        with closing(EventBus(*listeners)) as bus:
            context = RunContext(site, SystemClock(), bus, lambda: False)
            store = JournalStore(settings.state, context.clock)
            guard = GuardianLauncher(settings).guard_of(job, context.stopped)
            night = BackupRun(job, pace_of(settings, job), context, store, guard=guard)
            report = night.run()
    ended = time.time()
    return {
        "exit": int(report.exit),
        "calls": [asdict(call) for call in sorted(site.calls, key=lambda call: call.began)],
        "seconds": ended - began,
        "cpu": time.process_time() - cpu - (programs.cpu if programs is not None else 0.0),
        "mib": _most_memory(),
        "opened": opened,
    }


def _most_memory() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(argv: Sequence[str]) -> None:
    """Run, and print."""
    path, *seconds = argv
    programs = None
    if seconds:
        create, remove = map(float, seconds)
        programs = Asleep(Path(path).parent / "virtualcenter.db", create, remove)
    sys.stdout.write(json.dumps(run(Path(path), programs)))


if __name__ == "__main__":
    main(sys.argv[1:])

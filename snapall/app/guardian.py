"""The guardian process, `python -m snapall.app.guardian`: a run starts it and passes it everything it needs."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from snapall.app.notify import notify_of_recovery
from snapall.app.opening import store_of
from snapall.app.signals import signal_flag
from snapall.app.status import update_metrics
from snapall.backup.bus import EventBus, Listener
from snapall.backup.clock import SystemClock
from snapall.backup.context import RunContext, guarded
from snapall.backup.facts import Failed, Warned
from snapall.backup.model import Job
from snapall.backup.record import Record, What
from snapall.backup.recover import Recovery
from snapall.config.settings import Config
from snapall.errors import SnapallError
from snapall.operate.guardian import Guardian
from snapall.operate.launcher import READY, GuardianConfig
from snapall.site import OpenSite
from snapall.site.process import Watched
from snapall.views.logfile import LogFile, LogRefused

MARK = "guardian: "


def main() -> None:
    """Read the configuration from standard input, report ready, and watch the run."""
    try:
        config = GuardianConfig.from_bytes(sys.stdin.buffer.read())
    except ValueError:
        return  # the run died before it could quiesce anything
    with suppress(OSError):  # the folder may be gone
        os.chdir(config.folder or Path(sys.executable).anchor)
    _ignore_terminal()
    heard: list[Record] = []
    with _listener(config.settings, heard) as listener:

        def publish(what: What) -> None:
            listener(Record(datetime.now(UTC), what))

        with signal_flag(lambda *parts: publish(Warned(*parts))) as stopped:
            try:
                guardian = _guardian(config, listener, publish, stopped)
            except SnapallError as error:
                sys.stdout.write(f"{error.message}\n")  # instead of READY: the run quiesces nothing
                return
            _report_ready()
            with closing(guardian):
                worked = True
                with guarded(lambda *parts: publish(Failed(*parts))):
                    worked = guardian.watch()
                if worked or not guardian.state.closed:
                    update_metrics(config.settings, publish)
                    notify_of_recovery(config.settings, f"{config.job.name}: guardian", None, heard, listener)


def _guardian(
    config: GuardianConfig, listener: Listener, publish: Callable[[What], None], stopped: Callable[[], bool]
) -> Guardian:
    """Open everything it will need, so that it needs no file later. JournalError: the state folder is unusable."""
    clock = SystemClock()
    site = OpenSite(config.job, config.settings)
    site.prepare()

    def context_for(_job: Job) -> RunContext:
        return RunContext(site, clock, listener, stopped)

    recovery = Recovery(store_of(config.settings, clock), context_for, publish, stopped, wait=True)
    return Guardian(recovery, config.job, config.journal, Watched(config.run), config.limits)


def _ignore_terminal() -> None:
    """Ignore Ctrl-C and a closed terminal, which are for the run. SIGTERM still means: settle, but do not wait."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _report_ready() -> None:
    """Report ready, and close the run's terminal and output, which the guardian must not keep open."""
    with suppress(OSError):  # the run has died: its lock will show that
        sys.stdout.write(f"{READY}\n")
        sys.stdout.flush()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)


@contextmanager
def _listener(settings: Config, heard: list[Record]) -> Iterator[Listener]:
    """Open the log with the guardian's mark; without a log the guardian still works, and the journal has it all."""
    try:
        listeners = [LogFile.open(settings.log_at(datetime.now(UTC)), settings.log_time, mark=MARK)]
    except LogRefused as error:
        listeners = [error.log]
    except SnapallError:
        listeners = []
    bus = EventBus(*listeners)

    def publish(record: Record) -> None:
        heard.append(record)
        bus(record)

    try:
        yield publish
    finally:
        bus.close()


if __name__ == "__main__":
    main()

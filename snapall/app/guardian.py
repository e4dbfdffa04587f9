"""The guardian's process, `python -m snapall.app.guardian`: a run starts it and hands it all that it needs."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from snapall.app.opening import store_of
from snapall.app.signals import heeded
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
from snapall.views.logfile import LogFile

MARK = "guardian: "


def main() -> None:
    """Take the configuration from standard input, say that we are ready, and watch."""
    try:
        config = GuardianConfig.from_bytes(sys.stdin.buffer.read())
    except ValueError:
        return  # the run died before it could quiesce anything
    with suppress(OSError):  # one that is gone is of no use
        os.chdir(config.folder or Path(sys.executable).anchor)
    _deafen()
    with _listener(config.settings) as listener:

        def publish(what: What) -> None:
            listener(Record(datetime.now(UTC), what))

        with heeded(lambda text: publish(Warned(text))) as stopped:
            try:
                guardian = _guardian(config, listener, publish, stopped)
            except SnapallError as error:
                sys.stdout.write(f"{error.message}\n")  # the run hears it in place of the word, and quiesces nothing
                return
            _say_ready()
            with closing(guardian), guarded(lambda text, hint: publish(Failed(text, hint))):
                if guardian.watch():
                    update_metrics(config.settings, publish)


def _guardian(
    config: GuardianConfig, listener: Listener, publish: Callable[[What], None], stopped: Callable[[], bool]
) -> Guardian:
    """Open all that it will need, so that no file is needed later. JournalError: the state folder is not usable."""
    clock = SystemClock()
    site = OpenSite(config.job, config.settings)
    site.prepare()

    def context_for(_job: Job) -> RunContext:
        return RunContext(site, clock, listener, stopped)

    recovery = Recovery(store_of(config.settings, clock), context_for, publish, stopped, wait=True)
    return Guardian(recovery, config.job, config.journal, Watched(config.run), config.limits)


def _deafen() -> None:
    """A terminal that closes, and its Ctrl-C, mean the run. SIGTERM means us, too: settle, but wait for nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _say_ready() -> None:
    """The last word: from here on nobody listens, and neither the run's terminal nor its output is held open."""
    with suppress(OSError):  # the run died meanwhile: its lock will tell
        sys.stdout.write(f"{READY}\n")
        sys.stdout.flush()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)


@contextmanager
def _listener(settings: Config) -> Iterator[Listener]:
    """Open the log, marked as the guardian's; without one it works all the same, and the journal tells."""
    try:
        listeners = [LogFile.open(settings.log, settings.log_time, mark=MARK)]
    except SnapallError:
        listeners = []
    bus = EventBus(*listeners)
    try:
        yield bus
    finally:
        bus.close()


if __name__ == "__main__":
    main()

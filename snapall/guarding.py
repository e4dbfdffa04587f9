"""`python -m snapall.guarding`: the process of a guardian. It is started by a run, which hands it all that it needs."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from snapall.asking import measure, memory_of
from snapall.backup.clock import SystemClock
from snapall.backup.events import Event, Failed, Happening, Herald, Listener, Warned
from snapall.backup.means import Means, guarded
from snapall.backup.model import Job
from snapall.backup.recover import Recovery
from snapall.errors import SnapallError
from snapall.operate.guardian import Guardian
from snapall.operate.post import READY, Charge
from snapall.settings import Config
from snapall.signals import heeded
from snapall.site import OpenSite
from snapall.site.process import Watched
from snapall.views.logfile import LogFile

MARK = "guardian: "


def main() -> None:
    """Take the charge from standard input, say that we are ready, and watch."""
    try:
        charge = Charge.from_bytes(sys.stdin.buffer.read())
    except ValueError:
        return  # the run died before it could quiesce anything
    with suppress(OSError):  # one that is gone is of no use
        os.chdir(charge.folder or Path(sys.executable).anchor)
    _deafen()
    with _told(charge.settings) as listener:

        def tell(what: Happening) -> None:
            listener(Event(datetime.now(UTC), what))

        with heeded(lambda text: tell(Warned(text))) as asked:
            guardian = _guardian(charge, listener, tell, lambda: asked() or not charge.journal.exists())
            _say_ready()
            with guarded(lambda text, hint: tell(Failed(text, hint))):
                if guardian.watch():
                    measure(charge.settings, tell)


def _guardian(
    charge: Charge, listener: Listener, tell: Callable[[Happening], None], stopped: Callable[[], bool]
) -> Guardian:
    """All that it will need is opened now, and no file is needed later."""
    clock = SystemClock()
    site = OpenSite(charge.job, charge.settings)
    site.prepare()

    def means_for(_job: Job) -> Means:
        return Means(site, clock, listener, stopped)

    recovery = Recovery(memory_of(charge.settings, clock), means_for, tell, stopped, wait=True)
    return Guardian(recovery, charge.job, charge.journal, Watched(charge.run), charge.slack)


def _deafen() -> None:
    """A terminal that closes, and its Ctrl-C, mean the run. SIGTERM means us, too: settle, but wait for nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _say_ready() -> None:
    """The last word: from here on nobody listens, and nothing of the run's is held open."""
    with suppress(OSError):  # the run died meanwhile: its lock will tell
        sys.stdout.write(f"{READY}\n")
        sys.stdout.flush()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)


@contextmanager
def _told(settings: Config) -> Iterator[Listener]:
    """Open the log, marked as the guardian's; without one it works all the same, and the journal tells."""
    try:
        listeners = [LogFile.open(settings.log, settings.log_time, mark=MARK)]
    except SnapallError:
        listeners = []
    herald = Herald(*listeners)
    try:
        yield herald
    finally:
        herald.close()


if __name__ == "__main__":
    main()

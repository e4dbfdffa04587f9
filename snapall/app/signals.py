"""Signals set a flag that the running command checks between steps, so that nothing is cut off half-way."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from snapall.errors import Notify


def _stop_signals() -> tuple[signal.Signals, ...]:
    """The signals that ask a program to end: Ctrl-C, a service manager, a closed terminal."""
    if sys.platform == "win32":
        return (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK)
    return (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def signal_flag(report: Notify) -> Iterator[Callable[[], bool]]:
    """Yield a function that returns True once a signal has arrived; `report` gets a message for each signal."""
    flag = threading.Event()

    def handle(number: int, _frame: object) -> None:
        name = signal.Signals(number).name
        if flag.is_set():
            report("releasing the VMs, please wait", "", "SA-1017")
        else:
            flag.set()
            report(f"{name}: stopping after releasing the VMs", "", "SA-1016")

    # A signal that is ignored stays ignored: nohup means what it says.
    handled = [number for number in _stop_signals() if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in handled}
    try:
        yield flag.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

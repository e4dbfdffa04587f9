"""A signal becomes a flag that is looked at between steps: nothing is torn down half-way."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def _stopping() -> tuple[signal.Signals, ...]:
    """What asks a program to end: Ctrl-C, a service manager, a closed terminal."""
    if sys.platform == "win32":
        return (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK)
    return (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def signal_flag(told: Callable[[str], None]) -> Iterator[Callable[[], bool]]:
    """Yield a question that comes true once a signal has arrived; `told` hears what is being done about each."""
    flag = threading.Event()

    def heed(number: int, _frame: object) -> None:
        name = signal.Signals(number).name
        text = "releasing the VMs, please wait" if flag.is_set() else f"{name}: stopping after releasing the VMs"
        flag.set()
        told(text)

    # One that is ignored already stays so: nohup means what it says.
    asked = [number for number in _stopping() if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, heed) for number in asked}
    try:
        yield flag.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

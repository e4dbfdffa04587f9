"""Signals set a flag that the running command checks between steps, so that nothing is cut off half-way."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto

from snapall.errors import Notify

CONSOLE_EVENTS = {
    0: "CTRL_C_EVENT",
    1: "CTRL_BREAK_EVENT",
    2: "CTRL_CLOSE_EVENT",
    5: "CTRL_LOGOFF_EVENT",
    6: "CTRL_SHUTDOWN_EVENT",
}
"""The events that Windows reports to a console program, by number (wincon.h)."""

_LONGEST_STAY = 60.0
"""Seconds that the answer to an end of the session is put off. Windows gives 5, a service 20 at a shutdown."""


class Reaction(Enum):
    """What a command does about an event of its console."""

    PASS_ON = auto()  # the C library makes a signal of it
    IGNORE = auto()
    END = auto()  # stop, and do not answer: Windows ends the process at the answer, or after some seconds


def reaction_to(event: int) -> Reaction:
    """What to do about an event. Only services and scheduled tasks learn of log-offs, and not of whose."""
    match CONSOLE_EVENTS.get(event):
        case "CTRL_CLOSE_EVENT" | "CTRL_SHUTDOWN_EVENT":
            return Reaction.END
        case "CTRL_LOGOFF_EVENT":
            return Reaction.IGNORE
        case _:
            return Reaction.PASS_ON


def console_handler(end: Callable[[str], None], stay: Callable[[], object]) -> Callable[[int], bool]:
    """The handler of console events; it returns whether the event needs no other. `stay`: wait for our end."""

    def handle(event: int) -> bool:
        reaction = reaction_to(event)
        if reaction is Reaction.END:
            end(CONSOLE_EVENTS[event])
            stay()
        return reaction is not Reaction.PASS_ON

    return handle


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

    def end(event: str) -> None:
        flag.set()
        report(
            f"{event}: Windows ends this process within seconds; nothing new begins",
            "if the run has a guardian, do nothing; if not, or after a shutdown, run `snapall recover`",
            "SA-1954",
        )

    # A signal that is ignored stays ignored: nohup means what it says.
    handled = [number for number in _stop_signals() if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in handled}
    try:
        with _listening(console_handler(end, lambda: threading.Event().wait(_LONGEST_STAY))):
            yield flag.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _listening(handler: Callable[[int], bool]) -> Iterator[None]:
    """Have the console's events handled before the C library hears of them, which answers them all at once."""
    if sys.platform == "win32":
        import pywintypes  # noqa: PLC0415 - Windows alone has it
        import win32api  # noqa: PLC0415

        with suppress(pywintypes.error):
            win32api.SetConsoleCtrlHandler(handler, True)
        try:
            yield
        finally:
            with suppress(pywintypes.error):
                win32api.SetConsoleCtrlHandler(handler, False)
    else:
        yield

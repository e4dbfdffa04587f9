"""What a command prints while it works: the console or plain lines, JSON lines, the log file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from snapall.backup.bus import EventBus, Listener
from snapall.backup.facts import Warned
from snapall.backup.record import Record
from snapall.config.settings import Config
from snapall.errors import SnapallError
from snapall.escaping import printable


@dataclass(frozen=True, slots=True)
class Output:
    """How a command speaks: `json` makes stdout one event a line, `quiet` leaves only trouble on stderr."""

    json: bool = False
    quiet: bool = False
    svg: Path | None = None  # where the console's picture is saved


@contextmanager
def publishing(settings: Config, output: Output, *, log: bool) -> Iterator[tuple[Callable[[str], None], Listener]]:
    """Open the listeners of one run, and let them finish before it ends."""
    with ExitStack() as open_:
        listeners, trouble = listeners_of(settings, output, log, open_)
        bus = EventBus(*listeners)
        open_.callback(_dismissed, bus)
        open_.callback(bus.close)
        for error in trouble:
            bus(Record(datetime.now(UTC), Warned(error.message, error.hint)))
        yield lambda text: bus(Record(datetime.now(UTC), Warned(text))), bus


def _dismissed(bus: EventBus) -> None:
    """Say which listener failed on its way (a full disk under the log); one whose reader left is no news."""
    for error in bus.dismissed:
        if not isinstance(error, BrokenPipeError | SystemExit):
            with suppress(OSError, ValueError):
                text = printable(f"snapall: a part of what happened was not told: {type(error).__name__}: {error}")
                sys.stderr.write(f"{text}\n")


def listeners_of(
    settings: Config, output: Output, log: bool, open_: ExitStack
) -> tuple[list[Listener], list[SnapallError]]:
    """The console or plain lines, the JSON lines, the log; and what could not be opened, which stops no backup."""
    from snapall.views import jsonlines, plain  # noqa: PLC0415 - each command loads the views that it shows

    listeners: list[Listener] = []
    trouble: list[SnapallError] = []
    if output.json:
        listeners.append(jsonlines.JsonLines(sys.stdout))
    if sys.stderr.isatty() and not output.quiet and not output.json:
        from snapall.views.console import ConsoleView  # noqa: PLC0415 - rich

        listeners.append(open_.enter_context(ConsoleView()))
    else:
        listeners.append(plain.PlainLines(sys.stderr, quiet=output.quiet or output.json))
    if output.svg is not None:
        from snapall.views.console import Picture  # noqa: PLC0415 - rich

        listeners.append(Picture(output.svg))
    if log:
        from snapall.views.logfile import LogFile  # noqa: PLC0415

        try:
            listeners.append(LogFile.open(settings.log, settings.log_time))
        except SnapallError as error:
            trouble.append(error)
    return listeners, trouble

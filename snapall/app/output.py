"""The output of a command while it works: console or plain lines, JSON lines, log file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from snapall.app.terminal import is_terminal
from snapall.backup.bus import EventBus, Listener
from snapall.backup.context import named_defect
from snapall.backup.facts import Warned
from snapall.backup.record import Record
from snapall.config.settings import Config
from snapall.errors import Notify, SnapallError, coded
from snapall.escaping import printable


@dataclass(frozen=True, slots=True)
class Output:
    """How a command reports: `json` prints one event per line on stdout, `quiet` only problems on stderr."""

    json: bool = False
    quiet: bool = False
    svg: Path | None = None  # file for a picture of the console


@dataclass(frozen=True, slots=True)
class Publisher:
    """Hands records to the listeners, and to `heard` at once."""

    bus: EventBus
    heard: list[Record] | None

    def __call__(self, record: Record) -> None:
        """Hand over a record; never block, never raise."""
        if self.heard is not None:
            self.heard.append(record)
        self.bus(record)


@contextmanager
def publishing(
    settings: Config, output: Output, *, log: bool, heard: list[Record] | None = None
) -> Iterator[tuple[Notify, Publisher]]:
    """Open the listeners of a run; yield a function that publishes a warning, and the bus. Closes them at the end.

    `heard` collects every record, at once.
    """
    with ExitStack() as opened:
        listeners, errors = listeners_of(settings, output, log, opened)
        bus = EventBus(*listeners)
        opened.callback(_report_dismissed, bus)
        opened.callback(bus.close)

        publish = Publisher(bus, heard)

        def warn(*parts: str) -> None:
            publish(Record(datetime.now(UTC), Warned(*parts)))

        for error in errors:
            warn(*error.parts)
        yield warn, publish


def _report_dismissed(bus: EventBus) -> None:
    """Name the listeners that failed, for example on a full disk; a reader that closed its pipe is no failure."""
    for error in bus.dismissed:
        match error:
            case BrokenPipeError() | SystemExit():
                continue
            case SnapallError(message=text, hint=hint, code=code):
                text = coded(code, text)
            case OSError():
                text, hint = f"part of what it printed is lost: {error.strerror}", "`snapall show` has the whole run"
            case _:
                text, hint = (
                    f"part of what it printed is lost: {named_defect(error)}",
                    "`snapall show` has the whole run",
                )
        with suppress(OSError, ValueError):
            sys.stderr.write(printable(f"snapall: {text}") + "\n" + printable(f"  remedy: {hint}") + "\n")


def redraws() -> bool:
    """Whether stderr is a terminal that can redraw what it shows; a simple one is given lines."""
    return is_terminal(sys.stderr) and os.environ.get("TERM", "").lower() not in {"dumb", "unknown"}


def listeners_of(
    settings: Config, output: Output, log: bool, opened: ExitStack
) -> tuple[list[Listener], list[SnapallError]]:
    """Open the listeners, and return them with the errors of those that failed to open, which stop no backup."""
    from snapall.views import jsonlines, plain  # noqa: PLC0415 - each command loads only the views it needs

    listeners: list[Listener] = []
    errors: list[SnapallError] = []
    if output.json:
        listeners.append(jsonlines.JsonLines(sys.stdout))
    if redraws() and not output.quiet and not output.json:
        from snapall.views.console import ConsoleView  # noqa: PLC0415 - rich

        listeners.append(opened.enter_context(ConsoleView()))
    else:
        listeners.append(plain.PlainLines(sys.stderr, quiet=output.quiet or output.json))
    if output.svg is not None:
        from snapall.views.picture import Picture  # noqa: PLC0415 - rich

        listeners.append(Picture(output.svg))
    if log:
        from snapall.views.logfile import LogFile, LogRefused  # noqa: PLC0415

        try:
            listeners.append(LogFile.open(settings.log_at(datetime.now(UTC)), settings.log_time))
        except LogRefused as error:
            errors.append(error)
            listeners.append(error.log)
        except SnapallError as error:
            errors.append(error)
    return listeners, errors

"""The live console: a run on one screen while it happens, and its summary when it is over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from snapall.backup.facts import Failed, Warned
from snapall.backup.record import Record, RunEnded
from snapall.errors import coded
from snapall.views.messages import safe
from snapall.views.progress import Progress
from snapall.views.screen import ending, screen


class Terminal(Console):
    """A console whose terminal may go. rich's own would then point stdout, where the results go, at nothing."""

    def on_broken_pipe(self) -> None:
        """End the thread that redraws; the other threads that draw catch this."""
        raise SystemExit(1)


class ConsoleView:
    """Draws on a terminal (stderr) a few times a second. A context manager, so that the terminal is always restored."""

    def __init__(self, console: Console | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._console = console or Terminal(stderr=True, highlight=False)
        self._now = now
        self._progress = Progress()
        self._lock = threading.Lock()
        self._live = Live(
            get_renderable=self._draw,
            console=self._console,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._live.stop()
            if self._progress.report is None and self._progress.last is not None:  # recover has no report
                self._console.print(ending(self._progress, self._console.width))
        except (OSError, SystemExit):
            return  # the terminal has gone, and nothing is left to restore

    def __call__(self, record: Record) -> None:
        """Take one record in; the next refresh shows it. The end of a run leaves its summary on the screen."""
        over = self._progress.report is not None
        with self._lock:
            self._progress(record)
        if over and isinstance(record.what, Warned | Failed):
            self._console.print(Text(safe(f"warning: {coded(record.what.code, record.what.text)}"), style="yellow"))
        if isinstance(record.what, RunEnded):
            self._live.stop()
            self._console.print(ending(self._progress, self._console.width))

    def _draw(self) -> RenderableType:
        """The screen, and an empty line: the ^C that a terminal echoes there breaks nothing."""
        with self._lock:
            drawn = screen(self._progress, self._now(), self._console.width, self._console.height - 1)
        return Group(drawn, Text())

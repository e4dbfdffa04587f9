"""The run's side of its guardian: start it, hear that it is ready, let it go."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from snapall.backup.journal import is_open
from snapall.errors import SiteError
from snapall.operate import READY

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from snapall.config import Config
    from snapall.site.process import Detached

_PATIENCE = 60.0  # seconds for its start: a machine that is busy with the night's other work takes its time
_FAREWELL = 5.0  # seconds for its end after a whole run


class Guard:
    """One run's guardian. Leaving the `with` block lets it go: it ends if nothing is owed, else it goes to work."""

    def __init__(self, settings: Config) -> None:
        self._config = settings.path
        self._journal: Path | None = None
        self._guardian: Detached | None = None

    def start(self, journal: Path) -> None:
        """Start it early, for it takes a moment to load. SiteError: it cannot be started."""
        from snapall.site import process  # noqa: PLC0415 - psutil

        us = process.this_process()
        argv = [sys.executable, "-m", "snapall.operate.guardian", str(self._config), str(journal)]
        self._journal = journal
        self._guardian = process.Detached([*argv, str(us.pid), repr(us.started)])

    def ready(self) -> None:
        """Wait for its word. SiteError: it did not give it, so no VM may be quiesced."""
        said = self._guardian.first_line(_PATIENCE) if self._guardian is not None else b""
        if said.decode("utf-8", "replace").strip() != READY:
            why = said.decode("utf-8", "replace").strip() or "it said nothing"
            raise SiteError(
                f"the guardian did not start: {why}; nothing was quiesced",
                "mend that, or set `guardian = false` in the job: then only `recover` frees what a killed run leaves",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._guardian is None or self._journal is None:
            return
        self._guardian.let_go()
        with suppress(OSError):
            self._guardian.wait(0 if is_open(self._journal) else _FAREWELL)


class Unguarded:
    """What a job with `guardian = false` has instead."""

    def start(self, journal: Path) -> None:
        """Nothing is started."""

    def ready(self) -> None:
        """Nothing is waited for."""

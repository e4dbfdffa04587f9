"""The Windows Application log: one event for a run, and the registration of its source."""

from __future__ import annotations

import re
import sys
from contextlib import suppress

from snapall.errors import SiteError

SOURCE = "snapall"
LONGEST = 31_000
"""Characters of an event: ReportEventW takes 31,839."""

_SOURCES = r"SYSTEM\CurrentControlSet\Services\EventLog\Application"
_TEXTS = r"%SystemRoot%\Microsoft.NET\Framework64\v4.0.30319\EventLogMessages.dll"
"""The texts of a source's events. This file comes with Windows, and has "%1" for every number up to 65535."""


def send(level: int, event: int, text: str) -> None:
    """Write one event. SiteError: it was not written.

    It is written whether the source is registered or not: without a registration, the viewer says that it finds no
    description, and shows the text below that.
    """
    reason = "this system has none"
    if sys.platform == "win32":
        import pywintypes  # noqa: PLC0415 - where there is one
        import win32evtlogutil  # noqa: PLC0415

        try:
            win32evtlogutil.ReportEvent(SOURCE, event, eventType=level, strings=[insertable(text)])
            return
        except pywintypes.error as error:
            reason = error.strerror
    raise SiteError(
        f"eventlog: no event was written: {reason}",
        "check that the service `Windows Event Log` is running, and that the Application log is not full",
        "SA-1975",
    )


def insertable(text: str) -> str:
    """A text as an event takes it: not too long, and without %1 and the like, which the viewer would replace.

    The limit and the blank behind a percent sign: "ReportEventW function", learn.microsoft.com.
    """
    short = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return re.sub(r"%(?=[0-9%])", "% ", short).replace("\n", "\r\n")


def is_registered(source: str = SOURCE) -> bool:
    """Whether a source is registered, so that the viewer shows an event's text alone."""
    if sys.platform == "win32":
        import winreg  # noqa: PLC0415 - where there is one

        with suppress(OSError), winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, rf"{_SOURCES}\{source}"):
            return True
    return False


def register(source: str = SOURCE) -> None:
    """Register a source, which takes an administrator. SiteError: Windows refused it."""
    if sys.platform == "win32":
        import pywintypes  # noqa: PLC0415 - where there is one
        import win32evtlogutil  # noqa: PLC0415

        try:
            win32evtlogutil.AddSourceToRegistry(source, msgDLL=_TEXTS)
        except pywintypes.error as error:
            raise SiteError(
                f"the event log source {source} was not registered: {error.strerror}",
                'run `snapall schedule --install` from a prompt opened with "Run as administrator"',
                "SA-1977",
            ) from error

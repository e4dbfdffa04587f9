"""The event log of Windows, by its real API; where there is none, it says so.

Wine takes an event and stores nothing, so no test reads one back: only a real Windows shows whether it arrives.
"""

from __future__ import annotations

import sys

import pytest

from snapall.errors import SiteError
from snapall.operate.notify import EventLevel
from snapall.site import eventlog
from tests.platforms import posix


def test_an_event_is_not_too_long_and_holds_nothing_that_the_viewer_would_replace() -> None:
    assert eventlog.insertable("100 %1\nvolume 5%% full") == "100 % 1\r\nvolume 5% % full"
    assert len(eventlog.insertable("x" * 60_000)) <= 31_839


@posix("Windows has an event log")
def test_a_system_without_an_event_log_says_so() -> None:
    with pytest.raises(SiteError) as raised:
        eventlog.send(EventLevel.ERROR, 1101, "text")
    assert raised.value.code == "SA-1975"
    assert not eventlog.is_registered()


if sys.platform == "win32":

    @pytest.mark.parametrize("level", EventLevel)
    def test_windows_takes_an_event_of_every_level(level: EventLevel) -> None:
        eventlog.send(level, 1101, "snapall's own tests wrote this: näme\nsecond line")

    def test_a_source_is_registered_with_the_file_that_has_its_texts() -> None:
        import winreg

        import win32evtlogutil

        source = "snapall tests"
        assert not eventlog.is_registered(source)
        try:
            eventlog.register(source)
            assert eventlog.is_registered(source)
            place = rf"SYSTEM\CurrentControlSet\Services\EventLog\Application\{source}"
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place) as key:
                text, kind = winreg.QueryValueEx(key, "EventMessageFile")
            assert text.endswith("EventLogMessages.dll")
            assert kind == winreg.REG_EXPAND_SZ
        finally:
            win32evtlogutil.RemoveSourceFromRegistry(source)
        assert not eventlog.is_registered(source)

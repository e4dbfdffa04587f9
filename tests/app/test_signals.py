"""Ctrl-C, and the ends of a session: a command stops, and stays until the system ends it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from snapall.app.signals import CONSOLE_EVENTS, Reaction, console_handler, reaction_to
from tests.waiting import PATIENCE

NAMES = {name: number for number, name in CONSOLE_EVENTS.items()}
ENDS = ("CTRL_CLOSE_EVENT", "CTRL_SHUTDOWN_EVENT")


@pytest.mark.parametrize("name", ENDS)
def test_when_the_console_closes_a_command_stops_and_only_then_stays_for_its_end(name: str) -> None:
    did: list[str] = []
    assert console_handler(did.append, lambda: did.append("stays"))(NAMES[name])
    assert did == [name, "stays"]


@pytest.mark.parametrize("name", ["CTRL_C_EVENT", "CTRL_BREAK_EVENT"])
def test_ctrl_c_and_ctrl_break_are_left_to_pythons_signals_and_delay_nothing(name: str) -> None:
    did: list[str] = []
    assert not console_handler(did.append, lambda: did.append("stays"))(NAMES[name])
    assert did == []


def test_the_log_off_of_anybody_ends_no_nightly_backup() -> None:
    did: list[str] = []
    assert console_handler(did.append, lambda: did.append("stays"))(NAMES["CTRL_LOGOFF_EVENT"])
    assert did == []


def test_an_event_of_a_later_windows_is_passed_on() -> None:
    assert reaction_to(7) is Reaction.PASS_ON


RAISED = """
import signal, sys, time, win32api
from snapall.app.signals import signal_flag
with signal_flag(lambda text, hint, code: print(code, text, flush=True)) as stopped:
    if sys.argv[1] == "CTRL_C_EVENT":
        win32api.GenerateConsoleCtrlEvent(0, 0)
    else:
        signal.raise_signal(signal.SIGBREAK)  # Wine 8 generates no CTRL_BREAK_EVENT
    while not stopped():
        time.sleep(0.01)
    print("stopped", flush=True)
"""


@pytest.mark.skipif(sys.platform != "win32", reason="only Windows has console events")
@pytest.mark.parametrize("name", ["CTRL_C_EVENT", "CTRL_BREAK_EVENT"])
def test_an_event_of_the_console_sets_the_flag(name: str) -> None:
    if sys.platform == "win32":
        argv, flags = [sys.executable, "-c", RAISED, name], subprocess.CREATE_NO_WINDOW
        ended = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=PATIENCE, creationflags=flags)
        signal_name = {"CTRL_C_EVENT": "SIGINT", "CTRL_BREAK_EVENT": "SIGBREAK"}[name]
        assert ended.stdout.splitlines() == [f"SA-1016 {signal_name}: stopping after releasing the VMs", "stopped"]

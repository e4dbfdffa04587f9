"""The calls of a run are counted as they are made, and struck where they are."""

from __future__ import annotations

import signal
from multiprocessing import get_context
from pathlib import Path

import pytest
import sqlalchemy

from snapall.drill.calls import CallCounter, recorded
from snapall.drill.cells import ExternalCall, Strike, StrikeTime, System
from tests.platforms import posix

pytestmark = posix("the drill does not run on Windows")


def ask(folder: Path, strikes: list[Strike], statement: str) -> None:
    """Be a run that asks the database one question, which it may refuse."""
    CallCounter(folder, strikes, 0, folder / "calls").listen()
    with sqlalchemy.create_engine("sqlite://").connect() as connection:
        connection.exec_driver_sql("CREATE TABLE VPX_VM (ID INTEGER)")
        connection.exec_driver_sql(statement)


@pytest.mark.parametrize("statement", ["SELECT VPX_VM.ID FROM VPX_VM", "SELECT VPX_VM.SECRET FROM VPX_VM"])
def test_a_run_is_killed_after_a_statement_whether_it_is_answered_or_refused(tmp_path: Path, statement: str) -> None:
    strike = Strike(ExternalCall(System.DATABASE, 2, "VPX_VM"), StrikeTime.AFTER)
    run = get_context("fork").Process(target=ask, args=(tmp_path, [strike], statement))
    run.start()
    run.join()
    assert run.exitcode == -signal.SIGKILL
    assert [call.what for call in recorded(tmp_path / "calls")] == ["VPX_VM", "VPX_VM"]

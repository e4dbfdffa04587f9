"""The journals of a state folder: their order, and which of them may go."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from snapall.backup.journal import Journal, journals
from snapall.backup.record import Ended, Intent
from snapall.backup.state import fold
from snapall.backup.store import JournalStore
from tests.backup.pretended import PretendedClock
from tests.backup.samples import BEGAN, STEPS


@pytest.fixture
def clock() -> PretendedClock:
    return PretendedClock()


def test_journals_are_sorted_by_their_runs(tmp_path: Path, clock: PretendedClock) -> None:
    for stamp in ("20070323T030000Z", "20070322T030000Z"):
        Journal.create(tmp_path, replace(BEGAN, stamp=stamp), clock).leave()
    assert [path.stem for path in journals(tmp_path)] == ["vol1-20070322T030000Z", "vol1-20070323T030000Z"]
    assert journals(tmp_path, "vol") == []


def test_old_journals_go_but_never_one_with_outstanding_work(tmp_path: Path, clock: PretendedClock) -> None:
    store = JournalStore(tmp_path, clock)
    paths = []
    for day in range(1, 6):
        journal = store.begin(replace(BEGAN, stamp=f"200703{day:02d}T030000Z"))
        if day == 1:
            journal.append([Intent(journal.number(), STEPS[0])])
        journal.append([Ended(0, fold(journal.records).open, "")])
        journal.leave()
        paths.append(journal.path)
    store.prune("vol1", 2)
    assert [path.exists() for path in paths] == [True, False, False, True, True]
    store.prune("vol1", 0)
    assert paths[-1].exists()

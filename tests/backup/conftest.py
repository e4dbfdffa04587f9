"""Fixtures of the core's tests: the simulated site, its clock, and a journal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from snapall.backup.journal import Journal
from tests.backup.samples import BEGAN
from tests.backup.simulated import SimulatedClock, Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def journal(tmp_path: Path, clock: SimulatedClock) -> Iterator[Journal]:
    """A new journal, with its header."""
    made = Journal.create(tmp_path / "journals", BEGAN, clock)
    yield made
    made.leave()

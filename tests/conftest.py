"""Fixtures for all tests."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.atlab import AtLab


@pytest.fixture
def in_sight() -> Iterator[Path]:
    """A folder that other users can reach; pytest's own are for their owner alone."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def at_lab(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., AtLab]]:
    """Makes labs that are up until the test ends."""
    with ExitStack() as stack:
        count = 0

        def make(**options: object) -> AtLab:
            nonlocal count
            count += 1
            made = AtLab(tmp_path / str(count), capsys, **options)  # type: ignore[arg-type]
            stack.callback(made.lab.close)
            return made

        yield make

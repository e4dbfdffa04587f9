"""Fixtures for all tests."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.lab.atlab import AtLab

_ROOM = 1 << 30  # bytes, far more than the tests need at a time


def pytest_configure() -> None:
    """The same rights everywhere; and the tests' folders in memory where there is room: snapall fsyncs, a disk is slow.

    A TMPDIR that is set is left alone, and so is a RAM disk from which no program may be started.
    """
    os.umask(0o022)  # files that tests write into a state folder are refused when others could have written them
    ram = Path("/dev/shm")
    if "TMPDIR" not in os.environ and os.access(ram, os.W_OK) and sys.platform == "linux":
        about = os.statvfs(ram)
        if about.f_bavail * about.f_frsize > _ROOM and not about.f_flag & os.ST_NOEXEC:
            os.environ["TMPDIR"], tempfile.tempdir = str(ram), None  # pytest-xdist's workers inherit it


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
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def signals_as_a_terminal_gives_them() -> Iterator[None]:
    """A suite that runs in the background, or under nohup, finds some of them ignored; its children would too."""
    numbers = [number for number in signal.Signals if number.name in {"SIGINT", "SIGHUP", "SIGTERM"}]
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, former in before.items():
        signal.signal(number, former)

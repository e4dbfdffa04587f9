"""A few dozen nights of fixed seeds keep every promise; and planted faults of the core are found."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from snapall.backup import decide_looks, decide_rotation, looks, report, rotation
from snapall.backup.model import Job
from snapall.backup.rotation import Listings
from snapall.backup.runstate import RunState
from snapall.backup.steps import Delete
from tests.years.__main__ import SHM, figures
from tests.years.years import Years

# Of a process that is killed nobody closes the files.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@contextmanager
def years(seed: int) -> Iterator[Years]:
    """The nights of a seed, on a folder in memory where there is one."""
    with tempfile.TemporaryDirectory(dir=SHM if SHM.is_dir() else None) as folder:
        yield Years(Path(folder), seed)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nights_full_of_trouble_keep_the_promises(seed: int) -> None:
    with years(seed) as lived:
        assert list(lived.live(25)) == []
        assert lived.tally.nights == 25


def test_a_seed_gives_the_same_nights_again() -> None:
    logs = []
    for _ in range(2):
        with years(5) as lived:
            reports = list(lived.live(12, record=11))
            logs.append((reports, figures(lived).split("\n")[2:]))
    assert logs[0] == logs[1]


def removes_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """A printed id is believed, whosever it is."""
    monkeypatch.setattr(looks, "_strangers", lambda *_: iter(()))
    monkeypatch.setattr(RunState, "present_ids", ())


def says_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is left is worth an alarm."""
    monkeypatch.setattr(report, "alarming", lambda _: ())


def gives_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody stays for what may still appear."""
    monkeypatch.setattr(decide_looks, "_settled_by", lambda *_: [])


def moves_what_is_tagged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tags are not looked at."""
    rotate = rotation.rotate

    def blind(job: Job, listings: Listings, pending: object) -> object:
        bare = {v: tuple(type(row)(row.name, row.date) for row in rows) for v, rows in listings.items()}
        return rotate(job, bare, pending)  # type: ignore[arg-type]

    monkeypatch.setattr(decide_rotation, "rotate", blind)


def deletes_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last but one of the chain goes, too, although the chain is not whole."""
    shift = rotation._shift

    def greedy(job: Job, volume: str, listing: tuple[object, ...]) -> object:
        moves = shift(job, volume, listing)  # type: ignore[arg-type]
        names = {row.name for row in listing}  # type: ignore[attr-defined]
        last = next((name for name in reversed(job.chain) if name in names), "")
        if isinstance(moves, list) and moves and last != job.chain[-1]:
            return [rotation.Move(Delete(volume, last), "the mutant"), *moves[1:]]
        return moves

    monkeypatch.setattr(rotation, "_shift", greedy)


@pytest.mark.parametrize(
    "plant", [removes_anything, says_all_is_well, gives_up_at_once, moves_what_is_tagged, deletes_two]
)
def test_a_planted_fault_is_found(plant: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(plant)
    plant(monkeypatch)
    for seed in range(20, 28):
        with years(seed) as lived:
            if next(lived.live(60), ""):
                return
    pytest.fail("it was not found in 480 nights")

"""The reckoning of the window's benchmark, and that it runs; its figures are nobody's gate."""

from __future__ import annotations

from itertools import product
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks import window
from tests.benchmarks.schedule import Call, Run, best

DURATIONS = st.lists(st.floats(0.01, 100), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("durations", "places", "seconds"),
    [
        ([3, 3, 3], 1, 9),
        ([3, 3, 3], 2, 6),
        ([3, 3, 3], 8, 3),
        ([1, 1, 2], 2, 2),
        ([4, 3, 3, 2], 2, 6),
        ([5, 4, 3, 3, 3], 2, 9),
    ],
)
def test_the_best_schedule_is_that_of_a_careful_person(durations: list[float], places: int, seconds: float) -> None:
    assert best(durations, places) == seconds


@given(DURATIONS, st.integers(1, 10))
def test_the_best_schedule_lies_between_what_must_be_and_what_any_list_schedule_keeps(
    durations: list[float], places: int
) -> None:
    crowded = sorted(durations)[: ceil(len(durations) / places)]  # one place has so many calls, or more
    least = max(sum(durations) / places, sum(crowded), *durations)
    ends = best(durations, places)
    assert least <= ends * (1 + 1e-9)
    assert ends <= sum(durations) / places + max(durations) * (1 - 1 / places) + 1e-6


@given(st.lists(st.integers(1, 50), min_size=1, max_size=7), st.integers(1, 3))
def test_the_best_schedule_is_hardly_worse_than_the_best_of_all(durations: list[int], places: int) -> None:
    ways = product(range(places), repeat=len(durations))
    loads = ([sum(d for d, at in zip(durations, way, strict=True) if at == n) for n in range(places)] for way in ways)
    of_all = min(max(load) for load in loads)
    assert of_all <= best(durations, places) <= 13 / 11 * of_all


@given(DURATIONS)
def test_at_one_place_the_best_schedule_is_the_sum(durations: list[float]) -> None:
    assert best(durations, 1) == pytest.approx(sum(durations))


def test_a_run_is_measured_from_its_first_create_sent_to_its_last_removal_answered() -> None:
    calls = (
        Call("listing", 0, 1),  # of the survey
        Call("Quiesce", 10, 13),
        Call("Quiesce", 10, 14),
        Call("Capture", 15, 16),
        Call("listing", 17, 18),  # the proof
        Call("Release", 20, 25),
        Call("Release", 20, 24),
        Call("listing", 30, 31),  # of the rotation
    )
    run = Run(calls, parallel=2, filer=0.5)
    assert (run.window, run.held, run.confirmed, run.before_release) == (15, 14, 18, 2)
    assert run.ideal == 4 + 1 + 5
    assert run.batch == 3 + 4 + 1 + 5 + 4


def test_the_benchmark_prints_a_row_for_each_size_whether_calls_are_programs_or_sleeps(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["--sizes", "2", "55", "--parallels", "2", "--scale", "0.01", "--small-scale", "0.001"]
    window.main(words)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    told = [row for row in rows if row and row[0] in {"2", "55"}]
    assert [row[:2] for row in told] == [["2", "2"], ["55", "2"]]
    for row in told:
        seconds, ideal = float(row[2]), float(row[3])
        assert 0 < ideal <= seconds + 0.01

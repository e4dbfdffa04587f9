"""What the last nights say together, and how old a snapshot is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.backup.facts import ReleaseBegan
from snapall.backup.steps import Outcome, Step
from snapall.operate.ages import age_of
from snapall.operate.history import past
from snapall.operate.statistics import Series, Statistics, makespan, statistics
from tests.backup.simulated import Act, Stage, quiesce_of, refuse
from tests.operate.slow_runs import CREATE, REMOVE, slow_stage

NOW = datetime(2007, 3, 22, 3, 0, tzinfo=UTC)
SECONDS = st.lists(st.floats(0, 1000), max_size=40)


def reckoned(stage: Stage, parallel: int = 1) -> Statistics:
    return statistics("vol1", past(stage.store, "vol1").runs[::-1], parallel)


def test_each_vm_has_its_seconds_of_every_run(stage: Stage) -> None:
    for _ in range(3):
        stage.night()
    found = reckoned(stage)
    assert len(found.runs) == 3
    assert {one.vm.id for one in found.vms} == {108, 110, 1226}
    assert all(len(one.create.known) == 3 for one in found.vms)


def test_an_interrupted_run_adds_nothing_to_the_trend(stage: Stage) -> None:
    for _ in range(2):
        stage.night()
    whole = reckoned(stage)
    stage.killed(stage.night, lambda what: isinstance(what, ReleaseBegan))
    stage.recover()
    stage.stop = True
    stage.night()
    stage.stop = False
    found = reckoned(stage)
    assert len(found.runs) == 4
    assert found.window.values == (*whole.window.values, None, None)
    assert all(one.create.values[2:] == one.remove.values[2:] == (None, None) for one in found.vms)


def test_a_vm_that_was_missed_is_counted_and_has_a_gap(stage: Stage) -> None:
    stage.night()
    stage.site.fail(quiesce_of(110), refuse("too many snapshots"))
    stage.night()
    (missed,) = [one for one in reckoned(stage).vms if one.vm.id == 110]
    assert (missed.targeted, missed.missed) == (2, 1)
    assert missed.create.values[1] is None


def test_the_slowest_vm_comes_first(stage: Stage) -> None:
    stage.pace = replace(stage.pace, parallel=1)

    def slow(step: Step, act: Act) -> Outcome:
        stage.clock.push(60)
        return act(step)

    stage.site.fail(quiesce_of(110), slow)
    stage.night()
    found = reckoned(stage).vms
    assert [one.vm.id for one in found] == [110, 108, 1226]
    assert [one.usual for one in found] == [CREATE + REMOVE + 60, CREATE + REMOVE, CREATE + REMOVE]


def test_tonights_window_is_the_calls_dealt_out_to_so_many_places(tmp_path: Path) -> None:
    stage = slow_stage(tmp_path)
    stage.pace = replace(stage.pace, parallel=1)
    stage.night()
    one, three = reckoned(stage, 1).expected, reckoned(stage, 3).expected
    assert one is not None
    assert three is not None
    assert one.usual == pytest.approx(3 * CREATE + 1 + 3 * REMOVE)
    assert one.capture == pytest.approx(3 * CREATE)
    assert three.usual == pytest.approx(CREATE + 1 + REMOVE)


def test_without_a_run_nothing_is_expected() -> None:
    assert statistics("vol1", (), 4).expected is None


@pytest.mark.parametrize(
    ("values", "trend"), [((1, 1, 2, 2), 1.0), ((4, 4, 4, 2, 2), -0.5), ((1, None, 1, 1, 1), 0.0), ((1, 2, 3), None)]
)
def test_a_trend_compares_the_newer_half_with_the_older(values: tuple[float | None, ...], trend: float | None) -> None:
    assert Series(values).trend == trend


@given(SECONDS, st.integers(1, 16))
def test_no_schedule_beats_its_longest_call_or_its_share_of_the_work(seconds: list[float], places: int) -> None:
    took = makespan(seconds, places)
    assert took >= max([*seconds, sum(seconds) / places], default=0) - 1e-6
    assert took <= sum(seconds) + 1e-6


@given(st.integers(0, 363 * 24 * 60))
def test_the_age_by_date_text_is_right_until_the_day_comes_round_again(minutes: int) -> None:
    made = NOW - timedelta(minutes=minutes)
    age = age_of("", f"{made:%b %d %H:%M}", NOW, UTC)
    assert age is not None
    assert (age.seconds, age.sure) == (minutes * 60, False)


def test_the_age_by_a_run_is_sure() -> None:
    age = age_of("20070321T030000Z", "Mar 01 00:00", NOW, UTC)
    assert age is not None
    assert (age.seconds, age.sure) == (86400, True)


def test_a_filer_whose_clock_is_ahead_makes_no_snapshot_of_last_year() -> None:
    age = age_of("", "Mar 22 20:00", NOW, UTC)
    assert age is not None
    assert age.seconds == 0


@pytest.mark.parametrize(("date", "hours"), [("Jan 01 02:00", 0), ("Dec 31 20:00", 3), ("Jan 02 20:00", 363 * 24 + 3)])
def test_at_new_year_the_filer_may_be_in_the_next_year_already(date: str, hours: int) -> None:
    age = age_of("", date, datetime(2006, 12, 31, 23, 0, tzinfo=UTC), UTC)
    assert age is not None
    assert age.seconds == hours * 3600


@pytest.mark.parametrize("date", ["", "today", "Feb 30 10:00", "Xyz 01 10:00"])
def test_an_invalid_date_has_no_age(date: str) -> None:
    assert age_of("", date, NOW, UTC) is None

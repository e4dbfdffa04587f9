"""The order of creates and removals: what it always keeps, and what it gains, in simulated seconds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.backup.schedule import Durations, Saved, Schedule, ends, saved, schedule, shortest_first
from tests.benchmarks.order import SITES, RunSeconds, Site

SECONDS = st.floats(0, 5000)
VMS = st.lists(st.integers(1, 9999), max_size=20, unique=True).map(sorted)
PARALLEL = st.integers(1, 9)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[int], dict[int, Durations]]:
    """VMs in the database's order, and what is known of some of them, and of some that are gone."""
    vms = draw(VMS)
    known = draw(st.sets(st.sampled_from([*vms, 10_000])))
    maybe = st.none() | SECONDS
    return vms, {vm: Durations(draw(maybe), draw(maybe)) for vm in sorted(known)}


def usual(creates: Sequence[float], removals: Sequence[float]) -> dict[int, Durations]:
    """A history of VMs 0, 1, 2 and so on."""
    return {vm: Durations(*both) for vm, both in enumerate(zip(creates, removals, strict=True))}


UNEVEN = (5.0, 30.0, 2.0, 8.0, 20.0, 1.0)
EVEN = (5.0,) * 6


@given(histories(), PARALLEL, st.data())
def test_every_vm_is_created_and_removed_once_with_must_first_and_then_the_missed(
    history: tuple[list[int], dict[int, Durations]], parallel: int, data: st.DataObject
) -> None:
    vms, known = history
    some = st.sets(st.sampled_from([*vms, 10_000]))
    must, missed = data.draw(some), data.draw(some)
    found = schedule(vms, known, parallel, must, missed)
    assert sorted(found.creates) == sorted(found.removals) == vms
    groups = [(vm not in must, vm not in missed) for vm in found.creates]
    assert groups == sorted(groups)
    assert schedule(vms, dict(reversed(known.items())), parallel, sorted(must), sorted(missed)) == found


@given(histories(), PARALLEL)
def test_there_is_a_reason_exactly_where_the_order_is_not_the_databases(
    history: tuple[list[int], dict[int, Durations]], parallel: int
) -> None:
    vms, known = history
    found = schedule(vms, known, parallel)
    assert bool(found.reason) == (found.creates != tuple(vms) or found.removals != tuple(vms))


@given(histories(), PARALLEL)
def test_by_the_history_itself_no_order_lengthens_the_window_or_the_quiesced_times(
    history: tuple[list[int], dict[int, Durations]], parallel: int
) -> None:
    vms, known = history
    found = schedule(vms, known, parallel)
    whole = {vm: one for vm, one in known.items() if None not in (one.create, one.remove)}
    if whole.keys() >= set(vms):
        gained = saved(vms, whole, parallel, found.creates, found.removals)
        assert gained.window >= -1e-5
        assert gained.quiesced >= -1e-5


@given(st.lists(st.sampled_from([1.0, 5.0, 40.0]), max_size=20), PARALLEL)
def test_vms_that_take_equally_long_stay_in_the_databases_order(seconds: list[float], parallel: int) -> None:
    vms = range(len(seconds))
    found = schedule(vms, usual(seconds, seconds), parallel)
    for order in (found.creates, found.removals):
        for one in set(seconds):
            equal = [vm for vm in order if seconds[vm] == one]
            assert equal == sorted(equal)


@given(st.lists(st.floats(0.985, 1.015), max_size=60), PARALLEL, st.floats(0.1, 1000))
def test_an_even_history_silently_keeps_the_databases_order(seconds: list[float], parallel: int, scale: float) -> None:
    vms = tuple(range(len(seconds)))
    known = usual([scale * one for one in seconds], [scale * one for one in reversed(seconds)])
    assert schedule(vms, known, parallel) == Schedule(vms, vms)


def test_creates_that_differ_by_a_second_and_removals_that_differ_by_two_are_even() -> None:
    draw = SITES["even"]
    vms = tuple(range(25))
    found = [schedule(vms, draw(random.Random(seed), 25).usual, 4) for seed in range(20)]
    assert found == [Schedule(vms, vms)] * 20


@given(VMS, PARALLEL)
def test_without_a_history_the_databases_order_stays(vms: list[int], parallel: int) -> None:
    for known in ({}, dict.fromkeys(vms, Durations(None, None))):
        assert schedule(vms, known, parallel) == Schedule(tuple(vms), tuple(vms))


def test_a_history_of_fewer_than_half_of_the_vms_is_ignored() -> None:
    known = {**usual(UNEVEN, UNEVEN), **dict.fromkeys((2, 3, 4, 5), Durations(None, None))}
    assert schedule(range(6), known, 1) == Schedule(tuple(range(6)), tuple(range(6)))


def test_a_vm_without_a_history_counts_as_the_median_of_the_others() -> None:
    known = {**usual(UNEVEN, UNEVEN), 5: Durations(None, None)}  # the others' median is 8 s
    found = schedule(range(6), known, 1)
    assert found.creates == (1, 4, 3, 5, 0, 2)
    assert found.removals == (2, 0, 3, 5, 4, 1)


def test_one_call_at_a_time_begins_with_the_longest_create_and_with_the_shortest_removal() -> None:
    found = schedule(range(6), usual(UNEVEN, UNEVEN), 1)
    assert found.creates == (1, 4, 3, 0, 2, 5)
    assert found.removals == (5, 2, 0, 3, 4, 1)


def test_each_stage_is_ordered_by_itself() -> None:
    found = schedule(range(6), usual(EVEN, UNEVEN), 1)
    assert found.creates == tuple(range(6))
    assert found.removals != tuple(range(6))
    assert "creates" not in found.reason.lower()


@given(st.lists(SECONDS, min_size=1, max_size=9), st.data())
def test_with_a_place_for_every_call_nothing_is_ordered(seconds: list[float], data: st.DataObject) -> None:
    parallel = data.draw(st.integers(len(seconds), 12))
    vms = tuple(range(len(seconds)))
    assert schedule(vms, usual(seconds, seconds), parallel) == Schedule(vms, vms)


def test_a_removal_far_longer_than_all_others_begins_first_so_that_the_window_does_not_wait_for_it() -> None:
    removals = [9.0, 2.0, 8.0, 1.0, 7.0, 2.0, 10.0, 3.0, 9.0, 1.0, 6.0] * 2 + [60.0]
    found = schedule(range(23), usual([5.0] * 23, removals), 4)
    assert found.removals[:2] == (22, 3)
    assert saved(range(23), usual([5.0] * 23, removals), 4, found.creates, found.removals).window >= 20
    assert "removals begin with the longest, then the shortest" in found.reason.lower()


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(1, 3))
def test_the_shortest_first_leave_all_places_the_least_sum_of_ends_of_any_order(
    seconds: list[int], places: int
) -> None:
    by_vm = {vm: float(one) for vm, one in enumerate(seconds)}
    found = shortest_first(list(by_vm), by_vm, places)
    least = min(sum(ends(order, by_vm, places).values()) for order in permutations(by_vm))
    assert sum(ends(found, by_vm, places).values()) == least


def test_the_shortest_first_are_levelled_so_that_no_place_ends_long_after_the_others() -> None:
    by_vm = dict(enumerate((1.0, 2.0, 5.0, 8.0, 20.0, 30.0)))
    assert shortest_first(range(6), by_vm, 2) == (0, 1, 2, 3, 5, 4)  # 1, 5, 30 on one place; 2, 8, 20 on the other
    assert max(ends(range(6), by_vm, 2).values()) == 40
    assert max(ends((0, 1, 2, 3, 5, 4), by_vm, 2).values()) == 36


def test_sums_that_differ_by_rounding_alone_do_not_make_a_window_longer() -> None:
    seconds = [7.0, 1.2, 1.1]
    assert 1.1 + 1.2 + 7.0 > 7.0 + 1.2 + 1.1  # sum() rounds once since Python 3.12
    assert schedule(range(3), usual(seconds, seconds), 1).removals == (2, 1, 0)


def test_the_reason_is_one_sentence_that_names_the_groups_and_what_is_gained() -> None:
    # Within the groups the creates end after 1, 3, 33, 53, 61, 66 s, not 1, 3, 8, 38, 46, 66: 55 s less. The removals:
    # after 1, 3, 8, 16, 36, 66 s, not 5, 35, 37, 45, 65, 66: 123 s less.
    assert schedule(range(6), usual(UNEVEN, UNEVEN), 1, must={5}, missed={2}).reason == (
        "Creates begin with the VMs marked must, then those that the last run did not reach, then the longest; "
        "removals begin with the shortest: judging by earlier runs, each VM is quiesced 29.7 s less on average."
    )
    assert schedule(range(6), {}, 2, must={3}).reason == "Creates begin with the VMs marked must."
    assert schedule(range(6), {}, 2, missed={3}).reason == ("Creates begin with those that the last run did not reach.")


def test_must_and_missed_vms_that_come_first_anyway_are_no_reason() -> None:
    assert schedule(range(6), {}, 2, must=range(6), missed={0}).reason == ""
    assert schedule(range(6), {}, 2, must={0, 1}, missed={2}).reason == ""


def test_the_saved_time_is_the_difference_to_the_same_calls_in_the_databases_order() -> None:
    took = usual(
        [1.0, 3.0], [4.0, 1.0]
    )  # one at a time: as listed the creates end after 1 and 4 s, the removals 4 and 5
    # As listed: (4 - 1 + 4) + (4 - 4 + 5) = 12. Turned round: VM 1 ends at 3 and 1, VM 0 at 4 and 5: 2 + 5 = 7.
    assert saved([0, 1], took, 1, (1, 0), (1, 0)) == Saved(0.0, 5.0)
    # On two places nothing waits for a place.
    assert saved([0, 1], took, 2, (1, 0), (1, 0)) == Saved(0.0, 0.0)


def test_the_saved_time_can_be_negative() -> None:
    took = usual([1.0, 3.0], [1.0, 4.0])
    assert saved([0, 1], took, 1, (0, 1), (1, 0)) == Saved(0.0, -3.0)


def test_calls_without_an_answer_and_vms_not_listed_count_in_nothing() -> None:
    took = {**usual([1.0, 3.0], [4.0, 1.0]), 2: Durations(2.0, None), 3: Durations(None, 9.0), 7: Durations(50.0, 50.0)}
    assert saved([0, 1, 2, 3], took, 4, (3, 2, 1, 0, 7, 8), (2, 1, 0, 7)) == Saved(0.0, 0.0)
    assert saved([], {}, 4, (), ()) == Saved(0.0, 0.0)


@pytest.mark.parametrize("kind", SITES)
@pytest.mark.parametrize(("vms", "places"), [(25, 4), (25, 8), (54, 4), (54, 8)])
def test_over_sites_of_every_kind_neither_window_nor_quiesced_times_are_lost_even_if_tonight_differs(
    kind: str, vms: int, places: int
) -> None:
    source = random.Random(f"{kind} {vms} {places}")
    known, off = [], []
    for _ in range(30):
        usual_ = SITES[kind](source, vms)
        known.append(compared(usual_, usual_, places))
        off.append(compared(usual_, usual_.tonight(source), places))
    assert all(window <= 1e-6 and quiesced <= 1e-6 for window, quiesced in known)
    assert sum(window for window, _ in off) <= 0
    assert sum(quiesced for _, quiesced in off) <= 0


def compared(history: Site, tonight: Site, places: int) -> tuple[float, float]:
    """Seconds of window and quiesced times more than in the database's order."""
    listed = list(history.create)
    found = schedule(listed, history.usual, places)
    night = RunSeconds.of(tonight, (found.creates, found.removals), places)
    plain = RunSeconds.of(tonight, (listed, listed), places)
    return night.window - plain.window, night.quiesced - plain.quiesced

"""A small bound of the exploration, and planted bugs that it must find."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from snapall.backup.model import FilerSnapshot
from snapall.backup.runstate import RunState
from tests.explore import quick
from tests.explore.bugs import BUGS, Bug
from tests.explore.counterexample import render
from tests.explore.mutants import found, planted
from tests.explore.restore.bugs import RESTORE_BUGS
from tests.explore.restore.scenes import SCENES, Restore, counterexample
from tests.explore.scenes import scenes
from tests.explore.search import Bounds, Search


@pytest.mark.parametrize("name", sorted(scenes()))
def test_every_promise_holds_in_any_order_of_events(name: str) -> None:
    explored = Search(scenes()[name], Bounds(faults=1, states=300)).run()
    assert explored.broken is None, render(explored)
    assert explored.states >= 300


@pytest.mark.parametrize("name", sorted(scenes()))
def test_without_a_fault_every_order_of_events_ends_well(name: str) -> None:
    explored = Search(scenes()[name], Bounds(faults=0, states=2000)).run()
    assert explored.broken is None, render(explored)


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug.quick], ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: Bug, tmp_path: Path) -> None:
    assert found(bug, tmp_path, states=8000)


@pytest.mark.parametrize("bug", [*BUGS, *RESTORE_BUGS], ids=lambda bug: bug.name)
def test_every_bug_can_be_planted(bug: Bug, tmp_path: Path) -> None:
    assert planted(bug, tmp_path) == tmp_path


def test_the_quick_copy_is_a_copy() -> None:
    state = RunState(version=3)
    assert quick.replace(state, version=4) == dataclasses.replace(state, version=4)
    row = FilerSnapshot("vmware_recent", "Mar 22 03:00")
    assert quick.replace(row, tags=("busy",)) == dataclasses.replace(row, tags=("busy",))


@pytest.mark.parametrize("name", sorted(SCENES))
def test_a_restore_keeps_every_promise_in_any_order_of_events(name: str) -> None:
    explored = Search(SCENES[name], Bounds(faults=1, states=6000), Restore(SCENES[name])).run()
    assert explored.broken is None, counterexample(explored)
    assert explored.complete


@pytest.mark.parametrize("bug", [bug for bug in RESTORE_BUGS if bug.quick][::3], ids=lambda bug: bug.name)
def test_a_bug_planted_in_a_restore_is_found(bug: Bug, tmp_path: Path) -> None:
    assert found(bug, tmp_path, states=8000)

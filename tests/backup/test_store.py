"""The journals of a state folder: their order, and which of them may go."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from snapall.backup.facts import Answered, Ended, Intent
from snapall.backup.journal import Journal, is_open, journals
from snapall.backup.origins import Provenance
from snapall.backup.plan import PlanContext, build, settling
from snapall.backup.state import fold
from snapall.backup.steps import Release
from snapall.backup.store import JournalStore
from snapall.errors import JournalError
from tests.backup.samples import BEGAN, STEPS
from tests.backup.simulated import SimulatedClock, Stage
from tests.unshared import on_windows, unshared


def test_a_journal_is_closed_only_by_a_report_that_says_so(journal: Journal) -> None:
    assert is_open(journal.path)
    journal.append([Ended(5, True, "one VM")])
    assert is_open(journal.path)
    journal.append([Ended(0, False, "")])
    assert not is_open(journal.path)
    with journal.path.open("a") as file:
        file.write('{"torn')
    assert is_open(journal.path)
    with journal.path.open("a") as file:
        file.write("\n")
    assert is_open(journal.path)


def test_journals_are_sorted_by_their_runs(tmp_path: Path, clock: SimulatedClock) -> None:
    for stamp in ("20070323T030000Z", "20070322T030000Z"):
        Journal.create(tmp_path, replace(BEGAN, stamp=stamp), clock).leave()
    assert [path.stem for path in journals(tmp_path)] == ["vol1-20070322T030000Z", "vol1-20070323T030000Z"]
    assert journals(tmp_path, "vol") == []


def test_old_journals_go_but_never_one_with_outstanding_work(tmp_path: Path, clock: SimulatedClock) -> None:
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


@on_windows
@pytest.mark.parametrize("shares", [True, False])
def test_an_old_journal_that_another_program_has_open_keeps_none_of_the_others(
    tmp_path: Path, clock: SimulatedClock, shares: bool
) -> None:
    store, paths = JournalStore(tmp_path, clock), []
    for day in range(1, 6):
        journal = store.begin(replace(BEGAN, stamp=f"200703{day:02d}T030000Z"))
        journal.append([Ended(0, False, "")])
        journal.leave()
        paths.append(journal.path)
    with paths[0].open("rb") if shares else unshared(paths[0]):
        with pytest.raises(JournalError, match="20070301") if shares else nullcontext():  # it may be an open run's
            store.prune("vol1", 2)
        assert [path.exists() for path in paths] == [True, False, False, True, True]
    store.prune("vol1", 2)
    assert [path.exists() for path in paths] == [False, False, False, True, True]


def test_the_plan_after_a_crash_names_the_run_and_what_it_settles_first(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.killed(stage.night, lambda what: isinstance(what, Answered) and what.n == 2)
    (dead,) = stage.store.states()
    assert [one.vm.id for one in dead.outstanding] == [108, 110]
    survey = stage.site.survey()
    assert "--adopt" in " ".join(
        one.text + one.hint for one in build(stage.job, survey, Provenance(), PlanContext(), "s").warnings
    )
    first, plan = settling([dead]), build(stage.job, survey, Provenance(), PlanContext(settled_first=(dead,)), "s")
    assert [one.action for one in first] == [Release(one.vm, ssid) for one in dead.outstanding for ssid in one.ids]
    assert all(f"run {dead.header.stamp} may have left" in one.reason for one in first)
    assert plan.warnings == ()
    other = build(stage.job, survey, Provenance(), PlanContext(open_runs=(dead,)), "s")  # as another job sees it
    assert other.warnings == ()
    assert [vm.id for vm, why in other.left if f"run {dead.header.stamp} of job vol1" in why] == [108, 110]


def test_a_journal_that_cannot_be_read_hides_no_older_one_that_knows_the_backups(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.night()
    known = stage.store.known("vol1")
    assert known
    with stage.begun(stamp="20070401T030000Z").path.open("a") as file:
        file.write("hello\n")
    assert stage.store.known("vol1") == known

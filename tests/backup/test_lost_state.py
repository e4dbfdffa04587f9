"""The state folder, or the journal, disappears while a run is at work: nothing new begins, and every VM is released."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace
from errno import ENOSPC
from pathlib import Path

import pytest

from snapall.backup import journal
from snapall.backup.facts import Intent
from snapall.backup.model import Order
from snapall.backup.steps import Release, Step
from snapall.views import messages
from tests.backup.simulated import JOB, PACE, Stage
from tests.platforms import loses_open_files, with_modes

CALLS = range(1, 13)  # of a whole night in safe order, which has the most


def lose(stage: Stage, what: str) -> None:
    if what == "state":
        shutil.rmtree(stage.state)
    else:
        next(stage.store.folder.glob("*.jsonl")).unlink()


@pytest.mark.parametrize("nth", CALLS)
@pytest.mark.parametrize("order", list(Order), ids=lambda one: one.value)
@pytest.mark.parametrize("what", ["state", "journal"])
def test_a_run_that_loses_its_memory_begins_only_removals_and_releases_every_vm(
    tmp_path: Path, nth: int, order: Order, what: str
) -> None:
    stage = Stage(tmp_path / "state", job=replace(JOB, order=order), pace=replace(PACE, parallel=1))
    before = list(stage.names())
    behind: list[int] = []  # how many calls had been sent when the memory was lost

    def after(_step: Step) -> None:
        if len(stage.site.ledger) == nth and not behind:
            lose(stage, what)
            behind.append(len(stage.site.asked))

    stage.site.after = after
    report = stage.night()
    assert stage.site.rows == []
    if behind:
        assert all(isinstance(step, Release) for step in stage.site.asked[behind[0] :])
        assert stage.state.exists() == (what == "journal")
        assert stage.warnings or stage.failures
    if len(stage.site.ledger) < len(CALLS) - 1:  # the rotation of safe order, or that before the capture, is not whole
        assert report.exit in {1, 3}
    assert len([name for name in before if name in stage.names()]) >= len(before) - 1


@loses_open_files
@pytest.mark.parametrize("what", ["state", "journal"])
def test_a_run_whose_journal_is_lost_promises_nothing_in_the_name_of_later_runs(tmp_path: Path, what: str) -> None:
    stage = Stage(tmp_path / "state")

    def after(step: Step) -> None:
        if isinstance(step, Release):
            with suppress(FileNotFoundError, StopIteration):  # it is lost already
                lose(stage, what)

    stage.site.after = after
    report = stage.night()
    assert (report.exit, report.published, report.forgotten) == (3, False, True)
    assert report.name in stage.names()
    told = messages.advice(report, stage.job)
    assert "no run will publish or delete it" in told
    stage.site.after = lambda _step: None
    stage.clock.push(86400)
    assert stage.night().exit == 0
    assert report.name in stage.names()  # it did as it was said: it is left alone


def test_a_run_whose_disk_fills_up_during_the_release_is_not_a_whole_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paper order has no name left to move then; yet `status` cannot see that its VMs were released."""
    stage = Stage(tmp_path / "state", job=replace(JOB, order=Order.PAPER))

    def full(*_: object) -> None:
        raise OSError(ENOSPC, "No space left on device")

    def after(step: Step) -> None:
        if isinstance(step, Release):
            monkeypatch.setattr(journal, "_write_all", full)

    stage.site.after = after
    report = stage.night()
    assert stage.site.rows == []
    assert (report.exit, report.published, report.forgotten) == (3, True, False)
    assert "No space left on device" in stage.warnings


@with_modes
def test_a_state_folder_that_others_can_write_stops_what_is_new_and_no_removal(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "state")

    def after(_step: Step) -> None:
        if len(stage.site.ledger) == 1:
            (stage.state / "vms.lock").chmod(0o666)

    stage.site.after = after
    assert stage.night().exit == 1
    assert stage.site.rows == []
    assert "users other than its owner can write" in stage.failures[0]


def test_events_after_the_folder_is_gone_are_still_in_the_open_file(tmp_path: Path) -> None:
    """The guardian reads there what the run itself has released."""
    stage = Stage(tmp_path / "state")
    found: list[object] = []

    def after(_step: Step) -> None:
        if len(stage.site.ledger) == 2:
            found.append(next(stage.store.folder.glob("*.jsonl")).open())
            shutil.rmtree(stage.state)

    stage.site.after = after
    stage.night()
    (file,) = found
    with file as lines:  # type: ignore[attr-defined]
        told = lines.read()
    assert Intent.__name__ in told
    assert '"is": "Release"' in told
    assert '"is": "Ended"' in told.splitlines()[-1]

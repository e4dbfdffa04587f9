"""The last line of a journal sums up the run, and is believed only for what it sums up."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from snapall.backup.facts import Intent, Surveyed, Warned
from snapall.backup.journal import closing_summary, is_open, journals
from snapall.backup.model import Order, Vm, VmSnapshot
from snapall.backup.origins import origins
from snapall.backup.outcome import Summary
from snapall.backup.steps import Quiesce
from snapall.backup.store import read_summary
from snapall.backup.summary import summarize
from tests.backup.endings import left_quiesced, partial, whole, without_a_capture
from tests.backup.simulated import Stage, act_unanswered, quiesce_of, release_of

SQL = Vm(110, "sql01", "esx1")
BEGUN = Surveyed((), (SQL,), (), (), ()), Intent(1, Quiesce(SQL, "Quiesce-20070322T030000Z"))


def last_of(stage: Stage) -> Path:
    return journals(stage.store.folder)[-1]


def released_without_a_look(stage: Stage) -> None:
    stage.site.on_preconnect = lambda: setattr(stage.site, "database_down", True)  # from the capture on
    stage.night()


def without_answers(stage: Stage) -> None:
    stage.site.fail(quiesce_of(108), act_unanswered)
    stage.site.fail(release_of(110), act_unanswered)
    stage.night()


def stopped(stage: Stage) -> None:
    stage.stop = True
    stage.night()


def kept(stage: Stage) -> None:
    stage.night(keep="before-upgrade")


def in_paper_order(stage: Stage) -> None:
    stage.job = replace(stage.job, order=Order.PAPER)
    stage.night()


def recovered(stage: Stage) -> None:
    stage.site.rows.append(VmSnapshot("snapshot-9", 110, "Quiesce-20070322T030000Z"))
    stage.begun(*BEGUN)
    stage.clock.push(60)
    stage.recover()


NIGHTS = (
    whole,
    partial,
    without_a_capture,
    left_quiesced,
    released_without_a_look,
    without_answers,
    stopped,
    kept,
    in_paper_order,
    recovered,
)


@pytest.mark.parametrize("night", NIGHTS)
def test_the_last_line_says_what_the_whole_journal_does(stage: Stage, night: object) -> None:
    assert callable(night)
    night(stage)
    path = last_of(stage)
    summary = closing_summary(path)
    assert isinstance(summary, Summary)
    assert summary == summarize(stage.store.read(path))
    assert summary.origins == origins(stage.store.read(path))
    assert is_open(path) is summary.open


def test_a_line_after_the_report_means_that_the_journal_is_folded(stage: Stage) -> None:
    stage.night()
    path = last_of(stage)
    journal = stage.store.open(path)
    journal.append([Warned("somebody goes on with it")])
    journal.leave()
    assert closing_summary(path) is None
    assert read_summary(path) == summarize(stage.store.read(path))
    assert is_open(path)


def test_a_summary_of_another_length_is_not_believed(stage: Stage) -> None:
    stage.night()
    path = last_of(stage)
    lines = path.read_bytes().splitlines(keepends=True)
    false = json.loads(lines[-1])
    false["summary"]["stamp"] = "19990101T000000Z"
    path.write_bytes(b"".join([*lines[:-2], json.dumps(false).encode() + b"\n"]))  # one line less before it
    assert closing_summary(path) is None
    summary = read_summary(path)
    assert summary is not None
    assert summary.stamp == stage.store.read(path).header.stamp


def test_a_report_that_sums_nothing_up_is_of_an_earlier_version_and_folded(stage: Stage) -> None:
    stage.night()
    path = last_of(stage)
    whole = read_summary(path)
    lines = path.read_text().splitlines()
    last = json.loads(lines[-1])
    del last["summary"], last["length"]
    path.write_text("\n".join([*lines[:-1], json.dumps(last)]) + "\n")
    assert closing_summary(path) is None
    assert read_summary(path) == whole
    assert not is_open(path)


def test_what_ends_in_no_whole_line_has_no_summary(stage: Stage) -> None:
    stage.night()
    path = last_of(stage)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert closing_summary(path) is None
    path.write_bytes(b"")
    assert (closing_summary(path), read_summary(path)) == (None, None)
    assert closing_summary(path.with_name("none.jsonl")) is None


def test_a_last_line_longer_than_what_is_read_at_first_is_read_whole(stage: Stage) -> None:
    stage.site.vms = [Vm(n, f"vm{n:04}", "esx1") for n in range(1, 400)]
    stage.night()
    path = last_of(stage)
    assert len(path.read_bytes().splitlines()[-1]) > 100_000
    assert not is_open(path)
    assert closing_summary(path) == summarize(stage.store.read(path))


def test_the_newest_run_is_known_by_its_last_line(stage: Stage) -> None:
    stage.night()
    stage.clock.push(86400)
    stage.begun(stamp="20070324T030000Z")  # it died before its survey
    path = journals(stage.store.folder)[0]
    newest = stage.store.newest("vol1")
    assert newest is not None
    assert newest.path == path
    assert stage.store.known("vol1") == origins(stage.store.read(path))


def test_a_removal_by_recover_is_none_of_the_runs_own_seconds(stage: Stage) -> None:
    journal = stage.begun(*BEGUN)
    stage.site.rows.append(VmSnapshot("snapshot-77", 110, "Quiesce-20070322T030000Z"))
    stage.recover()
    assert stage.site.rows == []
    summary = read_summary(journal.path)
    assert summary is not None
    (vm,) = summary.vms
    assert (vm.removal_sent, vm.removal_seconds) == (None, None)
    assert vm.released is not None

"""Records as sentences: what is news, what is trouble, and which step an answer belongs to."""

from __future__ import annotations

import pytest

from snapall.backup.facts import (
    Absent,
    Adopted,
    Answered,
    Began,
    CommandSettled,
    Confirmed,
    Ended,
    Fact,
    Found,
    Intent,
    LeftOut,
    NamesDiffer,
    ReleaseBegan,
    RenamedBack,
    RotationEnded,
    SnapshotVanished,
    StopAsked,
    Surveyed,
    TakenOver,
    VmLost,
    Withheld,
)
from snapall.backup.model import Vm
from snapall.backup.record import OutstandingFound, Record
from snapall.backup.steps import Delete, Done, Quiesce, Release, Rename, Unknown
from snapall.views.labels import Labels
from snapall.views.sentences import Weight, sentence
from tests.backup.simulated import JOB, PACE, START

WEB, SQL = Vm(108, "web01", "esx1"), Vm(110, "sql01", "esx1")
RENAME = Rename("v", "vmware_recent", "vmware_previous")
NEWS: list[tuple[Fact, str]] = [
    (TakenOver("recover", "the run had left it open"), "taken over by recover: the run had left it open"),
    (Ended(0, open=False, text="recovered"), "an earlier run: recovered (exit 0)"),
    (Found(110, "snapshot-7"), "the database lists snapshot-7 for sql01 (vm-110)"),
    (Adopted(SQL, "Quiesce", "snapshot-7"), "sql01 (vm-110): removing Quiesce (snapshot-7), which no run made"),
    (CommandSettled(5, done=True), "deleting vmware_snap4 on v: `snap list` shows that it took effect"),
    (CommandSettled(5, done=False), "it did not take effect"),
    (CommandSettled(5, done=None), "whether it did is unknown"),
    (RenamedBack(RENAME), "vmware_previous on v was renamed back to vmware_recent"),
]
TROUBLE: list[tuple[Fact, str]] = [
    (LeftOut(110, "the login was refused"), "sql01 (vm-110) is not quiesced: the login was refused"),
    (
        Withheld(110, "snapshot-7", "it was there before"),
        "sql01 (vm-110): snapshot-7 is not removed: it was there before",
    ),
    (SnapshotVanished(110), "sql01 (vm-110): somebody else removed its snapshot before the release"),
    (VmLost(110), "VirtualCenter no longer knows sql01 (vm-110)"),
    (Absent("v", "vmware_new_x"), "vmware_new_x is not on v"),
    (NamesDiffer("v", ""), "v: the filer's answers and `snap list` differ; it lists none"),
    (RotationEnded((), whole=False), "the rotation is not complete"),
]


@pytest.fixture
def names() -> Labels:
    known = Labels()
    known.learn(Record(START, Surveyed((), (WEB, SQL), (), (), ())))
    known.learn(Record(START, Intent(5, Delete("v", "vmware_snap4"))))
    return known


@pytest.mark.parametrize(("fact", "text"), NEWS, ids=lambda one: type(one).__name__)
def test_unusual_records_are_news(names: Labels, fact: Fact, text: str) -> None:
    found = sentence(fact, names)
    assert found is not None
    assert text in found.text
    assert found.weight is Weight.NEWS


@pytest.mark.parametrize(("fact", "text"), TROUBLE, ids=lambda one: type(one).__name__)
def test_a_problem_is_trouble(names: Labels, fact: Fact, text: str) -> None:
    found = sentence(fact, names)
    assert found is not None
    assert text in found.text
    assert found.weight is Weight.TROUBLE


@pytest.mark.parametrize(
    "fact", [ReleaseBegan("confirmed"), Confirmed("v", "vmware_new_x", "d"), RotationEnded((), whole=True)]
)
def test_records_of_every_successful_run_are_routine(names: Labels, fact: Fact) -> None:
    found = sentence(fact, names)
    assert found is not None
    assert found.weight is Weight.ROUTINE


def test_an_id_that_the_create_printed_is_not_news_when_it_is_listed(names: Labels) -> None:
    names.learn(Record(START, Intent(1, Quiesce(SQL, "Quiesce"))))
    names.learn(Record(START, Answered(1, Done(ssid="snapshot-7"), 1.0)))
    assert sentence(Found(110, "snapshot-7"), names) is None


def test_a_stop_is_shown_once_by_the_warning_that_names_its_signal(names: Labels) -> None:
    assert sentence(StopAsked(), names) is None


def test_the_report_of_a_run_itself_is_left_to_its_summary(names: Labels) -> None:
    names.learn(Record(START, Began(JOB, "20070322T030000Z", "vc01", "filer1", PACE, "1")))
    assert sentence(Ended(3, open=False, text="x"), names) is None


def test_an_answer_belongs_to_the_command_of_its_number_and_run(names: Labels) -> None:
    names.learn(Record(START, Intent(1, Quiesce(WEB, "Quiesce")), "earlier"))
    names.learn(Record(START, Intent(1, Release(SQL, "snapshot-7")), "later"))
    assert names.learn(Record(START, Answered(1, Unknown("no answer"), 1.0), "later")) == Release(SQL, "snapshot-7")
    assert names.unanswered == (Delete("v", "vmware_snap4"), Quiesce(WEB, "Quiesce"))


def test_an_answer_to_an_unknown_command_belongs_to_no_step(names: Labels) -> None:
    assert names.learn(Record(START, Answered(99, Done(), 1.0))) is None


def test_a_vm_that_only_an_earlier_run_knows_has_its_name(names: Labels) -> None:
    names.learn(Record(START, OutstandingFound(Vm(7, "old01"), "Quiesce", "20070321T030000Z")))
    assert names.vm(7) == "old01 (vm-7)"
    assert names.vm(8) == "vm-8"

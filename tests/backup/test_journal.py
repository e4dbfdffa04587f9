"""The durable memory: what survives a torn line, a full disk, a power cut, a newer snapall."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from snapall.backup.codec import to_line
from snapall.backup.facts import Answered, Confirmed, Ended, Fact, Found, Gone, Intent, ProgramEnded, Started
from snapall.backup.journal import Journal, is_open
from snapall.backup.record import Record
from snapall.backup.steps import Child, Done, Step
from snapall.errors import JournalError
from tests.backup.samples import AT, BEGAN, FACTS, STEPS
from tests.backup.simulated import SimulatedClock
from tests.platforms import loses_open_files
from tests.unshared import on_windows, unshared, unshared_for_a_moment

_MAY_WAIT = (Started, Answered, ProgramEnded, Confirmed)


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The content of the journal at each sync."""
    synced: list[bytes] = []

    def sync(descriptor: int) -> None:
        at = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, 0, os.SEEK_SET)
        synced.append(os.read(descriptor, 1 << 20))
        os.lseek(descriptor, at, os.SEEK_SET)

    monkeypatch.setattr(os, "fsync", sync)
    return synced


def intend(journal: Journal, step: Step) -> int:
    n = journal.number()
    journal.append([Intent(n, step)])
    return n


def written(path: Path, clock: SimulatedClock) -> list[object]:
    """The facts that another process would read."""
    return [record.what for record in Journal.open(path, clock).records]


def test_written_records_are_read_again(journal: Journal, clock: SimulatedClock) -> None:
    assert intend(journal, STEPS[0]) == 1
    journal.append([Answered(1, Done(ssid="snapshot-7"), 1.0)])
    again = Journal.open(journal.path, clock)
    assert again.records == journal.records
    assert again.began == BEGAN
    assert again.number() == 2


def test_a_torn_last_line_is_cut_off_and_the_next_fact_starts_a_new_line(
    journal: Journal, clock: SimulatedClock
) -> None:
    intend(journal, STEPS[0])
    whole = journal.path.read_bytes()
    for cut in range(1, 60):
        journal.path.write_bytes(
            whole + b'{"at": "2007-03-22T03:00:00.000+00:00", "is": "Found", "vm": 611, "ssid"'[:cut]
        )
        again = Journal.open(journal.path, clock)
        again.append([Found(611, "snapshot-7")])
        again.leave()
        assert written(journal.path, clock)[-1] == Found(611, "snapshot-7")


@pytest.mark.parametrize("begin", [0, 30])  # at the beginning of a line, and within one
@pytest.mark.parametrize(
    "left", ["", "}\n", '{"at": "2007-03-22T03:00:00.000+00:00", "is": "Gone", "vm": 611, "how": ""}\n']
)
def test_a_hole_that_a_power_cut_left_in_unsynced_lines_is_skipped(
    journal: Journal, clock: SimulatedClock, begin: int, left: str
) -> None:
    intend(journal, STEPS[0])
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole + to_line(Record(AT, FACTS[-1])).encode()[:begin] + bytes(300) + left.encode())
    assert is_open(journal.path)
    again = Journal.open(journal.path, clock)
    assert again.records == journal.records
    again.append([Found(611, "snapshot-7")])
    again.leave()
    assert written(journal.path, clock) == [*(one.what for one in journal.records), Found(611, "snapshot-7")]


def test_lines_that_are_lost_before_one_that_was_acted_upon_were_no_power_cuts(
    journal: Journal, clock: SimulatedClock
) -> None:
    """The intent had been synced with all before it, so what is missing was, too: it may name a VM."""
    intend(journal, STEPS[0])
    before = journal.path.read_bytes()
    intend(journal, STEPS[1])
    behind = journal.path.stat().st_size
    intend(journal, STEPS[2])
    journal.append([Started(3, Child(7, 1.0))])
    whole = journal.path.read_bytes()
    journal.path.write_bytes(before + bytes(behind - len(before) - 1) + b"\n" + whole[behind:])
    with pytest.raises(JournalError, match="has lost lines in its middle"):
        Journal.open(journal.path, clock)


def test_a_line_that_was_tampered_with_is_named(journal: Journal, clock: SimulatedClock) -> None:
    with journal.path.open("a") as file:
        file.write("hello\n")
    with pytest.raises(JournalError, match="line 2"):
        Journal.open(journal.path, clock)


def test_a_journal_without_a_header_says_that_nothing_was_done(tmp_path: Path, clock: SimulatedClock) -> None:
    path = tmp_path / "vol1-x.jsonl"
    path.write_text("")
    with pytest.raises(JournalError, match="header"):
        _ = Journal.open(path, clock).began
    with pytest.raises(JournalError, match="cannot be read"):
        Journal.open(tmp_path / "none", clock)
    assert is_open(tmp_path)  # what cannot be read may leave anything outstanding


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, clock: SimulatedClock) -> None:
    (tmp_path / "state").write_text("a file in its place")
    with pytest.raises(JournalError, match="state"):
        Journal.create(tmp_path / "state", BEGAN, clock)


# Writing


@loses_open_files
def test_a_failed_write_is_torn_off_and_the_next_one_is_whole(journal: Journal, clock: SimulatedClock) -> None:
    away = journal.path.rename(journal.path.with_suffix(".away"))
    with pytest.raises(JournalError):
        intend(journal, STEPS[0])
    assert [record.what for record in journal.records] == [BEGAN]
    away.rename(journal.path)
    journal.append([Ended(0, False, "")])
    assert written(journal.path, clock) == [BEGAN, Ended(0, False, "")]


def test_events_are_kept_and_written_as_soon_as_the_disk_has_room(
    journal: Journal, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "write", full)
        with pytest.raises(JournalError, match="No space left"):
            intend(journal, STEPS[0])
        journal.remember([Intent(journal.number(), STEPS[1]), Gone(611, "")])
    assert "No space left" in journal.broken
    # The number that was not written down is nobody's.
    assert [record.what for record in journal.records[1:]] == [Intent(2, STEPS[1]), Gone(611, "")]
    assert written(journal.path, clock) == [BEGAN]
    journal.append([Ended(0, False, "")])
    assert written(journal.path, clock) == [BEGAN, Intent(2, STEPS[1]), Gone(611, ""), Ended(0, False, "")]


@loses_open_files
def test_an_unlinked_journal_takes_results_but_no_new_intents(journal: Journal, clock: SimulatedClock) -> None:
    away = journal.path.rename(journal.path.with_suffix(".away"))
    with pytest.raises(JournalError):
        intend(journal, STEPS[0])
    journal.remember([Gone(611, "")])
    assert journal.broken
    assert written(away, clock) == [BEGAN, Gone(611, "")]


@loses_open_files
def test_another_file_in_its_place_takes_no_facts(journal: Journal) -> None:
    journal.path.rename(journal.path.with_suffix(".away"))
    journal.path.write_bytes(b"")
    with pytest.raises(JournalError, match="another file has taken its place"):
        intend(journal, STEPS[0])
    assert journal.path.read_bytes() == b""


def test_the_intents_of_one_decision_are_synced_once(journal: Journal, syncs: list[bytes]) -> None:
    journal.append([Intent(journal.number(), step) for step in STEPS])
    assert syncs == [journal.path.read_bytes()]


def test_answers_are_written_at_once_and_synced_with_the_next_intent(
    journal: Journal, clock: SimulatedClock, syncs: list[bytes]
) -> None:
    for fact in (Started(1, Child(7, 1.0)), Answered(1, Done("", "snapshot-7"), 3.0), Confirmed("v", "n", "Mar 22")):
        journal.remember([fact])
        assert written(journal.path, clock)[-1] == fact  # they outlive the process
    assert syncs == []
    intend(journal, STEPS[0])
    assert syncs == [journal.path.read_bytes()]
    assert b"snapshot-7" in syncs[0]


@pytest.mark.parametrize("fact", [fact for fact in FACTS if not isinstance(fact, _MAY_WAIT)])
def test_every_other_fact_is_synced_before_the_run_goes_on(journal: Journal, syncs: list[bytes], fact: Fact) -> None:
    journal.append([fact])
    assert len(syncs) == 1


def test_several_facts_at_once_are_a_line_each(journal: Journal, clock: SimulatedClock) -> None:
    found = [Found(vm, f"snapshot-{vm}") for vm in (611, 612, 613)]
    journal.append(found)
    assert [record.what for record in journal.records[1:]] == found
    assert written(journal.path, clock)[1:] == found


def test_after_a_run_has_left_its_journal_a_late_answer_is_remembered_and_not_written(journal: Journal) -> None:
    journal.leave()
    before = journal.path.read_bytes()
    journal.remember([Found(611, "snapshot-7")])
    assert journal.broken
    assert journal.records[-1].what == Found(611, "snapshot-7")
    assert journal.path.read_bytes() == before


@on_windows
def test_a_journal_that_another_program_has_open_for_a_moment_is_written_all_the_same(
    journal: Journal, clock: SimulatedClock
) -> None:
    journal.leave()
    again = Journal.open(journal.path, clock)
    with unshared_for_a_moment(again.path):
        intend(again, STEPS[0])
    again.remember([Answered(1, Done(ssid="snapshot-7"), 1.0)])
    again.leave()
    assert again.broken == ""
    assert written(again.path, clock)[-2:] == [one.what for one in again.records[-2:]]


@on_windows
def test_while_a_journal_is_written_nobody_can_keep_it_from_us(journal: Journal) -> None:
    intend(journal, STEPS[0])
    with pytest.raises(PermissionError), unshared(journal.path):
        raise AssertionError("never opened")


def test_on_windows_the_remedy_names_the_program_that_has_the_file_open_and_elsewhere_the_rights() -> None:
    error = PermissionError(errno.EACCES, "Permission denied")
    assert JournalError.remedy_for(error) == (JournalError.IN_USE if sys.platform == "win32" else JournalError.RIGHTS)

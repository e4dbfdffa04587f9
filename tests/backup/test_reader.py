"""A journal that another process writes, read through one descriptor."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from snapall.backup.facts import Warned
from snapall.backup.journal import Journal
from snapall.backup.reader import JournalReader
from snapall.errors import JournalError, Untrusted
from tests.backup.simulated import Stage
from tests.platforms import loses_open_files, with_modes


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Stage(tmp_path / "state").begun()
    yield journal
    journal.leave()


@pytest.fixture
def reader(journal: Journal) -> Iterator[JournalReader]:
    reader = JournalReader(journal.path)
    yield reader
    reader.close()


def aged(journal: Journal) -> None:
    """The last change lies behind: a sign of life is then another time, however coarse the file system's clock is."""
    os.utime(journal.path, ns=(0, 0))


def test_appended_records_are_read_and_a_sign_of_life_counts_as_a_change(
    journal: Journal, reader: JournalReader
) -> None:
    assert reader.records == journal.records
    assert not reader.look()
    journal.append([Warned("one")])
    assert reader.look()
    assert reader.state.messages == (Warned("one"),)
    aged(journal)
    assert reader.look()
    journal.beat()
    assert reader.look()
    assert not reader.look()
    assert len(reader.records) == 2


@loses_open_files
def test_a_journal_without_a_name_is_read_on_and_gives_signs_of_life(journal: Journal, reader: JournalReader) -> None:
    journal.append([Warned("one")])
    aged(journal)
    journal.path.unlink()
    assert reader.look()
    assert not reader.in_place
    journal.beat()
    assert reader.look()
    journal.remember([Warned("two")])
    assert reader.look()
    assert reader.state.messages == (Warned("one"), Warned("two"))
    assert journal.broken


@loses_open_files
def test_another_file_at_its_path_is_another_journal(journal: Journal, reader: JournalReader) -> None:
    journal.path.rename(journal.path.with_suffix(".old"))
    journal.path.write_text("")
    assert not reader.in_place


def test_a_line_that_is_torn_off_again_is_forgotten(journal: Journal, reader: JournalReader) -> None:
    whole = journal.path.read_bytes()
    journal.append([Warned("one")])
    reader.look()
    journal.path.write_bytes(whole)
    assert reader.look()
    assert reader.state.messages == ()
    journal.path.write_bytes(whole + b'{"torn')
    assert reader.look()
    assert reader.trouble is None
    assert len(reader.records) == 1


def test_records_read_earlier_stay_when_the_file_is_damaged(journal: Journal, reader: JournalReader) -> None:
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole + b"{}\n")
    assert reader.look()
    assert reader.trouble is not None
    assert reader.records == journal.records
    journal.path.write_bytes(whole)
    assert reader.look()
    assert reader.trouble is None


@with_modes
def test_a_journal_that_is_not_there_or_that_others_can_write_is_not_opened(journal: Journal) -> None:
    journal.path.chmod(0o666)
    with pytest.raises(Untrusted):
        JournalReader(journal.path)
    journal.path.unlink()
    with pytest.raises(JournalError, match="cannot be read"):
        JournalReader(journal.path)


def test_records_go_on_in_memory_alone_when_their_file_is_lost(tmp_path: Path, journal: Journal) -> None:
    stage = Stage(tmp_path / "state")
    journal.path.unlink()
    recalled = Journal.recalled(journal.path, stage.clock, journal.records)
    recalled.remember([Warned("one")])
    assert recalled.lost
    assert "is lost" in recalled.broken
    assert [record.what for record in recalled.records[1:]] == [Warned("one")]
    with pytest.raises(JournalError, match="is lost"):
        recalled.append([Warned("two")])
    assert not journal.path.exists()

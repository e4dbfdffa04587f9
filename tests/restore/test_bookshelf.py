"""The files of the run-books in the state folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from snapall.errors import JournalError
from snapall.restore.book.shelf import Bookshelf
from tests.platforms import posix
from tests.restore.test_runbook import FACTS, STAMP


def names(shelf: Bookshelf) -> list[str]:
    return sorted(path.name for path in shelf.folder.iterdir())


def test_facts_are_read_as_they_were_kept(tmp_path: Path) -> None:
    shelf = Bookshelf(tmp_path / "state")
    assert shelf.facts("vol1", STAMP) is None
    shelf.keep(FACTS)
    assert shelf.facts("vol1", STAMP) == FACTS
    assert shelf.runs("vol1") == {STAMP}
    assert shelf.runs("vol") == frozenset()


def test_a_run_book_moves_with_its_backups_name_and_goes_with_its_backup(tmp_path: Path) -> None:
    shelf = Bookshelf(tmp_path / "state")
    shelf.keep(FACTS)
    shelf.put("vol1", STAMP, "vmware_recent", "text", "page")
    shelf.put("vol1", STAMP, "vmware_previous", "text", "page")
    shelf.put("vol1", "20070323T030000Z", "vmware_recent", "other", "page")
    other = "vol1-vmware_recent-20070323T030000Z"
    moved = f"vol1-vmware_previous-{STAMP}"
    ends = [f"{one}.{end}" for one in (moved, other) for end in ("html", "txt")]
    assert names(shelf) == sorted([f"vol1-{STAMP}.json", *ends])
    shelf.remove("vol1", STAMP)
    assert names(shelf) == [f"{other}.html", f"{other}.txt"]


@posix("Windows has no such rights")
def test_folder_and_files_are_for_their_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    shelf = Bookshelf(tmp_path / "state")
    before = os.umask(0)
    try:
        shelf.keep(FACTS)
        shelf.put("vol1", STAMP, "vmware_recent", "text", "page")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (shelf.folder, *sorted(shelf.folder.iterdir()))]
    assert modes == [0o700, 0o600, 0o600, 0o600]


def test_damaged_facts_are_named(tmp_path: Path) -> None:
    shelf = Bookshelf(tmp_path / "state")
    shelf.keep(FACTS)
    (shelf.folder / f"vol1-{STAMP}.json").write_text('{"is": "BookFacts"', encoding="utf-8")
    with pytest.raises(JournalError, match="is damaged") as found:
        shelf.facts("vol1", STAMP)
    assert found.value.code == "SA-1803"


def test_what_cannot_be_written_leaves_the_file_before_it(tmp_path: Path) -> None:
    shelf = Bookshelf(tmp_path / "state")
    shelf.put("vol1", STAMP, "vmware_recent", "old", "page")
    (shelf.folder / f".vol1-vmware_recent-{STAMP}.txt.part").mkdir()  # so that the new one cannot be made
    with pytest.raises(JournalError) as found:
        shelf.put("vol1", STAMP, "vmware_recent", "new", "page")
    assert found.value.code == "SA-1802"
    assert (shelf.folder / f"vol1-vmware_recent-{STAMP}.txt").read_text(encoding="utf-8") == "old"

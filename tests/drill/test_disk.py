"""What a power cut leaves: what was synced for sure, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from snapall.drill.disk import Damage, DurableFolder, damaged
from tests.platforms import posix

pytestmark = posix("the drill does not run on Windows")


@pytest.mark.parametrize(
    ("damage", "left"), [(Damage.LOST, b"a\n"), (Damage.TORN, b"a\nbb"), (Damage.HOLED, b"a\n\0\0\0\0\nccc\n")]
)
def test_synced_bytes_survive_and_the_rest_is_damaged(damage: Damage, left: bytes) -> None:
    assert damaged(b"a\nbbbb\nccc\n", b"a\n", damage) == left
    assert damaged(b"a\n", b"a\n", damage) == b"a\n"


def test_nothing_of_a_rewritten_file_is_sure_to_survive() -> None:
    assert damaged(b"new\n", b"old and longer", Damage.HOLED) == b"\0\0\0\0"
    assert damaged(b"new\n", b"old and longer", Damage.TORN) == b"ne"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One in which a file is durable, to which a line is added, and beside which there is a new one."""
    (tmp_path / "state").mkdir(mode=0o700)
    old = tmp_path / "state" / "old"
    old.write_text("a\n")
    old.chmod(0o600)
    return tmp_path / "state"


def written(folder: Path) -> None:
    with (folder / "old").open("a") as file:
        file.write("b\n")
    (folder / "new").write_text("c\n")


def left(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_only_unsynced_names_and_lines_are_lost(folder: Path) -> None:
    disk = DurableFolder.of(folder)
    written(folder)
    disk.cut(Damage.LOST)
    assert left(folder) == {"old": "a\n"}
    assert (folder.stat().st_mode & 0o777, (folder / "old").stat().st_mode & 0o777) == (0o700, 0o600)


def test_a_synced_name_without_synced_bytes_is_an_empty_file_and_bytes_without_a_name_are_lost(
    folder: Path,
) -> None:
    disk = DurableFolder.of(folder)
    written(folder)
    disk.keep(folder)
    (folder / "nameless").write_text("d\n")
    disk.keep(folder / "nameless")
    disk.cut(Damage.LOST)
    assert left(folder) == {"old": "a\n", "new": ""}


def test_an_unsynced_removal_may_be_undone(folder: Path) -> None:
    disk = DurableFolder.of(folder)
    (folder / "old").unlink()
    disk.cut(Damage.LOST)
    assert left(folder) == {"old": "a\n"}


def test_a_folder_whose_name_was_never_synced_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    disk = DurableFolder.of(folder)
    folder.mkdir()
    (folder / "file").write_text("a\n")
    disk.keep(folder / "file")
    disk.keep(folder)
    disk.cut(Damage.LOST)
    assert not folder.exists()


LISTENED = """
import os, sys
from pathlib import Path
from snapall.drill.disk import DurableFolder
folder, record = map(Path, sys.argv[1:])
DurableFolder.of(folder).listen(record, lambda: print("sync"))
with (folder / "old").open("a") as file:
    file.write("b\\n")
    file.flush()
    os.fsync(file.fileno())
    file.write("c\\n")
(folder / "new").write_text("d\\n")
"""


def test_a_watched_process_records_what_it_synced(folder: Path, tmp_path: Path) -> None:
    argv = [sys.executable, "-c", LISTENED, str(folder), str(tmp_path / "record")]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "sync\n"
    assert left(folder) == {"old": "a\nb\nc\n", "new": "d\n"}
    DurableFolder.recorded(tmp_path / "record", folder).cut(Damage.LOST)
    assert left(folder) == {"old": "a\nb\n"}


def test_nothing_is_left_where_nothing_was_synced(folder: Path, tmp_path: Path) -> None:
    DurableFolder.recorded(tmp_path / "none", folder).cut(Damage.LOST)
    assert not folder.exists()

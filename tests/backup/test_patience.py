"""A file that another program has open for a moment ends nothing; one that stays refused costs patience once."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from snapall.backup import patience, private
from snapall.backup.outfile import append, replace_content
from snapall.backup.patience import PAUSE, TRIES, may_pass, patiently, unlink_all
from tests.unshared import on_windows, unshared, unshared_for_a_moment

DENIED = PermissionError(errno.EACCES, "Permission denied")
MISSING = FileNotFoundError(errno.ENOENT, "No such file or directory")


class File:
    """A file that is refused so many times."""

    def __init__(self, times: int, error: OSError = DENIED) -> None:
        self.left = times
        self.error = error
        self.tries = 0
        self.waits: list[float] = []

    def read(self) -> str:
        self.tries += 1
        if self.left:
            self.left -= 1
            raise self.error
        return "content"

    def get(self, path: Path, platform: str = "win32") -> str:
        return patiently(self.read, path, pause=self.waits.append, platform=platform)


def test_what_another_program_has_open_for_a_moment_is_tried_again(tmp_path: Path) -> None:
    file = File(3)
    assert file.get(tmp_path / "a") == "content"
    assert file.waits == [PAUSE] * 3


def test_the_patience_is_bounded_and_the_last_error_is_passed_on(tmp_path: Path) -> None:
    file = File(TRIES)
    with pytest.raises(PermissionError):
        file.get(tmp_path / "a")
    assert file.tries == TRIES
    assert sum(file.waits) == pytest.approx(3.0)


def test_a_file_that_stays_refused_costs_the_patience_only_once_until_it_opens_again(tmp_path: Path) -> None:
    """VMs may be quiesced meanwhile, and somebody may have the file open for hours."""
    path, other = tmp_path / "a", tmp_path / "b"
    for file, at, tries in ((File(999), path, TRIES), (File(999), path, 1), (File(999), other, TRIES)):
        with pytest.raises(PermissionError):
            file.get(at)
        assert file.tries == tries
    assert File(0).get(path) == "content"
    assert File(3).get(path) == "content"


@pytest.mark.parametrize(("error", "platform"), [(DENIED, "linux"), (MISSING, "win32")])
def test_what_does_not_pass_is_not_waited_for(tmp_path: Path, error: OSError, platform: str) -> None:
    file = File(1, error)
    with pytest.raises(type(error)):
        file.get(tmp_path / "a", platform)
    assert (file.tries, file.waits, may_pass(error, platform)) == (1, [], False)


def test_files_that_cannot_be_removed_stop_none_of_the_others(tmp_path: Path) -> None:
    names = ("a", "folder", "b")
    for name in names[::2]:
        (tmp_path / name).touch()
    (tmp_path / "folder/more").mkdir(parents=True)
    waits: list[float] = []
    refused = unlink_all([tmp_path / name for name in names], pause=waits.append, platform="linux")
    assert list(refused) == [tmp_path / "folder"]
    assert (sorted(path.name for path in tmp_path.iterdir()), waits) == (["folder"], [])


WRITES: dict[str, Callable[[Path], object]] = {
    "append": lambda path: append(path, b" and more", 0o600),
    "write anew": lambda path: replace_content(path, b"before and more", 0o600),
    "write a note": lambda path: private.write(path, "before and more"),
    "replace": lambda path: patience.replace(new(path), path),
}


def new(path: Path) -> Path:
    """A file that is to take the place of that one."""
    made = path.with_suffix(".new")
    made.write_bytes(b"before and more")
    return made


@on_windows
@pytest.mark.parametrize("how", WRITES)
def test_a_file_is_written_although_another_program_has_it_open_for_a_moment(tmp_path: Path, how: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")
    with unshared_for_a_moment(path):
        WRITES[how](path)
    assert path.read_bytes() == b"before and more"


@on_windows
def test_a_file_is_read_and_removed_although_another_program_has_it_open_for_a_moment(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")
    with unshared_for_a_moment(path), private.read(path) as file:
        assert file.read() == b"before"
    with unshared_for_a_moment(path):
        patience.unlink(path)
    assert not path.exists()


@on_windows
def test_of_many_files_all_go_but_the_one_that_stays_open(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "abc"]
    for path in paths:
        path.touch()
    with unshared(paths[1]):
        refused = unlink_all(paths)
    assert list(refused) == [path for path in paths if path.exists()] == [paths[1]]
    with unshared_for_a_moment(paths[1]):
        assert unlink_all(paths) == {}

"""Who may read and write the state: its owner alone, whatever the umask; and who is believed."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from snapall.backup import private
from snapall.backup.journal import is_open
from snapall.backup.lock import hold
from snapall.backup.store import JournalStore
from snapall.errors import Exit, JournalError, Untrusted
from snapall.operate.history import at_work, require_listed
from snapall.site import process
from tests.backup.simulated import Stage
from tests.groups import share
from tests.platforms import posix

pytestmark = posix("Windows has no such rights")
as_root = pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root becomes another user")

NOBODY = 65534
IMPORTS = """
import os, sys
from pathlib import Path
from snapall.backup import private
from snapall.backup.clock import SystemClock
from snapall.backup.lock import at_work, use_of
from snapall.backup.store import JournalStore
from snapall.operate import history
from snapall.site import process
from tests.backup.simulated import Stage
from tests.groups import share
os.setgroups([]), os.setgid(65534), os.setuid(65534)  # who may not read this very program any more
"""
TRIED = """
for path in sys.argv[1:]:
    try:
        os.close(os.open(path, os.O_RDONLY))
        print("opened")
    except OSError as error:
        print(error.strerror)
"""
LOOKED = """
memory = JournalStore(Path(sys.argv[1]), SystemClock(), process)
print(use_of(memory.state, "vol1").name, history.at_work(memory, "vol1"), len(history.known_of(memory, "vol1").nights))
"""


@pytest.fixture
def umask() -> Iterator[Callable[[int], object]]:
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.fixture
def stage(in_sight: Path) -> Stage:
    return Stage(in_sight / "state")


def rights(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"


def all_rights(state: Path) -> dict[str, set[str]]:
    """The rights of folders, locks, and of all other files."""
    found: dict[str, set[str]] = {"folders": {rights(state)}, "locks": set(), "files": set()}
    for path in state.rglob("*"):
        kind = "folders" if path.is_dir() else "locks" if path.suffix == ".lock" else "files"
        found[kind].add(rights(path))
    return found


def taken_up(stage: Stage) -> None:
    private.arrange(stage.state, None)
    with hold(stage.state, "vol1", "run", stage.clock, lambda: False):
        pass


def as_nobody(script: str, *paths: Path) -> list[str]:
    words = [sys.executable, "-c", IMPORTS + script, *map(str, paths)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize("mask", [0, 0o002, 0o022, 0o077], ids=oct)
def test_only_the_owner_can_access_the_state_whatever_the_umask(
    tmp_path: Path, umask: Callable[[int], object], mask: int
) -> None:
    umask(mask)
    stage = Stage(tmp_path / "above" / "state")
    seen: list[dict[str, set[str]]] = []
    stage.site.after = lambda _: seen.append(all_rights(stage.state))  # while the run holds its lock
    stage.night()
    assert seen
    for one in (*seen, all_rights(stage.state)):
        assert one == {"folders": {"0700"}, "locks": {"0600"}, "files": {"0600"}}
    assert not (tmp_path / "above").stat().st_mode & 0o022


@as_root
def test_another_local_user_can_open_neither_lock_nor_journal_nor_folder(
    stage: Stage, umask: Callable[[int], object]
) -> None:
    umask(0)
    stage.night()
    (journal,) = stage.store.folder.iterdir()
    stage.store.folder.chmod(0o755)  # even so: what is in it has rights of its own
    stage.state.chmod(0o755)
    paths = [stage.state / "vol1.lock", stage.state / "stamps.lock", stage.state / "last.stamp", journal]
    assert as_nobody(TRIED, *paths) == ["Permission denied"] * 4


def test_too_wide_permissions_of_our_own_files_are_narrowed(stage: Stage) -> None:
    stage.state.mkdir(mode=0o755)
    (stage.state / "journals").mkdir(mode=0o755)
    for name in ("vol1.lock", "stamps.lock"):
        (stage.state / name).touch(mode=0o644)
    private.arrange(stage.state, None)
    stage.night()
    assert all_rights(stage.state) == {"folders": {"0700"}, "locks": {"0600"}, "files": {"0600"}}


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777], ids=oct)
@pytest.mark.parametrize("name", [".", "journals", "restores", "runbooks"])
def test_a_folder_that_others_could_have_written_is_refused_by_name(stage: Stage, name: str, mode: int) -> None:
    stage.night()
    (stage.state / name).mkdir(exist_ok=True)
    share(stage.state / name)
    (stage.state / name).chmod(mode)
    with pytest.raises(Untrusted) as caught:
        private.arrange(stage.state, None)
    assert caught.value.exit is Exit.OUTSTANDING
    assert f"can write {stage.state / name} (mode {mode:04o})" in caught.value.message
    assert f"chmod go-w {stage.state / name}" in caught.value.hint
    with pytest.raises(Untrusted):  # a reader does not trust it either
        require_listed(stage.store.folder)
    assert rights(stage.state / name) == f"{mode:04o}"


def test_a_run_refuses_a_state_folder_that_others_could_have_written_before_anything(stage: Stage) -> None:
    stage.night()
    before = list(stage.site.asked)
    stage.state.chmod(0o777)
    with pytest.raises(Untrusted):
        stage.night()
    assert stage.site.asked == before
    assert stage.recover() is Exit.OK  # nothing is open
    stage.state.chmod(0o700)
    stage.begun()
    stage.state.chmod(0o777)
    assert stage.recover() is Exit.OUTSTANDING


def test_a_lock_that_others_could_have_opened_is_refused_by_name(stage: Stage) -> None:
    stage.night()
    lock = stage.state / "vol1.lock"
    lock.chmod(0o666)
    with pytest.raises(Untrusted, match=r"vol1\.lock"), hold(stage.state, "vol1", "run", stage.clock, lambda: False):
        raise AssertionError("never held")


def test_a_lock_that_any_user_can_open_is_narrowed_when_it_is_opened(stage: Stage) -> None:
    stage.night()
    lock = stage.state / "vol1.lock"
    lock.chmod(0o644)
    os.close(private.open_lock(lock))
    assert rights(lock) == "0600"


def test_a_lock_is_never_opened_through_a_link(stage: Stage, tmp_path: Path) -> None:
    stage.state.mkdir()
    (tmp_path / "elsewhere").touch()
    (stage.state / "vol1.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JournalError), hold(stage.state, "vol1", "run", stage.clock, lambda: False):
        raise AssertionError("never held")


def test_a_journal_that_others_could_have_written_is_open_and_refused_by_name(stage: Stage) -> None:
    stage.night()
    (journal,) = stage.store.folder.iterdir()
    assert not is_open(journal)
    share(journal)
    journal.chmod(0o664)
    assert is_open(journal)  # its last line proves nothing
    with pytest.raises(Untrusted, match=journal.name):
        stage.store.open(journal)
    private.arrange(stage.state, None)
    assert rights(journal) == "0664"  # else the next one would believe it


@as_root
@pytest.mark.parametrize("name", [".", "journals", "vol1.lock"])
def test_files_of_another_user_are_refused_with_that_users_name(stage: Stage, name: str) -> None:
    stage.night()
    os.chown(stage.state / name, NOBODY, -1)
    with pytest.raises(Untrusted, match=r"belongs to user \w+, and this is root") as caught:
        taken_up(stage)
    assert "run snapall as" in caught.value.hint
    assert "chown -R" in caught.value.hint


@as_root
def test_a_journal_of_another_user_than_its_folders_is_refused(stage: Stage) -> None:
    stage.night()
    (journal,) = stage.store.folder.iterdir()
    os.chown(journal, NOBODY, -1)
    with pytest.raises(Untrusted, match=journal.name):
        stage.store.open(journal)


# The group that may read


@as_root
def test_a_group_may_read_folder_journals_and_the_holders_note_and_no_lock(
    stage: Stage, umask: Callable[[int], object]
) -> None:
    umask(0o077)
    stage.processes = process
    private.arrange(stage.state, NOBODY)
    seen: list[list[str]] = []
    stage.site.after = lambda _: seen.append(as_nobody(LOOKED, stage.state))
    stage.night()
    assert set(map(tuple, seen)) == {("HIDDEN a run 1",)}
    assert as_nobody(LOOKED, stage.state) == ["HIDDEN  1"]
    (journal,) = stage.store.folder.iterdir()
    assert [rights(path) for path in (stage.state, stage.store.folder, journal)] == ["0750", "0750", "0640"]
    assert {rights(path) for path in stage.state.glob("*.lock")} == {"0600"}


@as_root
def test_a_newly_configured_group_can_read_existing_files_and_a_removed_one_nothing(
    stage: Stage,
) -> None:
    stage.night()
    private.arrange(stage.state, NOBODY)
    assert as_nobody(LOOKED, stage.state) == ["HIDDEN  1"]
    assert private.not_readable_by(NOBODY, stage.state) is None
    private.arrange(stage.state, 0)
    (journal,) = stage.store.folder.iterdir()
    assert as_nobody(TRIED, stage.state, journal) == ["Permission denied"] * 2
    private.arrange(stage.state, None)
    assert {rights(path) for path in stage.store.folder.iterdir()} == {"0600"}
    assert rights(stage.state) == "0700"
    assert private.not_readable_by(NOBODY, stage.state) == stage.state


@as_root
def test_a_group_that_is_named_later_reads_the_journals_of_mounts_and_no_run_book(stage: Stage) -> None:
    stage.night()
    made = [stage.state / name for name in ("restores/mount-vol1.jsonl", "runbooks/vol1.txt", "runbooks/vol1.json")]
    for path in made:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o644)
    private.arrange(stage.state, NOBODY)
    assert as_nobody(TRIED, *made) == ["opened", *["Permission denied"] * 2]
    assert [rights(path) for path in (*made, made[1].parent)] == ["0640", "0600", "0600", "0700"]
    assert private.not_readable_by(NOBODY, stage.state) is None


@as_root
def test_a_group_without_the_owner_cannot_read_and_costs_no_backup(in_sight: Path) -> None:
    home = in_sight / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    script = """
stage = Stage(Path(sys.argv[1]))
private.arrange(stage.state, 0)
print(stage.night().exit.name, oct(stage.state.stat().st_mode), private.not_readable_by(0, stage.state) == stage.state)
"""
    assert as_nobody(script, home / "state") == ["OK 0o40700 True"]


@as_root
def test_a_user_who_may_see_nothing_does_not_take_the_lock_for_free(stage: Stage) -> None:
    with hold(stage.state, "vol1", "run", stage.clock, lambda: False):
        assert as_nobody("print(at_work(Path(sys.argv[1]), 'vol1'))", stage.state) == ["True"]
    assert at_work(JournalStore(stage.state, stage.clock), "vol1") == ""

"""Who is trusted with a file: owners, modes, private groups, and the folders above; and how files are written."""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from snapall.backup import outfile, private
from snapall.backup.breaches import POLICY, Breach, BreachVerdict, FilePurpose
from snapall.backup.holder import holder_of
from snapall.backup.lock import hold
from snapall.backup.trust import doubts, replaceable
from snapall.errors import Untrusted
from tests.backup.simulated import Stage
from tests.groups import share
from tests.platforms import posix

if TYPE_CHECKING:
    import pwd

pytestmark = posix("Windows has no such rights")
as_root = pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root gives files away")
NOBODY = 65534


@pytest.fixture
def umask() -> Iterator[Callable[[int], object]]:
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.fixture
def stage(in_sight: Path) -> Stage:
    return Stage(in_sight / "state")


def breaches(path: Path) -> set[Breach]:
    return {one.breach for one in doubts(path)} - {Breach.READABLE}


def user_with_a_private_group() -> pwd.struct_passwd:
    """A user of this machine, not root, whose group has the same name and no other member."""
    import grp
    import pwd

    users = pwd.getpwall()
    for one in users:
        same_group = [other for other in users if other.pw_gid == one.pw_gid]
        group = next((each for each in grp.getgrall() if each.gr_gid == one.pw_gid), None)
        if one.pw_uid and len(same_group) == 1 and group is not None and group.gr_name == one.pw_name:
            return one
    pytest.skip("no user here has a private group")


def as_user(user: pwd.struct_passwd, work: Callable[[], int]) -> int:
    """What the work comes to in a process of that user."""
    if (child := os.fork()) == 0:
        try:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            os._exit(work())
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def give_access(path: Path, user: int) -> None:
    """What `setfacl -m u:USER:rw` does: version 2, then tag, permissions and id of each entry."""
    nobody = 0xFFFFFFFF
    entries = ((0x01, 6, nobody), (0x02, 6, user), (0x04, 0, nobody), (0x10, 6, nobody), (0x20, 0, nobody))
    data = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *one) for one in entries)
    try:
        os.setxattr(path, "system.posix_acl_access", data)
    except OSError:
        pytest.skip("this file system has no access lists")


# What counts


def test_the_table_refuses_what_can_make_snapall_act_and_only_warns_of_the_rest() -> None:
    refused = {kind for kind, verdicts in POLICY.items() if BreachVerdict.REFUSE in verdicts.values()}
    assert refused == {FilePurpose.STATE, FilePurpose.CONFIGURATION}
    for kind in refused:
        assert {POLICY[kind][one] for one in (Breach.OWNER, Breach.EVERYBODY, Breach.FOLDER)} == {BreachVerdict.REFUSE}
    assert POLICY[FilePurpose.CONFIGURATION][Breach.GROUP] is BreachVerdict.CAREFUL


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(0o644, set()), (0o600, set()), (0o664, {Breach.GROUP}), (0o646, {Breach.EVERYBODY}), (0o666, {Breach.EVERYBODY})],
)
def test_a_file_is_doubted_by_its_mode(tmp_path: Path, mode: int, expected: set[Breach]) -> None:
    file = tmp_path / "file"
    file.touch()
    share(file)
    file.chmod(mode)
    assert breaches(file) == expected


@as_root
def test_roots_own_group_is_private_as_long_as_it_has_no_member(tmp_path: Path) -> None:
    """`tar`, run by root, keeps the mode 0664 that files have in an archive."""
    import grp

    file = tmp_path / "file"
    file.touch()
    file.chmod(0o664)
    if grp.getgrgid(0).gr_mem:
        pytest.skip("root's group has members here")
    assert breaches(file) == set()


@as_root
def test_the_private_group_of_a_user_is_that_user_and_any_other_group_is_not(in_sight: Path) -> None:
    """As with the umask 002 of Debian and Red Hat; the user's own process decides, so it is asked there."""
    user = user_with_a_private_group()
    file = in_sight / "file"
    file.touch()
    file.chmod(0o664)
    found = []
    for group in (user.pw_gid, 0):
        os.chown(file, user.pw_uid, group)
        found.append(as_user(user, lambda: len(breaches(file))))
    assert found == [0, 1]


@as_root
def test_own_files_that_only_a_private_group_could_write_are_narrowed_and_cost_no_backup(in_sight: Path) -> None:
    user = user_with_a_private_group()
    stage = Stage(in_sight / "home" / "state")
    stage.night()
    for path in (stage.state.parent, stage.state, *stage.state.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid)
        path.chmod(0o775 if path.is_dir() else 0o664)
    told: list[str] = []

    def arrange() -> int:
        private.arrange(stage.state, None, lambda *parts: told.append(parts[2]))
        return 0 if told == ["SA-1521"] else 1

    assert as_user(user, arrange) == 0
    modes = {stat.S_IMODE(path.stat().st_mode) for path in stage.state.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert stat.S_IMODE(stage.state.stat().st_mode) == 0o700


@as_root
@pytest.mark.skipif(sys.platform != "linux", reason="such access lists are Linux's")
def test_an_access_list_that_lets_another_user_write_is_no_private_group(in_sight: Path) -> None:
    """The mode then shows what those in the list may do at most, and the private group hid that."""
    user, file = user_with_a_private_group(), in_sight / "file"
    file.touch()
    os.chown(file, user.pw_uid, user.pw_gid)
    give_access(file, NOBODY)
    assert stat.S_IMODE(file.stat().st_mode) == 0o660
    assert as_user(user, lambda: int(breaches(file) == {Breach.GROUP})) == 1
    file.chmod(0o640)  # as the remedy says: now the list grants no writing
    assert as_user(user, lambda: int(breaches(file) == set())) == 1


# Folders above


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(0o755, set()), (0o1777, set()), (0o777, {Breach.FOLDER}), (0o775, {Breach.SHARED_FOLDER})],
)
def test_a_folder_above_is_doubted_unless_only_owners_can_replace_names_in_it(
    tmp_path: Path, mode: int, expected: set[Breach]
) -> None:
    above = tmp_path / "above"
    (above / "inner").mkdir(parents=True)
    share(above)
    above.chmod(mode)
    assert {one.breach for one in replaceable(above / "inner" / "file")} == expected
    assert {one.place for one in replaceable(above / "inner" / "file")} == ({above} if expected else set())


@as_root
def test_the_folders_on_both_sides_of_a_link_count(in_sight: Path) -> None:
    (in_sight / "theirs").mkdir()
    (in_sight / "ours").mkdir()
    (in_sight / "theirs" / "state").mkdir()
    (in_sight / "ours" / "link").symlink_to("../theirs/state")
    assert list(replaceable(in_sight / "ours" / "link" / "journals")) == []
    os.chown(in_sight / "theirs", NOBODY, NOBODY)
    (doubt,) = replaceable(in_sight / "ours" / "link" / "journals")
    assert doubt.breach is Breach.FOLDER
    assert "belongs to user nobody" in doubt.why


@as_root
def test_in_a_sticky_folder_a_name_of_another_user_is_doubted(in_sight: Path) -> None:
    sticky = in_sight / "tmp"
    sticky.mkdir()
    sticky.chmod(0o1777)
    (sticky / "link").symlink_to(in_sight)
    assert list(replaceable(sticky / "link" / "state")) == []
    os.chown(sticky / "link", NOBODY, NOBODY, follow_symlinks=False)
    assert {one.breach for one in replaceable(sticky / "link" / "state")} == {Breach.FOLDER}
    assert {one.breach for one in replaceable(sticky / "link" / "state", NOBODY)} == {Breach.FOLDER}


def test_a_link_in_a_circle_ends_the_search(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert list(replaceable(tmp_path / "a")) == []


# The state


def test_a_link_in_place_of_the_holder_file_is_replaced_and_not_followed(stage: Stage) -> None:
    stage.night()
    for make in ("symlink_to", "hardlink_to"):
        victim = stage.state.parent / make
        victim.write_text("precious")
        getattr(stage.state / "vol1.holder", make)(victim)
        with hold(stage.state, "vol1", "run", stage.clock, lambda: False):
            assert holder_of(stage.state, "vol1").role == "run"
        assert victim.read_text() == "precious"


@pytest.mark.parametrize("name", ["vol1.lock", "vms.lock", "journal"])
def test_a_link_in_place_of_a_lock_or_a_journal_is_refused_by_name(stage: Stage, name: str) -> None:
    stage.night()
    path = next(stage.store.folder.iterdir()) if name == "journal" else stage.state / name
    path.rename(stage.state.parent / "elsewhere")
    path.symlink_to(stage.state.parent / "elsewhere")
    with pytest.raises(Untrusted) as caught:
        (private.read(path) if name == "journal" else private.open_lock(path))
    assert caught.value.code == "SA-1522"
    assert f"mv {path} {path}.aside" in caught.value.hint


def test_a_pipe_in_place_of_a_journal_is_refused_and_not_waited_for(stage: Stage) -> None:
    stage.night()
    (journal,) = stage.store.folder.iterdir()
    journal.unlink()
    os.mkfifo(journal, 0o600)
    with pytest.raises(Untrusted, match="no regular file"):
        stage.store.open(journal)


@as_root
def test_a_reader_believes_the_owner_of_the_state_and_root_believes_only_root(stage: Stage) -> None:
    stage.night()
    for path in (stage.state, *stage.state.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    with pytest.raises(Untrusted, match="belongs to user nobody, and this is root"):
        private.require_trusted(stage.state)
    (journal,) = stage.store.folder.iterdir()
    with pytest.raises(Untrusted, match="belongs to user nobody"):
        stage.store.open(journal)
    stage.state.chmod(0o755)
    import pwd

    another = pwd.getpwnam("daemon")

    def read() -> int:
        private.require_trusted(stage.state)
        return 0

    assert as_user(another, read) == 0


# Files for others


@pytest.mark.parametrize("mask", [0, 0o022, 0o077, 0o277], ids=oct)
def test_whatever_the_umask_a_new_file_has_its_mode(tmp_path: Path, umask: Callable[[int], object], mask: int) -> None:
    umask(mask)
    stage = Stage(tmp_path / "state")
    outfile.append(tmp_path / "log", b"one\n", 0o640)
    outfile.append(tmp_path / "log", b"two\n", 0o640)
    outfile.replace_content(tmp_path / "picture", b"a longer one", 0o644)
    outfile.replace_content(tmp_path / "picture", b"svg", 0o644)
    outfile.create(tmp_path / "secret", b"geheim\n", 0o600)
    stage.night()
    assert (tmp_path / "log").read_bytes() == b"one\ntwo\n"
    assert (tmp_path / "picture").read_bytes() == b"svg"
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("log", "picture", "secret", "state")]
    assert modes == [0o640, 0o644, 0o600, 0o700]


def test_an_existing_file_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "log").touch(mode=0o604)
    outfile.append(tmp_path / "log", b"one\n", 0o640)
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o604


def test_a_link_that_only_we_could_have_made_is_followed(tmp_path: Path) -> None:
    """An administrator may keep the log on another disk; the file may be made later than the link."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "log").symlink_to("disk/log")
    for text in (b"one\n", b"two\n"):
        outfile.append(tmp_path / "log", text, 0o640)
    assert (tmp_path / "disk" / "log").read_bytes() == b"one\ntwo\n"


def test_behind_a_link_of_ours_a_hard_link_that_others_could_have_made_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o1777)
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "open" / "log").hardlink_to(tmp_path / "victim")
    (tmp_path / "log").symlink_to("open/log")
    with pytest.raises(outfile.PlantedFile):
        outfile.append(tmp_path / "log", b"more", 0o640)
    assert (tmp_path / "victim").read_text() == "precious"


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o775], ids=oct)
@pytest.mark.parametrize("make", ["symlink_to", "hardlink_to", "mkfifo"])
def test_a_link_or_pipe_in_a_folder_of_others_is_not_written(tmp_path: Path, mode: int, make: str) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    share(folder)
    folder.chmod(mode)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    if make == "mkfifo":
        os.mkfifo(folder / "log")
    else:
        getattr(folder / "log", make)(victim)
    for write in (outfile.append, outfile.replace_content):
        with pytest.raises(outfile.PlantedFile, match="others could have put"):
            write(folder / "log", b"overwritten", 0o640)
    assert victim.read_text() == "precious"


def test_a_plain_file_of_ours_in_a_folder_of_others_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o1777)
    for text in (b"one\n", b"two\n"):
        outfile.append(folder / "log", text, 0o640)
    assert (folder / "log").read_bytes() == b"one\ntwo\n"


def test_a_picture_may_go_to_a_pipe_of_the_shell() -> None:
    script = "import snapall.backup.outfile as o; o.replace_content(o.Path('/dev/stdout'), b'svg', 0o644)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout == b"svg"

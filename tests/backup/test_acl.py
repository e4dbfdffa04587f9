"""What an access list of Windows lets others do, judged from made-up lists; and on Windows the lists themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from snapall.backup import private, rights, trust
from snapall.backup.acl import ADMINISTRATORS, SYSTEM, AccessList, Ace, includes_everybody, narrowing, private_sddl
from snapall.backup.breaches import Breach
from snapall.backup.outfile import create
from snapall.errors import Untrusted
from tests.backup.access import give
from tests.platforms import UNDER_WINE, windows

if sys.platform == "win32":
    from snapall.backup import acl_windows

ME, SOMEBODY, EVERYONE = "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002", "S-1-1-0"
FULL, MODIFY, READ, ADD_FILE = 0x1F01FF, 0x1301BF, 0x120089, 0x2
ON_WINDOWS = windows("access lists are of Windows")
INHERITED = pytest.mark.skipif(
    sys.platform != "win32" or UNDER_WINE,
    reason="Wine 8 keeps a Unix mode in place of a list; its icacls does nothing",
)


def listed(*aces: tuple[str, int], owner: str = ME) -> AccessList:
    return AccessList(owner, tuple(Ace(*one) for one in aces), inherits=False)


@pytest.mark.parametrize("sid", [SYSTEM, ADMINISTRATORS, ME, "S-1-3-0", "S-1-3-4"])
def test_who_administers_the_machine_may_do_everything(sid: str) -> None:
    found = listed((sid, FULL), owner=sid)
    assert found.belongs_to({ME})
    assert (found.writers({ME}), found.readers({ME}), found.replacers({ME})) == ((), (), ())


@pytest.mark.parametrize(
    ("mask", "writes", "reads", "replaces"),
    [
        (FULL, True, True, True),
        (MODIFY, True, True, True),
        (READ, False, True, False),
        (ADD_FILE, True, False, False),
        (0x40, False, False, True),  # FILE_DELETE_CHILD
        (0x10000, True, False, True),  # DELETE
        (0x40000, True, False, True),  # WRITE_DAC
        (0x80000, True, False, True),  # WRITE_OWNER
        (0x10000000, True, True, True),  # GENERIC_ALL
        (0x40000000, True, False, False),  # GENERIC_WRITE
        (0x80000000, False, True, False),  # GENERIC_READ
        (0x100020, False, False, False),  # to pass through
    ],
)
def test_a_right_lets_another_account_write_read_or_replace(
    mask: int, writes: bool, reads: bool, replaces: bool
) -> None:
    found = listed((ME, FULL), (SOMEBODY, mask))
    assert bool(found.writers({ME})) is writes
    assert bool(found.readers({ME})) is reads
    assert bool(found.replacers({ME})) is replaces
    assert found.writers({ME, SOMEBODY}) == ()


def test_another_owner_is_not_trusted_unless_believed() -> None:
    found = listed((ME, FULL), owner=SOMEBODY)
    assert not found.belongs_to({ME})
    assert found.belongs_to({ME, SOMEBODY})


def test_users_of_the_machine_are_everybody_and_one_account_is_not() -> None:
    for sid in (EVERYONE, "S-1-5-11", "S-1-5-32-545"):
        assert includes_everybody([Ace(sid, READ)])
    assert not includes_everybody([Ace(SOMEBODY, FULL)])


def test_a_private_list_inherits_nothing_and_names_few_accounts() -> None:
    assert private_sddl((ME,), folder=False) == f"D:P(A;;FA;;;{ME})(A;;FA;;;S-1-5-32-544)(A;;FA;;;S-1-5-18)"
    assert private_sddl((), folder=True) == "D:P(A;OICI;FA;;;S-1-5-32-544)(A;OICI;FA;;;S-1-5-18)"


def test_the_remedy_names_accounts_by_their_sids() -> None:
    command = narrowing('"C:\\a b"', (ME,), [Ace(EVERYONE, FULL), Ace(EVERYONE, READ)], folder=False)
    assert command == (
        f'icacls "C:\\a b" /inheritance:r /remove:g *{EVERYONE} /grant:r "*{ME}:F" "*S-1-5-18:F" "*S-1-5-32-544:F"'
    )
    assert '"*S-1-5-18:(OI)(CI)F"' in narrowing("C:\\x", (), [], folder=True)


# -- on Windows


@ON_WINDOWS
def test_a_secret_file_is_private_from_its_first_moment(tmp_path: Path) -> None:
    if sys.platform == "win32":
        create(tmp_path / "vc.secret", b"pw\n", 0o600)
        found = acl_windows.access_of(tmp_path / "vc.secret")
        assert found.owner in {acl_windows.my_sid(), ADMINISTRATORS}
        assert (found.readers({acl_windows.my_sid()}), found.writers({acl_windows.my_sid()})) == ((), ())
        assert (tmp_path / "vc.secret").read_bytes() == b"pw\n"
        with pytest.raises(FileExistsError):
            create(tmp_path / "vc.secret", b"other\n", 0o600)


@ON_WINDOWS
def test_the_state_folder_is_private_from_its_first_moment(tmp_path: Path) -> None:
    if sys.platform == "win32":
        private.make_folder(tmp_path / "state")
        assert acl_windows.access_of(tmp_path / "state").readers({acl_windows.my_sid()}) == ()
        private.require_trusted(tmp_path / "state")


@INHERITED
def test_a_state_folder_with_the_list_of_the_folder_above_is_narrowed(tmp_path: Path) -> None:
    if sys.platform == "win32":
        (tmp_path / "state").mkdir()
        give(tmp_path / "state", f"D:(A;OICI;FA;;;{acl_windows.my_sid()})(A;OICI;FR;;;WD)")
        private.make_folder(tmp_path / "state")
        assert acl_windows.access_of(tmp_path / "state").readers({acl_windows.my_sid()}) == ()


@INHERITED
def test_what_is_made_in_the_state_folder_inherits_its_list(tmp_path: Path) -> None:
    if sys.platform == "win32":
        private.make_folder(tmp_path / "state")
        private.create(tmp_path / "state" / "vol1.lock")
        assert acl_windows.access_of(tmp_path / "state" / "vol1.lock").readers({acl_windows.my_sid()}) == ()


@ON_WINDOWS
def test_a_file_that_everybody_may_read_is_found(tmp_path: Path) -> None:
    path = tmp_path / "vc.secret"
    create(path, b"pw", 0o600)
    assert list(trust.doubts(path)) == []
    give(path, "D:P(A;;FA;;;OW)(A;;FA;;;SY)(A;;FR;;;WD)")
    assert [one.breach for one in trust.doubts(path)] == [Breach.READABLE]


@ON_WINDOWS
def test_a_file_of_the_state_that_everybody_may_write_is_not_believed(tmp_path: Path) -> None:
    private.make_folder(tmp_path / "state")
    path = tmp_path / "state" / "x.jsonl"
    private.create(path)
    give(path, "D:P(A;;FA;;;SY)(A;;FA;;;WD)")
    with pytest.raises(Untrusted, match="users other than its owner can write") as caught:
        private.read(path)
    assert caught.value.code == "SA-1506"
    assert "Everyone" in caught.value.message
    assert "icacls" in caught.value.hint


@ON_WINDOWS
def test_a_folder_in_which_everybody_may_replace_files_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    (folder / "x").write_text("")
    assert list(trust.replaceable(folder / "x")) == []
    give(folder, "D:P(A;;FA;;;SY)(A;;FA;;;WD)")
    [found] = trust.replaceable(folder / "x")
    assert (found.breach, found.place) == (Breach.FOLDER, folder)
    assert "Everyone" in found.why


@INHERITED
def test_the_remedy_makes_a_file_private(tmp_path: Path) -> None:
    path = tmp_path / "a & b.secret"
    path.write_text("pw")
    _icacls(path, "/grant", f"*{EVERYONE}:F")
    subprocess.run(rights.one_reader(path), shell=True, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    assert list(trust.doubts(path)) == []


@INHERITED
def test_a_folder_that_an_administrator_opened_to_a_reader_stays_so(tmp_path: Path) -> None:
    if sys.platform == "win32":
        private.make_folder(tmp_path / "state")
        _icacls(tmp_path / "state", "/grant", "*S-1-5-20:(OI)(CI)R")  # NETWORK SERVICE
        private.make_folder(tmp_path / "state")
        assert [one.sid for one in acl_windows.access_of(tmp_path / "state").readers({acl_windows.my_sid()})] == [
            "S-1-5-20"
        ]


def _icacls(path: Path, *words: str) -> None:
    subprocess.run(
        ["icacls", str(path), *words], check=True, stdin=subprocess.DEVNULL, capture_output=True, env=os.environ
    )

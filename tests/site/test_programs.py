"""Which program is started, and what cmd.exe must not read again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from snapall.backup.facts import Warned
from snapall.backup.model import Vm
from snapall.backup.steps import Child, Done, Quiesce, Refusal
from snapall.config.load import load
from snapall.config.secret import Secret
from snapall.config.settings import Vcenter
from snapall.config.shells import is_far, shell_of, without_specials
from snapall.errors import ConfigError, Exit, SiteError
from snapall.operate.hooks import HookRunner
from snapall.site import hook_process
from snapall.site.programs import resolved
from snapall.site.vcb import Vcb
from tests.site.batchfiles import BatchFile
from tests.waiting import PATIENCE

QUIESCE = Quiesce(Vm(611, "sql01"), "Quiesce-20070322T030000Z")
PATHEXT = pytest.mark.skipif(sys.platform != "win32", reason="PATHEXT is of Windows")


def nobody(child: Child) -> None:
    """A listener who does not care that the program started."""


def vcenter(*argv: str, password: str | None = None) -> Vcenter:
    secret, user = (Secret(password), "vcbackup") if password is not None else (None, None)
    return Vcenter(host="vc01", user=user, password=secret, vcbsnapshot=argv, timeout=PATIENCE, remove_timeout=PATIENCE)


@pytest.mark.parametrize(
    ("argv", "shell"),
    [
        (("x.cmd",), "x.cmd"),
        (("C:\\VCB tools\\X.BAT",), "X.BAT"),
        (("x.bat. .",), "x.bat. ."),
        (("ssh", "proxy", "vcbsnapshot"), "ssh"),
        (("sshpass", "-e", "ssh", "proxy"), "ssh"),
        (("cmd.exe", "/c", "vcbsnapshot"), "cmd.exe"),
        (("vcbsnapshot.exe",), ""),
        (("python", "-m", "lab", "--world", "/tmp/ssh"), ""),
    ],
)
def test_a_program_that_reads_arguments_again_is_recognised(argv: tuple[str, ...], shell: str) -> None:
    assert shell_of(argv) == shell
    assert is_far(argv) == (shell == "ssh")


@pytest.mark.parametrize("name", ["x.cmd", "x.bat", "X.CMD"])
def test_a_password_never_reaches_a_batch_file(tmp_path: Path, name: str) -> None:
    batch = BatchFile(tmp_path, name)
    with pytest.raises(ConfigError, match="password") as caught:
        Vcb(vcenter(batch.write(), password='"&echo owned>owned.txt&rem'))
    assert caught.value.code == "SA-3003"
    assert batch.calls == []


@PATHEXT
def test_a_password_never_reaches_what_pathext_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    BatchFile(tmp_path).write()
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(ConfigError, match=r"x\.cmd"):
        Vcb(vcenter("x", password="secret"))


@pytest.mark.parametrize("name", ["Quiesce&echo", "%PATH%", "a^b", "a|b", 'a"b', "a b", ""])
def test_a_batch_file_gets_no_argument_that_cmd_would_read_again(tmp_path: Path, name: str) -> None:
    batch = BatchFile(tmp_path)
    outcome = Vcb(vcenter(batch.write())).perform(Quiesce(Vm(611), name), nobody)
    assert isinstance(outcome, Refusal)
    assert repr(name) in outcome.why
    assert batch.calls == []


def test_plain_arguments_reach_a_batch_file_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "Program Files (x86)"
    folder.mkdir()
    batch = BatchFile(folder)
    assert isinstance(Vcb(vcenter(batch.write(), "--x")).perform(QUIESCE, nobody), Done)
    assert [argv for argv, _ in batch.calls] == [["--x", "-h", "vc01", "-c", "moref:vm-611", QUIESCE.name]]


def test_a_batch_file_in_a_folder_that_cmd_would_read_as_a_command_is_not_started(tmp_path: Path) -> None:
    folder = tmp_path / "R&D"
    folder.mkdir()
    batch = BatchFile(folder)
    assert isinstance(Vcb(vcenter(batch.write())).perform(QUIESCE, nobody), Refusal)
    assert batch.calls == []


def test_the_program_that_was_looked_up_is_the_one_that_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = BatchFile(tmp_path)
    path = batch.write()
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert resolved(("x.cmd", "a")) == (path, "a")
    assert resolved(("no-such-program", "a")) == ("no-such-program", "a")
    vcb = Vcb(vcenter("x.cmd"))
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    assert isinstance(vcb.perform(QUIESCE, nobody), Done)
    assert len(batch.calls) == 1


@PATHEXT
def test_a_bare_name_starts_what_pathext_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = BatchFile(tmp_path)
    batch.write()
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert hook_process.run(["x", "a"], b"", os.environ, PATIENCE, lambda: False).code == 0
    assert [argv for argv, _ in batch.calls] == [["a"]]


# -- hooks


@pytest.mark.parametrize("word", ["a&echo owned", "100%", "a b"])
def test_a_hook_that_is_a_batch_file_is_not_started_with_such_a_word(tmp_path: Path, word: str) -> None:
    batch = BatchFile(tmp_path)
    with pytest.raises(SiteError, match="batch file") as caught:
        hook_process.run([batch.write(), word], b"", os.environ, PATIENCE, lambda: False)
    assert caught.value.code == "SA-1940"
    assert repr(word) in caught.value.message
    assert batch.calls == []


def test_a_variable_of_a_batch_hook_holds_nothing_that_cmd_acts_upon(tmp_path: Path) -> None:
    batch = BatchFile(tmp_path, more="echo %SNAPALL_WHY%\r\n")
    warnings = _hooked(tmp_path, batch.write(), why='VM "x&echo owned>owned.txt&rem" (vm-1) failed: 100%')
    assert warnings == []
    [(_, variables)] = batch.calls
    assert variables["SNAPALL_WHY"] == "VM _x_echo owned_owned.txt_rem_ _vm-1_ failed: 100_"
    assert not list(tmp_path.glob("owned*"))


def test_a_program_gets_the_variable_as_it_is(tmp_path: Path) -> None:
    program = BatchFile(tmp_path)
    program.write()
    _hooked(tmp_path, sys.executable, str(tmp_path / "spy.py"), why="a & b")
    assert [variables["SNAPALL_WHY"] for _, variables in program.calls] == ["a & b"]


def test_what_cmd_acts_upon_is_replaced() -> None:
    assert without_specials("a&b|c<d>e^f%g!h\"i'j`k,l;m=n(o)p") == "_".join("abcdefghijklmnop")


def _hooked(folder: Path, *argv: str, why: str) -> list[Warned]:
    """Run such a hook after a failed run; return what it warned of."""
    words = ", ".join(f"'{word}'" for word in argv)
    (folder / "snapall.toml").write_text(
        '[vcenter]\nhost = "vc"\n[database]\nurl = "sqlite://"\n[filers.f]\nhost = "f"\ntransport = "rsh"\n'
        f'[jobs.j]\nfiler = "f"\nvolumes = ["v"]\ndatastores = [1]\nhooks = {{ on_failure = [{words}] }}\n',
        encoding="utf-8",
    )
    published: list[Warned] = []
    publish = lambda what: published.append(what) if isinstance(what, Warned) else None  # noqa: E731
    HookRunner(load(folder / "snapall.toml"), "j", publish, lambda: False).after(None, Exit.FAILED, why)
    return published

"""vcbsnapshot's dialect, tried with small programs that write down how they were called."""

from __future__ import annotations

import json
import re
import shlex
import stat
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from snapall.backup.model import Vm
from snapall.backup.steps import Child, Done, Quiesce, Refusal, Release, Unknown
from snapall.config.secret import Secret
from snapall.config.settings import Vcenter
from snapall.errors import ConfigError, SiteError
from snapall.site import process
from snapall.site.vcb import ThisMachine, Vcb, ssids
from tests.platforms import posix, with_signals
from tests.site.gates import WAIT, Gate
from tests.waiting import PATIENCE

FIXTURES = Path(__file__).parents[2] / "fixtures" / "vcbsnapshot"
QUIESCE = Quiesce(Vm(611, "sql01"), "Quiesce-20070322T030000Z")
RELEASE = Release(Vm(611, "sql01"), "snapshot-619")
GONE = (FIXTURES / "snapshot_gone.txt").read_text()

# For sh it is an exec, for Python a text: a first line that names Python itself could hold no path with a blank.
PROGRAM = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import json, sys
with open({calls!r}, 'a') as calls:
    calls.write(json.dumps(sys.argv[1:]) + chr(10))
sys.stdout.write({stdout!r})
sys.stderr.write({stderr!r})
sys.exit({code})
"""


def nobody(child: Child) -> None:
    """A listener who does not care that the program started."""


@dataclass(frozen=True)
class FakeProgram:
    """A vcbsnapshot with configurable answers, under any name."""

    folder: Path
    name: str = "vcbsnapshot"
    stdout: str = ""
    stderr: str = ""
    code: int = 0

    def write(self) -> tuple[str, ...]:
        path = self.folder / self.name
        path.write_text(
            PROGRAM.format(
                python=sys.executable,
                calls=str(self.folder / "calls"),
                stdout=self.stdout,
                stderr=self.stderr,
                code=self.code,
            )
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        if sys.platform == "win32":
            if self.name != "vcbsnapshot":
                pytest.skip("Windows starts no script by its own name, here that of ssh")
            return (sys.executable, str(path))
        return (str(path),)

    def calls(self) -> list[list[str]]:
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def settings(
    program: tuple[str, ...] = ("vcbsnapshot",),
    user: str | None = "vcbackup",
    password: str | None = "vcpw",
) -> Vcenter:
    secret = None if password is None else Secret(password)
    return Vcenter(
        host="vc01",
        user=user,
        password=secret,
        vcbsnapshot=program,
        timeout=PATIENCE,
        remove_timeout=PATIENCE,
        settle=960,
        parallel=4,
    )


def quiesce(program: FakeProgram, password: str | None = "vcpw") -> Done | Refusal | Unknown:
    return Vcb(settings(program.write(), password=password)).perform(QUIESCE, nobody)


def release(program: FakeProgram) -> Done | Refusal | Unknown:
    return Vcb(settings(program.write())).perform(RELEASE, nobody)


# -- the command line


def test_a_quiesce_is_called_as_the_batch_called_it(tmp_path: Path) -> None:
    program = FakeProgram(tmp_path, stdout="SsId:snapshot-619\n")
    quiesce(program)
    expected = ["-h", "vc01", "-u", "vcbackup", "-p", "vcpw", "-c", "moref:vm-611", "Quiesce-20070322T030000Z"]
    assert program.calls() == [expected]


def test_a_release_names_the_snapshot_by_its_id_alone(tmp_path: Path) -> None:
    program = FakeProgram(tmp_path)
    release(program)
    expected = ["-h", "vc01", "-u", "vcbackup", "-p", "vcpw", "-d", "moref:vm-611", "ssid:snapshot-619"]
    assert program.calls() == [expected]


def test_without_a_user_vcbs_own_configuration_supplies_the_login() -> None:
    vcb = Vcb(settings(user=None, password=None))
    assert vcb.argv(RELEASE, masked=False) == (
        "vcbsnapshot", "-h", "vc01", "-d", "moref:vm-611", "ssid:snapshot-619",
    )  # fmt: skip


def test_the_displayed_command_hides_the_password_and_quotes_only_what_needs_it() -> None:
    vcb = Vcb(settings(program=("/opt/v c b/vcbsnapshot",)))
    quote = '"' if sys.platform == "win32" else "'"
    assert vcb.command(QUIESCE) == (
        f"{quote}/opt/v c b/vcbsnapshot{quote} -h vc01 -u vcbackup -p *** -c moref:vm-611 Quiesce-20070322T030000Z"
    )
    assert "<ssid of vm-611>" in vcb.command(Release(Vm(611), "<ssid of vm-611>"))


# -- quiesce


def test_exit_zero_and_a_snapshot_id_is_a_quiesced_vm(tmp_path: Path) -> None:
    output = (FIXTURES / "create.txt").read_text()
    outcome = quiesce(FakeProgram(tmp_path, stdout=output))
    assert outcome == Done("SsId:snapshot-619", ssid="snapshot-619")


def test_the_log_lines_of_vcb_do_not_hide_the_snapshot_id(tmp_path: Path) -> None:
    log = (FIXTURES / "log_line.txt").read_text()
    outcome = quiesce(FakeProgram(tmp_path, stdout=f"{log}ssid:  snapshot-7 \n{log}"))
    assert isinstance(outcome, Done)
    assert outcome.ssid == "snapshot-7"


def test_exit_zero_without_a_snapshot_id_is_unknown_and_claimed(tmp_path: Path) -> None:
    outcome = quiesce(FakeProgram(tmp_path, stdout="all is well\n"))
    assert isinstance(outcome, Unknown)
    assert outcome.claimed
    assert "all is well" in outcome.why


def test_several_snapshot_ids_are_unknown_since_any_could_be_ours(tmp_path: Path) -> None:
    outcome = quiesce(FakeProgram(tmp_path, stdout="SsId:snapshot-1\nSsId:snapshot-2\n"))
    assert isinstance(outcome, Unknown)
    assert "snapshot-1, snapshot-2" in outcome.why


@pytest.mark.parametrize("fixture", ["quiesce_too_slow", "task_in_progress", "host_disconnected", "vm_gone"])
def test_a_failed_create_is_unknown_and_quotes_virtualcenter(tmp_path: Path, fixture: str) -> None:
    output = (FIXTURES / f"{fixture}.txt").read_text()
    outcome = quiesce(FakeProgram(tmp_path, stdout="trying\n", stderr=output, code=1))
    assert isinstance(outcome, Unknown)
    assert not outcome.claimed
    assert output.strip() in outcome.why
    assert "exit code 1" in outcome.why


def test_a_create_that_failed_after_it_printed_an_id_is_unknown(tmp_path: Path) -> None:
    assert isinstance(quiesce(FakeProgram(tmp_path, stdout="SsId:snapshot-619\n", code=1)), Unknown)


def test_a_create_that_fails_silently_is_reported(tmp_path: Path) -> None:
    outcome = quiesce(FakeProgram(tmp_path, code=9))
    assert isinstance(outcome, Unknown)
    assert outcome.why.endswith(" ended with exit code 9: it printed nothing")


def test_a_program_that_is_not_there_is_a_refusal_with_the_remedy(tmp_path: Path) -> None:
    outcome = Vcb(settings((str(tmp_path / "nosuch"),))).perform(QUIESCE, nobody)
    assert isinstance(outcome, Refusal)
    assert "`vcbsnapshot`" in outcome.why
    assert "vcpw" not in outcome.why


@pytest.mark.parametrize(("step", "own"), [(QUIESCE, "timeout"), (RELEASE, "remove_timeout")])
def test_no_answer_in_time_is_unknown_and_the_program_keeps_running(
    tmp_path: Path, step: Quiesce | Release, own: str
) -> None:
    gate = Gate()
    program = (sys.executable, "-c", f"print('SsId:s-1', flush=True); {WAIT}", gate.port)
    patient = settings(program)
    hasty = patient.model_copy(update={own: 0.01})
    children: list[Child] = []
    outcome = Vcb(hasty).perform(step, children.append)
    gate.open()
    for thread in threading.enumerate():
        if thread.name == f"reaper-{children[0].pid}":
            thread.join(PATIENCE)
    assert isinstance(outcome, Unknown)
    assert not outcome.claimed
    assert "no answer within 0.01 s and still runs" in outcome.why


# -- a refused login

LOGIN_REFUSED = "Error: Cannot complete login due to an incorrect user name or password. (user='vcbackup')\n"


@pytest.mark.parametrize(
    "output",
    [LOGIN_REFUSED, LOGIN_REFUSED.upper(), "Incorrect user name or password", "The session is not authenticated."],
)
def test_a_refused_login_is_recognised_and_the_outcome_stays_unknown(tmp_path: Path, output: str) -> None:
    for stdout, stderr in ((output, ""), ("", output)):
        for answer in (
            quiesce(FakeProgram(tmp_path, stdout=stdout, stderr=stderr, code=1)),
            release(FakeProgram(tmp_path, stdout=stdout, stderr=stderr, code=1)),
        ):
            assert isinstance(answer, Unknown)
            assert (answer.login, answer.failed, answer.claimed) == (True, True, False)
            assert output.strip() in answer.why


SILENT = posix("on Windows, a program that printed nothing may have been killed with that exit code")


@pytest.mark.parametrize(
    "output",
    [
        *("You do not have permission to perform this operation", "Operation failed", "Unable to communicate"),
        pytest.param("", marks=SILENT),
    ],
)
def test_neither_a_missing_privilege_nor_another_failure_is_a_refused_login(tmp_path: Path, output: str) -> None:
    outcome = quiesce(FakeProgram(tmp_path, stderr=output, code=1))
    assert isinstance(outcome, Unknown)
    assert (outcome.login, outcome.failed) == (False, True)


def test_a_printed_snapshot_id_proves_the_login(tmp_path: Path) -> None:
    outcome = quiesce(FakeProgram(tmp_path, stdout="SsId:snapshot-619\n", stderr=LOGIN_REFUSED, code=1))
    assert isinstance(outcome, Unknown)
    assert (outcome.login, outcome.failed) == (False, True)


def test_the_text_of_a_refused_login_in_a_success_is_ignored(tmp_path: Path) -> None:
    outcome = quiesce(FakeProgram(tmp_path, stdout="SsId:snapshot-619\n", stderr=LOGIN_REFUSED))
    assert isinstance(outcome, Done)
    silent = quiesce(FakeProgram(tmp_path, stderr=LOGIN_REFUSED))
    assert isinstance(silent, Unknown)
    assert (silent.login, silent.claimed) == (False, True)


@with_signals
def test_a_program_that_was_killed_has_not_said_that_the_login_was_refused(tmp_path: Path) -> None:
    program = tmp_path / "vcbsnapshot"
    program.write_text(f"#!/bin/sh\necho {shlex.quote(LOGIN_REFUSED)}\nkill -9 $$\n")
    program.chmod(0o755)
    outcome = Vcb(settings((str(program),))).perform(QUIESCE, nobody)
    assert isinstance(outcome, Unknown)
    assert (outcome.login, outcome.failed) == (False, False)


@with_signals
def test_a_program_killed_while_it_printed_the_password_shows_no_part_of_it(tmp_path: Path) -> None:
    program = tmp_path / "vcbsnapshot"
    program.write_text("#!/bin/sh\nprintf 'logged in with -p correct-hor'\nkill -9 $$\n")
    program.chmod(0o755)
    outcome = Vcb(settings((str(program),), password="correct-horse")).perform(QUIESCE, nobody)
    assert isinstance(outcome, Unknown)
    assert outcome.output == "logged in with -p ***"
    assert "corr" not in outcome.why


@pytest.mark.parametrize("name", ["ssh", "plink"])
def test_a_remote_shell_that_lost_its_connection_says_nothing_about_the_login(tmp_path: Path, name: str) -> None:
    program = FakeProgram(tmp_path, name, stderr=LOGIN_REFUSED, code=255)
    outcome = Vcb(settings((*program.write(), "proxy"), password=None)).perform(QUIESCE, nobody)
    assert isinstance(outcome, Unknown)
    assert (outcome.login, outcome.failed) == (False, False)


# -- release


def test_exit_zero_is_a_released_vm(tmp_path: Path) -> None:
    outcome = release(FakeProgram(tmp_path, stdout="Snapshot ssid:snapshot-619 deleted\n"))
    assert outcome == Done("Snapshot ssid:snapshot-619 deleted")


@pytest.mark.parametrize("output", [GONE, GONE.upper()])
def test_an_already_removed_snapshot_counts_as_done_and_is_marked_so(tmp_path: Path, output: str) -> None:
    outcome = release(FakeProgram(tmp_path, stderr=output, code=1))
    assert isinstance(outcome, Done)
    assert outcome.already


@pytest.mark.parametrize("code", [0, 1])
def test_a_vm_that_is_gone_says_nothing_about_its_snapshot(tmp_path: Path, code: int) -> None:
    outcome = release(FakeProgram(tmp_path, stderr=(FIXTURES / "vm_gone.txt").read_text(), code=code))
    assert isinstance(outcome, Unknown)
    assert "vim.VirtualMachine:vm-42" in outcome.why
    assert not outcome.busy


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_vcbsnapshot_says_counts_in_the_middle_of_a_flood_too(tmp_path: Path, stream: str) -> None:
    flood = ("[2007-03-22 03:00:00 'Vix' verbose] " + "x" * 60 + "\n") * 30_000
    program = FakeProgram(tmp_path, stdout=f"{flood}SsId:snapshot-2012\n{flood}")
    made = quiesce(program)
    assert isinstance(made, Done)
    assert made.ssid == "snapshot-2012"
    for name in sorted(path.name for path in FIXTURES.glob("*.txt")):
        said = (FIXTURES / name).read_text()
        short = release(FakeProgram(tmp_path, **{stream: said}, code=1))
        long = release(FakeProgram(tmp_path, **{stream: f"{flood}{said}\n{flood}"}, code=1))
        assert type(short) is type(long)
        for meaning in ("busy", "login", "failed", "already"):
            assert getattr(long, meaning, None) == getattr(short, meaning, None)


@pytest.mark.parametrize("name", ["another_task.txt", "task_in_progress.txt"])
def test_another_task_in_progress_is_recognised(tmp_path: Path, name: str) -> None:
    output = (FIXTURES / name).read_text()
    for text in (output, output.upper(), "vim.fault.TaskInProgress"):
        outcome = release(FakeProgram(tmp_path, stderr=text, code=1))
        assert isinstance(outcome, Unknown)
        assert outcome.busy
    outcome = release(FakeProgram(tmp_path, stderr=(FIXTURES / "invalid_state.txt").read_text(), code=1))
    assert isinstance(outcome, Unknown)
    assert not outcome.busy


@pytest.mark.parametrize(
    ("code", "failed"),
    [
        pytest.param(1, True, marks=SILENT),
        pytest.param(255, True, marks=SILENT),
        (-9, False),
        (-15, False),
    ],
)
def test_only_a_program_that_ended_by_itself_has_said_that_it_failed(code: int, failed: bool) -> None:
    class Ended:
        def run(self, argv: Sequence[str], timeout: float, on_start: Callable[[Child], None]) -> process.Completed:
            return process.Completed(tuple(argv), code, "", "", 1.0)

        def alive(self, child: Child) -> bool:
            return False

    for step in (QUIESCE, RELEASE):
        outcome = Vcb(
            Vcenter(host="vc01", vcbsnapshot=("vcbsnapshot",), timeout=60, remove_timeout=60, settle=60, parallel=1),
            Ended(),
        ).perform(step, nobody)
        assert isinstance(outcome, Unknown)
        assert outcome.failed is failed
        assert f"exit code {code}" in outcome.why


def test_a_failed_removal_is_unknown(tmp_path: Path) -> None:
    output = (FIXTURES / "another_task.txt").read_text()
    outcome = release(FakeProgram(tmp_path, stderr=output, code=2))
    assert isinstance(outcome, Unknown)
    assert output.strip() in outcome.why


def test_a_removal_without_a_program_is_a_refusal(tmp_path: Path) -> None:
    assert isinstance(Vcb(settings((str(tmp_path / "nosuch"),))).perform(RELEASE, nobody), Refusal)


def test_only_a_snapshot_id_is_ever_sent(tmp_path: Path) -> None:
    program = FakeProgram(tmp_path)
    outcome = Vcb(settings(program.write())).perform(Release(Vm(611), "<ssid of vm-611>"), nobody)
    assert isinstance(outcome, Refusal)
    assert program.calls() == []


# -- secrets


@pytest.mark.parametrize("password", ["vcpw", "pässwört", "tab\there"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp437", "cp1252"])
def test_a_program_that_echoes_the_password_does_not_spread_it(tmp_path: Path, password: str, encoding: str) -> None:
    code = f"import sys; sys.stderr.buffer.write({f'login {password} failed'.encode(encoding)!r}); sys.exit(1)"
    vcb = Vcb(settings((sys.executable, "-c", code), password=password))
    outcome = vcb.perform(QUIESCE, nobody)
    assert isinstance(outcome, Unknown)
    assert outcome.output == "login *** failed"
    assert outcome.why.endswith("login *** failed")


@pytest.mark.parametrize("password", ["deleted", "already", "completely", "n"])
def test_a_password_that_is_a_word_of_the_answer_does_not_change_what_it_means(tmp_path: Path, password: str) -> None:
    gone = "Error: The object has already been deleted or has not been completely created"
    vcb = Vcb(settings(FakeProgram(tmp_path, stderr=gone, code=1).write(), password=password))
    shown = gone.replace(password, "***") if len(password) > 1 else gone
    assert vcb.perform(RELEASE, nobody) == Done(shown, already=True)


@pytest.mark.parametrize(("password", "text"), [("login", LOGIN_REFUSED), ("password", LOGIN_REFUSED)])
def test_a_refused_login_is_recognized_whatever_the_password_is(tmp_path: Path, password: str, text: str) -> None:
    outcome = quiesce(FakeProgram(tmp_path, stderr=text, code=1), password=password)
    assert isinstance(outcome, Unknown)
    assert outcome.login
    assert password not in outcome.output


def test_an_id_that_the_password_is_a_part_of_is_still_the_id(tmp_path: Path) -> None:
    outcome = quiesce(FakeProgram(tmp_path, stdout="SsId:snapshot-1228\n"), password="snapshot")
    assert outcome == Done("SsId:***-1228", ssid="snapshot-1228")


def test_vcbsnapshot_gets_no_variable_that_holds_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQLPWORD", "hunter2hunter2")
    monkeypatch.setenv("ODBCINI", "kept")
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    programs = ThisMachine(frozenset({"SQLPWORD"}))
    outcome = Vcb(settings((sys.executable, "-c", code)), programs).perform(RELEASE, nobody)
    assert isinstance(outcome, Done)
    found = json.loads(outcome.output)
    assert "SQLPWORD" not in found
    assert found["ODBCINI"] == "kept"


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (("plink", "-pw", "F1lerPw", "proxy"), "plink -pw *** proxy"),
        (("C:\\PsExec.exe", "-u", "x", "-p", "F1lerPw"), "-u x -p ***"),
        (("sshpass", "-p", "F1lerPw", "ssh", "-p", "2222", "proxy"), "sshpass -p *** ssh -p 2222 proxy"),
        (("/usr/bin/ssh", "-p", "2222", "proxy"), "/usr/bin/ssh -p 2222 proxy"),
    ],
)
def test_a_password_among_the_leading_arguments_is_sent_and_not_shown(argv: tuple[str, ...], shown: str) -> None:
    vcb = Vcb(settings(argv, user=None, password=None))
    assert shown in vcb.command(QUIESCE)
    assert vcb.argv(QUIESCE, masked=False)[: len(argv)] == argv
    assert vcb._unfit(QUIESCE) is None


def test_an_empty_password_leaves_the_text_alone(tmp_path: Path) -> None:
    outcome = quiesce(FakeProgram(tmp_path, stdout="SsId:snapshot-1\n"), password="")
    assert outcome == Done("SsId:snapshot-1", ssid="snapshot-1")


def test_control_characters_of_the_program_do_not_reach_the_terminal(tmp_path: Path) -> None:
    outcome = quiesce(FakeProgram(tmp_path, stderr="\x1b[2Jgone\n", code=1))
    assert isinstance(outcome, Unknown)
    assert outcome.why.isprintable()


# -- a shell on the far side


@pytest.mark.parametrize("name", ["ssh", "plink", "PLINK.EXE", "C:\\PuTTY\\plink.exe", "/usr/bin/ssh"])
def test_a_password_never_reaches_the_command_line_of_ssh(name: str) -> None:
    with pytest.raises(ConfigError, match="password") as caught:
        Vcb(settings((name, "proxy", "vcbsnapshot")))
    assert "config.js" in caught.value.hint


def test_an_argument_that_a_far_shell_would_take_apart_is_refused_by_name(tmp_path: Path) -> None:
    program = FakeProgram(tmp_path, "ssh")
    vcb = Vcb(settings((*program.write(), "proxy", "vcbsnapshot"), password=None))
    outcome = vcb.perform(Quiesce(Vm(611), "Quiesce; reboot"), nobody)
    assert isinstance(outcome, Refusal)
    assert "'Quiesce; reboot'" in outcome.why
    assert program.calls() == []


def test_plain_arguments_pass_through_ssh(tmp_path: Path) -> None:
    program = FakeProgram(tmp_path, "ssh", stdout="SsId:snapshot-619\n")
    vcb = Vcb(settings((*program.write(), "vcb@proxy", "vcbsnapshot"), password=None))
    assert isinstance(vcb.perform(QUIESCE, nobody), Done)
    assert program.calls()[0][:2] == ["vcb@proxy", "vcbsnapshot"]


@pytest.mark.parametrize("step", [QUIESCE, RELEASE])
def test_ssh_that_lost_the_far_side_leaves_the_outcome_unknown(tmp_path: Path, step: Quiesce | Release) -> None:
    program = FakeProgram(tmp_path, "ssh", stderr=GONE, code=255)
    outcome = Vcb(settings((*program.write(), "proxy"), password=None)).perform(step, nobody)
    assert isinstance(outcome, Unknown)
    assert "255" in outcome.why


# -- reading ids


@pytest.mark.parametrize(
    "line",
    [
        "SsId:",
        "SsId: two words",
        "SsId:snäpshot",
        "SsId:a;b",
        "The SsId:snapshot-1",
        "[2007-08-07 12:29:43.798 'App' 2052 info] SsId:snapshot-1",
        "[2007-08-07 12:29:43.798 'App' 2052 info] text\x0bSsId:snapshot-1",
        "[2007-08-07 12:29:43.798 'App' 2052 info] text\u2028SsId:snapshot-1",
    ],
)
def test_only_an_id_on_its_own_line_is_read(line: str) -> None:
    assert ssids(f"before\n{line}\nafter") == ()


@given(
    word=st.from_regex(r"[A-Za-z0-9_.-]+", fullmatch=True),
    key=st.sampled_from(["SsId:", "ssid:", "SSID:"]),
    blanks=st.text(" \t", max_size=3),
    before=st.text(st.characters(exclude_characters=":")),
    after=st.text(st.characters(exclude_characters=":")),
)
def test_an_id_is_found_wherever_its_line_is(word: str, key: str, blanks: str, before: str, after: str) -> None:
    assert ssids(f"{before}\n{key}{blanks}{word}{blanks}\r\n{after}") == (word,)


@given(st.lists(st.tuples(st.sampled_from(["SsId:", "ssid: ", "Ssid", ""]), st.text()), min_size=1))
@example([("SsId:", "snapshot-1228"), ("ssid: ", "a b"), ("SsId:", "\N{DIGIT ONE}\N{ARABIC-INDIC DIGIT ONE}")])
def test_a_printed_id_is_always_one_plain_word(lines: list[tuple[str, str]]) -> None:
    for word in ssids("\n".join(key + rest for key, rest in lines)):
        assert word.isascii()
        assert word.isprintable()
        assert " " not in word


@pytest.mark.parametrize(
    ("output", "code", "trouble"),
    [
        ("SsId:snapshot-7", 0, ""),
        ("Snapshot not found: x", 1, ""),
        ("Cannot complete login due to an incorrect user name or password.", 1, "refused the login"),
        ("Error: Login failed due to a bad username or password.", 1, "refused the login"),
        ("You do not have permission to perform this operation.", 1, "lacks a privilege"),
        ("Error: Permission to perform this operation was denied.", 1, "lacks a privilege"),
        ("vcbsnapshot: command not found", 127, "exit code 127"),
        ("The rule that refused it does not exist", 1, "exit code 1"),
        ("Could not find any snapshots of that name", 1, ""),
        ("connect to vc01 port 443: Connection refused", 1, "does not reach"),
        ("Unable to communicate with the remote host, since it is disconnected", 1, "does not reach"),
        ("Segmentation fault", 139, "exit code 139"),
    ],
)
def test_a_query_shows_whether_vcbsnapshot_can_log_in(tmp_path: Path, output: str, code: int, trouble: str) -> None:
    program = FakeProgram(tmp_path, stdout=output, code=code)
    vcb = Vcb(
        Vcenter(
            host="vc01",
            user="u",
            password=Secret("pw"),
            vcbsnapshot=program.write(),
            timeout=PATIENCE,
            remove_timeout=PATIENCE,
            settle=5,
            parallel=1,
        )
    )
    if trouble:
        with pytest.raises(SiteError, match=trouble) as caught:
            vcb.try_login(Vm(611))
        assert caught.value.hint
    else:
        assert vcb.try_login(Vm(611)) == "accepted by vc01"
    (argv,) = program.calls()
    assert argv[:8] == ["-h", "vc01", "-u", "u", "-p", "pw", "-f", "moref:vm-611"]


def far(tmp_path: Path, stderr: str, code: int) -> Vcb:
    program = FakeProgram(tmp_path, "ssh", stderr=stderr, code=code)
    return Vcb(settings((*program.write(), "esx1", "vcbsnapshot"), password=None))


OLD_SSH = "Unable to negotiate with 10.0.0.7 port 22: no matching cipher found. Their offer: 3des-cbc,blowfish-cbc"


def test_an_esx_that_speaks_only_old_algorithms_is_named_with_the_lines_for_ssh_config(tmp_path: Path) -> None:
    with pytest.raises(SiteError) as caught:
        far(tmp_path, OLD_SSH, 255).try_login(Vm(611))
    assert caught.value.code == "SA-5421"
    assert "`Ciphers +3des-cbc`" in caught.value.hint
    outcome = far(tmp_path, OLD_SSH, 255).perform(QUIESCE, nobody)
    assert isinstance(outcome, Unknown)
    assert "`Ciphers +3des-cbc`" in outcome.why


def test_a_program_that_is_missing_behind_ssh_is_no_accepted_login(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="no vcbsnapshot on the far machine") as caught:
        far(tmp_path, "sh: 1: vcbsnapshot: not found", 127).try_login(Vm(611))
    assert caught.value.code == "SA-5422"


@pytest.mark.parametrize("argument", ["/usr/sbin/vcbSnapshot", "-oCiphers=+3des-cbc"])
def test_no_remedy_for_the_far_machine_names_an_argument_that_would_be_refused(tmp_path: Path, argument: str) -> None:
    program = FakeProgram(tmp_path, "ssh").write()
    vcb = Vcb(settings((*program, argument, "esx1", "vcbsnapshot"), password=None))
    assert isinstance(vcb.perform(QUIESCE, nobody), Refusal)
    for stderr, code in ((OLD_SSH, 255), ("sh: 1: vcbsnapshot: not found", 127)):
        with pytest.raises(SiteError) as caught:
            far(tmp_path, stderr, code).try_login(Vm(611))
        assert not re.search(r"full path|-o[A-Z]\w+=\+", caught.value.hint)


@pytest.mark.parametrize("fixture", ["no_privilege", "bad_login"])
def test_a_missing_privilege_is_named_and_a_bad_login_is_a_refused_one(tmp_path: Path, fixture: str) -> None:
    outcome = quiesce(FakeProgram(tmp_path, stderr=(FIXTURES / f"{fixture}.txt").read_text(), code=1))
    assert isinstance(outcome, Unknown)
    assert outcome.login is (fixture == "bad_login")
    assert ("Remove Snapshot" in outcome.why) is (fixture == "no_privilege")


@pytest.mark.parametrize("level", ["info", "verbose", "trivia", "warning"])
def test_the_words_of_a_log_line_are_no_answer(tmp_path: Path, level: str) -> None:
    line = f"[2007-08-07 12:29:43.798 'App' 2052 {level}] "
    words = "not authenticated yet; another task is in progress; " + GONE.strip()
    outcome = quiesce(FakeProgram(tmp_path, stderr=f"{line}{words}\n", code=1))
    assert isinstance(outcome, Unknown)
    assert (outcome.login, outcome.busy) == (False, False)
    assert release(FakeProgram(tmp_path, stderr=f"{line}{words}\n")) == Done(f"{line}{words}")


def test_the_words_of_an_errors_log_line_are_an_answer(tmp_path: Path) -> None:
    text = "[2007-08-07 12:29:43.798 'App' 2052 error] Login failed due to a bad username or password.\n"
    outcome = quiesce(FakeProgram(tmp_path, stderr=text, code=1))
    assert isinstance(outcome, Unknown)
    assert outcome.login

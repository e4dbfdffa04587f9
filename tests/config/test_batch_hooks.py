"""A program that the batch runs before or after all of the backup: a hook with the same words, or refused by line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from snapall.config.batch import Batch, batch_of
from snapall.config.load import load
from tests.config.batches import FILLED, filled

ROTATE, END = "REM Manage old", ":End\r\n"
PRE = r"C:\tools\pre.exe /all"
LOG = ">> snapall.log"


def before(*lines: str) -> bytes:
    return filled((ROTATE, "\r\n".join((*lines, ROTATE))))


def around(first: str, last: str) -> bytes:
    return filled((ROTATE, f"{first}\r\n{ROTATE}"), (END, f"{END}{last}\r\n"))


def hooks_of(batch: Batch) -> Any:
    assert batch.fault_lines() == []
    jobs: Any = batch.table["jobs"]
    return jobs["vmvol1"].get("hooks")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (PRE, [r"C:\tools\pre.exe", "/all"]),
        (r'"C:\My Tools\pre.exe" /n:"My Job" "a b"', [r"C:\My Tools\pre.exe", "/n:My Job", "a b"]),
        (r"\\nas\tools\pre.exe a^&b %%", [r"\\nas\tools\pre.exe", "a&b", "%"]),
        (r"C:\tools\pre.exe %filer%", [r"C:\tools\pre.exe", "filer1"]),
        (r"\tools\pre.exe", [r"C:\tools\pre.exe"]),
        (r"..\pre.exe", [r"C:\Program Files\VMware\pre.exe"]),
        ("C:\\tools\\pre.exe sch\u00f6n", [r"C:\tools\pre.exe", "sch\u00f6n"]),
        (f"{PRE} {LOG} 2>&1", [r"C:\tools\pre.exe", "/all"]),
        (f"{PRE} > nul", [r"C:\tools\pre.exe", "/all"]),
        ('net stop "My Service" /y', ["net", "stop", "My Service", "/y"]),
        (r"sc \\srv stop Spooler", ["sc", r"\\srv", "stop", "Spooler"]),
        (f"if exist lock.txt goto End\r\n{PRE}", [r"C:\tools\pre.exe", "/all"]),
    ],
)
def test_a_program_before_the_backup_becomes_the_hook_before_with_its_whole_words(line: str, words: list[str]) -> None:
    assert hooks_of(batch_of(before(line), {})) == {"before": words, "timeout": 3600, "required": False}


def test_a_service_that_stops_before_and_starts_after_becomes_both_hooks(tmp_path: Path) -> None:
    path = tmp_path / "snapall.bat"
    path.write_bytes(around("net stop Antivirus", "net start Antivirus"))
    hooks = load(path, {}).hooks["vmvol1"]
    assert (hooks.before, hooks.after) == (("net", "stop", "Antivirus"), ("net", "start", "Antivirus"))


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ("if errorlevel 1 goto Error", "snapall takes no backup, as in the batch"),
        ("if not errorlevel 1 goto go\r\ngoto End\r\n:go", "snapall takes no backup, as in the batch"),
        ("", "snapall warns and takes the backup all the same, as the batch does"),
    ],
)
def test_the_notice_says_what_a_failure_means_in_the_batch_and_in_snapall(check: str, text: str) -> None:
    (notice,) = batch_of(before(PRE, check), {}).notices
    assert (notice.line, notice.text) == (17, "pre.exe is run as the job's hook before")
    assert text in notice.remedy
    assert hooks_of(batch_of(before(PRE, check), {})).get("required", True) is ("no backup" in text)
    assert "timeout" in notice.remedy


def test_the_notice_of_a_hook_names_no_word_of_the_command() -> None:
    (notice,) = batch_of(before(r"C:\tools\pre.exe Zq7"), {}).notices
    assert "Zq7" not in f"{notice}"


REFUSED = {
    "several programs": (("net stop A", "net stop B"), "several programs"),
    "a loop": (("for %%a in (A B) do net stop %%a",), "it runs several times"),
    "a bare name": (("pre.exe /all",), "the batch's folder first"),
    "the batch's own folder": (('"%~dp0pre.exe" /all',), "the batch's own folder"),
    "a folder": (("\\",), "it is a folder"),
    "a drive's current folder": (("d:pre.exe",), "the folder in which the batch runs"),
    "a folder of the machine": ((r'"%ProgramFiles%\pre.exe" /all',), "from machine to machine"),
    "a script": ((r"C:\tools\pre.vbs /all",), "only a program"),
    "a relative file": ((r"C:\tools\pre.exe list.txt",), "a path that depends"),
    "a relative folder": ((r"C:\tools\pre.exe /to:sub\folder",), "a path that depends"),
    "a mapped drive": ((r"net use z: \\nas\x", r"z:\pre.exe"), "only this batch maps"),
    "an empty word": ((r'C:\tools\pre.exe ""',), "is empty"),
    "a quote in a word": ((r'C:\tools\pre.exe "a ""b"" c"',), "has a quote"),
    "a password of the batch": ((r"C:\tools\pre.exe /x:%vcpword%",), "may contain a password"),
    "a password of its own": ((r"C:\tools\pre.exe /password:geheim",), "may contain a password"),
    "a password as the next word": ((r"C:\tools\pre.exe -p geheim",), "may contain a password"),
    "a password with its option": ((r"C:\tools\mysqladmin.exe -uroot -pgeheim flush-logs",), "may contain a password"),
    "a password after a longer option": ((r"C:\tools\pre.exe --db-password geheim",), "may contain a password"),
    "a password of a task": ((r"schtasks /create /ru backup /rp geheim",), "may contain a password"),
    "a login of Oracle": ((r"C:\tools\exp.exe system/geheim@orcl",), "may contain a password"),
    "a login of a user": ((r"C:\tools\pre.exe -u root:geheim",), "may contain a password"),
    "a host that may not answer": ((f"ping -n 1 srv1 && {PRE}",), "when another program fails"),
    "files that may not be copied": ((f"xcopy C:\\a C:\\b && {PRE}",), "when another program fails"),
    "an unset variable": ((r"C:\tools\pre.exe %nope%",), "never set"),
    "a variable for the program": (("set ORACLE_SID=db", PRE), "the variable of line 17"),
    "an argument": ((r"C:\tools\pre.exe %1",), "with an argument"),
    "the date": ((r"C:\tools\pre.exe %date%",), "on other dates"),
    "some weekdays": (("set d=%date:~0,3%", f'if not "%d%"=="Sun" {PRE}'), "on other dates"),
    "a file that it may write": ((PRE, "if exist bad.txt goto End"), "a file that may or may not exist"),
    "a file that it should write": ((PRE, r"if not exist C:\ok.txt goto End"), "a file that may or may not exist"),
    "a file that skips it": (("if exist skip.txt goto no", PRE, ":no"), "a file that may or may not exist"),
    "a pipe to it": (("echo y| net stop A",), "is connected"),
    "its output in a loop": ((f"for /f %%a in ('{PRE}') do set dbdsn=%%a",), "is connected"),
    "a file of its own": ((f"{PRE} > out.txt",), "a file other than the log"),
    "its errors in a file": ((f"{PRE} 2> out.txt",), "a file other than the log"),
    "its output read": (
        (f"{PRE} > o.txt", "for /f %%a in (o.txt) do goto End"),
        "what the batch does depends on what it prints",
    ),
    "some exit codes": ((PRE, "if errorlevel 8 goto End"), "its exit code"),
    "one exit code": ((PRE, "set rc=%errorlevel%", "if %rc%==77 goto End"), "its exit code"),
    "a crash": ((PRE, "if %errorlevel% LSS 0 goto End"), "its exit code"),
    "a second try": ((":again", f"{PRE} || goto again"), "its exit code"),
    "another program on failure": ((f"{PRE} || C:\\tools\\alert.exe",), "its exit code"),
}


@pytest.mark.parametrize(
    "line",
    [
        f'set d=%date:~0,3%\r\nif "%d%"=="Sun" {PRE}',
        f"if exist C:\\flag.txt {PRE}",
    ],
)
def test_a_program_that_the_first_night_does_not_run_is_refused_and_an_overlay_lifts_it(line: str) -> None:
    (output,) = batch_of(before(*line.split("\r\n")), {}).fault_lines()
    assert "snapall does not know the command pre.exe" in output
    overlay = {"jobs": {"vmvol1": {"hooks": {"before": ["own.exe"]}}}}
    assert hooks_of(batch_of(before(line), overlay)) == {"before": ["own.exe"]}


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ('"%1"=="full"', "with an argument, the batch does something else"),
        ('"%NIGHTLY%"=="1"', "with %NIGHTLY% in its environment, the batch does something else"),
        ("defined NIGHTLY", "with %NIGHTLY% in its environment, the batch does something else"),
    ],
)
def test_a_program_that_runs_only_for_an_argument_or_a_variable_is_noted(condition: str, text: str) -> None:
    batch = batch_of(before(f"if {condition} {PRE}"), {})
    assert hooks_of(batch) is None
    (notice,) = batch.notices
    assert notice.text.startswith(text)


def test_a_host_that_does_not_answer_may_end_the_batch_before_its_hooks() -> None:
    data = around("ping -n 1 %filer% >nul || exit /b 1\r\nnet stop A", "net start A")
    assert hooks_of(batch_of(data, {})) == {
        "before": ["net", "stop", "A"],
        "after": ["net", "start", "A"],
        "required": False,
        "timeout": 3600,
    }


@pytest.mark.parametrize("word", ["-port 80", "-prefix x", "/path:C:\\x", "-user backup", "/passive", "compass"])
def test_a_word_that_only_looks_like_a_password_is_taken(word: str) -> None:
    assert hooks_of(batch_of(before(f"C:\\tools\\pre.exe {word}"), {}))["before"][1:] == word.split(" ")


@pytest.mark.parametrize("what", REFUSED)
def test_a_program_that_is_not_the_same_as_a_hook_is_refused_and_an_overlay_lifts_it(what: str) -> None:
    lines, text = REFUSED[what]
    data = before(*lines)
    output = batch_of(data, {}).fault_lines()
    assert output
    assert all(text in line and "set before in [jobs.NAME.hooks] of the overlay file" in line for line in output)
    assert not any("geheim" in line for line in output)
    overlay = {"jobs": {"vmvol1": {"hooks": {"before": ["own.exe"]}}}}
    assert hooks_of(batch_of(data, overlay)) == {"before": ["own.exe"]}


def test_several_programs_are_to_be_put_into_a_batch_file_of_their_own() -> None:
    for line in batch_of(before("net stop A", "net stop B"), {}).fault_lines():
        assert "write a batch file of its own for it, with full paths, and set before" in line


@pytest.mark.parametrize("command", ["net start", "net share", "vcbmounter -h x"])
def test_a_command_that_starts_no_service_is_left_to_the_overlay(command: str) -> None:
    (line,) = batch_of(before(command), {}).fault_lines()
    assert "line 17" in line
    assert "set before in [jobs.NAME.hooks] of the overlay file" in line


def test_a_program_that_runs_only_after_a_whole_backup_is_no_hook_after() -> None:
    data = filled(("if errorlevel 0 goto End", f"if errorlevel 1 goto Error\r\n{PRE}\r\ngoto End"))
    (line,) = batch_of(data, {}).fault_lines()
    assert "when another command fails" in line


def test_an_after_program_that_a_failed_one_before_skips_is_no_hook_after() -> None:
    (line,) = batch_of(around("net stop A || exit /b 1", "net start A"), {}).fault_lines()
    assert line.startswith("line 54:")
    assert "when another command fails" in line


def test_a_batch_of_several_jobs_has_no_hook() -> None:
    data = FILLED.replace(b"REM Manage old", b"net stop A\r\nREM Manage old") + FILLED.replace(b"vmvol1", b"vmvol2")
    lines = batch_of(data, {}).fault_lines()
    assert [line.startswith("line 17:") for line in lines if "the batch has several jobs" in line] == [True]


def test_the_overlays_hook_wins_over_the_batchs() -> None:
    overlay = {"jobs": {"vmvol1": {"hooks": {"before": ["own.exe"], "timeout": 5}}}}
    batch = batch_of(around("net stop A", "net start A"), overlay)
    assert hooks_of(batch) == {"before": ["own.exe"], "after": ["net", "start", "A"], "timeout": 5}
    assert [one.text for one in batch.notices] == ["net start is run as the job's hook after"]

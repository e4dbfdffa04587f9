"""What only a bad night, a host that is down or a missing file shows of a batch."""

from __future__ import annotations

import pytest

from snapall.config.batch import batch_of
from tests.config.batches import FILLED, filled

USUAL = batch_of(FILLED, {}).table
EARLY = "REM Manage old"


@pytest.mark.parametrize(
    "check",
    [
        "ping -n 1 %filer% >nul || goto End",
        'ping -n 1 %filer% | find "TTL" >nul\r\nif errorlevel 1 goto Error',
        'ping -n 2 %filer% | find "Lost = 0" >nul || exit /b 1',
    ],
)
def test_a_batch_that_asks_first_whether_the_filer_answers_is_taken(check: str) -> None:
    batch = batch_of(filled((EARLY, f"{check}\r\n{EARLY}")), {})
    assert (batch.fault_lines(), batch.table) == ([], USUAL)


def test_a_batch_that_backs_up_another_filer_if_the_first_does_not_answer_is_refused() -> None:
    batch = batch_of(filled((EARLY, f"ping -n 1 %filer% >nul || set filer=filer2\r\n{EARLY}")), {})
    assert [one.partition("`: ")[2] for one in batch.fault_lines()] == [
        "what the batch does depends on whether a host answers ping; write a copy without the condition"
    ]


def test_a_batch_that_backs_up_another_volume_if_nothing_can_be_copied_is_refused() -> None:
    batch = batch_of(filled((EARLY, f"xcopy C:\\a C:\\b || set volname=vol2\r\n{EARLY}")), {})
    assert [one.partition("`: ")[2] for one in batch.fault_lines()] == [
        "what the batch does depends on whether xcopy succeeds; write a copy without the condition"
    ]


def test_a_batch_that_ends_early_names_the_first_command_that_it_does_not_reach() -> None:
    (line,) = batch_of(filled((EARLY, f'if "%~1"=="" exit /b 1\r\n{EARLY}')), {}).fault_lines()
    assert "argument" in line
    (line,) = batch_of(filled((EARLY, f"goto End\r\n{EARLY}")), {}).fault_lines()
    assert line.startswith("line 21: `RSH %filer% snap delete %volname% vmware_snap4`: ")


@pytest.mark.parametrize(
    ("branch", "named"),
    [
        ("blat snapall.log -to a@example.edu", "blat"),
        ("C:\\tools\\pager.exe 4711", "pager.exe"),
        ("geheim 1", "a program"),
        ("cscript //nologo C:\\tools\\mail.vbs", "cscript"),
        ("powershell -file C:\\tools\\mail.ps1", "powershell"),
        ("net stop Spooler", "net stop"),
    ],
)
def test_a_program_that_runs_only_when_something_fails_is_noted(branch: str, named: str) -> None:
    created = b"vmware_recent >> snapall.log\r\n\r\nREM Get list of vmware"
    jump = created.replace(b"\r\n\r\n", b" || goto Error\r\n\r\n")
    data = filled(("if errorlevel 0 goto End\r\n:Error", f"goto End\r\n:Error\r\n{branch}")).replace(created, jump)
    batch = batch_of(data, {})
    assert (batch.fault_lines(), batch.table) == ([], USUAL)
    assert [one.text for one in batch.notices] == [f"{named} runs when something fails, and is not imported"]


def test_a_program_that_runs_when_a_host_does_not_answer_is_noted() -> None:
    batch = batch_of(filled((EARLY, f"ping -n 1 %filer% >nul || C:\\tools\\pager.exe 4711\r\n{EARLY}")), {})
    assert (batch.fault_lines(), batch.table) == ([], USUAL)
    assert [one.text for one in batch.notices] == ["pager.exe runs when something fails, and is not imported"]


def test_the_log_is_the_file_that_takes_the_standard_output_of_osql_beside_o() -> None:
    named = filled(
        ("snapall.log", "D:\\logs\\nightly.log"), ("-o vmlist.txt", "-o vmlist.txt >> D:\\logs\\nightly.log")
    )
    assert batch_of(named, {}).table["log"] == "D:\\logs\\nightly.log"


def test_errors_that_a_redirection_around_a_subroutine_takes_are_logged() -> None:
    lines = FILLED.replace(b" >> snapall.log", b"").split(b"\r\n")
    wrapped = b"\r\n".join([lines[0], b"call :main >> snapall.log 2>&1", b"exit /b", b":main", *lines[1:]])
    batch = batch_of(wrapped, {})
    assert (batch.fault_lines(), batch.table["log"]) == ([], "snapall.log")
    assert not any("error output" in one.what for one in batch.defects)


def test_a_file_of_settings_that_is_missing_is_named_instead_of_all_that_it_would_set() -> None:
    body = FILLED.decode().split("\r\n")
    listed = 'for /f "tokens=1,2 delims==" %%a in (site.ini) do set %%a=%%b'
    batch = batch_of("\r\n".join([*body[:4], listed, *body[11:]]).encode(), {})
    (line,) = batch.fault_lines()
    assert line.startswith("line 5: ")
    assert "it reads site.ini, which is not in the batch's folder" in line


def test_a_password_file_that_is_missing_is_named_and_the_overlay_can_stand_in_for_it() -> None:
    data = filled(("set sqlpword=sqlpw", "set /p sqlpword=<C:\\secret\\sql.txt"))
    (line,) = batch_of(data, {}).fault_lines()
    assert line.startswith("line 7: ")
    assert "C:\\secret\\sql.txt, which snapall cannot find" in line
    batch = batch_of(data, {"database": {"password": "other"}})
    assert (batch.fault_lines(), batch.table) == ([], {**USUAL, "database": {**USUAL["database"], "password": "other"}})  # type: ignore[dict-item]


def test_what_is_created_first_and_renamed_last_keeps_only_the_names_that_are_left() -> None:
    lines = FILLED.decode().split("\r\n")
    rotation = [line for line in lines if "snap delete" in line or "snap rename" in line]
    rest = [line for line in lines if line not in rotation]
    batch = batch_of("\r\n".join([*rest, *rotation]).encode(), {})
    # The new snapshot is vmware_recent only until the last rename: three names are left each night.
    assert batch.fault_lines() == []
    assert batch.table["jobs"]["vmvol1"]["chain"] == ["vmware_previous", "vmware_snap3", "vmware_snap4"]  # type: ignore[index]

"""A batch is taken only if every night is the same: no date, machine, file, argument or VM may change what it does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from snapall.config.batch import batch_of
from snapall.config.load import load
from tests.config.batches import FILLED, faults, filled

LOOP = "in (vmlist.txt) do echo"
ROTATE = "REM Manage old"
VARYING = {
    "VMs by a rule": ((LOOP, "in (vmlist.txt) do if %%i gtr 1000 echo"), 35, "by a rule"),
    "only a few VMs": (
        (LOOP, "in (vmlist.txt) do if not %%i==611 if not %%i==612 if %%i lss 5000 echo"),
        35,
        "by a rule",
    ),
    "a random name": (("vmware_recent", "vmware_%random%"), 26, "changes from night to night"),
    "the hour": (
        (ROTATE, f"set h=%time:~0,2%\r\nif %h% lss 12 goto End\r\n{ROTATE}"),
        22,
        "changes from night to night",
    ),
    "the weekday": (
        (ROTATE, f"set d=%date:~0,3%\r\nif %d%==Sun goto End\r\n{ROTATE}"),
        22,
        "changes from night to night",
    ),
    "date /t": ((ROTATE, f"for /f %%d in ('date /t') do if %%d==Sun goto End\r\n{ROTATE}"), 21, "from night to night"),
    "a day of the month": (
        (ROTATE, f"set d=%date:~7,2%\r\nif %d%==17 goto End\r\n{ROTATE}"),
        22,
        "from night to night",
    ),
    "the month of a European date": (
        (ROTATE, f"set m=%date:~3,2%\r\nif %m%==12 goto End\r\n{ROTATE}"),
        22,
        "from night to night",
    ),
    "the month of an ISO date": (
        (ROTATE, f"set m=%date:~5,2%\r\nif %m%==12 goto End\r\n{ROTATE}"),
        22,
        "from night to night",
    ),
    "a file": ((ROTATE, f"if exist holiday.txt goto End\r\n{ROTATE}"), 0, ""),
    "a file before the capture": (
        ("REM create new", "if exist x.txt goto End\r\nREM create new"),
        37,
        "may or may not exist",
    ),
    "the folder": (("&& vcbsnapshot", '&& "%~dp0vcbsnapshot.exe"'), 35, "the batch's own folder"),
    "a folder of the machine": (("snapall.log", r"%TEMP%\snapall.log"), 2, "%TEMP%"),
    "the environment": (("set filer=filer1", "set filer=%FILERNAME%"), 20, "%FILERNAME% is never set"),
    "another program": (
        (ROTATE, f"for /f %%d in ('wmic os') do set x=%%d\r\n{ROTATE}"),
        17,
        "does not know what this program answers",
    ),
    "two filers": (
        ("RSH %filer% snap create", "for %%f in (filer1 filer2) do RSH %%f snap create"),
        39,
        "the filer differs",
    ),
    "a name for each VM": (("moref:vm-%%i Quiesce", "moref:vm-%%i Q%%i"), 35, "the VM snapshot's name differs"),
    "the second column": (
        ("SELECT vc_user.VPX_VM.ID", "SELECT GUEST_OS, vc_user.VPX_VM.ID"),
        32,
        "neither the original's",
    ),
}


@pytest.mark.parametrize("what", [what for what, (_, line, _) in VARYING.items() if line])
def test_a_batch_that_depends_on_something_is_refused_by_line(what: str) -> None:
    change, line, text = VARYING[what]
    assert any(one.startswith(f"line {line}:") and text in one for one in faults(filled(change))), faults(
        filled(change)
    )


def test_a_file_that_ends_the_batch_before_it_begins_is_a_lock_and_changes_nothing() -> None:
    batch = batch_of(filled(VARYING["a file"][0]), {})
    assert (batch.fault_lines(), batch.table) == ([], batch_of(FILLED, {}).table)


def test_a_program_that_the_batch_looks_for_is_taken_to_be_there() -> None:
    check = r'if not exist "C:\VCB\vcbsnapshot.exe" goto Error'
    batch = batch_of(filled((ROTATE, f"{check}\r\n{ROTATE}")), {})
    assert (batch.fault_lines(), batch.table) == ([], batch_of(FILLED, {}).table)


def test_a_log_beside_the_batch_is_beside_the_configuration() -> None:
    batch = batch_of(filled(("snapall.log", '"%~dp0snapall.log"')), {})
    assert batch.table == batch_of(FILLED, {}).table != {}


def test_a_batch_that_wants_every_vm_quiesced_gets_a_notice_of_must() -> None:
    batch = batch_of(filled(("REM create new", "if errorlevel 1 goto Error\r\nREM create new")), {})
    (notice,) = batch.notices
    assert (notice.line, "must" in notice.remedy) == (35, True)


@pytest.mark.parametrize(
    "program",
    ["find x.txt", "stopdb.exe", "net start", "net share", "sc query sql", "start notepad", "vcbmounter -h x"],
)
def test_a_program_that_may_matter_is_refused(program: str) -> None:
    output = faults(filled((ROTATE, f"{program}\r\n{ROTATE}")))
    assert [re.match(r"line (\d+)", one) is not None and one.startswith("line 17:") for one in output] == [True]


def test_a_batch_that_counts_its_vms_and_stops_is_refused() -> None:
    loop = "in (vmlist.txt) do set /a n+=1& if !n! leq 40 echo"
    output = faults(filled(("setlocal", "setlocal enabledelayedexpansion\r\nset n=0"), (LOOP, loop)))
    assert any(one.startswith("line 36:") and "by a rule" in one for one in output)


def test_a_batch_without_end_is_refused_in_a_bounded_number_of_steps() -> None:
    (output,) = faults(b":a\r\nset d=%date%\r\ngoto a\r\n")
    assert re.match(r"line [123]:", output)


def test_a_file_that_the_batch_reads_is_taken_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "PW.txt").write_bytes(b"from the file\r\n")
    path = tmp_path / "snapall.bat"
    path.write_bytes(filled(("set vcpword=vcpw", "set /p vcpword=<pw.txt"), ("-p %vcpword%", '-p "%vcpword%"')))
    password = load(path, {}).vcenter.password
    assert password is not None
    assert password.reveal() == "from the file"

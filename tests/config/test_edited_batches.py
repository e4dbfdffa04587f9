"""Copies of the batch as other hands have written them: each is taken for what cmd makes of it, or refused by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from snapall.config.batch import batch_of
from snapall.config.load import load
from tests.config.batches import FILLED, faults, filled

VMS_LINE = next(line for line in FILLED.decode().split("\r\n") if "-o vmlist.txt" in line)
QUIESCE = next(line for line in FILLED.decode().split("\r\n") if "in (vmlist.txt)" in line)
LIST = "in (vmlist.txt)"


def faults_at(data: bytes, line: int) -> str:
    """The whole message for one line."""
    return "\n".join(one for one in faults(data) if one.startswith(f"line {line}:"))


@pytest.mark.parametrize(
    "changes",
    [
        [("osql -U", "isql -U")],
        [("osql -U", "sqlcmd -U")],
        [("osql -U", "OSQL.EXE -b -n -w 500 -U")],
        [("goto End", "goto:End")],
        [("goto End", "GOTO :End")],
        [(":End", ":End\r\nexit/b 0")],
        [("c:\r\n", "echo/\r\nc:\r\n")],
        [("c:\r\n", "echo.\r\nECHO+\r\nc:\r\n")],
        [("-h-1 -Q", "-Q"), ('"eol=("', '"skip=2 eol=("')],
        [(LIST, 'in ("vmlist.txt")'), ('"eol=("', '"usebackq eol=("')],
        [("c:\r\n", "if exist vmlist.txt del vmlist.txt\r\nc:\r\n")],
        [("c:\r\n", "\tc:\r\n")],
        [("RSH %filer%", "@RSH  %filer%")],
        [("snapall.log\r\nRSH", "snapall.log 2>&1\r\nRSH")],
        [("REM quiesce", ":: quiesce")],
        [(" -o vmlist.txt", " > vmlist.txt")],
        [("setlocal", "setlocal enabledelayedexpansion"), ("%volname%", "!volname!")],
        [("set filer=filer1", "set filer=fi^ler1")],
        [("set filer=filer1", 'set "filer=filer1" b')],
        [("set filer=filer1", "set filer=filer1& set b=c")],
        [("snap delete %volname%", "snap de^lete %volname%")],
        [("vmware_snap4 >> snapall.log\r\necho ren", "vmware_snap4 || rsh x\r\necho ren")],
        [("if errorlevel 0 goto End", "if errorlevel 1 rsh x")],
        [("c:\r\n", "call:sub\r\nc:\r\n")],
        [("c:\r\n", "path=%path%;C:\\tools\r\nc:\r\n")],
        [("c:\r\n", "for %%v in (a b) do rsh f snap list %%v\r\nc:\r\n")],
        [("RSH %filer% snap create", "cmd /c rsh %filer% snap create")],
        [('"eol=( tokens=1,2"', '"eol=( tokens=2,1"')],
    ],
)
def test_other_spellings_of_the_same_batch_say_the_same(changes: list[tuple[str, str]]) -> None:
    original = batch_of(FILLED, {}).table
    batch = batch_of(filled(*changes), {})
    assert (batch.fault_lines(), batch.table) == ([], original)


def test_line_ends_that_a_copy_has_doubled_are_none_to_cmd() -> None:
    assert batch_of(FILLED.replace(b"\r\n", b"\r\r\n"), {}).table == batch_of(FILLED, {}).table != {}
    assert faults_at(FILLED.replace(b"\r\n", b"\r"), 1)  # one long line


def test_a_file_that_ends_as_old_editors_end_it_is_taken() -> None:
    assert batch_of(FILLED + b"\x1a", {}).table == batch_of(FILLED, {}).table != {}


@pytest.mark.parametrize(
    "block",
    [
        'if exist snapall.lock (\r\n  echo "locked :("\r\n  exit /b 1\r\n)',
        "if not exist snapall.lock (\r\n if 1==2 (\r\n  goto End\r\n )\r\n) else (\r\n  goto Error\r\n)",
        "for /F %%i in (x.txt) do (\r\n  rsh x snap list y\r\n  exit\r\n)",
    ],
)
def test_a_block_that_does_nothing_on_a_good_night_changes_nothing(block: str) -> None:
    batch = batch_of(filled(("c:\r\n", f"{block}\r\nc:\r\n")), {})
    assert (batch.fault_lines(), batch.table) == ([], batch_of(FILLED, {}).table)
    lines = block.count("\r\n") + 1
    two = faults(filled(("c:\r\n", f"{block}\r\nc:\r\n"), ("RSH %filer% snap create", "RSH %filr% snap create")))
    assert any(one.startswith(f"line {39 + lines}:") and "%filr% is never set" in one for one in two)


def test_a_batch_that_always_jumps_over_its_backup_is_refused() -> None:
    assert "does not reach this command" in faults_at(filled(("c:\r\n", "(\r\ngoto End\r\n)\r\nc:\r\n")), 23)


def test_a_server_and_a_login_of_windows_become_a_url() -> None:
    data = filled(("osql -U vc_user -P %sqlpword% -D %dbdsn%", "sqlcmd -S vc01 -d VCDB -E"))
    database = {"url": "mssql+pyodbc://@vc01/VCDB?driver=SQL+Server", "owner": "vc_user"}
    assert batch_of(data, {}).table["database"] == database
    own = batch_of(data, {"database": {"url": "mssql+pyodbc://@VC"}}).table["database"]
    assert own == {"url": "mssql+pyodbc://@VC", "owner": "vc_user"}


def test_a_program_in_a_folder_of_a_variable_is_resolved() -> None:
    data = filled(("set vcpword", "set vcb=D:\\VCB\r\nset vcpword"), ("&& vcbsnapshot", r"&& %vcb%\vcbsnapshot.exe"))
    vcenter = batch_of(data, {}).table["vcenter"]
    assert isinstance(vcenter, dict)
    assert vcenter["vcbsnapshot"] == [r"D:\VCB\vcbsnapshot.exe"]


@pytest.mark.parametrize(
    ("changes", "line", "text"),
    [
        ([('"eol=("', '"skip=2 eol=("')], 35, "leaves out VMs by a rule"),
        ([('"eol=("', '"eol=1"')], 35, "called differently from the original"),
        ([(LIST, 'in ("vmlist.txt")')], 35, "called differently from the original"),
        (
            [(VMS_LINE, f"{VMS_LINE}\r\n{VMS_LINE.replace('688', '689')}")],
            32,
            "no loop reads the list that this query writes",
        ),
        ([(QUIESCE, f"{QUIESCE}\r\n{QUIESCE}")], 36, "a VM is quiesced twice: it already was on line 35"),
        (
            [("snap create %volname%", "snap create !volname!")],
            39,
            "nothing deletes vmware_recent",
        ),
        (
            [("RSH %filer% snap create", "plink root@%filer% snap create")],
            39,
            "the transport of rsh differs from line 20",
        ),
        ([("RSH %filer% snap create", "ssh root@%filer% snap create")], 39, "ssh names no key"),
        ([("RSH %filer% snap create", "start /wait rsh %filer% snap create")], 39, "without start"),
        ([("&& vcbsnapshot", "&& start /wait vcbsnapshot")], 35, "without start"),
        (
            [("set sqlpword=sqlpw", "set sqlpword=sqlpw "), ("-P %sqlpword%", '-P "%sqlpword%"')],
            7,
            "begins or ends with a blank, which may",
        ),
        ([("RSH %filer% snap create", "%rsh% %filer% snap create")], 39, "snapall does not know the command"),
        ([("osql -U vc_user", "sqlcmd -r1 -U vc_user")], 32, "sqlcmd has an option (-r"),
    ],
)
def test_lines_that_cmd_reads_differently_are_refused_by_number(
    changes: list[tuple[str, str]], line: int, text: str
) -> None:
    assert text in faults_at(filled(*changes), line), faults(filled(*changes))


def test_ssh_as_a_fault_advises_it_works(tmp_path: Path) -> None:
    (tmp_path / "snapall.bat").write_bytes(FILLED)
    overlay = '[filers.filer1]\ntransport = "ssh"\nuser = "snapall"\nknown_hosts = "known_hosts"\npassword = "x"\n'
    (tmp_path / "snapall.bat.toml").write_text(overlay)
    (tmp_path / "known_hosts").write_text("")
    filer = load(tmp_path / "snapall.bat", {}).filers["filer1"]
    assert (filer.transport, filer.host, filer.user, filer.port) == ("ssh", "filer1", "snapall", 22)


@pytest.mark.parametrize(
    ("written", "owner"),
    [("[vc.user]", "[vc.user]"), (r"[CAMPUS\vcdb]", r"CAMPUS\vcdb"), ("[dbo]", "dbo"), ("VC_USER", "VC_USER")],
)
def test_an_owner_is_taken_as_sql_server_reads_it(written: str, owner: str) -> None:
    data = filled(("vc_user.VPX_", f"{written}.VPX_"))
    database = batch_of(data, {}).table["database"]
    assert isinstance(database, dict)
    assert database["owner"] == owner


def test_a_list_that_two_queries_fill_one_behind_the_other_is_taken() -> None:
    first = VMS_LINE.replace(" -o vmlist.txt", " > vmlist.txt")
    second = first.replace("688", "689").replace("> vmlist", ">> vmlist")
    batch = batch_of(filled((VMS_LINE, f"{first}\r\n{second}")), {})
    jobs = batch.table["jobs"]
    assert isinstance(jobs, dict)
    assert jobs["vmvol1"]["datastores"] == [688, 689]

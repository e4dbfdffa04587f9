"""The old batch file as a configuration: each fixture, each fault by its line, the overlay, and what must never be."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url

from snapall.backup.model import Job, Order
from snapall.config.batch import Batch, batch_of
from snapall.config.load import load
from snapall.config.settings import Config
from snapall.errors import ConfigError, Exit
from tests.config.batches import BATS, FILLED, faults, filled

DEFAULT = ("vmware_recent", "vmware_previous", "vmware_snap3", "vmware_snap4")
OWN = ("esx_new", "esx_1", "esx_2", "esx_3", "esx_4", "esx_5")
ENVIRON: dict[str, str] = {}


def put(folder: Path, data: bytes, overlay: str = "", name: str = "snapall.bat") -> Path:
    path = folder / name
    path.write_bytes(data)
    if overlay:
        (folder / f"{name}.toml").write_text(overlay, encoding="utf-8")
    return path


def refused(path: Path) -> list[str]:
    """The message for a rejected file, without its name."""
    with pytest.raises(ConfigError) as caught:
        load(path, ENVIRON)
    assert caught.value.exit is Exit.USAGE
    assert caught.value.hint
    return [line.removeprefix(f"{path}: ") for line in caught.value.message.split("\n")]


def passwords(config: Config) -> tuple[str | None, str | None]:
    vcenter, database = config.vcenter.password, config.database.password
    return (None if vcenter is None else vcenter.reveal()), (None if database is None else database.reveal())


def job_of(config: Config, name: str = "vmvol1") -> Job:
    return config.jobs[name]


def test_the_papers_batch_filled_in_is_a_whole_configuration() -> None:
    config = load(BATS / "filled.bat", ENVIRON)
    assert (config.vcenter.host, config.vcenter.user, config.vcenter.parallel) == ("vc01", "vcbackup", 1)
    assert config.vcenter.vcbsnapshot == ("vcbsnapshot",)
    assert passwords(config) == ("vcpw", "sqlpw")
    assert (config.database.url, config.database.owner) == ("mssql+pyodbc://vc_user@VirtualCenter", "vc_user")
    filer = config.filers["filer1"]
    assert (filer.host, filer.transport, filer.port, filer.user) == ("filer1", "rsh", 514, None)
    job = job_of(config)
    assert (job.filer, job.volumes, job.datastores, job.chain) == ("filer1", ("vmvol1",), (688,), DEFAULT)
    assert (job.prefix, job.vm_snapshot, job.order) == ("vmware", "Quiesce", Order.SAFE)
    assert (config.log, config.state) == (BATS / "snapall.log", BATS / "snapall.state")


def test_each_placeholder_of_the_printed_batch_is_named() -> None:
    output = refused(BATS / "paper.bat")
    names = ["filer", "volname", "sqlpword", "dbdsn", "vcenter", "vcuser", "vcpword"]
    for number, (name, line) in enumerate(zip(names, output, strict=True), 5):
        assert line.startswith(f"line {number}: `set {name}=***`: {name}: the placeholder was not replaced; ")


TAKEN: list[tuple[str, dict[str, tuple[tuple[str, ...], tuple[int, ...], tuple[str, ...], str]]]] = [
    ("filled", {"vmvol1": (("vmvol1",), (688,), DEFAULT, "Quiesce")}),
    ("another_hand", {"vm_vol1": (("vm_vol1",), (688,), DEFAULT, "Nightly")}),
    ("six_kept", {"vmvol1": (("vmvol1",), (688,), OWN, "Quiesce")}),
    ("two_volumes", {"vmvol1": (("vmvol1", "vmvol2"), (688, 689), DEFAULT, "Quiesce")}),
    (
        "two_sequences",
        {
            "vmvol1": (("vmvol1",), (688,), DEFAULT, "Quiesce"),
            "vmvol2": (("vmvol2",), (689,), DEFAULT, "Quiesce"),
        },
    ),
    ("german", {"vmvol1": (("vmvol1",), (688, 689), DEFAULT, "Quiesce")}),
    ("fixed", {"vmvol1": (("vmvol1",), (688,), DEFAULT, "Quiesce")}),
]


@pytest.mark.parametrize(("name", "jobs"), TAKEN)
def test_a_copy_that_a_site_edited_gives_its_jobs(
    name: str, jobs: dict[str, tuple[tuple[str, ...], tuple[int, ...], tuple[str, ...], str]]
) -> None:
    config = load(BATS / f"{name}.bat", ENVIRON)
    assert {one.name: (one.volumes, one.datastores, one.chain, one.vm_snapshot) for one in config.jobs.values()} == jobs


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("ampersand", {11: "it contains an unquoted &"}),
        ("broken_chain", {20: "the oldest of the chain", 22: "this rename does not fit", 45: "differs from line"}),
        ("code_page", {8: "used without quotes, so cmd splits it", 11: "a letter outside ASCII"}),
    ],
)
def test_a_copy_that_cannot_be_taken_is_refused_by_line(name: str, output: dict[int, str]) -> None:
    lines = refused(BATS / f"{name}.bat")
    assert {int(line.split(":")[0].removeprefix("line ")) for line in lines} == set(output)
    for number, text in output.items():
        assert any(line.startswith(f"line {number}: ") and text in line and "; " in line for line in lines)
    assert "s3c" not in "\n".join(lines)
    assert "vcpw" not in "\n".join(lines).replace("vcpword", "")


def test_quotes_paths_and_capitals_are_read_as_cmd_reads_them() -> None:
    config = load(BATS / "another_hand.bat", ENVIRON)
    assert (config.vcenter.host, config.vcenter.user) == ("VC01.example.edu", "backup admin")
    assert config.vcenter.vcbsnapshot == (r"C:\VCB\vcbSnapshot.exe",)
    assert passwords(config) == ("50%off", "sql pw & more")
    assert str(config.log).endswith(r"D:\logs\snapall.log")
    assert config.filers["fas3050.example.edu"].user == "root"
    url = make_url(config.database.url)
    assert (url.username, url.host, config.database.owner) == (r"EXAMPLE\vcdb", "Virtual Center", "vc_user")


def test_both_kinds_of_line_ends_say_the_same(tmp_path: Path) -> None:
    one = load(put(tmp_path, FILLED), ENVIRON)
    assert load(put(tmp_path, FILLED.replace(b"\r\n", b"\n")), ENVIRON) == one
    assert load(put(tmp_path, b"\xef\xbb\xbf" + FILLED), ENVIRON) == one


@pytest.mark.parametrize("name", ["SNAPALL.BAT", "snapall.cmd", "Snapall.Cmd"])
def test_the_files_name_gives_its_kind(tmp_path: Path, name: str) -> None:
    assert "vmvol1" in load(put(tmp_path, FILLED, name=name), ENVIRON).jobs


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    (line,) = refused(put(tmp_path, FILLED, name="snapall.vbs"))
    assert line == "only .toml, .bat and .cmd files can be read"
    (line,) = refused(tmp_path / "gone.bat")
    assert "cannot be read" in line


def test_a_user_that_nothing_sets_is_taken_from_the_release_line() -> None:
    batch = batch_of(FILLED, {})
    assert any(one.lines == (35,) and "%vc_user% is never set" in one.what for one in batch.defects)
    assert any("no other vcbsnapshot line has a user" in one for one in faults(filled(("set vcuser=vcbackup", "REM"))))


@pytest.mark.parametrize(
    ("old", "new", "line", "text"),
    [
        (
            "set filer=filer1",
            "set filer=fi ler1",
            5,
            "filer: the value has a blank and is used without quotes, so cmd splits it in two",
        ),
        ("set filer=filer1", 'set "filer=fi&ler1"', 5, "filer: the value has a & and is used without quotes"),
        ("set filer=filer1", "set /p filer=", 5, "set /p waits for input"),
        ("set filer=filer1", "set filer=%1", 5, "takes an argument of the batch"),
        ("RSH %filer% snap create", "RSH %filr% snap create", 39, "%filr% is never set"),
        ("RSH %filer% snap create", "RSH -x %filer% snap create", 39, "rsh has an unknown option (-x)"),
        ("snap create %volname% vmware_recent", "snap restore %volname%", 39, "is not part of the backup"),
        ("RSH %filer% snap create", "RSH other snap create", 39, "the filer differs from line 20"),
        (
            "if errorlevel 0 goto End",
            "if errorlevel 0 goto Nowhere",
            48,
            "the batch has no such label",
        ),
        ("if errorlevel 0 goto End", "if errorlevel 1 (", 56, "a ( has no )"),
        ("-h-1 -Q", "-E -h 5 -Q", 32, "-h with a value other than -1"),
        ("c:\r\n", "dir | find x\r\n", 14, "what dir shows depends on the machine"),
        (
            "snap create %volname% vmware_recent >>",
            "snap create %volname% vmware_recent | find x >>",
            39,
            "find has no quoted text",
        ),
        (" -o vmlist.txt", "", 20, "has no vcbsnapshot -c"),
        (" -o vmlist.txt", " -o other.txt", 20, "has no vcbsnapshot -c"),
        ("in (vmlist.txt) do", "in (vmlist.txt) do (", 56, "a ( has no )"),
        ('"eol=("', '"eol=( delims=,"', 35, "called differently from the original"),
        ("-c moref:vm-%%i", "-c moref:vm-%%k", 35, "called differently from the original"),
        ("SELECT vc_user.VPX_VM.ID", "SELECT TOP 5 vc_user.VPX_VM.ID", 32, "neither the original's query"),
        ("from vc_user.VPX_SNAPSHOT", "from dbo.VPX_SNAPSHOT", 43, "the owner of the tables differs"),
        ("SNAPSHOT_NAME = 'Quiesce'", "SNAPSHOT_NAME = 'Other'", 43, "the snapshot name differs"),
        ("SNAPSHOT_NAME = 'Quiesce'", "SNAPSHOT_NAME like 'Q%%'", 43, "has an unknown filter"),
        ("echo creating vmware_recent >> snapall.log", "echo creating >> other.log", 38, "the log file differs"),
        ("%dbdsn% -h-1", "VC/2 -h-1", 32, "no database URL can hold"),
        ("%dbdsn% -h-1", "%dbdsn% -r 1", 32, "osql has an option (-r)"),
        ("-D %dbdsn% -h-1", "-h-1", 32, "osql has no -D"),
        ("-h-1 -Q", "-h-1", 32, "osql has an option (that is none)"),
        ("on vc_user.VPX_VM.ID".upper().replace("VC_USER", "vc_user"), "ON dbo.VPX_VM.ID", 32, "two owners"),
        (" where SNAPSHOT_NAME = 'Quiesce'", "", 43, "no SNAPSHOT_NAME"),
        ("-h %vcenter% -u %vcuser%", "-u %vcuser%", 46, "vcbsnapshot has no -h"),
        ("-u %vcuser% -p %vcpword%", "-u %vcuser%", 46, "has -u and no password"),
        ("-u %vcuser% -p %vcpword%", "-p %vcpword%", 46, "has a password and no user"),
        ("-u %vcuser% -p %vcpword%", "", 46, "has neither -u nor -p here"),
        ("-u %vcuser% -p %vcpword%", "-u %vcuser% -p %vcpword% -v 5", 46, "vcbsnapshot has an option (-v)"),
        ("-u %vcuser% -p %vcpword%", "-u %vcuser% -p s3c", 46, "the password of vcbsnapshot differs"),
        ("REM Manage old", "vcbsnapshot -h x -c y z\r\nREM Manage old", 17, "called differently from the original"),
        ("REM Manage old", "goto\r\nREM Manage old", 17, "goto has no label"),
        ("flexvol to snapshot).", "flexvol to snapshot). ^", 31, "a comment ends in ^"),
        (
            "snap delete %volname% vmware_snap4",
            'snap delete %volname% "vmware_snap4',
            20,
            "this rsh command is not part of the backup",
        ),
        ("vmware_snap4 >> snapall.log\r\necho ren", "vmware_snap4 < x\r\necho ren", 39, "nothing deletes vmware_snap4"),
        (
            "&& vcbsnapshot -h %vcenter% -u %vcuser%",
            "&& rsh -h %vcenter% -u %vcuser%",
            46,
            "rsh has an unknown option (-h)",
        ),
        ("set vcpword=vcpw", "set vcpword=%none%x", 35, "%none% is never set above"),
        ("-p %vcpword% -d", '-p "a\\" -d', 46, "called differently from the original"),
        ("RSH %filer% snap create", "RSH %filer:~0,3% snap create", 39, "the filer differs from line 20"),
        ("RSH %filer% snap create", "RSH %filer% -l root snap create", 20, "rsh has no -l"),
        ("c:\r\n", "\x07c:\r\n", 14, "snapall does not know the command"),
        ("volname=vmvol1", "volname=vm\x07vol1", 6, "it contains a control character"),
        ("in (vmlist.txt) do echo Creating", "in (vmlist.txt) do rem Creating", 20, "has no vcbsnapshot -c"),
    ],
)
def test_an_unrecognized_line_is_reported_with_its_number(old: str, new: str, line: int, text: str) -> None:
    output = faults(filled((old, new)))
    assert any(one.startswith(f"line {line}:") and text in one for one in output), output


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT ID FROM vc_user.VPX_VM WHERE IS_TEMPLATE = 0",
        "SELECT ENTITY_ID FROM vc_user.VPX_DS_ASSIGNMENT WHERE ds_id = 688 or ds_id = 689 and 1 = 1",
        "select vm.ID from vc_user.VPX_VM vm, vc_user.VPX_DS_ASSIGNMENT ds where vm.ID = ds.ENTITY_ID and ds_id <> 688",
    ],
)
def test_a_query_in_other_words_is_taken_as_it_stands(sql: str) -> None:
    data = re.sub(rb"SELECT vc_user.*688", sql.encode(), FILLED)
    table = batch_of(data, {}).table
    assert isinstance(table["jobs"], dict)
    job = table["jobs"]["vmvol1"]
    assert (job["query"], "datastores" in job, table["database"]) == (
        sql,
        False,
        batch_of(FILLED, {}).table["database"],
    )


def test_a_query_that_changes_something_is_refused() -> None:
    sql = "SELECT ID FROM vc_user.VPX_VM; DELETE FROM vc_user.VPX_VM"
    data = re.sub(rb"SELECT vc_user.*688", sql.encode(), FILLED)
    assert any(one.startswith("line 32:") and "one statement" in one for one in faults(data))


def test_without_a_login_vcbs_own_file_supplies_it(tmp_path: Path) -> None:
    data = filled(("-u %vc_user% -p %vcpword% ", ""), ("-u %vcuser% -p %vcpword% ", ""))
    vcenter = load(put(tmp_path, data), ENVIRON).vcenter
    assert (vcenter.user, vcenter.password) == (None, None)


def test_a_user_of_rsh_is_one_for_all_lines() -> None:
    data = filled(("RSH %filer% snap", "RSH %filer% -l root -n snap"))
    assert batch_of(data, {}).table["filers"] == {"filer1": {"host": "filer1", "transport": "rsh", "user": "root"}}
    output = faults(data.replace(b"-l root -n snap create", b"-l admin snap create"))
    assert any("the user of rsh differs" in one for one in output)


def test_two_filers_may_have_volumes_of_one_name_but_one_volume_has_one_sequence(tmp_path: Path) -> None:
    two = (BATS / "two_sequences.bat").read_bytes()
    other = two.replace(b"set volname=vmvol2", b"set filer=FILER2")
    config = load(put(tmp_path, other), ENVIRON)
    assert {name: (job.filer, job.volumes) for name, job in config.jobs.items()} == {
        "vmvol1": ("filer1", ("vmvol1",)),
        "FILER2-vmvol1": ("FILER2", ("vmvol1",)),
    }
    output = faults(two.replace(b"set volname=vmvol2", b"REM"))
    assert any("the volume vmvol1 is backed up twice" in one for one in output)


def test_volumes_of_one_sequence_have_one_chain() -> None:
    data = (BATS / "two_volumes.bat").read_bytes().replace(b"%volname2% vmware_recent", b"%volname2% other_recent")
    data = data.replace(b"%volname2% other_recent vmware_previous", b"%volname2% other_recent vmware_previous")
    assert any("the chain of vmvol2 differs from that of vmvol1" in one for one in faults(data))


@pytest.mark.parametrize(
    ("condition", "skipped"),
    [
        ("if not errorlevel 1 goto Next", True),
        ("if %errorlevel%==0 goto Next", True),
        ("if %errorlevel% neq 0 goto Error", False),
        ('if "%ERRORLEVEL%" GTR "0" goto Error', False),
        ("if errorlevel 1 exit /b 1", False),
    ],
)
def test_the_path_of_a_successful_run_is_followed(condition: str, skipped: bool) -> None:
    rest = "RSH %filer% snap rename a b\r\n:Next\r\nREM Get list of VMs"
    batch = batch_of(filled(("REM Get list of VMs", f"{condition}\r\n{rest}")), {})
    if skipped:
        assert (batch.fault_lines(), batch.table) == ([], batch_of(FILLED, {}).table)
    else:
        assert any(one.startswith("line 29:") and "not part of the backup" in one for one in batch.fault_lines())


def test_a_job_that_lacks_a_part_is_a_fault() -> None:
    lines = FILLED.split(b"\r\n")
    for number, what in ((32, "query for the VMs"), (35, "vcbsnapshot -c"), (39, "snap create"), (43, "snapshots")):
        rest = b"\r\n".join(line for at, line in enumerate(lines, 1) if at != number)
        assert any(what in one for one in faults(rest)), what


def test_a_block_of_a_rotation_in_the_wrong_order_is_a_fault() -> None:
    swapped = filled(
        ("vmware_snap3 vmware_snap4", "A B"), ("vmware_recent vmware_previous", "vmware_snap3 vmware_snap4")
    )
    swapped = swapped.replace(b"A B", b"vmware_recent vmware_previous")
    assert any("makes room for it" in one for one in faults(swapped))


def test_a_batch_that_skips_its_backup_on_a_good_night_is_refused() -> None:
    (output,) = faults(filled(("REM Manage old", "if errorlevel 0 goto End\r\nREM Manage old")))
    assert output.startswith("line 21: ")
    assert "the batch does not reach this command" in output


def test_utf_16_and_endless_lines_are_refused_at_once() -> None:
    assert len(faults(FILLED.decode().encode("utf-16"))) == 1
    assert any("too long for cmd" in one for one in faults(filled(("RSH %filer%", "RSH " + "x" * 9000))))
    assert faults(b"echo hello\r\n") == [
        "line 1: `echo ...`: this file has no backup commands; name the batch file that takes the backups"
    ]


# ---- the overlay


def test_the_overlay_wins_and_sets_what_a_batch_cannot(tmp_path: Path) -> None:
    overlay = """
        [vcenter]
        password = { file = "vc.secret" }
        parallel = 4
        [filers.filer1]
        port = 5140
        [jobs.vmvol1]
        vms = { "test-*" = "skip" }
        chain = ["one", "two"]
    """
    (tmp_path / "vc.secret").write_text("other\n")
    config = load(put(tmp_path, FILLED, overlay), ENVIRON)
    assert passwords(config) == ("other", "sqlpw")
    assert (config.vcenter.parallel, config.vcenter.host, config.filers["filer1"].port) == (4, "vc01", 5140)
    assert job_of(config).chain == ("one", "two")
    assert [key for key, _ in job_of(config).policies.rules] == ["test-*"]


@pytest.mark.parametrize(
    ("name", "overlay"),
    [
        ("extra_filter", "[jobs.vmvol1]\ndatastores = [688]\n"),
        ("ampersand", '[vcenter]\npassword = "a"\n[database]\npassword = "b"\n'),
        ("code_page", '[vcenter]\npassword = "a"\n[database]\nurl = "mssql+pyodbc://vc_user@VC"\n'),
    ],
)
def test_a_fault_that_the_overlay_answers_is_lifted(tmp_path: Path, name: str, overlay: str) -> None:
    config = load(put(tmp_path, (BATS / f"{name}.bat").read_bytes(), overlay), ENVIRON)
    assert job_of(config).datastores == (688,)


def test_an_overlays_url_without_a_login_answers_a_login_of_windows(tmp_path: Path) -> None:
    data = filled(("osql -U vc_user -P %sqlpword% -D %dbdsn%", "osql -E -S sql01 -d VCDB"))
    config = load(put(tmp_path, data, '[database]\nurl = "mssql+pyodbc://@VC"\n'), ENVIRON)
    assert (config.database.url, config.database.password) == ("mssql+pyodbc://@VC", None)


def test_a_fault_of_one_job_is_not_lifted_by_another_jobs_key(tmp_path: Path) -> None:
    two = (BATS / "two_sequences.bat").read_bytes().replace(b"SNAPSHOT_NAME = 'Quiesce'", b"SNAPSHOT_NAME like 'Q'")
    path = put(tmp_path, two, '[jobs.vmvol1]\nvm_snapshot = "A"\n')
    assert any("has an unknown filter" in line for line in refused(path))
    overlay = '[jobs.vmvol1]\nvm_snapshot = "A"\n[jobs.vmvol2]\nvm_snapshot = "B"\n'
    (tmp_path / "snapall.bat.toml").write_text(overlay)
    assert [job.vm_snapshot for job in load(path, ENVIRON).jobs.values()] == ["A", "B"]


def test_a_keys_fault_names_the_file_that_it_came_from(tmp_path: Path) -> None:
    path = put(tmp_path, filled(("volname=vmvol1", "volname=vm:vol1")), "[vcenter]\ntimeout = -1\nfoo = 1\n")
    output = refused(path)
    assert any(line.startswith('line 6: jobs."vm:vol1"') for line in output)
    assert any(line.startswith(f"{path}.toml: vcenter.timeout: ") for line in output)
    assert any(line.startswith(f"{path}.toml: vcenter.foo: is not a known key") for line in output)
    (tmp_path / "snapall.bat.toml").write_text("[vcenter\n")
    assert refused(path)[0].startswith(f"{path}.toml: is not valid TOML")


# ---- the defects


def test_the_filled_batch_has_the_papers_defects_at_their_lines() -> None:
    found = {one.what: one.lines for one in batch_of(FILLED, {}).defects}
    for part, lines in {
        "%vc_user% is never set": (35,),
        "before the new one exists": (20, 22, 24, 26),
        "not limited to the datastore": (43,),
        "templates": (32,),
        "`if errorlevel 0`": (48,),
        "the output is not logged": (22, 24, 26),
        "logs to another file": (2,),
        "last night's list": (32, 43),
        "exit code": (53,),
        "failed change of folder": (15,),
        "on the command line": (32, 35, 43, 46),
    }.items():
        assert [found[what] for what in found if part in what] == [lines], part


def test_a_batch_that_its_site_fixed_is_not_blamed_for_the_fixed_defect() -> None:
    text = " ".join(one.what for one in batch_of((BATS / "fixed.bat").read_bytes(), {}).defects)
    for gone in (
        "never set",
        "not limited",
        "templates",
        "errorlevel 0",
        "exit code",
        "last night's",
        "failed change of folder",
    ):
        assert gone not in text, gone
    assert "before the new one exists" in text


def test_blanks_at_the_end_of_a_value_are_dropped_and_reported() -> None:
    defects = batch_of((BATS / "german.bat").read_bytes(), {}).defects
    blanks = [(one.lines, one.what) for one in defects if "blanks at the end" in one.what]
    assert blanks == [
        ((5,), "there are blanks at the end of filer, and cmd keeps them"),
        ((6,), "there are blanks at the end of volname, and cmd keeps them"),
    ]
    assert any("overwrites the log" in one.what and one.lines == (2,) for one in defects)


def test_a_password_behind_rshs_user_is_a_secret_of_its_own() -> None:
    filer = load(BATS / "rsh_password.bat", ENVIRON).filers["filer1"]
    assert (filer.transport, filer.user) == ("rsh", "root")
    assert filer.password is not None
    assert filer.password.reveal() == "F1lerPw"
    (defect,) = [one for one in batch_of(RSH, {}).defects if "on the command line" in one.what]
    assert len(defect.lines) == 9


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("-l root:{0} snap create", "-l root:other snap create", "the password of rsh differs from line"),
        ("-l root:{0} snap create", "-l root snap create", "rsh has no password here, but has one elsewhere"),
        ("-l root:{0} snap create", "-l admin:{0} snap create", "the user of rsh differs from line"),
        ("-l root:{0} snap create", "-l root:{0} snap status", "is not part of the backup"),
        ("-l root:{0} snap create", "-x root:{0} snap create", "rsh has an unknown option"),
        ("-l root:{0} snap create", "-lroot:{0} snap create", "rsh has an unknown option (-l)"),
        ("-l root:{0} snap create", "root:{0} snap create", "is not part of the backup"),
        ("-l root:{0} snap create", '"-l root:{0}" snap create', "rsh has an unknown option"),
    ],
)
def test_a_line_with_rshs_password_that_is_refused_does_not_show_it(old: str, new: str, fault: str) -> None:
    data = RSH.replace(old.format(SECRETS[0]).encode(), new.format(SECRETS[0]).encode())
    assert data != RSH
    batch = batch_of(data, {})
    assert any(fault in line for line in batch.fault_lines())
    no_secret_is_shown(batch)


def test_an_overlay_with_another_user_has_no_use_for_the_batchs_password(tmp_path: Path) -> None:
    (tmp_path / "id_rsa").write_text("a key\n")
    for keys in ('user = "admin"', 'transport = "ssh"\nport = 22\nkey_file = "id_rsa"\nknown_hosts = "known_hosts"'):
        config = load(put(tmp_path, RSH, f"[filers.filer1]\n{keys}\n"), ENVIRON)
        assert config.filers["filer1"].password is None


# ---- what must never be

SECRETS = ("Zq7sqlSecret", "Xw9vcSecret")
SECRET_BATCH = filled(("sqlpword=sqlpw", f"sqlpword={SECRETS[0]}"), ("vcpword=vcpw", f"vcpword={SECRETS[1]}"))
INLINE = filled(("-P %sqlpword%", f"-P {SECRETS[0]}"), ("-p %vcpword%", f"-p {SECRETS[1]}"))
RSH = filled(("RSH %filer% snap", f"RSH %filer% -l root:{SECRETS[0]} snap"))


def no_secret_is_shown(batch: Batch) -> None:
    text = "\n".join([*batch.fault_lines(), *(one.what for one in batch.defects)])
    assert all(secret not in text for secret in SECRETS)
    assert all(char.isprintable() or char == "\n" for char in text)


def stands_in(data: bytes, batch: Batch) -> None:
    """Every value of the configuration appears in the text, once its variables are expanded."""
    text = re.sub(r"\^\n", "", data.decode("utf-8-sig", "surrogateescape").replace("\r", ""))
    values = {hit[1].lower(): hit[2] for hit in re.finditer(r'(?im)^[@ \t,;=]*set[ \t]+"?([^=\n]+)=([^\r\n]*)', text)}
    for _ in range(2):
        text += re.sub(r"%%|%([^%\r\n]+)%", lambda hit: values.get((hit[1] or "").lower(), hit[0]).strip(' "\t'), text)
    text += re.sub(r"%[^%\r\n]*%", "", text)  # a name that nothing sets,
    text += re.sub(r"%[1-9*]", "", text)  # or an argument that is not given
    bare = str.maketrans("", "", '"^%')  # signs of cmd, which no program sees
    text = text.translate(bare)

    def check(value: object) -> None:
        match value:
            case dict():
                for key, one in value.items():
                    if key not in ("parallel", "retain", "order", "transport", "vcbsnapshot", "vms", "timeout"):
                        check(one)
            case list():
                for one in value:
                    check(one)
            case str() if value.startswith("mssql+pyodbc://"):
                login, _, dsn = value.removeprefix("mssql+pyodbc://").rpartition("@")
                assert unquote(login).translate(bare) in text
                assert all(part.translate(bare) in text for part in re.split(r"/|\?driver=SQL\+Server", dsn))
            case _:
                assert str(value).translate(bare) in text

    check(dict(batch.table))


def judged(data: bytes) -> None:
    batch = batch_of(data, {})
    no_secret_is_shown(batch)
    assert bool(batch.faults) != bool(batch.table)
    if batch.table:
        assert {"vcenter", "database", "filers", "jobs"} <= batch.table.keys()
        stands_in(data, batch)


@given(
    st.one_of(st.binary(max_size=400), st.text(max_size=400).map(lambda text: text.encode("utf-8", "surrogatepass")))
)
def test_any_bytes_give_faults_or_a_configuration(data: bytes) -> None:
    judged(data)


PIECES = [
    "\r\n",
    "\n",
    "%",
    "%%",
    '"',
    "&",
    "&&",
    "|",
    "^",
    "^\r\n",
    ">",
    ">>",
    "<",
    "(",
    ")",
    " ",
    "=",
    "-",
    "'",
    "\\",
]
WORDS = ["set ", "RSH ", "echo ", "rem ", "goto End", "call ", "if ", ":", "%filer%", "%vcpword%", "\x00", "\xfc", "\t"]
# No letters: one could turn -P into -D, and so a password into a name, which may be shown.
OTHERS = st.text(st.characters(exclude_categories=["Lu", "Ll"]), max_size=3)
EDITS = st.lists(
    st.tuples(st.integers(0, 3000), st.integers(0, 12), st.one_of(st.sampled_from(PIECES + WORDS), OTHERS)),
    min_size=1,
    max_size=4,
)


# The same examples each time: `stands_in` knows less of cmd than the reader does, and tests.hostile explores.
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None, derandomize=True)
@given(st.sampled_from([SECRET_BATCH, INLINE, RSH]), EDITS)
def test_no_change_to_the_batch_makes_it_guess(data: bytes, edits: list[tuple[int, int, str]]) -> None:
    for at, cut, put_in in edits:
        data = data[:at] + put_in.encode("utf-8", "surrogatepass") + data[at + cut :]
    judged(data)


LINES = SECRET_BATCH.split(b"\r\n")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(LINES) - 1), st.integers(0, len(LINES) - 1)), min_size=1, max_size=4))
def test_no_moved_or_missing_lines_make_it_guess(moves: list[tuple[int, int]]) -> None:
    lines = list(LINES)
    for source, target in moves:
        line = lines.pop(source % len(lines))
        if source != target:
            lines.insert(target, line)
    judged(b"\r\n".join(lines))


@pytest.mark.parametrize("name", sorted(path.name for path in BATS.iterdir()))
def test_every_fixture_is_judged_alike(name: str) -> None:
    judged((BATS / name).read_bytes())

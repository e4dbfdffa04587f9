"""`snapall import`: the written configuration matches the batch, and nothing is overwritten or exposed."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from pathlib import Path

import pytest

from snapall import cli
from snapall.config.json_schema import SHIPPED, directive
from snapall.config.load import load
from tests.config.batches import BATS, FILLED, filled
from tests.config.json_schema import accepts
from tests.config.test_batch_file import put
from tests.platforms import FOR_OWNER_ALONE

TAKEN = ["filled", "another_hand", "six_kept", "two_volumes", "two_sequences", "german", "fixed"]


def ended(capsys: pytest.CaptureFixture[str], *args: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ending:
        cli.main(["import", *map(str, args)])
    out, err = capsys.readouterr()
    return int(str(ending.value.code)), out, err


@pytest.mark.parametrize("name", TAKEN)
def test_the_written_file_loads_like_the_batch(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    batch = put(tmp_path, (BATS / f"{name}.bat").read_bytes())
    code, out, err = ended(capsys, batch, "--write-secrets")
    assert (code, err) == (0, "")
    written = load(tmp_path / "snapall.toml")
    before = load(batch)
    assert written.model_copy(update={"path": before.path}) == before
    text = (tmp_path / "snapall.toml").read_text(encoding="utf-8")
    assert text.startswith(f"{directive()}\n")
    assert accepts(json.loads(SHIPPED.read_text(encoding="utf-8")), tomllib.loads(text))
    for secret in (before.vcenter.password, before.database.password):
        assert secret is not None
        assert secret.reveal() not in (tmp_path / "snapall.toml").read_text().replace("vcpword", "")
        assert secret.reveal() not in out.replace("%vc_user%", "")


def test_the_arguments_that_the_batch_is_scheduled_with_follow_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = filled(("set filer=filer1", "set filer=%1"), ("set volname=vmvol1", "set volname=%~2"))
    batch = put(tmp_path, data, '[batch]\narguments = "other vmvol9"\n')
    code, _, err = ended(capsys, batch, "filer1", "vmvol1", "--write-secrets")
    assert (code, err) == (0, "")
    put(tmp_path, FILLED, "")
    written = load(tmp_path / "snapall.toml")
    assert written.jobs == load(batch).jobs


def test_a_file_with_hooks_is_for_its_owner_alone_since_their_words_may_hold_a_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = filled(("REM Manage old", "C:\\tools\\pre.exe /u adm geheim\r\nREM Manage old"))
    assert ended(capsys, put(tmp_path, data))[0] == 0
    written = tmp_path / "snapall.toml"
    assert "geheim" in written.read_text(encoding="utf-8")
    assert stat.S_IMODE(written.stat().st_mode) == FOR_OWNER_ALONE


def test_an_argument_with_a_blank_is_one_argument(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = filled((">> snapall.log", '>> "%~1"'))
    assert ended(capsys, put(tmp_path, data), "vcb night.log", "--write-secrets")[0] == 0
    assert load(tmp_path / "snapall.toml").log == tmp_path / "vcb night.log"


def test_a_batch_that_lacks_its_arguments_is_refused_and_says_where_they_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = ended(capsys, put(tmp_path, filled(("set volname=vmvol1", "set volname=%1"))))
    assert (code, "after its name to `snapall import`" in " ".join(err.split())) == (2, True)


OVERLAYS = {
    "the overlay's rsh login": ('[filers.filer1]\nuser = "root:F1lerPw"\n', FILLED),
    "the overlay's database URL": ('[database]\nurl = "mssql+pyodbc://sa:F1lerPw@VirtualCenter"\n', FILLED),
    "the batch's rsh login": ("", (BATS / "rsh_password.bat").read_bytes()),
}


@pytest.mark.parametrize("where", OVERLAYS)
def test_a_password_within_another_value_gets_a_file_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    overlay, data = OVERLAYS[where]
    batch = put(tmp_path, data, overlay)
    before = load(batch)
    code, out, err = ended(capsys, batch, "--write-secrets")
    assert (code, err) == (0, "")
    assert "F1lerPw" not in (tmp_path / "snapall.toml").read_text() + out
    holders = [path for path in tmp_path.glob("*.secret") if path.read_text() == "F1lerPw\n"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in holders] == [FOR_OWNER_ALONE]
    after = load(tmp_path / "snapall.toml")
    assert (after.filers, after.vcenter) == (before.filers, before.vcenter)
    assert {one.reveal() for one in after.passwords} == {one.reveal() for one in before.passwords} - (
        {"sqlpw"} if "database" in where else set()
    )


def test_a_password_that_cannot_leave_the_url_makes_the_new_file_a_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay = '[database]\nurl = "mssql+pyodbc:///?odbc_connect=DSN%3DVC%3BUID%3Dsa%3BPWD%3DF1lerPw"\n'
    assert ended(capsys, put(tmp_path, FILLED, overlay))[0] == 0
    assert stat.S_IMODE((tmp_path / "snapall.toml").stat().st_mode) == FOR_OWNER_ALONE


def test_another_folder_gets_the_same_paths(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "own.secret").write_text("other\n")
    overlay = '[vcenter]\npassword = { file = "own.secret" }\n[jobs.vmvol1]\nvms = { "a \\"b\\"" = "must" }\n'
    batch = put(tmp_path, FILLED, overlay)
    out = tmp_path / "far" / "new.toml"
    assert ended(capsys, batch, "--out", out, "--write-secrets")[0] == 0
    before = load(batch)
    assert load(out).model_copy(update={"path": before.path}) == before
    assert before.vcenter.password is not None
    assert before.vcenter.password.reveal() == "other"
    assert not (out.parent / "vc.secret").exists()
    assert "snapall.bat.toml" in out.read_text()


def test_passwords_may_come_from_the_environment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    batch = put(tmp_path, FILLED)
    code, out, _ = ended(capsys, batch, "--secrets", "env")
    assert code == 0
    assert "put the password of vcenter.password into the variable VCPWORD" in out
    assert "consider files instead" in out
    environ = {"VCPWORD": "vcpw", "SQLPWORD": "sqlpw"}
    before = load(batch)
    assert load(tmp_path / "snapall.toml", environ).model_copy(update={"path": before.path}) == before


def test_secrets_are_written_only_on_request_and_only_their_owner_can_read_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = put(tmp_path, FILLED)
    old = os.umask(0)
    try:
        code, out, _ = ended(capsys, batch)
        assert code == 0
        assert not list(tmp_path.glob("*.secret"))
        assert "put the password of vcenter.password into the file vc.secret" in out
        (tmp_path / "snapall.toml").unlink()
        assert ended(capsys, batch, "--write-secrets")[0] == 0
    finally:
        os.umask(old)
    assert (tmp_path / "vc.secret").read_text() == "vcpw\n"
    assert (tmp_path / "sql.secret").read_text() == "sqlpw\n"
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("*.secret")} == {FOR_OWNER_ALONE}


@pytest.mark.parametrize("there", ["snapall.toml", "vc.secret", "sql.secret"])
def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str], there: str) -> None:
    batch = put(tmp_path, FILLED)
    (tmp_path / there).write_text("mine")
    code, out, err = ended(capsys, batch, "--write-secrets")
    assert (code, out) == (2, "")
    assert f"{there}: already exists, and is not overwritten" in err
    assert "remedy" in err
    assert (tmp_path / there).read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["snapall.bat", there])


def test_a_batch_that_is_not_understood_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    batch = put(tmp_path, (BATS / "broken_chain.bat").read_bytes())
    code, out, err = ended(capsys, batch)
    assert (code, out) == (2, "")
    assert all(f"line {number}: " in err for number in (20, 22, 45))
    assert [path.name for path in tmp_path.iterdir()] == ["snapall.bat"]


@pytest.mark.parametrize(
    "args",
    [["snapall.toml"], ["snapall.bat", "--write-secrets", "--secrets", "env"], ["snapall.bat", "--out", "x.ini"]],
)
def test_a_wrong_call_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], args: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, FILLED)
    monkeypatch.chdir(tmp_path)
    code, _, err = ended(capsys, *args)
    assert code == 2
    assert "remedy" in err
    assert [path.name for path in tmp_path.iterdir()] == ["snapall.bat"]


def test_the_defects_are_reported_with_their_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = ended(capsys, put(tmp_path, FILLED))
    assert "  line 35: %vc_user% is never set" in out
    assert "  lines 20, 22, 24, 26: it deletes and renames the older backups before" in out
    assert "snapall schedule --install --config" in out


def test_programs_get_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ended(capsys, put(tmp_path, FILLED), "--json")
    output = json.loads(out)
    assert code == 0
    assert output["written"] == [str(tmp_path / "snapall.toml")]
    assert {"key": "vcenter.password", "file": "vc.secret", "missing": True} in output["secrets"]
    assert {"lines", "what", "instead"} == output["defects"][0].keys()
    assert "vcpw" not in out


def test_a_batch_with_arguments_variables_and_hooks_in_its_overlay_is_written_as_it_was_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = (
        FILLED.replace(b"set volname=vmvol1", b"set volname=%1")
        .replace(b"vc01", b"%VC%")
        .replace(b":End", b":End\r\nsite.exe")
    )
    overlay = '[batch]\narguments = "vmvol1"\nvariables = { VC = "vc02" }\n[jobs.vmvol1.hooks]\nafter = ["site.exe"]\n'
    batch = put(tmp_path, data, overlay)
    out = tmp_path / "new.toml"
    assert ended(capsys, batch, "--out", out, "--write-secrets")[0] == 0
    before = load(batch)
    assert load(out).model_copy(update={"path": before.path}) == before
    assert (before.vcenter.host, before.jobs["vmvol1"].volumes) == ("vc02", ("vmvol1",))


@pytest.mark.parametrize("out", ["snapall.toml", "far/new.toml"])
def test_a_log_that_the_batch_names_after_the_date_keeps_its_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], out: str
) -> None:
    (tmp_path / "far").mkdir()
    name = b"snapall-%date:~-4%%date:~4,2%%date:~7,2%.log"
    batch = put(
        tmp_path, FILLED.replace(b"@echo off", b"@echo off\r\nset log=" + name).replace(b"snapall.log", b"%log%")
    )
    code, printed, _ = ended(capsys, batch, "--out", tmp_path / out, "--write-secrets")
    assert code == 0
    assert '%date% is read as "Thu 03/22/2007"' in printed
    config = load(tmp_path / out)
    assert (config.log, config.log_date) == (tmp_path / "snapall-{date}.log", "%Y%m%d")

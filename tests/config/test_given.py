"""[batch] of the overlay gives a batch its arguments and variables; what depends on others is not taken by chance."""

from __future__ import annotations

from pathlib import Path

import pytest

from snapall.config.batch import Batch, batch_of
from snapall.config.batch.source import source_of
from snapall.config.load import load
from snapall.errors import ConfigError
from tests.config.batches import FILLED, faults, filled

FILER = "set filer=filer1"
BY_MACHINE = {
    "compared": 'if /i "%COMPUTERNAME%"=="VCB02" set filer=filer2',
    "by another variable": 'set pc=%COMPUTERNAME%\r\nif "%pc%"=="VCB02" set filer=filer2',
    "in a loop": 'for %%x in (1) do if "%COMPUTERNAME%"=="VCB02" set filer=filer2',
    "through find": 'echo %COMPUTERNAME% | find "VCB02" && set filer=filer2',
    "by subroutine": "call :%COMPUTERNAME%\r\ngoto x\r\n:VCB02\r\nset filer=filer2\r\n:VCB01\r\ngoto :eof\r\n:x",
}


def with_filer(line: str) -> bytes:
    return filled((FILER, f"{FILER}\r\n{line}"))


def given(data: bytes, **variables: str) -> Batch:
    return batch_of(data, {"batch": {"variables": variables}})


@pytest.mark.parametrize("how", list(BY_MACHINE))
def test_what_depends_on_the_machine_is_refused_and_with_its_name_taken_as_it_is_there(how: str) -> None:
    data = with_filer(BY_MACHINE[how])
    (line,) = faults(data)
    assert line.startswith("line 6: ")
    assert "COMPUTERNAME" in line
    for machine, filer in {"VCB02": "filer2", "VCB01": "filer1"}.items():
        filers = given(data, computername=machine).table["filers"]
        assert isinstance(filers, dict)
        assert list(filers) == [filer]


def test_a_log_that_depends_on_the_machine_is_refused() -> None:
    choice = 'set log=snapall.log\r\nset pc=%COMPUTERNAME%\r\nif "%pc%"=="VCB02" set log=other.log'
    data = filled(("@echo off", f"@echo off\r\n{choice}"), (">> snapall.log", ">> %log%"))
    assert ["COMPUTERNAME" in line for line in faults(data)] == [True]


def test_a_mail_that_names_the_machine_is_none_of_the_backup() -> None:
    data = filled((":End", ':End\r\nset subject=%COMPUTERNAME%\r\nblat snapall.log -s "%subject% %USERNAME%"'))
    assert batch_of(data, {}).table == batch_of(FILLED, {}).table


def test_of_another_variable_that_decides_a_notice_says_that_it_is_taken_as_not_set() -> None:
    data = with_filer('if "%SITE%"=="B" set filer=filer2')
    (notice,) = batch_of(data, {}).notices
    assert (notice.line, "%SITE%" in notice.text) == (6, True)
    assert (list(given(data, SITE="B").table["filers"]), given(data, SITE="B").notices) == (["filer2"], ())  # type: ignore[call-overload]


def test_a_batch_with_more_words_than_are_tried_is_refused() -> None:
    many = "\r\n".join(f"set a{number}=b{number}" for number in range(100))
    data = with_filer(f'{many}\r\nset pc=%COMPUTERNAME%\r\nif "%pc%"=="nobody" set a0=b1')
    assert ["COMPUTERNAME" in line for line in faults(data)] == [True]


def test_a_given_night_is_named_and_any_other_part_of_the_clock_still_has_to_stand_still() -> None:
    data = with_filer('if "%date:~0,3%"=="Sun" goto End')
    batch = given(data, DATE="Mon 03/19/2007")
    assert [(one.line, "Mon 03/19/2007" in one.text) for one in batch.notices] == [(6, True)]
    assert batch.table == batch_of(FILLED, {}).table
    assert given(data, DATE="Sun 03/18/2007").faults
    assert given(with_filer('if "%time:~0,2%"=="03" goto End'), DATE="Mon 03/19/2007").faults


def test_arguments_are_taken_as_a_command_line_and_others_are_missed() -> None:
    data = filled((FILER, "set filer=%1"), ("set volname=vmvol1", "set volname=%~2"))
    full = batch_of(data, {"batch": {"arguments": 'filer1 "vmvol1"'}})
    assert (full.fault_lines(), full.table) == ([], batch_of(FILLED, {}).table)
    assert batch_of(data, {"batch": {"arguments": "filer1"}}).faults


def test_a_password_from_the_environment_is_used_and_never_shown() -> None:
    data = filled(("set sqlpword=sqlpw", "set sqlpword=%DBPW%"), ("set volname=vmvol1", "set volname=%DBPW%"))
    batch = given(data, DBPW="s3cr&t")
    assert batch.faults
    assert "s3cr" not in "".join([*batch.fault_lines(), *(one.text for one in batch.notices)])
    batch = given(filled(("set sqlpword=sqlpw", "set sqlpword=%DBPW%")), DBPW="s3cret")
    assert batch.table["database"] == {**batch_of(FILLED, {}).table["database"], "password": "s3cret"}  # type: ignore[dict-item]


def test_an_environment_that_is_larger_than_windows_has_is_a_fault_and_no_crash() -> None:
    (fault,) = given(FILLED, **{f"a{number}": "x" * 2000 for number in range(40)}).fault_lines()
    assert "the variables grow too large" in fault


def written(folder: Path, data: bytes, overlay: str = "") -> Path:
    path = folder / "snapall.bat"
    path.write_bytes(data)
    path.with_name("snapall.bat.toml").write_text(overlay, encoding="utf-8")
    return path


def test_on_the_machine_itself_its_name_is_known_and_the_overlay_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPUTERNAME", "VCB02")
    path = written(tmp_path, with_filer(BY_MACHINE["compared"]))
    (notice,) = source_of(path).batch.notices
    assert (list(load(path, {}).filers), "VCB02" in notice.text) == (["filer2"], True)
    written(tmp_path, path.read_bytes(), '[batch]\nvariables = { ComputerName = "VCB01" }')
    assert list(load(path, {}).filers) == ["filer1"]


@pytest.mark.parametrize(
    ("overlay", "key"),
    [
        ("batch = 1", "batch: "),
        ("[batch]\nargument = 'x'", "batch.argument: "),
        ("[batch]\narguments = ['x']", "batch.arguments: "),
        ('[batch]\narguments = "x\\ny"', "batch.arguments: "),
        ("[batch]\nvariables = 'x'", "batch.variables: "),
        ("[batch]\nvariables = { A = 1 }", "batch.variables.A: "),
        (f"[batch]\nvariables = {{ A = '{'x' * 2001}' }}", "batch.variables.A: "),
        ("[batch]\nvariables = { 'A=B' = '1' }", "batch.variables.A=B: "),
    ],
)
def test_a_fault_in_the_table_is_reported_by_file_and_key(tmp_path: Path, overlay: str, key: str) -> None:
    with pytest.raises(ConfigError, match=f"snapall.bat.toml: {key}"):
        load(written(tmp_path, FILLED, overlay), {})


def test_the_table_belongs_beside_a_batch_and_not_in_a_configuration(tmp_path: Path) -> None:
    path = tmp_path / "snapall.toml"
    path.write_text("[batch]\narguments = 'x'\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="batch: is not a known key"):
        load(path, {})

"""Paths, names and files as Windows and its editors write them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from snapall.config.load import load, parse, state_of
from snapall.config.paths import expanded
from snapall.config.settings import Config
from snapall.errors import ConfigError
from tests.platforms import windows

TEXT = """
state = "{state}"
log_time = "{log_time}"
[vcenter]
host = "vc01"
user = "vcbackup"
password = {{ file = "vc.secret" }}
[database]
url = "sqlite://"
[filers.f]
host = "f"
transport = "rsh"
[jobs.{job}]
filer = "f"
volumes = ["v"]
datastores = ["Größe"]
"""


def text(state: str = "s", job: str = "j", log_time: str = "%H:%M") -> str:
    return TEXT.format(state=state.replace("\\", "\\\\"), job=job, log_time=log_time)


def read(folder: Path, toml: str, **environ: str) -> Config:
    (folder / "vc.secret").write_text("pw\n", encoding="utf-8")
    return parse(toml, folder / "snapall.toml", environ)


def faults(folder: Path, toml: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(folder, toml, **environ)
    assert caught.value.code == "SA-7001"
    return caught.value.message


# -- paths


def test_windows_variables_are_expanded_whatever_their_case() -> None:
    environ = {"ProgramData": "C:\\ProgramData", "SITE": "vc01"}
    found = expanded("%PROGRAMDATA%\\snapall\\%site%.log", environ, windows=True)
    assert str(found) == "C:\\ProgramData\\snapall\\vc01.log"
    assert str(expanded("C:\\100%\\50%", {}, windows=True)) == "C:\\100%\\50%"


@pytest.mark.parametrize(
    ("path", "windows", "why"),
    [
        ("%NoSuch%\\x", True, 'the environment variable "NoSuch", as in %NoSuch%, is not set'),
        ("C:\\%Empty%\\x", True, 'the environment variable "Empty", as in %Empty%, is not set'),
        ("$HOME/x", False, "begins with $HOME, which is not expanded"),
        ("${HOME}/x", False, "begins with ${HOME}, which is not expanded"),
        ("$HOME\\x", True, "or use %NAME%"),
        ("%ProgramData%/x", False, "begins with %ProgramData%, which is expanded only on Windows"),
    ],
)
def test_a_variable_that_is_not_set_or_not_expanded_is_named(path: str, windows: bool, why: str) -> None:
    with pytest.raises(ValueError, match="write the full path") as caught:
        expanded(path, {"Empty": "", "HOME": "/root"}, windows=windows)
    assert why in str(caught.value)


def test_the_state_folder_never_gets_the_name_of_a_variable(tmp_path: Path) -> None:
    variable = "%NoSuch%" if sys.platform == "win32" else "$HOME"
    assert variable in faults(tmp_path, text(state=f"{variable}/state"))
    (tmp_path / "snapall.toml").write_text(text(state=f"{variable}/state"), encoding="utf-8")
    assert state_of(tmp_path / "snapall.toml") is None


def test_a_tilde_is_home_on_every_system(tmp_path: Path) -> None:
    assert read(tmp_path, text(state="~/state")).state == Path.home() / "state"


@windows("%NAME% is expanded on Windows")
def test_a_configured_path_may_name_a_variable(tmp_path: Path) -> None:
    assert read(tmp_path, text(state="%SITE%\\state"), Site=str(tmp_path)).state == tmp_path / "state"


# -- names


@pytest.mark.parametrize("name", ["aux", "CON", "nul", "prn", "com1", "LPT9", '"con.x"', '"aux."'])
def test_a_job_has_no_name_of_a_device(tmp_path: Path, name: str) -> None:
    assert "is the name of a device on Windows" in faults(tmp_path, text(job=name))


def test_a_job_has_no_name_that_windows_shortens(tmp_path: Path) -> None:
    assert "ends in a dot" in faults(tmp_path, text(job='"vol1."'))


@pytest.mark.parametrize("name", ["console", "auxiliary", "com", "com10", "x-con", '"x.aux"'])
def test_a_name_that_only_resembles_a_device_is_fine(tmp_path: Path, name: str) -> None:
    assert set(read(tmp_path, text(job=name)).jobs) == {name.strip('"')}


# -- encodings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_notepad_saves_is_read(tmp_path: Path, encoding: str, end: str) -> None:
    secret, toml = tmp_path / "vc.secret", tmp_path / "snapall.toml"
    secret.write_bytes(f"pässword{end}".encode(encoding))
    toml.write_bytes(text().replace("\n", end).encode(encoding))
    for path in (secret, toml):
        path.chmod(0o600)
    found = load(toml)
    assert found.vcenter.password is not None
    assert found.vcenter.password.reveal() == "pässword"
    assert found.jobs["j"].datastores == ("Größe",)


def test_another_encoding_is_named_with_what_to_do(tmp_path: Path) -> None:
    toml = tmp_path / "snapall.toml"
    for data, why in (
        (text().encode("cp1252"), 'is not UTF-8 text, but in a code page (Notepad calls it "ANSI")'),
        (text().encode("utf-16-le"), "UTF-16 without a byte order mark"),
    ):
        toml.write_bytes(data)
        toml.chmod(0o600)
        with pytest.raises(ConfigError, match=r"snapall\.toml") as caught:
            load(toml, os.environ)
        assert why in caught.value.message
        assert caught.value.hint == "save the file as UTF-8"


def test_a_secret_in_another_encoding_is_refused_without_showing_it(tmp_path: Path) -> None:
    secret = tmp_path / "vc.secret"
    secret.write_bytes("pässword".encode("cp1252"))
    with pytest.raises(ConfigError) as caught:
        parse(text(), tmp_path / "snapall.toml", {})
    assert "ANSI" in caught.value.message
    assert "save it as UTF-8" in caught.value.message
    assert "ssword" not in caught.value.message.replace("password", "")


# -- times


@windows("Windows' strftime knows fewer formats")
@pytest.mark.parametrize("log_time", ["%-d.%m.%Y", "%s"])
def test_a_time_that_windows_cannot_write_is_a_fault(tmp_path: Path, log_time: str) -> None:
    assert "which Windows does not know" in faults(tmp_path, text(log_time=log_time))
    assert "log_date: holds " in faults(tmp_path, f'log_date = "{log_time}"\n{text()}')

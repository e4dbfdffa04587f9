"""No part of a password is in anything that snapall prints or writes, whatever is in it and whoever repeats it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from snapall.lab.faults import Fault, FaultKind
from tests.lab.atlab import AtLab, Ended
from tests.secrets import parts_of

Make = Callable[..., AtLab]

# Of letters that no two of stand together elsewhere.
PASSWORDS = ("JQ@zK/Xq#Wv?Yk%Zj:VwQx", "{JQzK;PWD=XqWv}YkZj&VwQx", "JQzK XqWv\"YkZj'VwQx\\ZqXk")
COMMANDS = ("plan", "doctor", "status", "show", "list", "audit", "stats", "datastores")
OWN = {"vc.secret", "sql.secret", "snapall.toml", "ledger.jsonl"}  # where it may stand: snapall's own, and the lab's


def given(night: AtLab, password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every system of the lab this password, each from another place."""
    night.world.set(vc_password=password)
    (night.lab.directory / "vc.secret").write_text(f"{password}\n")
    monkeypatch.setenv("FILERPWORD", password)
    night.edit("local_user = ", 'user = "root"\npassword = { env = "FILERPWORD" }\nlocal_user = ')


def repeating(night: AtLab, password: str) -> None:
    """Let programs and filer repeat the password, whole and as far as a parser would have left it."""
    said = f"login root:{password} ({quote(password, safe='')}): no host {password[3:]}"
    for on in ("vcbsnapshot create", "vcbsnapshot find", "snap rename", "vol status"):
        night.fault(Fault(on, FaultKind.FAIL, text=said))
    night.fault(Fault("vcbsnapshot delete", FaultKind.FAIL, text=said, nth=2))
    night.fault(Fault("snap create", FaultKind.GARBAGE, text=said, nth=2))


def all_commands(night: AtLab) -> list[Ended]:
    found = [night("plan"), night.hastily(), *(night(command) for command in COMMANDS), night("recover", "--no-wait")]
    return [*found, *(night(command, "--json") for command in (*COMMANDS, "run"))]


def written(folder: Path) -> str:
    """All that snapall wrote below a folder, and what the lab has not in a file of its own."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in OWN]
    return "".join(path.read_text() for path in files if path.suffix in {".jsonl", ".log", ".prom", ".holder", ".said"})


def assert_nowhere(password: str, *texts: str) -> None:
    found = {part for part in parts_of(password) for text in texts if part in text}
    assert not found


@pytest.mark.parametrize("password", PASSWORDS)
def test_no_part_of_a_password_is_shown_by_any_command(
    at_lab: Make, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = at_lab()
    given(night, password, monkeypatch)
    repeating(night, password)
    ends = all_commands(night)
    assert ends[0].code == 0, ends[0].err
    assert any(entry.user == f"root:{password}" for entry in night.ledger)  # joined on the wire
    assert any("***" in ended.err for ended in ends)
    assert "***" in written(night.lab.directory)
    assert_nowhere(password, written(night.lab.directory), *(ended.out + ended.err for ended in ends))


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("encode", [quote, lambda text, safe: text], ids=["encoded", "as it is"])
def test_no_part_of_a_password_in_a_database_url_is_shown_when_the_database_fails(
    at_lab: Make, password: str, encode: Callable[..., str]
) -> None:
    night = at_lab()
    text = night.config.read_text().splitlines()
    for url in (
        f"mssql+pyodbc://sa:{encode(password, safe='')}@NoSuchDsn",
        f"mssql+pyodbc://sa%3A{encode(password, safe='')}@NoSuchDsn",
        f"mssql+pyodbc:///?odbc_connect=DSN=NoSuchDsn;UID=sa;PWD={encode(password, safe='')}",
        f"postgresql+psycopg://sa:{encode(password, safe='')}@127.0.0.1:1/VCDB",
    ):
        lines = [f"url = {json.dumps(url)}" if line.startswith("url ") else line for line in text]
        night.config.write_text("\n".join(lines))
        ends = [*(night(command) for command in ("plan", "doctor", "datastores", "status")), night.hastily()]
        assert {1, 2} & {ended.code for ended in ends}
        assert_nowhere(password, written(night.lab.directory), *(ended.out + ended.err for ended in ends))


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_hook_that_repeats_a_password_does_not_spread_it(
    at_lab: Make, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = at_lab()
    given(night, password, monkeypatch)
    code = f"import os, sys; print('used', {password!r}, sorted(os.environ)); sys.exit(3)"
    hook = json.dumps([sys.executable, "-c", code])
    night.config.write_text(f"{night.config.read_text()}\n[jobs.vol1.hooks]\nafter = {hook}\n")
    ended = night.hastily()
    assert "the after hook failed: exit code 3: used ***" in ended.err
    assert "FILERPWORD" in os.environ
    assert "FILERPWORD" not in ended.err
    assert_nowhere(password, written(night.lab.directory), ended.out, ended.err)

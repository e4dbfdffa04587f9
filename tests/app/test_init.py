"""`snapall init`: answers by flag or by a person, each tried as it is given; what it writes can be run."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pytest

from snapall import cli
from snapall.app.init import Interview
from snapall.config.init import text_of_answers, write_first
from snapall.config.json_schema import SHIPPED, directive
from snapall.config.load import load
from snapall.errors import ConfigError
from snapall.lab.config_file import init_command
from tests.config.json_schema import accepts
from tests.lab.atlab import AtLab, Ended
from tests.platforms import posix

Make = Callable[..., AtLab]


@dataclass
class Patient:
    """A person with a list of answers; once it is used up, defaults are taken."""

    answers: dict[str, list[str]]
    transcript: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)

    def ask(self, question: str, default: str | None, hidden: bool) -> str:
        self.transcript.append(question)
        self.hidden += [question] if hidden else []
        key = next((key for key in self.answers if key in question and self.answers[key]), None)
        if key is not None:
            return self.answers[key].pop(0)
        assert default is not None, f"nobody has an answer to {question!r}"
        return default

    def show(self, text: str) -> None:
        self.transcript.append(text)


def flags_of(night: AtLab, transport: str = "ssh") -> dict[str, str]:
    """What `lab up` says of its own `init`, by flag."""
    assert night.lab.port is not None
    kind: Literal["ssh", "rsh"] = "ssh" if transport == "ssh" else "rsh"
    command = init_command(night.lab.directory, night.world.settings, transport=kind, port=night.lab.port)
    words = iter(shlex.split(command)[2:])
    return {word[2:]: "no" if word == "--no-reserved-port" else next(words) for word in words}


def fingerprint_of(night: AtLab) -> str:
    import paramiko

    return paramiko.RSAKey(filename=str(night.lab.directory / "host_rsa")).fingerprint


def init(night: AtLab, out: Path, given: dict[str, str], *more: str) -> Ended:
    """The command, without a terminal."""
    words = [word for key, value in given.items() for word in _words(key, value)]
    night.capture.readouterr()
    with pytest.raises(SystemExit) as ending:
        cli.main(["init", "--out", str(out), *words, *more])
    stdout, complained = night.capture.readouterr()
    return Ended(int(str(ending.value.code)), stdout, complained)


def _words(key: str, value: str) -> Iterator[str]:
    yield from ["--no-reserved-port"] if key == "reserved-port" else [f"--{key}", value]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


def unguarded(night: AtLab) -> None:
    """A run of this process; a guardian would watch it as long as the tests run."""
    night.edit("\nfiler ", "\nguardian = false\nfiler ")


@pytest.mark.parametrize("transport", ["ssh", "rsh"])
def test_a_configuration_written_by_flags_passes_the_doctor_and_takes_a_backup(
    at_lab: Make, home: Path, transport: str
) -> None:
    night = at_lab(transport=transport)
    given = flags_of(night, transport)
    if transport == "ssh":
        given["host-key"] = fingerprint_of(night)
    else:
        given["reserved-port"] = given.pop("no-reserved-port", "no")
    ended = init(night, home / "snapall.toml", given)
    assert ended.code == 0, ended.err
    night.config = home / "snapall.toml"
    assert night("doctor").code == 0
    unguarded(night)
    assert night("run").code == 0
    night.assert_shifted_by_one()


def test_only_the_owner_can_read_password_files_and_no_password_is_shown(at_lab: Make, home: Path) -> None:
    night = at_lab(transport="ssh")
    ended = init(night, home / "snapall.toml", {**flags_of(night), "host-key": fingerprint_of(night)})
    secret = night.world.settings.vc_password
    assert (home / "vc.secret").read_text().strip() == secret
    assert (home / "vc.secret").stat().st_mode & 0o777 == 0o600
    assert secret not in (home / "snapall.toml").read_text() + ended.out + ended.err


def test_nothing_is_overwritten(at_lab: Make, home: Path) -> None:
    night = at_lab(transport="ssh")
    given = {**flags_of(night), "host-key": fingerprint_of(night)}
    (home / "vc.secret").write_text("mine")
    ended = init(night, home / "snapall.toml", given)
    assert ended.code == 2
    assert "vc.secret: already exists" in ended.err
    assert (home / "vc.secret").read_text() == "mine"
    assert not (home / "snapall.toml").exists()


def test_a_secrets_file_in_the_way_is_reported_before_the_next_question(at_lab: Make, home: Path) -> None:
    night = at_lab(transport="ssh")
    (home / "vc.secret").write_text("mine")
    given = {key: value for key, value in flags_of(night).items() if key != "database"}  # it would be missed next
    ended = init(night, home / "snapall.toml", given)
    assert "vc.secret: already exists" in ended.err
    assert list(night.ledger) == []


def test_a_password_may_come_from_the_file_that_will_store_it(at_lab: Make, home: Path) -> None:
    night = at_lab(transport="ssh")
    given = {**flags_of(night), "host-key": fingerprint_of(night)}
    own = home / "vc.secret"
    own.write_text(f"{night.world.settings.vc_password}\r\n")
    before = own.stat()
    ended = init(night, home / "snapall.toml", {**given, "vcenter-password-file": str(own)})
    assert ended.code == 0, ended.err
    assert own.stat() == before
    night.config = home / "snapall.toml"
    unguarded(night)
    assert night("run").code == 0


def test_a_host_key_that_is_not_confirmed_is_not_written(at_lab: Make, home: Path) -> None:
    night = at_lab(transport="ssh")
    ended = init(night, home / "snapall.toml", {**flags_of(night), "host-key": "SHA256:another"})
    assert ended.code == 2
    assert fingerprint_of(night) in ended.err
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("missing", ["vcenter", "database", "datastores", "filer", "volumes"])
def test_without_a_terminal_a_missing_answer_is_an_error_that_names_its_flag(
    at_lab: Make, home: Path, missing: str
) -> None:
    night = at_lab(transport="ssh")
    given = {**flags_of(night), "host-key": fingerprint_of(night)}
    del given[missing]
    ended = init(night, home / "snapall.toml", given)
    assert ended.code == 2
    assert f"--{missing} is missing" in ended.err
    assert not (home / "snapall.toml").exists()


@pytest.mark.parametrize(
    ("flag", "value", "says"),
    [
        ("vcbsnapshot", "nosuchprogram", "nosuchprogram"),
        ("database", "sqlite:////nowhere/at/all.db", "--database"),
        ("datastores", "nosuchstore", "nosuchstore"),
        ("datastores", "4711", "4711"),
        ("volumes", "nosuchvol", "nosuchvol"),
        ("transport", "telnet", "neither ssh nor rsh"),
        ("port", "none", "not a number"),
        ("retain", "0", "not a number from 1 to 250"),
        ("retain", "251", "not a number from 1 to 250"),
        ("job", "the first", "cannot be part of a filer's command"),
        ("prefix", "no prefix at all", "cannot be part of a filer's command"),
        ("key-file", "/nowhere/id_rsa", "cannot be used"),
        ("vcenter-password-file", "/nowhere/secret", "cannot be read"),
    ],
)
def test_a_wrong_answer_is_refused_when_it_is_given(at_lab: Make, home: Path, flag: str, value: str, says: str) -> None:
    night = at_lab(transport="ssh")
    given = {**flags_of(night), "host-key": fingerprint_of(night), flag: value}
    ended = init(night, home / "snapall.toml", given)
    assert ended.code in {1, 2}
    assert says in ended.err
    assert "remedy: " in ended.err
    assert not (home / "snapall.toml").exists()


def test_with_no_checks_nothing_is_contacted(at_lab: Make, home: Path) -> None:
    night = at_lab(transport="ssh")
    given = {**flags_of(night), "filer": "filer1.example.edu", "database": "mssql+pyodbc://vc_user@VirtualCenter"}
    ended = init(night, home / "snapall.toml", given, "--no-check")
    assert ended.code == 0, ended.err
    assert len(night.ledger) == 0
    settings = load(home / "snapall.toml")
    assert settings.filers["filer1"].host == "filer1.example.edu"
    assert settings.jobs["vmvol1"].datastores == (688,)


def test_a_prompt_repeats_until_the_answer_is_valid(at_lab: Make, home: Path) -> None:
    night = at_lab(transport="ssh")
    flags = flags_of(night)
    person = Patient(
        {
            "VirtualCenter's host": ["", "vc01.lab", "vc01.lab"],
            "The vcbsnapshot program": ["nosuchprogram", flags["vcbsnapshot"], flags["vcbsnapshot"]],
            "VirtualCenter's user": [flags["vcenter-user"]] * 2,
            "Password of vcbackup": ["wrong", night.world.settings.vc_password],
            "The database": ["nonsense", flags["database"]],
            "Datastores": ["nosuch", "vmvol1_vmfs"],
            "The filer's host": ["127.0.0.1"],
            "Its port": [flags["port"]],
            "The filer's user": [flags["filer-user"]],
            "Private RSA key": [flags["key-file"]],
            "fingerprint": ["no", "yes"],
            "Volumes": ["nosuchvol", "vmvol1"],
            "How many": ["7"],
        }
    )
    answers = Interview({}, person, home, checks=True).answers()
    write_first(home / "snapall.toml", answers)
    settings = load(home / "snapall.toml")
    assert len(settings.jobs["vmvol1"].chain) == 7
    assert set(person.hidden) == {"Password of vcbackup"}  # a URL that is none is asked for again at once
    assert sum(question == "Volumes of these datastores, separated by commas" for question in person.transcript) == 2
    assert any("nosuchvol" in text and "remedy: " in text for text in person.transcript)
    assert any("refused the login" in text for text in person.transcript)
    assert not any(night.world.settings.vc_password in text for text in person.transcript)


def test_an_invalid_configuration_leaves_nothing_behind(at_lab: Make, home: Path) -> None:
    given: dict[str, str | None] = dict(flags_of(at_lab(transport="ssh")))
    answers = Interview(given, None, home, checks=False).answers()
    with pytest.raises(ConfigError, match="is reserved for schedules"):
        write_first(
            home / "snapall.toml", replace(answers, job=answers.job.model_copy(update={"prefix": "SnapMirror"}))
        )
    assert list(home.iterdir()) == []
    with pytest.raises(ConfigError, match="--database: the database URL must be a SQLAlchemy URL"):
        Interview({**given, "database": "no URL"}, None, home, checks=False).answers()


def test_a_datastores_name_can_write_no_line_of_its_own(at_lab: Make, home: Path) -> None:
    given: dict[str, str | None] = dict(flags_of(at_lab(transport="ssh")))
    answers = replace(Interview(given, None, home, checks=False).answers(), named='store\nallow_empty = true  # "')
    table = tomllib.loads(text_of_answers(answers, home))["jobs"]["vmvol1"]
    assert "allow_empty" not in table


@pytest.mark.parametrize("transport", ["ssh", "rsh"])
def test_the_first_line_names_the_schema_which_accepts_the_file(at_lab: Make, home: Path, transport: str) -> None:
    given: dict[str, str | None] = dict(flags_of(at_lab(transport=transport), transport))
    text = text_of_answers(Interview(given, None, home, checks=False).answers(), home)
    assert text.startswith(f"{directive()}\n")
    assert accepts(json.loads(SHIPPED.read_text(encoding="utf-8")), tomllib.loads(text))


@posix("made of a terminal")
def test_leaving_at_a_prompt_ends_without_a_traceback(home: Path) -> None:
    import pty

    master, slave = pty.openpty()
    os.write(master, b"\x04")  # Ctrl-D
    words = [sys.executable, "-m", "snapall", "init", "--out", str(home / "snapall.toml")]
    ended = subprocess.run(words, stdin=slave, capture_output=True, text=True, check=False)
    os.close(master)
    os.close(slave)
    assert (ended.returncode, list(home.iterdir())) == (130, [])
    assert "snapall: stopped" in ended.stderr
    assert "Traceback" not in ended.stderr

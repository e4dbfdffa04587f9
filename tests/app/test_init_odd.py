"""`snapall init` and answers that are odd: refused where they are given, and what is there already stays whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import paramiko
import pytest

from snapall.app import init_answers
from snapall.app.init import Interview
from tests.app.test_init import Patient, fingerprint_of, flags_of, home, init
from tests.lab.atlab import AtLab

__all__ = ["home"]  # a fixture

Make = Callable[..., AtLab]
OTHER = paramiko.RSAKey.generate(1024).get_base64().encode()


@pytest.mark.parametrize(
    ("flag", "value", "says"),
    [
        ("vcbsnapshot", "   ", "an answer is needed"),
        ("vcbsnapshot", '""', "an answer is needed"),
        ("database", "mssql+pyodbc://sa:geheim@VirtualCenter", "contains a password"),
        ("key-file", "~nosuchuserhere/id_rsa", "home directory"),
        ("vcenter", "vc01\udcff", "bytes that are not text"),
    ],
)
def test_on_trust_too_what_cannot_be_written_is_refused_and_nothing_is_left(
    at_lab: Make, home: Path, flag: str, value: str, says: str
) -> None:
    night = at_lab(transport="ssh")
    ended = init(night, home / "snapall.toml", {**flags_of(night), flag: value}, "--no-check")
    assert ended.code == 2
    assert says in ended.err
    assert "geheim" not in ended.out + ended.err
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("out", ["nowhere/snapall.toml", "snapall.conf"])
def test_where_nothing_can_be_written_nothing_is_asked(at_lab: Make, home: Path, out: str) -> None:
    ended = init(at_lab(), home / out, {})
    assert ended.code == 2
    assert "is missing" not in ended.err
    assert "remedy: " in ended.err


def test_a_backslash_of_windows_is_kept_and_quotes_hold_blanks_together() -> None:
    assert init_answers.arguments(r'"C:\Program Files\vcb\vcbsnapshot.exe" -L 6') == (
        r"C:\Program Files\vcb\vcbsnapshot.exe", "-L", "6",
    )  # fmt: skip


@pytest.mark.parametrize(
    "before",
    [b"", b"127.0.0.10 ssh-rsa " + OTHER, b"# 127.0.0.1, or [127.0.0.1]\n"],
    ids=["none", "another host", "a remark"],  # the key is a new one each time, and workers must agree on the names
)
def test_a_host_key_is_asked_for_whatever_hosts_are_known_that_are_called_alike(
    at_lab: Make, home: Path, before: bytes
) -> None:
    night = at_lab(transport="ssh")
    (home / "known_hosts").write_bytes(before)
    ended = init(night, home / "snapall.toml", {**flags_of(night), "host-key": fingerprint_of(night)})
    assert ended.code == 0, ended.err
    lines = (home / "known_hosts").read_bytes().splitlines()
    assert lines[:-1] == before.splitlines()
    assert lines[-1].startswith(b"[127.0.0.1]:")


def test_a_host_key_that_is_known_is_not_asked_for_again(at_lab: Make, home: Path) -> None:
    night = at_lab(transport="ssh")
    given = {**flags_of(night), "known-hosts": str(night.lab.directory / "known_hosts")}
    before = (night.lab.directory / "known_hosts").read_text()
    ended = init(night, home / "snapall.toml", given)
    assert ended.code == 0, ended.err
    assert (night.lab.directory / "known_hosts").read_text() == before


def test_known_hosts_that_cannot_be_one_are_an_error_with_a_remedy(at_lab: Make, home: Path) -> None:
    night = at_lab(transport="ssh")
    (home / "known_hosts").mkdir()
    ended = init(night, home / "snapall.toml", {**flags_of(night), "host-key": fingerprint_of(night)})
    assert ended.code in {1, 2}
    assert "remedy: " in ended.err
    assert not (home / "snapall.toml").exists()


def test_a_wrong_login_takes_none_of_the_other_flags_along(at_lab: Make, home: Path) -> None:
    night = at_lab(transport="rsh")
    flags: dict[str, str | None] = {**flags_of(night, "rsh"), "retain": "9"}
    flags["reserved-port"] = flags.pop("no-reserved-port", "no")
    wrong = home / "wrong.secret"
    wrong.write_text("wrong")
    person = Patient(
        {
            "VirtualCenter's host": ["vc01.lab"],
            "The vcbsnapshot program": [str(flags["vcbsnapshot"])],
            "VirtualCenter's user": [str(flags["vcenter-user"])],
            "Password of vcbackup": [night.world.settings.vc_password],
        }
    )
    answers = Interview({**flags, "vcenter-password-file": str(wrong)}, person, home, checks=True).answers()
    assert (answers.filer.reserved_port, answers.job.retain, answers.filer.transport) == (False, 9, "rsh")


def test_a_secret_is_not_written_through_a_link_that_somebody_has_laid(at_lab: Make, home: Path) -> None:
    night = at_lab(transport="ssh")
    elsewhere = home.parent / "elsewhere"
    (home / "vc.secret").symlink_to(elsewhere)
    ended = init(night, home / "snapall.toml", {**flags_of(night), "host-key": fingerprint_of(night)})
    assert ended.code == 2
    assert not elsewhere.exists()
    assert not (home / "snapall.toml").exists()

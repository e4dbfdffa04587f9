"""What a bundle installs comes from the lock file, with every hash, for the system that it is made for."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.bundle.collect import requirements_text, unlisted
from tests.bundle.requirements import Locked, locked, normal, restricted
from tests.bundle.targets import LINUX, WINDOWS
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
LOCK = """\
# made by a command
colorama==0.4.6 ; os_name == 'nt' or sys_platform == 'win32' \\
    --hash=sha256:aa11 \\
    --hash=sha256:bb22
    # via something
greenlet==3.5.4 ; python_full_version < '3.12' and platform_machine == 'x86_64' \\
    --hash=sha256:cc33
typing_extensions==4.16.0 \\
    --hash=sha256:dd44
"""
COLORAMA, GREENLET, TYPING = locked(LOCK)


def test_a_lock_file_is_read_with_markers_and_every_hash() -> None:
    assert Locked("colorama", "0.4.6", "os_name == 'nt' or sys_platform == 'win32'", ("aa11", "bb22")) == COLORAMA
    assert Locked("typing_extensions", "4.16.0", "", ("dd44",)) == TYPING


def test_what_is_written_reads_the_same_again() -> None:
    assert locked(requirements_text([COLORAMA, GREENLET, TYPING])) == [COLORAMA, GREENLET, TYPING]


@pytest.mark.parametrize("line", ["nohash==1.0", "noversion --hash=sha256:aa", "-e .", "wide>=1 --hash=sha256:aa"])
def test_what_is_not_locked_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="not locked by version and hash"):
        locked(line)


def test_markers_are_those_of_the_target_and_not_of_this_system() -> None:
    assert [one.applies(LINUX.environment("3.11")) for one in (COLORAMA, GREENLET, TYPING)] == [False, True, True]
    assert [one.applies(WINDOWS.environment("3.11")) for one in (COLORAMA, GREENLET, TYPING)] == [True, False, True]
    assert not GREENLET.applies(LINUX.environment("3.13"))


def test_only_the_named_packages_are_kept_whatever_the_spelling() -> None:
    assert restricted([COLORAMA, GREENLET, TYPING], ["Typing-Extensions", "greenlet"]) == [GREENLET, TYPING]
    assert normal("ruamel.yaml__X") == "ruamel-yaml-x"


def test_a_package_that_is_not_locked_stops_the_bundle() -> None:
    with pytest.raises(ValueError, match=r"not in the lock file: nosuch; run `nox -s lock`"):
        restricted([TYPING], ["typing-extensions", "nosuch"])


def test_a_wheel_that_the_requirements_do_not_know_is_found(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "known.whl").write_bytes(b"known")
    (tmp_path / "wheels" / "changed.whl").write_bytes(b"changed on the way")
    known = Locked("known", "1", "", ("aa11", hashlib.sha256(b"known").hexdigest()))
    (tmp_path / "requirements.txt").write_text(requirements_text([known]))
    assert unlisted(tmp_path) == ["changed.whl"]


def test_the_projects_own_dependencies_are_locked() -> None:
    """The bundle begins with them; what they need in turn is asked of an index."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    names = [re.split(r"[<>=~;\[ ]", one, maxsplit=1)[0] for one in declared]
    lock = ROOT / "requirements-dev.txt"
    if not lock.exists():
        pytest.skip("the wheel is tested beside no lock file")
    assert {normal(one.name) for one in restricted(locked(lock.read_text(encoding="utf-8")), names)} == set(names)


def test_the_installer_of_windows_has_the_lines_that_cmd_reads() -> None:
    data = Path(__file__).with_name(WINDOWS.installer).read_bytes()
    assert data.count(b"\r\n") == data.count(b"\n")
    assert all(word in data for word in (b"--no-index", b"--require-hashes", b"%~dp0wheels"))


def test_the_installer_of_linux_is_for_any_shell(tmp_path: Path) -> None:
    """It stops at the first step that fails: without a Python, nothing is made."""
    script = str(Path(__file__).with_name(LINUX.installer))
    environ = {"PATH": "/usr/bin:/bin", "PYTHON": "/no/such/python"}
    argv = ["/bin/sh", script, str(tmp_path / "snapall")]
    ended = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode != 0
    assert "/no/such/python" in ended.stderr
    assert "installed in" not in ended.stdout
    assert not (tmp_path / "snapall").exists()

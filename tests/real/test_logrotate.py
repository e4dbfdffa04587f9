"""docs/logrotate/snapall, with logrotate itself: runs write on into the new file."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from snapall.backup.facts import Warned
from snapall.backup.record import Record
from snapall.views.logfile import LogFile
from tests.lab.atlab import AtLab
from tests.real.machine import program

pytestmark = pytest.mark.real
SAMPLE = (Path(__file__).parents[2] / "docs" / "logrotate" / "snapall").read_text()
WRITTEN = datetime(2007, 3, 22, 3, 0, tzinfo=UTC)


def rotate(log: Path, folder: Path, old: str = "", new: str = "") -> subprocess.CompletedProcess[str]:
    """Rotate the log by the sample, with `old` replaced in it."""
    assert old in SAMPLE
    file = folder / "logrotate.conf"
    file.write_text(SAMPLE.replace("/var/log/snapall/snapall.log", f'"{log}"').replace(old, new))
    file.chmod(0o644)
    log.parent.chmod(0o755)  # logrotate refuses a folder that others can write
    argv = [program("logrotate", "logrotate"), "--force", "--state", str(folder / "logrotate.state"), str(file)]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def line(log: LogFile, text: str) -> None:
    log(Record(WRITTEN, Warned(text, "")))


def test_logrotate_finds_nothing_wrong_with_the_sample(tmp_path: Path) -> None:
    (tmp_path / "snapall.log").write_text("a line\n")
    done = rotate(tmp_path / "snapall.log", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "snapall.log.1").read_text() == "a line\n"


def test_logrotate_would_find_what_is_wrong_with_it(tmp_path: Path) -> None:
    (tmp_path / "snapall.log").write_text("a line\n")
    done = rotate(tmp_path / "snapall.log", tmp_path, "    create\n", "    recreate\n")
    assert "recreate" in done.stderr


@pytest.mark.parametrize("method", ["create", "copytruncate"])
def test_a_run_whose_log_is_rotated_writes_on_into_the_file_at_its_path(tmp_path: Path, method: str) -> None:
    path = tmp_path / "snapall.log"
    log = LogFile.open(path, "%H:%M", lambda at: at)
    line(log, "before")
    assert rotate(path, tmp_path, "    create\n", f"    {method}\n").returncode == 0
    line(log, "after")
    assert (tmp_path / "snapall.log.1").read_text() == "03:00 warning: before\n"
    assert path.read_text() == "03:00 warning: after\n"


def test_the_new_log_has_the_mode_and_the_owner_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "snapall.log"
    log = LogFile.open(path, "%H:%M")
    line(log, "before")
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 12345, 12346)
    before = path.stat()
    assert rotate(path, tmp_path).returncode == 0
    line(log, "after")
    after = path.stat()
    assert after.st_ino != before.st_ino
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_nights_before_and_after_a_rotation_are_both_in_the_logs(at_lab: Callable[..., AtLab], tmp_path: Path) -> None:
    night = at_lab()
    path = night.lab.directory / "snapall.log"
    assert night("run").code == 0
    assert rotate(path, tmp_path).returncode == 0
    assert night("run").code == 0
    assert path.with_name("snapall.log.1").read_text().count("Commenced") == path.read_text().count("Commenced") == 1

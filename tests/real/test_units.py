"""What `snapall schedule` gives systemd and cron, judged and installed by systemd's and cron's own programs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from snapall.operate.schedule.cron import lines_of
from snapall.operate.schedule.systemd import units_of
from snapall.operate.schedule.task import Task
from tests.config.test_config import PLAIN
from tests.real.machine import missing, program

pytestmark = pytest.mark.real
SPOOL, UNITS = "/var/spool/cron/crontabs", "/etc/systemd/system"
ODD = "its 5 % $HOME"


def task(folder: Path) -> Task:
    """A task whose program is there, at a path that needs quoting."""
    folder = folder / ODD
    folder.mkdir(exist_ok=True)
    here = folder / "snapall"
    here.write_text("#!/bin/sh\n")
    here.chmod(0o755)
    return Task((str(here),), str(folder / 'it\'s "snapall".toml'), str(folder), "daemon", 3, 0)


def judged(folder: Path, old: str = "", new: str = "") -> str:
    """What systemd says of the units when `old` is replaced in them; "" when it finds nothing."""
    analyze = program("systemd-analyze", "systemd")
    units = units_of(task(folder))
    assert not old or any(old in unit.text for unit in units)
    for unit in units:
        (folder / unit.file).write_text(unit.text.replace(old, new) if old else unit.text)
    names = [str(folder / unit.file) for unit in units]
    ran = subprocess.run([analyze, "verify", *names], capture_output=True, text=True, check=False)
    return ran.stdout + ran.stderr + (f"exit {ran.returncode}" if ran.returncode else "")


def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    assert judged(tmp_path) == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("KillMode=process", "KillMode=main"),
        ("OnCalendar=*-*-* 03:00:00", "OnCalendar=at three"),
        ("Type=", "Kind="),
        ("$HOME/snapall", "$HOME/nosuch"),
    ],
)
def test_systemd_would_find_what_is_wrong_with_them(tmp_path: Path, old: str, new: str) -> None:
    assert judged(tmp_path, old, new) != ""


def crontab(text: str, folder: Path) -> int:
    """What `crontab -n` answers; it installs nothing."""
    file = folder / "crontab"
    file.write_text(text)
    return subprocess.run([program("crontab", "cron"), "-n", str(file)], capture_output=True, check=False).returncode


def test_cron_takes_its_lines(tmp_path: Path) -> None:
    assert crontab(lines_of(task(tmp_path)).text, tmp_path) == 0


@pytest.mark.parametrize(("old", "new"), [("0 3 *", "0 25 *"), ("@reboot", "@start"), ("0 3 * * *", "0 3 *")])
def test_cron_would_find_what_is_wrong_with_them(tmp_path: Path, old: str, new: str) -> None:
    text = lines_of(task(tmp_path)).text
    assert old in text
    assert crontab(text.replace(old, new), tmp_path) != 0


def privately(mounted: str, own: Path, *commands: str) -> subprocess.CompletedProcess[str]:
    """Run shell commands for which `own` is at the place of a folder of this machine, which stays as it is."""
    unshare = [program("unshare", "util-linux"), "--mount", "--propagation", "private"]
    if os.geteuid() != 0 or subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        missing("only root, where it gets a mount namespace, can give the schedulers private files")
    script = f'mount --bind "$0" {mounted} && {" && ".join(commands)}'
    env = {**os.environ, "SYSTEMD_OFFLINE": "1", "PYTHONWARNINGS": "error"}
    return subprocess.run(
        [*unshare, "sh", "-c", script, str(own)], capture_output=True, text=True, check=False, cwd=own.parent, env=env
    )


def snapall(*words: str) -> str:
    return f"{sys.executable} -m snapall {' '.join(words)}"


def test_the_real_crontab_takes_and_replaces_the_lines(tmp_path: Path) -> None:
    program("crontab", "cron")
    spool = tmp_path / "spool"
    spool.mkdir(mode=0o1730)
    (tmp_path / "snapall.toml").write_text(PLAIN)
    (tmp_path / "theirs").write_text("# theirs\n5 5 * * * true 100\\%\n")
    install = snapall("schedule", "--for", "cron", "--install", "--at")
    ran = privately(SPOOL, spool, "crontab theirs", f"{install} 2:30", f"{install} 4:44", "crontab -l")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("Installed.") == 2
    listed = ran.stdout.rpartition("Installed.\n")[2]
    assert listed.startswith("# theirs\n5 5 * * * true 100\\%\n# begin of snapall schedule: ")
    assert "\n44 4 * * * " in listed
    assert "\n30 2 * * * " not in listed
    assert ran.stderr == ""  # no warning: the schedule is read back


def test_the_real_systemctl_enables_the_units(tmp_path: Path) -> None:
    program("systemctl", "systemd")
    units = tmp_path / "units"
    units.mkdir()
    (tmp_path / "snapall.toml").write_text(PLAIN)
    install = snapall("schedule", "--for", "systemd", "--install", "--at")
    asked = "systemctl is-enabled snapall.timer snapall-recover.service"
    ran = privately(UNITS, units, f"{install} 2:30", f"{install} 4:44", asked)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.endswith("Installed.\nenabled\nenabled\n")
    assert (units / "timers.target.wants/snapall.timer").is_symlink()
    assert "OnCalendar=*-*-* 04:44:00" in (units / "snapall.timer").read_text()
    assert ran.stderr == ""

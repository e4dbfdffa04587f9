"""The units of docs/systemd/, judged by systemd itself, and the lines of docs/cron/ by crontab."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.real.machine import program

pytestmark = pytest.mark.real
UNITS = Path(__file__).parents[2] / "docs" / "systemd"
SNAPALL = "/usr/local/bin/snapall"


def judged(folder: Path, old: str, new: str) -> str:
    """What systemd says of the units when `old` is replaced in them; "" when it finds nothing."""
    analyze = program("systemd-analyze", "systemd")
    here = folder / "snapall"
    here.write_text("#!/bin/sh\n")
    here.chmod(0o755)
    for unit in UNITS.iterdir():
        text = unit.read_text()
        (folder / unit.name).write_text(text.replace(SNAPALL, f'"{here}"').replace(old, new))
    units = sorted(str(folder / unit.name) for unit in UNITS.iterdir())
    ran = subprocess.run([analyze, "verify", *units], capture_output=True, text=True, check=False)
    return ran.stdout + ran.stderr + (f"exit {ran.returncode}" if ran.returncode else "")


def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    assert sorted(unit.name for unit in UNITS.iterdir()) == [
        "snapall-recover.service",
        "snapall.service",
        "snapall.timer",
    ]
    assert judged(tmp_path, SNAPALL, SNAPALL) == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [("KillMode=process", "KillMode=main"), ("OnCalendar=*-*-* 03:00:00", "OnCalendar=at three"), ("Type=", "Kind=")],
)
def test_systemd_would_find_what_is_wrong_with_them(tmp_path: Path, old: str, new: str) -> None:
    assert judged(tmp_path, old, new) != ""


@pytest.mark.parametrize("unit", ["snapall.service", "snapall-recover.service"])
def test_the_units_spare_the_guardian(unit: str) -> None:
    assert "\nKillMode=process\n" in (UNITS / unit).read_text()


def crontab(text: str, folder: Path) -> int:
    """What `crontab -n` answers; it installs nothing."""
    file = folder / "crontab"
    file.write_text(text)
    return subprocess.run([program("crontab", "cron"), "-n", str(file)], capture_output=True, check=False).returncode


CRONTAB = (UNITS.parent / "cron" / "snapall.crontab").read_text()


def test_cron_takes_its_lines(tmp_path: Path) -> None:
    assert crontab(CRONTAB, tmp_path) == 0
    assert "@reboot    snapall recover" in CRONTAB


@pytest.mark.parametrize(("old", "new"), [("0 3 *", "0 25 *"), ("@reboot", "@start"), ("0 3 * * *", "0 3 *")])
def test_cron_would_find_what_is_wrong_with_them(tmp_path: Path, old: str, new: str) -> None:
    assert old in CRONTAB
    assert crontab(CRONTAB.replace(old, new), tmp_path) != 0

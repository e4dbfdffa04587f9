"""The systemd units that the docs ship, read by systemd itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.real.machine import program

pytestmark = pytest.mark.real
UNITS = sorted((Path(__file__).parents[2] / "docs" / "systemd").iterdir())


def verified(folder: Path) -> tuple[int, str]:
    """What `systemd-analyze verify` says of the units in a folder."""
    environ = {**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:", "SYSTEMD_LOG_LEVEL": "warning"}
    words = [program("systemd-analyze", "systemd"), "verify", *sorted(map(str, folder.iterdir()))]
    said = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    return said.returncode, said.stdout + said.stderr


def installed(folder: Path, *replaced: tuple[str, str]) -> Path:
    """The units, with a program that is on this machine, and other words."""
    for unit in UNITS:
        text = unit.read_text()
        for old, new in (("/usr/local/bin/snapall", program("true", "coreutils")), *replaced):
            text = text.replace(old, new)
        (folder / unit.name).write_text(text)
    return folder


def test_systemd_takes_every_unit_without_a_word(tmp_path: Path) -> None:
    assert [unit.name for unit in UNITS] == ["snapall-recover.service", "snapall.service", "snapall.timer"]
    assert verified(installed(tmp_path)) == (0, "")


def test_a_word_that_systemd_does_not_know_would_be_found(tmp_path: Path) -> None:
    assert "kill mode" in verified(installed(tmp_path, ("KillMode=process", "KillMode=proces")))[1]


def test_no_unit_lets_systemd_kill_what_is_left_behind_on_purpose() -> None:
    services = [unit.read_text() for unit in UNITS if unit.suffix == ".service"]
    assert all("\nKillMode=process\n" in text for text in services)
    assert all("\nTimeoutStartSec=infinity\n" in text for text in services)

"""The demo and the lab as a person meets them."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from snapall import cli
from snapall.errors import ConfigError
from snapall.lab.faults import NAMED
from tests.backup.access import let_everybody_write
from tests.commands.test_cli import ended
from tests.end_to_end.test_runs import TROUBLE, WELL
from tests.platforms import posix

OVER_TIME = {"late-quiesce", "late-capture", "capture-hangs", "busy-a-while"}  # their times are the demo's own; README

STOPPED = 1 if sys.platform == "win32" else 0  # Windows sends no signal: it ends the process


def demo(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ending:
        cli.main(["demo", "--fast", *args])
    return int(str(ending.value.code)), capsys.readouterr().err


@pytest.mark.parametrize("transport", ["ssh", "rsh"])
def test_the_demo_proves_a_whole_backup_by_the_ledger(capsys: pytest.CaptureFixture[str], transport: str) -> None:
    code, told = demo(capsys, "--transport", transport)
    assert code == 0
    for line in (
        "19 of 19 VMs were quiesced when vmware_new_",
        "0 VMs are still quiesced by this run",
        "1 of 1 other VM snapshots are untouched",
        "0 of 2 templates were touched",
        "vmvol1: 3 retained backups moved up one name, 0 kept their names",
        "12 of 12 other filer snapshots are untouched",
    ):
        assert line in told


@pytest.mark.parametrize(("fault", "code"), [("vm-fails", 3), ("vm-unregistered", 5), ("filer-down", 1)])
def test_the_demo_proves_what_a_named_fault_comes_to(capsys: pytest.CaptureFixture[str], fault: str, code: int) -> None:
    """How each of the others ends is in test_runs.py."""
    ended, told = demo(capsys, "--fault", fault)
    assert ended == code, told
    assert ("0 VMs are still quiesced by this run" in told) == (fault != "vm-unregistered")
    assert ("3 retained backups moved up" in told) == (fault != "filer-down")


def test_every_fault_has_a_description_and_its_end_is_tried_or_takes_its_time() -> None:
    assert all(named.description for named in NAMED.values())
    tried = {*WELL, *(fault for fault, *_ in TROUBLE), "vm-unregistered", *OVER_TIME}
    assert tried == set(NAMED)


def test_the_lab_may_be_kept_and_gone_on_with(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    code, told = demo(capsys, "--dir", str(folder), "--svg", str(tmp_path / "night.svg"))
    assert code == 0
    assert str(folder / "ledger.jsonl") in told
    assert (folder / "snapall.toml").exists()
    assert "<svg" in (tmp_path / "night.svg").read_text(encoding="utf-8")
    code, told = demo(capsys, "--dir", str(folder))
    assert code == ConfigError.exit
    assert "not empty" in told


def test_where_others_may_replace_files_the_demo_names_a_way_to_another_place(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "temp"
    shared.mkdir()
    let_everybody_write(shared)
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    code, told = demo(capsys)
    assert code == ConfigError.exit
    assert "SA-7102 others can replace" in told
    assert "`snapall demo --dir FOLDER`" in told
    assert f"variable {'TEMP' if sys.platform == 'win32' else 'TMPDIR'} to such a place" in told
    assert list(shared.iterdir()) == []
    assert demo(capsys, "--dir", str(tmp_path / "alone"))[0] == 0


def test_a_lab_serves_until_it_is_stopped(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    command = [sys.executable, "-m", "snapall", "lab", "up", str(folder), "--fast"]
    edited = ""
    for code in (0, 0):  # the second time it goes on with what is there
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as lab:
            assert lab.stderr is not None
            lines = []
            for line in lab.stderr:
                lines.append(line)
                if "Press Ctrl-C" in line:
                    break
            ran = subprocess.run(
                [sys.executable, "-m", "snapall", "run", "--config", str(folder / "snapall.toml")],
                capture_output=True,
                text=True,
                check=False,
            )
            lab.send_signal(signal.SIGTERM)
            lab.wait()
        assert ran.returncode == code, ran.stderr
        assert lab.returncode == STOPPED
        assert any("snapall plan --config" in line for line in lines)
        config = folder / "snapall.toml"
        assert any("was edited: it stays as it is" in line for line in lines) == bool(edited)
        assert edited in {"", config.read_text()}
        edited = f'metrics = "snapall.prom"\n{config.read_text()}'
        config.write_text(edited)


@posix("Windows has no umask")
@pytest.mark.parametrize("mask", [0, 0o002, 0o077], ids=oct)
def test_whatever_the_umask_the_labs_own_configuration_is_believed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mask: int
) -> None:
    before = os.umask(mask)
    try:
        folder = tmp_path / "above" / "lab"
        assert ended(capsys, "demo", "--fast", "--dir", str(folder), "--quiet")[0] == 0
        assert ended(capsys, "status", "--config", str(folder / "snapall.toml"))[0] == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "snapall.toml").stat().st_mode) == 0o644

"""How snapall starts itself again: with a Python, and as the stand-alone program, which takes only its own modules."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from snapall import restart
from tests.waiting import PATIENCE

STANDALONE = """\
import runpy, sys
sys.frozen = True
sys.argv = ["snapall", *sys.argv[1:]]
runpy.run_module("snapall", run_name="__main__")
"""
"""A program that takes itself for the stand-alone one: PyInstaller's loader sets that attribute of sys."""


def as_standalone(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", STANDALONE, *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("module", restart.MODULES)
def test_every_module_that_may_be_started_exists(module: restart.Module) -> None:
    assert importlib.util.find_spec(module) is not None


def test_a_module_starts_in_this_python_from_any_folder(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('imported from the working folder')\n")
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(1 << 20))
    argv = restart.command("snapall.restore.disk.read", str(disk), str(1 << 20), safe_path=True)
    environ = os.environ | {"PYTHONPATH": str(restart.home())}
    ended = subprocess.run(argv, cwd=tmp_path, env=environ, capture_output=True, timeout=PATIENCE, check=True)
    assert json.loads(ended.stdout)["readable"] is False  # nothing but zeros


def test_the_standalone_program_starts_itself_instead_of_a_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/opt/snapall/snapall")
    started = ["/opt/snapall/snapall", "-m", "snapall.lab.vcbsnapshot", "--world", "lab"]
    assert restart.command("snapall.lab.vcbsnapshot", "--world", "lab", safe_path=True) == started
    quick = restart.quick_command("snapall.lab.vcbclient", "vcbclient.py", "2222")
    assert quick == ["/opt/snapall/snapall", "-m", "snapall.lab.vcbclient", "2222"]
    assert all("__init__" not in str(path) for path, _ in restart.needed())  # such a program has no files of modules


def test_the_standalone_program_runs_its_own_modules(tmp_path: Path) -> None:
    ended = as_standalone("-m", "snapall.restore.disk.read", str(tmp_path / "nothing"), "512")
    assert "nothing cannot be read: No such file" in json.loads(ended.stdout)["error"]
    assert ended.returncode == 0


def test_the_standalone_program_passes_on_the_exit_code_of_a_module(tmp_path: Path) -> None:
    ended = as_standalone("-m", "snapall.lab.vcbsnapshot", "--world", str(tmp_path / "none"), "-f", "x", "y")
    assert (ended.returncode, "there is no lab in" in ended.stderr) == (1, True)


@pytest.mark.parametrize("words", [("-m", "http.server"), ("-m", "snapall.cli"), ("-m", "snapall.lab.serve"), ("-m",)])
def test_the_standalone_program_refuses_every_other_module(words: tuple[str, ...]) -> None:
    ended = as_standalone(*words)
    assert ended.returncode == 2
    assert "No such option: -m" in ended.stderr


def test_the_standalone_program_has_the_same_command_line() -> None:
    assert as_standalone("--version").stdout.startswith("snapall ")


SHOWN = """\
import os, sys
sys.frozen = sys.argv[1] == "standalone"
from snapall.restart import restore_environment
restore_environment()
print({name: os.environ[name] for name in ("LD_LIBRARY_PATH", "LD_LIBRARY_PATH_ORIG", "_PYI_X") if name in os.environ})
"""


@pytest.mark.parametrize(
    ("how", "given", "left"),
    [
        ("standalone", {"LD_LIBRARY_PATH": "/ours", "_PYI_X": "1"}, {}),
        ("standalone", {"LD_LIBRARY_PATH": "/ours:/b", "LD_LIBRARY_PATH_ORIG": "/b"}, {"LD_LIBRARY_PATH": "/b"}),
        ("a Python", {"LD_LIBRARY_PATH": "/b", "_PYI_X": "1"}, {"LD_LIBRARY_PATH": "/b", "_PYI_X": "1"}),
    ],
)
def test_programs_of_the_system_get_the_environment_as_it_was(
    how: str, given: dict[str, str], left: dict[str, str]
) -> None:
    known = {"LD_LIBRARY_PATH", "LD_LIBRARY_PATH_ORIG", "_PYI_X"}
    environ = {name: value for name, value in os.environ.items() if name not in known}
    argv = [sys.executable, "-c", SHOWN, how]
    ended = subprocess.run(argv, env=environ | given, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert ast.literal_eval(ended.stdout) == left


def test_an_ordinary_python_takes_no_module_from_the_command_line() -> None:
    assert not restart.run_module(["snapall", "-m", "snapall.lab.vcbsnapshot"])

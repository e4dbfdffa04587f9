"""The command line itself: help, version, usage errors, and what it loads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from snapall import __version__, cli
from snapall.lab.serve import Lab
from tests.lab.sites import batch
from tests.platforms import posix

LOOKING = ["list", "datastores", "status", "show", "stats", "audit", "doctor"]
COMMANDS = [
    "run",
    "plan",
    "recover",
    *LOOKING,
    "schedule",
    "import",
    "init",
    "schema",
    "explain",
    "demo",
    "drill",
    "lab",
]
HEAVY = ["paramiko", "sqlalchemy", "pyodbc", "rich", "pydantic", "psutil", "snapall.lab", "snapall.site"]


def ended(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ending:
        cli.main(list(args))
    out, err = capsys.readouterr()
    return int(str(ending.value.code)), out, err


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ended(capsys, "--help")
    assert code == 0
    assert all(command in out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS[:-1])
def test_each_commands_help_lists_its_exit_codes(capsys: pytest.CaptureFixture[str], command: str) -> None:
    code, out, _ = ended(capsys, command, "--help")
    assert code == 0
    text = " ".join(out.split())
    assert "Exit codes: 0 " in text
    assert "2 usage or configuration" in text
    if command in ("run", "recover", "demo"):
        assert "5 VMs may be left quiesced" in text
        assert "130 stopped by a signal" in text


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(capsys, "--version") == (0, f"snapall {__version__}\n", "")


@pytest.mark.parametrize("args", [["frobnicate"], ["run", "--order", "sideways"], ["list", "a", "b"]])
def test_a_usage_error_exits_2(capsys: pytest.CaptureFixture[str], args: list[str]) -> None:
    code, _, err = ended(capsys, *args)
    assert code == 2
    assert not any(foreign in err for foreign in ("Traceback", "Value error"))


def test_a_missing_configuration_says_where_it_was_looked_for(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = ended(capsys, "run", "--config", "no/such/snapall.toml")
    assert code == 2
    assert str(Path("no/such/snapall.toml")) in err
    assert "remedy" in err


def test_help_loads_no_heavy_library() -> None:
    script = (
        "import sys\nfrom snapall import cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stderr.strip() == "[]"


def test_the_module_runs_as_the_command_does() -> None:
    ran = subprocess.run([sys.executable, "-m", "snapall", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout == f"snapall {__version__}\n"


COMPLETE = """
eval "$(_SNAPALL_COMPLETE=source_bash "$1")"
COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2))
_snapall_completion "$1"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@posix("made of bash")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["st"], ["status", "stats"]),
        (["run", "vol"], ["vol1"]),
        (["list", ""], ["vol1"]),
        (["run", "--config", "none.toml", ""], [""]),
    ],
)
def test_a_shell_completes_commands_and_jobs(tmp_path: Path, words: list[str], offered: list[str]) -> None:
    with Lab.create(tmp_path / "lab", batch()) as lab:
        lab.start("rsh")
        command = Path(sys.executable).with_name("snapall")
        ran = subprocess.run(
            ["bash", "-c", COMPLETE, "bash", str(command), "snapall", *words],
            capture_output=True,
            text=True,
            check=True,
            cwd=lab.directory,
        )
    assert ran.stdout.splitlines() == offered


def test_powershell_is_offered_commands_with_their_help() -> None:
    environ = os.environ | {
        "_SNAPALL_COMPLETE": "complete_powershell",
        "_TYPER_COMPLETE_ARGS": "snapall run",
        "_TYPER_COMPLETE_WORD_TO_COMPLETE": "run",
    }
    code = "import sys; sys.argv[0] = 'snapall'; from snapall.cli import main; main()"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ, check=False)
    assert ran.stdout.splitlines()[0] == "run:::Take the nightly backup."
    source = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"_SNAPALL_COMPLETE": "source_powershell"},
        check=False,
    )
    assert "Register-ArgumentCompleter -Native -CommandName snapall" in source.stdout


@pytest.mark.skipif(sys.platform != "win32", reason="elsewhere the option installs the completion")
def test_no_execution_policy_is_changed_for_powershells_completion(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = ended(capsys, "--install-completion")
    assert code == 2
    assert "SA-1941" in err
    assert "source_powershell" in err


def test_the_demo_lists_its_faults(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ended(capsys, "demo", "--fault", "help")
    assert code == 0
    assert "vm-fails" in out
    code, _, err = ended(capsys, "demo", "--fault", "no-such")
    assert code == 2
    assert "no-such" in err

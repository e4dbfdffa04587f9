"""`snapall demo` and `snapall lab up`: a backup of the lab, checked against the lab's own ledger."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from snapall.app.output import Output
from snapall.app.run import run as back_up
from snapall.app.signals import signal_flag
from snapall.backup.clock import SystemClock
from snapall.backup.facts import Warned
from snapall.config.believed import require_place
from snapall.config.load import load
from snapall.errors import ConfigError, Exit, coded
from snapall.escaping import printable
from snapall.lab.config_file import init_command
from snapall.lab.faults import NAMED
from snapall.lab.proof import SiteState, proof
from snapall.lab.serve import Lab
from snapall.operate.launcher import GuardianLauncher

Transport = Literal["ssh", "rsh"]

# About a tenth of what a real site takes, so that a backup lasts ten seconds.
SLOW = {"create_seconds": 0.6, "remove_seconds": 0.8, "filer_seconds": 0.25}
FAST = {"create_seconds": 0.0, "remove_seconds": 0.0, "filer_seconds": 0.0}

_VARIABLE = "TEMP" if sys.platform == "win32" else "TMPDIR"
ANOTHER_PLACE = (
    "name a new folder in a place where only you can write, with `snapall demo --dir FOLDER`;"
    f" or set the environment variable {_VARIABLE} to such a place"
)


def faults() -> list[str]:
    """Return the names for --fault, each with what it does."""
    width = max(map(len, NAMED))
    return [f"{name:<{width}}  {named.description}" for name, named in NAMED.items()]


def run(transport: Transport, fault: str, directory: Path | None, *, fast: bool, output: Output) -> Exit:
    """Back up the lab's datastore once. ConfigError: the folder is not empty, or the fault is unknown."""
    if fault and fault not in NAMED:
        raise ConfigError(f"unknown fault {fault!r}", "run `snapall demo --fault help` for the names", "SA-7013")
    if directory is not None and directory.exists() and any(directory.iterdir()):
        raise ConfigError(
            f"{directory} is not empty", "name a new folder, or use the lab in it with `snapall lab up`", "SA-7013"
        )
    with ExitStack() as opened:
        if directory is not None:
            folder = directory.absolute()
        else:
            temporary = tempfile.TemporaryDirectory(prefix="snapall-demo-", ignore_cleanup_errors=True)
            folder = Path(opened.enter_context(temporary))
        lab = opened.enter_context(Lab.create(folder))
        require_place(folder, ANOTHER_PLACE)
        lab.world.set(**(FAST if fast else SLOW))
        settings = load(lab.start(transport))
        job = next(iter(settings.jobs.values()))
        if fault:
            lab.world.add_faults(*NAMED[fault].faults)
        before = SiteState.of(lab.world, job.datastores)
        launcher = GuardianLauncher(settings)
        opened.callback(launcher.dismiss)  # before the lab goes
        code = back_up(settings, [job], output, launcher=launcher)
        if not output.json and not output.quiet:
            _print("")
            _print(f"The lab's ledger, {folder / 'ledger.jsonl'}:" if directory else "The lab's own ledger shows:")
            for line in proof(before, SiteState.of(lab.world, job.datastores), job):
                _print(f"  {line}")
        if directory is not None:
            _print(f"To use this lab again: snapall lab up {folder}")
        return code


def serve(directory: Path, transport: Transport, *, fast: bool) -> None:
    """Serve a lab until a signal arrives; an existing one continues where it stopped."""
    lab = Lab(directory) if (directory / "world.db").exists() else Lab.create(directory)
    with lab, signal_flag(lambda *_: None) as stopped:
        lab.world.set(**(FAST if fast else SLOW))
        config = lab.start(transport)
        _print(f"The lab is up: a filer on port {lab.port} ({transport}), VirtualCenter, and vcbsnapshot.")
        if lab.edited:
            _report_edited(lab)
        _print("In another terminal, run:")
        _print(f"  snapall doctor --config {config}")
        _print(f"  snapall plan --config {config}")
        _print(f"  snapall run --config {config}")
        _print("Or write your own configuration in an empty folder (it asks for what you leave out):")
        _print(f"  {init_command(directory.absolute(), lab.world.settings, transport=transport, port=lab.port)}")
        _print(f"It records every request in {directory / 'ledger.jsonl'}. Press Ctrl-C to stop it.")
        SystemClock().wait(float("inf"), stopped)


def _report_edited(lab: Lab) -> None:
    """Say that the lab leaves an edited snapall.toml alone, and what that one needs to fit."""
    _print(f"{lab.config} was edited: it stays as it is.")
    if lab.misfits:
        text = f"{lab.config} was edited and does not fit the lab as it is now; it needs {'; '.join(lab.misfits)}"
        warning = Warned(text, "change these lines, or delete the file and start the lab again", "SA-5440")
        _print(f"warning: {coded(warning.code, warning.text)}")
        _print(f"  remedy: {warning.hint}")


def _print(line: str) -> None:
    sys.stderr.write(printable(line) + "\n")
    sys.stderr.flush()

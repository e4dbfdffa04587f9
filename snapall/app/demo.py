"""The demo: a whole backup on the lab, and its proof by the lab's own ledger."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

from snapall.app.output import Output
from snapall.app.run import run as back_up
from snapall.app.signals import signal_flag
from snapall.backup.clock import SystemClock
from snapall.config.load import load
from snapall.errors import ConfigError, Exit
from snapall.escaping import printable
from snapall.lab.config_file import init_command
from snapall.lab.faults import NAMED
from snapall.lab.proof import SiteState, proof
from snapall.lab.serve import Lab
from snapall.operate.launcher import GuardianLauncher

Transport = Literal["ssh", "rsh"]

# About a tenth of what real ones take, so that a night lasts ten seconds.
SLOW = {"create_seconds": 0.6, "remove_seconds": 0.8, "filer_seconds": 0.25}
FAST = {"create_seconds": 0.0, "remove_seconds": 0.0, "filer_seconds": 0.0}


def faults() -> list[str]:
    """The names for --fault, each with what it does."""
    width = max(map(len, NAMED))
    return [f"{name:<{width}}  {named.description}" for name, named in NAMED.items()]


def run(transport: Transport, fault: str, directory: Path | None, *, fast: bool, output: Output) -> Exit:
    """Back the lab's datastore up once. ConfigError: DIR holds a lab already, or no fault has that name."""
    if fault and fault not in NAMED:
        raise ConfigError(f"no fault is called {fault!r}", "`snapall demo --fault help` lists them")
    if directory is not None and directory.exists() and any(directory.iterdir()):
        raise ConfigError(
            f"{directory} is not empty", "name a new folder, or run on the lab in it with `snapall lab up`"
        )
    with _folder(directory) as folder, Lab.create(folder) as lab, ExitStack() as last:
        lab.world.set(**(FAST if fast else SLOW))
        settings = load(lab.start(transport))
        job = next(iter(settings.jobs.values()))
        if fault:
            lab.world.add_faults(*NAMED[fault].faults)
        before = SiteState.of(lab.world, job.datastores)
        launcher = GuardianLauncher(settings)
        last.callback(launcher.dismiss)  # with the lab goes what a guardian might still do
        code = back_up(settings, [job], output, launcher=launcher)
        if not output.json and not output.quiet:
            _say("")
            _say(f"The lab's ledger, {folder / 'ledger.jsonl'}:" if directory else "The lab's own ledger says:")
            for line in proof(before, SiteState.of(lab.world, job.datastores), job):
                _say(f"  {line}")
        if directory is not None:
            _say(f"Go on with it: snapall lab up {folder}")
        return code


def serve(directory: Path, transport: Transport, *, fast: bool) -> None:
    """Serve a lab until a signal; one that is there already goes on where it was."""
    lab = Lab(directory) if (directory / "world.db").exists() else Lab.create(directory)
    with lab, signal_flag(lambda _: None) as stopped:
        lab.world.set(**(FAST if fast else SLOW))
        config = lab.start(transport)
        _say(f"The lab is up: a filer on port {lab.port} ({transport}), VirtualCenter, and vcbsnapshot.")
        _say("In another terminal:")
        _say(f"  snapall doctor --config {config}")
        _say(f"  snapall plan --config {config}")
        _say(f"  snapall run --config {config}")
        _say("Or write a configuration of your own, in an empty folder (what you leave out is asked for):")
        _say(f"  {init_command(directory.absolute(), lab.world.settings, transport=transport, port=lab.port)}")
        _say(f"What was asked of it: {directory / 'ledger.jsonl'}. Ctrl-C ends it.")
        SystemClock().wait(float("inf"), stopped)


@contextmanager
def _folder(directory: Path | None) -> Iterator[Path]:
    """The folder asked for, which stays, or one that goes with the demo."""
    if directory is not None:
        yield directory.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="snapall-demo-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _say(line: str) -> None:
    sys.stderr.write(printable(line) + "\n")
    sys.stderr.flush()

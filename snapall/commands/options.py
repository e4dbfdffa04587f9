"""What the commands share: their options, their exit codes, and how they begin and end."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from snapall.errors import Exit, SnapallError
from snapall.escaping import printable

if TYPE_CHECKING:
    from snapall.backup.model import Job
    from snapall.config.settings import Config

CODES = (
    "Exit codes: 0 whole success; 1 no new backup; 2 usage or configuration, before anything began; 3 partial (a "
    "backup exists, but not every VM was quiesced, or it is not in the chain yet); 4 another run holds the lock; 5 VMs "
    "may be left quiesced; 130 stopped by a signal, after releasing. The worst of all jobs wins: 5, 130, 1, 4, 3, 0."
)
LOOKING = "Exit codes: 0 looked; 1 the site could not be asked, or is not fit for a backup; 2 usage or configuration."
DRILLING = (
    "Exit codes: 0 every promise held; 1 a promise did not hold, or no run was played; 2 usage or configuration; "
    "3 more than a tenth of the runs could not be played."
)
JUDGING = (
    "Exit codes: 0 looked, whatever it shows; 1 the journals cannot be read; 2 usage or configuration. With --nagios: "
    "0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."
)
AUDITING = (
    "Exit codes: 0 nothing needs a hand; 1 something was found, or a source could not be asked; 2 usage or "
    "configuration."
)
EXAMINING = (
    "Exit codes: 0 a backup can be taken; 1 a link is broken; 2 usage or configuration, every fault of which is told."
)
READING = "Exit codes: 0 read; 1 a journal cannot be read; 2 usage or configuration, or no such run."
WRITING = "Exit codes: 0 written; 2 usage or configuration, or 130 stopped: nothing was written."

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="The configuration, or a snapall.bat as it stands; else SNAPALL_CONFIG; else snapall.toml here.",
    ),
]


def complete_job(ctx: typer.Context, incomplete: str) -> list[str]:
    """For a shell's completion: the jobs so begun; none when the configuration cannot be read."""
    given = ctx.params.get("config")  # before typer 0.29, as it was typed
    with suppress(SnapallError):
        return [name for name in load(given and Path(given), secrets=False).jobs if name.startswith(incomplete)]
    return []


Jobs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="JOB", help="Jobs of the configuration; all when none is named.", autocompletion=complete_job
    ),
]
OrderOption = Annotated[
    Literal["safe", "paper"] | None,
    typer.Option("--order", help="Rotate after the proof (safe), or first, as the batch does."),
]
Keep = Annotated[
    str, typer.Option("--keep", metavar="NAME", help="Take a backup of this name, outside the chain and never rotated.")
]
Json = Annotated[bool, typer.Option("--json", help="Results as JSON on stdout; for run, one event a line.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only trouble is told.")]


def leave(code: Exit) -> NoReturn:
    """End the command with this exit code."""
    raise typer.Exit(int(code))


def load(config: Path | None, *, secrets: bool = True) -> Config:
    """The configuration that is meant: by option, by environment, or here. ConfigError: every fault of it."""
    from snapall.config import load as configuration

    return configuration.load(configuration.find(config, os.environ), secrets=secrets)


def chosen(
    config: Path | None, names: list[str] | None, order: str | None, keep: str, *, secrets: bool = True
) -> tuple[Config, tuple[Job, ...]]:
    """The configuration and the jobs that are meant, in the order that was asked for.

    Without `secrets` nobody can be contacted, and who asks needs no right to read them.
    """
    from snapall.backup.model import Order
    from snapall.config.load import check_keep, jobs_named, with_order

    settings = load(config, secrets=secrets)
    jobs = jobs_named(settings, names or ())
    if keep:
        check_keep(keep, settings, jobs)
    return settings, tuple(with_order(job, Order(order)) if order is not None else job for job in jobs)


def say(line: str) -> None:
    """Print a line, whatever stands in it, on stdout."""
    typer.echo(printable(line))


def width() -> int:
    """Columns of the terminal; a pipe is given whole lines."""
    return os.get_terminal_size().columns if sys.stdout.isatty() else 0

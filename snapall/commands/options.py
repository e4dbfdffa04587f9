"""What the commands share: options, exit codes, loading the configuration, printing a result."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from snapall.errors import ConfigError, Exit, SnapallError
from snapall.escaping import printable

if TYPE_CHECKING:
    from snapall.backup.model import Job
    from snapall.config.settings import Config

USAGE = "2 usage or configuration error"
CODES = (
    f"Exit codes: 0 success; 1 no new backup; {USAGE}, nothing was begun; 3 partial (there is a backup, but some VM "
    "was not quiesced, or the backup is not published yet); 4 another run holds the lock; 5 VMs may be left quiesced; "
    "130 stopped by a signal, after the VMs were released. With several jobs the worst code wins: 5, 130, 1, 4, 3, 0."
)
RECOVERING = (
    f"Exit codes: 0 nothing is outstanding; 1 some work could not be finished; {USAGE}, nothing was begun; 3 the next "
    "run checks again; 4 another run holds the lock; 5 VMs may be left quiesced; 130 stopped by a signal. With several "
    "jobs the worst code wins: 5, 130, 1, 4, 3, 0."
)
LOOKING = f"Exit codes: 0 done; 1 the site did not answer, or is not fit for a backup; {USAGE}."
DRILLING = (
    f"Exit codes: 0 every promise held; 1 a promise was broken, or no run was played; {USAGE}; 3 more than a tenth of "
    "the runs could not be played."
)
JUDGING = (
    f"Exit codes: 0 done, whatever the state; 1 the journals cannot be read; {USAGE}. With --nagios: 0 OK, 1 WARNING, "
    "2 CRITICAL, 3 UNKNOWN."
)
AUDITING = f"Exit codes: 0 nothing to fix; 1 something to fix, or a source did not answer; {USAGE}."
DELETING = (
    f"Exit codes: 0 deleted, or shown; 1 not deleted; {USAGE}; 4 another run holds the lock; 130 stopped by a signal "
    "before anything was deleted."
)
VERIFYING = (
    f"Exit codes: 0 every VM that was checked can be read, or none was due; 1 one is damaged or was not read; {USAGE}; "
    "3 a clone may be left on the filer (`snapall recover` takes it down); 4 another run holds the lock; 130 stopped "
    "by a signal, after the clones were taken down."
)
USING = (
    f"Exit codes: 0 done, or shown; 1 not done: refused, or taken back; {USAGE}; 4 another run holds the lock; 130 "
    "stopped by a signal; what was begun is taken back."
)
SCHEDULING = f"Exit codes: 0 installed, printed or written; 1 not installed, or only in part; {USAGE}."
EXAMINING = f"Exit codes: 0 a backup can be taken; 1 a check failed; {USAGE} (all errors are listed)."
READING = f"Exit codes: 0 done; 1 a journal cannot be read; {USAGE}, or no such run."
WRITING = f"Exit codes: 0 written; {USAGE}; 130 stopped. Nothing is written unless the exit code is 0."

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="A snapall.toml, or a snapall.bat as it is. Default: $SNAPALL_CONFIG, else ./snapall.toml.",
    ),
]


def complete_job(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a job's name in the shell; offer nothing when the configuration cannot be read."""
    given = ctx.params.get("config")  # before typer 0.29, as it was typed
    with suppress(SnapallError):
        return [name for name in load(given and Path(given), secrets=False).jobs if name.startswith(incomplete)]
    return []


Jobs = Annotated[
    list[str] | None,
    typer.Argument(metavar="JOB", help="Jobs from the configuration. Default: all.", autocompletion=complete_job),
]
JobName = Annotated[
    str, typer.Argument(metavar="JOB", help="A job from the configuration.", autocompletion=complete_job)
]
OrderOption = Annotated[
    Literal["safe", "paper"] | None,
    typer.Option("--order", help="Rotate after the new backup is confirmed (safe), or first, as the batch does."),
]
Keep = Annotated[str, typer.Option("--keep", metavar="NAME", help="Take a backup called NAME, which is never rotated.")]
IfOlderThan = Annotated[
    str,
    typer.Option(
        "--if-older-than",
        metavar="AGE",
        help="Take a backup only of jobs whose newest good one is older: 20h, 90m, 2d. Clean up in any case.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Delete it; without this it is only shown.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
JsonEvents = Annotated[bool, typer.Option("--json", help="Print events as JSON on stdout, one per line.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only problems.")]
Transport = Annotated[Literal["ssh", "rsh"], typer.Option(help="How to reach the lab's filer.")]
Fast = Annotated[bool, typer.Option("--fast", help="Skip the delays of a real site.")]


def seconds_of(age: str, keep: str = "") -> float | None:
    """Read an age such as 20h, 90m or 2d; None if there is none. ConfigError: it is none, or `keep` contradicts it."""
    if not age:
        return None
    found = re.fullmatch(r"(\d{1,6})([mhd])", age.strip().lower())
    if found is None or not int(found[1]):
        raise ConfigError(
            f"--if-older-than: {age!r} is not an age", "write minutes, hours or days: 90m, 20h, 2d", "SA-1420"
        )
    if keep:
        raise ConfigError("--keep and --if-older-than exclude each other", "leave out one of them", "SA-1420")
    return int(found[1]) * {"m": 60.0, "h": 3600.0, "d": 86400.0}[found[2]]


def leave(code: Exit) -> NoReturn:
    """End the command with this exit code."""
    raise typer.Exit(int(code))


def load(config: Path | None, *, secrets: bool = True, settling: bool = False) -> Config:
    """Load the configuration that the option, the environment or the folder names. ConfigError: all its errors.

    Every command comes through here, so here root becomes the user who owns the state, and says so.
    """
    from snapall.app.service_user import become_owner_of
    from snapall.config import load as configuration

    path = configuration.find(config, os.environ)
    state = configuration.state_of(path)
    became = become_owner_of(state) if state is not None else ""
    try:
        settings = configuration.load(path, secrets=secrets, settling=settling)
    except ConfigError as error:
        hint = f"{error.hint}; {became}, who has to read these files" if became else error.hint
        raise ConfigError(error.message, hint, error.code) from error
    if became:
        typer.echo(printable(f"snapall: {became}"), err=True)
    return settings


def chosen(
    config: Path | None, names: list[str] | None, order: str | None = None, keep: str = "", *, secrets: bool = True
) -> tuple[Config, tuple[Job, ...]]:
    """Load the configuration and pick the jobs, in the order given.

    Without `secrets` no system can be contacted, and the caller needs no permission to read them.
    """
    from snapall.backup.model import Order
    from snapall.config.load import check_keep, jobs_named, with_order

    settings = load(config, secrets=secrets)
    jobs = jobs_named(settings, names or ())
    if keep:
        check_keep(keep, settings, jobs)
    return settings, tuple(with_order(job, Order(order)) if order is not None else job for job in jobs)


def say(*lines: str) -> None:
    """Print lines on stdout, with whatever could harm a terminal escaped."""
    for line in lines:
        typer.echo(printable(line))


def emit(result: Mapping[str, Any] | Iterable[str]) -> None:
    """Print a result on stdout: a mapping as JSON, anything else line by line."""
    for line in [json.dumps(result, indent=1)] if isinstance(result, Mapping) else result:
        typer.echo(line)


def width() -> int:
    """Return the columns of the terminal; 0 for a pipe, which gets whole lines."""
    from snapall.app.terminal import is_terminal

    return os.get_terminal_size().columns if is_terminal(sys.stdout) else 0

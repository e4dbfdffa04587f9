"""The commands: parse, build, call, exit."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from snapall import __version__
from snapall.errors import Exit, SnapallError

if TYPE_CHECKING:
    from snapall.backup.model import Job
    from snapall.config import Config

CODES = (
    "Exit codes: 0 whole success; 1 no new backup; 2 usage or configuration, before anything began; 3 partial (a "
    "backup exists, but not every VM was quiesced, or it is not in the chain yet); 4 another run holds the lock; 5 VMs "
    "may be left quiesced; 130 stopped by a signal, after releasing. The worst of all jobs wins: 5, 130, 1, 4, 3, 0."
)
LOOKING = "Exit codes: 0 looked; 1 the site could not be asked, or is not fit for a backup; 2 usage or configuration."
WRITING = "Exit codes: 0 written; 2 usage or configuration: nothing was written."

app = typer.Typer(
    name="snapall",
    help="Nightly backups of virtual machines by snapshots of the filer under them; no VM is left quiesced.",
    epilog=CODES,
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,  # rich takes longer to load than all of --help may take
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
lab = typer.Typer(
    help="A pretended site on this machine, to try snapall on.", rich_markup_mode=None, no_args_is_help=True
)
app.add_typer(lab, name="lab")

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="The configuration, or a snapall.bat as it stands; else SNAPALL_CONFIG; else snapall.toml here.",
    ),
]
Jobs = Annotated[
    list[str] | None, typer.Argument(metavar="JOB", help="Jobs of the configuration; all when none is named.")
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


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False) -> None:
    """Options of snapall itself."""
    if version:
        typer.echo(f"snapall {__version__}")
        raise typer.Exit


@app.command(epilog=CODES)
def run(
    jobs: Jobs = None,
    order: OrderOption = None,
    keep: Keep = "",
    config: ConfigFile = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Take the nightly backup.

    Settles what earlier runs owe, quiesces the VMs, captures and proves, releases, and rotates. `snapall plan` shows it
    beforehand.
    """
    from snapall import conduct

    settings, chosen = _chosen(config, jobs, order, keep)
    _leave(conduct.run(settings, chosen, conduct.Telling(as_json, quiet), keep))


@app.command(epilog=LOOKING)
def plan(
    jobs: Jobs = None, order: OrderOption = None, keep: Keep = "", config: ConfigFile = None, as_json: Json = False
) -> None:
    """Print what run would do.

    Command by command, each with its reason. Nothing is changed.
    """
    from snapall import conduct
    from snapall.views import reports

    settings, chosen = _chosen(config, jobs, order, keep)
    outlooks = [conduct.plan(settings, job, keep) for job in chosen]
    if as_json:
        typer.echo(json.dumps([reports.plan_json(one.first, one.plan, one.command) for one in outlooks], indent=1))
        return
    for one in outlooks:
        for line in reports.plan_lines(one.first, one.plan, one.command, _width()):
            typer.echo(line)


@app.command(epilog=CODES)
def recover(
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for creates that may still act.")] = False,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="List VM snapshots named as the jobs' that no run made.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --adopt: remove them.")] = False,
    config: ConfigFile = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Release what was left quiesced.

    Settles every run that died or could not finish, and lets proven backups into their chain. Doing it twice, or when
    nothing is owed, does no harm.
    """
    from snapall import conduct

    settings = _load(config)
    telling = conduct.Telling(as_json, quiet)
    if not adopt:
        _leave(conduct.recover(settings, telling, wait=not no_wait))
    found = conduct.find_strays(settings)
    for job, one in found:
        typer.echo(
            f"{job.name}: {one.vm.label} has {one.snapshot.name} ({one.snapshot.ssid}) since {one.snapshot.created}"
        )
    if not found:
        typer.echo("no VM snapshot is named as a job's that no run made")
    if found and not yes:
        typer.echo("nothing was removed: --yes removes them")
    _leave(conduct.remove_strays(settings, found, telling) if yes else Exit.OK)


@app.command("list", epilog=LOOKING)
def list_backups(
    job: Annotated[str | None, typer.Argument(help="A job of the configuration; all when none is named.")] = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """List the backups and their grades.

    Every snapshot of the jobs' volumes, newest first.
    """
    from snapall import conduct
    from snapall.views import reports

    settings, chosen = _chosen(config, [job] if job is not None else None, None, "")
    rows = [row for one in chosen for row in conduct.retained(settings, one)]
    if as_json:
        typer.echo(json.dumps(reports.list_json(rows), indent=1))
        return
    for line in reports.list_lines(rows):
        typer.echo(line)


@app.command(epilog=LOOKING)
def datastores(config: ConfigFile = None, as_json: Json = False) -> None:
    """List VirtualCenter's datastores.

    Id, name, VMs without templates, space, and which job takes it. Exits 1 when a job names one that is not there.
    """
    from snapall import conduct
    from snapall.views import reports

    rows, faults = conduct.datastores(_load(config))
    if as_json:
        typer.echo(json.dumps(reports.datastore_json(rows), indent=1))
    else:
        for line in reports.datastore_lines(rows):
            typer.echo(line)
    if faults:
        raise SnapallError("; ".join(faults), "correct `datastores` of the job: ids, or names that stand above once")


@app.command("import", epilog=WRITING)
def import_batch(
    batch: Annotated[Path, typer.Argument(metavar="FILE.bat", help="The batch file that takes the backups today.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="What to write; else snapall.toml beside the batch.")
    ] = None,
    secrets: Annotated[
        Literal["file", "env"], typer.Option(help="Where the passwords are to stand: files, or the environment.")
    ] = "file",
    write_secrets: Annotated[
        bool, typer.Option("--write-secrets", help="Write the passwords' files too, for their owner alone.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write snapall.toml from a batch.

    And tell what the batch does wrong, line by line. Nothing is overwritten, and no password is shown. What
    FILE.bat.toml beside the batch says is taken too. `snapall plan --config FILE.bat` needs no import.
    """
    from snapall import importing

    made = importing.write(batch, out, secrets, with_secrets=write_secrets, environ=os.environ)
    for line in [json.dumps(made.as_json(), indent=1)] if as_json else made.lines():
        typer.echo(line)


@app.command(epilog=CODES)
def demo(
    transport: Annotated[Literal["ssh", "rsh"], typer.Option(help="How the lab's filer is reached.")] = "ssh",
    fault: Annotated[
        str, typer.Option(metavar="NAME", help="Let something go wrong; `--fault help` lists the names.")
    ] = "",
    directory: Annotated[Path | None, typer.Option("--dir", help="Keep the lab here (a new folder).")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Answer without the delays of a real site.")] = False,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Save the console's picture.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Back up a pretended site.

    A whole backup of 19 VMs on this machine, proved by that site's own ledger. Exits as the backup does.
    """
    from snapall import demonstration
    from snapall.conduct import Telling

    if fault == "help":
        for line in demonstration.faults():
            typer.echo(line)
        return
    _leave(demonstration.run(transport, fault, directory, fast=fast, telling=Telling(as_json, quiet, svg)))


@lab.command("up")
def lab_up(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where the lab lives; made when it is not there.")],
    transport: Annotated[Literal["ssh", "rsh"], typer.Option(help="How the lab's filer is reached.")] = "ssh",
    fast: Annotated[bool, typer.Option("--fast", help="Answer without the delays of a real site.")] = False,
) -> None:
    """Serve a pretended site.

    Until Ctrl-C, with a ready snapall.toml in DIR.
    """
    from snapall import demonstration

    demonstration.serve(directory, transport, fast=fast)


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the command line, and turn expected errors into one message and their exit code."""
    try:
        app(argv)
    except SnapallError as error:
        _complain(error)
        _end(error.exit)
    except SystemExit as ending:
        _end(ending.code if isinstance(ending.code, int) else Exit.OK)
    _end(Exit.OK)


def _end(code: int) -> NoReturn:
    """Leave without a second complaint when whoever read our output has gone."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


def _complain(error: SnapallError) -> None:
    typer.echo(f"snapall: {error.message}", err=True)
    if error.hint:
        typer.echo(f"  remedy: {error.hint}", err=True)


def _leave(code: Exit) -> NoReturn:
    raise typer.Exit(int(code))


def _load(config: Path | None) -> Config:
    from snapall.config import find, load

    return load(find(config, os.environ))


def _chosen(
    config: Path | None, names: list[str] | None, order: str | None, keep: str
) -> tuple[Config, tuple[Job, ...]]:
    """The configuration and the jobs that are meant, in the order that was asked for."""
    from snapall.backup.model import Order
    from snapall.config import check_keep, jobs_named, with_order

    settings = _load(config)
    jobs = jobs_named(settings, names or ())
    if keep:
        check_keep(keep, jobs)
    return settings, tuple(with_order(job, Order(order)) if order is not None else job for job in jobs)


def _width() -> int:
    """Columns of the terminal; a pipe is given whole lines."""
    return os.get_terminal_size().columns if sys.stdout.isatty() else 0

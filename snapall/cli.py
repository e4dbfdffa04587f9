"""The command line: what there is to say, and how an error is told."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from functools import cache
from typing import Annotated, NoReturn, cast

import typer

from snapall import __version__
from snapall.commands import backup, import_batch, journals, look, set_up, simulate
from snapall.commands.options import AUDITING, CODES, DRILLING, EXAMINING, JUDGING, LOOKING, READING, WRITING
from snapall.errors import Exit, SnapallError
from snapall.escaping import printable

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
    help="A simulated site on this machine, for trying out snapall.", rich_markup_mode=None, no_args_is_help=True
)
app.add_typer(lab, name="lab")


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False) -> None:
    """Options of snapall itself."""
    if version:
        typer.echo(f"snapall {__version__}")
        raise typer.Exit


def _ending(codes: str, *examples: str) -> str:
    """What stands below a command's options."""
    return "\n\n".join([codes, *(f"Example: {one}" for one in examples)])


app.command(epilog=_ending(CODES, "snapall run", "snapall run vol1 --keep before-upgrade"))(backup.run)
app.command(epilog=_ending(LOOKING, "snapall plan --config snapall.bat --order paper"))(backup.plan)
app.command(epilog=_ending(CODES, "snapall recover", "snapall recover --adopt --yes"))(backup.recover)
app.command("list", epilog=_ending(LOOKING, "snapall list vol1 --json"))(look.list_backups)
app.command(epilog=_ending(JUDGING, "snapall status", "snapall status vol1 --nagios"))(journals.status)
app.command(epilog=_ending(READING, "snapall show", "snapall show 20070322T0300 --svg night.svg"))(journals.show)
app.command(epilog=_ending(READING, "snapall stats vol1 --last 90"))(journals.stats)
app.command(epilog=_ending(LOOKING, "snapall datastores"))(look.datastores)
app.command(epilog=_ending(AUDITING, "snapall audit"))(look.audit)
app.command(epilog=_ending(WRITING, "snapall init", "snapall init --vcenter vc01 --filer filer1"))(set_up.init)
app.command(epilog=_ending(EXAMINING, "snapall doctor", "snapall doctor vol1 --json"))(set_up.doctor)
app.command(epilog=_ending("Exit codes: 0 printed; 2 usage or configuration.", "snapall schema"))(set_up.schema)
app.command("import", epilog=_ending(WRITING, "snapall import snapall.bat --write-secrets"))(import_batch.import_batch)
app.command(epilog=_ending(CODES, "snapall demo", "snapall demo --fault vm-fails"))(simulate.demo)
app.command(epilog=_ending(DRILLING, "snapall drill --quick"))(simulate.drill)
lab.command("up", epilog="Example: snapall lab up /tmp/site --fast")(simulate.lab_up)


_USAGE: type[Exception] = typer.BadParameter.__mro__[1]  # click's UsageError, Typer's own or the library's


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the command line, and turn expected errors into one message and their exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file or a pipe may be of a code page that has not every letter of a VM's name; stderr does this by itself.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = _command()(argv, standalone_mode=False)
    except _USAGE as error:
        _end(_misused(cast("typer.BadParameter", error)))
    except SnapallError as error:
        _complain(error)
        _end(error.exit)
    except typer.Abort:
        # Ctrl-C or Ctrl-D at a question, or while something is looked at; a run heeds its signals itself.
        typer.echo("\nsnapall: stopped", err=True)
        _end(Exit.STOPPED)
    except SystemExit as ending:
        _end(ending.code if isinstance(ending.code, int) else Exit.OK)
    _end(code if isinstance(code, int) else Exit.OK)


@cache
def _command() -> Callable[..., object]:
    """The whole command line, built once: who calls `main` often does not pay 50 ms each time."""
    return typer.main.get_command(app)


def _misused(error: typer.BadParameter) -> int:
    """Tell what is wrong with the command line, whose words may hold anything."""
    told = io.StringIO()
    error.show(file=told)
    for line in told.getvalue().splitlines():
        typer.echo(printable(line), err=True)
    return error.exit_code


def _end(code: int) -> NoReturn:
    """Leave without a second complaint when whoever read our output has gone."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


def _complain(error: SnapallError) -> None:
    for number, line in enumerate(error.message.split("\n")):
        typer.echo(printable(line if number else f"snapall: {line}"), err=True)
    if error.hint:
        typer.echo(printable(f"  remedy: {error.hint}"), err=True)

"""The command line: the commands with their help, and how an error is printed."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from functools import cache
from typing import Annotated, NoReturn, cast

import typer

from snapall import __version__
from snapall.commands import (
    backup,
    documents,
    explain,
    import_batch,
    journals,
    look,
    restore,
    runbook,
    schedule,
    set_up,
    simulate,
    verify,
)
from snapall.commands.options import (
    AUDITING,
    CODES,
    DELETING,
    DRILLING,
    EXAMINING,
    JUDGING,
    LOOKING,
    READING,
    RECOVERING,
    SCHEDULING,
    USING,
    VERIFYING,
    WRITING,
)
from snapall.errors import ConfigError, Exit, SnapallError, coded
from snapall.escaping import printable
from snapall.views.glyphs import PLAINER

app = typer.Typer(
    name="snapall",
    help="Back up virtual machines with snapshots of the filer underneath. No VM is left quiesced.",
    epilog=CODES,
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,  # loading rich takes longer than all of --help may take
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
lab = typer.Typer(
    help="A simulated site on this machine, for trying out snapall.", rich_markup_mode=None, no_args_is_help=True
)
app.add_typer(lab, name="lab")


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    """Handle the options of snapall itself."""
    if version:
        typer.echo(f"snapall {__version__}")
        raise typer.Exit


def _epilog(codes: str, *examples: str) -> str:
    """The text below a command's options."""
    return "\n\n".join([codes, *(f"Example: {one}" for one in examples)])


app.command(
    epilog=_epilog(CODES, "snapall run", "snapall run vol1 --keep before-upgrade", "snapall run --if-older-than 20h")
)(backup.run)
app.command(epilog=_epilog(LOOKING, "snapall plan --config snapall.bat --order paper"))(backup.plan)
app.command(epilog=_epilog(RECOVERING, "snapall recover", "snapall recover vol1", "snapall recover --adopt --yes"))(
    backup.recover
)
app.command(epilog=_epilog(DELETING, "snapall delete before-upgrade", "snapall delete before-upgrade --yes"))(
    backup.delete
)
app.command("list", epilog=_epilog(LOOKING, "snapall list vol1 --json", "snapall list --kept"))(look.list_backups)
app.command(epilog=_epilog(JUDGING, "snapall status", "snapall status vol1 --nagios"))(journals.status)
app.command(epilog=_epilog(READING, "snapall show", "snapall show 20070322T0300 --svg night.svg"))(journals.show)
app.command(epilog=_epilog(READING, "snapall stats vol1 --last 90"))(journals.stats)
app.command(epilog=_epilog(LOOKING, "snapall datastores"))(look.datastores)
app.command(epilog=_epilog(AUDITING, "snapall audit"))(look.audit)
app.command(
    epilog=_epilog(
        USING,
        "snapall mount vol1 vmware_recent --vm sql01 --igroup helper",
        "snapall mount vol1 vmware_recent --lun /vol/vmvol1/sql01 --igroup helper --name test --for 14d",
    )
)(restore.mount)
app.command(epilog=_epilog(USING, "snapall unmount 20070322T040000Z", "snapall unmount --all"))(restore.unmount)
app.command(
    epilog=_epilog(
        USING,
        "snapall restore vol1 vmware_recent --vm sql01",
        "snapall restore vol1 vmware_recent --vm sql01 --way swap --yes",
    )
)(restore.restore)
app.command(epilog=_epilog(LOOKING, "snapall runbook vol1", "snapall runbook vol1 vmware_recent --html runbook.html"))(
    runbook.runbook
)
app.command(
    epilog=_epilog(
        VERIFYING, "snapall verify", "snapall verify --due", "snapall verify vol1 vmware_previous --vm sql01"
    )
)(verify.verify)
app.command(epilog=_epilog(WRITING, "snapall init", "snapall init --vcenter vc01 --filer filer1"))(set_up.init)
app.command(epilog=_epilog(EXAMINING, "snapall doctor", "snapall doctor vol1 --json"))(set_up.doctor)
app.command(epilog=_epilog(SCHEDULING, "snapall schedule", "snapall schedule --install --at 02:30"))(schedule.schedule)
app.command(epilog=_epilog("Exit codes: 0 printed; 2 usage or configuration.", "snapall schema"))(set_up.schema)
_EXPLAINING = "Exit codes: 0 explained; 2 usage or configuration error, or no such code."
app.command(epilog=_epilog(_EXPLAINING, "snapall explain SA-1101", "snapall explain"))(explain.explain)
_DOCUMENTING = "Exit codes: 0 written; 1 not written, or not all; 2 usage error, or there is something in the folder."
app.command(epilog=_epilog(_DOCUMENTING, "snapall docs snapall-docs"))(documents.docs)
app.command("import", epilog=_epilog(WRITING, "snapall import snapall.bat --write-secrets"))(import_batch.import_batch)
app.command(epilog=_epilog(CODES, "snapall demo", "snapall demo --fault vm-fails"))(simulate.demo)
app.command(epilog=_epilog(DRILLING, "snapall drill --quick"))(simulate.drill)
lab.command("up", epilog="Example: snapall lab up /tmp/site --fast")(simulate.lab_up)


_NO_DRY_RUN = ConfigError(
    "there is no --dry-run",
    "use `snapall plan`: it prints every command that a run would send, the cleanup that is due first among them, and "
    "changes nothing; `recover --adopt` and `delete` only show what they found unless you add --yes",
    "SA-1423",
)
_NO_INSTALL = ConfigError(
    "--install-completion installs nothing on Windows: it would loosen PowerShell's execution policy for this user",
    "add this line to the file that PowerShell calls $PROFILE: $env:_SNAPALL_COMPLETE = 'source_powershell'; "
    "snapall | Out-String | Invoke-Expression; $env:_SNAPALL_COMPLETE = ''",
    "SA-1941",
)
_USAGE: type[Exception] = typer.BadParameter.__mro__[1]  # click's UsageError, Typer's own or the library's


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the command line; print an expected error as one message, and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        # The code page of a file, a pipe or an old console may lack a letter of a VM's name, or a mark of the screen.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=PLAINER)
    try:
        if sys.platform == "win32" and "--install-completion" in (sys.argv[1:] if argv is None else argv):
            raise _NO_INSTALL
        code = _command()(argv, standalone_mode=False)
    except _USAGE as error:
        if getattr(error, "option_name", "") == "--dry-run":
            _print_error(_NO_DRY_RUN)
            _exit(_NO_DRY_RUN.exit)
        _exit(_print_usage_error(cast("typer.BadParameter", error)))
    except SnapallError as error:
        _print_error(error)
        _exit(error.exit)
    except typer.Abort:
        # Ctrl-C or Ctrl-D at a prompt, or during a command that only looks; a run handles its signals itself.
        typer.echo("\nsnapall: stopped", err=True)
        _exit(Exit.STOPPED)
    except SystemExit as ending:
        _exit(ending.code if isinstance(ending.code, int) else Exit.OK)
    _exit(code if isinstance(code, int) else Exit.OK)


@cache
def _command() -> Callable[..., object]:
    """The whole command line, built once: building it takes 50 ms."""
    return typer.main.get_command(app)


def _print_usage_error(error: typer.BadParameter) -> int:
    """Print what is wrong with the command line, escaped, since it quotes what was typed; return the exit code."""
    text = io.StringIO()
    error.show(file=text)
    for line in text.getvalue().replace(": Value error, ", ": ").splitlines():  # a checker's name, for nobody's use
        typer.echo(printable(line), err=True)
    return error.exit_code


def _exit(code: int) -> NoReturn:
    """Exit without a second error when the reader of our output has gone."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


def _print_error(error: SnapallError) -> None:
    lines = f"snapall: {coded(error.code, error.message)}".split("\n")
    lines += [f"  remedy: {error.hint}"] if error.hint else []
    if width := _columns():
        from snapall.views.columns import wrapped  # noqa: PLC0415 - rich

        lines = [part for line in lines for part in wrapped(line, width)]
    for line in lines:
        typer.echo(printable(line), err=True)


def _columns() -> int:
    """Return the columns of the terminal on stderr; 0 where there is none."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):
        return 0

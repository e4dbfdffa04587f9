"""init and doctor: write a first configuration, and check that a backup can be taken."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from snapall.commands import options
from snapall.errors import Exit
from snapall.escaping import printable


def doctor(
    jobs: options.Jobs = None,
    config: options.ConfigFile = None,
    notify: Annotated[
        bool, typer.Option("--notify", help="Also send a test message by each channel of [notify].")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Check everything a backup needs.

    Checks, in this order: file permissions, state folder, log, hooks, locks, outstanding cleanup, the schedule, the
    database (driver, login, tables, clock), datastores, vcbsnapshot and its login, each filer (connection, host key,
    login, version), each volume (snapshots, space, schedule, autodelete), and the plan of each job. Each problem comes
    with a remedy.
    Changes nothing. With --notify, it ends with a test message by syslog, event log and mail; it runs no hook.
    """
    from snapall.app import doctor
    from snapall.operate.doctor.checklist import Mark
    from snapall.views.doctor import doctor_json, doctor_lines

    settings, chosen = options.chosen(config, jobs)
    found = doctor.run_checks(settings, chosen, notify=notify)
    options.emit(doctor_json(found) if as_json else doctor_lines(found, options.width()))
    options.leave(Exit.FAILED if any(one.mark is Mark.FAILURE for one in found) else Exit.OK)


def schema() -> None:
    """Print the JSON schema of snapall.toml.

    Editors use it to complete and check the keys. The first line that `init` and `import` write points to the installed
    copy; `snapall schema > snapall.schema.json` makes one for another machine.
    """
    from snapall.config.json_schema import SHIPPED

    typer.echo(SHIPPED.read_text(encoding="utf-8"), nl=False)


_PasswordFile = Annotated[str | None, typer.Option(metavar="FILE", help="A file that contains its password.")]
_Vcbsnapshot = Annotated[
    str | None, typer.Option(metavar="COMMAND", help="The vcbsnapshot program and its leading arguments.")
]
_HostKey = Annotated[
    str | None, typer.Option(metavar="SHA256:...", help="The fingerprint that you expect its host key to have.")
]
_NoCheck = Annotated[bool, typer.Option("--no-check", help="Accept the answers unchecked; contact nothing.")]


class _Terminal:
    """The person at the terminal."""

    def ask(self, question: str, default: str | None, hidden: bool) -> str:
        return str(typer.prompt(question, default=default, hide_input=hidden, show_default=bool(default), err=True))

    def show(self, text: str) -> None:
        for line in text.split("\n"):
            typer.echo(printable(line), err=True)


def init(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write.")] = Path("snapall.toml"),
    vcenter: Annotated[str | None, typer.Option(metavar="HOST", help="VirtualCenter's host.")] = None,
    vcenter_user: Annotated[str | None, typer.Option(help="Its user; empty: VCB's config.js supplies it.")] = None,
    vcenter_password_file: _PasswordFile = None,
    vcbsnapshot: _Vcbsnapshot = None,
    database: Annotated[str | None, typer.Option(metavar="URL", help="For example mssql+pyodbc://USER@DSN.")] = None,
    database_password_file: _PasswordFile = None,
    owner: Annotated[str | None, typer.Option(help="Owner of the VPX_ tables. Default: discovered.")] = None,
    datastores: Annotated[str | None, typer.Option(metavar="LIST", help="Ids or names, separated by commas.")] = None,
    filer: Annotated[str | None, typer.Option(metavar="HOST", help="The filer's host.")] = None,
    transport: Annotated[str | None, typer.Option(metavar="ssh|rsh", help="How to reach the filer.")] = None,
    port: Annotated[str | None, typer.Option(metavar="N", help="Its port. Default: 22 for ssh, 514 for rsh.")] = None,
    filer_user: Annotated[str | None, typer.Option(help="Its user.")] = None,
    key_file: Annotated[str | None, typer.Option(metavar="FILE", help="A private RSA key.")] = None,
    filer_password_file: _PasswordFile = None,
    known_hosts: Annotated[str | None, typer.Option(metavar="FILE", help="The file for its host key.")] = None,
    host_key: _HostKey = None,
    local_user: Annotated[str | None, typer.Option(help="rsh: the local user name to send.")] = None,
    reserved_port: Annotated[bool, typer.Option(help="rsh: connect from a port below 1024.")] = True,
    volumes: Annotated[str | None, typer.Option(metavar="LIST", help="Volumes, separated by commas.")] = None,
    job: Annotated[str | None, typer.Option(help="The job's name. Default: its first volume.")] = None,
    prefix: Annotated[str | None, typer.Option(help="Prefix of the backups' names.")] = None,
    retain: Annotated[str | None, typer.Option(metavar="N", help="How many backups to retain.")] = None,
    no_check: _NoCheck = False,
) -> None:
    """Write a first snapall.toml.

    Asks for whatever no option supplies, and checks each answer against the site at once. Writes passwords to files
    that only you can read. Overwrites nothing. If you have an old snapall.bat, use `snapall import` instead.
    """
    given = {name.replace("_", "-"): value for name, value in locals().items() if isinstance(value, str)}
    if not reserved_port:
        given["reserved-port"] = "no"
    from snapall.app.init import Interview
    from snapall.app.terminal import is_terminal
    from snapall.config.init import require_place, write_first

    path = out.absolute()
    require_place(path)
    person = _Terminal() if is_terminal(sys.stdin) else None
    answers = Interview(given, person, path.parent, checks=not no_check).answers()
    options.say(*(f"wrote {file}" for file in write_first(path, answers)))
    options.say("Next: snapall doctor, then snapall plan, then snapall run")

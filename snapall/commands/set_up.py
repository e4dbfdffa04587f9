"""init and doctor: a first configuration, and whether a backup can be taken, before the night tells."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from snapall.commands import options
from snapall.errors import Exit
from snapall.escaping import printable


def doctor(jobs: options.Jobs = None, config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Look at every link of the chain.

    From the configuration to the filer, in order, with a remedy for each fault: file rights, state folder, hooks, lock,
    debts, database driver, login, tables and clock, datastores, vcbsnapshot and its login, the way to each filer, its
    version, each volume with its snapshots, space, schedule and autodelete, and all that a run would find. Nothing is
    changed.
    """
    from snapall.app import doctor
    from snapall.operate.doctor.checklist import Mark
    from snapall.views.doctor import doctor_json, doctor_lines

    settings, chosen = options.chosen(config, jobs, None, "")
    found = doctor.run_checks(settings, chosen)
    for line in [json.dumps(doctor_json(found), indent=1)] if as_json else doctor_lines(found, options.width()):
        typer.echo(line)
    options.leave(Exit.FAILED if any(one.mark is Mark.FAILURE for one in found) else Exit.OK)


class _Typist:
    """Whoever sits at the terminal."""

    def ask(self, question: str, default: str | None, hidden: bool) -> str:
        return str(typer.prompt(question, default=default, hide_input=hidden, show_default=bool(default), err=True))

    def tell(self, text: str) -> None:
        for line in text.split("\n"):
            typer.echo(printable(line), err=True)


def init(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="What to write.")] = Path("snapall.toml"),
    vcenter: Annotated[str | None, typer.Option(metavar="HOST", help="VirtualCenter's host.")] = None,
    vcenter_user: Annotated[str | None, typer.Option(help="Its user; empty: VCB's own config.js has it.")] = None,
    vcenter_password_file: Annotated[str | None, typer.Option(metavar="FILE", help="A file with it.")] = None,
    vcbsnapshot: Annotated[str | None, typer.Option(metavar="WORDS", help="The program, and its first words.")] = None,
    database: Annotated[str | None, typer.Option(metavar="URL", help="As mssql+pyodbc://USER@DSN.")] = None,
    database_password_file: Annotated[str | None, typer.Option(metavar="FILE", help="A file with it.")] = None,
    owner: Annotated[str | None, typer.Option(help="Who owns the VPX_ tables; left out: it is found.")] = None,
    datastores: Annotated[str | None, typer.Option(metavar="LIST", help="Ids or names, with commas.")] = None,
    filer: Annotated[str | None, typer.Option(metavar="HOST", help="The filer's host.")] = None,
    transport: Annotated[str | None, typer.Option(metavar="ssh|rsh", help="How it is reached.")] = None,
    port: Annotated[str | None, typer.Option(metavar="N", help="Its port; else 22 or 514.")] = None,
    filer_user: Annotated[str | None, typer.Option(help="Its user.")] = None,
    key_file: Annotated[str | None, typer.Option(metavar="FILE", help="A private RSA key.")] = None,
    filer_password_file: Annotated[str | None, typer.Option(metavar="FILE", help="A file with it.")] = None,
    known_hosts: Annotated[str | None, typer.Option(metavar="FILE", help="Where its host key stands.")] = None,
    host_key: Annotated[str | None, typer.Option(metavar="SHA256:...", help="Its fingerprint, to be written.")] = None,
    local_user: Annotated[str | None, typer.Option(help="rsh: who we say we are.")] = None,
    reserved_port: Annotated[bool, typer.Option(help="rsh: come from a privileged port.")] = True,
    volumes: Annotated[str | None, typer.Option(metavar="LIST", help="Volumes, with commas.")] = None,
    job: Annotated[str | None, typer.Option(help="The job's name; else its first volume's.")] = None,
    prefix: Annotated[str | None, typer.Option(help="Of the backups' names.")] = None,
    retain: Annotated[str | None, typer.Option(metavar="N", help="How many backups are retained.")] = None,
    no_check: Annotated[bool, typer.Option("--no-check", help="Take the answers on trust; contact nobody.")] = False,
) -> None:
    """Write a first snapall.toml.

    What no flag says is asked for, and each answer is tried as it is given. Passwords go into files of their own,
    for their owner alone. Nothing is overwritten. For an old snapall.bat there is `snapall import`.
    """
    given = {
        "vcenter": vcenter, "vcenter-user": vcenter_user, "vcenter-password-file": vcenter_password_file,
        "vcbsnapshot": vcbsnapshot, "database": database, "database-password-file": database_password_file,
        "owner": owner, "datastores": datastores, "filer": filer, "transport": transport, "port": port,
        "filer-user": filer_user, "key-file": key_file, "filer-password-file": filer_password_file,
        "known-hosts": known_hosts, "host-key": host_key, "local-user": local_user,
        "reserved-port": None if reserved_port else "no", "volumes": volumes, "job": job, "prefix": prefix,
        "retain": retain,
    }  # fmt: skip
    from snapall.app.init import Interview
    from snapall.config.firstfile import require_place, write_first

    path = out.absolute()
    require_place(path)
    person = _Typist() if sys.stdin.isatty() else None
    made = Interview(given, person, path.parent, tries=not no_check).answers()
    for file in write_first(path, made):
        options.say(f"wrote {file}")
    options.say("Next: snapall doctor, then snapall plan, then snapall run")

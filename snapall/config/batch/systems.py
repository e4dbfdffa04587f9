"""The log, VirtualCenter and its database, as all sequences of a batch file name them."""

from __future__ import annotations

import sys
from pathlib import Path, PureWindowsPath
from urllib.parse import quote

from snapall.config.batch.facts import (
    Located,
    Login,
    OsqlCall,
    QuiesceLoop,
    ReleaseLoop,
    Script,
    SnapshotQuery,
    VmQuery,
)
from snapall.config.batch.raw import Table, agreed
from snapall.config.batch.sequences import CommandSequence


def log(script: Script, table: Table) -> None:
    """Take over the one log to which everything goes."""
    table.log = agreed([(one, one.line) for one in script.logs], "the log file", script, ("log",), case=False)
    if table.log is not None:
        table.lines["log",] = table.log.line


def vcenter(sequences: list[CommandSequence], script: Script, table: Table) -> None:
    """Take over VirtualCenter as the vcbsnapshot lines reach it, one VM at a time."""
    loops: list[QuiesceLoop | ReleaseLoop] = []
    for sequence in sequences:
        loops += [*sequence.quiesces, *sequence.releases]
    logins = [(one.login, one.line) for one in loops]
    if not logins:
        return
    if len({login.bare for login, _ in logins}) > 1:
        line = next(line for login, line in logins if login.bare)
        text = "vcbsnapshot has neither -u nor -p here, but has them elsewhere"
        script.fault(line, text, "make the lines agree", ("vcenter", "user"))
    for key, case in (("host", False), ("user", False), ("password", True)):
        found = [(getattr(login, key), line) for login, line in logins]
        value = agreed(found, f"the {key} of vcbsnapshot", script, ("vcenter", key), case=case)
        if value is not None:
            table.put(("vcenter", key), value.text, value.line)
    unset = next(((login.unset_user, line) for login, line in logins if login.unset_user), None)
    reported = any(("vcenter", "user") in fault.keys for fault in script.faults)
    if unset is not None and not reported and all(login.user is None for login, _ in logins):
        what = unset[0] if unset[0].startswith("the ") else f"%{unset[0]}% is never set in this file"
        text = f"{what}, and no other vcbsnapshot line has a user"
        script.fault(unset[1], text, "set it, or set [vcenter] user in the overlay file", ("vcenter", "user"))
    table.put(("vcenter", "parallel"), 1, logins[0][1])
    _program([login for login, _ in logins], logins[0][1], script, table)


def _program(logins: list[Login], line: int, script: Script, table: Table) -> None:
    value = agreed(
        [(login.program, login.program.line) for login in logins if login.program is not None],
        "the program vcbsnapshot",
        script,
        ("vcenter", "vcbsnapshot"),
        case=False,
    )
    found = _installed(script.folder.text) if script.folder is not None and script.folder.text else None
    if value is not None:
        table.put(("vcenter", "vcbsnapshot"), [value.text], value.line)
    elif found is not None and script.folder is not None:
        table.put(("vcenter", "vcbsnapshot"), [found], script.folder.line)
    else:
        table.put(("vcenter", "vcbsnapshot"), ["vcbsnapshot"], line)


def _installed(folder: str) -> str | None:
    """Return vcbsnapshot in the folder to which the batch changes, if it is on this machine."""
    if sys.platform == "win32":
        program = PureWindowsPath(folder) / "vcbsnapshot.exe"
        return str(program) if Path(program).is_file() else None
    return None


def database(sequences: list[CommandSequence], script: Script, table: Table) -> None:
    """Take over the database as the osql lines reach it, and the owner of its tables."""
    queried: list[VmQuery | SnapshotQuery] = []
    for sequence in sequences:
        queried += [*sequence.queries, *sequence.lookups]
    queries: list[tuple[OsqlCall, str | None, int]] = [(one.database, one.owner, one.line) for one in queried]
    url = ("database", "url")
    login = agreed([(one.login, line) for one, _, line in queries], "the login of osql", script, url, case=False)
    dsn = agreed([(one.dsn, line) for one, _, line in queries], "the data source of osql", script, url, case=False)
    password = agreed(
        [(one.password, line) for one, _, line in queries], "the password of osql", script, ("database", "password")
    )
    # SQLAlchemy decodes the login of a URL, but takes the data source's name as it stands.
    if dsn is not None and any(char in dsn.text for char in "/:@?#[];{}"):
        text = "the data source's name has a character that no database URL can hold"
        script.fault(dsn.line, text, "set [database] url in the overlay file", url)
    elif dsn is not None and login is not None:
        table.put(url, f"mssql+pyodbc://{quote(login.text, safe='')}@{dsn.text}", dsn.line)
    if password is not None:
        table.put(("database", "password"), password.text, password.line)
    owners = [(Located(owner, line), line) for _, owner, line in queries if owner is not None]
    owner = agreed(list(owners), "the owner of the tables", script, ("database", "owner"), case=False)
    if owner is not None:
        table.put(("database", "owner"), owner.text, owner.line)

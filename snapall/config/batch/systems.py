"""The log, VirtualCenter and its database, as all sequences of a batch file name them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath
from urllib.parse import quote

from snapall.config.batch.contents import Located, Login, Query, VcbLoop
from snapall.config.batch.raw import Found, Table


def log(table: Table) -> None:
    """Take over the one log to which everything goes."""
    table.put_agreed(("log",), [(one, one.line) for one in table.script.logs], "the log file")


def vcenter(table: Table) -> None:
    """Take over VirtualCenter as the vcbsnapshot lines reach it, one VM at a time."""
    script, user = table.script, ("vcenter", "user")
    logins = [(one.login, one.line) for one in script.statements.of(VcbLoop)]
    if not logins:
        return
    if len({login.bare for login, _ in logins}) > 1:
        line = next(line for login, line in logins if login.bare)
        text = "vcbsnapshot has neither -u nor -p here, but has them elsewhere"
        script.fault(line, text, "make the lines agree", user)
    table.put_agreed(("vcenter", "host"), [(one.host, line) for one, line in logins], "the host of vcbsnapshot")
    table.put_agreed(user, [(one.user, line) for one, line in logins], "the user of vcbsnapshot")
    passwords: Found = [(one.password, line) for one, line in logins]
    table.put_agreed(("vcenter", "password"), passwords, "the password of vcbsnapshot", case=True)
    unset = next(((login.unset_user, line) for login, line in logins if login.unset_user), None)
    reported = any(user in fault.keys for fault in script.faults)
    if unset is not None and not reported and all(login.user is None for login, _ in logins):
        what = unset[0] if unset[0].startswith("the ") else f"%{unset[0]}% is never set in this file"
        text = f"{what}, and no other vcbsnapshot line has a user"
        script.fault(unset[1], text, "set it, or set [vcenter] user in the overlay file", user)
    table.put(("vcenter", "parallel"), 1, logins[0][1])
    _program([login for login, _ in logins], logins[0][1], table)


def _program(logins: Sequence[Login], line: int, table: Table) -> None:
    key, folder = ("vcenter", "vcbsnapshot"), table.script.folder
    found: Found = [(one.program, one.program.line) for one in logins if one.program]
    program = table.agreed(found, "the program vcbsnapshot", key)
    if program is None and folder is not None and folder.text:
        program = _installed(folder)
    program = program or Located("vcbsnapshot", line)
    table.put(key, [program.text], program.line)


def _installed(folder: Located) -> Located | None:
    """Return vcbsnapshot in the folder to which the batch changes, if it is on this machine."""
    if sys.platform == "win32":
        program = PureWindowsPath(folder.text) / "vcbsnapshot.exe"
        return Located(str(program), folder.line) if Path(program).is_file() else None
    return None


def database(table: Table) -> None:
    """Take over the database as the osql lines reach it, and the owner of its tables."""
    queries = table.script.statements.of(Query)
    url = ("database", "url")
    calls = [(one.database, one.line) for one in queries]
    login = table.agreed([(one.login, line) for one, line in calls], "the login of osql", url)
    dsn = table.agreed([(one.dsn, line) for one, line in calls], "the data source of osql", url)
    # SQLAlchemy decodes the login of a URL, but takes the data source's name as it stands.
    if dsn is not None and any(char in dsn.text for char in "/:@?#[];{}"):
        text = "the data source's name has a character that no database URL can hold"
        table.script.fault(dsn.line, text, "set [database] url in the overlay file", url)
    elif dsn is not None and login is not None:
        table.put(url, f"mssql+pyodbc://{quote(login.text, safe='')}@{dsn.text}", dsn.line)
    passwords = [(one.password, line) for one, line in calls]
    table.put_agreed(("database", "password"), passwords, "the password of osql", case=True)
    owners: Found
    owners = [(Located(one.owner, one.line), one.line) for one in queries if one.owner is not None]
    table.put_agreed(("database", "owner"), owners, "the owner of the tables")

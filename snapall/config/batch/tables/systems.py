"""The log, VirtualCenter and its database, as all sequences of a batch file name them."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath
from urllib.parse import quote

from snapall.config.batch.facts import DatabaseCall, Located, Login, Query, Statements, VcbCall
from snapall.config.batch.tables.raw import Found, Table


def vcenter(statements: Statements, table: Table) -> None:
    """Take over VirtualCenter as the vcbsnapshot lines reach it, one VM at a time."""
    findings, user = table.findings, ("vcenter", "user")
    logins = list({(one.login, one.line): None for one in statements.of(VcbCall)})
    if not logins:
        return
    if len({login.bare for login, _ in logins}) > 1:
        line = next(line for login, line in logins if login.bare)
        text = "vcbsnapshot has neither -u nor -p here, but has them elsewhere"
        findings.fault(line, text, "make the lines agree", user)
    table.put_agreed(("vcenter", "host"), [(one.host, line) for one, line in logins], "the host of vcbsnapshot")
    table.put_agreed(user, [(one.user, line) for one, line in logins], "the user of vcbsnapshot")
    passwords: Found = [(one.password, line) for one, line in logins]
    table.put_agreed(("vcenter", "password"), passwords, "the password of vcbsnapshot", case=True)
    unset = next(((login.unset_user, line) for login, line in logins if login.unset_user), None)
    reported = any(user in fault.keys for fault in findings.faults)
    if unset is not None and not reported and all(login.user is None for login, _ in logins):
        what = unset[0] if unset[0].startswith("the ") else f"%{unset[0]}% is never set in this file"
        text = f"{what}, and no other vcbsnapshot line has a user"
        findings.fault(unset[1], text, "set it, or set [vcenter] user in the overlay file", user)
    table.put(("vcenter", "parallel"), 1, logins[0][1])
    _program([login for login, _ in logins], logins[0][1], table)


def _program(logins: Sequence[Login], line: int, table: Table) -> None:
    key = ("vcenter", "vcbsnapshot")
    found: Found = [(one.program, one.program.line) for one in logins if one.program]
    program = table.agreed(found, "the program vcbsnapshot", key)
    program = program or Located(_installed(logins[0].folder) or "vcbsnapshot", line)
    table.put(key, [program.text], program.line)


def _installed(folder: str) -> str:
    """Return vcbsnapshot in the folder to which the batch changes, if it is on this machine; else ""."""
    if sys.platform == "win32":
        program = PureWindowsPath(folder) / "vcbsnapshot.exe"
        return str(program) if Path(program).is_file() else ""
    return ""


def database(statements: Statements, table: Table) -> None:
    """Take over the database as the osql lines reach it, and the owner of its tables."""
    queries = statements.of(Query)
    calls = [(one.database, one.line) for one in queries]
    _url(calls, table)
    passwords = [(None if one.integrated else one.password, line) for one, line in calls]
    table.put_agreed(("database", "password"), passwords, "the password of osql", case=True)
    owners: Found
    owners = [(Located(one.owner, one.line), one.line) for one in queries if one.owner is not None]
    table.put_agreed(("database", "owner"), owners, "the owner of the tables")


def _url(calls: Sequence[tuple[DatabaseCall, int]], table: Table) -> None:
    """Write the URL of a data source, or of a server and its database by the driver that each Windows has."""
    key = ("database", "url")
    login = table.agreed([(one.login, line) for one, line in calls], "the login of osql", key)
    dsn = table.agreed([(one.dsn, line) for one, line in calls], "the data source of osql", key)
    server = table.agreed([(one.server, line) for one, line in calls], "the server of osql", key)
    name = table.agreed([(one.name, line) for one, line in calls], "the database of osql", key)
    kinds = {(one.integrated, one.dsn is None, one.server is None, one.name is None) for one, _ in calls}
    if len(kinds) > 1:
        table.findings.fault(
            calls[-1][1], "this line reaches the database differently from the lines above", "make the lines agree", key
        )
        return
    place = dsn or server
    integrated = any(one.integrated for one, _ in calls)
    if place is None or (login is None and not integrated):
        return
    odd = [one for one in (place, name) if one is not None and re.search(r"[/:@?#\[\];{}]", one.text)]
    if odd:
        what = "the data source's name" if dsn is not None else "the server or the database"
        text = f"{what} has a character that no database URL can hold"
        table.findings.fault(odd[0].line, text, "set [database] url in the overlay file", key)
        return
    # SQLAlchemy decodes the login of a URL, but takes the data source's name as it stands.
    user = "" if integrated or login is None else quote(login.text, safe="")
    of_server = "" if dsn is not None else f"/{name.text if name is not None else ''}?driver=SQL+Server"
    table.put(key, f"mssql+pyodbc://{user}@{place.text}{of_server}", place.line)

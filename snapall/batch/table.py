"""The nights of a batch file -> the raw configuration, as a snapall.toml would give it, and the line of each key."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from urllib.parse import quote

from snapall.batch.chain import chain_of, naming
from snapall.batch.facts import (
    ANY,
    Database,
    KeyPath,
    Login,
    Quiesce,
    Release,
    Said,
    Script,
    Snap,
    SnapshotQuery,
    VmQuery,
)
from snapall.batch.nights import Night, nights_of

Raw = dict[str, object]


@dataclass(slots=True)
class Table:
    """The configuration's tables, and where each key was read."""

    raw: dict[str, Raw] = field(default_factory=dict)
    log: Said | None = None
    lines: dict[KeyPath, int] = field(default_factory=dict)

    def put(self, path: tuple[str, ...], value: object, line: int) -> None:
        """A key with its value."""
        table: Raw = self.raw.setdefault(path[0], {})
        if len(path) == 3:
            inner = table.setdefault(path[1], {})
            table = inner if isinstance(inner, dict) else {}
        table[path[-1]] = value
        self.lines[path] = line

    def whole(self) -> Raw:
        """All of it, as tomllib gives a file."""
        return ({"log": self.log.text} if self.log is not None else {}) | dict(self.raw)


def table_of(script: Script) -> Table:
    """What the file configures. What does not agree with itself is a fault, and then stays out of the table."""
    table = Table()
    nights = nights_of(script)
    _log(script, table)
    _vcenter(nights, script, table)
    _database(nights, script, table)
    for night in nights:
        _job(night, script, table)
    return table


def _agreed(
    found: list[tuple[Said | None, int]], what: str, script: Script, *keys: KeyPath, case: bool = True
) -> Said | None:
    """The one value that all lines give; None with a fault when two differ. The values are not shown."""
    given = [(said, line) for said, line in found if said is not None]
    if not given:
        return None
    first = given[0][0]
    for said, line in given[1:]:
        same = said.text == first.text if case else said.text.lower() == first.text.lower()
        if not same:
            text = f"{what} is another one than on line {given[0][1]}"
            script.fault(line, text, "snapall takes one for all: make the lines agree", *keys)
            return None
    return first


def _log(script: Script, table: Table) -> None:
    table.log = _agreed([(one, one.line) for one in script.logs], "the log file", script, ("log",), case=False)
    if table.log is not None:
        table.lines["log",] = table.log.line


def _vcenter(nights: list[Night], script: Script, table: Table) -> None:
    loops: list[Quiesce | Release] = []
    for night in nights:
        loops += [*night.quiesces, *night.releases]
    logins = [(one.login, one.line) for one in loops]
    if not logins:
        return
    if len({login.bare for login, _ in logins}) > 1:
        line = next(line for login, line in logins if login.bare)
        text = "vcbsnapshot has neither -u nor -p here, but elsewhere it has"
        script.fault(line, text, "make the lines agree", ("vcenter", "user"))
    for key, case in (("host", False), ("user", False), ("password", True)):
        found = [(getattr(login, key), line) for login, line in logins]
        said = _agreed(found, f"the {key} of vcbsnapshot", script, ("vcenter", key), case=case)
        if said is not None:
            table.put(("vcenter", key), said.text, said.line)
    unset = next(((login.unset_user, line) for login, line in logins if login.unset_user), None)
    told = any(("vcenter", "user") in fault.keys for fault in script.faults)
    if unset is not None and not told and all(login.user is None for login, _ in logins):
        what = unset[0] if unset[0].startswith("the ") else f"%{unset[0]}% is never set in this file"
        text = f"{what}, and no other vcbsnapshot line has a user"
        script.fault(unset[1], text, "set it, or give [vcenter] user in the overlay file", ("vcenter", "user"))
    table.put(("vcenter", "parallel"), 1, logins[0][1])
    _program([login for login, _ in logins], logins[0][1], script, table)


def _program(logins: list[Login], line: int, script: Script, table: Table) -> None:
    said = _agreed(
        [(login.program, login.program.line) for login in logins if login.program is not None],
        "the program vcbsnapshot",
        script,
        ("vcenter", "vcbsnapshot"),
        case=False,
    )
    found = _installed(script.folder.text) if script.folder is not None and script.folder.text else None
    if said is not None:
        table.put(("vcenter", "vcbsnapshot"), [said.text], said.line)
    elif found is not None and script.folder is not None:
        table.put(("vcenter", "vcbsnapshot"), [found], script.folder.line)
    else:
        table.put(("vcenter", "vcbsnapshot"), ["vcbsnapshot"], line)


def _installed(folder: str) -> str | None:
    """vcbsnapshot in the folder to which the batch changes, if it is on this machine."""
    if sys.platform == "win32":
        program = PureWindowsPath(folder) / "vcbsnapshot.exe"
        return str(program) if Path(program).is_file() else None
    return None


def _database(nights: list[Night], script: Script, table: Table) -> None:
    asked: list[VmQuery | SnapshotQuery] = []
    for night in nights:
        asked += [*night.queries, *night.lookups]
    queries: list[tuple[Database, str | None, int]] = [(one.database, one.owner, one.line) for one in asked]
    url = ("database", "url")
    login = _agreed([(one.login, line) for one, _, line in queries], "the login of osql", script, url, case=False)
    dsn = _agreed([(one.dsn, line) for one, _, line in queries], "the data source of osql", script, url, case=False)
    password = _agreed(
        [(one.password, line) for one, _, line in queries], "the password of osql", script, ("database", "password")
    )
    # SQLAlchemy decodes the login of a URL, but takes the data source's name as it stands.
    if dsn is not None and any(char in dsn.text for char in "/:@?#[];{}"):
        text = "the data source's name has a sign that no database URL can hold"
        script.fault(dsn.line, text, "give [database] url in the overlay file", url)
    elif dsn is not None and login is not None:
        table.put(url, f"mssql+pyodbc://{quote(login.text, safe='')}@{dsn.text}", dsn.line)
    if password is not None:
        table.put(("database", "password"), password.text, password.line)
    owners = [(Said(owner, line), line) for _, owner, line in queries if owner is not None]
    owner = _agreed(list(owners), "the owner of the tables", script, ("database", "owner"), case=False)
    if owner is not None:
        table.put(("database", "owner"), owner.text, owner.line)


def _job(night: Night, script: Script, table: Table) -> None:
    volumes: dict[str, list[Snap]] = {}
    for snap in night.snaps:
        if snap.volume is not None:
            volumes.setdefault(snap.volume.text, []).append(snap)
    filer = _agreed([(snap.filer, snap.line) for snap in night.snaps], "the filer", script, case=False)
    user = _user(night, script)
    if not volumes or filer is None:
        return
    name = _name(next(iter(volumes)), filer.text, night, script, table)
    filer_name = _filer(filer, user, script, table)
    first = night.snaps[0].volume
    where = first.line if first is not None else night.line
    table.put(("jobs", name, "filer"), filer_name, filer.line)
    table.put(("jobs", name, "volumes"), list(volumes), where)
    _datastores(name, night, script, table)
    _chains(name, volumes, script, table)
    _vm_snapshot(name, night, script, table)
    table.put(("jobs", name, "order"), "safe", night.line)


def _user(night: Night, script: Script) -> Said | None:
    """The user of rsh, if all lines name one."""
    key = ("filers", ANY, "user")
    without = [snap.line for snap in night.snaps if snap.user is None]
    if without and len(without) < len(night.snaps):
        script.fault(without[0], "rsh has no -l here, but elsewhere it has", "make the lines agree", key)
        return None
    return _agreed([(snap.user, snap.line) for snap in night.snaps], "the user of rsh", script, key)


def _name(volume: str, filer: str, night: Night, script: Script, table: Table) -> str:
    taken = {one.lower() for one in table.raw.get("jobs", {})}
    if volume.lower() not in taken:
        return volume
    other = f"{filer}-{volume}"
    if other.lower() in taken or filer.lower() in {one.lower() for one in table.raw.get("filers", {})}:
        text = f"the volume {volume} is backed up twice in this file"
        script.fault(night.line, text, "keep one of the two sequences")
    return other


def _filer(filer: Said, user: Said | None, script: Script, table: Table) -> str:
    """The table of the filer, under the name that it was first written by."""
    for known, keys in table.raw.get("filers", {}).items():
        if known.lower() == filer.text.lower():
            before = keys.get("user") if isinstance(keys, dict) else None
            if before != (user.text if user is not None else None):
                text = f"the user of rsh for {filer.text} is another one than above"
                script.fault(filer.line, text, "make the lines agree", ("filers", ANY, "user"))
            return known
    table.put(("filers", filer.text, "host"), filer.text, filer.line)
    table.put(("filers", filer.text, "transport"), "rsh", filer.line)
    if user is not None:
        table.put(("filers", filer.text, "user"), user.text, user.line)
    return filer.text


def _datastores(name: str, night: Night, script: Script, table: Table) -> None:
    if any(query.datastores is None for query in night.queries) or not night.queries:
        return
    ids = list(dict.fromkeys(one for query in night.queries for one in query.datastores or ()))
    table.put(("jobs", name, "datastores"), ids, night.queries[0].line)
    for look in night.lookups:
        if look.limited_to and set(look.limited_to) != set(ids):
            text = "the query for the VM snapshots is limited to other datastores than the query for the VMs"
            script.fault(look.line, text, "make the two queries agree", ("jobs", name, "datastores"))


def _chains(name: str, volumes: dict[str, list[Snap]], script: Script, table: Table) -> None:
    chains = {volume: chain_of(volume, snaps, script) for volume, snaps in volumes.items()}
    found = [chain for chain in chains.values() if chain is not None]
    if len(found) != len(chains):
        return
    first = found[0]
    for volume, chain in zip(chains, found, strict=True):
        if tuple(one.text for one in chain) != tuple(one.text for one in first):
            text = f"the chain of {volume} is another one than that of {next(iter(chains))}"
            remedy = "volumes of one sequence share one chain of names: make them agree, or write two sequences"
            script.fault(chain[0].line, text, remedy, ("jobs", name, "chain"))
            return
    for key, value in naming(first).items():
        table.put(("jobs", name, key), value, first[0].line)


def _vm_snapshot(name: str, night: Night, script: Script, table: Table) -> None:
    key = ("jobs", name, "vm_snapshot")
    said = _agreed([(one.name, one.line) for one in night.quiesces], "the VM snapshot's name", script, key)
    if said is None:
        return
    for look in night.lookups:
        if look.name is not None and look.name.lower() != said.text.lower():
            text = f"it looks for another snapshot name than the one that line {said.line} gives"
            script.fault(look.line, text, "make the two lines agree", key)
            return
    table.put(key, said.text, said.line)

"""An osql command line -> one of the batch's two queries, and how it reaches the database."""

from __future__ import annotations

from snapall.config.batch import statements
from snapall.config.batch.facts import ANY, ListFile, Located, OsqlCall, Script, SnapshotQuery, VmQuery
from snapall.config.batch.lines import Command, Word
from snapall.config.batch.programs import option_of, split_option
from snapall.config.batch.variables import Variables

_URL = ("database", "url")
_LONGEST_QUERY = 2000
PROGRAMS = ("osql", "isql", "sqlcmd")
"""The programs that query SQL Server."""
_MOST_QUOTED = 120
_OTHER_VMS = (
    "datastores can be imported by id (ds_id = 688); otherwise set `datastores` of the job in the overlay file, and "
    "list VMs to leave out under its vms"
)
_OTHER_SNAPSHOTS = "snapall removes only its own snapshots; set `vm_snapshot` of the job in the overlay file"
_BY_OVERLAY = "set what it means in the overlay file"


def osql(command: Command, line: int, variables: Variables, script: Script) -> VmQuery | SnapshotQuery | None:
    """Read `osql -U LOGIN -P PASSWORD -D DSN -h-1 -Q QUERY -o FILE`; isql and sqlcmd share these options."""
    given: dict[str, Word] = {}
    words = list(command.words[1:])
    while words:
        word = words.pop(0)
        name, attached = split_option(word)
        if name in ("-h", "-w", "-Q", "-U", "-P", "-D", "-o"):
            value = attached if attached is not None else (words.pop(0) if words else Word(()))
            given[name] = value
        elif name in ("-n", "-b") and attached is None:
            continue
        else:
            given[name] = word
            if name in ("-S", "-d") and attached is None and words:
                words.pop(0)
            keys, remedy = _OSQL_OPTIONS.get(name, ((), "remove it if you can"))
            text = f"{command.program} has an option ({option_of(word)}) that is not supported"
            script.fault(line, text, remedy, *keys)
            if not keys:
                return None
    if given.get("-h", Word(())).text not in ("-1", ""):
        script.fault(line, f"{command.program} uses -h with a value other than -1", "write -h-1")
    return _query(given, command, line, variables, script)


_OSQL_OPTIONS: dict[str, tuple[tuple[tuple[str, ...], ...], str]] = {
    "-E": ((_URL,), 'set [database] url in the overlay file, for a login of Windows "mssql+pyodbc://@DSN"'),
    "-S": ((_URL,), "set [database] url in the overlay file, with that server or a DSN for it"),
    "-d": ((_URL,), "set [database] url in the overlay file, with that database or a DSN for it"),
}


def _query(
    given: dict[str, Word], command: Command, line: int, variables: Variables, script: Script
) -> VmQuery | SnapshotQuery | None:
    database = _database(given, line, variables, script)
    sql = variables.use(given["-Q"], line, "the query") if "-Q" in given else None
    if sql is not None and len(sql.text) > _LONGEST_QUERY:
        script.fault(line, "the query is too long", "restore the query of the original")
        return None
    if sql is None:
        if "-Q" not in given:
            script.fault(line, "osql has no -Q", 'write the query after -Q, in quotes: -Q "SELECT ..."')
        return None
    out = _out(given, command, line, variables, script)
    file = _file(given, command)
    found = statements.read(sql.text)
    if found is None:
        text = "the query is neither the original's query for VMs nor its query for snapshots"
        script.fault(line, text, "write snapall.toml by hand, or restore the query of the original")
        return None
    if found.owner is None:
        remedy = "set [database] owner in the overlay file"
        script.fault(line, "the query names two owners", remedy, ("database", "owner"))
    match found:
        case statements.Vms():
            _filter(found.filter, _OTHER_VMS, "datastores", line, script)
            ids = None if found.filter else found.datastores
            return VmQuery(line, database, out, found.owner, ids, found.templates, file)
        case statements.Snapshots():
            _filter(found.filter, _OTHER_SNAPSHOTS, "vm_snapshot", line, script)
            return SnapshotQuery(line, database, out, found.owner, found.name, found.limited_to, file)


def _file(given: dict[str, Word], command: Command) -> ListFile:
    """Return how the result is written: -o overwrites its file; without -h-1 it has two header lines."""
    appended = "-o" not in given and any(one.sign == ">>" for one in command.redirects if one.handle == "1")
    return ListFile(0 if "-h" in given else 2, appended)


def _filter(text: str, remedy: str, key: str, line: int, script: Script) -> None:
    if text:
        excerpt = text if len(text) <= _MOST_QUOTED else f"{text[:_MOST_QUOTED]}..."
        script.fault(line, f"the query has an unknown filter: {excerpt}", remedy, ("jobs", ANY, key))


def _out(given: dict[str, Word], command: Command, line: int, variables: Variables, script: Script) -> str | None:
    """Return the file that the query writes, in lower case; none is a fault."""
    word = given.get("-o")
    for redirect in command.redirects:
        if redirect.handle == "1" and word is None:
            word = redirect.target
    if word is None:
        script.fault(line, "the query's result is written nowhere", "write -o FILE")
        return None
    value = variables.use(word, line, "the file of the query's result")
    return value.text.lower() if value is not None else None


def _database(given: dict[str, Word], line: int, variables: Variables, script: Script) -> OsqlCall:
    password = ("database", "password")
    found: dict[str, Located | None] = {}
    for option, what, keys in (
        ("-U", "the login of osql", (_URL,)),
        ("-P", "the password of osql", (password,)),
        ("-D", "the data source of osql", (_URL,)),
    ):
        found[option] = None
        if option in given:
            found[option] = variables.use(given[option], line, what, *keys, secret=option == "-P")
        elif ("-S" if option == "-D" else "-E") not in given:
            script.fault(line, f"osql has no {option}: {what} is missing", _BY_OVERLAY, *keys)
    if "-P" in given:
        script.in_command_lines.append(line)
    return OsqlCall(found["-U"], found["-P"], found["-D"])

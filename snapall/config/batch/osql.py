"""An osql command line -> one of the batch's two queries, and how it reaches the database."""

from __future__ import annotations

from dataclasses import replace

from snapall.config.batch import statements
from snapall.config.batch.contents import ANY, Located, OsqlCall, Query, VmQuery
from snapall.config.batch.lines import Command, Word
from snapall.config.batch.programs import option_of, split_option
from snapall.config.batch.shell import Shell

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


def osql(command: Command, shell: Shell) -> Query | None:
    """Read `osql -U LOGIN -P PASSWORD -D DSN -h-1 -Q QUERY -o FILE`; isql and sqlcmd share these options."""
    given: dict[str, Word] = {}
    rest = list(command.argv[1:])
    while rest:
        word = rest.pop(0)
        name, attached = split_option(word)
        if name in ("-h", "-w", "-Q", "-U", "-P", "-D", "-o"):
            given[name] = attached if attached is not None else (rest.pop(0) if rest else Word(()))
        elif name not in ("-n", "-b") or attached is not None:
            given[name] = word
            if name in ("-S", "-d") and attached is None and rest:
                rest.pop(0)
            keys, remedy = _OSQL_OPTIONS.get(name, ((), "remove it if you can"))
            shell.fault(f"{command.program} has an option ({option_of(word)}) that is not supported", remedy, *keys)
            if not keys:
                return None
    if given.get("-h", Word(())).text not in ("-1", ""):
        shell.fault(f"{command.program} uses -h with a value other than -1", "write -h-1")
    return _query(given, command, shell)


_OSQL_OPTIONS: dict[str, tuple[tuple[tuple[str, ...], ...], str]] = {
    "-E": ((_URL,), 'set [database] url in the overlay file, for a login of Windows "mssql+pyodbc://@DSN"'),
    "-S": ((_URL,), "set [database] url in the overlay file, with that server or a DSN for it"),
    "-d": ((_URL,), "set [database] url in the overlay file, with that database or a DSN for it"),
}


def _query(given: dict[str, Word], command: Command, shell: Shell) -> Query | None:
    database = _database(given, shell)
    if "-Q" not in given:
        shell.fault("osql has no -Q", 'write the query after -Q, in quotes: -Q "SELECT ..."')
        return None
    sql = shell.use(given["-Q"], "the query")
    if sql is None:
        return None
    if len(sql.text) > _LONGEST_QUERY:
        shell.fault("the query is too long", "restore the query of the original")
        return None
    out = _out(given, command, shell)
    found = statements.read(sql.text)
    if found is None:
        text = "the query is neither the original's query for VMs nor its query for snapshots"
        shell.fault(text, "write snapall.toml by hand, or restore the query of the original")
        return None
    if found.owner is None:
        shell.fault("the query names two owners", "set [database] owner in the overlay file", ("database", "owner"))
    if found.filter:
        excerpt = found.filter if len(found.filter) <= _MOST_QUOTED else f"{found.filter[:_MOST_QUOTED]}..."
        remedy, key = (_OTHER_VMS, "datastores") if isinstance(found, VmQuery) else (_OTHER_SNAPSHOTS, "vm_snapshot")
        shell.fault(f"the query has an unknown filter: {excerpt}", remedy, ("jobs", ANY, key))
    # -o overwrites its file; without -h-1 the result has two header lines.
    appended = "-o" not in given and any(one.sign == ">>" for one in command.redirects if one.handle == "1")
    headers = 0 if "-h" in given else 2
    return replace(found, line=shell.line, database=database, out=out, headers=headers, appended=appended)


def _out(given: dict[str, Word], command: Command, shell: Shell) -> str | None:
    """Return the file that the query writes, in lower case; none is a fault."""
    written = [given.get("-o"), *(one.target for one in command.redirects if one.handle == "1")]
    word = next((one for one in written if one is not None), None)
    if word is None:
        shell.fault("the query's result is written nowhere", "write -o FILE")
        return None
    value = shell.use(word, "the file of the query's result")
    return value.text.lower() if value is not None else None


def _database(given: dict[str, Word], shell: Shell) -> OsqlCall:
    found: dict[str, Located | None] = {}
    for option, what, key in (
        ("-U", "the login of osql", _URL),
        ("-P", "the password of osql", ("database", "password")),
        ("-D", "the data source of osql", _URL),
    ):
        found[option] = shell.use(given.get(option), what, key, secret=option == "-P")
        if option not in given and ("-S" if option == "-D" else "-E") not in given:
            shell.fault(f"osql has no {option}: {what} is missing", _BY_OVERLAY, key)
    if "-P" in given:
        shell.script.in_command_lines.append(shell.line)
    return OsqlCall(found["-U"], found["-P"], found["-D"])

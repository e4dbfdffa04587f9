"""An osql command line -> one of the batch's two queries, and how it reaches the database."""

from __future__ import annotations

from dataclasses import replace

from snapall.config.batch.commands import statements
from snapall.config.batch.commands.programs import Options, query_options, shown
from snapall.config.batch.desk import Desk
from snapall.config.batch.facts import ANY, DatabaseCall, Located, Query, VmQuery
from snapall.config.batch.rehearsals.answers import ProgramAnswers
from snapall.config.cmd import ProgramCall
from snapall.config.query import query_fault

_URL = ("database", "url")
_KEYS = {"-U": (_URL,), "-D": (_URL,), "-S": (_URL,), "-d": (_URL,), "-P": (("database", "password"),)}
_LONGEST_QUERY = 2000
_MOST_QUOTED = 120
_OTHER_SNAPSHOTS = "snapall removes only its own snapshots; set `vm_snapshot` of the job in the overlay file"
_OTHER_VMS = "correct it in a copy, or set `datastores` or `query` of the job in the overlay file"


def query(call: ProgramCall, line: int, desk: Desk, night: ProgramAnswers) -> Query | None:
    """Read `osql -U LOGIN -P PASSWORD -D DSN -h-1 -Q QUERY -o FILE`; isql and sqlcmd share these options."""
    options = query_options(call)
    fault = desk.findings.fault
    odd = [*options.unknown, *(one for one in ("-i", "-q") if one in options.given)]
    for after in options.after:
        if not desk.cut(line, *_KEYS.get(after, ())):
            odd += options.plain
    if odd:
        text = f"{call.name} has an option ({shown(odd[0])}) that is not supported"
        fault(
            line,
            text,
            'write the query after -Q, in quotes: -Q "SELECT ..."' if "-" not in odd[0] else "remove it if possible",
        )
        return None
    if options.given.get("-h", "-1") != "-1":
        fault(line, f"{call.name} uses -h with a value other than -1", "write -h-1")
    database = _database(call.name, options, line, desk)
    sql = options.value("-Q")
    if sql is None:
        fault(line, f"{call.name} has no -Q", 'write the query after -Q, in quotes: -Q "SELECT ..."')
        return None
    taken = desk.take(line, sql, "the query").text
    found = statements.read(taken) if len(taken) <= _LONGEST_QUERY else None
    if found is None:
        text = "the query is neither the original's query for VMs nor its query for snapshots"
        fault(line, text, "restore the query of the original, or write snapall.toml by hand")
        return None
    _judge(found, line, desk)
    found = replace(found, line=line, database=database)
    return replace(found, vms=night.vms_of(sql)) if isinstance(found, VmQuery) else found


def _judge(found: Query, line: int, desk: Desk) -> None:
    fault = desk.findings.fault
    if found.owner is None:
        fault(line, "the query names two owners", "set [database] owner in the overlay file", ("database", "owner"))
    if found.filter:
        excerpt = found.filter if len(found.filter) <= _MOST_QUOTED else f"{found.filter[:_MOST_QUOTED]}..."
        fault(line, f"the query has an unknown filter: {excerpt}", _OTHER_SNAPSHOTS, ("jobs", ANY, "vm_snapshot"))
    why = query_fault(found.text) if found.own else ""
    if why:
        fault(line, f"the query {why}", _OTHER_VMS, ("jobs", ANY, "datastores"), ("jobs", ANY, "query"))


def _database(program: str, options: Options, line: int, desk: Desk) -> DatabaseCall:
    found: dict[str, Located | None] = {}
    for option, what, key in (
        ("-U", "the login of osql", _URL),
        ("-P", "the password of osql", ("database", "password")),
        ("-D", "the data source of osql", _URL),
        ("-S", "the server of osql", _URL),
        ("-d", "the database of osql", _URL),
    ):
        value = options.value(option)
        found[option] = None if value is None else desk.take(line, value, what, key, secret=option == "-P")
    integrated = "-E" in options.given
    for option, other, what in (
        ("-U", "-E", "the login"),
        ("-P", "-E", "the password"),
        ("-D", "-S", "the data source"),
    ):
        if found[option] is None and (option in options.given or other not in options.given):
            key = ("database", "password") if option == "-P" else _URL
            desk.findings.fault(
                line,
                f"{program} has no {option}: {what} of osql is missing",
                "set it in the overlay file",
                key,
            )
    if found["-D"] is not None and (found["-S"] is not None or found["-d"] is not None):
        text = f"{program} has an option (-{'S' if found['-S'] else 'd'}) beside -D"
        desk.findings.fault(line, text, "set [database] url in the overlay file", _URL)
    return DatabaseCall(found["-U"], found["-P"], found["-D"], found["-S"], found["-d"], integrated)

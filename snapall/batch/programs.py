"""The command lines of rsh, osql and vcbsnapshot -> what they say; each option that is not known is a fault."""

from __future__ import annotations

import re

from snapall.batch import queries
from snapall.batch.facts import (
    ANY,
    Database,
    Login,
    Quiesce,
    Release,
    Said,
    Script,
    Snap,
    SnapshotQuery,
    Statement,
    VmQuery,
)
from snapall.batch.lines import Command, Word
from snapall.batch.variables import Variables

_CHAIN = (("jobs", ANY, "chain"),)
_URL = ("database", "url")
_COUNT = {"delete": 1, "rename": 2, "create": 1}
_LONGEST_QUERY = 2000
_BY_OVERLAY = "give what it means in the overlay file"


def snap(command: Command, line: int, variables: Variables, script: Script) -> Snap | None:
    """`rsh FILER [-l USER] [-n] snap VERB VOLUME NAME...`; `snap list` only looks."""
    words = list(command.words[1:])
    user: Said | None = None
    plain: list[Word] = []
    while words and len(plain) < 2:
        word = words.pop(0)
        if word.text == "-n":
            continue
        if word.text == "-l" and words:
            user = variables.use(words.pop(0), line, "the user of rsh", ("filers", ANY, "user"))
        elif word.text.startswith("-"):
            script.fault(line, f"rsh has an option ({_option(word)}) that is not known", "take it away, if you can")
            return None
        else:
            plain.append(word)
    verb = words[0].text.lower() if words else ""
    rest = words[1:]
    if len(plain) == 2 and plain[1].text.lower() == "snap" and verb == "list":
        return None
    if len(plain) < 2 or plain[1].text.lower() != "snap" or len(rest) != 1 + _COUNT.get(verb, -9):
        remedy = "the backup has snap delete, rename, create and list; move others to a batch of their own"
        script.fault(line, "this rsh command is not one that the backup knows", remedy)
        return None
    return Snap(
        line,
        verb,
        variables.use(plain[0], line, "the filer"),
        user,
        variables.use(rest[0], line, "the volume"),
        tuple(variables.use(word, line, "the snapshot's name", *_CHAIN) for word in rest[1:]),
    )


def osql(command: Command, line: int, variables: Variables, script: Script) -> Statement | None:
    """`osql -U LOGIN -P PASSWORD -D DSN -h-1 -Q QUERY -o FILE`."""
    given: dict[str, Word] = {}
    words = list(command.words[1:])
    while words:
        word = words.pop(0)
        name, attached = _split_option(word)
        if name in ("-h", "-w", "-Q", "-U", "-P", "-D", "-o"):
            value = attached if attached is not None else (words.pop(0) if words else Word(()))
            given[name] = value
        elif name in ("-n", "-b") and attached is None:
            continue
        else:
            given[name] = word
            if name in ("-S", "-d") and attached is None and words:
                words.pop(0)
            keys, remedy = _OSQL_OPTIONS.get(name, ((), "take it away, if you can"))
            script.fault(line, f"osql has an option ({_option(word)}) that is not taken over", remedy, *keys)
            if not keys:
                return None
    if given.get("-h", Word(())).text not in ("-1", ""):
        script.fault(line, "osql has another -h than -h-1", "write -h-1")
    return _query(given, command, line, variables, script)


_OSQL_OPTIONS: dict[str, tuple[tuple[tuple[str, ...], ...], str]] = {
    "-E": ((_URL,), 'give [database] url in the overlay file, for a login of Windows "mssql+pyodbc://@DSN"'),
    "-S": ((_URL,), "give [database] url in the overlay file, with that server or a DSN for it"),
    "-d": ((_URL,), "give [database] url in the overlay file, with that database or a DSN for it"),
}


def _query(
    given: dict[str, Word], command: Command, line: int, variables: Variables, script: Script
) -> Statement | None:
    database = _database(given, line, variables, script)
    sql = variables.use(given["-Q"], line, "the query") if "-Q" in given else None
    if sql is not None and len(sql.text) > _LONGEST_QUERY:
        script.fault(line, "the query is longer than any of the batch's", "go back to the query of the original")
        return None
    if sql is None:
        if "-Q" not in given:
            script.fault(line, "osql has no -Q", 'write the query after -Q, in quotes: -Q "SELECT ..."')
        return None
    out = variables.use(given["-o"], line, "the file after -o") if "-o" in given else None
    for redirect in command.redirects:
        if redirect.handle == "1" and redirect.target is not None and out is None:
            out = variables.use(redirect.target, line, "the file after >")
    if out is None:
        script.fault(line, "the query's result goes nowhere", "write -o FILE")
    match queries.read(sql.text):
        case queries.Vms() as vms:
            if vms.filter:
                text = f"the query's filter is not one that is known: {_shown(vms.filter)}"
                remedy = (
                    "datastores can be taken over by id (ds_id = 688); else name `datastores` of the job in the "
                    "overlay file, and VMs to leave out in its `vms`"
                )
                script.fault(line, text, remedy, ("jobs", ANY, "datastores"))
            _owner(vms.owner, line, script)
            ids = None if vms.filter else vms.datastores
            return VmQuery(line, database, _small(out), vms.owner, ids, vms.templates)
        case queries.Snapshots() as found:
            if found.filter:
                text = f"the query's filter is not one that is known: {_shown(found.filter)}"
                remedy = "snapall removes only what it made itself; name `vm_snapshot` of the job in the overlay file"
                script.fault(line, text, remedy, ("jobs", ANY, "vm_snapshot"))
            _owner(found.owner, line, script)
            return SnapshotQuery(line, database, _small(out), found.owner, found.name, found.limited_to)
        case None:
            text = "the query is neither the batch's query for VMs nor its query for snapshots"
            script.fault(line, text, "write snapall.toml by hand, or go back to the query of the original")
            return None


def _database(given: dict[str, Word], line: int, variables: Variables, script: Script) -> Database:
    password = ("database", "password")
    found: dict[str, Said | None] = {}
    for option, what, keys in (
        ("-U", "the login of osql", (_URL,)),
        ("-P", "the password of osql", (password,)),
        ("-D", "the data source of osql", (_URL,)),
    ):
        found[option] = None
        if option in given:
            found[option] = variables.use(given[option], line, what, *keys, secret=option == "-P")
        elif "-E" not in given or option == "-D":
            script.fault(line, f"osql has no {option}: {what} is missing", _BY_OVERLAY, *keys)
    if "-P" in given:
        script.in_command_lines.append(line)
    return Database(found["-U"], found["-P"], found["-D"])


def _owner(owner: str | None, line: int, script: Script) -> None:
    if owner is None:
        script.fault(
            line, "the query names two owners", "give [database] owner in the overlay file", ("database", "owner")
        )


def loop(
    source: Said | None, names: tuple[str, ...], command: Command, line: int, variables: Variables, script: Script
) -> Quiesce | Release | None:
    """`vcbsnapshot -h HOST -u USER -p PASSWORD -c moref:vm-%%i NAME`, or `-d moref:vm-%%i ssid:snapshot-%%j`."""
    given: dict[str, Word | None] = {}
    words = list(command.words[1:])
    action, plain = "", list[Word]()
    while words:
        word = words.pop(0)
        name, attached = _split_option(word)
        if name in ("-h", "-u", "-p"):
            follows = bool(words) and not words[0].text.startswith("-")
            given[name] = attached or (words.pop(0) if follows else None)
        elif name in ("-c", "-d") and attached is None and not action:
            action = name
        elif name.startswith("-"):
            script.fault(line, f"vcbsnapshot has an option ({_option(word)}) that is not taken over", "take it away")
            return None
        else:
            plain.append(word)
    login = _login(command, given, line, variables, script)
    targets = [_argument(word) for word in plain]
    wanted = f"moref:vm-%{names[0]}" if names else ""
    if action == "-c" and len(plain) == 2 and targets[0] == wanted and source is not None:
        named = variables.use(plain[1], line, "the VM snapshot's name", ("jobs", ANY, "vm_snapshot"))
        return Quiesce(line, source.text.lower(), login, named)
    if action == "-d" and len(names) > 1 and targets == [wanted, f"ssid:snapshot-%{names[1]}"] and source is not None:
        return Release(line, source.text.lower(), login)
    text = "vcbsnapshot is called otherwise than the batch does"
    remedy = "it has `-c moref:vm-%%i NAME` with tokens=1, and `-d moref:vm-%%i ssid:snapshot-%%j` with tokens=1,2"
    script.fault(line, text, remedy)
    return None


def _login(command: Command, given: dict[str, Word | None], line: int, variables: Variables, script: Script) -> Login:
    unset = variables.unset(given.get("-u"))
    if "-u" in given and given["-u"] is None:
        unset = "the empty -u"
    host, user, password = (given.get(option) for option in ("-h", "-u", "-p"))
    if host is None:
        script.fault(line, "vcbsnapshot has no -h", "give [vcenter] host in the overlay file", ("vcenter", "host"))
    bare = "-u" not in given and "-p" not in given
    if not bare and password is None:
        text = "vcbsnapshot has -u and no password"
        script.fault(line, text, "give [vcenter] password in the overlay file", ("vcenter", "password"))
    if "-u" not in given and not bare:
        text = "vcbsnapshot has a password and no user"
        script.fault(line, text, "give [vcenter] user in the overlay file", ("vcenter", "user"))
    if password is not None:
        script.in_command_lines.append(line)
    program = command.words[0].text
    placed = re.search(r"[\\/]", program) is not None and "%" not in program and not program.startswith(".")
    use = variables.use
    return Login(
        Said(program, line) if placed else None,
        use(host, line, "the host of vcbsnapshot", ("vcenter", "host")) if host is not None else None,
        use(user, line, "the user of vcbsnapshot", ("vcenter", "user")) if user is not None and not unset else None,
        use(password, line, "the password of vcbsnapshot", ("vcenter", "password"), secret=True) if password else None,
        unset,
        bare,
    )


def _split_option(word: Word) -> tuple[str, Word | None]:
    """`-P` and what is attached to it; ("", None) for a word that is no option."""
    text = word.text
    if not re.match(r"[-/][A-Za-z]", text) or word.pieces[0][1]:
        return ("-" if text.startswith("-") else ""), None
    option = f"-{text[1]}"
    first = (word.pieces[0][0][2:], word.pieces[0][1])
    pieces = ((first,) if first[0] else ()) + word.pieces[1:]
    return option, Word(pieces) if pieces else None


def _argument(word: Word) -> str:
    return word.text.replace("%%", "%")


def _option(word: Word) -> str:
    """The option without what is attached to it: that may be a password."""
    return word.text[:2] if re.match(r"[-/][A-Za-z]", word.text) else "that is none"


def _small(said: Said | None) -> str | None:
    return said.text.lower() if said is not None else None


def _shown(sql: str) -> str:
    return sql if len(sql) <= 120 else f"{sql[:120]}..."

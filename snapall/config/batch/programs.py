"""The command lines of rsh and vcbsnapshot -> what they do; an unknown option is a fault."""

from __future__ import annotations

import re

from snapall.config.batch.branches import Loop
from snapall.config.batch.facts import ANY, Located, Login, QuiesceLoop, ReleaseLoop, Script, Snap
from snapall.config.batch.lines import Command, Word
from snapall.config.batch.variables import Variables

_CHAIN = (("jobs", ANY, "chain"),)
_COUNT = {"delete": 1, "rename": 2, "create": 1}


def snap(command: Command, line: int, variables: Variables, script: Script) -> Snap | None:
    """Read `rsh FILER [-l USER] [-n] snap VERB VOLUME NAME...`; None for `snap list`, which changes nothing."""
    words = list(command.words[1:])
    user: Located | None = None
    plain: list[Word] = []
    while words and len(plain) < 2:
        word = words.pop(0)
        if word.text == "-n":
            continue
        if word.text == "-l" and words:
            user = variables.use(words.pop(0), line, "the user of rsh", ("filers", ANY, "user"))
        elif word.text.startswith("-"):
            script.fault(line, f"rsh has an unknown option ({option_of(word)})", "remove it if you can")
            return None
        else:
            plain.append(word)
    verb = words[0].text.lower() if words else ""
    rest = words[1:]
    if len(plain) == 2 and plain[1].text.lower() == "snap" and verb == "list":
        return None
    if len(plain) < 2 or plain[1].text.lower() != "snap" or len(rest) != 1 + _COUNT.get(verb, -9):
        remedy = "the backup uses snap delete, rename, create and list; move other commands to a batch of their own"
        script.fault(line, "this rsh command is no part of the backup", remedy)
        return None
    return Snap(
        line,
        verb,
        variables.use(plain[0], line, "the filer"),
        user,
        variables.use(rest[0], line, "the volume"),
        tuple(variables.use(word, line, "the snapshot's name", *_CHAIN) for word in rest[1:]),
    )


def loop(
    source: Located | None, over: Loop, command: Command, line: int, variables: Variables, script: Script
) -> QuiesceLoop | ReleaseLoop | None:
    """Read `vcbsnapshot -h HOST -u USER -p PASSWORD -c moref:vm-%%i NAME`, or `-d moref:vm-%%i ssid:snapshot-%%j`."""
    given: dict[str, Word | None] = {}
    words = list(command.words[1:])
    action, plain = "", list[Word]()
    while words:
        word = words.pop(0)
        name, attached = split_option(word)
        if name in ("-h", "-u", "-p"):
            follows = bool(words) and not words[0].text.startswith("-")
            given[name] = attached or (words.pop(0) if follows else None)
        elif name in ("-c", "-d") and attached is None and not action:
            action = name
        elif name.startswith("-"):
            script.fault(line, f"vcbsnapshot has an option ({option_of(word)}) that is not supported", "remove it")
            return None
        else:
            plain.append(word)
    login = _login(command, given, line, variables, script)
    targets = [_argument(word) for word in plain]
    names = over.names
    wanted = f"moref:vm-%{names[0]}"
    if action == "-c" and len(plain) == 2 and targets[0] == wanted and source is not None:
        named = variables.use(plain[1], line, "the VM snapshot's name", ("jobs", ANY, "vm_snapshot"))
        return QuiesceLoop(line, source.text.lower(), login, named, over.skip)
    if action == "-d" and len(names) > 1 and targets == [wanted, f"ssid:snapshot-%{names[1]}"] and source is not None:
        return ReleaseLoop(line, source.text.lower(), login, over.skip)
    text = "vcbsnapshot is called differently from the original"
    remedy = "write `-c moref:vm-%%i NAME` with tokens=1, and `-d moref:vm-%%i ssid:snapshot-%%j` with tokens=1,2"
    script.fault(line, text, remedy)
    return None


def _login(command: Command, given: dict[str, Word | None], line: int, variables: Variables, script: Script) -> Login:
    unset = variables.unset(given.get("-u"))
    if "-u" in given and given["-u"] is None:
        unset = "the empty -u"
    host, user, password = (given.get(option) for option in ("-h", "-u", "-p"))
    if host is None:
        script.fault(line, "vcbsnapshot has no -h", "set [vcenter] host in the overlay file", ("vcenter", "host"))
    bare = "-u" not in given and "-p" not in given
    if not bare and password is None:
        text = "vcbsnapshot has -u and no password"
        script.fault(line, text, "set [vcenter] password in the overlay file", ("vcenter", "password"))
    if "-u" not in given and not bare:
        text = "vcbsnapshot has a password and no user"
        script.fault(line, text, "set [vcenter] user in the overlay file", ("vcenter", "user"))
    if password is not None:
        script.in_command_lines.append(line)
    program = command.words[0]
    placed = re.search(r"[\\/]", program.text) is not None and not program.text.startswith(".")
    use = variables.use
    return Login(
        use(program, line, "the program vcbsnapshot", ("vcenter", "vcbsnapshot")) if placed else None,
        use(host, line, "the host of vcbsnapshot", ("vcenter", "host")) if host is not None else None,
        use(user, line, "the user of vcbsnapshot", ("vcenter", "user")) if user is not None and not unset else None,
        use(password, line, "the password of vcbsnapshot", ("vcenter", "password"), secret=True) if password else None,
        unset,
        bare,
    )


def split_option(word: Word) -> tuple[str, Word | None]:
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


def option_of(word: Word) -> str:
    """Return the option without what is attached to it, which may be a password."""
    return word.text[:2] if re.match(r"[-/][A-Za-z]", word.text) else "that is none"

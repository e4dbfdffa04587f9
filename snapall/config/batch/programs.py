"""The command lines of rsh and vcbsnapshot -> what they do; an unknown option is a fault."""

from __future__ import annotations

import re

from snapall.config.batch.branches import Loop
from snapall.config.batch.contents import ANY, SNAP_NAMES, Located, Login, QuiesceLoop, ReleaseLoop, Snap
from snapall.config.batch.lines import Command, Word
from snapall.config.batch.shell import Shell

_CHAIN = (("jobs", ANY, "chain"),)


def snap(command: Command, shell: Shell) -> Snap | None:
    """Read `rsh FILER [-l USER[:PASSWORD]] [-n] snap VERB VOLUME NAME...`; None for `snap list`: it changes nothing."""
    rest = list(command.argv[1:])
    user, password = None, None
    plain: list[Word] = []
    while rest and len(plain) < 2:
        word = rest.pop(0)
        if word.text == "-n":
            continue
        if word.text == "-l" and rest:
            user, password = _filer_login(rest.pop(0), shell)
        elif word.text.startswith("-"):
            shell.fault(f"rsh has an unknown option ({option_of(word)})", "remove it if you can")
            return None
        else:
            plain.append(word)
    is_snap = len(plain) == 2 and plain[1].text.lower() == "snap"
    verb = rest[0].text.lower() if rest else ""
    if is_snap and verb == "list":
        return None
    if not is_snap or len(rest) - 2 != SNAP_NAMES.get(verb):
        remedy = "the backup uses snap delete, rename, create and list; move other commands to a batch of their own"
        shell.fault("this rsh command is no part of the backup", remedy)
        return None
    filer, volume = shell.use(plain[0], "the filer"), shell.use(rest[1], "the volume")
    names = [shell.use(word, "the snapshot's name", *_CHAIN) for word in rest[2:]]
    return Snap(shell.line, verb, filer, user, password, volume, tuple(name for name in names if name is not None))


def _filer_login(word: Word, shell: Shell) -> tuple[Located | None, Located | None]:
    """Split `USER:PASSWORD` at the first colon: no 7-Mode user name holds one."""
    login = shell.use(word, "the user of rsh", ("filers", ANY, "user"))
    if login is None or ":" not in login.text:
        return login, None
    user, _, password = login.text.partition(":")
    shell.script.secrets |= {login.text, password}
    shell.script.in_command_lines.append(shell.line)
    return Located(user, login.line), Located(password, login.line)


def loop(source: Located | None, over: Loop, command: Command, shell: Shell) -> QuiesceLoop | ReleaseLoop | None:
    """Read `vcbsnapshot -h HOST -u USER -p PASSWORD -c moref:vm-%%i NAME`, or `-d moref:vm-%%i ssid:snapshot-%%j`."""
    given: dict[str, Word | None] = {}
    rest = list(command.argv[1:])
    action, plain = "", list[Word]()
    while rest:
        word = rest.pop(0)
        name, attached = split_option(word)
        if name in ("-h", "-u", "-p"):
            follows = bool(rest) and not rest[0].text.startswith("-")
            given[name] = attached or (rest.pop(0) if follows else None)
        elif name in ("-c", "-d") and attached is None and not action:
            action = name
        elif name.startswith("-"):
            shell.fault(f"vcbsnapshot has an option ({option_of(word)}) that is not supported", "remove it")
            return None
        else:
            plain.append(word)
    login = _login(command, given, shell)
    targets = [word.text.replace("%%", "%") for word in plain]
    names, vm = over.names, f"moref:vm-%{over.names[0]}"
    if action == "-c" and len(plain) == 2 and targets[0] == vm and source is not None:
        named = shell.use(plain[1], "the VM snapshot's name", ("jobs", ANY, "vm_snapshot"))
        return QuiesceLoop(shell.line, source.text.lower(), login, over.skip, named)
    if action == "-d" and len(names) > 1 and targets == [vm, f"ssid:snapshot-%{names[1]}"] and source is not None:
        return ReleaseLoop(shell.line, source.text.lower(), login, over.skip)
    text = "vcbsnapshot is called differently from the original"
    remedy = "write `-c moref:vm-%%i NAME` with tokens=1, and `-d moref:vm-%%i ssid:snapshot-%%j` with tokens=1,2"
    shell.fault(text, remedy)
    return None


def _login(command: Command, given: dict[str, Word | None], shell: Shell) -> Login:
    """Read the options of the login. None as an option's value: nothing follows it."""
    host, user, password = (given.get(option) for option in ("-h", "-u", "-p"))
    unset = "the empty -u" if "-u" in given and user is None else shell.unset(user)
    bare = "-u" not in given and "-p" not in given
    for key, text in (
        ("host", "vcbsnapshot has no -h" if host is None else ""),
        ("password", "vcbsnapshot has -u and no password" if not bare and password is None else ""),
        ("user", "vcbsnapshot has a password and no user" if not bare and "-u" not in given else ""),
    ):
        if text:
            shell.fault(text, f"set [vcenter] {key} in the overlay file", ("vcenter", key))
    if password is not None:
        shell.script.in_command_lines.append(shell.line)
    program = command.argv[0]
    placed = re.search(r"[\\/]", program.text) is not None and not program.text.startswith(".")
    return Login(
        shell.use(program if placed else None, "the program vcbsnapshot", ("vcenter", "vcbsnapshot")),
        shell.use(host, "the host of vcbsnapshot", ("vcenter", "host")),
        shell.use(None if unset else user, "the user of vcbsnapshot", ("vcenter", "user")),
        shell.use(password, "the password of vcbsnapshot", ("vcenter", "password"), secret=True),
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


def option_of(word: Word) -> str:
    """Return the option without what is attached to it, which may be a password."""
    return word.text[:2] if re.match(r"[-/][A-Za-z]", word.text) else "that is none"

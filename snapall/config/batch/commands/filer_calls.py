"""The command lines of rsh, ssh and plink -> what they ask of the filer."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from snapall.config.batch.commands.programs import shown
from snapall.config.batch.desk import Desk
from snapall.config.batch.facts import ANY, SNAP_NAMES, Located, Snap
from snapall.config.cmd import ProgramCall

_CHAIN = (("jobs", ANY, "chain"),)
_LOOKS = {("snap", "list"), ("version",), ("df",), ("vol", "status"), ("snap", "delta"), ("snap", "reserve")}
_COPIES = {("snapmirror", "update"), ("snapvault", "update")}
_VALUED = {"rsh": {"-l"}, "ssh": {"-l", "-i", "-p", "-o"}, "plink": {"-l", "-i", "-P", "-pw", "-hostkey"}}
_BARE = {
    "rsh": {"-n"},
    "ssh": {"-n", "-q", "-T", "-x", "-2"},
    "plink": {"-n", "-ssh", "-batch", "-2", "-T", "-x", "-noagent"},
}
_Reach = tuple[tuple[str, Located], ...]


def snap(call: ProgramCall, line: int, desk: Desk, *, captured: bool) -> Snap | None:
    """Read `rsh FILER snap VERB VOLUME NAME...`; None for a look, a fault, and a mirror's update once `captured`."""
    given: dict[str, str] = {}
    host, rest, words = "", list(call.words), list[str]()
    while rest and not words:
        word = rest.pop(0)
        if word in _BARE[call.name]:
            continue
        if word in _VALUED[call.name] and rest:
            given[word] = rest.pop(0)
        elif word.startswith("-"):
            desk.findings.fault(line, f"{call.name} has an unknown option ({shown(word)})", "remove it if possible")
            return None
        elif not host:
            host = word
        else:
            words = [part for one in (word, *rest) for part in one.split()]
    if _begins(words, _LOOKS) or (captured and _updates_a_copy(words, line, desk)):
        return None
    verb = words[1].lower() if len(words) > 1 and words[0].lower() == "snap" else ""
    if len(words) - 3 != SNAP_NAMES.get(verb):
        if not desk.cut(line):
            desk.findings.fault(line, f"this {call.name} command is not part of the backup", _remedy(words))
        return None
    user, at, bare_host = host.rpartition("@")
    if at:
        given.setdefault("-l", user)
    filer = desk.take(line, bare_host, "the filer")
    reach = _rsh(given, line, desk) if call.name == "rsh" else _ssh(call.name, given, line, desk)
    volume = desk.take(line, words[2], "the volume")
    names = tuple(desk.take(line, word, "the snapshot's name", *_CHAIN) for word in words[3:])
    return Snap(line, verb, filer, reach, volume, names)


def _begins(words: Sequence[str], commands: Collection[tuple[str, ...]]) -> bool:
    return any(tuple(word.lower() for word in words[: len(one)]) == one for one in commands)


def _updates_a_copy(words: Sequence[str], line: int, desk: Desk) -> bool:
    found = _begins(words, _COPIES)
    if found:
        remedy = "set [jobs.NAME.replicate], which updates the copies of each published backup"
        desk.findings.notice(line, f"{words[0].lower()} update is not taken over", remedy)
    return found


def _remedy(words: Sequence[str]) -> str:
    if words[:1] and words[0].lower() in ("snapmirror", "snapvault"):
        return "put REM before it in the copy, and set [jobs.NAME.replicate] in the overlay file"
    return "the backup uses snap delete, rename, create and list; move other commands to a batch of their own"


def _rsh(given: dict[str, str], line: int, desk: Desk) -> _Reach:
    """Split `-l USER:PASSWORD` at the first colon: no 7-Mode user name holds one."""
    found = [("transport", Located("rsh", line))]
    if "-l" in given:
        user, colon, password = given["-l"].partition(":")
        if colon:
            desk.findings.secrets.add(given["-l"])
        found.append(("user", desk.take(line, user, "the user of rsh", ("filers", ANY, "user"))))
        if colon:
            key = ("filers", ANY, "password")
            found.append(("password", desk.take(line, password, "the password of rsh", key, secret=True)))
    return tuple(found)


def _ssh(program: str, given: dict[str, str], line: int, desk: Desk) -> _Reach:
    found = [("transport", Located("ssh", line))]
    for option, key in (("-l", "user"), ("-i", "key_file"), ("-pw", "password"), ("-p", "port"), ("-P", "port")):
        if option in given:
            value = desk.take(
                line, given[option], f"the {key} of {program}", ("filers", ANY, key), secret=key == "password"
            )
            found.append((key, value))
    keys = dict(found)
    if "user" not in keys:
        desk.findings.fault_once(
            line, f"{program} names no user", "set the filer's user in the overlay file", ("filers", ANY, "user")
        )
    if "key_file" not in keys and "password" not in keys:
        text, remedy = f"{program} names no key", "set the filer's key_file or password in the overlay file"
        desk.findings.fault_once(line, text, remedy, ("filers", ANY, "key_file"), ("filers", ANY, "password"))
    if program == "ssh":
        return (*found, ("known_hosts", Located("~/.ssh/known_hosts", line)))
    if "key_file" in keys and keys["key_file"].text.lower().endswith(".ppk"):
        text, remedy = (
            "the key is in PuTTY's own format",
            "export it as an OpenSSH key, and set key_file in the overlay file",
        )
        desk.findings.fault_once(line, text, remedy, ("filers", ANY, "key_file"), ("filers", ANY, "password"))
    text = "plink keeps host keys in the registry, and snapall in a file: it needs the filer's known_hosts"
    remedy = "set known_hosts of the filer in the overlay file"
    desk.findings.fault_once(line, text, remedy, ("filers", ANY, "known_hosts"))
    return tuple(found)


def carries_password(words: Sequence[str]) -> bool:
    """Whether a command line for the filer has a password in it."""
    return "-pw" in words or re.search(r"(^| )-l \S+:\S", " ".join(words)) is not None

"""The command lines of vcbsnapshot -> which VM they quiesce or release, and the login."""

from __future__ import annotations

import re

from snapall.config.batch.commands.programs import Options, options_of, shown
from snapall.config.batch.desk import Desk
from snapall.config.batch.facts import ANY, Login, QuiesceCall, ReleaseCall
from snapall.config.cmd import ProgramCall

_KEYS = {f"-{key[0]}": (("vcenter", key),) for key in ("host", "user", "password")}
_OPTIONS = (("-h", "-u", "-p"), ("-c", "-d"))
_HEADER = re.compile(r"moref:vm-(-+|(VM_)?ID)", re.IGNORECASE)
_NUMBER = r"(\d{1,9})"


def vcbsnapshot(call: ProgramCall, line: int, desk: Desk) -> QuiesceCall | ReleaseCall | None:
    """Read `vcbsnapshot -h HOST -u USER -p PASSWORD -c moref:vm-N NAME`, or `-d moref:vm-N ssid:snapshot-M`."""
    options = options_of(call.words, *_OPTIONS)
    if options.unknown:
        text = f"vcbsnapshot has an option ({shown(options.unknown[0])}) that is not supported"
        desk.findings.fault(line, text, "remove it")
        return None
    login = _login(call, options, line, desk)
    words = options.plain
    vm = re.fullmatch(rf"moref:vm-{_NUMBER}", words[0], re.IGNORECASE) if len(words) == 2 else None
    if vm is not None and "-c" in options.given and "-d" not in options.given:
        name = desk.take(line, words[1], "the VM snapshot's name", ("jobs", ANY, "vm_snapshot"))
        return QuiesceCall(line, login, int(vm[1]), name)
    snapshot = re.fullmatch(rf"ssid:snapshot-{_NUMBER}", words[1], re.IGNORECASE) if vm is not None else None
    if vm is not None and snapshot is not None and "-c" not in options.given and "-d" in options.given:
        return ReleaseCall(line, login, int(vm[1]), int(snapshot[1]))
    if words and _HEADER.fullmatch(words[0]) is not None:
        return None  # a line above the ids, which the loop does not skip: vcbsnapshot refuses it
    if words and desk.cut(line, *_KEYS.get(options.after[0], ())):
        return None
    text = "vcbsnapshot is called differently from the original"
    remedy = "write `-c moref:vm-%%i NAME` with tokens=1, and `-d moref:vm-%%i ssid:snapshot-%%j` with tokens=1,2"
    desk.findings.fault(line, text, remedy)
    return None


def created(call: ProgramCall) -> str:
    """The name of the VM snapshot that a command creates, or ""."""
    options = options_of(call.words, *_OPTIONS) if call.name == "vcbsnapshot" and "-c" in call.words else None
    return options.plain[1] if options is not None and len(options.plain) == 2 else ""


def _login(call: ProgramCall, options: Options, line: int, desk: Desk) -> Login:
    host, user, password = (options.value(option) for option in ("-h", "-u", "-p"))
    unset = "the empty -u" if "-u" in options.given and user is None else desk.unset(user or "")
    bare = "-u" not in options.given and "-p" not in options.given
    for key, text in (
        ("host", "vcbsnapshot has no -h" if host is None else ""),
        ("password", "vcbsnapshot has -u and no password" if not bare and password is None else ""),
        ("user", "vcbsnapshot has a password and no user" if not bare and "-u" not in options.given else ""),
    ):
        if text:
            desk.findings.fault(line, text, f"set [vcenter] {key} in the overlay file", ("vcenter", key))
    program = call.program
    placed = re.search(r"[\\/]", program) is not None and not program.startswith(".")
    vcenter = "vcenter"
    return Login(
        desk.take(line, program, "the program vcbsnapshot", (vcenter, "vcbsnapshot")) if placed else None,
        desk.take(line, host, "the host of vcbsnapshot", (vcenter, "host")) if host is not None else None,
        desk.take(line, user, "the user of vcbsnapshot", (vcenter, "user")) if user is not None and not unset else None,
        desk.take(line, password, "the password of vcbsnapshot", (vcenter, "password"), secret=True)
        if password is not None
        else None,
        unset,
        bare,
        call.folder,
    )

"""The programs of a batch that are not part of the backup: named in a notice, or refused with a remedy."""

from __future__ import annotations

import re

from snapall.config.batch.commands.programs import is_service
from snapall.config.batch.desk import Desk
from snapall.config.batch.facts import ANY
from snapall.config.batch.redacted import NAMED
from snapall.config.batch.text import MARKER
from snapall.config.cmd import ProgramCall, Setting
from snapall.config.tomlfile import KeyPath

NOT_NEEDED = "if the backup works without it, put REM before it in the copy that snapall reads"
"""The remedy for a command that the backup may not need."""

WITHOUT_START = "write the command itself, without start"
"""The remedy for a command that is started apart."""
QUIET = frozenset({
    "attrib", "cacls", "chcp", "choice", "doskey", "hostname", "icacls", "mode", "ping", "sleep", "subst", "timeout",
    "wait", "whoami",
})  # fmt: skip
"""Programs that change nothing, which the backup does not need."""
_MAIL = "set [notify.mail], or hooks of the job"
_HOOKS = "snapall does not need it; [jobs.NAME.hooks] can run it before or after the backup"
_NOTED = {
    **dict.fromkeys(("blat", "bmail", "mailsend", "mailto", "postie", "sendemail", "sendmail", "swithmail"), _MAIL),
    **dict.fromkeys(
        ("eventcreate", "logevent", "logger"), "set [notify.syslog], or [notify.eventlog], or hooks of the job"
    ),
    **dict.fromkeys(("msg", "robocopy", "xcopy", "w32tm"), _HOOKS),
}
_NET = {
    "send": _HOOKS,
    "time": _HOOKS,
    "use": "snapall needs no drive letter; where a path has one, write the full path",
}
_SERVICES = "put REM before it in the copy, and run it by `before` and `after` of [jobs.NAME.hooks]"
_HOOK = "set {} in [jobs.NAME.hooks] of the overlay file to the command that stands in for it"
_REMEDIES = {
    "start": WITHOUT_START,
    "cmd": "write the command itself, without cmd /c",
    "net": _SERVICES,
    "sc": _SERVICES,
    "vcbmounter": _SERVICES,
}
_A_FILE = re.compile(r"[A-Za-z0-9_-]{1,30}\.(exe|com|bat|cmd|vbs|js|ps1)", re.IGNORECASE)


def is_unknown(call: ProgramCall) -> bool:
    """Whether nothing is known of a program that is no part of the backup."""
    verb = call.words[0].lower() if call.words else ""
    return call.name not in QUIET and call.name not in _NOTED and not (call.name == "net" and verb in _NET)


def key_of(hook: str) -> KeyPath:
    """The hook's key, for any job."""
    return ("jobs", ANY, "hooks", hook)


def stand_in(hook: str) -> str:
    """The remedy for a program that a hook of the overlay can stand in for."""
    return _HOOK.format(hook)


def is_not_for_hooks(call: ProgramCall) -> bool:
    """Whether a program has a remedy of its own, and is no start or stop of a service."""
    return call.name in _REMEDIES and not is_service(call)


def named(call: ProgramCall) -> str:
    """The program as a message may show it; "" if its name may be part of a password."""
    file = re.split(r"[\\/]", call.program)[-1]
    if is_service(call):
        return f"{call.name} {next(word.lower() for word in call.words if word.lower() in ('start', 'stop'))}"
    return call.name if call.name in NAMED else file.lower() if _A_FILE.fullmatch(file) else ""


def judge(call: ProgramCall, line: int, desk: Desk, hook: str) -> None:
    """Say what becomes of a program that is no part of the backup.

    `hook`: "before" or "after" if it runs before or after all of the backup; that hook in an overlay stands in for it.
    """
    name = call.name
    if name in QUIET:
        return
    if name == "net" and call.words[:1] and call.words[0].lower() in _NET:
        verb = call.words[0].lower()
        desk.findings.notice(line, f"net {verb} is not imported", _NET[verb])
    elif name in _NOTED:
        desk.findings.notice(line, f"{name} is not imported", _NOTED[name])
    elif not _of_a_value(line, desk) and not _unset(call, line, desk):
        what = f"snapall does not know the command {named(call)}".rstrip()
        remedy, keys = _REMEDIES.get(name, NOT_NEEDED), list[KeyPath]()
        if hook:
            remedy = stand_in(hook) if remedy == _SERVICES else f"{remedy}, or {stand_in(hook)}"
            keys.append(key_of(hook))
        desk.findings.fault(line, what, remedy, *keys)


def _of_a_value(line: int, desk: Desk) -> bool:
    """Whether the command is the rest of a value that has an unquoted &: it may be part of a password."""
    one = next((one for one in desk.text.assignments if one.line == line and "&" in one.value and not one.quoted), None)
    if one is None:
        return False
    keys = (("vcenter", "password"), ("database", "password")) if one.secret else ()
    remedy = 'write set "NAME=VALUE", and "%NAME%" in quotes where it is used'
    text = f"{one.name}: the value cannot be taken: it contains an unquoted &, and cmd cuts the command there"
    desk.findings.fault(line, text, f"{remedy}, or set the value in the overlay file" if keys else remedy, *keys)
    return True


def _unset(call: ProgramCall, line: int, desk: Desk) -> bool:
    """Whether a variable that nothing sets takes the place of the program."""
    hit = MARKER.search(call.program)
    if hit is None or hit[1] == "folder" or hit[1] in Setting().variables:
        return False
    text = f"%{hit[1]}% takes the place of the command's name, and is never set above"
    desk.findings.fault(line, text, "write the name itself")
    return True

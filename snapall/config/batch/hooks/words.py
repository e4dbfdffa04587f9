"""Whether a program of a batch can be started as a hook with the same words: what cmd and the batch add to them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from snapall.config.batch.commands.drives import mapped
from snapall.config.batch.commands.programs import is_service
from snapall.config.batch.desk import Desk
from snapall.config.batch.facts import Findings
from snapall.config.batch.overlay import BatchInvocation
from snapall.config.batch.text import MARKER
from snapall.config.cmd import ProgramCall, Setting
from snapall.config.cmd.files import full_path

Reason = tuple[str, str]
"""Why a program cannot be taken as a hook, and the remedy."""
OWN_BATCH = "write a batch file of its own for it, with full paths"
"""The remedy for what needs cmd."""
_FULL = "write its full path"
_OF_WINDOWS = frozenset({
    "chkdsk", "defrag", "diskpart", "fsutil", "gpupdate", "iisreset", "ipconfig", "nbtstat", "net", "ntbackup", "route",
    "sc", "schtasks", "shutdown", "taskkill", "vssadmin", "wevtutil",
})  # fmt: skip
"""Programs in Windows' own folder, which is in every PATH."""
_WHOLE = re.compile(r"[A-Za-z]:\\|\\\\[^\\]")
_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,3}$")
_SECRET_OPTION = re.compile(
    r"[-/]{1,2}(p|rp|pin|auth|key|\w*pass\w*|[\w-]*-pass\w*|[\w-]*(pwd?|kennwort|secret|token|api-?key))([:=].+)?",
    re.IGNORECASE,
)
_ATTACHED = re.compile(r"-p(?!(ath|ause|ort|ost|refix|repare|riority|rofile|urge)$)[^:=\s-].*")
"""-pPASSWORD, as mysqladmin has it; other options look like it."""
_USER = re.compile(r"[-/]{1,2}(u|user|username|l|login)([:=][^\\]*[:%/].+)?", re.IGNORECASE)
_LOGIN_OF_ORACLE = re.compile(r"[A-Za-z]\w*/[^/\s\\@]+(@[\w.-]+)?")
_SECRET_NAME = re.compile(r"(pass(wor[dt])?|passwd|pwd|pw|kennwort|secret|token)[:=].", re.IGNORECASE)
_LOGIN = re.compile(r"//[^/\s:@]+:[^/\s@]+@")
_FILE = re.compile(
    r"\.(bat|bkf|bks|cfg|cmd|conf|config|csv|dat|db|dll|dmp|exe|ini|inf|js|json|key|log|lst|pem|ps1|py|reg|rsp|sql|toml|"
    r"txt|vbs|xml|ya?ml|zip)$",
    re.IGNORECASE,
)


def taken(call: ProgramCall, desk: Desk) -> list[str]:
    """The words of the hook; a path that is relative to the batch's folder becomes whole."""
    program = call.program
    if re.search(r"[\\/]", program) and _WHOLE.match(program) is None:
        program = full_path(program, call.folder, {})
    without_faults = Desk(desk.name, desk.text, Findings())
    return [without_faults.take(desk.line(call.where), word, "").text for word in (program, *call.words)]


def why_not(call: ProgramCall, calls: Sequence[ProgramCall], desk: Desk, given: BatchInvocation) -> Reason | None:
    """Return why a program cannot be taken, with the remedy; None if it can. `calls`: all of the night."""
    return next(_reasons(call, calls, desk, given), None)


def _reasons(call: ProgramCall, calls: Sequence[ProgramCall], desk: Desk, given: BatchInvocation) -> Iterator[Reason]:
    if call.where.file.lower() != desk.name.lower():
        yield "another batch file starts it", "leave out the call in the copy that snapall reads"
    if call.connected:
        yield "its input or its output is connected to a command or a file", OWN_BATCH
    yield from _of_the_program(call)
    yield from _of_the_words(call, desk)
    if not is_service(call):
        yield from _of_the_folder(call)
    drives = mapped(calls)
    if any(drive in word.lower() for word in (call.program, call.folder, *call.words) for drive in drives):
        yield "it uses a drive that only this batch maps", "write the place by its whole name"
    yield from _of_the_variables(call, desk, given)


def _of_the_program(call: ProgramCall) -> Iterator[Reason]:
    program = call.program
    file = re.split(r"[\\/:]", program)[-1]
    extension = _EXTENSION.search(file)
    if not file.strip("."):
        yield "it is a folder, not a program", _FULL
    if extension is not None and extension[0].lower() not in (".exe", ".com"):
        yield "only a program (.exe or .com) is started without cmd", "name the program that runs it"
    if re.search(r"[\\/:]", program) is None:
        if call.name not in _OF_WINDOWS:
            yield "cmd looks for it in the batch's folder first, and snapall does not", _FULL
    elif _WHOLE.match(program) is None and (program[1:2] == ":" or MARKER.search(call.folder) is not None):
        yield "its path depends on the folder in which the batch runs", _FULL


def _of_the_words(call: ProgramCall, desk: Desk) -> Iterator[Reason]:
    for at, word in enumerate((call.program, *call.words)):
        if word != word.strip() or not word or '"' in word:
            yield "one of its words is empty, or has a quote or a blank at its end", OWN_BATCH
            return
        marked = MARKER.search(word)
        if marked is not None and marked[1] in Setting().variables:
            yield f"%{marked[1]}% differs from machine to machine", "write it out"
        found = Findings()
        Desk(desk.name, desk.text, found).take(desk.line(call.where), word, "one of its words")
        yield from ((fault.text, fault.remedy) for fault in found.faults)
        if _has_password(word, call.words[at : at + 1], desk.findings.secrets):
            yield "its words may contain a password, and snapall.toml and messages would show it", OWN_BATCH


def _has_password(word: str, following: Sequence[str], secrets: set[str]) -> bool:
    """Whether a word has a password of the batch, or looks as if it, or the one after it, is one."""
    if any(re.search(rf"(?<![A-Za-z0-9]){re.escape(secret)}(?![A-Za-z0-9])", word) for secret in secrets - {""}):
        return True
    if any(secret in word for secret in secrets if len(secret) > len("pwd")):
        return True
    option = _SECRET_OPTION.fullmatch(word)
    if option is not None:
        return bool(option[3]) or any(one[:1] not in "-/" for one in following)
    user = _USER.fullmatch(word)
    if user is not None:
        return bool(user[2]) or any(re.search(r"\S[:%/]\S", one) is not None for one in following)
    whole = (_ATTACHED, _LOGIN_OF_ORACLE)
    return any(one.fullmatch(word) for one in whole) or any(one.search(word) for one in (_SECRET_NAME, _LOGIN))


def _of_the_folder(call: ProgramCall) -> Iterator[Reason]:
    for word in call.words:
        if _WHOLE.search(word) is None and (word in (".", "..") or "\\" in word or _FILE.search(word) is not None):
            yield "one of its words is a path that depends on the folder in which the batch runs", _FULL


def _of_the_variables(call: ProgramCall, desk: Desk, given: BatchInvocation) -> Iterator[Reason]:
    known = {name.lower() for name in Setting().variables}
    unset = {name.lower() for name in desk.text.unset() if not given.has(name)} - known
    missing = [name for name in desk.text.names_on(desk.line(call.where)) if name in unset]
    if missing:
        yield "it uses a variable that is never set above", "write it out, or set it in [batch.variables]"
    own = [one.line for one in desk.text.assignments if not _is_used(one.name, one.line, desk)]
    if own and not is_service(call):
        text = f"it may read the variable of line {own[0]}, which the batch itself does not use"
        yield text, "if it does not, put REM before that line in the copy that snapall reads"


def _is_used(name: str, line: int, desk: Desk) -> bool:
    """Whether the batch itself uses a variable that it sets on a line."""
    lines = (one.text for at, one in desk.text.lines.items() if at != line)
    alone = rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])"
    return name in desk.text.names_on(line) or any(re.search(alone, text, re.IGNORECASE) for text in lines)

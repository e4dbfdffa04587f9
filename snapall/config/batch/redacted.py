"""A line of a batch file as a message may show it: enough to find it, and never a password."""

from __future__ import annotations

import re

from snapall.config.batch.lines import Command, Line, Word, commands_of

NAMED = frozenset({
    "arp", "attrib", "blat", "call", "cacls", "choice", "cmd", "copy", "cscript", "dir", "find", "findstr", "forfiles",
    "ftp", "isql", "md", "mkdir", "move", "net", "ntbackup", "path", "ping", "plink", "popd", "pscp", "psexec", "rd",
    "ren", "robocopy", "sc", "schtasks", "shift", "sleep", "snapdrive", "sqlcmd", "ssh", "start", "taskkill", "timeout",
    "type", "wait", "wscript", "xcopy", "sendmail", "eventcreate", "logevent", "vcbmounter", "vcbvmname", "vcbrestore",
})  # fmt: skip
"""Commands that a message may name; any other first word may be part of a password."""


_OPEN_OPTIONS = ("-U", "-D", "-h", "-o", "-Q", "-u", "-c", "-d", "-l")
_WHOLE = ("rsh", "cd", "chdir", "pushd", "goto", "exit", "setlocal", "endlocal", "del", "erase")
_GIVEN = re.compile(r"(moref:vm-|ssid:snapshot-)?%%[A-Za-z]|(%[A-Za-z_][A-Za-z0-9_]*%)+")
_LONGEST = 160


def redacted(text: str) -> str:
    """Return the line without any word that may be a password."""
    line = Line(0, text)
    name = re.match(r"set\s+\"?([A-Za-z_][A-Za-z0-9_]{0,40})\s*=", line.bare, re.IGNORECASE)
    if name is not None:
        return f"set {name[1]}=***"
    loop = re.match(r"(for\b.{0,80}?\bin\s*\([^()]{0,200}\)\s*do\s)(.*)", line.bare, re.IGNORECASE | re.DOTALL)
    head, body = (loop[1], loop[2]) if loop is not None else ("", line.bare)
    commands = [f"{one.join} {_command(one)}".strip() for one in commands_of(body)]
    whole = head + " ".join(commands)
    return whole if len(whole) <= _LONGEST else f"{whole[:_LONGEST]}..."


def _command(command: Command) -> str:
    program = command.program
    if program.startswith("echo"):
        return "echo ..."
    if not command.argv:
        return ""
    first, rest = command.argv[0].text, command.argv[1:]
    if program == "if":
        known = re.fullmatch(r"if (not )?errorlevel \d+ goto \S+", " ".join(word.text for word in command.argv))
        return known[0] if known is not None else "if ***"
    if program == "rsh" and not any(word.text.lower() == "snap" for word in rest):
        return "rsh ***"
    if program in _WHOLE:
        at = next((at for at, word in enumerate(rest) if program == "rsh" and word.text.lower() == "snap"), 0)
        shown = [*map(_before_snap, rest[:at]), *map(_as_written, rest[at:])]
        return " ".join([first, *("***" if "=" in text else text for text in shown)])
    if program in ("osql", "isql", "sqlcmd", "vcbsnapshot"):
        return " ".join([first, *_arguments(rest)])
    return f"{program} ***" if program in NAMED else "***"


def _before_snap(word: Word) -> str:
    """A word of rsh before `snap`: the login among them may be `USER:PASSWORD`, however it was mistyped."""
    plain = re.fullmatch(r"-[A-Za-z]", word.text) is not None or _GIVEN.fullmatch(word.text) is not None
    return _as_written(word) if plain else "***"


def _arguments(argv: tuple[Word, ...]) -> list[str]:
    found: list[str] = []
    before = ""
    for word in argv:
        text = word.text
        is_option = re.match(r"[-/][A-Za-z]", text) is not None
        if is_option:
            found.append(text if len(text) == 2 or text == "-h-1" else f"{text[:2]}***")
        elif (before in _OPEN_OPTIONS and _is_one_value(text)) or _GIVEN.fullmatch(text):
            found.append(_as_written(word))
        else:
            found.append("***")
        before = text if is_option else ""
    return found


def _is_one_value(text: str) -> bool:
    """Whether it is one value, not a rest of the line after a forgotten quote, which may hold a password."""
    return " " not in text or (re.match(r"\s*select\b", text, re.IGNORECASE) is not None and " -" not in text)


def _as_written(word: Word) -> str:
    return "".join(f'"{text}"' if quoted else text for text, quoted in word.pieces)

"""Read a batch file line by line, as it runs on success; a line that snapall cannot follow is a fault."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PureWindowsPath

from snapall.config.batch import osql, programs
from snapall.config.batch.branches import Condition, changes_folder, condition_of, folder_after, loop_of
from snapall.config.batch.contents import Located, Script, Statement, Trace
from snapall.config.batch.lines import Command, Line, Word, commands_of, depth_of, lines_of
from snapall.config.batch.shell import Shell
from snapall.config.batch.unknown import NOT_NEEDED, remedy_of, unknown, unknown_loop

_INERT = {"echo", "echo.", "echo:", "title", "color", "cls", "ver", "pause", "date", "time", "verify", "break", "chcp"}
_END = ":eof"


def read(data: bytes) -> Script:
    """Read a batch file. Never raises: what it cannot follow is in `faults`."""
    script = Script()
    lines = lines_of(data, script)
    script.texts = {line.number: line.text for line in lines}
    reader = _Reader(script)
    for line in lines:
        reader.line(line)
    reader.end()
    return script


class _Reader:
    def __init__(self, script: Script) -> None:
        self._script = script
        self._shell = Shell(script)
        self._until = ""  # the label to which a successful run has jumped
        self._jumped_at = 0
        self._here = PureWindowsPath()
        self._depth = 0  # of a block that is skipped: its commands may run or not

    def line(self, line: Line) -> None:
        text = line.bare
        if not text.strip() or line.is_comment:
            return
        if self._depth > 0:
            self._depth += depth_of(text)
            return
        if text.startswith(":"):
            if text[1:].lower().split()[:1] == [self._until]:
                self._until = ""
            return
        self._shell.line = line.number
        self._script.last = line.number if not self._until else self._script.last
        before = len(self._script.faults)
        self._statement(text)
        if len(self._script.faults) > before and (text.startswith("(") or text.rstrip().endswith("(")):
            self._depth = max(0, depth_of(text))

    def end(self) -> None:
        """Finish after the last line."""
        if self._until and self._until != _END:
            text = "the batch jumps to a label that does not follow"
            self._script.fault(self._jumped_at, text, "snapall imports only a batch that runs from top to bottom")

    def _statement(self, text: str) -> None:
        keyword = re.match(r"(if|for|set(?![.\\/]))\b", text, re.IGNORECASE)
        match keyword and keyword[1].lower():
            case "if":
                self._if(text)
            case "for":
                if self._reached("a loop"):
                    self._for(text)
            case "set":
                if self._reached("set"):
                    self._shell.set(text[3:].lstrip())
            case _:
                self._commands(text)

    def _reached(self, what: str) -> bool:
        if self._until:
            text = f"{what} is skipped when everything succeeds"
            self._shell.fault(text, "its purpose is unclear: put REM before it in the copy")
        return not self._until

    def _commands(self, text: str) -> None:
        for command in commands_of(text):
            argv = command.argv
            if argv and argv[0].text.lower() == "call" and len(argv) > 1 and not argv[1].text.startswith(":"):
                command = replace(command, argv=argv[1:])  # noqa: PLW2901 - the command itself, without `call`
            if command.program in ("rem", "rem.") or (command.argv and not self._command(command, text)):
                return

    def _command(self, command: Command, text: str) -> bool:
        """Read one command; False ends its line."""
        program, fault = command.program, self._shell.fault
        if command.join == "|":
            fault("the output is piped into another command by |", "write it without the |")
            return False
        if command.join == "||" and not (command.is_echo or program in ("goto", "exit")):
            fault("a command runs only after a failure (||)", NOT_NEEDED)
            return False
        if command.join in ("||", "&&"):
            self._script.checks.append(self._shell.line)
        self._redirects(command)
        if command.is_echo or program in _INERT:
            return True
        if command.caret or (command.open_quote and program not in ("cd", "chdir", "pushd")):
            what = "a ^ that cmd removes" if command.caret else "an open quote"
            fault(f"the line has {what}", "write it without")
            return False
        return self._act(command, program, text)

    def _act(self, command: Command, program: str, text: str) -> bool:
        match program:
            case "setlocal" | "endlocal":
                self._local(command)
            case "goto":
                self._goto(command, only_after_failure=command.join == "||")
            case "exit":
                self._exit(command)
            case "del" | "erase":
                self._delete(command)
            case "rsh":
                if self._reached(program):
                    self._call(command, "rsh", programs.snap(command, self._shell))
            case _ if program in osql.PROGRAMS:
                if self._reached(program):
                    self._call(command, "osql", osql.osql(command, self._shell))
            case _ if changes_folder(command):
                if self._reached("a change of folder"):
                    self._change_folder(command, program)
            case _:
                self._shell.fault(*unknown(command, text))
                return False
        return True

    def _call(self, command: Command, program: str, statement: Statement | None) -> None:
        """Record a call of a program, and what it does for the backup."""
        if statement is not None:
            self._script.statements.append(statement)
        outs = {one.handle for one in command.redirects if one.sign != "<"}
        pieces = [piece for word in command.argv for piece in word.pieces]
        bare = any("%" in text.replace("%%", "") and not quoted for text, quoted in pieces)
        self._script.traces.append(Trace(self._shell.line, program, "1" in outs, "2" in outs, bare))

    def _for(self, text: str) -> None:
        loop = loop_of(text)
        if loop is None:
            self._shell.fault(*unknown_loop(text))
            return
        source = self._shell.use(Word(((loop.file.strip('"'), loop.file.startswith('"')),)), "the loop's list")
        found = 0
        for command in commands_of(loop.body):
            self._redirects(command)
            if command.program == "vcbsnapshot" and command.join in ("", "&", "&&") and not command.caret:
                found += 1
                self._call(command, "vcbsnapshot", programs.loop(source, loop, command, self._shell))
            elif command.argv and not command.is_echo:
                self._shell.fault("the loop does more than echo and vcbsnapshot", remedy_of(command.program))
        if found != 1:
            self._shell.fault("the loop does not call vcbsnapshot exactly once", "give each call its own loop")

    def _if(self, text: str) -> None:
        match condition_of(text):
            case None:
                remedy = "use errorlevel, with goto to a label below, echo or exit"
                self._shell.fault("snapall does not know this condition", remedy)
            case Condition(then, checks=None):
                self._commands(then)
            case Condition(then, good, checks):
                (self._script.checks if checks else self._script.always).append(self._shell.line)
                self._then(then, good)

    def _then(self, text: str, good: bool) -> None:
        """Read what a condition runs; `good`: it holds on success."""
        for command in commands_of(text):
            self._redirects(command)
            if command.program == "goto":
                self._goto(command, only_after_failure=not good)
            elif command.program == "exit":
                self._exit(command, good=good)
            elif not command.is_echo or re.search(r"\belse\b", text):
                remedy = "only goto, echo and exit are supported: put other commands on lines of their own"
                self._shell.fault("the condition runs a command that is not supported there", remedy)
                return

    def _goto(self, command: Command, *, only_after_failure: bool) -> None:
        label = command.argv[1].text if len(command.argv) > 1 else ""
        if label.startswith("%") or not label:
            self._shell.fault("goto names no label", "write goto LABEL")
        elif not only_after_failure:
            self._jump(label if label.lower() == _END else label.lstrip(":"))

    def _exit(self, command: Command, *, good: bool = True) -> None:
        code = command.argv[-1].text
        self._script.exits |= code.isdigit() and code.strip("0") != ""
        if good and command.join != "||":
            self._jump(_END)

    def _jump(self, label: str) -> None:
        """Skip what a successful run skips: everything up to the label."""
        if not self._until:
            self._until, self._jumped_at = label.lower(), self._shell.line

    def _local(self, command: Command) -> None:
        if any(word.text.lower() == "enabledelayedexpansion" for word in command.argv[1:]):
            text = "delayed expansion gives the character ! a meaning"
            self._shell.fault(text, "remove enabledelayedexpansion, and write %NAME% for !NAME!")
        if not self._until:
            (self._shell.open if command.program == "setlocal" else self._shell.close)()

    def _delete(self, command: Command) -> None:
        for word in command.argv[1:]:
            option = re.fullmatch(r"/[a-zA-Z]", word.text)
            value = self._shell.use(word, "the file to delete") if option is None else None
            if value is not None:
                self._script.deleted.append(Located(value.text.lower(), self._shell.line))

    def _change_folder(self, command: Command, program: str) -> None:
        self._here = folder_after(self._here, command, program)
        self._script.folder = Located(str(self._here) if self._here.root else "", self._shell.line)

    def _redirects(self, command: Command) -> None:
        for one in command.redirects:
            target = one.target
            if target is None or target.text.lower() in ("nul", "nul:", "con") or command.program in osql.PROGRAMS:
                continue
            if one.sign == "<":
                self._shell.fault("the command reads a file through <", "write it without the <")
                continue
            value = self._shell.use(target, "the log file", ("log",))
            if value is not None:
                self._script.logs.append(replace(value, line=self._shell.line))
                if one.sign == ">":
                    self._script.emptied.append(self._shell.line)

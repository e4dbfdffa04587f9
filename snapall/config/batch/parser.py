"""Read a batch file line by line, as it runs on success; a line that snapall cannot follow is a fault."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PureWindowsPath

from snapall.config.batch import osql, programs
from snapall.config.batch.branches import Condition, Loop, condition_of, loop_of
from snapall.config.batch.facts import Located, Script, Statement, Trace
from snapall.config.batch.folders import changes_folder, folder_after
from snapall.config.batch.lines import Command, Line, Word, commands_of, depth_of, lines_of
from snapall.config.batch.unknown import NOT_NEEDED, remedy_of, unknown, unknown_loop
from snapall.config.batch.variables import Variables

_INERT = {"echo", "echo.", "echo:", "title", "color", "cls", "ver", "pause", "date", "time", "verify", "break", "chcp"}
_END = ":eof"


def read(data: bytes) -> Script:
    """Read a batch file. Never raises: what it cannot follow is in `faults`."""
    script = Script()
    lines, faults = lines_of(data)
    script.faults += faults
    script.texts = {line.number: line.text for line in lines}
    reader = _Reader(script)
    for line in lines:
        reader.line(line)
    reader.end()
    return script


class _Reader:
    def __init__(self, script: Script) -> None:
        self._script = script
        self._variables = Variables(script)
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
            label = text[1:].split()[:1]
            if label and label[0].lower() == self._until:
                self._until = ""
            return
        self._script.last = line.number if not self._until else self._script.last
        before = len(self._script.faults)
        self._statement(text, line)
        if len(self._script.faults) > before and (text.startswith("(") or text.rstrip().endswith("(")):
            self._depth = max(0, depth_of(text))

    def _statement(self, text: str, line: Line) -> None:
        if re.match(r"if\b", text, re.IGNORECASE):
            self._if(text, line.number)
        elif re.match(r"for\b", text, re.IGNORECASE):
            self._for(text, line.number)
        elif re.match(r"set\b(?![.\\/])", text, re.IGNORECASE):
            if self._reached(line.number, "set"):
                self._variables.set(text[3:].lstrip(), line.number)
        else:
            self._commands(text, line.number)

    def end(self) -> None:
        """Finish after the last line."""
        if self._until and self._until != _END:
            text = "the batch jumps to a label that does not follow"
            self._script.fault(self._jumped_at, text, "snapall imports only a batch that runs from top to bottom")

    def _reached(self, line: int, what: str) -> bool:
        if self._until:
            text = f"{what} is skipped when everything succeeds"
            self._script.fault(line, text, "its purpose is unclear: put REM before it in the copy")
        return not self._until

    def _commands(self, text: str, line: int) -> None:
        for command in commands_of(text):
            words = command.words
            if words and words[0].text.lower() == "call" and len(words) > 1 and not words[1].text.startswith(":"):
                command = replace(command, words=words[1:])  # noqa: PLW2901 - the command itself, without `call`
            if command.words and command.program in ("rem", "rem."):
                return
            if command.words and not self._command(command, text, line):
                return

    def _command(self, command: Command, text: str, line: int) -> bool:
        """Read one command; False ends its line."""
        program = command.program
        echo = re.match(r"echo(?![a-z0-9_])", program) is not None
        if command.join == "|":
            self._script.fault(line, "the output is piped into another command by |", "write it without the |")
            return False
        if command.join == "||" and not (echo or program in ("goto", "exit")):
            self._script.fault(line, "a command runs only after a failure (||)", NOT_NEEDED)
            return False
        if command.join in ("||", "&&"):
            self._script.checks.append(line)
        self._redirects(command, line)
        if echo or program in _INERT:
            return True
        if command.caret or (command.open_quote and program not in ("cd", "chdir", "pushd")):
            what = "a ^ that cmd removes" if command.caret else "an open quote"
            self._script.fault(line, f"the line has {what}", "write it without")
            return False
        return self._act(command, program, text, line)

    def _act(self, command: Command, program: str, text: str, line: int) -> bool:
        match program:
            case "setlocal" | "endlocal":
                self._local(command, line)
            case "goto":
                self._goto(command.words[1].text if len(command.words) > 1 else "", command.join == "||", line)
            case "exit":
                self._exit(command, line)
            case "del" | "erase":
                self._delete(command, line)
            case "rsh" | "osql" | "isql" | "sqlcmd":
                if self._reached(line, program):
                    self._program(command, program, line)
            case _ if changes_folder(command):
                if self._reached(line, "a change of folder"):
                    self._change_folder(command, program, line)
            case _:
                self._script.fault(line, *unknown(command, text))
                return False
        return True

    def _program(self, command: Command, program: str, line: int) -> None:
        program = "osql" if program in osql.PROGRAMS else program
        read = programs.snap if program == "rsh" else osql.osql
        statement: Statement | None = read(command, line, self._variables, self._script)
        if statement is not None:
            self._script.statements.append(statement)
        self._trace(command, program, line)

    def _trace(self, command: Command, program: str, line: int) -> None:
        outs = {one.handle for one in command.redirects if one.sign != "<"}
        bare = any(
            "%" in text.replace("%%", "") and not quoted for word in command.words for text, quoted in word.pieces
        )
        self._script.traces.append(Trace(line, program, "1" in outs, "2" in outs, bare))

    def _for(self, text: str, line: int) -> None:
        if not self._reached(line, "a loop"):
            return
        loop = loop_of(text)
        if loop is None:
            self._script.fault(line, *unknown_loop(text))
        else:
            self._body(loop, line)

    def _body(self, loop: Loop, line: int) -> None:
        word = Word(((loop.file.strip('"'), loop.file.startswith('"')),))
        source = self._variables.use(word, line, "the loop's list")
        found = 0
        for command in commands_of(loop.body):
            self._redirects(command, line)
            if command.program == "vcbsnapshot" and command.join in ("", "&", "&&") and not command.caret:
                found += 1
                statement = programs.loop(source, loop, command, line, self._variables, self._script)
                self._trace(command, "vcbsnapshot", line)
                if statement is not None:
                    self._script.statements.append(statement)
            elif command.words and re.match(r"echo(?![a-z0-9_])", command.program) is None:
                text = "the loop does more than echo and vcbsnapshot"
                self._script.fault(line, text, remedy_of(command.program))
        if found != 1:
            self._script.fault(line, "the loop does not call vcbsnapshot exactly once", "give each call its own loop")

    def _if(self, text: str, line: int) -> None:
        match condition_of(text):
            case None:
                remedy = "use errorlevel, with goto to a label below, echo or exit"
                self._script.fault(line, "snapall does not know this condition", remedy)
            case Condition(then, checks=None):
                self._commands(then, line)
            case Condition(then, good, checks):
                (self._script.checks if checks else self._script.always).append(line)
                self._then(then, line, good)

    def _then(self, text: str, line: int, good: bool) -> None:
        """Read what a condition runs; `good`: it holds on success."""
        for command in commands_of(text):
            self._redirects(command, line)
            match command.program:
                case "goto":
                    self._goto(command.words[1].text if len(command.words) > 1 else "", not good, line)
                case "exit":
                    self._exit(command, line, good=good)
                case program if re.match(r"echo(?![a-z0-9_])", program) and not re.search(r"\belse\b", text):
                    pass
                case _:
                    remedy = "only goto, echo and exit are supported: put other commands on lines of their own"
                    self._script.fault(line, "the condition runs a command that is not supported there", remedy)
                    return

    def _goto(self, label: str, only_after_failure: bool, line: int) -> None:
        if label.startswith("%") or not label:
            self._script.fault(line, "goto names no label", "write goto LABEL")
        elif not only_after_failure and not self._until:
            self._until = _END if label.lower() == _END else label.lower().lstrip(":")
            self._jumped_at = line

    def _exit(self, command: Command, line: int, *, good: bool = True) -> None:
        code = command.words[-1].text
        self._script.exits |= code.isdigit() and code.strip("0") != ""
        if good and command.join != "||" and not self._until:
            self._until, self._jumped_at = _END, line

    def _local(self, command: Command, line: int) -> None:
        if any(word.text.lower() == "enabledelayedexpansion" for word in command.words[1:]):
            text = "delayed expansion gives the character ! a meaning"
            self._script.fault(line, text, "remove enabledelayedexpansion, and write %NAME% for !NAME!")
        if not self._until:
            (self._variables.open if command.program == "setlocal" else self._variables.close)()

    def _delete(self, command: Command, line: int) -> None:
        names = [word for word in command.words[1:] if not re.fullmatch(r"/[a-zA-Z]", word.text)]
        for word in names:
            value = self._variables.use(word, line, "the file to delete")
            if value is not None:
                self._script.deleted.append(Located(value.text.lower(), line))

    def _change_folder(self, command: Command, program: str, line: int) -> None:
        self._here = folder_after(self._here, command, program)
        self._script.folder = Located(str(self._here) if self._here.root else "", line)

    def _redirects(self, command: Command, line: int) -> None:
        for one in command.redirects:
            target = one.target
            if target is None or target.text.lower() in ("nul", "nul:", "con") or command.program in osql.PROGRAMS:
                continue
            if one.sign == "<":
                self._script.fault(line, "the command reads a file through <", "write it without the <")
                continue
            value = self._variables.use(target, line, "the log file", ("log",))
            if value is not None:
                self._script.logs.append(replace(value, line=line))
                if one.sign == ">":
                    self._script.emptied.append(line)

"""Rehearses a batch: runs its statements on a machine."""

from __future__ import annotations

import re

from snapall.config.cmd.builtins import BUILTINS, QUIET, builtin_of, require_known, run_builtin
from snapall.config.cmd.conditions import holds
from snapall.config.cmd.control import CONTROL
from snapall.config.cmd.expand import percent
from snapall.config.cmd.feed import DELIMITERS, Feed
from snapall.config.cmd.folders import change_drive
from snapall.config.cmd.frames import FRAME_LEVELS, Frame, Jump, Leave, Quit
from snapall.config.cmd.loops import rounds
from snapall.config.cmd.machine import Machine
from snapall.config.cmd.parse import statement
from snapall.config.cmd.programs import external, output_of
from snapall.config.cmd.redirect import pipe, redirected
from snapall.config.cmd.rehearsal import BatchLine, Programs, Rehearsal, Setting, Stop
from snapall.config.cmd.stops import Puzzle
from snapall.config.cmd.syntax import Block, For, If, Joined, Node, Remark, Simple
from snapall.config.cmd.text import LONGEST, batch_text, parameters, text_of


class Interpreter:
    """The statements of a batch, one after the other."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def run_frame(self, frame: Frame) -> None:
        """Run a batch or subroutine to its end; what `setlocal` saved in it is restored."""
        machine = self.machine
        where = machine.where
        machine.budget.deeper(FRAME_LEVELS)
        machine.frames.append(frame)
        try:
            while frame.at < len(frame.text.lines):
                self._statement(frame)
        except Leave:
            pass
        machine.frames.pop()
        machine.budget.back(FRAME_LEVELS)
        machine.where = where
        if frame.saved:
            machine.restore(frame.saved[0])

    def _statement(self, frame: Frame) -> None:
        if self._label(frame):
            return
        number, line = frame.text.lines[frame.at]
        if line.strip(DELIMITERS) and not line.lstrip(DELIMITERS).startswith("@") and not frame.command_line:
            self.machine.where = BatchLine(frame.text.name, number)
            self._require_no_echo()
        try:
            node = statement(Feed(self._next_line))
            if node is not None:
                self.run(node)
        except Jump as jump:
            frame.at = jump.at

    def _require_no_echo(self) -> None:
        if self.machine.echo_on and self.machine.streams.out.kind in ("file", "taken"):
            text = "echo is on, and cmd writes the commands themselves to the redirected output"
            raise Puzzle(text, "begin each batch with @echo off")

    def _label(self, frame: Frame) -> bool:
        """Pass over a label or a comment by `::`: cmd does so before it looks at percent signs."""
        number, line = frame.text.lines[frame.at]
        if not line.lstrip(DELIMITERS + "@").startswith(":") or frame.command_line:
            return False
        self.machine.where = BatchLine(frame.text.name, number)
        self.machine.budget.step(len(line))
        if (len(line) - len(line.rstrip("^"))) % 2:
            raise Puzzle("a comment ends in ^, and cmd may read the next line as part of it", "remove the ^")
        frame.at += 1
        return True

    def _next_line(self) -> tuple[int, str] | None:
        machine, frame = self.machine, self.machine.frame
        if frame.at >= len(frame.text.lines):
            return None
        number, line = frame.text.lines[frame.at]
        frame.at += 1
        machine.where = BatchLine(frame.text.name, number)
        machine.budget.step(len(line))
        line = percent(line, machine.variable, None if frame.command_line else self._argument)
        if len(line) > LONGEST:
            raise Puzzle("the line is too long for cmd", "split it")
        machine.budget.step(len(line))
        return number, line

    def _argument(self, which: str, modifiers: str) -> str:
        machine, frame = self.machine, self.machine.frame
        if which == "*":
            return frame.rest
        value = frame.arguments[int(which)] if int(which) < len(frame.arguments) else ""
        if not modifiers:
            return value
        if which == "0" and not frame.shifted and modifiers != "~":
            value = frame.full
        return machine.modified(value, modifiers)

    def run(self, node: Node) -> int:
        """Run a node. Return its exit code, by which `&&` and `||` go."""
        machine = self.machine
        machine.budget.step()
        machine.budget.deeper()
        if not isinstance(node, Remark):
            machine.where = BatchLine(machine.frame.text.name, node.line)
        try:
            return self._run(node)
        finally:
            machine.budget.back()

    def _run(self, node: Node) -> int:
        match node:
            case Simple():
                return redirected(self.machine, node.redirections, lambda: self._simple(node))
            case Block():
                return redirected(self.machine, node.redirections, lambda: self._all(node.body))
            case Joined():
                return pipe(self, node) if node.sign == "|" else self._joined(node)
            case If():
                if holds(node.test, self.machine):
                    return self.run(node.then)
                return self.run(node.otherwise) if node.otherwise is not None else 0
            case For():
                return self._loop(node)
            case Remark():
                return 0

    def _all(self, body: tuple[Node, ...]) -> int:
        code = 0
        for node in body:
            code = self.run(node)
        return code

    def _joined(self, node: Joined) -> int:
        chain: list[Joined] = []
        first: Node = node
        while isinstance(first, Joined) and first.sign != "|":
            chain.append(first)
            first = first.left
        code = self.run(first)
        for one in reversed(chain):
            if one.sign == "&" or (one.sign == "&&") is (code == 0):
                if one.sign == "||":
                    self.machine.errorlevel = code
                code = self.run(one.right)
        return code

    def _loop(self, node: For) -> int:
        machine, frame = self.machine, self.machine.frame
        if not node.silent:
            self._require_no_echo()
        values = rounds(node, machine, lambda text: output_of(self, text))
        before = machine.loops
        frame.in_loop += 1
        code = 0
        try:
            for value in values:
                machine.budget.step(sum(len(one) for one in value))
                machine.loops = {**before, **{chr(ord(node.variable) + at): one for at, one in enumerate(value)}}
                code = self.run(node.body)
        finally:
            machine.loops = before
            frame.in_loop -= 1
        return code

    def _simple(self, node: Simple) -> int:
        code = self.command(self.machine.expanded(node.text))
        return 0 if code is None else code

    def command(self, text: str, *, called: bool = False) -> int | None:
        """Run a command that is fully expanded. Return the errorlevel that it set; None if it set none."""
        machine = self.machine
        if machine.frame.replaced:
            reason = "a batch runs another one without call, and something follows in the same statement"
            raise Puzzle(reason, "write call before the other batch")
        text = text.lstrip(DELIMITERS)
        if not text:
            return None
        name, rest = builtin_of(text)
        if name in BUILTINS:
            code = run_builtin(machine, name, rest)
        elif name in CONTROL:
            code = CONTROL[name](self, rest)
        elif re.fullmatch(r"[A-Za-z]:[ \t,;=]*", text):
            code = change_drive(machine, text[:2])
        else:
            require_known(name)
            code = external(self, text, called=called)
        if code is not None and name not in QUIET:
            machine.errorlevel = code
        return code

    def expanded_again(self, text: str) -> str:
        """Expand a text a second time, as `call` does. Raises Puzzle where cmd would see a sign of its own."""
        doubled = "".join(
            part.replace("^", "^^") if part[:1] == '"' else part for part in re.split(r'("[^"]*"?)', text)
        )
        frame = self.machine.frame
        again = percent(doubled, self.machine.variable, None if frame.command_line else self._argument)
        self.machine.budget.step(len(again))
        if re.search(r"[&|<>]", re.sub(r'"[^"]*"?', "", again)):
            raise Puzzle(
                "call has a command with a special character of cmd (& | < >)", "write the command without call"
            )
        return again


def rehearse(batch: bytes, name: str, setting: Setting, programs: Programs) -> Rehearsal:
    """Run a batch on paper: every program is answered by `programs`. `name` is its path, as %0 shows it."""
    machine = Machine(setting, programs, BatchLine(name, 1))
    stop = None
    try:
        for key, value in setting.variables.items():
            machine.assign(key, value)
        text = batch_text(name, text_of(batch, setting.code_page))
        rest = setting.arguments.strip(" \t")
        frame = Frame(text, 0, machine.full(name), [name, *parameters(rest)], rest)
        frame.data = batch
        Interpreter(machine).run_frame(frame)
    except Quit:
        pass
    except Puzzle as puzzle:
        stop = Stop(machine.where, puzzle.reason, puzzle.remedy)
    return Rehearsal(tuple(machine.events), machine.files.written(), machine.errorlevel, stop)

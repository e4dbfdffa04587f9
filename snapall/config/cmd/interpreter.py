"""Runs nodes on a machine."""

from __future__ import annotations

import re
from dataclasses import replace

from snapall.config.cmd.builtins import BUILTINS, builtin_of, require_known, run_builtin
from snapall.config.cmd.conditions import holds
from snapall.config.cmd.control import CONTROL
from snapall.config.cmd.expand import percent
from snapall.config.cmd.feed import DELIMITERS, Feed
from snapall.config.cmd.folders import change_drive
from snapall.config.cmd.frames import Frame, Jump, Leave, Quit
from snapall.config.cmd.loops import rounds
from snapall.config.cmd.machine import Machine
from snapall.config.cmd.nested import requested
from snapall.config.cmd.parse import statement
from snapall.config.cmd.paths import split_path
from snapall.config.cmd.programs import program_of, start, start_tool
from snapall.config.cmd.puzzle import Puzzle
from snapall.config.cmd.redirect import redirected
from snapall.config.cmd.rehearsal import Place
from snapall.config.cmd.streams import Input, Sink
from snapall.config.cmd.syntax import Block, For, If, Joined, Node, Remark, Simple
from snapall.config.cmd.text import LONGEST, batch_text, text_of
from snapall.config.cmd.tools import NAMES
from snapall.config.cmd.words import parameters

_FRAME_LEVELS = 4  # a subroutine is as deep as so many blocks
_PIPED = ("copy", "date", "del", "echo", "erase", "move", "rem", "type")


class Interpreter:
    """The statements of a batch, one after the other."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def run_frame(self, frame: Frame) -> None:
        """Run a batch or subroutine to its end; what `setlocal` saved in it is restored."""
        machine = self.machine
        where = machine.where
        machine.budget.deeper(_FRAME_LEVELS)
        machine.frames.append(frame)
        try:
            while frame.at < len(frame.text.lines):
                self._statement(frame)
        except Leave:
            pass
        machine.frames.pop()
        machine.budget.back(_FRAME_LEVELS)
        machine.where = where
        if frame.saved:
            machine.restore(frame.saved[0])

    def _statement(self, frame: Frame) -> None:
        try:
            node = statement(Feed(self._next_line))
            if node is not None:
                self.run(node)
        except Jump as jump:
            frame.at = jump.at

    def _next_line(self) -> tuple[int, str] | None:
        machine, frame = self.machine, self.machine.frame
        if frame.at >= len(frame.text.lines):
            return None
        number, line = frame.text.lines[frame.at]
        frame.at += 1
        machine.where = Place(frame.text.name, number)
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
            machine.where = Place(machine.frame.text.name, node.line)
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
                return self._pipe(node) if node.sign == "|" else self._joined(node)
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
                code = self.run(one.right)
        return code

    def _pipe(self, node: Joined) -> int:
        stages: list[Node] = []
        first: Node = node
        while isinstance(first, Joined) and first.sign == "|":
            stages.insert(0, first.right)
            first = first.left
        machine, before, code = self.machine, self.machine.streams, 0
        given = before.given
        for stage in [first, *stages]:
            self._require_piped(stage)
            sink = before.out if stage is stages[-1] else Sink("taken")
            machine.streams = replace(before, out=sink, given=given)
            try:
                code = self.run(stage)
            finally:
                machine.streams = before
            given = Input("".join(sink.taken))
        machine.errorlevel = code
        return code

    def _require_piped(self, stage: Node) -> None:
        """cmd runs each side of a pipe in a cmd of its own, which reads the command once more."""
        remedy = "write to a file and read that"
        if not isinstance(stage, Simple):
            raise Puzzle("a side of a pipe is a block, if or for", remedy)
        text = re.sub(r'"[^"]*"?', "", stage.text)
        if re.search(r"[&|<>^%]", text) or (self.machine.delayed_on and "!" in text):
            raise Puzzle("a side of a pipe has a sign that cmd would read twice", remedy)
        name, _ = builtin_of(stage.text.lstrip(DELIMITERS))
        if name in CONTROL or (name in BUILTINS and name not in _PIPED):
            raise Puzzle(f"{name} is a side of a pipe, where it has no lasting effect", remedy)

    def _loop(self, node: For) -> int:
        machine, frame = self.machine, self.machine.frame
        values = rounds(node, machine, self.output_of)
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
        text = text.lstrip(DELIMITERS)
        if not text.strip(DELIMITERS):
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
            code = self._external(text, called)
        if code is not None:
            machine.errorlevel = code
        return code

    def _external(self, text: str, called: bool) -> int:
        program, tail = program_of(text)
        stem = re.sub(r"\.(exe|com)$", "", re.split(r"[\\/]", program)[-1].lower())
        if stem == "cmd":
            return self._nested(tail)
        if stem in NAMES:
            return start_tool(self.machine, stem, tail)
        batch = self._batch(program)
        if batch is None:
            return start(self.machine, program, tail)
        full, data = batch
        rest = tail.lstrip(DELIMITERS)
        text = data if isinstance(data, str) else text_of(data, self.machine.code_page)
        self.machine.budget.step(len(text))
        frame = Frame(batch_text(full, text), 0, full, [program, *parameters(tail)], rest)
        frame.data = data if isinstance(data, bytes) else None
        self.run_frame(frame)
        if not called and not self.machine.frame.command_line:
            raise Leave  # without `call` the other batch takes over, and nobody comes back
        return self.machine.errorlevel

    def _batch(self, program: str) -> tuple[str, str | bytes] | None:
        """Find the batch that a command names; None if it is a program."""
        machine = self.machine
        full = machine.full(program)
        named = split_path(full)[3].lower() in (".bat", ".cmd")
        if not named and (split_path(full)[3] or machine.files.data(full + ".exe") is not None):
            return None
        for one in [full] if named else [full + ".bat", full + ".cmd"]:
            data: str | bytes | None = machine.files.written().get(one) or machine.files.data(one)
            if data is not None:
                return one, data
        if named:
            raise Puzzle("the batch runs another one, which cannot be read", "put it where the batch looks for it")
        return None

    def expanded_again(self, text: str) -> str:
        """Expand a text a second time, as `call` does. Raises Puzzle where cmd would see a sign of its own."""
        doubled = "".join(
            part.replace("^", "^^") if part[:1] == '"' else part for part in re.split(r'("[^"]*"?)', text)
        )
        frame = self.machine.frame
        again = percent(doubled, self.machine.variable, None if frame.command_line else self._argument)
        self.machine.budget.step(len(again))
        if re.search(r"[&|<>]", re.sub(r'"[^"]*"?', "", again)):
            raise Puzzle("call is given a command with a sign of cmd (& | < >)", "write the command without call")
        return again

    def _nested(self, tail: str) -> int:
        machine = self.machine
        line = requested(tail)
        saved, frame = machine.save(), Frame(batch_text(machine.where.file, ""), 0, machine.frame.full, [], "")
        frame.text = replace(frame.text, lines=((machine.where.line, line),))
        frame.command_line = True
        machine.delayed_on = False
        in_loop = machine.loops
        machine.loops = {}
        try:
            self.run_frame(frame)
        except Quit:
            del machine.frames[machine.frames.index(frame) :]
            machine.budget.back(_FRAME_LEVELS)
        finally:
            machine.loops = in_loop
        machine.restore(saved)
        return machine.errorlevel

    def output_of(self, command: str) -> str:
        """Return what a command says, run by a cmd of its own, as `for /F` reads it."""
        machine, before = self.machine, self.machine.streams
        sink = Sink("taken")
        machine.streams = replace(before, out=sink)
        errorlevel = machine.errorlevel
        try:
            self._nested(" /c " + command)
        finally:
            machine.streams = before
        machine.errorlevel = errorlevel
        return "".join(sink.taken)

"""`call`, `goto`, `exit`, `setlocal`, `shift` and `chcp`: commands that change where and how the batch continues."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from snapall.config.cmd.arithmetic import wrapped
from snapall.config.cmd.frames import Frame, Jump, Leave, Quit
from snapall.config.cmd.stops import Puzzle, syntax_error
from snapall.config.cmd.text import batch_text, codec_of, parameters, text_of

if TYPE_CHECKING:
    from snapall.config.cmd.interpreter import Interpreter

_MOST_SAVED = 32  # setlocals that are open at a time (cmd: "Maximum setlocal recursion level reached")
NO_PROGRAM = 9009  # cmd's own code for a program that is not there; `call` makes it 1
_LABEL = re.compile(r":?[ \t]*([^\s:+,;=]*)")


def goto(interpreter: Interpreter, text: str) -> int | None:
    """`goto label`, `goto :eof`."""
    frame = interpreter.machine.frame
    target = text.lstrip(" \t,;=")
    if frame.command_line:
        raise Puzzle("goto is in a separate cmd, which has no labels", "write the goto in the batch itself")
    if re.match(r":eof(?![^\s:+,;=])", target, re.IGNORECASE):
        raise Leave
    hit = _LABEL.match(target)
    if hit is None or not hit[1]:
        raise syntax_error("goto has no label")
    at = frame.text.after(hit[1], frame.at)
    if at is None:
        raise Puzzle("the batch has no such label: cmd ends the batch at this goto", "add the label")
    raise Jump(at)


def leave(interpreter: Interpreter, text: str) -> int | None:
    """`exit`, `exit /b`, with or without a code."""
    hit = re.fullmatch(r"[ \t,;=]*(?P<part>/b)?[ \t,;=]*(?P<code>\S*).*", text, re.IGNORECASE | re.DOTALL)
    assert hit is not None  # noqa: S101 - every text matches
    if hit["code"]:
        if not re.fullmatch("[+-]?(0|[1-9][0-9]{0,9})", hit["code"]):
            raise Puzzle("the code after exit is not a decimal number", "write a number")
        interpreter.machine.errorlevel = wrapped(int(hit["code"]))
    raise Leave if hit["part"] else Quit


def setlocal(interpreter: Interpreter, text: str) -> int | None:
    """`setlocal`, with enabledelayedexpansion and the like."""
    machine = interpreter.machine
    words = [one.lower() for one in parameters(text)]
    if "disableextensions" in words:
        raise Puzzle("setlocal disableextensions makes cmd behave as in Windows NT 3.5", "remove it")
    known = ("enabledelayedexpansion", "disabledelayedexpansion", "enableextensions")
    if not machine.frame.command_line:
        if len(machine.frame.saved) == _MOST_SAVED:
            raise Puzzle("setlocal is nested too deeply", "add endlocal")
        machine.frame.saved.append(machine.save())
    for word in words:
        if word not in known:
            return 1
        if word.endswith("delayedexpansion") and not machine.frame.command_line:
            machine.delayed_on = word.startswith("enable")
    return 0


def endlocal(interpreter: Interpreter, _text: str) -> int | None:
    """`endlocal`."""
    if interpreter.machine.frame.saved:
        interpreter.machine.restore(interpreter.machine.frame.saved.pop())
    return None


def shift(interpreter: Interpreter, text: str) -> int | None:
    """`shift` and `shift /n`: %* stays as it is."""
    hit = re.fullmatch(r"[ \t]*(?:/([0-8]))?[ \t]*", text)
    if hit is None:
        raise Puzzle("shift has an argument other than /0 to /8", "remove it")
    frame, first = interpreter.machine.frame, int(hit[1] or "0")
    del frame.arguments[first : first + 1]
    frame.shifted = frame.shifted or first == 0
    return None


def chcp(interpreter: Interpreter, text: str) -> int | None:
    """`chcp`: from the next line on, the batch is read in another code page."""
    machine = interpreter.machine
    number = text.strip()
    if not number:
        machine.put(f"Active code page: {machine.code_page}\n", "chcp")
        return 0
    if not re.fullmatch("[0-9]{1,5}", number):
        raise Puzzle("chcp has no number", "write the code page's number")
    codec_of(int(number))
    machine.code_page = int(number)
    for frame in machine.frames:
        if frame.data is not None:
            frame.text = batch_text(frame.text.name, text_of(frame.data, machine.code_page))
    machine.budget.step(sum(len(frame.data or b"") for frame in machine.frames))
    machine.put(f"Active code page: {number}\n", "chcp")
    return 0


def call(interpreter: Interpreter, text: str) -> int | None:
    """`call`: percent signs and carets are read once more, then a subroutine, batch or command runs."""
    machine = interpreter.machine
    again = interpreter.expanded_again(text).lstrip(" \t,;=")
    if not again:
        return 0 if text else 1
    if not again.startswith(":"):
        code = interpreter.command(again, called=True)
        return 1 if code == NO_PROGRAM else code or 0
    token = parameters(again)[0]
    hit = _LABEL.match(token)
    label = hit[1] if hit is not None else ""
    if machine.frame.command_line:
        raise Puzzle("call to a label is in a separate cmd", "write the call in the batch itself")
    at = machine.frame.text.after(label, machine.frame.at)
    if at is None and label.lower() == "eof":
        return machine.errorlevel
    if at is None:
        machine.complain(f"The system cannot find the batch label specified - {label}", "call")
        return 1
    rest = again[again.index(token) + len(token) :]
    frame = Frame(machine.frame.text, at, machine.frame.full, [token, *parameters(rest)], rest.lstrip(" \t,;="))
    frame.data = machine.frame.data
    interpreter.run_frame(frame)
    return machine.errorlevel


Control = Callable[["Interpreter", str], int | None]
CONTROL: dict[str, Control] = {
    "call": call,
    "chcp": chcp,
    "endlocal": endlocal,
    "exit": leave,
    "goto": goto,
    "setlocal": setlocal,
    "shift": shift,
}

"""Rehearses a batch."""

from __future__ import annotations

from snapall.config.cmd.frames import Frame, Quit
from snapall.config.cmd.interpreter import Interpreter
from snapall.config.cmd.machine import Machine
from snapall.config.cmd.puzzle import Puzzle
from snapall.config.cmd.rehearsal import Place, Programs, Rehearsal, Setting, Stop
from snapall.config.cmd.text import batch_text, text_of
from snapall.config.cmd.words import parameters


def rehearse(batch: bytes, name: str, setting: Setting, programs: Programs) -> Rehearsal:
    """Run a batch on paper: every program is answered by `programs`. `name` is its path, as %0 shows it."""
    machine = Machine(setting, programs, Place(name, 1))
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

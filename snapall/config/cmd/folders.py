"""The current folder: `cd`, `pushd`, `popd`, `md`, `rd`. A folder to which the batch changes is assumed to exist."""

from __future__ import annotations

import re

from snapall.config.cmd.machine import Machine
from snapall.config.cmd.stops import Puzzle
from snapall.config.cmd.text import parameters, unquoted


def change(machine: Machine, text: str) -> int | None:
    """`cd` and `cd /d`."""
    text = text.strip(" \t,;=")
    hit = re.match(r"/d(?![A-Za-z0-9])[ \t]*", text, re.IGNORECASE)
    path = (text[hit.end() :] if hit is not None else text).replace('"', "").strip()
    if not path:
        machine.put(machine.folder + "\n", "cd")
        return 0
    _go(machine, path, change_drive=hit is not None)
    return 0


def change_drive(machine: Machine, drive: str) -> int | None:
    """`c:`: the folder that is current on that drive."""
    _go(machine, drive, change_drive=True)
    return None


def _go(machine: Machine, path: str, *, change_drive: bool) -> None:
    full = machine.full(path)
    if full.startswith("\\\\"):
        raise Puzzle(
            "the batch changes to a network share", "give the share a drive letter, or write the files' full paths"
        )
    full = full[0].upper() + full[1:]
    if change_drive or full[:2].upper() == machine.folder[:2].upper():
        machine.elsewhere[machine.folder[:2].upper()] = machine.folder
        machine.folder = full
    else:
        machine.elsewhere[full[:2].upper()] = full


def push(machine: Machine, text: str) -> int | None:
    """`pushd`."""
    path = unquoted(text.strip(" \t,;="))
    if len(machine.pushed) > 99:
        raise Puzzle("pushd is nested too deeply", "remove the loop")
    if not path:
        raise Puzzle("pushd alone shows folders", "remove it")
    before = machine.folder
    _go(machine, path, change_drive=True)
    machine.pushed.append(before)
    return 0


def pop(machine: Machine, _text: str) -> int | None:
    """`popd`."""
    if not machine.pushed:
        return 1
    _go(machine, machine.pushed.pop(), change_drive=True)
    return None


def make(machine: Machine, text: str) -> int | None:
    """`md`: with all folders above."""
    names = parameters(text)
    if not names:
        return machine.misused("md")
    code = 0
    for name in names:
        full = machine.full(unquoted(name))
        if machine.exists(full):
            machine.complain(f"A subdirectory or file {unquoted(name)} already exists.", "md")
            code = 1
        steps = full.split("\\")
        machine.budget.step(len(full) * len(steps))
        machine.files.folders |= {"\\".join(steps[: count + 1]).lower() for count in range(1, len(steps))}
    return code


def remove(machine: Machine, text: str) -> int | None:
    """`rd`: an empty folder that the batch made."""
    names = parameters(text)
    if any(name.startswith("/") for name in names):
        raise Puzzle("rd removes a folder with its content", "remove this rd, or delete the files by name")
    code = None if names else 1
    for name in names:
        full = machine.full(unquoted(name)).lower()
        machine.budget.step(machine.files.count)
        if machine.files.below(full):
            machine.complain("The directory is not empty.", "rd")
            code = 145
        else:
            machine.files.folders.discard(full)
    return code

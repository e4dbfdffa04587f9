"""What provokes a message: a fault of the site, the configuration or the command line, and what an administrator reads.

Each entry is the whole case: the message must name the thing, and its remedy must fit that very fault.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from snapall.lab.faults import Fault, FaultKind
from tests.lab import external_actors
from tests.lab.atlab import AtLab

Prepare = Callable[[AtLab], object]


@dataclass(frozen=True, slots=True)
class Provoked:
    """A command line, what is prepared for it, and what it answers: exit code, a part of the message, of its remedy.

    `{here}` stands for the folder of the configuration. `ssh`: the lab's filer is reached by ssh, else by rsh.
    """

    code: str
    command: str
    exit: int
    says: str
    remedy: str
    prepare: Prepare = lambda _: None
    ssh: bool = False


def line(key: str, value: str) -> Prepare:
    """Give the first such key of the configuration another value, or take it away."""

    def change(night: AtLab) -> None:
        new = f"{key} = {value}" if value else ""
        text, count = re.subn(rf"^{key} *=.*$", lambda _: new, night.config.read_text(), count=1, flags=re.MULTILINE)
        assert count == 1
        night.config.write_text(text)

    return change


def edited(old: str, new: str) -> Prepare:
    """Replace a text of the configuration, which must be there."""
    return lambda night: night.edit(old, new)


def top(text: str) -> Prepare:
    """Put a line before all others of the configuration."""
    return lambda night: night.config.write_text(f"{text}\n{night.config.read_text()}")


def job(text: str) -> Prepare:
    """Add a line to the job."""
    return lambda night: night.config.write_text(f"{night.config.read_text()}{text}\n")


def made(name: str, content: str = "") -> Prepare:
    """Write a file beside the configuration, for its owner alone."""

    def write(night: AtLab) -> None:
        path = night.config.parent / name
        path.write_text(content)
        path.chmod(0o600)

    return write


def lab(on: str, kind: FaultKind, text: str = "", times: int = 0) -> Prepare:
    """Plant a fault in every such call."""
    return lambda night: night.fault(Fault(on, kind, text=text, times=times))


def named(fault: str) -> Prepare:
    """Plant a fault of the demo."""
    return lambda night: night.fault(fault)


def volume(**state: object) -> Prepare:
    """Change the volume's state on the filer."""
    return lambda night: external_actors.set_volume(night.world, "vmvol1", **state)  # type: ignore[arg-type]


def after(*steps: Prepare | str) -> Prepare:
    """Prepare in several steps; a text is a command of snapall."""

    def prepare(night: AtLab) -> None:
        for one in steps:
            if isinstance(one, str):
                night(*one.split())
            else:
                one(night)

    return prepare


def query(statement: str) -> Prepare:
    """Give the job a query in place of its datastores."""
    return line("datastores", f'[688]\nquery = "{statement}"')

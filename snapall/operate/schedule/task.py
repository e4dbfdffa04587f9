"""A schedule, and the documents and steps from which a scheduler gets it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from snapall.errors import ConfigError

NAME = "snapall"
"""The default of `--name`: what units and tasks are called."""


class Scheduler(StrEnum):
    """Who starts snapall; the values are those of `--for`."""

    TASK_SCHEDULER = "task-scheduler"
    SYSTEMD = "systemd"
    CRON = "cron"


@dataclass(frozen=True, slots=True)
class Task:
    """One configuration's schedule. All paths are absolute, in the notation of the system that runs it."""

    program: tuple[str, ...]
    config: str
    folder: str
    user: str
    hour: int
    minute: int
    name: str = NAME

    @property
    def run(self) -> tuple[str, ...]:
        """The command of the nightly backup."""
        return (*self.program, "run", "--quiet", "--config", self.config)

    @property
    def recover(self) -> tuple[str, ...]:
        """The command for the start of the machine."""
        return (*self.program, "recover", "--config", self.config)

    @property
    def time(self) -> str:
        """When the backup begins: HH:MM."""
        return f"{self.hour:02}:{self.minute:02}"


@dataclass(frozen=True, slots=True)
class Document:
    """One file for a scheduler; `what` is how `--what` names it."""

    what: str
    file: str
    text: str


@dataclass(frozen=True, slots=True)
class WriteUnit:
    """A step of the installation: write a unit into systemd's folder."""

    document: Document
    replaces: bool


@dataclass(frozen=True, slots=True)
class RunTool:
    """A step of the installation: run a scheduler's own program, in a folder with these documents."""

    argv: tuple[str, ...]
    documents: tuple[Document, ...] = ()
    given: bytes = b""  # on its stdin
    note: str = ""


Step = WriteUnit | RunTool


def require_writable(task: Task, scheduler: Scheduler) -> None:
    """ConfigError: a path or the user holds a character that the scheduler's file cannot carry."""
    program = task.program[0] if scheduler is Scheduler.SYSTEMD else ""  # systemd takes no quotes in it at all
    for one in (*task.program, task.config, task.folder, task.user):
        if not one.isprintable() or (one == program and not set(one).isdisjoint("\"'\\")):
            raise ConfigError(
                f"{one!r} contains a character that a scheduler's file cannot represent",
                "rename the file or the folder, then run `snapall schedule` again",
                "SA-1961",
            )

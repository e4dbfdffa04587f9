"""What `snapall schedule` does, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from snapall.escaping import shell_word, windows_word
from snapall.operate.schedule.task import RunTool, Scheduler, Step, Task, WriteUnit
from snapall.operate.schedule.task_scheduler import is_system, task_names


def head(task: Task, scheduler: Scheduler) -> str:
    """What is scheduled, by whom and for whom."""
    return f"{scheduler}: the backup at {task.time} and the recovery at boot, of {task.config}, as {task.user}"


def step_line(step: Step, units: Path) -> str:
    """One step: a file that is written, or a command."""
    match step:
        case WriteUnit(document, replaces):
            return f"write {units / document.file}{' (replaces it)' if replaces else ''}"
        case RunTool(argv, _, _, note):
            quoted = windows_word if argv[0] == "schtasks" else shell_word
            return f"run   {' '.join(map(quoted, argv))}{f' ({note})' if note else ''}"


def plan_lines(task: Task, scheduler: Scheduler, steps: Sequence[Step], units: Path) -> Iterator[str]:
    """What an installation would do."""
    yield head(task, scheduler)
    yield from (step_line(one, units) for one in steps)
    yield from notes(task, scheduler)
    yield "Nothing was changed. `--install` does this, `--what` prints one file, `--out DIR` writes them all."


def notes(task: Task, scheduler: Scheduler) -> Iterator[str]:
    """What to know of tasks of Windows that run as a user: see docs/schedule.md."""
    if scheduler is Scheduler.TASK_SCHEDULER and not is_system(task):
        yield (
            "The tasks start whether this user is logged on or not, without a stored password, so they cannot log in "
            "to other machines with Windows authentication."
        )
        yield "If the database or a shared folder needs that, have Windows ask for the password and store it:"
        for name in task_names(task):
            yield f'  schtasks /Change /TN "{name}" /RU "{task.user}" /RP *'

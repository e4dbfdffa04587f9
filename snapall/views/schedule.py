"""What `snapall schedule` does, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from snapall.operate.schedule.task import RunTool, Scheduler, Step, Task, WriteUnit


def head(task: Task, scheduler: Scheduler) -> str:
    """What is scheduled, by whom and for whom."""
    return f"{scheduler}: the backup at {task.time} and the recovery at boot, of {task.config}, as {task.user}"


def step_line(step: Step, units: Path) -> str:
    """One step: a file that is written, or a command."""
    match step:
        case WriteUnit(document, replaces):
            return f"write {units / document.file}{' (replaces it)' if replaces else ''}"
        case RunTool(argv, _, _, note):
            words = " ".join(f'"{one}"' if " " in one else one for one in argv)
            return f"run   {words}{f' ({note})' if note else ''}"


def plan_lines(task: Task, scheduler: Scheduler, steps: Sequence[Step], units: Path) -> Iterator[str]:
    """What an installation would do."""
    yield head(task, scheduler)
    yield from (step_line(one, units) for one in steps)
    yield "Nothing was changed. `--install` does this, `--what` prints one file, `--out DIR` writes them all."


S4U = (
    "Windows starts the tasks whether this user is logged on or not, without a stored password. They cannot use a "
    'Windows login elsewhere; if they must, store a password: schtasks /Change /TN "{name}" /RU {user} /RP *'
)
"""What to know of a task that runs as a user: see docs/schedule.md."""

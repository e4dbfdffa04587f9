"""The lines for cron, and a crontab with them in it. `crontab` judges them in tests/real/test_units.py."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from snapall.operate.schedule.task import Document, Task

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""In the commands, since a line `PATH=` would change every entry below it."""

_DELAY = 60
"""Seconds after the start of cron, which does not wait for the network."""

_BEGIN, _END = "# begin of snapall schedule: ", "# end of snapall schedule: "


def lines_of(task: Task) -> Document:
    """The lines for one configuration, between marks that name it."""
    text = f"""\
{_BEGIN}{task.config}
# `snapall schedule --install` replaces all up to the end. With --quiet, a run prints only errors, and cron mails them.
# cron has no variables of a login: keep passwords in files, not in the environment.
@reboot sleep {_DELAY}; {_command(task.recover)}
{task.minute} {task.hour} * * * {_command(task.run)}
{_END}{task.config}
"""
    return Document("crontab", f"{task.name}.crontab", text)


def with_lines(crontab: str, task: Task) -> str:
    """A crontab with the lines of this configuration: in the place of the former ones, else at its end.

    Everything else stays as it is. A mark without its other half is left alone.
    """
    begin, end = f"{_BEGIN}{task.config}\n", f"{_END}{task.config}\n"
    new = lines_of(task).text
    if crontab and not crontab.endswith("\n"):  # cron ignores a last line without it
        crontab += "\n"
    before, found, rest = _split(crontab, begin)
    _, ended, after = _split(rest, end)
    return before + new + after if found and ended else crontab + new


def is_replaced(crontab: str, task: Task) -> bool:
    """Whether the crontab has lines of this configuration already."""
    return f"{_BEGIN}{task.config}\n" in crontab and f"{_END}{task.config}" in crontab


def _split(text: str, line: str) -> tuple[str, str, str]:
    """Partition at a whole line."""
    place = 0 if text.startswith(line) else text.find(f"\n{line}") + 1
    if not text.startswith(line, place):
        return text, "", ""
    return text[:place], line, text[place + len(line) :]


def _command(words: Sequence[str]) -> str:
    """A command for the shell that cron starts; cron itself would end it at a percent sign."""
    return f"PATH={_PATH} {shlex.join(words)}".replace("%", "\\%")

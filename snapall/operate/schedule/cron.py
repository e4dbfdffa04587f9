"""The lines for cron, and a crontab with them in it. `crontab` judges them in tests/real/test_units.py."""

from __future__ import annotations

import re
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
    new = lines_of(task).text
    if crontab and not crontab.endswith("\n"):  # cron ignores a last line without it
        crontab += "\n"
    if (former := _former(crontab, task)) is None:
        return crontab + new
    return crontab[: former.start()] + new + crontab[former.end() :]


def is_replaced(crontab: str, task: Task) -> bool:
    """Whether the crontab has lines of this configuration already."""
    return _former(f"{crontab}\n", task) is not None


def _former(crontab: str, task: Task) -> re.Match[str] | None:
    """The lines between the marks of this configuration, with them; no other such mark may be among them."""
    begin, end = (f"{re.escape(mark + task.config)}\n" for mark in (_BEGIN, _END))
    return re.search(f"^{begin}(?:(?!{begin})[^\n]*\n)*?{end}", crontab, re.MULTILINE)


def _command(words: Sequence[str]) -> str:
    """A command for the shell that cron starts; cron itself would end it at a percent sign."""
    return f"PATH={_PATH} {shlex.join(words)}".replace("%", "\\%")

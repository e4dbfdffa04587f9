"""The log's name: one that stays the same, or one with `{date}` in it, in whose place the date stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

PLACEHOLDER = "{date}"
"""What the date takes the place of, in the name of the file only: nobody would create a folder for each date."""

_IN_NO_NAME = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|]')


def fits_in_a_name(text: str) -> bool:
    """Whether a file's name can contain the text on Windows and on POSIX, and is a name even if it has nothing else."""
    return _IN_NO_NAME.search(text) is None and text.strip(" .") != ""


def dated(
    path: Path, log_date: str, moment: datetime, local: Callable[[datetime], datetime] = datetime.astimezone
) -> Path:
    """The path with the local date of a moment, as `log_date` (strftime) writes it; a path that has it stays."""
    if PLACEHOLDER not in path.name:
        return path
    return path.with_name(path.name.replace(PLACEHOLDER, local(moment).strftime(log_date)))

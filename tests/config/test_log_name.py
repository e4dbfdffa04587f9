"""`{date}` in the log's name, and what `log_date` may write in its place."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from snapall.config.logname import dated
from tests.config.test_config import PLAIN, faults, folder, read

__all__ = ["folder"]
NIGHT = datetime(2007, 3, 22, 3, tzinfo=UTC)


def named(log: str, log_date: str = "%Y-%m-%d") -> str:
    return dated(Path(log), log_date, NIGHT, lambda at: at).as_posix()


@pytest.mark.parametrize(
    ("log", "log_date", "name"),
    [
        ("logs/snapall-{date}.log", "%Y-%m-%d", "logs/snapall-2007-03-22.log"),
        ("{date}", "%y%m%d", "070322"),
        ("{date}-{date}.log", "%a", "Thu-Thu.log"),
        ("snapall.log", "%Y", "snapall.log"),
        ("{Date} {} {x} {date.log", "%Y", "{Date} {} {x} {date.log"),
        ("{date}/snapall.log", "%Y", "{date}/snapall.log"),
    ],
)
def test_the_date_takes_the_place_of_its_placeholder_in_the_files_name_alone(
    log: str, log_date: str, name: str
) -> None:
    assert named(log, log_date) == name


def test_the_date_is_the_local_one(folder: Path) -> None:
    config = read(folder, f'log = "{{date}}.log"\n{PLAIN}')
    assert config.log_at(NIGHT) == folder / f"{NIGHT.astimezone():%Y-%m-%d}.log"


def test_what_starts_later_for_a_command_writes_the_commands_log(folder: Path) -> None:
    config = read(folder, f'log = "{{date}}.log"\nlog_date = "%Y"\n{PLAIN}')
    started = config.started_at(NIGHT)
    assert started.log_at(NIGHT.replace(year=2012)) == folder / "2007.log"
    assert started.jobs == config.jobs
    assert config.log == folder / "{date}.log"


@pytest.mark.parametrize(
    "log_date", ["%m/%d", "%H:%M", "%c", "a*b", "<%d>", "\\\\\\\\%d", "%%|", 'a\\"', "?", ".", " "]
)
def test_a_date_that_no_files_name_can_contain_is_a_fault(folder: Path, log_date: str) -> None:
    (fault,) = faults(folder, f'log_date = "{log_date}"\n{PLAIN}')
    assert fault.startswith("log_date: writes ")
    assert "cannot be part of a file's name (/ \\ : * ? \" < > | are not allowed)" in fault


@pytest.mark.parametrize("value", ['"a\\nb"', '""', "3"])
def test_a_date_that_is_no_format_is_a_fault(folder: Path, value: str) -> None:
    (fault,) = faults(folder, f"log_date = {value}\n{PLAIN}")
    assert fault.startswith("log_date: ")


@pytest.mark.parametrize("log_date", ["%Y%m%d", "%a", "%d.%m.%y", "%H%M", "no date", "%%d"])
def test_any_other_format_is_taken(folder: Path, log_date: str) -> None:
    assert read(folder, f'log_date = "{log_date}"\n{PLAIN}').log_date == log_date

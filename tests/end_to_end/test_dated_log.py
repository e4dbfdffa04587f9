"""A log with the date in its name: one file for each command, whatever it starts and however late it gets."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from snapall.backup.clock import SystemClock
from tests.lab.atlab import AtLab, Hasty
from tests.operate.guardians import end_of_guardians, guarded

Make = Callable[..., AtLab]


class Midnight(Hasty):
    """A clock on which it was just before midnight, local time, when the run began; each look takes a moment."""

    def __init__(self) -> None:
        super().__init__()
        midnight = datetime.combine(SystemClock().utc().astimezone(), time.min).astimezone()
        self.at = midnight - timedelta(seconds=1)

    def utc(self) -> datetime:
        self.at += timedelta(milliseconds=300)
        return self.at.astimezone(UTC)


def dated(night: AtLab, log_date: str = "%Y-%m-%d") -> AtLab:
    (night.lab.directory / "logs").mkdir()
    night.edit('log   = "snapall.log"', f'log   = "logs/snapall-{{date}}.log"\nlog_date = "{log_date}"')
    return night


def logs(night: AtLab) -> list[Path]:
    return sorted((night.lab.directory / "logs").iterdir())


def today() -> str:
    return f"snapall-{SystemClock().utc().astimezone():%Y-%m-%d}.log"


def test_a_run_writes_into_the_log_of_its_day(at_lab: Make) -> None:
    night = dated(at_lab())
    before = today()
    assert night("run").code == 0
    (log,) = logs(night)
    assert log.name in {before, today()}
    lines = log.read_text().splitlines()
    assert lines[0].startswith("Script Execution Commenced at ")
    assert lines[-1].startswith("Script Execution complete at ")
    assert not (night.lab.directory / "snapall.log").exists()


def test_a_run_past_midnight_stays_in_the_log_of_the_day_on_which_it_began(at_lab: Make) -> None:
    night, clock = dated(at_lab()), Midnight()
    began = clock.at.date()
    assert night.hastily(clock=clock).code == 0
    assert clock.at.date() > began
    (log,) = logs(night)
    assert log.name == f"snapall-{began}.log"
    assert "Script Execution complete" in log.read_text()


def test_the_jobs_of_one_command_and_their_guardians_share_one_log(at_lab: Make) -> None:
    night = dated(guarded(at_lab), "%H%M%S-%f")
    text = night.config.read_text()
    job = text[text.index("[jobs.vol1]") :].replace("vol1]", "vol2]").replace('"vmware"', '"other"')
    night.config.write_text(f"{text}\n{job}")
    assert night("run").code == 0
    end_of_guardians(night)
    (log,) = logs(night)
    assert log.read_text().count("Script Execution complete") == 2


def test_doctor_checks_the_log_of_today(at_lab: Make) -> None:
    night = dated(at_lab())
    before = today()
    text, remedy = _checked(night)
    assert Path(text).name in {before, today()}
    assert remedy is None
    (night.lab.directory / "logs").rmdir()
    text, remedy = _checked(night)
    assert (text, remedy) == (
        f"the folder {night.lab.directory / 'logs'} does not exist",
        "create it, or set `log` to another file",
    )


def _checked(night: AtLab) -> tuple[str, str | None]:
    links = json.loads(night("doctor", "--json").out)["links"]
    (link,) = (one for one in links if one["link"] == "log")
    return link["text"], link["remedy"]

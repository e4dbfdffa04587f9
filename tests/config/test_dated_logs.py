"""Logs that a batch names after the date: each is taken with the strftime pattern that gives its names, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.config.batch import Batch, batch_of
from snapall.config.batch.rehearsals.days import WRITTEN, pattern_of
from snapall.config.load import load
from tests.config.batches import FILLED, faults, filled

FEW = [date(2007, 3, 22), date(1999, 11, 17), date(2008, 2, 29)]
DAYS = [*FEW, *(date(2007, 3, day) for day in range(1, 32)), *(date(2007, month, 12) for month in range(1, 13))]
DIRECTIVES = ("%Y", "%y", "%m", "%d", "%a")
TEXTS = st.text("abz019 _-.%{}", min_size=1, max_size=3).map(lambda text: text.replace("%", "%%"))
PATTERNS = st.lists(st.sampled_from(DIRECTIVES) | TEXTS, min_size=1, max_size=6).map("".join)
CREATE = "RSH %filer% snap create %volname% vmware_recent >> filer-%date:~-4%.log"
EUROPEAN = "%date:~-4%%date:~3,2%%date:~0,2%.log"


def logged_to(name: str) -> bytes:
    """The batch with a log of this name, which it sets at its beginning."""
    return filled(("@echo off", f"@echo off\r\nset log={name}"), ("snapall.log", '"%log%"'))


def log_of(batch: Batch) -> tuple[object, object]:
    assert batch.fault_lines() == []
    return batch.table["log"], batch.table.get("log_date")


@given(PATTERNS)
def test_the_pattern_that_is_found_gives_the_same_names_on_every_day(pattern: str) -> None:
    found = "".join(pattern_of({day: day.strftime(pattern) for day in DAYS}))
    others = [date(1980, 1, 1) + timedelta(days=97 * number) for number in range(300)]
    assert [day.strftime(found) for day in others] == [day.strftime(pattern) for day in others]


@given(PATTERNS, st.sampled_from(DAYS), st.text("aT019", min_size=1, max_size=4))
def test_there_is_no_pattern_if_one_name_is_another(pattern: str, day: date, other: str) -> None:
    names = {one: one.strftime(pattern) for one in DAYS}
    names[day] += other
    assert pattern_of(names) == ()


@pytest.mark.parametrize("directive", DIRECTIVES)
def test_a_part_of_the_date_is_written_as_strftime_writes_it(directive: str) -> None:
    assert [WRITTEN[directive](day) for day in DAYS] == [day.strftime(directive) for day in DAYS]


@pytest.mark.parametrize(
    ("name", "log", "log_date"),
    [
        (EUROPEAN, "{date}.log", "%Y%m%d"),
        ("%date:~2,2%%date:~5,2%%date:~8,2%.log", "{date}.log", "%y%m%d"),
        ("snapall-%date%.log", "snapall-{date}.log", "%d.%m.%Y"),
        ("snapall-%date:~-4%.log", "snapall-{date}.log", "%Y"),
        ("%date:~-4%%date:~-10,2%%date:~-7,2%.log", "{date}.log", "%Y%m%d"),
        ("%date:~-4%%date:~-7,2%%date:~-10,2%.log", "{date}.log", "%Y%m%d"),
        ("snap%%all_%date:~4,2%-%date:~-2%.txt", "snap%all_{date}.txt", "%m-%y"),
        (r"%~dp0logs\%date:~0,3%.log", r"logs\{date}.log", "%a"),
    ],
)
def test_a_log_that_is_named_after_the_date_is_taken(name: str, log: str, log_date: str) -> None:
    assert log_of(batch_of(logged_to(name), {})) == (log, log_date)


@pytest.mark.parametrize(
    ("loop", "log_date"),
    [
        ("for /f \"tokens=1-3 delims=/ \" %%a in ('date /t') do set log=%%c%%b%%a.log", "%Y%m%d"),
        ('for /f "tokens=2-4 delims=/ " %%a in ("%date%") do set log=%%c-%%a-%%b.log', "%Y-%m-%d"),
    ],
)
def test_a_date_that_is_split_at_its_slashes_is_taken(loop: str, log_date: str) -> None:
    data = filled(("@echo off", f"@echo off\r\n{loop}"), ("snapall.log", "%log%"))
    assert log_of(batch_of(data, {})) == ("{date}.log", log_date)


def test_a_log_that_only_an_echo_names_after_the_date_is_taken() -> None:
    data = filled(
        ("vmware_snap4 >> snapall.log\r\nRSH", "vmware_snap4\r\nRSH"), (">> snapall.log", ">> %date:~-4%.log")
    )
    assert log_of(batch_of(data, {})) == ("{date}.log", "%Y")


@pytest.mark.parametrize(
    "name",
    [
        "%date:~-4%-%time:~0,2%.log",
        "snapall-%time:~3,2%.log",
        "%date:~-4%-%random%.log",
        r"logs-%date:~-4%\snapall.log",
        r"%date:~-4%\%date:~-4%.log",
        "{date}-%date:~-4%.log",
        "%date:~5,1%.log",
        "%date:~6,4%-%date:~0,2%-%date:~3,2%.log",  # of a machine that writes 03/22/2007
    ],
)
def test_a_name_with_more_than_a_date_is_refused_and_the_overlay_can_name_the_log(name: str) -> None:
    (fault,) = faults(logged_to(name))
    assert "the log's name changes from night to night; set log and log_date in the overlay file" in fault
    assert log_of(batch_of(logged_to(name), {"log": "snapall.log"})) == ("snapall.log", None)


@pytest.mark.parametrize("weekday", ["%date:~0,3%", "%log:~0,3%"])
def test_a_weekday_that_decides_is_found_whatever_the_logs_name(weekday: str) -> None:
    data = logged_to(f"%date%.log\r\nset d={weekday}\r\nif %d%==Sun goto End")
    assert any("changes from night to night" in fault for fault in faults(data))


def test_two_logs_with_dates_are_refused() -> None:
    data = filled(("RSH %filer% snap create %volname% vmware_recent >> snapall.log", CREATE), ("snapall.log", "%log%"))
    data = data.replace(b"@echo off", b"@echo off\r\nset log=%date:~-4%.log", 1)
    assert any("the log's name changes" in fault for fault in faults(data))


def test_two_logs_are_refused_if_one_of_them_has_a_date() -> None:
    data = filled(("RSH %filer% snap create %volname% vmware_recent >> snapall.log", CREATE))
    assert any("the log's name changes" in fault for fault in faults(data))


@pytest.mark.parametrize(
    ("overlay", "log"),
    [
        ({"log": "mine-{date}.log"}, ("mine-{date}.log", None)),
        ({"log_date": "%d"}, ("{date}.log", "%d")),
        ({"log": "x.log", "log_date": "%d"}, ("x.log", "%d")),
    ],
)
def test_the_overlay_wins(overlay: Mapping[str, object], log: tuple[object, object]) -> None:
    batch = batch_of(logged_to(EUROPEAN), overlay)
    assert log_of(batch) == log
    assert len(batch.notices) == (0 if "log" in overlay else 1)


def test_a_notice_says_how_the_date_is_taken_to_be_written() -> None:
    (notice,) = batch_of(logged_to(EUROPEAN), {}).notices
    assert '%date% is read as "22.03.2007"' in notice.text
    assert 'log_date = "%Y%m%d"' in notice.remedy
    (notice,) = batch_of(logged_to("%date:/=-%.log"), {}).notices
    assert '%date% is read as "Thu 03/22/2007"' in notice.text


def test_there_is_no_notice_if_every_form_of_the_date_gives_the_same_name() -> None:
    assert batch_of(logged_to("%date:~-4%.log"), {}).notices == ()


def test_all_else_is_as_with_a_log_of_one_name() -> None:
    table = dict(batch_of(logged_to("%date:~-4%.log"), {}).table)
    assert {**table, "log": "snapall.log"} == {**batch_of(FILLED, {}).table, "log_date": "%Y"}


def test_a_configuration_of_the_batch_writes_the_log_that_the_batch_would(tmp_path: Path) -> None:
    (tmp_path / "snapall.bat").write_bytes(logged_to(EUROPEAN))
    config = load(tmp_path / "snapall.bat", {})
    assert config.log_at(datetime(2007, 3, 22, 12, tzinfo=UTC)) == tmp_path / "20070322.log"

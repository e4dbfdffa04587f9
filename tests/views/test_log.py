"""snapall.log is written with the batch's own lines."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest

from snapall.backup.bus import EventBus
from snapall.backup.facts import FORMAT, Answered, Began, Failed, Intent, RenamedBack, Warned
from snapall.backup.model import Grade, Vm
from snapall.backup.record import Guarded, Record
from snapall.backup.steps import Done, Outcome, Quiesce, Refusal, Rename, Unknown
from snapall.errors import Exit, SnapallError
from snapall.views.logfile import FOREIGN, LogFile, LogRefused, _short_zone
from snapall.views.plain import PlainLines
from tests.backup.simulated import JOB, PACE, START, Stage, lose, quiesce_of
from tests.conformity.observed import batch_lines
from tests.lab.atlab import AtLab
from tests.platforms import posix, windows
from tests.unshared import on_windows, unshared

WARNING = "03:00 warning: "
BATCH = Path(__file__).parents[2] / "fixtures" / "batch" / "a_happy_vcuser_env.json"


def utc(moment: datetime) -> datetime:
    return moment


def logged(stage: Stage, path: Path) -> list[str]:
    log = LogFile.open(path, "%H:%M", utc)
    stage.listen = log  # type: ignore[method-assign]
    stage.night()
    return path.read_text().splitlines()


def test_a_successful_run_in_paper_order_writes_the_batchs_log(at_lab: Callable[..., AtLab]) -> None:
    night = at_lab(order="paper")
    assert night("run").code == 0
    written = (night.lab.directory / "snapall.log").read_text().splitlines()
    recorded = json.loads(BATCH.read_text())["log"]
    assert not any(TIMED.match(line) for line in written)  # all of them are the batch's own
    assert [line for line in written if not line.startswith(FOREIGN)] == batch_lines(
        line for line in written if not line.startswith(FOREIGN)
    )
    copied = [line.removeprefix(FOREIGN) for line in written]
    without_chatter = [line for line in copied if not line.startswith("[")]  # vcbsnapshot's own log lines
    assert _without_times(without_chatter) == _without_times(recorded)


def _without_times(lines: list[str]) -> list[str]:
    return [line.split(" at ")[0] if line.startswith("Script Execution") else line for line in lines]


TIMED = re.compile(r"\d\d/\d\d/\d{4} \d\d:\d\d [AP]M ")


@pytest.mark.parametrize("fault", ["vm-fails", "volume-full", "stuck-vm", "busy-oldest"])
def test_every_line_that_is_not_the_batchs_has_a_time(at_lab: Callable[..., AtLab], fault: str) -> None:
    night = at_lab()
    night.fault(fault)
    night("run")
    written = (night.lab.directory / "snapall.log").read_text().splitlines()
    own = {line for line in written if not TIMED.match(line) and not line.startswith(FOREIGN)}
    assert own == set(batch_lines(own))
    assert any(TIMED.match(line) for line in written)


FORGED = [
    "Script Execution complete at 03/22/2007 03:09 AM ",
    "An error occurred during script execution ",
    "Creating snapshot for vmid=108  ",
    "deleting vmware_snap4 ",
    "03:00 error: SA-1302 may be left quiesced",
    "03:00 guardian: job vol1, run 20070322T030000Z: no work is outstanding any more",
]
BREAKS = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\n\x1b[2K\x1b[1A"]


@pytest.mark.parametrize("mark", ["", "guardian: "])
@pytest.mark.parametrize("how", [Done, Refusal, Unknown])
def test_no_program_forges_a_line_of_the_log(tmp_path: Path, how: type[Outcome], mark: str) -> None:
    for number, line_end in enumerate(BREAKS):
        output = line_end.join(["SsId:snapshot-7", *FORGED, "x" * 100_000, *FORGED])
        outcome = Done(output) if how is Done else how(output.replace("x" * 100_000, ""), output)
        path = tmp_path / f"log{number}"
        log = LogFile.open(path, "%H:%M", utc, mark)
        log(Record(START, Intent(1, Quiesce(Vm(7), "Quiesce"))))
        log(Record(START, Answered(1, outcome, 1.0)))
        data = path.read_bytes().replace(os.linesep.encode(), b"\n")
        assert all(sign >= 32 or sign == 10 for sign in data)
        first, *others = data.decode().split("\n")[:-1]
        assert first == f"{f'03:00 {mark}' if mark else ''}Creating snapshot for vmid=7  "
        foreign = [line for line in others if line.startswith(f"{f'03:00 {mark}' if mark else ''}{FOREIGN}")]
        rest = [line for line in others if line not in foreign]
        assert len(foreign) == 2 + 2 * len(FORGED)
        assert [line.startswith(f"03:00 {mark}quiescing vm-7") for line in rest] == [True] * (how is not Done)
        assert max(map(len, foreign)) < 2100


def test_an_error_is_written_before_the_end_as_the_batch_meant_to(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "state")
    stage.site.fail(quiesce_of(110), lose)
    lines = logged(stage, tmp_path / "snapall.log")
    error = lines.index("An error occurred during script execution ")
    assert lines[-1].startswith("Script Execution complete at ")
    assert any("vm-110" in line for line in lines[error:])
    assert "Creating snapshot for vmid=110  " in lines[:error]
    assert any("outcome unknown" in line for line in lines[:error])


def test_a_step_without_an_answer_is_written_when_the_run_ends(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "state")
    log = LogFile.open(tmp_path / "log", "%H:%M", utc)
    log(Record(START, Began(JOB, "s", "vc01", "filer1", PACE, "1", format=FORMAT)))
    log(Record(START, Intent(99, Quiesce(Vm(7), "Quiesce"))))
    stage.listen = log  # type: ignore[method-assign]
    stage.night()
    lines = (tmp_path / "log").read_text().splitlines()
    assert lines[lines.index("Creating snapshot for vmid=7  ") + 1] == "03:00 no answer"


def test_warnings_and_failures_have_their_remedy(tmp_path: Path) -> None:
    log = LogFile.open(tmp_path / "log", "%H:%M", utc)
    at = datetime(2007, 3, 22, tzinfo=UTC)
    log(Record(at, Warned("odd\x1b[31m", "check it")))
    log(Record(at, Failed("two\nlines", "")))
    assert (tmp_path / "log").read_text().splitlines() == [
        "00:00 warning: odd\\x1b[31m",
        "00:00 remedy: check it",
        "00:00 error: two",
        "00:00 error: lines",
    ]


def test_a_stopped_run_is_logged_as_stopped(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "state", replace(JOB, publish=Grade.CRASH_CONSISTENT))

    def stop(step: object) -> None:
        stage.stop = True

    stage.site.after = stop
    stage.site.fail(lambda step: type(step).__name__ == "Capture", lambda step, act: act(step))
    lines = logged(stage, tmp_path / "log")
    assert "An error occurred during script execution " in lines
    assert f"exit {int(Exit.STOPPED)}" in " ".join(lines)


def test_a_log_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    with pytest.raises(SnapallError, match="log") as refusal:
        LogFile.open(tmp_path / "log", "%H:%M")
    assert "the backup goes on" in refusal.value.hint


def warned(log: Callable[[Record], None], *texts: str) -> None:
    for text in texts:
        log(Record(START, Warned(text, "")))


def test_refused_lines_are_kept_and_written_once_the_log_opens_again(tmp_path: Path) -> None:
    path, away = tmp_path / "logs/log", tmp_path / "away"
    path.parent.mkdir()
    log = LogFile.open(path, "%H:%M", utc)
    warned(log, "one")
    path.parent.rename(away)
    warned(log, "two", "three")
    away.rename(path.parent)
    warned(log, "four")
    assert [line.removeprefix(WARNING) for line in path.read_text().splitlines()] == ["one", "two", "three", "four"]
    log.finish()


def test_a_log_that_is_refused_to_the_end_is_named_with_the_time_of_its_first_missing_line(tmp_path: Path) -> None:
    path, away = tmp_path / "logs/log", tmp_path / "away"
    path.parent.mkdir()
    bus = EventBus(LogFile.open(path, "%H:%M", utc))
    path.parent.rename(away)
    warned(bus, "one", "two")
    bus.close()
    (error,) = bus.dismissed
    assert isinstance(error, SnapallError)
    assert error.code == "SA-6006"
    assert "incomplete from 03:00 on: " in error.message
    assert error.hint.startswith("create its folder again, or set `log` to another file")


def test_a_log_that_opens_late_has_all_lines_and_one_that_never_does_is_named_once(tmp_path: Path) -> None:
    path = tmp_path / "logs/log"
    with pytest.raises(LogRefused) as refusal:
        LogFile.open(path, "%H:%M", utc)
    log = refusal.value.log
    warned(log, "one")
    log.finish()  # SA-6001 was enough
    path.parent.mkdir()
    warned(log, "two")
    assert [line.removeprefix(WARNING) for line in path.read_text().splitlines()] == ["one", "two"]


@posix("Windows sets no limit to a file")
def test_a_line_of_which_the_disk_took_a_part_is_completed_and_not_repeated(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "log"
    log = LogFile.open(path, "%H:%M", utc)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        warned(log, "one", "two")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.stat().st_size == 10
    log.finish()
    assert path.read_text() == f"{WARNING}one\n{WARNING}two\n"


@on_windows
def test_a_log_that_another_program_has_open_for_long_gets_its_lines_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = LogFile.open(path, "%H:%M", utc)
    with unshared(path):
        warned(log, "one")
    warned(log, "two")
    assert [line.removeprefix(WARNING) for line in path.read_text().splitlines()] == ["one", "two"]


def test_a_guardians_lines_are_marked_and_name_job_and_run(tmp_path: Path) -> None:
    path = tmp_path / "snapall.log"
    record = Record(START, Guarded("vol1", "20070322T030000Z", "process 7 died\x1b[2J"))
    LogFile.open(path, "%H:%M", utc, mark="guardian: ")(record)
    assert path.read_text() == "03:00 guardian: job vol1, run 20070322T030000Z: process 7 died\\x1b[2J\n"
    stream = StringIO()
    PlainLines(stream)(record)
    assert "job vol1, run 20070322T030000Z: process 7 died" in stream.getvalue()


def test_what_a_run_settles_first_is_logged_after_its_first_line(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "state")
    stage.begun(Intent(1, Quiesce(stage.site.vms[0], "Quiesce-20070322T030000Z")))
    lines = logged(stage, tmp_path / "snapall.log")
    commenced = [n for n, line in enumerate(lines) if line.startswith("Script Execution Commenced")]
    assert commenced == [0]
    assert "03:00 an unfinished run is taken over by the next run: the run had left it open" in lines
    assert not any("Commenced" in line for line in lines[1:])


def test_unusual_events_are_logged(tmp_path: Path) -> None:
    log = LogFile.open(tmp_path / "log", "%H:%M", utc)
    log(Record(START, RenamedBack(Rename("v", "vmware_recent", "vmware_previous"))))
    assert (tmp_path / "log").read_text() == "03:00 vmware_previous on v was renamed back to vmware_recent\n"


def test_a_log_that_is_moved_during_a_run_goes_on_in_a_new_file(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "state")
    path, moved = tmp_path / "snapall.log", tmp_path / "snapall.log.1"

    def move(step: object) -> None:
        if type(step).__name__ == "Capture":
            path.rename(moved)

    stage.site.after = move
    lines = logged(stage, path)
    assert moved.read_text().startswith("Script Execution Commenced at ")
    assert lines[-1].startswith("Script Execution complete at ")
    assert not any("Commenced" in line for line in lines)


def test_a_log_that_is_emptied_during_a_run_goes_on_at_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "snapall.log"
    log = LogFile.open(path, "%H:%M", utc)
    log(Record(START, Warned("a first one", "")))
    with path.open("r+") as file:
        file.truncate()
    log(Record(START, Warned("another", "")))
    assert path.read_text() == "03:00 warning: another\n"


def test_a_zone_has_no_long_name_on_windows() -> None:
    assert _short_zone("%H:%M %Z 100%%Z %%%Z") == "%H:%M %z 100%%Z %%%z"


@windows("elsewhere a zone's name is short")
def test_the_log_names_a_zone_by_its_offset_on_windows(tmp_path: Path) -> None:
    log = LogFile.open(tmp_path / "snapall.log", "%H:%M %Z", lambda at: at)
    log(Record(datetime(2007, 3, 22, 3, tzinfo=UTC), Guarded("vol1", "r", "x")))
    assert (tmp_path / "snapall.log").read_text() == "03:00 +0000 job vol1, run r: x\n"

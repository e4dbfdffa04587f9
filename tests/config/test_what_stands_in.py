"""What a batch does beside the backup: taken by the whole name, left to a hook or to `replicate`, or still refused."""

from __future__ import annotations

import pytest

from snapall.config.batch import batch_of
from tests.config.batches import FILLED, faults, filled

ROTATE, QUIESCE, CAPTURE, END = "REM Manage old", "REM quiesce all", "REM create new", ":End"
MAP = r"net use z: \\nas\logs"
HOOKS = {"before": ["site.exe"], "after": ["site.exe"]}


def on(where: str, line: str) -> bytes:
    """The batch with a line before (after, if it is a label) a place in it."""
    return filled((where, f"{where}\r\n{line}" if where == END else f"{line}\r\n{where}"))


def with_hooks(data: bytes, *names: str) -> list[str]:
    overlay = {"jobs": {"vmvol1": {"hooks": {name: HOOKS[name] for name in names}}}}
    return batch_of(data, overlay).fault_lines()


@pytest.mark.parametrize(("where", "hook"), [(ROTATE, "before"), (END, "after")])
def test_a_program_at_either_end_asks_for_the_hook_of_that_end_and_no_other_will_do(where: str, hook: str) -> None:
    data = on(where, "site.exe /all")
    other = {"before": "after", "after": "before"}[hook]
    (line,) = faults(data)
    assert f"set {hook} in [jobs.NAME.hooks] of the overlay file" in line
    assert (with_hooks(data, other), with_hooks(data, hook)) == ([line], [])


@pytest.mark.parametrize("where", [QUIESCE, CAPTURE])
def test_a_program_in_the_midst_of_the_backup_is_refused_whatever_hooks_there_are(where: str) -> None:
    data = on(where, "site.exe /all")
    (line,) = faults(data)
    assert "hooks" not in line
    assert with_hooks(data, "before", "after") == [line]


def test_a_hook_is_wanted_for_each_job_of_the_batch() -> None:
    data = FILLED.replace(b"REM Manage old", b"site.exe\r\nREM Manage old") + FILLED.replace(b"vmvol1", b"vmvol2")
    assert len(with_hooks(data, "before")) == 1


@pytest.mark.parametrize(
    ("where", "command", "words"),
    [
        (ROTATE, "snapmirror update filer2:mirror", "not part of the backup"),
        (END, "snapmirror break filer2:mirror", "not part of the backup"),
        (END, "snapmirror", "not part of the backup"),
    ],
)
def test_another_command_of_a_mirror_is_refused(where: str, command: str, words: str) -> None:
    assert [words in line for line in faults(on(where, f"RSH %filer% {command}"))] == [True]


def test_an_update_of_a_vault_after_the_backup_is_left_to_replicate() -> None:
    (notice,) = batch_of(on(END, "RSH filer2 snapvault update /vol/sv/q1"), {}).notices
    assert "replicate" in notice.remedy


@pytest.mark.parametrize(
    "mapping",
    [
        rf"{MAP} /user:backup n3tpw",
        rf"{MAP} n3tpw",
        r"net use z: \\%NAS%\logs",
        rf"{MAP}%MISSING%",
        f"{MAP}\r\n" + r"net use z: \\other\logs",
        r"subst z: logs",
    ],
)
def test_a_log_on_a_drive_whose_place_is_not_certain_is_refused(mapping: str) -> None:
    data = filled(("@echo off", f"@echo off\r\n{mapping}"), ("snapall.log", r"z:\snapall.log"))
    lines = faults(data)
    assert lines
    assert all("overlay file" in line for line in lines)
    assert batch_of(data, {"log": "snapall.log"}).fault_lines() == []
    assert not any("n3tpw" in line for line in lines)


@pytest.mark.parametrize(
    ("mapping", "log"),
    [
        (rf"{MAP} /persistent:no", r"\\nas\logs\snapall.log"),
        (r"subst z: D:\logs", r"D:\logs\snapall.log"),
    ],
)
def test_a_log_on_a_mapped_drive_is_taken_by_its_whole_name(mapping: str, log: str) -> None:
    data = filled(("@echo off", f"@echo off\r\n{mapping}"), ("snapall.log", r"Z:\snapall.log"))
    assert batch_of(data, {}).table["log"] == log


def named(*changes: tuple[str, str]) -> bytes:
    """The batch with other names for its VM snapshots: as they are made, and as they are looked for."""
    made, wanted = changes
    return filled(
        (" Quiesce >> snapall.log", f" {made[0]}{made[1]} >> snapall.log"), ("'Quiesce'", f"'{''.join(wanted)}'")
    )


@pytest.mark.parametrize(
    "name",
    [("", "%date:~-4%_Quiesce"), ("Quiesce_", "%time:~3,2%"), ("Quiesce_", "%random%")],
    ids=["the date comes first", "the minute", "a random number"],
)
def test_a_name_without_a_constant_beginning_or_with_more_than_the_date_asks_for_one(name: tuple[str, str]) -> None:
    data = named(name, name)
    (line,) = faults(data)
    assert "changes from night to night" in line
    overlay = {"jobs": {"vmvol1": {"vm_snapshot": "Quiesce"}}}
    assert batch_of(data, overlay).table["jobs"] == batch_of(FILLED, {}).table["jobs"]


@pytest.mark.parametrize(
    "date",
    [
        "%date:~-4%",
        "%date:~0,2%",
        "%date:~4,2%",
        "%date:~-4%%date:~4,2%%date:~7,2%",
        "%date:~-4%%date:~3,2%%date:~0,2%",
        "%date:~0,4%%date:~5,2%%date:~8,2%",
    ],
)
def test_of_a_dated_name_no_digit_of_the_date_stays(date: str) -> None:
    name = ("Q7_", date)
    jobs = batch_of(named(name, name), {}).table["jobs"]
    assert isinstance(jobs, dict)
    assert jobs["vmvol1"]["vm_snapshot"] == "Q7"


def test_a_query_for_another_dated_name_is_refused() -> None:
    assert any("line 43: " in line for line in faults(named(("Quiesce_", "%date:~-4%"), ("Quiesce_", "%date:~4,2%"))))

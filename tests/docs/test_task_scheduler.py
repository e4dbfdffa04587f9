"""The tasks of docs/task-scheduler/, held to Microsoft's published schema as far as they use it.

There is no Task Scheduler where these tests run. Names and values: "Task Scheduler Schema", learn.microsoft.com,
taskschd; the settings may stand in any order, what is in a trigger may not.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import typer

from snapall import cli

TASKS = sorted((Path(__file__).parents[2] / "docs" / "task-scheduler").iterdir())
SPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
BOOLEAN = "true|false"
KNOWN = {  # path -> the values that it may have
    "RegistrationInfo/Description": ".+",
    "Triggers/CalendarTrigger/StartBoundary": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
    "Triggers/CalendarTrigger/ScheduleByDay/DaysInterval": r"[1-9]\d{0,2}",
    "Triggers/BootTrigger": "",
    "Principals/Principal/UserId": ".+",
    "Settings/MultipleInstancesPolicy": "Parallel|Queue|IgnoreNew|StopExisting",
    "Settings/DisallowStartIfOnBatteries": BOOLEAN,
    "Settings/StopIfGoingOnBatteries": BOOLEAN,
    "Settings/AllowHardTerminate": BOOLEAN,
    "Settings/StartWhenAvailable": BOOLEAN,
    "Settings/ExecutionTimeLimit": r"P(\d+D)?(T(\d+H)?(\d+M)?(\d+S)?)?",
    "Settings/Priority": r"\d|10",
    "Settings/IdleSettings/StopOnIdleEnd": BOOLEAN,
    "Settings/IdleSettings/RestartOnIdle": BOOLEAN,
    "Actions/Exec/Command": ".+",
    "Actions/Exec/Arguments": ".+",
    "Actions/Exec/WorkingDirectory": ".+",
}


def leaves(element: ET.Element, path: str = "") -> list[tuple[str, str]]:
    """Every element without children: its path below Task, and its text."""
    if len(element) == 0:
        return [(path, (element.text or "").strip())]
    under = f"{path}/" if path else ""
    return [leaf for child in element for leaf in leaves(child, under + child.tag.removeprefix(SPACE))]


def read(task: Path) -> dict[str, str]:
    root = ET.fromstring(task.read_bytes())  # no encoding is declared: it is UTF-8
    assert root.tag == f"{SPACE}Task"
    found = leaves(root)
    assert len(dict(found)) == len(found)
    return dict(found)


def test_there_is_a_task_for_the_night_and_one_for_the_start_of_the_machine() -> None:
    assert [task.name for task in TASKS] == ["snapall-recover.xml", "snapall-run.xml"]
    recover, run = map(read, TASKS)
    assert "Triggers/BootTrigger" in recover
    assert run["Triggers/CalendarTrigger/StartBoundary"].endswith("T03:00:00")


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_task_says_only_what_the_schema_knows(task: Path) -> None:
    for path, text in read(task).items():
        assert re.fullmatch(KNOWN[path], text), path


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_nothing_in_a_task_ends_a_run_that_holds_vms(task: Path) -> None:
    settings = {path.partition("/")[2]: text for path, text in read(task).items() if path.startswith("Settings/")}
    assert settings["ExecutionTimeLimit"] == "PT0S"  # that is: none
    assert settings["AllowHardTerminate"] == "false"
    assert settings["StopIfGoingOnBatteries"] == settings["IdleSettings/StopOnIdleEnd"] == "false"
    assert settings["MultipleInstancesPolicy"] == "IgnoreNew"  # StopExisting would end the run that is at work


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_task_gives_a_command_that_there_is(task: Path) -> None:
    words = read(task)["Actions/Exec/Arguments"].split()
    tree = typer.main.get_command(cli.app)
    assert isinstance(tree, typer.core.TyperGroup)
    known = {name for param in tree.commands[words[0]].params for name in param.opts}
    assert {word for word in words if word.startswith("--")} <= known

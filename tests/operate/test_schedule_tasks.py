"""The tasks of `snapall schedule` comply with Microsoft's published schema, and say what was asked for.

There is no Task Scheduler where these tests run. Names and values: "Task Scheduler Schema", learn.microsoft.com,
taskschd; the settings may stand in any order, what is in a trigger may not.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
import typer

from snapall import cli
from snapall.operate.schedule.entries import of_tasks
from snapall.operate.schedule.task import Document, Task
from snapall.operate.schedule.task_scheduler import commands_of, tasks_of

TASK = Task(
    program=(r"C:\Program Files\snapall\snapall.exe",),
    config=r"D:\Sicherung & Co\snäpall.toml",
    folder=r"D:\Sicherung & Co",
    user=r"EXAMPLE\bäckup",
    hour=2,
    minute=5,
)
TASKS = tasks_of(TASK)
SPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
BOOLEAN = "true|false"
KNOWN = {  # path -> the values that it may have
    "RegistrationInfo/Description": ".+",
    "Triggers/CalendarTrigger/StartBoundary": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
    "Triggers/CalendarTrigger/ScheduleByDay/DaysInterval": r"[1-9]\d{0,2}",
    "Triggers/BootTrigger/Delay": r"PT\d+M",
    "Principals/Principal/UserId": ".+",
    "Principals/Principal/LogonType": "S4U|Password|InteractiveToken|ServiceAccount",
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


def read(task: Document) -> dict[str, str]:
    root = ET.fromstring(task.text)
    assert root.tag == f"{SPACE}Task"
    found = leaves(root)
    assert len(dict(found)) == len(found)
    return dict(found)


def test_there_is_a_task_for_the_night_and_one_for_the_start_of_the_machine() -> None:
    assert [(task.what, task.file) for task in TASKS] == [
        ("backup", "snapall-run.xml"),
        ("recover", "snapall-recover.xml"),
    ]
    run, recover = map(read, TASKS)
    assert run["Triggers/CalendarTrigger/StartBoundary"].endswith("T02:05:00")
    assert recover["Triggers/BootTrigger/Delay"] == "PT1M"


by_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.what)


@by_task
def test_a_task_says_only_what_the_schema_knows(task: Document) -> None:
    for path, text in read(task).items():
        assert re.fullmatch(KNOWN[path], text), path


@by_task
def test_no_task_setting_ends_a_run_while_vms_are_quiesced(task: Document) -> None:
    settings = {path.partition("/")[2]: text for path, text in read(task).items() if path.startswith("Settings/")}
    assert settings["ExecutionTimeLimit"] == "PT0S"  # that is: none
    assert settings["AllowHardTerminate"] == "false"
    assert settings["StopIfGoingOnBatteries"] == settings["IdleSettings/StopOnIdleEnd"] == "false"
    assert settings["MultipleInstancesPolicy"] == "IgnoreNew"  # StopExisting would end the run that is at work


@by_task
def test_a_task_gives_a_command_that_there_is(task: Document) -> None:
    words = read(task)["Actions/Exec/Arguments"].split()
    tree = typer.main.get_command(cli.app)
    assert isinstance(tree, typer.core.TyperGroup)
    known = {name for param in tree.commands[words[0]].params for name in param.opts}
    assert {word for word in words if word.startswith("--")} <= known


@by_task
def test_a_document_begins_with_its_declaration_and_reads_the_same_in_every_encoding(task: Document) -> None:
    assert task.text.startswith('<?xml version="1.0"?>\n<Task ')
    assert task.text.isascii()
    assert read(task)["Principals/Principal/UserId"] == TASK.user
    assert read(task)["Actions/Exec/WorkingDirectory"] == TASK.folder


def test_a_user_needs_neither_a_login_nor_a_stored_password_and_local_system_no_kind_of_login() -> None:
    assert all(read(task)["Principals/Principal/LogonType"] == "S4U" for task in TASKS)
    for task in tasks_of(Task(TASK.program, TASK.config, TASK.folder, "system", 3, 0)):
        assert read(task)["Principals/Principal/UserId"] == "S-1-5-18"
        assert "Principals/Principal/LogonType" not in read(task)


def test_what_a_task_starts_is_read_back_word_for_word() -> None:
    run, recover = (next(of_tasks(task.text)) for task in TASKS)
    flat = [word for word in run.words if word in TASK.run]
    assert tuple(flat) == TASK.run
    assert (run.by_time, run.at_boot, recover.by_time, recover.at_boot) == (True, False, False, True)


def test_each_task_is_registered_by_its_own_document_and_replaces_its_former_self() -> None:
    commands = commands_of(TASK)
    assert [command.argv for command in commands] == [
        ("schtasks", "/Create", "/TN", "snapall run", "/XML", "snapall-run.xml", "/F"),
        ("schtasks", "/Create", "/TN", "snapall recover", "/XML", "snapall-recover.xml", "/F"),
    ]
    assert [command.documents for command in commands] == [(task,) for task in TASKS]

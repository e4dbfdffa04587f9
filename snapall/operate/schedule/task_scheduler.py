"""The tasks for the Task Scheduler of Windows, as XML.

Names and values: "Task Scheduler Schema", learn.microsoft.com, taskschd. The documents are plain ASCII and declare no
encoding, so that they read the same in whatever encoding a console or an editor saves them.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from snapall.escaping import windows_word
from snapall.operate.schedule.task import Document, RunTool, Task

SYSTEM = "S-1-5-18"
"""Local System, in every language of Windows."""

_XML = """\
<?xml version="1.0"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>{description}</Description>
  </RegistrationInfo>
  <Triggers>
{trigger}
  </Triggers>
  <Principals>
    <Principal id="Backup">
{principal}
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <!-- Never end it from outside: the guardian ends a stuck run, and VMs stay quiesced until then. -->
    <AllowHardTerminate>false</AllowHardTerminate>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <IdleSettings>
      <StopOnIdleEnd>false</StopOnIdleEnd>
      <RestartOnIdle>false</RestartOnIdle>
    </IdleSettings>
{late}
    <!-- Normal; the default, 7, is below that. -->
    <Priority>5</Priority>
  </Settings>
  <Actions Context="Backup">
    <Exec>
      <Command>{command}</Command>
      <Arguments>{arguments}</Arguments>
      <WorkingDirectory>{folder}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""
_NIGHTLY = """\
    <CalendarTrigger>
      <StartBoundary>2026-01-01T{time}:00</StartBoundary>
      <ScheduleByDay>
        <DaysInterval>1</DaysInterval>
      </ScheduleByDay>
    </CalendarTrigger>"""
_AT_BOOT = """\
    <BootTrigger>
      <!-- The network comes up meanwhile. -->
      <Delay>PT1M</Delay>
    </BootTrigger>"""
_BY_SYSTEM = f"""\
      <!-- Local System, which needs nobody logged on. -->
      <UserId>{SYSTEM}</UserId>"""
_BY_USER = """\
      <!-- Whether the user is logged on or not, without a stored password: see docs/schedule.md. -->
      <UserId>{user}</UserId>
      <LogonType>S4U</LogonType>"""
_NOT_LATE = """\
    <!-- Do not catch up by day on a night when the machine was off: quiescing hurts then. -->
    <StartWhenAvailable>false</StartWhenAvailable>"""
_LATE = "    <StartWhenAvailable>true</StartWhenAvailable>"


def tasks_of(task: Task) -> tuple[Document, ...]:
    """The task of the backup, and that of the recovery at boot."""
    return (
        _document("backup", task, task.run, _NIGHTLY.format(time=task.time), _NOT_LATE),
        _document("recover", task, task.recover, _AT_BOOT, _LATE),
    )


def task_names(task: Task) -> tuple[str, ...]:
    """The names of the two tasks in the Task Scheduler, in the order of `tasks_of`."""
    return (f"{task.name} run", f"{task.name} recover")


def is_system(task: Task) -> bool:
    """Whether Local System runs it, and no user."""
    return task.user.upper() in {"SYSTEM", SYSTEM}


def commands_of(task: Task) -> tuple[RunTool, ...]:
    """What the Task Scheduler is asked to do."""
    return tuple(
        RunTool(("schtasks", "/Create", "/TN", name, "/XML", one.file, "/F"), (one,))
        for name, one in zip(task_names(task), tasks_of(task), strict=True)
    )


_DESCRIPTIONS = {
    "backup": "Nightly backup of virtual machines with filer snapshots",
    "recover": "Release the VMs that an interrupted snapall run left quiesced",
}


def _document(what: str, task: Task, words: Sequence[str], trigger: str, late: str) -> Document:
    text = _XML.format(
        description=_DESCRIPTIONS[what],
        trigger=trigger,
        principal=_BY_SYSTEM if is_system(task) else _BY_USER.format(user=escape(task.user)),
        late=late,
        command=escape(words[0]),
        arguments=escape(" ".join(map(windows_word, words[1:]))),
        folder=escape(task.folder),
    )
    verb = "run" if what == "backup" else what
    return Document(what, f"{task.name}-{verb}.xml", text.encode("ascii", "xmlcharrefreplace").decode("ascii"))

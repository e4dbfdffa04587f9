"""The units for systemd. `systemd-analyze verify` judges them in tests/real/test_units.py."""

from __future__ import annotations

import re
from collections.abc import Sequence

from snapall.operate.schedule.task import Document, RunTool, Task

_BACKUP = "Nightly backup of virtual machines with filer snapshots"
_SERVICE = """\
# Written by `snapall schedule`.
[Unit]
Description={description}
Wants=network-online.target
After=network-online.target

[Service]
{start}
{user}WorkingDirectory={folder}
ExecStart={command}
# The guardian, and a vcbsnapshot that is still running, outlive the run, so systemd must not kill the rest of the unit
# when the run ends. `control-group` (the default) and `mixed` would do that.
KillMode=process
# `systemctl stop` makes the run release its VMs, which takes as long as VirtualCenter needs to remove the snapshots.
TimeoutStopSec=30min
# Do not stop the rest either when the kernel kills one process of the unit for lack of memory.
OOMPolicy=continue
"""
_TIMER = """\
# Written by `snapall schedule`.
[Unit]
Description={description}

[Timer]
OnCalendar=*-*-* {time}:00
# Do not catch up by day on a night when the machine was off: quiescing hurts then.
Persistent=false

[Install]
WantedBy=timers.target
"""
_AT_BOOT = """\
# Not `oneshot`: booting would wait until the last VirtualCenter task has settled.
Type=exec"""
_INSTALL = """
[Install]
WantedBy=multi-user.target
"""


def units_of(task: Task) -> tuple[Document, ...]:
    """The service and the timer of the backup, and the service of the recovery at boot."""
    run = _service(task, task.run, _BACKUP, "Type=oneshot")
    recover = _service(task, task.recover, "Release the VMs that an interrupted snapall run left quiesced", _AT_BOOT)
    return (
        Document("backup", f"{task.name}.service", run),
        Document("timer", f"{task.name}.timer", _TIMER.format(description=_BACKUP, time=task.time)),
        Document("recover", f"{task.name}-recover.service", recover + _INSTALL),
    )


def _service(task: Task, words: Sequence[str], description: str, start: str) -> str:
    # Root needs no line: at the state folder of a service user, snapall becomes that user.
    user = "" if task.user in {"", "root"} else f"User={_specifiers(task.user)}\n"
    folder = _specifiers(task.folder) + ("/" if task.folder.endswith("\\") else "")  # it would continue the line
    return _SERVICE.format(description=description, start=start, user=user, folder=folder, command=_command(words))


def commands_of(task: Task) -> tuple[RunTool, ...]:
    """What systemd is asked to do once the units are written."""
    return (
        RunTool(("systemctl", "daemon-reload")),
        RunTool(("systemctl", "enable", f"{task.name}.timer", f"{task.name}-recover.service")),
        RunTool(("systemctl", "restart", f"{task.name}.timer")),  # `enable --now` would leave a running one as it was
    )


def _command(words: Sequence[str]) -> str:
    program, *arguments = map(_specifiers, words)
    return " ".join(map(_quoted, [program, *(one.replace("$", "$$") for one in arguments)]))  # $$ in arguments alone


def _quoted(word: str) -> str:
    """A word of a command line, by systemd.service(5), COMMAND LINES."""
    if re.fullmatch(r"[\w./:=@%$+,-]+", word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _specifiers(text: str) -> str:
    return text.replace("%", "%%")

"""Mounts and restores for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING

from snapall.errors import coded
from snapall.views.columns import labelled, table_lines
from snapall.views.json_root import iso_time, picked, root, snake
from snapall.views.messages import aged, safe

if TYPE_CHECKING:
    from snapall.restore.checks import Objection
    from snapall.restore.mounted import Mount
    from snapall.restore.record import PlannedStep, UseBegan

Command = tuple[str, "PlannedStep"]


def plan_lines(
    header: UseBegan, commands: Sequence[Command], against: Sequence[Objection], width: int = 0
) -> list[str]:
    """What would be done, command by command, and what stands against it."""
    of = f" for {', '.join(header.vms)}" if header.vms else ""
    lines = [safe(f"{header.kind} of {header.snapshot}, job {header.job}{of}")]
    for number, (command, planned) in enumerate(commands, 1):
        lines += labelled(f"{number:4}  ", command, width)
        lines += labelled("        ", planned.reason, width)
    for one in against:
        how = "--force overrides this" if one.force else "nothing overrides this"
        lines += labelled("  against  ", f"{coded(one.code, one.text)} ({how}). Remedy: {one.remedy}", width)
    return lines


def plan_json(header: UseBegan, commands: Sequence[Command], against: Sequence[Objection]) -> dict[str, object]:
    """The same for programs."""
    steps = [
        {"do": snake(type(planned.step).__name__), "command": command, "reason": planned.reason}
        | {one.name: getattr(planned.step, one.name) for one in fields(planned.step)}
        for command, planned in commands
    ]
    found = [picked(one, "text", "remedy", "code", "force") for one in against]
    return {
        "plan": picked(header, "kind", "job", "snapshot", "way", "vms", "igroup") | {"steps": steps, "against": found}
    }


def done_json(header: UseBegan, code: int, mount: Mount | None) -> dict[str, object]:
    """How a mount or a restore ended."""
    members = picked(header, "kind", "job", "snapshot", "way", "vms") | {"id": header.stamp, "exit": code}
    return root(**members, luns=[picked(one, *_LUN) for one in (mount.luns if mount is not None else ())])


_LUN = ("path", "parent", "igroup", "lun_id", "serial")


def mounted_lines(mount: Mount, width: int = 0) -> list[str]:
    """The clones of a new mount."""
    head = ("clone", "of", "igroup", "LUN id", "serial")
    rows = [
        (one.path, one.parent, one.igroup, "" if one.lun_id is None else str(one.lun_id), one.serial)
        for one in mount.luns
    ]
    return [f"mount {mount.id}", *table_lines(head, rows, width)]


def mount_lines(found: Sequence[Mount], now: datetime, width: int = 0) -> list[str]:
    """The mounts that stand, for `status` and `list`; none: no line."""
    if not found:
        return []
    head = ("mount", "job", "backup", "age", "LUNs", "purpose", "until", "state")
    rows = []
    for one in found:
        age = one.age(now)
        state = _state(one, now)
        shown = aged(age) if age is not None else "-"
        luns = ", ".join(lun.parent for lun in one.luns)
        rows.append((one.id, one.job, one.snapshot, shown, luns, one.purpose, one.until, state))
    return ["", *table_lines(head, rows, width)]


def _state(one: Mount, now: datetime) -> str:
    if one.half:
        return "half-way: run recover"
    return "broken off: see status" if one.left else "is over: unmount it" if one.is_over(now) else ""


def mounts_json(found: Sequence[Mount], now: datetime) -> list[dict[str, object]]:
    """The same for programs."""
    return [
        picked(one, "id", "job", "kind", "snapshot", "purpose", "half", "left")
        | {"until": one.until or None, "began": iso_time(one.began), "age": one.age(now), "over": one.is_over(now)}
        | {"luns": [picked(lun, *_LUN) for lun in one.luns]}
        for one in found
    ]

"""Results on stdout: the plan and the list, the same on a terminal and in a pipe."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from snapall.backup.plan import Look, Plan, Planned
from snapall.views import messages
from snapall.views.glyphs import columns, fitted
from snapall.views.json_root import moment, root

if TYPE_CHECKING:
    from snapall.backup.adopt import Orphan
    from snapall.backup.steps import Step
    from snapall.operate.ages import Age
    from snapall.site.answers import Share
    from snapall.site.datastores import Inventory

Command = Callable[["Step | Look"], str]


@dataclass(frozen=True, slots=True)
class Retained:
    """One row of `list`: a snapshot of the filer, and what snapall knows of it. `run`: the stamp of its run, or ""."""

    volume: str
    name: str
    date: str
    tags: tuple[str, ...]
    grade: str
    run: str
    age: Age | None = None
    share: Share | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """One row of `datastores`, and the names of the jobs that take it."""

    store: Inventory
    jobs: tuple[str, ...]


def plan_lines(first: Sequence[Planned], plan: Plan, command: Command, width: int) -> list[str]:
    """The plan for people: a heading for each stage, a line for each command, its reason below.

    `width` 0: nothing is wrapped.
    """
    lines = [f"job {plan.job.name}, order {plan.job.order}: what `snapall run` would do now"]
    lines += _wrapped(f"order of the VMs: {plan.ordering}", width, "") if plan.ordering else []
    stage = None
    for one in (*first, *plan.actions):
        if one.stage is not stage:
            stage = one.stage
            lines += ["", f"{stage}"]
        lines += _wrapped(command(one.action), width, "  ")
        lines += _wrapped(f"# {one.reason}", width, "      ")
    for vm, why in plan.left:
        lines += _wrapped(f"not quiesced: {vm.label}, {why}", width, "")
    for vm in plan.skipped:
        lines.append(f"skipped: {vm.label}")
    if plan.rotation.blocked is not None:
        lines += ["", *_wrapped(f"the rotation has to wait: {plan.rotation.blocked}", width, "")]
    if plan.warnings:
        lines += ["", "warnings", *(line for text in plan.warnings for line in _wrapped(text, width, "  "))]
    return [messages.safe(line) for line in lines]


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    if width < 20 or len(indent) + len(text) <= width:
        return [indent + text]
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent + "    ", break_on_hyphens=False)


def plan_json(first: Sequence[Planned], plan: Plan, command: Command) -> dict[str, object]:
    """The plan of one job for programs."""
    return {
        "job": plan.job.name,
        "order": str(plan.job.order),
        "commands": [
            {
                "stage": str(one.stage),
                "changing": not isinstance(one.action, Look),
                "command": command(one.action),
                "reason": one.reason,
            }
            for one in (*first, *plan.actions)
        ],
        "not_quiesced": [{"vm": vm.moref, "name": vm.name, "why": why} for vm, why in plan.left],
        "skipped": [vm.moref for vm in plan.skipped],
        "ordering": plan.ordering or None,
        "blocked": str(plan.rotation.blocked) if plan.rotation.blocked is not None else None,
        "warnings": list(plan.warnings),
    }


def list_lines(rows: Sequence[Retained]) -> list[str]:
    """The filer's snapshots as columns."""
    head = ("volume", "name", "date", "age", "space", "grade", "made by run", "tags")
    cells = [
        (
            *(row.volume, row.name, row.date, _age(row.age), _space(row.share)),
            *(row.grade, row.run or "-", ",".join(row.tags)),
        )
        for row in rows
    ]
    return columns_of(head, cells)


def _age(age: Age | None) -> str:
    if age is None:
        return "-"
    return messages.aged(age.seconds) if age.sure else f"~{messages.aged(age.seconds)}"


def _space(share: Share | None) -> str:
    """The filer prints whole percents: 0 stands for less than one."""
    if share is None:
        return "-"
    return f"{share.total_alone} %" if share.total_alone else "<1 %"


def columns_of(head: tuple[str, ...], cells: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows below a heading, each column as wide as it must be, with control characters escaped."""
    table = [head, *(tuple(map(messages.safe, row)) for row in cells)]
    widths = [max(columns(line[column]) for line in table) for column in range(len(head))]
    return ["  ".join(fitted(cell, w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in table]


def list_json(rows: Sequence[Retained]) -> dict[str, object]:
    """The same for programs."""
    snapshots = [
        {
            "volume": row.volume,
            "name": row.name,
            "date": row.date,
            "grade": row.grade,
            "run": row.run or None,
            "tags": list(row.tags),
            "age": row.age.seconds if row.age is not None else None,
            "age_by": None if row.age is None else "run" if row.age.sure else "date",
            "percent_of_volume": row.share.total_alone if row.share is not None else None,
            "percent_of_volume_with_newer": row.share.total if row.share is not None else None,
            "percent_of_used": row.share.used_alone if row.share is not None else None,
            "percent_of_used_with_newer": row.share.used if row.share is not None else None,
        }
        for row in rows
    ]
    return root(snapshots=snapshots)


def orphan_lines(found: Sequence[Orphan], *, remove: bool) -> list[str]:
    """What `recover --adopt` found. `remove`: it goes on to remove them."""
    if not found:
        return ["no orphaned VM snapshot has the name of a job's own"]
    lines = [
        f"{one.job}: {one.vm.label} has {one.snapshot.name} ({one.snapshot.ssid}) since {one.snapshot.created}"
        for one in found
    ]
    return lines if remove else [*lines, "nothing was removed: --yes removes them"]


def orphans_json(found: Sequence[Orphan]) -> dict[str, object]:
    """The same for programs."""
    orphans = [
        {
            "job": one.job,
            "vm": one.vm.moref,
            "name": one.vm.name,
            "snapshot": one.snapshot.name,
            "ssid": one.snapshot.ssid,
            "created": moment(one.snapshot.created),
        }
        for one in found
    ]
    return root(orphans=orphans)


def datastore_lines(rows: Sequence[Taken]) -> list[str]:
    """VirtualCenter's datastores as columns."""
    head = ("id", "name", "VMs", "capacity", "free", "taken by job")
    cells = [
        (
            str(row.store.id),
            row.store.name,
            str(row.store.vms),
            messages.size(row.store.capacity),
            messages.size(row.store.free),
            ", ".join(row.jobs) or "-",
        )
        for row in rows
    ]
    return columns_of(head, cells)


def datastore_json(rows: Sequence[Taken]) -> dict[str, object]:
    """The same for programs; sizes in bytes, null when they are unknown."""
    datastores = [
        {
            "id": row.store.id,
            "name": row.store.name,
            "vms": row.store.vms,
            "capacity": row.store.capacity,
            "free": row.store.free,
            "jobs": list(row.jobs),
        }
        for row in rows
    ]
    return root(datastores=datastores)

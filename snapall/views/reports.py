"""What the looking commands print on stdout: `list`, `datastores` and `recover --adopt`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from snapall.views.columns import table_lines
from snapall.views.json_root import iso_time, picked, root
from snapall.views.messages import aged, size
from snapall.views.proofs import proof_cell, proofs_json

if TYPE_CHECKING:
    from snapall.backup.adopt import Orphan
    from snapall.operate.ages import Age
    from snapall.operate.status import Replica
    from snapall.restore.proof.proofs import Proof
    from snapall.site.answers import Share
    from snapall.site.datastores import Inventory


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
    kept: bool = False  # whether `run --keep` made it
    vmx: str | None = None  # how many VMs have a copy of their vmx files, "" for none; None: the job copies none
    proofs: tuple[Proof, ...] = ()  # the last check of each VM out of it


@dataclass(frozen=True, slots=True)
class Taken:
    """One row of `datastores`, and the names of the jobs that back it up."""

    store: Inventory
    jobs: tuple[str, ...]


def list_lines(rows: Sequence[Retained], width: int = 0) -> list[str]:
    """The filer's snapshots as a table."""
    copies, proved = any(one.vmx is not None for one in rows), any(one.proofs for one in rows)
    extra = (*(["vmx"] if copies else []), *(["proofs"] if proved else []))
    head = ("volume", "name", "date", "age", "space", "grade", "made by run", *extra, "tags")
    cells = [
        (
            one.volume,
            one.name,
            one.date,
            _age(one.age),
            _space(one.share),
            one.grade,
            one.run or "-",
            *([one.vmx or "-"] if copies else []),
            *([proof_cell(one.proofs)] if proved else []),
            ",".join(one.tags),
        )
        for one in rows
    ]
    return table_lines(head, cells, width)


def _age(age: Age | None) -> str:
    if age is None:
        return "-"
    return aged(age.seconds) if age.sure else f"~{aged(age.seconds)}"


def _space(share: Share | None) -> str:
    """The filer prints whole percents: 0 stands for less than one."""
    if share is None:
        return "-"
    return f"{share.total_alone} %" if share.total_alone else "<1 %"


def list_json(rows: Sequence[Retained]) -> dict[str, object]:
    """The same for programs."""
    return root(snapshots=[_retained_json(one, one.age, one.share) for one in rows])


def _retained_json(row: Retained, age: Age | None, share: Share | None) -> dict[str, object]:
    return picked(row, "volume", "name", "date", "grade", "tags", "kept") | {
        "run": row.run or None,
        "vmx": row.vmx or None,
        "proofs": proofs_json(row.proofs),
        "taken": iso_time(age.taken) if age is not None else None,
        "age": age.seconds if age is not None else None,
        "age_by": None if age is None else "run" if age.sure else "date",
        "percent_of_volume": share.total_alone if share is not None else None,
        "percent_of_volume_with_newer": share.total if share is not None else None,
        "percent_of_used": share.used_alone if share is not None else None,
        "percent_of_used_with_newer": share.used if share is not None else None,
    }


def replica_lines(found: Sequence[tuple[str, Replica]], width: int = 0) -> list[str]:
    """How far each destination of the jobs' backups is behind; none: no line."""
    if not found:
        return []
    head = ("job", "copy at", "behind", "last update")
    cells = [
        (job, one.destination, "-" if one.lag is None else aged(one.lag), one.failure and f"failed: {one.failure}")
        for job, one in found
    ]
    return ["", *table_lines(head, cells, width)]


def replicas_json(found: Sequence[tuple[str, Replica]]) -> list[dict[str, object]]:
    """The same for programs; `lag` in seconds, null when it is not known."""
    return [{"job": job} | picked(one, "destination", "lag", "failure") for job, one in found]


def kept_lines(rows: Sequence[Retained], width: int = 0) -> list[str]:
    """The backups that `run --keep` made, as a table."""
    return list_lines(rows, width) if rows else ["no kept backup: `snapall run --keep NAME` takes one"]


def orphan_lines(found: Sequence[Orphan], *, remove: bool) -> list[str]:
    """What `recover --adopt` found. `remove`: they are about to be removed."""
    if not found:
        return ["no orphaned VM snapshot has a name that the jobs use"]
    lines = [
        f"{one.job}: {one.vm.label} has {one.snapshot.name} ({one.snapshot.ssid}) since {one.snapshot.created}"
        for one in found
    ]
    return lines if remove else [*lines, "nothing was removed; add --yes to remove all of these"]


def orphans_json(found: Sequence[Orphan]) -> dict[str, object]:
    """The same for programs."""
    orphans = [
        {"job": one.job, "vm": one.vm.moref, "name": one.vm.name, "snapshot": one.snapshot.name}
        | picked(one.snapshot, "ssid", "created")
        for one in found
    ]
    return root(orphans=orphans)


def datastore_lines(rows: Sequence[Taken], width: int = 0) -> list[str]:
    """VirtualCenter's datastores as a table."""
    head = ("id", "name", "VMs", "capacity", "free", "backed up by job")
    cells = [
        (str(one.id), one.name, str(one.vms), size(one.capacity), size(one.free), ", ".join(row.jobs) or "-")
        for row in rows
        for one in [row.store]
    ]
    return table_lines(head, cells, width)


def datastore_json(rows: Sequence[Taken]) -> dict[str, object]:
    """The same for programs; sizes in bytes, null when they are unknown."""
    names = ("id", "name", "vms", "capacity", "free")
    return root(datastores=[picked(row.store, *names) | {"jobs": list(row.jobs)} for row in rows])

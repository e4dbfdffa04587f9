"""What the filer shows of a volume: its state, its space, and what it does by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from snapall.lab.effects import Denied
from snapall.lab.texts import Says

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snapall.lab.transaction import Transaction


def status(transaction: Transaction, names: Sequence[str]) -> str | Denied:
    """`vol status [VOL]`."""
    query = "SELECT name, state, read_only FROM volumes WHERE ? IN (name, '') ORDER BY name"
    rows = transaction.rows(query, " ".join(names))
    if not rows:
        return Denied(Says.NO_VOLUME_STATUS(" ".join(names)))
    lines = [f"{'Volume':>15} {'State':<15} {'Status':<17} Options"]
    for name, state, read_only in rows:
        options = "root, " if name == transaction.settings.root else "snapmirrored=on, " if read_only else ""
        lines.append(f"{name:>15} {state:<15} {'raid_dp, flex':<17} {options}create_ucode=on,")
        lines += [f"{'read-only' if read_only else '':>40}{'':10}convert_ucode=on, guarantee=volume"]
        lines += [f"{'':16}Containing aggregate: 'aggr0'"]
    return "\n".join(lines)


def df(transaction: Transaction, names: Sequence[str]) -> str | Denied:
    """`df [VOL]`, in kilobytes: the volume's own space, and that of its snapshot reserve."""
    query = (
        "SELECT name, kb, reserve, used, full, (SELECT COALESCE(SUM(kb), 0) FROM filer_snapshots"
        " WHERE volume = volumes.name) FROM volumes WHERE ? IN (name, '') AND state = 'online' ORDER BY name"
    )
    rows = transaction.rows(query, " ".join(names))
    if not rows:
        return Denied(Says.NO_VOLUME_DF(" ".join(names)))
    lines = [Says.HEADING_DF()]
    for name, kb, reserve, used, full, snapshots in rows:
        kept = kb * reserve // 100
        spilt = max(0, snapshots - kept)  # what outgrows the reserve takes space from the files
        taken = kb - kept if full else min(kb - kept, (kb - kept) * used // 100 + spilt)
        lines.append(_row(f"/vol/{name}/", kb - kept, taken, kb - kept - taken))
        lines.append(_row(f"/vol/{name}/.snapshot", kept, snapshots, max(0, kept - snapshots)))
    return "\n".join(lines)


def _row(where: str, total: int, used: int, available: int) -> str:
    share = f"{100 * used // total}%" if total else "---%"
    return f"{where:<21} {total:>10} {used:>10} {available:>10} {share:>8}  {where}"


def snap_settings(transaction: Transaction, arguments: Sequence[str]) -> str | Denied | None:
    """`snap reserve`, `snap sched` and `snap autodelete`, where they only show; None for another command."""
    match arguments:
        case ["reserve" | "sched" as kind, volume]:
            pass
        case ["autodelete" as kind, volume, "show"] if _knows_autodelete(transaction.settings.version):
            pass
        case ["reserve" | "sched" | "autodelete", *_]:
            return Denied(Says.USAGE_SNAP())
        case _:
            return None
    query = "SELECT kb, reserve, sched, autodelete FROM volumes WHERE name = ?"
    rows = transaction.rows(query, volume)
    if not rows:
        return Denied(Says.NO_VOLUME(f"snap {kind}", volume))
    kb, reserve, sched, autodelete = rows[0]
    match kind:
        case "reserve":
            return Says.RESERVE(volume, reserve, kb * reserve // 100)
        case "sched":
            return Says.SCHEDULE(volume, sched)
        case _:
            return _autodelete(volume, autodelete)


def _knows_autodelete(version: str) -> bool:
    """Data ONTAP has it from 7.1 on."""
    return is_since(version, 7, 1)


def knows_dependency(version: str) -> bool:
    """Data ONTAP has the option snapshot_clone_dependency from 7.3 on."""
    return is_since(version, 7, 3)


def is_since(version: str, major: int, minor: int) -> bool:
    """Whether a version is this one or a later one."""
    release = re.search(r"Release (\d+)\.(\d+)", version)
    return release is not None and (int(release[1]), int(release[2])) >= (major, minor)


def _autodelete(volume: str, state: str) -> str:
    settings = {
        "state": state,
        "commitment": "try",
        "trigger": "volume",
        "target_free_space": "20%",
        "delete_order": "oldest_first",
        "defer_delete": "user_created",
        "prefix": "(not specified)",
        "destroy_list": "none",
    }
    return "\n".join([Says.AUTODELETE(volume), *(f"{name:<32}: {value}" for name, value in settings.items())])

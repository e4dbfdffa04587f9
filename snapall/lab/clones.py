"""LUN clones, and what the filer copies in the background: splits and single-file restores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snapall.lab import images
from snapall.lab.effects import Denied, check_volume
from snapall.lab.frozen import EFFICIENT, RESTORING, SPLITTING
from snapall.lab.ledger import Change, Effect
from snapall.lab.lunrows import PATH, LunRow, change, lun_at, luns
from snapall.lab.texts import Says

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snapall.lab.transaction import Transaction


def clone(transaction: Transaction, arguments: Sequence[str]) -> Effect | Denied | str:
    """`lun clone ...`."""
    match arguments:
        case ["create", path, "-o", "noreserve", "-b", parent, snapshot]:
            return _create(transaction, path, parent, snapshot, reserved=False)
        case ["create", path, "-b", parent, snapshot]:
            return _create(transaction, path, parent, snapshot, reserved=True)
        case ["split", "start", path]:
            return _start(transaction, path, EFFICIENT)
        case ["split", "start", "-d", path]:
            return _start(transaction, path, SPLITTING)
        case ["split", "stop", path]:
            return _stop(transaction, path)
        case ["split", "status", *rest] if len(rest) <= 1:
            return _status(transaction, rest)
        case _:
            return Denied(Says.USAGE_CLONE())


def _create(transaction: Transaction, path: str, parent: str, snapshot: str, *, reserved: bool) -> Effect | Denied:
    command = "lun clone create"
    here, there = PATH.fullmatch(path), PATH.fullmatch(parent)
    if here is None or there is None:
        return Denied(Says.NO_LUN(command, path if here is None else parent))
    volume = here[1]
    if there[1] != volume:
        return Denied(Says.OTHER_VOLUME(command, path))
    if denied := check_volume(transaction, command, volume) or _refusal(transaction, path, parent, volume, reserved):
        return denied
    kept = kept_lun(transaction, volume, snapshot, parent)
    if isinstance(kept, Denied):
        return kept
    seq, image, at, row = kept
    inherited = transaction.settings.clone_serial == "parent"
    serial = row["serial"] if inherited else new_serial(transaction)
    query = (
        "INSERT INTO luns (volume, path, size, serial, reserved, ostype, created, image, backing, backed_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
    )
    values = (volume, path, row["size"], serial, reserved, row["ostype"], transaction.now)
    lun = transaction.value(query, *values, images.new_image(transaction, image, at), seq, there[2])
    transaction.touched.add(lun)
    return Effect(Change.CLONED, snapshot, volume=volume, new=path)


def _refusal(transaction: Transaction, path: str, parent: str, volume: str, reserved: bool) -> Denied | None:
    if luns(transaction, "path = ?", path):
        return Denied(Says.LUN_EXISTS("lun clone create", path))
    if luns(transaction, "path = ? AND work != ''", parent):
        return Denied(Says.SPLITTING("lun clone create", parent))
    if reserved and transaction.value("SELECT full FROM volumes WHERE name = ?", volume):
        return Denied(Says.NO_ROOM("lun clone create"))
    return None


def kept_lun(
    transaction: Transaction, volume: str, snapshot: str, path: str
) -> tuple[int, int, int, dict[str, str | int]] | Denied:
    """A LUN in a snapshot: the snapshot's seq, the image, its epoch, and what a clone takes over."""
    seqs = transaction.rows("SELECT seq FROM filer_snapshots WHERE volume = ? AND name = ?", volume, snapshot)
    if not seqs:
        return Denied(Says.ABSENT())
    query = "SELECT image, epoch, serial, size, ostype FROM frozen WHERE snapshot = ? AND path = ?"
    rows = transaction.rows(query, seqs[0][0], path)
    if not rows:
        return Denied(Says.NOT_IN_SNAPSHOT(path, snapshot))
    image, at, serial, size, ostype = rows[0]
    return seqs[0][0], image, at, {"serial": serial, "size": size, "ostype": ostype}


def new_serial(transaction: Transaction) -> str:
    """A serial that no LUN of the filer has had."""
    return serial_of(transaction.count("serial"))


def serial_of(number: int) -> str:
    """The serial of the LUN with this number."""
    return f"W-L7{number:08d}"


def _start(transaction: Transaction, path: str, work: str) -> Effect | Denied:
    command = "lun clone split start"
    lun = lun_at(transaction, command, path)
    if isinstance(lun, Denied):
        return lun
    if lun.work:
        return Denied(Says.SPLITTING(command, path))
    if lun.backing is None:
        return Denied(Says.NO_CLONE(command, path))
    if transaction.value("SELECT full FROM volumes WHERE name = ?", lun.volume):
        return Denied(Says.NO_ROOM(command))
    begin_work(transaction, lun, work)
    return Effect(Change.SPLIT_STARTED, path, volume=lun.volume)


def begin_work(transaction: Transaction, lun: LunRow, work: str) -> None:
    """Let the filer copy in the background until a LUN rests on no snapshot."""
    settings = transaction.settings
    seconds = settings.restore_seconds if work == RESTORING else settings.split_seconds
    task = transaction.count("task")
    change(transaction, lun, work=work, task=task, begun=transaction.now, due=transaction.now + seconds)
    transaction.defer(
        seconds, transaction.value("SELECT value + 1 FROM counters WHERE name = 'entries'"), ("copied", str(task))
    )


def finish_work(transaction: Transaction, task: int) -> Effect | Denied:
    """The filer has copied everything, unless it was stopped."""
    for lun in luns(transaction, "task = ? AND work != ''", task):
        change(transaction, lun, work="", backing=None, backed_by="")
        return Effect(Change.COPIED, lun.path, volume=lun.volume)
    return Denied("")


def restart_work(transaction: Transaction) -> None:
    """A panic or a takeover: background work begins anew (restore.md, section 2)."""
    for lun in luns(transaction, "work != ''"):
        begin_work(transaction, lun, lun.work)


def _stop(transaction: Transaction, path: str) -> Effect | Denied:
    """The LUN stays a clone."""
    lun = lun_at(transaction, "lun clone split stop", path)
    if isinstance(lun, Denied):
        return lun
    if not lun.work:
        return Denied(Says.NO_SPLIT())
    change(transaction, lun, work="")
    return Effect(Change.SPLIT_STOPPED, path, volume=lun.volume)


def _status(transaction: Transaction, names: Sequence[str]) -> str | Denied:
    if names:
        lun = lun_at(transaction, "lun clone split status", names[0], changing=False)
        if isinstance(lun, Denied):
            return lun
        if not lun.work:
            return Says.NO_SPLIT()
    rows = luns(transaction, "work != '' AND ? IN (path, '')", " ".join(names))
    return "\n".join(Says.SPLIT_STATUS(lun.path, lun.progress(transaction.now)) for lun in rows)

"""The uses of a backup, each as an operator begins it, and `recover`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from snapall.backup.lock import hold
from snapall.backup.model import Grade
from snapall.backup.outcome import Origin
from snapall.errors import Exit, worst
from snapall.restore import plan, uses
from snapall.restore.disk.read import report_of
from snapall.restore.mirror.client import Mirrors
from snapall.restore.mirror.decide import MirrorPolicy
from snapall.restore.mirror.journal import ReplicationJournal, open_ones
from snapall.restore.mirror.relations import Kind, Relation
from snapall.restore.mirror.replicate import Replication, ReplicationContext
from snapall.restore.mirror.replication import ReplicationBegan
from snapall.restore.model import LunView
from snapall.restore.proof.clones import VerifyMount
from snapall.restore.proof.device import LunReading, MappedLun
from snapall.restore.proof.proofs import Proof, Readability
from snapall.restore.proof.verify import Verification, VerifiedBackup, VerifyTarget
from snapall.restore.record import PlannedStep, UseKind
from snapall.restore.uses import begin
from tests.restore.crashes.desk import BACKUP, FILER, JOB, LUNS, MIRROR, OLDER, VOLUME, Desk, forked
from tests.restore.crashes.strikes import DEAD, Blow, Strike

Views = dict[str, LunView]
Plan = Callable[[str, Views], tuple[PlannedStep, ...]]


def serials(stamp: str) -> Iterator[str]:
    """New ones for each use, and the same whenever it is played."""
    return (f"{sign * 6}{stamp[9:15]}" for sign in "abc")


def mount(desk: Desk, snapshot: str = BACKUP, luns: Sequence[str] = LUNS, *, split: bool = False) -> Exit:
    """Mount to the helper; what is split is mapped to nobody."""

    def steps(stamp: str, views: Views) -> tuple[PlannedStep, ...]:
        return plan.mount(luns, snapshot, "" if split else "helper", stamp, views, serials(stamp), split=split)

    return _used(desk, UseKind.MOUNT, steps, snapshot=snapshot)


def by_file(desk: Desk) -> Exit:
    return _used(desk, UseKind.RESTORE, lambda *_: plan.by_file(LUNS, BACKUP), "file")


def by_swap(desk: Desk) -> Exit:
    def steps(stamp: str, views: Views) -> tuple[PlannedStep, ...]:
        return plan.by_swap(LUNS, BACKUP, stamp, views, serials(stamp))

    return _used(desk, UseKind.RESTORE, steps, "swap")


def by_volume(desk: Desk) -> Exit:
    return _used(desk, UseKind.RESTORE, lambda *_: plan.by_volume(VOLUME, OLDER), "volume", OLDER)


def _used(desk: Desk, kind: UseKind, steps: Plan, way: str = "", snapshot: str = BACKUP) -> Exit:
    """Look and plan under the lock, as `mount` and `restore` do."""
    with desk.context.alone("restore" if way else "mount"):
        views, stamp = {VOLUME: desk.luns.view(VOLUME)}, desk.store.runs.stamp()
        header = desk.header(kind, stamp, steps(stamp, views), snapshot, way)
        return begin(desk.context, header)[1]


def unmount(desk: Desk) -> Exit:
    """Take down the latest mount that stands."""
    *_, use = (one for one in desk.store.mounts() if not one.open)
    with desk.context.alone("unmount"):
        return uses.unmount(desk.context, use)


class Reader:
    """Reads a LUN where the helper sees it."""

    way = "signatures"

    def __init__(self, desk: Desk) -> None:
        self._devices = desk.world.directory / "devices"

    def read(self, one: MappedLun) -> LunReading:
        found = report_of(str(self._devices / one.serial.replace("/", "_")), one.size)
        return LunReading(Readability.READABLE if found.get("readable") is True else Readability.UNREAD)


def verify(desk: Desk) -> Exit:
    """Check one VM with two LUNs. Only a proof that it can be read is success."""
    date = desk.date_of(BACKUP)
    proofs: list[Proof] = []
    origin = Origin(VOLUME, BACKUP, date, "20070321T030000Z", Grade.WHOLE, 3, 3)
    lookup = (lambda: (origin,)), desk.store, FILER, "vc01.lab", 120.0
    Verification(
        VerifiedBackup(BACKUP, date),
        VerifyMount(JOB, "helper", desk.luns, *lookup),
        Reader(desk),
        desk.clock,
        proofs.append,
        lambda: False,
        lambda: desk.store.locked((JOB.name,), "verification", lambda: False, lambda *_: None, yielding=True),
    ).run((VerifyTarget("vm-1226", "sql01", LUNS),))
    return Exit.OK if [one.found for one in proofs] == [Readability.READABLE] else Exit.FAILED


def to_mirror(desk: Desk) -> Exit:
    return _replicated(desk, Relation(Kind.MIRROR, "filer1", MIRROR, "filer1:vmvol1"))


def to_vault(desk: Desk) -> Exit:
    return _replicated(desk, Relation(Kind.VAULT, "filer1", "/vol/sv/vmvol1", keep_name="nightly"))


def _replicated(desk: Desk, relation: Relation) -> Exit:
    began = ReplicationBegan(JOB.name, desk.store.runs.stamp(), BACKUP, (VOLUME,), (relation,))
    return _followed(desk, ReplicationJournal.create(desk.state, began, desk.clock), MirrorPolicy())


def _followed(desk: Desk, journal: ReplicationJournal, policy: MirrorPolicy) -> Exit:
    mirrors = Mirrors(desk.filer, "filer1", FILER)
    context = ReplicationContext(
        {"filer1": mirrors},
        desk.clock,
        lambda _: None,
        lambda: False,
        lambda: hold(desk.state, JOB.name, "replication", desk.clock, lambda: False, yielding=True),
        lambda: {VOLUME: tuple(row.name for row in mirrors.copies(VOLUME) if "LUNs" in row.tags)},
    )
    try:
        state = Replication(journal, context, policy).run()
        return Exit.OK if state.ended and not state.failures else Exit.PARTIAL
    finally:
        journal.leave()


def recover(desk: Desk) -> Exit:
    """What `snapall recover` does: each open journal is taken down, and what was sent on is followed to its end."""
    codes = [uses.settle(desk.context, use, wait=True) or Exit.OK for use in desk.open_uses]
    for path in open_ones(desk.state, JOB.name):
        codes.append(_followed(desk, ReplicationJournal.open(path, desk.clock), MirrorPolicy(send=False)))
    return worst(*codes)


@dataclass(frozen=True, slots=True)
class Operation:
    """A use of a backup. `before`: what was there, or had happened, when it begins."""

    name: str
    do: Callable[[Desk], Exit]
    before: Callable[[Desk], None] = lambda _: None


def neighbours(desk: Desk) -> None:
    """Another mount of ours stands, and somebody else's clone that is called like one of ours."""
    assert mount(desk, OLDER, LUNS[:1]) is Exit.OK
    theirs = "/vol/vmvol1/snapall_mnt_20060101T000000Z_sql01"
    for command in (f"clone create {theirs} -o noreserve -b {LUNS[0]} vmware_snap4", f"map {theirs} spare"):
        assert not desk.filer.run(f"lun {command}").stdout


def _mounted(desk: Desk) -> None:
    neighbours(desk)
    desk.world.advance(60)
    assert mount(desk) is Exit.OK


def _to_swap(desk: Desk) -> None:
    """A clone has a serial of its own, and must get that of the LUN."""
    neighbours(desk)
    desk.world.set(clone_serial="new")


def _half_swapped(desk: Desk) -> None:
    """A swap was killed when the second LUN was away, and its clone not yet in its place."""
    _to_swap(desk)
    with tempfile.TemporaryDirectory() as name:
        calls = forked(shutil.copytree(desk.folder, Path(name, "whole")), Strike(), by_swap).calls
    away = next(n for n, one in enumerate(calls, 1) if one.startswith(f"lun move {LUNS[1]} "))
    assert forked(desk.folder, Strike(Blow.KILLED_AFTER, away), by_swap).code == DEAD
    assert LUNS[1] not in desk.world.luns(VOLUME)


OPERATIONS = (
    Operation("mount", mount, neighbours),
    Operation("mount --split", lambda desk: mount(desk, split=True), neighbours),
    Operation("unmount", unmount, _mounted),
    Operation("restore --way file", by_file, neighbours),
    Operation("restore --way swap", by_swap, _to_swap),
    Operation("restore --volume", by_volume),
    Operation("verify", verify, neighbours),
    Operation("recover of half a swap", recover, _half_swapped),
    Operation("replicate to a mirror", to_mirror),
    Operation("replicate to a vault", to_vault),
)

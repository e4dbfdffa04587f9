"""snapall at the lab of one folder, without sockets: its journals, its filer, and how each use of a backup is begun."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from snapall.backup.journal import journals
from snapall.backup.model import Job
from snapall.backup.private import make_folder
from snapall.backup.store import JournalStore
from snapall.errors import Exit, SnapallError
from snapall.lab.lunsites import LabRelation
from snapall.lab.sites import SiteSpec
from snapall.lab.world import World
from snapall.restore.journal import RecordedUse, SharedVolumes, UseStore, read_use
from snapall.restore.luns.client import Luns
from snapall.restore.mirror.journal import ReplicationJournal, paths_of
from snapall.restore.mirror.replication import ReplicationState
from snapall.restore.record import PlannedStep, Source, UseBegan, UseKind
from snapall.restore.state import UseState, fold
from snapall.restore.uses import UseContext
from tests.lab.sites import with_luns
from tests.restore.crashes.strikes import LabFiler, Strike, WorldClock

NIGHT = 1174532400.0  # 2007-03-22 03:00 UTC
VOLUME, FILER = "vmvol1", "filer1.lab"
BACKUP, OLDER, *_ = CHAIN = ("vmware_recent", "vmware_previous", "vmware_snap3", "vmware_snap4")
JOB = Job("vol1", "filer1", (VOLUME,), (688,), CHAIN)
SHARED = SharedVolumes(FILER, (VOLUME,), (JOB.name,))
LUNS = ("/vol/vmvol1/sql01", "/vol/vmvol1/web01")
MIRROR, VAULT = "filer2:vmvol1_mirror", "filer2:/vol/sv/vmvol1"
SIZE = 2 << 20  # bytes of a LUN


def site() -> SiteSpec:
    """A job whose VMs are off, with a mirror and a vault. A clone gets its parent's serial: the longer way."""
    found = with_luns()
    relations = (
        LabRelation("snapmirror", "filer1:vmvol1", MIRROR),
        LabRelation("snapvault", "filer1:/vol/vmvol1/-", VAULT, keep="nightly"),
    )
    vms = tuple(replace(vm, on=False) for vm in found.vms)
    luns = tuple(replace(one, size=SIZE) for one in found.luns)  # each cell copies them
    return replace(found, vms=vms, luns=luns, relations=relations).having(clock=NIGHT, clone_serial="parent")


class Desk:
    """One process of snapall at a lab. `folder` has the world in `lab` and the journals in `state`."""

    def __init__(self, folder: Path, strike: Strike | None = None) -> None:
        """`strike`: what happens at which call, to a process that was forked for it; None: nothing will."""
        self.folder = folder
        self.state = folder / "state"
        make_folder(self.state)
        self.world = World(folder / "lab")
        self.clock = WorldClock(self.world)
        self.filer = LabFiler(self.world, *((strike, self.state) if strike is not None else ()))
        self.luns = Luns(self.filer, "filer1", FILER)
        self.store = UseStore(JournalStore(self.state, self.clock))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.world.close()

    @property
    def context(self) -> UseContext:
        return UseContext(SHARED, self.luns, self.store, self.clock, lambda: False, lambda *_: None)

    def date_of(self, snapshot: str) -> str:
        return next(row.date for row in self.world.listing(VOLUME) if row.name == snapshot)

    def header(self, kind: UseKind, stamp: str, plan: tuple[PlannedStep, ...], snapshot: str, way: str) -> UseBegan:
        """As `mount` and `restore` write it."""
        sources = (Source(VOLUME, self.date_of(snapshot)),)
        return UseBegan(kind, JOB.name, FILER, "vc01.lab", stamp, snapshot, sources, plan, "1", way=way)

    @property
    def states(self) -> list[UseState]:
        """Of all uses, of those that are over, too."""
        paths = (path for path in journals(self.store.folder) if not path.name.startswith("replicate"))
        return [state for path in paths if (state := fold(read_use(path)[0])).began is not None]

    @property
    def replications(self) -> list[ReplicationState]:
        return [ReplicationJournal.open(path, self.clock).state for path in paths_of(self.state, JOB.name)]

    @property
    def open_uses(self) -> tuple[RecordedUse, ...]:
        return tuple(self.store.uses(only_open=True))


@dataclass(frozen=True, slots=True)
class Ended:
    """How a forked process ended: exit code, `DEAD` or otherwise, the calls that it made, and its fsyncs."""

    code: int
    calls: tuple[str, ...] = ()
    syncs: int = 0


def forked(folder: Path, strike: Strike, do: Callable[[Desk], Exit]) -> Ended:
    """Do something in a process of its own, which may die at a call. What it prints of a defect is seen."""
    note = folder / "calls"
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            desk = Desk(folder, strike)
            try:
                code = int(do(desk))
            except SnapallError as error:
                code = int(error.exit)
            note.write_text("\n".join((str(desk.filer.syncs), *desk.filer.sent)), encoding="utf-8")
        except BaseException:  # noqa: BLE001 - printed, and the process ends
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    syncs, *calls = note.read_text(encoding="utf-8").splitlines() if note.exists() else ["0"]
    return Ended(code, tuple(calls), int(syncs))

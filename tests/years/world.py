"""The site as it really is: VMs, their snapshots, the filer's volumes; and a judge who sees every change of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from snapall.backup.model import FilerSnapshot, Vm, VmSnapshot
from tests.years.process import Process
from tests.years.turns import Turns


@dataclass(eq=False, slots=True)
class VmRow:
    """A VM snapshot. `by`: the mark of the run that made it; "": it is none of ours."""

    ssid: str
    vm: int
    name: str
    made: float
    by: str
    job: str = ""
    shown_from: float = 0.0  # the database lags
    said_removed: bool = False  # a removal was answered with success, and did nothing yet
    said_failed: bool = False  # its create was answered with a failure

    @property
    def row(self) -> VmSnapshot:
        return VmSnapshot(self.ssid, self.vm, self.name, datetime.fromtimestamp(self.made, UTC))


@dataclass(eq=False, slots=True)
class Snap:
    """A snapshot of a volume; `serial` rises with age. `by`: the mark of the run that made it; "": none of ours."""

    serial: int
    name: str
    date: str
    by: str = ""
    made: float = 0.0
    tags: set[str] = field(default_factory=set)
    quiesced: frozenset[int] = frozenset()  # the VMs that the run had quiesced at this moment
    listed: bool = False  # a living process was shown it


class Judge(Protocol):
    """Sees what snapall's commands do, before they do it, and what they are shown."""

    def listed(self, snaps: Sequence[Snap]) -> None: ...

    def removes(self, process: Process, row: VmRow) -> None: ...

    def deletes(self, process: Process, volume: str, snap: Snap) -> None: ...

    def renames(self, process: Process, volume: str, snap: Snap, new: str) -> None: ...


class SiteRefusal(Exception):
    """What VirtualCenter or the filer answers instead of acting."""


@dataclass(eq=False, slots=True)
class PendingCreate:
    """A create that was sent and has not taken effect yet, though it will."""

    process: Process
    mark: str
    vm: int
    said_failed: bool


class World:
    """What all processes share. Whatever changes it at a later moment goes on when they die."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.vms: dict[int, tuple[Vm, int]] = {}  # id -> the VM and its datastore; only the registered ones
        self.rows: dict[str, VmRow] = {}
        self.volumes: dict[str, list[Snap]] = {}  # newest first
        self.shown: dict[str, dict[str, Snap]] = {}  # what the last `snap list` of a volume showed
        self.database_up_at = 0.0
        self.filer_up_at = 0.0
        self.pending_creates: list[PendingCreate] = []
        self.programs: dict[int, float] = {}  # pid -> when it ends
        self.log: list[tuple[float, tuple[object, ...]]] = []
        self.made = self.removed = self.captured = 0
        self._numbers = 1000
        self._judge: Judge | None = None

    def judged_by(self, judge: Judge) -> None:
        self._judge = judge

    @property
    def judge(self) -> Judge:
        assert self._judge is not None
        return self._judge

    def record(self, *words: object) -> None:
        """Keep these words for the report of a night with a broken promise."""
        self.log.append((self.turns.now, words))

    def number(self) -> int:
        self._numbers += 1
        return self._numbers

    def at(self, seconds: float, act: Callable[[], object]) -> None:
        """Let something happen after so many seconds."""
        self.turns.at(self.turns.now + seconds, act)

    # VirtualCenter

    def ours(self, vm: int | None = None) -> list[VmRow]:
        """Our VM snapshots, on VMs that VirtualCenter knows."""
        return [row for row in self.rows.values() if row.by and row.vm in self.vms and vm in (None, row.vm)]

    def database_rows(self) -> list[VmSnapshot]:
        now = self.turns.now
        return [one.row for one in self.rows.values() if one.shown_from <= now and one.vm in self.vms]

    def create(self, vm: int, name: str, by: str = "", job: str = "", lag: float = 0.0) -> VmRow:
        if vm not in self.vms:
            raise SiteRefusal(f"'vim.VirtualMachine:vm-{vm}' has already been deleted")
        row = VmRow(f"snapshot-{self.number()}", vm, name, self.turns.now, by, job, self.turns.now + lag)
        self.rows[row.ssid] = row
        self.made += bool(by)
        self.record("+", row.ssid, "vm", vm, name, by or "foreign")
        return row

    def remove(self, process: Process, vm: int, ssid: str) -> bool:
        """Whether there was anything to remove."""
        if vm not in self.vms:
            raise SiteRefusal(f"'vim.VirtualMachine:vm-{vm}' has already been deleted")
        row = self.rows.get(ssid)
        if row is None or row.vm != vm:
            return False
        self.judge.removes(process, row)
        del self.rows[ssid]
        self.removed += 1
        self.record("-", ssid, "vm", vm)
        return True

    # The filer

    def date(self) -> str:
        """As `snap list` shows it: to the minute, without a year."""
        return datetime.fromtimestamp(self.turns.now, UTC).strftime("%b %d %H:%M")

    def find(self, volume: str, name: str) -> Snap | None:
        return next((one for one in self.volumes[volume] if one.name == name), None)

    def of_run(self, mark: str) -> dict[str, Snap]:
        """What a run captured, by volume, as far as it is there."""
        return {volume: one for volume, rows in self.volumes.items() for one in rows if one.by == mark}

    def listing(self, volume: str, reader: Process) -> tuple[FilerSnapshot, ...]:
        rows = self.volumes[volume]
        if not reader.dead:
            self.shown[volume] = {one.name: replace(one, tags=set(one.tags)) for one in rows}
            for one in rows:
                one.listed = True
            self.judge.listed(rows)
        return tuple(FilerSnapshot(one.name, one.date, tuple(sorted(one.tags))) for one in rows)

    def snap(self, volume: str, name: str, by: str = "") -> Snap:
        if self.find(volume, name) is not None:
            raise SiteRefusal("Snapshot already exists.")
        quiesced = frozenset(row.vm for row in self.rows.values() if by and row.by == by)
        one = Snap(self.number(), name, self.date(), by, self.turns.now, quiesced=quiesced)
        self.volumes[volume].insert(0, one)
        self.captured += bool(by)
        self.record("snap create", volume, name, by or "foreign", "quiesced", sorted(quiesced))
        return one

    def rename(self, process: Process, volume: str, old: str, new: str) -> None:
        one = self.find(volume, old)
        if one is None or self.find(volume, new) is not None:
            raise SiteRefusal("No such snapshot." if one is None else "Snapshot already exists.")
        self.judge.renames(process, volume, one, new)
        one.name = new
        self.record("snap rename", volume, old, new)

    def delete(self, process: Process, volume: str, name: str) -> None:
        one = self.find(volume, name)
        if one is None:
            raise SiteRefusal("No such snapshot.")
        if one.tags:
            raise SiteRefusal("Snapshot is busy.")
        self.judge.deletes(process, volume, one)
        self.volumes[volume].remove(one)
        self.record("snap delete", volume, name)

    def rendered_log(self) -> str:
        """The log so far, a line an event."""
        begin = datetime(1970, 1, 1, tzinfo=UTC)
        return "\n".join(
            f"  {begin + timedelta(seconds=at):%d %H:%M:%S.%f}"[:-4] + "  " + " ".join(map(str, words))
            for at, words in self.log
        )

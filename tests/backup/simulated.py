"""A site in a few lines: VMs, their snapshots, a filer's volumes, and a ledger of every step that reached them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from snapall.backup.context import RunContext
from snapall.backup.facts import FORMAT, Began, Fact, Failed, Warned
from snapall.backup.holder import NO_PROCESSES, Processes
from snapall.backup.journal import Journal
from snapall.backup.model import FilerSnapshot, Job, Pace, Survey, Vm, VmSnapshot, chain_names
from snapall.backup.outcome import Report
from snapall.backup.record import Record, What
from snapall.backup.recover import Recovery
from snapall.backup.run import BackupRun
from snapall.backup.runstate import RunState
from snapall.backup.state import fold
from snapall.backup.steps import Capture, Child, Delete, Done, Outcome, Quiesce, Refusal, Release, Rename, Step, Unknown
from snapall.backup.store import JournalStore
from snapall.errors import Exit, SiteError

CHAIN = chain_names("vmware", 4)
JOB = Job("vol1", "filer1", ("v",), (688,), CHAIN)
PACE = Pace(parallel=2, create_timeout=5, settle=60, filer_timeout=5)
START = datetime(2007, 3, 22, 3, 0, tzinfo=UTC)

Act = Callable[[Step], Outcome]
Fault = Callable[[Step, Act], Outcome]
"""What stands between a step and the world: it may act, or not, and answers what it likes."""


class Killed(BaseException):
    """The process dies here, and nothing of it cleans up."""


class SimulatedClock:
    """A clock that only moves when it is waited on, or pushed."""

    def __init__(self) -> None:
        self.moment = START
        self.seconds = 0.0
        self.due: list[tuple[float, Callable[[], object]]] = []

    def utc(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.seconds

    def push(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)
        self.seconds += seconds
        now = [act for at, act in self.due if at <= self.seconds]
        self.due = [(at, act) for at, act in self.due if at > self.seconds]
        for act in now:
            act()

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        """Let something happen when so much time has passed."""
        self.due.append((self.seconds + seconds, act))

    def wait(self, seconds: float, until: Callable[[], bool]) -> None:
        if not until():
            self.push(seconds)


@dataclass
class SimulatedSite:
    """The world. `faults` are asked in turn; the first that answers for a step is used up, unless it is `always`."""

    clock: SimulatedClock
    vms: list[Vm] = field(
        default_factory=lambda: [Vm(108, "web01", "esx1"), Vm(110, "sql01", "esx1"), Vm(1226, "app01", "esx2")]
    )
    volumes: dict[str, list[FilerSnapshot]] = field(default_factory=dict)
    kept_files: list[VmSnapshot] = field(default_factory=list)  # of VMs that were unregistered
    rows: list[VmSnapshot] = field(default_factory=list)
    ledger: list[Step] = field(default_factory=list)  # what really happened, in order
    asked: list[Step] = field(default_factory=list)  # what was sent
    quiesced_at: dict[str, set[int]] = field(default_factory=dict)  # capture -> VMs quiesced at it
    vcenter: str = "vc01"
    filer: str = "filer1"
    database_down: bool = False
    filer_down: bool = False
    children: set[int] = field(default_factory=set)
    faults: list[tuple[Callable[[Step], bool], Fault]] = field(default_factory=list)
    after: Callable[[Step], None] = lambda step: None
    on_listing: Callable[[], None] = lambda: None
    on_look: Callable[[], None] = lambda: None
    on_preconnect: Callable[[], None] = lambda: None
    unregistered: set[int] = field(default_factory=set)  # VMs whose moref VirtualCenter does not know any more
    empty: tuple[int, ...] = ()  # datastores without a VM
    disproved: list[AssertionError] = field(default_factory=list)  # of faults: a run takes them for a defect, goes on
    unlisted: set[str] = field(default_factory=set)  # ids that the database, which lags, does not show
    _next: int = 1228
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def fail(self, when: Callable[[Step], bool], how: Fault) -> None:
        self.faults.append((when, how))

    def survey(self) -> Survey:
        vms = tuple(vm for vm in self.vms if vm.id not in self.unregistered)
        return Survey(
            vms,
            self.vm_snapshots([vm.id for vm in vms]),
            {v: self.listing(v) for v in self.volumes},
            "NetApp Release 7.0.2",
            empty=self.empty,
        )

    def perform(self, step: Step, on_start: Callable[[Child], None]) -> Outcome:
        with self._lock:
            self.asked.append(step)
            fault = next((one for one in self.faults if one[0](step)), None)
        pid = 4000 + len(self.asked)
        if isinstance(step, Quiesce | Release):
            self.children.add(pid)
            on_start(Child(pid, 1.0))
        try:
            outcome = self._act(step) if fault is None else fault[1](step, self._act)
            self.children.discard(pid)
            self.after(step)
        except AssertionError as error:
            self.disproved.append(error)
            raise
        return outcome

    def _act(self, step: Step) -> Outcome:
        with self._lock:
            outcome = self._change(step)
            if isinstance(outcome, Done):
                self.ledger.append(step)
            return outcome

    def _change(self, step: Step) -> Outcome:
        match step:
            case Quiesce(vm) | Release(vm) if vm.id in self.unregistered:
                return Unknown(f"'vim.VirtualMachine:{vm.moref}' has already been deleted", failed=True)
            case Quiesce(vm, name):
                ssid = f"snapshot-{self._next}"
                self._next += 1
                self.rows.append(VmSnapshot(ssid, vm.id, name, self.clock.utc()))
                return Done(f"SsId:{ssid}", ssid)
            case Release(vm, ssid):
                left = [row for row in self.rows if (row.vm, row.ssid) != (vm.id, ssid)]
                already = len(left) == len(self.rows)
                self.rows = left
                return Done(already=already)
            case Capture(volume, name):
                if any(row.name == name for row in self.volumes[volume]):
                    return Unknown("Snapshot already exists.", "Snapshot already exists.", failed=True)
                self.volumes[volume].insert(0, FilerSnapshot(name, f"born {name} {len(self.ledger)}"))
                self.quiesced_at[name] = {row.vm for row in self.rows}
                return Done("creating snapshot...")
            case Rename(volume, old, new):
                names = {row.name for row in self.volumes[volume]}
                if old not in names or new in names:
                    return Unknown("No such snapshot.", "No such snapshot.", failed=True)
                self.volumes[volume] = [replace(r, name=new) if r.name == old else r for r in self.volumes[volume]]
                return Done()
            case Delete(volume, name):
                self.volumes[volume] = [row for row in self.volumes[volume] if row.name != name]
                return Done("deleting snapshot...")

    def preconnect(self) -> None:
        self.on_preconnect()

    def listing(self, volume: str) -> tuple[FilerSnapshot, ...]:
        self.on_listing()
        if self.filer_down:
            raise SiteError("filer1 does not answer", "see its network")
        with self._lock:
            return tuple(self.volumes[volume])

    def vm_snapshots(self, vms: Sequence[int], ssids: Sequence[str] = ()) -> tuple[VmSnapshot, ...]:
        self.on_look()
        if self.database_down:
            raise SiteError("the database does not answer", "see its service")
        with self._lock:
            listed = [row for row in self.rows if row.ssid not in self.unlisted]
            return tuple(row for row in listed if row.vm in vms or row.ssid in ssids)

    def registered(self, vms: Sequence[int]) -> dict[int, str | None]:
        if self.database_down:
            raise SiteError("the database does not answer", "see its service")
        return {vm.id: vm.host for vm in self.vms if vm.id in vms and vm.id not in self.unregistered}

    def unregister(self, vm: int) -> None:
        """It goes from the database with the rows of its snapshots, which stay among its files."""
        self.unregistered.add(vm)
        self.kept_files += [row for row in self.rows if row.vm == vm]
        self.rows = [row for row in self.rows if row.vm != vm]

    def move(self, vm: int, host: str) -> None:
        self.vms = [replace(one, host=host) if one.id == vm else one for one in self.vms]

    def command(self, step: Step) -> str:
        return str(step)

    def alive(self, child: Child) -> bool:
        return child.pid in self.children


@dataclass
class Stage:
    """A simulated site with its state folder, ready for runs."""

    state: Path
    job: Job = JOB
    pace: Pace = PACE
    clock: SimulatedClock = field(default_factory=SimulatedClock)
    heard: list[What] = field(default_factory=list)
    stop: bool = False
    processes: Processes = NO_PROCESSES
    deadly: Callable[[What], bool] = lambda what: False  # the process dies once such a record is written

    def __post_init__(self) -> None:
        self.site = SimulatedSite(self.clock)
        for volume in self.job.volumes:
            self.site.volumes[volume] = [FilerSnapshot(name, f"old {name}") for name in self.job.chain]

    def hear(self, record: Record) -> None:
        self.heard.append(record.what)

    @property
    def context(self) -> RunContext:
        return RunContext(self.site, self.clock, self.hear, self._stopped)

    def _stopped(self) -> bool:
        if any(map(self.deadly, self.heard)):
            raise Killed
        return self.stop

    @property
    def store(self) -> JournalStore:
        return JournalStore(self.state, self.clock, self.processes)

    def begun(self, *facts: Fact, job: Job | None = None, stamp: str = "20070322T030000Z") -> Journal:
        """The journal of a run that died after these facts."""
        header = Began(job or self.job, stamp, "vc01", "filer1", self.pace, "0.1.0", format=FORMAT)
        journal = self.store.begin(header)
        for fact in facts:
            journal.append([fact])
        journal.leave()
        return self.store.open(journal.path)

    def state_of(self, journal: Journal) -> RunState:
        """What is outstanding of a run, by its file alone."""
        return fold(self.store.open(journal.path).records)

    def night(self, keep: str = "") -> Report:
        self.clock.push(86400)
        report = BackupRun(self.job, self.pace, self.context, self.store, keep, token="").run()
        assert self.site.disproved == []
        return report

    def killed(self, work: Callable[[], object], deadly: Callable[[What], bool]) -> None:
        """Work whose process dies as soon as such a record is written."""
        self.heard.clear()
        self.deadly = deadly
        with suppress(Killed):
            work()
            raise AssertionError("it was not killed")
        self.deadly = lambda what: False

    def recover(self, *, wait: bool = True, jobs: list[Job] | None = None) -> Exit:
        context = self.context
        return Recovery(self.store, lambda _: context, context.publish, context.stopped, wait).recover(
            jobs or [self.job]
        )

    @property
    def failures(self) -> list[str]:
        return [what.text for what in self.heard if isinstance(what, Failed)]

    @property
    def warnings(self) -> str:
        return " ".join(f"{what.text}: {what.hint}" for what in self.heard if isinstance(what, Warned))

    def names(self, volume: str = "v") -> list[str]:
        return [row.name for row in self.site.volumes[volume]]

    def dates(self, volume: str = "v") -> dict[str, str]:
        return {row.name: row.date for row in self.site.volumes[volume]}


def quiesce_of(*vms: int) -> Callable[[Step], bool]:
    return lambda step: isinstance(step, Quiesce) and (not vms or step.vm.id in vms)


def release_of(*vms: int) -> Callable[[Step], bool]:
    return lambda step: isinstance(step, Release) and (not vms or step.vm.id in vms)


def capture_of(volume: str = "") -> Callable[[Step], bool]:
    return lambda step: isinstance(step, Capture) and volume in ("", step.volume)


def refuse(why: str) -> Fault:
    """Nothing is sent."""
    return lambda _step, _act: Refusal(why)


def deny(why: str) -> Fault:
    """It is sent, and answered with an error; nothing happens."""
    return lambda _step, _act: Unknown(why, why, failed=True)


def lose(step: Step, act: Act) -> Outcome:
    """Nothing happens, and nothing is answered."""
    return Unknown("no answer")


def act_unanswered(step: Step, act: Act) -> Outcome:
    """It happens, but the answer is lost."""
    act(step)
    return Unknown("no answer")


def act_after(clock: SimulatedClock, seconds: float) -> Fault:
    """No answer comes, and it happens some time later."""

    def late(step: Step, act: Act) -> Outcome:
        clock.later(seconds, lambda: act(step))
        return Unknown("no answer")

    return late


def busy(step: Step, act: Act) -> Outcome:
    """Another task runs on the VM."""
    return Unknown("Operation failed since another task is in progress", failed=True, busy=True)


def once(fault: Fault) -> Fault:
    """The fault strikes the first time only."""
    struck: list[Step] = []

    def strike(step: Step, act: Act) -> Outcome:
        if struck:
            return act(step)
        struck.append(step)
        return fault(step, act)

    return strike

"""The commands that use a backup, as their own code performs them on the lab's world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from snapall.app.opening import shared_volumes
from snapall.app.replicate import Replicator
from snapall.app.use_look import UseRequest, prepare
from snapall.app.verify import choose
from snapall.backup.clock import Clock
from snapall.backup.facts import Warned
from snapall.backup.model import Job
from snapall.backup.record import What
from snapall.backup.store import JournalStore
from snapall.config.settings import Config, Filer
from snapall.errors import Exit, SnapallError, worst
from snapall.lab.world import World
from snapall.restore import uses
from snapall.restore.disk.read import report_of
from snapall.restore.journal import RecordedUse, UseStore
from snapall.restore.luns.client import Luns
from snapall.restore.night import meet
from snapall.restore.proof.clones import VerifyMount
from snapall.restore.proof.device import LunReading, MappedLun
from snapall.restore.proof.file import ProofFile
from snapall.restore.proof.proofs import Readability
from snapall.restore.proof.verify import Verification
from snapall.restore.record import UseRecord
from snapall.restore.uses import UseContext
from snapall.site.filer import FilerReply
from tests.year.in_process import FilerConnection, RunningWorld


class TouchingConnection(FilerConnection):
    """A connection whose every command touches the world before and after it: there its owner may be killed."""

    def __init__(self, settings: Filer, running_world: RunningWorld) -> None:
        super().__init__(settings, running_world)
        self._touch = running_world.touch

    def run(self, command: str) -> FilerReply:
        self._touch()
        reply = super().run(command)
        self._touch()
        return reply


@dataclass(frozen=True)
class Reader:
    """Reads the lab's devices in this process."""

    world: World
    way: str = "signatures"

    def read(self, one: MappedLun) -> LunReading:
        report = report_of(str(self.world.directory / "devices" / one.serial), one.size)
        if "error" in report:
            return LunReading(Readability.UNREAD, (str(report["error"]),))
        return LunReading(Readability.READABLE if report["readable"] else Readability.DAMAGED)


@dataclass(frozen=True)
class UseCommands:
    """The uses of one command."""

    settings: Config
    job: Job
    world: World
    running_world: RunningWorld
    store: JournalStore
    clock: Clock
    publish: Callable[[What], None]
    stopped: Callable[[], bool]

    def perform(self, request: UseRequest) -> Exit:
        """`mount` or `restore --yes`."""
        context = self._context()
        with context.alone("restore" if request.way else "mount"):
            ready = prepare(self.settings, self.job, request, self.store.stamp(), self._luns())
            ready.require(force=request.force)
            return uses.begin(context, ready.header)[1]

    def unmount(self, ids: tuple[str, ...]) -> Exit:
        """`unmount ID ...`."""
        codes = []
        for one in UseStore(self.store).mounts():
            if one.state.header.stamp in ids and not one.open:
                context = self._context(one.state.header.volumes)
                with context.alone("unmount"):
                    codes.append(uses.unmount(context, one))
        return worst(*codes)

    def recover(self, *, wait: bool) -> Exit:
        """What `recover` does after the runs: replications, and uses that died half-way."""
        codes = [self.replicator().settle([self.job.name], wait=wait)]
        for use in UseStore(self.store).uses(only_open=True):
            codes.append(self._recovered(use, wait=wait))
        return worst(*codes)

    def _recovered(self, use: RecordedUse, *, wait: bool) -> Exit:
        try:
            return uses.settle(self._context(use.state.header.volumes), use, wait=wait) or Exit.OK
        except SnapallError as error:
            self.publish(Warned(*error.parts))
            return Exit.FAILED

    def verify(self) -> Exit:
        """`verify`."""
        choice = choose(self.settings, self.job, luns=self._luns())
        context, filer = self._context(), self.settings.filers[self.job.filer]
        known = self.store.known
        mount = VerifyMount(
            self.job,
            choice.table.igroup,
            self._luns(),
            lambda: [one for one in known(self.job.name) if one.run == choice.backup.run],
            context.store,
            filer.host,
            self.settings.vcenter.host,
            filer.timeout,
            self.stopped,
            self._show,
        )
        log = ProofFile(self.settings.state, self.job.name)
        locked = lambda: context.store.locked(context.shared.jobs, "verification", self.stopped, self._warn)  # noqa: E731
        work = Verification(choice.backup, mount, Reader(self.world), self.clock, log.append, self.stopped, locked)
        proofs = work.run(choice.targets)
        return worst(*(Exit.OK if one.found is Readability.READABLE else Exit.FAILED for one in proofs))

    def before_run(self, _stamp: str) -> None:
        """What uses of backups mean for a run."""
        store = UseStore(self.store)
        meet(store, self._luns(), self.job, self.settings.filers[self.job.filer].host, self._warn)
        store.prune(self.job.name, self.settings.keep_journals)

    def replicator(self) -> Replicator:
        """Sends backups on."""
        return Replicator(self.settings, self.clock, self.publish, self.stopped, self._connect)

    def _connect(self, filer: Filer) -> FilerConnection:
        return TouchingConnection(filer, self.running_world)

    def _luns(self) -> Luns:
        filer = self.settings.filers[self.job.filer]
        return Luns(self._connect(filer.for_restore), filer.name, filer.host)

    def _context(self, volumes: tuple[str, ...] = ()) -> UseContext:
        host = self.settings.filers[self.job.filer].host
        shared = shared_volumes(self.settings, host, volumes or self.job.volumes, self.job.name)
        return UseContext(shared, self._luns(), UseStore(self.store), self.clock, self.stopped, self._warn, self._show)

    def _show(self, record: UseRecord) -> None:
        if record.message is not None:
            self.publish(record.message)

    def _warn(self, *parts: str) -> None:
        self.publish(Warned(*parts))

"""The outside world: the systems of a site as one job sees them, opened from the configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from snapall.backup.model import FilerSnapshot, Job, Survey, Vm, VmSnapshot
from snapall.backup.plan import AskVersion, FindVms, FindVmSnapshots, ListVolume, Look
from snapall.backup.steps import Capture, Child, Delete, Outcome, Quiesce, Release, Rename, Step
from snapall.errors import Refused, SiteError
from snapall.site.excerpt import one_line

if TYPE_CHECKING:
    from snapall.config.settings import Config, Filer
    from snapall.site.answers import Share
    from snapall.site.filer import FilerSystem, Transport
    from snapall.site.vcb import Programs
    from snapall.site.virtualcenter import VirtualCenter


class OpenSite:
    """VirtualCenter's database, vcbsnapshot and the job's filer. Nothing is contacted before the first question.

    `filer` may be missing: a run of a job that is no longer configured can still release its VMs. Another way to the
    filer and other programs than the configured ones make a site without sockets and processes.
    """

    def __init__(
        self,
        job: Job,
        settings: Config,
        transport: Callable[[Filer], Transport] | None = None,
        programs: Programs | None = None,
    ) -> None:
        from snapall.site.vcb import Vcb, vcb_of  # noqa: PLC0415 - psutil and subprocess are for those who need them

        self.job = job
        self.vcenter = settings.vcenter.host
        filer = settings.filers.get(job.filer)
        self.filer = filer.host if filer is not None else job.filer
        self._virtualcenter: VirtualCenter | None = None
        self._settings = settings
        self._vcb = vcb_of(settings) if programs is None else Vcb(settings.vcenter, programs)
        self._transport: Transport | None = None
        self._filer: FilerSystem | None = None
        if filer is not None:
            from snapall.site.filer import FilerSystem  # noqa: PLC0415 - its transports load what they need

            self._transport = (transport or transport_to)(filer)
            self._filer = FilerSystem(self._transport, filer.name, filer.host)

    def prepare(self) -> None:
        """Load now what the database needs, so that no file that vanishes meanwhile is missed. The keys are read."""
        with suppress(SiteError):  # what is not there is told when it is needed
            self._database().prepare()

    def survey(self) -> Survey:
        """Read all that a plan needs. SiteError: a system does not answer. Refused: it is not fit for a backup."""
        from snapall.site import process  # noqa: PLC0415 - psutil
        from snapall.site.datastores import home_of  # noqa: PLC0415 - for a survey alone
        from snapall.site.neededhosts import needed_hosts  # noqa: PLC0415 - as above
        from snapall.site.version import require_7mode  # noqa: PLC0415 - with the transport's library

        database = self._database()
        stores = database.datastore_ids(self.job.datastores)
        found = database.vms(stores, self.job.query, allow_empty=self.job.allow_empty)
        if self.job.policies.need_names and not found.names_readable:
            raise Refused(
                f"job {self.job.name}: `vms` uses names, and the login may not read VPX_ENTITY",
                "grant SELECT on VPX_ENTITY, or write morefs such as vm-611 in `vms`",
                "SA-2005",
            )
        rows = database.snapshots([vm.id for vm in found.vms])
        filer = self._reached()
        version = filer.version()
        require_7mode(version, self.job.filer)
        self._require_writable()
        listings = {volume: filer.listing(volume) for volume in self.job.volumes}
        empty = tuple(one for one in stores if one not in found.datastores)
        home = home_of(self.job, stores, self._settings.jobs.values(), found.where.names)
        needed = needed_hosts(self._settings, database.host, process.own_addresses())
        where = replace(found.where, home=home, needed=needed)
        return Survey(found.vms, rows, listings, version, empty, self._notes(found.vms), where, found.beside)

    def _require_writable(self) -> None:
        """Before the lists: of a volume that is offline `vol status` says so. A role of `cli-snap*` may not ask it."""
        from snapall.site.volumes import Volumes  # noqa: PLC0415 - with the transport's library

        assert self._transport is not None  # noqa: S101 - the filer was reached
        volumes = Volumes(self._transport, self.job.filer)
        for volume in self.job.volumes:
            with suppress(SiteError):
                volumes.require_writable(volume)

    def _notes(self, vms: Sequence[Vm]) -> tuple[tuple[str, str, str], ...]:
        """What deserves a warning before a run begins: text, remedy, code of each."""
        found = [*self._reached().notes, *getattr(self._transport, "notes", ())]
        if vms:
            try:
                self._vcb.program()
            except SiteError as error:
                found.append(error.parts)
        return tuple(found)

    def perform(self, step: Step, on_start: Callable[[Child], None]) -> Outcome:
        """Send one changing command."""
        match step:
            case Quiesce() | Release():
                return self._vcb.perform(step, on_start)
            case Capture() | Rename() | Delete():
                return self._reached().perform(step)

    def preconnect(self) -> None:
        """Open the way to the filer ahead of the next command; nothing is asked there."""
        self._reached().preconnect()

    def listing(self, volume: str) -> tuple[FilerSnapshot, ...]:
        """`snap list` of the volume, newest first. SiteError: it cannot be read."""
        return self._reached().listing(volume)

    def listing_with_shares(self, volume: str) -> tuple[tuple[FilerSnapshot, ...], Mapping[str, Share]]:
        """The same, with what it says of each snapshot's space, by name."""
        return self._reached().listing_with_shares(volume)

    def vm_snapshots(self, vms: Sequence[int], ssids: Sequence[str] = ()) -> tuple[VmSnapshot, ...]:
        """The rows of VPX_SNAPSHOT of these VMs, and those of these ids. SiteError: the database cannot be asked."""
        return self._database().snapshots(vms, ssids)

    def registered(self, vms: Sequence[int]) -> Mapping[int, str | None]:
        """Those of these VMs that VPX_VM lists, each with its host. SiteError: the database cannot be asked."""
        return self._database().registered(vms)

    def command(self, step: Step | Look) -> str:
        """A step or a look as a person would type it, passwords masked."""
        match step:
            case Quiesce() | Release():
                return self._vcb.command(step)
            case Capture() | Rename() | Delete() | ListVolume() | AskVersion():
                return self._reached().command_line(step)
            case FindVms(datastores, query):
                stores = f"query VPX_VM for the VMs of datastore {', '.join(map(str, datastores))}"
                return " and ".join([*([stores] if datastores else []), *([f"ask {one_line(query)}"] if query else [])])
            case FindVmSnapshots(vms):
                return f"query VPX_SNAPSHOT for {vms[0].moref if len(vms) == 1 else f'{len(vms)} VMs'}"

    def alive(self, child: Child) -> bool:
        """Whether a vcbsnapshot that a run started still runs."""
        return self._vcb.alive(child)

    def _database(self) -> VirtualCenter:
        """One for the whole run: the first connect to a SQL Server takes a second, and the owner is found once."""
        if self._virtualcenter is None:
            from snapall.site.virtualcenter import VirtualCenter  # noqa: PLC0415 - sqlalchemy

            self._virtualcenter = VirtualCenter(self._settings.database)
        return self._virtualcenter

    def _reached(self) -> FilerSystem:
        if self._filer is None:
            raise SiteError(
                f"the filer of job {self.job.name}, {self.job.filer or 'unknown'}, is not in the configuration",
                f"put [filers.{self.job.filer or 'NAME'}] back into the configuration, then run `snapall recover`",
                "SA-4001",
            )
        return self._filer


def transport_to(settings: Filer) -> Transport:
    """The configured way to a filer; it is not contacted yet."""
    match settings.transport:
        case "ssh":
            from snapall.site.ssh import Ssh  # noqa: PLC0415 - paramiko

            return Ssh(settings)
        case "rsh":
            from snapall.site.rsh import Rsh  # noqa: PLC0415 - only for whom rsh is configured

            return Rsh(settings)

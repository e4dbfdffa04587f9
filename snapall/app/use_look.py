"""What `mount` and `restore` would do: looks at the site, plans, and names what stands against it."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from snapall import __version__
from snapall.app.opening import store_of
from snapall.app.use_relations import with_relations
from snapall.backup.model import Job, Vm, VmSnapshot, stamp_of
from snapall.config.settings import Config, Filer
from snapall.errors import ConfigError, JournalError, Refused, SiteError, combined
from snapall.restore import plan
from snapall.restore.belongs import guesses, others_than, owners
from snapall.restore.book.shelf import Bookshelf
from snapall.restore.checks import Asked, Objection, notes, objections
from snapall.restore.journal import UseStore
from snapall.restore.luns.client import Luns
from snapall.restore.model import Igroup, LunView
from snapall.restore.record import PlannedStep, Source, UseBegan, UseKind
from snapall.site import transport_to
from snapall.site.virtualcenter import VirtualCenter

_SIGNS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class UseRequest:
    """What the operator asks for. `way`: file, swap or volume; "" a mount."""

    snapshot: str
    vms: tuple[str, ...] = ()
    luns: tuple[str, ...] = ()
    way: str = ""
    igroup: str = ""
    purpose: str = ""
    until: str = ""
    split: bool = False
    whole: bool = False  # the volumes of the job
    force: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """What would be done, and what stands against it."""

    header: UseBegan
    luns: Luns
    against: tuple[Objection, ...]
    notes: tuple[Objection, ...]

    @property
    def commands(self) -> tuple[tuple[str, PlannedStep], ...]:
        """The steps with their commands."""
        return tuple((self.luns.command_line(one.step), one) for one in self.header.plan)

    def require(self, *, force: bool) -> tuple[Objection, ...]:
        """The objections that `force` overrides. Refused: something else stands against it."""
        found = [one for one in self.against if not (force and one.force)]
        if found:
            raise combined([Refused(one.text, one.remedy, one.code) for one in found])
        return self.against


def luns_of(settings: Config, job: Job) -> Luns:
    """Open the LUNs of a job's filer; nothing is contacted yet."""
    return luns_on(settings.filers[job.filer])


def luns_on(filer: Filer) -> Luns:
    """Open the LUNs of a filer; nothing is contacted yet."""
    return Luns(transport_to(filer.for_restore), filer.name, filer.host)


def prepare(settings: Config, job: Job, request: UseRequest, stamp: str = "", luns: Luns | None = None) -> Prepared:
    """Look at everything that a mount or a restore needs, and plan it. SiteError. Refused. ConfigError.

    `luns`: those of the job's filer, by another way than the configured one.
    """
    luns = luns or luns_of(settings, job)
    volumes = tuple(dict.fromkeys(one.split("/")[2] for one in request.luns)) or job.volumes
    _require_volumes(job, volumes)
    views = {volume: luns.view(volume) for volume in volumes}
    (vms, others), given = _vms(settings, job, request), settings.job_tables[job.name].luns
    of = owners([path for view in views.values() for path in view.luns], vms, given, others)
    paths = () if request.whole else _chosen(request, vms, of)
    users = _users(of.values() if request.whole else map(of.get, paths), vms if request.whole else ())
    used = {path.split("/")[2] for path in paths} if paths else set(volumes)
    views = {volume: view for volume, view in views.items() if volume in used}
    sources = tuple(_source(settings, job, request.snapshot, view) for view in views.values())
    asked = _asked(settings, job, request, views, paths, users)
    asked = replace(asked, igroup=_igroup(luns, request.igroup), then=_then(settings, job, request.snapshot))
    asked = replace(asked, owners=of, guessed=guesses(of, given, vms, others))
    asked = with_relations(asked, settings.filers[job.filer])
    stamp = stamp or stamp_of(store_of(settings).clock.utc())
    header = UseBegan(
        kind=UseKind.RESTORE if request.way else UseKind.MOUNT,
        job=job.name,
        filer=settings.filers[job.filer].host,
        vcenter=settings.vcenter.host,
        stamp=stamp,
        snapshot=request.snapshot,
        sources=sources,
        plan=_plan(request, asked, stamp),
        version=__version__,
        way=request.way,
        vms=tuple(vm.label for vm in users),
        igroup=request.igroup,
        purpose=request.purpose,
        until=request.until,
        vm_snapshot=_vm_snapshot(settings, job, request.snapshot),
        filer_timeout=settings.filers[job.filer].timeout,
    )
    return Prepared(header, luns, objections(asked), notes(asked))


def _require_volumes(job: Job, volumes: Sequence[str]) -> None:
    if foreign := [one for one in volumes if one not in job.volumes]:
        raise ConfigError(
            f"job {job.name} does not back up volume {', '.join(foreign)}",
            f"its volumes are {', '.join(job.volumes)}",
            "SA-1731",
        )


def _source(settings: Config, job: Job, snapshot: str, view: LunView) -> Source:
    """The snapshot on a volume, which must be a backup of the job. Refused: it is not there, or is none."""
    row = next((one for one in view.snapshots if one.name == snapshot), None)
    if row is None:
        raise Refused(
            f"volume {view.volume} has no snapshot {snapshot}",
            "run `snapall list` for the names",
            "SA-1732",
        )
    known = store_of(settings).known(job.name)
    ours = any((one.volume, one.name, one.date) == (view.volume, row.name, row.date) for one in known)
    if not ours and snapshot not in job.chain:
        raise Refused(
            f"{snapshot} on {view.volume}, dated {row.date}, is no backup of job {job.name}",
            "choose one that `snapall list` shows with a grade",
            "SA-1733",
        )
    return Source(view.volume, row.date)


def _vms(settings: Config, job: Job, request: UseRequest) -> tuple[tuple[Vm, ...], tuple[Vm, ...]]:
    """The job's VMs, and all others of VirtualCenter, whose LUNs may be called like those of the job's.

    A mount goes on without the database: the names that were given are enough.
    """
    vc = VirtualCenter(settings.database)
    try:
        mine = vc.vms(vc.datastore_ids(job.datastores), job.query, allow_empty=True).vms
        return mine, others_than(mine, vc.everyone())
    except SiteError:
        if request.way:
            raise
        return tuple(Vm(-n, name) for n, name in enumerate(request.vms, 1)), ()


def _users(of: Iterable[Vm | None], vms: Sequence[Vm]) -> tuple[Vm, ...]:
    return tuple({vm.id: vm for vm in (*vms, *of) if vm is not None}.values())


def _chosen(request: UseRequest, vms: Sequence[Vm], of: Mapping[str, Vm | None]) -> tuple[str, ...]:
    """The LUNs that were asked for."""
    paths = list(request.luns)
    for name in request.vms:
        wanted = [vm for vm in vms if name.lower() in {vm.moref, (vm.name or "").lower()}]
        mine = [path for path, vm in of.items() if vm in wanted]
        if not mine:
            raise ConfigError(
                f"no LUN is known to belong to VM {name}",
                f'name it with --lun, or write it into the job: luns = {{ "{name}" = ["/vol/V/LUN"] }}',
                "SA-1734",
            )
        paths += mine
    return tuple(dict.fromkeys(paths))


def _asked(
    settings: Config,
    job: Job,
    request: UseRequest,
    views: Mapping[str, LunView],
    paths: tuple[str, ...],
    vms: tuple[Vm, ...],
) -> Asked:
    on: Mapping[int, bool | None] = {}
    rows: tuple[VmSnapshot, ...] = ()
    if request.way and vms:
        vc, ids = VirtualCenter(settings.database), [vm.id for vm in vms]
        on, rows = vc.running(ids), vc.snapshots(ids)
    host = settings.filers[job.filer].host
    headers = (one.state.header for one in UseStore(store_of(settings)).mounts())
    mounts = [one for one in headers if one.touches(host, views)]
    return Asked(request.way, request.snapshot, paths, views, vms, on, rows, mounts)


def _igroup(luns: Luns, name: str) -> Igroup | None:
    if not name:
        return None
    groups = luns.igroups()
    found = next((one for one in groups if one.name == name), None)
    if found is None:
        raise Refused(
            f"the filer has no initiator group {name}", f"it has {', '.join(one.name for one in groups)}", "SA-1735"
        )
    return found


def _then(settings: Config, job: Job, snapshot: str) -> frozenset[str] | None:
    """The LUNs that were there at the backup, by what its run-book keeps."""
    run = _run_of(settings, job, snapshot)
    facts = Bookshelf(settings.state).facts(job.name, run) if run else None
    if facts is None or facts.late:
        return None
    return frozenset(one.path for volume in facts.volumes for one in volume.luns)


def _run_of(settings: Config, job: Job, snapshot: str) -> str:
    """The stamp of the run that made the backup; "" unknown."""
    return next((one.run for one in store_of(settings).known(job.name) if one.name == snapshot), "")


def _vm_snapshot(settings: Config, job: Job, snapshot: str) -> str:
    """What that run called its VM snapshots, whatever the configuration says now; "" unknown."""
    store, run = store_of(settings), _run_of(settings, job, snapshot)
    if not run:
        return ""
    try:
        header = store.read(store.path(job.name, run)).header
    except JournalError:
        return ""
    return header.job.vm_snapshot_of(header.mark)


def _plan(request: UseRequest, asked: Asked, stamp: str) -> tuple[PlannedStep, ...]:
    if any(not one.force for one in objections(asked)):
        return ()
    serials = new_serials()
    match request.way:
        case "volume":
            return tuple(step for volume in asked.views for step in plan.by_volume(volume, request.snapshot))
        case "file":
            return plan.by_file(asked.luns, request.snapshot)
        case "swap":
            return plan.by_swap(asked.luns, request.snapshot, stamp, asked.views, serials)
        case _:
            return plan.mount(
                asked.luns, request.snapshot, request.igroup, stamp, asked.views, serials, split=request.split
            )


def new_serials() -> Iterator[str]:
    """Serials that no LUN has: twelve random letters and digits, which every release takes."""
    while True:
        yield "".join(secrets.choice(_SIGNS) for _ in range(12))

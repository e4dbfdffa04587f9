"""The vmx copies of a job: taken after a backup, and checked by `doctor`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from snapall.app.opening import store_of
from snapall.backup.facts import Failed
from snapall.backup.model import Job, Vm
from snapall.backup.outcome import Origin, Report
from snapall.backup.record import What
from snapall.config.settings import Config
from snapall.errors import Exit, SnapallError
from snapall.operate.doctor.checklist import Checklist, CheckOutcome
from snapall.restore.vmx.copy import GRANT, VmxCopy
from snapall.restore.vmx.generations import Generations
from snapall.restore.vmx.names import path_of
from snapall.site import OpenSite

if TYPE_CHECKING:
    from snapall.restore.vmx.console import Console
    from snapall.restore.vmx.copy import Trouble
    from snapall.site.virtualcenter import VirtualCenter

_SOME = 5


def copy_vmx(
    settings: Config, job: Job, report: Report | None, publish: Callable[[What], None], stopped: Callable[[], bool]
) -> Exit:
    """Copy the vmx files of the VMs in the report of a backup; PARTIAL if a copy is missing, and each VM is named."""
    vmx = settings.vmx.get(job.name)
    if vmx is None or report is None or not report.name:
        return Exit.OK
    generations = Generations(vmx.folder, job.name)
    try:
        code = _copy(settings, job, report, generations, publish, stopped)
        _tidy(settings, job, generations, report.stamp)
    except OSError as error:
        text = f"the vmx copies in {generations.folder} cannot be written: {error.strerror}"
        publish(Failed(text, "free some space on its disk, and check its permissions", "SA-1856"))
    except SnapallError as error:
        publish(Failed(*error.parts))
    else:
        return code
    return Exit.PARTIAL


def _copy(
    settings: Config,
    job: Job,
    report: Report,
    generations: Generations,
    publish: Callable[[What], None],
    stopped: Callable[[], bool],
) -> Exit:
    from snapall.site.virtualcenter import VirtualCenter  # noqa: PLC0415 - sqlalchemy

    run, look_up = report.stamp, VirtualCenter(settings.database).vmx_places
    copy = VmxCopy(generations.begin(run), lambda host: _console(settings, job, host), look_up, stopped)
    try:
        copies = copy.run([one.vm for one in report.verdicts])
        taken = frozenset((one.volume, one.date) for one in _origins(settings, job) if one.run == run)
        generations.finish(run, copies, taken)
    except BaseException:
        generations.abandon(run)
        raise
    for note in copy.notes:
        publish(note)
    for failure in _grouped({one.vm.label: copy.troubles[one.vm.id] for one in copies if not one.whole}):
        publish(failure)
    return Exit.PARTIAL if copy.troubles else Exit.OK


def _grouped(troubles: Mapping[str, Trouble]) -> Iterator[Failed]:
    """One message for each cause, with the VMs that it concerns."""
    for trouble in dict.fromkeys(troubles.values()):
        names = [label for label, one in troubles.items() if one == trouble]
        text, remedy, code = trouble
        yield Failed(f"the vmx files of {', '.join(names)} were not all copied: {text}", remedy, code)


def _origins(settings: Config, job: Job) -> tuple[Origin, ...]:
    return store_of(settings).known(job.name)


def _tidy(settings: Config, job: Job, generations: Generations, run: str) -> None:
    """Delete the generations whose backup the filer no longer lists, and write the index. SiteError: no list."""
    site = OpenSite(job, settings)
    rows = [(volume, row.name, row.date) for volume in job.volumes for row in site.listing(volume)]
    known = {(one.volume, one.name, one.date): one.run for one in _origins(settings, job)}
    names: dict[str, list[str]] = {}
    for row in rows:
        if row in known:
            names.setdefault(known[row], []).append("{1} on {0}, {2}".format(*row))
    # Those that no journal knows go by their dates: a lost journal must cost no copy.
    dates = {(volume, date) for volume, name, date in rows if (volume, name, date) not in known}
    generations.prune(lambda one: one.run in names or bool(one.taken & dates), run)
    generations.write_index(names)


@contextmanager
def _console(settings: Config, job: Job, host: str) -> Iterator[Console]:
    from snapall.restore.vmx.console import console_of, host_of  # noqa: PLC0415 - paramiko
    from snapall.site.tcp import Deadline  # noqa: PLC0415 - with it

    vmx = settings.vmx[job.name]
    with console_of(host_of(host, vmx), Deadline(vmx.timeout), vmx.max_bytes) as console:
        yield console


def check_consoles(checks: Checklist, settings: Config, job: Job, vms: Sequence[Vm], database: VirtualCenter) -> None:
    """Check the login on each host that has VMs of the job, by listing a VM's folder."""
    if job.name not in settings.vmx:
        return
    hosts: dict[str, tuple[str, list[str]]] = {}

    def places() -> CheckOutcome:

        lost = []
        found = database.vmx_places([vm.id for vm in vms])
        for vm in vms:
            place = found.get(vm.id)
            at = path_of(place.file or "") if place is not None else None
            if place is None or at is None or not place.host:
                lost.append(vm.label)
            else:
                hosts.setdefault(place.host, (at.folder, []))[1].append(vm.label)
        if lost:
            some = ", ".join(lost[:_SOME]) + (f" and {len(lost) - _SOME} more" if len(lost) > _SOME else "")
            text = f"the host or the path of the .vmx is not known of {some}"
            return CheckOutcome(text, GRANT, "SA-1857", failed=True)
        return CheckOutcome(f"{len(vms)} VMs on {len(hosts)} hosts")

    def login(host: str, folder: str, names: Sequence[str]) -> CheckOutcome:
        with _console(settings, job, host) as console:
            console.names(folder)
        return CheckOutcome(f"accepted; it has {len(names)} VMs of the job")

    checks.check("vmx files", job.name, places, f"datastores of {job.name}")
    for host, (folder, names) in sorted(hosts.items()):
        checks.check("ESX console", host, lambda host=host, at=folder, of=names: login(host, at, of))  # type: ignore[misc]

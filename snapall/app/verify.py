"""`snapall verify`: chooses the backup and the VMs, and proves that their LUNs can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from snapall.app.opening import store_of
from snapall.app.proofs import proof_log
from snapall.backup.certificate import verdicts_of
from snapall.backup.model import Job, Vm
from snapall.backup.outcome import SKIPPED, Origin
from snapall.config.settings import Config, Verify
from snapall.errors import ConfigError
from snapall.operate.history import require_listed
from snapall.restore.belongs import OURS, owners
from snapall.restore.verify import VerifiedBackup, VerifyTarget, targets_of


@dataclass(frozen=True, slots=True)
class VerifyChoice:
    """What is to be checked: the backup, by its origin on each of its volumes, and the VMs and LUNs in their order."""

    job: Job
    table: Verify
    origins: tuple[Origin, ...]
    targets: tuple[VerifyTarget, ...]

    @property
    def backup(self) -> VerifiedBackup:
        """The backup as a proof names it: by what it is called on its first volume."""
        first = self.origins[0]
        return VerifiedBackup(first.name, first.date, first.run)


def is_due(settings: Config, job: Job) -> bool:
    """Whether the job's next check has to take place now. JournalError: the proofs cannot be read."""
    return proof_log(store_of(settings), job.name).is_due(table_of(settings, job).every)


def table_of(settings: Config, job: Job) -> Verify:
    """Return the job's [verify] table. ConfigError: there is none."""
    if job.name not in settings.verify:
        raise ConfigError(
            f"job {job.name} has no table [jobs.{job.name}.verify], so it is unknown how its LUNs are read",
            "add the table with `igroup`, and `device` or `helper`; docs/configuration.md has every key",
            "SA-1874",
        )
    return settings.verify[job.name]


def choose(
    settings: Config, job: Job, snapshot: str = "", vms: Sequence[str] = (), *, everything: bool = False
) -> VerifyChoice:
    """Choose the backup and what to check of it; contacts the filer for its LUNs, and changes nothing.

    `snapshot`: a name or the stamp of a run; "" the newest. `vms`: by name or moref; none: those that are due.
    ConfigError: there is no such backup or VM. SiteError: the filer does not answer.
    """
    table, store = table_of(settings, job), store_of(settings)
    require_listed(store.folder)
    made = _backup(job, store.known(job.name), snapshot)
    verdicts = verdicts_of(store.read(store.path(job.name, made[0].run)))
    known = tuple(one.vm for one in verdicts)
    if vms:
        chosen = tuple(_named(job, known, name) for name in vms)
    elif everything:
        chosen = known
    else:
        counted = [one.vm for one in verdicts if one.state != SKIPPED]
        chosen = proof_log(store, job.name).due(counted, table.sample)
    return VerifyChoice(job, table, made, targets_of(chosen, _owners(settings, made, job, known), rest=everything))


def _backup(job: Job, known: Sequence[Origin], snapshot: str) -> tuple[Origin, ...]:
    """The backup on each of its volumes."""
    found = [one for one in known if snapshot in {one.name, one.run} or (not snapshot and not one.temporary)]
    if not found:
        raise ConfigError(
            f"job {job.name} has no backup {snapshot or 'at all'} that a run of snapall made",
            f"`snapall list {job.name}` shows the backups; those of another origin can be mounted, but not verified",
            "SA-1875",
        )
    run = max(one.run for one in found)
    mine = [one for one in known if one.run == run and one.volume in job.volumes]
    return tuple(sorted(mine, key=lambda one: job.volumes.index(one.volume)))


def _named(job: Job, vms: Sequence[Vm], name: str) -> Vm:
    found = [vm for vm in vms if name.lower() in {vm.moref, (vm.name or "").lower()}]
    if len(found) != 1:
        many = f"{len(found)} VMs are called {name}" if found else f"there is no VM {name} in this backup"
        remedy = "name a VM as `snapall show` does, or by its moref, such as vm-611"
        raise ConfigError(f"job {job.name}: {many}", remedy, "SA-1876")
    return found[0]


def _owners(settings: Config, made: Sequence[Origin], job: Job, vms: Sequence[Vm]) -> Mapping[str, Vm | None]:
    """The LUNs of the backup's volumes, as they are now, with their VMs; clones that snapall made are none."""
    from snapall.restore.luns import Luns  # noqa: PLC0415 - the transports load what they need
    from snapall.site import transport_to  # noqa: PLC0415 - as above

    filer = settings.filers[job.filer]
    luns = Luns(transport_to(filer), filer.name, filer.host)
    paths = [path for one in made for path in luns.view(one.volume).luns]
    own = [path for path in sorted(paths) if OURS.fullmatch(path.rpartition("/")[2]) is None]
    return owners(own, vms, settings.job_tables[job.name].luns)

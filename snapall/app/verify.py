"""`snapall verify`: chooses the backup and the VMs, and proves that their LUNs can be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import assert_never

from snapall.app.opening import shared_volumes, store_of
from snapall.app.output import Output, publishing
from snapall.app.proofs import proof_log
from snapall.app.signals import signal_flag
from snapall.app.status import update_metrics
from snapall.app.use_look import luns_of
from snapall.backup.certificate import verdicts_of
from snapall.backup.facts import Failed
from snapall.backup.model import Job, Vm
from snapall.backup.outcome import SKIPPED, Origin
from snapall.backup.private import arrange
from snapall.backup.record import Record, What
from snapall.backup.store import JournalStore
from snapall.config.settings import Config, Verify
from snapall.errors import ConfigError, Exit, Notify, SiteError, SnapallError, worst
from snapall.operate.history import require_listed
from snapall.restore.belongs import is_clone, others_than, owners
from snapall.restore.journal import UseStore
from snapall.restore.luns.client import Luns
from snapall.restore.proof.clones import VerifyMount
from snapall.restore.proof.device import LunReader
from snapall.restore.proof.file import ProofFile
from snapall.restore.proof.proofs import Proof, Readability
from snapall.restore.proof.verify import Verification, VerifiedBackup, VerifyTarget, targets_of
from snapall.restore.record import UseRecord


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
    settings: Config,
    job: Job,
    snapshot: str = "",
    vms: Sequence[str] = (),
    *,
    everything: bool = False,
    luns: Luns | None = None,
) -> VerifyChoice:
    """Choose the backup and what to check of it; contacts the filer for its LUNs, and changes nothing.

    `snapshot`: a name or the stamp of a run; "" the newest. `vms`: by name or moref; none: those that are due. `luns`:
    those of the job's filer, by another way than the configured one.
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
    of = _owners(settings, made, job, known, luns or luns_of(settings, job))
    return VerifyChoice(job, table, made, targets_of(chosen, of, rest=everything))


def _backup(job: Job, known: Sequence[Origin], snapshot: str) -> tuple[Origin, ...]:
    """The backup on each of its volumes."""
    found = [one for one in known if snapshot in {one.name, one.run} or (not snapshot and not one.temporary)]
    if not found:
        raise ConfigError(
            f"job {job.name} has no backup {snapshot or 'at all'} that a run of snapall made",
            f"`snapall list {job.name}` shows the backups; those of another origin can be mounted, but not verified",
            "SA-1875",
        )
    return _present(job, known, max(one.run for one in found))


def _present(job: Job, known: Sequence[Origin], run: str) -> tuple[Origin, ...]:
    """The backup of a run as it is called now, on each of its volumes."""
    mine = [one for one in known if one.run == run and one.volume in job.volumes]
    return tuple(sorted(mine, key=lambda one: job.volumes.index(one.volume)))


def _named(job: Job, vms: Sequence[Vm], name: str) -> Vm:
    found = [vm for vm in vms if name.lower() in {vm.moref, (vm.name or "").lower()}]
    if len(found) != 1:
        many = f"{len(found)} VMs are called {name}" if found else f"there is no VM {name} in this backup"
        remedy = "name a VM as `snapall show` does, or by its moref, such as vm-611"
        raise ConfigError(f"job {job.name}: {many}", remedy, "SA-1876")
    return found[0]


def _owners(
    settings: Config, made: Sequence[Origin], job: Job, vms: Sequence[Vm], luns: Luns
) -> Mapping[str, Vm | None]:
    """The LUNs of the backup's volumes, as they are now, with their VMs; clones that snapall made are none."""
    from snapall.site.virtualcenter import VirtualCenter  # noqa: PLC0415 - sqlalchemy

    paths = [path for one in made for path in luns.view(one.volume).luns]
    own = [path for path in sorted(paths) if not is_clone(path)]
    others: tuple[Vm, ...] = ()
    with suppress(SiteError):  # a check needs no VirtualCenter; without it, at most a LUN too many is read
        others = others_than(vms, VirtualCenter(settings.database).everyone())
    return owners(own, vms, settings.job_tables[job.name].luns, others)


@dataclass(frozen=True, slots=True)
class VerifyRun:
    """One call of `snapall verify`. `publish` gets warnings and failures, `stopped` tells of a signal."""

    settings: Config
    store: JournalStore
    publish: Callable[[What], None]
    stopped: Callable[[], bool]
    warn: Notify

    def run(self, choice: VerifyChoice) -> tuple[Proof, ...]:
        """Check what was chosen. SnapallError: something was left on the filer, a lock, or no proof can be recorded."""
        settings, job, uses = self.settings, choice.job, UseStore(self.store)
        filer = settings.filers[job.filer]
        mount = VerifyMount(
            job,
            choice.table.igroup,
            luns_of(settings, job),
            lambda: _present(job, self.store.known(job.name), choice.backup.run),
            uses,
            filer.host,
            settings.vcenter.host,
            filer.timeout,
            self.stopped,
            self._show,
        )
        shared = shared_volumes(settings, filer.host, job.volumes, job.name)
        return Verification(
            choice.backup,
            mount,
            LunReader(choice.table, self.store.clock, self.stopped, settings.secret_variables),
            self.store.clock,
            ProofFile(settings.state, job.name).append,
            self.stopped,
            lambda: uses.locked(shared.jobs, "verification", self.stopped, self.warn, yielding=True),
        ).run(choice.targets)

    def _show(self, record: UseRecord) -> None:
        if record.message is not None:
            self.publish(record.message)


def verify_jobs(
    settings: Config,
    jobs: Sequence[Job],
    output: Output,
    choose_of: Callable[[Job], VerifyChoice | None],
) -> tuple[Exit, tuple[Proof, ...]]:
    """Check the jobs one after the other; a failure of one stops no other. `choose_of` answers None where none is due.

    ConfigError: a job has no [verify] table; nothing was begun.
    """
    for job in jobs:
        table_of(settings, job)
    proofs: list[Proof] = []
    codes: list[Exit] = []
    with publishing(settings, output, log=False) as (warn, listener), signal_flag(warn) as stopped:
        store = store_of(settings)

        def publish(what: What) -> None:
            listener(Record(store.clock.utc(), what))

        arrange(settings.state, settings.readers, warn)
        for job in jobs:
            try:
                choice = choose_of(job) if not stopped() else None
                found = VerifyRun(settings, store, publish, stopped, warn).run(choice) if choice is not None else ()
            except SnapallError as error:
                publish(Failed(*error.parts))
                codes.append(error.exit)
            else:
                proofs += found
                codes += [_reported(one, publish) for one in found]
        update_metrics(settings, publish)
        codes += [Exit.STOPPED] if stopped() else []
    return worst(*codes), tuple(proofs)


def _reported(one: Proof, publish: Callable[[What], None]) -> Exit:
    """Publish what is wrong with a VM, and return the exit code that follows."""
    what = f"{one.name} in {one.snapshot}: {'; '.join(one.problems)}"
    match one.found:
        case Readability.READABLE:
            return Exit.OK
        case Readability.DAMAGED:
            text = f"the backup is damaged: {what}"
            remedy = "check an older backup with `snapall verify JOB SNAPSHOT --vm NAME`, and the live disk in the VM"
            publish(Failed(text, remedy, "SA-1880"))
        case Readability.UNREAD:
            remedy = "fix that, then run `snapall verify` again; nothing is known of the backup"
            publish(Failed(f"the backup was not read: {what}", remedy, "SA-1881"))
        case _:
            assert_never(one.found)
    return Exit.FAILED

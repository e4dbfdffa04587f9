"""The site of a cell: a small lab that fits a job, and the configuration that reaches it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

from snapall.backup.model import Grade, Job
from snapall.config.load import validated
from snapall.config.settings import Config
from snapall.config.values import Reading
from snapall.drill.cells import Aftermath, Cell
from snapall.lab.config_file import database_url
from snapall.lab.listener import HOST
from snapall.lab.sites import LabVm, SiteSpec, Volume, build
from snapall.lab.vcbserver import program

if TYPE_CHECKING:
    import paramiko

    from snapall.drill.servers import Host

PASSWORD = "drill"  # noqa: S105 - of a site that exists for seconds
NO_JOBS_STORE = 999_999
QUERYS_STORE = 999_998
FOREIGN = LabVm(990, "foreign", 11, (NO_JOBS_STORE,))

_GRADES = {Grade.CRASH_CONSISTENT: "any", Grade.PARTIAL: "partial", Grade.WHOLE: "whole"}


@dataclass(frozen=True, slots=True)
class DrillSite:
    """What all workers share: the site that each cell gets a copy of, built for the job, and its filer's key."""

    folder: Path
    job: Job
    parallel: int  # calls at a time
    host_key: paramiko.PKey

    @property
    def original(self) -> Path:
        """The site as it is before any run."""
        return self.folder / "original"


@dataclass(frozen=True, slots=True)
class CellLimits:
    """How long the struck run waits, in seconds: short, so that no cell takes long, or `factor` times as long."""

    factor: float = 1.0

    @property
    def call(self) -> float:
        """For one call. A filer's command may act for as long; the lab's late ones take two thirds of it."""
        return 1.5 * self.factor

    @property
    def settle(self) -> float:
        """How long a create without an answer may still act."""
        return 2.0 * self.factor

    @property
    def hang(self) -> float:
        """How long a call hangs: longer than the run waits for it."""
        return 2.0 * self.factor


def site_of(job: Job) -> SiteSpec:
    """A lab for the job: two VMs on each datastore, VM snapshots that are not ours, all retained backups."""
    ids = {store: store if isinstance(store, int) else 500_000 + n for n, store in enumerate(_stores(job))}
    names = _names(job, 2 * len(ids))
    stores = cycle(ids.values())
    vms = tuple(LabVm(id_, name, 11, (next(stores),)) for id_, name in names.items())
    ages = tuple((name, 10.0 + 24 * n) for n, name in enumerate(job.chain))
    named = tuple((id_, store if isinstance(store, str) else f"datastore{id_}") for store, id_ in ids.items())
    return SiteSpec(
        hosts=((11, "esx01.lab"),),
        datastores=(*named, (NO_JOBS_STORE, "not ours")),
        vms=(*vms, FOREIGN),
        volumes=tuple(Volume(volume, (*ages, ("hourly.0", 1.2))) for volume in job.volumes),
        # One on a VM outside the job, and one that a person has taken of a VM of ours.
        vm_snapshots=((1200, FOREIGN.id, job.vm_snapshot), (1201, vms[0].id, job.vm_snapshot)),
    ).having(vc_password=PASSWORD, filer_password=PASSWORD)


def _stores(job: Job) -> tuple[int | str, ...]:
    """The job's datastores; one of its own stands in where only a query names its VMs."""
    return job.datastores or (QUERYS_STORE,)


def _names(job: Job, count: int) -> dict[int, str]:
    """The VMs by id: those that the job's rules name, or give a moref of, and more of them up to `count`."""
    musts = [key for key in job.policies.musts_by_name if key != "*"]
    morefs = {int(key[3:]): f"drill{key[3:]}" for key in musts if key.lower().startswith("vm-") and key[3:].isdigit()}
    names = [key for key in musts if not key.lower().startswith("vm-")]
    names += [f"drill{n:02d}" for n in range(count - len(musts))]
    ids = (id_ for id_ in range(100, 100 + len(names) + len(morefs)) if id_ not in morefs)
    return {**morefs, **dict(zip(ids, names, strict=False))}


def template(folder: Path, job: Job, user_key: paramiko.PKey) -> None:
    """Build the site that every cell gets a copy of."""
    build(folder, site_of(job).having(filer_key=user_key.get_base64())).close()
    user_key.write_private_key_file(str(folder / "id_rsa"))


def prepare(folder: Path, drill_site: DrillSite, host: Host, cell: Cell, limits: CellLimits) -> Config:
    """Copy the site, put it behind the filer's ports, and configure it."""
    shutil.copytree(drill_site.original, folder)
    host.serve(folder)
    key, port = drill_site.host_key, host.ssh if cell.transport == "ssh" else host.rsh
    known = f"[{HOST}]:{port} {key.get_name()} {key.get_base64()}\n"
    (folder / "known_hosts").write_text(known, encoding="utf-8")
    tables = _tables(folder, program(host.vcb, folder), port, drill_site.parallel, cell, limits)
    return validated(tables, folder / "snapall.toml", Reading(folder, {}), str)


def _tables(
    folder: Path, vcbsnapshot: Sequence[str], port: int, parallel: int, cell: Cell, limits: CellLimits
) -> Mapping[str, object]:
    """The tables, as snapall.toml has them."""
    ssh = {"user": "snapall", "key_file": "id_rsa", "known_hosts": "known_hosts"}
    rsh = {"local_user": "snapall", "reserved_port": False}
    filer = {"host": HOST, "transport": cell.transport, "port": port, "timeout": limits.call}
    return {
        "vcenter": {
            "host": "vc01.lab",
            "user": "vcbackup",
            "password": PASSWORD,
            "vcbsnapshot": vcbsnapshot,
            "timeout": limits.call,
            "remove_timeout": limits.call,
            "settle": limits.settle,
            "parallel": parallel,
        },
        "database": {"url": database_url(folder), "owner": ""},
        "filers": {"filer1": filer | (ssh if cell.transport == "ssh" else rsh)},
        "jobs": {cell.job.name: _job(cell.job, guardian=cell.aftermath is Aftermath.GUARDIAN)},
    }


def _job(job: Job, *, guardian: bool) -> Mapping[str, object]:
    """The job as it is configured, but with limits that no cell meets."""
    return {
        "filer": "filer1",
        "volumes": [*job.volumes],
        "datastores": [*_stores(job)],
        "chain": [*job.chain],
        "prefix": job.prefix,
        "vm_snapshot": job.vm_snapshot,
        "order": str(job.order),
        **({"publish": _GRADES[job.publish]} if job.publish_given else {}),
        "max_quiesced": 900,
        "busy_wait": 0,
        "guardian": guardian,
        "runbook": False,
        "vms": {key: str(policy) for key, policy in job.policies.rules},
    }

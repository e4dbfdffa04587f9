"""The site that a cell is played on: a small lab made after a job, and the configuration that reaches it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

from snapall.backup.model import Grade, Job
from snapall.drill.cells import Aftermath, Cell
from snapall.lab.config_file import Tables, database_url, string, toml
from snapall.lab.listener import HOST
from snapall.lab.sites import LabVm, SiteSpec, Volume, build
from snapall.lab.vcbserver import program

if TYPE_CHECKING:
    import paramiko

    from snapall.drill.host import Host

PASSWORD = "drill"  # noqa: S105 - of a site that exists for seconds
OTHERS = 999_999  # a datastore that no job has
FOREIGN = LabVm(990, "foreign", 11, (OTHERS,))

_GRADES = {Grade.CRASH_CONSISTENT: "any", Grade.PARTIAL: "partial", Grade.WHOLE: "whole"}


@dataclass(frozen=True, slots=True)
class Subject:
    """What is tried: a job, and how many calls are made at a time."""

    job: Job
    parallel: int = 1


@dataclass(frozen=True, slots=True)
class Ground:
    """What all workers share: the site that each cell gets a copy of, made after the subject, and its filer's key."""

    folder: Path
    subject: Subject
    host_key: paramiko.PKey

    @property
    def original(self) -> Path:
        """The site as it is before any run."""
        return self.folder / "original"


@dataclass(frozen=True, slots=True)
class CellLimits:
    """How long the struck run waits, in seconds: so short that no cell takes long, or that many times as long."""

    factor: float = 1.0

    @property
    def call(self) -> float:
        """For one call; one of the filer's may act for as long, and the lab's late ones need two thirds of it."""
        return 1.5 * self.factor

    @property
    def settle(self) -> float:
        """How long a create without an answer may still act."""
        return 2.0 * self.factor

    @property
    def hang(self) -> float:
        """For how long a call hangs: more than is waited for it."""
        return 2.0 * self.factor


def site_of(job: Job) -> SiteSpec:
    """A lab after the job: two VMs on each datastore, VM snapshots of others, a whole chain."""
    ids = {store: store if isinstance(store, int) else 500_000 + n for n, store in enumerate(job.datastores)}
    names = _names(job, 2 * len(ids))
    stores = cycle(ids.values())
    vms = tuple(LabVm(id_, name, 11, (next(stores),)) for id_, name in names.items())
    ages = tuple((name, 10.0 + 24 * n) for n, name in enumerate(job.chain))
    named = tuple((id_, store if isinstance(store, str) else f"datastore{id_}") for store, id_ in ids.items())
    return SiteSpec(
        hosts=((11, "esx01.lab"),),
        datastores=(*named, (OTHERS, "others")),
        vms=(*vms, FOREIGN),
        volumes=tuple(Volume(volume, (*ages, ("hourly.0", 1.2))) for volume in job.volumes),
        # One on a VM that is nobody's business here, and one that a person has made on one of ours.
        vm_snapshots=((1200, FOREIGN.id, job.vm_snapshot), (1201, vms[0].id, job.vm_snapshot)),
    ).having(vc_password=PASSWORD, filer_password=PASSWORD)


def _names(job: Job, count: int) -> dict[int, str]:
    """The VMs: those that the job's rules must find, by name or moref, and others up to `count`."""
    musts = [key for key in job.policies.musts_by_name if key != "*"]
    morefs = {int(key[3:]): f"drill{key[3:]}" for key in musts if key.lower().startswith("vm-") and key[3:].isdigit()}
    others = [key for key in musts if not key.lower().startswith("vm-")]
    others += [f"drill{n:02d}" for n in range(count - len(musts))]
    free = (id_ for id_ in range(100, 100 + len(others) + len(morefs)) if id_ not in morefs)
    return {**morefs, **dict(zip(free, others, strict=False))}


def template(folder: Path, job: Job, user_key: paramiko.PKey) -> None:
    """Build the site that every cell gets a copy of."""
    build(folder, site_of(job).having(filer_key=user_key.get_base64())).close()
    user_key.write_private_key_file(str(folder / "id_rsa"))


def furnish(folder: Path, ground: Ground, host: Host, cell: Cell, limits: CellLimits) -> Path:
    """Copy the site, put it behind the filer's ports, and write the configuration; its path."""
    shutil.copytree(ground.original, folder)
    host.serve(folder)
    key, port = ground.host_key, host.ssh if cell.transport == "ssh" else host.rsh
    known = f"[{HOST}]:{port} {key.get_name()} {key.get_base64()}\n"
    (folder / "known_hosts").write_text(known, encoding="utf-8")
    config = folder / "snapall.toml"
    tables = _tables(folder, program(host.vcb, folder), port, ground.subject.parallel, cell, limits)
    config.write_text(toml(tables), encoding="utf-8")
    return config


def _tables(
    folder: Path, vcbsnapshot: Sequence[str], port: int, parallel: int, cell: Cell, limits: CellLimits
) -> Tables:
    """The configuration, a dictionary for each table."""
    ssh = {"user": "snapall", "key_file": "id_rsa", "known_hosts": "known_hosts"}
    rsh = {"local_user": "snapall", "reserved_port": False}
    return {
        "": {"state": "snapall.state", "log": "snapall.log"},
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
        "filers.filer1": {
            "host": HOST,
            "transport": cell.transport,
            "port": port,
            "timeout": limits.call,
            **(ssh if cell.transport == "ssh" else rsh),
        },
        **_job_tables(cell.job, guardian=cell.aftermath is Aftermath.GUARDIAN),
    }


def _job_tables(job: Job, *, guardian: bool) -> Tables:
    """The job as it is configured, but with limits that no cell meets."""
    table = f"jobs.{string(job.name)}"
    return {
        table: {
            "filer": "filer1",
            "volumes": job.volumes,
            "datastores": job.datastores,
            "prefix": job.prefix,
            "chain": job.chain,
            "vm_snapshot": job.vm_snapshot,
            "order": job.order,
            **({"publish": _GRADES[job.publish]} if job.publish_given else {}),
            "max_quiesced": 900,
            "busy_wait": 0,
            "guardian": guardian,
        },
        f"{table}.vms": {string(key): policy for key, policy in job.policies.rules},
    }

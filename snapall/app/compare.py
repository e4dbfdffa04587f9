"""What a batch sends on a good night beside what snapall would: two rehearsals, for `import` and `plan`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from snapall.backup.model import FilerSnapshot, Job, Survey, Vm
from snapall.backup.origins import Provenance
from snapall.backup.plan import AskVersion, FindVms, FindVmSnapshots, ListVolume, Look, PlanContext, build
from snapall.backup.steps import Capture, Delete, Quiesce, Release, Rename, Step
from snapall.config.batch.compared import ComparedCommand, Key, Row, side_by_side
from snapall.config.batch.source import source_of
from snapall.errors import SnapallError
from snapall.site import OpenSite

if TYPE_CHECKING:
    from pathlib import Path

    from snapall.config.batch import Batch
    from snapall.config.batch.facts import Notice
    from snapall.config.settings import Config

_STAMP = "00000000T000000Z-0000"  # a placeholder in the form of a stamp, since names are checked


@dataclass(frozen=True, slots=True)
class Compared:
    """The two sequences of one job."""

    job: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class BatchBeside:
    """A batch that serves as the configuration: its jobs compared, and what is not imported."""

    jobs: tuple[Compared, ...] = ()
    notices: tuple[Notice, ...] = ()


def of_file(path: Path, settings: Config, jobs: tuple[Job, ...]) -> BatchBeside:
    """Compare the jobs of a configuration that is a batch; nothing for a .toml."""
    if path.suffix.lower() not in (".bat", ".cmd"):
        return BatchBeside()
    batch = source_of(path).batch
    return BatchBeside(compare(batch, settings, jobs), batch.notices)


def compare(batch: Batch, settings: Config, jobs: tuple[Job, ...]) -> tuple[Compared, ...]:
    """Rehearse the batch with two VMs for each query, and plan the same night for snapall."""
    found = []
    for job in jobs:
        commands, vms = batch.sequence(job.volumes)
        if commands:
            found.append(Compared(job.name, tuple(side_by_side(commands, _of_snapall(job, settings, vms)))))
    return tuple(found)


def _of_snapall(job: Job, settings: Config, ids: tuple[int, ...]) -> list[ComparedCommand]:
    """The plan of a night on which all is as it should be: the chain is whole, and no VM has a snapshot."""
    rows = tuple(FilerSnapshot(name, f"Mar {22 - age:02} 03:00") for age, name in enumerate(job.chain[:20]))
    survey = Survey(tuple(map(Vm, ids)), (), dict.fromkeys(job.volumes, rows), "NetApp Release 7.3.2")
    site = OpenSite(job, settings)
    try:
        plan = build(job, survey, Provenance(), PlanContext(parallel=settings.vcenter.parallel), _STAMP)
        return [ComparedCommand(_key(one.action, job), _shown(site.command(one.action))) for one in plan.actions]
    except SnapallError:
        return []  # a rule of the job forbids this night, and `plan` says which


def _shown(text: str) -> str:
    return text.replace(_STAMP, "UTC")


def _key(action: Step | Look, job: Job) -> Key:
    match action:
        case Quiesce(vm):
            return ("quiesce", vm.moref)
        case Release(vm):
            return ("release", vm.moref)
        case Capture(volume):
            return ("capture", volume)
        case Rename(volume, old, new) if old not in job.chain:
            return ("publish", volume, new)
        case Rename(volume, old, new):
            return ("rename", volume, old, new)
        case Delete(volume, name):
            return ("delete", volume, name)
        case ListVolume(volume):
            return ("list", volume)
        case FindVmSnapshots():
            return ("snapshots",)
        case FindVms():
            return ("vms",)
        case AskVersion():
            return ("version",)

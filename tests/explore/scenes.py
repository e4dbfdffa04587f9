"""The sites that are explored: small enough to be explored, large enough to be wrong about."""

from __future__ import annotations

from dataclasses import replace

from snapall.backup.model import FilerSnapshot, Job, Order, Pace, Vm, VmSnapshot, chain_names
from tests.explore.world import Scene, World

PACE = Pace(parallel=2, create_timeout=20, settle=12, filer_timeout=8)
CHAIN = chain_names("vmware", 3)
WEB, SQL, APP = Vm(1, "web01"), Vm(2, "sql01"), Vm(3, "app01")
JOB = Job("one", "filer1", ("v",), (688,), CHAIN, max_quiesced=10, busy_wait=20)
FOREIGN = (VmSnapshot("foreign-1", 1, "Manual-before-upgrade"), VmSnapshot("foreign-2", 2, "Manual-before-upgrade"))


def scenes() -> dict[str, Scene]:
    """All of them, by name."""
    one = Scene("two VMs, one volume", (JOB,), ((WEB, SQL),), PACE, FOREIGN)
    slow = replace(one, name="two VMs, one place", pace=replace(PACE, parallel=1))
    wide = Scene("one VM, two volumes", (replace(JOB, volumes=("v", "w")),), ((WEB,),), PACE, FOREIGN[:1])
    other = replace(JOB, name="two", volumes=("w",))
    shared = Scene("two jobs, one VM", (JOB, other), ((WEB,), (WEB,)), PACE, FOREIGN[:1])
    small = Scene("one VM, one volume", (JOB,), ((WEB,),), PACE, FOREIGN[:1])
    found = {"d": small, "a": one, "a1": slow, "b": wide, "c": shared}
    return found | {f"{key}-paper": _paper(scene) for key, scene in found.items()}


def _paper(scene: Scene) -> Scene:
    jobs = tuple(replace(job, order=Order.PAPER) for job in scene.jobs)
    return replace(scene, name=f"{scene.name}, paper order", jobs=jobs)


def beginning(scene: Scene) -> World:
    """The world before the first run."""
    volumes = {
        volume: tuple(FilerSnapshot(name, f"old {place}") for place, name in enumerate(job.chain))
        for job in scene.jobs
        for volume in job.volumes
    }
    return World(scene, rows=scene.foreign, volumes=volumes)

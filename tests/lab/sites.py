"""Small sites and big ones: that of the batch's recordings, a tiny one, one of any size."""

from __future__ import annotations

from dataclasses import replace

from snapall.lab.lunsites import LabLun, igroups_of
from snapall.lab.sites import NIGHTLY, LabVm, SiteSpec, Volume

NEWER = "NetApp Release 7.3.5.1P5: Wed Jun 15 15:37:59 PDT 2011"


def batch() -> SiteSpec:
    """The plain case of the recordings of the batch: VMs 108, 110 and 1226 on 688, VM 2001 on 689."""
    return SiteSpec(
        hosts=((11, "esx01.example.edu"),),
        datastores=((688, "vmvol1_vmfs"), (689, "vmvol2_vmfs")),
        vms=(
            LabVm(108, "web01", 11, (688,)),
            LabVm(110, "web02", 11, (688,)),
            LabVm(1226, "sql01", 11, (688,)),
            LabVm(2001, "ora01", 11, (689,)),
        ),
        volumes=(Volume("vmvol1", NIGHTLY),),
    )


def tiny() -> SiteSpec:
    """Two VMs on 688, and one on 689 with a snapshot that is not ours."""
    small = batch()
    vms = tuple(vm for vm in small.vms if vm.id != 1226)
    return replace(small, vms=vms, vm_snapshots=((1200, 2001, "Quiesce"),))


def big(n: int) -> SiteSpec:
    """`n` VMs on datastore 688."""
    hosts = tuple((10 + h, f"esx{h:02d}.example.edu") for h in range(1, 8))
    vms = tuple(LabVm(1000 + i, f"vm{i:04d}", 11 + i % 7, (688,)) for i in range(n))
    return replace(batch(), hosts=hosts, vms=vms, next_snapshot=100_000)


def with_luns(version: str = NEWER) -> SiteSpec:
    """The batch's site, whose VMs have their LUNs in vmvol1, and a filer that knows snapshot_clone_dependency."""
    site = batch()
    names = (("vmvol1_vmfs", "vmfs"), ("web01", "ext2"), ("web02", "ntfs"), ("sql01", "ext2"))
    luns = tuple(LabLun(f"/vol/vmvol1/{name}", (("esx", n),), kind) for n, (name, kind) in enumerate(names))
    return replace(site, luns=luns, igroups=igroups_of(site.hosts)).having(version=version)


def with_neighbour(site: SiteSpec, name: str, *, on: bool = True) -> SiteSpec:
    """A site `with_luns` where ora01, which is on another datastore, has this name, and a LUN in the job's volume."""
    lun = replace(site.luns[1], path=f"/vol/vmvol1/{name}", maps=(("esx", 9),))
    vms = tuple(replace(vm, name=name, on=on) if vm.name == "ora01" else vm for vm in site.vms)
    return replace(site, luns=(*site.luns, lun), vms=vms)

"""The sites to simulate: any that is specified, and the paper's own."""

from __future__ import annotations

import secrets
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from snapall.backup.outfile import make_folders
from snapall.lab import databases
from snapall.lab.databases import connect
from snapall.lab.lunsites import LabIgroup, LabLun, LabRelation, add_luns, add_relations, igroups_of
from snapall.lab.site_options import SiteOptions
from snapall.lab.world import World

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

GB = 1024**3
NIGHTLY = (("vmware_recent", 10.0), ("vmware_previous", 34.0), ("vmware_snap3", 58.0), ("vmware_snap4", 82.0))
HOURLY = (("hourly.0", 1.2), ("hourly.1", 5.2), ("hourly.2", 9.2), ("hourly.3", 13.2))


def _vms(text: str) -> tuple[tuple[int, str], ...]:
    parts = text.split()
    return tuple((int(id_), name) for id_, name in zip(parts[::2], parts[1::2], strict=True))


# The ids and names of the paper's VMs, by datastore; it shows 108, 110 and 1226 as the first and last of 19, and 611.
DATASTORE_688 = _vms("""
    108 dc01  110 dc02  131 mail01  144 mail02  170 web01  171 web02  203 print01  287 files01  290 files02
    355 hr/payroll  402 library01  430 bb-app01  431 bb-app02  509 citrix01  611 sql01  640 sus01  702 test-web01
    873 test-sql01  1226 vcb-proxy
""")
DATASTORE_689 = _vms("""
    115 ora01  119 ora02  140 banner-app01  141 banner-app02  182 banner-ssb01  226 ldap01  227 ldap02  301 radius01
    333 nagios01  377 cacti01  415 wiki01  466 forms01  520 imaging01  571 housing01  622 parking01  690 alumni01
    815 dev-web01  904 dev-sql01
""")
DATASTORE_690 = _vms("""
    125 lab-lic01  126 lab-lic02  155 av01  199 ghost01  240 radio01  262 stats01  318 arcgis01  349 matlab01
    391 sas01  444 ftp01  488 proxy01  533 proxy02  599 chem-ln01  655 film-edit01  733 law-docs01  790 music01
    1002 test-build01
""")


@dataclass(frozen=True, slots=True)
class LabVm:
    """A VM or a template, with the datastores that it has a disk on; the first holds its .vmx, too."""

    id: int
    name: str
    host: int
    datastores: tuple[int, ...]
    template: bool = False
    on: bool = True


@dataclass(frozen=True, slots=True)
class Volume:
    """A flexible volume and its snapshots: (name, age in hours), in any order."""

    name: str
    snapshots: tuple[tuple[str, float], ...] = ()
    gigabytes: int = 500


@dataclass(frozen=True, slots=True)
class SiteSpec:
    """What a world begins with. `vm_snapshots` are (id, VM, name); new ones are numbered from `next_snapshot`."""

    hosts: tuple[tuple[int, str], ...]
    datastores: tuple[tuple[int, str], ...]
    vms: tuple[LabVm, ...]
    volumes: tuple[Volume, ...]
    vm_snapshots: tuple[tuple[int, int, str], ...] = ()
    next_snapshot: int = 1228
    luns: tuple[LabLun, ...] = ()
    igroups: tuple[LabIgroup, ...] = ()
    relations: tuple[LabRelation, ...] = ()
    settings: SiteOptions = field(default_factory=SiteOptions)

    def having(self, **settings: Any) -> SiteSpec:
        """The same site with some settings changed."""
        return replace(self, settings=replace(self.settings, **settings))


def paper() -> SiteSpec:
    """The paper's: 7 hosts, 54 VMs, datastore 688 with 19 of them and a template, one FAS3050 (sections 2 and 2.1).

    `sql01` and `files01` have disks on 688 and 689; `ora01`, only on 689, has a Quiesce snapshot that is not ours.
    """
    hosts = tuple((10 + n, f"esx{n:02d}.example.edu") for n in range(1, 8))
    stores = ((688, DATASTORE_688), (689, DATASTORE_689), (690, DATASTORE_690))
    vms = [
        LabVm(id_, name, 11 + id_ % 7, (688, 689) if name in ("sql01", "files01") else (store,), on=id_ % 17 != 0)
        for store, names in stores
        for id_, name in names
    ]
    vms += [LabVm(112, "tmpl-w2k3", 11, (688,), template=True), LabVm(700, "tmpl-rhel4", 12, (690,), template=True)]
    foreign = next(id_ for id_, name in DATASTORE_689 if name == "ora01")
    return SiteSpec(
        hosts=hosts,
        datastores=tuple((store, f"vmvol{n}_vmfs") for n, (store, _) in enumerate(stores, 1)),
        vms=tuple(vms),
        volumes=(Volume("vmvol1", NIGHTLY + HOURLY), Volume("vmvol2", NIGHTLY), Volume("vmvol3", HOURLY)),
        vm_snapshots=((1200, foreign, "Quiesce"),),
        luns=_paper_luns(stores),
        igroups=igroups_of(hosts),
    )


def _paper_luns(stores: tuple[tuple[int, tuple[tuple[int, str], ...]], ...]) -> tuple[LabLun, ...]:
    """For each volume one VMFS LUN, and for each VM a LUN of its own as raw device (paper, section 1)."""
    numbers = iter(range(256))
    found = []
    for n, (_, names) in enumerate(stores, 1):
        found.append(LabLun(f"/vol/vmvol{n}/vmvol{n}_vmfs", (("esx", next(numbers)),), "vmfs"))
        found += [
            LabLun(f"/vol/vmvol{n}/{name.replace('/', '_')}", (("esx", next(numbers)),), "ntfs" if id_ % 2 else "ext2")
            for id_, name in names
        ]
    return tuple(found)


def build(directory: Path, site: SiteSpec) -> World:
    """Create the world of a site in a folder, and open it. The caller closes it.

    Raises FileExistsError when the folder has one.
    """
    make_folders(directory)
    (directory / "ledger.jsonl").open("x", encoding="utf-8").close()
    given = site.settings
    settings = replace(
        given,
        vc_password=given.vc_password or secrets.token_hex(6),
        filer_password=given.filer_password or secrets.token_hex(6),
    )
    with closing(connect(directory / "world.db")) as world, closing(connect(directory / "virtualcenter.db")) as vc:
        world.executescript(databases.WORLD + databases.LUNS)
        vc.executescript(databases.VIRTUALCENTER)
        for db in (world, vc):
            db.execute("BEGIN")
        world.execute("INSERT INTO settings (json) VALUES (?)", (settings.to_json(),))
        counters = (("entries", 0), ("vm_snapshot", site.next_snapshot - 1))
        world.executemany("INSERT INTO counters (name, value) VALUES (?, ?)", counters)
        now = datetime.now(UTC) if given.clock is None else datetime.fromtimestamp(given.clock, UTC)
        _vmware(world, vc, site, now)
        _filer(world, site, now)
        if site.luns or site.igroups:
            add_luns(world, site.luns, site.igroups, now.timestamp())
        add_relations(world, site.relations, now.timestamp())
        for db in (world, vc):
            db.execute("COMMIT")
    return World(directory)


def _vmware(world: sqlite3.Connection, vc: sqlite3.Connection, site: SiteSpec, now: datetime) -> None:
    for id_, name in site.hosts:
        world.execute("INSERT INTO hosts (id, name) VALUES (?, ?)", (id_, name))
        vc.execute(databases.HOST, (id_, name, f"10.0.0.{id_ % 250}"))
        vc.execute(databases.ENTITY, (id_, name, 1, 7))
        vc.executemany(databases.ASSIGNMENT, [(store, id_) for store, _ in site.datastores])
    vc.execute(databases.UNREADABLE_COLUMN)
    for id_, name in site.datastores:
        row = (id_, name, 50 * GB, 31 * GB)
        world.execute("INSERT INTO datastores (id, name, capacity, free) VALUES (?, ?, ?, ?)", row)
        vc.execute(databases.DATASTORE, (id_, encoded(name), *row[2:], f"sanfs://vmfs_uuid:4601{id_:04x}-5f0e/"))
    for vm in site.vms:
        add_vm(world, vc, vm, dict(site.datastores)[vm.datastores[0]])
    for id_, vm_id, name in site.vm_snapshots:
        taken = (id_, vm_id, name, (now - timedelta(hours=30)).strftime("%Y-%m-%d %H:%M:%S.000000"))
        world.execute("INSERT INTO vm_snapshots (id, vm, name, created) VALUES (?, ?, ?, ?)", taken)
        vc.execute(databases.SNAPSHOT_MADE, taken)


def add_vm(world: sqlite3.Connection, vc: sqlite3.Connection, vm: LabVm, datastore: str) -> None:
    """Register a VM in both databases; `datastore` is the name of the one with its .vmx."""
    row = (vm.id, vm.name, vm.host, vm.template)
    world.execute("INSERT INTO vms (id, name, host, template) VALUES (?, ?, ?, ?)", row)
    world.executemany("INSERT INTO disks (vm, datastore) VALUES (?, ?)", [(vm.id, store) for store in vm.datastores])
    name = encoded(vm.name)
    file = f"[{datastore}] {name}/{name}.vmx"
    vc.execute(databases.VM, (vm.id, vm.host, file, f"{name}.example.edu", vm.on and not vm.template, vm.template))
    vc.execute(databases.ENTITY, (vm.id, name, 0, 3))
    vc.executemany(databases.ASSIGNMENT, [(store, vm.id) for store in vm.datastores])
    for key, store in enumerate(vm.datastores, 2000):  # 2000 is the first disk's key
        vc.execute(databases.DISK[0], (vm.id, key))
        vc.execute(databases.DISK[1], (vm.id, key, store))


def encoded(name: str) -> str:
    """A name as VirtualCenter stores it."""
    return name.replace("%", "%25").replace("/", "%2f").replace("\\", "%5c")


def _filer(world: sqlite3.Connection, site: SiteSpec, now: datetime) -> None:
    for volume in site.volumes:
        kb = volume.gigabytes * 1024**2
        world.execute("INSERT INTO volumes (name, kb) VALUES (?, ?)", (volume.name, kb))
        for name, hours in sorted(volume.snapshots, key=lambda snapshot: -snapshot[1]):
            date = (now - timedelta(hours=hours)).strftime("%b %d %H:%M")
            row = (volume.name, name, date, kb // (150 + len(name)))
            world.execute("INSERT INTO filer_snapshots (volume, name, date, kb) VALUES (?, ?, ?, ?)", row)

"""What stands against a mount or a restore: what nothing overrides, and what the operator may override. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from snapall.backup.model import Vm, VmSnapshot
from snapall.restore.belongs import is_clone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from snapall.backup.model import FilerSnapshot
    from snapall.restore.mirror.relations import RelationEnd
    from snapall.restore.model import Igroup, LunView
    from snapall.restore.record import UseBegan

RELATIONS = frozenset({"snapmirror", "snapvault"})


@dataclass(frozen=True, slots=True)
class Objection:
    """One thing that stands against it. `force`: whether --force overrides it."""

    text: str
    remedy: str
    code: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be restored or mounted, and what the looks showed. `way`: file, swap, volume, or "" for a mount.

    `on`: whether a VM runs; None: it cannot be told. `then`: the LUNs that were there at the backup; None: unknown.
    `mounts`: the headers of the mounts that stand on this volume. `owners`: the VM of each LUN of the volumes, where
    it is known; `guessed`: the LUNs whose VM may be another one. `relations`: all that the filer is an end of; `roots`:
    which of the volumes it boots from; `unread`: why either is not known.
    """

    way: str
    snapshot: str
    luns: tuple[str, ...]
    views: Mapping[str, LunView]
    vms: tuple[Vm, ...] = ()
    on: Mapping[int, bool | None] = field(default_factory=dict)
    vm_snapshots: Sequence[VmSnapshot] = ()
    mounts: Sequence[UseBegan] = ()
    then: frozenset[str] | None = None
    igroup: Igroup | None = None
    owners: Mapping[str, Vm | None] = field(default_factory=dict)
    guessed: frozenset[str] = frozenset()
    relations: Sequence[RelationEnd] = ()
    roots: frozenset[str] = frozenset()
    unread: Sequence[str] = ()

    @property
    def replaced(self) -> tuple[str, ...]:
        """The LUNs that hosts may use, and that a restore would change under them."""
        if self.way != "volume":
            return self.luns
        every = ((view, one) for view in self.views.values() for one in view.luns.values())
        return tuple(sorted(one.path for view, one in every if one.mapped or view.maps_of(one.path)))

    def newer(self, volume: str) -> tuple[FilerSnapshot, ...]:
        """The snapshots of a volume that are newer than the one that is used."""
        rows = self.views[volume].snapshots
        place = next((n for n, row in enumerate(rows) if row.name == self.snapshot), 0)
        return tuple(rows[:place])


def objections(asked: Asked) -> tuple[Objection, ...]:
    """Everything that stands against it, the gravest first."""
    found = [*_of_luns(asked), *_of_background(asked), *_of_destinations(asked)]
    if asked.way == "volume":
        found += [*_of_vms(asked), *_of_volume(asked), *_of_relations(asked)]
    elif asked.way:
        found += [*_of_vms(asked), *_of_identity(asked)]
    else:
        found += _of_igroup(asked)
    return tuple(sorted(found, key=lambda one: one.force))


def _of_luns(asked: Asked) -> Iterator[Objection]:
    for volume, view in asked.views.items():
        if not view.online:
            yield Objection(f"volume {volume} is not online", "run `vol online` on the filer", "SA-1711")
    for path in asked.luns:
        one = asked.views[path.split("/")[2]].luns.get(path)
        if one is None:
            remedy = "run `lun show` on the filer for the paths; a LUN that is gone can only be mounted by hand"
            yield Objection(f"there is no LUN {path}", remedy, "SA-1712")


def _of_background(asked: Asked) -> Iterator[Objection]:
    """The filer refuses most of what follows while it copies."""
    for volume, view in asked.views.items():
        wanted = set(view.luns) if asked.way == "volume" else set(asked.luns)
        for path in sorted(wanted & view.splitting):
            text = f"the filer still copies {path} of volume {volume}: a split or a restore is under way"
            yield Objection(text, "wait until `lun clone split status` shows nothing more", "SA-1713")


def _of_vms(asked: Asked) -> Iterator[Objection]:
    """A restore under a VM that runs, or that has a VM snapshot, destroys it silently."""
    running = [vm.label for vm in asked.vms if asked.on.get(vm.id) is True]
    if running:
        text = f"{running[0]} runs" if len(running) == 1 else f"{len(running)} VMs run: {', '.join(running)}"
        yield Objection(text, f"shut {'it' if len(running) == 1 else 'them'} down first", "SA-1714")
    users = {vm.id for path in asked.replaced if (vm := asked.owners.get(path)) is not None}
    for vm in asked.vms:
        if asked.on.get(vm.id) is None:
            yield _unknown(vm, force=asked.way != "volume" or vm.id not in users)
        for row in asked.vm_snapshots:
            if row.vm == vm.id:
                text = f"{vm.label} has a VM snapshot, {row.name} ({row.ssid}): its delta belongs to the disk of now"
                yield Objection(text, "delete all snapshots of the VM in VirtualCenter first", "SA-1716")
    yield from _of_owners(asked)


def _unknown(vm: Vm, *, force: bool) -> Objection:
    remedy = "check in VirtualCenter that it is off, then add --force; POWER_STATE of VPX_VM may not be readable"
    if not force:
        remedy = "let the database login read POWER_STATE of VPX_VM, or restore this VM's LUNs alone, with --vm"
    return Objection(f"it is unknown whether {vm.label} runs", remedy, "SA-1715", force=force)


def _of_owners(asked: Asked) -> Iterator[Objection]:
    """Whether the right VM was checked depends on whose the LUN is."""
    if strange := [path for path in asked.replaced if asked.owners.get(path) is None]:
        text = f"no VM is known to use {', '.join(strange)}: whether one runs cannot be checked"
        remedy = (
            "check that nothing uses it, of a VMFS that every VM on it is off, then add --force; `luns` in the job "
            "says which VM a LUN belongs to"
        )
        yield Objection(text, remedy, "SA-1717", force=True)
    guessed = [path for path in asked.replaced if path in asked.guessed]
    for vm in dict.fromkeys(asked.owners[path] for path in guessed):
        mine = [path for path in guessed if asked.owners[path] == vm]
        whose = vm.label if vm is not None else ""
        text = f"{', '.join(mine)} is taken for a LUN of {whose} by its name, and may be another VM's"
        remedy = "check whose LUN it is: write it into `luns` in the job, leave it out with --lun, or add --force"
        yield Objection(text, remedy, "SA-1749", force=True)


def _of_identity(asked: Asked) -> Iterator[Objection]:
    """For ESX 3 a LUN is its serial and its LUN id."""
    for path in asked.luns:
        view = asked.views[path.split("/")[2]]
        one = view.luns.get(path)
        if one is not None and asked.way == "swap" and not one.serial:
            yield Objection(f"the serial of {path} is unknown", "check `lun show -v` on the filer", "SA-1718")
        if one is not None and one.mapped and not view.maps_of(path):
            yield Objection(f"the LUN ids of {path} are unknown", "check `lun show -m` on the filer", "SA-1729")
        if one is not None and one.read_only:
            yield Objection(f"{path} is read-only", "restore the source of the mirror instead", "SA-1719")


def _of_volume(asked: Asked) -> Iterator[Objection]:
    """Everything newer than the snapshot is lost."""
    for volume, view in asked.views.items():
        newer = asked.newer(volume)
        names = {row.name for row in newer}
        clones = sorted(one.path for one in view.luns.values() if one.snapshot in names)
        if clones:
            text = f"{', '.join(clones)} of {volume} rests on a newer snapshot"
            yield Objection(text, "take it down first: `snapall unmount`, or `lun destroy` by hand", "SA-1720")
        for one in asked.mounts:
            text = f"mount {one.stamp} of {one.snapshot} is on volume {volume}"
            yield Objection(text, f"run `snapall unmount {one.stamp}` first", "SA-1722")
        if names:
            text = f"{len(newer)} newer snapshots of {volume} would be lost: {', '.join(row.name for row in newer)}"
            yield Objection(text, "restore single LUNs, which keeps them; or add --force", "SA-1723", force=True)
        yield from _since(asked, view)


def _of_destinations(asked: Asked) -> Iterator[Objection]:
    """Nothing can be changed in a mirror, and what is changed in a vault breaks it."""
    for one in asked.relations:
        if one.volume in asked.views and one.receives and not one.broken and (one.whole or asked.way == "volume"):
            text = f"volume {one.volume} is the destination of {one.kind} from {one.other}"
            yield Objection(
                text, "restore at the source; only a relation that you broke off makes it writable", "SA-1806"
            )


def _of_relations(asked: Asked) -> Iterator[Objection]:
    """A source must keep the snapshot that both ends have, or all must be sent anew (restore.md, section 3)."""
    unknown = list(asked.unread)
    for volume, view in asked.views.items():
        newer, ends = asked.newer(volume), [one for one in asked.relations if one.volume == volume and not one.receives]
        held = {row.name: "SnapMirror or SnapVault" for row in newer if RELATIONS & set(row.tags)}
        held |= {one.base: f"{one.kind} to {one.other}" for one in ends if one.base in {row.name for row in newer}}
        for name, who in held.items():
            text = f"{who} needs {name} of {volume}, which would be lost"
            yield Objection(text, "restore LUNs instead, or release the relation by hand", "SA-1721")
        for one in (one for one in ends if one.busy):
            text = f"a transfer of {volume} to {one.other} is under way"
            yield Objection(text, f"wait until `{one.kind} status` shows Idle for it", "SA-1808")
        if not any(RELATIONS & set(row.tags) for row in view.snapshots):
            unknown += [f"no snapshot of {volume} is known that {one.other} needs" for one in ends if not one.base]
        if volume in asked.roots:
            text = f"{volume} is the filer's root volume: a restore of it reboots the filer"
            yield Objection(text, "restore LUNs instead", "SA-1807")
    for why in unknown:
        text = f"it is unknown whether a relation would break, or the filer boots from the volume: {why}"
        remedy = "run `snapmirror status`, `snapvault status` and `vol status` on the filer; if none would, add --force"
        yield Objection(text, remedy, "SA-1809", force=True)


def _since(asked: Asked, view: LunView) -> Iterator[Objection]:
    there = sorted(view.luns)
    if asked.then is None:
        text = f"it is unknown which LUNs of {view.volume} came after the backup, and would be lost"
        remedy = f"compare these with what you know of that day, then add --force: {', '.join(there)}"
        yield Objection(text, remedy, "SA-1724", force=True)
        return
    if since := [path for path in there if path not in asked.then]:
        text = f"LUNs that came after the backup would be lost: {', '.join(since)}"
        yield Objection(text, "copy what you need from them; then add --force", "SA-1725", force=True)
    then = (path for path in asked.then if path.split("/")[2] == view.volume and path not in view.luns)
    if back := sorted(filter(is_clone, then)):
        text = f"{', '.join(back)} was there when the backup was taken, and comes back with it, mapped as it was"
        remedy = "add --force; afterwards unmap and destroy it on the filer: `snapall unmount` knows it no longer"
        yield Objection(text, remedy, "SA-1790", force=True)


def _of_igroup(asked: Asked) -> Iterator[Objection]:
    """Prefer a helper's group: production hosts may re-sign a VMFS that they see twice (restore.md, 2 and 6.2)."""
    group = asked.igroup
    if group is None:
        return
    if not any(on for _, on in group.initiators):
        text = f"nobody is logged in to {group.name}"
        yield Objection(
            text, "check the helper's initiator; --force maps the clone all the same", "SA-1726", force=True
        )
    seen = sorted(
        {one.path for view in asked.views.values() for one in view.maps if (one.igroup == group.name)} & set(asked.luns)
    )
    if seen:
        text = f"{group.name} sees the original, too: {', '.join(seen)}"
        remedy = "use the group of a helper host; --force shows production hosts the clone"
        yield Objection(text, remedy, "SA-1727", force=True)


def notes(asked: Asked) -> tuple[Objection, ...]:
    """What deserves a warning."""
    sources = {one.volume for one in asked.relations if not one.receives}
    tagged = {volume for volume, view in asked.views.items() if any(RELATIONS & set(r.tags) for r in view.snapshots)}
    held = [volume for volume in asked.views if volume in sources | tagged]
    text = "{} is the source of a mirror or a vault: a clone that is there at the next transfer goes with it"
    remedy = "mount while the relation is Idle, and unmount before the next transfer"
    return tuple(Objection(text.format(volume), remedy, "SA-1728") for volume in held if not asked.way)

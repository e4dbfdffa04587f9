"""What the site's people do by day: each act is recorded in the site history, since the ledger does not show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from snapall.lab import databases
from snapall.lab.sites import encoded
from tests.lab import external_actors
from tests.year.incidents import Chance
from tests.year.site_history import SiteHistory

if TYPE_CHECKING:
    from snapall.lab.world import World

DATASTORES = (688, 689)
RENAMED = "UPDATE VPX_ENTITY SET NAME = ? WHERE ID = ?"


@dataclass
class Operators:
    """The operators. `until`: which day they undo what."""

    history: SiteHistory
    chance: Chance
    until: dict[tuple[str, str], int] = field(default_factory=dict)  # volume and snapshot number -> day
    full: int = 0  # the day from which the volume has room again
    count: int = 0
    known: dict[int, tuple[str, tuple[int, ...]]] = field(default_factory=dict)  # yesterday's VMs: name, datastores
    keep: str = ""  # the backup that the next command takes before some maintenance

    def interfere(self, world: World, what: str, chain: tuple[str, ...], day: int) -> None:
        """Do one of `incidents.INTERFERENCE`."""
        self.count += 1
        volume = "vmvol1"
        held = self.history.held(volume)
        present = [name for name in chain if name in self.history.volumes[volume] and name not in held]
        match what.split():
            case ["keeps", *_]:
                self.keep = f"before_maintenance_{self.count}"
            case ["fills", *_]:
                external_actors.set_volume(world, volume, full=True)
                self.full = day + self.chance.number(1, 3)
            case ["mirrors" | "clones", *_] if present:
                oldest = what.startswith("clones")
                name = present[-1] if oldest else self.chance.one(present)
                external_actors.tag(world, volume, name, "busy", "LUNs" if oldest else "snapmirror")
                self.until[volume, str(self.history.volumes[volume][name].number)] = day + self.chance.number(1, 4)
            case [_, "a", "snapshot", *_] if present:
                self._chain(world, what, volume, self.chance.one(present))
            case _:
                self._vms(world, what)

    def _chain(self, world: World, what: str, volume: str, name: str) -> None:
        if what.startswith("renames"):
            new = f"sent_to_tape_{self.count}"
            with world.transaction() as transaction:
                query = "UPDATE filer_snapshots SET name = ? WHERE volume = ? AND name = ?"
                transaction.db.execute(query, (new, volume, name))
            self.history.operator_renamed(volume, name, new)
            return
        external_actors.remove_filer_snapshot(world, volume, name)
        self.history.operator_deleted(volume, name)
        if what.startswith("takes"):
            external_actors.make_filer_snapshot(world, volume, name)
            self.history.operator_made(volume, name)

    def _vms(self, world: World, what: str) -> None:
        # sql01 stays as it is: some configurations will not do without it, and that is no interference but a refusal.
        movable = [vm for vm in world.vms(688) if not (vm.name or "").startswith(("sql01", "test-"))]
        vm = self.chance.one(movable) if movable else None
        match what.split():
            case ["adds", *_]:
                _add_vm(world, 3000 + self.count, f"new{self.count:02d}", (688,))
            case ["deletes", *_] if vm is not None and len(movable) > 2 and _datastores(world, vm.id) == (688,):
                external_actors.remove_vm(world, vm.id)
                self.history.vm_is_gone(vm.id)
            case ["renames", *_] if vm is not None:
                with world.transaction() as transaction:
                    transaction.db.execute("UPDATE vms SET name = ? WHERE id = ?", (f"web/{self.count}", vm.id))
                    transaction.echo(RENAMED, encoded(f"web/{self.count}"), vm.id)
            case ["moves", *_] if vm is not None:
                external_actors.move_vm(world, vm.id, self.chance.one([11, 12]))
            case ["takes", *_] if vm is not None:
                external_actors.make_vm_snapshot(world, vm.id, "Quiesce")
            case ["removes", *_]:
                for row in world.vm_snapshots()[-1:]:
                    external_actors.remove_vm_snapshot(world, row.vm, row.ssid)
                    self.history.operator_removed(row.ssid)
            case _:
                pass

    def register_again(self, world: World) -> None:
        """What a night's fault has unregistered is registered again under another number, as VirtualCenter does."""
        for number, (name, datastores) in self.known.items():
            if not _datastores(world, number):
                self.count += 1
                _add_vm(world, 5000 + self.count, name, datastores)

    def remember(self, world: World) -> None:
        """Who is there now."""
        there = {vm.id: vm.name for store in DATASTORES for vm in world.vms(store) if vm.name is not None}
        self.known = {number: (name, _datastores(world, number)) for number, name in there.items()}

    def tidy(self, world: World) -> None:
        """Delete what snapall warned of, as its remedy says."""
        for volume, name in self.history.orphans():
            external_actors.remove_filer_snapshot(world, volume, name)
            self.history.operator_deleted(volume, name)

    def undo(self, world: World, day: int) -> None:
        """What was to last for some nights is over."""
        for (volume, number), last in list(self.until.items()):
            if day >= last:
                names = {str(snap.number): name for name, snap in self.history.volumes[volume].items()}
                if number in names:
                    external_actors.tag(world, volume, names[number])
                del self.until[volume, number]
        if self.full and day >= self.full:
            external_actors.set_volume(world, "vmvol1")
            self.full = 0


def _datastores(world: World, number: int) -> tuple[int, ...]:
    """Where a VM has files; () when VirtualCenter does not know it."""
    return tuple(store for store in DATASTORES if number in {vm.id for vm in world.vms(store)})


def _add_vm(world: World, number: int, name: str, datastores: tuple[int, ...]) -> None:
    with world.transaction() as transaction:
        transaction.db.execute("INSERT INTO vms (id, name, host, template) VALUES (?, ?, 11, 0)", (number, name))
        for store in datastores:
            transaction.db.execute("INSERT INTO disks (vm, datastore) VALUES (?, ?)", (number, store))
        transaction.echo(databases.VM, number, 11, f"[vmvol1_vmfs] {name}/{name}.vmx", f"{name}.example.edu", 1, 0)
        transaction.echo(databases.ENTITY, number, name, 0, 3)
        for store in datastores:
            transaction.echo(databases.ASSIGNMENT, store, number)

"""What other people and products do to the lab: a VMotion, a manual snapshot, snap autodelete, a transfer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snapall.errors import SnapallError
from snapall.lab import databases
from snapall.lab.clones import restart_work
from snapall.lab.effects import Denied, make_snapshot, remove_snapshot, snap

if TYPE_CHECKING:
    from snapall.lab.ledger import Effect
    from snapall.lab.world import World


def make_vm_snapshot(world: World, vm: int, name: str) -> str:
    """An administrator takes a snapshot of a VM, which the ledger does not record; its id, `snapshot-N`."""
    with world.transaction() as transaction:
        ssid = f"snapshot-{transaction.count('vm_snapshot')}"
        _must(make_snapshot(transaction, vm, name, ssid))
    return ssid


def remove_vm_snapshot(world: World, vm: int, ssid: str) -> None:
    """An administrator removes a VM's snapshot."""
    with world.transaction() as transaction:
        _must(remove_snapshot(transaction, vm, ssid))


def move_vm(world: World, vm: int, host: int) -> None:
    """VMotion."""
    with world.transaction() as transaction:
        transaction.move(vm, host)


def unregister_vm(world: World, vm: int) -> None:
    """A VM is removed from VirtualCenter's inventory; its files stay, with its snapshots."""
    with world.transaction() as transaction:
        transaction.unregister(vm)


def remove_vm(world: World, vm: int) -> None:
    """A VM is deleted from disk, with its snapshots."""
    with world.transaction() as transaction:
        transaction.unregister(vm)
        transaction.db.execute("DELETE FROM vm_snapshots WHERE vm = ?", (vm,))


def forget_datastore(world: World, datastore: int) -> None:
    """The database no longer lists anything on a datastore, although its VMs are unchanged."""
    with world.transaction() as transaction:
        transaction.echo(databases.DATASTORE_EMPTIED, datastore)


def make_filer_snapshot(world: World, volume: str, name: str) -> None:
    """Take a filer snapshot, as an operator or the filer's own schedule does."""
    with world.transaction() as transaction:
        _must(snap(transaction, ("create", volume, name)))


def shrink_filer_snapshots(world: World, pattern: str) -> None:
    """Let the snapshots with such names take no space."""
    with world.transaction() as transaction:
        transaction.db.execute("UPDATE filer_snapshots SET kb = 0 WHERE name LIKE ?", (pattern,))


def remove_filer_snapshot(world: World, volume: str, name: str) -> None:
    """Delete a filer snapshot, tagged or not, as an operator or snap autodelete does."""
    with world.transaction() as transaction:
        transaction.db.execute("DELETE FROM filer_snapshots WHERE volume = ? AND name = ?", (volume, name))


def rename_filer_snapshot(world: World, volume: str, old: str, new: str) -> None:
    """Rename a filer snapshot, as an operator does."""
    with world.transaction() as transaction:
        _must(snap(transaction, ("rename", volume, old, new)))


def tag(world: World, volume: str, name: str, *tags: str) -> None:
    """A clone, a mirror or a dump begins or ends to use a snapshot (`busy`, `snapmirror`)."""
    with world.transaction() as transaction:
        query = "UPDATE filer_snapshots SET tags = ? WHERE volume = ? AND name = ?"
        transaction.db.execute(query, (",".join(tags), volume, name))


def set_volume(
    world: World, volume: str, *, state: str = "online", read_only: bool = False, full: bool = False
) -> None:
    """A volume goes offline, becomes a mirror's destination, or has no room for snapshots."""
    with world.transaction() as transaction:
        query = "UPDATE volumes SET state = ?, read_only = ?, full = ? WHERE name = ?"
        transaction.db.execute(query, (state, read_only, full, volume))


def set_space(world: World, volume: str, *, reserve: int = 20, used: int = 40) -> None:
    """Set the snapshot reserve, and how much of the rest is used, in percent."""
    with world.transaction() as transaction:
        transaction.db.execute("UPDATE volumes SET reserve = ?, used = ? WHERE name = ?", (reserve, used, volume))


def set_automatic_snapshots(world: World, volume: str, *, sched: str = "0 0 0", autodelete: str = "off") -> None:
    """The filer's own schedule of a volume (`snap sched`), and whether it deletes snapshots by itself."""
    with world.transaction() as transaction:
        transaction.db.execute(
            "UPDATE volumes SET sched = ?, autodelete = ? WHERE name = ?", (sched, autodelete, volume)
        )


def set_database(world: World, *, up: bool) -> None:
    """The VirtualCenter database becomes unreachable for its readers, or comes back; changes are not lost."""
    with world.transaction() as transaction:
        transaction.database(up=up)


def panic(world: World) -> None:
    """The filer panics, and its partner takes over: what it copied in the background begins anew."""
    with world.transaction() as transaction:
        restart_work(transaction)


def _must(effect: Effect | Denied) -> None:
    if isinstance(effect, Denied):
        raise SnapallError(effect.text)

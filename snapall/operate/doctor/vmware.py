"""VMware's links: the database's driver, login, owner, tables and clock, and vcbsnapshot with its login."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from snapall.config.settings import Config
from snapall.operate.doctor.links import Mark, Result, Seen, Walk
from snapall.site.vcb import Vcb

if TYPE_CHECKING:
    from snapall.backup.model import Vm
    from snapall.site.virtualcenter import VirtualCenter

_APART = 60.0  # seconds that two clocks may differ before ages and waits are told wrong


def look_at_database(walk: Walk, database: VirtualCenter) -> None:
    """From the driver to the rights."""
    walk.look("database driver", "", lambda: _driver(database))
    walk.look("database login", "", lambda: _login(database), "database driver")
    walk.look("tables", "", lambda: _tables(database), "database login")
    walk.look("database clock", "", lambda: clocks(database.clock(), datetime.now(UTC)), "database login")


def _driver(database: VirtualCenter) -> Seen:
    database.prepare()
    return Seen(database.shown)


def _login(database: VirtualCenter) -> Seen:
    owner = database.find_owner()
    return Seen(f"let in; the tables belong to {owner}" if owner else "let in")


def _tables(database: VirtualCenter) -> list[Seen]:
    """Everything that a run reads, asked for a VM and a datastore that there cannot be."""
    found = database.vms([-1])
    database.snapshots([-1])
    seen = []
    if not found.names_readable:
        seen.append(Seen("the names of VMs cannot be read", "grant SELECT on VPX_ENTITY (sql/grants.sql)"))
    if not found.hosts_readable:
        seen.append(Seen("the hosts of VMs cannot be read", "grant SELECT on VPX_HOST (sql/grants.sql)"))
    return seen or [Seen("all that a run reads can be read")]


def clocks(theirs: datetime | None, ours: datetime) -> Seen:
    """How far the database's clock is from this machine's; None: this kind of database is not asked for it."""
    if theirs is None:
        return Seen("not known for this kind of database")
    apart = (theirs - ours).total_seconds()
    if abs(apart) <= _APART:
        return Seen("within a minute of ours")
    how = "ahead of" if apart > 0 else "behind"
    remedy = "let both machines keep the time by NTP: the ages of snapshots and of stray ones are told by it"
    return Seen(f"{abs(apart):.0f} s {how} this machine's", remedy)


def look_at_vcbsnapshot(walk: Walk, settings: Config, vms: Sequence[Vm]) -> None:
    """It is there, and logs in: asked for a snapshot that there is none of."""

    def program() -> Seen:
        return Seen(Vcb(settings.vcenter).program())

    def login() -> Seen:
        return Seen(Vcb(settings.vcenter).looked(vms[0]))

    walk.look("vcbsnapshot", "", program)
    if vms:
        walk.look("vcbsnapshot login", "", login, "vcbsnapshot")
    else:
        walk.results.append(Result("vcbsnapshot login", "", Mark.NOT_TRIED, "for want of a VM to ask for"))

"""VMware's links: the database's driver, login, owner, tables and clock, and vcbsnapshot with its login."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from snapall.config.settings import Config
from snapall.operate.doctor.checklist import Checklist, CheckOutcome, CheckResult, Mark
from snapall.site.vcb import Vcb

if TYPE_CHECKING:
    from snapall.backup.model import Vm
    from snapall.site.virtualcenter import VirtualCenter

_APART = 60.0  # seconds that two clocks may differ before ages and waits are told wrong


def check_database(checks: Checklist, database: VirtualCenter) -> None:
    """From the driver to the rights."""
    checks.check("database driver", "", lambda: _driver(database))
    checks.check("database login", "", lambda: _login(database), "database driver")
    checks.check("tables", "", lambda: _tables(database), "database login")
    checks.check("database clock", "", lambda: clocks(database.clock(), datetime.now(UTC)), "database login")


def _driver(database: VirtualCenter) -> CheckOutcome:
    database.prepare()
    return CheckOutcome(database.display_url)


def _login(database: VirtualCenter) -> CheckOutcome:
    owner = database.find_owner()
    return CheckOutcome(f"let in; the tables belong to {owner}" if owner else "let in")


def _tables(database: VirtualCenter) -> list[CheckOutcome]:
    """Everything that a run reads, asked for a VM and a datastore that there cannot be."""
    found = database.vms([-1])
    database.snapshots([-1])
    seen = []
    if not found.names_readable:
        seen.append(CheckOutcome("the names of VMs cannot be read", "grant SELECT on VPX_ENTITY (sql/grants.sql)"))
    if not found.hosts_readable:
        seen.append(CheckOutcome("the hosts of VMs cannot be read", "grant SELECT on VPX_HOST (sql/grants.sql)"))
    return seen or [CheckOutcome("all that a run reads can be read")]


def clocks(theirs: datetime | None, ours: datetime) -> CheckOutcome:
    """How far the database's clock is from this machine's; None: this kind of database is not asked for it."""
    if theirs is None:
        return CheckOutcome("not known for this kind of database")
    apart = (theirs - ours).total_seconds()
    if abs(apart) <= _APART:
        return CheckOutcome("within a minute of ours")
    how = "ahead of" if apart > 0 else "behind"
    remedy = "let both machines keep the time by NTP: the ages of snapshots and of stray ones are told by it"
    return CheckOutcome(f"{abs(apart):.0f} s {how} this machine's", remedy)


def check_vcbsnapshot(checks: Checklist, settings: Config, vms: Sequence[Vm]) -> None:
    """It is there, and logs in: asked for a snapshot that there is none of."""

    def program() -> CheckOutcome:
        return CheckOutcome(Vcb(settings.vcenter).program())

    def login() -> CheckOutcome:
        return CheckOutcome(Vcb(settings.vcenter).try_login(vms[0]))

    checks.check("vcbsnapshot", "", program)
    if vms:
        checks.check("vcbsnapshot login", "", login, "vcbsnapshot")
    else:
        checks.results.append(CheckResult("vcbsnapshot login", "", Mark.NOT_TRIED, "for want of a VM to ask for"))

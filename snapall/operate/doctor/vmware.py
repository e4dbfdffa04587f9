"""The checks of VirtualCenter: the database (driver, login, tables, clock), vcbsnapshot and its login."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from snapall.config.settings import Config, Vcenter
from snapall.operate.doctor.checklist import Checklist, CheckOutcome, CheckResult, Mark
from snapall.site.vcb import vcb_of

if TYPE_CHECKING:
    from snapall.backup.model import Vm
    from snapall.site.virtualcenter import VirtualCenter

# Programs that hand their arguments to another machine, wherever they stand among the leading arguments.
_REMOTE = ("ssh", "plink", "psexec", "rsh", "remsh", "winrs")
_APART = 60.0  # seconds by which two clocks may differ before ages and waits go wrong


def check_database(checks: Checklist, database: VirtualCenter) -> None:
    """Check the database, from the driver to the permissions."""
    checks.check("database driver", "", lambda: _driver(database))
    checks.check("database login", "", lambda: _login(database), "database driver")
    checks.check("tables", "", lambda: _tables(database), "database login")
    checks.check("database clock", "", lambda: clocks(database.clock(), datetime.now(UTC)), "database login")


def _driver(database: VirtualCenter) -> CheckOutcome:
    database.prepare()
    return CheckOutcome(database.display_url)


def _login(database: VirtualCenter) -> CheckOutcome:
    owner = database.find_owner()
    return CheckOutcome(f"accepted; the owner of the tables is {owner}" if owner else "accepted")


def _tables(database: VirtualCenter) -> list[CheckOutcome]:
    """Read everything that a run reads, for a VM and a datastore that cannot exist."""
    found = database.vms([-1])
    database.snapshots([-1])
    outcomes = []
    if not found.names_readable:
        outcomes.append(CheckOutcome("the names of VMs cannot be read", "grant SELECT on VPX_ENTITY (sql/grants.sql)"))
    if not found.hosts_readable:
        outcomes.append(CheckOutcome("the hosts of VMs cannot be read", "grant SELECT on VPX_HOST (sql/grants.sql)"))
    if not found.where.disks_readable:
        text = "the disks of VMs cannot be read: a mounted ISO image makes a VM one of that datastore's VMs"
        outcomes.append(CheckOutcome(f"{text} (optional: VPX_VIRTUAL_DISK in sql/grants.sql)"))
    return outcomes or [CheckOutcome("everything that a run reads is readable")]


def clocks(theirs: datetime | None, ours: datetime) -> CheckOutcome:
    """Compare the database's clock with this machine's; None: this kind of database is not asked for its time."""
    if theirs is None:
        return CheckOutcome("not known for this kind of database")
    apart = (theirs - ours).total_seconds()
    if abs(apart) <= _APART:
        return CheckOutcome("within a minute of this machine's")
    how = "ahead of" if apart > 0 else "behind"
    remedy = "synchronize both machines by NTP: the ages of VM snapshots depend on it"
    return CheckOutcome(f"{abs(apart):.0f} s {how} this machine's", remedy)


def check_vcbsnapshot(checks: Checklist, settings: Config, vms: Sequence[Vm]) -> None:
    """Check that vcbsnapshot exists and logs in, by looking for a snapshot that no VM has."""
    checks.check("vcbsnapshot", "", lambda: CheckOutcome(vcb_of(settings).program()))
    checks.check("vcbsnapshot password", "", lambda: password_seen(settings.vcenter))
    if vms:
        login = lambda: CheckOutcome(vcb_of(settings).try_login(vms[0]))  # noqa: E731
        checks.check("vcbsnapshot login", "", login, "vcbsnapshot")
    else:
        text = "because there is no VM to try it on"
        checks.results.append(CheckResult("vcbsnapshot login", "", Mark.NOT_TRIED, text))


def password_seen(vcenter: Vcenter) -> CheckOutcome:
    """Say who can see the password of `-p`: vcbsnapshot takes it from its command line or from its own config.js."""
    if vcenter.password is None:
        return CheckOutcome("on no command line: VCB's own config.js supplies it")
    advice = "leave out `user` and `password` in [vcenter], and let VCB's own config.js supply them"
    names = [re.split(r"[/\\]", word)[-1].lower().removesuffix(".exe") for word in vcenter.vcbsnapshot]
    remote = next((name for name in names if name in _REMOTE), "")
    if remote:
        text = f"`-p` shows it in the process lists of this machine and of the one behind {remote}"
        return CheckOutcome(text, f"{advice} there (docs/legacy-sites.md)", "SA-7120")
    text = "while vcbsnapshot runs, `-p` shows it to everybody in the process list of this machine"
    return CheckOutcome(f"{text}; to avoid that, {advice} (docs/legacy-sites.md)")

"""The only clean-up: settles what a run owes, by looking first, for itself and for whoever comes after it."""

from __future__ import annotations

from snapall.backup.debts import Debts, owed
from snapall.backup.events import Failed
from snapall.backup.journal import Journal
from snapall.backup.means import Means
from snapall.backup.settle_filer import settle_filer
from snapall.backup.settle_vms import VmSettlement, names


class Settlement:
    """Settles one journal's debts. `wait`: stay until an unanswered create can no longer act.

    `patient`: stay at least until a filer command without an answer can no longer act, which is much shorter.
    """

    def __init__(self, journal: Journal, means: Means, wait: bool, *, patient: bool = True) -> None:
        self.journal = journal
        self.means = means
        self.patient = patient
        self.vms = VmSettlement(journal, means, wait)

    def settle(self, *, linger: bool = True) -> Debts:
        """Settle all that can be settled now; answers what is still owed. Not `linger`: no VM is waited for."""
        if not self._other_vcenter():
            if linger:
                self.vms.settle()
            else:
                self.vms.sweep()
        if not self._other_filer():
            settle_filer(self.journal, self.means, patient=self.patient)
        return owed(self.journal.facts)

    @property
    def reaches_vms(self) -> bool:
        """Whether the run's VMs can be named: a moref belongs to one VirtualCenter, another one has other VMs there."""
        return self.journal.began.vcenter == self.means.site.vcenter

    def _other_vcenter(self) -> bool:
        debts = owed(self.journal.facts).vms
        if not debts or self.reaches_vms:
            return False
        host = self.journal.began.vcenter
        self.means.tell(
            Failed(
                f"the run {self.journal.began.stamp} may have left {names(debts)} quiesced on VirtualCenter {host}, "
                f"but the configuration names {self.means.site.vcenter}",
                f"run `snapall recover` with a configuration whose vcenter.host is {host}",
            )
        )
        return True

    def _other_filer(self) -> bool:
        """The names of the chain are the same on every filer: on another one they are somebody else's."""
        debts, host = owed(self.journal.facts), self.journal.began.filer
        if not debts.filer or host == self.means.site.filer:
            return False
        self.means.tell(
            Failed(
                f"the run {self.journal.began.stamp} left its snapshots unsettled on filer {host}, "
                f"but the configuration names {self.means.site.filer}",
                f"run `snapall recover` with a configuration that has {host} as its filer's host",
            )
        )
        return True

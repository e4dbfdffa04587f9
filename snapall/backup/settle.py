"""The only clean-up of VMs: settles what a run owes, by looking first, for itself and for whoever comes after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from snapall.backup.crew import Crew
from snapall.backup.debts import Debts, VmDebt, owed
from snapall.backup.events import Failed, VmFree, Waiting, Warned
from snapall.backup.facts import Found, Gone, Unheld
from snapall.backup.journal import Journal
from snapall.backup.means import Means
from snapall.backup.model import VmSnapshot
from snapall.backup.plan import Stage
from snapall.backup.settle_filer import settle_filer
from snapall.backup.steps import Done, Release
from snapall.errors import SiteError

_LONGEST_PAUSE = 30.0  # seconds between two looks while waiting
_STOPPED_WAIT = 30.0  # seconds that a stopped run still waits for rows to vanish


class Settlement:
    """Settles one journal's debts. `wait`: stay until an unanswered create can no longer act.

    `patient`: stay at least until a filer command without an answer can no longer act, which is much shorter.
    """

    def __init__(self, journal: Journal, means: Means, wait: bool, *, patient: bool = True) -> None:
        self.journal = journal
        self.means = means
        self.wait = wait
        self.patient = patient
        self.unreachable = False  # whether the database could not be asked at the last look
        self._sent: Counter[str] = Counter()
        self._began = means.clock.utc()
        self._settling = timedelta(seconds=journal.began.pace.settle)

    def settle(self) -> Debts:
        """Settle all that can be settled now; answers what is still owed."""
        if not self._other_vcenter():
            self.settle_vms()
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
        host, vms = self.journal.began.vcenter, _names(debts)
        self.means.tell(
            Failed(
                f"the run {self.journal.began.stamp} may have left {vms} quiesced on VirtualCenter {host}, "
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

    # VMs

    def settle_vms(self) -> None:
        """Look, release, look again, until nothing is owed or nothing more can be done now."""
        pause = 1.0
        while debts := owed(self.journal.facts).vms:
            rows = self.look(debts)
            if due := self._due(owed(self.journal.facts).vms, rows):
                self.release(due)
                continue
            until = self._until(owed(self.journal.facts).vms)
            if until is None or self.means.clock.utc() >= until:
                return
            self.means.tell(Waiting(until, f"{_names(debts)}: a snapshot may still appear or vanish"))
            left = (until - self.means.clock.utc()).total_seconds()
            self.means.clock.wait(min(pause, left), self._called_off)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def look(self, debts: Sequence[VmDebt]) -> tuple[VmSnapshot, ...] | None:
        """Ask the database once, and note what was found and what is gone. None: it cannot be asked."""
        try:
            rows = self.means.site.vm_snapshots([debt.vm.id for debt in debts])
        except SiteError as error:
            if not self.unreachable:
                self.means.tell(Warned(f"cannot look for VM snapshots: {error.message}", error.hint))
            self.unreachable = True
            return None
        self.unreachable = False
        asked = {debt.vm.id: debt.asked for debt in owed(self.journal.facts).vms}
        for debt in debts:
            if mine := debt.ours(rows):
                self._found(debt, mine)
            elif asked.get(debt.vm.id) == debt.asked:  # else a removal was sent meanwhile: the next look tells of it
                self._missed(debt, rows)
        return rows

    def _found(self, debt: VmDebt, mine: Sequence[VmSnapshot]) -> None:
        if not debt.seen:
            self.journal.note(Found(debt.vm.id, mine[0].ssid))
            if debt.ssid and debt.ssid not in {row.ssid for row in mine}:
                self._disagree(debt, mine[0].ssid)

    def _missed(self, debt: VmDebt, rows: tuple[VmSnapshot, ...]) -> None:
        """Nothing of this debt is listed: that may be its end."""
        if debt.seen and not debt.asked:
            self.journal.note(Unheld(debt.vm.id))
        if how := self._over(debt, rows):
            self.journal.note(Gone(debt.vm.id, how))
            self.means.tell(VmFree(debt.vm))

    def _disagree(self, debt: VmDebt, listed: str) -> None:
        text = f"{debt.vm.label}: vcbsnapshot said {debt.ssid}, the database lists {listed} as {debt.name}"
        self.means.tell(Warned(text, "the printed id is used; if this goes on, tell the developers of snapall"))

    def sweep(self) -> None:
        """Look once, and release what has not been asked for yet; nothing is waited for."""
        rows = self.look(owed(self.journal.facts).vms)
        if due := self._due(owed(self.journal.facts).vms, rows):
            self.release(due)
            self.look(owed(self.journal.facts).vms)

    def release(self, due: Sequence[tuple[VmDebt, str]]) -> None:
        """Remove these snapshots by id, a few at a time; nothing stops this but its end."""
        for _, ssid in due:
            self._sent[ssid] += 1
        parallel, threads = self.journal.began.pace.parallel, self.means.threads
        crew = Crew(due, self._release, parallel, stubborn=True, threads=threads)
        crew.wait(lambda: False)
        for error in crew.errors[:1]:
            raise error

    def _release(self, one: tuple[VmDebt, str]) -> None:
        debt, ssid = one
        outcome = self.means.act_anyway(self.journal, Stage.UNQUIESCE, Release(debt.vm, ssid))
        if isinstance(outcome, Done) and outcome.already and not debt.asked:
            self.journal.note(Unheld(debt.vm.id))

    def _due(self, debts: Sequence[VmDebt], rows: tuple[VmSnapshot, ...] | None) -> list[tuple[VmDebt, str]]:
        """The removals to send now: what is listed and not yet removed, or what only an answer told of."""
        due = []
        for debt in debts:
            listed = [row.ssid for row in debt.ours(rows or ())]
            if debt.released is not None:  # again only for another id, or where the answer was not true
                outlived = self.means.clock.utc() >= debt.released + self._settling
                again = [ssid for ssid in listed if outlived or ssid not in debt.asked]
                due += [(debt, ssid) for ssid in again if not self._sent[ssid]]
                continue
            unlisted = [debt.ssid] if debt.ssid and debt.ssid not in listed and not self._sent[debt.ssid] else []
            # A printed id wins over a row's: vcbsnapshot itself said it.
            for ssid in unlisted or listed:
                if not self._sent[ssid] or (self.wait and self._again(ssid)):
                    due.append((debt, ssid))
        return due

    def _again(self, ssid: str) -> bool:
        """A removal that did not work, though its snapshot is still listed, is tried anew with growing pauses."""
        waited = (self.means.clock.utc() - self._began).total_seconds()
        return waited >= 15 * 2.0 ** (self._sent[ssid] - 1)

    def _over(self, debt: VmDebt, rows: tuple[VmSnapshot, ...]) -> str:
        """Why nothing of ours is left on the VM although no row tells; "" while that cannot be said."""
        if debt.released is not None:
            return "removed, and no longer listed"
        if debt.ssid and not debt.asked:
            return ""  # the database may lag: a removal by the known id costs nothing and makes sure
        if debt.seen:
            return "no longer listed"
        alive = debt.child is not None and self.means.site.alive(debt.child)
        if self.means.clock.utc() < debt.settled_at or alive or debt.ambiguous(rows):
            return ""
        return "never listed, and too late to appear" if not debt.ssid else "not listed"

    def _until(self, debts: Sequence[VmDebt]) -> datetime | None:
        """When waiting ends at the latest; None: there is nothing to wait for."""
        if self._called_off():
            return None
        ends = []
        for debt in debts:
            if debt.released is not None and not self.unreachable:
                ends.append(debt.released + self._settling)
            elif self.wait:
                pace = self.journal.began.pace
                answer = timedelta(seconds=pace.create_timeout if debt.child is not None else 0)
                later = self._began + self._settling if debt.ssid else debt.settled_at
                ends.append(max(debt.settled_at + answer, later))
        # A run that was told to stop finishes its release, yet does not look long whether that took effect.
        shortest = [self._began + timedelta(seconds=_STOPPED_WAIT)] if self.means.stopped() else []
        return min([max(ends), *shortest]) if ends else None

    def _called_off(self) -> bool:
        """Whether to wait no longer: a signal ends a recover at once."""
        return self.wait and self.means.stopped()


def _names(debts: Sequence[VmDebt]) -> str:
    return ", ".join(debt.vm.label for debt in debts)

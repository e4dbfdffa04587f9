"""The only release: settles what a run owes on its VMs, for the run itself and for whoever comes after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from snapall.backup.crew import Crew
from snapall.backup.debts import VmDebt, owed
from snapall.backup.events import Failed, Happening, VmFree, Waiting, Warned
from snapall.backup.facts import Found, Gone, Unheld, Unregistered
from snapall.backup.journal import Journal
from snapall.backup.means import Means
from snapall.backup.model import VmSnapshot
from snapall.backup.plan import Stage
from snapall.backup.retries import Retries
from snapall.backup.steps import Done, Release
from snapall.errors import SiteError

_LONGEST_PAUSE = 30.0  # seconds between two looks while waiting
_STOPPED_WAIT = 30.0  # seconds that a stopped run still waits: for rows to vanish, or for another task to end


class VmSettlement:
    """Settles one journal's VMs. `wait`: stay until an unanswered create can no longer act."""

    def __init__(self, journal: Journal, means: Means, wait: bool) -> None:
        self.journal = journal
        self.means = means
        self.wait = wait
        self.unreachable = False  # whether the database could not be asked at the last look
        self._settling = timedelta(seconds=journal.began.pace.settle)
        self._retries = Retries(means.clock.monotonic, journal.began.pace.settle if wait else 0.0)
        self._moved: set[int] = set()  # VMs whose new host was told
        self._first: dict[tuple[int, datetime], float] = {}  # when a moment was first asked about; monotonic

    @property
    def _debts(self) -> tuple[VmDebt, ...]:
        return owed(self.journal.facts).vms

    def settle(self) -> None:
        """Look, release, look again, until nothing is owed or nothing more can be done now."""
        clock, pause = self.means.clock, 1.0
        began = clock.monotonic()
        while self.sweep():
            debts = self._debts
            left = self._left(debts, clock.monotonic() - began)
            if left <= 0:
                return
            self.means.tell(Waiting(clock.utc() + timedelta(seconds=left), self._why(debts)))
            again = self._retries.due_in(_ids(debts))
            stopped = self.means.stopped()
            clock.wait(
                min(pause, left, again or pause),
                lambda stopped=stopped: self.means.stopped() and not stopped,  # type: ignore[misc]
            )
            pause = min(2 * pause, _LONGEST_PAUSE)

    def sweep(self) -> bool:
        """Look, and release what may be released now; nothing is waited for. Answers whether something is owed yet."""
        while debts := self._debts:
            rows = self.look(debts)
            due = self._due(self._debts, rows)
            if not due:
                break
            self.release(due)
        return bool(self._debts)

    def look(self, debts: Sequence[VmDebt]) -> tuple[VmSnapshot, ...] | None:
        """Ask the database once, and note what was found and what is gone. None: it cannot be asked."""
        try:
            rows = self.means.site.vm_snapshots([debt.vm.id for debt in debts])
            doubtful = [debt.vm.id for debt in debts if debt.released is None and (debt.asked or not debt.ours(rows))]
            known = self.means.site.registered(doubtful) if doubtful else {}
        except SiteError as error:
            if not self.unreachable:
                self.means.tell(Warned(f"cannot look for VM snapshots: {error.message}", error.hint))
            self.unreachable = True
            return None
        self.unreachable = False
        asked = {debt.vm.id: debt.asked for debt in self._debts}
        seen = _Seen()
        for debt in debts:
            if mine := debt.ours(rows):
                self._found(debt, mine, known, seen)
            elif asked.get(debt.vm.id) == debt.asked:  # else a removal was sent meanwhile: the next look tells of it
                self._missed(debt, rows, known, seen)
        if seen.facts:
            self.journal.note(*seen.facts)
        for happening in seen.told:
            self.means.tell(happening)
        return rows

    def _found(self, debt: VmDebt, mine: Sequence[VmSnapshot], known: Mapping[int, str | None], seen: _Seen) -> None:
        if not debt.seen:
            seen.facts.append(Found(debt.vm.id, mine[0].ssid))
            if debt.ssid and debt.ssid not in {row.ssid for row in mine}:
                seen.told.append(_disagreement(debt, mine[0].ssid))
        host = known.get(debt.vm.id)
        if host is not None and debt.vm.host not in (None, host) and debt.vm.id not in self._moved:
            self._moved.add(debt.vm.id)
            text = f"{debt.vm.label} has moved from {debt.vm.host} to {host} since it was quiesced"
            seen.told.append(Warned(text, "nothing is to be done: its moref is the same, and it is released by that"))

    def _missed(self, debt: VmDebt, rows: tuple[VmSnapshot, ...], known: Mapping[int, str | None], seen: _Seen) -> None:
        """Nothing of this debt is listed: that may be its end."""
        if debt.released is None and debt.vm.id not in known and (debt.asked or not debt.ssid):
            seen.facts.append(Unregistered(debt.vm.id))  # a known id is tried first: the database alone is not believed
            seen.told.append(_giving_up(debt))
            return
        if debt.seen and not debt.asked:
            seen.facts.append(Unheld(debt.vm.id))
        if how := self._over(debt, rows):
            seen.facts.append(Gone(debt.vm.id, how))
            seen.told.append(VmFree(debt.vm))

    def release(self, due: Sequence[tuple[VmDebt, str]]) -> None:
        """Remove these snapshots by id, a few at a time; nothing stops this but its end."""
        parallel, threads = self.journal.began.pace.parallel, self.means.threads
        crew = Crew(due, self._release, parallel, stubborn=True, threads=threads)
        crew.wait(lambda: False)
        for error in crew.errors[:1]:
            raise error

    def _release(self, one: tuple[VmDebt, str]) -> None:
        debt, ssid = one
        self._retries.sending(ssid)
        outcome = self.means.act_anyway(self.journal, Stage.UNQUIESCE, Release(debt.vm, ssid))
        self._retries.answered(ssid, outcome)
        if isinstance(outcome, Done) and outcome.already and not debt.asked:
            self.journal.note(Unheld(debt.vm.id))

    def _due(self, debts: Sequence[VmDebt], rows: tuple[VmSnapshot, ...] | None) -> list[tuple[VmDebt, str]]:
        """The removals to send now, one for each VM: what is listed, or what only an answer told of."""
        due = []
        for debt in debts:
            ssids = [row.ssid for row in debt.ours(rows or ())]
            if debt.released is not None:  # again only for another id, or where the answer was not true
                outlived = self._until(debt, debt.released + self._settling) <= 0
                ssids = [
                    one
                    for one in ssids
                    if outlived or one not in debt.removed or self._retries.due_in([one]) is not None
                ]
            elif debt.ssid and debt.ssid not in ssids:
                ssids.insert(0, debt.ssid)  # a printed id wins over a row's: vcbsnapshot itself said it
            due += [(debt, ssid) for ssid in ssids if self._retries.may(ssid)][:1]
        return due

    def _over(self, debt: VmDebt, rows: tuple[VmSnapshot, ...]) -> str:
        """Why nothing of ours is left on the VM although no row tells; "" while that cannot be said."""
        if debt.released is not None:
            return "removed, and no longer listed"
        if debt.ssid and not debt.asked:
            return ""  # the database may lag: a removal by the known id costs nothing and makes sure
        if debt.seen:
            return "no longer listed"
        alive = debt.child is not None and self.means.site.alive(debt.child)
        if self._until(debt, debt.settled_at) > 0 or alive or debt.ambiguous(rows):
            return ""
        return "never listed, and too late to appear" if not debt.ssid else "not listed"

    def _left(self, debts: Sequence[VmDebt], passed: float) -> float:
        """Seconds until waiting ends at the latest; 0: there is nothing to wait for."""
        if self.wait and self.means.stopped():
            return 0.0  # a signal ends a recover at once
        pace = self.journal.began.pace
        ends = [self._retries.left(_ids(debts))]
        for debt in debts:
            if debt.released is not None and not self.unreachable:
                ends.append(self._until(debt, debt.released + self._settling))
            elif self.wait:
                answer = pace.create_timeout if debt.child is not None else 0.0
                later = pace.settle - passed if debt.ssid else 0.0
                ends += [self._until(debt, debt.settled_at) + answer, later]
        # A run that was told to stop finishes its release, yet does not look long whether that took effect.
        return min(max(ends), _STOPPED_WAIT - passed) if self.means.stopped() else max(ends)

    def _until(self, debt: VmDebt, moment: datetime) -> float:
        """Seconds until a moment `settle` after something; a clock that was set back makes nobody wait for longer."""
        now = self.means.clock.monotonic()
        first = self._first.setdefault((debt.vm.id, moment), now)
        left = (moment - self.means.clock.utc()).total_seconds()
        return min(left, self._settling.total_seconds() - (now - first))

    def _why(self, debts: Sequence[VmDebt]) -> str:
        hindered = [debt for debt in debts if self._retries.busy(_ids([debt]))]
        if hindered:
            return f"{names(hindered)}: another task is in the way of the removal, which is tried again"
        return f"{names(debts)}: a snapshot may still appear or vanish"


@dataclass(slots=True)
class _Seen:
    """What one look tells. Its facts are written at once: one fsync for each of many VMs would keep them waiting."""

    facts: list[Found | Gone | Unheld | Unregistered] = field(default_factory=list)
    told: list[Happening] = field(default_factory=list)


def _giving_up(debt: VmDebt) -> Happening:
    """VirtualCenter does not know the VM: its moref is dead, and a VM that is registered again gets a new one."""
    text = f"{debt.vm.label} is not registered in VirtualCenter any more"
    if debt.watched:
        return Warned(f"{text}; it was not quiesced")
    what = f"{debt.name} ({debt.ssid})" if debt.ssid else f"{debt.name}, if it was made,"
    return Failed(
        f"{text}: {what} can no longer be removed from it by snapall",
        "if the VM's files are kept, so is its snapshot: when the VM is registered again (under a new moref), "
        "remove it in the Snapshot Manager, or by `snapall recover --adopt`",
    )


def _disagreement(debt: VmDebt, listed: str) -> Happening:
    text = f"{debt.vm.label}: vcbsnapshot said {debt.ssid}, the database lists {listed} as {debt.name}"
    return Warned(text, "the printed id is used; if this goes on, tell the developers of snapall")


def names(debts: Sequence[VmDebt]) -> str:
    """The VMs of these debts, as messages name them."""
    return ", ".join(debt.vm.label for debt in debts)


def _ids(debts: Sequence[VmDebt]) -> set[str]:
    """The ids whose removal was ever sent."""
    return {ssid for debt in debts for ssid in debt.asked}

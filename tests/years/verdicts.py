"""What must hold of a command when it has ended, and of the site after a patient recover: by the world alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from snapall.backup.model import Order
from snapall.backup.outcome import QUIESCED
from snapall.errors import Exit
from tests.years.judge import StrictJudge
from tests.years.process import Process
from tests.years.world import VmRow, World

KILLED = 137


@dataclass(frozen=True)
class Before:
    """The world as a command found it."""

    chains: dict[str, tuple[int, ...]]  # the serials of the job's backups, by volume
    meddled: int  # how often others have touched the filer


@dataclass(frozen=True)
class _Scope:
    """Whose snapshots a command answers for: those of one job, or of one run; "": of all."""

    job: str = ""
    mark: str = ""

    def covers(self, job: str, mark: str) -> bool:
        return self.job in {"", job} and self.mark in {"", mark}


@dataclass
class Verdicts:
    """Judges commands by their exit codes and by what they leave."""

    world: World
    judge: StrictJudge
    meddled: int = 0
    disturbed: set[int] = field(default_factory=set)  # the serials of snapshots that others renamed or deleted

    def before(self, process: Process) -> Before:
        return Before(self._chains(process), self.meddled)

    def _chains(self, process: Process) -> dict[str, tuple[int, ...]]:
        """What counts, the newest first: no more than the chain can hold."""
        most = len(process.job.chain)
        return {
            volume: tuple(sorted((one.serial for one in self.judge.backups(process, volume)), reverse=True)[:most])
            for volume in process.job.volumes
        }

    def after(self, process: Process, code: int, before: Before) -> None:
        """Report to the judge every rule that a command broke."""
        for text in self._broken(process, code, before):
            self.judge.say(process, f"exit {code}: {text}")

    def _broken(self, process: Process, code: int, before: Before) -> Iterator[str]:
        yield from self._lost(process, code, before)
        if code == KILLED:
            return
        mine = _Scope(
            job="" if process.words.startswith("recover") else process.job.name,
            mark=process.mark if process.words == "guardian" else "",
        )
        if code not in {Exit.OUTSTANDING, Exit.LOCKED} and "adopt" not in process.words:
            yield from self._left(code, mine)
        if process.runs:
            yield from self._certified(process)
        if process.runs and code == Exit.OK:
            yield from self._whole(process)
        partial = process.runs and code == Exit.PARTIAL and self.meddled == before.meddled
        if partial and not self.judge.complete(process.mark):
            yield "there is no whole backup"

    def _left(self, code: int, mine: _Scope) -> Iterator[str]:
        """Nothing of ours that it knew of is left or may come, but for what exit 3 allows."""
        for row in self.world.ours():
            if mine.covers(row.job, row.by) and not (code != Exit.OK and _forgiven(row, self.world)):
                yield f"{row.ssid} ({row.name}) is left on vm-{row.vm}"
        for one in self.world.pending_creates:
            known = one.vm in self.world.vms and mine.covers(one.process.job.name, one.mark)
            if known and not (code != Exit.OK and one.said_failed):
                yield f"a snapshot of run {one.mark} may still appear on vm-{one.vm}"

    def _certified(self, process: Process) -> Iterator[str]:
        """Whoever is certified as quiesced was so at the moment of every capture."""
        if process.certified is None or not self.judge.complete(process.mark):
            return
        snaps = self.world.of_run(process.mark)
        for verdict in process.certified.verdicts:
            missing = [v for v, one in snaps.items() if verdict.state == QUIESCED and verdict.vm.id not in one.quiesced]
            if missing:
                yield f"vm-{verdict.vm.id} is certified, and was not quiesced at the capture of {', '.join(missing)}"

    def _whole(self, process: Process) -> Iterator[str]:
        snaps = self.world.of_run(process.mark)
        wanted = process.job.newest
        for volume in process.job.volumes:
            snap = snaps.get(volume)
            if process.mark in self.judge.spoiled:
                continue
            if snap is None:
                yield f"there is no new backup on {volume}"
            elif snap.name != wanted and process.mark not in self.judge.kept:
                yield f"the new backup on {volume} is called {snap.name}"
            elif missing := [vm.label for vm in process.eligible if vm.id not in snap.quiesced]:
                yield f"{', '.join(missing)} was not quiesced at the capture of {volume}"

    def _lost(self, process: Process, code: int, before: Before) -> Iterator[str]:
        """As many retained backups as before; in paper order one less at most."""
        spare = 1 if process.job.order is Order.PAPER and process.runs and code != Exit.OK else 0
        after = self._chains(process)
        for volume, serials in before.chains.items():
            present = {one.serial for one in self.world.volumes[volume]}
            now, renamed = after[volume], [one for one in serials if one in self.disturbed]
            gone = [one for one in serials if one not in present and one not in self.disturbed]
            if len(now) < len(serials) - spare - len(renamed):
                yield f"{volume} had {len(serials)} retained backups and has {len(now)}"
            if process.runs and code in {Exit.FAILED, Exit.STOPPED} and not spare and gone:
                yield f"a failed run deleted {len(gone)} retained backups of {volume}"

    def rivals(self) -> list[VmRow]:
        """Somebody else's snapshots beside ours of the same name, where snapall cannot tell which is which."""
        ours = {(row.vm, row.name) for row in self.world.ours()}
        return [row for row in self.world.rows.values() if not row.by and (row.vm, row.name) in ours]

    def at_rest(self, process: Process, code: int, open_runs: int) -> None:
        """After a patient recover of a site that behaves well again nothing is left, and nothing may come."""
        hung = any(ends > self.world.turns.now for ends in self.world.programs.values())
        if hung:
            return
        for text in [*self._left(Exit.OK, _Scope()), *([f"{open_runs} journals are open"] if open_runs else [])]:
            self.judge.say(process, f"exit {code}, and the site is at rest, but {text}")


def _forgiven(row: VmRow, world: World) -> bool:
    """What exit 3 may leave: a removal that was answered well while the database is out of reach; a failed create's."""
    return row.said_failed or (row.said_removed and world.turns.now < world.database_up_at)

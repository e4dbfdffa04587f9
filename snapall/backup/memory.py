"""What the journals of a state folder say together: open runs, whose the filer's snapshots are, what may go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from snapall.backup.clock import Clock
from snapall.backup.debts import Debts, owed
from snapall.backup.facts import Began, Ended, Origin, Surveyed
from snapall.backup.holder import NO_PROCESSES, Processes
from snapall.backup.journal import Journal, is_open, journals, path_of
from snapall.backup.lock import at_work
from snapall.backup.provenance import origins
from snapall.backup.stamps import take
from snapall.errors import Exit, JournalError


@dataclass(frozen=True, slots=True)
class Memory:
    """The state folder of a configuration."""

    state: Path
    clock: Clock
    processes: Processes = NO_PROCESSES

    @property
    def folder(self) -> Path:
        """Where the journals lie."""
        return self.state / "journals"

    def begin(self, began: Began) -> Journal:
        """A new run's journal."""
        return Journal.create(self.folder, began, self.clock)

    def path(self, job: str, stamp: str) -> Path:
        """Where the journal of a run lies, or will lie."""
        return path_of(self.folder, job, stamp)

    def stamp(self) -> str:
        """The stamp of a new run, of whatever job."""
        return take(self.state, self.clock.utc())

    def open_runs(self, job: str | None = None) -> list[Path]:
        """The journals that still owe something, oldest first."""
        return [path for path in journals(self.folder, job) if is_open(path)]

    def unsettled(self, but: str) -> list[str]:
        """The other jobs with an open journal that nobody is at work on."""
        return [job for job in self.jobs() if job != but and not at_work(self.state, job, self.processes)]

    def jobs(self) -> list[str]:
        """The jobs that have an open journal, whether configured or not."""
        return sorted({path.stem.rpartition("-")[0] for path in self.open_runs()})

    def open(self, path: Path) -> Journal:
        """Take up a journal."""
        return Journal.open(path, self.clock)

    def owing(self, job: str) -> tuple[Debts, ...]:
        """What the open runs of a job owe, for a plan that only looks."""
        return tuple(owed(self.open(path).facts) for path in self.open_runs(job))

    def newest(self, job: str) -> Journal | None:
        """The last run that got as far as its survey; a journal that cannot be read is passed over."""
        for path in reversed(journals(self.folder, job)):
            try:
                journal = self.open(path)
            except JournalError:
                continue
            if any(isinstance(noted.fact, Surveyed) for noted in journal.facts):
                return journal
        return None

    def known(self, job: str, settled: Sequence[Journal] = ()) -> tuple[Origin, ...]:
        """Whose backups the filer's snapshots are, by the newest run and by older ones that were settled just now."""
        newest = self.newest(job)
        known = {(one.volume, one.name, one.date): one for one in (origins(newest.facts) if newest else ())}
        for journal in settled:
            for one in origins(journal.facts):
                if one.run == journal.began.stamp:
                    known.setdefault((one.volume, one.name, one.date), one)
        return tuple(known.values())

    def close(self, journal: Journal, code: Exit, text: str) -> Debts:
        """Write the report; answers what stays owed, which is what keeps the journal open."""
        debts = owed(journal.facts)
        journal.note(Ended(int(code), bool(debts), text))
        return debts

    def prune(self, job: str, keep: int) -> None:
        """Forget the oldest runs beyond `keep`; never one that owes something, nor the last that knows the chain."""
        newest = self.newest(job)
        paths = journals(self.folder, job)
        for path in paths[: max(0, len(paths) - max(1, keep))]:
            if not is_open(path) and (newest is None or path != newest.path):
                try:
                    path.unlink()
                except OSError as error:
                    raise JournalError(f"the old journal {path} cannot be removed: {error.strerror}") from error

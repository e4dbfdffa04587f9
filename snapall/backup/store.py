"""The journals of a state folder: open runs, the VMs and snapshots that they own, new stamps, and pruning."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from snapall.backup import patience, private
from snapall.backup.clock import Clock
from snapall.backup.context import Claims
from snapall.backup.facts import Began
from snapall.backup.holder import NO_PROCESSES, Processes
from snapall.backup.journal import Journal, closing_summary, is_closed, is_open, journals, path_of
from snapall.backup.lock import at_work, hold, wanted
from snapall.backup.lockfile import briefly
from snapall.backup.model import stamp_of, time_of
from snapall.backup.origins import origins
from snapall.backup.outcome import Origin, Summary
from snapall.backup.queries import owned
from snapall.backup.readback import Damaged, read_journal
from snapall.backup.runstate import RunState
from snapall.backup.state import fold
from snapall.backup.summary import summarize
from snapall.errors import JournalError, Notify


@dataclass(frozen=True, slots=True)
class JournalStore:
    """The state folder of a configuration."""

    state: Path
    clock: Clock
    processes: Processes = NO_PROCESSES

    @property
    def folder(self) -> Path:
        """The folder of the journals."""
        return self.state / "journals"

    def begin(self, began: Began) -> Journal:
        """Begin the journal of a new run."""
        return Journal.create(self.folder, began, self.clock)

    def path(self, job: str, stamp: str) -> Path:
        """The file of a run's journal, written or not."""
        return path_of(self.folder, job, stamp)

    def stamp(self) -> str:
        """Take the stamp of a new run: this second, or the first one after all stamps taken here.

        Names of snapshots end in it, so two jobs that begin in the same second need different ones. The latest stamp
        marks the newest journal, so a clock that was set back must not produce an older one. Untrusted: another user
        could lock it. Nothing else raises: a full disk that keeps the stamp from being saved also stops the journal.
        """
        last = self.state / "last.stamp"
        with briefly(self.state / "stamps.lock"):
            taken = [path.stem.rpartition("-")[2] for path in journals(self.folder)]
            with suppress(OSError, ValueError):
                taken.append(patience.patiently(lambda: last.read_text(encoding="ascii"), last))
            latest = max(filter(None, map(time_of, taken)), default=datetime.min.replace(tzinfo=UTC))
            stamp = stamp_of(max(self.clock.utc(), latest + timedelta(seconds=1)))
            with suppress(OSError):
                private.write(last, stamp)
            return stamp

    def lock(
        self,
        job: str,
        role: str,
        stopped: Callable[[], bool],
        waiting: Notify,
        *,
        yielding: bool = False,
    ) -> AbstractContextManager[None]:
        """Take the job's lock, as everybody does who changes the site. Raises what `lock.hold` raises."""
        return hold(self.state, job, role, self.clock, stopped, waiting, processes=self.processes, yielding=yielding)

    def wanted(self, job: str) -> bool:
        """Whether a run waits for the job's lock."""
        return wanted(self.state, job)

    def open_runs(self, job: str | None = None) -> list[Path]:
        """The journals with outstanding work, oldest first."""
        return [path for path in journals(self.folder, job) if is_open(path)]

    def unsettled(self, but: str) -> list[str]:
        """The other jobs with an open journal and no process at work on it."""
        return [job for job in self.jobs() if job != but and not at_work(self.state, job, self.processes)]

    def jobs(self) -> list[str]:
        """The jobs with an open journal, configured or not."""
        return sorted({path.stem.rpartition("-")[0] for path in self.open_runs()})

    def open(self, path: Path) -> Journal:
        """Take over a journal."""
        return Journal.open(path, self.clock)

    def read(self, path: Path) -> RunState:
        """The state of a run. JournalError: its journal cannot be read."""
        return fold(self.open(path).records)

    def states(self, but: Container[Path] = ()) -> tuple[RunState, ...]:
        """The states of all open runs, of any job; of damaged journals, the readable part."""
        found = []
        for path in journals(self.folder):
            try:
                if path not in but and is_open(path):
                    found.append(self.read(path))
            except Damaged as error:
                found += [error.state] if error.state.began is not None else []
            except JournalError:
                continue
        return tuple(found)

    def claims(self, own: Path, vcenter: str) -> Claims:
        """The check that a run makes before it quiesces VMs of this VirtualCenter; `own` is its journal.

        Check and intents happen under one lock of the state folder, so that one of two runs comes first.
        """
        closed = {own}  # a closed run quiesces no VM any more

        @contextmanager
        def claim(vms: Collection[int]) -> Iterator[Mapping[int, str]]:
            with briefly(self.state / "vms.lock"):
                closed.update(path for path in journals(self.folder) if path not in closed and is_closed(path))
                states = [state for state in self.states(but=closed) if state.header.vcenter == vcenter]
                yield owned(states, vms)

        return claim

    def newest(self, job: str) -> Journal | None:
        """The journal of the last run that finished its survey; unreadable journals are passed over."""
        found = self._newest(job)
        return self.open(found[0]) if found is not None else None

    def new_for(self, job: str) -> str:
        """The state folder, if no run of the job that surveyed the site is on record there; otherwise ""."""
        return str(self.state) if self._newest(job) is None else ""

    def _newest(self, job: str) -> tuple[Path, Summary] | None:
        for path in reversed(journals(self.folder, job)):
            try:
                summary = read_summary(path)
            except JournalError:
                continue
            if summary is not None and summary.surveyed:
                return path, summary
        return None

    def known(self, job: str, settled: Sequence[RunState] = ()) -> tuple[Origin, ...]:
        """The origins of the filer's snapshots, by the newest run and by older runs that were `settled` just now."""
        newest = self._newest(job)
        found = newest[1].origins if newest is not None else ()
        known = {(one.volume, one.name, one.date): one for one in found}
        for state in settled:
            for one in origins(state):
                if one.run == state.header.stamp:
                    known.setdefault((one.volume, one.name, one.date), one)
        return tuple(known.values())

    def prune(self, job: str, keep: int) -> None:
        """Delete the oldest journals beyond `keep`, except open ones and the last one that knows the chain.

        JournalError: one of them stays; the others are gone.
        """
        newest = self._newest(job)
        paths = journals(self.folder, job)
        old = paths[: max(0, len(paths) - max(1, keep))]
        due = [path for path in old if not is_open(path) and (newest is None or path != newest[0])]
        for path, error in patience.unlink_all(due).items():
            raise JournalError(
                f"the old journal {path} cannot be removed: {error.strerror}",
                "check the permissions of the folder, and on Windows whether another program has the file open",
                "SA-1510",
            ) from error


def read_summary(path: Path) -> Summary | None:
    """The summary of a run: its last line if that sums up all before it, otherwise the fold of the whole journal.

    None: the run died before it did anything. JournalError: the journal cannot be read.
    """
    return closing_summary(path) or summarize(fold(read_journal(path)[0]))

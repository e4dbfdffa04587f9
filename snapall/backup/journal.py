"""The durable memory of a run: one JSON line a fact, fsynced before the act."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from snapall.backup import private
from snapall.backup.appending import Appending
from snapall.backup.clock import Clock
from snapall.backup.factlines import from_line, to_line
from snapall.backup.facts import Answered, Began, Ended, Fact, Intent, Noted, Proven, Started
from snapall.backup.steps import Step
from snapall.errors import JournalError


class Journal:
    """One run's file, and the same facts in memory: an undo reads the memory, so it needs no disk.

    Safe to use from several threads. An answer is written at once, so that it outlives the process, and is synced with
    the next intent: before anything is done that rests on it. A power cut before that makes it an unknown outcome.
    """

    def __init__(self, path: Path, clock: Clock, facts: list[Noted], size: int) -> None:
        self.path = path
        self.broken = ""  # why the last write failed
        self._clock = clock
        self._facts = facts
        self._file = Appending(path, size)
        # A full disk may have kept an intent from the file, not its answer: counting would give a number twice.
        numbered = (noted.fact for noted in facts)
        self._intents = max((fact.n for fact in numbered if isinstance(fact, Intent | Started | Answered)), default=0)
        self._left = False
        self._lock = threading.Lock()

    @classmethod
    def create(cls, folder: Path, began: Began, clock: Clock) -> Self:
        """Begin the journal of a new run. JournalError: the folder cannot be written."""
        path = path_of(folder, began.job.name, began.stamp)
        try:
            private.make_folder_in(folder.parent, folder.name)
            private.create(path)
            for ours in (folder, folder.parent):
                _sync_folder(ours)
            # A journal is lost with any folder above it, and the lock, or a run that died, may have made some of them.
            for above in folder.parent.parents:
                with suppress(OSError):  # one that we may not read was there before
                    _sync_folder(above)
        except OSError as error:
            raise JournalError(f"the journal {path} cannot be written: {error.strerror}", JournalError.ROOM) from error
        journal = cls(path, clock, [], 0)
        try:
            journal.write(began)
        except JournalError:
            with suppress(OSError):
                path.unlink()
            raise
        return journal

    @classmethod
    def open(cls, path: Path, clock: Clock) -> Self:
        """Take up an earlier journal; a torn last line is a fact that was never acted upon, and is cut off."""
        facts, size = _read(path)
        return cls(path, clock, facts, size)

    @property
    def facts(self) -> tuple[Noted, ...]:
        """All that is known of this run, oldest first."""
        with self._lock:
            return tuple(self._facts)

    @property
    def began(self) -> Began:
        """The header. JournalError: the file has none, so nothing was ever done in its name."""
        for noted in self.facts[:1]:
            if isinstance(noted.fact, Began):
                return noted.fact
        raise JournalError(f"the journal {self.path} has no header", "nothing was done in its name; move it away")

    def intend(self, step: Step) -> int:
        """Write down what is about to be done, and answer its number. JournalError: then it must not be done."""
        intent = self._numbered(step)
        self._keep([intent], anyway=False)
        return intent.n

    def intend_anyway(self, step: Step) -> int:
        """The same for a step that takes something back: that is done even when it cannot be written down."""
        intent = self._numbered(step)
        self.note(intent)
        return intent.n

    def write(self, fact: Fact) -> None:
        """Write down what later steps rely on. JournalError: then none of them must be taken."""
        self._keep([fact], anyway=False)

    def note(self, *facts: Fact) -> None:
        """Remember what has happened, with one write. A full disk does not undo it: why it failed is in `broken`."""
        try:
            self._keep(facts, anyway=True)
        except JournalError as error:
            self.broken = str(error)

    def leave(self) -> None:
        """Write nothing more: the lock is given up, and the file belongs to whoever holds it next.

        A call that was given up on may still answer on its thread: its word must not cut off another process's lines.
        """
        with self._lock:
            self._left = True
        self._file.drain()

    def _numbered(self, step: Step) -> Intent:
        with self._lock:
            self._intents += 1
            return Intent(self._intents, step)

    def _keep(self, facts: Sequence[Fact], anyway: bool) -> None:
        """Write facts down, then remember them, in the order of the file; `anyway`: remember them at any rate."""
        with self._lock:  # held for a moment only: whoever reads the facts waits for no disk
            noted = [Noted(self._clock.utc(), fact) for fact in facts]
            if self._left:
                self._facts += noted if anyway else []
                raise JournalError(f"the run of the journal {self.path} has ended", "run `snapall recover`")
            data = "".join(f"{to_line(one)}\n" for one in noted).encode()
            durable = not all(isinstance(fact, Started | Answered | Proven) for fact in facts)
            waiting = self._file.add(data, lambda stands: self._remember(noted, stands or anyway), durable)
        try:
            self._file.wait(waiting)
        except OSError as error:
            raise JournalError(
                f"the journal {self.path} cannot be written: {error.strerror}", JournalError.ROOM
            ) from error

    def _remember(self, noted: Sequence[Noted], kept: bool) -> None:
        if kept:
            with self._lock:
                self._facts += noted


def _sync_folder(folder: Path) -> None:
    """Make the file's name durable as well; Windows has no such call, its file systems write names through."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


_CHANGED = "the file was changed by something else; look which VMs it names, release them by hand, move it away"


def _read(path: Path) -> tuple[list[Noted], int]:
    try:
        with private.read(path) as file:
            data = file.read()
    except OSError as error:
        raise JournalError(
            f"the journal {path} cannot be read: {error.strerror}", "see the rights of the file"
        ) from error
    whole = data[: data.rfind(b"\n") + 1]
    # A power cut can leave zeros where nothing was synced, and the lines behind them are no safer than those in them.
    size = whole.rfind(b"\n", 0, whole.index(b"\0")) + 1 if b"\0" in whole else len(whole)
    facts = _parsed(path, whole[:size], 1)
    if facts and not isinstance(facts[0].fact, Began):
        raise JournalError(f"the journal {path} begins without its header", _CHANGED)
    lost = whole[size:]
    behind = _parsed(path, lost[lost.rfind(b"\0") + 1 :].partition(b"\n")[2], whole[:size].count(b"\n") + 2)
    intended = {noted.fact.n for noted in facts if isinstance(noted.fact, Intent)}
    if any(isinstance(noted.fact, Started | Answered) and noted.fact.n not in intended for noted in behind):
        # What was acted upon had been synced, and all before it: this is no power cut.
        raise JournalError(f"the journal {path} has lost lines in its middle", _CHANGED)
    return facts, size


def _parsed(path: Path, lines: bytes, first: int) -> list[Noted]:
    facts = []
    for number, line in enumerate(lines.decode("utf-8", "replace").splitlines(), first):
        try:
            noted = from_line(line)
        except ValueError as error:
            raise JournalError(f"{path}, line {number}: {error}", _CHANGED) from error
        if noted is not None:
            facts.append(noted)
    return facts


def path_of(folder: Path, job: str, stamp: str) -> Path:
    """The file of a job's run."""
    return folder / f"{job}-{stamp}.jsonl"


def is_open(path: Path) -> bool:
    """Whether the run may owe something: its last line is not a report that closes it. Reads only the file's end.

    A file without one whole line is of a run that died before it did anything; one that cannot be read may owe all.
    """
    try:
        size, tail = _tail(path)
    except (OSError, JournalError):
        return True
    return not _closes(tail) if "\n" in tail else size > len(tail)


def is_closed(path: Path) -> bool:
    """Whether the run's report stands in the journal, and says that nothing is owed."""
    try:
        return _closes(_tail(path)[1])
    except (OSError, JournalError):
        return False


def _tail(path: Path) -> tuple[int, str]:
    with private.read(path) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 65536))
        return size, file.read().decode("utf-8", "replace")


def _closes(tail: str) -> bool:
    lines = [line for line in tail.splitlines() if line.strip()]
    try:
        last = json.loads(lines[-1]) if lines and tail.endswith("\n") else {}
    except (ValueError, RecursionError):
        return False
    return isinstance(last, dict) and last.get("is") == Ended.__name__ and last.get("open") is False


def journals(folder: Path, job: str | None = None) -> list[Path]:
    """The journals of a job, or of all jobs, oldest first."""
    found = [path for path in folder.glob("*.jsonl") if job is None or path.name.rpartition("-")[0] == job]
    return sorted(found, key=lambda path: (path.stem.rpartition("-")[2], path.name))

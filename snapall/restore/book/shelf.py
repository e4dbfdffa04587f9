"""The run-books of a state folder: for each backup its facts, and the run-book made of them as text and as HTML.

`JOB-STAMP.json` has the facts under the stamp of the run, which stays; the run-book's file also has the backup's name,
which moves. All are for their owner alone: they hold serials and hosts.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from snapall.backup import patience, private
from snapall.backup.codec import from_json, to_json
from snapall.errors import JournalError
from snapall.restore.book.facts import BookFacts


@dataclass(frozen=True, slots=True)
class Bookshelf:
    """The folder of the run-books in the state folder."""

    state: Path

    @property
    def folder(self) -> Path:
        """Where they stand."""
        return self.state / "runbooks"

    def facts(self, job: str, run: str) -> BookFacts | None:
        """The facts of a backup; None: none are kept. JournalError: they cannot be read. Untrusted."""
        path = self._facts(job, run)
        try:
            with private.read(path) as file:
                found: BookFacts = from_json(file.read().decode(), BookFacts)
                return found
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is damaged"
            remedy = f"run snapall as the owner of {self.folder}; if the file is damaged, delete it and try again"
            raise JournalError(
                f"the facts of a run-book, {path}, cannot be read: {reason}", remedy, "SA-1803"
            ) from error

    def keep(self, facts: BookFacts) -> None:
        """Write a backup's facts. JournalError: they cannot be written."""
        self._write(self._facts(facts.job, facts.run), to_json(facts))

    def put(self, job: str, run: str, name: str, text: str, page: str) -> None:
        """Write a backup's run-book under its present name, and remove it under earlier ones. JournalError."""
        paths = {self.folder / f"{job}-{name}-{run}.{end}": one for end, one in (("txt", text), ("html", page))}
        for path, one in paths.items():
            self._write(path, one)
        self._remove([path for path in self._of(job, run) if path not in paths and path.suffix != ".json"])

    def runs(self, job: str) -> frozenset[str]:
        """The runs of a job that have facts here."""
        found = (path.stem.rpartition("-") for path in self.folder.glob("*.json"))
        return frozenset(run for of, _, run in found if of == job)

    def remove(self, job: str, run: str) -> None:
        """Remove all of a backup that is gone. JournalError: it cannot be removed."""
        self._remove(self._of(job, run))

    def _facts(self, job: str, run: str) -> Path:
        return self.folder / f"{job}-{run}.json"

    def _of(self, job: str, run: str) -> list[Path]:
        return [path for path in self.folder.glob(f"{job}-*") if path.stem.endswith(f"-{run}")]

    def _write(self, path: Path, text: str) -> None:
        """Write a file whole or not at all; the one before it stays until then."""
        part = path.with_name(f".{path.name}.part")
        try:
            private.make_folder(self.folder)
            private.write(part, text)
            patience.replace(part, path)
        except OSError as error:
            with suppress(OSError):
                part.unlink()
            raise self._unwritable(path, error) from error

    def _remove(self, paths: list[Path]) -> None:
        for path, error in patience.unlink_all(paths).items():
            raise self._unwritable(path, error) from error

    def _unwritable(self, path: Path, error: OSError) -> JournalError:
        remedy = JournalError.RIGHTS if isinstance(error, PermissionError) else JournalError.ROOM
        return JournalError(f"the run-book {path} cannot be written: {error.strerror}", remedy, "SA-1802")

"""The vmx copies of a job on disk: one folder for each backup, whole or not there, and an index for people.

A generation is named by the stamp of the run, since a backup changes its name at every rotation. `generation.json` in
it says which backup it belongs to, by volume and date; `index.txt` beside it, written anew with each backup, gives the
names that the backups have now.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snapall.backup import patience
from snapall.backup.model import Vm, time_of
from snapall.backup.private import make_folder
from snapall.restore.vmx.names import VmCopy

if TYPE_CHECKING:
    from snapall.config.vmx import VmxCopies

RECORD = "generation.json"
INDEX = "index.txt"
_PART = ".part"
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class Generation:
    """The copies that belong to the backup of a run. `taken`: the volume and the date of each of its snapshots."""

    run: str
    taken: frozenset[tuple[str, str]]
    copies: tuple[VmCopy, ...]

    @property
    def label(self) -> str:
        """For `list`: how many VMs have their copy."""
        return f"{sum(one.whole for one in self.copies)}/{len(self.copies)}"


class Generations:
    """The generations of a job, in a folder for their owner alone."""

    def __init__(self, folder: Path, job: str) -> None:
        self.folder = folder / job
        self._job = job

    def begin(self, run: str) -> Path:
        """Make the folder that becomes the generation. Untrusted: others may write above it. OSError."""
        make_folder(self.folder)
        part = self.folder / f"{run}{_PART}"
        make_folder(part)
        return part

    def finish(self, run: str, copies: Sequence[VmCopy], taken: frozenset[tuple[str, str]]) -> None:
        """Write its record, and give the folder its name. OSError."""
        record = {
            "schema": 1,
            "job": self._job,
            "run": run,
            "taken": [{"volume": volume, "date": date} for volume, date in sorted(taken)],
            "vms": [asdict(one) for one in copies],
        }
        part = self.folder / f"{run}{_PART}"
        write_new(part / RECORD, json.dumps(record, indent=1).encode())
        patience.replace(part, self.folder / run)

    def abandon(self, run: str) -> None:
        """Remove what was begun, as far as that is possible."""
        shutil.rmtree(self.folder / f"{run}{_PART}", ignore_errors=True)

    def known(self) -> Mapping[str, Generation]:
        """The generations that can be read, by run, oldest first."""
        return {one.run: one for path in self._folders() if (one := _read(path)) is not None}

    def prune(self, keeps: Callable[[Generation], bool], run: str) -> None:
        """Delete the generations whose backup is gone, and what earlier runs than `run` began and left.

        OSError: one of them stays, or a part of it; the others are gone.
        """
        refused: OSError | None = None
        for path in self._folders():
            if path.name.endswith(_PART):
                gone = path.name.removesuffix(_PART) < run
            else:
                found = _read(path)
                gone = found is not None and found.run != run and not keeps(found)
            if gone:
                try:
                    patience.rmtree(path)
                except OSError as error:
                    refused = error
        if refused is not None:
            raise refused

    def write_index(self, names: Mapping[str, Sequence[str]]) -> None:
        """Write the index: the names that the backup of each run has now, `NAME on VOLUME, DATE`. OSError."""
        lines = [
            f"The vmx copies of job {self._job}: for each folder, the VMs with a whole copy and the backup's snapshots."
        ]
        for run, one in reversed(tuple(self.known().items())):
            lines += ["", f"{run}  {one.label} VMs", *(f"    {name}" for name in names.get(run, ()))]
        new = self.folder / f"{INDEX}{_PART}"
        patience.unlink(new, missing_ok=True)
        write_new(new, ("\n".join(lines) + "\n").encode())
        patience.replace(new, self.folder / INDEX)

    def _folders(self) -> Iterator[Path]:
        """The folders that are named as a run is; a link is none of ours."""
        with suppress(FileNotFoundError):
            for path in sorted(self.folder.iterdir()):
                if time_of(path.name.removesuffix(_PART)) is not None and path.is_dir() and not path.is_symlink():
                    yield path


def copies_by_run(settings: VmxCopies | None, job: str) -> Mapping[str, Generation] | None:
    """The generations of a job by run; None: it copies nothing. One that cannot be read counts as missing."""
    if settings is None:
        return None
    try:
        return Generations(settings.folder, job).known()
    except OSError:
        return {}


def copies_of(settings: VmxCopies | None, job: str, run: str) -> tuple[VmCopy, ...]:
    """The copies that belong to the backup of a run, each with the absolute path of its folder."""
    known = copies_by_run(settings, job) or {}
    if settings is None or run not in known:
        return ()
    folder = settings.folder.absolute() / job / run
    return tuple(replace(one, folder=str(folder / one.folder)) for one in known[run].copies)


def write_new(path: Path, data: bytes) -> None:
    """Write a new file for its owner alone, down to the disk. OSError: it is there already, or there is no room."""
    with os.fdopen(os.open(path, _NEW_FILE, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> Generation | None:
    """The generation in a folder; None: it has no record that makes sense, so that it is left alone."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        record: dict[str, Any] = json.loads((path / RECORD).read_text("utf-8"))
        taken = frozenset((str(one["volume"]), str(one["date"])) for one in record["taken"])
        copies = tuple(VmCopy(**{**one, "vm": Vm(**one["vm"])}) for one in record["vms"])
        return Generation(path.name, taken, copies)
    return None

"""The proofs of a job on disk: STATE/proofs-JOB.jsonl, a line for each check, appended durably."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from snapall.backup import patience, private, sharing
from snapall.errors import JournalError
from snapall.restore.proof.proofs import Proof, ProofLog, Readability, kept

_APPEND = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_KEPT = timedelta(days=400)
_ENOUGH = 2  # the file is rewritten when so many times more lines stand in it than remain


@dataclass(frozen=True, slots=True)
class ProofFile:
    """The file of one job. Whoever appends to it holds the job's lock."""

    state: Path
    job: str

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.state / f"proofs-{self.job}.jsonl"

    def log(self, now: datetime) -> ProofLog:
        """Read all checks; lines that are none are passed over. JournalError: the file cannot be read."""
        return ProofLog(tuple(one for one in map(_proof, self._lines()) if one is not None), now)

    def append(self, proof: Proof) -> None:
        """Append a check durably, and now and then delete old ones. JournalError: it cannot be written."""
        try:
            if not self.state.exists():
                private.make_folder(self.state)
            with suppress(FileExistsError):
                private.create(self.path)
            torn = self._lines()[-1:] not in ([], [b""])  # a power cut: the next line must not join the rest of it
            _put(self.path, (b"\n" if torn else b"") + _line(proof))
            self._prune(proof.checked - _KEPT)
        except OSError as error:
            raise JournalError(
                f"the proofs {self.path} cannot be written: {error.strerror}", JournalError.ROOM, "SA-1870"
            ) from error

    def _lines(self) -> list[bytes]:
        try:
            with private.read(self.path) as file:
                return file.read().split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise JournalError(
                f"the proofs {self.path} cannot be read: {error.strerror}", JournalError.RIGHTS, "SA-1871"
            ) from error

    def _prune(self, oldest: datetime) -> None:
        """Replace the file in one step, so that a crash leaves the old one or the new one."""
        proofs = [one for one in map(_proof, self._lines()) if one is not None]
        left = kept(proofs, oldest)
        if len(left) * _ENOUGH > len(proofs):
            return
        new = self.path.with_suffix(".new")
        patience.unlink(new, missing_ok=True)
        private.create(new)
        _put(new, b"".join(map(_line, left)))
        patience.replace(new, self.path)


def _put(path: Path, data: bytes) -> None:
    descriptor = patience.patiently(lambda: os.open(path, _APPEND), path)
    try:
        sharing.share_like_its_folder(path, descriptor)
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _line(proof: Proof) -> bytes:
    return json.dumps(asdict(proof) | {"checked": proof.checked.isoformat()}).encode() + b"\n"


def _proof(line: bytes) -> Proof | None:
    try:
        body: dict[str, Any] = json.loads(line)
        texts = {name: str(body[name]) for name in ("vm", "name", "snapshot", "date", "run", "way")}
        luns, problems = (tuple(map(str, body[name])) for name in ("luns", "problems"))
        checked, seconds = datetime.fromisoformat(body["checked"]), float(body["seconds"])
        if checked.tzinfo is None:
            return None
        found = Readability(body["found"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return Proof(**texts, luns=luns, problems=problems, checked=checked, seconds=seconds, found=found)

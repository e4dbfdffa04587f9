"""Plays many cells on a few workers at a time, each a process with a filer of its own."""

from __future__ import annotations

import json
import os
import selectors
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import paramiko

from snapall.drill import NotHere
from snapall.drill.cells import Aftermath, Cell, ExternalCall, Transport
from snapall.drill.host import Host
from snapall.drill.play import Played, Theatre
from snapall.drill.stage import CellSite, Subject, template
from snapall.drill.verdict import Broken, BrokenPromise
from snapall.errors import SnapallError


@dataclass(frozen=True, slots=True)
class Ground:
    """What all workers share: the site to copy, and the keys of its filer."""

    folder: Path
    subject: Subject
    host_key: paramiko.PKey

    @property
    def original(self) -> Path:
        """The site as it is before any run."""
        return self.folder / "original"

    @contextmanager
    def theatre(self, name: str) -> Iterator[Theatre]:
        """A place to play cells in. The process that enters must have no threads: it is going to fork."""
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))
        host = Host(self.host_key, self.original)
        try:
            yield Theatre(folder, CellSite(self.original, self.subject, host, self.host_key))
        finally:
            host.close()


@contextmanager
def ground(subject: Subject) -> Iterator[Ground]:
    """Build the site in a folder that goes afterwards."""
    with tempfile.TemporaryDirectory(prefix="snapall-drill-", ignore_cleanup_errors=True) as name:
        made = Ground(Path(name).resolve(), subject, paramiko.RSAKey.generate(1024))
        template(made.original, subject.job, paramiko.RSAKey.generate(2048))
        yield made


def calls_of(made: Ground, transport: Transport) -> tuple[ExternalCall, ...]:
    """The external calls of a run of the job that goes well, guardian included. SnapallError: it did not."""
    shape = Cell(made.subject.job, transport, (), Aftermath.GUARDIAN)
    with made.theatre("whole") as theatre:
        return theatre.calls(shape)


def played(made: Ground, cells: Sequence[Cell], workers: int) -> Iterator[Played]:
    """Play all cells, a few at a time; the results as they come. SnapallError: a worker died."""
    with selectors.DefaultSelector() as selector:
        pids = []
        for number in range(min(workers, len(cells))):
            mine = range(number, len(cells), workers)
            pid, pipe = _worker(made, number, [(n, cells[n]) for n in mine])
            pids.append(pid)
            selector.register(pipe, selectors.EVENT_READ, bytearray())
        try:
            yield from _results(selector, cells)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGTERM)
                os.waitpid(pid, 0)


def _results(selector: selectors.BaseSelector, cells: Sequence[Cell]) -> Iterator[Played]:
    count = 0
    while selector.get_map():
        for key, _ in selector.select():
            pipe: int = key.fd
            data = os.read(pipe, 1 << 16)
            key.data.extend(data)
            *lines, rest = bytes(key.data).split(b"\n")
            key.data[:] = rest
            for line in lines:
                count += 1
                yield _read(line, cells)
            if not data:
                selector.unregister(pipe)
                os.close(pipe)
    if count != len(cells):
        raise SnapallError(f"only {count} of {len(cells)} cells were played", "look above for what a worker said")


def _worker(made: Ground, number: int, mine: Sequence[tuple[int, Cell]]) -> tuple[int, int]:
    """Fork one; its pid and the pipe on which it tells."""
    if sys.platform == "win32":
        raise NotHere
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid:
        os.close(theirs)
        return pid, ours
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is asked, and ends us
    code = 1
    try:
        with made.theatre(f"worker{number}") as theatre:
            for n, cell in mine:
                _tell(theirs, n, theatre.play(cell))
        code = 0
    except BaseException:  # noqa: BLE001 - it is told, and the process ends
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _tell(pipe: int, n: int, one: Played) -> None:
    findings = [(finding.broken.value, finding.what) for finding in one.findings]
    line = json.dumps(
        {"n": n, "reached": one.reached, "crashed": one.crashed, "findings": findings, "output": one.output[-4000:]}
    )
    data = f"{line}\n".encode()
    while data:
        data = data[os.write(pipe, data) :]


def _read(line: bytes, cells: Sequence[Cell]) -> Played:
    body = json.loads(line)
    findings = tuple(BrokenPromise(Broken(broken), what) for broken, what in body["findings"])
    return Played(cells[body["n"]], body["reached"], body["crashed"], findings, body["output"])

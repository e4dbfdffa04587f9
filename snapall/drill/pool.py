"""Plays many cells on a few workers at a time, each a process with a filer of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import paramiko

from snapall.drill.cells import Aftermath, Cell, ExternalCall, Transport
from snapall.drill.host import Host
from snapall.drill.play import Played, Theatre
from snapall.drill.processes import fork_with_pipe
from snapall.drill.stage import Ground, Subject, template
from snapall.errors import SnapallError


@contextmanager
def ground(subject: Subject) -> Iterator[Ground]:
    """Build the site in a folder that goes afterwards."""
    with tempfile.TemporaryDirectory(prefix="snapall-drill-", ignore_cleanup_errors=True) as name:
        made = Ground(Path(name).resolve(), subject, paramiko.RSAKey.generate(1024))
        template(made.original, subject.job, paramiko.RSAKey.generate(2048))
        yield made


@contextmanager
def _theatre(made: Ground, name: str) -> Iterator[Theatre]:
    """A place to play cells in. The process that enters must have no threads: it is going to fork."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=made.folder))
    host = Host(made.host_key, made.original)
    try:
        yield Theatre(folder, made, host)
    finally:
        host.close()


def calls_of(made: Ground, transport: Transport) -> tuple[ExternalCall, ...]:
    """The external calls of a run of the job that goes well, guardian included. SnapallError: it did not."""
    shape = Cell(made.subject.job, transport, (), Aftermath.GUARDIAN)
    with _theatre(made, "whole") as theatre:
        return theatre.calls(shape)


def played(made: Ground, cells: Sequence[Cell], workers: int) -> Iterator[Played]:
    """Play all cells, a few at a time; the results as they come. SnapallError: a worker died."""
    count = 0
    with ExitStack() as stack:
        pipes: list[Connection[Any, Any]] = []
        for number in range(min(workers, len(cells))):
            worker, pipe = fork_with_pipe(_work, made, number, cells[number::workers])
            stack.callback(_end, worker)
            pipes.append(stack.enter_context(pipe))
        while pipes:
            for ready in wait(pipes):
                assert isinstance(ready, Connection)  # noqa: S101 - what was waited for
                try:
                    yield ready.recv()
                    count += 1
                except EOFError:
                    pipes.remove(ready)
    if count != len(cells):
        raise SnapallError(f"only {count} of {len(cells)} cells were played", "see the worker's traceback above")


def _work(pipe: Connection[Any, Any], made: Ground, number: int, cells: Sequence[Cell]) -> None:
    with _theatre(made, f"worker{number}") as theatre:
        for cell in cells:
            pipe.send(theatre.play(cell))


def _end(worker: BaseProcess) -> None:
    worker.terminate()
    worker.join()

"""Runs many cells on a few workers at a time, each a process with a filer of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import paramiko

from snapall.backup.model import Job
from snapall.config.believed import require_place
from snapall.drill.cellrun import CellResult, CellRunner
from snapall.drill.cells import Aftermath, Cell, ExternalCall, Transport
from snapall.drill.cellsite import DrillSite, template
from snapall.drill.processes import fork_with_pipe
from snapall.drill.servers import Host
from snapall.errors import SnapallError

ANOTHER_PLACE = "set the environment variable TMPDIR to a folder that only you can write, and run the drill again"


@contextmanager
def building(job: Job, parallel: int) -> Iterator[DrillSite]:
    """Build the site in a temporary folder. ConfigError: others could replace what is in it."""
    with tempfile.TemporaryDirectory(prefix="snapall-drill-", ignore_cleanup_errors=True) as name:
        require_place(Path(name).resolve(), ANOTHER_PLACE)
        site = DrillSite(Path(name).resolve(), job, parallel, paramiko.RSAKey.generate(1024))
        template(site.original, job, paramiko.RSAKey.generate(2048))
        yield site


@contextmanager
def _runner(site: DrillSite, name: str) -> Iterator[CellRunner]:
    """A runner with its servers. The process that enters must have no threads, for it forks."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=site.folder))
    host = Host(site.host_key, site.original)
    try:
        yield CellRunner(folder, site, host)
    finally:
        host.close()


def calls_of(site: DrillSite, transport: Transport) -> tuple[ExternalCall, ...]:
    """The external calls of a whole run of the job, guardian included. Raises SnapallError when it fails."""
    shape = Cell(site.job, transport, (), Aftermath.GUARDIAN)
    with _runner(site, "whole") as runner:
        return runner.calls(shape)


def run_cells(site: DrillSite, cells: Sequence[Cell], workers: int) -> Iterator[CellResult]:
    """Run all cells, a few at a time; the results as they come. Raises SnapallError when a worker died."""
    count = 0
    with ExitStack() as stack:
        pipes: list[Connection[Any, Any]] = []
        for number in range(min(workers, len(cells))):
            worker, pipe = fork_with_pipe(_work, site, number, cells[number::workers])
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
        raise SnapallError(
            f"only {count} of {len(cells)} cells were run", "see the worker's traceback above", "SA-7018"
        )


def _work(pipe: Connection[Any, Any], site: DrillSite, number: int, cells: Sequence[Cell]) -> None:
    with _runner(site, f"worker{number}") as runner:
        for cell in cells:
            pipe.send(runner.run(cell))


def _end(worker: BaseProcess) -> None:
    worker.terminate()
    worker.join()

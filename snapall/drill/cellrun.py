"""Runs one cell: the run in a process of its own, its end, the aftermath, and the verdict."""

from __future__ import annotations

import importlib
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from snapall.app.output import Output
from snapall.app.recover import recover
from snapall.app.run import run
from snapall.backup.clock import SystemClock
from snapall.backup.journal import Journal, is_open, journals
from snapall.config.settings import Config
from snapall.drill.calls import MARK, CallCounter, recorded
from snapall.drill.cells import Aftermath, Cell, ExternalCall, System
from snapall.drill.cellsite import CellLimits, DrillSite, prepare
from snapall.drill.disk import DurableFolder
from snapall.drill.precondition import too_slow
from snapall.drill.processes import become, fork, guardians
from snapall.drill.servers import Host
from snapall.drill.verdict import Broken, BrokenPromise, judged
from snapall.errors import Exit, SnapallError
from snapall.lab.proof import SiteState
from snapall.lab.world import World
from snapall.operate.launcher import GuardianLauncher

_LIMITS = tuple(CellLimits(factor) for factor in (1, 4, 16, 64))  # of the tries of one cell, until one is conclusive
_PATIENCE = 600.0  # seconds for one call that is not struck: only a hang takes as long
_LONGEST = 1800.0  # seconds for one command: longer than any call of it that hangs
_KILLED = -int(getattr(signal, "SIGKILL", signal.SIGTERM))


@dataclass(frozen=True, slots=True)
class CellResult:
    """The result of a cell.

    Not `reached`: the run ended before the call at which it was to be struck, or the machine was too slow.
    """

    cell: Cell
    reached: bool
    crashed: bool  # whether the run was killed
    findings: tuple[BrokenPromise, ...]
    output: str = ""  # what the commands printed, when there are findings; why the machine was too slow


@dataclass(frozen=True, slots=True)
class CellRunner:
    """Runs the cells of one worker, one after the other."""

    folder: Path
    drill_site: DrillSite
    host: Host

    def calls(self, cell: Cell) -> tuple[ExternalCall, ...]:
        """The external calls of a run that is not struck. Raises SnapallError when it fails."""
        with _CellRun(self, cell, _LIMITS[-1]) as one:
            record = one.folder / "calls"
            code = one.perform(lambda: one.run(record))
            if code != 0:
                raise SnapallError(f"a run on the drill's own site ended with {code}:\n{one.output()}", code="SA-7017")
            one.preload()
            return recorded(record)

    def run(self, cell: Cell) -> CellResult:
        """Run one cell until its result is conclusive."""
        return conclusive(lambda limits: self._try(cell, limits))

    def _try(self, cell: Cell, limits: CellLimits) -> tuple[CellResult, str]:
        with _CellRun(self, cell, limits) as one:
            result = one.result()
            return result, too_slow(one.settings.state, one.world.ledger()) if result.findings else ""


def conclusive(run: Callable[[CellLimits], tuple[CellResult, str]]) -> CellResult:
    """The result of a cell. `run` returns it with why the machine was too slow, or "".

    The cell is run again with longer limits while the machine is too slow, or while the run ends before its call, as it
    may when two calls race; in the end it counts as not reached. A broken promise on a machine that was quick enough
    is final.
    """
    result, slow = run(_LIMITS[0])
    for limits in _LIMITS[1:]:
        if not slow and (result.reached or result.findings):
            break
        result, slow = run(limits)
    return replace(result, reached=False, output=slow) if slow else result


class _CellRun:
    """One cell's folder, and what happens in it."""

    def __init__(self, runner: CellRunner, cell: Cell, limits: CellLimits) -> None:
        self.cell = cell
        self.limits = limits
        # A new one each time: a late vcbsnapshot of a killed run finds no other run's site.
        self.folder = Path(tempfile.mkdtemp(dir=runner.folder)) / "cell"
        self.log = runner.folder / "output"
        self.log.write_text("")
        self.settings = prepare(self.folder, runner.drill_site, runner.host, cell, limits)
        self.patient = _patient(self.settings)
        (self.job,) = self.settings.jobs.values()
        self.world = World(self.folder)
        self.hung: list[BrokenPromise] = []

    def __enter__(self) -> _CellRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.world.close()
        shutil.rmtree(self.folder.parent, ignore_errors=True)

    def result(self) -> CellResult:
        """Strike, settle, judge."""
        before = SiteState.of(self.world)
        code = self.perform(lambda: self.run(None))
        crashed = code == _KILLED
        self.world.clear_faults()  # else the aftermath meets a fault that was planted for a call that died in time
        if crashed and self.cell.damage:
            DurableFolder.recorded(self._durable, self.settings.state).cut(self.cell.damage)
        codes = self.settle()
        self._wait_for_late_acts()
        after = SiteState.of(self.world)
        findings = [*self.hung, *self._codes(code, codes)]
        findings += judged(before, after, self.job)
        findings += self._journals()
        output = self.output() if findings else ""
        return CellResult(self.cell, self._reached(crashed, after), crashed, tuple(findings), output)

    def run(self, record: Path | None) -> Exit:
        """Be the run, in the process that is struck."""
        CallCounter(self.folder, self.cell.strikes, self.limits.hang, record).listen()
        if self.cell.damage:
            DurableFolder.of(self.settings.state).listen(self._durable)
        code = run(self.settings, [self.job], Output(quiet=True), launcher=GuardianLauncher(self.patient))
        self._loaded.write_text("\n".join(sys.modules), encoding="utf-8")
        return code

    def preload(self) -> None:
        """Load every module that the whole run has loaded, once for all later processes."""
        for name in self._loaded.read_text(encoding="utf-8").splitlines():
            with suppress(ImportError):
                importlib.import_module(name)

    def settle(self) -> list[int]:
        """Carry out the aftermath; the exit codes of its commands."""
        match self.cell.aftermath:
            case Aftermath.GUARDIAN:
                self._until_guardian_has_ended()
                return []
            case Aftermath.RECOVER:
                return [self.perform(self._recover)]
            case Aftermath.RUN:
                return [
                    self.perform(lambda: run(self.patient, [self.job], Output(quiet=True))),
                    self.perform(self._recover),
                ]

    def perform(self, command: Callable[[], Exit]) -> int:
        """Carry out a command in a process of its own; its exit code, negative for a signal."""
        process = fork(become, command, self.log)
        process.join(_LONGEST)
        if process.exitcode is None:
            self.hung.append(BrokenPromise(Broken.HUNG, f"no end after {_LONGEST:g} s"))
            process.kill()
            process.join()
        return process.exitcode or 0

    def output(self) -> str:
        """What the commands printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def _recover(self) -> Exit:
        return recover(self.patient, Output(quiet=True), wait=True)

    @property
    def _loaded(self) -> Path:
        """The names of the modules that a run has loaded."""
        return self.folder / "loaded"

    @property
    def _durable(self) -> Path:
        """The record of what the run has synced."""
        return self.folder / "durable"

    def _reached(self, crashed: bool, after: SiteState) -> bool:
        """Whether the run was struck. Of a pair the first strike counts: it may end the run before the second."""
        if self.cell.killed and len(self.cell.strikes) == 1:
            return crashed
        if self.cell.strikes[0].call.system is System.DATABASE:
            return (self.folder / MARK).exists()
        return any(entry.fault is not None for entry in after.ledger)

    def _wait_for_late_acts(self) -> None:
        """Wait until everything that acts late is due."""
        with self.world.transaction() as transaction:
            ((due,),) = transaction.db.execute("SELECT max(due) FROM tasks WHERE acted IS NULL").fetchall()
        time.sleep(max(0.0, (due or 0.0) - time.time()))

    def _codes(self, first: int, codes: Sequence[int]) -> list[BrokenPromise]:
        """Every command has a documented exit code, and the last one ends well."""
        known = {int(code) for code in Exit}
        odd = [code for code in [first, *codes] if code not in known and code != _KILLED]
        odd += [code for code in codes[-1:] if code not in (Exit.OK, Exit.PARTIAL)]
        return [BrokenPromise(Broken.HUNG, f"exit {code}") for code in odd]

    def _journals(self) -> list[BrokenPromise]:
        findings = []
        for path in journals(self.settings.state / "journals"):
            try:
                Journal.open(path, SystemClock())
            except SnapallError as error:
                findings.append(BrokenPromise(Broken.JOURNAL, error.message))
            if is_open(path) and not self._has_begun_nothing(path):
                findings.append(BrokenPromise(Broken.JOURNAL, f"{path.name} is open"))
        return findings

    def _has_begun_nothing(self, path: Path) -> bool:
        """Whether the run died before it had a guardian: its journal is open, with nothing to settle."""
        return self.cell.aftermath is Aftermath.GUARDIAN and '"Intent"' not in path.read_text()

    def _until_guardian_has_ended(self) -> None:
        end = time.monotonic() + _PATIENCE
        while any(str(self.folder) in argument for argv in guardians() for argument in argv):
            if time.monotonic() > end:
                self.hung.append(BrokenPromise(Broken.HUNG, f"the guardian has not ended after {_PATIENCE:g} s"))
                return
            time.sleep(0.1)  # each look reads the command lines of all processes


def _patient(settings: Config) -> Config:
    """The settings of the aftermath, which gives no call up because the machine is slow.

    How long a call of the struck run may still act is in its journal.
    """
    vcenter = settings.vcenter.model_copy(update={"timeout": _PATIENCE, "remove_timeout": _PATIENCE})
    filers = {name: filer.model_copy(update={"timeout": _PATIENCE}) for name, filer in settings.filers.items()}
    return settings.model_copy(update={"vcenter": vcenter, "filers": filers})

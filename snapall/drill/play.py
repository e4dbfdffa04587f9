"""Plays one cell: the run in a process of its own, its end, the aftermath, and the verdict."""

from __future__ import annotations

import importlib
import os
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
from snapall.backup.state import fold
from snapall.config.load import load
from snapall.config.settings import Config
from snapall.drill import NotHere
from snapall.drill.calls import MARK, CallCounter, recorded
from snapall.drill.cells import Aftermath, Cell, ExternalCall, System
from snapall.drill.disk import Disk
from snapall.drill.forked import become, guardians
from snapall.drill.precondition import late
from snapall.drill.stage import CellLimits, CellSite, furnish
from snapall.drill.verdict import Broken, BrokenPromise, Scene, judged
from snapall.errors import Exit, SnapallError
from snapall.lab.world import World
from snapall.operate.launcher import GuardianLauncher

_LIMITS = tuple(CellLimits(factor) for factor in (1, 4, 16, 64))  # of a cell's tries, until one tells something
_PATIENCE = 600.0  # seconds for one call that nothing is to happen to: only a hang takes as long
_LONGEST = 1800.0  # seconds for one command: what hangs in it is over by then, and it has had its say
_KILLED = -int(getattr(signal, "SIGKILL", signal.SIGTERM))


@dataclass(frozen=True, slots=True)
class Played:
    """What a cell came to.

    Not `reached`: the run ended before the call at which it was to be struck, or the machine was too slow.
    """

    cell: Cell
    reached: bool
    crashed: bool  # whether the run was killed
    findings: tuple[BrokenPromise, ...]
    output: str = ""  # what the commands printed, when there are findings; why the machine was too slow


@dataclass(frozen=True, slots=True)
class Theatre:
    """Where the cells of one worker are played, one after the other."""

    folder: Path
    place: CellSite

    def calls(self, cell: Cell) -> tuple[ExternalCall, ...]:
        """The external calls of a run that nothing happens to. SnapallError: it did not go well."""
        with _Scene(self, cell, _LIMITS[-1]) as scene:
            record = scene.folder / "calls"
            code = scene.perform(lambda: scene.run(record))
            if code != 0:
                raise SnapallError(f"a run on the drill's own site ended with {code}:\n{scene.output()}")
            scene.load_beforehand()
            return recorded(record)

    def play(self, cell: Cell) -> Played:
        """One cell, until it tells something of snapall."""
        return telling(lambda limits: self._play(cell, limits))

    def _play(self, cell: Cell, limits: CellLimits) -> tuple[Played, str]:
        with _Scene(self, cell, limits) as scene:
            played = scene.play()
            return played, scene.too_slow() if played.findings else ""


def telling(play: Callable[[CellLimits], tuple[Played, str]]) -> Played:
    """What a cell came to, `play` answering with it why the machine was too slow for it, or "".

    It is played again with longer limits while the machine is too slow, or the run ends before its call, as a race of
    two calls may have it; at last it was not reached. What speaks against snapall on a machine that was quick enough
    is not tried away.
    """
    played, slow = play(_LIMITS[0])
    for limits in _LIMITS[1:]:
        if not slow and (played.reached or played.findings):
            break
        played, slow = play(limits)
    return replace(played, reached=False, output=slow) if slow else played


class _Scene:
    """One cell's folder, and what happens in it."""

    def __init__(self, theatre: Theatre, cell: Cell, limits: CellLimits) -> None:
        self.cell = cell
        self.limits = limits
        # A new one each time: a vcbsnapshot of a killed run that comes late finds no other run's site.
        self.folder = Path(tempfile.mkdtemp(dir=theatre.folder)) / "cell"
        self.log = theatre.folder / "said"
        self.log.write_text("")
        self.settings = load(furnish(self.folder, theatre.place, cell, limits))
        self.patient = _patient(self.settings)
        (self.job,) = self.settings.jobs.values()
        self.world = World(self.folder)
        self.hung: list[BrokenPromise] = []

    def __enter__(self) -> _Scene:
        return self

    def __exit__(self, *_: object) -> None:
        self.world.close()
        shutil.rmtree(self.folder.parent, ignore_errors=True)

    def play(self) -> Played:
        """Strike, settle, judge."""
        before = Scene.of(self.world)
        code = self.perform(lambda: self.run(None))
        crashed = code == _KILLED
        if crashed and self.cell.damage:
            Disk.recorded(self._durable, self.settings.state).cut(self.cell.damage)
        codes = self.settle()
        self._let_all_act()
        self.world.clear_faults()
        after = Scene.of(self.world)
        findings = [*self.hung, *self._codes(code, codes)]
        findings += judged(before, after, self.job)
        findings += self._journals()
        output = self.output() if findings else ""
        return Played(self.cell, self._reached(crashed, after), crashed, tuple(findings), output)

    def run(self, record: Path | None) -> Exit:
        """The run itself, in the process that is to die."""
        CallCounter(self.folder, self.cell.strikes, self.limits.hang, record).listen()
        if self.cell.damage:
            Disk.of(self.settings.state).listen(self._durable)
        code = run(self.settings, [self.job], Output(quiet=True), launcher=GuardianLauncher(self.patient))
        self._loaded.write_text("\n".join(sys.modules), encoding="utf-8")
        return code

    def load_beforehand(self) -> None:
        """Load whatever the whole run has loaded, so that no later one has to, in a process of its own again."""
        for name in self._loaded.read_text(encoding="utf-8").splitlines():
            with suppress(ImportError):
                importlib.import_module(name)

    def settle(self) -> list[int]:
        """The aftermath; the exit codes of its commands."""
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
        """A command in a process of its own; its exit code, negative for a signal."""
        if sys.platform == "win32":
            raise NotHere
        pid = os.fork()
        if pid == 0:
            become(command, self.log)
        end = time.monotonic() + _LONGEST
        while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            if time.monotonic() > end:
                self.hung.append(BrokenPromise(Broken.HUNG, f"no end after {_LONGEST:g} s"))
                os.kill(pid, signal.SIGKILL)
                break
            time.sleep(0.02)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

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

    def _reached(self, crashed: bool, after: Scene) -> bool:
        """Whether the run met what it was to meet. Of a pair the first: that one may end the run before the second."""
        if self.cell.killed and len(self.cell.strikes) == 1:
            return crashed
        if self.cell.strikes[0].call.system is System.DATABASE:
            return (self.folder / MARK).exists()
        return any(entry.fault is not None for entry in after.ledger)

    def too_slow(self) -> str:
        """Why this cell tells nothing of snapall; "" when it does."""
        ledger = self.world.ledger()
        for path in journals(self.settings.state / "journals"):
            with suppress(SnapallError):
                if why := late(fold(Journal.open(path, SystemClock()).records), ledger):
                    return why
        return ""

    def _let_all_act(self) -> None:
        """Wait until it is time for whatever was asked for and acts late."""
        with self.world.moment() as moment:
            ((due,),) = moment.db.execute("SELECT max(due) FROM tasks WHERE acted IS NULL").fetchall()
        time.sleep(max(0.0, (due or 0.0) - time.time()))

    def _codes(self, first: int, codes: Sequence[int]) -> list[BrokenPromise]:
        """A command of ours ends in an exit code of ours; the last one has nothing left to worry about."""
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
            if is_open(path) and not self._owes_nothing(path):
                findings.append(BrokenPromise(Broken.JOURNAL, f"{path.name} is open"))
        return findings

    def _owes_nothing(self, path: Path) -> bool:
        """A run that dies before it has a guardian leaves a journal in which nothing was begun."""
        return self.cell.aftermath is Aftermath.GUARDIAN and '"Intent"' not in path.read_text()

    def _until_guardian_has_ended(self) -> None:
        end = time.monotonic() + _PATIENCE
        while any(str(self.folder) in word for words in guardians() for word in words):
            if time.monotonic() > end:
                self.hung.append(BrokenPromise(Broken.HUNG, f"the guardian has not ended after {_PATIENCE:g} s"))
                return
            time.sleep(0.1)  # each look reads the command lines of all processes


def _patient(settings: Config) -> Config:
    """The same for whoever settles: no call is given up because the machine is slow.

    How long a call of the struck run may still act is in its journal.
    """
    vcenter = settings.vcenter.model_copy(update={"timeout": _PATIENCE, "remove_timeout": _PATIENCE})
    filers = {name: filer.model_copy(update={"timeout": _PATIENCE}) for name, filer in settings.filers.items()}
    return settings.model_copy(update={"vcenter": vcenter, "filers": filers})

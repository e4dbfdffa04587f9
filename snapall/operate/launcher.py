"""Starts the guardian of a run, hands it all that it must know, and waits until it is ready."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import snapall
from snapall.backup.context import Guard, unguarded
from snapall.backup.model import Job
from snapall.backup.steps import Child
from snapall.config.settings import Config
from snapall.errors import SnapallError
from snapall.operate.guardian import StuckLimits
from snapall.site.process import DetachedProcess, NotStarted, itself

READY = "snapall: the guardian is ready"
"""What a guardian says once it needs nothing more of the run."""

PATIENCE = 60.0
"""Seconds in which that must be said."""

_REMEDY = (
    "nothing was quiesced; check whether {python} can be started, and how busy the machine is. `guardian = false` in "
    "the job runs without one: what a killed run leaves is then for `snapall recover`"
)


@dataclass(frozen=True, slots=True)
class GuardianConfig:
    """What a guardian must know, secrets included: afterwards no file and no environment is needed any more."""

    settings: Config
    job: Job  # as this run performs it
    journal: Path
    run: Child  # the process that is guarded
    folder: Path | None  # where that one works: relative programs and paths are found from there
    limits: StuckLimits

    def to_bytes(self) -> bytes:
        """For the pipe to a guardian; nothing of it is ever written to a disk."""
        return pickle.dumps(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> GuardianConfig:
        """What `to_bytes` gave. ValueError: it was cut off, for whoever sent it died."""
        try:
            config = pickle.loads(data)  # noqa: S301 - from the pipe of our own parent
        except (EOFError, pickle.UnpicklingError) as error:
            raise ValueError("nothing was handed over") from error
        if not isinstance(config, cls):
            raise ValueError("something else was handed over")
        return config


class NoGuardian(SnapallError):
    """No guardian came up, so nothing was quiesced."""


class GuardianLauncher:
    """The guardians of one call of run: one for each job."""

    def __init__(self, settings: Config, limits: StuckLimits | None = None, patience: float = PATIENCE) -> None:
        """`patience`: seconds in which a guardian must be ready."""
        self._settings = settings
        self._limits = StuckLimits() if limits is None else limits
        self._patience = patience
        self._started: list[DetachedProcess] = []

    def guard_of(self, job: Job, stopped: Callable[[], bool]) -> Guard:
        """What sets a guardian over a run of the job, if the job wants one."""
        return (lambda journal: self._set(job, journal, stopped)) if job.guardian else unguarded

    def dismiss(self) -> None:
        """Ask the guardians to end, and see to it: for a site that is about to vanish."""
        for one in self._started:
            one.end(10, grace=1)

    def _set(self, job: Job, journal: Path, stopped: Callable[[], bool]) -> Callable[[], None]:
        """Start it; answers what waits until it is ready. What is wrong is said there: settling goes first."""
        config = GuardianConfig(self._settings, job, journal, itself(), _here(), self._limits)
        argv = [sys.executable, "-m", "snapall.app.guardian", job.name, str(journal)]  # the last two are for `ps`
        try:
            # From the folder of this very package; it moves on to ours as soon as it runs.
            guardian = DetachedProcess(argv, config.to_bytes(), READY, Path(snapall.__file__).parents[1])
        except NotStarted as error:
            return _refusal(f"the guardian did not come up: {error.message}")
        self._started.append(guardian)
        return lambda: self._await(guardian, stopped)

    def _await(self, guardian: DetachedProcess, stopped: Callable[[], bool]) -> None:
        if guardian.ready(self._patience, stopped) or stopped():
            return
        guardian.end(1)
        output = guardian.output or f"it was not ready within {self._patience:g} s"
        raise NoGuardian(f"the guardian did not come up: {output}", _REMEDY.format(python=sys.executable))


def _here() -> Path | None:
    """Where this process works; None: the folder is gone."""
    try:
        return Path.cwd()
    except OSError:
        return None


def _refusal(message: str) -> Callable[[], None]:
    def refuse() -> None:
        raise NoGuardian(message, _REMEDY.format(python=sys.executable))

    return refuse

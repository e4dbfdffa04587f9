"""Starts the guardian of a run, passes it everything it needs, and waits until it is ready."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from snapall import restart
from snapall.backup.context import Guard, unguarded
from snapall.backup.model import Job
from snapall.backup.steps import Child
from snapall.config.settings import Config
from snapall.errors import Notify, SnapallError
from snapall.operate.guardian import StuckLimits
from snapall.site.detached import DetachedProcess
from snapall.site.process import NotStarted, itself

READY = "snapall: the guardian is ready"
"""The line that a guardian prints once it needs nothing more from the run."""

PATIENCE = 60.0
"""Seconds within which a guardian must print it."""

OUTLIVE = (
    "schedule `snapall recover` at boot and a few minutes after the run, and set no time limit for the run; or "
    "start snapall from a program whose job object lets processes out (JOB_OBJECT_LIMIT_BREAKAWAY_OK)"
)
"""The remedy where nothing of ours outlives the program that started the run."""

_REMEDY = (
    "check whether {python} can be started, and how busy the machine is; nothing was quiesced. Or set `guardian = "
    "false` in the job, and run `snapall recover` yourself after a killed run"
)


@dataclass(frozen=True, slots=True)
class GuardianConfig:
    """Everything that a guardian needs, secrets included, so that it reads no file and no environment later."""

    settings: Config
    job: Job  # with the options of this run
    journal: Path
    run: Child  # the guarded process
    folder: Path | None  # its working folder, which relative paths refer to
    limits: StuckLimits

    def to_bytes(self) -> bytes:
        """Serialize for the pipe to a guardian; never written to disk."""
        return pickle.dumps(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> GuardianConfig:
        """Deserialize. ValueError: the data is incomplete, since the sender died."""
        try:
            config = pickle.loads(data)  # noqa: S301 - from the pipe of our own parent
        except (EOFError, pickle.UnpicklingError) as error:
            raise ValueError("no configuration arrived") from error
        if not isinstance(config, cls):
            raise ValueError("not a guardian's configuration")
        return config


class NoGuardian(SnapallError):
    """The guardian did not start, so nothing was quiesced."""


class GuardianLauncher:
    """The guardians of one `snapall run`: one for each job."""

    def __init__(self, settings: Config, limits: StuckLimits | None = None, patience: float = PATIENCE) -> None:
        """`patience`: seconds within which a guardian must be ready."""
        self._settings = settings
        self._limits = StuckLimits() if limits is None else limits
        self._patience = patience
        self._started: list[DetachedProcess] = []

    def guard_of(self, job: Job, stopped: Callable[[], bool], warn: Notify = lambda *_: None) -> Guard:
        """Return the function that starts a guardian for a run of the job; it does nothing if the job has none."""
        return (lambda journal: self._start(job, journal, stopped, warn)) if job.guardian else unguarded

    def dismiss(self) -> None:
        """End the guardians, for a site that is about to vanish."""
        for one in self._started:
            one.end(10, grace=1)

    def _start(self, job: Job, journal: Path, stopped: Callable[[], bool], warn: Notify) -> Callable[[], None]:
        """Start a guardian; return a function that waits until it is ready, or raises NoGuardian."""
        config = GuardianConfig(self._settings, job, journal, itself(), _here(), self._limits)
        argv = restart.command("snapall.app.guardian", job.name, str(journal))  # the last two are for `ps`
        try:
            # From the folder of this package; it changes to our folder once it runs.
            folder, withheld = restart.home(), self._settings.secret_variables
            guardian = DetachedProcess(argv, config.to_bytes(), READY, folder, withheld)
        except NotStarted as error:
            reason = error.message
            return lambda: _refuse(reason)
        self._started.append(guardian)
        if guardian.confined:
            warn(
                "the guardian is in the job object of the program that started this run, and would end with it",
                OUTLIVE,
                "SA-1952",
            )
        return lambda: self._await(guardian, stopped)

    def _await(self, guardian: DetachedProcess, stopped: Callable[[], bool]) -> None:
        if guardian.ready(self._patience, stopped) or stopped():
            return
        guardian.end(1)
        _refuse(guardian.output or f"not ready within {self._patience:g} s")


def _here() -> Path | None:
    """The working folder; None if it is gone."""
    try:
        return Path.cwd()
    except OSError:
        return None


def _refuse(reason: str) -> NoReturn:
    raise NoGuardian(f"the guardian did not start: {reason}", _REMEDY.format(python=sys.executable), "SA-5001")

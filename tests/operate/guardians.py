"""Real runs with real guardians: they are started here, watched by what they leave, and ended with all their calls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from snapall.lab.faults import Fault, FaultKind
from tests.lab.atlab import AtLab
from tests.lab.calls import end_programs, processes, vcbsnapshot_of
from tests.waiting import PATIENCE, until

Make = Callable[..., AtLab]
EVER = 3600.0  # seconds that a call takes which lasts until the test ends it

RUN = """\
import sys
from pathlib import Path
from snapall.app.output import Output
from snapall.app.run import run
from snapall.config.load import load
from snapall.operate.guardian import StuckLimits
from snapall.operate.launcher import GuardianLauncher
{prelude}
settings = load(Path({config!r}))
jobs = list(settings.jobs.values())
taken = jobs[0].max_quiesced + settings.filers[jobs[0].filer].timeout
limits = StuckLimits(silence={silence!r}, slack={limit!r} - taken)
launcher = GuardianLauncher(settings, limits, patience={patience})
sys.exit(int(run(settings, jobs, Output(), launcher=launcher)))
"""


def guarded(at_lab: Make, **options: object) -> AtLab:
    """A lab whose runs have guardians; no time-out passes in it."""
    night = at_lab(guardian=True, **options)
    night.limits(create=PATIENCE, remove=PATIENCE)
    return night


@contextmanager
def running(
    night: AtLab, limit: float = EVER, silence: float = EVER, prelude: str = "", **popen: object
) -> Iterator[subprocess.Popen[str]]:
    """A run of all jobs in a process of its own; whatever is left of it, its guardians and its calls is ended.

    It is stuck for its guardian `limit` seconds after its first quiesce without a release, or after `silence` seconds
    without a sign of life.
    """
    vcbsnapshot = vcbsnapshot_of(night)
    script = RUN.format(prelude=prelude, config=str(night.config), limit=limit, silence=silence, patience=PATIENCE)
    out = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True} | popen
    with subprocess.Popen([sys.executable, "-c", script], **out) as run:  # type: ignore[call-overload]
        try:
            yield run
        finally:
            run.kill()
            for one in guardians(night):
                one.kill()
            end_programs(vcbsnapshot)


def guardians(night: AtLab) -> list[psutil.Process]:
    """The guardians of this lab's runs that live."""
    folder = f"{night.lab.directory}{os.sep}"
    return processes(lambda argv: "snapall.app.guardian" in argv and argv[-1].startswith(folder))


def end_of_guardians(night: AtLab) -> None:
    until(lambda: not guardians(night), "the end of the guardian")


def are_quiesced(night: AtLab, count: int) -> bool:
    return len(night.world.quiesced()) - len(night.foreign) >= count


def wait_for_quiesced(night: AtLab, count: int) -> None:
    """Wait for them; fail at once when the run has ended without them, as one whose programs do not start."""
    until(lambda: are_quiesced(night, count) or kinds(night)[-1:] == ["Ended"], f"{count} VMs quiesced")
    assert are_quiesced(night, count), (night.lab.directory / "snapall.log").read_text()


def wait_for_removal(night: AtLab) -> None:
    until(lambda: any(entry.verb == "delete" for entry in night.ledger), "a removal sent")


def removed(night: AtLab) -> list[str]:
    """What was to be removed, as often as that was sent."""
    return [entry.argv[-1] for entry in night.ledger if entry.verb == "delete"]


def journal(night: AtLab) -> list[dict[str, object]]:
    """The records of the last run, so far as they are written."""
    paths = sorted((night.lab.directory / "snapall.state" / "journals").glob("*.jsonl"))
    text = paths[-1].read_text() if paths else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def kinds(night: AtLab) -> list[object]:
    return [fact["is"] for fact in journal(night)]


def log(night: AtLab) -> list[str]:
    """The guardian's lines of the log."""
    lines = (night.lab.directory / "snapall.log").read_text().splitlines()
    return [line.partition(" guardian: ")[2] for line in lines if " guardian: " in line]


def descriptors(pid: int) -> dict[str, str]:
    """The files that a process has open."""
    found = {}
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # the lock and the journal are opened for a moment only
            found[one.name] = str(one.readlink())
    return found


BEATS = "from snapall.backup import engine\nengine.BEAT = 0.2"
"""A prelude that has the run give signs of life much more often than it must."""


def journal_of(night: AtLab) -> Path:
    """The file of the last run."""
    return sorted((night.lab.directory / "snapall.state" / "journals").glob("*.jsonl"))[-1]


def slow(night: AtLab, vm: int = 110) -> None:
    """One VM is quiesced at once, and vcbsnapshot keeps its answer until it is ended."""
    night.fault(Fault("vcbsnapshot create", FaultKind.SLOW, seconds=EVER, vm=vm))


def slow_removal(night: AtLab) -> None:
    """The first removal acts at once, and vcbsnapshot keeps its answer until it is ended."""
    night.fault(Fault("vcbsnapshot delete", FaultKind.SLOW, seconds=EVER))

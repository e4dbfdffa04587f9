"""Commands run on the lab, in this process: the lab's ledger and its world show what they did."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal, Protocol

import pytest

from snapall import cli
from snapall.app.output import Output
from snapall.app.run import run
from snapall.backup.clock import SystemClock
from snapall.commands import options
from snapall.errors import SnapallError
from snapall.lab.config_file import string
from snapall.lab.faults import NAMED, Fault, FaultKind
from snapall.lab.ledger import Ledger
from snapall.lab.serve import Lab, new_keys
from snapall.lab.sites import SiteSpec
from snapall.lab.vcbserver import VcbServer, program
from tests.lab.sites import batch

CHAIN = ("vmware_recent", "vmware_previous", "vmware_snap3", "vmware_snap4")
LIMITS = {
    "create": r"^(timeout     = )[\d.]+",
    "remove": r"^(remove_timeout = )[\d.]+",
    "settle": r"^(settle      = )[\d.]+",
    "filer": r"^(timeout   = )[\d.]+",
}


_keys = cache(new_keys)  # one filer's for all labs of this process


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


class Hasty(SystemClock):
    """A clock that is set forward instead of waiting."""

    def __init__(self) -> None:
        self.ahead = 0.0
        super().__init__(steady=lambda: time.monotonic() + self.ahead)

    def wait(self, seconds: float, until: Callable[[], bool]) -> None:
        if not until():
            self.ahead += seconds


class Capture(Protocol):
    """What captures a command's output: pytest's capsys."""

    def readouterr(self) -> tuple[str, str]:
        """What was printed since the last call, on stdout and on stderr."""


class AtLab:
    """A lab that is up, and the command line. VirtualCenter settles at once here, so that waits are short."""

    def __init__(  # noqa: PLR0917 - what tests vary
        self,
        folder: Path,
        capture: Capture,
        site: SiteSpec | None = None,
        transport: Literal["ssh", "rsh"] = "rsh",
        order: Literal["safe", "paper"] = "safe",
        parallel: int = 1,
        guardian: bool = False,
        runbook: bool = False,
    ) -> None:
        """Without a guardian and run-books by default: they take half a second of a processor for each run."""
        self.lab = Lab.create(folder / "lab", batch() if site is None else site, _keys())
        self.world = self.lab.world
        self.capture = capture
        self.vcb = VcbServer()
        extra = "".join(f"{key} = false\n" for key, on in (("guardian", guardian), ("runbook", runbook)) if not on)
        self.config = self.lab.start(transport, parallel=parallel, order=order, extra=extra)
        program = next(line for line in self.config.read_text().splitlines() if line.startswith("vcbsnapshot"))
        self.edit(program, f"vcbsnapshot = [{', '.join(map(string, self.program))}]")
        self.edit("busy_wait   = 5", "busy_wait   = 0")
        # A busy machine meets no timeout; a test that needs one, or an unanswered command settled, sets its limits.
        self.limits(filer=120, create=300, remove=300, settle=0)
        self.dates = self.chain()
        self.foreign = dict(self.world.quiesced())

    def edit(self, old: str, new: str) -> None:
        """Change the configuration, which must have the old text."""
        text = self.config.read_text()
        assert old in text
        self.config.write_text(text.replace(old, new))

    @property
    def program(self) -> list[str]:
        """The lab's vcbsnapshot, with its leading arguments."""
        return program(self.vcb.port, self.lab.directory)

    def close(self) -> None:
        """Take the lab down."""
        self.vcb.close()
        self.lab.close()

    def limits(self, **seconds: float) -> None:
        """Set limits of the site: of a `filer` command, of a `create` and a `remove`, and how long creates `settle`."""
        text = self.config.read_text()
        for name, value in seconds.items():
            text, count = re.subn(LIMITS[name], rf"\g<1>{value:g}", text, flags=re.MULTILINE)
            assert count == 1
        self.config.write_text(text)

    @contextmanager
    def impatient(self, **seconds: float) -> Iterator[None]:
        """Set such limits for what begins in this block: a slow machine may exceed them afterwards."""
        before = self.config.read_text()
        self.limits(**seconds)
        yield
        self.config.write_text(before)

    def __call__(self, command: str, *args: str) -> Ended:
        """Run one command of snapall."""
        self.capture.readouterr()
        with pytest.raises(SystemExit) as ending:
            cli.main([command, *args, "--config", str(self.config)])
        out, err = self.capture.readouterr()
        return Ended(int(str(ending.value.code)), out, err)

    def hastily(self, order: str | None = None, clock: Hasty | None = None) -> Ended:
        """`snapall run`, by a clock that is set forward instead of waiting."""
        self.capture.readouterr()
        try:
            settings, jobs = options.chosen(self.config, None, order, "")
            code = run(settings, jobs, Output(), clock=clock or Hasty())
        except SnapallError as error:
            code = error.exit
        return Ended(int(code), *self.capture.readouterr())

    def fault(self, *faults: Fault | str) -> None:
        """Plant faults, or those of a name of the demo."""
        for one in faults:
            self.world.add_faults(*(NAMED[one].faults if isinstance(one, str) else (one,)))

    def chain(self, volume: str = "vmvol1") -> dict[str, str]:
        """The retained backups: names and dates."""
        return {row.name: row.date for row in self.world.listing(volume) if row.name in CHAIN}

    def names(self, volume: str = "vmvol1") -> list[str]:
        return [row.name for row in self.world.listing(volume)]

    @property
    def ledger(self) -> Ledger:
        return self.world.ledger()

    @property
    def changes(self) -> list[str]:
        """The changing commands to filer and vcbsnapshot, in order."""
        found = []
        for entry in self.ledger:
            if entry.of is None and entry.system == "vcbsnapshot":
                found.append(" ".join(["vcbsnapshot", *entry.argv]))
            elif entry.of is None and entry.verb in {"snap create", "snap rename", "snap delete"}:
                found.append(entry.command)
        return found

    def assert_nothing_is_quiesced(self) -> None:
        """No VM has a snapshot that was not there before."""
        assert dict(self.world.quiesced()) == self.foreign

    def assert_no_backup_is_lost(self) -> None:
        """Every retained backup has its own name."""
        assert self.chain() == self.dates

    def assert_shifted_by_one(self) -> None:
        """The oldest is gone, each other one has moved up, and the newest is new."""
        now = self.chain()
        assert [now[name] for name in CHAIN[1:]] == [self.dates[name] for name in CHAIN[:-1]]
        assert now[CHAIN[0]] not in self.dates.values()


def signal_at(on: str, number: int, kind: FaultKind = FaultKind.SIGNAL, *, match: str = "") -> Fault:
    """A call that sends this process a signal before it acts, or after."""
    return Fault(on, kind, match=match, victim=os.getpid(), signal=number)


def without_stamps(text: str) -> str:
    """The text with every run's stamp as `<UTC>`."""
    return re.sub(r"\d{8}T\d{6}Z(-[a-z0-9]{4}\b)?", "<UTC>", text)


def two_volumes() -> SiteSpec:
    """The batch's site, with its VMs on two volumes."""
    site = batch()
    return replace(site, volumes=(*site.volumes, replace(site.volumes[0], name="vmvol2")))


PYTHON = sys.executable

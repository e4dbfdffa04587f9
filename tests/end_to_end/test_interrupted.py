"""Nights that are interrupted: signals in every step, a reader that leaves, a full disk, two at once."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from snapall.backup.clock import SystemClock
from snapall.backup.lock import hold
from snapall.lab.faults import Fault, FaultKind
from tests.lab.atlab import AtLab, signal_at
from tests.platforms import posix, with_hangup, with_signals
from tests.waiting import PATIENCE

Make = Callable[..., AtLab]
pytestmark = pytest.mark.usefixtures("signals_as_a_terminal_gives_them")


def signalling(night: AtLab, number: int, match: str) -> None:
    """Let vcbsnapshot's call with these words send this process a signal, once, before it acts."""
    night.limits(settle=PATIENCE)  # the program may come to act when the run has long heard of the signal
    night.fault(signal_at("vcbsnapshot", number, match=match))


BEFORE_THE_CONFIRMATION = ["moref:vm-108", "moref:vm-1226"]


@with_signals
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("which", BEFORE_THE_CONFIRMATION)
@pytest.mark.parametrize("order", ["safe", "paper"])
def test_a_signal_while_quiescing_releases_and_exits_130(at_lab: Make, name: str, which: str, order: str) -> None:
    night = at_lab(order=order)
    signalling(night, signal.Signals[name], which)
    ended = night("run")
    assert ended.code == 130, ended.err
    assert "releasing" in ended.err
    night.assert_nothing_is_quiesced()
    assert not night.ledger.captures
    kept = night.chain()
    assert {name: kept.get(name) for name in list(night.dates)[:3]} == dict(list(night.dates.items())[:3])


@with_signals
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_signalled_while_releasing_still_finishes(at_lab: Make, number: int) -> None:
    night = at_lab()
    signalling(night, number, "ssid:snapshot-1228")
    ended = night("run")
    assert ended.code == 0, ended.err
    night.assert_nothing_is_quiesced()
    night.assert_shifted_by_one()


FILER_STEPS = [("version", 130), ("snap list", 130), ("snap create", 130), ("snap delete", 0), ("snap rename", 0)]


@with_signals
@pytest.mark.parametrize(("which", "code"), FILER_STEPS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_each_filer_command(at_lab: Make, which: str, code: int, number: int) -> None:
    night = at_lab()
    night.fault(signal_at(which, number))
    ended = night("run")
    assert ended.code == code, ended.err
    night.assert_nothing_is_quiesced()
    if code == 0:
        night.assert_shifted_by_one()
    else:
        night.assert_no_backup_is_lost()


def start(night: AtLab, *args: str, prelude: str = "") -> list[str]:
    """The command line of snapall in a process of its own."""
    main = f"{prelude}\nfrom snapall.cli import main\nmain({[*args, '--config', str(night.config)]!r})"
    return [sys.executable, "-c", main]


@posix("made of a shell's pipe")
def test_a_closed_pipe_does_not_stop_the_run(at_lab: Make) -> None:
    for stream in ("--json", "2>&1"):
        night = at_lab()
        line = shlex.join(start(night, "run", *([stream] if stream == "--json" else [])))
        pipe = "" if stream == "--json" else stream
        script = f"set -o pipefail; {line} {pipe} | head -1"
        piped = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
        assert piped.returncode == 0, piped.stderr
        assert len(piped.stdout.splitlines()) == 1
        assert "Traceback" not in piped.stderr
        night.assert_nothing_is_quiesced()
        night.assert_shifted_by_one()


FILLING = """\
import os
from snapall.lab.faults import Fault, FaultKind
from snapall.lab.world import World
with World({world!r}) as world:
    world.add_faults(Fault("vcbsnapshot", FaultKind.DISK_FULL, match={match!r}, victim=os.getpid()))
"""
FULL_AT = [("", 1), ("moref:vm-108", 1), ("moref:vm-1226", 1), ("ssid:snapshot-1228", 3), ("ssid:snapshot-1230", 3)]


@pytest.mark.skipif(sys.platform != "linux", reason="a process may limit another one's files on Linux alone")
@pytest.mark.parametrize(("full_at", "code"), FULL_AT)
def test_a_full_disk_under_the_journal_releases_every_vm(at_lab: Make, full_at: str, code: int) -> None:
    """The disk is full from the first line on, or as vcbsnapshot is called for this VM or this removal."""
    night = at_lab()
    small = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (99, r.getrlimit(r.RLIMIT_FSIZE)[1]))"
    prelude = FILLING.format(world=str(night.lab.directory), match=full_at) if full_at else small
    # A child that measures its coverage would have to write that into a file as well.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    command = start(night, "run", prelude=prelude)
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    assert ended.returncode == code, ended.stderr
    assert "journal" in ended.stderr
    assert "remedy" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(night.ledger.captures) == (code == 3)
    night.assert_nothing_is_quiesced()
    night.assert_no_backup_is_lost()
    assert night("run").code == 0
    assert sorted(night.names())[:4] == sorted(night.dates)


def test_a_second_run_is_refused_with_4(at_lab: Make, tmp_path: Path) -> None:
    night = at_lab()
    with hold(night.lab.directory / "snapall.state", "vol1", "run", SystemClock(), lambda: False):
        ended = night("run")
    assert ended.code == 4
    assert "another run" in ended.err
    assert night.changes == []


@with_signals
def test_vms_that_answer_late_are_released_after_a_signal(at_lab: Make) -> None:
    night = at_lab(parallel=3)
    night.fault(Fault("vcbsnapshot create", FaultKind.SLOW, seconds=0.5, vm=110))
    signalling(night, signal.SIGINT, "moref:vm-1226")
    ended = night("run")
    assert ended.code == 130, ended.err
    night.assert_nothing_is_quiesced()


@with_hangup
def test_a_signal_that_is_ignored_stays_ignored(at_lab: Make) -> None:
    night = at_lab()
    signalling(night, signal.SIGHUP, "moref:vm-110")
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    assert night("run").code == 0
    night.assert_shifted_by_one()

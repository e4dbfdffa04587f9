"""Journal, JSON lines, log and plain lines of one run agree with each other and with the lab's ledger."""

from __future__ import annotations

import io
import json
import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from snapall.app.jobrun import JobRun
from snapall.app.opening import pace_of
from snapall.app.signals import signal_flag
from snapall.backup.bus import EventBus
from snapall.backup.clock import SystemClock
from snapall.config.load import load
from snapall.lab.faults import FaultKind
from snapall.lab.ledger import Change
from snapall.operate.launcher import GuardianLauncher
from snapall.views.jsonlines import JsonLines
from snapall.views.logfile import LogFile
from snapall.views.plain import PlainLines
from tests.lab.atlab import CHAIN, AtLab, signal_at
from tests.operate.guardians import journal

Make = Callable[..., AtLab]


@dataclass(frozen=True)
class ReportedRun:
    """A run as one of its views reports it: VMs by VPX_VM.ID, `snapshot` is the backup's final name."""

    exit: int
    quiesced: frozenset[int]  # vcbsnapshot answered with an id
    missed: frozenset[int]  # not quiesced
    left: frozenset[int]  # may be left quiesced
    snapshot: str


@dataclass
class Run:
    """A run with every view at once."""

    night: AtLab
    plain: str = ""
    json: str = ""

    @property
    def log(self) -> str:
        return (self.night.lab.directory / "snapall.log").read_text()

    def run(self) -> int:
        settings = load(self.night.config)
        job = settings.jobs["vol1"]
        plain, lines = io.StringIO(), io.StringIO()
        bus = EventBus(PlainLines(plain), JsonLines(lines), LogFile.open(settings.log, settings.log_time))
        pace, clock = pace_of(settings, job), SystemClock()
        with signal_flag(lambda *_: None) as stopped:
            code = JobRun(settings, job, pace, clock, bus, stopped, GuardianLauncher(settings)).run()
        bus.close()
        assert bus.dismissed == []
        self.plain, self.json = plain.getvalue(), lines.getvalue()
        return int(code)


def numbers(pattern: str, text: str) -> frozenset[int]:
    """The VMs that the lines with this pattern name."""
    lines = re.findall(pattern, text, re.MULTILINE)
    return frozenset(int(n) for line in lines for n in re.findall(r"vm(?:id=|-)(\d+)", line))


MISSED = r"not quiesced: ((?:(?:, )?\S+ \(vm-\d+\))+)"
LEFT = r"may be left quiesced: \S+ (\(vm-\d+\))"
SNAPSHOT = r"(vmware\w+\S*): (?:quiesced|partial|crash-consistent)"


def last(pattern: str, text: str) -> str:
    found: list[str] = re.findall(pattern, text, re.MULTILINE)
    return found[-1] if found else ""


def from_plain_lines(run: Run) -> ReportedRun:
    return ReportedRun(
        int(last(r"exit (\d+): ", run.plain)),
        numbers(r"^[\d:]+ quiesced \S+ (\(vm-\d+\))", run.plain),
        numbers(MISSED, run.plain),
        numbers(LEFT, run.plain),
        last(SNAPSHOT, run.plain),
    )


def from_the_log(run: Run) -> ReportedRun:
    """The batch's lines; and a summary, unless the run was a whole success."""
    trouble = "An error occurred" in run.log
    return ReportedRun(
        int(last(r"[AP]M exit (\d+): ", run.log)) if trouble else 0,
        numbers(r"Creating snapshot for (vmid=\d+) +\n(?:\| \[.*\n)?\| SsId:", run.log),
        numbers(MISSED, run.log),
        numbers(LEFT, run.log),
        last(SNAPSHOT, run.log) if trouble else last(r"^renaming \S+ to (\S+)", run.log),
    )


def of_json(values: list[dict[str, Any]], event: str) -> Iterator[dict[str, Any]]:
    return (one for one in values if one["event"] == event)


def from_json(run: Run) -> ReportedRun:
    values = [json.loads(line) for line in run.json.splitlines()]
    report = values[-1]["report"]
    steps = {one["n"]: one["step"] for one in of_json(values, "intent")}
    answers = [(steps[one["n"]], one["outcome"]) for one in of_json(values, "answered")]
    return ReportedRun(
        report["exit"],
        frozenset(step["vm"]["id"] for step, outcome in answers if step["do"] == "quiesce" and outcome.get("ssid")),
        frozenset(one["vm"]["id"] for one in report["verdicts"] if one["state"] == "not quiesced"),
        numbers(r"\(vm-\d+\)", "\n".join(report["outstanding"])),
        report["name"],
    )


def from_the_journal(run: Run) -> ReportedRun:
    records: list[dict[str, Any]] = journal(run.night)
    ended = records[-1]
    steps = {one["n"]: one["step"] for one in records if one["is"] == "Intent"}
    answers = [(steps[one["n"]], one["outcome"]) for one in records if one["is"] == "Answered"]
    summary = ended["summary"]
    return ReportedRun(
        ended["exit"],
        frozenset(step["vm"]["id"] for step, outcome in answers if step["is"] == "Quiesce" and outcome.get("ssid")),
        frozenset(one["vm"]["id"] for one in summary["vms"] if one["state"] == "not quiesced"),
        numbers(r"\(vm-\d+\)", "\n".join(summary["left"])),
        summary["backup"]["name"] if summary["backup"] else "",
    )


def from_the_ledger(night: AtLab, code: int) -> ReportedRun:
    """By the ledger and the lists of the lab."""
    made = frozenset(effect.vm for effect in night.ledger.effects if effect.change is Change.MADE and effect.vm)
    new = [row.name for row in night.world.listing("vmvol1") if row.date not in night.dates.values()]
    left = frozenset(set(night.world.quiesced()) - set(night.foreign))
    return ReportedRun(code, made, frozenset({108, 110, 1226}) - made, left, new[0] if new else "")


RUNS = [("", 0), ("vm-fails", 3), ("busy-oldest", 3), ("stuck-vm", 5), ("volume-full", 1), ("signal", 130)]


@pytest.mark.usefixtures("signals_as_a_terminal_gives_them")
@pytest.mark.parametrize(("fault", "code"), RUNS)
def test_journal_json_log_and_plain_lines_of_a_run_agree(at_lab: Make, fault: str, code: int) -> None:
    night = at_lab()
    run = Run(night)
    if fault == "signal":
        night.fault(signal_at("vcbsnapshot create", signal.SIGINT, FaultKind.SIGNAL_AFTER, match="vm-1226"))
    elif fault:
        night.fault(fault)
    assert run.run() == code
    world = from_the_ledger(night, code)
    assert from_the_journal(run) == world
    assert from_json(run) == world
    assert from_plain_lines(run) == world
    assert from_the_log(run) == world
    assert (world.snapshot in CHAIN) == (code in {0, 5} or fault == "vm-fails")

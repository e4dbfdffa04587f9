"""The batch as it stands, run by snapall: commands, log and end state are those that were recorded of it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from typing import Any

import pytest

from snapall.views.logfile import FOREIGN
from tests.config.batches import with_the_batch
from tests.conformity.observed import ECHOED
from tests.conformity.recordings import FOLDER
from tests.conformity.scenarios import site_of
from tests.lab.atlab import CHAIN, AtLab

SCENARIO = "a_happy_vcuser_env"
FACTS: dict[str, Any] = json.loads((FOLDER / f"{SCENARIO}.json").read_text(encoding="utf-8"))


@pytest.fixture
def night(at_lab: Callable[..., AtLab]) -> AtLab:
    """The recorded site, where the batch has the place of snapall.toml."""
    return with_the_batch(at_lab(site=site_of(SCENARIO)))


def recorded(program: str) -> list[list[str]]:
    """What the batch gave to a program, call by call."""
    return [call["argv"] for call in FACTS["calls"] if call["program"] == program]


def logged(night: AtLab) -> bytes:
    """The log, whose lines end as those of every text on this system."""
    return (night.lab.directory / "snapall.log").read_bytes().replace(os.linesep.encode(), b"\n")


def without_times(log: bytes) -> bytes:
    """The log with `%date% %time%` cut out of its two lines, and nothing else."""
    return re.sub(rb"(?m)^(Script Execution \w+ at )\d\d/\d\d/\d{4} \d?\d:\d\d [AP]M $", rb"\1<time> ", log)


def marked(line: str) -> str:
    """A recorded line as snapall writes it: with its mark, where a program printed it."""
    return line if ECHOED.fullmatch(line) else f"{FOREIGN}{line}"


def test_a_run_in_paper_order_writes_the_batchs_log_to_the_byte_except_times_and_marks(night: AtLab) -> None:
    ended = night("run", "--order", "paper")
    assert ended.code == 0, ended.err
    wanted = without_times("".join(f"{marked(line)}\n" for line in FACTS["log"]).encode())
    assert wanted.count(b"<time>") == 2
    assert without_times(logged(night)) == wanted
    overlay = night.lab.directory / "snapall.bat.toml"  # a second run soon after the first is no warning here
    overlay.write_text(f"{overlay.read_text(encoding='utf-8')}max_age = 0.0001\n", encoding="utf-8")
    assert night("run", "--order", "paper").code == 0
    lines = without_times(logged(night)).splitlines(keepends=True)
    later = {b"snapshot-%d" % old: b"snapshot-%d" % (old + 3) for old in (1228, 1229, 1230)}
    again = re.sub(rb"snapshot-\d+", lambda hit: later[hit[0]], wanted)
    assert b"".join(lines[len(FACTS["log"]) :]) == again


def test_a_run_in_paper_order_sends_the_batchs_commands_and_shifts_the_four_names(night: AtLab) -> None:
    assert night("run", "--order", "paper").code == 0
    entries = night.ledger
    assert [entry.command.split() for entry in entries.changing] == [argv[1:] for argv in recorded("RSH")]
    assert [list(entry.argv) for entry in entries.vcbsnapshot] == recorded("vcbsnapshot")
    night.assert_nothing_is_quiesced()
    night.assert_shifted_by_one()
    assert night("recover").code == 0
    assert all(name in night("list").out for name in CHAIN)
    assert night("plan").code == 0


def test_the_unchanged_batch_rotates_only_after_the_confirmation(night: AtLab) -> None:
    assert night("run").code == 0
    verbs = [entry.command.split()[1] for entry in night.ledger.changing]
    assert verbs == ["create", "delete", "rename", "rename", "rename", "rename"]
    assert sorted(map(list, (entry.argv[6:8] for entry in night.ledger.vcbsnapshot))) == sorted(
        argv[6:8] for argv in recorded("vcbsnapshot")
    )
    night.assert_nothing_is_quiesced()
    night.assert_shifted_by_one()

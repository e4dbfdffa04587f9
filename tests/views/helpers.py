"""Nights on the in-memory site with views that listen, and a report to vary."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from snapall.backup.bus import Listener
from snapall.backup.facts import FORMAT, Began
from snapall.backup.outcome import Report
from snapall.backup.record import Record
from snapall.errors import Exit
from tests.backup.simulated import JOB, PACE, Stage

AT = datetime(2007, 3, 22, 3, 0, tzinfo=UTC)
BEGAN = Began(JOB, "20070322T030000Z", "vc01", "filer1", PACE, "1", format=FORMAT)
EVIL = "sql\x1b]0;x\x07\u202e[red]01"


def heard_by(stage: Stage, *listeners: Listener) -> Report:
    def hear(record: Record) -> None:
        stage.heard.append(record.what)
        for listener in listeners:
            listener(record)

    stage.hear = hear  # type: ignore[method-assign]
    return stage.night()


def report_with(code: Exit, **changes: object) -> Report:
    base = Report("vol1", "s", code, None, (), "", False, (), (), 1.0, 0.0)
    return replace(base, **changes)  # type: ignore[arg-type]

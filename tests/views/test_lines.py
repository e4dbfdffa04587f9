"""The plain lines and the JSON lines, fed with whole nights."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from snapall.backup.facts import Answered, Intent, Surveyed
from snapall.backup.model import Vm, VmSnapshot
from snapall.backup.record import OutstandingFound, Record, Waiting
from snapall.backup.steps import Done, Quiesce, Unknown
from snapall.views.json_root import snake
from snapall.views.jsonlines import JsonLines
from snapall.views.plain import PlainLines
from snapall.views.progress import Progress
from snapall.views.screen import ending, screen
from tests.backup.simulated import JOB, Stage, capture_of, once, quiesce_of, refuse, release_of
from tests.views.helpers import AT, BEGAN, EVIL, run_with


def plain(stage: Stage, *, quiet: bool = False) -> str:
    stream = io.StringIO()
    run_with(stage, PlainLines(stream, quiet=quiet))
    return stream.getvalue()


def test_plain_lines_name_each_vm_and_the_end(tmp_path: Path) -> None:
    text = plain(Stage(tmp_path))
    assert "released app01 (vm-1226)" in text
    for part in ("quiesced web01 (vm-108)", "created vmware_new_", "exit 0: success", "3/3"):
        assert part in text
    assert text.count("-- release") == 1


def test_quiet_lines_show_only_trouble(tmp_path: Path) -> None:
    good = Stage(tmp_path / "good")
    good.site.volumes["v"].clear()  # no backups that its state folder does not know
    assert plain(good, quiet=True) == ""
    stage = Stage(tmp_path / "bad")
    stage.site.fail(capture_of(), refuse("No space left on device"))
    text = plain(stage, quiet=True)
    assert "No space left on device" in text
    assert "remedy: " in text
    assert "quiesced web01" not in text
    assert "exit 1" in text


def test_plain_lines_show_waits_and_outstanding_work() -> None:
    stream = io.StringIO()
    lines = PlainLines(stream)
    lines(Record(AT, Waiting(AT + timedelta(minutes=5), "busy")))
    lines(Record(AT, OutstandingFound(Vm(7), "Quiesce", "s")))
    assert "waiting until" in stream.getvalue()
    assert "vm-7 may still have Quiesce" in stream.getvalue()


def test_no_view_lets_a_name_play_tricks(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "state")
    stage.site.vms = [Vm(108, EVIL, EVIL)]
    stage.site.fail(quiesce_of(108), refuse(EVIL))
    stream, drawn = io.StringIO(), io.StringIO()
    console = Console(file=drawn, width=100, force_terminal=False, color_system=None)
    progress = Progress()
    run_with(stage, PlainLines(stream), progress)
    console.print(screen(progress, AT, 100, 40))
    console.print(ending(progress, 100))
    for text in (stream.getvalue(), drawn.getvalue()):
        assert "\x1b" not in text
        assert "\x07" not in text
        assert "\u202e" not in text
        assert "[red]01" in text


def test_json_lines_are_objects_with_a_time_and_a_kind(tmp_path: Path) -> None:
    stream = io.StringIO()
    stage = Stage(tmp_path)
    stage.site.fail(quiesce_of(110), refuse("no"))
    run_with(stage, JsonLines(stream))
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [events[0]["event"], events[-1]["event"]] == ["began", "run_ended"]
    assert {event["schema"] for event in events} == {1}
    assert {event["of_run"] for event in events if event["event"] == "answered"} == {events[0]["stamp"]}
    assert all(datetime.fromisoformat(event["at"]).tzinfo is not None for event in events)
    steps = {event["n"]: event["step"] for event in events if event["event"] == "intent"}
    (refused,) = [e for e in events if e["event"] == "answered" and e["outcome"]["outcome"] == "refusal"]
    assert steps[refused["n"]]["do"] == "quiesce"
    assert steps[refused["n"]]["vm"] == {"id": 110, "name": "sql01", "host": "esx1"}
    assert events[-1]["report"]["grade"] == "partial"
    assert events[-1]["report"]["exit"] == 3
    assert snake("VmLost") == "vm_lost"


def test_a_view_raises_what_its_stream_raises(tmp_path: Path) -> None:
    class Gone(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    for listener in (PlainLines(Gone()), JsonLines(Gone())):
        with pytest.raises(BrokenPipeError):
            listener(Record(AT, BEGAN))


def test_runs_that_are_settled_at_once_are_not_mixed_up(tmp_path: Path) -> None:
    stage, other = Stage(tmp_path), replace(JOB, name="vol2")
    web, sql = stage.site.vms[:2]
    for job, vm, stamp in ((JOB, web, "20070322T030000Z"), (other, sql, "20070322T030001Z")):
        name, ssid = f"Quiesce-{stamp}", f"snapshot-{vm.id}"
        stage.site.rows.append(VmSnapshot(ssid, vm.id, name, AT))
        created = (Intent(1, Quiesce(vm, name)), Answered(1, Done(ssid=ssid), 1.0))
        stage.begun(Surveyed((), (vm,), (), (), ()), *created, job=job, stamp=stamp)
    stream = io.StringIO()
    stage.listen = PlainLines(stream)  # type: ignore[method-assign]
    stage.site.fail(release_of(web.id), once(lambda step, act: Unknown("another task", failed=True)))
    stage.recover(jobs=[JOB, other])
    assert "releasing web01 (vm-108), outcome unknown: another task" in stream.getvalue()
    assert stream.getvalue().count("released sql01 (vm-110)") == 1

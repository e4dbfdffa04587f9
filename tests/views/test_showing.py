"""The plain lines, the JSON lines, the console and the reports, fed with whole nights."""

from __future__ import annotations

import io
import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from snapall.backup.bus import Listener
from snapall.backup.model import Grade, Order, Policies, Policy, Vm
from snapall.backup.record import FORMAT, Began, Failed, OutstandingFound, Record, Report, RunEnded, Waiting, Warned
from snapall.backup.steps import Done, Outcome, Refusal, Release, Unknown
from snapall.errors import Exit
from snapall.views import words
from snapall.views.console import ConsoleView, Picture, Terminal, ending, screen
from snapall.views.jsonlines import JsonLines, snake
from snapall.views.plain import PlainLines
from snapall.views.progress import Progress, State, count
from snapall.views.reports import Retained, list_json, list_lines
from tests.backup.pretended import JOB, PACE, Stage, act_unanswered, capture_of, lose, quiesce_of, refuse, release_of

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


def plain(stage: Stage, *, quiet: bool = False) -> str:
    stream = io.StringIO()
    heard_by(stage, PlainLines(stream, quiet=quiet))
    return stream.getvalue()


def test_plain_lines_name_each_vm_and_the_end(tmp_path: Path) -> None:
    text = plain(Stage(tmp_path))
    for part in ("quiesced web01 (vm-108)", "released app01 (vm-1226)", "created vmware_new_", "whole success", "3/3"):
        assert part in text
    assert text.count("-- release") == 1


def test_quiet_lines_show_only_trouble(tmp_path: Path) -> None:
    assert plain(Stage(tmp_path / "good"), quiet=True) == ""
    stage = Stage(tmp_path / "bad")
    stage.site.fail(capture_of(), refuse("No space left on device"))
    text = plain(stage, quiet=True)
    assert "No space left on device" in text
    assert "remedy: " in text
    assert "quiesced web01" not in text
    assert "exit 1" in text


def test_plain_lines_show_waiting_and_what_is_outstanding() -> None:
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
    heard_by(stage, PlainLines(stream), progress)
    console.print(screen(progress, AT, 100, 40))
    console.print(ending(progress, 100))
    for text in (stream.getvalue(), drawn.getvalue()):
        assert "\x1b" not in text
        assert "\x07" not in text
        assert "\u202e" not in text
        assert "[red]01" in text


def test_json_lines_are_objects_with_a_moment_and_a_kind(tmp_path: Path) -> None:
    stream = io.StringIO()
    stage = Stage(tmp_path)
    stage.site.fail(quiesce_of(110), refuse("no"))
    heard_by(stage, JsonLines(stream))
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [events[0]["event"], events[-1]["event"]] == ["began", "run_ended"]
    assert {event["schema"] for event in events} == {1}
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


def progress_of(stage: Stage) -> Progress:
    progress = Progress()
    heard_by(stage, progress)
    return progress


def test_progress_ends_with_every_vm_released(tmp_path: Path) -> None:
    progress = progress_of(Stage(tmp_path))
    assert count(progress.vms, State.RELEASED) == 3
    assert progress.taken == progress.total > 0
    assert progress.running == {}
    assert set(progress.stages) == set(progress.spent)  # the plan's and no others
    assert progress.report is not None


def test_progress_shows_who_was_never_quiesced(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(JOB, policies=Policies((("web*", Policy.SKIP),))))
    stage.site.fail(quiesce_of(110), act_unanswered)
    stage.site.fail(release_of(1226), lose)
    progress = progress_of(stage)
    assert progress.vms[108].state is State.SKIPPED
    assert progress.vms[110].state is State.RELEASED  # listed before the capture: it was quiesced
    assert progress.vms[1226].state is State.UNCERTAIN
    assert progress.vms[1226].why == "no answer"
    stage = Stage(tmp_path / "other", pace=replace(stage.pace, settle=0))
    stage.site.fail(quiesce_of(110), lose)
    progress = progress_of(stage)
    assert progress.vms[110].state is State.LEFT
    assert progress.vms[110].seconds(AT) is None


def drawn(progress: Progress, width: int, height: int, now: datetime = AT) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, height=height, color_system=None)
    console.print(screen(progress, now, width, height))
    return stream.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_screen_fits_its_terminal(tmp_path: Path, width: int) -> None:
    stage = Stage(tmp_path)
    stage.site.vms = [Vm(n, f"vm{n}", f"esx{n % 7}.example.edu") for n in range(100, 300)]
    progress = progress_of(stage)
    text = drawn(progress, width, 30)
    assert len(text.splitlines()) <= 34
    assert all(len(line) <= width for line in text.splitlines())
    assert "more" in text
    assert any(line.split()[1:3] == ["VM", "host"] for line in text.splitlines()) == (width >= 72)


def test_the_screen_shows_trouble_first(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.site.vms = [Vm(n, f"vm{n}") for n in range(100, 200)]
    stage.site.fail(quiesce_of(199), refuse("no host"))
    text = drawn(progress_of(stage), 100, 30)
    assert "vm199" in text
    assert "no host" in text


def test_the_screen_can_be_drawn_at_every_moment(tmp_path: Path) -> None:
    progress = Progress()
    assert "snapall" in drawn(progress, 80, 24)
    stage = Stage(tmp_path, replace(JOB, busy_wait=20))
    stage.site.volumes["v"][3] = replace(stage.site.volumes["v"][3], tags=("busy",))
    screens: list[str] = []

    def draw(record: Record) -> None:
        progress(record)
        screens.append(drawn(progress, 80, 30, record.at))

    heard_by(stage, draw)
    assert any("● quiesce" in text for text in screens)
    assert any("waiting: vmware_snap4" in text for text in screens)
    assert any("○ release" in text for text in screens)
    assert "✓ rotate" in screens[-1]


def test_the_live_console_leaves_the_summary_on_the_screen(tmp_path: Path) -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=100, height=40, force_terminal=True)
    with ConsoleView(console, lambda: AT) as view:
        heard_by(Stage(tmp_path), view)
    text = stream.getvalue()
    assert "whole success" in text
    last = text[text.rindex("whole success") :]
    assert "╯" in last
    assert "\x1b[2K" not in last  # nothing of it is erased
    assert "\x1b[?25h" in text  # the cursor is back


def test_a_terminal_that_has_gone_is_left_quietly(tmp_path: Path) -> None:
    class Gone(io.StringIO):
        gone = False

        def write(self, text: str) -> int:
            if self.gone:
                raise BrokenPipeError
            return super().write(text)

    stream, stdout = Gone(), os.fstat(sys.stdout.fileno())
    with ConsoleView(Terminal(file=stream, width=80, height=24, force_terminal=True), lambda: AT):
        stream.gone = True
    assert os.fstat(sys.stdout.fileno()) == stdout  # the results still have their place


def test_the_picture_shows_the_moment_of_the_confirmation_and_the_end(tmp_path: Path) -> None:
    path = tmp_path / "night.svg"
    heard_by(Stage(tmp_path / "state"), Picture(path))
    text = path.read_text().replace("&#160;", " ")
    assert text.startswith("<svg")
    assert "3 VMs quiesced" in text
    assert "whole success" in text


def test_the_end_names_remedies(tmp_path: Path) -> None:
    progress = Progress()
    progress(Record(AT, BEGAN))
    progress(Record(AT, Warned("odd", "check it")))
    progress(Record(AT, Failed("broken", "")))
    stream = io.StringIO()
    console = Console(file=stream, width=80, color_system=None)
    console.print(ending(progress, 80))
    assert stream.getvalue().strip() == ""
    progress(Record(AT, RunEnded(report_with(Exit.FAILED))))
    console.print(ending(progress, 80))
    assert "remedy: check it" in stream.getvalue()
    assert "exit 1" in stream.getvalue()


def report_with(code: Exit, **changes: object) -> Report:
    base = Report("vol1", "s", code, None, (), "", False, (), (), 1.0, 0.0)
    return replace(base, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("code", list(Exit))
def test_every_exit_code_has_its_words_and_its_advice(code: Exit) -> None:
    lines = words.summary(report_with(code, outstanding=("web01 (vm-7)",) if code is Exit.DEBTS else ()), JOB)
    assert any(line.startswith(f"exit {int(code)}: ") for line in lines)
    assert any(line.startswith("next: ") for line in lines) == (code is not Exit.OK)
    if code is Exit.DEBTS:
        assert "web01 (vm-7)" in lines[0]
        assert "snapall recover" in " ".join(lines)


def test_a_backup_below_publish_is_said_to_be_replaced_and_never_to_be_published() -> None:
    pending = report_with(Exit.PARTIAL, grade=Grade.CRASH_CONSISTENT, name="vmware_new_s")
    assert words.summary(pending, JOB)[0] == "vmware_new_s: crash-consistent, pending"
    assert "below `publish` (partial) and stays pending until the next backup replaces it" in words.advice(pending, JOB)
    whole = replace(JOB, publish=Grade.WHOLE)
    assert "below `publish` (whole)" in words.advice(replace(pending, grade=Grade.PARTIAL), whole)


def test_a_good_backup_that_is_pending_is_said_to_be_published_by_the_next_run() -> None:
    pending = report_with(Exit.PARTIAL, grade=Grade.PARTIAL, name="vmware_new_s")
    assert "the next run, or `snapall recover`, publishes vmware_new_s" in words.advice(pending, JOB)
    paper = replace(JOB, publish=Grade.CRASH_CONSISTENT)
    assert "publishes vmware_new_s" in words.advice(replace(pending, grade=Grade.CRASH_CONSISTENT), paper)


def test_a_report_says_where_its_backup_is() -> None:
    published = report_with(Exit.PARTIAL, grade=Grade.PARTIAL, name="vmware_recent", published=True)
    assert words.place(published, JOB) == "published"
    assert words.place(replace(published, name="before-upgrade"), JOB) == "kept outside the rotation"
    assert "publishes" not in words.advice(published, JOB)
    assert words.grade(report_with(Exit.FAILED)) == "no backup"


def test_only_safe_order_promises_that_the_retained_backups_are_unchanged() -> None:
    failed = report_with(Exit.FAILED)
    assert "retained backups are unchanged" in words.advice(failed, JOB)
    assert "retained" not in words.advice(failed, replace(JOB, order=Order.PAPER))


def test_lengths_of_time_read_as_people_write_them() -> None:
    assert [words.clocked(s) for s in (3.21, 250, 7500)] == ["3.2 s", "4 min 10 s", "2 h 5 min"]


def test_the_list_has_columns_and_json() -> None:
    rows = [Retained("v", "vmware_recent", "Mar 22 03:00", ("busy", "LUNs"), "quiesced 3/3", "s"), _unknown()]
    lines = list_lines(rows)
    assert lines[0].split()[:2] == ["volume", "name"]
    assert "busy,LUNs" in lines[1]
    body = list_json(rows)
    assert body["schema"] == 1
    assert isinstance(body["snapshots"], list)
    assert body["snapshots"][1]["run"] is None


def _unknown() -> Retained:
    return Retained("v", "hourly.0", "Mar 22 04:00", (), "unknown", "")


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (Done(), "released vm-7"),
        (Refusal("no"), "releasing vm-7 was refused: no"),
        (Unknown("lost"), "releasing vm-7 has no certain outcome: lost"),
    ],
)
def test_a_step_has_words_for_each_of_its_outcomes(outcome: Outcome, text: str) -> None:
    assert words.done(Release(Vm(7), "snapshot-1"), outcome) == text


def test_a_size_is_written_in_the_unit_that_fits() -> None:
    sizes = [None, 0, 1023, 1024, 1024**2 - 1, 50 * 1024**3, 2**63]
    written = ["unknown", "0 B", "1023 B", "1.0 KiB", "1.0 MiB", "50.0 GiB", "8192.0 PiB"]
    assert [words.size(one) for one in sizes] == written

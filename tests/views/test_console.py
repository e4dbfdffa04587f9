"""The console: the state that it folds, its screen at any moment, and what it leaves behind."""

from __future__ import annotations

import io
import os
import re
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from snapall.backup.facts import Failed, Intent, Surveyed, Warned
from snapall.backup.model import Order, Policies, Vm, VmPolicy
from snapall.backup.record import Forecast, Record, RunEnded, StageBegan, StageEnded
from snapall.backup.record import Stage as Part
from snapall.backup.steps import Quiesce
from snapall.errors import Exit
from snapall.views.console import ConsoleView, Terminal
from snapall.views.glyphs import PLAINER
from snapall.views.picture import Picture
from snapall.views.progress import Progress, VmStage, count, window
from snapall.views.screen import ending, screen
from tests.backup.simulated import JOB, Stage, act_unanswered, capture_of, lose, quiesce_of, refuse, release_of
from tests.views.helpers import AT, BEGAN, report_with, run_with

CORNER = "[╯┘]"  # round, or as rich draws it on an old console of Windows


def progress_of(stage: Stage) -> Progress:
    progress = Progress()
    run_with(stage, progress)
    return progress


def test_progress_ends_with_every_vm_released(tmp_path: Path) -> None:
    progress = progress_of(Stage(tmp_path))
    assert count(progress.vms, VmStage.RELEASED) == 3
    assert progress.taken == progress.total > 0
    assert progress.running == {}
    assert set(progress.stages) == set(progress.spent)  # the plan's and no others
    assert progress.report is not None


def test_progress_shows_who_was_never_quiesced(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(JOB, policies=Policies((("web*", VmPolicy.SKIP),))))
    stage.site.fail(quiesce_of(110), act_unanswered)
    stage.site.fail(release_of(1226), lose)
    progress = progress_of(stage)
    assert progress.vms[108].state is VmStage.SKIPPED
    assert progress.vms[110].state is VmStage.RELEASED  # listed before the capture: it was quiesced
    assert progress.vms[1226].state is VmStage.UNCERTAIN
    assert progress.vms[1226].why == "no answer"
    stage = Stage(tmp_path / "other", pace=replace(stage.pace, settle=0))
    stage.site.fail(quiesce_of(110), lose)
    progress = progress_of(stage)
    assert progress.vms[110].state is VmStage.LEFT
    assert progress.vms[110].seconds(AT) is None


def test_progress_shows_a_run_without_what_it_settled_first(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    gone = Vm(7, "old01")
    stage.begun(Surveyed((), (gone,), (), (), ()), Intent(1, Quiesce(gone, "Quiesce-x")))
    progress = progress_of(stage)
    assert set(progress.vms) == {108, 110, 1226}
    assert progress.taken == progress.total
    assert any("old01 (vm-7) may still have Quiesce-x" in one.text for one in progress.problems)
    assert any("taken over by the next run" in text for text in progress.done)
    assert progress.stages[0] is Part.SETTLE


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


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("seconds", [3, 750, 7300])
def test_the_stages_stand_in_the_order_of_the_workflow_and_never_wrap(order: Order, seconds: int) -> None:
    progress = Progress()
    progress(Record(AT, replace(BEGAN, job=replace(JOB, order=order))))
    for stage in (Part.SURVEY, Part.RELEASE, Part.QUIESCE):
        progress(Record(AT, StageBegan(stage)))
        progress(Record(AT, StageEnded(stage, seconds)))
    text = drawn(progress, 80, 24)
    (line,) = [line for line in text.splitlines() if "survey" in line]
    last = ["rotate"] if order is Order.SAFE else []
    first = ["rotate"] if order is Order.PAPER else []
    stages = ["survey", *first, "quiesce", "capture", "confirm", "locate", "release", *last]
    assert re.findall("[a-z]+", line) == stages
    assert len({len(line) for line in text.splitlines()}) == 1
    assert "✓✓" in drawn(progress, 40, 24) or order is Order.PAPER


def test_a_narrow_screen_shows_states_and_title_whole(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.site.vms = [Vm(108, "a-very-long-name-of-a-vm"), *stage.site.vms[1:]]
    stage.site.fail(quiesce_of(110), refuse("no host"))
    progress, screens = Progress(), []

    def draw(record: Record) -> None:
        progress(record)
        screens.append(drawn(progress, 40, 30, record.at))

    run_with(stage, draw)
    for state in ("quiescing ", "releasing ", "released ", "not quiesced"):
        assert any(state in text for text in screens)
    assert "order safe ─" in screens[-2].splitlines()[0]  # what has no room is left out, not cut


def test_at_the_end_the_time_is_compared_with_the_usual_one(tmp_path: Path) -> None:
    progress = progress_of(Stage(tmp_path))
    progress(Record(AT, Forecast(130.0, 200.0)))
    stream = io.StringIO()
    Console(file=stream, width=80, color_system=None).print(ending(progress, 80))
    assert "s, usually 3 min 20 s" in stream.getvalue()
    assert "of about" not in stream.getvalue()


def test_at_the_end_a_stage_without_its_result_is_marked(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "busy", replace(JOB, busy_wait=20))
    stage.site.volumes["v"][3] = replace(stage.site.volumes["v"][3], tags=("busy",))
    assert progress_of(stage).failed == (Part.ROTATE,)
    stage = Stage(tmp_path / "full")
    stage.site.fail(capture_of("v"), refuse("no space"))
    progress = progress_of(stage)
    assert progress.failed == (Part.CAPTURE,)
    assert "✗ capture" in drawn(progress, 80, 24)
    assert progress_of(Stage(tmp_path / "well")).failed == ()


def test_before_the_survey_the_screen_shows_what_is_known_already() -> None:
    progress = Progress()
    progress(Record(AT, BEGAN))
    progress(Record(AT, Forecast(130.0, 200.0)))
    text = drawn(progress, 80, 24, AT + timedelta(seconds=2))
    for part in (
        "2.0 s of about 3 min 20 s",
        "filer1",
        "vc01",
        "VMs quiesced for 2 min 10 s",
        "nothing has been changed",
    ):
        assert part in text


def test_the_screen_counts_the_vms_and_times_the_window(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.site.fail(quiesce_of(110), refuse("no host"))
    progress, screens = Progress(), []

    def draw(record: Record) -> None:
        progress(record)
        screens.append(drawn(progress, 80, 30, record.at))

    run_with(stage, draw)
    assert any("2 of 3 VMs quiesced" in text for text in screens)
    assert any("1 of 2 VMs released" in text for text in screens)  # the third was never quiesced
    assert any("at most 15 min before the capture" in text for text in screens)
    assert "before the capture" not in screens[-2]  # it has been taken


def test_the_window_ends_with_the_last_release(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.site.fail(quiesce_of(110), act_unanswered)  # watched on after the others are released
    progress = progress_of(stage)
    assert progress.last is not None
    much_later = progress.last + timedelta(hours=1)
    assert window(progress.vms, much_later) == window(progress.vms, progress.last)


def test_the_live_screen_ends_with_an_empty_line_for_what_the_terminal_echoes() -> None:
    stream = io.StringIO()
    with ConsoleView(Console(file=stream, width=80, height=24, force_terminal=True), lambda: AT) as view:
        view(Record(AT, BEGAN))
    assert re.match(r"(\x1b\[0m)?\n", re.split(CORNER, stream.getvalue())[1])


def test_the_result_of_recover_stays_on_the_screen() -> None:
    stream = io.StringIO()
    with ConsoleView(Console(file=stream, width=80, height=24, force_terminal=True), lambda: AT) as view:
        view(Record(AT, Failed("web01 is still quiesced", "run `snapall recover` again")))
    assert "remedy: run `snapall recover` again" in stream.getvalue()


def test_the_screen_shows_trouble_first(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.site.vms = [Vm(n, f"vm{n}") for n in range(100, 200)]
    stage.site.fail(quiesce_of(199), refuse("no host"))
    text = drawn(progress_of(stage), 100, 30)
    assert "vm199" in text
    assert "no host" in text


def test_the_screen_can_be_drawn_at_any_time(tmp_path: Path) -> None:
    progress = Progress()
    assert "snapall" in drawn(progress, 80, 24)
    assert "connecting to the filer" in drawn(progress, 80, 24)
    assert len(drawn(progress, 80, 24).splitlines()) == 3  # no empty line before there is something to show
    stage = Stage(tmp_path, replace(JOB, busy_wait=20))
    stage.site.volumes["v"][3] = replace(stage.site.volumes["v"][3], tags=("busy",))
    screens: list[str] = []

    def draw(record: Record) -> None:
        progress(record)
        screens.append(drawn(progress, 80, 30, record.at))

    run_with(stage, draw)
    assert any("● quiesce" in text for text in screens)
    assert any("waiting: vmware_snap4" in text for text in screens)
    assert any("○ release" in text for text in screens)
    assert "✗ rotate" in screens[-1]


def test_the_live_console_leaves_the_summary_on_the_screen(tmp_path: Path) -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=100, height=40, force_terminal=True)
    with ConsoleView(console, lambda: AT) as view:
        run_with(Stage(tmp_path), view)
    text = stream.getvalue()
    assert "exit 0: success" in text
    last = text[text.rindex("exit 0: success") :]
    assert re.search(CORNER, last)
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


def test_the_picture_shows_the_confirmation_and_the_end(tmp_path: Path) -> None:
    path = tmp_path / "night.svg"
    run_with(Stage(tmp_path / "state"), Picture(path))
    text = path.read_text(encoding="utf-8").replace("&#160;", " ")
    assert text.startswith("<svg")
    assert "3 of 3 VMs quiesced" in text
    assert "exit 0: success" in text
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]  # a name, which nobody loads
    assert "@font-face" not in text
    assert set(re.findall("font-family: (.*);", text)) == {"'DejaVu Sans Mono', Menlo, Consolas, monospace"}


def test_the_summary_names_remedies(tmp_path: Path) -> None:
    progress = Progress()
    progress(Record(AT, BEGAN))
    progress(Record(AT, Warned("odd", "check it")))
    progress(Record(AT, Failed("broken", "")))
    stream = io.StringIO()
    console = Console(file=stream, width=80, color_system=None)
    progress(Record(AT, RunEnded(report_with(Exit.FAILED))))
    console.print(ending(progress, 80))
    assert "│   remedy: check it" in stream.getvalue()  # below the text, not below its mark
    assert "exit 1" in stream.getvalue()


@pytest.mark.parametrize(
    ("what", "colour"), [(Warned("the log is full", "free it"), "yellow"), (Failed("no capture", "look"), "red")]
)
def test_a_problem_keeps_its_colour_from_the_moment_it_is_reported(what: Warned | Failed, colour: str) -> None:
    progress = Progress()
    for one in (BEGAN, what):
        progress(Record(AT, one))
    for shown in (screen(progress, AT, 80, 24), ending(progress, 80)):
        segments = Console(width=80, color_system="standard", force_terminal=True).render(shown)
        colours = {
            str(one.style.color.name) for one in segments if what.text in one.text and one.style and one.style.color
        }
        assert colours == {colour}


@pytest.mark.parametrize("encoding", ["cp437", "cp850", "cp1252", "ascii", "utf-8"])
def test_the_screen_is_legible_in_every_code_page(tmp_path: Path, encoding: str) -> None:
    stage = Stage(tmp_path)
    stage.site.vms = [Vm(n, f"vm{n}-{'x' * 60}", "esx1") for n in range(100, 130)]
    progress = progress_of(stage)
    data = io.BytesIO()
    stream = io.TextIOWrapper(data, encoding=encoding, errors=PLAINER, newline="\n")
    console = Console(file=stream, width=80, height=30, color_system=None, force_terminal=True, legacy_windows=False)
    console.print(screen(progress, AT, 80, 30))
    stream.flush()
    lines = data.getvalue().decode(encoding).splitlines()
    assert not [line for line in lines if re.search(r"\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|[?]", line)]
    assert {len(line) for line in lines} == {80}
    assert ("✓" in "".join(lines)) is (encoding == "utf-8")


def test_a_letter_that_a_code_page_lacks_is_escaped_and_never_an_error() -> None:
    assert "vm-Ω ✓ ○".encode("cp1252", PLAINER) == b"vm-\\u03a9 + o"
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", PLAINER)

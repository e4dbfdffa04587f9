"""The console: the state that it folds, its screen at any moment, and what it leaves behind."""

from __future__ import annotations

import io
import os
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from rich.console import Console

from snapall.backup.facts import Failed, Intent, Surveyed, Warned
from snapall.backup.model import Policies, Vm, VmPolicy
from snapall.backup.record import Record, RunEnded
from snapall.backup.record import Stage as Part
from snapall.backup.steps import Quiesce
from snapall.errors import Exit
from snapall.views.console import ConsoleView, Picture, Terminal, ending, screen
from snapall.views.progress import Progress, VmStage, count
from tests.backup.pretended import JOB, Stage, act_unanswered, lose, quiesce_of, refuse, release_of
from tests.views.helpers import AT, BEGAN, heard_by, report_with


def progress_of(stage: Stage) -> Progress:
    progress = Progress()
    heard_by(stage, progress)
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
    assert any("old01 (vm-7) may still have Quiesce-x" in text for text, _ in progress.troubles)
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

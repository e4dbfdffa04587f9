"""What a run that a defect has ended leaves behind, as the state folder tells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from snapall.backup.facts import Answered, Fact, Gone, Intent, Proven, Surveyed
from snapall.backup.journal import journals
from snapall.backup.model import Grade, Vm
from snapall.backup.steps import Capture, Done, Quiesce, Refusal, Release, Unknown
from snapall.errors import Exit
from snapall.operate.aftermath import aftermath
from tests.backup.pretended import JOB, Stage

JOBS = replace(JOB, volumes=("v", "w"))
VM = Vm(110, "sql01")
NEW = "vmware_new_20070322T030000Z"
SURVEYED = Surveyed((), (110,), (), (), ())
ASKED = Intent(1, Quiesce(VM, "Quiesce-20070322T030000Z"))
QUIESCED = Answered(1, Done(ssid="snapshot-1228"), 1.0)
RELEASED = (Intent(4, Release(VM, "snapshot-1228")), Answered(4, Done(), 1.0), Gone(110, "it is not listed"))
CAPTURED = (
    *(Intent(2, Capture("v", NEW)), Answered(2, Done("creating snapshot..."), 1.0)),
    *(Intent(3, Capture("w", NEW)), Answered(3, Done("creating snapshot..."), 1.0)),
)
PROVEN = (Proven("v", NEW, "Mar 22 03:00"), Proven("w", NEW, "Mar 22 03:00"))


@pytest.mark.parametrize(
    ("facts", "code", "left"),
    [
        ((), Exit.FAILED, ()),
        ((SURVEYED,), Exit.FAILED, ()),
        ((SURVEYED, ASKED, Answered(1, Refusal("not started"), 0.1)), Exit.FAILED, ()),
        ((SURVEYED, ASKED, Answered(1, Unknown("it failed", failed=True), 0.1)), Exit.FAILED, ()),
        ((SURVEYED, ASKED), Exit.DEBTS, ("sql01 (vm-110): Quiesce-20070322T030000Z",)),
        ((SURVEYED, ASKED, QUIESCED, *CAPTURED, *PROVEN), Exit.DEBTS, ("sql01 (vm-110): Quiesce-20070322T030000Z",)),
        ((SURVEYED, ASKED, QUIESCED, *RELEASED), Exit.FAILED, ()),
        ((SURVEYED, ASKED, QUIESCED, *CAPTURED, *RELEASED), Exit.FAILED, ()),
        ((SURVEYED, ASKED, QUIESCED, *CAPTURED, *PROVEN[:1], *RELEASED), Exit.FAILED, ()),
        ((SURVEYED, ASKED, QUIESCED, *CAPTURED, *PROVEN, *RELEASED), Exit.PARTIAL, ()),
    ],
)
def test_the_worst_that_the_journal_shows_is_the_exit_code(
    tmp_path: Path, facts: tuple[Fact, ...], code: Exit, left: tuple[str, ...]
) -> None:
    stage = Stage(tmp_path, JOBS)
    stage.begun(*facts)
    found = aftermath(stage.memory, JOBS, ())
    assert found.exit is code
    assert found.report is not None
    assert (found.report.exit, found.report.debts, found.report.stamp) == (code, left, "20070322T030000Z")


def test_a_confirmed_backup_is_reported_with_its_grade_and_its_name(tmp_path: Path) -> None:
    stage = Stage(tmp_path, JOBS)
    stage.begun(SURVEYED, ASKED, QUIESCED, *CAPTURED, *PROVEN, *RELEASED)
    report = aftermath(stage.memory, JOBS, ()).report
    assert report is not None
    assert (report.grade, report.name, report.published) == (Grade.WHOLE, NEW, False)


def test_a_run_that_never_began_has_no_report(tmp_path: Path) -> None:
    stage = Stage(tmp_path, JOBS)
    assert aftermath(stage.memory, JOBS, ()).exit is Exit.FAILED
    assert aftermath(stage.memory, JOBS, ()).report is None
    stage.begun(SURVEYED, ASKED, QUIESCED, *CAPTURED, *PROVEN, *RELEASED)
    found = aftermath(stage.memory, JOBS, journals(stage.memory.folder))
    assert (found.exit, found.report) == (Exit.FAILED, None)


def test_outstanding_work_of_an_earlier_run_counts_and_that_of_another_job_does_not(tmp_path: Path) -> None:
    stage = Stage(tmp_path, JOBS)
    stage.begun(SURVEYED, ASKED)
    other = replace(JOBS, name="other")
    earlier = journals(stage.memory.folder)
    stage.begun(SURVEYED, stamp="20070323T030000Z")
    found = aftermath(stage.memory, JOBS, earlier)
    assert found.exit is Exit.DEBTS
    assert found.report is not None
    assert found.report.stamp == "20070323T030000Z"
    assert aftermath(stage.memory, other, ()).exit is Exit.FAILED


def test_a_journal_that_cannot_be_read_may_name_vms(tmp_path: Path) -> None:
    stage = Stage(tmp_path, JOBS)
    stage.begun(SURVEYED).path.write_text("no journal\n")
    found = aftermath(stage.memory, JOBS, ())
    assert (found.exit, found.report) == (Exit.DEBTS, None)

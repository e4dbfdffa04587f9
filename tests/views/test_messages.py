"""How a run ended, what to do next, and lengths, sizes and steps in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from snapall.backup.model import Grade, Order, Vm
from snapall.backup.steps import Done, Outcome, Refusal, Release, Unknown
from snapall.errors import Exit
from snapall.views import messages
from snapall.views.reports import Retained, list_json, list_lines
from tests.backup.simulated import JOB
from tests.views.helpers import report_with


@pytest.mark.parametrize("code", list(Exit))
def test_every_exit_code_has_a_meaning_and_advice(code: Exit) -> None:
    lines = messages.summary(report_with(code, outstanding=("web01 (vm-7)",) if code is Exit.OUTSTANDING else ()), JOB)
    assert any(line.startswith(f"exit {int(code)}: ") for line in lines)
    assert any(line.startswith("next: ") for line in lines) == (code is not Exit.OK)
    if code is Exit.OUTSTANDING:
        assert "web01 (vm-7)" in lines[0]
        assert "snapall recover" in " ".join(lines)


def test_recover_is_not_advised_where_it_can_do_nothing() -> None:
    unreadable = report_with(Exit.OUTSTANDING)
    assert "snapall recover" not in messages.advice(unreadable, JOB)
    unregistered = replace(unreadable, outstanding=("web01 (vm-7)",), given_up=("web01 (vm-7)",))
    assert "snapall recover" not in messages.advice(unregistered, JOB)
    both = replace(unregistered, outstanding=("web01 (vm-7)", "web02 (vm-8)"))
    assert "snapall recover" in messages.advice(both, JOB)


def test_a_backup_below_publish_is_announced_as_replaced_and_never_published() -> None:
    pending = report_with(Exit.PARTIAL, grade=Grade.CRASH_CONSISTENT, name="vmware_new_s")
    assert messages.summary(pending, JOB)[0] == "vmware_new_s: crash-consistent, pending"
    assert "below `publish` (partial) and stays pending until the next backup replaces it" in messages.advice(
        pending, JOB
    )
    whole = replace(JOB, publish=Grade.WHOLE)
    assert "below `publish` (whole)" in messages.advice(replace(pending, grade=Grade.PARTIAL), whole)


def test_a_good_pending_backup_is_announced_as_published_by_the_next_run() -> None:
    pending = report_with(Exit.PARTIAL, grade=Grade.PARTIAL, name="vmware_new_s")
    assert "the next run, or `snapall recover`, publishes vmware_new_s" in messages.advice(pending, JOB)
    paper = replace(JOB, publish=Grade.CRASH_CONSISTENT)
    assert "publishes vmware_new_s" in messages.advice(replace(pending, grade=Grade.CRASH_CONSISTENT), paper)


def test_a_report_says_where_its_backup_is() -> None:
    published = report_with(Exit.PARTIAL, grade=Grade.PARTIAL, name="vmware_recent", published=True)
    assert messages.place(published, JOB) == "published"
    assert messages.place(replace(published, name="before-upgrade"), JOB) == "kept outside the rotation"
    assert "publishes" not in messages.advice(published, JOB)
    assert messages.grade(report_with(Exit.FAILED)) == "no backup"


def test_only_safe_order_promises_that_the_retained_backups_are_unchanged() -> None:
    failed = report_with(Exit.FAILED)
    assert "retained backups are unchanged" in messages.advice(failed, JOB)
    assert "retained" not in messages.advice(failed, replace(JOB, order=Order.PAPER))


def test_durations_read_as_people_write_them() -> None:
    assert [messages.clocked(s) for s in (3.21, 250, 900, 7500, 7200)] == [
        "3.2 s",
        "4 min 10 s",
        "15 min",
        "2 h 5 min",
        "2 h",
    ]


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
        (Unknown("lost"), "releasing vm-7, outcome unknown: lost"),
    ],
)
def test_each_outcome_of_a_step_has_a_message(outcome: Outcome, text: str) -> None:
    assert messages.done(Release(Vm(7), "snapshot-1"), outcome) == text


def test_a_size_has_a_fitting_unit() -> None:
    sizes = [None, 0, 1023, 1024, 1024**2 - 1, 50 * 1024**3, 2**63]
    written = ["unknown", "0 B", "1023 B", "1.0 KiB", "1.0 MiB", "50.0 GiB", "8192.0 PiB"]
    assert [messages.size(one) for one in sizes] == written

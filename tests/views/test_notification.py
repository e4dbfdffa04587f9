"""The number of an event: that of the worst message of a run, or its exit code."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from snapall.backup.facts import Failed, Warned
from snapall.backup.record import Record, What
from snapall.errors import Exit
from snapall.views.notification import of_recovery, of_run, of_test
from tests.backup.simulated import JOB

WARNED, FAILED, UNCODED = Warned("w", "", "SA-1422"), Failed("f", "", "SA-1101"), Failed("x", "")


@pytest.mark.parametrize(
    ("heard", "code", "event"),
    [
        ((), Exit.OK, 0),
        ((), Exit.OUTSTANDING, 5),
        ((WARNED,), Exit.OK, 1422),
        ((WARNED, FAILED, Failed("g", "", "SA-1102")), Exit.FAILED, 1101),
        ((UNCODED,), Exit.FAILED, 1),
    ],
)
def test_an_event_has_the_number_of_the_worst_message_or_else_the_exit_code(
    heard: tuple[What, ...], code: Exit, event: int
) -> None:
    records = [Record(datetime.now(UTC), what) for what in heard]
    made = of_run(JOB, code, records, "host")
    assert (made.event, made.code) == (event, code)


def test_a_test_message_and_a_recovery_have_a_number_too() -> None:
    assert of_test("host").event == 0
    recovery = of_recovery("recover", Exit.OUTSTANDING, [Record(datetime.now(UTC), FAILED)], "host")
    assert recovery is not None
    assert recovery.event == 1101

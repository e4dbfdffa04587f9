"""The doctor's findings, as a person reads them."""

from __future__ import annotations

import pytest

from snapall.operate.doctor.checklist import CheckResult, Mark
from snapall.views.doctor import doctor_json, doctor_lines

WELL = [CheckResult("log", "", Mark.OK, "snapall.log"), CheckResult("snap list", "vmvol1", Mark.OK, "understood")]
ILL = [
    *WELL,
    CheckResult("space", "vmvol1", Mark.WARNING, "2 % is free", "make room"),
    CheckResult("filer login", "filer1", Mark.FAILURE, "refused \x1b[31m", "look at `user`"),
    CheckResult("version", "filer1", Mark.NOT_TRIED, "for want of filer login of filer1"),
]


def test_without_a_problem_one_line_says_so() -> None:
    assert doctor_lines(WELL, 0)[-1] == "no problems: 2 checks"


def test_the_last_line_counts_each_kind() -> None:
    assert doctor_lines(ILL, 0)[-1] == "1 problem, 1 warning, 1 not tried"


def test_with_warnings_alone_a_backup_can_be_taken() -> None:
    assert doctor_lines(ILL[:3], 0)[-1] == "0 problems, 1 warning; a backup can be taken"


@pytest.mark.parametrize("width", [40, 59, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(map(len, doctor_lines(ILL, width))) <= width


def test_long_findings_stay_in_their_column() -> None:
    long = CheckResult("version", "filer1", Mark.WARNING, "text " * 24, "remedy " * 24)
    lines = doctor_lines([*WELL, long], 70)[2:-2]
    at = lines[0].index("text")
    texts = [line for line in lines if "text" in line]
    remedies = [line for line in lines if "remedy" in line]
    assert len(texts) > 1
    assert len(remedies) > 1
    assert {line.index("text") for line in texts} == {at}
    assert {line.rindex("  ") for line in remedies[1:]} == {len("    remedy: ") - 2}


def test_no_text_plays_tricks_on_the_terminal() -> None:
    assert all(line.isprintable() for line in doctor_lines(ILL, 0))


def test_each_problem_has_its_remedy_below_it() -> None:
    lines = doctor_lines(ILL, 0)
    at = next(n for n, line in enumerate(lines) if line.startswith("[FAIL]"))
    assert lines[at + 1] == "    remedy: look at `user`"


def test_programs_get_the_same() -> None:
    body = doctor_json(ILL)
    assert body["schema"] == 1
    assert body["well"] is False
    assert doctor_json(WELL)["well"] is True
    assert isinstance(body["links"], list)
    assert body["links"][0] == {"link": "log", "of": None, "mark": "ok", "text": "snapall.log", "remedy": None}

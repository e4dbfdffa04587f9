"""A batch's good night beside snapall's: what is sent by both stands on one row, and each difference has its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from snapall.app.compare import BatchBeside, compare, of_file
from snapall.backup.model import Order
from snapall.config.batch.compared import Row
from snapall.config.batch.source import source_of
from snapall.config.load import load, with_order
from snapall.views.compared import compared_lines, notice_lines
from tests.config.batches import BATS


def rows_of(name: str, order: Order) -> tuple[Row, ...]:
    path = BATS / f"{name}.bat"
    config = load(path, {})
    jobs = tuple(with_order(job, order) for job in config.jobs.values())
    return compare(source_of(path).batch, config, jobs)[0].rows


def test_in_safe_order_the_rotation_moves_behind_the_capture_and_every_difference_has_a_reason() -> None:
    rows = rows_of("filled", Order.SAFE)
    both = [(row.batch.split()[-1], row.snapall.split()[-1]) for row in rows if row.batch and row.snapall]
    assert ("Quiesce", "Quiesce-UTC") in both
    assert ("vmware_recent", "vmware_new_UTC") in both
    moved = [row for row in rows if "snap delete" in row.batch + row.snapall or "snap rename" in row.batch]
    assert {row.why[:2] for row in moved} == {"2:"}
    assert all(row.why for row in rows if not row.batch or not row.snapall)
    quiesces = [row for row in rows if " -c " in row.batch]
    assert [row.line for row in quiesces] == [35, 35]
    assert all(row.why.startswith("1: the batch gives no user") and " -u -p ***" in row.batch for row in quiesces)


def test_in_paper_order_every_changing_command_of_the_batch_is_one_of_snapall() -> None:
    rows = rows_of("filled", Order.PAPER)
    changing = [row for row in rows if row.batch and "osql" not in row.batch]
    assert len(changing) == 9
    assert all(row.snapall for row in changing)
    for row in changing:
        if row.batch.startswith("rsh"):
            assert row.batch == row.snapall


@pytest.mark.parametrize("name", ["filled", "rsh_password", "another_hand"])
def test_no_password_stands_in_a_comparison(name: str) -> None:
    text = str(rows_of(name, Order.SAFE))
    config = load(BATS / f"{name}.bat", {})
    assert all(one.reveal() not in text.replace("%vc_user%", "") for one in config.passwords)


def test_each_job_of_a_batch_has_its_own_rows() -> None:
    path = BATS / "two_sequences.bat"
    config = load(path, {})
    found = of_file(path, config, tuple(config.jobs.values())).jobs
    assert [one.job for one in found] == ["vmvol1", "vmvol2"]
    assert all("vmvol2" in row.batch for row in found[1].rows if row.batch.startswith("rsh"))


def test_a_toml_is_compared_with_nothing() -> None:
    config = load(BATS / "filled.bat", {})
    assert of_file(Path("snapall.toml"), config, tuple(config.jobs.values())) == BatchBeside()


def test_the_view_shows_line_both_commands_and_the_reason() -> None:
    lines = compared_lines("snapall.bat", "vmvol1", [Row(20, "rsh a", "rsh b", "2: it rotates")], 0)
    assert lines[0].startswith("job vmvol1: what snapall.bat sends")
    assert lines[2].split() == ["20", "rsh", "a", "rsh", "b", "a"]
    assert lines[-1] == "  a  2: it rotates"
    assert "20  rsh a" in lines[2]


def test_what_is_not_taken_over_is_named_with_its_line() -> None:
    path = BATS / "server_option.bat"
    config = load(path, {})
    beside = of_file(path, config, tuple(config.jobs.values()))
    lines = notice_lines(path.name, beside.notices, 0)
    assert [line.strip() for line in lines[1::2]] == [
        "line 2: net use is not imported",
        "line 54: blat is not imported",
    ]
    assert "s3cret" not in str(lines)
    assert notice_lines(path.name, (), 0) == []
    narrow = notice_lines(path.name, beside.notices, 40)
    assert max(map(len, narrow)) <= 40
    assert " ".join(" ".join(narrow).split()) == " ".join(" ".join(lines).split())

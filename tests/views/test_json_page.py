"""docs/json.md names every event with its members, and what each command shows."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from snapall.backup.facts import Fact
from snapall.backup.record import Notice
from snapall.operate.doctor.checklist import CheckResult, Mark
from snapall.operate.history import past
from snapall.operate.statistics import statistics
from snapall.site.datastores import Inventory
from snapall.views.doctor import doctor_json
from snapall.views.json_root import SCHEMA, root, snake
from snapall.views.reports import Retained, Taken, datastore_json, list_json
from snapall.views.run_json import run_json
from snapall.views.statistics import stats_json
from snapall.views.status import status_json
from tests.backup.simulated import JOB, quiesce_of, refuse
from tests.operate.slow_runs import job_status_of, run_history_of, slow_stage

PAGE = (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8")
ROWS = {row[0]: row[1] for row in re.findall(r"^\| `(\w+)` \| ([^|]*)\|", PAGE, flags=re.MULTILINE)}
EVENTS = (*Fact.__args__, *Notice.__args__)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: snake(kind.__name__))
def test_every_event_is_on_the_page_with_all_its_members(kind: type) -> None:
    named = set(re.findall(r"`(\w+)`", ROWS[snake(kind.__name__)]))
    assert {one.name for one in fields(kind)} <= named


def test_the_page_names_the_schema() -> None:
    assert f"`schema` is a number, {SCHEMA} today" in PAGE
    assert root(jobs=[]) == {"schema": SCHEMA, "jobs": []}


@pytest.mark.parametrize(
    ("command", "body"),
    [
        ("list", list_json([Retained("v", "vmware_recent", "Mar 22 03:00", (), "unknown", "")])),
        ("datastores", datastore_json([Taken(Inventory(688, "san", 19, None, None), ("vol1",))])),
        ("doctor", doctor_json([CheckResult("log", "", Mark.OK, "snapall.log")])),
    ],
)
def test_what_a_command_shows_is_on_the_page(command: str, body: dict[str, object]) -> None:
    assert _members(body) - {"schema"} <= set(re.findall(r"`(\w+)`", ROWS[command]))


def test_what_comes_from_the_journals_is_on_the_page(tmp_path: Path) -> None:
    stage = slow_stage(tmp_path)
    stage.site.fail(quiesce_of(110), refuse("too many snapshots"))
    stage.night()
    shown = [status_json([job_status_of(stage)]), run_json(run_history_of(stage))]
    shown.append(stats_json([statistics(JOB.name, past(stage.store, JOB.name).runs, 4)]))
    assert set().union(*map(_members, shown)) <= {"schema", *re.findall(r"`(\w+)`", PAGE)}


def _members(value: object) -> set[str]:
    """The names of all members, however deep."""
    match value:
        case dict():
            return {str(key) for key in value}.union(*map(_members, value.values()))
        case list():
            return set().union(*map(_members, value))
        case _:
            return set()

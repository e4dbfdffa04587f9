"""docs/json.md names every event with its members, and what each command shows."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from snapall.backup.record import Fact, Notice
from snapall.operate.doctor.links import Mark, Result
from snapall.site.datastores import Inventory
from snapall.views.examination import doctor_json
from snapall.views.json_root import SCHEMA, root
from snapall.views.jsonlines import snake
from snapall.views.reports import Retained, Taken, datastore_json, list_json

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
        ("doctor", doctor_json([Result("log", "", Mark.OK, "snapall.log")])),
    ],
)
def test_what_a_command_shows_is_on_the_page(command: str, body: dict[str, object]) -> None:
    assert {*body, *_members(body)} - {"schema"} <= set(re.findall(r"`(\w+)`", ROWS[command]))


def _members(body: dict[str, object]) -> set[str]:
    return {key for value in body.values() if isinstance(value, list) for one in value for key in one}

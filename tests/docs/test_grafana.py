"""docs/grafana/snapall.json: every panel asks for metrics that exist, and has what Grafana needs to show it."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from snapall.errors import Exit
from snapall.views.prometheus import LAG, METRICS

ROOT = Path(__file__).parents[2]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "docs" / "grafana" / "snapall.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
QUERIES = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]
NAMES = {name for name, _ in (*METRICS, LAG)}
TOKEN = re.compile(r'\{job_name=~"\$job"\}|[a-z_]+\b|[-+*/()>]|[0-9.]+|\s+')


def named(expression: str) -> set[str]:
    """The metrics of an expression, all of which must be understood."""
    assert "".join(TOKEN.findall(expression)) == expression
    return {one for one in TOKEN.findall(expression) if re.fullmatch(r"[a-z_]+", one)} - {"time"}


@pytest.mark.parametrize(("title", "expression"), QUERIES)
def test_every_metric_of_a_panel_exists(title: str, expression: str) -> None:
    assert named(expression)
    assert named(expression) <= NAMES
    assert expression.count("(") == expression.count(")")


def test_a_metric_that_does_not_exist_would_be_found() -> None:
    assert named('time() - snapall_backup_time{job_name=~"$job"}') - NAMES == {"snapall_backup_time"}


def test_every_question_of_an_operator_has_a_panel() -> None:
    asked = {name for _, expression in QUERIES for name in named(expression)}
    assert asked >= {
        "snapall_backup_timestamp_seconds",
        "snapall_backup_vms_quiesced",
        "snapall_backup_window_seconds",
        "snapall_vms_left",
        "snapall_vms_without_proof",
        "snapall_mounts",
        "snapall_mounts_due",
        "snapall_replica_lag_seconds",
        "snapall_last_run_duration_seconds",
        "snapall_last_run_exit_code",
    }


def test_the_jobs_to_choose_from_come_from_a_metric_that_every_job_has() -> None:
    names = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
    assert set(names) == {"datasource", "job"}
    assert names["job"]["query"]["query"] == "label_values(snapall_status, job_name)"
    assert "snapall_status" in NAMES


def test_every_panel_has_a_place_of_its_own_and_the_chosen_source() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    for panel in PANELS:
        place = panel["gridPos"]
        assert 0 <= place["x"] <= place["x"] + place["w"] <= 24
        for one in (panel, *panel["targets"]):
            assert one["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    for one, other in combinations((panel["gridPos"] for panel in PANELS), 2):
        apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert apart or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]


def test_the_panel_of_the_exit_code_names_every_code_of_a_run() -> None:
    panel = next(panel for panel in PANELS if panel["title"].startswith("Exit code"))
    (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
    assert set(mapping["options"]) == {"-1", *(str(int(code)) for code in Exit if code is not Exit.USAGE)}


def test_the_rules_to_alert_on_ask_for_metrics_that_exist() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rules = re.findall(r"^  expr: (.*)$", page, re.MULTILINE)
    assert rules
    assert all(named(rule) <= NAMES for rule in rules)

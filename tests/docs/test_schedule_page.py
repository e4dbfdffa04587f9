"""The lines for cron that docs/schedule.md shows are those that `snapall schedule` writes."""

from __future__ import annotations

from pathlib import Path

from snapall.operate.schedule.cron import lines_of
from snapall.operate.schedule.task import Task


def test_the_page_shows_the_lines_as_they_are_written() -> None:
    page = (Path(__file__).parents[2] / "docs/schedule.md").read_text(encoding="utf-8")
    config = "/etc/snapall/snapall.toml"
    task = Task(("/opt/snapall/bin/snapall",), config, "/etc/snapall", "backup", 3, 0)
    assert f"```text\n{lines_of(task).text}```\n" in page
